/* The server (RFC 4121 4.1, RFC 4120 3.2.3): AP-REQ in, AP-REP out where the client wants one, and in DCE style a third leg;
 * before them, for user-to-user, KERB-TGT-REQUEST in and KERB-TGT-REPLY out.
 */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/trace.h"
#include "kerberos/context.h"
#include "kerberos/library.h"
#include "wire/reader.h"

#define AD_AP_OPTIONS  143 /* KERB_AUTH_DATA_AP_OPTIONS (MS-KILE 3.2.5.8) */
#define AP_OPTIONS_CBT 0x4000
#define FLAGS_WE_ECHO                                                                                                  \
    (AP_FLAG_MUTUAL | AP_FLAG_REPLAY | AP_FLAG_SEQUENCE | AP_FLAG_CONFIDENTIALITY | AP_FLAG_INTEGRITY |                \
     AP_FLAG_DCE_STYLE | AP_FLAG_IDENTIFY | AP_FLAG_EXTENDED_ERROR)

/* One AP-REQ being judged. */
struct judgement {
    struct kerberos_context *context;
    krb5_context krb;
    const struct step_in *in;
    struct ap_token token;
    krb5_flags options;
    krb5_keytab keytab; /* NULL: user-to-user */
    krb5_ticket *ticket;
    krb5_authenticator *authenticator;
    krb5_error_code code; /* libkrb5's own, for the KRB-ERROR */
};

/* ---------------------------------------------------------------- the request */

/* The ticket alone, still sealed, for krb5_free_ticket(); NULL: it is none. */
static krb5_ticket *sealed_ticket(const struct judgement *judgement)
{
    struct bytes body;
    krb5_ticket *ticket = NULL;
    if (ap_request_ticket(judgement->token.body, &body) < 0) {
        return NULL;
    }
    krb5_data data = {0, (unsigned)body.size, (char *)(uintptr_t)body.data};
    return krb5_decode_ticket(&data, &ticket) == 0 ? ticket : NULL;
}

static bool is_under_rc4(const struct judgement *judgement)
{
    krb5_ticket *ticket = sealed_ticket(judgement);
    bool is = ticket != NULL && ticket->enc_part.enctype == ENCTYPE_ARCFOUR_HMAC;
    krb5_free_ticket(judgement->krb, ticket);
    return is;
}

/* Once more, for a service whose key is an old one: policy speaks of sessions' keys alone, and who has put an RC4 key into the keytab
 * wants it used.  libkrb5 makes no difference between the two. */
static SECURITY_STATUS read_under_rc4(struct judgement *judgement, const krb5_data *message, krb5_principal service)
{
    struct kerberos_handshake *handshake = judgement->context->handshake;
    krb5_context krb = judgement->krb;
    exchange_free(&handshake->auth);
    LIBRARY_TRY(krb, LIBRARY_SERVER, krb5_auth_con_init(krb, &handshake->auth));
    library_widen_enctypes(krb);
    judgement->code = krb5_rd_req(krb, &handshake->auth, message, service, judgement->keytab, &judgement->options,
                                  &judgement->ticket);
    library_restrict_enctypes(krb);
    REQUIRE(judgement->code != 0 || library_enctype_is_ours(judgement->ticket->enc_part2->session->enctype),
            SEC_E_KDC_UNKNOWN_ETYPE, "the session's key is an RC4 key, which policy refuses ([kerberos] allow-rc4)");
    return SEC_E_OK;
}

/* Decrypts ticket and authenticator: clock, addresses and replays are libkrb5's to check (RFC 4120 3.2.3). */
static SECURITY_STATUS read_request(struct judgement *judgement)
{
    struct kerberos_handshake *handshake = judgement->context->handshake;
    krb5_context krb = judgement->krb;
    krb5_principal service = NULL;
    krb5_data message = {0, (unsigned)judgement->token.body.size, (char *)(uintptr_t)judgement->token.body.data};
    exchange_free(&handshake->auth);
    LIBRARY_TRY(krb, LIBRARY_SERVER, krb5_auth_con_init(krb, &handshake->auth));
    if (judgement->context->user_to_user && handshake->ticket != NULL) {
        LIBRARY_TRY(krb, LIBRARY_SERVER,
                    krb5_auth_con_setuseruserkey(krb, handshake->auth, &handshake->ticket->creds.keyblock));
    } else {
        TRY(keytab_use(handshake->credential->keytab, krb, &judgement->keytab, &service));
    }
    judgement->code = krb5_rd_req(krb, &handshake->auth, &message, service, judgement->keytab, &judgement->options,
                                  &judgement->ticket);
    if (judgement->code != 0 && judgement->keytab != NULL && is_under_rc4(judgement)) {
        TRY(read_under_rc4(judgement, &message, service));
    }
    LIBRARY_TRY(krb, LIBRARY_SERVER, judgement->code);
    LIBRARY_TRY(krb, LIBRARY_SERVER, krb5_auth_con_getauthenticator(krb, handshake->auth, &judgement->authenticator));
    return SEC_E_OK;
}

