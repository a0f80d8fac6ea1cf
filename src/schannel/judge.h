/* Whether the peer's certificate will do: OpenSSL's callbacks in front of cert/verify.h. */
#ifndef OPENSSPI_SCHANNEL_JUDGE_H
#define OPENSSPI_SCHANNEL_JUDGE_H

#include <openssl/ssl.h>

#include "base/status.h"

/* For SSL_CTX_set_cert_verify_callback.  Leaves the verdict in the context, and the error that makes OpenSSL send the right
 * alert in the store context. */
int judge_peer(X509_STORE_CTX *store, void *argument);

/* For SSL_CTX_set_tlsext_status_cb: under TLS 1.2 the OCSP response comes behind the certificate (RFC 6066 8), and a verdict
 * that waited for it falls here. */
int judge_staple(SSL *ssl, void *argument);

/* What the automatic validation has found of the peer's certificate; where the handshake was without one, or resumed a
 * session, what it finds now.  SEC_E_NO_CREDENTIALS when the peer has shown none; SEC_E_INSUFFICIENT_MEMORY. */
struct schannel_context;
STATUS judge_report(struct schannel_context *context, uint32_t *out_chain_errors, int32_t *out_policy_error);

#endif
