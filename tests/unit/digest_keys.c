/* Digest's computations and security layers against the published values. */
#include "vectors/hex.h"

#include "digest/layer.h"
#include "digest/response.h"
#include "vectors/kv.h"

static struct bytes text_of(const struct kv_record *r, const char *name)
{
    const char *text = kv_has(r, "%s", name) ? kv_text(r, "%s", name) : "";
    return bytes_of(text, strlen(text));
}

static bool hash_of(const struct kv_record *r, enum digest_hash *out)
{
    const char *name = kv_text(r, "hash");
    *out = strcmp(name, "MD5") == 0 ? DIGEST_MD5 : strcmp(name, "SHA-256") == 0 ? DIGEST_SHA256 : DIGEST_SHA512_256;
    return strcmp(name, "SHA-512-trunc") != 0;
}

static void expect_text(const struct kv_record *r, const char *name, const struct digest_text *actual)
{
    if (kv_has(r, "%s", name)) {
        kv_expect_bytes(r, name, text_of(r, name), digest_text_bytes(actual));
    }
}

static unsigned qop_of(const struct kv_record *r)
{
    return kv_has(r, "qop") ? digest_qop_read(text_of(r, "qop")) : 0;
}

static void check_http(const struct kv_record *r)
{
    struct digest_question question = {
        .qop = qop_of(r),
        .method = text_of(r, "method"),
        .uri = text_of(r, "uri"),
        .nonce = text_of(r, "nonce"),
        .cnonce = text_of(r, "cnonce"),
        .nc = text_of(r, "nc"),
    };
    struct digest_value secret, key, body;
    struct digest_text response, rspauth, entity, userhash;
    bool right = hash_of(r, &question.algorithm.hash);
    question.algorithm.session = kv_number(r, "sess") != 0;
    if (kv_has(r, "entity_body")) {
        struct bytes content = kv_hex(r, "entity_body");
        digest_hash(question.algorithm.hash, &content, 1, &body);
        digest_hex(question.algorithm.hash, &body, &entity);
        question.entity = digest_text_bytes(&entity);
    }
    digest_secret(question.algorithm.hash, text_of(r, "username"), text_of(r, "realm"), text_of(r, "password"),
                  &secret);
    digest_session_key(&question, &secret, &key);
    digest_response(&question, &key, &response);
    digest_rspauth(&question, &key, &rspauth);
    digest_userhash(question.algorithm.hash, text_of(r, "username"), text_of(r, "realm"), &userhash);
    if (!right) { /* RFC 7616 3.9.2 as printed took SHA-512 cut short (errata 4897) */
        kv_require(r, !digest_text_equal(&response, text_of(r, "response")));
        return;
    }
    kv_require(r, digest_text_equal(&response, text_of(r, "response")));
    expect_text(r, "response", &response);
    expect_text(r, "userhash", &userhash);
    if (!kv_has(r, "entity_body")) {
        expect_text(r, "rspauth", &rspauth);
    }
}

/* The header of a record that came with one, taken apart: it must say what the record says it does. */
static void check_header(const struct kv_record *r)
{
    if (!kv_has(r, "header")) {
        return;
    }
    uint8_t memory[8192];
    struct writer room = write_into(memory, sizeof memory);
    struct digest_directives found;
    const char *header = strchr(kv_text(r, "header"), ' ') + 1;
    kv_require(r, digest_parse_one(bytes_of(header, strlen(header)), false, &room, &found) == SEC_E_OK);
    kv_expect_bytes(r, "realm", text_of(r, "realm"), found.value[DIGEST_REALM]);
    kv_expect_bytes(r, "nonce", text_of(r, "nonce"), found.value[DIGEST_NONCE]);
    kv_expect_bytes(r, "uri", text_of(r, "uri"), found.value[DIGEST_URI]);
    kv_expect_bytes(r, "response", text_of(r, "response"), found.value[DIGEST_RESPONSE]);
    if (!digest_has(&found, DIGEST_USERHASH)) {
        kv_expect_bytes(r, "username", text_of(r, "username"), found.value[DIGEST_USERNAME]);
    }
    if (kv_has(r, "cnonce")) {
        kv_expect_bytes(r, "cnonce", text_of(r, "cnonce"), found.value[DIGEST_CNONCE]);
    }
}

static void check_captured(const struct kv_record *r)
{
    check_http(r);
    check_header(r);
}

static void session_key_of(const struct kv_record *r, struct digest_question *question, struct digest_value *key)
{
    struct digest_value secret;
    *question = (struct digest_question){
        .algorithm = {DIGEST_MD5, true},
        .sasl = true,
        .qop = qop_of(r),
        .method = bytes_of("AUTHENTICATE", 12),
        .uri = text_of(r, "digest_uri"),
        .nonce = text_of(r, "nonce"),
        .cnonce = text_of(r, "cnonce"),
        .nc = text_of(r, "nc"),
        .authzid = text_of(r, "authzid"),
        .has_authzid = kv_has(r, "authzid"),
    };
    digest_secret(DIGEST_MD5, text_of(r, "username"), text_of(r, "realm"), text_of(r, "password"), &secret);
    digest_session_key(question, &secret, key);
    kv_expect(r, "ha1", bytes_of(key->b, 16));
}

