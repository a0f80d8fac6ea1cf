/* For targets that shake hands: credentials that are acquired once, and a flight that the tape may spoil. */
#ifndef OPENSSPI_TESTS_FUZZ_TLS_H
#define OPENSSPI_TESTS_FUZZ_TLS_H

#include "fuzz/fuzz.h"
#include "support/tls_ends.h"

enum { TLS_RAW = 4, TLS_MUTUAL = 8 };

/* A pair for the tape's version, without contexts. */
static inline struct ends *tls_ends(uint8_t mode)
{
    static const DWORD versions[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3, SP_PROT_TLS1_2 | SP_PROT_TLS1_3, SP_PROT_TLS1_1};
    static struct ends all[4];
    struct ends *ends = &all[mode % 4];
    if (!ends->has_credential[END_SERVER]) {
        PROMISE(ends_acquire(ends, versions[mode % 4]) == SEC_E_OK);
    }
    ends_reset(ends);
    ends->request[END_SERVER] = (mode & TLS_MUTUAL) != 0 ? ASC_REQ_MUTUAL_AUTH : 0;
    ends->request[END_CLIENT] = ISC_REQ_USE_SUPPLIED_CREDS;
    return ends;
}

/* What is on its way to `side` is spoilt, or replaced by bytes of the tape.  True when it is another thing now. */
static inline bool tls_touch(struct tape *tape, struct ends *ends, int side, bool raw)
{
    if (raw) {
        ends->size[side] = 0;
        size_t size = tape_u16(tape) % 4096;
        ends->size[side] = tape_take(tape, ends->wire[side], size);
        return true;
    }
    return tape_spoil(tape, ends->wire[side], &ends->size[side]);
}

/* The loop: `target` gets what the tape spoils.  An exchange that nobody touched succeeds; a side that has failed stays
 * failed, and says so by an alert or by nothing; what was established carries messages, and survives bytes that are none. */
static inline void tls_run(struct tape *tape, int target)
{
    uint8_t mode = tape_u8(tape);
    struct ends *ends = tls_ends(mode);
    bool touched = false;
    int side = END_CLIENT;
    bool done = false;
    for (int leg = 0; leg < 12 && !done; leg++, side = 1 - side) {
        bool begins = side == END_CLIENT && !ends->has_context[side];
        if (side == target && !begins) {
            touched = tls_touch(tape, ends, side, (mode & TLS_RAW) != 0) || touched;
        }
        if (!begins && ends->size[side] == 0) {
            continue;
        }
        SECURITY_STATUS status = ends_step(ends, side);
        if (status == SEC_E_INCOMPLETE_MESSAGE) {
            PROMISE(touched);
            break;
        }
        if (status < 0) {
            PROMISE(touched);
            PROMISE(!ends->has_context[side] || ends_step(ends, side) == SEC_E_OUT_OF_SEQUENCE);
            break;
        }
        done =
            ends->has_context[0] && ends->has_context[1] && ends->status[0] == SEC_E_OK && ends->status[1] == SEC_E_OK;
    }
    PROMISE(done || touched);
    if (done && !touched) {
        PROMISE(ends_message(ends, END_CLIENT, "there", 5));
        PROMISE(ends_message(ends, END_SERVER, "and back", 8));
        uint8_t out[ENDS_ROOM];
        size_t out_size;
        ends->size[target] = tape_take(tape, ends->wire[target], 4096);
        SECURITY_STATUS status = ends_receive(ends, target, out, &out_size);
        PROMISE(status < 0); /* nobody sealed it */
    }
    ends_reset(ends);
}

#endif
