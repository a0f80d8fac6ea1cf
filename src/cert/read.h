/* From bytes to stores: PEM, DER, PKCS#7, PKCS#12.  Nothing here is trusted; everything is read into a memory store. */
#ifndef OPENSSPI_CERT_READ_H
#define OPENSSPI_CERT_READ_H

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "cert/store.h"

enum read_form {
    READ_NOTHING,
    READ_CERTIFICATE,
    READ_CRL,
    READ_PKCS7,
    READ_PKCS12,
};

struct read_what {
    enum read_form form; /* of the first thing in it */
    bool pem;
};

/* Adds what `content` holds to `store`, in its order, and tells what it was.  Of a PEM file all certificates, CRLs and
 * PKCS#7 are taken, keys and everything else passed over; of PKCS#12 the keys too, with `password` (read_pkcs12).
 *
 * SEC_E_INVALID_TOKEN when it is none of these or a part is damaged; SEC_E_LOGON_DENIED: another password;
 * SEC_E_INSUFFICIENT_MEMORY.  On failure the store holds what was read until then. */
STATUS read_content(struct bytes content, const struct bytes *password, struct store *store, struct read_what *out);

/* The same for a file.  CRYPT_E_FILE_ERROR with errno set. */
STATUS read_file(const char *path, const struct bytes *password, struct store *store, struct read_what *out);

/* A PKCS#7 in DER, of which certificates and CRLs are taken; signatures are not looked at. */
STATUS read_pkcs7(struct bytes der, struct store *store);

/* A PKCS#12 (RFC 7292) in DER: certificates with keys first, then the others, then CRLs.
 *
 *   password   UTF-8; NULL is no password, which is not the empty one (RFC 7292 appendix B.1)
 *   either     none and empty are tried both
 *   keys       whether to take keys
 *
 * SEC_E_INVALID_TOKEN when it is none; SEC_E_LOGON_DENIED when the MAC, or what is encrypted, says that the password is
 * another; SEC_E_DECRYPT_FAILURE when it is protected in a way that this library does not read (certificates instead of a
 * password, an algorithm that OpenSSL has not got, more than ten million rounds). */
struct pkcs12_request {
    struct bytes der;
    const struct bytes *password;
    bool either;
    bool keys;
};
STATUS read_pkcs12(const struct pkcs12_request *request, struct store *store);

/* Whether it has the outer shape of a PKCS#12. */
bool read_is_pkcs12(struct bytes der);

/* Whether the password is its password: SEC_E_OK, SEC_E_LOGON_DENIED, or as read_pkcs12. */
STATUS read_pkcs12_password(struct bytes der, const struct bytes *password);

#endif
