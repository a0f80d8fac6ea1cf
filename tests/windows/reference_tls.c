/* What the reference page "InitializeSecurityContext (Schannel)" says and no other program shows; docs/reference-coverage.md
 * names the statement of each case. */
#include "rules.h"

#include <sys/wait.h>
#include <unistd.h>

#define HOST "www.example.com"
#define ROOM 16384

static struct tls connection;
static PCCERT_CONTEXT certificate;

static const DWORD versions[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};

/* A client's call, into buffers of the caller's making; what comes out as TOKEN is on its way. */
static SECURITY_STATUS call(ULONG flags, SecBuffer *in, ULONG in_count, SecBuffer *out, ULONG out_count)
{
    SecBufferDesc input = {SECBUFFER_VERSION, in_count, in}, output = {SECBUFFER_VERSION, out_count, out};
    bool first = !connection.has_client;
    SECURITY_STATUS status =
        InitializeSecurityContextA(&connection.client_credential, first ? NULL : &connection.client, text(HOST), flags,
                                   0, 0, in_count != 0 ? &input : NULL, 0, first ? &connection.client : NULL, &output,
                                   &connection.client_attributes, NULL);
    connection.has_client = connection.has_client || status >= 0;
    if (status >= 0 && out[0].cbBuffer != 0 && out[0].pvBuffer != NULL) {
        memcpy(connection.to_server + connection.to_server_size, out[0].pvBuffer, out[0].cbBuffer);
        connection.to_server_size += out[0].cbBuffer;
    }
    return status;
}

static unsigned char room[ROOM];

/* ... with everything that came in one TOKEN, and room of ours. */
static SECURITY_STATUS simple_call(ULONG flags, ULONG in_count)
{
    SecBuffer in[2] = {{connection.to_client_size, SECBUFFER_TOKEN, connection.to_client}, {0, SECBUFFER_EMPTY, NULL}};
    SecBuffer out[1] = {{sizeof room, SECBUFFER_TOKEN, room}};
    SECURITY_STATUS status = call(flags, in, in_count, out, 1);
    if (status >= 0 && status != SEC_I_INCOMPLETE_CREDENTIALS) {
        connection.to_client_size = 0;
    }
    return status;
}

/* A first call and the server's answer, which is on its way. */
static void first_flights(ULONG flags)
{
    assert_status(simple_call(flags, 0), SEC_I_CONTINUE_NEEDED);
    tls_step_server(&connection);
    assert_status(connection.server_status, SEC_I_CONTINUE_NEEDED);
}

/* To the end of the handshake, the client having just been given this status. */
static void finish(SECURITY_STATUS status, ULONG flags)
{
    for (int leg = 0; leg < 4 && status == SEC_I_CONTINUE_NEEDED; leg++) {
        tls_step_server(&connection);
        assert_true(connection.server_status >= 0);
        status = simple_call(flags, 2);
    }
    assert_status(status, SEC_E_OK);
    if (connection.server_status == SEC_I_CONTINUE_NEEDED) {
        tls_step_server(&connection);
    }
    assert_status(connection.server_status, SEC_E_OK);
}

/* ---------------------------------------------------------------- the session cache */

static bool resumed(void)
{
    SecPkgContext_SessionInfo info = {0};
    assert_status(QueryContextAttributesA(&connection.client, SECPKG_ATTR_SESSION_INFO, &info), SEC_E_OK);
    return (info.dwFlags & SSL_SESSION_RECONNECT) != 0;
}

static bool again(void)
{
    tls_close_contexts(&connection);
    tls_shake(&connection, HOST);
    assert_status(connection.client_status, SEC_E_OK);
    assert_status(connection.server_status, SEC_E_OK);
    return resumed();
}

/* In the child: 0 when the connection stands and is a new one. */
static int without_the_parents_sessions(void)
{
    SecPkgContext_SessionInfo info = {0};
    connection.has_client = connection.has_server = false; /* the parent's, which are left alone */
    connection.to_client_size = connection.to_server_size = 0;
    tls_shake(&connection, HOST);
    if (connection.client_status != SEC_E_OK || connection.server_status != SEC_E_OK ||
        QueryContextAttributesA(&connection.client, SECPKG_ATTR_SESSION_INFO, &info) != SEC_E_OK) {
        return 2;
    }
    return (info.dwFlags & SSL_SESSION_RECONNECT) != 0 ? 1 : 0;
}

