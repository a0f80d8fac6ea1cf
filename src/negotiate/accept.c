/* The server (RFC 4178 3.2, MS-SPNG 3.2.5): NegTokenInit in, NegTokenResp out, until the mechanism and the mechListMIC are
 * through.  It speaks first when it is called without a token, and answers a package's own token in kind.
 */
#include "base/trace.h"
#include "negotiate/choose.h"
#include "negotiate/context.h"
#include "negotiate/mic.h"

/* ---------------------------------------------------------------- tokens out */

/* What every NegTokenInit2 says where older servers had their principal's name (MS-SPNG 2.2.1). */
static const char ignore_me[] = "not_defined_in_RFC4178@please_ignore";

static SECURITY_STATUS speak_first(struct negotiate_context *context, struct step_out *out)
{
    const struct mech *offered[MECH_COUNT];
    const struct neg_oid *oids[MECH_COUNT];
    size_t count = choose_offer(context->credential, NULL, CHOOSE_USER_TOO, offered);
    REQUIRE(count != 0, SEC_E_NO_CREDENTIALS, "the credential's package list leaves no mechanism to offer");
    for (size_t i = 0; i < count; i++) {
        oids[i] = &offered[i]->oid;
    }
    uint8_t room[MECH_COUNT * NEG_OID_MAX + 8];
    struct writer list = write_into(room, sizeof room);
    TRY(neg_mech_types_build(oids, count, &list));
    struct neg_token hint = {.kind = NEG_TOKEN_INIT2,
                             .mech_types = write_result(&list),
                             .hint_name = bytes_of(ignore_me, sizeof ignore_me - 1)};
    TRY(neg_token_build(&hint, out->token));
    context->state = NEGOTIATE_STATE_HINTED;
    return SEC_I_CONTINUE_NEEDED;
}

/* Only the first one names the mechanism, in the words of the client's list (RFC 4178 4.2.2). */
static SECURITY_STATUS send_resp(struct negotiate_context *context, enum neg_state state, struct bytes mech_token,
                                 const struct mic *mic, struct step_out *out)
{
    struct neg_token resp = {.kind = NEG_TOKEN_RESP, .has_state = true, .state = state};
    if (!context->settled) {
        resp.has_mech = true;
        resp.mech = context->mech->oid;
        context->settled = true;
    }
    resp.token = mech_token.size != 0 ? mech_token : BYTES_NONE;
    resp.mic = mic->size != 0 ? bytes_of(mic->data, mic->size) : BYTES_NONE;
    return neg_token_build(&resp, out->token);
}

/* Leaves a refusal for the client, which core delivers if the caller asked for such (ASC_REQ_EXTENDED_ERROR).  What is
 * wrong on our side alone is not told. */
static void leave_reject(const struct negotiate_context *context, SECURITY_STATUS status, struct step_out *out)
{
    bool ours = negotiate_is_fatal(status) || status == SEC_E_OUT_OF_SEQUENCE;
    if (context->direct || context->mech_types == NULL || ours || out->token->size != 0) {
        return;
    }
    struct neg_token reject = {.kind = NEG_TOKEN_RESP, .has_state = true, .state = NEG_REJECT};
    SECURITY_STATUS built = neg_token_build(&reject, out->token);
    (void)built; /* without room for it the client only learns less */
}

/* ---------------------------------------------------------------- the mechanism */

/* The mechanism is through on our side, or not; `mech_token` is its answer. */
static SECURITY_STATUS answer(struct negotiate_context *context, struct bytes peer_mic, struct bytes mech_token,
                              struct step_out *out)
{
    struct mic mic = {.size = 0};
    if (!context->inner_done) {
        enum neg_state state = context->reselected && !context->settled ? NEG_REQUEST_MIC : NEG_ACCEPT_INCOMPLETE;
        TRY(send_resp(context, state, mech_token, &mic, out));
        return SEC_I_CONTINUE_NEEDED;
    }
    enum mech_list_mic rule = mic_rule(context);
    if (peer_mic.data != NULL && rule != MECH_LIST_MIC_IMPOSSIBLE) {
        TRY(mic_verify(context, peer_mic));
    }
    bool missing = rule == MECH_LIST_MIC_DUE && !context->mic_verified;
    REQUIRE(!missing || mech_token.size != 0, SEC_E_INVALID_TOKEN,
            "the client owes a mechListMIC and sent none (RFC 4178 5)");
    if (missing || context->mic_verified) {
        TRY(mic_make(context, &mic));
    }
    TRY(send_resp(context, missing ? NEG_ACCEPT_INCOMPLETE : NEG_ACCEPT_COMPLETED, mech_token, &mic, out));
    if (missing) {
        return SEC_I_CONTINUE_NEEDED;
    }
    negotiate_finish(context, out);
    return SEC_E_OK;
}

