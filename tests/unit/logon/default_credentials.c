/* The default identity: the kernel keyring's logon session, then NTLM_USER_FILE. */
#include "logon_test.h"

#include <errno.h>
#include <keyutils.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "logon/default_credentials.h"

static char *directory;
static bool have_keyring;

/* A session keyring of the test's own: the one of whoever runs it stays as it is. */
static int set_up_all(void **state)
{
    directory = scratch_make();
    unsetenv("NTLM_USER_FILE");
    have_keyring = keyctl_join_session_keyring(NULL) >= 0;
    if (have_keyring) { /* some sandboxes let a process join one and then refuse keys */
        key_serial_t key = add_key("user", "sspi:probe", "x", 1, KEY_SPEC_SESSION_KEYRING);
        have_keyring = key >= 0;
    }
    return 0;
}

static int tear_down_all(void **state)
{
    scratch_remove(directory);
    return 0;
}

static int clear(void **state)
{
    unsetenv("NTLM_USER_FILE");
    SECURITY_STATUS ignored = logon_session_clear();
    (void)ignored;
    return 0;
}

static void need_keyring(void)
{
    if (!have_keyring) {
        print_message("# the kernel refuses its keyring to this process: the logon session is not tested\n");
        skip();
    }
}

static void store(struct utf16 user, struct utf16 domain, struct utf16 password, uint32_t lifetime)
{
    AUTO_IDENTITY identity = {0};
    assert_ok(utf16_copy(user, &identity.user));
    assert_ok(utf16_copy(domain, &identity.domain));
    assert_ok(secret_copy(&identity.password, utf16_bytes(password)));
    identity.has_user = identity.has_domain = identity.has_password = true;
    assert_ok(logon_session_store(&identity, lifetime));
}

static void check_password(const struct identity *identity, struct utf16 password)
{
    assert_true(identity->has_password);
    assert_false(identity->has_nt_hash);
    assert_text(utf16_of(secret_bytes(&identity->password)), password);
}

static void keeps_a_password(void **state)
{
    AUTO_IDENTITY identity = {0};
    need_keyring();
    store(U("User"), U("Domain"), U("p\u00E4ss"), 0);
    assert_ok(logon_session_load(&identity));
    assert_true(identity.has_user && identity.has_domain);
    assert_text(identity.user, U("User"));
    assert_text(identity.domain, U("Domain"));
    check_password(&identity, U("p\u00E4ss"));

    identity_free(&identity);
    identity = (struct identity){0};
    store(U("Other"), UTF16_NONE, UTF16_NONE, 3600); /* in place of the first */
    assert_ok(logon_session_load(&identity));
    assert_text(identity.user, U("Other"));
    assert_false(identity.has_domain);
    check_password(&identity, UTF16_NONE);
}

static void keeps_a_hash(void **state)
{
    AUTO_IDENTITY identity = {0};
    AUTO_IDENTITY back = {0};
    need_keyring();
    assert_ok(utf16_copy(U("User"), &identity.user));
    identity.has_user = identity.has_nt_hash = true;
    memset(identity.nt_hash.b, 0x77, 16);
    assert_ok(logon_session_store(&identity, 0));
    assert_ok(logon_session_load(&back));
    assert_true(back.has_nt_hash);
    assert_false(back.has_password);
    assert_memory_equal(back.nt_hash.b, identity.nt_hash.b, 16);
    assert_int_equal(back.password.size, 0);
}

static void ends(void **state)
{
    AUTO_IDENTITY identity = {0};
    need_keyring();
    assert_status(logon_session_load(&identity), SEC_E_NO_CREDENTIALS);
    assert_status(logon_session_clear(), SEC_E_NO_CREDENTIALS);
    store(U("User"), U("Domain"), U("x"), 0);
    assert_ok(logon_session_clear());
    assert_status(logon_session_load(&identity), SEC_E_NO_CREDENTIALS);
    assert_null(identity.user.data);
}

