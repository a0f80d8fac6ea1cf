/* QueryContextAttributes on NTLM contexts (Q1 to Q6 of the observed behaviour) and what every package shares. */
#include "pair.h"

#define SEALED (ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY)

/* The documents' and the observed values, with and without signing. */
static void test_sizes(void **state)
{
    static const ULONG flags[] = {0, SEALED};
    for (size_t i = 0; i < 2; i++) {
        struct pair pair;
        pair_open(&pair, flags[i]);
        CtxtHandle *const sides[] = {&pair.client, &pair.server};
        for (size_t side = 0; side < 2; side++) {
            SecPkgContext_Sizes sizes = {0};
            assert_status(QueryContextAttributesA(sides[side], SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
            assert_int_equal(sizes.cbMaxToken, 2888);
            assert_int_equal(sizes.cbMaxSignature, 16);
            assert_int_equal(sizes.cbSecurityTrailer, 16);
            assert_int_equal(sizes.cbBlockSize, 0);
        }
        pair_close(&pair);
    }
}

static void check_ntlm_info(const SecPkgInfoA *info)
{
    const char *behind = (const char *)(info + 1);
    assert_int_equal(info->fCapabilities, 0x02882B37);
    assert_int_equal(info->wRPCID, 10);
    assert_string_equal(info->Name, "NTLM");
    assert_ptr_equal(info->Name, behind);
    assert_ptr_equal(info->Comment, behind + 5);
}

static void test_before_the_end(void **state)
{
    struct pair pair;
    struct token token;
    SecPkgContext_Sizes sizes = {0};
    SecPkgContext_PackageInfoA package = {0};
    SecPkgContext_NegotiationInfoA negotiation = {0};
    SecPkgContext_SessionKey key = {0};
    SecPkgContext_AccessToken access = {0};
    pair_credentials(&pair, "Password");
    assert_status(pair_first_leg(&pair, SEALED, &token), SEC_I_CONTINUE_NEEDED);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    assert_int_equal(sizes.cbMaxToken, 2888);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_PACKAGE_INFO, &package), SEC_E_OK);
    check_ntlm_info(package.PackageInfo);
    assert_status(FreeContextBuffer(package.PackageInfo), SEC_E_OK);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_NEGOTIATION_INFO, &negotiation), SEC_E_OK);
    assert_int_equal(negotiation.NegotiationState, SECPKG_NEGOTIATION_IN_PROGRESS);
    assert_status(FreeContextBuffer(negotiation.PackageInfo), SEC_E_OK);
    assert_true(QueryContextAttributesA(&pair.client, SECPKG_ATTR_SESSION_KEY, &key) < 0);
    assert_null(key.SessionKey);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_ACCESS_TOKEN, &access), SEC_E_NO_IMPERSONATION);
    pair_close(&pair);
}

static void test_negotiation_info(void **state)
{
    struct pair pair;
    SecPkgContext_NegotiationInfoA narrow = {0};
    SecPkgContext_NegotiationInfoW wide = {0};
    static const WCHAR name[] = {'N', 'T', 'L', 'M', 0};
    pair_open(&pair, SEALED);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_NEGOTIATION_INFO, &narrow), SEC_E_OK);
    assert_int_equal(narrow.NegotiationState, SECPKG_NEGOTIATION_COMPLETE);
    check_ntlm_info(narrow.PackageInfo);
    assert_status(FreeContextBuffer(narrow.PackageInfo), SEC_E_OK);
    assert_status(QueryContextAttributesW(&pair.server, SECPKG_ATTR_NEGOTIATION_INFO, &wide), SEC_E_OK);
    assert_int_equal(wide.NegotiationState, SECPKG_NEGOTIATION_COMPLETE);
    assert_memory_equal(wide.PackageInfo->Name, name, sizeof name);
    assert_status(FreeContextBuffer(wide.PackageInfo), SEC_E_OK);
    pair_close(&pair);
}

