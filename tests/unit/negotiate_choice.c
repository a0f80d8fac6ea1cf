/* Which package Negotiate chooses, and who may change that (negotiate_sides.h). */
#include "negotiate_sides.h"

#include "logon/machine.h"

/* ---------------------------------------------------------------- the first choice */

/* Two legs, and no mechListMIC: nobody asked for one. */
static void first_choice_in_two_legs(void **state)
{
    struct sides sides;
    begin(&sides);
    opens(&sides);
    assert_list(&sides.client.last, BOTH_THEN_NTLM);
    assert_int_equal(state_of(&sides.client.context, "Negotiate"), SECPKG_NEGOTIATION_OPTIMISTIC);
    assert_int_equal(server_leg(&sides, &sides.client.last), SEC_E_OK);
    struct neg_token resp = parsed(&sides.server.last);
    assert_true(resp.state == NEG_ACCEPT_COMPLETED && resp.mic.data == NULL);
    assert_memory_equal(resp.mech.der, oid(MS_KRB_OID).der, resp.mech.size); /* the OID that the client put first */
    neg_token_free(&resp);
    assert_int_equal(client_leg(&sides, &sides.server.last), SEC_E_OK);
    assert_int_equal(sides.client.last.size, 0);
    assert_package(&sides, "Kerberos");
    assert_int_equal(toy.mics, 0);
    assert_true((toy.asked & ISC_REQ_INTEGRITY) != 0);
    end(&sides);
}

static void one_leg_and_three(void **state)
{
    for (unsigned legs = 1; legs <= 3; legs += 2) {
        struct sides sides;
        toy.legs = legs;
        begin(&sides);
        opens(&sides);
        assert_int_equal(go_on(&sides), SEC_E_OK);
        assert_package(&sides, "Kerberos");
        assert_int_equal(toy.mics, 0);
        end(&sides);
    }
}

/* The mechanism demands a MIC (Kerberos in DCE style, NTLM with its own): the flow depends on who has the last word. */
static void mic_when_the_acceptor_ends(void **state)
{
    struct sides sides;
    toy.rule = MECH_LIST_MIC_DUE;
    begin(&sides);
    opens(&sides);
    assert_int_equal(server_leg(&sides, &sides.client.last), SEC_I_CONTINUE_NEEDED);
    struct neg_token resp = parsed(&sides.server.last);
    assert_true(resp.state == NEG_ACCEPT_INCOMPLETE && resp.token.size == 4 && resp.mic.size == TOY_SIGNATURE);
    neg_token_free(&resp);
    assert_int_equal(state_of(&sides.server.context, "Kerberos"), SECPKG_NEGOTIATION_IN_PROGRESS);
    assert_int_equal(client_leg(&sides, &sides.server.last), SEC_E_OK);
    resp = parsed(&sides.client.last);
    assert_true(resp.state == NEG_ACCEPT_COMPLETED && resp.token.data == NULL && resp.mic.size == TOY_SIGNATURE);
    neg_token_free(&resp);
    assert_int_equal(server_leg(&sides, &sides.client.last), SEC_E_OK);
    assert_int_equal(sides.server.last.size, 0);
    assert_package(&sides, "Kerberos");
    assert_int_equal(toy.mics, 4);
    end(&sides);
}

