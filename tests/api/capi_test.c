/* Hashes, key containers and private keys, in the order of calls that TLS clients have; expected are published vectors, the
 * documented codes, and that the peer of a handshake sees the certificate whose key was imported. */
#include "capi_keys.h"

/* ---------------------------------------------------------------- hashes */

static const struct {
    ALG_ID algorithm;
    DWORD size;
    const char *abc; /* RFC 1321 A.5; FIPS 180-2 A.1, B.1, C.1, D.1 */
} hashes[] = {
    {CALG_MD5, 16, "900150983cd24fb0d6963f7d28e17f72"},
    {CALG_SHA1, 20, "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {CALG_SHA_256, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {CALG_SHA_384, 48,
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
    {CALG_SHA_512, 64,
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2"
     "a"
     "9ac94fa54ca49f"},
};

static void assert_hex(const BYTE *data, DWORD size, const char *expected)
{
    char text[129];
    for (DWORD i = 0; i < size; i++) {
        snprintf(text + 2 * i, 3, "%02x", data[i]);
    }
    assert_string_equal(text, expected);
}

static void test_hashes(void **state)
{
    HCRYPTPROV provider = provider_of(PROV_RSA_AES);
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        HCRYPTHASH hash = 0;
        BYTE value[64];
        DWORD size = 0, number = 0;
        assert_true(CryptCreateHash(provider, hashes[i].algorithm, 0, 0, &hash));
        assert_true(CryptHashData(hash, (const BYTE *)"ab", 2, 0));
        assert_true(CryptGetHashParam(hash, HP_HASHVAL, NULL, &size, 0)); /* does not end it */
        assert_int_equal(size, hashes[i].size);
        size--;
        assert_last(CryptGetHashParam(hash, HP_HASHVAL, value, &size, 0), ERROR_MORE_DATA); /* neither does this */
        assert_int_equal(size, hashes[i].size);
        assert_true(CryptHashData(hash, (const BYTE *)"c", 1, 0));
        assert_true(CryptHashData(hash, NULL, 0, 0));
        for (int again = 0; again < 2; again++) {
            size = sizeof value;
            assert_true(CryptGetHashParam(hash, HP_HASHVAL, value, &size, 0));
            assert_int_equal(size, hashes[i].size);
            assert_hex(value, size, hashes[i].abc);
        }
        assert_last(CryptHashData(hash, value, 1, 0), NTE_BAD_HASH_STATE);
        size = sizeof number;
        assert_true(CryptGetHashParam(hash, HP_HASHSIZE, (BYTE *)&number, &size, 0));
        assert_int_equal(number, hashes[i].size);
        assert_true(CryptGetHashParam(hash, HP_ALGID, (BYTE *)&number, &size, 0));
        assert_int_equal(number, hashes[i].algorithm);
        assert_last(CryptGetHashParam(hash, 99, value, &size, 0), NTE_BAD_TYPE);
        assert_last(CryptGetHashParam(hash, HP_HASHVAL, value, &size, 1), NTE_BAD_FLAGS);
        assert_last(CryptGetHashParam(hash, HP_HASHVAL, value, NULL, 0), ERROR_INVALID_PARAMETER);
        assert_true(CryptDestroyHash(hash));
        assert_last(CryptDestroyHash(hash), ERROR_INVALID_HANDLE);
        assert_last(CryptHashData(hash, value, 1, 0), ERROR_INVALID_HANDLE);
    }
    HCRYPTHASH hash = 0;
    assert_last(CryptCreateHash(provider, CALG_MD2, 0, 0, &hash), NTE_BAD_ALGID);
    assert_last(CryptCreateHash(provider, CALG_HMAC, 0, 0, &hash), NTE_BAD_ALGID);
    assert_last(CryptCreateHash(provider, CALG_SHA1, provider, 0, &hash), NTE_BAD_KEY);
    assert_last(CryptCreateHash(provider, CALG_SHA1, 0, 1, &hash), NTE_BAD_FLAGS);
    assert_last(CryptCreateHash(provider, CALG_SHA1, 0, 0, NULL), ERROR_INVALID_PARAMETER);
    assert_last(CryptCreateHash(0, CALG_SHA1, 0, 0, &hash), ERROR_INVALID_HANDLE);
    assert_true(CryptCreateHash(provider, CALG_SHA1, 0, 0, &hash));
    assert_last(CryptHashData(hash, NULL, 1, 0), ERROR_INVALID_PARAMETER);
    assert_last(CryptHashData(hash, (const BYTE *)"", 0, 1), NTE_BAD_FLAGS);
    assert_true(CryptReleaseContext(provider, 0));
    assert_true(CryptHashData(hash, (const BYTE *)"abc", 3, 0)); /* stays good */
    assert_true(CryptDestroyHash(hash));
    provider = provider_of(PROV_RSA_FULL);
    assert_last(CryptCreateHash(provider, CALG_SHA_256, 0, 0, &hash), NTE_BAD_ALGID);
    assert_true(CryptCreateHash(provider, CALG_MD5, 0, 0, &hash));
    assert_true(CryptDestroyHash(hash));
    assert_true(CryptReleaseContext(provider, 0));
}

