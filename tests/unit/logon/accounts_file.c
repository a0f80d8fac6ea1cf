/* Account files: the three forms of lines, and a source that follows its file. */
#include "logon_test.h"

#include "base/clock.h"
#include "logon/accounts.h"
#include "logon/user_file.h"

#define HASH    "A4F49C406510BDCAB6824EE7C30FD852" /* NTOWFv1("Password"), MS-NLMP 4.2.2.1.2 */
#define LM      "E52CAC67419A9A224A3B108F3FA6CB6D" /* LMOWFv1("Password"), MS-NLMP 4.2.2.1.1 */
#define NO_HASH "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"

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

/* ---------------------------------------------------------------- lines */

/* A line in brief: "12 user@domain password nt lm disabled", for comparison. */
static SECURITY_STATUS describe(void *argument, const struct user_line *line)
{
    char *out = argument;
    char *user = NULL;
    char *domain = NULL;
    char *password = NULL;
    out += strlen(out);
    if (line->bad) {
        sprintf(out, "%zu bad\n", line->number);
        return SEC_E_OK;
    }
    assert_ok(utf16_to_utf8(line->user, &user, NULL));
    assert_ok(utf16_to_utf8(line->domain, &domain, NULL));
    assert_ok(utf16_to_utf8(line->password, &password, NULL));
    sprintf(out, "%zu %s@%s", line->number, user, domain);
    if (line->has_password) {
        sprintf(out + strlen(out), " '%s'", password);
    }
    if (line->can_log_on) {
        sprintf(out + strlen(out), " %02X%02X", line->nt_hash.b[0], line->nt_hash.b[15]);
    }
    sprintf(out + strlen(out), "%s%s\n", line->has_lm_hash ? " lm" : "", line->disabled ? " disabled" : "");
    free(user);
    free(domain);
    free(password);
    return SEC_E_OK;
}

static void check_line(const char *text, const char *expected)
{
    char out[512] = "";
    size_t size = strlen(text);
    char *copy = malloc(size + 1); /* exactly as long, so that a read too far is seen */
    memcpy(copy, text, size);
    assert_ok(user_line_read(bytes_of(copy, size), 1, describe, out));
    free(copy);
    if (strcmp(out, expected) != 0) {
        fail_msg("\"%s\" was read as \"%s\", not as \"%s\"", text, out, expected);
    }
}

static void reads_every_form(void **state)
{
    check_line("DOMAIN:User:Password", "1 User@DOMAIN 'Password' A452\n");
    check_line("DOMAIN:User:Password\r\n", "1 User@DOMAIN 'Password' A452\n");
    check_line(":User:Password", "1 User@ 'Password' A452\n");
    check_line("DOMAIN:User:", "1 User@DOMAIN '' 31C0\n"); /* MD4 of nothing, RFC 1320 A.5: 31d6..89c0 */
    check_line("D:\xC3\xBCser:p\xE2\x82\xAC", "1 \xC3\xBCser@D 'p\xE2\x82\xAC' BF0D\n");
    check_line("User:1000:" LM ":" HASH ":[U          ]:LCT-5F3C1A2B:", "1 User@ A452 lm\n");
    check_line("DOM\\User:1000:" NO_HASH ":" HASH ":[UX         ]:LCT-00000000:", "1 User@DOM A452\n");
    check_line("User:1000:" NO_HASH ":" HASH ":[DU         ]:LCT-5F3C1A2B:", "1 User@ A452 disabled\n");
    check_line("User:1000:NO PASSWORDXXXXXXXXXXXXXXXXXXXXX:" NO_HASH ":[NU         ]:LCT-5F3C1A2B:", "1 User@\n");
    check_line("User:1000:" NO_HASH ":" HASH ":[NU         ]:LCT-5F3C1A2B:", "1 User@\n");
    check_line("User:Domain:" LM ":" HASH ":::", "1 User@Domain A452 lm\n");
    check_line("User::"
               ":" HASH ":::",
               "1 User@ A452\n");
    check_line("User:Domain::"
               "a4f49c406510bdcab6824ee7c30fd852"
               ":::",
               "1 User@Domain A452\n");
    check_line("User:Domain:::::", "1 User@Domain\n");
}

