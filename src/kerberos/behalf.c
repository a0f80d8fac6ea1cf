/* Logging on by name alone (S4U2self, MS-SFU 3.1.5.1): a service that knows by other means who somebody is has the KDC say what it says of
 * him, as if he had come with a ticket. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/policy.h"
#include "core/token.h"
#include "kerberos/context.h"
#include "kerberos/library.h"

static struct tickets *kept; /* the process' own as a service: held, and changed under the lock; NULL: none yet */

static void drop_tickets(struct tickets **tickets)
{
    tickets_drop(*tickets);
}

static void drop_ticket(struct ticket **ticket)
{
    ticket_drop(*ticket);
}

static void close_keytab(struct keytab **keytab)
{
    keytab_close(*keytab);
}

static void end_context(struct kerberos_context **context)
{
    if (*context != NULL) {
        kerberos_dispose(&(*context)->base);
    }
}

/* `fresh` (held for it, or NULL) instead of those that are kept. */
static void keep(struct tickets *fresh)
{
    pthread_mutex_lock(library_lock(&kept));
    struct tickets *before = kept;
    kept = fresh;
    pthread_mutex_unlock(library_lock(&kept));
    tickets_drop(before);
}

static SECURITY_STATUS service_tickets(krb5_context krb, struct keytab *keytab, struct tickets **out)
{
    AUTO_FREE char *source = NULL;
    struct tickets *found = NULL;
    TRY(keytab_source(keytab, krb, &source));
    pthread_mutex_lock(library_lock(&kept));
    if (kept != NULL && tickets_are_from(kept, source)) {
        found = tickets_hold(kept);
    }
    pthread_mutex_unlock(library_lock(&kept));
    if (found == NULL) {
        krb5_principal service = keytab_any_name(keytab, krb);
        REQUIRE(service != NULL, SEC_E_NO_CREDENTIALS,
                "logging on by name takes the service's keytab, and there is none or nothing in it (krb5.conf(5), "
                "default_keytab_name; sspi.conf(5), [kerberos] keytab)");
        SECURITY_STATUS status = tickets_open_service(krb, keytab, service, &found);
        krb5_free_principal(krb, service);
        TRY(status);
        keep(tickets_hold(found));
    }
    *out = found;
    return SEC_E_OK;
}

/* What the KDC has put into the ticket; `out` is for krb5_free_ticket(). */
static SECURITY_STATUS open_ticket(krb5_context krb, krb5_keytab keys, const struct ticket *ticket, krb5_ticket **out)
{
    krb5_ticket *opened = NULL;
    LIBRARY_TRY(krb, LIBRARY_SERVER, krb5_decode_ticket(&ticket->creds.ticket, &opened));
    library_widen_enctypes(krb);
    krb5_error_code code = krb5_server_decrypt_ticket_keytab(krb, keys, opened);
    library_restrict_enctypes(krb);
    if (code != 0) {
        krb5_free_ticket(krb, opened);
        return library_fail_at(krb, LIBRARY_SERVER, code, __FILE__, __LINE__);
    }
    *out = opened;
    return SEC_E_OK;
}

/* What a session with the user would know of him.  A KDC without S4U2self answers with a ticket of the service's own. */
static SECURITY_STATUS take_user(krb5_context krb, krb5_keytab keys, const krb5_ticket *opened,
                                 struct kerberos_context *context)
{
    const struct logon_keys signers = {.keytab = keys};
    AUTO_UTF16 account = UTF16_NONE;
    krb5_const_principal user = opened->enc_part2->client;
    REQUIRE(!krb5_principal_compare(krb, user, opened->server), SEC_E_NO_S4U_PROT_SUPPORT,
            "the KDC gave a ticket of the service's own: it has no S4U2self (MS-SFU 3.1.5.1.1.2)");
    TRY(logon_of_ticket(krb, opened, &signers, &account, &context->logon));
    TRY(logon_suffices(context->logon));
    return kerberos_take_names(context, krb, user, opened->server, account);
}

