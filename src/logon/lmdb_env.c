#include "logon/lmdb_env.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/trace.h"
#include "logon/process.h"

#define MAX_READERS 2046 /* threads of all processes that may have the file open */
#define TABLE       1    /* the handle of LMDB's unnamed table, the only one used here */

struct lmdb_env {
    struct lmdb_env *next;
    unsigned references;
    dev_t device;
    ino_t inode;
    struct lmdb_options options;
    MDB_env *mdb;
    atomic_uint generation; /* of the process that opened mdb */
    bool read_only;
};

/* One thread's transaction in one environment. */
struct read_slot {
    struct read_slot *next;     /* of this thread */
    struct read_slot *next_all; /* of the process */
    struct lmdb_env *env;       /* NULL once the environment is closed */
    MDB_txn *txn;
    unsigned generation;
    unsigned depth;
};

/* All under the process lock. */
static struct lmdb_env *environments;
static struct read_slot *all_slots;

/* What belongs to the parent of a fork.  LMDB's calls on it would write into the parent's slot of the shared reader
 * table, so it is only kept, where a leak checker sees it. */
struct abandoned {
    struct abandoned *next;
    void *thing;
};
static struct abandoned *abandoned;

static _Thread_local struct read_slot *my_slots;
static pthread_key_t slots_key;
static bool have_slots_key;

static SECURITY_STATUS failed(int code)
{
    TRACE("accounts: LMDB says: %s", mdb_strerror(code));
    switch (code) {
    case ENOMEM:
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "out of memory in the account database");
    case ENOENT:
        FAIL(SEC_E_INTERNAL_ERROR, "there is no account database");
    case EACCES:
    case EPERM:
    case EROFS:
        FAIL(SEC_E_INTERNAL_ERROR, "this user may not open the account database");
    case ENOSPC:
        FAIL(SEC_E_INTERNAL_ERROR, "no space left for the account database");
    case MDB_MAP_FULL:
        FAIL(SEC_E_INTERNAL_ERROR, "the account database has reached its greatest size");
    case MDB_READERS_FULL:
        FAIL(SEC_E_INTERNAL_ERROR, "too many threads read the account database");
    case MDB_INVALID:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_VERSION_MISMATCH:
        FAIL(SEC_E_INTERNAL_ERROR, "the account database is damaged or not one");
    default:
        FAIL(SEC_E_INTERNAL_ERROR, "the account database failed");
    }
}

static void abandon(void *thing)
{
    struct abandoned *entry = malloc(sizeof *entry);
    if (entry != NULL) {
        *entry = (struct abandoned){abandoned, thing};
        abandoned = entry;
    }
}

static void mdb_close_auto(MDB_env **mdb)
{
    if (*mdb != NULL) {
        mdb_env_close(*mdb);
    }
}

/* The hashes in the file are as good as passwords (MS-NLMP 5.1): one that others can read, or change, is not used. */
static SECURITY_STATUS check_file(MDB_env *mdb, struct stat *out)
{
    int fd = -1;
    int code = mdb_env_get_fd(mdb, &fd);
    if (code != 0 || fstat(fd, out) != 0) {
        return failed(code != 0 ? code : errno);
    }
    REQUIRE((out->st_mode & 0027) == 0, SEC_E_INTERNAL_ERROR,
            "the account database is open to other users: its mode should be 0600");
    return SEC_E_OK;
}

