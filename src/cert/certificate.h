/* A certificate as crypt32 hands it out: a CERT_CONTEXT in front, and behind it what Windows keeps out of sight: the X509,
 * the private key, the properties, the store it lies in.
 *
 * The context's address is the certificate's, for as long as anybody holds it.  Contexts live in memory that is never
 * given back to the allocator (base/pool.h), so certificate_of() can tell ours from a CERT_CONTEXT that somebody made on
 * his stack, and a context that was freed once too often from one that lives, without reading what is not ours.
 *
 * The encoding, CERT_INFO and X509 never change and are shared by all contexts of one parsed certificate: a certificate
 * that is put into a store, or met there again, has the same pbCertEncoded (programs compare the pointers).  Properties
 * and the key belong to the context, are copied when it is added to a store, and are safe to use from several threads.
 *
 * A context in a store holds the store: hCertStore is good for as long as the context is, however often the store was
 * closed.
 */
#ifndef OPENSSPI_CERT_CERTIFICATE_H
#define OPENSSPI_CERT_CERTIFICATE_H

#include <openssl/x509.h>

#include "windows.h"

#include "wincrypt.h"

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "cert/library.h"

struct capi;
struct store;
struct certificate;

/* ---------------------------------------------------------------- making, holding */

/* A certificate in no store and without a key, with one reference.  Takes a reference of its own to `x509`.
 * SEC_E_INSUFFICIENT_MEMORY; SEC_E_INVALID_TOKEN when it cannot be encoded or a field does not fit CERT_INFO. */
STATUS certificate_new(X509 *x509, struct certificate **out);

/* The same from DER; nothing may follow it.  SEC_E_INVALID_TOKEN when it is no certificate (RFC 5280 4.1). */
STATUS certificate_parse(struct bytes der, struct certificate **out);

/* A new context in no store that shares the encoding with `from` and has a copy of its properties and its key. */
STATUS certificate_copy(struct certificate *from, struct certificate **out);

struct certificate *certificate_hold(struct certificate *certificate); /* NULL gives NULL */
void certificate_drop(struct certificate *certificate);                /* NULL is harmless */
void certificate_auto(struct certificate **certificate);

#define AUTO_CERTIFICATE __attribute__((cleanup(certificate_auto))) struct certificate

/* ---------------------------------------------------------------- what a caller passes */

/* The certificate behind a context of ours that is alive, borrowed; NULL for anything else, NULL and a CERT_CONTEXT made
 * by hand included.  Looks only at the pointer. */
struct certificate *certificate_of(PCCERT_CONTEXT context);

/* A new reference to the certificate behind a context of ours, or, from a CERT_CONTEXT made by hand, a new certificate
 * (without a key) from its pbCertEncoded.  SEC_E_INVALID_PARAMETER for NULL, SEC_E_INVALID_TOKEN when it is none. */
STATUS certificate_from_context(PCCERT_CONTEXT context, struct certificate **out);

/* ---------------------------------------------------------------- looking at one */

/* What programs get: the certificate's own memory, good while a reference is held.  Giving it out hands no reference. */
PCCERT_CONTEXT certificate_context(const struct certificate *certificate);

X509 *certificate_x509(const struct certificate *certificate);            /* borrowed */
struct bytes certificate_encoding(const struct certificate *certificate); /* borrowed */
const CERT_INFO *certificate_info(const struct certificate *certificate); /* borrowed */
struct store *certificate_store(const struct certificate *certificate);   /* borrowed; NULL when in none */

/* The same encoding. */
bool certificate_equal(const struct certificate *a, const struct certificate *b);

/* ---------------------------------------------------------------- the private key */

/* A new reference to the private key, loaded from where the context says it is when first asked for.
 *
 * SEC_E_NO_CREDENTIALS when it has none; SEC_E_UNKNOWN_CREDENTIALS when it names one that cannot be loaded, or that is
 * not the certificate's (both as Schannel answers, windows-behaviour S9 and S10); SEC_E_INSUFFICIENT_MEMORY. */
STATUS certificate_key(struct certificate *certificate, EVP_PKEY **out);

/* Whether a key was set or is named; loads nothing. */
bool certificate_has_key(struct certificate *certificate);

/* The same without regard to handles that were attached. */
bool certificate_has_own_key(struct certificate *certificate);

/* Where the key is, to be freed; NULL when it was set itself or there is none. */
STATUS certificate_key_place(struct certificate *certificate, char **out);

/* Sets the key; takes a reference of its own.  NULL takes the key away, and what names or holds one.
 * SEC_E_UNKNOWN_CREDENTIALS when it does not belong to the certificate's public key. */
STATUS certificate_set_key(struct certificate *certificate, EVP_PKEY *key);

/* Says where the key is, in UTF-8: a key container of this process (cert/containers.h), a "pkcs11:" URI (RFC 7512), a "file:"
 * URI or the path of a PEM or DER file.  It is loaded when somebody asks for it.  `pin` opens it and
 * is copied; empty when the URI or the token needs none. */
STATUS certificate_set_key_place(struct certificate *certificate, const char *place, struct bytes pin);

/* Says that the key is a handle's (cert/capi.h), of which `object` is a reference that is taken over; it is looked for when
 * somebody asks for it, before any other.  NULL takes it away and leaves what else there is.
 *
 *   spec    AT_KEYEXCHANGE, AT_SIGNATURE, CERT_NCRYPT_KEY_SPEC; 0: whichever key is the certificate's
 *   owned   the handle is closed when the certificate gives it up; copies of the certificate have the key, not the handle */
void certificate_set_key_handle(struct certificate *certificate, struct capi *object, DWORD spec, bool owned);

/* A new reference to what was attached that way, NULL when there is nothing; `spec` as it was given. */
struct capi *certificate_key_handle(struct certificate *certificate, DWORD *spec);

/* ---------------------------------------------------------------- properties */

/* A copy of a property's value, to be freed; computed ones (the hashes, the key identifier) too.
 * CRYPT_E_NOT_FOUND when it has no such property; SEC_E_INSUFFICIENT_MEMORY. */
STATUS certificate_property(struct certificate *certificate, DWORD id, uint8_t **out, size_t *out_size);

/* Sets or, with `value.data` NULL, removes one.  Opaque bytes here: what a property's struct points at is packed and
 * unpacked by the API (properties of which crypt32 says that pvData is a struct). */
STATUS certificate_set_property(struct certificate *certificate, DWORD id, struct bytes value);

/* The identifier of the property after `id`, ascending, 0 to begin; 0 when there is none. */
DWORD certificate_next_property(struct certificate *certificate, DWORD id);

#endif
