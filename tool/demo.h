/* The parts of `sspi demo`: demo.c tells the story, demo_session.c holds a session of one package in this process,
 * demo_kerberos.c has a realm for it, demo_tls.c speaks TLS and CredSSP,
 * demo_http.c lets clients in and keeps them out at `sspi serve`. */
#ifndef OPENSSPI_TOOL_DEMO_H
#define OPENSSPI_TOOL_DEMO_H

#include <stdbool.h>

#include "login.h"

/* What has happened so far; the demo succeeds when nothing failed. */
struct demo {
    unsigned passed, failed;
    struct login alice; /* the account of the throw-away database */
    char directory[64];
    char certificate[80], key[80]; /* of the throw-away server; files */
};

/* Counts and prints one line: a tick or a cross, what was to happen, what did. */
void demo_check(struct demo *demo, bool happened, const char *what, const char *detail);

/* A heading. */
void demo_section(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An authenticated session with signed and sealed messages both ways, attributes and times. */
void demo_session(struct demo *demo, const char *package);

/* A realm of its own, where the KDC's programs are installed, and a session in it. */
void demo_kerberos(struct demo *demo);

/* TLS of both versions between a client and a server in this process.  False: there is no certificate for the rest. */
bool demo_tls(struct demo *demo);

/* A logon by CredSSP with that certificate, and alice's password delegated. */
void demo_credssp(struct demo *demo);

/* sspi serve, curl and sspi get; over TLS when `https`. */
void demo_http(struct demo *demo, bool https);

#endif
