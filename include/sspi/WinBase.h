/* The spelling on case-insensitive systems. */
#include "winbase.h"
