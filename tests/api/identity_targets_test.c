/* Identities and what they are for: targets, packages, prompting, channel bindings. */
#include "pair.h"

#include "ntsecpkg.h"

#define W(literal)      ((WCHAR *)(uintptr_t)u##literal)
#define NARROW(literal) ((unsigned char *)(uintptr_t)(literal))

#define MARKED ((PSEC_WINNT_AUTH_IDENTITY_OPAQUE)(uintptr_t)0xdeadbeef)

static size_t wide_length(const WCHAR *text)
{
    size_t length = 0;
    while (text[length] != 0) {
        length++;
    }
    return length;
}

static void assert_wide_is(const WCHAR *actual, const WCHAR *expected, const char *file, int line)
{
    _assert_true(actual != NULL, "text", file, line);
    _assert_int_equal(wide_length(actual), wide_length(expected), file, line);
    _assert_memory_equal(actual, expected, 2 * wide_length(expected), file, line);
}

#define assert_wide(actual, literal) assert_wide_is((actual), W(literal), __FILE__, __LINE__)

/* ---------------------------------------------------------------- targets, packages, prompting */

static void target_host(void **state)
{
    static const struct {
        const WCHAR *target, *host;
    } targets[] = {{u"HTTP/www.example.com:8080/realm", u"www.example.com"},
                   {u"https://www.example.com/page", u"www.example.com"},
                   {u"www.example.com", u"www.example.com"}};
    for (size_t i = 0; i < 3; i++) {
        PWSTR host = NULL;
        assert_int_equal(SspiGetTargetHostName(targets[i].target, &host), SEC_E_OK);
        assert_wide_is(host, targets[i].host, __FILE__, __LINE__);
        SspiLocalFree(host);
    }
    PWSTR host = (PWSTR)MARKED;
    assert_int_equal(SspiGetTargetHostName(W("HTTP/"), &host), SEC_E_INVALID_TOKEN);
    assert_int_equal(SspiGetTargetHostName(NULL, &host), SEC_E_INVALID_TOKEN);
    assert_ptr_equal(host, MARKED);
}

static void exclude(void **state)
{
    static const struct {
        const WCHAR *list, *expected;
    } lists[] = {{NULL, u"!ntlm"},
                 {u"kerberos", u"kerberos,!ntlm"},
                 {u"kerberos, NTLM", u"kerberos,!ntlm"},
                 {u"!ntlm,!kerberos", u"!kerberos,!ntlm"},
                 {u",,", u"!ntlm"}};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        SEC_WINNT_AUTH_IDENTITY_EXW ex = {.Version = 0x200,
                                          .Length = sizeof ex,
                                          .User = W("user"),
                                          .UserLength = 4,
                                          .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE,
                                          .PackageList = (unsigned short *)(uintptr_t)lists[i].list,
                                          .PackageListLength =
                                              lists[i].list != NULL ? (ULONG)wide_length(lists[i].list) : 0};
        PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = NULL;
        assert_int_equal(SspiExcludePackage(&ex, W("ntlm"), &id), SEC_E_OK);
        const SEC_WINNT_AUTH_IDENTITY_EXW *made = id;
        assert_wide_is(made->PackageList, lists[i].expected, __FILE__, __LINE__);
        assert_int_equal(made->PackageListLength, wide_length(lists[i].expected));
        assert_wide(made->User, "user");
        SspiFreeAuthIdentity(id);
    }
}

