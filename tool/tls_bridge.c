#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "terminal.h"
#include "tls.h"

#define HEAD_MAX    (64 * 1024)    /* of an answer to CONNECT */
#define BACKLOG_MAX (1024u * 1024) /* of what one side sends and the other does not take */

struct tls_bridge {
    struct event_base *base;
    struct tls *tls;
    struct timeval patience;    /* with a server that does not go on with the handshake */
    struct bufferevent *client; /* evhttp's */
    bufferevent_event_cb tell;  /* evhttp's callback for the end of connecting, with its argument */
    void *tell_argument;
    struct bufferevent *near, *far; /* our end of the pair, and the server; NULL: none */
    bool announced;                 /* the client knows that it is connected */
    struct tls_prologue prologue;   /* ask NULL: none */
    size_t body;                    /* of an answer to it, that is still to come */
    bool again;                     /* the next request waits for the end of that */
    struct sockaddr_storage peer;   /* to be dialled again when a proxy hangs up between two answers */
    socklen_t peer_size;
};

static void announce(struct tls_bridge *bridge, short what)
{
    if (!bridge->announced) {
        bridge->announced = true;
        errno = 0; /* evhttp looks at it */
        bridge->tell(bridge->client, what, bridge->tell_argument);
    }
}

/* The client reads its end: behind what there was to read. */
static void end_near(struct tls_bridge *bridge)
{
    if (!bridge->announced) {
        announce(bridge, BEV_EVENT_READING | BEV_EVENT_ERROR);
    } else if (bridge->near != NULL && evbuffer_get_length(bufferevent_get_output(bridge->near)) == 0) {
        (void)shutdown(bufferevent_getfd(bridge->near), SHUT_WR);
    }
}

static bool ended(const struct tls *tls)
{
    return tls->state == TLS_CLOSED || tls->state == TLS_FAILED;
}

/* From the server. */
static void on_far_data(struct bufferevent *far, void *argument)
{
    struct tls_bridge *bridge = argument;
    struct evbuffer *out = bufferevent_get_output(bridge->near);
    tls_receive(bridge->tls, bufferevent_get_input(far), out, bufferevent_get_output(far));
    if (evbuffer_get_length(out) > BACKLOG_MAX) {
        bufferevent_disable(far, EV_READ);
    }
    if (bridge->tls->state == TLS_OPEN) {
        bufferevent_set_timeouts(far, NULL, NULL); /* from here on it is evhttp that waits */
        announce(bridge, BEV_EVENT_CONNECTED);
    } else if (ended(bridge->tls)) {
        end_near(bridge);
    }
}

static void on_far_event(struct bufferevent *far, short what, void *argument)
{
    struct tls_bridge *bridge = argument;
    (void)far;
    tls_wire_ended(bridge->tls);
    if ((what & BEV_EVENT_TIMEOUT) != 0) {
        bridge->tls->reason = "the peer is silent";
    }
    end_near(bridge);
}

/* The server has taken everything. */
static void on_far_room(struct bufferevent *far, void *argument)
{
    struct tls_bridge *bridge = argument;
    (void)far;
    bufferevent_enable(bridge->near, EV_READ);
}

/* From the client. */
static void on_near_data(struct bufferevent *near, void *argument)
{
    struct tls_bridge *bridge = argument;
    struct evbuffer *in = bufferevent_get_input(near);
    struct evbuffer *out = bufferevent_get_output(bridge->far);
    size_t size = evbuffer_get_length(in);
    if (bridge->tls->state == TLS_OPEN && size > 0) {
        (void)tls_send(bridge->tls, evbuffer_pullup(in, -1), size, out);
        evbuffer_drain(in, size);
    }
    if (evbuffer_get_length(out) > BACKLOG_MAX) {
        bufferevent_disable(near, EV_READ);
    }
}

static void on_near_event(struct bufferevent *near, short what, void *argument)
{
    struct tls_bridge *bridge = argument;
    (void)near;
    (void)what;
    tls_goodbye(bridge->tls, bufferevent_get_output(bridge->far));
}

