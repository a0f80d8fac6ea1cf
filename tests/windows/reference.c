/* What the reference pages say of a client's calls and no program is known to rely on; docs/reference-coverage.md names the cases.
 * What is Kerberos' is in kerberos.c. */
#include "rules.h"

#define HTTP_CHALLENGE "realm=\"testrealm@host.com\", qop=\"auth\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\""
#define SASL_CHALLENGE                                                                                                 \
    "realm=\"testrealm@host.com\",nonce=\"OA6MG9tEQGm2hh\",qop=\"auth\",algorithm=md5-sess,charset=utf-8"

/* The arguments of a call that these tests vary. */
struct call {
    ULONG flags, reserved1, representation, reserved2;
    const char *target;
    SecBufferDesc *input;
};

static SECURITY_STATUS initiate(CredHandle *credential, CtxtHandle *context, bool first, const struct call *call,
                                struct token *out, ULONG *attributes)
{
    token_init(out, TOKEN_MAX);
    return InitializeSecurityContextA(credential, first ? NULL : context, text(call->target), call->flags,
                                      call->reserved1, call->representation, call->input, call->reserved2, context,
                                      &out->descriptor, attributes, NULL);
}

static CredHandle tls_client(void)
{
    CredHandle out;
    assert_status(AcquireCredentialsHandleA(NULL, TLS_NAME, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL, &out, NULL),
                  SEC_E_OK);
    return out;
}

/* ---------------------------------------------------------------- arguments that change nothing */