/* ---------------------------------------------------------------- providers and their containers */

static void test_providers(void **state)
{
    static const struct {
        const char *container, *provider;
        DWORD type, flags, error;
    } rows[] = {
        {NULL, MS_ENHANCED_PROV_A, PROV_RSA_FULL, CRYPT_VERIFYCONTEXT, 0},
        {NULL, MS_DEF_PROV_A, PROV_RSA_FULL, CRYPT_VERIFYCONTEXT | CRYPT_MACHINE_KEYSET, 0},
        {"", MS_STRONG_PROV_A, PROV_RSA_FULL, CRYPT_VERIFYCONTEXT | CRYPT_SILENT, 0},
        {NULL, MS_ENH_RSA_AES_PROV_A, PROV_RSA_AES, CRYPT_VERIFYCONTEXT, 0},
        {NULL, MS_ENH_RSA_AES_PROV_A, PROV_RSA_FULL, CRYPT_VERIFYCONTEXT, (DWORD)NTE_PROV_TYPE_NO_MATCH},
        {NULL, MS_ENHANCED_PROV_A, PROV_RSA_AES, CRYPT_VERIFYCONTEXT, (DWORD)NTE_PROV_TYPE_NO_MATCH},
        {NULL, "Nobody's Provider", PROV_RSA_FULL, CRYPT_VERIFYCONTEXT, (DWORD)NTE_KEYSET_NOT_DEF},
        {NULL, "", PROV_RSA_FULL, CRYPT_VERIFYCONTEXT, ERROR_INVALID_PARAMETER},
        {NULL, NULL, 0, CRYPT_VERIFYCONTEXT, (DWORD)NTE_BAD_PROV_TYPE},
        {NULL, NULL, 1000, CRYPT_VERIFYCONTEXT, (DWORD)NTE_BAD_PROV_TYPE},
        {NULL, NULL, PROV_DSS, CRYPT_VERIFYCONTEXT, (DWORD)NTE_PROV_TYPE_NOT_DEF},
        {NULL, NULL, PROV_RSA_FULL, CRYPT_VERIFYCONTEXT | CRYPT_NEWKEYSET, (DWORD)NTE_BAD_FLAGS},
        {NULL, NULL, PROV_RSA_FULL, CRYPT_NEWKEYSET | CRYPT_DELETEKEYSET, (DWORD)NTE_BAD_FLAGS},
        {"a name", NULL, PROV_RSA_FULL, CRYPT_VERIFYCONTEXT, (DWORD)NTE_BAD_FLAGS},
        {NULL, NULL, PROV_RSA_FULL, 0x80000000, (DWORD)NTE_BAD_FLAGS},
        {NULL, NULL, PROV_RSA_FULL, 1, (DWORD)NTE_BAD_FLAGS},
        {"no such name", NULL, PROV_RSA_FULL, 0, (DWORD)NTE_BAD_KEYSET},
        {"no such name", NULL, PROV_RSA_FULL, CRYPT_DELETEKEYSET, (DWORD)NTE_BAD_KEYSET},
        {NULL, NULL, PROV_RSA_FULL, 0, (DWORD)NTE_BAD_KEYSET},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        HCRYPTPROV provider = 42;
        SetLastError(0);
        BOOL done = CryptAcquireContextA(&provider, rows[i].container, rows[i].provider, rows[i].type, rows[i].flags);
        if (GetLastError() != rows[i].error || done != (rows[i].error == 0)) {
            fail_msg("row %zu: %08X instead of %08X", i, (unsigned)GetLastError(), (unsigned)rows[i].error);
        }
        if (done) {
            assert_true(CryptReleaseContext(provider, 0));
            assert_last(CryptReleaseContext(provider, 0), ERROR_INVALID_HANDLE);
        } else {
            assert_int_equal(provider, 42);
        }
    }
    assert_last(CryptAcquireContextA(NULL, NULL, NULL, PROV_RSA_FULL, CRYPT_VERIFYCONTEXT), ERROR_INVALID_PARAMETER);
    HCRYPTPROV provider = provider_of(PROV_RSA_FULL);
    assert_last(CryptReleaseContext(provider, 1), NTE_BAD_FLAGS); /* it is closed all the same */
    assert_last(CryptReleaseContext(provider, 0), ERROR_INVALID_HANDLE);
}

