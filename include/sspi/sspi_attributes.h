/* sspi_attributes.h: the part of sspi.h with what can be asked of contexts and credentials.  Include sspi.h.
 *
 * The structure is the caller's; what its pointers lead to is the library's until FreeContextBuffer, unless a comment
 * says otherwise.  Names ending in A or W come in both forms; asking through QueryContextAttributesA gives the A form.
 * Sources: Microsoft Learn, "QueryContextAttributes" of each package, "QueryCredentialsAttributes", and the structures.
 * Attributes of Schannel from 0x50 on are in schannel.h, those of CredSSP (SECPKG_ALT_ATTR) in credssp.h. */
#ifndef _SSPI_ATTRIBUTES_H_
#define _SSPI_ATTRIBUTES_H_

#include "sspi_buffers.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- of contexts */

#define SECPKG_ATTR_SIZES                       0  /* SecPkgContext_Sizes */
#define SECPKG_ATTR_NAMES                       1  /* SecPkgContext_Names */
#define SECPKG_ATTR_LIFESPAN                    2  /* SecPkgContext_Lifespan */
#define SECPKG_ATTR_DCE_INFO                    3  /* SecPkgContext_DceInfo */
#define SECPKG_ATTR_STREAM_SIZES                4  /* SecPkgContext_StreamSizes */
#define SECPKG_ATTR_KEY_INFO                    5  /* SecPkgContext_KeyInfo */
#define SECPKG_ATTR_AUTHORITY                   6  /* SecPkgContext_Authority */
#define SECPKG_ATTR_PROTO_INFO                  7  /* SecPkgContext_ProtoInfo */
#define SECPKG_ATTR_PASSWORD_EXPIRY             8  /* SecPkgContext_PasswordExpiry */
#define SECPKG_ATTR_SESSION_KEY                 9  /* SecPkgContext_SessionKey */
#define SECPKG_ATTR_PACKAGE_INFO                10 /* SecPkgContext_PackageInfo */
#define SECPKG_ATTR_USER_FLAGS                  11 /* SecPkgContext_UserFlags */
#define SECPKG_ATTR_NEGOTIATION_INFO            12 /* SecPkgContext_NegotiationInfo */
#define SECPKG_ATTR_NATIVE_NAMES                13 /* SecPkgContext_NativeNames */
#define SECPKG_ATTR_FLAGS                       14 /* SecPkgContext_Flags */
#define SECPKG_ATTR_USE_VALIDATED               15
#define SECPKG_ATTR_CREDENTIAL_NAME             16 /* SecPkgContext_CredentialName */
#define SECPKG_ATTR_TARGET_INFORMATION          17 /* SecPkgContext_TargetInformation */
#define SECPKG_ATTR_ACCESS_TOKEN                18 /* SecPkgContext_AccessToken */
#define SECPKG_ATTR_TARGET                      19 /* SecPkgContext_Target */
#define SECPKG_ATTR_AUTHENTICATION_ID           20 /* SecPkgContext_AuthzID */
#define SECPKG_ATTR_LOGOFF_TIME                 21 /* SecPkgContext_LogoffTime */
#define SECPKG_ATTR_NEGO_KEYS                   22 /* SecPkgContext_NegoKeys */
#define SECPKG_ATTR_PROMPTING_NEEDED            24 /* SecPkgContext_CredInfo */
#define SECPKG_ATTR_UNIQUE_BINDINGS             25 /* SecPkgContext_Bindings, "tls-unique:" */
#define SECPKG_ATTR_ENDPOINT_BINDINGS           26 /* SecPkgContext_Bindings, "tls-server-end-point:" */
#define SECPKG_ATTR_CLIENT_SPECIFIED_TARGET     27 /* SecPkgContext_ClientSpecifiedTarget */
#define SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS    30 /* SecPkgContext_LastClientTokenStatus */
#define SECPKG_ATTR_NEGO_PKG_INFO               31 /* SecPkgContext_NegoPackageInfo */
#define SECPKG_ATTR_NEGO_STATUS                 32 /* SecPkgContext_NegoStatus */
#define SECPKG_ATTR_CONTEXT_DELETED             33
#define SECPKG_ATTR_DTLS_MTU                    34 /* ULONG; may be set */
#define SECPKG_ATTR_DATAGRAM_SIZES              SECPKG_ATTR_STREAM_SIZES
#define SECPKG_ATTR_APPLICATION_PROTOCOL        35 /* SecPkgContext_ApplicationProtocol */
#define SECPKG_ATTR_NEGOTIATED_TLS_EXTENSIONS   36 /* SecPkgContext_NegotiatedTlsExtensions */
#define SECPKG_ATTR_IS_LOOPBACK                 37
#define SECPKG_ATTR_SUBJECT_SECURITY_ATTRIBUTES 128 /* SecPkgContext_SubjectAttributes */