static void skips_what_is_no_account(void **state)
{
    check_line("", "");
    check_line("\r\n", "");
    check_line("# DOMAIN:User:Password", "");
    check_line("DOMAIN", "1 bad\n");
    check_line("DOMAIN:User", "1 bad\n");
    check_line("DOMAIN:User:Pass:word", "1 bad\n"); /* three colons are neither form */
    check_line("DOMAIN::Password", "1 bad\n");
    check_line("\xFF\xFE:User:Password", "1 bad\n");
    check_line("DOMAIN:User:\xC3", "1 bad\n");
    check_line(":Domain:" LM ":" HASH ":::", "1 bad\n");
    check_line("DOM\\:1000:" LM ":" HASH ":[U]:", "1 bad\n");
    check_line("User:1000:" LM ":" HASH "0:[U]:", "1 bad\n");
    check_line("User:1000:" LM ":G4F49C406510BDCAB6824EE7C30FD852:[U]:", "1 bad\n");
    check_line("User:1000:12:" HASH ":[U]:", "1 bad\n");
    check_line("::::", "1 bad\n");
    check_line("::::::::::::::::::::", "1 bad\n");
}

/* Any bytes at all: read without a fault, and never more than one account a line. */
static void survives_any_line(void **state)
{
    static const char *const pieces[] = {":", "\\", LM, HASH, "User", "1000", "[D]", "LCT-5F3C1A2B", "\xFF", "#", "X"};
    uint64_t random = 42;
    for (unsigned i = 0; i < 20000; i++) {
        char text[512] = "";
        char out[2048] = "";
        unsigned count = test_random(&random) % 12;
        for (unsigned j = 0; j < count; j++) {
            strcat(text, pieces[test_random(&random) % (sizeof pieces / sizeof pieces[0])]);
        }
        size_t size = strlen(text);
        char *copy = malloc(size + 1);
        memcpy(copy, text, size);
        assert_ok(user_line_read(bytes_of(copy, size), i, describe, out));
        free(copy);
        assert_true(strchr(out, '\n') == NULL || strchr(out, '\n')[1] == '\0');
    }
}

static SECURITY_STATUS refuse(void *argument, const struct user_line *line)
{
    (*(unsigned *)argument)++;
    return SEC_E_NO_CREDENTIALS;
}

static void reads_files(void **state)
{
    char out[512] = "";
    unsigned calls = 0;
    write_file(in(directory, "users"), "# comment\n\nD:one:1\nnonsense\nD:two:2"); /* no newline at the end */
    assert_ok(user_file_read(in(directory, "users"), describe, out));
    assert_string_equal(out, "3 one@D '1' 692B\n4 bad\n5 two@D '2' 8FB0\n");
    assert_int_equal(user_file_read(in(directory, "users"), refuse, &calls), SEC_E_NO_CREDENTIALS);
    assert_int_equal(calls, 1);
    assert_status(user_file_read(in(directory, "absent"), describe, out), SEC_E_INVALID_PARAMETER);
    assert_status(user_file_read(directory, describe, out), SEC_E_INVALID_PARAMETER);
}

/* ---------------------------------------------------------------- the source */

static struct account look(struct accounts *accounts, struct utf16 user, struct utf16 domain)
{
    struct account account;
    memset(&account, 0xAA, sizeof account);
    assert_ok(accounts->known(accounts, user, domain, &account));
    return account;
}

