/* What the files of certificate.h and store.h share: the object itself.  Nobody else includes this.
 *
 * References: those of programs and of our own code (certificate_hold) hold the store too; the one that a store has on what
 * lies in it (taken with the object, given back with certificate_release) does not, or neither would ever end.
 */
#ifndef OPENSSPI_CERT_CERTIFICATE_OBJECT_H
#define OPENSSPI_CERT_CERTIFICATE_OBJECT_H

#include <pthread.h>
#include <stdatomic.h>

#include "cert/arena.h"
#include "cert/capi.h"
#include "cert/certificate.h"
#include "cert/info.h"

/* What never changes and is shared by all contexts of a certificate. */
struct certificate_body {
    atomic_uint_fast32_t refs;
    X509 *x509;
    unsigned char *der; /* OPENSSL_free */
    size_t size;
    CERT_INFO info;
    struct arena arena;
};

struct property {
    struct property *next; /* by identifier, ascending */
    DWORD id;
    size_t size;
    uint8_t data[];
};

/* A handle that a program attached. */
struct key_link {
    struct capi *object; /* a reference */
    DWORD spec;          /* AT_*, CERT_NCRYPT_KEY_SPEC; 0: whichever key is the certificate's */
    bool owned;          /* closed when the certificate gives it up */
};

struct certificate {
    CERT_CONTEXT context; /* first: its address is what programs hold */
    atomic_uint_fast32_t refs;
    struct certificate_body *body;
    struct store *store;  /* from the moment it is put into one, for ever */
    uint64_t position;    /* in the store; under the store's lock */
    pthread_mutex_t lock; /* of what follows; never held while a key is loaded */
    struct key_link link; /* comes before what follows */
    EVP_PKEY *key;
    char *place; /* where the key is, when it was not given itself */
    struct secret pin;
    struct property *properties;
};

/* Gives up a reference to what was attached, and the handle where that is owned. */
void key_link_free(struct key_link *link);

/* Gives the store's reference back. */
void certificate_release(struct certificate *certificate);

/* Wipes and frees one that hangs on nothing. */
void property_free(struct property *property);

/* Adds the properties of `from`, and its key, to those of `to`; what `to` has already is replaced or, without `replace`,
 * kept. */
STATUS certificate_copy_properties(struct certificate *from, struct certificate *to, bool replace);

/* The store's side of a reference to something in it; NULL is harmless. */
void store_context_hold(struct store *store);
void store_context_drop(struct store *store);

/* Living contexts, for tests. */
size_t certificate_live(void);

#endif