/* The highest bit marks the attributes of CredSSP. */
#define SECPKG_ALT_ATTR 0x80000000

/* How large things get. */
typedef struct _SecPkgContext_Sizes {
    ULONG cbMaxToken;        /* a token of the handshake */
    ULONG cbMaxSignature;    /* MakeSignature's TOKEN; 0: no integrity */
    ULONG cbBlockSize;       /* EncryptMessage's PADDING */
    ULONG cbSecurityTrailer; /* EncryptMessage's TOKEN; 0: no protection */
} SecPkgContext_Sizes, *PSecPkgContext_Sizes;

/* The same for records. */
typedef struct _SecPkgContext_StreamSizes {
    ULONG cbHeader;
    ULONG cbTrailer;
    ULONG cbMaximumMessage;
    ULONG cBuffers; /* 4 */
    ULONG cbBlockSize;
} SecPkgContext_StreamSizes, *PSecPkgContext_StreamSizes;
typedef SecPkgContext_StreamSizes SecPkgContext_DatagramSizes, *PSecPkgContext_DatagramSizes;

/* The authenticated user, "DOMAIN\user" or a principal. */
typedef struct _SecPkgContext_NamesW {
    SEC_WCHAR *sUserName;
} SecPkgContext_NamesW, *PSecPkgContext_NamesW;

typedef struct _SecPkgContext_NamesA {
    SEC_CHAR *sUserName;
} SecPkgContext_NamesA, *PSecPkgContext_NamesA;

typedef struct _SecPkgContext_Lifespan {
    TimeStamp tsStart;
    TimeStamp tsExpiry;
} SecPkgContext_Lifespan, *PSecPkgContext_Lifespan;

typedef struct _SecPkgContext_DceInfo {
    ULONG AuthzSvc;
    void *pPac; /* the client's name, WCHAR, for NTLM and Kerberos */
} SecPkgContext_DceInfo, *PSecPkgContext_DceInfo;

typedef struct _SecPkgContext_KeyInfoW {
    SEC_WCHAR *sSignatureAlgorithmName;
    SEC_WCHAR *sEncryptAlgorithmName;
    ULONG KeySize; /* bits */
    ULONG SignatureAlgorithm;
    ULONG EncryptAlgorithm;
} SecPkgContext_KeyInfoW, *PSecPkgContext_KeyInfoW;

typedef struct _SecPkgContext_KeyInfoA {
    SEC_CHAR *sSignatureAlgorithmName;
    SEC_CHAR *sEncryptAlgorithmName;
    ULONG KeySize;
    ULONG SignatureAlgorithm;
    ULONG EncryptAlgorithm;
} SecPkgContext_KeyInfoA, *PSecPkgContext_KeyInfoA;

typedef struct _SecPkgContext_AuthorityW {
    SEC_WCHAR *sAuthorityName;
} SecPkgContext_AuthorityW, *PSecPkgContext_AuthorityW;

typedef struct _SecPkgContext_AuthorityA {
    SEC_CHAR *sAuthorityName;
} SecPkgContext_AuthorityA, *PSecPkgContext_AuthorityA;

