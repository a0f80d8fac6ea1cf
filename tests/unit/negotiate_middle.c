/* How both sides of Negotiate make sure that nobody else changed the choice; servers that speak first, user-to-user, and
 * attributes (negotiate_sides.h). */
#include "negotiate_sides.h"

/* ---------------------------------------------------------------- somebody in the middle */

/* Cuts the strong mechanism out of the client's list.  NTLM's MIC makes both sides look at the list. */
static void cut_list(void **state)
{
    struct sides sides;
    begin(&sides);
    sides.target = "HTTP/localhost"; /* NTLM's token is in the first one */
    opens(&sides);
    struct neg_token init = parsed(&sides.client.last);
    struct pair_token changed;
    put_list(&init, "300c" NTLM_OID, &changed);
    neg_token_free(&init);
    sides.client.last = changed;
    assert_int_equal(go_on(&sides), SEC_E_MESSAGE_ALTERED);
    assert_int_equal(server_leg(&sides, &changed), SEC_E_OUT_OF_SEQUENCE);
    end(&sides);
}

/* Turns the list around, so that the server takes NTLM, and hides that from the client as well as it can. */
static void turned_list(void **state)
{
    struct sides sides;
    begin(&sides);
    opens(&sides);
    struct neg_token init = parsed(&sides.client.last);
    struct pair_token changed;
    put_list(&init, "300c" NTLM_OID, &changed);
    neg_token_free(&init);
    sides.client.last = changed;
    assert_int_equal(server_leg(&sides, &sides.client.last),
                     SEC_E_INVALID_TOKEN); /* the toy's token is none of NTLM's */
    end(&sides);

    begin(&sides);
    opens(&sides);
    init = parsed(&sides.client.last);
    init.token = BYTES_NONE;
    put_list(&init, "300c" NTLM_OID, &changed);
    neg_token_free(&init);
    sides.client.last = changed;
    assert_int_equal(go_on(&sides), SEC_E_MESSAGE_ALTERED);
    end(&sides);
}

/* Takes the client's MIC away after a reselection. */
static void mic_taken_away(void **state)
{
    struct sides sides;
    toy.legs = 3;
    toy.accept = SEC_E_OK;
    begin(&sides);
    opens(&sides);
    struct neg_token init = parsed(&sides.client.last);
    struct pair_token changed;
    put_list(&init, "3023" NEGOEX_OID KRB_OID NTLM_OID,
             &changed); /* the server believes Kerberos to be the second choice */
    neg_token_free(&init);
    assert_int_equal(server_leg(&sides, &changed), SEC_I_CONTINUE_NEEDED);
    put_hex("a10a3008a2060404746f7931", &changed);
    assert_int_equal(server_leg(&sides, &changed), SEC_I_CONTINUE_NEEDED);
    put_hex("a10a3008a2060404746f7933", &changed);
    assert_int_equal(server_leg(&sides, &changed), SEC_E_INVALID_TOKEN);
    end(&sides);
}

/* A MIC in the very first token, of a mechanism that is through with it: looked at as any other. */
static void mic_in_the_first_token(void **state)
{
    for (int right = 0; right < 2; right++) {
        struct sides sides;
        toy.legs = 1;
        begin(&sides);
        opens(&sides);
        struct hex list = hex("300b" KRB_OID);
        uint8_t mic[TOY_SIGNATURE] = {'i', 0};
        uint32_t sum = 2166136261u;
        for (size_t i = 0; i < list.size; i++) {
            sum = (sum * 16777619u) ^ list.data[i];
        }
        for (int i = 0; i < 4; i++) {
            mic[2 + i] = (uint8_t)((right != 0 ? sum : sum + 1) >> (8 * i));
        }
        struct hex token = hex("602d 06062b0601050502 a0233021 a00d300b" KRB_OID "a2060404746f7931 a30a0408");
        memcpy(sides.client.last.data, token.data, token.size);
        memcpy(sides.client.last.data + token.size, mic, sizeof mic);
        sides.client.last.size = (ULONG)(token.size + sizeof mic);
        sides.client.last.data[1] = (uint8_t)(sides.client.last.size - 2);
        sides.client.last.data[11] = (uint8_t)(sides.client.last.size - 12);
        sides.client.last.data[13] = (uint8_t)(sides.client.last.size - 14);
        assert_int_equal(server_leg(&sides, &sides.client.last), right != 0 ? SEC_E_OK : SEC_E_MESSAGE_ALTERED);
        end(&sides);
    }
}