static void sessions_belong_to_a_process(void **state)
{
    tls_open(&connection, "server-p256", SP_PROT_TLS1_2);
    assert_false(resumed());
    assert_true(again());
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(without_the_parents_sessions());
    }
    int result = 0;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), 0);
    assert_true(again()); /* and the parent's are still there */
    tls_close(&connection);
}

/* Two credentials at once, of one making: what the one has begun, the other does not go on with. */
static void sessions_belong_to_a_credential(void **state)
{
    SCHANNEL_CRED same = {.dwVersion = SCHANNEL_CRED_VERSION,
                          .grbitEnabledProtocols = SP_PROT_TLS1_2,
                          .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
    CredHandle first, second;
    tls_open(&connection, "server-p256", SP_PROT_TLS1_2);
    assert_true(again());
    first = connection.client_credential;
    assert_status(
        AcquireCredentialsHandleA(NULL, TLS_NAME, SECPKG_CRED_OUTBOUND, NULL, &same, NULL, NULL, &second, NULL),
        SEC_E_OK);
    connection.client_credential = second;
    assert_false(again());
    assert_true(again());
    connection.client_credential = first;
    assert_true(again());
    assert_status(FreeCredentialsHandle(&second), SEC_E_OK);
    tls_close(&connection);
}

/* A logon session is whose the thread is: Linux tells no others apart. */
static void sessions_belong_to_a_logon_session(void **state)
{
    if (geteuid() != 0) {
        print_message("# not root: nobody else to be\n");
        skip();
    }
    tls_open(&connection, "server-p256", SP_PROT_TLS1_2);
    assert_true(again());
    assert_int_equal(seteuid(65534), 0);
    bool of_another = again();
    assert_int_equal(seteuid(0), 0);
    assert_false(of_another);
    assert_true(again());
    tls_close(&connection);
}

/* ---------------------------------------------------------------- parameters and buffers */

/* Reserved parameters and the data representation say nothing; a later call needs no place for the handle, and what it has for
 * the expiry says that there is none. */
static void reserved_parameters_are_not_looked_at(void **state)
{
    for (size_t i = 0; i < COUNT(versions); i++) {
        tls_acquire_version(&connection, certificate, versions[i]);
        SECURITY_STATUS status = SEC_I_CONTINUE_NEEDED;
        for (int leg = 0; leg < 4 && status == SEC_I_CONTINUE_NEEDED; leg++) {
            SecBuffer in[2] = {{connection.to_client_size, SECBUFFER_TOKEN, connection.to_client},
                               {0, SECBUFFER_EMPTY, NULL}};
            SecBuffer out[1] = {{sizeof room, SECBUFFER_TOKEN, room}};
            SecBufferDesc input = {SECBUFFER_VERSION, 2, in}, output = {SECBUFFER_VERSION, 1, out};
            TimeStamp expiry = {.QuadPart = 77};
            ULONG attributes = 0;
            status =
                InitializeSecurityContextA(&connection.client_credential, leg == 0 ? NULL : &connection.client,
                                           text(HOST), 0, 0xffffffff, 0x12345678, leg == 0 ? NULL : &input, 0xffffffff,
                                           leg == 0 ? &connection.client : NULL, &output, &attributes, &expiry);
            assert_true(status >= 0);
            assert_int_equal(attributes, ISC_RET_REPLAY_DETECT | ISC_RET_SEQUENCE_DETECT | ISC_RET_CONFIDENTIALITY |
                                             ISC_RET_STREAM);
            assert_int_equal(expiry.QuadPart, 0);
            connection.has_client = true;
            memcpy(connection.to_server, room, out[0].cbBuffer);
            connection.to_server_size = out[0].cbBuffer;
            connection.to_client_size = 0;
            if (out[0].cbBuffer != 0) {
                tls_step_server(&connection);
            }
        }
        assert_status(status, SEC_E_OK);
        assert_status(connection.server_status, SEC_E_OK);
        tls_close(&connection);
    }
}

/* A credential for servers, a handle that is none, a first call without a place for the context; and a later call, for which
 * neither the credential nor the variable that the handle came in is needed, while the other side's handle is no use. */
static void credentials_and_contexts_of_the_right_kind(void **state)
{
    CtxtHandle context = {7, 7}, moved;
    SecBuffer out = {sizeof room, SECBUFFER_TOKEN, room};
    SecBufferDesc output = {SECBUFFER_VERSION, 1, &out};
    tls_acquire_version(&connection, certificate, SP_PROT_TLS1_2);
    CredHandle *const credentials[] = {&connection.server_credential, NULL, &context, &connection.client_credential};
    static const SECURITY_STATUS statuses[] = {SEC_E_NO_CREDENTIALS, SEC_E_INVALID_HANDLE, SEC_E_INVALID_HANDLE,
                                               SEC_E_INVALID_HANDLE};
    for (size_t i = 0; i < COUNT(credentials); i++) {
        assert_status(InitializeSecurityContextA(credentials[i], NULL, text(HOST), 0, 0, 0, NULL, 0,
                                                 i < 3 ? &moved : NULL, &output, NULL, NULL),
                      statuses[i]);
        assert_int_equal(out.cbBuffer, sizeof room);
    }
    first_flights(0);
    SecBuffer in[2] = {{connection.to_client_size, SECBUFFER_TOKEN, connection.to_client}, {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc input = {SECBUFFER_VERSION, 2, in};
    assert_status(
        InitializeSecurityContextA(NULL, &connection.server, NULL, 0, 0, 0, &input, 0, NULL, &output, NULL, NULL),
        SEC_E_INVALID_HANDLE);
    moved = connection.client;
    memset(&connection.client, 0xcc, sizeof moved);
    assert_status(InitializeSecurityContextA(NULL, &moved, NULL, 0, 0, 0, &input, 0, &moved, &output, NULL, NULL),
                  SEC_I_CONTINUE_NEEDED);
    connection.client = moved;
    memcpy(connection.to_server, room, out.cbBuffer);
    connection.to_server_size = out.cbBuffer;
    connection.to_client_size = 0;
    finish(SEC_I_CONTINUE_NEEDED, 0);
    tls_close(&connection);
}

/* No server initiates a context of ours: a TOKEN of the first call is no token, and the hello goes out.  Nor is a PKG_PARAMS
 * buffer looked at, with USE_SUPPLIED_CREDS either. */
static void a_first_call_has_no_token(void **state)
{
    unsigned char garbage[100];
    memset(garbage, 0xfa, sizeof garbage);
    SecBuffer in[3] = {{sizeof garbage, SECBUFFER_TOKEN, garbage},
                       {sizeof garbage, SECBUFFER_PKG_PARAMS, garbage},
                       {0, SECBUFFER_EMPTY, NULL}};
    SecBuffer out[1] = {{sizeof room, SECBUFFER_TOKEN, room}};
    tls_acquire_version(&connection, certificate, SP_PROT_TLS1_2);
    assert_status(call(ISC_REQ_USE_SUPPLIED_CREDS, in, 3, out, 1), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(in[2].BufferType, SECBUFFER_EMPTY); /* nor is any of it left for the next call */
    tls_step_server(&connection);
    finish(simple_call(0, 2), 0);
    tls_close(&connection);
}

/* The second input buffer has a place for what is left and what is missing; who leaves it out is not told, and served. */
static void one_input_buffer_will_do(void **state)
{
    tls_acquire_version(&connection, certificate, SP_PROT_TLS1_2);
    first_flights(0);
    ULONG size = connection.to_client_size;
    for (ULONG piece = 0; piece < 6; piece++) {
        connection.to_client_size = piece;
        assert_status(simple_call(0, 1), SEC_E_INCOMPLETE_MESSAGE);
    }
    ULONG record = 5 + (ULONG)(connection.to_client[3] << 8 | connection.to_client[4]);
    assert_true(record < size); /* ServerHello; with no more than that the client has nothing to say yet */
    connection.to_client_size = record;
    assert_status(simple_call(0, 1), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(connection.to_server_size, 0);
    SecBuffer in[1] = {{size - record, SECBUFFER_TOKEN, connection.to_client + record}};
    SecBuffer out[1] = {{sizeof room, SECBUFFER_TOKEN, room}};
    assert_status(call(0, in, 1, out, 1), SEC_I_CONTINUE_NEEDED);
    assert_true(connection.to_server_size != 0);
    tls_step_server(&connection);
    assert_status(connection.server_status, SEC_E_OK);
    assert_status(simple_call(0, 1), SEC_E_OK);
    tls_close(&connection);
}

/* ---------------------------------------------------------------- alerts */

/* TLS 1.2 tells of its errors in the clear (RFC 5246 7.2.2): fatal, unknown_ca. */
static const unsigned char unknown_ca[] = {0x15, 3, 3, 0, 2, 2, 48};

static void untrusted(void)
{
    SCHANNEL_CRED client = {.dwVersion = SCHANNEL_CRED_VERSION, .grbitEnabledProtocols = SP_PROT_TLS1_2};
    SCHANNEL_CRED server = {.dwVersion = SCHANNEL_CRED_VERSION,
                            .cCreds = 1,
                            .paCred = &certificate,
                            .grbitEnabledProtocols = SP_PROT_TLS1_2};
    tls_acquire(&connection, &client, &server);
    first_flights(0);
}

static void an_alert_buffer_holds_the_alert(void **state)
{
    unsigned char alert[16];
    SecBuffer in[2] = {{0, SECBUFFER_TOKEN, connection.to_client}, {0, SECBUFFER_EMPTY, NULL}};
    untrusted(); /* memory of the library's */
    SecBuffer allocated[2] = {{0, SECBUFFER_TOKEN, NULL}, {0, SECBUFFER_ALERT, NULL}};
    in[0].cbBuffer = connection.to_client_size;
    assert_status(call(ISC_REQ_ALLOCATE_MEMORY, in, 2, allocated, 2), SEC_E_UNTRUSTED_ROOT);
    assert_int_equal(allocated[1].BufferType, SECBUFFER_ALERT);
    assert_int_equal(allocated[1].cbBuffer, sizeof unknown_ca);
    assert_memory_equal(allocated[1].pvBuffer, unknown_ca, sizeof unknown_ca);
    assert_status(FreeContextBuffer(allocated[1].pvBuffer), SEC_E_OK);
    assert_int_equal(allocated[0].cbBuffer, 0);
    assert_null(allocated[0].pvBuffer);
    tls_close(&connection);
    untrusted(); /* the caller's, between TOKEN and something else */
    SecBuffer own[3] = {
        {0, SECBUFFER_EMPTY, NULL}, {sizeof alert, SECBUFFER_ALERT, alert}, {ROOM, SECBUFFER_TOKEN, room}};
    in[0].cbBuffer = connection.to_client_size;
    in[1] = (SecBuffer){0, SECBUFFER_EMPTY, NULL};
    assert_status(call(0, in, 2, own, 3), SEC_E_UNTRUSTED_ROOT);
    assert_int_equal(own[1].cbBuffer, sizeof unknown_ca);
    assert_memory_equal(alert, unknown_ca, sizeof unknown_ca);
    tls_close(&connection);
    untrusted(); /* with too little room the error is the same, and nothing behind the room is written */
    memset(alert, 0xa5, sizeof alert);
    SecBuffer small[2] = {{ROOM, SECBUFFER_TOKEN, room}, {3, SECBUFFER_ALERT, alert}};
    in[0].cbBuffer = connection.to_client_size;
    in[1] = (SecBuffer){0, SECBUFFER_EMPTY, NULL};
    assert_status(call(0, in, 2, small, 2), SEC_E_UNTRUSTED_ROOT);
    for (size_t i = 3; i < sizeof alert; i++) {
        assert_int_equal(alert[i], 0xa5);
    }
    tls_close(&connection);
}

/* What a server's alert is to the client's call; the session is not established, and the context is there to be deleted. */
static void a_servers_alert_is_a_status(void **state)
{
    static const struct {
        DWORD alert;
        SECURITY_STATUS status;
    } cases[] = {
        {TLS1_ALERT_ACCESS_DENIED, SEC_E_LOGON_DENIED},
        {TLS1_ALERT_INTERNAL_ERROR, SEC_E_INTERNAL_ERROR},
        {TLS1_ALERT_NO_APP_PROTOCOL, SEC_E_APPLICATION_PROTOCOL_MISMATCH},
        {TLS1_ALERT_PROTOCOL_VERSION, SEC_E_UNSUPPORTED_FUNCTION},
        {TLS1_ALERT_HANDSHAKE_FAILURE, SEC_E_ILLEGAL_MESSAGE},
        {TLS1_ALERT_UNKNOWN_CA, SEC_E_UNTRUSTED_ROOT},
        {TLS1_ALERT_BAD_CERTIFICATE, SEC_E_CERT_UNKNOWN},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        SCHANNEL_ALERT_TOKEN token = {SCHANNEL_ALERT, TLS1_ALERT_FATAL, cases[i].alert};
        SecBuffer buffer = {sizeof token, SECBUFFER_TOKEN, &token};
        SecBufferDesc control = {SECBUFFER_VERSION, 1, &buffer};
        SecPkgContext_ConnectionInfo info;
        tls_acquire_version(&connection, certificate, SP_PROT_TLS1_2);
        first_flights(0);
        connection.to_client_size = 0; /* the alert comes instead */
        assert_status(ApplyControlToken(&connection.server, &control), SEC_E_OK);
        tls_step_server(&connection);
        assert_int_equal(connection.to_client_size, 7);
        assert_status(simple_call(0, 2), cases[i].status);
        assert_true(QueryContextAttributesA(&connection.client, SECPKG_ATTR_CONNECTION_INFO, &info) < 0);
        assert_status(simple_call(0, 2), SEC_E_OUT_OF_SEQUENCE);
        tls_close(&connection);
    }
}

/* What is no record, or another package's token, ends the handshake; the right bytes do not mend it. */
static void tokens_of_others(void **state)
{
    static const char *const tokens[] = {"NTLMSSP\0\2\0\0\0", "\x60\x28\x06\x06\x2b\x06\x01\x05\x05\x02\xa0",
                                         "realm=\"server\", nonce=\"0123456789\""};
    for (size_t i = 0; i < COUNT(tokens); i++) {
        unsigned char wrong[32] = {0};
        tls_acquire_version(&connection, certificate, versions[i % 2]);
        first_flights(0);
        memcpy(wrong, tokens[i], 11);
        SecBuffer in[2] = {{sizeof wrong, SECBUFFER_TOKEN, wrong}, {0, SECBUFFER_EMPTY, NULL}};
        SecBuffer out[1] = {{sizeof room, SECBUFFER_TOKEN, room}};
        assert_status(call(0, in, 2, out, 1), SEC_E_INVALID_TOKEN);
        assert_status(simple_call(0, 2), SEC_E_OUT_OF_SEQUENCE);
        tls_close(&connection);
    }
}

/* CompleteAuthToken is nobody's business here, and harmless once the connection stands. */
static void nothing_is_left_to_complete(void **state)
{
    SecBuffer token = {0, SECBUFFER_TOKEN, NULL};
    SecBufferDesc message = {SECBUFFER_VERSION, 1, &token};
    tls_acquire_version(&connection, certificate, SP_PROT_TLS1_2);
    first_flights(0);
    assert_status(CompleteAuthToken(&connection.client, &message), SEC_E_UNSUPPORTED_FUNCTION);
    finish(simple_call(0, 2), 0);
    assert_status(CompleteAuthToken(&connection.client, &message), SEC_E_OK);
    tls_close(&connection);
}

/* ---------------------------------------------------------------- flags */

/* CONNECTION and INTEGRITY come back and change nothing; what Schannel has not got does not fail and does not come back. */
static void flags_that_change_nothing(void **state)
{
    const ULONG always = ISC_RET_REPLAY_DETECT | ISC_RET_SEQUENCE_DETECT | ISC_RET_CONFIDENTIALITY | ISC_RET_STREAM;
    static const struct {
        ULONG asked, back;
    } cases[] = {
        {0, 0},
        {ISC_REQ_CONNECTION, ISC_RET_CONNECTION},
        {ISC_REQ_INTEGRITY, ISC_RET_INTEGRITY},
        {ISC_REQ_MUTUAL_AUTH, ISC_RET_MUTUAL_AUTH},
        {ISC_REQ_DELEGATE, 0},
    };
    for (size_t i = 0; i < COUNT(cases) * COUNT(versions); i++) {
        ULONG asked = cases[i / 2].asked;
        tls_acquire_version(&connection, certificate, versions[i % 2]);
        first_flights(asked);
        assert_int_equal(connection.client_attributes, always | cases[i / 2].back);
        finish(simple_call(asked, 2), asked);
        assert_int_equal(connection.client_attributes, always | cases[i / 2].back);
        tls_close(&connection);
    }
}

/* Signatures apart from messages are not TLS', whatever is asked for: EncryptMessage has integrity in it. */
static void messages_are_not_signed_apart(void **state)
{
    unsigned char data[8] = "message", signature[64];
    SecBuffer buffers[2] = {{sizeof data, SECBUFFER_DATA, data}, {sizeof signature, SECBUFFER_TOKEN, signature}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    tls_open(&connection, "server-p256", SP_PROT_TLS1_2);
    assert_status(MakeSignature(&connection.client, 0, &message, 0), SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(VerifySignature(&connection.client, &message, 0, NULL), SEC_E_UNSUPPORTED_FUNCTION);
    tls_close(&connection);
}

static SECURITY_STATUS arrives(const unsigned char *record, ULONG size)
{
    unsigned char copy[256];
    memcpy(copy, record, size);
    SecBuffer buffers[4] = {{size, SECBUFFER_DATA, copy}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
    return DecryptMessage(&connection.server, &message, 0, NULL);
}

/* A record again, or one before its turn, is as good as altered (RFC 5246 6.2.3.1, RFC 8446 5.3), and the end. */
static void replays_and_gaps_are_found(void **state)
{
    for (size_t i = 0; i < 2 * COUNT(versions); i++) {
        unsigned char first[256], second[256];
        tls_open(&connection, "server-p256", versions[i % 2]);
        ULONG first_size = tls_seal(&connection.client, "first", 5, first);
        ULONG second_size = tls_seal(&connection.client, "second", 6, second);
        if (i < COUNT(versions)) {
            assert_status(arrives(first, first_size), SEC_E_OK);
            assert_status(arrives(first, first_size), SEC_E_MESSAGE_ALTERED);
        } else {
            assert_status(arrives(second, second_size), SEC_E_MESSAGE_ALTERED);
        }
        tls_close(&connection);
    }
}

/* ---------------------------------------------------------------- the client's certificate */

/* A server that names the PKI's root and takes any certificate; a client with one of somebody else's. */
static void asked_by_the_root(DWORD version, const char *own)
{
    PCCERT_CONTEXT of_client = tls_load_chain(own);
    HCERTSTORE roots = tls_roots();
    SCHANNEL_CRED client = {.dwVersion = SCHANNEL_CRED_VERSION,
                            .cCreds = 1,
                            .paCred = &of_client,
                            .grbitEnabledProtocols = version,
                            .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
    SCHANNEL_CRED server = {.dwVersion = SCHANNEL_CRED_VERSION,
                            .cCreds = 1,
                            .paCred = &certificate,
                            .hRootStore = roots,
                            .grbitEnabledProtocols = version,
                            .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
    tls_acquire(&connection, &client, &server);
    CertFreeCertificateContext(of_client);
    assert_true(CertCloseStore(roots, 0));
    connection.server_request = ASC_REQ_MUTUAL_AUTH;
}

/* Another credential with this certificate, in the place of the client's. */
static void change_credential(DWORD version, const char *name)
{
    PCCERT_CONTEXT other = strcmp(name, "selfsigned") == 0 ? tls_load(name) : tls_load_chain(name);
    SCHANNEL_CRED client = {.dwVersion = SCHANNEL_CRED_VERSION,
                            .cCreds = 1,
                            .paCred = &other,
                            .grbitEnabledProtocols = version,
                            .dwFlags = SCH_CRED_MANUAL_CRED_VALIDATION};
    assert_status(FreeCredentialsHandle(&connection.client_credential), SEC_E_OK);
    assert_status(AcquireCredentialsHandleA(NULL, TLS_NAME, SECPKG_CRED_OUTBOUND, NULL, &client, NULL, NULL,
                                            &connection.client_credential, NULL),
                  SEC_E_OK);
    CertFreeCertificateContext(other);
}

static void assert_shown(const char *name)
{
    PCCERT_CONTEXT expected = tls_load(name), seen = NULL;
    assert_status(QueryContextAttributesA(&connection.server, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &seen), SEC_E_OK);
    assert_int_equal(seen->cbCertEncoded, expected->cbCertEncoded);
    assert_memory_equal(seen->pbCertEncoded, expected->pbCertEncoded, expected->cbCertEncoded);
    CertFreeCertificateContext(seen);
    CertFreeCertificateContext(expected);
}

/* What the client does when it is told that its certificate is none of the authorities' that the server trusts. */
enum remedy { REMEDY_NAMED, REMEDY_ANOTHER, REMEDY_SAME, REMEDY_FLAG, REMEDIES };

static void remedy(DWORD version, enum remedy remedy)
{
    static const char *const shown[] = {"client", "selfsigned", "unknown", "unknown"};
    SecPkgContext_IssuerListInfoEx issuers;
    PCCERT_CONTEXT root = tls_load("root");
    ULONG flags = 0;
    asked_by_the_root(version, "unknown");
    first_flights(flags);
    assert_status(simple_call(flags, 2), SEC_I_INCOMPLETE_CREDENTIALS);
    assert_int_equal(connection.to_server_size, 0);
    assert_status(QueryContextAttributesA(&connection.client, SECPKG_ATTR_ISSUER_LIST_EX, &issuers), SEC_E_OK);
    assert_int_equal(issuers.cIssuers, 1);
    assert_true(CertCompareCertificateName(X509_ASN_ENCODING, &issuers.aIssuers[0], &root->pCertInfo->Subject));
    assert_status(FreeContextBuffer(issuers.aIssuers), SEC_E_OK);
    if (remedy == REMEDY_NAMED || remedy == REMEDY_ANOTHER) {
        change_credential(version, shown[remedy]);
    } else if (remedy == REMEDY_FLAG) {
        flags = ISC_REQ_USE_SUPPLIED_CREDS;
    }
    finish(simple_call(flags, 2), flags); /* and nobody is told twice */
    assert_shown(shown[remedy]);
    CertFreeCertificateContext(root);
    tls_close(&connection);
}

static void a_certificate_of_an_authority_that_is_not_named(void **state)
{
    for (int i = 0; i < 2 * REMEDIES; i++) {
        remedy(versions[i % 2], (enum remedy)(i / 2));
    }
    for (size_t i = 0; i < COUNT(versions); i++) {
        asked_by_the_root(versions[i], "client"); /* one that is: nobody is told anything */
        first_flights(0);
        finish(simple_call(0, 2), 0);
        assert_shown("client");
        tls_close(&connection);
        asked_by_the_root(versions[i], "unknown"); /* who says beforehand that what is given is all there is */
        first_flights(ISC_REQ_USE_SUPPLIED_CREDS);
        finish(simple_call(ISC_REQ_USE_SUPPLIED_CREDS, 2), ISC_REQ_USE_SUPPLIED_CREDS);
        assert_shown("unknown");
        tls_close(&connection);
    }
}

int main(void)
{
    if (!tls_has_pki()) {
        return 0;
    }
    certificate = tls_load_chain("server-p256");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_belong_to_a_process),
        cmocka_unit_test(sessions_belong_to_a_credential),
        cmocka_unit_test(sessions_belong_to_a_logon_session),
        cmocka_unit_test(reserved_parameters_are_not_looked_at),
        cmocka_unit_test(credentials_and_contexts_of_the_right_kind),
        cmocka_unit_test(a_first_call_has_no_token),
        cmocka_unit_test(one_input_buffer_will_do),
        cmocka_unit_test(an_alert_buffer_holds_the_alert),
        cmocka_unit_test(a_servers_alert_is_a_status),
        cmocka_unit_test(tokens_of_others),
        cmocka_unit_test(nothing_is_left_to_complete),
        cmocka_unit_test(flags_that_change_nothing),
        cmocka_unit_test(messages_are_not_signed_apart),
        cmocka_unit_test(replays_and_gaps_are_found),
        cmocka_unit_test(a_certificate_of_an_authority_that_is_not_named),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    CertFreeCertificateContext(certificate);
    return failed;
}
