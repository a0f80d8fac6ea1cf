/* Rules 54 to 65: Digest, channel bindings, names and the server's side. */
#include "rules.h"

#include <ntsecapi.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <unistd.h>

/* ---------------------------------------------------------------- Digest */

#define REALM "testrealm@host.com"
static const char challenge_text[] = "realm=\"" REALM "\", qop=\"auth\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
                                     "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", algorithm=MD5";

static CredHandle digest_credential(void)
{
    CredHandle out;
    SEC_WINNT_AUTH_IDENTITY_A identity = {
        (unsigned char *)text("Mufasa"),         6,  (unsigned char *)text(REALM), sizeof REALM - 1,
        (unsigned char *)text("Circle Of Life"), 14, SEC_WINNT_AUTH_IDENTITY_ANSI};
    assert_status(
        AcquireCredentialsHandleA(NULL, text("WDigest"), SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL, &out, NULL),
        SEC_E_OK);
    return out;
}

struct line {
    char at[4096 + 1];
    ULONG size;
};

static SECURITY_STATUS respond(CredHandle *credential, CtxtHandle *context, ULONG flags, const char *challenge,
                               const char *target, struct line *out)
{
    SecBuffer in[3] = {{(ULONG)strlen(challenge), SECBUFFER_TOKEN, text(challenge)},
                       {3, SECBUFFER_PKG_PARAMS, text("GET")},
                       {0, SECBUFFER_PKG_PARAMS, NULL}};
    SecBuffer token = {4096, SECBUFFER_TOKEN, out->at};
    SecBufferDesc input = {SECBUFFER_VERSION, flags != 0 ? 3 : 1, in}, output = {SECBUFFER_VERSION, 1, &token};
    ULONG attributes = 0;
    memset(out->at, '#', sizeof out->at);
    SECURITY_STATUS status = InitializeSecurityContextA(credential, NULL, text(target), flags, 0, 0, &input, 0, context,
                                                        &output, &attributes, NULL);
    out->size = token.cbBuffer;
    assert_int_equal(out->at[out->size], '#'); /* no NUL behind it */
    out->at[out->size] = '\0';
    return status;
}

/* RFC 2617 3.2.2.1, by OpenSSL's MD5; `count` and cnonce as the response says. */
static void assert_response(const struct line *line, const char *uri, const char *count)
{
    char text_a1[128], text_a2[128], a1[33], a2[33], all[256], response[33], expected[64], cnonce[80] = "";
    const char *at = strstr(line->at, "cnonce=\"");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "cnonce=\"%79[^\"]", cnonce), 1);
    (void)snprintf(text_a1, sizeof text_a1, "Mufasa:%s:Circle Of Life", REALM);
    (void)snprintf(text_a2, sizeof text_a2, "GET:%s", uri);
    for (int i = 0; i < 3; i++) {
        const char *source = i == 0 ? text_a1 : i == 1 ? text_a2 : all;
        char *digits = i == 0 ? a1 : i == 1 ? a2 : response;
        unsigned char hash[16];
        if (i == 2) {
            (void)snprintf(all, sizeof all, "%s:dcd98b7102dd2f0e8b11d0f600bfb0c093:%s:%s:auth:%s", a1, count, cnonce,
                           a2);
        }
        assert_int_equal(EVP_Digest(source, strlen(source), hash, NULL, EVP_md5(), NULL), 1);
        for (int byte = 0; byte < 16; byte++) {
            (void)snprintf(digits + 2 * byte, 3, "%02x", hash[byte]);
        }
    }
    (void)snprintf(expected, sizeof expected, "response=\"%s\"", response);
    assert_non_null(strstr(line->at, expected));
}

/* curl's Curl_auth_create_digest_http_message. */
static void rule_54_55_57_http(void **state)
{
    static const ULONG styles[] = {ISC_REQ_USE_HTTP_STYLE, ISC_REQ_HTTP};
    for (size_t i = 0; i < COUNT(styles); i++) {
        CredHandle credential = digest_credential();
        CtxtHandle context;
        struct line line;
        assert_status(respond(&credential, &context, styles[i], challenge_text, "/dir/index.html", &line), SEC_E_OK);
        assert_null(strstr(line.at, "Digest "));
        assert_non_null(strstr(line.at, "uri=\"/dir/index.html\""));
        assert_response(&line, "/dir/index.html", "00000001");
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK); /* rule 57: the context is used on */
        for (int n = 2; n < 4; n++) {
            char count[9];
            SecBuffer buffers[5] = {{0, SECBUFFER_TOKEN, NULL},
                                    {3, SECBUFFER_PKG_PARAMS, text("GET")},
                                    {5, SECBUFFER_PKG_PARAMS, text("/next")},
                                    {0, SECBUFFER_PKG_PARAMS, NULL},
                                    {4096, SECBUFFER_PADDING, line.at}};
            SecBufferDesc message = {SECBUFFER_VERSION, 5, buffers};
            assert_status(MakeSignature(&context, 0, &message, 0), SEC_E_OK);
            assert_true(buffers[4].cbBuffer < 4096);
            line.at[buffers[4].cbBuffer] = '\0';
            (void)snprintf(count, sizeof count, "%08x", (unsigned)n);
            assert_response(&line, "/next", count);
        }
        assert_status(DeleteSecurityContext(&context), SEC_E_OK);
    }
}

