/* A TLS connection by Schannel, for the example programs. */
#ifndef EXAMPLES_TLS_H
#define EXAMPLES_TLS_H

#include "exchange.h"

#include <schannel.h>
#include <wincrypt.h>

struct tls {
    SOCKET socket;
    CredHandle credential;
    CtxtHandle context;
    char *target;               /* the server's name; NULL: this is the server */
    PCCERT_CONTEXT certificate; /* a client's own; NULL: it has none to show */
    HCERTSTORE clients; /* a server's: who has issued its clients' certificates; NULL: they are not asked for any */
    ULONG more;         /* of what is asked of InitializeSecurityContext */
    SecPkgContext_StreamSizes sizes;
    ULONG held; /* what was received and not used yet */
    BYTE data[65536];
};

/* Nothing is connected yet.  target: the name that a client's server must have; NULL: this is the server. */
void tls_init(struct tls *tls, char *target);

/* A client's beginning: credential, handshake, and what the server's certificate is worth.  authority: a PEM file with the
 * one certificate to trust; NULL: the system's.  Prints what it found out; false, with a message, when it is not content. */
bool tls_connect(struct tls *tls, const char *authority);

/* The certificate of a PKCS#12 file that has a key; a store with the certificate of a PEM file.  NULL, with a message. */
PCCERT_CONTEXT tls_open_certificate(const char *path, const char *password);
HCERTSTORE tls_open_authority(const char *path);

/* Prints protocol and the peer's name.  False, with a message, when none of `roots` (NULL: whoever was trusted so far) has
 * issued its certificate, or it has none. */
bool tls_inspect(struct tls *tls, HCERTSTORE roots);

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
