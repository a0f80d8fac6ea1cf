/* Channel bindings: the caller's SEC_CHANNEL_BINDINGS(_EX), the hash that NTLM, Kerberos and Digest carry, and the table
 * by which a server judges what the client sent (Extended Protection for Authentication).
 */
#ifndef OPENSSPI_CORE_BINDINGS_H
#define OPENSSPI_CORE_BINDINGS_H

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"

struct channel_bindings {
    bool present;
    bool audit; /* SEC_CHANNEL_BINDINGS_AUDIT_BINDINGS: report, never refuse */
    uint32_t initiator_type, acceptor_type;
    struct bytes initiator, acceptor, application;
};

/* Takes a SECBUFFER_CHANNEL_BINDINGS apart; an empty one gives present = false.  Slices borrow.
 * SEC_E_INVALID_TOKEN when it is shorter than its header or an offset or length leaves it. */
STATUS bindings_parse(struct bytes buffer, struct channel_bindings *out);

/* MD5 of the gss_channel_bindings_struct (RFC 4121 4.1.1.2, MS-NLMP 2.2.2.1 MsvAvChannelBindings). */
void bindings_hash(const struct channel_bindings *bindings, struct key16 *out);

/* What the client sent. */
enum bindings_sent { BINDINGS_NOT_SENT, BINDINGS_ZERO, BINDINGS_HASH };

/* The verdict.  `request` is ASC_REQ_* (ALLOW_MISSING_BINDINGS, PROXY_BINDINGS), `expected` the hash of `server`, `hash`
 * the client's.  `out_result` receives SEC_CHANNEL_BINDINGS_RESULT_* bits whatever the verdict.
 * SEC_E_OK; SEC_E_BAD_BINDINGS. */
STATUS bindings_judge(const struct channel_bindings *server, uint32_t request, enum bindings_sent sent,
                      const uint8_t *hash, uint32_t *out_result);

#endif
