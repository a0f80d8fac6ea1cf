/* The client (RFC 4121 4.1, RFC 4120 3.2): AP-REQ out, AP-REP in, and in DCE style a third leg; before them, for
 * user-to-user, KERB-TGT-REQUEST out and KERB-TGT-REPLY in.
 */
#include "base/auto.h"
#include "base/policy.h"
#include "base/trace.h"
#include "kerberos/context.h"
#include "kerberos/library.h"
#include "kerberos/principals.h"

#define PROTECTION (AP_FLAG_CONFIDENTIALITY | AP_FLAG_INTEGRITY)

/* What the caller asks for, as the checksum says it.  Windows asks for signing and sealing in any case (observed), unless the
 * caller wants neither; replay and sequence detection sign. */
static uint32_t flags_to_ask_for(uint32_t request)
{
    static const struct {
        uint32_t request, flag;
    } names[] = {
        {ISC_REQ_MUTUAL_AUTH, AP_FLAG_MUTUAL},       {ISC_REQ_REPLAY_DETECT, AP_FLAG_REPLAY},
        {ISC_REQ_SEQUENCE_DETECT, AP_FLAG_SEQUENCE}, {ISC_REQ_USE_DCE_STYLE, AP_FLAG_DCE_STYLE | AP_FLAG_MUTUAL},
        {ISC_REQ_IDENTIFY, AP_FLAG_IDENTIFY},        {ISC_REQ_EXTENDED_ERROR, AP_FLAG_EXTENDED_ERROR},
    };
    uint32_t flags = (request & ISC_REQ_NO_INTEGRITY) != 0 ? 0 : PROTECTION;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        flags |= (request & names[i].request) != 0 ? names[i].flag : 0;
    }
    return flags;
}

/* Delegation goes with mutual authentication, and to servers that the KDC vouches for (RFC 4120 2.8, OK-AS-DELEGATE). */
static bool may_delegate(const struct kerberos_context *context, const struct ticket *ticket)
{
    if ((context->request & ISC_REQ_DELEGATE) == 0 || (context->flags & AP_FLAG_MUTUAL) == 0) {
        return false;
    }
    return (ticket->creds.ticket_flags & TKT_FLG_OK_AS_DELEGATE) != 0 || policy_get()->kerberos_delegate_any;
}

static SECURITY_STATUS take_bindings(struct kerberos_handshake *handshake, const struct step_in *in)
{
    struct channel_bindings bindings;
    struct key16 hash;
    TRY(bindings_parse(in->bindings, &bindings));
    if (bindings.present) {
        bindings_hash(&bindings, &hash);
        struct writer writer = write_into(handshake->bindings, sizeof handshake->bindings);
        write_bytes(&writer, BYTES(hash.b));
    }
    return SEC_E_OK;
}

static SECURITY_STATUS send_token(const struct kerberos_context *context, enum ap_kind kind, struct bytes body,
                                  struct step_out *out)
{
    struct ap_token token = {
        .kind = kind, .framed = !context->dce, .user_to_user = context->user_to_user, .body = body};
    ap_token_build(&token, out->token);
    return write_end(out->token);
}

/* One leg suffices when the server need not prove itself. */
static SECURITY_STATUS after_request(struct kerberos_context *context, krb5_context krb, struct step_out *out)
{
    if ((context->flags & AP_FLAG_MUTUAL) != 0) {
        context->state = KERBEROS_STATE_WAIT_REPLY;
        out->flags = kerberos_returned(context);
        out->expiry = context->expiry;
        return SEC_I_CONTINUE_NEEDED;
    }
    TRY(kerberos_take_keys(context, krb, false));
    kerberos_establish(context, out);
    return SEC_E_OK;
}

