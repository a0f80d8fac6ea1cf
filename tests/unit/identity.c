/* Identities in every version: SEC_WINNT_AUTH_IDENTITY, _EX, _EX2 with packed credentials; rows C1 to C8 of what is
 * observed on Windows; FreeRDP's conventions; encrypted secrets. */
#include "text.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "logon/identity.h"
#include "logon/identity_layout.h"
#include "logon/identity_protect.h"
#include "sspi_ext.h"

/* MD4(UTF-16LE("Password")), MS-NLMP 4.2.2.1.2. */
#define HASH_DIGITS "a4f49c406510bdcab6824ee7c30fd852"

#define WIDE(literal)   ((unsigned short *)(uintptr_t)u##literal)
#define NARROW(literal) ((unsigned char *)(uintptr_t)(literal))
#define LENGTH(literal) ((ULONG)(sizeof(literal) - 1))

#define assert_secret(secret, literal) assert_text(utf16_of(secret_bytes(&(secret))), literal)

static SEC_WINNT_AUTH_IDENTITY_W wide_identity(void)
{
    return (SEC_WINNT_AUTH_IDENTITY_W){.User = WIDE("alice"),
                                       .UserLength = 5,
                                       .Domain = WIDE("EXAMPLE"),
                                       .DomainLength = 7,
                                       .Password = WIDE("s\u00e9cret"),
                                       .PasswordLength = 6,
                                       .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE};
}

static SEC_WINNT_AUTH_IDENTITY_EXW wide_ex(void)
{
    return (SEC_WINNT_AUTH_IDENTITY_EXW){.Version = SEC_WINNT_AUTH_IDENTITY_VERSION,
                                         .Length = sizeof(SEC_WINNT_AUTH_IDENTITY_EXW),
                                         .User = WIDE("alice"),
                                         .UserLength = 5,
                                         .Domain = WIDE("EXAMPLE"),
                                         .DomainLength = 7,
                                         .Password = WIDE("s\u00e9cret"),
                                         .PasswordLength = 6,
                                         .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE,
                                         .PackageList = WIDE("!kerberos"),
                                         .PackageListLength = 9};
}

static void plain_wide(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_W plain = wide_identity();
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_OK);
    assert_text(identity.user, "alice");
    assert_text(identity.domain, "EXAMPLE");
    assert_secret(identity.password, "s\u00e9cret");
    assert_true(identity.has_user && identity.has_domain && identity.has_password);
    assert_false(identity.has_nt_hash);
    assert_int_equal(identity.package_list.size, 0);
}

/* The result is a copy: the caller's memory may change afterwards. */
static void result_is_a_copy(void **state)
{
    uint16_t user[] = {'a', 'l', 'i', 'c', 'e'};
    SEC_WINNT_AUTH_IDENTITY_W plain = wide_identity();
    plain.User = user;
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_OK);
    memset(user, 0xFF, sizeof user);
    assert_text(identity.user, "alice");
}

static void plain_ansi_is_utf8(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_A plain = {.User = NARROW("J\xc3\xbcrgen"),
                                       .UserLength = 7,
                                       .Domain = NARROW("EX"),
                                       .DomainLength = 2,
                                       .Password = NARROW("\xe2\x82\xac"),
                                       .PasswordLength = 3,
                                       .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI};
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_OK);
    assert_text(identity.user, "J\u00fcrgen");
    assert_text(identity.domain, "EX");
    assert_secret(identity.password, "\u20ac");
    plain.UserLength = 2; /* ends inside a character */
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_INVALID_TOKEN);
    assert_text(identity.user, "J\u00fcrgen");
}

static void test_C1_C2_absent_members(void **state)
{
    for (unsigned absent = 0; absent < 8; absent++) {
        SEC_WINNT_AUTH_IDENTITY_W plain = wide_identity();
        if ((absent & 1) != 0) {
            plain.User = NULL;
            plain.UserLength = 0;
        }
        if ((absent & 2) != 0) {
            plain.Domain = NULL;
            plain.DomainLength = 0;
        }
        if ((absent & 4) != 0) {
            plain.Password = NULL; /* C3: Windows crashes here with a W function; empty for us */
            plain.PasswordLength = 0;
        }
        AUTO_IDENTITY identity = {0};
        assert_int_equal(identity_parse(&plain, &identity), SEC_E_OK);
        assert_int_equal(identity.has_user, (absent & 1) == 0);
        assert_int_equal(identity.has_domain, (absent & 2) == 0);
        assert_int_equal(identity.has_password, (absent & 4) == 0);
        assert_int_equal(identity.user.size, (absent & 1) != 0 ? 0 : 10);
    }
}

