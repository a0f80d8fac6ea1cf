/* The embedded database as it is managed: what is kept, what is refused, what damage does. */
#include "accounts_test.h"

#include <dirent.h>

#include "crypto/md.h"
#include "crypto/sha2.h"
#include "logon/lmdb_env.h"

/* ---------------------------------------------------------------- what is kept */

/* response = H(HA1:nonce:nc:cnonce:qop:HA2) in hexadecimal (RFC 7616 3.4.1), from a stored HA1. */
static void digest_response(const struct account_digest *digest, const char *rest, const char *a2, char out[65])
{
    uint8_t ha2[32], response[32];
    char text[512];
    size_t used = 0;
    struct bytes part = bytes_of(a2, strlen(a2));
    struct key16 key;
    if (digest->algorithm == ACCOUNT_DIGEST_MD5) {
        md5(&part, 1, &key);
        memcpy(ha2, key.b, 16);
    } else if (digest->algorithm == ACCOUNT_DIGEST_SHA256) {
        sha256(&part, 1, ha2);
    } else {
        sha512_256(&part, 1, ha2);
    }
    for (size_t i = 0; i < digest->hash_size; i++) {
        used += (size_t)sprintf(text + used, "%02x", digest->hash[i]);
    }
    used += (size_t)sprintf(text + used, "%s", rest);
    for (size_t i = 0; i < digest->hash_size; i++) {
        used += (size_t)sprintf(text + used, "%02x", ha2[i]);
    }
    part = bytes_of(text, used);
    if (digest->algorithm == ACCOUNT_DIGEST_MD5) {
        md5(&part, 1, &key);
        memcpy(response, key.b, 16);
    } else if (digest->algorithm == ACCOUNT_DIGEST_SHA256) {
        sha256(&part, 1, response);
    } else {
        sha512_256(&part, 1, response);
    }
    for (size_t i = 0; i < digest->hash_size; i++) {
        sprintf(out + 2 * i, "%02x", response[i]);
    }
}

static const struct account_digest *find_digest(const struct account_record *record, int algorithm, int charset,
                                                const char *realm)
{
    for (size_t i = 0; i < record->digest_count; i++) {
        const struct account_digest *digest = &record->digests[i];
        if (digest->algorithm == algorithm && digest->charset == charset && strcmp(digest->realm, realm) == 0) {
            return digest;
        }
    }
    return NULL;
}

static void stored_record(struct utf16 user, struct utf16 password, const char *const *realms, size_t count,
                          struct account_record *out)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    AUTO_ACCOUNT_RECORD record;
    bool found = false;
    account_record_init(&record);
    assert_ok(account_store_open(database(), true, &store));
    assert_ok(utf16_copy(user, &record.user));
    assert_ok(account_record_set_password(&record, password, realms, count));
    assert_ok(account_store_put(store, &record, true, &found));
    assert_ok(account_store_get(store, user, UTF16_NONE, out, &found));
    assert_true(found);
}

