#include "api/sasl_layer.h"

#include <stdlib.h>
#include <string.h>

#include "wire/reader.h"

enum { LAYER_NONE = 1, LAYER_INTEGRITY = 2, LAYER_CONFIDENTIALITY = 4 };

#define DEFAULT_SIZE 0xFFFFu
#define LARGEST_SIZE 0xFFFFFFu /* three bytes (RFC 4752 3.3) */
#define COOKIE_SIZE  4
#define MESSAGE_MAX  8192
#define IDENTITY_MAX 4096

enum phase {
    PHASE_MECHANISM, /* the package's tokens */
    PHASE_LAST_WORD, /* server: ours was the package's last token; the client's empty answer to it is due */
    PHASE_OFFER,     /* client: the server's offer is due */
    PHASE_CHOICE,    /* server: the client's choice is due */
    PHASE_DONE,
    PHASE_FAILED,
};

struct sasl_state {
    enum phase phase;
    uint8_t offered;
    uint32_t send_size, receive_size;
    bool authz_processed;
    struct writer authz; /* what the client wants to be */
    uint32_t flags;      /* what the package returned */
    uint64_t expiry;
};

static void end_state(void *pointer)
{
    struct sasl_state *state = pointer;
    write_free(&state->authz);
    free(state);
}

/* ---------------------------------------------------------------- messages of the layer */

/* The buffers of one message, laid out behind one another: TOKEN, DATA, PADDING (EncryptMessage). */
static SECURITY_STATUS wrap(struct context *context, struct bytes text, struct step_out *out)
{
    const struct package *package = context->package;
    struct attribute sizes = {0};
    REQUIRE(package->seal != NULL && package->query != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "the package seals no messages, which SASL needs (RFC 4752 3.1)");
    TRY(package->query(context, SECPKG_ATTR_SIZES, &sizes));
    AUTO_WRITER trailer = write_growing(MESSAGE_MAX);
    AUTO_WRITER data = write_growing(MESSAGE_MAX);
    AUTO_WRITER padding = write_growing(MESSAGE_MAX);
    write_zeros(&trailer, sizes.sizes.security_trailer);
    write_bytes(&data, text);
    write_zeros(&padding, sizes.sizes.block_size);
    TRY(write_end(&trailer));
    TRY(write_end(&data));
    TRY(write_end(&padding));
    SecBuffer parts[] = {{(ULONG)trailer.size, SECBUFFER_TOKEN, trailer.data},
                         {(ULONG)data.size, SECBUFFER_DATA, data.data},
                         {(ULONG)padding.size, SECBUFFER_PADDING, padding.data}};
    struct buffers message = {parts, padding.size != 0 ? 3 : 2};
    TRY(package->seal(context, SECQOP_WRAP_NO_ENCRYPT, &message, 0));
    for (size_t i = 0; i < message.count; i++) {
        write_bytes(out->token, buffer_bytes(&parts[i]));
    }
    return write_end(out->token);
}

/* What a message of the layer says; in `room`, which is larger than it. */
static SECURITY_STATUS unwrap(struct context *context, struct bytes token, struct writer *room, struct bytes *out)
{
    const struct package *package = context->package;
    REQUIRE(package->unseal != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "the package unseals no messages, which SASL needs (RFC 4752 3.1)");
    REQUIRE(token.size != 0 && token.size <= MESSAGE_MAX, SEC_E_INVALID_TOKEN,
            "the choice of a security layer is missing, or far too long (RFC 4752 3.1)");
    write_bytes(room, token);
    TRY(write_end(room));
    SecBuffer parts[] = {{(ULONG)room->size, SECBUFFER_STREAM, room->data}, {0, SECBUFFER_DATA, NULL}};
    struct buffers message = {parts, 2};
    uint32_t qop = 0;
    SECURITY_STATUS status = package->unseal(context, &message, 0, &qop);
    if (status < 0) {
        status_begin(); /* what the package says of a message is not what this means */
        FAIL(SEC_E_INVALID_TOKEN, "the choice of a security layer is not signed by the peer (RFC 4752 3.1)");
    }
    *out = buffer_bytes(&parts[1]);
    return SEC_E_OK;
}

static uint32_t read_size(struct reader *reader)
{
    uint32_t high = read_u8(reader);
    return high << 16 | read_u16be(reader);
}

static void write_size(struct writer *writer, uint32_t size)
{
    write_u8(writer, (uint8_t)(size >> 16));
    write_u16be(writer, (uint16_t)size);
}

static bool can(const struct sasl_state *state, uint32_t bit)
{
    return (state->flags & bit) != 0;
}

/* ---------------------------------------------------------------- the server */

