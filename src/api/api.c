/* The ends of every call: what a handle's end means, tracing, times. */
#include "api/api.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/token.h"

static void end_context(void *object)
{
    struct context *context = object;
    context->package->dispose(context);
}

static void end_token(void *object)
{
    token_drop(object);
}

__attribute__((constructor)) static void name_destructors(void)
{
    handle_destructor(HANDLE_CONTEXT, end_context);
    handle_destructor(HANDLE_TOKEN, end_token);
    handle_destructor(HANDLE_CONTEXT_TOKEN, end_token);
}

void api_trace_detail(const char *function, SECURITY_STATUS status, const char *detail, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, detail);
    vsnprintf(text, sizeof text, detail, arguments);
    va_end(arguments);
    const char *name = status_name(status);
    const char *why = status < 0 ? status_reason(NULL, NULL, NULL) : NULL;
    TRACE("%s%s -> %s (%08x)%s%s", function, text, name != NULL ? name : "status", (unsigned)status,
          why != NULL ? ": " : "", why != NULL ? why : "");
}

void api_trace(const char *function, SECURITY_STATUS status)
{
    api_trace_detail(function, status, "%s", "");
}

SECURITY_STATUS api_pin(enum handle_kind kind, const SecHandle *handle, struct pinned *out)
{
    out->object = NULL;
    REQUIRE(handle != NULL, SEC_E_INVALID_HANDLE, "the handle pointer is NULL");
    out->kind = kind;
    out->handle = *handle;
    out->object = handle_pin(kind, &out->handle);
    REQUIRE(out->object != NULL, SEC_E_INVALID_HANDLE,
            "not an open handle of this kind: stale, zeroed, or of another kind");
    return SEC_E_OK;
}

void api_time(uint64_t utc, PTimeStamp out)
{
    if (out != NULL) {
        bool no_time = utc == 0; /* what Schannel hands out */
        out->QuadPart = (LONGLONG)(utc >= CLOCK_NEVER ? CLOCK_NEVER : no_time ? 0 : clock_to_local(utc));
    }
}
