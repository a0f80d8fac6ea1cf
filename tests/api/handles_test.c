/* Credentials and context handles: what is refused, what a failure leaves behind (H1 to H10 of the observed behaviour). */
#include "pair.h"

static char ntlm[] = "NTLM";

static void test_acquire_without_package(void **state)
{
    CredHandle credential = {7, 7};
    char unknown[] = "Winter";
    assert_status(AcquireCredentialsHandleA(NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL), SEC_E_SECPKG_NOT_FOUND);
    assert_status(AcquireCredentialsHandleW(NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL), SEC_E_SECPKG_NOT_FOUND);
    assert_status(
        AcquireCredentialsHandleA(NULL, unknown, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL, &credential, NULL),
        SEC_E_SECPKG_NOT_FOUND);
    assert_int_equal(credential.dwLower, 7);
    assert_int_equal(credential.dwUpper, 7);
}

static void test_acquire_without_direction(void **state)
{
    CredHandle credential = {7, 7};
    assert_status(AcquireCredentialsHandleA(NULL, ntlm, 0, NULL, NULL, NULL, NULL, &credential, NULL),
                  SEC_E_NO_CREDENTIALS);
    assert_int_equal(credential.dwLower, 7);
    assert_status(AcquireCredentialsHandleA(NULL, ntlm, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL, NULL, NULL),
                  SEC_E_INVALID_HANDLE);
}

/* What is certainly not a handle; the last is filled in by the caller. */
static const SecHandle wrong[] = {
    {0, 0}, {(ULONG_PTR)-1, (ULONG_PTR)-1}, {(ULONG_PTR)-2, (ULONG_PTR)-2}, {1, 0}, {0, 1}, {0x4141414141414141, 0x42},
};

static void refuse_context(CtxtHandle *context)
{
    unsigned char bytes[64] = {0};
    SecBuffer buffers[] = {
        {.cbBuffer = 16, .BufferType = SECBUFFER_TOKEN, .pvBuffer = bytes},
        {.cbBuffer = 16, .BufferType = SECBUFFER_DATA, .pvBuffer = bytes + 16},
    };
    SecBufferDesc message = {.ulVersion = SECBUFFER_VERSION, .cBuffers = 2, .pBuffers = buffers};
    SecPkgContext_Sizes sizes;
    SecBuffer packed = {0};
    HANDLE token = NULL;
    ULONG qop = 0;
    char target[] = "host";
    assert_status(DeleteSecurityContext(context), SEC_E_INVALID_HANDLE);
    assert_status(QueryContextAttributesA(context, SECPKG_ATTR_SIZES, &sizes), SEC_E_INVALID_HANDLE);
    assert_status(QueryContextAttributesW(context, SECPKG_ATTR_SIZES, &sizes), SEC_E_INVALID_HANDLE);
    assert_status(QueryContextAttributesExA(context, SECPKG_ATTR_SIZES, &sizes, sizeof sizes), SEC_E_INVALID_HANDLE);
    assert_status(QueryContextAttributesExW(context, SECPKG_ATTR_SIZES, &sizes, sizeof sizes), SEC_E_INVALID_HANDLE);
    assert_status(QueryContextAttributesW(context, 0xFFFF, NULL), SEC_E_INVALID_HANDLE);
    assert_status(SetContextAttributesA(context, SECPKG_ATTR_FLAGS, bytes, 4), SEC_E_INVALID_HANDLE);
    assert_status(SetContextAttributesW(context, SECPKG_ATTR_FLAGS, bytes, 4), SEC_E_INVALID_HANDLE);
    assert_status(MakeSignature(context, 0, &message, 0), SEC_E_INVALID_HANDLE);
    assert_status(VerifySignature(context, &message, 0, &qop), SEC_E_INVALID_HANDLE);
    assert_status(EncryptMessage(context, 0, &message, 0), SEC_E_INVALID_HANDLE);
    assert_status(DecryptMessage(context, &message, 0, &qop), SEC_E_INVALID_HANDLE);
    assert_status(CompleteAuthToken(context, &message), SEC_E_INVALID_HANDLE);
    assert_status(ApplyControlToken(context, &message), SEC_E_INVALID_HANDLE);
    assert_status(ImpersonateSecurityContext(context), SEC_E_INVALID_HANDLE);
    assert_status(RevertSecurityContext(context), SEC_E_INVALID_HANDLE);
    assert_status(QuerySecurityContextToken(context, &token), SEC_E_INVALID_HANDLE);
    assert_status(ExportSecurityContext(context, 0, &packed, &token), SEC_E_INVALID_HANDLE);
    assert_status(DelegateSecurityContext(context, target, SecFull, NULL, NULL, NULL), SEC_E_INVALID_HANDLE);
    assert_null(token);
    assert_null(packed.pvBuffer);
}

