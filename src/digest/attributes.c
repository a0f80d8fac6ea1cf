/* What a Digest context tells about itself (QueryContextAttributes (Digest)), whom it stands for, and SASL's options. */
#include <string.h>

#include "core/token.h"
#include "digest/context.h"
#include "sspi_sasl.h"
#include "wire/reader.h"

static const struct {
    unsigned cipher;
    const char *name;
    uint32_t id; /* ALG_ID of wincrypt.h */
    uint32_t bits;
} ciphers[] = {
    {DIGEST_CIPHER_RC4, "RC4", 0x6801, 128},   {DIGEST_CIPHER_3DES, "3DES", 0x6609, 112},
    {DIGEST_CIPHER_DES, "DES", 0x6601, 56},    {DIGEST_CIPHER_RC4_56, "RC4", 0x6801, 56},
    {DIGEST_CIPHER_RC4_40, "RC4", 0x6801, 40},
};

static void key_info(const struct digest_context *context, struct attribute *out)
{
    bool md5 = context->algorithm.hash == DIGEST_MD5;
    out->key_info.signature = !context->http ? "HMAC-MD5" : digest_algorithm_name(context->algorithm);
    out->key_info.signature_id = !context->http ? 0x8009
                                 : md5          ? 0x8003
                                                : 0x800c; /* CALG_HMAC, CALG_MD5, CALG_SHA_256 */
    out->key_info.encryption = "none";
    out->key_info.key_bits = (uint32_t)(8 * digest_hash_size(context->algorithm.hash));
    for (size_t i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++) {
        if (ciphers[i].cipher == context->cipher) {
            out->key_info.encryption = ciphers[i].name;
            out->key_info.encryption_id = ciphers[i].id;
            out->key_info.key_bits = ciphers[i].bits;
        }
    }
}

static void sizes(const struct digest_context *context, struct attribute *out)
{
    bool layer = context->send != NULL;
    out->sizes.max_token = DIGEST_MAX_TOKEN;
    out->sizes.max_signature = context->http ? DIGEST_MAX_TOKEN : layer ? DIGEST_TRAILER_SIZE : 0;
    out->sizes.block_size = layer ? (uint32_t)digest_layer_block(context->send) : 0;
    out->sizes.security_trailer = layer ? DIGEST_TRAILER_SIZE : 0;
}

/* The account as the server's own database has it; at the client as the credential has it. */
struct utf16 digest_account_name(const struct digest_context *context)
{
    return context->base.initiator && context->credential != NULL
               ? context->credential->qualified
               : utf16_of(digest_string(context, DIGEST_TEXT_QUALIFIED));
}

/* The URI that the client's response is for; whether it is the server's own is the caller's question (RFC 2831 2.1.2). */
static SECURITY_STATUS target_of(struct digest_context *context, struct utf16 *out)
{
    struct bytes strings[DIGEST_TEXTS];
    AUTO_UTF16 wide = UTF16_NONE;
    REQUIRE(!context->base.initiator, SEC_E_UNSUPPORTED_FUNCTION,
            "CLIENT_SPECIFIED_TARGET is a question for a server (QueryContextAttributes (Digest))");
    digest_strings_get(context, strings);
    if (strings[DIGEST_TEXT_TARGET].size == 0) {
        TRY(utf16_from_utf8(strings[DIGEST_TEXT_URI], &wide));
        strings[DIGEST_TEXT_TARGET] = utf16_bytes(wide);
        TRY(digest_strings_set(context, strings));
    }
    *out = utf16_of(digest_string(context, DIGEST_TEXT_TARGET));
    return SEC_E_OK;
}

static SECURITY_STATUS query_established(struct digest_context *context, uint32_t attribute, struct attribute *out)
{
    REQUIRE(context->base.established, SEC_E_INVALID_HANDLE,
            "this attribute is not known before the context is established");
    switch (attribute) {
    case SECPKG_ATTR_NAMES:
        out->name = digest_account_name(context);
        return SEC_E_OK;
    case SECPKG_ATTR_CLIENT_SPECIFIED_TARGET:
        return target_of(context, &out->name);
    case SECPKG_ATTR_KEY_INFO:
        key_info(context, out);
        return SEC_E_OK;
    default:
        out->number = context->returned;
        return SEC_E_OK;
    }
}

