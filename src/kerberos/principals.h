/* Names: SSPI's targets and users as Kerberos principals, and back.
 *
 *   service/host[:port][/name][@REALM]   as it stands; without a realm: the host's, or where the client's KDC refers to
 *   user@realm                           a user, for user-to-user
 *   DOMAIN\user                          the same; a NetBIOS name stands for its realm (realms.h)
 *   name                                 an account of the default realm
 */
#ifndef OPENSSPI_KERBEROS_PRINCIPALS_H
#define OPENSSPI_KERBEROS_PRINCIPALS_H

#include <krb5.h>

#include "logon/identity.h"
#include "text/utf16.h"

/* A user as an identity names one; UTF-8, owned. */
struct client_name {
    char *user;
    char *realm;     /* NULL: the default realm */
    bool enterprise; /* user@suffix was given: the suffix need not be a realm */
};

/* SEC_E_UNKNOWN_CREDENTIALS: no user, or a NUL in a name; SEC_E_INSUFFICIENT_MEMORY. */
STATUS client_name_parse(const struct identity *identity, struct client_name *out);

/* A name that is known already, and is taken over. */
void client_name_take(char *user, char *realm, bool enterprise, struct client_name *out);
void client_name_free(struct client_name *name);

/* The principal; libkrb5's codes. */
krb5_error_code client_name_plain(krb5_context krb, const struct client_name *name, krb5_principal *out);
krb5_error_code client_name_enterprise(krb5_context krb, const struct client_name *name, krb5_principal *out);

krb5_error_code target_parse(krb5_context krb, const char *target, krb5_principal *out);
krb5_error_code target_tgt(krb5_context krb, krb5_const_principal client, krb5_principal *out);

/* Service and host have no case on Windows, and have one in other KDCs: gives `service` the usual spelling (HTTP, host;
 * the host's name in lower case), for one more question where the KDC knows no such service.  False: it had it. */
bool target_respell(krb5_principal service);

/* "user@REALM", owned by the caller. */
STATUS principal_text(krb5_context krb, krb5_const_principal principal, struct utf16 *out);

/* "REALM\user", owned by the caller: what SECPKG_ATTR_NAMES says where no PAC names the domain. */
STATUS principal_account(krb5_context krb, krb5_const_principal principal, struct utf16 *out);

#endif
