/* What the sources of accounts tell Digest: hashes by realm and form of the name, and names by their hashes. */
#include "accounts_test.h"

#include <stdlib.h>

#include "crypto/md.h"
#include "crypto/sha2.h"

#define REALM "http-auth@example.org"

static struct bytes text(const char *utf8)
{
    return bytes_of(utf8, strlen(utf8));
}

static void put_with_realms(struct utf16 user, struct utf16 domain, struct utf16 password, const char *realm)
{
    AUTO_ACCOUNT_STORE *store = NULL;
    AUTO_ACCOUNT_RECORD record;
    bool done = false;
    account_record_init(&record);
    assert_ok(account_store_open(database(), true, &store));
    assert_ok(utf16_copy(user, &record.user));
    assert_ok(utf16_copy(domain, &record.domain));
    assert_ok(account_record_set_password(&record, password, &realm, realm != NULL));
    assert_ok(account_store_put(store, &record, true, &done));
}

/* H of a text that the test writes down, by the functions below everything that is tested here. */
static void hash_of(uint8_t algorithm, const char *whole, uint8_t out[32])
{
    struct bytes part = text(whole);
    struct key16 key;
    switch (algorithm) {
    case ACCOUNT_DIGEST_MD5:
        md5(&part, 1, &key);
        memset(out, 0, 32);
        memcpy(out, key.b, 16);
        break;
    case ACCOUNT_DIGEST_SHA256:
        sha256(&part, 1, out);
        break;
    default:
        sha512_256(&part, 1, out);
    }
}

static void expect_name(struct accounts *accounts, uint8_t algorithm, const char *hashed, struct utf16 name)
{
    AUTO_UTF16 found = UTF16_NONE;
    uint8_t hash[32];
    hash_of(algorithm, hashed, hash);
    assert_ok(accounts->named_by_hash(accounts, bytes_of(hash, account_digest_size(algorithm)), text(REALM), algorithm,
                                      &found));
    if (!utf16_equal(found, name)) {
        fail_msg("%s, algorithm %u: another name than expected", hashed, algorithm);
    }
}

static void expect_hash(struct accounts *accounts, struct utf16 name, const char *realm, uint8_t algorithm,
                        const char *hashed)
{
    struct digest_account account;
    uint8_t hash[32];
    assert_ok(accounts->known_digest(accounts, name, text(realm), algorithm, &account));
    assert_true(account.count >= 1);
    if (hashed == NULL) {
        assert_int_equal(account.state, ACCOUNT_UNKNOWN);
        return;
    }
    hash_of(algorithm, hashed, hash);
    assert_int_equal(account.state, ACCOUNT_GOOD);
    assert_memory_equal(account.hashes[0], hash, account_digest_size(algorithm));
}

/* RFC 7616 3.9.2, as errata 4897 corrects it: the name that the client sends in the place of "Jäsøn Doe". */
static void published_hash(void **state)
{
    static const uint8_t published[32] = {0x79, 0x32, 0x63, 0xca, 0xab, 0xb7, 0x07, 0xa5, 0x62, 0x11, 0x94,
                                          0x0d, 0x90, 0x41, 0x1e, 0xa4, 0xa5, 0x75, 0xad, 0xec, 0xcb, 0x7e,
                                          0x36, 0x0a, 0xeb, 0x62, 0x4e, 0xd0, 0x6e, 0xce, 0x9b, 0x0b};
    AUTO_UTF16 found = UTF16_NONE;
    uint8_t hash[ACCOUNT_DIGEST_SIZE_MAX];
    struct utf16 name = U("J\u00E4s\u00F8n Doe");
    assert_ok(account_digest_name(ACCOUNT_DIGEST_SHA512_256, name, text("api@example.org"), hash));
    assert_memory_equal(hash, published, sizeof published);
    put_with_realms(name, UTF16_NONE, U("Secret, or not?"), "api@example.org");
    struct accounts *accounts = open_source();
    assert_ok(accounts->named_by_hash(accounts, BYTES(published), text("api@example.org"), ACCOUNT_DIGEST_SHA512_256,
                                      &found));
    assert_true(utf16_equal(found, name));
    accounts->close(accounts);
}

static void database_names(void **state)
{
    put_with_realms(U("Mufasa"), UTF16_NONE, U("x"), REALM);
    put_with_realms(U("Nala"), U("PRIDE"), U("x"), REALM);
    put_with_realms(U("plain"), UTF16_NONE, U("x"), NULL);
    struct accounts *accounts = open_source();
    for (uint8_t algorithm = ACCOUNT_DIGEST_MD5; algorithm <= ACCOUNT_DIGEST_SHA512_256; algorithm++) {
        expect_name(accounts, algorithm, "Mufasa:" REALM, U("Mufasa"));
        expect_name(accounts, algorithm, "Nala:" REALM, U("Nala"));
        expect_name(accounts, algorithm, "PRIDE\\Nala:" REALM, U("PRIDE\\Nala"));
        expect_name(accounts, algorithm, "Nala@PRIDE:" REALM, U("Nala@PRIDE"));
        expect_name(accounts, algorithm, "mufasa:" REALM, UTF16_NONE);
        expect_name(accounts, algorithm, "plain:" REALM, UTF16_NONE);
        expect_name(accounts, algorithm, "Mufasa:elsewhere", UTF16_NONE);
        expect_hash(accounts, U("Nala@PRIDE"), REALM, algorithm, "Nala@PRIDE:" REALM ":x");
        expect_hash(accounts, U("PRIDE\\Nala"), REALM, algorithm, "PRIDE\\Nala:" REALM ":x");
        expect_hash(accounts, U("Nala"), REALM, algorithm, "Nala:" REALM ":x");
        expect_hash(accounts, U("Nala"), "elsewhere", algorithm, NULL);
        expect_hash(accounts, U("plain"), REALM, algorithm, NULL);
    }
    AUTO_UTF16 found = UTF16_NONE;
    assert_ok(accounts->named_by_hash(accounts, text("short"), text(REALM), ACCOUNT_DIGEST_MD5, &found));
    assert_int_equal(found.size, 0);
    accounts->close(accounts);
}

