/* minwindef.h: what SSPI code needs of it is in windows.h. */
#include "windows.h"
