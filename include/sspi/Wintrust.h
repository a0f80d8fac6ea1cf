/* The spelling on case-insensitive systems. */
#include "wintrust.h"
