/* AES in CBC mode with ciphertext stealing as Kerberos has it (RFC 3962 5, RFC 8009 5): zero initial vector, the last two
 * blocks always exchanged, ciphertext as long as plaintext.  On OpenSSL's AES-CBC, fetched once in a process, keyed once in
 * a context; a message costs no allocation and no call more than it must.
 *
 * The message may lie in pieces anywhere; each is changed in place.
 */
#ifndef OPENSSPI_CRYPTO_AES_CTS_H
#define OPENSSPI_CRYPTO_AES_CTS_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/status.h"

#define AES_BLOCK 16

/* A piece of a message in its order; what is not `secret` is left alone here (a checksum may cover it). */
struct message_part {
    uint8_t *data;
    size_t size;
    bool secret;
};

/* One key in one direction. */
struct aes_cts {
    struct evp_cipher_ctx_st *cipher; /* NULL: not open */
    uint8_t chain[AES_BLOCK];         /* the vector that the cipher goes on from */
    bool encrypting;
};

/* `key` is 16 or 32 bytes.  SEC_E_INSUFFICIENT_MEMORY; SEC_E_CRYPTO_SYSTEM_INVALID when OpenSSL has no AES. */
STATUS aes_cts_open(struct aes_cts *cts, struct bytes key, bool encrypting);
void aes_cts_close(struct aes_cts *cts); /* one that is not open is fine */

/* Encrypts or decrypts the secret parts, at least 17 bytes together, in place.
 * SEC_E_INTERNAL_ERROR: fewer bytes; SEC_E_CRYPTO_SYSTEM_INVALID: OpenSSL refused. */
STATUS aes_cts_run(struct aes_cts *cts, const struct message_part *parts, size_t count);

/* `count` blocks, each the encryption of the one before it and the first that of `block`: the DR function of RFC 3961 5.1.
 * The statuses of aes_cts_open. */
STATUS aes_blocks(struct bytes key, const uint8_t block[AES_BLOCK], uint8_t *out, size_t count);

#endif
