#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "serve.h"
#include "terminal.h"

#define SILENCE_SECONDS 30
#define BACKLOG_MAX     (64u * 1024 * 1024) /* of a page that the client does not take away */

/* One connection to another server, and the request under way on it. */
struct forward {
    struct visitor *visitor;
    struct evhttp_connection *connection;
    char *host; /* owned */
    int port;
    struct evhttp_request *asked; /* what the visitor wants; NULL: nothing at the moment */
    bool begun;                   /* the answer's head is on its way to the visitor */
};

bool serve_is_for_another(struct evhttp_request *request)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    return uri != NULL && evhttp_uri_get_scheme(uri) != NULL && evhttp_uri_get_host(uri) != NULL;
}

/* True when a header that lists words has this one. */
static bool lists(const char *value, const char *word)
{
    char *rest = NULL;
    if (value == NULL) {
        return false;
    }
    AUTO_FREE char *copy = need(strdup(value));
    for (char *part = strtok_r(copy, ", \t", &rest); part != NULL; part = strtok_r(NULL, ", \t", &rest)) {
        if (strcasecmp(part, word) == 0) {
            return true;
        }
    }
    return false;
}

void serve_keep_connection(struct evhttp_request *request)
{
    struct evkeyvalq *in = evhttp_request_get_input_headers(request);
    bool said = evhttp_find_header(in, "Proxy-Connection") != NULL;
    if (!serve_is_for_another(request) ||
        lists(evhttp_find_header(in, said ? "Proxy-Connection" : "Connection"), "close")) {
        return;
    }
    if (!said) {
        evhttp_add_header(in, "Proxy-Connection", "keep-alive");
    }
    evhttp_add_header(evhttp_request_get_output_headers(request), "Proxy-Connection", "keep-alive");
}

/* Headers that concern one connection alone (RFC 9110 7.6.1), and those of the proxy's own authentication (11.7). */
static bool stays_here(const struct evkeyvalq *headers, const char *name)
{
    static const char *const names[] = {
        "Connection",
        "Proxy-Connection",
        "Keep-Alive",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Expect",
        "Upgrade",
        "Proxy-Authorization",
        "Proxy-Authenticate",
        "Proxy-Authentication-Info",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(name, names[i]) == 0) {
            return true;
        }
    }
    return lists(evhttp_find_header(headers, "Connection"), name);
}

static void copy_headers(const struct evkeyvalq *from, struct evkeyvalq *to, bool length)
{
    for (const struct evkeyval *header = from->tqh_first; header != NULL; header = header->next.tqe_next) {
        bool known = evhttp_find_header(to, "Host") != NULL && strcasecmp(header->key, "Host") == 0;
        bool counted = strcasecmp(header->key, "Content-Length") == 0;
        if (!stays_here(from, header->key) && !known && (length || !counted)) {
            evhttp_add_header(to, header->key, header->value);
        }
    }
    evhttp_add_header(to, "Via", "1.1 sspi-serve"); /* RFC 9110 7.6.3 */
}

/* The other server did not come to an end. */
static void fail(struct forward *forward)
{
    struct visitor *visitor = forward->visitor;
    struct evhttp_request *asked = STEAL(forward->asked);
    if (forward->begun) { /* a page cut short must not look whole */
        (void)shutdown(tls_socket(visitor->bufferevent), SHUT_RDWR);
        evhttp_send_reply_end(asked);
        return;
    }
    serve_log(visitor->server, asked, 502, "the other server does not answer");
    evhttp_send_reply(asked, 502, "Bad Gateway", NULL);
}

static int on_headers(struct evhttp_request *onward, void *argument)
{
    struct forward *forward = argument;
    const struct evkeyvalq *from = evhttp_request_get_input_headers(onward);
    struct evkeyvalq *to = evhttp_request_get_output_headers(forward->asked);
    int code = evhttp_request_get_response_code(onward);
    if (code < 200) {
        return 0;
    }
    /* of two lengths the coding's is the one that counts (RFC 9112 6.3) */
    copy_headers(from, to, evhttp_find_header(from, "Transfer-Encoding") == NULL);
    if (code == 401) {
        evhttp_add_header(to, "Proxy-Support", "Session-Based-Authentication"); /* RFC 4559 6 */
    }
    serve_log(forward->visitor->server, forward->asked, code, forward->visitor->user);
    forward->begun = true;
    evhttp_send_reply_start(forward->asked, code, evhttp_request_get_response_code_line(onward));
    return 0;
}

