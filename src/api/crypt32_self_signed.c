/* CertCreateSelfSignCertificate (wincrypt_provider.h). */
#include "api/crypt32.h"

#include <time.h>

#include "cert/capi.h"
#include "cert/self_signed.h"

#define YEAR     (365 * 86400)
#define TIME_END INT64_C(253402300799) /* of 9999, which SYSTEMTIMEs do not exceed, but a year more does */

static void free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

/* ---------------------------------------------------------------- the key */

/* AT_SIGNATURE's, which is the default, or whichever there is. */
static STATUS key_of_handle(HCRYPTPROV_OR_NCRYPT_KEY_HANDLE handle, EVP_PKEY **out)
{
    AUTO_CAPI *object = capi_hold(handle, CAPI_PROVIDER);
    if (object == NULL) {
        object = capi_hold(handle, CAPI_STORED_KEY);
    }
    REQUIRE(object != NULL, SEC_E_INVALID_HANDLE, "CertCreateSelfSignCertificate: not a provider or a key");
    *out = capi_private_key(object, AT_SIGNATURE);
    *out = *out == NULL ? capi_private_key(object, AT_KEYEXCHANGE) : *out;
    REQUIRE(*out != NULL, NTE_NO_KEY, "CertCreateSelfSignCertificate: the provider has no key");
    return SEC_E_OK;
}

/* A container's, which are made where they are not there. */
static STATUS key_of_container(const CRYPT_KEY_PROV_INFO *info, EVP_PKEY **out)
{
    AUTO_CONTAINER *container = NULL;
    AUTO_FREE char *name = NULL;
    DWORD spec = info->dwKeySpec == AT_KEYEXCHANGE ? AT_KEYEXCHANGE : AT_SIGNATURE;
    TRY(crypt32_utf8(info->pwszContainerName, &name));
    TRY(container_of_name(name, &container));
    *out = container_key(container, spec);
    if (*out == NULL) {
        TRY(self_signed_key(out));
        container_settle_key(container, spec, out); /* whoever asks at the same time gets the same key */
    }
    return SEC_E_OK;
}

static bool names_container(const CRYPT_KEY_PROV_INFO *info)
{
    return info != NULL && info->pwszContainerName != NULL && info->pwszContainerName[0] != 0;
}

static STATUS find_key(HCRYPTPROV_OR_NCRYPT_KEY_HANDLE handle, const CRYPT_KEY_PROV_INFO *info, EVP_PKEY **out)
{
    if (handle != 0) {
        return key_of_handle(handle, out);
    }
    return names_container(info) ? key_of_container(info, out) : self_signed_key(out);
}

/* ---------------------------------------------------------------- times */

