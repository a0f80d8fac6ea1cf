/* A package that Negotiate may choose beside NTLM: it goes by the name and the OIDs of Kerberos, takes one, two or
 * three legs, signs, and fails where a test says so.  A program that links this defines the list of packages with it in
 * it, so that the library's own (src/packages.c) stays out.
 *
 * Its tokens are "toy1", "toy2" and "toy3"; a signature is eight bytes: direction, number, and a sum of the message.
 */
#ifndef OPENSSPI_TESTS_TOY_H
#define OPENSSPI_TESTS_TOY_H

#include "core/package.h"

#define TOY_SIGNATURE 8

struct toy {
    unsigned legs;                 /* 1, 2 or 3 */
    SECURITY_STATUS acquire;       /* what getting a credential answers */
    SECURITY_STATUS begin, accept; /* what a first leg answers; SEC_E_OK: what there is to do */
    enum mech_list_mic rule;
    bool dumb; /* established contexts do not sign */
    /* What happened. */
    int credentials, contexts; /* alive */
    unsigned begun, accepted;  /* first legs */
    unsigned mics;             /* mech_list_mic_done */
    uint32_t asked;            /* the client's flags and wishes */
};

extern struct toy toy;

extern const struct package toy_package;

#endif
