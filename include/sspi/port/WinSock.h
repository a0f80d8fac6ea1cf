/* The spelling on case-insensitive systems. */
#include "winsock.h"