static void expires(void **state)
{
    AUTO_IDENTITY identity = {0};
    need_keyring();
    store(U("User"), U("Domain"), U("x"), 1);
    double deadline = seconds_now() + 20;
    while (logon_session_load(&identity) == SEC_E_OK && seconds_now() < deadline) {
        identity_free(&identity);
        identity = (struct identity){0};
        pause_briefly();
    }
    assert_status(logon_session_load(&identity), SEC_E_NO_CREDENTIALS);
    store(U("Next"), U("Domain"), U("x"), 0); /* in spite of what is left of the old one */
    assert_ok(logon_session_load(&identity));
    assert_text(identity.user, U("Next"));
}

static void is_for_its_possessor_alone(void **state)
{
    char *description = NULL;
    need_keyring();
    store(U("User"), U("Domain"), U("x"), 0);
    long key = keyctl_search(KEY_SPEC_SESSION_KEYRING, "user", "sspi:logon", 0);
    assert_true(key > 0);
    assert_true(keyctl_describe_alloc((key_serial_t)key, &description) > 0); /* type;uid;gid;permissions;name */
    assert_non_null(strstr(description, ";3f000000;"));
    free(description);
}

static void refuses_a_damaged_session(void **state)
{
    static const char *const payloads[] = {
        "00",
        "02 0000 0000 01 0000",
        "01",
        "01 0100 41 0000 01 0000",
        "01 0000 0000 03 0000",
        "01 0000 0000 01 0100 41",
        "01 0000 0000 02 0200 4141",
        "01 ffff 0000 01 0000",
        "01 0000 0000 01 0000 00",
    };
    need_keyring();
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        struct hex payload = hex(payloads[i]);
        struct identity identity = {0};
        assert_true(add_key("user", "sspi:logon", payload.data, payload.size, KEY_SPEC_SESSION_KEYRING) > 0);
        assert_status(logon_session_load(&identity), SEC_E_NO_CREDENTIALS);
        assert_null(identity.user.data);
    }
}

static void refuses_what_does_not_fit(void **state)
{
    static uint8_t endless[40000];
    struct identity identity = {.user = {endless, sizeof endless}, .has_user = true, .has_password = true};
    status_begin();
    assert_int_not_equal(logon_session_store(&identity, 0), SEC_E_OK);
    assert_non_null(status_reason(NULL, NULL, NULL));
}

