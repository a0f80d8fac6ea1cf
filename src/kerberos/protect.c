/* Signing and sealing: SSPI's buffer layouts on top of cfx.h and rc4_token.h.
 *
 *   TOKEN + DATA... [+ PADDING]   what is sent is TOKEN | DATA | PADDING, whose sizes are reduced to what was used; together
 *                                 a token of GSS_Wrap
 *   STREAM + empty DATA           a whole token in; DATA receives a pointer into it
 *   DATA without attributes is encrypted; READONLY_WITH_CHECKSUM is only covered by the MAC; READONLY takes no part (MS-KILE
 *   3.4.5.4)
 *
 * Buffers may stand in any order.  A message that does not verify leaves data and numbers as they were.
 */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "kerberos/context.h"

#define PARTS_MAX (BUFFERS_MAX + 2)

/* ---------------------------------------------------------------- keys */

void kerberos_direction_free(const struct kerberos_context *context, struct kerberos_direction *direction)
{
    if (direction->cfx == NULL) {
        return;
    }
    if (context->profile != NULL) {
        cfx_keys_wipe(direction->cfx);
        free(direction->cfx);
    } else {
        rc4_keys_wipe(direction->rc4);
        free(direction->rc4);
    }
    direction->cfx = NULL;
}

static struct bytes base_key(const struct kerberos_context *context)
{
    return bytes_of(context->key.bytes, context->key.size);
}

/* The acceptor sends from the acceptor; what a side receives is the other's. */
static bool from_acceptor(const struct kerberos_context *context, bool sending)
{
    return context->base.initiator != sending;
}

