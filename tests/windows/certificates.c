/* Rules 95 to 107: what is asked of a connection, and the certificate functions around it. */
#include "rules.h"

#include <openssl/evp.h>

static struct tls connection;
static PCCERT_CONTEXT leaf;
static HCERTSTORE others;

static unsigned char *file_of(const char *name, DWORD *size)
{
    static unsigned char data[65536];
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", getenv("SSPI_TEST_PKI"), name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    *size = (DWORD)fread(data, 1, sizeof data - 1, file);
    (void)fclose(file);
    data[*size] = '\0';
    return data;
}

static void rule_95_the_peers_chain(void **state)
{
    PCCERT_CONTEXT remote = NULL, one = NULL;
    int count = 0;
    tls_open(&connection, "server-p256", SP_PROT_TLS1_3);
    assert_status(QueryContextAttributesA(&connection.client, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &remote), SEC_E_OK);
    one = CertEnumCertificatesInStore(remote->hCertStore, NULL);
    while (one != NULL) {
        assert_int_equal(one->pbCertEncoded == remote->pbCertEncoded, count == 0); /* curl compares the pointers */
        count++;
        one = CertEnumCertificatesInStore(remote->hCertStore, one);
    }
    assert_int_equal(count, 2);
    PCCERT_CONTEXT again = CertDuplicateCertificateContext(remote);
    assert_true(CertFreeCertificateContext(remote));
    tls_close(&connection);
    assert_int_equal(again->cbCertEncoded, leaf->cbCertEncoded);
    assert_true(CertFreeCertificateContext(again));
}

static void rule_96_the_connection(void **state)
{
    static const DWORD protocols[][2] = {{SP_PROT_TLS1_2, SP_PROT_TLS1_2_CLIENT},
                                         {SP_PROT_TLS1_3, SP_PROT_TLS1_3_CLIENT}};
    for (size_t i = 0; i < COUNT(protocols); i++) {
        SecPkgContext_ConnectionInfo info;
        SecPkgContext_CipherInfo ciphers[2] = {{0}, {.dwVersion = SECPKGCONTEXT_CIPHERINFO_V1}};
        PCCERT_CONTEXT own = NULL;
        memset(&ciphers[0], 0xcc, sizeof ciphers[0]); /* Qt and pjproject */
        tls_open(&connection, "server-p256", protocols[i][0]);
        assert_status(QueryContextAttributesA(&connection.client, SECPKG_ATTR_CONNECTION_INFO, &info), SEC_E_OK);
        assert_int_equal(info.dwProtocol, protocols[i][1]);
        for (size_t j = 0; j < COUNT(ciphers); j++) {
            static const char16_t start[] = u"TLS_";
            assert_status(QueryContextAttributesA(&connection.client, SECPKG_ATTR_CIPHER_INFO, &ciphers[j]), SEC_E_OK);
            assert_int_equal(ciphers[j].dwCipherSuite >> 8, i == 0 ? 0xc0 : 0x13); /* ECDHE_ECDSA; TLS 1.3's own */
            assert_memory_equal(ciphers[j].szCipherSuite, start, 8);
        }
        assert_status(QueryContextAttributesA(&connection.server, SECPKG_ATTR_LOCAL_CERT_CONTEXT, &own), SEC_E_OK);
        assert_int_equal(own->cbCertEncoded, leaf->cbCertEncoded);
        assert_true(CertFreeCertificateContext(own));
        tls_close(&connection);
    }
}

/* ---------------------------------------------------------------- chains */

static PCCERT_CHAIN_CONTEXT chain_of(HCERTCHAINENGINE engine, const char *name, DWORD flags)
{
    PCCERT_CONTEXT certificate = tls_load(name);
    CERT_CHAIN_PARA para = {.cbSize = sizeof para};
    PCCERT_CHAIN_CONTEXT chain = NULL;
    assert_true(CertGetCertificateChain(engine, certificate, NULL, others, &para, flags, NULL, &chain));
    assert_true(CertFreeCertificateContext(certificate));
    assert_true(chain->cChain >= 1);
    return chain;
}

