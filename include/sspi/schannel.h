/* schannel.h: TLS and DTLS as a security package.
 *
 * Sources: Microsoft Learn, "Schannel", the pages of the structures and functions; RFC 8446 6 for the alerts.  The
 * structures that the SDK hides unless SCHANNEL_USE_BLACKLISTS is defined are always there. */
#ifndef __SCHANNEL_H__
#define __SCHANNEL_H__

#include "schannel_attributes.h" /* SECPKG_ATTR_* from 0x50 on, SecPkgContext_*, SecPkgCred_* */
#include "schannel_legacy.h"     /* what nobody needs any more */
#include "sspi.h"
#include "wincrypt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- names of the package */

#define UNISP_NAME_A           "Microsoft Unified Security Protocol Provider"
#define UNISP_NAME_W           __SSPI_WIDE("Microsoft Unified Security Protocol Provider")
#define SCHANNEL_NAME_A        "Schannel"
#define SCHANNEL_NAME_W        __SSPI_WIDE("Schannel")
#define DEFAULT_TLS_SSP_NAME_A "Default TLS SSP"
#define DEFAULT_TLS_SSP_NAME_W __SSPI_WIDE("Default TLS SSP")
#define SSL2SP_NAME_A          "Microsoft SSL 2.0"
#define SSL2SP_NAME_W          __SSPI_WIDE("Microsoft SSL 2.0")
#define SSL3SP_NAME_A          "Microsoft SSL 3.0"
#define SSL3SP_NAME_W          __SSPI_WIDE("Microsoft SSL 3.0")
#define TLS1SP_NAME_A          "Microsoft TLS 1.0"
#define TLS1SP_NAME_W          __SSPI_WIDE("Microsoft TLS 1.0")
#define PCT1SP_NAME_A          "Microsoft PCT 1.0"
#define PCT1SP_NAME_W          __SSPI_WIDE("Microsoft PCT 1.0")
#ifdef UNICODE
#define UNISP_NAME           UNISP_NAME_W
#define SCHANNEL_NAME        SCHANNEL_NAME_W
#define DEFAULT_TLS_SSP_NAME DEFAULT_TLS_SSP_NAME_W
#define SSL2SP_NAME          SSL2SP_NAME_W
#define SSL3SP_NAME          SSL3SP_NAME_W
#define TLS1SP_NAME          TLS1SP_NAME_W
#define PCT1SP_NAME          PCT1SP_NAME_W
#else
#define UNISP_NAME           UNISP_NAME_A
#define SCHANNEL_NAME        SCHANNEL_NAME_A
#define DEFAULT_TLS_SSP_NAME DEFAULT_TLS_SSP_NAME_A
#define SSL2SP_NAME          SSL2SP_NAME_A
#define SSL3SP_NAME          SSL3SP_NAME_A
#define TLS1SP_NAME          TLS1SP_NAME_A
#define PCT1SP_NAME          PCT1SP_NAME_A
#endif
#define UNISP_RPC_ID 14

/* ---------------------------------------------------------------- protocols */

