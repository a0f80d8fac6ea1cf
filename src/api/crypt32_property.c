/* Properties of certificates (wincrypt_store.h): what crypt32 hands over as a struct is bytes below. */
#include "api/crypt32.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "cert/capi.h"
#include "wire/reader.h"

#define OUR_PROVIDER "OpenSSPI"

/* ---------------------------------------------------------------- where the key is
 *
 * CRYPT_KEY_PROV_INFO and the two texts behind it, in the caller's memory.  Of what a program sets, the container's name is the
 * certificate's key's place; the rest is kept beside it, as the value of the property, for who asks again. */

struct kept {
    DWORD type, flags, spec;
    struct utf16 provider; /* with its NUL */
};

/* A copy of what is kept in `memory`, which has to live as long; nothing kept: what Windows calls a key of CNG's. */
static void kept_read(struct certificate *certificate, uint8_t **memory, struct kept *out)
{
    size_t size = 0;
    struct reader reader;
    *out = (struct kept){.spec = AT_KEYEXCHANGE};
    if (certificate_property(certificate, CERT_KEY_PROV_INFO_PROP_ID, memory, &size) < 0) {
        status_begin(); /* that is no failure */
        return;
    }
    reader = read_start(bytes_of(*memory, size));
    out->type = read_u32le(&reader);
    out->flags = read_u32le(&reader);
    out->spec = read_u32le(&reader);
    out->provider = utf16_of(read_bytes(&reader, read_left(&reader)));
    if (utf16_find(out->provider, 0) !=
        utf16_length(out->provider) - 1) { /* who set it otherwise has not set it here */
        out->provider = UTF16_NONE;
    }
}

static STATUS kept_write(struct certificate *certificate, const CRYPT_KEY_PROV_INFO *info)
{
    AUTO_WRITER writer = write_growing(1 << 18);
    write_u32le(&writer, info->dwProvType);
    write_u32le(&writer, info->dwFlags);
    write_u32le(&writer, info->dwKeySpec);
    if (info->pwszProvName != NULL) {
        write_bytes(&writer, utf16_bytes(utf16_from_wide((const uint16_t *)info->pwszProvName)));
        write_u16le(&writer, 0);
    }
    TRY(write_end(&writer));
    return certificate_set_property(certificate, CERT_KEY_PROV_INFO_PROP_ID, write_result(&writer));
}

/* UTF-16 with a NUL. */
static STATUS wide_of(const char *text, struct utf16 *out)
{
    return utf16_from_utf8(bytes_of(text, strlen(text) + 1), out);
}

static STATUS give_provider(struct certificate *certificate, void *data, DWORD *size)
{
    AUTO_FREE char *place = NULL;
    AUTO_FREE uint8_t *memory = NULL;
    AUTO_UTF16 container = UTF16_NONE, provider = UTF16_NONE;
    struct kept kept;
    CRYPT_KEY_PROV_INFO *info = data;
    DWORD room;
    size_t needed;
    REQUIRE(size != NULL, SEC_E_INVALID_PARAMETER, "crypt32: no place for the size");
    REQUIRE(certificate_has_own_key(certificate), CRYPT_E_NOT_FOUND, "certificate: has no private key");
    TRY(certificate_key_place(certificate, &place));
    TRY(wide_of(place == NULL ? "" : place, &container));
    TRY(wide_of(OUR_PROVIDER, &provider));
    kept_read(certificate, &memory, &kept);
    kept.provider = kept.provider.size == 0 ? provider : kept.provider;
    needed = sizeof *info + container.size + kept.provider.size;
    room = *size;
    *size = (DWORD)needed;
    if (data == NULL) {
        return SEC_E_OK;
    }
    REQUIRE(room >= needed, CRYPT32_WIN32(ERROR_MORE_DATA), "crypt32: the caller's buffer is too small");
    struct writer writer = write_into(info + 1, needed - sizeof *info);
    write_bytes(&writer, utf16_bytes(container));
    write_bytes(&writer, utf16_bytes(kept.provider));
    *info = (CRYPT_KEY_PROV_INFO){
        .pwszContainerName = (LPWSTR)(info + 1),
        .pwszProvName = (LPWSTR)(void *)((BYTE *)(info + 1) + container.size),
        .dwProvType = kept.type,
        .dwFlags = kept.flags,
        .dwKeySpec = kept.spec,
    };
    return SEC_E_OK;
}

