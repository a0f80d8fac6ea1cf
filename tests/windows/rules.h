/* The suite of tests/windows: each rule that programs rely on (docs/client-needs.md) as a case named after its number, with
 * the calls written as those programs write them.  Every program knows the public headers and the shared library alone.
 *
 * tests/api/pair.h and tls.h have the two ends; here is what only these programs need. */
#ifndef OPENSSPI_TESTS_WINDOWS_RULES_H
#define OPENSSPI_TESTS_WINDOWS_RULES_H

#include "api/pair.h"
#include "api/tls.h"

#include <stdio.h>
#include <uchar.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* What curl, mongo and most others ask of a TLS client. */
#define CURL_TLS                                                                                                       \
    (ISC_REQ_SEQUENCE_DETECT | ISC_REQ_REPLAY_DETECT | ISC_REQ_CONFIDENTIALITY | ISC_REQ_ALLOCATE_MEMORY |             \
     ISC_REQ_STREAM)

/* What signs and seals. */
#define SEALED (ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT)

/* For parameters that the SDK declares without const. */
static inline char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

static inline WCHAR *wide(const char16_t *constant)
{
    return (WCHAR *)(uintptr_t)constant;
}

/* "Password" of User in Domain, MS-NLMP 4.2.1. */
SEC_WINNT_AUTH_IDENTITY_A rules_identity(void);

/* An outbound, an inbound credential; the inbound one takes that account. */
CredHandle rules_client(const char *package);
CredHandle rules_server(const char *package);

/* A client's leg, a server's: `in` NULL for a first one.  The same variable is old and new context. */
SECURITY_STATUS rules_initiate(CredHandle *credential, CtxtHandle *context, bool first, const char *target, ULONG flags,
                               struct token *in, struct token *out, ULONG *attributes);
SECURITY_STATUS rules_accept(CredHandle *credential, CtxtHandle *context, bool first, ULONG flags, struct token *in,
                             struct token *out, ULONG *attributes);

/* NTLM between both, up to where the client has the CHALLENGE and the server waits for what it says to it. */
struct challenge {
    CredHandle client_credential, server_credential;
    CtxtHandle client, server;
    struct token message;
};
void challenge_open(struct challenge *challenge, const char *target, ULONG flags);
void challenge_close(struct challenge *challenge);

/* Whether `text` stands in the token as UTF-16LE. */
bool token_has_wide(const struct token *token, const char *text);

/* A message from one context to the other, sealed with TOKEN and DATA; fails the test unless it arrives. */
void rules_seal(CtxtHandle *from, CtxtHandle *to);

#endif
