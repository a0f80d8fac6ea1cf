/* A whole life through the public API: everything that allocates, once, in the order of a program. */
#ifndef OPENSSPI_TESTS_LIFE_H
#define OPENSSPI_TESTS_LIFE_H

#include "support/pair.h"

#define LIFE_BUFFERS 64

struct life {
    struct pair pair;
    CtxtHandle imported;
    CredHandle ansi;
    bool has_ansi;
    bool has_imported;
    bool impersonating;
    void *buffers[LIFE_BUFFERS]; /* for FreeContextBuffer */
    size_t count;
    unsigned char session_key[16];
    bool negotiate;    /* package Negotiate, and SPNEGO's tokens, instead of NTLM */
    bool use_accounts; /* ask the accounts that policy names, instead of a verifier */
};

/* Runs until something fails; the status of that, or SEC_E_OK. */
SECURITY_STATUS life_run(struct life *life);

/* Gives back whatever there is by now.  False when something refuses to be given back. */
bool life_end(struct life *life);

#endif