static void answers_like_a_database(void **state)
{
    struct accounts *accounts = NULL;
    write_file(in(directory, "users"), "ONE:User:Password\n"
                                       "TWO:User:other\n"
                                       "nonsense\n"
                                       "disabled:1000:" LM ":" HASH ":[DU         ]:LCT-5F3C1A2B:\n"
                                       "nopass:1000:" NO_HASH ":" NO_HASH ":[NU         ]:LCT-5F3C1A2B:\n"
                                       "ONE:User:never reached\n");
    assert_ok(accounts_file_open(in(directory, "users"), &accounts));
    assert_non_null(accounts->known);
    assert_null(accounts->verify);
    struct account one = look(accounts, U("uSER"), U("one"));
    assert_int_equal(one.state, ACCOUNT_GOOD);
    assert_hex(one.nt_hash.b, 16, HASH);
    assert_false(one.has_lm_hash);
    assert_int_equal(one.password_expiry, CLOCK_NEVER);
    assert_memory_equal(look(accounts, U("user"), UTF16_NONE).nt_hash.b, one.nt_hash.b, 16);
    assert_memory_equal(look(accounts, U("ONE\\user"), UTF16_NONE).nt_hash.b, one.nt_hash.b, 16);
    struct account two = look(accounts, U("user"), U("TWO"));
    assert_int_equal(two.state, ACCOUNT_GOOD);
    assert_memory_not_equal(two.nt_hash.b, one.nt_hash.b, 16);
    struct account disabled = look(accounts, U("Disabled"), U("ANY"));
    assert_int_equal(disabled.state, ACCOUNT_DISABLED);
    assert_true(disabled.has_lm_hash);
    assert_hex(disabled.lm_hash.b, 16, LM);

    struct account unknown = look(accounts, U("nobody"), UTF16_NONE);
    struct key16 decoy;
    assert_ok(accounts_decoy(&decoy));
    assert_int_equal(unknown.state, ACCOUNT_UNKNOWN);
    assert_memory_equal(unknown.nt_hash.b, decoy.b, 16);
    assert_int_equal(look(accounts, U("user"), U("THREE")).state, ACCOUNT_UNKNOWN);
    assert_int_equal(look(accounts, U("nopass"), UTF16_NONE).state, ACCOUNT_UNKNOWN);
    assert_int_equal(look(accounts, UTF16_NONE, UTF16_NONE).state, ACCOUNT_UNKNOWN);
    accounts->close(accounts);
}

static void wait_for(struct accounts *accounts, struct utf16 user, enum account_state expected)
{
    double deadline = seconds_now() + 20;
    struct account account = {.state = (enum account_state) - 1};
    while (seconds_now() < deadline) {
        if (accounts->known(accounts, user, UTF16_NONE, &account) == SEC_E_OK && account.state == expected) {
            return;
        }
        pause_briefly();
    }
    fail_msg("the file's change was never seen");
}

static void follows_its_file(void **state)
{
    struct accounts *accounts = NULL;
    struct account account;
    write_file(in(directory, "users"), "D:one:1\n");
    assert_ok(accounts_file_open(in(directory, "users"), &accounts));
    assert_int_equal(look(accounts, U("one"), UTF16_NONE).state, ACCOUNT_GOOD);

    write_file(in(directory, "users"), "D:two:1\n"); /* in place, the same size */
    wait_for(accounts, U("two"), ACCOUNT_GOOD);
    assert_int_equal(look(accounts, U("one"), UTF16_NONE).state, ACCOUNT_UNKNOWN);

    write_file(in(directory, "new"), "D:three:1\n"); /* put in its place */
    assert_int_equal(rename(in(directory, "new"), in(directory, "users")), 0);
    wait_for(accounts, U("three"), ACCOUNT_GOOD);

    assert_int_equal(chmod(in(directory, "users"), 0666), 0); /* anybody could have written it */
    double deadline = seconds_now() + 20;
    SECURITY_STATUS status = SEC_E_OK;
    while (status == SEC_E_OK && seconds_now() < deadline) {
        status = accounts->known(accounts, U("three"), UTF16_NONE, &account);
        pause_briefly();
    }
    assert_int_equal(status, SEC_E_INTERNAL_ERROR);
    assert_int_equal(unlink(in(directory, "users")), 0);
    assert_status(accounts->known(accounts, U("three"), UTF16_NONE, &account), SEC_E_INTERNAL_ERROR);
    write_file(in(directory, "users"), "D:four:1\n"); /* and it comes back */
    wait_for(accounts, U("four"), ACCOUNT_GOOD);
    accounts->close(accounts);
}

static void refuses_files_of_others(void **state)
{
    struct accounts *accounts = NULL;
    assert_status(accounts_file_open(in(directory, "absent"), &accounts), SEC_E_INTERNAL_ERROR);
    assert_status(accounts_file_open(directory, &accounts), SEC_E_INTERNAL_ERROR);
    write_file(in(directory, "users"), "D:one:1\n");
    assert_int_equal(chmod(in(directory, "users"), 0620), 0);
    assert_status(accounts_file_open(in(directory, "users"), &accounts), SEC_E_INTERNAL_ERROR);
    assert_null(accounts);
}

#define WITH_SCRATCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(reads_every_form),        WITH_SCRATCH(skips_what_is_no_account),
        WITH_SCRATCH(survives_any_line),       WITH_SCRATCH(reads_files),
        WITH_SCRATCH(answers_like_a_database), WITH_SCRATCH(follows_its_file),
        WITH_SCRATCH(refuses_files_of_others),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
