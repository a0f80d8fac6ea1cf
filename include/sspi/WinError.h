/* The spelling on case-insensitive systems. */
#include "winerror.h"
