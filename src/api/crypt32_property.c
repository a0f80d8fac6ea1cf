/* Properties of certificates (wincrypt_store.h): what crypt32 hands over as a struct is bytes below. */
#include "api/crypt32.h"

#include <stdlib.h>
#include <string.h>

#define OUR_PROVIDER "OpenSSPI"

/* ---------------------------------------------------------------- where the key is
 *
 * CRYPT_KEY_PROV_INFO and the two texts behind it, in the caller's memory. */

/* UTF-16 with a NUL. */
static STATUS wide_of(const char *text, struct utf16 *out)
{
    return utf16_from_utf8(bytes_of(text, strlen(text) + 1), out);
}

static STATUS give_provider(struct certificate *certificate, void *data, DWORD *size)
{
    AUTO_FREE char *place = NULL;
    AUTO_UTF16 container = UTF16_NONE, provider = UTF16_NONE;
    CRYPT_KEY_PROV_INFO *info = data;
    DWORD room;
    size_t needed;
    REQUIRE(size != NULL, SEC_E_INVALID_PARAMETER, "crypt32: no place for the size");
    REQUIRE(certificate_has_key(certificate), CRYPT_E_NOT_FOUND, "certificate: has no private key");
    TRY(certificate_key_place(certificate, &place));
    TRY(wide_of(place == NULL ? "" : place, &container));
    TRY(wide_of(OUR_PROVIDER, &provider));
    needed = sizeof *info + container.size + provider.size;
    room = *size;
    *size = (DWORD)needed;
    if (data == NULL) {
        return SEC_E_OK;
    }
    REQUIRE(room >= needed, CRYPT32_WIN32(ERROR_MORE_DATA), "crypt32: the caller's buffer is too small");
    struct writer writer = write_into(info + 1, needed - sizeof *info);
    write_bytes(&writer, utf16_bytes(container));
    write_bytes(&writer, utf16_bytes(provider));
    *info = (CRYPT_KEY_PROV_INFO){
        .pwszContainerName = (LPWSTR)(info + 1),
        .pwszProvName = (LPWSTR)(void *)((BYTE *)(info + 1) + container.size),
        .dwKeySpec = AT_KEYEXCHANGE,
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
    return certificate_set_key_place(certificate, place, BYTES_NONE);
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

static STATUS set(PCCERT_CONTEXT context, DWORD id, const void *data)
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
        REQUIRE(data == NULL, SEC_E_UNSUPPORTED_FUNCTION,
                "certificate: there are no cryptographic providers; SspiExtCertSetKey attaches a key");
        return certificate_set_key(certificate, NULL);
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
    return crypt32_done("CertSetCertificateContextProperty", set(pCertContext, dwPropId, pvData));
}

DWORD WINAPI CertEnumCertificateContextProperties(PCCERT_CONTEXT pCertContext, DWORD dwPropId)
{
    struct certificate *certificate = certificate_of(pCertContext);
    return certificate == NULL ? 0 : certificate_next_property(certificate, dwPropId);
}
