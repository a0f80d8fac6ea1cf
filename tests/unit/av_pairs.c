/* AV_PAIR lists: every pair is found, the first of two counts, unknown ones are carried, and what is written reads back. */
#include "vectors/hex.h"

#include "ntlm/av_pairs.h"

static void every_pair(void **state)
{
    struct hex list = hex("0200 0400 44004f00  0100 0200 5300  0400 0200 6400  0300 0200 7300  0500 0200 7400"
                          "0600 0400 02000000  0700 0800 0090d336b734c301"
                          "0800 3000 30000000 00000000 0102030405060708"
                          "        000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
                          "0900 0200 6800  0a00 1000 65c669fe9d812f17fc984e47172fd4dd  0000 0000");
    struct ntlm_av_pairs pairs;
    assert_int_equal(ntlm_av_pairs_parse(HEX_BYTES(list), &pairs), SEC_E_OK);
    assert_hex(pairs.nb_domain.data, pairs.nb_domain.size, "44004f00");
    assert_hex(pairs.nb_computer.data, pairs.nb_computer.size, "5300");
    assert_hex(pairs.dns_domain.data, pairs.dns_domain.size, "6400");
    assert_hex(pairs.dns_computer.data, pairs.dns_computer.size, "7300");
    assert_hex(pairs.dns_tree.data, pairs.dns_tree.size, "7400");
    assert_true(pairs.has_flags);
    assert_int_equal(pairs.flags, NTLM_AV_MIC);
    assert_true(pairs.has_timestamp);
    assert_true(pairs.timestamp == UINT64_C(0x01c334b736d39000));
    assert_int_equal(pairs.single_host.size, 48);
    assert_true(pairs.has_target_name);
    assert_hex(pairs.target_name.data, pairs.target_name.size, "6800");
    assert_hex(pairs.channel_bindings.data, pairs.channel_bindings.size, "65c669fe9d812f17fc984e47172fd4dd");
    assert_int_equal(pairs.size, list.size);
}

static void empty_list(void **state)
{
    struct ntlm_av_pairs pairs;
    assert_int_equal(ntlm_av_pairs_parse(BYTES_NONE, &pairs), SEC_E_OK);
    assert_int_equal(pairs.size, 0);
    assert_null(pairs.nb_computer.data);
    assert_false(pairs.has_flags || pairs.has_timestamp || pairs.has_target_name);
    struct hex only_end = hex("0000 0000");
    assert_int_equal(ntlm_av_pairs_parse(HEX_BYTES(only_end), &pairs), SEC_E_OK);
    assert_int_equal(pairs.size, 4);
}

/* Absent and empty are two things: DnsDomainName is sent empty by machines outside a domain. */
static void empty_value(void **state)
{
    struct hex list = hex("0400 0000  0900 0000  0000 0000");
    struct ntlm_av_pairs pairs;
    assert_int_equal(ntlm_av_pairs_parse(HEX_BYTES(list), &pairs), SEC_E_OK);
    assert_non_null(pairs.dns_domain.data);
    assert_int_equal(pairs.dns_domain.size, 0);
    assert_true(pairs.has_target_name);
    assert_int_equal(pairs.target_name.size, 0);
    assert_null(pairs.dns_computer.data);
}

static void first_of_two_counts(void **state)
{
    struct hex list = hex("0100 0200 4100  0100 0200 4200  0600 0400 02000000  0600 0400 00000000"
                          "0700 0800 0100000000000000  0700 0800 0200000000000000"
                          "0a00 1000 01010101010101010101010101010101  0a00 1000 00000000000000000000000000000000"
                          "0000 0000");
    struct ntlm_av_pairs pairs;
    assert_int_equal(ntlm_av_pairs_parse(HEX_BYTES(list), &pairs), SEC_E_OK);
    assert_hex(pairs.nb_computer.data, pairs.nb_computer.size, "4100");
    assert_int_equal(pairs.flags, 2);
    assert_true(pairs.timestamp == 1);
    assert_int_equal(pairs.channel_bindings.data[0], 1);
}

static void unknown_is_passed_over(void **state)
{
    struct hex list = hex("0b00 0300 010203  ffff 0000  0100 0200 4100  0000 0000");
    struct ntlm_av_pairs pairs;
    assert_int_equal(ntlm_av_pairs_parse(HEX_BYTES(list), &pairs), SEC_E_OK);
    assert_hex(pairs.nb_computer.data, pairs.nb_computer.size, "4100");
}

static void what_follows_the_end(void **state)
{
    struct hex list = hex("0100 0200 4100  0000 0000  0600 0400 02000000 ff");
    struct ntlm_av_pairs pairs;
    assert_int_equal(ntlm_av_pairs_parse(HEX_BYTES(list), &pairs), SEC_E_OK);
    assert_int_equal(pairs.size, 10);
    assert_false(pairs.has_flags); /* stands behind MsvAvEOL: not part of the list */
}

static void walking_and_writing(void **state)
{
    struct hex list = hex("0200 0400 44004f00  0b00 0300 010203  0400 0000  0600 0400 02000000"
                          "0700 0800 0090d336b734c301  0000 0000  4444");
    uint8_t room[128];
    struct writer out = write_into(room, sizeof room);
    size_t at = 0, count = 0;
    uint16_t id;
    struct bytes value;
    while (ntlm_av_next(HEX_BYTES(list), &at, &id, &value)) {
        count++;
        if (id == MsvAvFlags) {
            ntlm_av_write_u32(&out, id, 2);
        } else if (id == MsvAvTimestamp) {
            ntlm_av_write_u64(&out, id, UINT64_C(0x01c334b736d39000));
        } else {
            ntlm_av_write(&out, id, value);
        }
    }
    ntlm_av_write_end(&out);
    assert_int_equal(count, 5);
    assert_int_equal(write_end(&out), SEC_E_OK);
    assert_int_equal(out.size, list.size - 2);
    assert_memory_equal(room, list.data, out.size);
}

static void walking_stops_at_damage(void **state)
{
    size_t at = 0;
    uint16_t id;
    struct bytes value;
    assert_false(ntlm_av_next(BYTES_NONE, &at, &id, &value));
    struct hex cut = hex("0100 0400 4100");
    assert_false(ntlm_av_next(HEX_BYTES(cut), &at, &id, &value));
    at = 100;
    assert_false(ntlm_av_next(HEX_BYTES(cut), &at, &id, &value));
}

static void value_too_long(void **state)
{
    static uint8_t large[65536];
    struct writer out = write_growing(200000);
    ntlm_av_write(&out, 1, bytes_of(large, 65535));
    assert_int_equal(write_end(&out), SEC_E_OK);
    ntlm_av_write(&out, 1, bytes_of(large, 65536));
    assert_int_equal(write_end(&out), SEC_E_BUFFER_TOO_SMALL);
    write_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair),
        cmocka_unit_test(empty_list),
        cmocka_unit_test(empty_value),
        cmocka_unit_test(first_of_two_counts),
        cmocka_unit_test(unknown_is_passed_over),
        cmocka_unit_test(what_follows_the_end),
        cmocka_unit_test(walking_and_writing),
        cmocka_unit_test(walking_stops_at_damage),
        cmocka_unit_test(value_too_long),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("av_pairs", tests, NULL, NULL);
}
