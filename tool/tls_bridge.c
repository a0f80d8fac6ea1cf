#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "terminal.h"
#include "tls.h"

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
    bufferevent_setcb(bridge->far, on_far_data, on_far_room, on_far_event, bridge);
    bufferevent_setcb(bridge->near, on_near_data, on_near_room, on_near_event, bridge);
    tls_begin(bridge->tls, bufferevent_get_output(bridge->far));
    bufferevent_set_timeouts(bridge->far, &bridge->patience, NULL);
    bufferevent_enable(bridge->far, EV_READ | EV_WRITE);
    bufferevent_enable(bridge->near, EV_READ | EV_WRITE);
    if (bridge->tls->state == TLS_FAILED) {
        end_near(bridge);
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