static void keeps_what_digest_needs(void **state)
{
    static const char *const realms[] = {"http-auth@example.org", "api@example.org"};
    static const char rest[] = ":7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v:00000001:"
                               "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ:auth:";
    AUTO_ACCOUNT_RECORD record;
    char response[65];
    stored_record(U("Mufasa"), U("Circle of Life"), realms, 2, &record);
    assert_int_equal(record.digest_count, 6); /* two realms, three algorithms, all ASCII */
    digest_response(find_digest(&record, ACCOUNT_DIGEST_MD5, ACCOUNT_CHARSET_UTF8, realms[0]), rest,
                    "GET:/dir/index.html", response);
    assert_string_equal(response, "8ca523f5e9506fed4657c9700eebdbec"); /* RFC 7616 3.9.1 */
    digest_response(find_digest(&record, ACCOUNT_DIGEST_SHA256, ACCOUNT_CHARSET_UTF8, realms[0]), rest,
                    "GET:/dir/index.html", response);
    assert_string_equal(response, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");

    account_record_free(&record);
    stored_record(U("J\u00E4s\u00F8n Doe"), U("Secret, or not?"), realms, 2, &record);
    assert_int_equal(record.digest_count, 8); /* and MD5 once more for ISO 8859-1 */
    digest_response(find_digest(&record, ACCOUNT_DIGEST_SHA512_256, ACCOUNT_CHARSET_UTF8, realms[1]),
                    ":5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK:00000001:"
                    "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v:auth:",
                    "GET:/doe.json", response); /* RFC 7616 3.9.2 as corrected by erratum 4897 */
    assert_string_equal(response, "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");

    struct key16 expected;
    const struct account_digest *latin1 = find_digest(&record, ACCOUNT_DIGEST_MD5, ACCOUNT_CHARSET_LATIN1, realms[1]);
    static const char bytes[] = "J\xE4s\xF8n Doe:api@example.org:Secret, or not?";
    struct bytes part = bytes_of(bytes, sizeof bytes - 1);
    md5(&part, 1, &expected);
    assert_non_null(latin1);
    assert_memory_equal(latin1->hash, expected.b, 16);

    account_record_free(&record);
    stored_record(U("\u20AC"), U("x"), realms, 1, &record);
    assert_int_equal(record.digest_count, 3); /* the euro sign is not in ISO 8859-1 */
}

static void refuses_too_many_realms(void **state)
{
    const char *realms[33];
    static char long_realm[300];
    AUTO_ACCOUNT_RECORD record;
    account_record_init(&record);
    assert_ok(utf16_copy(U("user"), &record.user));
    for (size_t i = 0; i < 33; i++) {
        realms[i] = "realm";
    }
    assert_status(account_record_set_password(&record, U("x"), realms, 33), SEC_E_INVALID_PARAMETER);
    memset(long_realm, 'r', sizeof long_realm - 1);
    realms[0] = long_realm;
    assert_status(account_record_set_password(&record, U("x"), realms, 1), SEC_E_INVALID_PARAMETER);
    assert_int_equal(record.digest_count, 0);
}

/* The database holds one-way functions; the password is nowhere in its files. */
static void keeps_no_password(void **state)
{
    static const char *const realms[] = {"realm"};
    AUTO_ACCOUNT_RECORD record;
    stored_record(U("user"), U("xyzzyplugh"), realms, 1, &record);
    FILE *file = fopen(in(database(), "accounts.mdb"), "r");
    static uint8_t bytes[1 << 20];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(size > 4096);
    assert_null(memmem(bytes, size, "xyzzyplugh", 10));
    assert_null(memmem(bytes, size, u"xyzzyplugh", 20));
    assert_non_null(memmem(bytes, size, record.nt_hash.b, 16)); /* the search would have found it */
}

static void belongs_to_its_owner_alone(void **state)
{
    mode_t before = umask(0);
    put(U("user"), UTF16_NONE, U("x"));
    struct accounts *accounts = open_source();
    accounts->outcome(accounts, U("user"), UTF16_NONE, false);
    umask(before);
    struct stat info;
    assert_int_equal(stat(database(), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    DIR *entries = opendir(database());
    unsigned files = 0;
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (entry->d_name[0] != '.') {
            files++;
            assert_int_equal(stat(in(database(), entry->d_name), &info), 0);
            assert_int_equal(info.st_mode & 07777, 0600);
        }
    }
    closedir(entries);
    assert_int_equal(files, 4); /* accounts and failures, each with its lock file */
    accounts->close(accounts);

    assert_int_equal(chmod(in(database(), "accounts.mdb"), 0644), 0);
    accounts = NULL;
    assert_status(accounts_lmdb_open(database(), true, &accounts), SEC_E_INTERNAL_ERROR);
    assert_null(accounts);
}

static SECURITY_STATUS collect(void *argument, const struct account_record *record)
{
    char *names = argument;
    char *name = NULL;
    assert_ok(utf16_to_utf8(record->user, &name, NULL));
    sprintf(names + strlen(names), "%s%s%s ", name, record->domain.size != 0 ? "@" : "",
            record->domain.size != 0 ? "D" : "");
    free(name);
    return SEC_E_OK;
}

static SECURITY_STATUS stop_at_once(void *argument, const struct account_record *record)
{
    return SEC_E_NO_CREDENTIALS;
}

static void adds_lists_and_deletes(void **state)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    AUTO_ACCOUNT_RECORD record;
    char names[256] = "";
    bool done = true;
    account_record_init(&record);
    put(U("zoe"), UTF16_NONE, U("x"));
    put(U("Adam"), U("DOMAIN"), U("x"));
    put(U("bob"), UTF16_NONE, U("x"));
    put(U("adam"), UTF16_NONE, U("x"));
    assert_ok(account_store_open(database(), false, &store));
    assert_ok(account_store_list(store, collect, names));
    assert_string_equal(names, "adam Adam@D bob zoe ");
    assert_int_equal(account_store_list(store, stop_at_once, NULL), SEC_E_NO_CREDENTIALS);

    assert_ok(utf16_copy(U("BOB"), &record.user));
    assert_ok(account_store_put(store, &record, false, &done));
    assert_false(done); /* there is one */
    bool found = false;
    assert_ok(account_store_delete(store, U("ADAM"), U("domain"), &found));
    assert_true(found);
    assert_ok(account_store_delete(store, U("ADAM"), U("domain"), &found));
    assert_false(found);
    assert_ok(account_store_delete(store, U("zoe"), UTF16_NONE, &found));
    assert_true(found);
    names[0] = '\0';
    assert_ok(account_store_list(store, collect, names));
    assert_string_equal(names, "adam bob ");
    struct account_record missing;
    assert_ok(account_store_get(store, U("zoe"), UTF16_NONE, &missing, &found));
    assert_false(found);
    assert_ok(account_store_flags(store, U("zoe"), UTF16_NONE, 1, 0, &found));
    assert_false(found);
    assert_ok(account_store_unlock(store, U("zoe"), UTF16_NONE, &found));
    assert_false(found);
}

static void keeps_every_field(void **state)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    AUTO_ACCOUNT_RECORD record;
    AUTO_ACCOUNT_RECORD back;
    bool found = false;
    account_record_init(&record);
    account_record_init(&back);
    assert_ok(account_store_open(database(), true, &store));
    assert_ok(utf16_copy(U("User"), &record.user));
    assert_ok(utf16_copy(U("Domain"), &record.domain));
    memset(record.nt_hash.b, 0x11, 16);
    memset(record.lm_hash.b, 0x22, 16);
    record.has_lm_hash = true;
    record.flags = ACCOUNT_FLAG_DISABLED | ACCOUNT_FLAG_MUST_CHANGE;
    record.expiry = UINT64_C(0x0102030405060708);
    record.password_expiry = UINT64_C(0x1112131415161718);
    record.created = UINT64_C(0x2122232425262728);
    record.password_set = UINT64_C(0x3132333435363738);
    memset(record.unix_name, 'u', ACCOUNT_UNIX_NAME_MAX);
    assert_ok(account_store_put(store, &record, false, &found));
    assert_ok(account_store_get(store, U("USER"), U("DOMAIN"), &back, &found));
    assert_true(found);
    assert_text(back.user, U("User")); /* as it was entered */
    assert_text(back.domain, U("Domain"));
    assert_memory_equal(back.nt_hash.b, record.nt_hash.b, 16);
    assert_true(back.has_lm_hash);
    assert_memory_equal(back.lm_hash.b, record.lm_hash.b, 16);
    assert_int_equal(back.flags, record.flags);
    assert_int_equal(back.expiry, record.expiry);
    assert_int_equal(back.password_expiry, record.password_expiry);
    assert_int_equal(back.created, record.created);
    assert_int_equal(back.password_set, record.password_set);
    assert_string_equal(back.unix_name, record.unix_name);

    account_record_free(&back);
    account_record_init(&back);
    record.created = 0; /* unknown now: the one of before stays, and the password is set anew */
    record.password_set = 0;
    test_time += CLOCK_SECOND;
    assert_ok(account_store_put(store, &record, true, &found));
    assert_ok(account_store_get(store, U("USER"), U("DOMAIN"), &back, &found));
    assert_int_equal(back.created, UINT64_C(0x2122232425262728));
    assert_int_equal(back.password_set, test_time);
}

