/* What the test and the fake library share. */
#ifndef OPENSSPI_TESTS_FAKE_WBCLIENT_H
#define OPENSSPI_TESTS_FAKE_WBCLIENT_H

#include <stdbool.h>
#include <stdint.h>

struct fake_winbind {
    /* Set by the test. */
    int ping;
    int answer;
    uint32_t nt_status; /* 0 = no error information */
    bool no_info;       /* success, but without saying whose */
    uint64_t must_change;
    char answer_account[256];
    char answer_domain[64];
    /* Seen by the library. */
    char account[256], domain[256], workstation[256];
    uint32_t flags, parameter_control;
    int level;
    uint8_t challenge[8];
    uint32_t nt_length, lm_length;
    uint8_t nt[1024], lm[64];
    int contexts; /* made and not freed */
    int blocks;
};

#endif
