/* The Sspi...AuthIdentity functions.  Tests named U4 to U6 are rows of what is observed on Windows; the layout of
 * marshalled identities is the one measured there. */
#include "pair.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

static PSEC_WINNT_AUTH_IDENTITY_OPAQUE encoded(const WCHAR *user, const WCHAR *domain, const WCHAR *password)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = NULL;
    assert_int_equal(SspiEncodeStringsAsAuthIdentity(user, domain, password, &id), SEC_E_OK);
    assert_non_null(id);
    return id;
}

static PSEC_WINNT_AUTH_IDENTITY_OPAQUE usual(void)
{
    return encoded(W("user"), W("domain"), W("password"));
}

static void assert_password(PSEC_WINNT_AUTH_IDENTITY_OPAQUE id, const WCHAR *expected)
{
    PCWSTR user = NULL, domain = NULL, password = NULL;
    assert_int_equal(SspiEncodeAuthIdentityAsStrings(id, &user, &domain, &password), SEC_E_OK);
    assert_wide_is(password, expected, __FILE__, __LINE__);
    SspiLocalFree((PVOID)user);
    SspiLocalFree((PVOID)domain);
    SspiLocalFree((PVOID)password);
}

/* ---------------------------------------------------------------- rows of Windows */

static void test_U4_all_null(void **state)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = MARKED;
    assert_int_equal(SspiEncodeStringsAsAuthIdentity(NULL, NULL, NULL, NULL), SEC_E_INVALID_TOKEN);
    assert_int_equal(SspiEncodeStringsAsAuthIdentity(NULL, NULL, NULL, &id), SEC_E_INVALID_TOKEN);
    assert_ptr_equal(id, MARKED);
}

static void test_U4_one_is_enough(void **state)
{
    for (unsigned given = 1; given < 8; given++) {
        PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = NULL;
        assert_int_equal(SspiEncodeStringsAsAuthIdentity((given & 1) != 0 ? W("u") : NULL,
                                                         (given & 2) != 0 ? W("d") : NULL,
                                                         (given & 4) != 0 ? W("p") : NULL, &id),
                         SEC_E_OK);
        PCWSTR user = NULL, domain = NULL, password = NULL;
        assert_int_equal(SspiEncodeAuthIdentityAsStrings(id, &user, &domain, &password), SEC_E_OK);
        assert_int_equal(user != NULL, (given & 1) != 0);
        assert_int_equal(domain != NULL, (given & 2) != 0);
        assert_int_equal(password != NULL, (given & 4) != 0);
        SspiLocalFree((PVOID)user);
        SspiLocalFree((PVOID)domain);
        SspiLocalFree((PVOID)password);
        SspiFreeAuthIdentity(id);
    }
}

static void test_U5_strings_come_back(void **state)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = usual();
    PCWSTR user = NULL, domain = NULL, password = NULL;
    assert_int_equal(SspiEncodeAuthIdentityAsStrings(id, &user, &domain, &password), SEC_E_OK);
    assert_wide(user, "user");
    assert_wide(domain, "domain");
    assert_wide(password, "password");
    SspiLocalFree((PVOID)user);
    SspiLocalFree((PVOID)domain);
    SspiLocalFree((PVOID)password);
    SspiFreeAuthIdentity(id);
}

static void test_U5_missing_domain_is_null(void **state)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = encoded(W("user"), NULL, W("password"));
    PCWSTR user = NULL, domain = (PCWSTR)MARKED;
    assert_int_equal(SspiEncodeAuthIdentityAsStrings(id, &user, &domain, NULL), SEC_E_OK);
    assert_wide(user, "user");
    assert_null(domain);
    SspiLocalFree((PVOID)user);
    SspiFreeAuthIdentity(id);
}

static void test_U5_zero_then_free(void **state)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = usual();
    const SEC_WINNT_AUTH_IDENTITY_EXW *ex = id;
    SspiZeroAuthIdentity(id);
    static const WCHAR zeros[8];
    assert_int_equal(ex->PasswordLength, 8);
    assert_memory_equal(ex->Password, zeros, sizeof zeros);
    assert_wide(ex->User, "user");
    assert_int_equal(SspiValidateAuthIdentity(id), SEC_E_OK);
    SspiFreeAuthIdentity(id);
    SspiZeroAuthIdentity(NULL);
    SspiFreeAuthIdentity(NULL);
    SspiLocalFree(NULL);
}

