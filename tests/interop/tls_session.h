/* One TLS or DTLS connection over a socket through the public functions, as a program would have it, for tls_peer.c. */
#ifndef OPENSSPI_TESTS_TLS_SESSION_H
#define OPENSSPI_TESTS_TLS_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECURITY_WIN32
#include <windows.h>

#include <schannel.h>
#include <security.h>
#include <sspi_ext.h>

#define SESSION_ROOM  65536
#define SESSION_LIMIT 30 /* seconds without a byte from the peer: the end */
/* ms without a datagram, after which a DTLS flight is repeated; twice as long each time, up to the fifth; so often and it is the
 * end.  Shorter than what the library says in ptsExpiry, which is for networks that are longer than a loopback. */
#define SESSION_REPEAT  100
#define SESSION_SILENCE 20

struct session_options {
    bool server;
    bool datagram;
    ULONG request;      /* ISC_REQ_*, ASC_REQ_* beside the usual */
    const char *target; /* client */
    const void *alpn;   /* a SEC_APPLICATION_PROTOCOLS */
    ULONG alpn_size;
    USHORT mtu;      /* DTLS; 0: the default */
    const char *psk; /* NULL: none */
    const char *psk_identity;
    CredHandle credential; /* the one to begin with */
    bool has_late;         /* another one, for a server that asks for a certificate */
    CredHandle late;
};

struct session {
    const struct session_options *options;
    CredHandle credential; /* in use; not owned */
    CtxtHandle context;
    bool has_context;
    ULONG attributes;
    int socket;
    unsigned silent;          /* DTLS: times that nothing came, since something did */
    bool end;                 /* nothing more comes from the socket */
    bool asked;               /* SEC_I_INCOMPLETE_CREDENTIALS was seen */
    unsigned handshakes;      /* that were done */
    uint8_t in[SESSION_ROOM]; /* what came and is not used up; DTLS: one datagram */
    size_t in_size;
    uint8_t plain[SESSION_ROOM]; /* of session_receive */
};

/* The end of the program, with a word why. */
__attribute__((noreturn, format(printf, 1, 2))) void session_fatal(const char *format, ...);

/* SEC_E_OK as text. */
const char *session_status(SECURITY_STATUS status);

/* Shakes hands, for the first time or once more; `poke`: the first call goes without input.  Alerts are sent. */
SECURITY_STATUS session_shake(struct session *session, bool poke);

/* A message, in one record. */
SECURITY_STATUS session_send(struct session *session, const void *data, size_t size);

/* The next record's content in session->plain.  Renegotiates when the peer wants it, repeats flights of DTLS.
 * SEC_I_CONTEXT_EXPIRED: closed by the peer; SEC_E_INCOMPLETE_MESSAGE: the socket has ended. */
SECURITY_STATUS session_receive(struct session *session, size_t *out_size);

/* Asks for another handshake.  A client shakes hands at once; a server's hello request is sent, and session_receive() does the
 * rest when the client answers. */
SECURITY_STATUS session_renegotiate(struct session *session);

/* ApplyControlToken and the step behind it; what that writes is sent. */
SECURITY_STATUS session_control(struct session *session, const void *token, size_t size);

void session_end(struct session *session);

#endif
