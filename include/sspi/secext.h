/* secext.h: the names of the current user and of this computer, and their other forms.
 *
 * Sources: Microsoft Learn, GetUserNameEx, GetComputerObjectName, TranslateName, EXTENDED_NAME_FORMAT.
 *
 * Sizes count characters.  On input *nSize is the room, the NUL included.  On success the functions return TRUE and the
 * length without the NUL (TranslateName: with it).  When the room is too small they return FALSE, GetLastError() is
 * ERROR_MORE_DATA (GetUserNameEx) or ERROR_INSUFFICIENT_BUFFER (the others), *nSize is the room that is wanted and the
 * buffer is left alone (observed on Windows). */
#ifndef __SECEXT_H__
#define __SECEXT_H__

#include "windows.h"

#ifndef SEC_ENTRY
#define SEC_ENTRY WINAPI
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    NameUnknown = 0,
    NameFullyQualifiedDN = 1,  /* CN=Jeff Smith,OU=Users,DC=engineering,DC=example,DC=com */
    NameSamCompatible = 2,     /* ENGINEERING\jsmith */
    NameDisplay = 3,           /* Jeff Smith */
    NameUniqueId = 6,          /* {4fa050f0-f561-11cf-bdd9-00aa003a77b6} */
    NameCanonical = 7,         /* engineering.example.com/users/Jeff Smith */
    NameUserPrincipal = 8,     /* jsmith@engineering.example.com */
    NameCanonicalEx = 9,       /* as NameCanonical, with a newline before the last part */
    NameServicePrincipal = 10, /* www/www.example.com@example.com */
    NameDnsDomain = 12,        /* engineering.example.com\jsmith */
    NameGivenName = 13,        /* Jeff */
    NameSurname = 14           /* Smith */
} EXTENDED_NAME_FORMAT,
    *PEXTENDED_NAME_FORMAT;

/* The name of the user this thread acts for: whom it impersonates, else who logged on (`sspi logon`), else the login.
 *
 *   NameFormat     NameSamCompatible works always.  NameUserPrincipal, NameDnsDomain and NameDisplay are what the client's domain
 *                  has told, the default Kerberos tickets, winbind, NSS and /etc/passwd; the other forms only a
 *                  directory's objects have
 *   lpNameBuffer   may be NULL when *nSize is 0
 *
 * TRUE; FALSE with ERROR_MORE_DATA, ERROR_NO_SUCH_USER (NameUnknown), ERROR_NONE_MAPPED (no name of this form),
 * ERROR_NO_SUCH_DOMAIN (nobody to ask, or nobody who answers in time), ERROR_INVALID_PARAMETER (no such form). */
BOOLEAN SEC_ENTRY GetUserNameExA(EXTENDED_NAME_FORMAT NameFormat, LPSTR lpNameBuffer, PULONG nSize);
BOOLEAN SEC_ENTRY GetUserNameExW(EXTENDED_NAME_FORMAT NameFormat, LPWSTR lpNameBuffer, PULONG nSize);

/* The name of this computer's account in its domain: as the policy says it ([names]), or winbind, or the keytab.
 *
 *   NameFormat     NameSamCompatible, NameUserPrincipal, NameDnsDomain; NameDisplay if winbind knows it
 *
 * TRUE; FALSE with ERROR_INSUFFICIENT_BUFFER, ERROR_CANT_ACCESS_DOMAIN_INFO (not in a domain), ERROR_NONE_MAPPED,
 * ERROR_INVALID_PARAMETER (NameUnknown, and no such form). */
BOOLEAN SEC_ENTRY GetComputerObjectNameA(EXTENDED_NAME_FORMAT NameFormat, LPSTR lpNameBuffer, PULONG nSize);
BOOLEAN SEC_ENTRY GetComputerObjectNameW(EXTENDED_NAME_FORMAT NameFormat, LPWSTR lpNameBuffer, PULONG nSize);

/* Another form of the name of an account, or of a domain ("DOM\\", "dom.example.com/"), which is looked up.
 *
 *   AccountNameFormat     of lpAccountName; NameUnknown: by its looks
 *   DesiredNameFormat     of the answer
 *   lpTranslatedName      NULL: only the size is wanted
 *
 * TRUE; FALSE with ERROR_INSUFFICIENT_BUFFER, ERROR_NONE_MAPPED (no such account, or no such form of its name),
 * ERROR_NO_SUCH_DOMAIN (nobody who answers knows the domain), ERROR_INVALID_PARAMETER. */
BOOLEAN SEC_ENTRY TranslateNameA(LPCSTR lpAccountName, EXTENDED_NAME_FORMAT AccountNameFormat,
                                 EXTENDED_NAME_FORMAT DesiredNameFormat, LPSTR lpTranslatedName, PULONG nSize);
BOOLEAN SEC_ENTRY TranslateNameW(LPCWSTR lpAccountName, EXTENDED_NAME_FORMAT AccountNameFormat,
                                 EXTENDED_NAME_FORMAT DesiredNameFormat, LPWSTR lpTranslatedName, PULONG nSize);

#ifdef UNICODE
#define GetUserNameEx         GetUserNameExW
#define GetComputerObjectName GetComputerObjectNameW
#define TranslateName         TranslateNameW
#else
#define GetUserNameEx         GetUserNameExA
#define GetComputerObjectName GetComputerObjectNameA
#define TranslateName         TranslateNameA
#endif

#ifdef __cplusplus
}
#endif

#endif
