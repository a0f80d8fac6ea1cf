/* Negotiate through the public functions, with tokens that no peer at hand would send: other lists, other choices, and
 * somebody in the middle.  Where a token is made by hand, the mechanism in it is a real context of package NTLM.
 */
#include "vectors/hex.h"

#include "support/pair.h"

#include "negotiate/neg_token.h"

static const WCHAR negotiate_name[] = {'N', 'e', 'g', 'o', 't', 'i', 'a', 't', 'e', 0};

#define NTLM_OID   "060a2b06010401823702020a"
#define KRB_OID    "06092a864886f712010202"
#define MS_KRB_OID "06092a864882f712010202"
#define NEGOEX_OID "060a2b06010401823702021e"

static void begin(struct pair *pair)
{
    memset(pair, 0, sizeof *pair);
    assert_int_equal(pair_acquire_package(pair, negotiate_name, NULL, NULL), SEC_E_OK);
}

static void end(struct pair *pair)
{
    assert_true(pair_free(pair));
}

static struct neg_token parsed(const struct pair_token *token)
{
    struct neg_token out;
    assert_int_equal(neg_token_parse(bytes_of(token->data, token->size), &out), SEC_E_OK);
    return out;
}

static void put(const struct neg_token *token, struct pair_token *out)
{
    struct writer writer = write_into(out->data, sizeof out->data);
    assert_int_equal(neg_token_build(token, &writer), SEC_E_OK);
    out->size = (ULONG)writer.size;
}

static void put_hex(const char *text, struct pair_token *out)
{
    struct hex bytes = hex(text);
    memcpy(out->data, bytes.data, bytes.size);
    out->size = (ULONG)bytes.size;
}

static struct bytes token_bytes(const struct pair_token *token)
{
    return bytes_of(token->data, token->size);
}

static uint32_t negotiation_state(CtxtHandle *context, const char *name)
{
    SecPkgContext_NegotiationInfoA info = {NULL};
    assert_int_equal(QueryContextAttributesA(context, SECPKG_ATTR_NEGOTIATION_INFO, &info), SEC_E_OK);
    assert_string_equal(info.PackageInfo->Name, name);
    assert_int_equal(FreeContextBuffer(info.PackageInfo), SEC_E_OK);
    return info.NegotiationState;
}

static void both_ways(struct pair *pair)
{
    unsigned char data[32] = "what comes after the negotiation", signature[16];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pair_seal(&pair->client, data, sizeof data, signature), SEC_E_OK);
        assert_int_equal(pair_unseal(&pair->server, data, sizeof data, signature), SEC_E_OK);
        assert_int_equal(pair_seal(&pair->server, data, sizeof data, signature), SEC_E_OK);
        assert_int_equal(pair_unseal(&pair->client, data, sizeof data, signature), SEC_E_OK);
    }
    assert_memory_equal(data, "what comes after the negotiation", sizeof data);
}

/* ---------------------------------------------------------------- our client and our server */

