/* The reader: every getter at the edge of its box, the sticky failure, offsets that wrap, and both verdicts. */
#include "vectors/hex.h"

#include "wire/reader.h"

static void integers(void **state)
{
    struct hex h = hex("01 0203 04050607 08090a0b0c0d0e0f 1011 12131415");
    struct reader reader = read_start(HEX_BYTES(h));
    assert_int_equal(read_u8(&reader), 0x01);
    assert_int_equal(read_u16le(&reader), 0x0302);
    assert_int_equal(read_u32le(&reader), 0x07060504);
    assert_true(read_u64le(&reader) == UINT64_C(0x0f0e0d0c0b0a0908));
    assert_int_equal(read_u16be(&reader), 0x1011);
    assert_int_equal(read_u32be(&reader), 0x12131415);
    assert_int_equal(read_left(&reader), 0);
    assert_int_equal(read_end(&reader, "test"), SEC_E_OK);
}

static void integers_too_long(void **state)
{
    static const uint8_t bytes[7] = {1, 1, 1, 1, 1, 1, 1};
    for (size_t have = 0; have < 8; have++) {
        struct reader r1 = read_start(bytes_of(bytes, have)), r2 = r1, r4 = r1, r8 = r1, b2 = r1, b4 = r1;
        assert_int_equal(read_u8(&r1), have >= 1 ? 1 : 0);
        assert_int_equal(r1.bad, have < 1);
        assert_int_equal(read_u16le(&r2), have >= 2 ? 0x0101 : 0);
        assert_int_equal(r2.bad, have < 2);
        assert_int_equal(read_u32le(&r4), have >= 4 ? 0x01010101 : 0);
        assert_int_equal(r4.bad, have < 4);
        assert_true(read_u64le(&r8) == 0);
        assert_true(r8.bad);
        assert_int_equal(read_u16be(&b2), have >= 2 ? 0x0101 : 0);
        assert_int_equal(b2.bad, have < 2);
        assert_int_equal(read_u32be(&b4), have >= 4 ? 0x01010101 : 0);
        assert_int_equal(b4.bad, have < 4);
    }
}

static void failure_sticks(void **state)
{
    struct hex h = hex("0102030405");
    struct reader reader = read_start(HEX_BYTES(h));
    (void)read_u64le(&reader);
    assert_int_equal(read_u8(&reader), 0); /* a byte is there, and is no longer given out */
    assert_int_equal(read_left(&reader), 0);
    assert_int_equal(read_bytes(&reader, 1).size, 0);
    assert_int_equal(read_at(&reader, 0, 1).size, 0);
    struct reader child = read_sub(&reader, 0);
    assert_true(child.bad);
    assert_int_equal(read_end(&reader, "test"), SEC_E_INVALID_TOKEN);
    assert_int_equal(read_end_lax(&reader, "test"), SEC_E_INVALID_TOKEN);
}

static void slices(void **state)
{
    struct hex h = hex("000102030405060708090a0b0c0d0e0f");
    struct reader reader = read_start(HEX_BYTES(h));
    struct bytes first = read_bytes(&reader, 4);
    assert_ptr_equal(first.data, h.data);
    assert_int_equal(first.size, 4);
    struct reader box = read_sub(&reader, 4);
    assert_int_equal(read_left(&box), 4);
    assert_int_equal(read_u32le(&box), 0x07060504);
    assert_int_equal(read_u8(&box), 0); /* the parent has more; the child has not */
    assert_true(box.bad);
    assert_false(reader.bad);
    assert_int_equal(read_u8(&reader), 8);
    struct reader outside = read_sub(&reader, 8);
    assert_true(outside.bad);
    assert_true(reader.bad);
    reader = read_start(HEX_BYTES(h));
    assert_int_equal(read_bytes(&reader, SIZE_MAX).size, 0);
    assert_true(reader.bad);
}

static void offsets(void **state)
{
    struct hex h = hex("000102030405060708090a0b0c0d0e0f");
    static const struct {
        uint64_t offset, size;
        bool good;
    } cases[] = {
        {0, 16, true},
        {15, 1, true},
        {16, 1, false},
        {16, 0, true},
        {0, 17, false},
        {1, 16, false},
        {UINT64_MAX, 0, true}, /* nothing, wherever it points */
        {UINT64_MAX, 1, false},
        {1, UINT64_MAX, false},
        {UINT64_MAX - 7, 16, false}, /* the sum wraps to inside */
        {UINT32_MAX, UINT32_MAX, false},
        {UINT32_MAX, 2, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reader reader = read_start(HEX_BYTES(h));
        struct bytes got = read_at(&reader, cases[i].offset, cases[i].size);
        assert_int_equal(reader.bad, !cases[i].good);
        assert_int_equal(got.size, cases[i].good ? cases[i].size : 0);
        assert_int_equal(reader.at, 0); /* never moves */
        if (got.size != 0) {
            assert_ptr_equal(got.data, h.data + cases[i].offset);
        }
    }
}

static void fields(void **state)
{
    size_t offset;
    struct hex h = hex("0200 ffff 08000000 aabb"); /* MaxLen is not looked at */
    struct reader reader = read_start(HEX_BYTES(h));
    struct bytes got = read_field(&reader, &offset);
    assert_int_equal(offset, 8);
    assert_hex(got.data, got.size, "aabb");
    assert_int_equal(reader.at, 8);

    struct hex empty = hex("0000 0000 ffffffff");
    reader = read_start(HEX_BYTES(empty));
    assert_int_equal(read_field(&reader, &offset).size, 0);
    assert_false(reader.bad);

    struct hex beyond = hex("0300 0300 08000000 aabb");
    reader = read_start(HEX_BYTES(beyond));
    assert_int_equal(read_field(&reader, &offset).size, 0);
    assert_true(reader.bad);

    struct hex cut = hex("0200 0200 080000");
    reader = read_start(HEX_BYTES(cut));
    assert_int_equal(read_field(&reader, &offset).size, 0);
    assert_true(reader.bad);
}

static void expectations(void **state)
{
    struct reader reader = read_start(bytes_of("NTLMSSP", 8));
    read_expect(&reader, "NTLM", 4);
    assert_false(reader.bad);
    read_expect(&reader, "SSPX", 4);
    assert_true(reader.bad);
    reader = read_start(bytes_of("NTL", 3));
    read_expect(&reader, "NTLM", 4);
    assert_true(reader.bad);
}

static void verdicts(void **state)
{
    struct reader reader = read_start(bytes_of("ab", 2));
    (void)read_u8(&reader);
    status_begin();
    assert_int_equal(read_end(&reader, "left over"), SEC_E_INVALID_TOKEN);
    assert_string_equal(status_reason(NULL, NULL, NULL), "left over");
    assert_int_equal(read_end_lax(&reader, "left over"), SEC_E_OK);
    (void)read_u8(&reader);
    assert_int_equal(read_end(&reader, "left over"), SEC_E_OK);
    reader = read_start(BYTES_NONE);
    assert_int_equal(read_end(&reader, "empty"), SEC_E_OK);
    reader = read_start((struct bytes){NULL, 5}); /* a size without memory */
    assert_int_equal(read_u8(&reader), 0);
    assert_int_equal(read_end_lax(&reader, "no memory"), SEC_E_INVALID_TOKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),     cmocka_unit_test(integers_too_long), cmocka_unit_test(failure_sticks),
        cmocka_unit_test(slices),       cmocka_unit_test(offsets),           cmocka_unit_test(fields),
        cmocka_unit_test(expectations), cmocka_unit_test(verdicts),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
