/* CredSSP's messages, spoilt: TSRequest (MS-CSSP 2.2.1) and the credentials that it carries sealed (2.2.1.2). */
#include "malformed/catalogue.h"

#include "credssp/ts_credentials.h"
#include "credssp/ts_request.h"

/* What parses is built and parsed once more, and is the same. */
static SECURITY_STATUS parse_request(struct bytes message)
{
    AUTO_TS_REQUEST request = {.owner = NULL};
    AUTO_TS_REQUEST again = {.owner = NULL};
    AUTO_WRITER built = write_growing(TS_REQUEST_MAX);
    SECURITY_STATUS status = ts_request_parse(message, &request);
    if (status == SEC_E_OK) {
        assert_true(request.version >= TS_VERSION_FIRST);
        assert_int_equal(ts_request_build(&request, &built), SEC_E_OK);
        assert_int_equal(ts_request_parse(write_result(&built), &again), SEC_E_OK);
        assert_int_equal(again.version, request.version);
        assert_int_equal(again.error, request.error);
        assert_int_equal(again.auth_info.size, request.auth_info.size);
    } else {
        assert_null(request.owner);
    }
    return status;
}

static SECURITY_STATUS parse_credentials(struct bytes message)
{
    AUTO_TS_CREDENTIALS credentials = {.owner = NULL};
    SECURITY_STATUS status = ts_credentials_parse(message, &credentials);
    assert_true(status == SEC_E_OK || credentials.owner == NULL);
    return status;
}

/* version 6, one token, authInfo, pubKeyAuth, errorCode, clientNonce */
#define REQUEST "3027 a003020106 a1093007 3005a003 040155 a2030401 66 a3030401 77 a4060204c000006d a5030401 88"

static void requests(void **state)
{
    static const struct spoilt cases[] = {
        {1, "a SET in place of the SEQUENCE", UNCHANGED, {{0, 1, 0x31}}, SEC_E_INVALID_TOKEN},
        {2, "a length that is one too small", UNCHANGED, {{1, 1, 0x26}}, SEC_E_INVALID_TOKEN},
        {3, "a length that is one too large", UNCHANGED, {{1, 1, 0x28}}, SEC_E_INVALID_TOKEN},
        {4, "a byte behind it", 42, {{0}}, SEC_E_INVALID_TOKEN},
        {5, "version 1", UNCHANGED, {{6, 1, 1}}, SEC_E_INVALID_TOKEN},
        {6, "version 0", UNCHANGED, {{6, 1, 0}}, SEC_E_INVALID_TOKEN},
        {7, "version -1", UNCHANGED, {{6, 1, 0xff}}, SEC_E_INVALID_TOKEN},
        {8, "version 127: newer than any, and fine", UNCHANGED, {{6, 1, 0x7f}}, SEC_E_OK},
        {9, "the version is a string", UNCHANGED, {{4, 1, 0x04}}, SEC_E_INVALID_TOKEN},
        {10, "no version: negoTokens twice", UNCHANGED, {{2, 1, 0xa1}}, SEC_E_INVALID_TOKEN},
        {11, "negoTokens is a SET", UNCHANGED, {{9, 1, 0x31}}, SEC_E_INVALID_TOKEN},
        {12, "a token without its tag", UNCHANGED, {{13, 1, 0xa1}}, SEC_E_INVALID_TOKEN},
        {13, "a token that is an INTEGER", UNCHANGED, {{15, 1, 0x02}}, SEC_E_INVALID_TOKEN},
        {14, "a token that is longer than its box", UNCHANGED, {{16, 1, 2}}, SEC_E_INVALID_TOKEN},
        {15, "authInfo in the place of pubKeyAuth, out of order", UNCHANGED, {{18, 1, 0xa3}}, SEC_E_INVALID_TOKEN},
        {16, "authInfo is an INTEGER", UNCHANGED, {{20, 1, 0x02}}, SEC_E_INVALID_TOKEN},
        {17, "pubKeyAuth longer than its box", UNCHANGED, {{26, 1, 2}}, SEC_E_INVALID_TOKEN},
        {18, "errorCode is a string", UNCHANGED, {{30, 1, 0x04}}, SEC_E_INVALID_TOKEN},
        {19, "errorCode of no bytes, and four more", UNCHANGED, {{31, 1, 0}}, SEC_E_INVALID_TOKEN},
        {20, "a member [6] in the place of clientNonce", UNCHANGED, {{36, 1, 0xa6}}, SEC_E_INVALID_TOKEN},
        {21, "clientNonce primitive, not in a box", UNCHANGED, {{36, 1, 0x85}}, SEC_E_INVALID_TOKEN},
        {22, "a length in more bytes than there are", UNCHANGED, {{1, 1, 0x84}}, SEC_E_INVALID_TOKEN},
        {23, "a length that is not said", UNCHANGED, {{1, 1, 0x80}}, SEC_E_INVALID_TOKEN},
    };
    static const size_t none[] = {SIZE_MAX};
    struct hex good = hex(REQUEST);
    assert_int_equal(good.size, 41);
    catalogue_run(parse_request, good, cases, sizeof cases / sizeof cases[0]);
    catalogue_truncate(parse_request, good, none);
    catalogue_mutate(parse_request, good);
}