/* What both this call's flags and the context allow. */
static SECURITY_STATUS offer(struct context *context, const struct step_in *in, struct step_out *out)
{
    struct sasl_state *state = context->sasl;
    unsigned layers = LAYER_NONE;
    layers |= can(state, ASC_RET_INTEGRITY) ? LAYER_INTEGRITY : 0u;
    layers |= can(state, ASC_RET_CONFIDENTIALITY) ? LAYER_CONFIDENTIALITY : 0u;
    if ((in->flags & ASC_REQ_CONFIDENTIALITY) != 0) {
        layers &= LAYER_CONFIDENTIALITY;
    } else if ((in->flags & (ASC_REQ_INTEGRITY | ASC_REQ_REPLAY_DETECT | ASC_REQ_SEQUENCE_DETECT)) != 0) {
        layers &= LAYER_INTEGRITY | LAYER_CONFIDENTIALITY;
    }
    REQUIRE(layers != 0, SEC_E_SECURITY_QOS_FAILED, "the server wants a security layer that this context has not got");
    state->offered = (uint8_t)layers;
    uint8_t cookie[COOKIE_SIZE];
    struct writer writer = write_into(cookie, sizeof cookie);
    write_u8(&writer, state->offered);
    write_size(&writer, layers == LAYER_NONE ? 0 : state->receive_size);
    TRY(write_end(&writer));
    TRY(wrap(context, BYTES(cookie), out));
    state->phase = PHASE_CHOICE;
    return SEC_I_CONTINUE_NEEDED;
}

