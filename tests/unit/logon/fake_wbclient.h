/* What the test and the fake library share. */
#ifndef OPENSSPI_TESTS_FAKE_WBCLIENT_H
#define OPENSSPI_TESTS_FAKE_WBCLIENT_H

#include <stdbool.h>
#include <stdint.h>

/* Somebody of a domain, or, without a user, the domain itself. */
struct fake_account {
    const char *domain, *dns_domain, *user, *display, *upn;
    int type; /* enum wbcSidType */
    uint32_t rid;
    unsigned uid; /* 0: none */
};

struct fake_winbind {
    const struct fake_account *directory; /* NULL: no winbindd, as far as names go */
    size_t directory_size;
    const char *computer, *own_domain;
    uint32_t domain_flags;
    bool lists_users;
    int wait_on; /* a pipe: every question about names reads a byte of it first; 0: none */
    int names_asked;
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
