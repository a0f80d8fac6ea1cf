/* Initial tickets (RFC 4120 3.1): by a password, a certificate (RFC 4556) or a keytab, under policy's armor (RFC 6113). */
#ifndef OPENSSPI_KERBEROS_SIGN_IN_H
#define OPENSSPI_KERBEROS_SIGN_IN_H

#include <krb5.h>

#include "base/secret.h"
#include "cert/certificate.h"

/* With what; all borrowed. */
struct sign_in {
    const struct secret *secret;     /* UTF-8 with its NUL: the password, or the certificate's PIN */
    struct certificate *certificate; /* NULL: none */
    const char *keytab;              /* NULL: none */
    const char *service;             /* of the ticket; NULL: the ticket granting ticket */
    bool canonicalize;               /* the client's name is one that the KDC knows better (RFC 6806) */
    bool passing;                    /* a short-lived ticket that goes nowhere */
    krb5_ccache cache;               /* that the ticket goes into; NULL: none */
};

/* Asks a KDC; belongs into a library_job.  `out` is for krb5_free_cred_contents().  `out_unknown`, which may be NULL: the KDC does
 * not know the client.
 * SEC_E_LOGON_DENIED: not this user, not with this password; SEC_E_SMARTCARD_CERT_EXPIRED, SEC_E_SMARTCARD_CERT_REVOKED,
 * SEC_E_PKINIT_CLIENT_FAILURE, SEC_E_PKINIT_NAME_MISMATCH, SEC_E_ISSUING_CA_UNTRUSTED_KDC: certificates;
 * SEC_E_UNKNOWN_CREDENTIALS: a certificate without a usable key; SEC_E_UNSUPPORTED_PREAUTH: armor that policy requires and the
 * KDC has not; what else library_status() knows. */
STATUS sign_in(krb5_context krb, const struct sign_in *with, krb5_principal client, krb5_creds *out, bool *out_unknown);

#endif
