/* port_token.h: who an access token stands for.  Include windows.h.
 *
 * A token of this library names an account and carries no rights.  Its SID and its groups are those that the domain told
 * (SspiExtQueryToken: Kerberos with a PAC); else the SID is what the machine's directories know (SspiExtFindAccount).  Where
 * nobody tells, it is made from the account's name: the same in every process, the same for every spelling of the name, and
 * known to nobody outside this kit.  Each is turned back into the name by LookupAccountSid in the process that has seen the
 * account.
 *
 * Sources: Microsoft Learn, the pages of the same names; MS-DTYP 2.4.2. */
#ifndef _SSPI_PORT_TOKEN_H_
#define _SSPI_PORT_TOKEN_H_

#include "../windows.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SID_REVISION            1
#define SID_MAX_SUB_AUTHORITIES 15
#define SECURITY_MAX_SID_SIZE   68
/* clang-format off */
#define SECURITY_WORLD_SID_AUTHORITY {{0, 0, 0, 0, 0, 1}}
#define SECURITY_NT_AUTHORITY        {{0, 0, 0, 0, 0, 5}}
/* clang-format on */
#define SECURITY_WORLD_RID              0
#define SECURITY_NETWORK_RID            2
#define SECURITY_ANONYMOUS_LOGON_RID    7
#define SECURITY_AUTHENTICATED_USER_RID 11
#define SECURITY_BUILTIN_DOMAIN_RID     0x20
#define DOMAIN_ALIAS_RID_ADMINS         0x220
#define DOMAIN_ALIAS_RID_USERS          0x221
#define DOMAIN_ALIAS_RID_GUESTS         0x222

typedef struct _SID_IDENTIFIER_AUTHORITY {
    BYTE Value[6];
} SID_IDENTIFIER_AUTHORITY, *PSID_IDENTIFIER_AUTHORITY;

typedef struct _SID {
    BYTE Revision;
    BYTE SubAuthorityCount;
    SID_IDENTIFIER_AUTHORITY IdentifierAuthority;
    DWORD SubAuthority[ANYSIZE_ARRAY];
} SID, *PISID;

typedef enum _SID_NAME_USE {
    SidTypeUser = 1,
    SidTypeGroup,
    SidTypeDomain,
    SidTypeAlias,
    SidTypeWellKnownGroup,
    SidTypeDeletedAccount,
    SidTypeInvalid,
    SidTypeUnknown,
    SidTypeComputer
} SID_NAME_USE,
    *PSID_NAME_USE;

typedef struct _TOKEN_USER {
    SID_AND_ATTRIBUTES User;
} TOKEN_USER, *PTOKEN_USER;

#define SE_GROUP_MANDATORY          0x00000001
#define SE_GROUP_ENABLED_BY_DEFAULT 0x00000002
#define SE_GROUP_ENABLED            0x00000004

typedef enum _TOKEN_INFORMATION_CLASS {
    TokenUser = 1,
    TokenGroups = 2
} TOKEN_INFORMATION_CLASS,
    *PTOKEN_INFORMATION_CLASS;

#define TOKEN_DUPLICATE    0x0002
#define TOKEN_IMPERSONATE  0x0004
#define TOKEN_QUERY        0x0008
#define TOKEN_QUERY_SOURCE 0x0010

#define ERROR_INVALID_SID        1337
#define ERROR_CANNOT_IMPERSONATE 1368

/* What OpenThreadToken takes: the calling thread. */
HANDLE WINAPI GetCurrentThread(void);

/* The token this thread impersonates (ImpersonateSecurityContext), for CloseHandle.
 *
 *   ThreadHandle              GetCurrentThread()
 *   DesiredAccess, OpenAsSelf are not looked at
 *
 * TRUE; FALSE with ERROR_NO_TOKEN when it impersonates nobody, ERROR_INVALID_HANDLE for another thread. */
BOOL WINAPI OpenThreadToken(HANDLE ThreadHandle, DWORD DesiredAccess, BOOL OpenAsSelf, PHANDLE TokenHandle);

/* Makes this thread impersonate the token's user, and nobody any more.
 *
 * TRUE; FALSE with ERROR_INVALID_HANDLE, ERROR_CANNOT_IMPERSONATE. */
BOOL WINAPI ImpersonateLoggedOnUser(HANDLE hToken);
BOOL WINAPI RevertToSelf(void);

/* The token's user (TokenUser) or groups (TokenGroups).  The groups are those that the domain told, Everyone and NETWORK,
 * and Authenticated Users unless the token is anonymous's.
 *
 * TRUE; FALSE with ERROR_INSUFFICIENT_BUFFER and the size in *ReturnLength, ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER
 * (another class), ERROR_NOT_ENOUGH_MEMORY. */
BOOL WINAPI GetTokenInformation(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
                                LPVOID TokenInformation, DWORD TokenInformationLength, PDWORD ReturnLength);

/* Whether the user or a group of the token is this SID; TokenHandle NULL: of the token this thread impersonates, or of the
 * process' user.
 *
 * TRUE with the answer; FALSE with ERROR_INVALID_HANDLE, ERROR_INVALID_SID, ERROR_INVALID_PARAMETER. */
BOOL WINAPI CheckTokenMembership(HANDLE TokenHandle, PSID SidToCheck, PBOOL IsMember);