static HCERTCHAINENGINE engine_of(const char *name, DWORD size, DWORD exclusive)
{
    PCCERT_CONTEXT anchor = tls_load(name);
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    HCERTCHAINENGINE engine = NULL;
    assert_true(CertAddCertificateContextToStore(store, anchor, CERT_STORE_ADD_ALWAYS, NULL));
    CERT_CHAIN_ENGINE_CONFIG config = {.cbSize = size, .hExclusiveRoot = store};
    config.dwExclusiveFlags = exclusive;
    assert_true(CertCreateCertificateChainEngine(&config, &engine));
    assert_true(CertFreeCertificateContext(anchor));
    assert_true(CertCloseStore(store, 0));
    return engine;
}

static DWORD errors_of(HCERTCHAINENGINE engine, const char *name, DWORD flags)
{
    PCCERT_CHAIN_CONTEXT chain = chain_of(engine, name, flags);
    DWORD errors = chain->TrustStatus.dwErrorStatus;
    CertFreeCertificateChain(chain);
    return errors;
}

static void rule_97_chains(void **state)
{
    HCERTCHAINENGINE engine = engine_of("root", 88, 0);
    assert_int_equal(errors_of(engine, "server-p256", 0),
                     0); /* libgit2: not one bit, as revocation was not asked about */
    assert_int_equal(errors_of(engine, "expired", 0), CERT_TRUST_IS_NOT_TIME_VALID);
    assert_true((errors_of(engine, "server-p256", CERT_CHAIN_REVOCATION_CHECK_CHAIN) &
                 CERT_TRUST_REVOCATION_STATUS_UNKNOWN) != 0);
    assert_int_not_equal(errors_of(NULL, "selfsigned", 0), 0);
    CertFreeCertificateChainEngine(engine);
}

static void rule_98_engines(void **state)
{
    static const DWORD sizes[] = {80, 88};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        HCERTCHAINENGINE engine = engine_of("root", sizes[i], 0);
        assert_int_equal(errors_of(engine, "server-p256", 0), 0);
        CertFreeCertificateChainEngine(engine);
    }
    HCERTCHAINENGINE engine = engine_of("intermediate", 88, 0);
    assert_int_not_equal(errors_of(engine, "server-p256", 0), 0);
    CertFreeCertificateChainEngine(engine);
    engine = engine_of("intermediate", 88, CERT_CHAIN_EXCLUSIVE_ENABLE_CA_FLAG);
    assert_int_equal(errors_of(engine, "server-p256", 0), 0);
    CertFreeCertificateChainEngine(engine);
}

static DWORD policy_of(PCCERT_CHAIN_CONTEXT chain, const char16_t *name, DWORD checks)
{
    SSL_EXTRA_CERT_CHAIN_POLICY_PARA ssl = {
        .dwAuthType = AUTHTYPE_SERVER, .fdwChecks = checks, .pwszServerName = wide(name)};
    CERT_CHAIN_POLICY_PARA para = {.cbSize = sizeof para, .pvExtraPolicyPara = &ssl};
    CERT_CHAIN_POLICY_STATUS status = {.cbSize = sizeof status};
    ssl.cbSize = sizeof ssl;
    assert_int_equal(AUTHTYPE_SERVER, 2);
    assert_int_equal(AUTHTYPE_CLIENT, 1);
    assert_true(CertVerifyCertificateChainPolicy(CERT_CHAIN_POLICY_SSL, chain, &para, &status));
    return status.dwError;
}

static void rule_99_policy(void **state)
{
    HCERTCHAINENGINE engine = engine_of("root", 88, 0);
    PCCERT_CHAIN_CONTEXT good = chain_of(engine, "server-p256", 0), expired = chain_of(engine, "expired", 0);
    const DWORD noise = 0x40000805; /* libgit2 leaves fdwChecks as the stack has it */
    assert_int_equal(policy_of(good, u"www.example.com", 0), 0);
    assert_int_equal(policy_of(good, u"www.example.com", noise), 0);
    assert_int_equal(policy_of(good, NULL, 0), 0);
    assert_int_equal(policy_of(good, u"another.example.org", noise), (DWORD)CERT_E_CN_NO_MATCH);
    assert_int_equal(policy_of(good, u"another.example.org", SECURITY_FLAG_IGNORE_CERT_CN_INVALID), 0);
    assert_int_equal(policy_of(expired, u"www.example.com", 0), (DWORD)CERT_E_EXPIRED);
    assert_int_equal(policy_of(expired, u"www.example.com", SECURITY_FLAG_IGNORE_CERT_DATE_INVALID), 0);
    CertFreeCertificateChain(good);
    CertFreeCertificateChain(expired);
    CertFreeCertificateChainEngine(engine);
}

