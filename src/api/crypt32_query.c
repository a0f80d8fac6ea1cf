/* PKCS#12, and CryptQueryObject (wincrypt_store.h). */
#include "api/crypt32.h"

#include <string.h>

#include "base/secret.h"
#include "cert/key.h"
#include "cert/read.h"

/* ---------------------------------------------------------------- PKCS#12 */

/* A password as PKCS#12 wants it; *out_none when there is none at all. */
struct password {
    char *text;
    struct bytes bytes;
    bool given;
};

static void password_free(struct password *password)
{
    if (password->text != NULL) {
        secret_wipe(password->text, password->bytes.size);
        free(password->text);
    }
}

#define AUTO_PASSWORD AUTO(password_free) struct password

static STATUS password_of(LPCWSTR text, struct password *out)
{
    size_t size = 0;
    if (text != NULL) {
        TRY(utf16_to_utf8(utf16_from_wide((const uint16_t *)text), &out->text, &size));
        out->bytes = bytes_of(out->text, size);
        out->given = true;
    }
    return SEC_E_OK;
}

static STATUS import(const CRYPT_DATA_BLOB *pfx, LPCWSTR text, DWORD flags, HCERTSTORE *out)
{
    AUTO_PASSWORD password = {NULL};
    AUTO_STORE *store = NULL;
    struct pkcs12_request request;
    REQUIRE(pfx != NULL && pfx->pbData != NULL, SEC_E_INVALID_PARAMETER, "PFXImportCertStore: no bytes");
    TRY(password_of(text, &password));
    request = (struct pkcs12_request){
        .der = bytes_of(pfx->pbData, pfx->cbData),
        .password = password.given ? &password.bytes : NULL,
        .either = true,
        .keys = (flags & (PKCS12_ONLY_CERTIFICATES | PKCS12_ONLY_NOT_ENCRYPTED_CERTIFICATES)) == 0,
    };
    TRY(store_new(STORE_MEMORY, &store));
    TRY(read_pkcs12(&request, store));
    *out = store_open(store);
    return SEC_E_OK;
}

HCERTSTORE WINAPI PFXImportCertStore(CRYPT_DATA_BLOB *pPFX, LPCWSTR szPassword, DWORD dwFlags)
{
    HCERTSTORE store = NULL;
    status_begin();
    crypt32_done("PFXImportCertStore", import(pPFX, szPassword, dwFlags, &store));
    return store;
}

BOOL WINAPI PFXIsPFXBlob(CRYPT_DATA_BLOB *pPFX)
{
    return pPFX != NULL && pPFX->pbData != NULL && read_is_pkcs12(bytes_of(pPFX->pbData, pPFX->cbData));
}

static STATUS verify_password(const CRYPT_DATA_BLOB *pfx, LPCWSTR text)
{
    AUTO_PASSWORD password = {NULL};
    REQUIRE(pfx != NULL && pfx->pbData != NULL, SEC_E_INVALID_PARAMETER, "PFXVerifyPassword: no bytes");
    TRY(password_of(text, &password));
    return read_pkcs12_password(bytes_of(pfx->pbData, pfx->cbData), password.given ? &password.bytes : NULL);
}

BOOL WINAPI PFXVerifyPassword(CRYPT_DATA_BLOB *pPFX, LPCWSTR szPassword, DWORD dwFlags)
{
    status_begin();
    return crypt32_done("PFXVerifyPassword", verify_password(pPFX, szPassword));
}

/* ---------------------------------------------------------------- CryptQueryObject */

struct query {
    DWORD type;
    const void *object;
    DWORD contents; /* CERT_QUERY_CONTENT_FLAG_* */
    DWORD formats;  /* CERT_QUERY_FORMAT_FLAG_* */
};

struct answer {
    struct store *store;
    DWORD content;
    DWORD format;
};

static void answer_free(struct answer *answer)
{
    store_drop(answer->store);
}

static DWORD content_of(enum read_form form)
{
    switch (form) {
    case READ_CERTIFICATE:
        return CERT_QUERY_CONTENT_CERT;
    case READ_CRL:
        return CERT_QUERY_CONTENT_CRL;
    case READ_PKCS7:
        return CERT_QUERY_CONTENT_PKCS7_SIGNED;
    default:
        return CERT_QUERY_CONTENT_PFX;
    }
}

