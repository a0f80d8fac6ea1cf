#include "core/package.h"

#include <string.h>

#include "base/auto.h"
#include "core/handle.h"

bool package_is_same(const struct package *a, const struct package *b)
{
    const char *name_of_a = a->alias_of != NULL ? a->alias_of : a->name;
    const char *name_of_b = b->alias_of != NULL ? b->alias_of : b->name;
    return a == b || strcmp(name_of_a, name_of_b) == 0;
}

const struct package *package_find(struct utf16 name)
{
    if (name.size == 0 || utf16_length(name) >= PACKAGE_NAME_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < package_count; i++) {
        uint8_t wide[2 * PACKAGE_NAME_MAX];
        const char *candidate = packages[i]->name;
        size_t length = strlen(candidate);
        if (utf16_length(name) != length) {
            continue;
        }
        for (size_t c = 0; c < length; c++) {
            wide[2 * c] = (uint8_t)candidate[c];
            wide[2 * c + 1] = 0;
        }
        if (utf16_equal_nocase(name, (struct utf16){wide, 2 * length})) {
            return packages[i];
        }
    }
    return NULL;
}

const struct package *package_find_utf8(const char *name)
{
    for (size_t i = 0; i < package_count; i++) {
        if (strcasecmp(name, packages[i]->name) == 0) {
            return packages[i];
        }
    }
    return NULL;
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
    TRY(package->acquire(in, &made, &expiry));
    credential = made;
    credential->package = package;
    credential->use = in->use;
    credential->kind = (uint8_t)kind;
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

static void end_credential(void *object)
{
    struct credential *credential = object;
    credential->package->release(credential);
}

__attribute__((constructor)) static void name_destructors(void)
{
    handle_destructor(HANDLE_CREDENTIAL, end_credential);
    handle_destructor(HANDLE_CREDENTIAL_PART, end_credential);
}
