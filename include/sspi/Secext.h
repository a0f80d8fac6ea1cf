/* The spelling on case-insensitive systems. */
#include "secext.h"
