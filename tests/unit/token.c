/* Access tokens and whom a thread acts for; with switch-uid also with whose rights. */
#include "text.h"

#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/policy.h"
#include "core/handle.h"
#include "core/token.h"
#include "secext.h"
#include "sspi_ext.h"

#define LOCAL_USER "nobody"

static struct token *make_token(struct utf16 user, struct utf16 domain, const char *unix_name)
{
    struct token *token = NULL;
    assert_int_equal(token_new(user, domain, false, unix_name, &token), SEC_E_OK);
    assert_non_null(token);
    return token;
}

static void set_switch_uid(bool on)
{
    static struct policy policy;
    policy_defaults(&policy);
    policy.switch_uid = on;
    policy_override(&policy);
}

static int without_switching(void **state)
{
    set_switch_uid(false);
    return 0;
}

static int with_switching(void **state)
{
    set_switch_uid(true);
    return 0;
}

static int revert(void **state)
{
    return token_revert();
}

static void names_are_copied(void **state)
{
    uint8_t user[] = {'a', 0, 'b', 0};
    struct token *token = make_token((struct utf16){user, 4}, T("EXAMPLE"), NULL);
    memset(user, 0xFF, sizeof user);
    assert_text(token_user(token), "ab");
    assert_text(token_domain(token), "EXAMPLE");
    assert_false(token_is_anonymous(token));
    token_drop(token);
    token_drop(NULL);
}

static void anonymous(void **state)
{
    struct token *token = NULL;
    assert_int_equal(token_new(UTF16_NONE, UTF16_NONE, true, NULL, &token), SEC_E_OK);
    assert_true(token_is_anonymous(token));
    assert_int_equal(token_user(token).size, 0);
    assert_int_equal(token_domain(token).size, 0);
    token_drop(token);
}

static void long_local_name(void **state)
{
    char name[65];
    memset(name, 'x', 64);
    name[64] = '\0';
    struct token *token = (void *)name;
    assert_int_equal(token_new(T("a"), UTF16_NONE, false, name, &token), SEC_E_NO_IMPERSONATION);
    assert_ptr_equal(token, name);
}

/* The thread holds a reference of its own. */
static void impersonate_and_revert(void **state)
{
    struct token *first = make_token(T("one"), T("A"), NULL);
    struct token *second = make_token(T("two"), T("B"), NULL);
    assert_null(token_current());
    assert_int_equal(token_revert(), SEC_E_OK); /* never gave it up */
    assert_int_equal(token_impersonate(first), SEC_E_OK);
    token_drop(first);
    assert_ptr_equal(token_current(), first);
    assert_text(token_user(token_current()), "one");
    assert_int_equal(token_impersonate(second), SEC_E_OK); /* in its place */
    token_drop(second);
    assert_text(token_user(token_current()), "two");
    assert_int_equal(token_impersonate(token_current()), SEC_E_OK); /* the same once more */
    assert_text(token_user(token_current()), "two");
    assert_int_equal(token_revert(), SEC_E_OK);
    assert_null(token_current());
    assert_int_equal(token_revert(), SEC_E_OK);
}

static void *current_of_this_thread(void *unused)
{
    return token_current();
}

static void threads_are_apart(void **state)
{
    struct token *token = make_token(T("one"), T("A"), NULL);
    pthread_t thread;
    void *seen = token;
    assert_int_equal(token_impersonate(token), SEC_E_OK);
    token_drop(token);
    assert_int_equal(pthread_create(&thread, NULL, current_of_this_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, &seen), 0);
    assert_null(seen);
}

/* ---------------------------------------------------------------- switch-uid, as root */

static struct passwd local_user(void)
{
    if (geteuid() != 0) {
        print_message("# skipped: switching users takes root\n");
        skip();
    }
    const struct passwd *user = getpwnam(LOCAL_USER);
    if (user == NULL) {
        print_message("# skipped: there is no user " LOCAL_USER "\n");
        skip();
    }
    return *user;
}

static void *rights_of_this_thread(void *out)
{
    uid_t *uids = out;
    uids[0] = geteuid();
    uids[1] = getegid();
    return NULL;
}

