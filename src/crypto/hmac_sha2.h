/* HMAC (RFC 2104) with SHA-256 and SHA-384, from Nettle: no allocation, no look-up, nothing that fails.  For the
 * key schedules of TLS. */
#ifndef OPENSSPI_CRYPTO_HMAC_SHA2_H
#define OPENSSPI_CRYPTO_HMAC_SHA2_H

#include <nettle/hmac.h>

#include "base/bytes.h"

/* Keys that have been absorbed.  As secret as the keys: secret_wipe() them. */
struct hmac_sha256_key {
    struct hmac_sha256_ctx state;
};

struct hmac_sha384_key {
    struct hmac_sha512_ctx state; /* SHA-384's is SHA-512's */
};

void hmac_sha256_key(struct hmac_sha256_key *key, struct bytes secret);
void hmac_sha384_key(struct hmac_sha384_key *key, struct bytes secret);

/* The code of the concatenation of `count` parts; `out` may be one of them. */
void hmac_sha256(struct hmac_sha256_key *key, const struct bytes *parts, size_t count, uint8_t out[32]);
void hmac_sha384(struct hmac_sha384_key *key, const struct bytes *parts, size_t count, uint8_t out[48]);

#endif
