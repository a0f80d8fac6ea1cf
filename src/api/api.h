/* What the files of api/ share: the end of a call, pinned handles, and the one implementation behind each A/W pair.
 *
 * A public function is `status_begin(); return api_end("Name", its_core(...));`.  The cores take UTF-16 and do the work.
 */
#ifndef OPENSSPI_API_API_H
#define OPENSSPI_API_API_H

#include "api/public.h"

#include "base/auto.h"
#include "base/status.h"
#include "base/trace.h"
#include "core/handle.h"
#include "core/package.h"

/* ---------------------------------------------------------------- the end of a call */

void api_trace(const char *function, SECURITY_STATUS status) __attribute__((cold));

/* The same for calls that have more to tell; `detail` follows the function's name. */
void api_trace_detail(const char *function, SECURITY_STATUS status, const char *detail, ...)
    __attribute__((cold, format(printf, 3, 4)));

/* Returns `status`; with tracing on, one line tells what came of `function` and why. */
static inline SECURITY_STATUS api_end(const char *function, SECURITY_STATUS status)
{
    if (__builtin_expect(trace_on, 0)) {
        api_trace(function, status);
    }
    return status;
}

/* The same for functions that ask for, or set, an attribute by number. */
static inline SECURITY_STATUS api_end_attribute(const char *function, ULONG attribute, SECURITY_STATUS status)
{
    if (__builtin_expect(trace_on, 0)) {
        api_trace_detail(function, status, " %u", (unsigned)attribute);
    }
    return status;
}

/* ---------------------------------------------------------------- handles */

/* An object that cannot end while this is in scope.  The handle is a copy: the caller's own may change meanwhile. */
struct pinned {
    enum handle_kind kind;
    SecHandle handle;
    void *object;
};

/* SEC_E_INVALID_HANDLE for NULL and for whatever is not an open handle of this kind. */
STATUS api_pin(enum handle_kind kind, const SecHandle *handle, struct pinned *out);

static inline void api_unpin(struct pinned *pinned)
{
    if (pinned->object != NULL) {
        handle_unpin(pinned->kind, &pinned->handle);
    }
}

#define AUTO_PINNED AUTO(api_unpin) struct pinned

static inline struct context *pinned_context(const struct pinned *pinned)
{
    return (struct context *)pinned->object;
}

static inline struct credential *pinned_credential(const struct pinned *pinned)
{
    return (struct credential *)pinned->object;
}

/* Holds a context's locks to the end of the scope. */
#define AUTO_LOCKS AUTO(context_unlock) struct context_locks

/* ---------------------------------------------------------------- times */

/* A FILETIME (UTC) as SSPI hands times out: local, "never" kept.  `out` may be NULL. */
void api_time(uint64_t utc, PTimeStamp out);

/* ---------------------------------------------------------------- package.c */

/* SecPkgInfoA or W of each package in one context buffer, the strings behind the array (sspi-structs 1). */
STATUS api_package_infos(const struct package *const *list, size_t count, bool wide, void **out_block);

STATUS api_enumerate_packages(bool wide, ULONG *count, void **infos);
STATUS api_query_package(const struct package *package, bool wide, void **info);
STATUS api_change_password(const struct package *package, const struct password_change *change,
                           const SecBufferDesc *output);
STATUS api_add_package(struct utf16 name, const SECURITY_PACKAGE_OPTIONS *options);
STATUS api_delete_package(struct utf16 name);

/* ---------------------------------------------------------------- credentials.c */

struct acquire_call {
    struct utf16 principal;
    const struct package *package;
    ULONG use;
    const void *auth_data;
    PCredHandle credential;
    PTimeStamp expiry;
};

/* AcquireCredentialsHandle, with its trace line. */
STATUS api_acquire(const struct acquire_call *call);
/* AddCredentials; call->package counts where the caller named one. */
STATUS api_add_credentials(const struct acquire_call *call, bool named);
STATUS api_set_credential(PCredHandle credential, ULONG attribute, const void *value, size_t size);

/* ---------------------------------------------------------------- context.c */

struct step_call {
    const char *function;
    bool initiator;
    bool sasl;         /* one of SASL's functions: the layer follows (sasl_layer.h) */
    bool target_given; /* pszTargetName was not NULL */
    struct utf16 target;
    PCredHandle credential;
    PCtxtHandle context;
    ULONG flags;
    const SecBufferDesc *input;
    PCtxtHandle new_context;
    const SecBufferDesc *output;
    ULONG *attributes;
    PTimeStamp expiry;
};

/* InitializeSecurityContext and AcceptSecurityContext, with their trace line. */
STATUS api_step(const struct step_call *call);

/* The same to a target in the A functions' text (ansi.c). */
STATUS api_step_to(const char *target, struct step_call *call);

STATUS api_import(const struct package *package, const SecBuffer *packed, PCtxtHandle context);

/* ---------------------------------------------------------------- attributes.c */

#define SIZE_UNKNOWN SIZE_MAX /* the caller of a function without Ex did not say how large its struct is */

STATUS api_query_context(PCtxtHandle context, ULONG attribute, void *buffer, size_t size, bool wide);
STATUS api_query_credential(PCredHandle credential, ULONG attribute, void *buffer, size_t size, bool wide);
STATUS api_set_context(PCtxtHandle context, ULONG attribute, const void *value, size_t size);

/* ---------------------------------------------------------------- token.c */

/* A HANDLE's worth of the identity an acceptor context stands for; the caller holds both of its locks.
 * SEC_E_NO_IMPERSONATION for initiators and contexts that are not established; SEC_E_UNSUPPORTED_FUNCTION when the
 * package has no identities. */
STATUS api_context_token(struct context *context, enum handle_kind kind, SecHandle *out);

#endif
