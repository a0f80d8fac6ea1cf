/* The spelling on case-insensitive systems. */
#include "winsock2.h"
