/* The winbind source.  As "accounts_winbind fake" it finds the library beside it, which answers as told; without, it asks
 * the machine's own libwbclient, which has no winbindd to talk to. */
#include "logon_test.h"

#include <dlfcn.h>

#include <wbclient.h>

#include "base/clock.h"
#include "base/policy.h"
#include "fake_wbclient.h"
#include "logon/accounts.h"

static struct fake_winbind *fake;
static struct accounts *accounts;

static int set_up(void **state)
{
    void *library = dlopen("libwbclient.so.0", RTLD_NOW | RTLD_LOCAL);
    assert_non_null(library);
    fake = dlsym(library, "fake_winbind");
    assert_non_null(fake); /* otherwise it is the real one, and LD_LIBRARY_PATH is wrong */
    *fake = (struct fake_winbind){.contexts = fake->contexts};
    strcpy(fake->answer_account, "alice");
    strcpy(fake->answer_domain, "EXAMPLE");
    assert_ok(accounts_winbind_open(&accounts));
    return 0;
}

static int tear_down(void **state)
{
    accounts->close(accounts);
    assert_int_equal(fake->blocks, 0);
    assert_int_equal(fake->contexts, 0);
    return 0;
}

static uint8_t nt_response[300];
static uint8_t lm_response[24];

static struct logon_attempt attempt(void)
{
    memset(nt_response, 0x4E, sizeof nt_response);
    memset(lm_response, 0x4C, sizeof lm_response);
    return (struct logon_attempt){
        .user = U("\u00C4lice"),
        .domain = U("Example"),
        .workstation = U("DESK"),
        .challenge = {1, 2, 3, 4, 5, 6, 7, 8},
        .nt_response = BYTES(nt_response),
        .lm_response = BYTES(lm_response),
    };
}

/* The question is that of NetrLogonSamLogonEx with the bits E and K (MS-NLMP 3.2.5.1.2, MS-APDS 3.1.5.2). */
static void asks_the_whole_question(void **state)
{
    struct logon_attempt question = attempt();
    struct logon_result result;
    assert_non_null(accounts->verify);
    assert_null(accounts->known);
    assert_ok(accounts->verify(accounts, &question, &result));
    assert_string_equal(fake->account, "\xC3\x84lice");
    assert_string_equal(fake->domain, "Example");
    assert_string_equal(fake->workstation, "DESK");
    assert_int_equal(fake->level, WBC_AUTH_USER_LEVEL_RESPONSE);
    assert_int_equal(fake->parameter_control, 0x820);
    assert_hex(fake->challenge, 8, "0102030405060708");
    assert_int_equal(fake->nt_length, sizeof nt_response);
    assert_memory_equal(fake->nt, nt_response, sizeof nt_response);
    assert_int_equal(fake->lm_length, sizeof lm_response);
    assert_memory_equal(fake->lm, lm_response, sizeof lm_response);
}