/* LMDB's flushes pass through here: this one takes the place of the C library's. */
static unsigned flushes;

__attribute__((visibility("default"))) int fdatasync(int fd)
{
    flushes++;
    return fsync(fd);
}

/* What has been reported outlives a power failure, too: no change is reported before a flush. */
static void flushes_every_change(void **state)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    bool found = false;
    put(U("user"), UTF16_NONE, U("x"));
    assert_ok(account_store_open(database(), false, &store));
    for (unsigned i = 0; i < 6; i++) {
        flushes = 0;
        switch (i % 3) {
        case 0:
            put(U("user"), UTF16_NONE, U("y"));
            break;
        case 1:
            assert_ok(account_store_flags(store, U("user"), UTF16_NONE, ACCOUNT_FLAG_DISABLED, 0, &found));
            break;
        default:
            assert_ok(account_store_delete(store, U("user"), UTF16_NONE, &found));
        }
        assert_true(flushes >= 1);
    }
    put(U("user"), UTF16_NONE, U("x"));
    struct accounts *accounts = open_source();
    flushes = 0;
    accounts->outcome(accounts, U("user"), UTF16_NONE, false);
    assert_int_equal(flushes, 0); /* a stranger must not make the disk work */
    accounts->close(accounts);
}

static void refuses_impossible_names(void **state)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    static uint8_t endless[512];
    static const struct utf16 nul = {(const uint8_t *)u"a\0b", 6};
    bool done = false;
    memset(endless, 'x', sizeof endless);
    assert_ok(account_store_open(database(), true, &store));
    const struct utf16 names[] = {
        UTF16_NONE, {endless, 512}, U("a\\b"), U("a/b"), U("a:b"), U("a\nb"), nul,
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct account_record record;
        account_record_init(&record);
        record.user = names[i]; /* borrowed: the record is not freed */
        assert_status(account_store_put(store, &record, true, &done), SEC_E_INVALID_PARAMETER);
        record.domain = names[i];
        record.user = U("user");
        if (names[i].size != 0) {
            assert_status(account_store_put(store, &record, true, &done), SEC_E_INVALID_PARAMETER);
        }
    }
    struct account_record longest;
    account_record_init(&longest);
    longest.user = (struct utf16){endless, 510};
    assert_ok(account_store_put(store, &longest, true, &done));
    struct accounts *accounts = open_source();
    assert_int_equal(state_of(accounts, longest.user), ACCOUNT_GOOD);
    accounts->close(accounts);
}

