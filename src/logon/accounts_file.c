/* Logons against a file of accounts: smbpasswd, NTLM_USER_FILE or SAM lines (logon/user_file.h).
 *
 * The file is read into memory once and again when it has changed, which is looked for once a second.  The first line
 * that matches counts; domains are compared only where both sides name one, as gss-ntlmssp does.  Passwords, where lines
 * have them, are kept for Digest, which hashes them with a realm and a name that are not known before a client comes.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/trace.h"
#include "logon/account_digest.h"
#include "logon/accounts.h"
#include "logon/process.h"
#include "logon/user_file.h"
#include "text/names.h"
#include "text/upcase.h"
#include "wire/writer.h"

#define NONE         UINT32_MAX
#define ACCOUNTS_MAX 4000000

struct entry {
    struct utf16 user;   /* owned */
    struct utf16 domain; /* owned */
    bool has_lm_hash;
    bool disabled;
    bool has_password;
    uint32_t password_at, password_size; /* in the table's `passwords` */
    uint32_t next;                       /* of the same bucket, later in the file */
};

/* What belongs to an entry and is secret. */
struct hashes {
    struct key16 nt;
    struct key16 lm;
};

struct table {
    struct entry *entries;
    struct secret secrets;   /* struct hashes of each entry: left out of core dumps, wiped at the end */
    struct secret passwords; /* UTF-16, one behind the other */
    size_t count;
    uint32_t *buckets;
    size_t bucket_mask;
};

/* Hashed names in order, for one realm: made when the first of them is asked for. */
struct hashed_name {
    uint8_t hash[ACCOUNT_DIGEST_SIZE_MAX];
    uint32_t entry;
    uint32_t form;
};

struct hashed_names {
    char *realm; /* owned; NULL: none made */
    size_t realm_size;
    struct hashed_name *at; /* owned */
    size_t count;
};

struct accounts_file {
    struct accounts base;
    char *path;
    struct key16 decoy;
    /* All under the process lock. */
    struct table table;
    struct hashed_names hashed[3]; /* by algorithm */
    struct stat seen;
    time_t checked;
};

static struct hashes *hashes_at(const struct table *table, size_t index)
{
    return (struct hashes *)(void *)table->secrets.data + index;
}

static void table_free(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        utf16_free(&table->entries[i].user);
        utf16_free(&table->entries[i].domain);
    }
    secret_free(&table->secrets);
    secret_free(&table->passwords);
    free(table->entries);
    free(table->buckets);
    *table = (struct table){0};
}

#define AUTO_TABLE __attribute__((cleanup(table_free))) struct table

/* FNV-1a over the upper-cased name, a unit at a time. */
static uint32_t hash_name(struct utf16 name)
{
    uint32_t hash = UINT32_C(2166136261);
    for (size_t i = 0; i < utf16_length(name); i++) {
        hash = (hash ^ upcase_unit(utf16_unit(name, i))) * UINT32_C(16777619);
    }
    return hash;
}

/* ---------------------------------------------------------------- reading the file */

/* What a table needs room for. */
struct extent {
    size_t entries, password_bytes;
};

static SECURITY_STATUS count_line(void *argument, const struct user_line *line)
{
    struct extent *extent = argument;
    if (line->bad) {
        TRACE("accounts: line %zu of the account file is not an account and counts for nothing", line->number);
    }
    if (!line->bad && line->can_log_on) {
        extent->entries++;
        extent->password_bytes += line->password.size;
    }
    return SEC_E_OK;
}

struct filling {
    struct table *table;
    size_t room;
    struct writer passwords;
};

