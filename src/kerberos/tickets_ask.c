/* What takes a KDC: signing in, and tickets that are nowhere yet. */
#include "kerberos/tickets_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "kerberos/library.h"
#include "kerberos/sign_in.h"
#include "kerberos/silence.h"

/* One request; everything in it is its own, because it may outlive the call that began it. */
struct request {
    struct library_job job;
    struct tickets *tickets;
    char *target; /* NULL: the ticket granting ticket */
    krb5_data second;
    uint64_t key; /* of what is remembered of a KDC that does not answer */
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
            tickets_destroy_cache(name);
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
    tickets_forget(tickets);
    pthread_mutex_unlock(library_lock(tickets));
    return SEC_E_OK;
}

/* An initial ticket, into a new cache that replaces the one before (RFC 4120 3.1). */
static SECURITY_STATUS sign_in_as(struct tickets *tickets, krb5_context krb, krb5_principal client, bool enterprise,
                                  bool *out_unknown)
{
    krb5_ccache cache = NULL;
    krb5_creds creds = {0};
    char *name = NULL;
    TRY(tickets_make_cache(krb, NULL, &name, &cache));
    const struct sign_in with = {.secret = &tickets->secret,
                                 .certificate = tickets->certificate,
                                 .keytab = tickets->keytab,
                                 .canonicalize = enterprise,
                                 .cache = cache};
    SECURITY_STATUS status = sign_in(krb, &with, client, &creds, out_unknown);
    uint64_t expiry = tickets_time(creds.times.endtime);
    krb5_free_cred_contents(krb, &creds);
    if (status < 0) {
        (void)krb5_cc_destroy(krb, cache);
        free(name);
        return status;
    }
    (void)krb5_cc_close(krb, cache);
    return replace_cache(tickets, name, expiry);
}

bool tickets_signed_in(struct tickets *tickets)
{
    pthread_mutex_lock(library_lock(tickets));
    bool fresh = tickets->cache != NULL && tickets->expiry > clock_now();
    pthread_mutex_unlock(library_lock(tickets));
    return fresh;
}

/* A user principal name goes to the KDC as an enterprise name first (RFC 6806 5); one that knows none of these gets it as a
 * plain principal.  A wrong password is not tried twice: it counts against the account. */
SECURITY_STATUS tickets_sign_in(struct tickets *tickets, krb5_context krb)
{
    krb5_principal client = NULL;
    bool unknown = false;
    if (tickets->name.enterprise && client_name_enterprise(krb, &tickets->name, &client) == 0) {
        SECURITY_STATUS status = sign_in_as(tickets, krb, client, true, &unknown);
        krb5_free_principal(krb, client);
        if (!unknown && status != SEC_E_NO_AUTHENTICATING_AUTHORITY) {
            return status;
        }
        status_begin(); /* the first try was a question */
    }
    client = NULL;
    LIBRARY_TRY(krb, LIBRARY_CLIENT, client_name_plain(krb, &tickets->name, &client));
    SECURITY_STATUS status = sign_in_as(tickets, krb, client, false, NULL);
    krb5_free_principal(krb, client);
    return status;
}

/* From the cache, and from a KDC where `options` allow it. */
SECURITY_STATUS tickets_get_from(krb5_context krb, krb5_ccache cache, const char *target, const krb5_data *second,
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
        if (code == KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN && target != NULL && target_respell(wanted.server)) {
            code = krb5_get_credentials(krb, options, cache, &wanted, &got);
        }
    }
    wanted.second_ticket = (krb5_data){0};
    krb5_free_cred_contents(krb, &wanted);
    LIBRARY_TRY(krb, LIBRARY_CLIENT, code);
    SECURITY_STATUS status = tickets_make(krb, got, target != NULL ? target : "", out);
    krb5_free_creds(krb, got);
    return status;
}

