/* Access tokens: HANDLEs that are not pointers, impersonation, and contexts that move. */
#include "pair.h"

#include <unistd.h>

static void test_query_token(void **state)
{
    struct pair pair;
    HANDLE token = NULL;
    pair_open(&pair, 0);
    assert_status(QuerySecurityContextToken(&pair.server, &token), SEC_E_OK);
    assert_non_null(token);
    assert_ptr_not_equal(token, INVALID_HANDLE_VALUE);
    assert_int_equal((uintptr_t)token % 4, 0);
    pair_close(&pair); /* the token outlives the context */
    SetLastError(0);
    assert_true(CloseHandle(token));
    assert_int_equal(GetLastError(), 0);
    assert_false(CloseHandle(token));
    assert_int_equal(GetLastError(), ERROR_INVALID_HANDLE);
}

/* NTLM knows names alone. */
static void test_what_a_token_says(void **state)
{
    struct pair pair;
    HANDLE token = NULL;
    SecPkgContext_AccessToken own;
    SSPI_EXT_TOKEN *said = NULL;
    pair_open(&pair, 0);
    assert_status(QuerySecurityContextToken(&pair.server, &token), SEC_E_OK);
    assert_status(QueryContextAttributesA(&pair.server, SECPKG_ATTR_ACCESS_TOKEN, &own), SEC_E_OK);
    HANDLE const both[] = {token, own.AccessToken};
    for (size_t i = 0; i < 2; i++) {
        assert_status(SspiExtQueryToken(both[i], &said), SEC_E_OK);
        assert_int_equal(said->Size, sizeof *said);
        assert_string_equal(said->User, "User");
        assert_string_equal(said->Domain, "Domain");
        assert_true(said->UserPrincipalName == NULL && said->DnsDomain == NULL && said->Sid == NULL);
        assert_true(said->GroupCount == 0 && said->Groups == NULL);
        assert_status(FreeContextBuffer(said), SEC_E_OK);
    }
    said = NULL;
    pair_close(&pair);
    assert_status(SspiExtQueryToken(own.AccessToken, &said), SEC_E_INVALID_HANDLE);
    assert_status(SspiExtQueryToken(token, NULL), SEC_E_INVALID_PARAMETER);
    assert_true(CloseHandle(token));
    assert_status(SspiExtQueryToken(token, &said), SEC_E_INVALID_HANDLE);
    assert_status(SspiExtQueryToken(NULL, &said), SEC_E_INVALID_HANDLE);
    assert_null(said);
}

static void test_each_query_is_its_own_handle(void **state)
{
    struct pair pair;
    HANDLE first = NULL;
    HANDLE second = NULL;
    pair_open(&pair, 0);
    assert_status(QuerySecurityContextToken(&pair.server, &first), SEC_E_OK);
    assert_status(QuerySecurityContextToken(&pair.server, &second), SEC_E_OK);
    assert_ptr_not_equal(first, second);
    assert_true(CloseHandle(first));
    assert_true(CloseHandle(second));
    pair_close(&pair);
}

static void test_close_nonsense(void **state)
{
    int here = 0;
    HANDLE const nonsense[] = {NULL, INVALID_HANDLE_VALUE, (HANDLE)1, (HANDLE)4, (HANDLE)0x1000004, &here};
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        SetLastError(0);
        assert_false(CloseHandle(nonsense[i]));
        assert_int_equal(GetLastError(), ERROR_INVALID_HANDLE);
    }
}

/* A context handle's words, packed as a token's would be, close no context. */
static void test_close_handle_closes_tokens_only(void **state)
{
    struct pair pair;
    pair_open(&pair, 0);
    uintptr_t guess = (uintptr_t)(pair.server.dwUpper >> 8) << 24 | (uintptr_t)(pair.server.dwLower - 1) << 2;
    assert_false(CloseHandle((HANDLE)guess));
    SecPkgContext_Sizes sizes;
    assert_status(QueryContextAttributesA(&pair.server, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    pair_close(&pair);
}

/* The attribute gives the context's own handle: the same each time, not the caller's to close, ended with the context. */
static void test_access_token(void **state)
{
    struct pair pair;
    SecPkgContext_AccessToken access = {0};
    pair_open(&pair, 0);
    assert_status(QueryContextAttributesA(&pair.server, SECPKG_ATTR_ACCESS_TOKEN, &access), SEC_E_OK);
    HANDLE first = access.AccessToken;
    assert_non_null(first);
    assert_false(CloseHandle(first));
    assert_int_equal(GetLastError(), ERROR_INVALID_HANDLE);
    assert_status(QueryContextAttributesW(&pair.server, SECPKG_ATTR_ACCESS_TOKEN, &access), SEC_E_OK);
    assert_ptr_equal(access.AccessToken, first);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_ACCESS_TOKEN, &access), SEC_E_NO_IMPERSONATION);
    pair_close(&pair);
    assert_false(CloseHandle(first));
}