static void reads_the_user_file(void **state)
{
    AUTO_IDENTITY identity = {0};
    write_file(in(directory, "users"), "# mine\n"
                                       "ONE:alice:first\n"
                                       "TWO:bob:second\n"
                                       "TWO:alice:third\n"
                                       "carol:1000:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:"
                                       "A4F49C406510BDCAB6824EE7C30FD852:[U          ]:LCT-00000000:\n");
    setenv("NTLM_USER_FILE", in(directory, "users"), 1);
    static const struct {
        struct utf16 principal, user, domain, password;
    } cases[] = {
        {U(""), U("alice"), U("ONE"), U("first")},           {U("ALICE"), U("alice"), U("ONE"), U("first")},
        {U("two\\alice"), U("alice"), U("TWO"), U("third")}, {U("alice@TWO"), U("alice"), U("TWO"), U("third")},
        {U("bob"), U("bob"), U("TWO"), U("second")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        identity = (struct identity){0};
        assert_ok(default_credentials(cases[i].principal, &identity));
        assert_text(identity.user, cases[i].user);
        assert_text(identity.domain, cases[i].domain);
        check_password(&identity, cases[i].password);
        identity_free(&identity);
    }
    identity = (struct identity){0};
    assert_ok(default_credentials(U("carol"), &identity));
    assert_true(identity.has_nt_hash);
    assert_false(identity.has_password);
    assert_false(identity.has_domain);
    assert_hex(identity.nt_hash.b, 16, "a4f49c406510bdcab6824ee7c30fd852");
}

static void has_none(void **state)
{
    AUTO_IDENTITY identity = {0};
    assert_status(default_credentials(UTF16_NONE, &identity), SEC_E_NO_CREDENTIALS);
    setenv("NTLM_USER_FILE", in(directory, "absent"), 1);
    assert_status(default_credentials(UTF16_NONE, &identity), SEC_E_NO_CREDENTIALS);
    write_file(in(directory, "users"), "ONE:alice:first\n");
    setenv("NTLM_USER_FILE", in(directory, "users"), 1);
    assert_status(default_credentials(U("TWO\\alice"), &identity), SEC_E_NO_CREDENTIALS);
    assert_status(default_credentials(U("bob"), &identity), SEC_E_NO_CREDENTIALS);
    assert_null(identity.user.data);
}

static void prefers_the_session(void **state)
{
    AUTO_IDENTITY identity = {0};
    need_keyring();
    write_file(in(directory, "users"), "ONE:alice:first\n");
    setenv("NTLM_USER_FILE", in(directory, "users"), 1);
    store(U("User"), U("Domain"), U("x"), 0);
    assert_ok(default_credentials(UTF16_NONE, &identity));
    assert_text(identity.user, U("User"));
    identity_free(&identity);
    identity = (struct identity){0};
    assert_ok(logon_session_clear());
    assert_ok(default_credentials(UTF16_NONE, &identity));
    assert_text(identity.user, U("alice"));
}

/* A child of the session sees it; a process in a session of its own does not. */
static void reaches_the_session_and_no_further(void **state)
{
    need_keyring();
    store(U("User"), U("Domain"), U("x"), 0);
    for (int own = 0; own <= 1; own++) {
        pid_t child = fork();
        if (child == 0) {
            struct identity identity = {0};
            if (own != 0 && keyctl_join_session_keyring(NULL) < 0) {
                _exit(7);
            }
            _exit(logon_session_load(&identity) == SEC_E_OK ? 1 : 2);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), own ? 2 : 1);
    }
}

/* What container runtimes do: the keyring's system calls fail with EPERM. */
static bool forbid_keyrings(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_add_key, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_keyctl, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    const struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int without_keyrings(void)
{
    struct identity identity = {.has_user = true, .has_password = true};
    if (!forbid_keyrings()) {
        return 77;
    }
    if (logon_session_store(&identity, 0) != SEC_E_INTERNAL_ERROR) {
        return 1;
    }
    if (logon_session_load(&identity) != SEC_E_NO_CREDENTIALS || logon_session_clear() != SEC_E_NO_CREDENTIALS) {
        return 2;
    }
    if (default_credentials(UTF16_NONE, &identity) != SEC_E_OK || !utf16_equal(identity.user, U("alice"))) {
        return 3;
    }
    unsetenv("NTLM_USER_FILE");
    return default_credentials(UTF16_NONE, &identity) == SEC_E_NO_CREDENTIALS ? 0 : 4;
}

static void does_without_a_keyring(void **state)
{
    write_file(in(directory, "users"), "ONE:alice:first\n");
    setenv("NTLM_USER_FILE", in(directory, "users"), 1);
    pid_t child = fork();
    if (child == 0) {
        _exit(without_keyrings());
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("# the kernel has no seccomp filters: a container without a keyring cannot be imitated\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define CLEARED(test) cmocka_unit_test_setup_teardown(test, clear, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLEARED(keeps_a_password),
        CLEARED(keeps_a_hash),
        CLEARED(ends),
        CLEARED(expires),
        CLEARED(is_for_its_possessor_alone),
        CLEARED(refuses_a_damaged_session),
        CLEARED(refuses_what_does_not_fit),
        CLEARED(reads_the_user_file),
        CLEARED(has_none),
        CLEARED(prefers_the_session),
        CLEARED(reaches_the_session_and_no_further),
        CLEARED(does_without_a_keyring),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
