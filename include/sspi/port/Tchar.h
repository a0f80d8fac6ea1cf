/* The spelling on case-insensitive systems. */
#include "tchar.h"