static void server_first(void **state)
{
    struct pair pair;
    struct pair_token hint, init, challenge, authenticate, last;
    const struct pair_token nothing = {.size = 0};
    begin(&pair);
    assert_int_equal(pair_server_leg(&pair, 0, &nothing, &hint), SEC_I_CONTINUE_NEEDED);
    struct neg_token token = parsed(&hint);
    assert_int_equal(token.kind, NEG_TOKEN_INIT2);
    assert_memory_equal(token.hint_name.data, "not_defined_in_RFC4178@please_ignore", 36);
    neg_token_free(&token);

    assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, &hint, &init), SEC_I_CONTINUE_NEEDED);
    token = parsed(&init);
    assert_int_equal(token.kind, NEG_TOKEN_INIT);
    assert_memory_equal(token.token.data, "NTLMSSP", 8);
    neg_token_free(&token);
    assert_int_equal(negotiation_state(&pair.client, "Negotiate"), SECPKG_NEGOTIATION_OPTIMISTIC);

    assert_int_equal(pair_server_leg(&pair, 0, &init, &challenge), SEC_I_CONTINUE_NEEDED);
    token = parsed(&challenge);
    assert_true(token.has_state && token.state == NEG_ACCEPT_INCOMPLETE && token.has_mech);
    neg_token_free(&token);
    assert_int_equal(negotiation_state(&pair.server, "NTLM"), SECPKG_NEGOTIATION_IN_PROGRESS);

    assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, &challenge, &authenticate), SEC_I_CONTINUE_NEEDED);
    token = parsed(&authenticate);
    assert_true(token.state == NEG_ACCEPT_INCOMPLETE && !token.has_mech && token.mic.size == 16);
    neg_token_free(&token);
    assert_int_equal(negotiation_state(&pair.client, "NTLM"), SECPKG_NEGOTIATION_IN_PROGRESS);
    unsigned char data[4] = {0}, signature[16];
    assert_int_equal(pair_seal(&pair.client, data, sizeof data, signature), SEC_E_OUT_OF_SEQUENCE);

    assert_int_equal(pair_server_leg(&pair, 0, &authenticate, &last), SEC_E_OK);
    assert_int_equal(last.size, 29);
    assert_hex(last.data, 13, "a11b3019a0030a0100a3120410");
    assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, &last, &init), SEC_E_OK);
    assert_int_equal(init.size, 0);
    assert_int_equal(negotiation_state(&pair.client, "NTLM"), SECPKG_NEGOTIATION_COMPLETE);
    assert_int_equal(negotiation_state(&pair.server, "NTLM"), SECPKG_NEGOTIATION_COMPLETE);
    both_ways(&pair);
    assert_int_equal(pair_server_leg(&pair, 0, &authenticate, &last), SEC_E_OUT_OF_SEQUENCE);
    assert_int_equal(pair_client_leg(&pair, 0, &last, &init), SEC_E_OUT_OF_SEQUENCE);
    both_ways(&pair);
    end(&pair);
}

static void ntlm_alone_is_sent_as_it_is(void **state)
{
    struct pair pair;
    struct pair_token first;
    begin(&pair);
    assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, NULL, &first), SEC_I_CONTINUE_NEEDED);
    assert_memory_equal(first.data, "NTLMSSP", 8);
    assert_int_equal(negotiation_state(&pair.client, "NTLM"), SECPKG_NEGOTIATION_DIRECT);
    assert_true(pair_reset(&pair));
    assert_int_equal(pair_handshake(&pair, PAIR_SEAL), SEC_E_OK);
    assert_int_equal(negotiation_state(&pair.client, "NTLM"), SECPKG_NEGOTIATION_COMPLETE);
    both_ways(&pair);
    end(&pair);
}

static uint32_t first_flags(struct pair *pair, ULONG flags)
{
    struct pair_token first;
    assert_int_equal(pair_client_leg(pair, flags, NULL, &first), SEC_I_CONTINUE_NEEDED);
    assert_true(pair_reset(pair));
    return (uint32_t)first.data[12] | (uint32_t)first.data[13] << 8;
}

/* Negotiate signs unless it is told not to: e2088297 where package NTLM sends a2088207 (observed). */
static void integrity_unless_unwanted(void **state)
{
    struct pair pair;
    begin(&pair);
    assert_int_equal(first_flags(&pair, 0), 0x8297);
    assert_int_equal(first_flags(&pair, ISC_REQ_NO_INTEGRITY), 0x8207);
    end(&pair);
}

/* ---------------------------------------------------------------- a client by hand: NTLM in SPNEGO of our making */

struct by_hand {
    struct pair pair; /* of package NTLM; its server is Negotiate's */
    struct hex list;
    struct pair_token negotiate, challenge, authenticate;
};

