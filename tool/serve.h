/* The parts of `sspi serve`: serve.c reads the command line, listens and ends; serve_http.c answers requests;
 * serve_page.c draws the answers; serve_proxy.c fetches them from other servers. */
#ifndef OPENSSPI_TOOL_SERVE_H
#define OPENSSPI_TOOL_SERVE_H

#include <event2/http.h>
#include <stdbool.h>

#include "exchange.h"
#include "party.h"
#include "schemes.h"
#include "tls.h"

#define SERVE_SCHEMES     8
#define SERVE_HEADERS_MAX (72 * 1024) /* Windows' largest token, 48000 bytes, in base64 and what goes with it */

struct serve_offer {
    const struct scheme *scheme;
    CredHandle credential;
};

/* One HTTP connection: with NTLM it is the connection that is authenticated, not the request (MS-NTHT 3.2.5). */
struct visitor {
    struct visitor *next;
    struct server *server;
    struct bufferevent *bufferevent; /* tells connections apart; a reference */
    uint64_t since;                  /* party_clock() at the last request, or when the connection came */
    const struct serve_offer *offer; /* the scheme under way or established */
    struct party party;
    struct exchange exchange;
    char *user; /* NULL until the connection is somebody */
    struct json_object *facts;
    struct tls *tls;         /* NULL: plain HTTP.  The bufferevent ends it */
    struct bytes bindings;   /* of that TLS connection, once asked for; FreeContextBuffer */
    struct forward *forward; /* what it fetches, or fetched, from another server; NULL: nothing */
};

/* What becomes of a logon over TLS whose client sends no channel bindings. */
enum serve_bindings {
    SERVE_BINDINGS_REQUIRE, /* nobody gets in without */
    SERVE_BINDINGS_ALLOW,   /* he gets in; one who sends those of another connection does not */
    SERVE_BINDINGS_IGNORE,  /* nobody looks */
};

struct server {
    struct event_base *base;
    struct evhttp *http;
    struct evconnlistener *listener;
    struct event *sweep;    /* looks after the connections, once a second */
    struct evdns_base *dns; /* only a proxy has it */
    bool proxy;             /* fetch from other servers, for those who signed in */
    struct serve_offer offers[SERVE_SCHEMES];
    size_t offer_count;
    const char *realm; /* the page's heading, and Digest's realm */
    bool has_realm;    /* it was named: accounts can have been given hashes for it */
    bool https;
    struct tls_credential tls;
    enum serve_bindings bindings;
    bool once; /* end after the first request that was let in */
    bool quiet;
    struct visitor *visitors;
    unsigned visitor_count;
};

/* Registers the callbacks and limits with server->http and server->listener. */
void serve_attach(struct server *server);

/* Forgets every visitor; after evhttp_free. */
void serve_forget_all(struct server *server);

/* One line a request, without the query, which is nobody's business; never a token. */
void serve_log(const struct server *server, struct evhttp_request *request, int code, const char *remark);

/* True for a request whose target is a whole URL, as clients write it to a proxy (RFC 9112 3.2.2). */
bool serve_is_for_another(struct evhttp_request *request);

/* Keeps a connection open that a proxy's client did not ask to close: evhttp believes that only the header
 * Proxy-Connection can say so, which no standard knows. */
void serve_keep_connection(struct evhttp_request *request);

/* Answers with what the server that the request names answers: on a connection that belongs to this visitor alone, since who
 * signs in there may do so by connection as well (RFC 4559 6). */
void serve_forward(struct visitor *visitor, struct evhttp_request *request);

/* Ends that connection, if there is one. */
void serve_forward_end(struct visitor *visitor);

/* The pages, written to `out`. */
void serve_page_welcome(FILE *out, const struct server *server, const struct visitor *visitor);
void serve_page_closed(FILE *out, const struct server *server, bool tried);
struct json_object *serve_welcome_facts(const struct visitor *visitor);

#endif