/* DomainLength 0 with Domain set, and the same for the others: there, and empty. */
static void test_C1_C2_length_zero(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_W plain = wide_identity();
    plain.UserLength = plain.DomainLength = plain.PasswordLength = 0;
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_OK);
    assert_int_equal(identity.user.size + identity.domain.size + identity.password.size, 0);
    assert_true(identity.has_user && identity.has_domain && identity.has_password);
}

/* The texts end where their memory ends; what follows would be a fault. */
static void test_C8_counted_not_terminated(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    assert_int_equal(mprotect(memory + page, page, PROT_NONE), 0);
    memcpy(memory + page - 10, u"alice", 10);
    SEC_WINNT_AUTH_IDENTITY_W plain = wide_identity();
    plain.User = plain.Domain = plain.Password = (unsigned short *)(void *)(memory + page - 10);
    plain.UserLength = plain.DomainLength = plain.PasswordLength = 5;
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_OK);
    assert_text(identity.user, "alice");
    munmap(memory, 2 * page);
}

static void flags_must_name_a_width(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_W plain = wide_identity();
    plain.Flags = 0;
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_UNKNOWN_CREDENTIALS);
    assert_null(identity.user.data);
    plain.Flags = SEC_WINNT_AUTH_IDENTITY_ANSI | SEC_WINNT_AUTH_IDENTITY_UNICODE; /* wide wins */
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_OK);
    assert_text(identity.user, "alice");
}

static void length_without_text(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_W plain = wide_identity();
    plain.Domain = NULL;
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_UNKNOWN_CREDENTIALS);
    plain = wide_identity();
    plain.User = NULL;
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_UNKNOWN_CREDENTIALS);
    plain = wide_identity();
    plain.Password = NULL;
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_UNKNOWN_CREDENTIALS);
}

static void ex_wide(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_EXW ex = wide_ex();
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&ex, &identity), SEC_E_OK);
    assert_text(identity.user, "alice");
    assert_text(identity.domain, "EXAMPLE");
    assert_secret(identity.password, "s\u00e9cret");
    assert_text(identity.package_list, "!kerberos");
    ex.Length = sizeof ex - 1;
    AUTO_IDENTITY refused = {0};
    assert_int_equal(identity_parse(&ex, &refused), SEC_E_UNKNOWN_CREDENTIALS);
}

static void ex_ansi(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_EXA ex = {.Version = SEC_WINNT_AUTH_IDENTITY_VERSION,
                                      .Length = sizeof ex,
                                      .User = NARROW("alice"),
                                      .UserLength = 5,
                                      .Password = NARROW("pw"),
                                      .PasswordLength = 2,
                                      .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
                                      .PackageList = NARROW("ntlm"),
                                      .PackageListLength = 4};
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&ex, &identity), SEC_E_OK);
    assert_text(identity.user, "alice");
    assert_secret(identity.password, "pw");
    assert_text(identity.package_list, "ntlm");
    assert_false(identity.has_domain);
}

/* curl's way of saying "the default credentials, but not NTLM". */
static void ex_with_a_package_list_alone(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_EXW ex = {.Version = SEC_WINNT_AUTH_IDENTITY_VERSION,
                                      .Length = sizeof ex,
                                      .Flags = SEC_WINNT_AUTH_IDENTITY_UNICODE,
                                      .PackageList = WIDE("!ntlm"),
                                      .PackageListLength = 5};
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&ex, &identity), SEC_E_OK);
    assert_text(identity.package_list, "!ntlm");
    assert_false(identity.has_user || identity.has_domain || identity.has_password);
}

