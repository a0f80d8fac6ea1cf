/* The functions of bcrypt.h: which cipher suites there are. */
#include "api/crypt32.h"

#include <string.h>
#include <strings.h>

#pragma GCC visibility push(default)
#include "bcrypt.h"
#pragma GCC visibility pop

#include "core/context_buffer.h"
#include "schannel/suite.h"

/* The array and the names behind it; with `out` NULL how large it is. */
static size_t lay_out(CRYPT_CONTEXT_FUNCTIONS *out)
{
    size_t count = 0, size = sizeof *out, at = 0;
    for (size_t i = 0; i < suite_count; i++) {
        if (suite_is_usual(&suites[i])) {
            size += sizeof(PWSTR) + sizeof(WCHAR) * (strlen(suites[i].name) + 1);
            count++;
        }
    }
    if (out == NULL) {
        return size;
    }
    out->cFunctions = (ULONG)count;
    out->rgpszFunctions = (PWSTR *)(void *)(out + 1);
    WCHAR *text = (WCHAR *)(void *)(out->rgpszFunctions + count);
    for (size_t i = 0; i < suite_count; i++) {
        if (suite_is_usual(&suites[i])) {
            out->rgpszFunctions[at++] = text;
            for (const char *name = suites[i].name; *name != 0; name++) {
                *text++ = (WCHAR)*name; /* ASCII */
            }
            *text++ = 0;
        }
    }
    return size;
}

static bool is_ssl(LPCWSTR context)
{
    AUTO_FREE char *name = NULL;
    return crypt32_utf8(context, &name) >= 0 && strcasecmp(name, "SSL") == 0;
}

static STATUS enumerate(ULONG *size, PCRYPT_CONTEXT_FUNCTIONS *out)
{
    ULONG room = *size;
    *size = (ULONG)lay_out(NULL);
    if (out == NULL) {
        return STATUS_SUCCESS;
    }
    if (*out != NULL) {
        REQUIRE(room >= *size, STATUS_BUFFER_TOO_SMALL, "BCryptEnumContextFunctions: the caller's buffer is too small");
        (void)lay_out(*out);
        return STATUS_SUCCESS;
    }
    CRYPT_CONTEXT_FUNCTIONS *list = context_buffer_alloc(*size);
    REQUIRE(list != NULL, STATUS_NO_MEMORY, "no memory");
    (void)lay_out(list);
    *out = list;
    return STATUS_SUCCESS;
}

static STATUS functions_of(ULONG table, LPCWSTR context, ULONG interface, ULONG *size, PCRYPT_CONTEXT_FUNCTIONS *out)
{
    REQUIRE(size != NULL && context != NULL, STATUS_INVALID_PARAMETER,
            "BCryptEnumContextFunctions: an argument is NULL");
    REQUIRE(table == CRYPT_LOCAL && interface == NCRYPT_SCHANNEL_INTERFACE && is_ssl(context), STATUS_NOT_FOUND,
            "BCryptEnumContextFunctions: neither the local table, nor SSL, nor Schannel's interface");
    return enumerate(size, out);
}

NTSTATUS WINAPI BCryptEnumContextFunctions(ULONG dwTable, LPCWSTR pszContext, ULONG dwInterface, ULONG *pcbBuffer,
                                           PCRYPT_CONTEXT_FUNCTIONS *ppBuffer)
{
    status_begin();
    return api_end("BCryptEnumContextFunctions", functions_of(dwTable, pszContext, dwInterface, pcbBuffer, ppBuffer));
}

VOID WINAPI BCryptFreeBuffer(PVOID pvBuffer)
{
    (void)!context_buffer_free(pvBuffer);
}
