/* As much of HTTP/1.1 as the example clients need: requests without a body on a connection that stays. */
#ifndef EXAMPLES_HTTP_H
#define EXAMPLES_HTTP_H

#include "exchange.h"

#define HTTP_MAX 262144

/* A response: `text` is the head, ending in an empty line, then the body. */
struct response {
    int status;
    ULONG head;
    ULONG size; /* of both */
    char text[HTTP_MAX + 1];
};

/* Sends GET `path`, with an Authorization header unless `authorization` is NULL, and reads the response.  False, with a
 * message, when the connection broke or there is no length. */
bool http_get(SOCKET connection, const char *host, const char *path, const char *authorization, struct response *out);

/* What stands behind the scheme's name in a WWW-Authenticate header, up to the line's end, which is made a NUL; NULL when no
 * header names the scheme. */
char *http_challenge(struct response *response, const char *scheme);

#endif