#define SP_PROT_NONE             0
#define SP_PROT_PCT1_SERVER      0x00000001
#define SP_PROT_PCT1_CLIENT      0x00000002
#define SP_PROT_PCT1             (SP_PROT_PCT1_SERVER | SP_PROT_PCT1_CLIENT)
#define SP_PROT_SSL2_SERVER      0x00000004
#define SP_PROT_SSL2_CLIENT      0x00000008
#define SP_PROT_SSL2             (SP_PROT_SSL2_SERVER | SP_PROT_SSL2_CLIENT)
#define SP_PROT_SSL3_SERVER      0x00000010
#define SP_PROT_SSL3_CLIENT      0x00000020
#define SP_PROT_SSL3             (SP_PROT_SSL3_SERVER | SP_PROT_SSL3_CLIENT)
#define SP_PROT_TLS1_SERVER      0x00000040
#define SP_PROT_TLS1_CLIENT      0x00000080
#define SP_PROT_TLS1             (SP_PROT_TLS1_SERVER | SP_PROT_TLS1_CLIENT)
#define SP_PROT_TLS1_0_SERVER    SP_PROT_TLS1_SERVER
#define SP_PROT_TLS1_0_CLIENT    SP_PROT_TLS1_CLIENT
#define SP_PROT_TLS1_0           (SP_PROT_TLS1_0_SERVER | SP_PROT_TLS1_0_CLIENT)
#define SP_PROT_TLS1_1_SERVER    0x00000100
#define SP_PROT_TLS1_1_CLIENT    0x00000200
#define SP_PROT_TLS1_1           (SP_PROT_TLS1_1_SERVER | SP_PROT_TLS1_1_CLIENT)
#define SP_PROT_TLS1_2_SERVER    0x00000400
#define SP_PROT_TLS1_2_CLIENT    0x00000800
#define SP_PROT_TLS1_2           (SP_PROT_TLS1_2_SERVER | SP_PROT_TLS1_2_CLIENT)
#define SP_PROT_TLS1_3_SERVER    0x00001000
#define SP_PROT_TLS1_3_CLIENT    0x00002000
#define SP_PROT_TLS1_3           (SP_PROT_TLS1_3_SERVER | SP_PROT_TLS1_3_CLIENT)
#define SP_PROT_DTLS_SERVER      0x00010000
#define SP_PROT_DTLS_CLIENT      0x00020000
#define SP_PROT_DTLS             (SP_PROT_DTLS_SERVER | SP_PROT_DTLS_CLIENT)
#define SP_PROT_DTLS1_0_SERVER   SP_PROT_DTLS_SERVER
#define SP_PROT_DTLS1_0_CLIENT   SP_PROT_DTLS_CLIENT
#define SP_PROT_DTLS1_0          (SP_PROT_DTLS1_0_SERVER | SP_PROT_DTLS1_0_CLIENT)
#define SP_PROT_DTLS1_2_SERVER   0x00040000
#define SP_PROT_DTLS1_2_CLIENT   0x00080000
#define SP_PROT_DTLS1_2          (SP_PROT_DTLS1_2_SERVER | SP_PROT_DTLS1_2_CLIENT)
#define SP_PROT_UNI_SERVER       0x40000000
#define SP_PROT_UNI_CLIENT       0x80000000
#define SP_PROT_UNI              (SP_PROT_UNI_SERVER | SP_PROT_UNI_CLIENT)
#define SP_PROT_ALL              0xFFFFFFFF
#define SP_PROT_SSL3TLS1_CLIENTS (SP_PROT_TLS1_CLIENT | SP_PROT_SSL3_CLIENT)
#define SP_PROT_SSL3TLS1_SERVERS (SP_PROT_TLS1_SERVER | SP_PROT_SSL3_SERVER)
#define SP_PROT_SSL3TLS1         (SP_PROT_SSL3 | SP_PROT_TLS1)

#define SP_PROT_TLS1_X_SERVER                                                                                          \
    (SP_PROT_TLS1_0_SERVER | SP_PROT_TLS1_1_SERVER | SP_PROT_TLS1_2_SERVER | SP_PROT_TLS1_3_SERVER)
#define SP_PROT_TLS1_X_CLIENT                                                                                          \
    (SP_PROT_TLS1_0_CLIENT | SP_PROT_TLS1_1_CLIENT | SP_PROT_TLS1_2_CLIENT | SP_PROT_TLS1_3_CLIENT)
