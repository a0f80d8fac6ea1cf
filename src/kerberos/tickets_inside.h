/* What the files of tickets.h share. */
#ifndef OPENSSPI_KERBEROS_TICKETS_INSIDE_H
#define OPENSSPI_KERBEROS_TICKETS_INSIDE_H

#include <sys/stat.h>
#include <time.h>

#include "kerberos/principals.h"
#include "kerberos/tickets.h"

#define BUCKETS 64

struct stamp {
    struct timespec modified;
    off_t size;
    ino_t inode;
    time_t seen; /* caches without a file: when they were believed last */
};

/* A cache that was replaced: another thread may still be reading it. */
struct outgrown {
    struct outgrown *next;
    char name[];
};

/* What changes is changed under library_lock(). */
struct tickets {
    atomic_uint references;
    struct ticket *buckets[BUCKETS];
    size_t count;
    struct stamp stamp;

    struct kdc_proxy *proxy; /* NULL: as krb5.conf and policy say */

    char *principal; /* whose cache to choose; NULL: the default cache */
    char *cache;     /* the cache of this object alone (MEMORY:...), NULL: none, or not yet */
    uint64_t expiry; /* of the ticket granting ticket in it */
    struct outgrown *outgrown;

    bool signs_in; /* with what is here; otherwise the tickets are there already */
    struct client_name name;
    struct secret secret;            /* the password, or the certificate's PIN; UTF-8 with its NUL */
    struct certificate *certificate; /* NULL: none */
    char *keytab;                    /* NULL: none */

    struct tickets
        *service; /* for a service in another's name: whose ticket granting ticket asks; held.  NULL: it is not that */
    bool to_self; /* S4U2self; else constrained delegation, with */
    struct secret evidence; /* the client's ticket */
};

STATUS tickets_new(struct tickets **out);

/* Takes the contents of `creds` over, whatever happens.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS tickets_make(krb5_context krb, krb5_creds *creds, const char *target, struct ticket **out);

/* Drops the tickets that are kept; under the lock. */
void tickets_forget(struct tickets *tickets);

/* A new cache in memory for this object alone; with a client it is ready to be filled.  `out_name` is the caller's. */
STATUS tickets_make_cache(krb5_context krb, krb5_principal client, char **out_name, krb5_ccache *out);
void tickets_destroy_cache(const char *name);

uint64_t tickets_time(krb5_timestamp when); /* FILETIME */
time_t tickets_seconds(void);               /* since some time in the past */

/* From the cache, and from a KDC where `options` (KRB5_GC_*) allow it; `target` NULL: the ticket granting ticket, `second`
 * NULL: not user-to-user. */
STATUS tickets_get_from(krb5_context krb, krb5_ccache cache, const char *target, const krb5_data *second,
                        krb5_flags options, struct ticket **out);

/* Is the ticket granting ticket that signing in gave still good? */
bool tickets_signed_in(struct tickets *tickets);

/* Asks a KDC for the ticket granting ticket; within a job.  The statuses of sign_in(). */
STATUS tickets_sign_in(struct tickets *tickets, krb5_context krb);

/* Constrained delegation; within a job.  SEC_E_DELEGATION_POLICY: the KDC does not let it; the statuses of tickets_get(). */
STATUS tickets_get_constrained(krb5_context krb, struct tickets *tickets, const char *target, struct ticket **out);

/* What the silence of the KDC that is asked for `target` is remembered by (kerberos/silence.h); `target` NULL: the ticket granting
 * ticket, `proxy` NULL: none. */
uint64_t tickets_silence_key(struct tickets *tickets, const char *target, const struct kdc_proxy *proxy);

/* S4U2self for tickets->name; within a job.  The statuses of tickets_get_for(). */
STATUS tickets_get_to_self(krb5_context krb, struct tickets *tickets, struct ticket **out);

/* From a KDC, in time (library_run()), signing in first where that is due. */
STATUS tickets_ask(struct tickets *tickets, const char *target, struct bytes second, struct ticket **out);

#endif
