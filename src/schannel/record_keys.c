#include "schannel/record_keys.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/hmac_sha2.h"
#include "wire/writer.h"

#define RECORD_HASH_MAX 48

size_t record_hash_size(enum suite_hash hash)
{
    return hash == SUITE_SHA384 ? 48 : 32;
}

/* A key that has been absorbed, with either hash. */
struct keyed {
    enum suite_hash hash;
    union {
        struct hmac_sha256_key sha256;
        struct hmac_sha384_key sha384;
    } key;
};

static void keyed_start(struct keyed *keyed, enum suite_hash hash, struct bytes secret)
{
    keyed->hash = hash;
    if (hash == SUITE_SHA384) {
        hmac_sha384_key(&keyed->key.sha384, secret);
    } else {
        hmac_sha256_key(&keyed->key.sha256, secret);
    }
}

/* `out` gets record_hash_size() bytes and may be among the parts. */
static void keyed_hmac(struct keyed *keyed, const struct bytes *parts, size_t count, uint8_t *out)
{
    if (keyed->hash == SUITE_SHA384) {
        hmac_sha384(&keyed->key.sha384, parts, count, out);
    } else {
        hmac_sha256(&keyed->key.sha256, parts, count, out);
    }
}

void record_hkdf_extract(enum suite_hash hash, struct bytes salt, struct bytes secret, uint8_t *out)
{
    struct keyed keyed;
    keyed_start(&keyed, hash, salt);
    keyed_hmac(&keyed, &secret, 1, out);
    secret_wipe(&keyed, sizeof keyed);
}

/* T(i) = HMAC(secret, T(i-1) | info | i). */
void record_hkdf_expand(enum suite_hash hash, struct bytes secret, struct bytes info, uint8_t *out, size_t size)
{
    struct keyed keyed;
    uint8_t block[RECORD_HASH_MAX];
    size_t block_size = record_hash_size(hash);
    size_t done = 0;
    keyed_start(&keyed, hash, secret);
    for (uint8_t i = 1; done < size; i++) {
        const struct bytes parts[] = {bytes_of(block, i == 1 ? 0 : block_size), info, bytes_of(&i, 1)};
        size_t part = size - done < block_size ? size - done : block_size;
        keyed_hmac(&keyed, parts, 3, block);
        memcpy(out + done, block, part);
        done += part;
    }
    secret_wipe(block, sizeof block);
    secret_wipe(&keyed, sizeof keyed);
}

void record_expand_label(enum suite_hash hash, struct bytes secret, const char *label, uint8_t *out, size_t size)
{
    /* struct HkdfLabel (RFC 8446 7.1): u16 length, u8 length and "tls13 " label, u8 length and context. */
    uint8_t info[64];
    struct writer writer = write_into(info, sizeof info);
    write_u16be(&writer, (uint16_t)size);
    write_u8(&writer, (uint8_t)(6 + strlen(label)));
    write_bytes(&writer, bytes_of("tls13 ", 6));
    write_bytes(&writer, bytes_of(label, strlen(label)));
    write_u8(&writer, 0);
    record_hkdf_expand(hash, secret, write_result(&writer), out, size);
}

void record_prf(enum suite_hash hash, struct bytes secret, const struct bytes *seed, size_t count, uint8_t *out,
                size_t size)
{
    struct keyed keyed;
    uint8_t a[RECORD_HASH_MAX], block[RECORD_HASH_MAX];
    size_t block_size = record_hash_size(hash);
    struct bytes parts[1 + RECORD_PRF_PARTS] = {bytes_of(a, block_size)};
    for (size_t i = 0; i < count; i++) {
        parts[1 + i] = seed[i];
    }
    keyed_start(&keyed, hash, secret);
    keyed_hmac(&keyed, seed, count, a); /* A(1) */
    for (size_t done = 0; done < size;) {
        size_t part = size - done < block_size ? size - done : block_size;
        keyed_hmac(&keyed, parts, 1 + count, block);
        memcpy(out + done, block, part);
        done += part;
        if (done < size) {
            keyed_hmac(&keyed, parts, 1, a); /* A(i + 1) */
        }
    }
    secret_wipe(a, sizeof a);
    secret_wipe(block, sizeof block);
    secret_wipe(&keyed, sizeof keyed);
}
