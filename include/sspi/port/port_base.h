/* port_base.h: messages for codes, modules, times.  Include windows.h.
 *
 * Sources: Microsoft Learn, the pages of the same names. */
#ifndef _SSPI_PORT_BASE_H_
#define _SSPI_PORT_BASE_H_

#include <stdarg.h>

#include "../windows.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Keywords of the compilers for Windows. */
#ifndef __declspec
#define __declspec(attribute)
#endif
#ifndef __stdcall
#define __stdcall
#endif
#ifndef __cdecl
#define __cdecl
#endif
#ifndef __int64
#define __int64 long long
#endif
#ifndef __forceinline
#define __forceinline __inline__ __attribute__((__always_inline__))
#endif

#define LOBYTE(word)        ((BYTE)((ULONG_PTR)(word)&0xFF))
#define HIBYTE(word)        ((BYTE)(((ULONG_PTR)(word) >> 8) & 0xFF))
#define LOWORD(value)       ((WORD)((ULONG_PTR)(value)&0xFFFF))
#define HIWORD(value)       ((WORD)(((ULONG_PTR)(value) >> 16) & 0xFFFF))
#define MAKEWORD(low, high) ((WORD)((BYTE)(low) | (WORD)((BYTE)(high) << 8)))
#ifndef UNREFERENCED_PARAMETER
#define UNREFERENCED_PARAMETER(name) ((void)(name))
#endif
#ifndef _countof
#define _countof(array) (sizeof(array) / sizeof((array)[0]))
#endif
#ifndef ARRAYSIZE
#define ARRAYSIZE(array) _countof(array)
#endif

/* ---------------------------------------------------------------- messages */

#define FORMAT_MESSAGE_ALLOCATE_BUFFER 0x00000100
#define FORMAT_MESSAGE_IGNORE_INSERTS  0x00000200
#define FORMAT_MESSAGE_FROM_STRING     0x00000400
#define FORMAT_MESSAGE_FROM_HMODULE    0x00000800
#define FORMAT_MESSAGE_FROM_SYSTEM     0x00001000
#define FORMAT_MESSAGE_ARGUMENT_ARRAY  0x00002000
#define FORMAT_MESSAGE_MAX_WIDTH_MASK  0x000000FF

#define LANG_NEUTRAL                     0x00
#define LANG_ENGLISH                     0x09
#define SUBLANG_NEUTRAL                  0x00
#define SUBLANG_DEFAULT                  0x01
#define SUBLANG_SYS_DEFAULT              0x02
#define SUBLANG_ENGLISH_US               0x01
#define MAKELANGID(primary, sublanguage) ((WORD)(((WORD)(sublanguage) << 10) | (WORD)(primary)))

#define ERROR_MR_MID_NOT_FOUND       317
#define ERROR_NO_UNICODE_TRANSLATION 1113

/* The text of a code: SEC_E_, SEC_I_, CRYPT_E_, CERT_E_, TRUST_E_, NTE_, the general HRESULTs and the Win32 codes of
 * winerror.h.  In English, in words of our own, ending in CR LF; or in a blank with FORMAT_MESSAGE_MAX_WIDTH_MASK.
 *
 *   dwFlags     FROM_SYSTEM must be there; FROM_HMODULE may be there as well
 *   lpBuffer    with ALLOCATE_BUFFER the address of a pointer, which receives a block for LocalFree
 *   nSize       in characters, the NUL included; with ALLOCATE_BUFFER the least that is allocated
 *
 * The characters written, without the NUL; 0 with ERROR_MR_MID_NOT_FOUND (a code without a text),
 * ERROR_INSUFFICIENT_BUFFER, ERROR_INVALID_PARAMETER (FROM_STRING, a NULL buffer), ERROR_NOT_ENOUGH_MEMORY. */
DWORD WINAPI FormatMessageA(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId, DWORD dwLanguageId, LPSTR lpBuffer,
                            DWORD nSize, va_list *Arguments);
