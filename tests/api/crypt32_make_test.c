/* What programs make: names from text, and certificates of their own.  OpenSSL, used directly, says what is expected. */
#include "tls.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>

#define assert_last(call, code)                                                                                        \
    do {                                                                                                               \
        SetLastError(0);                                                                                               \
        assert_false(call);                                                                                            \
        assert_int_equal(GetLastError(), (DWORD)(code));                                                               \
    } while (0)

/* ---------------------------------------------------------------- names */

struct part {
    const char *oid;
    int type;
    const char *value;
    int size;
    int set; /* 0: of its own, -1: of the one before */
};

#define PARTS 5

static const struct {
    const char *text;
    DWORD flags;
    struct part parts[PARTS];
} names[] = {
    {"", 0, {{NULL}}},
    {"CN=lab.pjsip.org", 0, {{"2.5.4.3", V_ASN1_PRINTABLESTRING, "lab.pjsip.org", 13, 0}}},
    {"  cn =\tAlice , o=Firm;C=DE ;",
     0,
     {{"2.5.4.3", V_ASN1_PRINTABLESTRING, "Alice", 5, 0},
      {"2.5.4.10", V_ASN1_PRINTABLESTRING, "Firm", 4, 0},
      {"2.5.4.6", V_ASN1_PRINTABLESTRING, "DE", 2, 0}}},
    {"C=DE+CN=Bob, OU=x",
     CERT_NAME_STR_REVERSE_FLAG,
     {{"2.5.4.11", V_ASN1_PRINTABLESTRING, "x", 1, 0},
      {"2.5.4.6", V_ASN1_PRINTABLESTRING, "DE", 2, 0},
      {"2.5.4.3", V_ASN1_PRINTABLESTRING, "Bob", 3, -1}}},
    {"CN=\"Bob \"\"Gage\"\"\"", 0, {{"2.5.4.3", V_ASN1_BMPSTRING, "\0B\0o\0b\0 \0\"\0G\0a\0g\0e\0\"", 20, 0}}},
    {"CN=\" a, b; c+d = e \"",
     0,
     {{"2.5.4.3", V_ASN1_BMPSTRING, "\0 \0a\0,\0 \0b\0;\0 \0c\0+\0d\0 \0=\0 \0e\0 ", 30, 0}}},
    {"CN=\"\"", 0, {{"2.5.4.3", V_ASN1_PRINTABLESTRING, "", 0, 0}}},
    {"CN=", 0, {{"2.5.4.3", V_ASN1_PRINTABLESTRING, "", 0, 0}}},
    {"CN=M\xC3\xBCller", 0, {{"2.5.4.3", V_ASN1_BMPSTRING, "\0M\0\xFC\0l\0l\0e\0r", 12, 0}}},
    {"CN=M\xC3\xBCller",
     CERT_NAME_STR_ENABLE_UTF8_UNICODE_FLAG,
     {{"2.5.4.3", V_ASN1_UTF8STRING, "M\xC3\xBCller", 7, 0}}},
    {"CN=M\xC3\xBCller", CERT_NAME_STR_ENABLE_T61_UNICODE_FLAG, {{"2.5.4.3", V_ASN1_T61STRING, "M\xFCller", 6, 0}}},
    {"CN=\xF0\x9F\x98\x80", 0, {{"2.5.4.3", V_ASN1_UTF8STRING, "\xF0\x9F\x98\x80", 4, 0}}}, /* no UCS-2 */
    {"CN=Alice, C=DE",
     CERT_NAME_STR_FORCE_UTF8_DIR_STR_FLAG,
     {{"2.5.4.3", V_ASN1_UTF8STRING, "Alice", 5, 0}, {"2.5.4.6", V_ASN1_PRINTABLESTRING, "DE", 2, 0}}},
    {"CN=Alice",
     CERT_NAME_STR_FORCE_UTF8_DIR_STR_FLAG | CERT_NAME_STR_DISABLE_UTF8_DIR_STR_FLAG,
     {{"2.5.4.3", V_ASN1_PRINTABLESTRING, "Alice", 5, 0}}},
    {"E=a@b.example, email=c@d.example, DC=example",
     0,
     {{"1.2.840.113549.1.9.1", V_ASN1_IA5STRING, "a@b.example", 11, 0},
      {"1.2.840.113549.1.9.1", V_ASN1_IA5STRING, "c@d.example", 11, 0},
      {"0.9.2342.19200300.100.1.25", V_ASN1_IA5STRING, "example", 7, 0}}},
    {"S=a, ST=b, T=c, GivenName=d, i=e",
     0,
     {{"2.5.4.8", V_ASN1_PRINTABLESTRING, "a", 1, 0},
      {"2.5.4.8", V_ASN1_PRINTABLESTRING, "b", 1, 0},
      {"2.5.4.12", V_ASN1_PRINTABLESTRING, "c", 1, 0},
      {"2.5.4.42", V_ASN1_PRINTABLESTRING, "d", 1, 0},
      {"2.5.4.43", V_ASN1_PRINTABLESTRING, "e", 1, 0}}},
    {"1.2.3 = x, oid.2.5.4.3=y",
     0,
     {{"1.2.3", V_ASN1_PRINTABLESTRING, "x", 1, 0}, {"2.5.4.3", V_ASN1_PRINTABLESTRING, "y", 1, 0}}},
    {"CN=a;b", CERT_NAME_STR_COMMA_FLAG, {{"2.5.4.3", V_ASN1_BMPSTRING, "\0a\0;\0b", 6, 0}}},
    {"CN=a,b;O=c",
     CERT_NAME_STR_SEMICOLON_FLAG,
     {{"2.5.4.3", V_ASN1_PRINTABLESTRING, "a,b", 3, 0}, {"2.5.4.10", V_ASN1_PRINTABLESTRING, "c", 1, 0}}},
    {"CN=a\r\nO=c\r\n",
     CERT_NAME_STR_CRLF_FLAG,
     {{"2.5.4.3", V_ASN1_PRINTABLESTRING, "a", 1, 0}, {"2.5.4.10", V_ASN1_PRINTABLESTRING, "c", 1, 0}}},
    {"CN=a,b\nO=c",
     CERT_NAME_STR_CRLF_FLAG,
     {{"2.5.4.3", V_ASN1_PRINTABLESTRING, "a,b", 3, 0}, {"2.5.4.10", V_ASN1_PRINTABLESTRING, "c", 1, 0}}},
    {"CN=a + b", CERT_NAME_STR_NO_PLUS_FLAG, {{"2.5.4.3", V_ASN1_PRINTABLESTRING, "a + b", 5, 0}}},
    {"CN=\"a\"", CERT_NAME_STR_NO_QUOTING_FLAG, {{"2.5.4.3", V_ASN1_BMPSTRING, "\0\"\0a\0\"", 6, 0}}},
};