static void test_U6_cred_write(void **state)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = encoded(W("username"), W("domainname"), W("password"));
    for (int given = 0; given < 2; given++) {
        ULONG type = 0, size = 0;
        PCWSTR target = NULL, user = NULL;
        PUCHAR blob = NULL;
        assert_int_equal(
            SspiPrepareForCredWrite(id, given ? W("domain2\\user2") : NULL, &type, &target, &user, &blob, &size),
            SEC_E_OK);
        assert_int_equal(type, 2); /* CRED_TYPE_DOMAIN_PASSWORD */
        assert_wide_is(target, given ? W("domain2\\user2") : W("domainname\\username"), __FILE__, __LINE__);
        assert_wide(user, "domainname\\username");
        assert_int_equal(size, 16);
        assert_memory_equal(blob, u"password", 16);
        SspiLocalFree((PVOID)target);
        SspiLocalFree((PVOID)user);
        SspiLocalFree(blob);
    }
    SspiFreeAuthIdentity(id);
}

static void cred_read(void **state)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = usual();
    ULONG type = 0;
    PCWSTR target = NULL;
    assert_int_equal(SspiPrepareForCredRead(id, W("host"), &type, &target), SEC_E_OK);
    assert_int_equal(type, 2);
    assert_wide(target, "host");
    SspiLocalFree((PVOID)target);
    assert_int_equal(SspiPrepareForCredRead(NULL, W("host"), &type, &target), SEC_E_INVALID_TOKEN);
    SspiFreeAuthIdentity(id);
}

/* ---------------------------------------------------------------- marshalled identities, as measured on Windows */

static ULONG word(const char *bytes, size_t index)
{
    ULONG value;
    memcpy(&value, bytes + 4 * index, 4);
    return value;
}

static void marshal_encoded(void **state)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = usual();
    ULONG size = 0;
    PCHAR bytes = NULL;
    assert_int_equal(SspiMarshalAuthIdentity(id, &size, &bytes), SEC_E_OK);
    static const ULONG expected[11] = {0x200, 44, 44, 4, 52, 6, 64, 8, 6, 0, 0};
    assert_int_equal(size, 44 + 36 + 4);
    for (size_t i = 0; i < 11; i++) {
        assert_int_equal(word(bytes, i), expected[i]);
    }
    assert_memory_equal(bytes + 44, u"userdomainpassword", 36);
    SspiFreeAuthIdentity(id);

    assert_int_equal(SspiUnmarshalAuthIdentity(size, bytes, &id), SEC_E_OK);
    SspiLocalFree(bytes);
    const SEC_WINNT_AUTH_IDENTITY_EXW *ex = id;
    assert_int_equal(ex->Version, 0x200);
    assert_int_equal(ex->Length, 72);
    assert_ptr_equal(ex->User, (char *)id + 72);
    assert_int_equal(ex->UserLength, 4);
    assert_memory_equal(ex->User, u"user", 8);
    assert_int_equal(ex->DomainLength, 6);
    assert_memory_equal(ex->Domain, u"domain", 12);
    assert_int_equal(ex->PasswordLength, 8);
    assert_memory_equal(ex->Password, u"password", 16);
    assert_int_equal(ex->Flags, 6);
    assert_null(ex->PackageList);
    assert_int_equal(ex->PackageListLength, 0);
    SspiFreeAuthIdentity(id);
}

