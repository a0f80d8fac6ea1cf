/* windows.h: the base types that security.h and its relatives are written in.
 *
 * Not a port of Windows: the integers, characters and handles that appear in SSPI, with the widths the 64-bit SDK gives
 * them.  ULONG, LONG, DWORD, HRESULT and SECURITY_STATUS have 32 bits although `long` has 64 here; WCHAR has 16 although
 * wchar_t has 32.  Texts for ...W functions are UTF-16: u"text" in C11 and C++, or L"text" under -fshort-wchar.  Texts
 * for ...A functions are UTF-8.
 *
 * None of WIN32, _WIN32, IN, OUT, OPTIONAL, ERROR, min, max, near, far is defined: programs and system headers change
 * their ways when they see them.
 */
#ifndef _WINDOWS_
#define _WINDOWS_

#include <stddef.h>
#include <stdint.h>

#include "sal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- calling conventions and decorations: all empty */

#ifndef WINAPI
#define WINAPI
#endif
#ifndef NTAPI
#define NTAPI
#endif
#ifndef APIENTRY
#define APIENTRY
#endif
#ifndef CALLBACK
#define CALLBACK
#endif
#ifndef FAR
#define FAR
#endif
#ifndef CONST
#define CONST const
#endif
#ifndef WINBASEAPI
#define WINBASEAPI
#endif
#ifndef EXTERN_C
#ifdef __cplusplus
#define EXTERN_C extern "C"
#else
#define EXTERN_C extern
#endif
#endif

/* Names for anonymous members, where the SDK has them too. */
#ifndef DUMMYUNIONNAME
#define DUMMYUNIONNAME
#define DUMMYSTRUCTNAME
#endif

#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

#ifndef ANYSIZE_ARRAY
#define ANYSIZE_ARRAY 1
#endif

#define MAX_PATH             260
#define UNLEN                256
#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)

/* ---------------------------------------------------------------- integers */

typedef void VOID;
typedef char CHAR, CCHAR;
typedef signed char INT8, *PINT8;
typedef unsigned char UCHAR, *PUCHAR, BYTE, *PBYTE, *LPBYTE, BOOLEAN, *PBOOLEAN, UINT8, *PUINT8;
typedef int16_t SHORT, *PSHORT, INT16, *PINT16;
typedef uint16_t USHORT, *PUSHORT, WORD, *PWORD, *LPWORD, UINT16, *PUINT16;
typedef int32_t INT, *PINT, *LPINT, LONG, *PLONG, *LPLONG, INT32, *PINT32, LONG32, *PLONG32;
typedef int32_t BOOL, *PBOOL, *LPBOOL, WINBOOL;
typedef uint32_t UINT, *PUINT, ULONG, *PULONG, *LPULONG, DWORD, *PDWORD, *LPDWORD, UINT32, *PUINT32, ULONG32;
typedef uint32_t DWORD32, *PDWORD32;
typedef int64_t LONGLONG, *PLONGLONG, LONG64, *PLONG64, INT64, *PINT64;
typedef uint64_t ULONGLONG, *PULONGLONG, ULONG64, *PULONG64, DWORD64, *PDWORD64, DWORDLONG, *PDWORDLONG, UINT64;
typedef uint64_t *PUINT64;
typedef float FLOAT;

typedef intptr_t INT_PTR, *PINT_PTR, LONG_PTR, *PLONG_PTR, SSIZE_T, *PSSIZE_T;
typedef uintptr_t UINT_PTR, *PUINT_PTR, ULONG_PTR, *PULONG_PTR, DWORD_PTR, *PDWORD_PTR, SIZE_T, *PSIZE_T;

typedef VOID *PVOID, *LPVOID;
typedef const VOID *PCVOID, *LPCVOID;
typedef const BYTE *PCBYTE, *LPCBYTE;
typedef const UCHAR *PCUCHAR;

typedef LONG HRESULT;
typedef LONG NTSTATUS, *PNTSTATUS;
typedef LONG SECURITY_STATUS;

/* ---------------------------------------------------------------- characters
 *
 * One 16-bit type for each language.  In C it is uint16_t, which is char16_t; C++ keeps char16_t apart. */

#if defined(__SIZEOF_WCHAR_T__) && __SIZEOF_WCHAR_T__ == 2
typedef wchar_t WCHAR;
#define __SSPI_WIDE(text) L##text
#elif defined(__cplusplus)
typedef char16_t WCHAR;
#define __SSPI_WIDE(text) u##text
#else
typedef uint16_t WCHAR;
#define __SSPI_WIDE(text) u##text
#endif

typedef CHAR *PCHAR, *LPCH, *PCH, *LPSTR, *PSTR, *NPSTR;
typedef const CHAR *LPCCH, *PCCH, *LPCSTR, *PCSTR;
typedef WCHAR *PWCHAR, *LPWCH, *PWCH, *LPWSTR, *PWSTR, *NWPSTR;
typedef const WCHAR *LPCWCH, *PCWCH, *LPCWSTR, *PCWSTR;
typedef PWSTR PZZWSTR;
typedef PSTR PZZSTR;

#ifndef _TCHAR_DEFINED
#define _TCHAR_DEFINED
#ifdef UNICODE
typedef WCHAR TCHAR, *PTCHAR, TBYTE, *PTBYTE;
#else
typedef CHAR TCHAR, *PTCHAR;
typedef UCHAR TBYTE, *PTBYTE;
#endif
#endif

#ifdef UNICODE
typedef LPWSTR LPTSTR, PTSTR, LPTCH, PTCH;
typedef LPCWSTR LPCTSTR, PCTSTR;
#define __TEXT(quote) __SSPI_WIDE(quote)
#else
typedef LPSTR LPTSTR, PTSTR, LPTCH, PTCH;
typedef LPCSTR LPCTSTR, PCTSTR;
#define __TEXT(quote) quote
#endif
#ifndef TEXT
#define TEXT(quote) __TEXT(quote)
#endif

