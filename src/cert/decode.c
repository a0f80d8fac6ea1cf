#include "cert/decode.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/auto.h"
#include "base/secret.h"
#include "cert/info.h"
#include "cert/library.h"
#include "crypto/openssl_errors.h"
#include "text/utf16.h"
#include "wire/writer.h"

/* Room in the arena, or the function ends. */
#define TAKE(pointer, arena, size)                                                                                     \
    do {                                                                                                               \
        (pointer) = arena_take((arena), (size));                                                                       \
        REQUIRE((pointer) != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");                                            \
    } while (0)

#define WRONG "decoding: not DER of this structure (X.690)"

/* Parses with an OpenSSL template; nothing may follow. */
#define PARSE(type, variable, der)                                                                                     \
    const unsigned char *at_ = (der).data;                                                                             \
    AUTO(free_##type) type *variable = d2i_##type(NULL, &at_, (long)(der).size);                                       \
    REQUIRE(variable != NULL && at_ == (der).data + (der).size, SEC_E_INVALID_TOKEN, WRONG)

#define FREED(type)                                                                                                    \
    static void free_##type(type **object)                                                                             \
    {                                                                                                                  \
        type##_free(*object);                                                                                          \
    }

FREED(X509)
FREED(X509_NAME)
FREED(X509_PUBKEY)
FREED(GENERAL_NAMES)
FREED(BASIC_CONSTRAINTS)
FREED(ASN1_BIT_STRING)
FREED(ASN1_OCTET_STRING)
FREED(ASN1_INTEGER)
FREED(EXTENDED_KEY_USAGE)
FREED(PKCS8_PRIV_KEY_INFO)
FREED(EVP_PKEY)

#undef FREED

static void free_number(BIGNUM **number)
{
    BN_clear_free(*number);
}

static void free_utf8(unsigned char **text)
{
    OPENSSL_free(*text);
}

static STATUS copy_blob(const void *data, size_t size, struct arena *arena, CRYPT_DATA_BLOB *out)
{
    out->cbData = (DWORD)size;
    out->pbData = arena_copy(arena, bytes_of(data, size));
    REQUIRE(out->pbData != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    return SEC_E_OK;
}

/* Text of a certificate as UTF-16 with a NUL; one with a NUL inside is refused, as what is read would be another name. */
static STATUS wide(const ASN1_STRING *text, struct arena *arena, LPWSTR *out)
{
    AUTO(free_utf8) unsigned char *utf8 = NULL;
    AUTO_UTF16 converted = UTF16_NONE;
    int size = ASN1_STRING_to_UTF8(&utf8, text);
    REQUIRE(size >= 0 && memchr(utf8, 0, (size_t)size) == NULL, SEC_E_INVALID_TOKEN, "decoding: text that is none");
    TRY(utf16_from_utf8(bytes_of(utf8, (size_t)size + 1), &converted));
    *out = arena_copy(arena, utf16_bytes(converted));
    REQUIRE(*out != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- certificates, keys */

static STATUS decode_signed(struct bytes der, struct arena *arena)
{
    CERT_SIGNED_CONTENT_INFO *info;
    const ASN1_BIT_STRING *signature;
    const X509_ALGOR *algorithm;
    AUTO(free_utf8) unsigned char *tbs = NULL;
    int size;
    TAKE(info, arena, sizeof *info);
    PARSE(X509, x509, der);
    X509_get0_signature(&signature, &algorithm, x509);
    size = i2d_re_X509_tbs(x509, &tbs);
    REQUIRE(size > 0, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    TRY(copy_blob(tbs, (size_t)size, arena, &info->ToBeSigned));
    TRY(info_algorithm(algorithm, arena, &info->SignatureAlgorithm));
    TRY(info_bits(signature, arena, &info->Signature));
    for (DWORD i = 0; i < info->Signature.cbData / 2;
         i++) { /* least significant byte first, as CryptoAPI has signatures */
        BYTE *low = info->Signature.pbData + i, *high = info->Signature.pbData + info->Signature.cbData - 1 - i,
             swap = *low;
        *low = *high;
        *high = swap;
    }
    return SEC_E_OK;
}

/* The whole certificate is taken too (CryptDecodeObjectEx, X509_CERT_TO_BE_SIGNED). */
static STATUS decode_certificate(struct bytes der, struct arena *arena)
{
    CERT_INFO *info;
    TAKE(info, arena, sizeof *info);
    PARSE(X509, x509, der);
    return info_of_certificate(x509, arena, info);
}

static STATUS decode_public_key(struct bytes der, struct arena *arena)
{
    CERT_PUBLIC_KEY_INFO *info;
    TAKE(info, arena, sizeof *info);
    PARSE(X509_PUBKEY, key, der);
    return info_public_key(key, arena, info);
}

static STATUS decode_private_key(struct bytes der, struct arena *arena)
{
    CRYPT_PRIVATE_KEY_INFO *info;
    const unsigned char *key;
    const X509_ALGOR *algorithm;
    int size;
    TAKE(info, arena, sizeof *info);
    PARSE(PKCS8_PRIV_KEY_INFO, p8, der);
    REQUIRE(PKCS8_pkey_get0(NULL, &key, &size, &algorithm, p8) == 1, SEC_E_INVALID_TOKEN, WRONG);
    TRY(info_algorithm(algorithm, arena, &info->Algorithm));
    return copy_blob(key, (size_t)size, arena, &info->PrivateKey);
}

/* ---------------------------------------------------------------- an RSA key as a PRIVATEKEYBLOB
 *
 * BLOBHEADER (8 bytes: 7, 2, 0, CALG_RSA_KEYX), RSAPUBKEY (12: "RSA2", bits, exponent), then modulus, prime1, prime2,
 * exponent1, exponent2, coefficient, private exponent, least significant byte first ("RSA/Schannel Key BLOBs"). */

static STATUS put_number(const EVP_PKEY *key, const char *name, BYTE *out, size_t size)
{
    AUTO(free_number) BIGNUM *number = NULL;
    REQUIRE(EVP_PKEY_get_bn_param(key, name, &number) == 1 && BN_bn2lebinpad(number, out, (int)size) == (int)size,
            SEC_E_INVALID_TOKEN, "RSA private key: a number is missing or too large (RFC 8017 A.1.2)");
    return SEC_E_OK;
}

static STATUS decode_rsa_key(struct bytes der, struct arena *arena)
{
    static const struct {
        const char *name;
        int half;
    } numbers[] = {
        {OSSL_PKEY_PARAM_RSA_N, 0},         {OSSL_PKEY_PARAM_RSA_FACTOR1, 1},   {OSSL_PKEY_PARAM_RSA_FACTOR2, 1},
        {OSSL_PKEY_PARAM_RSA_EXPONENT1, 1}, {OSSL_PKEY_PARAM_RSA_EXPONENT2, 1}, {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, 1},
        {OSSL_PKEY_PARAM_RSA_D, 0},
    };
    const unsigned char *at = der.data;
    AUTO(free_EVP_PKEY) EVP_PKEY *key = d2i_PrivateKey_ex(EVP_PKEY_RSA, NULL, &at, (long)der.size, cert_libctx(), NULL);
    AUTO(free_number) BIGNUM *exponent = NULL;
    size_t size, half;
    BYTE *blob, *next;
    REQUIRE(key != NULL && at == der.data + der.size &&
                EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 && BN_num_bits(exponent) <= 32,
            SEC_E_INVALID_TOKEN, "RSA private key: not one (RFC 8017 A.1.2)");
    size = (size_t)(EVP_PKEY_get_bits(key) + 7) / 8;
    half = (size + 1) / 2;
    TAKE(blob, arena, 20 + 2 * size + 5 * half);
    struct writer head = write_into(blob, 20);
    write_u8(&head, 7); /* PRIVATEKEYBLOB */
    write_u8(&head, 2); /* CUR_BLOB_VERSION */
    write_u16le(&head, 0);
    write_u32le(&head, CALG_RSA_KEYX);
    write_u32le(&head, 0x32415352); /* "RSA2" */
    write_u32le(&head, (uint32_t)EVP_PKEY_get_bits(key));
    write_u32le(&head, (uint32_t)BN_get_word(exponent));
    next = blob + 20;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        size_t width = numbers[i].half ? half : size;
        TRY(put_number(key, numbers[i].name, next, width));
        next += width;
    }
    return write_end(&head);
}

/* ---------------------------------------------------------------- names */

static DWORD value_type(const ASN1_STRING *value)
{
    switch (ASN1_STRING_type(value)) {
    case V_ASN1_NUMERICSTRING:
        return CERT_RDN_NUMERIC_STRING;
    case V_ASN1_PRINTABLESTRING:
        return CERT_RDN_PRINTABLE_STRING;
    case V_ASN1_T61STRING:
        return CERT_RDN_TELETEX_STRING;
    case V_ASN1_IA5STRING:
        return CERT_RDN_IA5_STRING;
    case V_ASN1_VISIBLESTRING:
        return CERT_RDN_VISIBLE_STRING;
    case V_ASN1_UNIVERSALSTRING:
        return CERT_RDN_UNIVERSAL_STRING;
    case V_ASN1_BMPSTRING:
        return CERT_RDN_BMP_STRING;
    case V_ASN1_UTF8STRING:
        return CERT_RDN_UTF8_STRING;
    case V_ASN1_OCTET_STRING:
        return CERT_RDN_OCTET_STRING;
    default:
        return CERT_RDN_ENCODED_BLOB;
    }
}

/* UTF-8 and BMP values are UTF-16 in X509_NAME as well (CERT_RDN_ATTR); the others are bytes, but for X509_UNICODE_NAME. */
static STATUS decode_attribute(const X509_NAME_ENTRY *entry, bool unicode, struct arena *arena, CERT_RDN_ATTR *out)
{
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
    DWORD type = value_type(value);
    bool text = type != CERT_RDN_ENCODED_BLOB && type != CERT_RDN_OCTET_STRING;
    TRY(info_oid(X509_NAME_ENTRY_get_object(entry), arena, &out->pszObjId));
    out->dwValueType = type;
    if (text && (unicode || type == CERT_RDN_UTF8_STRING || type == CERT_RDN_BMP_STRING)) {
        LPWSTR converted;
        TRY(wide(value, arena, &converted));
        out->Value.pbData = (BYTE *)converted;
        out->Value.cbData = (DWORD)utf16_from_wide((const uint16_t *)converted).size;
        return SEC_E_OK;
    }
    return copy_blob(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value), arena, &out->Value);
}

static int set_of(const X509_NAME *name, int index)
{
    return X509_NAME_ENTRY_set(X509_NAME_get_entry(name, index));
}

static STATUS decode_name(struct bytes der, bool unicode, struct arena *arena)
{
    CERT_NAME_INFO *info;
    CERT_RDN_ATTR *attributes;
    int count;
    TAKE(info, arena, sizeof *info);
    PARSE(X509_NAME, name, der);
    count = X509_NAME_entry_count(name);
    if (count == 0) {
        return SEC_E_OK;
    }
    TAKE(info->rgRDN, arena, (size_t)count * sizeof *info->rgRDN);
    TAKE(attributes, arena, (size_t)count * sizeof *attributes);
    for (int i = 0; i < count; i++) {
        if (i == 0 || set_of(name, i) != set_of(name, i - 1)) {
            info->rgRDN[info->cRDN++].rgRDNAttr = attributes + i;
        }
        info->rgRDN[info->cRDN - 1].cRDNAttr++;
        TRY(decode_attribute(X509_NAME_get_entry(name, i), unicode, arena, attributes + i));
    }
    return SEC_E_OK;
}

static STATUS decode_other(const OTHERNAME *name, struct arena *arena, CERT_ALT_NAME_ENTRY *out)
{
    AUTO(free_utf8) unsigned char *der = NULL;
    int size = i2d_ASN1_TYPE(name->value, &der);
    REQUIRE(size > 0, SEC_E_INVALID_TOKEN, WRONG);
    TAKE(out->pOtherName, arena, sizeof *out->pOtherName);
    TRY(info_oid(name->type_id, arena, &out->pOtherName->pszObjId));
    return copy_blob(der, (size_t)size, arena, &out->pOtherName->Value);
}

static STATUS decode_general(const GENERAL_NAME *name, struct arena *arena, CERT_ALT_NAME_ENTRY *out)
{
    const unsigned char *der;
    size_t size;
    out->dwAltNameChoice = (DWORD)name->type + 1; /* CERT_ALT_NAME_* count as the tags do (RFC 5280 4.2.1.6), from 1 */
    switch (name->type) {
    case GEN_OTHERNAME:
        return decode_other(name->d.otherName, arena, out);
    case GEN_EMAIL:
    case GEN_DNS:
    case GEN_URI:
        return wide(name->d.ia5, arena, &out->pwszDNSName);
    case GEN_DIRNAME:
        REQUIRE(X509_NAME_get0_der(name->d.directoryName, &der, &size) == 1, SEC_E_INSUFFICIENT_MEMORY, "no memory");
        return copy_blob(der, size, arena, &out->DirectoryName);
    case GEN_IPADD:
        return copy_blob(ASN1_STRING_get0_data(name->d.ip), (size_t)ASN1_STRING_length(name->d.ip), arena,
                         &out->IPAddress);
    case GEN_RID:
        return info_oid(name->d.rid, arena, &out->pszRegisteredID);
    default: /* X.400 and EDI: the SDK has no members for them */
        return SEC_E_OK;
    }
}

static STATUS decode_alternative(struct bytes der, struct arena *arena)
{
    CERT_ALT_NAME_INFO *info;
    TAKE(info, arena, sizeof *info);
    PARSE(GENERAL_NAMES, names, der);
    info->cAltEntry = (DWORD)sk_GENERAL_NAME_num(names);
    TAKE(info->rgAltEntry, arena, info->cAltEntry * sizeof *info->rgAltEntry);
    for (DWORD i = 0; i < info->cAltEntry; i++) {
        TRY(decode_general(sk_GENERAL_NAME_value(names, (int)i), arena, &info->rgAltEntry[i]));
    }
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- extensions, primitives */

static STATUS decode_constraints(struct bytes der, struct arena *arena)
{
    CERT_BASIC_CONSTRAINTS2_INFO *info;
    int64_t length = 0;
    TAKE(info, arena, sizeof *info);
    PARSE(BASIC_CONSTRAINTS, constraints, der);
    info->fCA = constraints->ca != 0;
    if (constraints->pathlen != NULL) {
        REQUIRE(ASN1_INTEGER_get_int64(&length, constraints->pathlen) == 1 && length >= 0 && length <= INT32_MAX,
                SEC_E_INVALID_TOKEN, "basic constraints: a path length that is none (RFC 5280 4.2.1.9)");
        info->fPathLenConstraint = TRUE;
        info->dwPathLenConstraint = (DWORD)length;
    }
    return SEC_E_OK;
}

static STATUS decode_usages(struct bytes der, struct arena *arena)
{
    CERT_ENHKEY_USAGE *info;
    TAKE(info, arena, sizeof *info);
    PARSE(EXTENDED_KEY_USAGE, usages, der);
    info->cUsageIdentifier = (DWORD)sk_ASN1_OBJECT_num(usages);
    TAKE(info->rgpszUsageIdentifier, arena, info->cUsageIdentifier * sizeof *info->rgpszUsageIdentifier);
    for (DWORD i = 0; i < info->cUsageIdentifier; i++) {
        TRY(info_oid(sk_ASN1_OBJECT_value(usages, (int)i), arena, &info->rgpszUsageIdentifier[i]));
    }
    return SEC_E_OK;
}

static STATUS decode_bits(struct bytes der, struct arena *arena)
{
    CRYPT_BIT_BLOB *blob;
    TAKE(blob, arena, sizeof *blob);
    PARSE(ASN1_BIT_STRING, bits, der);
    return info_bits(bits, arena, blob);
}

static STATUS decode_octets(struct bytes der, struct arena *arena)
{
    CRYPT_DATA_BLOB *blob;
    TAKE(blob, arena, sizeof *blob);
    PARSE(ASN1_OCTET_STRING, octets, der);
    return copy_blob(ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets), arena, blob);
}

static STATUS decode_integer(struct bytes der, struct arena *arena)
{
    CRYPT_INTEGER_BLOB *blob;
    TAKE(blob, arena, sizeof *blob);
    PARSE(ASN1_INTEGER, number, der);
    return info_integer(number, arena, blob);
}

/* ---------------------------------------------------------------- by number */

static STATUS decode_name_bytes(struct bytes der, struct arena *arena)
{
    return decode_name(der, false, arena);
}

static STATUS decode_name_unicode(struct bytes der, struct arena *arena)
{
    return decode_name(der, true, arena);
}

static const struct {
    DWORD type;
    SECURITY_STATUS (*decode)(struct bytes der, struct arena *arena);
    const char *oid; /* of the extension with this structure */
} known[] = {
    {1, decode_signed, NULL},                          /* X509_CERT */
    {2, decode_certificate, NULL},                     /* X509_CERT_TO_BE_SIGNED */
    {7, decode_name_bytes, NULL},                      /* X509_NAME */
    {8, decode_public_key, NULL},                      /* X509_PUBLIC_KEY_INFO */
    {12, decode_alternative, szOID_SUBJECT_ALT_NAME2}, /* X509_ALTERNATE_NAME */
    {12, decode_alternative, szOID_ISSUER_ALT_NAME2},
    {12, decode_alternative, szOID_SUBJECT_ALT_NAME},
    {14, decode_bits, szOID_KEY_USAGE},                 /* X509_KEY_USAGE */
    {15, decode_constraints, szOID_BASIC_CONSTRAINTS2}, /* X509_BASIC_CONSTRAINTS2 */
    {20, decode_name_unicode, NULL},                    /* X509_UNICODE_NAME */
    {25, decode_octets, szOID_SUBJECT_KEY_IDENTIFIER},  /* X509_OCTET_STRING */
    {26, decode_bits, NULL},                            /* X509_BITS */
    {28, decode_integer, NULL},                         /* X509_MULTI_BYTE_INTEGER */
    {36, decode_usages, szOID_ENHANCED_KEY_USAGE},      /* X509_ENHANCED_KEY_USAGE */
    {43, decode_rsa_key, NULL},                         /* PKCS_RSA_PRIVATE_KEY */
    {44, decode_private_key, NULL},                     /* PKCS_PRIVATE_KEY_INFO */
};

#define KNOWN (sizeof known / sizeof known[0])

DWORD decode_type_of_oid(const char *oid)
{
    for (size_t i = 0; i < KNOWN; i++) {
        if (known[i].oid != NULL && strcmp(known[i].oid, oid) == 0) {
            return known[i].type;
        }
    }
    return 0;
}

bool decode_knows(DWORD type)
{
    for (size_t i = 0; i < KNOWN; i++) {
        if (known[i].type == type) {
            return true;
        }
    }
    return false;
}

STATUS decode(DWORD type, struct bytes der, struct arena *arena)
{
    SECURITY_STATUS status = SEC_E_UNSUPPORTED_FUNCTION;
    REQUIRE(der.data != NULL && der.size != 0 && der.size <= DECODE_MAX, SEC_E_INVALID_TOKEN, WRONG);
    openssl_errors_mark();
    for (size_t i = 0; i < KNOWN; i++) {
        if (known[i].type == type) {
            status = known[i].decode(der, arena);
            break;
        }
    }
    openssl_errors_forget();
    return status;
}