static void marshal_ansi(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_A plain = {
        NARROW("user"), 4, NARROW("domain"), 6, NARROW("password"), 8, SEC_WINNT_AUTH_IDENTITY_ANSI};
    ULONG size = 0;
    PCHAR bytes = NULL;
    assert_int_equal(SspiMarshalAuthIdentity(&plain, &size, &bytes), SEC_E_OK);
    static const ULONG expected[11] = {0x200, 44, 44, 4, 48, 6, 54, 8, 1, 0, 0};
    assert_int_equal(size, 44 + 18 + 4);
    for (size_t i = 0; i < 11; i++) {
        assert_int_equal(word(bytes, i), expected[i]);
    }
    assert_memory_equal(bytes + 44, "userdomainpassword", 18);
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = NULL;
    assert_int_equal(SspiUnmarshalAuthIdentity(size, bytes, &id), SEC_E_OK);
    SspiLocalFree(bytes);
    const SEC_WINNT_AUTH_IDENTITY_EXA *ex = id;
    assert_int_equal(ex->Length, 72);
    assert_ptr_equal(ex->User, (char *)id + 72);
    assert_memory_equal(ex->Password, "password", 8);
    assert_int_equal(ex->Flags, SEC_WINNT_AUTH_IDENTITY_ANSI | SEC_WINNT_AUTH_IDENTITY_MARSHALLED);
    assert_null(ex->PackageList);
    SspiFreeAuthIdentity(id);
}

static void marshal_user_alone(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_EXW ex = {.Version = 0x200,
                                      .Length = sizeof ex,
                                      .User = W("user"),
                                      .UserLength = 4,
                                      .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE};
    ULONG size = 0;
    PCHAR bytes = NULL;
    assert_int_equal(SspiMarshalAuthIdentity(&ex, &size, &bytes), SEC_E_OK);
    static const ULONG expected[11] = {0x200, 44, 44, 4, 0, 0, 0, 0, 2, 0, 0};
    assert_int_equal(size, 44 + 8 + 4);
    for (size_t i = 0; i < 11; i++) {
        assert_int_equal(word(bytes, i), expected[i]);
    }
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = NULL;
    assert_int_equal(SspiUnmarshalAuthIdentity(size, bytes, &id), SEC_E_OK);
    SspiLocalFree(bytes);
    const SEC_WINNT_AUTH_IDENTITY_EXW *back = id;
    assert_memory_equal(back->User, u"user", 8);
    assert_null(back->Domain);
    assert_null(back->Password);
    assert_int_equal(back->Flags, SEC_WINNT_AUTH_IDENTITY_UNICODE | SEC_WINNT_AUTH_IDENTITY_MARSHALLED);
    SspiFreeAuthIdentity(id);
}

static void marshal_ex2(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_EX2 ex2 = {
        .Version = SEC_WINNT_AUTH_IDENTITY_VERSION_2, .cbHeaderLength = sizeof ex2, .cbStructureLength = sizeof ex2};
    ULONG size = 0;
    PCHAR bytes = NULL;
    assert_int_equal(SspiMarshalAuthIdentity(&ex2, &size, &bytes), SEC_E_OK);
    assert_int_equal(size, sizeof ex2 + 8);
    assert_memory_equal(bytes, &ex2, sizeof ex2);
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = NULL;
    assert_int_equal(SspiUnmarshalAuthIdentity(size, bytes, &id), SEC_E_OK);
    SspiLocalFree(bytes);
    assert_memory_equal(id, &ex2, sizeof ex2);
    SspiFreeAuthIdentity(id);
}

/* Every number of the header with every value that a careless check could let pass; every prefix. */
static void unmarshal_refuses_what_does_not_fit(void **state)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = usual();
    ULONG size = 0;
    PCHAR good = NULL;
    assert_int_equal(SspiMarshalAuthIdentity(id, &size, &good), SEC_E_OK);
    SspiFreeAuthIdentity(id);
    for (ULONG cut = 0; cut < size - 4; cut++) { /* the four bytes at the end carry nothing */
        char *bytes = malloc(cut + 1);
        memcpy(bytes, good, cut);
        id = MARKED;
        assert_int_equal(SspiUnmarshalAuthIdentity(cut, bytes, &id), SEC_E_INVALID_TOKEN);
        assert_ptr_equal(id, MARKED);
        free(bytes);
    }
    static const ULONG values[] = {0, 1, 43, 44, 45, 80, 81, 84, 85, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF};
    for (size_t field = 0; field < 11; field++) {
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            char *bytes = malloc(size);
            memcpy(bytes, good, size);
            memcpy(bytes + 4 * field, &values[i], 4);
            id = MARKED;
            SECURITY_STATUS status = SspiUnmarshalAuthIdentity(size, bytes, &id);
            assert_true(status == SEC_E_OK || (status == SEC_E_INVALID_TOKEN && id == MARKED));
            if (status == SEC_E_OK) {
                assert_int_equal(SspiValidateAuthIdentity(id), SEC_E_OK);
                SspiFreeAuthIdentity(id);
            }
            free(bytes);
        }
    }
    SspiLocalFree(good);
    assert_int_equal(SspiUnmarshalAuthIdentity(0, NULL, &id), SEC_E_INVALID_TOKEN);
}

