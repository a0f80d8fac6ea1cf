/* schannel.dll's own functions (schannel.h).  Until the Schannel package is there, each answers with its documented
 * error; what the obsolete ones did belongs to no package. */
#pragma GCC visibility push(default)
#include "windows.h"

#include "schannel.h"
#include "schannel_legacy.h"
#pragma GCC visibility pop

#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/random.h"
#include "schannel/sessions.h"
#include "text/utf16.h"

static BOOL not_supported(void)
{
    SetLastError(ERROR_NOT_SUPPORTED);
    return FALSE;
}

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

static SECURITY_STATUS no_schannel(const char *function)
{
    status_begin();
    return api_end(function, status_fail(SEC_E_UNSUPPORTED_FUNCTION, "the Schannel package is not in this build",
                                         __FILE__, __LINE__));
}

SECURITY_STATUS WINAPI SslGetServerIdentity(PBYTE ClientHello, DWORD ClientHelloSize, PBYTE *ServerIdentity,
                                            PDWORD ServerIdentitySize, DWORD Flags)
{
    return no_schannel("SslGetServerIdentity");
}

SECURITY_STATUS WINAPI SslGetExtensions(const BYTE *clientHello, DWORD clientHelloByteSize,
                                        SCH_EXTENSION_DATA *genericExtensions, BYTE genericExtensionsCount,
                                        DWORD *bytesToRead, SchGetExtensionsOptions flags)
{
    return no_schannel("SslGetExtensions");
}

SECURITY_STATUS WINAPI SslDeserializeCertificateStore(CERT_BLOB SerializedCertificateStore,
                                                      PCCERT_CONTEXT *ppCertContext)
{
    return no_schannel("SslDeserializeCertificateStore");
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