/* Feeds the client's token to its first choice.  When that cannot begin, the next one that both sides have gets its turn
 * (RFC 4178 3.2 c); without such a one the failure stands. */
static SECURITY_STATUS choose(struct negotiate_context *context, const struct neg_token *init, const struct step_in *in,
                              uint8_t room[NEGOTIATE_ROOM], struct writer *mech_token, struct step_out *out)
{
    SECURITY_STATUS failure = SEC_E_OK;
    const struct mech *failed = NULL;
    for (size_t i = 0; i < init->mech_count; i++) {
        const struct mech *mech = mech_find(&init->mechs[i]);
        const struct negotiate_part *part = mech != NULL ? negotiate_part(context->credential, mech->package) : NULL;
        if (part == NULL || (failed != NULL && mech_is_same(mech, failed))) {
            continue;
        }
        context->mech = mech;
        context->reselected = i != 0;
        *mech_token = negotiate_answer_writer(part, room);
        if (i != 0 || init->token.size == 0) {
            if (failure != SEC_E_OK) {
                status_begin(); /* the optimistic try was a question */
            }
            return SEC_E_OK;
        }
        failure = negotiate_run(context, part, in, init->token, mech_token, out);
        if (failure >= 0) {
            return SEC_E_OK;
        }
        if (negotiate_is_fatal(failure)) {
            return failure;
        }
        write_free(mech_token);
        failed = mech;
    }
    context->mech = NULL;
    REQUIRE(failure != SEC_E_OK, SEC_E_INVALID_TOKEN,
            "client and server have no mechanism in common (RFC 4178 3.2, MS-SPNG 3.2.5)");
    return failure;
}

static SECURITY_STATUS take_init(struct negotiate_context *context, const struct step_in *in, struct step_out *out)
{
    AUTO_NEG_TOKEN init = {.owner = NULL};
    TRY(neg_token_parse(in->token, &init));
    REQUIRE(init.kind != NEG_TOKEN_RESP, SEC_E_INVALID_TOKEN,
            "a NegTokenResp where a NegTokenInit is due (RFC 4178 3.2)");
    TRY(negotiate_keep_mech_types(context, init.mech_types));
    uint8_t room[NEGOTIATE_ROOM];
    AUTO_WRITER mech_token = write_growing(0);
    TRY(choose(context, &init, in, room, &mech_token, out));
    TRACE("Negotiate: %s it is%s", context->mech->package,
          context->reselected ? ", not the client's first choice" : "");
    context->state = NEGOTIATE_STATE_WAITING;
    return answer(context, init.mic, write_result(&mech_token), out);
}

static SECURITY_STATUS take_resp(struct negotiate_context *context, const struct step_in *in, struct step_out *out)
{
    AUTO_NEG_TOKEN resp = {.owner = NULL};
    TRY(neg_token_parse(in->token, &resp));
    REQUIRE(resp.kind == NEG_TOKEN_RESP, SEC_E_INVALID_TOKEN,
            "a NegTokenInit where a NegTokenResp is due (RFC 4178 3.2)");
    REQUIRE(!resp.has_state || resp.state != NEG_REJECT, SEC_E_LOGON_DENIED,
            "the client gave up (RFC 4178 4.2.2, reject)");
    if (context->inner_done) { /* only the client's mechListMIC is missing */
        REQUIRE(resp.token.size == 0 && resp.mic.data != NULL, SEC_E_INVALID_TOKEN,
                "the client owes a mechListMIC, and nothing else (RFC 4178 5)");
        TRY(mic_verify(context, resp.mic));
        negotiate_finish(context, out);
        return SEC_E_OK;
    }
    REQUIRE(resp.token.size != 0, SEC_E_INVALID_TOKEN,
            "the mechanism is not done and the client sent nothing for it (RFC 4178 4.2.2)");
    const struct negotiate_part *part = negotiate_part(context->credential, context->mech->package);
    uint8_t room[NEGOTIATE_ROOM];
    AUTO_WRITER mech_token = negotiate_answer_writer(part, room);
    TRY(negotiate_run(context, part, in, resp.token, &mech_token, out));
    return answer(context, resp.mic, write_result(&mech_token), out);
}

