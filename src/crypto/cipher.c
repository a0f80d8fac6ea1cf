#include "crypto/cipher.h"

#include <nettle/des.h>
#include <string.h>

void rc4_start(struct rc4 *rc4, struct bytes key)
{
    arcfour_set_key(&rc4->state, key.size, key.data);
}

void rc4_wipe(struct rc4 *rc4)
{
    secret_wipe(rc4, sizeof *rc4);
}

void rc4_crypt(struct rc4 *rc4, size_t size, const uint8_t *in, uint8_t *out)
{
    arcfour_crypt(&rc4->state, size, out, in);
}

void rc4_once(struct bytes key, size_t size, const uint8_t *in, uint8_t *out)
{
    struct rc4 rc4;
    rc4_start(&rc4, key);
    rc4_crypt(&rc4, size, in, out);
    rc4_wipe(&rc4);
}

void des7(const uint8_t key[7], const uint8_t in[8], uint8_t out[8])
{
    struct des_ctx context;
    uint8_t wide[DES_KEY_SIZE];
    unsigned carry = 0;
    for (size_t i = 0; i < 7; i++) { /* 7 bits of key in each byte; DES ignores the lowest, the parity */
        wide[i] = (uint8_t)(carry | key[i] >> i);
        carry = (unsigned)key[i] << (7 - i);
    }
    wide[7] = (uint8_t)carry;
    for (size_t i = 0; i < sizeof wide; i++) {
        wide[i] &= 0xfe;
    }
    (void)des_set_key(&context, wide); /* says whether the key is weak; NTLM has no choice of keys */
    des_encrypt(&context, DES_BLOCK_SIZE, out, in);
    secret_wipe(&context, sizeof context);
    secret_wipe(wide, sizeof wide);
}

void desl(const struct key16 *key, const uint8_t in[8], uint8_t out[24])
{
    uint8_t last[7] = {key->b[14], key->b[15]};
    des7(key->b, in, out);
    des7(key->b + 7, in, out + 8);
    des7(last, in, out + 16);
    secret_wipe(last, sizeof last);
}
