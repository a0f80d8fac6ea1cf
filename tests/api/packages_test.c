/* Packages and the dispatch tables, as Windows answers (G1 to G8 of the observed behaviour). */
#include "pair.h"

#include <dlfcn.h>
#include <stdio.h>
#include <strings.h>

static char ntlm[] = "NTLM";

static void test_enumerate(void **state)
{
    ULONG count = 0;
    PSecPkgInfoA infos = NULL;
    assert_status(EnumerateSecurityPackagesA(&count, &infos), SEC_E_OK);
    assert_true(count > 0);
    assert_non_null(infos);
    bool found = false;
    for (ULONG i = 0; i < count; i++) {
        assert_int_equal(infos[i].wVersion, 1);
        assert_true(strlen(infos[i].Name) > 0);
        found = found || strcmp(infos[i].Name, "NTLM") == 0;
    }
    assert_true(found);
    assert_status(FreeContextBuffer(infos), SEC_E_OK);

    ULONG wide_count = 0;
    PSecPkgInfoW wide = NULL;
    assert_status(EnumerateSecurityPackagesW(&wide_count, &wide), SEC_E_OK);
    assert_int_equal(wide_count, count);
    assert_status(FreeContextBuffer(wide), SEC_E_OK);
}

static void test_enumerate_without_room(void **state)
{
    ULONG count = 77;
    PSecPkgInfoA infos = NULL;
    assert_status(EnumerateSecurityPackagesA(&count, NULL), SEC_E_INVALID_PARAMETER);
    assert_status(EnumerateSecurityPackagesA(NULL, &infos), SEC_E_INVALID_PARAMETER);
    assert_status(QuerySecurityPackageInfoA(ntlm, NULL), SEC_E_INVALID_PARAMETER);
    assert_int_equal(count, 77);
    assert_null(infos);
}

/* WDigest; its other name finds it and is no package more. */
static void test_wdigest(void **state)
{
    char digest[] = "digest", wdigest[] = "wdigest";
    PSecPkgInfoA info = NULL;
    ULONG count = 0;
    assert_status(QuerySecurityPackageInfoA(wdigest, &info), SEC_E_OK);
    assert_string_equal(info->Name, "WDigest");
    assert_string_equal(info->Comment, "Digest Authentication for Windows");
    assert_int_equal(info->fCapabilities, 0x00800304);
    assert_int_equal(info->wRPCID, 21);
    assert_int_equal(info->cbMaxToken, 4096);
    assert_status(FreeContextBuffer(info), SEC_E_OK);
    assert_status(QuerySecurityPackageInfoA(digest, &info), SEC_E_OK);
    assert_string_equal(info->Name, "Digest");
    assert_status(FreeContextBuffer(info), SEC_E_OK);
    assert_status(EnumerateSecurityPackagesA(&count, &info), SEC_E_OK);
    for (ULONG i = 0; i < count; i++) {
        assert_string_not_equal(info[i].Name, "Digest");
    }
    assert_status(FreeContextBuffer(info), SEC_E_OK);
}

static void test_unknown_leaves_output(void **state)
{
    char unknown[] = "Winter";
    char empty[] = "";
    char not_utf8[] = "NT\xffLM";
    char prefix[] = "NTL";
    char longer[] = "NTLM ";
    char endless[300];
    memset(endless, 'N', sizeof endless);
    endless[sizeof endless - 1] = '\0';
    char *const names[] = {unknown, empty, not_utf8, prefix, longer, endless, NULL};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        PSecPkgInfoA info = (PSecPkgInfoA)0xdeadbeef;
        assert_status(QuerySecurityPackageInfoA(names[i], &info), SEC_E_SECPKG_NOT_FOUND);
        assert_ptr_equal(info, (PSecPkgInfoA)0xdeadbeef);
    }
    PSecPkgInfoW wide = (PSecPkgInfoW)0xdeadbeef;
    WCHAR name[] = {'W', 'i', 'n', 0};
    WCHAR lone[] = {0xd800, 0};
    assert_status(QuerySecurityPackageInfoW(name, &wide), SEC_E_SECPKG_NOT_FOUND);
    assert_status(QuerySecurityPackageInfoW(lone, &wide), SEC_E_SECPKG_NOT_FOUND);
    assert_status(QuerySecurityPackageInfoW(NULL, &wide), SEC_E_SECPKG_NOT_FOUND);
    assert_ptr_equal(wide, (PSecPkgInfoW)0xdeadbeef);
}

/* Name and Comment lie behind the struct, in this order and without gaps. */
static void check_contiguous(const SecPkgInfoA *info)
{
    const char *behind = (const char *)(info + 1);
    assert_ptr_equal(info->Name, behind);
    assert_ptr_equal(info->Comment, behind + strlen(info->Name) + 1);
}

