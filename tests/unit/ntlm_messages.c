/* NEGOTIATE, CHALLENGE and AUTHENTICATE: what is built parses back, what others sent parses, and every whole exchange
 * that is published comes out again from its password. */
#include "vectors/hex.h"

#include <stdlib.h>

#include "ntlm/authenticate.h"
#include "ntlm/av_pairs.h"
#include "ntlm/challenge.h"
#include "ntlm/keys.h"
#include "ntlm/negotiate.h"
#include "vectors/kv.h"
#include "vectors/ntlm_reference.h"

#define EXCHANGES "ntlm_exchanges.kv"

/* ------------------------------------------------------------------------------------- what we build we can read */

static uint64_t seed = 99;
static uint8_t pool[4096];

static struct bytes some(size_t limit, bool even)
{
    size_t size = test_random(&seed) % (limit + 1);
    return bytes_of(pool + test_random(&seed) % 1000, even ? size & ~(size_t)1 : size);
}

static struct ntlm_version some_version(void)
{
    return (struct ntlm_version){(uint8_t)test_random(&seed), (uint8_t)test_random(&seed), (uint16_t)test_random(&seed),
                                 (uint8_t)test_random(&seed)};
}

static void same_bytes(struct bytes a, struct bytes b)
{
    assert_int_equal(a.size, b.size);
    if (a.size != 0) {
        assert_memory_equal(a.data, b.data, a.size);
    }
}

static void same_version(bool has_a, struct ntlm_version a, bool has_b, struct ntlm_version b)
{
    assert_int_equal(has_a, has_b);
    assert_int_equal(a.major, b.major);
    assert_int_equal(a.minor, b.minor);
    assert_int_equal(a.build, b.build);
    assert_int_equal(a.revision, b.revision);
}

static int fill_pool(void **state)
{
    for (size_t i = 0; i < sizeof pool; i++) {
        pool[i] = (uint8_t)test_random(&seed);
    }
    return 0;
}

static void negotiate_there_and_back(void **state)
{
    for (unsigned i = 0; i < 500; i++) {
        struct ntlm_negotiate in = {.flags = test_random(&seed)}, out;
        in.has_version = (in.flags & NTLM_VERSION) != 0;
        in.version = in.has_version ? some_version() : (struct ntlm_version){0};
        in.domain = (in.flags & NTLM_OEM_DOMAIN_SUPPLIED) != 0 ? some(20, false) : BYTES_NONE;
        in.workstation = (in.flags & NTLM_OEM_WORKSTATION_SUPPLIED) != 0 ? some(20, false) : BYTES_NONE;
        AUTO_WRITER writer = write_growing(1000);
        ntlm_negotiate_build(&in, &writer);
        assert_int_equal(write_end(&writer), SEC_E_OK);
        assert_int_equal(ntlm_negotiate_parse(write_result(&writer), &out), SEC_E_OK);
        assert_int_equal(in.flags, out.flags);
        same_bytes(in.domain, out.domain);
        same_bytes(in.workstation, out.workstation);
        same_version(in.has_version, in.version, out.has_version, out.version);
    }
}

static void challenge_there_and_back(void **state)
{
    for (unsigned i = 0; i < 500; i++) {
        struct ntlm_challenge in = {.flags = test_random(&seed) | NTLM_UNICODE}, out;
        in.has_version = (in.flags & NTLM_VERSION) != 0;
        in.version = in.has_version ? some_version() : (struct ntlm_version){0};
        in.target_name = some(40, true);
        in.target_info = (in.flags & NTLM_TARGET_INFO) != 0 ? some(200, false) : BYTES_NONE;
        memcpy(in.server_challenge, pool + i, 8);
        AUTO_WRITER writer = write_growing(1000);
        ntlm_challenge_build(&in, &writer);
        assert_int_equal(write_end(&writer), SEC_E_OK);
        assert_int_equal(ntlm_challenge_parse(write_result(&writer), &out), SEC_E_OK);
        assert_int_equal(in.flags, out.flags);
        assert_memory_equal(in.server_challenge, out.server_challenge, 8);
        same_bytes(in.target_name, out.target_name);
        same_bytes(in.target_info, out.target_info);
        same_version(in.has_version, in.version, out.has_version, out.version);
    }
}

