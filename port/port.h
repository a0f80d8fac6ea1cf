/* What the kit's files share: its own public headers, with default visibility (everything is compiled hidden), and text
 * that crosses between the two widths. */
#ifndef OPENSSPI_PORT_PORT_H
#define OPENSSPI_PORT_PORT_H

#define SSPI_PORT_KEEP_WCS

#pragma GCC visibility push(default)
#include "port/windows.h"

#include "port/winsock2.h"

#include "security.h"
#pragma GCC visibility pop

#include <stdbool.h>

#include "base/auto.h"

/* SetLastError(error), for `return fail(...)` in functions that return BOOL, a count or a pointer. */
static inline int fail(DWORD error)
{
    SetLastError(error);
    return 0;
}

static inline void *fail_null(DWORD error)
{
    SetLastError(error);
    return NULL;
}

/* Text in the other width, for free(); NULL when out of memory, or for NULL.  Malformed parts become U+FFFD. */
WCHAR *port_wide(const char *text);
char *port_narrow(const WCHAR *text);

/* Fits `text` into the caller's room and sets *size as LookupAccountSid has it: without the NUL where it fits, with it where
 * it does not. */
bool port_give(const WCHAR *text, WCHAR *out, DWORD *size);
bool port_give_narrow(const WCHAR *text, char *out, DWORD *size);

#endif
