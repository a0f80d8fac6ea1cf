/* A chain as crypt32 hands it out: CERT_CHAIN_CONTEXT and everything it points at, in one counted object. */
#ifndef OPENSSPI_CERT_CHAIN_CONTEXT_H
#define OPENSSPI_CERT_CHAIN_CONTEXT_H

#include "windows.h"

#include "wincrypt.h"

#include "base/status.h"
#include "cert/certificate.h"
#include "cert/chain.h"
#include "cert/store.h"

/* Where the certificates of a chain may come from, so that their contexts are the ones that lie there. */
struct chain_sources {
    struct certificate *leaf;
    struct store *const *stores; /* each may be NULL */
    size_t store_count;
};

/* Where anchors come from. */
struct chain_anchors {
    const struct roots *exclusive;  /* NULL: the system's */
    const struct roots *restricted; /* NULL: all of them; else those that are here too */
};

/* The certificates and CRLs of a store, as anchors: a copy that later changes of the store do not reach. */
STATUS chain_anchors_of(struct store *store, struct roots **out);

/* Builds a chain for the leaf of `sources` and gives it a context with one reference.  Of `request` usages, revocation,
 * time and any_anchor count; issuers and CRLs come from the stores, the OCSP response from the leaf's
 * CERT_OCSP_RESPONSE_PROP_ID.  The leaf's element holds the very context that was asked about; the others hold those of
 * the stores where one is the same certificate, and new ones otherwise.
 * SEC_E_INSUFFICIENT_MEMORY, SEC_E_INVALID_PARAMETER (a usage that is no OID). */
STATUS chain_context_build(const struct chain_request *request, const struct chain_sources *sources,
                           const struct chain_anchors *anchors, DWORD flags, PCCERT_CHAIN_CONTEXT *out);

/* Whether this is a living context of ours; looks only at the pointer. */
bool chain_context_is(PCCERT_CHAIN_CONTEXT context);

void chain_context_hold(PCCERT_CHAIN_CONTEXT context);
void chain_context_drop(PCCERT_CHAIN_CONTEXT context);

#endif