DWORD WINAPI FormatMessageW(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId, DWORD dwLanguageId, LPWSTR lpBuffer,
                            DWORD nSize, va_list *Arguments);

/* ---------------------------------------------------------------- modules
 *
 * secur32.dll, security.dll, sspicli.dll, schannel.dll and crypt32.dll are libsspi; kernel32.dll and advapi32.dll are this
 * kit.  Paths, ".dll" and case do not matter.  Other modules do not exist: ERROR_MOD_NOT_FOUND. */

/* To be cast to the function's own type; void, because compilers let this type be cast without a word. */
typedef void(WINAPI *FARPROC)(void);

#define LOAD_LIBRARY_AS_DATAFILE      0x00000002
#define LOAD_WITH_ALTERED_SEARCH_PATH 0x00000008
#define LOAD_LIBRARY_SEARCH_SYSTEM32  0x00000800

HMODULE WINAPI LoadLibraryA(LPCSTR lpLibFileName);
HMODULE WINAPI LoadLibraryW(LPCWSTR lpLibFileName);
HMODULE WINAPI LoadLibraryExA(LPCSTR lpLibFileName, HANDLE hFile, DWORD dwFlags);
HMODULE WINAPI LoadLibraryExW(LPCWSTR lpLibFileName, HANDLE hFile, DWORD dwFlags);

/* As LoadLibrary; the handle is not to be freed.  NULL for the program itself is ERROR_MOD_NOT_FOUND. */
HMODULE WINAPI GetModuleHandleA(LPCSTR lpModuleName);
HMODULE WINAPI GetModuleHandleW(LPCWSTR lpModuleName);

/* A function by its exported name; NULL with ERROR_PROC_NOT_FOUND, for ordinals too.  ERROR_INVALID_HANDLE for a handle
 * that is none of the above. */
FARPROC WINAPI GetProcAddress(HMODULE hModule, LPCSTR lpProcName);

/* TRUE; the library stays loaded.  FALSE with ERROR_INVALID_HANDLE. */
BOOL WINAPI FreeLibrary(HMODULE hLibModule);

/* ---------------------------------------------------------------- times
 *
 * A FILETIME counts 100 ns from 1601 on.  BOOL functions: FALSE with ERROR_INVALID_PARAMETER for a time that is none. */

VOID WINAPI GetSystemTime(LPSYSTEMTIME lpSystemTime);
VOID WINAPI GetSystemTimeAsFileTime(LPFILETIME lpSystemTimeAsFileTime);
BOOL WINAPI FileTimeToSystemTime(const FILETIME *lpFileTime, LPSYSTEMTIME lpSystemTime);

/* wDayOfWeek is not looked at. */
BOOL WINAPI SystemTimeToFileTime(const SYSTEMTIME *lpSystemTime, LPFILETIME lpFileTime);

/* With the time zone of that moment, as the library's own expiry times have it; Windows takes today's. */
BOOL WINAPI LocalFileTimeToFileTime(const FILETIME *lpLocalFileTime, LPFILETIME lpFileTime);
BOOL WINAPI FileTimeToLocalFileTime(const FILETIME *lpFileTime, LPFILETIME lpLocalFileTime);

/* -1, 0, 1. */
LONG WINAPI CompareFileTime(const FILETIME *lpFileTime1, const FILETIME *lpFileTime2);

#ifdef UNICODE
#define FormatMessage   FormatMessageW
#define LoadLibrary     LoadLibraryW
#define LoadLibraryEx   LoadLibraryExW
#define GetModuleHandle GetModuleHandleW
#else
#define FormatMessage   FormatMessageA
#define LoadLibrary     LoadLibraryA
#define LoadLibraryEx   LoadLibraryExA
#define GetModuleHandle GetModuleHandleA
#endif

#ifdef __cplusplus
}
#endif

#endif