/* The checksum that carries the flags.  Without one, or with one of another type (Samba), flags are those of the AP-REQ
 * itself, and there are no bindings. */
static SECURITY_STATUS read_checksum(const struct judgement *judgement, struct ap_checksum *out)
{
    const krb5_checksum *sum = judgement->authenticator->checksum;
    *out = (struct ap_checksum){.flags = 0};
    if (sum != NULL && (uint16_t)sum->checksum_type == AP_CHECKSUM_TYPE) {
        TRY(ap_checksum_parse(bytes_of(sum->contents, sum->length), out));
    }
    return SEC_E_OK;
}

/* Does the client know of channel bindings, although it sent none (MS-KILE 3.4.5)? */
static bool client_is_aware(const struct judgement *judgement)
{
    krb5_authdata **found = NULL;
    bool aware = false;
    if (krb5_find_authdata(judgement->krb, NULL, judgement->authenticator->authorization_data, AD_AP_OPTIONS, &found) !=
        0) {
        return false;
    }
    for (size_t i = 0; found != NULL && found[i] != NULL; i++) {
        struct reader reader = read_start(bytes_of(found[i]->contents, found[i]->length));
        aware = aware || (read_u32le(&reader) & AP_OPTIONS_CBT) != 0;
    }
    krb5_free_authdata(judgement->krb, found);
    return aware;
}

static SECURITY_STATUS judge_bindings(const struct judgement *judgement, const struct ap_checksum *checksum,
                                      struct step_out *out)
{
    static const uint8_t zero[16];
    struct channel_bindings server;
    TRY(bindings_parse(judgement->in->bindings, &server));
    bool none = checksum->bindings.size == 0 || memcmp(checksum->bindings.data, zero, sizeof zero) == 0;
    enum bindings_sent sent = !none ? BINDINGS_HASH : client_is_aware(judgement) ? BINDINGS_ZERO : BINDINGS_NOT_SENT;
    return bindings_judge(&server, judgement->context->request, sent, checksum->bindings.data, &out->bindings_result);
}

/* Under the ticket's session key, or under none: Heimdal leaves that to the authenticator, which its checksum is sealed in, and
 * libkrb5 takes such credentials only where it has no key to try (RFC 4120 5.8.1). */
static krb5_error_code read_forwarded(krb5_context krb, krb5_auth_context auth, krb5_data *data, krb5_creds ***out)
{
    krb5_auth_context keyless = NULL;
    krb5_int32 flags = 0;
    (void)krb5_auth_con_getflags(krb, auth, &flags);
    (void)krb5_auth_con_setflags(krb, auth, 0);
    krb5_error_code code = krb5_rd_cred(krb, auth, data, out, NULL);
    (void)krb5_auth_con_setflags(krb, auth, flags);
    if (code == KRB5_BAD_ENCTYPE && krb5_auth_con_init(krb, &keyless) == 0) {
        (void)krb5_auth_con_setflags(krb, keyless, 0);
        code = krb5_rd_cred(krb, keyless, data, out, NULL);
        exchange_free(&keyless);
    }
    return code;
}

/* What the client forwarded; it belongs to neither times nor numbers of the context. */
static SECURITY_STATUS take_forwarded(const struct judgement *judgement, struct bytes message)
{
    krb5_context krb = judgement->krb;
    krb5_data data = {0, (unsigned)message.size, (char *)(uintptr_t)message.data};
    krb5_creds **creds = NULL;
    krb5_error_code code = read_forwarded(krb, judgement->context->handshake->auth, &data, &creds);
    LIBRARY_TRY(krb, LIBRARY_SERVER, code);
    SECURITY_STATUS status = tickets_open_forwarded(krb, creds, &judgement->context->delegated);
    krb5_free_tgt_creds(krb, creds);
    return status;
}

