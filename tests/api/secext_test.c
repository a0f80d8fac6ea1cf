/* Names of the user and of the computer.  Tests named U1 to U3 are rows of what is observed on Windows. */
#include "pair.h"

#include <linux/keyctl.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "secext.h"
#include "sspi_ext.h"

static const EXTENDED_NAME_FORMAT formats[] = {
    NameUnknown,       NameFullyQualifiedDN, NameSamCompatible,    NameDisplay,   NameUniqueId,  NameCanonical,
    NameUserPrincipal, NameCanonicalEx,      NameServicePrincipal, NameDnsDomain, NameGivenName, NameSurname,
};

#define FORMATS (sizeof formats / sizeof formats[0])

static void test_U1_size_zero(void **state)
{
    char buffer[4] = "###";
    WCHAR wide[4] = {'#', '#', '#', 0};
    ULONG size = 0, needed;
    assert_false(GetUserNameExA(NameSamCompatible, NULL, &size));
    assert_int_equal(GetLastError(), ERROR_MORE_DATA);
    assert_true(size > 1);
    needed = size;
    size = 0;
    SetLastError(0);
    assert_false(GetUserNameExA(NameSamCompatible, buffer, &size));
    assert_int_equal(GetLastError(), ERROR_MORE_DATA);
    assert_int_equal(size, needed);
    assert_string_equal(buffer, "###");
    size = 0;
    assert_false(GetUserNameExW(NameSamCompatible, NULL, &size));
    assert_int_equal(GetLastError(), ERROR_MORE_DATA);
    size = 0;
    assert_false(GetUserNameExW(NameSamCompatible, wide, &size));
    assert_int_equal(GetLastError(), ERROR_MORE_DATA);
    assert_int_equal(wide[0], '#');
}

static void test_U1_size_one(void **state)
{
    char buffer[4] = "###";
    WCHAR wide[4] = {'#', '#', '#', 0};
    ULONG size = 1;
    assert_false(GetUserNameExA(NameSamCompatible, buffer, &size));
    assert_int_equal(GetLastError(), ERROR_MORE_DATA);
    assert_true(size > 1);
    assert_string_equal(buffer, "###");
    size = 1;
    assert_false(GetUserNameExW(NameSamCompatible, wide, &size));
    assert_int_equal(GetLastError(), ERROR_MORE_DATA);
    assert_true(size > 1);
    assert_int_equal(wide[0], '#');
}

/* Exactly the room that was asked for is enough; one less is not. */
static void test_U1_needed_is_enough(void **state)
{
    char buffer[512];
    ULONG needed = 0, size;
    assert_false(GetUserNameExA(NameSamCompatible, NULL, &needed));
    size = needed - 1;
    assert_false(GetUserNameExA(NameSamCompatible, buffer, &size));
    size = needed;
    assert_true(GetUserNameExA(NameSamCompatible, buffer, &size));
    assert_int_equal(size, needed - 1); /* without the NUL */
    assert_int_equal(strlen(buffer), size);
}

static void test_U1_other_formats(void **state)
{
    for (size_t i = 0; i < FORMATS; i++) {
        char buffer[512] = "#";
        ULONG size = sizeof buffer;
        SetLastError(0);
        if (formats[i] == NameSamCompatible || formats[i] == NameDisplay) {
            continue; /* the full name may be known */
        }
        assert_false(GetUserNameExA(formats[i], buffer, &size));
        assert_int_equal(GetLastError(), formats[i] == NameUnknown ? ERROR_NO_SUCH_USER : ERROR_NONE_MAPPED);
        assert_string_equal(buffer, "#");
    }
    ULONG size = 0;
    assert_false(GetUserNameExA((EXTENDED_NAME_FORMAT)11, NULL, &size));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_false(GetUserNameExA(NameSamCompatible, NULL, NULL)); /* Windows crashes */
}

static void test_U2_sam_compatible(void **state)
{
    char buffer[512];
    WCHAR wide[512];
    ULONG size = sizeof buffer;
    assert_true(GetUserNameExA(NameSamCompatible, buffer, &size));
    const char *backslash = strchr(buffer, '\\');
    assert_non_null(backslash);
    assert_true(backslash != buffer);
    assert_string_equal(backslash + 1, getpwuid(geteuid())->pw_name);
    size = 512;
    assert_true(GetUserNameExW(NameSamCompatible, wide, &size));
    assert_int_equal(size, strlen(buffer)); /* an ASCII name, here as there */
    for (ULONG i = 0; i <= size; i++) {
        assert_int_equal(wide[i], buffer[i]);
    }
}