/* FreeRDP 3: EXW with Flags 0x102 and more members after the 72 bytes. */
static void freerdp_tail(void **state)
{
    struct {
        SEC_WINNT_AUTH_IDENTITY_EXW ex;
        void *ntlm_settings[3];
        char *kerberos_settings[8];
    } tailed = {.ex = wide_ex()};
    tailed.ex.Flags |= 0x100;
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&tailed, &identity), SEC_E_OK);
    assert_text(identity.user, "alice");
    assert_secret(identity.password, "s\u00e9cret");
}

static void nt_hash_by_flag(void **state)
{
    static const char *const spellings[] = {HASH_DIGITS, "A4F49C406510BDCAB6824EE7C30FD852"};
    for (size_t i = 0; i < 2; i++) {
        SEC_WINNT_AUTH_IDENTITY_A plain = {.User = NARROW("User"),
                                           .UserLength = 4,
                                           .Password = NARROW(spellings[i]),
                                           .PasswordLength = 32,
                                           .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI | SSPI_AUTH_IDENTITY_NT_HASH};
        AUTO_IDENTITY identity = {0};
        assert_int_equal(identity_parse(&plain, &identity), SEC_E_OK);
        assert_true(identity.has_nt_hash);
        assert_hex(identity.nt_hash.b, 16, HASH_DIGITS);
        assert_int_equal(identity.password.size, 0);
    }
}

static void nt_hash_that_is_none(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_A plain = {.Password = NARROW("a4f49c406510bdcab6824ee7c30fd85x"),
                                       .PasswordLength = 32,
                                       .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI | SSPI_AUTH_IDENTITY_NT_HASH};
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_INVALID_TOKEN);
    plain.PasswordLength = 31;
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_INVALID_TOKEN);
    plain.Password = NULL;
    plain.PasswordLength = 0;
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_INVALID_TOKEN);
}

/* FreeRDP before 3.31: the length is 512 more than what may be read; after it lies a page that faults. */
static void freerdp_hash(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    assert_int_equal(mprotect(memory + page, page, PROT_NONE), 0);
    static const uint16_t digits[] = u"" HASH_DIGITS;
    memcpy(memory + page - 64, digits, 64);
    SEC_WINNT_AUTH_IDENTITY_EXW ex = wide_ex();
    ex.Password = (unsigned short *)(void *)(memory + page - 64);
    ex.PasswordLength = 512 + 32;
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&ex, &identity), SEC_E_OK);
    assert_true(identity.has_nt_hash);
    assert_hex(identity.nt_hash.b, 16, HASH_DIGITS);
    munmap(memory, 2 * page);
}

/* A long password is a password. */
static void long_password(void **state)
{
    static uint16_t password[512];
    for (size_t i = 0; i < 512; i++) {
        password[i] = 'p';
    }
    SEC_WINNT_AUTH_IDENTITY_W plain = wide_identity();
    plain.Password = password;
    plain.PasswordLength = 512;
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_OK);
    assert_false(identity.has_nt_hash);
    assert_int_equal(identity.password.size, 1024);
}

/* ---------------------------------------------------------------- EX2 */

struct ex2 {
    SEC_WINNT_AUTH_IDENTITY_EX2 header;
    uint16_t user[5], domain[7], list[5];
    uint8_t packed[28 + 12];
};

/* SEC_WINNT_AUTH_PACKED_CREDENTIALS by its table: sizes, type GUID, offset and size of the data; then the password. */
#define PACKED_HEADER "1c00 2800 2fc3bf28 f610 3847 98d11ac061df716a 1c000000 0c00 0000"

