/* CERT_INFO and CRL_INFO: what X509 and X509_CRL hold, the way crypt32 shows it (Microsoft Learn, "CERT_INFO structure",
 * "CRL_INFO structure"): integers least significant byte first and without padding bytes, names and extension values as DER,
 * algorithms and extensions by dotted OID, times as FILETIME.
 *
 * What is pointed at lies in the arena, or in the X509 itself, which has to live as long.
 */
#ifndef OPENSSPI_CERT_INFO_H
#define OPENSSPI_CERT_INFO_H

#include <openssl/x509.h>

#include "windows.h"

#include "wincrypt.h"

#include "base/bytes.h"
#include "base/status.h"
#include "cert/arena.h"

/* SEC_E_INSUFFICIENT_MEMORY; SEC_E_INVALID_TOKEN for a time or an OID that is none. */
STATUS info_of_certificate(X509 *x509, struct arena *arena, CERT_INFO *out);
STATUS info_of_crl(X509_CRL *crl, struct arena *arena, CRL_INFO *out);

/* A time of X.509 as FILETIME; years before 1601 are 0.  SEC_E_INVALID_TOKEN when it is none (RFC 5280 4.1.2.5). */
STATUS info_time(const ASN1_TIME *time, FILETIME *out);

/* "1.2.840.113549.1.1.11", in the arena.  SEC_E_INVALID_TOKEN for OIDs of more than 1000 characters. */
STATUS info_oid(const ASN1_OBJECT *object, struct arena *arena, LPSTR *out);

/* Parts, for those who decode them alone. */
STATUS info_integer(const ASN1_INTEGER *value, struct arena *arena, CRYPT_INTEGER_BLOB *out);
STATUS info_bits(const ASN1_BIT_STRING *value, struct arena *arena, CRYPT_BIT_BLOB *out);
STATUS info_algorithm(const X509_ALGOR *value, struct arena *arena, CRYPT_ALGORITHM_IDENTIFIER *out);
STATUS info_public_key(const X509_PUBKEY *key, struct arena *arena, CERT_PUBLIC_KEY_INFO *out);

#endif
