/* Rules 8 to 17: handles and how long they live, what may be left out, times. */
#include "rules.h"

static struct tls connection;

/* ---------------------------------------------------------------- handles are values */

static void rule_08_a_handle_is_two_words(void **state)
{
    struct challenge challenge;
    struct token answer, nothing;
    ULONG attributes;
    char printed[64];
    CtxtHandle moved, parsed;
    challenge_open(&challenge, NULL, SEALED);
    moved = challenge.client;
    memset(&challenge.client, 0xee, sizeof challenge.client);
    (void)snprintf(printed, sizeof printed, "%llx:%llx", (unsigned long long)moved.dwLower,
                   (unsigned long long)moved.dwUpper);
    unsigned long long lower, upper;
    assert_int_equal(sscanf(printed, "%llx:%llx", &lower, &upper), 2);
    parsed = (CtxtHandle){.dwLower = (ULONG_PTR)lower, .dwUpper = (ULONG_PTR)upper};
    assert_memory_equal(&parsed, &moved, sizeof parsed);
    memset(&moved, 0xee, sizeof moved);
    assert_status(rules_initiate(NULL, &parsed, false, NULL, SEALED, &challenge.message, &answer, &attributes),
                  SEC_E_OK);
    assert_status(rules_accept(NULL, &challenge.server, false, 0, &answer, &nothing, &attributes), SEC_E_OK);
    rules_seal(&parsed, &challenge.server);
    memcpy(&challenge.client, &parsed, sizeof parsed);
    challenge_close(&challenge);
}

static void assert_valid(const SecHandle *handle)
{
    static const SecHandle zeros = {0, 0};
    SecHandle ones;
    SecInvalidateHandle(&ones);
    assert_true(SecIsValidHandle(handle));
    assert_memory_not_equal(handle, &zeros, sizeof zeros);
    assert_memory_not_equal(handle, &ones, sizeof ones);
    assert_true(handle->dwLower != (ULONG_PTR)-1 && handle->dwUpper != (ULONG_PTR)-1);
}

static void rule_09_neither_zeros_nor_ones(void **state)
{
    static const char *const packages[] = {"NTLM", "Negotiate", "WDigest", UNISP_NAME_A};
    for (size_t i = 0; i < COUNT(packages); i++) {
        CredHandle credential;
        ULONG use = i == COUNT(packages) - 1 ? SECPKG_CRED_OUTBOUND : SECPKG_CRED_INBOUND;
        assert_status(
            AcquireCredentialsHandleA(NULL, text(packages[i]), use, NULL, NULL, NULL, NULL, &credential, NULL),
            SEC_E_OK);
        assert_valid(&credential);
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
    for (int i = 0; i < 100; i++) {
        struct challenge challenge;
        challenge_open(&challenge, NULL, 0);
        assert_valid(&challenge.client);
        assert_valid(&challenge.server);
        assert_valid(&challenge.client_credential);
        challenge_close(&challenge);
    }
}

/* As most do (the same variable), as PostgreSQL's and PuTTY's kin do (NULL), as curl does (another one). */
static void rule_10_the_new_context_of_later_legs(void **state)
{
    for (int how = 0; how < 3; how++) {
        struct challenge challenge;
        struct token answer, nothing;
        ULONG attributes;
        CtxtHandle other, before;
        memset(&other, 0xcc, sizeof other);
        challenge_open(&challenge, NULL, SEALED);
        before = challenge.client;
        CtxtHandle *new_context = how == 0 ? &challenge.client : how == 1 ? NULL : &other;
        token_init(&answer, TOKEN_MAX);
        assert_status(InitializeSecurityContextA(&challenge.client_credential, &challenge.client, NULL, SEALED, 0,
                                                 SECURITY_NATIVE_DREP, &challenge.message.descriptor, 0, new_context,
                                                 &answer.descriptor, &attributes, NULL),
                      SEC_E_OK);
        assert_memory_equal(new_context != NULL ? new_context : &challenge.client, &before, sizeof before);
        assert_memory_equal(&challenge.client, &before, sizeof before);
        memset(&other, 0xcc, sizeof other);
        before = challenge.server;
        new_context = how == 0 ? &challenge.server : how == 1 ? NULL : &other;
        token_init(&nothing, TOKEN_MAX);
        assert_status(AcceptSecurityContext(&challenge.server_credential, &challenge.server, &answer.descriptor, 0,
                                            SECURITY_NATIVE_DREP, new_context, &nothing.descriptor, &attributes, NULL),
                      SEC_E_OK);
        assert_memory_equal(new_context != NULL ? new_context : &challenge.server, &before, sizeof before);
        challenge_close(&challenge);
    }
}

/* ---------------------------------------------------------------- first legs that fail */

static void rule_11_a_failed_first_leg_leaves_no_context(void **state)
{
    CtxtHandle context, before;
    CredHandle client = rules_client("NTLM"), server = rules_server("NTLM");
    struct token hello, answer;
    ULONG attributes;
    memset(&context, 0xcc, sizeof context);
    before = context;
    token_init(&hello, 4);
    assert_status(InitializeSecurityContextA(&client, NULL, NULL, 0, 0, 0, NULL, 0, &context, &hello.descriptor,
                                             &attributes, NULL),
                  SEC_E_BUFFER_TOO_SMALL);
    assert_memory_equal(&context, &before, sizeof context);
    token_init(&hello, 8);
    memcpy(hello.bytes, "garbage!", 8);
    assert_status(rules_accept(&server, &context, true, 0, &hello, &answer, &attributes), SEC_E_INVALID_TOKEN);
    assert_memory_equal(&context, &before, sizeof context);
    assert_status(FreeCredentialsHandle(&client), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&server), SEC_E_OK);
}

