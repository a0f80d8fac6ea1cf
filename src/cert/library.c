#include "cert/library.h"

#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <stdatomic.h>

static _Atomic(OSSL_LIB_CTX *) library;

OSSL_LIB_CTX *cert_libctx(void)
{
    OSSL_LIB_CTX *now = atomic_load_explicit(&library, memory_order_acquire);
    OSSL_LIB_CTX *fresh;
    if (now != NULL) {
        return now;
    }
    fresh = OSSL_LIB_CTX_new();
    if (fresh == NULL) {
        return NULL;
    }
    if (!atomic_compare_exchange_strong(&library, &now, fresh)) {
        OSSL_LIB_CTX_free(fresh);
        return now;
    }
    return fresh;
}

X509 *cert_x509_new(void)
{
    OSSL_LIB_CTX *context = cert_libctx();
    return context == NULL ? NULL : X509_new_ex(context, NULL);
}
