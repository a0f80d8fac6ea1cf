/* Who somebody is, and his name in each of the forms that EXTENDED_NAME_FORMAT has (secext.h): between the functions that
 * are asked and the directories that know (logon/directory.h). */
#ifndef OPENSSPI_API_ACCOUNT_NAMES_H
#define OPENSSPI_API_ACCOUNT_NAMES_H

#include "logon/directory.h"
#include "secext.h"
#include "text/utf16.h"

#define ACCOUNT_FORM_BYTES (2 * DIRECTORY_UPN) /* of UTF-8, the NUL with it: any form */

/* The forms below answer ERROR_SUCCESS with the name, or the error: ERROR_NONE_MAPPED, where there is no such form of it or
 * nobody can tell; ERROR_NO_SUCH_DOMAIN, where whoever could tell does not answer.
 *
 * account_current: of whom this thread impersonates, else who logged on (`sspi logon`), else the login.  The default Kerberos
 * tickets tell the user principal name, and the DNS domain, of somebody who is in no domain otherwise. */
DWORD account_current(EXTENDED_NAME_FORMAT format, char out[ACCOUNT_FORM_BYTES]);

/* Of this computer's account: as policy says, or winbindd, or the keytab.  ERROR_CANT_ACCESS_DOMAIN_INFO: none does. */
DWORD account_computer(EXTENDED_NAME_FORMAT format, char out[ACCOUNT_FORM_BYTES]);

/* Another form of `name`, which is of the form `from` (NameUnknown: by its looks), after looking it up.
 * ERROR_NO_SUCH_DOMAIN also for a domain that nobody knows. */
DWORD account_translate(struct utf16 name, EXTENDED_NAME_FORMAT from, EXTENDED_NAME_FORMAT to,
                        char out[ACCOUNT_FORM_BYTES]);

/* Looks up an account by DOMAIN\user, user@domain or the text of its SID: ERROR_SUCCESS, ERROR_NONE_MAPPED,
 * ERROR_NO_SUCH_DOMAIN. */
DWORD account_find(struct utf16 name, struct directory_entry *out);

#endif