static void test_kerberos(void **state)
{
    char name[] = "KERBEROS";
    PSecPkgInfoA info = NULL;
    assert_status(QuerySecurityPackageInfoA(name, &info), SEC_E_OK);
    assert_string_equal(info->Name, "Kerberos");
    assert_string_equal(info->Comment, "Microsoft Kerberos V1.0");
    assert_int_equal(info->fCapabilities & ~(0x80000 | 0x800000 | 0x02000000), 0x00073BBF);
    assert_int_equal(info->wVersion, 1);
    assert_int_equal(info->wRPCID, 16);
    assert_true(info->cbMaxToken >= 12000);
    check_contiguous(info);
    assert_status(FreeContextBuffer(info), SEC_E_OK);
}

static void test_kerberos_without_tickets(void **state)
{
    char name[] = "Kerberos", target[] = "HTTP/server.example";
    CredHandle credential;
    CtxtHandle context;
    BYTE token[4096];
    SecBuffer buffer = {sizeof token, SECBUFFER_TOKEN, token};
    SecBufferDesc output = {SECBUFFER_VERSION, 1, &buffer};
    ULONG flags;
    setenv("KRB5CCNAME", "FILE:/nonexistent/cache", 1);
    assert_status(
        AcquireCredentialsHandleA(NULL, name, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL, &credential, NULL),
        SEC_E_OK);
    assert_status(
        InitializeSecurityContextA(&credential, NULL, target, 0, 0, 0, NULL, 0, &context, &output, &flags, NULL),
        SEC_E_NO_CREDENTIALS);
    assert_status(FreeCredentialsHandle(&credential), SEC_E_OK);
}

static void test_ntlm(void **state)
{
    char *const names[] = {ntlm, (char[]){"ntlm"}, (char[]){"nTlM"}};
    for (size_t i = 0; i < 3; i++) {
        PSecPkgInfoA info = NULL;
        assert_status(QuerySecurityPackageInfoA(names[i], &info), SEC_E_OK);
        assert_string_equal(info->Name, "NTLM");
        assert_string_equal(info->Comment, "NTLM Security Package");
        assert_int_equal(info->fCapabilities, 0x02882B37);
        assert_int_equal(info->wVersion, 1);
        assert_int_equal(info->wRPCID, 10);
        assert_int_equal(info->cbMaxToken, 2888);
        check_contiguous(info);
        assert_status(FreeContextBuffer(info), SEC_E_OK);
    }
}

static void test_ntlm_wide(void **state)
{
    WCHAR name[] = {'n', 't', 'L', 'M', 0};
    static const WCHAR canonical[] = {'N', 'T', 'L', 'M', 0};
    PSecPkgInfoW info = NULL;
    assert_status(QuerySecurityPackageInfoW(name, &info), SEC_E_OK);
    assert_memory_equal(info->Name, canonical, sizeof canonical);
    assert_ptr_equal(info->Name, info + 1);
    assert_ptr_equal(info->Comment, info->Name + 5);
    assert_int_equal(info->Comment[21], 0); /* "NTLM Security Package" */
    assert_int_equal(info->fCapabilities, 0x02882B37);
    assert_status(FreeContextBuffer(info), SEC_E_OK);
}

static void test_free_context_buffer(void **state)
{
    int here[64] = {0};
    assert_status(FreeContextBuffer(NULL), SEC_E_OK);
    assert_status(FreeContextBuffer((char *)here + 65), SEC_E_INVALID_HANDLE);
}

