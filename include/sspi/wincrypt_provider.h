/* wincrypt_provider.h: the part of CryptoAPI that programs use beside Schannel: providers, hashes, and private keys to attach to
 * certificates.  wincrypt.h includes it.
 *
 * Source: Microsoft Learn, the pages of the functions.  All return TRUE, or FALSE with GetLastError(): ERROR_INVALID_PARAMETER,
 * ERROR_INVALID_HANDLE, ERROR_NOT_ENOUGH_MEMORY and what is said here.  Handles are recognised: one that was closed, or is of
 * another kind, is ERROR_INVALID_HANDLE. */
#ifndef _WINCRYPT_PROVIDER_H_
#define _WINCRYPT_PROVIDER_H_

#include "wincrypt.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PROV_RSA_FULL     1
#define PROV_RSA_SIG      2
#define PROV_DSS          3
#define PROV_FORTEZZA     4
#define PROV_MS_EXCHANGE  5
#define PROV_SSL          6
#define PROV_RSA_SCHANNEL 12
#define PROV_DSS_DH       13
#define PROV_DH_SCHANNEL  18
#define PROV_RSA_AES      24

#define MS_DEF_PROV_A         "Microsoft Base Cryptographic Provider v1.0"
#define MS_DEF_PROV_W         __SSPI_WIDE("Microsoft Base Cryptographic Provider v1.0")
#define MS_ENHANCED_PROV_A    "Microsoft Enhanced Cryptographic Provider v1.0"
#define MS_ENHANCED_PROV_W    __SSPI_WIDE("Microsoft Enhanced Cryptographic Provider v1.0")
#define MS_STRONG_PROV_A      "Microsoft Strong Cryptographic Provider"
#define MS_STRONG_PROV_W      __SSPI_WIDE("Microsoft Strong Cryptographic Provider")
#define MS_ENH_RSA_AES_PROV_A "Microsoft Enhanced RSA and AES Cryptographic Provider"
#define MS_ENH_RSA_AES_PROV_W __SSPI_WIDE("Microsoft Enhanced RSA and AES Cryptographic Provider")

#define CRYPT_VERIFYCONTEXT              0xF0000000
#define CRYPT_NEWKEYSET                  0x00000008
#define CRYPT_DELETEKEYSET               0x00000010
#define CRYPT_SILENT                     0x00000040
#define CRYPT_DEFAULT_CONTAINER_OPTIONAL 0x00000080

/* A provider with a key container.
 *
 *   szContainer   NULL: the default one, or none with CRYPT_VERIFYCONTEXT
 *   szProvider    NULL: the default of the type; or the name of one: those above, or "OpenSSPI" for any type
 *   dwProvType    PROV_RSA_FULL (hashes: MD5, SHA-1) or PROV_RSA_AES (SHA-2, too)
 *   dwFlags       CRYPT_VERIFYCONTEXT   a container of its own, without a name, that ends with the provider
 *                 CRYPT_NEWKEYSET       makes the container
 *                 CRYPT_DELETEKEYSET    deletes it; *phProv stays as it is
 *                 CRYPT_MACHINE_KEYSET, CRYPT_SILENT, CRYPT_DEFAULT_CONTAINER_OPTIONAL change nothing
 *
 * Containers are the process's: they hold what was imported until they are deleted or the process ends.
 *
 * NTE_BAD_KEYSET (no such container), NTE_EXISTS, NTE_BAD_FLAGS, NTE_BAD_PROV_TYPE and NTE_PROV_TYPE_NOT_DEF (another type),
 * NTE_KEYSET_NOT_DEF (another provider), NTE_PROV_TYPE_NO_MATCH (a provider of another type). */
BOOL WINAPI CryptAcquireContextA(HCRYPTPROV *phProv, LPCSTR szContainer, LPCSTR szProvider, DWORD dwProvType,
                                 DWORD dwFlags);
BOOL WINAPI CryptAcquireContextW(HCRYPTPROV *phProv, LPCWSTR szContainer, LPCWSTR szProvider, DWORD dwProvType,
                                 DWORD dwFlags);

/* Closes a provider.  Keys, hashes and certificates that were made with it stay good.
 *
 * NTE_BAD_FLAGS for a dwFlags that is not 0; it is closed nevertheless. */
BOOL WINAPI CryptReleaseContext(HCRYPTPROV hProv, DWORD dwFlags);

/* ---------------------------------------------------------------- keys */

#define SIMPLEBLOB           0x1
#define PUBLICKEYBLOB        0x6
#define PRIVATEKEYBLOB       0x7
#define PLAINTEXTKEYBLOB     0x8
#define OPAQUEKEYBLOB        0x9
#define PUBLICKEYBLOBEX      0xA
#define SYMMETRICWRAPKEYBLOB 0xB
#define KEYSTATEBLOB         0xC

#define CUR_BLOB_VERSION 2

typedef struct _PUBLICKEYSTRUC {
    BYTE bType;
    BYTE bVersion;
    WORD reserved;
    ALG_ID aiKeyAlg;
} BLOBHEADER, PUBLICKEYSTRUC;

typedef struct _RSAPUBKEY {
    DWORD magic; /* 0x32415352, "RSA2", in a PRIVATEKEYBLOB */
    DWORD bitlen;
    DWORD pubexp;
} RSAPUBKEY;

