/* RC4 and HMAC-MD5 over the same message in one pass.
 *
 * Each of the two is one long chain of dependent instructions; run side by side they hide each other's latency, which a
 * processor cannot do across two calls of kilobytes each.  Results equal those of the separate functions.
 */
#ifndef OPENSSPI_CRYPTO_SEALING_H
#define OPENSSPI_CRYPTO_SEALING_H

#include "crypto/cipher.h"
#include "crypto/md.h"

/* Feeds `size` bytes of plaintext to `mac` and encrypts them in place. */
void sealing_encrypt(struct rc4 *rc4, struct hmac_md5 *mac, uint8_t *data, size_t size);

/* Decrypts `size` bytes in place and feeds the plaintext to `mac`. */
void sealing_decrypt(struct rc4 *rc4, struct hmac_md5 *mac, uint8_t *data, size_t size);

#endif
