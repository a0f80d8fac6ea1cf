/* SPNEGO's tokens (RFC 4178 4.2, MS-SPNG 2.2.1), tags explicit:
 *
 *     NegTokenInit   60 L OID a0 L 30 L { a0 mechTypes, a1 reqFlags, a2 mechToken, a3 mechListMIC }
 *     NegTokenInit2  the same with a3 negHints { a0 hintName, a1 hintAddress } and a4 mechListMIC; the server's
 *     NegTokenResp   a1 L 30 L { a0 negState, a1 supportedMech, a2 responseToken, a3 mechListMIC }
 *
 * Init and Init2 are told apart by what is inside a3.  DER goes out; BER comes in, with or without the frame.
 */
#ifndef OPENSSPI_NEGOTIATE_NEG_TOKEN_H
#define OPENSSPI_NEGOTIATE_NEG_TOKEN_H

#include "base/bytes.h"
#include "base/status.h"
#include "wire/writer.h"

#define NEG_OID_MAX   24 /* longer ones belong to nobody we know */
#define NEG_MECHS_MAX 32 /* what a peer lists behind these is not looked at */

enum neg_token_kind { NEG_TOKEN_INIT, NEG_TOKEN_INIT2, NEG_TOKEN_RESP };

enum neg_state { NEG_ACCEPT_COMPLETED, NEG_ACCEPT_INCOMPLETE, NEG_REJECT, NEG_REQUEST_MIC };

/* An OID with its tag and length; of size 0 when it was longer than NEG_OID_MAX. */
struct neg_oid {
    uint8_t size;
    uint8_t der[NEG_OID_MAX];
};

static inline struct bytes neg_oid_bytes(const struct neg_oid *oid)
{
    return bytes_of(oid->der, oid->size);
}

/* A member whose data is NULL is absent.  The slices of a parsed token live until neg_token_free. */
struct neg_token {
    enum neg_token_kind kind;
    struct bytes mech_types;             /* Init: the MechTypeList, SEQUENCE and all, byte for byte as it was sent */
    struct neg_oid mechs[NEG_MECHS_MAX]; /* parsed from it */
    size_t mech_count;
    struct bytes hint_name; /* Init2 */
    bool has_state;         /* Resp */
    enum neg_state state;
    struct neg_oid mech; /* Resp: supportedMech; of size 0 when absent */
    bool has_mech;
    struct bytes token; /* mechToken or responseToken */
    struct bytes mic;
    void *owner, *hints_owner;
};

/* SEC_E_INVALID_TOKEN. */
STATUS neg_token_parse(struct bytes token, struct neg_token *out);

void neg_token_free(struct neg_token *token);

#define AUTO_NEG_TOKEN __attribute__((cleanup(neg_token_free))) struct neg_token

/* Appends the MechTypeList of these OIDs. */
STATUS neg_mech_types_build(const struct neg_oid *const *mechs, size_t count, struct writer *out);

/* Appends a token: Init and Init2 framed, from `mech_types`, `token`, `hint_name`, `mic`; Resp from its own members.
 * SEC_E_INSUFFICIENT_MEMORY; SEC_E_BUFFER_TOO_SMALL. */
STATUS neg_token_build(const struct neg_token *token, struct writer *out);

#endif