static void test_add_and_delete(void **state)
{
    char other[] = "Winter";
    assert_status(AddSecurityPackageA(ntlm, NULL), SEC_E_OK);
    assert_status(AddSecurityPackageA(other, NULL), SEC_E_SECPKG_NOT_FOUND);
    assert_status(AddSecurityPackageA(NULL, NULL), SEC_E_SECPKG_NOT_FOUND);
    assert_status(DeleteSecurityPackageA(ntlm), SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(DeleteSecurityPackageA(other), SEC_E_SECPKG_NOT_FOUND);
    assert_status(AddSecurityPackageW(NULL, NULL), SEC_E_SECPKG_NOT_FOUND);
    assert_status(DeleteSecurityPackageW(NULL), SEC_E_SECPKG_NOT_FOUND);
}

static void test_change_password(void **state)
{
    char text[] = "x";
    SecBuffer buffer = {.BufferType = SECBUFFER_CHANGE_PASS_RESPONSE};
    SecBufferDesc output = {.ulVersion = SECBUFFER_VERSION, .cBuffers = 1, .pBuffers = &buffer};
    assert_status(ChangeAccountPasswordA(NULL, text, text, text, text, FALSE, 0, &output), SEC_E_SECPKG_NOT_FOUND);
    assert_status(ChangeAccountPasswordA(ntlm, text, text, text, text, FALSE, 0, &output), SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(ChangeAccountPasswordW(NULL, NULL, NULL, NULL, NULL, FALSE, 0, &output), SEC_E_SECPKG_NOT_FOUND);
}

static void test_tables(void **state)
{
    PSecurityFunctionTableA a = InitSecurityInterfaceA();
    PSecurityFunctionTableW w = InitSecurityInterfaceW();
    assert_non_null(a);
    assert_non_null(w);
    assert_int_equal(sizeof *a, 256);
    assert_int_equal(sizeof *w, 256);
    assert_int_equal(a->dwVersion, 1);
    assert_int_equal(w->dwVersion, 1);
    /* Slots by number, as a caller that knows only the offsets reads them: 5 and 23 are reserved and empty. */
    void *const *const tables[] = {(void *const *)(void *)a, (void *const *)(void *)w};
    for (size_t t = 0; t < 2; t++) {
        for (size_t slot = 1; slot < 32; slot++) {
            if (slot == 5 || slot == 23) {
                assert_null(tables[t][slot]);
            } else {
                assert_non_null(tables[t][slot]);
            }
        }
        assert_ptr_equal(tables[t][18], tables[t][25]); /* SealMessage is EncryptMessage */
        assert_ptr_equal(tables[t][19], tables[t][26]); /* UnsealMessage is DecryptMessage */
        assert_ptr_equal(tables[t][16], FreeContextBuffer);
        assert_ptr_equal(tables[t][7], AcceptSecurityContext);
    }
    assert_ptr_equal(tables[0][6], InitializeSecurityContextA);
    assert_ptr_equal(tables[1][6], InitializeSecurityContextW);
    assert_ptr_equal(tables[0][17], QuerySecurityPackageInfoA);
    assert_ptr_equal(tables[1][28], SetCredentialsAttributesW);
    assert_ptr_equal(InitSecurityInterfaceA(), a);
}

static void test_version_and_names(void **state)
{
    assert_non_null(SspiExtVersion());
    assert_string_equal(SspiExtStatusName(SEC_E_LOGON_DENIED), "SEC_E_LOGON_DENIED");
    assert_string_equal(SspiExtStatusName(SEC_E_OK), "SEC_E_OK");
    assert_null(SspiExtStatusName(0x7fff1234));
}

static void test_reason(void **state)
{
    PSecPkgInfoA info = NULL;
    char unknown[] = "Winter";
    SECURITY_STATUS status = SEC_E_OK;
    assert_status(QuerySecurityPackageInfoA(unknown, &info), SEC_E_SECPKG_NOT_FOUND);
    assert_non_null(SspiExtLastReason(&status));
    assert_int_equal(status, SEC_E_SECPKG_NOT_FOUND);
    assert_status(QuerySecurityPackageInfoA(ntlm, &info), SEC_E_OK);
    assert_null(SspiExtLastReason(NULL));
    assert_status(FreeContextBuffer(info), SEC_E_OK);
}

/* windows-behaviour G15. */
static void test_schannel_comments(void **state)
{
    static const char *const rows[][2] = {
        {"Microsoft Unified Security Protocol Provider", "Microsoft Unified Security Protocol Provider"},
        {"Schannel", "Schannel Security Package"},
    };
    for (size_t i = 0; i < 2; i++) {
        PSecPkgInfoA info = NULL;
        assert_int_equal(QuerySecurityPackageInfoA((SEC_CHAR *)(uintptr_t)rows[i][0], &info), SEC_E_OK);
        assert_string_equal(info->Comment, rows[i][1]);
        assert_int_equal(info->fCapabilities & 0x7b3, 0x7b3);
        assert_int_equal(FreeContextBuffer(info), SEC_E_OK);
    }
}

/* windows-behaviour G16: packages are part of the library (docs/divergences.md). */
static void test_no_entries_for_the_lsa(void **state)
{
    assert_non_null(dlsym(RTLD_DEFAULT, "AcquireCredentialsHandleA"));
    assert_null(dlsym(RTLD_DEFAULT, "SpLsaModeInitialize"));
    assert_null(dlsym(RTLD_DEFAULT, "SpUserModeInitialize"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enumerate),
        cmocka_unit_test(test_wdigest),
        cmocka_unit_test(test_enumerate_without_room),
        cmocka_unit_test(test_unknown_leaves_output),
        cmocka_unit_test(test_kerberos),
        cmocka_unit_test(test_kerberos_without_tickets),
        cmocka_unit_test(test_ntlm),
        cmocka_unit_test(test_ntlm_wide),
        cmocka_unit_test(test_free_context_buffer),
        cmocka_unit_test(test_add_and_delete),
        cmocka_unit_test(test_change_password),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_version_and_names),
        cmocka_unit_test(test_reason),
        cmocka_unit_test(test_schannel_comments),
        cmocka_unit_test(test_no_entries_for_the_lsa),
    };
    setenv("SSPI_CONFIG", "/dev/null", 1); /* the defaults, with every package */
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("packages", tests, NULL, NULL);
}