#define SP_PROT_TLS1_X             (SP_PROT_TLS1_X_SERVER | SP_PROT_TLS1_X_CLIENT)
#define SP_PROT_TLS1_1PLUS_SERVER  (SP_PROT_TLS1_1_SERVER | SP_PROT_TLS1_2_SERVER | SP_PROT_TLS1_3_SERVER)
#define SP_PROT_TLS1_1PLUS_CLIENT  (SP_PROT_TLS1_1_CLIENT | SP_PROT_TLS1_2_CLIENT | SP_PROT_TLS1_3_CLIENT)
#define SP_PROT_TLS1_1PLUS         (SP_PROT_TLS1_1PLUS_SERVER | SP_PROT_TLS1_1PLUS_CLIENT)
#define SP_PROT_TLS1_3PLUS_SERVER  SP_PROT_TLS1_3_SERVER
#define SP_PROT_TLS1_3PLUS_CLIENT  SP_PROT_TLS1_3_CLIENT
#define SP_PROT_TLS1_3PLUS         (SP_PROT_TLS1_3PLUS_SERVER | SP_PROT_TLS1_3PLUS_CLIENT)
#define SP_PROT_SSL3TLS1_X_CLIENTS (SP_PROT_TLS1_X_CLIENT | SP_PROT_SSL3_CLIENT)
#define SP_PROT_SSL3TLS1_X_SERVERS (SP_PROT_TLS1_X_SERVER | SP_PROT_SSL3_SERVER)
#define SP_PROT_SSL3TLS1_X         (SP_PROT_SSL3 | SP_PROT_TLS1_X)
#define SP_PROT_DTLS1_X_SERVER     (SP_PROT_DTLS1_0_SERVER | SP_PROT_DTLS1_2_SERVER)
#define SP_PROT_DTLS1_X_CLIENT     (SP_PROT_DTLS1_0_CLIENT | SP_PROT_DTLS1_2_CLIENT)
#define SP_PROT_DTLS1_X            (SP_PROT_DTLS1_X_SERVER | SP_PROT_DTLS1_X_CLIENT)
#define SP_PROT_CLIENTS                                                                                                \
    (SP_PROT_PCT1_CLIENT | SP_PROT_SSL2_CLIENT | SP_PROT_SSL3_CLIENT | SP_PROT_UNI_CLIENT | SP_PROT_TLS1_CLIENT)
#define SP_PROT_SERVERS                                                                                                \
    (SP_PROT_PCT1_SERVER | SP_PROT_SSL2_SERVER | SP_PROT_SSL3_SERVER | SP_PROT_UNI_SERVER | SP_PROT_TLS1_SERVER)
#define SP_PROT_X_CLIENTS (SP_PROT_CLIENTS | SP_PROT_TLS1_X_CLIENT | SP_PROT_DTLS1_X_CLIENT)
#define SP_PROT_X_SERVERS (SP_PROT_SERVERS | SP_PROT_TLS1_X_SERVER | SP_PROT_DTLS1_X_SERVER)

/* ---------------------------------------------------------------- credentials: pAuthData of AcquireCredentialsHandle */

struct _HMAPPER; /* obsolete: never given */

#define SCH_CRED_V1             0x00000001
#define SCH_CRED_V2             0x00000002
#define SCH_CRED_VERSION        0x00000002
#define SCH_CRED_V3             0x00000003
#define SCHANNEL_CRED_VERSION   0x00000004
#define SCH_CREDENTIALS_VERSION 0x00000005

#define SCH_CRED_FORMAT_CERT_CONTEXT    0x00000000
#define SCH_CRED_FORMAT_CERT_HASH       0x00000001
#define SCH_CRED_FORMAT_CERT_HASH_STORE 0x00000002

#define SCH_CRED_MAX_STORE_NAME_SIZE           128
#define SCH_CRED_MAX_SUPPORTED_ALGS            256
#define SCH_CRED_MAX_SUPPORTED_CERTS           100
#define SCH_CRED_MAX_SUPPORTED_PARAMETERS      16
#define SCH_CRED_MAX_SUPPORTED_ALPN_IDS        16
#define SCH_CRED_MAX_SUPPORTED_CRYPTO_SETTINGS 16
#define SCH_CRED_MAX_SUPPORTED_CHAINING_MODES  16
#define SCH_MAX_EXT_SUBSCRIPTIONS              2

