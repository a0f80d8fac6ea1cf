/* TLS as a program has it: the shared library, certificates from files, automatic validation against a store of roots. */
#include "tls.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Right, and wrong in one way each (tests/support/pki.py). */
static void test_validation(void **state)
{
    static const struct {
        const char *name, *target;
        SECURITY_STATUS status;
    } cases[] = {
        {"server-p256", "www.example.com", SEC_E_OK},
        {"server-rsa", "www.example.com", SEC_E_OK},
        {"server-ed25519", "www.example.com", SEC_E_OK},
        {"server-rsa", "192.0.2.1", SEC_E_OK},
        {"server-rsa", "www.example.org", SEC_E_WRONG_PRINCIPAL},
        {"wrongname", "www.example.com", SEC_E_WRONG_PRINCIPAL},
        {"expired", "www.example.com", SEC_E_CERT_EXPIRED},
        {"notyet", "www.example.com", SEC_E_CERT_EXPIRED},
        {"wrongusage", "www.example.com", SEC_E_CERT_WRONG_USAGE},
        {"unknown", "www.example.com", SEC_E_UNTRUSTED_ROOT},
        {"selfsigned", "www.example.com", SEC_E_UNTRUSTED_ROOT},
    };
    PCCERT_CONTEXT intermediate = tls_load("intermediate");
    HCERTSTORE roots = tls_roots();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct tls tls;
        PCCERT_CONTEXT certificate = tls_load(cases[i].name);
        CertAddCertificateContextToStore(certificate->hCertStore, intermediate, CERT_STORE_ADD_ALWAYS, NULL);
        tls_acquire_plain(&tls, certificate, roots);
        tls_shake(&tls, cases[i].target);
        if (tls.client_status != cases[i].status) {
            print_message("%s for %s: %08x\n", cases[i].name, cases[i].target, (unsigned)tls.client_status);
        }
        assert_int_equal(tls.client_status, cases[i].status);
        if (cases[i].status != SEC_E_OK) {
            assert_int_not_equal(tls.server_status, SEC_E_OK); /* the alert has told it */
        }
        tls_close(&tls);
        CertFreeCertificateContext(certificate);
    }
    assert_true(CertCloseStore(roots, 0));
    CertFreeCertificateContext(intermediate);
}

/* ---------------------------------------------------------------- the user's own certificate */

static void copy_file(const char *from, const char *to, const char *suffix)
{
    static char data[65536];
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", getenv("SSPI_TEST_PKI"), from);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    snprintf(path, sizeof path, "%s/sspi/my/%s%s", getenv("XDG_DATA_HOME"), to, suffix);
    int out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(out >= 0);
    assert_int_equal(write(out, data, size), size);
    close(out);
}

/* A home of our own, in which MY has a certificate that is too old, a server's, and the right one. */
static void make_my(char directory[64])
{
    static const char *const names[][2] = {{"expired", "1"}, {"server-rsa", "2"}, {"client", "3"}};
    char path[1024];
    snprintf(directory, 64, "/tmp/sspi-test-XXXXXX");
    assert_non_null(mkdtemp(directory));
    setenv("XDG_DATA_HOME", directory, 1);
    snprintf(path, sizeof path, "%s/sspi", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/sspi/my", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s.chain.pem", names[i][0]);
        copy_file(name, names[i][1], ".pem");
        snprintf(name, sizeof name, "%s.key", names[i][0]);
        copy_file(name, names[i][1], ".key");
    }
}

static void remove_my(const char *directory)
{
    static const char *const names[] = {"my/1.pem", "my/1.key", "my/2.pem", "my/2.key",
                                        "my/3.pem", "my/3.key", "my",       ""};
    char path[1024];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/sspi/%s", directory, names[i]);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(rmdir(directory), 0);
    unsetenv("XDG_DATA_HOME");
}