static void exclude_from_nothing_ansi_and_ex2(void **state)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = NULL;
    assert_int_equal(SspiExcludePackage(NULL, W("NTLM"), &id), SEC_E_OK);
    assert_wide(((SEC_WINNT_AUTH_IDENTITY_EXW *)id)->PackageList, "!NTLM");
    assert_null(((SEC_WINNT_AUTH_IDENTITY_EXW *)id)->User);
    SspiFreeAuthIdentity(id);

    SEC_WINNT_AUTH_IDENTITY_A plain = {.User = NARROW("user"), .UserLength = 4, .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI};
    assert_int_equal(SspiExcludePackage(&plain, W("ntlm"), &id), SEC_E_OK);
    assert_string_equal((char *)((SEC_WINNT_AUTH_IDENTITY_EXA *)id)->PackageList, "!ntlm");
    assert_string_equal((char *)((SEC_WINNT_AUTH_IDENTITY_EXA *)id)->User, "user");
    SspiFreeAuthIdentity(id);

    struct {
        SEC_WINNT_AUTH_IDENTITY_EX2 header;
        WCHAR user[4], list[8];
    } ex2 = {.header = {.Version = SEC_WINNT_AUTH_IDENTITY_VERSION_2,
                        .cbHeaderLength = 48,
                        .cbStructureLength = 72,
                        .UserOffset = 48,
                        .UserLength = 8,
                        .PackageListOffset = 56,
                        .PackageListLength = 16},
             .user = {'u', 's', 'e', 'r'},
             .list = {'k', 'e', 'r', 'b', 'e', 'r', 'o', 's'}};
    assert_int_equal(SspiExcludePackage(&ex2, W("ntlm"), &id), SEC_E_OK);
    assert_int_equal(SspiValidateAuthIdentity(id), SEC_E_OK);
    const SEC_WINNT_AUTH_IDENTITY_EX2 *made = id;
    assert_int_equal(made->PackageListLength, 28);
    assert_memory_equal((char *)id + made->PackageListOffset, u"kerberos,!ntlm", 28);
    assert_memory_equal((char *)id + made->UserOffset, u"user", 8);
    SspiFreeAuthIdentity(id);

    id = MARKED;
    assert_int_equal(SspiExcludePackage(NULL, NULL, &id), SEC_E_INVALID_TOKEN);
    assert_int_equal(SspiExcludePackage(NULL, W(""), &id), SEC_E_INVALID_TOKEN);
    assert_ptr_equal(id, MARKED);
}

