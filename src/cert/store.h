/* Stores: sets of certificates and CRLs behind an HCERTSTORE.
 *
 *   memory      the program's own; also what a PKCS#7, a PKCS#12 or a peer's chain is put into
 *   file        a memory store filled from PEM, DER, PKCS#7 or PKCS#12
 *   roots       what the system trusts (cert/roots.h), as it was when the store was opened; read-only
 *   directory   the user's or the machine's certificates with their keys: MY and CA (cert/system_store.h)
 *   collection  other stores seen as one
 *
 * Any number of threads may use one store.  Enumeration is by position, not by state: a certificate that is removed
 * while another thread stands on it is passed over, and the enumeration goes on behind it.
 *
 * A store lives until it was closed as often as it was opened and the last certificate context of it is gone.
 */
#ifndef OPENSSPI_CERT_STORE_H
#define OPENSSPI_CERT_STORE_H

#include <openssl/x509.h>

#include "base/bytes.h"
#include "base/status.h"
#include "cert/certificate.h"

enum store_kind {
    STORE_MEMORY,
    STORE_ROOTS,
    STORE_DIRECTORY,
    STORE_COLLECTION,
};

/* ---------------------------------------------------------------- making, holding */

/* An empty store with one reference.  SEC_E_INSUFFICIENT_MEMORY. */
STATUS store_new(enum store_kind kind, struct store **out);

/* A memory store with certificates, in this order; takes references of its own; each stack may be NULL. */
STATUS store_of_x509s(const STACK_OF(X509) * certificates, const STACK_OF(X509_CRL) * crls, struct store **out);

/* Adds them to a store that is there. */
STATUS store_fill(struct store *store, const STACK_OF(X509) * certificates, const STACK_OF(X509_CRL) * crls);

struct store *store_hold(struct store *store); /* NULL gives NULL */
void store_drop(struct store *store);          /* NULL is harmless */
void store_auto(struct store **store);

#define AUTO_STORE __attribute__((cleanup(store_auto))) struct store

/* The open store behind an HCERTSTORE, borrowed; NULL for whatever is none.  Looks only at the pointer. */
struct store *store_of(HCERTSTORE handle);

/* Opens a handle, which holds the store until it is closed.  The caller keeps his own reference. */
HCERTSTORE store_open(struct store *store);

/* SEC_E_INVALID_HANDLE when it was closed as often as it was opened. */
STATUS store_close(struct store *store);

/* The handle without opening one: what hCertStore of a context in it is. */
static inline HCERTSTORE store_handle(struct store *store)
{
    return (HCERTSTORE)store;
}

/* After this nothing can be added or removed. */
void store_make_read_only(struct store *store);

enum store_kind store_kind(const struct store *store);

/* References to the store that certificate contexts hold; for CERT_CLOSE_STORE_CHECK_FLAG. */
size_t store_contexts(struct store *store);

/* ---------------------------------------------------------------- contents */

/* What to do when the same certificate is there already (CERT_STORE_ADD_*). */
enum store_add {
    STORE_ADD_NEW,             /* CRYPT_E_EXISTS */
    STORE_ADD_USE_EXISTING,    /* keep what is there, add what properties it lacks */
    STORE_ADD_REPLACE,         /* the new one with its own properties in its place */
    STORE_ADD_REPLACE_INHERIT, /* the new one, with the properties of both, the new one's first */
    STORE_ADD_NEWER,           /* only when it begins later than what is there (CRLs: was issued later) */
    STORE_ADD_NEWER_INHERIT,
    STORE_ADD_ALWAYS,
};

/* Puts a copy of a context into the store (certificate_copy: the encoding is shared).  `out`, which may be NULL, is a new
 * reference to the context in the store.  SEC_E_INSUFFICIENT_MEMORY; CRYPT_E_EXISTS; HRESULT of ERROR_ACCESS_DENIED for a
 * store that cannot be written to (a collection without a writable child, too). */
STATUS store_add(struct store *store, struct certificate *certificate, enum store_add how, struct certificate **out);

/* Takes a certificate out of its store; contexts that are held stay good.  CRYPT_E_NOT_FOUND when it is in none. */
STATUS store_remove(struct certificate *certificate);

/* A new reference to the certificate after `previous` (which stays the caller's), the first one for NULL; NULL at the end. */
struct certificate *store_next(struct store *store, const struct certificate *previous);

/* The same for those that `matches` says yes to. */
struct certificate *store_find(struct store *store, const struct certificate *previous,
                               bool (*matches)(struct certificate *certificate, const void *argument),
                               const void *argument);

/* CRLs, the same way; "there already" is a CRL of the same issuer.  `out` may be NULL. */
struct crl;
STATUS store_add_crl(struct store *store, struct crl *crl, enum store_add how, struct crl **out);
STATUS store_remove_crl(struct crl *crl);
struct crl *store_next_crl(struct store *store, const struct crl *previous);

/* Adds a store to a collection.  SEC_E_INVALID_PARAMETER when `collection` is none, or would contain itself. */
STATUS store_join(struct store *collection, struct store *child, DWORD flags, DWORD priority);
void store_leave(struct store *collection, struct store *child);

/* Everything in it, children included, as OpenSSL wants it: new stacks with references of their own, perhaps empty;
 * sk_X509_pop_free(stack, X509_free), sk_X509_CRL_pop_free(stack, X509_CRL_free). */
STATUS store_x509s(struct store *store, STACK_OF(X509) * *out);
STATUS store_x509_crls(struct store *store, STACK_OF(X509_CRL) * *out);

#endif
