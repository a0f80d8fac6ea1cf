/* What a client of RDP says before TLS, and what it hears behind CredSSP: enough to ask a server whether it lets somebody in
 * (MS-RDPBCGR 2.2.1.1, 2.2.1.2, 2.2.10.2). */
#ifndef OPENSSPI_TOOL_RDP_H
#define OPENSSPI_TOOL_RDP_H

#include <event2/buffer.h>
#include <stdbool.h>
#include <stdint.h>

#include "facts.h"
#include "tls.h"

enum { RDP_SSL = 1, RDP_HYBRID = 2, RDP_HYBRID_EX = 8 }; /* PROTOCOL_*: TLS, CredSSP, and the latter with a last word */

/* Appends an X.224 connection request for these protocols. */
void rdp_ask(struct evbuffer *out, uint32_t protocols);

enum rdp_answer {
    RDP_MORE,    /* has not come whole */
    RDP_CHOSEN,  /* *value: PROTOCOL_*; 0: RDP's own security */
    RDP_REFUSED, /* *value: failureCode */
    RDP_NONSENSE,
};

/* Takes the server's answer out of `in`. */
enum rdp_answer rdp_hear(struct evbuffer *in, uint32_t *value);

/* "TLS is required", for a failureCode. */
const char *rdp_failure(uint32_t code);

/* Takes the last word of RDP_HYBRID_EX out of what the channel carries: 0, or why not.  False: it has not come. */
bool rdp_last_word(struct evbuffer *in, uint32_t *result);

/* Who logged on, how, and what the server has proved, of a context of CredSSP's. */
void rdp_logon_facts(struct tls *tls, struct json_object *facts);

#endif
