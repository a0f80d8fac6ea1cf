/* CredSSP's messages and keys against published ones: taken apart they say what the record says, and built again they are
 * the same bytes, since everybody writes DER.
 */
#include "vectors/hex.h"
#include "vectors/kv.h"

#include <stdlib.h>

#include "credssp/binding.h"
#include "credssp/delegation.h"
#include "credssp/kerb_logon.h"
#include "credssp/ts_request.h"

#define FILE_NAME "credssp.kv"

static void expect_optional(const struct kv_record *r, const char *name, struct bytes actual)
{
    kv_require(r, kv_has(r, "%s", name) == (actual.data != NULL));
    if (actual.data != NULL) {
        kv_expect(r, name, actual);
    }
}

/* A text that the record has, or that is absent in both. */
static void expect_text(const struct kv_record *r, const char *name, struct utf16 actual, bool always)
{
    kv_require(r, always || kv_has(r, "%s", name) == (actual.data != NULL));
    if (kv_has(r, "%s", name)) {
        kv_expect_bytes(r, name, utf16_bytes(kv_utf16(r, name)), utf16_bytes(actual));
    }
}

/* ---------------------------------------------------------------- TSRequest */

static void check_request(const struct kv_record *r)
{
    AUTO_TS_REQUEST request = {.owner = NULL};
    AUTO_WRITER again = write_growing(1 << 16);
    size_t size = 0;
    struct bytes token = kv_hex(r, "token");
    kv_require(r, ts_request_size(token, &size) == SEC_E_OK && size == token.size);
    kv_require(r, ts_request_parse(token, &request) == SEC_E_OK);
    kv_require(r, (long)request.version == kv_number(r, "version"));
    expect_optional(r, "nego_token_0", request.nego_token);
    expect_optional(r, "auth_info", request.auth_info);
    expect_optional(r, "pub_key_auth", request.pub_key_auth);
    expect_optional(r, "client_nonce", request.nonce);
    kv_require(r, request.has_error == kv_has(r, "error_code_hex"));
    kv_require(r, !request.has_error || request.error == kv_word(r, "error_code_hex"));
    kv_require(r, ts_request_build(&request, &again) == SEC_E_OK);
    kv_expect(r, "token", write_result(&again));
}

static void published_requests(void **state)
{
    assert_true(kv_each(KV_PUBLISHED, FILE_NAME, "ts_request", check_request) >= 8);
}

/* Numbers as DER has them, at the edges of 32 bits (X.690 8.3). */
static void error_codes(void **state)
{
    static const struct {
        uint32_t error;
        const char *integer;
    } cases[] = {
        {0, "020100"},
        {0x7f, "02017f"},
        {0x80, "02020080"},
        {0xffffff80, "020180"},
        {0xffffffff, "0201ff"},
        {0xc000006d, "0204c000006d"},
        {0x80000000, "020480000000"},
        {0x7fffffff, "02047fffffff"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO_WRITER out = write_growing(256);
        AUTO_TS_REQUEST parsed = {.owner = NULL};
        const struct ts_request request = {.version = 6, .has_error = true, .error = cases[i].error};
        assert_int_equal(ts_request_build(&request, &out), SEC_E_OK);
        struct hex integer = hex(cases[i].integer);
        assert_memory_equal(out.data + out.size - integer.size, integer.data, integer.size);
        assert_int_equal(ts_request_parse(write_result(&out), &parsed), SEC_E_OK);
        assert_int_equal(parsed.error, cases[i].error);
    }
    AUTO_TS_REQUEST positive = {.owner = NULL};
    struct hex wide = hex("300e a003020106 a407 020500c000006d");
    assert_int_equal(ts_request_parse(HEX_BYTES(wide), &positive), SEC_E_OK);
    assert_int_equal(positive.error, 0xc000006d);
}

/* How long a message is, from its first bytes on. */
static void sizes_as_bytes_come(void **state)
{
    struct hex start = hex("30 82 01 a9");
    size_t size = 1;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ts_request_size(bytes_of(start.data, i), &size), SEC_E_OK);
        assert_int_equal(size, 0);
    }
    assert_int_equal(ts_request_size(HEX_BYTES(start), &size), SEC_E_OK);
    assert_int_equal(size, 0x1a9 + 4);
    struct hex set = hex("31"), huge = hex("30 83 02 00 00"), endless = hex("30 80 a0 03 02 01");
    assert_int_equal(ts_request_size(HEX_BYTES(set), &size), SEC_E_INVALID_TOKEN);
    assert_int_equal(ts_request_size(HEX_BYTES(huge), &size), SEC_E_INVALID_TOKEN);
    assert_int_equal(ts_request_size(HEX_BYTES(endless), &size), SEC_E_INVALID_TOKEN);
}

