/* What the reference page "InitializeSecurityContext (NTLM)" says and no other program shows; docs/reference-coverage.md names
 * the statement of each case. */
#include "rules.h"

#define GUARD 0xa5

/* A first leg with everything that a caller can choose. */
struct first {
    ULONG flags, reserved1, representation, reserved2;
    SecBufferDesc *input;
};

static SECURITY_STATUS first_leg(CredHandle *credential, const struct first *how, CtxtHandle *context,
                                 struct token *out, ULONG *attributes)
{
    memset(out, 0, sizeof *out);
    token_init(out, TOKEN_MAX);
    *attributes = 0;
    return InitializeSecurityContextA(credential, NULL, text("HTTP/server"), how->flags, how->reserved1,
                                      how->representation, how->input, how->reserved2, context, &out->descriptor,
                                      attributes, NULL);
}

/* Its token, of a context that goes again; the same bytes for the same wishes, as NEGOTIATE holds nothing random. */
static ULONG hello_of(const struct first *how, struct token *out)
{
    CredHandle credential = rules_client("NTLM");
    CtxtHandle context;
    ULONG attributes;
    assert_status(first_leg(&credential, how, &context, out, &attributes), SEC_I_CONTINUE_NEEDED);
    assert_status(DeleteSecurityContext(&context), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    return attributes;
}

static void assert_same_token(const struct token *a, const struct token *b)
{
    assert_int_equal(a->buffer.cbBuffer, b->buffer.cbBuffer);
    assert_memory_equal(a->bytes, b->bytes, a->buffer.cbBuffer);
}

/* ---------------------------------------------------------------- parameters */

static void reserved_parameters_are_not_looked_at(void **state)
{
    struct token plain, other;
    hello_of(&(struct first){.flags = SEALED}, &plain);
    hello_of(&(struct first){SEALED, 0xffffffff, SECURITY_NATIVE_DREP, 0x12345678, NULL}, &other);
    assert_same_token(&plain, &other);
    struct challenge challenge;
    ULONG attributes;
    challenge_open(&challenge, NULL, SEALED);
    token_init(&other, TOKEN_MAX);
    assert_status(InitializeSecurityContextW(NULL, &challenge.client, NULL, SEALED, 0xffffffff, 0,
                                             &challenge.message.descriptor, 0xffffffff, &challenge.client,
                                             &other.descriptor, &attributes, NULL),
                  SEC_E_OK);
    assert_status(rules_accept(NULL, &challenge.server, false, 0, &other, &plain, &attributes), SEC_E_OK);
    rules_seal(&challenge.client, &challenge.server);
    challenge_close(&challenge);
}

/* The context was initiated by the server: a datagram's, whose CHALLENGE comes first (MS-NLMP 1.3.1.3). */
static void a_server_may_speak_first(void **state)
{
    CredHandle client_credential = rules_client("NTLM"), server_credential = rules_server("NTLM");
    CtxtHandle client, server;
    struct token nothing, challenge, answer;
    ULONG attributes;
    token_init(&nothing, 0);
    assert_status(rules_accept(&server_credential, &server, true, ASC_REQ_DATAGRAM, &nothing, &challenge, &attributes),
                  SEC_I_CONTINUE_NEEDED);
    struct first how = {.flags = SEALED | ISC_REQ_DATAGRAM, .input = &challenge.descriptor};
    assert_status(first_leg(&client_credential, &how, &client, &answer, &attributes), SEC_E_OK);
    assert_memory_equal(answer.bytes, "NTLMSSP\0\3", 9);
    assert_status(rules_accept(NULL, &server, false, ASC_REQ_DATAGRAM, &answer, &nothing, &attributes), SEC_E_OK);
    rules_seal(&client, &server);
    assert_status(DeleteSecurityContext(&client), SEC_E_OK);
    assert_status(DeleteSecurityContext(&server), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&client_credential), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&server_credential), SEC_E_OK);
}

