#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "http_digest.h"
#include "serve.h"
#include "terminal.h"

#define BODY_MAX     (64 * 1024)
#define IDLE_SECONDS 30
#define SLOW_SECONDS 60 /* from one request to the end of the next, however steadily its bytes drip in */
#define VISITORS_MAX 512

/* Who asks, and by which words: a server for itself, or a proxy (RFC 9110 11.6, 11.7). */
struct door {
    int code;
    const char *phrase;
    const char *ask;    /* header with offers and tokens of ours */
    const char *answer; /* header with the client's token */
};

static const struct door *door_of(const struct server *server, struct evhttp_request *request)
{
    static const struct door own = {401, "Unauthorized", "WWW-Authenticate", "Authorization"};
    static const struct door proxy = {407, "Proxy Authentication Required", "Proxy-Authenticate",
                                      "Proxy-Authorization"};
    return server->proxy && serve_is_for_another(request) ? &proxy : &own;
}

/* What went wrong below HTTP, which no request tells. */
static void log_tls(const struct visitor *visitor)
{
    char host[INET6_ADDRSTRLEN] = "?";
    char port[8] = "?";
    char number[11];
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    const struct tls *tls = visitor->tls;
    if (visitor->server->quiet || tls == NULL || tls->state != TLS_FAILED || tls->status == SEC_E_INCOMPLETE_MESSAGE) {
        return;
    }
    if (getpeername(tls_socket(visitor->bufferevent), (struct sockaddr *)&address, &size) == 0) {
        (void)getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                          NI_NUMERICHOST | NI_NUMERICSERV);
    }
    fprintf(stderr, "%s:%s TLS %s%s%s\n", host, port, status_text(tls->status, number), tls->reason != NULL ? ": " : "",
            tls->reason != NULL ? tls->reason : "");
}

/* Ends a visit that is in no list any more. */
static void visitor_release(struct visitor *visitor)
{
    visitor->server->visitor_count--;
    log_tls(visitor);
    serve_forward_end(visitor);
    if (visitor->tls != NULL) {
        tls_filter_goodbye(visitor->bufferevent, visitor->tls);
    }
    FreeContextBuffer((void *)visitor->bindings.data);
    bufferevent_decref(visitor->bufferevent);
    party_reset(&visitor->party);
    exchange_clear(&visitor->exchange);
    json_object_put(visitor->facts);
    free(visitor->user);
    free(visitor);
}

static void visitor_free(struct visitor *visitor)
{
    struct visitor **link = &visitor->server->visitors;
    while (*link != visitor) {
        link = &(*link)->next;
    }
    *link = visitor->next;
    visitor_release(visitor);
}

static struct visitor *visitor_find(struct server *server, const struct bufferevent *bufferevent)
{
    struct visitor *visitor = server->visitors;
    while (visitor != NULL && visitor->bufferevent != bufferevent) {
        visitor = visitor->next;
    }
    return visitor;
}

static void make_room(struct server *server)
{
    if (server->visitor_count < VISITORS_MAX && server->listener != NULL) {
        evconnlistener_enable(server->listener);
    }
}

/* The connection goes: so does whoever it was. */
static void on_close(struct evhttp_connection *connection, void *argument)
{
    struct server *server = argument;
    struct visitor *visitor = visitor_find(server, evhttp_connection_get_bufferevent(connection));
    if (visitor != NULL) {
        visitor_free(visitor);
    }
    make_room(server);
}

/* evhttp tells of the end of a connection only once it has brought a request; before, it takes its callbacks off the
 * bufferevent and forgets it. */
static bool is_gone(const struct visitor *visitor)
{
    bufferevent_data_cb on_data = NULL;
    bufferevent_event_cb on_event = NULL;
    bufferevent_getcb(visitor->bufferevent, &on_data, NULL, &on_event, NULL);
    return on_data == NULL && on_event == NULL;
}

