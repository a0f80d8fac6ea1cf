/* tchar.h: TCHAR is in windows.h; here are the literal macros.  All follow UNICODE, as on Windows _UNICODE goes with it. */
#ifndef _INC_TCHAR
#define _INC_TCHAR

#include "windows.h"

#define _T(text)    __TEXT(text)
#define _TEXT(text) __TEXT(text)

#endif
