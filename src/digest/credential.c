#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/policy.h"
#include "core/token.h"
#include "digest/context.h"
#include "logon/identity.h"

static SECURITY_STATUS find_identity(const struct credential_in *in, struct identity *out)
{
    if (in->auth_data != NULL) {
        TRY(identity_parse(in->auth_data, out));
        REQUIRE(!out->has_certificate, SEC_E_NO_CREDENTIALS,
                "a certificate's identity, whose PIN is no password of Digest's (CredMarshalCredential)");
        return SEC_E_OK;
    }
    return token_default_identity(in->principal, out);
}

static SECURITY_STATUS qualified_name(const struct identity *identity, struct utf16 *out)
{
    AUTO_WRITER writer = write_growing(4 * ACCOUNT_NAME_MAX + 2);
    if (identity->domain.size != 0) {
        write_bytes(&writer, utf16_bytes(identity->domain));
        write_u16le(&writer, '\\');
    }
    write_bytes(&writer, utf16_bytes(identity->user));
    TRY(write_end(&writer));
    out->size = writer.size;
    out->data = write_take(&writer);
    return SEC_E_OK;
}

static SECURITY_STATUS take_identity(struct digest_credential *credential, const struct identity *identity)
{
    REQUIRE(!identity->has_nt_hash, SEC_E_UNKNOWN_CREDENTIALS,
            "Digest needs the password: an NT hash does not answer its challenges (RFC 7616 3.4.2)");
    REQUIRE(utf16_length(identity->user) <= ACCOUNT_NAME_MAX && utf16_length(identity->domain) <= ACCOUNT_NAME_MAX,
            SEC_E_UNKNOWN_CREDENTIALS, "a user or domain name is longer than 256 characters (UNLEN)");
    TRY(utf16_copy(identity->user, &credential->user));
    TRY(utf16_copy(identity->domain, &credential->domain));
    TRY(qualified_name(identity, &credential->qualified));
    TRY(secret_copy(&credential->password, secret_bytes(&identity->password)));
    credential->has_identity = true;
    return SEC_E_OK;
}

static void release_half_made(struct digest_credential **credential)
{
    if (*credential != NULL) {
        digest_release(&(*credential)->base);
    }
}

