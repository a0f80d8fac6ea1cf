/* What an NTLM context tells about itself (QueryContextAttributes (NTLM)), and whom it stands for. */
#include "base/clock.h"
#include "core/session_view.h"
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

static struct session_view view_of(const struct ntlm_context *context)
{
    return (struct session_view){
        .account = account_name(context),
        .domain = ntlm_domain(context),
        .client = account_name(context),
        .server = ntlm_target(context),
        .target = ntlm_target(context),
        .session_key = BYTES(context->session_key.b),
        .start = context->start,
        .expiry = CLOCK_NEVER, /* an NTLM session does not end by itself */
        .password_expiry = context->password_expiry,
        .logoff = CLOCK_NEVER,
        .flags = context->returned,
        .user_flags = context->user_flags,
    };
}

static void sizes(struct attribute *out)
{
    out->sizes.max_token = NTLM_MAX_TOKEN;
    out->sizes.max_signature = NTLM_SIGNATURE_SIZE;
    out->sizes.block_size = 0;
    out->sizes.security_trailer = NTLM_SIGNATURE_SIZE;
}

SECURITY_STATUS ntlm_query(struct context *base, uint32_t attribute, struct attribute *out)
{
    struct ntlm_context *context = (struct ntlm_context *)base;
    const struct session_view view = view_of(context);
    bool own = attribute == SECPKG_ATTR_KEY_INFO || attribute == SECPKG_ATTR_TARGET_INFORMATION;
    REQUIRE(base->established || !own, SEC_E_INVALID_HANDLE,
            "this attribute is not known before the context is established");
    switch (attribute) {
    case SECPKG_ATTR_SIZES:
        sizes(out);
        return SEC_E_OK;
    case SECPKG_ATTR_KEY_INFO:
        key_info(context, out);
        return SEC_E_OK;
    case SECPKG_ATTR_TARGET_INFORMATION:
        REQUIRE(base->initiator, SEC_E_UNSUPPORTED_FUNCTION,
                "TARGET_INFORMATION is a question for a client (QueryContextAttributes (NTLM))");
        out->bytes = ntlm_target_info(context);
        return SEC_E_OK;
    default:
        return session_query(base, &view, attribute, out);
    }
}

SECURITY_STATUS ntlm_impersonate(struct context *base, struct token **out_token)
{
    struct ntlm_context *context = (struct ntlm_context *)base;
    REQUIRE(!base->initiator && base->established, SEC_E_NO_IMPERSONATION,
            "only an established server context stands for somebody (ImpersonateSecurityContext)");
    return token_new(ntlm_user(context), ntlm_domain(context), context->anonymous, ntlm_unix_name(context), out_token);
}
