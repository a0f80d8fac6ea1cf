/* EncryptMessage and DecryptMessage: whether messages may flow, and what is not application data.  The layout of buffers is
 * protect.h's. */
#include <stdlib.h>

#include "base/auto.h"
#include "base/policy.h"
#include "schannel/alerts.h"
#include "schannel/context.h"
#include "schannel/control.h"
#include "schannel/datagram.h"
#include "schannel/engine.h"
#include "schannel/protect.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define HANDSHAKE_HELLO_REQUEST      0
#define HANDSHAKE_NEW_SESSION_TICKET 4
#define HANDSHAKE_CERTIFICATE        11
#define HANDSHAKE_CERTIFICATE_ASKED  13
#define HANDSHAKE_KEY_UPDATE         24
#define LATE_MAX                     102400 /* of such a message: what OpenSSL takes of certificates (max_cert_list) */

/* ---------------------------------------------------------------- sending */

/* OpenSSL's record, cut where the caller's buffers are. */
static SECURITY_STATUS seal_slow(struct schannel_context *context, uint32_t qop, struct buffers *message)
{
    struct protect_parts parts;
    TRY(protect_find_parts(message, qop, &parts));
    REQUIRE(parts.type == RECORD_APPLICATION_DATA, SEC_E_UNSUPPORTED_FUNCTION,
            "alerts as messages need a suite that is an AEAD; use ApplyControlToken");
    size_t data = parts.data->cbBuffer;
    bool roomy = parts.header->cbBuffer >= context->sizes.header && parts.trailer->cbBuffer >= context->sizes.trailer;
    REQUIRE(roomy || data == 0, SEC_E_BUFFER_TOO_SMALL, /* now: OpenSSL counts a record that nobody would get */
            "STREAM_HEADER or STREAM_TRAILER is smaller than SecPkgContext_StreamSizes says");
    struct writer outgoing = context->outgoing; /* something may wait there for a step */
    context->outgoing = write_growing(RECORD_CIPHER_MAX_12 + 64);
    SECURITY_STATUS status = engine_write(context, buffer_bytes(parts.data));
    AUTO_WRITER record = context->outgoing;
    context->outgoing = outgoing;
    TRY(status);
    struct bytes wire = datagram_of(context, &record);
    if (wire.size == 0) { /* no data, no record: OpenSSL makes no empty ones */
        protect_sealed(&parts, 0, 0, 0);
        return SEC_E_OK;
    }
    struct reader reader = read_start(wire);
    size_t header = context->sizes.header;
    REQUIRE(wire.size >= header + data, SEC_E_ENCRYPT_FAILURE, "OpenSSL made a record shorter than its parts");
    size_t trailer = wire.size - header - data;
    REQUIRE(trailer <= context->sizes.trailer, SEC_E_ENCRYPT_FAILURE, "OpenSSL made a record longer than foreseen");
    SecBuffer *places[] = {parts.header, parts.data, parts.trailer};
    size_t sizes[] = {header, data, trailer};
    for (size_t i = 0; i < 3; i++) {
        struct writer writer = write_into(places[i]->pvBuffer, sizes[i]);
        write_bytes(&writer, read_bytes(&reader, sizes[i]));
    }
    protect_sealed(&parts, header, data, trailer);
    return SEC_E_OK;
}

SECURITY_STATUS schannel_seal(struct context *base, uint32_t qop, struct buffers *message, uint32_t sequence)
{
    struct schannel_context *context = (struct schannel_context *)base;
    enum schannel_state state = schannel_state(context);
    REQUIRE(context->completed, SEC_E_CONTEXT_EXPIRED, "EncryptMessage before the handshake is done");
    REQUIRE(state != SCHANNEL_FAILED, SEC_E_CONTEXT_EXPIRED, "the connection has failed");
    REQUIRE(state == SCHANNEL_OPEN, SEC_E_CONTEXT_EXPIRED,
            "a renegotiation waits for InitializeSecurityContext or AcceptSecurityContext (SEC_I_RENEGOTIATE)");
    REQUIRE(!context->send_closed, SEC_E_CONTEXT_EXPIRED, "this side has closed the connection (close_notify)");
    if (!context->fast) {
        return seal_slow(context, qop, message);
    }
    return protect_seal(&context->send, qop, message, &context->update_due);
}

/* ---------------------------------------------------------------- receiving: what is no application data */

