#include "cert/chain_context.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/pool.h"
#include "cert/usage.h"

struct chain_object {
    CERT_CHAIN_CONTEXT context; /* first: the address that programs hold */
    atomic_uint references;
    CERT_SIMPLE_CHAIN simple;
    PCERT_SIMPLE_CHAIN simple_list[1];
    PCERT_CHAIN_ELEMENT list[CHAIN_MAX];
    CERT_CHAIN_ELEMENT elements[CHAIN_MAX];
    CERT_REVOCATION_INFO revocations[CHAIN_MAX];
    CERT_ENHKEY_USAGE usages[CHAIN_MAX];
    struct certificate *certificates[CHAIN_MAX];
};

static struct pool objects = {.size = sizeof(struct chain_object)};

bool chain_context_is(PCCERT_CHAIN_CONTEXT context)
{
    return context != NULL && pool_has(&objects, context);
}

void chain_context_hold(PCCERT_CHAIN_CONTEXT context)
{
    struct chain_object *object = (struct chain_object *)context;
    atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed);
}

static void end(struct chain_object *object)
{
    for (size_t i = 0; i < CHAIN_MAX; i++) {
        certificate_drop(object->certificates[i]);
        free(object->usages[i].rgpszUsageIdentifier);
    }
    pool_give(&objects, object);
}

void chain_context_drop(PCCERT_CHAIN_CONTEXT context)
{
    struct chain_object *object = (struct chain_object *)context;
    if (atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel) == 1) {
        end(object);
    }
}

static void drop_object(struct chain_object **object)
{
    if (*object != NULL) {
        chain_context_drop(&(*object)->context);
    }
}

/* ---------------------------------------------------------------- filling */

/* The context that lies in one of the stores; chains are built of the stores' own X509 objects. */
static struct certificate *find_context(X509 *x509, const struct chain_sources *sources)
{
    for (size_t i = 0; i < sources->store_count; i++) {
        struct certificate *at = sources->stores[i] == NULL ? NULL : store_next(sources->stores[i], NULL);
        while (at != NULL && certificate_x509(at) != x509) {
            struct certificate *next = store_next(sources->stores[i], at);
            certificate_drop(at);
            at = next;
        }
        if (at != NULL) {
            return at;
        }
    }
    return NULL;
}

static STATUS set_certificate(struct chain_object *object, size_t index, X509 *x509,
                              const struct chain_sources *sources)
{
    if (index == 0) {
        object->certificates[0] = certificate_hold(sources->leaf);
    } else {
        object->certificates[index] = find_context(x509, sources);
    }
    if (object->certificates[index] == NULL) {
        TRY(certificate_new(x509, &object->certificates[index]));
    }
    object->elements[index].pCertContext = certificate_context(object->certificates[index]);
    return SEC_E_OK;
}

static DWORD revocation_result(enum revocation_state state)
{
    switch (state) {
    case REVOCATION_REVOKED:
        return (DWORD)CRYPT_E_REVOKED;
    case REVOCATION_NO_CHECK:
        return (DWORD)CRYPT_E_NO_REVOCATION_CHECK;
    case REVOCATION_OFFLINE:
        return (DWORD)CRYPT_E_REVOCATION_OFFLINE;
    default:
        return 0;
    }
}

static STATUS set_element(struct chain_object *object, size_t index, const struct chain_element *from,
                          const struct chain_sources *sources)
{
    CERT_CHAIN_ELEMENT *element = &object->elements[index];
    TRY(set_certificate(object, index, from->certificate, sources));
    element->cbSize = sizeof *element;
    element->TrustStatus = (CERT_TRUST_STATUS){from->errors, from->info};
    if (from->revocation != REVOCATION_NOT_ASKED) {
        object->revocations[index] = (CERT_REVOCATION_INFO){
            .cbSize = sizeof(CERT_REVOCATION_INFO),
            .dwRevocationResult = revocation_result(from->revocation),
        };
        element->pRevocationInfo = &object->revocations[index];
    }
    object->list[index] = element;
    return SEC_E_OK;
}

/* What is left of the usages from the anchor down to each element; NULL where that is any. */
static STATUS set_usages(struct chain_object *object, const struct chain *chain)
{
    AUTO_USAGES left = {.any = true};
    for (size_t i = chain->count; i-- > 0;) {
        AUTO_USAGES own = {.any = true};
        TRY(usage_list_of(chain->elements[i].certificate, &own));
        if (!own.any && !left.any) {
            usage_list_meet(&left, &own);
        } else if (!own.any) {
            usage_list_free(&left);
            left = own;
            own.oids = NULL;
        }
        if (!left.any) {
            struct usage_list copy;
            TRY(usage_list_copy(&left, &copy));
            object->usages[i] = (CERT_ENHKEY_USAGE){(DWORD)copy.count, copy.oids};
            object->elements[i].pApplicationUsage = &object->usages[i];
        }
    }
    return SEC_E_OK;
}

