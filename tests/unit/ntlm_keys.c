/* Every computation of MS-NLMP 3.3 and 3.4 against the values that are published for it. */
#include "vectors/hex.h"

#include "core/bindings.h"
#include "ntlm/keys.h"
#include "vectors/kv.h"
#include "vectors/ntlm_reference.h"
#include "wire/writer.h"

#define KAT "ntlm_kat.kv"

static struct key16 key_of(struct bytes bytes)
{
    struct key16 key;
    assert_int_equal(bytes.size, sizeof key.b);
    memcpy(key.b, bytes.data, sizeof key.b);
    return key;
}

static struct key16 ntowf_v1_of(const struct kv_record *r)
{
    struct key16 ntowf;
    ntlm_ntowf_v1(utf16_bytes(kv_utf16(r, "password")), &ntowf);
    return ntowf;
}

static void check_owf(const struct kv_record *r)
{
    struct key16 nt = ntowf_v1_of(r), lm, v2;
    kv_expect(r, "ntowfv1", BYTES(nt.b));
    kv_require(r, ntlm_lmowf_v1(kv_utf16(r, "password"), &lm));
    kv_expect(r, "lmowfv1", BYTES(lm.b));
    ntlm_ntowf_v2(&nt, kv_utf16(r, "user"), kv_utf16(r, "domain"), &v2);
    kv_expect(r, "ntowfv2", BYTES(v2.b));
}

static void check_v1_response(const struct kv_record *r)
{
    uint32_t flags = kv_word(r, "flags_hex");
    struct key16 nt = ntowf_v1_of(r), lm, base, exchange, encrypted;
    const uint8_t *server = kv_hex(r, "server_challenge").data, *client = kv_hex(r, "client_challenge").data;
    uint8_t nt_response[24], lm_response[24] = {0}, challenge[8];
    kv_require(r, ntlm_lmowf_v1(kv_utf16(r, "password"), &lm));
    if ((flags & NTLM_ESS) != 0) {
        ntlm_v1_ess_challenge(server, client, challenge);
        ntlm_v1_response(&nt, challenge, nt_response);
        memcpy(lm_response, client, 8);
    } else {
        ntlm_v1_response(&nt, server, nt_response);
        ntlm_v1_response(&lm, server, lm_response);
    }
    kv_expect(r, "nt_response", BYTES(nt_response));
    kv_expect(r, "lm_response", BYTES(lm_response));
    if (!kv_has(r, "session_base_key")) {
        return;
    }
    ntlm_v1_session_base_key(&nt, &base);
    kv_expect(r, "session_base_key", BYTES(base.b));
    ntlm_kxkey(flags, false, &base, lm_response, &lm, server, &exchange);
    kv_expect(r, "key_exchange_key", BYTES(exchange.b));
    if (kv_has(r, "encrypted_session_key")) {
        rc4_once(BYTES(exchange.b), 16, kv_hex(r, "exported_session_key").data, encrypted.b);
        kv_expect(r, "encrypted_session_key", BYTES(encrypted.b));
    }
}

static void check_v2_response(const struct kv_record *r)
{
    struct key16 nt = ntowf_v1_of(r), v2, proof, base, exchange, encrypted;
    const uint8_t *server = kv_hex(r, "server_challenge").data, *client = kv_hex(r, "client_challenge").data;
    uint8_t lm_response[24], temp_room[1024];
    struct writer temp = write_into(temp_room, sizeof temp_room);
    write_bytes(&temp, bytes_of("\1\1\0\0\0\0\0\0", 8)); /* 2.2.2.7 */
    write_bytes(&temp, kv_hex(r, "time"));
    write_bytes(&temp, bytes_of(client, 8));
    write_zeros(&temp, 4);
    write_bytes(&temp, kv_hex(r, "av_pairs"));
    write_bytes(&temp, kv_hex(r, "trailer"));
    kv_require(r, write_end(&temp) == SEC_E_OK);

    ntlm_ntowf_v2(&nt, kv_utf16(r, "user"), kv_utf16(r, "domain"), &v2);
    kv_expect(r, "ntowfv2", BYTES(v2.b));
    struct hmac_md5_key prepared;
    hmac_md5_key(&prepared, BYTES(v2.b));
    ntlm_v2_proof(&prepared, server, write_result(&temp), &proof);
    kv_expect(r, "nt_proof", BYTES(proof.b));
    ntlm_v2_lm_response(&prepared, server, client, lm_response);
    kv_expect(r, "lmv2_response", BYTES(lm_response));
    if (kv_has(r, "session_base_key")) {
        ntlm_v2_session_base_key(&prepared, &proof, &base);
        kv_expect(r, "session_base_key", BYTES(base.b));
        ntlm_kxkey(kv_word(r, "flags_hex"), true, &base, lm_response, &nt, server, &exchange);
        kv_expect(r, "session_base_key", BYTES(exchange.b)); /* KXKEY for NTLMv2 is the base key (3.4.5.1) */
        rc4_once(BYTES(exchange.b), 16, kv_hex(r, "exported_session_key").data, encrypted.b);
        kv_expect(r, "encrypted_session_key", BYTES(encrypted.b));
    }
}

