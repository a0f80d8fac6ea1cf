/* Stores: opening, closing, what is put into them (wincrypt_store.h). */
#include "api/crypt32.h"

#include <string.h>

#include "cert/read.h"
#include "cert/system_store.h"

/* ---------------------------------------------------------------- opening */

struct open_call {
    DWORD provider; /* number */
    DWORD flags;
    const void *parameter;
};

/* A caller's text, narrow or wide, as UTF-16. */
static STATUS text_of(const void *text, bool wide, struct utf16 *borrowed, struct utf16 *owned)
{
    REQUIRE(text != NULL, SEC_E_INVALID_PARAMETER, "CertOpenStore: no name");
    if (wide) {
        *borrowed = utf16_from_wide(text);
        return SEC_E_OK;
    }
    TRY(utf16_from_utf8(bytes_of(text, strlen(text)), owned));
    *borrowed = *owned;
    return SEC_E_OK;
}

static STATUS open_system(const struct open_call *call, bool wide, struct store **out)
{
    AUTO_UTF16 owned = UTF16_NONE;
    struct utf16 name;
    DWORD location = call->flags & CERT_SYSTEM_STORE_LOCATION_MASK;
    REQUIRE((call->flags & CERT_SYSTEM_STORE_RELOCATE_FLAG) == 0, SEC_E_UNSUPPORTED_FUNCTION,
            "CertOpenStore: there is no registry to relocate to");
    REQUIRE(location == CERT_SYSTEM_STORE_CURRENT_USER || location == CERT_SYSTEM_STORE_LOCAL_MACHINE,
            CRYPT32_WIN32(ERROR_FILE_NOT_FOUND), "CertOpenStore: a location that is neither the user nor the machine");
    TRY(text_of(call->parameter, wide, &name, &owned));
    return system_store_open(name, location == CERT_SYSTEM_STORE_LOCAL_MACHINE ? SYSTEM_MACHINE : SYSTEM_USER, out);
}

static STATUS open_file(const struct open_call *call, bool wide, struct store **out)
{
    AUTO_UTF16 owned = UTF16_NONE;
    struct utf16 name;
    AUTO_FREE char *path = NULL;
    AUTO_STORE *store = NULL;
    struct read_what what;
    TRY(text_of(call->parameter, wide, &name, &owned));
    TRY(utf16_to_utf8(name, &path, NULL));
    TRY(store_new(STORE_MEMORY, &store));
    TRY(read_file(path, NULL, store, &what));
    *out = STEAL(store);
    return SEC_E_OK;
}

static STATUS open_blob(const struct open_call *call, bool pkcs12, struct store **out)
{
    const CRYPT_DATA_BLOB *blob = call->parameter;
    AUTO_STORE *store = NULL;
    REQUIRE(blob != NULL && blob->pbData != NULL, SEC_E_INVALID_PARAMETER, "CertOpenStore: no bytes");
    TRY(store_new(STORE_MEMORY, &store));
    if (pkcs12) {
        struct pkcs12_request request = {.der = bytes_of(blob->pbData, blob->cbData), .either = true, .keys = true};
        TRY(read_pkcs12(&request, store));
    } else {
        TRY(read_pkcs7(bytes_of(blob->pbData, blob->cbData), store));
    }
    *out = STEAL(store);
    return SEC_E_OK;
}

static STATUS open_by_provider(const struct open_call *call, struct store **out)
{
    switch (call->provider) {
    case 2: /* CERT_STORE_PROV_MEMORY */
        return store_new(STORE_MEMORY, out);
    case 5: /* _PKCS7 */
        return open_blob(call, false, out);
    case 7: /* _FILENAME_A */
    case 8:
        return open_file(call, call->provider == 8, out);
    case 9: /* _SYSTEM_A */
    case 10:
    case 12: /* _SYSTEM_REGISTRY_A */
    case 13:
        return open_system(call, call->provider == 10 || call->provider == 13, out);
    case 11: /* _COLLECTION */
        return store_new(STORE_COLLECTION, out);
    case 17: /* _PKCS12 */
        return open_blob(call, true, out);
    case 1:  /* _MSG */
    case 3:  /* _FILE: a HANDLE */
    case 4:  /* _REG */
    case 6:  /* _SERIALIZED */
    case 14: /* _PHYSICAL_W */
    case 16: /* _LDAP_W */
        FAIL(SEC_E_UNSUPPORTED_FUNCTION, "CertOpenStore: this provider has no counterpart here");
    default:
        FAIL(CRYPT32_WIN32(ERROR_FILE_NOT_FOUND), "CertOpenStore: no such provider");
    }
}

