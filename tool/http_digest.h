/* Digest over HTTP, as a program that uses SSPI writes it: besides the token the package is told of the request. */
#ifndef OPENSSPI_TOOL_HTTP_DIGEST_H
#define OPENSSPI_TOOL_HTTP_DIGEST_H

#include "party.h"

#define DIGEST_OFFERS 3
#define DIGEST_TEXT   4096

struct digest_request {
    const char *method, *uri;
    const char *realm; /* servers only */
};

/* Values of WWW-Authenticate, "Digest " in front. */
struct digest_challenges {
    size_t count;
    char text[DIGEST_OFFERS][DIGEST_TEXT];
};

/* Fresh challenges, the strongest algorithm first; nothing is kept of them here. */
void http_digest_challenge(CredHandle *credential, const char *realm, struct digest_challenges *out);

/* A response.  SEC_E_OK; SEC_I_CONTINUE_NEEDED with other challenges when it is right but late; a failure. */
SECURITY_STATUS http_digest_accept(struct party *party, CredHandle *credential, struct bytes token,
                                   const struct digest_request *request, struct digest_challenges *out);

/* Authentication-Info for the answer to what was accepted; owned, NULL when there is none. */
char *http_digest_info(struct party *party, const struct digest_request *request);

/* The client's response to challenges; `out` as with party_step(). */
SECURITY_STATUS http_digest_answer(struct party *party, CredHandle *credential, struct bytes challenges,
                                   const struct digest_request *request, struct bytes *out);

/* Verifies the server's Authentication-Info. */
SECURITY_STATUS http_digest_check(struct party *party, const char *info, const struct digest_request *request);

#endif
