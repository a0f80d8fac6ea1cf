/* Policy: every key, and that a file with anything wrong in it changes nothing. */
#include "logon_test.h"

#include "base/policy.h"

static char *directory;

static int set_up(void **state)
{
    directory = scratch_make();
    return 0;
}

static int tear_down(void **state)
{
    scratch_remove(directory);
    return 0;
}

static int read_text(const char *text, struct policy *out)
{
    const char *path = in(directory, "sspi.conf");
    write_file(path, text);
    policy_defaults(out);
    return policy_read_file(path, out);
}

/* product.md's "safe by default", in numbers. */
static void has_safe_defaults(void **state)
{
    struct policy policy;
    memset(&policy, 0xAA, sizeof policy);
    policy_defaults(&policy);
    assert_true(policy.ntlm_enabled);
    assert_int_equal(policy.ntlm_send_level, 3);
    assert_int_equal(policy.ntlm_accept_level, 5);
    assert_true(policy.ntlm_require_128);
    assert_false(policy.ntlm_require_mic);
    assert_int_equal(policy.ntlm_max_skew, 0);
    assert_int_equal(policy.ntlm_target, POLICY_TARGET_ANY);
    assert_string_equal(policy.ntlm_target_names, "");
    assert_string_equal(policy.netbios_computer, "");
    assert_string_equal(policy.netbios_domain, "");
    assert_string_equal(policy.dns_computer, "");
    assert_string_equal(policy.dns_domain, "");
    assert_false(policy.domain_member);
    assert_int_equal(policy.lookup_seconds, 5);
    assert_int_equal(policy.accounts, POLICY_ACCOUNTS_LMDB);
    assert_string_equal(policy.accounts_path, "");
    assert_int_equal(policy.lockout_threshold, 10);
    assert_int_equal(policy.lockout_seconds, 900);
    assert_string_equal(policy.certificate_roots, "");
    assert_string_equal(policy.certificate_crls, "");
    assert_false(policy.switch_uid);
}

static void reads_every_key(void **state)
{
    struct policy policy;
    assert_int_equal(read_text("\xEF\xBB\xBF# a comment, after a byte order mark\n"
                               "[ntlm]\n"
                               "enabled = no ; with a remark\n"
                               "send-level = 5\n"
                               "accept-level=0\n"
                               "require-128-bit = FALSE\n"
                               "require-mic = on\n"
                               "max-clock-skew = 129600\n"
                               "target-name = Required\r\n"
                               "target-names = HTTP/host, HTTP/host.example.com\n"
                               "target-names = MSSQLSvc/host:1433\n"
                               "\n"
                               "[names]\n"
                               "netbios-computer = SERVER\n"
                               "netbios-domain = D\xC3\x96RFCHENABCDEFG\n"
                               "dns-computer = server.example.com\n"
                               "dns-domain = example.com\n"
                               "domain-member = 1\n"
                               "lookup-timeout = 0\n"
                               "[accounts]\n"
                               "backend = winbind\n"
                               "path = /srv/my accounts\n"
                               "lockout-threshold = 0\n"
                               "lockout-duration = 60\n"
                               "[certificates]\n"
                               "roots = /etc/pki/our roots.pem\n"
                               "crls = /var/lib/crls\n"
                               "[packages]\n"
                               "allow = /usr/lib/sspi /opt/one.so\n"
                               "allow = /srv/sspi\n"
                               "[impersonation]\n"
                               "switch-uid = true",
                               &policy),
                     0);
    assert_false(policy.ntlm_enabled);
    assert_int_equal(policy.ntlm_send_level, 5);
    assert_int_equal(policy.ntlm_accept_level, 0);
    assert_false(policy.ntlm_require_128);
    assert_true(policy.ntlm_require_mic);
    assert_int_equal(policy.ntlm_max_skew, 129600);
    assert_int_equal(policy.ntlm_target, POLICY_TARGET_REQUIRED);
    assert_string_equal(policy.ntlm_target_names, "HTTP/host, HTTP/host.example.com, MSSQLSvc/host:1433");
    assert_string_equal(policy.netbios_computer, "SERVER");
    assert_string_equal(policy.netbios_domain, "D\xC3\x96RFCHENABCDEFG");
    assert_string_equal(policy.dns_computer, "server.example.com");
    assert_string_equal(policy.dns_domain, "example.com");
    assert_true(policy.domain_member);
    assert_int_equal(policy.lookup_seconds, 0);
    assert_int_equal(policy.accounts, POLICY_ACCOUNTS_WINBIND);
    assert_string_equal(policy.accounts_path, "/srv/my accounts");
    assert_int_equal(policy.lockout_threshold, 0);
    assert_int_equal(policy.lockout_seconds, 60);
    assert_string_equal(policy.certificate_roots, "/etc/pki/our roots.pem");
    assert_string_equal(policy.certificate_crls, "/var/lib/crls");
    assert_string_equal(policy.packages_allow, "/usr/lib/sspi /opt/one.so, /srv/sspi");
    assert_true(policy.switch_uid);
}