static void test_containers(void **state)
{
    static const WCHAR name[] = u"Sammlung \u00e4";
    HCRYPTPROV one = 0, two = 0, three = 0, other = 0;
    assert_true(CryptAcquireContextW(&one, name, MS_ENHANCED_PROV_W, PROV_RSA_FULL, CRYPT_NEWKEYSET | CRYPT_SILENT));
    assert_last(CryptAcquireContextW(&two, name, NULL, PROV_RSA_FULL, CRYPT_NEWKEYSET), NTE_EXISTS);
    assert_true(CryptAcquireContextA(&two, "sammlung \xC3\xA4", NULL, PROV_RSA_FULL, 0));  /* of any case */
    assert_true(CryptAcquireContextA(&three, NULL, NULL, PROV_RSA_FULL, CRYPT_NEWKEYSET)); /* the default one */
    assert_true(CryptAcquireContextA(&other, NULL, NULL, PROV_RSA_FULL, 0));
    assert_true(CryptAcquireContextW(&two, name, NULL, PROV_RSA_FULL, CRYPT_DELETEKEYSET) && two != 0);
    assert_last(CryptAcquireContextW(&two, name, NULL, PROV_RSA_FULL, CRYPT_DELETEKEYSET), NTE_BAD_KEYSET);
    assert_true(CryptAcquireContextA(&three, NULL, NULL, PROV_RSA_FULL, CRYPT_DELETEKEYSET));
    assert_true(CryptReleaseContext(one, 0) && CryptReleaseContext(two, 0) && CryptReleaseContext(three, 0) &&
                CryptReleaseContext(other, 0));
}

