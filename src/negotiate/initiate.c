/* The client (RFC 4178 3.2, MS-SPNG 3.2): NegTokenInit with the first mechanism's token out, NegTokenResp in, and so on
 * until mechanism and mechListMIC are through.  A client that has NTLM alone sends NTLM as it is, as Windows does, unless the
 * server spoke first or pieces are wanted.
 */
#include "base/trace.h"
#include "negotiate/choose.h"
#include "negotiate/context.h"
#include "negotiate/mic.h"

static const struct negotiate_part *part_of(const struct negotiate_context *context, const struct mech *mech)
{
    return negotiate_part(context->credential, mech->package);
}

/* A package that has nothing to begin with is not offered; one that only cannot serve this target, or not now, may still be
 * what the server insists on. */
static bool has_nothing(SECURITY_STATUS status)
{
    return status == SEC_E_NO_CREDENTIALS || status == SEC_E_NO_AUTHENTICATING_AUTHORITY ||
           status == SEC_E_SECPKG_NOT_FOUND || status == SEC_E_UNSUPPORTED_FUNCTION;
}

/* Puts the first offer and the others of its exchange behind the rest, or out of the list.  Returns how many they were. */
static size_t set_aside(struct negotiate_context *context, bool drop)
{
    const struct mech *aside[MECH_COUNT];
    const struct mech *first = context->offered[0];
    size_t kept = 0, count = 0;
    for (size_t i = 0; i < context->offered_count; i++) {
        if (mech_is_same(context->offered[i], first)) {
            aside[count++] = context->offered[i];
        } else {
            context->offered[kept++] = context->offered[i];
        }
    }
    for (size_t i = 0; i < count; i++) {
        context->offered[kept + i] = aside[i];
    }
    context->offered_count = drop ? kept : kept + count;
    return count;
}

static SECURITY_STATUS keep_offer(struct negotiate_context *context)
{
    const struct neg_oid *oids[MECH_COUNT];
    for (size_t i = 0; i < context->offered_count; i++) {
        oids[i] = &context->offered[i]->oid;
    }
    uint8_t room[MECH_COUNT * NEG_OID_MAX + 8];
    struct writer list = write_into(room, sizeof room);
    TRY(neg_mech_types_build(oids, context->offered_count, &list));
    return negotiate_keep_mech_types(context, write_result(&list));
}

static SECURITY_STATUS send_init(struct negotiate_context *context, struct bytes mech_token, struct step_out *out)
{
    TRY(keep_offer(context));
    struct neg_token init = {.kind = NEG_TOKEN_INIT,
                             .mech_types = bytes_of(context->mech_types, context->mech_types_size),
                             .token = mech_token};
    return neg_token_build(&init, out->token);
}

/* Of the first `suited` offers the first one that begins at all (a ticket cannot be had, say) is the optimistic one.  When
 * none does, what the preferred one said stands. */
static SECURITY_STATUS begin(struct negotiate_context *context, size_t suited, const struct step_in *in,
                             uint8_t room[NEGOTIATE_ROOM], struct writer *answer, struct step_out *out)
{
    SECURITY_STATUS failure = SEC_E_OK;
    while (suited != 0) {
        context->mech = context->offered[0];
        const struct negotiate_part *part = part_of(context, context->mech);
        *answer = negotiate_answer_writer(part, room);
        SECURITY_STATUS status = negotiate_run(context, part, in, BYTES_NONE, answer, out);
        if (status >= 0) {
            status_begin(); /* another one's refusal was a question */
            return SEC_E_OK;
        }
        if (negotiate_is_fatal(status)) {
            return status;
        }
        write_free(answer);
        negotiate_drop_inner(context);
        failure = failure == SEC_E_OK ? status : failure;
        TRACE("Negotiate: %s cannot begin", part->package->name);
        suited -= set_aside(context, has_nothing(status));
    }
    return failure;
}

/* Who offers NTLM alone sends it as it is, when nobody has spoken SPNEGO yet (observed on Windows).  What is to be cut into
 * pieces needs SPNEGO's length in front. */
static bool goes_direct(const struct negotiate_context *context, bool hinted, const struct step_in *in,
                        struct bytes mech_token)
{
    return !hinted && context->offered_count == 1 && (in->flags & ISC_REQ_FRAGMENT_TO_FIT) == 0 &&
           mech_of_raw_token(mech_token) != NULL;
}

