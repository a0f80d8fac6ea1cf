/* Cyrus SASL's DIGEST-MD5 with one account, User, whose password is Password: the server's comes from a plugin in memory. */
#ifndef OPENSSPI_TESTS_CYRUS_H
#define OPENSSPI_TESTS_CYRUS_H

#include <stdbool.h>

#include <sasl/sasl.h>

/* What the client says of itself; authzid NULL: nothing. */
extern const char *cyrus_user, *cyrus_password, *cyrus_authzid;

/* For sasl_client_new. */
extern sasl_callback_t cyrus_client_calls[];

/* Begins both sides of the process.  With `again` the server takes authentication in one leg (RFC 2831 2.2), and what goes
 * wrong is printed behind "# sasl: "; without, neither.  A status of Cyrus SASL's: 0 or less. */
int cyrus_start(bool again);

#endif