/* ---------------------------------------------------------------- TSCredentials */

static void check_guard(const struct kv_record *r, const struct ts_remote_guard *guard)
{
    expect_text(r, "logon_package", guard->logon.package, true);
    kv_expect(r, "logon_cred", guard->logon.buffer);
    kv_require(r, guard->has_supplemental == kv_has(r, "supp_present"));
    for (size_t i = 0; i < guard->supplemental_count; i++) {
        char name[64];
        snprintf(name, sizeof name, "supp%zu_package", i);
        expect_text(r, name, guard->supplemental[i].package, true);
        snprintf(name, sizeof name, "supp%zu_cred", i);
        kv_expect(r, name, guard->supplemental[i].buffer);
    }
    kv_require(r, !kv_has(r, "supp%zu_cred", guard->supplemental_count));
}

static void check_content(const struct kv_record *r, const struct ts_credentials *credentials)
{
    const struct ts_smart_card *card = &credentials->smart_card;
    switch (credentials->type) {
    case TS_PASSWORD:
        expect_text(r, "domain", credentials->password.domain, true);
        expect_text(r, "user", credentials->password.user, true);
        expect_text(r, "password", credentials->password.password, true);
        break;
    case TS_SMART_CARD:
        expect_text(r, "pin", card->pin, true);
        kv_require(r, card->key_spec == (uint32_t)kv_number(r, "key_spec"));
        expect_text(r, "card_name", card->card, false);
        expect_text(r, "reader_name", card->reader, false);
        expect_text(r, "container_name", card->container, false);
        expect_text(r, "csp_name", card->csp, false);
        expect_text(r, "user_hint", card->user, false);
        expect_text(r, "domain_hint", card->domain, false);
        break;
    default:
        check_guard(r, &credentials->remote_guard);
        break;
    }
}

static void check_credentials(const struct kv_record *r)
{
    AUTO_TS_CREDENTIALS credentials = {.owner = NULL};
    AUTO_WRITER again = write_growing(1 << 16);
    kv_require(r, ts_credentials_parse(kv_hex(r, "token"), &credentials) == SEC_E_OK);
    kv_require(r, (long)credentials.type == kv_number(r, "cred_type"));
    check_content(r, &credentials);
    kv_require(r, ts_credentials_build(&credentials, &again) == SEC_E_OK);
    kv_expect(r, "token", write_result(&again));
}

static void credentials_of_the_specification(void **state)
{
    assert_true(kv_each(KV_TREE, FILE_NAME, "ts_credentials", check_credentials) >= 1);
}

static void published_credentials(void **state)
{
    assert_true(kv_each(KV_PUBLISHED, FILE_NAME, "ts_credentials", check_credentials) >= 10);
}

/* The record has what is inside TSCredentials alone. */
static void check_inner_guard(const struct kv_record *r)
{
    AUTO_TS_CREDENTIALS credentials = {.owner = NULL};
    AUTO_WRITER outer = write_growing(1 << 16), again = write_growing(1 << 16);
    struct bytes inner = kv_hex(r, "token");
    write_u8(&outer, 0x30); /* 30 82 L a0 03 02 01 06 a1 82 L 04 82 L */
    write_u8(&outer, 0x82);
    write_u16be(&outer, (uint16_t)(inner.size + 13));
    static const uint8_t type[] = {0xa0, 3, 2, 1, 6, 0xa1, 0x82};
    write_bytes(&outer, BYTES(type));
    write_u16be(&outer, (uint16_t)(inner.size + 4));
    write_u8(&outer, 0x04);
    write_u8(&outer, 0x82);
    write_u16be(&outer, (uint16_t)inner.size);
    write_bytes(&outer, inner);
    kv_require(r, ts_credentials_parse(write_result(&outer), &credentials) == SEC_E_OK);
    check_guard(r, &credentials.remote_guard);
    kv_require(r, ts_credentials_build(&credentials, &again) == SEC_E_OK);
    kv_expect_bytes(r, "built again", write_result(&outer), write_result(&again));
}

