/* SASL over Negotiate: the package's legs, then the choice of a security layer as RFC 4752 3.1 and 3.2 have it. */
#include "pair.h"

static char negotiate[] = "Negotiate";

#define SIGNED (ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT)
#define SEALED (SIGNED | ISC_REQ_CONFIDENTIALITY)

static void credentials(struct pair *pair)
{
    SEC_WINNT_AUTH_IDENTITY_A identity = {
        .User = (unsigned char *)(uintptr_t) "User",
        .UserLength = 4,
        .Domain = (unsigned char *)(uintptr_t) "Domain",
        .DomainLength = 6,
        .Password = (unsigned char *)(uintptr_t) "Password",
        .PasswordLength = 8,
        .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
    };
    pair_credentials_of(pair, negotiate, &identity);
}

static SECURITY_STATUS client_leg(struct pair *pair, ULONG flags, struct token *in, struct token *out)
{
    bool first = !SecIsValidHandle(&pair->client);
    token_init(out, TOKEN_MAX);
    return SaslInitializeSecurityContextA(&pair->client_credential, first ? NULL : &pair->client,
                                          (char[]){"ldap/server.example"}, flags, 0, SECURITY_NETWORK_DREP,
                                          in != NULL ? &in->descriptor : NULL, 0, &pair->client, &out->descriptor,
                                          &pair->client_attributes, NULL);
}

static SECURITY_STATUS server_leg(struct pair *pair, ULONG flags, struct token *in, struct token *out)
{
    bool first = !SecIsValidHandle(&pair->server);
    token_init(out, TOKEN_MAX);
    return SaslAcceptSecurityContext(&pair->server_credential, first ? NULL : &pair->server, &in->descriptor, flags,
                                     SECURITY_NETWORK_DREP, &pair->server, &out->descriptor, &pair->server_attributes,
                                     NULL);
}

struct talk {
    struct pair pair;
    ULONG client_flags, server_flags;
    struct token client, server; /* what each said last */
    unsigned legs;
};