typedef struct _SecPkgContext_ProtoInfoW {
    SEC_WCHAR *sProtocolName;
    ULONG majorVersion;
    ULONG minorVersion;
} SecPkgContext_ProtoInfoW, *PSecPkgContext_ProtoInfoW;

typedef struct _SecPkgContext_ProtoInfoA {
    SEC_CHAR *sProtocolName;
    ULONG majorVersion;
    ULONG minorVersion;
} SecPkgContext_ProtoInfoA, *PSecPkgContext_ProtoInfoA;

typedef struct _SecPkgContext_PasswordExpiry {
    TimeStamp tsPasswordExpires;
} SecPkgContext_PasswordExpiry, *PSecPkgContext_PasswordExpiry;

typedef struct _SecPkgContext_LogoffTime {
    TimeStamp tsLogoffTime;
} SecPkgContext_LogoffTime, *PSecPkgContext_LogoffTime;

/* Wipe the key before freeing it. */
typedef struct _SecPkgContext_SessionKey {
    ULONG SessionKeyLength;
    UCHAR *SessionKey;
} SecPkgContext_SessionKey, *PSecPkgContext_SessionKey;

typedef struct _SecPkgContext_NegoKeys {
    ULONG KeyType;
    USHORT KeyLength;
    UCHAR *KeyValue;
    ULONG VerifyKeyType;
    USHORT VerifyKeyLength;
    UCHAR *VerifyKeyValue;
} SecPkgContext_NegoKeys, *PSecPkgContext_NegoKeys;

typedef struct _SecPkgContext_PackageInfoW {
    PSecPkgInfoW PackageInfo;
} SecPkgContext_PackageInfoW, *PSecPkgContext_PackageInfoW;

typedef struct _SecPkgContext_PackageInfoA {
    PSecPkgInfoA PackageInfo;
} SecPkgContext_PackageInfoA, *PSecPkgContext_PackageInfoA;

typedef struct _SecPkgContext_UserFlags {
    ULONG UserFlags;
} SecPkgContext_UserFlags, *PSecPkgContext_UserFlags;

/* ISC_RET_ or ASC_RET_ of the last leg. */
typedef struct _SecPkgContext_Flags {
    ULONG Flags;
} SecPkgContext_Flags, *PSecPkgContext_Flags;

#define SECPKG_NEGOTIATION_COMPLETE      0
#define SECPKG_NEGOTIATION_OPTIMISTIC    1
#define SECPKG_NEGOTIATION_IN_PROGRESS   2
#define SECPKG_NEGOTIATION_DIRECT        3
#define SECPKG_NEGOTIATION_TRY_MULTICRED 4

/* Which package Negotiate settled on, or is trying. */
typedef struct _SecPkgContext_NegotiationInfoW {
    PSecPkgInfoW PackageInfo;
    ULONG NegotiationState;
} SecPkgContext_NegotiationInfoW, *PSecPkgContext_NegotiationInfoW;

typedef struct _SecPkgContext_NegotiationInfoA {
    PSecPkgInfoA PackageInfo;
    ULONG NegotiationState;
} SecPkgContext_NegotiationInfoA, *PSecPkgContext_NegotiationInfoA;

/* Two blocks: free both names. */
typedef struct _SecPkgContext_NativeNamesW {
    SEC_WCHAR *sClientName;
    SEC_WCHAR *sServerName;
} SecPkgContext_NativeNamesW, *PSecPkgContext_NativeNamesW;

typedef struct _SecPkgContext_NativeNamesA {
    SEC_CHAR *sClientName;
    SEC_CHAR *sServerName;
} SecPkgContext_NativeNamesA, *PSecPkgContext_NativeNamesA;

typedef struct _SecPkgContext_CredentialNameW {
    ULONG CredentialType;
    SEC_WCHAR *sCredentialName;
} SecPkgContext_CredentialNameW, *PSecPkgContext_CredentialNameW;