static SECURITY_STATUS open_mdb(const struct lmdb_options *options, bool read_only, MDB_env **out, struct stat *info)
{
    __attribute__((cleanup(mdb_close_auto))) MDB_env *mdb = NULL;
    AUTO_TXN *txn = NULL;
    MDB_dbi table = 0;
    unsigned flags =
        MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD | (read_only ? MDB_RDONLY : 0) | (options->volatile_ ? MDB_NOSYNC : 0);
    if (!options->create && access(options->path, F_OK) != 0) {
        return failed(errno); /* LMDB itself would make the file, unless told to read only */
    }
    int code = mdb_env_create(&mdb);
    if (code == 0) {
        code = mdb_env_set_mapsize(mdb, options->map_size);
    }
    if (code == 0) {
        code = mdb_env_set_maxreaders(mdb, MAX_READERS);
    }
    if (code == 0) {
        code = mdb_env_open(mdb, options->path, flags, 0600);
    }
    if (code == 0) {
        (void)mdb_reader_check(mdb, NULL); /* slots of killed processes, which would keep old pages in use */
        code = mdb_txn_begin(mdb, NULL, MDB_RDONLY, &txn);
    }
    if (code == 0) {
        code = mdb_dbi_open(txn, NULL, 0, &table);
    }
    if (code != 0) {
        return failed(code);
    }
    REQUIRE(table == TABLE, SEC_E_INTERNAL_ERROR, "LMDB numbers its tables in a new way");
    TRY(check_file(mdb, info));
    lmdb_abort(&txn); /* before the environment it belongs to can be closed */
    *out = STEAL(mdb);
    return SEC_E_OK;
}

/* Whether the file can be written is found out before LMDB is asked: its refusals all look alike. */
static SECURITY_STATUS open_either(const struct lmdb_options *options, MDB_env **out, struct stat *info,
                                   bool *read_only)
{
    *read_only = !options->write && faccessat(AT_FDCWD, options->path, W_OK, AT_EACCESS) != 0;
    return open_mdb(options, *read_only, out, info);
}

static void destroy_env(struct lmdb_env *env)
{
    free((char *)(uintptr_t)env->options.path);
    free(env);
}

static struct lmdb_env *find_open(const struct stat *info)
{
    struct lmdb_env *env = environments;
    while (env != NULL && (env->device != info->st_dev || env->inode != info->st_ino)) {
        env = env->next;
    }
    return env;
}