static void hand_begin(struct by_hand *hand, const char *list)
{
    struct pair negotiate;
    memset(hand, 0, sizeof *hand);
    begin(&negotiate);
    assert_int_equal(pair_acquire(&hand->pair, NULL, NULL), SEC_E_OK);
    assert_int_equal(FreeCredentialsHandle(&hand->pair.server_credential), SEC_E_OK);
    hand->pair.server_credential = negotiate.server_credential;
    assert_int_equal(FreeCredentialsHandle(&negotiate.client_credential), SEC_E_OK);
    hand->list = hex(list);
    assert_int_equal(pair_client_leg(&hand->pair, PAIR_SEAL, NULL, &hand->negotiate), SEC_I_CONTINUE_NEEDED);
}

/* NegTokenInit with or without NEGOTIATE in it. */
static SECURITY_STATUS hand_init(struct by_hand *hand, bool with_token, ULONG flags, struct pair_token *answer)
{
    struct pair_token init;
    struct neg_token token = {.kind = NEG_TOKEN_INIT,
                              .mech_types = HEX_BYTES(hand->list),
                              .token = with_token ? token_bytes(&hand->negotiate) : BYTES_NONE};
    put(&token, &init);
    return pair_server_leg(&hand->pair, flags, &init, answer);
}

static SECURITY_STATUS hand_resp(struct by_hand *hand, const struct pair_token *mech_token, const unsigned char *mic,
                                 struct pair_token *answer)
{
    struct pair_token resp;
    struct neg_token token = {.kind = NEG_TOKEN_RESP,
                              .has_state = true,
                              .state = NEG_ACCEPT_INCOMPLETE,
                              .token = mech_token != NULL ? token_bytes(mech_token) : BYTES_NONE,
                              .mic = mic != NULL ? bytes_of(mic, 16) : BYTES_NONE};
    put(&token, &resp);
    return pair_server_leg(&hand->pair, 0, &resp, answer);
}

/* The challenge in an answer, and the client's reaction to it. */
static void hand_challenge(struct by_hand *hand, const struct pair_token *answer)
{
    struct neg_token token = parsed(answer);
    assert_true(token.token.size > 32);
    memcpy(hand->challenge.data, token.token.data, token.token.size);
    hand->challenge.size = (ULONG)token.token.size;
    neg_token_free(&token);
    assert_int_equal(pair_client_leg(&hand->pair, PAIR_SEAL, &hand->challenge, &hand->authenticate), SEC_E_OK);
}

static void hand_end(struct by_hand *hand)
{
    assert_true(pair_free(&hand->pair));
}

#define KRB_THEN_NTLM "3017" KRB_OID NTLM_OID

/* The server has not the first choice: it says which one it takes, asks for a MIC, and gets it. */
static void reselection(void **state)
{
    struct by_hand hand;
    struct pair_token answer;
    unsigned char mic[16];
    hand_begin(&hand, KRB_THEN_NTLM);
    assert_int_equal(hand_init(&hand, false, 0, &answer), SEC_I_CONTINUE_NEEDED);
    assert_hex(answer.data, answer.size, "a1153013a0030a0103a10c" NTLM_OID);
    assert_int_equal(hand_resp(&hand, &hand.negotiate, NULL, &answer), SEC_I_CONTINUE_NEEDED);
    hand_challenge(&hand, &answer);
    struct hex list = hand.list;
    assert_int_equal(pair_sign(&hand.pair.client, list.data, (ULONG)list.size, mic), SEC_E_OK);
    assert_int_equal(hand_resp(&hand, &hand.authenticate, mic, &answer), SEC_E_OK);
    assert_int_equal(answer.size, 29);
    assert_int_equal(pair_check(&hand.pair.client, list.data, (ULONG)list.size, answer.data + 13), SEC_E_OK);
    hand_end(&hand);
}

/* The token of the first choice is none of NTLM's: the server does not look at it. */
static void token_of_another_mechanism(void **state)
{
    struct by_hand hand;
    struct pair_token answer;
    hand_begin(&hand, KRB_THEN_NTLM);
    assert_int_equal(hand_init(&hand, true, 0, &answer), SEC_I_CONTINUE_NEEDED);
    assert_hex(answer.data, answer.size, "a1153013a0030a0103a10c" NTLM_OID);
    hand_end(&hand);
}