static void test_import(void **state)
{
    DWORD size = 0;
    BYTE *blob = blob_of("server-rsa", &size);
    HCRYPTPROV provider = provider_of(PROV_RSA_FULL);
    HCRYPTKEY key = 42;
    static const struct {
        DWORD at;
        BYTE with;
        SECURITY_STATUS error;
    } rows[] = {
        {0, SIMPLEBLOB, NTE_BAD_TYPE}, {0, PUBLICKEYBLOB, NTE_BAD_TYPE}, {1, 3, NTE_BAD_VER},
        {5, 0x22, NTE_BAD_ALGID},      {11, 0x31, NTE_BAD_DATA}, /* RSA1, a public key */
        {13, 0x09, NTE_BAD_DATA},                                /* of more bits */
        {15, 0xFF, NTE_BAD_DATA},                                /* of 4 Gbit */
        {16, 0x00, NTE_BAD_DATA},                                /* an even exponent */
        {20, 0x00, NTE_BAD_DATA},                                /* another modulus */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        BYTE was = blob[rows[i].at];
        blob[rows[i].at] = rows[i].with;
        assert_last(CryptImportKey(provider, blob, size, 0, 0, &key), rows[i].error);
        blob[rows[i].at] = was;
    }
    for (DWORD part = 0; part < size; part += part < 24 ? 1 : 13) {
        assert_last(CryptImportKey(provider, blob, part, 0, 0, &key), NTE_BAD_DATA);
    }
    assert_last(CryptImportKey(provider, blob, size, provider, 0, &key), ERROR_INVALID_HANDLE);
    assert_last(CryptImportKey(provider, blob, size, 0, 0x1000, &key), NTE_BAD_FLAGS);
    assert_last(CryptImportKey(provider, blob, size, 0, 0, NULL), ERROR_INVALID_PARAMETER);
    assert_last(CryptImportKey(provider, NULL, 0, 0, 0, &key), ERROR_INVALID_PARAMETER);
    assert_last(CryptImportKey(0, blob, size, 0, 0, &key), ERROR_INVALID_HANDLE);
    assert_int_equal(key, 42);
    LocalFree(blob);
    import_into(provider, "server-rsa");
    assert_true(CryptReleaseContext(provider, 0));
}

/* Whatever is no handle is told from one without being followed. */
static void test_handles(void **state)
{
    ULONG_PTR strange[] = {0, 1, 8, (ULONG_PTR)-1, 0x7FFFFFFFFFFFFFF0, (ULONG_PTR)state, (ULONG_PTR)&strange, 0};
    HCRYPTPROV provider = provider_of(PROV_RSA_FULL);
    strange[7] = provider + 8;
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        HCRYPTHASH hash = 0;
        DWORD size = 0;
        assert_last(CryptReleaseContext(strange[i], 0), ERROR_INVALID_HANDLE);
        assert_last(CryptDestroyKey(strange[i]), ERROR_INVALID_HANDLE);
        assert_last(CryptDestroyHash(strange[i]), ERROR_INVALID_HANDLE);
        assert_last(CryptHashData(strange[i], NULL, 0, 0), ERROR_INVALID_HANDLE);
        assert_last(CryptGetHashParam(strange[i], HP_HASHVAL, NULL, &size, 0), ERROR_INVALID_HANDLE);
        assert_last(CryptCreateHash(strange[i], CALG_SHA1, 0, 0, &hash), ERROR_INVALID_HANDLE);
        assert_status(NCryptFreeObject(strange[i]), NTE_INVALID_HANDLE);
    }
    assert_last(CryptDestroyKey(provider), ERROR_INVALID_HANDLE);
    assert_last(CryptDestroyHash(provider), ERROR_INVALID_HANDLE);
    assert_status(NCryptFreeObject(provider), NTE_INVALID_HANDLE);
    assert_true(CryptReleaseContext(provider, 0));
}

/* ---------------------------------------------------------------- CNG */