static void published_remote_guard(void **state)
{
    assert_true(kv_each(KV_PUBLISHED, FILE_NAME, "ts_remote_guard", check_inner_guard) >= 1);
}

/* ---------------------------------------------------------------- the binding */

static void check_binding(const struct kv_record *r)
{
    struct bytes key = kv_hex(r, "public_key"), nonce = kv_hex(r, "nonce");
    static const struct {
        const char *name;
        uint32_t version;
        bool client;
    } cases[] = {{"client_server_hash", 6, true},  {"client_server_hash", 5, true}, {"server_client_hash", 6, false},
                 {"legacy_server_echo", 4, false}, {"public_key", 4, true},         {"public_key", 2, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO_SECRET made = {0}, other = {0};
        struct bytes expected = kv_hex(r, "%s", cases[i].name);
        kv_require(r, binding_make(cases[i].version, cases[i].client, nonce, key, &made) == SEC_E_OK);
        kv_expect_bytes(r, cases[i].name, expected, secret_bytes(&made));
        kv_require(r, binding_check(secret_bytes(&made), expected) == SEC_E_OK);
        kv_require(r, binding_make(cases[i].version, !cases[i].client, nonce, key, &other) == SEC_E_OK);
        kv_require(r, binding_check(secret_bytes(&other), expected) == SEC_E_MESSAGE_ALTERED);
        kv_require(r, binding_check(secret_bytes(&made), bytes_of(expected.data, expected.size - 1)) ==
                          SEC_E_MESSAGE_ALTERED);
        kv_require(r, binding_check(secret_bytes(&made), BYTES_NONE) == SEC_E_MESSAGE_ALTERED);
        made.data[made.size - 1] ^= 1;
        kv_require(r, binding_check(secret_bytes(&made), expected) == SEC_E_MESSAGE_ALTERED);
    }
}

static void computed_hashes(void **state)
{
    assert_true(kv_each(KV_TREE, FILE_NAME, "credssp_hash", check_binding) >= 3);
}

static void published_hashes(void **state)
{
    assert_true(kv_each(KV_PUBLISHED, FILE_NAME, "credssp_hash", check_binding) >= 4);
}

/* ---------------------------------------------------------------- packed logons (ntsecapi.h) */

#define WIDE(literal) ((struct utf16){(const uint8_t *)u"" literal, sizeof(u"" literal) - 2})

static void expect_same(struct utf16 a, struct utf16 b)
{
    assert_true(utf16_equal(a, b));
}

static void packed_password(void **state)
{
    const struct ts_credentials in = {.type = TS_PASSWORD, .password = {WIDE("Domain"), WIDE("User"), WIDE("pä")}};
    struct ts_credentials out;
    AUTO_WRITER packed = write_growing(1 << 16);
    assert_int_equal(kerb_logon_build(&in, &packed), SEC_E_OK);
    assert_hex(
        packed.data, packed.size,
        "02000000 00000000"
        "0c00 0c00 00000000 3800000000000000 0800 0800 00000000 4400000000000000 0400 0400 00000000 4c00000000000000"
        "44006f006d00610069006e00 5500730065007200 7000e400");
    assert_int_equal(kerb_logon_parse(packed.data, &out), SEC_E_OK);
    assert_int_equal(out.type, TS_PASSWORD);
    expect_same(out.password.domain, in.password.domain);
    expect_same(out.password.user, in.password.user);
    expect_same(out.password.password, in.password.password);
}

static void packed_smart_card(void **state)
{
    const struct ts_credentials in = {
        .type = TS_SMART_CARD,
        .smart_card = {.pin = WIDE("12"), .key_spec = 1, .reader = WIDE("R"), .csp = WIDE("P"), .user = WIDE("u")}};
    struct ts_credentials out;
    AUTO_WRITER packed = write_growing(1 << 16);
    assert_int_equal(kerb_logon_build(&in, &packed), SEC_E_OK);
    assert_hex(
        packed.data, packed.size,
        "0d000000 00000000"
        "0000 0000 00000000 4800000000000000 0200 0200 00000000 4800000000000000 0400 0400 00000000 4a00000000000000"
        "00000000 34000000 4e00000000000000"
        "7500 31003200"
        "34000000 01000000 0000000000000000 00000000 01000000 00000000 01000000 03000000 04000000"
        "0000 52000000 0000 50000000");
    assert_int_equal(kerb_logon_parse(packed.data, &out), SEC_E_OK);
    assert_int_equal(out.type, TS_SMART_CARD);
    assert_int_equal(out.smart_card.key_spec, 1);
    expect_same(out.smart_card.pin, in.smart_card.pin);
    expect_same(out.smart_card.reader, in.smart_card.reader);
    expect_same(out.smart_card.csp, in.smart_card.csp);
    expect_same(out.smart_card.user, in.smart_card.user);
    assert_null(out.smart_card.container.data);
    assert_null(out.smart_card.domain.data);
}

static void packed_tickets(void **state)
{
    struct hex logon = hex("0a000000 00000000 03000000 02000000 2000000000000000 2300000000000000 010203 0405");
    struct ts_credentials out;
    AUTO_WRITER packed = write_growing(1 << 16);
    assert_int_equal(kerb_logon_parse(logon.data, &out), SEC_E_OK);
    assert_int_equal(out.type, TS_REMOTE_GUARD);
    expect_same(out.remote_guard.logon.package, WIDE("Kerberos"));
    assert_int_equal(out.remote_guard.logon.buffer.size, logon.size);
    assert_int_equal(kerb_logon_build(&out, &packed), SEC_E_OK);
    assert_int_equal(packed.size, logon.size);
    assert_memory_equal(packed.data, logon.data, logon.size);
}

/* Pointers instead of offsets, and types that nobody delegates. */
static void what_is_not_packed(void **state)
{
    static const char *const cases[] = {
        "02000000 00000000 0200 0200 00000000 0000100000000000 0000 0000 00000000 0000000000000000 0000 0000 00000000 "
        "00",
        "02000000 00000000 0200 0200 00000000 40e0ffffff7f0000 0000 0000 00000000 0000000000000000 0000 0000 00000000 "
        "00",
        "0c000000 00000000",
        "00000000 00000000",
    };
    static uint8_t room[TS_CREDENTIALS_MAX];
    struct ts_credentials out;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hex logon = hex(cases[i]);
        memset(room, 0, sizeof room);
        memcpy(room, logon.data, logon.size);
        assert_int_equal(kerb_logon_parse(room, &out), SEC_E_UNKNOWN_CREDENTIALS);
    }
}

