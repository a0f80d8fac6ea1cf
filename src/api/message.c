/* Message protection.  Sealing and unsealing hold a lock each, so a full-duplex caller never waits for itself. */
#include "api/api.h"

/* The context, its buffers and the lock of one direction, for the length of a call. */
struct message_call {
    struct pinned pinned;
    struct context *context;
    struct buffers message;
    struct context_locks locks;
};

static void message_end(struct message_call *call)
{
    context_unlock(&call->locks);
    api_unpin(&call->pinned);
}

#define AUTO_MESSAGE AUTO(message_end) struct message_call

static inline SECURITY_STATUS message_begin(PCtxtHandle phContext, PSecBufferDesc pMessage, bool sending,
                                            struct message_call *call)
{
    call->locks = (struct context_locks){0};
    TRY(api_pin(HANDLE_CONTEXT, phContext, &call->pinned));
    REQUIRE(pMessage != NULL, SEC_E_INVALID_TOKEN, "pMessage is NULL");
    TRY(buffers_open(pMessage, true, &call->message));
    call->context = pinned_context(&call->pinned);
    call->locks = context_lock(call->context, sending ? CONTEXT_SEND : CONTEXT_RECEIVE);
    return SEC_E_OK;
}

static SECURITY_STATUS make_signature(PCtxtHandle phContext, ULONG fQOP, PSecBufferDesc pMessage, ULONG MessageSeqNo)
{
    AUTO_MESSAGE call = {.locks = {0}};
    TRY(message_begin(phContext, pMessage, true, &call));
    REQUIRE(call.context->package->sign != NULL, SEC_E_UNSUPPORTED_FUNCTION, "the package makes no signatures");
    return call.context->package->sign(call.context, fQOP, &call.message, MessageSeqNo);
}

static SECURITY_STATUS verify_signature(PCtxtHandle phContext, PSecBufferDesc pMessage, ULONG MessageSeqNo,
                                        PULONG pfQOP)
{
    AUTO_MESSAGE call = {.locks = {0}};
    uint32_t unwanted = 0;
    TRY(message_begin(phContext, pMessage, false, &call));
    REQUIRE(call.context->package->verify != NULL, SEC_E_UNSUPPORTED_FUNCTION, "the package verifies no signatures");
    return call.context->package->verify(call.context, &call.message, MessageSeqNo, pfQOP != NULL ? pfQOP : &unwanted);
}

static SECURITY_STATUS encrypt_message(PCtxtHandle phContext, ULONG fQOP, PSecBufferDesc pMessage, ULONG MessageSeqNo)
{
    AUTO_MESSAGE call = {.locks = {0}};
    TRY(message_begin(phContext, pMessage, true, &call));
    REQUIRE(call.context->package->seal != NULL, SEC_E_UNSUPPORTED_FUNCTION, "the package seals no messages");
    return call.context->package->seal(call.context, fQOP, &call.message, MessageSeqNo);
}

static SECURITY_STATUS decrypt_message(PCtxtHandle phContext, PSecBufferDesc pMessage, ULONG MessageSeqNo, PULONG pfQOP)
{
    AUTO_MESSAGE call = {.locks = {0}};
    uint32_t unwanted = 0;
    TRY(message_begin(phContext, pMessage, false, &call));
    REQUIRE(call.context->package->unseal != NULL, SEC_E_UNSUPPORTED_FUNCTION, "the package unseals no messages");
    return call.context->package->unseal(call.context, &call.message, MessageSeqNo, pfQOP != NULL ? pfQOP : &unwanted);
}

SECURITY_STATUS SEC_ENTRY MakeSignature(PCtxtHandle phContext, ULONG fQOP, PSecBufferDesc pMessage, ULONG MessageSeqNo)
{
    status_begin();
    return api_end("MakeSignature", make_signature(phContext, fQOP, pMessage, MessageSeqNo));
}

SECURITY_STATUS SEC_ENTRY VerifySignature(PCtxtHandle phContext, PSecBufferDesc pMessage, ULONG MessageSeqNo,
                                          PULONG pfQOP)
{
    status_begin();
    return api_end("VerifySignature", verify_signature(phContext, pMessage, MessageSeqNo, pfQOP));
}

SECURITY_STATUS SEC_ENTRY EncryptMessage(PCtxtHandle phContext, ULONG fQOP, PSecBufferDesc pMessage, ULONG MessageSeqNo)
{
    status_begin();
    return api_end("EncryptMessage", encrypt_message(phContext, fQOP, pMessage, MessageSeqNo));
}

SECURITY_STATUS SEC_ENTRY DecryptMessage(PCtxtHandle phContext, PSecBufferDesc pMessage, ULONG MessageSeqNo,
                                         PULONG pfQOP)
{
    status_begin();
    return api_end("DecryptMessage", decrypt_message(phContext, pMessage, MessageSeqNo, pfQOP));
}

/* The names the first versions of the SDK gave them; secur32 exports both at one address. */
SECURITY_STATUS SEC_ENTRY SealMessage(PCtxtHandle phContext, ULONG fQOP, PSecBufferDesc pMessage, ULONG MessageSeqNo)
    __attribute__((alias("EncryptMessage")));
SECURITY_STATUS SEC_ENTRY UnsealMessage(PCtxtHandle phContext, PSecBufferDesc pMessage, ULONG MessageSeqNo,
                                        PULONG pfQOP) __attribute__((alias("DecryptMessage")));
