/* One call's way: the channel's bytes in, TSRequests to this side's leg, the channel's bytes out. */
#include <stdlib.h>

#include "base/auto.h"
#include "base/policy.h"
#include "base/trace.h"
#include "credssp/channel.h"
#include "wire/reader.h"

#define OUTGOING_MAX      (1u << 19)
#define STATUS_NOT_SUPP   0xC00000BB /* STATUS_NOT_SUPPORTED */
#define STATUS_BAD_LOGON  0xC000006D /* STATUS_LOGON_FAILURE */
#define STATUS_NO_SERVERS 0xC000005E /* STATUS_NO_LOGON_SERVERS */
#define STATUS_BAD_INPUT  0xC000000D /* STATUS_INVALID_PARAMETER */

/* One call on its way. */
struct step {
    struct credssp_context *context;
    credssp_leg *leg;
    const struct step_in *in;
    struct step_out *out;
};

/* ---------------------------------------------------------------- the caller's buffers */

static struct bytes behind(struct bytes token, size_t used)
{
    struct reader reader = read_start(token);
    (void)read_bytes(&reader, used);
    return read_bytes(&reader, read_left(&reader));
}

/* As Schannel does it: the first EMPTY input buffer says what of the token is left, or missing. */
static void report(const struct step_in *in, uint32_t type, struct bytes tail, size_t size)
{
    SecBuffer *place = size != 0 && in->input != NULL ? buffers_find(in->input, SECBUFFER_EMPTY) : NULL;
    if (place != NULL) {
        *place = (SecBuffer){.BufferType = type, .cbBuffer = (ULONG)size, .pvBuffer = (void *)(uintptr_t)tail.data};
    }
}

/* Sides differ in the names of these bits, not in what they are. */
_Static_assert(ISC_RET_REPLAY_DETECT == ASC_RET_REPLAY_DETECT && ISC_RET_SEQUENCE_DETECT == ASC_RET_SEQUENCE_DETECT &&
                   ISC_RET_CONFIDENTIALITY == ASC_RET_CONFIDENTIALITY && ISC_RET_DELEGATE == ASC_RET_DELEGATE &&
                   ISC_RET_CONNECTION == ASC_RET_CONNECTION && ISC_RET_MUTUAL_AUTH == ASC_RET_MUTUAL_AUTH,
               "one bit for both sides");

uint32_t credssp_returned_flags(struct credssp_context *context)
{
    uint32_t asked = context->request;
    uint32_t flags = ISC_RET_REPLAY_DETECT | ISC_RET_SEQUENCE_DETECT | ISC_RET_CONFIDENTIALITY |
                     (context->delegated ? ISC_RET_DELEGATE : 0) | (asked & ISC_RET_CONNECTION);
    if (!context->base.initiator) {
        return flags | ASC_RET_STREAM | (asked & ASC_RET_EXTENDED_ERROR) |
               (context->session_flags & asked & ASC_RET_MUTUAL_AUTH);
    }
    bool mutual = (asked & ISC_REQ_MUTUAL_AUTH) != 0 && context->state == CREDSSP_DONE; /* else it had failed */
    return flags | ISC_RET_STREAM | ISC_RET_MANUAL_CRED_VALIDATION | (mutual ? ISC_RET_MUTUAL_AUTH : 0) |
           (asked & (ISC_RET_EXTENDED_ERROR | ISC_RET_USED_SUPPLIED_CREDS));
}

static void drop_exchange(struct credssp_context *context)
{
    struct credssp_credential *credential = STEAL(context->credential);
    if (credential != NULL) {
        credential_drop(&credential->base);
    }
    write_free(&context->incoming);
    secret_free(&context->expected);
}

/* Hands the caller what is for the wire.  When it does not fit, nothing is lost: the same call with more room gets it. */
static SECURITY_STATUS deliver(struct step *step, SECURITY_STATUS status, size_t used)
{
    struct credssp_context *context = step->context;
    if (status == SEC_E_OK) {
        context->state = CREDSSP_DONE;
    }
    step->out->flags = credssp_returned_flags(context);
    step->out->expiry = context->expiry;
    if (context->outgoing.size > step->out->token->maximum) {
        context->repeat = (struct credssp_repeat){true, status, used};
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "the output buffer is too small for the token; the call can be repeated");
    }
    write_bytes(step->out->token, write_result(&context->outgoing));
    write_free(&context->outgoing);
    context->outgoing = write_growing(OUTGOING_MAX);
    context->repeat.due = false;
    struct bytes rest = behind(step->in->token, used);
    report(step->in, SECBUFFER_EXTRA, rest, rest.size);
    if (status == SEC_E_OK) {
        drop_exchange(context);
    }
    return status;
}

