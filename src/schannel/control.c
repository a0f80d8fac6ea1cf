#include "schannel/control.h"

#include "windows.h"

#include "base/auto.h"
#include "crypto/openssl_errors.h"
#include "schannel.h"
#include "schannel/alert_cbc.h"
#include "schannel/alerts.h"
#include "schannel/engine_io.h"
#include "schannel/psk.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define VERSION_OF_EARLY_RECORDS 0x0301 /* RFC 8446 5.1 */
#define HANDSHAKE_KEY_UPDATE     24
#define SMALL_RECORD             64

/* A short record of ours behind whatever waits in context->outgoing. */
static SECURITY_STATUS put_record(struct schannel_context *context, uint8_t type, struct bytes content)
{
    engine_io_open(context);
    size_t header = record_header_size(&context->send);
    size_t trailer = record_trailer_size(&context->send);
    uint8_t record[SMALL_RECORD];
    struct writer writer = write_into(record, sizeof record);
    write_zeros(&writer, header);
    write_bytes(&writer, content);
    write_zeros(&writer, trailer);
    TRY(write_end(&writer));
    TRY(record_seal(&context->send, type, (struct record_room){record, header},
                    (struct record_room){record + header, content.size},
                    (struct record_room){record + header + content.size, trailer}));
    write_bytes(&context->outgoing, write_result(&writer));
    return write_end(&context->outgoing);
}

static SECURITY_STATUS put_plain_alert(struct schannel_context *context)
{
    struct writer *out = &context->outgoing;
    engine_io_open(context);
    if (context->datagram) {
        write_u16be(out, 15);
    }
    write_u8(out, RECORD_ALERT);
    write_u16be(out, context->datagram ? DTLS1_VERSION : VERSION_OF_EARLY_RECORDS);
    if (context->datagram) {
        write_zeros(out, 8); /* epoch and sequence number */
    }
    write_u16be(out, sizeof context->control_alert);
    write_bytes(out, BYTES(context->control_alert));
    return write_end(out);
}

/* OpenSSL has no way to send another alert than this (alert_cbc.h). */
static SECURITY_STATUS openssl_close(struct schannel_context *context)
{
    engine_io_open(context);
    openssl_errors_mark();
    int result = SSL_shutdown(context->ssl);
    openssl_errors_forget();
    TRY(write_end(&context->outgoing)); /* the usual reason */
    REQUIRE(result >= 0, SEC_E_INTERNAL_ERROR, "OpenSSL did not close the connection");
    return SEC_E_OK;
}

SECURITY_STATUS control_send(struct schannel_context *context)
{
    context->control = false;
    if (!context->completed) {
        return put_plain_alert(context);
    }
    if (context->fast) {
        TRY(put_record(context, RECORD_ALERT, BYTES(context->control_alert)));
    } else {
        bool closes = context->control_alert[1] == ALERT_CLOSE_NOTIFY || !alert_cbc_possible(context);
        TRY(closes ? openssl_close(context) : alert_cbc_put(context, context->control_alert));
    }
    if (context->control_alert[0] == ALERT_FATAL) {
        schannel_enter(context, SCHANNEL_FAILED);
    }
    if (context->control_alert[0] == ALERT_FATAL || context->control_alert[1] == ALERT_CLOSE_NOTIFY) {
        context->send_closed = true;
    }
    return SEC_E_OK;
}

SECURITY_STATUS control_key_update(struct schannel_context *context)
{
    static const uint8_t not_requested[] = {HANDSHAKE_KEY_UPDATE, 0, 0, 1, 0};
    bool due = atomic_exchange_explicit(&context->update_due, false, memory_order_relaxed);
    if (!due || context->send_closed) { /* nothing is said behind close_notify (RFC 8446 6.1) */
        return SEC_E_OK;
    }
    TRY(put_record(context, RECORD_HANDSHAKE, BYTES(not_requested)));
    return record_update(&context->send);
}

