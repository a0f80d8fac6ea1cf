/* Logons against the embedded database: who is found, who is locked out, what it costs. */
#include "accounts_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <lmdb.h>

/* ---------------------------------------------------------------- looking up */

/* NTOWFv1("Password") is published in MS-NLMP 4.2.2.1.2. */
static void finds_an_account_by_any_case(void **state)
{
    put(U("Us\u00E9r"), UTF16_NONE, U("Password"));
    struct accounts *accounts = open_source();
    struct account account = look(accounts, U("uS\u00C9R"), U("ANYWHERE"));
    assert_int_equal(account.state, ACCOUNT_GOOD);
    assert_hex(account.nt_hash.b, 16, "a4f49c406510bdcab6824ee7c30fd852");
    assert_false(account.has_lm_hash);
    assert_int_equal(account.password_expiry, CLOCK_NEVER);
    assert_int_equal(account.user_flags, 0);
    assert_string_equal(account.unix_name, "");
    assert_int_equal(state_of(accounts, U("us\u00E9")), ACCOUNT_UNKNOWN);
    assert_int_equal(state_of(accounts, U("us\u00E9rs")), ACCOUNT_UNKNOWN);
    assert_int_equal(state_of(accounts, U("DOMAIN\\us\u00E9r")), ACCOUNT_GOOD);
    assert_int_equal(state_of(accounts, U("us\u00E9r@example.com")), ACCOUNT_GOOD);
    accounts->close(accounts);
}

static void gives_strangers_a_decoy(void **state)
{
    uint8_t zero[16] = {0};
    put(U("user"), UTF16_NONE, U("Password"));
    struct accounts *accounts = open_source();
    struct account first = look(accounts, U("nobody"), UTF16_NONE);
    struct account second = look(accounts, U("somebody else"), U("DOMAIN"));
    struct account empty = look(accounts, UTF16_NONE, UTF16_NONE);
    assert_int_equal(first.state, ACCOUNT_UNKNOWN);
    assert_int_equal(empty.state, ACCOUNT_UNKNOWN);
    assert_memory_equal(first.nt_hash.b, second.nt_hash.b, 16); /* the same for the life of the process */
    assert_memory_equal(first.nt_hash.b, empty.nt_hash.b, 16);
    assert_memory_not_equal(first.nt_hash.b, zero, 16);
    assert_memory_not_equal(first.nt_hash.b, look(accounts, U("user"), UTF16_NONE).nt_hash.b, 16);

    static uint8_t endless[2 * 5000];
    memset(endless, 'x', sizeof endless);
    for (size_t size = 0; size <= sizeof endless; size += size < 600 ? 2 : 940) {
        assert_int_equal(state_of(accounts, (struct utf16){endless, size}), ACCOUNT_UNKNOWN);
    }
    accounts->close(accounts);
}

static void tells_domains_apart(void **state)
{
    put(U("user"), U("ONE"), U("1"));
    put(U("user"), U("TWO"), U("2"));
    struct accounts *accounts = open_source();
    struct account one = look(accounts, U("user"), U("one"));
    struct account two = look(accounts, U("user"), U("Two"));
    assert_int_equal(one.state, ACCOUNT_GOOD);
    assert_int_equal(two.state, ACCOUNT_GOOD);
    assert_memory_not_equal(one.nt_hash.b, two.nt_hash.b, 16);
    struct account three = look(accounts, U("user"), U("THREE"));
    assert_int_equal(three.state, ACCOUNT_UNKNOWN);
    assert_memory_equal(three.nt_hash.b, look(accounts, U("nobody"), UTF16_NONE).nt_hash.b, 16);
    assert_memory_equal(look(accounts, U("user"), UTF16_NONE).nt_hash.b, one.nt_hash.b, 16);
    assert_memory_equal(look(accounts, U("TWO\\user"), UTF16_NONE).nt_hash.b, two.nt_hash.b, 16);

    put(U("USER"), UTF16_NONE, U("any")); /* good for every other domain, and for none */
    struct account any = look(accounts, U("user"), U("THREE"));
    assert_int_equal(any.state, ACCOUNT_GOOD);
    assert_memory_not_equal(any.nt_hash.b, one.nt_hash.b, 16);
    assert_memory_equal(look(accounts, U("user"), UTF16_NONE).nt_hash.b, any.nt_hash.b, 16);
    assert_memory_equal(look(accounts, U("user"), U("ONE")).nt_hash.b, one.nt_hash.b, 16);
    accounts->close(accounts);
}

