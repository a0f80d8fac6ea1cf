/* What the machine's owner says of Schannel's servers, in files: OCSP responses to staple, and whose account a client's
 * certificate is. */
#include "tls.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char directory[64];

static const char *place(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    char fresh[256];
    snprintf(fresh, sizeof fresh, "%s/fresh", directory);
    FILE *file = fopen(fresh, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(fresh, 0600), 0);
    assert_int_equal(rename(fresh, place(name)), 0);
}

static size_t read_pki(const char *name, unsigned char *out, size_t room)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", getenv("SSPI_TEST_PKI"), name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(out, 1, room, file);
    fclose(file);
    assert_true(size > 0 && size < room);
    return size;
}

/* ---------------------------------------------------------------- staples */

static void set_response(PCCERT_CONTEXT certificate, const char *name)
{
    unsigned char data[16384];
    CRYPT_DATA_BLOB blob = {(DWORD)(name != NULL ? read_pki(name, data, sizeof data) : 0), data};
    assert_true(
        CertSetCertificateContextProperty(certificate, CERT_OCSP_RESPONSE_PROP_ID, 0, name != NULL ? &blob : NULL));
}

/* Credentials for one version: a client that asks whether the server's certificate was revoked. */
static void acquire_revocation(struct tls *tls, PCCERT_CONTEXT certificate, HCERTSTORE roots, DWORD version)
{
    SCHANNEL_CRED client = {.dwVersion = SCHANNEL_CRED_VERSION,
                            .hRootStore = roots,
                            .grbitEnabledProtocols = version,
                            .dwFlags = SCH_CRED_REVOCATION_CHECK_END_CERT};
    SCHANNEL_CRED server = {
        .dwVersion = SCHANNEL_CRED_VERSION, .cCreds = 1, .paCred = &certificate, .grbitEnabledProtocols = version};
    tls_acquire(tls, &client, &server);
}

static bool reports_staple(PCtxtHandle context)
{
    SecPkgContext_NegotiatedTlsExtensions extensions;
    assert_status(QueryContextAttributesA(context, SECPKG_ATTR_NEGOTIATED_TLS_EXTENSIONS, &extensions), SEC_E_OK);
    bool found = false;
    for (DWORD i = 0; i < extensions.ExtensionsCount; i++) {
        found = found || extensions.Extensions[i] == 5; /* status_request (RFC 6066 8) */
    }
    FreeContextBuffer(extensions.Extensions);
    return found;
}

static void test_property(void **state)
{
    static const struct {
        const char *certificate, *response;
        SECURITY_STATUS status;
    } cases[] = {
        {"server-p256", NULL, CRYPT_E_NO_REVOCATION_CHECK},
        {"server-p256", "good.ocsp", SEC_E_OK},
        {"revoked", "revoked.ocsp", CRYPT_E_REVOKED},
        {"server-p256", "revoked.ocsp", CRYPT_E_NO_REVOCATION_CHECK}, /* another's is not sent */
        {"server-p256", "root.pem", CRYPT_E_NO_REVOCATION_CHECK},     /* nor what is none */
        {"server-p256", "good.ocsp", SEC_E_OK},
    };
    static const DWORD versions[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};
    static struct tls tls;
    HCERTSTORE roots = tls_roots();
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        size_t n = i / 2;
        PCCERT_CONTEXT certificate = tls_load_chain(cases[n].certificate);
        acquire_revocation(&tls, certificate, roots, versions[i % 2]);
        set_response(certificate, cases[n].response); /* the credential has the very certificate */
        tls_shake(&tls, "www.example.com");
        assert_status(tls.client_status, cases[n].status);
        if (cases[n].status == SEC_E_OK) {
            assert_status(tls.server_status, SEC_E_OK);
            assert_true(reports_staple(&tls.client));
            assert_true(reports_staple(&tls.server));
        }
        tls_close(&tls);
        CertFreeCertificateContext(certificate);
    }
    assert_true(CertCloseStore(roots, 0));
}

static void nap(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); /* between two looks */
}

/* New handshakes until one ends like this; a change of a file is noticed within a second (sspi.conf(5)). */
static void until_client(struct tls *tls, SECURITY_STATUS wanted)
{
    time_t end = time(NULL) + 10;
    do {
        nap();
        tls_close_contexts(tls);
        assert_true(SslEmptyCacheA(NULL, 0));
        tls_shake(tls, "www.example.com");
    } while (tls->client_status != wanted && time(NULL) < end);
    assert_status(tls->client_status, wanted);
}

