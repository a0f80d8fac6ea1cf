/* The steps.  What a call finds decides which of these it is: the first leg, more of a handshake, what ApplyControlToken left,
 * or something that a finished connection is asked to do. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "crypto/openssl_errors.h"
#include "schannel/alerts.h"
#include "schannel/context.h"
#include "schannel/control.h"
#include "schannel/datagram.h"
#include "schannel/engine.h"
#include "schannel/export.h"
#include "schannel/psk.h"
#include "schannel/step_buffers.h"
#include "wire/reader.h"
#include "wire/writer.h"

/* One call on its way. */
struct step {
    struct schannel_context *context;
    struct schannel_credential *credential; /* of this call; NULL: none given */
    const struct step_in *in;
    struct step_out *out;
};

/* ---------------------------------------------------------------- flags */

/* What is so with every connection, whether asked for or not (windows-behaviour SH12, D2). */
#define ISC_ALWAYS (ISC_RET_REPLAY_DETECT | ISC_RET_SEQUENCE_DETECT | ISC_RET_CONFIDENTIALITY | ISC_RET_STREAM)
#define ASC_ALWAYS (ASC_RET_REPLAY_DETECT | ASC_RET_SEQUENCE_DETECT | ASC_RET_CONFIDENTIALITY | ASC_RET_STREAM)
/* What comes back when it is asked for: programs compare whole words. */
#define ISC_ECHO                                                                                                       \
    (ISC_RET_MUTUAL_AUTH | ISC_RET_USED_SUPPLIED_CREDS | ISC_RET_DATAGRAM | ISC_RET_CONNECTION |                       \
     ISC_RET_EXTENDED_ERROR | ISC_RET_INTEGRITY | ISC_RET_IDENTIFY | ISC_RET_MANUAL_CRED_VALIDATION)
#define ASC_ECHO (ASC_RET_DATAGRAM | ASC_RET_CONNECTION | ASC_RET_EXTENDED_ERROR | ASC_RET_INTEGRITY | ASC_RET_IDENTIFY)

uint32_t schannel_returned_flags(const struct schannel_context *context, uint32_t asked)
{
    if (context->base.initiator) {
        return ISC_ALWAYS | (asked & ISC_ECHO);
    }
    /* The last call tells whether the client has shown a certificate (AcceptSecurityContext, ASC_RET_MUTUAL_AUTH). */
    bool shown = !context->completed || SSL_get0_peer_certificate(context->ssl) != NULL;
    return ASC_ALWAYS | (asked & ASC_ECHO) | (shown ? asked & ASC_RET_MUTUAL_AUTH : 0);
}

/* ---------------------------------------------------------------- delivering */

/* Hands the caller what OpenSSL wrote.  When it does not fit, nothing is lost: the same call with more room gets it. */
static SECURITY_STATUS deliver(struct step *step, SECURITY_STATUS status, size_t used)
{
    struct schannel_context *context = step->context;
    struct schannel_repeat *repeat = &context->repeat;
    struct bytes token = datagram_first(context);
    if (token.size > step->out->token->maximum) {
        *repeat = (struct schannel_repeat){.due = true, .status = status, .used = used};
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "the output buffer is too small for the token; the call can be repeated");
    }
    write_bytes(step->out->token, token);
    datagram_drop_first(context);
    *repeat = (struct schannel_repeat){0};
    if (context->datagram && context->outgoing.size != 0) { /* its next datagram, by the same call */
        *repeat = (struct schannel_repeat){.due = true, .status = status, .used = used};
        status = SEC_I_MESSAGE_FRAGMENT;
    } else {
        step_report_extra(step->in, used <= step->in->token.size ? step->in->token.size - used : 0);
    }
    TRY(step_report_alert(step->in, step->out, BYTES_NONE));
    return status;
}

