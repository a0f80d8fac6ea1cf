/* Names that are asked for: by SID, while winbindd hangs, by many threads, or not at all. */
#include "logon/names_sources.h"

#include <pthread.h>
#include <sys/wait.h>
#include <time.h>

/* ---------------------------------------------------------------- accounts and SIDs */

static void accounts_and_sids(void **state)
{
    SSPI_EXT_ACCOUNT *account = NULL;
    static const char *const names[] = {"DOM\\alice", "alice@dom.example.com", "S-1-5-21-1-2-3-1104"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(SspiExtFindAccount(names[i], &account), SEC_E_OK);
        assert_int_equal(account->Size, sizeof *account);
        assert_int_equal(account->Use, 1);
        assert_string_equal(account->User, "alice");
        assert_string_equal(account->Domain, "DOM");
        assert_string_equal(account->DnsDomain, "dom.example.com");
        assert_string_equal(account->DisplayName, "Alice Liddell");
        assert_string_equal(account->Sid, "S-1-5-21-1-2-3-1104");
        FreeContextBuffer(account);
    }
    assert_int_equal(SspiExtFindAccount("DOM\\", &account), SEC_E_OK);
    assert_null(account->User);
    assert_int_equal(account->Use, 3);
    assert_string_equal(account->Sid, "S-1-5-21-1-2-3");
    FreeContextBuffer(account);
    account = NULL;
    assert_int_equal(SspiExtFindAccount("S-1-5-21-1-2-3-9999", &account), SEC_E_TARGET_UNKNOWN);
    assert_int_equal(SspiExtFindAccount("DOM\\nobody", &account), SEC_E_TARGET_UNKNOWN);
    assert_int_equal(SspiExtFindAccount("OTHER\\alice", &account), SEC_E_NO_AUTHENTICATING_AUTHORITY);
    assert_int_equal(SspiExtFindAccount("\xff", &account), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiExtFindAccount(NULL, &account), SEC_E_INVALID_PARAMETER);
    assert_int_equal(SspiExtFindAccount("DOM\\alice", NULL), SEC_E_INVALID_PARAMETER);
    assert_null(account);
}

/* ---------------------------------------------------------------- a winbindd that hangs */

static int times_asked(void)
{
    return __atomic_load_n(&fake->names_asked, __ATOMIC_RELAXED);
}

/* Until winbindd has been asked something. */
static void wait_until_asked(void)
{
    for (int i = 0; i < 10000 && times_asked() == 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static void wait_until_free(void)
{
    for (int i = 0; i < 10000 && __atomic_load_n(&fake->contexts, __ATOMIC_RELAXED) != 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

/* A child has none of the threads that hang, and asks for itself.  One that did well ends as another program: its parent's
 * blocks are no leak of its own. */
static void a_child_asks_for_itself(void)
{
#ifdef __SANITIZE_THREAD__
    print_message("# not tried: a child that starts threads, which ThreadSanitizer does not allow\n");
#else
    int status = -1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char name[64];
        ULONG size = sizeof name;
        fake->wait_on = 0;
        policy.lookup_seconds = 30;
        policy_override(&policy);
        if (TranslateNameA("DOM\\alice", NameSamCompatible, NameUserPrincipal, name, &size)) {
            execl("/bin/true", "true", (char *)NULL);
        }
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
#endif
}

static void a_winbindd_that_hangs(void **state)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    policy.lookup_seconds = 1;
    policy_override(&policy);
    fake->wait_on = ends[0];
    assert_not_translated("DOM\\alice", NameSamCompatible, NameUserPrincipal, ERROR_NO_SUCH_DOMAIN); /* it comes back */
    wait_until_asked();
    int asked = times_asked();
    for (int i = 0; i < 100; i++) { /* as long as that hangs nobody else waits */
        assert_not_translated("DOM\\alice", NameSamCompatible, NameUserPrincipal, ERROR_NO_SUCH_DOMAIN);
        assert_computer(NameSamCompatible, NULL, ERROR_CANT_ACCESS_DOMAIN_INFO);
    }
    assert_int_equal(asked, 1);
    assert_int_equal(times_asked(), asked);
    assert_user(NameSamCompatible, "HOST\\carol", 0); /* local names come at once */
    a_child_asks_for_itself();
    char bytes[256] = "";
    assert_int_equal(write(ends[1], bytes, sizeof bytes), sizeof bytes);
    wait_until_free();
    policy.lookup_seconds = 30;
    policy_override(&policy);
    for (int i = 0; i < 10000; i++) { /* the thread that was given up says that it is back a moment later */
        char name[64];
        ULONG size = sizeof name;
        if (TranslateNameA("DOM\\alice", NameSamCompatible, NameUserPrincipal, name, &size)) {
            break;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    assert_translated("DOM\\alice", NameSamCompatible, NameUserPrincipal, "alice@dom.example.com");
    fake->wait_on = 0;
    close(ends[0]);
    close(ends[1]);
}

static void *ask_again_and_again(void *argument)
{
    static const char *const names[][2] = {{"DOM\\alice", "alice@dom.example.com"},
                                           {"DOM\\plain", "plain@dom.example.com"},
                                           {"robert@example.com", "bob@dom.example.com"},
                                           {"dom.example.com\\bobby", "bobby@dom.example.com"}};
    intptr_t wrong = 0;
    for (int i = 0; i < 50; i++) {
        const char *const *pair = names[((intptr_t)argument + i) % 4];
        char name[64] = "";
        ULONG size = sizeof name;
        SSPI_EXT_ACCOUNT *account = NULL;
        wrong += !TranslateNameA(pair[0], NameUnknown, NameUserPrincipal, name, &size) || strcmp(name, pair[1]) != 0;
        size = sizeof name;
        wrong += !GetUserNameExA(NameSamCompatible, name, &size) || strcmp(name, "HOST\\carol") != 0;
        wrong += SspiExtFindAccount("S-1-5-21-1-2-3-1104", &account) != SEC_E_OK;
        (void)FreeContextBuffer(account);
    }
    return (void *)wrong;
}

static void many_at_once(void **state)
{
    pthread_t threads[4];
    for (intptr_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_again_and_again, (void *)i), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

static void nobody_is_asked_by_policy(void **state)
{
    policy.lookup_seconds = 0;
    policy_override(&policy);
    assert_not_translated("DOM\\alice", NameSamCompatible, NameUserPrincipal, ERROR_NO_SUCH_DOMAIN);
    assert_int_equal(fake->names_asked, 0);
    assert_translated("HOST\\carol", NameSamCompatible, NameDisplay, "Carol Local");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SOURCES(accounts_and_sids),
        WITH_SOURCES(a_winbindd_that_hangs),
        WITH_SOURCES(nobody_is_asked_by_policy),
        WITH_SOURCES(many_at_once),
    };
    if (!sources_open()) {
        return 1;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = cmocka_run_group_tests_name("account_asking", tests, NULL, NULL);
    (void)rmdir(kerberos_files);
    return failed;
}