static void mic_when_the_initiator_ends(void **state)
{
    struct sides sides;
    toy.rule = MECH_LIST_MIC_DUE;
    toy.legs = 3;
    begin(&sides);
    opens(&sides);
    assert_int_equal(server_leg(&sides, &sides.client.last), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(client_leg(&sides, &sides.server.last), SEC_I_CONTINUE_NEEDED);
    struct neg_token resp = parsed(&sides.client.last);
    assert_true(resp.state == NEG_ACCEPT_INCOMPLETE && resp.token.size == 4 && resp.mic.size == TOY_SIGNATURE);
    neg_token_free(&resp);
    assert_int_equal(state_of(&sides.client.context, "Kerberos"), SECPKG_NEGOTIATION_IN_PROGRESS);
    assert_int_equal(server_leg(&sides, &sides.client.last), SEC_E_OK);
    resp = parsed(&sides.server.last);
    assert_true(resp.state == NEG_ACCEPT_COMPLETED && resp.token.data == NULL && resp.mic.size == TOY_SIGNATURE);
    neg_token_free(&resp);
    assert_int_equal(client_leg(&sides, &sides.server.last), SEC_E_OK);
    assert_package(&sides, "Kerberos");
    end(&sides);
}

/* ---------------------------------------------------------------- before the first token */

/* Kerberos cannot serve this target: NTLM comes first, and Kerberos stays in the list (observed on Windows). */
static void falls_back_before_the_first_token(void **state)
{
    static const SECURITY_STATUS refusals[] = {SEC_E_TARGET_UNKNOWN, SEC_E_WRONG_PRINCIPAL, SEC_E_TIME_SKEW};
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct sides sides;
        toy.begin = refusals[i];
        begin(&sides);
        opens(&sides);
        assert_list(&sides.client.last, NTLM_THEN_BOTH);
        assert_int_equal(toy.begun, i + 1);
        assert_null(SspiExtLastReason(NULL));
        assert_int_equal(go_on(&sides), SEC_E_OK);
        assert_package(&sides, "NTLM");
        end(&sides);
    }
}

/* Kerberos has nothing to begin with: it is not offered, and NTLM alone goes as it is. */
static void not_offered_without_credentials(void **state)
{
    static const SECURITY_STATUS refusals[] = {SEC_E_NO_CREDENTIALS, SEC_E_NO_AUTHENTICATING_AUTHORITY};
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct sides sides;
        toy.begin = refusals[i];
        begin(&sides);
        opens(&sides);
        assert_memory_equal(sides.client.last.data, "NTLMSSP", 8);
        assert_int_equal(state_of(&sides.client.context, "NTLM"), SECPKG_NEGOTIATION_DIRECT);
        assert_int_equal(go_on(&sides), SEC_E_OK);
        assert_package(&sides, "NTLM");
        end(&sides);
    }
    struct sides sides;
    toy.begin = SEC_E_OK;
    toy.acquire = SEC_E_NO_CREDENTIALS;
    toy.begun = 0;
    begin(&sides);
    opens(&sides);
    assert_memory_equal(sides.client.last.data, "NTLMSSP", 8);
    assert_int_equal(toy.begun, 0);
    end(&sides);
}

/* Where NTLM is forbidden there is no falling back: Kerberos' own answer is the answer. */
static void no_fallback_where_ntlm_is_forbidden(void **state)
{
    static const char *const lists[] = {"!ntlm", "kerberos", "Kerberos,!NTLM"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct sides sides;
        toy.begin = SEC_E_TARGET_UNKNOWN;
        begin_with(&sides, lists[i]);
        assert_int_equal(client_leg(&sides, NULL), SEC_E_TARGET_UNKNOWN);
        assert_false(sides.client.has_context);
        toy.begin = SEC_E_OK;
        opens(&sides);
        assert_list(&sides.client.last, "3016" MS_KRB_OID KRB_OID);
        end(&sides);
    }
}

/* SspiExcludePackage writes such a list. */
static void excluded_package(void **state)
{
    struct sides sides;
    PSEC_WINNT_AUTH_IDENTITY_OPAQUE identity = NULL, without = NULL;
    begin(&sides);
    assert_int_equal(FreeCredentialsHandle(&sides.client.credential), SEC_E_OK);
    assert_int_equal(SspiEncodeStringsAsAuthIdentity(u"User", u"Domain", u"Password", &identity), SEC_E_OK);
    assert_int_equal(SspiExcludePackage(identity, u"NTLM", &without), SEC_E_OK);
    assert_int_equal(AcquireCredentialsHandleW(NULL, negotiate_name, SECPKG_CRED_OUTBOUND, NULL, without, NULL, NULL,
                                               &sides.client.credential, NULL),
                     SEC_E_OK);
    opens(&sides);
    assert_list(&sides.client.last, "3016" MS_KRB_OID KRB_OID);
    SspiFreeAuthIdentity(identity);
    SspiFreeAuthIdentity(without);
    end(&sides);
}

