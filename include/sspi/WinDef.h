/* The spelling on case-insensitive systems. */
#include "windef.h"
