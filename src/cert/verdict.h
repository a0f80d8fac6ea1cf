/* From what is wrong with the certificates of a chain to the one thing that is reported: the order of precedence that
 * cert/verify.h documents, for Schannel and for CertVerifyCertificateChainPolicy alike.
 */
#ifndef OPENSSPI_CERT_VERDICT_H
#define OPENSSPI_CERT_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is judged: error bits (CERT_TRUST_*) of each element, the leaf's first, and of the chain as a whole. */
struct verdict_case {
    const uint32_t *elements;
    size_t count;
    uint32_t chain;
    uint32_t ignored; /* bits that do not count.  CERT_TRUST_IS_OFFLINE_REVOCATION: who names a place to ask at;
                       * CERT_TRUST_REVOCATION_STATUS_UNKNOWN: who names none */
    bool other_host;  /* the name was compared, and differs */
};

struct verdict {
    int32_t error; /* CERT_E_*, TRUST_E_*, CRYPT_E_*, or 0 */
    int element;   /* the first one that it applies to; -1: the chain as a whole, or nothing is wrong */
};

struct verdict verdict_of(const struct verdict_case *judged);

#endif
