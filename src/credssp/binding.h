/* How CredSSP binds the TLS channel: by the server's public key, sealed with the session of the inner logon (MS-CSSP 3.1.5). */
#ifndef OPENSSPI_CREDSSP_BINDING_H
#define OPENSSPI_CREDSSP_BINDING_H

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"

#define BINDING_HASH_SIZE 32

/* The plaintext of pubKeyAuth.  `key` is the content of the certificate's subjectPublicKey, without the octet of unused bits.
 *
 *   version >= 5   SHA-256 of a text for the direction with its NUL, the client's nonce and the key
 *   before         the key; from the server, with its first byte one higher
 *
 * SEC_E_INVALID_TOKEN for a key of no bytes; SEC_E_INSUFFICIENT_MEMORY. */
STATUS binding_make(uint32_t version, bool from_client, struct bytes nonce, struct bytes key, struct secret *out);

/* SEC_E_MESSAGE_ALTERED when `received` is not that: somebody else has the TLS channel's other end. */
STATUS binding_check(struct bytes expected, struct bytes received);

#endif
