/* Signing and sealing (MS-NLMP 3.4): SSPI's buffer layouts on top, the signature of one message below.
 *
 * Buffers: TOKEN (16 bytes, anywhere) and any number of DATA; or, for decryption, STREAM (signature || ciphertext) with
 * an empty DATA that receives a pointer into it.  With ESS the signature covers every DATA buffer, READONLY ones too;
 * without ESS only those that are not READONLY (MS-NLMP 3.4.6.1).  Only DATA without an attribute is encrypted.
 *
 * A message that does not verify changes nothing: stream, sequence number and data are as before, so that the right
 * message still verifies afterwards.
 */
#include <string.h>

#include "crypto/sealing.h"
#include "ntlm/context.h"
#include "ntlm/keys.h"
#include "ntlm/signature.h"

#define NO_ENCRYPT SECQOP_WRAP_NO_ENCRYPT

/* The direction whose state a message uses: without ESS there is one for both (MS-NLMP 3.4.4.1). */
static struct ntlm_direction *direction_of(struct ntlm_context *context, bool sending)
{
    return sending || (context->flags & NTLM_ESS) == 0 ? &context->send : &context->receive;
}

static struct ntlm_direction *prepare(struct ntlm_context *context, bool sending)
{
    struct ntlm_direction *direction = direction_of(context, sending);
    if (!direction->keyed) {
        bool client_to_server = sending == context->base.initiator;
        AUTO_KEY16 sign_key;
        direction->seal_key_size =
            (uint8_t)ntlm_seal_key(context->flags, &context->session_key, client_to_server, &direction->seal_key);
        if (ntlm_sign_key(context->flags, &context->session_key, client_to_server, &sign_key)) {
            hmac_md5_key(&direction->sign_key, BYTES(sign_key.b));
        }
        direction->keyed = true;
    }
    return direction;
}

/* The stream stands where the last message left it; on a datagram each message has a stream of its own, keyed with its
 * sequence number, which the caller supplies (MS-NLMP 3.4.4, connectionless). */
static void start_stream(const struct ntlm_context *context, struct ntlm_direction *direction, uint32_t sequence)
{
    struct bytes seal_key = bytes_of(direction->seal_key.b, direction->seal_key_size);
    if ((context->flags & NTLM_DATAGRAM) != 0) {
        AUTO_KEY16 message_key;
        uint8_t number[4];
        struct writer writer = write_into(number, sizeof number);
        write_u32le(&writer, sequence);
        const struct bytes parts[] = {seal_key, BYTES(number)};
        md5(parts, 2, &message_key);
        rc4_start(&direction->stream, BYTES(message_key.b));
        direction->sequence = sequence;
    } else if (!direction->streaming) {
        rc4_start(&direction->stream, seal_key);
        direction->streaming = true;
    }
}

/* One message: what to do with its data, and what it found. */
struct pass {
    struct ntlm_context *context;
    struct ntlm_direction *direction;
    const struct buffers *message;
    bool encrypt; /* DATA without attributes goes through the stream */
};

/* Runs `each` of the message's DATA buffers through signature and stream, in descriptor order. */
static void run_data(const struct pass *pass, bool sending, struct ntlm_signature_state *state)
{
    bool ess = (pass->context->flags & NTLM_ESS) != 0;
    for (size_t i = 0; i < pass->message->count; i++) {
        SecBuffer *buffer = &pass->message->at[i];
        if (buffer_type(buffer) != SECBUFFER_DATA) {
            continue;
        }
        uint8_t *data = buffer->pvBuffer;
        size_t size = buffer->cbBuffer;
        bool covered = ess || ((uint32_t)buffer->BufferType & SECBUFFER_READONLY) == 0;
        if (pass->encrypt && !buffer_is_readonly(buffer)) {
            ntlm_signature_crypt(state, &pass->direction->stream, data, size, sending);
        } else if (covered) {
            ntlm_signature_add(state, bytes_of(data, size));
        }
    }
}

/* Puts ciphertext back where a message failed to verify: RC4 undone is RC4 done again from the same place. */
static void put_back(const struct pass *pass, const struct rc4 *before)
{
    struct rc4 again = *before;
    for (size_t i = 0; pass->encrypt && i < pass->message->count; i++) {
        SecBuffer *buffer = &pass->message->at[i];
        if (buffer_type(buffer) == SECBUFFER_DATA && !buffer_is_readonly(buffer)) {
            rc4_crypt(&again, buffer->cbBuffer, buffer->pvBuffer, buffer->pvBuffer);
        }
    }
    rc4_wipe(&again);
    pass->direction->stream = *before;
}

static SECURITY_STATUS require_established(const struct ntlm_context *context)
{
    REQUIRE(context->base.established, SEC_E_OUT_OF_SEQUENCE,
            "this context is not established: no message can be signed or sealed yet");
    return SEC_E_OK;
}

