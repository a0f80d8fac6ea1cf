/* Memory that callers give back with FreeContextBuffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/context_buffer.h"

static void test_sizes_are_exact(void **state)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 2888, 65536};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *block = context_buffer_alloc(sizes[i]);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 16, 0);
        assert_int_equal(context_buffer_size(block), sizes[i]);
        memset(block, 0xA5, sizes[i]);
        assert_int_equal(context_buffer_free(block), SEC_E_OK);
    }
}

static void test_null_is_fine(void **state)
{
    assert_int_equal(context_buffer_free(NULL), SEC_E_OK);
}

static void test_impossible_size(void **state)
{
    assert_null(context_buffer_alloc(SIZE_MAX));
    assert_null(context_buffer_alloc(SIZE_MAX - 15));
}

static void test_copy(void **state)
{
    static const uint8_t text[] = "sixteen and more";
    uint8_t *block = context_buffer_copy(BYTES(text));
    assert_non_null(block);
    assert_memory_equal(block, text, sizeof text);
    assert_int_equal(context_buffer_size(block), sizeof text);
    assert_int_equal(context_buffer_free(block), SEC_E_OK);
}

static void test_foreign_pointers_are_refused(void **state)
{
    unsigned char *foreign = calloc(1, 256);
    assert_non_null(foreign);
    for (size_t at = 16; at < 256; at++) {
        assert_int_equal(context_buffer_free(foreign + at), SEC_E_INVALID_HANDLE);
    }
    free(foreign);
}

static void test_pointers_into_a_block_are_refused(void **state)
{
    unsigned char *block = context_buffer_alloc(64);
    assert_non_null(block);
    memset(block, 0, 64);
    for (size_t at = 1; at <= 48; at++) {
        assert_int_equal(context_buffer_free(block + at), SEC_E_INVALID_HANDLE);
    }
    assert_int_equal(context_buffer_free(block), SEC_E_OK);
}

/* What a block's neighbour overwrote is not freed by a wrong size, and a copied block is not one. */
static void test_damaged_and_copied_headers_are_refused(void **state)
{
    unsigned char *block = context_buffer_alloc(64);
    assert_non_null(block);
    unsigned char saved[16];
    memcpy(saved, block - 16, 16);
    block[-16] ^= 1;
    assert_int_equal(context_buffer_free(block), SEC_E_INVALID_HANDLE);
    memcpy(block - 16, saved, 16);

    unsigned char *copy = malloc(80);
    assert_non_null(copy);
    memcpy(copy, block - 16, 80);
    assert_int_equal(context_buffer_free(copy + 16), SEC_E_INVALID_HANDLE);
    free(copy);
    assert_int_equal(context_buffer_free(block), SEC_E_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_are_exact),
        cmocka_unit_test(test_null_is_fine),
        cmocka_unit_test(test_impossible_size),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_foreign_pointers_are_refused),
        cmocka_unit_test(test_pointers_into_a_block_are_refused),
        cmocka_unit_test(test_damaged_and_copied_headers_are_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("context_buffer", tests, NULL, NULL);
}
