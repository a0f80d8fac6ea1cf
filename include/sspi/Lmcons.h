/* The spelling on case-insensitive systems. */
#include "lmcons.h"
