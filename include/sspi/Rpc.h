/* The spelling on case-insensitive systems. */
#include "rpc.h"
