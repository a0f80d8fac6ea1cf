/* bcrypt.h: the names of algorithms and modes that CRYPTO_SETTINGS (schannel.h) takes, and which cipher suites there are.
 *
 * Source: Microsoft Learn, "CNG Algorithm Identifiers", "CNG Property Identifiers", the pages of the functions.  The others of
 * bcrypt.dll are not here: what they compute, libcrypto computes. */
#ifndef __BCRYPT_H__
#define __BCRYPT_H__

#include "windows.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BCRYPT_RSA_ALGORITHM               __SSPI_WIDE("RSA")
#define BCRYPT_RSA_SIGN_ALGORITHM          __SSPI_WIDE("RSA_SIGN")
#define BCRYPT_DH_ALGORITHM                __SSPI_WIDE("DH")
#define BCRYPT_DSA_ALGORITHM               __SSPI_WIDE("DSA")
#define BCRYPT_ECDSA_ALGORITHM             __SSPI_WIDE("ECDSA")
#define BCRYPT_ECDSA_P256_ALGORITHM        __SSPI_WIDE("ECDSA_P256")
#define BCRYPT_ECDSA_P384_ALGORITHM        __SSPI_WIDE("ECDSA_P384")
#define BCRYPT_ECDSA_P521_ALGORITHM        __SSPI_WIDE("ECDSA_P521")
#define BCRYPT_ECDH_ALGORITHM              __SSPI_WIDE("ECDH")
#define BCRYPT_ECDH_P256_ALGORITHM         __SSPI_WIDE("ECDH_P256")
#define BCRYPT_ECDH_P384_ALGORITHM         __SSPI_WIDE("ECDH_P384")
#define BCRYPT_ECDH_P521_ALGORITHM         __SSPI_WIDE("ECDH_P521")
#define BCRYPT_AES_ALGORITHM               __SSPI_WIDE("AES")
#define BCRYPT_DES_ALGORITHM               __SSPI_WIDE("DES")
#define BCRYPT_3DES_ALGORITHM              __SSPI_WIDE("3DES")
#define BCRYPT_RC2_ALGORITHM               __SSPI_WIDE("RC2")
#define BCRYPT_RC4_ALGORITHM               __SSPI_WIDE("RC4")
#define BCRYPT_CHACHA20_POLY1305_ALGORITHM __SSPI_WIDE("CHACHA20_POLY1305")
#define BCRYPT_MD5_ALGORITHM               __SSPI_WIDE("MD5")
#define BCRYPT_SHA1_ALGORITHM              __SSPI_WIDE("SHA1")
#define BCRYPT_SHA256_ALGORITHM            __SSPI_WIDE("SHA256")
#define BCRYPT_SHA384_ALGORITHM            __SSPI_WIDE("SHA384")
#define BCRYPT_SHA512_ALGORITHM            __SSPI_WIDE("SHA512")

#define BCRYPT_CHAIN_MODE_NA  __SSPI_WIDE("ChainingModeN/A")
#define BCRYPT_CHAIN_MODE_CBC __SSPI_WIDE("ChainingModeCBC")
#define BCRYPT_CHAIN_MODE_ECB __SSPI_WIDE("ChainingModeECB")
#define BCRYPT_CHAIN_MODE_CFB __SSPI_WIDE("ChainingModeCFB")
#define BCRYPT_CHAIN_MODE_CCM __SSPI_WIDE("ChainingModeCCM")
#define BCRYPT_CHAIN_MODE_GCM __SSPI_WIDE("ChainingModeGCM")

#define LEGACY_RSAPRIVATE_BLOB __SSPI_WIDE("CAPIPRIVATEBLOB") /* a PRIVATEKEYBLOB of wincrypt.h */

typedef struct _BCryptBuffer {
    ULONG cbBuffer; /* bytes */
    ULONG BufferType;
    PVOID pvBuffer;
} BCryptBuffer, *PBCryptBuffer;

typedef struct _BCryptBufferDesc {
    ULONG ulVersion;
    ULONG cBuffers;
    PBCryptBuffer pBuffers;
} BCryptBufferDesc, *PBCryptBufferDesc;

/* ---------------------------------------------------------------- what is configured */

#define CRYPT_LOCAL               0x00000001
#define CRYPT_DOMAIN              0x00000002
#define NCRYPT_SCHANNEL_INTERFACE 0x00010002

typedef struct _CRYPT_CONTEXT_FUNCTIONS {
    ULONG cFunctions;
    PWSTR *rgpszFunctions;
} CRYPT_CONTEXT_FUNCTIONS, *PCRYPT_CONTEXT_FUNCTIONS;

/* The cipher suites that Schannel offers unless a credential says otherwise, first those that are preferred.
 *
 *   dwTable       CRYPT_LOCAL
 *   pszContext    "SSL"
 *   dwInterface   NCRYPT_SCHANNEL_INTERFACE
 *   pcbBuffer     in: the size of *ppBuffer; out: the size of the list with its names
 *   ppBuffer      NULL: only the size is wanted; *ppBuffer NULL: receives memory for BCryptFreeBuffer
 *
 * STATUS_SUCCESS; STATUS_INVALID_PARAMETER, STATUS_NOT_FOUND (another table, context or interface), STATUS_BUFFER_TOO_SMALL
 * (*pcbBuffer receives the size), STATUS_NO_MEMORY. */
NTSTATUS WINAPI BCryptEnumContextFunctions(ULONG dwTable, LPCWSTR pszContext, ULONG dwInterface, ULONG *pcbBuffer,
                                           PCRYPT_CONTEXT_FUNCTIONS *ppBuffer);

/* Frees what a BCrypt function allocated; NULL is allowed. */
VOID WINAPI BCryptFreeBuffer(PVOID pvBuffer);

#ifdef __cplusplus
}
#endif

#endif
