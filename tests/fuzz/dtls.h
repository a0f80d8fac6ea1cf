/* For targets that shake hands over datagrams, which the tape loses, doubles, holds back, spoils or makes up. */
#ifndef OPENSSPI_TESTS_FUZZ_DTLS_H
#define OPENSSPI_TESTS_FUZZ_DTLS_H

#include "fuzz/fuzz.h"
#include "support/dtls_ends.h"

enum { DTLS_MUTUAL = 4, DTLS_SMALL = 8 };

/* What happens to a datagram; a tape that has run out lets it through. */
enum { DTLS_PASSES, DTLS_LOST, DTLS_DOUBLED, DTLS_HELD, DTLS_SPOILT, DTLS_BEHIND, DTLS_INSTEAD, DTLS_JOINED };

#define DTLS_LOSSES 8 /* OpenSSL gives up when a flight was repeated twelve times */

static inline struct dtls_ends *dtls_fuzz_ends(uint8_t mode)
{
    static const DWORD versions[] = {SP_PROT_DTLS1_2, SP_PROT_DTLS1_0, SP_PROT_DTLS1_0 | SP_PROT_DTLS1_2,
                                     SP_PROT_DTLS1_2};
    static struct dtls_ends all[4];
    struct dtls_ends *dtls = &all[mode % 4];
    if (!dtls->ends.has_credential[END_SERVER]) {
        PROMISE(ends_acquire(&dtls->ends, versions[mode % 4]) == SEC_E_OK);
    }
    dtls_reset(dtls);
    dtls->mtu = (mode & DTLS_SMALL) != 0 ? 250 : 0;
    dtls->ends.request[END_SERVER] = (mode & DTLS_MUTUAL) != 0 ? ASC_REQ_MUTUAL_AUTH : 0;
    dtls->ends.request[END_CLIENT] = ISC_REQ_USE_SUPPLIED_CREDS;
    return dtls;
}

/* Up to a datagram's worth of the tape. */
static inline void dtls_make_up(struct tape *tape, struct dtls_queue *queue, size_t at)
{
    size_t size = tape_u16(tape) % 1500;
    queue->sizes[at] = tape_take(tape, queue->data[at], size);
}

/* The queue on its way to `side`.  True when something else arrives than what was sent, in whatever order. */
static inline bool dtls_touch(struct tape *tape, struct dtls_ends *dtls, int side, unsigned *lost)
{
    struct dtls_queue *queue = &dtls->queues[side];
    static struct dtls_queue on;
    bool touched = false;
    on.count = 0;
    for (size_t i = 0; i < queue->count; i++) {
        size_t at = on.count;
        if (at + 2 > DTLS_PACKETS) {
            break;
        }
        uint8_t what = tape_u8(tape) % 8;
        if (what == DTLS_LOST && *lost < DTLS_LOSSES) {
            ++*lost;
            continue;
        }
        memcpy(on.data[at], queue->data[i], queue->sizes[i]);
        on.sizes[at] = queue->sizes[i];
        on.count++;
        if (what == DTLS_DOUBLED) {
            memcpy(on.data[at + 1], on.data[at], on.sizes[at]);
            on.sizes[at + 1] = on.sizes[at];
            on.count++;
        } else if (what == DTLS_HELD && i + 1 < queue->count) { /* the next one comes before it */
            memcpy(on.data[at + 1], on.data[at], on.sizes[at]);
            on.sizes[at + 1] = on.sizes[at];
            memcpy(on.data[at], queue->data[i + 1], queue->sizes[i + 1]);
            on.sizes[at] = queue->sizes[i + 1];
            on.count++;
            i++;
        } else if (what == DTLS_SPOILT) {
            touched = tape_spoil(tape, on.data[at], &on.sizes[at]) || touched;
        } else if (what == DTLS_BEHIND) {
            dtls_make_up(tape, &on, at + 1);
            on.count += on.sizes[at + 1] != 0;
            touched = touched || on.count == at + 2;
        } else if (what == DTLS_INSTEAD) {
            dtls_make_up(tape, &on, at);
            touched = true;
        } else if (what == DTLS_JOINED && i + 1 < queue->count &&
                   on.sizes[at] + queue->sizes[i + 1] <= DTLS_PACKET) { /* several records in one (RFC 6347 4.1.1) */
            memcpy(on.data[at] + on.sizes[at], queue->data[i + 1], queue->sizes[i + 1]);
            on.sizes[at] += queue->sizes[++i];
        }
        if (on.sizes[at] == 0) { /* an empty datagram is the timer's call, not a datagram */
            on.count--;
        }
    }
    *queue = on;
    return touched;
}

/* Datagrams that nobody sealed, before an established side: nothing comes of them, and the right message still arrives. */
static inline void dtls_strangers(struct tape *tape, struct dtls_ends *dtls, int side)
{
    static uint8_t out[ENDS_ROOM];
    struct ends *ends = &dtls->ends;
    for (unsigned count = tape_u8(tape) % 4; count != 0; count--) {
        size_t size = tape_take(tape, ends->wire[side], tape_u16(tape) % 512), out_size;
        ends->size[side] = size;
        if (size == 0) {
            break;
        }
        SECURITY_STATUS status = ends_receive(ends, side, out, &out_size);
        PROMISE(status == SEC_E_OK && out_size == 0);
        ends->size[side] = 0;
    }
    PROMISE(ends_message(ends, 1 - side, "still there", 11));
    PROMISE(ends_message(ends, side, "and here", 8));
}

/* The loop: `target` gets what the tape makes of its datagrams.  While they are only lost, doubled or late, the handshake comes
 * about; a side that has failed stays failed. */
static inline void dtls_run(struct tape *tape, int target)
{
    uint8_t mode = tape_u8(tape);
    struct dtls_ends *dtls = dtls_fuzz_ends(mode);
    unsigned lost = 0;
    bool touched = false, failed = false;
    PROMISE(dtls_step(dtls, END_CLIENT, NULL, 0) == SEC_I_CONTINUE_NEEDED);
    for (int round = 0; round < 60 && !failed && !dtls_done(dtls); round++) {
        for (int side = END_SERVER; side >= END_CLIENT && !failed; side--) {
            touched = (side == target && dtls_touch(tape, dtls, side, &lost)) || touched;
            SECURITY_STATUS status = dtls_deliver(dtls, side);
            failed = status < 0 && status != SEC_E_INCOMPLETE_MESSAGE;
            PROMISE(!failed || touched);
            if (failed && dtls->ends.has_context[side]) {
                PROMISE(dtls_step(dtls, side, "\x16\xfe\xfd", 3) == SEC_E_OUT_OF_SEQUENCE);
            }
        }
        if (!failed && dtls->queues[0].count == 0 && dtls->queues[1].count == 0 && !dtls_done(dtls)) {
            failed = !dtls_shake(dtls, 1) && (dtls->ends.status[0] < 0 || dtls->ends.status[1] < 0);
            PROMISE(!failed || touched);
        }
    }
    PROMISE(dtls_done(dtls) || touched);
    if (dtls_done(dtls) && !touched) {
        PROMISE(ends_message(&dtls->ends, END_CLIENT, "there", 5));
        PROMISE(ends_message(&dtls->ends, END_SERVER, "and back", 8));
        dtls_strangers(tape, dtls, target);
    }
    dtls_reset(dtls);
}

#endif
