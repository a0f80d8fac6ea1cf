#include "schannel/engine_io.h"

#include <openssl/bio.h>
#include <stdatomic.h>
#include <string.h>

#include "base/auto.h"
#include "schannel/datagram.h"
#include "schannel/record_keys.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define OUTGOING_MAXIMUM (1u << 18) /* a flight with long chains */
#define FLIGHT_USUAL     2048

/* ---------------------------------------------------------------- keys as OpenSSL has them */

/* OpenSSL never sees a KeyUpdate, so it keeps the first generation's keys; while the wire has the same, that direction
 * serves both. */
static SECURITY_STATUS openssl_direction(struct schannel_context *context, bool sending, struct record_direction *fresh,
                                         struct record_direction **out)
{
    struct record_direction *wire = sending ? &context->send : &context->receive;
    const uint8_t *first = context->secrets[sending == context->base.initiator ? 0 : 1];
    size_t size = record_hash_size(context->suite->hash);
    *out = wire;
    if (wire->version == RECORD_TLS13 && !secret_equal(wire->secret, first, size)) {
        TRY(record_init_tls13(fresh, context->suite, sending, bytes_of(first, size)));
        *out = fresh;
    }
    return SEC_E_OK;
}

/* The three parts of a record that is sealed where it was opened: same cipher, same sizes. */
static struct record_room record_head(struct record_room record, const struct record_direction *direction)
{
    return (struct record_room){record.data, record_header_size(direction)};
}

static struct record_room record_tail(struct record_room record, const struct record_content *content)
{
    size_t before = (size_t)(content->data - record.data) + content->size;
    return (struct record_room){content->data + content->size, record.size - before};
}

static struct record_room record_body(const struct record_content *content)
{
    return (struct record_room){content->data, content->size};
}