static DWORD encode(const struct part *parts, unsigned char *out)
{
    X509_NAME *name = X509_NAME_new();
    for (size_t i = 0; i < PARTS && parts[i].oid != NULL; i++) {
        ASN1_OBJECT *object = OBJ_txt2obj(parts[i].oid, 1);
        if (X509_NAME_add_entry_by_OBJ(name, object, parts[i].type, (const unsigned char *)parts[i].value,
                                       parts[i].size, -1, parts[i].set) != 1) {
            fail_msg("OpenSSL takes no %s of type %d", parts[i].oid, parts[i].type);
        }
        ASN1_OBJECT_free(object);
    }
    int size = i2d_X509_NAME(name, &out);
    assert_true(size > 0);
    X509_NAME_free(name);
    return (DWORD)size;
}

static const WCHAR *widened(const char *utf8)
{
    static WCHAR wide[256];
    size_t at = 0;
    const unsigned char *byte = (const unsigned char *)utf8;
    while (*byte != 0) {
        if (byte[0] < 0x80) {
            wide[at++] = *byte++;
        } else if (byte[0] < 0xE0) {
            wide[at++] = (WCHAR)((byte[0] & 0x1F) << 6 | (byte[1] & 0x3F));
            byte += 2;
        } else { /* of four bytes */
            uint32_t code = (uint32_t)(byte[0] & 7) << 18 | (uint32_t)(byte[1] & 0x3F) << 12 |
                            (uint32_t)(byte[2] & 0x3F) << 6 | (byte[3] & 0x3F);
            wide[at++] = (WCHAR)(0xD800 + ((code - 0x10000) >> 10));
            wide[at++] = (WCHAR)(0xDC00 + (code & 0x3FF));
            byte += 4;
        }
    }
    wide[at] = 0;
    return wide;
}

