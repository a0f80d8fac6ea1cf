/* Rows of docs/windows-behaviour.md for Schannel's credentials, attributes and messages, as a program meets them. */
#include "tls.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>

static struct tls tls;

static void assert_wide(const WCHAR *text, const char *expected)
{
    size_t i = 0;
    for (; expected[i] != '\0'; i++) {
        assert_int_equal(text[i], expected[i]);
    }
    assert_int_equal(text[i], 0);
}

/* ---------------------------------------------------------------- credentials */

static HCERTSTORE import_pfx(const char *name)
{
    static const WCHAR password[] = {'P', 'a', 's', 's', 'w', 'o', 'r', 'd', 0};
    static unsigned char data[16384];
    char path[512];
    snprintf(path, sizeof path, "%s/%s", getenv("SSPI_TEST_PKI"), name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    CRYPT_DATA_BLOB blob = {(DWORD)fread(data, 1, sizeof data, file), data};
    fclose(file);
    HCERTSTORE store = PFXImportCertStore(&blob, password, PKCS12_ALWAYS_CNG_KSP | PKCS12_NO_PERSIST_KEY);
    assert_non_null(store);
    return store;
}

static void test_S15_pfx(void **state)
{
    HCERTSTORE store = import_pfx("server-rsa.pfx");
    PCCERT_CONTEXT certificate =
        CertFindCertificateInStore(store, X509_ASN_ENCODING, 0, CERT_FIND_HAS_PRIVATE_KEY, NULL, NULL);
    assert_non_null(certificate);
    tls_acquire_version(&tls, certificate, SP_PROT_TLS1_2 | SP_PROT_TLS1_3);
    tls_shake(&tls, "www.example.com");
    assert_status(tls.client_status, SEC_E_OK);
    tls_close(&tls);
    SCHANNEL_CRED cred = {.dwVersion = SCHANNEL_CRED_VERSION, .cCreds = 1, .paCred = &certificate};
    CredHandle handle;
    assert_status(
        AcquireCredentialsHandleA(NULL, TLS_NAME, SECPKG_CRED_OUTBOUND, NULL, &cred, NULL, NULL, &handle, NULL),
        SEC_E_OK);
    assert_status(FreeCredentialsHandle(&handle), SEC_E_OK);
    CertFreeCertificateContext(certificate);
    assert_true(CertCloseStore(store, 0));
}

static void test_S16_S17_S18_queries(void **state)
{
    static const DWORD protocols[] = {SP_PROT_TLS1_0_CLIENT, SP_PROT_TLS1_2_CLIENT,
                                      SP_PROT_TLS1_2_CLIENT | SP_PROT_TLS1_3_CLIENT};
    for (size_t i = 0; i < 3; i++) {
        SCHANNEL_CRED cred = {.dwVersion = SCHANNEL_CRED_VERSION, .grbitEnabledProtocols = protocols[i]};
        SecPkgCred_SupportedProtocols supported = {0};
        SecPkgCred_SupportedAlgs algorithms = {0, NULL};
        SecPkgCred_CipherStrengths strengths = {0, 0};
        TimeStamp expiry = {.LowPart = 1};
        CredHandle handle;
        assert_status(
            AcquireCredentialsHandleA(NULL, TLS_NAME, SECPKG_CRED_OUTBOUND, NULL, &cred, NULL, NULL, &handle, &expiry),
            SEC_E_OK);
        assert_int_equal(expiry.LowPart, 0);
        assert_int_equal(expiry.HighPart, 0);
        assert_status(QueryCredentialsAttributesA(&handle, SECPKG_ATTR_SUPPORTED_PROTOCOLS, NULL),
                      SEC_E_INTERNAL_ERROR);
        assert_status(QueryCredentialsAttributesA(&handle, SECPKG_ATTR_SUPPORTED_PROTOCOLS, &supported), SEC_E_OK);
        assert_int_equal(supported.grbitProtocol, protocols[i]);
        assert_status(QueryCredentialsAttributesA(&handle, SECPKG_ATTR_SUPPORTED_ALGS, NULL), SEC_E_INTERNAL_ERROR);
        assert_status(QueryCredentialsAttributesA(&handle, SECPKG_ATTR_SUPPORTED_ALGS, &algorithms), SEC_E_OK);
        assert_true(algorithms.cSupportedAlgs > 0);
        assert_non_null(algorithms.palgSupportedAlgs);
        assert_status(FreeContextBuffer(algorithms.palgSupportedAlgs), SEC_E_OK);
        assert_status(QueryCredentialsAttributesA(&handle, SECPKG_ATTR_CIPHER_STRENGTHS, &strengths), SEC_E_OK);
        assert_int_not_equal(strengths.dwMinimumCipherStrength, 0);
        assert_true(strengths.dwMaximumCipherStrength >= strengths.dwMinimumCipherStrength);
        assert_status(FreeCredentialsHandle(&handle), SEC_E_OK);
    }
}

/* ---------------------------------------------------------------- the hello */

static bool contains(const unsigned char *data, ULONG size, const char *text)
{
    return memmem(data, size, text, strlen(text)) != NULL;
}

static void test_SH17_server_name(void **state)
{
    static const struct {
        const char *target, *name;
    } cases[] = {
        {"www.example.com", "www.example.com"},
        {"other.example.org", "other.example.org"},
        {"192.0.2.1", NULL},
        {"2001:db8::1", NULL},
        {NULL, NULL},
    };
    PCCERT_CONTEXT certificate = tls_load("server-p256");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tls_acquire_version(&tls, certificate, SP_PROT_TLS1_2 | SP_PROT_TLS1_3);
        tls_step_client(&tls, cases[i].target);
        assert_status(tls.client_status, SEC_I_CONTINUE_NEEDED);
        if (cases[i].target != NULL) {
            assert_int_equal(contains(tls.to_server, tls.to_server_size, cases[i].target), cases[i].name != NULL);
        }
        tls_close(&tls);
    }
    CertFreeCertificateContext(certificate);
}