static void serves_a_database_that_comes_later(void **state)
{
    struct accounts *accounts = open_source();
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_UNKNOWN);
    assert_int_equal(access(database(), F_OK), -1); /* reading makes nothing */
    accounts->outcome(accounts, U("user"), UTF16_NONE, false);
    put(U("user"), UTF16_NONE, U("Password"));
    double deadline = seconds_now() + 20;
    while (state_of(accounts, U("user")) != ACCOUNT_GOOD && seconds_now() < deadline) {
        pause_briefly();
    }
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_GOOD);

    assert_int_equal(rename(database(), in(directory, "moved")), 0); /* and one that goes is gone */
    while (state_of(accounts, U("user")) == ACCOUNT_GOOD && seconds_now() < deadline) {
        pause_briefly();
    }
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_UNKNOWN);
    put(U("user"), UTF16_NONE, U("another")); /* another file in its place */
    while (state_of(accounts, U("user")) != ACCOUNT_GOOD && seconds_now() < deadline) {
        pause_briefly();
    }
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_GOOD);
    accounts->close(accounts);
}

/* ---------------------------------------------------------------- states and lock-out */

static SECURITY_STATUS set_expiries(void *argument, struct account_record *record)
{
    const uint64_t *expiries = argument;
    record->expiry = expiries[0];
    record->password_expiry = expiries[1];
    return SEC_E_OK;
}

static void knows_every_state(void **state)
{
    put(U("user"), UTF16_NONE, U("Password"));
    struct accounts *accounts = open_source();
    set_flags(U("user"), ACCOUNT_FLAG_DISABLED, 0);
    struct account account = look(accounts, U("user"), UTF16_NONE);
    assert_int_equal(account.state, ACCOUNT_DISABLED);
    assert_hex(account.nt_hash.b, 16, "a4f49c406510bdcab6824ee7c30fd852"); /* the response is checked all the same */
    set_flags(U("user"), ACCOUNT_FLAG_LOCKED, ACCOUNT_FLAG_DISABLED);
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_LOCKED);
    set_flags(U("user"), ACCOUNT_FLAG_MUST_CHANGE, ACCOUNT_FLAG_LOCKED);
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_EXPIRED);
    set_flags(U("user"), 0, ACCOUNT_FLAG_MUST_CHANGE);
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_GOOD);

    AUTO_ACCOUNT_STORE *store = NULL;
    bool found = false;
    assert_ok(account_store_open(database(), false, &store));
    uint64_t expiries[2] = {test_time + 10, CLOCK_NEVER};
    assert_ok(account_store_change(store, U("user"), UTF16_NONE, set_expiries, expiries, &found));
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_GOOD);
    test_time += 10;
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_EXPIRED);
    uint64_t password_only[2] = {CLOCK_NEVER, test_time + 10};
    assert_ok(account_store_change(store, U("user"), UTF16_NONE, set_expiries, password_only, &found));
    account = look(accounts, U("user"), UTF16_NONE);
    assert_int_equal(account.state, ACCOUNT_GOOD);
    assert_int_equal(account.password_expiry, test_time + 10);
    test_time += 10;
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_EXPIRED);
    accounts->close(accounts);
}

static void fail_times(struct accounts *accounts, struct utf16 user, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        accounts->outcome(accounts, user, UTF16_NONE, false);
    }
}

