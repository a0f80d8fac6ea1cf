/* ntsecapi.h: the Local Security Authority: logging somebody on, logon sessions, messages to packages.
 *
 * Sources: Microsoft Learn, the pages of the functions and structures; MS-LSAD for the types. */
#ifndef _NTSECAPI_
#define _NTSECAPI_

#include "sspi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- types */

typedef UNICODE_STRING LSA_UNICODE_STRING, *PLSA_UNICODE_STRING;
typedef STRING LSA_STRING, *PLSA_STRING;
typedef ULONG LSA_OPERATIONAL_MODE, *PLSA_OPERATIONAL_MODE;
typedef PVOID LSA_HANDLE, *PLSA_HANDLE;

#define LSA_MODE_PASSWORD_PROTECTED  0x00000001
#define LSA_MODE_INDIVIDUAL_ACCOUNTS 0x00000002
#define LSA_MODE_MANDATORY_ACCESS    0x00000004
#define LSA_MODE_LOG_FULL            0x00000008

typedef enum _SECURITY_LOGON_TYPE {
    UndefinedLogonType = 0,
    Interactive = 2,
    Network,
    Batch,
    Service,
    Proxy,
    Unlock,
    NetworkCleartext,
    NewCredentials,
    RemoteInteractive,
    CachedInteractive,
    CachedRemoteInteractive,
    CachedUnlock
} SECURITY_LOGON_TYPE,
    *PSECURITY_LOGON_TYPE;

#define TOKEN_SOURCE_LENGTH 8

typedef struct _TOKEN_SOURCE {
    CHAR SourceName[TOKEN_SOURCE_LENGTH];
    LUID SourceIdentifier;
} TOKEN_SOURCE, *PTOKEN_SOURCE;

typedef struct _QUOTA_LIMITS {
    SIZE_T PagedPoolLimit;
    SIZE_T NonPagedPoolLimit;
    SIZE_T MinimumWorkingSetSize;
    SIZE_T MaximumWorkingSetSize;
    SIZE_T PagefileLimit;
    LARGE_INTEGER TimeLimit;
} QUOTA_LIMITS, *PQUOTA_LIMITS;

/* ---------------------------------------------------------------- packages */

#define MSV1_0_PACKAGE_NAME              "MICROSOFT_AUTHENTICATION_PACKAGE_V1_0"
#define MSV1_0_PACKAGE_NAMEW             __SSPI_WIDE("MICROSOFT_AUTHENTICATION_PACKAGE_V1_0")
#define MSV1_0_CHALLENGE_LENGTH          8
#define MSV1_0_USER_SESSION_KEY_LENGTH   16
#define MSV1_0_LANMAN_SESSION_KEY_LENGTH 8
#ifndef MICROSOFT_KERBEROS_NAME_A
#define MICROSOFT_KERBEROS_NAME_A "Kerberos"
#define MICROSOFT_KERBEROS_NAME_W __SSPI_WIDE("Kerberos")
#define MICROSOFT_KERBEROS_NAME   MICROSOFT_KERBEROS_NAME_W
#endif

typedef enum _MSV1_0_LOGON_SUBMIT_TYPE {
    MsV1_0InteractiveLogon = 2,
    MsV1_0Lm20Logon,
    MsV1_0NetworkLogon,
    MsV1_0SubAuthLogon,
    MsV1_0WorkstationUnlockLogon = 7,
    MsV1_0S4ULogon = 12,
    MsV1_0VirtualLogon = 82,
    MsV1_0NoElevationLogon = 83,
    MsV1_0LuidLogon = 84
} MSV1_0_LOGON_SUBMIT_TYPE,
    *PMSV1_0_LOGON_SUBMIT_TYPE;

typedef struct _MSV1_0_INTERACTIVE_LOGON {
    MSV1_0_LOGON_SUBMIT_TYPE MessageType; /* MsV1_0InteractiveLogon */
    UNICODE_STRING LogonDomainName;
    UNICODE_STRING UserName;
    UNICODE_STRING Password;
} MSV1_0_INTERACTIVE_LOGON, *PMSV1_0_INTERACTIVE_LOGON;

