#include "kerberos/tickets.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/trace.h"
#include "kerberos/library.h"
#include "kerberos/principals.h"
#include "text/names.h"

#define BUCKETS         64
#define TICKETS_MAX     4096 /* kept here; beyond, all are dropped and begun anew */
#define RECHECK_SECONDS 10   /* how long caches that have no file are believed */
#define SILENCE_SECONDS 10   /* how long a KDC that could not be reached is not asked again */
#define UNIX_EPOCH      UINT64_C(116444736000000000)

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

    time_t unreachable; /* when no KDC could be reached last; 0: they could */

    char *principal; /* whose cache to choose; NULL: the default cache */
    char *cache;     /* the cache of this object alone (MEMORY:...), NULL: none, or not yet */
    uint64_t expiry; /* of the ticket granting ticket in it */
    struct outgrown *outgrown;

    bool has_password;
    struct client_name name;
    struct secret password; /* UTF-8 with its NUL */
};

/* ---------------------------------------------------------------- tickets */

struct ticket *ticket_hold(struct ticket *ticket)
{
    atomic_fetch_add_explicit(&ticket->references, 1, memory_order_relaxed);
    return ticket;
}

void ticket_drop(struct ticket *ticket)
{
    if (ticket != NULL && atomic_fetch_sub_explicit(&ticket->references, 1, memory_order_acq_rel) == 1) {
        krb5_free_cred_contents(NULL, &ticket->creds);
        free(ticket);
    }
}

/* Takes the contents of `creds` over, whatever happens. */
static SECURITY_STATUS ticket_new(krb5_context krb, krb5_creds *creds, const char *target, struct ticket **out)
{
    size_t size = strlen(target) + 1;
    struct ticket *ticket = malloc(sizeof *ticket + size);
    if (ticket == NULL) {
        krb5_free_cred_contents(krb, creds);
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "out of memory for a ticket");
    }
    atomic_init(&ticket->references, 1);
    ticket->next = NULL;
    ticket->creds = *creds;
    memcpy(ticket->target, target, size);
    *creds = (krb5_creds){0};
    *out = ticket;
    return SEC_E_OK;
}

static size_t bucket_of(const char *target)
{
    uint32_t hash = UINT32_C(2166136261);
    for (; *target != '\0'; target++) {
        hash = (hash ^ (uint8_t)*target) * UINT32_C(16777619);
    }
    return hash % BUCKETS;
}

static void forget_all(struct tickets *tickets)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        while (tickets->buckets[i] != NULL) {
            struct ticket *ticket = tickets->buckets[i];
            tickets->buckets[i] = ticket->next;
            ticket_drop(ticket);
        }
    }
    tickets->count = 0;
}

/* ---------------------------------------------------------------- the object */