static void locks_after_failures(void **state)
{
    policy.lockout_threshold = 3;
    policy.lockout_seconds = 60;
    put(U("user"), UTF16_NONE, U("x"));
    put(U("other"), UTF16_NONE, U("x"));
    struct accounts *accounts = open_source();
    fail_times(accounts, U("USER"), 2);
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_GOOD);
    accounts->outcome(accounts, U("user"), UTF16_NONE, true); /* a success forgets */
    fail_times(accounts, U("DOMAIN\\user"), 2);
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_GOOD);
    fail_times(accounts, U("user"), 1);
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_LOCKED);
    assert_int_equal(state_of(accounts, U("other")), ACCOUNT_GOOD);

    test_time += 59 * CLOCK_SECOND;
    fail_times(accounts, U("user"), 5); /* trying on does not make it longer */
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_LOCKED);
    test_time += 1 * CLOCK_SECOND;
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_GOOD);
    fail_times(accounts, U("user"), 2); /* and the count begins anew */
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_GOOD);
    test_time += 60 * CLOCK_SECOND; /* as it does when failures are far apart */
    fail_times(accounts, U("user"), 2);
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_GOOD);
    accounts->close(accounts);
}

/* Accounts of one name in two domains are two accounts: neither locks the other, and the logons of one do not make the
 * failures of the other forgotten. */
static void locks_one_domain(void **state)
{
    policy.lockout_threshold = 3;
    policy.lockout_seconds = 60;
    put(U("user"), U("ONE"), U("x"));
    put(U("user"), U("TWO"), U("y"));
    struct accounts *accounts = open_source();
    for (int i = 0; i < 3; i++) {
        fail_times(accounts, U("one\\user"), 1);
        accounts->outcome(accounts, U("user"), U("two"), true);
    }
    assert_int_equal(state_of(accounts, U("ONE\\user")), ACCOUNT_LOCKED);
    assert_int_equal(state_of(accounts, U("TWO\\user")), ACCOUNT_GOOD);
    accounts->close(accounts);
}

static void unlocks(void **state)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    AUTO_ACCOUNT_RECORD record;
    bool found = false;
    policy.lockout_threshold = 2;
    policy.lockout_seconds = 0; /* until the administrator says otherwise */
    put(U("user"), UTF16_NONE, U("x"));
    struct accounts *accounts = open_source();
    assert_ok(account_store_open(database(), false, &store));
    fail_times(accounts, U("user"), 2);
    test_time += UINT64_C(100) * 365 * 86400 * CLOCK_SECOND;
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_LOCKED);
    assert_ok(account_store_get(store, U("user"), UTF16_NONE, &record, &found));
    assert_int_equal(record.failures, 2);
    assert_int_equal(record.locked_until, CLOCK_NEVER);
    assert_ok(account_store_unlock(store, U("user"), UTF16_NONE, &found));
    assert_true(found);
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_GOOD);

    fail_times(accounts, U("user"), 2); /* deleting an account forgets its failures */
    assert_ok(account_store_delete(store, U("user"), UTF16_NONE, &found));
    put(U("user"), UTF16_NONE, U("x"));
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_GOOD);

    policy.lockout_threshold = 0; /* never */
    struct accounts *lenient = open_source();
    fail_times(lenient, U("user"), 50);
    assert_int_equal(state_of(lenient, U("user")), ACCOUNT_GOOD);
    lenient->close(lenient);
    accounts->close(accounts);
}

static off_t failures_size(void)
{
    off_t size = -1;
    struct stat info;
    DIR *entries = opendir(database());
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (strncmp(entry->d_name, "failures-", 9) == 0 && strstr(entry->d_name, "-lock") == NULL) {
            assert_int_equal(stat(in(database(), entry->d_name), &info), 0);
            size = info.st_size;
        }
    }
    closedir(entries);
    return size;
}

