/* The spelling on case-insensitive systems. */
#include "rpcdce.h"