static void test_own_certificate(void **state)
{
    static const struct {
        DWORD flags;
        ULONG request;
        bool names_authorities;
        SECURITY_STATUS status;
        bool shown;
    } cases[] = {
        {0, 0, true, SEC_E_OK, true},
        {SCH_CRED_USE_DEFAULT_CREDS, 0, true, SEC_E_OK, true},
        {SCH_CRED_NO_DEFAULT_CREDS, 0, true, SEC_I_INCOMPLETE_CREDENTIALS, false},
        {0, ISC_REQ_USE_SUPPLIED_CREDS, true, SEC_E_OK, false},
        {0, 0, false, SEC_I_INCOMPLETE_CREDENTIALS, false}, /* who names nobody is shown nobody */
    };
    static struct tls tls;
    char directory[64];
    make_my(directory);
    PCCERT_CONTEXT certificate = tls_load("server-p256"), expected = tls_load("client");
    HCERTSTORE roots = tls_roots();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SCH_CREDENTIALS client = {.dwVersion = SCH_CREDENTIALS_VERSION,
                                  .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION | cases[i].flags};
        SCH_CREDENTIALS server = {.dwVersion = SCH_CREDENTIALS_VERSION,
                                  .cCreds = 1,
                                  .paCred = &certificate,
                                  .hRootStore = cases[i].names_authorities ? roots : NULL,
                                  .dwFlags = cases[i].names_authorities ? 0 : SCH_CRED_MANUAL_CRED_VALIDATION};
        tls_acquire(&tls, &client, &server);
        tls.client_request = cases[i].request;
        tls.server_request = ASC_REQ_MUTUAL_AUTH;
        tls_shake(&tls, "www.example.com");
        assert_status(tls.client_status, cases[i].status);
        PCCERT_CONTEXT seen = NULL;
        if (cases[i].status == SEC_I_INCOMPLETE_CREDENTIALS) {
            assert_int_equal(tls.to_server_size, 0); /* nothing to send, and cbBuffer says so */
        }
        if (cases[i].status == SEC_E_OK) {
            assert_status(tls.server_status, SEC_E_OK);
            assert_status(QueryContextAttributesA(&tls.server, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &seen),
                          cases[i].shown ? SEC_E_OK : SEC_E_NO_CREDENTIALS);
        }
        if (cases[i].shown) {
            assert_int_equal(seen->cbCertEncoded, expected->cbCertEncoded);
            assert_memory_equal(seen->pbCertEncoded, expected->pbCertEncoded, expected->cbCertEncoded);
            CertFreeCertificateContext(seen);
        }
        tls_close(&tls);
    }
    CertFreeCertificateContext(certificate);
    CertFreeCertificateContext(expected);
    assert_true(CertCloseStore(roots, 0));
    remove_my(directory);
}

/* ---------------------------------------------------------------- sessions that wait for leave */

static bool resumes(struct tls *tls)
{
    SecPkgContext_SessionInfo of_client = {0}, of_server = {0};
    tls_shake(tls, "www.example.com");
    assert_status(tls->client_status, SEC_E_OK);
    assert_status(tls->server_status, SEC_E_OK);
    assert_status(QueryContextAttributesA(&tls->client, SECPKG_ATTR_SESSION_INFO, &of_client), SEC_E_OK);
    assert_status(QueryContextAttributesA(&tls->server, SECPKG_ATTR_SESSION_INFO, &of_server), SEC_E_OK);
    assert_int_equal(of_client.dwFlags, of_server.dwFlags);
    return (of_client.dwFlags & SSL_SESSION_RECONNECT) != 0;
}

static void session_token(PCtxtHandle context, DWORD flags)
{
    SCHANNEL_SESSION_TOKEN token = {SCHANNEL_SESSION, flags};
    SecBuffer buffer = {sizeof token, SECBUFFER_TOKEN, &token};
    SecBufferDesc message = {SECBUFFER_VERSION, 1, &buffer};
    assert_status(ApplyControlToken(context, &message), SEC_E_OK);
}

