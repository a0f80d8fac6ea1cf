/* The spelling on case-insensitive systems. */
#include "ntsecpkg.h"
