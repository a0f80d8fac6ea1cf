#include "cert/info.h"

#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <time.h>

#include "base/clock.h"

#define OID_MAX       1000
#define EPOCH_SECONDS INT64_C(11644473600) /* from 1601 to 1970 */

STATUS info_oid(const ASN1_OBJECT *object, struct arena *arena, LPSTR *out)
{
    char text[OID_MAX + 1];
    int size = OBJ_obj2txt(text, sizeof text, object, 1);
    char *copy;
    REQUIRE(size > 0 && size <= OID_MAX, SEC_E_INVALID_TOKEN, "certificate: an object identifier that is none (X.660)");
    copy = arena_copy(arena, bytes_of(text, (size_t)size));
    REQUIRE(copy != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    *out = copy;
    return SEC_E_OK;
}

STATUS info_time(const ASN1_TIME *time, FILETIME *out)
{
    struct tm tm;
    int64_t seconds;
    uint64_t ticks;
    REQUIRE(time != NULL && ASN1_TIME_to_tm(time, &tm) == 1, SEC_E_INVALID_TOKEN,
            "certificate: a time that is none (RFC 5280 4.1.2.5)");
    seconds = (int64_t)timegm(&tm) + EPOCH_SECONDS;
    ticks = seconds < 0 ? 0 : (uint64_t)seconds * CLOCK_SECOND;
    *out = (FILETIME){(DWORD)ticks, (DWORD)(ticks >> 32)};
    return SEC_E_OK;
}

/* The contents of an INTEGER, turned round; padding bytes go ("Leading 0x00 or 0xFF bytes are removed", CERT_INFO). */
STATUS info_integer(const ASN1_INTEGER *value, struct arena *arena, CRYPT_INTEGER_BLOB *out)
{
    unsigned char *der = NULL;
    const unsigned char *at;
    BYTE *reversed;
    long size = 0;
    int tag, class, total = i2d_ASN1_INTEGER(value, &der);
    REQUIRE(total > 0, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    at = der;
    if ((ASN1_get_object(&at, &size, &tag, &class, total) & 0x80) != 0 || size < 1) {
        OPENSSL_free(der);
        FAIL(SEC_E_INVALID_TOKEN, "certificate: an integer that is none (X.690 8.3)");
    }
    for (BYTE padding = at[0] & 0x80 ? 0xFF : 0x00; size > 1 && at[0] == padding; size--) {
        at++;
    }
    reversed = arena_take(arena, (size_t)size);
    for (long i = 0; reversed != NULL && i < size; i++) {
        reversed[i] = at[size - 1 - i];
    }
    OPENSSL_free(der);
    REQUIRE(reversed != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    *out = (CRYPT_INTEGER_BLOB){(DWORD)size, reversed};
    return SEC_E_OK;
}

/* Bytes that the X509 holds. */
static STATUS kept(const void *data, size_t size, struct arena *arena, BYTE **out)
{
    *out = arena_keep(arena, bytes_of(data, size));
    REQUIRE(*out != NULL || size == 0, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    return SEC_E_OK;
}

static STATUS name(const X509_NAME *value, struct arena *arena, CERT_NAME_BLOB *out)
{
    const unsigned char *der;
    size_t size;
    REQUIRE(X509_NAME_get0_der(value, &der, &size) == 1, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    out->cbData = (DWORD)size;
    return kept(der, size, arena, &out->pbData);
}

STATUS info_algorithm(const X509_ALGOR *value, struct arena *arena, CRYPT_ALGORITHM_IDENTIFIER *out)
{
    const ASN1_OBJECT *object;
    const void *parameter;
    int type, size;
    X509_ALGOR_get0(&object, &type, &parameter, value);
    TRY(info_oid(object, arena, &out->pszObjId));
    if (value->parameter != NULL) {
        unsigned char *der = NULL;
        BYTE *copy;
        size = i2d_ASN1_TYPE(value->parameter, &der);
        copy = size < 0 ? NULL : arena_copy(arena, bytes_of(der, (size_t)size));
        OPENSSL_free(der);
        REQUIRE(copy != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
        out->Parameters = (CRYPT_OBJID_BLOB){(DWORD)size, copy};
    }
    return SEC_E_OK;
}

STATUS info_bits(const ASN1_BIT_STRING *value, struct arena *arena, CRYPT_BIT_BLOB *out)
{
    if (value == NULL) {
        *out = (CRYPT_BIT_BLOB){0, NULL, 0};
        return SEC_E_OK;
    }
    out->cbData = (DWORD)ASN1_STRING_length(value);
    out->cUnusedBits = value->flags & ASN1_STRING_FLAG_BITS_LEFT ? (DWORD)value->flags & 7 : 0;
    return kept(ASN1_STRING_get0_data(value), out->cbData, arena, &out->pbData);
}

static STATUS extensions(const STACK_OF(X509_EXTENSION) * list, struct arena *arena, DWORD *out_count,
                         CERT_EXTENSION **out)
{
    int count = X509v3_get_ext_count(list);
    CERT_EXTENSION *array;
    if (count <= 0) {
        return SEC_E_OK;
    }
    array = arena_take(arena, (size_t)count * sizeof *array);
    REQUIRE(array != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    for (int i = 0; i < count; i++) {
        X509_EXTENSION *extension = X509v3_get_ext(list, i);
        const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
        TRY(info_oid(X509_EXTENSION_get_object(extension), arena, &array[i].pszObjId));
        array[i].fCritical = X509_EXTENSION_get_critical(extension) > 0;
        array[i].Value =
            (CRYPT_OBJID_BLOB){(DWORD)ASN1_STRING_length(value), (BYTE *)(uintptr_t)ASN1_STRING_get0_data(value)};
    }
    *out_count = (DWORD)count;
    *out = array;
    return SEC_E_OK;
}

STATUS info_public_key(const X509_PUBKEY *key, struct arena *arena, CERT_PUBLIC_KEY_INFO *out)
{
    X509_ALGOR *identifier = NULL;
    const unsigned char *bits = NULL;
    int size = 0;
    REQUIRE(X509_PUBKEY_get0_param(NULL, &bits, &size, &identifier, key) == 1 && identifier != NULL,
            SEC_E_INVALID_TOKEN, "certificate: no public key (RFC 5280 4.1.2.7)");
    out->PublicKey.cbData = (DWORD)size;
    TRY(kept(bits, (size_t)size, arena, &out->PublicKey.pbData));
    return info_algorithm(identifier, arena, &out->Algorithm);
}

STATUS info_of_certificate(X509 *x509, struct arena *arena, CERT_INFO *out)
{
    const ASN1_BIT_STRING *issuer_id, *subject_id;
    CERT_INFO info = {.dwVersion = (DWORD)X509_get_version(x509)};
    TRY(info_integer(X509_get0_serialNumber(x509), arena, &info.SerialNumber));
    TRY(info_algorithm(X509_get0_tbs_sigalg(x509), arena, &info.SignatureAlgorithm));
    TRY(name(X509_get_issuer_name(x509), arena, &info.Issuer));
    TRY(info_time(X509_get0_notBefore(x509), &info.NotBefore));
    TRY(info_time(X509_get0_notAfter(x509), &info.NotAfter));
    TRY(name(X509_get_subject_name(x509), arena, &info.Subject));
    TRY(info_public_key(X509_get_X509_PUBKEY(x509), arena, &info.SubjectPublicKeyInfo));
    X509_get0_uids(x509, &issuer_id, &subject_id);
    TRY(info_bits(issuer_id, arena, &info.IssuerUniqueId));
    TRY(info_bits(subject_id, arena, &info.SubjectUniqueId));
    TRY(extensions(X509_get0_extensions(x509), arena, &info.cExtension, &info.rgExtension));
    *out = info;
    return SEC_E_OK;
}

static STATUS revoked(X509_CRL *crl, struct arena *arena, CRL_INFO *info)
{
    const STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);
    int count = sk_X509_REVOKED_num(list);
    if (count <= 0) {
        return SEC_E_OK;
    }
    info->rgCRLEntry = arena_take(arena, (size_t)count * sizeof *info->rgCRLEntry);
    REQUIRE(info->rgCRLEntry != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    for (int i = 0; i < count; i++) {
        const X509_REVOKED *from = sk_X509_REVOKED_value(list, i);
        CRL_ENTRY *entry = &info->rgCRLEntry[i];
        TRY(info_integer(X509_REVOKED_get0_serialNumber(from), arena, &entry->SerialNumber));
        TRY(info_time(X509_REVOKED_get0_revocationDate(from), &entry->RevocationDate));
        TRY(extensions(X509_REVOKED_get0_extensions(from), arena, &entry->cExtension, &entry->rgExtension));
    }
    info->cCRLEntry = (DWORD)count;
    return SEC_E_OK;
}

STATUS info_of_crl(X509_CRL *crl, struct arena *arena, CRL_INFO *out)
{
    const X509_ALGOR *signature;
    CRL_INFO info = {.dwVersion = (DWORD)X509_CRL_get_version(crl)};
    X509_CRL_get0_signature(crl, NULL, &signature);
    TRY(info_algorithm(signature, arena, &info.SignatureAlgorithm));
    TRY(name(X509_CRL_get_issuer(crl), arena, &info.Issuer));
    TRY(info_time(X509_CRL_get0_lastUpdate(crl), &info.ThisUpdate));
    if (X509_CRL_get0_nextUpdate(crl) != NULL) {
        TRY(info_time(X509_CRL_get0_nextUpdate(crl), &info.NextUpdate));
    }
    TRY(revoked(crl, arena, &info));
    TRY(extensions(X509_CRL_get0_extensions(crl), arena, &info.cExtension, &info.rgExtension));
    *out = info;
    return SEC_E_OK;
}
