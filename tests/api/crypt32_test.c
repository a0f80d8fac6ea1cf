/* Certificates, stores, names and encodings through the public functions, with tests/support/pki.py's certificates.  What is
 * expected comes from OpenSSL (used directly), from what the certificates were made with, or from the cited document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "windows.h"

#include "security.h"
#include "sspi_ext.h"
#include "wincrypt.h"

/* ---------------------------------------------------------------- what the tests are made with */

static const char *directory;

static const char *path_of(const char *name)
{
    static char paths[8][4096];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static int have_pki(void **state)
{
    (void)state;
    directory = getenv("SSPI_TEST_PKI");
    if (directory == NULL || directory[0] == 0) {
        print_message("# skipped: the openssl command is missing, so there are no certificates\n");
        directory = NULL;
    }
    return 0;
}

#define NEEDS_PKI()                                                                                                    \
    if (directory == NULL) {                                                                                           \
        skip();                                                                                                        \
    }

static X509 *x509_of(const char *name)
{
    FILE *file = fopen(path_of(name), "r");
    assert_non_null(file);
    X509 *x509 = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(x509);
    return x509;
}

static PCCERT_CONTEXT context_of(const char *name)
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

static unsigned char *read_whole(const char *name, DWORD *size)
{
    FILE *file = fopen(path_of(name), "rb");
    assert_non_null(file);
    unsigned char *data = malloc(1 << 20);
    *size = (DWORD)fread(data, 1, 1 << 20, file);
    fclose(file);
    return data;
}

static const char *narrow(const WCHAR *wide)
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

/* ---------------------------------------------------------------- contexts */

static void test_context(void **state)
{
    (void)state;
    NEEDS_PKI();
    PCCERT_CONTEXT context = context_of("many.pem");
    X509 *x509 = x509_of("many.pem");
    const CERT_INFO *info = context->pCertInfo;
    const unsigned char *der;
    size_t size;
    assert_int_equal(context->dwCertEncodingType, X509_ASN_ENCODING);
    assert_null(context->hCertStore);
    assert_int_equal(info->dwVersion, CERT_V3);
    assert_int_equal(info->SerialNumber.cbData, 20); /* 9F 01 01 ...: the 00 in front of it in DER is padding */
    assert_int_equal(info->SerialNumber.pbData[19], 0x9F);
    assert_int_equal(info->SerialNumber.pbData[0], 0x01);
    assert_string_equal(info->SignatureAlgorithm.pszObjId, "1.2.840.10045.4.3.2"); /* ecdsa-with-SHA256, RFC 5758 3.2 */
    assert_int_equal(info->SignatureAlgorithm.Parameters.cbData, 0);
    assert_string_equal(info->SubjectPublicKeyInfo.Algorithm.pszObjId, "1.2.840.113549.1.1.1");
    assert_int_equal(info->SubjectPublicKeyInfo.Algorithm.Parameters.cbData, 2);
    assert_memory_equal(info->SubjectPublicKeyInfo.Algorithm.Parameters.pbData, "\x05\x00", 2);
    X509_NAME_get0_der(X509_get_subject_name(x509), &der, &size);
    assert_int_equal(info->Subject.cbData, size);
    assert_memory_equal(info->Subject.pbData, der, size);
    X509_NAME_get0_der(X509_get_issuer_name(x509), &der, &size);
    assert_memory_equal(info->Issuer.pbData, der, size);
    /* 2020-01-01 and 2120-01-01 (pki.py), in 100 ns since 1601 */
    assert_int_equal((uint64_t)info->NotBefore.dwHighDateTime << 32 | info->NotBefore.dwLowDateTime,
                     132223104000000000);
    assert_int_equal((uint64_t)info->NotAfter.dwHighDateTime << 32 | info->NotAfter.dwLowDateTime, 163779840000000000);
    assert_int_equal(info->cExtension, X509_get_ext_count(x509));
    for (int i = 0; i < X509_get_ext_count(x509); i++) {
        X509_EXTENSION *extension = X509_get_ext(x509, i);
        char oid[64];
        OBJ_obj2txt(oid, sizeof oid, X509_EXTENSION_get_object(extension), 1);
        assert_string_equal(info->rgExtension[i].pszObjId, oid);
        assert_int_equal(info->rgExtension[i].fCritical, X509_EXTENSION_get_critical(extension));
        assert_ptr_equal(CertFindExtension(oid, info->cExtension, info->rgExtension), &info->rgExtension[i]);
    }
    assert_null(CertFindExtension("1.2.3", info->cExtension, info->rgExtension));
    assert_int_equal(CertGetPublicKeyLength(X509_ASN_ENCODING, (PCERT_PUBLIC_KEY_INFO)&info->SubjectPublicKeyInfo),
                     2048);
    X509_free(x509);
    assert_true(CertFreeCertificateContext(context));
}

static void test_references(void **state)
{
    (void)state;
    NEEDS_PKI();
    PCCERT_CONTEXT context = context_of("server-p256.pem");
    CERT_CONTEXT by_hand = *context;
    assert_ptr_equal(CertDuplicateCertificateContext(context), context);
    assert_true(CertFreeCertificateContext(context));
    assert_int_equal(context->pCertInfo->dwVersion, CERT_V3); /* still held */
    PCCERT_CONTEXT ours = CertDuplicateCertificateContext(&by_hand);
    assert_non_null(ours);
    assert_ptr_not_equal(ours, &by_hand);
    assert_int_equal(ours->cbCertEncoded, by_hand.cbCertEncoded);
    assert_true(CertFreeCertificateContext(ours));
    assert_true(CertFreeCertificateContext(&by_hand)); /* left alone */
    assert_true(CertFreeCertificateContext(context));
    assert_true(CertFreeCertificateContext(context)); /* once too often */
    assert_true(CertFreeCertificateContext(NULL));
    assert_null(CertDuplicateCertificateContext(NULL));
}

static void test_not_a_certificate(void **state)
{
    (void)state;
    NEEDS_PKI();
    PCCERT_CONTEXT context = context_of("server-p256.pem");
    unsigned char *longer = malloc(context->cbCertEncoded + 1);
    memcpy(longer, context->pbCertEncoded, context->cbCertEncoded);
    longer[context->cbCertEncoded] = 0;
    SetLastError(0);
    assert_null(CertCreateCertificateContext(X509_ASN_ENCODING, longer, context->cbCertEncoded + 1));
    assert_int_equal(GetLastError(), (DWORD)CRYPT_E_ASN1_BADTAG);
    for (DWORD size = 0; size < context->cbCertEncoded; size++) {
        assert_null(CertCreateCertificateContext(X509_ASN_ENCODING, context->pbCertEncoded, size));
    }
    SetLastError(0);
    assert_null(CertCreateCertificateContext(PKCS_7_ASN_ENCODING, longer, context->cbCertEncoded));
    assert_int_equal(GetLastError(), (DWORD)E_INVALIDARG);
    assert_null(CertCreateCertificateContext(X509_ASN_ENCODING, NULL, 10));
    free(longer);
    CertFreeCertificateContext(context);
}

static void check_hash(PCCERT_CONTEXT context, X509 *x509, DWORD id, const EVP_MD *md)
{
    unsigned char expected[64], got[64];
    unsigned size = 0;
    DWORD got_size = 0;
    X509_digest(x509, md, expected, &size);
    assert_true(CertGetCertificateContextProperty(context, id, NULL, &got_size));
    assert_int_equal(got_size, size);
    got_size = size - 1;
    SetLastError(0);
    assert_false(CertGetCertificateContextProperty(context, id, got, &got_size));
    assert_int_equal(GetLastError(), ERROR_MORE_DATA);
    assert_int_equal(got_size, size);
    assert_true(CertGetCertificateContextProperty(context, id, got, &got_size));
    assert_memory_equal(got, expected, size);
}

static void test_hashes(void **state)
{
    (void)state;
    NEEDS_PKI();
    PCCERT_CONTEXT context = context_of("server-sha384.pem");
    X509 *x509 = x509_of("server-sha384.pem");
    unsigned char *tbs = NULL, got[64], expected[64];
    unsigned expected_size;
    DWORD size = sizeof got;
    check_hash(context, x509, CERT_SHA1_HASH_PROP_ID, EVP_sha1());
    check_hash(context, x509, CERT_HASH_PROP_ID, EVP_sha1());
    check_hash(context, x509, CERT_MD5_HASH_PROP_ID, EVP_md5());
    check_hash(context, x509, CERT_SHA256_HASH_PROP_ID, EVP_sha256());
    int tbs_size = i2d_re_X509_tbs(x509, &tbs);
    EVP_Digest(tbs, (size_t)tbs_size, expected, &expected_size, EVP_sha384(), NULL);
    OPENSSL_free(tbs);
    assert_true(CertGetCertificateContextProperty(context, CERT_SIGNATURE_HASH_PROP_ID, got, &size));
    assert_int_equal(size, 48);
    assert_memory_equal(got, expected, 48);
    const ASN1_OCTET_STRING *identifier = X509_get0_subject_key_id(x509);
    size = sizeof got;
    assert_true(CertGetCertificateContextProperty(context, CERT_KEY_IDENTIFIER_PROP_ID, got, &size));
    assert_int_equal(size, ASN1_STRING_length(identifier));
    assert_memory_equal(got, ASN1_STRING_get0_data(identifier), size);
    size = sizeof got;
    assert_true(CryptHashCertificate(0, CALG_SHA_256, 0, (const BYTE *)"abc", 3, got, &size)); /* FIPS 180-2 B.1 */
    assert_int_equal(size, 32);
    assert_memory_equal(got, "\xba\x78\x16\xbf\x8f\x01\xcf\xea", 8);
    SetLastError(0);
    assert_false(CryptHashCertificate(0, CALG_AES, 0, (const BYTE *)"abc", 3, got, &size));
    assert_int_equal(GetLastError(), (DWORD)NTE_BAD_ALGID);
    X509_free(x509);
    CertFreeCertificateContext(context);
}

static void test_properties(void **state)
{
    (void)state;
    NEEDS_PKI();
    PCCERT_CONTEXT context = context_of("server-p256.pem");
    WCHAR name[] = u"My certificate";
    WCHAR got[32];
    DWORD size = sizeof got;
    CRYPT_DATA_BLOB blob = {sizeof name, (BYTE *)name};
    SetLastError(0);
    assert_false(CertGetCertificateContextProperty(context, CERT_FRIENDLY_NAME_PROP_ID, got, &size));
    assert_int_equal(GetLastError(), (DWORD)CRYPT_E_NOT_FOUND);
    assert_int_equal(CertEnumCertificateContextProperties(context, 0), 0);
    assert_true(CertSetCertificateContextProperty(context, CERT_FRIENDLY_NAME_PROP_ID, 0, &blob));
    assert_true(CertSetCertificateContextProperty(context, 0x8001, 0, &blob));
    size = sizeof got;
    assert_true(CertGetCertificateContextProperty(context, CERT_FRIENDLY_NAME_PROP_ID, got, &size));
    assert_int_equal(size, sizeof name);
    assert_memory_equal(got, name, sizeof name);
    assert_int_equal(CertEnumCertificateContextProperties(context, 0), CERT_FRIENDLY_NAME_PROP_ID);
    assert_int_equal(CertEnumCertificateContextProperties(context, CERT_FRIENDLY_NAME_PROP_ID), 0x8001);
    assert_int_equal(CertEnumCertificateContextProperties(context, 0x8001), 0);
    assert_int_equal(CertGetNameStringW(context, CERT_NAME_FRIENDLY_DISPLAY_TYPE, 0, NULL, got, 32), 15);
    assert_string_equal(narrow(got), "My certificate");
    assert_true(CertSetCertificateContextProperty(context, CERT_FRIENDLY_NAME_PROP_ID, 0, NULL));
    assert_false(CertGetCertificateContextProperty(context, CERT_FRIENDLY_NAME_PROP_ID, NULL, &size));
    CERT_KEY_CONTEXT handle = {.cbSize = sizeof handle, .dwKeySpec = AT_KEYEXCHANGE};
    SetLastError(0);
    assert_false(CertSetCertificateContextProperty(context, CERT_KEY_CONTEXT_PROP_ID, 0, &handle));
    assert_int_equal(GetLastError(), ERROR_NOT_SUPPORTED);
    CertFreeCertificateContext(context);
}

/* ---------------------------------------------------------------- stores */

static HCERTSTORE memory_store(void)
{
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    assert_non_null(store);
    return store;
}

static PCCERT_CONTEXT add(HCERTSTORE store, const char *name)
{
    PCCERT_CONTEXT context = context_of(name), added = NULL;
    assert_true(CertAddCertificateContextToStore(store, context, CERT_STORE_ADD_NEW, &added));
    assert_ptr_equal(added->hCertStore, store);
    assert_ptr_equal(added->pbCertEncoded, context->pbCertEncoded); /* curl compares the pointers */
    CertFreeCertificateContext(context);
    return added;
}

static int count(HCERTSTORE store)
{
    int number = 0;
    for (PCCERT_CONTEXT at = NULL; (at = CertEnumCertificatesInStore(store, at)) != NULL;) {
        number++;
    }
    assert_int_equal(GetLastError(), (DWORD)CRYPT_E_NOT_FOUND);
    return number;
}

static void test_store(void **state)
{
    (void)state;
    NEEDS_PKI();
    HCERTSTORE store = memory_store();
    assert_int_equal(count(store), 0);
    PCCERT_CONTEXT first = add(store, "server-p256.pem"), second = add(store, "intermediate.pem"),
                   third = add(store, "root.pem");
    assert_int_equal(count(store), 3);
    assert_ptr_equal(CertEnumCertificatesInStore(store, CertDuplicateCertificateContext(first)), second);
    /* Once added it is there, whatever is asked for. */
    SetLastError(0);
    assert_false(CertAddCertificateContextToStore(store, second, CERT_STORE_ADD_NEW, NULL));
    assert_int_equal(GetLastError(), (DWORD)CRYPT_E_EXISTS);
    PCCERT_CONTEXT again = NULL;
    assert_true(CertAddCertificateContextToStore(store, second, CERT_STORE_ADD_USE_EXISTING, &again));
    assert_ptr_equal(again, second);
    CertFreeCertificateContext(again);
    assert_true(CertAddCertificateContextToStore(store, second, CERT_STORE_ADD_ALWAYS, NULL));
    assert_int_equal(count(store), 4);
    SetLastError(0);
    assert_false(CertAddCertificateContextToStore(store, second, 99, NULL));
    assert_int_equal(GetLastError(), (DWORD)E_INVALIDARG);
    /* An enumeration that stands on a removed certificate goes on behind it. */
    assert_true(CertDeleteCertificateFromStore(CertDuplicateCertificateContext(second)));
    assert_int_equal(count(store), 3);
    PCCERT_CONTEXT next = CertEnumCertificatesInStore(store, second); /* gives this reference of the test's back */
    assert_ptr_equal(next, third);
    CertFreeCertificateContext(next);
    /* Closed, and held all the same. */
    SetLastError(0);
    assert_false(CertCloseStore(store, CERT_CLOSE_STORE_CHECK_FLAG));
    assert_int_equal(GetLastError(), (DWORD)CRYPT_E_PENDING_CLOSE);
    PCCERT_CONTEXT found =
        CertFindCertificateInStore(first->hCertStore, X509_ASN_ENCODING, 0, CERT_FIND_EXISTING, third, NULL);
    assert_ptr_equal(found, third);
    CertFreeCertificateContext(found);
    assert_false(CertCloseStore(store, 0)); /* once too often */
    CertFreeCertificateContext(second);     /* the one that the first enumeration gave */
    CertFreeCertificateContext(first);
    CertFreeCertificateContext(third);
    SetLastError(0);
    assert_null(CertEnumCertificatesInStore(store, NULL)); /* now it is gone */
    assert_int_equal(GetLastError(), ERROR_INVALID_HANDLE);
    assert_true(CertCloseStore(NULL, 0));
    assert_null(CertDuplicateStore(NULL));
}

static void test_replacing(void **state)
{
    (void)state;
    NEEDS_PKI();
    HCERTSTORE store = memory_store();
    PCCERT_CONTEXT there = add(store, "server-p256.pem"), fresh = context_of("server-p256.pem"), now = NULL;
    WCHAR old_name[] = u"old", description[] = u"text";
    CRYPT_DATA_BLOB old = {sizeof old_name, (BYTE *)old_name}, other = {sizeof description, (BYTE *)description};
    DWORD size;
    CertSetCertificateContextProperty(there, CERT_FRIENDLY_NAME_PROP_ID, 0, &old);
    CertSetCertificateContextProperty(fresh, CERT_DESCRIPTION_PROP_ID, 0, &other);
    assert_true(CertAddCertificateContextToStore(store, fresh, CERT_STORE_ADD_USE_EXISTING, &now));
    assert_ptr_equal(now, there);
    assert_true(CertGetCertificateContextProperty(now, CERT_DESCRIPTION_PROP_ID, NULL, &size));
    CertFreeCertificateContext(now);
    SetLastError(0);
    assert_false(CertAddCertificateContextToStore(store, fresh, CERT_STORE_ADD_NEWER, NULL));
    assert_int_equal(GetLastError(), (DWORD)CRYPT_E_EXISTS);
    assert_true(
        CertAddCertificateContextToStore(store, fresh, CERT_STORE_ADD_REPLACE_EXISTING_INHERIT_PROPERTIES, &now));
    assert_ptr_not_equal(now, there);
    assert_true(CertGetCertificateContextProperty(now, CERT_FRIENDLY_NAME_PROP_ID, NULL, &size));
    CertFreeCertificateContext(now);
    assert_true(CertAddCertificateContextToStore(store, fresh, CERT_STORE_ADD_REPLACE_EXISTING, &now));
    assert_false(CertGetCertificateContextProperty(now, CERT_FRIENDLY_NAME_PROP_ID, NULL, &size));
    assert_int_equal(count(store), 1);
    CertFreeCertificateContext(now);
    CertFreeCertificateContext(there);
    CertFreeCertificateContext(fresh);
    assert_true(CertCloseStore(store, CERT_CLOSE_STORE_CHECK_FLAG));
}

static void test_collection(void **state)
{
    (void)state;
    NEEDS_PKI();
    HCERTSTORE one = memory_store(), two = memory_store();
    HCERTSTORE all = CertOpenStore(CERT_STORE_PROV_COLLECTION, 0, 0, 0, NULL);
    CertFreeCertificateContext(add(one, "root.pem"));
    CertFreeCertificateContext(add(two, "intermediate.pem"));
    assert_true(CertAddStoreToCollection(all, one, 0, 0));
    assert_true(CertAddStoreToCollection(all, two, CERT_PHYSICAL_STORE_ADD_ENABLE_FLAG, 5));
    assert_true(CertAddStoreToCollection(all, two, 0, 0)); /* twice is seen once */
    assert_false(CertAddStoreToCollection(all, all, 0, 0));
    assert_false(CertAddStoreToCollection(one, two, 0, 0));
    assert_int_equal(count(all), 2);
    PCCERT_CONTEXT leaf = context_of("server-p256.pem");
    assert_true(CertAddCertificateContextToStore(all, leaf, CERT_STORE_ADD_NEW, NULL));
    assert_int_equal(count(two), 2);
    CertRemoveStoreFromCollection(all, one);
    assert_int_equal(count(all), 2);
    CertRemoveStoreFromCollection(all, two);
    CertRemoveStoreFromCollection(all, two);
    assert_int_equal(count(all), 0);
    SetLastError(0);
    assert_false(CertAddCertificateContextToStore(all, leaf, CERT_STORE_ADD_NEW, NULL));
    assert_int_equal(GetLastError(), ERROR_ACCESS_DENIED);
    CertFreeCertificateContext(leaf);
    assert_true(CertCloseStore(one, 0));
    assert_true(CertCloseStore(two, 0));
    assert_true(CertCloseStore(all, 0));
}

static void test_files(void **state)
{
    (void)state;
    NEEDS_PKI();
    static const struct {
        const char *name;
        int certificates, crls;
    } files[] = {{"server-rsa.chain.pem", 2, 0}, {"bundle.p7b", 3, 0}, {"bundle.p7b.der", 3, 0},
                 {"intermediate.crl.pem", 0, 1}, {"empty.pfx", 2, 0},  {"nomac.pfx", 2, 0}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_FILENAME_A, 0, 0, 0, path_of(files[i].name));
        int crls = 0;
        assert_non_null(store);
        assert_int_equal(count(store), files[i].certificates);
        for (PCCRL_CONTEXT at = NULL; (at = CertEnumCRLsInStore(store, at)) != NULL;) {
            crls++;
        }
        assert_int_equal(crls, files[i].crls);
        assert_true(CertCloseStore(store, CERT_CLOSE_STORE_CHECK_FLAG));
    }
    SetLastError(0);
    assert_null(CertOpenStore(CERT_STORE_PROV_FILENAME_A, 0, 0, 0, path_of("there-is-no-such-file")));
    assert_int_equal(GetLastError(), ERROR_FILE_NOT_FOUND);
    assert_null(CertOpenStore(CERT_STORE_PROV_FILENAME_A, 0, 0, 0, path_of("root.cnf")));
    assert_int_equal(GetLastError(), (DWORD)CRYPT_E_ASN1_BADTAG);
    assert_null(CertOpenStore(CERT_STORE_PROV_FILENAME_A, 0, 0, 0, path_of("modern.pfx")));
    assert_int_equal(GetLastError(), ERROR_INVALID_PASSWORD);
    assert_null(CertOpenStore((LPCSTR)999, 0, 0, 0, NULL));
    assert_int_equal(GetLastError(), ERROR_FILE_NOT_FOUND);
    assert_null(CertOpenStore(CERT_STORE_PROV_SERIALIZED, 0, 0, 0, NULL));
    assert_int_equal(GetLastError(), ERROR_NOT_SUPPORTED);
    HCERTSTORE named = CertOpenStore("memory", 0, 0, 0, NULL);
    assert_non_null(named);
    assert_true(CertCloseStore(named, 0));
}