/* The end of receiving: the alert leaves with the next step. */
static SECURITY_STATUS refuse(struct schannel_context *context, SECURITY_STATUS status, uint8_t alert)
{
    context->receive_closed = true;
    context->refusal = alert;
    schannel_enter(context, SCHANNEL_FAILED);
    return status;
}

static SECURITY_STATUS on_alert(struct schannel_context *context, const struct record_content *content)
{
    struct reader reader = read_start(bytes_of(content->data, content->size));
    uint8_t level = read_u8(&reader);
    uint8_t description = read_u8(&reader);
    if (read_end(&reader, "an alert is not two bytes (RFC 8446 6)") < 0) {
        return refuse(context, SEC_E_ILLEGAL_MESSAGE, TLS1_ALERT_DECODE_ERROR);
    }
    if (description == ALERT_CLOSE_NOTIFY) {
        context->receive_closed = true;
        return SEC_I_CONTEXT_EXPIRED;
    }
    /* Under TLS 1.3 the level means nothing: all but two are the end (RFC 8446 6). */
    bool harmless = context->version == TLS1_3_VERSION ? description == ALERT_USER_CANCELED : level == ALERT_WARNING;
    if (harmless) {
        return description == ALERT_NO_RENEGOTIATION ? SEC_I_NO_RENEGOTIATION : SEC_E_OK;
    }
    context->receive_closed = true;
    schannel_enter(context, SCHANNEL_FAILED);
    FAIL(alert_received(ALERT_FATAL, description), "the peer ended the connection with an alert (RFC 8446 6.2)");
}

/* The step that is to come gets the record's content. */
static SECURITY_STATUS notify(struct schannel_context *context, struct bytes plaintext, size_t left)
{
    if (context->no_handshakes) {
        return SEC_E_OK; /* a HelloRequest may be ignored (RFC 5246 7.4.1.1) */
    }
    secret_free(&context->stash);
    TRY(secret_copy(&context->stash, plaintext));
    context->notified_extra = left;
    schannel_enter(context, SCHANNEL_NOTIFIED);
    return SEC_I_RENEGOTIATE;
}

static SECURITY_STATUS on_key_update(struct schannel_context *context, struct reader *message)
{
    uint8_t request = read_u8(message);
    if (read_end(message, "KeyUpdate: not one byte, or not at the end of its record (RFC 8446 4.6.3, 5.1)") < 0) {
        return refuse(context, SEC_E_ILLEGAL_MESSAGE, TLS1_ALERT_UNEXPECTED_MESSAGE);
    }
    if (request > 1) {
        refuse(context, SEC_E_ILLEGAL_MESSAGE, TLS1_ALERT_ILLEGAL_PARAMETER);
        FAIL(SEC_E_ILLEGAL_MESSAGE, "KeyUpdate: request_update is neither 0 nor 1 (RFC 8446 4.6.3)");
    }
    TRY(record_update(&context->receive));
    if (request == 1) {
        atomic_store_explicit(&context->update_due, true, memory_order_relaxed);
    }
    return SEC_E_OK;
}

/* Shows OpenSSL a part of a handshake stream under TLS 1.3: tickets.  It has nothing to say to them. */
static SECURITY_STATUS show_openssl(struct schannel_context *context, struct bytes plaintext)
{
    if (plaintext.size == 0 || context->moved != NULL) { /* nothing is resumed from here */
        return SEC_E_OK;
    }
    enum engine_verdict verdict = engine_post_handshake(context, plaintext);
    if (verdict == ENGINE_FAILED) {
        return refuse(context, context->failure,
                      context->alert_sent[0] != 0 ? context->alert_sent[1] : TLS1_ALERT_UNEXPECTED_MESSAGE);
    }
    return SEC_E_OK;
}

/* A message that OpenSSL will have to answer, or that a step has to wait for: a server's CertificateRequest, or a client's
 * Certificate after one.  Room for all of it, and for what may stand behind it in its last record. */
static SECURITY_STATUS begin_gathering(struct schannel_context *context, uint32_t size)
{
    if (size > LATE_MAX) {
        refuse(context, SEC_E_ILLEGAL_MESSAGE, TLS1_ALERT_ILLEGAL_PARAMETER);
        FAIL(SEC_E_ILLEGAL_MESSAGE, "a certificate, or a request for one, of more than 100 KB");
    }
    secret_free(&context->stash);
    TRY(secret_alloc(&context->stash, 4 + size + RECORD_PLAIN_MAX));
    context->gathers = true;
    context->gathered = 0;
    return SEC_E_OK;
}