/* dwFlags.  (C) for clients, (S) for servers. */
#define SCH_CRED_NO_SYSTEM_MAPPER                    0x00000002 /* (S) certificates are not mapped to accounts */
#define SCH_CRED_NO_SERVERNAME_CHECK                 0x00000004 /* (C) */
#define SCH_CRED_MANUAL_CRED_VALIDATION              0x00000008 /* (C) the caller checks the certificate */
#define SCH_CRED_NO_DEFAULT_CREDS                    0x00000010 /* (C) no certificate of the library's choosing */
#define SCH_CRED_AUTO_CRED_VALIDATION                0x00000020 /* (C) the default */
#define SCH_CRED_USE_DEFAULT_CREDS                   0x00000040 /* (C) */
#define SCH_CRED_DISABLE_RECONNECTS                  0x00000080 /* (S) no resumption until a session token allows it */
#define SCH_DISABLE_RECONNECTS                       SCH_CRED_DISABLE_RECONNECTS
#define SCH_CRED_REVOCATION_CHECK_END_CERT           0x00000100 /* one of these three at most */
#define SCH_CRED_REVOCATION_CHECK_CHAIN              0x00000200
#define SCH_CRED_REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT 0x00000400
#define SCH_CRED_IGNORE_NO_REVOCATION_CHECK          0x00000800
#define SCH_CRED_IGNORE_REVOCATION_OFFLINE           0x00001000
#define SCH_CRED_RESTRICTED_ROOTS                    0x00002000 /* (S) */
#define SCH_CRED_REVOCATION_CHECK_CACHE_ONLY         0x00004000
#define SCH_CRED_CACHE_ONLY_URL_RETRIEVAL            0x00008000
#define SCH_CRED_MEMORY_STORE_CERT                   0x00010000
#define SCH_CRED_CACHE_ONLY_URL_RETRIEVAL_ON_CREATE  0x00020000
#define SCH_SEND_ROOT_CERT                           0x00040000
#define SCH_CRED_SNI_CREDENTIAL                      0x00080000 /* (S) */
#define SCH_CRED_SNI_ENABLE_OCSP                     0x00100000 /* (S) */
#define SCH_SEND_AUX_RECORD                          0x00200000
#define SCH_USE_STRONG_CRYPTO                        0x00400000
#define SCH_USE_PRESHAREDKEY_ONLY                    0x00800000
#define SCH_USE_DTLS_ONLY                            0x01000000
#define SCH_ALLOW_NULL_ENCRYPTION                    0x02000000
#define SCH_CRED_DEFERRED_CRED_VALIDATION            0x04000000 /* (C) check, but leave the verdict to the caller */

/* Version 4.  Zeroes mean defaults. */
typedef struct _SCHANNEL_CRED {
    DWORD dwVersion; /* SCHANNEL_CRED_VERSION */
    DWORD cCreds;
    PCCERT_CONTEXT *paCred; /* with their private keys */
    HCERTSTORE hRootStore;  /* (S) whom to accept client certificates from */
    DWORD cMappers;         /* 0 */
    struct _HMAPPER **aphMappers;
    DWORD cSupportedAlgs;
    ALG_ID *palgSupportedAlgs;
    DWORD grbitEnabledProtocols; /* SP_PROT_* */
    DWORD dwMinimumCipherStrength;
    DWORD dwMaximumCipherStrength;
    DWORD dwSessionLifespan; /* ms; 0: ten hours */
    DWORD dwFlags;
    DWORD dwCredFormat; /* SCH_CRED_FORMAT_CERT_CONTEXT */
} SCHANNEL_CRED, *PSCHANNEL_CRED;

typedef enum _eTlsAlgorithmUsage {
    TlsParametersCngAlgUsageKeyExchange,
    TlsParametersCngAlgUsageSignature,
    TlsParametersCngAlgUsageCipher,
    TlsParametersCngAlgUsageDigest,
    TlsParametersCngAlgUsageCertSig
} eTlsAlgorithmUsage;

#define SCHANNEL_RSA_PSS_PADDING_ALGORITHM  __SSPI_WIDE("SCH_RSA_PSS_PAD")
#define SCHANNEL_RSA_PKCS_PADDING_ALGORITHM __SSPI_WIDE("SCH_RSA_PKCS_PAD")

/* What is not to be used. */
typedef struct _CRYPTO_SETTINGS {
    eTlsAlgorithmUsage eAlgorithmUsage;
    UNICODE_STRING strCngAlgId; /* u"RSA", u"ECDH", u"AES", u"SHA384" ... */
    DWORD cChainingModes;
    PUNICODE_STRING rgstrChainingModes; /* u"ChainingModeCBC", u"ChainingModeGCM" ... */
    DWORD dwMinBitLength;               /* 0: default */
    DWORD dwMaxBitLength;
} CRYPTO_SETTINGS, *PCRYPTO_SETTINGS;

#define TLS_PARAMS_OPTIONAL 0x00000001 /* (S) */

/* Restrictions, for all connections or those of certain ALPN protocols.  Arrays are of structures. */
typedef struct _TLS_PARAMETERS {
    DWORD cAlpnIds; /* (C) 0 */
    PUNICODE_STRING rgstrAlpnIds;
    DWORD grbitDisabledProtocols; /* SP_PROT_* */
    DWORD cDisabledCrypto;
    PCRYPTO_SETTINGS pDisabledCrypto;
    DWORD dwFlags;
} TLS_PARAMETERS, *PTLS_PARAMETERS;

