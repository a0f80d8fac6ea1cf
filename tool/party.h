/* One side of an authentication, client or server, as a program that uses SSPI writes it: acquire, step, query, free.
 * The package is a name; nothing here knows which one it is.
 */
#ifndef OPENSSPI_TOOL_PARTY_H
#define OPENSSPI_TOOL_PARTY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "exchange.h"
#include "facts.h"
#include "login.h"

#include "security.h"

struct party {
    bool acceptor;
    bool speaks_first; /* a server that begins: SPNEGO's NegTokenInit2 */
    bool has_context;
    bool established;
    CtxtHandle context;
    struct bytes bindings; /* of the channel below (SEC_CHANNEL_BINDINGS); borrowed; empty: none */
    ULONG bindings_result; /* server: SEC_CHANNEL_BINDINGS_RESULT_*, 0: nothing was judged */
    ULONG flags;           /* ISC_RET_* or ASC_RET_* of the last step */
    uint64_t nanoseconds;  /* the last step took */
    const char *reason;    /* why the last step failed; the library forgets it with its next call.  May be NULL */
};

/* A credential; `login` NULL, or without a user, means the default one.  The caller frees with FreeCredentialsHandle. */
SECURITY_STATUS party_credential(const char *package, bool acceptor, const struct login *login, CredHandle *out);

/* One leg: gives the peer's token (empty on a client's first leg) to the package.  `out` receives the answer, possibly
 * empty, which the caller releases with FreeContextBuffer(out->data).  `target` is for clients only and may be NULL. */
SECURITY_STATUS party_step(struct party *party, CredHandle *credential, struct bytes token, const char *target,
                           ULONG request, struct bytes *out);

/* Ends the context, if there is one; the party can begin again. */
void party_reset(struct party *party);

/* What QueryContextAttributes says about an established context. */
struct json_object *party_facts(struct party *party);

/* "DOMAIN\user" of an established context; owned by the caller, NULL when the package does not say. */
char *party_user(struct party *party);

/* Both sides in this process, leg by leg, into `exchange`.  Returns the first failure, or SEC_E_OK when both sides are
 * established. */
SECURITY_STATUS party_handshake(struct party *client, CredHandle *client_credential, struct party *server,
                                CredHandle *server_credential, const char *target, ULONG request,
                                struct exchange *exchange);

/* Nanoseconds of a clock that only goes forward. */
uint64_t party_clock(void);

#endif
