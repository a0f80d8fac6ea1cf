/* The server's certificate with its key, and the authorities that the client believes, out of PEM files. */
#ifndef OPENSSPI_BENCH_SCHANNEL_IDENTITY_H
#define OPENSSPI_BENCH_SCHANNEL_IDENTITY_H

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "cert/certificate.h"
#include "cert/store.h"
#include "schannel_kinds.h"

static inline X509 *identity_read(const char *path)
{
    FILE *file = fopen(path, "r");
    X509 *x509 = X509_new_ex(cert_libctx(), NULL);
    CHECK(file != NULL && PEM_read_X509(file, &x509, NULL, NULL) != NULL, "%s", path);
    fclose(file);
    return x509;
}

/* Kept to the end. */
static inline PCCERT_CONTEXT identity_certificate(const char *name)
{
    struct certificate *certificate = NULL;
    FILE *file = fopen(bench_path(name, "key"), "r");
    CHECK(file != NULL, "no key");
    EVP_PKEY *key = PEM_read_PrivateKey_ex(file, NULL, NULL, NULL, cert_libctx(), NULL);
    fclose(file);
    CHECK(certificate_new(identity_read(bench_path(name, "crt")), &certificate) == SEC_E_OK &&
              certificate_set_key(certificate, key) == SEC_E_OK,
          "certificate");
    return certificate_context(certificate);
}

static inline HCERTSTORE identity_roots(const char *name)
{
    struct store *store = NULL;
    STACK_OF(X509) *stack = sk_X509_new_null();
    sk_X509_push(stack, identity_read(bench_path(name, "ca")));
    CHECK(store_of_x509s(stack, NULL, &store) == SEC_E_OK, "roots");
    return store_open(store);
}

#endif