/* Guessing names fills no disk and frees nobody who is locked. */
static void bounds_what_strangers_leave(void **state)
{
    policy.lockout_threshold = 3;
    put(U("user"), UTF16_NONE, U("x"));
    struct accounts *accounts = open_source();
    fail_times(accounts, U("user"), 3);
    off_t sizes[2] = {0, 0};
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 4000; i++) {
            uint16_t name[] = {'x', (uint16_t)('A' + round), (uint16_t)('a' + i % 26), (uint16_t)('a' + i / 26 % 26),
                               (uint16_t)('a' + i / 676)};
            accounts->outcome(accounts, (struct utf16){(const uint8_t *)name, sizeof name}, UTF16_NONE, false);
        }
        sizes[round] = failures_size();
    }
    assert_true(sizes[0] > 0);
    assert_true(sizes[1] < 512 * 1024);
    assert_true(sizes[1] < sizes[0] * 2);
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_LOCKED);
    assert_int_equal(state_of(accounts, U("xAaaa")), ACCOUNT_UNKNOWN);
    put(U("xAaaa"), UTF16_NONE, U("x")); /* what strangers did does not lock who comes later */
    assert_int_equal(state_of(accounts, U("xAaaa")), ACCOUNT_GOOD);
    accounts->close(accounts);
}

/* Sets a date that any write would change, on every file of the database. */
static void age_files(void)
{
    const struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
    DIR *entries = opendir(database());
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (entry->d_name[0] != '.') {
            assert_int_equal(utimensat(AT_FDCWD, in(database(), entry->d_name), old, 0), 0);
        }
    }
    closedir(entries);
}

static unsigned files_written(void)
{
    unsigned written = 0;
    struct stat info;
    DIR *entries = opendir(database());
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (entry->d_name[0] != '.' && strstr(entry->d_name, "-lock") == NULL) {
            assert_int_equal(stat(in(database(), entry->d_name), &info), 0);
            written += info.st_mtim.tv_sec != 1000000000;
        }
    }
    closedir(entries);
    return written;
}

static void writes_nothing_for_a_success(void **state)
{
    put(U("user"), UTF16_NONE, U("x"));
    struct accounts *accounts = open_source();
    age_files();
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(state_of(accounts, U("user")), ACCOUNT_GOOD);
        accounts->outcome(accounts, U("user"), UTF16_NONE, true);
        assert_int_equal(state_of(accounts, U("nobody")), ACCOUNT_UNKNOWN);
    }
    assert_int_equal(files_written(), 0);
    accounts->outcome(accounts, U("user"), UTF16_NONE, false);
    assert_int_equal(files_written(), 1); /* the failures, not the accounts */
    age_files();
    accounts->outcome(accounts, U("user"), UTF16_NONE, true);
    assert_int_equal(files_written(), 1);
    age_files();
    accounts->outcome(accounts, U("user"), UTF16_NONE, true);
    assert_int_equal(files_written(), 0);
    accounts->outcome(accounts, U("nobody"), UTF16_NONE, false);
    assert_int_equal(files_written(), 1); /* a stranger's failure costs the same write */
    accounts->close(accounts);
}

/* What a logon asks of the database and of MD5, counted on its way there (the linker's --wrap). */
struct work {
    unsigned gets, puts, renewals, commits, digests;
};

static struct work work;

#define COUNTED(counter, type, name, parameters, arguments)                                                            \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters                                                                                      \
    {                                                                                                                  \
        work.counter++;                                                                                                \
        return __real_##name arguments;                                                                                \
    }

COUNTED(gets, int, mdb_get, (MDB_txn * txn, MDB_dbi table, MDB_val *key, MDB_val *data), (txn, table, key, data))
COUNTED(puts, int, mdb_put, (MDB_txn * txn, MDB_dbi table, MDB_val *key, MDB_val *data, unsigned flags),
        (txn, table, key, data, flags))