/* ---------------------------------------------------------------- handles and structures */

typedef void *HANDLE, **PHANDLE, **LPHANDLE;
typedef HANDLE HLOCAL, HGLOBAL;
#define DECLARE_HANDLE(name)                                                                                           \
    struct name##__ {                                                                                                  \
        int unused;                                                                                                    \
    };                                                                                                                 \
    typedef struct name##__ *name

DECLARE_HANDLE(HINSTANCE);
DECLARE_HANDLE(HWND);
typedef HINSTANCE HMODULE;

/* 64 bits, aligned to 8, by halves or as one. */
typedef union _LARGE_INTEGER {
    __extension__ struct {
        DWORD LowPart;
        LONG HighPart;
    };
    struct {
        DWORD LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef union _ULARGE_INTEGER {
    __extension__ struct {
        DWORD LowPart;
        DWORD HighPart;
    };
    struct {
        DWORD LowPart;
        DWORD HighPart;
    } u;
    ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

/* 100 ns since 1 January 1601, aligned to 4. */
typedef struct _FILETIME {
    DWORD dwLowDateTime;
    DWORD dwHighDateTime;
} FILETIME, *PFILETIME, *LPFILETIME;

typedef struct _SYSTEMTIME {
    WORD wYear;
    WORD wMonth;
    WORD wDayOfWeek;
    WORD wDay;
    WORD wHour;
    WORD wMinute;
    WORD wSecond;
    WORD wMilliseconds;
} SYSTEMTIME, *PSYSTEMTIME, *LPSYSTEMTIME;

/* A logon session's number. */
typedef struct _LUID {
    DWORD LowPart;
    LONG HighPart;
} LUID, *PLUID;

#ifndef GUID_DEFINED
#define GUID_DEFINED
typedef struct _GUID {
    ULONG Data1;
    USHORT Data2;
    USHORT Data3;
    UCHAR Data4[8];
} GUID;
#endif
typedef GUID *LPGUID, *PGUID, IID, CLSID, UUID;
typedef const GUID *LPCGUID;

/* Counted text: the lengths are in bytes, and the text need not end in a NUL. */
typedef struct _UNICODE_STRING {
    USHORT Length;
    USHORT MaximumLength;
    PWSTR Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

typedef struct _STRING {
    USHORT Length;
    USHORT MaximumLength;
    PCHAR Buffer;
} STRING, *PSTRING, ANSI_STRING, *PANSI_STRING, OEM_STRING, *POEM_STRING;

typedef struct _LIST_ENTRY {
    struct _LIST_ENTRY *Flink;
    struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

typedef PVOID PSID;
typedef PVOID PSECURITY_DESCRIPTOR;

typedef struct _SID_AND_ATTRIBUTES {
    PSID Sid;
    DWORD Attributes;
} SID_AND_ATTRIBUTES, *PSID_AND_ATTRIBUTES;

typedef struct _TOKEN_GROUPS {
    DWORD GroupCount;
    SID_AND_ATTRIBUTES Groups[ANYSIZE_ARRAY];
} TOKEN_GROUPS, *PTOKEN_GROUPS;

/* ---------------------------------------------------------------- functions
 *
 * Those that code around SSPI cannot do without.  Source: Microsoft Learn, the pages of the same names. */

/* The Win32 code that the last failing function of this thread left (for functions that return BOOL, BOOLEAN or a
 * pointer; SECURITY_STATUS functions leave it alone). */
DWORD WINAPI GetLastError(void);

/* Sets what GetLastError returns on this thread. */
VOID WINAPI SetLastError(DWORD dwErrCode);

/* Closes a token HANDLE of QuerySecurityContextToken, ExportSecurityContext or LsaLogonUser.
 *
 * TRUE; FALSE with ERROR_INVALID_HANDLE for anything else, the borrowed handle of SECPKG_ATTR_ACCESS_TOKEN included. */
BOOL WINAPI CloseHandle(HANDLE hObject);

/* Fixed memory for LocalFree; LMEM_ZEROINIT clears it.  The other flags of uFlags mean nothing here.
 *
 * NULL with ERROR_NOT_ENOUGH_MEMORY. */
#define LMEM_FIXED    0x0000
#define LMEM_ZEROINIT 0x0040
#define LPTR          (LMEM_FIXED | LMEM_ZEROINIT)
HLOCAL WINAPI LocalAlloc(UINT uFlags, SIZE_T uBytes);

/* Frees what a function documented as "free with LocalFree" allocated; NULL is allowed.
 *
 * NULL on success; `hMem` with ERROR_INVALID_HANDLE when it is no such block. */
HLOCAL WINAPI LocalFree(HLOCAL hMem);

#define ZeroMemory(destination, length)         __builtin_memset((destination), 0, (length))
#define CopyMemory(destination, source, length) __builtin_memcpy((destination), (source), (length))
#define MoveMemory(destination, source, length) __builtin_memmove((destination), (source), (length))
#define FillMemory(destination, length, fill)   __builtin_memset((destination), (fill), (length))

/* ZeroMemory that no compiler leaves out because nobody reads the bytes again.  Returns `destination`. */
static __inline__ PVOID SecureZeroMemory(PVOID destination, SIZE_T length)
{
    __builtin_memset(destination, 0, length);
    __asm__ __volatile__("" : : "r"(destination) : "memory");
    return destination;
}

#ifdef __cplusplus
}
#endif

#include "ntstatus.h"
#include "winerror.h"

#endif
