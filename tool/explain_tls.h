/* The parts of explaining TLS and DTLS: explain_tls.c takes records apart, explain_tls_hello.c what the two sides say before
 * anything is encrypted. */
#ifndef OPENSSPI_TOOL_EXPLAIN_TLS_H
#define OPENSSPI_TOOL_EXPLAIN_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "facts.h"

/* What explaining a hello is to leave behind. */
struct tls_hello {
    bool datagram;
    uint16_t version; /* ServerHello: what was chosen; ClientHello: the highest that is offered */
    uint16_t suite;   /* ServerHello */
    bool retry;       /* a HelloRetryRequest */
    char says[400];   /* one line of it */
};

/* "TLS 1.2", "DTLS 1.0", or the number; good until the next call but three. */
const char *tls_version_text(uint16_t version);

/* The body of a ClientHello or ServerHello, as an object; what is unusual goes to the list `odd`.  A body that ends too early is
 * explained as far as it goes. */
struct json_object *tls_explain_client_hello(struct bytes body, struct tls_hello *hello, struct json_object *odd);
struct json_object *tls_explain_server_hello(struct bytes body, struct tls_hello *hello, struct json_object *odd);

/* The name of a group, or its number. */
const char *tls_group_text(uint16_t group, char out[24]);

/* Whether the body of a ClientHello offers a suite. */
bool tls_hello_offers(struct bytes body, bool datagram, uint16_t suite);

#endif