/* The end of it: the step that is to come gets it (windows-behaviour: SEC_I_RENEGOTIATE for what TLS 1.3 says by the way). */
static SECURITY_STATUS gather(struct schannel_context *context, struct bytes part, size_t left)
{
    struct writer writer = write_into(context->stash.data + context->gathered, context->stash.size - context->gathered);
    write_bytes(&writer, part);
    if (writer.bad) {
        refuse(context, SEC_E_ILLEGAL_MESSAGE, TLS1_ALERT_ILLEGAL_PARAMETER);
        FAIL(SEC_E_ILLEGAL_MESSAGE,
             "more behind a certificate, or a request for one, than belongs to it (RFC 8446 4.4)");
    }
    context->gathered += writer.size;
    if (context->message_left != 0) {
        return SEC_E_OK;
    }
    context->notified_extra = left;
    schannel_enter(context, SCHANNEL_NOTIFIED);
    return SEC_I_RENEGOTIATE;
}

static SECURITY_STATUS out_of_place(struct schannel_context *context)
{
    refuse(context, SEC_E_ILLEGAL_MESSAGE, TLS1_ALERT_UNEXPECTED_MESSAGE);
    FAIL(SEC_E_ILLEGAL_MESSAGE, "a handshake message that has no place here (RFC 8446 4.6)");
}

/* TLS 1.3: tickets go to OpenSSL, which puts them together; KeyUpdates are ours; what is about certificates waits for a step.
 * Messages may be cut anywhere by records, but for KeyUpdate, which ends its record. */
static SECURITY_STATUS on_handshake_tls13(struct schannel_context *context, const struct record_content *content,
                                          size_t input_left)
{
    struct bytes all = bytes_of(content->data, content->size);
    struct reader reader = read_start(all);
    struct reader part = reader;
    while (read_left(&reader) != 0) {
        size_t left = read_left(&reader);
        if (context->message_left != 0) {
            size_t take = context->message_left < left ? context->message_left : left;
            read_bytes(&reader, take);
            context->message_left -= (uint32_t)take;
            continue;
        }
        size_t before = all.size - left;
        uint8_t type = read_u8(&reader);
        uint32_t size = (uint32_t)read_u8(&reader) << 16;
        size |= read_u16be(&reader);
        if (type == HANDSHAKE_KEY_UPDATE && !reader.bad && !context->gathers) {
            TRY(show_openssl(context, read_bytes(&part, before)));
            return on_key_update(context, &reader);
        }
        bool late = context->moved != NULL    ? false /* OpenSSL would have to answer */
                    : context->base.initiator ? type == HANDSHAKE_CERTIFICATE_ASKED
                                              : type == HANDSHAKE_CERTIFICATE && context->asked_late;
        bool ticket = type == HANDSHAKE_NEW_SESSION_TICKET && context->base.initiator;
        /* A header cut by records has not been seen anywhere, and is no ticket of any size. */
        if (reader.bad || type == HANDSHAKE_KEY_UPDATE || (!ticket && !late && !context->gathers)) {
            return out_of_place(context);
        }
        if (late && !context->gathers) {
            TRY(show_openssl(context, read_bytes(&part, before)));
            TRY(begin_gathering(context, size));
        }
        context->message_left = size;
    }
    return context->gathers ? gather(context, read_bytes(&part, read_left(&part)), input_left)
                            : show_openssl(context, all);
}

/* All that a server may say of handshakes out of the blue: its record is four zeros. */
static bool is_hello_request(struct bytes plaintext)
{
    struct reader reader = read_start(plaintext);
    uint8_t type = read_u8(&reader);
    uint32_t size = (uint32_t)read_u8(&reader) << 16;
    size |= read_u16be(&reader);
    return !reader.bad && type == HANDSHAKE_HELLO_REQUEST && size == 0 && read_left(&reader) == 0;
}