/* The thread's own token, which outlives the impersonation and the context. */
static void test_thread_token(void **state)
{
    struct pair pair;
    HANDLE token = NULL, again = NULL;
    SSPI_EXT_TOKEN *says = NULL;
    pair_open(&pair, 0);
    assert_status(SspiExtOpenThreadToken(&token), SEC_E_NO_CONTEXT);
    assert_null(token);
    assert_status(ImpersonateSecurityContext(&pair.server), SEC_E_OK);
    assert_status(SspiExtOpenThreadToken(NULL), SEC_E_INVALID_PARAMETER);
    assert_status(SspiExtOpenThreadToken(&token), SEC_E_OK);
    assert_status(RevertSecurityContext(&pair.server), SEC_E_OK);
    pair_close(&pair);
    assert_status(SspiExtQueryToken(token, &says), SEC_E_OK);
    assert_string_equal(says->User, "User");
    assert_string_equal(says->Domain, "Domain");
    FreeContextBuffer(says);
    assert_status(SspiExtOpenThreadToken(&again), SEC_E_NO_CONTEXT);
    assert_status(SspiExtSetThreadToken(token), SEC_E_OK);
    assert_true(CloseHandle(token));
    assert_false(CloseHandle(token));
    assert_status(SspiExtSetThreadToken(token), SEC_E_INVALID_HANDLE);
    assert_status(SspiExtOpenThreadToken(&again), SEC_E_OK); /* still the one before */
    assert_status(SspiExtQueryToken(again, &says), SEC_E_OK);
    assert_string_equal(says->User, "User");
    FreeContextBuffer(says);
    assert_true(CloseHandle(again));
    assert_status(SspiExtSetThreadToken(NULL), SEC_E_OK);
    assert_status(SspiExtSetThreadToken(NULL), SEC_E_OK);
    assert_status(SspiExtOpenThreadToken(&again), SEC_E_NO_CONTEXT);
}

static void test_local_alloc(void **state)
{
    static const unsigned char zeros[100];
    void *block = LocalAlloc(LPTR, sizeof zeros);
    assert_memory_equal(block, zeros, sizeof zeros);
    assert_null(LocalFree(block));
    block = LocalAlloc(LMEM_FIXED, 0);
    assert_non_null(block);
    assert_null(LocalFree(block));
    SetLastError(0);
    assert_null(LocalAlloc(LMEM_FIXED, SIZE_MAX));
    assert_int_equal(GetLastError(), ERROR_NOT_ENOUGH_MEMORY);
}

static void test_local_free(void **state)
{
    PSecPkgInfoA info = NULL;
    int here[64] = {0};
    char package[] = "NTLM";
    assert_null(LocalFree(NULL));
    assert_status(QuerySecurityPackageInfoA(package, &info), SEC_E_OK);
    assert_null(LocalFree(info));
    SetLastError(0);
    assert_ptr_equal(LocalFree((char *)here + 65), (char *)here + 65);
    assert_int_equal(GetLastError(), ERROR_INVALID_HANDLE);
}

static void test_impersonate(void **state)
{
    struct pair pair;
    pair_open(&pair, 0);
    assert_status(ImpersonateSecurityContext(&pair.server), SEC_E_OK);
    assert_status(ImpersonateSecurityContext(&pair.server), SEC_E_OK);
    assert_status(RevertSecurityContext(&pair.server), SEC_E_OK);
    assert_status(RevertSecurityContext(&pair.server), SEC_E_OK);
    assert_status(ImpersonateSecurityContext(&pair.client), SEC_E_NO_IMPERSONATION);
    pair_close(&pair);
}