static void on_chunk(struct evhttp_request *onward, void *argument)
{
    struct forward *forward = argument;
    struct bufferevent *out = forward->visitor->bufferevent;
    forward->visitor->since = party_clock();
    if (!forward->begun) {
        return;
    }
    evhttp_send_reply_chunk(forward->asked, evhttp_request_get_input_buffer(onward));
    if (evbuffer_get_length(bufferevent_get_output(out)) > BACKLOG_MAX) {
        (void)shutdown(tls_socket(out), SHUT_RDWR); /* evhttp notices, and on_close() ends all of this */
    }
}

static void on_done(struct evhttp_request *onward, void *argument)
{
    struct forward *forward = argument;
    if (forward->asked == NULL) {
        return;
    }
    if (onward == NULL || !forward->begun) {
        fail(forward);
        return;
    }
    evhttp_send_reply_end(STEAL(forward->asked));
}

void serve_forward_end(struct visitor *visitor)
{
    struct forward *forward = STEAL(visitor->forward);
    if (forward == NULL) {
        return;
    }
    evhttp_connection_free(forward->connection); /* calls nobody back */
    if (forward->asked != NULL && evhttp_request_get_connection(forward->asked) == NULL) {
        evhttp_request_free(forward->asked); /* evhttp let go of it when its connection went */
    }
    free(forward->host);
    free(forward);
}

static struct forward *forward_to(struct visitor *visitor, const char *host, int port)
{
    struct forward *forward = visitor->forward;
    if (forward != NULL && forward->port == port && strcasecmp(forward->host, host) == 0) {
        return forward;
    }
    serve_forward_end(visitor);
    forward = need(calloc(1, sizeof *forward));
    forward->visitor = visitor;
    forward->host = need(strdup(host));
    forward->port = port;
    /* evhttp wants an IPv6 address without its brackets */
    AUTO_FREE char *name = need(strdup(host[0] == '[' ? host + 1 : host));
    name[strcspn(name, "]")] = '\0';
    forward->connection =
        need(evhttp_connection_base_new(visitor->server->base, visitor->server->dns, name, (uint16_t)port));
    evhttp_connection_set_timeout(forward->connection, SILENCE_SECONDS);
    evhttp_connection_set_max_headers_size(forward->connection, SERVE_HEADERS_MAX);
    visitor->forward = forward;
    return forward;
}

void serve_forward(struct visitor *visitor, struct evhttp_request *request)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = evhttp_uri_get_path(uri);
    const char *query = evhttp_uri_get_query(uri);
    int port = evhttp_uri_get_port(uri);
    AUTO_FREE char *resource = NULL;
    AUTO_FREE char *authority = NULL;
    if (strcasecmp(evhttp_uri_get_scheme(uri), "http") != 0) {
        serve_log(visitor->server, request, 501, "this proxy knows http alone");
        evhttp_send_reply(request, 501, "Not Implemented", NULL);
        return;
    }
    if (asprintf(&resource, "%s%s%s%s", path != NULL && path[0] == '/' ? "" : "/", path != NULL ? path : "",
                 query != NULL ? "?" : "", query != NULL ? query : "") < 0 ||
        asprintf(&authority, port > 0 ? "%s:%d" : "%s", evhttp_uri_get_host(uri), port) < 0) {
        need(NULL);
    }
    struct forward *forward = forward_to(visitor, evhttp_uri_get_host(uri), port > 0 ? port : 80);
    struct evhttp_request *onward = need(evhttp_request_new(on_done, forward));
    struct evkeyvalq *headers = evhttp_request_get_output_headers(onward);
    evhttp_add_header(headers, "Host", authority); /* whatever the client's says (RFC 9112 3.2.2) */
    copy_headers(evhttp_request_get_input_headers(request), headers, false);
    if (evhttp_request_get_command(request) ==
        EVHTTP_REQ_POST) { /* for others evhttp writes no length: none may follow */
        evbuffer_add_buffer(evhttp_request_get_output_buffer(onward), evhttp_request_get_input_buffer(request));
    }
    evhttp_request_set_header_cb(onward, on_headers);
    evhttp_request_set_chunked_cb(onward, on_chunk);
    forward->asked = request;
    forward->begun = false;
    if (evhttp_make_request(forward->connection, onward, evhttp_request_get_command(request), resource) != 0 &&
        forward->asked != NULL) {
        fail(forward);
    }
}
