/* The functions of ncrypt.h: CNG's keys, in the process's memory. */
#include "api/crypt32.h"

#include <string.h>
#include <strings.h>

#pragma GCC visibility push(default)
#include "ncrypt.h"
#pragma GCC visibility pop

#include "cert/capi.h"
#include "cert/key_blob.h"

/* The end of a call: NTE_ codes where the layers below say otherwise. */
static SECURITY_STATUS done(const char *function, SECURITY_STATUS status)
{
    return api_end(function, status == SEC_E_INSUFFICIENT_MEMORY ? NTE_NO_MEMORY : status);
}

static bool is_text(LPCWSTR text, const char *expected)
{
    AUTO_FREE char *utf8 = NULL;
    return crypt32_utf8(text, &utf8) >= 0 && strcasecmp(utf8, expected) == 0;
}

/* ---------------------------------------------------------------- the provider */

static STATUS open_provider(NCRYPT_PROV_HANDLE *out, LPCWSTR name, DWORD flags)
{
    struct capi_parts parts = {.kind = CAPI_STORAGE};
    REQUIRE(out != NULL, NTE_INVALID_PARAMETER, "NCryptOpenStorageProvider: no place for the handle");
    REQUIRE((flags & ~(DWORD)NCRYPT_SILENT_FLAG) == 0, NTE_BAD_FLAGS,
            "NCryptOpenStorageProvider: a flag that is not known");
    REQUIRE(name == NULL || is_text(name, "Microsoft Software Key Storage Provider") || is_text(name, "OpenSSPI"),
            NTE_NOT_FOUND, "NCryptOpenStorageProvider: no provider of this name");
    return capi_open(&parts, out);
}

SECURITY_STATUS WINAPI NCryptOpenStorageProvider(NCRYPT_PROV_HANDLE *phProvider, LPCWSTR pszProviderName, DWORD dwFlags)
{
    status_begin();
    return done("NCryptOpenStorageProvider", open_provider(phProvider, pszProviderName, dwFlags));
}

/* ---------------------------------------------------------------- keys */

static STATUS read_blob(LPCWSTR type, struct bytes data, EVP_PKEY **out)
{
    struct key_blob blob = {.key = NULL};
    if (is_text(type, "PKCS8_PRIVATEKEY")) {
        return key_blob_read_pkcs8(data, out);
    }
    REQUIRE(is_text(type, "CAPIPRIVATEBLOB"), NTE_NOT_SUPPORTED,
            "NCryptImportKey: neither a PKCS8_PRIVATEKEY nor a CAPIPRIVATEBLOB");
    TRY(key_blob_read(data, &blob));
    *out = blob.key;
    return SEC_E_OK;
}

/* The key's name among the parameters, to be freed; *out stays NULL when it has none. */
static STATUS read_name(const NCryptBufferDesc *parameters, char **out)
{
    AUTO_FREE char *name = NULL;
    if (parameters == NULL) {
        return SEC_E_OK;
    }
    REQUIRE(parameters->ulVersion == NCRYPTBUFFER_VERSION && parameters->cBuffers <= 1 &&
                (parameters->cBuffers == 0 || parameters->pBuffers != NULL),
            NTE_INVALID_PARAMETER, "NCryptImportKey: not a list of at most one parameter");
    if (parameters->cBuffers == 0) {
        return SEC_E_OK;
    }
    const NCryptBuffer *buffer = parameters->pBuffers;
    struct utf16 text = utf16_of(bytes_of(buffer->pvBuffer, buffer->cbBuffer));
    REQUIRE(buffer->BufferType == NCRYPTBUFFER_PKCS_KEY_NAME, NTE_NOT_SUPPORTED,
            "NCryptImportKey: a parameter that is not the key's name");
    REQUIRE(buffer->pvBuffer != NULL, NTE_INVALID_PARAMETER, "NCryptImportKey: a name without text");
    if (utf16_find(text, 0) != SIZE_MAX) {
        text = utf16_head(text, utf16_find(text, 0));
    }
    TRY(utf16_to_utf8(text, &name, NULL));
    REQUIRE(name[0] != 0, NTE_INVALID_PARAMETER, "NCryptImportKey: an empty name");
    *out = STEAL(name);
    return SEC_E_OK;
}

static STATUS name_container(const char *name, bool overwrite, struct container **out)
{
    if (name == NULL) {
        return container_new(NULL, out);
    }
    if (overwrite && container_find(name, out)) {
        return SEC_E_OK;
    }
    return container_new(name, out);
}

static void free_key(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

struct import_call {
    NCRYPT_PROV_HANDLE provider;
    NCRYPT_KEY_HANDLE under;
    LPCWSTR type;
    const NCryptBufferDesc *parameters;
    struct bytes data;
    DWORD flags;
};

#define IMPORT_FLAGS (NCRYPT_OVERWRITE_KEY_FLAG | NCRYPT_MACHINE_KEY_FLAG | NCRYPT_SILENT_FLAG)

static STATUS import_key(const struct import_call *call, NCRYPT_KEY_HANDLE *out)
{
    AUTO_CAPI *provider = capi_hold(call->provider, CAPI_STORAGE);
    AUTO(free_key) EVP_PKEY *key = NULL;
    AUTO_CONTAINER *container = NULL;
    AUTO_FREE char *name = NULL;
    NCRYPT_KEY_HANDLE handle = 0;
    REQUIRE(provider != NULL && call->under == 0, NTE_INVALID_HANDLE,
            "NCryptImportKey: not a provider, or a key that would encrypt keys");
    REQUIRE(out != NULL && call->type != NULL && call->data.data != NULL, NTE_INVALID_PARAMETER,
            "NCryptImportKey: an argument is NULL");
    REQUIRE((call->flags & ~(DWORD)IMPORT_FLAGS) == 0, NTE_BAD_FLAGS, "NCryptImportKey: a flag that is not known");
    TRY(read_name(call->parameters, &name));
    TRY(read_blob(call->type, call->data, &key));
    struct capi_parts parts = {.kind = CAPI_STORED_KEY, .key = key};
    TRY(capi_open(&parts, &handle));
    SECURITY_STATUS status = name_container(name, (call->flags & NCRYPT_OVERWRITE_KEY_FLAG) != 0, &container);
    if (status < 0) {
        (void)capi_close(handle, CAPI_STORED_KEY);
        return status;
    }
    container_set_key(container, AT_KEYEXCHANGE, key);
    *out = handle;
    return SEC_E_OK;
}

SECURITY_STATUS WINAPI NCryptImportKey(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE hImportKey, LPCWSTR pszBlobType,
                                       NCryptBufferDesc *pParameterList, NCRYPT_KEY_HANDLE *phKey, PBYTE pbData,
                                       DWORD cbData, DWORD dwFlags)
{
    struct import_call call = {
        hProvider, hImportKey, pszBlobType, pParameterList, bytes_of(pbData, cbData), dwFlags,
    };
    status_begin();
    return done("NCryptImportKey", import_key(&call, phKey));
}

static STATUS free_object(NCRYPT_HANDLE handle)
{
    REQUIRE(capi_close(handle, CAPI_STORED_KEY) || capi_close(handle, CAPI_STORAGE), NTE_INVALID_HANDLE,
            "NCryptFreeObject: not an open handle");
    return SEC_E_OK;
}

SECURITY_STATUS WINAPI NCryptFreeObject(NCRYPT_HANDLE hObject)
{
    status_begin();
    return done("NCryptFreeObject", free_object(hObject));
}