/* Who the client is: what its KDC says of it, or else the ticket alone. */
static SECURITY_STATUS take_client(struct judgement *judgement)
{
    struct kerberos_context *context = judgement->context;
    const struct ticket *own = context->handshake->ticket;
    const struct logon_keys keys = {.keytab = judgement->keytab,
                                    .session = judgement->keytab == NULL ? &own->creds.keyblock : NULL};
    AUTO_UTF16 account = UTF16_NONE;
    free(STEAL(context->logon));
    SECURITY_STATUS status = logon_of_ticket(judgement->krb, judgement->ticket, &keys, &account, &context->logon);
    judgement->code = status < 0 ? KRB5KRB_AP_ERR_MODIFIED : 0;
    TRY(status);
    TRY(logon_suffices(context->logon));
    return kerberos_take_names(context, judgement->krb, judgement->ticket->enc_part2->client, judgement->ticket->server,
                               account);
}

/* ---------------------------------------------------------------- the answer */

static SECURITY_STATUS send_token(const struct ap_token *asked, enum ap_kind kind, struct bytes body,
                                  struct step_out *out)
{
    struct ap_token token = {.kind = kind, .framed = asked->framed, .user_to_user = asked->user_to_user, .body = body};
    ap_token_build(&token, out->token);
    return write_end(out->token);
}

static SECURITY_STATUS send_reply(const struct judgement *judgement, struct step_out *out)
{
    struct kerberos_context *context = judgement->context;
    krb5_data reply = {0};
    TRY(exchange_reply(judgement->krb, context->handshake->auth, context->dce, &reply));
    SECURITY_STATUS status = send_token(&judgement->token, AP_REPLY, bytes_of(reply.data, reply.length), out);
    krb5_free_data_contents(judgement->krb, &reply);
    return status;
}

static SECURITY_STATUS answer(const struct judgement *judgement, struct step_out *out)
{
    struct kerberos_context *context = judgement->context;
    bool mutual = (context->flags & AP_FLAG_MUTUAL) != 0;
    if (mutual) {
        TRY(send_reply(judgement, out));
    }
    TRY(kerberos_take_keys(context, judgement->krb, mutual));
    if (context->dce) {
        context->state = KERBEROS_STATE_WAIT_THIRD;
        out->flags = kerberos_returned(context);
        out->expiry = context->expiry;
        return SEC_I_CONTINUE_NEEDED;
    }
    kerberos_establish(context, out);
    return SEC_E_OK;
}

static SECURITY_STATUS judge(struct judgement *judgement, struct step_out *out)
{
    struct kerberos_context *context = judgement->context;
    struct ap_checksum checksum;
    TRY(read_request(judgement));
    TRY(read_checksum(judgement, &checksum));
    TRY(judge_bindings(judgement, &checksum, out));
    const krb5_enc_tkt_part *part = judgement->ticket->enc_part2;
    context->flags = checksum.flags & FLAGS_WE_ECHO;
    context->flags |= (judgement->options & AP_OPTS_MUTUAL_REQUIRED) != 0 ? (uint32_t)AP_FLAG_MUTUAL : 0;
    context->dce = (context->flags & AP_FLAG_DCE_STYLE) != 0;
    context->flags |= context->dce ? (uint32_t)AP_FLAG_MUTUAL : 0;
    context->start = kerberos_filetime(part->times.starttime != 0 ? part->times.starttime : part->times.authtime);
    context->expiry = kerberos_filetime(part->times.endtime);
    if (checksum.credentials.size != 0) {
        TRY(take_forwarded(judgement, checksum.credentials));
        context->flags |= AP_FLAG_DELEGATE;
    }
    TRY(take_client(judgement));
    if (context->delegated == NULL && !context->user_to_user) {
        TRY(kerberos_constrained(context->handshake->credential, judgement->krb, judgement->ticket,
                                 judgement->token.body, &context->delegated));
    }
    return answer(judgement, out);
}