static void test_crls(void **state)
{
    (void)state;
    NEEDS_PKI();
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_FILENAME_A, 0, 0, 0, path_of("intermediate.crl.pem"));
    HCERTSTORE other = memory_store();
    PCCRL_CONTEXT crl = CertEnumCRLsInStore(store, NULL), added = NULL;
    PCCERT_CONTEXT revoked = context_of("revoked.pem");
    assert_non_null(crl);
    assert_int_equal(crl->pCrlInfo->dwVersion, CRL_V2);
    assert_int_equal(crl->pCrlInfo->cCRLEntry, 1);
    assert_true(CertCompareIntegerBlob(&crl->pCrlInfo->rgCRLEntry[0].SerialNumber, &revoked->pCertInfo->SerialNumber));
    assert_true(CertCompareCertificateName(X509_ASN_ENCODING, &crl->pCrlInfo->Issuer, &revoked->pCertInfo->Issuer));
    assert_true(CertAddCRLContextToStore(other, crl, CERT_STORE_ADD_NEW, &added));
    assert_ptr_equal(added->hCertStore, other);
    SetLastError(0);
    assert_false(CertAddEncodedCRLToStore(other, X509_ASN_ENCODING, crl->pbCrlEncoded, crl->cbCrlEncoded,
                                          CERT_STORE_ADD_NEW, NULL));
    assert_int_equal(GetLastError(), (DWORD)CRYPT_E_EXISTS);
    assert_true(CertDeleteCRLFromStore(added));
    assert_null(CertEnumCRLsInStore(other, NULL));
    PCCRL_CONTEXT copy = CertCreateCRLContext(X509_ASN_ENCODING, crl->pbCrlEncoded, crl->cbCrlEncoded);
    assert_ptr_equal(CertDuplicateCRLContext(copy), copy);
    assert_true(CertFreeCRLContext(copy));
    assert_true(CertFreeCRLContext(copy));
    assert_true(CertFreeCRLContext(NULL));
    assert_null(CertCreateCRLContext(X509_ASN_ENCODING, revoked->pbCertEncoded, revoked->cbCertEncoded));
    CertFreeCertificateContext(revoked);
    CertFreeCRLContext(crl);
    assert_true(CertCloseStore(store, CERT_CLOSE_STORE_CHECK_FLAG));
    assert_true(CertCloseStore(other, CERT_CLOSE_STORE_CHECK_FLAG));
}

