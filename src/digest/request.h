/* A client's response at the server, taken apart: its form, and whether it answers what was offered.  Nothing here judges
 * whether it is right. */
#ifndef OPENSSPI_DIGEST_REQUEST_H
#define OPENSSPI_DIGEST_REQUEST_H

#include "digest/context.h"

/* Borrows from the token and from `memory`. */
struct digest_request {
    struct digest_directives sent;
    struct digest_question question;
    uint32_t count;
    struct digest_text entity;
    struct bytes username;
    bool hashed;    /* userhash: `username` is H(user:realm) in digits (RFC 7616 3.4.4) */
    uint8_t cipher; /* SASL: of auth-conf; 0 */
    uint32_t limit; /* SASL: the client's maxbuf */
    uint8_t memory[DIGEST_MAX_INPUT];
};

/* What the caller says of a request; empty where it says nothing. */
struct digest_request_line {
    struct bytes method, uri, entity;
    const struct buffers *buffers;
};

/* The algorithms that servers know by HTTP, the strongest first, with policy's bit for each. */
struct digest_rank {
    uint32_t bit;
    struct digest_algorithm algorithm;
};

#define DIGEST_RANKS 6
extern const struct digest_rank digest_ranking[DIGEST_RANKS];

/* SEC_E_INVALID_TOKEN: a form that no client may send, or a choice that was not offered; SEC_E_LOGON_DENIED: an algorithm
 * or a hidden name that policy does not allow (RFC 7616 3.4, RFC 2831 2.1.2). */
STATUS digest_request_read(const struct digest_context *context, struct bytes token,
                           const struct digest_request_line *line, struct digest_request *out);

/* Does the request line's URI name the same resource as the response's?  A proxy's line names the server, which the response
 * to it may leave out, and does with curl; what a proxy sends on does not, and the response to the server may (RFC 7616
 * 3.4.6).  Two that name a server must name the same one. */
bool digest_same_resource(struct bytes line, struct bytes sent);

/* Was the response, by HTTP, made for the request it came with?  SEC_E_LOGON_DENIED: another URI or realm (RFC 7616 3.4.6);
 * SEC_E_INVALID_TOKEN: the caller names no method. */
STATUS digest_request_check(const struct digest_request *request, const struct digest_request_line *line,
                            struct bytes realm);

#endif
