/* Impersonation, and the access tokens behind it. */
#include "api/api.h"

#include "core/token.h"

static void drop_token(struct token **token)
{
    token_drop(*token);
}

/* A new reference to the identity behind an acceptor context, whose locks the caller holds. */
static SECURITY_STATUS impersonated(struct context *context, struct token **out_token)
{
    REQUIRE(!context->initiator, SEC_E_NO_IMPERSONATION, "an initiator's context stands for nobody else");
    REQUIRE(context->package->impersonate != NULL, SEC_E_UNSUPPORTED_FUNCTION, "the package knows no identities");
    REQUIRE(context->established, SEC_E_NO_IMPERSONATION, "the context is not established");
    return context->package->impersonate(context, out_token);
}

SECURITY_STATUS api_context_token(struct context *context, enum handle_kind kind, SecHandle *out)
{
    AUTO(drop_token) struct token *token = NULL;
    TRY(impersonated(context, &token));
    TRY(handle_open(kind, token, out));
    token = NULL; /* the handle holds the reference */
    return SEC_E_OK;
}

static SECURITY_STATUS impersonate(PCtxtHandle phContext)
{
    AUTO_PINNED pinned = {.object = NULL};
    TRY(api_pin(HANDLE_CONTEXT, phContext, &pinned));
    struct context *context = pinned_context(&pinned);
    AUTO(drop_token) struct token *token = NULL;
    {
        AUTO_LOCKS locks = context_lock(context, CONTEXT_STEP);
        (void)locks;
        TRY(impersonated(context, &token));
    }
    REQUIRE(!token_is_anonymous(token), SEC_E_NO_IMPERSONATION, "nobody can be impersonated as anonymous");
    return token_impersonate(token);
}

SECURITY_STATUS SEC_ENTRY ImpersonateSecurityContext(PCtxtHandle phContext)
{
    status_begin();
    return api_end("ImpersonateSecurityContext", impersonate(phContext));
}

/* The handle must be a context's, as on Windows: a wrong one changes nothing. */
static SECURITY_STATUS revert(PCtxtHandle phContext)
{
    AUTO_PINNED pinned = {.object = NULL};
    TRY(api_pin(HANDLE_CONTEXT, phContext, &pinned));
    return token_revert();
}

SECURITY_STATUS SEC_ENTRY RevertSecurityContext(PCtxtHandle phContext)
{
    status_begin();
    return api_end("RevertSecurityContext", revert(phContext));
}

static SECURITY_STATUS query_token(PCtxtHandle phContext, HANDLE *Token)
{
    AUTO_PINNED pinned = {.object = NULL};
    TRY(api_pin(HANDLE_CONTEXT, phContext, &pinned));
    REQUIRE(Token != NULL, SEC_E_INVALID_HANDLE, "QuerySecurityContextToken: Token is NULL");
    struct context *context = pinned_context(&pinned);
    AUTO_LOCKS locks = context_lock(context, CONTEXT_STEP);
    (void)locks;
    SecHandle handle;
    TRY(api_context_token(context, HANDLE_TOKEN, &handle));
    *Token = handle_pack(&handle);
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY QuerySecurityContextToken(PCtxtHandle phContext, HANDLE *Token)
{
    status_begin();
    return api_end("QuerySecurityContextToken", query_token(phContext, Token));
}
