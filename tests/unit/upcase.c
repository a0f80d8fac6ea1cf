/* Windows' upper case of single units. */
#include "text.h"

#include "crypto/md.h"
#include "text/upcase.h"

/* The whole table is the one that Windows 7 and later write to NTFS volumes as $UpCase: 65536 units in little endian,
 * whose MD5 ntfs-3g documents (libntfs-3g/unistr.c). */
static void is_the_table_of_windows(void **state)
{
    static uint8_t table[2 * 0x10000];
    for (uint32_t unit = 0; unit < 0x10000; unit++) {
        uint16_t upper = upcase_unit((uint16_t)unit);
        table[2 * unit] = (uint8_t)upper;
        table[2 * unit + 1] = (uint8_t)(upper >> 8);
    }
    struct key16 digest;
    md5((const struct bytes[]){BYTES(table)}, 1, &digest);
    assert_hex(digest.b, sizeof digest.b, "7ff498a44e45e77374cc7c962b1b92f2");
}

static void ascii(void **state)
{
    for (unsigned unit = 0; unit < 0x80; unit++) {
        assert_int_equal(upcase_unit((uint16_t)unit), unit >= 'a' && unit <= 'z' ? unit - 32 : unit);
    }
}

/* As observed with RtlUpcaseUnicodeChar on Windows for units up to 0xFF. */
static void latin1(void **state)
{
    for (unsigned unit = 0x80; unit <= 0xFF; unit++) {
        unsigned expected = unit >= 0xE0 && unit != 0xF7 && unit != 0xFF ? unit - 0x20 : unit == 0xFF ? 0x178 : unit;
        assert_int_equal(upcase_unit((uint16_t)unit), expected);
    }
}

struct pair {
    uint16_t unit, upper;
};

static void check_pairs(const struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(upcase_unit(pairs[i].unit), pairs[i].upper);
        assert_int_equal(upcase_unit(pairs[i].upper), pairs[i].upper);
    }
}

#define CHECK(pairs) check_pairs((pairs), sizeof(pairs) / sizeof(pairs)[0])

static void scripts(void **state)
{
    static const struct pair pairs[] = {
        {0x0101, 0x0100}, {0x0153, 0x0152}, {0x017E, 0x017D}, {0x01A1, 0x01A0},                   /* Latin Extended */
        {0x03B1, 0x0391}, {0x03AC, 0x0386}, {0x03CE, 0x038F}, {0x03C9, 0x03A9},                   /* Greek */
        {0x1F00, 0x1F08}, {0x1F80, 0x1F88}, {0x1FB3, 0x1FBC}, {0x1FE5, 0x1FEC},                   /* Greek, polytonic */
        {0x0430, 0x0410}, {0x0451, 0x0401}, {0x045F, 0x040F}, {0x0491, 0x0490}, {0x0450, 0x0400}, /* Cyrillic */
        {0x0561, 0x0531}, {0x0586, 0x0556},                                                       /* Armenian */
        {0x1E01, 0x1E00}, {0x1EBF, 0x1EBE},                                                       /* Vietnamese */
        {0x2170, 0x2160}, {0x24D0, 0x24B6}, {0xFF41, 0xFF21}, {0x2D00, 0x10A0}, {0x2C81, 0x2C80},
    };
    CHECK(pairs);
}

/* Units that Unicode would change, or change otherwise, and Windows does not: they have no way back. */
static void left_alone(void **state)
{
    static const uint16_t units[] = {
        0x00B5,                                                 /* MICRO SIGN, not GREEK MU */
        0x00DF, 0x0130, 0x0131,                                 /* sharp s, dotted I, dotless i */
        0x0149, 0x017F,                                         /* n with apostrophe, long s */
        0x01C5, 0x01C8, 0x01CB, 0x01F2,                         /* titlecase digraphs */
        0x0345, 0x1FBE,                                         /* iota below */
        0x03C2,                                                 /* final sigma */
        0x03D0, 0x03D1, 0x03D5, 0x03D6, 0x03F0, 0x03F1, 0x03F5, /* Greek symbols */
        0x0390, 0x03B0, 0x0587, 0x1E96, 0x1E9B, 0x1E9E, 0x1F88, 0x1FBC, 0x2126,
        0x212A, 0x212B, 0xFB00, 0xFB13, 0x10D0, 0x13F8, 0xAB70, /* Georgian and Cherokee got their pairs later */
        0x0525, 0x0265, 0x1E9A, 0xD800, 0xDFFF, 0xFFFF,
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        assert_int_equal(upcase_unit(units[i]), units[i]);
    }
}

/* Where Vista's table and that of Windows 7 and later part: as in Unicode 5.1. */
static void since_windows_7(void **state)
{
    static const struct pair pairs[] = {
        {0x2C65, 0x023A}, {0x2C66, 0x023E}, {0x0250, 0x2C6F}, {0x0251, 0x2C6D}, {0x0271, 0x2C6E}, {0x0371, 0x0370},
        {0x03D7, 0x03CF}, {0x0515, 0x0514}, {0x1D79, 0xA77D}, {0x1EFB, 0x1EFA}, {0xA641, 0xA640}, {0xA78C, 0xA78B},
    };
    CHECK(pairs);
}

static void digraphs_go_all_the_way(void **state)
{
    static const struct pair pairs[] = {{0x01C6, 0x01C4}, {0x01C9, 0x01C7}, {0x01CC, 0x01CA}, {0x01F3, 0x01F1}};
    CHECK(pairs);
}

/* Upper case of upper case is itself: names compare alike however often they went through. */
static void idempotent(void **state)
{
    for (uint32_t unit = 0; unit < 0x10000; unit++) {
        uint16_t once = upcase_unit((uint16_t)unit);
        assert_int_equal(upcase_unit(once), once);
    }
}

static void writes_in_place(void **state)
{
    uint8_t bytes[] = {0xEE, 'm', 0, 0xFC, 0, 'l', 0, 0x3D, 0xD8, 0x00, 0xDE, 0xEE};
    upcase_write((struct utf16){bytes + 1, 10}, bytes + 1);
    assert_hex(bytes, sizeof bytes, "ee 4d00 dc00 4c00 3dd8 00de ee");
    uint8_t out[10];
    upcase_write((struct utf16){bytes + 1, 10}, out);
    assert_memory_equal(out, bytes + 1, 10);
    upcase_write(UTF16_NONE, out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_table_of_windows),
        cmocka_unit_test(ascii),
        cmocka_unit_test(latin1),
        cmocka_unit_test(scripts),
        cmocka_unit_test(left_alone),
        cmocka_unit_test(since_windows_7),
        cmocka_unit_test(digraphs_go_all_the_way),
        cmocka_unit_test(idempotent),
        cmocka_unit_test(writes_in_place),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("upcase", tests, NULL, NULL);
}
