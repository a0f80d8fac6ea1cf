#include "logon/account_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/trace.h"
#include "logon/account_failures.h"
#include "logon/account_files.h"
#include "logon/account_index.h"
#include "logon/lmdb_env.h"
#include "logon/user_file.h"

#define VALUE_MAX ((size_t)9 << 20)

struct account_store {
    struct lmdb_env *env;
    struct account_failures *failures; /* NULL when it cannot be opened: the accounts can still be managed */
};

/* A user name as a key. */
struct key {
    uint8_t bytes[ACCOUNT_KEY_MAX];
    size_t size;
};

static struct bytes key_bytes(const struct key *key)
{
    return bytes_of(key->bytes, key->size);
}

static SECURITY_STATUS make_key(struct utf16 user, struct key *out)
{
    out->size = account_key(user, out->bytes);
    REQUIRE(out->size != 0, SEC_E_INVALID_PARAMETER, "a user name is empty or longer than 255 characters");
    return SEC_E_OK;
}

/* mkdir -p: what is made is for its owner alone, whatever the umask. */
static SECURITY_STATUS make_directory(const char *directory)
{
    AUTO_FREE char *path = strdup(directory);
    REQUIRE(path != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the account database");
    for (char *at = path + 1;; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        char end = *at;
        *at = '\0';
        if (mkdir(path, 0700) == 0) {
            (void)chmod(path, 0700); /* an unusual umask takes the owner's own bits away */
        }
        *at = end;
        if (end == '\0') {
            break;
        }
    }
    struct stat info;
    REQUIRE(stat(directory, &info) == 0 && S_ISDIR(info.st_mode), SEC_E_INTERNAL_ERROR,
            "the directory of the account database cannot be made");
    return SEC_E_OK;
}

SECURITY_STATUS account_store_open(const char *directory, bool create, struct account_store **out)
{
    AUTO_FREE char *path = NULL;
    __attribute__((cleanup(account_store_close_auto))) struct account_store *store = calloc(1, sizeof *store);
    REQUIRE(directory[0] != '\0', SEC_E_INVALID_PARAMETER, "the account database needs a directory");
    REQUIRE(store != NULL && asprintf(&path, "%s/" ACCOUNTS_FILE, directory) >= 0, SEC_E_INSUFFICIENT_MEMORY,
            "out of memory for the account database");
    if (create) {
        TRY(make_directory(directory));
    }
    const struct lmdb_options options = {path, ACCOUNTS_MAP_SIZE, .create = create, .write = true};
    TRY(lmdb_env_open(&options, &store->env, NULL));
    if (account_failures_open(directory, &store->failures) < 0) {
        status_begin(); /* not what the caller asked for */
        TRACE("accounts: the lock-out table in %s cannot be opened", directory);
    }
    *out = STEAL(store);
    return SEC_E_OK;
}

void account_store_close(struct account_store *store)
{
    if (store != NULL) {
        account_failures_close(store->failures);
        lmdb_env_close(store->env);
        free(store);
    }
}

/* Characters that would make a name ambiguous in DOMAIN\user, user:realm and the account files. */
static bool name_is_good(struct utf16 name)
{
    for (size_t i = 0; i < utf16_length(name); i++) {
        uint16_t unit = utf16_unit(name, i);
        if (unit < 0x20 || unit == 0x7F || unit == '\\' || unit == '/' || unit == ':') {
            return false;
        }
    }
    return true;
}

/* An account as a logon sees it within a transaction. */
static SECURITY_STATUS find_exact(MDB_txn *txn, const struct key *key, struct utf16 domain, struct bytes *value,
                                  struct account_record *out, bool *found)
{
    bool have_value = false;
    struct account_view view;
    *found = false;
    TRY(lmdb_get(txn, key_bytes(key), value, &have_value));
    if (have_value) {
        TRY(account_view_find(*value, domain, &view, found));
        *found = *found && utf16_equal_nocase(view.domain, domain);
    }
    return *found && out != NULL ? account_record_from_view(&view, out) : SEC_E_OK;
}

static SECURITY_STATUS write_value(MDB_txn *txn, const struct key *key, struct bytes old, struct utf16 domain,
                                   const struct account_record *record)
{
    AUTO_WRITER value = write_growing(VALUE_MAX);
    bool found = false;
    TRY(account_value_change(old, domain, record, &value, &found));
    TRY(account_index_change(txn, old, write_result(&value))); /* last that looks at `old`, which it may overwrite */
    if (value.size == 0) {
        return lmdb_delete(txn, key_bytes(key), &found);
    }
    return lmdb_put(txn, key_bytes(key), write_result(&value));
}

static SECURITY_STATUS put_within(MDB_txn *txn, const struct account_record *record, bool replace, bool *existed)
{
    struct key key;
    struct bytes old = BYTES_NONE;
    AUTO_ACCOUNT_RECORD before;
    account_record_init(&before);
    REQUIRE(name_is_good(record->user) && name_is_good(record->domain), SEC_E_INVALID_PARAMETER,
            "an account name has a control character, a backslash, a slash or a colon in it");
    TRY(make_key(record->user, &key));
    TRY(find_exact(txn, &key, record->domain, &old, &before, existed));
    if (*existed && !replace) {
        return SEC_E_OK;
    }
    struct account_record stamped = *record; /* borrows what record owns */
    uint64_t now = clock_now();
    if (stamped.created == 0) {
        stamped.created = *existed ? before.created : now;
    }
    if (stamped.password_set == 0) {
        stamped.password_set = now;
    }
    SECURITY_STATUS status = write_value(txn, &key, old, record->domain, &stamped);
    secret_wipe(&stamped, sizeof stamped);
    return status;
}

SECURITY_STATUS account_store_put(struct account_store *store, const struct account_record *record, bool replace,
                                  bool *done)
{
    AUTO_TXN *txn = NULL;
    bool existed = false;
    TRY(lmdb_write_begin(store->env, &txn));
    TRY(put_within(txn, record, replace, &existed));
    *done = replace || !existed;
    return lmdb_commit(&txn);
}

static SECURITY_STATUS forget_failures(struct account_store *store, const struct key *key, struct utf16 domain)
{
    struct key16 place;
    account_failure_key(key_bytes(key), domain, &place);
    return store->failures != NULL ? account_failures_clear(store->failures, BYTES(place.b), true) : SEC_E_OK;
}

SECURITY_STATUS account_store_delete(struct account_store *store, struct utf16 user, struct utf16 domain, bool *found)
{
    AUTO_TXN *txn = NULL;
    struct key key;
    struct bytes old = BYTES_NONE;
    TRY(make_key(user, &key));
    TRY(lmdb_write_begin(store->env, &txn));
    TRY(find_exact(txn, &key, domain, &old, NULL, found));
    if (!*found) {
        return SEC_E_OK;
    }
    TRY(write_value(txn, &key, old, domain, NULL));
    TRY(lmdb_commit(&txn));
    return forget_failures(store, &key, domain);
}

static SECURITY_STATUS add_failures(struct account_store *store, const struct key *key, struct account_record *record)
{
    struct account_failure_count count = {0};
    struct key16 place;
    account_failure_key(key_bytes(key), record->domain, &place);
    if (store->failures != NULL) {
        TRY(account_failures_get(store->failures, BYTES(place.b), true, clock_now(), &count));
    }
    record->failures = count.failures;
    record->locked_until = count.locked_until;
    return SEC_E_OK;
}

SECURITY_STATUS account_store_get(struct account_store *store, struct utf16 user, struct utf16 domain,
                                  struct account_record *out, bool *found)
{
    MDB_txn *txn;
    struct key key;
    struct bytes value;
    AUTO_ACCOUNT_RECORD record;
    account_record_init(&record);
    TRY(make_key(user, &key));
    TRY(lmdb_read_begin(store->env, &txn));
    SECURITY_STATUS status = find_exact(txn, &key, domain, &value, &record, found);
    lmdb_read_end(store->env);
    TRY(status);
    if (*found) {
        TRY(add_failures(store, &key, &record));
        *out = record;
        record = (struct account_record){0};
    }
    return SEC_E_OK;
}

SECURITY_STATUS account_store_change(struct account_store *store, struct utf16 user, struct utf16 domain,
                                     SECURITY_STATUS (*change)(void *argument, struct account_record *record),
                                     void *argument, bool *found)
{
    AUTO_TXN *txn = NULL;
    struct key key;
    struct bytes old = BYTES_NONE;
    AUTO_ACCOUNT_RECORD record;
    account_record_init(&record);
    TRY(make_key(user, &key));
    TRY(lmdb_write_begin(store->env, &txn));
    TRY(find_exact(txn, &key, domain, &old, &record, found));
    if (!*found) {
        return SEC_E_OK;
    }
    TRY(change(argument, &record));
    REQUIRE(utf16_equal_nocase(record.user, user) && utf16_equal_nocase(record.domain, domain), SEC_E_INVALID_PARAMETER,
            "a change of an account may not rename it");
    TRY(write_value(txn, &key, old, domain, &record));
    return lmdb_commit(&txn);
}

struct flag_change {
    uint32_t set;
    uint32_t clear;
};

static SECURITY_STATUS change_flags(void *argument, struct account_record *record)
{
    const struct flag_change *change = argument;
    record->flags = (record->flags & ~change->clear) | change->set;
    return SEC_E_OK;
}

SECURITY_STATUS account_store_flags(struct account_store *store, struct utf16 user, struct utf16 domain, uint32_t set,
                                    uint32_t clear, bool *found)
{
    struct flag_change change = {set, clear};
    return account_store_change(store, user, domain, change_flags, &change, found);
}

SECURITY_STATUS account_store_unlock(struct account_store *store, struct utf16 user, struct utf16 domain, bool *found)
{
    struct key key;
    TRY(make_key(user, &key));
    TRY(account_store_flags(store, user, domain, 0, ACCOUNT_FLAG_LOCKED, found));
    return *found ? forget_failures(store, &key, domain) : SEC_E_OK;
}

struct listing {
    struct account_store *store;
    SECURITY_STATUS (*each)(void *argument, const struct account_record *record);
    void *argument;
    struct key key;
};

static SECURITY_STATUS list_account(void *argument, const struct account_view *view)
{
    struct listing *listing = argument;
    AUTO_ACCOUNT_RECORD record;
    account_record_init(&record);
    TRY(account_record_from_view(view, &record));
    TRY(add_failures(listing->store, &listing->key, &record));
    return listing->each(listing->argument, &record);
}

static SECURITY_STATUS list_value(void *argument, struct bytes key, struct bytes value)
{
    struct listing *listing = argument;
    if (account_index_is_key(key)) {
        return SEC_E_OK;
    }
    struct writer writer = write_into(listing->key.bytes, sizeof listing->key.bytes);
    write_bytes(&writer, key);
    listing->key.size = writer.size;
    return account_value_each(value, list_account, listing);
}

SECURITY_STATUS account_store_list(struct account_store *store,
                                   SECURITY_STATUS (*each)(void *argument, const struct account_record *record),
                                   void *argument)
{
    MDB_txn *txn;
    struct listing listing = {.store = store, .each = each, .argument = argument};
    TRY(lmdb_read_begin(store->env, &txn));
    SECURITY_STATUS status = lmdb_each(txn, list_value, &listing);
    lmdb_read_end(store->env);
    return status;
}

struct importing {
    MDB_txn *txn;
    bool replace;
    const char *const *realms;
    size_t realm_count;
    struct account_import *result;
};

static SECURITY_STATUS record_from_line(const struct importing *importing, const struct user_line *line,
                                        struct account_record *record)
{
    TRY(utf16_copy(line->user, &record->user));
    TRY(utf16_copy(line->domain, &record->domain));
    if (line->has_password) {
        return account_record_set_password(record, line->password, importing->realms, importing->realm_count);
    }
    record->nt_hash = line->nt_hash;
    record->has_lm_hash = line->has_lm_hash;
    record->lm_hash = line->lm_hash;
    record->flags = line->disabled ? ACCOUNT_FLAG_DISABLED : 0;
    record->password_set = line->password_set;
    return SEC_E_OK;
}

static SECURITY_STATUS import_line(void *argument, const struct user_line *line)
{
    struct importing *importing = argument;
    struct account_import *result = importing->result;
    AUTO_ACCOUNT_RECORD record;
    account_record_init(&record);
    if (line->bad || !line->can_log_on || !name_is_good(line->user) || !name_is_good(line->domain) ||
        line->user.size > ACCOUNT_KEY_MAX || line->domain.size > ACCOUNT_KEY_MAX) {
        result->skipped++;
        result->first_bad_line = result->first_bad_line == 0 ? line->number : result->first_bad_line;
        return SEC_E_OK;
    }
    bool existed = false;
    TRY(record_from_line(importing, line, &record));
    TRY(put_within(importing->txn, &record, importing->replace, &existed));
    result->added += !existed;
    result->replaced += existed && importing->replace;
    result->kept += existed && !importing->replace;
    return SEC_E_OK;
}

SECURITY_STATUS account_store_import(struct account_store *store, const char *path, bool replace,
                                     const char *const *realms, size_t realm_count, struct account_import *out)
{
    AUTO_TXN *txn = NULL;
    struct account_import result = {0};
    TRY(lmdb_write_begin(store->env, &txn));
    struct importing importing = {txn, replace, realms, realm_count, &result};
    TRY(user_file_read(path, import_line, &importing));
    TRY(lmdb_commit(&txn));
    *out = result;
    return SEC_E_OK;
}
