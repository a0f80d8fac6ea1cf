/* The spelling on case-insensitive systems. */
#include "schnlsp.h"