static void test_key_info(void **state)
{
    struct pair pair;
    SecPkgContext_KeyInfoA narrow = {0};
    SecPkgContext_KeyInfoW wide = {0};
    static const WCHAR hmac[] = {'H', 'M', 'A', 'C', '-', 'M', 'D', '5', 0};
    pair_open(&pair, SEALED);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_KEY_INFO, &narrow), SEC_E_OK);
    assert_string_equal(narrow.sSignatureAlgorithmName, "HMAC-MD5");
    assert_int_equal(narrow.SignatureAlgorithm, 0xFFFFFF76);
    assert_string_equal(narrow.sEncryptAlgorithmName, "RSADSI RC4");
    assert_int_equal(narrow.EncryptAlgorithm, 0x6801);
    assert_int_equal(narrow.KeySize, 128);
    assert_status(FreeContextBuffer(narrow.sSignatureAlgorithmName), SEC_E_OK);
    assert_status(FreeContextBuffer(narrow.sEncryptAlgorithmName), SEC_E_OK);
    assert_status(QueryContextAttributesW(&pair.server, SECPKG_ATTR_KEY_INFO, &wide), SEC_E_OK);
    assert_memory_equal(wide.sSignatureAlgorithmName, hmac, sizeof hmac);
    assert_status(FreeContextBuffer(wide.sSignatureAlgorithmName), SEC_E_OK);
    assert_status(FreeContextBuffer(wide.sEncryptAlgorithmName), SEC_E_OK);
    pair_close(&pair);
}

static void test_key_info_without_ess(void **state)
{
    struct pair pair;
    struct token token;
    SecPkgContext_KeyInfoA info = {0};
    SecPkgContext_SessionKey key = {0};
    SecPkgContext_Sizes sizes = {0};
    pair_credentials(&pair, "Password");
    pair_answer_plain_challenge(&pair, &token);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_KEY_INFO, &info), SEC_E_OK);
    assert_string_equal(info.sSignatureAlgorithmName, "RSADSI RC4-CRC32");
    assert_int_equal(info.SignatureAlgorithm, 0xFFFFFF7C);
    assert_string_equal(info.sEncryptAlgorithmName, "RSADSI RC4");
    assert_int_equal(info.EncryptAlgorithm, 0x6801);
    assert_int_equal(info.KeySize, 128);
    assert_status(FreeContextBuffer(info.sSignatureAlgorithmName), SEC_E_OK);
    assert_status(FreeContextBuffer(info.sEncryptAlgorithmName), SEC_E_OK);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_SESSION_KEY, &key), SEC_E_OK);
    assert_int_equal(key.SessionKeyLength, 16);
    assert_status(FreeContextBuffer(key.SessionKey), SEC_E_OK);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    assert_int_equal(sizes.cbMaxToken, 2888);
    assert_int_equal(sizes.cbMaxSignature, 16);
    assert_int_equal(sizes.cbSecurityTrailer, 16);
    assert_int_equal(sizes.cbBlockSize, 0);
    pair_close(&pair);
}

static void test_session_key_is_one_for_both(void **state)
{
    struct pair pair;
    SecPkgContext_SessionKey client = {0};
    SecPkgContext_SessionKey server = {0};
    pair_open(&pair, SEALED);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_SESSION_KEY, &client), SEC_E_OK);
    assert_status(QueryContextAttributesW(&pair.server, SECPKG_ATTR_SESSION_KEY, &server), SEC_E_OK);
    assert_int_equal(client.SessionKeyLength, 16);
    assert_int_equal(server.SessionKeyLength, 16);
    assert_memory_equal(client.SessionKey, server.SessionKey, 16);
    pair_close(&pair);
    /* What was handed out outlives the context. */
    assert_memory_equal(client.SessionKey, server.SessionKey, 16);
    assert_status(FreeContextBuffer(client.SessionKey), SEC_E_OK);
    assert_status(FreeContextBuffer(server.SessionKey), SEC_E_OK);
}