/* ---------------------------------------------------------------- PKCS#12 */

static HCERTSTORE import(const char *name, LPCWSTR password, DWORD flags)
{
    CRYPT_DATA_BLOB blob;
    blob.pbData = read_whole(name, &blob.cbData);
    assert_true(PFXIsPFXBlob(&blob));
    SetLastError(0);
    HCERTSTORE store = PFXImportCertStore(&blob, password, flags);
    free(blob.pbData);
    return store;
}

static void test_pfx(void **state)
{
    (void)state;
    NEEDS_PKI();
    static const struct {
        const char *name;
        LPCWSTR password;
        DWORD error;
    } rows[] = {
        {"server-rsa.pfx", u"Password", 0},
        {"modern.pfx", u"Password", 0},
        {"server-rsa.pfx", u"password", ERROR_INVALID_PASSWORD},
        {"modern.pfx", u"", ERROR_INVALID_PASSWORD},
        {"modern.pfx", NULL, ERROR_INVALID_PASSWORD},
        {"empty.pfx", u"", 0},
        {"empty.pfx", NULL, 0},
        {"empty.pfx", u"x", ERROR_INVALID_PASSWORD},
        {"nomac.pfx", NULL, 0},
        {"nomac.pfx", u"", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        HCERTSTORE store = import(rows[i].name, rows[i].password, CRYPT_EXPORTABLE);
        assert_int_equal(GetLastError(), rows[i].error);
        assert_int_equal(store != NULL, rows[i].error == 0);
        if (store != NULL) {
            PCCERT_CONTEXT first = CertEnumCertificatesInStore(store, NULL);
            PCCERT_CONTEXT found =
                CertFindCertificateInStore(store, X509_ASN_ENCODING, 0, CERT_FIND_HAS_PRIVATE_KEY, NULL, NULL);
            WCHAR name[64];
            DWORD size = 0;
            assert_ptr_equal(first, found); /* the one with the key comes first */
            assert_int_equal(CertGetNameStringW(first, CERT_NAME_FRIENDLY_DISPLAY_TYPE, 0, NULL, name, 64), 16);
            assert_string_equal(narrow(name), "A friendly name");
            assert_true(CertGetCertificateContextProperty(first, CERT_KEY_PROV_INFO_PROP_ID, NULL, &size));
            assert_true(size >= sizeof(CRYPT_KEY_PROV_INFO));
            assert_null(
                CertFindCertificateInStore(store, X509_ASN_ENCODING, 0, CERT_FIND_HAS_PRIVATE_KEY, NULL, found));
            assert_int_equal(count(store), 2);
            CertFreeCertificateContext(first);
            assert_true(CertCloseStore(store, CERT_CLOSE_STORE_CHECK_FLAG));
        }
    }
    HCERTSTORE bare = import("modern.pfx", u"Password", PKCS12_ONLY_CERTIFICATES);
    assert_non_null(bare);
    assert_null(CertFindCertificateInStore(bare, X509_ASN_ENCODING, 0, CERT_FIND_HAS_PRIVATE_KEY, NULL, NULL));
    assert_true(CertCloseStore(bare, CERT_CLOSE_STORE_CHECK_FLAG));
    CRYPT_DATA_BLOB blob;
    blob.pbData = read_whole("empty.pfx", &blob.cbData);
    assert_true(PFXVerifyPassword(&blob, u"", 0));
    assert_false(PFXVerifyPassword(&blob, u"x", 0));
    assert_int_equal(GetLastError(), ERROR_INVALID_PASSWORD);
    for (DWORD size = 0; size < blob.cbData; size += 7) {
        CRYPT_DATA_BLOB part = {size, blob.pbData};
        assert_null(PFXImportCertStore(&part, NULL, 0));
    }
    free(blob.pbData);
    blob.pbData = read_whole("root.pem", &blob.cbData);
    assert_false(PFXIsPFXBlob(&blob));
    assert_null(PFXImportCertStore(&blob, NULL, 0));
    assert_int_equal(GetLastError(), (DWORD)CRYPT_E_ASN1_BADTAG);
    free(blob.pbData);
}

/* ---------------------------------------------------------------- finding */

static void finds(HCERTSTORE store, DWORD type, const void *what, PCCERT_CONTEXT expected)
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

static void test_find(void **state)
{
    (void)state;
    NEEDS_PKI();
    HCERTSTORE store = memory_store();
    PCCERT_CONTEXT root = add(store, "root.pem"), middle = add(store, "intermediate.pem"),
                   leaf = add(store, "server-p256.pem");
    PCCERT_CONTEXT client = add(store, "client.pem"), stranger = context_of("stranger.pem");
    BYTE hash[20];
    DWORD size = sizeof hash;
    char hex[64];
    WCHAR wide_hex[64];
    CRYPT_HASH_BLOB blob = {20, hash};
    CertGetCertificateContextProperty(leaf, CERT_SHA1_HASH_PROP_ID, hash, &size);
    finds(store, CERT_FIND_ANY, NULL, root);
    finds(store, CERT_FIND_SHA1_HASH, &blob, leaf);
    finds(store, CERT_FIND_HASH, &blob, leaf);
    for (int i = 0; i < 20; i++) {
        snprintf(hex + 2 * i, 3, i % 2 ? "%02x" : "%02X", hash[i]);
    }
    for (int i = 0; i <= 40; i++) {
        wide_hex[i] = (WCHAR)hex[i];
    }
    finds(store, CERT_FIND_HASH_STR, wide_hex, leaf);
    wide_hex[38] = 0;
    finds(store, CERT_FIND_HASH_STR, wide_hex, NULL);
    hash[0] ^= 1;
    finds(store, CERT_FIND_SHA1_HASH, &blob, NULL);
    size = sizeof hash;
    assert_true(CertGetCertificateContextProperty(client, CERT_KEY_IDENTIFIER_PROP_ID, hash, &size));
    finds(store, CERT_FIND_KEY_IDENTIFIER, &blob, client);
    finds(store, CERT_FIND_SUBJECT_STR_A, "alice", client);
    finds(store, CERT_FIND_SUBJECT_STR_W, u"SERVER-p256", leaf);
    finds(store, CERT_FIND_SUBJECT_STR_A, "nobody", NULL);
    finds(store, CERT_FIND_ISSUER_STR_A, "Test CA intermediate", leaf);
    finds(store, CERT_FIND_SUBJECT_NAME, &middle->pCertInfo->Subject, middle);
    finds(store, CERT_FIND_SUBJECT_NAME, &stranger->pCertInfo->Subject, NULL);
    finds(store, CERT_FIND_ISSUER_NAME, &middle->pCertInfo->Subject, leaf);
    finds(store, CERT_FIND_SUBJECT_CERT, client->pCertInfo, client);
    finds(store, CERT_FIND_ISSUER_OF, leaf, middle);
    finds(store, CERT_FIND_EXISTING, client, client);
    finds(store, CERT_FIND_EXISTING, stranger, NULL);
    finds(store, CERT_FIND_PUBLIC_KEY, &client->pCertInfo->SubjectPublicKeyInfo, client);
    finds(store, CERT_FIND_HAS_PRIVATE_KEY, NULL, NULL);
    CERT_RDN_ATTR attribute = {(LPSTR)szOID_COMMON_NAME, CERT_RDN_UTF8_STRING, {5, (BYTE *)"Alice"}};
    CERT_RDN rdn = {1, &attribute};
    finds(store, CERT_FIND_SUBJECT_ATTR, &rdn, client);
    attribute.Value = (CERT_RDN_VALUE_BLOB){4, (BYTE *)"Alic"};
    finds(store, CERT_FIND_SUBJECT_ATTR, &rdn, NULL);
    LPSTR usage[] = {(LPSTR)szOID_PKIX_KP_CLIENT_AUTH};
    CERT_ENHKEY_USAGE usages = {1, usage};
    finds(store, CERT_FIND_ENHKEY_USAGE, &usages, client);
    assert_true(CertCompareCertificate(X509_ASN_ENCODING, leaf->pCertInfo, leaf->pCertInfo));
    assert_false(CertCompareCertificate(X509_ASN_ENCODING, leaf->pCertInfo, client->pCertInfo));
    PCCERT_CONTEXT subject = CertGetSubjectCertificateFromStore(store, X509_ASN_ENCODING, client->pCertInfo);
    assert_ptr_equal(subject, client);
    CertFreeCertificateContext(subject);
    SetLastError(0);
    assert_null(CertFindCertificateInStore(store, X509_ASN_ENCODING, 0, 77 << 16, NULL, NULL));
    assert_int_equal(GetLastError(), (DWORD)E_INVALIDARG);
    SetLastError(0);
    assert_null(CertFindCertificateInStore(store, X509_ASN_ENCODING, 0, CERT_FIND_SHA1_HASH, NULL, NULL));
    assert_int_equal(GetLastError(), (DWORD)E_INVALIDARG);
    CertFreeCertificateContext(stranger);
    CertFreeCertificateContext(root);
    CertFreeCertificateContext(middle);
    CertFreeCertificateContext(leaf);
    CertFreeCertificateContext(client);
    assert_true(CertCloseStore(store, CERT_CLOSE_STORE_CHECK_FLAG));
}

/* ---------------------------------------------------------------- names */

static void names(PCCERT_CONTEXT context, DWORD type, DWORD flags, void *parameter, const char *expected)
{
    char text[512];
    WCHAR wide[512];
    DWORD size = CertGetNameStringA(context, type, flags, parameter, NULL, 0);
    assert_int_equal(size, strlen(expected) + 1);
    assert_int_equal(CertGetNameStringA(context, type, flags, parameter, text, sizeof text), size);
    assert_string_equal(text, expected);
    assert_int_equal(CertGetNameStringW(context, type, flags, parameter, wide, 512), size);
    assert_string_equal(narrow(wide), expected);
    if (size > 3) {
        assert_int_equal(CertGetNameStringA(context, type, flags, parameter, text, 3), 3);
        assert_int_equal(strlen(text), 2);
    }
}

static void test_name_strings(void **state)
{
    (void)state;
    NEEDS_PKI();
    PCCERT_CONTEXT client = context_of("client.pem"), server = context_of("server-p256.pem"),
                   plain = context_of("commonname.pem");
    PCCERT_CONTEXT many = context_of("many.pem");
    DWORD how = CERT_X500_NAME_STR;
    WCHAR all[256];
    names(client, CERT_NAME_SIMPLE_DISPLAY_TYPE, 0, NULL, "Alice");
    names(client, CERT_NAME_FRIENDLY_DISPLAY_TYPE, 0, NULL, "Alice");
    names(client, CERT_NAME_SIMPLE_DISPLAY_TYPE, CERT_NAME_ISSUER_FLAG, NULL, "Test CA intermediate");
    names(client, CERT_NAME_EMAIL_TYPE, 0, NULL, "alice@example.com");
    names(client, CERT_NAME_UPN_TYPE, 0, NULL, "alice@example.com");
    names(client, CERT_NAME_URL_TYPE, 0, NULL, "https://example.com/alice");
    names(client, CERT_NAME_DNS_TYPE, 0, NULL, "Alice"); /* "If not found, the common name" */
    names(client, CERT_NAME_RDN_TYPE, 0, &how, "CN=Alice");
    names(client, CERT_NAME_ATTR_TYPE, 0, (void *)szOID_COMMON_NAME, "Alice");
    names(client, CERT_NAME_ATTR_TYPE, 0, (void *)szOID_COUNTRY_NAME, "");
    names(client, 99, 0, NULL, "");
    names(many, CERT_NAME_EMAIL_TYPE, 0, NULL, "carol@example.com");
    names(many, CERT_NAME_ATTR_TYPE, 0, (void *)szOID_RSA_emailAddr, "carol@mail.example.com");
    names(server, CERT_NAME_DNS_TYPE, 0, NULL, "www.example.com");
    names(server, CERT_NAME_URL_TYPE, 0, NULL, "");
    names(plain, CERT_NAME_DNS_TYPE, 0, NULL, "www.example.com");
    /* All of them, as curl reads them: each with a NUL, and one more. */
    DWORD size = CertGetNameStringW(server, CERT_NAME_DNS_TYPE, CERT_NAME_SEARCH_ALL_NAMES_FLAG, NULL, NULL, 0);
    assert_int_equal(size, sizeof "www.example.com" + sizeof "*.wild.example.com" + 1);
    assert_int_equal(CertGetNameStringW(server, CERT_NAME_DNS_TYPE, CERT_NAME_SEARCH_ALL_NAMES_FLAG, NULL, all, 256),
                     size);
    assert_string_equal(narrow(all), "www.example.com");
    assert_string_equal(narrow(all + 16), "*.wild.example.com");
    assert_int_equal(all[size - 1], 0);
    assert_int_equal(all[size - 2], 0);
    CertFreeCertificateContext(client);
    CertFreeCertificateContext(server);
    CertFreeCertificateContext(plain);
    CertFreeCertificateContext(many);
}

static void name_is(PCCERT_CONTEXT context, DWORD how, const char *expected)
{
    char text[1024];
    WCHAR wide[1024];
    CERT_NAME_BLOB name = context->pCertInfo->Subject;
    assert_int_equal(CertNameToStrA(X509_ASN_ENCODING, &name, how, text, sizeof text), strlen(expected) + 1);
    assert_string_equal(text, expected);
    assert_int_equal(CertNameToStrA(X509_ASN_ENCODING, &name, how, NULL, 0), strlen(expected) + 1);
    DWORD size = CertNameToStrW(X509_ASN_ENCODING, &name, how, wide, 1024);
    assert_int_equal(wide[size - 1], 0);
    assert_int_equal(size, CertNameToStrW(X509_ASN_ENCODING, &name, how, NULL, 0));
}

/* Microsoft Learn, "CertNameToStr": the forms, the separators and the quotation marks. */
static void test_name_to_str(void **state)
{
    (void)state;
    NEEDS_PKI();
    PCCERT_CONTEXT root = context_of("root.pem"), many = context_of("many.pem");
    char text[1024];
    name_is(root, CERT_SIMPLE_NAME_STR, "DE, OpenSSPI tests, Test CA root");
    name_is(root, CERT_X500_NAME_STR, "C=DE, O=OpenSSPI tests, CN=Test CA root");
    name_is(root, CERT_OID_NAME_STR, "2.5.4.6=DE, 2.5.4.10=OpenSSPI tests, 2.5.4.3=Test CA root");
    name_is(root, CERT_X500_NAME_STR | CERT_NAME_STR_REVERSE_FLAG, "CN=Test CA root, O=OpenSSPI tests, C=DE");
    name_is(root, CERT_X500_NAME_STR | CERT_NAME_STR_SEMICOLON_FLAG, "C=DE; O=OpenSSPI tests; CN=Test CA root");
    name_is(root, CERT_X500_NAME_STR | CERT_NAME_STR_CRLF_FLAG, "C=DE\r\nO=OpenSSPI tests\r\nCN=Test CA root");
    name_is(
        many, CERT_X500_NAME_STR,
        "C=DE, S=Sachsen, L=Dresden, O=\"M\xC3\xBCller, S\xC3\xB6hne + Co\", OU=First + OU=\"Second \"\"quoted\"\"\", "
        "CN=Carol  Jones, T=Dr., SN=Jones, G=Carol, I=CJ, SERIALNUMBER=42, STREET=Main 1, "
        "E=carol@mail.example.com, DC=example, DC=com");
    CertNameToStrA(X509_ASN_ENCODING, &many->pCertInfo->Subject,
                   CERT_X500_NAME_STR | CERT_NAME_STR_NO_PLUS_FLAG | CERT_NAME_STR_NO_QUOTING_FLAG, text, sizeof text);
    assert_non_null(strstr(text, "OU=First OU=Second \"quoted\", "));
    CERT_NAME_BLOB broken = {3, (BYTE *)"\x30\x05\x00"};
    assert_int_equal(CertNameToStrA(X509_ASN_ENCODING, &broken, CERT_X500_NAME_STR, text, sizeof text), 1);
    assert_string_equal(text, "");
    assert_int_equal(CertNameToStrA(X509_ASN_ENCODING, NULL, CERT_X500_NAME_STR, text, sizeof text), 1);
    CertFreeCertificateContext(root);
    CertFreeCertificateContext(many);
}

static void test_integers(void **state)
{
    (void)state;
    BYTE one[] = {1}, padded[] = {1, 0, 0}, minus[] = {0x80, 0xFF}, minus_short[] = {0x80}, other[] = {1, 1};
    CRYPT_INTEGER_BLOB a = {1, one}, b = {3, padded}, c = {2, minus}, d = {1, minus_short}, e = {2, other};
    assert_true(CertCompareIntegerBlob(&a, &b));
    assert_true(CertCompareIntegerBlob(&c, &d));
    assert_false(CertCompareIntegerBlob(&a, &e));
}

/* ---------------------------------------------------------------- encodings */

static void *decoded(const char *type, const CRYPT_OBJID_BLOB *blob, DWORD *size)
{
    void *out = NULL;
    assert_true(CryptDecodeObjectEx(X509_ASN_ENCODING | PKCS_7_ASN_ENCODING, type, blob->pbData, blob->cbData,
                                    CRYPT_DECODE_ALLOC_FLAG | CRYPT_DECODE_NOCOPY_FLAG, NULL, &out, size));
    assert_non_null(out);
    return out;
}

static const CRYPT_OBJID_BLOB *extension(PCCERT_CONTEXT context, const char *oid)
{
    PCERT_EXTENSION found = CertFindExtension(oid, context->pCertInfo->cExtension, context->pCertInfo->rgExtension);
    assert_non_null(found);
    return &found->Value;
}

static void test_decode(void **state)
{
    (void)state;
    NEEDS_PKI();
    PCCERT_CONTEXT server = context_of("server-p256.pem"), middle = context_of("intermediate.pem"),
                   client = context_of("client.pem");
    DWORD size = 0;
    CERT_ALT_NAME_INFO *alternative = decoded(X509_ALTERNATE_NAME, extension(server, szOID_SUBJECT_ALT_NAME2), &size);
    assert_int_equal(alternative->cAltEntry, 4);
    assert_int_equal(alternative->rgAltEntry[0].dwAltNameChoice, CERT_ALT_NAME_DNS_NAME);
    assert_string_equal(narrow(alternative->rgAltEntry[1].pwszDNSName), "*.wild.example.com");
    assert_int_equal(alternative->rgAltEntry[2].dwAltNameChoice, CERT_ALT_NAME_IP_ADDRESS);
    assert_int_equal(alternative->rgAltEntry[2].IPAddress.cbData, 4);
    assert_memory_equal(alternative->rgAltEntry[2].IPAddress.pbData, "\xC0\x00\x02\x01", 4);
    assert_int_equal(alternative->rgAltEntry[3].IPAddress.cbData, 16);
    assert_null(LocalFree(alternative));
    alternative = decoded(szOID_SUBJECT_ALT_NAME2, extension(client, szOID_SUBJECT_ALT_NAME2), &size);
    assert_int_equal(alternative->rgAltEntry[0].dwAltNameChoice, CERT_ALT_NAME_OTHER_NAME);
    assert_string_equal(alternative->rgAltEntry[0].pOtherName->pszObjId, szOID_NT_PRINCIPAL_NAME);
    assert_int_equal(alternative->rgAltEntry[1].dwAltNameChoice, CERT_ALT_NAME_RFC822_NAME);
    assert_int_equal(alternative->rgAltEntry[2].dwAltNameChoice, CERT_ALT_NAME_URL);
    LocalFree(alternative);
    CERT_BASIC_CONSTRAINTS2_INFO *constraints =
        decoded(X509_BASIC_CONSTRAINTS2, extension(middle, szOID_BASIC_CONSTRAINTS2), &size);
    assert_true(constraints->fCA);
    assert_true(constraints->fPathLenConstraint);
    assert_int_equal(constraints->dwPathLenConstraint, 0);
    LocalFree(constraints);
    CERT_ENHKEY_USAGE *usages = decoded(X509_ENHANCED_KEY_USAGE, extension(client, szOID_ENHANCED_KEY_USAGE), &size);
    assert_int_equal(usages->cUsageIdentifier, 1);
    assert_string_equal(usages->rgpszUsageIdentifier[0], szOID_PKIX_KP_CLIENT_AUTH);
    LocalFree(usages);
    CRYPT_BIT_BLOB *bits = decoded(X509_KEY_USAGE, extension(middle, szOID_KEY_USAGE), &size);
    assert_int_equal(bits->cbData, 1);
    assert_int_equal(bits->pbData[0], 0x86); /* digitalSignature, keyCertSign, cRLSign (RFC 5280 4.2.1.3) */
    LocalFree(bits);
    CERT_NAME_INFO *name = decoded((LPCSTR)7, &server->pCertInfo->Subject, &size);
    assert_int_equal(name->cRDN, 3);
    assert_string_equal(name->rgRDN[0].rgRDNAttr[0].pszObjId, szOID_COUNTRY_NAME);
    assert_int_equal(name->rgRDN[0].rgRDNAttr[0].dwValueType, CERT_RDN_PRINTABLE_STRING);
    assert_int_equal(name->rgRDN[0].rgRDNAttr[0].Value.cbData, 2);
    assert_memory_equal(name->rgRDN[0].rgRDNAttr[0].Value.pbData, "DE", 2);
    assert_string_equal(narrow((const WCHAR *)name->rgRDN[2].rgRDNAttr[0].Value.pbData), "server-p256");
    LocalFree(name);
    CRYPT_OBJID_BLOB whole = {server->cbCertEncoded, server->pbCertEncoded};
    CERT_INFO *info = decoded(X509_CERT_TO_BE_SIGNED, &whole, &size);
    assert_true(CertCompareCertificate(X509_ASN_ENCODING, info, server->pCertInfo));
    assert_int_equal(info->cExtension, server->pCertInfo->cExtension);
    assert_in_range((uintptr_t)info->Subject.pbData, (uintptr_t)info, (uintptr_t)info + size);
    LocalFree(info);
    /* Into the caller's memory, and what is refused. */
    DWORD room = 0;
    assert_true(
        CryptDecodeObject(X509_ASN_ENCODING, X509_CERT_TO_BE_SIGNED, whole.pbData, whole.cbData, 0, NULL, &room));
    assert_int_equal(room, size);
    void *own = malloc(room);
    room--;
    assert_false(
        CryptDecodeObject(X509_ASN_ENCODING, X509_CERT_TO_BE_SIGNED, whole.pbData, whole.cbData, 0, own, &room));
    assert_int_equal(GetLastError(), ERROR_MORE_DATA);
    assert_true(
        CryptDecodeObject(X509_ASN_ENCODING, X509_CERT_TO_BE_SIGNED, whole.pbData, whole.cbData, 0, own, &room));
    free(own);
    assert_false(CryptDecodeObject(X509_ASN_ENCODING, X509_ALTERNATE_NAME, whole.pbData, whole.cbData, 0, NULL, &room));
    assert_int_equal(GetLastError(), (DWORD)CRYPT_E_ASN1_BADTAG);
    assert_false(CryptDecodeObject(X509_ASN_ENCODING, (LPCSTR)500, whole.pbData, whole.cbData, 0, NULL, &room));
    assert_int_equal(GetLastError(), ERROR_FILE_NOT_FOUND);
    CertFreeCertificateContext(server);
    CertFreeCertificateContext(middle);
    CertFreeCertificateContext(client);
}

/* As MariaDB and MongoDB read a key: PEM, PKCS#8, PKCS#1, PRIVATEKEYBLOB. */
static void test_decode_key(void **state)
{
    (void)state;
    NEEDS_PKI();
    DWORD text_size, der_size = 0, form = 0, skip = 99, size = 0;
    unsigned char *text = read_whole("server-rsa.key", &text_size);
    assert_true(CryptStringToBinaryA((char *)text, text_size, CRYPT_STRING_ANY, NULL, &der_size, NULL, NULL));
    BYTE *der = malloc(der_size);
    assert_true(CryptStringToBinaryA((char *)text, text_size, CRYPT_STRING_ANY, der, &der_size, &skip, &form));
    assert_int_equal(form, CRYPT_STRING_BASE64HEADER);
    assert_int_equal(skip, 0);
    CRYPT_OBJID_BLOB blob = {der_size, der};
    CRYPT_PRIVATE_KEY_INFO *p8 = decoded(PKCS_PRIVATE_KEY_INFO, &blob, &size);
    assert_string_equal(p8->Algorithm.pszObjId, szOID_RSA_RSA);
    BYTE *key = decoded(PKCS_RSA_PRIVATE_KEY, &p8->PrivateKey, &size);
    /* BLOBHEADER, RSAPUBKEY ("Base Provider Key BLOBs") */
    assert_memory_equal(key, "\x07\x02\x00\x00\x00\xA4\x00\x00RSA2\x00\x08\x00\x00\x01\x00\x01\x00", 20);
    assert_int_equal(size, 20 + 256 * 2 + 128 * 5);
    FILE *file = fopen(path_of("server-rsa.key"), "r");
    EVP_PKEY *expected = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    static const struct {
        const char *name;
        int at, size;
    } parts[] = {
        {"n", 20, 256}, {"rsa-factor1", 276, 128}, {"rsa-coefficient1", 276 + 4 * 128, 128}, {"d", 276 + 5 * 128, 256}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        BIGNUM *number = NULL;
        BYTE bytes[256];
        assert_int_equal(EVP_PKEY_get_bn_param(expected, parts[i].name, &number), 1);
        BN_bn2lebinpad(number, bytes, parts[i].size);
        assert_memory_equal(key + parts[i].at, bytes, (size_t)parts[i].size);
        BN_free(number);
    }
    EVP_PKEY_free(expected);
    assert_null(LocalFree(key));
    LocalFree(p8);
    free(der);
    free(text);
}

/* RFC 4648 10. */
static void test_base64(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *text;
    } vectors[] = {{"f", "Zg=="},        {"fo", "Zm8="},        {"foo", "Zm9v"},
                   {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    BYTE out[64];
    char text[128];
    WCHAR wide[128];
    DWORD size;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        size = sizeof out;
        assert_true(CryptStringToBinaryA(vectors[i].text, 0, CRYPT_STRING_BASE64, out, &size, NULL, NULL));
        assert_int_equal(size, strlen(vectors[i].plain));
        assert_memory_equal(out, vectors[i].plain, size);
        DWORD flags = CRYPT_STRING_BASE64 | CRYPT_STRING_NOCRLF;
        assert_true(CryptBinaryToStringA((const BYTE *)vectors[i].plain, size, flags, NULL, &size));
        assert_int_equal(size, strlen(vectors[i].text) + 1); /* with the NUL, and without it when there is a buffer */
        assert_true(
            CryptBinaryToStringA((const BYTE *)vectors[i].plain, (DWORD)strlen(vectors[i].plain), flags, text, &size));
        assert_int_equal(size, strlen(vectors[i].text));
        assert_string_equal(text, vectors[i].text);
        size = 128;
        assert_true(
            CryptBinaryToStringW((const BYTE *)vectors[i].plain, (DWORD)strlen(vectors[i].plain), flags, wide, &size));
        assert_string_equal(narrow(wide), vectors[i].text);
        DWORD wide_size = sizeof out;
        assert_true(CryptStringToBinaryW(wide, size, CRYPT_STRING_BASE64_ANY, out, &wide_size, NULL, NULL));
        assert_int_equal(wide_size, strlen(vectors[i].plain));
    }
    static const char *const bad[] = {"Zg=", "Zg===", "Z===", "Zm9v!", "Zm=v", "Zg==Zg==", "Zg"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size = sizeof out;
        SetLastError(0);
        assert_false(CryptStringToBinaryA(bad[i], 0, CRYPT_STRING_BASE64, out, &size, NULL, NULL));
        assert_int_equal(GetLastError(), ERROR_INVALID_DATA);
    }
    size = sizeof out;
    assert_true(CryptStringToBinaryA("0aFF 10\r\n", 0, CRYPT_STRING_HEX, out, &size, NULL, NULL));
    assert_int_equal(size, 3);
    assert_memory_equal(out, "\x0a\xff\x10", 3);
    size = 2;
    assert_false(CryptStringToBinaryA("0aFF10", 0, CRYPT_STRING_HEX, out, &size, NULL, NULL));
    assert_int_equal(GetLastError(), ERROR_MORE_DATA);
    assert_int_equal(size, 3);
    size = sizeof text;
    assert_true(CryptBinaryToStringA((const BYTE *)"foobar", 6, CRYPT_STRING_BASE64, text, &size));
    assert_string_equal(text, "Zm9vYmFy\r\n");
    size = sizeof text;
    assert_true(
        CryptBinaryToStringA((const BYTE *)"foobar", 6, CRYPT_STRING_BASE64HEADER | CRYPT_STRING_NOCR, text, &size));
    assert_string_equal(text, "-----BEGIN CERTIFICATE-----\nZm9vYmFy\n-----END CERTIFICATE-----\n");
    size = 4;
    assert_false(CryptBinaryToStringA((const BYTE *)"foobar", 6, CRYPT_STRING_BASE64, text, &size));
    assert_int_equal(GetLastError(), ERROR_MORE_DATA);
    assert_int_equal(size, 11);
}

static void test_query(void **state)
{
    (void)state;
    NEEDS_PKI();
    static const struct {
        const char *name;
        DWORD content, format;
    } rows[] = {
        {"server-p256.chain.pem", CERT_QUERY_CONTENT_CERT, CERT_QUERY_FORMAT_BASE64_ENCODED},
        {"root.crl.pem", CERT_QUERY_CONTENT_CRL, CERT_QUERY_FORMAT_BASE64_ENCODED},
        {"bundle.p7b.der", CERT_QUERY_CONTENT_PKCS7_SIGNED, CERT_QUERY_FORMAT_BINARY},
        {"modern.pfx", CERT_QUERY_CONTENT_PFX, CERT_QUERY_FORMAT_BINARY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CERT_BLOB blob;
        DWORD encoding, content = 0, format = 0;
        HCERTSTORE store = NULL;
        const void *context = NULL;
        blob.pbData = read_whole(rows[i].name, &blob.cbData);
        assert_true(CryptQueryObject(CERT_QUERY_OBJECT_BLOB, &blob, CERT_QUERY_CONTENT_FLAG_ALL,
                                     CERT_QUERY_FORMAT_FLAG_ALL, 0, &encoding, &content, &format, &store, NULL,
                                     &context));
        assert_int_equal(content, rows[i].content);
        assert_int_equal(format, rows[i].format);
        assert_int_equal(context != NULL, content == CERT_QUERY_CONTENT_CERT || content == CERT_QUERY_CONTENT_CRL);
        if (content == CERT_QUERY_CONTENT_CERT) {
            names(context, CERT_NAME_SIMPLE_DISPLAY_TYPE, 0, NULL, "server-p256");
            CertFreeCertificateContext(context);
        } else if (context != NULL) {
            CertFreeCRLContext(context);
        }
        assert_true(CertCloseStore(store, CERT_CLOSE_STORE_CHECK_FLAG));
        assert_false(CryptQueryObject(CERT_QUERY_OBJECT_BLOB, &blob, CERT_QUERY_CONTENT_FLAG_CTL,
                                      CERT_QUERY_FORMAT_FLAG_ALL, 0, NULL, NULL, NULL, NULL, NULL, NULL));
        assert_int_equal(GetLastError(), (DWORD)CRYPT_E_NO_MATCH);
        free(blob.pbData);
    }
    assert_false(CryptQueryObject(CERT_QUERY_OBJECT_FILE, u"/there/is/no/such/file", CERT_QUERY_CONTENT_FLAG_ALL,
                                  CERT_QUERY_FORMAT_FLAG_ALL, 0, NULL, NULL, NULL, NULL, NULL, NULL));
    assert_int_equal(GetLastError(), ERROR_FILE_NOT_FOUND);
}

/* ---------------------------------------------------------------- keys */

static void test_ext_files(void **state)
{
    (void)state;
    NEEDS_PKI();
    PCCERT_CONTEXT context = NULL;
    static const char *const kinds[] = {"rsa", "rsapss", "p256", "p384", "ed25519"};
    char name[64], key[64];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        snprintf(name, sizeof name, "server-%s.chain.pem", kinds[i]);
        snprintf(key, sizeof key, "server-%s.key", kinds[i]);
        assert_int_equal(SspiExtCertFromFiles(path_of(name), path_of(key), NULL, &context), SEC_E_OK);
        assert_int_equal(count(context->hCertStore), 2); /* the chain comes along */
        CertFreeCertificateContext(context);
    }
    assert_int_equal(SspiExtCertFromFiles(path_of("modern.pfx"), NULL, "Password", &context), SEC_E_OK);
    CertFreeCertificateContext(context);
    assert_int_equal(SspiExtCertFromFiles(path_of("modern.pfx"), NULL, "other", &context), SEC_E_LOGON_DENIED);
    assert_int_equal(SspiExtCertFromFiles(path_of("server-p256.pem"), path_of("server-rsa.key"), NULL, &context),
                     SEC_E_UNKNOWN_CREDENTIALS);
    assert_int_equal(SspiExtCertFromFiles(path_of("server-p256.pem"), NULL, NULL, &context), SEC_E_UNKNOWN_CREDENTIALS);
    assert_int_equal(SspiExtCertFromFiles(path_of("nothing.pem"), NULL, NULL, &context), CRYPT_E_FILE_ERROR);
    assert_int_equal(SspiExtCertFromFiles(path_of("root.cnf"), NULL, NULL, &context), SEC_E_INVALID_TOKEN);
    assert_int_equal(SspiExtCertFromFiles(NULL, NULL, NULL, &context), SEC_E_INVALID_PARAMETER);
    /* A key from memory, and its way through a store. */
    DWORD size;
    unsigned char *text = read_whole("server-p256.key", &size);
    HCERTSTORE store = memory_store();
    PCCERT_CONTEXT added = NULL;
    context = context_of("server-p256.pem");
    assert_int_equal(SspiExtCertSetKey(context, text, size, NULL), SEC_E_OK);
    assert_true(CertAddCertificateContextToStore(store, context, CERT_STORE_ADD_NEW, &added));
    finds(store, CERT_FIND_HAS_PRIVATE_KEY, NULL, added);
    assert_int_equal(SspiExtCertSetKey(added, NULL, 0, NULL), SEC_E_OK);
    finds(store, CERT_FIND_HAS_PRIVATE_KEY, NULL, NULL);
    CertFreeCertificateContext(context);
    context = context_of("client.pem");
    assert_int_equal(SspiExtCertSetKey(context, text, size, NULL), SEC_E_UNKNOWN_CREDENTIALS);
    assert_int_equal(SspiExtCertSetKey(NULL, text, size, NULL), SEC_E_INVALID_PARAMETER);
    CertFreeCertificateContext(context);
    CertFreeCertificateContext(added);
    CertCloseStore(store, 0);
    free(text);
}

static void copy_file(const char *from, const char *to, int mode)
{
    DWORD size;
    unsigned char *data = read_whole(from, &size);
    FILE *file = fopen(to, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
    assert_int_equal(chmod(to, (mode_t)mode), 0);
    free(data);
}

/* MY is a directory; keys that others can read are not taken. */
static void test_my(void **state)
{
    (void)state;
    NEEDS_PKI();
    char root[] = "/tmp/sspi-my-XXXXXX", folder[128], path[6][256];
    assert_non_null(mkdtemp(root));
    setenv("XDG_DATA_HOME", root, 1);
    HCERTSTORE store = CertOpenSystemStoreA(0, "MY");
    assert_int_equal(count(store), 0);
    CertCloseStore(store, 0);
    snprintf(folder, sizeof folder, "%s/sspi", root);
    mkdir(folder, 0700);
    snprintf(folder, sizeof folder, "%s/sspi/my", root);
    mkdir(folder, 0700);
    static const struct {
        const char *from, *to;
        int mode;
    } files[] = {{"server-p256.pem", "a.pem", 0644}, {"server-p256.key", "a.key", 0600},
                 {"server-rsa.pem", "b.crt", 0644},  {"server-rsa.key", "b.key", 0644},
                 {"nomac.pfx", "c.p12", 0604},       {"root.cnf", "d.pem", 0600}};
    for (int i = 0; i < 6; i++) {
        snprintf(path[i], sizeof path[i], "%s/%s", folder, files[i].to);
        copy_file(files[i].from, path[i], files[i].mode);
    }
    store = CertOpenStore(CERT_STORE_PROV_SYSTEM, 0, 0, CERT_SYSTEM_STORE_CURRENT_USER, u"My");
    assert_non_null(store);
    assert_int_equal(count(store), 2);
    PCCERT_CONTEXT first = CertEnumCertificatesInStore(store, NULL);
    names(first, CERT_NAME_SIMPLE_DISPLAY_TYPE, 0, NULL, "server-p256");
    finds(store, CERT_FIND_HAS_PRIVATE_KEY, NULL, first);
    assert_null(CertFindCertificateInStore(store, X509_ASN_ENCODING, 0, CERT_FIND_HAS_PRIVATE_KEY, NULL, first));
    CertCloseStore(store, 0);
    chmod(folder, 0777);
    store = CertOpenSystemStoreW(0, u"MY");
    assert_int_equal(count(store), 0);
    CertCloseStore(store, 0);
    SetLastError(0);
    assert_null(CertOpenSystemStoreA(0, "Trust"));
    assert_int_equal(GetLastError(), ERROR_FILE_NOT_FOUND);
    HCERTSTORE roots = CertOpenSystemStoreA(0, "ROOT");
    assert_non_null(roots);
    PCCERT_CONTEXT leaf = context_of("server-p256.pem");
    assert_false(CertAddCertificateContextToStore(roots, leaf, CERT_STORE_ADD_ALWAYS, NULL));
    assert_int_equal(GetLastError(), ERROR_ACCESS_DENIED);
    CertFreeCertificateContext(leaf);
    CertCloseStore(roots, 0);
    for (int i = 0; i < 6; i++) {
        unlink(path[i]);
    }
    rmdir(folder);
    snprintf(folder, sizeof folder, "%s/sspi", root);
    rmdir(folder);
    rmdir(root);
}

/* ---------------------------------------------------------------- threads */

static HCERTSTORE shared;
static PCCERT_CONTEXT shared_leaf;

static void *work(void *argument)
{
    for (int i = 0; i < 300; i++) {
        PCCERT_CONTEXT mine = NULL;
        WCHAR name[] = u"name";
        CRYPT_DATA_BLOB blob = {sizeof name, (BYTE *)name};
        int seen = 0;
        if (!CertAddCertificateContextToStore(shared, shared_leaf, CERT_STORE_ADD_ALWAYS, &mine)) {
            return (void *)1;
        }
        for (PCCERT_CONTEXT at = NULL; (at = CertEnumCertificatesInStore(shared, at)) != NULL;) {
            CertSetCertificateContextProperty(at, CERT_FRIENDLY_NAME_PROP_ID, 0, i % 2 ? &blob : NULL);
            seen++;
        }
        if (seen == 0 || !CertDeleteCertificateFromStore(mine)) {
            return (void *)2;
        }
    }
    return argument;
}

static void test_threads(void **state)
{
    (void)state;
    NEEDS_PKI();
    pthread_t threads[4];
    shared = memory_store();
    shared_leaf = context_of("server-p256.pem");
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *result = (void *)3;
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    assert_int_equal(count(shared), 0);
    CertFreeCertificateContext(shared_leaf);
    assert_true(CertCloseStore(shared, CERT_CLOSE_STORE_CHECK_FLAG));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_context),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_not_a_certificate),
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_store),
        cmocka_unit_test(test_replacing),
        cmocka_unit_test(test_collection),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_crls),
        cmocka_unit_test(test_pfx),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_name_strings),
        cmocka_unit_test(test_name_to_str),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_decode_key),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_ext_files),
        cmocka_unit_test(test_my),
        cmocka_unit_test(test_threads),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, have_pki, NULL);
}
