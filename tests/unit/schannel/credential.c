/* AcquireCredentialsHandle: which structures, certificates and protocols are taken, and what answers the others
 * (windows-behaviour S1 to S15). */
#include "link.h"

#include "schannel/credential.h"
#include "schannel/restrict.h"

static CERT_CONTEXT bogus = {
    .dwCertEncodingType = X509_ASN_ENCODING, .pbCertEncoded = (BYTE *)"\x30\x03\x02\x01\x01", .cbCertEncoded = 5};

static SECURITY_STATUS acquire(ULONG use, void *auth_data)
{
    CredHandle handle = {0, 0};
    SECURITY_STATUS status = AcquireCredentialsHandleA(NULL, UNISP, use, NULL, auth_data, NULL, NULL, &handle, NULL);
    if (status == SEC_E_OK) {
        assert_status(FreeCredentialsHandle(&handle), SEC_E_OK);
    }
    return status;
}

static void uses(void **state)
{
    SCHANNEL_CRED cred = {.dwVersion = SCHANNEL_CRED_VERSION};
    assert_status(acquire(0, &cred), SEC_E_NO_CREDENTIALS);
    assert_status(acquire(SECPKG_CRED_BOTH, &cred), SEC_E_NO_CREDENTIALS);
    assert_status(acquire(SECPKG_CRED_BOTH, NULL), SEC_E_NO_CREDENTIALS);
    assert_status(acquire(SECPKG_CRED_INBOUND, NULL), SEC_E_NO_CREDENTIALS);
    assert_status(acquire(SECPKG_CRED_OUTBOUND, NULL), SEC_E_OK);
    assert_status(acquire(SECPKG_CRED_INBOUND, &cred), SEC_E_OK);
    assert_status(acquire(SECPKG_CRED_OUTBOUND, &cred), SEC_E_OK);
}

static void names(void **state)
{
    static const char *const all[] = {"Schannel", "microsoft unified security protocol provider", "Default TLS SSP"};
    for (size_t i = 0; i < 3; i++) {
        CredHandle handle;
        assert_status(AcquireCredentialsHandleA(NULL, (SEC_CHAR *)(uintptr_t)all[i], SECPKG_CRED_OUTBOUND, NULL, NULL,
                                                NULL, NULL, &handle, NULL),
                      SEC_E_OK);
        assert_status(FreeCredentialsHandle(&handle), SEC_E_OK);
    }
}

static void package_information(void **state)
{
    static const char *const all[] = {"Schannel", "Microsoft Unified Security Protocol Provider", "Default TLS SSP"};
    for (size_t i = 0; i < 3; i++) {
        PSecPkgInfoA info = NULL;
        assert_status(QuerySecurityPackageInfoA((SEC_CHAR *)(uintptr_t)all[i], &info), SEC_E_OK);
        assert_string_equal(info->Name, all[i]);
        assert_int_equal(info->fCapabilities & ~0x400000u, 0x107b3);
        assert_int_equal(info->wRPCID, 14);
        assert_int_equal(info->cbMaxToken, 24576);
        assert_status(FreeContextBuffer(info), SEC_E_OK);
    }
    PSecPkgInfoA infos = NULL;
    ULONG count = 0;
    unsigned found = 0;
    assert_status(EnumerateSecurityPackagesA(&count, &infos), SEC_E_OK);
    for (ULONG i = 0; i < count; i++) {
        found += strcmp(infos[i].Name, all[0]) == 0 || strcmp(infos[i].Name, all[1]) == 0;
    }
    assert_int_equal(found, 2);
    assert_status(FreeContextBuffer(infos), SEC_E_OK);
}

static void no_name(void **state)
{
    CredHandle handle;
    SecPkgCredentials_NamesA name;
    assert_status(AcquireCredentialsHandleA(NULL, UNISP, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL, &handle, NULL),
                  SEC_E_OK);
    assert_status(QueryCredentialsAttributesA(&handle, SECPKG_CRED_ATTR_NAMES, &name), SEC_E_NO_CREDENTIALS);
    assert_status(FreeCredentialsHandle(&handle), SEC_E_OK);
}