/* Neither of these suppresses NTLM; what came of them is in the attributes. */
static void wishes_do_not_forbid_ntlm(void **state)
{
    struct sides sides;
    toy.begin = SEC_E_TARGET_UNKNOWN;
    begin(&sides);
    sides.request = ISC_REQ_MUTUAL_AUTH | ISC_REQ_DELEGATE;
    opens(&sides);
    assert_int_equal(go_on(&sides), SEC_E_OK);
    assert_package(&sides, "NTLM");
    assert_int_equal(sides.client.attributes & ISC_RET_DELEGATE, 0);
    end(&sides);
    toy.begin = SEC_E_OK;
    begin(&sides);
    sides.request = ISC_REQ_MUTUAL_AUTH | ISC_REQ_DELEGATE;
    opens(&sides);
    assert_int_equal(go_on(&sides), SEC_E_OK);
    assert_int_equal(sides.client.attributes & ISC_RET_DELEGATE, ISC_RET_DELEGATE);
    end(&sides);
}

/* When nobody can begin, the preferred package's reason is what the caller hears. */
static void nobody_can_begin(void **state)
{
    struct sides sides;
    toy.begin = SEC_E_TARGET_UNKNOWN;
    begin_with(&sides, "kerberos");
    assert_int_equal(client_leg(&sides, NULL), SEC_E_TARGET_UNKNOWN);
    assert_string_equal(SspiExtLastReason(NULL), "the toy was told to refuse");
    toy.begin = SEC_E_INSUFFICIENT_MEMORY; /* says nothing of Kerberos: no other package is tried */
    assert_int_equal(client_leg(&sides, NULL), SEC_E_INSUFFICIENT_MEMORY);
    end(&sides);
    begin(&sides);
    assert_int_equal(client_leg(&sides, NULL), SEC_E_INSUFFICIENT_MEMORY);
    end(&sides);
}

static void list_for_target(const char *target, const char *list)
{
    struct sides sides;
    begin(&sides);
    sides.target = target;
    opens(&sides);
    assert_list(&sides.client.last, list);
    end(&sides);
}

/* A third party is asked only for what it may know. */
static void the_target_decides(void **state)
{
    list_for_target(HERE, BOTH_THEN_NTLM);
    list_for_target("HTTP/elsewhere.example:8080@EXAMPLE", BOTH_THEN_NTLM);
    list_for_target("ELSEWHERE", BOTH_THEN_NTLM); /* an account's name */
    list_for_target("user@example", BOTH_THEN_NTLM);
    list_for_target("HTTP/10.0.0.example", BOTH_THEN_NTLM);
    list_for_target(NULL, NTLM_THEN_BOTH);
    list_for_target("", NTLM_THEN_BOTH);
    list_for_target("HTTP/", NTLM_THEN_BOTH);
    list_for_target("HTTP/192.0.2.7", NTLM_THEN_BOTH);
    list_for_target("HTTP/192.0.2.7:8080", NTLM_THEN_BOTH);
    list_for_target("192.0.2.7", NTLM_THEN_BOTH);
    list_for_target("cifs/[2001:db8::7]", NTLM_THEN_BOTH);
    list_for_target("cifs/fe80::1%eth0", NTLM_THEN_BOTH);
    list_for_target("HTTP/localhost", NTLM_THEN_BOTH);
    list_for_target("HTTP/LocalHost:80", NTLM_THEN_BOTH);

    const struct machine_names *names;
    char *name = NULL, target[300];
    assert_int_equal(names_of_this_machine(&names), SEC_E_OK);
    assert_int_equal(utf16_to_utf8(names->netbios_computer, &name, NULL), SEC_E_OK);
    snprintf(target, sizeof target, "host/%s", name);
    free(name);
    list_for_target(target, NTLM_THEN_BOTH);
    assert_int_equal(utf16_to_utf8(names->dns_computer, &name, NULL), SEC_E_OK);
    snprintf(target, sizeof target, "host/%s", name);
    free(name);
    list_for_target(target, NTLM_THEN_BOTH);
}

/* ... but where NTLM is forbidden, the third party has to say so itself. */
static void an_address_without_ntlm(void **state)
{
    struct sides sides;
    begin_with(&sides, "!ntlm");
    sides.target = "HTTP/192.0.2.7";
    toy.begin = SEC_E_TARGET_UNKNOWN;
    assert_int_equal(client_leg(&sides, NULL), SEC_E_TARGET_UNKNOWN);
    assert_int_equal(toy.begun, 1);
    end(&sides);
}

