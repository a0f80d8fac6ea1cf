/* The spelling on case-insensitive systems. */
#include "subauth.h"
