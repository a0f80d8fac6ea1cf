/* The parts of `sspi get`: get.c fetches, get_gate.c signs in. */
#ifndef OPENSSPI_TOOL_GET_H
#define OPENSSPI_TOOL_GET_H

#include <event2/http.h>
#include <stdbool.h>

#include "exchange.h"
#include "login.h"
#include "party.h"
#include "schemes.h"
#include "tls.h"

#define GET_REFUSED "refused by the %s: wrong name or password, or no right to be here"

struct evkeyvalq;

struct get_options {
    const char *url, *proxy, *target, *scheme;
    const struct scheme *insist; /* on `scheme` */
    unsigned timeout;
    bool verbose, json;
    struct login login;
    struct tls_options tls;
};

/* Somebody who may ask for credentials on the way: the server or the proxy. */
struct gate {
    const char *name;   /* who it is, for people */
    const char *ask;    /* header with the offers */
    const char *answer; /* header for the token */
    char *target;       /* owned; the principal name */
    const struct scheme *scheme;
    struct party party;
    CredHandle credential;
    bool has_credential;
    const char *method;   /* of the request that it sees, and what it names */
    const char *resource; /* ... borrowed */
    bool tried;           /* the last token of an exchange was sent */
    char *header;         /* owned; what the next request says */
    const char *info;     /* Authentication-Info of the answer at hand, while its headers are */
};

struct fetch {
    const struct get_options *options;
    struct event_base *base;
    struct evhttp_connection *connection;
    struct evhttp_uri *uri;
    const char *resource; /* what the request line names; owned below */
    char *owned_resource;
    char *host_header;
    char *host;   /* owned; that we connect to, without brackets */
    char *origin; /* owned; whose page it is, likewise */
    struct gate gates[2];
    struct exchange exchange;
    /* the answer to the last request */
    int code;
    bool answered;
    bool closed;    /* the connection ended since the last request was sent */
    bool by_end;    /* nothing but the connection's end shows where the page ends (RFC 9112 6.3) */
    bool connected; /* a TLS connection is there, or under way */
    bool https;
    bool tls_to_proxy;   /* http by an https proxy */
    char *tunnel;        /* owned; https by a proxy: the authority that CONNECT names; NULL: none */
    int tunnel_requests; /* CONNECTs of this connection */
    int tunnel_code;     /* an exit code: EXIT_DONE unless the proxy makes no tunnel */
    struct tls_credential credential;
    struct tls tls;
    struct tls_bridge *bridge; /* NULL: none */
    enum evhttp_request_error error;
    bool has_error;
    int verdict;    /* an exit code: EXIT_DONE unless the answer came from somebody who did not prove himself */
    char *offer[2]; /* owned; the chosen value of each gate's `ask` header */
};

/* Keeps the best offer among a gate's headers; a header may list several (RFC 9110 11.6.1). */
void gate_keep_offer(struct fetch *fetch, size_t gate, const struct evkeyvalq *headers);

/* The answer that lets us in brings the peer's last token, when the scheme has one more than ours: only that token shows
 * that it is the peer we meant who answers (RFC 4559 5).  An exit code; it complains. */
int gate_finish(struct fetch *fetch, struct gate *gate);

/* The gate's next token becomes the header of the next request.  EXIT_DONE when there is one; else it complains. */
int gate_answer(struct fetch *fetch, struct gate *gate, const char *offer);

#endif
