/* Hashes, key containers and private keys, in the order of calls that TLS clients have; expected are published vectors, the
 * documented codes, and that the peer of a handshake sees the certificate whose key was imported. */
#include "tls.h"

#include <stdio.h>

#include <bcrypt.h>
#include <ncrypt.h>

#define assert_last(call, code)                                                                                        \
    do {                                                                                                               \
        SetLastError(0);                                                                                               \
        assert_false(call);                                                                                            \
        assert_int_equal(GetLastError(), (DWORD)(code));                                                               \
    } while (0)

static HCRYPTPROV provider_of(DWORD type)
{
    HCRYPTPROV provider = 0;
    assert_true(CryptAcquireContextA(&provider, NULL, NULL, type, CRYPT_VERIFYCONTEXT | CRYPT_SILENT));
    assert_true(provider != 0);
    return provider;
}

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

/* ---------------------------------------------------------------- keys from files, as clients read them */

static BYTE file_data[16384];

static const char *read_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", getenv("SSPI_TEST_PKI"), name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(file_data, 1, sizeof file_data - 1, file);
    fclose(file);
    file_data[size] = 0;
    return (const char *)file_data;
}

static DWORD der_of(const char *name, BYTE *out, DWORD room)
{
    assert_true(CryptStringToBinaryA(read_file(name), 0, CRYPT_STRING_BASE64HEADER, out, &room, NULL, NULL));
    return room;
}

static PCCERT_CONTEXT certificate_of(const char *name)
{
    BYTE der[4096];
    char file[64];
    snprintf(file, sizeof file, "%s.pem", name);
    DWORD size = der_of(file, der, sizeof der);
    PCCERT_CONTEXT context = CertCreateCertificateContext(X509_ASN_ENCODING, der, size);
    assert_non_null(context);
    return context;
}

/* A PRIVATEKEYBLOB: LocalFree.  The file is a PrivateKeyInfo. */
static BYTE *blob_of(const char *name, DWORD *size)
{
    BYTE der[4096];
    CRYPT_PRIVATE_KEY_INFO *info = NULL;
    BYTE *blob = NULL;
    char file[64];
    snprintf(file, sizeof file, "%s.key", name);
    DWORD der_size = der_of(file, der, sizeof der);
    assert_true(CryptDecodeObjectEx(X509_ASN_ENCODING, PKCS_PRIVATE_KEY_INFO, der, der_size, CRYPT_DECODE_ALLOC_FLAG,
                                    NULL, &info, size));
    assert_string_equal(info->Algorithm.pszObjId, szOID_RSA_RSA);
    assert_true(CryptDecodeObjectEx(X509_ASN_ENCODING | PKCS_7_ASN_ENCODING, PKCS_RSA_PRIVATE_KEY,
                                    info->PrivateKey.pbData, info->PrivateKey.cbData, CRYPT_DECODE_ALLOC_FLAG, NULL,
                                    &blob, size));
    LocalFree(info);
    return blob;
}

static void import_into(HCRYPTPROV provider, const char *name)
{
    DWORD size = 0;
    BYTE *blob = blob_of(name, &size);
    HCRYPTKEY key = 0;
    assert_true(CryptImportKey(provider, blob, size, 0, CRYPT_EXPORTABLE, &key));
    LocalFree(blob);
    assert_last(CryptReleaseContext(key, 0), ERROR_INVALID_HANDLE); /* of another kind */
    assert_true(CryptDestroyKey(key));
    assert_last(CryptDestroyKey(key), ERROR_INVALID_HANDLE);
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

static SECURITY_STATUS acquired_with(PCCERT_CONTEXT certificate)
{
    CredHandle credential;
    SCHANNEL_CRED with = {.dwVersion = SCHANNEL_CRED_VERSION, .cCreds = 1, .paCred = &certificate};
    SECURITY_STATUS status =
        AcquireCredentialsHandleA(NULL, TLS_NAME, SECPKG_CRED_OUTBOUND, NULL, &with, NULL, NULL, &credential, NULL);
    if (status >= 0) {
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
    return status;
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
        cmocka_unit_test(test_hashes),      cmocka_unit_test(test_providers),  cmocka_unit_test(test_containers),
        cmocka_unit_test(test_import),      cmocka_unit_test(test_handles),    cmocka_unit_test(test_orders),
        cmocka_unit_test(test_copies),      cmocka_unit_test(test_wrong_keys), cmocka_unit_test(test_properties),
        cmocka_unit_test(test_stored_keys), cmocka_unit_test(test_suites),     cmocka_unit_test(test_copied_provider),
    };
    if (!tls_has_pki()) {
        return 0;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
