/* What a Kerberos context tells about itself (QueryContextAttributes (Kerberos)), and whom it stands for. */
#include <string.h>

#include "base/auto.h"
#include "core/token.h"
#include "kerberos/context.h"
#include "kerberos/library.h"
#include "ntsecapi.h"

#define LOCAL_NAME_MAX 64

static void sizes(const struct kerberos_context *context, struct attribute *out)
{
    out->sizes.max_token = KERBEROS_MAX_TOKEN;
    out->sizes.block_size = 1;
    if (context->profile == NULL) {
        out->sizes.max_signature = RC4_MIC_SIZE;
        out->sizes.security_trailer = context->dce ? RC4_WRAP_SIZE : RC4_WRAP_MAX;
    } else { /* what EncryptMessage uses: servers cut what they receive there (docs/divergences.md) */
        out->sizes.max_signature = (uint32_t)cfx_mic_size(context->profile);
        out->sizes.security_trailer = (uint32_t)cfx_sealed_size(context->profile, context->dce);
    }
}

/* The numbers of RFC 3961 types, as Windows names them. */
static void key_info(const struct kerberos_context *context, struct attribute *out)
{
    const struct enctype_profile *profile = context->profile;
    out->key_info.key_bits = 8 * (uint32_t)context->key.size;
    out->key_info.encryption_id = context->key.enctype;
    if (profile == NULL) {
        out->key_info.signature = "HMAC-MD5";
        out->key_info.signature_id = (uint32_t)KERB_CHECKSUM_HMAC_MD5;
        out->key_info.encryption = "RSADSI RC4-HMAC";
    } else {
        out->key_info.signature = profile->mac_name;
        out->key_info.signature_id = profile->checksum;
        out->key_info.encryption = profile->cipher_name;
    }
}

/* Attributes that are known from the first leg on. */
static SECURITY_STATUS query_always(struct kerberos_context *context, uint32_t attribute, struct attribute *out)
{
    switch (attribute) {
    case SECPKG_ATTR_PACKAGE_INFO:
    case SECPKG_ATTR_NEGOTIATION_INFO:
        out->negotiation.package = &kerberos_package;
        out->negotiation.state =
            context->base.established ? SECPKG_NEGOTIATION_COMPLETE : SECPKG_NEGOTIATION_IN_PROGRESS;
        return SEC_E_OK;
    case SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS:
        out->number = context->base.established ? SecPkgAttrLastClientTokenYes : SecPkgAttrLastClientTokenNo;
        return SEC_E_OK;
    default:
        FAIL(SEC_E_UNSUPPORTED_FUNCTION,
             "Kerberos contexts have no such attribute (QueryContextAttributes (Kerberos))");
    }
}

static SECURITY_STATUS query_names(struct kerberos_context *context, uint32_t attribute, struct attribute *out)
{
    switch (attribute) {
    case SECPKG_ATTR_NAMES:
        out->name = kerberos_account(context);
        return SEC_E_OK;
    case SECPKG_ATTR_NATIVE_NAMES:
        out->native_names.client = kerberos_client(context);
        out->native_names.server = kerberos_server(context);
        return SEC_E_OK;
    case SECPKG_ATTR_AUTHORITY:
        out->name = kerberos_domain(context);
        return SEC_E_OK;
    case SECPKG_ATTR_DCE_INFO:
        out->name = kerberos_client(context);
        return SEC_E_OK;
    case SECPKG_ATTR_CLIENT_SPECIFIED_TARGET:
        REQUIRE(!context->base.initiator, SEC_E_UNSUPPORTED_FUNCTION,
                "CLIENT_SPECIFIED_TARGET is a question for a server (QueryContextAttributes (Kerberos))");
        out->name = kerberos_server(context);
        return SEC_E_OK;
    default:
        return query_always(context, attribute, out);
    }
}

static SECURITY_STATUS query_established(struct kerberos_context *context, uint32_t attribute, struct attribute *out)
{
    switch (attribute) {
    case SECPKG_ATTR_SIZES:
        sizes(context, out);
        return SEC_E_OK;
    case SECPKG_ATTR_LIFESPAN:
        out->lifespan.start = context->start;
        out->lifespan.expiry = context->expiry;
        return SEC_E_OK;
    case SECPKG_ATTR_KEY_INFO:
        key_info(context, out);
        return SEC_E_OK;
    case SECPKG_ATTR_SESSION_KEY:
        out->bytes = bytes_of(context->key.bytes, context->key.size);
        return SEC_E_OK;
    case SECPKG_ATTR_FLAGS:
        out->number = context->returned;
        return SEC_E_OK;
    case SECPKG_ATTR_PASSWORD_EXPIRY: /* only a PAC tells, and only a server sees one */
        out->time = context->logon != NULL ? context->logon->password_expiry : CLOCK_NEVER;
        return SEC_E_OK;
    case SECPKG_ATTR_LOGOFF_TIME:
        out->time = context->logon != NULL ? context->logon->logoff : CLOCK_NEVER;
        return SEC_E_OK;
    case SECPKG_ATTR_USER_FLAGS:
        out->number = context->logon != NULL ? context->logon->user_flags : 0;
        return SEC_E_OK;
    default:
        return query_names(context, attribute, out);
    }
}