SECURITY_STATUS lmdb_env_open(const struct lmdb_options *options, struct lmdb_env **out, bool *out_missing)
{
    PROCESS_LOCKED;
    struct stat info;
    bool missing = stat(options->path, &info) != 0 && (errno == ENOENT || errno == ENOTDIR);
    if (out_missing != NULL) {
        *out_missing = missing && !options->create;
    }
    REQUIRE(!missing || options->create, SEC_E_INTERNAL_ERROR, "there is no account database");
    struct lmdb_env *env = missing ? NULL : find_open(&info);
    if (env != NULL) {
        REQUIRE(!options->write || !env->read_only, SEC_E_INTERNAL_ERROR,
                "this process has the account database open for reading only");
        env->references++;
        *out = env;
        return SEC_E_OK;
    }

    AUTO_FREE char *path = strdup(options->path);
    AUTO_FREE struct lmdb_env *fresh = calloc(1, sizeof *fresh);
    REQUIRE(path != NULL && fresh != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the account database");
    TRY(open_either(options, &fresh->mdb, &info, &fresh->read_only));
    fresh->device = info.st_dev;
    fresh->inode = info.st_ino;
    fresh->options = *options;
    fresh->options.path = STEAL(path);
    fresh->references = 1;
    atomic_store(&fresh->generation, atomic_load(&process_generation));
    fresh->next = environments;
    environments = fresh;
    *out = STEAL(fresh);
    return SEC_E_OK;
}

void lmdb_env_close(struct lmdb_env *env)
{
    if (env == NULL) {
        return;
    }
    PROCESS_LOCKED;
    env->references--;
    if (env->references != 0) {
        return;
    }
    bool ours = atomic_load(&env->generation) == atomic_load(&process_generation);
    for (struct read_slot *slot = all_slots; slot != NULL; slot = slot->next_all) {
        if (slot->env == env) { /* its thread frees it when it next looks, or ends */
            if (ours && slot->generation == atomic_load(&process_generation)) {
                mdb_txn_abort(slot->txn);
            } else {
                abandon(slot->txn);
            }
            slot->env = NULL;
            slot->txn = NULL;
        }
    }
    struct lmdb_env **link = &environments;
    while (*link != env) {
        link = &(*link)->next;
    }
    *link = env->next;
    if (ours) {
        mdb_env_close(env->mdb);
    } else {
        abandon(env->mdb);
    }
    destroy_env(env);
}

/* A child of a fork comes here with its parent's environment and leaves with one of its own. */
static SECURITY_STATUS reopen_after_fork(struct lmdb_env *env)
{
    PROCESS_LOCKED;
    unsigned generation = atomic_load(&process_generation);
    if (atomic_load(&env->generation) == generation) {
        return SEC_E_OK;
    }
    MDB_env *mdb = NULL;
    struct stat info = {0};
    TRY(open_mdb(&env->options, env->read_only, &mdb, &info));
    abandon(env->mdb);
    env->mdb = mdb;
    env->device = info.st_dev;
    env->inode = info.st_ino;
    atomic_store_explicit(&env->generation, generation, memory_order_release);
    return SEC_E_OK;
}

static inline SECURITY_STATUS ensure_ours(struct lmdb_env *env)
{
    if (__builtin_expect(atomic_load_explicit(&env->generation, memory_order_acquire) !=
                             atomic_load_explicit(&process_generation, memory_order_relaxed),
                         0)) {
        return reopen_after_fork(env);
    }
    return SEC_E_OK;
}

static void forget_slot(struct read_slot *slot)
{
    struct read_slot **link = &all_slots;
    while (*link != slot) {
        link = &(*link)->next_all;
    }
    *link = slot->next_all;
    if (slot->txn != NULL && slot->generation == atomic_load(&process_generation)) {
        mdb_txn_abort(slot->txn);
    } else if (slot->txn != NULL) {
        abandon(slot->txn);
    }
    free(slot);
}

/* A thread ends: its places in the reader tables become free. */
static void forget_thread(void *first)
{
    PROCESS_LOCKED;
    struct read_slot *slot = first;
    while (slot != NULL) {
        struct read_slot *next = slot->next;
        forget_slot(slot);
        slot = next;
    }
    my_slots = NULL;
}

__attribute__((constructor)) static void make_key(void)
{
    have_slots_key = pthread_key_create(&slots_key, forget_thread) == 0;
}

/* The library may be unloaded while threads that used it live on: they must not be sent to code that is gone. */
__attribute__((destructor)) static void delete_key(void)
{
    if (have_slots_key) {
        (void)pthread_key_delete(slots_key);
    }
}

/* Takes the slots off this thread's list that a fork or a close has made useless. */
static void drop_dead_slots(void)
{
    PROCESS_LOCKED;
    struct read_slot **link = &my_slots;
    while (*link != NULL) {
        struct read_slot *slot = *link;
        if (slot->env == NULL || slot->generation != atomic_load(&process_generation)) {
            *link = slot->next;
            forget_slot(slot);
        } else {
            link = &slot->next;
        }
    }
    (void)pthread_setspecific(slots_key, my_slots);
}

__attribute__((noinline)) static SECURITY_STATUS make_slot(struct lmdb_env *env, struct read_slot **out)
{
    PROCESS_LOCKED;
    REQUIRE(have_slots_key, SEC_E_INTERNAL_ERROR, "the process has no thread-specific keys left");
    drop_dead_slots();
    AUTO_FREE struct read_slot *slot = calloc(1, sizeof *slot);
    REQUIRE(slot != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for reading the account database");
    int code = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &slot->txn);
    if (code == MDB_READERS_FULL) {
        (void)mdb_reader_check(env->mdb, NULL);
        code = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &slot->txn);
    }
    if (code == 0 && pthread_setspecific(slots_key, slot) != 0) {
        mdb_txn_abort(slot->txn);
        code = ENOMEM;
    }
    if (code != 0) {
        return failed(code);
    }
    mdb_txn_reset(slot->txn);
    slot->env = env;
    slot->generation = atomic_load(&process_generation);
    slot->next = my_slots;
    slot->next_all = all_slots;
    all_slots = slot;
    my_slots = slot;
    *out = STEAL(slot);
    return SEC_E_OK;
}

static struct read_slot *find_slot(struct lmdb_env *env)
{
    unsigned generation = atomic_load_explicit(&process_generation, memory_order_relaxed);
    struct read_slot *slot = my_slots;
    while (slot != NULL && (slot->env != env || slot->generation != generation)) {
        slot = slot->next;
    }
    return slot;
}

