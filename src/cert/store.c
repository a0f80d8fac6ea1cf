#include "cert/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/pool.h"
#include "cert/certificate_object.h"
#include "cert/crl_context.h"

struct child {
    struct store *store;
    DWORD flags;
    DWORD priority;
};

struct store {
    atomic_uint_fast32_t refs;     /* open handles, contexts that are held, and our own code */
    atomic_uint_fast32_t handles;  /* HCERTSTOREs that are to be closed */
    atomic_uint_fast32_t contexts; /* held */
    enum store_kind kind;
    bool read_only;
    pthread_mutex_t lock; /* of what follows; taken before a certificate's, and before a child's */
    uint64_t next_position;
    struct certificate **certificates; /* by position, ascending */
    size_t count, room;
    struct crl **crls;
    size_t crl_count, crl_room;
    struct child *children;
    size_t child_count;
};

static struct pool stores = {.size = sizeof(struct store)};

/* ---------------------------------------------------------------- making, holding */

STATUS store_new(enum store_kind kind, struct store **out)
{
    struct store *store = pool_take(&stores);
    REQUIRE(store != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    pthread_mutex_init(&store->lock, NULL);
    store->kind = kind;
    store->next_position = 1;
    atomic_store(&store->refs, 1);
    *out = store;
    return SEC_E_OK;
}

static void destroy(struct store *store)
{
    for (size_t i = 0; i < store->count; i++) {
        certificate_release(store->certificates[i]);
    }
    for (size_t i = 0; i < store->crl_count; i++) {
        crl_release(store->crls[i]);
    }
    for (size_t i = 0; i < store->child_count; i++) {
        store_drop(store->children[i].store);
    }
    free(store->certificates);
    free(store->crls);
    free(store->children);
    pthread_mutex_destroy(&store->lock);
    pool_give(&stores, store);
}

struct store *store_hold(struct store *store)
{
    if (store != NULL) {
        atomic_fetch_add(&store->refs, 1);
    }
    return store;
}

void store_drop(struct store *store)
{
    if (store != NULL && atomic_fetch_sub(&store->refs, 1) == 1) {
        destroy(store);
    }
}

void store_auto(struct store **store)
{
    store_drop(*store);
}

void store_context_hold(struct store *store)
{
    if (store != NULL) {
        atomic_fetch_add(&store->contexts, 1);
        store_hold(store);
    }
}

void store_context_drop(struct store *store)
{
    if (store != NULL) {
        atomic_fetch_sub(&store->contexts, 1);
        store_drop(store);
    }
}

struct store *store_of(HCERTSTORE handle)
{
    return pool_has(&stores, handle) ? (struct store *)handle : NULL;
}

HCERTSTORE store_open(struct store *store)
{
    atomic_fetch_add(&store->handles, 1);
    return (HCERTSTORE)store_hold(store);
}

STATUS store_close(struct store *store)
{
    uint_fast32_t handles = atomic_load(&store->handles);
    do {
        REQUIRE(handles != 0, SEC_E_INVALID_HANDLE, "store: closed already");
    } while (!atomic_compare_exchange_weak(&store->handles, &handles, handles - 1));
    store_drop(store);
    return SEC_E_OK;
}

enum store_kind store_kind(const struct store *store)
{
    return store->kind;
}

size_t store_contexts(struct store *store)
{
    return atomic_load(&store->contexts);
}

void store_make_read_only(struct store *store)
{
    store->read_only = true;
}

static void unlock(pthread_mutex_t **lock)
{
    if (*lock != NULL) {
        pthread_mutex_unlock(*lock);
    }
}

static pthread_mutex_t *lock(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    return &store->lock;
}

#define LOCKED(store) AUTO(unlock) __attribute__((unused)) pthread_mutex_t *locked_ = lock(store)

/* ---------------------------------------------------------------- stores within stores */

#define LEAVES_MAX 256
#define DEPTH_MAX  8

/* The stores that a collection consists of, each once, in the order in which they are looked through; of any other store,
 * the store itself.  Holds them. */
struct leaves {
    struct store *stores[LEAVES_MAX];
    size_t count;
};

static void leaves_free(struct leaves *leaves)
{
    for (size_t i = 0; i < leaves->count; i++) {
        store_drop(leaves->stores[i]);
    }
}

#define AUTO_LEAVES AUTO(leaves_free) struct leaves

static void leaves_add(struct leaves *leaves, struct store *store, int depth)
{
    if (store->kind != STORE_COLLECTION) {
        for (size_t i = 0; i < leaves->count; i++) {
            if (leaves->stores[i] == store) {
                return;
            }
        }
        if (leaves->count < LEAVES_MAX) {
            leaves->stores[leaves->count++] = store_hold(store);
        }
        return;
    }
    LOCKED(store);
    for (size_t i = 0; i < store->child_count && depth < DEPTH_MAX; i++) {
        leaves_add(leaves, store->children[i].store, depth + 1);
    }
}

static bool contains(struct store *store, const struct store *sought, int depth)
{
    if (store == sought || depth == DEPTH_MAX) {
        return store == sought;
    }
    LOCKED(store);
    for (size_t i = 0; i < store->child_count; i++) {
        if (contains(store->children[i].store, sought, depth + 1)) {
            return true;
        }
    }
    return false;
}

STATUS store_join(struct store *collection, struct store *child, DWORD flags, DWORD priority)
{
    struct child *children;
    size_t at = 0;
    REQUIRE(collection->kind == STORE_COLLECTION, SEC_E_INVALID_PARAMETER, "store: not a collection");
    REQUIRE(!contains(child, collection, 0), SEC_E_INVALID_PARAMETER, "store: a collection cannot contain itself");
    LOCKED(collection);
    REQUIRE(collection->child_count < LEAVES_MAX, SEC_E_INVALID_PARAMETER,
            "store: a collection of more than 256 stores");
    children = realloc(collection->children, (collection->child_count + 1) * sizeof *children);
    REQUIRE(children != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    collection->children = children;
    while (at < collection->child_count && children[at].priority >= priority) {
        at++;
    }
    memmove(children + at + 1, children + at, (collection->child_count - at) * sizeof *children);
    children[at] = (struct child){store_hold(child), flags, priority};
    collection->child_count++;
    return SEC_E_OK;
}

void store_leave(struct store *collection, struct store *child)
{
    struct store *left = NULL;
    {
        LOCKED(collection);
        for (size_t i = 0; i < collection->child_count && left == NULL; i++) {
            if (collection->children[i].store == child) {
                left = child;
                collection->child_count--;
                memmove(collection->children + i, collection->children + i + 1,
                        (collection->child_count - i) * sizeof *collection->children);
            }
        }
    }
    store_drop(left);
}

/* Where additions to `store` go, held; NULL when there is no such place. */
static struct store *writable(struct store *store, int depth)
{
    struct store *found = NULL;
    if (store->kind != STORE_COLLECTION) {
        return store->read_only ? NULL : store_hold(store);
    }
    LOCKED(store);
    for (size_t i = 0; i < store->child_count && found == NULL && depth < DEPTH_MAX; i++) {
        if (store->children[i].flags & CERT_PHYSICAL_STORE_ADD_ENABLE_FLAG) {
            found = writable(store->children[i].store, depth + 1);
        }
    }
    return found;
}

/* ---------------------------------------------------------------- adding, removing */

#define DENIED _HRESULT_TYPEDEF_(0x80070005) /* ERROR_ACCESS_DENIED */

/* Room for one more pointer.  The lock is held. */
static STATUS reserve(void ***array, size_t count, size_t *room)
{
    if (count == *room) {
        size_t more = *room == 0 ? 4 : 2 * *room;
        void **larger = realloc(*array, more * sizeof **array);
        REQUIRE(larger != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
        *array = larger;
        *room = more;
    }
    return SEC_E_OK;
}

static struct certificate *equal_in(struct store *store, const struct certificate *certificate, size_t *out_index)
{
    for (size_t i = 0; i < store->count; i++) {
        if (certificate_equal(store->certificates[i], certificate)) {
            *out_index = i;
            return store->certificates[i];
        }
    }
    return NULL;
}

static uint64_t ticks(FILETIME time)
{
    return (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
}

static bool newer(const struct certificate *certificate, const struct certificate *than)
{
    return ticks(certificate_info(certificate)->NotBefore) > ticks(certificate_info(than)->NotBefore);
}

/* What to do about `there`, which is the same certificate.  *out_keep: nothing is to be added. */
static STATUS resolve(struct certificate *there, struct certificate *copy, enum store_add how, bool *out_keep)
{
    switch (how) {
    case STORE_ADD_NEW:
        FAIL(CRYPT_E_EXISTS, "store: the certificate is there already (CERT_STORE_ADD_NEW)");
    case STORE_ADD_NEWER:
    case STORE_ADD_NEWER_INHERIT:
        REQUIRE(newer(copy, there), CRYPT_E_EXISTS, "store: what is there is as new (CERT_STORE_ADD_NEWER)");
        break;
    case STORE_ADD_USE_EXISTING:
        *out_keep = true;
        return certificate_copy_properties(copy, there, false);
    default:
        break;
    }
    if (how == STORE_ADD_REPLACE_INHERIT || how == STORE_ADD_NEWER_INHERIT) {
        return certificate_copy_properties(there, copy, false);
    }
    return SEC_E_OK;
}

/* Owns `copy` in every case; it is in no store yet.  The lock is held.  *out_old is what it took the place of. */
static STATUS insert(struct store *store, struct certificate *certificate, enum store_add how, struct certificate **out,
                     struct certificate **out_old)
{
    AUTO_CERTIFICATE *copy = certificate;
    size_t index = store->count;
    struct certificate *there = how == STORE_ADD_ALWAYS ? NULL : equal_in(store, copy, &index);
    bool keep = false;
    if (there != NULL) {
        TRY(resolve(there, copy, how, &keep));
        if (keep) {
            *out = there;
            return SEC_E_OK;
        }
    } else {
        TRY(reserve((void ***)&store->certificates, store->count, &store->room));
        store->count++;
    }
    copy->store = store;
    copy->context.hCertStore = (HCERTSTORE)store;
    copy->position = there != NULL ? there->position : store->next_position++;
    *out_old = there;
    *out = store->certificates[index] = STEAL(copy);
    return SEC_E_OK;
}

STATUS store_add(struct store *store, struct certificate *certificate, enum store_add how, struct certificate **out)
{
    AUTO_STORE *target = writable(store, 0);
    struct certificate *copy = NULL, *added = NULL, *old = NULL;
    SECURITY_STATUS status;
    REQUIRE(target != NULL, DENIED, "store: cannot be changed");
    TRY(certificate_copy(certificate, &copy));
    pthread_mutex_lock(&target->lock);
    status = insert(target, copy, how, &added, &old);
    if (status >= 0 && out != NULL) {
        *out = certificate_hold(added);
    }
    pthread_mutex_unlock(&target->lock);
    if (old != NULL) {
        certificate_release(old);
    }
    return status;
}

STATUS store_remove(struct certificate *certificate)
{
    struct store *store = certificate->store;
    bool found = false;
    REQUIRE(store != NULL, CRYPT_E_NOT_FOUND, "certificate: in no store");
    REQUIRE(!store->read_only, DENIED, "store: cannot be changed");
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < store->count && !found; i++) {
        if (store->certificates[i] == certificate) {
            found = true;
            store->count--;
            memmove(store->certificates + i, store->certificates + i + 1,
                    (store->count - i) * sizeof *store->certificates);
        }
    }
    pthread_mutex_unlock(&store->lock);
    REQUIRE(found, CRYPT_E_NOT_FOUND, "certificate: taken out of its store already");
    certificate_release(certificate); /* the caller holds one more */
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- looking through */

static struct certificate *next_in(struct store *store, uint64_t position)
{
    struct certificate *found = NULL;
    LOCKED(store);
    for (size_t low = 0, high = store->count; low < high;) { /* the first one behind `position` */
        size_t middle = low + (high - low) / 2;
        if (store->certificates[middle]->position > position) {
            found = store->certificates[middle];
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return certificate_hold(found);
}

struct certificate *store_next(struct store *store, const struct certificate *previous)
{
    AUTO_LEAVES leaves = {.count = 0};
    struct certificate *next = NULL;
    size_t i = 0;
    leaves_add(&leaves, store, 0);
    if (previous != NULL) {
        while (i < leaves.count && leaves.stores[i] != previous->store) {
            i++;
        }
        next = i < leaves.count ? next_in(leaves.stores[i++], previous->position) : NULL;
    }
    for (; i < leaves.count && next == NULL; i++) {
        next = next_in(leaves.stores[i], 0);
    }
    return next;
}

struct certificate *store_find(struct store *store, const struct certificate *previous,
                               bool (*matches)(struct certificate *certificate, const void *argument),
                               const void *argument)
{
    struct certificate *at = store_next(store, previous);
    while (at != NULL && !matches(at, argument)) {
        struct certificate *next = store_next(store, at);
        certificate_drop(at);
        at = next;
    }
    return at;
}

STATUS store_fill(struct store *store, const STACK_OF(X509) * certificates, const STACK_OF(X509_CRL) * crls)
{
    for (int i = 0; certificates != NULL && i < sk_X509_num(certificates); i++) {
        AUTO_CERTIFICATE *certificate = NULL;
        TRY(certificate_new(sk_X509_value(certificates, i), &certificate));
        TRY(store_add(store, certificate, STORE_ADD_ALWAYS, NULL));
    }
    for (int i = 0; crls != NULL && i < sk_X509_CRL_num(crls); i++) {
        AUTO_CRL_CONTEXT *crl = NULL;
        TRY(crl_new(sk_X509_CRL_value(crls, i), &crl));
        TRY(store_add_crl(store, crl, STORE_ADD_ALWAYS, NULL));
    }
    return SEC_E_OK;
}

STATUS store_of_x509s(const STACK_OF(X509) * certificates, const STACK_OF(X509_CRL) * crls, struct store **out)
{
    AUTO_STORE *store = NULL;
    TRY(store_new(STORE_MEMORY, &store));
    TRY(store_fill(store, certificates, crls));
    *out = STEAL(store);
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- CRLs */

static struct crl *equal_crl(struct store *store, const struct crl *crl, size_t *out_index)
{
    for (size_t i = 0; i < store->crl_count; i++) {
        if (X509_CRL_cmp(store->crls[i]->x509, crl->x509) == 0) { /* same issuer */
            *out_index = i;
            return store->crls[i];
        }
    }
    return NULL;
}

static STATUS insert_crl(struct store *store, struct crl *fresh, enum store_add how, struct crl **out,
                         struct crl **out_old)
{
    AUTO_CRL_CONTEXT *crl = fresh;
    size_t index = store->crl_count;
    struct crl *there = how == STORE_ADD_ALWAYS ? NULL : equal_crl(store, crl, &index);
    if (there != NULL) {
        bool later = ticks(crl->info.ThisUpdate) > ticks(there->info.ThisUpdate);
        REQUIRE(how != STORE_ADD_NEW, CRYPT_E_EXISTS,
                "store: a CRL of this issuer is there already (CERT_STORE_ADD_NEW)");
        REQUIRE(later || (how != STORE_ADD_NEWER && how != STORE_ADD_NEWER_INHERIT), CRYPT_E_EXISTS,
                "store: what is there is as new (CERT_STORE_ADD_NEWER)");
        if (how == STORE_ADD_USE_EXISTING) {
            *out = there;
            return SEC_E_OK;
        }
    } else {
        TRY(reserve((void ***)&store->crls, store->crl_count, &store->crl_room));
        store->crl_count++;
    }
    crl->store = store;
    crl->context.hCertStore = (HCERTSTORE)store;
    crl->position = there != NULL ? there->position : store->next_position++;
    *out_old = there;
    *out = store->crls[index] = STEAL(crl);
    return SEC_E_OK;
}

STATUS store_add_crl(struct store *store, struct crl *crl, enum store_add how, struct crl **out)
{
    AUTO_STORE *target = writable(store, 0);
    struct crl *copy = NULL, *added = NULL, *old = NULL;
    SECURITY_STATUS status;
    REQUIRE(target != NULL, DENIED, "store: cannot be changed");
    TRY(crl_new(crl->x509, &copy));
    pthread_mutex_lock(&target->lock);
    status = insert_crl(target, copy, how, &added, &old);
    if (status >= 0 && out != NULL) {
        *out = crl_hold(added);
    }
    pthread_mutex_unlock(&target->lock);
    if (old != NULL) {
        crl_release(old);
    }
    return status;
}

STATUS store_remove_crl(struct crl *crl)
{
    struct store *store = crl->store;
    bool found = false;
    REQUIRE(store != NULL, CRYPT_E_NOT_FOUND, "CRL: in no store");
    REQUIRE(!store->read_only, DENIED, "store: cannot be changed");
    pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < store->crl_count && !found; i++) {
        if (store->crls[i] == crl) {
            found = true;
            store->crl_count--;
            memmove(store->crls + i, store->crls + i + 1, (store->crl_count - i) * sizeof *store->crls);
        }
    }
    pthread_mutex_unlock(&store->lock);
    REQUIRE(found, CRYPT_E_NOT_FOUND, "CRL: taken out of its store already");
    crl_release(crl);
    return SEC_E_OK;
}

static struct crl *next_crl_in(struct store *store, uint64_t position)
{
    LOCKED(store);
    for (size_t i = 0; i < store->crl_count; i++) {
        if (store->crls[i]->position > position) {
            return crl_hold(store->crls[i]);
        }
    }
    return NULL;
}

struct crl *store_next_crl(struct store *store, const struct crl *previous)
{
    AUTO_LEAVES leaves = {.count = 0};
    struct crl *next = NULL;
    size_t i = 0;
    leaves_add(&leaves, store, 0);
    if (previous != NULL) {
        while (i < leaves.count && leaves.stores[i] != previous->store) {
            i++;
        }
        next = i < leaves.count ? next_crl_in(leaves.stores[i++], previous->position) : NULL;
    }
    for (; i < leaves.count && next == NULL; i++) {
        next = next_crl_in(leaves.stores[i], 0);
    }
    return next;
}

/* ---------------------------------------------------------------- for OpenSSL */

static void free_x509s(STACK_OF(X509) * *stack)
{
    sk_X509_pop_free(*stack, X509_free);
}

static void free_crls(STACK_OF(X509_CRL) * *stack)
{
    sk_X509_CRL_pop_free(*stack, X509_CRL_free);
}

STATUS store_x509s(struct store *store, STACK_OF(X509) * *out)
{
    AUTO(free_x509s) STACK_OF(X509) *stack = sk_X509_new_null();
    AUTO_LEAVES leaves = {.count = 0};
    REQUIRE(stack != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    leaves_add(&leaves, store, 0);
    for (size_t i = 0; i < leaves.count; i++) {
        LOCKED(leaves.stores[i]);
        for (size_t j = 0; j < leaves.stores[i]->count; j++) {
            X509 *x509 = certificate_x509(leaves.stores[i]->certificates[j]);
            REQUIRE(sk_X509_push(stack, x509) > 0, SEC_E_INSUFFICIENT_MEMORY, "no memory");
            X509_up_ref(x509);
        }
    }
    *out = STEAL(stack);
    return SEC_E_OK;
}

STATUS store_x509_crls(struct store *store, STACK_OF(X509_CRL) * *out)
{
    AUTO(free_crls) STACK_OF(X509_CRL) *stack = sk_X509_CRL_new_null();
    AUTO_LEAVES leaves = {.count = 0};
    REQUIRE(stack != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    leaves_add(&leaves, store, 0);
    for (size_t i = 0; i < leaves.count; i++) {
        LOCKED(leaves.stores[i]);
        for (size_t j = 0; j < leaves.stores[i]->crl_count; j++) {
            X509_CRL *crl = leaves.stores[i]->crls[j]->x509;
            REQUIRE(sk_X509_CRL_push(stack, crl) > 0, SEC_E_INSUFFICIENT_MEMORY, "no memory");
            X509_CRL_up_ref(crl);
        }
    }
    *out = STEAL(stack);
    return SEC_E_OK;
}