/* Any name is a target's, if a token has room for it: 1024 characters are, one more is nobody's, in either call. */
static void a_target_that_no_token_can_name(void **state)
{
    struct challenge challenge;
    struct token out;
    CtxtHandle context = {7, 7};
    ULONG attributes;
    char target[1026];
    memset(target, 'x', sizeof target);
    target[1025] = '\0';
    challenge_open(&challenge, NULL, SEALED);
    assert_status(rules_initiate(&challenge.client_credential, &context, true, target, SEALED, NULL, &out, &attributes),
                  SEC_E_TARGET_UNKNOWN);
    assert_true(context.dwLower == 7 && context.dwUpper == 7);
    assert_status(rules_initiate(NULL, &challenge.client, false, target, SEALED, &challenge.message, &out, &attributes),
                  SEC_E_TARGET_UNKNOWN);
    target[1024] = '\0';
    assert_status(rules_initiate(NULL, &challenge.client, false, target, SEALED, &challenge.message, &out, &attributes),
                  SEC_E_OK);
    assert_true(memmem(out.bytes, out.buffer.cbBuffer, "x\0x\0x\0", 6) != NULL);
    challenge_close(&challenge);
}

/* Otherwise a first call has no input, and no context comes of one that has; nor does a later call go without. */
static void input_belongs_to_later_calls(void **state)
{
    struct challenge challenge;
    struct token out;
    CtxtHandle context = {7, 7};
    ULONG attributes;
    challenge_open(&challenge, NULL, SEALED);
    struct first how = {.flags = SEALED, .input = &challenge.message.descriptor};
    assert_status(first_leg(&challenge.client_credential, &how, &context, &out, &attributes), SEC_E_INVALID_TOKEN);
    assert_true(context.dwLower == 7 && context.dwUpper == 7);
    assert_int_equal(attributes, 0);
    assert_status(rules_initiate(NULL, &challenge.client, false, NULL, SEALED, NULL, &out, &attributes),
                  SEC_E_INVALID_TOKEN);
    challenge_close(&challenge);
}

/* Buffers that are not the token's are as they were: those that go in, those that come out, and what they point to. */
static void only_the_output_token_is_written(void **state)
{
    static const ULONG others[] = {SECBUFFER_DATA, SECBUFFER_EMPTY, SECBUFFER_PADDING, SECBUFFER_STREAM,
                                   SECBUFFER_EXTRA};
    struct challenge challenge;
    struct token answer, before;
    unsigned char rooms[COUNT(others)][64];
    SecBuffer out[COUNT(others) + 1], kept[COUNT(others) + 1];
    SecBufferDesc output = {SECBUFFER_VERSION, COUNT(out), out};
    challenge_open(&challenge, NULL, SEALED);
    memset(rooms, GUARD, sizeof rooms);
    for (size_t i = 0; i < COUNT(others); i++) {
        out[i < 3 ? i : i + 1] = (SecBuffer){i == 1 ? 0 : sizeof rooms[i], others[i], i == 1 ? NULL : rooms[i]};
    }
    out[3] = (SecBuffer){TOKEN_MAX, SECBUFFER_TOKEN, answer.bytes};
    memcpy(kept, out, sizeof out);
    memcpy(&before, &challenge.message, sizeof before);
    assert_status(InitializeSecurityContextA(NULL, &challenge.client, NULL, SEALED, 0, 0, &challenge.message.descriptor,
                                             0, NULL, &output, NULL, NULL),
                  SEC_E_OK);
    assert_memory_equal(answer.bytes, "NTLMSSP\0\3", 9);
    kept[3].cbBuffer = out[3].cbBuffer;
    assert_memory_equal(kept, out, sizeof out);
    for (size_t i = 0; i < sizeof rooms; i++) {
        assert_int_equal(rooms[i / 64][i % 64], GUARD);
    }
    assert_memory_equal(&challenge.message.buffer, &before.buffer, sizeof before.buffer);
    assert_memory_equal(challenge.message.bytes, before.bytes, before.buffer.cbBuffer);
    challenge_close(&challenge);
}

