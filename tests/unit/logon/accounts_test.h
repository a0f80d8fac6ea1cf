/* A database of a test's own, and the few steps most tests of it begin with. */
#ifndef OPENSSPI_TESTS_ACCOUNTS_TEST_H
#define OPENSSPI_TESTS_ACCOUNTS_TEST_H

#include "logon_test.h"

#include "base/clock.h"
#include "base/policy.h"
#include "logon/account_store.h"
#include "logon/accounts.h"

static char *directory;
static struct policy policy;
static uint64_t test_time;

static inline uint64_t test_clock(void)
{
    return test_time;
}

static inline int set_up(void **state)
{
    directory = scratch_make();
    policy_defaults(&policy);
    policy_override(&policy);
    test_time = UINT64_C(133000000000000000);
    clock_source = test_clock;
    return 0;
}

static inline int tear_down(void **state)
{
    scratch_remove(directory);
    return 0;
}

static inline const char *database(void)
{
    return in(directory, "accounts");
}

static inline void put(struct utf16 user, struct utf16 domain, struct utf16 password)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    AUTO_ACCOUNT_RECORD record;
    bool done = false;
    account_record_init(&record);
    assert_ok(account_store_open(database(), true, &store));
    assert_ok(utf16_copy(user, &record.user));
    assert_ok(utf16_copy(domain, &record.domain));
    assert_ok(account_record_set_password(&record, password, NULL, 0));
    assert_ok(account_store_put(store, &record, true, &done));
    assert_true(done);
}

static inline struct accounts *open_source(void)
{
    struct accounts *accounts = NULL;
    assert_ok(accounts_lmdb_open(database(), true, &accounts));
    return accounts;
}

static inline struct account look(struct accounts *accounts, struct utf16 user, struct utf16 domain)
{
    struct account account;
    memset(&account, 0xAA, sizeof account);
    assert_ok(accounts->known(accounts, user, domain, &account));
    return account;
}

static inline enum account_state state_of(struct accounts *accounts, struct utf16 user)
{
    return look(accounts, user, UTF16_NONE).state;
}

static inline void set_flags(struct utf16 user, uint32_t set, uint32_t clear)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    bool found = false;
    assert_ok(account_store_open(database(), false, &store));
    assert_ok(account_store_flags(store, user, UTF16_NONE, set, clear, &found));
    assert_true(found);
}

#define WITH_SCRATCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
