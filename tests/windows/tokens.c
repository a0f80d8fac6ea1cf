/* Rules 25 to 34: buffers of tokens. */
#include "rules.h"

#define GUARD 0xa5

/* One first leg with this input; whether it is a good one. */
static void first_leg(CredHandle *credential, SecBufferDesc *input)
{
    CtxtHandle context;
    struct token hello;
    ULONG attributes;
    token_init(&hello, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(credential, NULL, text("HTTP/server"), 0, 0, SECURITY_NATIVE_DREP, input,
                                             0, &context, &hello.descriptor, &attributes, NULL),
                  SEC_I_CONTINUE_NEEDED);
    assert_true(hello.buffer.cbBuffer > 0);
    assert_status(DeleteSecurityContext(&context), SEC_E_OK);
}

struct bindings {
    SEC_CHANNEL_BINDINGS header;
    char data[53];
};

static struct bindings end_point(void)
{
    struct bindings bindings = {
        .header = {.cbApplicationDataLength = sizeof bindings.data, .dwApplicationDataOffset = sizeof bindings.header}};
    memcpy(bindings.data, "tls-server-end-point:0123456789abcdef0123456789abcdef", sizeof bindings.data);
    return bindings;
}

/* NULL by most; an empty TOKEN by curl's SOCKS, serf, PuTTY and SIPE; channel bindings alone by Chromium and node-kerberos. */
static void rule_25_three_ways_to_say_no_token_yet(void **state)
{
    static const char *const packages[] = {"NTLM", "Negotiate"};
    struct bindings bindings = end_point();
    for (size_t i = 0; i < COUNT(packages); i++) {
        CredHandle credential = rules_client(packages[i]);
        SecBuffer empty = {0, SECBUFFER_TOKEN, NULL};
        SecBuffer bound = {sizeof bindings.header + sizeof bindings.data, SECBUFFER_CHANNEL_BINDINGS, &bindings};
        SecBufferDesc input = {SECBUFFER_VERSION, 1, &empty};
        first_leg(&credential, NULL);
        first_leg(&credential, &input);
        input.pBuffers = &bound;
        first_leg(&credential, &input);
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
}

static void rule_26_buffers_are_found_by_type(void **state)
{
    struct bindings bindings = end_point();
    const SecBuffer bound = {sizeof bindings.header + sizeof bindings.data, SECBUFFER_CHANNEL_BINDINGS, &bindings};
    static const ULONG marks[] = {0, SECBUFFER_READONLY, SECBUFFER_READONLY_WITH_CHECKSUM};
    for (size_t i = 0; i < 2 * COUNT(marks); i++) {
        struct challenge challenge;
        struct token answer, nothing;
        ULONG attributes, mark = marks[i / 2];
        challenge_open(&challenge, NULL, SEALED);
        SecBuffer token = {challenge.message.buffer.cbBuffer, SECBUFFER_TOKEN | mark, challenge.message.bytes};
        SecBuffer in[2] = {i % 2 == 0 ? token : bound, i % 2 == 0 ? bound : token};
        SecBufferDesc input = {0, 2, in}; /* ulVersion is SECBUFFER_VERSION, is 0 */
        token_init(&answer, TOKEN_MAX);
        assert_status(InitializeSecurityContextA(NULL, &challenge.client, NULL, SEALED, 0, 0, &input, 0,
                                                 &challenge.client, &answer.descriptor, &attributes, NULL),
                      SEC_E_OK);
        SecBuffer reply = {answer.buffer.cbBuffer, SECBUFFER_TOKEN | mark, answer.bytes};
        in[0] = i % 2 == 0 ? bound : reply;
        in[1] = i % 2 == 0 ? reply : bound;
        token_init(&nothing, TOKEN_MAX);
        assert_status(AcceptSecurityContext(NULL, &challenge.server, &input, 0, 0, &challenge.server,
                                            &nothing.descriptor, &attributes, NULL),
                      SEC_E_OK);
        challenge_close(&challenge);
    }
}

static void rule_27_the_library_allocates_when_asked(void **state)
{
    struct pair pair;
    pair_credentials(&pair, "Password");
    SecBuffer token = {0, SECBUFFER_TOKEN, NULL};
    SecBufferDesc output = {SECBUFFER_VERSION, 1, &token};
    ULONG attributes = 0;
    assert_status(InitializeSecurityContextA(&pair.client_credential, NULL, NULL, ISC_REQ_ALLOCATE_MEMORY, 0, 0, NULL,
                                             0, &pair.client, &output, &attributes, NULL),
                  SEC_I_CONTINUE_NEEDED);
    assert_non_null(token.pvBuffer);
    assert_true(token.cbBuffer > 12);
    assert_memory_equal(token.pvBuffer, "NTLMSSP", 8);
    assert_true((attributes & ISC_RET_ALLOCATED_MEMORY) != 0);
    assert_status(FreeContextBuffer(token.pvBuffer), SEC_E_OK);
    pair_close(&pair);
}

/* Every size that is too small: nothing is written, nothing changes, and the same call with room goes on. */
static void rule_27_a_callers_buffer_is_never_exceeded(void **state)
{
    struct challenge challenge;
    struct token answer, nothing;
    ULONG attributes;
    challenge_open(&challenge, NULL, SEALED);
    memset(answer.bytes, GUARD, sizeof answer.bytes);
    for (ULONG size = 1; size < 200; size += 13) {
        token_init(&answer, size);
        assert_status(InitializeSecurityContextA(NULL, &challenge.client, NULL, SEALED, 0, 0,
                                                 &challenge.message.descriptor, 0, &challenge.client,
                                                 &answer.descriptor, &attributes, NULL),
                      SEC_E_BUFFER_TOO_SMALL);
        for (size_t i = size; i < sizeof answer.bytes; i++) {
            assert_int_equal(answer.bytes[i], GUARD);
        }
    }
    assert_status(
        rules_initiate(NULL, &challenge.client, false, NULL, SEALED, &challenge.message, &answer, &attributes),
        SEC_E_OK);
    for (size_t i = answer.buffer.cbBuffer; i < sizeof answer.bytes; i++) {
        assert_int_equal(answer.bytes[i], GUARD);
    }
    assert_status(rules_accept(NULL, &challenge.server, false, 0, &answer, &nothing, &attributes), SEC_E_OK);
    rules_seal(&challenge.client, &challenge.server);
    challenge_close(&challenge);
}

/* curl, librdkafka and MariaDB send cbBuffer bytes whatever happened. */
static void rule_28_nothing_to_send_is_a_length_of_zero(void **state)
{
    for (int allocates = 0; allocates < 2; allocates++) {
        struct challenge challenge;
        struct token answer;
        unsigned char room[64];
        ULONG attributes;
        challenge_open(&challenge, NULL, SEALED);
        assert_status(
            rules_initiate(NULL, &challenge.client, false, NULL, SEALED, &challenge.message, &answer, &attributes),
            SEC_E_OK);
        SecBuffer last = {allocates ? 0 : sizeof room, SECBUFFER_TOKEN, allocates ? NULL : room};
        SecBufferDesc output = {SECBUFFER_VERSION, 1, &last};
        assert_status(AcceptSecurityContext(NULL, &challenge.server, &answer.descriptor,
                                            allocates ? ASC_REQ_ALLOCATE_MEMORY : 0, 0, &challenge.server, &output,
                                            &attributes, NULL),
                      SEC_E_OK);
        assert_int_equal(last.cbBuffer, 0);
        if (allocates) {
            assert_null(last.pvBuffer);
        }
        challenge_close(&challenge);
    }
}

static void rule_29_tokens_fit_what_the_package_says(void **state)
{
    static const struct {
        const char *name;
        ULONG most; /* what programs make room for: librdkafka 48 000, node-expose-sspi 48 256 for Negotiate */
    } packages[] = {
        {"NTLM", 2888}, {"Kerberos", 48000}, {"Negotiate", 48256}, {"WDigest", 4096}, {UNISP_NAME_A, 24576}};
    struct challenge challenge;
    struct token answer;
    ULONG attributes;
    char target[400];
    for (size_t i = 0; i < COUNT(packages); i++) {
        PSecPkgInfoA info = NULL;
        assert_status(QuerySecurityPackageInfoA(text(packages[i].name), &info), SEC_E_OK);
        assert_true(info->cbMaxToken > 0 && info->cbMaxToken <= packages[i].most);
        assert_status(FreeContextBuffer(info), SEC_E_OK);
    }
    memset(target, 'x', sizeof target);
    target[sizeof target - 1] = '\0';
    challenge_open(&challenge, target, SEALED);
    assert_true(challenge.message.buffer.cbBuffer <= 2888);
    assert_status(
        rules_initiate(NULL, &challenge.client, false, target, SEALED, &challenge.message, &answer, &attributes),
        SEC_E_OK);
    assert_true(answer.buffer.cbBuffer <= 2888);
    challenge_close(&challenge);
}

static void rule_30_free_context_buffer(void **state)
{
    struct pair pair;
    PSecPkgInfoA info = NULL;
    PSecPkgInfoW all = NULL;
    ULONG count = 0;
    SecPkgContext_NamesA names = {NULL};
    SecPkgContext_NativeNamesA native = {NULL, NULL};
    SecPkgContext_NegotiationInfoA negotiation = {NULL, 0};
    assert_status(FreeContextBuffer(NULL), SEC_E_OK);
    assert_status(QuerySecurityPackageInfoA(text("NTLM"), &info), SEC_E_OK);
    assert_status(FreeContextBuffer(info), SEC_E_OK);
    assert_status(EnumerateSecurityPackagesW(&count, &all), SEC_E_OK);
    assert_true(count >= 5);
    assert_status(FreeContextBuffer(all), SEC_E_OK);
    pair_open(&pair, SEALED);
    assert_status(QueryContextAttributesA(&pair.server, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
    assert_status(FreeContextBuffer(names.sUserName), SEC_E_OK);
    assert_status(QueryContextAttributesA(&pair.server, SECPKG_ATTR_NEGOTIATION_INFO, &negotiation), SEC_E_OK);
    assert_status(FreeContextBuffer(negotiation.PackageInfo), SEC_E_OK);
    if (QueryContextAttributesA(&pair.server, SECPKG_ATTR_NATIVE_NAMES, &native) == SEC_E_OK) {
        assert_status(FreeContextBuffer(native.sClientName), SEC_E_OK);
        assert_status(FreeContextBuffer(native.sServerName), SEC_E_OK);
    }
    SecPkgCredentials_NamesA own = {NULL};
    assert_status(QueryCredentialsAttributesA(&pair.client_credential, SECPKG_CRED_ATTR_NAMES, &own), SEC_E_OK);
    assert_string_equal(own.sUserName, "Domain\\User");
    assert_status(FreeContextBuffer(own.sUserName), SEC_E_OK);
    pair_close(&pair);
}

static void rule_31_input_may_go_at_once(void **state)
{
    struct challenge challenge;
    struct token answer, nothing;
    ULONG attributes;
    challenge_open(&challenge, NULL, SEALED);
    unsigned char *heap = malloc(challenge.message.buffer.cbBuffer);
    memcpy(heap, challenge.message.bytes, challenge.message.buffer.cbBuffer);
    SecBuffer in = {challenge.message.buffer.cbBuffer, SECBUFFER_TOKEN, heap};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, &in};
    token_init(&answer, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(NULL, &challenge.client, NULL, SEALED, 0, 0, &input, 0, &challenge.client,
                                             &answer.descriptor, &attributes, NULL),
                  SEC_E_OK);
    memset(heap, 0xdd, challenge.message.buffer.cbBuffer);
    free(heap);
    memset(&input, 0xdd, sizeof input);
    assert_status(rules_accept(NULL, &challenge.server, false, 0, &answer, &nothing, &attributes), SEC_E_OK);
    memset(&answer, 0xdd, sizeof answer);
    rules_seal(&challenge.client, &challenge.server);
    challenge_close(&challenge);
}

/* ---------------------------------------------------------------- statuses */

/* OK and CONTINUE_NEEDED alone; CompleteAuthToken then has nothing to do, and takes no credential for a context. */
static void rule_32_two_statuses_of_success(void **state)
{
    char *packages[] = {(char[]){"NTLM"}, (char[]){"Negotiate"}};
    for (size_t i = 0; i < COUNT(packages); i++) {
        struct pair pair;
        struct token token;
        SEC_WINNT_AUTH_IDENTITY_A identity = rules_identity();
        pair_credentials_of(&pair, packages[i], &identity);
        pair_establish(&pair, SEALED, 0); /* which takes these two alone */
        token_init(&token, TOKEN_MAX);
        assert_status(CompleteAuthToken(&pair.client, &token.descriptor), SEC_E_OK);
        assert_status(CompleteAuthToken(&pair.server, &token.descriptor), SEC_E_OK);
        assert_status(CompleteAuthToken(&pair.client_credential, &token.descriptor), SEC_E_INVALID_HANDLE);
        rules_seal(&pair.client, &pair.server);
        pair_close(&pair);
    }
}

/* curl's third message of NTLM; Kerberos is in kerberos.c. */
static void rule_33_ntlms_last_leg_is_ok(void **state)
{
    struct challenge challenge;
    struct token answer;
    ULONG attributes;
    challenge_open(&challenge, "", 0);
    assert_status(rules_initiate(&challenge.client_credential, &challenge.client, false, "", 0, &challenge.message,
                                 &answer, &attributes),
                  SEC_E_OK);
    assert_true(answer.buffer.cbBuffer > 0);
    challenge_close(&challenge);
}

static void rule_34_the_last_token_is_there_and_nothing_follows(void **state)
{
    struct challenge challenge;
    struct token answer, more, nothing;
    ULONG attributes;
    challenge_open(&challenge, NULL, SEALED);
    assert_status(
        rules_initiate(NULL, &challenge.client, false, NULL, SEALED, &challenge.message, &answer, &attributes),
        SEC_E_OK);
    assert_memory_equal(answer.bytes, "NTLMSSP\0\3", 9);
    assert_true(rules_initiate(NULL, &challenge.client, false, NULL, SEALED, &challenge.message, &more, &attributes) <
                0);
    assert_status(rules_accept(NULL, &challenge.server, false, 0, &answer, &nothing, &attributes), SEC_E_OK);
    assert_true(rules_accept(NULL, &challenge.server, false, 0, &answer, &nothing, &attributes) < 0);
    rules_seal(&challenge.client, &challenge.server); /* and the session does not mind */
    challenge_close(&challenge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_25_three_ways_to_say_no_token_yet),
        cmocka_unit_test(rule_26_buffers_are_found_by_type),
        cmocka_unit_test(rule_27_the_library_allocates_when_asked),
        cmocka_unit_test(rule_27_a_callers_buffer_is_never_exceeded),
        cmocka_unit_test(rule_28_nothing_to_send_is_a_length_of_zero),
        cmocka_unit_test(rule_29_tokens_fit_what_the_package_says),
        cmocka_unit_test(rule_30_free_context_buffer),
        cmocka_unit_test(rule_31_input_may_go_at_once),
        cmocka_unit_test(rule_32_two_statuses_of_success),
        cmocka_unit_test(rule_33_ntlms_last_leg_is_ok),
        cmocka_unit_test(rule_34_the_last_token_is_there_and_nothing_follows),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
