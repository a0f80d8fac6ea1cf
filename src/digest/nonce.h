/* Server nonces that need no table: each tells when it was made and proves that this process made it.
 *
 *     hex( u64 time | 8 random bytes | MAC-128(process key, time, random, use) )
 *
 * Which counts were used with a nonce is remembered once a client has proved that it knows the password: a window of 64
 * counts each, in a table of fixed size.  Where the table has to forget a nonce it also refuses all that are older, so a
 * response is never taken twice; such a client gets a fresh nonce (stale).  The child of a fork has nonces of its own.
 */
#ifndef OPENSSPI_DIGEST_NONCE_H
#define OPENSSPI_DIGEST_NONCE_H

#include "base/bytes.h"
#include "base/status.h"

#define DIGEST_NONCE_SIZE 64

/* What a nonce is for: one given out for one use proves nothing in the other. */
enum digest_nonce_use { DIGEST_NONCE_HTTP = 1, DIGEST_NONCE_SASL = 2 };

/* SEC_E_INTERNAL_ERROR when the kernel has no random bytes. */
STATUS digest_nonce_make(enum digest_nonce_use use, char out[DIGEST_NONCE_SIZE]);

/* Did this process give it out for this use, no longer ago than the policy's nonce-lifetime? */
bool digest_nonce_is_good(enum digest_nonce_use use, struct bytes nonce);

/* Is more than half of its time over? */
bool digest_nonce_is_old(struct bytes nonce);

/* Notes that `count` came with this nonce, which is good.  False when it came before, is further behind the highest one
 * than the window reaches, or when the nonce may have been forgotten. */
bool digest_nonce_use_once(struct bytes nonce, uint32_t count);

/* `size` random bytes in hexadecimal digits; `out` has twice as many. */
STATUS digest_random_hex(size_t size, char *out);

#endif