/* The end of the context: the alert goes to whoever asked for it. */
static SECURITY_STATUS give_up(struct step *step)
{
    struct schannel_context *context = step->context;
    schannel_enter(context, SCHANNEL_FAILED);
    if (context->credential->sessions != NULL && context->ssl != NULL && SSL_session_reused(context->ssl)) {
        schannel_sessions_forget(context->credential->sessions, context->target);
    }
    struct bytes alert = datagram_first(context);
    write_bytes(step->out->token, alert);
    SECURITY_STATUS reported = step_report_alert(step->in, step->out, alert);
    (void)reported; /* there is a better reason to fail */
    return context->failure;
}

/* ---------------------------------------------------------------- shaking hands */

/* Which certificates are asked for and judged is a matter of the call's flags. */
static void apply_flags(struct step *step)
{
    struct schannel_context *context = step->context;
    context->request = step->in->flags;
    uint32_t manual = context->base.initiator ? ISC_REQ_MANUAL_CRED_VALIDATION : 0;
    context->manual = context->credential->manual || (context->request & manual) != 0;
    if (!context->base.initiator) {
        bool ask = (context->request & ASC_REQ_MUTUAL_AUTH) != 0;
        SSL_set_verify(context->ssl, ask ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
        tickets_bind(context->ssl, context->credential, ask);
        bool named =
            sk_X509_NAME_num(SSL_get_client_CA_list(context->ssl)) > 0; /* an SSL_CTX begins with an empty list */
        if (ask && context->credential->ca_names != NULL && !named) {
            SSL_set_client_CA_list(context->ssl, SSL_dup_CA_list(context->credential->ca_names));
        }
    }
}

/* A call that found no certificate, or none of an authority that the server names, is repeated: with another credential, or
 * with the same one to go on with what it has.  Nobody who answers by a certificate is told twice. */
static SECURITY_STATUS answer_certificate(struct step *step)
{
    struct schannel_context *context = step->context;
    if (context->repeat.due && context->repeat.status == SEC_I_INCOMPLETE_CREDENTIALS) {
        if (step->credential != NULL && step->credential != context->credential) {
            TRY(engine_change_credential(context, step->credential));
            apply_flags(step);               /* the new one's rules: who was not judged is not trusted under them */
            context->session_wanted = false; /* its cache has no place for who was judged under the old one's */
            context->handshake->insists = step->credential->identity_count != 0;
        } else {
            context->handshake->insists = true;
        }
        context->repeat.due = false;
    }
    return SEC_E_OK;
}

/* ... and the bytes behind them, as some programs come back with nothing. */
static SECURITY_STATUS remember_used(struct step *step, size_t used)
{
    struct schannel_context *context = step->context;
    struct schannel_repeat *repeat = &context->repeat;
    struct reader reader = read_start(step->in->token);
    read_bytes(&reader, used);
    secret_free(&context->stash);
    TRY(secret_copy(&context->stash, read_bytes(&reader, read_left(&reader))));
    *repeat = (struct schannel_repeat){.due = true, .status = SEC_I_INCOMPLETE_CREDENTIALS, .used = used};
    repeat->kept = used < sizeof repeat->start ? used : sizeof repeat->start;
    reader = read_start(step->in->token);
    struct writer writer = write_into(repeat->start, sizeof repeat->start);
    write_bytes(&writer, read_bytes(&reader, repeat->kept));
    return SEC_E_OK;
}

/* The same bytes again, or what comes after them: both happen. */
static size_t already_used(const struct step *step)
{
    const struct schannel_repeat *repeat = &step->context->repeat;
    struct bytes token = step->in->token;
    bool same = repeat->due && repeat->kept != 0 && token.size >= repeat->used &&
                memcmp(token.data, repeat->start, repeat->kept) == 0;
    return same ? repeat->used : 0;
}

/* How many bytes of the token are whole records.  A token that does not begin with a record is refused; what follows whole
 * ones is looked at when it stands first. */
static SECURITY_STATUS whole_records(struct step *step, struct bytes token, size_t *out_size, size_t *out_missing)
{
    size_t size = 0;
    struct reader reader = read_start(token);
    for (;;) {
        struct record_frame frame = {0};
        struct reader peek = reader;
        SECURITY_STATUS status = record_peek(read_bytes(&peek, read_left(&peek)), 0, &frame, NULL);
        if (status < 0 && size == 0) {
            step->context->failure = SEC_E_INVALID_TOKEN;
            FAIL(SEC_E_INVALID_TOKEN, "the token does not begin with a TLS record (RFC 8446 5.1)");
        }
        if (status < 0 || frame.missing != 0) {
            *out_size = size;
            *out_missing = status < 0 ? 0 : frame.missing;
            return SEC_E_OK;
        }
        read_bytes(&reader, frame.size);
        size += frame.size;
    }
}

/* Nobody is taken to have declined who was never told: without memory to know the repetition by, it is the end. */
static SECURITY_STATUS ask_for_certificate(struct step *step, size_t used)
{
    SECURITY_STATUS status = remember_used(step, used);
    if (status < 0) {
        step->context->failure = status;
        return give_up(step);
    }
    return SEC_I_INCOMPLETE_CREDENTIALS;
}

static SECURITY_STATUS conclude(struct step *step, enum engine_verdict verdict, size_t used)
{
    switch (verdict) {
    case ENGINE_MORE:
        return deliver(step, SEC_I_CONTINUE_NEEDED, used);
    case ENGINE_DONE:
        return deliver(step, SEC_E_OK, used);
    case ENGINE_REFUSED:
        return deliver(step, SEC_I_NO_RENEGOTIATION, used);
    case ENGINE_CERTIFICATE:
        return ask_for_certificate(step, used);
    default:
        return give_up(step);
    }
}

/* A leg of a handshake with what the peer said. */
static SECURITY_STATUS shake(struct step *step)
{
    struct schannel_context *context = step->context;
    size_t skip = already_used(step);
    bool answers = context->repeat.due;
    TRY(answer_certificate(step));
    struct reader reader = read_start(step->in->token);
    read_bytes(&reader, skip);
    struct bytes token = read_bytes(&reader, read_left(&reader));
    AUTO_SECRET rest = {0};
    if (answers) {
        rest = context->stash;
        context->stash = (struct secret){0};
        token = step->in->token.size == 0 ? secret_bytes(&rest) : token;
    }
    size_t size = token.size;
    if (!context->datagram) {
        size_t missing = 0;
        SECURITY_STATUS status = whole_records(step, token, &size, &missing);
        if (status < 0) {
            return give_up(step);
        }
        if (size == 0 && !answers) {
            step_report_missing(step->in, missing);
            FAIL(SEC_E_INCOMPLETE_MESSAGE, "the token ends before its first record does");
        }
    }
    struct reader records = read_start(token);
    size_t used = 0;
    enum engine_verdict verdict = engine_handshake(context, read_bytes(&records, size), &used);
    if (context->datagram && context->outgoing.size != 0) {
        datagram_flight_begins(context);
    }
    return conclude(step, verdict, step->in->token.size != 0 ? skip + used : 0);
}

/* ---------------------------------------------------------------- first legs */

/* The name for SNI: a DNS name, not an address (RFC 6066 3). */
static SECURITY_STATUS take_target(struct schannel_context *context, struct utf16 target)
{
    TRY(utf16_copy(target, &context->target));
    if (target.size == 0) {
        return SEC_E_OK;
    }
    AUTO_FREE char *host = NULL;
    size_t size = 0;
    TRY(utf16_to_utf8(target, &host, &size));
    uint8_t address[16];
    if (size > 0 && host[size - 1] == '.') {
        host[--size] = '\0';
    }
    bool is_address = inet_pton(AF_INET, host, address) == 1 || strchr(host, ':') != NULL;
    bool is_name = size > 0 && size < 254 &&
                   strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == size;
    if (is_name && !is_address) {
        context->host = STEAL(host);
    }
    return SEC_E_OK;
}

/* RFC 5764: keys for media beside the connection. */
static SECURITY_STATUS take_srtp(struct schannel_context *context, const struct step_in *in)
{
    char names[STEP_SRTP_MAX];
    TRY(step_find_srtp(in, names));
    openssl_errors_mark();
    int refused = names[0] != '\0' ? SSL_set_tlsext_use_srtp(context->ssl, names) : 0;
    openssl_errors_forget();
    REQUIRE(refused == 0, SEC_E_INSUFFICIENT_MEMORY, "OpenSSL does not take the SRTP profiles");
    return SEC_E_OK;
}

static SECURITY_STATUS take_alpn(struct step *step)
{
    struct schannel_context *context = step->context;
    struct bytes list;
    TRY(step_find_alpn(step->in, &list));
    if (list.size == 0) {
        return SEC_E_OK;
    }
    if (context->base.initiator) {
        REQUIRE(SSL_set_alpn_protos(context->ssl, list.data, (unsigned)list.size) == 0, SEC_E_INVALID_TOKEN,
                "SEC_APPLICATION_PROTOCOLS: OpenSSL does not take the list");
        return SEC_E_OK;
    }
    AUTO_WRITER copy = write_growing(UINT16_MAX);
    write_bytes(&copy, list);
    TRY(write_end(&copy));
    context->handshake->alpn = bytes_of(copy.data, copy.size);
    context->handshake->alpn_owned = write_take(&copy);
    return SEC_E_OK;
}

/* Flags beyond 32 bits (SEC_FLAGS). */
static SECURITY_STATUS take_long_flags(struct schannel_context *context, const struct step_in *in)
{
    uint64_t flags;
    TRY(step_find_flags(in, &flags));
    REQUIRE((flags & ISC_REQ_MESSAGES) == 0, SEC_E_UNSUPPORTED_FUNCTION,
            "SEC_FLAGS: tokens without records (QUIC) are not made here");
    if (context->base.initiator && (flags & ISC_REQ_NO_POST_HANDSHAKE_AUTH) != 0) {
        SSL_set_post_handshake_auth(context->ssl, 0);
    }
    return SEC_E_OK;
}

static SECURITY_STATUS new_context(struct schannel_credential *credential, bool initiator,
                                   struct schannel_context **out)
{
    struct schannel_context *context = calloc(1, sizeof *context);
    REQUIRE(context != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a context");
    context_init(&context->base, credential->base.package, initiator);
    context->credential = (struct schannel_credential *)credential_hold(&credential->base);
    context->datagram = credential->datagram;
    context->session_wanted = (credential->flags & SCH_CRED_DISABLE_RECONNECTS) == 0 && !psk_only(credential);
    atomic_store_explicit(&context->base.one_stream, true, memory_order_relaxed); /* until it is known otherwise */
    *out = context;
    return SEC_E_OK;
}

static SECURITY_STATUS first_leg(struct step *step, const struct step_in *in)
{
    struct schannel_context *context = step->context;
    TRY(take_target(context, in->target));
    context->manual = context->credential->manual || (in->flags & ISC_REQ_MANUAL_CRED_VALIDATION) != 0;
    TRY(engine_new(context));
    TRY(take_long_flags(context, in));
    TRY(psk_take(context, in));
    if (context->datagram) {
        uint16_t mtu;
        TRY(step_find_mtu(in, &mtu));
        TRY(datagram_prepare(context, mtu));
        TRY(take_srtp(context, in));
    }
    apply_flags(step);
    TRY(take_alpn(step));
    if (!context->base.initiator) {
        return shake(step);
    }
    size_t used;
    enum engine_verdict verdict = engine_handshake(context, BYTES_NONE, &used);
    return conclude(step, verdict, in->token.size); /* a first call's token is no token (SH1) */
}

/* A server that has nothing to show, and bytes that are not even a record, make no context. */
static SECURITY_STATUS check_first_accept(struct schannel_credential *credential, const struct step_in *in)
{
    struct record_frame frame;
    REQUIRE(credential->identity_count != 0 || psk_only(credential), SEC_E_NO_CREDENTIALS,
            "the server's credential has no certificate (AcceptSecurityContext)");
    if (credential->datagram) {
        REQUIRE(in->token.size != 0, SEC_E_INCOMPLETE_MESSAGE, "no datagram to accept");
        return SEC_E_OK;
    }
    TRY(record_peek(in->token, 0, &frame, NULL));
    if (frame.missing != 0) {
        step_report_missing(in, frame.missing);
        FAIL(SEC_E_INCOMPLETE_MESSAGE, "the token ends before its first record does");
    }
    return SEC_E_OK;
}

static void dispose_half_made(struct schannel_context **context)
{
    if (*context != NULL) {
        schannel_dispose(&(*context)->base);
    }
}

static SECURITY_STATUS begin(struct schannel_credential *credential, bool initiator, struct context **out_context,
                             const struct step_in *in, struct step_out *out)
{
    if (!initiator) {
        TRY(check_first_accept(credential, in));
    } else {
        TRY(step_asks_nobody(in));
    }
    AUTO(dispose_half_made) struct schannel_context *context = NULL;
    TRY(new_context(credential, initiator, &context));
    struct step step = {.context = context, .credential = credential, .in = in, .out = out};
    SECURITY_STATUS status = first_leg(&step, in);
    TRY(status);
    out->flags = schannel_returned_flags(context, in->flags);
    out->expiry = 0;
    *out_context = &context->base;
    context = NULL;
    return status;
}

/* ---------------------------------------------------------------- a finished connection */

/* Asks for a renegotiation: a client's ClientHello, a server's HelloRequest, after which messages go on. */
static SECURITY_STATUS renegotiate(struct step *step)
{
    struct schannel_context *context = step->context;
    size_t used;
    if (context->base.initiator && step->credential != NULL && step->credential != context->credential) {
        TRY(engine_change_credential(context, step->credential));
    }
    TRY(engine_renegotiate(context));
    TRY(engine_handshake_begin(context));
    if (context->base.initiator) {
        schannel_enter(context, SCHANNEL_RENEGOTIATING);
    }
    enum engine_verdict verdict = engine_handshake(context, BYTES_NONE, &used);
    if (verdict == ENGINE_DONE) {
        engine_handshake_end(context);
        verdict = ENGINE_MORE; /* the HelloRequest is out */
    }
    return conclude(step, verdict, step->in->token.size);
}

/* RFC 8446 4.6.2: a client answers the request for its certificate, a server looks at the answer. */
static SECURITY_STATUS answer_late(struct step *step, size_t used)
{
    struct schannel_context *context = step->context;
    AUTO_SECRET stash = context->stash;
    context->stash = (struct secret){0};
    context->gathers = false;
    context->asked_late = false;
    schannel_enter(context, SCHANNEL_RENEGOTIATING);
    if (context->base.initiator && step->credential != NULL && step->credential != context->credential) {
        TRY(engine_change_credential(context, step->credential));
    }
    return conclude(step, engine_post_handshake(context, bytes_of(stash.data, context->gathered)), used);
}

/* A server asks for a certificate after the handshake; messages go on until the client answers. */
static SECURITY_STATUS ask_late(struct step *step)
{
    struct schannel_context *context = step->context;
    size_t used;
    TRY(engine_ask_late(context));
    enum engine_verdict verdict = engine_handshake(context, BYTES_NONE, &used);
    engine_handshake_end(context);
    context->asked_late = verdict == ENGINE_DONE;
    return conclude(step, verdict == ENGINE_DONE ? ENGINE_MORE : verdict, 0);
}

/* The peer's wish to renegotiate, which DecryptMessage reported, is granted by this call. */
static SECURITY_STATUS grant(struct step *step)
{
    struct schannel_context *context = step->context;
    size_t extra = context->notified_extra < step->in->token.size ? context->notified_extra : step->in->token.size;
    size_t used = step->in->token.size - extra; /* anything else is what DecryptMessage has dealt with */
    if (context->gathers) {
        return answer_late(step, used);
    }
    if (context->fast && context->version == TLS1_3_VERSION) {
        schannel_enter(context, SCHANNEL_OPEN);
        TRY(control_key_update(context));
        return deliver(step, SEC_E_OK, used);
    }
    schannel_enter(context, SCHANNEL_RENEGOTIATING);
    if (!context->fast && context->datagram && !SSL_in_init(context->ssl)) {
        schannel_enter(context, SCHANNEL_OPEN); /* our last flight once more, and no new handshake */
        return deliver(step, SEC_E_OK, used);
    }
    if (!context->fast) {
        return conclude(step, SSL_in_init(context->ssl) ? ENGINE_MORE : ENGINE_DONE, used);
    }
    enum engine_verdict verdict;
    if (context->base.initiator) {
        if (step->credential != NULL && step->credential != context->credential) {
            TRY(engine_change_credential(context, step->credential));
        }
        TRY(engine_renegotiate(context));
        TRY(engine_handshake_begin(context));
        size_t none;
        verdict = engine_handshake(context, BYTES_NONE, &none);
    } else {
        AUTO_SECRET stash = context->stash;
        context->stash = (struct secret){0};
        verdict = engine_post_handshake(context, secret_bytes(&stash));
    }
    return conclude(step, verdict, used);
}

/* SSL_SESSION_ENABLE_RECONNECTS under TLS 1.3, where a session is its ticket. */
static SECURITY_STATUS give_ticket(struct step *step)
{
    struct schannel_context *context = step->context;
    size_t used;
    TRY(engine_new_ticket(context));
    context->ticket_due = false;
    enum engine_verdict verdict = engine_handshake(context, BYTES_NONE, &used);
    engine_handshake_end(context);
    return conclude(step, verdict, 0);
}

static SECURITY_STATUS when_open(struct step *step)
{
    struct schannel_context *context = step->context;
    if (context->datagram && datagram_is_handshake(step->in->token)) {
        TRY(engine_handshake_begin(context)); /* the peer repeats its last flight, as ours was lost (RFC 6347 4.2.4) */
        datagram_answer_repeat(context, step->in->token);
        engine_handshake_end(context);
        return deliver(step, SEC_E_OK, step->in->token.size);
    }
    if (step->in->token.size != 0) {
        return deliver(step, SEC_E_OK, 0); /* messages: DecryptMessage's */
    }
    if (context->ticket_due) {
        return give_ticket(step);
    }
    bool asks = !context->base.initiator && (context->request & ASC_REQ_MUTUAL_AUTH) != 0;
    if (context->version == TLS1_3_VERSION && asks && !context->asked_late) {
        return ask_late(step);
    }
    if (context->version == TLS1_3_VERSION && atomic_load_explicit(&context->update_due, memory_order_relaxed)) {
        TRY(control_key_update(context));
        return deliver(step, SEC_E_OK, 0);
    }
    return renegotiate(step);
}

/* A connection that came from another process: what is ours alone goes on, what OpenSSL would have to do does not. */
static SECURITY_STATUS when_moved(struct step *step)
{
    struct schannel_context *context = step->context;
    bool notified = schannel_state(context) == SCHANNEL_NOTIFIED;
    bool due = atomic_load_explicit(&context->update_due, memory_order_relaxed);
    REQUIRE(schannel_state(context) != SCHANNEL_FAILED, SEC_E_OUT_OF_SEQUENCE,
            "the context has failed: it can only be deleted");
    REQUIRE(notified || due || step->in->token.size != 0, SEC_E_UNSUPPORTED_FUNCTION,
            "a connection that was imported shakes no hands any more (ImportSecurityContext)");
    size_t used = 0; /* messages are DecryptMessage's, but for what it has reported */
    if (notified) {
        size_t size = step->in->token.size;
        used = size - (context->notified_extra < size ? context->notified_extra : size);
    }
    schannel_enter(context, SCHANNEL_OPEN);
    TRY(control_key_update(context));
    return deliver(step, SEC_E_OK, used);
}

static SECURITY_STATUS go_on(struct step *step)
{
    struct schannel_context *context = step->context;
    if (context->repeat.due && context->repeat.status != SEC_I_INCOMPLETE_CREDENTIALS) {
        return deliver(step, context->repeat.status, context->repeat.used);
    }
    if (context->refusal != 0) {
        control_queue_alert(context, ALERT_FATAL, context->refusal);
        context->refusal = 0;
    }
    if (context->control) {
        TRY(control_send(context));
        return deliver(step, SEC_E_OK, step->in->token.size); /* whatever input there is is stale (A3) */
    }
    if (context->moved != NULL) {
        return when_moved(step);
    }
    switch (schannel_state(context)) {
    case SCHANNEL_HANDSHAKE:
    case SCHANNEL_RENEGOTIATING:
        apply_flags(step);
        if (context->datagram && step->in->token.size == 0) {
            datagram_repeat_flight(context);
            return deliver(step, SEC_I_CONTINUE_NEEDED, 0);
        }
        return shake(step);
    case SCHANNEL_NOTIFIED:
        apply_flags(step);
        return grant(step);
    case SCHANNEL_OPEN:
        apply_flags(step);
        return when_open(step);
    default:
        FAIL(SEC_E_OUT_OF_SEQUENCE, "the context has failed: it can only be deleted");
    }
}

/* ---------------------------------------------------------------- the package's functions */

static SECURITY_STATUS run(struct credential *base, bool initiator, struct context **context, const struct step_in *in,
                           struct step_out *out)
{
    struct schannel_credential *credential = (struct schannel_credential *)base;
    if (*context != NULL) {
        out->flags = schannel_returned_flags((struct schannel_context *)*context, in->flags);
        out->expiry = 0;
    }
    TRY(step_check_buffers(in, out, *context == NULL));
    if (*context == NULL) {
        return begin(credential, initiator, context, in, out);
    }
    struct schannel_context *own = (struct schannel_context *)*context;
    struct step step = {.context = own, .credential = credential, .in = in, .out = out};
    SECURITY_STATUS status = go_on(&step);
    out->flags = schannel_returned_flags(own, in->flags);
    out->expiry = own->datagram ? datagram_expiry(own) : 0;
    return status;
}

SECURITY_STATUS schannel_initiate(struct credential *credential, struct context **context, const struct step_in *in,
                                  struct step_out *out)
{
    return run(credential, true, context, in, out);
}

SECURITY_STATUS schannel_accept(struct credential *credential, struct context **context, const struct step_in *in,
                                struct step_out *out)
{
    return run(credential, false, context, in, out);
}

void schannel_dispose(struct context *base)
{
    struct schannel_context *context = (struct schannel_context *)base;
    engine_free(context);
    datagram_fini(context);
    if (context->credential != NULL) {
        credential_drop(&context->credential->base);
    }
    schannel_moved_free(context->moved);
    utf16_free(&context->target);
    free(context->host);
    free(context->exporter.label);
    free(context->exporter.eap_label);
    free(context->exporter.context);
    secret_free(&context->stash);
    context_buffer_take_back(&context->lender);
    context_fini(base);
    secret_wipe(context, sizeof *context);
    free(context);
}
