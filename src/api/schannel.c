/* schannel.dll's own functions (schannel.h).  What the obsolete ones did belongs to no package: they answer with their
 * documented error. */
#pragma GCC visibility push(default)
#include "windows.h"

#include "schannel.h"
#include "schannel_legacy.h"
#pragma GCC visibility pop

#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/random.h"
#include "cert/certificate.h"
#include "cert/store.h"
#include "schannel/client_hello.h"
#include "schannel/sessions.h"
#include "text/utf16.h"
#include "wire/reader.h"

/* NULL empties the caches of all targets. */
BOOL WINAPI SslEmptyCacheA(LPSTR pszTargetName, DWORD dwFlags)
{
    AUTO_UTF16 target = UTF16_NONE;
    size_t size = pszTargetName != NULL ? strlen(pszTargetName) : 0;
    if (utf16_from_utf8(bytes_of(pszTargetName, size), &target) < 0) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return FALSE;
    }
    schannel_sessions_forget_everywhere(target);
    return TRUE;
}

BOOL WINAPI SslEmptyCacheW(LPWSTR pszTargetName, DWORD dwFlags)
{
    schannel_sessions_forget_everywhere(utf16_from_wide((const uint16_t *)pszTargetName));
    return TRUE;
}

/* ---------------------------------------------------------------- a ClientHello before there is a context */

static SECURITY_STATUS server_identity(PBYTE hello, DWORD size, PBYTE *out_name, DWORD *out_size)
{
    struct bytes extensions, name;
    size_t missing = 0;
    REQUIRE(hello != NULL && out_name != NULL && out_size != NULL, SEC_E_INVALID_PARAMETER,
            "SslGetServerIdentity: a parameter is NULL");
    TRY(client_hello_extensions(bytes_of(hello, size), true, &extensions, &missing));
    TRY(client_hello_server_name(extensions, &name));
    *out_name = hello + (name.data - hello);
    *out_size = (DWORD)name.size;
    return SEC_E_OK;
}

SECURITY_STATUS WINAPI SslGetServerIdentity(PBYTE ClientHello, DWORD ClientHelloSize, PBYTE *ServerIdentity,
                                            PDWORD ServerIdentitySize, DWORD Flags)
{
    status_begin();
    return api_end("SslGetServerIdentity",
                   server_identity(ClientHello, ClientHelloSize, ServerIdentity, ServerIdentitySize));
}

static SECURITY_STATUS find_extensions(struct bytes hello, bool has_record, SCH_EXTENSION_DATA *list, size_t count,
                                       DWORD *out_missing)
{
    struct bytes extensions;
    size_t missing = 0;
    REQUIRE(hello.data != NULL && (list != NULL || count == 0), SEC_E_INVALID_PARAMETER,
            "SslGetExtensions: a parameter is NULL");
    SECURITY_STATUS status = client_hello_extensions(hello, has_record, &extensions, &missing);
    if (status == SEC_E_INCOMPLETE_MESSAGE && out_missing != NULL) {
        *out_missing = (DWORD)missing;
    }
    TRY(status);
    for (size_t i = 0; i < count; i++) {
        struct bytes data = BYTES_NONE;
        bool found = client_hello_find(extensions, list[i].ExtensionType, &data);
        list[i].pExtData = found ? data.data : NULL;
        list[i].cbExtData = (DWORD)data.size;
    }
    return SEC_E_OK;
}

SECURITY_STATUS WINAPI SslGetExtensions(const BYTE *clientHello, DWORD clientHelloByteSize,
                                        SCH_EXTENSION_DATA *genericExtensions, BYTE genericExtensionsCount,
                                        DWORD *bytesToRead, SchGetExtensionsOptions flags)
{
    status_begin();
    return api_end("SslGetExtensions",
                   find_extensions(bytes_of(clientHello, clientHelloByteSize), (flags & SCH_NO_RECORD_HEADER) == 0,
                                   genericExtensions, genericExtensionsCount, bytesToRead));
}

/* ---------------------------------------------------------------- certificates that were serialized */

#define SERIALIZED_END         0
#define SERIALIZED_CERTIFICATE 32

/* Adds a serialized store's certificates to one (attributes_serialized() writes them); other elements are passed over. */
static SECURITY_STATUS read_serialized(struct bytes blob, struct store *store, struct certificate **out_first)
{
    struct reader reader = read_start(blob);
    (void)read_u32le(&reader); /* 0: the version */
    read_expect(&reader, "CERT", 4);
    for (;;) {
        uint32_t kind = read_u32le(&reader);
        (void)read_u32le(&reader); /* the encoding */
        struct bytes value = read_bytes(&reader, read_u32le(&reader));
        if (reader.bad || kind == SERIALIZED_END) {
            return read_end(&reader, "a serialized store is cut off, or has something behind its end");
        }
        if (kind == SERIALIZED_CERTIFICATE) {
            AUTO_CERTIFICATE *certificate = NULL;
            TRY(certificate_parse(value, &certificate));
            TRY(store_add(store, certificate, STORE_ADD_ALWAYS, *out_first == NULL ? out_first : NULL));
        }
    }
}

static SECURITY_STATUS deserialize(const CERT_BLOB *blob, PCCERT_CONTEXT *out)
{
    REQUIRE(blob->pbData != NULL && out != NULL, SEC_E_INVALID_PARAMETER,
            "SslDeserializeCertificateStore: a parameter is NULL");
    AUTO_STORE *store = NULL;
    AUTO_CERTIFICATE *first = NULL;
    TRY(store_new(STORE_MEMORY, &store));
    TRY(read_serialized(bytes_of(blob->pbData, blob->cbData), store, &first));
    REQUIRE(first != NULL, SEC_E_INVALID_TOKEN, "a serialized store has no certificate");
    *out = certificate_context(STEAL(first));
    return SEC_E_OK;
}

SECURITY_STATUS WINAPI SslDeserializeCertificateStore(CERT_BLOB SerializedCertificateStore,
                                                      PCCERT_CONTEXT *ppCertContext)
{
    status_begin();
    return api_end("SslDeserializeCertificateStore", deserialize(&SerializedCertificateStore, ppCertContext));
}

/* ---------------------------------------------------------------- what is obsolete */

static BOOL not_supported(void)
{
    SetLastError(ERROR_NOT_SUPPORTED);
    return FALSE;
}

BOOL WINAPI SslGenerateKeyPair(PSSL_CREDENTIAL_CERTIFICATE pCerts, PSTR pszDN, PSTR pszPassword, DWORD Bits)
{
    return not_supported();
}

/* The function cannot say that it failed, so a machine without random bytes ends the program instead of going on with
 * bytes that somebody could guess. */
VOID WINAPI SslGenerateRandomBits(PUCHAR pRandomData, LONG cRandomData)
{
    if (pRandomData != NULL && cRandomData > 0 && random_bytes(pRandomData, (size_t)cRandomData) < 0) {
        abort();
    }
}

BOOL WINAPI SslCrackCertificate(PUCHAR pbCertificate, DWORD cbCertificate, DWORD dwFlags,
                                PX509Certificate *ppCertificate)
{
    return not_supported();
}

/* SslCrackCertificate hands nothing out, so there is nothing to free. */
VOID WINAPI SslFreeCertificate(PX509Certificate pCertificate)
{
    (void)pCertificate;
}

DWORD WINAPI SslGetMaximumKeySize(DWORD Reserved)
{
    SetLastError(ERROR_NOT_SUPPORTED);
    return 0;
}
