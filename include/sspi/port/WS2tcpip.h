/* The spelling on case-insensitive systems. */
#include "ws2tcpip.h"
