/* Keys files of Kerberos: the encryption types we speak, and the keys derived from a session's key (RFC 3961 5.1, 5.3,
 * RFC 3962, RFC 8009).
 */
#ifndef OPENSSPI_KERBEROS_KEYS_H
#define OPENSSPI_KERBEROS_KEYS_H

#include "base/secret.h"
#include "crypto/hmac_sha.h"

/* Encryption types (RFC 3961 8, RFC 3962 7, RFC 8009 7, RFC 4757). */
enum {
    ENCTYPE_AES128_SHA1 = 17,
    ENCTYPE_AES256_SHA1 = 18,
    ENCTYPE_AES128_SHA2 = 19,
    ENCTYPE_AES256_SHA2 = 20,
    ENCTYPE_RC4 = 23,
};

#define KERBEROS_KEY_MAX 32
#define KERBEROS_MAC_MAX 24

/* A session's key with its type. */
struct kerberos_key {
    uint32_t enctype;
    uint8_t size;
    uint8_t bytes[KERBEROS_KEY_MAX];
};

void kerberos_key_wipe(struct kerberos_key *key);

#define AUTO_KERBEROS_KEY __attribute__((cleanup(kerberos_key_wipe))) struct kerberos_key

/* What an AES type is made of. */
struct enctype_profile {
    uint32_t enctype;
    uint8_t key_size; /* of the cipher */
    uint8_t mac_key_size;
    uint8_t mac_size; /* on the wire */
    uint8_t hash;     /* enum hmac_sha_kind */
    bool mac_over_ciphertext;
    uint8_t checksum;                   /* the number of its checksum type */
    const char *cipher_name, *mac_name; /* as SECPKG_ATTR_KEY_INFO tells people */
};

/* NULL: not one of the four AES types. */
const struct enctype_profile *enctype_profile(uint32_t enctype);

/* Key usages of per-message tokens (RFC 4121 2). */
enum {
    USAGE_ACCEPTOR_SEAL = 22,
    USAGE_ACCEPTOR_SIGN = 23,
    USAGE_INITIATOR_SEAL = 24,
    USAGE_INITIATOR_SIGN = 25,
};

/* What a derived key is for (RFC 3961 5.3). */
enum key_purpose { KEY_ENCRYPTION = 0xAA, KEY_INTEGRITY = 0x55, KEY_CHECKSUM = 0x99 };

/* n-fold (RFC 3961 5.1). */
void nfold(struct bytes in, uint8_t *out, size_t out_size);

/* The key for one usage and purpose; `out` has room for KERBEROS_KEY_MAX, `out_size` is what the profile says.
 * SEC_E_INSUFFICIENT_MEMORY, SEC_E_CRYPTO_SYSTEM_INVALID. */
STATUS kerberos_derive(const struct enctype_profile *profile, struct bytes base, uint32_t usage,
                       enum key_purpose purpose, uint8_t out[KERBEROS_KEY_MAX], size_t *out_size);

#endif
