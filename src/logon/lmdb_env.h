/* An LMDB environment as the account database needs it: one file with one table, shared by all threads of a process,
 * readable without a lock or an allocation, usable on both sides of a fork.
 *
 * LMDB forbids a process to open one file twice and to use an environment that was opened before a fork.  Both rules
 * are kept here: environments are counted by the file they front, and a child opens its own on first use.
 */
#ifndef OPENSSPI_LOGON_LMDB_ENV_H
#define OPENSSPI_LOGON_LMDB_ENV_H

#include <lmdb.h>

#include "base/bytes.h"
#include "base/status.h"

struct lmdb_env;

struct lmdb_options {
    const char *path; /* of the data file; the lock file stands beside it with "-lock" appended */
    size_t map_size;  /* what the file may grow to */
    bool create;      /* make the file when it is missing */
    bool write;       /* fail unless it can be written; otherwise a file that cannot be is opened for reading */
    bool volatile_;   /* do not flush: contents are worth nothing after a crash of the machine */
};

/* SEC_E_INTERNAL_ERROR when the file cannot be opened, is not LMDB's, or is open to other users; SEC_E_INSUFFICIENT_MEMORY.
 * `*out_missing` (may be NULL) says that the only thing wrong is that there is no such file. */
STATUS lmdb_env_open(const struct lmdb_options *options, struct lmdb_env **out, bool *out_missing);

/* Drops this reference; the last one closes.  No thread may be reading through it.  NULL is fine. */
void lmdb_env_close(struct lmdb_env *env);

/* A view of one moment, cached per thread: begin and end cost no system call and no lock after the first time.  Pairs
 * may nest; the inner one sees what the outer one sees.  The data seen is gone after lmdb_read_end. */
STATUS lmdb_read_begin(struct lmdb_env *env, MDB_txn **out);
void lmdb_read_end(struct lmdb_env *env);

/* The value under `key`.  `*found` false, and an empty value, when there is none. */
STATUS lmdb_get(MDB_txn *txn, struct bytes key, struct bytes *value, bool *found);

/* A transaction that writes; waits for other writers.  Ended by lmdb_commit, which makes it durable (unless volatile) and
 * in any case ends it, or by lmdb_abort. */
STATUS lmdb_write_begin(struct lmdb_env *env, MDB_txn **out);
STATUS lmdb_put(MDB_txn *txn, struct bytes key, struct bytes value);
STATUS lmdb_delete(MDB_txn *txn, struct bytes key, bool *found);
STATUS lmdb_commit(MDB_txn **txn);
void lmdb_abort(MDB_txn **txn);

#define AUTO_TXN __attribute__((cleanup(lmdb_abort))) MDB_txn

/* Calls `each` for every key in order, within `txn`; the first failure ends the walk. */
STATUS lmdb_each(MDB_txn *txn, SECURITY_STATUS (*each)(void *argument, struct bytes key, struct bytes value),
                 void *argument);

/* True once the environment is bound to another file than the one now at its path. */
bool lmdb_env_is_stale(const struct lmdb_env *env);

#endif
