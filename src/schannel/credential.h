/* What a Schannel credential holds: one SSL_CTX that all of its contexts share, the certificates it may show, how it
 * judges its peers, and the sessions that its clients may resume.  Immutable after acquire, but for the session cache,
 * which has its own lock.
 *
 * pAuthData is a SCHANNEL_CRED (version 4), a SCH_CREDENTIALS (version 5), or NULL for a client.  Nothing of it is used
 * after acquire: certificates are referenced, keys shared, lists copied into the SSL_CTX.
 */
#ifndef OPENSSPI_SCHANNEL_CREDENTIAL_H
#define OPENSSPI_SCHANNEL_CREDENTIAL_H

#include <openssl/ssl.h>

#include "windows.h"

#include "schannel.h"

#include "cert/certificate.h"
#include "cert/chain.h"
#include "cert/roots.h"
#include "core/package.h"
#include "schannel/session.h"

#define TICKET_RULES 32 /* SHA-256, and no more than OpenSSL takes */

/* A certificate with its key and the certificates sent along with it. */
struct schannel_identity {
    struct certificate *certificate; /* references, all of them */
    X509 *leaf;
    EVP_PKEY *key;
    STACK_OF(X509) * chain; /* without the leaf; without the root unless SCH_SEND_ROOT_CERT asks for it */
};

struct schannel_credential {
    struct credential base;
    SSL_CTX *ssl_ctx;
    bool datagram;      /* DTLS; else TLS */
    uint32_t version;   /* dwVersion: 0 for NULL, 4 or 5 */
    uint32_t flags;     /* SCH_CRED_*, SCH_* as given */
    uint32_t protocols; /* SP_PROT_* in force: enabled, for this side, by defaults and by policy */

    size_t identity_count;
    struct schannel_identity *identities; /* in the caller's order */

    /* How peers are judged. */
    bool manual;   /* SCH_CRED_MANUAL_CRED_VALIDATION: not at all; ISC_REQ_MANUAL_CRED_VALIDATION says so too */
    bool deferred; /* SCH_CRED_DEFERRED_CRED_VALIDATION: judged, but never refused */
    enum revocation_scope revocation;
    struct roots *roots;            /* hRootStore; NULL: the system's */
    STACK_OF(X509_NAME) * ca_names; /* its subjects, for CertificateRequest; NULL: none are named */

    uint32_t session_lifespan;          /* seconds; UINT32_MAX: as long as the process */
    struct schannel_sessions *sessions; /* clients only */
    struct schannel_barred *barred;     /* servers only: sessions that were taken back; has its own lock */

    /* Servers only: what a resumed session must have begun under, for clients who are not asked for a certificate and for
     * those who are (tickets_bind). */
    uint8_t ticket_rules[2][TICKET_RULES];
};

SECURITY_STATUS schannel_acquire(const struct credential_in *in, struct credential **out_credential,
                                 uint64_t *out_expiry);
void schannel_release(struct credential *credential);
SECURITY_STATUS schannel_query_credential(struct credential *credential, uint32_t attribute, struct attribute *out);

#endif
