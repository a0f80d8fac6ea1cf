/* LoadLibrary and GetProcAddress: the names of Windows' modules lead to our two libraries. */
#include "port.h"

#include <dlfcn.h>
#include <stdlib.h>

static const char sspi_modules[][16] = {"secur32", "security", "sspicli", "schannel", "crypt32", "ncrypt", "bcrypt"};
static const char port_modules[][16] = {"kernel32", "advapi32"};

static bool is_one_of(const char *name, size_t length, const char (*names)[16], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) == length && strncasecmp(names[i], name, length) == 0) {
            return true;
        }
    }
    return false;
}

/* Where a library of ours lies in memory, and its file. */
static bool library_of(const void *function, Dl_info *out)
{
    return dladdr(function, out) != 0 && out->dli_fname != NULL;
}

/* A function of the library that `name` leads to; NULL: to none. */
static const void *function_in(const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        if (*at == '\\' || *at == '/') {
            name = at + 1;
        }
    }
    size_t length = strlen(name);
    if (length > 4 && strcasecmp(name + length - 4, ".dll") == 0) {
        length -= 4;
    }
    if (is_one_of(name, length, sspi_modules, _countof(sspi_modules))) {
        return (const void *)(uintptr_t)FreeContextBuffer;
    }
    if (is_one_of(name, length, port_modules, _countof(port_modules))) {
        return (const void *)(uintptr_t)FormatMessageA;
    }
    return NULL;
}

/* The handle is where the library lies, as it is on Windows; both stay as long as the program. */
static HMODULE module_of(const char *name)
{
    Dl_info library;
    const void *function = name == NULL ? NULL : function_in(name);
    if (function == NULL || !library_of(function, &library)) {
        return fail_null(ERROR_MOD_NOT_FOUND);
    }
    return (HMODULE)library.dli_fbase;
}

HMODULE WINAPI LoadLibraryA(LPCSTR lpLibFileName)
{
    return module_of(lpLibFileName);
}

HMODULE WINAPI LoadLibraryExA(LPCSTR lpLibFileName, HANDLE hFile, DWORD dwFlags)
{
    return module_of(lpLibFileName);
}

HMODULE WINAPI GetModuleHandleA(LPCSTR lpModuleName)
{
    return module_of(lpModuleName);
}

HMODULE WINAPI LoadLibraryW(LPCWSTR lpLibFileName)
{
    AUTO_FREE char *name = port_narrow(lpLibFileName);
    return module_of(name);
}

HMODULE WINAPI LoadLibraryExW(LPCWSTR lpLibFileName, HANDLE hFile, DWORD dwFlags)
{
    return LoadLibraryW(lpLibFileName);
}

HMODULE WINAPI GetModuleHandleW(LPCWSTR lpModuleName)
{
    return LoadLibraryW(lpModuleName);
}

/* The library's file, by its handle; NULL when it is neither of ours. */
static const char *file_of(HMODULE module)
{
    static const char *const names[] = {"secur32", "kernel32"};
    for (size_t i = 0; i < _countof(names); i++) {
        Dl_info library;
        if (library_of(function_in(names[i]), &library) && (const void *)module == library.dli_fbase) {
            return library.dli_fname;
        }
    }
    return NULL;
}

FARPROC WINAPI GetProcAddress(HMODULE hModule, LPCSTR lpProcName)
{
    const char *file = file_of(hModule);
    if (file == NULL) {
        return (FARPROC)(uintptr_t)fail_null(ERROR_INVALID_HANDLE);
    }
    if ((ULONG_PTR)lpProcName < 0x10000) { /* NULL or an ordinal */
        return (FARPROC)(uintptr_t)fail_null(ERROR_PROC_NOT_FOUND);
    }
    void *library = dlopen(file, RTLD_NOW | RTLD_NOLOAD);
    void *found = library != NULL ? dlsym(library, lpProcName) : NULL;
    if (library != NULL) {
        dlclose(library);
    }
    /* dlsym also looks in what the library depends on: OpenSSL's or the C library's names are not Windows'. */
    Dl_info owner;
    if (found == NULL || !library_of(found, &owner) ||
        (strcmp(owner.dli_fname, file) != 0 && file_of((HMODULE)owner.dli_fbase) == NULL)) {
        return (FARPROC)(uintptr_t)fail_null(ERROR_PROC_NOT_FOUND);
    }
    return (FARPROC)(uintptr_t)found;
}

BOOL WINAPI FreeLibrary(HMODULE hLibModule)
{
    return file_of(hLibModule) != NULL ? TRUE : fail(ERROR_INVALID_HANDLE);
}
