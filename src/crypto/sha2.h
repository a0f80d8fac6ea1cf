/* SHA-256 and SHA-512/256 (FIPS 180-4), from Nettle: for the Digest hashes of accounts and for Digest itself. */
#ifndef OPENSSPI_CRYPTO_SHA2_H
#define OPENSSPI_CRYPTO_SHA2_H

#include "base/bytes.h"

#define SHA2_256_SIZE 32

/* The digest of the concatenation of `count` parts. */
void sha256(const struct bytes *parts, size_t count, uint8_t out[SHA2_256_SIZE]);

/* SHA-512/256 proper, with its own initial value: not SHA-512 cut short. */
void sha512_256(const struct bytes *parts, size_t count, uint8_t out[SHA2_256_SIZE]);

#endif