static void hands_the_answer_on(void **state)
{
    struct logon_attempt question = attempt();
    struct logon_result result;
    memset(&result, 0xEE, sizeof result);
    assert_ok(accounts->verify(accounts, &question, &result));
    assert_hex(result.session_base_key.b, 16, "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
    assert_hex(result.lm_session_key, 8, "a5a5a5a5a5a5a5a5");
    assert_int_equal(result.user_flags, 0x20);
    assert_int_equal(result.password_expiry, CLOCK_NEVER);
    assert_string_equal(result.unix_name, "EXAMPLE\\alice");

    fake->must_change = 1000000000;
    memset(fake->answer_account, 'a', 100); /* too long for a local name: none, rather than half of one */
    assert_ok(accounts->verify(accounts, &question, &result));
    assert_int_equal(result.password_expiry, UINT64_C(126444736000000000)); /* 2001-09-09 01:46:40 UTC */
    assert_string_equal(result.unix_name, "");
}

static void tells_no_from_nobody_there(void **state)
{
    static const struct {
        int answer;
        uint32_t nt_status;
        SECURITY_STATUS expected;
    } cases[] = {
        {WBC_ERR_AUTH_ERROR, 0xC000006D, SEC_E_LOGON_DENIED}, /* logon failure */
        {WBC_ERR_AUTH_ERROR, 0xC0000064, SEC_E_LOGON_DENIED}, /* no such user */
        {WBC_ERR_AUTH_ERROR, 0xC000006A, SEC_E_LOGON_DENIED}, /* wrong password */
        {WBC_ERR_AUTH_ERROR, 0xC0000234, SEC_E_LOGON_DENIED}, /* locked out */
        {WBC_ERR_AUTH_ERROR, 0xC0000072, SEC_E_LOGON_DENIED}, /* disabled */
        {WBC_ERR_AUTH_ERROR, 0, SEC_E_LOGON_DENIED},
        {WBC_ERR_UNKNOWN_USER, 0, SEC_E_LOGON_DENIED},
        {WBC_ERR_DOMAIN_NOT_FOUND, 0, SEC_E_LOGON_DENIED},
        {WBC_ERR_AUTH_ERROR, 0xC000005E, SEC_E_NO_AUTHENTICATING_AUTHORITY}, /* no logon servers */
        {WBC_ERR_AUTH_ERROR, 0xC0000022, SEC_E_NO_AUTHENTICATING_AUTHORITY}, /* not in winbindd_priv */
        {WBC_ERR_AUTH_ERROR, 0xC000018D, SEC_E_NO_AUTHENTICATING_AUTHORITY}, /* trust broken */
        {WBC_ERR_WINBIND_NOT_AVAILABLE, 0, SEC_E_NO_AUTHENTICATING_AUTHORITY},
        {WBC_ERR_INVALID_RESPONSE, 0, SEC_E_NO_AUTHENTICATING_AUTHORITY},
        {WBC_ERR_NO_MEMORY, 0, SEC_E_INSUFFICIENT_MEMORY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct logon_attempt question = attempt();
        struct logon_result result;
        struct logon_result untouched;
        memset(&result, 0xEE, sizeof result);
        untouched = result;
        fake->answer = cases[i].answer;
        fake->nt_status = cases[i].nt_status;
        assert_status(accounts->verify(accounts, &question, &result), cases[i].expected);
        assert_memory_equal(&result, &untouched, sizeof result);
    }
    fake->answer = WBC_ERR_SUCCESS;
    fake->no_info = true;
    struct logon_attempt question = attempt();
    struct logon_result result;
    assert_status(accounts->verify(accounts, &question, &result), SEC_E_NO_AUTHENTICATING_AUTHORITY);
}

/* libwbclient has one word for a winbindd that is not there and for one whose privileged socket is closed to us; whoever
 * looks for the cause needs to know which. */
static void tells_a_closed_door_from_an_empty_house(void **state)
{
    static const struct {
        int ping;
        const char *reason;
    } cases[] = {
        {WBC_ERR_SUCCESS, "winbindd_priv"},
        {WBC_ERR_WINBIND_NOT_AVAILABLE, "not running"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct logon_attempt question = attempt();
        struct logon_result result;
        fake->answer = WBC_ERR_WINBIND_NOT_AVAILABLE;
        fake->ping = cases[i].ping;
        status_begin();
        assert_status(accounts->verify(accounts, &question, &result), SEC_E_NO_AUTHENTICATING_AUTHORITY);
        const char *reason = status_reason(NULL, NULL, NULL);
        assert_non_null(reason);
        assert_non_null(strstr(reason, cases[i].reason));
    }
}

/* Names reach libwbclient as C strings: what would be cut short there is refused here. */
static void refuses_names_it_cannot_pass(void **state)
{
    static const struct utf16 nul = {(const uint8_t *)u"alice\0mallory", 26};
    static uint8_t endless[2 * (ACCOUNT_NAME_MAX + 1)];
    struct logon_result result;
    memset(endless, 'x', sizeof endless);
    const struct utf16 names[] = {nul, {endless, sizeof endless}};
    for (size_t i = 0; i < 2; i++) {
        struct logon_attempt question = attempt();
        fake->account[0] = '\0';
        question.user = names[i];
        assert_status(accounts->verify(accounts, &question, &result), SEC_E_LOGON_DENIED);
        question = attempt();
        question.domain = names[i];
        assert_status(accounts->verify(accounts, &question, &result), SEC_E_LOGON_DENIED);
        assert_string_equal(fake->account, ""); /* nobody was asked */
    }
    struct logon_attempt question = attempt();
    question.domain = UTF16_NONE;
    question.workstation = UTF16_NONE;
    question.lm_response = BYTES_NONE;
    assert_ok(accounts->verify(accounts, &question, &result));
    assert_string_equal(fake->domain, "");
    assert_int_equal(fake->lm_length, 0);
}

static void opens_only_with_a_winbindd(void **state)
{
    struct accounts *other = NULL;
    int contexts = fake->contexts;
    fake->ping = WBC_ERR_WINBIND_NOT_AVAILABLE;
    assert_status(accounts_winbind_open(&other), SEC_E_NO_AUTHENTICATING_AUTHORITY);
    assert_null(other);
    assert_int_equal(fake->contexts, contexts);
}

static void is_the_default_when_policy_says_so(void **state)
{
    struct policy policy;
    struct accounts *chosen = NULL;
    policy_defaults(&policy);
    policy.accounts = POLICY_ACCOUNTS_WINBIND;
    policy_override(&policy);
    status_begin();
    SECURITY_STATUS status = accounts_default(&chosen);
    if (status == SEC_E_OK) {
        print_message("# this machine runs a winbindd: that it cannot be reached cannot be seen\n");
        skip();
    }
    assert_int_equal((uint32_t)status, (uint32_t)SEC_E_NO_AUTHENTICATING_AUTHORITY);
    assert_non_null(status_reason(NULL, NULL, NULL));
    assert_null(chosen);

    char *directory = scratch_make(); /* the failure is not kept */
    policy.accounts = POLICY_ACCOUNTS_FILE;
    write_file(in(directory, "users"), "D:one:1\n");
    strcpy(policy.accounts_path, in(directory, "users"));
    assert_ok(accounts_default(&chosen));
    assert_string_equal(chosen->name, "file");
    policy.accounts = POLICY_ACCOUNTS_LMDB;
    struct accounts *again = NULL;
    assert_ok(accounts_default(&again));
    assert_ptr_equal(again, chosen);
    policy_override(NULL);
    scratch_remove(directory);
}

#define WITH_FAKE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest with_fake[] = {
        WITH_FAKE(asks_the_whole_question),    WITH_FAKE(hands_the_answer_on),
        WITH_FAKE(tells_no_from_nobody_there), WITH_FAKE(refuses_names_it_cannot_pass),
        WITH_FAKE(opens_only_with_a_winbindd), WITH_FAKE(tells_a_closed_door_from_an_empty_house),
    };
    const struct CMUnitTest without[] = {
        cmocka_unit_test(is_the_default_when_policy_says_so),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (argc > 1 && strcmp(argv[1], "fake") == 0) {
        return cmocka_run_group_tests(with_fake, NULL, NULL);
    }
    return cmocka_run_group_tests(without, NULL, NULL);
}