void control_queue_alert(struct schannel_context *context, uint8_t level, uint8_t description)
{
    context->control = true;
    context->control_alert[0] = level;
    context->control_alert[1] = description;
}

/* ---------------------------------------------------------------- ApplyControlToken */

static SECURITY_STATUS take_alert(struct schannel_context *context, struct reader *reader)
{
    uint32_t level = read_u32le(reader);
    uint32_t number = read_u32le(reader);
    REQUIRE(!reader->bad && (level == ALERT_WARNING || level == ALERT_FATAL) && number <= UINT8_MAX,
            SEC_E_INVALID_TOKEN, "SCHANNEL_ALERT_TOKEN: no such alert (RFC 8446 6)");
    bool closes = level == ALERT_WARNING && number == ALERT_CLOSE_NOTIFY;
    bool possible = !context->completed || context->fast || (level == ALERT_FATAL && alert_cbc_possible(context));
    REQUIRE(closes || possible, SEC_E_UNSUPPORTED_FUNCTION,
            "SCHANNEL_ALERT_TOKEN: under DTLS only close_notify can be sent, under a suite that is no AEAD no other "
            "warning");
    control_queue_alert(context, (uint8_t)level, (uint8_t)number);
    return SEC_E_OK;
}

/* A client's cache: what it was not to have when the handshake ended, it gets now. */
static void keep_own_session(struct schannel_context *context)
{
    SSL_SESSION *session = SSL_get1_session(context->ssl);
    bool good = session != NULL && SSL_SESSION_is_resumable(session) == 1;
    if (good) {
        schannel_sessions_put(context->credential->sessions, context->target, context->trusted, context->peer_since,
                              session);
    } else {
        SSL_SESSION_free(session);
    }
}

static SECURITY_STATUS take_session(struct schannel_context *context, struct reader *reader)
{
    uint32_t flags = read_u32le(reader);
    REQUIRE(context->moved == NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "SCHANNEL_SESSION_TOKEN: the session of a connection that was imported is not here");
    REQUIRE(!reader->bad && (flags == SSL_SESSION_ENABLE_RECONNECTS || flags == SSL_SESSION_DISABLE_RECONNECTS),
            SEC_E_INVALID_TOKEN, "SCHANNEL_SESSION_TOKEN: dwFlags is neither of its two");
    bool before = context->session_wanted;
    context->session_token = true;
    context->session_wanted = flags == SSL_SESSION_ENABLE_RECONNECTS && !psk_only(context->credential);
    if (!context->base.initiator) {
        tickets_allow(context);
    } else if (!context->session_wanted) {
        schannel_sessions_forget(context->credential->sessions, context->target);
    } else if (!before && context->completed) {
        keep_own_session(context);
    }
    return SEC_E_OK;
}

SECURITY_STATUS schannel_apply_token(struct context *base, const struct buffers *message)
{
    struct schannel_context *context = (struct schannel_context *)base;
    REQUIRE(message->count == 1 && buffer_type(&message->at[0]) == SECBUFFER_TOKEN, SEC_E_INVALID_TOKEN,
            "ApplyControlToken: not exactly one TOKEN buffer");
    struct reader reader = read_start(buffer_bytes(&message->at[0]));
    uint32_t type = read_u32le(&reader);
    REQUIRE(!reader.bad, SEC_E_UNSUPPORTED_FUNCTION, "ApplyControlToken: shorter than a token's type");
    switch (type) {
    case SCHANNEL_SHUTDOWN:
        control_queue_alert(context, ALERT_WARNING, ALERT_CLOSE_NOTIFY);
        return SEC_E_OK;
    case SCHANNEL_ALERT:
        return take_alert(context, &reader);
    case SCHANNEL_SESSION:
        return take_session(context, &reader);
    default:
        FAIL(SEC_E_UNSUPPORTED_FUNCTION, "ApplyControlToken: no such token (schannel.h)");
    }
}