static void test_files(void **state)
{
    static struct tls tls;
    char from[512];
    PCCERT_CONTEXT certificate = tls_load_chain("server-p256");
    HCERTSTORE roots = tls_roots();
    acquire_revocation(&tls, certificate, roots, SP_PROT_TLS1_3);
    until_client(&tls, CRYPT_E_NO_REVOCATION_CHECK);
    write_file("ocsp/garbage.ocsp", "no response at all");
    snprintf(from, sizeof from, "%s/revoked.ocsp", getenv("SSPI_TEST_PKI"));
    assert_int_equal(symlink(from, place("ocsp/other.ocsp")), 0);
    snprintf(from, sizeof from, "%s/good.ocsp", getenv("SSPI_TEST_PKI"));
    assert_int_equal(symlink(from, place("ocsp/this.ocsp")), 0);
    until_client(&tls, SEC_E_OK);
    assert_true(reports_staple(&tls.client));
    assert_int_equal(unlink(place("ocsp/this.ocsp")), 0);
    until_client(&tls, CRYPT_E_NO_REVOCATION_CHECK);
    tls_close(&tls);
    assert_int_equal(unlink(place("ocsp/other.ocsp")), 0);
    assert_int_equal(unlink(place("ocsp/garbage.ocsp")), 0);
    CertFreeCertificateContext(certificate);
    assert_true(CertCloseStore(roots, 0));
}

/* ---------------------------------------------------------------- accounts */

struct mapping_case {
    const char *map;      /* %s: the directory of certificates; %h, %k: the client's hashes */
    const char *name;     /* NAMES; NULL: nobody */
    DWORD flags;          /* of the server's credential */
    bool without_request; /* the server asks for no certificate */
};

static void hex_of(const unsigned char *data, size_t size, char *out)
{
    unsigned char hash[32];
    assert_int_equal(EVP_Q_digest(NULL, "SHA256", NULL, data, size, hash, NULL), 1);
    for (size_t i = 0; i < sizeof hash; i++) {
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
    }
}

/* The hash of the key's SubjectPublicKeyInfo, as OpenSSL writes it. */
static void key_hex_of(PCCERT_CONTEXT certificate, char *out)
{
    const unsigned char *at = certificate->pbCertEncoded;
    X509 *x509 = d2i_X509(NULL, &at, (long)certificate->cbCertEncoded);
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(X509_get0_pubkey(x509), &der);
    assert_true(size > 0);
    hex_of(der, (size_t)size, out);
    OPENSSL_free(der);
    X509_free(x509);
}

static void write_map(const char *text, PCCERT_CONTEXT client)
{
    char map[2048], certificate[65], key[65];
    size_t size = 0;
    hex_of(client->pbCertEncoded, client->cbCertEncoded, certificate);
    key_hex_of(client, key);
    for (const char *at = text; *at != '\0'; at++) {
        const char *what = *at != '%'     ? NULL
                           : at[1] == 's' ? getenv("SSPI_TEST_PKI")
                           : at[1] == 'h' ? certificate
                                          : key;
        int more = what != NULL ? snprintf(map + size, sizeof map - size, "%s", what)
                                : snprintf(map + size, sizeof map - size, "%c", *at);
        size += (size_t)more;
        at += what != NULL;
    }
    write_file("map", map);
}

static bool is_called(PCtxtHandle context, const char *name)
{
    SecPkgContext_NamesA names = {NULL};
    SECURITY_STATUS status = QueryContextAttributesA(context, SECPKG_ATTR_NAMES, &names);
    if (status != SEC_E_OK) {
        assert_status(status, SEC_E_UNSUPPORTED_FUNCTION);
        return name == NULL;
    }
    bool same = name != NULL && strcmp(names.sUserName, name) == 0;
    FreeContextBuffer(names.sUserName);
    return same;
}

static void assert_account(PCtxtHandle context, const char *name)
{
    HANDLE token = NULL;
    time_t end = time(NULL) + 10;
    while (!is_called(context, name) && time(NULL) < end) {
        nap();
    }
    assert_true(is_called(context, name));
    assert_status(QuerySecurityContextToken(context, &token), name != NULL ? SEC_E_OK : SEC_E_NO_IMPERSONATION);
    if (name == NULL) {
        assert_status(ImpersonateSecurityContext(context), SEC_E_NO_IMPERSONATION);
        return;
    }
    char user[256];
    ULONG size = sizeof user;
    assert_true(CloseHandle(token));
    assert_status(ImpersonateSecurityContext(context), SEC_E_OK);
    assert_true(GetUserNameExA(NameSamCompatible, user, &size));
    assert_string_equal(user, name);
    assert_status(RevertSecurityContext(context), SEC_E_OK);
}