/* Messages to Negotiate, package number 0. */
typedef enum _NEGOTIATE_MESSAGES {
    NegEnumPackagePrefixes = 0,
    NegGetCallerName = 1,
    NegTransferCredentials = 2,
    NegMsgReserved1 = 3,
    NegCallPackageMax
} NEGOTIATE_MESSAGES,
    *PNEGOTIATE_MESSAGES;

#define NEGOTIATE_MAX_PREFIX 32
#define NEGOTIATE_ALLOW_NTLM 0x10000000
#define NEGOTIATE_NEG_NTLM   0x20000000

typedef struct _NEGOTIATE_PACKAGE_PREFIX {
    ULONG_PTR PackageId;
    PVOID PackageDataA;
    PVOID PackageDataW;
    ULONG_PTR PrefixLen;
    UCHAR Prefix[NEGOTIATE_MAX_PREFIX];
} NEGOTIATE_PACKAGE_PREFIX, *PNEGOTIATE_PACKAGE_PREFIX;

typedef struct _NEGOTIATE_PACKAGE_PREFIXES {
    ULONG MessageType;
    ULONG PrefixCount;
    ULONG Offset;
    ULONG Pad;
} NEGOTIATE_PACKAGE_PREFIXES, *PNEGOTIATE_PACKAGE_PREFIXES;

typedef struct _NEGOTIATE_CALLER_NAME_REQUEST {
    ULONG MessageType; /* NegGetCallerName */
    LUID LogonId;      /* {0, 0}: the caller's */
} NEGOTIATE_CALLER_NAME_REQUEST, *PNEGOTIATE_CALLER_NAME_REQUEST;

/* The name follows in the same block. */
typedef struct _NEGOTIATE_CALLER_NAME_RESPONSE {
    ULONG MessageType;
    PWSTR CallerName;
} NEGOTIATE_CALLER_NAME_RESPONSE, *PNEGOTIATE_CALLER_NAME_RESPONSE;

/* ---------------------------------------------------------------- functions: a connection to the authority */

/* A connection without privileges: LsaDeregisterLogonProcess.
 *
 * STATUS_SUCCESS; STATUS_INVALID_PARAMETER; STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS NTAPI LsaConnectUntrusted(PHANDLE LsaHandle);

/* The same with a name for the caller, for system services.
 *
 *   SecurityMode   receives 0
 *
 * STATUS_SUCCESS; STATUS_PRIVILEGE_NOT_HELD unless the process is root; STATUS_INVALID_PARAMETER. */
NTSTATUS NTAPI LsaRegisterLogonProcess(PLSA_STRING LogonProcessName, PHANDLE LsaHandle,
                                       PLSA_OPERATIONAL_MODE SecurityMode);

/* STATUS_SUCCESS; STATUS_INVALID_HANDLE. */
NTSTATUS NTAPI LsaDeregisterLogonProcess(HANDLE LsaHandle);

/* The number of a package: "Negotiate" is 0.
 *
 * STATUS_SUCCESS; STATUS_NO_SUCH_PACKAGE; STATUS_INVALID_HANDLE; STATUS_INVALID_PARAMETER. */
NTSTATUS NTAPI LsaLookupAuthenticationPackage(HANDLE LsaHandle, PLSA_STRING PackageName, PULONG AuthenticationPackage);

/* A message to a package.
 *
 *   ProtocolSubmitBuffer, SubmitBufferLength   begins with the message's number
 *   ProtocolReturnBuffer, ReturnBufferLength   receive the answer, for LsaFreeReturnBuffer, or NULL and 0; may be NULL
 *   ProtocolStatus                             receives the package's verdict; may be NULL
 *
 * STATUS_SUCCESS when the message got there; STATUS_NO_SUCH_PACKAGE; STATUS_INVALID_PARAMETER; STATUS_INVALID_HANDLE. */
