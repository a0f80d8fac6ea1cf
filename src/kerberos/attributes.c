/* What a Kerberos context tells about itself (QueryContextAttributes (Kerberos)), and whom it stands for. */
#include <string.h>

#include "base/auto.h"
#include "core/session_view.h"
#include "core/token.h"
#include "kerberos/context.h"
#include "kerberos/library.h"
#include "ntsecapi.h"

#define LOCAL_NAME_MAX 64

static void sizes(const struct kerberos_context *context, struct attribute *out)
{
    /* Before there is a key: of the type that there will be, if the KDC can have its way. */
    const struct enctype_profile *profile =
        context->base.established ? context->profile : enctype_profile(ENCTYPE_AES256_CTS_HMAC_SHA1_96);
    out->sizes.max_token = KERBEROS_MAX_TOKEN;
    out->sizes.block_size = 1;
    if (profile == NULL) {
        out->sizes.max_signature = RC4_MIC_SIZE;
        out->sizes.security_trailer = context->dce ? RC4_WRAP_SIZE : RC4_WRAP_MAX;
    } else { /* what EncryptMessage uses: servers cut what they receive there (docs/divergences.md) */
        out->sizes.max_signature = (uint32_t)cfx_mic_size(profile);
        out->sizes.security_trailer = (uint32_t)cfx_sealed_size(profile, context->dce);
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

static struct session_view view_of(const struct kerberos_context *context)
{
    const struct kerberos_logon *logon = context->logon; /* only a PAC tells, and only a server sees one */
    return (struct session_view){
        .account = kerberos_account(context),
        .domain = kerberos_domain(context),
        .client = kerberos_client(context),
        .server = kerberos_server(context),
        .target = kerberos_server(context),
        .session_key = bytes_of(context->key.bytes, context->key.size),
        .start = context->start,
        .expiry = context->expiry,
        .password_expiry = logon != NULL ? logon->password_expiry : CLOCK_NEVER,
        .logoff = logon != NULL ? logon->logoff : CLOCK_NEVER,
        .flags = context->returned,
        .user_flags = logon != NULL ? logon->user_flags : 0,
    };
}

SECURITY_STATUS kerberos_query(struct context *base, uint32_t attribute, struct attribute *out)
{
    const struct kerberos_context *context = (struct kerberos_context *)base;
    const struct session_view view = view_of(context);
    switch (attribute) {
    case SECPKG_ATTR_SIZES:
        sizes(context, out);
        return SEC_E_OK;
    case SECPKG_ATTR_KEY_INFO:
        REQUIRE(base->established, SEC_E_INVALID_HANDLE,
                "this attribute is not known before the context is established");
        key_info(context, out);
        return SEC_E_OK;
    default:
        return session_query(base, &view, attribute, out);
    }
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

/* Where no PAC says so, the ticket's own name is the user principal name, unless it is a service's, and a realm in the style of
 * domains is its DNS domain (RFC 4120 6.1). */
static SECURITY_STATUS describe(const struct kerberos_context *context, struct token *token)
{
    const struct kerberos_logon *logon = context->logon;
    struct token_facts facts = {.upn = UTF16_NONE, .dns_domain = UTF16_NONE, .sids = BYTES_NONE};
    if (logon != NULL) {
        facts = (struct token_facts){
            .upn = logon_upn(logon), .dns_domain = logon_dns_domain(logon), .sids = logon_sids(logon)};
    } else if (utf16_find(kerberos_domain(context), '.') != SIZE_MAX) {
        facts.dns_domain = kerberos_domain(context);
    }
    if (facts.upn.size == 0 && utf16_find(kerberos_user(context), '/') == SIZE_MAX) {
        facts.upn = kerberos_client(context);
    }
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
    SECURITY_STATUS status = describe(context, *out_token);
    if (status < 0) {
        token_drop(STEAL(*out_token));
        return status;
    }
    if (context->delegated != NULL) {
        token_delegate(*out_token, tickets_hold(context->delegated), drop_tickets);
    }
    return SEC_E_OK;
}
