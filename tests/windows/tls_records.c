/* Rules 77 to 94: Schannel's credentials, records and the end of connections. */
#include "rules.h"

static struct tls connection;
static PCCERT_CONTEXT certificate;

#define HOST "www.example.com"

static DWORD protocol_of(CtxtHandle *context)
{
    SecPkgContext_ConnectionInfo info;
    assert_status(QueryContextAttributesA(context, SECPKG_ATTR_CONNECTION_INFO, &info), SEC_E_OK);
    return info.dwProtocol;
}

static ULONG suite_of(CtxtHandle *context)
{
    SecPkgContext_CipherInfo info;
    memset(&info, 0xcc, sizeof info); /* Qt and pjproject leave dwVersion as it is */
    assert_status(QueryContextAttributesA(context, SECPKG_ATTR_CIPHER_INFO, &info), SEC_E_OK);
    return info.dwCipherSuite;
}

static void shake(void *client, void *server)
{
    tls_acquire(&connection, client, server);
    tls_shake(&connection, HOST);
    assert_status(connection.client_status, SEC_E_OK);
    assert_status(connection.server_status, SEC_E_OK);
}

/* ---------------------------------------------------------------- credentials */

static void rule_77_the_first_word_tells_the_structure(void **state)
{
    SCHANNEL_CRED four = {.dwVersion = 4, .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
    SCH_CREDENTIALS five = {.dwVersion = 5, .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
    SCH_CREDENTIALS server = {.dwVersion = SCH_CREDENTIALS_VERSION, .cCreds = 1, .paCred = &certificate};
    assert_int_equal(SCHANNEL_CRED_VERSION, 4);
    assert_int_equal(SCH_CREDENTIALS_VERSION, 5);
    shake(&four, &server);
    assert_int_equal(protocol_of(&connection.client), SP_PROT_TLS1_2_CLIENT); /* never 1.3 by default */
    tls_close(&connection);
    shake(&five, &server);
    assert_int_equal(protocol_of(&connection.client), SP_PROT_TLS1_3_CLIENT);
    tls_close(&connection);
}

/* curl's complement of what is wanted, with bits that nobody knows; an array on the stack, gone when the call returns. */
static void acquire_from_the_stack(CredHandle *out)
{
    WCHAR chacha[] = u"CHACHA20_POLY1305", gcm[] = u"ChainingModeGCM", aes[] = u"AES";
    UNICODE_STRING mode = {sizeof gcm - sizeof gcm[0], sizeof gcm, gcm};
    CRYPTO_SETTINGS disabled[2] = {{.eAlgorithmUsage = TlsParametersCngAlgUsageCipher,
                                    .strCngAlgId = {sizeof chacha - sizeof chacha[0], sizeof chacha, chacha}},
                                   {.eAlgorithmUsage = TlsParametersCngAlgUsageCipher,
                                    .strCngAlgId = {sizeof aes - sizeof aes[0], sizeof aes, aes},
                                    .cChainingModes = 1,
                                    .rgstrChainingModes = &mode,
                                    .dwMinBitLength = 128,
                                    .dwMaxBitLength = 256}};
    TLS_PARAMETERS parameters = {.grbitDisabledProtocols = (DWORD) ~(SP_PROT_TLS1_2_CLIENT | SP_PROT_TLS1_3_CLIENT),
                                 .cDisabledCrypto = 1,
                                 .pDisabledCrypto = disabled};
    SCH_CREDENTIALS five = {.dwVersion = SCH_CREDENTIALS_VERSION,
                            .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION,
                            .cTlsParameters = 1,
                            .pTlsParameters = &parameters};
    assert_status(AcquireCredentialsHandleA(NULL, TLS_NAME, SECPKG_CRED_OUTBOUND, NULL, &five, NULL, NULL, out, NULL),
                  SEC_E_OK);
    memset(disabled, 0xdd, sizeof disabled);
    memset(chacha, 0xdd, sizeof chacha);
}

static void rule_78_protocols(void **state)
{
    SCHANNEL_CRED defaults = {.dwVersion = SCHANNEL_CRED_VERSION, .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
    SCH_CREDENTIALS empty = {.dwVersion = SCH_CREDENTIALS_VERSION, .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
    SCH_CREDENTIALS server = {.dwVersion = SCH_CREDENTIALS_VERSION, .cCreds = 1, .paCred = &certificate};
    shake(&defaults, &server); /* grbitEnabledProtocols 0 */
    tls_close(&connection);
    shake(&empty, &server); /* no parameters */
    assert_status(FreeCredentialsHandle(&connection.client_credential), SEC_E_OK);
    tls_close_contexts(&connection);
    acquire_from_the_stack(&connection.client_credential);
    tls_shake(&connection, HOST);
    assert_status(connection.client_status, SEC_E_OK);
    assert_int_equal(protocol_of(&connection.client), SP_PROT_TLS1_3_CLIENT);
    assert_int_not_equal(suite_of(&connection.client), 0x1303); /* TLS_CHACHA20_POLY1305_SHA256 */
    tls_close(&connection);
}

static void rule_79_algorithms_narrow_the_ciphers(void **state)
{
    ALG_ID algorithms[] = {CALG_AES_128, CALG_ECDH_EPHEM, CALG_SHA_256, CALG_ECDSA,
                           0x7fff0001}; /* the last one nobody knows */
    SCHANNEL_CRED client = {.dwVersion = SCHANNEL_CRED_VERSION,
                            .cSupportedAlgs = COUNT(algorithms),
                            .palgSupportedAlgs = algorithms,
                            .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
    SCHANNEL_CRED server = {.dwVersion = SCHANNEL_CRED_VERSION, .cCreds = 1, .paCred = &certificate};
    SecPkgContext_ConnectionInfo info;
    shake(&client, &server);
    assert_status(QueryContextAttributesA(&connection.client, SECPKG_ATTR_CONNECTION_INFO, &info), SEC_E_OK);
    assert_int_equal(info.aiCipher, CALG_AES_128);
    tls_close(&connection);
}

static HCERTSTORE import_pfx(const char *name)
{
    static unsigned char data[16384];
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", getenv("SSPI_TEST_PKI"), name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    CRYPT_DATA_BLOB blob = {(DWORD)fread(data, 1, sizeof data, file), data};
    (void)fclose(file);
    return PFXImportCertStore(&blob, wide(u"Password"), 0);
}

/* A list that is there with a count of 0; a client's certificate from a file whose store is closed at once. */
static void rule_80_certificates(void **state)
{
    PCCERT_CONTEXT remote = NULL;
    HCERTSTORE store = import_pfx("server-rsa.pfx");
    assert_non_null(store);
    PCCERT_CONTEXT own = CertFindCertificateInStore(store, X509_ASN_ENCODING | PKCS_7_ASN_ENCODING, 0,
                                                    CERT_FIND_HAS_PRIVATE_KEY, NULL, NULL);
    assert_non_null(own);
    SCHANNEL_CRED client = {.dwVersion = SCHANNEL_CRED_VERSION,
                            .cCreds = 0,
                            .paCred = &certificate,
                            .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION | SCH_CRED_NO_DEFAULT_CREDS};
    SCHANNEL_CRED server = {.dwVersion = SCHANNEL_CRED_VERSION,
                            .cCreds = 1,
                            .paCred = &certificate,
                            .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
    shake(&client, &server);
    tls_close(&connection);
    client.cCreds = 1;
    client.paCred = &own;
    tls_acquire(&connection, &client, &server);
    CertFreeCertificateContext(own);
    assert_true(CertCloseStore(store, 0));
    connection.server_request = ASC_REQ_MUTUAL_AUTH;
    tls_shake(&connection, HOST);
    assert_status(connection.client_status, SEC_E_OK);
    assert_status(QueryContextAttributesA(&connection.server, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &remote), SEC_E_OK);
    CertFreeCertificateContext(remote);
    tls_close(&connection);
}

/* Poco goes back to version 4 for two statuses only. */
static void rule_81_versions_that_are_none(void **state)
{
    static const DWORD versions[] = {0, 1, 6, 77};
    for (size_t i = 0; i < COUNT(versions); i++) {
        SCH_CREDENTIALS unknown = {.dwVersion = versions[i]};
        CredHandle credential;
        SECURITY_STATUS status = AcquireCredentialsHandleA(NULL, TLS_NAME, SECPKG_CRED_OUTBOUND, NULL, &unknown, NULL,
                                                           NULL, &credential, NULL);
        assert_true(status == SEC_E_UNKNOWN_CREDENTIALS || status == SEC_E_UNSUPPORTED_FUNCTION ||
                    status == SEC_E_INTERNAL_ERROR || status == SEC_E_INSUFFICIENT_MEMORY);
    }
    SCH_CREDENTIALS five = {.dwVersion = SCH_CREDENTIALS_VERSION};
    CredHandle credential; /* which never comes up: version 5 is supported */
    assert_status(
        AcquireCredentialsHandleA(NULL, TLS_NAME, SECPKG_CRED_OUTBOUND, NULL, &five, NULL, NULL, &credential, NULL),
        SEC_E_OK);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

static bool resumed(void)
{
    SecPkgContext_SessionInfo info;
    assert_status(QueryContextAttributesA(&connection.client, SECPKG_ATTR_SESSION_INFO, &info), SEC_E_OK);
    return (info.dwFlags & SSL_SESSION_RECONNECT) != 0;
}

static void again(const char *target)
{
    tls_close_contexts(&connection);
    tls_shake(&connection, target);
    assert_status(connection.client_status, SEC_E_OK);
    assert_status(connection.server_status, SEC_E_OK);
}

static void rule_82_sessions_belong_to_credential_and_target(void **state)
{
    tls_open(&connection, "server-p256", SP_PROT_TLS1_2);
    assert_false(resumed());
    again(HOST);
    assert_true(resumed());
    again("a.wild.example.com");
    assert_false(resumed());
    tls_close(&connection);
    tls_open(&connection, "server-p256", SP_PROT_TLS1_2); /* other credentials */
    assert_false(resumed());
    tls_close(&connection);
}

static void rule_83_a_certificate_without_its_key(void **state)
{
    PCCERT_CONTEXT keyless =
        CertCreateCertificateContext(X509_ASN_ENCODING, certificate->pbCertEncoded, certificate->cbCertEncoded);
    SCHANNEL_CRED cred = {.dwVersion = SCHANNEL_CRED_VERSION, .cCreds = 1, .paCred = &keyless};
    CredHandle credential;
    assert_status(
        AcquireCredentialsHandleA(NULL, TLS_NAME, SECPKG_CRED_OUTBOUND, NULL, &cred, NULL, NULL, &credential, NULL),
        SEC_E_NO_CREDENTIALS);
    assert_status(AcquireCredentialsHandleA(NULL, text("No package"), SECPKG_CRED_OUTBOUND, NULL, &cred, NULL, NULL,
                                            &credential, NULL),
                  SEC_E_SECPKG_NOT_FOUND);
    CertFreeCertificateContext(keyless);
}

/* ---------------------------------------------------------------- records */

static const DWORD versions[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};

/* A connection whose tickets have come. */
static void open_connection(DWORD version)
{
    tls_open(&connection, "server-p256", version);
    while (connection.to_client_size != 0) {
        SecBuffer buffers[4] = {{connection.to_client_size, SECBUFFER_DATA, connection.to_client}};
        SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
        assert_status(DecryptMessage(&connection.client, &message, 0, NULL), SEC_E_OK); /* rule 90 */
        ULONG left = buffers[3].BufferType == SECBUFFER_EXTRA ? buffers[3].cbBuffer : 0;
        memmove(connection.to_client, connection.to_client + connection.to_client_size - left, left);
        connection.to_client_size = left;
    }
}

static void rule_84_stream_sizes(void **state)
{
    static const ULONG largest[] = {5 + 16384 + 24, 5 + 16384 + 256}; /* RFC 5288 3; RFC 8446 5.2 */
    for (size_t i = 0; i < COUNT(versions); i++) {
        SecPkgContext_StreamSizes sizes, later;
        open_connection(versions[i]);
        assert_status(QueryContextAttributesA(&connection.client, SECPKG_ATTR_STREAM_SIZES, &sizes), SEC_E_OK);
        assert_true(sizes.cbMaximumMessage <= 16384);
        assert_true(sizes.cbHeader + sizes.cbMaximumMessage + sizes.cbTrailer >= largest[i]);
        unsigned char record[512];
        (void)tls_seal(&connection.client, "x", 1, record);
        assert_status(QueryContextAttributesA(&connection.client, SECPKG_ATTR_STREAM_SIZES, &later), SEC_E_OK);
        assert_memory_equal(&sizes, &later, sizeof sizes);
        tls_close(&connection);
    }
}

static void rule_85_encryption_in_place(void **state)
{
    for (size_t i = 0; i < 2 * COUNT(versions); i++) {
        static unsigned char area[32768];
        SecPkgContext_StreamSizes sizes;
        open_connection(versions[i / 2]);
        assert_status(QueryContextAttributesA(&connection.client, SECPKG_ATTR_STREAM_SIZES, &sizes), SEC_E_OK);
        ULONG n = sizes.cbMaximumMessage;
        memset(area + sizes.cbHeader, 'x', n);
        SecBuffer buffers[4] = {{sizes.cbHeader, SECBUFFER_STREAM_HEADER, area},
                                {n, SECBUFFER_DATA, area + sizes.cbHeader},
                                {sizes.cbTrailer, SECBUFFER_STREAM_TRAILER, area + sizes.cbHeader + n},
                                {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc message = {SECBUFFER_VERSION, i % 2 == 0 ? 4 : 3, buffers}; /* three by libgit2 */
        buffers[1].cbBuffer = n + 1;
        assert_true(EncryptMessage(&connection.client, 0, &message, 0) < 0);
        buffers[1].cbBuffer = n;
        buffers[0].cbBuffer = sizes.cbHeader;
        buffers[2].cbBuffer = sizes.cbTrailer;
        assert_status(EncryptMessage(&connection.client, 0, &message, 0), SEC_E_OK);
        assert_int_equal(buffers[0].cbBuffer, sizes.cbHeader);
        assert_int_equal(buffers[1].cbBuffer, n);
        assert_true(buffers[2].cbBuffer <= sizes.cbTrailer);
        ULONG total = buffers[0].cbBuffer + buffers[1].cbBuffer + buffers[2].cbBuffer;
        assert_int_equal((ULONG)(area[3] << 8 | area[4]) + 5, total); /* one record */
        SecBuffer in[4] = {{total, SECBUFFER_DATA, area}};
        SecBufferDesc received = {SECBUFFER_VERSION, 4, in};
        assert_status(DecryptMessage(&connection.server, &received, 0, NULL), SEC_E_OK);
        assert_int_equal(in[1].cbBuffer, n);
        tls_close(&connection);
    }
}

static void rule_86_and_88_decryption(void **state)
{
    for (size_t i = 0; i < COUNT(versions); i++) {
        static unsigned char data[1024], before[1024];
        open_connection(versions[i]);
        ULONG first = tls_seal(&connection.client, "first", 5, data);
        ULONG both = first + tls_seal(&connection.client, "second", 6, data + first);
        memcpy(before, data, both);
        for (ULONG size = 0; size < first; size++) { /* rule 88 */
            SecBuffer piece[4] = {{size, SECBUFFER_DATA, data}};
            SecBufferDesc received = {SECBUFFER_VERSION, 4, piece};
            assert_status(DecryptMessage(&connection.server, &received, 0, NULL), SEC_E_INCOMPLETE_MESSAGE);
            assert_memory_equal(data, before, both);
        }
        SecBuffer in[4] = {{both, SECBUFFER_DATA, data}};
        SecBufferDesc received = {SECBUFFER_VERSION, 4, in};
        assert_status(DecryptMessage(&connection.server, &received, 0, NULL), SEC_E_OK);
        assert_int_equal(in[0].BufferType, SECBUFFER_STREAM_HEADER);
        assert_int_equal(in[1].BufferType, SECBUFFER_DATA);
        assert_int_equal(in[2].BufferType, SECBUFFER_STREAM_TRAILER);
        assert_int_equal(in[3].BufferType, SECBUFFER_EXTRA);
        assert_true((unsigned char *)in[1].pvBuffer > data && (unsigned char *)in[1].pvBuffer < data + first);
        assert_memory_equal(in[1].pvBuffer, "first", 5); /* one record for a call */
        assert_int_equal(in[1].cbBuffer, 5);
        assert_int_equal(in[3].cbBuffer, both - first);
        assert_memory_equal(in[3].pvBuffer, before + first, both - first);
        SecBuffer rest[4] = {{in[3].cbBuffer, SECBUFFER_DATA, in[3].pvBuffer}};
        received.pBuffers = rest;
        assert_status(DecryptMessage(&connection.server, &received, 0, NULL), SEC_E_OK);
        assert_memory_equal(rest[1].pvBuffer, "second", 6);
        assert_int_not_equal(rest[3].BufferType, SECBUFFER_EXTRA);
        tls_close(&connection);
    }
}

static void rule_87_and_91_empty_records(void **state)
{
    for (size_t i = 0; i < COUNT(versions); i++) {
        unsigned char data[512];
        open_connection(versions[i]);
        ULONG size = tls_seal(&connection.client, "", 0, data);
        ULONG more = tls_seal(&connection.client, "more", 4, data + size);
        SecBuffer in[4] = {{size + more, SECBUFFER_DATA, data}};
        SecBufferDesc received = {SECBUFFER_VERSION, 4, in};
        assert_status(DecryptMessage(&connection.server, &received, 0, NULL), SEC_E_OK);
        if (size != 0) { /* an AEAD suite makes empty records */
            assert_int_equal(in[1].BufferType, SECBUFFER_DATA);
            assert_int_equal(in[1].cbBuffer, 0);
            assert_non_null(in[1].pvBuffer);
            assert_int_equal(in[3].BufferType, SECBUFFER_EXTRA);
            assert_int_equal(in[3].cbBuffer, more);
        }
        tls_close(&connection);
    }
}

/* ---------------------------------------------------------------- the end */

/* curl's schannel_shutdown: a control token, then a step without input. */
static SECURITY_STATUS shut_down(CtxtHandle *context, bool same_descriptor, SecBuffer *out)
{
    DWORD word = SCHANNEL_SHUTDOWN;
    SecBuffer control = {sizeof word, SECBUFFER_TOKEN, &word};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, &control}, output = {SECBUFFER_VERSION, 1, out};
    ULONG attributes = 0;
    assert_int_equal(SCHANNEL_SHUTDOWN, 1);
    assert_status(ApplyControlToken(context, &input), SEC_E_OK);
    *out = (SecBuffer){0, SECBUFFER_TOKEN, NULL};
    if (context == &connection.server) {
        return AcceptSecurityContext(&connection.server_credential, context, same_descriptor ? &output : NULL,
                                     ASC_REQ_STREAM | ASC_REQ_ALLOCATE_MEMORY, 0, NULL, &output, &attributes, NULL);
    }
    return InitializeSecurityContextA(&connection.client_credential, context, NULL, CURL_TLS, 0, 0,
                                      same_descriptor ? &output : NULL, 0, NULL, &output, &attributes, NULL);
}

static void rule_89_and_92_close_notify(void **state)
{
    for (size_t i = 0; i < 4 * COUNT(versions); i++) {
        SecBuffer alert;
        bool by_server = (i & 1) != 0;
        open_connection(versions[i / 4]);
        assert_status(shut_down(by_server ? &connection.server : &connection.client, (i & 2) != 0, &alert), SEC_E_OK);
        assert_true(alert.cbBuffer > 5);
        SecBuffer in[4] = {{alert.cbBuffer, SECBUFFER_DATA, alert.pvBuffer}};
        SecBufferDesc received = {SECBUFFER_VERSION, 4, in};
        assert_status(DecryptMessage(by_server ? &connection.client : &connection.server, &received, 0, NULL),
                      SEC_I_CONTEXT_EXPIRED);
        assert_true(SEC_I_CONTEXT_EXPIRED > 0);
        assert_status(FreeContextBuffer(alert.pvBuffer), SEC_E_OK);
        tls_close(&connection);
    }
}

/* Tickets are swallowed (open_connection takes them), and each program's way of stepping once more says OK at once. */
static void rule_90_tickets_do_not_interrupt(void **state)
{
    for (size_t style = 0; style < 2; style++) {
        unsigned char record[256];
        tls_open(&connection, "server-p256", SP_PROT_TLS1_3);
        assert_true(connection.to_client_size > 0); /* tickets */
        if (style == 1) {                           /* curl, MariaDB: what is there goes into a step first */
            SecBuffer in[2] = {{connection.to_client_size, SECBUFFER_TOKEN, connection.to_client},
                               {0, SECBUFFER_EMPTY, NULL}};
            SecBuffer out[1] = {{0, SECBUFFER_TOKEN, NULL}};
            SecBufferDesc input = {SECBUFFER_VERSION, 2, in}, output = {SECBUFFER_VERSION, 1, out};
            ULONG attributes = 0;
            assert_status(InitializeSecurityContextA(&connection.client_credential, &connection.client, text(HOST),
                                                     CURL_TLS, 0, 0, &input, 0, NULL, &output, &attributes, NULL),
                          SEC_E_OK);
            assert_int_equal(out[0].cbBuffer, 0);
        }
        ULONG size = tls_seal(&connection.server, "answer", 6, record);
        memcpy(connection.to_client + connection.to_client_size, record, size);
        unsigned char *data = connection.to_client;
        ULONG left = connection.to_client_size + size;
        for (int calls = 0;; calls++) {
            assert_true(calls < 8);
            SecBuffer buffers[4] = {{left, SECBUFFER_DATA, data}};
            SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
            assert_status(DecryptMessage(&connection.client, &message, 0, NULL), SEC_E_OK);
            assert_non_null(buffers[1].pvBuffer);
            if (buffers[1].cbBuffer != 0) {
                assert_memory_equal(buffers[1].pvBuffer, "answer", 6);
                break;
            }
            data = buffers[3].pvBuffer;
            left = buffers[3].cbBuffer;
        }
        tls_close(&connection);
    }
}

/* Qt: a step without input on a connection that stands.  Under TLS 1.3 there is no renegotiation, and nothing breaks. */
static void rule_93_a_client_that_steps_without_reason(void **state)
{
    for (size_t i = 0; i < COUNT(versions); i++) {
        SecBuffer out[1] = {{0, SECBUFFER_TOKEN, NULL}};
        SecBufferDesc output = {SECBUFFER_VERSION, 1, out};
        unsigned char record[256];
        ULONG attributes = 0;
        open_connection(versions[i]);
        SECURITY_STATUS status =
            InitializeSecurityContextA(&connection.client_credential, &connection.client, text(HOST), CURL_TLS, 0, 0,
                                       NULL, 0, NULL, &output, &attributes, NULL);
        assert_true(versions[i] == SP_PROT_TLS1_3 ? status < 0 || status == SEC_E_OK : status == SEC_I_CONTINUE_NEEDED);
        assert_status(FreeContextBuffer(out[0].pvBuffer), SEC_E_OK);
        ULONG size = tls_seal(&connection.server, "still here", 10, record);
        SecBuffer in[4] = {{size, SECBUFFER_DATA, record}};
        SecBufferDesc received = {SECBUFFER_VERSION, 4, in};
        if (versions[i] == SP_PROT_TLS1_3) {
            assert_status(DecryptMessage(&connection.client, &received, 0, NULL), SEC_E_OK);
            assert_memory_equal(in[1].pvBuffer, "still here", 10);
        }
        tls_close(&connection);
    }
}

/* curl takes a failure for an error in sending, mongo does not look: it succeeds, and again. */
static void rule_94_the_control_token_is_taken(void **state)
{
    DWORD word = SCHANNEL_SHUTDOWN;
    SecBuffer control = {sizeof word, SECBUFFER_TOKEN, &word};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, &control};
    CtxtHandle none = {0, 0};
    open_connection(SP_PROT_TLS1_2);
    assert_status(ApplyControlToken(&connection.client, &input), SEC_E_OK);
    assert_status(ApplyControlToken(&connection.client, &input), SEC_E_OK);
    assert_status(ApplyControlToken(&none, &input), SEC_E_INVALID_HANDLE);
    tls_close(&connection);
}

int main(void)
{
    if (!tls_has_pki()) {
        return 0;
    }
    certificate = tls_load_chain("server-p256");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_77_the_first_word_tells_the_structure),
        cmocka_unit_test(rule_78_protocols),
        cmocka_unit_test(rule_79_algorithms_narrow_the_ciphers),
        cmocka_unit_test(rule_80_certificates),
        cmocka_unit_test(rule_81_versions_that_are_none),
        cmocka_unit_test(rule_82_sessions_belong_to_credential_and_target),
        cmocka_unit_test(rule_83_a_certificate_without_its_key),
        cmocka_unit_test(rule_84_stream_sizes),
        cmocka_unit_test(rule_85_encryption_in_place),
        cmocka_unit_test(rule_86_and_88_decryption),
        cmocka_unit_test(rule_87_and_91_empty_records),
        cmocka_unit_test(rule_89_and_92_close_notify),
        cmocka_unit_test(rule_90_tickets_do_not_interrupt),
        cmocka_unit_test(rule_93_a_client_that_steps_without_reason),
        cmocka_unit_test(rule_94_the_control_token_is_taken),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    CertFreeCertificateContext(certificate);
    return failed;
}
