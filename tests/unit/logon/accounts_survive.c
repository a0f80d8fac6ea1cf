/* The embedded database among processes and threads, and under SIGKILL. */
#include "accounts_test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

/* ---------------------------------------------------------------- processes and threads */

static int child_verdict(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int grandchild_work(struct accounts *accounts)
{
    struct account account;
    return accounts->known(accounts, U("user"), UTF16_NONE, &account) == SEC_E_OK && account.state == ACCOUNT_LOCKED
               ? 0
               : 9;
}

/* How many times this process has the database mapped; 2 where that cannot be seen. */
static unsigned mappings(void)
{
    static char line[4096];
    unsigned count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    if (maps == NULL) {
        return 2;
    }
    while (fgets(line, sizeof line, maps) != NULL) {
        count += strstr(line, "/accounts.mdb\n") != NULL;
    }
    fclose(maps);
    return count;
}

static int child_work(struct accounts *accounts, struct account_store *store)
{
    struct account account;
    bool found = false;
    if (accounts->known(accounts, U("user"), UTF16_NONE, &account) != SEC_E_OK || account.state != ACCOUNT_GOOD) {
        return 1;
    }
    if (mappings() != 2) {
        return 5; /* beside what it inherited, it must have an environment of its own (LMDB's caveat on fork) */
    }
    if (accounts->known(accounts, U("nobody"), UTF16_NONE, &account) != SEC_E_OK || account.state != ACCOUNT_UNKNOWN) {
        return 2;
    }
    if (account_store_flags(store, U("user"), UTF16_NONE, ACCOUNT_FLAG_DISABLED, 0, &found) != SEC_E_OK || !found) {
        return 3;
    }
    if (account_store_flags(store, U("user"), UTF16_NONE, ACCOUNT_FLAG_LOCKED, ACCOUNT_FLAG_DISABLED, &found) < 0) {
        return 4;
    }
    accounts->outcome(accounts, U("user"), UTF16_NONE, false);
    pid_t grandchild = fork();
    if (grandchild == 0) {
        _exit(grandchild_work(accounts));
    }
    return child_verdict(grandchild);
}

static void works_on_both_sides_of_a_fork(void **state)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    put(U("user"), UTF16_NONE, U("x"));
    struct accounts *accounts = open_source();
    assert_ok(account_store_open(database(), false, &store));
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_GOOD);
    for (unsigned round = 0; round < 20; round++) {
        pid_t child = fork();
        if (child == 0) {
            _exit(child_work(accounts, store));
        }
        (void)state_of(accounts, U("user")); /* at the same time, through the parent's own environment */
        assert_int_equal(child_verdict(child), 0);
        assert_int_equal(state_of(accounts, U("user")), ACCOUNT_LOCKED);
        set_flags(U("user"), 0, ACCOUNT_FLAG_LOCKED);
        assert_int_equal(state_of(accounts, U("user")), ACCOUNT_GOOD);
        accounts->outcome(accounts, U("user"), UTF16_NONE, true);
    }
    accounts->close(accounts);
}

struct crowd {
    struct accounts *accounts;
    struct key16 hashes[2];
    atomic_bool stop;
    atomic_uint wrong;
    atomic_uint done;
};

static void *one_of_many(void *argument)
{
    struct crowd *crowd = argument;
    do {
        struct account account;
        for (unsigned i = 0; i < 200; i++) {
            bool good = crowd->accounts->known(crowd->accounts, U("user"), UTF16_NONE, &account) == SEC_E_OK &&
                        account.state == ACCOUNT_GOOD &&
                        (memcmp(account.nt_hash.b, crowd->hashes[0].b, 16) == 0 ||
                         memcmp(account.nt_hash.b, crowd->hashes[1].b, 16) == 0);
            good = good && crowd->accounts->known(crowd->accounts, U("nobody"), UTF16_NONE, &account) == SEC_E_OK &&
                   account.state == ACCOUNT_UNKNOWN;
            crowd->accounts->outcome(crowd->accounts, U("nobody"), UTF16_NONE, false);
            crowd->accounts->outcome(crowd->accounts, U("user"), UTF16_NONE, true);
            atomic_fetch_add(&crowd->wrong, !good);
        }
    } while (!atomic_load(&crowd->stop));
    atomic_fetch_add(&crowd->done, 1);
    return NULL;
}

