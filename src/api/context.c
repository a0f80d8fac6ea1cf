/* The steps: InitializeSecurityContext and AcceptSecurityContext, and what else changes or ends a context. */
#include "api/api.h"
#include "api/sasl_layer.h"

#include "core/context_buffer.h"

/* Tokens up to this size are built on the stack and copied once into a block of exactly their size. */
#define SCRATCH_SIZE 4096

#define EXPORT_MAXIMUM (1u << 20)

/* What we allocate for a stream package's token, whose flights may hold long chains. */
#define STREAM_MAXIMUM (1u << 18)

_Static_assert(ISC_REQ_ALLOCATE_MEMORY == ASC_REQ_ALLOCATE_MEMORY &&
                   ISC_RET_ALLOCATED_MEMORY == ISC_REQ_ALLOCATE_MEMORY &&
                   ASC_RET_ALLOCATED_MEMORY == ISC_REQ_ALLOCATE_MEMORY,
               "one bit for both sides, asked and answered");

/* A context that no handle leads to yet. */
static void dispose_new(struct context **context)
{
    if (*context != NULL) {
        (*context)->package->dispose(*context);
    }
}

/* ---------------------------------------------------------------- input */

struct parties {
    const struct package *package;
    struct credential *credential; /* NULL on a later leg without (a usable) one */
    struct context *context;       /* NULL on a first leg */
    SecHandle handle;              /* of `context` */
};

/* A first leg needs a credential for this direction. */
static SECURITY_STATUS parties_first(const struct step_call *call, struct pinned *credential, struct parties *out)
{
    REQUIRE(call->new_context != NULL, SEC_E_INVALID_HANDLE, "phNewContext is NULL on a first call");
    TRY(api_pin(HANDLE_CREDENTIAL, call->credential, credential));
    out->credential = pinned_credential(credential);
    uint32_t needed = call->initiator ? SECPKG_CRED_OUTBOUND : SECPKG_CRED_INBOUND;
    REQUIRE((out->credential->use & needed) != 0, SEC_E_NO_CREDENTIALS,
            "the credential was acquired for the other direction (fCredentialUse)");
    out->package = out->credential->package;
    return SEC_E_OK;
}

/* On a later leg the context says everything: a credential that is missing, dead, of another package or acquired for the
 * other direction is ignored (observed on Windows for NULL; sspi-gaps 2.2). */
static SECURITY_STATUS parties_later(const struct step_call *call, struct pinned *credential, struct pinned *context,
                                     struct parties *out)
{
    TRY(api_pin(HANDLE_CONTEXT, call->context, context));
    out->context = pinned_context(context);
    out->handle = context->handle;
    out->package = out->context->package;
    REQUIRE(out->context->initiator == call->initiator, SEC_E_INVALID_HANDLE,
            "the context belongs to the other side (initiator or acceptor)");
    REQUIRE((out->context->sasl != NULL) == call->sasl, SEC_E_INVALID_HANDLE,
            "a context of SASL's goes through SASL's functions, and no other one does");
    if (call->credential != NULL) {
        credential->kind = HANDLE_CREDENTIAL;
        credential->handle = *call->credential;
        credential->object = handle_pin(HANDLE_CREDENTIAL, &credential->handle);
        struct credential *given = pinned_credential(credential);
        uint32_t needed = call->initiator ? SECPKG_CRED_OUTBOUND : SECPKG_CRED_INBOUND;
        bool fits = given != NULL && package_is_same(given->package, out->package) && (given->use & needed) != 0;
        out->credential = fits ? given : NULL;
    }
    return SEC_E_OK;
}

/* The target: pszTargetName, else a TARGET_HOST buffer, which is UTF-8 whichever function is called (Input Buffers for
 * the Digest Challenge Response, Microsoft Learn).  SECBUFFER_TARGET is reserved by the SDK and not looked at. */
static SECURITY_STATUS step_target(const struct step_call *call, const struct buffers *input, struct utf16 *owned,
                                   struct utf16 *out)
{
    *out = call->target;
    const SecBuffer *host = call->target_given ? NULL : buffers_find(input, SECBUFFER_TARGET_HOST);
    if (host != NULL) {
        TRY(utf16_from_utf8(buffer_bytes(host), owned));
        *out = *owned;
    }
    return SEC_E_OK;
}

