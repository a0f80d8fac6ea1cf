/* No secret is left in memory that is freed: every block is searched as it goes, for the password in both widths, every
 * hash and key that is made of it, and the session's keys. */
#include "vectors/hex.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/random.h"
#include "ntlm/keys.h"
#include "torture/life.h"
#include "torture/memory.h"

/* Recognisable "random" bytes: the session key is drawn from here (MS-NLMP 3.1.5.1.2). */
static SECURITY_STATUS known_random(void *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((uint8_t *)out)[i] = (uint8_t)(0xd1 + 7 * i);
    }
    return SEC_E_OK;
}

static const uint8_t password[16] = {'P', 0, 'a', 0, 's', 0, 's', 0, 'w', 0, 'o', 0, 'r', 0, 'd', 0};
static const uint8_t user[8] = {'U', 0, 's', 0, 'e', 0, 'r', 0};
static const uint8_t domain[12] = {'D', 0, 'o', 0, 'm', 0, 'a', 0, 'i', 0, 'n', 0};

static void watch_keyed(const char *name, struct bytes key)
{
    struct hmac_md5_key prepared;
    memory_watch(name, key.data, key.size);
    hmac_md5_key(&prepared, key);
    memory_watch(name, prepared.inner, sizeof prepared.inner);
    memory_watch(name, prepared.outer, sizeof prepared.outer);
}

static void watch_everything(void)
{
    struct key16 nt, v2, session, key;
    memory_watch_nothing();
    memory_watch("the password", password, sizeof password);
    memory_watch("the password in ASCII", "Password", 8);
    ntlm_ntowf_v1(BYTES(password), &nt);
    memory_watch("NTOWFv1", nt.b, sizeof nt.b);
    ntlm_ntowf_v2(&nt, (struct utf16){user, sizeof user}, (struct utf16){domain, sizeof domain}, &v2);
    watch_keyed("NTOWFv2", BYTES(v2.b));
    (void)known_random(session.b, sizeof session.b);
    memory_watch("the session key", session.b, sizeof session.b);
    const uint32_t flags = NTLM_ESS | NTLM_128 | NTLM_SIGN | NTLM_SEAL | NTLM_KEY_EXCH;
    for (int client = 0; client < 2; client++) {
        (void)ntlm_sign_key(flags, &session, client != 0, &key);
        watch_keyed("a signing key", BYTES(key.b));
        (void)ntlm_seal_key(flags, &session, client != 0, &key);
        memory_watch("a sealing key", key.b, sizeof key.b);
    }
}

static int setup(void **state)
{
    random_source = known_random;
    return 0;
}

/* The search itself works: a block that is not wiped is noticed. */
static void finds_what_is_there(void **state)
{
    const char *name = NULL;
    watch_everything();
    char *block = malloc(100);
    assert_non_null(block);
    memset(block, 0, 100);
    free(block);
    assert_int_equal(memory_found(&name), 0);
    block = malloc(100);
    assert_non_null(block);
    memset(block, 0, 100);
    memcpy(block + 31, password, sizeof password);
    __asm__ volatile("" : : "r"(block) : "memory");
    free(block);
    assert_int_equal(memory_found(&name), 1);
    assert_string_equal(name, "the password");
}

static void nothing_left(const char *name, size_t count)
{
    if (count != 0) {
        print_message("# %s was found in %zu freed blocks\n", name, count);
    }
    assert_int_equal(count, 0);
}

static void a_whole_life(void **state)
{
    struct life life = {.use_accounts = false};
    const char *name;
    watch_everything();
    assert_int_equal(life_run(&life), SEC_E_OK);
    struct key16 session;
    (void)known_random(session.b, sizeof session.b);
    assert_memory_equal(life.session_key, session.b, 16); /* it is the key that is searched for */
    assert_true(life_end(&life));
    size_t count = memory_found(&name);
    nothing_left(name, count);
}

/* A life that breaks off at any allocation leaves no more behind than one that ends well. */
static void a_life_that_breaks_off(void **state)
{
    watch_everything();
    for (unsigned long n = 1; n < 5000; n++) {
        struct life life = {.use_accounts = false};
        const char *name;
        memory_fail_at(n);
        SECURITY_STATUS status = life_run(&life);
        bool failed = memory_has_failed();
        memory_fail_at(0);
        assert_true(life_end(&life));
        size_t count = memory_found(&name);
        nothing_left(name, count);
        if (!failed) {
            assert_int_equal(status, SEC_E_OK);
            assert_true(n > 20);
            return;
        }
    }
    fail_msg("a life never came to its end");
}

/* Refused logons: a wrong password, and an AUTHENTICATE that was altered. */
static void refused_logons(void **state)
{
    static const unsigned char wrong_hash[16] = {0x11, 0x22};
    struct pair pair = {.bindings = NULL};
    struct pair_token token, answer;
    const char *name;
    watch_everything();
    assert_int_equal(pair_acquire(&pair, pair_verify, (void *)wrong_hash), SEC_E_OK);
    assert_int_equal(pair_handshake(&pair, PAIR_SEAL), SEC_E_LOGON_DENIED);
    assert_true(pair_free(&pair));
    assert_int_equal(pair_acquire(&pair, NULL, NULL), SEC_E_OK);
    assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, NULL, &token), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(pair_server_leg(&pair, 0, &token, &answer), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(pair_client_leg(&pair, PAIR_SEAL, &answer, &token), SEC_E_OK);
    token.data[72] ^= 1; /* in the MIC */
    assert_int_equal(pair_server_leg(&pair, 0, &token, &answer), SEC_E_MESSAGE_ALTERED);
    assert_true(pair_free(&pair));
    size_t count = memory_found(&name);
    nothing_left(name, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_there),
        cmocka_unit_test(a_whole_life),
        cmocka_unit_test(a_life_that_breaks_off),
        cmocka_unit_test(refused_logons),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("wiped", tests, setup, NULL);
}