/* An EX2 whose header has an absurd size is not taken for a plain structure, whose pointers would be the sender's. */
static void unmarshal_never_makes_a_plain_structure(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_EX2 ex2[200] = {{.Version = SEC_WINNT_AUTH_IDENTITY_VERSION_2}};
    for (unsigned size = 0; size <= 0xFFFF; size++) {
        PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = MARKED;
        ex2->cbHeaderLength = (USHORT)size;
        ex2->cbStructureLength = sizeof ex2;
        SECURITY_STATUS status = SspiUnmarshalAuthIdentity(sizeof ex2, (PCHAR)ex2, &id);
        assert_int_equal(status, size >= sizeof *ex2 && size <= 4096 ? SEC_E_OK : SEC_E_INVALID_TOKEN);
        if (status == SEC_E_OK) {
            SspiFreeAuthIdentity(id);
        }
    }
}

/* ---------------------------------------------------------------- validation and copies */

static void validate(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_EXW ex = {.Version = 0x200, .Length = sizeof ex, .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE};
    assert_int_equal(SspiValidateAuthIdentity(&ex), SEC_E_OK);
    ex.Length = sizeof ex - 8;
    assert_int_equal(SspiValidateAuthIdentity(&ex), SEC_E_UNKNOWN_CREDENTIALS);
    ex.Length = sizeof ex;
    ex.UserLength = 1;
    assert_int_equal(SspiValidateAuthIdentity(&ex), SEC_E_INVALID_TOKEN);
    ex.UserLength = 0;
    ex.Flags = 0;
    assert_int_equal(SspiValidateAuthIdentity(&ex), SEC_E_INVALID_TOKEN);
    assert_int_equal(SspiValidateAuthIdentity(NULL), SEC_E_INVALID_TOKEN);
    assert_non_null(SspiExtLastReason(NULL));
}

static void copies_share_nothing(void **state)
{
    WCHAR user[] = {'u', 's', 'e', 'r'}, password[] = {'p', 'w'};
    SEC_WINNT_AUTH_IDENTITY_W plain = {.User = user,
                                       .UserLength = 4,
                                       .Password = password,
                                       .PasswordLength = 2,
                                       .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE};
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE copy = NULL;
    assert_int_equal(SspiCopyAuthIdentity(&plain, &copy), SEC_E_OK);
    memset(user, 'x', sizeof user);
    memset(password, 'x', sizeof password);
    const SEC_WINNT_AUTH_IDENTITY_W *made = copy; /* of the same version */
    assert_int_equal(made->UserLength, 4);
    assert_wide(made->User, "user");
    assert_wide(made->Password, "pw");
    assert_null(made->Domain);
    SspiFreeAuthIdentity(copy);
    copy = MARKED;
    assert_int_equal(SspiCopyAuthIdentity(NULL, &copy), SEC_E_INVALID_TOKEN);
    assert_ptr_equal(copy, MARKED);
}

static void copy_of_ex2(void **state)
{
    struct {
        SEC_WINNT_AUTH_IDENTITY_EX2 header;
        WCHAR user[4];
    } ex2 = {.header = {.Version = SEC_WINNT_AUTH_IDENTITY_VERSION_2,
                        .cbHeaderLength = 48,
                        .cbStructureLength = 56,
                        .UserOffset = 48,
                        .UserLength = 8},
             .user = {'u', 's', 'e', 'r'}};
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE copy = NULL;
    assert_int_equal(SspiCopyAuthIdentity(&ex2, &copy), SEC_E_OK);
    assert_memory_equal(copy, &ex2, 56);
    PCWSTR user = NULL, domain = NULL, password = NULL;
    assert_int_equal(SspiEncodeAuthIdentityAsStrings(copy, &user, &domain, &password), SEC_E_OK);
    assert_wide(user, "user");
    assert_null(domain);
    assert_null(password);
    SspiLocalFree((PVOID)user);
    SspiFreeAuthIdentity(copy);
}