typedef struct _SecPkgContext_CredentialNameA {
    ULONG CredentialType;
    SEC_CHAR *sCredentialName;
} SecPkgContext_CredentialNameA, *PSecPkgContext_CredentialNameA;

typedef struct _SecPkgContext_TargetInformation {
    ULONG MarshalledTargetInfoLength;
    UCHAR *MarshalledTargetInfo; /* NTLM: the AV pairs of the challenge */
} SecPkgContext_TargetInformation, *PSecPkgContext_TargetInformation;

/* A HANDLE that belongs to the context: it is not closed, and ends with the context. */
typedef struct _SecPkgContext_AccessToken {
    void *AccessToken;
} SecPkgContext_AccessToken, *PSecPkgContext_AccessToken;

typedef struct _SecPkgContext_Target {
    ULONG TargetLength;
    char *Target;
} SecPkgContext_Target, *PSecPkgContext_Target;

typedef struct _SecPkgContext_AuthzID {
    ULONG AuthzIDLength;
    char *AuthzID;
} SecPkgContext_AuthzID, *PSecPkgContext_AuthzID;

typedef enum _SECPKG_CRED_CLASS {
    SecPkgCredClass_None = 0,
    SecPkgCredClass_Ephemeral = 10,
    SecPkgCredClass_PersistedGeneric = 20,
    SecPkgCredClass_PersistedSpecific = 30,
    SecPkgCredClass_Explicit = 40
} SECPKG_CRED_CLASS,
    *PSECPKG_CRED_CLASS;

typedef struct _SecPkgContext_CredInfo {
    SECPKG_CRED_CLASS CredClass;
    ULONG IsPromptingNeeded;
} SecPkgContext_CredInfo, *PSecPkgContext_CredInfo;

/* For SECBUFFER_CHANNEL_BINDINGS of another context. */
typedef struct _SecPkgContext_Bindings {
    ULONG BindingsLength;
    SEC_CHANNEL_BINDINGS *Bindings;
} SecPkgContext_Bindings, *PSecPkgContext_Bindings;

/* The service that the client says it wanted.  Always wide. */
typedef struct _SecPkgContext_ClientSpecifiedTarget {
    SEC_WCHAR *sTargetName;
} SecPkgContext_ClientSpecifiedTarget, *PSecPkgContext_ClientSpecifiedTarget;

typedef enum _SECPKG_ATTR_LCT_STATUS {
    SecPkgAttrLastClientTokenYes,  /* what the last call produced is the client's last token */
    SecPkgAttrLastClientTokenNo,   /* there will be more */
    SecPkgAttrLastClientTokenMaybe /* not known yet */
} SECPKG_ATTR_LCT_STATUS,
    *PSECPKG_ATTR_LCT_STATUS;

typedef struct _SecPkgContext_LastClientTokenStatus {
    SECPKG_ATTR_LCT_STATUS LastClientTokenStatus;
} SecPkgContext_LastClientTokenStatus, *PSecPkgContext_LastClientTokenStatus;

#define SECPKG_ATTR_NEGO_INFO_FLAG_NO_KERBEROS 0x1
#define SECPKG_ATTR_NEGO_INFO_FLAG_NO_NTLM     0x2

typedef struct _SecPkgContext_NegoPackageInfo {
    ULONG PackageMask; /* SECPKG_ATTR_NEGO_INFO_FLAG_* */
} SecPkgContext_NegoPackageInfo, *PSecPkgContext_NegoPackageInfo;

/* What the mechanism tried last answered. */
typedef struct _SecPkgContext_NegoStatus {
    ULONG LastStatus;
} SecPkgContext_NegoStatus, *PSecPkgContext_NegoStatus;

typedef struct _SecPkgContext_SubjectAttributes {
    void *AttributeInfo;
} SecPkgContext_SubjectAttributes, *PSecPkgContext_SubjectAttributes;

#define MAX_PROTOCOL_ID_SIZE 0xFF

