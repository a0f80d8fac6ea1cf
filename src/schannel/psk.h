/* Keys that both sides have already (RFC 4279, RFC 5487, RFC 5489): SCH_USE_PRESHAREDKEY_ONLY, with SECBUFFER_PRESHARED_KEY and
 * SECBUFFER_PRESHARED_KEY_IDENTITY among the first call's input.
 *
 * Such a credential knows the suites of pre-shared keys alone, of TLS 1.2 and before; no certificate is shown or judged, and no
 * session is kept: each connection proves that its peer has the key.
 */
#ifndef OPENSSPI_SCHANNEL_PSK_H
#define OPENSSPI_SCHANNEL_PSK_H

#include "schannel/context.h"

static inline bool psk_only(const struct schannel_credential *credential)
{
    return (credential->flags & SCH_USE_PRESHAREDKEY_ONLY) != 0;
}

/* The callbacks of an SSL_CTX for such a credential. */
void psk_prepare(SSL_CTX *ssl_ctx, bool server);

/* Keeps the first call's key and name for the handshake that has begun.  SEC_E_NO_CREDENTIALS: the credential wants them, and
 * they are not there; SEC_E_UNSUPPORTED_FUNCTION: they are there without SCH_USE_PRESHAREDKEY_ONLY; SEC_E_INVALID_TOKEN: one that
 * is empty, or too long, or larger than its buffer, or a name with a NUL; SEC_E_INSUFFICIENT_MEMORY. */
STATUS psk_take(struct schannel_context *context, const struct step_in *in);

#endif