/* Until the server has said what the client is to answer with its choice.  Nothing is protected before that is done. */
static void up_to_the_offer(struct talk *talk, bool server_first)
{
    char text[4] = "abc";
    unsigned char signature[16];
    SecBuffer buffers[] = {{sizeof text, SECBUFFER_DATA, text}, {16, SECBUFFER_TOKEN, signature}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    HANDLE access = NULL;
    if (server_first) {
        token_init(&talk->client, 0);
        assert_status(server_leg(&talk->pair, talk->server_flags, &talk->client, &talk->server), SEC_I_CONTINUE_NEEDED);
    }
    for (unsigned i = 0; i < (server_first ? 3u : 2u); i++) {
        assert_status(
            client_leg(&talk->pair, talk->client_flags, i != 0 || server_first ? &talk->server : NULL, &talk->client),
            SEC_I_CONTINUE_NEEDED);
        assert_status(server_leg(&talk->pair, talk->server_flags, &talk->client, &talk->server), SEC_I_CONTINUE_NEEDED);
    }
    assert_status(EncryptMessage(&talk->pair.client, 0, &message, 0), SEC_E_OUT_OF_SEQUENCE);
    assert_status(EncryptMessage(&talk->pair.server, 0, &message, 0), SEC_E_OUT_OF_SEQUENCE);
    assert_status(QuerySecurityContextToken(&talk->pair.server, &access), SEC_E_NO_IMPERSONATION);
}

static void begin(struct talk *talk, ULONG client_flags, ULONG server_flags)
{
    memset(talk, 0, sizeof *talk);
    talk->client_flags = client_flags;
    talk->server_flags = server_flags;
    credentials(&talk->pair);
}

static ULONG number(CtxtHandle *context, ULONG option)
{
    ULONG value = 77, needed = 0;
    assert_status(SaslGetContextOption(context, option, &value, sizeof value, &needed), SEC_E_OK);
    assert_int_equal(needed, sizeof value);
    return value;
}

static void message_each_way(struct pair *pair)
{
    CtxtHandle *const contexts[] = {&pair->client, &pair->server};
    for (int i = 0; i < 2; i++) {
        char text[] = "after the layer";
        unsigned char signature[16];
        SecBuffer buffers[] = {{16, SECBUFFER_TOKEN, signature}, {sizeof text, SECBUFFER_DATA, text}};
        SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
        assert_status(EncryptMessage(contexts[i], 0, &message, 0), SEC_E_OK);
        assert_status(DecryptMessage(contexts[1 - i], &message, 0, NULL), SEC_E_OK);
        assert_string_equal(text, "after the layer");
    }
}

static void whole_exchange(void **state)
{
    static const ULONG requests[] = {0, SIGNED, SEALED};
    for (size_t i = 0; i < 3; i++) {
        for (int server_first = 0; server_first < 2; server_first++) { /* raw NTLM, and SPNEGO */
            struct talk talk;
            begin(&talk, requests[i], 0);
            up_to_the_offer(&talk, server_first != 0);
            assert_status(client_leg(&talk.pair, requests[i], &talk.server, &talk.client), SEC_E_OK);
            assert_true(talk.client.buffer.cbBuffer != 0);
            assert_status(server_leg(&talk.pair, 0, &talk.client, &talk.server), SEC_E_OK);
            assert_int_equal(talk.server.buffer.cbBuffer, 0);
            assert_int_equal(number(&talk.pair.client, SASL_OPTION_SEND_SIZE), requests[i] == 0 ? 0 : 0xFFFF);
            assert_int_equal(number(&talk.pair.server, SASL_OPTION_SEND_SIZE), requests[i] == 0 ? 0 : 0xFFFF);
            assert_true((talk.pair.server_attributes & ASC_RET_INTEGRITY) != 0);
            SecPkgContext_NamesA names = {NULL};
            assert_status(QueryContextAttributesA(&talk.pair.server, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
            assert_string_equal(names.sUserName, "Domain\\User");
            assert_status(FreeContextBuffer(names.sUserName), SEC_E_OK);
            if (requests[i] == SEALED) {
                message_each_way(&talk.pair);
            }
            assert_status(client_leg(&talk.pair, 0, &talk.server, &talk.client), SEC_E_OUT_OF_SEQUENCE);
            pair_close(&talk.pair);
        }
    }
}

/* ---------------------------------------------------------------- the bytes (RFC 4752 3.1) */

/* A plain context of Negotiate's on the client's side, for messages of the layer by hand. */
static void plain_client_up_to_the_offer(struct talk *talk, ULONG client_flags)
{
    ULONG attributes;
    token_init(&talk->client, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(&talk->pair.client_credential, NULL, NULL, client_flags, 0, 0, NULL, 0,
                                             &talk->pair.client, &talk->client.descriptor, &attributes, NULL),
                  SEC_I_CONTINUE_NEEDED);
    assert_status(server_leg(&talk->pair, talk->server_flags, &talk->client, &talk->server), SEC_I_CONTINUE_NEEDED);
    token_init(&talk->client, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(NULL, &talk->pair.client, NULL, client_flags, 0, 0,
                                             &talk->server.descriptor, 0, &talk->pair.client, &talk->client.descriptor,
                                             &attributes, NULL),
                  SEC_E_OK);
    assert_status(server_leg(&talk->pair, talk->server_flags, &talk->client, &talk->server), SEC_I_CONTINUE_NEEDED);
}

static void assert_offer(struct talk *talk, const char *bytes)
{
    SecBuffer buffers[] = {{talk->server.buffer.cbBuffer, SECBUFFER_STREAM, talk->server.bytes},
                           {0, SECBUFFER_DATA, NULL}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    assert_int_equal(talk->server.buffer.cbBuffer, 20);
    assert_memory_equal(talk->server.bytes + 16, bytes, 4); /* signed, not encrypted */
    assert_status(DecryptMessage(&talk->pair.client, &message, 0, NULL), SEC_E_OK);
    assert_memory_equal(buffers[1].pvBuffer, bytes, 4);
}

static SECURITY_STATUS choice(struct talk *talk, const char *text, ULONG size, int spoil)
{
    struct token token;
    token_init(&token, 16 + size);
    memcpy(token.bytes + 16, text, size);
    SecBuffer buffers[] = {{16, SECBUFFER_TOKEN, token.bytes}, {size, SECBUFFER_DATA, token.bytes + 16}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    assert_status(EncryptMessage(&talk->pair.client, SECQOP_WRAP_NO_ENCRYPT, &message, 0), SEC_E_OK);
    if (spoil >= 0) {
        token.bytes[spoil] ^= 1;
    }
    SECURITY_STATUS status = server_leg(&talk->pair, talk->server_flags, &token, &talk->server);
    if (status < 0) {
        assert_status(server_leg(&talk->pair, talk->server_flags, &token, &talk->server), SEC_E_OUT_OF_SEQUENCE);
    }
    return status;
}

static void check_choice(ULONG client_flags, ULONG server_flags, const char *offered, const char *chosen, ULONG size,
                         int spoil, SECURITY_STATUS expected)
{
    struct talk talk;
    begin(&talk, client_flags, server_flags);
    plain_client_up_to_the_offer(&talk, client_flags);
    assert_offer(&talk, offered);
    assert_status(choice(&talk, chosen, size, spoil), expected);
    pair_close(&talk.pair);
}

static void offers_and_choices(void **state)
{
    check_choice(SEALED, 0, "\x07\x00\xff\xff", "\x01\x00\x00\x00", 4, -1, SEC_E_OK);
    check_choice(SEALED, 0, "\x07\x00\xff\xff", "\x02\x00\x10\x00", 4, -1, SEC_E_OK);
    check_choice(SEALED, 0, "\x07\x00\xff\xff", "\x04\xff\xff\xff", 4, -1, SEC_E_OK);
    check_choice(SIGNED, 0, "\x03\x00\xff\xff", "\x02\x00\x10\x00", 4, -1, SEC_E_OK);
    check_choice(SEALED, ASC_REQ_INTEGRITY, "\x06\x00\xff\xff", "\x02\x00\x10\x00", 4, -1, SEC_E_OK);
    check_choice(SEALED, ASC_REQ_CONFIDENTIALITY, "\x04\x00\xff\xff", "\x04\x00\x10\x00", 4, -1, SEC_E_OK);

    check_choice(SIGNED, 0, "\x03\x00\xff\xff", "\x04\x00\x10\x00", 4, -1, SEC_E_INVALID_TOKEN); /* not offered */
    check_choice(SEALED, ASC_REQ_CONFIDENTIALITY, "\x04\x00\xff\xff", "\x01\x00\x00\x00", 4, -1, SEC_E_INVALID_TOKEN);
    check_choice(SEALED, 0, "\x07\x00\xff\xff", "\x06\x00\x10\x00", 4, -1, SEC_E_INVALID_TOKEN); /* two */
    check_choice(SEALED, 0, "\x07\x00\xff\xff", "\x00\x00\x00\x00", 4, -1, SEC_E_INVALID_TOKEN); /* none of them */
    check_choice(SEALED, 0, "\x07\x00\xff\xff", "\x08\x00\x00\x00", 4, -1, SEC_E_INVALID_TOKEN);
    check_choice(SEALED, 0, "\x07\x00\xff\xff", "\x01\x00\x10\x00", 4, -1, SEC_E_INVALID_TOKEN); /* no layer, a size */
    check_choice(SEALED, 0, "\x07\x00\xff\xff", "\x01\x00\x00", 3, -1, SEC_E_INVALID_TOKEN);     /* too short */
    check_choice(SEALED, 0, "\x07\x00\xff\xff", "\x01\x00\x00\x00root", 8, -1, SEC_E_ALGORITHM_MISMATCH);
    for (int byte = 0; byte < 20; byte++) { /* whatever is changed on the way */
        check_choice(SEALED, 0, "\x07\x00\xff\xff", "\x04\x00\x10\x00", 4, byte, SEC_E_INVALID_TOKEN);
    }
}

/* The server wants what the session has not got. */
static void no_layer_in_common(void **state)
{
    struct talk talk;
    begin(&talk, SIGNED, ASC_REQ_CONFIDENTIALITY);
    assert_status(client_leg(&talk.pair, SIGNED, NULL, &talk.client), SEC_I_CONTINUE_NEEDED);
    assert_status(server_leg(&talk.pair, talk.server_flags, &talk.client, &talk.server), SEC_I_CONTINUE_NEEDED);
    assert_status(client_leg(&talk.pair, SIGNED, &talk.server, &talk.client), SEC_I_CONTINUE_NEEDED);
    assert_status(server_leg(&talk.pair, talk.server_flags, &talk.client, &talk.server), SEC_E_SECURITY_QOS_FAILED);
    pair_close(&talk.pair);
}

/* The client: an offer that it cannot take, or that is not the server's. */
static void offers_that_are_refused(void **state)
{
    struct talk talk;
    begin(&talk, SEALED, 0);
    up_to_the_offer(&talk, false);
    talk.server.bytes[16] ^= 1;
    assert_status(client_leg(&talk.pair, SEALED, &talk.server, &talk.client), SEC_E_INVALID_TOKEN);
    talk.server.bytes[16] ^= 1;
    assert_status(client_leg(&talk.pair, SEALED, &talk.server, &talk.client), SEC_E_OUT_OF_SEQUENCE);
    pair_close(&talk.pair);

    begin(&talk, 0, 0); /* the session cannot seal */
    assert_status(client_leg(&talk.pair, 0, NULL, &talk.client), SEC_I_CONTINUE_NEEDED);
    assert_status(server_leg(&talk.pair, 0, &talk.client, &talk.server), SEC_I_CONTINUE_NEEDED);
    assert_status(client_leg(&talk.pair, SEALED, &talk.server, &talk.client), SEC_I_CONTINUE_NEEDED);
    assert_status(server_leg(&talk.pair, 0, &talk.client, &talk.server), SEC_I_CONTINUE_NEEDED);
    assert_status(client_leg(&talk.pair, ISC_REQ_CONFIDENTIALITY, &talk.server, &talk.client),
                  SEC_E_SECURITY_QOS_FAILED);
    pair_close(&talk.pair);
}

/* ---------------------------------------------------------------- options */

static void authorization_identity(void **state)
{
    struct talk talk;
    char who[] = "dn:cn=root", got[16] = {0};
    ULONG processed = Sasl_AuthZIDProcessed, needed = 0;
    for (int allowed = 0; allowed < 2; allowed++) {
        begin(&talk, SIGNED, 0);
        up_to_the_offer(&talk, true);
        assert_status(SaslSetContextOption(&talk.pair.client, SASL_OPTION_AUTHZ_STRING, who, 10), SEC_E_OK);
        if (allowed != 0) {
            assert_status(SaslSetContextOption(&talk.pair.server, SASL_OPTION_AUTHZ_PROCESSING, &processed, 4),
                          SEC_E_OK);
        }
        assert_status(client_leg(&talk.pair, SIGNED, &talk.server, &talk.client), SEC_E_OK);
        assert_status(server_leg(&talk.pair, 0, &talk.client, &talk.server),
                      allowed != 0 ? SEC_E_OK : SEC_E_ALGORITHM_MISMATCH);
        if (allowed != 0) {
            assert_status(SaslGetContextOption(&talk.pair.server, SASL_OPTION_AUTHZ_STRING, got, 9, &needed),
                          SEC_E_BUFFER_TOO_SMALL);
            assert_int_equal(needed, 10);
            assert_status(SaslGetContextOption(&talk.pair.server, SASL_OPTION_AUTHZ_STRING, got, sizeof got, NULL),
                          SEC_E_OK);
            assert_string_equal(got, who);
        }
        pair_close(&talk.pair);
    }
}

static void sizes(void **state)
{
    struct talk talk;
    ULONG small = 0x1000, smaller = 0x800, large = 0x1000000;
    begin(&talk, SEALED, 0);
    up_to_the_offer(&talk, false);
    assert_int_equal(number(&talk.pair.client, SASL_OPTION_RECV_SIZE), 0xFFFF);
    assert_int_equal(number(&talk.pair.server, SASL_OPTION_AUTHZ_PROCESSING), Sasl_AuthZIDForbidden);
    assert_status(SaslSetContextOption(&talk.pair.client, SASL_OPTION_RECV_SIZE, &small, 4), SEC_E_OK);
    assert_status(SaslSetContextOption(&talk.pair.client, SASL_OPTION_SEND_SIZE, &smaller, 4), SEC_E_OK);
    assert_status(SaslSetContextOption(&talk.pair.client, SASL_OPTION_SEND_SIZE, &large, 4), SEC_E_INVALID_PARAMETER);
    assert_status(SaslSetContextOption(&talk.pair.client, SASL_OPTION_SEND_SIZE, &small, 3), SEC_E_BUFFER_TOO_SMALL);
    assert_status(SaslSetContextOption(&talk.pair.client, SASL_OPTION_AUTHZ_PROCESSING, &small, 4),
                  SEC_E_INVALID_PARAMETER);
    assert_status(SaslSetContextOption(&talk.pair.server, SASL_OPTION_AUTHZ_STRING, &small, 4),
                  SEC_E_INVALID_PARAMETER);
    assert_status(SaslSetContextOption(&talk.pair.client, 0, &small, 4), SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(SaslSetContextOption(&talk.pair.client, 5, &small, 4), SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(client_leg(&talk.pair, SEALED, &talk.server, &talk.client), SEC_E_OK);
    assert_status(server_leg(&talk.pair, 0, &talk.client, &talk.server), SEC_E_OK);
    assert_int_equal(number(&talk.pair.client, SASL_OPTION_SEND_SIZE), smaller);
    assert_int_equal(number(&talk.pair.server, SASL_OPTION_SEND_SIZE), small);
    assert_status(SaslSetContextOption(&talk.pair.client, SASL_OPTION_SEND_SIZE, &small, 4), SEC_E_OUT_OF_SEQUENCE);
    pair_close(&talk.pair);
}

/* ---------------------------------------------------------------- the two families of functions do not mix */

static void other_functions(void **state)
{
    struct talk talk;
    struct token out;
    ULONG attributes, value;
    begin(&talk, SEALED, 0);
    assert_status(client_leg(&talk.pair, SEALED, NULL, &talk.client), SEC_I_CONTINUE_NEEDED);
    assert_status(server_leg(&talk.pair, 0, &talk.client, &talk.server), SEC_I_CONTINUE_NEEDED);
    token_init(&out, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(NULL, &talk.pair.client, NULL, 0, 0, 0, &talk.server.descriptor, 0,
                                             &talk.pair.client, &out.descriptor, &attributes, NULL),
                  SEC_E_INVALID_HANDLE);
    SecBuffer data = {TOKEN_MAX, SECBUFFER_DATA, out.bytes};
    SecBufferDesc without = {SECBUFFER_VERSION, 1, &data};
    assert_status(SaslInitializeSecurityContextA(NULL, &talk.pair.client, NULL, 0, 0, 0, &talk.server.descriptor, 0,
                                                 &talk.pair.client, &without, &attributes, NULL),
                  SEC_E_INVALID_TOKEN);
    pair_close(&talk.pair);
    begin(&talk, 0, 0);
    assert_status(pair_first_leg(&talk.pair, 0, &talk.client), SEC_I_CONTINUE_NEEDED);
    assert_status(SaslInitializeSecurityContextA(NULL, &talk.pair.client, NULL, 0, 0, 0, &talk.server.descriptor, 0,
                                                 &talk.pair.client, &out.descriptor, &attributes, NULL),
                  SEC_E_INVALID_HANDLE);
    assert_status(SaslGetContextOption(&talk.pair.client, SASL_OPTION_SEND_SIZE, &value, 4, NULL),
                  SEC_E_INVALID_HANDLE);
    pair_close(&talk.pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_exchange),         cmocka_unit_test(offers_and_choices),
        cmocka_unit_test(no_layer_in_common),     cmocka_unit_test(offers_that_are_refused),
        cmocka_unit_test(authorization_identity), cmocka_unit_test(sizes),
        cmocka_unit_test(other_functions),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("sasl_layer", tests, NULL, NULL);
}