static bool is_client(const struct kv_record *r)
{
    return strcmp(kv_text(r, "side"), "C") == 0;
}

static void check_seal_key(const struct kv_record *r)
{
    struct key16 session = key_of(kv_hex(r, "exported_session_key")), key;
    size_t size = ntlm_seal_key(kv_word(r, "flags_hex"), &session, is_client(r), &key);
    kv_expect(r, "sealkey", bytes_of(key.b, size));
}

static void check_sign_key(const struct kv_record *r)
{
    struct key16 session = key_of(kv_hex(r, "exported_session_key")), key;
    kv_require(r, ntlm_sign_key(kv_word(r, "flags_hex"), &session, is_client(r), &key));
    kv_expect(r, "signkey", BYTES(key.b));
}

static void expect_sealed(const struct kv_record *r, uint32_t flags, struct rc4 *rc4, struct bytes sign_key)
{
    struct bytes plain = kv_hex(r, "plaintext");
    uint8_t out[256];
    struct reference_signature signature =
        reference_seal(flags, rc4, sign_key, (uint32_t)kv_number(r, "seq"), plain, out);
    kv_expect(r, "ciphertext", bytes_of(out, plain.size));
    kv_expect(r, "signature", BYTES(signature.b));
}

static void check_wrap(const struct kv_record *r)
{
    uint32_t flags = kv_word(r, "flags_hex");
    struct key16 session = key_of(kv_hex(r, "exported_session_key"));
    struct reference_side side;
    reference_side_start(&side, flags, &session, is_client(r));
    if (kv_has(r, "sealkey")) {
        kv_expect(r, "sealkey", BYTES(side.seal_key.b));
        kv_expect(r, "signkey", BYTES(side.sign_key.b));
    }
    expect_sealed(r, flags, &side.rc4, BYTES(side.sign_key.b));
}

static void check_wrap_keys(const struct kv_record *r)
{
    struct rc4 rc4;
    rc4_start(&rc4, kv_hex(r, "sealkey"));
    expect_sealed(r, kv_word(r, "flags_hex"), &rc4, kv_hex(r, "signkey"));
}

/* Without extended session security one stream and one sequence number serve both directions (3.4.1). */
static void check_noess_stream(const struct kv_record *r)
{
    uint32_t flags = kv_word(r, "flags_hex");
    struct key16 session = key_of(kv_hex(r, "exported_session_key"));
    struct reference_side side;
    reference_side_start(&side, flags, &session, true);
    kv_expect(r, "sealkey", bytes_of(side.seal_key.b, side.seal_key_size));
    for (unsigned i = 0; kv_has(r, "msg%u", i); i++) {
        struct bytes plain = kv_hex(r, "msg%u", i);
        uint8_t out[256];
        struct reference_signature signature = reference_seal(flags, &side.rc4, BYTES_NONE, i, plain, out);
        kv_expect_bytes(r, "ciphertext", kv_hex(r, "ct%u", i), bytes_of(out, plain.size));
        kv_expect_bytes(r, "signature", kv_hex(r, "sig%u", i), BYTES(signature.b));
    }
}

