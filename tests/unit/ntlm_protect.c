/* The library's own signing and sealing (protect.c, signature.c) against the published messages, on sessions made without
 * a handshake: flags and session key are what the vectors say. */
#include "vectors/hex.h"

#include "base/auto.h"
#include "core/context_buffer.h"
#include "ntlm/context.h"
#include "ntlm/flags.h"
#include "ntlm/keys.h"
#include "support/pair.h"
#include "vectors/kv.h"

#define KAT         "ntlm_kat.kv"
#define EXCHANGES   "ntlm_exchanges.kv"
#define MESSAGE_MAX 256

static struct context *session_new(bool initiator, uint32_t flags, const struct key16 *key)
{
    struct ntlm_context *context = NULL;
    struct ntlm_session session = {.flags = flags, .session_key = *key};
    assert_int_equal(ntlm_context_new(initiator, 0, &context), SEC_E_OK);
    assert_int_equal(ntlm_names_new(UTF16_NONE, UTF16_NONE, UTF16_NONE, BYTES_NONE, BYTES_NONE, NULL, &session.names),
                     SEC_E_OK);
    ntlm_establish(context, &session);
    return &context->base;
}

/* One message: its signature, and its data in place. */
struct wire {
    uint8_t signature[16];
    uint8_t data[MESSAGE_MAX];
    SecBuffer at[2];
    struct buffers buffers;
};

static void wire_init(struct wire *wire, struct bytes data)
{
    assert_true(data.size <= sizeof wire->data);
    memset(wire->signature, 0xA5, sizeof wire->signature);
    memcpy(wire->data, data.data, data.size);
    wire->at[0] = (SecBuffer){sizeof wire->signature, SECBUFFER_TOKEN, wire->signature};
    wire->at[1] = (SecBuffer){(ULONG)data.size, SECBUFFER_DATA, wire->data};
    wire->buffers = (struct buffers){wire->at, 2};
}

/* Sealed by one side it is what was published, and the other side opens it. */
static void check_message(const struct kv_record *r, struct context *from, struct context *to, uint32_t sequence,
                          struct bytes plain, struct bytes ciphertext, struct bytes signature)
{
    struct wire wire;
    uint32_t qop = 0xdeadbeef;
    wire_init(&wire, plain);
    kv_require(r, ntlm_seal(from, 0, &wire.buffers, sequence) == SEC_E_OK);
    kv_expect_bytes(r, "ciphertext", ciphertext, bytes_of(wire.data, plain.size));
    kv_expect_bytes(r, "signature", signature, BYTES(wire.signature));
    kv_require(r, ntlm_unseal(to, &wire.buffers, sequence, &qop) == SEC_E_OK);
    kv_expect_bytes(r, "plaintext", plain, bytes_of(wire.data, plain.size));
    kv_require(r, qop == 0xdeadbeef);
}

static struct key16 session_key(const struct kv_record *r)
{
    struct key16 key;
    kv_require(r, kv_hex(r, "exported_session_key").size == sizeof key.b);
    memcpy(key.b, kv_hex(r, "exported_session_key").data, sizeof key.b);
    return key;
}

static void check_wrap(const struct kv_record *r)
{
    struct key16 key = session_key(r);
    bool client = strcmp(kv_text(r, "side"), "C") == 0;
    struct context *from = session_new(client, kv_word(r, "flags_hex"), &key);
    struct context *to = session_new(!client, kv_word(r, "flags_hex"), &key);
    check_message(r, from, to, (uint32_t)kv_number(r, "seq"), kv_hex(r, "plaintext"), kv_hex(r, "ciphertext"),
                  kv_hex(r, "signature"));
    ntlm_dispose(from);
    ntlm_dispose(to);
}

static void check_noess_stream(const struct kv_record *r)
{
    struct key16 key = session_key(r);
    struct context *from = session_new(true, kv_word(r, "flags_hex"), &key);
    struct context *to = session_new(false, kv_word(r, "flags_hex"), &key);
    unsigned i = 0;
    for (; kv_has(r, "msg%u", i); i++) {
        /* One stream and one count for both directions: who speaks does not matter (3.4.4.1). */
        bool back = i % 2 != 0;
        check_message(r, back ? to : from, back ? from : to, i, kv_hex(r, "msg%u", i), kv_hex(r, "ct%u", i),
                      kv_hex(r, "sig%u", i));
    }
    kv_require(r, i > 1);
    ntlm_dispose(from);
    ntlm_dispose(to);
}

