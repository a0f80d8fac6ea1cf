#include "negotiate/mic.h"

#include "base/trace.h"

enum mech_list_mic mic_rule(const struct negotiate_context *context)
{
    const struct package *package = context->inner->package;
    enum mech_list_mic rule = MECH_LIST_MIC_OPTIONAL;
    if (package->sign == NULL || package->verify == NULL) {
        rule = MECH_LIST_MIC_IMPOSSIBLE;
    } else if (package->mech_list_mic != NULL) {
        rule = package->mech_list_mic(context->inner);
    }
    return rule == MECH_LIST_MIC_OPTIONAL && context->reselected ? MECH_LIST_MIC_DUE : rule;
}

static void done(struct negotiate_context *context)
{
    if (context->inner->package->mech_list_mic_done != NULL) {
        context->inner->package->mech_list_mic_done(context->inner);
    }
}

SECURITY_STATUS mic_make(struct negotiate_context *context, struct mic *out)
{
    SecBuffer parts[] = {{(ULONG)context->mech_types_size, SECBUFFER_DATA, context->mech_types},
                         {sizeof out->data, SECBUFFER_TOKEN, out->data}};
    struct buffers message = {parts, 2};
    TRY(context->inner->package->sign(context->inner, 0, &message, 0));
    out->size = parts[1].cbBuffer;
    context->mic_sent = true;
    done(context);
    return SEC_E_OK;
}

SECURITY_STATUS mic_verify(struct negotiate_context *context, struct bytes mic)
{
    SecBuffer parts[] = {{(ULONG)context->mech_types_size, SECBUFFER_DATA, context->mech_types},
                         {(ULONG)mic.size, SECBUFFER_TOKEN, (void *)(uintptr_t)mic.data}};
    struct buffers message = {parts, 2};
    uint32_t qop = 0;
    SECURITY_STATUS status = context->inner->package->verify(context->inner, &message, 0, &qop);
    TRACE("Negotiate: the peer's mechListMIC %s", status >= 0 ? "matches" : "does not match");
    if (status < 0) {
        status_begin(); /* what the mechanism says of a message is not what this means */
        FAIL(SEC_E_MESSAGE_ALTERED, "the mechListMIC does not match: the list of mechanisms was altered on its way "
                                    "(RFC 4178 5)");
    }
    context->mic_verified = true;
    done(context);
    return SEC_E_OK;
}
