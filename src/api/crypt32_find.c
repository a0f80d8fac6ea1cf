/* CertFindCertificateInStore and its relatives (wincrypt_store.h). */
#include "api/crypt32.h"

#include <string.h>

#include "cert/name_text.h"
#include "cert/usage.h"

/* What is looked for. */
struct sought {
    DWORD type; /* CERT_FIND_* */
    DWORD flags;
    const void *parameter;
    struct utf16 text; /* of the STR types */
};

static bool has_property(struct certificate *certificate, DWORD id, const CRYPT_HASH_BLOB *value)
{
    AUTO_FREE uint8_t *data = NULL;
    size_t size = 0;
    return certificate_property(certificate, id, &data, &size) >= 0 &&
           (value == NULL || (size == value->cbData && memcmp(data, value->pbData, size) == 0));
}

static bool hash_text(struct certificate *certificate, struct utf16 text)
{
    AUTO_FREE uint8_t *data = NULL;
    size_t size = 0, digits = 0;
    char expected[2];
    if (certificate_property(certificate, CERT_SHA1_HASH_PROP_ID, &data, &size) < 0) {
        return false;
    }
    for (size_t i = 0; i < utf16_length(text); i++) {
        uint16_t unit = utf16_unit(text, i);
        if (unit == ' ') {
            continue; /* as the certificate dialogue shows hashes */
        }
        if (digits == 2 * size) {
            return false;
        }
        expected[0] = "0123456789abcdef"[digits % 2 == 0 ? data[digits / 2] >> 4 : data[digits / 2] & 15];
        expected[1] = (char)(expected[0] >= 'a' ? expected[0] - 32 : expected[0]);
        if (unit != (uint16_t)expected[0] && unit != (uint16_t)expected[1]) {
            return false;
        }
        digits++;
    }
    return digits == 2 * size;
}

static const CERT_NAME_BLOB *name_of(struct certificate *certificate, DWORD type)
{
    const CERT_INFO *info = certificate_info(certificate);
    return (type & 0xFFFF) == CERT_INFO_ISSUER_FLAG ? &info->Issuer : &info->Subject;
}

/* "The string is compared without regard to case" and is a part of the name ("CERT_FIND_SUBJECT_STR"). */
static bool has_text(struct certificate *certificate, const struct sought *sought)
{
    const CERT_NAME_BLOB *name = name_of(certificate, sought->type);
    AUTO_WRITER writer = write_growing(1 << 20);
    AUTO_UTF16 text = UTF16_NONE;
    if (name_text_write(bytes_of(name->pbData, name->cbData), CERT_SIMPLE_NAME_STR | CERT_NAME_STR_NO_QUOTING_FLAG,
                        &writer) < 0 ||
        write_end(&writer) < 0 || utf16_from_utf8(write_result(&writer), &text) < 0) {
        return false;
    }
    for (size_t i = 0; i + utf16_length(sought->text) <= utf16_length(text); i++) {
        struct utf16 part = utf16_head(utf16_tail(text, i), utf16_length(sought->text));
        if (utf16_equal_nocase(part, sought->text)) {
            return true;
        }
    }
    return false;
}

/* Each attribute that is asked for is in the name: the same OID and, if one is given, the same value. */
static bool has_attributes(struct certificate *certificate, const struct sought *sought)
{
    const CERT_NAME_BLOB *name = name_of(certificate, sought->type);
    const CERT_RDN *rdn = sought->parameter;
    for (DWORD i = 0; i < rdn->cRDNAttr; i++) {
        const CERT_RDN_ATTR *attribute = &rdn->rgRDNAttr[i];
        AUTO_WRITER writer = write_growing(1 << 20);
        AUTO_FREE char *wide = NULL;
        struct bytes value = bytes_of(attribute->Value.pbData, attribute->Value.cbData);
        if (attribute->pszObjId == NULL ||
            name_text_attribute(bytes_of(name->pbData, name->cbData), attribute->pszObjId, &writer) < 0 ||
            write_end(&writer) < 0 || write_result(&writer).size == 0) {
            return false;
        }
        if ((sought->flags & CERT_UNICODE_IS_RDN_ATTRS_FLAG) != 0 && value.data != NULL) {
            size_t size = 0;
            if (utf16_to_utf8(utf16_of(value), &wide, &size) < 0) {
                return false;
            }
            value = bytes_of(wide, size);
        }
        if (value.data != NULL && (value.size != write_result(&writer).size ||
                                   memcmp(value.data, write_result(&writer).data, value.size) != 0)) {
            return false;
        }
    }
    return true;
}

