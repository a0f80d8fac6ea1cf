/* schannel_attributes.h: the part of schannel.h with what can be asked of its contexts and credentials.  Include
 * schannel.h.
 *
 * What pointers lead to is for FreeContextBuffer, certificates are for CertFreeCertificateContext. */
#ifndef _SCHANNEL_ATTRIBUTES_H_
#define _SCHANNEL_ATTRIBUTES_H_

#include "sspi.h"
#include "wincrypt.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SECPKG_ATTR_ISSUER_LIST                           0x50 /* SecPkgContext_IssuerListInfo; obsolete */
#define SECPKG_ATTR_REMOTE_CRED                           0x51 /* SecPkgContext_RemoteCredentialInfo; obsolete */
#define SECPKG_ATTR_LOCAL_CRED                            0x52 /* SecPkgContext_LocalCredentialInfo; obsolete */
#define SECPKG_ATTR_REMOTE_CERT_CONTEXT                   0x53 /* PCCERT_CONTEXT */
#define SECPKG_ATTR_LOCAL_CERT_CONTEXT                    0x54 /* PCCERT_CONTEXT */
#define SECPKG_ATTR_ROOT_STORE                            0x55 /* HCERTSTORE */
#define SECPKG_ATTR_SUPPORTED_ALGS                        0x56 /* of a credential: SecPkgCred_SupportedAlgs */
#define SECPKG_ATTR_CIPHER_STRENGTHS                      0x57 /* of a credential: SecPkgCred_CipherStrengths */
#define SECPKG_ATTR_SUPPORTED_PROTOCOLS                   0x58 /* of a credential: SecPkgCred_SupportedProtocols */
#define SECPKG_ATTR_ISSUER_LIST_EX                        0x59 /* SecPkgContext_IssuerListInfoEx */
#define SECPKG_ATTR_CONNECTION_INFO                       0x5A /* SecPkgContext_ConnectionInfo */
#define SECPKG_ATTR_EAP_KEY_BLOCK                         0x5B /* SecPkgContext_EapKeyBlock */
#define SECPKG_ATTR_MAPPED_CRED_ATTR                      0x5C /* SecPkgContext_MappedCredAttr */
#define SECPKG_ATTR_SESSION_INFO                          0x5D /* SecPkgContext_SessionInfo */
#define SECPKG_ATTR_APP_DATA                              0x5E /* SecPkgContext_SessionAppData; may be set */
#define SECPKG_ATTR_REMOTE_CERTIFICATES                   0x5F /* SecPkgContext_Certificates */
#define SECPKG_ATTR_CLIENT_CERT_POLICY                    0x60 /* of a credential, set: SecPkgCred_ClientCertPolicy */
#define SECPKG_ATTR_CC_POLICY_RESULT                      0x61 /* SecPkgContext_ClientCertPolicyResult */
#define SECPKG_ATTR_USE_NCRYPT                            0x62 /* set */
#define SECPKG_ATTR_LOCAL_CERT_INFO                       0x63 /* SecPkgContext_CertInfo */
#define SECPKG_ATTR_CIPHER_INFO                           0x64 /* SecPkgContext_CipherInfo */
#define SECPKG_ATTR_EAP_PRF_INFO                          0x65 /* set: SecPkgContext_EapPrfInfo */
#define SECPKG_ATTR_SUPPORTED_SIGNATURES                  0x66 /* SecPkgContext_SupportedSignatures */
#define SECPKG_ATTR_REMOTE_CERT_CHAIN                     0x67 /* PCCERT_CONTEXT */
#define SECPKG_ATTR_UI_INFO                               0x68 /* set: SecPkgContext_UiInfo */
#define SECPKG_ATTR_EARLY_START                           0x69 /* set: SecPkgContext_EarlyStart */
#define SECPKG_ATTR_KEYING_MATERIAL_INFO                  0x6A /* set: SecPkgContext_KeyingMaterialInfo */
#define SECPKG_ATTR_KEYING_MATERIAL                       0x6B /* SecPkgContext_KeyingMaterial */
#define SECPKG_ATTR_SRTP_PARAMETERS                       0x6C /* SecPkgContext_SrtpParameters */
#define SECPKG_ATTR_TOKEN_BINDING                         0x6D /* SecPkgContext_TokenBinding */
#define SECPKG_ATTR_CONNECTION_INFO_EX                    0x6E /* SecPkgContext_ConnectionInfoEx */
#define SECPKG_ATTR_KEYING_MATERIAL_TOKEN_BINDING         0x6F /* SecPkgContext_KeyingMaterial */
#define SECPKG_ATTR_KEYING_MATERIAL_INPROC                0x70 /* SecPkgContext_KeyingMaterial_Inproc */
#define SECPKG_ATTR_CERT_CHECK_RESULT                     0x71 /* SecPkgContext_CertificateValidationResult */
#define SECPKG_ATTR_CERT_CHECK_RESULT_INPROC              0x72 /* SecPkgContext_CertificateValidationResult */
#define SECPKG_ATTR_SESSION_TICKET_KEYS                   0x73 /* of a credential, set: SecPkgCred_SessionTicketKeys */
#define SECPKG_ATTR_SERIALIZED_REMOTE_CERT_CONTEXT_INPROC 0x74 /* CERT_BLOB */
#define SECPKG_ATTR_SERIALIZED_REMOTE_CERT_CONTEXT        0x75 /* CERT_BLOB, for SslDeserializeCertificateStore */

