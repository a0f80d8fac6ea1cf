/* One certificate and the one that may have issued it, outside of any chain. */
#ifndef OPENSSPI_CERT_ISSUER_H
#define OPENSSPI_CERT_ISSUER_H

#include "base/status.h"
#include "cert/certificate.h"
#include "cert/revocation.h"
#include "cert/store.h"

/* Whether the subject is its own issuer by name. */
bool issuer_is_self(const struct certificate *subject);

/* Whether names and key identifiers say that `issuer` issued `subject`; nothing about the signature. */
bool issuer_fits(const struct certificate *issuer, const struct certificate *subject);

bool issuer_signed(const struct certificate *issuer, const struct certificate *subject);

/* The next certificate of the store after `previous` that fits; a new reference, or NULL. */
struct certificate *issuer_find(struct store *store, const struct certificate *subject,
                                const struct certificate *previous);

/* What is known of the subject's revocation from the CRLs of up to two stores (each may be NULL) and of the system;
 * `issuer` is the subject itself for a root.  `time` as in chain.h.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS issuer_revocation(const struct certificate *issuer, const struct certificate *subject,
                         struct store *const stores[2], uint64_t time, struct revocation_answer *out);

/* Whether a store (NULL: none) has a CRL that bears the issuer's name.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS issuer_has_crl(struct store *store, const struct certificate *issuer, bool *out);

#endif