static struct ex2 make_ex2(void)
{
    struct ex2 ex2 = {.user = {'a', 'l', 'i', 'c', 'e'},
                      .domain = {'E', 'X', 'A', 'M', 'P', 'L', 'E'},
                      .list = {'!', 'n', 't', 'l', 'm'}};
    ex2.header = (SEC_WINNT_AUTH_IDENTITY_EX2){.Version = SEC_WINNT_AUTH_IDENTITY_VERSION_2,
                                               .cbHeaderLength = sizeof ex2.header,
                                               .cbStructureLength = sizeof ex2,
                                               .UserOffset = offsetof(struct ex2, user),
                                               .UserLength = 10,
                                               .DomainOffset = offsetof(struct ex2, domain),
                                               .DomainLength = 14,
                                               .PackedCredentialsOffset = offsetof(struct ex2, packed),
                                               .PackedCredentialsLength = sizeof ex2.packed,
                                               .Flags = SEC_WINNT_AUTH_IDENTITY_MARSHALLED,
                                               .PackageListOffset = offsetof(struct ex2, list),
                                               .PackageListLength = 10};
    struct hex header = hex(PACKED_HEADER);
    assert_int_equal(header.size, 28);
    memcpy(ex2.packed, header.data, 28);
    memcpy(ex2.packed + 28, u"secret", 12);
    return ex2;
}

static void ex2_with_a_password(void **state)
{
    struct ex2 ex2 = make_ex2();
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&ex2, &identity), SEC_E_OK);
    assert_text(identity.user, "alice");
    assert_text(identity.domain, "EXAMPLE");
    assert_text(identity.package_list, "!ntlm");
    assert_secret(identity.password, "secret");
    assert_true(identity.has_password);
}

/* SEC_WINNT_AUTH_DATA_PASSWORD: a vector that counts from itself. */
static void ex2_with_a_password_behind_a_vector(void **state)
{
    struct ex2 ex2 = make_ex2();
    memcpy(ex2.packed + 28, "\x08\0\0\0\x04\0\0\0p\0w\0", 12);
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&ex2, &identity), SEC_E_OK);
    assert_secret(identity.password, "pw");
}

static void ex2_without_anything(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_EX2 ex2 = {
        .Version = SEC_WINNT_AUTH_IDENTITY_VERSION_2, .cbHeaderLength = sizeof ex2, .cbStructureLength = sizeof ex2};
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&ex2, &identity), SEC_E_OK);
    assert_false(identity.has_user || identity.has_domain || identity.has_password);
}

#define REFUSED(change, status)                                                                                        \
    do {                                                                                                               \
        struct ex2 ex2 = make_ex2();                                                                                   \
        change;                                                                                                        \
        AUTO_IDENTITY identity = {0};                                                                                  \
        assert_int_equal(identity_parse(&ex2, &identity), (status));                                                   \
        assert_null(identity.user.data);                                                                               \
    } while (0)

static void ex2_that_does_not_hold_together(void **state)
{
    REFUSED(ex2.header.cbHeaderLength = sizeof ex2.header - 1, SEC_E_UNKNOWN_CREDENTIALS);
    REFUSED(ex2.header.cbStructureLength = 8, SEC_E_UNKNOWN_CREDENTIALS);
    REFUSED(ex2.header.UserOffset = sizeof ex2 - 9, SEC_E_UNKNOWN_CREDENTIALS);
    REFUSED(ex2.header.UserOffset = 0xFFFFFFFE, SEC_E_UNKNOWN_CREDENTIALS);
    REFUSED(ex2.header.DomainOffset = sizeof ex2, SEC_E_UNKNOWN_CREDENTIALS);
    REFUSED(ex2.header.DomainLength = 13, SEC_E_UNKNOWN_CREDENTIALS);
    REFUSED(ex2.header.PackageListLength = 0xFFFE, SEC_E_UNKNOWN_CREDENTIALS);
    REFUSED(ex2.header.PackedCredentialsOffset += 3, SEC_E_UNKNOWN_CREDENTIALS);
    REFUSED(ex2.header.UserOffset = sizeof ex2.header - 2, SEC_E_UNKNOWN_CREDENTIALS); /* in the header */
    REFUSED(ex2.header.PackedCredentialsOffset = 0, SEC_E_UNKNOWN_CREDENTIALS);
    REFUSED(ex2.header.PackedCredentialsOffset -= 2, SEC_E_UNKNOWN_CREDENTIALS); /* over the package list */
}