/* ---------------------------------------------------------------- obsolete */

typedef struct _SecPkgContext_IssuerListInfo {
    DWORD cbIssuerList;
    PBYTE pIssuerList;
} SecPkgContext_IssuerListInfo, *PSecPkgContext_IssuerListInfo;

#define RCRED_STATUS_NOCRED         0x00000000
#define RCRED_CRED_EXISTS           0x00000001
#define RCRED_STATUS_UNKNOWN_ISSUER 0x00000002
#define LCRED_STATUS_NOCRED         0x00000000
#define LCRED_CRED_EXISTS           0x00000001
#define LCRED_STATUS_UNKNOWN_ISSUER 0x00000002

/* CredenitalInfo is a spelling of the SDK's, too. */
typedef struct _SecPkgContext_RemoteCredentialInfo {
    DWORD cbCertificateChain;
    PBYTE pbCertificateChain;
    DWORD cCertificates;
    DWORD fFlags; /* RCRED_* */
    DWORD dwBits;
} SecPkgContext_RemoteCredentialInfo, *PSecPkgContext_RemoteCredentialInfo, SecPkgContext_RemoteCredenitalInfo,
    *PSecPkgContext_RemoteCredenitalInfo;

typedef struct _SecPkgContext_LocalCredentialInfo {
    DWORD cbCertificateChain;
    PBYTE pbCertificateChain;
    DWORD cCertificates;
    DWORD fFlags; /* LCRED_* */
    DWORD dwBits;
} SecPkgContext_LocalCredentialInfo, *PSecPkgContext_LocalCredentialInfo, SecPkgContext_LocalCredenitalInfo,
    *PSecPkgContext_LocalCredenitalInfo;

/* ---------------------------------------------------------------- the connection */

typedef struct _SecPkgContext_ConnectionInfo {
    DWORD dwProtocol; /* SP_PROT_*, with its side */
    ALG_ID aiCipher;
    DWORD dwCipherStrength; /* bits */
    ALG_ID aiHash;
    DWORD dwHashStrength;
    ALG_ID aiExch;
    DWORD dwExchStrength;
} SecPkgContext_ConnectionInfo, *PSecPkgContext_ConnectionInfo;

#define SECPKGCONTEXT_CONNECTION_INFO_EX_V1 1

typedef struct _SecPkgContext_ConnectionInfoEx {
    DWORD dwVersion; /* in: SECPKGCONTEXT_CONNECTION_INFO_EX_V1 */
    DWORD dwProtocol;
    WCHAR szCipher[SZ_ALG_MAX_SIZE];
    DWORD dwCipherStrength;
    WCHAR szHash[SZ_ALG_MAX_SIZE];
    DWORD dwHashStrength;
    WCHAR szExchange[SZ_ALG_MAX_SIZE];
    DWORD dwExchStrength;
} SecPkgContext_ConnectionInfoEx, *PSecPkgContext_ConnectionInfoEx;

#define SECPKGCONTEXT_CIPHERINFO_V1 1

typedef struct _SecPkgContext_CipherInfo {
    DWORD dwVersion;  /* in: SECPKGCONTEXT_CIPHERINFO_V1 */
    DWORD dwProtocol; /* as on the wire: 0x0303 */
    DWORD dwCipherSuite;
    DWORD dwBaseCipherSuite;
    WCHAR szCipherSuite[SZ_ALG_MAX_SIZE];
    WCHAR szCipher[SZ_ALG_MAX_SIZE];
    DWORD dwCipherLen;      /* bits */
    DWORD dwCipherBlockLen; /* bytes */
    WCHAR szHash[SZ_ALG_MAX_SIZE];
    DWORD dwHashLen; /* bits */
    WCHAR szExchange[SZ_ALG_MAX_SIZE];
    DWORD dwMinExchangeLen;
    DWORD dwMaxExchangeLen;
    WCHAR szCertificate[SZ_ALG_MAX_SIZE];
    DWORD dwKeyType; /* the named group: 0x1d */
} SecPkgContext_CipherInfo, *PSecPkgContext_CipherInfo;

