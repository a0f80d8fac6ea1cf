/* The pool that contexts live in, and certificates that others published with their hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/auto.h"
#include "base/pool.h"
#include "cert/certificate_object.h"
#include "cert/hash.h"
#include "vectors/kv.h"

struct thing {
    uint64_t words[5];
};

static struct pool things = {.size = sizeof(struct thing)};

static void test_pool(void **state)
{
    struct thing *taken[200], by_hand = {{0}};
    assert_false(pool_has(&things, &by_hand));
    assert_false(pool_has(&things, NULL));
    for (int i = 0; i < 200; i++) {
        taken[i] = pool_take(&things);
        assert_non_null(taken[i]);
        assert_int_equal((uintptr_t)taken[i] % 16, 0);
        assert_int_equal(taken[i]->words[0] | taken[i]->words[4], 0);
        memset(taken[i], 0xA5, sizeof *taken[i]);
        for (int j = 0; j < i; j++) {
            assert_ptr_not_equal(taken[i], taken[j]);
        }
    }
    for (int i = 0; i < 200; i++) {
        assert_true(pool_has(&things, taken[i]));
        assert_false(pool_has(&things, (char *)taken[i] + 1));
        assert_false(pool_has(&things, (char *)taken[i] - 16));
        assert_false(pool_has(&things, taken[i] + 1));
    }
    pool_give(&things, taken[77]);
    assert_false(pool_has(&things, taken[77]));
    struct thing *again = pool_take(&things);
    assert_ptr_equal(again, taken[77]);
    assert_int_equal(again->words[2], 0);
    assert_int_equal(pool_live(&things), 200);
    for (int i = 0; i < 200; i++) {
        pool_give(&things, taken[i]);
    }
    assert_int_equal(pool_live(&things), 0);
}

static void *take_and_give(void *argument)
{
    for (uint64_t i = 1; i < 20000; i++) {
        struct thing *thing = pool_take(&things);
        if (thing == NULL || thing->words[1] != 0) { /* somebody else has it too */
            return thing;
        }
        thing->words[1] = i;
        if (!pool_has(&things, thing) || thing->words[1] != i) {
            return thing;
        }
        pool_give(&things, thing);
    }
    return argument;
}

static void test_pool_threads(void **state)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *result = &things;
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    assert_int_equal(pool_live(&things), 0);
}

#define PREFIX "tls-server-end-point:" /* RFC 5929 4.1, in front of the certificate's hash */

/* The hash of the whole certificate, and the algorithm of its signature, are what the publisher says. */
static void check_certificate(const struct kv_record *record)
{
    AUTO_CERTIFICATE *certificate = NULL;
    uint8_t got[sizeof PREFIX - 1 + HASH_MAX] = PREFIX;
    size_t size = 0;
    kv_require(record, certificate_parse(kv_hex(record, "cert_der"), &certificate) == SEC_E_OK);
    kv_expect(record, "cert_der", certificate_encoding(certificate));
    const char *oid = certificate_info(certificate)->SignatureAlgorithm.pszObjId;
    kv_require(record, strcmp(oid, kv_text(record, "signature_oid")) == 0);
    if (!kv_has(record, "hash")) {
        return; /* Ed25519 signs no hash: RFC 5929 does not say which one to take */
    }
    kv_require(record, hash_of(kv_text(record, "hash"), certificate_encoding(certificate), got + sizeof PREFIX - 1,
                               &size) == SEC_E_OK);
    kv_expect(record, "app_data", bytes_of(got, sizeof PREFIX - 1 + size));
}

static void test_published(void **state)
{
    assert_in_range(kv_each(KV_PUBLISHED, "channel_bindings.kv", "tls_server_end_point", check_certificate), 5, 1000);
    assert_int_equal(certificate_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_pool_threads),
        cmocka_unit_test(test_published),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
