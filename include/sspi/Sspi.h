/* The spelling on case-insensitive systems. */
#include "sspi.h"