static bool issued(struct certificate *certificate, const CERT_CONTEXT *subject)
{
    return subject->pCertInfo != NULL &&
           CertCompareCertificateName(X509_ASN_ENCODING, (PCERT_NAME_BLOB)&certificate_info(certificate)->Subject,
                                      &subject->pCertInfo->Issuer);
}

static bool existing(struct certificate *certificate, const CERT_CONTEXT *other)
{
    struct bytes encoding = certificate_encoding(certificate);
    return other->cbCertEncoded == encoding.size && memcmp(other->pbCertEncoded, encoding.data, encoding.size) == 0;
}

/* All of the usages, or with CERT_FIND_OR_ENHKEY_USAGE_FLAG one of them.  Without an extension a certificate is for
 * everything, which counts only with OPTIONAL or VALID. */
static bool has_usages(struct certificate *certificate, const CERT_ENHKEY_USAGE *wanted, DWORD flags)
{
    AUTO_USAGES list = {.any = false};
    DWORD count = wanted == NULL ? 0 : wanted->cUsageIdentifier, found = 0;
    if (usage_list_of(certificate_x509(certificate), &list) < 0) {
        return false;
    }
    if (list.any) {
        return (flags & (CERT_FIND_OPTIONAL_ENHKEY_USAGE_FLAG | CERT_FIND_VALID_ENHKEY_USAGE_FLAG |
                         CERT_FIND_NO_ENHKEY_USAGE_FLAG)) != 0;
    }
    if (flags & CERT_FIND_NO_ENHKEY_USAGE_FLAG) {
        return false;
    }
    for (DWORD i = 0; i < count; i++) {
        found += usage_list_has(&list, wanted->rgpszUsageIdentifier[i]) ? 1 : 0;
    }
    return (flags & CERT_FIND_OR_ENHKEY_USAGE_FLAG) != 0 && count != 0 ? found != 0 : found == count;
}

static bool matches_structure(struct certificate *certificate, const struct sought *sought)
{
    switch (sought->type) {
    case CERT_FIND_SUBJECT_NAME:
    case CERT_FIND_ISSUER_NAME:
        return CertCompareCertificateName(X509_ASN_ENCODING, (PCERT_NAME_BLOB)name_of(certificate, sought->type),
                                          (PCERT_NAME_BLOB)(uintptr_t)sought->parameter);
    case CERT_FIND_SUBJECT_ATTR:
    case CERT_FIND_ISSUER_ATTR:
        return has_attributes(certificate, sought);
    case CERT_FIND_PUBLIC_KEY:
        return CertComparePublicKeyInfo(X509_ASN_ENCODING,
                                        (PCERT_PUBLIC_KEY_INFO)&certificate_info(certificate)->SubjectPublicKeyInfo,
                                        (PCERT_PUBLIC_KEY_INFO)(uintptr_t)sought->parameter);
    case CERT_FIND_SUBJECT_CERT:
        return CertCompareCertificate(X509_ASN_ENCODING, (PCERT_INFO)certificate_info(certificate),
                                      (PCERT_INFO)(uintptr_t)sought->parameter);
    case CERT_FIND_ISSUER_OF:
        return issued(certificate, sought->parameter);
    case CERT_FIND_EXISTING:
        return existing(certificate, sought->parameter);
    case CERT_FIND_ENHKEY_USAGE:
        return has_usages(certificate, sought->parameter, sought->flags);
    default:
        return false;
    }
}

static bool matches(struct certificate *certificate, const void *argument)
{
    const struct sought *sought = argument;
    switch (sought->type) {
    case CERT_FIND_ANY:
        return true;
    case CERT_FIND_HAS_PRIVATE_KEY:
        return certificate_has_key(certificate);
    case CERT_FIND_SHA1_HASH:
        return has_property(certificate, CERT_SHA1_HASH_PROP_ID, sought->parameter);
    case CERT_FIND_MD5_HASH:
        return has_property(certificate, CERT_MD5_HASH_PROP_ID, sought->parameter);
    case CERT_FIND_SIGNATURE_HASH:
        return has_property(certificate, CERT_SIGNATURE_HASH_PROP_ID, sought->parameter);
    case CERT_FIND_KEY_IDENTIFIER:
        return has_property(certificate, CERT_KEY_IDENTIFIER_PROP_ID, sought->parameter);
    case CERT_FIND_PUBKEY_MD5_HASH:
        return has_property(certificate, CERT_SUBJECT_PUBLIC_KEY_MD5_HASH_PROP_ID, sought->parameter);
    case CERT_FIND_PROPERTY:
        return *(const DWORD *)sought->parameter == CERT_KEY_PROV_INFO_PROP_ID
                   ? certificate_has_key(certificate)
                   : has_property(certificate, *(const DWORD *)sought->parameter, NULL);
    case CERT_FIND_KEY_SPEC:
        return has_property(certificate, CERT_KEY_SPEC_PROP_ID,
                            &(CRYPT_HASH_BLOB){sizeof(DWORD), (BYTE *)(uintptr_t)sought->parameter});
    case CERT_FIND_SUBJECT_STR_A:
    case CERT_FIND_SUBJECT_STR_W:
    case CERT_FIND_ISSUER_STR_A:
    case CERT_FIND_ISSUER_STR_W:
        return has_text(certificate, sought);
    case CERT_FIND_HASH_STR:
        return hash_text(certificate, sought->text);
    default:
        return matches_structure(certificate, sought);
    }
}