/* Version 5. */
typedef struct _SCH_CREDENTIALS {
    DWORD dwVersion; /* SCH_CREDENTIALS_VERSION */
    DWORD dwCredFormat;
    DWORD cCreds;
    PCCERT_CONTEXT *paCred;
    HCERTSTORE hRootStore;
    DWORD cMappers;
    struct _HMAPPER **aphMappers;
    DWORD dwSessionLifespan;
    DWORD dwFlags;
    DWORD cTlsParameters;
    PTLS_PARAMETERS pTlsParameters;
} SCH_CREDENTIALS, *PSCH_CREDENTIALS;

#define SCH_MACHINE_CERT_HASH 0x00000001

/* For kernel code of Windows. */
typedef struct _SCHANNEL_CERT_HASH {
    DWORD dwLength;
    DWORD dwFlags;
    HCRYPTPROV hProv;
    BYTE ShaHash[20];
} SCHANNEL_CERT_HASH, *PSCHANNEL_CERT_HASH;

typedef struct _SCHANNEL_CERT_HASH_STORE {
    DWORD dwLength;
    DWORD dwFlags;
    HCRYPTPROV hProv;
    BYTE ShaHash[20];
    WCHAR pwszStoreName[SCH_CRED_MAX_STORE_NAME_SIZE];
} SCHANNEL_CERT_HASH_STORE, *PSCHANNEL_CERT_HASH_STORE;

/* ---------------------------------------------------------------- ApplyControlToken: its one TOKEN buffer */

#define SCHANNEL_RENEGOTIATE 0
#define SCHANNEL_SHUTDOWN    1 /* a DWORD: close_notify */
#define SCHANNEL_ALERT       2 /* SCHANNEL_ALERT_TOKEN */
#define SCHANNEL_SESSION     3 /* SCHANNEL_SESSION_TOKEN */

typedef struct _SCHANNEL_ALERT_TOKEN {
    DWORD dwTokenType;   /* SCHANNEL_ALERT */
    DWORD dwAlertType;   /* TLS1_ALERT_WARNING, TLS1_ALERT_FATAL */
    DWORD dwAlertNumber; /* TLS1_ALERT_* */
} SCHANNEL_ALERT_TOKEN;

#define SSL_SESSION_ENABLE_RECONNECTS  1
#define SSL_SESSION_DISABLE_RECONNECTS 2

typedef struct _SCHANNEL_SESSION_TOKEN {
    DWORD dwTokenType; /* SCHANNEL_SESSION */
    DWORD dwFlags;
} SCHANNEL_SESSION_TOKEN;

#define TLS1_ALERT_WARNING 1
#define TLS1_ALERT_FATAL   2

#define TLS1_ALERT_CLOSE_NOTIFY         0
#define TLS1_ALERT_UNEXPECTED_MESSAGE   10
#define TLS1_ALERT_BAD_RECORD_MAC       20
#define TLS1_ALERT_DECRYPTION_FAILED    21
#define TLS1_ALERT_RECORD_OVERFLOW      22
#define TLS1_ALERT_DECOMPRESSION_FAIL   30
#define TLS1_ALERT_HANDSHAKE_FAILURE    40
#define TLS1_ALERT_BAD_CERTIFICATE      42
#define TLS1_ALERT_UNSUPPORTED_CERT     43
#define TLS1_ALERT_CERTIFICATE_REVOKED  44
#define TLS1_ALERT_CERTIFICATE_EXPIRED  45
#define TLS1_ALERT_CERTIFICATE_UNKNOWN  46
#define TLS1_ALERT_ILLEGAL_PARAMETER    47
#define TLS1_ALERT_UNKNOWN_CA           48
#define TLS1_ALERT_ACCESS_DENIED        49
#define TLS1_ALERT_DECODE_ERROR         50
#define TLS1_ALERT_DECRYPT_ERROR        51
#define TLS1_ALERT_EXPORT_RESTRICTION   60
#define TLS1_ALERT_PROTOCOL_VERSION     70
#define TLS1_ALERT_INSUFFIENT_SECURITY  71 /* so spelt in the SDK */
#define TLS1_ALERT_INTERNAL_ERROR       80
#define TLS1_ALERT_USER_CANCELED        90
#define TLS1_ALERT_NO_RENEGOTIATION     100
#define TLS1_ALERT_UNSUPPORTED_EXT      110
#define TLS1_ALERT_UNKNOWN_PSK_IDENTITY 115
#define TLS1_ALERT_NO_APP_PROTOCOL      120

