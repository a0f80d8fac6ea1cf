/* A TLS connection by Schannel, for the example programs. */
#ifndef EXAMPLES_TLS_H
#define EXAMPLES_TLS_H

#include "exchange.h"

#include <schannel.h>

struct tls {
    SOCKET socket;
    CredHandle credential;
    CtxtHandle context;
    char *target; /* the server's name; NULL: this is the server */
    SecPkgContext_StreamSizes sizes;
    ULONG held; /* what was received and not used yet */
    BYTE data[65536];
};

/* Nothing is connected yet.  target: the name that a client's server must have; NULL: this is the server. */
void tls_init(struct tls *tls, char *target);

/* A client's beginning: credential, handshake, and what the server's certificate is worth.  authority: a PEM file with the
 * one certificate to trust; NULL: the system's.  Prints what it found out; false, with a message, when it is not content. */
bool tls_connect(struct tls *tls, const char *authority);

/* Shakes hands.  False, with a message, when it did not work out; a context may be there all the same. */
bool tls_handshake(struct tls *tls);

bool tls_send(struct tls *tls, const void *data, ULONG size);

/* Some bytes into `out`; 0 when the peer closed the channel, or the connection broke. */
ULONG tls_receive(struct tls *tls, void *out, ULONG room);

/* "TLS 1.2" */
const char *tls_version(struct tls *tls);

/* Closes the channel, the context and a client's credential, but not the socket. */
void tls_close(struct tls *tls);

#endif
