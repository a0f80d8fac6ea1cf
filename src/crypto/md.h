/* MD4, MD5, HMAC-MD5 and CRC-32: the digests that NTLM and Digest are made of, from Nettle and zlib.
 *
 * They are broken as general-purpose digests and are here because the protocols say so.
 */
#ifndef OPENSSPI_CRYPTO_MD_H
#define OPENSSPI_CRYPTO_MD_H

#include "base/bytes.h"
#include "base/secret.h"

/* MD4 (RFC 1320) and MD5 (RFC 1321) of the concatenation of `count` parts. */
void md4(struct bytes data, struct key16 *out);
void md5(const struct bytes *parts, size_t count, struct key16 *out);

/* An HMAC-MD5 key (RFC 2104) after both of its key blocks have been absorbed: 32 bytes, and a message of any number of
 * parts costs no key set-up.  As secret as the key. */
struct hmac_md5_key {
    uint32_t inner[4];
    uint32_t outer[4];
};

void hmac_md5_key(struct hmac_md5_key *key, struct bytes secret);
void hmac_md5_key_wipe(struct hmac_md5_key *key);

/* A message under way. */
struct hmac_md5 {
    uint32_t state[4];
    uint64_t size;
    uint8_t block[64];
};

void hmac_md5_start(struct hmac_md5 *mac, const struct hmac_md5_key *key);
void hmac_md5_update(struct hmac_md5 *mac, struct bytes data);
void hmac_md5_finish(struct hmac_md5 *mac, const struct hmac_md5_key *key, struct key16 *out); /* wipes `mac` */

/* All at once: HMAC-MD5(secret, parts...). */
void hmac_md5(struct bytes secret, const struct bytes *parts, size_t count, struct key16 *out);

/* CRC-32 as zlib and IEEE 802.3 have it, continued from `crc` (0 to start). */
uint32_t crc32_update(uint32_t crc, struct bytes data);

#endif
