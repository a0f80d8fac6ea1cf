/* HTTP authentication schemes that carry SSPI tokens (RFC 4559, MS-NTHT): "Negotiate YIGe...",
 * "NTLM TlRMTVNT..."; and Digest, whose tokens are text (RFC 7616).  A new package joins with one entry of the table. */
#ifndef OPENSSPI_TOOL_SCHEMES_H
#define OPENSSPI_TOOL_SCHEMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

struct scheme {
    const char *name;    /* in the header */
    const char *package; /* for AcquireCredentialsHandle */
    bool text;           /* tokens are no base64, and each request is authenticated by itself */
    bool unbound;        /* the package does not look at channel bindings */
    bool on_request;     /* offered only where it or its realm is named: not every account can answer it */
};

/* Best first: the order in which a server offers and a client chooses. */
extern const struct scheme schemes[];
extern const size_t scheme_count;

/* By the name of a scheme, any case; NULL for one that this build has not. */
const struct scheme *scheme_find(const char *name);

/* What somebody means who asks for a package: a scheme's name, or "Kerberos", which goes without Negotiate around it under that
 * scheme's name (RFC 4559 4).  NULL for one that this build has not. */
const struct scheme *scheme_for(const char *name);

/* Reads a header's value.  Returns the scheme, or NULL for another one.  `token` receives the decoded token, to be
 * released with free(), or BYTES_NONE when there is none; `good` is false when there is one that is not base64. */
const struct scheme *scheme_parse(const char *value, struct bytes *token, bool *good);

/* "NTLM TlRM..." for a token, the bare name for empty bytes.  Owned by the caller. */
char *scheme_format(const struct scheme *scheme, struct bytes token);

#endif