static void test_names(void **state)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unsigned char expected[512];
        BYTE got[512];
        DWORD size = 0, expected_size = encode(names[i].parts, expected);
        LPCSTR wrong = "";
        LPCWSTR wide_wrong = u"";
        DWORD how = CERT_X500_NAME_STR | names[i].flags;
        if (!CertStrToNameA(X509_ASN_ENCODING, names[i].text, how, NULL, NULL, &size, &wrong)) {
            fail_msg("%s: %08X at %s", names[i].text, (unsigned)GetLastError(), wrong == NULL ? "-" : wrong);
        }
        assert_null(wrong);
        assert_int_equal(size, expected_size);
        size--;
        assert_last(CertStrToNameA(X509_ASN_ENCODING, names[i].text, how, NULL, got, &size, NULL), ERROR_MORE_DATA);
        assert_int_equal(size, expected_size);
        assert_true(CertStrToNameA(X509_ASN_ENCODING, names[i].text, how, NULL, got, &size, NULL));
        assert_memory_equal(got, expected, expected_size);
        memset(got, 0, sizeof got);
        how = CERT_OID_NAME_STR | names[i].flags;
        assert_true(CertStrToNameW(X509_ASN_ENCODING, widened(names[i].text), how, NULL, got, &size, &wide_wrong));
        assert_null(wide_wrong);
        assert_memory_equal(got, expected, expected_size);
    }
}

