/* Certificates that users log on with: smart cards' and the like (RFC 4556, MS-PKCA). */
#ifndef OPENSSPI_CERT_LOGON_CERTIFICATE_H
#define OPENSSPI_CERT_LOGON_CERTIFICATE_H

#include "cert/certificate.h"

#define CERTIFICATE_HASH_SIZE 20 /* SHA-1, as CERT_CREDENTIAL_INFO has it */

/* The certificate with this hash among the user's own (MY), then the machine's (cert/system_store.h); a new reference.
 * SEC_E_UNKNOWN_CREDENTIALS: there is none; SEC_E_NO_CREDENTIALS: it has no private key; SEC_E_INSUFFICIENT_MEMORY. */
STATUS logon_certificate_find(const uint8_t hash[CERTIFICATE_HASH_SIZE], struct certificate **out);

/* The same for the one whose private key is at this place, UTF-8, as CRYPT_KEY_PROV_INFO has it in pwszContainerName. */
STATUS logon_certificate_at(const char *place, struct certificate **out);

/* SEC_E_INSUFFICIENT_MEMORY. */
STATUS logon_certificate_hash(struct certificate *certificate, uint8_t out[CERTIFICATE_HASH_SIZE]);

/* Whom it names, UTF-8, for free(): the Kerberos name (RFC 4556 3.2.2, id-pkinit-san) in `user` and `realm`, or the user
 * principal name (MS-PKCA 3.1.5.2.1), whose suffix in `realm` need not be one (`enterprise`).
 * SEC_E_UNKNOWN_CREDENTIALS: it names nobody; SEC_E_INSUFFICIENT_MEMORY. */
struct logon_name {
    char *user, *realm;
    bool enterprise;
};
STATUS logon_certificate_name(const struct certificate *certificate, struct logon_name *out);

/* Is its last day over? */
bool logon_certificate_has_ended(const struct certificate *certificate);

/* The certificate and its key for libraries that take files alone: unnamed files in memory, which nobody but this process
 * and its user can open, gone when they are closed.  -1: not there. */
struct logon_files {
    int certificate, key;
};

/* SEC_E_UNKNOWN_CREDENTIALS: a key that cannot be had, as it is in a token; SEC_E_INSUFFICIENT_MEMORY. */
STATUS logon_certificate_files(struct certificate *certificate, struct logon_files *out);
void logon_files_close(struct logon_files *files);

#endif
