/* lmcons.h: UNLEN is in windows.h; the other lengths of names. */
#ifndef _LMCONS_
#define _LMCONS_

#include "windows.h"

#define CNLEN      15
#define DNLEN      CNLEN
#define LM20_UNLEN 20
#define PWLEN      256

#endif