static void test_wrong_names(void **state)
{
    static const struct {
        const char *text;
        DWORD flags;
        SECURITY_STATUS error;
        int at; /* characters; -1: nowhere */
    } rows[] = {
        {"CN", 0, CRYPT_E_INVALID_X500_STRING, 0},
        {"=x", 0, CRYPT_E_INVALID_X500_STRING, 0},
        {"CN=a,,O=b", 0, CRYPT_E_INVALID_X500_STRING, 5},
        {"CN=a, XX=b", 0, CRYPT_E_INVALID_X500_STRING, 6},
        {"CN=a, 1.=b", 0, CRYPT_E_INVALID_X500_STRING, 6},
        {"CN=a, OID.x=b", 0, CRYPT_E_INVALID_X500_STRING, 6},
        {"CN=a +", 0, CRYPT_E_INVALID_X500_STRING, 6},
        {"CN=\"a", 0, CRYPT_E_INVALID_X500_STRING, 3},
        {"CN=\"a\" b", 0, CRYPT_E_INVALID_X500_STRING, 7},
        {"CN=a\"b", 0, CRYPT_E_INVALID_X500_STRING, 4},
        {"1.2.3=#0401ff", 0, ERROR_NOT_SUPPORTED, -1},
        {"CN=\xC3\xBC, XX=b", 0, CRYPT_E_INVALID_X500_STRING, 6},
        {"C=\xC3\x84", 0, CRYPT_E_INVALID_PRINTABLE_STRING, 2},
        {"CN=x, C=D*", 0, CRYPT_E_INVALID_PRINTABLE_STRING, 8},
        {"E=\xC3\xA4@b.example", 0, CRYPT_E_INVALID_IA5_STRING, 2},
        {"CN=a,b\nO=c", CERT_NAME_STR_COMMA_FLAG, CRYPT_E_INVALID_X500_STRING, 5},
        {"CN=x", 1u << 16 | 7, E_INVALIDARG, -1},
    };
    BYTE got[64];
    DWORD size = sizeof got;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        LPCSTR wrong = "";
        LPCWSTR wide_wrong = u"", wide = widened(rows[i].text);
        SetLastError(0);
        BOOL done = CertStrToNameW(X509_ASN_ENCODING, wide, rows[i].flags, NULL, got, &size, &wide_wrong);
        if (done || GetLastError() != (DWORD)rows[i].error ||
            wide_wrong != (rows[i].at < 0 ? NULL : wide + rows[i].at)) {
            fail_msg("%s: %08X, %d", rows[i].text, (unsigned)GetLastError(),
                     wide_wrong == NULL ? -1 : (int)(wide_wrong - wide));
        }
        assert_last(CertStrToNameA(X509_ASN_ENCODING, rows[i].text, rows[i].flags, NULL, got, &size, &wrong),
                    rows[i].error);
        assert_int_equal(wrong == NULL, rows[i].at < 0);
    }
    LPCSTR wrong = "";
    assert_last(CertStrToNameA(X509_ASN_ENCODING, "CN=\xFF", 0, NULL, got, &size, &wrong), CRYPT_E_INVALID_X500_STRING);
    assert_last(CertStrToNameA(X509_ASN_ENCODING, NULL, 0, NULL, got, &size, &wrong), E_INVALIDARG);
    assert_null(wrong);
    assert_last(CertStrToNameW(X509_ASN_ENCODING, NULL, 0, NULL, got, &size, NULL), E_INVALIDARG);
    assert_last(CertStrToNameA(X509_ASN_ENCODING, "CN=x", CERT_SIMPLE_NAME_STR, NULL, got, &size, NULL), E_INVALIDARG);
    assert_last(CertStrToNameA(X509_ASN_ENCODING, "CN=x", 0, NULL, got, NULL, NULL), E_INVALIDARG);
    assert_last(CertStrToNameA(99, "CN=x", 0, NULL, got, &size, NULL), E_INVALIDARG);
}

/* What CertNameToStr writes is read again, to the byte. */
static void test_round_trip(void **state)
{
    PCCERT_CONTEXT many = tls_load("many");
    WCHAR text[1024];
    BYTE got[1024];
    DWORD size = sizeof got, kinds[] = {CERT_X500_NAME_STR, CERT_OID_NAME_STR};
    for (size_t i = 0; i < 2; i++) {
        CERT_NAME_BLOB *subject = &many->pCertInfo->Subject;
        assert_true(CertNameToStrW(X509_ASN_ENCODING, subject, kinds[i], text, 1024) < 1024);
        size = sizeof got;
        assert_true(CertStrToNameW(X509_ASN_ENCODING, text, kinds[i] | CERT_NAME_STR_FORCE_UTF8_DIR_STR_FLAG, NULL, got,
                                   &size, NULL));
        assert_int_equal(size, subject->cbData);
        assert_memory_equal(got, subject->pbData, size);
    }
    CertFreeCertificateContext(many);
}

/* ---------------------------------------------------------------- certificates */

static BYTE subject_der[64];
static CERT_NAME_BLOB subject = {sizeof subject_der, subject_der};

static int make_subject(void **state)
{
    assert_true(CertStrToNameA(X509_ASN_ENCODING, "CN=lab.pjsip.org", CERT_X500_NAME_STR, NULL, subject.pbData,
                               &subject.cbData, NULL));
    return 0;
}

static X509 *x509_of(PCCERT_CONTEXT context)
{
    const unsigned char *at = context->pbCertEncoded;
    X509 *x509 = d2i_X509(NULL, &at, (long)context->cbCertEncoded);
    assert_non_null(x509);
    assert_int_equal(X509_get_version(x509), X509_VERSION_3);
    assert_int_equal(X509_self_signed(x509, 1), 1); /* the signature, too */
    return x509;
}

