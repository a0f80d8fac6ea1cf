#include "toy.h"

#include <stdlib.h>
#include <string.h>

struct toy toy;

struct toy_context {
    struct context base;
    unsigned seen; /* messages sent and received */
    uint8_t sent, received;
};

static SECURITY_STATUS acquire(const struct credential_in *in, struct credential **out, uint64_t *out_expiry)
{
    if (toy.acquire != SEC_E_OK) {
        return toy.acquire;
    }
    struct credential *credential = calloc(1, sizeof *credential);
    REQUIRE(credential != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory");
    toy.credentials++;
    *out = credential;
    return SEC_E_OK;
}

static void release(struct credential *credential)
{
    toy.credentials--;
    free(credential);
}

static void dispose(struct context *context)
{
    toy.contexts--;
    context_fini(context);
    free(context);
}

/* The initiator sends the first message, the third, ...; who has sent or seen the last one is done. */
static SECURITY_STATUS leg(struct toy_context *self, const struct step_in *in, struct step_out *out)
{
    bool first = self->base.initiator && self->seen == 0;
    char due[] = {'t', 'o', 'y', (char)('1' + self->seen)};
    bool right = in->token.size == sizeof due && memcmp(in->token.data, due, sizeof due) == 0;
    if (self->seen == toy.legs || (first ? in->token.size != 0 : !right)) {
        return SEC_E_INVALID_TOKEN;
    }
    self->seen += !first;
    if (self->seen < toy.legs) {
        char own[] = {'t', 'o', 'y', (char)('1' + self->seen)};
        write_bytes(out->token, bytes_of(own, sizeof own));
        self->seen++;
    }
    out->flags = in->flags & (ISC_RET_DELEGATE | ISC_RET_MUTUAL_AUTH);
    return self->seen == toy.legs ? SEC_E_OK : SEC_I_CONTINUE_NEEDED;
}

static SECURITY_STATUS step(bool initiator, SECURITY_STATUS refusal, struct context **context, const struct step_in *in,
                            struct step_out *out)
{
    struct toy_context *self = (struct toy_context *)*context;
    if (self == NULL) {
        if (refusal != SEC_E_OK) {
            FAIL(refusal, "the toy was told to refuse");
        }
        self = calloc(1, sizeof *self);
        REQUIRE(self != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory");
        context_init(&self->base, &toy_package, initiator);
        toy.contexts++;
    }
    SECURITY_STATUS status = leg(self, in, out);
    if (*context == NULL && status < 0) {
        dispose(&self->base);
    } else {
        *context = &self->base;
    }
    return status;
}

static SECURITY_STATUS initiate(struct credential *credential, struct context **context, const struct step_in *in,
                                struct step_out *out)
{
    toy.begun += *context == NULL;
    toy.asked = in->flags | in->wished;
    return step(true, toy.begin, context, in, out);
}

static SECURITY_STATUS accept(struct credential *credential, struct context **context, const struct step_in *in,
                              struct step_out *out)
{
    toy.accepted += *context == NULL;
    return step(false, toy.accept, context, in, out);
}

/* The direction, the message's number, and a sum over the data (FNV-1). */
static void signature_of(bool from_initiator, uint8_t number, const struct buffers *message, uint8_t out[TOY_SIGNATURE])
{
    uint32_t sum = 2166136261u;
    const SecBuffer *data = buffers_find(message, SECBUFFER_DATA);
    for (size_t i = 0; data != NULL && i < data->cbBuffer; i++) {
        sum = (sum * 16777619u) ^ ((const uint8_t *)data->pvBuffer)[i];
    }
    memset(out, 0, TOY_SIGNATURE);
    out[0] = from_initiator ? 'i' : 'a';
    out[1] = number;
    for (int i = 0; i < 4; i++) {
        out[2 + i] = (uint8_t)(sum >> (8 * i));
    }
}

static SECURITY_STATUS sign(struct context *context, uint32_t qop, struct buffers *message, uint32_t sequence)
{
    struct toy_context *self = (struct toy_context *)context;
    SecBuffer *token = buffers_find(message, SECBUFFER_TOKEN);
    if (token == NULL || token->cbBuffer < TOY_SIGNATURE || self->seen != toy.legs) {
        return SEC_E_INVALID_TOKEN;
    }
    signature_of(context->initiator, self->sent++, message, token->pvBuffer);
    token->cbBuffer = TOY_SIGNATURE;
    return SEC_E_OK;
}

static SECURITY_STATUS verify(struct context *context, struct buffers *message, uint32_t sequence, uint32_t *qop)
{
    struct toy_context *self = (struct toy_context *)context;
    const SecBuffer *token = buffers_find(message, SECBUFFER_TOKEN);
    uint8_t expected[TOY_SIGNATURE];
    signature_of(!context->initiator, self->received, message, expected);
    if (token == NULL || token->cbBuffer != TOY_SIGNATURE || memcmp(token->pvBuffer, expected, TOY_SIGNATURE) != 0) {
        return SEC_E_OUT_OF_SEQUENCE; /* not what Negotiate says of it */
    }
    self->received++;
    return SEC_E_OK;
}

static enum mech_list_mic rule(struct context *context)
{
    return toy.dumb ? MECH_LIST_MIC_IMPOSSIBLE : toy.rule;
}

static void mic_done(struct context *context)
{
    toy.mics++;
}

static SECURITY_STATUS query(struct context *context, uint32_t attribute, struct attribute *out)
{
    REQUIRE(attribute == SECPKG_ATTR_SIZES, SEC_E_UNSUPPORTED_FUNCTION, "the toy has nothing but sizes");
    out->sizes.max_token = 7;
    out->sizes.max_signature = TOY_SIGNATURE;
    return SEC_E_OK;
}

const struct package toy_package = {
    .name = "Kerberos",
    .comment = "A toy",
    .capabilities = SECPKG_FLAG_INTEGRITY | SECPKG_FLAG_NEGOTIABLE,
    .rpc_id = 16,
    .max_token = 64,
    .acquire = acquire,
    .release = release,
    .initiate = initiate,
    .accept = accept,
    .sign = sign,
    .verify = verify,
    .query = query,
    .mech_list_mic = rule,
    .mech_list_mic_done = mic_done,
    .dispose = dispose,
};
