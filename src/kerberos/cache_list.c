/* What is in the default credential cache, for LsaCallAuthenticationPackage (KerbQueryTicketCacheMessage and its like). */
#include "base/auto.h"
#include "core/token.h"
#include "kerberos/context.h"
#include "kerberos/library.h"
#include "kerberos/principals.h"

static uint64_t time_or_none(krb5_timestamp when)
{
    return when != 0 ? kerberos_filetime(when) : 0;
}

/* A principal's name and its realm, owned. */
static SECURITY_STATUS split(krb5_context krb, krb5_const_principal principal, struct utf16 *out_name,
                             struct utf16 *out_realm)
{
    char *text = NULL;
    LIBRARY_TRY(krb, LIBRARY_CLIENT, krb5_unparse_name_flags(krb, principal, KRB5_PRINCIPAL_UNPARSE_NO_REALM, &text));
    size_t size = 0;
    while (text[size] != '\0') {
        size++;
    }
    SECURITY_STATUS status = utf16_from_utf8(bytes_of(text, size), out_name);
    krb5_free_unparsed_name(krb, text);
    TRY(status);
    return utf16_from_utf8(bytes_of(principal->realm.data, principal->realm.length), out_realm);
}

static uint32_t ticket_enctype(const krb5_creds *creds)
{
    krb5_ticket *ticket = NULL;
    uint32_t type = 0;
    if (krb5_decode_ticket(&creds->ticket, &ticket) == 0) {
        type = (uint32_t)ticket->enc_part.enctype;
        krb5_free_ticket(NULL, ticket);
    }
    return type;
}

static SECURITY_STATUS tell(krb5_context krb, const krb5_creds *creds,
                            SECURITY_STATUS (*each)(void *argument, const struct ticket_view *ticket), void *argument)
{
    AUTO_UTF16 client = UTF16_NONE;
    AUTO_UTF16 client_realm = UTF16_NONE;
    AUTO_UTF16 server = UTF16_NONE;
    AUTO_UTF16 server_realm = UTF16_NONE;
    if (krb5_is_config_principal(krb, creds->server)) {
        return SEC_E_OK; /* libkrb5's own notes, not tickets */
    }
    TRY(split(krb, creds->client, &client, &client_realm));
    TRY(split(krb, creds->server, &server, &server_realm));
    struct ticket_view view = {
        .client = client,
        .client_realm = client_realm,
        .server = server,
        .server_realm = server_realm,
        .start = time_or_none(creds->times.starttime != 0 ? creds->times.starttime : creds->times.authtime),
        .end = time_or_none(creds->times.endtime),
        .renew = time_or_none(creds->times.renew_till),
        .enctype = ticket_enctype(creds),
        .session_enctype = (uint32_t)creds->keyblock.enctype,
        .flags = (uint32_t)creds->ticket_flags,
    };
    return each(argument, &view);
}

static SECURITY_STATUS walk(krb5_context krb, krb5_ccache cache,
                            SECURITY_STATUS (*each)(void *argument, const struct ticket_view *ticket), void *argument)
{
    krb5_cc_cursor cursor;
    krb5_creds creds;
    SECURITY_STATUS status = SEC_E_OK;
    if (krb5_cc_start_seq_get(krb, cache, &cursor) != 0) {
        return SEC_E_OK; /* no cache: no tickets */
    }
    while (status >= 0 && krb5_cc_next_cred(krb, cache, &cursor, &creds) == 0) {
        status = tell(krb, &creds, each, argument);
        krb5_free_cred_contents(krb, &creds);
    }
    (void)krb5_cc_end_seq_get(krb, cache, &cursor);
    return status;
}

static void drop_tickets(struct tickets **tickets)
{
    tickets_drop(*tickets);
}

SECURITY_STATUS kerberos_list_tickets(SECURITY_STATUS (*each)(void *argument, const struct ticket_view *ticket),
                                      void *argument)
{
    __attribute__((cleanup(drop_tickets))) struct tickets *tickets = NULL;
    krb5_context krb;
    krb5_ccache cache = NULL;
    library_refresh();
    if (token_current() != NULL) { /* whoever impersonates a client has the client's */
        if (token_delegated(token_current()) == NULL) {
            return SEC_E_OK;
        }
        tickets = tickets_hold(token_delegated(token_current()));
    } else {
        TRY(tickets_open_default(UTF16_NONE, &tickets));
    }
    TRY(library_context(&krb));
    if (tickets_cache(tickets, krb, &cache) < 0) {
        status_begin();
        return SEC_E_OK;
    }
    SECURITY_STATUS status = walk(krb, cache, each, argument);
    (void)krb5_cc_close(krb, cache);
    return status;
}
