#include "crypt32_pki.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/pem.h>

const char *pki_directory;

const char *path_of(const char *name)
{
    static char paths[8][4096];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", pki_directory, name);
    return path;
}

int have_pki(void **state)
{
    (void)state;
    pki_directory = getenv("SSPI_TEST_PKI");
    if (pki_directory == NULL || pki_directory[0] == 0) {
        print_message("# skipped: the openssl command is missing, so there are no certificates\n");
        pki_directory = NULL;
    }
    return 0;
}

X509 *x509_of(const char *name)
{
    FILE *file = fopen(path_of(name), "r");
    assert_non_null(file);
    X509 *x509 = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(x509);
    return x509;
}

PCCERT_CONTEXT context_of(const char *name)
{
    X509 *x509 = x509_of(name);
    unsigned char *der = NULL;
    int size = i2d_X509(x509, &der);
    PCCERT_CONTEXT context = CertCreateCertificateContext(X509_ASN_ENCODING | PKCS_7_ASN_ENCODING, der, (DWORD)size);
    assert_non_null(context);
    assert_int_equal(context->cbCertEncoded, size);
    assert_memory_equal(context->pbCertEncoded, der, size);
    OPENSSL_free(der);
    X509_free(x509);
    return context;
}

unsigned char *read_whole(const char *name, DWORD *size)
{
    FILE *file = fopen(path_of(name), "rb");
    assert_non_null(file);
    unsigned char *data = malloc(1 << 20);
    *size = (DWORD)fread(data, 1, 1 << 20, file);
    fclose(file);
    return data;
}

const char *narrow(const WCHAR *wide)
{
    static char text[4][1024];
    static int next;
    char *out = text[next++ % 4];
    size_t i = 0;
    for (; wide[i] != 0 && i < 1023; i++) {
        out[i] = wide[i] < 0x80 ? (char)wide[i] : '?';
    }
    out[i] = 0;
    return out;
}

HCERTSTORE memory_store(void)
{
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    assert_non_null(store);
    return store;
}

PCCERT_CONTEXT add(HCERTSTORE store, const char *name)
{
    PCCERT_CONTEXT context = context_of(name), added = NULL;
    assert_true(CertAddCertificateContextToStore(store, context, CERT_STORE_ADD_NEW, &added));
    assert_ptr_equal(added->hCertStore, store);
    assert_ptr_equal(added->pbCertEncoded, context->pbCertEncoded); /* curl compares the pointers */
    CertFreeCertificateContext(context);
    return added;
}

int count(HCERTSTORE store)
{
    int number = 0;
    for (PCCERT_CONTEXT at = NULL; (at = CertEnumCertificatesInStore(store, at)) != NULL;) {
        number++;
    }
    assert_int_equal(GetLastError(), (DWORD)CRYPT_E_NOT_FOUND);
    return number;
}

void finds(HCERTSTORE store, DWORD type, const void *what, PCCERT_CONTEXT expected)
{
    SetLastError(0);
    PCCERT_CONTEXT found = CertFindCertificateInStore(store, X509_ASN_ENCODING, 0, type, what, NULL);
    if (expected == NULL) {
        assert_null(found);
        assert_int_equal(GetLastError(), (DWORD)CRYPT_E_NOT_FOUND);
        return;
    }
    assert_non_null(found);
    assert_ptr_equal(found, expected);
    CertFreeCertificateContext(found);
}
