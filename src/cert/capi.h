/* What programs hold as HCRYPTPROV, HCRYPTKEY, HCRYPTHASH, NCRYPT_PROV_HANDLE and NCRYPT_KEY_HANDLE.
 *
 * A handle is an object's address, in memory that is never given back to the allocator (base/pool.h), so that whatever a
 * program passes is recognised, or refused, without being followed.  Each handle has a kind; one that was closed is none any
 * more, while the object lives on for who holds it: a certificate whose key it has, a call that runs.
 */
#ifndef OPENSSPI_CERT_CAPI_H
#define OPENSSPI_CERT_CAPI_H

#include <openssl/evp.h>

#include "windows.h"

#include "wincrypt.h"

#include "base/bytes.h"
#include "base/status.h"
#include "cert/containers.h"

enum capi_kind {
    CAPI_PROVIDER = 1, /* HCRYPTPROV: a container */
    CAPI_KEY,          /* HCRYPTKEY */
    CAPI_HASH,         /* HCRYPTHASH */
    CAPI_STORAGE,      /* NCRYPT_PROV_HANDLE */
    CAPI_STORED_KEY,   /* NCRYPT_KEY_HANDLE */
};

struct capi;

/* What an object is made of; each may be NULL.  Nothing of it is taken over. */
struct capi_parts {
    enum capi_kind kind;
    DWORD provider_type;         /* PROV_* */
    struct container *container; /* of a provider */
    EVP_PKEY *key;               /* of a key */
    ALG_ID algorithm;            /* of a hash */
};

/* A new object and the handle that holds it.  SEC_E_INSUFFICIENT_MEMORY; NTE_BAD_ALGID for a hash that OpenSSL has not got. */
STATUS capi_open(const struct capi_parts *parts, ULONG_PTR *out);

/* A new reference to what is behind an open handle of this kind; NULL for anything else.  Looks only at the value. */
struct capi *capi_hold(ULONG_PTR handle, enum capi_kind kind);

/* One more reference to one that is held. */
struct capi *capi_hold_again(struct capi *object);
void capi_drop(struct capi *object); /* NULL is harmless */
void capi_auto(struct capi **object);

#define AUTO_CAPI __attribute__((cleanup(capi_auto))) struct capi

/* Ends a handle.  False when it is no open one of this kind. */
bool capi_close(ULONG_PTR handle, enum capi_kind kind);

enum capi_kind capi_kind(const struct capi *object);
ULONG_PTR capi_handle(const struct capi *object);
DWORD capi_provider_type(const struct capi *object);
struct container *capi_container(const struct capi *object); /* borrowed */

/* A new reference to the private key of a provider (AT_KEYEXCHANGE, AT_SIGNATURE) or of a key; NULL when there is none. */
EVP_PKEY *capi_private_key(const struct capi *object, DWORD spec);

/* ---------------------------------------------------------------- hashes */

/* Bytes of a hash by its algorithm, 0 for one that is none of ours (MD5, SHA-1, SHA-256, SHA-384, SHA-512). */
size_t capi_hash_size(ALG_ID algorithm);

ALG_ID capi_hash_algorithm(const struct capi *object);

/* NTE_BAD_HASH_STATE after capi_hash_finish. */
STATUS capi_hash_add(struct capi *object, struct bytes data);

/* The value, capi_hash_size() bytes; the first call ends the hash, the later ones give the same. */
STATUS capi_hash_finish(struct capi *object, uint8_t *out);

/* Living objects, for tests. */
size_t capi_live(void);

#endif