/* One message in pieces of `step` bytes, sealed and opened again; the last piece of a packet is its trailer. */
static void check_message(const struct kv_record *r, struct digest_layer *sealer, struct digest_layer *opener,
                          struct bytes text, struct bytes packet, size_t step)
{
    uint8_t data[64], trailer[DIGEST_TRAILER_MAX], joined[96];
    struct digest_piece pieces[DIGEST_PIECES_MAX];
    size_t count = 0, opened = 0, trailer_size = digest_layer_trailer(sealer, text.size);
    if (text.size != 0) {
        memcpy(data, text.data, text.size);
    }
    for (size_t at = 0; at < text.size; at += step, count++) {
        size_t left = text.size - at;
        pieces[count] = (struct digest_piece){data + at, left < step ? left : step};
    }
    digest_layer_seal(sealer, pieces, count, trailer);
    memcpy(joined, data, text.size);
    memcpy(joined + text.size, trailer, trailer_size);
    kv_expect_bytes(r, "wrap", packet, bytes_of(joined, text.size + trailer_size));
    pieces[count++] = (struct digest_piece){trailer, trailer_size};
    kv_require(r, digest_layer_open(opener, pieces, count, &opened) == SEC_E_OK);
    kv_expect_bytes(r, "text", text, bytes_of(data, opened));
}

static void check_direction(const struct kv_record *r, const struct digest_value *key, bool client, size_t step)
{
    const char *side = client ? "client" : "server";
    struct digest_layer sealer, opener;
    unsigned cipher = kv_has(r, "cipher") ? digest_cipher_read(text_of(r, "cipher")) : 0;
    digest_layer_start(&sealer, key, cipher, client);
    digest_layer_start(&opener, key, cipher, client);
    for (int i = 0; kv_has(r, "%s_msg%d", side, i); i++) {
        check_message(r, &sealer, &opener, kv_hex(r, "%s_msg%d", side, i), kv_hex(r, "%s_wrap%d", side, i), step);
    }
}

static void check_sasl(const struct kv_record *r)
{
    struct digest_question question;
    struct digest_value key;
    struct digest_text response, rspauth;
    session_key_of(r, &question, &key);
    digest_response(&question, &key, &response);
    digest_rspauth(&question, &key, &rspauth);
    expect_text(r, "response", &response);
    expect_text(r, "rspauth", &rspauth);
    for (size_t step = 1; step <= 64; step = step * 2 + 1) {
        check_direction(r, &key, true, step);
        check_direction(r, &key, false, step);
    }
}

static void http(void **state)
{
    assert_int_equal(kv_each(KV_TREE, "digest_http.kv", "http_digest", check_http), 16);
}

static void http_captured(void **state)
{
    assert_true(kv_each(KV_PUBLISHED, "digest_http.kv", "http_digest", check_captured) >= 60);
}

static void sasl(void **state)
{
    assert_int_equal(kv_each(KV_TREE, "digest_sasl.kv", "sasl_digest", check_sasl), 3);
}

static void sasl_captured(void **state)
{
    assert_true(kv_each(KV_PUBLISHED, "digest_sasl.kv", "sasl_digest", check_sasl) >= 10);
}

/* Whatever is changed in a packet, and wherever it is cut, it does not open. */
static void altered(void **state)
{
    static const unsigned ciphers[] = {0, DIGEST_CIPHER_RC4, DIGEST_CIPHER_DES, DIGEST_CIPHER_3DES};
    const struct digest_value key = {{1, 2, 3}};
    for (size_t c = 0; c < sizeof ciphers / sizeof ciphers[0]; c++) {
        uint8_t packet[11 + DIGEST_TRAILER_MAX];
        struct digest_layer sealer, opener;
        digest_layer_start(&sealer, &key, ciphers[c], true);
        memcpy(packet, "hello world", 11);
        struct digest_piece text = {packet, 11};
        size_t size = 11 + digest_layer_trailer(&sealer, 11), opened = 0;
        digest_layer_seal(&sealer, &text, 1, packet + 11);
        for (size_t i = 0; i <= 8 * size; i++) {
            uint8_t copy[sizeof packet];
            memcpy(copy, packet, size);
            if (i < 8 * size) {
                copy[i / 8] ^= (uint8_t)(1u << i % 8);
            }
            struct digest_piece whole = {copy, size};
            digest_layer_start(&opener, &key, ciphers[c], true);
            SECURITY_STATUS status = digest_layer_open(&opener, &whole, 1, &opened);
            SECURITY_STATUS expected = i == 8 * size       ? SEC_E_OK
                                       : i / 8 >= size - 4 ? SEC_E_OUT_OF_SEQUENCE
                                                           : SEC_E_MESSAGE_ALTERED;
            assert_int_equal(status, expected);
        }
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t copy[sizeof packet];
            memcpy(copy, packet, size);
            struct digest_piece front = {copy, cut};
            digest_layer_start(&opener, &key, ciphers[c], true);
            assert_true(digest_layer_open(&opener, &front, 1, &opened) < 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http),          cmocka_unit_test(http_captured), cmocka_unit_test(sasl),
        cmocka_unit_test(sasl_captured), cmocka_unit_test(altered),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
