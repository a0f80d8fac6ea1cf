/* What the tests of chains read: certificates, CRLs and responses of the throw-away PKI (tests/support/pki.py). */
#ifndef OPENSSPI_TESTS_CHAIN_PKI_H
#define OPENSSPI_TESTS_CHAIN_PKI_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "cert/library.h"
#include "cert/roots.h"
#include "text/utf16.h"

/* True, and said, when there is no PKI. */
static inline bool pki_missing(void)
{
    const char *directory = getenv("SSPI_TEST_PKI");
    if (directory == NULL || directory[0] == '\0') {
        print_message("1..0 # SKIP the openssl command is missing, so there are no certificates to test with\n");
        return true;
    }
    return false;
}

static inline const char *pki_path(const char *name)
{
    static char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", getenv("SSPI_TEST_PKI"), name);
    return path;
}

static inline X509 *pki_certificate(const char *name)
{
    char file[128];
    (void)snprintf(file, sizeof file, "%s.pem", name);
    FILE *stream = fopen(pki_path(file), "r");
    assert_non_null(stream);
    X509 *certificate = cert_x509_new();
    assert_non_null(PEM_read_X509(stream, &certificate, NULL, NULL));
    (void)fclose(stream);
    return certificate;
}

/* Names with blanks between them; NULL gives an empty stack. */
static inline STACK_OF(X509) * pki_certificates(const char *names)
{
    char copy[256];
    char *rest = copy;
    STACK_OF(X509) *stack = sk_X509_new_null();
    assert_non_null(stack);
    (void)snprintf(copy, sizeof copy, "%s", names == NULL ? "" : names);
    for (char *name = strtok_r(copy, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest)) {
        assert_true(sk_X509_push(stack, pki_certificate(name)) > 0);
    }
    return stack;
}

static inline X509_CRL *pki_crl(const char *name)
{
    char file[128];
    (void)snprintf(file, sizeof file, "%s.crl.pem", name);
    FILE *stream = fopen(pki_path(file), "r");
    assert_non_null(stream);
    X509_CRL *crl = PEM_read_X509_CRL(stream, NULL, NULL, NULL);
    assert_non_null(crl);
    (void)fclose(stream);
    return crl;
}

static inline STACK_OF(X509_CRL) * pki_crls(const char *names)
{
    char copy[256];
    char *rest = copy;
    STACK_OF(X509_CRL) *stack = sk_X509_CRL_new_null();
    assert_non_null(stack);
    (void)snprintf(copy, sizeof copy, "%s", names == NULL ? "" : names);
    for (char *name = strtok_r(copy, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest)) {
        assert_true(sk_X509_CRL_push(stack, pki_crl(name)) > 0);
    }
    return stack;
}

/* A file of at most 8 KiB, in memory of exactly its size; "" and NULL give nothing. */
static inline struct bytes pki_file(const char *name)
{
    static uint8_t room[8192];
    if (name == NULL || name[0] == '\0') {
        return BYTES_NONE;
    }
    FILE *stream = fopen(pki_path(name), "rb");
    assert_non_null(stream);
    size_t size = fread(room, 1, sizeof room, stream);
    (void)fclose(stream);
    assert_true(size != 0 && size < sizeof room);
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, room, size);
    return bytes_of(copy, size);
}

static inline struct roots *pki_roots(const char *names)
{
    struct roots *roots = NULL;
    STACK_OF(X509) *certificates = pki_certificates(names);
    assert_int_equal(roots_of(certificates, NULL, &roots), SEC_E_OK);
    sk_X509_pop_free(certificates, X509_free);
    return roots;
}

static inline void pki_wide(const char *text, uint16_t out[300])
{
    size_t i = 0;
    for (; text[i] != '\0' && i < 299; i++) {
        out[i] = (unsigned char)text[i];
    }
    out[i] = 0;
}

#endif