/* What was handed out can be given back through any of the freeing functions. */
static void allocators_are_one(void **state)
{
    SspiLocalFree(usual());
    assert_int_equal(FreeContextBuffer(usual()), SEC_E_OK);
    assert_null(LocalFree(usual()));
}

static void ansi_identity_as_strings(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_A plain = {.User = NARROW("J\xc3\xbcrgen"),
                                       .UserLength = 7,
                                       .Password = NARROW(""),
                                       .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI};
    PCWSTR user = NULL, domain = NULL, password = NULL;
    assert_int_equal(SspiEncodeAuthIdentityAsStrings(&plain, &user, &domain, &password), SEC_E_OK);
    assert_wide(user, "J\u00fcrgen");
    assert_null(domain);
    assert_wide(password, "");
    SspiLocalFree((PVOID)user);
    SspiLocalFree((PVOID)password);
}

/* ---------------------------------------------------------------- encryption */

static void encrypt_and_decrypt(void **state)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = usual();
    SEC_WINNT_AUTH_IDENTITY_EXW *ex = id;
    assert_false(SspiIsAuthIdentityEncrypted(id));
    assert_int_equal(SspiEncryptAuthIdentity(id), SEC_E_OK);
    assert_true(SspiIsAuthIdentityEncrypted(id));
    assert_int_equal(ex->Flags & 0xF0, SEC_WINNT_AUTH_IDENTITY_FLAGS_PROCESS_ENCRYPTED);
    assert_int_equal(ex->PasswordLength, 8);
    assert_memory_not_equal(ex->Password, u"password", 16);
    assert_wide(ex->User, "user");

    WCHAR once[8];
    memcpy(once, ex->Password, sizeof once);
    assert_int_equal(SspiEncryptAuthIdentity(id), SEC_E_OK); /* nothing happens twice */
    assert_memory_equal(ex->Password, once, sizeof once);

    PCWSTR user = (PCWSTR)MARKED, domain = (PCWSTR)MARKED, password = (PCWSTR)MARKED;
    assert_int_equal(SspiEncodeAuthIdentityAsStrings(id, &user, &domain, &password), STATUS_INVALID_PARAMETER);
    assert_ptr_equal(password, MARKED);
    assert_int_equal(SspiDecryptAuthIdentityEx(SEC_WINNT_AUTH_IDENTITY_ENCRYPT_SAME_LOGON, id),
                     SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiDecryptAuthIdentity(id), SEC_E_OK);
    assert_false(SspiIsAuthIdentityEncrypted(id));
    assert_password(id, W("password"));
    assert_int_equal(SspiDecryptAuthIdentity(id), SEC_E_OK);
    assert_password(id, W("password"));
    SspiFreeAuthIdentity(id);
}

/* The same password of two users, and the same length of two passwords: nothing shows. */
static void ciphertexts_tell_nothing(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_EXW *one = encoded(W("alice"), W("domain"), W("password"));
    SEC_WINNT_AUTH_IDENTITY_EXW *other = encoded(W("bobby"), W("domain"), W("password"));
    SEC_WINNT_AUTH_IDENTITY_EXW *third = encoded(W("alice"), W("domain"), W("passwore"));
    assert_int_equal(SspiEncryptAuthIdentity(one), SEC_E_OK);
    assert_int_equal(SspiEncryptAuthIdentity(other), SEC_E_OK);
    assert_int_equal(SspiEncryptAuthIdentity(third), SEC_E_OK);
    assert_memory_not_equal(one->Password, other->Password, 16);
    for (size_t i = 0; i < 8; i++) { /* a stream cipher would leave the first seven characters alike */
        assert_int_not_equal(one->Password[i], third->Password[i]);
    }
    SspiFreeAuthIdentity(one);
    SspiFreeAuthIdentity(other);
    SspiFreeAuthIdentity(third);
}

