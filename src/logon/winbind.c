#include "logon/winbind.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/trace.h"
#include "logon/process.h"

#define LIBRARY "libwbclient.so.0"

/* POSIX has dlsym's object pointers convert to functions this way. */
static const struct {
    const char *name;
    size_t member;
} functions[] = {
    {"wbcCtxCreate", offsetof(struct winbind, create)},
    {"wbcCtxFree", offsetof(struct winbind, destroy)},
    {"wbcFreeMemory", offsetof(struct winbind, release)},
    {"wbcCtxPing", offsetof(struct winbind, ping)},
    {"wbcCtxAuthenticateUserEx", offsetof(struct winbind, authenticate)},
    {"wbcCtxInterfaceDetails", offsetof(struct winbind, interface_details)},
    {"wbcCtxDomainInfo", offsetof(struct winbind, domain_info)},
    {"wbcCtxLookupName", offsetof(struct winbind, lookup_name)},
    {"wbcCtxLookupSid", offsetof(struct winbind, lookup_sid)},
    {"wbcCtxGetDisplayName", offsetof(struct winbind, display_name)},
    {"wbcStringToSid", offsetof(struct winbind, sid_from_text)},
    {"wbcSidToStringBuf", offsetof(struct winbind, sid_to_text)},
    {"wbcCtxUidToSid", offsetof(struct winbind, sid_of_uid)},
    {"wbcCtxSetpwent", offsetof(struct winbind, users_begin)},
    {"wbcCtxGetpwent", offsetof(struct winbind, users_next)},
    {"wbcCtxEndpwent", offsetof(struct winbind, users_end)},
};

static bool find_functions(void *library, struct winbind *out)
{
    bool all = true;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *found = dlsym(library, functions[i].name);
        *(void **)((char *)out + functions[i].member) = found;
        all = all && found != NULL;
    }
    return all;
}

/* Under the process lock.  The library is never closed: a thread that waits for winbindd may be in it. */
static SECURITY_STATUS load(const struct winbind **out)
{
    AUTO_FREE struct winbind *fresh = calloc(1, sizeof *fresh);
    REQUIRE(fresh != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for winbind");
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        TRACE("winbind: %s", dlerror());
        FAIL(SEC_E_NO_AUTHENTICATING_AUTHORITY, "libwbclient.so.0 cannot be loaded (package libwbclient0)");
    }
    if (!find_functions(library, fresh)) {
        (void)dlclose(library);
        FAIL(SEC_E_NO_AUTHENTICATING_AUTHORITY, "libwbclient.so.0 is older than Samba 4.2");
    }
    *out = STEAL(fresh);
    return SEC_E_OK;
}

SECURITY_STATUS winbind_load(const struct winbind **out)
{
    static _Atomic(const struct winbind *) loaded;
    const struct winbind *found = atomic_load_explicit(&loaded, memory_order_acquire);
    if (found == NULL) {
        PROCESS_LOCKED;
        found = atomic_load_explicit(&loaded, memory_order_acquire);
        if (found == NULL) {
            TRY(load(&found));
            atomic_store_explicit(&loaded, found, memory_order_release);
        }
    }
    *out = found;
    return SEC_E_OK;
}