/* As Poco's and pjproject's servers: what came is kept, and with what comes next the same call is made again. */
static void rule_11_a_server_without_all_bytes(void **state)
{
    PCCERT_CONTEXT certificate = tls_load("server-p256");
    CtxtHandle context, before;
    memset(&context, 0xcc, sizeof context);
    before = context;
    tls_acquire_version(&connection, certificate, SP_PROT_TLS1_2 | SP_PROT_TLS1_3);
    tls_step_client(&connection, "www.example.com");
    for (ULONG size = 1; size <= connection.to_server_size; size++) {
        SecBuffer in[2] = {{size, SECBUFFER_TOKEN, connection.to_server}, {0, SECBUFFER_EMPTY, NULL}};
        SecBuffer out[1] = {{0, SECBUFFER_TOKEN, NULL}};
        SecBufferDesc input = {SECBUFFER_VERSION, 2, in}, output = {SECBUFFER_VERSION, 1, out};
        ULONG attributes = 0;
        SECURITY_STATUS status =
            AcceptSecurityContext(&connection.server_credential, NULL, &input, ASC_REQ_STREAM | ASC_REQ_ALLOCATE_MEMORY,
                                  0, &context, &output, &attributes, NULL);
        if (size < connection.to_server_size) {
            assert_status(status, SEC_E_INCOMPLETE_MESSAGE);
            assert_memory_equal(&context, &before, sizeof context);
            assert_null(out[0].pvBuffer);
            continue;
        }
        assert_status(status, SEC_I_CONTINUE_NEEDED);
        assert_valid(&context);
        assert_true(out[0].cbBuffer > 0);
        assert_status(FreeContextBuffer(out[0].pvBuffer), SEC_E_OK);
        assert_status(DeleteSecurityContext(&context), SEC_E_OK);
    }
    tls_close(&connection);
    CertFreeCertificateContext(certificate);
}

