/* The spelling on case-insensitive systems. */
#include "credssp.h"
