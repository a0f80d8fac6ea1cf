/* The certificate that a client shows when its credential has none: one of the user's own. */
#ifndef OPENSSPI_SCHANNEL_IDENTITY_OWN_H
#define OPENSSPI_SCHANNEL_IDENTITY_OWN_H

#include <openssl/ssl.h>

#include "schannel/credential.h"

/* The first certificate of the user's store "MY" (cert/system_store.h) that has a private key, is valid now, may
 * authenticate a client (RFC 5280 4.2.1.12) and descends from an authority of `names`, the server's list.  Nobody is shown
 * anything who names no authority.  False, with *out untouched, when there is none; else *out is the caller's
 * (identity_clear). */
bool identity_own(const STACK_OF(X509_NAME) * names, struct schannel_identity *out);

#endif
