/* The cipher suites of TLS 1.0 to 1.3 that this package knows: what each is made of, and what Windows calls it.
 *
 * Names and algorithm identifiers are those of SECPKG_ATTR_CIPHER_INFO, CONNECTION_INFO and KEY_INFO.  The suite
 * of a connection is found by the number in its ServerHello.
 */
#ifndef OPENSSPI_SCHANNEL_SUITE_H
#define OPENSSPI_SCHANNEL_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How records are protected. */
enum suite_cipher {
    SUITE_AES_GCM,
    SUITE_AES_CCM,
    SUITE_AES_CCM_8, /* a tag of 8 bytes */
    SUITE_CHACHA20_POLY1305,
    SUITE_AES_CBC,
    SUITE_TRIPLE_DES_CBC,
    SUITE_NULL,
};

enum suite_hash { SUITE_MD5, SUITE_SHA1, SUITE_SHA256, SUITE_SHA384 };

/* How the key is agreed on. */
enum suite_exchange {
    SUITE_ANY_EXCHANGE, /* TLS 1.3: the group decides, or a pre-shared key */
    SUITE_RSA,
    SUITE_DHE,
    SUITE_ECDHE,
    SUITE_PSK,
    SUITE_DHE_PSK,
    SUITE_ECDHE_PSK,
    SUITE_RSA_PSK,
};

/* Whose key is in the server's certificate. */
enum suite_signer {
    SUITE_ANY_SIGNER, /* TLS 1.3: the certificate decides */
    SUITE_BY_RSA,
    SUITE_BY_ECDSA,
    SUITE_BY_DSS,
    SUITE_BY_NOBODY, /* pre-shared key */
};

struct suite {
    uint16_t id;         /* as in the hello: 0xC030 */
    bool tls13;          /* for TLS 1.3 alone; the others are for all versions up to 1.2 that have their cipher */
    const char *name;    /* IANA's, which is Windows': "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" */
    const char *openssl; /* OpenSSL's: "ECDHE-RSA-AES256-GCM-SHA384" */
    enum suite_cipher cipher;
    uint16_t key_bits;
    enum suite_hash mac;  /* of each record, where the cipher is not an AEAD */
    enum suite_hash hash; /* of the PRF (TLS 1.2) or of HKDF (TLS 1.3) */
    enum suite_exchange exchange;
    enum suite_signer signer;
};

/* By number; NULL for one that is not in the table. */
const struct suite *suite_find(uint16_t id);

/* All of them, strongest first, as Windows lists them. */
extern const struct suite suites[];
extern const size_t suite_count;

/* Whether a credential that says nothing of suites offers it (restrict.c). */
bool suite_is_usual(const struct suite *suite);

static inline bool suite_is_aead(const struct suite *suite)
{
    return suite->cipher <= SUITE_CHACHA20_POLY1305;
}

/* What SECPKG_ATTR_STREAM_SIZES says. */
struct suite_sizes {
    uint32_t header;  /* cbHeader: what stands before the ciphertext, always exactly that */
    uint32_t trailer; /* cbTrailer: at most */
    uint32_t maximum; /* cbMaximumMessage: 16384 */
    uint32_t buffers; /* cBuffers: 4 */
    uint32_t block;   /* cbBlockSize */
};

/* `version` is the protocol's: 0x0301 to 0x0304, or 0xFEFF and 0xFEFD for DTLS, whose header is longer by 8 bytes.
 * */
struct suite_sizes suite_stream_sizes(const struct suite *suite, uint16_t version);

/* Bytes of the authentication tag; 0 for a cipher that is not an AEAD. */
size_t suite_tag_size(const struct suite *suite);

/* "AES", "CHACHA20_POLY1305" ... (CIPHER_INFO.szCipher); "" for SUITE_NULL. */
const char *suite_cipher_name(const struct suite *suite);
uint32_t suite_block_bytes(const struct suite *suite); /* CIPHER_INFO.dwCipherBlockLen */

/* "SHA1"; "" for an AEAD (CIPHER_INFO.szHash), and its bits, 0 for an AEAD (dwHashLen). */
const char *suite_hash_name(const struct suite *suite);
uint32_t suite_hash_bits(const struct suite *suite);

/* "ECDH", "RSA", "DH", "PSK" ... (szExchange); "" where the suite does not say (TLS 1.3).
 * "RSA", "ECDSA", "DSA"; "" where it does not (szCertificate). */
const char *suite_exchange_name(const struct suite *suite);
const char *suite_signer_name(const struct suite *suite);

/* The ALG_IDs of CONNECTION_INFO: CALG_AES_256; of the MAC, or of the PRF's hash for an AEAD; CALG_ECDHE_EPHEM
 * (0xAE06) for ECDHE and TLS 1.3, CALG_RSA_KEYX, CALG_DH_EPHEM.  0 where wincrypt.h has no name (ChaCha20). */
uint32_t suite_cipher_algorithm(const struct suite *suite);
uint32_t suite_hash_algorithm(const struct suite *suite);
uint32_t suite_exchange_algorithm(const struct suite *suite);

#endif