SECURITY_STATUS lmdb_read_begin(struct lmdb_env *env, MDB_txn **out)
{
    TRY(ensure_ours(env));
    struct read_slot *slot = find_slot(env);
    if (__builtin_expect(slot == NULL, 0)) {
        TRY(make_slot(env, &slot));
        REQUIRE(slot != NULL, SEC_E_INTERNAL_ERROR, "a thread's read transaction has no place");
    }
    if (slot->depth == 0) {
        int code = mdb_txn_renew(slot->txn);
        if (code != 0) {
            return failed(code);
        }
    }
    slot->depth++;
    *out = slot->txn;
    return SEC_E_OK;
}

void lmdb_read_end(struct lmdb_env *env)
{
    struct read_slot *slot = find_slot(env);
    if (slot != NULL && slot->depth != 0) {
        slot->depth--;
        if (slot->depth == 0) {
            mdb_txn_reset(slot->txn);
        }
    }
}

static MDB_val val_of(struct bytes bytes)
{
    return (MDB_val){bytes.size, (void *)(uintptr_t)bytes.data};
}

SECURITY_STATUS lmdb_get(MDB_txn *txn, struct bytes key, struct bytes *value, bool *found)
{
    MDB_val name = val_of(key);
    MDB_val data = {0, NULL};
    int code = mdb_get(txn, TABLE, &name, &data);
    if (__builtin_expect(code != 0 && code != MDB_NOTFOUND, 0)) {
        return failed(code);
    }
    *found = code == 0;
    *value = code == 0 ? bytes_of(data.mv_data, data.mv_size) : BYTES_NONE;
    return SEC_E_OK;
}

SECURITY_STATUS lmdb_write_begin(struct lmdb_env *env, MDB_txn **out)
{
    TRY(ensure_ours(env));
    int code = mdb_txn_begin(env->mdb, NULL, 0, out);
    return code == 0 ? SEC_E_OK : failed(code);
}

SECURITY_STATUS lmdb_put(MDB_txn *txn, struct bytes key, struct bytes value)
{
    MDB_val name = val_of(key);
    MDB_val data = val_of(value);
    int code = mdb_put(txn, TABLE, &name, &data, 0);
    return code == 0 ? SEC_E_OK : failed(code);
}

SECURITY_STATUS lmdb_delete(MDB_txn *txn, struct bytes key, bool *found)
{
    MDB_val name = val_of(key);
    int code = mdb_del(txn, TABLE, &name, NULL);
    if (code != 0 && code != MDB_NOTFOUND) {
        return failed(code);
    }
    *found = code == 0;
    return SEC_E_OK;
}

SECURITY_STATUS lmdb_commit(MDB_txn **txn)
{
    int code = mdb_txn_commit(STEAL(*txn));
    return code == 0 ? SEC_E_OK : failed(code);
}

void lmdb_abort(MDB_txn **txn)
{
    if (*txn != NULL) {
        mdb_txn_abort(*txn);
        *txn = NULL;
    }
}

static void cursor_close_auto(MDB_cursor **cursor)
{
    if (*cursor != NULL) {
        mdb_cursor_close(*cursor);
    }
}

SECURITY_STATUS lmdb_each(MDB_txn *txn, SECURITY_STATUS (*each)(void *argument, struct bytes key, struct bytes value),
                          void *argument)
{
    __attribute__((cleanup(cursor_close_auto))) MDB_cursor *cursor = NULL;
    MDB_val key = {0, NULL};
    MDB_val value = {0, NULL};
    int code = mdb_cursor_open(txn, TABLE, &cursor);
    if (code == 0) {
        code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    }
    while (code == 0) {
        TRY(each(argument, bytes_of(key.mv_data, key.mv_size), bytes_of(value.mv_data, value.mv_size)));
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return code == MDB_NOTFOUND ? SEC_E_OK : failed(code);
}

bool lmdb_env_is_stale(const struct lmdb_env *env)
{
    struct stat info;
    return stat(env->options.path, &info) != 0 || info.st_dev != env->device || info.st_ino != env->inode;
}