#define SSL_SESSION_RECONNECT 1 /* this session was resumed */

typedef struct _SecPkgContext_SessionInfo {
    DWORD dwFlags;
    DWORD cbSessionId;
    BYTE rgbSessionId[32];
} SecPkgContext_SessionInfo, *PSecPkgContext_SessionInfo;

typedef struct _SecPkgContext_SessionAppData {
    DWORD dwFlags; /* 0 */
    DWORD cbAppData;
    PBYTE pbAppData;
} SecPkgContext_SessionAppData, *PSecPkgContext_SessionAppData;

typedef struct _SecPkgContext_EarlyStart {
    DWORD dwEarlyStartFlags; /* ENABLE_TLS_CLIENT_EARLY_START */
} SecPkgContext_EarlyStart, *PSecPkgContext_EarlyStart;

#define ENABLE_TLS_CLIENT_EARLY_START 0x00000001

typedef struct _SecPkgContext_UiInfo {
    HWND hParentWindow;
} SecPkgContext_UiInfo, *PSecPkgContext_UiInfo;

typedef struct _SecPkgContext_SrtpParameters {
    USHORT ProtectionProfile;
    UCHAR MasterKeyIdentifierSize;
    PUCHAR MasterKeyIdentifier;
} SecPkgContext_SrtpParameters, *PSecPkgContext_SrtpParameters;

typedef struct _SecPkgContext_TokenBinding {
    UCHAR MajorVersion;
    UCHAR MinorVersion;
    USHORT KeyParametersSize;
    PUCHAR KeyParameters;
} SecPkgContext_TokenBinding, *PSecPkgContext_TokenBinding;

/* ---------------------------------------------------------------- keys for others (RFC 5705, RFC 5216) */

typedef struct _SecPkgContext_EapKeyBlock {
    BYTE rgbKeys[128];
    BYTE rgbIVs[64];
} SecPkgContext_EapKeyBlock, *PSecPkgContext_EapKeyBlock;

typedef struct _SecPkgContext_EapPrfInfo {
    DWORD dwVersion; /* 0 */
    DWORD cbPrfData;
    PBYTE pbPrfData;
} SecPkgContext_EapPrfInfo, *PSecPkgContext_EapPrfInfo;

typedef struct _SecPkgContext_KeyingMaterialInfo {
    WORD cbLabel; /* with the NUL */
    LPSTR pszLabel;
    WORD cbContextValue;
    PBYTE pbContextValue;
    DWORD cbKeyingMaterial;
} SecPkgContext_KeyingMaterialInfo, *PSecPkgContext_KeyingMaterialInfo;

typedef struct _SecPkgContext_KeyingMaterial {
    DWORD cbKeyingMaterial;
    PBYTE pbKeyingMaterial;
} SecPkgContext_KeyingMaterial, *PSecPkgContext_KeyingMaterial;

typedef struct _SecPkgContext_KeyingMaterial_Inproc {
    WORD cbLabel;
    LPSTR pszLabel;
    WORD cbContextValue;
    PBYTE pbContextValue;
    DWORD cbKeyingMaterial;
    PBYTE pbKeyingMaterial;
} SecPkgContext_KeyingMaterial_Inproc, *PSecPkgContext_KeyingMaterial_Inproc;

/* ---------------------------------------------------------------- certificates and signatures */

/* One block: the names are inside. */
typedef struct _SecPkgContext_IssuerListInfoEx {
    PCERT_NAME_BLOB aIssuers;
    DWORD cIssuers;
} SecPkgContext_IssuerListInfoEx, *PSecPkgContext_IssuerListInfoEx;

/* Each certificate, the peer's own first, as a ULONG of its size and its DER. */
typedef struct _SecPkgContext_Certificates {
    DWORD cCertificates;
    DWORD cbCertificateChain;
    PBYTE pbCertificateChain;
} SecPkgContext_Certificates, *PSecPkgContext_Certificates;

#define KERN_CONTEXT_CERT_INFO_V1 0x00000000

/* Two blocks: free both names. */
typedef struct _SecPkgContext_CertInfo {
    DWORD dwVersion;
    DWORD cbSubjectName;
    LPWSTR pwszSubjectName;
    DWORD cbIssuerName;
    LPWSTR pwszIssuerName;
    DWORD dwKeySize;
} SecPkgContext_CertInfo, *PSecPkgContext_CertInfo;

