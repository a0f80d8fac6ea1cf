/* Private keys that are attached to certificates, in the orders of calls that programs have, and what comes of them. */
#include "capi_keys.h"

/* ---------------------------------------------------------------- attaching a key: orders of calls
 *
 * Each makes the certificate "many" (RSA), with its key attached, and what has to be given back afterwards. */

struct attached {
    PCCERT_CONTEXT certificate;
    HCRYPTPROV provider;
    NCRYPT_PROV_HANDLE storage;
    NCRYPT_KEY_HANDLE key;
};

#define NAME "many"

/* MariaDB Connector/C: a CERT_KEY_CONTEXT whose handle stays the program's. */
static void by_key_context(struct attached *out)
{
    CERT_KEY_CONTEXT context = {.cbSize = sizeof context, .dwKeySpec = AT_KEYEXCHANGE};
    out->certificate = certificate_of(NAME);
    assert_true(CryptAcquireContext(&out->provider, NULL, MS_ENHANCED_PROV, PROV_RSA_FULL, CRYPT_VERIFYCONTEXT));
    import_into(out->provider, NAME);
    context.hCryptProv = out->provider;
    assert_true(CertSetCertificateContextProperty(out->certificate, CERT_KEY_CONTEXT_PROP_ID,
                                                  CERT_STORE_NO_CRYPT_RELEASE_FLAG, &context));
}

/* The MongoDB drivers for C: the handle goes over to the certificate. */
static void by_provider_handle(struct attached *out)
{
    HCRYPTPROV provider = 0;
    out->certificate = certificate_of(NAME);
    assert_true(CryptAcquireContext(&provider, NULL, MS_ENHANCED_PROV, PROV_RSA_FULL, CRYPT_VERIFYCONTEXT));
    import_into(provider, NAME);
    assert_true(
        CertSetCertificateContextProperty(out->certificate, CERT_KEY_PROV_HANDLE_PROP_ID, 0, (const void *)provider));
}

/* The MongoDB server: a named container, which the certificate names, and a handle of it beside. */
static void by_container(struct attached *out)
{
    CRYPT_KEY_PROV_INFO info = {.pwszContainerName = (LPWSTR)(uintptr_t)u"mongo-0815",
                                .pwszProvName = (LPWSTR)(uintptr_t)MS_ENHANCED_PROV_W,
                                .dwProvType = PROV_RSA_FULL,
                                .dwFlags = CERT_SET_KEY_PROV_HANDLE_PROP_ID | CERT_SET_KEY_CONTEXT_PROP_ID,
                                .dwKeySpec = AT_KEYEXCHANGE};
    out->certificate = certificate_of(NAME);
    assert_true(CryptAcquireContextW(&out->provider, u"mongo-0815", MS_ENHANCED_PROV_W, PROV_RSA_FULL,
                                     CRYPT_NEWKEYSET | CRYPT_SILENT | CRYPT_MACHINE_KEYSET));
    import_into(out->provider, NAME);
    assert_true(CertSetCertificateContextProperty(out->certificate, CERT_KEY_PROV_INFO_PROP_ID, 0, &info));
}

static void by_container_and_handle(struct attached *out)
{
    by_container(out);
    assert_true(CertSetCertificateContextProperty(out->certificate, CERT_KEY_PROV_HANDLE_PROP_ID, 0,
                                                  (const void *)out->provider));
    out->provider = 0; /* the certificate closes it */
}

static void store_key(struct attached *out, LPCWSTR name)
{
    BYTE der[4096];
    NCryptBuffer buffer = {name == NULL ? 0 : 16, NCRYPTBUFFER_PKCS_KEY_NAME, (PVOID)(uintptr_t)name};
    NCryptBufferDesc parameters = {NCRYPTBUFFER_VERSION, 1, &buffer};
    out->certificate = certificate_of(NAME);
    assert_status(NCryptOpenStorageProvider(&out->storage, MS_KEY_STORAGE_PROVIDER, 0), ERROR_SUCCESS);
    DWORD size = der_of(NAME ".key", der, sizeof der);
    assert_status(NCryptImportKey(out->storage, 0, NCRYPT_PKCS8_PRIVATE_KEY_BLOB, name == NULL ? NULL : &parameters,
                                  &out->key, der, size, NCRYPT_SILENT_FLAG),
                  ERROR_SUCCESS);
}