static void negoex_is_passed_over(void **state)
{
    struct by_hand hand;
    struct pair_token answer;
    hand_begin(&hand, "3018" NEGOEX_OID NTLM_OID);
    assert_int_equal(hand_init(&hand, true, 0, &answer), SEC_I_CONTINUE_NEEDED);
    assert_hex(answer.data, answer.size, "a1153013a0030a0103a10c" NTLM_OID);
    hand_end(&hand);
}

/* NTLM is preferred and comes without a token: no MIC is asked for yet. */
static void no_optimistic_token(void **state)
{
    struct by_hand hand;
    struct pair_token answer;
    hand_begin(&hand, "300c" NTLM_OID);
    assert_int_equal(hand_init(&hand, false, 0, &answer), SEC_I_CONTINUE_NEEDED);
    assert_hex(answer.data, answer.size, "a1153013a0030a0101a10c" NTLM_OID);
    assert_int_equal(hand_resp(&hand, &hand.negotiate, NULL, &answer), SEC_I_CONTINUE_NEEDED);
    hand_challenge(&hand, &answer);
    hand_end(&hand);
}

static void no_common_mechanism(void **state)
{
    struct by_hand hand;
    struct pair_token answer = {.size = 0};
    hand_begin(&hand, "300b" KRB_OID);
    assert_int_equal(hand_init(&hand, false, 0, &answer), SEC_E_INVALID_TOKEN);
    assert_false(hand.pair.has_server);
    assert_int_equal(hand_init(&hand, false, ASC_REQ_EXTENDED_ERROR, &answer), SEC_E_INVALID_TOKEN);
    assert_hex(answer.data, 9, "a1073005a0030a0102"); /* reject */
    hand_end(&hand);
}

static void client_mic(const char *signed_list, bool with_mic, int spoil, SECURITY_STATUS expected)
{
    struct by_hand hand;
    struct pair_token answer;
    unsigned char mic[16];
    hand_begin(&hand, "300c" NTLM_OID);
    assert_int_equal(hand_init(&hand, true, 0, &answer), SEC_I_CONTINUE_NEEDED);
    hand_challenge(&hand, &answer);
    struct hex list = hex(signed_list);
    assert_int_equal(pair_sign(&hand.pair.client, list.data, (ULONG)list.size, mic), SEC_E_OK);
    if (spoil >= 0) {
        mic[spoil] ^= 1;
    }
    assert_int_equal(hand_resp(&hand, &hand.authenticate, with_mic ? mic : NULL, &answer), expected);
    if (expected != SEC_E_OK) {
        assert_int_equal(hand_resp(&hand, &hand.authenticate, mic, &answer), SEC_E_OUT_OF_SEQUENCE);
    }
    hand_end(&hand);
}

static void mic_of_the_client(void **state)
{
    client_mic("300c" NTLM_OID, true, -1, SEC_E_OK);
    client_mic("300c" NTLM_OID, true, 4, SEC_E_MESSAGE_ALTERED);
    client_mic("300c" NTLM_OID, true, 12, SEC_E_MESSAGE_ALTERED); /* the sequence number */
    client_mic(KRB_THEN_NTLM, true, -1, SEC_E_MESSAGE_ALTERED);   /* what the client offered before somebody cut it */
    client_mic("300c" NTLM_OID, false, -1, SEC_E_INVALID_TOKEN);  /* NTLM with a MIC demands one */
}