static void test_names(void **state)
{
    struct pair pair;
    static const WCHAR expected[] = {'D', 'o', 'm', 'a', 'i', 'n', '\\', 'U', 's', 'e', 'r', 0};
    pair_open(&pair, SEALED);
    CtxtHandle *const sides[] = {&pair.client, &pair.server};
    for (size_t side = 0; side < 2; side++) {
        SecPkgContext_NamesA narrow = {0};
        SecPkgContext_NamesW wide = {0};
        SecPkgContext_DceInfo dce = {0};
        assert_status(QueryContextAttributesA(sides[side], SECPKG_ATTR_NAMES, &narrow), SEC_E_OK);
        assert_string_equal(narrow.sUserName, "Domain\\User");
        assert_status(FreeContextBuffer(narrow.sUserName), SEC_E_OK);
        assert_status(QueryContextAttributesW(sides[side], SECPKG_ATTR_NAMES, &wide), SEC_E_OK);
        assert_memory_equal(wide.sUserName, expected, sizeof expected);
        assert_status(FreeContextBuffer(wide.sUserName), SEC_E_OK);
        assert_status(QueryContextAttributesA(sides[side], SECPKG_ATTR_DCE_INFO, &dce), SEC_E_OK);
        assert_int_equal(dce.AuthzSvc, 1); /* RPC_C_AUTHZ_NAME */
        assert_memory_equal(dce.pPac, expected, sizeof expected);
        assert_status(FreeContextBuffer(dce.pPac), SEC_E_OK);
    }
    pair_close(&pair);
}

static void test_native_names_are_two_blocks(void **state)
{
    struct pair pair;
    SecPkgContext_NativeNamesA names = {0};
    pair_open(&pair, 0);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_NATIVE_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sClientName, "Domain\\User");
    assert_non_null(names.sServerName);
    assert_status(FreeContextBuffer(names.sClientName), SEC_E_OK);
    assert_status(FreeContextBuffer(names.sServerName), SEC_E_OK);
    pair_close(&pair);
}

static void test_times(void **state)
{
    struct pair pair;
    SecPkgContext_Lifespan lifespan = {0};
    SecPkgContext_LogoffTime logoff = {0};
    SecPkgContext_PasswordExpiry expiry = {0};
    pair_open(&pair, 0);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_LIFESPAN, &lifespan), SEC_E_OK);
    assert_true(lifespan.tsStart.QuadPart > INT64_C(0x01D00000) << 32); /* after 2014 */
    assert_int_equal(lifespan.tsExpiry.QuadPart, INT64_MAX);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_LOGOFF_TIME, &logoff), SEC_E_OK);
    assert_int_equal(logoff.tsLogoffTime.QuadPart, INT64_MAX);
    assert_status(QueryContextAttributesA(&pair.server, SECPKG_ATTR_PASSWORD_EXPIRY, &expiry), SEC_E_OK);
    pair_close(&pair);
}

static void test_flags(void **state)
{
    static const ULONG both = ISC_RET_INTEGRITY | ISC_RET_CONFIDENTIALITY;
    static const struct {
        ULONG request;
        ULONG client;
        ULONG server;
    } cases[] = {
        {0, 0, 0},
        {ISC_REQ_INTEGRITY, ISC_RET_INTEGRITY, ASC_RET_INTEGRITY},
        {SEALED, ISC_RET_INTEGRITY | ISC_RET_CONFIDENTIALITY, ASC_RET_INTEGRITY | ASC_RET_CONFIDENTIALITY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair pair;
        SecPkgContext_Flags flags = {0};
        pair_open(&pair, cases[i].request);
        assert_int_equal(pair.client_attributes & both, cases[i].client);
        assert_int_equal(pair.server_attributes & (ASC_RET_INTEGRITY | ASC_RET_CONFIDENTIALITY), cases[i].server);
        assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_FLAGS, &flags), SEC_E_OK);
        assert_int_equal(flags.Flags & both, cases[i].client);
        assert_status(QueryContextAttributesA(&pair.server, SECPKG_ATTR_FLAGS, &flags), SEC_E_OK);
        assert_int_equal(flags.Flags & (ASC_RET_INTEGRITY | ASC_RET_CONFIDENTIALITY), cases[i].server);
        pair_close(&pair);
    }
}

