/* port_wide.h: the C run-time on WCHAR.  Include windows.h.
 *
 * The C library's wcslen and its relatives believe that a wchar_t has 32 bits.  Code for Windows calls them on WCHARs, so
 * from here on their names mean functions on 16-bit text: under -fshort-wchar, where wchar_t is WCHAR, and with u"" texts.
 * In C++ a wchar_t of 32 bits still finds the C library's.  SSPI_PORT_KEEP_WCS, defined before the first include, leaves
 * the names alone; sspi_wcslen and the others are there in any case.
 *
 * std::wstring under -fshort-wchar stays wrong: libstdc++ was compiled with 32 bits. */
#ifndef _SSPI_PORT_WIDE_H_
#define _SSPI_PORT_WIDE_H_

#include <stdarg.h>
#include <wchar.h>
#ifdef __cplusplus
#include <cwchar>
#endif

#include "../windows.h"
#include "port_text.h"

#ifdef __cplusplus
extern "C" {
#endif

size_t sspi_wcslen(const WCHAR *text);
WCHAR *sspi_wcschr(const WCHAR *text, WCHAR unit);
WCHAR *sspi_wcsrchr(const WCHAR *text, WCHAR unit);
WCHAR *sspi_wcsstr(const WCHAR *text, const WCHAR *part);
int sspi_wcscmp(const WCHAR *a, const WCHAR *b);
int sspi_wcsncmp(const WCHAR *a, const WCHAR *b, size_t count);
WCHAR *sspi_wcscpy(WCHAR *destination, const WCHAR *source);
WCHAR *sspi_wcsncpy(WCHAR *destination, const WCHAR *source, size_t count);
WCHAR *sspi_wcscat(WCHAR *destination, const WCHAR *source);

/* For free(). */
WCHAR *_wcsdup(const WCHAR *text);

/* ASCII letters alike, as the "C" locale has it on Windows. */
int _wcsicmp(const WCHAR *a, const WCHAR *b);
int _wcsnicmp(const WCHAR *a, const WCHAR *b, size_t count);

/* As strcpy_s and strcat_s; room in characters. */
errno_t wcscpy_s(WCHAR *destination, size_t room, const WCHAR *source);
errno_t wcscat_s(WCHAR *destination, size_t room, const WCHAR *source);

/* Formats as Windows' run-time does: %s and %ls are WCHAR, %S and %hs are UTF-8; %d %u %x %X %o %i %c %p %%, with flags,
 * width and precision; l and no prefix are 32 bits, ll and I64 64 bits, z and I those of size_t.  No floating point, no %n.
 *
 * The characters written, without the NUL; -1 when they do not fit, or the format is none of that.  Then swprintf_s and
 * sspi_swprintf leave an empty text, and _snwprintf, as Windows' does, `count` characters without a NUL. */
int sspi_swprintf(WCHAR *destination, size_t room, const WCHAR *format, ...);
int sspi_vswprintf(WCHAR *destination, size_t room, const WCHAR *format, va_list arguments);
int swprintf_s(WCHAR *destination, size_t room, const WCHAR *format, ...);
int _snwprintf(WCHAR *destination, size_t count, const WCHAR *format, ...);

/* At most 1024 characters, the NUL included, as documented.  %S in the one is of the other's width. */
int WINAPI wsprintfW(LPWSTR destination, LPCWSTR format, ...);
int WINAPI wsprintfA(LPSTR destination, LPCSTR format, ...);

#ifdef UNICODE
#define wsprintf wsprintfW
#else
#define wsprintf wsprintfA
#endif

#ifdef __cplusplus
}

#if __SIZEOF_WCHAR_T__ != 2
/* What the macros below would take from the C library's callers. */
inline size_t sspi_wcslen(const wchar_t *text)
{
    return ::wcslen(text);
}
inline const wchar_t *sspi_wcschr(const wchar_t *text, wchar_t unit)
{
    return ::wcschr(text, unit);
}
inline const wchar_t *sspi_wcsrchr(const wchar_t *text, wchar_t unit)
{
    return ::wcsrchr(text, unit);
}
inline const wchar_t *sspi_wcsstr(const wchar_t *text, const wchar_t *part)
{
    return ::wcsstr(text, part);
}
inline int sspi_wcscmp(const wchar_t *a, const wchar_t *b)
{
    return ::wcscmp(a, b);
}
inline int sspi_wcsncmp(const wchar_t *a, const wchar_t *b, size_t count)
{
    return ::wcsncmp(a, b, count);
}
inline wchar_t *sspi_wcscpy(wchar_t *destination, const wchar_t *source)
{
    return ::wcscpy(destination, source);
}
inline wchar_t *sspi_wcsncpy(wchar_t *destination, const wchar_t *source, size_t count)
{
    return ::wcsncpy(destination, source, count);
}
inline wchar_t *sspi_wcscat(wchar_t *destination, const wchar_t *source)
{
    return ::wcscat(destination, source);
}
template <typename... T> inline int sspi_swprintf(wchar_t *destination, size_t room, const wchar_t *format, T... rest)
{
    return ::swprintf(destination, room, format, rest...);
}
#endif

namespace std
{
using ::sspi_swprintf;
using ::sspi_wcscat;
using ::sspi_wcschr;
using ::sspi_wcscmp;
using ::sspi_wcscpy;
using ::sspi_wcslen;
using ::sspi_wcsncmp;
using ::sspi_wcsncpy;
using ::sspi_wcsrchr;
using ::sspi_wcsstr;
} // namespace std
#endif

#ifndef SSPI_PORT_KEEP_WCS
#define wcslen   sspi_wcslen
#define wcschr   sspi_wcschr
#define wcsrchr  sspi_wcsrchr
#define wcsstr   sspi_wcsstr
#define wcscmp   sspi_wcscmp
#define wcsncmp  sspi_wcsncmp
#define wcscpy   sspi_wcscpy
#define wcsncpy  sspi_wcsncpy
#define wcscat   sspi_wcscat
#define swprintf sspi_swprintf
#endif

#endif
