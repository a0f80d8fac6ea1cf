/* The end of a connection, and the calls themselves: control tokens, input and output buffers, returned attributes. */
#include "connection.h"

#include "core/handle.h"

/* ---------------------------------------------------------------- the end */

static void closing(void **state)
{
    static const DWORD versions[] = {TLS12, TLS13, SP_PROT_TLS1_1};
    static const DWORD shutdown = SCHANNEL_SHUTDOWN;
    for (size_t v = 0; v < 3; v++) {
        struct link *link = make_version(versions[v]);
        struct side *c = &link->client, *s = &link->server;
        uint8_t data[64];
        size_t size = 0;
        link_establish(link);
        link_exchange(link, 10);
        link_send(c, s, "last words", 10);
        link_control(c, s, &shutdown, sizeof shutdown);
        assert_status(link_receive(s, data, &size), SEC_E_OK);
        assert_status(link_receive(s, data, &size), SEC_I_CONTEXT_EXPIRED);
        assert_status(link_receive(s, data, &size), SEC_E_CONTEXT_EXPIRED);
        link_send(s, c, "farewell", 8); /* the other direction is still open */
        assert_status(link_receive(c, data, &size), SEC_E_OK);
        assert_int_equal(size, 8);
        link_control(s, c, &shutdown, sizeof shutdown);
        assert_status(link_receive(c, data, &size), SEC_I_CONTEXT_EXPIRED);
        SecBuffer buffers[4] = {{16, SECBUFFER_STREAM_HEADER, data},
                                {1, SECBUFFER_DATA, data + 16},
                                {40, SECBUFFER_STREAM_TRAILER, data + 17},
                                {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
        assert_status(EncryptMessage(&c->context, 0, &message, 0), SEC_E_CONTEXT_EXPIRED);
        link_close(link);
    }
}

/* windows-behaviour A3 to A5: before the handshake is done, in the clear. */
static void control_before_the_end(void **state)
{
    static const uint8_t close_notify[] = {0x15, 3, 1, 0, 2, 1, 0};
    static const uint8_t bad_certificate[] = {0x15, 3, 1, 0, 2, 2, 0x2a};
    static const DWORD shutdown = SCHANNEL_SHUTDOWN;
    SCHANNEL_ALERT_TOKEN alert = {SCHANNEL_ALERT, TLS1_ALERT_FATAL, TLS1_ALERT_BAD_CERTIFICATE};
    struct link *link = make_version(TLS12);
    struct side *c = &link->client;
    uint8_t out[64];
    size_t out_size = 0;
    uint8_t hello[1024];
    size_t hello_size = 0;
    assert_status(side_step(c, link, hello, &hello_size), SEC_I_CONTINUE_NEEDED);
    for (int i = 0; i < 2; i++) {
        link->server.in_size = 0;
        link_control(c, &link->server, &shutdown, sizeof shutdown);
        assert_int_equal(link->server.in_size, 7);
        assert_memory_equal(link->server.in, close_notify, 7);
        assert_status(side_poke(c, out, &out_size), SEC_E_INCOMPLETE_MESSAGE);
    }
    link->server.in_size = 0;
    link_control(c, &link->server, &alert, sizeof alert);
    assert_memory_equal(link->server.in, bad_certificate, 7);
    link_close(link);
}

/* windows-behaviour SH8 to SH11. */
static void wrong_input(void **state)
{
    struct link *link = make_version(TLS12);
    struct side *c = &link->client;
    uint8_t hello[1024], out[4096], in[8] = {22, 3, 3, 1, 0};
    size_t hello_size = 0;
    assert_status(side_step(c, link, hello, &hello_size), SEC_I_CONTINUE_NEEDED);
    static const struct {
        ULONG size;
        ULONG missing;
    } cases[] = {{0, 5}, {4, 1}, {5, 256}};
    for (size_t i = 0; i < 3; i++) {
        SecBuffer buffers[2] = {{cases[i].size, SECBUFFER_TOKEN, in}, {0, SECBUFFER_EMPTY, NULL}};
        SecBuffer output = {sizeof out, SECBUFFER_TOKEN, out};
        SecBufferDesc in_desc = {SECBUFFER_VERSION, 2, buffers}, out_desc = {SECBUFFER_VERSION, 1, &output};
        ULONG attributes;
        assert_status(InitializeSecurityContextA(&c->credential, &c->context, NULL, 0, 0, 0, &in_desc, 0, NULL,
                                                 &out_desc, &attributes, NULL),
                      SEC_E_INCOMPLETE_MESSAGE);
        assert_int_equal(buffers[1].BufferType, SECBUFFER_MISSING);
        assert_int_equal(buffers[1].cbBuffer, cases[i].missing);
        assert_int_equal(output.cbBuffer, sizeof out);
        buffers[1] = (SecBuffer){0xdeadbeef, SECBUFFER_EMPTY, NULL};
        assert_status(InitializeSecurityContextA(&c->credential, &c->context, NULL, 0, 0, 0, &in_desc, 0, NULL,
                                                 &out_desc, &attributes, NULL),
                      SEC_E_INVALID_TOKEN);
    }
    uint8_t *garbage = memset(malloc(8192), 0xfa, 8192);
    SecBuffer buffers[2] = {{8192, SECBUFFER_TOKEN, garbage}, {0, SECBUFFER_EMPTY, NULL}};
    SecBuffer output = {sizeof out, SECBUFFER_TOKEN, out};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 2, buffers}, out_desc = {SECBUFFER_VERSION, 1, &output};
    ULONG attributes;
    assert_status(InitializeSecurityContextA(&c->credential, &c->context, NULL, 0, 0, 0, &in_desc, 0, NULL, &out_desc,
                                             &attributes, NULL),
                  SEC_E_INVALID_TOKEN);
    assert_int_equal(output.cbBuffer, 0);
    free(garbage);
    link_close(link);
}

/* windows-behaviour SH2 to SH7. */
static SECURITY_STATUS first_call(CredHandle *credential, ULONG flags, SecBuffer *buffers, ULONG count,
                                  ULONG *attributes)
{
    SecBufferDesc out = {SECBUFFER_VERSION, count, buffers};
    CtxtHandle context = {0, 0};
    SECURITY_STATUS status =
        InitializeSecurityContextA(credential, NULL, (SEC_CHAR *)(uintptr_t) "www.example.com", flags, 0, 0, NULL, 0,
                                   &context, count != 0 ? &out : NULL, attributes, NULL);
    if (status >= 0) {
        assert_status(DeleteSecurityContext(&context), SEC_E_OK);
    }
    return status;
}

static void output_buffers(void **state)
{
    static const DWORD versions[] = {TLS12, SP_PROT_DTLS1_2};
    for (size_t v = 0; v < 2; v++) {
        struct side side = {.client = true, .options = client_options(versions[v])};
        CredHandle *credential;
        uint8_t token[4096], alert[64];
        ULONG attributes;
        side_acquire(&side);
        credential = &side.credential;
        assert_status(first_call(credential, 0, NULL, 0, &attributes), SEC_E_INVALID_TOKEN);
        SecBuffer no_room[2] = {{0, SECBUFFER_TOKEN, token}, {0, SECBUFFER_EMPTY, NULL}};
        assert_status(first_call(credential, 0, no_room, 2, &attributes), SEC_E_INSUFFICIENT_MEMORY);
        SecBuffer no_alert[2] = {{sizeof token, SECBUFFER_TOKEN, token}, {0, SECBUFFER_ALERT, alert}};
        assert_status(first_call(credential, 0, no_alert, 2, &attributes), SEC_E_INSUFFICIENT_MEMORY);
        SecBuffer stale = {0, SECBUFFER_TOKEN, (void *)(uintptr_t)0xdeadbeef};
        assert_status(first_call(credential, ISC_REQ_ALLOCATE_MEMORY, &stale, 1, &attributes), SEC_I_CONTINUE_NEEDED);
        assert_ptr_not_equal(stale.pvBuffer, (void *)(uintptr_t)0xdeadbeef);
        assert_status(FreeContextBuffer(stale.pvBuffer), SEC_E_OK);
        SecBuffer unnamed = {sizeof token, SECBUFFER_TOKEN, NULL};
        assert_status(first_call(credential, 0, &unnamed, 1, &attributes), SEC_I_CONTINUE_NEEDED);
        assert_non_null(unnamed.pvBuffer);
        assert_status(FreeContextBuffer(unnamed.pvBuffer), SEC_E_OK);
        SecBuffer four[4] = {{sizeof token, SECBUFFER_TOKEN, token},
                             {sizeof alert, SECBUFFER_ALERT, alert},
                             {0, SECBUFFER_EMPTY, NULL},
                             {0, SECBUFFER_EMPTY, NULL}};
        assert_status(first_call(credential, 0, four, 4, &attributes), SEC_I_CONTINUE_NEEDED);
        assert_true(four[0].cbBuffer != 0 && four[0].cbBuffer < sizeof token);
        assert_int_equal(four[1].cbBuffer, 0);
        assert_int_equal(four[1].BufferType, SECBUFFER_ALERT);
        assert_status(FreeCredentialsHandle(credential), SEC_E_OK);
    }
}

/* windows-behaviour D2 and D4. */
static void datagram_attributes(void **state)
{
    struct side_options client = client_options(SP_PROT_DTLS1_2);
    struct side_options server = server_options(SP_PROT_DTLS1_2);
    client.request =
        ISC_REQ_MANUAL_CRED_VALIDATION | ISC_REQ_EXTENDED_ERROR | ISC_REQ_DATAGRAM | ISC_REQ_USE_SUPPLIED_CREDS;
    struct link *link = make(&client, &server);
    uint8_t out[4096];
    size_t out_size = 0;
    assert_status(side_step(&link->client, link, out, &out_size), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(link->client.attributes & ~(ULONG)ISC_RET_ALLOCATED_MEMORY, 0x8c49c);
    SecBuffer buffers[2] = {{sizeof out, SECBUFFER_TOKEN, out}, {0, SECBUFFER_ALERT, NULL}};
    SecBufferDesc desc = {SECBUFFER_VERSION, 2, buffers};
    CtxtHandle untouched = {1, 2};
    TimeStamp expiry = {.QuadPart = 77};
    ULONG attributes = 0;
    assert_status(InitializeSecurityContextA(&link->client.credential, &link->client.context, NULL, 0, 0, 0, NULL, 0,
                                             &untouched, &desc, &attributes, &expiry),
                  SEC_E_INSUFFICIENT_MEMORY);
    assert_int_equal(attributes & 0x1c, 0x1c);
    assert_int_equal(expiry.QuadPart, 0);
    assert_true(untouched.dwLower == 1 && untouched.dwUpper == 2);
    link_close(link);
}

/* windows-behaviour A1 and A2. */
static void control_tokens(void **state)
{
    struct link *link = make_version(TLS12);
    CtxtHandle *context = &link->client.context;
    DWORD token[2] = {SCHANNEL_SHUTDOWN, 0};
    link_establish(link);
    const struct {
        ULONG count, size, type;
        DWORD token;
        SECURITY_STATUS status;
    } cases[] = {
        {1, 4, SECBUFFER_TOKEN, SCHANNEL_RENEGOTIATE, SEC_E_UNSUPPORTED_FUNCTION},
        {1, 3, SECBUFFER_TOKEN, SCHANNEL_SHUTDOWN, SEC_E_UNSUPPORTED_FUNCTION},
        {1, 4, SECBUFFER_ALERT, SCHANNEL_SHUTDOWN, SEC_E_INVALID_TOKEN},
        {1, 4, SECBUFFER_DATA, SCHANNEL_SHUTDOWN, SEC_E_INVALID_TOKEN},
        {2, 4, SECBUFFER_TOKEN, SCHANNEL_SHUTDOWN, SEC_E_INVALID_TOKEN},
        {0, 4, SECBUFFER_TOKEN, SCHANNEL_SHUTDOWN, SEC_E_INVALID_TOKEN},
        {1, 4, SECBUFFER_TOKEN, SCHANNEL_SHUTDOWN, SEC_E_OK},
        {1, 5, SECBUFFER_TOKEN, SCHANNEL_SHUTDOWN, SEC_E_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SecBuffer buffers[2] = {{cases[i].size, cases[i].type, token}, {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc desc = {SECBUFFER_VERSION, cases[i].count, buffers};
        token[0] = cases[i].token;
        assert_status(ApplyControlToken(context, &desc), cases[i].status);
    }
    assert_status(ApplyControlToken(context, NULL), SEC_E_INTERNAL_ERROR);
    link_close(link);
}

static void returned_attributes(void **state)
{
    struct side_options client = client_options(TLS12);
    struct side_options server = server_options(TLS12);
    struct link *link = make(&client, &server);
    link_establish(link);
    assert_int_equal(link->client.attributes, ISC_RET_REPLAY_DETECT | ISC_RET_SEQUENCE_DETECT |
                                                  ISC_RET_CONFIDENTIALITY | ISC_RET_STREAM | ISC_RET_ALLOCATED_MEMORY);
    link_close(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing),        cmocka_unit_test(control_before_the_end),
        cmocka_unit_test(wrong_input),    cmocka_unit_test(returned_attributes),
        cmocka_unit_test(output_buffers), cmocka_unit_test(datagram_attributes),
        cmocka_unit_test(control_tokens),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("schannel calls", tests, NULL, NULL);
}
