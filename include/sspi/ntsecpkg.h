/* ntsecpkg.h: what secur32 exports for system services: the call context of a thread, and a logon session's user.
 *
 * Sources: Microsoft Learn, SeciAllocateAndSetIPAddress, SeciFreeCallContext, GetSecurityUserInfo (which the SDK
 * declares nowhere, or for kernel code only). */
#ifndef __NTSECPKG_H__
#define __NTSECPKG_H__

#include "sspi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Names the peer's address for what this thread does next.
 *
 *   IPAddress, IPAddressLength   a struct sockaddr as accept() gives it; copied
 *   FreeCallContext              receives TRUE when SeciFreeCallContext has to be called before the thread goes on to
 *                                something else
 *
 * SEC_E_OK; SEC_E_INVALID_PARAMETER. */
SECURITY_STATUS SEC_ENTRY SeciAllocateAndSetIPAddress(PUCHAR IPAddress, ULONG IPAddressLength, PBOOL FreeCallContext);

/* The same for flags of the call. */
SECURITY_STATUS SEC_ENTRY SeciAllocateAndSetCallFlags(ULONG Flags, PBOOL FreeCallContext);

/* Forgets both. */
VOID SEC_ENTRY SeciFreeCallContext(void);

#define UNDERSTANDS_LONG_NAMES 1
#define NO_LONG_NAMES          2

typedef struct _SECURITY_USER_DATA {
    SECURITY_STRING UserName;
    SECURITY_STRING LogonDomainName;
    SECURITY_STRING LogonServer;
    PSID pSid; /* may be NULL */
} SECURITY_USER_DATA, *PSECURITY_USER_DATA, SecurityUserData, *PSecurityUserData;

/* The user of a logon session.
 *
 *   LogonId           NULL: this thread's
 *   Flags             UNDERSTANDS_LONG_NAMES
 *   UserInformation   receives one block: LsaFreeReturnBuffer
 *
 * STATUS_SUCCESS; STATUS_NO_SUCH_LOGON_SESSION; STATUS_INVALID_PARAMETER; STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS SEC_ENTRY GetSecurityUserInfo(PLUID LogonId, ULONG Flags, PSecurityUserData *UserInformation);

#ifdef __cplusplus
}
#endif

#endif