/* The full name is what passwd(5) has of it. */
static void the_full_name(void **state)
{
    char buffer[512] = "#", expected[512];
    ULONG size = sizeof buffer;
    snprintf(expected, sizeof expected, "%s", getpwuid(geteuid())->pw_gecos);
    expected[strcspn(expected, ",")] = '\0';
    BOOLEAN known = GetUserNameExA(NameDisplay, buffer, &size);
    assert_int_equal(known, expected[0] != '\0');
    assert_string_equal(buffer, known ? expected : "#");
    if (!known) {
        assert_int_equal(GetLastError(), ERROR_NONE_MAPPED);
    }
}

static void test_U3_outside_of_a_domain(void **state)
{
    for (size_t i = 0; i < FORMATS; i++) {
        ULONG size = 0;
        SetLastError(0);
        assert_false(GetComputerObjectNameA(formats[i], NULL, &size));
        assert_int_equal(GetLastError(),
                         formats[i] == NameUnknown ? ERROR_INVALID_PARAMETER : ERROR_CANT_ACCESS_DOMAIN_INFO);
        SetLastError(0);
        assert_false(GetComputerObjectNameW(formats[i], NULL, &size));
        assert_int_equal(GetLastError(),
                         formats[i] == NameUnknown ? ERROR_INVALID_PARAMETER : ERROR_CANT_ACCESS_DOMAIN_INFO);
    }
}

/* The policy is read once in a process: a member's life is a child's. */
static void in_a_domain(void)
{
    char path[] = "/tmp/sspi-secext-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_true(dprintf(file, "[names]\nnetbios-computer = SERVER1\nnetbios-domain = EXAMPLE\ndomain-member = yes\n") >
                0);
    close(file);
    setenv("SSPI_CONFIG", path, 1);
    char buffer[64] = "#";
    ULONG size = 0;
    assert_false(GetComputerObjectNameA(NameSamCompatible, NULL, &size));
    assert_int_equal(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(size, sizeof "EXAMPLE\\SERVER1$");
    assert_true(GetComputerObjectNameA(NameSamCompatible, buffer, &size));
    assert_string_equal(buffer, "EXAMPLE\\SERVER1$");
    assert_int_equal(size, sizeof "EXAMPLE\\SERVER1$" - 1);
    assert_false(GetComputerObjectNameA(NameDisplay, buffer, &size));
    assert_int_equal(GetLastError(), ERROR_NONE_MAPPED);
    assert_int_equal(unlink(path), 0);
}

static const char *self;

