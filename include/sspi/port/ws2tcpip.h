/* ws2tcpip.h: the names of addresses are in winsock2.h here. */
#include "winsock2.h"