static void check_ess_stream(const struct kv_record *r)
{
    struct key16 key = session_key(r);
    struct context *client = session_new(true, kv_word(r, "flags_hex"), &key);
    struct context *server = session_new(false, kv_word(r, "flags_hex"), &key);
    unsigned count = 0;
    for (unsigned i = 0; kv_has(r, "C_msg%u", i) || kv_has(r, "S_msg%u", i); i++) {
        for (const char *side = "CS"; *side != '\0'; side++) {
            if (kv_has(r, "%c_msg%u", *side, i)) {
                check_message(r, *side == 'C' ? client : server, *side == 'C' ? server : client, i,
                              kv_hex(r, "%c_msg%u", *side, i), kv_hex(r, "%c_ct%u", *side, i),
                              kv_hex(r, "%c_sig%u", *side, i));
                count++;
            }
        }
    }
    kv_require(r, count > 2);
    ntlm_dispose(client);
    ntlm_dispose(server);
}

/* MS-NLMP 4.2.2.4, 4.2.3.4 and 4.2.4.4, as sent and as received: each of the three layouts of a signature. */
static void test_messages_of_the_specification(void **state)
{
    assert_true(kv_each(KV_TREE, KAT, "ntlm_wrap", check_wrap) >= 4);
}

static void test_streams(void **state)
{
    assert_true(kv_each(KV_TREE, KAT, "ntlm_noess_stream", check_noess_stream) >= 4);
    assert_true(kv_each(KV_TREE, KAT, "ntlm_ess_stream", check_ess_stream) >= 3);
}

static void check_dummy(const struct kv_record *r)
{
    struct key16 key = {{1, 2, 3}};
    struct wire wire;
    struct context *context = session_new(true, NTLM_UNICODE | NTLM_NTLM | NTLM_ALWAYS_SIGN, &key);
    wire_init(&wire, bytes_of("anything", 8));
    kv_require(r, ntlm_sign(context, 0, &wire.buffers, 0) == SEC_E_OK);
    kv_expect(r, "signature", BYTES(wire.signature));
    ntlm_dispose(context);
}

static void test_dummy_of_the_specification(void **state)
{
    assert_true(kv_each(KV_TREE, KAT, "ntlm_dummy_signature", check_dummy) >= 1);
}

/* What Windows was observed to send as its first sealed message of a session keyed with NTLMv1's base key, without ESS and
 * key exchange: account testuser, password testpass.  (It follows from MS-NLMP 3.4.4.1 as well.)  Such a session negotiates
 * SEAL here: without SIGN and SEAL nothing is sealed, as by Windows since Vista. */
static void test_seal_as_observed_without_ess(void **state)
{
    static const uint16_t password[] = u"testpass";
    static const char plain[] = "Hello, world!";
    const uint32_t flags = 0xa0828205;
    struct key16 ntowf, key;
    struct wire wire;
    ntlm_ntowf_v1(utf16_bytes(utf16_from_wide(password)), &ntowf);
    ntlm_v1_session_base_key(&ntowf, &key);

    struct context *context = session_new(true, flags, &key);
    wire_init(&wire, bytes_of(plain, sizeof plain - 1));
    assert_int_equal(ntlm_seal(context, 0, &wire.buffers, 0), SEC_E_UNSUPPORTED_FUNCTION);
    assert_memory_equal(wire.data, plain, sizeof plain - 1);
    ntlm_dispose(context);

    context = session_new(true, flags | NTLM_SEAL, &key);
    wire_init(&wire, bytes_of(plain, sizeof plain - 1));
    assert_int_equal(ntlm_seal(context, 0, &wire.buffers, 0), SEC_E_OK);
    assert_hex(wire.data, wire.at[1].cbBuffer, "869c5a1078b330984615a031d9");
    assert_hex(wire.signature, wire.at[0].cbBuffer, "01000000 00000000 e8c7aa26 1639074e");
    ntlm_dispose(context);
}