static void test_stored_keys(void **state)
{
    BYTE der[4096];
    NCRYPT_PROV_HANDLE storage = 0;
    NCRYPT_KEY_HANDLE key = 0, other = 0;
    NCryptBuffer buffer = {4, NCRYPTBUFFER_PKCS_KEY_NAME, (PVOID)(uintptr_t)u"ab"}; /* without its NUL */
    NCryptBufferDesc named = {NCRYPTBUFFER_VERSION, 1, &buffer};
    LPCWSTR pkcs8 = NCRYPT_PKCS8_PRIVATE_KEY_BLOB;
    assert_status(NCryptOpenStorageProvider(NULL, NULL, 0), NTE_INVALID_PARAMETER);
    assert_status(NCryptOpenStorageProvider(&storage, u"Nobody's Provider", 0), NTE_NOT_FOUND);
    assert_status(NCryptOpenStorageProvider(&storage, NULL, 0x10), NTE_BAD_FLAGS);
    assert_int_equal(storage, 0);
    assert_status(NCryptOpenStorageProvider(&storage, MS_KEY_STORAGE_PROVIDER, NCRYPT_SILENT_FLAG), ERROR_SUCCESS);
    DWORD size = der_of("server-p256.key", der, sizeof der); /* an elliptic curve's */
    assert_status(NCryptImportKey(storage, 0, pkcs8, &named, &key, der, size, 0), ERROR_SUCCESS);
    assert_status(NCryptImportKey(storage, 0, pkcs8, &named, &other, der, size, 0), NTE_EXISTS);
    assert_status(NCryptImportKey(storage, 0, pkcs8, &named, &other, der, size, NCRYPT_OVERWRITE_KEY_FLAG),
                  ERROR_SUCCESS);
    assert_status(NCryptFreeObject(other), ERROR_SUCCESS);
    other = 42;
    assert_status(NCryptImportKey(storage, 0, pkcs8, NULL, &other, der, size - 1, 0), NTE_BAD_DATA);
    assert_status(NCryptImportKey(storage, 0, pkcs8, NULL, &other, der, 0, 0), NTE_BAD_DATA);
    assert_status(NCryptImportKey(storage, 0, u"RSAPUBLICBLOB", NULL, &other, der, size, 0), NTE_NOT_SUPPORTED);
    assert_status(NCryptImportKey(storage, 0, LEGACY_RSAPRIVATE_BLOB, NULL, &other, der, size, 0), NTE_BAD_TYPE);
    assert_status(NCryptImportKey(storage, 0, NULL, NULL, &other, der, size, 0), NTE_INVALID_PARAMETER);
    assert_status(NCryptImportKey(storage, 0, pkcs8, NULL, NULL, der, size, 0), NTE_INVALID_PARAMETER);
    assert_status(NCryptImportKey(storage, 0, pkcs8, NULL, &other, NULL, size, 0), NTE_INVALID_PARAMETER);
    assert_status(NCryptImportKey(storage, key, pkcs8, NULL, &other, der, size, 0), NTE_INVALID_HANDLE);
    assert_status(NCryptImportKey(key, 0, pkcs8, NULL, &other, der, size, 0), NTE_INVALID_HANDLE);
    assert_status(NCryptImportKey(storage, 0, pkcs8, NULL, &other, der, size, 0x400), NTE_BAD_FLAGS);
    buffer.BufferType = 46; /* a password */
    assert_status(NCryptImportKey(storage, 0, pkcs8, &named, &other, der, size, 0), NTE_NOT_SUPPORTED);
    buffer = (NCryptBuffer){2, NCRYPTBUFFER_PKCS_KEY_NAME, (PVOID)(uintptr_t)u""};
    assert_status(NCryptImportKey(storage, 0, pkcs8, &named, &other, der, size, 0), NTE_INVALID_PARAMETER);
    named.pBuffers = NULL;
    assert_status(NCryptImportKey(storage, 0, pkcs8, &named, &other, der, size, 0), NTE_INVALID_PARAMETER);
    assert_int_equal(other, 42);
    assert_status(NCryptFreeObject(storage), ERROR_SUCCESS);
    assert_status(NCryptFreeObject(storage), NTE_INVALID_HANDLE);
    PCCERT_CONTEXT certificate = certificate_of("server-p256");
    CRYPT_KEY_PROV_INFO info = {.pwszContainerName = (LPWSTR)(uintptr_t)u"ab"};
    assert_true(CertSetCertificateContextProperty(certificate, CERT_KEY_PROV_INFO_PROP_ID, 0, &info));
    assert_status(acquired_with(certificate), SEC_E_OK);
    assert_status(NCryptFreeObject(key), ERROR_SUCCESS);
    assert_status(acquired_with(certificate), SEC_E_OK); /* the name stays */
    CertFreeCertificateContext(certificate);
    HCRYPTPROV none = 0;
    assert_true(CryptAcquireContextA(&none, "AB", NULL, PROV_RSA_FULL, CRYPT_DELETEKEYSET));
}

