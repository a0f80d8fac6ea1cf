/* SPNEGO's tokens against published ones: taken apart they say what the record says, and built again they are the same
 * bytes, since Windows and MIT write DER.
 */
#include "vectors/hex.h"
#include "vectors/kv.h"

#include "negotiate/mech.h"
#include "negotiate/neg_token.h"

#define TOKENS "spnego.kv"

/* Dotted names of the OIDs that the records use. */
static const struct {
    const char *dotted, *der;
} oids[] = {
    {"1.2.840.48018.1.2.2", "06092a864882f712010202"},      {"1.2.840.113554.1.2.2", "06092a864886f712010202"},
    {"1.2.840.113554.1.2.2.3", "060a2a864886f71201020203"}, {"1.3.6.1.4.1.311.2.2.10", "060a2b06010401823702020a"},
    {"1.3.6.1.4.1.311.2.2.30", "060a2b06010401823702021e"},
};

static const char *dotted(const struct neg_oid *oid)
{
    for (size_t i = 0; i < sizeof oids / sizeof oids[0]; i++) {
        struct hex der = hex(oids[i].der);
        if (der.size == oid->size && memcmp(der.data, oid->der, der.size) == 0) {
            return oids[i].dotted;
        }
    }
    return "?";
}

static void expect_optional(const struct kv_record *r, const char *name, struct bytes actual)
{
    kv_require(r, kv_has(r, "%s", name) == (actual.data != NULL));
    if (actual.data != NULL) {
        kv_expect(r, name, actual);
    }
}

static void check_list(const struct kv_record *r, const struct neg_token *token)
{
    char names[512] = "";
    for (size_t i = 0; i < token->mech_count; i++) {
        strcat(names, i != 0 ? " " : "");
        strcat(names, dotted(&token->mechs[i]));
    }
    kv_require(r, strcmp(names, kv_text(r, "mech_types")) == 0);
    kv_expect(r, "mechTypes_der", token->mech_types);
}

static void check_answer(const struct kv_record *r, const struct neg_token *token)
{
    kv_require(r, token->has_state == kv_has(r, "neg_state"));
    kv_require(r, !token->has_state || (long)token->state == kv_number(r, "neg_state"));
    kv_require(r, token->has_mech == kv_has(r, "supported_mech"));
    kv_require(r, !token->has_mech || strcmp(dotted(&token->mech), kv_text(r, "supported_mech")) == 0);
}

static void check_token(const struct kv_record *r)
{
    static const char *const kinds[] = {"NegTokenInit", "NegTokenInit2", "NegTokenResp"};
    AUTO_NEG_TOKEN token = {.owner = NULL};
    AUTO_WRITER again = write_growing(1 << 16);
    kv_require(r, neg_token_parse(kv_hex(r, "token"), &token) == SEC_E_OK);
    kv_require(r, strcmp(kinds[token.kind], kv_text(r, "kind")) == 0);
    if (token.kind == NEG_TOKEN_RESP) {
        check_answer(r, &token);
        expect_optional(r, "response_token", token.token);
    } else {
        check_list(r, &token);
        expect_optional(r, "mech_token", token.token);
    }
    expect_optional(r, "mech_list_mic", token.mic);
    if (token.kind == NEG_TOKEN_INIT2) {
        const char *hint = kv_text(r, "hint_name");
        kv_require(r, token.hint_name.size == strlen(hint) && memcmp(token.hint_name.data, hint, strlen(hint)) == 0);
    }
    kv_require(r, neg_token_build(&token, &again) == SEC_E_OK);
    kv_expect(r, "token", write_result(&again));
}

static void tokens_of_the_specification(void **state)
{
    assert_true(kv_each(KV_TREE, TOKENS, "spnego_token", check_token) >= 13);
}

static void published_tokens(void **state)
{
    assert_true(kv_each(KV_PUBLISHED, TOKENS, "spnego_token", check_token) >= 35);
}

/* ---------------------------------------------------------------- what peers write that DER would not have */

static SECURITY_STATUS parse(const char *text, struct neg_token *out)
{
    struct hex token = hex(text);
    return neg_token_parse(HEX_BYTES(token), out);
}

static void unframed_init(void **state)
{
    AUTO_NEG_TOKEN token = {.owner = NULL};
    assert_int_equal(parse("a0123010 a00e300c 060a2b06010401823702020a", &token), SEC_E_OK);
    assert_int_equal(token.kind, NEG_TOKEN_INIT);
    assert_int_equal(token.mech_count, 1);
}

/* Lengths in more bytes than they need: the list is kept as it came. */
static void lengths_that_are_not_minimal(void **state)
{
    AUTO_NEG_TOKEN token = {.owner = NULL};
    struct neg_token framed;
    assert_int_equal(
        parse("60820022 06062b0601050502 a0820016 30820012 a082000e 3082000a 06082b06010401823702", &framed), SEC_E_OK);
    assert_int_equal(framed.mech_count, 1);
    neg_token_free(&framed);
    assert_int_equal(parse("a0820018 30820014 a0820010 3082000c 060a2b06010401823702020a", &token), SEC_E_OK);
    assert_hex(token.mech_types.data, token.mech_types.size, "3082000c 060a2b06010401823702020a");
}

