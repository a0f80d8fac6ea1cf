/* secext.h: interim */
#ifndef SECEXT_INTERIM
#define SECEXT_INTERIM
#include "windows.h"
#endif
