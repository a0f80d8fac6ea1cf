/* Whether one certificate was withdrawn, from what is at hand: the OCSP response that the server stapled to its handshake,
 * and CRLs.  Nothing is fetched.
 */
#ifndef OPENSSPI_CERT_REVOCATION_H
#define OPENSSPI_CERT_REVOCATION_H

#include <openssl/x509.h>
#include <time.h>

#include "base/bytes.h"
#include "base/status.h"
#include "cert/chain.h"

struct revocation_question {
    X509 *subject;
    X509 *issuer;                       /* the one above it in the chain; the subject itself for a root */
    const STACK_OF(X509_CRL) * crls[2]; /* each may be NULL */
    struct bytes staple;                /* empty: none */
    time_t time;
};

struct revocation_answer {
    enum revocation_state state;
    int reason;      /* CRLReason (RFC 5280 5.3.1), -1: none given */
    const char *why; /* of OFFLINE and NO_CHECK: a literal */
};

/* Answers.  REVOKED by either source stands, whatever the other says; then GOOD by either; then OFFLINE; then NO_CHECK.
 * A revocation in a list that is out of date counts, as what was withdrawn stays so.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS revocation_ask(const struct revocation_question *question, struct revocation_answer *out);

/* What one OCSP response says of the subject (RFC 6960).  It has to be successful, signed by the issuer, or by a
 * certificate of the issuer's for OCSP signing (4.2.2.2), about this certificate, and of its time: thisUpdate not after
 * `time` (by more than five minutes, for clocks that differ), nextUpdate not before it.  A response without nextUpdate is
 * not believed: it could be replayed for ever.  A nonce is not looked for: a staple has none to compare with.
 *
 * GOOD, REVOKED, or OFFLINE with the reason.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS ocsp_read(const struct revocation_question *question, struct revocation_answer *out);

/* A response that a server hands out: parsed, to be compared with certificates as often as one wants. */
struct ocsp_response;

/* SEC_E_INVALID_TOKEN: it is no successful basic response; SEC_E_INSUFFICIENT_MEMORY. */
STATUS ocsp_response_new(struct bytes der, struct ocsp_response **out);
void ocsp_response_free(struct ocsp_response *response);                   /* NULL is harmless */
struct bytes ocsp_response_encoding(const struct ocsp_response *response); /* borrowed */

/* Whether it speaks of the certificate, by the names of issuer and serial number, and of this time: the second it was made in
 * (thisUpdate, from 1970), or -1.  Who has signed it is for the client to look at. */
int64_t ocsp_response_serves(const struct ocsp_response *response, X509 *subject, time_t time);

/* The same for CRLs (RFC 5280 6.3), complete ones with their deltas, signed by the issuer.  NO_CHECK when none is the
 * issuer's. */
STATUS crl_read(const struct revocation_question *question, struct revocation_answer *out);

#endif