NTSTATUS NTAPI LsaCallAuthenticationPackage(HANDLE LsaHandle, ULONG AuthenticationPackage, PVOID ProtocolSubmitBuffer,
                                            ULONG SubmitBufferLength, PVOID *ProtocolReturnBuffer,
                                            PULONG ReturnBufferLength, PNTSTATUS ProtocolStatus);

/* Frees what these functions return; NULL is allowed.
 *
 * STATUS_SUCCESS; STATUS_INVALID_PARAMETER for anything else. */
NTSTATUS NTAPI LsaFreeReturnBuffer(PVOID Buffer);

/* ---------------------------------------------------------------- functions: logging on */

/* Checks credentials and makes a token of them.
 *
 *   OriginName                      who asks
 *   AuthenticationInformation       a MSV1_0_ or KERB_ ..._LOGON in one block of AuthenticationInformationLength bytes
 *   LocalGroups, SourceContext      LocalGroups may be NULL
 *   ProfileBuffer                   LsaFreeReturnBuffer
 *   Token                           CloseHandle
 *   Quotas                          zeroes
 *   SubStatus                       why, after STATUS_ACCOUNT_RESTRICTION
 *
 * STATUS_SUCCESS; STATUS_LOGON_FAILURE; STATUS_ACCOUNT_RESTRICTION; STATUS_NO_SUCH_PACKAGE; STATUS_INVALID_PARAMETER;
 * STATUS_INVALID_INFO_CLASS for a structure the package does not take; STATUS_INVALID_HANDLE;
 * STATUS_NOT_SUPPORTED. */
NTSTATUS NTAPI LsaLogonUser(HANDLE LsaHandle, PLSA_STRING OriginName, SECURITY_LOGON_TYPE LogonType,
                            ULONG AuthenticationPackage, PVOID AuthenticationInformation,
                            ULONG AuthenticationInformationLength, PTOKEN_GROUPS LocalGroups,
                            PTOKEN_SOURCE SourceContext, PVOID *ProfileBuffer, PULONG ProfileBufferLength,
                            PLUID LogonId, PHANDLE Token, PQUOTA_LIMITS Quotas, PNTSTATUS SubStatus);

#define LOGON32_LOGON_INTERACTIVE       2
#define LOGON32_LOGON_NETWORK           3
#define LOGON32_LOGON_BATCH             4
#define LOGON32_LOGON_SERVICE           5
#define LOGON32_LOGON_NETWORK_CLEARTEXT 8
#define LOGON32_LOGON_NEW_CREDENTIALS   9
#define LOGON32_PROVIDER_DEFAULT        0

/* LsaLogonUser for a password; no header of the SDK declares it.
 *
 *   phToken            CloseHandle
 *   ppProfileBuffer    LsaFreeReturnBuffer
 *   others             may be NULL
 *
 * TRUE; FALSE with ERROR_LOGON_FAILURE, ERROR_ACCOUNT_RESTRICTION, ERROR_INVALID_PARAMETER, ERROR_NOT_SUPPORTED. */
BOOL WINAPI LogonUserExExW(LPWSTR lpszUsername, LPWSTR lpszDomain, LPWSTR lpszPassword, DWORD dwLogonType,
                           DWORD dwLogonProvider, PTOKEN_GROUPS pTokenGroups, PHANDLE phToken, PSID *ppLogonSid,
                           PVOID *ppProfileBuffer, LPDWORD pdwProfileLength, PQUOTA_LIMITS pQuotaLimits);

/* ---------------------------------------------------------------- functions: logon sessions */

