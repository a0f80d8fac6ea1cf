/* Digest's two sides in one process, with a database of accounts of the test's own: for tests of internals. */
#ifndef OPENSSPI_TESTS_DIGEST_PAIR_H
#define OPENSSPI_TESTS_DIGEST_PAIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/policy.h"
#include "security.h"

#define DIGEST_REALM_NAME "http-auth@example.org"
#define DIGEST_HTTP       0x10000000u
#define DIGEST_TOKEN_MAX  4096

struct digest_pair {
    CredHandle client_credential, server_credential;
    CtxtHandle client, server;
    ULONG client_flags, server_flags; /* what the steps ask for */
    ULONG client_attributes, server_attributes;
    const char *method, *uri,
        *target; /* the request; `target` is what the client is told, `uri` what the server sees */
    const char *client_entity, *server_entity; /* H(entity) in digits; NULL = none */
    const char *realm;                         /* the server's; NULL: the policy's */
    const char *user, *domain, *password;      /* UTF-8 */
};

struct digest_message {
    char text[DIGEST_TOKEN_MAX + 1]; /* with a NUL behind */
    ULONG size;
};

/* Makes a database with one account, Mufasa with "Circle of Life" in DIGEST_REALM_NAME and the empty realm, one "jäsøn"
 * with "Gehört niemandem", "Nala" of the domain PRIDE with "Hakuna Matata", one "PRIDENala" with "Be Prepared", and one
 * "locked" that is disabled; and makes `policy` the process's.  Fails the test otherwise. */
void digest_pair_accounts(struct policy *policy);
void digest_pair_accounts_remove(void);

/* HTTP, GET /dir/index.html, Mufasa; credentials acquired. */
void digest_pair_open(struct digest_pair *pair);
void digest_pair_close(struct digest_pair *pair);

SECURITY_STATUS digest_pair_server(struct digest_pair *pair, const struct digest_message *in,
                                   struct digest_message *out);
SECURITY_STATUS digest_pair_client(struct digest_pair *pair, const struct digest_message *in,
                                   struct digest_message *out);

/* Ends the contexts, so that the next legs are first ones. */
void digest_pair_forget(struct digest_pair *pair);

/* All legs of HTTP or SASL, whichever the flags say.  The first failure, or SEC_E_OK. */
SECURITY_STATUS digest_pair_handshake(struct digest_pair *pair);

/* MakeSignature and VerifySignature of a request: a further response, or Authentication-Info back. */
SECURITY_STATUS digest_pair_sign(CtxtHandle *context, const char *method, const char *uri, const char *entity,
                                 struct digest_message *out);
SECURITY_STATUS digest_pair_verify(CtxtHandle *context, const char *method, const char *uri, const char *entity,
                                   const struct digest_message *in);

#endif
