/* A bufferevent filter.  libevent's filters say that the application's bytes are written when the bufferevent below has
 * them, and evhttp then closes it, whatever it still holds.  So a part of the output stays where it is, already sealed,
 * until the socket has taken what became of it. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "terminal.h"
#include "tls.h"

#define PART_MAX (64u * 1024) /* sealed at a time */

struct filter {
    struct tls *tls;
    struct bufferevent *above, *below;
    struct event *more; /* there is something to send */
    size_t sealed;      /* bytes of the output that are on their way */
    void (*on_free)(struct tls *tls);
};

/* Writes what the socket takes without waiting; a bufferevent keeps others from its output otherwise. */
static void flush(struct bufferevent *below)
{
    struct evbuffer *out = bufferevent_get_output(below);
    evbuffer_unfreeze(out, 1);
    while (evbuffer_get_length(out) > 0 && evbuffer_write(out, bufferevent_getfd(below)) > 0) {
    }
    evbuffer_freeze(out, 1);
}

/* No more is to come from here.  The alert goes out before it. */
static void hang_up(struct filter *filter)
{
    flush(filter->below);
    (void)shutdown(bufferevent_getfd(filter->below), SHUT_WR);
}

static enum bufferevent_filter_result receive(struct evbuffer *from, struct evbuffer *to, ev_ssize_t limit,
                                              enum bufferevent_flush_mode mode, void *argument)
{
    struct filter *filter = argument;
    size_t before = evbuffer_get_length(to);
    bool failed = filter->tls->state == TLS_FAILED;
    bool closed = filter->tls->state == TLS_CLOSED;
    (void)limit;
    (void)mode;
    tls_receive(filter->tls, from, to, bufferevent_get_output(filter->below));
    if (!failed && filter->tls->state == TLS_FAILED) {
        hang_up(filter);
    } else if (!closed && filter->tls->state == TLS_CLOSED) {
        (void)shutdown(bufferevent_getfd(filter->below), SHUT_RD); /* what is above reads its end */
    }
    return evbuffer_get_length(to) > before ? BEV_OK : BEV_NEED_MORE;
}

static enum bufferevent_filter_result send_on(struct evbuffer *from, struct evbuffer *to, ev_ssize_t limit,
                                              enum bufferevent_flush_mode mode, void *argument)
{
    struct filter *filter = argument;
    (void)limit;
    (void)mode;
    if (evbuffer_get_length(bufferevent_get_output(filter->below)) > 0 || filter->tls->state == TLS_SHAKING) {
        return BEV_NEED_MORE;
    }
    if (filter->sealed > 0) {
        evbuffer_drain(from, filter->sealed);
        filter->sealed = 0;
        return BEV_OK;
    }
    size_t size = evbuffer_get_length(from) < PART_MAX ? evbuffer_get_length(from) : PART_MAX;
    if (size == 0) {
        return BEV_NEED_MORE;
    }
    filter->sealed = size;
    if (!tls_send(filter->tls, evbuffer_pullup(from, (ev_ssize_t)size), size, to)) {
        hang_up(filter);
        return BEV_ERROR;
    }
    return BEV_NEED_MORE;
}

/* libevent's filters forget what was added to their output before somebody enabled writing, as evhttp does it. */
static void on_added(struct evbuffer *out, const struct evbuffer_cb_info *change, void *argument)
{
    struct filter *filter = argument;
    (void)out;
    if (change->n_added > 0) {
        event_active(filter->more, 0, 0);
    }
}

static void on_more(evutil_socket_t number, short events, void *argument)
{
    struct filter *filter = argument;
    (void)number;
    (void)events;
    (void)bufferevent_flush(filter->above, EV_WRITE, BEV_NORMAL);
}

static void end(void *argument)
{
    struct filter *filter = argument;
    event_free(filter->more);
    filter->on_free(filter->tls);
    free(filter);
}

struct bufferevent *tls_filter_new(struct bufferevent *below, struct tls *tls, void (*on_free)(struct tls *tls))
{
    struct filter *filter = need(calloc(1, sizeof *filter));
    *filter = (struct filter){.tls = tls, .below = below, .on_free = on_free};
    filter->above = need(bufferevent_filter_new(below, receive, send_on, BEV_OPT_CLOSE_ON_FREE, end, filter));
    filter->more = need(event_new(bufferevent_get_base(below), -1, 0, on_more, filter));
    need(evbuffer_add_cb(bufferevent_get_output(filter->above), on_added, filter));
    return filter->above;
}

void tls_filter_goodbye(struct bufferevent *bufferevent, struct tls *tls)
{
    struct bufferevent *below = bufferevent_get_underlying(bufferevent);
    tls_goodbye(tls, bufferevent_get_output(below));
    flush(below);
}

evutil_socket_t tls_socket(struct bufferevent *bufferevent)
{
    struct bufferevent *below = bufferevent_get_underlying(bufferevent);
    return bufferevent_getfd(below != NULL ? below : bufferevent);
}