/* A provider is a small number in a pointer, or a name. */
static DWORD provider_number(LPCSTR provider)
{
    static const struct {
        const char *name;
        DWORD number;
    } names[] = {
        {sz_CERT_STORE_PROV_MEMORY, 2},     {sz_CERT_STORE_PROV_FILENAME_W, 8},
        {sz_CERT_STORE_PROV_SYSTEM_W, 10},  {sz_CERT_STORE_PROV_PKCS7, 5},
        {sz_CERT_STORE_PROV_SERIALIZED, 6}, {sz_CERT_STORE_PROV_COLLECTION, 11},
        {sz_CERT_STORE_PROV_PKCS12, 17},    {sz_CERT_STORE_PROV_SYSTEM_REGISTRY_W, 13},
    };
    if ((uintptr_t)provider <= 0xFFFF) {
        return (DWORD)(uintptr_t)provider;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(names[i].name, provider) == 0) {
            return names[i].number;
        }
    }
    return 0;
}

static STATUS open_store(const struct open_call *call, HCERTSTORE *out)
{
    AUTO_STORE *store = NULL;
    REQUIRE((call->flags & CERT_STORE_DELETE_FLAG) == 0, SEC_E_UNSUPPORTED_FUNCTION,
            "CertOpenStore: stores are not deleted (CERT_STORE_DELETE_FLAG)");
    TRY(open_by_provider(call, &store));
    if ((call->flags & CERT_STORE_READONLY_FLAG) != 0) {
        store_make_read_only(store);
    }
    *out = store_open(store);
    return SEC_E_OK;
}

HCERTSTORE WINAPI CertOpenStore(LPCSTR lpszStoreProvider, DWORD dwEncodingType, HCRYPTPROV_LEGACY hCryptProv,
                                DWORD dwFlags, const void *pvPara)
{
    struct open_call call = {provider_number(lpszStoreProvider), dwFlags, pvPara};
    HCERTSTORE store = NULL;
    status_begin();
    crypt32_done("CertOpenStore", open_store(&call, &store));
    return store;
}

HCERTSTORE WINAPI CertOpenSystemStoreA(HCRYPTPROV_LEGACY hProv, LPCSTR szSubsystemProtocol)
{
    return CertOpenStore(CERT_STORE_PROV_SYSTEM_A, 0, hProv, CERT_SYSTEM_STORE_CURRENT_USER, szSubsystemProtocol);
}

HCERTSTORE WINAPI CertOpenSystemStoreW(HCRYPTPROV_LEGACY hProv, LPCWSTR szSubsystemProtocol)
{
    return CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, hProv, CERT_SYSTEM_STORE_CURRENT_USER, szSubsystemProtocol);
}

HCERTSTORE WINAPI CertDuplicateStore(HCERTSTORE hCertStore)
{
    struct store *store = store_of(hCertStore);
    return store == NULL ? NULL : store_open(store);
}

static STATUS close_store(HCERTSTORE handle, DWORD flags)
{
    AUTO_STORE *store = NULL;
    if (handle == NULL) {
        return SEC_E_OK;
    }
    TRY(crypt32_store(handle, &store));
    TRY(store_close(store));
    REQUIRE((flags & CERT_CLOSE_STORE_CHECK_FLAG) == 0 || store_contexts(store) == 0, CRYPT_E_PENDING_CLOSE,
            "CertCloseStore: contexts of the store are still held (CERT_CLOSE_STORE_CHECK_FLAG)");
    return SEC_E_OK;
}

BOOL WINAPI CertCloseStore(HCERTSTORE hCertStore, DWORD dwFlags)
{
    status_begin();
    return crypt32_done("CertCloseStore", close_store(hCertStore, dwFlags));
}

/* ---------------------------------------------------------------- collections */

static STATUS join(HCERTSTORE collection, HCERTSTORE sibling, DWORD flags, DWORD priority)
{
    AUTO_STORE *store = NULL, *child = NULL;
    TRY(crypt32_store(collection, &store));
    TRY(crypt32_store(sibling, &child));
    return store_join(store, child, flags, priority);
}

