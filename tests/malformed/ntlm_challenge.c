/* Malformed CHALLENGE messages (MS-NLMP 2.2.1.2). */
#include "catalogue.h"

#include "ntlm/challenge.h"

static SECURITY_STATUS parse(struct bytes message)
{
    struct ntlm_challenge out;
    SECURITY_STATUS status = ntlm_challenge_parse(message, &out);
    if (status == SEC_E_OK) {
        catalogue_inside(message, out.target_name);
        catalogue_inside(message, out.target_info);
    }
    return status;
}

/* Name, target info and VERSION, as Windows lays them out: name at 56, pairs at 60, 80 bytes in all. */
static struct hex whole(void)
{
    return hex("4e544c4d53535000 02000000 0400040038000000 158289e2 0123456789abcdef 0000000000000000 140014003c000000"
               "0a0063450000000f 44003100 0200040044003100 0100040053003100 00000000");
}

/* The shortest form: ends with the challenge. */
static struct hex shortest(void)
{
    return hex("4e544c4d53535000 02000000 0000000000000000 01820000 0123456789abcdef");
}

static const struct spoilt of_whole[] = {
    {1, "The message is empty.", 0, {{0}}, SEC_E_INVALID_TOKEN},
    {2, "One byte of the signature differs.", UNCHANGED, {{0, 1, 'n'}}, SEC_E_INVALID_TOKEN},
    {3, "The type is that of an AUTHENTICATE.", UNCHANGED, {{8, 4, 3}}, SEC_E_INVALID_TOKEN},
    {4, "The type is right in its low byte only.", UNCHANGED, {{8, 4, 0x80000002}}, SEC_E_INVALID_TOKEN},
    {5, "The challenge is cut off.", 31, {{0}}, SEC_E_INVALID_TOKEN},
    {6, "Target info is announced and its field is not there.", 40, {{12, 8, 0}}, SEC_E_INVALID_TOKEN},
    {7, "Target info is announced and its field is cut through.", 47, {{12, 8, 0}}, SEC_E_INVALID_TOKEN},
    {8, "Neither UNICODE nor OEM was chosen.", UNCHANGED, {{20, 4, 0xe2898214}}, SEC_E_INVALID_TOKEN},
    {9, "The name is of odd size in Unicode.", UNCHANGED, {{12, 8, 0x3800030003}}, SEC_E_INVALID_TOKEN},
    {10, "The name begins in the field of the target info.", UNCHANGED, {{12, 8, 0x2800040004}}, SEC_E_INVALID_TOKEN},
    {11, "The name ends one byte behind the end.", UNCHANGED, {{12, 8, 0x4d00040004}}, SEC_E_INVALID_TOKEN},
    {12,
     "The name's offset and length wrap to the start.",
     UNCHANGED,
     {{12, 8, 0xfffffffc00040004}},
     SEC_E_INVALID_TOKEN},
    {13, "The target info points at the signature.", UNCHANGED, {{40, 8, 0x0000001400000014}}, SEC_E_INVALID_TOKEN},
    {14, "The target info is longer than the message.", UNCHANGED, {{40, 8, 0x3cffffffff}}, SEC_E_INVALID_TOKEN},
    {15,
     "The target info's offset is the largest there is.",
     UNCHANGED,
     {{40, 8, 0xffffffff00140014}},
     SEC_E_INVALID_TOKEN},
    /* What looks wrong and must be taken. */
    {20, "Name and target info lie on top of each other.", UNCHANGED, {{12, 8, 0x3c00040004}}, SEC_E_OK},
    {21, "The name is of odd size in OEM.", UNCHANGED, {{12, 8, 0x3800030003}, {20, 4, 0xe2898216}}, SEC_E_OK},
    {22, "Both UNICODE and OEM are set.", UNCHANGED, {{20, 4, 0xe2898217}}, SEC_E_OK},
    {23, "The reserved bytes are not zero.", UNCHANGED, {{32, 8, UINT64_MAX}}, SEC_E_OK},
    {24, "MaxLen differs from Len.", UNCHANGED, {{12, 4, 0xffff0004}, {40, 4, 0x00000014}}, SEC_E_OK},
    {25,
     "The target info's field holds rubbish and its flag is clear.",
     UNCHANGED,
     {{20, 4, 0xe2098215}, {40, 8, UINT64_MAX}},
     SEC_E_OK},
    {26,
     "VERSION is announced and the payload stands in its place.",
     UNCHANGED,
     {{12, 8, 0x3000040004}, {40, 8, 0x3400140014}},
     SEC_E_OK},
    {27, "Bytes follow the message.", 300, {{0}}, SEC_E_OK},
    {28,
     "Both fields are empty and point behind the end.",
     UNCHANGED,
     {{12, 8, 0xffffffff00000000}, {40, 8, 0xffffffff00000000}},
     SEC_E_OK},
};

static void catalogue(void **state)
{
    catalogue_run(parse, whole(), of_whole, sizeof of_whole / sizeof of_whole[0]);
}

static void every_length(void **state)
{
    catalogue_truncate(parse, whole(), (const size_t[]){SIZE_MAX});
    catalogue_truncate(parse, shortest(), (const size_t[]){SIZE_MAX});
}

static void every_field(void **state)
{
    catalogue_field(parse, whole(), 12, 48, true);
    catalogue_field(parse, whole(), 40, 48, false);
}

static void every_byte(void **state)
{
    catalogue_mutate(parse, whole());
    catalogue_mutate(parse, shortest());
}

/* Rubbish where VERSION would stand is not taken for one. */
static void no_version_in_the_payload(void **state)
{
    struct hex message = hex("4e544c4d53535000 02000000 0800080030000000 01820002 0123456789abcdef 0000000000000000"
                             "0000000000000000 4100420043004400");
    struct ntlm_challenge out;
    assert_int_equal(ntlm_challenge_parse(HEX_BYTES(message), &out), SEC_E_OK);
    assert_false(out.has_version);
    assert_int_equal(out.version.major, 0);
    assert_int_equal(out.target_name.size, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(catalogue),
        cmocka_unit_test(every_length),
        cmocka_unit_test(every_field),
        cmocka_unit_test(every_byte),
        cmocka_unit_test(no_version_in_the_payload),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("malformed ntlm_challenge", tests, NULL, NULL);
}
