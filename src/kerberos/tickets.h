/* Where a client's tickets come from: a credential cache that is there already (of every type libkrb5 has), or a password.
 *
 * Tickets that were used are kept here, decoded, so that a further context to the same service asks neither the cache nor a
 * KDC.  They are dropped when the cache changes under them.  Objects are shared: a credential, an impersonation token and a
 * context may hold one.
 */
#ifndef OPENSSPI_KERBEROS_TICKETS_H
#define OPENSSPI_KERBEROS_TICKETS_H

#include <krb5.h>
#include <stdatomic.h>

#include "base/bytes.h"
#include "kerberos/configuration.h"
#include "kerberos/keytab.h"
#include "logon/identity.h"
#include "text/utf16.h"

struct tickets;

/* A service ticket with its session key; immutable, counted. */
struct ticket {
    atomic_uint references;
    struct ticket *next;
    krb5_creds creds;
    char target[]; /* as it was asked for */
};

/* The default credentials, or those of `principal` (may be empty) among the caches there are.  Nothing is looked at yet: a
 * user may sign in later (observed on Windows).  SEC_E_INSUFFICIENT_MEMORY. */
STATUS tickets_open_default(struct utf16 principal, struct tickets **out);

/* A user and a password: "user@REALM", DOMAIN and user, "DOMAIN\user", or a user of the default realm.  The password stays
 * here, and is used when the first ticket is asked for.  SEC_E_UNKNOWN_CREDENTIALS: names that cannot be ones. */
STATUS tickets_open_password(const struct identity *identity, struct tickets **out);

/* A certificate that an identity names by its hash (CredMarshalCredential), with its PIN; whom it names signs in.
 * SEC_E_UNKNOWN_CREDENTIALS: there is no such one in the store MY, or it names nobody; SEC_E_NO_CREDENTIALS: it has no key. */
STATUS tickets_open_certificate(const struct identity *identity, struct tickets **out);

/* That certificate in DER, borrowed; SEC_E_NO_CREDENTIALS: there is none. */
STATUS tickets_certificate(const struct tickets *tickets, struct bytes *out);

/* A user without a password: among the caches there are.  The statuses of tickets_open_password. */
STATUS tickets_open_user(const struct identity *identity, struct tickets **out);

/* Credentials that a client forwarded (KRB-CRED): takes them over into a cache of this process.  `creds` ends with NULL.
 * SEC_E_INSUFFICIENT_MEMORY, SEC_E_INVALID_TOKEN. */
STATUS tickets_open_forwarded(krb5_context krb, krb5_creds **creds, struct tickets **out);

/* A server's, in the name of a client who forwarded them or who is acted for (S4U). */
bool tickets_are_a_clients(const struct tickets *tickets);

/* A service's own, by its keytab; it signs in when they are needed.  The statuses of keytab_account(). */
STATUS tickets_open_service(krb5_context krb, struct keytab *keytab, krb5_const_principal service,
                            struct tickets **out);
bool tickets_are_of_realm(const struct tickets *tickets, krb5_const_principal service);

/* What a service gets in the name of a client whose ticket it has (S4U2proxy, MS-SFU 3.1.5.2): `evidence` is that ticket, which is
 * good until `end`.  Whether it gets any is for the KDC to say.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS tickets_open_constrained(krb5_context krb, struct tickets *service, krb5_const_principal client,
                                krb5_timestamp end, struct bytes evidence, struct tickets **out);

/* Do they come from this keytab, by libkrb5's name? */
bool tickets_are_from(const struct tickets *tickets, const char *keytab);

/* A ticket for the service itself, in the name of a user that is only named (S4U2self, MS-SFU 3.1.5.1): what the KDC says of him stands in
 * it.  SEC_E_LOGON_DENIED: there is no such user, or he may not log on, or the service itself may not;
 * SEC_E_UNKNOWN_CREDENTIALS: names that cannot be ones; SEC_E_UNSUPPORTED_FUNCTION: libkrb5 cannot; the statuses of tickets_get(). */
STATUS tickets_get_for(struct tickets *service, const struct identity *user, struct ticket **out);

struct tickets *tickets_hold(struct tickets *tickets);
void tickets_drop(struct tickets *tickets); /* NULL is fine */

/* From now on KDCs are reached through this proxy, which is taken over; NULL: as krb5.conf and policy say. */
void tickets_set_proxy(struct tickets *tickets, struct kdc_proxy *proxy);

/* The proxy for a call of a KDC, for free(); NULL: none.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS tickets_proxy(struct tickets *tickets, struct kdc_proxy **out);

/* Whose they are, "user@REALM"; owned by the caller.  SEC_E_NO_CREDENTIALS when there is no cache. */
STATUS tickets_name(struct tickets *tickets, struct utf16 *out);

/* When the ticket granting ticket ends, FILETIME; CLOCK_NEVER when nothing is known without asking anybody. */
uint64_t tickets_expiry(struct tickets *tickets);

/* A ticket for the service, from here, from the cache or from a KDC; counted for the caller.  `second` is the peer's ticket
 * granting ticket for user-to-user, empty otherwise.
 * SEC_E_NO_CREDENTIALS, SEC_E_TARGET_UNKNOWN, SEC_E_LOGON_DENIED (the password), SEC_E_NO_AUTHENTICATING_AUTHORITY,
 * SEC_E_TIME_SKEW, SEC_E_KDC_UNKNOWN_ETYPE and what else library_status() knows. */
STATUS tickets_get(struct tickets *tickets, struct utf16 target, struct bytes second, struct ticket **out);

/* The ticket granting ticket itself, for user-to-user's other side.  The statuses of tickets_get. */
STATUS tickets_get_tgt(struct tickets *tickets, struct ticket **out);

/* Opens the cache for a call of libkrb5 that needs it (forwarding); closed by the caller with krb5_cc_close(). */
STATUS tickets_cache(struct tickets *tickets, krb5_context krb, krb5_ccache *out);

struct ticket *ticket_hold(struct ticket *ticket);
void ticket_drop(struct ticket *ticket); /* NULL is fine */

#endif
