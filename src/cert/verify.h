/* Whether a peer is who it says it is: the automatic validation of Schannel, from a received chain to one status.
 *
 * Called from the callback of SSL_CTX_set_cert_verify_callback (X509_STORE_CTX_get0_cert and _get0_untrusted give leaf
 * and others), or after the handshake by whoever validates later.
 *
 * Several things may be wrong at once.  The first of these that applies is the verdict, on whichever certificate:
 *
 *      1  SEC_E_CERT_UNKNOWN          a signature that does not verify, or is too weak to say anything
 *      2  SEC_E_UNTRUSTED_ROOT        the chain does not reach an anchor, or the anchor is distrusted
 *      3  SEC_E_CERT_UNKNOWN          a CA that may not have issued it: constraints on CAs, names, policies; an unknown
 *                                     critical extension
 *      4  CRYPT_E_REVOKED
 *      5  SEC_E_CERT_EXPIRED          not yet valid, too
 *      6  SEC_E_CERT_WRONG_USAGE      not for servers, or not for clients
 *      7  SEC_E_WRONG_PRINCIPAL       another host's
 *      8  CRYPT_E_REVOCATION_OFFLINE  asked for, and could not be found out
 *      9  CRYPT_E_NO_REVOCATION_CHECK asked for, and there is nowhere to ask
 *
 * First who says so, then whether it still holds, then whether it is meant for this, then what could not be found out.
 * A later entry says nothing while an earlier one stands: the names in a certificate that nobody vouches for are
 * anybody's.  Whoever mends one error and tries again is told of the next.
 */
#ifndef OPENSSPI_CERT_VERIFY_H
#define OPENSSPI_CERT_VERIFY_H

#include <openssl/x509.h>

#include "base/bytes.h"
#include "base/status.h"
#include "cert/chain.h"
#include "cert/roots.h"
#include "text/utf16.h"

#define VERIFY_REASON_MAX 768

struct verify_request {
    X509 *leaf;
    const STACK_OF(X509) * others;   /* as received, leaf or not among them; NULL is none */
    const STACK_OF(X509_CRL) * crls; /* beside those of the roots; NULL is none */
    const struct roots *roots;       /* NULL: the system's */
    bool peer_is_server;             /* decides which extended key usage is asked for */
    bool check_name;                 /* with an empty host nothing matches: SEC_E_WRONG_PRINCIPAL */
    struct utf16 host;               /* DNS name or address in text, as in pszTargetName */
    enum revocation_scope revocation;
    bool ignore_no_revocation_check; /* SCH_CRED_IGNORE_NO_REVOCATION_CHECK */
    bool ignore_revocation_offline;  /* SCH_CRED_IGNORE_REVOCATION_OFFLINE */
    struct bytes ocsp_staple;        /* OCSPResponse in DER; empty is none */
    uint64_t time;                   /* FILETIME ticks; 0: now */
};

struct verify_result {
    SECURITY_STATUS verdict; /* what verify_peer returned */
    int32_t
        policy_error;   /* the same as CertVerifyCertificateChainPolicy has it: CERT_E_*, TRUST_E_*, CRYPT_E_*, or 0 */
    int element;        /* the certificate that the verdict is about, 0 the leaf; -1 when it is no single one */
    struct chain chain; /* the leaf first, with all error bits, also those that the verdict does not name */
    char reason
        [VERIFY_REASON_MAX]; /* which certificate, what was expected, what was there; UTF-8, printable; "" if OK */
};

/* Judges.  The return value is the verdict, so that a caller that passes failures on passes this on: SEC_E_OK or one
 * of the table above, SEC_E_INSUFFICIENT_MEMORY, SEC_E_INVALID_PARAMETER without a leaf.  `out`, which the caller frees
 * with verify_result_clear in every case, is filled with the verdicts of the table too: SCH_CRED_DEFERRED_CRED_VALIDATION
 * goes on with it, and SECPKG_ATTR_CERT_CHECK_RESULT reports it. */
STATUS verify_peer(const struct verify_request *request, struct verify_result *out);

void verify_result_clear(struct verify_result *result);

#define AUTO_VERIFY_RESULT __attribute__((cleanup(verify_result_clear))) struct verify_result

/* The alert that tells the peer of a verdict (RFC 8446 6.2; sent with ISC_REQ_EXTENDED_ERROR), 80 internal_error for a
 * failure that is none of the peer's. */
int verify_alert(SECURITY_STATUS verdict);

/* What X509_STORE_CTX_set_error() takes in the callback so that libssl itself sends verify_alert(verdict);
 * X509_V_OK for SEC_E_OK. */
int verify_x509_error(SECURITY_STATUS verdict);

/* How Schannel reports an error of a chain policy: CERT_E_UNTRUSTEDROOT is SEC_E_UNTRUSTED_ROOT, ...; 0 is SEC_E_OK. */
SECURITY_STATUS verify_status_of_policy(int32_t policy_error);

#endif
