/* The functions of wincrypt_provider.h: providers, keys and hashes of CryptoAPI. */
#include "api/crypt32.h"

#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "cert/capi.h"
#include "cert/key_blob.h"

#define BAD_PARAMETER CRYPT32_WIN32(ERROR_INVALID_PARAMETER)
#define BAD_HANDLE    CRYPT32_WIN32(ERROR_INVALID_HANDLE)

#define DEFAULT_CONTAINER "" /* a name that no program can give */

/* ---------------------------------------------------------------- providers */

static const struct {
    const char *name;
    DWORD type; /* 0: any */
} providers[] = {
    {MS_DEF_PROV_A, PROV_RSA_FULL},
    {MS_ENHANCED_PROV_A, PROV_RSA_FULL},
    {MS_STRONG_PROV_A, PROV_RSA_FULL},
    {MS_ENH_RSA_AES_PROV_A, PROV_RSA_AES},
    {"OpenSSPI", 0},
};

/* Types that Windows numbers ("Cryptographic Provider Types") reach this far. */
#define TYPE_MAX 999

static STATUS check_provider(const char *name, DWORD type)
{
    REQUIRE(type != 0 && type <= TYPE_MAX, NTE_BAD_PROV_TYPE, "CryptAcquireContext: no such type of providers");
    if (name == NULL) {
        REQUIRE(type == PROV_RSA_FULL || type == PROV_RSA_AES, NTE_PROV_TYPE_NOT_DEF,
                "CryptAcquireContext: no provider of this type");
        return SEC_E_OK;
    }
    REQUIRE(name[0] != 0, BAD_PARAMETER, "CryptAcquireContext: an empty name of a provider");
    for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++) {
        if (strcasecmp(providers[i].name, name) == 0) {
            REQUIRE(providers[i].type == 0 || providers[i].type == type, NTE_PROV_TYPE_NO_MATCH,
                    "CryptAcquireContext: the provider is of another type");
            return SEC_E_OK;
        }
    }
    FAIL(NTE_KEYSET_NOT_DEF, "CryptAcquireContext: no provider of this name");
}

#define ACQUIRE_FLAGS                                                                                                  \
    (CRYPT_VERIFYCONTEXT | CRYPT_NEWKEYSET | CRYPT_DELETEKEYSET | CRYPT_MACHINE_KEYSET | CRYPT_SILENT |                \
     CRYPT_DEFAULT_CONTAINER_OPTIONAL)

static STATUS check_flags(const char *container, DWORD flags)
{
    DWORD verify = flags & CRYPT_VERIFYCONTEXT, what = flags & (CRYPT_NEWKEYSET | CRYPT_DELETEKEYSET);
    REQUIRE((flags & ~ACQUIRE_FLAGS) == 0 && (verify == 0 || verify == CRYPT_VERIFYCONTEXT), NTE_BAD_FLAGS,
            "CryptAcquireContext: a flag that is not known");
    REQUIRE(what != (CRYPT_NEWKEYSET | CRYPT_DELETEKEYSET), NTE_BAD_FLAGS,
            "CryptAcquireContext: CRYPT_NEWKEYSET and CRYPT_DELETEKEYSET at once");
    REQUIRE(verify == 0 || (what == 0 && (container == NULL || container[0] == 0)), NTE_BAD_FLAGS,
            "CryptAcquireContext: CRYPT_VERIFYCONTEXT with a container");
    return SEC_E_OK;
}

static STATUS acquire(HCRYPTPROV *out, const char *container_name, const char *provider, DWORD type, DWORD flags)
{
    AUTO_CONTAINER *container = NULL;
    const char *name = container_name == NULL ? DEFAULT_CONTAINER : container_name;
    REQUIRE(out != NULL, BAD_PARAMETER, "CryptAcquireContext: no place for the handle");
    TRY(check_provider(provider, type));
    TRY(check_flags(container_name, flags));
    if ((flags & CRYPT_DELETEKEYSET) != 0) {
        return container_delete(name);
    }
    if ((flags & CRYPT_VERIFYCONTEXT) != 0) {
        TRY(container_new(NULL, &container));
    } else if ((flags & CRYPT_NEWKEYSET) != 0) {
        TRY(container_new(name, &container));
    } else {
        TRY(container_open(name, &container));
    }
    struct capi_parts parts = {.kind = CAPI_PROVIDER, .provider_type = type, .container = container};
    SECURITY_STATUS status = capi_open(&parts, out);
    if (status < 0 && (flags & CRYPT_NEWKEYSET) != 0) {
        (void)!container_delete(name); /* nobody has it */
    }
    return status;
}