/* What the peer may know of a failure (MS-CSSP 2.2.1, errorCode: versions 3, 4 and from 6 on). */
static void tell_peer(struct credssp_context *context)
{
    bool may = context->peer_version >= 3 && context->peer_version != 5;
    if (context->base.initiator || context->report == 0 || !may) {
        return;
    }
    struct ts_request request = {.has_error = true, .error = context->report};
    SECURITY_STATUS status = credssp_send(context, &request);
    (void)status; /* there is a better reason to fail */
}

static SECURITY_STATUS give_up(struct step *step, SECURITY_STATUS status)
{
    struct credssp_context *context = step->context;
    context->state = CREDSSP_FAILED;
    tell_peer(context);
    write_bytes(step->out->token, write_result(&context->outgoing));
    secret_free(&context->credentials);
    return status;
}

/* ---------------------------------------------------------------- the exchange */

static SECURITY_STATUS incomplete(struct step *step, size_t missing)
{
    report(step->in, SECBUFFER_MISSING, BYTES_NONE, missing);
    FAIL(SEC_E_INCOMPLETE_MESSAGE, "the token ends before its first record does");
}

static SECURITY_STATUS take_message(struct step *step, size_t size)
{
    struct credssp_context *context = step->context;
    AUTO_TS_REQUEST request = {.owner = NULL};
    REQUIRE(context->rounds < CREDSSP_MAX_ROUNDS, SEC_E_INVALID_TOKEN, "more messages than any mechanism needs");
    context->rounds++;
    TRY(ts_request_parse(bytes_of(context->incoming.data, size), &request));
    write_free(&context->incoming);
    context->incoming = write_growing(TS_REQUEST_MAX);
    TRACE("CredSSP: message of version %u:%s%s%s%s, %zu bytes", request.version,
          request.nego_token.data != NULL ? " negoTokens" : "", request.pub_key_auth.data != NULL ? " pubKeyAuth" : "",
          request.auth_info.data != NULL ? " authInfo" : "", request.has_error ? " errorCode" : "", size);
    return step->leg(context, &request);
}

/* Records from `used` on, until one message has been answered. */
static SECURITY_STATUS take_records(struct step *step, size_t used)
{
    struct credssp_context *context = step->context;
    struct bytes rest = behind(step->in->token, used);
    size_t taken = 0, missing = 0, size = 0;
    if (rest.size == 0 && (used != 0 || context->outgoing.size != 0)) {
        return deliver(step, SEC_I_CONTINUE_NEEDED, used);
    }
    SECURITY_STATUS status =
        rest.size != 0 ? channel_receive(context, rest, &taken, &missing, &size) : SEC_E_INCOMPLETE_MESSAGE;
    if (status == SEC_E_INCOMPLETE_MESSAGE) {
        return used != 0 ? deliver(step, SEC_I_CONTINUE_NEEDED, used) : incomplete(step, missing);
    }
    TRY(status);
    if (size != 0) {
        status = take_message(step, size);
        TRY(status);
    } else {
        status = SEC_I_CONTINUE_NEEDED;
    }
    return deliver(step, status, used + taken);
}

static SECURITY_STATUS shake(struct step *step)
{
    struct credssp_context *context = step->context;
    size_t used = 0, missing = 0;
    struct bytes token = context->tls == NULL && context->base.initiator ? BYTES_NONE : step->in->token;
    SECURITY_STATUS status = channel_handshake(context, token, &used, &missing);
    if (status == SEC_E_INCOMPLETE_MESSAGE) {
        return incomplete(step, missing);
    }
    TRY(status);
    used = token.size == 0 ? step->in->token.size : used; /* a client's first call takes nothing, whatever is there */
    if (status == SEC_I_CONTINUE_NEEDED) {
        return deliver(step, status, used);
    }
    context->state = CREDSSP_NEGOTIATING;
    if (context->base.initiator) {
        TRY(step->leg(context, NULL));
    }
    return take_records(step, used);
}

