/* Both targets that run an exchange of Digest: credentials and accounts that are made once. */
#ifndef OPENSSPI_TESTS_FUZZ_DIGEST_H
#define OPENSSPI_TESTS_FUZZ_DIGEST_H

#include "fuzz/fuzz.h"

#include "support/digest_pair.h"

enum { FUZZ_SASL = 1, FUZZ_RAW = 2, FUZZ_SEALED = 4, FUZZ_SIGNED = 8, FUZZ_HIDDEN = 16 };

static inline struct digest_pair *digest_fuzz_pair(uint8_t mode)
{
    static struct digest_pair pair;
    static struct policy policy;
    if (pair.user == NULL) {
        digest_pair_accounts(&policy);
        PROMISE(atexit(digest_pair_accounts_remove) == 0);
        digest_pair_open(&pair);
    }
    bool sasl = (mode & FUZZ_SASL) != 0;
    policy.digest_userhash = (mode & FUZZ_HIDDEN) != 0;
    ULONG flags = (mode & FUZZ_SIGNED) != 0 ? ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT : 0;
    flags |= sasl && (mode & FUZZ_SEALED) != 0 ? ISC_REQ_CONFIDENTIALITY : 0u;
    pair.client_flags = flags | (sasl ? 0u : DIGEST_HTTP);
    pair.server_flags = pair.client_flags;
    return &pair;
}

/* True when the message is another one afterwards. */
static inline bool digest_fuzz_spoil(struct tape *tape, uint8_t mode, struct digest_message *message)
{
    size_t size = message->size;
    bool changed = true;
    if ((mode & FUZZ_RAW) != 0) {
        size = tape_take(tape, message->text, DIGEST_TOKEN_MAX);
    } else {
        changed = tape_spoil(tape, (uint8_t *)message->text, &size);
    }
    message->size = (ULONG)size;
    return changed;
}

#endif
