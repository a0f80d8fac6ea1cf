#include "schannel/datagram.h"

#include <sys/time.h>

#include "base/clock.h"
#include "base/random.h"
#include "crypto/openssl_errors.h"
#include "schannel/alerts.h"
#include "schannel/engine_io.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define MTU_MAXIMUM   4096 /* OpenSSL collects a flight's datagrams in so many bytes (BIO_f_buffer) */
#define RECORD_HEAD   13   /* type, version, epoch, sequence number, length (RFC 6347 4.1) */
#define FIRST_TIMEOUT 1    /* seconds (RFC 6347 4.2.4.1) */
#define LAST_TIMEOUT  60

static int make_cookie(SSL *ssl, unsigned char *out, unsigned int *out_size)
{
    struct schannel_context *context = SSL_get_app_data(ssl);
    if (context == NULL || context->dtls == NULL) {
        return 0;
    }
    struct writer writer = write_into(out, sizeof context->dtls->cookie);
    write_bytes(&writer, BYTES(context->dtls->cookie));
    *out_size = (unsigned)writer.size;
    return 1;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned int size)
{
    struct schannel_context *context = SSL_get_app_data(ssl);
    return context != NULL && context->dtls != NULL && size == sizeof context->dtls->cookie &&
           secret_equal(cookie, context->dtls->cookie, size);
}

void datagram_prepare_ctx(SSL_CTX *ssl_ctx, bool server)
{
    SSL_CTX_set_options(ssl_ctx, SSL_OP_NO_QUERY_MTU | (server ? SSL_OP_COOKIE_EXCHANGE : 0));
    if (server) {
        SSL_CTX_set_cookie_generate_cb(ssl_ctx, make_cookie);
        SSL_CTX_set_cookie_verify_cb(ssl_ctx, check_cookie);
    }
}

void datagram_set_mtu(struct schannel_context *context, uint16_t mtu)
{
    context->dtls->mtu = mtu > MTU_MAXIMUM ? MTU_MAXIMUM : mtu;
    DTLS_set_link_mtu(context->ssl, context->dtls->mtu + DATAGRAM_OVERHEAD);
}