static void authenticate_there_and_back(void **state)
{
    static const size_t mic_offsets[] = {0, 64, 72};
    for (unsigned i = 0; i < 1000; i++) {
        struct ntlm_authenticate in = {.flags = test_random(&seed)}, out;
        in.mic_offset = mic_offsets[i % 3];
        in.has_version = (in.flags & NTLM_VERSION) != 0 && in.mic_offset != 64;
        in.version = in.has_version ? some_version() : (struct ntlm_version){0};
        in.lm_response = some(24, false);
        in.nt_response = some(300, false);
        in.domain = some(30, true);
        in.user = some(30, true);
        in.workstation = some(30, true);
        in.encrypted_session_key = some(16, false);
        AUTO_WRITER writer = write_growing(1000);
        ntlm_authenticate_build(&in, &writer);
        assert_int_equal(write_end(&writer), SEC_E_OK);
        assert_int_equal(ntlm_authenticate_parse(write_result(&writer), &out), SEC_E_OK);
        assert_int_equal(in.flags, out.flags);
        assert_int_equal(in.mic_offset, out.mic_offset);
        same_bytes(in.lm_response, out.lm_response);
        same_bytes(in.nt_response, out.nt_response);
        same_bytes(in.domain, out.domain);
        same_bytes(in.user, out.user);
        same_bytes(in.workstation, out.workstation);
        same_bytes(in.encrypted_session_key, out.encrypted_session_key);
        same_version(in.has_version, in.version, out.has_version, out.version);
    }
}

/* ------------------------------------------------------------------------------------------ the layout of Windows */

static void negotiate_layout(void **state)
{
    const struct ntlm_negotiate message = {.flags = 0xe2088297, .has_version = true, .version = NTLM_OUR_VERSION};
    AUTO_WRITER out = write_growing(1000);
    ntlm_negotiate_build(&message, &out);
    assert_int_equal(write_end(&out), SEC_E_OK);
    assert_hex(out.data, out.size,
               "4e544c4d53535000 01000000 978208e2 0000000000000000 0000000000000000 0a0063450000000f");
}

static void challenge_layout(void **state)
{
    const struct ntlm_challenge message = {
        .flags = NTLM_UNICODE | NTLM_REQUEST_TARGET | NTLM_TARGET_INFO,
        .server_challenge = {1, 2, 3, 4, 5, 6, 7, 8},
        .target_name = bytes_of("S\0", 2),
        .target_info = bytes_of("\0\0\0\0", 4),
    };
    AUTO_WRITER out = write_growing(1000);
    ntlm_challenge_build(&message, &out);
    assert_int_equal(write_end(&out), SEC_E_OK);
    assert_hex(out.data, out.size,
               "4e544c4d53535000 02000000 0200020038000000 05008000 0102030405060708 0000000000000000 040004003a000000"
               "0000000000000000 5300 00000000");
}

/* Payload: domain, user, workstation, LM, NT, session key; an empty one points at where it would stand. */
static void authenticate_layout(void **state)
{
    const struct ntlm_authenticate message = {
        .flags = NTLM_UNICODE,
        .domain = bytes_of("D\0", 2),
        .user = bytes_of("U\0", 2),
        .workstation = bytes_of("W\0", 2),
        .lm_response = bytes_of("l", 1),
        .nt_response = bytes_of("nn", 2),
        .mic_offset = 72,
        .has_version = true,
        .version = NTLM_OUR_VERSION,
    };
    AUTO_WRITER out = write_growing(1000);
    ntlm_authenticate_build(&message, &out);
    assert_int_equal(write_end(&out), SEC_E_OK);
    assert_hex(out.data, out.size,
               "4e544c4d53535000 03000000 010001005e000000 020002005f000000 0200020058000000 020002005a000000"
               "020002005c000000 0000000061000000 01000000 0a0063450000000f 00000000000000000000000000000000"
               "4400 5500 5700 6c 6e6e");
}

