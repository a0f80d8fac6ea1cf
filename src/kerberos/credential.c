#include <stdlib.h>

#include "base/auto.h"
#include "base/policy.h"
#include "core/token.h"
#include "kerberos/context.h"
#include "kerberos/library.h"
#include "logon/default_credentials.h"
#include "logon/identity.h"

void kerberos_release(struct credential *base)
{
    struct kerberos_credential *credential = (struct kerberos_credential *)base;
    tickets_drop(credential->tickets);
    tickets_drop(credential->service);
    keytab_close(credential->keytab);
    while (credential->names != NULL) {
        struct kerberos_shown_name *name = credential->names;
        credential->names = name->next;
        utf16_free(&name->text);
        free(name);
    }
    free(credential);
}

static void release_half_made(struct kerberos_credential **credential)
{
    if (*credential != NULL) {
        kerberos_release(&(*credential)->base);
    }
}

/* A thread that stands for a client has what the client forwarded, and nothing else: never this process's own tickets. */
static SECURITY_STATUS take_impersonated(struct kerberos_credential *credential, const struct token *token)
{
    struct tickets *forwarded = token_delegated(token);
    AUTO_IDENTITY identity = {0};
    if (forwarded == NULL) {
        if (token_identity(token, &identity) == SEC_E_OK) { /* CredSSP: his password */
            return tickets_open_password(&identity, &credential->tickets);
        }
        status_begin(); /* that there is none is not the reason */
    }
    REQUIRE(forwarded != NULL, SEC_E_NO_CREDENTIALS,
            "this thread impersonates a client that forwarded no credentials (ISC_REQ_DELEGATE), and policy lets "
            "the service ask for none in its name ([kerberos] constrained-delegation)");
    credential->tickets = tickets_hold(forwarded);
    return SEC_E_OK;
}

/* Without tickets in the default cache, whoever logged on (`sspi logon`) signs in with his password. */
static SECURITY_STATUS prefer_logon_session(struct kerberos_credential *credential)
{
    AUTO_IDENTITY session = {0};
    AUTO_UTF16 name = UTF16_NONE;
    if (tickets_name(credential->tickets, &name) >= 0) {
        return SEC_E_OK;
    }
    status_begin();
    if (logon_session_load(&session) < 0 || session.password.size == 0 || session.has_nt_hash) {
        status_begin();
        return SEC_E_OK;
    }
    struct tickets *tickets = NULL;
    TRY(tickets_open_password(&session, &tickets));
    tickets_drop(credential->tickets);
    credential->tickets = tickets;
    return SEC_E_OK;
}

/* An identity without user and password only narrows what may be chosen (its package list): the default credentials. */
static SECURITY_STATUS take_outbound(struct kerberos_credential *credential, const struct credential_in *in)
{
    AUTO_IDENTITY identity = {0};
    if (in->auth_data != NULL) {
        TRY(identity_parse(in->auth_data, &identity));
        REQUIRE(!identity.has_nt_hash, SEC_E_UNKNOWN_CREDENTIALS,
                "an NT hash instead of a password: Kerberos here signs in with passwords and tickets");
    }
    if (identity.has_certificate) {
        return tickets_open_certificate(&identity, &credential->tickets);
    }
    if (identity.password.size != 0) {
        return tickets_open_password(&identity, &credential->tickets);
    }
    if (identity.user.size == 0 && token_current() != NULL) {
        return take_impersonated(credential, token_current());
    }
    if (identity.user.size != 0) { /* a user without a password: among the tickets there are */
        struct tickets *tickets = NULL;
        TRY(tickets_open_user(&identity, &tickets));
        credential->tickets = tickets;
        return SEC_E_OK;
    }
    TRY(tickets_open_default((in->use & SECPKG_CRED_INBOUND) == 0 ? in->principal : UTF16_NONE, &credential->tickets));
    return in->principal.size == 0 ? prefer_logon_session(credential) : SEC_E_OK;
}

/* A server without keys accepts nobody, but for user-to-user, with tickets of its own.  A credential for both directions has a
 * use in any case. */
