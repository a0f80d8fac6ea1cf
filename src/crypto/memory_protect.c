#include "crypto/memory_protect.h"

#include <stdbool.h>

#include <nettle/chacha.h>
#include <nettle/hmac.h>

#include "base/secret.h"

#define ROUNDS 10

static void add_number(struct hmac_sha256_ctx *mac, uint64_t number)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(number >> 8 * i);
    }
    hmac_sha256_update(mac, sizeof bytes, bytes);
}

static void add_bytes(struct hmac_sha256_ctx *mac, struct bytes bytes)
{
    if (bytes.size != 0) {
        hmac_sha256_update(mac, bytes.size, bytes.data);
    }
}

/* The key of these data: the caller's key, bound to the tweak and the size. */
static void tweaked_key(const uint8_t *key, const struct bytes *tweak, size_t count, size_t size, uint8_t *out)
{
    struct hmac_sha256_ctx mac;
    hmac_sha256_set_key(&mac, MEMORY_KEY_SIZE, key);
    add_number(&mac, size);
    for (size_t i = 0; i < count; i++) {
        add_number(&mac, tweak[i].size);
        add_bytes(&mac, tweak[i]);
    }
    hmac_sha256_digest(&mac, MEMORY_KEY_SIZE, out);
    secret_wipe(&mac, sizeof mac);
}

/* target ^= F(round, source) */
static void round_function(const uint8_t *key, unsigned round, struct bytes source, uint8_t *target, size_t size)
{
    static const uint8_t nonce[CHACHA_NONCE_SIZE]; /* each round's key serves for one message only */
    uint8_t round_key[CHACHA_KEY_SIZE];
    struct hmac_sha256_ctx mac;
    hmac_sha256_set_key(&mac, MEMORY_KEY_SIZE, key);
    add_number(&mac, round);
    add_bytes(&mac, source);
    hmac_sha256_digest(&mac, sizeof round_key, round_key);
    struct chacha_ctx stream;
    chacha_set_key(&stream, round_key);
    chacha_set_nonce(&stream, nonce);
    chacha_crypt(&stream, size, target, target);
    secret_wipe(&mac, sizeof mac);
    secret_wipe(&stream, sizeof stream);
    secret_wipe(round_key, sizeof round_key);
}

static void permute(const uint8_t *key, const struct bytes *tweak, size_t count, uint8_t *data, size_t size,
                    bool backwards)
{
    uint8_t own_key[MEMORY_KEY_SIZE];
    size_t left = size / 2;
    tweaked_key(key, tweak, count, size, own_key);
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned round = backwards ? ROUNDS - 1 - i : i;
        if (round % 2 == 0) {
            round_function(own_key, round, bytes_of(data, left), data + left, size - left);
        } else {
            round_function(own_key, round, bytes_of(data + left, size - left), data, left);
        }
    }
    secret_wipe(own_key, sizeof own_key);
}

void memory_protect(const uint8_t key[MEMORY_KEY_SIZE], const struct bytes *tweak, size_t count, uint8_t *data,
                    size_t size)
{
    if (size != 0) {
        permute(key, tweak, count, data, size, false);
    }
}

void memory_unprotect(const uint8_t key[MEMORY_KEY_SIZE], const struct bytes *tweak, size_t count, uint8_t *data,
                      size_t size)
{
    if (size != 0) {
        permute(key, tweak, count, data, size, true);
    }
}