/* All sessions the caller may know of.
 *
 *   LogonSessionList   receives one block: LsaFreeReturnBuffer
 *
 * STATUS_SUCCESS; STATUS_INVALID_PARAMETER; STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS NTAPI LsaEnumerateLogonSessions(PULONG LogonSessionCount, PLUID *LogonSessionList);

typedef struct _LSA_LAST_INTER_LOGON_INFO {
    LARGE_INTEGER LastSuccessfulLogon;
    LARGE_INTEGER LastFailedLogon;
    ULONG FailedAttemptCountSinceLastSuccessfulLogon;
} LSA_LAST_INTER_LOGON_INFO, *PLSA_LAST_INTER_LOGON_INFO;

typedef struct _SECURITY_LOGON_SESSION_DATA {
    ULONG Size;
    LUID LogonId;
    LSA_UNICODE_STRING UserName;
    LSA_UNICODE_STRING LogonDomain;
    LSA_UNICODE_STRING AuthenticationPackage;
    ULONG LogonType; /* SECURITY_LOGON_TYPE */
    ULONG Session;
    PSID Sid; /* may be NULL */
    LARGE_INTEGER LogonTime;
    LSA_UNICODE_STRING LogonServer;
    LSA_UNICODE_STRING DnsDomainName;
    LSA_UNICODE_STRING Upn;
    ULONG UserFlags;
    LSA_LAST_INTER_LOGON_INFO LastLogonInfo;
    LSA_UNICODE_STRING LogonScript;
    LSA_UNICODE_STRING ProfilePath;
    LSA_UNICODE_STRING HomeDirectory;
    LSA_UNICODE_STRING HomeDirectoryDrive;
    LARGE_INTEGER LogoffTime;
    LARGE_INTEGER KickOffTime;
    LARGE_INTEGER PasswordLastSet;
    LARGE_INTEGER PasswordCanChange;
    LARGE_INTEGER PasswordMustChange;
} SECURITY_LOGON_SESSION_DATA, *PSECURITY_LOGON_SESSION_DATA;

/* One session.
 *
 *   LogonId              NULL: the caller's
 *   ppLogonSessionData   receives one block: LsaFreeReturnBuffer
 *
 * STATUS_SUCCESS; STATUS_NO_SUCH_LOGON_SESSION; STATUS_ACCESS_DENIED; STATUS_INVALID_PARAMETER. */
NTSTATUS NTAPI LsaGetLogonSessionData(PLUID LogonId, PSECURITY_LOGON_SESSION_DATA *ppLogonSessionData);

/* ---------------------------------------------------------------- functions: a target as text */

#ifndef _CREDENTIAL_TARGET_INFORMATION_DEFINED
#define _CREDENTIAL_TARGET_INFORMATION_DEFINED
typedef struct _CREDENTIAL_TARGET_INFORMATIONW {
    LPWSTR TargetName;
    LPWSTR NetbiosServerName;
    LPWSTR DnsServerName;
    LPWSTR NetbiosDomainName;
    LPWSTR DnsDomainName;
    LPWSTR DnsTreeName;
    LPWSTR PackageName;
    ULONG Flags;
    DWORD CredTypeCount;
    LPDWORD CredTypes;
} CREDENTIAL_TARGET_INFORMATIONW, *PCREDENTIAL_TARGET_INFORMATIONW;
#endif

/* What is known of a target, as text that can be appended to a service principal name.
 *
 *   Buffer       receives UTF-16 without NUL: LocalFree
 *   BufferSize   receives its size in bytes
 *
 * STATUS_SUCCESS; STATUS_INVALID_PARAMETER; STATUS_NO_MEMORY; in this library STATUS_NOT_SUPPORTED, as the form of the
 * text is not published. */
NTSTATUS NTAPI CredMarshalTargetInfo(PCREDENTIAL_TARGET_INFORMATIONW InTargetInfo, PUSHORT *Buffer, PULONG BufferSize);

/* The reverse, of the text at the end of Buffer.
 *
 *   RetTargetInfo   receives one block, LocalFree; may be NULL
 *   RetActualSize   receives how many bytes of Buffer it took; may be NULL
 *
 * STATUS_SUCCESS; STATUS_INVALID_PARAMETER when there is none; STATUS_NO_MEMORY; in this library STATUS_NOT_SUPPORTED. */
NTSTATUS NTAPI CredUnmarshalTargetInfo(PUSHORT Buffer, ULONG BufferSize, PCREDENTIAL_TARGET_INFORMATIONW *RetTargetInfo,
                                       PULONG RetActualSize);

#ifdef __cplusplus
}
#endif

#include "ntsecapi_kerberos.h"

#endif
