#include "cert/certificate_object.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/pool.h"
#include "cert/store.h"
#include "crypto/openssl_errors.h"

static struct pool certificates = {.size = sizeof(struct certificate)};

/* ---------------------------------------------------------------- bodies */

static struct certificate_body *body_hold(struct certificate_body *body)
{
    atomic_fetch_add_explicit(&body->refs, 1, memory_order_relaxed);
    return body;
}

static void body_drop(struct certificate_body *body)
{
    if (body != NULL && atomic_fetch_sub_explicit(&body->refs, 1, memory_order_acq_rel) == 1) {
        arena_free(&body->arena);
        X509_free(body->x509);
        OPENSSL_free(body->der);
        free(body);
    }
}

static void auto_body(struct certificate_body **body)
{
    body_drop(*body);
}

/* Owns `x509` in every case. */
static STATUS body_new(X509 *x509, struct certificate_body **out)
{
    AUTO(auto_body) struct certificate_body *body = calloc(1, sizeof *body);
    int size;
    if (body == NULL) {
        X509_free(x509);
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "no memory");
    }
    atomic_init(&body->refs, 1);
    body->x509 = x509;
    size = i2d_X509(x509, &body->der);
    REQUIRE(size > 0, SEC_E_INVALID_TOKEN, "certificate: cannot be encoded (RFC 5280 4.1)");
    body->size = (size_t)size;
    TRY(info_of_certificate(x509, &body->arena, &body->info));
    *out = STEAL(body);
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- contexts */

static void free_properties(struct certificate *certificate)
{
    while (certificate->properties != NULL) {
        struct property *property = certificate->properties;
        certificate->properties = property->next;
        property_free(property);
    }
}

static void destroy(struct certificate *certificate)
{
    free_properties(certificate);
    key_link_free(&certificate->link);
    EVP_PKEY_free(certificate->key);
    free(certificate->place);
    secret_free(&certificate->pin);
    body_drop(certificate->body);
    pthread_mutex_destroy(&certificate->lock);
    pool_give(&certificates, certificate);
}

/* Owns `body` in every case. */
static STATUS context_new(struct certificate_body *body, struct certificate **out)
{
    struct certificate *certificate = pool_take(&certificates);
    if (certificate == NULL) {
        body_drop(body);
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "no memory");
    }
    pthread_mutex_init(&certificate->lock, NULL);
    certificate->body = body;
    certificate->context = (CERT_CONTEXT){X509_ASN_ENCODING, body->der, (DWORD)body->size, &body->info, NULL};
    atomic_store(&certificate->refs, 1);
    *out = certificate;
    return SEC_E_OK;
}

STATUS certificate_new(X509 *x509, struct certificate **out)
{
    struct certificate_body *body = NULL;
    SECURITY_STATUS status;
    openssl_errors_mark();
    X509_up_ref(x509);
    status = body_new(x509, &body);
    openssl_errors_forget();
    TRY(status);
    return context_new(body, out);
}

static STATUS body_parse(struct bytes der, struct certificate_body **out)
{
    const unsigned char *at = der.data;
    X509 *x509 = cert_x509_new(), *parsed;
    AUTO(auto_body) struct certificate_body *body = NULL;
    REQUIRE(x509 != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    parsed = d2i_X509(&x509, &at, (long)der.size);
    if (parsed == NULL) {
        X509_free(x509);
        FAIL(SEC_E_INVALID_TOKEN, "certificate: not a certificate (RFC 5280 4.1)");
    }
    TRY(body_new(parsed, &body));
    REQUIRE(body->size == der.size && memcmp(body->der, der.data, der.size) == 0, SEC_E_INVALID_TOKEN,
            "certificate: not DER, or followed by something else (RFC 5280 4.1)");
    *out = STEAL(body);
    return SEC_E_OK;
}

STATUS certificate_parse(struct bytes der, struct certificate **out)
{
    struct certificate_body *body = NULL;
    SECURITY_STATUS status;
    REQUIRE(der.data != NULL && der.size > 0 && der.size <= INT32_MAX, SEC_E_INVALID_TOKEN,
            "certificate: not a certificate (RFC 5280 4.1)");
    openssl_errors_mark();
    status = body_parse(der, &body);
    openssl_errors_forget();
    TRY(status);
    return context_new(body, out);
}

STATUS certificate_copy(struct certificate *from, struct certificate **out)
{
    AUTO_CERTIFICATE *copy = NULL;
    TRY(context_new(body_hold(from->body), &copy));
    TRY(certificate_copy_properties(from, copy, true));
    *out = STEAL(copy);
    return SEC_E_OK;
}

struct certificate *certificate_hold(struct certificate *certificate)
{
    if (certificate != NULL) {
        atomic_fetch_add(&certificate->refs, 1);
        store_context_hold(certificate->store);
    }
    return certificate;
}

void certificate_release(struct certificate *certificate)
{
    if (atomic_fetch_sub(&certificate->refs, 1) == 1) {
        destroy(certificate);
    }
}

void certificate_drop(struct certificate *certificate)
{
    if (certificate != NULL) {
        struct store *store = certificate->store;
        certificate_release(certificate);
        store_context_drop(store);
    }
}

void certificate_auto(struct certificate **certificate)
{
    certificate_drop(*certificate);
}

size_t certificate_live(void)
{
    return pool_live(&certificates);
}

/* ---------------------------------------------------------------- what a caller passes */

struct certificate *certificate_of(PCCERT_CONTEXT context)
{
    return pool_has(&certificates, context) ? (struct certificate *)(uintptr_t)context : NULL;
}

STATUS certificate_from_context(PCCERT_CONTEXT context, struct certificate **out)
{
    struct certificate *ours = certificate_of(context);
    REQUIRE(context != NULL, SEC_E_INVALID_PARAMETER, "certificate: no context");
    if (ours != NULL) {
        *out = certificate_hold(ours);
        return SEC_E_OK;
    }
    return certificate_parse(bytes_of(context->pbCertEncoded, context->cbCertEncoded), out);
}

/* ---------------------------------------------------------------- looking at one */

PCCERT_CONTEXT certificate_context(const struct certificate *certificate)
{
    return &certificate->context;
}

X509 *certificate_x509(const struct certificate *certificate)
{
    return certificate->body->x509;
}

struct bytes certificate_encoding(const struct certificate *certificate)
{
    return bytes_of(certificate->body->der, certificate->body->size);
}

const CERT_INFO *certificate_info(const struct certificate *certificate)
{
    return &certificate->body->info;
}

struct store *certificate_store(const struct certificate *certificate)
{
    return certificate->store;
}

bool certificate_equal(const struct certificate *a, const struct certificate *b)
{
    return a->body == b->body ||
           (a->body->size == b->body->size && memcmp(a->body->der, b->body->der, a->body->size) == 0);
}
