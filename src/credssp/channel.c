#include "credssp/channel.h"

#include "text/names.h"
#include "wire/reader.h"

/* Certificates are judged after the fact, if at all: the binding proves the key (MS-CSSP 1.3; the package's page of
 * InitializeSecurityContext: ISC_REQ_MANUAL_CRED_VALIDATION is always set).  No certificate of the client's is shown. */
#define CLIENT_FLAGS                                                                                                   \
    (ISC_REQ_STREAM | ISC_REQ_CONFIDENTIALITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT |                      \
     ISC_REQ_MANUAL_CRED_VALIDATION | ISC_REQ_USE_SUPPLIED_CREDS | ISC_REQ_EXTENDED_ERROR)
#define SERVER_FLAGS                                                                                                   \
    (ASC_REQ_STREAM | ASC_REQ_CONFIDENTIALITY | ASC_REQ_REPLAY_DETECT | ASC_REQ_SEQUENCE_DETECT |                      \
     ASC_REQ_EXTENDED_ERROR)

#define FLIGHT_MAX (1u << 18) /* handshakes may hold long chains */

static const struct package *channel_package(const struct credssp_context *context)
{
    return context->credential->tls->package;
}

/* ---------------------------------------------------------------- shaking hands */

static SECURITY_STATUS leg(struct credssp_context *context, struct bytes token, struct buffers *input)
{
    AUTO_WRITER flight = write_growing(FLIGHT_MAX);
    SecBuffer place = {.BufferType = SECBUFFER_TOKEN, .cbBuffer = 1};
    const struct buffers output = {&place, 1};
    const struct step_in in = {
        .token = token,
        .has_token = token.size != 0,
        .target = names_spn_host(context->target),
        .flags = context->base.initiator ? CLIENT_FLAGS : SERVER_FLAGS,
        .input = input,
    };
    struct step_out out = {.token = &flight, .output = &output, .expiry = CLOCK_NEVER};
    const struct package *package = channel_package(context);
    SECURITY_STATUS status = context->base.initiator
                                 ? package->initiate(context->credential->tls, &context->tls, &in, &out)
                                 : package->accept(context->credential->tls, &context->tls, &in, &out);
    write_bytes(&context->outgoing, write_result(&flight));
    TRY(status);
    TRY(write_end(&flight));
    TRY(write_end(&context->outgoing));
    return status;
}

/* What STREAM_SIZES says of the records to come. */
static SECURITY_STATUS opened(struct credssp_context *context)
{
    AUTO_ATTRIBUTE value = {0};
    struct context *tls = context->tls;
    tls->established = true;
    TRY(tls->package->query(tls, SECPKG_ATTR_STREAM_SIZES, &value));
    context->header = value.stream_sizes.header;
    context->trailer = value.stream_sizes.trailer;
    context->maximum = value.stream_sizes.maximum;
    bool one_stream = atomic_load_explicit(&tls->one_stream, memory_order_relaxed);
    atomic_store_explicit(&context->base.one_stream, one_stream, memory_order_relaxed);
    return SEC_E_OK;
}

SECURITY_STATUS channel_handshake(struct credssp_context *context, struct bytes token, size_t *out_used,
                                  size_t *out_missing)
{
    SecBuffer at[2];
    struct buffers input = {at, 2};
    SECURITY_STATUS status = SEC_I_INCOMPLETE_CREDENTIALS;
    /* A server that asks for a certificate hears that there is none: the second call says so. */
    for (int i = 0; i < 2 && status == SEC_I_INCOMPLETE_CREDENTIALS; i++) {
        at[0] = (SecBuffer){(ULONG)token.size, SECBUFFER_TOKEN, (void *)(uintptr_t)token.data};
        at[1] = (SecBuffer){0, SECBUFFER_EMPTY, NULL};
        status = leg(context, token, &input);
    }
    const SecBuffer *rest = buffers_find(&input, SECBUFFER_EXTRA);
    const SecBuffer *missing = buffers_find(&input, SECBUFFER_MISSING);
    *out_used = token.size - (rest != NULL && rest->cbBuffer <= token.size ? rest->cbBuffer : 0);
    *out_missing = missing != NULL ? missing->cbBuffer : 0;
    TRY(status);
    REQUIRE(status == SEC_E_OK || status == SEC_I_CONTINUE_NEEDED, SEC_E_ILLEGAL_MESSAGE,
            "the TLS handshake ends in something else than a channel");
    if (status == SEC_E_OK && !context->tls->established) {
        TRY(opened(context));
    }
    return status;
}