static STATUS read_time(const SYSTEMTIME *given, time_t otherwise, time_t *out)
{
    if (given == NULL) {
        *out = otherwise;
        return SEC_E_OK;
    }
    REQUIRE(given->wYear >= 1601 && given->wYear <= 9999 && given->wMonth >= 1 && given->wMonth <= 12 &&
                given->wDay >= 1 && given->wDay <= 31 && given->wHour <= 23 && given->wMinute <= 59 &&
                given->wSecond <= 59,
            SEC_E_INVALID_PARAMETER, "CertCreateSelfSignCertificate: a time that is none (SYSTEMTIME)");
    struct tm tm = {.tm_year = given->wYear - 1900,
                    .tm_mon = given->wMonth - 1,
                    .tm_mday = given->wDay,
                    .tm_hour = given->wHour,
                    .tm_min = given->wMinute,
                    .tm_sec = given->wSecond};
    *out = timegm(&tm);
    REQUIRE(tm.tm_mday == given->wDay, SEC_E_INVALID_PARAMETER,
            "CertCreateSelfSignCertificate: a day that its month has not got (SYSTEMTIME)");
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- the call */

struct self_signed_call {
    HCRYPTPROV_OR_NCRYPT_KEY_HANDLE handle;
    const CERT_NAME_BLOB *name;
    DWORD flags;
    const CRYPT_KEY_PROV_INFO *info;
    const CRYPT_ALGORITHM_IDENTIFIER *algorithm;
    const SYSTEMTIME *begin, *end;
    const CERT_EXTENSIONS *extensions;
};

static STATUS attach_key(const struct self_signed_call *call, struct certificate *certificate, EVP_PKEY *key)
{
    if ((call->flags & CERT_CREATE_SELFSIGN_NO_KEY_INFO) != 0) {
        return SEC_E_OK;
    }
    if (call->handle == 0 && names_container(call->info)) {
        REQUIRE(CertSetCertificateContextProperty(certificate_context(certificate), CERT_KEY_PROV_INFO_PROP_ID, 0,
                                                  call->info),
                SEC_E_INSUFFICIENT_MEMORY, "no memory");
        return SEC_E_OK;
    }
    return certificate_set_key(certificate, key);
}

static STATUS create(const struct self_signed_call *call, PCCERT_CONTEXT *out)
{
    AUTO(free_key) EVP_PKEY *key = NULL;
    AUTO_CERTIFICATE *certificate = NULL;
    struct self_signed request = {.algorithm = call->algorithm == NULL ? NULL : call->algorithm->pszObjId};
    REQUIRE(call->name != NULL, SEC_E_INVALID_PARAMETER, "CertCreateSelfSignCertificate: no name");
    REQUIRE((call->flags & ~(DWORD)CERT_CREATE_SELFSIGN_NO_KEY_INFO) == 0, SEC_E_UNSUPPORTED_FUNCTION,
            "CertCreateSelfSignCertificate: certificates are signed");
    TRY(read_time(call->begin, time(NULL), &request.begin));
    TRY(read_time(call->end, request.begin + YEAR, &request.end));
    REQUIRE(request.end <= TIME_END, SEC_E_INVALID_PARAMETER,
            "CertCreateSelfSignCertificate: a time that no certificate can tell (RFC 5280 4.1.2.5)");
    request.name = bytes_of(call->name->pbData, call->name->cbData);
    if (call->extensions != NULL) {
        REQUIRE(call->extensions->rgExtension != NULL || call->extensions->cExtension == 0, SEC_E_INVALID_PARAMETER,
                "CertCreateSelfSignCertificate: no extensions where there are some (CERT_EXTENSIONS)");
        request.extension = call->extensions->rgExtension;
        request.extension_count = call->extensions->cExtension;
    }
    TRY(find_key(call->handle, call->info, &key));
    request.key = key;
    TRY(self_signed_make(&request, &certificate));
    TRY(attach_key(call, certificate, key));
    *out = certificate_context(STEAL(certificate));
    return SEC_E_OK;
}

PCCERT_CONTEXT WINAPI CertCreateSelfSignCertificate(HCRYPTPROV_OR_NCRYPT_KEY_HANDLE hCryptProvOrNCryptKey,
                                                    PCERT_NAME_BLOB pSubjectIssuerBlob, DWORD dwFlags,
                                                    PCRYPT_KEY_PROV_INFO pKeyProvInfo,
                                                    PCRYPT_ALGORITHM_IDENTIFIER pSignatureAlgorithm,
                                                    PSYSTEMTIME pStartTime, PSYSTEMTIME pEndTime,
                                                    PCERT_EXTENSIONS pExtensions)
{
    PCCERT_CONTEXT context = NULL;
    struct self_signed_call call = {
        hCryptProvOrNCryptKey, pSubjectIssuerBlob, dwFlags,  pKeyProvInfo,
        pSignatureAlgorithm,   pStartTime,         pEndTime, pExtensions,
    };
    status_begin();
    return crypt32_done("CertCreateSelfSignCertificate", create(&call, &context)) ? context : NULL;
}