static SECURITY_STATUS count_account(void *argument, const struct account_record *record)
{
    (void)record;
    ++*(size_t *)argument;
    return SEC_E_OK;
}

/* The index goes with its accounts: another spelling, other realms, none; and is none itself. */
static void database_names_change(void **state)
{
    put_with_realms(U("Mufasa"), UTF16_NONE, U("x"), REALM);
    struct accounts *accounts = open_source();
    expect_name(accounts, ACCOUNT_DIGEST_SHA256, "Mufasa:" REALM, U("Mufasa"));
    put_with_realms(U("MUFASA"), UTF16_NONE, U("x"), REALM);
    expect_name(accounts, ACCOUNT_DIGEST_SHA256, "Mufasa:" REALM, UTF16_NONE);
    expect_name(accounts, ACCOUNT_DIGEST_SHA256, "MUFASA:" REALM, U("MUFASA"));
    put_with_realms(U("MUFASA"), U("PRIDE"), U("x"), REALM);
    expect_name(accounts, ACCOUNT_DIGEST_SHA256, "MUFASA@PRIDE:" REALM, U("MUFASA@PRIDE"));
    AUTO_ACCOUNT_STORE *store = NULL;
    bool found = false;
    size_t count = 0;
    assert_ok(account_store_open(database(), true, &store));
    assert_ok(account_store_list(store, count_account, &count));
    assert_int_equal(count, 2);
    assert_ok(account_store_delete(store, U("mufasa"), U("PRIDE"), &found));
    expect_name(accounts, ACCOUNT_DIGEST_SHA256, "MUFASA@PRIDE:" REALM, UTF16_NONE);
    expect_name(accounts, ACCOUNT_DIGEST_SHA256, "MUFASA:" REALM, U("MUFASA")); /* the other account's */
    put_with_realms(U("MUFASA"), UTF16_NONE, U("x"), NULL);
    expect_name(accounts, ACCOUNT_DIGEST_SHA256, "MUFASA:" REALM, UTF16_NONE);
    put_with_realms(U("MUFASA"), UTF16_NONE, U("x"), REALM);
    assert_ok(account_store_delete(store, U("mufasa"), UTF16_NONE, &found));
    expect_name(accounts, ACCOUNT_DIGEST_SHA256, "MUFASA:" REALM, UTF16_NONE);
    count = 0;
    assert_ok(account_store_list(store, count_account, &count));
    assert_int_equal(count, 0);
    accounts->close(accounts);
}

/* A file whose lines have passwords answers for every realm, in the letters that the client used. */
static void file_with_passwords(void **state)
{
    const char *path = in(directory, "users");
    struct accounts *accounts = NULL;
    struct digest_account account;
    write_file(path, ":Mufasa:Circle of Life\nPRIDE:Nala:x\nhashed:1000:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:"
                     "0CB6948805F797BF2A82807973B89537:[U]:LCT-00000000:\n:empty:\n:z\u00f6e:p\n");
    assert_int_equal(chmod(path, 0600), 0);
    assert_ok(accounts_file_open(path, &accounts));
    for (uint8_t algorithm = ACCOUNT_DIGEST_MD5; algorithm <= ACCOUNT_DIGEST_SHA512_256; algorithm++) {
        expect_hash(accounts, U("Mufasa"), REALM, algorithm, "Mufasa:" REALM ":Circle of Life");
        expect_hash(accounts, U("Mufasa"), "", algorithm, "Mufasa::Circle of Life");
        expect_hash(accounts, U("MUFASA"), REALM, algorithm, "MUFASA:" REALM ":Circle of Life");
        expect_hash(accounts, U("PRIDE\\nala"), REALM, algorithm, "PRIDE\\nala:" REALM ":x");
        expect_hash(accounts, U("Nala@pride"), REALM, algorithm, "Nala@pride:" REALM ":x");
        expect_hash(accounts, U("OTHER\\Nala"), REALM, algorithm, NULL);
        expect_hash(accounts, U("empty"), REALM, algorithm, "empty:" REALM ":");
        expect_hash(accounts, U("hashed"), REALM, algorithm, NULL); /* there is no password to hash */
        expect_hash(accounts, U("nobody"), REALM, algorithm, NULL);
        expect_name(accounts, algorithm, "Mufasa:" REALM, U("Mufasa"));
        expect_name(accounts, algorithm, "PRIDE\\Nala:" REALM, U("PRIDE\\Nala"));
        expect_name(accounts, algorithm, "Nala@PRIDE:" REALM, U("Nala@PRIDE"));
        expect_name(accounts, algorithm, "nobody:" REALM, UTF16_NONE);
    }
    assert_ok(accounts->known_digest(accounts, U("z\u00F6e"), text(REALM), ACCOUNT_DIGEST_MD5, &account));
    assert_int_equal(account.count, 2); /* UTF-8 and ISO 8859-1 */
    accounts->close(accounts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(published_hash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(database_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(database_names_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(file_with_passwords, set_up, tear_down),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
