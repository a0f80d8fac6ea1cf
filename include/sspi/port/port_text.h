/* port_text.h: UTF-8 and UTF-16, and the C run-time's functions on bytes that only Windows has.  Include windows.h.
 *
 * Sources: Microsoft Learn, MultiByteToWideChar, WideCharToMultiByte, and the pages of the run-time functions. */
#ifndef _SSPI_PORT_TEXT_H_
#define _SSPI_PORT_TEXT_H_

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../windows.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CP_ACP        0
#define CP_OEMCP      1
#define CP_THREAD_ACP 3
#define CP_UTF8       65001

#define MB_PRECOMPOSED       0x00000001
#define MB_ERR_INVALID_CHARS 0x00000008
#define WC_ERR_INVALID_CHARS 0x00000080
#define WC_NO_BEST_FIT_CHARS 0x00000400

/* UTF-8 to UTF-16.  CodePage is CP_UTF8, or CP_ACP, CP_OEMCP and CP_THREAD_ACP, which are UTF-8 here.
 *
 *   cbMultiByte   -1: up to and with the NUL
 *   cchWideChar   0: only the size is wanted
 *
 * The characters written or wanted; 0 with ERROR_INVALID_PARAMETER (another code page, NULL, no bytes),
 * ERROR_INSUFFICIENT_BUFFER, ERROR_NO_UNICODE_TRANSLATION (not UTF-8, with MB_ERR_INVALID_CHARS; without it U+FFFD takes
 * the place). */
int WINAPI MultiByteToWideChar(UINT CodePage, DWORD dwFlags, LPCCH lpMultiByteStr, int cbMultiByte,
                               LPWSTR lpWideCharStr, int cchWideChar);

/* UTF-16 to UTF-8, likewise; a surrogate without its other half fails with WC_ERR_INVALID_CHARS and is U+FFFD otherwise.
 *
 *   lpDefaultChar, lpUsedDefaultChar   must be NULL with CP_UTF8; otherwise *lpUsedDefaultChar becomes FALSE */
int WINAPI WideCharToMultiByte(UINT CodePage, DWORD dwFlags, LPCWCH lpWideCharStr, int cchWideChar,
                               LPSTR lpMultiByteStr, int cbMultiByte, LPCCH lpDefaultChar, LPBOOL lpUsedDefaultChar);

/* ---------------------------------------------------------------- the run-time on bytes */

#ifndef __SSPI_ERRNO_T
#define __SSPI_ERRNO_T
typedef int errno_t;
#endif
#ifndef _TRUNCATE
#define _TRUNCATE ((size_t)-1)
#endif

#define _stricmp  strcasecmp
#define _strnicmp strncasecmp
#define _strdup   strdup

/* These write nothing past their room: 0, or EINVAL or ERANGE with an empty destination.  Windows' would end the program. */
errno_t memcpy_s(void *destination, size_t room, const void *source, size_t count);
errno_t memmove_s(void *destination, size_t room, const void *source, size_t count);
errno_t strcpy_s(char *destination, size_t room, const char *source);
errno_t strcat_s(char *destination, size_t room, const char *source);

/* At most `count` bytes of `source`, and a NUL; _TRUNCATE: as many as there is room for (80, STRUNCATE, when that cut it). */
errno_t strncpy_s(char *destination, size_t room, const char *source, size_t count);

/* The bytes written, or -1 with an empty destination when they do not fit. */
int sprintf_s(char *destination, size_t room, const char *format, ...) __attribute__((__format__(__printf__, 3, 4)));

/* At most `count` bytes; without a NUL when they just fit; -1 when they do not.  Code that relies on that must end the text
 * itself. */
int _snprintf(char *destination, size_t count, const char *format, ...) __attribute__((__format__(__printf__, 3, 4)));
int _vsnprintf(char *destination, size_t count, const char *format, va_list arguments)
    __attribute__((__format__(__printf__, 3, 0)));

#ifdef __cplusplus
}
#endif

#endif
