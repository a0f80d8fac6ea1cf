/* The parts of `sspi serve`: serve.c reads the command line, listens and ends; serve_http.c answers requests;
 * serve_page.c draws the answers. */
#ifndef OPENSSPI_TOOL_SERVE_H
#define OPENSSPI_TOOL_SERVE_H

#include <event2/http.h>
#include <stdbool.h>

#include "exchange.h"
#include "party.h"
#include "schemes.h"

#define SERVE_SCHEMES 8

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
};

struct server {
    struct event_base *base;
    struct evhttp *http;
    struct evconnlistener *listener;
    struct event *sweep; /* looks after the connections, once a second */
    struct serve_offer offers[SERVE_SCHEMES];
    size_t offer_count;
    const char *realm; /* the page's heading */
    bool once;         /* end after the first request that was let in */
    bool quiet;
    struct visitor *visitors;
    unsigned visitor_count;
};

/* Registers the callbacks and limits with server->http and server->listener. */
void serve_attach(struct server *server);

/* Forgets every visitor; after evhttp_free. */
void serve_forget_all(struct server *server);

/* The pages, written to `out`. */
void serve_page_welcome(FILE *out, const struct server *server, const struct visitor *visitor);
void serve_page_closed(FILE *out, const struct server *server, bool tried);
struct json_object *serve_welcome_facts(const struct visitor *visitor);

#endif
