/* What FreeRDP's programs do not let a test choose.  Loaded before them (LD_PRELOAD):
 *
 *   FREERDP_REGISTRY=FILE   read in place of /etc/winpr/HKLM.reg
 *   FREERDP_MODULE=LIBRARY  the table of functions for FreeRDP 2's client, which has no /sspi-module
 *
 * Names under sspi.test are on loopback, which no file of this machine says; standard output is not kept back. */
#undef _FILE_OFFSET_BITS /* it would make one function of fopen and fopen64 */
#include <dlfcn.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

typedef FILE *open_function(const char *path, const char *mode);
typedef void *table_function(void);
typedef void *table_ex_function(uint32_t flags);
typedef int resolve_function(const char *node, const char *service, const struct addrinfo *hints,
                             struct addrinfo **result);

EXPORTED open_function fopen, fopen64;
EXPORTED table_ex_function InitSecurityInterfaceExA;
EXPORTED resolve_function getaddrinfo;

/* What a program says is to be read while it runs. */
static __attribute__((constructor)) void speak_by_lines(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), size = strlen(end);
    return length >= size && strcmp(text + length - size, end) == 0;
}

static const char *registry(const char *path)
{
    const char *file = getenv("FREERDP_REGISTRY");
    return file != NULL && ends_with(path, "/HKLM.reg") ? file : path;
}

FILE *fopen(const char *path, const char *mode)
{
    return ((open_function *)dlsym(RTLD_NEXT, "fopen"))(registry(path), mode);
}

FILE *fopen64(const char *path, const char *mode)
{
    return ((open_function *)dlsym(RTLD_NEXT, "fopen64"))(registry(path), mode);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    bool here = node != NULL && ends_with(node, ".sspi.test");
    return ((resolve_function *)dlsym(RTLD_NEXT, "getaddrinfo"))(here ? "127.0.0.1" : node, service, hints, result);
}

void *InitSecurityInterfaceExA(uint32_t flags)
{
    const char *path = getenv("FREERDP_MODULE");
    if (path == NULL) {
        return ((table_ex_function *)dlsym(RTLD_NEXT, "InitSecurityInterfaceExA"))(flags);
    }
    void *library = dlopen(path, RTLD_LOCAL | RTLD_LAZY); /* as FreeRDP 3 opens it; never closed */
    table_function *entry = library != NULL ? (table_function *)dlsym(library, "InitSecurityInterfaceA") : NULL;
    if (entry == NULL) {
        fprintf(stderr, "freerdp_shim: %s\n", dlerror());
        abort(); /* FreeRDP 2 would call through NULL */
    }
    return entry();
}