static STATUS acquire_wide(HCRYPTPROV *out, LPCWSTR container, LPCWSTR provider, DWORD type, DWORD flags)
{
    AUTO_FREE char *container_name = NULL, *provider_name = NULL;
    if (container != NULL) {
        TRY(crypt32_utf8(container, &container_name));
    }
    if (provider != NULL) {
        TRY(crypt32_utf8(provider, &provider_name));
    }
    return acquire(out, container_name, provider_name, type, flags);
}

BOOL WINAPI CryptAcquireContextA(HCRYPTPROV *phProv, LPCSTR szContainer, LPCSTR szProvider, DWORD dwProvType,
                                 DWORD dwFlags)
{
    status_begin();
    return crypt32_done("CryptAcquireContext", acquire(phProv, szContainer, szProvider, dwProvType, dwFlags));
}

BOOL WINAPI CryptAcquireContextW(HCRYPTPROV *phProv, LPCWSTR szContainer, LPCWSTR szProvider, DWORD dwProvType,
                                 DWORD dwFlags)
{
    status_begin();
    return crypt32_done("CryptAcquireContext", acquire_wide(phProv, szContainer, szProvider, dwProvType, dwFlags));
}

static STATUS close_handle(ULONG_PTR handle, enum capi_kind kind)
{
    REQUIRE(capi_close(handle, kind), BAD_HANDLE, "CryptoAPI: not an open handle of this kind");
    return SEC_E_OK;
}

static STATUS release(HCRYPTPROV provider, DWORD flags)
{
    TRY(close_handle(provider, CAPI_PROVIDER));
    REQUIRE(flags == 0, NTE_BAD_FLAGS, "CryptReleaseContext: dwFlags is not 0");
    return SEC_E_OK;
}

BOOL WINAPI CryptReleaseContext(HCRYPTPROV hProv, DWORD dwFlags)
{
    status_begin();
    return crypt32_done("CryptReleaseContext", release(hProv, dwFlags));
}

/* ---------------------------------------------------------------- keys */

static void free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static STATUS import_key(HCRYPTPROV handle, struct bytes data, HCRYPTKEY under, DWORD flags, HCRYPTKEY *out)
{
    AUTO_CAPI *provider = capi_hold(handle, CAPI_PROVIDER);
    struct key_blob blob = {.key = NULL};
    REQUIRE(provider != NULL, BAD_HANDLE, "CryptImportKey: not a provider");
    REQUIRE(out != NULL && data.data != NULL, BAD_PARAMETER, "CryptImportKey: an argument is NULL");
    REQUIRE(under == 0, BAD_HANDLE, "CryptImportKey: there are no keys that encrypt keys");
    REQUIRE((flags & ~(DWORD)CRYPT_EXPORTABLE) == 0, NTE_BAD_FLAGS, "CryptImportKey: a flag that is not known");
    TRY(key_blob_read(data, &blob));
    AUTO(free_key) EVP_PKEY *key = blob.key;
    struct capi_parts parts = {.kind = CAPI_KEY, .key = key, .algorithm = blob.algorithm};
    TRY(capi_open(&parts, out));
    container_set_key(capi_container(provider), blob.algorithm == CALG_RSA_SIGN ? AT_SIGNATURE : AT_KEYEXCHANGE, key);
    return SEC_E_OK;
}

BOOL WINAPI CryptImportKey(HCRYPTPROV hProv, const BYTE *pbData, DWORD dwDataLen, HCRYPTKEY hPubKey, DWORD dwFlags,
                           HCRYPTKEY *phKey)
{
    status_begin();
    return crypt32_done("CryptImportKey", import_key(hProv, bytes_of(pbData, dwDataLen), hPubKey, dwFlags, phKey));
}

BOOL WINAPI CryptDestroyKey(HCRYPTKEY hKey)
{
    status_begin();
    return crypt32_done("CryptDestroyKey", close_handle(hKey, CAPI_KEY));
}

/* ---------------------------------------------------------------- hashes */

static bool provider_has(DWORD type, ALG_ID algorithm)
{
    return algorithm == CALG_MD5 || algorithm == CALG_SHA1 || (type == PROV_RSA_AES && capi_hash_size(algorithm) != 0);
}