SECURITY_STATUS datagram_prepare(struct schannel_context *context, uint16_t mtu)
{
    context->dtls = calloc(1, sizeof *context->dtls);
    REQUIRE(context->dtls != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a datagram connection");
    datagram_set_mtu(context, mtu == 0 ? DATAGRAM_MTU_DEFAULT : mtu);
    return random_bytes(context->dtls->cookie, sizeof context->dtls->cookie);
}

void datagram_fini(struct schannel_context *context)
{
    if (context->dtls != NULL) {
        secret_wipe(context->dtls, sizeof *context->dtls);
        free(context->dtls);
        context->dtls = NULL;
    }
}

/* ---------------------------------------------------------------- the queue */

struct bytes datagram_first(const struct schannel_context *context)
{
    struct bytes all = write_result(&context->outgoing);
    if (!context->datagram || all.size == 0) {
        return all;
    }
    struct reader reader = read_start(all);
    return read_bytes(&reader, read_u16be(&reader));
}

struct bytes datagram_of(const struct schannel_context *context, const struct writer *out)
{
    struct reader reader = read_start(write_result(out));
    if (context->datagram) {
        read_u16be(&reader);
    }
    return read_bytes(&reader, read_left(&reader));
}

void datagram_drop_first(struct schannel_context *context)
{
    struct writer left = {0};
    if (context->datagram && context->outgoing.size != 0) {
        left = write_growing(context->outgoing.maximum);
        struct reader reader = read_start(write_result(&context->outgoing));
        read_bytes(&reader, read_u16be(&reader));
        write_bytes(&left, read_bytes(&reader, read_left(&reader)));
    }
    write_free(&context->outgoing);
    context->outgoing = left;
}

/* ---------------------------------------------------------------- messages */

SECURITY_STATUS datagram_take(const struct buffers *message, struct protect_input *out)
{
    SecBuffer *data = NULL;
    size_t empty = 0;
    for (size_t i = 0; i < message->count; i++) {
        SecBuffer *buffer = &message->at[i];
        REQUIRE(buffer_type(buffer) != SECBUFFER_DATA || data == NULL, SEC_E_INVALID_TOKEN,
                "DecryptMessage: more than one DATA buffer");
        data = buffer_type(buffer) == SECBUFFER_DATA ? buffer : data;
        empty += buffer_type(buffer) == SECBUFFER_EMPTY;
    }
    REQUIRE(data != NULL && !buffer_is_readonly(data) && empty >= 3, SEC_E_INVALID_TOKEN,
            "DecryptMessage: not one DATA buffer and three EMPTY ones");
    struct reader reader = read_start(buffer_bytes(data));
    uint8_t type = read_u8(&reader);
    read_bytes(&reader, RECORD_HEAD - 3);
    size_t body = read_u16be(&reader);
    bool whole = !reader.bad && body <= read_left(&reader);
    size_t size = whole ? RECORD_HEAD + body : data->cbBuffer;
    *out = (struct protect_input){
        .message = message,
        .data = data,
        .record = {data->pvBuffer, size},
        .left = data->cbBuffer - size,
        .type = type,
    };
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- repeating */

/* Doubled with every repetition (RFC 6347 4.2.4.1). */
static void set_expiry(struct schannel_datagram *dtls)
{
    unsigned seconds = FIRST_TIMEOUT << (dtls->repeats < 6 ? dtls->repeats : 6);
    dtls->expiry = clock_now() + CLOCK_SECOND * (seconds < LAST_TIMEOUT ? seconds : LAST_TIMEOUT);
}

void datagram_flight_begins(struct schannel_context *context)
{
    context->dtls->repeats = 0;
    set_expiry(context->dtls);
}

/* OpenSSL repeats its flight when its timer has run out, and keeps the moment where it told our BIO to look: moving it into
 * the past is how a caller, who keeps the time himself, says that it has. */
void datagram_repeat_flight(struct schannel_context *context)
{
    struct schannel_datagram *dtls = context->dtls;
    if (dtls->timer == NULL) {
        return;
    }
    *dtls->timer = (struct timeval){.tv_sec = 1};
    openssl_errors_mark();
    int result = DTLSv1_handle_timeout(context->ssl);
    openssl_errors_forget();
    (void)result; /* nothing written, nothing sent: the caller tries again */
    dtls->repeats++;
    set_expiry(dtls);
}

uint64_t datagram_expiry(struct schannel_context *context)
{
    return context->dtls != NULL ? context->dtls->expiry : 0;
}

bool datagram_is_handshake(struct bytes datagram)
{
    struct reader reader = read_start(datagram);
    uint8_t type = read_u8(&reader);
    return !reader.bad && (type == RECORD_HANDSHAKE || type == RECORD_CHANGE_CIPHER_SPEC);
}

struct bytes datagram_without_strays(struct bytes datagram)
{
    for (;;) {
        struct reader reader = read_start(datagram);
        uint8_t type = read_u8(&reader);
        read_u16be(&reader);
        uint16_t epoch = read_u16be(&reader);
        read_bytes(&reader, RECORD_HEAD - 7);
        struct reader body = read_start(read_bytes(&reader, read_u16be(&reader)));
        bool known = type >= RECORD_CHANGE_CIPHER_SPEC && type <= RECORD_HANDSHAKE;
        bool warning = type == RECORD_ALERT && read_u8(&body) != ALERT_FATAL && read_u8(&body) != ALERT_CLOSE_NOTIFY;
        if (reader.bad || epoch != 0 || (known && !warning)) {
            return datagram;
        }
        datagram = read_bytes(&reader, read_left(&reader));
    }
}

void datagram_answer_repeat(struct schannel_context *context, struct bytes datagram)
{
    uint8_t unwanted;
    context->handshake->feed = datagram;
    openssl_errors_mark();
    int result = SSL_peek(context->ssl, &unwanted, 1);
    openssl_errors_forget();
    (void)result; /* OpenSSL writes its flight again when this was the peer's Finished (RFC 6347 4.2.4) */
    context->handshake->feed = BYTES_NONE;
}