typedef struct _SecPkgContext_ApplicationProtocol {
    SEC_APPLICATION_PROTOCOL_NEGOTIATION_STATUS ProtoNegoStatus;
    SEC_APPLICATION_PROTOCOL_NEGOTIATION_EXT ProtoNegoExt;
    UCHAR ProtocolIdSize;
    UCHAR ProtocolId[MAX_PROTOCOL_ID_SIZE];
} SecPkgContext_ApplicationProtocol, *PSecPkgContext_ApplicationProtocol;

typedef struct _SecPkgContext_NegotiatedTlsExtensions {
    ULONG ExtensionsCount;
    USHORT *Extensions;
} SecPkgContext_NegotiatedTlsExtensions, *PSecPkgContext_NegotiatedTlsExtensions;

#ifdef UNICODE
#define SecPkgContext_Names            SecPkgContext_NamesW
#define PSecPkgContext_Names           PSecPkgContext_NamesW
#define SecPkgContext_KeyInfo          SecPkgContext_KeyInfoW
#define PSecPkgContext_KeyInfo         PSecPkgContext_KeyInfoW
#define SecPkgContext_Authority        SecPkgContext_AuthorityW
#define PSecPkgContext_Authority       PSecPkgContext_AuthorityW
#define SecPkgContext_ProtoInfo        SecPkgContext_ProtoInfoW
#define PSecPkgContext_ProtoInfo       PSecPkgContext_ProtoInfoW
#define SecPkgContext_PackageInfo      SecPkgContext_PackageInfoW
#define PSecPkgContext_PackageInfo     PSecPkgContext_PackageInfoW
#define SecPkgContext_NegotiationInfo  SecPkgContext_NegotiationInfoW
#define PSecPkgContext_NegotiationInfo PSecPkgContext_NegotiationInfoW
#define SecPkgContext_NativeNames      SecPkgContext_NativeNamesW
#define PSecPkgContext_NativeNames     PSecPkgContext_NativeNamesW
#define SecPkgContext_CredentialName   SecPkgContext_CredentialNameW
#define PSecPkgContext_CredentialName  PSecPkgContext_CredentialNameW
#else
#define SecPkgContext_Names            SecPkgContext_NamesA
#define PSecPkgContext_Names           PSecPkgContext_NamesA
#define SecPkgContext_KeyInfo          SecPkgContext_KeyInfoA
#define PSecPkgContext_KeyInfo         PSecPkgContext_KeyInfoA
#define SecPkgContext_Authority        SecPkgContext_AuthorityA
#define PSecPkgContext_Authority       PSecPkgContext_AuthorityA
#define SecPkgContext_ProtoInfo        SecPkgContext_ProtoInfoA
#define PSecPkgContext_ProtoInfo       PSecPkgContext_ProtoInfoA
#define SecPkgContext_PackageInfo      SecPkgContext_PackageInfoA
#define PSecPkgContext_PackageInfo     PSecPkgContext_PackageInfoA
#define SecPkgContext_NegotiationInfo  SecPkgContext_NegotiationInfoA
#define PSecPkgContext_NegotiationInfo PSecPkgContext_NegotiationInfoA
#define SecPkgContext_NativeNames      SecPkgContext_NativeNamesA
#define PSecPkgContext_NativeNames     PSecPkgContext_NativeNamesA
#define SecPkgContext_CredentialName   SecPkgContext_CredentialNameA
#define PSecPkgContext_CredentialName  PSecPkgContext_CredentialNameA
#endif

/* ---------------------------------------------------------------- of credentials */

#define SECPKG_CRED_ATTR_NAMES                1 /* SecPkgCredentials_Names */
#define SECPKG_CRED_ATTR_SSI_PROVIDER         2 /* SecPkgCredentials_SSIProvider */
#define SECPKG_CRED_ATTR_KDC_PROXY_SETTINGS   3 /* SecPkgCredentials_KdcProxySettingsW; set only */
#define SECPKG_CRED_ATTR_KDC_NETWORK_SETTINGS 3 /* SecPkgCredentials_KdcNetworkSettingsW; set only */
#define SECPKG_CRED_ATTR_CERT                 4 /* SecPkgCredentials_Cert */
#define SECPKG_CRED_ATTR_PAC_BYPASS           5