/* Whether an attribute exists at all comes before whether it is known yet. */
static bool exists(uint32_t attribute)
{
    static const uint32_t known[] = {
        SECPKG_ATTR_SIZES,
        SECPKG_ATTR_NAMES,
        SECPKG_ATTR_LIFESPAN,
        SECPKG_ATTR_DCE_INFO,
        SECPKG_ATTR_KEY_INFO,
        SECPKG_ATTR_AUTHORITY,
        SECPKG_ATTR_PASSWORD_EXPIRY,
        SECPKG_ATTR_SESSION_KEY,
        SECPKG_ATTR_PACKAGE_INFO,
        SECPKG_ATTR_USER_FLAGS,
        SECPKG_ATTR_NEGOTIATION_INFO,
        SECPKG_ATTR_NATIVE_NAMES,
        SECPKG_ATTR_FLAGS,
        SECPKG_ATTR_LOGOFF_TIME,
        SECPKG_ATTR_CLIENT_SPECIFIED_TARGET,
        SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS,
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i] == attribute) {
            return true;
        }
    }
    return false;
}

static bool needs_session(uint32_t attribute)
{
    return attribute != SECPKG_ATTR_PACKAGE_INFO && attribute != SECPKG_ATTR_NEGOTIATION_INFO &&
           attribute != SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS;
}

SECURITY_STATUS kerberos_query(struct context *base, uint32_t attribute, struct attribute *out)
{
    struct kerberos_context *context = (struct kerberos_context *)base;
    REQUIRE(exists(attribute), SEC_E_UNSUPPORTED_FUNCTION,
            "Kerberos contexts have no such attribute (QueryContextAttributes (Kerberos))");
    REQUIRE(base->established || !needs_session(attribute), SEC_E_INVALID_HANDLE,
            "this attribute is not known before the context is established");
    return query_established(context, attribute, out);
}

/* ---------------------------------------------------------------- whom a server context stands for */

/* The local account by the configuration's auth_to_local (krb5.conf(5)); empty: there is none. */
static SECURITY_STATUS local_name(const struct kerberos_context *context, char out[LOCAL_NAME_MAX])
{
    krb5_context krb;
    krb5_principal client = NULL;
    AUTO_FREE char *name = NULL;
    out[0] = '\0';
    TRY(library_context(&krb));
    TRY(utf16_to_utf8(kerberos_client(context), &name, NULL));
    LIBRARY_TRY(krb, LIBRARY_SERVER, krb5_parse_name(krb, name, &client));
    if (krb5_aname_to_localname(krb, client, LOCAL_NAME_MAX, out) != 0) {
        out[0] = '\0';
    }
    krb5_free_principal(krb, client);
    return SEC_E_OK;
}

static SECURITY_STATUS describe(const struct kerberos_logon *logon, struct token *token)
{
    const struct token_facts facts = {
        .upn = logon_upn(logon), .dns_domain = logon_dns_domain(logon), .sids = logon_sids(logon)};
    return token_describe(token, &facts);
}

static void drop_tickets(void *tickets)
{
    tickets_drop(tickets);
}

SECURITY_STATUS kerberos_impersonate(struct context *base, struct token **out_token)
{
    struct kerberos_context *context = (struct kerberos_context *)base;
    char local[LOCAL_NAME_MAX];
    REQUIRE(!base->initiator && base->established, SEC_E_NO_IMPERSONATION,
            "only an established server context stands for somebody (ImpersonateSecurityContext)");
    TRY(local_name(context, local));
    TRY(token_new(kerberos_user(context), kerberos_domain(context), false, local[0] != '\0' ? local : NULL, out_token));
    if (context->logon != NULL) {
        SECURITY_STATUS status = describe(context->logon, *out_token);
        if (status < 0) {
            token_drop(STEAL(*out_token));
            return status;
        }
    }
    if (context->delegated != NULL) {
        token_delegate(*out_token, tickets_hold(context->delegated), drop_tickets);
    }
    return SEC_E_OK;
}
