/* What an NTLM context tells about itself (QueryContextAttributes (NTLM)), and whom it stands for. */
#include "base/clock.h"
#include "core/token.h"
#include "ntlm/context.h"
#include "ntlm/flags.h"

/* Algorithm numbers as Windows reports them in SecPkgContext_KeyInfo for NTLM (observed). */
#define HMAC_MD5_ID  0xFFFFFF76
#define RC4_CRC32_ID 0xFFFFFF7C
#define RC4_ID       0x6801 /* CALG_RC4 */

static void key_info(const struct ntlm_context *context, struct attribute *out)
{
    bool ess = (context->flags & NTLM_ESS) != 0;
    out->key_info.signature = ess ? "HMAC-MD5" : "RSADSI RC4-CRC32";
    out->key_info.signature_id = ess ? HMAC_MD5_ID : RC4_CRC32_ID;
    out->key_info.encryption = "RSADSI RC4";
    out->key_info.encryption_id = RC4_ID;
    out->key_info.key_bits = 128;
}

/* The same on both sides, as on Windows; an anonymous session has the well-known name. */
static struct utf16 account_name(const struct ntlm_context *context)
{
    static const uint16_t anonymous[] = u"NT AUTHORITY\\ANONYMOUS LOGON";
    return context->anonymous ? utf16_from_wide(anonymous) : ntlm_qualified_name(context);
}

/* Attributes that are known from the first leg on. */
static SECURITY_STATUS query_always(struct ntlm_context *context, uint32_t attribute, struct attribute *out)
{
    switch (attribute) {
    case SECPKG_ATTR_SIZES:
        out->sizes.max_token = NTLM_MAX_TOKEN;
        out->sizes.max_signature = NTLM_SIGNATURE_SIZE;
        out->sizes.block_size = 0;
        out->sizes.security_trailer = NTLM_SIGNATURE_SIZE;
        return SEC_E_OK;
    case SECPKG_ATTR_PACKAGE_INFO:
    case SECPKG_ATTR_NEGOTIATION_INFO:
        out->negotiation.package = &ntlm_package;
        out->negotiation.state =
            context->base.established ? SECPKG_NEGOTIATION_COMPLETE : SECPKG_NEGOTIATION_IN_PROGRESS;
        return SEC_E_OK;
    case SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS:
        out->number = context->base.established ? SecPkgAttrLastClientTokenYes : SecPkgAttrLastClientTokenNo;
        return SEC_E_OK;
    default:
        FAIL(SEC_E_UNSUPPORTED_FUNCTION, "NTLM contexts have no such attribute (QueryContextAttributes (NTLM))");
    }
}

static SECURITY_STATUS query_names(struct ntlm_context *context, uint32_t attribute, struct attribute *out)
{
    switch (attribute) {
    case SECPKG_ATTR_NAMES:
        out->name = account_name(context);
        return SEC_E_OK;
    case SECPKG_ATTR_NATIVE_NAMES:
        out->native_names.client = account_name(context);
        out->native_names.server = ntlm_target(context);
        return SEC_E_OK;
    case SECPKG_ATTR_AUTHORITY:
        out->name = ntlm_domain(context);
        return SEC_E_OK;
    case SECPKG_ATTR_DCE_INFO:
        out->name = account_name(context);
        return SEC_E_OK;
    case SECPKG_ATTR_CLIENT_SPECIFIED_TARGET:
        REQUIRE(!context->base.initiator, SEC_E_UNSUPPORTED_FUNCTION,
                "CLIENT_SPECIFIED_TARGET is a question for a server (QueryContextAttributes (NTLM))");
        out->name = ntlm_target(context); /* empty when the client sent none */
        return SEC_E_OK;
    case SECPKG_ATTR_TARGET_INFORMATION:
        REQUIRE(context->base.initiator, SEC_E_UNSUPPORTED_FUNCTION,
                "TARGET_INFORMATION is a question for a client (QueryContextAttributes (NTLM))");
        out->bytes = ntlm_target_info(context);
        return SEC_E_OK;
    default:
        return query_always(context, attribute, out);
    }
}

