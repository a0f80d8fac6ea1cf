/* A new password for an account (RFC 3244): a ticket for kadmin/changepw with the old one, and the change with that. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "kerberos/context.h"
#include "kerberos/library.h"
#include "kerberos/principals.h"
#include "kerberos/sign_in.h"
#include "ntstatus.h"

#define SERVICE "kadmin/changepw"

struct change {
    struct library_job job;
    struct client_name name;
    struct secret old_password, new_password; /* UTF-8 with their NULs */
};

static void change_dispose(struct library_job *job)
{
    struct change *change = (struct change *)job;
    client_name_free(&change->name);
    secret_free(&change->old_password);
    secret_free(&change->new_password);
    free(change);
}

/* The server's verdict is a number, and words that policy may have put there; they are the server's own, so they stay out of
 * the reason. */
static SECURITY_STATUS set_password(krb5_context krb, struct change *change, krb5_creds *creds)
{
    int verdict = 0;
    krb5_data words = {0}, more = {0};
    krb5_error_code code = krb5_change_password(krb, creds, (char *)change->new_password.data, &verdict, &words, &more);
    krb5_free_data_contents(krb, &words);
    krb5_free_data_contents(krb, &more);
    LIBRARY_TRY(krb, LIBRARY_CLIENT, code);
    REQUIRE(verdict != KRB5_KPASSWD_SOFTERROR, STATUS_PASSWORD_RESTRICTION,
            "the realm's policy refuses the new password (RFC 3244 2, KRB5_KPASSWD_SOFTERROR)");
    REQUIRE(verdict == KRB5_KPASSWD_SUCCESS, SEC_E_LOGON_DENIED, "the password server refuses the change (RFC 3244 2)");
    return SEC_E_OK;
}

static SECURITY_STATUS change_run(struct library_job *job, krb5_context krb)
{
    struct change *change = (struct change *)job;
    krb5_principal client = NULL;
    krb5_creds creds = {0};
    LIBRARY_TRY(krb, LIBRARY_CLIENT, client_name_plain(krb, &change->name, &client));
    const struct sign_in with = {.secret = &change->old_password, .service = SERVICE, .passing = true};
    SECURITY_STATUS signed_in = sign_in(krb, &with, client, &creds, NULL);
    krb5_free_principal(krb, client);
    TRY(signed_in);
    SECURITY_STATUS status = set_password(krb, change, &creds);
    krb5_free_cred_contents(krb, &creds);
    return status;
}

static SECURITY_STATUS take_password(struct utf16 text, struct secret *out)
{
    size_t size = utf16_utf8_size(text);
    TRY(secret_alloc(out, size + 1));
    utf16_utf8_write(text, (char *)out->data);
    out->data[size] = '\0';
    return SEC_E_OK;
}

static SECURITY_STATUS fill(struct change *change, const struct password_change *from)
{
    const struct identity identity = {.user = from->user, .domain = from->domain};
    TRY(client_name_parse(&identity, &change->name));
    TRY(take_password(from->old_password, &change->old_password));
    return take_password(from->new_password, &change->new_password);
}

SECURITY_STATUS kerberos_change_password(const struct password_change *from)
{
    struct change *change = calloc(1, sizeof *change);
    REQUIRE(change != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a change of password");
    change->job = (struct library_job){.run = change_run, .dispose = change_dispose};
    library_look();
    library_refresh();
    SECURITY_STATUS status = fill(change, from);
    if (status < 0) {
        change_dispose(&change->job);
        return status;
    }
    status = library_run(&change->job);
    library_job_drop(&change->job);
    return status;
}
