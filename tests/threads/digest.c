/* Digest's credentials shared by many threads: logons of both kinds, requests that find their context by opaque, contexts that
 * end meanwhile, and one response sent by everybody at once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "digest/response.h"
#include "sspi_ext.h"
#include "support/digest_pair.h"

#define THREADS 8
#define ROUNDS  400

static struct policy policy;
static struct digest_pair owner;
static atomic_uint wrong, accepted;
static struct digest_message shared_response;

static struct digest_pair borrow(bool http)
{
    struct digest_pair pair = owner;
    pair.client_flags = http ? DIGEST_HTTP : ISC_REQ_CONFIDENTIALITY;
    pair.server_flags = http ? DIGEST_HTTP : ASC_REQ_CONFIDENTIALITY;
    SecInvalidateHandle(&pair.client);
    SecInvalidateHandle(&pair.server);
    return pair;
}

static void *log_on(void *argument)
{
    struct digest_message message, out;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct digest_pair pair = borrow(i % 2 == 0);
        bool good = digest_pair_handshake(&pair) == SEC_E_OK;
        if (good && i % 2 == 0) {
            struct digest_pair other = pair;
            SecInvalidateHandle(&other.server);
            good = digest_pair_sign(&pair.client, "GET", pair.uri, NULL, &message) == SEC_E_OK &&
                   digest_pair_server(&other, &message, &out) == SEC_I_COMPLETE_NEEDED &&
                   memcmp(&other.server, &pair.server, sizeof pair.server) == 0 &&
                   digest_pair_verify(&other.server, "GET", pair.uri, NULL, &message) == SEC_E_OK;
        }
        wrong += !good;
        digest_pair_forget(&pair);
    }
    return argument;
}

static void *send_the_same(void *argument)
{
    struct digest_pair pair = borrow(true);
    struct digest_message out;
    accepted += digest_pair_server(&pair, &shared_response, &out) == SEC_E_OK;
    digest_pair_forget(&pair);
    return argument;
}

static void run(void *(*work)(void *))
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void logons(void **state)
{
    (void)state;
    run(log_on);
    assert_int_equal(wrong, 0);
}

static SECURITY_STATUS SEC_ENTRY look_up(void *argument, const SSPI_EXT_DIGEST_QUESTION *question,
                                         SSPI_EXT_DIGEST_ANSWER *answer)
{
    struct digest_value hash;
    (void)argument;
    digest_secret((enum digest_hash)question->Algorithm, bytes_of("Mufasa", 6),
                  bytes_of(DIGEST_REALM_NAME, strlen(DIGEST_REALM_NAME)), bytes_of("Circle of Life", 14), &hash);
    memcpy(answer->Hash, hash.b, sizeof answer->Hash);
    return SEC_E_OK;
}

static atomic_bool swapping;

static void *swap(void *argument)
{
    for (unsigned i = 0; swapping; i++) {
        wrong += SspiExtSetDigestLookup(&owner.server_credential, i % 2 == 0 ? look_up : NULL, NULL) != SEC_E_OK;
    }
    wrong += SspiExtSetDigestLookup(&owner.server_credential, NULL, NULL) != SEC_E_OK;
    return argument;
}

/* Whose accounts they are changes all the time; both know Mufasa. */
static void accounts_swapped(void **state)
{
    pthread_t swapper;
    (void)state;
    wrong = 0;
    swapping = true;
    assert_int_equal(pthread_create(&swapper, NULL, swap, NULL), 0);
    run(log_on);
    swapping = false;
    assert_int_equal(pthread_join(swapper, NULL), 0);
    assert_int_equal(wrong, 0);
}

/* However many servers' threads see it: a response is good once. */
static void one_response_once(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 100; round++) {
        struct digest_pair pair = borrow(true);
        struct digest_message challenge;
        accepted = 0;
        assert_int_equal(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
        assert_int_equal(digest_pair_client(&pair, &challenge, &shared_response), SEC_E_OK);
        digest_pair_forget(&pair);
        run(send_the_same);
        assert_int_equal(accepted, 1);
    }
}

static int set_up(void **state)
{
    (void)state;
    digest_pair_accounts(&policy);
    digest_pair_open(&owner);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    digest_pair_close(&owner);
    digest_pair_accounts_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(logons), cmocka_unit_test(accounts_swapped),
                                       cmocka_unit_test(one_response_once)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("digest", tests, set_up, tear_down);
}