SECURITY_STATUS digest_acquire(const struct credential_in *in, struct credential **out_credential, uint64_t *out_expiry)
{
    REQUIRE(!policy_get()->broken, SEC_E_INTERNAL_ERROR,
            "the policy file cannot be read or has an error, see SSPI_TRACE for the line (sspi.conf(5))");
    REQUIRE(policy_get()->digest_enabled, SEC_E_SECPKG_NOT_FOUND,
            "the policy has switched Digest off ([digest] enabled)");
    REQUIRE((in->use & SECPKG_CRED_BOTH) != SECPKG_CRED_BOTH, SEC_E_NO_CREDENTIALS,
            "Digest credentials are inbound or outbound, not both (AcquireCredentialsHandle (Digest))");
    AUTO(release_half_made) struct digest_credential *credential = calloc(1, sizeof *credential);
    REQUIRE(credential != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a credential");
    pthread_mutex_init(&credential->lock, NULL);
    credential->base = (struct credential){.package = &digest_package, .use = in->use};
    if ((in->use & SECPKG_CRED_OUTBOUND) != 0) {
        AUTO_IDENTITY identity = {0};
        TRY(find_identity(in, &identity));
        TRY(take_identity(credential, &identity));
    }
    *out_expiry = CLOCK_NEVER;
    *out_credential = &STEAL(credential)->base;
    return SEC_E_OK;
}

static void reauthentication_free(struct digest_reauthentication *known)
{
    if (known != NULL) {
        utf16_free(&known->target);
        digest_value_wipe(&known->session_key);
        free(known);
    }
}

static struct digest_reauthentication *copy_of(const struct digest_context *context, struct utf16 target)
{
    struct bytes strings[DIGEST_TEXTS];
    size_t size = 0;
    digest_strings_get(context, strings);
    for (int i = 0; i < DIGEST_TEXTS; i++) {
        size += strings[i].size;
    }
    struct digest_reauthentication *known = calloc(1, sizeof *known + size);
    if (known == NULL || utf16_copy(target, &known->target) < 0) {
        free(known);
        return NULL;
    }
    struct writer writer = write_into(known->text, size);
    for (int i = 0; i < DIGEST_TEXTS; i++) {
        known->strings[i] = bytes_of(known->text + writer.size, strings[i].size);
        write_bytes(&writer, strings[i]);
    }
    known->count = context->count;
    known->charset = context->charset;
    known->session_key = context->session_key;
    return known;
}

static void replace_known(struct digest_credential *credential, struct digest_reauthentication *known)
{
    pthread_mutex_lock(&credential->lock);
    struct digest_reauthentication *old = credential->known;
    credential->known = known;
    pthread_mutex_unlock(&credential->lock);
    reauthentication_free(old);
}

/* Without memory nothing is kept, and the next exchange is a whole one. */
void digest_remember(struct digest_context *context, struct utf16 target)
{
    struct digest_reauthentication *known = copy_of(context, target);
    status_begin();
    if (known != NULL) {
        replace_known(context->credential, known);
    }
}

void digest_forget(struct digest_credential *credential)
{
    replace_known(credential, NULL);
}

bool digest_recall(struct digest_context *context, struct utf16 target)
{
    struct digest_credential *credential = context->credential;
    bool found = false;
    pthread_mutex_lock(&credential->lock);
    struct digest_reauthentication *known = credential->known;
    if (known != NULL && utf16_equal(known->target, target) && known->count != UINT32_MAX &&
        digest_strings_set(context, known->strings) >= 0) {
        context->session_key = known->session_key;
        context->charset = known->charset;
        context->algorithm = (struct digest_algorithm){DIGEST_MD5, true};
        context->qop = DIGEST_QOP_AUTH;
        context->count = known->count++; /* each count once, whoever asks at the same time */
        found = true;
    }
    pthread_mutex_unlock(&credential->lock);
    return found;
}

void digest_release(struct credential *base)
{
    struct digest_credential *credential = (struct digest_credential *)base;
    reauthentication_free(credential->known);
    utf16_free(&credential->user);
    utf16_free(&credential->domain);
    utf16_free(&credential->qualified);
    secret_free(&credential->password);
    pthread_mutex_destroy(&credential->lock);
    free(credential);
}

SECURITY_STATUS digest_set_credential(struct credential *base, uint32_t attribute, struct bytes value)
{
    struct digest_credential *credential = (struct digest_credential *)base;
    struct credential_digest_lookup wanted;
    REQUIRE(attribute == SSPI_EXT_CRED_ATTR_DIGEST_LOOKUP && (base->use & SECPKG_CRED_INBOUND) != 0,
            SEC_E_UNSUPPORTED_FUNCTION, "Digest credentials have no such attribute (SetCredentialsAttributes)");
    REQUIRE(value.size == sizeof wanted, SEC_E_INVALID_TOKEN, "a lookup of another size");
    memcpy(&wanted, value.data, sizeof wanted);
    pthread_mutex_lock(&credential->lock);
    credential->lookup = wanted;
    pthread_mutex_unlock(&credential->lock);
    return SEC_E_OK;
}

struct credential_digest_lookup digest_lookup_of(struct digest_credential *credential)
{
    pthread_mutex_lock(&credential->lock);
    struct credential_digest_lookup lookup = credential->lookup;
    pthread_mutex_unlock(&credential->lock);
    return lookup;
}

SECURITY_STATUS digest_query_credential(struct credential *base, uint32_t attribute, struct attribute *out)
{
    struct digest_credential *credential = (struct digest_credential *)base;
    REQUIRE(attribute == SECPKG_CRED_ATTR_NAMES, SEC_E_UNSUPPORTED_FUNCTION,
            "Digest credentials have no such attribute (QueryCredentialsAttributes)");
    REQUIRE(credential->has_identity, SEC_E_NO_CREDENTIALS, "this credential holds no identity");
    out->name = credential->qualified;
    return SEC_E_OK;
}