static SECURITY_STATUS ask_now(struct library_job *job, krb5_context krb)
{
    struct request *request = (struct request *)job;
    krb5_ccache cache = NULL;
    if (request->tickets->service != NULL) {
        REQUIRE(request->second.length == 0, SEC_E_NO_CREDENTIALS,
                "constrained delegation goes to no user (MS-SFU 3.1.5.2)");
        return request->tickets->to_self
                   ? tickets_get_to_self(krb, request->tickets, &request->got)
                   : tickets_get_constrained(krb, request->tickets, request->target, &request->got);
    }
    if (request->tickets->signs_in && !tickets_signed_in(request->tickets)) {
        TRY(tickets_sign_in(request->tickets, krb));
    }
    TRY(tickets_cache(request->tickets, krb, &cache));
    SECURITY_STATUS status = tickets_get_from(krb, cache, request->target,
                                              request->second.length != 0 ? &request->second : NULL, 0, &request->got);
    (void)krb5_cc_close(krb, cache);
    return status;
}

/* An answer counts even when nobody waits for it any more. */
static SECURITY_STATUS request_run(struct library_job *job, krb5_context krb)
{
    SECURITY_STATUS status = ask_now(job, krb);
    if (status != SEC_E_NO_AUTHENTICATING_AUTHORITY) {
        silence_forget(((struct request *)job)->key);
    }
    return status;
}

/* Whose KDC it is.  Tickets that a client forwarded are a question of their own: he says himself which realm's they are, and his
 * KDC's silence must not be that of the others whom this server acts for. */
static const char *asks_for(const struct tickets *asking)
{
    if (asking->signs_in) {
        return asking->name.realm;
    }
    return asking->cache != NULL ? asking->cache : asking->principal;
}

/* Signing in is one question, whatever the service; then each service is one. */
uint64_t tickets_silence_key(struct tickets *tickets, const char *target, const struct kdc_proxy *proxy)
{
    struct tickets *asking = tickets->service != NULL ? tickets->service : tickets;
    bool signs_in = asking->signs_in && !tickets_signed_in(asking);
    const struct question question = {.who = asks_for(asking),
                                      .proxy = proxy != NULL ? proxy->url : NULL,
                                      .target = signs_in         ? NULL
                                                : target != NULL ? target
                                                                 : ""};
    return silence_key(&question);
}

static SECURITY_STATUS check_silence(uint64_t key)
{
    REQUIRE(!silence_holds(key), SEC_E_NO_AUTHENTICATING_AUTHORITY,
            "no KDC answered a short while ago, and none is asked again yet");
    return SEC_E_OK;
}

/* What took no time costs nothing to ask again. */
static void remember(uint64_t key, SECURITY_STATUS status, time_t began)
{
    if (status == SEC_E_NO_AUTHENTICATING_AUTHORITY && tickets_seconds() - began > 1) {
        silence_remember(key);
    }
}

bool tickets_are_a_clients(const struct tickets *tickets)
{
    bool forwarded = !tickets->signs_in && tickets->cache != NULL;
    return tickets->service != NULL || forwarded;
}

SECURITY_STATUS tickets_ask(struct tickets *tickets, const char *target, struct bytes second, struct ticket **out)
{
    struct request *request = calloc(1, sizeof *request);
    REQUIRE(request != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a request to a KDC");
    request->job = (struct library_job){.run = request_run, .dispose = request_dispose};
    request->job.for_client = tickets_are_a_clients(tickets);
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
    SECURITY_STATUS status = tickets_proxy(tickets, &request->job.proxy);
    if (status >= 0) {
        request->key = tickets_silence_key(tickets, target, request->job.proxy);
        status = check_silence(request->key);
    }
    if (status < 0) {
        free(STEAL(request->job.proxy));
        request_dispose(&request->job);
        return status;
    }
    time_t began = tickets_seconds();
    status = library_run(&request->job);
    remember(request->key, status, began);
    if (status >= 0) {
        *out = STEAL(request->got);
    }
    library_job_drop(&request->job);
    return status;
}
