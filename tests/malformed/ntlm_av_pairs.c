/* Malformed AV_PAIR lists (MS-NLMP 2.2.2.1). */
#include "catalogue.h"

#include "ntlm/av_pairs.h"

static SECURITY_STATUS parse(struct bytes list)
{
    struct ntlm_av_pairs out;
    SECURITY_STATUS status = ntlm_av_pairs_parse(list, &out);
    if (status == SEC_E_OK) {
        const struct bytes slices[] = {out.nb_computer, out.nb_domain,   out.dns_computer, out.dns_domain,
                                       out.dns_tree,    out.single_host, out.target_name,  out.channel_bindings};
        for (size_t i = 0; i < sizeof slices / sizeof slices[0]; i++) {
            catalogue_inside(list, slices[i]);
        }
        assert_true(out.size <= list.size);
    }
    size_t at = 0; /* walking takes damaged lists too: it ends, inside */
    uint16_t id;
    struct bytes value;
    while (ntlm_av_next(list, &at, &id, &value)) {
        catalogue_inside(list, value);
        assert_true(at <= list.size);
    }
    return status;
}

/* Computer name at 0, flags at 8, time at 16, bindings at 28, single host at 48, target at 100, end at 108: 112 bytes. */
static struct hex whole(void)
{
    return hex("0100 0400 53003100  0600 0400 02000000  0700 0800 0090d336b734c301"
               "0a00 1000 65c669fe9d812f17fc984e47172fd4dd"
               "0800 3000 30000000 00000000 0102030405060708"
               "        000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
               "0900 0400 68003100  0000 0000");
}

static const struct spoilt of_whole[] = {
    {1, "One byte only.", 1, {{0}}, SEC_E_INVALID_TOKEN},
    {2, "There is no MsvAvEOL.", 108, {{0}}, SEC_E_INVALID_TOKEN},
    {3, "MsvAvEOL is cut through.", 110, {{0}}, SEC_E_INVALID_TOKEN},
    {4, "MsvAvEOL has a value.", 113, {{110, 2, 1}}, SEC_E_INVALID_TOKEN},
    {5, "MsvAvEOL announces a value that is not there.", UNCHANGED, {{110, 2, 4}}, SEC_E_INVALID_TOKEN},
    {6, "The first value is longer than the list.", UNCHANGED, {{2, 2, 0xffff}}, SEC_E_INVALID_TOKEN},
    {7, "The last value reaches one byte behind the end.", UNCHANGED, {{102, 2, 9}}, SEC_E_INVALID_TOKEN},
    {9, "The flags have three bytes.", UNCHANGED, {{10, 2, 3}, {15, 1, 0}}, SEC_E_INVALID_TOKEN},
    {10, "The flags have eight bytes.", UNCHANGED, {{10, 2, 8}}, SEC_E_INVALID_TOKEN},
    {11, "The flags have none.", UNCHANGED, {{10, 2, 0}}, SEC_E_INVALID_TOKEN},
    {12, "The time has four bytes.", UNCHANGED, {{18, 2, 4}}, SEC_E_INVALID_TOKEN},
    {13, "The time has none.", UNCHANGED, {{18, 2, 0}}, SEC_E_INVALID_TOKEN},
    {14, "The channel bindings have fifteen bytes.", UNCHANGED, {{30, 2, 15}}, SEC_E_INVALID_TOKEN},
    {15, "The channel bindings have none.", UNCHANGED, {{30, 2, 0}}, SEC_E_INVALID_TOKEN},
    {16, "The single host has forty bytes.", UNCHANGED, {{50, 2, 40}}, SEC_E_INVALID_TOKEN},
    {17, "The single host has none.", UNCHANGED, {{50, 2, 0}}, SEC_E_INVALID_TOKEN},
    {18, "The second of two flags has a wrong size.", UNCHANGED, {{16, 4, 0x00080006}}, SEC_E_INVALID_TOKEN},
    /* What looks wrong and must be taken. */
    {30, "The list is empty.", 0, {{0}}, SEC_E_OK},
    {31, "MsvAvEOL comes first and hides the rest.", UNCHANGED, {{0, 4, 0}}, SEC_E_OK},
    {32, "Two names with the same id.", UNCHANGED, {{100, 2, 1}}, SEC_E_OK},
    {33, "Ids that nobody has defined.", UNCHANGED, {{0, 2, 11}, {48, 2, 0xffff}}, SEC_E_OK},
    {35, "Rubbish follows MsvAvEOL.", 120, {{112, 8, UINT64_MAX}}, SEC_E_OK},
};

static void catalogue(void **state)
{
    catalogue_run(parse, whole(), of_whole, sizeof of_whole / sizeof of_whole[0]);
}

/* A list of one pair, with every id and every size up to 64, followed by its end: only the size can be wrong. */
static void every_size(void **state)
{
    for (unsigned id = 1; id <= 12; id++) {
        for (size_t size = 0; size <= 64; size++) {
            struct hex list = {.size = size + 8};
            memset(list.data, 0, sizeof list.data);
            catalogue_put(list.data, &(struct change){0, 2, id});
            catalogue_put(list.data, &(struct change){2, 2, size});
            bool good = id <= 5 || id == MsvAvTargetName ? size % 2 == 0
                        : id == MsvAvFlags               ? size == 4
                        : id == MsvAvTimestamp           ? size == 8
                        : id == MsvAvSingleHost          ? size == 48
                        : id == MsvAvChannelBindings     ? size == 16
                                                         : true;
            SECURITY_STATUS status = catalogue_try(parse, list.data, list.size);
            if ((status == SEC_E_OK) != good) {
                print_message("# id %u with %zu bytes: %s\n", id, size, status_name(status));
                fail();
            }
        }
    }
}

static void every_length(void **state)
{
    catalogue_truncate(parse, whole(), (const size_t[]){0, SIZE_MAX});
}

static void every_byte(void **state)
{
    catalogue_mutate(parse, whole());
}

/* Sixteen thousand empty pairs: walked once, in a straight line. */
static void many_pairs(void **state)
{
    static uint8_t list[65536];
    for (size_t i = 0; i < sizeof list; i += 4) {
        list[i] = 0x77;
    }
    assert_int_equal(catalogue_try(parse, list, sizeof list), SEC_E_INVALID_TOKEN); /* and no end */
    list[sizeof list - 4] = 0;
    assert_int_equal(catalogue_try(parse, list, sizeof list), SEC_E_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(catalogue),  cmocka_unit_test(every_size), cmocka_unit_test(every_length),
        cmocka_unit_test(every_byte), cmocka_unit_test(many_pairs),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("malformed ntlm_av_pairs", tests, NULL, NULL);
}