/* Only ALWAYS_SIGN was negotiated: version 1 and twelve zero bytes, whatever the message (MS-NLMP 3.4.4, observed). */
static bool is_dummy(const struct ntlm_context *context)
{
    return (context->flags & (NTLM_SIGN | NTLM_SEAL)) == 0;
}

static SECURITY_STATUS find_token(const struct buffers *message, SecBuffer **out)
{
    SecBuffer *token = buffers_find(message, SECBUFFER_TOKEN);
    REQUIRE(token != NULL, SEC_E_INVALID_TOKEN, "no SECBUFFER_TOKEN for the signature");
    REQUIRE(token->cbBuffer >= NTLM_SIGNATURE_SIZE, SEC_E_BUFFER_TOO_SMALL,
            "SECBUFFER_TOKEN has no room for a signature of 16 bytes (cbSecurityTrailer)");
    *out = token;
    return SEC_E_OK;
}

static void send_message(const struct pass *pass, uint32_t sequence, SecBuffer *token)
{
    struct ntlm_signature_state state;
    start_stream(pass->context, pass->direction, sequence);
    ntlm_signature_start(&state, pass->context->flags, &pass->direction->sign_key, pass->direction->sequence);
    run_data(pass, true, &state);
    ntlm_signature_finish(&state, &pass->direction->stream, token->pvBuffer);
    token->cbBuffer = NTLM_SIGNATURE_SIZE;
    pass->direction->sequence++;
}

/* Verifies one message, decrypting it where pass->encrypt says so. */
static SECURITY_STATUS receive_message(const struct pass *pass, uint32_t sequence, const uint8_t *signature)
{
    struct ntlm_direction *direction = pass->direction;
    struct ntlm_signature_state state;
    start_stream(pass->context, direction, sequence);
    __attribute__((cleanup(rc4_wipe))) struct rc4 before = direction->stream;
    ntlm_signature_start(&state, pass->context->flags, &direction->sign_key, direction->sequence);
    run_data(pass, false, &state);
    SECURITY_STATUS status = ntlm_signature_check(&state, &direction->stream, signature);
    if (status < 0) {
        put_back(pass, &before);
        return status;
    }
    direction->sequence++;
    return SEC_E_OK;
}

SECURITY_STATUS ntlm_sign(struct context *base, uint32_t qop, struct buffers *message, uint32_t sequence)
{
    struct ntlm_context *context = (struct ntlm_context *)base;
    SecBuffer *token = NULL;
    TRY(require_established(context));
    REQUIRE(qop == 0, SEC_E_QOP_NOT_SUPPORTED, "NTLM signs with one quality of protection only (fQOP 0)");
    TRY(find_token(message, &token));
    if (is_dummy(context)) {
        ntlm_signature_dummy(token->pvBuffer);
        token->cbBuffer = NTLM_SIGNATURE_SIZE;
        return SEC_E_OK;
    }
    const struct pass pass = {.context = context, .direction = prepare(context, true), .message = message};
    send_message(&pass, sequence, token);
    return SEC_E_OK;
}

SECURITY_STATUS ntlm_verify(struct context *base, struct buffers *message, uint32_t sequence, uint32_t *qop)
{
    struct ntlm_context *context = (struct ntlm_context *)base;
    (void)qop; /* NTLM leaves *pfQOP alone (observed on Windows) */
    TRY(require_established(context));
    SecBuffer *token = buffers_find(message, SECBUFFER_TOKEN);
    REQUIRE(token != NULL, SEC_E_INVALID_TOKEN, "no SECBUFFER_TOKEN with the signature");
    REQUIRE(token->cbBuffer == NTLM_SIGNATURE_SIZE, SEC_E_MESSAGE_ALTERED,
            "an NTLM signature is 16 bytes (MS-NLMP 2.2.2.9)");
    if (is_dummy(context)) {
        return ntlm_signature_check_dummy(token->pvBuffer);
    }
    const struct pass pass = {.context = context, .direction = prepare(context, false), .message = message};
    return receive_message(&pass, sequence, token->pvBuffer);
}

/* A context that only signs still encrypts when asked to: a caller of EncryptMessage expects that nobody reads along, and
 * gss-ntlmssp and Exchange do the same. */
SECURITY_STATUS ntlm_seal(struct context *base, uint32_t qop, struct buffers *message, uint32_t sequence)
{
    struct ntlm_context *context = (struct ntlm_context *)base;
    SecBuffer *token = NULL;
    TRY(require_established(context));
    REQUIRE(qop == 0 || qop == NO_ENCRYPT, SEC_E_QOP_NOT_SUPPORTED, "fQOP is neither 0 nor SECQOP_WRAP_NO_ENCRYPT");
    REQUIRE(!is_dummy(context), SEC_E_UNSUPPORTED_FUNCTION,
            "neither signing nor sealing was negotiated for this context (EncryptMessage)");
    REQUIRE(buffers_find(message, SECBUFFER_DATA) != NULL, SEC_E_INVALID_TOKEN, "no SECBUFFER_DATA to encrypt");
    TRY(find_token(message, &token));
    const struct pass pass = {
        .context = context, .direction = prepare(context, true), .message = message, .encrypt = qop == 0};
    send_message(&pass, sequence, token);
    SecBuffer *padding = buffers_find(message, SECBUFFER_PADDING);
    if (padding != NULL) {
        padding->cbBuffer = 0;
    }
    return SEC_E_OK;
}

