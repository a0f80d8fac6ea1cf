/* MakeSignature and its sisters.  By SASL they sign and seal messages (RFC 2831 2.3 and 2.4); by HTTP they make and verify
 * what goes with a further request: MakeSignature a client's next response, VerifySignature checks it; and in the other
 * direction Authentication-Info (RFC 7616 3.5), which Windows has not got.
 */
#include <string.h>

#include "digest/request.h"

static SECURITY_STATUS require_established(const struct digest_context *context)
{
    REQUIRE(context->base.established && context->state == DIGEST_STATE_DONE, SEC_E_OUT_OF_SEQUENCE,
            "this context is not established: no message can be signed or sealed yet");
    return SEC_E_OK;
}

static SECURITY_STATUS require_layer(const struct digest_context *context)
{
    TRY(require_established(context));
    REQUIRE(context->send != NULL, SEC_E_QOP_NOT_SUPPORTED,
            "no security layer was negotiated: the context authenticates only (RFC 2831 2.1.2, qop)");
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- HTTP */

struct parameters {
    struct bytes method, uri;
    struct digest_text entity;
};

static SECURITY_STATUS read_parameters(const struct digest_context *context, const struct buffers *message,
                                       struct parameters *out)
{
    out->method = digest_parameter(message, 0);
    out->uri = digest_parameter(message, 1);
    out->entity.size = 0;
    if (context->qop != DIGEST_QOP_INT) {
        return SEC_E_OK;
    }
    return digest_entity(context->algorithm.hash, digest_parameter(message, 2), message, &out->entity);
}

static SECURITY_STATUS put_info(struct digest_context *context, const struct parameters *parameters, struct writer *out)
{
    struct digest_question question;
    struct digest_text proof;
    struct bytes strings[DIGEST_TEXTS];
    char count[8], next[DIGEST_NONCE_SIZE];
    bool renew = digest_nonce_is_old(digest_string(context, DIGEST_TEXT_NONCE));
    digest_question_of(context, &question);
    digest_count_text(context->answered, count);
    question.nc = bytes_of(count, sizeof count);
    if (!digest_same_resource(parameters->uri, question.uri)) { /* as the client wrote it, or of another request */
        question.uri = parameters->uri;
    }
    question.entity = digest_text_bytes(&parameters->entity);
    digest_rspauth(&question, &context->session_key, &proof);
    const char *qop = digest_qop_name(context->qop);
    struct digest_list list = digest_list_start(out);
    digest_put_token(&list, "qop", bytes_of(qop, strlen(qop)));
    digest_put_quoted(&list, "rspauth", digest_text_bytes(&proof));
    digest_put_quoted(&list, "cnonce", question.cnonce);
    digest_put_token(&list, "nc", question.nc);
    if (renew) {
        TRY(digest_nonce_make(DIGEST_NONCE_HTTP, next));
        digest_put_quoted(&list, "nextnonce", bytes_of(next, sizeof next));
    }
    TRY(digest_list_end(&list));
    if (renew) {
        digest_strings_get(context, strings);
        strings[DIGEST_TEXT_NONCE] = bytes_of(next, sizeof next);
        TRY(digest_strings_set(context, strings));
        context->count = 0;
    }
    return SEC_E_OK;
}

/* Authentication-Info at the client: the server's proof for the last request, and perhaps the next nonce. */
static SECURITY_STATUS take_info(struct digest_context *context, struct bytes token,
                                 const struct parameters *parameters)
{
    uint8_t memory[DIGEST_MAX_INPUT];
    struct writer room = write_into(memory, sizeof memory);
    struct digest_directives sent;
    struct digest_question question;
    struct digest_text proof;
    struct bytes strings[DIGEST_TEXTS];
    uint32_t told = 0;
    char count[8];
    REQUIRE(token.size <= sizeof memory, SEC_E_INVALID_TOKEN, "Digest: an Authentication-Info of more than 8 KiB");
    TRY(digest_parse_one(token, false, &room, &sent));
    REQUIRE(digest_has(&sent, DIGEST_RSPAUTH), SEC_E_QOP_NOT_SUPPORTED,
            "Digest: the server proves nothing: there is no rspauth in Authentication-Info (RFC 7616 3.5)");
    digest_question_of(context, &question);
    digest_count_text(context->count, count);
    question.nc = bytes_of(count, sizeof count);
    question.uri = parameters->uri;
    question.entity = digest_text_bytes(&parameters->entity);
    digest_rspauth(&question, &context->session_key, &proof);
    REQUIRE(digest_text_equal(&proof, sent.value[DIGEST_RSPAUTH]), SEC_E_MESSAGE_ALTERED,
            "the server does not know the password, or its answer was altered: rspauth is wrong (RFC 7616 3.5)");
    bool same_cnonce = !digest_has(&sent, DIGEST_CNONCE) || digest_same(sent.value[DIGEST_CNONCE], question.cnonce);
    bool same_count =
        !digest_has(&sent, DIGEST_NC) || (digest_count_read(sent.value[DIGEST_NC], &told) && told == context->count);
    REQUIRE(same_cnonce && same_count, SEC_E_MESSAGE_ALTERED,
            "Authentication-Info is for another request: cnonce or nc (RFC 7616 3.5)");
    if (digest_has(&sent, DIGEST_NEXTNONCE) && sent.value[DIGEST_NEXTNONCE].size != 0) {
        digest_strings_get(context, strings);
        strings[DIGEST_TEXT_NONCE] = sent.value[DIGEST_NEXTNONCE];
        TRY(digest_strings_set(context, strings));
        context->count = 0;
    }
    return SEC_E_OK;
}

static SECURITY_STATUS sign_http(struct digest_context *context, struct buffers *message)
{
    struct parameters parameters;
    SecBuffer *place = buffers_find(message, SECBUFFER_PADDING);
    REQUIRE(place != NULL && place->pvBuffer != NULL, SEC_E_INVALID_TOKEN,
            "no SECBUFFER_PADDING to receive the response (MakeSignature (Digest))");
    TRY(read_parameters(context, message, &parameters));
    struct writer writer = write_into(place->pvBuffer, place->cbBuffer);
    if (context->base.initiator) {
        TRY(digest_next_response(context, parameters.method, parameters.uri, digest_text_bytes(&parameters.entity),
                                 &writer));
    } else {
        TRY(put_info(context, &parameters, &writer));
    }
    place->cbBuffer = (ULONG)writer.size;
    return SEC_E_OK;
}

static SECURITY_STATUS verify_http(struct digest_context *context, struct buffers *message)
{
    struct parameters parameters;
    const SecBuffer *token = buffers_find(message, SECBUFFER_TOKEN);
    REQUIRE(token != NULL, SEC_E_INVALID_TOKEN, "no SECBUFFER_TOKEN with the response (VerifySignature (Digest))");
    TRY(read_parameters(context, message, &parameters));
    if (context->base.initiator) {
        return take_info(context, buffer_bytes(token), &parameters);
    }
    return digest_next_request(context, buffer_bytes(token), parameters.method, parameters.uri,
                               digest_text_bytes(&parameters.entity), true);
}

/* ---------------------------------------------------------------- SASL */

static size_t collect_data(const struct buffers *message, const SecBuffer *except, struct digest_piece *out)
{
    size_t count = 0;
    for (size_t i = 0; i < message->count; i++) {
        SecBuffer *buffer = &message->at[i];
        if (buffer_type(buffer) == SECBUFFER_DATA && buffer != except) {
            out[count++] = (struct digest_piece){buffer->pvBuffer, buffer->cbBuffer};
        }
    }
    return count;
}

static size_t size_of(const struct digest_piece *pieces, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += pieces[i].size;
    }
    return size;
}