static bool known(DWORD type)
{
    switch (type) {
    case CERT_FIND_ANY:
    case CERT_FIND_HAS_PRIVATE_KEY:
    case CERT_FIND_SHA1_HASH:
    case CERT_FIND_MD5_HASH:
    case CERT_FIND_SIGNATURE_HASH:
    case CERT_FIND_KEY_IDENTIFIER:
    case CERT_FIND_PUBKEY_MD5_HASH:
    case CERT_FIND_PROPERTY:
    case CERT_FIND_KEY_SPEC:
    case CERT_FIND_SUBJECT_STR_A:
    case CERT_FIND_SUBJECT_STR_W:
    case CERT_FIND_ISSUER_STR_A:
    case CERT_FIND_ISSUER_STR_W:
    case CERT_FIND_HASH_STR:
    case CERT_FIND_SUBJECT_NAME:
    case CERT_FIND_ISSUER_NAME:
    case CERT_FIND_SUBJECT_ATTR:
    case CERT_FIND_ISSUER_ATTR:
    case CERT_FIND_PUBLIC_KEY:
    case CERT_FIND_SUBJECT_CERT:
    case CERT_FIND_ISSUER_OF:
    case CERT_FIND_EXISTING:
    case CERT_FIND_ENHKEY_USAGE:
        return true;
    default:
        return false;
    }
}

static STATUS find(HCERTSTORE handle, struct sought *sought, struct certificate *previous, PCCERT_CONTEXT *out)
{
    AUTO_CERTIFICATE *consumed = previous;
    AUTO_STORE *store = NULL;
    AUTO_UTF16 text = UTF16_NONE;
    struct certificate *found;
    TRY(crypt32_store(handle, &store));
    REQUIRE(known(sought->type), SEC_E_INVALID_PARAMETER, "CertFindCertificateInStore: no such dwFindType");
    REQUIRE(sought->parameter != NULL || sought->type == CERT_FIND_ANY || sought->type == CERT_FIND_HAS_PRIVATE_KEY ||
                sought->type == CERT_FIND_ENHKEY_USAGE,
            SEC_E_INVALID_PARAMETER, "CertFindCertificateInStore: pvFindPara is missing");
    if (sought->type == CERT_FIND_SUBJECT_STR_A || sought->type == CERT_FIND_ISSUER_STR_A) {
        TRY(utf16_from_utf8(bytes_of(sought->parameter, strlen(sought->parameter)), &text));
        sought->text = text;
    } else if (sought->type == CERT_FIND_SUBJECT_STR_W || sought->type == CERT_FIND_ISSUER_STR_W ||
               sought->type == CERT_FIND_HASH_STR) {
        sought->text = utf16_from_wide(sought->parameter);
    }
    found = store_find(store, previous, matches, sought);
    status_begin(); /* what did not match is no failure */
    REQUIRE(found != NULL, CRYPT_E_NOT_FOUND, "CertFindCertificateInStore: no such certificate");
    *out = certificate_context(found);
    return SEC_E_OK;
}

PCCERT_CONTEXT WINAPI CertFindCertificateInStore(HCERTSTORE hCertStore, DWORD dwCertEncodingType, DWORD dwFindFlags,
                                                 DWORD dwFindType, const void *pvFindPara,
                                                 PCCERT_CONTEXT pPrevCertContext)
{
    struct sought sought = {.type = dwFindType, .flags = dwFindFlags, .parameter = pvFindPara};
    PCCERT_CONTEXT context = NULL;
    status_begin();
    crypt32_done("CertFindCertificateInStore", find(hCertStore, &sought, certificate_of(pPrevCertContext), &context));
    return context;
}

PCCERT_CONTEXT WINAPI CertGetSubjectCertificateFromStore(HCERTSTORE hCertStore, DWORD dwCertEncodingType,
                                                         PCERT_INFO pCertId)
{
    return CertFindCertificateInStore(hCertStore, dwCertEncodingType, 0, CERT_FIND_SUBJECT_CERT, pCertId, NULL);
}
