/* NegTokenInit, NegTokenInit2 and NegTokenResp, spoilt (RFC 4178 4.2, MS-SPNG 2.2.1).  Slices of a parsed token lie in
 * memory of its own, so there is nothing to compare with the message's bounds.
 */
#include "malformed/catalogue.h"

#include "negotiate/neg_token.h"

static SECURITY_STATUS parse(struct bytes message)
{
    struct neg_token token;
    SECURITY_STATUS status = neg_token_parse(message, &token);
    if (status == SEC_E_OK) {
        neg_token_free(&token);
    }
    return status;
}

/* offset 0 frame, 2 OID, 10 [0], 12 SEQUENCE, 14 [0], 16 list, 18 OID, 30 [2], 32 OCTET STRING of 4. */
static const char init_text[] = "6024 06062b0601050502 a01a 3018 a00e 300c 060a2b06010401823702020a a206 0404 01020304";

static void init(void **state)
{
    static const struct spoilt cases[] = {
        {1, "an application tag that is not 0", UNCHANGED, {{0, 1, 0x61}}, SEC_E_INVALID_TOKEN},
        {2, "the frame is longer than the message", UNCHANGED, {{1, 1, 0x25}}, SEC_E_INVALID_TOKEN},
        {3, "the frame is shorter than the message", UNCHANGED, {{1, 1, 0x23}}, SEC_E_INVALID_TOKEN},
        {4, "a frame of indefinite length", UNCHANGED, {{1, 1, 0x80}}, SEC_E_INVALID_TOKEN},
        {5, "a length in more bytes than there are", UNCHANGED, {{1, 1, 0xff}}, SEC_E_INVALID_TOKEN},
        {6, "no OID in the frame", UNCHANGED, {{2, 1, 0x04}}, SEC_E_INVALID_TOKEN},
        {7, "an OID that leaves the frame", UNCHANGED, {{3, 1, 0x7f}}, SEC_E_INVALID_TOKEN},
        {8, "a mechanism that is not SPNEGO", UNCHANGED, {{9, 1, 0x05}}, SEC_E_INVALID_TOKEN},
        {9, "a choice that is neither Init nor Resp", UNCHANGED, {{10, 1, 0xa2}}, SEC_E_INVALID_TOKEN},
        {10, "a Resp in a frame", UNCHANGED, {{10, 1, 0xa1}}, SEC_E_INVALID_TOKEN},
        {11, "[0] longer than its frame", UNCHANGED, {{11, 1, 0x1b}}, SEC_E_INVALID_TOKEN},
        {12, "[0] shorter than what it holds", UNCHANGED, {{11, 1, 0x19}}, SEC_E_INVALID_TOKEN},
        {13, "no SEQUENCE", UNCHANGED, {{12, 1, 0x31}}, SEC_E_INVALID_TOKEN},
        {14, "no mechTypes", UNCHANGED, {{14, 1, 0xa1}}, SEC_E_INVALID_TOKEN},
        {15, "mechTypes is a SET", UNCHANGED, {{16, 1, 0x31}}, SEC_E_INVALID_TOKEN},
        {16, "mechTypes holds something else", UNCHANGED, {{18, 1, 0x04}}, SEC_E_INVALID_TOKEN},
        {17, "an OID that leaves the list", UNCHANGED, {{19, 1, 0x0b}}, SEC_E_INVALID_TOKEN},
        {18, "an OID that ends in the middle of an arc", UNCHANGED, {{29, 1, 0x8a}}, SEC_E_INVALID_TOKEN},
        {19, "an arc that begins with 0x80", UNCHANGED, {{21, 1, 0x80}}, SEC_E_INVALID_TOKEN},
        {20, "an empty list, with a tail in its place", UNCHANGED, {{17, 1, 0x00}}, SEC_E_INVALID_TOKEN},
        {21, "mechToken is no OCTET STRING", UNCHANGED, {{32, 1, 0x0c}}, SEC_E_INVALID_TOKEN},
        {22, "mechToken leaves its tag", UNCHANGED, {{33, 1, 0x05}}, SEC_E_INVALID_TOKEN},
        {23, "mechToken leaves a tail in its tag", UNCHANGED, {{33, 1, 0x03}}, SEC_E_INVALID_TOKEN},
        {24, "a member that there is not", UNCHANGED, {{30, 1, 0xa5}}, SEC_E_INVALID_TOKEN},
        {25, "a byte behind the frame", 39, {{0, 0, 0}}, SEC_E_INVALID_TOKEN},
        {26, "reqFlags of any type are passed over", UNCHANGED, {{30, 1, 0xa1}}, SEC_E_OK},
        {27, "a mechListMIC and no token", UNCHANGED, {{30, 1, 0xa3}}, SEC_E_OK},
        {28, "an unknown mechanism", UNCHANGED, {{29, 1, 0x1e}}, SEC_E_OK},
    };
    static const size_t whole[] = {SIZE_MAX};
    catalogue_run(parse, hex(init_text), cases, sizeof cases / sizeof cases[0]);
    catalogue_truncate(parse, hex(init_text), whole);
}

