/* What the tests of crypt32 are made with: tests/support/pki.py's certificates, as contexts and as OpenSSL's own. */
#ifndef OPENSSPI_TESTS_API_CRYPT32_PKI_H
#define OPENSSPI_TESTS_API_CRYPT32_PKI_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/x509.h>

#include "windows.h"

#include "wincrypt.h"

/* Where the certificates are; NULL when there are none. */
extern const char *pki_directory;

#define NEEDS_PKI()                                                                                                    \
    if (pki_directory == NULL) {                                                                                       \
        skip();                                                                                                        \
    }

/* The group's setup. */
int have_pki(void **state);

/* A file of the directory; good for seven more calls. */
const char *path_of(const char *name);

/* A PEM file as OpenSSL reads it, and as a context of the same bytes. */
X509 *x509_of(const char *name);
PCCERT_CONTEXT context_of(const char *name);

/* Up to 1 MiB of a file; to be freed. */
unsigned char *read_whole(const char *name, DWORD *size);

/* As ASCII; good for three more calls. */
const char *narrow(const WCHAR *wide);

/* An empty store in memory; a certificate into it, and how many it holds. */
HCERTSTORE memory_store(void);
PCCERT_CONTEXT add(HCERTSTORE store, const char *name);
int count(HCERTSTORE store);

/* The search finds the very context that is expected, or nothing. */
void finds(HCERTSTORE store, DWORD type, const void *what, PCCERT_CONTEXT expected);

#endif
