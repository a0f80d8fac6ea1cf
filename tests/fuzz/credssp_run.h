/* The loop of CredSSP inside a channel that stands: a peer that is played by hand says what the tape says, or what is right, spoilt.
 * The tape: a byte of modes, then for each message how it is spoilt (tape_spoil), or with CREDSSP_RAW what it is. */
#ifndef OPENSSPI_TESTS_FUZZ_CREDSSP_RUN_H
#define OPENSSPI_TESTS_FUZZ_CREDSSP_RUN_H

#include "credssp/binding.h"
#include "credssp/ts_credentials.h"
#include "fuzz/fuzz.h"
#include "support/credssp_peer.h"

enum { CREDSSP_RAW = 1, CREDSSP_PIECES = 2, CREDSSP_VERSION = 4 };

struct credssp_run {
    struct tape *tape;
    struct credssp_peer *peer;
    uint8_t mode;
    bool touched;
};

static inline struct credssp_peer *credssp_fuzz_peer(int we)
{
    static struct credssp_peer peers[2];
    struct credssp_peer *peer = &peers[we];
    if (!peer->ends.has_credential[we]) {
        PROMISE(peer_acquire(peer, we, SP_PROT_TLS1_3, ends_certificate()) == SEC_E_OK);
    }
    PROMISE(peer_connect(peer));
    return peer;
}

/* Sends it, spoilt or replaced; the library's status. */
static inline SECURITY_STATUS credssp_fuzz_say(struct credssp_run *run, struct ts_request *request)
{
    static uint8_t room[PEER_ROOM];
    AUTO_WRITER message = write_growing(PEER_ROOM);
    request->version = (run->mode & CREDSSP_VERSION) != 0 ? 5 : 6;
    PROMISE(ts_request_build(request, &message) == SEC_E_OK && message.size < 8192);
    size_t size = message.size;
    memcpy(room, message.data, size);
    if ((run->mode & CREDSSP_RAW) != 0) {
        size = tape_take(run->tape, room, tape_u16(run->tape) % 4096);
        run->touched = true;
    } else {
        run->touched = tape_spoil(run->tape, room, &size) || run->touched;
    }
    size_t piece = (run->mode & CREDSSP_PIECES) != 0 ? 1 + tape_u8(run->tape) : PEER_ROOM;
    if (size == 0) {
        run->peer->heard.size = 0;
        return SEC_E_INCOMPLETE_MESSAGE;
    }
    return peer_say_in_pieces(run->peer, room, size, piece);
}

/* A side that failed says so ever after, and has sent nothing. */
static inline void credssp_fuzz_end(struct credssp_run *run, SECURITY_STATUS status)
{
    PROMISE(run->touched);
    if (status < 0 && status != SEC_E_INCOMPLETE_MESSAGE) {
        uint8_t one = 0;
        run->peer->ends.size[run->peer->they] = 0;
        ends_put(&run->peer->ends, run->peer->they, &one, 1);
        PROMISE(ends_step(&run->peer->ends, run->peer->they) == SEC_E_OUT_OF_SEQUENCE);
    }
    peer_reset(run->peer);
}

#endif