static STATUS object_bytes(const struct query *query, struct secret *file, struct bytes *out)
{
    AUTO_FREE char *path = NULL;
    const CERT_BLOB *blob = query->object;
    REQUIRE(query->object != NULL, SEC_E_INVALID_PARAMETER, "CryptQueryObject: no object");
    if (query->type == CERT_QUERY_OBJECT_BLOB) {
        *out = bytes_of(blob->pbData, blob->cbData);
        return SEC_E_OK;
    }
    REQUIRE(query->type == CERT_QUERY_OBJECT_FILE, SEC_E_INVALID_PARAMETER, "CryptQueryObject: no such dwObjectType");
    TRY(crypt32_utf8(query->object, &path));
    TRY(file_read(path, file));
    *out = secret_bytes(file);
    return SEC_E_OK;
}

static STATUS examine(const struct query *query, struct answer *out)
{
    AUTO_SECRET file = {NULL, 0};
    AUTO(answer_free) struct answer answer = {NULL, 0, 0};
    struct bytes content = BYTES_NONE;
    struct read_what what = {READ_PKCS12, false};
    SECURITY_STATUS status;
    TRY(object_bytes(query, &file, &content));
    TRY(store_new(STORE_MEMORY, &answer.store));
    status = read_content(content, NULL, answer.store, &what);
    if (status == SEC_E_LOGON_DENIED || status == SEC_E_DECRYPT_FAILURE) { /* a PKCS#12: that is all that is asked */
        status_begin();
        store_drop(STEAL(answer.store));
        TRY(store_new(STORE_MEMORY, &answer.store));
        what = (struct read_what){READ_PKCS12, false};
        status = SEC_E_OK;
    }
    REQUIRE(status != SEC_E_INVALID_TOKEN, CRYPT_E_NO_MATCH, "CryptQueryObject: of no form that is known");
    TRY(status);
    answer.content = content_of(what.form);
    answer.format = what.pem ? CERT_QUERY_FORMAT_BASE64_ENCODED : CERT_QUERY_FORMAT_BINARY;
    REQUIRE((query->contents & 1u << answer.content) != 0 && (query->formats & 1u << answer.format) != 0,
            CRYPT_E_NO_MATCH, "CryptQueryObject: of another form than was expected");
    *out = answer;
    answer.store = NULL;
    return SEC_E_OK;
}

/* The context of the first certificate or CRL, with a reference for the caller. */
static const void *first_context(const struct answer *answer)
{
    if (answer->content == CERT_QUERY_CONTENT_CERT) {
        struct certificate *certificate = store_next(answer->store, NULL);
        return certificate == NULL ? NULL : certificate_context(certificate);
    }
    if (answer->content == CERT_QUERY_CONTENT_CRL) {
        struct crl *crl = store_next_crl(answer->store, NULL);
        return crl == NULL ? NULL : &crl->context;
    }
    return NULL;
}

BOOL WINAPI CryptQueryObject(DWORD dwObjectType, const void *pvObject, DWORD dwExpectedContentTypeFlags,
                             DWORD dwExpectedFormatTypeFlags, DWORD dwFlags, DWORD *pdwMsgAndCertEncodingType,
                             DWORD *pdwContentType, DWORD *pdwFormatType, HCERTSTORE *phCertStore, HCRYPTMSG *phMsg,
                             const void **ppvContext)
{
    struct query query = {dwObjectType, pvObject, dwExpectedContentTypeFlags, dwExpectedFormatTypeFlags};
    AUTO(answer_free) struct answer answer = {NULL, 0, 0};
    status_begin();
    if (!crypt32_done("CryptQueryObject", examine(&query, &answer))) {
        return FALSE;
    }
    if (pdwMsgAndCertEncodingType != NULL) {
        *pdwMsgAndCertEncodingType = X509_ASN_ENCODING | PKCS_7_ASN_ENCODING;
    }
    if (pdwContentType != NULL) {
        *pdwContentType = answer.content;
    }
    if (pdwFormatType != NULL) {
        *pdwFormatType = answer.format;
    }
    if (phCertStore != NULL) {
        *phCertStore = store_open(answer.store);
    }
    if (phMsg != NULL) {
        *phMsg = NULL;
    }
    if (ppvContext != NULL) {
        *ppvContext = first_context(&answer);
    }
    return TRUE;
}