/* ---------------------------------------------------------------- certificates, texts, objects */

static void rule_100_names(void **state)
{
    static const char16_t expected[] = u"www.example.com\0*.wild.example.com\0";
    WCHAR names[256];
    DWORD size = CertGetNameStringW(leaf, CERT_NAME_DNS_TYPE, CERT_NAME_SEARCH_ALL_NAMES_FLAG, NULL, NULL, 0);
    assert_int_equal(CERT_NAME_SEARCH_ALL_NAMES_FLAG, 2);
    assert_int_equal(size, sizeof expected / 2);
    assert_int_equal(CertGetNameStringW(leaf, CERT_NAME_DNS_TYPE, CERT_NAME_SEARCH_ALL_NAMES_FLAG, NULL, names, size),
                     size);
    assert_memory_equal(names, expected, sizeof expected);
    assert_int_equal(CertGetNameStringW(leaf, CERT_NAME_EMAIL_TYPE, CERT_NAME_SEARCH_ALL_NAMES_FLAG, NULL, NULL, 0),
                     1); /* none */
}

static void rule_101_objects(void **state)
{
    static const char *const files[] = {"server-p256.pem", "root.crl.pem"};
    for (size_t i = 0; i < COUNT(files); i++) {
        CERT_BLOB blob;
        DWORD content = 0;
        const void *context = NULL;
        blob.pbData = file_of(files[i], &blob.cbData);
        assert_true(CryptQueryObject(
            CERT_QUERY_OBJECT_BLOB, &blob, i == 0 ? CERT_QUERY_CONTENT_FLAG_CERT : CERT_QUERY_CONTENT_FLAG_CRL,
            CERT_QUERY_FORMAT_FLAG_BASE64_ENCODED, 0, NULL, &content, NULL, NULL, NULL, &context));
        assert_int_equal(content, i == 0 ? CERT_QUERY_CONTENT_CERT : CERT_QUERY_CONTENT_CRL);
        assert_non_null(context);
        assert_true(i == 0 ? CertFreeCertificateContext(context) : CertFreeCRLContext(context));
    }
}

static void rule_102_base64(void **state)
{
    static const char encoded[] = "SGVsbG8sIHdvcmxkIQ=="; /* RFC 4648 4 */
    BYTE data[64];
    char out[64];
    DWORD size = 0;
    assert_true(CryptStringToBinaryA(encoded, 0, CRYPT_STRING_BASE64, NULL, &size, NULL, NULL));
    assert_int_equal(size, 13);
    assert_true(CryptStringToBinaryA(encoded, 0, CRYPT_STRING_BASE64, data, &size, NULL, NULL));
    assert_memory_equal(data, "Hello, world!", 13);
    size = sizeof data;
    assert_true(CryptStringToBinaryA("48656c6c6f", 0, CRYPT_STRING_HEX, data, &size, NULL, NULL));
    assert_memory_equal(data, "Hello", 5);
    assert_int_equal(size, 5);
    DWORD pem_size = 0, der_size = 0;
    const char *pem = (const char *)file_of("server-p256.pem", &pem_size);
    assert_true(CryptStringToBinaryA(pem, 0, CRYPT_STRING_BASE64HEADER, NULL, &der_size, NULL, NULL));
    assert_int_equal(der_size, leaf->cbCertEncoded);
    size = 0;
    assert_true(CryptBinaryToStringA((const BYTE *)"Hello, world!", 13, CRYPT_STRING_BASE64 | CRYPT_STRING_NOCRLF, NULL,
                                     &size));
    assert_int_equal(size, sizeof encoded); /* with the NUL */
    assert_true(
        CryptBinaryToStringA((const BYTE *)"Hello, world!", 13, CRYPT_STRING_BASE64 | CRYPT_STRING_NOCRLF, out, &size));
    assert_int_equal(size, sizeof encoded - 1); /* without it */
    assert_string_equal(out, encoded);
}

