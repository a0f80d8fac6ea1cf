/* Hashes of certificates and of their parts, by OpenSSL's names. */
#ifndef OPENSSPI_CERT_HASH_H
#define OPENSSPI_CERT_HASH_H

#include "base/bytes.h"
#include "base/status.h"

#define HASH_MAX 64

/* Up to HASH_MAX bytes.  CRYPT_E_UNKNOWN_ALGO when this machine's OpenSSL has no such digest. */
STATUS hash_of(const char *digest, struct bytes data, uint8_t *out, size_t *out_size);

#endif