/* Silence is evhttp's business; here ends who talks without ever coming to the end of a request. */
static void on_sweep(evutil_socket_t number, short events, void *argument)
{
    struct server *server = argument;
    uint64_t now = party_clock();
    struct visitor *next = NULL;
    (void)number;
    (void)events;
    for (struct visitor *visitor = server->visitors; visitor != NULL; visitor = next) {
        next = visitor->next;
        if (is_gone(visitor)) {
            visitor_free(visitor);
        } else if (now - visitor->since > SLOW_SECONDS * UINT64_C(1000000000)) {
            (void)shutdown(tls_socket(visitor->bufferevent), SHUT_RDWR); /* evhttp reads the end, and frees */
        }
    }
    make_room(server);
}

static void on_pause_over(evutil_socket_t number, short events, void *argument)
{
    struct server *server = argument;
    (void)number;
    (void)events;
    make_room(server);
}

/* The server of this process: evhttp takes the listener's argument for itself. */
static struct server *the_server;

/* No descriptor is left for another connection.  Those that wait keep waiting; without a pause the loop would do nothing
 * but try again. */
static void on_accept_error(struct evconnlistener *listener, void *theirs)
{
    struct server *server = the_server;
    const struct timeval pause = {0, 200000};
    (void)theirs;
    complain("a connection cannot be accepted: %m");
    evconnlistener_disable(listener);
    if (event_base_once(server->base, -1, EV_TIMEOUT, on_pause_over, server, &pause) != 0) {
        evconnlistener_enable(listener);
    }
}

static void tls_drop(struct tls *tls)
{
    tls_clear(tls);
    free(tls);
}

/* Every new connection begins with a bufferevent of its own made here, which the visitor holds on to, so that one whose
 * end went unnoticed can never lend his name to the next connection at the same address in memory. */
static struct bufferevent *on_connect(struct event_base *base, void *argument)
{
    struct server *server = argument;
    struct bufferevent *bufferevent = need(bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE));
    struct visitor *visitor = need(calloc(1, sizeof *visitor));
    struct tls *tls = NULL;
    if (server->https) {
        tls = need(calloc(1, sizeof *tls));
        tls_init(tls, &server->tls, NULL, "http/1.1");
        bufferevent = tls_filter_new(bufferevent, tls, tls_drop);
    }
    bufferevent_incref(bufferevent);
    *visitor = (struct visitor){
        .next = server->visitors, .server = server, .bufferevent = bufferevent, .since = party_clock(), .tls = tls};
    visitor->party.acceptor = true;
    server->visitors = visitor;
    server->visitor_count++;
    if (server->visitor_count >= VISITORS_MAX) {
        evconnlistener_disable(server->listener);
    }
    return bufferevent;
}

static struct visitor *visitor_of(struct server *server, struct evhttp_request *request)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    struct visitor *visitor = visitor_find(server, evhttp_connection_get_bufferevent(connection));
    if (visitor != NULL) {
        visitor->since = party_clock();
        evhttp_connection_set_closecb(connection, on_close, server);
    }
    return visitor;
}

/* Nobody again: the next token begins a new exchange. */
static void visitor_reset(struct visitor *visitor)
{
    serve_forward_end(visitor); /* the next server knows the last name, too */
    party_reset(&visitor->party);
    json_object_put(visitor->facts);
    free(visitor->user);
    visitor->facts = NULL;
    visitor->user = NULL;
    visitor->offer = NULL;
    exchange_clear(&visitor->exchange);
}

void serve_log(const struct server *server, struct evhttp_request *request, int code, const char *remark)
{
    char *peer = NULL;
    uint16_t port = 0;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
    const char *host = uri != NULL ? evhttp_uri_get_host(uri) : NULL;
    if (server->quiet) {
        return;
    }
    evhttp_connection_get_peer(evhttp_request_get_connection(request), &peer, &port);
    fprintf(stderr, "%s:%u %d ", peer != NULL ? peer : "?", port, code);
    print_safe(stderr, host != NULL ? host : "");
    print_safe(stderr, path != NULL ? path : "/");
    fputc(' ', stderr);
    print_safe(stderr, remark);
    fputc('\n', stderr);
}