/* ---------------------------------------------------------------- functions (of schannel.dll) */

/* Forgets sessions that could be resumed.
 *
 *   pszTargetName   of this server only; NULL: all
 *   dwFlags         0
 *
 * TRUE; FALSE with GetLastError() when nothing could be done. */
BOOL WINAPI SslEmptyCacheA(LPSTR pszTargetName, DWORD dwFlags);
BOOL WINAPI SslEmptyCacheW(LPWSTR pszTargetName, DWORD dwFlags);
#ifdef UNICODE
#define SslEmptyCache SslEmptyCacheW
#else
#define SslEmptyCache SslEmptyCacheA
#endif
typedef BOOL(WINAPI *SSL_EMPTY_CACHE_FN_A)(LPSTR, DWORD);
typedef BOOL(WINAPI *SSL_EMPTY_CACHE_FN_W)(LPWSTR, DWORD);
#ifdef UNICODE
#define SSL_EMPTY_CACHE_FN SSL_EMPTY_CACHE_FN_W
#else
#define SSL_EMPTY_CACHE_FN SSL_EMPTY_CACHE_FN_A
#endif

/* The server name (SNI) in a ClientHello.
 *
 *   ServerIdentity       receives a pointer into ClientHello, without NUL
 *   ServerIdentitySize   receives its length in bytes
 *   Flags                0
 *
 * SEC_E_OK; SEC_E_INCOMPLETE_MESSAGE; SEC_E_INVALID_TOKEN; SEC_E_INVALID_PARAMETER when there is no name. */
SECURITY_STATUS WINAPI SslGetServerIdentity(PBYTE ClientHello, DWORD ClientHelloSize, PBYTE *ServerIdentity,
                                            PDWORD ServerIdentitySize, DWORD Flags);
typedef SECURITY_STATUS(WINAPI *SslGetServerIdentityFn)(PBYTE, DWORD, PBYTE *, PDWORD, DWORD);

typedef struct _SCH_EXTENSION_DATA {
    WORD ExtensionType; /* in: which */
    const BYTE *pExtData;
    DWORD cbExtData;
} SCH_EXTENSION_DATA;

typedef enum _SchGetExtensionsOptions {
    SCH_EXTENSIONS_OPTIONS_NONE = 0x0,
    SCH_NO_RECORD_HEADER = 0x1 /* the ClientHello stands alone */
} SchGetExtensionsOptions;

/* Extensions of a ClientHello.
 *
 *   genericExtensions   in: types; out: pointers into clientHello, NULL for what is not there
 *   bytesToRead         receives how much is missing, with SEC_E_INCOMPLETE_MESSAGE
 *
 * SEC_E_OK; SEC_E_INCOMPLETE_MESSAGE; SEC_E_INVALID_TOKEN; SEC_E_INVALID_PARAMETER. */
SECURITY_STATUS WINAPI SslGetExtensions(const BYTE *clientHello, DWORD clientHelloByteSize,
                                        SCH_EXTENSION_DATA *genericExtensions, BYTE genericExtensionsCount,
                                        DWORD *bytesToRead, SchGetExtensionsOptions flags);
typedef SECURITY_STATUS(WINAPI *SslGetExtensionsFn)(const BYTE *, DWORD, SCH_EXTENSION_DATA *, BYTE, DWORD *,
                                                    SchGetExtensionsOptions);

/* The certificate of SECPKG_ATTR_SERIALIZED_REMOTE_CERT_CONTEXT.
 *
 *   ppCertContext   CertFreeCertificateContext
 *
 * SEC_E_OK; SEC_E_INVALID_TOKEN; SEC_E_INSUFFICIENT_MEMORY. */
SECURITY_STATUS WINAPI SslDeserializeCertificateStore(CERT_BLOB SerializedCertificateStore,
                                                      PCCERT_CONTEXT *ppCertContext);
typedef SECURITY_STATUS(WINAPI *SslDeserializeCertificateStoreFn)(CERT_BLOB, PCCERT_CONTEXT *);

#ifdef __cplusplus
}
#endif

#endif