static void assert_lasts(const X509 *x509, int days, int seconds)
{
    int got_days, got_seconds;
    assert_int_equal(ASN1_TIME_diff(&got_days, &got_seconds, X509_get0_notBefore(x509), X509_get0_notAfter(x509)), 1);
    assert_int_equal(got_days, days);
    assert_int_equal(got_seconds, seconds);
}

/* A server of its own, as pjproject's. */
static void test_server(void **state)
{
    CERT_EXTENSIONS none = {0};
    DWORD versions[] = {SP_PROT_TLS1_2_CLIENT | SP_PROT_TLS1_2_SERVER, SP_PROT_TLS1_3_CLIENT | SP_PROT_TLS1_3_SERVER};
    PCCERT_CONTEXT own = CertCreateSelfSignCertificate(0, &subject, 0, NULL, NULL, NULL, NULL, &none);
    assert_non_null(own);
    X509 *x509 = x509_of(own);
    assert_int_equal(X509_get_signature_nid(x509), NID_sha256WithRSAEncryption);
    assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(x509)), 2048);
    assert_true(X509_cmp_current_time(X509_get0_notBefore(x509)) <= 0);
    assert_lasts(x509, 365, 0);
    X509_free(x509);
    for (size_t i = 0; i < 2; i++) {
        struct tls tls;
        PCCERT_CONTEXT seen = NULL;
        tls_acquire_version(&tls, own, versions[i]);
        tls.client_request = ISC_REQ_MANUAL_CRED_VALIDATION;
        tls_shake(&tls, "lab.pjsip.org");
        assert_status(tls.client_status, SEC_E_OK);
        assert_status(tls.server_status, SEC_E_OK);
        assert_status(QueryContextAttributesA(&tls.client, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &seen), SEC_E_OK);
        assert_memory_equal(seen->pbCertEncoded, own->pbCertEncoded, own->cbCertEncoded);
        CertFreeCertificateContext(seen);
        tls_close(&tls);
    }
    CertFreeCertificateContext(own);
}