static bool wants_json(struct evhttp_request *request)
{
    const char *accept = evhttp_find_header(evhttp_request_get_input_headers(request), "Accept");
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
    return (accept != NULL && strstr(accept, "application/json") != NULL) ||
           (path != NULL && strcmp(path, "/json") == 0);
}

static void on_sent(struct evhttp_request *request, void *argument)
{
    struct server *server = argument;
    (void)request;
    event_base_loopexit(server->base, NULL);
}

/* Sends what was written to a memory stream. */
static void reply(struct evhttp_request *request, int code, const char *phrase, const char *type, const char *text,
                  size_t size)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *body = need(evbuffer_new());
    evbuffer_add(body, text, size);
    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    evhttp_add_header(headers, "Referrer-Policy", "no-referrer");
    evhttp_add_header(headers, "Content-Security-Policy",
                      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'");
    evhttp_send_reply(request, code, phrase, body);
    evbuffer_free(body);
}

static void reply_closed(struct server *server, struct evhttp_request *request, bool tried)
{
    const struct door *door = door_of(server, request);
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    bool json = wants_json(request);
    FILE *out = need(open_memstream(&text, &size));
    if (json) {
        struct json_object *facts = facts_new();
        facts_text(facts, "error", tried ? "refused" : "sign in first");
        facts_print_json(out, facts);
    } else {
        serve_page_closed(out, server, tried);
    }
    fclose(out);
    reply(request, door->code, door->phrase, json ? "application/json" : "text/html; charset=utf-8", text, size);
}

/* One header each, the strongest first (RFC 7616 3.7). */
static void add_challenges(struct evkeyvalq *headers, const char *ask, const struct digest_challenges *challenges)
{
    for (size_t i = 0; i < challenges->count; i++) {
        evhttp_add_header(headers, ask, challenges->text[i]);
    }
}

/* 401 or 407 with every scheme on offer. */
static void offer(struct server *server, struct evhttp_request *request, bool tried)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    for (size_t i = 0; i < server->offer_count; i++) {
        const struct serve_offer *one = &server->offers[i];
        if (one->scheme->text) {
            struct digest_challenges challenges;
            http_digest_challenge((CredHandle *)(uintptr_t)&one->credential, server->realm, &challenges);
            add_challenges(headers, door_of(server, request)->ask, &challenges);
        } else {
            evhttp_add_header(headers, door_of(server, request)->ask, one->scheme->name);
        }
    }
    reply_closed(server, request, tried);
}

/* 401 or 407 with the next token of the exchange. */
static void challenge(struct visitor *visitor, struct evhttp_request *request, struct bytes token)
{
    const struct door *door = door_of(visitor->server, request);
    AUTO_FREE char *value = scheme_format(visitor->offer->scheme, token);
    evhttp_add_header(evhttp_request_get_output_headers(request), door->ask, value);
    serve_log(visitor->server, request, door->code, "exchange under way");
    reply_closed(visitor->server, request, false);
}

static void welcome(struct visitor *visitor, struct evhttp_request *request)
{
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    bool json = wants_json(request);
    if (visitor->server->once) {
        evhttp_request_set_on_complete_cb(request, on_sent, visitor->server);
    }
    if (visitor->server->proxy && serve_is_for_another(request)) {
        serve_forward(visitor, request);
        return;
    }
    FILE *out = need(open_memstream(&text, &size));
    if (json) {
        facts_print_json(out, serve_welcome_facts(visitor));
    } else {
        serve_page_welcome(out, visitor->server, visitor);
    }
    fclose(out);
    if (!visitor->offer->scheme->text) {
        evhttp_add_header(evhttp_request_get_output_headers(request), "Persistent-Auth", "true"); /* MS-NTHT 2.2.1 */
    }
    serve_log(visitor->server, request, 200, visitor->user);
    reply(request, HTTP_OK, "OK", json ? "application/json" : "text/html; charset=utf-8", text, size);
}