static void flag_names(void **state)
{
    assert_string_equal(ntlm_flag_name(NTLM_SIGN), "NTLMSSP_NEGOTIATE_SIGN");
    assert_string_equal(ntlm_flag_name(NTLM_ESS), "NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY");
    assert_string_equal(ntlm_flag_name(NTLM_56), "NTLMSSP_NEGOTIATE_56");
    assert_null(ntlm_flag_name(0x00000008)); /* r10: reserved (2.2.2.5) */
    assert_null(ntlm_flag_name(0));
    assert_null(ntlm_flag_name(NTLM_SIGN | NTLM_SEAL));
}

/* ------------------------------------------------------------------------------------------ what others have sent */

/* The numbers of a list such as "2 1 4 3 7 0" against the ids in a list of pairs. */
static void expect_av_ids(const struct kv_record *r, struct bytes list)
{
    char *at = (char *)kv_text(r, "av_ids");
    size_t position = 0;
    uint16_t id;
    struct bytes value;
    while (ntlm_av_next(list, &position, &id, &value)) {
        kv_require(r, strtoul(at, &at, 10) == id);
    }
    kv_require(r, strtoul(at, &at, 10) == MsvAvEOL && *at == '\0');
}

static void check_negotiate(const struct kv_record *r, struct bytes message)
{
    struct ntlm_negotiate parsed;
    kv_require(r, ntlm_negotiate_parse(message, &parsed) == SEC_E_OK);
    kv_require(r, !kv_has(r, "flags_hex") || parsed.flags == kv_word(r, "flags_hex"));
    if (kv_has(r, "oem_domain")) {
        kv_expect(r, "oem_domain", parsed.domain);
        kv_expect(r, "oem_workstation", parsed.workstation);
    }
}

static void check_challenge(const struct kv_record *r, struct bytes message)
{
    struct ntlm_challenge parsed;
    SECURITY_STATUS status = ntlm_challenge_parse(message, &parsed);
    if ((kv_word(r, "flags_hex") & (NTLM_UNICODE | NTLM_OEM)) == 0) {
        kv_require(r, status == SEC_E_INVALID_TOKEN); /* made by hand, not captured: no character set */
        return;
    }
    kv_require(r, status == SEC_E_OK);
    kv_require(r, parsed.flags == kv_word(r, "flags_hex"));
    if (kv_has(r, "server_challenge")) {
        kv_expect(r, "server_challenge", BYTES(parsed.server_challenge));
    }
    if (kv_has(r, "target_name")) {
        kv_expect(r, "target_name", parsed.target_name);
        kv_expect(r, "target_info", parsed.target_info);
    }
    if (kv_has(r, "target_name_text")) {
        kv_expect_bytes(r, "target_name_text", utf16_bytes(kv_utf16(r, "target_name_text")), parsed.target_name);
    }
    if (kv_has(r, "av_ids")) {
        struct ntlm_av_pairs pairs;
        kv_require(r, ntlm_av_pairs_parse(parsed.target_info, &pairs) == SEC_E_OK);
        expect_av_ids(r, parsed.target_info);
    }
}

/* A name in the character set that the message's flags name. */
static void expect_name(const struct kv_record *r, const char *name, uint32_t flags, struct bytes actual)
{
    const char *text = kv_text(r, "%s", name);
    kv_expect_bytes(
        r, name, (flags & NTLM_UNICODE) != 0 ? utf16_bytes(kv_utf16(r, name)) : bytes_of(text, strlen(text)), actual);
}

static void check_authenticate(const struct kv_record *r, struct bytes message)
{
    struct ntlm_authenticate parsed;
    kv_require(r, ntlm_authenticate_parse(message, &parsed) == SEC_E_OK);
    kv_require(r, parsed.flags == kv_word(r, "flags_hex"));
    if (kv_has(r, "lm")) {
        kv_expect(r, "lm", parsed.lm_response);
        kv_expect(r, "nt", parsed.nt_response);
    }
    if (kv_has(r, "encrypted_session_key")) {
        kv_expect(r, "encrypted_session_key", parsed.encrypted_session_key);
    }
    if (kv_has(r, "user_raw")) {
        kv_expect(r, "user_raw", parsed.user);
        kv_expect(r, "domain_raw", parsed.domain);
        kv_expect(r, "workstation_raw", parsed.workstation);
    }
    if (kv_has(r, "user")) {
        expect_name(r, "user", parsed.flags, parsed.user);
    }
    if (kv_has(r, "domain")) {
        expect_name(r, "domain", parsed.flags, parsed.domain);
        expect_name(r, "workstation", parsed.flags, parsed.workstation);
    }
    if (kv_has(r, "payload_start")) {
        long start = kv_number(r, "payload_start");
        kv_require(r, parsed.mic_offset == (start >= 88 ? 72u : start >= 80 ? 64u : 0u));
    }
}