static void rule_12_handles_that_are_none(void **state)
{
    static const SecHandle wrong[] = {{0, 0}, {(ULONG_PTR)-1, (ULONG_PTR)-1}, {0, (ULONG_PTR)-1},
                                      {1, 0}, {0x1234567, 0x89abcdef},        {(ULONG_PTR)-2, 42}};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        SecHandle handle = wrong[i];
        assert_status(DeleteSecurityContext(&handle), SEC_E_INVALID_HANDLE);
        handle = wrong[i];
        assert_status(FreeCredentialsHandle(&handle), SEC_E_INVALID_HANDLE);
    }
    /* curl: the first leg failed, the clean-up deletes all the same */
    struct {
        CredHandle credentials;
        CtxtHandle context;
    } data;
    memset(&data, 0, sizeof data);
    struct token hello;
    ULONG attributes;
    assert_true(rules_initiate(&data.credentials, &data.context, true, "HTTP/server", 0, NULL, &hello, &attributes) <
                0);
    assert_status(DeleteSecurityContext(&data.context), SEC_E_INVALID_HANDLE);
    assert_status(FreeCredentialsHandle(&data.credentials), SEC_E_INVALID_HANDLE);
    SecHandle number; /* a credential is no context, and is dead once it was freed */
    data.credentials = rules_client("NTLM");
    number = data.credentials;
    assert_status(DeleteSecurityContext(&number), SEC_E_INVALID_HANDLE);
    number = data.credentials;
    assert_status(FreeCredentialsHandle(&data.credentials), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&number), SEC_E_INVALID_HANDLE);
}

/* ---------------------------------------------------------------- what a context keeps for itself */

static void rule_13_contexts_outlive_their_credentials(void **state)
{
    struct challenge challenge;
    struct token answer, nothing;
    ULONG attributes;
    challenge_open(&challenge, NULL, SEALED);
    assert_status(FreeCredentialsHandle(&challenge.client_credential), SEC_E_OK); /* after the first leg */
    assert_status(FreeCredentialsHandle(&challenge.server_credential), SEC_E_OK);
    assert_status(
        rules_initiate(NULL, &challenge.client, false, NULL, SEALED, &challenge.message, &answer, &attributes),
        SEC_E_OK);
    assert_status(rules_accept(NULL, &challenge.server, false, 0, &answer, &nothing, &attributes), SEC_E_OK);
    rules_seal(&challenge.client, &challenge.server);
    unsigned char message[] = "message", signature[16];
    SecBuffer buffers[2] = {{sizeof message, SECBUFFER_DATA, message}, {16, SECBUFFER_TOKEN, signature}};
    SecBufferDesc signed_message = {SECBUFFER_VERSION, 2, buffers};
    assert_status(MakeSignature(&challenge.server, 0, &signed_message, 0), SEC_E_OK);
    assert_status(VerifySignature(&challenge.client, &signed_message, 0, NULL), SEC_E_OK);
    assert_status(DeleteSecurityContext(&challenge.client), SEC_E_OK);
    assert_status(DeleteSecurityContext(&challenge.server), SEC_E_OK);
}

static void rule_13_connections_outlive_their_credentials(void **state)
{
    PCCERT_CONTEXT remote = NULL;
    unsigned char record[256];
    tls_open(&connection, "server-p256", SP_PROT_TLS1_3);
    assert_status(FreeCredentialsHandle(&connection.client_credential), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&connection.server_credential), SEC_E_OK);
    ULONG size = tls_seal(&connection.client, "hello", 5, record);
    SecBuffer buffers[4] = {{size, SECBUFFER_DATA, record}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
    assert_status(DecryptMessage(&connection.server, &message, 0, NULL), SEC_E_OK);
    assert_memory_equal(buffers[1].pvBuffer, "hello", 5);
    assert_status(QueryContextAttributesA(&connection.client, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &remote), SEC_E_OK);
    assert_true(CertFreeCertificateContext(remote));
    tls_close_contexts(&connection);
}

