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

/* HKDF (RFC 5869 2.2, 2.3).  Extract writes record_hash_size() bytes; expand at most 255 times as many. */
void record_hkdf_extract(enum suite_hash hash, struct bytes salt, struct bytes secret, uint8_t *out);
void record_hkdf_expand(enum suite_hash hash, struct bytes secret, struct bytes info, uint8_t *out, size_t size);

#define RECORD_PRF_PARTS 6

/* PRF(secret, label, seed) of RFC 5246 5, label and seed as `count` parts, at most RECORD_PRF_PARTS, one after the other. */
void record_prf(enum suite_hash hash, struct bytes secret, const struct bytes *seed, size_t count, uint8_t *out,
                size_t size);

#endif