/* Where padding and MAC go: PADDING, STREAM_TRAILER, TOKEN, or a last DATA behind another one (the two pages of
 * EncryptMessage (Digest) disagree). */
static SecBuffer *find_trailer(const struct buffers *message)
{
    static const uint32_t types[] = {SECBUFFER_PADDING, SECBUFFER_STREAM_TRAILER, SECBUFFER_TOKEN};
    SecBuffer *first = NULL, *last = NULL;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        SecBuffer *found = buffers_find(message, types[i]);
        if (found != NULL && found->cbBuffer != 0) {
            return found;
        }
    }
    for (size_t i = 0; i < message->count; i++) {
        if (buffer_type(&message->at[i]) == SECBUFFER_DATA) {
            first = first == NULL ? &message->at[i] : first;
            last = &message->at[i];
        }
    }
    return last != first ? last : NULL;
}

/* A message without encryption goes through the same counters (RFC 2831 2.3). */
static void seal_pieces(struct digest_layer *layer, bool encrypt, const struct digest_piece *pieces, size_t count,
                        uint8_t *trailer)
{
    unsigned cipher = layer->cipher;
    layer->cipher = encrypt ? cipher : 0;
    digest_layer_seal(layer, pieces, count, trailer);
    layer->cipher = cipher;
}

