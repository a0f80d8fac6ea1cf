/* An established context is its channel: messages are TLS records, as Schannel has them. */
#include "credssp/context.h"

#define NOT_ESTABLISHED "this context is not established: no message can be sealed yet"

static bool is_done(const struct context *base)
{
    return ((const struct credssp_context *)base)->state == CREDSSP_DONE;
}

SECURITY_STATUS credssp_seal(struct context *base, uint32_t qop, struct buffers *message, uint32_t sequence)
{
    struct context *tls = ((struct credssp_context *)base)->tls;
    REQUIRE(is_done(base), SEC_E_OUT_OF_SEQUENCE, NOT_ESTABLISHED);
    return tls->package->seal(tls, qop, message, sequence);
}

SECURITY_STATUS credssp_unseal(struct context *base, struct buffers *message, uint32_t sequence, uint32_t *qop)
{
    struct context *tls = ((struct credssp_context *)base)->tls;
    REQUIRE(is_done(base), SEC_E_OUT_OF_SEQUENCE, NOT_ESTABLISHED);
    return tls->package->unseal(tls, message, sequence, qop);
}

SECURITY_STATUS credssp_apply_token(struct context *base, const struct buffers *message)
{
    struct context *tls = ((struct credssp_context *)base)->tls;
    REQUIRE(is_done(base), SEC_E_OUT_OF_SEQUENCE, "this context is not established: there is nothing to close yet");
    return tls->package->apply_token(tls, message);
}
