/* The client (MS-CSSP 3.1.5): the session's tokens, then the channel's key sealed with the session, and when the server has
 * shown that it knows the same key, the credentials. */
#include "base/auto.h"
#include "base/random.h"
#include "base/trace.h"
#include "credssp/binding.h"
#include "credssp/channel.h"

#define SESSION_FLAGS                                                                                                  \
    (ISC_REQ_MUTUAL_AUTH | ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT |                       \
     ISC_REQ_SEQUENCE_DETECT | ISC_REQ_CONNECTION)

/* ---------------------------------------------------------------- what will be delegated */

static SECURITY_STATUS keep(const struct ts_credentials *credentials, struct secret *out)
{
    AUTO_WRITER message = write_growing(TS_CREDENTIALS_MAX);
    TRY(ts_credentials_build(credentials, &message));
    return secret_copy(out, write_result(&message));
}

/* Without ISC_REQ_DELEGATE the server gets empty credentials, and no policy is asked. */
static SECURITY_STATUS take_credentials(struct credssp_context *context)
{
    const struct credssp_credential *credential = context->credential;
    const struct ts_credentials nothing = {.type = TS_PASSWORD};
    context->delegates = (context->request & ISC_REQ_DELEGATE) != 0;
    if (!context->delegates) {
        return keep(&nothing, &context->credentials);
    }
    context->source = credential->saved ? DELEGATION_SAVED : DELEGATION_FRESH;
    TRY(delegation_check_target(context->source, context->target));
    REQUIRE(credential->delegable.size != 0, SEC_E_NO_CREDENTIALS,
            "the identity, or whoever is logged on, has nothing that can be delegated: no password, or a hash "
            "(ISC_REQ_DELEGATE)");
    return SEC_E_OK; /* they stay where they are */
}

/* ---------------------------------------------------------------- the exchange */

/* Credentials leave for a server that the policy allows; and a caller that asked for mutual authentication wants a server
 * that proved its name, which NTLM cannot. */
static SECURITY_STATUS check_server(struct credssp_context *context)
{
    bool asked = (context->request & ISC_REQ_MUTUAL_AUTH) != 0;
    if (!asked && !context->delegates) {
        return SEC_E_OK;
    }
    bool proven = credssp_session_is_mutual(context) || credssp_certificate_is_good(context);
    REQUIRE(proven || !asked, SEC_E_MUTUAL_AUTH_FAILED,
            "the server has proved its name neither by Kerberos nor by its certificate (ISC_REQ_MUTUAL_AUTH)");
    return context->delegates ? delegation_check(context->source, context->target, proven) : SEC_E_OK;
}

/* pubKeyAuth, with the session's last token if there is one: both in one message (MS-CSSP 3.1.5). */
static SECURITY_STATUS send_binding(struct credssp_context *context, struct bytes last_token)
{
    AUTO_SECRET plain = {0};
    AUTO_WRITER sealed = write_growing(TS_REQUEST_MAX);
    struct bytes key;
    REQUIRE(context->peer_version != 0, SEC_E_UNSUPPORTED_FUNCTION,
            "the session is done before the server has said its version (MS-CSSP 3.1.5)");
    TRY(check_server(context));
    TRY(channel_key(context, &key));
    TRY(random_bytes(context->nonce, sizeof context->nonce));
    TRY(binding_make(context->version, true, BYTES(context->nonce), key, &plain));
    TRY(binding_make(context->version, false, BYTES(context->nonce), key, &context->expected));
    TRY(session_seal(context, secret_bytes(&plain), &sealed));
    struct ts_request request = {.nego_token = last_token, .pub_key_auth = write_result(&sealed)};
    if (context->version >= TS_VERSION_HASH) {
        request.nonce = BYTES(context->nonce);
    }
    TRY(credssp_send(context, &request));
    context->state = CREDSSP_BINDING;
    return SEC_I_CONTINUE_NEEDED;
}

static SECURITY_STATUS session_leg(struct credssp_context *context, struct bytes token)
{
    AUTO_WRITER answer = write_growing(context->credential->nego->package->max_token);
    uint32_t flags = SESSION_FLAGS | (context->request & ISC_REQ_UNVERIFIED_TARGET_NAME);
    SECURITY_STATUS status = credssp_session_leg(context, token, flags, &answer);
    TRY(status);
    struct bytes last = answer.size != 0 ? write_result(&answer) : BYTES_NONE;
    if (status == SEC_E_OK) {
        return send_binding(context, last);
    }
    struct ts_request request = {.nego_token = last};
    TRY(credssp_send(context, &request));
    return status;
}

/* The server knows the key: whoever is in between has been found out by now, and the credentials may go. */
static SECURITY_STATUS send_credentials(struct credssp_context *context, struct bytes answer)
{
    AUTO_WRITER room = write_growing(0);
    AUTO_WRITER sealed = write_growing(TS_REQUEST_MAX);
    const struct secret *credentials =
        context->credentials.size != 0 ? &context->credentials : &context->credential->delegable;
    struct bytes plain;
    TRY(session_unseal(context, answer, &room, &plain));
    TRY(binding_check(secret_bytes(&context->expected), plain));
    TRY(session_seal(context, secret_bytes(credentials), &sealed));
    secret_free(&context->credentials);
    struct ts_request request = {.auth_info = write_result(&sealed)};
    TRY(credssp_send(context, &request));
    context->delegated = context->delegates;
    TRACE("CredSSP: the server's key is bound%s", context->delegates ? ", credentials are on their way" : "");
    return SEC_E_OK;
}

/* What the server says of a failure is its own NTSTATUS; any other number says no more than that it failed, as callers act on
 * some of ours (SEC_E_INCOMPLETE_MESSAGE). */
static SECURITY_STATUS server_failed(uint32_t error)
{
    const uint32_t logon_failure = 0xC000006D;
    TRACE("CredSSP: the server answers with errorCode %08x", error);
    REQUIRE(error >> 30 != 3 || error == logon_failure, (SECURITY_STATUS)error,
            "the server ends the exchange with a status of its own (MS-CSSP 2.2.1, errorCode)");
    FAIL(SEC_E_LOGON_DENIED, "the server refuses the logon (MS-CSSP 2.2.1, errorCode)");
}

static SECURITY_STATUS leg(struct credssp_context *context, const struct ts_request *request)
{
    if (request == NULL) {
        return context->state == CREDSSP_TLS ? take_credentials(context) : session_leg(context, BYTES_NONE);
    }
    if (request->has_error) {
        return server_failed(request->error);
    }
    TRY(credssp_take_version(context, request));
    if (context->state == CREDSSP_BINDING) {
        REQUIRE(request->pub_key_auth.data != NULL, SEC_E_INVALID_TOKEN,
                "TSRequest: the server's pubKeyAuth is due, and not there (MS-CSSP 3.1.5)");
        return send_credentials(context, request->pub_key_auth);
    }
    REQUIRE(request->nego_token.size != 0, SEC_E_INVALID_TOKEN,
            "TSRequest: the session's token is due, and not there (MS-CSSP 3.1.5)");
    return session_leg(context, request->nego_token);
}

SECURITY_STATUS credssp_initiate(struct credential *credential, struct context **context, const struct step_in *in,
                                 struct step_out *out)
{
    return credssp_step(true, leg, (struct credssp_credential *)credential, context, in, out);
}