static SECURITY_STATUS send_message(struct digest_context *context, bool encrypt, SecBuffer *place,
                                    struct buffers *message)
{
    struct digest_piece pieces[DIGEST_PIECES_MAX];
    size_t count = collect_data(message, place, pieces), size = size_of(pieces, count);
    size_t trailer = encrypt ? digest_layer_trailer(context->send, size) : DIGEST_TRAILER_SIZE;
    REQUIRE(place->cbBuffer >= trailer, SEC_E_BUFFER_TOO_SMALL,
            "no room for padding and signature: cbMaxSignature + cbBlockSize bytes (EncryptMessage (Digest))");
    REQUIRE(size + trailer <= context->send_limit, SEC_E_BUFFER_TOO_SMALL,
            "the message is larger than the peer takes (RFC 2831 2.1.2, maxbuf)");
    seal_pieces(context->send, encrypt, pieces, count, place->pvBuffer);
    place->cbBuffer = (ULONG)trailer;
    return SEC_E_OK;
}

SECURITY_STATUS digest_sign(struct context *base, uint32_t qop, struct buffers *message, uint32_t sequence)
{
    struct digest_context *context = (struct digest_context *)base;
    (void)sequence; /* the context counts by itself */
    REQUIRE(qop == 0, SEC_E_QOP_NOT_SUPPORTED, "Digest signs with one quality of protection only (fQOP 0)");
    TRY(require_established(context));
    if (context->http) {
        return sign_http(context, message);
    }
    TRY(require_layer(context));
    SecBuffer *token = buffers_find(message, SECBUFFER_TOKEN);
    REQUIRE(token != NULL, SEC_E_INVALID_TOKEN, "no SECBUFFER_TOKEN for the signature");
    return send_message(context, false, token, message);
}

SECURITY_STATUS digest_seal(struct context *base, uint32_t qop, struct buffers *message, uint32_t sequence)
{
    struct digest_context *context = (struct digest_context *)base;
    (void)sequence;
    REQUIRE(qop == 0 || qop == SECQOP_WRAP_NO_ENCRYPT, SEC_E_QOP_NOT_SUPPORTED,
            "fQOP is neither 0 nor SECQOP_WRAP_NO_ENCRYPT");
    REQUIRE(!context->http, SEC_E_UNSUPPORTED_FUNCTION, "Digest seals nothing by HTTP (EncryptMessage (Digest))");
    TRY(require_layer(context));
    REQUIRE((qop == 0) == (context->cipher != 0), SEC_E_QOP_NOT_SUPPORTED,
            "auth-conf encrypts every message and auth-int none (RFC 2831 2.3 and 2.4)");
    SecBuffer *place = find_trailer(message);
    REQUIRE(place != NULL && buffers_find(message, SECBUFFER_DATA) != NULL, SEC_E_INVALID_TOKEN,
            "encryption needs SECBUFFER_DATA, and SECBUFFER_PADDING behind it (EncryptMessage (Digest))");
    return send_message(context, true, place, message);
}

/* DATA buffers and, when it is apart, the trailer; `*out_size` bytes of text stand at their front. */
static SECURITY_STATUS receive_message(struct digest_context *context, bool encrypted, const struct buffers *message,
                                       const SecBuffer *trailer, size_t *out_size)
{
    struct digest_piece pieces[DIGEST_PIECES_MAX + 1];
    struct digest_layer *layer = context->receive;
    size_t count = collect_data(message, trailer, pieces);
    pieces[count++] = (struct digest_piece){trailer->pvBuffer, trailer->cbBuffer};
    unsigned cipher = layer->cipher;
    layer->cipher = encrypted ? cipher : 0;
    SECURITY_STATUS status = digest_layer_open(layer, pieces, count, out_size);
    layer->cipher = cipher;
    return status;
}

