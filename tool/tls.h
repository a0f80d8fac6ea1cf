/* TLS as a program that uses Schannel writes it, on libevent's buffers: bytes of the wire in one pair, those of the
 * application in another.  tls_options.c reads the command line and acquires the credential, tls.c drives the context,
 * tls_facts.c reports, tls_filter.c puts it under a bufferevent, tls_bridge.c between a connection of evhttp's and its
 * server.
 */
#ifndef OPENSSPI_TOOL_TLS_H
#define OPENSSPI_TOOL_TLS_H

#include <argp.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdbool.h>

#include "facts.h"
#include "login.h"

#include "schannel.h"
#include "security.h"

/* What the command line says. */
struct tls_options {
    const char *certificate, *key; /* files; key NULL: in the same file */
    const char *roots;             /* a file; NULL: the system's */
    DWORD protocols;               /* SP_PROT_*, of both sides; 0: TLS 1.2 and 1.3 */
    int key_password_fd;           /* -1: none */
    bool datagram;                 /* DTLS: 1.2 for TLS 1.2, and 1.0 for what is older */
    bool insecure;                 /* client: let any certificate pass */
    bool revocation;               /* ask the lists and the stapled response */
    bool wants_certificate;        /* server: ask the client for one */
    bool needs_certificate;        /* and do without him when he has none */
    bool credssp;                  /* a logon by CredSSP with it */
    const struct login *login;     /* its, of a client; NULL: whoever is logged on */
};

#define TLS_OPTIONS_NONE ((struct tls_options){.key_password_fd = -1})

/* Options of clients, and of servers, for a command's struct argp children. */
extern const struct argp tls_client_argp;
extern const struct argp tls_server_argp;

struct tls_credential {
    const struct tls_options *options;
    bool server, acquired;
    CredHandle handle;
    PCCERT_CONTEXT certificate; /* of our own; NULL: none */
    HCERTSTORE roots;           /* NULL: the system's */
};

/* Acquires a credential; complains and gives an exit code when it cannot be had. */
int tls_credential_open(struct tls_credential *credential, const struct tls_options *options, bool server);
void tls_credential_close(struct tls_credential *credential);

enum tls_state {
    TLS_SHAKING, /* hands: nothing of the application's passes */
    TLS_OPEN,
    TLS_CLOSED, /* by the peer, in due form: close_notify */
    TLS_FAILED, /* see status and reason */
};

struct tls {
    struct tls_credential *credential;
    const char *target;    /* client: whom we mean; borrowed */
    const char *protocols; /* for ALPN, separated by commas; borrowed, may be NULL */
    enum tls_state state;
    bool has_context;
    bool was_open;      /* a handshake succeeded: what fails later is no verdict about the certificate */
    bool alone;         /* client: the server wants a certificate, and we have none of its authorities' */
    bool said_goodbye;  /* our close_notify is written */
    ULONG request;      /* client: ISC_REQ_* beside what every connection asks for */
    CtxtHandle context; /* when has_context */
    ULONG flags;
    SECURITY_STATUS status; /* of the last call */
    const char *reason;     /* static; NULL: none */
    bool spoke;             /* the last call of the handshake wrote something: our alert, when it failed */
    SecPkgContext_StreamSizes sizes;
};

/* A connection that has not begun. */
void tls_init(struct tls *tls, struct tls_credential *credential, const char *target, const char *protocols);
void tls_clear(struct tls *tls);

/* The client's first flight. */
void tls_begin(struct tls *tls, struct evbuffer *wire_out);

/* Takes what has come over the wire, as far as it makes whole records; answers go to `wire_out`, the application's bytes
 * to `plain_out`.  Look at tls->state afterwards. */
void tls_receive(struct tls *tls, struct evbuffer *wire_in, struct evbuffer *plain_out, struct evbuffer *wire_out);

/* Writes the application's bytes, of an open connection, as records.  False: the connection has failed. */
bool tls_send(struct tls *tls, const uint8_t *data, size_t size, struct evbuffer *wire_out);

/* close_notify, once. */
void tls_goodbye(struct tls *tls, struct evbuffer *wire_out);

/* A fatal alert of the application's, TLS1_ALERT_*: the connection has failed with `status`. */
void tls_refuse(struct tls *tls, DWORD alert, SECURITY_STATUS status, const char *reason, struct evbuffer *wire_out);

/* The end of the wire: without a close_notify before it, somebody may have cut the connection off (RFC 8446 6.1). */
void tls_wire_ended(struct tls *tls);

/* True when the peer's certificate is what the connection failed of. */
bool tls_distrusts(const struct tls *tls);

/* What to tell of a failed connection, and the exit code for it. */
int tls_complain(const struct tls *tls, const char *peer);

/* tls-server-end-point (RFC 5929 4) of an open connection, for SECBUFFER_CHANNEL_BINDINGS; FreeContextBuffer(data).
 * BYTES_NONE when there are none. */
struct bytes tls_bindings(struct tls *tls);

/* Version, suite, protocol, resumption, bindings, and the peer's certificates with the verdict. */
struct json_object *tls_facts(struct tls *tls);

/* One certificate; `leaf`: with the names it is for.  NULL for what is none. */
struct json_object *tls_certificate_facts(struct bytes der, bool leaf);

/* The subject of the peer's certificate, owned by the caller; NULL when he has shown none. */
char *tls_peer_name(struct tls *tls);

/* A bufferevent whose other side is TLS, over one that it owns.  `tls` must outlive it: on_free(tls) is called at its end.
 * Failures close the connection below. */
struct bufferevent *tls_filter_new(struct bufferevent *below, struct tls *tls, void (*on_free)(struct tls *tls));

/* Before the filter's end: close_notify, as far as the socket takes it without waiting. */
void tls_filter_goodbye(struct bufferevent *filter, struct tls *tls);

/* The socket of a bufferevent, with a filter or without. */
evutil_socket_t tls_socket(struct bufferevent *bufferevent);

/* TLS between a client's bufferevent, which is about to connect, and its server.  libevent 2.1 connects sockets alone, and
 * so what it connects is exchanged, when it stands, for one end of a pair of sockets. */
struct tls_bridge;

/* `tls` is a client's that has not begun.  Call it when a connection is under way; `patience` are seconds that the server
 * may be silent within the handshake. */
struct tls_bridge *tls_bridge_new(struct event_base *base, struct bufferevent *client, struct tls *tls,
                                  unsigned patience);

/* DTLS over a connected socket of datagrams, which `sspi connect` has.  The handshake, within so many seconds: an exit code, and
 * tls->state.  Standard input and output, until one side says goodbye. */
int tls_datagram_shake(struct tls *tls, int socket, unsigned timeout);
int tls_datagram_join(struct tls *tls, int socket);
void tls_datagram_goodbye(struct tls *tls, int socket);

struct evkeyvalq;

/* What is said in the clear before TLS begins: CONNECT to a proxy (RFC 9110 9.3.6). */
struct tls_prologue {
    /* The next request; owned by the caller. */
    char *(*ask)(void *argument);
    /* The answer's code and its header fields.  True: once more; false: it is over, by a tunnel when the code is 2xx and
     * `*accepted` stays true. */
    bool (*hear)(void *argument, int code, struct evkeyvalq *headers, bool *accepted);
    void *argument;
};

/* For a bridge that has not connected. */
void tls_bridge_set_prologue(struct tls_bridge *bridge, const struct tls_prologue *prologue);
void tls_bridge_free(struct tls_bridge *bridge);

#endif
