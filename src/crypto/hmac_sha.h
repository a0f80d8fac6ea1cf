/* HMAC over SHA-1, SHA-256 and SHA-384 (RFC 2104, FIPS 180-4), from OpenSSL: the checksums of Kerberos and the
 * key schedules of TLS.
 *
 * A key is kept as the two states that have absorbed its key blocks, so a message costs neither key set-up nor memory.
 * OpenSSL's EVP digests cannot do that without allocating for each message (EVP_MD_CTX_copy_ex), so the digests' own
 * functions are used, which reach the same machine code.
 */
#ifndef OPENSSPI_CRYPTO_HMAC_SHA_H
#define OPENSSPI_CRYPTO_HMAC_SHA_H

#include <openssl/sha.h>

#include "base/bytes.h"
#include "base/status.h"

enum hmac_sha_kind { HMAC_SHA1, HMAC_SHA256, HMAC_SHA384 };

#define HMAC_SHA_MAX 48 /* bytes of the longest digest */

/* As secret as the key it was made of. */
struct hmac_sha_key {
    union {
        uint32_t narrow[2][8]; /* SHA-1 uses five of the eight */
        uint64_t wide[2][8];
    } state; /* inner, outer */
    uint8_t kind;
};

/* A message under way. */
struct hmac_sha {
    union {
        SHA_CTX sha1;
        SHA256_CTX sha256;
        SHA512_CTX sha384;
    } state;
};

/* Bytes of a digest of this kind. */
size_t hmac_sha_size(enum hmac_sha_kind kind);

void hmac_sha_key(struct hmac_sha_key *key, enum hmac_sha_kind kind, struct bytes secret);
void hmac_sha_key_wipe(struct hmac_sha_key *key);

void hmac_sha_start(struct hmac_sha *mac, const struct hmac_sha_key *key);
void hmac_sha_update(struct hmac_sha *mac, const struct hmac_sha_key *key, struct bytes data);

/* The whole digest of hmac_sha_size() bytes; callers cut it short as their checksum says.  Wipes `mac`. */
void hmac_sha_finish(struct hmac_sha *mac, const struct hmac_sha_key *key, uint8_t out[HMAC_SHA_MAX]);

/* All at once. */
void hmac_sha(enum hmac_sha_kind kind, struct bytes secret, const struct bytes *parts, size_t count,
              uint8_t out[HMAC_SHA_MAX]);

#endif