/* Messages that are wrong from the ground up. */
static void requests_by_hand(void **state)
{
    static const struct {
        const char *sentence, *message;
        SECURITY_STATUS status;
    } cases[] = {
        {"nothing", "", SEC_E_INVALID_TOKEN},
        {"an empty SEQUENCE", "3000", SEC_E_INVALID_TOKEN},
        {"the version alone", "3005 a003020102", SEC_E_OK},
        {"negoTokens of no tokens", "3009 a003020106 a1023000", SEC_E_INVALID_TOKEN},
        {"negoTokens of two, of which the first counts",
         "301b a003020106 a1143012 3007a005 0403313233 3007a005 0403343536", SEC_E_OK},
        {"an empty token", "300f a003020106 a108 3006 3004a002 0400", SEC_E_OK},
        {"an errorCode of 33 bits, positive", "300e a003020106 a407 020500c000006d", SEC_E_OK},
        {"an errorCode of 34 bits", "300e a003020106 a407 020502c000006d", SEC_E_INVALID_TOKEN},
        {"an errorCode of 33 bits, negative", "300e a003020106 a407 0205fe00000000", SEC_E_INVALID_TOKEN},
        {"a version of nine bytes", "300d a00b 0209 010000000000000006", SEC_E_INVALID_TOKEN},
        {"the version twice", "300a a003020106 a003020106", SEC_E_INVALID_TOKEN},
        {"members in the wrong order", "300f a003020106 a303040177 a203040166", SEC_E_INVALID_TOKEN},
        {"an unknown member at the end", "300a a003020106 a603040177", SEC_E_INVALID_TOKEN},
        {"lengths in more bytes than they need, and one too small", "30820007 a0830000030201 06", SEC_E_INVALID_TOKEN},
        {"the same, right", "30820008 a08300000302 0106", SEC_E_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hex message = hex(cases[i].message);
        SECURITY_STATUS status = catalogue_try(parse_request, message.data, message.size);
        if (status != cases[i].status) {
            print_message("# %s: %s\n", cases[i].sentence, status_name(status));
        }
        assert_int_equal(status, cases[i].status);
    }
}

/* The password "p" of "u" of "d". */
#define PASSWORD "301d a003020101 a1160414 3012 a0040402 6400 a1040402 7500 a2040402 7000"

static void credentials(void **state)
{
    static const struct spoilt cases[] = {
        {1, "a SET in place of the SEQUENCE", UNCHANGED, {{0, 1, 0x31}}, SEC_E_INVALID_TOKEN},
        {2, "credType 0", UNCHANGED, {{6, 1, 0}}, SEC_E_INVALID_TOKEN},
        {3, "credType 2 with a password", UNCHANGED, {{6, 1, 2}}, SEC_E_INVALID_TOKEN},
        {4, "credType 6 with a password", UNCHANGED, {{6, 1, 6}}, SEC_E_INVALID_TOKEN},
        {5, "credType 3, which there is not", UNCHANGED, {{6, 1, 3}}, SEC_E_INVALID_TOKEN},
        {6, "credType 0x81", UNCHANGED, {{6, 1, 0x81}}, SEC_E_INVALID_TOKEN},
        {7, "the credentials longer than their box", UNCHANGED, {{10, 1, 0x15}}, SEC_E_INVALID_TOKEN},
        {8, "the credentials one byte shorter than what they say", UNCHANGED, {{12, 1, 0x13}}, SEC_E_INVALID_TOKEN},
        {9, "a SEQUENCE that ends before its last member does", UNCHANGED, {{12, 1, 0x11}}, SEC_E_INVALID_TOKEN},
        {10, "a byte behind all", 32, {{0}}, SEC_E_INVALID_TOKEN},
        {11, "the user in the place of the domain", UNCHANGED, {{13, 1, 0xa1}}, SEC_E_INVALID_TOKEN},
        {12, "no password: a member [3]", UNCHANGED, {{25, 1, 0xa3}}, SEC_E_INVALID_TOKEN},
        {13, "a domain that is an INTEGER", UNCHANGED, {{15, 1, 0x02}}, SEC_E_INVALID_TOKEN},
    };
    static const size_t none[] = {SIZE_MAX};
    struct hex good = hex(PASSWORD);
    assert_int_equal(good.size, 31);
    catalogue_run(parse_credentials, good, cases, sizeof cases / sizeof cases[0]);
    catalogue_truncate(parse_credentials, good, none);
    catalogue_mutate(parse_credentials, good);
}

static void credentials_by_hand(void **state)
{
    static const struct {
        const char *sentence, *message;
        SECURITY_STATUS status;
    } cases[] = {
        {"nothing", "", SEC_E_INVALID_TOKEN},
        {"no credentials", "3005 a003020101", SEC_E_INVALID_TOKEN},
        {"credentials of no bytes", "3009 a003020101 a1020400", SEC_E_INVALID_TOKEN},
        {"an odd domain", "301a a003020101 a1130411 300f a0030401 64 a1040402 7500 a2020400", SEC_E_INVALID_TOKEN},
        {"an odd password", "301a a003020101 a1130411 300f a0020400 a1040402 7500 a2030401 70", SEC_E_INVALID_TOKEN},
        {"all empty", "3017 a003020101 a110040e 300c a0020400 a1020400 a2020400", SEC_E_OK},
        {"no password at all", "3013 a003020101 a10c040a 3008 a0020400 a1020400", SEC_E_INVALID_TOKEN},
        {"a card with its least", "3018 a003020102 a111040f 300d a0020400 a1073005 a003020101", SEC_E_OK},
        {"a card without keySpec", "3013 a003020102 a10c040a 3008 a0020400 a1023000", SEC_E_INVALID_TOKEN},
        {"a card without its data", "300f a003020102 a1080406 3004 a0020400", SEC_E_INVALID_TOKEN},
        {"a negative keySpec", "3018 a003020102 a111040f 300d a0020400 a1073005 a0030201ff", SEC_E_INVALID_TOKEN},
        {"an odd PIN", "3019 a003020102 a1120410 300e a0030401 31 a1073005 a003020101", SEC_E_INVALID_TOKEN},
        {"a guard with its least", "3015 a003020106 a10e040c 300a a008 a0020400 a1020400", SEC_E_INVALID_TOKEN},
        {"the same, right", "3017 a003020106 a110040e 300c a00a 3008 a0020400 a1020400", SEC_E_OK},
        {"a guard with supplemental credentials of nothing",
         "301b a003020106 a1140412 3010 a00a 3008 a0020400 a1020400 a1023000", SEC_E_OK},
        {"a guard's package of one byte", "3018 a003020106 a111040f 300d a00b 3009 a0030401 41 a1020400",
         SEC_E_INVALID_TOKEN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hex message = hex(cases[i].message);
        SECURITY_STATUS status = catalogue_try(parse_credentials, message.data, message.size);
        if (status != cases[i].status) {
            print_message("# %s: %s\n", cases[i].sentence, status_name(status));
        }
        assert_int_equal(status, cases[i].status);
    }
}

/* More supplemental credentials than there are packages. */
static void too_many_supplemental_credentials(void **state)
{
    for (unsigned count = 7; count <= 9; count++) {
        uint8_t room[256];
        struct writer out = write_into(room, sizeof room);
        static const uint8_t one[] = {0x30, 8, 0xa0, 2, 4, 0, 0xa1, 2, 4, 0};
        uint8_t list = (uint8_t)(count * sizeof one);
        const uint8_t head[] = {
            0x30, (uint8_t)(list + 27), 0xa0, 3, 2, 1, 6, 0xa1, (uint8_t)(list + 20), 4, (uint8_t)(list + 18),
            0x30, (uint8_t)(list + 16), 0xa0, 10};
        const uint8_t tail[] = {0xa1, (uint8_t)(list + 2), 0x30, list};
        write_bytes(&out, BYTES(head));
        write_bytes(&out, BYTES(one));
        write_bytes(&out, BYTES(tail));
        for (unsigned i = 0; i < count; i++) {
            write_bytes(&out, BYTES(one));
        }
        assert_int_equal(catalogue_try(parse_credentials, room, out.size), count <= 8 ? SEC_E_OK : SEC_E_INVALID_TOKEN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(requests_by_hand),
        cmocka_unit_test(credentials),
        cmocka_unit_test(credentials_by_hand),
        cmocka_unit_test(too_many_supplemental_credentials),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