static void imports_all_or_nothing(void **state)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    AUTO_ACCOUNT_RECORD record;
    struct account_import result;
    static const char *const realms[] = {"realm"};
    bool found = false;
    account_record_init(&record);
    write_file(
        in(directory, "users"),
        "# three forms in one file\n"
        "DOMAIN:alice:Password\r\n"
        "bob:1000:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:A4F49C406510BDCAB6824EE7C30FD852:[UD         ]:LCT-5F3C1A2B:\n"
        "not an account\n"
        "carol::e52cac67419a9a224a3b108f3fa6cb6d:a4f49c406510bdcab6824ee7c30fd852:::\n"
        "dave:1001:NO PASSWORDXXXXXXXXXXXXXXXXXXXXX:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:[NU         ]:LCT-0:\n");
    put(U("CAROL"), UTF16_NONE, U("another"));
    assert_ok(account_store_open(database(), false, &store));
    assert_ok(account_store_import(store, in(directory, "users"), false, realms, 1, &result));
    assert_int_equal(result.added, 2);
    assert_int_equal(result.kept, 1);
    assert_int_equal(result.replaced, 0);
    assert_int_equal(result.skipped, 2);
    assert_int_equal(result.first_bad_line, 4);
    assert_ok(account_store_get(store, U("alice"), U("domain"), &record, &found));
    assert_true(found);
    assert_hex(record.nt_hash.b, 16, "a4f49c406510bdcab6824ee7c30fd852");
    assert_int_equal(record.digest_count, 9); /* alice, DOMAIN\alice and alice@DOMAIN */
    account_record_free(&record);
    assert_ok(account_store_get(store, U("bob"), UTF16_NONE, &record, &found));
    assert_true(found);
    assert_int_equal(record.flags, ACCOUNT_FLAG_DISABLED);
    assert_int_equal(record.digest_count, 0);
    assert_int_equal(record.password_set, (UINT64_C(0x5F3C1A2B) + UINT64_C(11644473600)) * CLOCK_SECOND);
    account_record_free(&record);

    assert_ok(account_store_import(store, in(directory, "users"), true, NULL, 0, &result));
    assert_int_equal(result.replaced, 3);
    assert_ok(account_store_get(store, U("carol"), UTF16_NONE, &record, &found));
    assert_true(record.has_lm_hash);
    assert_hex(record.lm_hash.b, 16, "e52cac67419a9a224a3b108f3fa6cb6d"); /* MS-NLMP 4.2.2.1.1 */
    assert_status(account_store_import(store, in(directory, "absent"), true, NULL, 0, &result),
                  SEC_E_INVALID_PARAMETER);
}

/* ---------------------------------------------------------------- damage */