static void check_ess_stream(const struct kv_record *r)
{
    uint32_t flags = kv_word(r, "flags_hex");
    struct key16 session = key_of(kv_hex(r, "exported_session_key"));
    for (const char *name = "CS"; *name != '\0'; name++) {
        struct reference_side side;
        reference_side_start(&side, flags, &session, *name == 'C');
        for (unsigned i = 0; kv_has(r, "%c_msg%u", *name, i); i++) {
            struct bytes plain = kv_hex(r, "%c_msg%u", *name, i);
            uint8_t out[256], number[4];
            if ((flags & NTLM_DATAGRAM) != 0) { /* a stream of its own for each message (3.4.3) */
                struct key16 key;
                reference_le32(i, number);
                md5((const struct bytes[]){BYTES(side.seal_key.b), BYTES(number)}, 2, &key);
                rc4_start(&side.rc4, BYTES(key.b));
            }
            struct reference_signature signature =
                reference_seal(flags, &side.rc4, BYTES(side.sign_key.b), i, plain, out);
            kv_expect_bytes(r, "ciphertext", kv_hex(r, "%c_ct%u", *name, i), bytes_of(out, plain.size));
            kv_expect_bytes(r, "signature", kv_hex(r, "%c_sig%u", *name, i), BYTES(signature.b));
        }
    }
}

static void check_channel_bindings(const struct kv_record *r)
{
    struct key16 digest;
    struct channel_bindings bindings;
    kv_require(r, bindings_parse(kv_hex(r, "sec_channel_bindings"), &bindings) == SEC_E_OK && bindings.present);
    bindings_hash(&bindings, &digest);
    kv_expect(r, "md5", BYTES(digest.b));
    md5((const struct bytes[]){kv_hex(r, "packed")}, 1, &digest);
    kv_expect(r, "md5", BYTES(digest.b));
}

static const struct {
    const char *file, *type;
    kv_check *check;
    size_t in_tree, published; /* at least so many: a reader that finds nothing must not pass */
} suites[] = {
    {KAT, "ntlm_owf", check_owf, 1, 2},
    {KAT, "ntlm_v1_response", check_v1_response, 4, 6},
    {KAT, "ntlm_v2_response", check_v2_response, 1, 2},
    {KAT, "ntlm_wrap", check_wrap, 4, 4},
    {KAT, "ntlm_wrap_keys", check_wrap_keys, 0, 2},
    {KAT, "ntlm_sealkey", check_seal_key, 0, 10},
    {KAT, "ntlm_signkey", check_sign_key, 0, 2},
    {KAT, "ntlm_noess_stream", check_noess_stream, 4, 4},
    {KAT, "ntlm_ess_stream", check_ess_stream, 3, 3},
    {"channel_bindings.kv", "gss_channel_bindings", check_channel_bindings, 1, 4},
};

static void vectors_of_the_specification(void **state)
{
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        size_t count = kv_each(KV_TREE, suites[i].file, suites[i].type, suites[i].check);
        assert_true(count >= suites[i].in_tree);
    }
}

static void published_vectors(void **state)
{
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        size_t count = kv_each(KV_PUBLISHED, suites[i].file, suites[i].type, suites[i].check);
        assert_true(count >= suites[i].published);
    }
}

/* 3.3.1: a password of more than 14 characters, or one outside the OEM characters we can name, has no LM hash. */
static void lm_hash_or_none(void **state)
{
    static const uint8_t fourteen[28] = {'a', 0, 'b', 0, 'c', 0, 'd', 0, 'e', 0, 'f', 0, 'g', 0,
                                         'h', 0, 'i', 0, 'j', 0, 'k', 0, 'l', 0, 'm', 0, 'n', 0};
    static const uint8_t fifteen[30] = {'a', 0, 'b', 0};
    static const uint8_t umlaut[2] = {0xfc, 0x00};
    struct key16 lm, kept;
    memset(&kept, 0x5a, sizeof kept);
    lm = kept;
    assert_false(ntlm_lmowf_v1((struct utf16){fifteen, sizeof fifteen}, &lm));
    assert_false(ntlm_lmowf_v1((struct utf16){umlaut, sizeof umlaut}, &lm));
    assert_memory_equal(&lm, &kept, sizeof lm); /* written only on success */
    assert_true(ntlm_lmowf_v1((struct utf16){fourteen, sizeof fourteen}, &lm));
    assert_true(ntlm_lmowf_v1(UTF16_NONE, &lm));
    assert_hex(lm.b, 16, "aad3b435b51404eeaad3b435b51404ee"); /* of the empty password */
}