static void refuse_credential(CredHandle *credential)
{
    unsigned char bytes[64] = {0};
    SecPkgCredentials_NamesA names = {0};
    char name[] = "x";
    assert_status(FreeCredentialsHandle(credential), SEC_E_INVALID_HANDLE);
    assert_status(QueryCredentialsAttributesA(credential, SECPKG_CRED_ATTR_NAMES, &names), SEC_E_INVALID_HANDLE);
    assert_status(QueryCredentialsAttributesW(credential, SECPKG_CRED_ATTR_NAMES, &names), SEC_E_INVALID_HANDLE);
    assert_status(QueryCredentialsAttributesExA(credential, 1, &names, sizeof names), SEC_E_INVALID_HANDLE);
    assert_status(QueryCredentialsAttributesExW(credential, 1, &names, sizeof names), SEC_E_INVALID_HANDLE);
    assert_status(SetCredentialsAttributesA(credential, 1, bytes, 4), SEC_E_INVALID_HANDLE);
    assert_status(SetCredentialsAttributesW(credential, 1, bytes, 4), SEC_E_INVALID_HANDLE);
    assert_status(AddCredentialsA(credential, NULL, name, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL),
                  SEC_E_INVALID_HANDLE);
    assert_status(AddCredentialsW(credential, NULL, NULL, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL),
                  SEC_E_INVALID_HANDLE);
    assert_status(SspiExtSetVerifier(credential, NULL, NULL), SEC_E_INVALID_HANDLE);
}

static void test_null_and_nonsense(void **state)
{
    refuse_context(NULL);
    refuse_credential(NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        SecHandle handle = wrong[i];
        refuse_context(&handle);
        refuse_credential(&handle);
    }
}

static void test_swapped_and_stale(void **state)
{
    struct pair pair;
    struct token token;
    pair_credentials(&pair, "Password");
    assert_status(pair_first_leg(&pair, 0, &token), SEC_I_CONTINUE_NEEDED);
    refuse_context(&pair.client_credential);
    refuse_credential(&pair.client);
    CtxtHandle context = pair.client;
    CredHandle credential = pair.client_credential;
    pair_close(&pair);
    refuse_context(&context);
    refuse_credential(&credential);
}

/* Only a NULL pointer means "first call". */
static void test_zeroed_context_is_not_a_first_call(void **state)
{
    struct pair pair;
    struct token token;
    pair_credentials(&pair, "Password");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CtxtHandle context = wrong[i];
        CtxtHandle new_context = {7, 7};
        token_init(&token, TOKEN_MAX);
        assert_status(InitializeSecurityContextA(&pair.client_credential, &context, NULL, 0, 0, 0, NULL, 0,
                                                 &new_context, &token.descriptor, NULL, NULL),
                      SEC_E_INVALID_HANDLE);
        assert_status(AcceptSecurityContext(&pair.server_credential, &context, &token.descriptor, 0, 0, &new_context,
                                            &token.descriptor, NULL, NULL),
                      SEC_E_INVALID_HANDLE);
        assert_int_equal(new_context.dwLower, 7);
        assert_int_equal(token.buffer.cbBuffer, TOKEN_MAX);
    }
    pair_close(&pair);
}