COUNTED(renewals, int, mdb_txn_renew, (MDB_txn * txn), (txn))
COUNTED(commits, int, mdb_txn_commit, (MDB_txn * txn), (txn))
COUNTED(digests, void, md5, (const struct bytes *parts, size_t count, struct key16 *out), (parts, count, out))

static struct work work_of(struct accounts *accounts, struct utf16 user, bool failure)
{
    (void)look(accounts, user, UTF16_NONE); /* the first one opens what stays open */
    work = (struct work){0};
    if (failure) {
        accounts->outcome(accounts, user, UTF16_NONE, false);
    } else {
        (void)look(accounts, user, UTF16_NONE);
    }
    return work;
}

static void same_work(struct work one, struct work other)
{
    assert_int_equal(one.gets, other.gets);
    assert_int_equal(one.puts, other.puts);
    assert_int_equal(one.renewals, other.renewals);
    assert_int_equal(one.commits, other.commits);
    assert_int_equal(one.digests, other.digests);
}

/* A name without an account, and one that is locked, cost what a good one does. */
static void works_as_much_for_a_stranger(void **state)
{
    policy.lockout_threshold = 3;
    policy.lockout_seconds = 60;
    put(U("user"), UTF16_NONE, U("x"));
    struct accounts *accounts = open_source();
    struct work lookup = work_of(accounts, U("USER"), false);
    assert_int_equal(lookup.gets, 2);
    assert_int_equal(lookup.digests, 1);
    same_work(lookup, work_of(accounts, U("NOPE"), false));
    same_work(work_of(accounts, U("USER"), true), work_of(accounts, U("NOPE"), true));
    fail_times(accounts, U("USER"), 3);
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_LOCKED);
    same_work(work_of(accounts, U("USER"), false), work_of(accounts, U("NOPE"), false));
    same_work(work_of(accounts, U("USER"), true), work_of(accounts, U("NOPE"), true));
    accounts->close(accounts);
}

static void needs_no_place_to_name(void **state)
{
    char path[64];
    setenv("SSPI_ACCOUNTS", "/srv/accounts", 1);
    assert_true(accounts_lmdb_path(path, sizeof path));
    assert_string_equal(path, "/srv/accounts");
    assert_false(accounts_lmdb_path(path, 5)); /* never half a path */
    unsetenv("SSPI_ACCOUNTS");
    strcpy(policy.accounts_path, "/srv/from-policy");
    assert_true(accounts_lmdb_path(path, sizeof path));
    assert_string_equal(path, "/srv/from-policy");
    policy.accounts_path[0] = '\0';
    if (geteuid() == 0) {
        assert_true(accounts_lmdb_path(path, sizeof path));
        assert_string_equal(path, "/var/lib/sspi/accounts");
        assert_int_equal(seteuid(65534), 0);
    }
    setenv("XDG_DATA_HOME", "/home/u/data", 1);
    assert_true(accounts_lmdb_path(path, sizeof path));
    assert_string_equal(path, "/home/u/data/sspi/accounts");
    setenv("XDG_DATA_HOME", "relative", 1);
    setenv("HOME", "/home/u", 1);
    assert_true(accounts_lmdb_path(path, sizeof path));
    assert_string_equal(path, "/home/u/.local/share/sspi/accounts");
    if (getuid() == 0) {
        assert_int_equal(seteuid(0), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(finds_an_account_by_any_case),
        WITH_SCRATCH(gives_strangers_a_decoy),
        WITH_SCRATCH(tells_domains_apart),
        WITH_SCRATCH(serves_a_database_that_comes_later),
        WITH_SCRATCH(knows_every_state),
        WITH_SCRATCH(locks_after_failures),
        WITH_SCRATCH(locks_one_domain),
        WITH_SCRATCH(unlocks),
        WITH_SCRATCH(bounds_what_strangers_leave),
        WITH_SCRATCH(writes_nothing_for_a_success),
        WITH_SCRATCH(works_as_much_for_a_stranger),
        WITH_SCRATCH(needs_no_place_to_name),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