static SECURITY_STATUS step_input(const struct step_call *call, const struct buffers *input, struct utf16 *owned,
                                  struct step_in *out)
{
    const SecBuffer *token = buffers_find(input, SECBUFFER_TOKEN);
    if (token != NULL) {
        out->token = buffer_bytes(token);
        out->has_token = true;
    }
    const SecBuffer *bindings = buffers_find(input, SECBUFFER_CHANNEL_BINDINGS);
    if (bindings != NULL) {
        out->bindings = buffer_bytes(bindings);
    }
    out->flags = call->flags;
    out->input = input;
    return step_target(call, input, owned, &out->target);
}

/* ---------------------------------------------------------------- output */

enum delivery { DELIVER_IN_PLACE, DELIVER_COPY, DELIVER_BLOCK };

struct delivery_plan {
    enum delivery how;
    SecBuffer *token; /* NULL: none given, so any token is too large */
    struct writer writer;
};

static bool is_stream(const struct package *package)
{
    return (package->capabilities & SECPKG_FLAG_STREAM) != 0;
}

static bool overlaps(const SecBuffer *buffer, struct bytes input)
{
    uintptr_t start = (uintptr_t)buffer->pvBuffer;
    uintptr_t other = (uintptr_t)input.data;
    return buffer->cbBuffer != 0 && input.size != 0 && start < other + input.size && other < start + buffer->cbBuffer;
}

/* Where the token goes (InitializeSecurityContext, pOutput).  A caller's buffer is written to directly, unless the
 * peer's token is still in it; a buffer without memory asks us to allocate as the flag does (observed on Windows). */
static void plan_delivery(const struct step_call *call, const struct buffers *output, struct bytes input,
                          const struct package *package, uint8_t *scratch, struct delivery_plan *out)
{
    bool stream = is_stream(package);
    SecBuffer *token = buffers_find(output, SECBUFFER_TOKEN);
    if (token == NULL && stream) {
        token = buffers_find(output, SECBUFFER_EMPTY); /* as callers of Schannel have it */
    }
    out->token = token;
    out->how = DELIVER_IN_PLACE;
    if (token == NULL) {
        out->writer = write_into(NULL, 0);
        return;
    }
    size_t maximum = token->cbBuffer;
    if ((call->flags & ISC_REQ_ALLOCATE_MEMORY) != 0 || (token->pvBuffer == NULL && token->cbBuffer != 0)) {
        out->how = DELIVER_BLOCK;
        maximum = stream ? STREAM_MAXIMUM : package->max_token;
    } else if (overlaps(token, input)) {
        out->how = DELIVER_COPY;
    } else {
        out->writer = write_into(token->pvBuffer, maximum);
        return;
    }
    out->writer = maximum <= SCRATCH_SIZE ? write_into(scratch, maximum) : write_growing(maximum);
}