static SECURITY_STATUS count_views(void *argument, const struct account_view *view)
{
    AUTO_ACCOUNT_RECORD record;
    unsigned *count = argument;
    (*count)++;
    account_record_init(&record);
    return account_record_from_view(view, &record);
}

static void check_damaged(struct bytes value)
{
    struct account_view view;
    bool found = false;
    unsigned count = 0;
    AUTO_WRITER out = write_growing(1 << 20);
    SECURITY_STATUS status = account_view_find(value, U("D"), &view, &found);
    assert_true(status == SEC_E_OK || status == SEC_E_INTERNAL_ERROR);
    status = account_value_each(value, count_views, &count);
    assert_true(status == SEC_E_OK || status == SEC_E_INTERNAL_ERROR);
    status = account_value_change(value, U("D"), NULL, &out, &found);
    assert_true(status == SEC_E_OK || status == SEC_E_INTERNAL_ERROR);
}

static void survives_damaged_records(void **state)
{
    static const char *const realms[] = {"realm"};
    AUTO_ACCOUNT_RECORD record;
    AUTO_WRITER value = write_growing(1 << 20);
    bool found = false;
    account_record_init(&record);
    assert_ok(utf16_copy(U("user"), &record.user));
    assert_ok(utf16_copy(U("D"), &record.domain));
    assert_ok(account_record_set_password(&record, U("x"), realms, 1));
    assert_ok(account_value_change(BYTES_NONE, record.domain, &record, &value, &found));
    for (size_t i = 0; i < value.size; i++) { /* memory of exactly the size, so that a read too far is seen */
        uint8_t *copy = malloc(value.size);
        memcpy(copy, value.data, value.size);
        static const uint8_t damage[] = {0x00, 0x01, 0x7F, 0x80, 0xFF};
        for (size_t j = 0; j < sizeof damage; j++) {
            copy[i] = damage[j];
            check_damaged(bytes_of(copy, value.size));
        }
        free(copy);
        copy = malloc(i + 1);
        memcpy(copy, value.data, i);
        check_damaged(bytes_of(copy, i)); /* and cut short */
        struct account_view view;
        assert_status(account_view_find(bytes_of(copy, i), U("D"), &view, &found), SEC_E_INTERNAL_ERROR);
        free(copy);
    }
}

static void reports_a_damaged_database(void **state)
{
    put(U("user"), UTF16_NONE, U("x"));
    struct lmdb_env *env = NULL;
    MDB_txn *txn = NULL;
    const struct lmdb_options options = {in(database(), "accounts.mdb"), (size_t)1 << 30, .write = true};
    assert_ok(lmdb_env_open(&options, &env, NULL));
    assert_ok(lmdb_write_begin(env, &txn));
    assert_ok(lmdb_put(txn, utf16_bytes(U("BAD")), bytes_of("\x01\x01", 2)));
    assert_ok(lmdb_put(txn, utf16_bytes(U("LATER")), bytes_of("\x02\x01\x00", 3)));
    assert_ok(lmdb_commit(&txn));
    struct accounts *accounts = open_source();
    struct account account;
    assert_status(accounts->known(accounts, U("bad"), UTF16_NONE, &account), SEC_E_INTERNAL_ERROR);
    assert_status(accounts->known(accounts, U("later"), UTF16_NONE, &account), SEC_E_INTERNAL_ERROR);
    assert_int_equal(state_of(accounts, U("user")), ACCOUNT_GOOD);
    accounts->close(accounts);
    lmdb_env_close(env);

    char *other = scratch_make();
    write_file(in(other, "accounts.mdb"), "this is not a database, though it is long enough to be looked at .......");
    accounts = NULL;
    assert_status(accounts_lmdb_open(other, true, &accounts), SEC_E_INTERNAL_ERROR);
    assert_null(accounts);
    scratch_remove(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(keeps_what_digest_needs),    WITH_SCRATCH(refuses_too_many_realms),
        WITH_SCRATCH(keeps_no_password),          WITH_SCRATCH(belongs_to_its_owner_alone),
        WITH_SCRATCH(adds_lists_and_deletes),     WITH_SCRATCH(keeps_every_field),
        WITH_SCRATCH(flushes_every_change),       WITH_SCRATCH(refuses_impossible_names),
        WITH_SCRATCH(imports_all_or_nothing),     WITH_SCRATCH(survives_damaged_records),
        WITH_SCRATCH(reports_a_damaged_database),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
