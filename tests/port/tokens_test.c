/* The kit's token queries, over the tokens of a logon. */
#include "../api/pair.h"

#include <pthread.h>

#include "port/windows.h"

union token_space {
    TOKEN_USER user;
    BYTE bytes[1024];
};

/* TokenUser of a token, into `space`. */
static PSID user_of(HANDLE token, union token_space *space)
{
    DWORD size = 0;
    assert_false(GetTokenInformation(token, TokenUser, NULL, 0, &size));
    assert_int_equal(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    assert_true(size > sizeof(TOKEN_USER) && size <= sizeof *space);
    assert_false(GetTokenInformation(token, TokenUser, space, size - 1, &size));
    assert_true(GetTokenInformation(token, TokenUser, space, size, &size));
    assert_true(IsValidSid(space->user.User.Sid));
    return space->user.User.Sid;
}

/* As PostgreSQL does it: QuerySecurityContextToken, GetTokenInformation, LookupAccountSid. */
static void test_who_is_it(void **state)
{
    struct pair pair;
    HANDLE token = NULL;
    union token_space space;
    pair_open(&pair, 0);
    assert_status(QuerySecurityContextToken(&pair.server, &token), SEC_E_OK);
    PSID sid = user_of(token, &space);
    assert_true(CloseHandle(token));
    pair_close(&pair);

    char name[64], domain[64];
    DWORD name_size = sizeof name, domain_size = sizeof domain;
    SID_NAME_USE use;
    assert_true(LookupAccountSidA(NULL, sid, name, &name_size, domain, &domain_size, &use));
    assert_string_equal(name, "User");
    assert_string_equal(domain, "Domain");
    assert_int_equal(name_size, 4);
    assert_int_equal(domain_size, 6);
    assert_int_equal(use, SidTypeUser);

    WCHAR wide[5], wide_domain[7];
    name_size = 4;
    domain_size = 7;
    assert_false(LookupAccountSidW(NULL, sid, wide, &name_size, wide_domain, &domain_size, &use));
    assert_int_equal(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(name_size, 5); /* with the NUL */
    name_size = 5;
    domain_size = 7;
    assert_true(LookupAccountSidW(NULL, sid, wide, &name_size, wide_domain, &domain_size, &use));
    assert_memory_equal(wide, u"User", sizeof wide);
    assert_memory_equal(wide_domain, u"Domain", sizeof wide_domain);
}

/* Impersonate, ask the thread, revert. */
static void test_thread_token(void **state)
{
    struct pair pair;
    HANDLE token = NULL;
    union token_space space;
    char name[64];
    DWORD size = sizeof name;
    assert_false(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token));
    assert_int_equal(GetLastError(), ERROR_NO_TOKEN);

    pair_open(&pair, 0);
    assert_status(ImpersonateSecurityContext(&pair.server), SEC_E_OK);
    assert_true(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token));
    assert_true(GetUserNameA(name, &size));
    assert_string_equal(name, "User");
    assert_int_equal(size, 5);
    WCHAR wide[5];
    size = 4;
    assert_false(GetUserNameW(wide, &size));
    assert_int_equal(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(size, 5);
    assert_true(GetUserNameW(wide, &size));
    assert_memory_equal(wide, u"User", sizeof wide);
    assert_int_equal(size, 5);

    BOOL member = FALSE;
    PSID sid = user_of(token, &space);
    assert_true(CheckTokenMembership(NULL, sid, &member));
    assert_true(member);
    assert_status(RevertSecurityContext(&pair.server), SEC_E_OK);
    assert_true(CheckTokenMembership(NULL, sid, &member));
    assert_false(member); /* the process is somebody else */
    assert_true(ImpersonateLoggedOnUser(token));
    assert_true(CheckTokenMembership(NULL, sid, &member));
    assert_true(member);
    assert_true(RevertToSelf());
    assert_true(CheckTokenMembership(NULL, sid, &member));
    assert_false(member);
    assert_true(CloseHandle(token));
    assert_false(ImpersonateLoggedOnUser(token));
    assert_int_equal(GetLastError(), ERROR_INVALID_HANDLE);
    assert_false(ImpersonateLoggedOnUser(NULL));
    pair_close(&pair);
    assert_false(OpenThreadToken((HANDLE)(LONG_PTR)-1, TOKEN_QUERY, TRUE, &token));
    assert_int_equal(GetLastError(), ERROR_INVALID_HANDLE);
}

static void *is_thread_somebody(void *argument)
{
    HANDLE token = NULL;
    return OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token) ? argument : NULL;
}

