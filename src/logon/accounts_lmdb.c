/* Logons against the embedded database.
 *
 * A logon costs one lookup among the accounts and one among the failures, in memory that LMDB maps; no lock, no system
 * call, no allocation.  A name without an account takes the same way: the same two lookups, then a made-up record is read
 * instead of a stored one, and its outcome is recorded as anybody's.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/policy.h"
#include "base/trace.h"
#include "logon/account_failures.h"
#include "logon/account_files.h"
#include "logon/account_index.h"
#include "logon/account_record.h"
#include "logon/accounts.h"
#include "logon/lmdb_env.h"
#include "logon/process.h"
#include "text/names.h"

/* An environment in use.  One that is replaced by another file stays open, as threads may be reading in it; that is rare
 * (somebody put a copy of the database in place), so they are closed together with the source. */
struct opened {
    struct opened *older;
    struct lmdb_env *env;
    struct account_failures *failures; /* NULL when lock-out is off */
};

struct accounts_lmdb {
    struct accounts base;
    char *directory;
    char *path;
    bool writable;
    _Atomic(struct opened *) current; /* NULL while there is no database */
    struct opened *all;
    atomic_long checked; /* second in which the file was last looked at */
    uint8_t decoy[256];  /* a value as the database stores it, around the decoy hash */
    size_t decoy_size;
};

static struct accounts_lmdb *self_of(struct accounts *self)
{
    return (struct accounts_lmdb *)self;
}

/* A name as the client sent it, split and in the form of a key.  A name that no account can have keeps its length, so
 * that its lookup fails like any other. */
struct sought {
    uint8_t key[ACCOUNT_KEY_MAX];
    size_t key_size;
    bool possible;
    struct utf16 domain;
};

static void seek(struct utf16 user, struct utf16 domain, struct sought *out)
{
    static const uint8_t nobody[2] = {0, 0};
    struct account_name name = names_split_upn(user, domain);
    out->key_size = account_key(name.user, out->key);
    out->possible = out->key_size != 0;
    out->domain = name.domain;
    if (!out->possible) { /* LMDB refuses empty keys */
        out->key_size = account_key((struct utf16){nobody, sizeof nobody}, out->key);
    }
}

static struct bytes sought_key(const struct sought *sought)
{
    return bytes_of(sought->key, sought->key_size);
}

/* ---------------------------------------------------------------- opening, and noticing another file */

static void opened_free(struct opened *opened)
{
    account_failures_close(opened->failures);
    lmdb_env_close(opened->env);
    free(opened);
}

static void opened_free_auto(struct opened **opened)
{
    if (*opened != NULL) {
        opened_free(*opened);
    }
}

static bool lockout_wanted(const struct accounts_lmdb *self)
{
    return self->writable && policy_get()->lockout_threshold != 0;
}