/* A key that cannot be found where the certificate says it is. */
static void missing_key(void **state)
{
    struct certificate *lost = NULL;
    assert_status(certificate_new(certificate_x509(link_certificate("rsa")), &lost), SEC_E_OK);
    assert_status(certificate_set_key_place(lost, "/nonexistent/sspi-test.key", BYTES_NONE), SEC_E_OK);
    PCCERT_CONTEXT all[] = {certificate_context(lost)};
    SCHANNEL_CRED cred = {.dwVersion = SCHANNEL_CRED_VERSION, .cCreds = 1, .paCred = all};
    assert_status(acquire(SECPKG_CRED_OUTBOUND, &cred), SEC_E_UNKNOWN_CREDENTIALS);
    certificate_drop(lost);
}

static void structures(void **state)
{
    static const struct {
        DWORD version;
        SECURITY_STATUS status;
    } cases[] = {{0, SEC_E_UNKNOWN_CREDENTIALS},
                 {1, SEC_E_UNKNOWN_CREDENTIALS},
                 {2, SEC_E_UNKNOWN_CREDENTIALS},
                 {3, SEC_E_INSUFFICIENT_MEMORY},
                 {4, SEC_E_OK},
                 {5, SEC_E_OK},
                 {6, SEC_E_UNKNOWN_CREDENTIALS},
                 {0xffffffff, SEC_E_UNKNOWN_CREDENTIALS}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        union {
            SCHANNEL_CRED v4;
            SCH_CREDENTIALS v5;
        } cred = {.v4 = {.dwVersion = cases[i].version}};
        assert_status(acquire(SECPKG_CRED_OUTBOUND, &cred), cases[i].status);
        assert_status(acquire(SECPKG_CRED_INBOUND, &cred), cases[i].status);
    }
}

static void protocols(void **state)
{
    static const struct {
        DWORD enabled;
        SECURITY_STATUS outbound, inbound;
    } cases[] = {
        {SP_PROT_TLS1_2_CLIENT, SEC_E_OK, SEC_E_ALGORITHM_MISMATCH},
        {SP_PROT_TLS1_2_SERVER, SEC_E_ALGORITHM_MISMATCH, SEC_E_OK},
        {SP_PROT_TLS1_2 | SP_PROT_TLS1_3, SEC_E_OK, SEC_E_OK},
        {SP_PROT_TLS1_0_CLIENT, SEC_E_OK, SEC_E_ALGORITHM_MISMATCH},
        {SP_PROT_DTLS1_2, SEC_E_OK, SEC_E_OK},
        {SP_PROT_DTLS1_2_CLIENT | SP_PROT_TLS1_2_CLIENT, SEC_E_ALGORITHM_MISMATCH, SEC_E_ALGORITHM_MISMATCH},
        {SP_PROT_DTLS1_2_SERVER | SP_PROT_SSL3_CLIENT, SEC_E_ALGORITHM_MISMATCH, SEC_E_ALGORITHM_MISMATCH},
        {SP_PROT_SSL2 | SP_PROT_SSL3, SEC_E_ALGORITHM_MISMATCH, SEC_E_ALGORITHM_MISMATCH},
        {0, SEC_E_OK, SEC_E_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SCHANNEL_CRED cred = {.dwVersion = SCHANNEL_CRED_VERSION, .grbitEnabledProtocols = cases[i].enabled};
        assert_status(acquire(SECPKG_CRED_OUTBOUND, &cred), cases[i].outbound);
        assert_status(acquire(SECPKG_CRED_INBOUND, &cred), cases[i].inbound);
    }
}

static struct schannel_credential *take(struct credential_in *in)
{
    struct credential *credential = NULL;
    uint64_t expiry;
    assert_status(schannel_acquire(in, &credential, &expiry), SEC_E_OK);
    return (struct schannel_credential *)credential;
}

/* Without a word about protocols: version 4 is TLS 1.2 alone, by which programs choose to be spared TLS 1.3; version 5 has both.
 * TLS 1.0 and 1.1 have to be named. */
static void usual_protocols(void **state)
{
    SCHANNEL_CRED v4 = {.dwVersion = SCHANNEL_CRED_VERSION};
    SCHANNEL_CRED datagrams = {.dwVersion = SCHANNEL_CRED_VERSION, .dwFlags = SCH_USE_DTLS_ONLY};
    SCH_CREDENTIALS v5 = {.dwVersion = SCH_CREDENTIALS_VERSION};
    const struct {
        const void *auth_data;
        uint32_t client, server;
    } cases[] = {{&v4, SP_PROT_TLS1_2_CLIENT, SP_PROT_TLS1_2_SERVER},
                 {&datagrams, SP_PROT_DTLS1_2_CLIENT, SP_PROT_DTLS1_2_SERVER},
                 {&v5, SP_PROT_TLS1_2_CLIENT | SP_PROT_TLS1_3_CLIENT, SP_PROT_TLS1_2_SERVER | SP_PROT_TLS1_3_SERVER}};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        bool client = i % 2 == 0;
        struct credential_in in = {.use = client ? SECPKG_CRED_OUTBOUND : SECPKG_CRED_INBOUND,
                                   .auth_data = cases[i / 2].auth_data};
        struct schannel_credential *credential = take(&in);
        assert_int_equal(credential->protocols, client ? cases[i / 2].client : cases[i / 2].server);
        schannel_release(&credential->base);
    }
}

