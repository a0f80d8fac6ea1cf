/* The OCSP response that a server sends along with its certificate (RFC 6066 8, RFC 8446 4.4.2.1), when the client asks.
 *
 * Nothing is fetched.  It is the certificate's CERT_OCSP_RESPONSE_PROP_ID, which a program may set anew on its CERT_CONTEXT while
 * connections are made, or else the newest that fits of the files that policy names ([schannel] ocsp-responses).  Those are read
 * when they have changed, which is looked at once a second at the most.  One that is out of date, or speaks of another
 * certificate, is not sent.
 */
#ifndef OPENSSPI_SCHANNEL_STAPLE_H
#define OPENSSPI_SCHANNEL_STAPLE_H

#include <openssl/ssl.h>

/* For SSL_CTX_set_tlsext_status_cb of a server. */
int staple_give(SSL *ssl, void *argument);

#endif