/* offset 0 [0], 2 SEQUENCE, 4 [0], 6 list, 8 OID, 20 [3], 22 hints, 24 [0], 26 GeneralString of 3. */
static const char init2_text[] = "a01b 3019 a00e 300c 060a2b06010401823702020a a307 3005 a003 1b0178 ";

static void init2(void **state)
{
    static const struct spoilt cases[] = {
        {1, "the hint's name is of another type", UNCHANGED, {{26, 1, 0x0c}}, SEC_E_INVALID_TOKEN},
        {2, "the hint's name leaves the hints", UNCHANGED, {{27, 1, 0x02}}, SEC_E_INVALID_TOKEN},
        {3, "a member that hints have not", UNCHANGED, {{24, 1, 0xa2}}, SEC_E_INVALID_TOKEN},
        {4, "hints in a SET", UNCHANGED, {{22, 1, 0x31}}, SEC_E_INVALID_TOKEN},
        {5, "hints longer than their tag", UNCHANGED, {{23, 1, 0x06}}, SEC_E_INVALID_TOKEN},
        {6, "hints of an integer", UNCHANGED, {{22, 1, 0x02}}, SEC_E_INVALID_TOKEN},
        {7, "the hints are a MIC after all", UNCHANGED, {{22, 1, 0x04}}, SEC_E_OK},
    };
    static const size_t whole[] = {SIZE_MAX};
    catalogue_run(parse, hex(init2_text), cases, sizeof cases / sizeof cases[0]);
    catalogue_truncate(parse, hex(init2_text), whole);
}

/* offset 0 [1], 2 SEQUENCE, 4 [0], 6 ENUMERATED, 9 [1], 11 OID, 23 [2], 25 OCTET STRING, 28 [3], 30 OCTET STRING. */
static const char resp_text[] = "a11f 301d a0030a0101 a10c 060a2b06010401823702020a a203 040155 a303 040166";

static void resp(void **state)
{
    static const struct spoilt cases[] = {
        {1, "negState 4", UNCHANGED, {{8, 1, 0x04}}, SEC_E_INVALID_TOKEN},
        {2, "a negative negState", UNCHANGED, {{8, 1, 0xff}}, SEC_E_INVALID_TOKEN},
        {3, "negState is an INTEGER", UNCHANGED, {{6, 1, 0x02}}, SEC_E_INVALID_TOKEN},
        {4, "negState is empty, with a tail", UNCHANGED, {{7, 1, 0x00}}, SEC_E_INVALID_TOKEN},
        {5, "supportedMech is no OID", UNCHANGED, {{11, 1, 0x04}}, SEC_E_INVALID_TOKEN},
        {6, "responseToken is no OCTET STRING", UNCHANGED, {{25, 1, 0x03}}, SEC_E_INVALID_TOKEN},
        {7, "members out of their order", UNCHANGED, {{23, 1, 0xa3}, {28, 1, 0xa2}}, SEC_E_INVALID_TOKEN},
        {8, "a member twice", UNCHANGED, {{28, 1, 0xa2}}, SEC_E_INVALID_TOKEN},
        {9, "mechListMIC is no OCTET STRING", UNCHANGED, {{30, 1, 0x02}}, SEC_E_INVALID_TOKEN},
        {10, "a byte behind the token", 34, {{0, 0, 0}}, SEC_E_INVALID_TOKEN},
        {11, "an unknown mechanism", UNCHANGED, {{22, 1, 0x1e}}, SEC_E_OK},
        {12, "request-mic", UNCHANGED, {{8, 1, 0x03}}, SEC_E_OK},
    };
    static const size_t whole[] = {SIZE_MAX};
    catalogue_run(parse, hex(resp_text), cases, sizeof cases / sizeof cases[0]);
    catalogue_truncate(parse, hex(resp_text), whole);
}

/* SEQUENCEs in one another as deep as a message can be: OpenSSL's decoder has a limit of its own. */
static void depth(void **state)
{
    uint8_t message[8192];
    for (size_t i = 0; i < sizeof message; i += 2) {
        message[i] = i == 0 ? 0xa0 : 0x30;
        message[i + 1] = 0x80;
    }
    assert_int_equal(catalogue_try(parse, message, sizeof message), SEC_E_INVALID_TOKEN);
    memset(message, 0x24, sizeof message); /* constructed OCTET STRINGs */
    memcpy(message, "\xa1\x80\x30\x80\xa2\x80", 6);
    for (size_t i = 6; i < sizeof message; i += 2) {
        message[i] = 0x24;
        message[i + 1] = 0x80;
    }
    assert_int_equal(catalogue_try(parse, message, sizeof message), SEC_E_INVALID_TOKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init),
        cmocka_unit_test(init2),
        cmocka_unit_test(resp),
        cmocka_unit_test(depth),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("malformed neg_token", tests, NULL, NULL);
}
