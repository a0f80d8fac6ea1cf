/* From a certificate to an anchor, and what is wrong with each certificate on the way: CertGetCertificateChain below the
 * API.  A chain is a finding, not a verdict: a bad certificate gives a chain with error bits (CERT_TRUST_*, wincrypt.h);
 * verify.h turns bits into the one status that a handshake ends with, and the API's policies do for programs.
 *
 * Path building, signatures, constraints and CRLs are OpenSSL's X509_verify_cert (RFC 5280 6), told to go on after each
 * error so that all of them are seen.  Usages are checked here, as the caller may ask for any OID.
 */
#ifndef OPENSSPI_CERT_CHAIN_H
#define OPENSSPI_CERT_CHAIN_H

#include <openssl/x509.h>
#include <time.h>

#include "base/bytes.h"
#include "base/status.h"
#include "cert/roots.h"

/* Certificates of a chain at the most, the anchor included; real ones have two to five. */
#define CHAIN_MAX 16

/* Which certificates are asked about: SCH_CRED_REVOCATION_CHECK_*, CERT_CHAIN_REVOCATION_CHECK_*. */
enum revocation_scope {
    REVOCATION_NOBODY,
    REVOCATION_END,
    REVOCATION_CHAIN,
    REVOCATION_CHAIN_EXCLUDE_ROOT,
};

/* What is known of one certificate. */
enum revocation_state {
    REVOCATION_NOT_ASKED,
    REVOCATION_GOOD,
    REVOCATION_REVOKED,
    REVOCATION_NO_CHECK, /* the certificate names no place to ask at, and nothing is at hand: CRYPT_E_NO_REVOCATION_CHECK */
    REVOCATION_OFFLINE, /* it names one, or what is at hand is stale or not to be believed: CRYPT_E_REVOCATION_OFFLINE */
};

struct chain_request {
    X509 *leaf;
    const STACK_OF(X509) * others;   /* what the peer sent, stores of the caller; NULL is none; never trusted */
    const STACK_OF(X509_CRL) * crls; /* beside those of the roots; NULL is none */
    const struct roots *roots;       /* NULL: the system's */
    bool any_anchor;                 /* a certificate among the roots is an anchor though it is no root itself */
    const char *const *usages;       /* dotted OIDs that the chain has to allow; */
    size_t usage_count;
    bool any_usage; /* one of them is enough (USAGE_MATCH_TYPE_OR) */
    enum revocation_scope revocation;
    struct bytes staple; /* an OCSP response for the leaf; empty is none (RFC 6066 8) */
    uint64_t time;       /* FILETIME ticks; 0: now */
};

struct chain_element {
    X509 *certificate;
    uint32_t errors; /* CERT_TRUST_IS_*, _HAS_*, _INVALID_* */
    uint32_t info;   /* CERT_TRUST_HAS_*_MATCH_ISSUER, CERT_TRUST_IS_SELF_SIGNED */
    enum revocation_state revocation;
    int revocation_reason; /* CRLReason (RFC 5280 5.3.1), -1 when none is given */
};

/* The leaf first. */
struct chain {
    struct chain_element elements[CHAIN_MAX];
    size_t count;
    uint32_t errors; /* of all elements, and CERT_TRUST_IS_PARTIAL_CHAIN */
    uint32_t info;
};

/* Builds the best chain there is.  Any certificate gives a chain; failures are SEC_E_INSUFFICIENT_MEMORY and
 * SEC_E_INVALID_PARAMETER (no leaf, an OID that is none). */
STATUS chain_build(const struct chain_request *request, struct chain *out);

/* FILETIME ticks, 0 for now, as OpenSSL counts seconds. */
time_t chain_time(uint64_t ticks);

/* Gives the certificates back and empties the chain. */
void chain_clear(struct chain *chain);

#define AUTO_CHAIN __attribute__((cleanup(chain_clear))) struct chain

#endif
