/* The digests' own functions are deprecated since OpenSSL 3.0 in favour of EVP, which has no way to start a message from a
 * saved state without memory (hmac_sha.h). */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/hmac_sha.h"

#include <string.h>

#include "base/secret.h"

#define NARROW_BLOCK 64  /* of SHA-1 and SHA-256, in bytes (FIPS 180-4, figure 1) */
#define WIDE_BLOCK   128 /* of SHA-384 */

size_t hmac_sha_size(enum hmac_sha_kind kind)
{
    return kind == HMAC_SHA1 ? SHA_DIGEST_LENGTH : kind == HMAC_SHA256 ? SHA256_DIGEST_LENGTH : SHA384_DIGEST_LENGTH;
}

static void begin(struct hmac_sha *mac, enum hmac_sha_kind kind)
{
    switch (kind) {
    case HMAC_SHA1:
        SHA1_Init(&mac->state.sha1);
        break;
    case HMAC_SHA256:
        SHA256_Init(&mac->state.sha256);
        break;
    case HMAC_SHA384:
        SHA384_Init(&mac->state.sha384);
        break;
    }
}

static void absorb(struct hmac_sha *mac, enum hmac_sha_kind kind, const void *data, size_t size)
{
    switch (kind) {
    case HMAC_SHA1:
        SHA1_Update(&mac->state.sha1, data, size);
        break;
    case HMAC_SHA256:
        SHA256_Update(&mac->state.sha256, data, size);
        break;
    case HMAC_SHA384:
        SHA384_Update(&mac->state.sha384, data, size);
        break;
    }
}

static void end(struct hmac_sha *mac, enum hmac_sha_kind kind, uint8_t *out)
{
    switch (kind) {
    case HMAC_SHA1:
        SHA1_Final(out, &mac->state.sha1);
        break;
    case HMAC_SHA256:
        SHA256_Final(out, &mac->state.sha256);
        break;
    case HMAC_SHA384:
        SHA384_Final(out, &mac->state.sha384);
        break;
    }
}

/* The state after exactly one block, out of a context and back into one. */
static void save(struct hmac_sha_key *key, size_t which, const struct hmac_sha *mac)
{
    if (key->kind == HMAC_SHA1) {
        const SHA_CTX *sha = &mac->state.sha1;
        const uint32_t words[5] = {sha->h0, sha->h1, sha->h2, sha->h3, sha->h4};
        memcpy(key->state.narrow[which], words, sizeof words);
    } else if (key->kind == HMAC_SHA256) {
        memcpy(key->state.narrow[which], mac->state.sha256.h, sizeof mac->state.sha256.h);
    } else {
        memcpy(key->state.wide[which], mac->state.sha384.h, sizeof mac->state.sha384.h);
    }
}

static void restore(struct hmac_sha *mac, const struct hmac_sha_key *key, size_t which)
{
    if (key->kind == HMAC_SHA1) {
        SHA_CTX *sha = &mac->state.sha1;
        const uint32_t *words = key->state.narrow[which];
        sha->h0 = words[0];
        sha->h1 = words[1];
        sha->h2 = words[2];
        sha->h3 = words[3];
        sha->h4 = words[4];
        sha->Nl = 8 * NARROW_BLOCK;
        sha->Nh = 0;
        sha->num = 0;
    } else if (key->kind == HMAC_SHA256) {
        SHA256_CTX *sha = &mac->state.sha256;
        memcpy(sha->h, key->state.narrow[which], sizeof sha->h);
        sha->Nl = 8 * NARROW_BLOCK;
        sha->Nh = 0;
        sha->num = 0;
        sha->md_len = SHA256_DIGEST_LENGTH;
    } else {
        SHA512_CTX *sha = &mac->state.sha384;
        memcpy(sha->h, key->state.wide[which], sizeof sha->h);
        sha->Nl = 8 * WIDE_BLOCK;
        sha->Nh = 0;
        sha->num = 0;
        sha->md_len = SHA384_DIGEST_LENGTH;
    }
}

void hmac_sha_key(struct hmac_sha_key *key, enum hmac_sha_kind kind, struct bytes secret)
{
    struct hmac_sha mac;
    uint8_t block[WIDE_BLOCK] = {0};
    uint8_t digest[HMAC_SHA_MAX];
    size_t size = kind == HMAC_SHA384 ? WIDE_BLOCK : NARROW_BLOCK;
    if (secret.size > size) { /* RFC 2104 2: a longer key is digested first */
        begin(&mac, kind);
        absorb(&mac, kind, secret.data, secret.size);
        end(&mac, kind, digest);
        secret = bytes_of(digest, hmac_sha_size(kind));
    }
    if (secret.size != 0) {
        memcpy(block, secret.data, secret.size);
    }
    key->kind = (uint8_t)kind;
    for (size_t which = 0; which < 2; which++) {
        for (size_t i = 0; i < size; i++) {
            block[i] ^= which == 0 ? 0x36 : 0x36 ^ 0x5c;
        }
        begin(&mac, kind);
        absorb(&mac, kind, block, size);
        save(key, which, &mac);
    }
    secret_wipe(&mac, sizeof mac);
    secret_wipe(block, sizeof block);
    secret_wipe(digest, sizeof digest);
}

void hmac_sha_key_wipe(struct hmac_sha_key *key)
{
    secret_wipe(key, sizeof *key);
}

void hmac_sha_start(struct hmac_sha *mac, const struct hmac_sha_key *key)
{
    restore(mac, key, 0);
}

void hmac_sha_update(struct hmac_sha *mac, const struct hmac_sha_key *key, struct bytes data)
{
    if (data.size != 0) {
        absorb(mac, (enum hmac_sha_kind)key->kind, data.data, data.size);
    }
}

void hmac_sha_finish(struct hmac_sha *mac, const struct hmac_sha_key *key, uint8_t out[HMAC_SHA_MAX])
{
    enum hmac_sha_kind kind = (enum hmac_sha_kind)key->kind;
    end(mac, kind, out);
    restore(mac, key, 1);
    absorb(mac, kind, out, hmac_sha_size(kind));
    end(mac, kind, out);
    secret_wipe(mac, sizeof *mac);
}

void hmac_sha(enum hmac_sha_kind kind, struct bytes secret, const struct bytes *parts, size_t count,
              uint8_t out[HMAC_SHA_MAX])
{
    struct hmac_sha_key key;
    struct hmac_sha mac;
    hmac_sha_key(&key, kind, secret);
    hmac_sha_start(&mac, &key);
    for (size_t i = 0; i < count; i++) {
        hmac_sha_update(&mac, &key, parts[i]);
    }
    hmac_sha_finish(&mac, &key, out);
    hmac_sha_key_wipe(&key);
}
