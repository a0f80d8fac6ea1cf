/* A service's own tickets, by its keytab, and what it gets with them in the name of a client that brought it a ticket (S4U2proxy,
 * MS-SFU 3.1.5.2). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "kerberos/library.h"
#include "kerberos/tickets_inside.h"

static void drop_auto(struct tickets **tickets)
{
    tickets_drop(*tickets);
}

/* A principal in two pieces; libkrb5's codes. */
static krb5_error_code take_name(krb5_context krb, krb5_const_principal principal, struct client_name *out)
{
    char *text = NULL;
    krb5_error_code code = krb5_unparse_name_flags(krb, principal, KRB5_PRINCIPAL_UNPARSE_NO_REALM, &text);
    if (code != 0) {
        return code;
    }
    char *user = strdup(text);
    char *realm = strndup(principal->realm.data, principal->realm.length);
    krb5_free_unparsed_name(krb, text);
    if (user == NULL || realm == NULL) {
        free(user);
        free(realm);
        return ENOMEM;
    }
    client_name_take(user, realm, false, out);
    return 0;
}

SECURITY_STATUS tickets_open_service(krb5_context krb, struct keytab *keytab, krb5_const_principal service,
                                     struct tickets **out)
{
    __attribute__((cleanup(drop_auto))) struct tickets *tickets = NULL;
    krb5_principal account = NULL;
    TRY(tickets_new(&tickets));
    TRY(keytab_source(keytab, krb, &tickets->keytab));
    TRY(keytab_account(keytab, krb, service, &account));
    krb5_error_code code = take_name(krb, account, &tickets->name);
    krb5_free_principal(krb, account);
    LIBRARY_TRY(krb, LIBRARY_SERVER, code);
    tickets->signs_in = true;
    *out = STEAL(tickets);
    return SEC_E_OK;
}

bool tickets_are_of_realm(const struct tickets *tickets, krb5_const_principal service)
{
    const char *realm = tickets->name.realm;
    return realm != NULL && strlen(realm) == service->realm.length &&
           memcmp(realm, service->realm.data, service->realm.length) == 0;
}

SECURITY_STATUS tickets_open_constrained(krb5_context krb, struct tickets *service, krb5_const_principal client,
                                         krb5_timestamp end, struct bytes evidence, struct tickets **out)
{
    __attribute__((cleanup(drop_auto))) struct tickets *tickets = NULL;
    TRY(tickets_new(&tickets));
    tickets->service = tickets_hold(service);
    tickets->signs_in = true;
    tickets->expiry = tickets_time(end);
    LIBRARY_TRY(krb, LIBRARY_SERVER, take_name(krb, client, &tickets->name));
    TRY(secret_copy(&tickets->evidence, evidence));
    *out = STEAL(tickets);
    return SEC_E_OK;
}

/* The service asks with its own ticket granting ticket; the client's ticket is the proof that it may. */
static SECURITY_STATUS ask(krb5_context krb, krb5_ccache cache, const struct tickets *tickets, const char *target,
                           struct ticket **out)
{
    krb5_creds wanted = {0}, *got = NULL;
    krb5_error_code code = krb5_cc_get_principal(krb, cache, &wanted.client);
    code = code == 0 ? target_parse(krb, target, &wanted.server) : code;
    if (code == 0) {
        wanted.second_ticket = (krb5_data){0, (unsigned)tickets->evidence.size, (char *)tickets->evidence.data};
        code = krb5_get_credentials(krb, KRB5_GC_CONSTRAINED_DELEGATION | KRB5_GC_CANONICALIZE | KRB5_GC_NO_STORE,
                                    cache, &wanted, &got);
    }
    wanted.second_ticket = (krb5_data){0};
    krb5_free_cred_contents(krb, &wanted);
    LIBRARY_TRY(krb, LIBRARY_CLIENT, code);
    SECURITY_STATUS status = tickets_make(krb, got, target, out);
    krb5_free_creds(krb, got);
    return status;
}

SECURITY_STATUS tickets_get_constrained(krb5_context krb, struct tickets *tickets, const char *target,
                                        struct ticket **out)
{
    krb5_ccache cache = NULL;
    REQUIRE(target != NULL, SEC_E_NO_CREDENTIALS,
            "constrained delegation gives no ticket granting ticket in the client's name (MS-SFU 3.1.5.2)");
    if (!tickets_signed_in(tickets->service)) {
        TRY(tickets_sign_in(tickets->service, krb));
    }
    TRY(tickets_cache(tickets->service, krb, &cache));
    SECURITY_STATUS status = ask(krb, cache, tickets, target, out);
    (void)krb5_cc_close(krb, cache);
    return status;
}
