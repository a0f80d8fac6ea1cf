/* For targets that run a whole exchange: credentials that are acquired once, and randomness and time that repeat, so that
 * an input does the same thing every time. */
#ifndef OPENSSPI_TESTS_FUZZ_EXCHANGE_H
#define OPENSSPI_TESTS_FUZZ_EXCHANGE_H

#include "fuzz/fuzz.h"

#include "base/clock.h"
#include "base/random.h"
#include "support/pair.h"

/* The same 0123456789abcdef for ever: MS-NLMP 4.2.1's challenge. */
static inline SECURITY_STATUS exchange_random(void *out, size_t size)
{
    static const uint8_t digits[8] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)out)[i] = digits[i % sizeof digits];
    }
    return SEC_E_OK;
}

static inline uint64_t exchange_clock(void)
{
    return UINT64_C(0x01da0000c0000000);
}

static bool exchange_believes_all;

/* Believes everybody, so that what lies behind the proof is reached; or asks the real password. */
static inline SECURITY_STATUS SEC_ENTRY exchange_verify(void *argument, const SSPI_EXT_LOGON *logon,
                                                        SSPI_EXT_LOGON_RESULT *result)
{
    if (exchange_believes_all) {
        memset(result->SessionBaseKey, 0x55, sizeof result->SessionBaseKey);
        return SEC_E_OK;
    }
    return pair_verify((void *)pair_nt_hash, logon, result);
}

static inline struct pair *exchange_pair(void)
{
    static struct pair pair;
    random_source = exchange_random;
    clock_source = exchange_clock;
    if (!pair.has_server_credential) {
        PROMISE(pair_acquire(&pair, exchange_verify, NULL) == SEC_E_OK);
    }
    pair.bindings = NULL;
    return &pair;
}

static inline ULONG exchange_client_flags(uint8_t choice)
{
    static const ULONG choices[] = {
        PAIR_SEAL,
        0,
        ISC_REQ_INTEGRITY,
        PAIR_SEAL | ISC_REQ_IDENTIFY,
        ISC_REQ_CONFIDENTIALITY,
        ISC_REQ_REPLAY_DETECT | ISC_REQ_MUTUAL_AUTH,
        PAIR_SEAL | ISC_REQ_USE_DCE_STYLE,
        ISC_REQ_CONNECTION | ISC_REQ_EXTENDED_ERROR,
    };
    return choices[choice % 8];
}

/* 32 bytes of header and 12 of application data, which the tape may spoil. */
static inline void exchange_bindings(struct tape *tape, struct pair *pair, unsigned char room[64])
{
    static const unsigned char good[44] = {[24] = 12, [28] = 32, [32] = 't', 'l', 's', '-', 'u',
                                           'n',       'i',       'q',        'u', 'e', ':', 'x'};
    size_t size = sizeof good;
    memcpy(room, good, sizeof good);
    (void)tape_spoil(tape, room, &size);
    pair->bindings = room;
    pair->bindings_size = (ULONG)size;
}

#endif
