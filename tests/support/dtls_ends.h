/* The ends of tls_ends.h over datagrams, which wait in queues until the test lets them arrive, or not. */
#ifndef OPENSSPI_TESTS_SUPPORT_DTLS_ENDS_H
#define OPENSSPI_TESTS_SUPPORT_DTLS_ENDS_H

#include "support/tls_ends.h"

#define DTLS_PACKETS 48
#define DTLS_PACKET  4096

struct dtls_queue {
    uint8_t data[DTLS_PACKETS][DTLS_PACKET];
    size_t sizes[DTLS_PACKETS];
    size_t count;
};

struct dtls_ends {
    struct ends ends;            /* acquired with ends_acquire(); its wire carries messages alone */
    uint16_t mtu;                /* 0: the library's own */
    struct dtls_queue queues[2]; /* on their way to the client, to the server */
};

/* What a side says to one datagram, which lies in memory of exactly its size; size 0: to nobody, the client's first call or the
 * repetition of a flight.  Several datagrams by as many calls; the last call's status. */
SECURITY_STATUS dtls_step(struct dtls_ends *dtls, int side, const void *datagram, size_t size);

/* The queue's datagrams arrive, those that came meanwhile stay; the first status below zero, or the last call's. */
SECURITY_STATUS dtls_deliver(struct dtls_ends *dtls, int side);

/* A datagram more in a queue, and one less; what finds no room is lost, as it would be elsewhere. */
void dtls_put(struct dtls_ends *dtls, int to, const void *datagram, size_t size);
void dtls_drop(struct dtls_ends *dtls, int to, size_t index);

/* Whether both sides are done. */
bool dtls_done(const struct dtls_ends *dtls);

/* Datagrams to and fro and, when there are none, both sides' timers, until both are done; false when one fails, or after
 * `rounds` turns. */
bool dtls_shake(struct dtls_ends *dtls, int rounds);

/* Deletes the contexts and the datagrams. */
void dtls_reset(struct dtls_ends *dtls);

#endif
