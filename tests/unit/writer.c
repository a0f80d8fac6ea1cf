/* The writer: fixed buffers and growing ones, the size that would have fitted, fields, and what is refused at the end. */
#include "vectors/hex.h"

#include <stdlib.h>

#include "wire/writer.h"

static void integers(void **state)
{
    uint8_t room[32];
    struct writer out = write_into(room, sizeof room);
    write_u8(&out, 1);
    write_u16le(&out, 0x0203);
    write_u32le(&out, 0x04050607);
    write_u64le(&out, UINT64_C(0x08090a0b0c0d0e0f));
    write_u16be(&out, 0x1011);
    write_u32be(&out, 0x12131415);
    write_zeros(&out, 2);
    write_bytes(&out, bytes_of("x", 1));
    assert_int_equal(write_end(&out), SEC_E_OK);
    assert_hex(room, out.size, "01 0302 07060504 0f0e0d0c0b0a0908 1011 12131415 0000 78");
    assert_ptr_equal(write_result(&out).data, room);
}

/* A buffer that is too small by any amount: refused, nothing behind it touched, and `needed` says what would fit. */
static void too_small(void **state)
{
    for (size_t size = 0; size < 30; size++) {
        uint8_t room[32];
        memset(room, 0x5a, sizeof room);
        struct writer out = write_into(room, size);
        write_u32le(&out, 1);
        struct writer_slot slot = write_field(&out);
        write_payload(&out, slot, bytes_of("0123456789abcdefgh", 18));
        assert_int_equal(out.needed, 30);
        assert_int_equal(write_end(&out), SEC_E_BUFFER_TOO_SMALL);
        for (size_t i = size; i < sizeof room; i++) {
            assert_int_equal(room[i], 0x5a);
        }
    }
    uint8_t room[30];
    struct writer out = write_into(room, sizeof room);
    write_zeros(&out, 30);
    assert_int_equal(write_end(&out), SEC_E_OK);
}

static void failure_sticks(void **state)
{
    uint8_t room[4];
    struct writer out = write_into(room, sizeof room);
    write_u64le(&out, 1);
    write_u8(&out, 2); /* would fit, and must not be written after what did not */
    assert_int_equal(out.size, 0);
    assert_int_equal(out.needed, 9);
    assert_null(write_space(&out, SIZE_MAX));
    assert_true(out.needed == SIZE_MAX); /* counts without wrapping */
    assert_int_equal(write_end(&out), SEC_E_BUFFER_TOO_SMALL);
}

static void fields(void **state)
{
    uint8_t room[64];
    struct writer out = write_into(room, sizeof room);
    struct writer_slot first = write_field(&out), second = write_field(&out), third = write_field(&out);
    write_payload(&out, second, bytes_of("ab", 2));
    assert_int_equal(write_end(&out), SEC_E_INTERNAL_ERROR); /* two are open */
    write_payload(&out, first, BYTES_NONE);
    size_t start = out.size;
    write_u8(&out, 'c');
    write_field_close(&out, third, start);
    assert_int_equal(write_end(&out), SEC_E_OK);
    assert_hex(room, out.size, "00000000 1a000000  02000200 18000000  01000100 1a000000  61 62 63");
}

static void field_of_64k(void **state)
{
    uint8_t *payload = calloc(1, 65536);
    assert_non_null(payload);
    struct writer out = write_growing(100000);
    struct writer_slot slot = write_field(&out);
    write_payload(&out, slot, bytes_of(payload, 65535));
    assert_int_equal(write_end(&out), SEC_E_OK);
    assert_hex(out.data, 8, "ffffffff08000000");
    write_free(&out);

    out = write_growing(100000);
    slot = write_field(&out);
    write_payload(&out, slot, bytes_of(payload, 65536));
    assert_int_equal(write_end(&out), SEC_E_BUFFER_TOO_SMALL);
    write_free(&out);
    free(payload);
}

static void growing(void **state)
{
    AUTO_WRITER out = write_growing(1000);
    for (unsigned i = 0; i < 1000; i++) {
        write_u8(&out, (uint8_t)i);
    }
    assert_int_equal(write_end(&out), SEC_E_OK);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(out.data[i], (uint8_t)i);
    }
    write_u8(&out, 0);
    assert_int_equal(write_end(&out), SEC_E_BUFFER_TOO_SMALL);
    assert_int_equal(out.size, 1000);
    assert_int_equal(out.needed, 1001);
}

static void reserved_once(void **state)
{
    AUTO_WRITER out = write_growing(100);
    write_reserve(&out, 80);
    uint8_t *before = out.data;
    assert_non_null(before);
    assert_int_equal(out.capacity, 80);
    write_zeros(&out, 80);
    assert_ptr_equal(out.data, before);
    write_reserve(&out, 21); /* beyond the maximum: no memory, and no verdict before something is written */
    assert_int_equal(write_end(&out), SEC_E_OK);
    write_zeros(&out, 21);
    assert_int_equal(write_end(&out), SEC_E_BUFFER_TOO_SMALL);
}

static void taken(void **state)
{
    struct writer out = write_growing(100);
    write_bytes(&out, bytes_of("abc", 3));
    uint8_t *data = write_take(&out);
    assert_memory_equal(data, "abc", 3);
    assert_null(out.data);
    assert_int_equal(out.size, 0);
    write_free(&out);
    free(data);
}

static void freed(void **state)
{
    uint8_t room[4];
    struct writer fixed = write_into(room, sizeof room);
    write_u32le(&fixed, 0x64636261);
    write_free(&fixed);
    assert_memory_equal(room, "abcd", 4); /* the caller's buffer is the caller's */
    struct writer none = write_growing(10);
    write_free(&none);
    write_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),      cmocka_unit_test(too_small),    cmocka_unit_test(failure_sticks),
        cmocka_unit_test(fields),        cmocka_unit_test(field_of_64k), cmocka_unit_test(growing),
        cmocka_unit_test(reserved_once), cmocka_unit_test(taken),        cmocka_unit_test(freed),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
