/* The library context of OpenSSL that certificates, keys and TLS live in: ours alone, so that what the program loads,
 * fetches or unloads in its own OpenSSL changes nothing here, and the other way round.
 *
 * Made by the first call and kept to the end of the process.  Two first calls at once make two and keep one; there is no
 * lock, so a fork at any moment is harmless.
 */
#ifndef OPENSSPI_CERT_LIBRARY_H
#define OPENSSPI_CERT_LIBRARY_H

#include <openssl/types.h>

#include "base/status.h"

/* NULL when there is no memory.  Providers: whatever openssl.cnf of the machine activates, else "default". */
OSSL_LIB_CTX *cert_libctx(void);

/* A new DER certificate that will fetch its algorithms from cert_libctx(); X509_free.  NULL: no memory. */
X509 *cert_x509_new(void);

#endif