static void reads_every_word(void **state)
{
    static const struct {
        const char *text;
        enum policy_accounts accounts;
        enum policy_target target;
    } cases[] = {
        {"[accounts]\nbackend = lmdb\n[ntlm]\ntarget-name = any\n", POLICY_ACCOUNTS_LMDB, POLICY_TARGET_ANY},
        {"[accounts]\nbackend = file\n[ntlm]\ntarget-name = if-sent\n", POLICY_ACCOUNTS_FILE, POLICY_TARGET_IF_SENT},
        {"[accounts]\nbackend = winbind\n[ntlm]\ntarget-name = required\n", POLICY_ACCOUNTS_WINBIND,
         POLICY_TARGET_REQUIRED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct policy policy;
        assert_int_equal(read_text(cases[i].text, &policy), 0);
        assert_int_equal(policy.accounts, cases[i].accounts);
        assert_int_equal(policy.ntlm_target, cases[i].target);
    }
}

static void refuses_a_bad_file_as_a_whole(void **state)
{
#define GOOD "[ntlm]\nenabled = no\n" /* two lines that must not be believed when a later one is bad */
    static const struct {
        const char *text;
        int line;
    } cases[] = {
        {GOOD "accept-level = 6\n", 3},
        {GOOD "[packages]\nallow = /usr/lib/sspi, lib/sspi\n", 4},
        {GOOD "[packages]\nallow = .\n", 4},
        {GOOD "accept-level = -1\n", 3},
        {GOOD "accept-level = 0x3\n", 3},
        {GOOD "accept-level = 3.0\n", 3},
        {GOOD "accept-level =\n", 3},
        {GOOD "accept-level = 4294967299\n", 3},
        {GOOD "acceptlevel = 3\n", 3},
        {GOOD "Accept-Level = 3\n", 3},
        {GOOD "= 3\n", 3},
        {GOOD "accept-level 3\n", 3},
        {GOOD "require-mic = maybe\n", 3},
        {GOOD "require-mic = yes no\n", 3},
        {GOOD "target-name = sometimes\n", 3},
        {GOOD "enabled = no\n", 3},        /* given twice */
        {GOOD "send-level = 3\n  4\n", 4}, /* a continuation line */
        {GOOD "[ntml]\n", 3},              /* an unknown section, though empty */
        {GOOD "[ntlm] x\n", 3},
        {GOOD "[names\n", 3},
        {GOOD "\n\n[names]\nnetbios-computer = ABCDEFGHIJKLMNOP\n", 6}, /* 16 characters */
        {GOOD "[names]\nnetbios-computer = A\\B\n", 4},
        {GOOD "[names]\ndns-domain = exa mple.com\n", 4},
        {GOOD "[names]\nenabled = yes\n", 4}, /* of another section */
        {GOOD "[accounts]\npath = relative/path\n", 4},
        {GOOD "[accounts]\nlockout-threshold = 1000\n", 4},
        {GOOD "[accounts]\nbackend = sqlite\n", 4},
        {"enabled = no\n", 1},             /* before any section */
        {"\n\nenabled = no\n[ntml]\n", 3}, /* the first of two */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct policy policy;
        struct policy defaults;
        policy_defaults(&defaults);
        int line = read_text(cases[i].text, &policy);
        if (line != cases[i].line) {
            fail_msg("\"%s\" gave line %d, not %d", cases[i].text, line, cases[i].line);
        }
        assert_memory_equal(&policy, &defaults, sizeof policy);
    }
}

static void refuses_what_it_would_see_in_part(void **state)
{
    struct policy policy;
    char text[1024] = "[ntlm]\ntarget-names = ";
    memset(text + strlen(text), 'x', 300); /* longer than the parser's line */
    strcat(text, "\nenabled = no\n");
    assert_int_equal(read_text(text, &policy), 2);
    assert_true(policy.ntlm_enabled);

    static const char with_nul[] = "[ntlm]\nenabled = no\0 thing\n";
    write_file_size(in(directory, "nul"), with_nul, sizeof with_nul - 1);
    assert_int_equal(policy_read_file(in(directory, "nul"), &policy), 2);
    assert_true(policy.ntlm_enabled);
}

static void tells_unreadable_from_bad(void **state)
{
    struct policy policy;
    struct policy defaults;
    policy_defaults(&policy);
    policy_defaults(&defaults);
    assert_int_equal(policy_read_file(in(directory, "absent"), &policy), -1);
    assert_int_equal(policy_read_file(directory, &policy), -1);
    assert_memory_equal(&policy, &defaults, sizeof policy);
    assert_int_equal(read_text("", &policy), 0);
    assert_memory_equal(&policy, &defaults, sizeof policy);
}

/* In a process of its own, since a policy is read once: what AcquireCredentialsHandle says under this file. */
static void acquire_under(const char *path, SECURITY_STATUS expected)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        static WCHAR ntlm[] = {'N', 'T', 'L', 'M', 0};
        CredHandle credential;
        setenv("SSPI_CONFIG", path, 1);
        SECURITY_STATUS status =
            AcquireCredentialsHandleW(NULL, ntlm, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL, &credential, NULL);
        _exit(status == expected ? 0 : 1);
    }
    int ended = -1;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
}

