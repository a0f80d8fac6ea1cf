/* A client and a server of one process: credentials, a handshake, and what is between them.
 *
 * The server asks a verifier of ours, which knows one account, so no database is needed: User / Domain / Password of
 * MS-NLMP 4.2.1. */
#ifndef OPENSSPI_TESTS_API_PAIR_H
#define OPENSSPI_TESTS_API_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <windows.h>

#include <security.h>

#include <sspi_ext.h>

#define TOKEN_MAX 2888

struct pair {
    CredHandle client_credential;
    CredHandle server_credential;
    CtxtHandle client;
    CtxtHandle server;
    ULONG client_attributes;
    ULONG server_attributes;
    TimeStamp client_expiry;
};

/* One token buffer and its descriptor. */
struct token {
    SecBufferDesc descriptor;
    SecBuffer buffer;
    unsigned char bytes[TOKEN_MAX];
};

static inline void token_init(struct token *token, ULONG size)
{
    token->buffer = (SecBuffer){.cbBuffer = size, .BufferType = SECBUFFER_TOKEN, .pvBuffer = token->bytes};
    token->descriptor = (SecBufferDesc){.ulVersion = SECBUFFER_VERSION, .cBuffers = 1, .pBuffers = &token->buffer};
}

/* Acquires both credentials; `password` is what the client believes. */
void pair_credentials(struct pair *pair, const char *password);

/* The same with another package, and whatever identity it takes. */
void pair_credentials_of(struct pair *pair, char *package, void *identity);

/* The whole handshake, every leg of which must go as Windows' does: CONTINUE, CONTINUE, OK, OK. */
void pair_establish(struct pair *pair, ULONG client_flags, ULONG server_flags);

/* Both of the above, with the right password. */
void pair_open(struct pair *pair, ULONG client_flags);

/* The client's first leg alone, into `out`. */
SECURITY_STATUS pair_first_leg(struct pair *pair, ULONG flags, struct token *out);

/* The client alone, against an old server's CHALLENGE (flags a0828205: no SIGN, no ESS, no key exchange, no VERSION, target
 * information without a timestamp).  One leg later it is done; its AUTHENTICATE is in `out`. */
void pair_answer_plain_challenge(struct pair *pair, struct token *out);

/* Everything that is open is closed, and each close must say SEC_E_OK. */
void pair_close(struct pair *pair);

#define assert_status(call, expected) assert_status_((call), (expected), #call, __FILE__, __LINE__)
void assert_status_(SECURITY_STATUS status, SECURITY_STATUS expected, const char *call, const char *file, int line);

#endif