static SECURITY_STATUS open_files(struct accounts_lmdb *self, bool *missing)
{
    __attribute__((cleanup(opened_free_auto))) struct opened *opened = calloc(1, sizeof *opened);
    REQUIRE(opened != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the account database");
    const struct lmdb_options options = {self->path, ACCOUNTS_MAP_SIZE, .create = false, .write = false};
    *missing = access(self->path, F_OK) != 0;
    if (*missing) {
        return SEC_E_OK;
    }
    TRY(lmdb_env_open(&options, &opened->env, NULL));
    if (lockout_wanted(self)) { /* without it passwords could be guessed without end: no logons, then */
        TRY(account_failures_open(self->directory, &opened->failures));
    }
    opened->older = self->all;
    self->all = opened;
    atomic_store_explicit(&self->current, opened, memory_order_release);
    opened = NULL;
    return SEC_E_OK;
}

static long second(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (long)now.tv_sec + 1; /* zero is "never" */
}

/* The database may be made, removed or replaced while the server runs: looked at once a second, by one thread. */
static SECURITY_STATUS look_again(struct accounts_lmdb *self, long now)
{
    PROCESS_LOCKED;
    if (atomic_load(&self->checked) == now) {
        return SEC_E_OK;
    }
    bool missing = false;
    struct opened *current = atomic_load(&self->current);
    if (current == NULL || lmdb_env_is_stale(current->env)) {
        atomic_store(&self->current, NULL); /* what was there before counts no longer, whatever happens next */
        TRY(open_files(self, &missing));
    }
    atomic_store(&self->checked, now);
    return SEC_E_OK;
}

/* What to read in, or NULL when there is no database. */
static inline SECURITY_STATUS current_files(struct accounts_lmdb *self, struct opened **out)
{
    long now = second();
    if (__builtin_expect(atomic_load_explicit(&self->checked, memory_order_relaxed) != now, 0)) {
        TRY(look_again(self, now));
    }
    *out = atomic_load_explicit(&self->current, memory_order_acquire);
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- a logon */

static void fill(struct bytes from, void *to, size_t size)
{
    struct writer writer = write_into(to, size);
    write_bytes(&writer, from);
}

static enum account_state state_of(const struct account_view *view, uint64_t now, uint64_t locked_until)
{
    if ((view->flags & ACCOUNT_FLAG_DISABLED) != 0) {
        return ACCOUNT_DISABLED;
    }
    if ((view->flags & ACCOUNT_FLAG_LOCKED) != 0 || now < locked_until) {
        return ACCOUNT_LOCKED;
    }
    if ((view->flags & ACCOUNT_FLAG_MUST_CHANGE) != 0 || now >= view->expiry || now >= view->password_expiry) {
        return ACCOUNT_EXPIRED;
    }
    return ACCOUNT_GOOD;
}

static void fill_account(const struct account_view *view, struct account *out)
{
    *out = (struct account){.password_expiry = view->password_expiry, .has_lm_hash = view->lm_hash.size != 0};
    fill(view->nt_hash, out->nt_hash.b, sizeof out->nt_hash.b);
    fill(view->lm_hash, out->lm_hash.b, sizeof out->lm_hash.b);
    fill(view->unix_name, out->unix_name, sizeof out->unix_name - 1);
}

/* Reads a stored value or, for a name without one (or without one in this domain), the decoy. */
static SECURITY_STATUS read_account(struct accounts_lmdb *self, struct bytes value, bool have_value,
                                    struct utf16 domain, struct account_view *view, bool *known)
{
    struct bytes decoy = bytes_of(self->decoy, self->decoy_size);
    bool found = false;
    TRY(account_view_find(have_value ? value : decoy, domain, view, &found));
    *known = found && have_value;
    if (!found) { /* accounts of that name, but none in that domain */
        TRY(account_view_find(decoy, UTF16_NONE, view, &found));
    }
    return SEC_E_OK;
}

/* Where the failures of a sought name are counted: with the account it leads to, or among the strangers. */
static struct bytes failure_place(const struct sought *sought, const struct account_view *view, bool known,
                                  struct key16 *space)
{
    account_failure_key(sought_key(sought), view->domain,
                        space); /* for a stranger as well: it must not answer sooner */
    return known ? BYTES(space->b) : sought_key(sought);
}

/* What a lookup is for: the view's bytes are there for the length of the call alone. */
typedef SECURITY_STATUS take_fn(void *argument, const struct account_view *view);

static SECURITY_STATUS look_up(struct accounts_lmdb *self, const struct opened *files, const struct sought *sought,
                               take_fn *take, void *argument, enum account_state *out_state)
{
    MDB_txn *txn = NULL;
    struct bytes value = BYTES_NONE;
    struct account_view view;
    bool have_value = false;
    bool known = false;
    if (files != NULL) {
        TRY(lmdb_read_begin(files->env, &txn));
    }
    SECURITY_STATUS status = SEC_E_OK;
    if (files != NULL) {
        status = lmdb_get(txn, sought_key(sought), &value, &have_value);
    }
    if (status >= 0) {
        status = read_account(self, value, have_value && sought->possible, sought->domain, &view, &known);
    }
    struct key16 space;
    struct bytes place = BYTES_NONE;
    if (status >= 0) {
        place = failure_place(sought, &view, known, &space);
        status = take(argument, &view);
    }
    if (files != NULL) {
        lmdb_read_end(files->env); /* the view's bytes are gone, its numbers stay */
    }
    TRY(status);

    uint64_t now = clock_now();
    struct account_failure_count failures = {0};
    if (files != NULL && files->failures != NULL) {
        TRY(account_failures_get(files->failures, place, known, now, &failures));
    }
    enum account_state state = state_of(&view, now, failures.locked_until);
    *out_state = known ? state : ACCOUNT_UNKNOWN;
    return SEC_E_OK;
}

static SECURITY_STATUS take_account(void *argument, const struct account_view *view)
{
    struct account *out = argument;
    fill_account(view, out);
    return canonical_name_set(&out->name, view->user, view->domain);
}

static SECURITY_STATUS lmdb_known(struct accounts *base, struct utf16 user, struct utf16 domain, struct account *out)
{
    struct accounts_lmdb *self = self_of(base);
    struct opened *files = NULL;
    struct sought sought;
    enum account_state state = ACCOUNT_UNKNOWN;
    seek(user, domain, &sought);
    TRY(current_files(self, &files));
    TRY(look_up(self, files, &sought, take_account, out, &state));
    out->state = state;
    return SEC_E_OK;
}

struct digest_wish {
    struct bytes realm;
    uint8_t algorithm;
    enum account_form form;
    bool missing; /* the account has no such hash */
    struct digest_account *out;
};

/* Without a hash for this realm the account's decoy is compared, in the same time. */
static SECURITY_STATUS take_digest(void *argument, const struct account_view *view)
{
    struct digest_wish *wish = argument;
    struct digest_account *out = wish->out;
    TRY(account_view_digests(view, wish->realm, wish->algorithm, wish->form, out->hashes, ACCOUNT_DIGEST_HASHES,
                             &out->count));
    wish->missing = out->count == 0;
    if (wish->missing) {
        AUTO_KEY16 hash;
        TRY(accounts_decoy(&hash));
        fill(BYTES(hash.b), out->hashes[0], sizeof hash.b);
        fill(BYTES(hash.b), out->hashes[0] + sizeof hash.b, sizeof hash.b);
        out->count = 1;
    }
    fill(view->unix_name, out->unix_name, sizeof out->unix_name - 1);
    return canonical_name_set(&out->name, view->user, view->domain);
}

static SECURITY_STATUS lmdb_known_digest(struct accounts *base, struct utf16 name, struct bytes realm,
                                         uint8_t algorithm, struct digest_account *out)
{
    struct accounts_lmdb *self = self_of(base);
    struct opened *files = NULL;
    struct sought sought;
    enum account_state state = ACCOUNT_UNKNOWN;
    struct digest_wish wish = {.realm = realm, .algorithm = algorithm, .form = account_form_of(name), .out = out};
    *out = (struct digest_account){.count = 0};
    seek(name, UTF16_NONE, &sought);
    TRY(current_files(self, &files));
    TRY(look_up(self, files, &sought, take_digest, &wish, &state));
    if (wish.missing && state != ACCOUNT_UNKNOWN) {
        TRACE(
            "accounts: the account has no Digest hash for this realm and form of its name (sspi user passwd --realm)");
    }
    out->state = wish.missing ? ACCOUNT_UNKNOWN : state;
    return SEC_E_OK;
}

/* A miss leads to the name "", which costs its lookup as any other. */
static SECURITY_STATUS lmdb_named_by_hash(struct accounts *base, struct bytes hash, struct bytes realm,
                                          uint8_t algorithm, struct utf16 *out_name)
{
    struct opened *files = NULL;
    MDB_txn *txn = NULL;
    AUTO_UTF16 name = UTF16_NONE;
    (void)realm; /* it is part of what was hashed */
    TRY(current_files(self_of(base), &files));
    if (files != NULL) {
        TRY(lmdb_read_begin(files->env, &txn));
        SECURITY_STATUS status = account_index_find(txn, algorithm, hash, &name);
        lmdb_read_end(files->env);
        TRY(status);
    }
    *out_name = name;
    name = UTF16_NONE;
    return SEC_E_OK;
}

static SECURITY_STATUS record_outcome(struct accounts_lmdb *self, const struct sought *sought, bool success)
{
    const struct policy *policy = policy_get();
    struct opened *files = NULL;
    MDB_txn *txn;
    struct bytes value = BYTES_NONE;
    struct account_view view;
    struct key16 space;
    struct bytes place = BYTES_NONE;
    bool have_value = false;
    bool known = false;
    TRY(current_files(self, &files));
    if (files == NULL || files->failures == NULL) {
        return SEC_E_OK;
    }
    TRY(lmdb_read_begin(files->env, &txn));
    SECURITY_STATUS status = lmdb_get(txn, sought_key(sought), &value, &have_value);
    if (status >= 0) {
        status = read_account(self, value, have_value && sought->possible, sought->domain, &view, &known);
    }
    if (status >= 0) {
        place = failure_place(sought, &view, known, &space);
    }
    lmdb_read_end(files->env);
    TRY(status);
    if (success) {
        return account_failures_clear(files->failures, place, known);
    }
    return account_failures_add(files->failures, place, known, clock_now(), policy->lockout_threshold,
                                policy->lockout_seconds);
}

static void lmdb_outcome(struct accounts *base, struct utf16 user, struct utf16 domain, bool success)
{
    struct sought sought;
    seek(user, domain, &sought);
    SECURITY_STATUS status = record_outcome(self_of(base), &sought, success);
    if (status < 0) {
        TRACE("accounts: the outcome of a logon could not be recorded");
    }
}

/* ---------------------------------------------------------------- the source */

static void lmdb_close(struct accounts *base)
{
    struct accounts_lmdb *self = self_of(base);
    while (self->all != NULL) {
        struct opened *opened = self->all;
        self->all = opened->older;
        opened_free(opened);
    }
    free(self->directory);
    free(self->path);
    secret_wipe(self, sizeof *self);
    free(self);
}

static void lmdb_close_auto(struct accounts_lmdb **self)
{
    if (*self != NULL) {
        lmdb_close(&(*self)->base);
    }
}

/* The decoy has a name and a hash as any account does; the hash is random and the name never looked at. */
static SECURITY_STATUS make_decoy(struct accounts_lmdb *self)
{
    static const uint8_t name[] = {'n', 0, 'o', 0, 'b', 0, 'o', 0, 'd', 0, 'y', 0};
    struct account_record record;
    struct writer writer = write_into(self->decoy, sizeof self->decoy);
    bool found = false;
    account_record_init(&record);
    record.user = (struct utf16){name, sizeof name}; /* borrowed: the record is not freed */
    TRY(accounts_decoy(&record.nt_hash));
    SECURITY_STATUS status = account_value_change(BYTES_NONE, UTF16_NONE, &record, &writer, &found);
    key16_wipe(&record.nt_hash);
    self->decoy_size = writer.size;
    return status;
}

SECURITY_STATUS accounts_lmdb_open(const char *directory, bool writable, struct accounts **out)
{
    __attribute__((cleanup(lmdb_close_auto))) struct accounts_lmdb *self = calloc(1, sizeof *self);
    REQUIRE(self != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the account database");
    self->base = (struct accounts){.name = "lmdb",
                                   .known = lmdb_known,
                                   .known_digest = lmdb_known_digest,
                                   .named_by_hash = lmdb_named_by_hash,
                                   .outcome = lmdb_outcome,
                                   .close = lmdb_close};
    self->writable = writable;
    self->directory = strdup(directory);
    REQUIRE(self->directory != NULL && asprintf(&self->path, "%s/" ACCOUNTS_FILE, directory) >= 0,
            SEC_E_INSUFFICIENT_MEMORY, "out of memory for the account database");
    TRY(make_decoy(self));
    struct opened *files = NULL;
    TRY(current_files(self, &files));
    TRACE("accounts: database %s%s", self->path, files == NULL ? " (does not exist yet)" : "");
    *out = &STEAL(self)->base;
    return SEC_E_OK;
}