static void packed_credentials_that_do_not_hold_together(void **state)
{
    REFUSED(ex2.header.PackedCredentialsLength = 27, SEC_E_INVALID_TOKEN);
    REFUSED(ex2.packed[0] = 27, SEC_E_INVALID_TOKEN);                         /* header size */
    REFUSED(ex2.packed[2] = 41, SEC_E_INVALID_TOKEN);                         /* size of all */
    REFUSED(ex2.packed[20] = 29, SEC_E_INVALID_TOKEN);                        /* offset */
    REFUSED(memset(ex2.packed + 20, 0xFF, 4), SEC_E_INVALID_TOKEN);           /* offset */
    REFUSED(ex2.packed[24] = 13, SEC_E_INVALID_TOKEN);                        /* size */
    REFUSED((ex2.packed[20] = 28, ex2.packed[24] = 11), SEC_E_INVALID_TOKEN); /* odd */
    REFUSED(ex2.packed[4] ^= 1, SEC_E_UNKNOWN_CREDENTIALS);                   /* type */
}

/* ---------------------------------------------------------------- encrypted secrets */

static void decrypts_what_this_process_encrypted(void **state)
{
    uint16_t password[] = {'s', 'e', 'c', 'r', 'e', 't'};
    SEC_WINNT_AUTH_IDENTITY_W plain = wide_identity();
    plain.Password = password;
    struct identity_layout layout;
    assert_int_equal(identity_layout(&plain, &layout), SEC_E_OK);
    assert_int_equal(
        identity_protect(&layout, SEC_WINNT_AUTH_IDENTITY_FLAGS_PROCESS_ENCRYPTED, identity_secret_bytes(&layout)),
        SEC_E_OK);
    assert_memory_not_equal(password, u"secret", 12);
    identity_set_flags(&plain, plain.Flags | SEC_WINNT_AUTH_IDENTITY_FLAGS_PROCESS_ENCRYPTED);
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_OK);
    assert_secret(identity.password, "secret");
    assert_memory_not_equal(password, u"secret", 12); /* still encrypted in place */
}

/* The names are part of it. */
static void secret_of_somebody_else(void **state)
{
    uint16_t password[] = {'s', 'e', 'c', 'r', 'e', 't'};
    SEC_WINNT_AUTH_IDENTITY_W plain = wide_identity();
    plain.Password = password;
    struct identity_layout layout;
    assert_int_equal(identity_layout(&plain, &layout), SEC_E_OK);
    assert_int_equal(
        identity_protect(&layout, SEC_WINNT_AUTH_IDENTITY_FLAGS_PROCESS_ENCRYPTED, identity_secret_bytes(&layout)),
        SEC_E_OK);
    plain.User = WIDE("mallo");
    plain.Flags |= SEC_WINNT_AUTH_IDENTITY_FLAGS_PROCESS_ENCRYPTED;
    AUTO_IDENTITY identity = {0};
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_OK);
    assert_int_equal(identity.password.size, 12);
    assert_memory_not_equal(identity.password.data, u"secret", 12);
}

static void scopes_without_a_key(void **state)
{
    SEC_WINNT_AUTH_IDENTITY_W plain = wide_identity();
    struct identity_layout layout;
    assert_int_equal(identity_layout(&plain, &layout), SEC_E_OK);
    uint8_t copy[12] = {0};
    assert_int_equal(identity_protect(&layout, SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_ENCRYPTED, copy),
                     SEC_E_UNSUPPORTED_FUNCTION);
    AUTO_IDENTITY identity = {0};
    plain.Flags |= SEC_WINNT_AUTH_IDENTITY_FLAGS_SYSTEM_ENCRYPTED;
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_DECRYPT_FAILURE);
    plain.Flags |= SEC_WINNT_AUTH_IDENTITY_FLAGS_PROCESS_ENCRYPTED; /* two scopes at once */
    assert_int_equal(identity_parse(&plain, &identity), SEC_E_UNKNOWN_CREDENTIALS);
}

