/* UTF-16 text: borrowing, cutting, finding, and UTF-8 there and back (Unicode 15, chapter 3.9). */
#include "text.h"

#include <stdlib.h>

static void wide_strings(void **state)
{
    static const uint16_t wide[] = {'a', 0x20AC, 0xD83D, 0xDE00, 0, 'x'};
    struct utf16 text = utf16_from_wide(wide);
    assert_int_equal(utf16_length(text), 4);
    assert_int_equal(utf16_unit(text, 1), 0x20AC);
    assert_ptr_equal(text.data, wide);
    assert_int_equal(utf16_from_wide(NULL).size, 0);
    assert_int_equal(utf16_from_wide(wide + 4).size, 0);
}

/* Texts lie in messages, at any address. */
static void unaligned(void **state)
{
    static const uint8_t bytes[] = {0xFF, 'a', 0x01, 'b', 0x02};
    struct utf16 text = {bytes + 1, 4};
    assert_int_equal(utf16_unit(text, 0), 0x0161);
    assert_int_equal(utf16_find(text, 0x0262), 1);
    assert_int_equal(utf16_of(bytes_of(bytes, 5)).size, 4);
}

static void cutting(void **state)
{
    struct utf16 text = T("one/two/three");
    assert_int_equal(utf16_find(text, '/'), 3);
    assert_int_equal(utf16_find_last(text, '/'), 7);
    assert_int_equal(utf16_find(text, '!'), SIZE_MAX);
    assert_int_equal(utf16_find_last(text, '!'), SIZE_MAX);
    assert_int_equal(utf16_find_last(text, 'o'), 6);
    assert_int_equal(utf16_find_last(UTF16_NONE, 'o'), SIZE_MAX);
    assert_text(utf16_head(text, 3), "one");
    assert_text(utf16_tail(text, 8), "three");
    assert_text(utf16_head(text, 99), "one/two/three");
    assert_text(utf16_head(text, 0), "");
    assert_text(utf16_tail(text, 13), "");
    assert_text(utf16_tail(text, 99), "");
}

static void copying(void **state)
{
    AUTO_UTF16 copy = UTF16_NONE;
    assert_int_equal(utf16_copy(T("\u00e9t\u00e9"), &copy), SEC_E_OK);
    assert_text(copy, "\u00e9t\u00e9");
    AUTO_UTF16 none = T("left over");
    assert_int_equal(utf16_copy(UTF16_NONE, &none), SEC_E_OK);
    assert_null(none.data);
    assert_int_equal(none.size, 0);
}

/* One code point of each length, by the bit distribution of Unicode's table 3-6. */
static const struct {
    const char *utf8, *utf16;
} samples[] = {
    {"00", "0000"},
    {"41", "4100"},
    {"7f", "7f00"},
    {"c280", "8000"},
    {"c3a9", "e900"},
    {"dfbf", "ff07"},
    {"e0a080", "0008"},
    {"e282ac", "ac20"},
    {"efbfbf", "ffff"},
    {"f0908080", "00d800dc"},
    {"f09f9880", "3dd800de"},
    {"f48fbfbf", "ffdbffdf"},
    {"4dc3bc7473", "4d00fc0074007300"},
};

static void samples_both_ways(void **state)
{
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct hex utf8 = hex(samples[i].utf8);
        AUTO_UTF16 text = UTF16_NONE;
        assert_int_equal(utf16_from_utf8(HEX_BYTES(utf8), &text), SEC_E_OK);
        assert_hex(text.data, text.size, samples[i].utf16);
        char *back = NULL;
        size_t size = 0;
        assert_int_equal(utf16_to_utf8(text, &back, &size), SEC_E_OK);
        assert_hex(back, size, samples[i].utf8);
        assert_int_equal(back[size], 0);
        assert_int_equal(utf16_utf8_size(text), size);
        free(back);
    }
}

/* An unpaired surrogate takes its three-byte form and comes back. */
static void unpaired_surrogates_survive(void **state)
{
    static const struct {
        const char *utf16, *utf8;
    } lone[] = {{"00d8", "eda080"},
                {"ffdf", "edbfbf"},
                {"00dc00d8", "edb080eda080"},
                {"00d84100", "eda08041"},
                {"00d800d800dc", "eda080f0908080"}};
    for (size_t i = 0; i < sizeof lone / sizeof lone[0]; i++) {
        struct hex text = hex(lone[i].utf16);
        char *utf8 = NULL;
        size_t size = 0;
        assert_int_equal(utf16_to_utf8(utf16_of(HEX_BYTES(text)), &utf8, &size), SEC_E_OK);
        assert_hex(utf8, size, lone[i].utf8);
        AUTO_UTF16 back = UTF16_NONE;
        assert_int_equal(utf16_from_utf8(bytes_of(utf8, size), &back), SEC_E_OK);
        assert_hex(back.data, back.size, lone[i].utf16);
        free(utf8);
    }
}