SECURITY_STATUS digest_query(struct context *base, uint32_t attribute, struct attribute *out)
{
    struct digest_context *context = (struct digest_context *)base;
    switch (attribute) {
    case SECPKG_ATTR_SIZES:
        sizes(context, out);
        return SEC_E_OK;
    case SECPKG_ATTR_PACKAGE_INFO:
        out->negotiation.package = base->package;
        return SEC_E_OK;
    case SECPKG_ATTR_NAMES:
    case SECPKG_ATTR_KEY_INFO:
    case SECPKG_ATTR_FLAGS:
    case SECPKG_ATTR_CLIENT_SPECIFIED_TARGET:
        return query_established(context, attribute, out);
    default:
        FAIL(SEC_E_UNSUPPORTED_FUNCTION, "Digest contexts have no such attribute (QueryContextAttributes (Digest))");
    }
}

SECURITY_STATUS digest_impersonate(struct context *base, struct token **out_token)
{
    struct digest_context *context = (struct digest_context *)base;
    REQUIRE(!base->initiator && base->established, SEC_E_NO_IMPERSONATION,
            "only an established server context stands for somebody (ImpersonateSecurityContext)");
    struct utf16 name = digest_account_name(context);
    struct utf16 domain = utf16_head(name, context->domain_size / 2u);
    struct bytes unix_name = digest_string(context, DIGEST_TEXT_UNIX);
    return token_new(utf16_tail(name, context->domain_size / 2u + 1), domain, false,
                     unix_name.size > 1 ? (const char *)unix_name.data : NULL, out_token);
}

/* ---------------------------------------------------------------- SASL's options */

static SECURITY_STATUS number_of(struct bytes value, uint32_t least, uint32_t most, uint32_t *out)
{
    REQUIRE(value.data != NULL && value.size >= sizeof(ULONG), SEC_E_BUFFER_TOO_SMALL,
            "SaslSetContextOption: the option is a ULONG");
    struct reader reader = read_start(value);
    uint32_t number = read_u32le(&reader);
    REQUIRE(number >= least && number <= most, SEC_E_INVALID_PARAMETER, "SaslSetContextOption: a value out of range");
    *out = number;
    return SEC_E_OK;
}

SECURITY_STATUS digest_set_sasl_option(struct context *base, uint32_t option, struct bytes value)
{
    struct digest_context *context = (struct digest_context *)base;
    struct bytes strings[DIGEST_TEXTS];
    uint32_t number = 0;
    REQUIRE(context->state < DIGEST_STATE_WAIT_RSPAUTH, SEC_E_OUT_OF_SEQUENCE,
            "options are set before the last leg (SaslSetContextOption)");
    switch (option) {
    case SASL_OPTION_SEND_SIZE: /* the peer's maxbuf decides, and comes later */
        return number_of(value, DIGEST_TRAILER_SIZE + 1, DIGEST_MAX_BUFFER, &number);
    case SASL_OPTION_RECV_SIZE:
        return number_of(value, DIGEST_TRAILER_SIZE + 1, DIGEST_MAX_BUFFER, &context->receive_limit);
    case SASL_OPTION_AUTHZ_PROCESSING:
        TRY(number_of(value, 0, Sasl_AuthZIDProcessed, &number));
        context->authz_processed = number == Sasl_AuthZIDProcessed;
        return SEC_E_OK;
    case SASL_OPTION_AUTHZ_STRING:
        REQUIRE(base->initiator, SEC_E_INVALID_PARAMETER, "the client says whom it wants to be (RFC 2831 2.1.2)");
        REQUIRE(value.data != NULL && value.size != 0 && value.size <= DIGEST_MAX_TOKEN / 2, SEC_E_INVALID_PARAMETER,
                "SaslSetContextOption: an authorization identity is 1 to 2048 bytes");
        digest_strings_get(context, strings);
        strings[DIGEST_TEXT_AUTHZID] = value;
        TRY(digest_strings_set(context, strings));
        context->has_authzid = true;
        return SEC_E_OK;
    default:
        FAIL(SEC_E_UNSUPPORTED_FUNCTION, "an unknown SASL option");
    }
}

SECURITY_STATUS digest_get_sasl_option(struct context *base, uint32_t option, struct writer *out)
{
    const struct digest_context *context = (const struct digest_context *)base;
    switch (option) {
    case SASL_OPTION_SEND_SIZE:
        write_u32le(out, context->send_limit);
        break;
    case SASL_OPTION_RECV_SIZE:
        write_u32le(out, context->receive_limit);
        break;
    case SASL_OPTION_AUTHZ_PROCESSING:
        write_u32le(out, context->authz_processed ? Sasl_AuthZIDProcessed : Sasl_AuthZIDForbidden);
        break;
    case SASL_OPTION_AUTHZ_STRING:
        write_bytes(out, digest_string(context, DIGEST_TEXT_AUTHZID));
        break;
    default:
        FAIL(SEC_E_UNSUPPORTED_FUNCTION, "an unknown SASL option");
    }
    return write_end(out);
}