static SECURITY_STATUS on_handshake(struct schannel_context *context, const struct record_content *content, size_t left)
{
    struct bytes plaintext = bytes_of(content->data, content->size);
    if (context->version != TLS1_3_VERSION) {
        if (context->base.initiator && !is_hello_request(plaintext)) {
            refuse(context, SEC_E_ILLEGAL_MESSAGE, TLS1_ALERT_UNEXPECTED_MESSAGE);
            FAIL(SEC_E_ILLEGAL_MESSAGE, "a handshake message that is no HelloRequest has no place here (RFC 5246 7.4)");
        }
        return notify(context, plaintext, left);
    }
    SECURITY_STATUS status = on_handshake_tls13(context, content, left);
    if (status != SEC_E_OK) {
        return status;
    }
    if (policy_get()->schannel_report_tickets) {
        context->notified_extra = left;
        schannel_enter(context, SCHANNEL_NOTIFIED);
        return SEC_I_RENEGOTIATE;
    }
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- receiving */

static SECURITY_STATUS unseal_fast(struct schannel_context *context, struct protect_input *input)
{
    struct record_content content;
    SECURITY_STATUS status = record_open(&context->receive, input->record, &content);
    if (status < 0) {
        return refuse(context, status, context->receive.alert);
    }
    if (content.type == RECORD_APPLICATION_DATA) {
        protect_give(input, &content);
        return SEC_E_OK;
    }
    if (content.type == RECORD_ALERT) {
        status = on_alert(context, &content);
    } else if (content.type == RECORD_HANDSHAKE) {
        status = on_handshake(context, &content, input->left);
    } else {
        refuse(context, SEC_E_ILLEGAL_MESSAGE, TLS1_ALERT_UNEXPECTED_MESSAGE);
        FAIL(SEC_E_ILLEGAL_MESSAGE, "ChangeCipherSpec out of place (RFC 5246 7.1)");
    }
    TRY(status);
    content.size = 0;
    protect_give(input, &content);
    return status;
}

/* A DTLS peer repeats its last flight, as ours was lost, and OpenSSL has written that once more (RFC 6347 4.2.4): a step hands it
 * out.  Only a Finished under the connection's keys does this, so nobody else can make us wait for that step. */
static bool owes_flight(const struct schannel_context *context, enum engine_read read, size_t before)
{
    return context->datagram && read == ENGINE_READ_DATA && context->outgoing.size > before;
}

/* OpenSSL opens the record; the plaintext goes where the record was, behind its header. */
static SECURITY_STATUS unseal_slow(struct schannel_context *context, struct protect_input *input)
{
    size_t header = context->sizes.header < input->record.size ? context->sizes.header : input->record.size;
    struct record_content content = {.type = RECORD_APPLICATION_DATA, .data = input->record.data + header};
    struct record_room room = {content.data, input->record.size - header};
    size_t before = context->outgoing.size;
    enum engine_read read = engine_read(context, bytes_of(input->record.data, input->record.size), room, &content.size);
    bool owes = owes_flight(context, read, before);
    SECURITY_STATUS status = SEC_E_OK;
    switch (owes ? ENGINE_READ_HANDSHAKE : read) {
    case ENGINE_READ_DATA:
        break;
    case ENGINE_READ_CLOSED:
        context->receive_closed = true;
        status = SEC_I_CONTEXT_EXPIRED;
        break;
    case ENGINE_READ_HANDSHAKE:
        context->notified_extra = input->left;
        schannel_enter(context, SCHANNEL_NOTIFIED);
        status = SEC_I_RENEGOTIATE;
        break;
    default:
        return refuse(context, context->failure, 0);
    }
    protect_give(input, &content);
    return status;
}

/* A datagram that does not verify, or is none, is dropped as if it had been lost (RFC 6347 4.1.2.7). */
static SECURITY_STATUS unseal_datagram(struct schannel_context *context, struct buffers *message)
{
    struct protect_input input;
    TRY(datagram_take(message, &input));
    return unseal_slow(context, &input);
}

SECURITY_STATUS schannel_unseal(struct context *base, struct buffers *message, uint32_t sequence, uint32_t *qop)
{
    struct schannel_context *context = (struct schannel_context *)base;
    enum schannel_state state = schannel_state(context);
    REQUIRE(context->completed, SEC_E_CONTEXT_EXPIRED, "DecryptMessage before the handshake is done");
    REQUIRE(!context->receive_closed, SEC_E_CONTEXT_EXPIRED, "the peer has closed the connection, or it has failed");
    REQUIRE(state == SCHANNEL_OPEN, SEC_E_CONTEXT_EXPIRED,
            "a renegotiation waits for InitializeSecurityContext or AcceptSecurityContext (SEC_I_RENEGOTIATE)");
    if (context->datagram) {
        return unseal_datagram(context, message);
    }
    struct protect_input input;
    uint8_t alert = 0;
    SECURITY_STATUS status = protect_take(message, context->version, &input, &alert);
    if (status < 0) {
        return alert != 0 ? refuse(context, status, alert) : status;
    }
    return context->fast ? unseal_fast(context, &input) : unseal_slow(context, &input);
}
