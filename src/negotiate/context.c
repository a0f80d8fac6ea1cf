#include "negotiate/context.h"

#include <stdlib.h>

#include "base/auto.h"
#include "base/secret.h"
#include "base/trace.h"

SECURITY_STATUS negotiate_context_new(bool initiator, struct negotiate_credential *credential,
                                      struct negotiate_context **out)
{
    struct negotiate_context *context = calloc(1, sizeof *context);
    REQUIRE(context != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a context");
    context_init(&context->base, &negotiate_package, initiator);
    context->expiry = CLOCK_NEVER;
    if (credential != NULL) {
        context->credential = (struct negotiate_credential *)credential_hold(&credential->base);
    }
    *out = context;
    return SEC_E_OK;
}

void negotiate_drop_inner(struct negotiate_context *context)
{
    struct context *inner = STEAL(context->inner);
    if (inner != NULL) {
        inner->package->dispose(inner);
    }
}

/* What only the negotiation needed. */
static void drop_handshake(struct negotiate_context *context)
{
    struct negotiate_credential *credential = STEAL(context->credential);
    if (credential != NULL) {
        credential_drop(&credential->base);
    }
    free(STEAL(context->mech_types));
    context->mech_types_size = 0;
}

SECURITY_STATUS negotiate_step(bool initiator, negotiate_leg *leg, struct negotiate_credential *credential,
                               struct context **out_context, const struct step_in *in, struct step_out *out)
{
    struct negotiate_context *context = (struct negotiate_context *)*out_context;
    REQUIRE(in->token.size <= NEGOTIATE_MAX_INPUT, SEC_E_INVALID_TOKEN, "an SPNEGO token longer than 128 KiB");
    if (context == NULL) {
        TRY(negotiate_context_new(initiator, credential, &context));
    }
    SECURITY_STATUS status = negotiate_pieces(context, leg, credential, in, out);
    if (status >= 0) {
        *out_context = &context->base;
        return status;
    }
    negotiate_fail(context);
    if (*out_context == NULL) {
        negotiate_dispose(&context->base);
    }
    return status;
}

void negotiate_dispose(struct context *base)
{
    struct negotiate_context *context = (struct negotiate_context *)base;
    negotiate_drop_inner(context);
    drop_handshake(context);
    negotiate_pieces_free(context->pieces);
    context_fini(base);
    free(context);
}

SECURITY_STATUS negotiate_keep_mech_types(struct negotiate_context *context, struct bytes mech_types)
{
    AUTO_WRITER copy = write_growing(mech_types.size);
    write_reserve(&copy, mech_types.size);
    write_bytes(&copy, mech_types);
    TRY(write_end(&copy));
    free(context->mech_types);
    context->mech_types_size = copy.size;
    context->mech_types = write_take(&copy);
    return SEC_E_OK;
}

SECURITY_STATUS negotiate_run(struct negotiate_context *context, const struct negotiate_part *part,
                              const struct step_in *in, struct bytes token, struct writer *answer, struct step_out *out)
{
    const struct package *package = part->package;
    struct step_in inner_in = *in;
    inner_in.token = token;
    inner_in.has_token = token.size != 0;
    bool initiator = context->base.initiator;
    if (initiator && (in->flags & ISC_REQ_NO_INTEGRITY) != 0) {
        inner_in.flags &= ~(uint32_t)ISC_REQ_INTEGRITY; /* which is ignored then, in NTLM too (fContextReq) */
    } else if (initiator) {
        inner_in.wished |= ISC_REQ_INTEGRITY; /* for the mechListMIC, and as Windows does in any case (observed) */
    }
    if (initiator && context->mech->third_party) { /* which of the package's two exchanges it is, the list says */
        inner_in.flags &= ~(uint32_t)ISC_REQ_USE_SESSION_KEY;
        inner_in.flags |= context->mech->user_to_user ? ISC_REQ_USE_SESSION_KEY : 0;
    }
    struct step_out inner_out = {.token = answer, .output = out->output, .expiry = CLOCK_NEVER};
    SECURITY_STATUS status =
        credential_step(package, part->credential, initiator, &context->inner, &inner_in, &inner_out);
    TRACE("Negotiate: %s answers %08x, %zu bytes in, %zu out", package->name, (unsigned)status, token.size,
          answer->size);
    context->last_status = status;
    out->bindings_result = inner_out.bindings_result;
    TRY(status);
    TRY(write_end(answer));
    context->returned = inner_out.flags;
    context->expiry = inner_out.expiry;
    out->flags = inner_out.flags;
    out->expiry = inner_out.expiry;
    if (status == SEC_E_OK) {
        context->inner->established = true;
        context->inner_done = true;
        bool one_stream = atomic_load_explicit(&context->inner->one_stream, memory_order_relaxed);
        atomic_store_explicit(&context->base.one_stream, one_stream, memory_order_relaxed);
    }
    return status;
}

struct writer negotiate_answer_writer(const struct negotiate_part *part, uint8_t room[NEGOTIATE_ROOM])
{
    size_t most = part->package->max_token;
    return most <= NEGOTIATE_ROOM ? write_into(room, most) : write_growing(most);
}

SECURITY_STATUS negotiate_direct_leg(struct negotiate_context *context, const struct negotiate_part *part,
                                     const struct step_in *in, struct step_out *out)
{
    uint8_t room[NEGOTIATE_ROOM];
    AUTO_WRITER answer = negotiate_answer_writer(part, room);
    SECURITY_STATUS status = negotiate_run(context, part, in, in->token, &answer, out);
    TRY(status);
    write_bytes(out->token, write_result(&answer));
    TRY(write_end(out->token));
    if (status == SEC_E_OK) {
        negotiate_finish(context, out);
    }
    return status;
}

void negotiate_finish(struct negotiate_context *context, struct step_out *out)
{
    drop_handshake(context);
    context->state = NEGOTIATE_STATE_DONE;
    out->flags = context->returned;
    out->expiry = context->expiry;
    TRACE("Negotiate: established with %s%s", context->inner->package->name, context->direct ? ", without SPNEGO" : "");
}