/* Puts a private key into the provider's container, as AT_KEYEXCHANGE (CALG_RSA_KEYX) or AT_SIGNATURE (CALG_RSA_SIGN).
 *
 *   pbData    a PRIVATEKEYBLOB of RSA, which is what CryptDecodeObjectEx(PKCS_RSA_PRIVATE_KEY) gives
 *   hPubKey   0
 *   dwFlags   0 or CRYPT_EXPORTABLE, which changes nothing
 *
 * NTE_BAD_TYPE (another kind of blob), NTE_BAD_VER, NTE_BAD_ALGID, NTE_BAD_DATA, NTE_BAD_FLAGS. */
BOOL WINAPI CryptImportKey(HCRYPTPROV hProv, const BYTE *pbData, DWORD dwDataLen, HCRYPTKEY hPubKey, DWORD dwFlags,
                           HCRYPTKEY *phKey);

/* Closes a key.  The provider's container keeps it. */
BOOL WINAPI CryptDestroyKey(HCRYPTKEY hKey);

/* ---------------------------------------------------------------- a certificate of one's own */

typedef struct _CERT_EXTENSIONS {
    DWORD cExtension;
    PCERT_EXTENSION rgExtension;
} CERT_EXTENSIONS, *PCERT_EXTENSIONS;

#define CERT_CREATE_SELFSIGN_NO_SIGN     1
#define CERT_CREATE_SELFSIGN_NO_KEY_INFO 2

/* A certificate that is its own issuer, with its key.
 *
 *   hCryptProvOrNCryptKey   a provider or a key whose key it is; 0: that of pKeyProvInfo
 *   dwFlags                 CERT_CREATE_SELFSIGN_NO_KEY_INFO: the certificate comes without its key
 *   pKeyProvInfo            NULL, or the name of a key container; it and its key are made if they are not there
 *   pSignatureAlgorithm     NULL: with SHA-256
 *   pStartTime, pEndTime    UTC; NULL: from now, for a year
 *   pExtensions             NULL: none
 *
 * Without a key of either kind, one of RSA is made, of 2048 bits.  CertFreeCertificateContext.
 *
 * NULL with CRYPT_E_ASN1_BADTAG (the name), NTE_BAD_ALGID, NTE_NO_KEY, E_INVALIDARG, ERROR_NOT_SUPPORTED (not signed). */
PCCERT_CONTEXT WINAPI CertCreateSelfSignCertificate(HCRYPTPROV_OR_NCRYPT_KEY_HANDLE hCryptProvOrNCryptKey,
                                                    PCERT_NAME_BLOB pSubjectIssuerBlob, DWORD dwFlags,
                                                    PCRYPT_KEY_PROV_INFO pKeyProvInfo,
                                                    PCRYPT_ALGORITHM_IDENTIFIER pSignatureAlgorithm,
                                                    PSYSTEMTIME pStartTime, PSYSTEMTIME pEndTime,
                                                    PCERT_EXTENSIONS pExtensions);

/* ---------------------------------------------------------------- hashes */

#define HP_ALGID     0x0001
#define HP_HASHVAL   0x0002
#define HP_HASHSIZE  0x0004
#define HP_HMAC_INFO 0x0005

/* Begins a hash.
 *
 *   Algid            CALG_MD5, CALG_SHA1; of a PROV_RSA_AES also CALG_SHA_256, CALG_SHA_384, CALG_SHA_512
 *   hKey, dwFlags    0
 *
 * NTE_BAD_ALGID, NTE_BAD_KEY, NTE_BAD_FLAGS. */
BOOL WINAPI CryptCreateHash(HCRYPTPROV hProv, ALG_ID Algid, HCRYPTKEY hKey, DWORD dwFlags, HCRYPTHASH *phHash);

/* Goes on with it.  NTE_BAD_HASH_STATE after its value was asked for, NTE_BAD_FLAGS for a dwFlags that is not 0. */
BOOL WINAPI CryptHashData(HCRYPTHASH hHash, const BYTE *pbData, DWORD dwDataLen, DWORD dwFlags);

/* What it is: HP_ALGID (ALG_ID), HP_HASHSIZE (DWORD), or HP_HASHVAL, its value, which ends it.
 *
 *   pbData   NULL: *pdwDataLen receives the size
 *
 * ERROR_MORE_DATA (*pdwDataLen receives the size), NTE_BAD_TYPE (another dwParam), NTE_BAD_FLAGS. */
BOOL WINAPI CryptGetHashParam(HCRYPTHASH hHash, DWORD dwParam, BYTE *pbData, DWORD *pdwDataLen, DWORD dwFlags);

/* Closes it. */
BOOL WINAPI CryptDestroyHash(HCRYPTHASH hHash);

#ifdef UNICODE
#define CryptAcquireContext CryptAcquireContextW
#define MS_DEF_PROV         MS_DEF_PROV_W
#define MS_ENHANCED_PROV    MS_ENHANCED_PROV_W
#define MS_STRONG_PROV      MS_STRONG_PROV_W
#define MS_ENH_RSA_AES_PROV MS_ENH_RSA_AES_PROV_W
#else
#define CryptAcquireContext CryptAcquireContextA
#define MS_DEF_PROV         MS_DEF_PROV_A
#define MS_ENHANCED_PROV    MS_ENHANCED_PROV_A
#define MS_STRONG_PROV      MS_STRONG_PROV_A
#define MS_ENH_RSA_AES_PROV MS_ENH_RSA_AES_PROV_A
#endif

#ifdef __cplusplus
}
#endif

#endif
