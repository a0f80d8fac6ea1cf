/* What this process believes without proof: the certificates that a chain may end in, and the CRLs that lie at hand.
 *
 * The system's are read once per process, from the policy's [certificates] roots and crls, or where the distribution
 * keeps them, and again when the files have changed, which is looked at once a second at the most.  A verification
 * holds a counted snapshot, so a change never pulls a certificate away from under it, and taking one costs no lock that
 * threads share: each thread keeps the reference to the newest snapshot that it has seen.
 *
 * No CRL and no OCSP response is ever fetched: the library opens no sockets for a context.
 */
#ifndef OPENSSPI_CERT_ROOTS_H
#define OPENSSPI_CERT_ROOTS_H

#include <openssl/x509.h>

#include "base/status.h"

/* Counted and unchangeable: any number of threads read one. */
struct roots;

/* A new reference to the system's.  Without any readable file there are no roots, and every chain is untrusted.
 * SEC_E_INSUFFICIENT_MEMORY. */
STATUS roots_system(struct roots **out);

/* Roots of one's own (SCHANNEL_CRED.hRootStore, CERT_CHAIN_ENGINE_CONFIG.hExclusiveRoot).  Takes references to the
 * certificates and CRLs, not to the stacks; each stack may be NULL.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS roots_of(const STACK_OF(X509) * certificates, const STACK_OF(X509_CRL) * crls, struct roots **out);

/* Reads PEM files, or directories of PEM and DER files, as the system's are read; NULL or "" for none.  A file that
 * cannot be read or parsed is passed over and traced.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS roots_read(const char *certificates, const char *crls, struct roots **out);

struct roots *roots_ref(struct roots *roots);
void roots_free(struct roots *roots); /* gives a reference back; NULL is harmless */
void roots_auto(struct roots **roots);

#define AUTO_ROOTS __attribute__((cleanup(roots_auto))) struct roots

/* Borrowed for as long as the reference is held; never NULL, perhaps empty. */
STACK_OF(X509) * roots_certificates(const struct roots *roots);
STACK_OF(X509_CRL) * roots_crls(const struct roots *roots);

#endif