/* A KRB-ERROR in the name of `service` (taken over), or nothing without one. */
static SECURITY_STATUS write_error(const struct judgement *judgement, krb5_error_code code, krb5_principal service,
                                   struct step_out *out)
{
    AUTO_WRITER body = write_growing(KERBEROS_MAX_TOKEN);
    exchange_error_build(judgement->krb, code, service, &body);
    krb5_free_principal(judgement->krb, service);
    return body.size != 0 ? send_token(&judgement->token, AP_ERROR, write_result(&body), out) : SEC_E_OK;
}

/* For the client; what came of the request before is taken back. */
static void send_error(const struct judgement *judgement, SECURITY_STATUS status, struct step_out *out)
{
    struct keytab *keytab = judgement->context->handshake->credential->keytab;
    krb5_principal service =
        status == SEC_E_INVALID_TOKEN || keytab == NULL ? NULL : keytab_any_name(keytab, judgement->krb);
    out->token->size = 0;
    SECURITY_STATUS sent =
        write_error(judgement, judgement->code != 0 ? judgement->code : KRB5KRB_ERR_GENERIC, service, out);
    (void)sent; /* the refusal itself is what the caller hears of */
}

/* Who this server is as a user. */
static SECURITY_STATUS own_name(const struct judgement *judgement, krb5_principal *out)
{
    AUTO_UTF16 name = UTF16_NONE;
    AUTO_FREE char *text = NULL;
    TRY(tickets_name(judgement->context->handshake->credential->tickets, &name));
    TRY(utf16_to_utf8(name, &text, NULL));
    LIBRARY_TRY(judgement->krb, LIBRARY_SERVER, krb5_parse_name(judgement->krb, text, out));
    return SEC_E_OK;
}

/* Is the client's ticket for this name? */
static bool is_for(const struct judgement *judgement, krb5_const_principal name)
{
    krb5_ticket *ticket = sealed_ticket(judgement);
    bool same = ticket != NULL && krb5_principal_compare(judgement->krb, ticket->server, name);
    krb5_free_ticket(judgement->krb, ticket);
    return same;
}

/* A server that is there as a user, or has a ticket granting ticket and no keys at all, and that is whom the client wants, asks
 * for user-to-user, once (RFC 4120 3.7, 7.5.9). */