static SECURITY_STATUS prepare(struct kerberos_context *context, bool sending)
{
    struct kerberos_direction *direction = sending ? &context->send : &context->receive;
    if (__builtin_expect(direction->cfx != NULL, 1)) {
        return SEC_E_OK;
    }
    if (context->profile != NULL) {
        direction->cfx = malloc(sizeof *direction->cfx);
        REQUIRE(direction->cfx != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a session's keys");
        cfx_keys_init(direction->cfx, context->profile, from_acceptor(context, sending), sending);
    } else {
        direction->rc4 = malloc(sizeof *direction->rc4);
        REQUIRE(direction->rc4 != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a session's keys");
        rc4_keys_init(direction->rc4, base_key(context));
    }
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- what both directions check */

static SECURITY_STATUS begin_message(struct kerberos_context *context, bool sending)
{
    REQUIRE(context->base.established, SEC_E_OUT_OF_SEQUENCE,
            "this context is not established: no message can be signed or sealed yet");
    REQUIRE(clock_now() < context->expiry, SEC_E_CONTEXT_EXPIRED,
            "the ticket of this session has expired (RFC 4121 2)");
    return prepare(context, sending);
}

struct parts {
    struct message_part at[PARTS_MAX];
    size_t count;
    size_t data_size; /* of those that are secret */
    bool covered;     /* there are parts that the MAC alone covers */
};

static void collect(const struct buffers *message, struct parts *out)
{
    out->count = 0;
    out->data_size = 0;
    out->covered = false;
    for (size_t i = 0; i < message->count; i++) {
        const SecBuffer *buffer = &message->at[i];
        bool readonly = ((uint32_t)buffer->BufferType & SECBUFFER_READONLY) != 0;
        if (buffer_type(buffer) == SECBUFFER_DATA && !readonly) {
            bool covered = ((uint32_t)buffer->BufferType & SECBUFFER_READONLY_WITH_CHECKSUM) != 0;
            out->at[out->count] = (struct message_part){buffer->pvBuffer, buffer->cbBuffer, !covered};
            out->count++;
            out->data_size += covered ? 0 : buffer->cbBuffer;
            out->covered = out->covered || covered;
        }
    }
}

static uint8_t header_flags(const struct kerberos_context *context)
{
    return (uint8_t)((context->base.initiator ? 0 : CFX_FROM_ACCEPTOR) |
                     (context->acceptor_subkey ? CFX_ACCEPTOR_SUBKEY : 0));
}

/* Connections count by themselves; a datagram's number is the caller's (MessageSeqNo). */
static uint64_t number_to_send(const struct kerberos_context *context, uint32_t sequence)
{
    return context->send.number + (context->datagram ? sequence : 0);
}

static void sent(struct kerberos_context *context)
{
    context->send.number += context->datagram ? 0 : 1;
}

static SECURITY_STATUS find_token(const struct buffers *message, size_t size, SecBuffer **out)
{
    SecBuffer *token = buffers_find(message, SECBUFFER_TOKEN);
    REQUIRE(token != NULL, SEC_E_INVALID_TOKEN, "no SECBUFFER_TOKEN for what is put before the data");
    REQUIRE(token->cbBuffer >= size, SEC_E_BUFFER_TOO_SMALL,
            "SECBUFFER_TOKEN is smaller than what is put before the data (cbMaxSignature, cbSecurityTrailer)");
    *out = token;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- MakeSignature, VerifySignature */

SECURITY_STATUS kerberos_sign(struct context *base, uint32_t qop, struct buffers *message, uint32_t sequence)
{
    struct kerberos_context *context = (struct kerberos_context *)base;
    SecBuffer *token = NULL;
    struct parts parts;
    TRY(begin_message(context, true));
    REQUIRE(qop == 0, SEC_E_QOP_NOT_SUPPORTED, "Kerberos signs with one quality of protection only (fQOP 0)");
    REQUIRE((context->flags & AP_FLAG_INTEGRITY) != 0, SEC_E_UNSUPPORTED_FUNCTION,
            "signing was not negotiated for this context (ISC_REQ_NO_INTEGRITY)");
    size_t size = context->profile != NULL ? cfx_mic_size(context->profile) : RC4_MIC_SIZE;
    TRY(find_token(message, size, &token));
    collect(message, &parts);
    uint64_t number = number_to_send(context, sequence);
    if (context->profile != NULL) {
        struct cfx_header header = {.flags = header_flags(context), .sequence = number};
        TRY(cfx_mic(context->send.cfx, base_key(context), &header, parts.at, parts.count, token->pvBuffer));
    } else {
        struct rc4_header header = {.from_acceptor = !base->initiator, .sequence = (uint32_t)number};
        rc4_mic(context->send.rc4, &header, parts.at, parts.count, token->pvBuffer);
    }
    token->cbBuffer = (ULONG)size;
    sent(context);
    return SEC_E_OK;
}

SECURITY_STATUS kerberos_verify(struct context *base, struct buffers *message, uint32_t sequence, uint32_t *qop)
{
    struct kerberos_context *context = (struct kerberos_context *)base;
    struct parts parts;
    (void)sequence;
    TRY(begin_message(context, false));
    SecBuffer *token = buffers_find(message, SECBUFFER_TOKEN);
    REQUIRE(token != NULL, SEC_E_INVALID_TOKEN, "no SECBUFFER_TOKEN with the signature");
    collect(message, &parts);
    uint64_t number = 0;
    if (context->profile != NULL) {
        struct cfx_header header;
        TRY(cfx_mic_header(context->receive.cfx, buffer_bytes(token), &header));
        number = header.sequence;
        TRY(cfx_mic_check(context->receive.cfx, base_key(context), parts.at, parts.count, buffer_bytes(token)));
    } else {
        uint32_t narrow = 0;
        TRY(rc4_mic_check(context->receive.rc4, from_acceptor(context, false), parts.at, parts.count,
                          buffer_bytes(token), &narrow));
        number = narrow;
    }
    TRY(sequence_check(&context->sequence, number));
    sequence_accept(&context->sequence, number);
    if (qop != NULL) {
        *qop = 0;
    }
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- EncryptMessage */

static SECURITY_STATUS seal_cfx(struct kerberos_context *context, bool encrypt, const struct parts *parts,
                                uint64_t number, struct buffers *message)
{
    SecBuffer *token = NULL;
    struct cfx_header header = {.flags = header_flags(context), .sequence = number};
    size_t size = encrypt ? cfx_sealed_size(context->profile, context->dce) : cfx_mic_size(context->profile);
    TRY(find_token(message, size, &token));
    if (encrypt) {
        TRY(cfx_seal(context->send.cfx, base_key(context), &header, context->dce, parts->at, parts->count,
                     token->pvBuffer));
    } else {
        TRY(cfx_wrap(context->send.cfx, base_key(context), &header, parts->at, parts->count, token->pvBuffer));
    }
    token->cbBuffer = (ULONG)size;
    SecBuffer *padding = buffers_find(message, SECBUFFER_PADDING);
    if (padding != NULL) {
        padding->cbBuffer = 0;
    }
    return SEC_E_OK;
}

/* Outside of DCE style one byte of padding goes behind the data, and there must be a place for it. */
static SECURITY_STATUS seal_rc4(struct kerberos_context *context, bool encrypt, const struct parts *parts,
                                uint64_t number, struct buffers *message)
{
    SecBuffer *token = NULL;
    SecBuffer *padding = buffers_find(message, SECBUFFER_PADDING);
    struct rc4_header header = {
        .from_acceptor = !context->base.initiator, .sealed = encrypt, .sequence = (uint32_t)number};
    size_t size = rc4_wrap_size(parts->data_size, context->dce);
    TRY(find_token(message, size, &token));
    REQUIRE(context->dce || (padding != NULL && padding->cbBuffer >= 1), SEC_E_BUFFER_TOO_SMALL,
            "no SECBUFFER_PADDING for the byte that RC4 tokens end with (cbBlockSize; RFC 4757 7.3)");
    TRY(rc4_wrap(context->send.rc4, &header, parts->at, parts->count, context->dce ? NULL : padding->pvBuffer,
                 token->pvBuffer));
    token->cbBuffer = (ULONG)size;
    if (padding != NULL) {
        padding->cbBuffer = context->dce ? 0 : 1;
    }
    return SEC_E_OK;
}

SECURITY_STATUS kerberos_seal(struct context *base, uint32_t qop, struct buffers *message, uint32_t sequence)
{
    struct kerberos_context *context = (struct kerberos_context *)base;
    struct parts parts;
    bool encrypt = qop == 0;
    TRY(begin_message(context, true));
    REQUIRE(qop == 0 || qop == SECQOP_WRAP_NO_ENCRYPT, SEC_E_QOP_NOT_SUPPORTED,
            "fQOP is neither 0 nor SECQOP_WRAP_NO_ENCRYPT");
    REQUIRE(!encrypt || (context->flags & AP_FLAG_CONFIDENTIALITY) != 0, SEC_E_UNSUPPORTED_FUNCTION,
            "sealing was not negotiated for this context (ISC_REQ_NO_INTEGRITY)");
    REQUIRE((context->flags & AP_FLAG_INTEGRITY) != 0, SEC_E_QOP_NOT_SUPPORTED,
            "signing was not negotiated for this context (ISC_REQ_NO_INTEGRITY)");
    REQUIRE(buffers_find(message, SECBUFFER_DATA) != NULL, SEC_E_INVALID_TOKEN, "no SECBUFFER_DATA to encrypt");
    collect(message, &parts);
    uint64_t number = number_to_send(context, sequence);
    TRY(context->profile != NULL ? seal_cfx(context, encrypt, &parts, number, message)
                                 : seal_rc4(context, encrypt, &parts, number, message));
    sent(context);
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- DecryptMessage */

/* Takes the number in, once the message has verified. */
static void received(struct kerberos_context *context, uint64_t number, bool sealed, uint32_t *qop)
{
    sequence_accept(&context->sequence, number);
    if (qop != NULL) {
        *qop = sealed ? 0 : SECQOP_WRAP_NO_ENCRYPT;
    }
}

static void gather(const struct cfx_found *found, uint8_t *out)
{
    for (size_t i = 0; i < found->count; i++) {
        memcpy(out, found->parts[i].data, found->parts[i].size);
        out += found->parts[i].size;
    }
}

/* Where the message was rotated otherwise than these buffers lie: its data is moved to where the caller looks for it. */
static SECURITY_STATUS move_data(const struct cfx_found *found, const struct parts *parts)
{
    AUTO_SECRET whole = {0};
    TRY(secret_alloc(&whole, found->size));
    gather(found, whole.data);
    const uint8_t *from = whole.data;
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->at[i].secret && parts->at[i].size != 0) {
            memcpy(parts->at[i].data, from, parts->at[i].size);
            from += parts->at[i].size;
        }
    }
    return SEC_E_OK;
}

static bool in_place(const struct cfx_found *found, const struct parts *parts)
{
    size_t next = 0;
    for (size_t i = 0; i < parts->count; i++) {
        if (!parts->at[i].secret || parts->at[i].size == 0) {
            continue;
        }
        if (next == found->count || found->parts[next].data != parts->at[i].data ||
            found->parts[next].size != parts->at[i].size) {
            return false;
        }
        next++;
    }
    return next == found->count;
}

static SECURITY_STATUS open_cfx(struct kerberos_context *context, const struct cfx_message *message,
                                struct bytes header_bytes, struct cfx_found *found, uint32_t *qop)
{
    struct cfx_header header;
    TRY(cfx_wrap_header(context->receive.cfx, header_bytes, &header));
    TRY(sequence_check(&context->sequence, header.sequence));
    TRY(cfx_open(context->receive.cfx, base_key(context), &header, context->dce, message, found));
    received(context, header.sequence, (header.flags & CFX_SEALED) != 0, qop);
    return SEC_E_OK;
}

/* TOKEN and DATA as they were sent, cut where the sender cut them. */
static SECURITY_STATUS unseal_cfx(struct kerberos_context *context, const struct parts *parts, SecBuffer *token,
                                  const SecBuffer *padding, uint32_t *qop)
{
    struct message_part wire[PARTS_MAX];
    struct cfx_found found;
    size_t count = 1;
    REQUIRE(token->cbBuffer >= CFX_HEADER_SIZE, SEC_E_INVALID_TOKEN,
            "SECBUFFER_TOKEN is shorter than a token's header (RFC 4121 4.2.6.2)");
    wire[0] =
        (struct message_part){(uint8_t *)token->pvBuffer + CFX_HEADER_SIZE, token->cbBuffer - CFX_HEADER_SIZE, true};
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->at[i].secret) {
            wire[count] = parts->at[i];
            count++;
        }
    }
    if (padding != NULL && padding->cbBuffer != 0) {
        wire[count] = (struct message_part){padding->pvBuffer, padding->cbBuffer, true};
        count++;
    }
    const struct cfx_message message = {token->pvBuffer, wire, count, parts->at, parts->count};
    TRY(open_cfx(context, &message, buffer_bytes(token), &found, qop));
    return in_place(&found, parts) ? SEC_E_OK : move_data(&found, parts);
}

static SECURITY_STATUS open_rc4(struct kerberos_context *context, struct bytes token, const struct message_part *parts,
                                size_t count, bool sealed, uint32_t *qop)
{
    uint32_t number = 0;
    TRY(rc4_unwrap(context->receive.rc4, from_acceptor(context, false), parts, count, token, &number));
    SECURITY_STATUS status = sequence_check(&context->sequence, number);
    if (status < 0) {
        return status;
    }
    received(context, number, sealed, qop);
    return SEC_E_OK;
}

static SECURITY_STATUS unseal_rc4(struct kerberos_context *context, struct parts *parts, SecBuffer *token,
                                  SecBuffer *padding, uint32_t *qop)
{
    size_t size = 0;
    bool sealed = false;
    TRY(rc4_wrap_parse(buffer_bytes(token), &size, &sealed));
    REQUIRE(size == token->cbBuffer, SEC_E_INVALID_TOKEN,
            "SECBUFFER_TOKEN is longer than what stands before the data (RFC 4757 7.3)");
    if (padding != NULL && padding->cbBuffer != 0) {
        parts->at[parts->count] = (struct message_part){padding->pvBuffer, padding->cbBuffer, true};
        parts->count++;
    }
    return open_rc4(context, buffer_bytes(token), parts->at, parts->count, sealed, qop);
}

/* ---------------------------------------------------------------- a whole token in one buffer */

static SECURITY_STATUS stream_cfx(struct kerberos_context *context, const SecBuffer *stream, SecBuffer *data,
                                  uint32_t *qop)
{
    struct cfx_found found;
    REQUIRE(stream->cbBuffer > CFX_HEADER_SIZE, SEC_E_INVALID_TOKEN,
            "SECBUFFER_STREAM is shorter than a token's header (RFC 4121 4.2.6.2)");
    uint8_t *body = (uint8_t *)stream->pvBuffer + CFX_HEADER_SIZE;
    const struct message_part wire[] = {{body, stream->cbBuffer - CFX_HEADER_SIZE, true}};
    const struct cfx_message message = {stream->pvBuffer, wire, 1, NULL, 0};
    TRY(open_cfx(context, &message, buffer_bytes(stream), &found, qop));
    uint8_t *place = found.count != 0 ? found.parts[0].data : body;
    if (found.count > 1) { /* rotation split it */
        AUTO_SECRET whole = {0};
        TRY(secret_alloc(&whole, found.size));
        gather(&found, whole.data);
        memcpy(body, whole.data, found.size);
        place = body;
    }
    data->pvBuffer = place;
    data->cbBuffer = (ULONG)found.size;
    return SEC_E_OK;
}

static SECURITY_STATUS stream_rc4(struct kerberos_context *context, const SecBuffer *stream, SecBuffer *data,
                                  uint32_t *qop)
{
    size_t size = 0;
    bool sealed = false;
    uint8_t *start = stream->pvBuffer;
    TRY(rc4_wrap_parse(buffer_bytes(stream), &size, &sealed));
    size_t rest = stream->cbBuffer - size;
    REQUIRE(context->dce || rest != 0, SEC_E_INVALID_TOKEN, "a Wrap token without its padding (RFC 4757 7.3)");
    const struct message_part part = {start + size, rest, true};
    TRY(open_rc4(context, bytes_of(start, size), &part, 1, sealed, qop));
    if (!context->dce) {
        REQUIRE(start[size + rest - 1] == 1, SEC_E_INVALID_TOKEN, "padding that is not one byte 01 (RFC 4757 7.3)");
        rest--;
    }
    data->pvBuffer = start + size;
    data->cbBuffer = (ULONG)rest;
    return SEC_E_OK;
}

SECURITY_STATUS kerberos_unseal(struct context *base, struct buffers *message, uint32_t sequence, uint32_t *qop)
{
    struct kerberos_context *context = (struct kerberos_context *)base;
    (void)sequence;
    TRY(begin_message(context, false));
    SecBuffer *data = buffers_find(message, SECBUFFER_DATA);
    SecBuffer *stream = buffers_find(message, SECBUFFER_STREAM);
    REQUIRE(data != NULL, SEC_E_INVALID_TOKEN, "no SECBUFFER_DATA to receive the message");
    if (stream != NULL) {
        return context->profile != NULL ? stream_cfx(context, stream, data, qop)
                                        : stream_rc4(context, stream, data, qop);
    }
    struct parts parts;
    SecBuffer *token = buffers_find(message, SECBUFFER_TOKEN);
    SecBuffer *padding = buffers_find(message, SECBUFFER_PADDING);
    REQUIRE(token != NULL, SEC_E_INVALID_TOKEN,
            "decryption needs SECBUFFER_TOKEN and SECBUFFER_DATA, or SECBUFFER_STREAM and SECBUFFER_DATA");
    collect(message, &parts);
    return context->profile != NULL ? unseal_cfx(context, &parts, token, padding, qop)
                                    : unseal_rc4(context, &parts, token, padding, qop);
}

/* Signing without integrity means nothing to either side. */
enum mech_list_mic kerberos_mech_list_mic(struct context *base)
{
    const struct kerberos_context *context = (struct kerberos_context *)base;
    bool signs = base->established && (context->flags & AP_FLAG_INTEGRITY) != 0;
    return signs ? MECH_LIST_MIC_OPTIONAL : MECH_LIST_MIC_IMPOSSIBLE;
}