static void certificates(void **state)
{
    struct certificate *keyless = NULL;
    assert_status(certificate_new(certificate_x509(link_certificate("rsa")), &keyless), SEC_E_OK);
    PCCERT_CONTEXT good = certificate_context(link_certificate("p256"));
    const struct {
        PCCERT_CONTEXT all[2];
        DWORD count;
        SECURITY_STATUS status;
    } cases[] = {
        {{good}, 1, SEC_E_OK},
        {{good}, 0, SEC_E_OK},
        {{&bogus}, 1, SEC_E_UNKNOWN_CREDENTIALS},
        {{NULL}, 1, SEC_E_UNKNOWN_CREDENTIALS},
        {{certificate_context(keyless)}, 1, SEC_E_NO_CREDENTIALS},
        {{good, &bogus}, 2, SEC_E_UNKNOWN_CREDENTIALS},
        {{&bogus, good}, 2, SEC_E_UNKNOWN_CREDENTIALS},
        {{good, certificate_context(link_certificate("rsa"))}, 2, SEC_E_OK},
        {{good}, 101, SEC_E_UNKNOWN_CREDENTIALS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PCCERT_CONTEXT all[2] = {cases[i].all[0], cases[i].all[1]};
        SCHANNEL_CRED v4 = {.dwVersion = SCHANNEL_CRED_VERSION, .cCreds = cases[i].count, .paCred = all};
        SCH_CREDENTIALS v5 = {.dwVersion = SCH_CREDENTIALS_VERSION, .cCreds = cases[i].count, .paCred = all};
        assert_status(acquire(SECPKG_CRED_OUTBOUND, &v4), cases[i].status);
        assert_status(acquire(SECPKG_CRED_INBOUND, &v4), cases[i].status);
        assert_status(acquire(SECPKG_CRED_INBOUND, &v5), cases[i].status);
    }
    SCHANNEL_CRED counted = {.dwVersion = SCHANNEL_CRED_VERSION, .cCreds = 3};
    assert_status(acquire(SECPKG_CRED_OUTBOUND, &counted), SEC_E_OK); /* paCred is NULL */
    certificate_drop(keyless);
}

/* ---------------------------------------------------------------- what is negotiated under restrictions */

static bool offers(struct schannel_credential *credential, const char *name)
{
    STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(credential->ssl_ctx);
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
        if (strcmp(SSL_CIPHER_standard_name(sk_SSL_CIPHER_value(ciphers, i)), name) == 0) {
            return true;
        }
    }
    return false;
}

static UNICODE_STRING text(const WCHAR *string)
{
    USHORT size = 0;
    while (string[size / 2] != 0) {
        size += 2;
    }
    return (UNICODE_STRING){size, size, (PWSTR)(uintptr_t)string};
}

