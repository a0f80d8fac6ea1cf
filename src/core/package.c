#include "core/package.h"

#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "core/handle.h"

bool package_is_same(const struct package *a, const struct package *b)
{
    const char *name_of_a = a->alias_of != NULL ? a->alias_of : a->name;
    const char *name_of_b = b->alias_of != NULL ? b->alias_of : b->name;
    return a == b || strcmp(name_of_a, name_of_b) == 0;
}

/* ---------------------------------------------------------------- the list */

static struct added_package *_Atomic first_added;

void package_add(struct added_package *added)
{
    struct added_package *_Atomic *end = &first_added;
    struct added_package *at = atomic_load_explicit(end, memory_order_relaxed);
    while (at != NULL) {
        end = &at->next;
        at = atomic_load_explicit(end, memory_order_relaxed);
    }
    atomic_init(&added->next, NULL);
    atomic_init(&added->there, true);
    atomic_store_explicit(end, added, memory_order_release);
}

struct added_package *package_added(void)
{
    return atomic_load_explicit(&first_added, memory_order_acquire);
}

struct added_package *package_added_after(struct added_package *added)
{
    return atomic_load_explicit(&added->next, memory_order_acquire);
}

const struct package *package_next(const struct package *previous)
{
    for (size_t i = 0; i < package_count; i++) {
        if (previous == NULL || (i > 0 && packages[i - 1] == previous)) {
            return packages[i];
        }
    }
    bool last = previous == NULL || (package_count > 0 && packages[package_count - 1] == previous);
    struct added_package *added =
        last ? package_added() : package_added_after((struct added_package *)(uintptr_t)previous);
    while (added != NULL && !atomic_load_explicit(&added->there, memory_order_acquire)) {
        added = package_added_after(added);
    }
    return added != NULL ? &added->package : NULL;
}

static bool is_named(const struct package *package, struct utf16 name)
{
    uint8_t wide[2 * PACKAGE_NAME_MAX];
    size_t length = strlen(package->name);
    if (utf16_length(name) != length) {
        return false;
    }
    for (size_t c = 0; c < length; c++) {
        wide[2 * c] = (uint8_t)package->name[c];
        wide[2 * c + 1] = 0;
    }
    return utf16_equal_nocase(name, (struct utf16){wide, 2 * length});
}

const struct package *package_find(struct utf16 name)
{
    if (name.size == 0 || utf16_length(name) >= PACKAGE_NAME_MAX) {
        return NULL;
    }
    const struct package *package = package_next(NULL);
    while (package != NULL && !is_named(package, name)) {
        package = package_next(package);
    }
    return package;
}

const struct package *package_find_utf8(const char *name)
{
    const struct package *package = package_next(NULL);
    while (package != NULL && strcasecmp(name, package->name) != 0) {
        package = package_next(package);
    }
    return package;
}

void context_init(struct context *context, const struct package *package, bool initiator)
{
    context->package = package;
    context->initiator = initiator;
    context->established = false;
    context->handle = (SecHandle){0, 0};
    context->token_handle = (SecHandle){0, 0};
    context->sasl = NULL;
    context->end_sasl = NULL;
    atomic_init(&context->one_stream, false);
    pthread_mutex_init(&context->send_lock, NULL);
    pthread_mutex_init(&context->receive_lock, NULL);
}

void context_forget_token(struct context *context)
{
    if (context->token_handle.dwLower != 0) {
        SECURITY_STATUS closed = handle_close(HANDLE_CONTEXT_TOKEN, &context->token_handle);
        (void)closed; /* nobody else can have closed it */
        context->token_handle = (SecHandle){0, 0};
    }
}

void context_fini(struct context *context)
{
    context_forget_token(context);
    if (context->sasl != NULL) {
        context->end_sasl(context->sasl);
    }
    pthread_mutex_destroy(&context->send_lock);
    pthread_mutex_destroy(&context->receive_lock);
}

static void release(struct credential **credential)
{
    if (*credential != NULL) {
        (*credential)->package->release(*credential);
    }
}

SECURITY_STATUS credential_acquire(const struct package *package, const struct credential_in *in, enum handle_kind kind,
                                   struct credential **out_credential, uint64_t *out_expiry)
{
    REQUIRE(package->acquire != NULL, SEC_E_UNSUPPORTED_FUNCTION, "the package has no credentials");
    AUTO(release) struct credential *credential = NULL;
    struct credential *made = NULL;
    uint64_t expiry = CLOCK_NEVER;
    struct credential_in own = *in;
    own.package = package;
    TRY(package->acquire(&own, &made, &expiry));
    credential = made;
    credential->package = package;
    credential->use = in->use;
    credential->kind = (uint8_t)kind;
    atomic_init(&credential->other, NULL);
    TRY(handle_open(kind, credential, &credential->handle));
    *out_credential = STEAL(credential);
    *out_expiry = expiry;
    return SEC_E_OK;
}

void credential_close(struct credential *credential)
{
    if (credential != NULL) {
        SecHandle handle = credential->handle;
        SECURITY_STATUS closed = handle_close((enum handle_kind)credential->kind, &handle);
        (void)closed; /* the caller of FreeCredentialsHandle was first */
    }
}