static void prompting(void **state)
{
    assert_true(SspiIsPromptingNeeded((ULONG)SEC_E_LOGON_DENIED));
    assert_true(SspiIsPromptingNeeded((ULONG)SEC_E_NO_CREDENTIALS));
    assert_true(SspiIsPromptingNeeded((ULONG)STATUS_LOGON_FAILURE));
    assert_true(SspiIsPromptingNeeded(ERROR_LOGON_FAILURE));
    assert_false(SspiIsPromptingNeeded(SEC_E_OK));
    assert_false(SspiIsPromptingNeeded((ULONG)SEC_E_INVALID_TOKEN));
    assert_false(SspiIsPromptingNeeded((ULONG)SEC_E_TARGET_UNKNOWN));
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = MARKED;
    assert_int_equal(SspiPromptForCredentialsW(W("host"), NULL, 0, W("NTLM"), NULL, &id, NULL, 0), ERROR_NOT_SUPPORTED);
    assert_int_equal(SspiPromptForCredentialsA("host", NULL, 0, "NTLM", NULL, &id, NULL, 0), ERROR_NOT_SUPPORTED);
    assert_int_equal(SspiPromptForCredentialsA("host", NULL, 0, "none such", NULL, &id, NULL, 0),
                     ERROR_NO_SUCH_PACKAGE);
    assert_int_equal(SspiPromptForCredentialsA("host", NULL, 0, "NTLM", NULL, &id, NULL, 0x10), ERROR_INVALID_FLAGS);
    assert_int_equal(SspiPromptForCredentialsA(NULL, NULL, 0, "NTLM", NULL, &id, NULL, 0), ERROR_INVALID_PARAMETER);
    assert_ptr_equal(id, MARKED);
    assert_int_equal(SspiGetCredUIContext(NULL, NULL, NULL, NULL, NULL), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(SspiUpdateCredentials(NULL, NULL, 0, NULL), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(SspiUnmarshalCredUIContext(NULL, 0, NULL), SEC_E_UNSUPPORTED_FUNCTION);
}

static void call_context(void **state)
{
    BOOL must_free = 7;
    assert_int_equal(SeciAllocateAndSetIPAddress((PUCHAR) "address", 7, &must_free), SEC_E_OK);
    assert_int_equal(must_free, FALSE);
    assert_int_equal(SeciAllocateAndSetCallFlags(1, &must_free), SEC_E_OK);
    assert_int_equal(SeciAllocateAndSetIPAddress(NULL, 7, &must_free), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SeciAllocateAndSetCallFlags(1, NULL), SEC_E_INVALID_PARAMETER);
    SeciFreeCallContext();
}

/* ---------------------------------------------------------------- channel bindings */

struct bindings {
    SEC_CHANNEL_BINDINGS header;
    char data[24];
};

/* Bindings in memory of the library's, as QueryContextAttributes hands them out: the text of an identity is such memory,
 * and this one is long enough. */
static struct bindings *own_bindings(void)
{
    static WCHAR name[sizeof(struct bindings) / 2 + 1];
    for (size_t i = 0; i < sizeof name / sizeof name[0] - 1; i++) {
        name[i] = 'x';
    }
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = NULL;
    PCWSTR user = NULL;
    PCWSTR domain = NULL;
    assert_int_equal(SspiEncodeStringsAsAuthIdentity(name, NULL, NULL, &id), SEC_E_OK);
    assert_int_equal(SspiEncodeAuthIdentityAsStrings(id, &user, &domain, NULL), SEC_E_OK);
    SspiFreeAuthIdentity(id);
    struct bindings *bindings = (struct bindings *)(uintptr_t)user;
    *bindings = (struct bindings){.header = {.cbApplicationDataLength = 24, .dwApplicationDataOffset = 32}};
    memcpy(bindings->data, "tls-server-end-point:abc", 24);
    return bindings;
}

static void binding_flags(void **state)
{
    struct bindings *bindings = own_bindings();
    SecPkgContext_Bindings holder = {sizeof *bindings, &bindings->header};
    assert_int_equal(SspiSetChannelBindingFlags(&holder, 2), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiSetChannelBindingFlags(&holder, SEC_CHANNEL_BINDINGS_AUDIT_BINDINGS), SEC_E_OK);
    SEC_CHANNEL_BINDINGS_EX *ex = (SEC_CHANNEL_BINDINGS_EX *)holder.Bindings;
    assert_int_equal(ex->magicNumber, SEC_CHANNEL_BINDINGS_EX_MAGIC);
    assert_int_equal(ex->flags, SEC_CHANNEL_BINDINGS_AUDIT_BINDINGS);
    assert_int_equal(ex->cbHeaderLength, 48);
    assert_int_equal(ex->cbStructureLength, 72);
    assert_int_equal(holder.BindingsLength, 72);
    assert_int_equal(ex->cbApplicationDataLength, 24);
    assert_memory_equal((char *)ex + ex->dwApplicationDataOffset, "tls-server-end-point:abc", 24);
    assert_int_equal(SspiSetChannelBindingFlags(&holder, 0), SEC_E_OK);
    assert_ptr_equal(holder.Bindings, ex);
    assert_int_equal(ex->flags, 0);
    assert_int_equal(FreeContextBuffer(holder.Bindings), SEC_E_OK);

    bindings = own_bindings();
    bindings->header.cbApplicationDataLength = 25;
    holder = (SecPkgContext_Bindings){sizeof *bindings, &bindings->header};
    assert_int_equal(SspiSetChannelBindingFlags(&holder, 0), SEC_E_INVALID_TOKEN);
    assert_ptr_equal(holder.Bindings, &bindings->header);
    holder.BindingsLength = 31;
    assert_int_equal(SspiSetChannelBindingFlags(&holder, 0), SEC_E_INVALID_TOKEN);
    assert_int_equal(SspiSetChannelBindingFlags(NULL, 0), SEC_E_INVALID_TOKEN);
    assert_int_equal(FreeContextBuffer(bindings), SEC_E_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(target_host),
        cmocka_unit_test(exclude),
        cmocka_unit_test(exclude_from_nothing_ansi_and_ex2),
        cmocka_unit_test(prompting),
        cmocka_unit_test(call_context),
        cmocka_unit_test(binding_flags),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("identity targets", tests, NULL, NULL);
}