static void tokens_out_of_place(void **state)
{
    struct by_hand hand;
    struct pair_token token, answer;
    hand_begin(&hand, "300c" NTLM_OID);
    put_hex("a1073005a0030a0101", &token);
    assert_int_equal(pair_server_leg(&hand.pair, 0, &token, &answer), SEC_E_INVALID_TOKEN);
    put_hex("4e45474f45585453 00000000 00000000", &token);
    assert_int_equal(pair_server_leg(&hand.pair, 0, &token, &answer), SEC_E_INVALID_TOKEN);
    put_hex("600d 06092a864886f712010202 0100", &token); /* Kerberos as it is, which this build lacks */
    assert_int_equal(pair_server_leg(&hand.pair, 0, &token, &answer), SEC_E_INVALID_TOKEN);
    assert_false(hand.pair.has_server);

    assert_int_equal(hand_init(&hand, true, 0, &answer), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(hand_resp(&hand, NULL, NULL, &answer), SEC_E_INVALID_TOKEN);
    hand_end(&hand);

    hand_begin(&hand, "300c" NTLM_OID);
    assert_int_equal(hand_init(&hand, true, 0, &answer), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(hand_init(&hand, true, 0, &answer), SEC_E_INVALID_TOKEN);
    hand_end(&hand);

    hand_begin(&hand, "300c" NTLM_OID);
    assert_int_equal(hand_init(&hand, true, 0, &answer), SEC_I_CONTINUE_NEEDED);
    put_hex("a1073005a0030a0102", &token);
    assert_int_equal(pair_server_leg(&hand.pair, 0, &token, &answer), SEC_E_LOGON_DENIED);
    hand_end(&hand);
}

/* ---------------------------------------------------------------- a server by hand, against our client */

/* Our client after its NegTokenInit; `answer` is what the server by hand says. */
static SECURITY_STATUS answered(const char *answer)
{
    struct pair pair;
    struct pair_token hint, init, token, out;
    const struct pair_token nothing = {.size = 0};
    begin(&pair);
    assert_int_equal(pair_server_leg(&pair, 0, &nothing, &hint), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, &hint, &init), SEC_I_CONTINUE_NEEDED);
    put_hex(answer, &token);
    SECURITY_STATUS status = pair_client_leg(&pair, PAIR_SEAL, &token, &out);
    if (status < 0) {
        assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, &token, &out), SEC_E_OUT_OF_SEQUENCE);
    }
    end(&pair);
    return status;
}

static void answers_of_the_server(void **state)
{
    assert_int_equal(answered("a1073005a0030a0102"), SEC_E_LOGON_DENIED);              /* reject */
    assert_int_equal(answered("a1073005a0030a0100"), SEC_E_INVALID_TOKEN);             /* completed at once */
    assert_int_equal(answered("a1073005a0030a0101"), SEC_E_INVALID_TOKEN);             /* nothing in it */
    assert_int_equal(answered("a1143012a0030a0101a10b" KRB_OID), SEC_E_INVALID_TOKEN); /* never offered */
    assert_int_equal(answered("a1153013a0030a0101a10c" NEGOEX_OID), SEC_E_INVALID_TOKEN);
    assert_int_equal(answered("a110300e a10c" NTLM_OID), SEC_E_INVALID_TOKEN);     /* no negState */
    assert_int_equal(answered("a0123010 a00e300c" NTLM_OID), SEC_E_INVALID_TOKEN); /* another NegTokenInit */
    assert_int_equal(answered("4e544c4d53535000 02000000"), SEC_E_INVALID_TOKEN);  /* SPNEGO dropped */
}

/* A hint that names nothing we have does not silence the client. */
static void foreign_hint(void **state)
{
    struct pair pair;
    struct pair_token hint, init;
    begin(&pair);
    put_hex("a011300fa00d300b" KRB_OID, &hint);
    assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, &hint, &init), SEC_I_CONTINUE_NEEDED);
    struct neg_token token = parsed(&init);
    assert_int_equal(token.mech_count, 1);
    neg_token_free(&token);
    end(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_first),
        cmocka_unit_test(ntlm_alone_is_sent_as_it_is),
        cmocka_unit_test(integrity_unless_unwanted),
        cmocka_unit_test(reselection),
        cmocka_unit_test(token_of_another_mechanism),
        cmocka_unit_test(negoex_is_passed_over),
        cmocka_unit_test(no_optimistic_token),
        cmocka_unit_test(no_common_mechanism),
        cmocka_unit_test(mic_of_the_client),
        cmocka_unit_test(tokens_out_of_place),
        cmocka_unit_test(answers_of_the_server),
        cmocka_unit_test(foreign_hint),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("negotiate_steps", tests, NULL, NULL);
}