static void rule_56_sasl(void **state)
{
    CredHandle credential = digest_credential();
    CtxtHandle context;
    struct line line;
    SECURITY_STATUS status =
        respond(&credential, &context, 0,
                "realm=\"" REALM "\",nonce=\"OA6MG9tEQGm2hh\",qop=\"auth\",algorithm=md5-sess,charset=utf-8",
                "imap/elwood.innosoft.com", &line);
    assert_true(status == SEC_E_OK || status == SEC_I_CONTINUE_NEEDED);
    assert_non_null(strstr(line.at, "digest-uri=\"imap/elwood.innosoft.com\""));
    assert_non_null(strstr(line.at, "username=\"Mufasa\""));
    assert_status(DeleteSecurityContext(&context), SEC_E_OK); /* rspauth is not handed in */
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

/* ---------------------------------------------------------------- channel bindings */

struct bindings {
    SEC_CHANNEL_BINDINGS header;
    char data[64];
    ULONG size; /* of both */
};

static struct bindings bindings_of(const char *prefix, char fill)
{
    struct bindings out = {.header = {.dwApplicationDataOffset = sizeof out.header}};
    memset(out.data, fill, sizeof out.data);
    memcpy(out.data, prefix, strlen(prefix));
    out.header.cbApplicationDataLength = (ULONG)strlen(prefix) + 32;
    out.size = sizeof out.header + out.header.cbApplicationDataLength;
    return out;
}

/* As curl: bindings come with the call that has a token, on the server with each call. */
static SECURITY_STATUS log_on_bound(const char *package, struct bindings *ours, struct bindings *theirs)
{
    CredHandle client_credential = rules_client(package), server_credential = rules_server(package);
    CtxtHandle client, server;
    struct token hello, challenge, answer, nothing;
    ULONG attributes;
    assert_status(rules_initiate(&client_credential, &client, true, "HTTP/server", 0, NULL, &hello, &attributes),
                  SEC_I_CONTINUE_NEEDED);
    SecBuffer in[2] = {hello.buffer, {theirs->size, SECBUFFER_CHANNEL_BINDINGS, theirs}};
    SecBufferDesc input = {SECBUFFER_VERSION, 2, in};
    token_init(&challenge, TOKEN_MAX);
    assert_status(AcceptSecurityContext(&server_credential, NULL, &input, 0, 0, &server, &challenge.descriptor,
                                        &attributes, NULL),
                  SEC_I_CONTINUE_NEEDED);
    in[0] = challenge.buffer;
    in[1] = (SecBuffer){ours->size, SECBUFFER_CHANNEL_BINDINGS, ours};
    token_init(&answer, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(&client_credential, &client, text("HTTP/server"), 0, 0, 0, &input, 0,
                                             &client, &answer.descriptor, &attributes, NULL),
                  SEC_E_OK);
    in[0] = answer.buffer;
    in[1] = (SecBuffer){theirs->size, SECBUFFER_CHANNEL_BINDINGS, theirs};
    token_init(&nothing, TOKEN_MAX);
    SECURITY_STATUS status = AcceptSecurityContext(&server_credential, &server, &input, 0, 0, &server,
                                                   &nothing.descriptor, &attributes, NULL);
    assert_status(DeleteSecurityContext(&client), SEC_E_OK);
    assert_status(DeleteSecurityContext(&server), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&client_credential), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&server_credential), SEC_E_OK);
    return status;
}

static void rule_58_60_bound_logons(void **state)
{
    static const char *const packages[] = {"NTLM", "Negotiate"};
    struct bindings good = bindings_of("tls-server-end-point:", 'a'), other = bindings_of("tls-server-end-point:", 'b'),
                    unique = bindings_of("tls-unique:", 'a');
    assert_int_equal(sizeof good.header, 32);
    for (size_t i = 0; i < COUNT(packages); i++) {
        assert_status(log_on_bound(packages[i], &good, &good), SEC_E_OK);
        assert_status(log_on_bound(packages[i], &unique, &unique), SEC_E_OK);
        assert_status(log_on_bound(packages[i], &good, &other), SEC_E_BAD_BINDINGS);
        assert_status(log_on_bound(packages[i], &unique, &good), SEC_E_BAD_BINDINGS);
    }
}

