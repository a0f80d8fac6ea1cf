#include "crypto/cipher.h"

#include <nettle/cbc.h>
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

/* Seven bits of key in each byte; DES ignores the lowest, the parity. */
static void set_key7(struct des_ctx *context, const uint8_t key[7])
{
    uint8_t wide[DES_KEY_SIZE];
    unsigned carry = 0;
    for (size_t i = 0; i < 7; i++) {
        wide[i] = (uint8_t)(carry | key[i] >> i);
        carry = (unsigned)key[i] << (7 - i);
    }
    wide[7] = (uint8_t)carry;
    for (size_t i = 0; i < sizeof wide; i++) {
        wide[i] &= 0xfe;
    }
    (void)des_set_key(context, wide); /* says whether the key is weak; NTLM and Digest have no choice of keys */
    secret_wipe(wide, sizeof wide);
}

void des7(const uint8_t key[7], const uint8_t in[8], uint8_t out[8])
{
    struct des_ctx context;
    set_key7(&context, key);
    des_encrypt(&context, DES_BLOCK_SIZE, out, in);
    secret_wipe(&context, sizeof context);
}

void desl(const struct key16 *key, const uint8_t in[8], uint8_t out[24])
{
    uint8_t last[7] = {key->b[14], key->b[15]};
    des7(key->b, in, out);
    des7(key->b + 7, in, out + 8);
    des7(last, in, out + 16);
    secret_wipe(last, sizeof last);
}

void des_cbc_start(struct des_cbc *cbc, const struct key16 *key, bool triple)
{
    set_key7(&cbc->keys.des[0], key->b);
    if (triple) {
        set_key7(&cbc->keys.des[1], key->b + 7);
        cbc->keys.des[2] = cbc->keys.des[0];
    }
    memcpy(cbc->iv, key->b + 8, sizeof cbc->iv);
    cbc->triple = triple;
}

/* Nettle's modes of operation hand a cipher its keys as void *. */
static void encrypt_blocks(const void *keys, size_t size, uint8_t *out, const uint8_t *in)
{
    const struct des_cbc *cbc = keys;
    cbc->triple ? des3_encrypt(&cbc->keys, size, out, in) : des_encrypt(&cbc->keys.des[0], size, out, in);
}

static void decrypt_blocks(const void *keys, size_t size, uint8_t *out, const uint8_t *in)
{
    const struct des_cbc *cbc = keys;
    cbc->triple ? des3_decrypt(&cbc->keys, size, out, in) : des_decrypt(&cbc->keys.des[0], size, out, in);
}

void des_cbc_crypt(struct des_cbc *cbc, bool encrypt, size_t size, uint8_t *data)
{
    (encrypt ? cbc_encrypt : cbc_decrypt)(cbc, encrypt ? encrypt_blocks : decrypt_blocks, DES_CBC_BLOCK, cbc->iv, size,
                                          data, data);
}