static STATUS set_provider(struct certificate *certificate, const CRYPT_KEY_PROV_INFO *info)
{
    AUTO_FREE char *place = NULL;
    if (info == NULL) {
        return certificate_set_key(certificate, NULL);
    }
    REQUIRE(info->pwszContainerName != NULL && info->pwszContainerName[0] != 0, SEC_E_INVALID_PARAMETER,
            "CRYPT_KEY_PROV_INFO: no container, which here is a pkcs11: URI or a file");
    TRY(crypt32_utf8(info->pwszContainerName, &place));
    TRY(certificate_set_key_place(certificate, place, BYTES_NONE));
    return kept_write(certificate, info);
}

/* ---------------------------------------------------------------- handles
 *
 * CERT_KEY_CONTEXT_PROP_ID has the handle and what it is; the others are parts of it. */

static STATUS give_handle(struct certificate *certificate, DWORD id, void *data, DWORD *size)
{
    DWORD spec = 0;
    AUTO_CAPI *object = certificate_key_handle(certificate, &spec);
    REQUIRE(object != NULL, CRYPT_E_NOT_FOUND, "certificate: no handle of a key is attached to it");
    bool provider = capi_kind(object) == CAPI_PROVIDER;
    ULONG_PTR handle = capi_handle(object);
    REQUIRE(id != (provider ? CERT_NCRYPT_KEY_HANDLE_PROP_ID : CERT_KEY_PROV_HANDLE_PROP_ID), CRYPT_E_NOT_FOUND,
            "certificate: the handle that is attached to it is of the other kind");
    if (id != CERT_KEY_CONTEXT_PROP_ID) {
        return crypt32_give(bytes_of(&handle, sizeof handle), data, size);
    }
    CERT_KEY_CONTEXT context;
    memset(&context, 0, sizeof context); /* its padding, too */
    context.cbSize = sizeof context;
    context.hCryptProv = handle;
    context.dwKeySpec = spec;
    return crypt32_give(bytes_of(&context, sizeof context), data, size);
}

/* What the attached handle is, else what was set. */
static STATUS give_spec(struct certificate *certificate, void *data, DWORD *size)
{
    DWORD spec = 0;
    AUTO_CAPI *object = certificate_key_handle(certificate, &spec);
    AUTO_FREE uint8_t *value = NULL;
    size_t value_size = 0;
    if (object != NULL && spec != 0) {
        return crypt32_give(bytes_of(&spec, sizeof spec), data, size);
    }
    TRY(certificate_property(certificate, CERT_KEY_SPEC_PROP_ID, &value, &value_size));
    return crypt32_give(bytes_of(value, value_size), data, size);
}

static STATUS attach(struct certificate *certificate, ULONG_PTR handle, enum capi_kind kind, DWORD spec, DWORD flags)
{
    struct capi *object = capi_hold(handle, kind);
    REQUIRE(object != NULL, SEC_E_INVALID_HANDLE, "certificate: not an open handle of a provider or of a key");
    certificate_set_key_handle(certificate, object, spec, (flags & CERT_STORE_NO_CRYPT_RELEASE_FLAG) == 0);
    return SEC_E_OK;
}

/* `data` is the HCRYPTPROV itself for CERT_KEY_PROV_HANDLE_PROP_ID, and points at the others. */
static STATUS set_handle(struct certificate *certificate, DWORD id, const void *data, DWORD flags)
{
    const CERT_KEY_CONTEXT *context = data;
    const ULONG_PTR *handle = data;
    if (data == NULL) {
        certificate_set_key_handle(certificate, NULL, 0, false);
        return SEC_E_OK;
    }
    switch (id) {
    case CERT_KEY_PROV_HANDLE_PROP_ID:
        return attach(certificate, (ULONG_PTR)data, CAPI_PROVIDER, 0, flags);
    case CERT_NCRYPT_KEY_HANDLE_PROP_ID:
        return attach(certificate, *handle, CAPI_STORED_KEY, CERT_NCRYPT_KEY_SPEC, flags);
    default:
        REQUIRE(context->cbSize == sizeof *context, SEC_E_INVALID_PARAMETER,
                "CERT_KEY_CONTEXT: cbSize is not its size");
        if (context->dwKeySpec == CERT_NCRYPT_KEY_SPEC) {
            return attach(certificate, context->hNCryptKey, CAPI_STORED_KEY, CERT_NCRYPT_KEY_SPEC, flags);
        }
        REQUIRE(context->dwKeySpec <= AT_SIGNATURE, SEC_E_INVALID_PARAMETER, "CERT_KEY_CONTEXT: no such dwKeySpec");
        return attach(certificate, context->hCryptProv, CAPI_PROVIDER, context->dwKeySpec, flags);
    }
}