static void test_accounts(void **state)
{
    static const struct mapping_case cases[] = {
        {"# nobody\n", NULL, 0, false},
        {"upn %s/intermediate.pem\n", "EXAMPLE\\alice", 0, false},
        {"upn %s/root.pem\n", NULL, 0, false}, /* which has not issued it itself */
        {"upn %s/stranger.pem\n", NULL, 0, false},
        {"certificate %h EXAMPLE\\bob\n", "EXAMPLE\\bob", 0, false},
        {"key %k\tbob@example.com  \r\n", "EXAMPLE\\bob", 0, false},
        {"certificate %k EXAMPLE\\bob\nkey %h EXAMPLE\\bob\n", NULL, 0, false},
        {"certificate %h EXAMPLE\\bob\nupn %s/intermediate.pem\n", "EXAMPLE\\bob", 0, false}, /* the first one */
        {"certificate %h EXAMPLE\\carol\n", NULL, 0, false},                                  /* disabled */
        {"certificate %h EXAMPLE\\nobody\n", NULL, 0, false},                                 /* unknown */
        {"upn %s/intermediate.pem\nnonsense\n", NULL, 0, false}, /* an error voids the file */
        {"upn %s/intermediate.pem\n", NULL, SCH_CRED_NO_SYSTEM_MAPPER, false},
        {"upn %s/intermediate.pem\n", NULL, SCH_CRED_MANUAL_CRED_VALIDATION, false},
        {"upn %s/intermediate.pem\n", "EXAMPLE\\alice", SCH_CRED_DEFERRED_CRED_VALIDATION, false},
        {"upn %s/intermediate.pem\n", NULL, 0, true},
    };
    static const DWORD versions[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};
    static struct tls tls;
    PCCERT_CONTEXT certificate = tls_load_chain("server-p256"), own = tls_load_chain("client");
    HCERTSTORE roots = tls_roots();
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        const struct mapping_case *this = &cases[i / 2];
        SCHANNEL_CRED client = {.dwVersion = SCHANNEL_CRED_VERSION,
                                .cCreds = 1,
                                .paCred = &own,
                                .grbitEnabledProtocols = versions[i % 2],
                                .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
        SCHANNEL_CRED server = {.dwVersion = SCHANNEL_CRED_VERSION,
                                .cCreds = 1,
                                .paCred = &certificate,
                                .hRootStore = roots,
                                .grbitEnabledProtocols = versions[i % 2],
                                .dwFlags = this->flags};
        write_map(this->map, own);
        tls_acquire(&tls, &client, &server);
        tls.server_request = this->without_request ? 0 : ASC_REQ_MUTUAL_AUTH;
        tls_shake(&tls, "www.example.com");
        assert_status(tls.server_status, SEC_E_OK);
        assert_account(&tls.server, this->name);
        HANDLE token;
        assert_status(QuerySecurityContextToken(&tls.client, &token), SEC_E_NO_IMPERSONATION);
        tls_close(&tls);
    }
    CertFreeCertificateContext(certificate);
    CertFreeCertificateContext(own);
    assert_true(CertCloseStore(roots, 0));
}