static void check_message(const struct kv_record *r)
{
    struct bytes message = kv_hex(r, "message");
    kv_require(r, message.size >= 12);
    switch (message.data[8]) {
    case 1:
        check_negotiate(r, message);
        break;
    case 2:
        check_challenge(r, message);
        break;
    default:
        check_authenticate(r, message);
        break;
    }
}

/* ------------------------------------------------------------------------------------------------ whole exchanges */

struct exchange {
    const struct kv_record *r;
    struct ntlm_challenge challenge;
    struct ntlm_authenticate authenticate;
    struct key16 session_key;
};

/* The blob behind the proof: reserved bytes, time, challenge, then the pairs (2.2.2.7). */
static void expect_blob(const struct kv_record *r, struct bytes temp)
{
    struct ntlm_av_pairs pairs;
    kv_require(r, temp.size > 28);
    struct bytes list = bytes_of(temp.data + 28, temp.size - 28);
    kv_require(r, ntlm_av_pairs_parse(list, &pairs) == SEC_E_OK);
    expect_av_ids(r, list);
    kv_require(r, (long)(list.size - pairs.size) == kv_number(r, "trailer_len"));
    kv_require(r, pairs.flags == (uint32_t)kv_number(r, "msv_av_flags"));
    if (kv_has(r, "channel_binding_hash")) {
        kv_expect(r, "channel_binding_hash", pairs.channel_bindings);
    }
    if (kv_has(r, "target_name")) {
        kv_expect_bytes(r, "target_name", utf16_bytes(kv_utf16(r, "target_name")), pairs.target_name);
    }
}

static void recompute_v2(struct exchange *x, const struct key16 *nt, struct key16 *base)
{
    struct key16 v2, proof;
    struct hmac_md5_key prepared;
    struct bytes response = x->authenticate.nt_response;
    struct bytes temp = bytes_of(response.data + 16, response.size - 16);
    ntlm_ntowf_v2(nt, utf16_of(x->authenticate.user), utf16_of(x->authenticate.domain), &v2);
    hmac_md5_key(&prepared, BYTES(v2.b));
    ntlm_v2_proof(&prepared, x->challenge.server_challenge, temp, &proof);
    kv_expect(x->r, "nt_proof", BYTES(proof.b));
    kv_expect_bytes(x->r, "NTProofStr on the wire", bytes_of(response.data, 16), BYTES(proof.b));
    ntlm_v2_session_base_key(&prepared, &proof, base);
    expect_blob(x->r, temp);
}

static void recompute_v1(struct exchange *x, const struct key16 *nt, struct key16 *base)
{
    uint8_t challenge[8], response[24];
    memcpy(challenge, x->challenge.server_challenge, 8);
    if ((x->authenticate.flags & NTLM_ESS) != 0) {
        ntlm_v1_ess_challenge(x->challenge.server_challenge, x->authenticate.lm_response.data, challenge);
    }
    ntlm_v1_response(nt, challenge, response);
    kv_expect_bytes(x->r, "NTLMv1 response on the wire", x->authenticate.nt_response, BYTES(response));
    ntlm_v1_session_base_key(nt, base);
}

static void recompute_session_key(struct exchange *x)
{
    struct key16 nt, lm = {{0}}, base, exchange;
    uint32_t flags = x->authenticate.flags;
    bool v2 = x->authenticate.nt_response.size > 24;
    ntlm_ntowf_v1(utf16_bytes(kv_utf16(x->r, "password")), &nt);
    kv_expect(x->r, "nt_hash", BYTES(nt.b));
    kv_require(x->r, kv_number(x->r, "ntlm_version") == (v2 ? 2 : 1));
    if (v2) {
        recompute_v2(x, &nt, &base);
    } else {
        kv_require(x->r, ntlm_lmowf_v1(kv_utf16(x->r, "password"), &lm));
        recompute_v1(x, &nt, &base);
    }
    ntlm_kxkey(flags, v2, &base, x->authenticate.lm_response.data, &lm, x->challenge.server_challenge, &exchange);
    x->session_key = exchange;
    if ((flags & NTLM_KEY_EXCH) != 0 && (flags & (NTLM_SIGN | NTLM_SEAL)) != 0 &&
        x->authenticate.encrypted_session_key.size != 0) {
        kv_require(x->r, x->authenticate.encrypted_session_key.size == 16);
        rc4_once(BYTES(exchange.b), 16, x->authenticate.encrypted_session_key.data, x->session_key.b);
    }
    kv_expect(x->r, "session_key", BYTES(x->session_key.b));
}

