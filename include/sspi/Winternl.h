/* The spelling on case-insensitive systems. */
#include "winternl.h"
