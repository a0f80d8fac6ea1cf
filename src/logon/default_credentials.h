/* The identity of a client that gave none: first the logon session in the kernel keyring (`sspi logon`), then the file
 * named by NTLM_USER_FILE, in that order.
 */
#ifndef OPENSSPI_LOGON_DEFAULT_CREDENTIALS_H
#define OPENSSPI_LOGON_DEFAULT_CREDENTIALS_H

#include "logon/identity.h"

/* Finds the default identity.  `principal` (may be empty) narrows the search in the file: DOMAIN\user, user@domain, user.
 * SEC_E_NO_CREDENTIALS when there is none.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS default_credentials(struct utf16 principal, struct identity *out);

/* The kernel keyring's logon session.  One key per user session: names and password or hash, never on disk.
 * store: SEC_E_INTERNAL_ERROR when the kernel refuses; load: SEC_E_NO_CREDENTIALS when nobody is logged on;
 * clear: SEC_E_NO_CREDENTIALS likewise. */
STATUS logon_session_store(const struct identity *identity, uint32_t lifetime_seconds);
STATUS logon_session_load(struct identity *out);
STATUS logon_session_clear(void);

#endif
