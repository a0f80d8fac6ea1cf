/* winsock.h: the older name. */
#include "winsock2.h"