/* Whoever walks along those that were added holds the first one, which nobody does now: the chain is taken apart here, and not
 * by a call within a call for each. */
static void end_credential(void *object)
{
    struct credential *credential = object;
    struct credential *other = atomic_exchange_explicit(&credential->other, NULL, memory_order_acq_rel);
    credential->package->release(credential);
    while (other != NULL) {
        struct credential *next = atomic_exchange_explicit(&other->other, NULL, memory_order_acq_rel);
        credential_close(other); /* a context may still hold it */
        other = next;
    }
}

/* ---------------------------------------------------------------- several identities */

SECURITY_STATUS credential_add(struct credential *credential, const struct credential_in *in, uint64_t *out_expiry)
{
    REQUIRE((in->use & credential->use) == credential->use, SEC_E_NO_CREDENTIALS,
            "AddCredentials: fCredentialUse lacks a direction that the handle was acquired for");
    struct credential *made = NULL;
    TRY(credential_acquire(credential->package, in, HANDLE_CREDENTIAL_PART, &made, out_expiry));
    struct credential *last = credential, *none = NULL;
    while (!atomic_compare_exchange_strong_explicit(&last->other, &none, made, memory_order_acq_rel,
                                                    memory_order_acquire)) {
        last = none;
        none = NULL;
    }
    return SEC_E_OK;
}

/* The identity is not the one that is wanted here; another one may be. */
static bool does_not_fit(SECURITY_STATUS status, bool initiator)
{
    switch (status) {
    case SEC_E_NO_CREDENTIALS:
    case SEC_E_WRONG_PRINCIPAL:
        return true;
    case SEC_E_NO_KERB_KEY: /* a server without the key of the client's ticket */
        return !initiator;
    case SEC_E_LOGON_DENIED: /* of a server this is a verdict on the client */
    case SEC_E_NO_AUTHENTICATING_AUTHORITY:
    case SEC_E_TARGET_UNKNOWN:
        return initiator;
    default:
        return false;
    }
}

/* The first one's answer, which those of the others do not cover: an error token may be in it. */
struct first_answer {
    struct step_out out;
    struct writer token; /* a copy */
};

static void first_answer_free(struct first_answer *answer)
{
    write_free(&answer->token);
}

static STATUS first_answer_keep(const struct step_out *out, struct first_answer *answer)
{
    answer->out = *out;
    write_bytes(&answer->token, write_result(out->token));
    return write_end(&answer->token);
}

static void first_answer_give(const struct first_answer *answer, struct step_out *out)
{
    *out = answer->out;
    write_restart(out->token);
    write_bytes(out->token, write_result(&answer->token));
}

static void begin_again(struct step_out *out)
{
    write_restart(out->token);
    out->flags = 0;
    out->expiry = CLOCK_NEVER;
    out->bindings_result = 0;
    out->existing = (SecHandle){0, 0};
}

/* Whoever was added behind `credential`, in turn; `status` is its own answer. */
static SECURITY_STATUS try_others(const struct package *package, struct credential *credential, bool initiator,
                                  struct context **context, const struct step_in *in, struct step_out *out,
                                  SECURITY_STATUS status)
{
    AUTO(first_answer_free) struct first_answer answer = {.token = write_growing(out->token->maximum)};
    TRY(first_answer_keep(out, &answer));
    for (struct credential *other = atomic_load_explicit(&credential->other, memory_order_acquire); other != NULL;
         other = atomic_load_explicit(&other->other, memory_order_acquire)) {
        begin_again(out);
        SECURITY_STATUS next = (initiator ? package->initiate : package->accept)(other, context, in, out);
        if (next >= 0) {
            status_begin(); /* what the first one lacked is no failure any more */
            return next;
        }
        if (!does_not_fit(next, initiator)) {
            return next;
        }
    }
    first_answer_give(&answer, out);
    return status;
}

SECURITY_STATUS credential_step(const struct package *package, struct credential *credential, bool initiator,
                                struct context **context, const struct step_in *in, struct step_out *out)
{
    bool first = *context == NULL;
    SECURITY_STATUS status = (initiator ? package->initiate : package->accept)(credential, context, in, out);
    if (status >= 0 || !first || !does_not_fit(status, initiator) ||
        atomic_load_explicit(&credential->other, memory_order_acquire) == NULL) {
        return status;
    }
    return try_others(package, credential, initiator, context, in, out, status);
}

SECURITY_STATUS step_asks_nobody(const struct step_in *in)
{
    REQUIRE((in->flags & ISC_REQ_PROMPT_FOR_CREDS) == 0, SEC_E_UNSUPPORTED_FUNCTION,
            "nobody can be asked for credentials here (InitializeSecurityContext, ISC_REQ_PROMPT_FOR_CREDS)");
    return SEC_E_OK;
}

__attribute__((constructor)) static void name_destructors(void)
{
    handle_destructor(HANDLE_CREDENTIAL, end_credential);
    handle_destructor(HANDLE_CREDENTIAL_PART, end_credential);
}