static void rule_14_what_acquire_was_given_may_go(void **state)
{
    struct token hello, challenge, answer, nothing;
    CtxtHandle client, server;
    ULONG attributes;
    SEC_WINNT_AUTH_IDENTITY_W *identity = calloc(1, sizeof *identity);
    static const char16_t user[] = u"User", domain[] = u"Domain", password[] = u"Password";
    char16_t *copies[3] = {malloc(sizeof user), malloc(sizeof domain), malloc(sizeof password)};
    WCHAR *package = malloc(sizeof u"NTLM");
    CredHandle client_credential, server_credential = rules_server("NTLM");
    memcpy(copies[0], user, sizeof user);
    memcpy(copies[1], domain, sizeof domain);
    memcpy(copies[2], password, sizeof password);
    memcpy(package, u"NTLM", sizeof u"NTLM");
    *identity = (SEC_WINNT_AUTH_IDENTITY_W){
        (USHORT *)copies[0], 4, (USHORT *)copies[1], 6, (USHORT *)copies[2], 8, SEC_WINNT_AUTH_IDENTITY_UNICODE};
    assert_status(AcquireCredentialsHandleW(NULL, package, SECPKG_CRED_OUTBOUND, NULL, identity, NULL, NULL,
                                            &client_credential, NULL),
                  SEC_E_OK);
    for (size_t i = 0; i < 3; i++) {
        memset(copies[i], 0xdd, i == 0 ? sizeof user : sizeof domain);
        free(copies[i]);
    }
    free(identity);
    free(package);
    assert_status(rules_initiate(&client_credential, &client, true, NULL, 0, NULL, &hello, &attributes),
                  SEC_I_CONTINUE_NEEDED);
    assert_status(rules_accept(&server_credential, &server, true, 0, &hello, &challenge, &attributes),
                  SEC_I_CONTINUE_NEEDED);
    assert_status(rules_initiate(&client_credential, &client, false, NULL, 0, &challenge, &answer, &attributes),
                  SEC_E_OK);
    assert_status(rules_accept(&server_credential, &server, false, 0, &answer, &nothing, &attributes), SEC_E_OK);
    assert_status(DeleteSecurityContext(&client), SEC_E_OK);
    assert_status(DeleteSecurityContext(&server), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&client_credential), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&server_credential), SEC_E_OK);
}

static void rule_14_certificates_and_roots_may_go(void **state)
{
    PCCERT_CONTEXT certificate = tls_load_chain("server-p256");
    HCERTSTORE roots = tls_roots();
    PCCERT_CONTEXT *list = malloc(sizeof *list);
    *list = certificate;
    SCH_CREDENTIALS client = {.dwVersion = SCH_CREDENTIALS_VERSION, .hRootStore = roots};
    SCH_CREDENTIALS server = {.dwVersion = SCH_CREDENTIALS_VERSION, .cCreds = 1, .paCred = list};
    tls_acquire(&connection, &client, &server);
    free(list);
    assert_true(CertFreeCertificateContext(certificate));
    assert_true(CertCloseStore(roots, 0));
    memset(&client, 0xdd, sizeof client);
    memset(&server, 0xdd, sizeof server);
    tls_shake(&connection, "www.example.com");
    assert_status(connection.client_status, SEC_E_OK);
    assert_status(connection.server_status, SEC_E_OK);
    tls_close(&connection);
}

/* ---------------------------------------------------------------- what may be left out, times */

static void rule_15_what_may_be_null(void **state)
{
    static const char *const names[] = {"ntlm", "Ntlm", "NEGOTIATE", "negotiate", "wdigest", "SCHANNEL"};
    struct token hello, message, answer, nothing;
    CredHandle client_credential = rules_client("ntlm"), server_credential = rules_server("nTLM");
    CtxtHandle client, server;
    for (size_t i = 0; i < COUNT(names); i++) {
        PSecPkgInfoA info = NULL;
        assert_status(QuerySecurityPackageInfoA(text(names[i]), &info), SEC_E_OK);
        assert_status(FreeContextBuffer(info), SEC_E_OK);
    }
    /* neither attributes nor expiry */
    assert_status(rules_initiate(&client_credential, &client, true, NULL, SEALED, NULL, &hello, NULL),
                  SEC_I_CONTINUE_NEEDED);
    assert_status(rules_accept(&server_credential, &server, true, 0, &hello, &message, NULL), SEC_I_CONTINUE_NEEDED);
    assert_status(rules_initiate(&client_credential, &client, false, NULL, SEALED, &message, &answer, NULL), SEC_E_OK);
    assert_status(rules_accept(&server_credential, &server, false, 0, &answer, &nothing, NULL), SEC_E_OK);
    rules_seal(&client, &server); /* pfQOP is NULL there */
    assert_status(DeleteSecurityContext(&client), SEC_E_OK);
    assert_status(DeleteSecurityContext(&server), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&client_credential), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&server_credential), SEC_E_OK);
}