static void switches_this_thread_alone(void **state)
{
    struct passwd user = local_user();
    gid_t before[256], after[256];
    int groups_before = getgroups(256, before);
    struct token *token = make_token(T("User"), T("EXAMPLE"), LOCAL_USER);
    uid_t elsewhere[2] = {99, 99};
    pthread_t thread;
    assert_int_equal(token_impersonate(token), SEC_E_OK);
    token_drop(token);
    assert_int_equal(geteuid(), user.pw_uid);
    assert_int_equal(getegid(), user.pw_gid);
    assert_int_equal((uid_t)setfsuid((uid_t)-1), user.pw_uid); /* what files are opened as */
    gid_t expected[256];
    int expected_count = 256;
    assert_true(getgrouplist(LOCAL_USER, user.pw_gid, expected, &expected_count) >= 0);
    assert_int_equal(getgroups(256, after), expected_count);
    assert_memory_equal(after, expected, (size_t)expected_count * sizeof(gid_t));
    assert_int_equal(token_revert(), SEC_E_OK);
    assert_int_equal(geteuid(), 0);
    assert_int_equal(getegid(), 0);
    assert_int_equal(getgroups(256, after), groups_before);
    assert_memory_equal(after, before, (size_t)groups_before * sizeof(gid_t));
    assert_int_equal(pthread_create(&thread, NULL, rights_of_this_thread, elsewhere), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(elsewhere[0], 0);
}

static pthread_barrier_t switched, looked;

static void *look_meanwhile(void *out)
{
    pthread_barrier_wait(&switched);
    rights_of_this_thread(out);
    pthread_barrier_wait(&looked);
    return NULL;
}

/* glibc's setresuid() would have changed the other thread, too. */
static void other_threads_stay_root(void **state)
{
    struct passwd user = local_user();
    uid_t elsewhere[2] = {99, 99};
    pthread_t thread;
    struct token *token = make_token(T("User"), T("EXAMPLE"), LOCAL_USER);
    assert_int_equal(pthread_barrier_init(&switched, NULL, 2), 0);
    assert_int_equal(pthread_barrier_init(&looked, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, look_meanwhile, elsewhere), 0);
    assert_int_equal(token_impersonate(token), SEC_E_OK);
    token_drop(token);
    assert_int_equal(geteuid(), user.pw_uid);
    pthread_barrier_wait(&switched);
    pthread_barrier_wait(&looked);
    assert_int_equal(token_revert(), SEC_E_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(elsewhere[0], 0);
    assert_int_equal(elsewhere[1], 0);
}

/* The kernel's own judgement: a file made meanwhile belongs to the user. */
static void files_belong_to_the_user(void **state)
{
    struct passwd user = local_user();
    char directory[] = "/tmp/sspi-token-XXXXXX";
    char path[sizeof directory + 8];
    struct stat info;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chmod(directory, 01777), 0);
    snprintf(path, sizeof path, "%s/file", directory);
    struct token *token = make_token(T("User"), T("EXAMPLE"), LOCAL_USER);
    assert_int_equal(token_impersonate(token), SEC_E_OK);
    token_drop(token);
    FILE *file = fopen(path, "w");
    FILE *secret = fopen("/etc/shadow", "r");
    assert_int_equal(token_revert(), SEC_E_OK);
    assert_non_null(file);
    assert_null(secret);
    fclose(file);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_uid, user.pw_uid);
    assert_int_equal(info.st_gid, user.pw_gid);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
}

/* One impersonation after another starts from our own rights; one that fails leaves the one before. */
static void a_failed_switch_keeps_the_identity(void **state)
{
    struct passwd user = local_user();
    struct token *good = make_token(T("User"), T("EXAMPLE"), LOCAL_USER);
    struct token *unmapped = make_token(T("Other"), T("EXAMPLE"), NULL);
    struct token *unknown = make_token(T("Third"), T("EXAMPLE"), "no-such-user-here");
    assert_int_equal(token_impersonate(unmapped), SEC_E_NO_IMPERSONATION);
    assert_null(token_current());
    assert_int_equal(geteuid(), 0);
    assert_int_equal(token_impersonate(good), SEC_E_OK);
    assert_int_equal(token_impersonate(good), SEC_E_OK);
    assert_int_equal(token_impersonate(unknown), SEC_E_NO_IMPERSONATION);
    assert_text(token_user(token_current()), "User");
    assert_int_equal(geteuid(), user.pw_uid);
    assert_int_equal(token_impersonate(unmapped), SEC_E_NO_IMPERSONATION);
    assert_text(token_user(token_current()), "User");
    assert_int_equal(token_revert(), SEC_E_OK);
    assert_int_equal(geteuid(), 0);
    token_drop(good);
    token_drop(unmapped);
    token_drop(unknown);
}