static void refuse(struct visitor *visitor, struct evhttp_request *request, SECURITY_STATUS status, const char *reason)
{
    char number[11];
    char remark[512];
    snprintf(remark, sizeof remark, "%s%s%s", status_text(status, number), reason != NULL ? ": " : "",
             reason != NULL ? reason : "");
    serve_log(visitor->server, request, door_of(visitor->server, request)->code, remark);
    visitor_reset(visitor);
    offer(visitor->server, request, true);
}

/* Gives the channel's bindings to the package.  Returns what to ask of it, ASC_REQ_*. */
static ULONG bind_channel(struct visitor *visitor)
{
    enum serve_bindings policy = visitor->server->bindings;
    if (visitor->tls == NULL || policy == SERVE_BINDINGS_IGNORE) {
        return ASC_REQ_CONNECTION;
    }
    if (visitor->bindings.size == 0) {
        visitor->bindings = tls_bindings(visitor->tls);
    }
    visitor->party.bindings = visitor->bindings;
    return ASC_REQ_CONNECTION | (policy == SERVE_BINDINGS_ALLOW ? ASC_REQ_ALLOW_MISSING_BINDINGS : 0);
}

/* A token arrived. */
static void step(struct visitor *visitor, struct evhttp_request *request, struct bytes token)
{
    struct bytes answer = BYTES_NONE;
    const struct door *door = door_of(visitor->server, request);
    struct leg *leg = exchange_add(&visitor->exchange, true, token);
    leg_note(leg, "request, %s: %s", door->answer, visitor->offer->scheme->name);
    ULONG request_flags = bind_channel(visitor);
    if (visitor->tls != NULL && visitor->server->bindings != SERVE_BINDINGS_IGNORE && visitor->bindings.size == 0) {
        refuse(visitor, request, SEC_E_INTERNAL_ERROR, "the TLS connection has no channel bindings");
        return;
    }
    SECURITY_STATUS status =
        party_step(&visitor->party, (CredHandle *)&visitor->offer->credential, token, NULL, request_flags, &answer);
    if (status < 0) {
        refuse(visitor, request, status, visitor->party.reason);
        return;
    }
    if (status == SEC_E_OK && (visitor->party.flags & ASC_RET_NULL_SESSION) != 0) {
        refuse(visitor, request, SEC_E_LOGON_DENIED, "anonymous logons are not let in");
        return;
    }
    if (answer.size > 0 || status == SEC_E_OK) {
        leg = exchange_add(&visitor->exchange, false, answer);
        leg_status(leg, status, visitor->party.nanoseconds);
        if (status == SEC_E_OK) {
            leg_note(leg, "HTTP/1.1 200: you are let in");
        } else {
            leg_note(leg, "HTTP/1.1 %d, %s: %s", door->code, door->ask, visitor->offer->scheme->name);
        }
    }
    if (status != SEC_E_OK) {
        challenge(visitor, request, answer);
    } else {
        visitor->facts = party_facts(&visitor->party);
        visitor->user = party_user(&visitor->party);
        if (visitor->user == NULL) {
            visitor->user = need(strdup("somebody whose name the package does not tell"));
        }
        if (answer.size > 0) {
            AUTO_FREE char *value = scheme_format(visitor->offer->scheme, answer);
            evhttp_add_header(evhttp_request_get_output_headers(request), door->ask, value);
        }
        welcome(visitor, request);
    }
    FreeContextBuffer((void *)answer.data);
}

static const char *method_of(struct evhttp_request *request)
{
    switch (evhttp_request_get_command(request)) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    default:
        return "POST";
    }
}

