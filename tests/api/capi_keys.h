/* Keys of the test's infrastructure as clients of CryptoAPI read them. */
#ifndef OPENSSPI_TESTS_API_CAPI_KEYS_H
#define OPENSSPI_TESTS_API_CAPI_KEYS_H

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

static inline HCRYPTPROV provider_of(DWORD type)
{
    HCRYPTPROV provider = 0;
    assert_true(CryptAcquireContextA(&provider, NULL, NULL, type, CRYPT_VERIFYCONTEXT | CRYPT_SILENT));
    assert_true(provider != 0);
    return provider;
}

/* ---------------------------------------------------------------- keys from files, as clients read them */

static BYTE file_data[16384];

static inline const char *read_file(const char *name)
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

static inline DWORD der_of(const char *name, BYTE *out, DWORD room)
{
    assert_true(CryptStringToBinaryA(read_file(name), 0, CRYPT_STRING_BASE64HEADER, out, &room, NULL, NULL));
    return room;
}

static inline PCCERT_CONTEXT certificate_of(const char *name)
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
static inline BYTE *blob_of(const char *name, DWORD *size)
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

static inline void import_into(HCRYPTPROV provider, const char *name)
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

static inline SECURITY_STATUS acquired_with(PCCERT_CONTEXT certificate)
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

#endif