/* The MongoDB driver for C, since it keeps keys in CNG: by name, and the handles are closed. */
static void by_stored_name(struct attached *out)
{
    CRYPT_KEY_PROV_INFO info = {.pwszContainerName = (LPWSTR)(uintptr_t)u"TestKey", .dwKeySpec = AT_KEYEXCHANGE};
    store_key(out, u"TestKey");
    assert_true(CertSetCertificateContextProperty(out->certificate, CERT_KEY_PROV_INFO_PROP_ID, 0, &info));
    assert_status(NCryptFreeObject(out->key), ERROR_SUCCESS);
    assert_status(NCryptFreeObject(out->storage), ERROR_SUCCESS);
    out->key = out->storage = 0;
}

/* GLib's and others': the handle of a key without a name. */
static void by_stored_handle(struct attached *out)
{
    store_key(out, NULL);
    assert_true(CertSetCertificateContextProperty(out->certificate, CERT_NCRYPT_KEY_HANDLE_PROP_ID, 0, &out->key));
    assert_last(CertGetCertificateContextProperty(out->certificate, CERT_KEY_PROV_HANDLE_PROP_ID, NULL, &(DWORD){0}),
                CRYPT_E_NOT_FOUND);
    assert_status(NCryptFreeObject(out->storage), ERROR_SUCCESS);
    out->key = out->storage = 0; /* the certificate closes it */
}

static void by_stored_context(struct attached *out)
{
    CERT_KEY_CONTEXT context = {.cbSize = sizeof context, .dwKeySpec = CERT_NCRYPT_KEY_SPEC};
    DWORD size = 0;
    BYTE *blob = blob_of(NAME, &size);
    out->certificate = certificate_of(NAME);
    assert_status(NCryptOpenStorageProvider(&out->storage, NULL, 0), ERROR_SUCCESS);
    assert_status(NCryptImportKey(out->storage, 0, LEGACY_RSAPRIVATE_BLOB, NULL, &out->key, blob, size, 0),
                  ERROR_SUCCESS);
    LocalFree(blob);
    context.hNCryptKey = out->key;
    assert_true(CertSetCertificateContextProperty(out->certificate, CERT_KEY_CONTEXT_PROP_ID,
                                                  CERT_STORE_NO_CRYPT_RELEASE_FLAG, &context));
}

static void let_go(struct attached *attached)
{
    if (attached->certificate != NULL) {
        assert_true(CertFreeCertificateContext(attached->certificate));
    }
    if (attached->provider != 0) {
        assert_true(CryptReleaseContext(attached->provider, 0));
    }
    if (attached->key != 0) {
        assert_status(NCryptFreeObject(attached->key), ERROR_SUCCESS);
    }
    if (attached->storage != 0) {
        assert_status(NCryptFreeObject(attached->storage), ERROR_SUCCESS);
    }
    SetLastError(0);
    (void)CryptAcquireContextW(NULL, NULL, NULL, 0, 0);
    HCRYPTPROV none = 0;
    (void)CryptAcquireContextW(&none, u"mongo-0815", NULL, PROV_RSA_FULL, CRYPT_DELETEKEYSET);
    (void)CryptAcquireContextW(&none, u"testkey", NULL, PROV_RSA_FULL, CRYPT_DELETEKEYSET);
}

static void (*const orders[])(struct attached *) = {
    by_key_context, by_provider_handle, by_container,      by_container_and_handle,
    by_stored_name, by_stored_handle,   by_stored_context,
};

#define ORDERS (sizeof orders / sizeof orders[0])