static void on_near_room(struct bufferevent *near, void *argument)
{
    struct tls_bridge *bridge = argument;
    (void)near;
    if (ended(bridge->tls)) {
        end_near(bridge);
    } else {
        bufferevent_enable(bridge->far, EV_READ);
        on_near_data(bridge->near, bridge);
    }
}

static void begin_tls(struct tls_bridge *bridge)
{
    bufferevent_setcb(bridge->far, on_far_data, on_far_room, on_far_event, bridge);
    bufferevent_setcb(bridge->near, on_near_data, on_near_room, on_near_event, bridge);
    tls_begin(bridge->tls, bufferevent_get_output(bridge->far));
    bufferevent_enable(bridge->near, EV_READ | EV_WRITE);
    if (bridge->tls->state == TLS_FAILED) {
        end_near(bridge);
    }
}

/* ---------------------------------------------------------------- what comes before TLS */

static void ask_again(struct tls_bridge *bridge)
{
    AUTO_FREE char *request = bridge->prologue.ask(bridge->prologue.argument);
    bridge->again = false;
    bufferevent_write(bridge->far, request, strlen(request));
}

/* A head that is whole, as lines. */
static int read_head(struct evbuffer *in, struct evkeyvalq *headers)
{
    int code = 0;
    char *line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);
    if (line == NULL || sscanf(line, "HTTP/1.%*1[01] %3d", &code) != 1) {
        code = 0;
    }
    free(line);
    line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);
    while (line != NULL && line[0] != '\0') {
        char *colon = strchr(line, ':');
        if (colon != NULL) {
            *colon = '\0';
            evhttp_add_header(headers, line, colon + 1 + strspn(colon + 1, " \t"));
        }
        free(line);
        line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);
    }
    free(line);
    return code;
}

static void redial(struct tls_bridge *bridge);

/* One answer, when its head is there. */
static void take_answer(struct tls_bridge *bridge, struct evbuffer *in)
{
    struct evkeyvalq headers;
    bool accepted = true;
    TAILQ_INIT(&headers);
    int code = read_head(in, &headers);
    const char *size = evhttp_find_header(&headers, "Content-Length");
    const char *end = evhttp_find_header(&headers, "Connection");
    bool closes = (end != NULL && strcasecmp(end, "close") == 0) || size == NULL;
    bool more = bridge->prologue.hear(bridge->prologue.argument, code, &headers, &accepted);
    bridge->body = size != NULL ? strtoul(size, NULL, 10) : 0;
    evhttp_clear_headers(&headers);
    if (more && closes) {
        redial(bridge);
    } else if (more) {
        bridge->again = true;
    } else if (accepted && code >= 200 && code < 300) {
        bridge->prologue.ask = NULL;
        begin_tls(bridge);
        if (evbuffer_get_length(in) != 0) {
            on_far_data(bridge->far, bridge);
        }
    } else {
        end_near(bridge);
    }
}

static void on_answer_data(struct bufferevent *far, void *argument)
{
    struct tls_bridge *bridge = argument;
    struct evbuffer *in = bufferevent_get_input(far);
    size_t skipped = evbuffer_get_length(in) < bridge->body ? evbuffer_get_length(in) : bridge->body;
    evbuffer_drain(in, skipped);
    bridge->body -= skipped;
    if (bridge->body != 0) {
        return;
    }
    if (bridge->again) {
        ask_again(bridge);
    }
    if (evbuffer_search(in, "\r\n\r\n", 4, NULL).pos >= 0) {
        take_answer(bridge, in);
        if (bridge->again && bridge->far == far) {
            on_answer_data(far, bridge); /* its body may be there already */
        }
    } else if (evbuffer_get_length(in) > HEAD_MAX) {
        end_near(bridge);
    }
}

