/* What the example programs share: sockets by Winsock's names, messages with their length in front, the identity that comes
 * from the environment, and failures in words.  The same source is built for Windows and for Linux with the porting kit. */
#ifndef EXAMPLES_EXCHANGE_H
#define EXAMPLES_EXCHANGE_H

#include <stdbool.h>
#include <winsock2.h>
#include <ws2tcpip.h>

#include <windows.h>

#define SECURITY_WIN32
#include <security.h>

/* The longest message a program accepts from another. */
#define EXCHANGE_MAX 65536

/* Starts Winsock; false, with a message, when it does not. */
bool start_sockets(void);

/* INVALID_SOCKET, with a message, when nobody answers. */
SOCKET connect_to(const char *host, const char *port);

/* Listens on 127.0.0.1 and prints the port; 0: any that is free. */
SOCKET listen_on(unsigned short port);

/* Some bytes; 0 when the connection has ended, broke, or stayed silent for ten seconds. */
ULONG receive_some(SOCKET socket, void *data, ULONG room);
bool send_all(SOCKET socket, const void *data, ULONG size);

/* A message: four bytes of length in network order, then the bytes.  False when the connection broke, or the message is
 * longer than `room`. */
bool send_message(SOCKET socket, const void *data, ULONG size);
bool receive_message(SOCKET socket, void *data, ULONG room, ULONG *size);

/* An outbound credential for SSPI_EXAMPLE_USER, SSPI_EXAMPLE_DOMAIN and SSPI_EXAMPLE_PASSWORD, or for whoever is logged on. */
SECURITY_STATUS acquire_outbound(const char *package, CredHandle *credential);

/* Prints what failed and why. */
void print_failure(const char *call, SECURITY_STATUS status);

#endif
