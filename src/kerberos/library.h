/* libkrb5 in this process: its contexts, its errors, and calls of it that may take long.
 *
 * A krb5_context is good for one thread at a time and costs a reading of the configuration, so each thread has one, made
 * when it is first needed.  When a configuration file or KRB5_CONFIG changes, each thread makes a new one in its next call.
 * What contexts make (credentials, caches, keytabs, keys) belongs to no context and crosses threads.
 */
#ifndef OPENSSPI_KERBEROS_LIBRARY_H
#define OPENSSPI_KERBEROS_LIBRARY_H

#include <krb5.h>
#include <pthread.h>

#include "base/status.h"
#include "kerberos/configuration.h"

/* The calling thread's context; borrowed until the call of the API ends.  SEC_E_INTERNAL_ERROR when the configuration
 * cannot be read, SEC_E_INSUFFICIENT_MEMORY. */
STATUS library_context(krb5_context *out);

/* A number that changes with the configuration, as it was when it was looked at last. */
unsigned long library_generation(void);

/* At the beginning of a call, while nobody has the thread's context: gives up one whose configuration has changed. */
void library_refresh(void);

/* A context that nobody else has, with the same configuration as the calling thread's, for changes that would stay in it; krb5_free_context(). */
STATUS library_own_context(krb5_context *out);

/* Looks at the configuration now, where otherwise it is looked at once a second: for a new credential. */
void library_look(void);

/* A lock for an object of ours, shared by a few: fork() waits for all of them, so that a child never finds one taken by a thread
 * that it does not have.  Held for moments, never over a call of a KDC, and one at a time. */
pthread_mutex_t *library_lock(const void *object);

/* May a session have a key of this type?  Those that per-message tokens are made with here, and policy allows. */
bool library_enctype_is_ours(krb5_enctype type);

/* libkrb5 uses keys of those types alone, whatever they are for; or all that krb5.conf(5) permits (permitted_enctypes), for a call that
 * opens a ticket: the caller restricts them again. */
void library_restrict_enctypes(krb5_context krb);
void library_widen_enctypes(krb5_context krb);

/* KRB_AP_ERR_USER_TO_USER_REQUIRED (RFC 4120 7.5.9), for which libkrb5 has no name. */
#define LIBRARY_USER_TO_USER_REQUIRED ((krb5_error_code)(ERROR_TABLE_BASE_krb5 + 69))

/* Which side of an exchange an error is judged from: what the client could not get, or what it brought. */
enum library_side { LIBRARY_CLIENT, LIBRARY_SERVER };

/* The SEC_E_* code for one of libkrb5's. */
SECURITY_STATUS library_status(enum library_side side, krb5_error_code code);

/* Refuses with that code, and libkrb5's own words as the reason. */
SECURITY_STATUS library_fail_at(krb5_context krb, enum library_side side, krb5_error_code code, const char *file,
                                int line) __attribute__((cold, noinline));

#define LIBRARY_TRY(krb, side, call)                                                                                   \
    do {                                                                                                               \
        krb5_error_code library_code_ = (call);                                                                        \
        if (__builtin_expect(library_code_ != 0, 0)) {                                                                 \
            return library_fail_at((krb), (side), library_code_, __FILE__, __LINE__);                                  \
        }                                                                                                              \
    } while (0)

/* Work that may wait for a KDC.  It runs in a thread of its own with that thread's context, and is left behind when it takes
 * longer than the policy's kdc-timeout: libkrb5 itself tries for minutes.  So everything it uses belongs to it. */
struct library_job {
    SECURITY_STATUS (*run)(struct library_job *job, krb5_context krb);
    void (*dispose)(struct library_job *job); /* when the last of the two sides is done with it */
    struct kdc_proxy *proxy;                  /* owned by the job; NULL: the policy's, or none */
    bool for_client;                          /* a server's, in the name of a client: fewer of these may hang at once */

    /* library_run()'s own. */
    unsigned references;
    bool done;
    SECURITY_STATUS status;
    char reason[256];
};

/* Runs it and waits.  Whatever the outcome, the caller calls library_job_drop() once afterwards; results are read before
 * that, and only after SEC_E_OK.  SEC_E_NO_AUTHENTICATING_AUTHORITY when the time is over, or when too many calls hang
 * already (for clients a quarter of what there is, for a client may choose a KDC that keeps silent);
 * SEC_E_INSUFFICIENT_MEMORY; what `run` answers. */
STATUS library_run(struct library_job *job);
void library_job_drop(struct library_job *job);

#endif