/* An account of this machine is nobody's but this machine's. */
static void local_accounts(void **state)
{
    const struct machine_names *names;
    char *name = NULL, user[100];
    assert_int_equal(names_of_this_machine(&names), SEC_E_OK);
    assert_int_equal(utf16_to_utf8(names->netbios_computer, &name, NULL), SEC_E_OK);
    snprintf(user, sizeof user, "%s\\User", name);
    const char *const identities[][2] = {{"User", "."}, {"User", name}, {user, ""}, {".\\User", ""}};
    for (size_t i = 0; i < sizeof identities / sizeof identities[0]; i++) {
        struct sides sides = {.target = HERE};
        assert_int_equal(get_client(&sides, identities[i][0], identities[i][1], NULL), SEC_E_OK);
        assert_int_equal(toy.credentials, 0);
        opens(&sides);
        assert_memory_equal(sides.client.last.data, "NTLMSSP", 8);
        end_side(&sides.client);
    }
    free(name);
}

/* ---------------------------------------------------------------- the server chooses */

/* The server cannot take the optimistic token: it asks for a MIC, the client begins again with NTLM. */
static void server_falls_back_to_ntlm(void **state)
{
    struct sides sides;
    toy.accept = SEC_E_WRONG_PRINCIPAL;
    begin(&sides);
    opens(&sides);
    assert_int_equal(server_leg(&sides, &sides.client.last), SEC_I_CONTINUE_NEEDED);
    assert_hex(sides.server.last.data, sides.server.last.size, "a1153013a0030a0103a10c" NTLM_OID);
    assert_int_equal(client_leg(&sides, &sides.server.last), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(toy.contexts, 0); /* the optimistic one is gone */
    assert_int_equal(state_of(&sides.client.context, "NTLM"), SECPKG_NEGOTIATION_IN_PROGRESS);
    struct neg_token resp = parsed(&sides.client.last);
    assert_memory_equal(resp.token.data, "NTLMSSP", 8);
    assert_true(resp.kind == NEG_TOKEN_RESP && !resp.has_mech);
    neg_token_free(&resp);
    assert_int_equal(go_on(&sides), SEC_E_OK);
    assert_package(&sides, "NTLM");
    end(&sides);
}

/* ... but nobody in another channel gets a second try. */
static void no_fallback_from_another_channel(void **state)
{
    struct sides sides;
    toy.accept = SEC_E_BAD_BINDINGS;
    begin(&sides);
    opens(&sides);
    assert_int_equal(server_leg(&sides, &sides.client.last), SEC_E_BAD_BINDINGS);
    end(&sides);
}

/* Nor is there one where the client offers nothing else: then the failure is the server's answer. */
static void server_cannot_and_nothing_else_is_there(void **state)
{
    struct sides sides;
    toy.accept = SEC_E_WRONG_PRINCIPAL;
    begin_with(&sides, "!ntlm");
    opens(&sides);
    assert_int_equal(server_leg(&sides, &sides.client.last), SEC_E_WRONG_PRINCIPAL);
    end(&sides);
}

/* From NTLM to Kerberos: the client had put NTLM first, and the server has no NTLM. */
static void reselected(struct sides *sides, bool insist)
{
    begin(sides);
    sides->target = "HTTP/localhost";
    opens(sides);
    assert_list(&sides->client.last, NTLM_THEN_BOTH);
    put_hex(insist ? "a1143012a0030a0103a10b" MS_KRB_OID : "a1143012a0030a0101a10b" MS_KRB_OID, &sides->server.last);
    assert_int_equal(client_leg(sides, &sides->server.last), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(toy.begun, 1);
    assert_int_equal(state_of(&sides->client.context, "Kerberos"), SECPKG_NEGOTIATION_IN_PROGRESS);
}

/* "toy2" of a server by hand, with the state and the signature it likes. */
static SECURITY_STATUS server_ends(struct sides *sides, enum neg_state state, bool with_mic, int spoil)
{
    struct hex list = hex(NTLM_THEN_BOTH);
    uint8_t mic[TOY_SIGNATURE] = {'a', 0};
    uint32_t sum = 2166136261u;
    for (size_t i = 0; i < list.size; i++) {
        sum = (sum * 16777619u) ^ list.data[i];
    }
    for (int i = 0; i < 4; i++) {
        mic[2 + i] = (uint8_t)(sum >> (8 * i));
    }
    if (spoil >= 0) {
        mic[spoil] ^= 1;
    }
    struct neg_token token = {.kind = NEG_TOKEN_RESP,
                              .has_state = true,
                              .state = state,
                              .token = bytes_of("toy2", 4),
                              .mic = with_mic ? bytes_of(mic, sizeof mic) : BYTES_NONE};
    put(&token, &sides->server.last);
    return client_leg(sides, &sides->server.last);
}

static void mic_after_reselection(void **state)
{
    struct sides sides;
    for (int insist = 0; insist < 2; insist++) {
        toy.begun = 0;
        reselected(&sides, insist);
        assert_int_equal(server_ends(&sides, NEG_ACCEPT_INCOMPLETE, true, -1), SEC_E_OK);
        struct neg_token resp = parsed(&sides.client.last);
        assert_true(resp.state == NEG_ACCEPT_COMPLETED && resp.mic.size == TOY_SIGNATURE);
        neg_token_free(&resp);
        end(&sides);
    }
    for (int state_number = 0; state_number < 2; state_number++) { /* missing, whatever the server calls it */
        toy.begun = 0;
        reselected(&sides, true);
        assert_int_equal(
            server_ends(&sides, state_number == 0 ? NEG_ACCEPT_COMPLETED : NEG_ACCEPT_INCOMPLETE, false, -1),
            SEC_E_INVALID_TOKEN);
        assert_int_equal(client_leg(&sides, &sides.server.last), SEC_E_OUT_OF_SEQUENCE);
        end(&sides);
    }
    for (int byte = 0; byte < TOY_SIGNATURE; byte++) {
        toy.begun = 0;
        reselected(&sides, true);
        assert_int_equal(server_ends(&sides, NEG_ACCEPT_INCOMPLETE, true, byte), SEC_E_MESSAGE_ALTERED);
        end(&sides);
    }
}

/* The mechanism that the server insists on cannot begin either: its own reason counts. */
static void reselection_fails(void **state)
{
    struct sides sides;
    begin(&sides);
    toy.begin = SEC_E_TARGET_UNKNOWN;
    opens(&sides);
    assert_list(&sides.client.last, NTLM_THEN_BOTH);
    put_hex("a1143012a0030a0103a10b" MS_KRB_OID, &sides.server.last);
    assert_int_equal(client_leg(&sides, &sides.server.last), SEC_E_TARGET_UNKNOWN);
    end(&sides);
}

/* Once Kerberos has begun, its failure is the answer: NTLM does not fall in. */
static void no_fallback_after_the_first_token(void **state)
{
    static const struct {
        const char *answer;
        SECURITY_STATUS status;
    } cases[] = {
        {"a1073005a0030a0102", SEC_E_LOGON_DENIED},                                    /* reject */
        {"a11c301aa0030a0101a10b" MS_KRB_OID "a2060404746f7939", SEC_E_INVALID_TOKEN}, /* none of the toy's */
        {"a1143012a0030a0101a10b" MS_KRB_OID, SEC_E_INVALID_TOKEN},                    /* nothing for it */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sides sides;
        begin(&sides);
        opens(&sides);
        put_hex(cases[i].answer, &sides.server.last);
        assert_int_equal(client_leg(&sides, &sides.server.last), cases[i].status);
        put_hex("a1153013a0030a0103a10c" NTLM_OID, &sides.server.last);
        assert_int_equal(client_leg(&sides, &sides.server.last), SEC_E_OUT_OF_SEQUENCE);
        end(&sides);
    }
}

/* A mechanism that cannot sign needs no MIC: there is none to be had (RFC 4178 5). */
static void no_mic_of_who_cannot_sign(void **state)
{
    struct sides sides;
    toy.dumb = true;
    reselected(&sides, true);
    assert_int_equal(server_ends(&sides, NEG_ACCEPT_COMPLETED, false, -1), SEC_E_OK);
    end(&sides);
}

static SECURITY_STATUS answered(const char *text)
{
    struct sides sides;
    begin(&sides);
    opens(&sides);
    put_hex(text, &sides.server.last);
    SECURITY_STATUS status = client_leg(&sides, &sides.server.last);
    end(&sides);
    return status;
}

/* Both OIDs of Kerberos are one mechanism, whichever the server names. */
static void either_oid_of_kerberos(void **state)
{
    assert_int_equal(answered("a11a3018a0030a0100a10b" MS_KRB_OID "a2060404746f7932"),
                     SEC_E_INVALID_TOKEN); /* length */
    assert_int_equal(answered("a11c301aa0030a0100a10b" MS_KRB_OID "a2060404746f7932"), SEC_E_OK);
    assert_int_equal(answered("a11c301aa0030a0100a10b" KRB_OID "a2060404746f7932"), SEC_E_OK);
    assert_int_equal(answered("a10f300da0030a0100"
                              "a2060404746f7932"),
                     SEC_E_OK); /* unsaid: the first one */
}

static void choices_that_were_not_offered(void **state)
{
    assert_int_equal(answered("a1153013a0030a0101a10c" U2U_OID), SEC_E_INVALID_TOKEN);
    assert_int_equal(answered("a1153013a0030a0103a10c" U2U_OID), SEC_E_INVALID_TOKEN);
    assert_int_equal(answered("a11d301ba0030a0101a10c" NTLM_OID "a2060404746f7932"), SEC_E_INVALID_TOKEN); /* a token of
                                                                                   what has not begun */
    assert_int_equal(answered("a1153013a0030a0100a10c" NTLM_OID), SEC_E_INVALID_TOKEN); /* completed before it began */
    struct sides sides;
    begin_with(&sides, "!ntlm"); /* downgrade to what the caller has forbidden */
    opens(&sides);
    put_hex("a1153013a0030a0103a10c" NTLM_OID, &sides.server.last);
    assert_int_equal(client_leg(&sides, &sides.server.last), SEC_E_INVALID_TOKEN);
    end(&sides);
}

/* The client lists the other OID first, or alone: the server answers in the client's words. */
static void server_answers_with_the_clients_oid(void **state)
{
    static const struct {
        const char *list, *chosen;
        bool asks;
    } cases[] = {
        {"300b" MS_KRB_OID, MS_KRB_OID, false},
        {"300b" KRB_OID, KRB_OID, false},
        {"3016" KRB_OID MS_KRB_OID, KRB_OID, false},
        {"3023" NEGOEX_OID KRB_OID NTLM_OID, KRB_OID, true}, /* not the first: begin again, and sign */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sides sides;
        begin(&sides);
        opens(&sides);
        struct neg_token init = parsed(&sides.client.last);
        struct pair_token changed;
        put_list(&init, cases[i].list, &changed);
        neg_token_free(&init);
        assert_int_equal(server_leg(&sides, &changed), cases[i].asks ? SEC_I_CONTINUE_NEEDED : SEC_E_OK);
        struct neg_token resp = parsed(&sides.server.last);
        struct neg_oid chosen = oid(cases[i].chosen);
        assert_int_equal(resp.mech.size, chosen.size);
        assert_memory_equal(resp.mech.der, chosen.der, chosen.size);
        assert_int_equal(resp.state, cases[i].asks ? NEG_REQUEST_MIC : NEG_ACCEPT_COMPLETED);
        neg_token_free(&resp);
        end(&sides);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_choice_in_two_legs),
        TEST(one_leg_and_three),
        TEST(mic_when_the_acceptor_ends),
        TEST(mic_when_the_initiator_ends),
        TEST(falls_back_before_the_first_token),
        TEST(not_offered_without_credentials),
        TEST(no_fallback_where_ntlm_is_forbidden),
        TEST(excluded_package),
        TEST(wishes_do_not_forbid_ntlm),
        TEST(nobody_can_begin),
        TEST(the_target_decides),
        TEST(an_address_without_ntlm),
        TEST(local_accounts),
        TEST(server_falls_back_to_ntlm),
        TEST(no_fallback_from_another_channel),
        TEST(server_cannot_and_nothing_else_is_there),
        TEST(mic_after_reselection),
        TEST(reselection_fails),
        TEST(no_fallback_after_the_first_token),
        TEST(no_mic_of_who_cannot_sign),
        TEST(either_oid_of_kerberos),
        TEST(choices_that_were_not_offered),
        TEST(server_answers_with_the_clients_oid),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("negotiate_choice", tests, NULL, NULL);
}
