#include "logon/account_failures.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/trace.h"
#include "crypto/md.h"
#include "logon/account_record.h"
#include "logon/accounts.h"
#include "logon/lmdb_env.h"
#include "text/upcase.h"
#include "wire/reader.h"

#define PREFIX       "failures-"
#define BOOT_ID_SIZE 36
#define MAP_SIZE     ((size_t)256 << 20)
#define ENTRY_SIZE   20
#define STRANGERS    1024 /* places that names without an account share */

struct account_failures {
    struct lmdb_env *env;
};

struct entry {
    uint32_t count;
    uint64_t locked_until;
    uint64_t forget_at; /* when the count starts again from nothing */
};

/* The kernel's name for this boot (random(4)); false where /proc is not mounted. */
static bool boot_id(char out[BOOT_ID_SIZE + 1])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t got = read(fd, out, BOOT_ID_SIZE);
    (void)close(fd);
    if (got != BOOT_ID_SIZE) {
        return false;
    }
    out[BOOT_ID_SIZE] = '\0';
    return strspn(out, "0123456789abcdef-") == BOOT_ID_SIZE;
}

/* Removes the tables of earlier boots. */
static void remove_others(const char *directory, const char *boot)
{
    DIR *entries = opendir(directory);
    if (entries == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        const char *rest = entry->d_name + sizeof PREFIX - 1;
        if (strncmp(entry->d_name, PREFIX, sizeof PREFIX - 1) == 0 && strncmp(rest, boot, strlen(boot)) != 0) {
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
        }
    }
    (void)closedir(entries);
}

SECURITY_STATUS account_failures_open(const char *directory, struct account_failures **out)
{
    char boot[BOOT_ID_SIZE + 1] = "any";
    AUTO_FREE char *path = NULL;
    bool volatile_ = boot_id(boot);
    if (volatile_) {
        remove_others(directory, boot);
    }
    REQUIRE(asprintf(&path, "%s/" PREFIX "%s", directory, boot) >= 0, SEC_E_INSUFFICIENT_MEMORY,
            "out of memory for the lock-out table");
    AUTO_FREE struct account_failures *failures = calloc(1, sizeof *failures);
    REQUIRE(failures != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the lock-out table");
    const struct lmdb_options options = {path, MAP_SIZE, .create = true, .write = true, .volatile_ = volatile_};
    TRY(lmdb_env_open(&options, &failures->env, NULL));
    *out = STEAL(failures);
    return SEC_E_OK;
}

void account_failures_close(struct account_failures *failures)
{
    if (failures != NULL) {
        lmdb_env_close(failures->env);
        free(failures);
    }
}

void account_failure_key(struct bytes user_key, struct utf16 domain, struct key16 *out)
{
    static const uint8_t between[2] = {0, 0};
    uint8_t upper[2 * ACCOUNT_NAME_MAX];
    size_t size = domain.size <= sizeof upper ? domain.size : sizeof upper;
    upcase_write((struct utf16){domain.data, size}, upper);
    const struct bytes parts[] = {user_key, BYTES(between), bytes_of(upper, size)};
    md5(parts, sizeof parts / sizeof parts[0], out);
}

/* The place of a name: an account's own of 16 bytes, or one of the shared places of 4 (FNV-1a). */
static struct bytes place(struct bytes key, bool known, uint8_t shared[4])
{
    uint32_t hash = UINT32_C(2166136261);
    for (size_t i = 0; i < key.size; i++) {
        hash = (hash ^ key.data[i]) * UINT32_C(16777619);
    }
    hash = (hash ^ hash >> 16) % STRANGERS;
    struct writer writer = write_into(shared, 4);
    write_u16le(&writer, 0);
    write_u16le(&writer, (uint16_t)hash);
    return known ? key : write_result(&writer);
}

/* What is stored, or nothing: an entry that is not one, and one whose time has passed, count as none. */
static void read_entry(struct bytes value, uint64_t now, struct entry *out)
{
    struct reader reader = read_start(value);
    struct entry entry = {0};
    entry.count = read_u32le(&reader);
    entry.locked_until = read_u64le(&reader);
    entry.forget_at = read_u64le(&reader);
    bool good = !reader.bad && value.size == ENTRY_SIZE && now < entry.forget_at;
    *out = good ? entry : (struct entry){0};
}

SECURITY_STATUS account_failures_get(struct account_failures *failures, struct bytes key, bool known, uint64_t now,
                                     struct account_failure_count *out)
{
    uint8_t shared[4];
    MDB_txn *txn;
    struct bytes value = BYTES_NONE;
    bool found = false;
    struct entry entry = {0};
    TRY(lmdb_read_begin(failures->env, &txn));
    SECURITY_STATUS status = lmdb_get(txn, place(key, known, shared), &value, &found);
    read_entry(value, now, &entry);
    lmdb_read_end(failures->env);
    TRY(status);
    *out = (struct account_failure_count){entry.count, now < entry.locked_until ? entry.locked_until : 0};
    return SEC_E_OK;
}

/* Failures count for as long as a lock-out would last.  When that many have come the name is locked, and stays so for the
 * whole duration however often it is tried again. */
static void count_failure(struct entry *entry, uint64_t now, uint32_t threshold, uint32_t seconds)
{
    uint64_t until = seconds == 0 ? CLOCK_NEVER : now + seconds * CLOCK_SECOND;
    if (now < entry->locked_until) {
        return;
    }
    entry->count += entry->count < UINT32_MAX ? 1 : 0;
    entry->forget_at = until;
    entry->locked_until = entry->count >= threshold ? until : 0;
}

SECURITY_STATUS account_failures_add(struct account_failures *failures, struct bytes key, bool known, uint64_t now,
                                     uint32_t threshold, uint32_t seconds)
{
    uint8_t shared[4];
    uint8_t bytes[ENTRY_SIZE];
    AUTO_TXN *txn = NULL;
    struct bytes value = BYTES_NONE;
    bool found = false;
    struct entry entry = {0};
    struct bytes where = place(key, known, shared);
    TRY(lmdb_write_begin(failures->env, &txn));
    TRY(lmdb_get(txn, where, &value, &found));
    read_entry(value, now, &entry);
    count_failure(&entry, now, threshold, seconds);
    struct writer writer = write_into(bytes, sizeof bytes);
    write_u32le(&writer, entry.count);
    write_u64le(&writer, entry.locked_until);
    write_u64le(&writer, entry.forget_at);
    TRY(write_end(&writer));
    TRY(lmdb_put(txn, where, write_result(&writer))); /* also for a locked name: it must not answer sooner */
    return lmdb_commit(&txn);
}

SECURITY_STATUS account_failures_clear(struct account_failures *failures, struct bytes key, bool known)
{
    uint8_t shared[4];
    MDB_txn *reading;
    AUTO_TXN *txn = NULL;
    struct bytes value;
    bool found = false;
    struct bytes where = place(key, known, shared);
    TRY(lmdb_read_begin(failures->env, &reading));
    SECURITY_STATUS status = lmdb_get(reading, where, &value, &found);
    lmdb_read_end(failures->env);
    TRY(status);
    if (!found) {
        return SEC_E_OK;
    }
    TRY(lmdb_write_begin(failures->env, &txn));
    TRY(lmdb_delete(txn, where, &found));
    return lmdb_commit(&txn);
}
