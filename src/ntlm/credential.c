#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/policy.h"
#include "core/token.h"
#include "logon/identity.h"
#include "ntlm/context.h"
#include "ntlm/keys.h"
#include "text/names.h"

/* LmCompatibilityLevel from which a client sends NTLMv2 only (MS-NLMP 3.1.1.1). */
#define LEVEL_NTLMV2 3
#define LEVEL_NO_LM  2

/* Turns the password into the one-way functions that responses are made of. */
static void take_password(struct ntlm_credential *credential, const struct identity *identity)
{
    int level = policy_get()->ntlm_send_level;
    AUTO_KEY16 ntowf;
    if (identity->has_nt_hash) {
        ntowf = identity->nt_hash;
    } else {
        ntlm_ntowf_v1(secret_bytes(&identity->password), &ntowf);
        if (level < LEVEL_NO_LM) {
            credential->has_lmowf_v1 =
                ntlm_lmowf_v1(utf16_of(secret_bytes(&identity->password)), &credential->lmowf_v1);
        }
    }
    if (level < LEVEL_NTLMV2) {
        credential->ntowf_v1 = ntowf;
    }
    AUTO_KEY16 ntowf_v2;
    ntlm_ntowf_v2(&ntowf, credential->user, credential->domain, &ntowf_v2);
    hmac_md5_key(&credential->ntowf_v2, BYTES(ntowf_v2.b));
}

/* DOMAIN\user in one piece, so that nobody has to build it later; user and domain are slices of it. */
static SECURITY_STATUS take_names(struct ntlm_credential *credential, const struct account_name *name)
{
    AUTO_WRITER writer = write_growing(4 * ACCOUNT_NAME_MAX + 2);
    write_reserve(&writer, name->domain.size + 2 + name->user.size);
    size_t user_at = 0;
    if (name->domain.size != 0) {
        write_bytes(&writer, utf16_bytes(name->domain));
        write_u16le(&writer, '\\');
        user_at = name->domain.size + 2;
    }
    write_bytes(&writer, utf16_bytes(name->user));
    TRY(write_end(&writer));
    credential->qualified.size = writer.size;
    credential->qualified.data = write_take(&writer);
    credential->domain = (struct utf16){credential->qualified.data, name->domain.size};
    credential->user = (struct utf16){credential->qualified.data + user_at, name->user.size};
    return SEC_E_OK;
}

/* The names as they go on the wire: DOMAIN\user without a domain beside it is taken apart, a UPN stays whole. */
static SECURITY_STATUS take_identity(struct ntlm_credential *credential, const struct identity *identity)
{
    struct account_name name = names_split(identity->user, identity->domain);
    REQUIRE(utf16_length(name.user) <= ACCOUNT_NAME_MAX && utf16_length(name.domain) <= ACCOUNT_NAME_MAX,
            SEC_E_UNKNOWN_CREDENTIALS, "a user or domain name is longer than 256 characters (UNLEN)");
    TRY(take_names(credential, &name));
    credential->has_identity = true;
    credential->anonymous =
        name.user.size == 0 && name.domain.size == 0 && identity->password.size == 0 && !identity->has_nt_hash;
    take_password(credential, identity);
    return SEC_E_OK;
}

/* Nobody, with a list of packages: the caller's own identity, for these (curl's Negotiate without a user).  Without a list it
 * is the anonymous user. */
static bool is_default(const struct identity *identity)
{
    return identity->package_list.size != 0 && identity->user.size == 0 && identity->domain.size == 0 &&
           identity->password.size == 0 && !identity->has_nt_hash && !identity->has_certificate;
}

static SECURITY_STATUS find_identity(const struct credential_in *in, struct identity *out)
{
    if (in->auth_data != NULL) {
        TRY(identity_parse(in->auth_data, out));
    }
    if (in->auth_data != NULL && !is_default(out)) {
        REQUIRE(!out->has_certificate, SEC_E_NO_CREDENTIALS,
                "a certificate's identity, whose PIN is no password of NTLM's (CredMarshalCredential)");
        return SEC_E_OK;
    }
    identity_free(out);
    *out = (struct identity){0};
    return token_default_identity(in->principal, out); /* of the client that this thread stands for */
}

static void release_half_made(struct ntlm_credential **credential)
{
    if (*credential != NULL) {
        ntlm_release(&(*credential)->base);
    }
}

