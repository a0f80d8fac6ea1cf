/* ncrypt.h: the part of CNG's key storage that programs use beside Schannel: a private key that is attached to a certificate.
 *
 * Source: Microsoft Learn, the pages of the functions.  They return ERROR_SUCCESS, or NTE_INVALID_PARAMETER,
 * NTE_INVALID_HANDLE, NTE_NO_MEMORY and what is said here. */
#ifndef __NCRYPT_H__
#define __NCRYPT_H__

#include "bcrypt.h"
#include "wincrypt.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef ULONG_PTR NCRYPT_PROV_HANDLE;

#define MS_KEY_STORAGE_PROVIDER __SSPI_WIDE("Microsoft Software Key Storage Provider")

#define NCRYPT_MACHINE_KEY_FLAG   0x00000020
#define NCRYPT_SILENT_FLAG        0x00000040
#define NCRYPT_OVERWRITE_KEY_FLAG 0x00000080

#define NCRYPT_PKCS8_PRIVATE_KEY_BLOB __SSPI_WIDE("PKCS8_PRIVATEKEY")

typedef BCryptBuffer NCryptBuffer;
typedef BCryptBuffer *PNCryptBuffer;
typedef BCryptBufferDesc NCryptBufferDesc;
typedef BCryptBufferDesc *PNCryptBufferDesc;

#define NCRYPTBUFFER_VERSION       0
#define NCRYPTBUFFER_PKCS_KEY_NAME 45

/* Opens the provider of keys.
 *
 *   pszProviderName   NULL, MS_KEY_STORAGE_PROVIDER or "OpenSSPI"
 *   dwFlags           0 or NCRYPT_SILENT_FLAG
 *
 * NTE_NOT_FOUND (another provider), NTE_BAD_FLAGS. */
SECURITY_STATUS WINAPI NCryptOpenStorageProvider(NCRYPT_PROV_HANDLE *phProvider, LPCWSTR pszProviderName,
                                                 DWORD dwFlags);

/* Takes a private key in.
 *
 *   hImportKey       0
 *   pszBlobType      NCRYPT_PKCS8_PRIVATE_KEY_BLOB (not encrypted) or LEGACY_RSAPRIVATE_BLOB (a PRIVATEKEYBLOB)
 *   pParameterList   NULL, or NCRYPTBUFFER_PKCS_KEY_NAME: a name by which CRYPT_KEY_PROV_INFO finds it, in this process
 *   dwFlags          NCRYPT_OVERWRITE_KEY_FLAG: in the place of the key that has the name; NCRYPT_MACHINE_KEY_FLAG and
 *                    NCRYPT_SILENT_FLAG change nothing
 *
 * NTE_NOT_SUPPORTED (another blob, another parameter), NTE_BAD_DATA, NTE_EXISTS, NTE_BAD_FLAGS; for a PRIVATEKEYBLOB what
 * CryptImportKey has. */
SECURITY_STATUS WINAPI NCryptImportKey(NCRYPT_PROV_HANDLE hProvider, NCRYPT_KEY_HANDLE hImportKey, LPCWSTR pszBlobType,
                                       NCryptBufferDesc *pParameterList, NCRYPT_KEY_HANDLE *phKey, PBYTE pbData,
                                       DWORD cbData, DWORD dwFlags);

/* Closes a provider or a key; a key with a name stays under it. */
SECURITY_STATUS WINAPI NCryptFreeObject(NCRYPT_HANDLE hObject);

#ifdef __cplusplus
}
#endif

#endif