/* Without a target the client sends none, and the server reports an empty one, wide through the A function too. */
static void test_client_specified_target(void **state)
{
    struct pair pair;
    SecPkgContext_ClientSpecifiedTarget target = {0};
    pair_open(&pair, 0);
    assert_status(QueryContextAttributesA(&pair.server, SECPKG_ATTR_CLIENT_SPECIFIED_TARGET, &target), SEC_E_OK);
    assert_int_equal(target.sTargetName[0], 0);
    assert_status(FreeContextBuffer(target.sTargetName), SEC_E_OK);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_CLIENT_SPECIFIED_TARGET, &target),
                  SEC_E_UNSUPPORTED_FUNCTION);
    pair_close(&pair);
}

static void test_what_ntlm_does_not_have(void **state)
{
    static const ULONG attributes[] = {SECPKG_ATTR_STREAM_SIZES,
                                       SECPKG_ATTR_UNIQUE_BINDINGS,
                                       SECPKG_ATTR_APPLICATION_PROTOCOL,
                                       0x53,
                                       0x5a,
                                       1004,
                                       1108,
                                       1110,
                                       1200,
                                       0xFFFFFFFF};
    struct pair pair;
    unsigned char room[1024];
    memset(room, 0xA5, sizeof room);
    pair_open(&pair, SEALED);
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        assert_status(QueryContextAttributesA(&pair.client, attributes[i], room), SEC_E_UNSUPPORTED_FUNCTION);
        assert_status(QueryContextAttributesW(&pair.server, attributes[i], room), SEC_E_UNSUPPORTED_FUNCTION);
        assert_status(QueryContextAttributesExW(&pair.server, attributes[i], room, 0), SEC_E_UNSUPPORTED_FUNCTION);
    }
    for (size_t i = 0; i < sizeof room; i++) {
        assert_int_equal(room[i], 0xA5);
    }
    pair_close(&pair);
}

static void test_room(void **state)
{
    struct pair pair;
    SecPkgContext_Sizes sizes = {0};
    SecPkgContext_NamesW names = {0};
    pair_open(&pair, 0);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_SIZES, NULL), SEC_E_INTERNAL_ERROR);
    assert_status(QueryContextAttributesExA(&pair.client, SECPKG_ATTR_SIZES, &sizes, sizeof sizes - 1),
                  SEC_E_BUFFER_TOO_SMALL);
    assert_int_equal(sizes.cbMaxToken, 0);
    assert_status(QueryContextAttributesExA(&pair.client, SECPKG_ATTR_SIZES, &sizes, sizeof sizes), SEC_E_OK);
    assert_status(QueryContextAttributesExW(&pair.client, SECPKG_ATTR_NAMES, &names, sizeof names - 1),
                  SEC_E_BUFFER_TOO_SMALL);
    assert_null(names.sUserName);
    assert_status(QueryContextAttributesExW(&pair.client, SECPKG_ATTR_NAMES, &names, 64), SEC_E_OK);
    assert_status(FreeContextBuffer(names.sUserName), SEC_E_OK);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_before_the_end),
        cmocka_unit_test(test_negotiation_info),
        cmocka_unit_test(test_key_info),
        cmocka_unit_test(test_key_info_without_ess),
        cmocka_unit_test(test_session_key_is_one_for_both),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_native_names_are_two_blocks),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_client_specified_target),
        cmocka_unit_test(test_what_ntlm_does_not_have),
        cmocka_unit_test(test_room),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("attributes", tests, NULL, NULL);
}