static SECURITY_STATUS can_accept(struct kerberos_credential *credential, const struct credential_in *in)
{
    krb5_context krb;
    krb5_keytab keytab = NULL;
    krb5_principal service = NULL;
    AUTO_UTF16 name = UTF16_NONE;
    if (in->auth_data != NULL || (in->use & SECPKG_CRED_OUTBOUND) != 0) {
        return SEC_E_OK;
    }
    TRY(library_context(&krb));
    SECURITY_STATUS status = keytab_use(credential->keytab, krb, &keytab, &service);
    if (status >= 0) {
        (void)krb5_kt_close(krb, keytab);
    } else if (tickets_name(credential->tickets, &name) >= 0) {
        status_begin();
        status = SEC_E_OK;
    }
    return status;
}

SECURITY_STATUS kerberos_acquire(const struct credential_in *in, struct credential **out_credential,
                                 uint64_t *out_expiry)
{
    REQUIRE(!policy_get()->broken, SEC_E_INTERNAL_ERROR,
            "the policy file cannot be read or has an error, see SSPI_TRACE for the line (sspi.conf(5))");
    REQUIRE(policy_get()->kerberos_enabled, SEC_E_SECPKG_NOT_FOUND,
            "the policy has switched Kerberos off ([kerberos] enabled)");
    __attribute__((cleanup(release_half_made))) struct kerberos_credential *credential = calloc(1, sizeof *credential);
    REQUIRE(credential != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a credential");
    credential->base = (struct credential){.package = &kerberos_package, .use = in->use};
    library_look();
    library_refresh();
    if ((in->use & SECPKG_CRED_OUTBOUND) != 0 || in->auth_data != NULL) {
        TRY(take_outbound(credential, in));
    } else { /* the server's own tickets, for user-to-user */
        TRY(tickets_open_default(UTF16_NONE, &credential->tickets));
    }
    if ((in->use & SECPKG_CRED_INBOUND) != 0) {
        credential->as_user = in->auth_data != NULL;
        TRY(keytab_open(in->principal, &credential->keytab));
        TRY(can_accept(credential, in));
    }
    *out_expiry = tickets_expiry(credential->tickets);
    *out_credential = &credential->base;
    credential = NULL;
    return SEC_E_OK;
}

/* A name that was handed out stays where it is, since another thread may still be reading it; the cache behind the credential
 * may become somebody else's meanwhile. */
static SECURITY_STATUS keep_name(struct kerberos_credential *credential, struct utf16 *name, struct utf16 *out)
{
    for (struct kerberos_shown_name *kept = credential->names; kept != NULL; kept = kept->next) {
        if (utf16_equal(kept->text, *name)) {
            *out = kept->text;
            return SEC_E_OK;
        }
    }
    struct kerberos_shown_name *kept = malloc(sizeof *kept);
    REQUIRE(kept != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a name");
    *kept = (struct kerberos_shown_name){credential->names, *name};
    *name = UTF16_NONE;
    credential->names = kept;
    *out = kept->text;
    return SEC_E_OK;
}

SECURITY_STATUS kerberos_query_credential(struct credential *base, uint32_t attribute, struct attribute *out)
{
    struct kerberos_credential *credential = (struct kerberos_credential *)base;
    AUTO_UTF16 name = UTF16_NONE;
    if (attribute == SECPKG_CRED_ATTR_CERT) {
        return tickets_certificate(credential->tickets, &out->bytes);
    }
    REQUIRE(attribute == SECPKG_CRED_ATTR_NAMES, SEC_E_UNSUPPORTED_FUNCTION,
            "Kerberos credentials have no such attribute (QueryCredentialsAttributes)");
    library_refresh();
    TRY(tickets_name(credential->tickets, &name));
    pthread_mutex_lock(library_lock(credential));
    SECURITY_STATUS status = keep_name(credential, &name, &out->name);
    pthread_mutex_unlock(library_lock(credential));
    return status;
}

SECURITY_STATUS kerberos_add(struct credential *credential, const struct package *package,
                             const struct credential_in *in, uint64_t *out_expiry)
{
    REQUIRE(package_is_same(package, &kerberos_package), SEC_E_UNSUPPORTED_FUNCTION,
            "AddCredentials: a handle of Kerberos takes no credential of another package");
    return credential_add(credential, in, out_expiry);
}
