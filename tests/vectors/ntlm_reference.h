/* NTLM's message protection spelled out from MS-NLMP 3.4.3 and 3.4.4 on the bare primitives, for checking vectors without
 * going through the code that the library seals with. */
#ifndef OPENSSPI_TESTS_NTLM_REFERENCE_H
#define OPENSSPI_TESTS_NTLM_REFERENCE_H

#include <string.h>

#include "crypto/cipher.h"
#include "crypto/md.h"
#include "ntlm/flags.h"
#include "ntlm/keys.h"

struct reference_signature {
    uint8_t b[16];
};

static inline void reference_le32(uint32_t value, uint8_t out[4])
{
    for (size_t i = 0; i < 4; i++) {
        out[i] = (uint8_t)(value >> 8 * i);
    }
}

/* MAC (3.4.4.1 without, 3.4.4.2 with extended session security). */
static inline struct reference_signature reference_mac(uint32_t flags, struct rc4 *rc4, struct bytes sign_key,
                                                       uint32_t sequence, struct bytes message)
{
    struct reference_signature out = {{1}};
    uint8_t number[4];
    reference_le32(sequence, number);
    if ((flags & NTLM_ESS) != 0) {
        const struct bytes parts[] = {BYTES(number), message};
        struct key16 digest;
        hmac_md5(sign_key, parts, 2, &digest);
        if ((flags & NTLM_KEY_EXCH) != 0) {
            rc4_crypt(rc4, 8, digest.b, digest.b);
        }
        memcpy(out.b + 4, digest.b, 8);
        memcpy(out.b + 12, number, 4);
        return out;
    }
    uint8_t pad[4] = {0};
    rc4_crypt(rc4, 4, pad, pad); /* RandomPad: its key stream is spent, and zero stands on the wire */
    reference_le32(crc32_update(0, message), out.b + 8);
    rc4_crypt(rc4, 4, out.b + 8, out.b + 8);
    rc4_crypt(rc4, 4, out.b + 12, out.b + 12);
    for (size_t i = 0; i < 4; i++) {
        out.b[12 + i] ^= number[i];
    }
    return out;
}

/* SEAL (3.4.3): encrypts `size` bytes of `message` into `out`, and signs the plaintext with the same stream. */
static inline struct reference_signature reference_seal(uint32_t flags, struct rc4 *rc4, struct bytes sign_key,
                                                        uint32_t sequence, struct bytes message, uint8_t *out)
{
    rc4_crypt(rc4, message.size, message.data, out);
    return reference_mac(flags, rc4, sign_key, sequence, message);
}

/* The keys of one direction. */
struct reference_side {
    struct key16 sign_key, seal_key;
    size_t seal_key_size;
    struct rc4 rc4;
};

static inline void reference_side_start(struct reference_side *side, uint32_t flags, const struct key16 *session_key,
                                        bool client_to_server)
{
    memset(side, 0, sizeof *side);
    (void)ntlm_sign_key(flags, session_key, client_to_server, &side->sign_key);
    side->seal_key_size = ntlm_seal_key(flags, session_key, client_to_server, &side->seal_key);
    rc4_start(&side->rc4, bytes_of(side->seal_key.b, side->seal_key_size));
}

#endif
