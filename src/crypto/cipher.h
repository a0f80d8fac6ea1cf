/* RC4 and DES, from Nettle: for NTLM and Digest only. */
#ifndef OPENSSPI_CRYPTO_CIPHER_H
#define OPENSSPI_CRYPTO_CIPHER_H

#include <nettle/arcfour.h>
#include <nettle/des.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/secret.h"

/* An RC4 stream: 258 bytes.  Secret. */
struct rc4 {
    struct arcfour_ctx state;
};

void rc4_start(struct rc4 *rc4, struct bytes key);
void rc4_wipe(struct rc4 *rc4);

/* Encrypts or decrypts `size` bytes; `out` may be `in`. */
void rc4_crypt(struct rc4 *rc4, size_t size, const uint8_t *in, uint8_t *out);

/* RC4K (MS-NLMP 6): one key, one message. */
void rc4_once(struct bytes key, size_t size, const uint8_t *in, uint8_t *out);

/* DES of one block under a 7-byte key (MS-NLMP 6, DES): the key is widened to 8 bytes first. */
void des7(const uint8_t key[7], const uint8_t in[8], uint8_t out[8]);

/* DESL (MS-NLMP 6): 8 bytes under a 16-byte key cut in three, giving 24 bytes. */
void desl(const struct key16 *key, const uint8_t in[8], uint8_t out[24]);

#define DES_CBC_BLOCK 8

/* DES or two-key triple DES in CBC mode, one message continuing the other (RFC 2831 2.4).  Secret. */
struct des_cbc {
    struct des3_ctx keys; /* single DES uses the first */
    uint8_t iv[DES_CBC_BLOCK];
    bool triple;
};

/* Bytes 0 to 6 of `key` are the first DES key, 7 to 13 the second, of which `triple` makes K1, K2, K1; 8 to 15 are the
 * initial vector in either case. */
void des_cbc_start(struct des_cbc *cbc, const struct key16 *key, bool triple);

/* Encrypts or decrypts whole blocks in place. */
void des_cbc_crypt(struct des_cbc *cbc, bool encrypt, size_t size, uint8_t *data);

#endif