/* A session that nobody came to. */
static SECURITY_STATUS make_session(krb5_context krb, struct keytab *keytab, struct tickets *service,
                                    const struct ticket *ticket, struct kerberos_context **out)
{
    __attribute__((cleanup(end_context))) struct kerberos_context *context = NULL;
    krb5_keytab keys = NULL;
    krb5_principal only = NULL;
    krb5_ticket *opened = NULL;
    TRY(kerberos_context_new(false, 0, NULL, &context));
    TRY(keytab_use(keytab, krb, &keys, &only));
    SECURITY_STATUS status = open_ticket(krb, keys, ticket, &opened);
    status = status < 0 ? status : take_user(krb, keys, opened, context);
    if (status >= 0 && policy_get()->kerberos_constrained) {
        const krb5_data *evidence = &ticket->creds.ticket;
        status = tickets_open_constrained(krb, service, opened->enc_part2->client, opened->enc_part2->times.endtime,
                                          bytes_of(evidence->data, evidence->length), &context->delegated);
    }
    krb5_free_ticket(krb, opened);
    (void)krb5_kt_close(krb, keys);
    TRY(status);
    context->base.established = true; /* as much as it ever will be */
    *out = STEAL(context);
    return SEC_E_OK;
}

/* "alice\@suffix@REALM", and its realm, borrowed: the KDC has left the user principal name in the ticket, as Samba does. */
static bool has_alias(const struct kerberos_context *context, struct utf16 *out_realm)
{
    struct utf16 client = kerberos_client(context);
    size_t last = utf16_find_last(client, '@');
    if (context->logon == NULL || last == SIZE_MAX || utf16_find(client, '@') == last) {
        return false;
    }
    *out_realm = utf16_tail(client, last + 1);
    return true;
}

/* Such a name is nobody's at other services, so the ticket is asked for once more, by the account's own name. */
static SECURITY_STATUS by_own_name(krb5_context krb, struct keytab *keytab, struct tickets *service,
                                   struct kerberos_context **context)
{
    __attribute__((cleanup(drop_ticket))) struct ticket *ticket = NULL;
    struct kerberos_context *renamed = NULL;
    struct identity own = {.user = kerberos_user(*context), .has_user = true, .has_domain = true};
    if (!has_alias(*context, &own.domain)) {
        return SEC_E_OK;
    }
    TRY(tickets_get_for(service, &own, &ticket));
    TRY(make_session(krb, keytab, service, ticket, &renamed));
    kerberos_dispose(&(*context)->base);
    *context = renamed;
    return SEC_E_OK;
}

static SECURITY_STATUS check_policy(void)
{
    const struct policy *policy = policy_get();
    REQUIRE(!policy->broken, SEC_E_INTERNAL_ERROR,
            "the policy file cannot be read or has an error, see SSPI_TRACE for the line (sspi.conf(5))");
    REQUIRE(policy->kerberos_enabled && policy->kerberos_transition, SEC_E_UNSUPPORTED_FUNCTION,
            "policy lets nobody be logged on by name alone ([kerberos] protocol-transition)");
    return SEC_E_OK;
}

SECURITY_STATUS kerberos_log_on(struct utf16 user, struct utf16 realm, struct token **out)
{
    __attribute__((cleanup(close_keytab))) struct keytab *keytab = NULL;
    __attribute__((cleanup(drop_tickets))) struct tickets *service = NULL;
    __attribute__((cleanup(drop_ticket))) struct ticket *ticket = NULL;
    __attribute__((cleanup(end_context))) struct kerberos_context *context = NULL;
    const struct identity identity = {.user = user, .domain = realm, .has_user = true, .has_domain = realm.size != 0};
    krb5_context krb;
    TRY(check_policy());
    library_look();
    library_refresh();
    TRY(library_context(&krb));
    TRY(keytab_open(UTF16_NONE, &keytab));
    TRY(service_tickets(krb, keytab, &service));
    SECURITY_STATUS status = tickets_get_for(service, &identity, &ticket);
    if (status < 0) {
        keep(NULL); /* perhaps the keytab is another account's by now */
        return status;
    }
    TRY(make_session(krb, keytab, service, ticket, &context));
    TRY(by_own_name(krb, keytab, service, &context));
    return kerberos_impersonate(&context->base, out);
}