BOOL WINAPI CertAddStoreToCollection(HCERTSTORE hCollectionStore, HCERTSTORE hSiblingStore, DWORD dwUpdateFlags,
                                     DWORD dwPriority)
{
    status_begin();
    return crypt32_done("CertAddStoreToCollection", join(hCollectionStore, hSiblingStore, dwUpdateFlags, dwPriority));
}

void WINAPI CertRemoveStoreFromCollection(HCERTSTORE hCollectionStore, HCERTSTORE hSiblingStore)
{
    struct store *collection = store_of(hCollectionStore), *child = store_of(hSiblingStore);
    if (collection != NULL && child != NULL) {
        store_leave(collection, child);
    }
}

/* ---------------------------------------------------------------- certificates in stores */

static STATUS add_certificate(HCERTSTORE handle, struct certificate *certificate, DWORD disposition,
                              PCCERT_CONTEXT *out)
{
    AUTO_STORE *store = NULL;
    struct certificate *added = NULL;
    enum store_add how;
    TRY(crypt32_how(disposition, &how));
    if (handle == NULL) { /* "If NULL, a copy is made that is in no store" (CertAddCertificateContextToStore) */
        TRY(certificate_copy(certificate, &added));
    } else {
        TRY(crypt32_store(handle, &store));
        TRY(store_add(store, certificate, how, out == NULL ? NULL : &added));
    }
    if (out != NULL) {
        *out = certificate_context(added);
    } else {
        certificate_drop(added);
    }
    return SEC_E_OK;
}

static STATUS add_context(HCERTSTORE store, PCCERT_CONTEXT context, DWORD disposition, PCCERT_CONTEXT *out)
{
    AUTO_CERTIFICATE *certificate = NULL;
    TRY(certificate_from_context(context, &certificate));
    return add_certificate(store, certificate, disposition, out);
}

BOOL WINAPI CertAddCertificateContextToStore(HCERTSTORE hCertStore, PCCERT_CONTEXT pCertContext, DWORD dwAddDisposition,
                                             PCCERT_CONTEXT *ppStoreContext)
{
    status_begin();
    return crypt32_done("CertAddCertificateContextToStore",
                        add_context(hCertStore, pCertContext, dwAddDisposition, ppStoreContext));
}

static STATUS add_encoded(HCERTSTORE store, DWORD encoding, struct bytes der, DWORD disposition, PCCERT_CONTEXT *out)
{
    AUTO_CERTIFICATE *certificate = NULL;
    REQUIRE(crypt32_encoding(encoding), SEC_E_INVALID_PARAMETER, "crypt32: an encoding that is not X509_ASN_ENCODING");
    TRY(certificate_parse(der, &certificate));
    return add_certificate(store, certificate, disposition, out);
}

BOOL WINAPI CertAddEncodedCertificateToStore(HCERTSTORE hCertStore, DWORD dwCertEncodingType, const BYTE *pbCertEncoded,
                                             DWORD cbCertEncoded, DWORD dwAddDisposition, PCCERT_CONTEXT *ppCertContext)
{
    status_begin();
    return crypt32_done("CertAddEncodedCertificateToStore",
                        add_encoded(hCertStore, dwCertEncodingType, bytes_of(pbCertEncoded, cbCertEncoded),
                                    dwAddDisposition, ppCertContext));
}

static STATUS delete_certificate(PCCERT_CONTEXT context)
{
    AUTO_CERTIFICATE *certificate = certificate_of(context); /* this call consumes the caller's reference */
    REQUIRE(certificate != NULL, SEC_E_INVALID_PARAMETER, "CertDeleteCertificateFromStore: not a certificate");
    return certificate_store(certificate) == NULL ? SEC_E_OK : store_remove(certificate);
}

BOOL WINAPI CertDeleteCertificateFromStore(PCCERT_CONTEXT pCertContext)
{
    status_begin();
    return crypt32_done("CertDeleteCertificateFromStore", delete_certificate(pCertContext));
}

static STATUS next_certificate(HCERTSTORE handle, struct certificate *previous, PCCERT_CONTEXT *out)
{
    AUTO_STORE *store = NULL;
    AUTO_CERTIFICATE *consumed = previous;
    struct certificate *next;
    TRY(crypt32_store(handle, &store));
    next = store_next(store, previous);
    REQUIRE(next != NULL, CRYPT_E_NOT_FOUND, "CertEnumCertificatesInStore: no further certificate");
    *out = certificate_context(next);
    return SEC_E_OK;
}

