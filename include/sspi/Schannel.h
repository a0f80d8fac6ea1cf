/* The spelling on case-insensitive systems. */
#include "schannel.h"
