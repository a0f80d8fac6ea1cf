/* The value of a context or credential attribute, before api/attributes.c lays it out as the SDK's struct, A or W.
 *
 * What it points at is borrowed from the context and lives while the context's step lock is held, but for the members
 * that say they are owned: those go to whoever asked, who ends them with attribute_clear().  Which member counts follows
 * from the attribute's number (SECPKG_ATTR_*).
 */
#ifndef OPENSSPI_CORE_ATTRIBUTE_H
#define OPENSSPI_CORE_ATTRIBUTE_H

#include "base/bytes.h"
#include "base/secret.h"
#include "text/utf16.h"

struct package;
struct certificate;
struct lender;
struct store;

/* What a connection agreed on: CONNECTION_INFO, CONNECTION_INFO_EX, CIPHER_INFO.  Names are ASCII, never NULL. */
struct attribute_connection {
    uint32_t protocol;                 /* SP_PROT_*, with its side */
    uint16_t version;                  /* as on the wire */
    uint16_t suite, group;             /* their numbers at IANA; group 0: none */
    const char *suite_name;            /* IANA's */
    const char *cipher, *hash;         /* "AES", "SHA1"; hash "" for an AEAD */
    const char *exchange, *signer;     /* of the suite: "ECDH", "ECDSA"; "" where it does not say (TLS 1.3) */
    const char *used_exchange;         /* of the connection: where the suite does not say, too */
    uint32_t cipher_bits, block_bytes; /* of the cipher */
    uint32_t hash_bits;
    uint32_t exchange_bits;                                        /* of the key that was used; 0: not known */
    uint32_t exchange_minimum, exchange_maximum;                   /* that the suite allows */
    uint32_t cipher_algorithm, hash_algorithm, exchange_algorithm; /* ALG_ID */
};

/* Keys for another protocol (RFC 5705).  In: what is asked for; borrowed. */
struct attribute_exporter {
    struct bytes label, context;
    bool has_context; /* an empty context is not the same as none (RFC 5705 4) */
    uint32_t size;
};

struct attribute {
    union {
        struct {
            uint32_t max_token, max_signature, block_size, security_trailer;
        } sizes;           /* SIZES */
        struct utf16 name; /* NAMES, AUTHORITY, DCE_INFO, CLIENT_SPECIFIED_TARGET, CRED_ATTR_NAMES */
        struct {
            struct utf16 client, server;
        } native_names; /* NATIVE_NAMES */
        struct {
            uint64_t start, expiry; /* FILETIME, UTC */
        } lifespan;                 /* LIFESPAN */
        struct {
            const char *signature, *encryption;
            uint32_t key_bits, signature_id, encryption_id;
        } key_info; /* KEY_INFO */
        struct bytes
            bytes;       /* SESSION_KEY, TARGET_INFORMATION, KEYING_MATERIAL, EAP_KEY_BLOCK, CRED_ATTR_CERT, bindings;
                               NEGOTIATED_TLS_EXTENSIONS (uint16_t), SUPPORTED_SIGNATURES (pairs as on the wire),
                               SUPPORTED_ALGS (uint32_t); in the machine's byte order */
        uint32_t number; /* FLAGS, USER_FLAGS, LAST_CLIENT_TOKEN_STATUS, NEGO_STATUS, DTLS_MTU, SUPPORTED_PROTOCOLS */
        uint64_t time;   /* PASSWORD_EXPIRY, LOGOFF_TIME: FILETIME, UTC */
        struct {
            const struct package *package;
            uint32_t state;
        } negotiation; /* PACKAGE_INFO, NEGOTIATION_INFO */
        struct {
            uint32_t header, trailer, maximum, buffers, block;
        } stream_sizes; /* STREAM_SIZES */
        struct attribute_connection connection;
        struct {
            struct bytes id;
            bool resumed;
        } session;             /* SESSION_INFO */
        struct bytes protocol; /* APPLICATION_PROTOCOL: what ALPN chose; empty: nothing */
        struct bytes list;     /* ISSUER_LIST_EX, REMOTE_CERTIFICATES: DER, each with its size (uint32_t, little
                                         endian) in front */
        struct {
            uint32_t chain_errors; /* CERT_TRUST_* */
            int32_t policy_error;  /* HRESULT */
        } validation;              /* CERT_CHECK_RESULT, CC_POLICY_RESULT */
        struct {
            uint32_t minimum, maximum;
        } strengths;                        /* CIPHER_STRENGTHS */
        struct attribute_exporter exporter; /* KEYING_MATERIAL_INPROC, before the package answers it with `bytes` */
    };
    struct secret owned;             /* owned: what the above points at when the context does not keep it */
    struct certificate *certificate; /* owned: REMOTE_CERT_CONTEXT, LOCAL_CERT_CONTEXT, REMOTE_CERT_CHAIN */
    struct store *store;             /* owned: ROOT_STORE */
    struct lender *lender;           /* borrowed: bindings, for whose block the context pays; NULL: the caller's */
};

/* Gives back what is owned, secrets wiped.  Members that were taken out are NULL. */
void attribute_clear(struct attribute *attribute);

#define AUTO_ATTRIBUTE __attribute__((cleanup(attribute_clear))) struct attribute

#endif
