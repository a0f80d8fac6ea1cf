#include "kerberos/keys.h"

#include <string.h>

#include "crypto/aes_cts.h"
#include "wire/writer.h"

#define CONSTANT_SIZE 5 /* usage, big-endian, and one byte of purpose (RFC 3961 5.3) */

void kerberos_key_wipe(struct kerberos_key *key)
{
    secret_wipe(key, sizeof *key);
}

const struct enctype_profile *enctype_profile(uint32_t enctype)
{
    static const struct enctype_profile profiles[] = {
        {ENCTYPE_AES128_SHA1, 16, 16, 12, HMAC_SHA1, false, 15, "Kerberos AES128-CTS-HMAC-SHA1-96", "HMAC-SHA1-96"},
        {ENCTYPE_AES256_SHA1, 32, 32, 12, HMAC_SHA1, false, 16, "Kerberos AES256-CTS-HMAC-SHA1-96", "HMAC-SHA1-96"},
        {ENCTYPE_AES128_SHA2, 16, 16, 16, HMAC_SHA256, true, 19, "Kerberos AES128-CTS-HMAC-SHA256-128",
         "HMAC-SHA256-128"},
        {ENCTYPE_AES256_SHA2, 32, 24, 24, HMAC_SHA384, true, 20, "Kerberos AES256-CTS-HMAC-SHA384-192",
         "HMAC-SHA384-192"},
    };
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        if (profiles[i].enctype == enctype) {
            return &profiles[i];
        }
    }
    return NULL;
}

/* The input is repeated, each copy rotated 13 bits further to the right, up to a length that both sizes divide; the sum of
 * its pieces in ones' complement is the result. */
void nfold(struct bytes in, uint8_t *out, size_t out_size)
{
    size_t a = in.size, b = out_size;
    while (b != 0) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    size_t length = in.size / a * out_size; /* the least common multiple */
    size_t bits = 8 * in.size;
    unsigned sum = 0;
    memset(out, 0, out_size);
    /* From the last byte to the first, so that carries run the right way; what is carried out of the front comes in at the
     * back. */
    for (size_t i = length; i-- > 0;) {
        size_t copy = i / in.size;
        size_t start = (8 * (i % in.size) + bits * 13 - 13 * copy % bits) % bits;
        size_t byte = start / 8;
        unsigned pair = (unsigned)in.data[byte] << 8 | in.data[(byte + 1) % in.size];
        sum += (pair >> (8 - start % 8) & 0xff) + out[i % out_size];
        out[i % out_size] = (uint8_t)sum;
        sum >>= 8;
    }
    for (size_t i = out_size; sum != 0;) {
        i = i == 0 ? out_size - 1 : i - 1;
        sum += out[i];
        out[i] = (uint8_t)sum;
        sum >>= 8;
    }
}

/* DR (RFC 3961 5.1); AES needs no random-to-key (RFC 3962 6). */
static SECURITY_STATUS derive_sha1(struct bytes base, struct bytes constant, size_t size, uint8_t *out)
{
    uint8_t block[AES_BLOCK];
    nfold(constant, block, sizeof block);
    return aes_blocks(base, block, out, size / AES_BLOCK);
}

/* KDF-HMAC-SHA2 (RFC 8009 3): HMAC(key, 1 | label | 0 | bits), without a context. */
static SECURITY_STATUS derive_sha2(enum hmac_sha_kind hash, struct bytes base, struct bytes label, size_t size,
                                   uint8_t *out)
{
    uint8_t digest[HMAC_SHA_MAX], before[4], after[5];
    struct writer writer = write_into(before, sizeof before);
    write_u32be(&writer, 1);
    writer = write_into(after, sizeof after);
    write_u8(&writer, 0);
    write_u32be(&writer, (uint32_t)(8 * size));
    const struct bytes parts[] = {BYTES(before), label, BYTES(after)};
    hmac_sha(hash, base, parts, 3, digest);
    memcpy(out, digest, size);
    secret_wipe(digest, sizeof digest);
    return SEC_E_OK;
}

SECURITY_STATUS kerberos_derive(const struct enctype_profile *profile, struct bytes base, uint32_t usage,
                                enum key_purpose purpose, uint8_t out[KERBEROS_KEY_MAX], size_t *out_size)
{
    uint8_t constant[CONSTANT_SIZE];
    struct writer writer = write_into(constant, sizeof constant);
    write_u32be(&writer, usage);
    write_u8(&writer, (uint8_t)purpose);
    size_t size = purpose == KEY_ENCRYPTION ? profile->key_size : profile->mac_key_size;
    if (profile->hash == HMAC_SHA1) {
        TRY(derive_sha1(base, BYTES(constant), size, out));
    } else {
        TRY(derive_sha2((enum hmac_sha_kind)profile->hash, base, BYTES(constant), size, out));
    }
    *out_size = size;
    return SEC_E_OK;
}
