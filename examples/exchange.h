/* What the two programs share: messages over a socket, each with its length in front (4 bytes, network order), and the
 * identity that comes from the environment.  Nothing here is SSPI; on Windows the same code stands on Winsock. */
#ifndef EXAMPLES_EXCHANGE_H
#define EXAMPLES_EXCHANGE_H

#include <stdbool.h>
#include <windows.h>

#define SECURITY_WIN32
#include <security.h>

/* The longest message either program accepts from the other. */
#define EXCHANGE_MAX 65536

/* Sends one message; false when the connection broke. */
bool send_message(int socket, const void *data, ULONG size);

/* Receives one message into `data`; false when the connection broke or the message is longer than `room`. */
bool receive_message(int socket, void *data, ULONG room, ULONG *size);

/* Prints what failed, with the status and, where OpenSSPI knows it, the reason. */
void print_failure(const char *call, SECURITY_STATUS status);

#endif
