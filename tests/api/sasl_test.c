/* SASL profiles: what a build has them for is what it lists. */
#include "pair.h"

static const char *const profiles[][2] = {
    {"GSSAPI", "Kerberos"}, {"GSS-SPNEGO", "Negotiate"}, {"DIGEST-MD5", "WDigest"}};

#define PROFILES (sizeof profiles / sizeof profiles[0])

static bool in_this_build(const char *package)
{
    SecPkgInfoA *info = NULL;
    if (QuerySecurityPackageInfoA((SEC_CHAR *)(uintptr_t)package, &info) != SEC_E_OK) {
        return false;
    }
    FreeContextBuffer(info);
    return true;
}

static void lists_what_there_is(void **state)
{
    LPSTR list = NULL;
    LPWSTR wide = NULL;
    ULONG count = 99, wide_count = 99, found = 0;
    assert_status(SaslEnumerateProfilesA(&list, &count), SEC_E_OK);
    assert_status(SaslEnumerateProfilesW(&wide, &wide_count), SEC_E_OK);
    const char *at = list;
    const WCHAR *wide_at = wide;
    for (size_t i = 0; i < PROFILES; i++) {
        if (in_this_build(profiles[i][1])) {
            assert_string_equal(at, profiles[i][0]);
            for (const char *c = profiles[i][0]; *c != '\0'; c++) {
                assert_int_equal(*wide_at++, *c);
            }
            assert_int_equal(*wide_at++, 0);
            at += strlen(at) + 1;
            found++;
        }
    }
    assert_int_equal(*at, 0);
    assert_int_equal(*wide_at, 0);
    assert_int_equal(count, found);
    assert_int_equal(wide_count, found);
    assert_status(FreeContextBuffer(list), SEC_E_OK);
    assert_status(FreeContextBuffer(wide), SEC_E_OK);
    list = NULL;
    assert_status(SaslEnumerateProfilesA(NULL, &count), SEC_E_INVALID_PARAMETER);
    assert_status(SaslEnumerateProfilesW(NULL, &count), SEC_E_INVALID_PARAMETER);
    assert_status(SaslEnumerateProfilesA(&list, NULL), SEC_E_INVALID_PARAMETER);
    assert_null(list);
}

static void packages_of_profiles(void **state)
{
    for (size_t i = 0; i < PROFILES; i++) {
        SecPkgInfoA *info = NULL;
        SECURITY_STATUS expected = in_this_build(profiles[i][1]) ? SEC_E_OK : SEC_E_SECPKG_NOT_FOUND;
        assert_status(SaslGetProfilePackageA((LPSTR)(uintptr_t)profiles[i][0], &info), expected);
        if (expected == SEC_E_OK) {
            assert_string_equal(info->Name, profiles[i][1]);
            FreeContextBuffer(info);
        }
    }
    SecPkgInfoA *info = (void *)profiles;
    char plain[] = "PLAIN", lower[] = "gssapi";
    assert_status(SaslGetProfilePackageA(plain, &info), SEC_E_SECPKG_NOT_FOUND);
    assert_status(SaslGetProfilePackageA(lower, &info), SEC_E_SECPKG_NOT_FOUND);
    assert_status(SaslGetProfilePackageA(NULL, &info), SEC_E_SECPKG_NOT_FOUND);
    assert_ptr_equal(info, profiles);
    char spnego[] = "GSS-SPNEGO";
    assert_status(SaslGetProfilePackageA(spnego, NULL), SEC_E_INVALID_PARAMETER);
    SecPkgInfoW *wide_info = NULL;
    WCHAR wide[] = {'P', 'L', 'A', 'I', 'N', 0};
    assert_status(SaslGetProfilePackageW(wide, &wide_info), SEC_E_SECPKG_NOT_FOUND);
    assert_status(SaslGetProfilePackageW(NULL, &wide_info), SEC_E_SECPKG_NOT_FOUND);
}

static void first_messages(void **state)
{
    struct token token;
    SecPkgInfoA *info = NULL;
    SecPkgInfoW *wide_info = NULL;
    token_init(&token, 5);
    memcpy(token.bytes, "PLAIN", 5);
    assert_status(SaslIdentifyPackageA(&token.descriptor, &info), SEC_E_SECPKG_NOT_FOUND);
    assert_status(SaslIdentifyPackageW(&token.descriptor, &wide_info), SEC_E_SECPKG_NOT_FOUND);
    token_init(&token, 10);
    memcpy(token.bytes, "GSSAPI\0abc", 10);
    assert_status(SaslIdentifyPackageA(&token.descriptor, &info),
                  in_this_build("Kerberos") ? SEC_E_OK : SEC_E_SECPKG_NOT_FOUND);
    FreeContextBuffer(info);
    token_init(&token, 0);
    assert_status(SaslIdentifyPackageA(&token.descriptor, &info), SEC_E_INVALID_TOKEN);
    assert_status(SaslIdentifyPackageA(NULL, &info), SEC_E_INVALID_TOKEN);
}

/* NTLM has no profile. */
static void a_package_without_a_profile(void **state)
{
    struct pair pair;
    struct token token;
    CtxtHandle context;
    ULONG attributes = 0, value = 0, needed = 0;
    pair_open(&pair, 0);
    token_init(&token, TOKEN_MAX);
    assert_status(SaslInitializeSecurityContextA(&pair.client_credential, NULL, NULL, 0, 0, 0, NULL, 0, &context,
                                                 &token.descriptor, &attributes, NULL),
                  SEC_E_SECPKG_NOT_FOUND);
    assert_status(SaslInitializeSecurityContextW(&pair.client_credential, NULL, NULL, 0, 0, 0, NULL, 0, &context,
                                                 &token.descriptor, &attributes, NULL),
                  SEC_E_SECPKG_NOT_FOUND);
    assert_status(SaslAcceptSecurityContext(&pair.server_credential, NULL, &token.descriptor, 0, 0, &context,
                                            &token.descriptor, &attributes, NULL),
                  SEC_E_SECPKG_NOT_FOUND);
    assert_status(SaslInitializeSecurityContextA(NULL, NULL, NULL, 0, 0, 0, NULL, 0, &context, &token.descriptor,
                                                 &attributes, NULL),
                  SEC_E_INVALID_HANDLE);
    assert_status(SaslSetContextOption(&pair.client, SASL_OPTION_SEND_SIZE, &value, sizeof value),
                  SEC_E_INVALID_HANDLE);
    assert_status(SaslGetContextOption(&pair.client, 99, &value, sizeof value, &needed), SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(SaslGetContextOption(NULL, SASL_OPTION_SEND_SIZE, &value, sizeof value, &needed),
                  SEC_E_INVALID_HANDLE);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_what_there_is),
        cmocka_unit_test(packages_of_profiles),
        cmocka_unit_test(first_messages),
        cmocka_unit_test(a_package_without_a_profile),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("sasl", tests, NULL, NULL);
}