/* A client with this certificate; its server sees it, and it was signed for. */
static void assert_serves(PCCERT_CONTEXT own, DWORD version)
{
    struct tls tls;
    PCCERT_CONTEXT seen = NULL, theirs = tls_load_chain("server-p256");
    SCHANNEL_CRED client = {.dwVersion = SCHANNEL_CRED_VERSION,
                            .cCreds = 1,
                            .paCred = &own,
                            .grbitEnabledProtocols = version,
                            .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION | SCH_CRED_NO_DEFAULT_CREDS};
    SCHANNEL_CRED server = {.dwVersion = SCHANNEL_CRED_VERSION,
                            .cCreds = 1,
                            .paCred = &theirs,
                            .grbitEnabledProtocols = version,
                            .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
    tls_acquire(&tls, &client, &server);
    tls.client_request = ISC_REQ_MANUAL_CRED_VALIDATION;
    tls.server_request = ASC_REQ_MUTUAL_AUTH;
    tls_shake(&tls, "www.example.com");
    assert_status(tls.client_status, SEC_E_OK);
    assert_status(tls.server_status, SEC_E_OK);
    assert_status(QueryContextAttributesA(&tls.server, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &seen), SEC_E_OK);
    assert_int_equal(seen->cbCertEncoded, own->cbCertEncoded);
    assert_memory_equal(seen->pbCertEncoded, own->pbCertEncoded, own->cbCertEncoded);
    CertFreeCertificateContext(seen);
    CertFreeCertificateContext(theirs);
    tls_close(&tls);
}

static void test_orders(void **state)
{
    for (size_t i = 0; i < ORDERS; i++) {
        struct attached attached = {0};
        orders[i](&attached);
        assert_serves(attached.certificate, SP_PROT_TLS1_2_CLIENT | SP_PROT_TLS1_2_SERVER);
        assert_serves(attached.certificate, SP_PROT_TLS1_3_CLIENT | SP_PROT_TLS1_3_SERVER);
        let_go(&attached);
    }
}

/* As a server's, in a store, when the program has long given everything else back. */
static void test_copies(void **state)
{
    for (size_t i = 0; i < ORDERS; i++) {
        struct attached attached = {0};
        HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
        orders[i](&attached);
        assert_true(CertAddCertificateContextToStore(store, attached.certificate, CERT_STORE_ADD_NEW, NULL));
        assert_true(CertFreeCertificateContext(attached.certificate));
        attached.certificate =
            CertFindCertificateInStore(store, X509_ASN_ENCODING, 0, CERT_FIND_HAS_PRIVATE_KEY, NULL, NULL);
        assert_non_null(attached.certificate);
        assert_serves(attached.certificate, SP_PROT_TLS1_2_CLIENT | SP_PROT_TLS1_2_SERVER);
        struct tls tls;
        tls_acquire_version(&tls, attached.certificate, SP_PROT_TLS1_2_CLIENT | SP_PROT_TLS1_2_SERVER);
        tls.client_request = ISC_REQ_MANUAL_CRED_VALIDATION;
        tls_shake(&tls, "www.example.com");
        assert_status(tls.client_status, SEC_E_OK);
        assert_status(tls.server_status, SEC_E_OK);
        tls_close(&tls);
        let_go(&attached);
        assert_true(CertCloseStore(store, CERT_CLOSE_STORE_CHECK_FLAG));
    }
}

/* Of another certificate, none at all, or gone: nobody minds until the key is needed. */
static void test_wrong_keys(void **state)
{
    PCCERT_CONTEXT certificate = certificate_of(NAME);
    HCRYPTPROV provider = provider_of(PROV_RSA_FULL), empty = provider_of(PROV_RSA_FULL);
    CERT_KEY_CONTEXT context = {.cbSize = sizeof context, .hCryptProv = provider, .dwKeySpec = AT_KEYEXCHANGE};
    DWORD keep = CERT_STORE_NO_CRYPT_RELEASE_FLAG;
    assert_status(acquired_with(certificate), SEC_E_NO_CREDENTIALS);
    import_into(provider, "server-rsa");
    assert_true(CertSetCertificateContextProperty(certificate, CERT_KEY_CONTEXT_PROP_ID, keep, &context));
    assert_status(acquired_with(certificate), SEC_E_UNKNOWN_CREDENTIALS);
    import_into(provider, NAME); /* in the place of the first */
    assert_status(acquired_with(certificate), SEC_E_OK);
    context.dwKeySpec = AT_SIGNATURE;
    assert_true(CertSetCertificateContextProperty(certificate, CERT_KEY_CONTEXT_PROP_ID, keep, &context));
    assert_status(acquired_with(certificate), SEC_E_UNKNOWN_CREDENTIALS);
    assert_true(
        CertSetCertificateContextProperty(certificate, CERT_KEY_PROV_HANDLE_PROP_ID, keep, (const void *)empty));
    assert_status(acquired_with(certificate), SEC_E_UNKNOWN_CREDENTIALS);
    assert_true(CertSetCertificateContextProperty(certificate, CERT_KEY_CONTEXT_PROP_ID, 0, NULL));
    assert_status(acquired_with(certificate), SEC_E_NO_CREDENTIALS);
    context.cbSize--;
    assert_last(CertSetCertificateContextProperty(certificate, CERT_KEY_CONTEXT_PROP_ID, keep, &context), E_INVALIDARG);
    context.cbSize++;
    context.dwKeySpec = 3;
    assert_last(CertSetCertificateContextProperty(certificate, CERT_KEY_CONTEXT_PROP_ID, keep, &context), E_INVALIDARG);
    context.dwKeySpec = CERT_NCRYPT_KEY_SPEC; /* which a provider is not */
    assert_last(CertSetCertificateContextProperty(certificate, CERT_KEY_CONTEXT_PROP_ID, keep, &context),
                ERROR_INVALID_HANDLE);
    assert_last(CertSetCertificateContextProperty(certificate, CERT_KEY_PROV_HANDLE_PROP_ID, 0, &context),
                ERROR_INVALID_HANDLE);
    CRYPT_KEY_PROV_INFO info = {.pwszContainerName = (LPWSTR)(uintptr_t)u"no-such-container"};
    assert_true(CertSetCertificateContextProperty(certificate, CERT_KEY_PROV_INFO_PROP_ID, 0, &info));
    assert_status(acquired_with(certificate), SEC_E_UNKNOWN_CREDENTIALS);
    assert_true(CryptReleaseContext(provider, 0) && CryptReleaseContext(empty, 0));
    CertFreeCertificateContext(certificate);
}

/* What a program reads back of it, to free or to delete it. */
static void test_properties(void **state)
{
    struct attached attached = {0};
    CERT_KEY_CONTEXT context;
    HCRYPTPROV handle = 0;
    DWORD size = sizeof context, spec = 0;
    by_key_context(&attached);
    assert_true(CertGetCertificateContextProperty(attached.certificate, CERT_KEY_CONTEXT_PROP_ID, &context, &size));
    assert_int_equal(size, sizeof context);
    assert_int_equal(context.cbSize, sizeof context);
    assert_int_equal(context.hCryptProv, attached.provider);
    assert_int_equal(context.dwKeySpec, AT_KEYEXCHANGE);
    size = sizeof handle;
    assert_true(CertGetCertificateContextProperty(attached.certificate, CERT_KEY_PROV_HANDLE_PROP_ID, &handle, &size));
    assert_int_equal(handle, attached.provider);
    size = sizeof spec;
    assert_true(CertGetCertificateContextProperty(attached.certificate, CERT_KEY_SPEC_PROP_ID, &spec, &size));
    assert_int_equal(spec, AT_KEYEXCHANGE);
    assert_last(CertGetCertificateContextProperty(attached.certificate, CERT_NCRYPT_KEY_HANDLE_PROP_ID, NULL, &size),
                CRYPT_E_NOT_FOUND);
    assert_last(CertGetCertificateContextProperty(attached.certificate, CERT_KEY_PROV_INFO_PROP_ID, NULL, &size),
                CRYPT_E_NOT_FOUND);
    assert_int_equal(CertEnumCertificateContextProperties(attached.certificate, 0), CERT_KEY_CONTEXT_PROP_ID);
    assert_int_equal(CertEnumCertificateContextProperties(attached.certificate, CERT_KEY_CONTEXT_PROP_ID), 0);
    /* It was the program's: it is still open, and attached again it becomes the certificate's. */
    assert_true(CertSetCertificateContextProperty(attached.certificate, CERT_KEY_PROV_HANDLE_PROP_ID, 0,
                                                  (const void *)attached.provider));
    let_go(&(struct attached){.certificate = attached.certificate});
    assert_last(CryptReleaseContext(attached.provider, 0), ERROR_INVALID_HANDLE);
    attached = (struct attached){0};
    by_container(&attached);
    CRYPT_KEY_PROV_INFO *info;
    assert_true(CertGetCertificateContextProperty(attached.certificate, CERT_KEY_PROV_INFO_PROP_ID, NULL, &size));
    info = calloc(1, size);
    assert_true(CertGetCertificateContextProperty(attached.certificate, CERT_KEY_PROV_INFO_PROP_ID, info, &size));
    assert_int_equal(info->dwProvType, PROV_RSA_FULL);
    assert_int_equal(info->dwKeySpec, AT_KEYEXCHANGE);
    assert_int_equal(info->dwFlags, CERT_SET_KEY_PROV_HANDLE_PROP_ID | CERT_SET_KEY_CONTEXT_PROP_ID);
    assert_memory_equal(info->pwszProvName, MS_ENHANCED_PROV_W, sizeof MS_ENHANCED_PROV_W);
    assert_true(CryptAcquireContextW(&handle, info->pwszContainerName, info->pwszProvName, info->dwProvType,
                                     CRYPT_DELETEKEYSET | CRYPT_SILENT));
    free(info);
    assert_status(acquired_with(attached.certificate), SEC_E_UNKNOWN_CREDENTIALS); /* it is gone */
    let_go(&attached);
}

/* A store's copy whose key is replaced tells of the new one, and one whose key stays of that. */
static void test_copied_provider(void **state)
{
    static const DWORD how[] = {CERT_STORE_ADD_REPLACE_EXISTING, CERT_STORE_ADD_REPLACE_EXISTING_INHERIT_PROPERTIES};
    for (size_t i = 0; i < 2; i++) {
        struct attached attached = {0};
        HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
        PCCERT_CONTEXT other = tls_load(NAME), kept = NULL; /* with a key of its own, in no container */
        BYTE room[1024];
        CRYPT_KEY_PROV_INFO *info = (CRYPT_KEY_PROV_INFO *)(void *)room;
        DWORD size = sizeof room;
        by_container(&attached);
        assert_true(CertAddCertificateContextToStore(store, attached.certificate, CERT_STORE_ADD_NEW, NULL));
        assert_true(CertAddCertificateContextToStore(store, other, how[i], &kept));
        assert_true(CertGetCertificateContextProperty(kept, CERT_KEY_PROV_INFO_PROP_ID, info, &size));
        assert_int_equal(info->dwProvType, 0);
        assert_int_equal(info->dwFlags, 0);
        assert_true(info->pwszContainerName[0] != u'm');
        assert_status(acquired_with(kept), SEC_E_OK);
        CertFreeCertificateContext(kept);
        CertFreeCertificateContext(other);
        assert_true(CertCloseStore(store, CERT_CLOSE_STORE_CHECK_FLAG));
        let_go(&attached);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),     cmocka_unit_test(test_copies),          cmocka_unit_test(test_wrong_keys),
        cmocka_unit_test(test_properties), cmocka_unit_test(test_copied_provider),
    };
    if (!tls_has_pki()) {
        return 0;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