static void defaults(void **state)
{
    SCHANNEL_CRED v4 = {.dwVersion = SCHANNEL_CRED_VERSION};
    SCH_CREDENTIALS v5 = {.dwVersion = SCH_CREDENTIALS_VERSION};
    struct credential_in in = {.use = SECPKG_CRED_OUTBOUND};
    void *all[] = {NULL, &v4, &v5};
    for (size_t i = 0; i < 3; i++) {
        in.auth_data = all[i];
        struct schannel_credential *credential = take(&in);
        DWORD expected = i == 1 ? SP_PROT_TLS1_2_CLIENT : SP_PROT_TLS1_2_CLIENT | SP_PROT_TLS1_3_CLIENT;
        assert_int_equal(credential->protocols, expected);
        assert_true(offers(credential, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"));
        assert_false(offers(credential, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"));
        assert_false(offers(credential, "TLS_RSA_WITH_NULL_SHA256"));
        assert_int_equal(credential->session_lifespan, 36000);
        schannel_release(&credential->base);
    }
}

static void narrowed_v4(void **state)
{
    ALG_ID algorithms[] = {CALG_AES_256, CALG_ECDH_EPHEM, 0x12345};
    SCHANNEL_CRED v4 = {.dwVersion = SCHANNEL_CRED_VERSION, .cSupportedAlgs = 3, .palgSupportedAlgs = algorithms};
    struct credential_in in = {.use = SECPKG_CRED_OUTBOUND, .auth_data = &v4};
    struct schannel_credential *credential = take(&in);
    assert_true(offers(credential, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"));
    assert_true(offers(credential, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"));
    assert_false(offers(credential, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"));
    assert_false(offers(credential, "TLS_RSA_WITH_AES_256_GCM_SHA384"));
    schannel_release(&credential->base);
    v4 = (SCHANNEL_CRED){.dwVersion = SCHANNEL_CRED_VERSION, .dwMinimumCipherStrength = 256};
    credential = take(&in);
    assert_true(offers(credential, "TLS_RSA_WITH_AES_256_GCM_SHA384"));
    assert_false(offers(credential, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"));
    schannel_release(&credential->base);
    v4.dwMinimumCipherStrength = 300;
    assert_status(acquire(SECPKG_CRED_OUTBOUND, &v4), SEC_E_ALGORITHM_MISMATCH);
}

static void narrowed_v5(void **state)
{
    UNICODE_STRING modes[] = {text(u"ChainingModeCBC")};
    CRYPTO_SETTINGS crypto[] = {
        {.eAlgorithmUsage = TlsParametersCngAlgUsageCipher,
         .strCngAlgId = text(u"AES"),
         .cChainingModes = 1,
         .rgstrChainingModes = modes},
        {.eAlgorithmUsage = TlsParametersCngAlgUsageKeyExchange, .strCngAlgId = text(u"RSA")},
    };
    TLS_PARAMETERS parameters = {
        .grbitDisabledProtocols = ~(DWORD)SP_PROT_TLS1_2, .cDisabledCrypto = 2, .pDisabledCrypto = crypto};
    SCH_CREDENTIALS v5 = {.dwVersion = SCH_CREDENTIALS_VERSION, .cTlsParameters = 1, .pTlsParameters = &parameters};
    struct credential_in in = {.use = SECPKG_CRED_OUTBOUND, .auth_data = &v5};
    struct schannel_credential *credential = take(&in);
    assert_int_equal(credential->protocols, SP_PROT_TLS1_2_CLIENT);
    assert_true(offers(credential, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"));
    assert_false(offers(credential, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"));
    assert_false(offers(credential, "TLS_RSA_WITH_AES_256_GCM_SHA384"));
    schannel_release(&credential->base);
    parameters.grbitDisabledProtocols = ~(DWORD)0;
    assert_status(acquire(SECPKG_CRED_OUTBOUND, &v5), SEC_E_ALGORITHM_MISMATCH);
    v5.pTlsParameters = NULL;
    assert_status(acquire(SECPKG_CRED_OUTBOUND, &v5), SEC_E_OK);
}

/* Nothing of TLS 1.2 is left: OpenSSL's own list is not what stays in force. */
static void test_no_old_suites(void **state)
{
    ALG_ID algorithms[] = {0xAA04}; /* an exchange that no suite has */
    struct restrictions restrictions = {
        .protocols = SP_PROT_TLS1_2_CLIENT | SP_PROT_TLS1_3_CLIENT, .algorithms = algorithms, .algorithm_count = 1};
    SSL_CTX *ssl_ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(ssl_ctx);
    assert_int_equal(restrict_apply(&restrictions, ssl_ctx), SEC_E_OK);
    assert_int_equal(SSL_CTX_get_min_proto_version(ssl_ctx), TLS1_3_VERSION);
    SSL_CTX_free(ssl_ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_old_suites),
        cmocka_unit_test(uses),
        cmocka_unit_test(names),
        cmocka_unit_test(no_name),
        cmocka_unit_test(missing_key),
        cmocka_unit_test(package_information),
        cmocka_unit_test(structures),
        cmocka_unit_test(protocols),
        cmocka_unit_test(usual_protocols),
        cmocka_unit_test(certificates),
        cmocka_unit_test(defaults),
        cmocka_unit_test(narrowed_v4),
        cmocka_unit_test(narrowed_v5),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("schannel credential", tests, NULL, NULL);
}