/* ---------------------------------------------------------------- reading */

static STATUS get(PCCERT_CONTEXT context, DWORD id, void *data, DWORD *size)
{
    AUTO_CERTIFICATE *certificate = NULL;
    AUTO_FREE uint8_t *value = NULL;
    size_t value_size = 0;
    TRY(certificate_from_context(context, &certificate));
    switch (id) {
    case CERT_KEY_PROV_INFO_PROP_ID:
        return give_provider(certificate, data, size);
    case CERT_KEY_PROV_HANDLE_PROP_ID:
    case CERT_KEY_CONTEXT_PROP_ID:
    case CERT_NCRYPT_KEY_HANDLE_PROP_ID:
        return give_handle(certificate, id, data, size);
    case CERT_KEY_SPEC_PROP_ID:
        return give_spec(certificate, data, size);
    case CERT_ACCESS_STATE_PROP_ID: {
        DWORD state =
            certificate_store(certificate) != NULL && store_kind(certificate_store(certificate)) == STORE_DIRECTORY
                ? CERT_ACCESS_STATE_SYSTEM_STORE_FLAG
                : 0;
        return crypt32_give(bytes_of(&state, sizeof state), data, size);
    }
    default:
        TRY(certificate_property(certificate, id, &value, &value_size));
        return crypt32_give(bytes_of(value, value_size), data, size);
    }
}

BOOL WINAPI CertGetCertificateContextProperty(PCCERT_CONTEXT pCertContext, DWORD dwPropId, void *pvData, DWORD *pcbData)
{
    status_begin();
    return crypt32_done("CertGetCertificateContextProperty", get(pCertContext, dwPropId, pvData, pcbData));
}

/* ---------------------------------------------------------------- setting */

static STATUS set(PCCERT_CONTEXT context, DWORD id, DWORD flags, const void *data)
{
    struct certificate *certificate = certificate_of(context);
    const CRYPT_DATA_BLOB *blob = data;
    REQUIRE(certificate != NULL, SEC_E_INVALID_PARAMETER,
            "CertSetCertificateContextProperty: not a certificate of ours");
    REQUIRE(id != 0 && id <= CERT_LAST_USER_PROP_ID, SEC_E_INVALID_PARAMETER,
            "CertSetCertificateContextProperty: no such property");
    switch (id) {
    case CERT_KEY_PROV_INFO_PROP_ID:
        return set_provider(certificate, data);
    case CERT_KEY_PROV_HANDLE_PROP_ID:
    case CERT_KEY_CONTEXT_PROP_ID:
    case CERT_NCRYPT_KEY_HANDLE_PROP_ID:
        return set_handle(certificate, id, data, flags);
    case CERT_HCRYPTPROV_OR_NCRYPT_KEY_HANDLE_PROP_ID:
        FAIL(SEC_E_UNSUPPORTED_FUNCTION, "certificate: CERT_KEY_CONTEXT_PROP_ID says of which kind a handle is");
    case CERT_ACCESS_STATE_PROP_ID:
        FAIL(SEC_E_INVALID_PARAMETER, "CertSetCertificateContextProperty: CERT_ACCESS_STATE_PROP_ID can only be read");
    case CERT_KEY_SPEC_PROP_ID:
        return certificate_set_property(certificate, id, bytes_of(data, data == NULL ? 0 : sizeof(DWORD)));
    default:
        if (data == NULL) {
            return certificate_set_property(certificate, id, BYTES_NONE);
        }
        REQUIRE(blob->pbData != NULL || blob->cbData == 0, SEC_E_INVALID_PARAMETER,
                "CertSetCertificateContextProperty: a blob without bytes");
        return certificate_set_property(certificate, id,
                                        bytes_of(blob->pbData == NULL ? (const BYTE *)"" : blob->pbData, blob->cbData));
    }
}

BOOL WINAPI CertSetCertificateContextProperty(PCCERT_CONTEXT pCertContext, DWORD dwPropId, DWORD dwFlags,
                                              const void *pvData)
{
    status_begin();
    return crypt32_done("CertSetCertificateContextProperty", set(pCertContext, dwPropId, dwFlags, pvData));
}

DWORD WINAPI CertEnumCertificateContextProperties(PCCERT_CONTEXT pCertContext, DWORD dwPropId)
{
    struct certificate *certificate = certificate_of(pCertContext);
    return certificate == NULL ? 0 : certificate_next_property(certificate, dwPropId);
}
