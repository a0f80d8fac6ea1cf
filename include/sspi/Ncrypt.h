/* The spelling on case-insensitive systems. */
#include "ncrypt.h"