SECURITY_STATUS ntlm_acquire(const struct credential_in *in, struct credential **out_credential, uint64_t *out_expiry)
{
    REQUIRE(!policy_get()->broken, SEC_E_INTERNAL_ERROR,
            "the policy file cannot be read or has an error, see SSPI_TRACE for the line (sspi.conf(5))");
    REQUIRE(policy_get()->ntlm_enabled, SEC_E_SECPKG_NOT_FOUND, "the policy has switched NTLM off ([ntlm] enabled)");
    __attribute__((cleanup(release_half_made))) struct ntlm_credential *credential = calloc(1, sizeof *credential);
    REQUIRE(credential != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a credential");
    credential->base = (struct credential){.package = &ntlm_package, .use = in->use};

    if ((in->use & SECPKG_CRED_OUTBOUND) != 0) {
        AUTO_IDENTITY identity = {0};
        SECURITY_STATUS status = find_identity(in, &identity);
        /* SECPKG_CRED_BOTH without an identity still serves the inbound side; initiate says what is missing. */
        bool inbound_is_enough = status == SEC_E_NO_CREDENTIALS && (in->use & SECPKG_CRED_INBOUND) != 0;
        if (status < 0 && !inbound_is_enough) {
            return status;
        }
        if (status >= 0) {
            TRY(take_identity(credential, &identity));
        }
    }
    *out_expiry = CLOCK_NEVER;
    *out_credential = &credential->base;
    credential = NULL;
    return SEC_E_OK;
}

void ntlm_release(struct credential *base)
{
    struct ntlm_credential *credential = (struct ntlm_credential *)base;
    struct ntlm_verifier *verifier = atomic_load_explicit(&credential->verifiers, memory_order_acquire);
    while (verifier != NULL) {
        struct ntlm_verifier *older = verifier->older;
        free(verifier);
        verifier = older;
    }
    utf16_free(&credential->qualified);
    secret_wipe(credential, sizeof *credential);
    free(credential);
}

SECURITY_STATUS ntlm_query_credential(struct credential *base, uint32_t attribute, struct attribute *out)
{
    struct ntlm_credential *credential = (struct ntlm_credential *)base;
    REQUIRE(attribute == SECPKG_CRED_ATTR_NAMES, SEC_E_UNSUPPORTED_FUNCTION,
            "NTLM credentials have no such attribute (QueryCredentialsAttributes)");
    REQUIRE(credential->has_identity, SEC_E_NO_CREDENTIALS, "this credential holds no identity");
    out->name = credential->qualified;
    return SEC_E_OK;
}

/* The credential's own copy of a function and its argument, so that a logon under way in another thread sees both or
 * neither.  A pair that was set before is found again: a caller may set one for every connection. */
static SECURITY_STATUS keep_verifier(struct ntlm_credential *credential, const struct credential_verifier *wanted,
                                     struct ntlm_verifier **out)
{
    struct ntlm_verifier *newest = atomic_load_explicit(&credential->verifiers, memory_order_acquire);
    for (struct ntlm_verifier *kept = newest; kept != NULL; kept = kept->older) {
        if (kept->verify == wanted->verify && kept->argument == wanted->argument) {
            *out = kept;
            return SEC_E_OK;
        }
    }
    struct ntlm_verifier *made = malloc(sizeof *made);
    REQUIRE(made != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a verifier");
    *made = (struct ntlm_verifier){wanted->verify, wanted->argument, newest};
    while (!atomic_compare_exchange_weak_explicit(&credential->verifiers, &made->older, made, memory_order_acq_rel,
                                                  memory_order_acquire)) {
    }
    *out = made;
    return SEC_E_OK;
}

SECURITY_STATUS ntlm_set_credential(struct credential *base, uint32_t attribute, struct bytes value)
{
    struct ntlm_credential *credential = (struct ntlm_credential *)base;
    REQUIRE(attribute == SSPI_EXT_CRED_ATTR_VERIFIER && (base->use & SECPKG_CRED_INBOUND) != 0,
            SEC_E_UNSUPPORTED_FUNCTION, "NTLM credentials have no such attribute (SetCredentialsAttributes)");
    struct credential_verifier wanted;
    struct ntlm_verifier *verifier = NULL;
    REQUIRE(value.size == sizeof wanted, SEC_E_INVALID_TOKEN, "a verifier of another size");
    memcpy(&wanted, value.data, sizeof wanted);
    if (wanted.verify != NULL) {
        TRY(keep_verifier(credential, &wanted, &verifier));
    }
    atomic_store_explicit(&credential->verifier, verifier, memory_order_release);
    return SEC_E_OK;
}