static STATUS make_context(const struct chain *chain, const struct chain_sources *sources, DWORD flags,
                           PCCERT_CHAIN_CONTEXT *out)
{
    __attribute__((cleanup(drop_object))) struct chain_object *object = pool_take(&objects);
    REQUIRE(object != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory for a chain of certificates");
    atomic_init(&object->references, 1);
    for (size_t i = 0; i < chain->count; i++) {
        TRY(set_element(object, i, &chain->elements[i], sources));
    }
    TRY(set_usages(object, chain));
    CERT_TRUST_STATUS status = {chain->errors, chain->info};
    object->simple = (CERT_SIMPLE_CHAIN){
        .cbSize = sizeof object->simple,
        .TrustStatus = status,
        .cElement = (DWORD)chain->count,
        .rgpElement = object->list,
    };
    object->simple_list[0] = &object->simple;
    object->context = (CERT_CHAIN_CONTEXT){
        .cbSize = sizeof object->context,
        .TrustStatus = status,
        .cChain = 1,
        .rgpChain = object->simple_list,
        .dwCreateFlags = flags,
    };
    *out = &object->context;
    object = NULL;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- gathering */

/* What the stores hold. */
struct gathered {
    STACK_OF(X509) * certificates;
    STACK_OF(X509_CRL) * crls;
};

static void free_gathered(struct gathered *gathered)
{
    sk_X509_pop_free(gathered->certificates, X509_free);
    sk_X509_CRL_pop_free(gathered->crls, X509_CRL_free);
}

#define AUTO_GATHERED __attribute__((cleanup(free_gathered))) struct gathered

/* Moves the members of `more` to `all`. */
static STATUS join(struct gathered *all, struct gathered *more)
{
    for (int i = 0; i < sk_X509_num(more->certificates); i++) {
        REQUIRE(sk_X509_push(all->certificates, sk_X509_value(more->certificates, i)) > 0, SEC_E_INSUFFICIENT_MEMORY,
                "no memory for the certificates of a store");
        (void)sk_X509_set(more->certificates, i, NULL);
    }
    for (int i = 0; i < sk_X509_CRL_num(more->crls); i++) {
        REQUIRE(sk_X509_CRL_push(all->crls, sk_X509_CRL_value(more->crls, i)) > 0, SEC_E_INSUFFICIENT_MEMORY,
                "no memory for the CRLs of a store");
        (void)sk_X509_CRL_set(more->crls, i, NULL);
    }
    return SEC_E_OK;
}

static STATUS gather(const struct chain_sources *sources, struct gathered *all)
{
    all->certificates = sk_X509_new_null();
    all->crls = sk_X509_CRL_new_null();
    REQUIRE(all->certificates != NULL && all->crls != NULL, SEC_E_INSUFFICIENT_MEMORY,
            "no memory for the certificates of a store");
    for (size_t i = 0; i < sources->store_count; i++) {
        AUTO_GATHERED more = {NULL, NULL};
        if (sources->stores[i] != NULL) {
            TRY(store_x509s(sources->stores[i], &more.certificates));
            TRY(store_x509_crls(sources->stores[i], &more.crls));
            TRY(join(all, &more));
        }
    }
    return SEC_E_OK;
}

STATUS chain_anchors_of(struct store *store, struct roots **out)
{
    AUTO_GATHERED all = {NULL, NULL};
    struct chain_sources sources = {NULL, &store, 1};
    TRY(gather(&sources, &all));
    return roots_of(all.certificates, all.crls, out);
}

/* The anchors that are in both. */
static STATUS restrict_roots(const struct roots *roots, const struct roots *to, struct roots **out)
{
    SECURITY_STATUS status = SEC_E_OK;
    STACK_OF(X509) *both = sk_X509_new_null();
    REQUIRE(both != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory for trusted certificates");
    for (int i = 0; i < sk_X509_num(roots_certificates(roots)); i++) {
        X509 *root = sk_X509_value(roots_certificates(roots), i);
        for (int j = 0; j < sk_X509_num(roots_certificates(to)); j++) {
            if (X509_cmp(root, sk_X509_value(roots_certificates(to), j)) == 0 && sk_X509_push(both, root) <= 0) {
                status = SEC_E_INSUFFICIENT_MEMORY;
            }
        }
    }
    if (status >= 0) {
        status = roots_of(both, roots_crls(roots), out);
    }
    sk_X509_free(both);
    return status;
}

static STATUS find_roots(const struct chain_anchors *anchors, struct roots **out)
{
    AUTO_ROOTS *roots = NULL;
    if (anchors->exclusive != NULL) {
        roots = roots_ref((struct roots *)anchors->exclusive);
    } else {
        TRY(roots_system(&roots));
    }
    if (anchors->restricted != NULL) {
        return restrict_roots(roots, anchors->restricted, out);
    }
    *out = STEAL(roots);
    return SEC_E_OK;
}

STATUS chain_context_build(const struct chain_request *request, const struct chain_sources *sources,
                           const struct chain_anchors *anchors, DWORD flags, PCCERT_CHAIN_CONTEXT *out)
{
    AUTO_GATHERED all = {NULL, NULL};
    AUTO_ROOTS *roots = NULL;
    AUTO_CHAIN chain = {.count = 0};
    AUTO_FREE uint8_t *staple = NULL;
    size_t staple_size = 0;
    TRY(gather(sources, &all));
    TRY(find_roots(anchors, &roots));
    struct chain_request complete = *request;
    complete.leaf = certificate_x509(sources->leaf);
    complete.others = all.certificates;
    complete.crls = all.crls;
    complete.roots = roots;
    if (request->revocation != REVOCATION_NOBODY &&
        certificate_property(sources->leaf, CERT_OCSP_RESPONSE_PROP_ID, &staple, &staple_size) >= 0) {
        complete.staple = bytes_of(staple, staple_size);
    }
    TRY(chain_build(&complete, &chain));
    return make_context(&chain, sources, flags, out);
}
