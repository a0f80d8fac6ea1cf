/* CertCreateSelfSignCertificate below the API. */
#ifndef OPENSSPI_CERT_SELF_SIGNED_H
#define OPENSSPI_CERT_SELF_SIGNED_H

#include <openssl/evp.h>
#include <time.h>

#include "windows.h"

#include "wincrypt.h"

#include "base/bytes.h"
#include "base/status.h"
#include "cert/certificate.h"

struct self_signed {
    struct bytes name;         /* of subject and issuer, in DER */
    EVP_PKEY *key;             /* borrowed */
    const char *algorithm;     /* OID of a signature algorithm; NULL: with SHA-256 */
    time_t begin, end;         /* when it is valid; before the year 10000 */
    CERT_EXTENSION *extension; /* borrowed */
    size_t extension_count;
};

/* A new certificate, without its private key, with a serial number by chance.
 *
 * SEC_E_INVALID_TOKEN when the name is none; NTE_BAD_ALGID for a signature algorithm that is not known or not the key's;
 * SEC_E_INVALID_PARAMETER for an extension without an OID; SEC_E_INSUFFICIENT_MEMORY. */
STATUS self_signed_make(const struct self_signed *request, struct certificate **out);

/* A new RSA key of 2048 bits; EVP_PKEY_free. */
STATUS self_signed_key(EVP_PKEY **out);

#endif
