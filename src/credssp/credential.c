/* A CredSSP credential is one of Schannel and one of Negotiate, and what a client may delegate. */
#pragma GCC visibility push(default)
#include "windows.h"

#include "credssp.h"
#include "schannel.h"
#pragma GCC visibility pop

#include <stdlib.h>

#include "base/policy.h"
#include "core/token.h"
#include "credssp/context.h"
#include "credssp/kerb_logon.h"
#include "credssp/smart_card.h"
#include "text/names.h"

/* No session is resumed, since the binding needs the certificate, and none of the user's own certificates is shown
 * (MS-CSSP 3.1.5).  The server's is not judged before there is a reason to. */
#define CHANNEL_FLAGS  (SCH_CRED_DISABLE_RECONNECTS)
#define CHANNEL_CLIENT (SCH_CRED_MANUAL_CRED_VALIDATION | SCH_CRED_NO_DEFAULT_CREDS)

/* ---------------------------------------------------------------- pAuthData */

/* CREDSSP_CRED and CREDSSP_CRED_EX, told apart by their first word, and NULL. */
static SECURITY_STATUS describe(const struct credential_in *in, CREDSSP_CRED *out, bool *out_redirect)
{
    *out = (CREDSSP_CRED){.Type = CredsspPasswordCreds};
    *out_redirect = false;
    if (in->auth_data == NULL) {
        return SEC_E_OK;
    }
    const CREDSSP_CRED *cred = in->auth_data;
    if (cred->Type == CredsspCredEx) {
        const CREDSSP_CRED_EX *ex = in->auth_data;
        REQUIRE(ex->Version == CREDSSP_CRED_EX_VERSION, SEC_E_UNKNOWN_CREDENTIALS,
                "CREDSSP_CRED_EX: a version there is not");
        REQUIRE((ex->Flags & ~(ULONG)CREDSSP_FLAG_REDIRECT) == 0, SEC_E_UNKNOWN_CREDENTIALS,
                "CREDSSP_CRED_EX: a flag there is not");
        *out_redirect = (ex->Flags & CREDSSP_FLAG_REDIRECT) != 0;
        cred = &ex->Cred;
    }
    switch (cred->Type) {
    case CredsspPasswordCreds:
    case CredsspSchannelCreds:
    case CredsspCertificateCreds:
    case CredsspSubmitBufferBoth:
    case CredsspSubmitBufferBothOld:
        *out = *cred;
        return SEC_E_OK;
    default:
        FAIL(SEC_E_UNKNOWN_CREDENTIALS, "CREDSSP_CRED: a submit type there is not");
    }
}

/* ---------------------------------------------------------------- the channel's part */

static SECURITY_STATUS acquire_channel(struct credssp_credential *credential, const struct credential_in *in,
                                       const void *schannel_cred)
{
    const struct package *package = package_find_utf8(SCHANNEL_PACKAGE);
    REQUIRE(package != NULL, SEC_E_SECPKG_NOT_FOUND, "CredSSP needs Schannel, which this build has not");
    bool outbound = (in->use & SECPKG_CRED_OUTBOUND) != 0;
    DWORD flags = CHANNEL_FLAGS | (outbound ? CHANNEL_CLIENT : 0);
    SCHANNEL_CRED v4;
    SCH_CREDENTIALS v5 = {.dwVersion = SCH_CREDENTIALS_VERSION};
    struct credential_in part = {.use = in->use, .auth_data = schannel_cred};
    DWORD version = schannel_cred != NULL ? *(const DWORD *)schannel_cred : outbound ? SCH_CREDENTIALS_VERSION : 0;
    if (version == SCHANNEL_CRED_VERSION) {
        v4 = *(const SCHANNEL_CRED *)schannel_cred;
        v4.dwFlags |= flags;
        part.auth_data = &v4;
    } else if (version == SCH_CREDENTIALS_VERSION) {
        v5 = schannel_cred != NULL ? *(const SCH_CREDENTIALS *)schannel_cred : v5;
        v5.dwFlags |= flags;
        part.auth_data = &v5;
    }
    uint64_t expiry;
    return credential_acquire(package, &part, HANDLE_CREDENTIAL_PART, &credential->tls, &expiry);
}

/* ---------------------------------------------------------------- the session's part, and what is delegated */

static SECURITY_STATUS keep(struct credssp_credential *credential, const struct ts_credentials *credentials)
{
    AUTO_WRITER message = write_growing(TS_CREDENTIALS_MAX);
    TRY(ts_credentials_build(credentials, &message));
    return secret_copy(&credential->delegable, write_result(&message));
}