/* Table 3-7, row by row: what is not UTF-8. */
static void refuses_what_is_not_utf8(void **state)
{
    static const char *const bad[] = {
        "80",       /* a trailing byte alone */
        "41bf",     /* the same, later */
        "c0af",     /* overlong, two bytes */
        "c180",     /* overlong */
        "e09fbf",   /* overlong, three bytes */
        "f08fbfbf", /* overlong, four bytes */
        "c3",       /* cut short */
        "e282",     /* cut short */
        "f09f98",   /* cut short */
        "c341",     /* second byte is none */
        "e28241",   /* third byte is none */
        "f4908080", /* beyond U+10FFFF */
        "f8888080", /* five bytes */
        "fe",       "ff",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct hex utf8 = hex(bad[i]);
        struct utf16 out = T("untouched");
        assert_int_equal(utf16_from_utf8(HEX_BYTES(utf8), &out), SEC_E_INVALID_TOKEN);
        assert_text(out, "untouched");
    }
}

static void empty_utf8(void **state)
{
    struct utf16 out = T("left over");
    assert_int_equal(utf16_from_utf8(BYTES_NONE, &out), SEC_E_OK);
    assert_int_equal(out.size, 0);
    char *utf8 = NULL;
    assert_int_equal(utf16_to_utf8(UTF16_NONE, &utf8, NULL), SEC_E_OK);
    assert_string_equal(utf8, "");
    free(utf8);
}

/* Any units at all: there and back changes nothing, and sizes agree. */
static void any_units(void **state)
{
    uint64_t seed = 0x5353504931ULL;
    for (int round = 0; round < 2000; round++) {
        uint16_t units[24];
        size_t length = test_random(&seed) % 24;
        for (size_t i = 0; i < length; i++) { /* every other one a surrogate */
            uint32_t unit = test_random(&seed);
            units[i] = (uint16_t)((unit & 0x10000) != 0 ? 0xD800 | (unit & 0x7FF) : unit);
        }
        struct utf16 text = {(const uint8_t *)units, 2 * length};
        char *utf8 = NULL;
        size_t size = 0;
        assert_int_equal(utf16_to_utf8(text, &utf8, &size), SEC_E_OK);
        assert_int_equal(utf16_utf8_size(text), size);
        AUTO_UTF16 back = UTF16_NONE;
        assert_int_equal(utf16_from_utf8(bytes_of(utf8, size), &back), SEC_E_OK);
        assert_true(utf16_equal(text, back));
        free(utf8);
    }
}

static void comparing(void **state)
{
    assert_true(utf16_equal(T("abc"), T("abc")));
    assert_false(utf16_equal(T("abc"), T("abd")));
    assert_false(utf16_equal(T("abc"), T("ab")));
    assert_true(utf16_equal(UTF16_NONE, T("")));
    assert_false(utf16_equal(T("abc"), T("ABC")));
    assert_true(utf16_equal_nocase(T("J\u00fcrgen"), T("j\u00dcRGEN")));
    assert_true(utf16_equal_nocase(T("\u0441\u0430\u0448\u0430"), T("\u0421\u0410\u0428\u0410")));
    assert_false(utf16_equal_nocase(T("abc"), T("abcd")));
    assert_false(utf16_equal_nocase(T("stra\u00dfe"), T("STRASSE")));
    assert_false(utf16_equal_nocase(T("i"), T("\u0130")));
    assert_true(utf16_equal_nocase(UTF16_NONE, UTF16_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_strings),
        cmocka_unit_test(unaligned),
        cmocka_unit_test(cutting),
        cmocka_unit_test(copying),
        cmocka_unit_test(samples_both_ways),
        cmocka_unit_test(unpaired_surrogates_survive),
        cmocka_unit_test(refuses_what_is_not_utf8),
        cmocka_unit_test(empty_utf8),
        cmocka_unit_test(any_units),
        cmocka_unit_test(comparing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("utf16", tests, NULL, NULL);
}