static SECURITY_STATUS take_choice(struct context *context, const struct step_in *in)
{
    struct sasl_state *state = context->sasl;
    AUTO_WRITER room = write_growing(MESSAGE_MAX);
    struct bytes text;
    TRY(unwrap(context, in->token, &room, &text));
    struct reader reader = read_start(text);
    uint8_t layer = read_u8(&reader);
    uint32_t size = read_size(&reader);
    struct bytes authz = read_bytes(&reader, read_left(&reader));
    TRY(read_end(&reader, "the client's choice of a security layer is shorter than four bytes (RFC 4752 3.1)"));
    bool one = layer == LAYER_NONE || layer == LAYER_INTEGRITY || layer == LAYER_CONFIDENTIALITY;
    REQUIRE(one && (layer & state->offered) != 0, SEC_E_INVALID_TOKEN,
            "the client chose a security layer that was not offered (RFC 4752 3.2)");
    REQUIRE(layer != LAYER_NONE || size == 0, SEC_E_INVALID_TOKEN,
            "a size of messages without a security layer (RFC 4752 3.1)");
    REQUIRE(authz.size == 0 || state->authz_processed, SEC_E_ALGORITHM_MISMATCH,
            "an authorization identity that is not to be processed (SASL_OPTION_AUTHZ_PROCESSING)");
    state->authz = write_growing(MESSAGE_MAX);
    write_bytes(&state->authz, authz);
    TRY(write_end(&state->authz));
    state->send_size = size < state->send_size ? size : state->send_size;
    state->phase = PHASE_DONE;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- the client */

/* The weakest of the offered layers that grants what was asked for. */
static SECURITY_STATUS choose(const struct sasl_state *state, uint32_t request, uint8_t offered, uint8_t *out)
{
    bool sealing = (request & ISC_REQ_CONFIDENTIALITY) != 0;
    bool signing = (request & (ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT)) != 0;
    *out = 0;
    if (!sealing && !signing && (offered & LAYER_NONE) != 0) {
        *out = LAYER_NONE;
    } else if (!sealing && (offered & LAYER_INTEGRITY) != 0 && can(state, ISC_RET_INTEGRITY)) {
        *out = LAYER_INTEGRITY;
    } else if ((offered & LAYER_CONFIDENTIALITY) != 0 && can(state, ISC_RET_CONFIDENTIALITY)) {
        *out = LAYER_CONFIDENTIALITY;
    }
    REQUIRE(*out != 0, SEC_E_SECURITY_QOS_FAILED, "the server offers no security layer that was asked for");
    return SEC_E_OK;
}

static SECURITY_STATUS take_offer(struct context *context, const struct step_in *in, struct step_out *out)
{
    struct sasl_state *state = context->sasl;
    AUTO_WRITER room = write_growing(MESSAGE_MAX);
    struct bytes text;
    TRY(unwrap(context, in->token, &room, &text));
    struct reader reader = read_start(text);
    uint8_t offered = read_u8(&reader), layer;
    uint32_t size = read_size(&reader);
    TRY(read_end(&reader, "the server's offer of security layers is not four bytes (RFC 4752 3.1)"));
    TRY(choose(state, in->flags, offered, &layer));
    AUTO_WRITER choice = write_growing(MESSAGE_MAX);
    write_u8(&choice, layer);
    write_size(&choice, layer == LAYER_NONE ? 0 : state->receive_size);
    write_bytes(&choice, write_result(&state->authz));
    TRY(write_end(&choice));
    TRY(wrap(context, write_result(&choice), out));
    state->send_size = layer == LAYER_NONE ? 0 : size < state->send_size ? size : state->send_size;
    state->phase = PHASE_DONE;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- the legs */

static SECURITY_STATUS make_state(struct context *context)
{
    struct sasl_state *state = calloc(1, sizeof *state);
    REQUIRE(state != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a SASL exchange");
    state->send_size = DEFAULT_SIZE;
    state->receive_size = DEFAULT_SIZE;
    state->authz = write_growing(IDENTITY_MAX);
    context->sasl = state;
    context->end_sasl = end_state;
    return SEC_E_OK;
}

/* The package's own leg.  When it is its last one, a server that has nothing more to say offers at once. */
static SECURITY_STATUS mechanism(const struct package *package, struct credential *credential,
                                 struct context **out_context, bool initiator, const struct step_in *in,
                                 struct step_out *out)
{
    struct step_in asked = *in;
    asked.flags |= initiator ? ISC_REQ_INTEGRITY : 0; /* or the layer could not be agreed upon (RFC 4752 3.1) */
    SECURITY_STATUS status = credential_step(package, credential, initiator, out_context, &asked, out);
    struct context *context = *out_context;
    if (status < 0) {
        return status;
    }
    if (context->sasl == NULL) {
        TRY(make_state(context));
    }
    if (status != SEC_E_OK) {
        return status;
    }
    struct sasl_state *state = context->sasl;
    state->flags = out->flags;
    state->expiry = out->expiry;
    state->phase = initiator ? PHASE_OFFER : PHASE_LAST_WORD;
    return SEC_I_CONTINUE_NEEDED;
}

/* Messages of the layer need the package's context, which counts as established for their sake alone. */
static SECURITY_STATUS layer(struct context *context, const struct step_in *in, struct step_out *out)
{
    struct sasl_state *state = context->sasl;
    SECURITY_STATUS status = SEC_E_OUT_OF_SEQUENCE;
    context->established = true;
    switch (state->phase) {
    case PHASE_LAST_WORD:
        status = offer(context, in, out);
        break;
    case PHASE_OFFER:
        status = take_offer(context, in, out);
        break;
    default:
        status = take_choice(context, in);
        break;
    }
    context->established = status == SEC_E_OK;
    out->flags = state->flags;
    out->expiry = state->expiry;
    return status;
}

static SECURITY_STATUS later_leg(struct context *context, struct credential *credential, bool initiator,
                                 const struct step_in *in, struct step_out *out)
{
    struct sasl_state *state = context->sasl;
    REQUIRE(state->phase < PHASE_DONE, SEC_E_OUT_OF_SEQUENCE,
            "this SASL exchange is complete, or an earlier leg failed: begin a new context");
    SECURITY_STATUS status;
    if (state->phase == PHASE_MECHANISM) {
        struct context *same = context;
        status = mechanism(context->package, credential, &same, initiator, in, out);
        if (status >= 0 && state->phase == PHASE_LAST_WORD && out->token->size == 0) {
            status = layer(context, in, out);
        }
    } else {
        bool empty = in->token.size == 0;
        REQUIRE(state->phase != PHASE_LAST_WORD || empty, SEC_E_INVALID_TOKEN,
                "the mechanism is done and the client sent more of it (RFC 4752 3.2)");
        status = layer(context, in, out);
    }
    if (status < 0) {
        state->phase = PHASE_FAILED;
    }
    return status;
}

/* A mechanism that needs nothing on top; what marks its contexts as SASL's is an empty state. */
static SECURITY_STATUS bare_leg(const struct package *package, bool initiator, struct credential *credential,
                                struct context **out_context, const struct step_in *in, struct step_out *out)
{
    bool first = *out_context == NULL;
    struct context *context = *out_context;
    SECURITY_STATUS status = credential_step(package, credential, initiator, &context, in, out);
    if (status < 0 || !first) {
        return status;
    }
    SECURITY_STATUS marked = make_state(context);
    if (marked < 0) {
        package->dispose(context);
        return marked;
    }
    *out_context = context;
    return status;
}

SECURITY_STATUS sasl_step(const struct package *package, bool initiator, struct credential *credential,
                          struct context **out_context, const struct step_in *in, struct step_out *out)
{
    if (package->set_sasl_option != NULL) { /* the mechanism has layers of its own */
        return bare_leg(package, initiator, credential, out_context, in, out);
    }
    if (*out_context != NULL) {
        return later_leg(*out_context, credential, initiator, in, out);
    }
    struct context *context = NULL;
    SECURITY_STATUS status = mechanism(package, credential, &context, initiator, in, out);
    bool done = status >= 0 && ((struct sasl_state *)context->sasl)->phase == PHASE_LAST_WORD;
    if (done && out->token->size == 0) {
        status = layer(context, in, out);
    }
    if (status < 0 && context != NULL) {
        package->dispose(context);
        return status;
    }
    *out_context = context;
    return status;
}

/* ---------------------------------------------------------------- options */

static SECURITY_STATUS number_of(struct bytes value, uint32_t most, uint32_t *out)
{
    ULONG number;
    REQUIRE(value.data != NULL && value.size >= sizeof number, SEC_E_BUFFER_TOO_SMALL,
            "SaslSetContextOption: the option is a ULONG");
    memcpy(&number, value.data, sizeof number);
    REQUIRE(number <= most, SEC_E_INVALID_PARAMETER, "SaslSetContextOption: a value out of range");
    *out = number;
    return SEC_E_OK;
}

static SECURITY_STATUS state_of(const struct context *context, ULONG option, struct sasl_state **out)
{
    REQUIRE(option >= SASL_OPTION_SEND_SIZE && option <= SASL_OPTION_AUTHZ_PROCESSING, SEC_E_UNSUPPORTED_FUNCTION,
            "an unknown SASL option");
    REQUIRE(context->sasl != NULL, SEC_E_INVALID_HANDLE, "not a context of SASL's");
    *out = context->sasl;
    return SEC_E_OK;
}

SECURITY_STATUS sasl_set_option(struct context *context, ULONG option, struct bytes value)
{
    struct sasl_state *state = NULL;
    uint32_t number = 0;
    TRY(state_of(context, option, &state));
    if (context->package->set_sasl_option != NULL) {
        return context->package->set_sasl_option(context, option, value);
    }
    REQUIRE(state->phase < PHASE_DONE, SEC_E_OUT_OF_SEQUENCE,
            "options are set before the last leg (SaslSetContextOption)");
    switch (option) {
    case SASL_OPTION_SEND_SIZE:
        return number_of(value, LARGEST_SIZE, &state->send_size);
    case SASL_OPTION_RECV_SIZE:
        return number_of(value, LARGEST_SIZE, &state->receive_size);
    case SASL_OPTION_AUTHZ_PROCESSING:
        TRY(number_of(value, Sasl_AuthZIDProcessed, &number));
        state->authz_processed = number == Sasl_AuthZIDProcessed;
        return SEC_E_OK;
    default:
        REQUIRE(context->initiator, SEC_E_INVALID_PARAMETER, "the client says whom it wants to be (RFC 4752 3.1)");
        REQUIRE(value.size <= IDENTITY_MAX && (value.data != NULL || value.size == 0), SEC_E_INVALID_PARAMETER,
                "SaslSetContextOption: an authorization identity of more than 4 KiB");
        AUTO_WRITER authz = write_growing(IDENTITY_MAX);
        write_bytes(&authz, value);
        TRY(write_end(&authz));
        write_free(&state->authz);
        state->authz = authz;
        authz = write_growing(0);
        return SEC_E_OK;
    }
}

SECURITY_STATUS sasl_get_option(struct context *context, ULONG option, void *value, ULONG size, ULONG *needed)
{
    struct sasl_state *state = NULL;
    TRY(state_of(context, option, &state));
    ULONG number = option == SASL_OPTION_SEND_SIZE   ? state->send_size
                   : option == SASL_OPTION_RECV_SIZE ? state->receive_size
                                                     : state->authz_processed;
    struct bytes answer = bytes_of((const uint8_t *)&number, sizeof number);
    AUTO_WRITER asked = write_growing(MESSAGE_MAX);
    if (option == SASL_OPTION_AUTHZ_STRING) {
        answer = write_result(&state->authz);
    }
    if (context->package->get_sasl_option != NULL) {
        TRY(context->package->get_sasl_option(context, option, &asked));
        answer = write_result(&asked);
    }
    if (needed != NULL) {
        *needed = (ULONG)answer.size;
    }
    REQUIRE(size >= answer.size && (value != NULL || answer.size == 0), SEC_E_BUFFER_TOO_SMALL,
            "SaslGetContextOption: there is no room for the option");
    struct writer out = write_into(value, size);
    write_bytes(&out, answer);
    return write_end(&out);
}