/* Tries a message as encrypted; where sealing was not negotiated, a peer may have signed plaintext (WinPR does), and
 * SECQOP_WRAP_NO_ENCRYPT leaves no mark on the wire. */
static SECURITY_STATUS unseal_either_way(struct ntlm_context *context, struct buffers *message, uint32_t sequence,
                                         const uint8_t *signature)
{
    struct pass pass = {.context = context, .direction = prepare(context, false), .message = message, .encrypt = true};
    SECURITY_STATUS status = receive_message(&pass, sequence, signature);
    if (status == SEC_E_MESSAGE_ALTERED) {
        pass.encrypt = false;
        SECURITY_STATUS plain = receive_message(&pass, sequence, signature);
        if (plain >= 0) {
            status_begin(); /* the first try was a question, not a refusal */
            return plain;
        }
    }
    return status;
}

/* signature || ciphertext in one STREAM buffer; DATA, empty on entry, receives the plaintext's place in it. */
static SECURITY_STATUS unseal_stream(struct ntlm_context *context, struct buffers *message, SecBuffer *stream,
                                     uint32_t sequence)
{
    SecBuffer *data = buffers_find(message, SECBUFFER_DATA);
    REQUIRE(data != NULL, SEC_E_INVALID_TOKEN, "no SECBUFFER_DATA to receive the message");
    REQUIRE(stream->cbBuffer >= NTLM_SIGNATURE_SIZE, SEC_E_INVALID_TOKEN,
            "SECBUFFER_STREAM is shorter than a signature (MS-NLMP 2.2.2.9)");
    uint8_t *start = stream->pvBuffer;
    SecBuffer inner = {.cbBuffer = stream->cbBuffer - NTLM_SIGNATURE_SIZE,
                       .BufferType = SECBUFFER_DATA,
                       .pvBuffer = start + NTLM_SIGNATURE_SIZE};
    struct buffers one = {&inner, 1};
    TRY(unseal_either_way(context, &one, sequence, start));
    data->pvBuffer = inner.pvBuffer;
    data->cbBuffer = inner.cbBuffer;
    return SEC_E_OK;
}

SECURITY_STATUS ntlm_unseal(struct context *base, struct buffers *message, uint32_t sequence, uint32_t *qop)
{
    struct ntlm_context *context = (struct ntlm_context *)base;
    (void)qop; /* left alone, as by Windows */
    TRY(require_established(context));
    REQUIRE(!is_dummy(context), SEC_E_UNSUPPORTED_FUNCTION,
            "neither signing nor sealing was negotiated for this context (DecryptMessage)");
    SecBuffer *stream = buffers_find(message, SECBUFFER_STREAM);
    if (stream != NULL) {
        return unseal_stream(context, message, stream, sequence);
    }
    SecBuffer *token = buffers_find(message, SECBUFFER_TOKEN);
    REQUIRE(token != NULL && buffers_find(message, SECBUFFER_DATA) != NULL, SEC_E_INVALID_TOKEN,
            "decryption needs SECBUFFER_TOKEN and SECBUFFER_DATA, or SECBUFFER_STREAM and SECBUFFER_DATA");
    REQUIRE(token->cbBuffer == NTLM_SIGNATURE_SIZE, SEC_E_MESSAGE_ALTERED,
            "an NTLM signature is 16 bytes (MS-NLMP 2.2.2.9)");
    return unseal_either_way(context, message, sequence, token->pvBuffer);
}

/* An anonymous session's keys are known to everybody, and a dummy signature signs nothing. */
enum mech_list_mic ntlm_mech_list_mic(struct context *base)
{
    const struct ntlm_context *context = (struct ntlm_context *)base;
    if (!base->established || context->anonymous || is_dummy(context)) {
        return MECH_LIST_MIC_IMPOSSIBLE;
    }
    return context->mic ? MECH_LIST_MIC_DUE : MECH_LIST_MIC_OPTIONAL;
}

/* The next message is encrypted with a stream that begins again (observed with Windows and gss-ntlmssp);
 * it is the second one by its number. */
void ntlm_mech_list_mic_done(struct context *base)
{
    struct ntlm_context *context = (struct ntlm_context *)base;
    context->send.streaming = false;
    context->receive.streaming = false;
}