/* ---------------------------------------------------------------- the policy's names */

static void names_with_stars(void **state)
{
    static const struct {
        const char *names;
        struct utf16 target;
        bool expected;
    } cases[] = {
        {"TERMSRV/*", WIDE("TERMSRV/host.example.com"), true},
        {"termsrv/*", WIDE("TERMSRV/host"), true},
        {"TERMSRV/*", WIDE("TERMSRV/"), true},
        {"TERMSRV/*", WIDE("WSMAN/host"), false},
        {"TERMSRV/*", WIDE("xTERMSRV/host"), false},
        {"WSMAN/a, TERMSRV/*.example.com", WIDE("TERMSRV/host.example.com"), true},
        {"WSMAN/a, TERMSRV/*.example.com", WIDE("TERMSRV/host.example.org"), false},
        {"WSMAN/a, TERMSRV/*.example.com", WIDE("TERMSRV/example.com"), false},
        {"WSMAN/a, TERMSRV/*.example.com", WIDE("WSMAN/a"), true},
        {"WSMAN/a", WIDE("WSMAN/ab"), false},
        {"WSMAN/ab", WIDE("WSMAN/a"), false},
        {"TERMSRV/*RV/", WIDE("TERMSRV/"), false},
        {"*", WIDE("anything"), true},
        {"*", UTF16_NONE, true},
        {"", WIDE("anything"), false},
        {"", UTF16_NONE, false},
        {" , ,", UTF16_NONE, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool matches = !cases[i].expected;
        assert_int_equal(delegation_matches(cases[i].names, cases[i].target, &matches), SEC_E_OK);
        if (matches != cases[i].expected) {
            print_message("# case %zu\n", i);
        }
        assert_int_equal(matches, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_requests),    cmocka_unit_test(error_codes),
        cmocka_unit_test(sizes_as_bytes_come),   cmocka_unit_test(credentials_of_the_specification),
        cmocka_unit_test(published_credentials), cmocka_unit_test(published_remote_guard),
        cmocka_unit_test(computed_hashes),       cmocka_unit_test(published_hashes),
        cmocka_unit_test(packed_password),       cmocka_unit_test(packed_smart_card),
        cmocka_unit_test(packed_tickets),        cmocka_unit_test(what_is_not_packed),
        cmocka_unit_test(names_with_stars),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