/* The block for the caller; NULL in *out_block when nothing is to be sent, which FreeContextBuffer takes too. */
static SECURITY_STATUS make_block(const struct delivery_plan *plan, void **out_block)
{
    *out_block = NULL;
    if (plan->how == DELIVER_BLOCK && plan->writer.size != 0) {
        *out_block = context_buffer_copy(write_result(&plan->writer));
        REQUIRE(*out_block != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the output token");
    }
    return SEC_E_OK;
}

/* Writes the token's place and size into the caller's SecBuffer.  Its type changes only from EMPTY. */
static void deliver(struct delivery_plan *plan, void *block)
{
    if (plan->token == NULL) {
        return;
    }
    if (plan->how == DELIVER_BLOCK) {
        plan->token->pvBuffer = block;
    } else if (plan->how == DELIVER_COPY) {
        struct writer target = write_into(plan->token->pvBuffer, plan->token->cbBuffer);
        write_bytes(&target, write_result(&plan->writer));
    }
    plan->token->cbBuffer = (ULONG)plan->writer.size;
    if (buffer_type(plan->token) == SECBUFFER_EMPTY && plan->writer.size != 0) {
        plan->token->BufferType = SECBUFFER_TOKEN;
    }
}

/* The verdict on the channel bindings, once there is one, for whoever gave a buffer for it
 * (SECBUFFER_CHANNEL_BINDINGS_RESULT). */
static void deliver_bindings_result(const struct buffers *output, uint32_t result)
{
    SecBuffer *buffer = result == 0 ? NULL : buffers_find(output, SECBUFFER_CHANNEL_BINDINGS_RESULT);
    if (buffer != NULL && buffer->pvBuffer != NULL && buffer->cbBuffer >= sizeof(ULONG)) {
        *(ULONG *)buffer->pvBuffer = result;
        buffer->cbBuffer = sizeof(ULONG);
    }
}

/* After a failure only two things reach the caller: the verdict on the bindings, and an error token for the peer from a
 * package that has such tokens, when the caller asked for it.  What becomes of cbBuffer on SEC_E_BUFFER_TOO_SMALL is
 * decided here too: it stays as the caller gave it (observed on Windows with NTLM). */
static void deliver_failure(const struct step_call *call, const struct package *package, const struct buffers *output,
                            struct delivery_plan *plan, const struct step_out *out, SECURITY_STATUS status)
{
    if (status == SEC_E_BAD_BINDINGS) {
        deliver_bindings_result(output, out->bindings_result);
    }
    uint32_t asked = call->initiator ? ISC_REQ_EXTENDED_ERROR : ASC_REQ_EXTENDED_ERROR;
    bool has_error_tokens = (package->capabilities & (SECPKG_FLAG_EXTENDED_ERROR | SECPKG_FLAG_STREAM)) != 0;
    bool to_be_repeated = status == SEC_E_INCOMPLETE_MESSAGE || status == SEC_E_INSUFFICIENT_MEMORY;
    void *block = NULL;
    if (has_error_tokens && (call->flags & asked) != 0 && !to_be_repeated && plan->writer.size != 0 &&
        !plan->writer.bad && make_block(plan, &block) == SEC_E_OK) {
        deliver(plan, block);
    } else if (is_stream(package) && !to_be_repeated && plan->token != NULL) {
        plan->token->cbBuffer = 0; /* observed on Windows with Schannel, and with it alone */
    }
    if (is_stream(package) && call->context != NULL && status == SEC_E_INSUFFICIENT_MEMORY) {
        if (call->attributes != NULL) {
            *call->attributes = out->flags;
        }
        api_time(out->expiry, call->expiry);
    }
}

/* ---------------------------------------------------------------- the step */

/* What the trace line tells beside the status. */
struct step_report {
    const char *package;
    size_t in, out;
    ULONG attributes;
};

static void wipe_plan(struct delivery_plan *plan)
{
    if (plan->how != DELIVER_IN_PLACE) {
        write_free(&plan->writer);
    }
}

static void free_block(void **block)
{
    SECURITY_STATUS freed = context_buffer_free(*block);
    (void)freed;
}

/* Hands out everything a successful leg has to say.  Nothing is written until nothing can fail any more.  A later leg
 * gives the same handle again (observed on Windows); a first one gets its own. */
static SECURITY_STATUS finish(const struct step_call *call, struct context **new_context, SecHandle handle,
                              struct delivery_plan *plan, const struct step_out *out)
{
    TRY(write_end(&plan->writer));
    AUTO(free_block) void *block = NULL;
    TRY(make_block(plan, &block));
    if (*new_context != NULL) {
        TRY(handle_open(HANDLE_CONTEXT, *new_context, &handle));
        (*new_context)->handle = handle; /* nobody else knows it yet */
        *new_context = NULL;
    }
    deliver(plan, STEAL(block));
    deliver_bindings_result(out->output, out->bindings_result);
    if (call->new_context != NULL) {
        *call->new_context = handle;
    }
    if (call->attributes != NULL) {
        *call->attributes = out->flags | (call->flags & ISC_REQ_ALLOCATE_MEMORY);
    }
    api_time(out->expiry, call->expiry);
    return SEC_E_OK;
}

static SECURITY_STATUS run(const struct step_call *call, const struct parties *parties, const struct buffers *input,
                           const struct buffers *output, struct step_report *report)
{
    const struct package *package = parties->package;
    REQUIRE((call->initiator ? package->initiate : package->accept) != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "the package has no such side");

    AUTO_UTF16 owned_target = UTF16_NONE;
    struct step_in in = {0};
    TRY(step_input(call, input, &owned_target, &in));
    uint8_t scratch[SCRATCH_SIZE];
    AUTO(wipe_plan) struct delivery_plan plan;
    plan_delivery(call, output, in.token, package, scratch, &plan);
    struct step_out out = {.token = &plan.writer, .output = output, .expiry = CLOCK_NEVER};

    struct context *context = parties->context;
    SECURITY_STATUS status = call->sasl
                                 ? sasl_step(package, call->initiator, parties->credential, &context, &in, &out)
                                 : credential_step(package, parties->credential, call->initiator, &context, &in, &out);
    AUTO(dispose_new) struct context *new_context = parties->context == NULL ? context : NULL;
    report->in = in.token.size;
    if (status < 0) {
        deliver_failure(call, package, output, &plan, &out, status);
        return status;
    }
    bool found = parties->context == NULL && out.existing.dwLower != 0;
    REQUIRE(context != NULL || found, SEC_E_INTERNAL_ERROR, "a package answered a first leg without making a context");
    if (status == SEC_E_OK) {
        context->established = true;
    }
    if (status == SEC_I_INCOMPLETE_CREDENTIALS) {
        if (plan.token != NULL) {
            plan.token->cbBuffer = 0;
        }
        return status; /* the same call is to come again: nothing is handed out */
    }
    report->out = plan.writer.size;
    report->attributes = out.flags;
    TRY(finish(call, &new_context, found ? out.existing : parties->handle, &plan, &out));
    return status;
}

static SECURITY_STATUS step(const struct step_call *call, struct step_report *report)
{
    struct buffers input;
    struct buffers output;
    TRY(buffers_open(call->input, true, &input));
    TRY(buffers_open(call->output, false, &output));
    AUTO_PINNED credential = {.object = NULL};
    AUTO_PINNED context = {.object = NULL};
    struct parties parties = {0};
    if (call->context == NULL) {
        TRY(parties_first(call, &credential, &parties));
    } else {
        TRY(parties_later(call, &credential, &context, &parties));
    }
    report->package = parties.package->name;
    AUTO_LOCKS locks =
        parties.context != NULL ? context_lock(parties.context, CONTEXT_STEP) : (struct context_locks){0};
    (void)locks;
    return run(call, &parties, &input, &output, report);
}

/* The handle tells the lines of one context from those of another. */
static void trace_step(const struct step_call *call, const struct step_report *report, SECURITY_STATUS status)
{
    static const SecHandle none = {0, 0};
    const SecHandle *given = call->context != NULL ? call->context : status >= 0 ? call->new_context : NULL;
    const SecHandle *handle = given != NULL ? given : &none;
    AUTO_FREE char *target = NULL;
    if (call->target.size != 0 && utf16_to_utf8(call->target, &target, NULL) != SEC_E_OK) {
        target = NULL;
    }
    api_trace_detail(call->function, status,
                     " %s, %s leg of context %llx.%llx: target \"%.128s\", asked %08x, %zu bytes in, %zu out, got %08x",
                     report->package != NULL ? report->package : "?", call->context == NULL ? "first" : "later",
                     (unsigned long long)handle->dwLower, (unsigned long long)handle->dwUpper,
                     target != NULL ? target : "", (unsigned)call->flags, report->in, report->out,
                     (unsigned)report->attributes);
}

SECURITY_STATUS api_step(const struct step_call *call)
{
    struct step_report report = {0};
    SECURITY_STATUS status = step(call, &report);
    if (__builtin_expect(trace_on, 0)) {
        trace_step(call, &report, status);
    }
    return status;
}

SECURITY_STATUS SEC_ENTRY InitializeSecurityContextW(PCredHandle phCredential, PCtxtHandle phContext,
                                                     SEC_WCHAR *pszTargetName, ULONG fContextReq, ULONG Reserved1,
                                                     ULONG TargetDataRep, PSecBufferDesc pInput, ULONG Reserved2,
                                                     PCtxtHandle phNewContext, PSecBufferDesc pOutput,
                                                     PULONG pfContextAttr, PTimeStamp ptsExpiry)
{
    status_begin();
    struct step_call call = {
        .function = "InitializeSecurityContext",
        .initiator = true,
        .target_given = pszTargetName != NULL,
        .target = utf16_from_wide((const uint16_t *)pszTargetName),
        .credential = phCredential,
        .context = phContext,
        .flags = fContextReq,
        .input = pInput,
        .new_context = phNewContext,
        .output = pOutput,
        .attributes = pfContextAttr,
        .expiry = ptsExpiry,
    };
    return api_step(&call);
}

SECURITY_STATUS SEC_ENTRY AcceptSecurityContext(PCredHandle phCredential, PCtxtHandle phContext, PSecBufferDesc pInput,
                                                ULONG fContextReq, ULONG TargetDataRep, PCtxtHandle phNewContext,
                                                PSecBufferDesc pOutput, PULONG pfContextAttr, PTimeStamp ptsExpiry)
{
    status_begin();
    struct step_call call = {
        .function = "AcceptSecurityContext",
        .initiator = false,
        .credential = phCredential,
        .context = phContext,
        .flags = fContextReq,
        .input = pInput,
        .new_context = phNewContext,
        .output = pOutput,
        .attributes = pfContextAttr,
        .expiry = ptsExpiry,
    };
    return api_step(&call);
}

/* ---------------------------------------------------------------- what else a context goes through */

SECURITY_STATUS SEC_ENTRY DeleteSecurityContext(PCtxtHandle phContext)
{
    status_begin();
    SecHandle handle = phContext != NULL ? *phContext : (SecHandle){0, 0};
    SECURITY_STATUS status = handle_close(HANDLE_CONTEXT, &handle);
    if (__builtin_expect(trace_on, 0)) {
        api_trace_detail("DeleteSecurityContext", status, " of context %llx.%llx", (unsigned long long)handle.dwLower,
                         (unsigned long long)handle.dwUpper);
    }
    return status;
}

static SECURITY_STATUS complete(PCtxtHandle phContext, PSecBufferDesc pToken)
{
    AUTO_PINNED pinned = {.object = NULL};
    TRY(api_pin(HANDLE_CONTEXT, phContext, &pinned));
    struct context *context = pinned_context(&pinned);
    AUTO_LOCKS locks = context_lock(context, CONTEXT_STEP);
    (void)locks;
    if (context->package->complete == NULL) {
        REQUIRE(context->established, SEC_E_UNSUPPORTED_FUNCTION,
                "CompleteAuthToken: the package's tokens are complete as they are");
        return SEC_E_OK; /* nothing is left to do, as programs expect that ask after each leg */
    }
    struct buffers message;
    TRY(buffers_open(pToken, true, &message));
    return context->package->complete(context, &message);
}

SECURITY_STATUS SEC_ENTRY CompleteAuthToken(PCtxtHandle phContext, PSecBufferDesc pToken)
{
    status_begin();
    return api_end("CompleteAuthToken", complete(phContext, pToken));
}

static SECURITY_STATUS apply(PCtxtHandle phContext, PSecBufferDesc pInput)
{
    AUTO_PINNED pinned = {.object = NULL};
    TRY(api_pin(HANDLE_CONTEXT, phContext, &pinned));
    struct context *context = pinned_context(&pinned);
    REQUIRE(context->package->apply_token != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "ApplyControlToken: the package has no control tokens");
    REQUIRE(pInput != NULL, SEC_E_INTERNAL_ERROR, "ApplyControlToken: pInput is NULL"); /* observed on Windows */
    struct buffers message;
    TRY(buffers_open(pInput, true, &message));
    AUTO_LOCKS locks = context_lock(context, CONTEXT_STEP);
    (void)locks;
    return context->package->apply_token(context, &message);
}

SECURITY_STATUS SEC_ENTRY ApplyControlToken(PCtxtHandle phContext, PSecBufferDesc pInput)
{
    status_begin();
    return api_end("ApplyControlToken", apply(phContext, pInput));
}

SECURITY_STATUS SEC_ENTRY DelegateSecurityContext(PCtxtHandle phContext, LPSTR pszTarget,
                                                  SecDelegationType DelegationType, PTimeStamp pExpiry,
                                                  PSecBuffer pPackageParameters, PSecBufferDesc pOutput)
{
    status_begin();
    AUTO_PINNED pinned = {.object = NULL};
    SECURITY_STATUS status = api_pin(HANDLE_CONTEXT, phContext, &pinned);
    if (status == SEC_E_OK) {
        status = status_fail(SEC_E_UNSUPPORTED_FUNCTION, "DelegateSecurityContext: no package offers it", __FILE__,
                             __LINE__);
    }
    return api_end("DelegateSecurityContext", status);
}

/* ---------------------------------------------------------------- export and import */

/* Packs the context into a block, under its lock. */
static SECURITY_STATUS pack(struct context *context, ULONG flags, void **out_block, size_t *out_size)
{
    REQUIRE(context->package->export_context != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "ExportSecurityContext: the package's contexts cannot be moved");
    AUTO_WRITER writer = write_growing(EXPORT_MAXIMUM);
    AUTO_LOCKS locks = context_lock(context, CONTEXT_STEP);
    (void)locks;
    TRY(context->package->export_context(context, flags, &writer));
    TRY(write_end(&writer));
    *out_block = context_buffer_copy(write_result(&writer));
    REQUIRE(*out_block != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an exported context");
    *out_size = writer.size;
    if (context->package->exported != NULL) {
        context->package->exported(context);
    }
    return SEC_E_OK;
}

static void close_token(SecHandle *token)
{
    if (token->dwLower != 0) {
        SECURITY_STATUS closed = handle_close(HANDLE_TOKEN, token);
        (void)closed;
    }
}

/* The identity goes first, as the context may be at its end when it is packed.  One that stands for nobody, as a TLS server
 * whose client has no certificate, has none to give. */
static SECURITY_STATUS export_token(struct context *context, SecHandle *out)
{
    AUTO_LOCKS locks = context_lock(context, CONTEXT_STEP);
    (void)locks;
    SECURITY_STATUS status = api_context_token(context, HANDLE_TOKEN, out);
    if (status == SEC_E_NO_IMPERSONATION || status == SEC_E_UNSUPPORTED_FUNCTION) {
        *out = (SecHandle){0, 0};
        status_begin();
        return SEC_E_OK;
    }
    return status;
}

static SECURITY_STATUS export(PCtxtHandle phContext, ULONG fFlags, PSecBuffer pPackedContext, HANDLE *pToken)
{
    AUTO_PINNED pinned = {.object = NULL};
    TRY(api_pin(HANDLE_CONTEXT, phContext, &pinned));
    struct context *context = pinned_context(&pinned);
    REQUIRE(pPackedContext != NULL, SEC_E_INVALID_TOKEN, "ExportSecurityContext: pPackedContext is NULL");
    REQUIRE((fFlags & SECPKG_CONTEXT_EXPORT_TO_KERNEL) == 0, SEC_E_NOT_SUPPORTED,
            "ExportSecurityContext: there is no kernel side to export to");
    AUTO(free_block) void *block = NULL;
    AUTO(close_token) SecHandle token = {0, 0};
    size_t size = 0;
    if (pToken != NULL && !context->initiator) {
        TRY(export_token(context, &token));
    }
    TRY(pack(context, fFlags, &block, &size));
    if ((fFlags & SECPKG_CONTEXT_EXPORT_DELETE_OLD) != 0) {
        SECURITY_STATUS closed = handle_close(HANDLE_CONTEXT, &pinned.handle);
        (void)closed; /* another thread may have deleted it meanwhile: it is gone either way */
    }
    *pPackedContext = (SecBuffer){.cbBuffer = (ULONG)size, .BufferType = SECBUFFER_EMPTY, .pvBuffer = STEAL(block)};
    if (pToken != NULL) {
        *pToken = token.dwLower != 0 ? handle_pack(&token) : NULL;
        token = (SecHandle){0, 0};
    }
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY ExportSecurityContext(PCtxtHandle phContext, ULONG fFlags, PSecBuffer pPackedContext,
                                                HANDLE *pToken)
{
    status_begin();
    return api_end("ExportSecurityContext", export(phContext, fFlags, pPackedContext, pToken));
}

SECURITY_STATUS api_import(const struct package *package, const SecBuffer *packed, PCtxtHandle context)
{
    REQUIRE(package != NULL, SEC_E_SECPKG_NOT_FOUND, "ImportSecurityContext: no package of this name");
    REQUIRE(package->import_context != NULL || package->import_for != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "ImportSecurityContext: the package's contexts cannot be moved");
    REQUIRE(context != NULL, SEC_E_INVALID_HANDLE, "ImportSecurityContext: phContext is NULL");
    REQUIRE(packed != NULL && (packed->pvBuffer != NULL || packed->cbBuffer == 0), SEC_E_INVALID_TOKEN,
            "ImportSecurityContext: no packed context");
    AUTO(dispose_new) struct context *made = NULL;
    TRY(package->import_for != NULL ? package->import_for(package, buffer_bytes(packed), &made)
                                    : package->import_context(buffer_bytes(packed), &made));
    SecHandle handle;
    TRY(handle_open(HANDLE_CONTEXT, made, &handle));
    made = NULL;
    *context = handle;
    return SEC_E_OK;
}

SECURITY_STATUS SEC_ENTRY ImportSecurityContextW(SEC_WCHAR *pszPackage, PSecBuffer pPackedContext, HANDLE Token,
                                                 PCtxtHandle phContext)
{
    status_begin();
    const struct package *package = package_find(utf16_from_wide((const uint16_t *)pszPackage));
    return api_end("ImportSecurityContext", api_import(package, pPackedContext, phContext));
}