static void test_first_leg_needs_a_credential(void **state)
{
    struct pair pair;
    struct token token;
    CtxtHandle context = {7, 7};
    pair_credentials(&pair, "Password");
    token_init(&token, TOKEN_MAX);
    assert_status(
        InitializeSecurityContextA(NULL, NULL, NULL, 0, 0, 0, NULL, 0, &context, &token.descriptor, NULL, NULL),
        SEC_E_INVALID_HANDLE);
    assert_status(AcceptSecurityContext(NULL, NULL, &token.descriptor, 0, 0, &context, &token.descriptor, NULL, NULL),
                  SEC_E_INVALID_HANDLE);
    assert_status(InitializeSecurityContextA(&pair.client_credential, NULL, NULL, 0, 0, 0, NULL, 0, NULL,
                                             &token.descriptor, NULL, NULL),
                  SEC_E_INVALID_HANDLE);
    assert_int_equal(context.dwLower, 7);
    pair_close(&pair);
}

static void test_direction_of_the_credential(void **state)
{
    struct pair pair;
    struct token token;
    CtxtHandle context = {7, 7};
    pair_credentials(&pair, "Password");
    token_init(&token, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(&pair.server_credential, NULL, NULL, 0, 0, 0, NULL, 0, &context,
                                             &token.descriptor, NULL, NULL),
                  SEC_E_NO_CREDENTIALS);
    assert_status(AcceptSecurityContext(&pair.client_credential, NULL, &token.descriptor, 0, 0, &context,
                                        &token.descriptor, NULL, NULL),
                  SEC_E_NO_CREDENTIALS);
    assert_int_equal(context.dwLower, 7);
    pair_close(&pair);
}

static void test_context_of_the_other_side(void **state)
{
    struct pair pair;
    struct token token;
    pair_open(&pair, 0);
    token_init(&token, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(&pair.client_credential, &pair.server, NULL, 0, 0, 0, &token.descriptor, 0,
                                             NULL, &token.descriptor, NULL, NULL),
                  SEC_E_INVALID_HANDLE);
    assert_status(AcceptSecurityContext(&pair.server_credential, &pair.client, &token.descriptor, 0, 0, NULL,
                                        &token.descriptor, NULL, NULL),
                  SEC_E_INVALID_HANDLE);
    pair_close(&pair);
}

/* One credential, several contexts; a failed first leg does no harm to it and leaves no context. */
static void test_failed_first_leg_is_forgotten(void **state)
{
    struct pair pair;
    struct token token;
    pair_credentials(&pair, "Password");
    CtxtHandle context = {7, 7};
    assert_status(
        InitializeSecurityContextA(&pair.client_credential, NULL, NULL, 0, 0, 0, NULL, 0, &context, NULL, NULL, NULL),
        SEC_E_BUFFER_TOO_SMALL);
    assert_int_equal(context.dwLower, 7);
    assert_int_equal(context.dwUpper, 7);
    assert_status(pair_first_leg(&pair, 0, &token), SEC_I_CONTINUE_NEEDED);
    CtxtHandle first = pair.client;
    assert_status(pair_first_leg(&pair, 0, &token), SEC_I_CONTINUE_NEEDED);
    assert_memory_not_equal(&first, &pair.client, sizeof first);
    assert_status(DeleteSecurityContext(&first), SEC_E_OK);
    assert_status(DeleteSecurityContext(&first), SEC_E_INVALID_HANDLE);
    pair_close(&pair);
}