/* `clock` is the server's, for the second try; NULL: ours. */
static SECURITY_STATUS send_request(struct kerberos_context *context, krb5_context krb, const int32_t *clock,
                                    struct step_out *out)
{
    struct kerberos_handshake *handshake = context->handshake;
    struct ticket *ticket = handshake->ticket;
    struct exchange_request request = {
        .tickets = handshake->credential->tickets,
        .ticket = ticket,
        .flags = context->flags | (may_delegate(context, ticket) ? (uint32_t)AP_FLAG_DELEGATE : 0),
        .user_to_user = context->user_to_user,
        .no_subkey = context->datagram,
    };
    struct writer bindings = write_into(request.bindings, sizeof request.bindings);
    write_bytes(&bindings, BYTES(handshake->bindings));
    if (clock != NULL) {
        request.clock[0] = clock[0];
        request.clock[1] = clock[1];
    }
    krb5_data message = {0};
    exchange_free(&handshake->auth);
    TRY(exchange_request(&request, &handshake->auth, &context->flags, &message));
    SECURITY_STATUS status = send_token(context, AP_REQUEST, bytes_of(message.data, message.length), out);
    krb5_free_data_contents(krb, &message);
    TRY(status);
    context->start = kerberos_filetime(ticket->creds.times.starttime != 0 ? ticket->creds.times.starttime
                                                                          : ticket->creds.times.authtime);
    context->expiry = kerberos_filetime(ticket->creds.times.endtime);
    return after_request(context, krb, out);
}

/* ---------------------------------------------------------------- user-to-user */

static struct bytes data_bytes(const krb5_data *data)
{
    return bytes_of(data->data, data->length);
}

static SECURITY_STATUS ask_for_tgt(struct kerberos_context *context, krb5_context krb, struct utf16 target,
                                   struct step_out *out)
{
    AUTO_FREE char *name = NULL;
    krb5_principal server = NULL;
    REQUIRE(target.size != 0 && utf16_find(target, 0) == SIZE_MAX, SEC_E_TARGET_UNKNOWN,
            "no target name: Kerberos needs the user's or service's name (InitializeSecurityContext, pszTargetName)");
    TRY(utf16_to_utf8(target, &name, NULL));
    LIBRARY_TRY(krb, LIBRARY_CLIENT, target_parse(krb, name, &server));
    struct tgt_request request = {.name_type = server->type, .realm = data_bytes(&server->realm)};
    for (; request.name_count < (size_t)server->length && request.name_count < 8; request.name_count++) {
        request.names[request.name_count] = data_bytes(&server->data[request.name_count]);
    }
    AUTO_WRITER body = write_growing(KERBEROS_MAX_TOKEN);
    SECURITY_STATUS status = tgt_request_build(&request, &body);
    krb5_free_principal(krb, server);
    TRY(status);
    TRY(send_token(context, AP_TGT_REQUEST, write_result(&body), out));
    utf16_free(&context->handshake->target);
    TRY(utf16_copy(target, &context->handshake->target));
    context->state = KERBEROS_STATE_WAIT_TGT;
    out->flags = kerberos_returned(context);
    return SEC_I_CONTINUE_NEEDED;
}

/* The first message of user-to-user needs no ticket; but Negotiate, which may hold something else, has to hear now that there
 * will be none. */
static SECURITY_STATUS can_sign_in(struct kerberos_context *context)
{
    struct ticket *own = NULL;
    TRY(tickets_get_tgt(context->handshake->credential->tickets, &own));
    ticket_drop(own);
    return SEC_E_OK;
}

static SECURITY_STATUS begin_exchange(struct kerberos_context *context, krb5_context krb, struct utf16 target,
                                      struct bytes second, struct step_out *out)
{
    struct kerberos_handshake *handshake = context->handshake;
    ticket_drop(STEAL(handshake->ticket));
    SECURITY_STATUS status = tickets_get(handshake->credential->tickets, target, second, &handshake->ticket);
    if (status == SEC_E_NO_TGT_REPLY && second.size == 0 && !context->datagram) {
        status_begin(); /* the KDC makes no other ticket for this name: a user's (RFC 4120 7.5.9, 27) */
        context->user_to_user = true;
        return ask_for_tgt(context, krb, target, out);
    }
    TRY(status);
    TRY(kerberos_take_names(context, krb, handshake->ticket->creds.client, handshake->ticket->creds.server,
                            UTF16_NONE));
    return send_request(context, krb, NULL, out);
}

