/* Malformed NEGOTIATE messages (MS-NLMP 2.2.1.1). */
#include "catalogue.h"

#include "ntlm/negotiate.h"

static SECURITY_STATUS parse(struct bytes message)
{
    struct ntlm_negotiate out;
    SECURITY_STATUS status = ntlm_negotiate_parse(message, &out);
    if (status == SEC_E_OK) {
        catalogue_inside(message, out.domain);
        catalogue_inside(message, out.workstation);
    }
    return status;
}

/* With VERSION and without names, as Windows sends it. */
static struct hex plain(void)
{
    return hex("4e544c4d53535000 01000000 978208e2 0000000000000000 0000000000000000 0a0063450000000f");
}

/* With both names, of 4 and 2 bytes, and VERSION. */
static struct hex named(void)
{
    return hex("4e544c4d53535000 01000000 97b208e2 0400040028000000 020002002c000000 0a0063450000000f 444f4d31 5753");
}

static const struct spoilt of_plain[] = {
    {1, "The message is empty.", 0, {{0}}, SEC_E_INVALID_TOKEN},
    {2, "One byte of the signature differs.", UNCHANGED, {{6, 1, 'Q'}}, SEC_E_INVALID_TOKEN},
    {3, "The signature has no NUL.", UNCHANGED, {{7, 1, 'P'}}, SEC_E_INVALID_TOKEN},
    {4, "The type is that of a CHALLENGE.", UNCHANGED, {{8, 4, 2}}, SEC_E_INVALID_TOKEN},
    {5, "The type is zero.", UNCHANGED, {{8, 4, 0}}, SEC_E_INVALID_TOKEN},
    {6, "The type is right in its low byte only.", UNCHANGED, {{8, 4, 0x01000001}}, SEC_E_INVALID_TOKEN},
    {7, "The type is in the other byte order.", UNCHANGED, {{8, 4, 0x01000000}}, SEC_E_INVALID_TOKEN},
    {8, "The flags are cut off.", 15, {{0}}, SEC_E_INVALID_TOKEN},
    {9, "The first field is cut through.", 23, {{0}}, SEC_E_INVALID_TOKEN},
    {10, "The second field is missing.", 24, {{0}}, SEC_E_INVALID_TOKEN},
    {11, "VERSION is announced and cut through.", 39, {{0}}, SEC_E_INVALID_TOKEN},
    {12,
     "A domain is announced that lies behind the end.",
     UNCHANGED,
     {{12, 4, 0xe2089297}, {16, 8, 0x2800040004}},
     SEC_E_INVALID_TOKEN},
    {13,
     "A workstation is announced that lies in the signature.",
     UNCHANGED,
     {{12, 4, 0xe208a297}, {24, 8, 0x0000000000080008}},
     SEC_E_INVALID_TOKEN},
    /* What looks wrong and must be taken. */
    {20, "Old clients stop behind the flags.", 16, {{0}}, SEC_E_OK},
    {21, "VERSION is announced and left out altogether.", 32, {{0}}, SEC_E_OK},
    {22,
     "Both fields hold rubbish and neither flag is set.",
     UNCHANGED,
     {{16, 8, UINT64_MAX}, {24, 8, UINT64_MAX}},
     SEC_E_OK},
    {23,
     "A domain is announced and its field is empty with a wild offset.",
     UNCHANGED,
     {{12, 4, 0xe2089297}, {16, 8, 0xffffffff00000000}},
     SEC_E_OK},
    {24,
     "No character set is offered; whether that will do is the server's decision.",
     UNCHANGED,
     {{12, 4, 0xe2088294}},
     SEC_E_OK},
    {25, "Every flag is set but those of the names.", UNCHANGED, {{12, 4, 0xffffcfff}}, SEC_E_OK},
    {26, "Bytes follow the message.", 200, {{0}}, SEC_E_OK},
};

static void catalogue(void **state)
{
    catalogue_run(parse, plain(), of_plain, sizeof of_plain / sizeof of_plain[0]);
}

static void every_length(void **state)
{
    catalogue_truncate(parse, plain(), (const size_t[]){16, 32, SIZE_MAX});
    catalogue_truncate(parse, named(), (const size_t[]){16, SIZE_MAX}); /* 16 has no fields, so no names */
}

static void every_field(void **state)
{
    catalogue_field(parse, named(), 16, 16, false);
    catalogue_field(parse, named(), 24, 16, false);
}

static void every_byte(void **state)
{
    catalogue_mutate(parse, plain());
    catalogue_mutate(parse, named());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(catalogue),
        cmocka_unit_test(every_length),
        cmocka_unit_test(every_field),
        cmocka_unit_test(every_byte),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("malformed ntlm_negotiate", tests, NULL, NULL);
}
