/* Malformed AUTHENTICATE messages (MS-NLMP 2.2.1.3). */
#include "catalogue.h"

#include "ntlm/authenticate.h"

static SECURITY_STATUS parse(struct bytes message)
{
    struct ntlm_authenticate out;
    SECURITY_STATUS status = ntlm_authenticate_parse(message, &out);
    if (status == SEC_E_OK) {
        catalogue_inside(message, out.lm_response);
        catalogue_inside(message, out.nt_response);
        catalogue_inside(message, out.domain);
        catalogue_inside(message, out.user);
        catalogue_inside(message, out.workstation);
        catalogue_inside(message, out.encrypted_session_key);
        if (out.mic_offset != 0) {
            assert_true(out.mic_offset == 64 || out.mic_offset == 72);
            assert_true(out.mic_offset + 16 <= message.size);
        }
    }
    return status;
}

/* VERSION, MIC, then domain (2), user (4), workstation (2), LM (24), NT (24), session key (16): 160 bytes. */
static struct hex whole(void)
{
    return hex("4e544c4d53535000 03000000 1800180060000000 1800180078000000 0200020058000000 040004005a000000"
               "020002005e000000 1000100090000000 158288e2 0a0063450000000f 00112233445566778899aabbccddeeff"
               "4400 55003100 5700"
               "010101010101010101010101010101010101010101010101 020202020202020202020202020202020202020202020202"
               "03030303030303030303030303030303");
}

/* Every field is empty and nothing follows the flags. */
static struct hex bare(void)
{
    return hex("4e544c4d53535000 03000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000"
               "0000000000000000 0000000000000000 01020000");
}

static const struct spoilt of_whole[] = {
    {1, "The message is empty.", 0, {{0}}, SEC_E_INVALID_TOKEN},
    {2, "One byte of the signature differs.", UNCHANGED, {{3, 1, 'm'}}, SEC_E_INVALID_TOKEN},
    {3, "The type is that of a NEGOTIATE.", UNCHANGED, {{8, 4, 1}}, SEC_E_INVALID_TOKEN},
    {4, "The type is four.", UNCHANGED, {{8, 4, 4}}, SEC_E_INVALID_TOKEN},
    {5, "The message ends behind the session key's field, as in the LAN Manager era.", 60, {{0}}, SEC_E_INVALID_TOKEN},
    {6, "The message ends in the flags.", 63, {{0}}, SEC_E_INVALID_TOKEN},
    {7, "The NT response begins in the signature.", UNCHANGED, {{20, 8, 0x0000000000180018}}, SEC_E_INVALID_TOKEN},
    {8, "The NT response begins in the flags.", UNCHANGED, {{20, 8, 0x3c00180018}}, SEC_E_INVALID_TOKEN},
    {9, "The NT response ends one byte behind the end.", UNCHANGED, {{20, 8, 0x8900180018}}, SEC_E_INVALID_TOKEN},
    {10, "The NT response is 65535 bytes long.", UNCHANGED, {{20, 8, 0x78ffffffff}}, SEC_E_INVALID_TOKEN},
    {11,
     "The LM response's offset and length wrap to the start.",
     UNCHANGED,
     {{12, 8, 0xffffffe800180018}},
     SEC_E_INVALID_TOKEN},
    {12, "The session key lies just behind the end.", UNCHANGED, {{52, 8, 0xa000100010}}, SEC_E_INVALID_TOKEN},
    {13, "The user's name has half a character.", UNCHANGED, {{36, 8, 0x5a00030003}}, SEC_E_INVALID_TOKEN},
    {14, "The domain's name has half a character.", UNCHANGED, {{28, 8, 0x5800010001}}, SEC_E_INVALID_TOKEN},
    {15, "The workstation's name has half a character.", UNCHANGED, {{44, 8, 0x5e00010001}}, SEC_E_INVALID_TOKEN},
    {16,
     "UNICODE is chosen beside OEM, and a name has half a character.",
     UNCHANGED,
     {{36, 8, 0x5a00030003}, {60, 4, 0xe2888217}},
     SEC_E_INVALID_TOKEN},
    /* What looks wrong and must be taken. */
    {20,
     "The fields lie on top of each other.",
     UNCHANGED,
     {{12, 8, 0x5800180018}, {20, 8, 0x5800180018}, {52, 8, 0x5800100010}},
     SEC_E_OK},
    {21, "A name in OEM has an odd size.", UNCHANGED, {{36, 8, 0x5a00030003}, {60, 4, 0xe2888216}}, SEC_E_OK},
    {22,
     "The session key is announced and empty, with a wild offset.",
     UNCHANGED,
     {{52, 8, 0xffffffff00000000}},
     SEC_E_OK},
    {23,
     "The session key has 15 bytes; whether that will do is the server's decision.",
     UNCHANGED,
     {{52, 8, 0x90000f000f}},
     SEC_E_OK},
    {24,
     "No character set is named; whether that will do is the server's decision.",
     UNCHANGED,
     {{60, 4, 0xe2888214}},
     SEC_E_OK},
    {25,
     "The LM response has one byte, the NT response none: an anonymous logon.",
     UNCHANGED,
     {{12, 8, 0x6000010001}, {20, 8, 0}},
     SEC_E_OK},
    {26, "Bytes follow the message.", 400, {{0}}, SEC_E_OK},
};