static void encrypted_copies_decrypt(void **state)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = usual(), copy = NULL, back = NULL;
    assert_int_equal(SspiEncryptAuthIdentity(id), SEC_E_OK);
    assert_int_equal(SspiCopyAuthIdentity(id, &copy), SEC_E_OK);
    ULONG size = 0;
    PCHAR bytes = NULL;
    assert_int_equal(SspiMarshalAuthIdentity(id, &size, &bytes), SEC_E_OK);
    SspiFreeAuthIdentity(id);
    assert_int_equal(SspiUnmarshalAuthIdentity(size, bytes, &back), SEC_E_OK);
    SspiLocalFree(bytes);
    assert_true(SspiIsAuthIdentityEncrypted(back));
    assert_int_equal(SspiDecryptAuthIdentity(copy), SEC_E_OK);
    assert_int_equal(SspiDecryptAuthIdentity(back), SEC_E_OK);
    assert_password(copy, W("password"));
    assert_password(back, W("password"));
    SspiFreeAuthIdentity(copy);
    SspiFreeAuthIdentity(back);
}

static void encrypted_identities_log_on(void **state)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = usual();
    CredHandle credential;
    assert_int_equal(SspiEncryptAuthIdentity(id), SEC_E_OK);
    assert_int_equal(
        AcquireCredentialsHandleW(NULL, W("NTLM"), SECPKG_CRED_OUTBOUND, NULL, id, NULL, NULL, &credential, NULL),
        SEC_E_OK);
    assert_int_equal(FreeCredentialsHandle(&credential), SEC_E_OK);
    ((SEC_WINNT_AUTH_IDENTITY_EXW *)id)->Flags |= SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_ENCRYPTED;
    assert_int_equal(
        AcquireCredentialsHandleW(NULL, W("NTLM"), SECPKG_CRED_OUTBOUND, NULL, id, NULL, NULL, &credential, NULL),
        SEC_E_UNKNOWN_CREDENTIALS); /* for two scopes at once */
    SspiFreeAuthIdentity(id);
}

static void options(void **state)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = usual();
    assert_int_equal(SspiEncryptAuthIdentityEx(8, id), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiEncryptAuthIdentityEx(3, id), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiEncryptAuthIdentityEx(SEC_WINNT_AUTH_IDENTITY_ENCRYPT_FOR_SYSTEM, id),
                     SEC_E_UNSUPPORTED_FUNCTION);
    assert_false(SspiIsAuthIdentityEncrypted(id));
    assert_password(id, W("password"));
    assert_int_equal(SspiEncryptAuthIdentityEx(SEC_WINNT_AUTH_IDENTITY_ENCRYPT_SAME_PROCESS, id), SEC_E_OK);
    assert_int_equal(SspiDecryptAuthIdentityEx(SEC_WINNT_AUTH_IDENTITY_ENCRYPT_SAME_PROCESS, id), SEC_E_OK);
    assert_password(id, W("password"));
    assert_int_equal(SspiEncryptAuthIdentity(NULL), SEC_E_INVALID_TOKEN);
    WCHAR shared[] = {'a', 'b', 'c'};
    SEC_WINNT_AUTH_IDENTITY_W plain = {.User = shared,
                                       .UserLength = 2,
                                       .Password = shared + 1,
                                       .PasswordLength = 2,
                                       .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE};
    assert_int_equal(SspiEncryptAuthIdentity(&plain), SEC_E_INVALID_TOKEN); /* it would change the user, too */
    assert_memory_equal(shared, u"abc", 6);
    assert_false(SspiIsAuthIdentityEncrypted(NULL));
    SspiFreeAuthIdentity(id);
}