static void recompute_mic(const struct exchange *x)
{
    long offset = kv_number(x->r, "mic_offset");
    if (offset == 0) {
        return; /* none, or one that does not verify (the record says which) */
    }
    struct key16 mic;
    struct bytes message = kv_hex(x->r, "authenticate");
    kv_require(x->r, x->authenticate.mic_offset == (size_t)offset);
    ntlm_mic(&x->session_key, kv_hex(x->r, "negotiate"), kv_hex(x->r, "challenge"), message, (size_t)offset, &mic);
    kv_expect_bytes(x->r, "MIC", bytes_of(message.data + offset, 16), BYTES(mic.b));
}

static bool from_client(const struct kv_record *r, const char *format, unsigned i)
{
    char name[32];
    (void)snprintf(name, sizeof name, strcmp(format, "op") == 0 ? "op%u_side" : "mlm%u_side", i);
    return strcmp(kv_text(r, "%s", name), "C") == 0;
}

/* SPNEGO's mechListMIC is a signature with sequence number 0 and a fresh stream (MS-SPNG 3.2.5.1, RFC 4178 5). */
static void recompute_mech_list_mics(const struct exchange *x)
{
    for (unsigned i = 0; kv_has(x->r, "mlm%u_side", i); i++) {
        struct reference_side side;
        reference_side_start(&side, x->authenticate.flags, &x->session_key, from_client(x->r, "mlm", i));
        struct reference_signature signature = reference_mac(x->authenticate.flags, &side.rc4, BYTES(side.sign_key.b),
                                                             0, kv_hex(x->r, "mlm%u_mechtypes", i));
        kv_expect_bytes(x->r, "mechListMIC", kv_hex(x->r, "mlm%u_mic", i), BYTES(signature.b));
    }
}

static void recompute_messages(const struct exchange *x)
{
    struct reference_side sides[2];
    reference_side_start(&sides[0], x->authenticate.flags, &x->session_key, false);
    reference_side_start(&sides[1], x->authenticate.flags, &x->session_key, true);
    for (unsigned i = 0; kv_has(x->r, "op%u_side", i); i++) {
        struct reference_side *side = &sides[from_client(x->r, "op", i) ? 1 : 0];
        struct bytes plain = kv_hex(x->r, "op%u_plain", i), token = kv_hex(x->r, "op%u_token", i);
        uint32_t sequence = (uint32_t)kv_number(x->r, "op%u_seq", i);
        struct reference_signature signature;
        if (strcmp(kv_text(x->r, "op%u_kind", i), "wrap") == 0) {
            uint8_t out[2048];
            kv_require(x->r, plain.size <= sizeof out && token.size == 16 + plain.size);
            signature =
                reference_seal(x->authenticate.flags, &side->rc4, BYTES(side->sign_key.b), sequence, plain, out);
            kv_expect_bytes(x->r, "ciphertext", bytes_of(token.data + 16, plain.size), bytes_of(out, plain.size));
        } else {
            kv_require(x->r, token.size == 16);
            signature = reference_mac(x->authenticate.flags, &side->rc4, BYTES(side->sign_key.b), sequence, plain);
        }
        kv_expect_bytes(x->r, "signature", bytes_of(token.data, 16), BYTES(signature.b));
    }
}

