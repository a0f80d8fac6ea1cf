/* The forms that certificates, names and keys come in, through the public functions: PKCS#12, text, encodings, files.  What is
 * expected comes from OpenSSL (used directly), from what the certificates were made with, or from the cited document. */
#include "crypt32_pki.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "security.h"
#include "sspi_ext.h"

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
    assert_false(CryptStringToBinaryA("0aFF10", 0, CRYPT_STRING_HEXADDR, out, &size, NULL, NULL)); /* not known */
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pfx),      cmocka_unit_test(test_name_strings), cmocka_unit_test(test_name_to_str),
        cmocka_unit_test(test_integers), cmocka_unit_test(test_decode),       cmocka_unit_test(test_decode_key),
        cmocka_unit_test(test_base64),   cmocka_unit_test(test_query),        cmocka_unit_test(test_ext_files),
        cmocka_unit_test(test_my),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, have_pki, NULL);
}
