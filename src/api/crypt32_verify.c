/* Single questions about certificates (wincrypt_chain.h): time, issuer, revocation, usages. */
#include "api/crypt32.h"

#include <string.h>

#include "base/clock.h"
#include "cert/issuer.h"
#include "cert/usage.h"

static uint64_t ticks_of(FILETIME time)
{
    return (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
}

/* ---------------------------------------------------------------- time */

LONG WINAPI CertVerifyTimeValidity(LPFILETIME pTimeToVerify, PCERT_INFO pCertInfo)
{
    uint64_t time = pTimeToVerify == NULL ? clock_now() : ticks_of(*pTimeToVerify);
    if (time < ticks_of(pCertInfo->NotBefore)) {
        return -1;
    }
    return time > ticks_of(pCertInfo->NotAfter) ? 1 : 0;
}

BOOL WINAPI CertVerifyValidityNesting(PCERT_INFO pSubjectInfo, PCERT_INFO pIssuerInfo)
{
    return ticks_of(pSubjectInfo->NotBefore) >= ticks_of(pIssuerInfo->NotBefore) &&
           ticks_of(pSubjectInfo->NotAfter) <= ticks_of(pIssuerInfo->NotAfter);
}

/* ---------------------------------------------------------------- issuers */

static STATUS check_revocation(struct certificate *subject, struct certificate *issuer, struct store *store,
                               DWORD *flags)
{
    bool have_crl;
    struct revocation_answer answer;
    struct store *const stores[2] = {store, certificate_store(issuer)};
    TRY(issuer_has_crl(stores[0], issuer, &have_crl));
    if (!have_crl) {
        TRY(issuer_has_crl(stores[1], issuer, &have_crl));
    }
    TRY(issuer_revocation(issuer, subject, stores, 0, &answer));
    if (answer.state == REVOCATION_GOOD) {
        *flags &= ~(DWORD)CERT_STORE_REVOCATION_FLAG;
    } else if (!have_crl && answer.state != REVOCATION_REVOKED) {
        *flags |= CERT_STORE_NO_CRL_FLAG;
    }
    return SEC_E_OK;
}

/* Takes the bits away that hold. */
static STATUS check_subject(struct certificate *subject, struct certificate *issuer, struct store *store, DWORD *flags)
{
    const DWORD known = CERT_STORE_SIGNATURE_FLAG | CERT_STORE_TIME_VALIDITY_FLAG | CERT_STORE_REVOCATION_FLAG |
                        CERT_STORE_BASE_CRL_FLAG | CERT_STORE_DELTA_CRL_FLAG;
    DWORD left = *flags;
    REQUIRE((left & ~known) == 0, SEC_E_INVALID_PARAMETER, "a check that CERT_STORE_ flags do not have");
    if ((left & CERT_STORE_TIME_VALIDITY_FLAG) != 0 &&
        CertVerifyTimeValidity(NULL, (PCERT_INFO)certificate_info(subject)) == 0) {
        left &= ~(DWORD)CERT_STORE_TIME_VALIDITY_FLAG;
    }
    if (issuer == NULL) {
        left |= (left & (CERT_STORE_SIGNATURE_FLAG | CERT_STORE_REVOCATION_FLAG)) != 0 ? CERT_STORE_NO_ISSUER_FLAG : 0;
        *flags = left;
        return SEC_E_OK;
    }
    if ((left & CERT_STORE_SIGNATURE_FLAG) != 0 && issuer_signed(issuer, subject)) {
        left &= ~(DWORD)CERT_STORE_SIGNATURE_FLAG;
    }
    if ((left & CERT_STORE_REVOCATION_FLAG) != 0) {
        TRY(check_revocation(subject, issuer, store, &left));
    }
    *flags = left;
    return SEC_E_OK;
}

static STATUS get_issuer(struct store *store, PCCERT_CONTEXT subject_context, const struct certificate *previous,
                         DWORD *flags, struct certificate **out)
{
    AUTO_CERTIFICATE *subject = NULL;
    AUTO_CERTIFICATE *issuer = NULL;
    REQUIRE(store != NULL, SEC_E_INVALID_HANDLE, "the store is not open");
    TRY(certificate_from_context(subject_context, &subject));
    if (issuer_is_self(subject)) {
        if (flags != NULL) {
            TRY(check_subject(subject, subject, store, flags));
        }
        FAIL(CRYPT_E_SELF_SIGNED, "the certificate is its own issuer");
    }
    issuer = issuer_find(store, subject, previous);
    REQUIRE(issuer != NULL, CRYPT_E_NOT_FOUND, "the store has no (further) issuer of the certificate");
    if (flags != NULL) {
        TRY(check_subject(subject, issuer, store, flags));
    }
    *out = STEAL(issuer);
    return SEC_E_OK;
}

PCCERT_CONTEXT WINAPI CertGetIssuerCertificateFromStore(HCERTSTORE hCertStore, PCCERT_CONTEXT pSubjectContext,
                                                        PCCERT_CONTEXT pPrevIssuerContext, DWORD *pdwFlags)
{
    struct certificate *issuer = NULL;
    struct certificate *previous = certificate_of(pPrevIssuerContext);
    status_begin();
    SECURITY_STATUS status = get_issuer(store_of(hCertStore), pSubjectContext, previous, pdwFlags, &issuer);
    certificate_drop(previous);
    return crypt32_done("CertGetIssuerCertificateFromStore", status) ? certificate_context(issuer) : NULL;
}

static STATUS verify_subject(PCCERT_CONTEXT subject_context, PCCERT_CONTEXT issuer_context, DWORD *flags)
{
    AUTO_CERTIFICATE *subject = NULL;
    AUTO_CERTIFICATE *issuer = NULL;
    REQUIRE(flags != NULL, SEC_E_INVALID_PARAMETER, "CertVerifySubjectCertificateContext needs to know what to check");
    TRY(certificate_from_context(subject_context, &subject));
    if (issuer_context != NULL) {
        TRY(certificate_from_context(issuer_context, &issuer));
    } else if (issuer_is_self(subject)) {
        issuer = certificate_hold(subject);
    }
    return check_subject(subject, issuer, NULL, flags);
}

BOOL WINAPI CertVerifySubjectCertificateContext(PCCERT_CONTEXT pSubject, PCCERT_CONTEXT pIssuer, DWORD *pdwFlags)
{
    status_begin();
    return crypt32_done("CertVerifySubjectCertificateContext", verify_subject(pSubject, pIssuer, pdwFlags));
}

/* ---------------------------------------------------------------- revocation */

struct revocation_call {
    DWORD count;
    PVOID *contexts;
    DWORD flags;
    const CERT_REVOCATION_PARA *para; /* may be NULL */
};

/* A new reference to the issuer of one of the certificates, from what the caller gave; NULL when nobody has it. */
static struct certificate *find_issuer(const struct revocation_call *call, DWORD index, struct certificate *subject)
{
    if (issuer_is_self(subject)) {
        return certificate_hold(subject);
    }
    PCCERT_CONTEXT named = NULL;
    if ((call->flags & CERT_VERIFY_REV_CHAIN_FLAG) != 0 && index + 1 < call->count) {
        named = call->contexts[index + 1];
    } else if (call->para != NULL && (call->count == 1 || (call->flags & CERT_VERIFY_REV_CHAIN_FLAG) != 0)) {
        named = call->para->pIssuerCert;
    }
    struct certificate *issuer = NULL;
    if (named != NULL && certificate_from_context(named, &issuer) >= 0) {
        return issuer;
    }
    for (DWORD i = 0; call->para != NULL && i < call->para->cCertStore; i++) {
        struct store *store = store_of(call->para->rgCertStore[i]);
        issuer = store == NULL ? NULL : issuer_find(store, subject, NULL);
        if (issuer != NULL) {
            return issuer;
        }
    }
    struct store *own = certificate_store(subject);
    return own == NULL ? NULL : issuer_find(own, subject, NULL);
}

static STATUS ask_one(const struct revocation_call *call, DWORD index, struct revocation_answer *out)
{
    AUTO_CERTIFICATE *subject = NULL;
    TRY(certificate_from_context(call->contexts[index], &subject));
    AUTO_CERTIFICATE *issuer = find_issuer(call, index, subject);
    uint64_t time = call->para == NULL || call->para->pftTimeToUse == NULL ? 0 : ticks_of(*call->para->pftTimeToUse);
    struct store *const stores[2] = {call->para == NULL ? NULL : store_of(call->para->hCrlStore),
                                     certificate_store(subject)};
    if (issuer == NULL || !issuer_fits(issuer, subject)) {
        *out = (struct revocation_answer){.state = REVOCATION_NO_CHECK, .reason = -1};
        return SEC_E_OK;
    }
    return issuer_revocation(issuer, subject, stores, time, out);
}

static STATUS verify_revocation(const struct revocation_call *call, PCERT_REVOCATION_STATUS out)
{
    REQUIRE(call->contexts != NULL && call->count != 0 && out != NULL, SEC_E_INVALID_PARAMETER,
            "CertVerifyRevocation needs certificates, and somewhere to put the answer");
    for (DWORD i = 0; i < call->count; i++) {
        struct revocation_answer answer;
        TRY(ask_one(call, i, &answer));
        if (answer.state == REVOCATION_GOOD) {
            continue;
        }
        SECURITY_STATUS error = answer.state == REVOCATION_REVOKED   ? CRYPT_E_REVOKED
                                : answer.state == REVOCATION_OFFLINE ? CRYPT_E_REVOCATION_OFFLINE
                                                                     : CRYPT_E_NO_REVOCATION_CHECK;
        out->dwIndex = i;
        out->dwError = (DWORD)error;
        out->dwReason = answer.state == REVOCATION_REVOKED && answer.reason > 0 ? (DWORD)answer.reason : 0;
        FAIL(error, "a certificate was revoked, or it cannot be found out whether it was");
    }
    out->dwIndex = 0;
    out->dwError = 0;
    out->dwReason = 0;
    return SEC_E_OK;
}

BOOL WINAPI CertVerifyRevocation(DWORD dwEncodingType, DWORD dwRevType, DWORD cContext, PVOID rgpvContext[],
                                 DWORD dwFlags, PCERT_REVOCATION_PARA pRevPara, PCERT_REVOCATION_STATUS pRevStatus)
{
    struct revocation_call call = {cContext, rgpvContext, dwFlags, pRevPara};
    status_begin();
    if (dwRevType != CERT_CONTEXT_REVOCATION_TYPE || (dwEncodingType & X509_ASN_ENCODING) == 0) {
        SetLastError((DWORD)E_INVALIDARG);
        return FALSE;
    }
    return crypt32_done("CertVerifyRevocation", verify_revocation(&call, pRevStatus));
}

/* ---------------------------------------------------------------- usages */

/* Extension and property together; the property alone, or the extension alone, as the flags say. */
static STATUS collect_usages(struct certificate *certificate, DWORD flags, struct usage_list *out)
{
    AUTO_USAGES usages = {.any = true};
    AUTO_FREE uint8_t *der = NULL;
    size_t size = 0;
    if ((flags & CERT_FIND_PROP_ONLY_ENHKEY_USAGE_FLAG) == 0) {
        TRY(usage_list_of(certificate_x509(certificate), &usages));
    }
    if ((flags & CERT_FIND_EXT_ONLY_ENHKEY_USAGE_FLAG) == 0 &&
        certificate_property(certificate, CERT_ENHKEY_USAGE_PROP_ID, &der, &size) >= 0) {
        AUTO_USAGES property = {.any = true};
        TRY(usage_list_parse(bytes_of(der, size), &property));
        if (usages.any) {
            usage_list_free(&usages);
            usages = property;
            property.oids = NULL;
        } else if (!property.any) {
            usage_list_meet(&usages, &property);
        }
    }
    *out = usages;
    usages.oids = NULL;
    return SEC_E_OK;
}

/* Structure, pointers, then strings: one block in the caller's memory. */
static size_t usage_size(const struct usage_list *usages)
{
    size_t size = sizeof(CERT_ENHKEY_USAGE);
    for (size_t i = 0; i < usages->count; i++) {
        size += sizeof(LPSTR) + strlen(usages->oids[i]) + 1;
    }
    return size;
}

static void write_usages(const struct usage_list *usages, PCERT_ENHKEY_USAGE out)
{
    LPSTR *pointers = (LPSTR *)(out + 1);
    char *text = (char *)(pointers + usages->count);
    out->cUsageIdentifier = (DWORD)usages->count;
    out->rgpszUsageIdentifier = usages->count == 0 ? NULL : pointers;
    for (size_t i = 0; i < usages->count; i++) {
        size_t size = strlen(usages->oids[i]) + 1;
        pointers[i] = memcpy(text, usages->oids[i], size);
        text += size;
    }
}

static STATUS get_usages(PCCERT_CONTEXT context, DWORD flags, PCERT_ENHKEY_USAGE out, DWORD *size, bool *out_any)
{
    AUTO_CERTIFICATE *certificate = NULL;
    AUTO_USAGES usages = {.any = true};
    REQUIRE(size != NULL, SEC_E_INVALID_PARAMETER, "CertGetEnhancedKeyUsage needs to know how much room there is");
    TRY(certificate_from_context(context, &certificate));
    TRY(collect_usages(certificate, flags, &usages));
    size_t needed = usage_size(&usages);
    DWORD room = *size;
    *size = (DWORD)needed;
    *out_any = usages.any && usages.count == 0;
    if (out == NULL) {
        return SEC_E_OK;
    }
    REQUIRE(room >= needed, SEC_E_BUFFER_TOO_SMALL, "the caller's buffer is too small for the usages");
    write_usages(&usages, out);
    return SEC_E_OK;
}

BOOL WINAPI CertGetEnhancedKeyUsage(PCCERT_CONTEXT pCertContext, DWORD dwFlags, PCERT_ENHKEY_USAGE pUsage,
                                    DWORD *pcbUsage)
{
    bool any = false;
    status_begin();
    SECURITY_STATUS status = get_usages(pCertContext, dwFlags, pUsage, pcbUsage, &any);
    BOOL result = crypt32_done("CertGetEnhancedKeyUsage", status);
    if (result) {
        SetLastError(any ? (DWORD)CRYPT_E_NOT_FOUND : 0);
    } else if (status == SEC_E_BUFFER_TOO_SMALL) {
        SetLastError(ERROR_MORE_DATA);
    }
    return result;
}

BOOL WINAPI CertGetIntendedKeyUsage(DWORD dwCertEncodingType, PCERT_INFO pCertInfo, BYTE *pbKeyUsage, DWORD cbKeyUsage)
{
    uint8_t bits[2];
    status_begin();
    if (pCertInfo == NULL || pbKeyUsage == NULL) {
        SetLastError((DWORD)E_INVALIDARG);
        return FALSE;
    }
    memset(pbKeyUsage, 0, cbKeyUsage);
    for (DWORD i = 0; i < pCertInfo->cExtension; i++) {
        const CERT_EXTENSION *extension = &pCertInfo->rgExtension[i];
        if (strcmp(extension->pszObjId, "2.5.29.15") != 0) {
            continue;
        }
        if (usage_key_bits(bytes_of(extension->Value.pbData, extension->Value.cbData), bits) < 0) {
            SetLastError((DWORD)CRYPT_E_ASN1_BADTAG);
            return FALSE;
        }
        memcpy(pbKeyUsage, bits, cbKeyUsage < sizeof bits ? cbKeyUsage : sizeof bits);
        return TRUE;
    }
    SetLastError(0);
    return FALSE;
}