/* A forked child has its parent's key; another program has not. */
static void a_forked_child_decrypts(void **state)
{
    uint16_t password[] = {'s', 'e', 'c', 'r', 'e', 't'};
    SEC_WINNT_AUTH_IDENTITY_W plain = wide_identity();
    plain.Password = password;
    struct identity_layout layout;
    assert_int_equal(identity_layout(&plain, &layout), SEC_E_OK);
    assert_int_equal(
        identity_protect(&layout, SEC_WINNT_AUTH_IDENTITY_FLAGS_PROCESS_ENCRYPTED, identity_secret_bytes(&layout)),
        SEC_E_OK);
    plain.Flags |= SEC_WINNT_AUTH_IDENTITY_FLAGS_PROCESS_ENCRYPTED;
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        struct identity identity = {0};
        bool good = identity_parse(&plain, &identity) == SEC_E_OK && identity.password.size == 12 &&
                    memcmp(identity.password.data, u"secret", 12) == 0;
        identity_free(&identity);
        _exit(good ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* CredMarshalCredential's certificates, as Windows writes them (observed). */
static void marshaled_certificates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        uint8_t hash[20];
    } cases[] = {
        {"@@BAAAAAAAAAAAAAAAAAAAAAAAAAAA", 30, {0}},
        {"@@BCAAAAAAAAAAAAAAAAAAAAAAAAAA", 30, {2}},
        {"@@B-DAAAAAAAAAAAAAAAAAAAAAAAAA", 30, {255}},
        {"@@BBEAAAAAAAAAAAAAAAAAAAAAAAAA", 30, {1, 1}},
        {"@@BBEQAAAAAAAAAAAAAAAAAAAAAAAA", 30, {1, 1, 1}},
        {"@@B--------------------------P", 30, {255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                                255, 255, 255, 255, 255, 255, 255, 255, 255, 255}},
        {"@@B---------------------------", 0, {0}},
        {"@@CAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0, {0}},
        {"@@BAAAAAAAAAAAAAAAAAAAAAAAAAA", 0, {0}},
        {"@@BAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0, {0}},
        {"@@BAAAAAAAAAAAAAAAAAAAAAAAAAA+", 0, {0}},
        {"alice", 0, {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO_IDENTITY identity = {0};
        SEC_WINNT_AUTH_IDENTITY_A given = {.User = NARROW(cases[i].text),
                                           .UserLength = (ULONG)strlen(cases[i].text),
                                           .Password = NARROW("1234"),
                                           .PasswordLength = 4,
                                           .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI};
        assert_int_equal(identity_parse(&given, &identity), SEC_E_OK);
        assert_int_equal(identity.has_certificate, cases[i].size != 0);
        assert_memory_equal(identity.certificate, cases[i].hash, sizeof identity.certificate);
        if (identity.has_certificate) {
            uint8_t back[60];
            struct writer writer = write_into(back, sizeof back);
            identity_write_certificate(identity.certificate, &writer);
            assert_int_equal(writer.size, sizeof back);
            assert_memory_equal(back, identity.user.data, sizeof back);
        }
        assert_secret(identity.password, "1234");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_wide),
        cmocka_unit_test(result_is_a_copy),
        cmocka_unit_test(plain_ansi_is_utf8),
        cmocka_unit_test(test_C1_C2_absent_members),
        cmocka_unit_test(test_C1_C2_length_zero),
        cmocka_unit_test(test_C8_counted_not_terminated),
        cmocka_unit_test(flags_must_name_a_width),
        cmocka_unit_test(length_without_text),
        cmocka_unit_test(ex_wide),
        cmocka_unit_test(ex_ansi),
        cmocka_unit_test(ex_with_a_package_list_alone),
        cmocka_unit_test(freerdp_tail),
        cmocka_unit_test(nt_hash_by_flag),
        cmocka_unit_test(nt_hash_that_is_none),
        cmocka_unit_test(freerdp_hash),
        cmocka_unit_test(long_password),
        cmocka_unit_test(ex2_with_a_password),
        cmocka_unit_test(ex2_with_a_password_behind_a_vector),
        cmocka_unit_test(ex2_without_anything),
        cmocka_unit_test(ex2_that_does_not_hold_together),
        cmocka_unit_test(packed_credentials_that_do_not_hold_together),
        cmocka_unit_test(decrypts_what_this_process_encrypted),
        cmocka_unit_test(secret_of_somebody_else),
        cmocka_unit_test(scopes_without_a_key),
        cmocka_unit_test(marshaled_certificates),
        cmocka_unit_test(a_forked_child_decrypts),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
