#include "crypto/hmac_sha2.h"

void hmac_sha256_key(struct hmac_sha256_key *key, struct bytes secret)
{
    hmac_sha256_set_key(&key->state, secret.size, secret.data);
}

void hmac_sha384_key(struct hmac_sha384_key *key, struct bytes secret)
{
    hmac_sha384_set_key(&key->state, secret.size, secret.data);
}

/* Nettle's digest functions leave the state as it was after the key. */
void hmac_sha256(struct hmac_sha256_key *key, const struct bytes *parts, size_t count, uint8_t out[32])
{
    for (size_t i = 0; i < count; i++) {
        hmac_sha256_update(&key->state, parts[i].size, parts[i].data);
    }
    hmac_sha256_digest(&key->state, 32, out);
}

void hmac_sha384(struct hmac_sha384_key *key, const struct bytes *parts, size_t count, uint8_t out[48])
{
    for (size_t i = 0; i < count; i++) {
        hmac_sha384_update(&key->state, parts[i].size, parts[i].data);
    }
    hmac_sha384_digest(&key->state, 48, out);
}