static void test_U3_in_a_domain(void **state)
{
    pid_t child = fork();
    assert_int_not_equal(child, -1);
    if (child == 0) {
        execl(self, self, "in-a-domain", (char *)NULL);
        _exit(127);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* How PostgreSQL asks: the size first, and no other error than this one. */
static void translate(void **state)
{
    char own[512], buffer[512] = "#";
    WCHAR wide[512], wide_own[512];
    ULONG size = sizeof own, needed = 0;
    assert_true(GetUserNameExA(NameSamCompatible, own, &size));
    assert_false(TranslateNameA(own, NameSamCompatible, NameSamCompatible, NULL, &needed));
    assert_int_equal(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(needed, strlen(own) + 1);
    size = needed - 1;
    assert_false(TranslateNameA(own, NameSamCompatible, NameSamCompatible, buffer, &size));
    assert_int_equal(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(size, needed);
    assert_string_equal(buffer, "#");
    assert_true(TranslateNameA(own, NameUnknown, NameSamCompatible, buffer, &size));
    assert_string_equal(buffer, own);
    assert_int_equal(size, needed);
    size = 512;
    assert_true(GetUserNameExW(NameSamCompatible, wide_own, &size));
    size = needed;
    assert_true(TranslateNameW(wide_own, NameSamCompatible, NameSamCompatible, wide, &size));
    assert_memory_equal(wide, wide_own, needed * sizeof *wide);
}

static void translate_what_cannot_be(void **state)
{
    char buffer[32] = "#";
    ULONG size = sizeof buffer;
    assert_false(TranslateNameA("alice", NameSamCompatible, NameUserPrincipal, buffer, &size));
    assert_int_equal(GetLastError(), ERROR_NONE_MAPPED);
    assert_false(TranslateNameA(".\\no such user", NameSamCompatible, NameSamCompatible, buffer, &size));
    assert_int_equal(GetLastError(), ERROR_NONE_MAPPED);
    assert_false(TranslateNameA("EXAMPLE\\alice", NameSamCompatible, NameUserPrincipal, buffer, &size));
    assert_int_equal(GetLastError(), ERROR_NO_SUCH_DOMAIN);
    assert_false(TranslateNameA("alice@example.com", NameUserPrincipal, NameSamCompatible, buffer, &size));
    assert_int_equal(GetLastError(), ERROR_NO_SUCH_DOMAIN);
    assert_false(TranslateNameA("EXAMPLE\\alice", NameSamCompatible, NameUnknown, buffer, &size));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_false(TranslateNameA("EXAMPLE\\alice", (EXTENDED_NAME_FORMAT)11, NameUserPrincipal, buffer, &size));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_false(TranslateNameA("EXAMPLE\\alice", NameSamCompatible, NameUserPrincipal, buffer, NULL));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_false(TranslateNameA("", NameSamCompatible, NameUserPrincipal, buffer, &size));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_false(TranslateNameA(NULL, NameSamCompatible, NameUserPrincipal, buffer, &size));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_false(TranslateNameW(NULL, NameSamCompatible, NameUserPrincipal, NULL, &size));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_false(TranslateNameA("\xff\\alice", NameSamCompatible, NameUserPrincipal, buffer, &size));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_string_equal(buffer, "#");
}

/* ---------------------------------------------------------------- impersonation */

static void *name_of_another_thread(void *buffer)
{
    ULONG size = 64;
    return GetUserNameExA(NameSamCompatible, buffer, &size) ? buffer : NULL;
}

static void the_impersonated_user(void **state)
{
    struct pair pair;
    char own[64], name[64], elsewhere[64];
    ULONG size = sizeof own;
    assert_true(GetUserNameExA(NameSamCompatible, own, &size));
    pair_open(&pair, 0);
    assert_status(ImpersonateSecurityContext(&pair.server), SEC_E_OK);
    size = sizeof name;
    assert_true(GetUserNameExA(NameSamCompatible, name, &size));
    assert_string_equal(name, "Domain\\User");
    pthread_t thread;
    void *found = NULL;
    assert_int_equal(pthread_create(&thread, NULL, name_of_another_thread, elsewhere), 0);
    assert_int_equal(pthread_join(thread, &found), 0);
    assert_non_null(found);
    assert_string_equal(elsewhere, own);
    assert_status(RevertSecurityContext(&pair.server), SEC_E_OK);
    size = sizeof name;
    assert_true(GetUserNameExA(NameSamCompatible, name, &size));
    assert_string_equal(name, own);
    pair_close(&pair);
}

/* No directory of this machine's, and no keys of its own. */
static void alone(void)
{
    static char path[] = "/tmp/sspi-secext-XXXXXX";
    int file = mkstemp(path);
    if (file < 0 || dprintf(file, "[names]\nlookup-timeout = 0\n") < 0 || close(file) != 0) {
        abort();
    }
    setenv("SSPI_CONFIG", path, 1);
    setenv("KRB5_KTNAME", "/nonexistent/keytab", 1);
    setenv("KRB5CCNAME", "/nonexistent/cache", 1);
    SSPI_EXT_ACCOUNT *account = NULL; /* the policy is read once, now */
    (void)SspiExtFindAccount("EXAMPLE\\alice", &account);
    (void)unlink(path);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "in-a-domain") == 0) {
        in_a_domain();
        return 0;
    }
    self = argv[0];
    alone();
    (void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL); /* in which nobody is logged on */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_U1_size_zero),
        cmocka_unit_test(test_U1_size_one),
        cmocka_unit_test(test_U1_needed_is_enough),
        cmocka_unit_test(test_U1_other_formats),
        cmocka_unit_test(test_U2_sam_compatible),
        cmocka_unit_test(the_full_name),
        cmocka_unit_test(test_U3_outside_of_a_domain),
        cmocka_unit_test(test_U3_in_a_domain),
        cmocka_unit_test(translate),
        cmocka_unit_test(translate_what_cannot_be),
        cmocka_unit_test(the_impersonated_user),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("secext", tests, NULL, NULL);
}