static bool lists(const CRYPT_CONTEXT_FUNCTIONS *list, const char *name)
{
    for (ULONG i = 0; i < list->cFunctions; i++) {
        size_t at = 0;
        while (name[at] != 0 && list->rgpszFunctions[i][at] == (WCHAR)name[at]) {
            at++;
        }
        if (name[at] == 0 && list->rgpszFunctions[i][at] == 0) {
            return true;
        }
    }
    return false;
}

static void test_suites(void **state)
{
    PCRYPT_CONTEXT_FUNCTIONS list = NULL;
    ULONG size = 0, needed = 0;
    assert_status(BCryptEnumContextFunctions(CRYPT_LOCAL, u"SSL", NCRYPT_SCHANNEL_INTERFACE, &size, &list),
                  STATUS_SUCCESS);
    assert_true(list->cFunctions > 10);
    assert_true(lists(list, "TLS_AES_256_GCM_SHA384"));
    assert_true(lists(list, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"));
    assert_false(lists(list, "TLS_RSA_WITH_NULL_SHA256"));
    assert_false(lists(list, "TLS_PSK_WITH_AES_128_GCM_SHA256"));
    BCryptFreeBuffer(list);
    BCryptFreeBuffer(NULL);
    assert_status(BCryptEnumContextFunctions(CRYPT_LOCAL, u"SSL", NCRYPT_SCHANNEL_INTERFACE, &needed, NULL),
                  STATUS_SUCCESS);
    assert_int_equal(needed, size);
    PCRYPT_CONTEXT_FUNCTIONS own = calloc(1, size);
    needed--;
    assert_status(BCryptEnumContextFunctions(CRYPT_LOCAL, u"SSL", NCRYPT_SCHANNEL_INTERFACE, &needed, &own),
                  STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(needed, size);
    assert_status(BCryptEnumContextFunctions(CRYPT_LOCAL, u"SSL", NCRYPT_SCHANNEL_INTERFACE, &needed, &own),
                  STATUS_SUCCESS);
    assert_true(lists(own, "TLS_AES_256_GCM_SHA384"));
    free(own);
    list = NULL;
    assert_status(BCryptEnumContextFunctions(CRYPT_DOMAIN, u"SSL", NCRYPT_SCHANNEL_INTERFACE, &size, &list),
                  STATUS_NOT_FOUND);
    assert_status(BCryptEnumContextFunctions(CRYPT_LOCAL, u"Default", NCRYPT_SCHANNEL_INTERFACE, &size, &list),
                  STATUS_NOT_FOUND);
    assert_status(BCryptEnumContextFunctions(CRYPT_LOCAL, u"SSL", 1, &size, &list), STATUS_NOT_FOUND);
    assert_status(BCryptEnumContextFunctions(CRYPT_LOCAL, NULL, NCRYPT_SCHANNEL_INTERFACE, &size, &list),
                  STATUS_INVALID_PARAMETER);
    assert_status(BCryptEnumContextFunctions(CRYPT_LOCAL, u"SSL", NCRYPT_SCHANNEL_INTERFACE, NULL, &list),
                  STATUS_INVALID_PARAMETER);
    assert_null(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes), cmocka_unit_test(test_providers), cmocka_unit_test(test_containers),
        cmocka_unit_test(test_import), cmocka_unit_test(test_handles),   cmocka_unit_test(test_stored_keys),
        cmocka_unit_test(test_suites),
    };
    if (!tls_has_pki()) {
        return 0;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
