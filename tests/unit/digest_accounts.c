/* Whom Digest's server believes: names in each of their forms, hidden names, and accounts that are the caller's. */
#include "digest_steps.h"

#include "digest/response.h"
#include "sspi_ext.h"

static struct digest_pair open_as(const char *user, const char *password)
{
    struct digest_pair pair = {.client_flags = DIGEST_HTTP, .server_flags = DIGEST_HTTP};
    pair.method = "GET";
    pair.uri = "/dir/index.html";
    pair.target = pair.uri;
    pair.user = user;
    pair.domain = "";
    pair.password = password;
    digest_pair_open(&pair);
    return pair;
}

/* An account of a domain, by each name that it has; one without a domain, by its own alone. */
static void forms_of_names(void **state)
{
    static const struct {
        const char *user, *password;
        SECURITY_STATUS status;
    } cases[] = {
        {"Nala", "Hakuna Matata", SEC_E_OK},
        {"PRIDE\\Nala", "Hakuna Matata", SEC_E_OK},
        {"Nala@PRIDE", "Hakuna Matata", SEC_E_OK},
        {"OTHER\\Nala", "Hakuna Matata", SEC_E_LOGON_DENIED},
        {"Nala@OTHER", "Hakuna Matata", SEC_E_LOGON_DENIED},
        {"PRIDE\\Nala", "hakuna matata", SEC_E_LOGON_DENIED},
        {"nala", "Hakuna Matata", SEC_E_LOGON_DENIED}, /* the name is hashed letter by letter */
        {"PRIDE\\Mufasa", "Circle of Life", SEC_E_LOGON_DENIED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int sasl = 0; sasl < 2; sasl++) {
            struct digest_pair pair = open_as(cases[i].user, cases[i].password);
            if (sasl) {
                pair.client_flags = 0;
                pair.server_flags = 0;
                pair.target = "ldap/server.example.org";
            }
            SECURITY_STATUS status = digest_pair_handshake(&pair);
            if (status != cases[i].status) {
                fail_msg("%s, %s: %08x", cases[i].user, sasl ? "SASL" : "HTTP", (unsigned)status);
            }
            if (status == SEC_E_OK) {
                SecPkgContext_NamesA names;
                assert_int_equal(QueryContextAttributesA(&pair.server, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
                assert_string_equal(names.sUserName, "PRIDE\\Nala");
                assert_int_equal(FreeContextBuffer(names.sUserName), SEC_E_OK);
            }
            digest_pair_close(&pair);
        }
    }
}

/* A backslash that the client did not escape, as Windows' clients did not (RFC 7616 3.4 wants it escaped). */
static void unescaped_backslash(void **state)
{
    struct digest_pair pair = open_as("PRIDE\\Nala", "Hakuna Matata");
    struct digest_message challenge, response, out;
    assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(digest_pair_client(&pair, &challenge, &response), SEC_E_OK);
    replace(&response, "PRIDE\\\\Nala", "PRIDE\\Nala");
    assert_int_equal(digest_pair_server(&pair, &response, &out), SEC_E_OK);
    digest_pair_close(&pair);
}

/* ---------------------------------------------------------------- hidden names (RFC 7616 3.4.4) */

static void hidden_names(void **state)
{
    static const struct {
        const char *user, *password;
        SECURITY_STATUS status;
    } cases[] = {
        {"Mufasa", "Circle of Life", SEC_E_OK},           {"j\u00e4s\u00f8n", "Geh\u00f6rt niemandem", SEC_E_OK},
        {"PRIDE\\Nala", "Hakuna Matata", SEC_E_OK},       {"Mufasa", "circle of life", SEC_E_LOGON_DENIED},
        {"locked", "Circle of Life", SEC_E_LOGON_DENIED}, {"Nobody", "Circle of Life", SEC_E_LOGON_DENIED},
    };
    policy.digest_userhash = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (unsigned algorithm = 0; algorithm < 6; algorithm++) {
            struct digest_pair pair = open_as(cases[i].user, cases[i].password);
            struct digest_message challenge, response, out;
            policy.digest_algorithms = 1u << algorithm;
            assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
            assert_non_null(strstr(challenge.text, "userhash=true"));
            assert_int_equal(digest_pair_client(&pair, &challenge, &response), SEC_E_OK);
            assert_null(strstr(response.text, cases[i].user));
            SECURITY_STATUS status = digest_pair_server(&pair, &response, &out);
            if (status != cases[i].status) {
                fail_msg("%s, algorithm %u: %08x", cases[i].user, algorithm, (unsigned)status);
            }
            if (status == SEC_E_OK) {
                const char *backslash = strchr(cases[i].user, '\\');
                expect_names(&pair.server, backslash != NULL ? backslash + 1 : cases[i].user);
                assert_int_equal(digest_pair_sign(&pair.client, "GET", "/2", NULL, &response), SEC_E_OK);
                assert_int_equal(digest_pair_verify(&pair.server, "GET", "/2", NULL, &response), SEC_E_OK);
            }
            digest_pair_close(&pair);
        }
    }
    policy.digest_algorithms = POLICY_DIGEST_MD5 | POLICY_DIGEST_SHA256;
    policy.digest_userhash = false;
}

/* A server that offers it takes plain names as before; what is no hash is nobody's. */
static void hidden_names_altered(void **state)
{
    static const struct {
        const char *old, *new;
        SECURITY_STATUS status;
    } changes[] = {
        {", userhash=true", "", SEC_E_LOGON_DENIED},
        {"userhash=true", "userhash=false", SEC_E_LOGON_DENIED},
        {"username=\"", "username=\"0", SEC_E_LOGON_DENIED},
        {"username=\"", "username=\"00", SEC_E_LOGON_DENIED},
        {"username=\"", "username=\"zz", SEC_E_LOGON_DENIED},
        {"username=\"", "username*=UTF-8''x, user=\"", SEC_E_INVALID_TOKEN},
        {"username=\"", "username=\"\", user=\"", SEC_E_LOGON_DENIED},
    };
    for (size_t i = 0; i <= sizeof changes / sizeof changes[0]; i++) {
        struct digest_pair pair = open_as("Mufasa", "Circle of Life");
        struct digest_message challenge, response, out;
        policy.digest_userhash = true;
        assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
        if (i == sizeof changes / sizeof changes[0]) {
            replace(&challenge, ", userhash=true", ""); /* a client that does not know it */
        }
        assert_int_equal(digest_pair_client(&pair, &challenge, &response), SEC_E_OK);
        SECURITY_STATUS expected = SEC_E_OK;
        if (i < sizeof changes / sizeof changes[0]) {
            replace(&response, changes[i].old, changes[i].new);
            expected = changes[i].status;
        }
        SECURITY_STATUS status = digest_pair_server(&pair, &response, &out);
        if (status != expected) {
            fail_msg("change %zu: %08x", i, (unsigned)status);
        }
        digest_pair_close(&pair);
        policy.digest_userhash = false;
    }
}

/* ---------------------------------------------------------------- the caller's accounts */

struct asked {
    unsigned count;
    SECURITY_STATUS answer;
    ULONG algorithm, hashed;
    char user[128], realm[128];
    const char *own_name;
    bool wrong;
};

static void narrow(const WCHAR *wide, ULONG length, char out[128])
{
    for (ULONG i = 0; i < length && i < 127; i++) {
        out[i] = (char)wide[i];
        out[i + 1] = '\0';
    }
}

static SECURITY_STATUS SEC_ENTRY look_up(void *argument, const SSPI_EXT_DIGEST_QUESTION *question,
                                         SSPI_EXT_DIGEST_ANSWER *answer)
{
    struct asked *asked = argument;
    struct digest_value hash;
    asked->count++;
    asked->algorithm = question->Algorithm;
    asked->hashed = question->UserIsHashed;
    narrow(question->User, question->UserLength, asked->user);
    narrow(question->Realm, question->RealmLength, asked->realm);
    const char *password = asked->wrong ? "another" : "Pretty Little Thing";
    assert_int_equal(question->Size, sizeof *question);
    assert_int_equal(answer->Size, sizeof *answer);
    digest_secret((enum digest_hash)question->Algorithm, bytes_of("Scar", 4), bytes_of("elsewhere", 9),
                  bytes_of(password, strlen(password)), &hash);
    memcpy(answer->Hash, hash.b, sizeof answer->Hash);
    for (size_t i = 0; asked->own_name != NULL && i <= strlen(asked->own_name); i++) {
        answer->User[i] = (WCHAR)asked->own_name[i];
    }
    return asked->answer;
}

static void callers_accounts(void **state)
{
    static const ULONG algorithms[] = {SSPI_EXT_DIGEST_MD5,    SSPI_EXT_DIGEST_MD5,        SSPI_EXT_DIGEST_SHA256,
                                       SSPI_EXT_DIGEST_SHA256, SSPI_EXT_DIGEST_SHA512_256, SSPI_EXT_DIGEST_SHA512_256};
    struct digest_pair pair = open_as("Scar", "Pretty Little Thing");
    struct asked asked = {.answer = SEC_E_OK};
    pair.realm = "elsewhere";
    assert_int_equal(digest_pair_handshake(&pair), SEC_E_LOGON_DENIED); /* the configured accounts know no Scar */
    digest_pair_forget(&pair);
    assert_int_equal(SspiExtSetDigestLookup(&pair.server_credential, look_up, &asked), SEC_E_OK);
    for (unsigned i = 0; i < 6; i++) {
        policy.digest_algorithms = 1u << i;
        assert_int_equal(digest_pair_handshake(&pair), SEC_E_OK);
        assert_int_equal(asked.count, i + 1);
        assert_int_equal(asked.algorithm, algorithms[i]);
        assert_string_equal(asked.user, "Scar");
        assert_string_equal(asked.realm, "elsewhere");
        assert_int_equal(asked.hashed, 0);
        expect_names(&pair.server, "Scar");
        digest_pair_forget(&pair);
    }
    policy.digest_algorithms = POLICY_DIGEST_MD5 | POLICY_DIGEST_SHA256;
    asked.own_name = "PRIDE\\Scar";
    policy.digest_userhash = true;
    assert_int_equal(digest_pair_handshake(&pair), SEC_E_OK);
    policy.digest_userhash = false;
    assert_int_equal(asked.hashed, 1);
    assert_int_equal(strlen(asked.user), 32);
    SecPkgContext_NamesA names;
    assert_int_equal(QueryContextAttributesA(&pair.server, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
    assert_string_equal(names.sUserName, "PRIDE\\Scar");
    assert_int_equal(FreeContextBuffer(names.sUserName), SEC_E_OK);
    digest_pair_forget(&pair);
    assert_int_equal(SspiExtSetDigestLookup(&pair.server_credential, NULL, NULL), SEC_E_OK);
    assert_int_equal(digest_pair_handshake(&pair), SEC_E_LOGON_DENIED);
    digest_pair_close(&pair);
}

static void callers_refusals(void **state)
{
    static const struct {
        SECURITY_STATUS answer, expected;
        bool wrong;
    } cases[] = {
        {SEC_E_LOGON_DENIED, SEC_E_LOGON_DENIED, false},
        {SEC_E_INTERNAL_ERROR, SEC_E_LOGON_DENIED, false},
        {SEC_I_CONTINUE_NEEDED, SEC_E_LOGON_DENIED, false}, /* only SEC_E_OK is a yes */
        {SEC_E_NO_AUTHENTICATING_AUTHORITY, SEC_E_NO_AUTHENTICATING_AUTHORITY, false},
        {SEC_E_OK, SEC_E_LOGON_DENIED, true},
    };
    struct digest_pair pair = open_as("Scar", "Pretty Little Thing");
    pair.realm = "elsewhere";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct asked asked = {.answer = cases[i].answer, .wrong = cases[i].wrong};
        assert_int_equal(SspiExtSetDigestLookup(&pair.server_credential, look_up, &asked), SEC_E_OK);
        assert_int_equal(digest_pair_handshake(&pair), cases[i].expected);
        digest_pair_forget(&pair);
    }
    assert_int_equal(SspiExtSetDigestLookup(&pair.client_credential, look_up, NULL), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(SspiExtSetVerifier(&pair.server_credential, NULL, NULL), SEC_E_UNSUPPORTED_FUNCTION);
    unsigned char raw[64] = {0};
    assert_int_equal(SetCredentialsAttributesW(&pair.server_credential, 0x53500002, raw, sizeof(void *) * 2),
                     SEC_E_UNSUPPORTED_FUNCTION); /* the number is nobody's to use */
    digest_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_of_names),   cmocka_unit_test(unescaped_backslash),
        cmocka_unit_test(hidden_names),     cmocka_unit_test(hidden_names_altered),
        cmocka_unit_test(callers_accounts), cmocka_unit_test(callers_refusals),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, open_accounts, close_accounts);
}