/* The name of a SID that this process has seen, of a well-known one, or of one that the machine's directories know
 * (SspiExtFindAccount).  Sizes as for LookupAccountName.
 *
 * TRUE; FALSE with ERROR_NONE_MAPPED, ERROR_INSUFFICIENT_BUFFER, ERROR_INVALID_SID, ERROR_INVALID_PARAMETER. */
BOOL WINAPI LookupAccountSidA(LPCSTR lpSystemName, PSID Sid, LPSTR Name, LPDWORD cchName, LPSTR ReferencedDomainName,
                              LPDWORD cchReferencedDomainName, PSID_NAME_USE peUse);
BOOL WINAPI LookupAccountSidW(LPCWSTR lpSystemName, PSID Sid, LPWSTR Name, LPDWORD cchName, LPWSTR ReferencedDomainName,
                              LPDWORD cchReferencedDomainName, PSID_NAME_USE peUse);

/* The SID of DOMAIN\user or user@domain as the machine's directories know it (SspiExtFindAccount), or that of a well-known name
 * ("Everyone").  Where nobody knows the domain the SID is made from the name DOMAIN\user, and nobody says whether there is such
 * an account.
 *
 *   cbSid, cchReferencedDomainName   in: the room; out: what was written (characters without the NUL), or what is wanted
 *                                    (with it) where the room was too small
 *
 * TRUE; FALSE with ERROR_NONE_MAPPED (no such account; a name without a domain that is not well-known), ERROR_INSUFFICIENT_BUFFER,
 * ERROR_INVALID_PARAMETER. */
BOOL WINAPI LookupAccountNameA(LPCSTR lpSystemName, LPCSTR lpAccountName, PSID Sid, LPDWORD cbSid,
                               LPSTR ReferencedDomainName, LPDWORD cchReferencedDomainName, PSID_NAME_USE peUse);
BOOL WINAPI LookupAccountNameW(LPCWSTR lpSystemName, LPCWSTR lpAccountName, PSID Sid, LPDWORD cbSid,
                               LPWSTR ReferencedDomainName, LPDWORD cchReferencedDomainName, PSID_NAME_USE peUse);

/* A SID of up to eight parts, for FreeSid.  FALSE with ERROR_INVALID_SID, ERROR_NOT_ENOUGH_MEMORY. */
BOOL WINAPI AllocateAndInitializeSid(PSID_IDENTIFIER_AUTHORITY pIdentifierAuthority, BYTE nSubAuthorityCount,
                                     DWORD nSubAuthority0, DWORD nSubAuthority1, DWORD nSubAuthority2,
                                     DWORD nSubAuthority3, DWORD nSubAuthority4, DWORD nSubAuthority5,
                                     DWORD nSubAuthority6, DWORD nSubAuthority7, PSID *pSid);
PVOID WINAPI FreeSid(PSID pSid); /* NULL */

BOOL WINAPI IsValidSid(PSID pSid);
BOOL WINAPI EqualSid(PSID pSid1, PSID pSid2);
DWORD WINAPI GetLengthSid(PSID pSid);
BOOL WINAPI CopySid(DWORD nDestinationSidLength, PSID pDestinationSid, PSID pSourceSid);

/* The user's name, without the domain: whom this thread impersonates, else who logged on, else the login.
 *
 *   pcbBuffer   in: the room in characters; out: the characters with the NUL
 *
 * TRUE; FALSE with ERROR_INSUFFICIENT_BUFFER, ERROR_INVALID_PARAMETER, or what GetUserNameEx says. */
BOOL WINAPI GetUserNameA(LPSTR lpBuffer, LPDWORD pcbBuffer);
BOOL WINAPI GetUserNameW(LPWSTR lpBuffer, LPDWORD pcbBuffer);

typedef enum _COMPUTER_NAME_FORMAT {
    ComputerNameNetBIOS,
    ComputerNameDnsHostname,
    ComputerNameDnsDomain,
    ComputerNameDnsFullyQualified,
    ComputerNamePhysicalNetBIOS,
    ComputerNamePhysicalDnsHostname,
    ComputerNamePhysicalDnsDomain,
    ComputerNamePhysicalDnsFullyQualified,
    ComputerNameMax
} COMPUTER_NAME_FORMAT;

/* This computer's name.
 *
 *   nSize   in: the room in characters; out: the characters without the NUL, or with it where the room was too small
 *
 * TRUE; FALSE with ERROR_MORE_DATA, ERROR_INVALID_PARAMETER. */
BOOL WINAPI GetComputerNameExA(COMPUTER_NAME_FORMAT NameType, LPSTR lpBuffer, LPDWORD nSize);
BOOL WINAPI GetComputerNameExW(COMPUTER_NAME_FORMAT NameType, LPWSTR lpBuffer, LPDWORD nSize);

#ifdef UNICODE
#define LookupAccountSid  LookupAccountSidW
#define LookupAccountName LookupAccountNameW
#define GetUserName       GetUserNameW
#define GetComputerNameEx GetComputerNameExW
#else
#define LookupAccountSid  LookupAccountSidA
#define LookupAccountName LookupAccountNameA
#define GetUserName       GetUserNameA
#define GetComputerNameEx GetComputerNameExA
#endif

#ifdef __cplusplus
}
#endif

#endif