static SECURITY_STATUS acquire_without_identity(char *package)
{
    CredHandle credential;
    SECURITY_STATUS status =
        AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL, &credential, NULL);
    if (status == SEC_E_OK) {
        assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
    }
    return status;
}

/* The server's own password is not used in the client's name. */
static void test_no_credentials_of_its_own(void **state)
{
    static char path[] = "/tmp/sspi-tokens-XXXXXX";
    static char first[] = "NTLM", second[] = "WDigest";
    char *const packages[] = {first, second};
    struct pair pair;
    int file = mkstemp(path);
    assert_true(file >= 0 && write(file, "Domain:Server:secret\n", 21) == 21 && close(file) == 0);
    assert_int_equal(setenv("NTLM_USER_FILE", path, 1), 0);
    pair_open(&pair, 0);
    for (size_t i = 0; i < 2; i++) {
        assert_status(acquire_without_identity(packages[i]), SEC_E_OK);
        assert_status(ImpersonateSecurityContext(&pair.server), SEC_E_OK);
        assert_status(acquire_without_identity(packages[i]), SEC_E_NO_CREDENTIALS);
        assert_status(RevertSecurityContext(&pair.server), SEC_E_OK);
        assert_status(acquire_without_identity(packages[i]), SEC_E_OK);
    }
    pair_close(&pair);
    assert_int_equal(unsetenv("NTLM_USER_FILE"), 0);
    assert_int_equal(unlink(path), 0);
}

static void test_impersonate_too_early(void **state)
{
    struct pair pair;
    struct token client;
    struct token server;
    HANDLE token = (HANDLE)7;
    pair_credentials(&pair, "Password");
    assert_status(pair_first_leg(&pair, 0, &client), SEC_I_CONTINUE_NEEDED);
    token_init(&server, TOKEN_MAX);
    assert_status(AcceptSecurityContext(&pair.server_credential, NULL, &client.descriptor, 0, 0, &pair.server,
                                        &server.descriptor, NULL, NULL),
                  SEC_I_CONTINUE_NEEDED);
    assert_status(ImpersonateSecurityContext(&pair.server), SEC_E_NO_IMPERSONATION);
    assert_status(QuerySecurityContextToken(&pair.server, &token), SEC_E_NO_IMPERSONATION);
    assert_status(QuerySecurityContextToken(&pair.client, &token), SEC_E_NO_IMPERSONATION);
    assert_ptr_equal(token, (HANDLE)7);
    pair_close(&pair);
}

/* ---------------------------------------------------------------- export and import */

static char ntlm[] = "NTLM";

/* A sealed message from the client must be readable by `server`. */
static void check_sealed(struct pair *pair, CtxtHandle *server)
{
    unsigned char token[16];
    unsigned char data[] = "moved";
    SecBuffer buffers[] = {
        {.cbBuffer = sizeof token, .BufferType = SECBUFFER_TOKEN, .pvBuffer = token},
        {.cbBuffer = sizeof data, .BufferType = SECBUFFER_DATA, .pvBuffer = data},
    };
    SecBufferDesc message = {.ulVersion = SECBUFFER_VERSION, .cBuffers = 2, .pBuffers = buffers};
    assert_status(EncryptMessage(&pair->client, 0, &message, 0), SEC_E_OK);
    assert_status(DecryptMessage(server, &message, 0, NULL), SEC_E_OK);
    assert_string_equal((char *)data, "moved");
}

