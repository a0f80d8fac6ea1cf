/* What a CredSSP context tells about itself (QueryContextAttributes (CredSSP)): of its own little; of the channel what
 * Schannel tells, of the client what Negotiate tells. */
#pragma GCC visibility push(default)
#include "windows.h"

#include "credssp.h"
#include "schannel.h"
#pragma GCC visibility pop

#include <strings.h>

#include "core/token.h"
#include "credssp/context.h"
#include "credssp/kerb_logon.h"

/* ---------------------------------------------------------------- whom the client has talked to */

bool credssp_certificate_is_good(struct credssp_context *context)
{
    struct context *tls = context->tls;
    if (context->certificate == SEC_I_CONTINUE_NEEDED) {
        AUTO_ATTRIBUTE value = {0};
        SECURITY_STATUS status = tls->package->query(tls, SECPKG_ATTR_CERT_CHECK_RESULT, &value);
        bool known = status == SEC_E_OK;
        context->trust_errors = known ? value.validation.chain_errors : CERT_TRUST_IS_PARTIAL_CHAIN;
        context->certificate = known ? value.validation.policy_error : status;
    }
    return context->certificate == SEC_E_OK && context->trust_errors == CERT_TRUST_NO_ERROR;
}

static const struct package *session_package(struct credssp_context *context)
{
    AUTO_ATTRIBUTE value = {0};
    struct context *nego = context->nego;
    SECURITY_STATUS status = nego->package->query(nego, SECPKG_ATTR_NEGOTIATION_INFO, &value);
    return status == SEC_E_OK ? value.negotiation.package : nego->package;
}

bool credssp_session_is_mutual(struct credssp_context *context)
{
    return (context->session_flags & ISC_RET_MUTUAL_AUTH) != 0 &&
           strcasecmp(session_package(context)->name, "NTLM") != 0;
}

static uint32_t server_auth(struct credssp_context *context)
{
    return (credssp_session_is_mutual(context) ? CREDSSP_SERVER_AUTH_NEGOTIATE : 0) |
           (credssp_certificate_is_good(context) ? CREDSSP_SERVER_AUTH_CERTIFICATE : 0);
}

/* ---------------------------------------------------------------- what the client has delegated */

static SECURITY_STATUS client_credentials(struct credssp_context *context, struct attribute *out)
{
    AUTO_TS_CREDENTIALS credentials = {.owner = NULL};
    AUTO_WRITER packed = write_growing(2 * TS_CREDENTIALS_MAX);
    REQUIRE(context->credentials.size != 0, SEC_E_NO_CREDENTIALS, "the client has delegated nothing (MS-CSSP 2.2.1.2)");
    TRY(ts_credentials_parse(secret_bytes(&context->credentials), &credentials));
    TRY(kerb_logon_build(&credentials, &packed));
    TRY(secret_copy(&out->owned, write_result(&packed)));
    out->bytes = secret_bytes(&out->owned);
    return SEC_E_OK;
}

/* A thread that stands for the client can log on elsewhere as he, where he has delegated a password: that is what CredSSP
 * is for. */
static SECURITY_STATUS give_password(struct credssp_context *context, struct token *token)
{
    AUTO_TS_CREDENTIALS credentials = {.owner = NULL};
    if (context->credentials.size == 0) {
        return SEC_E_OK;
    }
    TRY(ts_credentials_parse(secret_bytes(&context->credentials), &credentials));
    if (credentials.type != TS_PASSWORD) {
        return SEC_E_OK;
    }
    const struct ts_password *password = &credentials.password;
    return token_give_password(token, password->user, password->domain, utf16_bytes(password->password));
}

static void drop_token(struct token **token)
{
    token_drop(*token);
}

