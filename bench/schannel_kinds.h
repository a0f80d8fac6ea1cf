/* What the programs of the set `schannel` have in common: kinds of handshakes, and where run.py put the
 * certificates.
 *
 *   full.KIND              full handshakes: X25519, chain (authority, leaf) and name verified by the client
 *   resumed.KIND           abbreviated ones, each with the ticket that the one before it brought
 *   seal.KIND.N            records of N bytes protected, bytes from the caller's memory to the caller's memory
 *   unseal.KIND.N          and opened
 *   mem.client, .server    heap that an established, idle context holds (TLS 1.3)
 */
#ifndef OPENSSPI_BENCH_SCHANNEL_KINDS_H
#define OPENSSPI_BENCH_SCHANNEL_KINDS_H

#include "bench.h"

/* The name that the client asks for and checks; another one than the certificate's for the control. */
static inline const char *bench_host(void)
{
    const char *host = getenv("BENCH_TLS_HOST");
    return host != NULL ? host : "server.bench.test";
}

struct kind {
    const char *name, *certificate;
    bool tls13;
};

static const struct kind kinds[] = {
    {"tls13-ecdsa", "ec", true},
    {"tls13-rsa", "rsa", true},
    {"tls12-ecdsa", "ec", false},
    {"tls12-rsa", "rsa", false},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

/* Records go with AES-256-GCM, as every implementation prefers by itself. */
static const struct kind record_kinds[] = {{"tls13-aes256gcm", "ec", true}, {"tls12-aes256gcm", "ec", false}};

#define RECORD_KINDS (sizeof record_kinds / sizeof record_kinds[0])
#define RECORD_ROOM  128 /* more than any record is longer than its data */

/* FOLDER/NAME.SUFFIX; good until the fourth call after this one. */
static inline const char *bench_path(const char *name, const char *suffix)
{
    static char paths[4][512];
    static unsigned which;
    char *path = paths[which++ % 4];
    const char *folder = getenv("BENCH_TLS");
    CHECK(folder != NULL, "BENCH_TLS names no folder with certificates");
    snprintf(path, sizeof paths[0], "%s/%s.%s", folder, name, suffix);
    return path;
}

static inline const char *bench_metric(const char *what, const char *kind)
{
    static char names[4][64];
    static unsigned which;
    char *name = names[which++ % 4];
    snprintf(name, sizeof names[0], "%s.%s", what, kind);
    return name;
}

#endif