/* ---------------------------------------------------------------- the server speaks first */

static void hints(void **state)
{
    static const struct {
        const char *hint, *list;
    } cases[] = {
        {"a0 26 30 24 a0 22 3020" MS_KRB_OID KRB_OID NTLM_OID, NULL}, /* lengths that do not fit */
        {"a028 3026 a024 3022" MS_KRB_OID KRB_OID NTLM_OID, BOTH_THEN_NTLM},
        {"a012 3010 a00e 300c" NTLM_OID, "300c" NTLM_OID},
        {"a011 300f a00d 300b" KRB_OID, "300b" KRB_OID},
        {"a01d 301b a019 3017" NTLM_OID MS_KRB_OID, "3017" MS_KRB_OID NTLM_OID}, /* the client's own order */
        {"a012 3010 a00e 300c" NEGOEX_OID, BOTH_THEN_NTLM},                      /* nothing that we know */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sides sides;
        begin(&sides);
        put_hex(cases[i].hint, &sides.server.last);
        SECURITY_STATUS status = client_leg(&sides, &sides.server.last);
        assert_int_equal(status, cases[i].list != NULL ? SEC_I_CONTINUE_NEEDED : SEC_E_INVALID_TOKEN);
        if (status == SEC_I_CONTINUE_NEEDED) {
            assert_list(&sides.client.last, cases[i].list); /* in SPNEGO, NTLM alone too */
        }
        end(&sides);
    }
}

