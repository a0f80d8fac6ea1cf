/* The server (MS-CSSP 3.1.5): the session's tokens, the client's proof that it sees our key at the other end of the channel, ours
 * in return, and the client's credentials. */
#include "base/trace.h"
#include "credssp/binding.h"
#include "credssp/channel.h"
#include "wire/reader.h"

#define SESSION_FLAGS                                                                                                  \
    (ASC_REQ_MUTUAL_AUTH | ASC_REQ_CONFIDENTIALITY | ASC_REQ_INTEGRITY | ASC_REQ_REPLAY_DETECT |                       \
     ASC_REQ_SEQUENCE_DETECT | ASC_REQ_CONNECTION)

/* The newest one counts: some clients send it with every message, some with pubKeyAuth alone. */
static SECURITY_STATUS take_nonce(struct credssp_context *context, const struct ts_request *request)
{
    if (context->version < TS_VERSION_HASH || request->nonce.data == NULL) {
        return SEC_E_OK;
    }
    struct reader reader = read_start(request->nonce);
    struct writer writer = write_into(context->nonce, sizeof context->nonce);
    write_bytes(&writer, read_bytes(&reader, sizeof context->nonce));
    context->has_nonce = true;
    return read_end(&reader, "TSRequest: clientNonce is not 32 bytes (MS-CSSP 2.2.1)");
}

/* Checks the client's pubKeyAuth and answers it, with the session's last token if there is one. */
static SECURITY_STATUS answer_binding(struct credssp_context *context, struct bytes received, struct bytes last_token)
{
    AUTO_SECRET expected = {0}, own = {0};
    AUTO_WRITER room = write_growing(0);
    AUTO_WRITER sealed = write_growing(TS_REQUEST_MAX);
    struct bytes key, plain;
    REQUIRE(context->version < TS_VERSION_HASH || context->has_nonce, SEC_E_INVALID_TOKEN,
            "TSRequest: pubKeyAuth of version 5 and later without a clientNonce (MS-CSSP 3.1.5)");
    TRY(session_unseal(context, received, &room, &plain));
    TRY(channel_key(context, &key));
    TRY(binding_make(context->version, true, BYTES(context->nonce), key, &expected));
    TRY(binding_check(secret_bytes(&expected), plain));
    TRY(binding_make(context->version, false, BYTES(context->nonce), key, &own));
    TRY(session_seal(context, secret_bytes(&own), &sealed));
    struct ts_request request = {.nego_token = last_token, .pub_key_auth = write_result(&sealed)};
    TRY(credssp_send(context, &request));
    context->state = CREDSSP_DELEGATING;
    return SEC_I_CONTINUE_NEEDED;
}

static SECURITY_STATUS session_leg(struct credssp_context *context, const struct ts_request *request)
{
    AUTO_WRITER answer = write_growing(context->credential->nego->package->max_token);
    REQUIRE(request->nego_token.size != 0, SEC_E_INVALID_TOKEN,
            "TSRequest: the session's token is due, and not there (MS-CSSP 3.1.5)");
    SECURITY_STATUS status = credssp_session_leg(context, request->nego_token, SESSION_FLAGS, &answer);
    TRY(status);
    struct bytes last = answer.size != 0 ? write_result(&answer) : BYTES_NONE;
    bool bound = request->pub_key_auth.data != NULL;
    REQUIRE(status == SEC_E_OK || !bound, SEC_E_INVALID_TOKEN,
            "TSRequest: a pubKeyAuth before the session is done (MS-CSSP 3.1.5)");
    if (bound) {
        return answer_binding(context, request->pub_key_auth, last);
    }
    REQUIRE(last.data != NULL, SEC_E_INVALID_TOKEN,
            "TSRequest: the session's last token without the pubKeyAuth that belongs to it (MS-CSSP 3.1.5)");
    struct ts_request reply = {.nego_token = last};
    TRY(credssp_send(context, &reply));
    context->state = status == SEC_E_OK ? CREDSSP_BINDING : CREDSSP_NEGOTIATING;
    return SEC_I_CONTINUE_NEEDED;
}

/* Empty names and an empty password are what a client sends that delegates nothing (restricted administration). */
static bool is_empty(const struct ts_credentials *credentials)
{
    return credentials->type == TS_PASSWORD && credentials->password.user.size == 0 &&
           credentials->password.domain.size == 0 && credentials->password.password.size == 0;
}

static SECURITY_STATUS take_credentials(struct credssp_context *context, struct bytes auth_info)
{
    AUTO_WRITER room = write_growing(0);
    AUTO_TS_CREDENTIALS credentials = {.owner = NULL};
    struct bytes plain;
    TRY(session_unseal(context, auth_info, &room, &plain));
    TRY(ts_credentials_parse(plain, &credentials));
    context->delegated = !is_empty(&credentials);
    TRACE("CredSSP: the client delegates %s", context->delegated ? "credentials" : "nothing");
    return context->delegated ? secret_copy(&context->credentials, plain) : SEC_E_OK;
}

static SECURITY_STATUS leg(struct credssp_context *context, const struct ts_request *request)
{
    TRY(credssp_take_version(context, request));
    TRY(take_nonce(context, request));
    switch (context->state) {
    case CREDSSP_NEGOTIATING:
        return session_leg(context, request);
    case CREDSSP_BINDING:
        REQUIRE(request->pub_key_auth.data != NULL, SEC_E_INVALID_TOKEN,
                "TSRequest: the client's pubKeyAuth is due, and not there (MS-CSSP 3.1.5)");
        return answer_binding(context, request->pub_key_auth, BYTES_NONE);
    default:
        REQUIRE(request->auth_info.data != NULL, SEC_E_INVALID_TOKEN,
                "TSRequest: authInfo is due, and not there (MS-CSSP 3.1.5)");
        return take_credentials(context, request->auth_info);
    }
}

SECURITY_STATUS credssp_accept(struct credential *credential, struct context **context, const struct step_in *in,
                               struct step_out *out)
{
    return credssp_step(false, leg, (struct credssp_credential *)credential, context, in, out);
}