PCCERT_CONTEXT WINAPI CertEnumCertificatesInStore(HCERTSTORE hCertStore, PCCERT_CONTEXT pPrevCertContext)
{
    PCCERT_CONTEXT context = NULL;
    status_begin();
    crypt32_done("CertEnumCertificatesInStore",
                 next_certificate(hCertStore, certificate_of(pPrevCertContext), &context));
    return context;
}

/* ---------------------------------------------------------------- CRLs in stores */

static STATUS add_crl(HCERTSTORE handle, struct crl *crl, DWORD disposition, PCCRL_CONTEXT *out)
{
    AUTO_STORE *store = NULL;
    struct crl *added = NULL;
    enum store_add how;
    TRY(crypt32_how(disposition, &how));
    TRY(crypt32_store(handle, &store));
    TRY(store_add_crl(store, crl, how, out == NULL ? NULL : &added));
    if (out != NULL) {
        *out = &added->context;
    }
    return SEC_E_OK;
}

static STATUS add_crl_context(HCERTSTORE store, PCCRL_CONTEXT context, DWORD disposition, PCCRL_CONTEXT *out)
{
    AUTO_CRL_CONTEXT *crl = crl_hold(crl_of(context));
    REQUIRE(context != NULL, SEC_E_INVALID_PARAMETER, "crypt32: no CRL");
    if (crl == NULL) { /* made by hand */
        TRY(crl_parse(bytes_of(context->pbCrlEncoded, context->cbCrlEncoded), &crl));
    }
    return add_crl(store, crl, disposition, out);
}

BOOL WINAPI CertAddCRLContextToStore(HCERTSTORE hCertStore, PCCRL_CONTEXT pCrlContext, DWORD dwAddDisposition,
                                     PCCRL_CONTEXT *ppStoreContext)
{
    status_begin();
    return crypt32_done("CertAddCRLContextToStore",
                        add_crl_context(hCertStore, pCrlContext, dwAddDisposition, ppStoreContext));
}

static STATUS add_encoded_crl(HCERTSTORE store, DWORD encoding, struct bytes der, DWORD disposition, PCCRL_CONTEXT *out)
{
    AUTO_CRL_CONTEXT *crl = NULL;
    REQUIRE(crypt32_encoding(encoding), SEC_E_INVALID_PARAMETER, "crypt32: an encoding that is not X509_ASN_ENCODING");
    TRY(crl_parse(der, &crl));
    return add_crl(store, crl, disposition, out);
}

BOOL WINAPI CertAddEncodedCRLToStore(HCERTSTORE hCertStore, DWORD dwCertEncodingType, const BYTE *pbCrlEncoded,
                                     DWORD cbCrlEncoded, DWORD dwAddDisposition, PCCRL_CONTEXT *ppCrlContext)
{
    status_begin();
    return crypt32_done("CertAddEncodedCRLToStore",
                        add_encoded_crl(hCertStore, dwCertEncodingType, bytes_of(pbCrlEncoded, cbCrlEncoded),
                                        dwAddDisposition, ppCrlContext));
}

static STATUS delete_crl(PCCRL_CONTEXT context)
{
    AUTO_CRL_CONTEXT *crl = crl_of(context);
    REQUIRE(crl != NULL, SEC_E_INVALID_PARAMETER, "CertDeleteCRLFromStore: not a CRL");
    return crl->store == NULL ? SEC_E_OK : store_remove_crl(crl);
}

BOOL WINAPI CertDeleteCRLFromStore(PCCRL_CONTEXT pCrlContext)
{
    status_begin();
    return crypt32_done("CertDeleteCRLFromStore", delete_crl(pCrlContext));
}

static STATUS next_crl(HCERTSTORE handle, struct crl *previous, PCCRL_CONTEXT *out)
{
    AUTO_STORE *store = NULL;
    AUTO_CRL_CONTEXT *consumed = previous;
    struct crl *next;
    TRY(crypt32_store(handle, &store));
    next = store_next_crl(store, previous);
    REQUIRE(next != NULL, CRYPT_E_NOT_FOUND, "CertEnumCRLsInStore: no further CRL");
    *out = &next->context;
    return SEC_E_OK;
}

PCCRL_CONTEXT WINAPI CertEnumCRLsInStore(HCERTSTORE hCertStore, PCCRL_CONTEXT pPrevCrlContext)
{
    PCCRL_CONTEXT context = NULL;
    status_begin();
    crypt32_done("CertEnumCRLsInStore", next_crl(hCertStore, crl_of(pPrevCrlContext), &context));
    return context;
}
