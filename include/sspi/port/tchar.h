/* tchar.h of the porting kit: the run-time by the names that follow UNICODE. */
#ifndef _SSPI_PORT_TCHAR_H_
#define _SSPI_PORT_TCHAR_H_

#include "../tchar.h"
#include "windows.h"

typedef TCHAR _TCHAR;

#ifdef UNICODE
#define _tcslen     sspi_wcslen
#define _tcschr     sspi_wcschr
#define _tcsrchr    sspi_wcsrchr
#define _tcsstr     sspi_wcsstr
#define _tcscmp     sspi_wcscmp
#define _tcsncmp    sspi_wcsncmp
#define _tcsicmp    _wcsicmp
#define _tcsnicmp   _wcsnicmp
#define _tcscpy     sspi_wcscpy
#define _tcsncpy    sspi_wcsncpy
#define _tcscat     sspi_wcscat
#define _tcsdup     _wcsdup
#define _tcscpy_s   wcscpy_s
#define _tcscat_s   wcscat_s
#define _stprintf_s swprintf_s
#define _sntprintf  _snwprintf
#else
#define _tcslen     strlen
#define _tcschr     strchr
#define _tcsrchr    strrchr
#define _tcsstr     strstr
#define _tcscmp     strcmp
#define _tcsncmp    strncmp
#define _tcsicmp    _stricmp
#define _tcsnicmp   _strnicmp
#define _tcscpy     strcpy
#define _tcsncpy    strncpy
#define _tcscat     strcat
#define _tcsdup     _strdup
#define _tcscpy_s   strcpy_s
#define _tcscat_s   strcat_s
#define _stprintf_s sprintf_s
#define _sntprintf  _snprintf
#endif

#endif