static SECURITY_STATUS first_leg(struct negotiate_context *context, const struct step_in *in, struct step_out *out)
{
    TRY(step_asks_nobody(in));
    AUTO_NEG_TOKEN hint = {.owner = NULL};
    bool hinted = in->token.size != 0;
    if (hinted) {
        TRY(neg_token_parse(in->token, &hint));
        REQUIRE(hint.kind != NEG_TOKEN_RESP, SEC_E_INVALID_TOKEN,
                "a NegTokenResp on the first leg: a server that speaks first sends NegTokenInit2 (MS-SPNG 3.2.5.2)");
    }
    context->offered_count = choose_offer(
        context->credential, hinted ? &hint : NULL,
        (in->flags & ISC_REQ_USE_SESSION_KEY) != 0 ? CHOOSE_USER_FIRST : CHOOSE_USER_NEVER, context->offered);
    REQUIRE(context->offered_count != 0, SEC_E_NO_CREDENTIALS,
            "the identity's package list leaves no mechanism to offer (SEC_WINNT_AUTH_IDENTITY_EX, PackageList)");
    size_t suited = context->offered_count;
    if (context->offered_count != 1) {
        TRY(choose_order(in->target, context->offered, context->offered_count, &suited));
    }
    uint8_t room[NEGOTIATE_ROOM];
    AUTO_WRITER answer = write_growing(0);
    TRY(begin(context, suited, in, room, &answer, out));
    context->state = NEGOTIATE_STATE_WAITING;
    context->direct = goes_direct(context, hinted, in, write_result(&answer));
    if (context->direct) {
        write_bytes(out->token, write_result(&answer));
        TRY(write_end(out->token));
    } else {
        TRY(send_init(context, write_result(&answer), out));
    }
    return SEC_I_CONTINUE_NEEDED;
}

/* The server's choice (RFC 4178 4.2.2): one of those offered, or, unsaid, the first. */
static SECURITY_STATUS settle(struct negotiate_context *context, const struct neg_token *token)
{
    REQUIRE(token->has_state, SEC_E_INVALID_TOKEN, "the first NegTokenResp has no negState (RFC 4178 4.2.2)");
    const struct mech *mech = token->has_mech ? mech_find(&token->mech) : context->mech;
    bool offered = false;
    for (size_t i = 0; i < context->offered_count; i++) {
        offered = offered || (mech != NULL && context->offered[i] == mech);
    }
    REQUIRE(offered, SEC_E_INVALID_TOKEN, "the server chose a mechanism that was not offered (RFC 4178 4.2.2)");
    context->settled = true;
    context->reselected = token->state == NEG_REQUEST_MIC;
    if (!mech_is_same(mech, context->mech)) {
        REQUIRE(token->token.size == 0, SEC_E_INVALID_TOKEN,
                "the server answers with a token of a mechanism that has not begun (RFC 4178 3.2)");
        TRACE("Negotiate: the server prefers %s to %s", mech->package, context->mech->package);
        negotiate_drop_inner(context);
        context->inner_done = false;
        context->reselected = true;
    }
    context->mech = mech;
    return SEC_E_OK;
}

static SECURITY_STATUS check_answer(struct negotiate_context *context, const struct neg_token *token)
{
    REQUIRE(token->kind == NEG_TOKEN_RESP, SEC_E_INVALID_TOKEN,
            "a NegTokenInit where a NegTokenResp is due (RFC 4178 3.2)");
    REQUIRE(!token->has_state || token->state != NEG_REJECT, SEC_E_LOGON_DENIED,
            "the server refuses: it has none of these mechanisms, or the logon failed (RFC 4178 4.2.2, reject)");
    if (!context->settled) {
        return settle(context, token);
    }
    REQUIRE(!token->has_mech || mech_find(&token->mech) == context->mech, SEC_E_INVALID_TOKEN,
            "the server changed its mind about the mechanism (RFC 4178 4.2.2)");
    return SEC_E_OK;
}

static SECURITY_STATUS send_resp(struct bytes mech_token, enum neg_state state, const struct mic *mic,
                                 struct step_out *out)
{
    struct neg_token resp = {.kind = NEG_TOKEN_RESP, .has_state = true, .state = state};
    resp.token = mech_token.size != 0 ? mech_token : BYTES_NONE;
    resp.mic = mic->size != 0 ? bytes_of(mic->data, mic->size) : BYTES_NONE;
    return neg_token_build(&resp, out->token);
}