static void without_privileges(void **state)
{
    if (geteuid() == 0) {
        print_message("# skipped: this process is root, whom the kernel refuses nothing\n");
        skip();
    }
    struct token *token = make_token(T("User"), T("EXAMPLE"), LOCAL_USER);
    uid_t before = geteuid();
    assert_int_equal(token_impersonate(token), SEC_E_NO_IMPERSONATION);
    assert_null(token_current());
    assert_int_equal(geteuid(), before);
    token_drop(token);
}

static void assert_called(EXTENDED_NAME_FORMAT format, const char *expected, DWORD error)
{
    char name[64] = "";
    ULONG size = sizeof name;
    SetLastError(0);
    bool known = GetUserNameExA(format, name, &size);
    assert_int_equal(known, expected != NULL);
    assert_string_equal(name, expected != NULL ? expected : "");
    assert_int_equal(GetLastError(), error);
}

/* What a directory has told: the thread's names in its forms, and SIDs of the account and its groups. */
static void facts_are_copied(void **state)
{
    uint8_t sids[] = {0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, 7, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 5, 11, 0, 0, 0};
    struct token *token = make_token(T("alice"), T("DOM"), NULL);
    SecHandle handle;
    SSPI_EXT_TOKEN *said = NULL;
    assert_int_equal(token_facts(token).sids.size, 0);
    const struct token_facts facts = {
        .upn = T("alice@example.com"), .dns_domain = T("EXAMPLE.COM"), .sids = BYTES(sids)};
    assert_int_equal(token_describe(token, &facts), SEC_E_OK);
    memset(sids, 0xFF, sizeof sids);
    assert_text(token_facts(token).upn, "alice@example.com");
    assert_text(token_facts(token).dns_domain, "EXAMPLE.COM");
    assert_called(NameUserPrincipal, NULL, ERROR_NONE_MAPPED);
    assert_int_equal(token_impersonate(token), SEC_E_OK);
    assert_called(NameSamCompatible, "DOM\\alice", 0);
    assert_called(NameUserPrincipal, "alice@example.com", 0);
    assert_called(NameDnsDomain, "EXAMPLE.COM\\alice", 0);
    assert_called(NameDisplay, NULL, ERROR_NO_SUCH_DOMAIN);
    assert_int_equal(token_revert(), SEC_E_OK);
    assert_called(NameUserPrincipal, NULL, ERROR_NONE_MAPPED);
    assert_int_equal(handle_open(HANDLE_TOKEN, token, &handle), SEC_E_OK);
    assert_int_equal(SspiExtQueryToken(handle_pack(&handle), &said), SEC_E_OK);
    assert_string_equal(said->Sid, "S-1-5-18");
    assert_int_equal(said->GroupCount, 1);
    assert_string_equal(said->Groups[0].Sid, "S-1-5-11");
    assert_int_equal(said->Groups[0].Attributes, 7);
    assert_string_equal(said->UserPrincipalName, "alice@example.com");
    assert_string_equal(said->DnsDomain, "EXAMPLE.COM");
    assert_int_equal(FreeContextBuffer(said), SEC_E_OK);
    assert_int_equal(handle_close(HANDLE_TOKEN, &handle), SEC_E_OK);
}

#define IN_NAME(name)     cmocka_unit_test_setup_teardown(name, without_switching, revert)
#define WITH_RIGHTS(name) cmocka_unit_test_setup_teardown(name, with_switching, revert)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_NAME(names_are_copied),
        IN_NAME(anonymous),
        IN_NAME(long_local_name),
        IN_NAME(impersonate_and_revert),
        IN_NAME(threads_are_apart),
        IN_NAME(facts_are_copied),
        WITH_RIGHTS(switches_this_thread_alone),
        WITH_RIGHTS(other_threads_stay_root),
        WITH_RIGHTS(files_belong_to_the_user),
        WITH_RIGHTS(a_failed_switch_keeps_the_identity),
        WITH_RIGHTS(without_privileges),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