/* ---------------------------------------------------------------- records */

static SECURITY_STATUS send_record(struct credssp_context *context, struct bytes part)
{
    AUTO_WRITER room = write_growing(context->header + part.size + context->trailer);
    write_reserve(&room, room.maximum);
    uint8_t *header = write_space(&room, context->header);
    uint8_t *data = write_space(&room, part.size);
    uint8_t *trailer = write_space(&room, context->trailer);
    TRY(write_end(&room));
    struct writer content = write_into(data, part.size);
    write_bytes(&content, part);
    SecBuffer at[] = {{(ULONG)context->header, SECBUFFER_STREAM_HEADER, header},
                      {(ULONG)part.size, SECBUFFER_DATA, data},
                      {(ULONG)context->trailer, SECBUFFER_STREAM_TRAILER, trailer},
                      {0, SECBUFFER_EMPTY, NULL}};
    struct buffers message = {at, 4};
    TRY(context->tls->package->seal(context->tls, 0, &message, 0));
    for (size_t i = 0; i < 3; i++) {
        write_bytes(&context->outgoing, buffer_bytes(&at[i]));
    }
    return write_end(&context->outgoing);
}

SECURITY_STATUS channel_send(struct credssp_context *context, struct bytes message)
{
    struct reader reader = read_start(message);
    while (read_left(&reader) != 0) {
        size_t left = read_left(&reader);
        TRY(send_record(context, read_bytes(&reader, left < context->maximum ? left : context->maximum)));
    }
    return SEC_E_OK;
}

/* A peer that would shake hands once more is refused; what TLS 1.3 sends by the way (tickets, where the policy has them reported)
 * is passed over. */
static SECURITY_STATUS pass_over(struct credssp_context *context)
{
    size_t used, missing;
    SECURITY_STATUS status = channel_handshake(context, BYTES_NONE, &used, &missing);
    TRY(status);
    REQUIRE(status == SEC_E_OK, SEC_E_ILLEGAL_MESSAGE, "a TLS handshake in the middle of CredSSP (MS-CSSP 3.1.5)");
    return SEC_E_OK;
}

/* Opens the record that `rest` begins with, in place; *rest becomes what is behind it. */
static SECURITY_STATUS open_record(struct credssp_context *context, struct bytes *rest, size_t *out_missing)
{
    SecBuffer at[] = {{(ULONG)rest->size, SECBUFFER_DATA, (void *)(uintptr_t)rest->data},
                      {0, SECBUFFER_EMPTY, NULL},
                      {0, SECBUFFER_EMPTY, NULL},
                      {0, SECBUFFER_EMPTY, NULL}};
    struct buffers message = {at, 4};
    uint32_t qop;
    SECURITY_STATUS status = context->tls->package->unseal(context->tls, &message, 0, &qop);
    if (status == SEC_E_INCOMPLETE_MESSAGE) {
        const SecBuffer *missing = buffers_find(&message, SECBUFFER_MISSING);
        *out_missing = missing != NULL ? missing->cbBuffer : 0;
        return status;
    }
    if (status < 0) {
        size_t used, missing;
        SECURITY_STATUS alert = channel_handshake(context, BYTES_NONE, &used, &missing);
        (void)alert; /* the alert goes out with the step that comes; there is a better reason to fail */
        return status;
    }
    REQUIRE(status != SEC_I_CONTEXT_EXPIRED, SEC_E_CONTEXT_EXPIRED,
            "the peer closed the channel before CredSSP was through (close_notify)");
    if (status == SEC_I_RENEGOTIATE) {
        TRY(pass_over(context));
    }
    const SecBuffer *data = buffers_find(&message, SECBUFFER_DATA);
    const SecBuffer *extra = buffers_find(&message, SECBUFFER_EXTRA);
    if (data != NULL) {
        write_bytes(&context->incoming, buffer_bytes(data));
    }
    *rest = extra != NULL ? buffer_bytes(extra) : BYTES_NONE;
    REQUIRE(!context->incoming.bad || context->incoming.no_memory, SEC_E_INVALID_TOKEN,
            "TSRequest: longer than 128 KiB");
    return write_end(&context->incoming);
}