/* The account of a resumed session is the certificate's still; what a deferred validation has found is forgotten by then. */
static void test_resumed_accounts(void **state)
{
    static struct tls tls;
    PCCERT_CONTEXT certificate = tls_load_chain("server-p256"), own = tls_load_chain("client");
    HCERTSTORE roots = tls_roots();
    write_map("upn %s/intermediate.pem\n", own);
    for (int i = 0; i < 4; i++) {
        DWORD version = i % 2 == 0 ? SP_PROT_TLS1_2 : SP_PROT_TLS1_3;
        SCHANNEL_CRED client = {.dwVersion = SCHANNEL_CRED_VERSION,
                                .cCreds = 1,
                                .paCred = &own,
                                .grbitEnabledProtocols = version,
                                .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
        SCHANNEL_CRED server = {.dwVersion = SCHANNEL_CRED_VERSION,
                                .cCreds = 1,
                                .paCred = &certificate,
                                .hRootStore = roots,
                                .grbitEnabledProtocols = version,
                                .dwFlags = i < 2 ? 0 : SCH_CRED_DEFERRED_CRED_VALIDATION};
        tls_acquire(&tls, &client, &server);
        tls.server_request = ASC_REQ_MUTUAL_AUTH;
        for (int round = 0; round < 2; round++) {
            tls_shake(&tls, "www.example.com");
            assert_status(tls.client_status, SEC_E_OK);
            assert_status(tls.server_status, SEC_E_OK);
            if (tls.to_client_size != 0) { /* the ticket, which a step passes on to DecryptMessage */
                SecBuffer buffers[4] = {{tls.to_client_size, SECBUFFER_DATA, tls.to_client}};
                SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
                assert_status(DecryptMessage(&tls.client, &message, 0, NULL), SEC_E_OK);
            }
            SecPkgContext_SessionInfo info;
            assert_status(QueryContextAttributesA(&tls.server, SECPKG_ATTR_SESSION_INFO, &info), SEC_E_OK);
            assert_int_equal((info.dwFlags & SSL_SESSION_RECONNECT) != 0, round == 1);
            assert_account(&tls.server, i >= 2 && round == 1 ? NULL : "EXAMPLE\\alice");
            tls_close_contexts(&tls);
        }
        tls_close(&tls);
    }
    CertFreeCertificateContext(certificate);
    CertFreeCertificateContext(own);
    assert_true(CertCloseStore(roots, 0));
}

/* A map that others may write is none. */
static void test_unsafe_map(void **state)
{
    static struct tls tls;
    PCCERT_CONTEXT certificate = tls_load_chain("server-p256"), own = tls_load_chain("client");
    HCERTSTORE roots = tls_roots();
    SCH_CREDENTIALS client = {
        .dwVersion = SCH_CREDENTIALS_VERSION, .cCreds = 1, .paCred = &own, .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
    SCH_CREDENTIALS server = {
        .dwVersion = SCH_CREDENTIALS_VERSION, .cCreds = 1, .paCred = &certificate, .hRootStore = roots};
    write_map("upn %s/intermediate.pem\n", own);
    tls_acquire(&tls, &client, &server);
    tls.server_request = ASC_REQ_MUTUAL_AUTH;
    tls_shake(&tls, "www.example.com");
    assert_account(&tls.server, "EXAMPLE\\alice");
    assert_int_equal(chmod(place("map"), 0622), 0);
    assert_account(&tls.server, NULL);
    char text[65536];
    text[read_pki("intermediate.pem", (unsigned char *)text, sizeof text - 1)] = '\0';
    write_file("authority.pem", text);
    snprintf(text, sizeof text, "upn %s\n", place("authority.pem"));
    write_file("map", text);
    tls_close_contexts(&tls);
    tls_shake(&tls, "www.example.com");
    assert_account(&tls.server, "EXAMPLE\\alice");
    assert_int_equal(chmod(place("authority.pem"), 0602), 0); /* nor are the authorities that others may write */
    write_file("map", text);
    assert_account(&tls.server, NULL);
    tls_close(&tls);
    CertFreeCertificateContext(certificate);
    CertFreeCertificateContext(own);
    assert_true(CertCloseStore(roots, 0));
}

/* ---------------------------------------------------------------- the policy */

static int set_up(void **state)
{
    char text[1024];
    snprintf(directory, sizeof directory, "/tmp/sspi-test-XXXXXX");
    assert_non_null(mkdtemp(directory));
    assert_int_equal(mkdir(place("ocsp"), 0700), 0);
    /* NTLM_USER_FILE's lines, and one of smbpasswd, which has flags; the passwords do not matter here */
    write_file("users",
               "EXAMPLE:alice:secret\nEXAMPLE:bob:secret\n"
               "EXAMPLE\\carol:1000:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:0123456789ABCDEF0123456789ABCDEF:[DU         ]:"
               "LCT-00000000:\n");
    snprintf(
        text, sizeof text,
        "[names]\nnetbios-domain = EXAMPLE\ndns-domain = example.com\n[accounts]\nbackend = file\npath = %s/users\n"
        "[schannel]\nocsp-responses = %s/ocsp\nclient-map = %s/map\n",
        directory, directory, directory);
    write_file("sspi.conf", text);
    setenv("SSPI_CONFIG", place("sspi.conf"), 1);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"ocsp", "users", "sspi.conf", "map", "authority.pem", ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(remove(place(names[i])), 0);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_property),         cmocka_unit_test(test_files),      cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_resumed_accounts), cmocka_unit_test(test_unsafe_map),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (!tls_has_pki()) {
        return 0;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
