/* A service's own tickets, by its keytab, and what it gets with them in another's name: of a client that brought it a ticket
 * (S4U2proxy, MS-SFU 3.1.5.2), or of anybody, for itself (S4U2self, MS-SFU 3.1.5.1). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "kerberos/library.h"
#include "kerberos/tickets_inside.h"

/* libkrb5 exports it, for GSSAPI's library, and no header of it says so; Samba declares it likewise.  Where it is not there, nobody is
 * logged on by name alone. */
__attribute__((weak)) krb5_error_code KRB5_CALLCONV krb5_get_credentials_for_user(krb5_context krb, krb5_flags options,
                                                                                  krb5_ccache cache, krb5_creds *wanted,
                                                                                  krb5_data *certificate,
                                                                                  krb5_creds **out);

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

/* ---------------------------------------------------------------- S4U2self */

bool tickets_are_from(const struct tickets *tickets, const char *keytab)
{
    return tickets->keytab != NULL && strcmp(tickets->keytab, keytab) == 0;
}

SECURITY_STATUS tickets_get_for(struct tickets *service, const struct identity *user, struct ticket **out)
{
    __attribute__((cleanup(drop_auto))) struct tickets *tickets = NULL;
    REQUIRE(krb5_get_credentials_for_user != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "this libkrb5 has no S4U2self (krb5_get_credentials_for_user)");
    TRY(tickets_new(&tickets));
    TRY(client_name_parse(user, &tickets->name));
    tickets->service = tickets_hold(service);
    tickets->signs_in = true;
    tickets->to_self = true;
    return tickets_ask(tickets, NULL, BYTES_NONE, out);
}

static SECURITY_STATUS ask_to_self(krb5_context krb, krb5_ccache cache, krb5_principal user, bool *out_unknown,
                                   struct ticket **out)
{
    krb5_creds wanted = {.client = user}, *got = NULL;
    krb5_error_code code = krb5_cc_get_principal(krb, cache, &wanted.server);
    if (code == 0) {
        code = krb5_get_credentials_for_user(krb, KRB5_GC_CANONICALIZE | KRB5_GC_NO_STORE, cache, &wanted, NULL, &got);
    }
    wanted.client = NULL;
    krb5_free_cred_contents(krb, &wanted);
    *out_unknown = code == KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN || code == KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN;
    REQUIRE(!*out_unknown, SEC_E_LOGON_DENIED,
            "the KDC does not know the user, or the service asks under a name it has no tickets for (S4U2self, MS-SFU "
            "3.2.5.1)");
    LIBRARY_TRY(krb, LIBRARY_CLIENT, code);
    SECURITY_STATUS status = tickets_make(krb, got, "", out);
    krb5_free_creds(krb, got);
    return status;
}

/* A user principal name is an enterprise name first, and a principal where nobody has that one (RFC 6806 5). */
static SECURITY_STATUS ask_by_names(krb5_context krb, krb5_ccache cache, const struct client_name *name,
                                    struct ticket **out)
{
    krb5_principal user = NULL;
    bool unknown = false;
    if (name->enterprise && client_name_enterprise(krb, name, &user) == 0) {
        SECURITY_STATUS status = ask_to_self(krb, cache, user, &unknown, out);
        krb5_free_principal(krb, user);
        if (!unknown) {
            return status;
        }
        status_begin(); /* the first try was a question */
    }
    user = NULL;
    LIBRARY_TRY(krb, LIBRARY_CLIENT, client_name_plain(krb, name, &user));
    SECURITY_STATUS status = ask_to_self(krb, cache, user, &unknown, out);
    krb5_free_principal(krb, user);
    return status;
}

SECURITY_STATUS tickets_get_to_self(krb5_context krb, struct tickets *tickets, struct ticket **out)
{
    krb5_ccache cache = NULL;
    if (!tickets_signed_in(tickets->service)) {
        TRY(tickets_sign_in(tickets->service, krb));
    }
    TRY(tickets_cache(tickets->service, krb, &cache));
    SECURITY_STATUS status = ask_by_names(krb, cache, &tickets->name, out);
    (void)krb5_cc_close(krb, cache);
    return status;
}
