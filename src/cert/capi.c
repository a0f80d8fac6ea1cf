#include "cert/capi.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/auto.h"
#include "base/pool.h"
#include "base/secret.h"
#include "cert/hash.h"
#include "cert/library.h"
#include "crypto/openssl_errors.h"

struct capi {
    atomic_uint_fast32_t refs; /* 0: not one (yet, or any more) */
    atomic_uint_fast32_t open; /* whether its address is a handle; that holds a reference */
    enum capi_kind kind;
    DWORD provider_type;
    struct container *container;
    EVP_PKEY *key;
    ALG_ID algorithm;
    pthread_mutex_t lock; /* of what follows */
    EVP_MD_CTX *digest;
    bool finished;
    uint8_t value[HASH_MAX];
};

static struct pool objects = {.size = sizeof(struct capi)};

static const struct {
    ALG_ID algorithm;
    const char *name;
    size_t size;
} hashes[] = {
    {CALG_MD5, "MD5", 16},        {CALG_SHA1, "SHA1", 20},      {CALG_SHA_256, "SHA256", 32},
    {CALG_SHA_384, "SHA384", 48}, {CALG_SHA_512, "SHA512", 64},
};

#define HASHES (sizeof hashes / sizeof hashes[0])

size_t capi_hash_size(ALG_ID algorithm)
{
    for (size_t i = 0; i < HASHES; i++) {
        if (hashes[i].algorithm == algorithm) {
            return hashes[i].size;
        }
    }
    return 0;
}

static const char *digest_name(ALG_ID algorithm)
{
    for (size_t i = 0; i < HASHES; i++) {
        if (hashes[i].algorithm == algorithm) {
            return hashes[i].name;
        }
    }
    return NULL;
}

/* ---------------------------------------------------------------- objects */

void capi_drop(struct capi *object)
{
    if (object != NULL && atomic_fetch_sub(&object->refs, 1) == 1) {
        container_drop(object->container);
        EVP_PKEY_free(object->key);
        EVP_MD_CTX_free(object->digest);
        pthread_mutex_destroy(&object->lock);
        pool_give(&objects, object);
    }
}

void capi_auto(struct capi **object)
{
    capi_drop(*object);
}

static STATUS begin_hash(struct capi *object)
{
    const char *name = digest_name(object->algorithm);
    EVP_MD *digest;
    bool begun;
    REQUIRE(name != NULL, NTE_BAD_ALGID, "hash: no such algorithm (CryptCreateHash)");
    REQUIRE(cert_libctx() != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    openssl_errors_mark();
    digest = EVP_MD_fetch(cert_libctx(), name, NULL);
    object->digest = digest == NULL ? NULL : EVP_MD_CTX_new();
    begun = object->digest != NULL && EVP_DigestInit_ex2(object->digest, digest, NULL) == 1;
    openssl_errors_forget();
    REQUIRE(digest != NULL, NTE_BAD_ALGID, "hash: OpenSSL on this machine has not got this algorithm");
    EVP_MD_free(digest);
    REQUIRE(begun, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    return SEC_E_OK;
}

STATUS capi_open(const struct capi_parts *parts, ULONG_PTR *out)
{
    AUTO_CAPI *object = pool_take(&objects);
    REQUIRE(object != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    pthread_mutex_init(&object->lock, NULL);
    object->kind = parts->kind;
    object->provider_type = parts->provider_type;
    object->container = container_hold(parts->container);
    object->algorithm = parts->algorithm;
    if (parts->key != NULL && EVP_PKEY_up_ref(parts->key) == 1) {
        object->key = parts->key;
    }
    atomic_store(&object->refs, 1);
    if (parts->kind == CAPI_HASH) {
        TRY(begin_hash(object));
    }
    atomic_store(&object->open, 1);
    *out = (ULONG_PTR)STEAL(object);
    return SEC_E_OK;
}

struct capi *capi_hold_again(struct capi *object)
{
    atomic_fetch_add(&object->refs, 1);
    return object;
}

/* Another thread may close the handle at this very moment: a reference is taken only of what has one, and what it is, is
 * looked at afterwards. */
struct capi *capi_hold(ULONG_PTR handle, enum capi_kind kind)
{
    struct capi *object = (struct capi *)handle;
    uint_fast32_t refs;
    if (!pool_has(&objects, object)) {
        return NULL;
    }
    refs = atomic_load(&object->refs);
    do {
        if (refs == 0) {
            return NULL;
        }
    } while (!atomic_compare_exchange_weak(&object->refs, &refs, refs + 1));
    if (object->kind != kind || atomic_load(&object->open) == 0) {
        capi_drop(object);
        return NULL;
    }
    return object;
}

bool capi_close(ULONG_PTR handle, enum capi_kind kind)
{
    AUTO_CAPI *object = capi_hold(handle, kind);
    uint_fast32_t open = 1;
    if (object == NULL || !atomic_compare_exchange_strong(&object->open, &open, 0)) {
        return false;
    }
    capi_drop(object); /* the handle's */
    return true;
}

enum capi_kind capi_kind(const struct capi *object)
{
    return object->kind;
}

ULONG_PTR capi_handle(const struct capi *object)
{
    return (ULONG_PTR)object;
}

DWORD capi_provider_type(const struct capi *object)
{
    return object->provider_type;
}

struct container *capi_container(const struct capi *object)
{
    return object->container;
}

EVP_PKEY *capi_private_key(const struct capi *object, DWORD spec)
{
    if (object->container != NULL) {
        return container_key(object->container, spec);
    }
    if (object->key != NULL) {
        EVP_PKEY_up_ref(object->key);
    }
    return object->key;
}

/* ---------------------------------------------------------------- hashes */

ALG_ID capi_hash_algorithm(const struct capi *object)
{
    return object->algorithm;
}

STATUS capi_hash_add(struct capi *object, struct bytes data)
{
    bool finished, added;
    pthread_mutex_lock(&object->lock);
    finished = object->finished;
    added = finished || data.size == 0 || EVP_DigestUpdate(object->digest, data.data, data.size) == 1;
    pthread_mutex_unlock(&object->lock);
    REQUIRE(!finished, NTE_BAD_HASH_STATE, "hash: its value was asked for already (CryptHashData)");
    REQUIRE(added, NTE_FAIL, "hash: OpenSSL failed");
    return SEC_E_OK;
}

STATUS capi_hash_finish(struct capi *object, uint8_t *out)
{
    bool finished;
    pthread_mutex_lock(&object->lock);
    if (!object->finished) {
        object->finished = EVP_DigestFinal_ex(object->digest, object->value, NULL) == 1;
    }
    finished = object->finished;
    if (finished) {
        memcpy(out, object->value, capi_hash_size(object->algorithm));
    }
    pthread_mutex_unlock(&object->lock);
    REQUIRE(finished, NTE_FAIL, "hash: OpenSSL failed");
    return SEC_E_OK;
}

size_t capi_live(void)
{
    return pool_live(&objects);
}
