/* Protocols that begin in the clear, and go over to TLS when both sides say so. */
#ifndef OPENSSPI_TOOL_STARTTLS_H
#define OPENSSPI_TOOL_STARTTLS_H

#include <stdbool.h>

struct starttls;

/* "smtp", "imap", "pop3", "ftp", "nntp", "sieve", "xmpp", "ldap", "postgres"; NULL for another.  The list, for people. */
const struct starttls *starttls_find(const char *name);
const char *starttls_names(void);

/* The port that a protocol has by itself. */
int starttls_port(const struct starttls *protocol);

/* Talks with a server over a connected socket until TLS may begin; `host` is whom we mean.  Each answer may take `timeout` seconds.
 * An exit code: EXIT_DONE; EXIT_REFUSED when the server has no TLS, or says more in the clear than its answer, which somebody on the
 * way could have put there (RFC 3207 6); EXIT_NETWORK when it is silent or speaks something else. */
int starttls_begin(const struct starttls *protocol, int socket, const char *host, unsigned timeout);

#endif