/* ---------------------------------------------------------------- attributes */

static void test_M1_remote_certificate(void **state)
{
    static const DWORD protocols[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};
    for (size_t i = 0; i < 2; i++) {
        PCCERT_CONTEXT remote = NULL;
        PCCERT_CONTEXT sent = tls_load("server-p256");
        tls_open(&tls, "server-p256", protocols[i]);
        assert_status(QueryContextAttributesA(&tls.client, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &remote), SEC_E_OK);
        assert_int_equal(remote->cbCertEncoded, sent->cbCertEncoded);
        assert_memory_equal(remote->pbCertEncoded, sent->pbCertEncoded, sent->cbCertEncoded);
        assert_non_null(remote->hCertStore);
        unsigned count = 0;
        bool itself = false;
        for (PCCERT_CONTEXT one = NULL; (one = CertEnumCertificatesInStore(remote->hCertStore, one)) != NULL;) {
            count++;
            itself = itself || one == remote;
        }
        assert_int_equal(count, 2); /* leaf and intermediate: the root is not sent */
        assert_true(itself);
        CertFreeCertificateContext(remote);
        CertFreeCertificateContext(sent);
        tls_close(&tls);
    }
}

/* The header of SEC_CHANNEL_BINDINGS, and the text that the data begin with. */
static const unsigned char *check_bindings(const SecPkgContext_Bindings *bindings, const char *prefix, ULONG *size)
{
    const SEC_CHANNEL_BINDINGS *head = bindings->Bindings;
    assert_int_equal(sizeof *head, 32);
    assert_int_equal(head->dwInitiatorAddrType, 0);
    assert_int_equal(head->cbInitiatorLength, 0);
    assert_int_equal(head->dwInitiatorOffset, 0);
    assert_int_equal(head->dwAcceptorAddrType, 0);
    assert_int_equal(head->cbAcceptorLength, 0);
    assert_int_equal(head->dwAcceptorOffset, 0);
    assert_int_equal(head->dwApplicationDataOffset, 32);
    assert_int_equal(bindings->BindingsLength, 32 + head->cbApplicationDataLength);
    const unsigned char *data = (const unsigned char *)head + 32;
    assert_true(head->cbApplicationDataLength > strlen(prefix));
    assert_memory_equal(data, prefix, strlen(prefix));
    *size = head->cbApplicationDataLength - (ULONG)strlen(prefix);
    return data + strlen(prefix);
}