static void a_broken_file_allows_nothing(void **state)
{
    const char *path = in(directory, "broken.conf");
    write_file(path, "[ntlm]\nenabled = maybe\n");
    acquire_under(path, SEC_E_INTERNAL_ERROR);
    write_file(path, "[ntlm]\nenabled = no\n");
    acquire_under(path, SEC_E_SECPKG_NOT_FOUND);
    write_file(path, "[ntlm]\nenabled = yes\n");
    acquire_under(path, SEC_E_OK);
    acquire_under(in(directory, "not-there.conf"), SEC_E_INTERNAL_ERROR);
}

static void is_read_once_a_process(void **state)
{
    write_file(in(directory, "first.conf"), "[ntlm]\nsend-level = 5\n");
    setenv("SSPI_CONFIG", in(directory, "first.conf"), 1);
    const struct policy *policy = policy_get();
    assert_int_equal(policy->ntlm_send_level, 5);
    write_file(in(directory, "first.conf"), "[ntlm]\nsend-level = 0\n");
    assert_ptr_equal(policy_get(), policy);
    assert_int_equal(policy_get()->ntlm_send_level, 5);

    struct policy other;
    policy_defaults(&other);
    policy_override(&other);
    assert_ptr_equal(policy_get(), &other);
    policy_override(NULL);
    assert_ptr_equal(policy_get(), policy);
}

static void is_documented_key_by_key(void **state)
{
    static const char *const keys[] = {
        "enabled",          "send-level",     "accept-level", "require-128-bit",
        "require-mic",      "max-clock-skew", "target-name",  "target-names",
        "netbios-computer", "netbios-domain", "dns-computer", "dns-domain",
        "domain-member",    "backend",        "path",         "lockout-threshold",
        "lockout-duration", "switch-uid",     "allow",
    };
    static char page[65536];
    FILE *file = fopen(SOURCE_ROOT "/docs/man/sspi.conf.5", "r");
    assert_non_null(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char heading[64];
        snprintf(heading, sizeof heading, "\n.It Ic %s =", keys[i]);
        if (strstr(page, heading) == NULL) {
            fail_msg("sspi.conf(5) has no entry for %s", keys[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_safe_defaults),
        cmocka_unit_test(reads_every_key),
        cmocka_unit_test(reads_every_word),
        cmocka_unit_test(refuses_a_bad_file_as_a_whole),
        cmocka_unit_test(refuses_what_it_would_see_in_part),
        cmocka_unit_test(tells_unreadable_from_bad),
        cmocka_unit_test(a_broken_file_allows_nothing),
        cmocka_unit_test(is_read_once_a_process),
        cmocka_unit_test(is_documented_key_by_key),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