static void rule_16_data_representation_is_ignored(void **state)
{
    static const ULONG representations[] = {SECURITY_NETWORK_DREP, SECURITY_NATIVE_DREP, 0x12345678};
    for (size_t i = 0; i < COUNT(representations); i++) {
        struct challenge challenge;
        struct token answer, nothing;
        ULONG attributes;
        challenge_open(&challenge, NULL, SEALED);
        token_init(&answer, TOKEN_MAX);
        token_init(&nothing, TOKEN_MAX);
        assert_status(InitializeSecurityContextA(&challenge.client_credential, &challenge.client, NULL, SEALED, 0,
                                                 representations[i], &challenge.message.descriptor, 0,
                                                 &challenge.client, &answer.descriptor, &attributes, NULL),
                      SEC_E_OK);
        assert_status(AcceptSecurityContext(&challenge.server_credential, &challenge.server, &answer.descriptor, 0,
                                            representations[COUNT(representations) - 1 - i], &challenge.server,
                                            &nothing.descriptor, &attributes, NULL),
                      SEC_E_OK);
        challenge_close(&challenge);
    }
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-braces" /* as PuTTY writes it */
static const TimeStamp zero = {0, 0};
#pragma GCC diagnostic pop

static void rule_17_times(void **state)
{
    TimeStamp expiry = zero;
    CredHandle credential;
    SEC_WINNT_AUTH_IDENTITY_A identity = rules_identity();
    assert_int_equal(sizeof expiry, sizeof(FILETIME));
    assert_int_equal(_Alignof(TimeStamp) % _Alignof(FILETIME), 0);
    assert_status(AcquireCredentialsHandleA(NULL, text("NTLM"), SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL,
                                            &credential, &expiry),
                  SEC_E_OK);
    assert_true(expiry.QuadPart > INT64_C(0x0200000000000000)); /* never: beyond the year 2050 in any case */
    assert_int_equal(expiry.u.HighPart, expiry.HighPart);
    assert_int_equal(expiry.LowPart, (DWORD)expiry.QuadPart);
    FILETIME *same = (FILETIME *)(void *)&expiry;
    assert_int_equal(same->dwLowDateTime, expiry.LowPart);
    assert_int_equal(same->dwHighDateTime, (DWORD)expiry.HighPart);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

int main(void)
{
    if (!tls_has_pki()) {
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_08_a_handle_is_two_words),
        cmocka_unit_test(rule_09_neither_zeros_nor_ones),
        cmocka_unit_test(rule_10_the_new_context_of_later_legs),
        cmocka_unit_test(rule_11_a_failed_first_leg_leaves_no_context),
        cmocka_unit_test(rule_11_a_server_without_all_bytes),
        cmocka_unit_test(rule_12_handles_that_are_none),
        cmocka_unit_test(rule_13_contexts_outlive_their_credentials),
        cmocka_unit_test(rule_13_connections_outlive_their_credentials),
        cmocka_unit_test(rule_14_what_acquire_was_given_may_go),
        cmocka_unit_test(rule_14_certificates_and_roots_may_go),
        cmocka_unit_test(rule_15_what_may_be_null),
        cmocka_unit_test(rule_16_data_representation_is_ignored),
        cmocka_unit_test(rule_17_times),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
