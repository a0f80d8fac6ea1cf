/* The spelling on case-insensitive systems. */
#include "windows.h"