static SECURITY_STATUS keep_password(struct credssp_credential *credential, const struct identity *identity)
{
    struct account_name name = names_split(identity->user, identity->domain);
    const struct ts_credentials credentials = {
        .type = TS_PASSWORD, .password = {name.domain, name.user, utf16_of(secret_bytes(&identity->password))}};
    return keep(credential, &credentials);
}

/* A certificate's PIN is no password, and for a server that has the card within reach (MS-CSSP 2.2.1.2.2). */
static SECURITY_STATUS keep_card(struct credssp_credential *credential, const struct identity *identity)
{
    AUTO_UTF16 owned = UTF16_NONE;
    struct ts_credentials credentials = {.type = TS_SMART_CARD};
    TRY(smart_card_of_identity(identity, &owned, &credentials.smart_card));
    return keep(credential, &credentials);
}

/* Whom the session stands for: the client that this thread impersonates, with what he delegated and nothing else, as the
 * program's own password is not his to spend; else the principal that was asked for, of those who are logged on.  Found out
 * here, as Negotiate does: a step may be another thread's. */
static SECURITY_STATUS take_saved(struct credssp_credential *credential, const struct credential_in *in)
{
    AUTO_IDENTITY identity = {0};
    SECURITY_STATUS status = token_default_identity(in->principal, &identity);
    credential->saved = true;
    if (status == SEC_E_NO_CREDENTIALS) {
        status_begin(); /* ISC_REQ_DELEGATE says so, should it come */
        return SEC_E_OK;
    }
    TRY(status);
    return identity.has_nt_hash || !identity.has_password ? SEC_E_OK : keep_password(credential, &identity);
}

static SECURITY_STATUS take_identity(struct credssp_credential *credential, const struct credential_in *in,
                                     const void *auth_data)
{
    AUTO_IDENTITY identity = {0};
    TRY(identity_parse(auth_data, &identity));
    if (identity.has_nt_hash) {
        return SEC_E_OK;
    }
    if (!identity.has_password) { /* without a name it only narrows the choice */
        return identity.user.size == 0 ? take_saved(credential, in) : SEC_E_OK;
    }
    return identity.has_certificate ? keep_card(credential, &identity) : keep_password(credential, &identity);
}

/* The identity behind a packed logon; borrowed. */
static SEC_WINNT_AUTH_IDENTITY_EXW identity_of(const struct ts_password *password)
{
    return (SEC_WINNT_AUTH_IDENTITY_EXW){
        .Version = SEC_WINNT_AUTH_IDENTITY_VERSION,
        .Length = sizeof(SEC_WINNT_AUTH_IDENTITY_EXW),
        .User = (unsigned short *)(uintptr_t)password->user.data,
        .UserLength = (ULONG)utf16_length(password->user),
        .Domain = (unsigned short *)(uintptr_t)password->domain.data,
        .DomainLength = (ULONG)utf16_length(password->domain),
        .Password = (unsigned short *)(uintptr_t)password->password.data,
        .PasswordLength = (ULONG)utf16_length(password->password),
        .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE,
    };
}

static SECURITY_STATUS acquire_session(struct credssp_credential *credential, const struct credential_in *in,
                                       const void *auth_data, uint64_t *out_expiry)
{
    const struct package *package = package_find_utf8(NEGOTIATE_PACKAGE);
    REQUIRE(package != NULL, SEC_E_SECPKG_NOT_FOUND, "CredSSP needs Negotiate, which this build has not");
    struct credential_in part = *in;
    part.auth_data = auth_data;
    return credential_acquire(package, &part, HANDLE_CREDENTIAL_PART, &credential->nego, out_expiry);
}

/* A card and its PIN are for the server; the session is made with the certificate on it where it is at hand, and else, as for
 * tickets that are handed on, with those that the user has. */
static SECURITY_STATUS acquire_with_card(struct credssp_credential *credential, const struct credential_in *in,
                                         const struct ts_smart_card *card, uint64_t *out_expiry)
{
    uint8_t user[64];
    struct writer name = write_into(user, sizeof user);
    TRY(smart_card_user(card, &name));
    struct ts_password logon = {.user = utf16_of(write_result(&name)), .password = card->pin};
    SEC_WINNT_AUTH_IDENTITY_EXW identity = identity_of(&logon);
    return acquire_session(credential, in, name.size != 0 ? &identity : NULL, out_expiry);
}

