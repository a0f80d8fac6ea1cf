/* The spelling on case-insensitive systems. */
#include "winnt.h"