/* curl takes the pointer and never frees it. */
static void rule_59_end_point_bindings(void **state)
{
    static struct tls connection;
    SecPkgContext_Bindings bindings = {0, (SEC_CHANNEL_BINDINGS *)(uintptr_t)0x1234};
    PCCERT_CONTEXT certificate = tls_load("server-p256");
    unsigned char hash[32];
    tls_open(&connection, "server-p256", SP_PROT_TLS1_2);
    assert_status(QueryContextAttributesA(&connection.client, SECPKG_ATTR_ENDPOINT_BINDINGS, &bindings), SEC_E_OK);
    assert_int_equal(bindings.BindingsLength, 32 + 21 + 32);
    const unsigned char *data = (const unsigned char *)bindings.Bindings + bindings.Bindings->dwApplicationDataOffset;
    assert_int_equal(EVP_Digest(certificate->pbCertEncoded, certificate->cbCertEncoded, hash, NULL, EVP_sha256(), NULL),
                     1);
    assert_memory_equal(data, "tls-server-end-point:", 21);
    assert_memory_equal(data + 21, hash, 32); /* RFC 5929 4.1 */
    SecPkgContext_Bindings again;
    assert_status(QueryContextAttributesA(&connection.client, SECPKG_ATTR_ENDPOINT_BINDINGS, &again), SEC_E_OK);
    assert_ptr_equal(again.Bindings, bindings.Bindings);
    assert_status(FreeContextBuffer(bindings.Bindings), SEC_E_OK); /* as other programs do, and the rest stays good */
    assert_memory_equal(data + 21, hash, 32);
    tls_close(&connection); /* and with it the memory */
    FreeContextBuffer(bindings.Bindings);
    CertFreeCertificateContext(certificate);
}

/* ---------------------------------------------------------------- names, and who is served */

static void rule_61_names(void **state)
{
    struct pair pair;
    SecPkgContext_NamesA names = {NULL};
    SecPkgContext_NamesW wide_names = {NULL};
    SecPkgContext_NativeNamesW native = {NULL, NULL};
    SecPkgContext_NegotiationInfoW negotiation = {NULL, 0};
    struct challenge challenge;
    pair_open(&pair, SEALED);
    assert_status(QueryContextAttributesA(&pair.server, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sUserName, "Domain\\User");
    assert_status(FreeContextBuffer(names.sUserName), SEC_E_OK);
    assert_status(QueryContextAttributesW(&pair.client, SECPKG_ATTR_NAMES, &wide_names), SEC_E_OK);
    assert_non_null(wide_names.sUserName);
    assert_status(FreeContextBuffer(wide_names.sUserName), SEC_E_OK);
    pair_close(&pair);
    challenge_open(&challenge, NULL, 0); /* Chromium asks too early */
    assert_true(QueryContextAttributesW(&challenge.client, SECPKG_ATTR_NATIVE_NAMES, &native) < 0);
    SECURITY_STATUS status = QueryContextAttributesW(&challenge.client, SECPKG_ATTR_NEGOTIATION_INFO, &negotiation);
    if (status >= 0) {
        assert_status(FreeContextBuffer(negotiation.PackageInfo), SEC_E_OK);
    }
    challenge_close(&challenge);
}

static void rule_62_what_was_negotiated(void **state)
{
    struct pair pair;
    SecPkgContext_NegotiationInfoA info = {NULL, 0};
    SEC_WINNT_AUTH_IDENTITY_A identity = rules_identity();
    char package[] = "Negotiate";
    pair_credentials_of(&pair, package, &identity);
    pair_establish(&pair, SEALED, 0);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_NEGOTIATION_INFO, &info), SEC_E_OK);
    assert_string_equal(info.PackageInfo->Name, "NTLM");
    assert_int_equal(info.NegotiationState, SECPKG_NEGOTIATION_COMPLETE);
    assert_status(FreeContextBuffer(info.PackageInfo), SEC_E_OK);
    pair_close(&pair);
}

static void *somebody_else(void *unused)
{
    HANDLE token = NULL;
    return SspiExtOpenThreadToken(&token) == SEC_E_NO_CONTEXT ? NULL : unused;
}

