/* The spelling on case-insensitive systems. */
#include "wincrypt.h"