static STATUS create_hash(HCRYPTPROV handle, ALG_ID algorithm, HCRYPTKEY key, DWORD flags, HCRYPTHASH *out)
{
    AUTO_CAPI *provider = capi_hold(handle, CAPI_PROVIDER);
    struct capi_parts parts = {.kind = CAPI_HASH, .algorithm = algorithm};
    REQUIRE(provider != NULL, BAD_HANDLE, "CryptCreateHash: not a provider");
    REQUIRE(out != NULL, BAD_PARAMETER, "CryptCreateHash: no place for the handle");
    REQUIRE(flags == 0, NTE_BAD_FLAGS, "CryptCreateHash: dwFlags is not 0");
    REQUIRE(provider_has(capi_provider_type(provider), algorithm), NTE_BAD_ALGID,
            "CryptCreateHash: the provider has no such hash");
    REQUIRE(key == 0, NTE_BAD_KEY, "CryptCreateHash: a key with a hash that takes none");
    return capi_open(&parts, out);
}

BOOL WINAPI CryptCreateHash(HCRYPTPROV hProv, ALG_ID Algid, HCRYPTKEY hKey, DWORD dwFlags, HCRYPTHASH *phHash)
{
    status_begin();
    return crypt32_done("CryptCreateHash", create_hash(hProv, Algid, hKey, dwFlags, phHash));
}

static STATUS hash_data(HCRYPTHASH handle, struct bytes data, DWORD flags)
{
    AUTO_CAPI *hash = capi_hold(handle, CAPI_HASH);
    REQUIRE(hash != NULL, BAD_HANDLE, "CryptHashData: not a hash");
    REQUIRE(flags == 0, NTE_BAD_FLAGS, "CryptHashData: dwFlags is not 0");
    REQUIRE(data.data != NULL || data.size == 0, BAD_PARAMETER, "CryptHashData: no data");
    return capi_hash_add(hash, data);
}

BOOL WINAPI CryptHashData(HCRYPTHASH hHash, const BYTE *pbData, DWORD dwDataLen, DWORD dwFlags)
{
    status_begin();
    return crypt32_done("CryptHashData", hash_data(hHash, bytes_of(pbData, dwDataLen), dwFlags));
}

/* Asking how large the value is does not end the hash. */
static STATUS give_value(struct capi *hash, BYTE *data, DWORD *size)
{
    uint8_t value[64] = {0};
    struct bytes bytes = bytes_of(value, capi_hash_size(capi_hash_algorithm(hash)));
    if (data != NULL && *size >= bytes.size) {
        TRY(capi_hash_finish(hash, value));
    }
    return crypt32_give(bytes, data, size);
}

static STATUS hash_param(HCRYPTHASH handle, DWORD what, BYTE *data, DWORD *size, DWORD flags)
{
    AUTO_CAPI *hash = capi_hold(handle, CAPI_HASH);
    DWORD number;
    REQUIRE(hash != NULL, BAD_HANDLE, "CryptGetHashParam: not a hash");
    REQUIRE(flags == 0, NTE_BAD_FLAGS, "CryptGetHashParam: dwFlags is not 0");
    REQUIRE(size != NULL, BAD_PARAMETER, "CryptGetHashParam: no place for the size");
    switch (what) {
    case HP_ALGID:
        number = capi_hash_algorithm(hash);
        return crypt32_give(bytes_of(&number, sizeof number), data, size);
    case HP_HASHSIZE:
        number = (DWORD)capi_hash_size(capi_hash_algorithm(hash));
        return crypt32_give(bytes_of(&number, sizeof number), data, size);
    case HP_HASHVAL:
        return give_value(hash, data, size);
    default:
        FAIL(NTE_BAD_TYPE, "CryptGetHashParam: no such parameter");
    }
}

BOOL WINAPI CryptGetHashParam(HCRYPTHASH hHash, DWORD dwParam, BYTE *pbData, DWORD *pdwDataLen, DWORD dwFlags)
{
    status_begin();
    return crypt32_done("CryptGetHashParam", hash_param(hHash, dwParam, pbData, pdwDataLen, dwFlags));
}

BOOL WINAPI CryptDestroyHash(HCRYPTHASH hHash)
{
    status_begin();
    return crypt32_done("CryptDestroyHash", close_handle(hHash, CAPI_HASH));
}
