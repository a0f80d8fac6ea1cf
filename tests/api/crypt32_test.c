/* Certificates and stores through the public functions, with tests/support/pki.py's certificates.  What is expected comes from
 * OpenSSL (used directly), or from what the certificates were made with. */
#include "crypt32_pki.h"

#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "security.h"
#include "sspi_ext.h"

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
    assert_false(CertSetCertificateContextProperty(context, CERT_KEY_CONTEXT_PROP_ID, 0, &handle)); /* no handle */
    assert_int_equal(GetLastError(), ERROR_INVALID_HANDLE);
    CertFreeCertificateContext(context);
}

/* ---------------------------------------------------------------- stores */

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

/* ---------------------------------------------------------------- finding */

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
        cmocka_unit_test(test_context),   cmocka_unit_test(test_references), cmocka_unit_test(test_not_a_certificate),
        cmocka_unit_test(test_hashes),    cmocka_unit_test(test_properties), cmocka_unit_test(test_store),
        cmocka_unit_test(test_replacing), cmocka_unit_test(test_collection), cmocka_unit_test(test_files),
        cmocka_unit_test(test_crls),      cmocka_unit_test(test_find),       cmocka_unit_test(test_threads),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, have_pki, NULL);
}
