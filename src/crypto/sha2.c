#include "crypto/sha2.h"

#include <nettle/sha2.h>

#include "base/secret.h"

void sha256(const struct bytes *parts, size_t count, uint8_t out[SHA2_256_SIZE])
{
    struct sha256_ctx state;
    sha256_init(&state);
    for (size_t i = 0; i < count; i++) {
        sha256_update(&state, parts[i].size, parts[i].data);
    }
    sha256_digest(&state, SHA2_256_SIZE, out);
    secret_wipe(&state, sizeof state);
}

void sha512_256(const struct bytes *parts, size_t count, uint8_t out[SHA2_256_SIZE])
{
    struct sha512_256_ctx state;
    sha512_256_init(&state);
    for (size_t i = 0; i < count; i++) {
        sha512_update(&state, parts[i].size, parts[i].data);
    }
    sha512_256_digest(&state, SHA2_256_SIZE, out);
    secret_wipe(&state, sizeof state);
}