typedef struct _SecPkgContext_ClientCertPolicyResult {
    HRESULT dwPolicyResult;
    GUID guidPolicyId;
} SecPkgContext_ClientCertPolicyResult, *PSecPkgContext_ClientCertPolicyResult;

typedef struct _SecPkgContext_CertificateValidationResult {
    DWORD dwChainErrorStatus; /* CERT_TRUST_* */
    HRESULT hrVerifyChainStatus;
} SecPkgContext_CertificateValidationResult, *PSecPkgContext_CertificateValidationResult;

typedef struct _SecPkgContext_MappedCredAttr {
    DWORD dwAttribute;
    PVOID pvBuffer;
} SecPkgContext_MappedCredAttr, *PSecPkgContext_MappedCredAttr;

typedef enum _eTlsSignatureAlgorithm {
    TlsSignatureAlgorithm_Anonymous = 0,
    TlsSignatureAlgorithm_Rsa = 1,
    TlsSignatureAlgorithm_Dsa = 2,
    TlsSignatureAlgorithm_Ecdsa = 3
} eTlsSignatureAlgorithm;

typedef enum _eTlsHashAlgorithm {
    TlsHashAlgorithm_None = 0,
    TlsHashAlgorithm_Md5 = 1,
    TlsHashAlgorithm_Sha1 = 2,
    TlsHashAlgorithm_Sha224 = 3,
    TlsHashAlgorithm_Sha256 = 4,
    TlsHashAlgorithm_Sha384 = 5,
    TlsHashAlgorithm_Sha512 = 6
} eTlsHashAlgorithm;

/* As on the wire (RFC 5246 7.4.1.4.1): eTlsHashAlgorithm is the first byte, eTlsSignatureAlgorithm the second. */
typedef struct _SecPkgContext_SupportedSignatures {
    WORD cSignatureAndHashAlgorithms;
    WORD *pSignatureAndHashAlgorithms;
} SecPkgContext_SupportedSignatures, *PSecPkgContext_SupportedSignatures;

typedef struct _SCHANNEL_CLIENT_SIGNATURE {
    DWORD cbLength;
    ALG_ID aiHash;
    DWORD cbHash;
    BYTE HashValue[36];
    BYTE CertThumbprint[20];
} SCHANNEL_CLIENT_SIGNATURE, *PSCHANNEL_CLIENT_SIGNATURE;

/* ---------------------------------------------------------------- of credentials */

typedef struct _SecPkgCred_SupportedAlgs {
    DWORD cSupportedAlgs;
    ALG_ID *palgSupportedAlgs;
} SecPkgCred_SupportedAlgs, *PSecPkgCred_SupportedAlgs;

typedef struct _SecPkgCred_CipherStrengths {
    DWORD dwMinimumCipherStrength;
    DWORD dwMaximumCipherStrength;
} SecPkgCred_CipherStrengths, *PSecPkgCred_CipherStrengths;

typedef struct _SecPkgCred_SupportedProtocols {
    DWORD grbitProtocol; /* SP_PROT_* */
} SecPkgCred_SupportedProtocols, *PSecPkgCred_SupportedProtocols;

typedef struct _SecPkgCred_ClientCertPolicy {
    DWORD dwFlags;
    GUID guidPolicyId;
    DWORD dwCertFlags;
    DWORD dwUrlRetrievalTimeout;
    BOOL fCheckRevocationFreshnessTime;
    DWORD dwRevocationFreshnessTime;
    BOOL fOmitUsageCheck;
    LPWSTR pwszSslCtlStoreName;
    LPWSTR pwszSslCtlIdentifier;
} SecPkgCred_ClientCertPolicy, *PSecPkgCred_ClientCertPolicy;

#define SESSION_TICKET_INFO_V0      0
#define SESSION_TICKET_INFO_VERSION SESSION_TICKET_INFO_V0

typedef struct _SecPkgCred_SessionTicketKey {
    DWORD TicketInfoVersion; /* SESSION_TICKET_INFO_VERSION */
    BYTE KeyId[16];
    BYTE KeyingMaterial[64];
    BYTE KeyingMaterialSize; /* 32 to 64 */
} SecPkgCred_SessionTicketKey, *PSecPkgCred_SessionTicketKey;

/* At most 16; the first encrypts, all decrypt. */
typedef struct _SecPkgCred_SessionTicketKeys {
    DWORD cSessionTicketKeys;
    PSecPkgCred_SessionTicketKey pSessionTicketKeys;
} SecPkgCred_SessionTicketKeys, *PSecPkgCred_SessionTicketKeys;

#ifdef __cplusplus
}
#endif

#endif