SECURITY_STATUS engine_io_for_openssl(struct schannel_context *context, uint8_t type, struct bytes plaintext,
                                      struct writer *out_record)
{
    __attribute__((cleanup(record_wipe))) struct record_direction fresh = {0};
    struct record_direction *direction = NULL;
    TRY(openssl_direction(context, false, &fresh, &direction));
    size_t header = record_header_size(direction);
    size_t trailer = record_trailer_size(direction);
    AUTO_WRITER record = write_growing(header + plaintext.size + trailer);
    write_zeros(&record, header);
    write_bytes(&record, plaintext);
    write_zeros(&record, trailer);
    TRY(write_end(&record));
    TRY(record_seal_as(direction, context->openssl_received, type, (struct record_room){record.data, header},
                       (struct record_room){record.data + header, plaintext.size},
                       (struct record_room){record.data + header + plaintext.size, trailer}));
    context->openssl_received++;
    *out_record = record;
    record = (struct writer){0};
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- in */

/* The next record for OpenSSL, as it stands in the input or through the bridge. */
static SECURITY_STATUS next_record(struct schannel_context *context)
{
    struct schannel_handshake *handshake = context->handshake;
    if (!handshake->bridge_in) {
        handshake->record = context->datagram ? datagram_without_strays(handshake->feed) : handshake->feed;
        handshake->feed = BYTES_NONE;
        return SEC_E_OK;
    }
    struct record_frame frame;
    TRY(record_peek(handshake->feed, context->version, &frame, NULL));
    REQUIRE(frame.missing == 0, SEC_E_INTERNAL_ERROR, "the engine was fed half a record");
    struct reader reader = read_start(handshake->feed);
    AUTO_WRITER wire = write_growing(frame.size);
    write_bytes(&wire, read_bytes(&reader, frame.size));
    TRY(write_end(&wire));
    handshake->feed = read_bytes(&reader, read_left(&reader));
    struct record_content content;
    TRY(record_open(&context->receive, (struct record_room){wire.data, wire.size}, &content));
    write_free(&handshake->bridged);
    TRY(engine_io_for_openssl(context, content.type, bytes_of(content.data, content.size), &handshake->bridged));
    handshake->record = write_result(&handshake->bridged);
    if (content.type == RECORD_CHANGE_CIPHER_SPEC) {
        handshake->bridge_in = false; /* what follows counts from zero under the next keys, here and there */
    }
    return SEC_E_OK;
}

static int io_read(BIO *bio, char *out, int size)
{
    struct schannel_context *context = BIO_get_data(bio);
    struct schannel_handshake *handshake = context->handshake;
    BIO_clear_retry_flags(bio);
    if (handshake == NULL || out == NULL || size <= 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    if (handshake->record.size == 0 && handshake->feed.size != 0) {
        SECURITY_STATUS status = next_record(context);
        if (status < 0) {
            context->failure = status;
            return -1;
        }
    }
    if (handshake->record.size == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    struct reader reader = read_start(handshake->record);
    size_t take = (size_t)size < handshake->record.size ? (size_t)size : handshake->record.size;
    struct writer writer = write_into(out, take);
    write_bytes(&writer, read_bytes(&reader, take));
    /* One read, one datagram: what does not fit is gone. */
    handshake->record = context->datagram ? BYTES_NONE : read_bytes(&reader, read_left(&reader));
    return (int)take;
}

/* ---------------------------------------------------------------- out */

void engine_io_open(struct schannel_context *context)
{
    if (context->outgoing.maximum == 0) {
        context->outgoing = write_growing(OUTGOING_MAXIMUM);
        write_reserve(&context->outgoing, FLIGHT_USUAL);
    }
}

static int io_write(BIO *bio, const char *data, int size)
{
    struct schannel_context *context = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (size <= 0) {
        return size;
    }
    engine_io_open(context);
    if (context->datagram) {
        write_u16be(&context->outgoing, (uint16_t)size);
    }
    write_bytes(&context->outgoing, bytes_of(data, (size_t)size));
    if ((size_t)size >= sizeof context->cbc_last) {
        struct reader reader = read_start(bytes_of(data, (size_t)size));
        struct writer last = write_into(context->cbc_last, sizeof context->cbc_last);
        read_bytes(&reader, (size_t)size - sizeof context->cbc_last);
        write_bytes(&last, read_bytes(&reader, sizeof context->cbc_last));
    }
    return context->outgoing.bad ? -1 : size;
}

/* One record that OpenSSL wrote, from its sequence number to the wire's, in place. */
static SECURITY_STATUS bridge_record(struct schannel_context *context, struct record_direction *direction,
                                     struct record_room record)
{
    struct record_content content;
    TRY(record_open_as(direction, context->openssl_sent, record, &content));
    context->openssl_sent++;
    if (content.type == RECORD_CHANGE_CIPHER_SPEC) {
        context->handshake->bridge_out = false;
    }
    return record_seal(&context->send, content.type, record_head(record, &context->send), record_body(&content),
                       record_tail(record, &content));
}

/* For record_continue_nonce(): OpenSSL's Finished is its last record under the key. */
static void remember_last(struct schannel_handshake *handshake, struct bytes record)
{
    if (record.size <= sizeof handshake->last) {
        struct writer writer = write_into(handshake->last, sizeof handshake->last);
        write_bytes(&writer, record);
        handshake->last_size = writer.size;
    }
}

SECURITY_STATUS engine_io_bridge_out(struct schannel_context *context, size_t mark)
{
    struct schannel_handshake *handshake = context->handshake;
    TRY(write_end(&context->outgoing));
    if (handshake == NULL || context->datagram) {
        return SEC_E_OK;
    }
    __attribute__((cleanup(record_wipe))) struct record_direction fresh = {0};
    struct record_direction *direction = NULL;
    if (handshake->bridge_out) {
        TRY(openssl_direction(context, true, &fresh, &direction));
    }
    while (mark < context->outgoing.size) {
        struct record_room left = {context->outgoing.data + mark, context->outgoing.size - mark};
        struct record_frame frame;
        TRY(record_peek(bytes_of(left.data, left.size), 0, &frame, NULL));
        REQUIRE(frame.size != 0 && frame.missing == 0, SEC_E_INTERNAL_ERROR, "OpenSSL wrote half a record");
        if (handshake->bridge_out) {
            TRY(bridge_record(context, direction, (struct record_room){left.data, frame.size}));
        } else {
            remember_last(handshake, bytes_of(left.data, frame.size));
        }
        mark += frame.size;
    }
    return SEC_E_OK;
}

static long io_ctrl(BIO *bio, int command, long number, void *pointer)
{
    struct schannel_context *context = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return context->dtls != NULL ? context->dtls->mtu : 0;
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
        return DATAGRAM_OVERHEAD;
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT: /* a pointer to the moment that OpenSSL keeps (datagram.c) */
        if (context->dtls != NULL) {
            context->dtls->timer = pointer;
        }
        return 0;
    default:
        return 0;
    }
}

/* ---------------------------------------------------------------- the method */

static int io_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

/* Made once and kept; two first calls at once make two and keep one, without a lock that a fork could find held. */
static BIO_METHOD *io_method(void)
{
    static _Atomic(BIO_METHOD *) kept;
    BIO_METHOD *method = atomic_load_explicit(&kept, memory_order_acquire);
    if (method != NULL) {
        return method;
    }
    BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sspi");
    if (made == NULL || !BIO_meth_set_read(made, io_read) || !BIO_meth_set_write(made, io_write) ||
        !BIO_meth_set_ctrl(made, io_ctrl) || !BIO_meth_set_create(made, io_create)) {
        BIO_meth_free(made);
        return NULL;
    }
    if (!atomic_compare_exchange_strong(&kept, &method, made)) {
        BIO_meth_free(made);
        return method;
    }
    return made;
}

SECURITY_STATUS engine_io_attach(struct schannel_context *context)
{
    BIO_METHOD *method = io_method();
    BIO *bio = method != NULL ? BIO_new(method) : NULL;
    REQUIRE(bio != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a connection");
    BIO_set_data(bio, context);
    SSL_set_bio(context->ssl, bio, bio);
    return SEC_E_OK;
}
