/* Package Negotiate as a program sees it: what it says of itself, whose credentials it takes, which package comes out, and
 * what an established context answers (G9, G10, C9, NG1, NG2 of the observed behaviour). */
#include "pair.h"

static char negotiate[] = "Negotiate";

/* Swaps the credentials of a pair for those of Negotiate, with this package list (NULL: none). */
static void negotiate_credentials(struct pair *pair, const char *password, const char *list)
{
    SEC_WINNT_AUTH_IDENTITY_EXA identity = {
        .Version = SEC_WINNT_AUTH_IDENTITY_VERSION,
        .Length = sizeof identity,
        .User = (unsigned char *)(uintptr_t) "User",
        .UserLength = 4,
        .Domain = (unsigned char *)(uintptr_t) "Domain",
        .DomainLength = 6,
        .Password = (unsigned char *)(uintptr_t)password,
        .PasswordLength = (ULONG)strlen(password),
        .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
        .PackageList = (unsigned char *)(uintptr_t)list,
        .PackageListLength = list != NULL ? (ULONG)strlen(list) : 0,
    };
    pair_credentials_of(pair, negotiate, &identity);
}

static void established(struct pair *pair, ULONG flags)
{
    negotiate_credentials(pair, "Password", NULL);
    pair_establish(pair, flags, 0);
}

static void test_package_info(void **state)
{
    PSecPkgInfoA info = NULL;
    assert_status(QuerySecurityPackageInfoA((char[]){"nEGOTIATE"}, &info), SEC_E_OK);
    assert_string_equal(info->Name, "Negotiate");
    assert_string_equal(info->Comment, "Microsoft Package Negotiator");
    assert_int_equal(info->wRPCID, 9);
    assert_int_equal(info->wVersion, 1);
    assert_int_equal(info->fCapabilities, 0x00883BB3);
    assert_int_equal(info->cbMaxToken, 48256);
    assert_status(FreeContextBuffer(info), SEC_E_OK);
}