static void rule_103_pfx(void **state)
{
    CRYPT_DATA_BLOB blob;
    blob.pbData = file_of("server-rsa.pfx", &blob.cbData);
    SetLastError(0);
    assert_null(PFXImportCertStore(&blob, wide(u"wrong"), 0));
    assert_int_equal(GetLastError(), ERROR_INVALID_PASSWORD);
    assert_int_equal(ERROR_INVALID_PASSWORD, 86);
    HCERTSTORE store = PFXImportCertStore(&blob, wide(u"Password"), 0);
    assert_non_null(store);
    assert_true(CertCloseStore(store, 0));
    blob.pbData = file_of("empty.pfx", &blob.cbData);
    store = PFXImportCertStore(&blob, wide(u""), 0);
    assert_non_null(store);
    assert_true(CertCloseStore(store, 0));
}

static void rule_104_searches(void **state)
{
    BYTE hash[20];
    DWORD size = sizeof hash;
    CRYPT_HASH_BLOB blob = {sizeof hash, hash};
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    PCCERT_CONTEXT issuer = tls_load("intermediate");
    const DWORD encoding = X509_ASN_ENCODING | PKCS_7_ASN_ENCODING;
    assert_true(CertAddCertificateContextToStore(store, leaf, CERT_STORE_ADD_ALWAYS, NULL));
    assert_true(CertAddCertificateContextToStore(store, issuer, CERT_STORE_ADD_ALWAYS, NULL));
    assert_true(CertGetCertificateContextProperty(leaf, CERT_HASH_PROP_ID, hash, &size));
    const struct {
        DWORD type;
        const void *what;
    } searches[] = {{CERT_FIND_HASH, &blob},
                    {CERT_FIND_SHA1_HASH, &blob},
                    {CERT_FIND_HAS_PRIVATE_KEY, NULL},
                    {CERT_FIND_ANY, NULL},
                    {CERT_FIND_SUBJECT_STR_A, "server-p256"},
                    {CERT_FIND_ISSUER_OF, leaf}};
    for (size_t i = 0; i < COUNT(searches); i++) {
        PCCERT_CONTEXT found = CertFindCertificateInStore(store, encoding, 0, searches[i].type, searches[i].what, NULL);
        assert_non_null(found);
        PCCERT_CONTEXT wanted = searches[i].type == CERT_FIND_ISSUER_OF ? issuer : leaf;
        if (searches[i].type != CERT_FIND_ANY && searches[i].type != CERT_FIND_HAS_PRIVATE_KEY) {
            assert_int_equal(found->cbCertEncoded, wanted->cbCertEncoded);
            assert_memory_equal(found->pbCertEncoded, wanted->pbCertEncoded, wanted->cbCertEncoded);
        }
        while (found != NULL) { /* the one before is consumed */
            found = CertFindCertificateInStore(store, encoding, 0, searches[i].type, searches[i].what, found);
        }
    }
    assert_true(CertFreeCertificateContext(issuer));
    assert_true(CertCloseStore(store, CERT_CLOSE_STORE_CHECK_FLAG)); /* nobody holds anything in it */
}

static void rule_105_decoding(void **state)
{
    PCERT_EXTENSION extension =
        CertFindExtension(szOID_SUBJECT_ALT_NAME2, leaf->pCertInfo->cExtension, leaf->pCertInfo->rgExtension);
    CERT_ALT_NAME_INFO *names = NULL;
    DWORD size = 0;
    assert_non_null(extension);
    for (int i = 0; i < 2; i++) {
        assert_true(CryptDecodeObjectEx(
            X509_ASN_ENCODING, X509_ALTERNATE_NAME, extension->Value.pbData, extension->Value.cbData,
            CRYPT_DECODE_ALLOC_FLAG | (i == 0 ? 0 : CRYPT_DECODE_NOCOPY_FLAG), NULL, &names, &size));
        assert_int_equal(names->cAltEntry, 4);
        assert_memory_equal(names->rgAltEntry[0].pwszDNSName, u"www.example.com", sizeof u"www.example.com");
        assert_null(LocalFree(names));
    }
    CERT_INFO *info = NULL;
    assert_true(CryptDecodeObjectEx(X509_ASN_ENCODING, X509_CERT_TO_BE_SIGNED, leaf->pbCertEncoded, leaf->cbCertEncoded,
                                    CRYPT_DECODE_ALLOC_FLAG, NULL, &info, &size));
    assert_int_equal(info->cExtension, leaf->pCertInfo->cExtension);
    assert_null(LocalFree(info));
}