static SECURITY_STATUS take_line(void *argument, const struct user_line *line)
{
    struct filling *filling = argument;
    struct table *table = filling->table;
    if (line->bad || !line->can_log_on || table->count == filling->room) {
        return SEC_E_OK; /* a file that grew meanwhile has a new time and is read again */
    }
    struct entry *entry = &table->entries[table->count];
    *hashes_at(table, table->count) = (struct hashes){line->nt_hash, line->lm_hash};
    *entry = (struct entry){
        .has_lm_hash = line->has_lm_hash,
        .disabled = line->disabled,
        .has_password = line->has_password,
        .password_at = (uint32_t)filling->passwords.size,
        .password_size = (uint32_t)line->password.size,
    };
    write_bytes(&filling->passwords, utf16_bytes(line->password));
    TRY(write_end(&filling->passwords)); /* a file that grew meanwhile: the next reading finds room */
    table->count++;                      /* from here on table_free looks at it */
    TRY(utf16_copy(line->user, &entry->user));
    return utf16_copy(line->domain, &entry->domain);
}

static SECURITY_STATUS make_buckets(struct table *table)
{
    size_t size = 16;
    while (size < table->count) {
        size *= 2;
    }
    table->buckets = calloc(size, sizeof table->buckets[0]);
    REQUIRE(table->buckets != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the account file");
    memset(table->buckets, 0xFF, size * sizeof table->buckets[0]); /* NONE */
    table->bucket_mask = size - 1;
    for (size_t i = table->count; i-- > 0;) { /* backwards: the first line of a name comes to stand first */
        struct entry *entry = &table->entries[i];
        uint32_t *bucket = &table->buckets[hash_name(entry->user) & table->bucket_mask];
        entry->next = *bucket;
        *bucket = (uint32_t)i;
    }
    return SEC_E_OK;
}

static SECURITY_STATUS read_table(const char *path, struct table *out)
{
    AUTO_TABLE table = {0};
    struct extent extent = {0};
    TRY(user_file_read(path, count_line, &extent));
    REQUIRE(extent.entries <= ACCOUNTS_MAX && extent.password_bytes <= UINT32_MAX, SEC_E_INTERNAL_ERROR,
            "the account file has too many lines; import it");
    table.entries = calloc(extent.entries + 1, sizeof table.entries[0]);
    REQUIRE(table.entries != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the account file");
    TRY(secret_alloc(&table.secrets, extent.entries * sizeof(struct hashes)));
    TRY(secret_alloc(&table.passwords, extent.password_bytes));
    struct filling filling = {&table, extent.entries, write_into(table.passwords.data, table.passwords.size)};
    TRY(user_file_read(path, take_line, &filling));
    TRY(make_buckets(&table));
    *out = table;
    table = (struct table){0};
    return SEC_E_OK;
}

static void hashed_names_free(struct hashed_names *names)
{
    free(names->realm);
    free(names->at);
    *names = (struct hashed_names){0};
}

static void forget_names(struct accounts_file *self)
{
    for (size_t i = 0; i < sizeof self->hashed / sizeof self->hashed[0]; i++) {
        hashed_names_free(&self->hashed[i]);
    }
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Reads the file when it is not the one in memory.  What cannot be read is an error, never the accounts of before: they
 * may have been removed for a reason. */
static SECURITY_STATUS refresh(struct accounts_file *self)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (self->checked == now.tv_sec + 1) {
        return SEC_E_OK;
    }
    struct stat info;
    REQUIRE(stat(self->path, &info) == 0, SEC_E_INTERNAL_ERROR, "the account file cannot be found");
    REQUIRE((info.st_mode & (S_IWGRP | S_IWOTH)) == 0, SEC_E_INTERNAL_ERROR,
            "the account file can be written by other users: its mode should be 0600");
    if (self->table.buckets == NULL || !same_file(&info, &self->seen)) {
        struct table fresh;
        SECURITY_STATUS status = read_table(self->path, &fresh);
        REQUIRE(status >= 0, status == SEC_E_INSUFFICIENT_MEMORY ? status : SEC_E_INTERNAL_ERROR,
                "the account file cannot be read");
        table_free(&self->table);
        forget_names(self);
        self->table = fresh;
        self->seen = info;
        TRACE("accounts: %zu accounts read from %s", fresh.count, self->path);
    }
    self->checked = now.tv_sec + 1;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- logons */

/* The index of the first entry that matches, or NONE. */
static uint32_t find(const struct table *table, struct utf16 user, struct utf16 domain)
{
    uint32_t index = table->buckets[hash_name(user) & table->bucket_mask];
    while (index != NONE) {
        const struct entry *entry = &table->entries[index];
        bool domains_agree = domain.size == 0 || entry->domain.size == 0 || utf16_equal_nocase(entry->domain, domain);
        if (domains_agree && utf16_equal_nocase(entry->user, user)) {
            break;
        }
        index = entry->next;
    }
    return index;
}

static SECURITY_STATUS file_known(struct accounts *base, struct utf16 user, struct utf16 domain, struct account *out)
{
    struct accounts_file *self = (struct accounts_file *)base;
    struct account_name name = names_split_upn(user, domain);
    PROCESS_LOCKED;
    TRY(refresh(self));
    const struct entry nobody = {.next = NONE};
    const struct hashes decoy = {.nt = self->decoy};
    uint32_t index = find(&self->table, name.user, name.domain);
    const struct entry *entry = index != NONE ? &self->table.entries[index] : &nobody;
    const struct hashes *hashes = index != NONE ? hashes_at(&self->table, index) : &decoy;
    *out = (struct account){
        .state = entry->disabled ? ACCOUNT_DISABLED : ACCOUNT_GOOD,
        .nt_hash = hashes->nt,
        .has_lm_hash = entry->has_lm_hash,
        .lm_hash = hashes->lm,
        .password_expiry = CLOCK_NEVER,
    };
    if (index == NONE) {
        out->state = ACCOUNT_UNKNOWN;
    }
    return canonical_name_set(&out->name, entry->user, entry->domain);
}

/* ---------------------------------------------------------------- Digest */

/* A password that nobody has stands in for one that is not there, at the same cost. */
static struct utf16 password_of(const struct accounts_file *self, const struct entry *entry)
{
    if (entry == NULL || !entry->has_password) {
        return utf16_of(BYTES(self->decoy.b));
    }
    struct bytes all = secret_bytes(&self->table.passwords);
    return entry->password_size == 0 ? UTF16_NONE
                                     : utf16_of(bytes_of(all.data + entry->password_at, entry->password_size));
}

/* With the password at hand the name is hashed as the client wrote it, whatever its letters' case. */
static SECURITY_STATUS file_known_digest(struct accounts *base, struct utf16 asked, struct bytes realm,
                                         uint8_t algorithm, struct digest_account *out)
{
    static const uint8_t charsets[] = {ACCOUNT_CHARSET_UTF8, ACCOUNT_CHARSET_LATIN1};
    struct accounts_file *self = (struct accounts_file *)base;
    struct account_name name = names_split_upn(asked, UTF16_NONE);
    AUTO_UTF16 wide_realm = UTF16_NONE;
    TRY(utf16_from_utf8(realm, &wide_realm));
    *out = (struct digest_account){.state = ACCOUNT_UNKNOWN};
    PROCESS_LOCKED;
    TRY(refresh(self));
    uint32_t index = find(&self->table, name.user, name.domain);
    const struct entry *entry = index != NONE ? &self->table.entries[index] : NULL;
    for (size_t i = 0; i < sizeof charsets; i++) {
        bool made = false;
        TRY(account_digest_secret(algorithm, charsets[i], asked, wide_realm, password_of(self, entry),
                                  out->hashes[out->count], &made));
        out->count += made;
    }
    if (entry == NULL || !entry->has_password) {
        return canonical_name_set(&out->name, UTF16_NONE, UTF16_NONE);
    }
    out->state = entry->disabled ? ACCOUNT_DISABLED : ACCOUNT_GOOD;
    return canonical_name_set(&out->name, entry->user, entry->domain);
}

static int compare_names(const void *a, const void *b)
{
    return memcmp(((const struct hashed_name *)a)->hash, ((const struct hashed_name *)b)->hash,
                  ACCOUNT_DIGEST_SIZE_MAX);
}

static SECURITY_STATUS hash_names(const struct table *table, struct bytes realm, uint8_t algorithm,
                                  struct hashed_names *out)
{
    out->at = calloc(table->count * ACCOUNT_FORMS + 1, sizeof out->at[0]);
    REQUIRE(out->at != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the account file's hashed names");
    for (uint32_t i = 0; i < table->count; i++) {
        const struct entry *entry = &table->entries[i];
        for (uint32_t form = 0; form < (entry->domain.size != 0 ? ACCOUNT_FORMS : 1); form++) {
            AUTO_UTF16 name = UTF16_NONE;
            struct hashed_name *hashed = &out->at[out->count++];
            TRY(account_form_write(entry->user, entry->domain, (enum account_form)form, &name));
            TRY(account_digest_name(algorithm, name, realm, hashed->hash));
            hashed->entry = i;
            hashed->form = form;
        }
    }
    qsort(out->at, out->count, sizeof out->at[0], compare_names);
    out->realm = strndup(realm.size != 0 ? (const char *)realm.data : "", realm.size);
    out->realm_size = realm.size;
    REQUIRE(out->realm != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the account file's hashed names");
    return SEC_E_OK;
}

/* The names are hashed once for a realm, which the server chooses: a client cannot make it happen again. */
static SECURITY_STATUS file_named_by_hash(struct accounts *base, struct bytes hash, struct bytes realm,
                                          uint8_t algorithm, struct utf16 *out_name)
{
    struct accounts_file *self = (struct accounts_file *)base;
    struct hashed_names *names = &self->hashed[algorithm - ACCOUNT_DIGEST_MD5];
    struct hashed_name sought = {.entry = NONE};
    struct writer writer = write_into(sought.hash, sizeof sought.hash);
    PROCESS_LOCKED;
    TRY(refresh(self));
    bool same = names->realm != NULL && names->realm_size == realm.size &&
                (realm.size == 0 || memcmp(names->realm, realm.data, realm.size) == 0);
    if (!same) {
        __attribute__((cleanup(hashed_names_free))) struct hashed_names fresh = {0};
        TRY(hash_names(&self->table, realm, algorithm, &fresh));
        hashed_names_free(names);
        *names = fresh;
        fresh = (struct hashed_names){0};
    }
    write_bytes(&writer, hash);
    const struct hashed_name *found = NULL;
    if (hash.size == account_digest_size(algorithm)) {
        found = bsearch(&sought, names->at, names->count, sizeof names->at[0], compare_names);
    }
    if (found == NULL) {
        *out_name = UTF16_NONE;
        return SEC_E_OK;
    }
    const struct entry *entry = &self->table.entries[found->entry];
    return account_form_write(entry->user, entry->domain, (enum account_form)found->form, out_name);
}

static void file_close(struct accounts *base)
{
    struct accounts_file *self = (struct accounts_file *)base;
    table_free(&self->table);
    forget_names(self);
    free(self->path);
    secret_wipe(self, sizeof *self);
    free(self);
}

static void file_close_auto(struct accounts_file **self)
{
    if (*self != NULL) {
        file_close(&(*self)->base);
    }
}

SECURITY_STATUS accounts_file_open(const char *path, struct accounts **out)
{
    __attribute__((cleanup(file_close_auto))) struct accounts_file *self = calloc(1, sizeof *self);
    REQUIRE(self != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the account file");
    self->base = (struct accounts){.name = "file",
                                   .known = file_known,
                                   .known_digest = file_known_digest,
                                   .named_by_hash = file_named_by_hash,
                                   .close = file_close};
    self->path = strdup(path);
    REQUIRE(self->path != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the account file");
    TRY(accounts_decoy(&self->decoy));
    PROCESS_LOCKED;
    TRY(refresh(self));
    *out = &STEAL(self)->base;
    return SEC_E_OK;
}
