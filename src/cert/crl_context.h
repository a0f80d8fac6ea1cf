/* A CRL as crypt32 hands it out: a CRL_CONTEXT, counted, and recognised by its address, as certificates are
 * (cert/certificate.h). */
#ifndef OPENSSPI_CERT_CRL_CONTEXT_H
#define OPENSSPI_CERT_CRL_CONTEXT_H

#include <openssl/x509.h>
#include <stdatomic.h>

#include "base/bytes.h"
#include "base/status.h"
#include "cert/arena.h"
#include "cert/certificate.h"
#include "cert/info.h"

struct crl {
    CRL_CONTEXT context; /* first: its address is what programs hold */
    atomic_uint_fast32_t refs;
    struct store *store;
    uint64_t position;
    X509_CRL *x509;
    unsigned char *der;
    CRL_INFO info;
    struct arena arena;
};

/* Takes a reference of its own to `x509`.  SEC_E_INSUFFICIENT_MEMORY; SEC_E_INVALID_TOKEN when it cannot be shown. */
STATUS crl_new(X509_CRL *x509, struct crl **out);

/* From DER; nothing may follow it.  SEC_E_INVALID_TOKEN when it is no CRL (RFC 5280 5.1). */
STATUS crl_parse(struct bytes der, struct crl **out);

/* The living CRL behind a context; NULL for anything else. */
struct crl *crl_of(PCCRL_CONTEXT context);

struct crl *crl_hold(struct crl *crl);
void crl_drop(struct crl *crl);
void crl_release(struct crl *crl); /* the store's own reference */
void crl_auto(struct crl **crl);

#define AUTO_CRL_CONTEXT __attribute__((cleanup(crl_auto))) struct crl

#endif