static SECURITY_STATUS go_on(struct step *step)
{
    struct credssp_context *context = step->context;
    if (context->repeat.due) {
        return deliver(step, context->repeat.status, context->repeat.used);
    }
    switch (context->state) {
    case CREDSSP_TLS:
        return shake(step);
    case CREDSSP_NEGOTIATING:
    case CREDSSP_BINDING:
    case CREDSSP_DELEGATING:
        return take_records(step, 0);
    default:
        FAIL(SEC_E_OUT_OF_SEQUENCE, "an earlier call failed: begin a new context");
    }
}

/* An established context: what ApplyControlToken left, and what a channel has to say by itself. */
static SECURITY_STATUS forward(struct step *step)
{
    struct credssp_context *context = step->context;
    struct context *tls = context->tls;
    struct step_in in = *step->in;
    in.flags |= tls->initiator ? ISC_REQ_MANUAL_CRED_VALIDATION | ISC_REQ_USE_SUPPLIED_CREDS : 0;
    SECURITY_STATUS status = tls->initiator ? tls->package->initiate(NULL, &tls, &in, step->out)
                                            : tls->package->accept(NULL, &tls, &in, step->out);
    bool one_stream = atomic_load_explicit(&tls->one_stream, memory_order_relaxed);
    atomic_store_explicit(&context->base.one_stream, one_stream, memory_order_relaxed);
    step->out->flags = credssp_returned_flags(context);
    step->out->expiry = context->expiry;
    return status;
}

/* ---------------------------------------------------------------- beginning */

/* What a client may not ask for (InitializeSecurityContext (CredSSP), SEC_E_UNSUPPORTED_FUNCTION). */
static SECURITY_STATUS check_flags(bool initiator, uint32_t flags)
{
    uint32_t refused = initiator ? ISC_REQ_DATAGRAM | ISC_REQ_PROMPT_FOR_CREDS : ASC_REQ_DATAGRAM;
    REQUIRE((flags & refused) == 0, SEC_E_UNSUPPORTED_FUNCTION,
            "CredSSP needs a stream, and asks nobody (ISC_REQ_DATAGRAM, ISC_REQ_PROMPT_FOR_CREDS)");
    return SEC_E_OK;
}