static void serves_many_threads_while_it_changes(void **state)
{
    struct crowd crowd = {.accounts = NULL};
    put(U("user"), UTF16_NONE, U("first"));
    crowd.accounts = open_source();
    crowd.hashes[0] = look(crowd.accounts, U("user"), UTF16_NONE).nt_hash;
    put(U("user"), UTF16_NONE, U("second"));
    crowd.hashes[1] = look(crowd.accounts, U("user"), UTF16_NONE).nt_hash;
    for (unsigned round = 0; round < 3; round++) { /* threads end and new ones take their places */
        pthread_t threads[8];
        atomic_store(&crowd.stop, false);
        for (unsigned i = 0; i < 8; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, one_of_many, &crowd), 0);
        }
        for (unsigned i = 0; i < 10; i++) {
            put(U("user"), UTF16_NONE, i % 2 == 0 ? U("first") : U("second"));
        }
        atomic_store(&crowd.stop, true);
        for (unsigned i = 0; i < 8; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        }
    }
    assert_int_equal(atomic_load(&crowd.wrong), 0);
    assert_int_equal(atomic_load(&crowd.done), 24);
    crowd.accounts->close(crowd.accounts);
}

/* ---------------------------------------------------------------- crashes */

/* Adds account after account and reports each through the pipe once account_store_put has returned. */
static void add_for_ever(int report, uint32_t from)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    if (account_store_open(database(), true, &store) < 0) {
        _exit(2);
    }
    for (uint32_t number = from;; number++) {
        uint16_t name[] = {'u', (uint16_t)('a' + number % 26), (uint16_t)('a' + number / 26 % 26),
                           (uint16_t)('a' + number / 676 % 26), (uint16_t)('a' + number / 17576)};
        struct account_record record;
        bool done = false;
        account_record_init(&record);
        record.user = (struct utf16){(const uint8_t *)name, sizeof name};
        memcpy(record.nt_hash.b, &number, sizeof number);
        if (account_store_put(store, &record, false, &done) < 0 || write(report, &number, sizeof number) < 0) {
            _exit(3);
        }
    }
}

/* Whether account `number` is there, with the hash it was given. */
static bool has_account(struct account_store *store, uint32_t number)
{
    AUTO_ACCOUNT_RECORD record;
    bool found = false;
    uint16_t name[] = {'u', (uint16_t)('a' + number % 26), (uint16_t)('a' + number / 26 % 26),
                       (uint16_t)('a' + number / 676 % 26), (uint16_t)('a' + number / 17576)};
    account_record_init(&record);
    assert_ok(
        account_store_get(store, (struct utf16){(const uint8_t *)name, sizeof name}, UTF16_NONE, &record, &found));
    return found && memcmp(record.nt_hash.b, &number, sizeof number) == 0;
}

static SECURITY_STATUS count_records(void *argument, const struct account_record *record)
{
    size_t *count = argument;
    (*count)++;
    return SEC_E_OK;
}

/* The reports that come next, up to `most` of them; the number after the last. */
static uint32_t read_reports(int end, uint32_t next, uint32_t most)
{
    uint32_t number;
    for (uint32_t i = 0; i < most && read(end, &number, sizeof number) == (ssize_t)sizeof number; i++) {
        assert_int_equal(number, next);
        next = number + 1;
    }
    return next;
}

/* One life of a writer: killed some microseconds after so many reports, and its last reports read. */
static uint32_t live_and_die(uint32_t from, uint32_t reports, long microseconds)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        add_for_ever(ends[1], from);
    }
    close(ends[1]);
    uint32_t next = read_reports(ends[0], from, reports);
    const struct timespec more = {0, microseconds * 1000};
    (void)nanosleep(&more, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    next = read_reports(ends[0], next, UINT32_MAX);
    close(ends[0]);
    return next;
}

static void loses_no_committed_account(void **state)
{
    uint64_t random = 20260821;
    uint32_t committed = 0;
    for (unsigned round = 0; round < 60; round++) {
        uint32_t before = committed;
        committed = live_and_die(committed, test_random(&random) % 16, (long)(test_random(&random) % 3000));
        if (access(in(database(), "accounts.mdb"), F_OK) != 0) {
            assert_int_equal(committed, 0); /* killed before there was anything to keep */
            continue;
        }
        AUTO_ACCOUNT_STORE *store = NULL;
        assert_ok(account_store_open(database(), true, &store));
        for (uint32_t number = before; number < committed; number++) {
            if (!has_account(store, number)) {
                fail_msg("round %u: account %u was reported and is not there", round, number);
            }
        }
        size_t count = 0;
        assert_ok(account_store_list(store, count_records, &count)); /* every page of the table can be read */
        assert_true(count == committed || count == committed + 1);   /* committed, but killed before it could say so */
        committed = (uint32_t)count;
    }
    print_message("# %u accounts in 60 lives\n", committed);
    assert_true(committed > 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(works_on_both_sides_of_a_fork),
        WITH_SCRATCH(serves_many_threads_while_it_changes),
        WITH_SCRATCH(loses_no_committed_account),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