static SECURITY_STATUS query_established(struct ntlm_context *context, uint32_t attribute, struct attribute *out)
{
    switch (attribute) {
    case SECPKG_ATTR_LIFESPAN:
        out->lifespan.start = context->start;
        out->lifespan.expiry = CLOCK_NEVER; /* an NTLM session does not end by itself */
        return SEC_E_OK;
    case SECPKG_ATTR_KEY_INFO:
        key_info(context, out);
        return SEC_E_OK;
    case SECPKG_ATTR_SESSION_KEY:
        out->bytes = BYTES(context->session_key.b);
        return SEC_E_OK;
    case SECPKG_ATTR_FLAGS:
        out->number = context->returned;
        return SEC_E_OK;
    case SECPKG_ATTR_PASSWORD_EXPIRY:
        out->time = context->password_expiry;
        return SEC_E_OK;
    case SECPKG_ATTR_LOGOFF_TIME:
        out->time = CLOCK_NEVER;
        return SEC_E_OK;
    case SECPKG_ATTR_USER_FLAGS:
        out->number = context->user_flags;
        return SEC_E_OK;
    default:
        return query_names(context, attribute, out);
    }
}

static bool needs_session(uint32_t attribute)
{
    switch (attribute) {
    case SECPKG_ATTR_SIZES:
    case SECPKG_ATTR_PACKAGE_INFO:
    case SECPKG_ATTR_NEGOTIATION_INFO:
    case SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS:
        return false;
    default:
        return true;
    }
}

/* Whether an attribute exists at all comes before whether it is known yet: STREAM_SIZES is unsupported at any time. */
static bool exists(uint32_t attribute)
{
    switch (attribute) {
    case SECPKG_ATTR_SIZES:
    case SECPKG_ATTR_NAMES:
    case SECPKG_ATTR_LIFESPAN:
    case SECPKG_ATTR_DCE_INFO:
    case SECPKG_ATTR_KEY_INFO:
    case SECPKG_ATTR_AUTHORITY:
    case SECPKG_ATTR_PASSWORD_EXPIRY:
    case SECPKG_ATTR_SESSION_KEY:
    case SECPKG_ATTR_PACKAGE_INFO:
    case SECPKG_ATTR_USER_FLAGS:
    case SECPKG_ATTR_NEGOTIATION_INFO:
    case SECPKG_ATTR_NATIVE_NAMES:
    case SECPKG_ATTR_FLAGS:
    case SECPKG_ATTR_TARGET_INFORMATION:
    case SECPKG_ATTR_LOGOFF_TIME:
    case SECPKG_ATTR_CLIENT_SPECIFIED_TARGET:
    case SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS:
        return true;
    default:
        return false;
    }
}

SECURITY_STATUS ntlm_query(struct context *base, uint32_t attribute, struct attribute *out)
{
    struct ntlm_context *context = (struct ntlm_context *)base;
    REQUIRE(exists(attribute), SEC_E_UNSUPPORTED_FUNCTION,
            "NTLM contexts have no such attribute (QueryContextAttributes (NTLM))");
    REQUIRE(base->established || !needs_session(attribute), SEC_E_INVALID_HANDLE,
            "this attribute is not known before the context is established");
    return query_established(context, attribute, out);
}

SECURITY_STATUS ntlm_impersonate(struct context *base, struct token **out_token)
{
    struct ntlm_context *context = (struct ntlm_context *)base;
    REQUIRE(!base->initiator && base->established, SEC_E_NO_IMPERSONATION,
            "only an established server context stands for somebody (ImpersonateSecurityContext)");
    return token_new(ntlm_user(context), ntlm_domain(context), context->anonymous, ntlm_unix_name(context), out_token);
}