/* A response by Digest: it is good for this request alone, and the nonce says all that there is to know (RFC 7616 3.4). */
static void step_digest(struct visitor *visitor, struct evhttp_request *request, struct bytes token)
{
    const struct door *door = door_of(visitor->server, request);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct digest_challenges answer;
    const struct digest_request line = {method_of(request), evhttp_request_get_uri(request), visitor->server->realm};
    struct leg *leg = exchange_add(&visitor->exchange, true, token);
    leg_note(leg, "request, %s: Digest", door->answer);
    SECURITY_STATUS status = http_digest_accept(&visitor->party, (CredHandle *)(uintptr_t)&visitor->offer->credential,
                                                token, &line, &answer);
    if (status == SEC_I_CONTINUE_NEEDED) {
        add_challenges(headers, door->ask, &answer);
        serve_log(visitor->server, request, door->code, "the nonce is stale");
        visitor_reset(visitor);
        reply_closed(visitor->server, request, false);
        return;
    }
    if (status != SEC_E_OK) {
        refuse(visitor, request, status, visitor->party.reason);
        return;
    }
    leg_status(leg, status, visitor->party.nanoseconds);
    visitor->facts = party_facts(&visitor->party);
    visitor->user = party_user(&visitor->party);
    AUTO_FREE char *info = http_digest_info(&visitor->party, &line);
    if (info != NULL) {
        evhttp_add_header(headers, door->code == 407 ? "Proxy-Authentication-Info" : "Authentication-Info", info);
    }
    welcome(visitor, request);
}

static const struct serve_offer *find_offer(const struct server *server, const struct scheme *scheme)
{
    for (size_t i = 0; scheme != NULL && i < server->offer_count; i++) {
        if (strcmp(server->offers[i].scheme->name, scheme->name) == 0) {
            return &server->offers[i];
        }
    }
    return NULL;
}

static void on_request(struct evhttp_request *request, void *argument)
{
    struct server *server = argument;
    struct visitor *visitor = visitor_of(server, request);
    const struct door *door = door_of(server, request);
    const char *value = evhttp_find_header(evhttp_request_get_input_headers(request), door->answer);
    struct bytes token = BYTES_NONE;
    bool good = true;
    if (visitor == NULL) { /* a connection that nobody opened */
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
        return;
    }
    serve_keep_connection(request);
    if (value == NULL && visitor->user != NULL && !visitor->offer->scheme->text) {
        welcome(visitor, request);
        return;
    }
    if (value == NULL) {
        serve_log(server, request, door->code, "no credentials yet");
        visitor_reset(visitor); /* an exchange broken off is not to be taken up by another request */
        offer(server, request, false);
        return;
    }
    const struct scheme *scheme = scheme_parse(value, &token, &good);
    const struct serve_offer *chosen = find_offer(server, scheme);
    if (chosen == NULL || !good || token.size == 0) {
        serve_log(server, request, door->code,
                  chosen == NULL ? "a scheme that is not on offer" : "no token in the header");
        visitor_reset(visitor);
        offer(server, request, true);
    } else {
        if (visitor->user != NULL || scheme->text || (visitor->offer != NULL && visitor->offer != chosen)) {
            visitor_reset(visitor); /* whoever sends a token wants to be somebody anew */
        }
        visitor->offer = chosen;
        scheme->text ? step_digest(visitor, request, token) : step(visitor, request, token);
    }
    free((void *)token.data);
}

void serve_attach(struct server *server)
{
    evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST);
    evhttp_set_max_headers_size(server->http, SERVE_HEADERS_MAX);
    evhttp_set_max_body_size(server->http, BODY_MAX);
    evhttp_set_timeout(server->http, IDLE_SECONDS);
    evhttp_set_bevcb(server->http, on_connect, server);
    evhttp_set_gencb(server->http, on_request, server);
    the_server = server;
    evconnlistener_set_error_cb(server->listener, on_accept_error);
    const struct timeval second = {1, 0};
    server->sweep = need(event_new(server->base, -1, EV_PERSIST, on_sweep, server));
    if (event_add(server->sweep, &second) != 0) {
        need(NULL);
    }
}

void serve_forget_all(struct server *server)
{
    if (server->sweep != NULL) {
        event_free(server->sweep);
        server->sweep = NULL;
    }
    while (server->visitors != NULL) {
        struct visitor *first = server->visitors;
        server->visitors = first->next;
        visitor_release(first);
    }
}