static SECURITY_STATUS ask_for_user(const struct judgement *judgement, SECURITY_STATUS refusal, struct step_out *out)
{
    struct kerberos_context *context = judgement->context;
    bool as_user = context->handshake->credential->as_user && judgement->code == KRB5KRB_AP_ERR_NOT_US;
    bool keyless = as_user || (refusal == SEC_E_NO_CREDENTIALS && judgement->keytab == NULL);
    if (!keyless || context->handshake->retried || context->user_to_user || context->datagram) {
        return refusal;
    }
    krb5_principal own = NULL;
    SECURITY_STATUS known = own_name(judgement, &own);
    if (known < 0) {
        return known == SEC_E_INSUFFICIENT_MEMORY ? known : refusal; /* no tickets either */
    }
    if (!is_for(judgement, own)) {
        krb5_free_principal(judgement->krb, own);
        return refusal;
    }
    status_begin(); /* that there are no keys is no refusal any more */
    TRACE("Kerberos: no key for the client's ticket: user-to-user is asked for");
    context->handshake->retried = true;
    out->token->size = 0;
    TRY(write_error(judgement, LIBRARY_USER_TO_USER_REQUIRED, own, out));
    REQUIRE(out->token->size != 0, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a KRB-ERROR");
    out->flags = kerberos_returned(context);
    return SEC_I_CONTINUE_NEEDED;
}

static SECURITY_STATUS take_request(struct kerberos_context *context, krb5_context krb, const struct ap_token *token,
                                    const struct step_in *in, struct step_out *out)
{
    struct judgement judgement = {.context = context, .krb = krb, .in = in, .token = *token};
    SECURITY_STATUS status = judge(&judgement, out);
    if (status < 0) {
        status = ask_for_user(&judgement, status, out);
    }
    if (status < 0) {
        send_error(&judgement, status, out);
    }
    krb5_free_authenticator(krb, judgement.authenticator);
    krb5_free_ticket(krb, judgement.ticket);
    if (judgement.keytab != NULL) {
        (void)krb5_kt_close(krb, judgement.keytab);
    }
    return status;
}

/* ---------------------------------------------------------------- user-to-user, and the third leg */

/* This server's own ticket granting ticket, for the client to have a ticket made under its key. */
static SECURITY_STATUS send_tgt(struct kerberos_context *context, const struct ap_token *token, struct step_out *out)
{
    struct kerberos_handshake *handshake = context->handshake;
    struct tgt_request request;
    TRY(tgt_request_parse(token->body, &request));
    TRY(tickets_get_tgt(handshake->credential->tickets, &handshake->ticket));
    const krb5_data *ticket = &handshake->ticket->creds.ticket;
    AUTO_WRITER body = write_growing(KERBEROS_MAX_TOKEN);
    TRY(tgt_reply_build(bytes_of(ticket->data, ticket->length), &body));
    TRY(send_token(token, AP_TGT_REPLY, write_result(&body), out));
    context->user_to_user = true;
    context->state = KERBEROS_STATE_WAIT_REQUEST;
    return SEC_I_CONTINUE_NEEDED;
}

/* The client repeats our number, under the ticket's key (MS-KILE 3.4.5.1). */
static SECURITY_STATUS take_third(struct kerberos_context *context, krb5_context krb, const struct ap_token *token,
                                  struct step_out *out)
{
    krb5_data message = {0, (unsigned)token->body.size, (char *)(uintptr_t)token->body.data};
    krb5_ui_4 number = 0;
    REQUIRE(token->kind == AP_REPLY, SEC_E_INVALID_TOKEN,
            "not an AP-REP as the third leg of DCE style (MS-KILE 3.4.5.1)");
    LIBRARY_TRY(krb, LIBRARY_SERVER, krb5_rd_rep_dce(krb, context->handshake->auth, &message, &number));
    REQUIRE(number == (uint32_t)context->send.number, SEC_E_MESSAGE_ALTERED,
            "the third leg of DCE style does not repeat the server's number (MS-KILE 3.4.5.1)");
    kerberos_establish(context, out);
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- the legs */

static SECURITY_STATUS take_token(struct kerberos_context *context, const struct step_in *in, struct step_out *out)
{
    krb5_context krb;
    struct ap_token token;
    TRY(library_context(&krb));
    TRY(ap_token_parse(in->token, &token));
    switch (context->state) {
    case KERBEROS_STATE_NEW:
        if (token.kind == AP_TGT_REQUEST) {
            return send_tgt(context, &token, out);
        }
        break;
    case KERBEROS_STATE_WAIT_REQUEST:
        break;
    case KERBEROS_STATE_WAIT_THIRD:
        return take_third(context, krb, &token, out);
    default:
        FAIL(SEC_E_OUT_OF_SEQUENCE,
             "this Kerberos exchange is complete, or an earlier leg failed: begin a new context");
    }
    REQUIRE(token.kind == AP_REQUEST, SEC_E_INVALID_TOKEN, "not an AP-REQ where one is due (RFC 4121 4.1.1)");
    return take_request(context, krb, &token, in, out);
}

static SECURITY_STATUS first_leg(struct kerberos_credential *credential, struct context **out_context,
                                 const struct step_in *in, struct step_out *out)
{
    struct kerberos_context *context = NULL;
    REQUIRE(credential != NULL && credential->keytab != NULL, SEC_E_NO_CREDENTIALS,
            "a credential for clients alone (SECPKG_CRED_OUTBOUND) accepts no context");
    TRY(kerberos_context_new(false, in->flags, credential, &context));
    context->datagram = (in->flags & ASC_REQ_DATAGRAM) != 0;
    SECURITY_STATUS status = take_token(context, in, out);
    if (status < 0) {
        kerberos_dispose(&context->base);
        return status;
    }
    *out_context = &context->base;
    return status;
}

SECURITY_STATUS kerberos_accept(struct credential *credential, struct context **out_context, const struct step_in *in,
                                struct step_out *out)
{
    library_refresh();
    REQUIRE(in->token.size <= KERBEROS_MAX_INPUT, SEC_E_INVALID_TOKEN, "a Kerberos token longer than 128 KiB");
    if (*out_context == NULL) {
        return first_leg((struct kerberos_credential *)credential, out_context, in, out);
    }
    struct kerberos_context *context = (struct kerberos_context *)*out_context;
    bool done = context->state == KERBEROS_STATE_DONE;
    SECURITY_STATUS status = take_token(context, in, out);
    if (status < 0 && !done) {
        kerberos_fail(context);
    }
    return status;
}