static void test_impersonation_is_the_threads_own(void **state)
{
    struct pair pair;
    pthread_t thread;
    void *result = &pair;
    pair_open(&pair, 0);
    assert_status(ImpersonateSecurityContext(&pair.server), SEC_E_OK);
    assert_int_equal(pthread_create(&thread, NULL, is_thread_somebody, &pair), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_null(result);
    assert_status(RevertSecurityContext(&pair.server), SEC_E_OK);
    pair_close(&pair);
}

/* Firebird asks the context's own token for its groups, and does not close it. */
static void test_groups(void **state)
{
    struct pair pair;
    SecPkgContext_AccessToken access = {0};
    union token_space space;
    DWORD size = 0;
    pair_open(&pair, 0);
    assert_status(QueryContextAttributesA(&pair.server, SECPKG_ATTR_ACCESS_TOKEN, &access), SEC_E_OK);
    assert_true(GetTokenInformation(access.AccessToken, TokenGroups, &space, sizeof space, &size));
    const TOKEN_GROUPS *groups = (const TOKEN_GROUPS *)space.bytes;
    bool everyone = false, authenticated = false;
    SID_IDENTIFIER_AUTHORITY world = SECURITY_WORLD_SID_AUTHORITY, nt = SECURITY_NT_AUTHORITY;
    PSID world_sid = NULL, authenticated_sid = NULL, admins_sid = NULL;
    assert_true(AllocateAndInitializeSid(&world, 1, SECURITY_WORLD_RID, 0, 0, 0, 0, 0, 0, 0, &world_sid));
    assert_true(
        AllocateAndInitializeSid(&nt, 1, SECURITY_AUTHENTICATED_USER_RID, 0, 0, 0, 0, 0, 0, 0, &authenticated_sid));
    assert_true(AllocateAndInitializeSid(&nt, 2, SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS, 0, 0, 0, 0, 0, 0,
                                         &admins_sid));
    for (DWORD i = 0; i < groups->GroupCount; i++) {
        everyone = everyone || EqualSid(groups->Groups[i].Sid, world_sid);
        authenticated = authenticated || EqualSid(groups->Groups[i].Sid, authenticated_sid);
        assert_false(EqualSid(groups->Groups[i].Sid, admins_sid));
        assert_true((groups->Groups[i].Attributes & SE_GROUP_ENABLED) != 0);
    }
    assert_true(everyone && authenticated);
    BOOL member = TRUE;
    assert_true(CheckTokenMembership(access.AccessToken, admins_sid, &member));
    assert_false(member);
    assert_true(CheckTokenMembership(access.AccessToken, authenticated_sid, &member));
    assert_true(member);
    assert_null(FreeSid(world_sid));
    assert_null(FreeSid(authenticated_sid));
    assert_null(FreeSid(admins_sid));
    pair_close(&pair);
    assert_false(GetTokenInformation(access.AccessToken, TokenGroups, &space, sizeof space, &size));
    assert_int_equal(GetLastError(), ERROR_INVALID_HANDLE);
}

/* A SID by its name: whatever the case the same, another account another one, and the logon's own. */
static void test_lookup_name(void **state)
{
    BYTE first[SECURITY_MAX_SID_SIZE], second[SECURITY_MAX_SID_SIZE];
    DWORD size = sizeof first, domain_size = 64;
    char domain[64];
    SID_NAME_USE use;
    assert_true(LookupAccountNameA(NULL, "DOMAIN\\user", first, &size, domain, &domain_size, &use));
    assert_int_equal(size, GetLengthSid(first));
    assert_string_equal(domain, "DOMAIN");

    struct pair pair;
    HANDLE token = NULL;
    union token_space space;
    pair_open(&pair, 0);
    assert_status(QuerySecurityContextToken(&pair.server, &token), SEC_E_OK);
    assert_true(EqualSid(user_of(token, &space), first));
    assert_true(CloseHandle(token));
    pair_close(&pair);

    size = sizeof second;
    domain_size = 64;
    WCHAR wide_domain[64];
    assert_true(LookupAccountNameW(NULL, u"Domain\\Us\u00e9r", second, &size, wide_domain, &domain_size, &use));
    assert_false(EqualSid(first, second));
    assert_memory_equal(wide_domain, u"Domain", sizeof u"Domain");
    /* "AB" + "C" and "A" + "BC" are two accounts */
    size = sizeof first;
    domain_size = 64;
    assert_true(LookupAccountNameA(NULL, "AB\\C", first, &size, domain, &domain_size, &use));
    size = sizeof second;
    domain_size = 64;
    assert_true(LookupAccountNameA(NULL, "A\\BC", second, &size, domain, &domain_size, &use));
    assert_false(EqualSid(first, second));

    size = 4;
    domain_size = 64;
    assert_false(LookupAccountNameA(NULL, "BUILTIN\\administrators", first, &size, domain, &domain_size, &use));
    assert_int_equal(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(size, 16);
    domain_size = 64;
    assert_true(LookupAccountNameA(NULL, "BUILTIN\\administrators", first, &size, domain, &domain_size, &use));
    assert_int_equal(use, SidTypeAlias);
    assert_memory_equal(first, "\1\2\0\0\0\0\0\5\x20\0\0\0\x20\2\0\0", 16); /* S-1-5-32-544, MS-DTYP 2.4.2.4 */
    size = sizeof first;
    domain_size = 64;
    assert_false(LookupAccountNameA(NULL, "anna", first, &size, domain, &domain_size, &use));
    assert_int_equal(GetLastError(), ERROR_NONE_MAPPED);
}

/* A SID that nobody has here. */
static void test_unknown_sid(void **state)
{
    SID_IDENTIFIER_AUTHORITY nt = SECURITY_NT_AUTHORITY;
    PSID sid = NULL;
    char name[64], domain[64];
    DWORD name_size = sizeof name, domain_size = sizeof domain;
    SID_NAME_USE use;
    assert_true(AllocateAndInitializeSid(&nt, 5, 21, 1, 2, 3, 1000, 0, 0, 0, &sid));
    assert_false(LookupAccountSidA(NULL, sid, name, &name_size, domain, &domain_size, &use));
    assert_int_equal(GetLastError(), ERROR_NONE_MAPPED);
    BYTE copy[SECURITY_MAX_SID_SIZE];
    assert_false(CopySid(27, copy, sid));
    assert_true(CopySid(28, copy, sid));
    assert_true(EqualSid(copy, sid));
    copy[0] = 2;
    assert_false(IsValidSid(copy));
    assert_false(LookupAccountSidA(NULL, copy, name, &name_size, domain, &domain_size, &use));
    assert_int_equal(GetLastError(), ERROR_INVALID_SID);
    FreeSid(sid);
    DWORD size = 0;
    assert_false(GetTokenInformation((HANDLE)4, TokenUser, NULL, 0, &size));
    assert_int_equal(GetLastError(), ERROR_INVALID_HANDLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_it),
        cmocka_unit_test(test_thread_token),
        cmocka_unit_test(test_impersonation_is_the_threads_own),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_lookup_name),
        cmocka_unit_test(test_unknown_sid),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("port tokens", tests, NULL, NULL);
}