static void test_M2_endpoint_bindings(void **state)
{
    static const struct {
        const char *name, *hash;
        ULONG size;
    } cases[] = {{"server-p256", "SHA256", 32}, {"server-sha384", "SHA384", 48}, {"server-sha512", "SHA512", 64}};
    for (size_t i = 0; i < 3; i++) {
        unsigned char expected[64];
        size_t expected_size = 0;
        PCCERT_CONTEXT sent = tls_load(cases[i].name);
        assert_int_equal(
            EVP_Q_digest(NULL, cases[i].hash, NULL, sent->pbCertEncoded, sent->cbCertEncoded, expected, &expected_size),
            1);
        tls_open(&tls, cases[i].name, SP_PROT_TLS1_2);
        PCtxtHandle sides[] = {&tls.client, &tls.server};
        for (int side = 0; side < 2; side++) {
            SecPkgContext_Bindings bindings;
            ULONG size = 0;
            assert_status(QueryContextAttributesA(sides[side], SECPKG_ATTR_ENDPOINT_BINDINGS, &bindings), SEC_E_OK);
            const unsigned char *hash = check_bindings(&bindings, "tls-server-end-point:", &size);
            assert_int_equal(size, cases[i].size);
            assert_memory_equal(hash, expected, size);
            assert_status(FreeContextBuffer(bindings.Bindings), SEC_E_OK);
        }
        CertFreeCertificateContext(sent);
        tls_close(&tls);
    }
}

static void test_M3_unique_bindings(void **state)
{
    SecPkgContext_Bindings of_client, of_server;
    ULONG client_size, server_size;
    tls_open(&tls, "server-p256", SP_PROT_TLS1_2);
    assert_status(QueryContextAttributesA(&tls.client, SECPKG_ATTR_UNIQUE_BINDINGS, &of_client), SEC_E_OK);
    assert_status(QueryContextAttributesA(&tls.server, SECPKG_ATTR_UNIQUE_BINDINGS, &of_server), SEC_E_OK);
    const unsigned char *client = check_bindings(&of_client, "tls-unique:", &client_size);
    const unsigned char *server = check_bindings(&of_server, "tls-unique:", &server_size);
    assert_int_equal(client_size, 12); /* verify_data_length, RFC 5246 7.4.9 */
    assert_int_equal(server_size, 12);
    assert_memory_equal(client, server, 12);
    assert_status(FreeContextBuffer(of_client.Bindings), SEC_E_OK);
    assert_status(FreeContextBuffer(of_server.Bindings), SEC_E_OK);
    tls_close(&tls);
}