static SECURITY_STATUS tickets_new(struct tickets **out)
{
    struct tickets *tickets = calloc(1, sizeof *tickets);
    REQUIRE(tickets != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for Kerberos credentials");
    atomic_init(&tickets->references, 1);
    *out = tickets;
    return SEC_E_OK;
}

struct tickets *tickets_hold(struct tickets *tickets)
{
    atomic_fetch_add_explicit(&tickets->references, 1, memory_order_relaxed);
    return tickets;
}

static void destroy_cache(const char *name)
{
    krb5_context krb;
    krb5_ccache cache = NULL;
    if (library_context(&krb) >= 0 && krb5_cc_resolve(krb, name, &cache) == 0) {
        (void)krb5_cc_destroy(krb, cache);
    }
}

void tickets_drop(struct tickets *tickets)
{
    if (tickets == NULL || atomic_fetch_sub_explicit(&tickets->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    forget_all(tickets);
    if (tickets->cache != NULL) {
        destroy_cache(tickets->cache);
    }
    while (tickets->outgrown != NULL) {
        struct outgrown *outgrown = tickets->outgrown;
        tickets->outgrown = outgrown->next;
        destroy_cache(outgrown->name);
        free(outgrown);
    }
    free(tickets->cache);
    free(tickets->principal);
    client_name_free(&tickets->name);
    secret_free(&tickets->password);
    free(tickets);
}

static void drop_auto(struct tickets **tickets)
{
    tickets_drop(*tickets);
}

SECURITY_STATUS tickets_open_default(struct utf16 principal, struct tickets **out)
{
    __attribute__((cleanup(drop_auto))) struct tickets *tickets = NULL;
    TRY(tickets_new(&tickets));
    if (principal.size != 0) {
        TRY(utf16_to_utf8(principal, &tickets->principal, NULL));
    }
    *out = STEAL(tickets);
    return SEC_E_OK;
}

SECURITY_STATUS tickets_open_password(const struct identity *identity, struct tickets **out)
{
    __attribute__((cleanup(drop_auto))) struct tickets *tickets = NULL;
    TRY(tickets_new(&tickets));
    TRY(client_name_parse(identity, &tickets->name));
    struct utf16 password = utf16_of(secret_bytes(&identity->password));
    size_t size = utf16_utf8_size(password);
    TRY(secret_alloc(&tickets->password, size + 1));
    utf16_utf8_write(password, (char *)tickets->password.data);
    tickets->password.data[size] = '\0';
    tickets->has_password = true;
    *out = STEAL(tickets);
    return SEC_E_OK;
}

SECURITY_STATUS tickets_open_user(const struct identity *identity, struct tickets **out)
{
    __attribute__((cleanup(drop_auto))) struct tickets *tickets = NULL;
    krb5_context krb;
    krb5_principal client = NULL;
    char *name = NULL;
    TRY(tickets_new(&tickets));
    TRY(client_name_parse(identity, &tickets->name));
    TRY(library_context(&krb));
    LIBRARY_TRY(krb, LIBRARY_CLIENT, client_name_plain(krb, &tickets->name, &client));
    krb5_error_code code = krb5_unparse_name(krb, client, &name);
    krb5_free_principal(krb, client);
    LIBRARY_TRY(krb, LIBRARY_CLIENT, code);
    tickets->principal = strdup(name);
    krb5_free_unparsed_name(krb, name);
    REQUIRE(tickets->principal != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a name");
    *out = STEAL(tickets);
    return SEC_E_OK;
}

static uint64_t filetime(krb5_timestamp when)
{
    return UNIX_EPOCH + (uint64_t)(uint32_t)when * CLOCK_SECOND; /* libkrb5's times are unsigned since 1.16 */
}

/* A new cache in memory, named for this object alone. */
static SECURITY_STATUS make_cache(krb5_context krb, krb5_principal client, char **out_name, krb5_ccache *out)
{
    krb5_ccache cache = NULL;
    char *name = NULL;
    LIBRARY_TRY(krb, LIBRARY_CLIENT, krb5_cc_new_unique(krb, "MEMORY", NULL, &cache));
    krb5_error_code code = client != NULL ? krb5_cc_initialize(krb, cache, client) : 0;
    if (code == 0) {
        code = krb5_cc_get_full_name(krb, cache, &name);
    }
    char *copy = code == 0 ? strdup(name) : NULL;
    krb5_free_string(krb, name);
    if (copy == NULL) {
        (void)krb5_cc_destroy(krb, cache);
        LIBRARY_TRY(krb, LIBRARY_CLIENT, code);
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "out of memory for a credential cache's name");
    }
    *out_name = copy;
    *out = cache;
    return SEC_E_OK;
}

SECURITY_STATUS tickets_open_forwarded(krb5_context krb, krb5_creds **creds, struct tickets **out)
{
    __attribute__((cleanup(drop_auto))) struct tickets *tickets = NULL;
    krb5_ccache cache = NULL;
    krb5_error_code code = 0;
    REQUIRE(creds != NULL && creds[0] != NULL, SEC_E_INVALID_TOKEN, "a KRB-CRED without credentials (RFC 4120 5.8.1)");
    TRY(tickets_new(&tickets));
    TRY(make_cache(krb, creds[0]->client, &tickets->cache, &cache));
    for (size_t i = 0; creds[i] != NULL && code == 0; i++) {
        code = krb5_cc_store_cred(krb, cache, creds[i]);
    }
    tickets->expiry = filetime(creds[0]->times.endtime);
    (void)krb5_cc_close(krb, cache);
    LIBRARY_TRY(krb, LIBRARY_SERVER, code);
    *out = STEAL(tickets);
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- the cache behind it */

/* The default cache anew each time: libkrb5 would keep the name that it found first. */
static SECURITY_STATUS open_default(krb5_context krb, krb5_ccache *out)
{
    const char *name = secure_getenv("KRB5CCNAME");
    if (name != NULL && name[0] != '\0') {
        LIBRARY_TRY(krb, LIBRARY_CLIENT, krb5_cc_resolve(krb, name, out));
        return SEC_E_OK;
    }
    LIBRARY_TRY(krb, LIBRARY_CLIENT, krb5_cc_set_default_name(krb, NULL));
    LIBRARY_TRY(krb, LIBRARY_CLIENT, krb5_cc_default(krb, out));
    return SEC_E_OK;
}

static SECURITY_STATUS open_chosen(krb5_context krb, const char *principal, krb5_ccache *out)
{
    krb5_principal client = NULL;
    LIBRARY_TRY(krb, LIBRARY_CLIENT, krb5_parse_name(krb, principal, &client));
    krb5_error_code code = krb5_cc_cache_match(krb, client, out);
    krb5_free_principal(krb, client);
    LIBRARY_TRY(krb, LIBRARY_CLIENT, code);
    return SEC_E_OK;
}

SECURITY_STATUS tickets_cache(struct tickets *tickets, krb5_context krb, krb5_ccache *out)
{
    pthread_mutex_lock(library_lock(tickets));
    AUTO_FREE char *own = tickets->cache != NULL ? strdup(tickets->cache) : NULL;
    bool forgotten = tickets->cache != NULL && own == NULL;
    pthread_mutex_unlock(library_lock(tickets));
    REQUIRE(!forgotten, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a credential cache's name");
    if (own != NULL) {
        LIBRARY_TRY(krb, LIBRARY_CLIENT, krb5_cc_resolve(krb, own, out));
        return SEC_E_OK;
    }
    REQUIRE(!tickets->has_password, SEC_E_NO_CREDENTIALS, "no ticket was got for this password yet");
    return tickets->principal != NULL ? open_chosen(krb, tickets->principal, out) : open_default(krb, out);
}

/* What can be seen of a cache without opening it.  False: nothing, it has no file. */
static bool cache_stamp(krb5_context krb, krb5_ccache cache, struct stamp *out)
{
    struct stat now;
    const char *type = krb5_cc_get_type(krb, cache);
    const char *path = krb5_cc_get_name(krb, cache);
    if (strcmp(type, "DIR") == 0 && path[0] == ':') {
        path++; /* a cache of a collection: ":/directory/tkt..." */
    } else if (strcmp(type, "FILE") != 0) {
        return false;
    }
    *out = (struct stamp){0};
    if (stat(path, &now) == 0) {
        *out = (struct stamp){.modified = now.st_mtim, .size = now.st_size, .inode = now.st_ino};
    }
    return true;
}

static time_t seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec;
}

/* Drops what is kept when the cache is no longer what it was. */
static void check_stamp(struct tickets *tickets, krb5_context krb, krb5_ccache cache)
{
    struct stamp now;
    if (!cache_stamp(krb, cache, &now)) {
        time_t seconds = seconds_now();
        if (seconds - tickets->stamp.seen >= RECHECK_SECONDS) {
            forget_all(tickets);
            tickets->stamp.seen = seconds;
        }
    } else if (memcmp(&now.modified, &tickets->stamp.modified, sizeof now.modified) != 0 ||
               now.size != tickets->stamp.size || now.inode != tickets->stamp.inode) {
        forget_all(tickets);
        tickets->stamp = now;
    }
}

/* ---------------------------------------------------------------- asking a KDC */

/* One request; everything in it is its own, because it may outlive the call that began it. */
struct request {
    struct library_job job;
    struct tickets *tickets;
    char *target; /* NULL: the ticket granting ticket */
    krb5_data second;
    struct ticket *got;
};

static void request_dispose(struct library_job *job)
{
    struct request *request = (struct request *)job;
    ticket_drop(request->got);
    tickets_drop(request->tickets);
    free(request->target);
    free(request->second.data);
    free(request);
}

/* Takes `name` over.  The cache before stays until the end, for those who are using it. */
static SECURITY_STATUS replace_cache(struct tickets *tickets, char *name, uint64_t expiry)
{
    struct outgrown *outgrown = NULL;
    pthread_mutex_lock(library_lock(tickets));
    if (tickets->cache != NULL) {
        size_t size = strlen(tickets->cache) + 1;
        outgrown = malloc(sizeof *outgrown + size);
        if (outgrown == NULL) {
            pthread_mutex_unlock(library_lock(tickets));
            destroy_cache(name);
            free(name);
            FAIL(SEC_E_INSUFFICIENT_MEMORY, "out of memory for a credential cache");
        }
        memcpy(outgrown->name, tickets->cache, size);
        outgrown->next = tickets->outgrown;
        tickets->outgrown = outgrown;
        free(tickets->cache);
    }
    tickets->cache = name;
    tickets->expiry = expiry;
    forget_all(tickets);
    pthread_mutex_unlock(library_lock(tickets));
    return SEC_E_OK;
}

/* The initial ticket for a password, into a new cache that replaces the one before (RFC 4120 3.1). */
static SECURITY_STATUS sign_in(struct tickets *tickets, krb5_context krb, krb5_principal client, bool canonicalize)
{
    krb5_get_init_creds_opt *options = NULL;
    krb5_ccache cache = NULL;
    krb5_creds creds = {0};
    char *name = NULL;
    TRY(make_cache(krb, NULL, &name, &cache));
    krb5_error_code code = krb5_get_init_creds_opt_alloc(krb, &options);
    if (code == 0) {
        krb5_get_init_creds_opt_set_forwardable(options, 1);
        krb5_get_init_creds_opt_set_change_password_prompt(options, 0);
        if (canonicalize) {
            krb5_get_init_creds_opt_set_canonicalize(options, 1);
        }
        code = krb5_get_init_creds_opt_set_out_ccache(krb, options, cache);
    }
    if (code == 0) {
        code = krb5_get_init_creds_password(krb, &creds, client, (char *)tickets->password.data, NULL, NULL, 0, NULL,
                                            options);
    }
    krb5_get_init_creds_opt_free(krb, options);
    uint64_t expiry = filetime(creds.times.endtime);
    krb5_free_cred_contents(krb, &creds);
    if (code != 0) {
        (void)krb5_cc_destroy(krb, cache);
        free(name);
        return library_fail_at(krb, LIBRARY_CLIENT, code, __FILE__, __LINE__);
    }
    (void)krb5_cc_close(krb, cache);
    return replace_cache(tickets, name, expiry);
}

static bool signed_in(struct tickets *tickets)
{
    pthread_mutex_lock(library_lock(tickets));
    bool fresh = tickets->cache != NULL && tickets->expiry > clock_now();
    pthread_mutex_unlock(library_lock(tickets));
    return fresh;
}

/* A user principal name goes to the KDC as an enterprise name first (RFC 6806 5); one that knows none of these gets it as a
 * plain principal. */
static SECURITY_STATUS sign_in_by_name(struct tickets *tickets, krb5_context krb)
{
    krb5_principal client = NULL;
    SECURITY_STATUS status = SEC_E_LOGON_DENIED;
    if (tickets->name.enterprise && client_name_enterprise(krb, &tickets->name, &client) == 0) {
        status = sign_in(tickets, krb, client, true);
        krb5_free_principal(krb, client);
        if (status != SEC_E_LOGON_DENIED && status != SEC_E_NO_AUTHENTICATING_AUTHORITY) {
            return status;
        }
        status_begin(); /* the first try was a question */
    }
    client = NULL;
    LIBRARY_TRY(krb, LIBRARY_CLIENT, client_name_plain(krb, &tickets->name, &client));
    status = sign_in(tickets, krb, client, false);
    krb5_free_principal(krb, client);
    return status;
}

/* From the cache, and from a KDC where `options` allow it. */
static SECURITY_STATUS get_from(krb5_context krb, krb5_ccache cache, const char *target, const krb5_data *second,
                                krb5_flags options, struct ticket **out)
{
    krb5_creds wanted = {0}, *got = NULL;
    LIBRARY_TRY(krb, LIBRARY_CLIENT, krb5_cc_get_principal(krb, cache, &wanted.client));
    krb5_error_code code =
        target != NULL ? target_parse(krb, target, &wanted.server) : target_tgt(krb, wanted.client, &wanted.server);
    if (code == 0) {
        if (second != NULL) {
            wanted.second_ticket = *second;
            options |= KRB5_GC_USER_USER | KRB5_GC_NO_STORE;
        }
        code = krb5_get_credentials(krb, options, cache, &wanted, &got);
    }
    wanted.second_ticket = (krb5_data){0};
    krb5_free_cred_contents(krb, &wanted);
    LIBRARY_TRY(krb, LIBRARY_CLIENT, code);
    SECURITY_STATUS status = ticket_new(krb, got, target != NULL ? target : "", out);
    krb5_free_creds(krb, got);
    return status;
}

static SECURITY_STATUS request_run(struct library_job *job, krb5_context krb)
{
    struct request *request = (struct request *)job;
    krb5_ccache cache = NULL;
    if (request->tickets->has_password && !signed_in(request->tickets)) {
        TRY(sign_in_by_name(request->tickets, krb));
    }
    TRY(tickets_cache(request->tickets, krb, &cache));
    SECURITY_STATUS status =
        get_from(krb, cache, request->target, request->second.length != 0 ? &request->second : NULL, 0, &request->got);
    (void)krb5_cc_close(krb, cache);
    return status;
}

/* Whoever logs on often must not wait for the same dead KDC each time. */
static bool kdc_is_silent(struct tickets *tickets)
{
    pthread_mutex_lock(library_lock(tickets));
    bool silent = tickets->unreachable != 0 && seconds_now() - tickets->unreachable < SILENCE_SECONDS;
    pthread_mutex_unlock(library_lock(tickets));
    return silent;
}

static void remember(struct tickets *tickets, SECURITY_STATUS status)
{
    pthread_mutex_lock(library_lock(tickets));
    tickets->unreachable = status == SEC_E_NO_AUTHENTICATING_AUTHORITY ? seconds_now() : 0;
    pthread_mutex_unlock(library_lock(tickets));
}

static SECURITY_STATUS ask(struct tickets *tickets, const char *target, struct bytes second, struct ticket **out)
{
    REQUIRE(!kdc_is_silent(tickets), SEC_E_NO_AUTHENTICATING_AUTHORITY,
            "no KDC could be reached a few seconds ago, and none is asked again yet");
    struct request *request = calloc(1, sizeof *request);
    REQUIRE(request != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a request to a KDC");
    request->job = (struct library_job){.run = request_run, .dispose = request_dispose};
    request->tickets = tickets_hold(tickets);
    request->target = target != NULL ? strdup(target) : NULL;
    if (second.size != 0) {
        request->second = (krb5_data){0, (unsigned)second.size, malloc(second.size)};
    }
    bool whole = (target == NULL || request->target != NULL) && (second.size == 0 || request->second.data != NULL);
    if (!whole) {
        request->second.data = second.size != 0 ? request->second.data : NULL;
        request_dispose(&request->job);
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "out of memory for a request to a KDC");
    }
    if (second.size != 0) {
        memcpy(request->second.data, second.data, second.size);
    }
    SECURITY_STATUS status = library_run(&request->job);
    remember(tickets, status);
    if (status >= 0) {
        *out = STEAL(request->got);
    }
    library_job_drop(&request->job);
    return status;
}

/* ---------------------------------------------------------------- finding one */

static bool is_good(const struct ticket *ticket)
{
    return filetime(ticket->creds.times.endtime) > clock_now();
}

/* The ticket that is kept, or NULL; one that has ended is dropped. */
static struct ticket *find(struct tickets *tickets, const char *target)
{
    for (struct ticket **at = &tickets->buckets[bucket_of(target)]; *at != NULL; at = &(*at)->next) {
        struct ticket *ticket = *at;
        if (strcmp(ticket->target, target) == 0) {
            if (is_good(ticket)) {
                return ticket_hold(ticket);
            }
            *at = ticket->next;
            tickets->count--;
            ticket_drop(ticket);
            return NULL;
        }
    }
    return NULL;
}

static void keep(struct tickets *tickets, krb5_context krb, struct ticket *ticket)
{
    krb5_ccache cache = NULL;
    struct stamp now;
    struct ticket *other = find(tickets, ticket->target);
    if (other != NULL) {
        ticket_drop(other); /* another thread was quicker */
        return;
    }
    if (tickets->count == TICKETS_MAX) {
        forget_all(tickets);
    }
    size_t bucket = bucket_of(ticket->target);
    ticket->next = tickets->buckets[bucket];
    tickets->buckets[bucket] = ticket_hold(ticket);
    tickets->count++;
    /* The change that libkrb5 just made to the cache by storing the ticket there is ours. */
    if (tickets->cache == NULL && tickets->principal == NULL && open_default(krb, &cache) >= 0) {
        if (cache_stamp(krb, cache, &now)) {
            tickets->stamp = now;
        }
        (void)krb5_cc_close(krb, cache);
    }
}

static SECURITY_STATUS look(struct tickets *tickets, krb5_context krb, const char *target, struct ticket **out)
{
    krb5_ccache cache = NULL;
    *out = NULL;
    if (tickets->has_password) {
        if (!signed_in(tickets)) {
            return SEC_E_OK;
        }
    } else if (tickets->cache == NULL) {
        TRY(tickets_cache(tickets, krb, &cache));
    }
    pthread_mutex_lock(library_lock(tickets));
    if (cache != NULL) {
        check_stamp(tickets, krb, cache);
    }
    *out = find(tickets, target);
    pthread_mutex_unlock(library_lock(tickets));
    SECURITY_STATUS status = SEC_E_OK;
    if (*out == NULL && cache != NULL) { /* what is in the cache needs no thread */
        status = get_from(krb, cache, target, NULL, KRB5_GC_CACHED, out);
        bool elsewhere = status < 0 && status != SEC_E_INSUFFICIENT_MEMORY;
        if (elsewhere) {
            *out = NULL;
            status_begin();
            status = SEC_E_OK;
        }
        if (*out != NULL) {
            pthread_mutex_lock(library_lock(tickets));
            keep(tickets, krb, *out);
            pthread_mutex_unlock(library_lock(tickets));
        }
    }
    if (cache != NULL) {
        (void)krb5_cc_close(krb, cache);
    }
    return status;
}

SECURITY_STATUS tickets_get(struct tickets *tickets, struct utf16 target, struct bytes second, struct ticket **out)
{
    AUTO_FREE char *name = NULL;
    krb5_context krb;
    struct ticket *ticket = NULL;
    REQUIRE(target.size != 0 && utf16_find(target, 0) == SIZE_MAX, SEC_E_TARGET_UNKNOWN,
            "no target name: Kerberos needs the service's name (InitializeSecurityContext, pszTargetName)");
    TRY(utf16_to_utf8(target, &name, NULL));
    TRY(library_context(&krb));
    if (second.size == 0) {
        TRY(look(tickets, krb, name, &ticket));
    }
    if (ticket == NULL) {
        TRY(ask(tickets, name, second, &ticket));
        if (second.size == 0) {
            pthread_mutex_lock(library_lock(tickets));
            keep(tickets, krb, ticket);
            pthread_mutex_unlock(library_lock(tickets));
        }
        TRACE("Kerberos: a ticket from the KDC");
    }
    *out = ticket;
    return SEC_E_OK;
}

SECURITY_STATUS tickets_get_tgt(struct tickets *tickets, struct ticket **out)
{
    return ask(tickets, NULL, BYTES_NONE, out);
}

SECURITY_STATUS tickets_name(struct tickets *tickets, struct utf16 *out)
{
    krb5_context krb;
    krb5_ccache cache = NULL;
    krb5_principal client = NULL;
    TRY(library_context(&krb));
    if (tickets->has_password) {
        LIBRARY_TRY(krb, LIBRARY_CLIENT, client_name_plain(krb, &tickets->name, &client));
    } else {
        TRY(tickets_cache(tickets, krb, &cache));
        krb5_error_code code = krb5_cc_get_principal(krb, cache, &client);
        (void)krb5_cc_close(krb, cache);
        LIBRARY_TRY(krb, LIBRARY_CLIENT, code);
    }
    SECURITY_STATUS status = principal_text(krb, client, out);
    krb5_free_principal(krb, client);
    return status;
}

uint64_t tickets_expiry(struct tickets *tickets)
{
    pthread_mutex_lock(library_lock(tickets));
    uint64_t expiry = tickets->cache != NULL ? tickets->expiry : CLOCK_NEVER;
    pthread_mutex_unlock(library_lock(tickets));
    return expiry;
}
