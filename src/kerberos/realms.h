/* The realm behind a domain's NetBIOS name.
 *
 * Windows asks its domain controller; here the answer comes from, in this order: [kerberos] realms of the policy; the name itself,
 * if krb5.conf(5) has a realm or a host of that name ([realms], [domain_realm]); the default realm, and then the realms of
 * krb5.conf(5), whose first label is the name; the DNS domain of this machine, if the name is that of its domain ([names]).
 */
#ifndef OPENSSPI_KERBEROS_REALMS_H
#define OPENSSPI_KERBEROS_REALMS_H

#include <krb5.h>

/* For a name without a dot.  *out_realm is owned by the caller, and NULL where nothing is known: the name itself is the realm
 * then.  libkrb5's codes. */
krb5_error_code realm_of_domain(krb5_context krb, const char *domain, char **out_realm);

#endif