/* C9 and NG1: a plain ANSI identity, no target, no flags. */
static void test_plain_identity(void **state)
{
    struct pair pair;
    struct token token;
    SEC_WINNT_AUTH_IDENTITY_A identity = {
        .User = (unsigned char *)(uintptr_t) "User",
        .UserLength = 4,
        .Domain = (unsigned char *)(uintptr_t) "Domain",
        .DomainLength = 6,
        .Password = (unsigned char *)(uintptr_t) "Password",
        .PasswordLength = 8,
        .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
    };
    pair_credentials_of(&pair, negotiate, &identity);
    assert_status(pair_first_leg(&pair, 0, &token), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(token.buffer.BufferType, SECBUFFER_TOKEN);
    assert_in_range(token.buffer.cbBuffer, 1, TOKEN_MAX - 1);
    assert_status(DeleteSecurityContext(&pair.client), SEC_E_OK);
    SecInvalidateHandle(&pair.client);
    pair_establish(&pair, 0, 0);
    pair_close(&pair);
}

/* NG2: what is asked of the context, NTLM answers. */
static void check_ntlm(CtxtHandle *context)
{
    SecPkgContext_Sizes sizes;
    assert_status(QueryContextAttributesA(context, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    assert_int_equal(sizes.cbMaxToken, 2888);
    assert_int_equal(sizes.cbMaxSignature, 16);
    assert_int_equal(sizes.cbSecurityTrailer, 16);
    assert_int_equal(sizes.cbBlockSize, 0);
    SecPkgContext_NegotiationInfoA info = {NULL};
    assert_status(QueryContextAttributesA(context, SECPKG_ATTR_NEGOTIATION_INFO, &info), SEC_E_OK);
    assert_int_equal(info.NegotiationState, SECPKG_NEGOTIATION_COMPLETE);
    assert_string_equal(info.PackageInfo->Name, "NTLM");
    assert_int_equal(info.PackageInfo->wRPCID, 10);
    assert_int_equal(info.PackageInfo->fCapabilities, 0x02882B37);
    assert_ptr_equal(info.PackageInfo->Name, info.PackageInfo + 1);
    assert_status(FreeContextBuffer(info.PackageInfo), SEC_E_OK);
    SecPkgContext_PackageInfoA package = {NULL};
    assert_status(QueryContextAttributesA(context, SECPKG_ATTR_PACKAGE_INFO, &package), SEC_E_OK);
    assert_string_equal(package.PackageInfo->Name, "NTLM");
    assert_status(FreeContextBuffer(package.PackageInfo), SEC_E_OK);
    SecPkgContext_NamesA names = {NULL};
    assert_status(QueryContextAttributesA(context, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sUserName, "Domain\\User");
    assert_status(FreeContextBuffer(names.sUserName), SEC_E_OK);
    SecPkgContext_NegoStatus status = {77};
    assert_status(QueryContextAttributesA(context, SECPKG_ATTR_NEGO_STATUS, &status), SEC_E_OK);
    assert_int_equal(status.LastStatus, SEC_E_OK);
    SecPkgContext_StreamSizes none;
    assert_status(QueryContextAttributesA(context, SECPKG_ATTR_STREAM_SIZES, &none), SEC_E_UNSUPPORTED_FUNCTION);
}

static void test_attributes_are_ntlms(void **state)
{
    struct pair pair;
    established(&pair, ISC_REQ_CONFIDENTIALITY);
    check_ntlm(&pair.client);
    check_ntlm(&pair.server);
    SecPkgContext_LastClientTokenStatus last;
    assert_status(QueryContextAttributesA(&pair.server, SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS, &last), SEC_E_OK);
    assert_int_equal(last.LastClientTokenStatus, SecPkgAttrLastClientTokenYes);
    pair_close(&pair);
}

static void test_before_it_is_done(void **state)
{
    struct pair pair;
    struct token token;
    SecPkgContext_NamesA names = {NULL};
    SecPkgContext_Sizes sizes;
    negotiate_credentials(&pair, "Password", NULL);
    assert_status(pair_first_leg(&pair, 0, &token), SEC_I_CONTINUE_NEEDED);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_NAMES, &names), SEC_E_INVALID_HANDLE);
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    SecPkgContext_NegoStatus status = {77};
    assert_status(QueryContextAttributesA(&pair.client, SECPKG_ATTR_NEGO_STATUS, &status), SEC_E_OK);
    assert_int_equal(status.LastStatus, SEC_I_CONTINUE_NEEDED);
    unsigned char signature[16];
    char text[4] = {0};
    SecBuffer buffers[] = {{sizeof text, SECBUFFER_DATA, text}, {16, SECBUFFER_TOKEN, signature}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    assert_status(MakeSignature(&pair.client, 0, &message, 0), SEC_E_OUT_OF_SEQUENCE);
    pair_close(&pair);
}

/* Integrity is negotiated without being asked for, and refused on request. */
static void test_no_integrity(void **state)
{
    struct pair pair;
    established(&pair, 0);
    assert_int_equal(pair.client_attributes & ISC_RET_INTEGRITY, ISC_RET_INTEGRITY);
    pair_close(&pair);
    established(&pair, ISC_REQ_NO_INTEGRITY);
    assert_int_equal(pair.client_attributes & ISC_RET_INTEGRITY, 0);
    pair_close(&pair);
}

/* ---------------------------------------------------------------- package lists */

static void check_list(const char *list, SECURITY_STATUS expected)
{
    struct pair pair;
    struct token token;
    negotiate_credentials(&pair, "Password", list);
    assert_status(pair_first_leg(&pair, 0, &token), expected);
    assert_int_equal(SecIsValidHandle(&pair.client), expected == SEC_I_CONTINUE_NEEDED);
    pair_close(&pair);
}

static void test_package_list(void **state)
{
    check_list("NTLM", SEC_I_CONTINUE_NEEDED);
    check_list("kerberos, ntlm", SEC_I_CONTINUE_NEEDED);
    check_list("!kerberos", SEC_I_CONTINUE_NEEDED);
    check_list("none,ntlm", SEC_I_CONTINUE_NEEDED);
    check_list("", SEC_I_CONTINUE_NEEDED);
    check_list("!ntlm", SEC_E_NO_CREDENTIALS);
    check_list("kerberos,!NTLM", SEC_E_NO_CREDENTIALS);
    check_list("ntlm,!ntlm", SEC_E_NO_CREDENTIALS);
    check_list("none", SEC_E_NO_CREDENTIALS);
}

/* ---------------------------------------------------------------- credentials, refusals */

static void test_credential_names(void **state)
{
    struct pair pair;
    SecPkgCredentials_NamesA names = {NULL};
    negotiate_credentials(&pair, "Password", NULL);
    assert_status(QueryCredentialsAttributesA(&pair.client_credential, SECPKG_CRED_ATTR_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sUserName, "Domain\\User");
    assert_status(FreeContextBuffer(names.sUserName), SEC_E_OK);
    pair_close(&pair);
    negotiate_credentials(&pair, "Password", "!ntlm");
    assert_status(QueryCredentialsAttributesA(&pair.client_credential, SECPKG_CRED_ATTR_NAMES, &names),
                  SEC_E_NO_CREDENTIALS);
    pair_close(&pair);
}

/* What cannot be read is for every package the same. */
static void test_unreadable_identity(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_EXA identity = {
        .Version = SEC_WINNT_AUTH_IDENTITY_VERSION,
        .Length = sizeof identity,
        .User = (unsigned char *)(uintptr_t) "Us\xff",
        .UserLength = 3,
        .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
    };
    char *const names[] = {(char[]){"NTLM"}, negotiate};
    CredHandle credential;
    for (size_t i = 0; i < 2; i++) {
        assert_status(AcquireCredentialsHandleA(NULL, names[i], SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL,
                                                &credential, NULL),
                      SEC_E_INVALID_TOKEN);
    }
    identity.User = (unsigned char *)(uintptr_t) "User";
    identity.PackageList = (unsigned char *)(uintptr_t) "\xff";
    identity.PackageListLength = 1;
    assert_status(AcquireCredentialsHandleA(NULL, negotiate, SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL,
                                            &credential, NULL),
                  SEC_E_INVALID_TOKEN);
}

static void test_wrong_password(void **state)
{
    struct pair pair;
    struct token client, server;
    negotiate_credentials(&pair, "password", NULL);
    assert_status(pair_first_leg(&pair, 0, &client), SEC_I_CONTINUE_NEEDED);
    token_init(&server, TOKEN_MAX);
    assert_status(AcceptSecurityContext(&pair.server_credential, NULL, &client.descriptor, 0, 0, &pair.server,
                                        &server.descriptor, &pair.server_attributes, NULL),
                  SEC_I_CONTINUE_NEEDED);
    token_init(&client, TOKEN_MAX);
    assert_status(InitializeSecurityContextA(NULL, &pair.client, NULL, 0, 0, 0, &server.descriptor, 0, &pair.client,
                                             &client.descriptor, &pair.client_attributes, NULL),
                  SEC_E_OK);
    token_init(&server, TOKEN_MAX);
    for (int i = 0; i < 2; i++) {
        assert_status(AcceptSecurityContext(NULL, &pair.server, &client.descriptor, ASC_REQ_EXTENDED_ERROR, 0,
                                            &pair.server, &server.descriptor, &pair.server_attributes, NULL),
                      i == 0 ? SEC_E_LOGON_DENIED : SEC_E_OUT_OF_SEQUENCE);
        assert_int_equal(server.buffer.cbBuffer, TOKEN_MAX); /* no SPNEGO was spoken: no reject either */
    }
    pair_close(&pair);
}

static void test_datagrams_are_not_negotiated(void **state)
{
    struct pair pair;
    struct token token;
    negotiate_credentials(&pair, "Password", NULL);
    assert_status(pair_first_leg(&pair, ISC_REQ_DATAGRAM, &token), SEC_E_UNSUPPORTED_FUNCTION);
    pair_close(&pair);
}

/* A client of package NTLM, and a server that negotiates. */
static void test_client_of_package_ntlm(void **state)
{
    struct pair pair, other;
    pair_credentials(&pair, "Password");
    negotiate_credentials(&other, "Password", NULL);
    CredHandle ntlm_server = pair.server_credential;
    pair.server_credential = other.server_credential;
    pair_establish(&pair, ISC_REQ_INTEGRITY, 0);
    check_ntlm(&pair.server);
    pair_close(&pair);
    assert_status(FreeCredentialsHandle(&ntlm_server), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&other.client_credential), SEC_E_OK);
}

/* ---------------------------------------------------------------- export */

static void test_export(void **state)
{
    struct pair pair;
    CtxtHandle imported;
    SecBuffer packed = {0};
    established(&pair, ISC_REQ_CONFIDENTIALITY);
    assert_status(ExportSecurityContext(&pair.client, 0, &packed, NULL), SEC_E_OK);
    assert_status(ImportSecurityContextA(negotiate, &packed, NULL, &imported), SEC_E_OK);
    check_ntlm(&imported);
    unsigned char signature[16];
    char text[] = "moved";
    SecBuffer buffers[] = {{sizeof text, SECBUFFER_DATA, text}, {16, SECBUFFER_TOKEN, signature}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    assert_status(EncryptMessage(&imported, 0, &message, 0), SEC_E_OK);
    assert_status(DecryptMessage(&pair.server, &message, 0, NULL), SEC_E_OK);
    assert_string_equal(text, "moved");
    assert_status(DeleteSecurityContext(&imported), SEC_E_OK);
    for (ULONG size = 0; size < packed.cbBuffer; size++) {
        SecBuffer cut = {size, SECBUFFER_EMPTY, packed.pvBuffer};
        assert_status(ImportSecurityContextA(negotiate, &cut, NULL, &imported), SEC_E_INVALID_TOKEN);
    }
    assert_status(ImportSecurityContextA((char[]){"NTLM"}, &packed, NULL, &imported), SEC_E_INVALID_TOKEN);
    assert_status(FreeContextBuffer(packed.pvBuffer), SEC_E_OK);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_package_info),           cmocka_unit_test(test_plain_identity),
        cmocka_unit_test(test_attributes_are_ntlms),   cmocka_unit_test(test_before_it_is_done),
        cmocka_unit_test(test_no_integrity),           cmocka_unit_test(test_package_list),
        cmocka_unit_test(test_credential_names),       cmocka_unit_test(test_unreadable_identity),
        cmocka_unit_test(test_wrong_password),         cmocka_unit_test(test_datagrams_are_not_negotiated),
        cmocka_unit_test(test_client_of_package_ntlm), cmocka_unit_test(test_export),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("negotiate", tests, NULL, NULL);
}