/* Windows 2000 repeats its response token where the MIC belongs; it is not one. */
/* BER that is no DER (X.690 8.1.3.6, 8.7.3): lengths that are not said, and strings in pieces. */
static void lengths_that_are_not_said(void **state)
{
    struct hex resp = hex("a180 3080 a0030a0101 a280 2480 0402 5556 0401 57 0000 0000 0000 0000");
    struct neg_token token;
    assert_int_equal(neg_token_parse(HEX_BYTES(resp), &token), SEC_E_OK);
    assert_true(token.has_state && token.state == NEG_ACCEPT_INCOMPLETE);
    assert_hex(token.token.data, token.token.size, "555657");
    neg_token_free(&token);
    struct hex init = hex("a080 3080 a080 300c 060a2b06010401823702020a 0000 a280 0401 55 0000 0000 0000");
    assert_int_equal(neg_token_parse(HEX_BYTES(init), &token), SEC_E_OK);
    assert_hex(token.mech_types.data, token.mech_types.size, "300c060a2b06010401823702020a");
    assert_hex(token.token.data, token.token.size, "55");
    neg_token_free(&token);
}

static void response_token_in_place_of_the_mic(void **state)
{
    AUTO_NEG_TOKEN token = {.owner = NULL};
    assert_int_equal(parse("a1153013 a0030a0100 a2050403 010203 a3050403 010203", &token), SEC_E_OK);
    assert_int_equal(token.token.size, 3);
    assert_null(token.mic.data);
}

static void request_flags_are_passed_over(void **state)
{
    AUTO_NEG_TOKEN token = {.owner = NULL};
    assert_int_equal(parse("a0183016 a00e300c 060a2b06010401823702020a a1040302 0640", &token), SEC_E_OK);
    assert_null(token.token.data);
}

/* An OID longer than any we know keeps its place in the list. */
static void unknown_oids_keep_their_place(void **state)
{
    AUTO_NEG_TOKEN token = {.owner = NULL};
    assert_int_equal(parse("a0323030 a02e302c 061e2b0101010101010101010101010101010101010101010101010101010101 01 01"
                           "060a2b06010401823702020a",
                           &token),
                     SEC_E_INVALID_TOKEN);
    assert_int_equal(parse("a0323030 a02e302c 061e2b01010101010101010101010101010101010101010101010101010101 01"
                           "060a2b06010401823702020a",
                           &token),
                     SEC_E_OK);
    assert_int_equal(token.mech_count, 2);
    assert_int_equal(token.mechs[0].size, 0);
    assert_null(mech_find(&token.mechs[0]));
    assert_string_equal(mech_find(&token.mechs[1])->package, "NTLM");
}

static void absent_and_empty_are_two_things(void **state)
{
    AUTO_NEG_TOKEN token = {.owner = NULL};
    assert_int_equal(parse("a1043002 a200", &token), SEC_E_INVALID_TOKEN);
    assert_int_equal(parse("a1063004 a2020400", &token), SEC_E_OK);
    assert_non_null(token.token.data);
    assert_int_equal(token.token.size, 0);
    assert_false(token.has_state || token.has_mech);
}

/* Which package a token without SPNEGO belongs to. */
static void raw_tokens(void **state)
{
    struct hex ntlm = hex("4e544c4d53535000 01000000");
    struct hex kerberos = hex("600d 06092a864886f712010202 0100");
    struct hex microsoft = hex("600d 06092a864882f712010202 0100");
    struct hex spnego = hex("6008 06062b0601050502");
    struct hex negoex = hex("4e45474f45585453 00000000");
    assert_string_equal(mech_of_raw_token(HEX_BYTES(ntlm)), "NTLM");
    assert_string_equal(mech_of_raw_token(HEX_BYTES(kerberos)), "Kerberos");
    assert_string_equal(mech_of_raw_token(HEX_BYTES(microsoft)), "Kerberos");
    assert_null(mech_of_raw_token(HEX_BYTES(spnego)));
    assert_null(mech_of_raw_token(HEX_BYTES(negoex)));
    assert_null(mech_of_raw_token(bytes_of(ntlm.data, 7)));
    assert_null(mech_of_raw_token(BYTES_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_of_the_specification),
        cmocka_unit_test(published_tokens),
        cmocka_unit_test(unframed_init),
        cmocka_unit_test(lengths_that_are_not_minimal),
        cmocka_unit_test(lengths_that_are_not_said),
        cmocka_unit_test(response_token_in_place_of_the_mic),
        cmocka_unit_test(request_flags_are_passed_over),
        cmocka_unit_test(unknown_oids_keep_their_place),
        cmocka_unit_test(absent_and_empty_are_two_things),
        cmocka_unit_test(raw_tokens),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("neg_token", tests, NULL, NULL);
}
