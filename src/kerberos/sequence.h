/* Which numbers a direction takes next (RFC 2743 1.2.3): in order, or each only once, or any. */
#ifndef OPENSSPI_KERBEROS_SEQUENCE_H
#define OPENSSPI_KERBEROS_SEQUENCE_H

#include "base/status.h"

#define SEQUENCE_WINDOW 64 /* numbers below the highest that may still come when only replays are looked for */

struct sequence {
    uint64_t next;  /* the number after the highest seen */
    uint64_t seen;  /* bit n: next - 1 - n has been seen */
    uint64_t mask;  /* numbers wrap here: 2^32 - 1 for RC4 tokens, 2^64 - 1 for the others */
    bool in_order;  /* SEQUENCE_DETECT */
    bool only_once; /* REPLAY_DETECT */
};

/* `first` is the number the peer announced (AP-REQ, AP-REP). */
void sequence_start(struct sequence *sequence, uint64_t first, bool wide, bool in_order, bool only_once);

/* SEC_E_OUT_OF_SEQUENCE: seen before, too old, or, in order, not the next one.  Changes nothing: a message counts when it has
 * verified. */
STATUS sequence_check(const struct sequence *sequence, uint64_t number);

/* The message with this number, which sequence_check() let pass, has verified. */
void sequence_accept(struct sequence *sequence, uint64_t number);

#endif