SECURITY_STATUS credssp_impersonate(struct context *base, struct token **out_token)
{
    struct credssp_context *context = (struct credssp_context *)base;
    struct context *nego = context->nego;
    REQUIRE(!base->initiator && context->state == CREDSSP_DONE, SEC_E_NO_IMPERSONATION,
            "only an established server context stands for somebody (ImpersonateSecurityContext)");
    __attribute__((cleanup(drop_token))) struct token *token = NULL;
    TRY(nego->package->impersonate(nego, &token));
    TRY(give_password(context, token));
    *out_token = token;
    token = NULL;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- asking */

/* Who the client is, and what he shares with the server. */
static bool is_sessions(uint32_t attribute)
{
    switch (attribute) {
    case SECPKG_ATTR_NAMES:
    case SECPKG_ATTR_NATIVE_NAMES:
    case SECPKG_ATTR_AUTHORITY:
    case SECPKG_ATTR_SESSION_KEY:
    case SECPKG_ATTR_LIFESPAN:
    case SECPKG_ATTR_PASSWORD_EXPIRY:
    case SECPKG_ATTR_LOGOFF_TIME:
    case SECPKG_ATTR_USER_FLAGS:
    case SECPKG_ATTR_CLIENT_SPECIFIED_TARGET:
        return true;
    default:
        return false;
    }
}

static SECURITY_STATUS query_server(struct credssp_context *context, uint32_t attribute, struct attribute *out)
{
    REQUIRE(!context->base.initiator, SEC_E_UNSUPPORTED_FUNCTION,
            "what a client delegates, and stands for, is a server's");
    bool token = attribute != SECPKG_ATTR_CREDS && attribute != SECPKG_ATTR_CREDS_2;
    return token ? SEC_E_OK : client_credentials(context, out);
}

static SECURITY_STATUS query_client(struct credssp_context *context, uint32_t attribute, struct attribute *out)
{
    REQUIRE(context->base.initiator, SEC_E_UNSUPPORTED_FUNCTION,
            "how the server proved itself is for the client to ask");
    if (attribute == SECPKG_ATTR_SERVER_AUTH_FLAGS) {
        out->number = server_auth(context);
        return SEC_E_OK;
    }
    bool good = credssp_certificate_is_good(context);
    (void)good; /* the reasons are asked for */
    out->validation.chain_errors = context->trust_errors;
    return SEC_E_OK;
}

static SECURITY_STATUS query(struct credssp_context *context, uint32_t attribute, struct attribute *out)
{
    struct context *tls = context->tls, *nego = context->nego;
    switch (attribute) {
    case SECPKG_ATTR_FLAGS:
        out->number = credssp_returned_flags(context);
        return SEC_E_OK;
    case SECPKG_ATTR_NEGOTIATION_PACKAGE:
        out->negotiation.package = session_package(context);
        return SEC_E_OK;
    case SECPKG_ATTR_CREDENTIAL_NAME:
        TRY(nego->package->query(nego, SECPKG_ATTR_NAMES, out));
        return SEC_E_OK;
    case SECPKG_ATTR_CREDS:
    case SECPKG_ATTR_CREDS_2:
    case SECPKG_ATTR_C_ACCESS_TOKEN:
    case SECPKG_ATTR_C_FULL_ACCESS_TOKEN:
    case SECPKG_ATTR_C_FULL_IDENT_TOKEN:
        return query_server(context, attribute, out);
    case SECPKG_ATTR_SERVER_AUTH_FLAGS:
    case SECPKG_ATTR_CERT_TRUST_STATUS:
        return query_client(context, attribute, out);
    default:
        return is_sessions(attribute) ? nego->package->query(nego, attribute, out)
                                      : tls->package->query(tls, attribute, out);
    }
}

SECURITY_STATUS credssp_query(struct context *base, uint32_t attribute, struct attribute *out)
{
    struct credssp_context *context = (struct credssp_context *)base;
    REQUIRE(attribute != SECPKG_ATTR_PACKAGE_INFO, SEC_E_UNSUPPORTED_FUNCTION, "core's answer is the package's");
    REQUIRE(context->state == CREDSSP_DONE, SEC_E_INVALID_HANDLE,
            "nothing is known before the context is established (QueryContextAttributes (CredSSP))");
    TRY(query(context, attribute, out));
    if (attribute == SECPKG_ATTR_SIZES) {
        out->sizes.max_token = CREDSSP_MAX_TOKEN;
    }
    return SEC_E_OK;
}

SECURITY_STATUS credssp_set(struct context *base, uint32_t attribute, struct bytes value)
{
    struct credssp_context *context = (struct credssp_context *)base;
    REQUIRE(context->state == CREDSSP_DONE, SEC_E_INVALID_HANDLE,
            "nothing can be set before the context is established");
    return context->tls->package->set(context->tls, attribute, value);
}