/* The thread stands for the client; others do not, and nobody's uid changes. */
static void rule_63_impersonation_is_the_threads(void **state)
{
    struct pair pair;
    HANDLE token = NULL;
    SSPI_EXT_TOKEN *said = NULL;
    SecPkgContext_AccessToken access = {NULL};
    char name[64];
    ULONG size = sizeof name;
    pthread_t thread;
    void *wrong = NULL;
    uid_t uid = getuid();
    pair_open(&pair, SEALED);
    assert_status(QuerySecurityContextToken(&pair.server, &token), SEC_E_OK);
    assert_status(SspiExtQueryToken(token, &said), SEC_E_OK);
    assert_string_equal(said->User, "User");
    assert_status(FreeContextBuffer(said), SEC_E_OK);
    assert_true(CloseHandle(token));
    assert_status(QueryContextAttributesA(&pair.server, SECPKG_ATTR_ACCESS_TOKEN, &access), SEC_E_OK);
    assert_non_null(access.AccessToken);
    assert_status(ImpersonateSecurityContext(&pair.server), SEC_E_OK);
    assert_true(GetUserNameExA(NameSamCompatible, name, &size));
    assert_string_equal(name, "Domain\\User");
    assert_int_equal(getuid(), uid);
    assert_int_equal(geteuid(), uid);
    assert_int_equal(pthread_create(&thread, NULL, somebody_else, &pair), 0);
    assert_int_equal(pthread_join(thread, &wrong), 0);
    assert_null(wrong);
    assert_status(RevertSecurityContext(&pair.server), SEC_E_OK);
    assert_status(SspiExtOpenThreadToken(&token), SEC_E_NO_CONTEXT);
    pair_close(&pair);
}

static void rule_64_one_session_key(void **state)
{
    struct pair pair;
    SecPkgContext_SessionKey ours = {0, NULL}, theirs = {0, NULL};
    pair_open(&pair, SEALED);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_SESSION_KEY, &ours), SEC_E_OK);
    assert_status(QueryContextAttributesA(&pair.server, SECPKG_ATTR_SESSION_KEY, &theirs), SEC_E_OK);
    assert_true(ours.SessionKeyLength >= 16);
    assert_int_equal(ours.SessionKeyLength, theirs.SessionKeyLength);
    assert_memory_equal(ours.SessionKey, theirs.SessionKey, ours.SessionKeyLength);
    assert_status(FreeContextBuffer(ours.SessionKey), SEC_E_OK);
    assert_status(FreeContextBuffer(theirs.SessionKey), SEC_E_OK);
    pair_close(&pair);
}

/* PostgreSQL: the library's memory, and its handle is overwritten by each call. */
static void rule_65_servers_memory(void **state)
{
    CredHandle client_credential = rules_client("Negotiate"), server_credential = rules_server("Negotiate");
    CtxtHandle client, *server = NULL;
    struct token message;
    ULONG attributes;
    assert_status(rules_initiate(&client_credential, &client, true, "postgres/db", SEALED, NULL, &message, &attributes),
                  SEC_I_CONTINUE_NEEDED);
    SECURITY_STATUS status = SEC_I_CONTINUE_NEEDED;
    for (int round = 0; status == SEC_I_CONTINUE_NEEDED; round++) {
        SecBuffer out = {0, SECBUFFER_TOKEN, NULL};
        SecBufferDesc output = {SECBUFFER_VERSION, 1, &out};
        CtxtHandle newctx;
        assert_true(round < 4);
        status = AcceptSecurityContext(&server_credential, server, &message.descriptor, ASC_REQ_ALLOCATE_MEMORY,
                                       SECURITY_NETWORK_DREP, &newctx, &output, &attributes, NULL);
        assert_true(status == SEC_E_OK || status == SEC_I_CONTINUE_NEEDED);
        if (server == NULL) {
            server = malloc(sizeof *server);
        }
        memcpy(server, &newctx, sizeof *server);
        if (out.cbBuffer > 0) {
            struct token in;
            token_init(&in, out.cbBuffer);
            memcpy(in.bytes, out.pvBuffer, out.cbBuffer);
            assert_status(
                rules_initiate(&client_credential, &client, false, "postgres/db", SEALED, &in, &message, &attributes),
                SEC_E_OK);
        }
        assert_status(FreeContextBuffer(out.pvBuffer), SEC_E_OK); /* NULL at the end */
    }
    assert_status(status, SEC_E_OK);
    rules_seal(&client, server);
    assert_status(DeleteSecurityContext(server), SEC_E_OK);
    assert_status(DeleteSecurityContext(&client), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&client_credential), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&server_credential), SEC_E_OK);
    free(server);
}

int main(void)
{
    if (!tls_has_pki()) {
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_54_55_57_http),
        cmocka_unit_test(rule_56_sasl),
        cmocka_unit_test(rule_58_60_bound_logons),
        cmocka_unit_test(rule_59_end_point_bindings),
        cmocka_unit_test(rule_61_names),
        cmocka_unit_test(rule_62_what_was_negotiated),
        cmocka_unit_test(rule_63_impersonation_is_the_threads),
        cmocka_unit_test(rule_64_one_session_key),
        cmocka_unit_test(rule_65_servers_memory),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