/* One descriptor for both directions: what came is there until the answer takes its place. */
static void one_descriptor_in_and_out(void **state)
{
    struct challenge challenge;
    struct token nothing;
    ULONG attributes;
    challenge_open(&challenge, NULL, SEALED);
    SecBufferDesc *both = &challenge.message.descriptor;
    assert_status(InitializeSecurityContextA(NULL, &challenge.client, NULL, SEALED | ISC_REQ_ALLOCATE_MEMORY, 0, 0,
                                             both, 0, NULL, both, &attributes, NULL),
                  SEC_E_OK);
    void *answer = challenge.message.buffer.pvBuffer;
    assert_ptr_not_equal(answer, challenge.message.bytes);
    assert_memory_equal(challenge.message.bytes, "NTLMSSP\0\2", 9);
    assert_status(rules_accept(NULL, &challenge.server, false, 0, &challenge.message, &nothing, &attributes), SEC_E_OK);
    assert_status(FreeContextBuffer(answer), SEC_E_OK);
    challenge_close(&challenge);
}

/* ---------------------------------------------------------------- flags */

/* Messages are not formatted either way: CONNECTION is what a context is without it. */
static void connection_is_the_default(void **state)
{
    struct token without, with;
    assert_int_equal(hello_of(&(struct first){.flags = 0}, &without), 0);
    assert_int_equal(hello_of(&(struct first){.flags = ISC_REQ_CONNECTION}, &with), ISC_RET_CONNECTION);
    assert_same_token(&without, &with);
}

/* What NTLM has not got does not fail, is not asked of the server, and does not come back (N7: DELEGATE, EXTENDED_ERROR). */
static void what_ntlm_has_not_got_does_not_come_back(void **state)
{
    static const ULONG flags[] = {ISC_REQ_STREAM, ISC_REQ_EXTENDED_ERROR, ISC_REQ_DELEGATE, ISC_REQ_USE_SUPPLIED_CREDS};
    struct token without, with;
    hello_of(&(struct first){.flags = 0}, &without);
    for (size_t i = 0; i < COUNT(flags); i++) {
        struct pair pair;
        assert_int_equal(hello_of(&(struct first){.flags = flags[i]}, &with), 0);
        assert_same_token(&without, &with);
        pair_open(&pair, flags[i] | ISC_REQ_INTEGRITY);
        assert_int_equal(pair.client_attributes, ISC_RET_INTEGRITY);
        pair_close(&pair);
    }
}

/* NTLM authenticates no server; the request comes back all the same (docs/divergences.md), first and last, and FLAGS repeats
 * what came back.  That nothing was proved is in the package's capabilities. */
static void mutual_authentication_comes_back(void **state)
{
    struct pair pair;
    struct token hello;
    SecPkgContext_Flags flags = {0};
    SecPkgContext_PackageInfoA package = {NULL};
    assert_int_equal(hello_of(&(struct first){.flags = ISC_REQ_MUTUAL_AUTH}, &hello), ISC_RET_MUTUAL_AUTH);
    pair_open(&pair, ISC_REQ_MUTUAL_AUTH);
    assert_int_equal(pair.client_attributes, ISC_RET_MUTUAL_AUTH);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_FLAGS, &flags), SEC_E_OK);
    assert_int_equal(flags.Flags, pair.client_attributes);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_PACKAGE_INFO, &package), SEC_E_OK);
    assert_int_equal(package.PackageInfo->fCapabilities & SECPKG_FLAG_MUTUAL_AUTH, 0);
    assert_status(FreeContextBuffer(package.PackageInfo), SEC_E_OK);
    pair_close(&pair);
}

/* No token tells the peer of an error, whoever asks for one: the buffer is as it was. */
static void no_token_tells_of_an_error(void **state)
{
    struct challenge challenge;
    struct token out, garbage;
    ULONG attributes = 77;
    challenge_open(&challenge, NULL, ISC_REQ_EXTENDED_ERROR);
    token_init(&garbage, 40);
    memset(garbage.bytes, GUARD, 40);
    memset(out.bytes, GUARD, sizeof out.bytes);
    assert_status(
        rules_initiate(NULL, &challenge.client, false, NULL, ISC_REQ_EXTENDED_ERROR, &garbage, &out, &attributes),
        SEC_E_INVALID_TOKEN);
    assert_int_equal(out.buffer.cbBuffer, TOKEN_MAX);
    assert_int_equal(out.bytes[0], GUARD);
    assert_int_equal(attributes, 77);
    assert_status(rules_accept(NULL, &challenge.server, false, ASC_REQ_EXTENDED_ERROR, &garbage, &out, &attributes),
                  SEC_E_INVALID_TOKEN);
    assert_int_equal(out.buffer.cbBuffer, TOKEN_MAX);
    assert_int_equal(out.bytes[0], GUARD);
    challenge_close(&challenge);
}

