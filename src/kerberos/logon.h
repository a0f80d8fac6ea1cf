/* What the client's KDC tells a server of it beside its name: the PAC in the ticket (MS-PAC), once its signature is checked. */
#ifndef OPENSSPI_KERBEROS_LOGON_H
#define OPENSSPI_KERBEROS_LOGON_H

#include <krb5.h>

#include "base/bytes.h"
#include "base/status.h"
#include "text/utf16.h"

/* In one allocation, for free(). */
struct kerberos_logon {
    uint64_t password_expiry, logoff; /* FILETIME; CLOCK_NEVER */
    uint32_t user_flags;
    uint32_t upn_size, dns_size, sids_size;
    uint8_t parts[]; /* the user principal name, the DNS domain, SIDs as sid_list_next() reads them */
};

struct utf16 logon_upn(const struct kerberos_logon *logon);
struct utf16 logon_dns_domain(const struct kerberos_logon *logon);
struct bytes logon_sids(const struct kerberos_logon *logon);

/* SEC_E_INSUFFICIENT_MEMORY. */
STATUS logon_new(const struct kerberos_logon *from, struct utf16 upn, struct utf16 dns_domain, struct bytes sids,
                 struct kerberos_logon **out);

/* With which key the ticket was opened, and so the PAC was signed. */
struct logon_keys {
    krb5_keytab keytab;           /* the service's, or NULL and */
    const krb5_keyblock *session; /* that of the server's own ticket granting ticket (user-to-user) */
};

/* The PAC of a ticket that was opened.  *out is NULL, and *out_account empty, where there is none, or one that tells nothing
 * (MIT's KDCs).  *out_account is "DOMAIN\user", owned by the caller.
 * SEC_E_LOGON_DENIED: one that is not signed with the server's key, or that is another client's or another logon's (MS-KILE
 * 3.4.5.3); SEC_E_INVALID_TOKEN: one that is signed and cannot be read; SEC_E_INSUFFICIENT_MEMORY. */
STATUS logon_of_ticket(krb5_context krb, const krb5_ticket *ticket, const struct logon_keys *keys,
                       struct utf16 *out_account, struct kerberos_logon **out);

/* Does policy let in a client of whom this is known, or NULL?  SEC_E_LOGON_DENIED. */
STATUS logon_suffices(const struct kerberos_logon *logon);

#endif
