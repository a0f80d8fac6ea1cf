#include "schannel/record_keys.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/hmac_sha.h"
#include "wire/writer.h"

#define RECORD_HASH_MAX HMAC_SHA_MAX

size_t record_hash_size(enum suite_hash hash)
{
    return hash == SUITE_SHA384 ? 48 : 32;
}

static void keyed_start(struct hmac_sha_key *key, enum suite_hash hash, struct bytes secret)
{
    hmac_sha_key(key, hash == SUITE_SHA384 ? HMAC_SHA384 : HMAC_SHA256, secret);
}

static size_t digest_size(const struct hmac_sha_key *key)
{
    return hmac_sha_size((enum hmac_sha_kind)key->kind);
}

/* `out` gets digest_size() bytes and may be among the parts. */
static void keyed_hmac(const struct hmac_sha_key *key, const struct bytes *parts, size_t count, uint8_t *out)
{
    struct hmac_sha mac;
    hmac_sha_start(&mac, key);
    for (size_t i = 0; i < count; i++) {
        hmac_sha_update(&mac, key, parts[i]);
    }
    hmac_sha_finish(&mac, key, out);
}

void record_hkdf_extract(enum suite_hash hash, struct bytes salt, struct bytes secret, uint8_t *out)
{
    struct hmac_sha_key key;
    keyed_start(&key, hash, salt);
    keyed_hmac(&key, &secret, 1, out);
    hmac_sha_key_wipe(&key);
}

/* T(i) = HMAC(secret, T(i-1) | info | i). */
static void expand(const struct hmac_sha_key *key, struct bytes info, uint8_t *out, size_t size)
{
    uint8_t block[RECORD_HASH_MAX];
    size_t block_size = digest_size(key);
    size_t done = 0;
    for (uint8_t i = 1; done < size; i++) {
        const struct bytes parts[] = {bytes_of(block, i == 1 ? 0 : block_size), info, bytes_of(&i, 1)};
        size_t part = size - done < block_size ? size - done : block_size;
        keyed_hmac(key, parts, 3, block);
        memcpy(out + done, block, part);
        done += part;
    }
    secret_wipe(block, sizeof block);
}

void record_hkdf_expand(enum suite_hash hash, struct bytes secret, struct bytes info, uint8_t *out, size_t size)
{
    struct hmac_sha_key key;
    keyed_start(&key, hash, secret);
    expand(&key, info, out, size);
    hmac_sha_key_wipe(&key);
}

/* struct HkdfLabel (RFC 8446 7.1): u16 length, u8 length and "tls13 " label, u8 length and context. */
static void expand_label(const struct hmac_sha_key *key, const char *label, uint8_t *out, size_t size)
{
    uint8_t info[64];
    struct writer writer = write_into(info, sizeof info);
    write_u16be(&writer, (uint16_t)size);
    write_u8(&writer, (uint8_t)(6 + strlen(label)));
    write_bytes(&writer, bytes_of("tls13 ", 6));
    write_bytes(&writer, bytes_of(label, strlen(label)));
    write_u8(&writer, 0);
    expand(key, write_result(&writer), out, size);
}

void record_expand_label(enum suite_hash hash, struct bytes secret, const char *label, uint8_t *out, size_t size)
{
    struct hmac_sha_key key;
    keyed_start(&key, hash, secret);
    expand_label(&key, label, out, size);
    hmac_sha_key_wipe(&key);
}

void record_traffic_keys(enum suite_hash hash, struct bytes secret, uint8_t *out_key, size_t key_size, uint8_t *iv,
                         size_t iv_size)
{
    struct hmac_sha_key key;
    keyed_start(&key, hash, secret);
    expand_label(&key, "key", out_key, key_size);
    expand_label(&key, "iv", iv, iv_size);
    hmac_sha_key_wipe(&key);
}

void record_prf(enum suite_hash hash, struct bytes secret, const struct bytes *seed, size_t count, uint8_t *out,
                size_t size)
{
    struct hmac_sha_key key;
    uint8_t a[RECORD_HASH_MAX], block[RECORD_HASH_MAX];
    size_t block_size = record_hash_size(hash);
    struct bytes parts[1 + RECORD_PRF_PARTS] = {bytes_of(a, block_size)};
    for (size_t i = 0; i < count; i++) {
        parts[1 + i] = seed[i];
    }
    keyed_start(&key, hash, secret);
    keyed_hmac(&key, seed, count, a); /* A(1) */
    for (size_t done = 0; done < size;) {
        size_t part = size - done < block_size ? size - done : block_size;
        keyed_hmac(&key, parts, 1 + count, block);
        memcpy(out + done, block, part);
        done += part;
        if (done < size) {
            keyed_hmac(&key, parts, 1, a); /* A(i + 1) */
        }
    }
    secret_wipe(a, sizeof a);
    secret_wipe(block, sizeof block);
    hmac_sha_key_wipe(&key);
}
