/* From secrets to record keys: values to values, nothing else.
 *
 * Only the hashes of suites that are AEADs: SHA-256 and SHA-384. */
#ifndef OPENSSPI_SCHANNEL_RECORD_KEYS_H
#define OPENSSPI_SCHANNEL_RECORD_KEYS_H

#include "base/bytes.h"
#include "schannel/suite.h"

size_t record_hash_size(enum suite_hash hash); /* 32 or 48 */

/* HKDF-Expand-Label(secret, label, "", size) of RFC 8446 7.1, the label without "tls13 "; `size` at most 64. */
void record_expand_label(enum suite_hash hash, struct bytes secret, const char *label, uint8_t *out, size_t size);

/* PRF(secret, label, seed) of RFC 5246 5; the seed is two parts, one after the other. */
void record_prf(enum suite_hash hash, struct bytes secret, const char *label, struct bytes seed_1, struct bytes seed_2,
                uint8_t *out, size_t size);

#endif