/* First calls of each package: they end alike, and NTLM's token is the same to the byte. */
static void same_first_calls(const struct call *calls, size_t count, ULONG differing)
{
    static const char *const packages[] = {"NTLM", "Negotiate", "WDigest", "Schannel"};
    SecBuffer challenge[2] = {{sizeof HTTP_CHALLENGE - 1, SECBUFFER_TOKEN, text(HTTP_CHALLENGE)},
                              {3, SECBUFFER_PKG_PARAMS, text("GET")}};
    SecBufferDesc challenges = {SECBUFFER_VERSION, 2, challenge};
    for (size_t package = 0; package < COUNT(packages); package++) {
        bool digest = package == 2, tls = package == 3;
        CredHandle credential = tls ? tls_client() : rules_client(packages[package]);
        struct token first, other;
        ULONG attributes, expected = 0;
        for (size_t i = 0; i < count; i++) {
            struct call call = calls[i];
            CtxtHandle context;
            call.input = digest ? &challenges : NULL;
            call.flags |= digest ? ISC_REQ_HTTP : 0;
            call.target = digest ? "/dir/index.html" : "HTTP/server";
            assert_status(initiate(&credential, &context, true, &call, i == 0 ? &first : &other, &attributes),
                          digest ? SEC_E_OK : SEC_I_CONTINUE_NEEDED);
            expected = i == 0 ? attributes : expected;
            assert_int_equal(attributes & ~differing, expected & ~differing);
            if (i != 0 && package < 2) {
                assert_int_equal(other.buffer.cbBuffer, first.buffer.cbBuffer);
                assert_memory_equal(other.bytes, first.bytes, first.buffer.cbBuffer);
            }
            assert_status(DeleteSecurityContext(&context), SEC_E_OK);
        }
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
}

static void reserved_arguments_are_not_looked_at(void **state)
{
    static const struct call calls[] = {{.flags = 0}, {.reserved1 = 1}, {.reserved2 = 0xffffffff}};
    same_first_calls(calls, COUNT(calls), 0);
}

static void the_order_of_bytes_is_not_looked_at(void **state)
{
    static const struct call calls[] = {
        {.representation = 0}, {.representation = SECURITY_NATIVE_DREP}, {.representation = SECURITY_NETWORK_DREP}};
    same_first_calls(calls, COUNT(calls), 0);
}

/* But for the bit itself nothing changes. */
static void connections_are_the_default(void **state)
{
    static const struct call calls[] = {{.flags = 0}, {.flags = ISC_REQ_CONNECTION}};
    same_first_calls(calls, COUNT(calls), ISC_RET_CONNECTION);
}

/* NO_INTEGRITY and USE_SESSION_KEY are Kerberos' and Negotiate's, the others Schannel's and Digest's. */
static void flags_of_other_packages_change_nothing(void **state)
{
    static const ULONG others[] = {ISC_REQ_NO_INTEGRITY,           ISC_REQ_USE_SESSION_KEY,    ISC_REQ_STREAM,
                                   ISC_REQ_MANUAL_CRED_VALIDATION, ISC_REQ_USE_SUPPLIED_CREDS, ISC_REQ_HTTP};
    CredHandle credential = rules_client("NTLM");
    for (size_t i = 0; i < COUNT(others); i++) {
        struct token tokens[2];
        ULONG attributes[2];
        for (int with = 0; with < 2; with++) {
            const struct call call = {.flags = SEALED | (with ? others[i] : 0)};
            CtxtHandle context;
            assert_status(initiate(&credential, &context, true, &call, &tokens[with], &attributes[with]),
                          SEC_I_CONTINUE_NEEDED);
            assert_status(DeleteSecurityContext(&context), SEC_E_OK);
        }
        assert_int_equal(attributes[1], attributes[0]);
        assert_int_equal(tokens[1].buffer.cbBuffer, tokens[0].buffer.cbBuffer);
        assert_memory_equal(tokens[1].bytes, tokens[0].bytes, tokens[0].buffer.cbBuffer);
    }
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

/* ---------------------------------------------------------------- flags that do */

/* INTEGRITY beside it is as if it were not there: what NTLM asks for in NEGOTIATE (MS-NLMP 2.2.1.1) is in the flags at 12. */
static void no_integrity_outweighs_integrity(void **state)
{
    static const struct {
        ULONG flags;
        bool sign;
    } cases[] = {{0, true},
                 {ISC_REQ_INTEGRITY, true},
                 {ISC_REQ_NO_INTEGRITY, false},
                 {ISC_REQ_NO_INTEGRITY | ISC_REQ_INTEGRITY, false}};
    CredHandle credential = rules_client("Negotiate");
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct call call = {.flags = cases[i].flags};
        struct token hello;
        ULONG attributes;
        CtxtHandle context;
        assert_status(initiate(&credential, &context, true, &call, &hello, &attributes), SEC_I_CONTINUE_NEEDED);
        assert_memory_equal(hello.bytes, "NTLMSSP\0\1\0\0\0", 12);
        assert_int_equal((hello.bytes[12] & 0x10) != 0, cases[i].sign);
        assert_int_equal((attributes & ISC_RET_INTEGRITY) != 0, cases[i].sign);
        assert_status(DeleteSecurityContext(&context), SEC_E_OK);
    }
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

/* There is no desktop to ask on; the pages name this status for the flag. */
static void nobody_is_asked_for_credentials(void **state)
{
    static const char *const packages[] = {"NTLM", "Negotiate", "WDigest", "Schannel"};
    for (size_t i = 0; i < COUNT(packages); i++) {
        CredHandle credential = i == 3 ? tls_client() : rules_client(packages[i]);
        CtxtHandle context = {7, 7};
        struct call call = {.flags = ISC_REQ_PROMPT_FOR_CREDS, .target = "HTTP/server"};
        struct token hello;
        ULONG attributes = 7;
        assert_status(initiate(&credential, &context, true, &call, &hello, &attributes), SEC_E_UNSUPPORTED_FUNCTION);
        assert_int_equal(context.dwLower, 7);
        assert_int_equal(attributes, 7);
        call.flags = 0;
        assert_status(initiate(&credential, &context, true, &call, &hello, &attributes), SEC_I_CONTINUE_NEEDED);
        assert_status(DeleteSecurityContext(&context), SEC_E_OK);
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
}

/* USE_SUPPLIED_CREDS and a buffer of PKG_PARAMS: whose session it is, the credential alone says. */
static void no_credentials_come_in_a_buffer(void **state)
{
    CredHandle client_credential = rules_client("NTLM"), server_credential = rules_server("NTLM");
    CtxtHandle client, server;
    SEC_WINNT_AUTH_IDENTITY_A other = rules_identity();
    SecPkgContext_NamesA names = {NULL};
    struct token hello, challenge, answer, nothing;
    ULONG attributes;
    other.User = (unsigned char *)text("Another");
    other.UserLength = 7;
    SecBuffer in[2] = {{sizeof other, SECBUFFER_PKG_PARAMS, &other}};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, in};
    const struct call call = {.flags = ISC_REQ_USE_SUPPLIED_CREDS, .input = &input};
    assert_status(initiate(&client_credential, &client, true, &call, &hello, &attributes), SEC_I_CONTINUE_NEEDED);
    assert_status(rules_accept(&server_credential, &server, true, 0, &hello, &challenge, &attributes),
                  SEC_I_CONTINUE_NEEDED);
    in[1] = challenge.buffer;
    input.cBuffers = 2;
    assert_status(initiate(&client_credential, &client, false, &call, &answer, &attributes), SEC_E_OK);
    assert_status(rules_accept(&server_credential, &server, false, 0, &answer, &nothing, &attributes), SEC_E_OK);
    assert_status(QueryContextAttributesA(&server, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sUserName, "Domain\\User");
    assert_status(FreeContextBuffer(names.sUserName), SEC_E_OK);
    assert_status(DeleteSecurityContext(&client), SEC_E_OK);
    assert_status(DeleteSecurityContext(&server), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&client_credential), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&server_credential), SEC_E_OK);
}

/* An old server signs nothing, which Negotiate had asked for. */
static void attributes_change_on_the_way(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_A identity = rules_identity();
    struct pair pair;
    struct token token;
    pair_credentials_of(&pair, text("Negotiate"), &identity);
    assert_status(pair_first_leg(&pair, 0, &token), SEC_I_CONTINUE_NEEDED);
    assert_true((pair.client_attributes & ISC_RET_INTEGRITY) != 0);
    assert_status(DeleteSecurityContext(&pair.client), SEC_E_OK);
    pair_answer_plain_challenge(&pair, &token);
    assert_int_equal(pair.client_attributes & ISC_RET_INTEGRITY, 0);
    pair_close(&pair);
}

/* ---------------------------------------------------------------- buffers */

/* There is no type SEC_READWRITE in the headers; whatever is no TOKEN is left as it was. */
static void output_of_other_types_stays(void **state)
{
    static const char *const packages[] = {"NTLM", "Negotiate"};
    static const ULONG types[] = {SECBUFFER_DATA, SECBUFFER_PKG_PARAMS, SECBUFFER_EXTRA, SECBUFFER_EMPTY};
    for (size_t package = 0; package < COUNT(packages); package++) {
        CredHandle credential = rules_client(packages[package]);
        for (size_t i = 0; i < COUNT(types); i++) {
            struct token hello;
            unsigned char bytes[] = "as it was";
            CtxtHandle context;
            token_init(&hello, TOKEN_MAX);
            SecBuffer out[2] = {{sizeof bytes, types[i], bytes}, hello.buffer};
            SecBufferDesc output = {SECBUFFER_VERSION, 2, out};
            ULONG attributes;
            assert_status(InitializeSecurityContextA(&credential, NULL, NULL, 0, 0, 0, NULL, 0, &context, &output,
                                                     &attributes, NULL),
                          SEC_I_CONTINUE_NEEDED);
            assert_memory_equal(out[1].pvBuffer, "NTLMSSP", 8);
            assert_true(out[1].cbBuffer < TOKEN_MAX);
            assert_int_equal(out[0].BufferType, types[i]);
            assert_int_equal(out[0].cbBuffer, sizeof bytes);
            assert_ptr_equal(out[0].pvBuffer, bytes);
            assert_memory_equal(bytes, "as it was", sizeof bytes);
            assert_status(DeleteSecurityContext(&context), SEC_E_OK);
        }
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
}

/* Tokens by their packages; the last one is nobody's. */
struct foreign {
    const char *package;
    const char *bytes;
    ULONG size;
};

static const struct foreign foreign[] = {
    {"Negotiate", "\xa1\x15\x30\x13\xa0\x03\x0a\x01\x03\xa1\x0c\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a", 23},
    {"WDigest", SASL_CHALLENGE, sizeof SASL_CHALLENGE - 1},
    {"Schannel", "\x16\x03\x03\x00\x04\x0e\x00\x00\x00", 9}, /* ServerHelloDone */
    {"", "\x60\x03\x06\x01\x2a", 5},                         /* GSSAPI's frame, and nobody's OID */
};

static SECURITY_STATUS after_first_leg(const char *package, const unsigned char *bytes, ULONG size)
{
    CredHandle credential = strcmp(package, "Schannel") == 0 ? tls_client() : rules_client(package);
    CtxtHandle context;
    struct call call = {.flags = 0, .target = "HTTP/server"};
    struct token token;
    ULONG attributes;
    assert_status(initiate(&credential, &context, true, &call, &token, &attributes), SEC_I_CONTINUE_NEEDED);
    SecBuffer in[2] = {{size, SECBUFFER_TOKEN, (void *)(uintptr_t)bytes}, {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc input = {SECBUFFER_VERSION, 2, in};
    call.input = &input;
    SECURITY_STATUS status = initiate(&credential, &context, false, &call, &token, &attributes);
    assert_status(DeleteSecurityContext(&context), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    return status;
}

static void tokens_of_another_package(void **state)
{
    static const char *const packages[] = {"NTLM", "Negotiate", "WDigest", "Schannel"};
    struct challenge challenge;
    challenge_open(&challenge, NULL, 0);
    for (size_t i = 0; i < COUNT(packages); i++) {
        for (size_t j = 0; j < COUNT(foreign); j++) {
            if (strcmp(foreign[j].package, packages[i]) != 0) {
                assert_status(after_first_leg(packages[i], (const unsigned char *)foreign[j].bytes, foreign[j].size),
                              SEC_E_INVALID_TOKEN);
            }
        }
        if (i >= 2) {
            assert_status(after_first_leg(packages[i], challenge.message.bytes, challenge.message.buffer.cbBuffer),
                          SEC_E_INVALID_TOKEN);
        }
    }
    challenge_close(&challenge);
}

/* Cut off, too long by its own lengths, spoilt on its way. */
static void a_token_that_was_spoilt(void **state)
{
    struct challenge challenge;
    challenge_open(&challenge, NULL, SEALED);
    ULONG size = challenge.message.buffer.cbBuffer;
    for (ULONG cut = 0; cut < size; cut += 7) {
        assert_status(after_first_leg("NTLM", challenge.message.bytes, cut), SEC_E_INVALID_TOKEN);
    }
    for (size_t at = 0; at < 12; at++) { /* signature and type */
        challenge.message.bytes[at] ^= 0x80;
        assert_status(after_first_leg("NTLM", challenge.message.bytes, size), SEC_E_INVALID_TOKEN);
        challenge.message.bytes[at] ^= 0x80;
    }
    challenge_close(&challenge);
}

/* ---------------------------------------------------------------- the end, and what follows */

/* A refused answer: no session, nothing written, and the context is there to be deleted. */
static void an_error_accepts_nothing(void **state)
{
    struct challenge challenge;
    struct token answer;
    SecPkgContext_SessionKey key;
    unsigned char signature[16], message[4] = {0};
    SecBuffer buffers[2] = {{sizeof message, SECBUFFER_DATA, message}, {16, SECBUFFER_TOKEN, signature}};
    SecBufferDesc wrapped = {SECBUFFER_VERSION, 2, buffers};
    ULONG attributes = 0x55;
    challenge_open(&challenge, NULL, SEALED);
    challenge.message.bytes[0] ^= 1;
    assert_status(rules_initiate(&challenge.client_credential, &challenge.client, false, NULL, SEALED,
                                 &challenge.message, &answer, &attributes),
                  SEC_E_INVALID_TOKEN);
    assert_int_equal(attributes, 0x55);
    assert_int_equal(answer.buffer.cbBuffer, TOKEN_MAX);
    assert_true(MakeSignature(&challenge.client, 0, &wrapped, 0) < 0);
    assert_true(QueryContextAttributesA(&challenge.client, SECPKG_ATTR_SESSION_KEY, &key) < 0);
    challenge.message.bytes[0] ^= 1;
    assert_status(rules_initiate(&challenge.client_credential, &challenge.client, false, NULL, SEALED,
                                 &challenge.message, &answer, &attributes),
                  SEC_E_OUT_OF_SEQUENCE);
    challenge_close(&challenge); /* which deletes it: SEC_E_OK */
}

/* A context whose attributes do not suffice is deleted half-made, and then is none. */
static void a_half_made_context_is_deleted(void **state)
{
    static const char *const packages[] = {"NTLM", "Negotiate", "WDigest", "Schannel"};
    for (size_t i = 0; i < COUNT(packages); i++) {
        CredHandle credential = i == 3 ? tls_client() : rules_client(packages[i]);
        CtxtHandle context;
        const struct call call = {.target = "HTTP/server"};
        struct token token;
        ULONG attributes;
        assert_status(initiate(&credential, &context, true, &call, &token, &attributes), SEC_I_CONTINUE_NEEDED);
        assert_status(DeleteSecurityContext(&context), SEC_E_OK);
        assert_status(initiate(&credential, &context, false, &call, &token, &attributes), SEC_E_INVALID_HANDLE);
        assert_status(DeleteSecurityContext(&context), SEC_E_INVALID_HANDLE);
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
}

/* The client calls again without a token: a second exchange over the same contexts, and the session goes on. */
static void once_more_after_success(void **state)
{
    static const char *const packages[] = {"NTLM", "Negotiate"};
    for (size_t i = 0; i < COUNT(packages); i++) {
        SEC_WINNT_AUTH_IDENTITY_A identity = rules_identity();
        struct pair pair;
        struct token hello, challenge, answer, nothing;
        ULONG attributes;
        pair_credentials_of(&pair, text(packages[i]), &identity);
        pair_establish(&pair, SEALED, 0);
        rules_seal(&pair.client, &pair.server);
        assert_status(
            rules_initiate(&pair.client_credential, &pair.client, false, NULL, SEALED, NULL, &hello, &attributes),
            SEC_I_CONTINUE_NEEDED);
        assert_true(hello.buffer.cbBuffer > 0);
        assert_status(rules_accept(&pair.server_credential, &pair.server, false, 0, &hello, &challenge, &attributes),
                      SEC_I_CONTINUE_NEEDED);
        assert_status(rules_initiate(&pair.client_credential, &pair.client, false, NULL, SEALED, &challenge, &answer,
                                     &attributes),
                      SEC_E_OK);
        assert_status(rules_accept(&pair.server_credential, &pair.server, false, 0, &answer, &nothing, &attributes),
                      SEC_E_OK);
        rules_seal(&pair.client, &pair.server);
        rules_seal(&pair.server, &pair.client);
        pair_close(&pair);
    }
}

/* ---------------------------------------------------------------- Digest */

/* The URI goes out as it was given, escapes and all; what would end the line does not go out. */
static void the_uri_is_the_callers(void **state)
{
    static const struct {
        const char *given;
        SECURITY_STATUS status;
    } cases[] = {{"/a%20b/%C3%A4?q=%22#x", SEC_E_OK},
                 {"http://server.example:8080/~user;v=1", SEC_E_OK},
                 {"/a\r\nX: y", SEC_E_INVALID_TOKEN}};
    CredHandle credential = rules_client("WDigest");
    for (size_t i = 0; i < COUNT(cases); i++) {
        SecBuffer in[2] = {{sizeof HTTP_CHALLENGE - 1, SECBUFFER_TOKEN, text(HTTP_CHALLENGE)},
                           {3, SECBUFFER_PKG_PARAMS, text("GET")}};
        SecBufferDesc input = {SECBUFFER_VERSION, 2, in};
        const struct call call = {.flags = ISC_REQ_HTTP, .target = cases[i].given, .input = &input};
        CtxtHandle context;
        struct token answer;
        char uri[128];
        ULONG attributes;
        assert_status(initiate(&credential, &context, true, &call, &answer, &attributes), cases[i].status);
        if (cases[i].status == SEC_E_OK) {
            (void)snprintf(uri, sizeof uri, "uri=\"%s\"", cases[i].given);
            assert_non_null(memmem(answer.bytes, answer.buffer.cbBuffer, uri, strlen(uri)));
            assert_status(DeleteSecurityContext(&context), SEC_E_OK);
        }
    }
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

static void a_target_that_is_needed(void **state)
{
    static const char *const targets[] = {NULL, ""};
    CredHandle credential = rules_client("WDigest");
    for (size_t i = 0; i < 2 * COUNT(targets); i++) {
        bool http = i < COUNT(targets);
        SecBuffer in[2] = {{http ? sizeof HTTP_CHALLENGE - 1 : sizeof SASL_CHALLENGE - 1, SECBUFFER_TOKEN,
                            text(http ? HTTP_CHALLENGE : SASL_CHALLENGE)},
                           {3, SECBUFFER_PKG_PARAMS, text("GET")}};
        SecBufferDesc input = {SECBUFFER_VERSION, 2, in};
        const struct call call = {.flags = http ? ISC_REQ_HTTP : 0, .target = targets[i % 2], .input = &input};
        CtxtHandle context;
        struct token answer;
        ULONG attributes;
        assert_status(initiate(&credential, &context, true, &call, &answer, &attributes), SEC_E_TARGET_UNKNOWN);
    }
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

/* By HTTP a context is not needed a second time; given, it answers the next request. */
static void digest_needs_no_context(void **state)
{
    CredHandle credential = rules_client("WDigest");
    SecBuffer in[2] = {{sizeof HTTP_CHALLENGE - 1, SECBUFFER_TOKEN, text(HTTP_CHALLENGE)},
                       {3, SECBUFFER_PKG_PARAMS, text("GET")}};
    SecBufferDesc input = {SECBUFFER_VERSION, 2, in};
    struct call call = {.flags = ISC_REQ_HTTP, .target = "/1", .input = &input};
    CtxtHandle contexts[2];
    struct token answer;
    ULONG attributes;
    for (int i = 0; i < 2; i++) { /* two requests, each answered at once by a first call */
        assert_status(initiate(&credential, &contexts[i], true, &call, &answer, &attributes), SEC_E_OK);
        assert_non_null(memmem(answer.bytes, answer.buffer.cbBuffer, "nc=00000001", 11));
    }
    in[0] = (SecBuffer){0, SECBUFFER_TOKEN, NULL};
    call.target = "/2";
    assert_status(initiate(&credential, &contexts[0], false, &call, &answer, &attributes), SEC_E_OK);
    assert_non_null(memmem(answer.bytes, answer.buffer.cbBuffer, "nc=00000002", 11));
    for (int i = 0; i < 2; i++) {
        assert_status(DeleteSecurityContext(&contexts[i]), SEC_E_OK);
    }
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

/* By SASL the first call has nothing to answer yet: SEC_I_CONTINUE_NEEDED, and a token of no bytes. */
static void a_token_that_is_empty(void **state)
{
    CredHandle credential = rules_client("WDigest");
    SecBuffer in = {sizeof SASL_CHALLENGE - 1, SECBUFFER_TOKEN, text(SASL_CHALLENGE)};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, &in};
    struct call call = {.target = "imap/server"};
    CtxtHandle context;
    struct token token;
    ULONG attributes;
    assert_status(initiate(&credential, &context, true, &call, &token, &attributes), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(token.buffer.cbBuffer, 0);
    call.input = &input;
    assert_status(initiate(&credential, &context, false, &call, &token, &attributes), SEC_I_CONTINUE_NEEDED);
    assert_true(token.buffer.cbBuffer > 0);
    assert_status(DeleteSecurityContext(&context), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserved_arguments_are_not_looked_at),
        cmocka_unit_test(the_order_of_bytes_is_not_looked_at),
        cmocka_unit_test(connections_are_the_default),
        cmocka_unit_test(flags_of_other_packages_change_nothing),
        cmocka_unit_test(no_integrity_outweighs_integrity),
        cmocka_unit_test(nobody_is_asked_for_credentials),
        cmocka_unit_test(no_credentials_come_in_a_buffer),
        cmocka_unit_test(attributes_change_on_the_way),
        cmocka_unit_test(output_of_other_types_stays),
        cmocka_unit_test(tokens_of_another_package),
        cmocka_unit_test(a_token_that_was_spoilt),
        cmocka_unit_test(an_error_accepts_nothing),
        cmocka_unit_test(a_half_made_context_is_deleted),
        cmocka_unit_test(once_more_after_success),
        cmocka_unit_test(the_uri_is_the_callers),
        cmocka_unit_test(a_target_that_is_needed),
        cmocka_unit_test(digest_needs_no_context),
        cmocka_unit_test(a_token_that_is_empty),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
