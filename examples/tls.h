/* A TLS connection by Schannel, for the two example programs. */
#ifndef EXAMPLES_TLS_H
#define EXAMPLES_TLS_H

#include "exchange.h"

#include <schannel.h>

struct tls {
    SOCKET socket;
    CredHandle *credential;
    CtxtHandle context;
    char *target; /* the server's name; NULL: this is the server */
    SecPkgContext_StreamSizes sizes;
    ULONG held; /* what was received and not used yet */
    BYTE data[65536];
};

/* Shakes hands.  False, with a message, when it did not work out; a context may be there all the same. */
bool tls_handshake(struct tls *tls);

bool tls_send(struct tls *tls, const void *data, ULONG size);

/* Some bytes into `out`; 0 when the peer closed the channel, or the connection broke. */
ULONG tls_receive(struct tls *tls, void *out, ULONG room);

/* "TLS 1.2" */
const char *tls_version(struct tls *tls);

/* Closes the channel and the context, but not the socket. */
void tls_close(struct tls *tls);

#endif
