/* Private keys: where they come from. */
#ifndef OPENSSPI_CERT_KEY_H
#define OPENSSPI_CERT_KEY_H

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/status.h"

/* Loads a private key; EVP_PKEY_free.
 *
 *   place   "pkcs11:..." (RFC 7512), "file:..." (RFC 8089), or the path of a PEM or DER file
 *   pin     of the token, or the password of the file; may be empty.  Nobody is ever asked at a terminal
 *
 * SEC_E_UNKNOWN_CREDENTIALS when there is no such key or it cannot be opened with this password;
 * SEC_E_UNSUPPORTED_FUNCTION for a pkcs11: URI on a machine without the provider or the engine "pkcs11";
 * SEC_E_INSUFFICIENT_MEMORY. */
STATUS key_load(const char *place, struct bytes pin, EVP_PKEY **out);

/* The same from memory: PEM (whatever else stands in it) or DER. */
STATUS key_parse(struct bytes text, struct bytes pin, EVP_PKEY **out);

/* From a PKCS#11 token (key_token.c). */
STATUS key_load_token(const char *uri, struct bytes pin, EVP_PKEY **out);

/* Password callback of OpenSSL's readers; `pin` is a struct bytes.  An empty one refuses instead of asking. */
int key_password(char *buffer, int size, int for_writing, void *pin);

/* Reads a file of at most FILE_MAX bytes; the memory is wiped with secret_free.  CRYPT_E_FILE_ERROR with errno set. */
struct secret;
STATUS file_read(const char *path, struct secret *out);

#define CERT_FILE_MAX (16u << 20)

#endif
