/* The spelling on case-insensitive systems. */
#include "ntsecapi.h"
