/* The key schedules of TLS 1.2 and 1.3 (RFC 5246 5, RFC 8446 7.1), as a provider of algorithms that OpenSSL's handshakes
 * use in place of OpenSSL's own.  Why:
 *   - record.c needs the secrets that a handshake agrees on.  OpenSSL tells them to nobody but a key log, in hexadecimal,
 *     which takes a tenth of a resumption; whoever derives them just has them.
 *   - OpenSSL 3.0's own spend most of their time on looking up and allocating what an HMAC needs; ours does neither.
 *
 * Done here: HMAC-SHA-256 and HMAC-SHA-384, with all parameters given to EVP_KDF_derive(), which is how libssl calls.
 * Anything else (TLS 1.0's MD5 with SHA-1, another digest, parameters that are set beforehand) goes to OpenSSL's own
 * implementation, so that nothing that worked stops working.
 *
 * The algorithms live in the library context of certificates (cert/library.h), and are taken by who asks for the property
 * KDF_PROPERTIES: it prefers them and forbids nothing else. */
#ifndef OPENSSPI_SCHANNEL_KDF_H
#define OPENSSPI_SCHANNEL_KDF_H

#include "base/bytes.h"
#include "base/status.h"

#define KDF_PROPERTIES "?provider=sspi"

/* What a handshake derives while somebody listens.  The bytes are secret, and gone after the call. */
struct kdf_listener {
    /* TLS 1.3: client_ or server_application_traffic_secret_0, at the moment when OpenSSL puts it to use. */
    void (*traffic_secret)(void *argument, bool client, struct bytes secret);
    /* TLS 1.2: the key block, at least as long as the suite needs (RFC 5246 6.3). */
    void (*key_block)(void *argument, struct bytes block);
    void *argument;
};

/* Puts the provider into cert_libctx(), once for the process; any number of threads may call it at once.
 * SEC_E_INSUFFICIENT_MEMORY: OpenSSL did not take it. */
STATUS kdf_provide(void);

/* From now on this thread's derivations are told to `listener`, which the caller keeps; NULL: to nobody. */
void kdf_listen(const struct kdf_listener *listener);

#endif