/* ---------------------------------------------------------------- what the server says */

/* It has no keys of its own, but a ticket granting ticket (RFC 4120 7.5.9, 69).  Nobody has signed that, and nothing is risked: the
 * KDC makes a ticket only for the user whose ticket granting ticket the server will show. */
static SECURITY_STATUS change_to_user(struct kerberos_context *context, krb5_context krb, struct step_out *out)
{
    struct kerberos_handshake *handshake = context->handshake;
    AUTO_UTF16 target = UTF16_NONE;
    TRACE("Kerberos: the server wants user-to-user");
    TRY(principal_text(krb, handshake->ticket->creds.server, &target));
    exchange_free(&handshake->auth);
    context->user_to_user = true;
    return ask_for_tgt(context, krb, target, out);
}

/* Its refusal.  A clock that is off is tried again once, with the server's (MS-KILE 3.2.5.7); that time comes from nobody
 * trusted, but goes nowhere beyond this one authenticator. */
static SECURITY_STATUS take_error(struct kerberos_context *context, krb5_context krb, struct bytes body,
                                  struct step_out *out)
{
    struct exchange_error error;
    TRY(exchange_error_parse(krb, body, &error));
    bool skew = error.code == KRB5KRB_AP_ERR_SKEW && context->state == KERBEROS_STATE_WAIT_REPLY;
    if (skew && !context->handshake->retried && error.seconds != 0) {
        const int32_t clock[2] = {error.seconds, error.microseconds};
        TRACE("Kerberos: the server's clock differs, once more with its time");
        context->handshake->retried = true;
        return send_request(context, krb, clock, out);
    }
    if (error.code == LIBRARY_USER_TO_USER_REQUIRED && context->state == KERBEROS_STATE_WAIT_REPLY &&
        !context->user_to_user && !context->datagram) {
        return change_to_user(context, krb, out);
    }
    LIBRARY_TRY(krb, LIBRARY_CLIENT, error.code);
    FAIL(SEC_E_INVALID_TOKEN, "a KRB-ERROR without an error (RFC 4120 5.9.1)");
}

static SECURITY_STATUS take_reply(struct kerberos_context *context, krb5_context krb, struct bytes body,
                                  struct step_out *out)
{
    bool subkey = false;
    TRY(exchange_take_reply(krb, context->handshake->auth, context->dce, body, &subkey));
    TRY(kerberos_take_keys(context, krb, subkey));
    if (context->dce) { /* the third leg repeats the server's number (MS-KILE 3.4.5.1) */
        krb5_data third = {0};
        LIBRARY_TRY(krb, LIBRARY_CLIENT, krb5_mk_rep_dce(krb, context->handshake->auth, &third));
        write_bytes(out->token, data_bytes(&third));
        krb5_free_data_contents(krb, &third);
        TRY(write_end(out->token));
    }
    kerberos_establish(context, out);
    return SEC_E_OK;
}

static SECURITY_STATUS take_token(struct kerberos_context *context, krb5_context krb, const struct step_in *in,
                                  struct step_out *out)
{
    struct ap_token token;
    TRY(ap_token_parse(in->token, &token));
    if (token.kind == AP_ERROR) {
        return take_error(context, krb, token.body, out);
    }
    if (context->state == KERBEROS_STATE_WAIT_TGT) {
        struct bytes ticket;
        REQUIRE(token.kind == AP_TGT_REPLY, SEC_E_NO_TGT_REPLY,
                "the server sent no ticket granting ticket for user-to-user (draft-swift-win2k-krb-user2user 3)");
        TRY(tgt_reply_parse(token.body, &ticket));
        return begin_exchange(context, krb, context->handshake->target, ticket, out);
    }
    REQUIRE(token.kind == AP_REPLY && token.framed != context->dce, SEC_E_INVALID_TOKEN,
            "not an AP-REP where one is due (RFC 4121 4.1.2)");
    return take_reply(context, krb, token.body, out);
}

