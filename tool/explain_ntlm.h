/* What the two halves of explaining NTLM share: explain_ntlm.c shows messages one by one, verify_ntlm.c looks at an
 * exchange as a whole. */
#ifndef OPENSSPI_TOOL_EXPLAIN_NTLM_H
#define OPENSSPI_TOOL_EXPLAIN_NTLM_H

#include "exchange.h"
#include "login.h"
#include "ntlm/authenticate.h"
#include "ntlm/av_pairs.h"
#include "ntlm/challenge.h"
#include "ntlm/negotiate.h"

/* NTLMv2_RESPONSE (MS-NLMP 2.2.2.8): the proof and what it protects. */
struct ntlm_v2_view {
    struct bytes proof;            /* 16 bytes */
    struct bytes temp;             /* everything after the proof, as on the wire */
    uint8_t version, high_version; /* 1, 1 */
    uint64_t time;
    struct bytes client_challenge; /* 8 bytes */
    struct bytes pairs;            /* the AV pairs and what follows them */
    bool pairs_good;
    struct ntlm_av_pairs av; /* of `pairs`, when they are good */
};

/* 1, 2 or 3; 0 for bytes without NTLM's signature. */
uint32_t explain_ntlm_type(struct bytes token);

/* Takes an NTLMv2 response apart; false when it is too short to be one.  Borrows. */
bool explain_ntlm_response(struct bytes nt_response, struct ntlm_v2_view *out);

/* The slots of struct explainer. */
void explain_ntlm_compare(const struct exchange *exchange, struct json_object *odd);
struct json_object *explain_ntlm_verify(const struct exchange *exchange, const struct login *login);
int explain_ntlm_signature(const struct exchange *exchange, const struct login *login, bool from_client,
                           struct bytes data, struct bytes signature);

#endif
