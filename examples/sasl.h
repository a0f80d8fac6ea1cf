/* The client's side of a SASL exchange (RFC 4422) by SSPI, for mail, directories and whatever else has AUTHENTICATE. */
#ifndef EXAMPLES_SASL_H
#define EXAMPLES_SASL_H

#include "exchange.h"

#define SASL_RESPONSE_MAX 90000 /* base64 of the largest token, with its NUL */

struct sasl {
    const struct sasl_mechanism *mechanism;
    char target[300]; /* "imap/mail.example.com" */
    CredHandle credential;
    CtxtHandle context;
    bool established; /* the package is content */
    bool layered;     /* and a layer is chosen */
};

/* Begins with GSSAPI, GSS-SPNEGO, NTLM or DIGEST-MD5, for a service ("imap") of a host.  False, with a message, when there
 * is no such mechanism or no credential. */
bool sasl_start(struct sasl *sasl, const char *mechanism, const char *service, const char *host);

/* The server's challenge (base64; "" where it has nothing to say) into the response, likewise.  False, with a message, when
 * the exchange must be given up. */
bool sasl_respond(struct sasl *sasl, const char *challenge, char response[SASL_RESPONSE_MAX]);

/* Whether nothing is missing: a server that lets somebody in before that has not proven who it is. */
bool sasl_complete(const struct sasl *sasl);

void sasl_end(struct sasl *sasl);

#endif
