#include "crypto/md.h"

#define OPENSSL_SUPPRESS_DEPRECATED /* its replacement allocates, and looks the algorithm up */
#include <nettle/md4.h>
#include <nettle/md5.h>
#include <openssl/md5.h>
#include <string.h>
#include <zlib.h>

#define BLOCK 64 /* of MD5, in bytes (RFC 1321 3.4, RFC 2104 2) */
#define MANY  8  /* blocks that are worth a call of OpenSSL's */

static const uint32_t md5_initial[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}; /* RFC 1321 3.3 */

static void store_state(const uint32_t state[4], uint8_t out[16])
{
    for (size_t i = 0; i < 16; i++) {
        out[i] = (uint8_t)(state[i / 4] >> 8 * (i % 4));
    }
}

/* Whole blocks.  Of many, OpenSSL makes a tenth more in a second than Nettle. */
static void take_blocks(uint32_t state[4], const uint8_t *at, size_t blocks)
{
    if (blocks < MANY) {
        for (; blocks != 0; at += BLOCK, blocks--) {
            nettle_md5_compress(state, at);
        }
        return;
    }
    MD5_CTX context;
    context.A = state[0];
    context.B = state[1];
    context.C = state[2];
    context.D = state[3];
    context.Nl = 0; /* the length is ours to count */
    context.Nh = 0;
    context.num = 0;
    (void)MD5_Update(&context, at, blocks * BLOCK); /* cannot fail */
    state[0] = context.A;
    state[1] = context.B;
    state[2] = context.C;
    state[3] = context.D;
    secret_wipe(&context, sizeof context);
}

/* Absorbs bytes into a digest under way; `size` counts everything absorbed, the key block included. */
static void absorb(struct hmac_md5 *mac, const uint8_t *at, size_t left)
{
    size_t filled = mac->size % BLOCK;
    if (left == 0) {
        return;
    }
    mac->size += left;
    if (filled != 0) {
        size_t room = BLOCK - filled;
        if (left < room) {
            memcpy(mac->block + filled, at, left);
            return;
        }
        memcpy(mac->block + filled, at, room);
        nettle_md5_compress(mac->state, mac->block);
        at += room;
        left -= room;
    }
    take_blocks(mac->state, at, left / BLOCK);
    at += left - left % BLOCK;
    left %= BLOCK;
    if (left != 0) {
        memcpy(mac->block, at, left);
    }
}

/* Padding and length (RFC 1321 3.1, 3.2) behind `filled` bytes of the last block. */
static void absorb_end(uint32_t state[4], uint8_t block[BLOCK], size_t filled, uint64_t size)
{
    block[filled++] = 0x80;
    if (filled > BLOCK - 8) {
        memset(block + filled, 0, BLOCK - filled);
        nettle_md5_compress(state, block);
        filled = 0;
    }
    memset(block + filled, 0, BLOCK - 8 - filled);
    for (size_t i = 0; i < 8; i++) {
        block[BLOCK - 8 + i] = (uint8_t)(size << 3 >> 8 * i);
    }
    nettle_md5_compress(state, block);
}

void md4(struct bytes data, struct key16 *out)
{
    struct md4_ctx context;
    md4_init(&context);
    md4_update(&context, data.size, data.data);
    md4_digest(&context, sizeof out->b, out->b);
    secret_wipe(&context, sizeof context); /* what NTLM digests with MD4 is a password */
}

void md5(const struct bytes *parts, size_t count, struct key16 *out)
{
    struct hmac_md5 digest = {.size = 0};
    memcpy(digest.state, md5_initial, sizeof digest.state);
    for (size_t i = 0; i < count; i++) {
        absorb(&digest, parts[i].data, parts[i].size);
    }
    absorb_end(digest.state, digest.block, digest.size % BLOCK, digest.size);
    store_state(digest.state, out->b);
    secret_wipe(&digest, sizeof digest);
}

void hmac_md5_key(struct hmac_md5_key *key, struct bytes secret)
{
    AUTO_KEY16 digested;
    uint8_t block[BLOCK] = {0};
    if (secret.size > BLOCK) { /* RFC 2104 2: a longer key is digested first */
        md5(&secret, 1, &digested);
        secret = BYTES(digested.b);
    }
    if (secret.size != 0) {
        memcpy(block, secret.data, secret.size);
    }
    for (size_t i = 0; i < BLOCK; i++) {
        block[i] ^= 0x36;
    }
    memcpy(key->inner, md5_initial, sizeof key->inner);
    nettle_md5_compress(key->inner, block);
    for (size_t i = 0; i < BLOCK; i++) {
        block[i] ^= 0x36 ^ 0x5c;
    }
    memcpy(key->outer, md5_initial, sizeof key->outer);
    nettle_md5_compress(key->outer, block);
    secret_wipe(block, sizeof block);
}

void hmac_md5_key_wipe(struct hmac_md5_key *key)
{
    secret_wipe(key, sizeof *key);
}

void hmac_md5_start(struct hmac_md5 *mac, const struct hmac_md5_key *key)
{
    memcpy(mac->state, key->inner, sizeof mac->state);
    mac->size = BLOCK;
}

void hmac_md5_update(struct hmac_md5 *mac, struct bytes data)
{
    absorb(mac, data.data, data.size);
}

void hmac_md5_finish(struct hmac_md5 *mac, const struct hmac_md5_key *key, struct key16 *out)
{
    uint32_t state[4];
    absorb_end(mac->state, mac->block, mac->size % BLOCK, mac->size);
    store_state(mac->state, mac->block);
    memcpy(state, key->outer, sizeof state);
    absorb_end(state, mac->block, sizeof out->b, BLOCK + sizeof out->b);
    store_state(state, out->b);
    secret_wipe(mac, sizeof *mac);
}

void hmac_md5(struct bytes secret, const struct bytes *parts, size_t count, struct key16 *out)
{
    struct hmac_md5_key key;
    struct hmac_md5 mac;
    hmac_md5_key(&key, secret);
    hmac_md5_start(&mac, &key);
    for (size_t i = 0; i < count; i++) {
        hmac_md5_update(&mac, parts[i]);
    }
    hmac_md5_finish(&mac, &key, out);
    hmac_md5_key_wipe(&key);
}

uint32_t crc32_update(uint32_t crc, struct bytes data)
{
    /* zlib takes NULL for "give me the initial value", which is not what an empty slice asks for. */
    return data.size == 0 ? crc : (uint32_t)crc32_z(crc, data.data, data.size);
}