static void test_M4_M5_M6_connection(void **state)
{
    SecPkgContext_ConnectionInfo connection;
    SecPkgContext_CipherInfo cipher = {.dwVersion = SECPKGCONTEXT_CIPHERINFO_V1};
    SecPkgContext_KeyInfoA key;
    tls_open(&tls, "server-p256", SP_PROT_TLS1_2);
    assert_status(QueryContextAttributesA(&tls.client, SECPKG_ATTR_CONNECTION_INFO, &connection), SEC_E_OK);
    assert_int_equal(connection.dwProtocol, SP_PROT_TLS1_2_CLIENT);
    assert_true(connection.dwCipherStrength >= 128);
    assert_int_equal(connection.dwHashStrength, 0);
    assert_int_equal(sizeof cipher, 680);
    assert_status(QueryContextAttributesA(&tls.client, SECPKG_ATTR_CIPHER_INFO, &cipher), SEC_E_OK);
    assert_int_equal(cipher.dwProtocol, 0x303);
    assert_int_equal(cipher.dwCipherSuite, 0xC02C);
    assert_int_equal(cipher.dwBaseCipherSuite, 0xC02C);
    assert_wide(cipher.szCipherSuite, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
    assert_wide(cipher.szCipher, "AES");
    assert_int_equal(cipher.dwCipherLen, 256);
    assert_int_equal(cipher.dwCipherBlockLen, 16);
    assert_wide(cipher.szHash, "");
    assert_int_equal(cipher.dwHashLen, 0);
    assert_wide(cipher.szExchange, "ECDH");
    assert_int_equal(cipher.dwMinExchangeLen, 0);
    assert_int_equal(cipher.dwMaxExchangeLen, 65536);
    assert_wide(cipher.szCertificate, "ECDSA");
    assert_true(cipher.dwKeyType == 0x1D || cipher.dwKeyType == 0x17 || cipher.dwKeyType == 0x18);
    assert_status(QueryContextAttributesA(&tls.client, SECPKG_ATTR_KEY_INFO, &key), SEC_E_OK);
    assert_int_equal(key.SignatureAlgorithm, CALG_ECDSA);
    assert_string_equal(key.sSignatureAlgorithmName, "ECDSA");
    assert_true(key.KeySize >= 128);
    assert_status(FreeContextBuffer(key.sSignatureAlgorithmName), SEC_E_OK);
    assert_status(FreeContextBuffer(key.sEncryptAlgorithmName), SEC_E_OK);
    tls_close(&tls);
    tls_open(&tls, "server-rsa", SP_PROT_TLS1_2);
    assert_status(QueryContextAttributesA(&tls.client, SECPKG_ATTR_KEY_INFO, &key), SEC_E_OK);
    assert_int_equal(key.SignatureAlgorithm, CALG_RSA_SIGN);
    assert_string_equal(key.sSignatureAlgorithmName, "RSA");
    assert_status(FreeContextBuffer(key.sSignatureAlgorithmName), SEC_E_OK);
    assert_status(FreeContextBuffer(key.sEncryptAlgorithmName), SEC_E_OK);
    tls_close(&tls);
}

static void test_M7_sizes(void **state)
{
    static const struct {
        DWORD protocol;
        ULONG header;
    } cases[] = {{SP_PROT_TLS1_2, 13}, {SP_PROT_TLS1_3, 5}};
    for (size_t i = 0; i < 2; i++) {
        SecPkgContext_StreamSizes sizes;
        SecPkgContext_NegotiationInfoA negotiation;
        tls_open(&tls, "server-p256", cases[i].protocol);
        assert_status(QueryContextAttributesA(&tls.client, SECPKG_ATTR_STREAM_SIZES, &sizes), SEC_E_OK);
        assert_int_equal(sizes.cbHeader, cases[i].header);
        assert_int_equal(sizes.cBuffers, 4);
        assert_int_equal(sizes.cbMaximumMessage, 16384);
        assert_true(sizes.cbTrailer >= 16);
        assert_status(QueryContextAttributesA(&tls.client, SECPKG_ATTR_NEGOTIATION_INFO, &negotiation),
                      SEC_E_UNSUPPORTED_FUNCTION);
        tls_close(&tls);
    }
}

/* ---------------------------------------------------------------- messages */

static SECURITY_STATUS unseal(PCtxtHandle context, SecBuffer buffers[4], unsigned char *data, ULONG size)
{
    buffers[0] = (SecBuffer){size, SECBUFFER_DATA, data};
    for (int i = 1; i < 4; i++) {
        buffers[i] = (SecBuffer){0, SECBUFFER_EMPTY, NULL};
    }
    SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
    return DecryptMessage(context, &message, 0, NULL);
}

static void test_M8_encrypt(void **state)
{
    static const ULONG kinds[][2] = {{SECBUFFER_STREAM_HEADER, SECBUFFER_STREAM_TRAILER},
                                     {SECBUFFER_TOKEN, SECBUFFER_TOKEN}};
    tls_open(&tls, "server-p256", SP_PROT_TLS1_2);
    for (size_t i = 0; i < 2; i++) {
        unsigned char area[256] = {0};
        SecPkgContext_StreamSizes sizes;
        assert_status(QueryContextAttributesA(&tls.client, SECPKG_ATTR_STREAM_SIZES, &sizes), SEC_E_OK);
        memcpy(area + sizes.cbHeader, "a message", 9);
        SecBuffer buffers[4] = {{sizes.cbHeader, kinds[i][0], area},
                                {9, SECBUFFER_DATA, area + sizes.cbHeader},
                                {sizes.cbTrailer, kinds[i][1], area + sizes.cbHeader + 9},
                                {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc message = {SECBUFFER_VERSION, i == 0 ? 4 : 3, buffers};
        assert_status(EncryptMessage(&tls.client, 0, &message, 0), SEC_E_OK);
        ULONG size = buffers[0].cbBuffer + buffers[1].cbBuffer + buffers[2].cbBuffer;
        assert_int_equal(size, 5 + 8 + 9 + 16);
        assert_int_equal(area[3] << 8 | area[4], size - 5);
        SecBuffer got[4];
        assert_status(unseal(&tls.server, got, area, size), SEC_E_OK);
        assert_int_equal(got[1].cbBuffer, 9);
        assert_memory_equal(got[1].pvBuffer, "a message", 9);
    }
    tls_close(&tls);
}

static void test_M9_decrypt_buffers(void **state)
{
    static const struct {
        ULONG count, types[4];
    } cases[] = {
        {3, {SECBUFFER_DATA, SECBUFFER_EMPTY, SECBUFFER_EMPTY}},
        {4, {SECBUFFER_EMPTY, SECBUFFER_EMPTY, SECBUFFER_EMPTY, SECBUFFER_EMPTY}},
        {4, {SECBUFFER_DATA, SECBUFFER_DATA, SECBUFFER_EMPTY, SECBUFFER_EMPTY}},
        {4, {SECBUFFER_DATA, SECBUFFER_EXTRA, SECBUFFER_EMPTY, SECBUFFER_EMPTY}},
    };
    unsigned char wire[256], copy[256];
    tls_open(&tls, "server-p256", SP_PROT_TLS1_2);
    ULONG size = tls_seal(&tls.client, "a message", 9, wire);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SecBuffer buffers[4];
        memcpy(copy, wire, size);
        for (ULONG b = 0; b < cases[i].count; b++) {
            bool data = b == 0 && cases[i].types[0] == SECBUFFER_DATA;
            buffers[b] = (SecBuffer){data ? size : 0, cases[i].types[b], data ? copy : NULL};
        }
        SecBufferDesc message = {SECBUFFER_VERSION, cases[i].count, buffers};
        assert_status(DecryptMessage(&tls.server, &message, 0, NULL), SEC_E_INVALID_TOKEN);
        assert_memory_equal(copy, wire, size);
    }
    SecBuffer got[4];
    assert_status(unseal(&tls.server, got, wire, size), SEC_E_OK); /* none of it did any harm */
    tls_close(&tls);
}

static void test_M10_missing(void **state)
{
    unsigned char wire[256], copy[256];
    tls_open(&tls, "server-p256", SP_PROT_TLS1_2);
    ULONG size = tls_seal(&tls.client, "a message", 9, wire);
    for (ULONG have = 1; have < size; have++) {
        SecBuffer got[4];
        memcpy(copy, wire, have);
        assert_status(unseal(&tls.server, got, copy, have), SEC_E_INCOMPLETE_MESSAGE);
        assert_int_equal(got[0].BufferType, SECBUFFER_MISSING);
        assert_int_equal(got[1].BufferType, SECBUFFER_MISSING);
        assert_int_equal(got[0].cbBuffer, have < 5 ? 5 - have : size - have);
        assert_int_equal(got[1].cbBuffer, got[0].cbBuffer);
        assert_int_equal(got[2].BufferType, SECBUFFER_EMPTY);
        assert_int_equal(got[3].BufferType, SECBUFFER_EMPTY);
        assert_memory_equal(copy, wire, have);
    }
    SecBuffer got[4];
    assert_status(unseal(&tls.server, got, wire, size), SEC_E_OK);
    tls_close(&tls);
}

static void test_M11_hello_request(void **state)
{
    SecBuffer got[4];
    tls_open(&tls, "server-p256", SP_PROT_TLS1_2);
    tls_step_server(&tls); /* a call without input asks for a renegotiation */
    assert_status(tls.server_status, SEC_I_CONTINUE_NEEDED);
    assert_status(unseal(&tls.client, got, tls.to_client, tls.to_client_size), SEC_I_RENEGOTIATE);
    static const ULONG types[] = {SECBUFFER_STREAM_HEADER, SECBUFFER_DATA, SECBUFFER_STREAM_TRAILER};
    static const ULONG sizes[] = {13, 0, 20};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(got[i].BufferType, types[i]);
        assert_int_equal(got[i].cbBuffer, sizes[i]);
    }
    tls_close(&tls);
}

static void test_M12_M13_decrypt(void **state)
{
    static const DWORD protocols[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3, SP_PROT_TLS1_1};
    for (size_t i = 0; i < 3; i++) {
        unsigned char wire[512];
        SecBuffer got[4];
        tls_open(&tls, i == 2 ? "server-rsa" : "server-p256", protocols[i]);
        ULONG first = tls_seal(&tls.client, "first", 5, wire);
        ULONG second = tls_seal(&tls.client, "and second", 10, wire + first);
        assert_status(unseal(&tls.server, got, wire, first + second), SEC_E_OK); /* its pfQOP is NULL */
        assert_int_equal(got[0].BufferType, SECBUFFER_STREAM_HEADER);
        assert_int_equal(got[1].BufferType, SECBUFFER_DATA);
        assert_int_equal(got[1].cbBuffer, 5);
        assert_memory_equal(got[1].pvBuffer, "first", 5);
        assert_int_equal(got[2].BufferType, SECBUFFER_STREAM_TRAILER);
        assert_int_equal(got[3].BufferType, SECBUFFER_EXTRA);
        assert_int_equal(got[3].cbBuffer, second);
        assert_ptr_equal(got[3].pvBuffer, wire + first);
        assert_status(unseal(&tls.server, got, wire + first, second), SEC_E_OK);
        assert_int_equal(got[1].cbBuffer, 10);
        assert_memory_equal(got[1].pvBuffer, "and second", 10);
        assert_int_equal(got[3].BufferType, SECBUFFER_EMPTY);
        tls_close(&tls);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_S15_pfx),
        cmocka_unit_test(test_S16_S17_S18_queries),
        cmocka_unit_test(test_SH17_server_name),
        cmocka_unit_test(test_M1_remote_certificate),
        cmocka_unit_test(test_M2_endpoint_bindings),
        cmocka_unit_test(test_M3_unique_bindings),
        cmocka_unit_test(test_M4_M5_M6_connection),
        cmocka_unit_test(test_M7_sizes),
        cmocka_unit_test(test_M8_encrypt),
        cmocka_unit_test(test_M9_decrypt_buffers),
        cmocka_unit_test(test_M10_missing),
        cmocka_unit_test(test_M11_hello_request),
        cmocka_unit_test(test_M12_M13_decrypt),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (!tls_has_pki()) {
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