static void check_exchange(const struct kv_record *r)
{
    struct exchange x = {.r = r};
    if (kv_has(r, "negotiate")) {
        check_negotiate(r, kv_hex(r, "negotiate"));
    }
    kv_require(r, ntlm_challenge_parse(kv_hex(r, "challenge"), &x.challenge) == SEC_E_OK);
    kv_require(r, x.challenge.flags == kv_word(r, "challenge_flags_hex"));
    kv_require(r, ntlm_authenticate_parse(kv_hex(r, "authenticate"), &x.authenticate) == SEC_E_OK);
    kv_require(r, x.authenticate.flags == kv_word(r, "auth_flags_hex"));
    expect_name(r, "user", x.authenticate.flags, x.authenticate.user);
    expect_name(r, "domain", x.authenticate.flags, x.authenticate.domain);
    expect_name(r, "workstation", x.authenticate.flags, x.authenticate.workstation);
    recompute_session_key(&x);
    recompute_mic(&x);
    recompute_mech_list_mics(&x);
    recompute_messages(&x);
    if (kv_has(r, "channel_binding_app_data")) {
        struct bytes application = kv_hex(r, "channel_binding_app_data");
        uint8_t size[4];
        struct key16 digest;
        static const uint8_t no_addresses[16];
        reference_le32((uint32_t)application.size, size);
        md5((const struct bytes[]){BYTES(no_addresses), BYTES(size), application}, 3, &digest);
        kv_expect(r, "channel_binding_hash", BYTES(digest.b));
    }
}

/* What Windows sent to Windows is what we build from its parts, byte for byte. */
static void check_windows_layout(const struct kv_record *r)
{
    if (strncmp(kv_id(r), "pyspnego-sspi-ntlm", 18) != 0) {
        return;
    }
    struct ntlm_negotiate negotiate;
    struct ntlm_challenge challenge;
    struct ntlm_authenticate authenticate;
    AUTO_WRITER first = write_growing(1000), second = write_growing(4000), third = write_growing(4000);
    kv_require(r, ntlm_negotiate_parse(kv_hex(r, "negotiate"), &negotiate) == SEC_E_OK);
    ntlm_negotiate_build(&negotiate, &first);
    kv_expect(r, "negotiate", write_result(&first));
    kv_require(r, ntlm_challenge_parse(kv_hex(r, "challenge"), &challenge) == SEC_E_OK);
    ntlm_challenge_build(&challenge, &second);
    kv_expect(r, "challenge", write_result(&second));
    kv_require(r, ntlm_authenticate_parse(kv_hex(r, "authenticate"), &authenticate) == SEC_E_OK);
    ntlm_authenticate_build(&authenticate, &third);
    kv_require(r, write_end(&third) == SEC_E_OK && third.size == kv_hex(r, "authenticate").size);
    memcpy(third.data + 72, kv_hex(r, "authenticate").data + 72, 16); /* the MIC */
    kv_expect(r, "authenticate", write_result(&third));
}

static void messages_of_the_specification(void **state)
{
    assert_true(kv_each(KV_TREE, EXCHANGES, "ntlm_message", check_message) >= 1);
}

static void published_messages(void **state)
{
    assert_true(kv_each(KV_PUBLISHED, EXCHANGES, "ntlm_message", check_message) >= 29);
}

static void exchanges_of_the_specification(void **state)
{
    assert_true(kv_each(KV_TREE, EXCHANGES, "ntlm_exchange", check_exchange) >= 5);
}

static void published_exchanges(void **state)
{
    assert_true(kv_each(KV_PUBLISHED, EXCHANGES, "ntlm_exchange", check_exchange) >= 18);
}

static void layout_of_windows(void **state)
{
    assert_true(kv_each(KV_PUBLISHED, EXCHANGES, "ntlm_exchange", check_windows_layout) >= 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(negotiate_there_and_back),
        cmocka_unit_test(challenge_there_and_back),
        cmocka_unit_test(authenticate_there_and_back),
        cmocka_unit_test(negotiate_layout),
        cmocka_unit_test(challenge_layout),
        cmocka_unit_test(authenticate_layout),
        cmocka_unit_test(flag_names),
        cmocka_unit_test(messages_of_the_specification),
        cmocka_unit_test(exchanges_of_the_specification),
        cmocka_unit_test(published_messages),
        cmocka_unit_test(published_exchanges),
        cmocka_unit_test(layout_of_windows),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("ntlm_messages", tests, fill_pool, NULL);
}