SECURITY_STATUS channel_receive(struct credssp_context *context, struct bytes token, size_t *out_used,
                                size_t *out_missing, size_t *out_size)
{
    AUTO_WRITER copy = write_growing(token.size); /* records are opened in place, and the caller's input is not ours */
    write_reserve(&copy, token.size);
    write_bytes(&copy, token);
    TRY(write_end(&copy));
    struct bytes rest = write_result(&copy);
    size_t size = 0;
    while (rest.size != 0 && (size == 0 || context->incoming.size < size)) {
        SECURITY_STATUS status = open_record(context, &rest, out_missing);
        if (status == SEC_E_INCOMPLETE_MESSAGE && rest.size != token.size) {
            break;
        }
        TRY(status);
        TRY(ts_request_size(write_result(&context->incoming), &size));
    }
    REQUIRE(size == 0 || context->incoming.size <= size, SEC_E_INVALID_TOKEN,
            "TSRequest: bytes behind it (MS-CSSP 2.2.1)");
    *out_used = token.size - rest.size;
    *out_size = size != 0 && context->incoming.size == size ? size : 0;
    return SEC_E_OK;
}

SECURITY_STATUS channel_key(struct credssp_context *context, struct bytes *out_key)
{
    struct attribute value = {0}; /* nothing in it is owned */
    TRY(context->tls->package->query(context->tls, SSPI_EXT_ATTR_SERVER_KEY, &value));
    *out_key = value.bytes;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- the session */

SECURITY_STATUS session_seal(struct credssp_context *context, struct bytes plain, struct writer *out)
{
    struct context *nego = context->nego;
    AUTO_ATTRIBUTE sizes = {0};
    TRY(nego->package->query(nego, SECPKG_ATTR_SIZES, &sizes));
    size_t trailer = sizes.sizes.security_trailer;
    AUTO_WRITER room = write_growing(trailer + plain.size);
    write_reserve(&room, room.maximum);
    uint8_t *token = write_space(&room, trailer);
    uint8_t *data = write_space(&room, plain.size);
    TRY(write_end(&room));
    struct writer content = write_into(data, plain.size);
    write_bytes(&content, plain);
    SecBuffer at[] = {{(ULONG)trailer, SECBUFFER_TOKEN, token}, {(ULONG)plain.size, SECBUFFER_DATA, data}};
    struct buffers message = {at, 2};
    TRY(nego->package->seal(nego, 0, &message, 0));
    write_bytes(out, buffer_bytes(&at[0])); /* may be less than what was announced */
    write_bytes(out, buffer_bytes(&at[1]));
    return write_end(out);
}

SECURITY_STATUS session_unseal(struct credssp_context *context, struct bytes sealed, struct writer *room,
                               struct bytes *out_plain)
{
    struct context *nego = context->nego;
    uint32_t qop = 0;
    *room = write_growing(sealed.size);
    write_reserve(room, sealed.size);
    write_bytes(room, sealed);
    TRY(write_end(room));
    SecBuffer at[] = {{(ULONG)room->size, SECBUFFER_STREAM, room->data}, {0, SECBUFFER_DATA, NULL}};
    struct buffers message = {at, 2};
    TRY(nego->package->unseal(nego, &message, 0, &qop));
    REQUIRE(qop == 0, SEC_E_MESSAGE_ALTERED, "what CredSSP seals came signed alone (MS-CSSP 3.1.5)");
    *out_plain = buffer_bytes(&at[1]);
    return SEC_E_OK;
}