static void rule_106_stores(void **state)
{
    static const char16_t *const names[] = {u"MY", u"ROOT", u"CA"};
    assert_int_equal((uintptr_t)CERT_STORE_PROV_MEMORY, 2);
    assert_int_equal((uintptr_t)CERT_STORE_PROV_SYSTEM_A, 9);
    assert_int_equal((uintptr_t)CERT_STORE_PROV_SYSTEM_W, 10);
    for (size_t i = 0; i < COUNT(names); i++) {
        HCERTSTORE store = CertOpenStore(
            CERT_STORE_PROV_SYSTEM, 0, 0,
            CERT_SYSTEM_STORE_CURRENT_USER | CERT_STORE_OPEN_EXISTING_FLAG | CERT_STORE_READONLY_FLAG, names[i]);
        if (store != NULL) { /* with OPEN_EXISTING there may be none */
            assert_true(CertCloseStore(store, 0));
        }
        store = CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_CURRENT_USER, names[i]);
        assert_non_null(store);
        assert_true(CertCloseStore(store, 0));
    }
    HCERTSTORE collection = CertOpenStore(CERT_STORE_PROV_COLLECTION, 0, 0, 0, NULL);
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    PCCERT_CONTEXT added = NULL;
    assert_true(CertAddCertificateContextToStore(store, leaf, CERT_STORE_ADD_ALWAYS, &added));
    assert_true(CertAddStoreToCollection(collection, store, 0, 0));
    PCCERT_CONTEXT found = CertEnumCertificatesInStore(collection, NULL);
    assert_non_null(found);
    assert_true(CertCloseStore(collection, 0));
    assert_true(CertCloseStore(store, 0)); /* with contexts still held */
    assert_int_equal(added->cbCertEncoded, leaf->cbCertEncoded);
    assert_memory_equal(found->pbCertEncoded, leaf->pbCertEncoded, leaf->cbCertEncoded);
    assert_true(CertFreeCertificateContext(found));
    assert_true(CertFreeCertificateContext(added));
}

/* CryptCreateHash and its kin are not there (divergences.md); a certificate's own hashes are properties. */
static void rule_107_fingerprints(void **state)
{
    static const struct {
        DWORD property, size;
    } hashes[] = {{CERT_SHA1_HASH_PROP_ID, 20}, {CERT_SHA256_HASH_PROP_ID, 32}};
    for (size_t i = 0; i < COUNT(hashes); i++) {
        BYTE got[32], expected[32];
        DWORD size = sizeof got;
        assert_true(CertGetCertificateContextProperty(leaf, hashes[i].property, got, &size));
        assert_int_equal(size, hashes[i].size);
        assert_int_equal(EVP_Digest(leaf->pbCertEncoded, leaf->cbCertEncoded, expected, NULL,
                                    i == 0 ? EVP_sha1() : EVP_sha256(), NULL),
                         1);
        assert_memory_equal(got, expected, size);
    }
}

int main(void)
{
    if (!tls_has_pki()) {
        return 0;
    }
    leaf = tls_load("server-p256");
    others = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    PCCERT_CONTEXT intermediate = tls_load("intermediate");
    (void)CertAddCertificateContextToStore(others, intermediate, CERT_STORE_ADD_ALWAYS, NULL);
    CertFreeCertificateContext(intermediate);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_95_the_peers_chain),
        cmocka_unit_test(rule_96_the_connection),
        cmocka_unit_test(rule_97_chains),
        cmocka_unit_test(rule_98_engines),
        cmocka_unit_test(rule_99_policy),
        cmocka_unit_test(rule_100_names),
        cmocka_unit_test(rule_101_objects),
        cmocka_unit_test(rule_102_base64),
        cmocka_unit_test(rule_103_pfx),
        cmocka_unit_test(rule_104_searches),
        cmocka_unit_test(rule_105_decoding),
        cmocka_unit_test(rule_106_stores),
        cmocka_unit_test(rule_107_fingerprints),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    CertFreeCertificateContext(leaf);
    (void)CertCloseStore(others, 0);
    return failed;
}