static void test_fields(void **state)
{
    static BYTE alternative[] = {0x30, 0x11, 0x82, 0x0F, 'w', 'w', 'w', '.', 'e', 'x',
                                 'a',  'm',  'p',  'l',  'e', '.', 'c', 'o', 'm'}; /* RFC 5280 4.2.1.6 */
    SYSTEMTIME begin = {.wYear = 2030, .wMonth = 1, .wDay = 2, .wHour = 3, .wMinute = 4, .wSecond = 5};
    SYSTEMTIME end = {.wYear = 2051, .wMonth = 1, .wDay = 2, .wHour = 3, .wMinute = 4, .wSecond = 6};
    CRYPT_ALGORITHM_IDENTIFIER algorithm = {(LPSTR)(uintptr_t) "1.2.840.113549.1.1.12", {0, NULL}};
    CERT_EXTENSION extension = {(LPSTR)(uintptr_t)szOID_SUBJECT_ALT_NAME2, TRUE, {sizeof alternative, alternative}};
    CERT_EXTENSIONS extensions = {1, &extension};
    PCCERT_CONTEXT made = CertCreateSelfSignCertificate(0, &subject, CERT_CREATE_SELFSIGN_NO_KEY_INFO, NULL, &algorithm,
                                                        &begin, &end, &extensions);
    struct tm tm;
    DWORD size = 0;
    assert_non_null(made);
    X509 *x509 = x509_of(made);
    assert_int_equal(X509_get_signature_nid(x509), NID_sha384WithRSAEncryption);
    assert_int_equal(X509_check_host(x509, "www.example.com", 0, 0, NULL), 1);
    assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(x509, 0)), 1);
    assert_int_equal(ASN1_TIME_to_tm(X509_get0_notBefore(x509), &tm), 1);
    assert_int_equal(tm.tm_year, 130);
    assert_int_equal(tm.tm_mon, 0);
    assert_int_equal(tm.tm_mday, 2);
    assert_int_equal(tm.tm_hour, 3);
    assert_int_equal(tm.tm_sec, 5);
    assert_lasts(x509, 7670, 1); /* 21 years with five leap days */
    X509_free(x509);
    assert_false(CertGetCertificateContextProperty(made, CERT_KEY_PROV_INFO_PROP_ID, NULL, &size)); /* no key */
    CertFreeCertificateContext(made);
    algorithm.pszObjId = (LPSTR)(uintptr_t) "1.2.840.10045.4.3.2"; /* of another kind of keys */
    assert_last(CertCreateSelfSignCertificate(0, &subject, 0, NULL, &algorithm, NULL, NULL, NULL), NTE_BAD_ALGID);
    algorithm.pszObjId = (LPSTR)(uintptr_t) "1.2.3.4";
    assert_last(CertCreateSelfSignCertificate(0, &subject, 0, NULL, &algorithm, NULL, NULL, NULL), NTE_BAD_ALGID);
    begin.wMonth = 13;
    assert_last(CertCreateSelfSignCertificate(0, &subject, 0, NULL, NULL, &begin, NULL, NULL), E_INVALIDARG);
    extension.pszObjId = NULL;
    assert_last(CertCreateSelfSignCertificate(0, &subject, 0, NULL, NULL, NULL, NULL, &extensions), E_INVALIDARG);
    extensions.rgExtension = NULL;
    assert_last(CertCreateSelfSignCertificate(0, &subject, 0, NULL, NULL, NULL, NULL, &extensions), E_INVALIDARG);
    CERT_NAME_BLOB none = {3, (BYTE *)(uintptr_t) "\x30\x01\x00"};
    assert_last(CertCreateSelfSignCertificate(0, &none, 0, NULL, NULL, NULL, NULL, NULL), CRYPT_E_ASN1_BADTAG);
    assert_last(CertCreateSelfSignCertificate(0, NULL, 0, NULL, NULL, NULL, NULL, NULL), E_INVALIDARG);
    assert_last(CertCreateSelfSignCertificate(0, &subject, CERT_CREATE_SELFSIGN_NO_SIGN, NULL, NULL, NULL, NULL, NULL),
                ERROR_NOT_SUPPORTED);
    assert_last(CertCreateSelfSignCertificate(42, &subject, 0, NULL, NULL, NULL, NULL, NULL), ERROR_INVALID_HANDLE);
}

/* A container keeps the key for the next certificate. */
static void test_containers(void **state)
{
    CRYPT_KEY_PROV_INFO info = {.pwszContainerName = (LPWSTR)(uintptr_t)u"own", .dwKeySpec = AT_SIGNATURE};
    HCRYPTPROV provider = 0, empty = 0;
    PCCERT_CONTEXT one = CertCreateSelfSignCertificate(0, &subject, 0, &info, NULL, NULL, NULL, NULL);
    PCCERT_CONTEXT two = CertCreateSelfSignCertificate(0, &subject, 0, &info, NULL, NULL, NULL, NULL);
    assert_true(CryptAcquireContextA(&provider, "own", NULL, PROV_RSA_FULL, 0));
    PCCERT_CONTEXT three = CertCreateSelfSignCertificate(provider, &subject, 0, NULL, NULL, NULL, NULL, NULL);
    PCCERT_CONTEXT other = CertCreateSelfSignCertificate(0, &subject, 0, NULL, NULL, NULL, NULL, NULL);
    assert_true(one != NULL && two != NULL && three != NULL && other != NULL);
    CERT_PUBLIC_KEY_INFO *key = &one->pCertInfo->SubjectPublicKeyInfo;
    assert_true(CertComparePublicKeyInfo(X509_ASN_ENCODING, key, &two->pCertInfo->SubjectPublicKeyInfo));
    assert_true(CertComparePublicKeyInfo(X509_ASN_ENCODING, key, &three->pCertInfo->SubjectPublicKeyInfo));
    assert_false(CertComparePublicKeyInfo(X509_ASN_ENCODING, key, &other->pCertInfo->SubjectPublicKeyInfo));
    assert_false(CertCompareIntegerBlob(&one->pCertInfo->SerialNumber, &two->pCertInfo->SerialNumber));
    struct tls tls;
    tls_acquire_version(&tls, one, SP_PROT_TLS1_2_CLIENT | SP_PROT_TLS1_2_SERVER);
    tls_close(&tls);
    assert_true(CryptAcquireContextA(&empty, NULL, NULL, PROV_RSA_FULL, CRYPT_VERIFYCONTEXT));
    assert_last(CertCreateSelfSignCertificate(empty, &subject, 0, NULL, NULL, NULL, NULL, NULL), NTE_NO_KEY);
    assert_true(CryptReleaseContext(provider, 0) && CryptReleaseContext(empty, 0));
    assert_true(CryptAcquireContextA(&provider, "own", NULL, PROV_RSA_FULL, CRYPT_DELETEKEYSET));
    CertFreeCertificateContext(one);
    CertFreeCertificateContext(two);
    CertFreeCertificateContext(three);
    CertFreeCertificateContext(other);
}