/* ---------------------------------------------------------------- the legs */

/* A token of a package itself is answered in kind: clients with NTLM alone send nothing else (observed on Windows). */
static SECURITY_STATUS direct_leg(struct negotiate_context *context, struct negotiate_credential *credential,
                                  const struct step_in *in, struct step_out *out)
{
    const struct negotiate_credential *held = context->credential != NULL ? context->credential : credential;
    const struct negotiate_part *part = held != NULL ? negotiate_part(held, context->mech->package) : NULL;
    REQUIRE(part != NULL, SEC_E_OUT_OF_SEQUENCE, "the exchange is complete; another one needs a credential");
    return negotiate_direct_leg(context, part, in, out);
}

static const struct mech *mech_of_package(const char *package)
{
    for (size_t i = 0; i < MECH_COUNT; i++) {
        if (package_find_utf8(mechs[i].package) == package_find_utf8(package)) {
            return &mechs[i];
        }
    }
    return NULL;
}

static SECURITY_STATUS opening_leg(struct negotiate_context *context, const struct step_in *in, struct step_out *out)
{
    if (in->token.size == 0) {
        REQUIRE(context->state == NEGOTIATE_STATE_NEW, SEC_E_INVALID_TOKEN, "no token from the client");
        return speak_first(context, out);
    }
    const char *raw = mech_of_raw_token(in->token);
    if (raw == NULL) {
        return take_init(context, in, out);
    }
    const struct negotiate_part *part = negotiate_part(context->credential, raw);
    REQUIRE(part != NULL, SEC_E_INVALID_TOKEN, "a token of a package that this credential does not have");
    context->direct = true;
    context->mech = mech_of_package(raw);
    context->state = NEGOTIATE_STATE_WAITING;
    return negotiate_direct_leg(context, part, in, out);
}

static SECURITY_STATUS leg(struct negotiate_context *context, struct negotiate_credential *credential,
                           const struct step_in *in, struct step_out *out)
{
    switch (context->state) {
    case NEGOTIATE_STATE_NEW:
    case NEGOTIATE_STATE_HINTED:
        return opening_leg(context, in, out);
    case NEGOTIATE_STATE_WAITING:
        return context->direct ? direct_leg(context, credential, in, out) : take_resp(context, in, out);
    case NEGOTIATE_STATE_DONE:
        if (context->direct) {
            return direct_leg(context, credential, in, out);
        }
        break;
    default:
        break;
    }
    FAIL(SEC_E_OUT_OF_SEQUENCE, "this negotiation is complete, or an earlier leg failed: begin a new context");
}

static SECURITY_STATUS judged_leg(struct negotiate_context *context, struct negotiate_credential *credential,
                                  const struct step_in *in, struct step_out *out)
{
    SECURITY_STATUS status = leg(context, credential, in, out);
    if (status < 0) {
        leave_reject(context, status, out);
    }
    return status;
}

SECURITY_STATUS negotiate_accept(struct credential *base, struct context **out_context, const struct step_in *in,
                                 struct step_out *out)
{
    REQUIRE(*out_context != NULL || (in->flags & ASC_REQ_DATAGRAM) == 0, SEC_E_UNSUPPORTED_FUNCTION,
            "SPNEGO has no datagrams: name the package (ASC_REQ_DATAGRAM)");
    return negotiate_step(false, judged_leg, (struct negotiate_credential *)base, out_context, in, out);
}