static void server_speaks_first(void **state)
{
    struct sides sides;
    begin(&sides);
    assert_int_equal(server_leg(&sides, NULL), SEC_I_CONTINUE_NEEDED);
    struct neg_token hint = parsed(&sides.server.last);
    assert_int_equal(hint.kind, NEG_TOKEN_INIT2);
    assert_hex(hint.mech_types.data, hint.mech_types.size, "302e" MS_KRB_OID KRB_OID U2U_OID NTLM_OID); /* as Windows */
    neg_token_free(&hint);
    assert_int_equal(state_of(&sides.server.context, "Negotiate"), SECPKG_NEGOTIATION_IN_PROGRESS);
    assert_int_equal(client_leg(&sides, &sides.server.last), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(go_on(&sides), SEC_E_OK);
    assert_package(&sides, "Kerberos");
    end(&sides);
}

/* ---------------------------------------------------------------- user-to-user */

/* Named where it was asked for, and then first; the package hears of it where that is what was chosen. */
static void user_to_user(void **state)
{
    struct sides sides;
    begin(&sides);
    sides.request |= ISC_REQ_USE_SESSION_KEY;
    opens(&sides);
    assert_list(&sides.client.last, "302e" U2U_OID MS_KRB_OID KRB_OID NTLM_OID);
    assert_true((toy.asked & ISC_REQ_USE_SESSION_KEY) != 0);
    assert_int_equal(server_leg(&sides, &sides.client.last), SEC_E_OK);
    struct neg_token resp = parsed(&sides.server.last);
    struct neg_oid chosen = oid(U2U_OID);
    assert_memory_equal(resp.mech.der, chosen.der, chosen.size);
    neg_token_free(&resp);
    assert_int_equal(client_leg(&sides, &sides.server.last), SEC_E_OK);
    assert_package(&sides, "Kerberos");
    end(&sides);
}

/* A server that would rather not: the package begins again, in its other way. */
static void no_user_to_user(void **state)
{
    struct sides sides;
    begin(&sides);
    sides.request |= ISC_REQ_USE_SESSION_KEY;
    opens(&sides);
    put_hex("a1143012a0030a0103a10b" MS_KRB_OID, &sides.server.last);
    assert_int_equal(client_leg(&sides, &sides.server.last), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(toy.begun, 2);
    assert_true((toy.asked & ISC_REQ_USE_SESSION_KEY) == 0);
    end(&sides);
}

/* The server cannot do that one: the package's other exchange has its turn before another package. */
static void server_without_a_user(void **state)
{
    struct sides sides;
    begin(&sides);
    sides.request |= ISC_REQ_USE_SESSION_KEY;
    opens(&sides);
    toy.accept = SEC_E_NO_CREDENTIALS;
    assert_int_equal(server_leg(&sides, &sides.client.last), SEC_I_CONTINUE_NEEDED);
    struct neg_token resp = parsed(&sides.server.last);
    struct neg_oid chosen = oid(MS_KRB_OID);
    assert_int_equal(resp.state, NEG_REQUEST_MIC);
    assert_memory_equal(resp.mech.der, chosen.der, chosen.size);
    neg_token_free(&resp);
    toy.accept = SEC_E_OK;
    assert_int_equal(client_leg(&sides, &sides.server.last), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(go_on(&sides), SEC_E_OK);
    assert_package(&sides, "Kerberos");
    end(&sides);
}

/* ---------------------------------------------------------------- attributes */

static void attributes_are_the_packages(void **state)
{
    struct sides sides;
    SecPkgContext_Sizes sizes;
    SecPkgContext_NegoStatus status = {77};
    SecPkgContext_SessionKey key;
    begin(&sides);
    opens(&sides);
    assert_int_equal(QueryContextAttributesA(&sides.client.context, SECPKG_ATTR_NEGO_STATUS, &status), SEC_E_OK);
    assert_int_equal(status.LastStatus, SEC_I_CONTINUE_NEEDED);
    assert_int_equal(go_on(&sides), SEC_E_OK);
    assert_int_equal(QueryContextAttributesA(&sides.client.context, SECPKG_ATTR_SIZES, &sizes), SEC_E_OK);
    assert_int_equal(sizes.cbMaxSignature, TOY_SIGNATURE);
    assert_int_equal(QueryContextAttributesA(&sides.client.context, SECPKG_ATTR_SESSION_KEY, &key),
                     SEC_E_UNSUPPORTED_FUNCTION);
    SecPkgContext_PackageInfoA info = {NULL};
    assert_int_equal(QueryContextAttributesA(&sides.server.context, SECPKG_ATTR_PACKAGE_INFO, &info), SEC_E_OK);
    assert_string_equal(info.PackageInfo->Name, "Kerberos");
    assert_int_equal(info.PackageInfo->wRPCID, 16);
    assert_int_equal(FreeContextBuffer(info.PackageInfo), SEC_E_OK);
    end(&sides);

    /* The status of the mechanism that failed last. */
    toy.accept = SEC_E_TIME_SKEW;
    begin(&sides);
    assert_int_equal(server_leg(&sides, NULL), SEC_I_CONTINUE_NEEDED);
    opens(&sides);
    assert_int_equal(server_leg(&sides, &sides.client.last), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(QueryContextAttributesA(&sides.server.context, SECPKG_ATTR_NEGO_STATUS, &status), SEC_E_OK);
    assert_int_equal((SECURITY_STATUS)status.LastStatus, SEC_E_TIME_SKEW);
    end(&sides);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cut_list),
        TEST(turned_list),
        TEST(mic_taken_away),
        TEST(mic_in_the_first_token),
        TEST(hints),
        TEST(server_speaks_first),
        TEST(user_to_user),
        TEST(no_user_to_user),
        TEST(server_without_a_user),
        TEST(attributes_are_the_packages),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("negotiate_middle", tests, NULL, NULL);
}
