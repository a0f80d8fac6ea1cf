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

/* ---------------------------------------------------------------- credential stores */

struct stored {
    ULONG type, size;
    PCWSTR target, user;
    PUCHAR blob;
};

static SECURITY_STATUS store(void *identity, PCWSTR target, struct stored *out)
{
    *out = (struct stored){99, 99, (PCWSTR)MARKED, (PCWSTR)MARKED, (PUCHAR)MARKED};
    return SspiPrepareForCredWrite(identity, target, &out->type, &out->target, &out->user, &out->blob, &out->size);
}

static void stored_free(struct stored *stored)
{
    SspiLocalFree((PVOID)stored->target);
    SspiLocalFree((PVOID)stored->user);
    SspiLocalFree(stored->blob);
}

static SEC_WINNT_AUTH_IDENTITY_EXW somebody(const WCHAR *user, ULONG flags)
{
    return (SEC_WINNT_AUTH_IDENTITY_EXW){.Version = SEC_WINNT_AUTH_IDENTITY_VERSION,
                                         .Length = sizeof(SEC_WINNT_AUTH_IDENTITY_EXW),
                                         .User = (unsigned short *)(uintptr_t)user,
                                         .UserLength = user != NULL ? (ULONG)wide_length(user) : 0,
                                         .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE | flags};
}

/* A user without a domain, without a password, of an identity provider. */
static void stores(void **state)
{
    struct stored stored;
    SEC_WINNT_AUTH_IDENTITY_EXW id = somebody(u"user@example.com", 0);
    assert_int_equal(store(&id, NULL, &stored), SEC_E_OK);
    assert_int_equal(stored.type, 2);
    assert_wide(stored.target, "user@example.com");
    assert_wide(stored.user, "user@example.com");
    assert_null(stored.blob);
    assert_int_equal(stored.size, 0);
    stored_free(&stored);
    id.Flags |= SEC_WINNT_AUTH_IDENTITY_FLAGS_ID_PROVIDER;
    assert_int_equal(store(&id, W("target"), &stored), SEC_E_OK);
    assert_int_equal(stored.type, 1); /* CRED_TYPE_GENERIC */
    assert_wide(stored.target, "target");
    stored_free(&stored);
    ULONG type = 0;
    PCWSTR target = NULL;
    assert_int_equal(SspiPrepareForCredRead(&id, NULL, &type, &target), SEC_E_OK);
    assert_int_equal(type, 1);
    assert_wide(target, "user@example.com");
    SspiLocalFree((PVOID)target);
}

static void what_cannot_be_stored(void **state)
{
    struct stored stored;
    ULONG type = 99;
    PCWSTR target = (PCWSTR)MARKED;
    SEC_WINNT_AUTH_IDENTITY_EXW nobody = somebody(NULL, 0), hash = somebody(u"user", SSPI_AUTH_IDENTITY_NT_HASH);
    SEC_WINNT_AUTH_IDENTITY_EXW odd = somebody(u"user", 0), user = somebody(u"user", 0);
    hash.Password = W("0123456789abcdef0123456789abcdef");
    hash.PasswordLength = 32;
    odd.Flags = 0; /* neither ANSI nor UNICODE */
    void *const wrong[] = {NULL, &nobody, &hash, &odd};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(store(wrong[i], NULL, &stored), SEC_E_INVALID_TOKEN);
        assert_int_equal(stored.type, 99);
        assert_int_equal(stored.size, 99);
        assert_ptr_equal(stored.target, MARKED);
        assert_ptr_equal(stored.user, MARKED);
        assert_ptr_equal(stored.blob, MARKED);
    }
    assert_int_equal(SspiPrepareForCredRead(&nobody, NULL, &type, &target), SEC_E_INVALID_TOKEN);
    assert_int_equal(SspiPrepareForCredRead(&odd, W("host"), &type, &target), SEC_E_INVALID_TOKEN);
    assert_int_equal(SspiPrepareForCredRead(&user, W("host"), NULL, &target), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiPrepareForCredRead(&user, W("host"), &type, NULL), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiPrepareForCredWrite(&user, NULL, NULL, NULL, NULL, NULL, NULL), SEC_E_INVALID_PARAMETER);
    assert_int_equal(type, 99);
    assert_ptr_equal(target, MARKED);
}

/* A place for the answer is an argument like another one. */
static void nowhere_to_put_it(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_EXW id = somebody(u"user", 0);
    ULONG size = 99;
    PCHAR bytes = (PCHAR)MARKED;
    assert_int_equal(SspiEncodeStringsAsAuthIdentity(W("user"), NULL, NULL, NULL), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiEncodeAuthIdentityAsStrings(&id, NULL, NULL, NULL), SEC_E_OK);
    assert_int_equal(SspiCopyAuthIdentity(&id, NULL), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiMarshalAuthIdentity(&id, NULL, &bytes), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiMarshalAuthIdentity(&id, &size, NULL), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiUnmarshalAuthIdentity(48, (PCHAR)(uintptr_t) "\0\2\0\0", NULL), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiExcludePackage(&id, W("NTLM"), NULL), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiGetTargetHostName(W("host"), NULL), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiCompareAuthIdentities(&id, &id, NULL, NULL), SEC_E_OK);
    assert_int_equal(size, 99);
    assert_ptr_equal(bytes, MARKED);
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
        cmocka_unit_test(stores),
        cmocka_unit_test(what_cannot_be_stored),
        cmocka_unit_test(nowhere_to_put_it),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("identity targets", tests, NULL, NULL);
}