/* The one stream of a session without ESS goes on where it stood when the session moves; from zero with RESET_NEW. */
static void test_one_stream_moves(void **state)
{
    static const uint32_t flags = NTLM_UNICODE | NTLM_NTLM | NTLM_SIGN | NTLM_SEAL | NTLM_128 | NTLM_KEY_EXCH;
    static const uint32_t how[] = {0, SECPKG_CONTEXT_EXPORT_RESET_NEW};
    struct key16 key = {{9, 8, 7}};
    for (size_t i = 0; i < 2; i++) {
        struct context *client = session_new(true, flags, &key), *server = session_new(false, flags, &key);
        struct context *moved = NULL;
        struct wire wire;
        AUTO_WRITER blob = write_growing(4096);
        wire_init(&wire, bytes_of("first", 5));
        assert_int_equal(ntlm_seal(client, 0, &wire.buffers, 0), SEC_E_OK);
        assert_int_equal(ntlm_unseal(server, &wire.buffers, 0, NULL), SEC_E_OK);
        assert_int_equal(ntlm_export(server, how[i], &blob), SEC_E_OK);
        assert_int_equal(ntlm_import(write_result(&blob), &moved), SEC_E_OK);
        assert_true(atomic_load(&moved->one_stream));
        wire_init(&wire, bytes_of("second", 6));
        assert_int_equal(ntlm_seal(client, 0, &wire.buffers, 0), SEC_E_OK);
        struct wire again = wire;
        again.at[0].pvBuffer = again.signature;
        again.at[1].pvBuffer = again.data;
        again.buffers.at = again.at;
        assert_int_equal(ntlm_unseal(server, &again.buffers, 0, NULL), SEC_E_OK);
        assert_int_equal(ntlm_unseal(moved, &wire.buffers, 0, NULL), how[i] == 0 ? SEC_E_OK : SEC_E_MESSAGE_ALTERED);
        assert_int_equal(memcmp(wire.data, "second", 6) == 0, how[i] == 0);
        ntlm_dispose(client);
        ntlm_dispose(server);
        ntlm_dispose(moved);
    }
}

/* Struct, name and comment of NEGOTIATION_INFO and PACKAGE_INFO are one block of exactly their size. */
static void test_package_info_is_one_exact_block(void **state)
{
    static const size_t texts = sizeof "NTLM" + sizeof "NTLM Security Package";
    struct pair pair = {.bindings = NULL};
    SecPkgContext_NegotiationInfoA narrow = {0};
    SecPkgContext_NegotiationInfoW wide = {0};
    SecPkgContext_PackageInfoA package = {0};
    assert_int_equal(pair_acquire(&pair, NULL, NULL), SEC_E_OK);
    assert_int_equal(pair_handshake(&pair, PAIR_SEAL), SEC_E_OK);
    assert_int_equal(QueryContextAttributesA(&pair.client, SECPKG_ATTR_NEGOTIATION_INFO, &narrow), SEC_E_OK);
    assert_int_equal(QueryContextAttributesW(&pair.server, SECPKG_ATTR_NEGOTIATION_INFO, &wide), SEC_E_OK);
    assert_int_equal(QueryContextAttributesA(&pair.server, SECPKG_ATTR_PACKAGE_INFO, &package), SEC_E_OK);
    assert_int_equal(context_buffer_size(narrow.PackageInfo), sizeof(SecPkgInfoA) + texts);
    assert_int_equal(context_buffer_size(wide.PackageInfo), sizeof(SecPkgInfoW) + 2 * texts);
    assert_int_equal(context_buffer_size(package.PackageInfo), sizeof(SecPkgInfoA) + texts);
    assert_int_equal(FreeContextBuffer(narrow.PackageInfo), SEC_E_OK);
    assert_int_equal(FreeContextBuffer(wide.PackageInfo), SEC_E_OK);
    assert_int_equal(FreeContextBuffer(package.PackageInfo), SEC_E_OK);
    assert_true(pair_free(&pair));
}

/* The mechListMIC is message 0 of either direction; after it the cipher begins again and the numbers go on (RFC 4178 5,
 * observed with Windows and gss-ntlmssp). */
