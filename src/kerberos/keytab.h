/* A server's keys: a keytab, kept in memory and read again when its file changes, so that a new key version counts at once
 * and no context waits for a file.
 */
#ifndef OPENSSPI_KERBEROS_KEYTAB_H
#define OPENSSPI_KERBEROS_KEYTAB_H

#include <krb5.h>

#include "text/utf16.h"

struct keytab;

/* The keytab that policy names ([kerberos] keytab), KRB5_KTNAME, or libkrb5's default.  It need not be there yet.
 * `principal` (may be empty) is the one service whose keys count: "service/host" or "service/host@REALM".
 * SEC_E_INSUFFICIENT_MEMORY; SEC_E_TARGET_UNKNOWN: not the name of a service. */
STATUS keytab_open(struct utf16 principal, struct keytab **out);
void keytab_close(struct keytab *keytab); /* NULL is fine */

/* The keys as they are now, for one call; given back with krb5_kt_close().  `out_service` is NULL or borrowed from `keytab`.
 * SEC_E_NO_CREDENTIALS when the keytab is not there or cannot be read. */
STATUS keytab_use(struct keytab *keytab, krb5_context krb, krb5_keytab *out, krb5_principal *out_service);

/* What libkrb5 calls the keytab's source, for free().  SEC_E_NO_CREDENTIALS, SEC_E_INSUFFICIENT_MEMORY. */
STATUS keytab_source(struct keytab *keytab, krb5_context krb, char **out);

/* Whose ticket granting ticket its keys get, to be freed: the account in the service's realm, which is a name of one part
 * (Active Directory gives accounts tickets, and their services' names none), or else the service itself.
 * SEC_E_NO_CREDENTIALS, SEC_E_INSUFFICIENT_MEMORY. */
STATUS keytab_account(struct keytab *keytab, krb5_context krb, krb5_const_principal service, krb5_principal *out);

/* Some service's name, for a KRB-ERROR, to be freed; NULL when there is none. */
krb5_principal keytab_any_name(struct keytab *keytab, krb5_context krb);

#endif
