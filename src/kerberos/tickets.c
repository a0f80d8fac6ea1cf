#include "kerberos/tickets_inside.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/trace.h"
#include "cert/logon_certificate.h"
#include "kerberos/library.h"
#include "kerberos/principals.h"
#include "text/names.h"

#define TICKETS_MAX     4096 /* kept here; beyond, all are dropped and begun anew */
#define RECHECK_SECONDS 10   /* how long caches that have no file are believed */
#define UNIX_EPOCH      UINT64_C(116444736000000000)

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
SECURITY_STATUS tickets_make(krb5_context krb, krb5_creds *creds, const char *target, struct ticket **out)
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

void tickets_forget(struct tickets *tickets)
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

SECURITY_STATUS tickets_new(struct tickets **out)
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

void tickets_destroy_cache(const char *name)
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
    tickets_forget(tickets);
    if (tickets->cache != NULL) {
        tickets_destroy_cache(tickets->cache);
    }
    while (tickets->outgrown != NULL) {
        struct outgrown *outgrown = tickets->outgrown;
        tickets->outgrown = outgrown->next;
        tickets_destroy_cache(outgrown->name);
        free(outgrown);
    }
    certificate_drop(tickets->certificate);
    tickets_drop(tickets->service);
    secret_free(&tickets->evidence);
    free(tickets->keytab);
    free(tickets->cache);
    free(tickets->proxy);
    free(tickets->principal);
    client_name_free(&tickets->name);
    secret_free(&tickets->secret);
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

/* The password, or the PIN, in UTF-8. */
static SECURITY_STATUS take_secret(const struct identity *identity, struct tickets *tickets)
{
    struct utf16 password = utf16_of(secret_bytes(&identity->password));
    size_t size = utf16_utf8_size(password);
    TRY(secret_alloc(&tickets->secret, size + 1));
    utf16_utf8_write(password, (char *)tickets->secret.data);
    tickets->secret.data[size] = '\0';
    return SEC_E_OK;
}

SECURITY_STATUS tickets_open_password(const struct identity *identity, struct tickets **out)
{
    __attribute__((cleanup(drop_auto))) struct tickets *tickets = NULL;
    TRY(tickets_new(&tickets));
    TRY(client_name_parse(identity, &tickets->name));
    TRY(take_secret(identity, tickets));
    tickets->signs_in = true;
    *out = STEAL(tickets);
    return SEC_E_OK;
}

SECURITY_STATUS tickets_open_certificate(const struct identity *identity, struct tickets **out)
{
    __attribute__((cleanup(drop_auto))) struct tickets *tickets = NULL;
    struct logon_name name;
    TRY(tickets_new(&tickets));
    TRY(logon_certificate_find(identity->certificate, &tickets->certificate));
    TRY(logon_certificate_name(tickets->certificate, &name));
    client_name_take(name.user, name.realm, name.enterprise, &tickets->name);
    TRY(take_secret(identity, tickets));
    tickets->signs_in = true;
    *out = STEAL(tickets);
    return SEC_E_OK;
}

SECURITY_STATUS tickets_certificate(const struct tickets *tickets, struct bytes *out)
{
    REQUIRE(tickets->certificate != NULL, SEC_E_NO_CREDENTIALS,
            "this credential has no certificate (SecPkgCredentials_Cert)");
    *out = certificate_encoding(tickets->certificate);
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

uint64_t tickets_time(krb5_timestamp when)
{
    return UNIX_EPOCH + (uint64_t)(uint32_t)when * CLOCK_SECOND; /* libkrb5's times are unsigned since 1.16 */
}

/* A new cache in memory, named for this object alone. */
SECURITY_STATUS tickets_make_cache(krb5_context krb, krb5_principal client, char **out_name, krb5_ccache *out)
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
    TRY(tickets_make_cache(krb, creds[0]->client, &tickets->cache, &cache));
    for (size_t i = 0; creds[i] != NULL && code == 0; i++) {
        code = krb5_cc_store_cred(krb, cache, creds[i]);
    }
    tickets->expiry = tickets_time(creds[0]->times.endtime);
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
    REQUIRE(!tickets->signs_in, SEC_E_NO_CREDENTIALS, "nobody has signed in yet");
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

time_t tickets_seconds(void)
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
        time_t seconds = tickets_seconds();
        if (seconds - tickets->stamp.seen >= RECHECK_SECONDS) {
            tickets_forget(tickets);
            tickets->stamp.seen = seconds;
        }
    } else if (memcmp(&now.modified, &tickets->stamp.modified, sizeof now.modified) != 0 ||
               now.size != tickets->stamp.size || now.inode != tickets->stamp.inode) {
        tickets_forget(tickets);
        tickets->stamp = now;
    }
}

/* ---------------------------------------------------------------- finding one */

static bool is_good(const struct ticket *ticket)
{
    return tickets_time(ticket->creds.times.endtime) > clock_now();
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
        tickets_forget(tickets);
    }
    size_t bucket = bucket_of(ticket->target);
    ticket->next = tickets->buckets[bucket];
    tickets->buckets[bucket] = ticket_hold(ticket);
    tickets->count++;
    /* The change that libkrb5 just made to the cache by storing the ticket there is ours. */
    bool of_default = tickets->cache == NULL && tickets->principal == NULL && !tickets->signs_in;
    if (of_default && open_default(krb, &cache) >= 0) {
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
    if (tickets->signs_in) {
        if (tickets->service == NULL && !tickets_signed_in(tickets)) {
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
        status = tickets_get_from(krb, cache, target, NULL, KRB5_GC_CACHED, out);
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
        TRY(tickets_ask(tickets, name, second, &ticket));
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
    return tickets_ask(tickets, NULL, BYTES_NONE, out);
}

SECURITY_STATUS tickets_name(struct tickets *tickets, struct utf16 *out)
{
    krb5_context krb;
    krb5_ccache cache = NULL;
    krb5_principal client = NULL;
    TRY(library_context(&krb));
    if (tickets->signs_in) {
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

void tickets_set_proxy(struct tickets *tickets, struct kdc_proxy *proxy)
{
    pthread_mutex_lock(library_lock(tickets));
    struct kdc_proxy *before = tickets->proxy;
    tickets->proxy = proxy;
    pthread_mutex_unlock(library_lock(tickets));
    free(before);
}

SECURITY_STATUS tickets_proxy(struct tickets *tickets, struct kdc_proxy **out)
{
    pthread_mutex_lock(library_lock(tickets));
    struct kdc_proxy *copy = kdc_proxy_copy(tickets->proxy);
    bool whole = copy != NULL || tickets->proxy == NULL;
    pthread_mutex_unlock(library_lock(tickets));
    REQUIRE(whole, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a KDC proxy");
    *out = copy;
    return SEC_E_OK;
}

uint64_t tickets_expiry(struct tickets *tickets)
{
    pthread_mutex_lock(library_lock(tickets));
    uint64_t expiry = tickets->cache != NULL || tickets->service != NULL ? tickets->expiry : CLOCK_NEVER;
    pthread_mutex_unlock(library_lock(tickets));
    return expiry;
}