static void check_list_mics(const struct kv_record *r, struct context *client, struct context *server)
{
    for (unsigned i = 0; kv_has(r, "mlm%u_side", i); i++) {
        bool from_client = strcmp(kv_text(r, "mlm%u_side", i), "C") == 0;
        struct context *from = from_client ? client : server;
        struct context *to = from_client ? server : client;
        struct wire wire;
        uint32_t qop = 0;
        wire_init(&wire, kv_hex(r, "mlm%u_mechtypes", i));
        kv_require(r, ntlm_sign(from, 0, &wire.buffers, 0) == SEC_E_OK);
        kv_expect_bytes(r, "mechListMIC", kv_hex(r, "mlm%u_mic", i), BYTES(wire.signature));
        kv_require(r, ntlm_verify(to, &wire.buffers, 0, &qop) == SEC_E_OK);
        ntlm_mech_list_mic_done(from);
        ntlm_mech_list_mic_done(to);
    }
}

static void check_message_after(const struct kv_record *r, unsigned i, struct context *from, struct context *to)
{
    struct bytes token = kv_hex(r, "op%u_token", i);
    if (strcmp(kv_text(r, "op%u_kind", i), "wrap") == 0) {
        check_message(r, from, to, 0, kv_hex(r, "op%u_plain", i), bytes_of(token.data + 16, token.size - 16),
                      bytes_of(token.data, 16));
        return;
    }
    struct wire wire;
    wire_init(&wire, kv_hex(r, "op%u_plain", i));
    kv_require(r, ntlm_sign(from, 0, &wire.buffers, 0) == SEC_E_OK);
    kv_expect_bytes(r, "signature", token, BYTES(wire.signature));
}

static unsigned negotiated;

static void check_negotiated(const struct kv_record *r)
{
    struct key16 key;
    if (!kv_has(r, "mlm0_side") || !kv_has(r, "session_key") || kv_hex(r, "session_key").size != sizeof key.b) {
        return;
    }
    memcpy(key.b, kv_hex(r, "session_key").data, sizeof key.b);
    struct context *client = session_new(true, kv_word(r, "auth_flags_hex"), &key);
    struct context *server = session_new(false, kv_word(r, "auth_flags_hex"), &key);
    check_list_mics(r, client, server);
    for (unsigned i = 0; kv_has(r, "op%u_side", i); i++) {
        bool from_client = strcmp(kv_text(r, "op%u_side", i), "C") == 0;
        check_message_after(r, i, from_client ? client : server, from_client ? server : client);
    }
    ntlm_dispose(client);
    ntlm_dispose(server);
    negotiated++;
}

static void test_mech_list_mic(void **state)
{
    negotiated = 0;
    assert_true(kv_each(KV_TREE, EXCHANGES, "ntlm_exchange", check_negotiated) >= 5);
    assert_in_range(negotiated, 1, 1000);
}

static void test_published_mech_list_mics(void **state)
{
    negotiated = 0;
    assert_true(kv_each(KV_PUBLISHED, EXCHANGES, "ntlm_exchange", check_negotiated) >= 18);
    assert_in_range(negotiated, 4, 1000);
}

/* Whether the list may, or must, be signed. */
static void test_mech_list_mic_rule(void **state)
{
    struct key16 key = {{1, 2, 3}};
    const uint32_t flags = NTLM_UNICODE | NTLM_NTLM | NTLM_ALWAYS_SIGN | NTLM_ESS | NTLM_128;
    struct ntlm_context *context = (struct ntlm_context *)session_new(true, flags | NTLM_SIGN, &key);
    assert_int_equal(ntlm_mech_list_mic(&context->base), MECH_LIST_MIC_OPTIONAL);
    context->mic = true;
    assert_int_equal(ntlm_mech_list_mic(&context->base), MECH_LIST_MIC_DUE);
    context->anonymous = true;
    assert_int_equal(ntlm_mech_list_mic(&context->base), MECH_LIST_MIC_IMPOSSIBLE);
    ntlm_dispose(&context->base);
    context = (struct ntlm_context *)session_new(true, flags, &key);
    context->mic = true;
    assert_int_equal(ntlm_mech_list_mic(&context->base), MECH_LIST_MIC_IMPOSSIBLE);
    ntlm_dispose(&context->base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_of_the_specification),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_dummy_of_the_specification),
        cmocka_unit_test(test_seal_as_observed_without_ess),
        cmocka_unit_test(test_one_stream_moves),
        cmocka_unit_test(test_package_info_is_one_exact_block),
        cmocka_unit_test(test_mech_list_mic),
        cmocka_unit_test(test_published_mech_list_mics),
        cmocka_unit_test(test_mech_list_mic_rule),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("ntlm_protect", tests, NULL, NULL);
}