static void on_answer_event(struct bufferevent *far, short what, void *argument)
{
    struct tls_bridge *bridge = argument;
    (void)far;
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        return;
    }
    if (bridge->again && (what & BEV_EVENT_EOF) != 0) { /* its answer ended the connection, whatever it said of that */
        redial(bridge);
        return;
    }
    bridge->tls->reason = (what & BEV_EVENT_TIMEOUT) != 0 ? "the proxy is silent" : "the proxy hung up";
    end_near(bridge);
}

static void begin_prologue(struct tls_bridge *bridge)
{
    bufferevent_setcb(bridge->far, on_answer_data, NULL, on_answer_event, bridge);
    ask_again(bridge);
}

static void redial(struct tls_bridge *bridge)
{
    bufferevent_free(bridge->far);
    bridge->far = need(bufferevent_socket_new(bridge->base, -1, BEV_OPT_CLOSE_ON_FREE));
    bridge->body = 0;
    begin_prologue(bridge);
    bufferevent_set_timeouts(bridge->far, &bridge->patience, NULL);
    bufferevent_enable(bridge->far, EV_READ | EV_WRITE);
    if (bufferevent_socket_connect(bridge->far, (struct sockaddr *)&bridge->peer, (int)bridge->peer_size) != 0) {
        end_near(bridge);
    }
}

void tls_bridge_set_prologue(struct tls_bridge *bridge, const struct tls_prologue *prologue)
{
    bridge->prologue = *prologue;
}

/* ---------------------------------------------------------------- connecting */

static struct bufferevent *take_socket(struct tls_bridge *bridge, evutil_socket_t socket)
{
    struct bufferevent *out = need(bufferevent_socket_new(bridge->base, socket, BEV_OPT_CLOSE_ON_FREE));
    evutil_make_socket_nonblocking(socket);
    return out;
}

/* In the place of evhttp's callback: the connection stands, or does not. */
static void on_connected(struct bufferevent *client, short what, void *argument)
{
    struct tls_bridge *bridge = argument;
    int ends[2];
    if ((what & BEV_EVENT_CONNECTED) == 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
        bridge->announced = true;
        bridge->tell(client, what & ~BEV_EVENT_CONNECTED, bridge->tell_argument);
        return;
    }
    evutil_socket_t server = bufferevent_getfd(client);
    bridge->far = take_socket(bridge, server);
    bridge->near = take_socket(bridge, ends[1]);
    bufferevent_setfd(client, ends[0]);
    bridge->peer_size = sizeof bridge->peer;
    (void)getpeername(server, (struct sockaddr *)&bridge->peer, &bridge->peer_size);
    bufferevent_set_timeouts(bridge->far, &bridge->patience, NULL);
    bufferevent_enable(bridge->far, EV_READ | EV_WRITE);
    if (bridge->prologue.ask != NULL) {
        begin_prologue(bridge);
    } else {
        begin_tls(bridge);
    }
}

struct tls_bridge *tls_bridge_new(struct event_base *base, struct bufferevent *client, struct tls *tls,
                                  unsigned patience)
{
    struct tls_bridge *bridge = need(calloc(1, sizeof *bridge));
    *bridge = (struct tls_bridge){.base = base, .tls = tls, .patience = {patience, 0}, .client = client};
    bufferevent_getcb(client, NULL, NULL, &bridge->tell, &bridge->tell_argument);
    if (bridge->tell != NULL) { /* NULL: connecting has failed at once, and everybody knows */
        bufferevent_setcb(client, NULL, NULL, on_connected, bridge);
    }
    return bridge;
}

void tls_bridge_free(struct tls_bridge *bridge)
{
    if (bridge == NULL) {
        return;
    }
    if (bridge->far != NULL) {
        struct evbuffer *out = bufferevent_get_output(bridge->far);
        tls_goodbye(bridge->tls, out);
        evbuffer_unfreeze(out, 1); /* a bufferevent keeps others from its output otherwise */
        (void)evbuffer_write(out, bufferevent_getfd(bridge->far));
        bufferevent_free(bridge->far);
    }
    if (bridge->near != NULL) {
        bufferevent_free(bridge->near);
    }
    free(bridge);
}