static pthread_barrier_t barrier;

static void *make_one(void *argument)
{
    (void)pthread_barrier_wait(&barrier);
    return (void *)(uintptr_t)CertCreateSelfSignCertificate(0, &subject, 0, argument, NULL, NULL, NULL, NULL);
}

/* Threads that make the container at once get one, with one key, which is there for each certificate. */
static void test_container_at_once(void **state)
{
    CRYPT_KEY_PROV_INFO info = {.pwszContainerName = (LPWSTR)(uintptr_t)u"at once", .dwKeySpec = AT_SIGNATURE};
    HCRYPTPROV provider = 0;
    PCCERT_CONTEXT made[2];
    pthread_t threads[2];
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, make_one, &info), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        void *certificate;
        assert_int_equal(pthread_join(threads[i], &certificate), 0);
        assert_non_null(certificate);
        made[i] = certificate;
    }
    assert_true(CertComparePublicKeyInfo(X509_ASN_ENCODING, &made[0]->pCertInfo->SubjectPublicKeyInfo,
                                         &made[1]->pCertInfo->SubjectPublicKeyInfo));
    for (size_t i = 0; i < 2; i++) {
        struct tls tls;
        tls_acquire_version(&tls, made[i], SP_PROT_TLS1_2_CLIENT | SP_PROT_TLS1_2_SERVER);
        tls_close(&tls);
        CertFreeCertificateContext(made[i]);
    }
    assert_true(CryptAcquireContextA(&provider, "at once", NULL, PROV_RSA_FULL, CRYPT_DELETEKEYSET));
    assert_int_equal(pthread_barrier_destroy(&barrier), 0);
}

/* Days that there are not, and what comes after the last one that a certificate can tell. */
static void test_times(void **state)
{
    SYSTEMTIME day = {.wYear = 2026, .wMonth = 2, .wDay = 30};
    assert_last(CertCreateSelfSignCertificate(0, &subject, 0, NULL, NULL, &day, NULL, NULL), E_INVALIDARG);
    day = (SYSTEMTIME){.wYear = 2027, .wMonth = 2, .wDay = 29};
    assert_last(CertCreateSelfSignCertificate(0, &subject, 0, NULL, NULL, NULL, &day, NULL), E_INVALIDARG);
    day = (SYSTEMTIME){.wYear = 9999, .wMonth = 12, .wDay = 31};
    assert_last(CertCreateSelfSignCertificate(0, &subject, 0, NULL, NULL, &day, NULL, NULL), E_INVALIDARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_container_at_once),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_wrong_names),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_server),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_containers),
    };
    if (!tls_has_pki()) {
        return 0;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_subject, NULL);
}
