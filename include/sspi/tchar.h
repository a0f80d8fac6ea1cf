/* tchar.h: TCHAR is in windows.h; here the literal macros, which follow UNICODE (and _UNICODE, when only that is set
 * before the first of these headers is included, has to be accompanied by UNICODE as on Windows). */
#ifndef _INC_TCHAR
#define _INC_TCHAR

#include "windows.h"

#define _T(text)    __TEXT(text)
#define _TEXT(text) __TEXT(text)

#endif
