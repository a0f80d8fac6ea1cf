/* Secrets at rest in memory: encryption in place that neither grows the data nor needs a nonce kept beside it.
 *
 * A stream cipher would repeat its keystream, so this is a permutation of all bytes at once: a Feistel network (Luby and
 * Rackoff 1988) of ten rounds, as many as FF1 has for short inputs (NIST SP 800-38G), with a round function made of
 * HMAC-SHA-256 over one half, stretched by ChaCha20 to the size of the other.  The tweak is what the secret belongs to:
 * equal secrets look alike only under equal tweaks.  There is no integrity: what was changed decrypts to noise.
 */
#ifndef OPENSSPI_CRYPTO_MEMORY_PROTECT_H
#define OPENSSPI_CRYPTO_MEMORY_PROTECT_H

#include "base/bytes.h"

#define MEMORY_KEY_SIZE 32

/* `key` has MEMORY_KEY_SIZE bytes; the tweak is `count` parts, told apart whatever their lengths. */
void memory_protect(const uint8_t key[MEMORY_KEY_SIZE], const struct bytes *tweak, size_t count, uint8_t *data,
                    size_t size);
void memory_unprotect(const uint8_t key[MEMORY_KEY_SIZE], const struct bytes *tweak, size_t count, uint8_t *data,
                      size_t size);

#endif