static void catalogue(void **state)
{
    catalogue_run(parse, whole(), of_whole, sizeof of_whole / sizeof of_whole[0]);
}

static void every_length(void **state)
{
    catalogue_truncate(parse, whole(), (const size_t[]){SIZE_MAX});
    catalogue_truncate(parse, bare(), (const size_t[]){SIZE_MAX});
}

static void every_field(void **state)
{
    catalogue_field(parse, whole(), 12, 64, false);
    catalogue_field(parse, whole(), 20, 64, false);
    catalogue_field(parse, whole(), 28, 64, true);
    catalogue_field(parse, whole(), 36, 64, true);
    catalogue_field(parse, whole(), 44, 64, true);
    catalogue_field(parse, whole(), 52, 64, false);
}

static void every_byte(void **state)
{
    catalogue_mutate(parse, whole());
    catalogue_mutate(parse, bare());
}

/* Where the MIC stands follows from where the first payload that is not empty begins. */
static void place_of_the_mic(void **state)
{
    for (size_t start = 64; start <= 100; start++) {
        struct hex message = bare();
        struct ntlm_authenticate out;
        memset(message.data + message.size, 0x77, sizeof message.data - message.size);
        message.size = 200;
        catalogue_put(message.data, &(struct change){20, 8, (uint64_t)start << 32 | 0x00180018});
        catalogue_put(message.data, &(struct change){12, 8, (uint64_t)(start + 24) << 32 | 0x00180018});
        catalogue_put(message.data, &(struct change){60, 4, NTLM_UNICODE | NTLM_VERSION});
        assert_int_equal(ntlm_authenticate_parse(HEX_BYTES(message), &out), SEC_E_OK);
        assert_int_equal(out.mic_offset, start >= 88 ? 72 : start >= 80 ? 64 : 0);
        assert_int_equal(out.has_version, start >= 88 || (start >= 72 && start < 80));
    }
}

/* Without any payload the end of the message takes the payload's place. */
static void mic_without_payload(void **state)
{
    for (size_t size = 64; size <= 100; size++) {
        struct hex message = bare();
        struct ntlm_authenticate out;
        memset(message.data + message.size, 0x77, sizeof message.data - message.size);
        assert_int_equal(ntlm_authenticate_parse(bytes_of(message.data, size), &out), SEC_E_OK);
        assert_int_equal(out.mic_offset, size >= 88 ? 72 : size >= 80 ? 64 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(catalogue),  cmocka_unit_test(every_length),     cmocka_unit_test(every_field),
        cmocka_unit_test(every_byte), cmocka_unit_test(place_of_the_mic), cmocka_unit_test(mic_without_payload),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("malformed ntlm_authenticate", tests, NULL, NULL);
}