/* A later leg gives the same two words into phNewContext, whichever variable that is; it may be NULL. */
static void test_new_context_of_later_legs(void **state)
{
    struct pair pair;
    struct token client;
    struct token server;
    CtxtHandle again = {0, 0};
    pair_credentials(&pair, "Password");
    assert_status(pair_first_leg(&pair, 0, &client), SEC_I_CONTINUE_NEEDED);
    token_init(&server, TOKEN_MAX);
    assert_status(AcceptSecurityContext(&pair.server_credential, NULL, &client.descriptor, 0, 0, &pair.server,
                                        &server.descriptor, NULL, NULL),
                  SEC_I_CONTINUE_NEEDED);
    token_init(&client, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(&pair.client_credential, &pair.client, NULL, 0, 0, 0, &server.descriptor,
                                             0, &again, &client.descriptor, NULL, NULL),
                  SEC_E_OK);
    assert_memory_equal(&again, &pair.client, sizeof again);
    token_init(&server, TOKEN_MAX);
    assert_status(AcceptSecurityContext(&pair.server_credential, &pair.server, &client.descriptor, 0, 0, NULL,
                                        &server.descriptor, NULL, NULL),
                  SEC_E_OK);
    pair_close(&pair);
}

/* On a later leg the context says everything: credentials that are dead, or of no use, are ignored. */
static void test_credential_of_later_legs(void **state)
{
    struct pair pair;
    struct token client;
    struct token server;
    pair_credentials(&pair, "Password");
    assert_status(pair_first_leg(&pair, 0, &client), SEC_I_CONTINUE_NEEDED);
    token_init(&server, TOKEN_MAX);
    assert_status(AcceptSecurityContext(&pair.server_credential, NULL, &client.descriptor, 0, 0, &pair.server,
                                        &server.descriptor, NULL, NULL),
                  SEC_I_CONTINUE_NEEDED);
    /* The credentials go before their contexts do: each context keeps what it needs. */
    assert_status(FreeCredentialsHandle(&pair.client_credential), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&pair.server_credential), SEC_E_OK);
    token_init(&client, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(&pair.client_credential, &pair.client, NULL, 0, 0, 0, &server.descriptor,
                                             0, &pair.client, &client.descriptor, NULL, NULL),
                  SEC_E_OK);
    token_init(&server, TOKEN_MAX);
    assert_status(AcceptSecurityContext(&pair.server_credential, &pair.server, &client.descriptor, 0, 0, &pair.server,
                                        &server.descriptor, NULL, NULL),
                  SEC_E_OK);
    assert_status(DeleteSecurityContext(&pair.client), SEC_E_OK);
    assert_status(DeleteSecurityContext(&pair.server), SEC_E_OK);
}

/* One pair of credentials, several handshakes at once, each leg in turn; all of them end. */
static void test_one_credential_many_contexts(void **state)
{
    enum { COUNT = 5 };
    struct pair pairs[COUNT];
    struct token client[COUNT];
    struct token server[COUNT];
    pair_credentials(&pairs[0], "Password");
    for (size_t i = 0; i < COUNT; i++) {
        pairs[i] = pairs[0];
        assert_status(pair_first_leg(&pairs[i], ISC_REQ_INTEGRITY, &client[i]), SEC_I_CONTINUE_NEEDED);
    }
    for (size_t i = 0; i < COUNT; i++) {
        token_init(&server[i], TOKEN_MAX);
        assert_status(AcceptSecurityContext(&pairs[0].server_credential, NULL, &client[i].descriptor, 0, 0,
                                            &pairs[i].server, &server[i].descriptor, NULL, NULL),
                      SEC_I_CONTINUE_NEEDED);
    }
    for (size_t i = 0; i < COUNT; i++) {
        token_init(&client[i], TOKEN_MAX);
        assert_status(InitializeSecurityContextA(NULL, &pairs[i].client, NULL, ISC_REQ_INTEGRITY, 0, 0,
                                                 &server[i].descriptor, 0, NULL, &client[i].descriptor, NULL, NULL),
                      SEC_E_OK);
        assert_status(
            AcceptSecurityContext(NULL, &pairs[i].server, &client[i].descriptor, 0, 0, NULL, NULL, NULL, NULL),
            SEC_E_OK);
    }
    for (size_t i = 1; i < COUNT; i++) {
        assert_status(DeleteSecurityContext(&pairs[i].client), SEC_E_OK);
        assert_status(DeleteSecurityContext(&pairs[i].server), SEC_E_OK);
    }
    pair_close(&pairs[0]);
}