SECURITY_STATUS digest_verify(struct context *base, struct buffers *message, uint32_t sequence, uint32_t *qop)
{
    struct digest_context *context = (struct digest_context *)base;
    size_t size = 0;
    struct digest_piece pieces[DIGEST_PIECES_MAX];
    (void)sequence;
    (void)qop; /* left alone, as by NTLM */
    TRY(require_established(context));
    if (context->http) {
        return verify_http(context, message);
    }
    TRY(require_layer(context));
    const SecBuffer *token = buffers_find(message, SECBUFFER_TOKEN);
    REQUIRE(token != NULL, SEC_E_INVALID_TOKEN, "no SECBUFFER_TOKEN with the signature");
    REQUIRE(token->cbBuffer == DIGEST_TRAILER_SIZE, SEC_E_MESSAGE_ALTERED,
            "a signature is 16 bytes: MAC, type and number (RFC 2831 2.3)");
    TRY(receive_message(context, false, message, token, &size));
    REQUIRE(size == size_of(pieces, collect_data(message, NULL, pieces)), SEC_E_MESSAGE_ALTERED,
            "the signature is of a message of another size");
    return SEC_E_OK;
}

/* A whole packet in one buffer; the text's place goes to an empty DATA, or the buffer itself shrinks. */
static SECURITY_STATUS unseal_whole(struct digest_context *context, struct buffers *message, SecBuffer *packet)
{
    struct digest_piece piece = {packet->pvBuffer, packet->cbBuffer};
    SecBuffer *data = NULL;
    size_t size = 0;
    for (size_t i = 0; i < message->count && data == NULL; i++) {
        bool other = &message->at[i] != packet && buffer_type(&message->at[i]) == SECBUFFER_DATA;
        data = other ? &message->at[i] : NULL;
    }
    REQUIRE(data != NULL || buffer_type(packet) == SECBUFFER_DATA, SEC_E_INVALID_TOKEN,
            "no SECBUFFER_DATA to receive the message");
    TRY(digest_layer_open(context->receive, &piece, 1, &size));
    if (data != NULL) {
        data->pvBuffer = piece.data;
        data->cbBuffer = (ULONG)size;
    } else {
        packet->cbBuffer = (ULONG)size;
    }
    return SEC_E_OK;
}

/* The padding may lie in either part: what it takes is taken off the last DATA. */
static SECURITY_STATUS unseal_parts(struct digest_context *context, struct buffers *message, SecBuffer *trailer)
{
    struct digest_piece pieces[DIGEST_PIECES_MAX];
    size_t size = 0, before = size_of(pieces, collect_data(message, trailer, pieces));
    TRY(receive_message(context, true, message, trailer, &size));
    REQUIRE(size <= before, SEC_E_MESSAGE_ALTERED, "a part of the message's text is in its trailer");
    for (size_t i = message->count; i-- > 0 && size < before;) {
        SecBuffer *buffer = &message->at[i];
        if (buffer_type(buffer) == SECBUFFER_DATA && buffer != trailer) {
            size_t less = before - size < buffer->cbBuffer ? before - size : buffer->cbBuffer;
            buffer->cbBuffer -= (ULONG)less;
            before -= less;
        }
    }
    return SEC_E_OK;
}

SECURITY_STATUS digest_unseal(struct context *base, struct buffers *message, uint32_t sequence, uint32_t *qop)
{
    struct digest_context *context = (struct digest_context *)base;
    (void)sequence;
    REQUIRE(!context->http, SEC_E_UNSUPPORTED_FUNCTION, "Digest seals nothing by HTTP (DecryptMessage (Digest))");
    TRY(require_layer(context));
    SecBuffer *stream = buffers_find(message, SECBUFFER_STREAM);
    SecBuffer *data = buffers_find(message, SECBUFFER_DATA);
    SecBuffer *trailer = find_trailer(message);
    bool apart = trailer != NULL && trailer != data && trailer->cbBuffer != 0;
    REQUIRE(stream != NULL || data != NULL, SEC_E_INVALID_TOKEN, "no SECBUFFER_DATA or SECBUFFER_STREAM to decrypt");
    if (stream == NULL && apart) {
        TRY(unseal_parts(context, message, trailer));
    } else {
        TRY(unseal_whole(context, message, stream != NULL ? stream : data));
    }
    *qop = context->cipher != 0 ? 0 : SECQOP_WRAP_NO_ENCRYPT;
    return SEC_E_OK;
}