/* A name of any length takes the same path as the one-shot computation. */
static void long_user_names(void **state)
{
    static uint8_t name[2000], upper[2000];
    struct key16 nt = {{1, 2, 3}}, piecewise, whole;
    for (size_t i = 0; i < sizeof name; i += 2) {
        name[i] = (uint8_t)('a' + i / 2 % 26);
        upper[i] = (uint8_t)('A' + i / 2 % 26);
    }
    const size_t sizes[] = {0, 2, 126, 128, 130, 254, 256, 258, 2000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ntlm_ntowf_v2(&nt, (struct utf16){name, sizes[i]}, (struct utf16){name, 8}, &piecewise);
        hmac_md5(BYTES(nt.b), (const struct bytes[]){bytes_of(upper, sizes[i]), bytes_of(name, 8)}, 2, &whole);
        assert_memory_equal(piecewise.b, whole.b, 16);
    }
}

static void no_sign_key_without_ess(void **state)
{
    struct key16 session = {{1}}, key = {{2}}, kept = key;
    assert_false(ntlm_sign_key(NTLM_SIGN | NTLM_128 | NTLM_KEY_EXCH, &session, true, &key));
    assert_memory_equal(&key, &kept, sizeof key);
}

/* The MIC's own bytes count as zero, wherever it stands, and a place outside the message does no harm. */
static void mic_ignores_itself(void **state)
{
    uint8_t message[100];
    struct key16 session = {{7}}, first, again;
    memset(message, 0x11, sizeof message);
    for (size_t offset = 64; offset <= sizeof message - 16; offset += 4) {
        memset(message, 0x11, sizeof message);
        memset(message + offset, 0, 16);
        hmac_md5(BYTES(session.b), (const struct bytes[]){bytes_of("neg", 3), bytes_of("chal", 4), BYTES(message)}, 3,
                 &again);
        memset(message + offset, 0x99, 16);
        ntlm_mic(&session, bytes_of("neg", 3), bytes_of("chal", 4), BYTES(message), offset, &first);
        assert_memory_equal(&first, &again, sizeof first);
    }
    ntlm_mic(&session, BYTES_NONE, BYTES_NONE, BYTES(message), sizeof message - 15, &first);
    ntlm_mic(&session, BYTES_NONE, BYTES_NONE, BYTES(message), SIZE_MAX, &first);
}

/* SEC_CHANNEL_BINDINGS whose parts leave the buffer. */
static void bad_channel_bindings(void **state)
{
    static const char *const bad[] = {
        "00000000 00000000 00000000 00000000 00000000 00000000 00000000",          /* 28 bytes of header */
        "00000000 01000000 20000000 00000000 00000000 00000000 00000000 00000000", /* initiator behind the end */
        "00000000 00000000 00000000 00000000 01000000 20000000 00000000 00000000", /* acceptor */
        "00000000 00000000 00000000 00000000 00000000 00000000 01000000 20000000", /* application data */
        "00000000 00000000 00000000 00000000 00000000 00000000 ffffffff 01000000", /* a length that wraps */
        "00000000 00000000 00000000 00000000 00000000 00000000 10000000 f8ffffff", /* an offset that wraps */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct hex h = hex(bad[i]);
        struct channel_bindings bindings, kept;
        memset(&bindings, 1, sizeof bindings);
        memcpy(&kept, &bindings, sizeof kept);
        assert_int_equal(bindings_parse(HEX_BYTES(h), &bindings), SEC_E_INVALID_TOKEN);
        assert_memory_equal(&bindings, &kept, sizeof bindings);
    }
    struct channel_bindings none = {.present = true}; /* an empty buffer is no buffer */
    assert_int_equal(bindings_parse(BYTES_NONE, &none), SEC_E_OK);
    assert_false(none.present);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_specification),
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(lm_hash_or_none),
        cmocka_unit_test(long_user_names),
        cmocka_unit_test(no_sign_key_without_ess),
        cmocka_unit_test(mic_ignores_itself),
        cmocka_unit_test(bad_channel_bindings),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("ntlm_keys", tests, NULL, NULL);
}
