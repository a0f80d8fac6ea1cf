/* The caller's SecBufferDesc: what is refused, how buffers are found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/buffers.h"

static void test_null_is_no_buffers(void **state)
{
    struct buffers buffers = {(SecBuffer *)1, 7};
    assert_int_equal(buffers_open(NULL, true, &buffers), SEC_E_OK);
    assert_int_equal(buffers.count, 0);
    assert_null(buffers_find(&buffers, SECBUFFER_TOKEN));
}

static void test_descriptor_is_checked(void **state)
{
    SecBuffer one[BUFFERS_MAX + 1] = {{0}};
    struct buffers buffers;
    const struct {
        SecBufferDesc descriptor;
        SECURITY_STATUS status;
    } cases[] = {
        {{SECBUFFER_VERSION, 1, one}, SEC_E_OK},
        {{SECBUFFER_VERSION, 0, NULL}, SEC_E_OK},
        {{SECBUFFER_VERSION, BUFFERS_MAX, one}, SEC_E_OK},
        {{1, 1, one}, SEC_E_INVALID_TOKEN},
        {{0xFFFFFFFF, 1, one}, SEC_E_INVALID_TOKEN},
        {{SECBUFFER_VERSION, 1, NULL}, SEC_E_INVALID_TOKEN},
        {{SECBUFFER_VERSION, BUFFERS_MAX + 1, one}, SEC_E_INVALID_TOKEN},
        {{SECBUFFER_VERSION, 0xFFFFFFFF, one}, SEC_E_INVALID_TOKEN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(buffers_open(&cases[i].descriptor, true, &buffers), cases[i].status);
        assert_int_equal(buffers_open(&cases[i].descriptor, false, &buffers), cases[i].status);
    }
}

static void test_size_needs_memory(void **state)
{
    const struct {
        uint32_t type;
        SECURITY_STATUS status;
    } cases[] = {
        {SECBUFFER_TOKEN, SEC_E_INVALID_TOKEN},
        {SECBUFFER_DATA, SEC_E_INVALID_TOKEN},
        {SECBUFFER_DATA | SECBUFFER_READONLY, SEC_E_INVALID_TOKEN},
        {SECBUFFER_CHANNEL_BINDINGS, SEC_E_INVALID_TOKEN},
        {SECBUFFER_EMPTY, SEC_E_OK},
        {SECBUFFER_EXTRA, SEC_E_OK},
        {SECBUFFER_MISSING, SEC_E_OK},
    };
    struct buffers buffers;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SecBuffer buffer = {.cbBuffer = 16, .BufferType = cases[i].type};
        SecBufferDesc descriptor = {SECBUFFER_VERSION, 1, &buffer};
        assert_int_equal(buffers_open(&descriptor, true, &buffers), cases[i].status);
        assert_int_equal(buffers_open(&descriptor, false, &buffers), SEC_E_OK);
        buffer.cbBuffer = 0;
        assert_int_equal(buffers_open(&descriptor, true, &buffers), SEC_E_OK);
    }
}

static void test_types_are_compared_without_attributes(void **state)
{
    SecBuffer list[] = {
        {.BufferType = SECBUFFER_DATA},
        {.BufferType = SECBUFFER_CHANNEL_BINDINGS | SECBUFFER_READONLY},
        {.BufferType = SECBUFFER_TOKEN | SECBUFFER_READONLY_WITH_CHECKSUM},
        {.BufferType = SECBUFFER_TOKEN},
    };
    SecBufferDesc descriptor = {SECBUFFER_VERSION, 4, list};
    struct buffers buffers;
    assert_int_equal(buffers_open(&descriptor, true, &buffers), SEC_E_OK);
    assert_ptr_equal(buffers_find(&buffers, SECBUFFER_TOKEN), &list[2]); /* the first one */
    assert_ptr_equal(buffers_find(&buffers, SECBUFFER_CHANNEL_BINDINGS), &list[1]);
    assert_null(buffers_find(&buffers, SECBUFFER_PADDING));
    assert_false(buffer_is_readonly(&list[0]));
    assert_true(buffer_is_readonly(&list[1]));
    assert_true(buffer_is_readonly(&list[2]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_is_no_buffers),
        cmocka_unit_test(test_descriptor_is_checked),
        cmocka_unit_test(test_size_needs_memory),
        cmocka_unit_test(test_types_are_compared_without_attributes),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("buffers", tests, NULL, NULL);
}