/* Encrypted here for the logon session, decrypted by another process of it. */
static void same_logon(void **state)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE id = usual();
    SECURITY_STATUS status = SspiEncryptAuthIdentityEx(SEC_WINNT_AUTH_IDENTITY_ENCRYPT_SAME_LOGON, id);
    if (status == SEC_E_UNSUPPORTED_FUNCTION) {
        print_message("# skipped: this session has no kernel keyring\n");
        SspiFreeAuthIdentity(id);
        skip();
    }
    assert_int_equal(status, SEC_E_OK);
    assert_int_equal(((SEC_WINNT_AUTH_IDENTITY_EXW *)id)->Flags & 0xF0,
                     geteuid() == 0 ? SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_PROTECTED
                                    : SEC_WINNT_AUTH_IDENTITY_FLAGS_USER_PROTECTED);
    assert_int_equal(SspiDecryptAuthIdentityEx(SEC_WINNT_AUTH_IDENTITY_ENCRYPT_SAME_PROCESS, id),
                     SEC_E_INVALID_PARAMETER);
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        bool good = SspiDecryptAuthIdentityEx(SEC_WINNT_AUTH_IDENTITY_ENCRYPT_SAME_LOGON, id) == SEC_E_OK &&
                    memcmp(((SEC_WINNT_AUTH_IDENTITY_EXW *)id)->Password, u"password", 16) == 0;
        _exit(good ? 0 : 1);
    }
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    SspiFreeAuthIdentity(id);
}

/* ---------------------------------------------------------------- comparing */

static void compare(void **state)
{
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE one = usual();
    static const struct {
        const WCHAR *user, *domain, *password;
        BOOLEAN same_user, same_identity;
    } others[] = {
        {u"user", u"domain", u"password", TRUE, TRUE},    {u"USER", u"Domain", u"password", TRUE, TRUE},
        {u"domain\\user", NULL, u"password", TRUE, TRUE}, {u"user", u"domain", u"Password", TRUE, FALSE},
        {u"user", u"domain", NULL, TRUE, FALSE},          {u"user", NULL, u"password", FALSE, FALSE},
        {u"other", u"domain", u"password", FALSE, FALSE},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        PSEC_WINNT_AUTH_IDENTITY_OPAQUE other = encoded(others[i].user, others[i].domain, others[i].password);
        BOOLEAN same_user = 7, same_identity = 7;
        assert_int_equal(SspiCompareAuthIdentities(one, other, &same_user, &same_identity), SEC_E_OK);
        assert_int_equal(same_user, others[i].same_user);
        assert_int_equal(same_identity, others[i].same_identity);
        assert_int_equal(SspiEncryptAuthIdentity(other), SEC_E_OK); /* changes nothing of it */
        assert_int_equal(SspiCompareAuthIdentities(other, one, &same_user, &same_identity), SEC_E_OK);
        assert_int_equal(same_identity, others[i].same_identity);
        SspiFreeAuthIdentity(other);
    }
    BOOLEAN same_user = 7, same_identity = 7;
    assert_int_equal(SspiCompareAuthIdentities(one, NULL, &same_user, &same_identity), SEC_E_OK);
    assert_false(same_user || same_identity);
    assert_int_equal(SspiCompareAuthIdentities(NULL, NULL, &same_user, &same_identity), SEC_E_OK);
    assert_true(same_user && same_identity);
    assert_int_equal(SspiCompareAuthIdentities(one, one, NULL, NULL), SEC_E_OK);
    SspiFreeAuthIdentity(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_U4_all_null),
        cmocka_unit_test(test_U4_one_is_enough),
        cmocka_unit_test(test_U5_strings_come_back),
        cmocka_unit_test(test_U5_missing_domain_is_null),
        cmocka_unit_test(test_U5_zero_then_free),
        cmocka_unit_test(test_U6_cred_write),
        cmocka_unit_test(cred_read),
        cmocka_unit_test(marshal_encoded),
        cmocka_unit_test(marshal_ansi),
        cmocka_unit_test(marshal_user_alone),
        cmocka_unit_test(marshal_ex2),
        cmocka_unit_test(unmarshal_refuses_what_does_not_fit),
        cmocka_unit_test(unmarshal_never_makes_a_plain_structure),
        cmocka_unit_test(validate),
        cmocka_unit_test(copies_share_nothing),
        cmocka_unit_test(copy_of_ex2),
        cmocka_unit_test(allocators_are_one),
        cmocka_unit_test(ansi_identity_as_strings),
        cmocka_unit_test(encrypt_and_decrypt),
        cmocka_unit_test(ciphertexts_tell_nothing),
        cmocka_unit_test(encrypted_copies_decrypt),
        cmocka_unit_test(encrypted_identities_log_on),
        cmocka_unit_test(options),
        cmocka_unit_test(same_logon),
        cmocka_unit_test(compare),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("identity helpers", tests, NULL, NULL);
}