static void test_credential_attributes(void **state)
{
    struct pair pair;
    pair_credentials(&pair, "Password");
    SecPkgCredentials_NamesA narrow = {0};
    SecPkgCredentials_NamesW wide = {0};
    static const WCHAR expected[] = {'D', 'o', 'm', 'a', 'i', 'n', '\\', 'U', 's', 'e', 'r', 0};
    CredHandle *credential = &pair.client_credential;
    assert_status(QueryCredentialsAttributesA(credential, SECPKG_CRED_ATTR_NAMES, &narrow), SEC_E_OK);
    assert_string_equal(narrow.sUserName, "Domain\\User");
    assert_status(FreeContextBuffer(narrow.sUserName), SEC_E_OK);
    assert_status(QueryCredentialsAttributesW(credential, SECPKG_CRED_ATTR_NAMES, &wide), SEC_E_OK);
    assert_memory_equal(wide.sUserName, expected, sizeof expected);
    assert_status(FreeContextBuffer(wide.sUserName), SEC_E_OK);
    assert_status(QueryCredentialsAttributesExA(credential, SECPKG_CRED_ATTR_NAMES, &narrow, sizeof narrow - 1),
                  SEC_E_BUFFER_TOO_SMALL);
    assert_status(QueryCredentialsAttributesExW(credential, SECPKG_CRED_ATTR_NAMES, &wide, sizeof wide), SEC_E_OK);
    assert_status(FreeContextBuffer(wide.sUserName), SEC_E_OK);
    assert_status(QueryCredentialsAttributesA(credential, SECPKG_CRED_ATTR_NAMES, NULL), SEC_E_INTERNAL_ERROR);
    assert_status(QueryCredentialsAttributesA(credential, SECPKG_CRED_ATTR_SSI_PROVIDER, &narrow),
                  SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(QueryCredentialsAttributesA(&pair.server_credential, SECPKG_CRED_ATTR_NAMES, &narrow),
                  SEC_E_NO_CREDENTIALS);
    pair_close(&pair);
}

/* The verifier goes through its own function only: SetCredentialsAttributes must not take pointers from a caller. */
static void test_set_credentials_attributes(void **state)
{
    struct pair pair;
    void *pointers[2] = {pointers, pointers};
    pair_credentials(&pair, "Password");
    assert_status(SetCredentialsAttributesA(&pair.server_credential, 0x53500001, pointers, sizeof pointers),
                  SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(SetCredentialsAttributesW(&pair.server_credential, SECPKG_CRED_ATTR_KDC_PROXY_SETTINGS, pointers, 16),
                  SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(SspiExtSetVerifier(&pair.client_credential, NULL, NULL), SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(AddCredentialsA(&pair.client_credential, NULL, ntlm, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL),
                  SEC_E_UNSUPPORTED_FUNCTION);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_acquire_without_package),
        cmocka_unit_test(test_acquire_without_direction),
        cmocka_unit_test(test_null_and_nonsense),
        cmocka_unit_test(test_swapped_and_stale),
        cmocka_unit_test(test_zeroed_context_is_not_a_first_call),
        cmocka_unit_test(test_first_leg_needs_a_credential),
        cmocka_unit_test(test_direction_of_the_credential),
        cmocka_unit_test(test_context_of_the_other_side),
        cmocka_unit_test(test_failed_first_leg_is_forgotten),
        cmocka_unit_test(test_new_context_of_later_legs),
        cmocka_unit_test(test_credential_of_later_legs),
        cmocka_unit_test(test_one_credential_many_contexts),
        cmocka_unit_test(test_credential_attributes),
        cmocka_unit_test(test_set_credentials_attributes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("handles", tests, NULL, NULL);
}