/* The mechanism is through on our side; `mech_token` is its last word, if it has one. */
static SECURITY_STATUS conclude(struct negotiate_context *context, const struct neg_token *token,
                                struct bytes mech_token, struct step_out *out)
{
    enum mech_list_mic rule = mic_rule(context);
    bool last_word = context->mic_sent && token->mic.data != NULL; /* some leave negState out of their last token */
    bool server_done = token->has_state ? token->state == NEG_ACCEPT_COMPLETED : last_word;
    struct mic mic = {.size = 0};
    if (token->mic.data != NULL && rule != MECH_LIST_MIC_IMPOSSIBLE) {
        TRY(mic_verify(context, token->mic));
    }
    REQUIRE(!server_done || mech_token.size == 0, SEC_E_INVALID_TOKEN,
            "the server completed before the mechanism did (RFC 4178 3.2)");
    REQUIRE(mech_token.size != 0 || context->mic_verified || rule != MECH_LIST_MIC_DUE, SEC_E_INVALID_TOKEN,
            "the server owes a mechListMIC and sent none (RFC 4178 5)");
    if (server_done) {
        negotiate_finish(context, out);
        return SEC_E_OK;
    }
    bool wanted = rule == MECH_LIST_MIC_DUE || context->mic_verified;
    if (wanted && !context->mic_sent) {
        TRY(mic_make(context, &mic));
    }
    if (mech_token.size != 0) {
        TRY(send_resp(mech_token, NEG_ACCEPT_INCOMPLETE, &mic, out));
        return SEC_I_CONTINUE_NEEDED;
    }
    REQUIRE(mic.size != 0 || token->token.data != NULL, SEC_E_INVALID_TOKEN,
            "the server says neither that it is done nor what it lacks (RFC 4178 3.2)");
    TRY(send_resp(BYTES_NONE, NEG_ACCEPT_COMPLETED, &mic, out));
    negotiate_finish(context, out);
    return SEC_E_OK;
}

static SECURITY_STATUS take_answer(struct negotiate_context *context, const struct step_in *in, struct step_out *out)
{
    AUTO_NEG_TOKEN token = {.owner = NULL};
    TRY(neg_token_parse(in->token, &token));
    TRY(check_answer(context, &token));
    const struct negotiate_part *part = part_of(context, context->mech);
    uint8_t room[NEGOTIATE_ROOM];
    AUTO_WRITER answer = negotiate_answer_writer(part, room);
    if (!context->inner_done) {
        bool fresh = context->inner == NULL;
        REQUIRE(fresh || token.token.size != 0, SEC_E_INVALID_TOKEN,
                "the mechanism is not done and the server sent nothing for it (RFC 4178 4.2.2)");
        TRY(negotiate_run(context, part, in, token.token, &answer, out));
    } else {
        REQUIRE(token.token.size == 0, SEC_E_INVALID_TOKEN, "the mechanism is done and the server sent more of it");
    }
    if (context->inner_done) {
        return conclude(context, &token, write_result(&answer), out);
    }
    REQUIRE(!token.has_state || token.state != NEG_ACCEPT_COMPLETED, SEC_E_INVALID_TOKEN,
            "the server completed before the mechanism did (RFC 4178 3.2)");
    TRY(send_resp(write_result(&answer), NEG_ACCEPT_INCOMPLETE, &(struct mic){.size = 0}, out));
    return SEC_I_CONTINUE_NEEDED;
}

/* A package's own exchange, or another one over the same context where the package has that (NTLM). */
static SECURITY_STATUS direct_leg(struct negotiate_context *context, struct negotiate_credential *credential,
                                  const struct step_in *in, struct step_out *out)
{
    const struct negotiate_credential *held = context->credential != NULL ? context->credential : credential;
    const struct negotiate_part *part = held != NULL ? negotiate_part(held, context->mech->package) : NULL;
    REQUIRE(part != NULL, SEC_E_OUT_OF_SEQUENCE, "the exchange is complete; another one needs a credential");
    return negotiate_direct_leg(context, part, in, out);
}

static SECURITY_STATUS leg(struct negotiate_context *context, struct negotiate_credential *credential,
                           const struct step_in *in, struct step_out *out)
{
    switch (context->state) {
    case NEGOTIATE_STATE_NEW:
        return first_leg(context, in, out);
    case NEGOTIATE_STATE_WAITING:
        return context->direct ? direct_leg(context, credential, in, out) : take_answer(context, in, out);
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

SECURITY_STATUS negotiate_initiate(struct credential *base, struct context **out_context, const struct step_in *in,
                                   struct step_out *out)
{
    REQUIRE(*out_context != NULL || (in->flags & ISC_REQ_DATAGRAM) == 0, SEC_E_UNSUPPORTED_FUNCTION,
            "SPNEGO has no datagrams: name the package (ISC_REQ_DATAGRAM)");
    return negotiate_step(true, leg, (struct negotiate_credential *)base, out_context, in, out);
}
