/* Secrets: wiped, compared without telling where they differ, and out of a core dump's reach. */
#include "vectors/hex.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"

static void wipes(void **state)
{
    uint8_t room[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    secret_wipe(room + 2, 4);
    assert_hex(room, 8, "0102000000000708");
    secret_wipe(NULL, 0);
    struct key16 key;
    memset(&key, 0x5a, sizeof key);
    key16_wipe(&key);
    assert_hex(key.b, 16, "00000000000000000000000000000000");
}

static void compares(void **state)
{
    uint8_t a[64], b[64];
    memset(a, 0x5a, sizeof a);
    memset(b, 0x5a, sizeof b);
    assert_true(secret_equal(a, b, sizeof a));
    assert_true(secret_equal(a, b, 0));
    for (size_t i = 0; i < 8 * sizeof a; i++) { /* each single bit */
        b[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_false(secret_equal(a, b, sizeof a));
        assert_true(secret_equal(a, b, i / 8));
        b[i / 8] ^= (uint8_t)(1u << i % 8);
    }
}

static void copies(void **state)
{
    struct secret secret = {NULL, 99};
    assert_int_equal(secret_copy(&secret, BYTES_NONE), SEC_E_OK);
    assert_int_equal(secret.size, 0);
    secret_free(&secret);

    uint8_t source[] = "correct horse";
    assert_int_equal(secret_copy(&secret, BYTES(source)), SEC_E_OK);
    assert_int_equal(secret.size, sizeof source);
    assert_memory_equal(secret.data, source, sizeof source);
    assert_ptr_not_equal(secret.data, source);
    assert_ptr_equal(secret_bytes(&secret).data, secret.data);
    secret_free(&secret);
    assert_null(secret.data);
    assert_int_equal(secret.size, 0);
    secret_free(&secret);
}

static void refuses_the_impossible(void **state)
{
    struct secret secret = {(uint8_t *)1, 7};
    assert_int_equal(secret_alloc(&secret, SIZE_MAX), SEC_E_INSUFFICIENT_MEMORY);
    assert_ptr_equal(secret.data, (uint8_t *)1); /* untouched */
    assert_int_equal(secret.size, 7);
}

/* "dd" among the flags of the mapping is what the kernel calls MADV_DONTDUMP (proc(5), smaps). */
static void check_not_in_core_dumps(size_t size)
{
    struct secret secret;
    assert_int_equal(secret_alloc(&secret, size), SEC_E_OK);
    memset(secret.data, 1, secret.size);
    FILE *maps = fopen("/proc/self/smaps", "r");
    if (maps == NULL) {
        print_message("# skipped: /proc/self/smaps is not here\n");
        secret_free(&secret);
        skip();
        return;
    }
    char line[512];
    bool ours = false, found = false, kept_out = false;
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            ours = from <= (unsigned long)secret.data && (unsigned long)secret.data + secret.size <= to;
        } else if (ours && strncmp(line, "VmFlags:", 8) == 0) {
            found = true;
            kept_out = strstr(line, " dd") != NULL;
        }
    }
    (void)fclose(maps);
    secret_free(&secret);
    if (!found) {
        print_message("# skipped: this kernel's smaps has no VmFlags\n");
        skip();
    }
    assert_true(kept_out);
}

static void not_in_core_dumps(void **state)
{
    check_not_in_core_dumps(10000);
}

static void small_ones_neither(void **state)
{
    check_not_in_core_dumps(16);
}

/* More than one region of small ones, each its own, and nothing of one left in the next. */
static void small_ones_are_apart(void **state)
{
    enum { COUNT = 1500 };
    static struct secret secrets[COUNT];
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            size_t size = 1 + i % 200; /* around the size that slots have */
            assert_int_equal(secret_alloc(&secrets[i], size), SEC_E_OK);
            for (size_t at = 0; at < size; at++) {
                assert_int_equal(secrets[i].data[at], 0);
            }
            memset(secrets[i].data, (int)(i % 251) + 1, size);
        }
        for (size_t i = 0; i < COUNT; i++) {
            for (size_t at = 0; at < secrets[i].size; at++) {
                assert_int_equal(secrets[i].data[at], i % 251 + 1);
            }
            secret_free(&secrets[i]);
        }
    }
}

static atomic_int disturbed;

static void *churn(void *argument)
{
    uint8_t mark = (uint8_t)(uintptr_t)argument;
    struct secret kept[16] = {{NULL, 0, 0}};
    for (unsigned round = 0; round < 20000; round++) {
        struct secret *secret = &kept[round % 16];
        for (size_t at = 0; at < secret->size; at++) {
            disturbed += secret->data[at] != mark;
        }
        secret_free(secret);
        if (secret_alloc(secret, 1 + round % 64) == SEC_E_OK) {
            memset(secret->data, mark, secret->size);
        }
    }
    for (size_t i = 0; i < 16; i++) {
        secret_free(&kept[i]);
    }
    return NULL;
}

static void threads_do_not_meet(void **state)
{
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(disturbed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wipes),
        cmocka_unit_test(compares),
        cmocka_unit_test(copies),
        cmocka_unit_test(refuses_the_impossible),
        cmocka_unit_test(not_in_core_dumps),
        cmocka_unit_test(small_ones_neither),
        cmocka_unit_test(small_ones_are_apart),
        cmocka_unit_test(threads_do_not_meet),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