static SECURITY_STATUS acquire_packed(struct credssp_credential *credential, const struct credential_in *in,
                                      const CREDSSP_CRED *cred, bool redirect, uint64_t *out_expiry)
{
    struct ts_credentials credentials;
    TRY(kerb_logon_parse(cred->pSpnegoCred, &credentials));
    REQUIRE(cred->Type != CredsspCertificateCreds || credentials.type == TS_SMART_CARD, SEC_E_UNKNOWN_CREDENTIALS,
            "CREDSSP_CRED: CredsspCertificateCreds without a KERB_CERTIFICATE_LOGON");
    REQUIRE(redirect == (credentials.type == TS_REMOTE_GUARD), SEC_E_UNKNOWN_CREDENTIALS,
            "CREDSSP_CRED_EX: CREDSSP_FLAG_REDIRECT goes with a KERB_TICKET_LOGON, and with nothing else");
    TRY(keep(credential, &credentials));
    if (credentials.type == TS_SMART_CARD) {
        return acquire_with_card(credential, in, &credentials.smart_card, out_expiry);
    }
    if (credentials.type != TS_PASSWORD) {
        return acquire_session(credential, in, NULL, out_expiry);
    }
    SEC_WINNT_AUTH_IDENTITY_EXW identity = identity_of(&credentials.password);
    return acquire_session(credential, in, &identity, out_expiry);
}

static SECURITY_STATUS acquire_parts(struct credssp_credential *credential, const struct credential_in *in,
                                     uint64_t *out_expiry)
{
    CREDSSP_CRED cred;
    bool redirect;
    TRY(describe(in, &cred, &redirect));
    credential->submit_type = cred.Type;
    TRY(acquire_channel(credential, in, cred.pSchannelCred));
    if ((in->use & SECPKG_CRED_INBOUND) != 0) {
        return acquire_session(credential, in, cred.pSpnegoCred, out_expiry);
    }
    bool packed = cred.Type != CredsspPasswordCreds && cred.Type != CredsspSchannelCreds;
    REQUIRE(!packed || cred.pSpnegoCred != NULL, SEC_E_UNKNOWN_CREDENTIALS,
            "CREDSSP_CRED: a packed logon is announced, and pSpnegoCred is NULL");
    REQUIRE(packed || !redirect, SEC_E_UNKNOWN_CREDENTIALS,
            "CREDSSP_CRED_EX: CREDSSP_FLAG_REDIRECT goes with a KERB_TICKET_LOGON, and with nothing else");
    if (packed) {
        return acquire_packed(credential, in, &cred, redirect, out_expiry);
    }
    const void *identity = cred.Type == CredsspPasswordCreds ? cred.pSpnegoCred : NULL;
    TRY(acquire_session(credential, in, identity, out_expiry));
    return identity != NULL ? take_identity(credential, in, identity) : take_saved(credential, in);
}

static void release_half_made(struct credssp_credential **credential)
{
    if (*credential != NULL) {
        credssp_release(&(*credential)->base);
    }
}

SECURITY_STATUS credssp_acquire(const struct credential_in *in, struct credential **out_credential,
                                uint64_t *out_expiry)
{
    REQUIRE(!policy_get()->broken, SEC_E_INTERNAL_ERROR,
            "the policy file cannot be read or has an error, see SSPI_TRACE for the line (sspi.conf(5))");
    REQUIRE(policy_get()->credssp_enabled, SEC_E_SECPKG_NOT_FOUND,
            "the policy has switched CredSSP off ([credssp] enabled)");
    REQUIRE(in->use != SECPKG_CRED_BOTH, SEC_E_NO_CREDENTIALS,
            "CredSSP: a credential is for one direction (AcquireCredentialsHandle (CredSSP))");
    __attribute__((cleanup(release_half_made))) struct credssp_credential *credential = calloc(1, sizeof *credential);
    REQUIRE(credential != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a credential");
    credential->base = (struct credential){.package = &credssp_package, .use = in->use};
    uint64_t expiry = CLOCK_NEVER;
    TRY(acquire_parts(credential, in, &expiry));
    *out_expiry = expiry;
    *out_credential = &credential->base;
    credential = NULL;
    return SEC_E_OK;
}

void credssp_release(struct credential *base)
{
    struct credssp_credential *credential = (struct credssp_credential *)base;
    credential_close(credential->tls);
    credential_close(credential->nego);
    secret_free(&credential->delegable);
    free(credential);
}

/* Names are the session's; what else is asked is about the channel. */
SECURITY_STATUS credssp_query_credential(struct credential *base, uint32_t attribute, struct attribute *out)
{
    struct credssp_credential *credential = (struct credssp_credential *)base;
    struct credential *part = attribute == SECPKG_CRED_ATTR_NAMES ? credential->nego : credential->tls;
    return part->package->query_credential(part, attribute, out);
}

SECURITY_STATUS credssp_set_credential(struct credential *base, uint32_t attribute, struct bytes value)
{
    struct credential *part = ((struct credssp_credential *)base)->nego;
    return part->package->set_credential(part, attribute, value);
}