/* ---------------------------------------------------------------- the legs */

static SECURITY_STATUS begin(struct kerberos_context *context, const struct step_in *in, struct step_out *out)
{
    krb5_context krb;
    TRY(library_context(&krb));
    TRY(take_bindings(context->handshake, in));
    if (context->datagram) { /* the first call only opens the context (as with NTLM) */
        context->state = KERBEROS_STATE_WAIT_CALLER;
        out->flags = kerberos_returned(context);
        return SEC_I_CONTINUE_NEEDED;
    }
    if (context->user_to_user) {
        TRY(can_sign_in(context));
        return ask_for_tgt(context, krb, in->target, out);
    }
    return begin_exchange(context, krb, in->target, BYTES_NONE, out);
}

static SECURITY_STATUS first_leg(struct kerberos_credential *credential, struct context **out_context,
                                 const struct step_in *in, struct step_out *out)
{
    struct kerberos_context *context = NULL;
    TRY(step_asks_nobody(in));
    REQUIRE(credential != NULL && (credential->base.use & SECPKG_CRED_OUTBOUND) != 0, SEC_E_NO_CREDENTIALS,
            "a credential for servers alone (SECPKG_CRED_INBOUND) begins no context");
    REQUIRE(in->token.size == 0, SEC_E_INVALID_TOKEN, "a token on the first Kerberos leg, which the client sends");
    uint32_t request = in->flags | in->wished;
    bool user_to_user = (request & ISC_REQ_USE_SESSION_KEY) != 0;
    REQUIRE(!user_to_user || (request & ISC_REQ_DATAGRAM) == 0, SEC_E_UNSUPPORTED_FUNCTION,
            "user-to-user needs two more legs than a datagram has (ISC_REQ_USE_SESSION_KEY, ISC_REQ_DATAGRAM)");
    TRY(kerberos_context_new(true, in->flags, credential, &context));
    context->flags = flags_to_ask_for(request);
    context->dce = (request & ISC_REQ_USE_DCE_STYLE) != 0;
    context->datagram = (request & ISC_REQ_DATAGRAM) != 0;
    context->user_to_user = user_to_user;
    SECURITY_STATUS status = begin(context, in, out);
    if (status < 0) {
        kerberos_dispose(&context->base);
        return status;
    }
    *out_context = &context->base;
    return status;
}

static SECURITY_STATUS later_leg(struct kerberos_context *context, const struct step_in *in, struct step_out *out)
{
    krb5_context krb;
    TRY(library_context(&krb));
    switch (context->state) {
    case KERBEROS_STATE_WAIT_CALLER:
        return begin_exchange(context, krb, in->target, BYTES_NONE, out);
    case KERBEROS_STATE_WAIT_TGT:
    case KERBEROS_STATE_WAIT_REPLY:
        return take_token(context, krb, in, out);
    default:
        FAIL(SEC_E_OUT_OF_SEQUENCE,
             "this Kerberos exchange is complete, or an earlier leg failed: begin a new context");
    }
}

SECURITY_STATUS kerberos_initiate(struct credential *credential, struct context **out_context, const struct step_in *in,
                                  struct step_out *out)
{
    library_refresh();
    REQUIRE(in->token.size <= KERBEROS_MAX_INPUT, SEC_E_INVALID_TOKEN, "a Kerberos token longer than 128 KiB");
    if (*out_context == NULL) {
        return first_leg((struct kerberos_credential *)credential, out_context, in, out);
    }
    struct kerberos_context *context = (struct kerberos_context *)*out_context;
    bool done = context->state == KERBEROS_STATE_DONE;
    SECURITY_STATUS status = later_leg(context, in, out);
    if (status < 0 && !done) {
        kerberos_fail(context);
    }
    return status;
}
