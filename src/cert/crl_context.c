#include "cert/crl_context.h"

#include <string.h>

#include "base/auto.h"
#include "base/pool.h"
#include "cert/certificate_object.h"
#include "crypto/openssl_errors.h"

static struct pool crls = {.size = sizeof(struct crl)};

void crl_release(struct crl *crl)
{
    if (atomic_fetch_sub(&crl->refs, 1) == 1) {
        arena_free(&crl->arena);
        X509_CRL_free(crl->x509);
        OPENSSL_free(crl->der);
        pool_give(&crls, crl);
    }
}

struct crl *crl_hold(struct crl *crl)
{
    if (crl != NULL) {
        atomic_fetch_add(&crl->refs, 1);
        store_context_hold(crl->store);
    }
    return crl;
}

void crl_drop(struct crl *crl)
{
    if (crl != NULL) {
        struct store *store = crl->store;
        crl_release(crl);
        store_context_drop(store);
    }
}

void crl_auto(struct crl **crl)
{
    crl_drop(*crl);
}

/* Owns `x509` in every case. */
static STATUS build(X509_CRL *x509, struct crl **out)
{
    AUTO_CRL_CONTEXT *crl = pool_take(&crls);
    int size;
    if (crl == NULL) {
        X509_CRL_free(x509);
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "no memory");
    }
    atomic_store(&crl->refs, 1);
    crl->x509 = x509;
    size = i2d_X509_CRL(x509, &crl->der);
    REQUIRE(size > 0, SEC_E_INVALID_TOKEN, "CRL: cannot be encoded (RFC 5280 5.1)");
    TRY(info_of_crl(x509, &crl->arena, &crl->info));
    crl->context = (CRL_CONTEXT){X509_ASN_ENCODING, crl->der, (DWORD)size, &crl->info, NULL};
    *out = STEAL(crl);
    return SEC_E_OK;
}

STATUS crl_new(X509_CRL *x509, struct crl **out)
{
    SECURITY_STATUS status;
    openssl_errors_mark();
    X509_CRL_up_ref(x509);
    status = build(x509, out);
    openssl_errors_forget();
    return status;
}

static STATUS parse(struct bytes der, struct crl **out)
{
    const unsigned char *at = der.data;
    X509_CRL *x509 = X509_CRL_new_ex(cert_libctx(), NULL), *parsed;
    AUTO_CRL_CONTEXT *crl = NULL;
    REQUIRE(x509 != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    parsed = d2i_X509_CRL(&x509, &at, (long)der.size);
    if (parsed == NULL) {
        X509_CRL_free(x509);
        FAIL(SEC_E_INVALID_TOKEN, "CRL: not a CRL (RFC 5280 5.1)");
    }
    TRY(build(parsed, &crl));
    REQUIRE(crl->context.cbCrlEncoded == der.size && memcmp(crl->der, der.data, der.size) == 0, SEC_E_INVALID_TOKEN,
            "CRL: not DER, or followed by something else (RFC 5280 5.1)");
    *out = STEAL(crl);
    return SEC_E_OK;
}

STATUS crl_parse(struct bytes der, struct crl **out)
{
    SECURITY_STATUS status;
    REQUIRE(der.data != NULL && der.size > 0 && der.size <= INT32_MAX, SEC_E_INVALID_TOKEN,
            "CRL: not a CRL (RFC 5280 5.1)");
    openssl_errors_mark();
    status = parse(der, out);
    openssl_errors_forget();
    return status;
}

struct crl *crl_of(PCCRL_CONTEXT context)
{
    return pool_has(&crls, context) ? (struct crl *)(uintptr_t)context : NULL;
}