/* Under TLS 1.3 a session is its ticket: the server's next step writes one, and the client's DecryptMessage keeps it. */
static void deliver_ticket(struct tls *tls)
{
    tls->to_client_size = tls->to_server_size = 0;
    tls_step_server(tls);
    assert_status(tls->server_status, SEC_E_OK);
    assert_true(tls->to_client_size != 0);
    SecBuffer buffers[4] = {{tls->to_client_size, SECBUFFER_DATA, tls->to_client}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
    assert_status(DecryptMessage(&tls->client, &message, 0, NULL), SEC_E_OK);
    assert_int_equal(buffers[1].cbBuffer, 0);
    tls->to_client_size = 0;
}

static void take_ticket(struct tls *tls)
{
    if (tls->to_client_size != 0) {
        SecBuffer buffers[4] = {{tls->to_client_size, SECBUFFER_DATA, tls->to_client}};
        SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
        assert_status(DecryptMessage(&tls->client, &message, 0, NULL), SEC_E_OK);
        tls->to_client_size = 0;
    }
}

/* SCH_CRED_DISABLE_RECONNECTS on a server: nothing is resumed until SSL_SESSION_ENABLE_RECONNECTS, and after
 * SSL_SESSION_DISABLE_RECONNECTS no more. */
static void test_disabled_reconnects(void **state)
{
    static struct tls tls;
    static const DWORD versions[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};
    PCCERT_CONTEXT certificate = tls_load("server-p256");
    for (size_t i = 0; i < 2; i++) {
        SCHANNEL_CRED client = {.dwVersion = SCHANNEL_CRED_VERSION,
                                .grbitEnabledProtocols = versions[i],
                                .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
        SCHANNEL_CRED server = {.dwVersion = SCHANNEL_CRED_VERSION,
                                .cCreds = 1,
                                .paCred = &certificate,
                                .grbitEnabledProtocols = versions[i],
                                .dwFlags = SCH_CRED_DISABLE_RECONNECTS};
        tls_acquire(&tls, &client, &server);
        for (int round = 0; round < 3; round++) {
            assert_false(resumes(&tls));
            tls_close_contexts(&tls);
        }
        assert_false(resumes(&tls));
        session_token(&tls.server, SSL_SESSION_ENABLE_RECONNECTS);
        bool tls13 = versions[i] == SP_PROT_TLS1_3;
        if (tls13) {
            deliver_ticket(&tls);
        }
        tls_close_contexts(&tls);
        assert_true(resumes(&tls));
        tls_close_contexts(&tls);
        assert_int_equal(resumes(&tls), !tls13); /* a ticket of TLS 1.3 is good for one use, and no second one came */
        session_token(&tls.server, SSL_SESSION_DISABLE_RECONNECTS);
        tls_close_contexts(&tls);
        assert_false(resumes(&tls));
        tls_close(&tls);
    }
    CertFreeCertificateContext(certificate);
}

enum moment { BEFORE_THE_END, AFTER_THE_END };

/* A handshake, with a token for the server before its end or after. */
static void shake_with_token(struct tls *tls, enum moment moment, DWORD flags)
{
    if (moment == BEFORE_THE_END) {
        tls_step_client(tls, "www.example.com");
        tls_step_server(tls);
        assert_status(tls->server_status, SEC_I_CONTINUE_NEEDED);
        session_token(&tls->server, flags);
        tls->client_status = tls->server_status = SEC_I_CONTINUE_NEEDED;
        while (tls->client_status == SEC_I_CONTINUE_NEEDED) {
            tls_step_client(tls, NULL);
            assert_true(tls->client_status >= 0);
            if (tls->server_status == SEC_I_CONTINUE_NEEDED) {
                tls_step_server(tls);
            }
        }
        assert_status(tls->server_status, SEC_E_OK);
        take_ticket(tls);
        return;
    }
    assert_false(resumes(tls));
    take_ticket(tls);
    session_token(&tls->server, flags);
}

/* A server takes a session back though its ticket is out, and back again; before the end of the handshake no good one goes out. */
static void test_taken_back(void **state)
{
    static struct tls tls;
    static const DWORD versions[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};
    PCCERT_CONTEXT certificate = tls_load("server-p256");
    for (int i = 0; i < 4; i++) {
        tls_acquire_version(&tls, certificate, versions[i % 2]);
        assert_false(resumes(&tls));
        take_ticket(&tls);
        tls_close_contexts(&tls);
        assert_true(resumes(&tls)); /* otherwise it would be resumed */
        take_ticket(&tls);
        tls_close_contexts(&tls);
        assert_true(SslEmptyCacheA(NULL, 0));
        enum moment moment = i < 2 ? AFTER_THE_END : BEFORE_THE_END;
        shake_with_token(&tls, moment, SSL_SESSION_DISABLE_RECONNECTS);
        if (i == 1) {
            session_token(&tls.server, SSL_SESSION_ENABLE_RECONNECTS);
            session_token(&tls.server, SSL_SESSION_DISABLE_RECONNECTS);
        }
        tls_close_contexts(&tls);
        assert_false(resumes(&tls));
        tls_close_contexts(&tls);
        assert_true(SslEmptyCacheA(NULL, 0));
        shake_with_token(&tls, AFTER_THE_END, SSL_SESSION_DISABLE_RECONNECTS);
        session_token(&tls.server, SSL_SESSION_ENABLE_RECONNECTS);
        tls_close_contexts(&tls);
        assert_true(resumes(&tls));
        tls_close(&tls);
    }
    CertFreeCertificateContext(certificate);
}

/* What SCH_CRED_DISABLE_RECONNECTS forbids is allowed before the end of the handshake. */
static void test_allowed_early(void **state)
{
    static struct tls tls;
    static const DWORD versions[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};
    PCCERT_CONTEXT certificate = tls_load("server-p256");
    for (int i = 0; i < 2; i++) {
        SCHANNEL_CRED client = {.dwVersion = SCHANNEL_CRED_VERSION,
                                .grbitEnabledProtocols = versions[i],
                                .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
        SCHANNEL_CRED server = {.dwVersion = SCHANNEL_CRED_VERSION,
                                .cCreds = 1,
                                .paCred = &certificate,
                                .grbitEnabledProtocols = versions[i],
                                .dwFlags = SCH_CRED_DISABLE_RECONNECTS};
        tls_acquire(&tls, &client, &server);
        shake_with_token(&tls, BEFORE_THE_END, SSL_SESSION_ENABLE_RECONNECTS);
        tls_close_contexts(&tls);
        assert_true(resumes(&tls));
        tls_close(&tls);
    }
    CertFreeCertificateContext(certificate);
}

/* A client's token, before the end of its handshake. */
static void test_client_forgets(void **state)
{
    static struct tls tls;
    static const DWORD versions[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};
    PCCERT_CONTEXT certificate = tls_load("server-p256");
    for (int i = 0; i < 2; i++) {
        tls_acquire_version(&tls, certificate, versions[i]);
        tls_step_client(&tls, "www.example.com");
        session_token(&tls.client, SSL_SESSION_DISABLE_RECONNECTS);
        tls.client_status = tls.server_status = SEC_I_CONTINUE_NEEDED;
        while (tls.server_status == SEC_I_CONTINUE_NEEDED) {
            tls_step_server(&tls);
            if (tls.client_status == SEC_I_CONTINUE_NEEDED) {
                tls_step_client(&tls, NULL);
            }
        }
        assert_status(tls.client_status, SEC_E_OK);
        take_ticket(&tls);
        tls_close_contexts(&tls);
        assert_false(resumes(&tls));
        session_token(&tls.client, SSL_SESSION_DISABLE_RECONNECTS);
        take_ticket(&tls);
        session_token(&tls.client, SSL_SESSION_ENABLE_RECONNECTS); /* the ticket came, and is kept after all */
        tls_close_contexts(&tls);
        assert_true(resumes(&tls));
        tls_close(&tls);
    }
    CertFreeCertificateContext(certificate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_validation),          cmocka_unit_test(test_own_certificate),
        cmocka_unit_test(test_disabled_reconnects), cmocka_unit_test(test_taken_back),
        cmocka_unit_test(test_allowed_early),       cmocka_unit_test(test_client_forgets)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (!tls_has_pki()) {
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
