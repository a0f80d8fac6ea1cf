/* The spelling on case-insensitive systems. */
#include "security.h"