typedef struct _SecPkgCredentials_NamesW {
    SEC_WCHAR *sUserName;
} SecPkgCredentials_NamesW, *PSecPkgCredentials_NamesW;

typedef struct _SecPkgCredentials_NamesA {
    SEC_CHAR *sUserName;
} SecPkgCredentials_NamesA, *PSecPkgCredentials_NamesA;

typedef struct _SecPkgCredentials_SSIProviderW {
    SEC_WCHAR *sProviderName;
    ULONG ProviderInfoLength;
    char *ProviderInfo;
} SecPkgCredentials_SSIProviderW, *PSecPkgCredentials_SSIProviderW;

typedef struct _SecPkgCredentials_SSIProviderA {
    SEC_CHAR *sProviderName;
    ULONG ProviderInfoLength;
    char *ProviderInfo;
} SecPkgCredentials_SSIProviderA, *PSecPkgCredentials_SSIProviderA;

#define KDC_PROXY_SETTINGS_V1               1
#define KDC_PROXY_SETTINGS_FLAGS_FORCEPROXY 0x1

/* Offsets from the start of the structure and lengths in bytes; the texts are UTF-16 and follow in the same buffer.
 * The server is "host[:port][:path]"; length 0 takes the setting back.  Source: Microsoft Learn,
 * SecPkgCredentials_KdcProxySettingsW. */
typedef struct _SecPkgCredentials_KdcProxySettingsW {
    ULONG Version; /* KDC_PROXY_SETTINGS_V1 */
    ULONG Flags;
    USHORT ProxyServerOffset;
    USHORT ProxyServerLength;
    USHORT ClientTlsCredOffset;
    USHORT ClientTlsCredLength;
} SecPkgCredentials_KdcProxySettingsW, *PSecPkgCredentials_KdcProxySettingsW;

#define KDC_NETWORK_SETTINGS_V2                        2
#define KDC_NETWORK_SETTINGS_FLAGS_FORCEPROXY          0x1
#define KDC_NETWORK_SETTINGS_FLAGS_CONFIGURE_PROXY     0x80000000
#define KDC_NETWORK_SETTINGS_FLAGS_CONFIGURE_DISCOVERY 0x40000000
#define KDC_NETWORK_DISCOVERY_FLAGS_DS13_REQUIRED      0x80000000 /* in DcDiscoveryFlags */

typedef struct _SecPkgCredentials_KdcNetworkSettingsW {
    ULONG Version; /* KDC_NETWORK_SETTINGS_V2 */
    ULONG Flags;
    USHORT ProxyServerOffset;
    USHORT ProxyServerLength;
    USHORT ClientTlsCredOffset;
    USHORT ClientTlsCredLength;
    ULONG DcDiscoveryFlags;
} SecPkgCredentials_KdcNetworkSettingsW, *PSecPkgCredentials_KdcNetworkSettingsW;

typedef struct _SecPkgCredentials_Cert {
    ULONG EncodedCertSize;
    UCHAR *EncodedCert;
} SecPkgCredentials_Cert, *PSecPkgCredentials_Cert;

#ifdef UNICODE
#define SecPkgCredentials_Names        SecPkgCredentials_NamesW
#define PSecPkgCredentials_Names       PSecPkgCredentials_NamesW
#define SecPkgCredentials_SSIProvider  SecPkgCredentials_SSIProviderW
#define PSecPkgCredentials_SSIProvider PSecPkgCredentials_SSIProviderW
#else
#define SecPkgCredentials_Names        SecPkgCredentials_NamesA
#define PSecPkgCredentials_Names       PSecPkgCredentials_NamesA
#define SecPkgCredentials_SSIProvider  SecPkgCredentials_SSIProviderA
#define PSecPkgCredentials_SSIProvider PSecPkgCredentials_SSIProviderA
#endif

#ifdef __cplusplus
}
#endif

#endif
