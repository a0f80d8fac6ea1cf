#include "module/load.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/trace.h"
#include "module/module.h"
#include "module/trust.h"

/* Held while a module comes or goes, so that the same one does not come twice.  A thread that has it may load a module
 * whose constructors fork: so it is recursive, and a child gets one of its own. */
static pthread_mutex_t lock;

static void lock_make(void)
{
    pthread_mutexattr_t kind;
    (void)pthread_mutexattr_init(&kind);
    (void)pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&lock, &kind);
    (void)pthread_mutexattr_destroy(&kind);
}

static void lock_take(void)
{
    pthread_mutex_lock(&lock);
}

static void lock_give(void)
{
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void lock_start(void)
{
    lock_make();
    (void)pthread_atfork(lock_take, lock_give, lock_make);
}

static void lock_end(int *unused)
{
    (void)unused;
    lock_give();
}

#define AUTO_LOCK AUTO(lock_end) __attribute__((unused)) int

/* ---------------------------------------------------------------- loading */

static SECURITY_STATUS refuse(SECURITY_STATUS status, const char *why)
{
    return status_fail_text(status, why != NULL ? why : "the module gives no reason", __FILE__, __LINE__);
}

static const SSPI_PACKAGE_HOST host = {sizeof host, SSPI_PACKAGE_INTERFACE, refuse};

static bool is_loaded(const struct module *module)
{
    return atomic_load_explicit(&module->added.there, memory_order_acquire);
}

static struct module *find_loaded(const char *name)
{
    for (struct added_package *added = package_added(); added != NULL; added = package_added_after(added)) {
        struct module *module = (struct module *)added;
        if (is_loaded(module) && (strcasecmp(module->name, name) == 0 || strcmp(module->path, name) == 0)) {
            return module;
        }
    }
    return NULL;
}

static void module_free(struct module **module)
{
    if (*module != NULL) {
        if ((*module)->library != NULL) {
            (void)dlclose((*module)->library);
        }
        free((*module)->path);
        free(*module);
    }
}

/* RTLD_LOCAL: what the module defines is nobody else's, SspiPackageInitialize least of all. */
static SECURITY_STATUS open_library(struct module *module)
{
    module->library = dlopen(module->path, RTLD_NOW | RTLD_LOCAL);
    if (module->library == NULL) {
        const char *why = dlerror();
        return status_fail_text(SEC_E_CANNOT_INSTALL, why != NULL ? why : "dlopen failed", __FILE__, __LINE__);
    }
    void *symbol = dlsym(module->library, SSPI_PACKAGE_INITIALIZE_NAME);
    REQUIRE(symbol != NULL, SEC_E_CANNOT_INSTALL, "the module does not export " SSPI_PACKAGE_INITIALIZE_NAME);
    SSPI_PACKAGE_INITIALIZE *initialize = NULL;
    memcpy(&initialize, &symbol, sizeof initialize); /* POSIX' way to make a function of an address (dlsym(3)) */
    return module_adopt(module, initialize(&host));
}

static SECURITY_STATUS load_file(const char *path)
{
    AUTO_FREE char *real = NULL;
    TRY(module_trust(path, &real));
    if (find_loaded(real) != NULL) {
        return SEC_E_OK;
    }
    AUTO(module_free) struct module *module = calloc(1, sizeof *module);
    REQUIRE(module != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a module");
    module->path = STEAL(real);
    TRY(open_library(module));
    REQUIRE(package_find_utf8(module->name) == NULL, SEC_E_CANNOT_INSTALL,
            "the module's package has the name of one that is there");
    TRACE("module: %s from %s", module->name, module->path);
    package_add(&STEAL(module)->added);
    return SEC_E_OK;
}

SECURITY_STATUS module_load(const char *name)
{
    lock_take();
    AUTO_LOCK locked = 0;
    if (strchr(name, '/') != NULL) {
        return load_file(name);
    }
    AUTO_FREE char *path = NULL;
    TRY(module_search(name, &path));
    return load_file(path);
}

/* ---------------------------------------------------------------- unloading */

/* Its memory stays: somebody may have found the package just before (module.h). */
static SECURITY_STATUS unload(struct module *module)
{
    REQUIRE(module_close(module), (SECURITY_STATUS)HRESULT_FROM_WIN32(ERROR_BUSY),
            "DeleteSecurityPackage: credentials or contexts of the package are left");
    atomic_store_explicit(&module->added.there, false, memory_order_release);
    TRACE("module: %s goes", module->name);
    if (module->table.Shutdown != NULL) {
        module->table.Shutdown();
    }
    (void)dlclose(module->library);
    module->library = NULL;
    return SEC_E_OK;
}

SECURITY_STATUS module_unload(const char *name)
{
    lock_take();
    AUTO_LOCK locked = 0;
    struct module *module = find_loaded(name);
    if (module == NULL && name[0] == '/') { /* a path with links in it, as AddSecurityPackage took it */
        AUTO_FREE char *real = realpath(name, NULL);
        module = real != NULL ? find_loaded(real) : NULL;
    }
    REQUIRE(module != NULL, SEC_E_SECPKG_NOT_FOUND, "DeleteSecurityPackage: no package of this name");
    return unload(module);
}