static void test_export_and_import(void **state)
{
    struct pair pair;
    SecBuffer packed = {.BufferType = SECBUFFER_TOKEN};
    HANDLE token = NULL;
    CtxtHandle moved;
    pair_open(&pair, ISC_REQ_CONFIDENTIALITY);
    check_sealed(&pair, &pair.server);
    assert_status(ExportSecurityContext(&pair.server, SECPKG_CONTEXT_EXPORT_DELETE_OLD, &packed, &token), SEC_E_OK);
    assert_int_equal(packed.BufferType, SECBUFFER_EMPTY);
    assert_true(packed.cbBuffer > 0);
    assert_non_null(token);
    assert_true(CloseHandle(token));
    SecPkgContext_NamesA names = {0};
    assert_status(QueryContextAttributesA(&pair.server, SECPKG_ATTR_NAMES, &names), SEC_E_INVALID_HANDLE);
    assert_status(ImportSecurityContextA(ntlm, &packed, NULL, &moved), SEC_E_OK);
    assert_status(FreeContextBuffer(packed.pvBuffer), SEC_E_OK);
    assert_status(QueryContextAttributesA(&moved, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sUserName, "Domain\\User");
    assert_status(FreeContextBuffer(names.sUserName), SEC_E_OK);
    check_sealed(&pair, &moved);
    pair.server = moved;
    pair_close(&pair);
}

static void test_export_keeps_the_old_one(void **state)
{
    struct pair pair;
    SecBuffer packed = {0};
    pair_open(&pair, ISC_REQ_CONFIDENTIALITY);
    assert_status(ExportSecurityContext(&pair.server, 0, &packed, NULL), SEC_E_OK);
    assert_status(FreeContextBuffer(packed.pvBuffer), SEC_E_OK);
    check_sealed(&pair, &pair.server);
    pair_close(&pair);
}

static void test_export_is_refused(void **state)
{
    struct pair pair;
    struct token client;
    SecBuffer packed = {.cbBuffer = 7};
    HANDLE token = (HANDLE)7;
    pair_credentials(&pair, "Password");
    assert_status(pair_first_leg(&pair, 0, &client), SEC_I_CONTINUE_NEEDED);
    assert_status(ExportSecurityContext(&pair.client, 0, &packed, &token), SEC_E_OUT_OF_SEQUENCE);
    assert_status(ExportSecurityContext(&pair.client, SECPKG_CONTEXT_EXPORT_TO_KERNEL, &packed, &token),
                  SEC_E_NOT_SUPPORTED);
    assert_status(ExportSecurityContext(&pair.client, 0, NULL, &token), SEC_E_INVALID_TOKEN);
    assert_int_equal(packed.cbBuffer, 7);
    assert_null(packed.pvBuffer);
    assert_ptr_equal(token, (HANDLE)7);
    pair_close(&pair);
}

static void test_import_is_refused(void **state)
{
    struct pair pair;
    SecBuffer packed = {0};
    char unknown[] = "Winter";
    CtxtHandle moved = {7, 7};
    pair_open(&pair, ISC_REQ_CONFIDENTIALITY);
    assert_status(ExportSecurityContext(&pair.server, 0, &packed, NULL), SEC_E_OK);
    assert_status(ImportSecurityContextA(unknown, &packed, NULL, &moved), SEC_E_SECPKG_NOT_FOUND);
    assert_status(ImportSecurityContextA(NULL, &packed, NULL, &moved), SEC_E_SECPKG_NOT_FOUND);
    assert_status(ImportSecurityContextA(ntlm, NULL, NULL, &moved), SEC_E_INVALID_TOKEN);
    assert_status(ImportSecurityContextA(ntlm, &packed, NULL, NULL), SEC_E_INVALID_HANDLE);
    for (ULONG size = 0; size < packed.cbBuffer; size++) {
        SecBuffer cut = {.cbBuffer = size, .BufferType = SECBUFFER_EMPTY, .pvBuffer = packed.pvBuffer};
        assert_status(ImportSecurityContextA(ntlm, &cut, NULL, &moved), SEC_E_INVALID_TOKEN);
    }
    assert_int_equal(moved.dwLower, 7);
    assert_status(FreeContextBuffer(packed.pvBuffer), SEC_E_OK);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query_token),
        cmocka_unit_test(test_what_a_token_says),
        cmocka_unit_test(test_each_query_is_its_own_handle),
        cmocka_unit_test(test_close_nonsense),
        cmocka_unit_test(test_close_handle_closes_tokens_only),
        cmocka_unit_test(test_access_token),
        cmocka_unit_test(test_thread_token),
        cmocka_unit_test(test_local_alloc),
        cmocka_unit_test(test_local_free),
        cmocka_unit_test(test_impersonate),
        cmocka_unit_test(test_no_credentials_of_its_own),
        cmocka_unit_test(test_impersonate_too_early),
        cmocka_unit_test(test_export_and_import),
        cmocka_unit_test(test_export_keeps_the_old_one),
        cmocka_unit_test(test_export_is_refused),
        cmocka_unit_test(test_import_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("tokens", tests, NULL, NULL);
}