static SECURITY_STATUS context_new(bool initiator, struct credssp_credential *credential, const struct step_in *in,
                                   struct credssp_context **out)
{
    struct credssp_context *context = calloc(1, sizeof *context);
    REQUIRE(context != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a context");
    context_init(&context->base, &credssp_package, initiator);
    context->credential = (struct credssp_credential *)credential_hold(&credential->base);
    context->request = in->flags;
    context->expiry = CLOCK_NEVER;
    context->incoming = write_growing(TS_REQUEST_MAX);
    context->outgoing = write_growing(OUTGOING_MAX);
    context->certificate = SEC_I_CONTINUE_NEEDED;
    SECURITY_STATUS status = utf16_copy(in->target, &context->target);
    if (status < 0) {
        credssp_dispose(&context->base);
        return status;
    }
    *out = context;
    return SEC_E_OK;
}

static SECURITY_STATUS begin(struct step *step, bool initiator, struct credssp_credential *credential,
                             struct context **out_context)
{
    REQUIRE(step->out->output != NULL && step->out->output->count != 0, SEC_E_INVALID_TOKEN,
            "pOutput is NULL on a first call");
    TRY(check_flags(initiator, step->in->flags));
    TRY(context_new(initiator, credential, step->in, &step->context));
    SECURITY_STATUS status = initiator ? step->leg(step->context, NULL) : SEC_E_OK;
    if (status >= 0) {
        status = shake(step);
    }
    if (status < 0) {
        status = step->context->repeat.due ? status : give_up(step, status);
        credssp_dispose(&step->context->base);
        return status;
    }
    *out_context = &step->context->base;
    return status;
}

SECURITY_STATUS credssp_step(bool initiator, credssp_leg *leg, struct credssp_credential *credential,
                             struct context **out_context, const struct step_in *in, struct step_out *out)
{
    struct step step = {.context = (struct credssp_context *)*out_context, .leg = leg, .in = in, .out = out};
    if (step.context == NULL) {
        return begin(&step, initiator, credential, out_context);
    }
    if (step.context->state == CREDSSP_DONE && !step.context->repeat.due) {
        return forward(&step);
    }
    step.context->report = 0;
    SECURITY_STATUS status = go_on(&step);
    bool repeatable = status == SEC_E_INCOMPLETE_MESSAGE || step.context->repeat.due;
    return status < 0 && !repeatable ? give_up(&step, status) : status;
}

void credssp_dispose(struct context *base)
{
    struct credssp_context *context = (struct credssp_context *)base;
    struct context *parts[] = {context->nego, context->tls};
    for (size_t i = 0; i < 2; i++) {
        if (parts[i] != NULL) {
            parts[i]->package->dispose(parts[i]);
        }
    }
    drop_exchange(context);
    write_free(&context->outgoing);
    utf16_free(&context->target);
    secret_free(&context->credentials);
    context_fini(base);
    secret_wipe(context, sizeof *context);
    free(context);
}

/* ---------------------------------------------------------------- what both sides' legs do */

SECURITY_STATUS credssp_take_version(struct credssp_context *context, const struct ts_request *request)
{
    REQUIRE(context->peer_version == 0 || context->peer_version == request->version, SEC_E_INVALID_TOKEN,
            "TSRequest: the peer's version changes on the way (MS-CSSP 3.1.5)");
    context->peer_version = request->version;
    context->version = request->version < TS_VERSION ? request->version : TS_VERSION;
    if (context->version < policy_get()->credssp_minimum) {
        context->report = STATUS_NOT_SUPP;
        FAIL(SEC_E_UNSUPPORTED_FUNCTION,
             "the peer's version of CredSSP is older than policy allows ([credssp] minimum-version, CVE-2018-0886)");
    }
    return SEC_E_OK;
}

/* As much as the peer may know: nothing that tells a wrong name from a wrong password. */
static uint32_t report_of(SECURITY_STATUS status)
{
    switch (status) {
    case SEC_E_INVALID_TOKEN:
        return STATUS_BAD_INPUT;
    case SEC_E_NO_AUTHENTICATING_AUTHORITY:
        return STATUS_NO_SERVERS;
    default:
        return STATUS_BAD_LOGON;
    }
}

SECURITY_STATUS credssp_session_leg(struct credssp_context *context, struct bytes token, uint32_t flags,
                                    struct writer *answer)
{
    struct credential *part = context->credential->nego;
    const struct package *package = part->package;
    static const struct buffers none = {NULL, 0};
    const struct step_in in = {
        .token = token, .has_token = token.size != 0, .target = context->target, .flags = flags, .input = &none};
    struct step_out out = {.token = answer, .output = &none, .expiry = CLOCK_NEVER};
    SECURITY_STATUS status = context->base.initiator ? package->initiate(part, &context->nego, &in, &out)
                                                     : package->accept(part, &context->nego, &in, &out);
    if (status < 0) {
        context->report = report_of(status);
        return status;
    }
    TRY(write_end(answer));
    REQUIRE(status == SEC_E_OK || status == SEC_I_CONTINUE_NEEDED, SEC_E_INTERNAL_ERROR,
            "the session's mechanism asks for what CredSSP has not");
    if (status == SEC_E_OK) {
        context->nego->established = true;
        context->session_flags = out.flags;
        context->expiry = out.expiry;
        REQUIRE((out.flags & ISC_RET_CONFIDENTIALITY) != 0, SEC_E_QOP_NOT_SUPPORTED,
                "the session cannot seal what CredSSP sends through it (MS-CSSP 3.1.5)");
    }
    return status;
}

SECURITY_STATUS credssp_send(struct credssp_context *context, struct ts_request *request)
{
    AUTO_WRITER message = write_growing(TS_REQUEST_MAX);
    request->version = TS_VERSION;
    TRY(ts_request_build(request, &message));
    return channel_send(context, write_result(&message));
}