static void what_protects_messages_comes_back(void **state)
{
    static const struct {
        ULONG asked, granted;
    } cases[] = {
        {0, 0},
        {ISC_REQ_INTEGRITY, ISC_RET_INTEGRITY},
        {ISC_REQ_REPLAY_DETECT, ISC_RET_REPLAY_DETECT | ISC_RET_INTEGRITY},
        {ISC_REQ_SEQUENCE_DETECT, ISC_RET_SEQUENCE_DETECT | ISC_RET_INTEGRITY},
        {ISC_REQ_CONFIDENTIALITY,
         ISC_RET_CONFIDENTIALITY | ISC_RET_INTEGRITY | ISC_RET_REPLAY_DETECT | ISC_RET_SEQUENCE_DETECT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair pair;
        pair_open(&pair, cases[i].asked);
        assert_int_equal(pair.client_attributes, cases[i].granted);
        if (cases[i].asked == ISC_REQ_CONFIDENTIALITY) {
            rules_seal(&pair.client, &pair.server);
            rules_seal(&pair.server, &pair.client);
        }
        pair_close(&pair);
    }
}

/* A message, signed or sealed, and a copy of it as it is on the wire. */
struct message {
    unsigned char data[8], signature[16];
};

static SECURITY_STATUS protect(CtxtHandle *context, bool sealed, struct message *message)
{
    memcpy(message->data, "message", sizeof message->data);
    SecBuffer buffers[2] = {{sizeof message->data, SECBUFFER_DATA, message->data},
                            {sizeof message->signature, SECBUFFER_TOKEN, message->signature}};
    SecBufferDesc descriptor = {SECBUFFER_VERSION, 2, buffers};
    return sealed ? EncryptMessage(context, 0, &descriptor, 0) : MakeSignature(context, 0, &descriptor, 0);
}

static SECURITY_STATUS check(CtxtHandle *context, bool sealed, const struct message *message)
{
    struct message copy = *message;
    SecBuffer buffers[2] = {{sizeof copy.data, SECBUFFER_DATA, copy.data},
                            {sizeof copy.signature, SECBUFFER_TOKEN, copy.signature}};
    SecBufferDesc descriptor = {SECBUFFER_VERSION, 2, buffers};
    SECURITY_STATUS status =
        sealed ? DecryptMessage(context, &descriptor, 0, NULL) : VerifySignature(context, &descriptor, 0, NULL);
    if (status == SEC_E_OK) {
        assert_memory_equal(copy.data, "message", sizeof copy.data);
    }
    return status;
}

/* Each of the two flags alone, with both pairs of functions: a message again, one too early, and the one that was due. */
static void replays_and_gaps_are_found(void **state)
{
    static const ULONG flags[] = {ISC_REQ_REPLAY_DETECT, ISC_REQ_SEQUENCE_DETECT};
    for (size_t i = 0; i < 2 * COUNT(flags); i++) {
        bool sealed = i >= COUNT(flags);
        struct pair pair;
        struct message first, second, third;
        pair_open(&pair, flags[i % COUNT(flags)] | (sealed ? ISC_REQ_CONFIDENTIALITY : 0));
        assert_status(protect(&pair.client, sealed, &first), SEC_E_OK);
        assert_status(protect(&pair.client, sealed, &second), SEC_E_OK);
        assert_status(protect(&pair.client, sealed, &third), SEC_E_OK);
        assert_status(check(&pair.server, sealed, &first), SEC_E_OK);
        assert_status(check(&pair.server, sealed, &first), SEC_E_OUT_OF_SEQUENCE);
        assert_status(check(&pair.server, sealed, &third), SEC_E_OUT_OF_SEQUENCE);
        assert_status(check(&pair.server, sealed, &second), SEC_E_OK);
        assert_status(check(&pair.server, sealed, &third), SEC_E_OK);
        pair_close(&pair);
    }
}

/* USE_SUPPLIED_CREDS points a package at a PKG_PARAMS buffer, whose contents nobody has described for NTLM: the identity stays
 * the credential's. */
static void package_parameters_are_not_looked_at(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_A other = rules_identity();
    struct challenge challenge;
    struct token answer, nothing;
    ULONG attributes;
    const ULONG flags = SEALED | ISC_REQ_USE_SUPPLIED_CREDS;
    other.User = (unsigned char *)text("Another");
    other.UserLength = 7;
    challenge_open(&challenge, NULL, flags);
    SecBuffer in[2] = {{sizeof other, SECBUFFER_PKG_PARAMS, &other}, challenge.message.buffer};
    SecBufferDesc input = {SECBUFFER_VERSION, 2, in};
    token_init(&answer, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(NULL, &challenge.client, NULL, flags, 0, 0, &input, 0, NULL,
                                             &answer.descriptor, &attributes, NULL),
                  SEC_E_OK);
    assert_true(token_has_wide(&answer, "User"));
    assert_false(token_has_wide(&answer, "Another"));
    assert_status(rules_accept(NULL, &challenge.server, false, 0, &answer, &nothing, &attributes), SEC_E_OK);
    challenge_close(&challenge);
}

/* ---------------------------------------------------------------- what a server says */

/* A CHALLENGE of an old server (MS-NLMP 2.2.1.2) with these flags on top of UNICODE, NTLM, TARGET_INFO and others; its target
 * information names the server, or has nothing in it. */
static void make_challenge(struct token *out, ULONG flags, bool named)
{
    static const unsigned char head[] = {'N', 'T', 'L', 'M', 'S', 'S', 'P', 0, 2, 0, 0, 0, 2, 0, 2, 0, 48, 0, 0, 0};
    static const unsigned char names[] = {2, 0, 2, 0, 'D', 0,
                                          1, 0, 2, 0, 'S', 0}; /* MsvAvNbDomainName, ...ComputerName */
    unsigned char *bytes = out->bytes;
    ULONG all = 0xa0828205 | flags, size = named ? sizeof names + 4 : 4;
    token_init(out, 50 + size);
    memset(bytes, 0, 50 + size);
    memcpy(bytes, head, sizeof head);
    memcpy(bytes + 20, &all, 4);
    memcpy(bytes + 24, "\1\2\3\4\5\6\7\10", 8);
    bytes[40] = bytes[42] = (unsigned char)size;
    bytes[44] = 50;
    bytes[48] = 'D';
    if (named) {
        memcpy(bytes + 50, names, sizeof names);
    }
}

static SECURITY_STATUS answer_to(ULONG flags, ULONG challenge_flags, bool named, ULONG *first, ULONG *last)
{
    CredHandle credential = rules_client("NTLM");
    CtxtHandle context;
    struct token out, challenge;
    *last = 0;
    assert_status(first_leg(&credential, &(struct first){.flags = flags}, &context, &out, first),
                  SEC_I_CONTINUE_NEEDED);
    make_challenge(&challenge, challenge_flags, named);
    SECURITY_STATUS status = rules_initiate(NULL, &context, false, NULL, flags, &challenge, &out, last);
    if (status < 0) { /* the session is not established, and the context is still there to be deleted */
        SecPkgContext_SessionKey key;
        assert_true(QueryContextAttributesA(&context, SECPKG_ATTR_SESSION_KEY, &key) < 0);
        make_challenge(&challenge, SEALED, true);
        assert_status(rules_initiate(NULL, &context, false, NULL, flags, &challenge, &out, last),
                      SEC_E_OUT_OF_SEQUENCE);
    }
    assert_status(DeleteSecurityContext(&context), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    return status;
}

#define WIRE_SIGN     0x00000010 /* MS-NLMP 2.2.2.5 */
#define WIRE_SEAL     0x00000020
#define WIRE_IDENTIFY 0x00100000

/* Attributes change on the way, and only the last ones tell of security. */
static void attributes_are_final_with_the_last_call(void **state)
{
    ULONG first, last;
    assert_status(answer_to(ISC_REQ_IDENTIFY, WIRE_IDENTIFY, true, &first, &last), SEC_E_OK);
    assert_int_equal(last, ISC_RET_IDENTIFY);
    assert_status(answer_to(ISC_REQ_IDENTIFY, 0, true, &first, &last), SEC_E_OK);
    assert_int_equal(first, ISC_RET_IDENTIFY);
    assert_int_equal(last, 0);
    assert_status(answer_to(ISC_REQ_NULL_SESSION, 0, true, &first, &last), SEC_E_OK);
    assert_int_equal(first, 0);
    assert_int_equal(last, ISC_RET_NULL_SESSION);
}

/* A server that grants less is not put up with, nor one that is to sign and names itself nowhere (MS-NLMP 3.1.5.1.2). */
static void a_server_that_grants_too_little(void **state)
{
    ULONG first, last;
    assert_status(answer_to(ISC_REQ_INTEGRITY, WIRE_SIGN, true, &first, &last), SEC_E_OK);
    assert_status(answer_to(ISC_REQ_INTEGRITY, 0, true, &first, &last), SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(answer_to(ISC_REQ_CONFIDENTIALITY, WIRE_SIGN | WIRE_SEAL, true, &first, &last), SEC_E_OK);
    assert_status(answer_to(ISC_REQ_CONFIDENTIALITY, WIRE_SIGN, true, &first, &last), SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(answer_to(ISC_REQ_INTEGRITY, WIRE_SIGN, false, &first, &last), SEC_E_LOGON_DENIED);
    assert_status(answer_to(0, 0, false, &first, &last), SEC_E_OK);
}

/* Cut short, of another kind, of another package: not accepted, and the right one afterwards neither. */
static void tokens_that_are_no_challenge(void **state)
{
    static const struct {
        const char *bytes;
        ULONG size;
    } cases[] = {
        {"", 0},
        {"NTLMSSP", 8},
        {"NTLMSSP\0\1\0\0\0\7\202\10\242\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32},   /* a NEGOTIATE */
        {"\x60\x28\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x1e\x30\x1c\xa0\x1a", 16}, /* a NegTokenInit2 of SPNEGO */
        {"\x16\x03\x03\0\2\1\0", 7},                                              /* a record of TLS */
        {"realm=\"server\",nonce=\"0123456789\"", 33},                            /* a challenge of Digest */
    };
    for (size_t i = 0; i <= COUNT(cases); i++) {
        struct challenge challenge;
        struct token wrong, out;
        ULONG attributes;
        challenge_open(&challenge, NULL, SEALED);
        if (i == COUNT(cases)) { /* the server's own, without its end */
            wrong = challenge.message;
            token_init(&wrong, challenge.message.buffer.cbBuffer - 1);
        } else {
            token_init(&wrong, cases[i].size);
            memcpy(wrong.bytes, cases[i].bytes, cases[i].size);
        }
        assert_status(rules_initiate(NULL, &challenge.client, false, NULL, SEALED, &wrong, &out, &attributes),
                      SEC_E_INVALID_TOKEN);
        assert_status(
            rules_initiate(NULL, &challenge.client, false, NULL, SEALED, &challenge.message, &out, &attributes),
            SEC_E_OUT_OF_SEQUENCE);
        challenge_close(&challenge); /* which deletes it, as every context that a first call made */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserved_parameters_are_not_looked_at),
        cmocka_unit_test(a_server_may_speak_first),
        cmocka_unit_test(a_target_that_no_token_can_name),
        cmocka_unit_test(input_belongs_to_later_calls),
        cmocka_unit_test(only_the_output_token_is_written),
        cmocka_unit_test(one_descriptor_in_and_out),
        cmocka_unit_test(connection_is_the_default),
        cmocka_unit_test(what_ntlm_has_not_got_does_not_come_back),
        cmocka_unit_test(mutual_authentication_comes_back),
        cmocka_unit_test(no_token_tells_of_an_error),
        cmocka_unit_test(what_protects_messages_comes_back),
        cmocka_unit_test(replays_and_gaps_are_found),
        cmocka_unit_test(package_parameters_are_not_looked_at),
        cmocka_unit_test(attributes_are_final_with_the_last_call),
        cmocka_unit_test(a_server_that_grants_too_little),
        cmocka_unit_test(tokens_that_are_no_challenge),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
