/* What frames the messages of Kerberos, the authenticator's checksum, KERB-TGT-REQUEST and KERB-TGT-REPLY, spoilt (RFC 4121
 * 4.1, draft-swift-win2k-krb-user2user 3).
 */
#include "malformed/catalogue.h"

#include "kerberos/ap_messages.h"

static SECURITY_STATUS parse_token(struct bytes message)
{
    struct ap_token token;
    return ap_token_parse(message, &token);
}

/* offset 0 frame, 2 OID, 13 TOK_ID, 15 body. */
static const char token_text[] = "6010 06092a864886f712010202 0100 6e0100";

static void token(void **state)
{
    static const struct spoilt cases[] = {
        {1, "an application tag that is not 0", UNCHANGED, {{0, 1, 0x61}}, SEC_E_INVALID_TOKEN},
        {2, "the frame is longer than the message", UNCHANGED, {{1, 1, 0x11}}, SEC_E_INVALID_TOKEN},
        {3, "the frame is shorter than the message", UNCHANGED, {{1, 1, 0x0f}}, SEC_E_INVALID_TOKEN},
        {4, "a frame of indefinite length", UNCHANGED, {{1, 1, 0x80}}, SEC_E_INVALID_TOKEN},
        {5, "no OID in the frame", UNCHANGED, {{2, 1, 0x04}}, SEC_E_INVALID_TOKEN},
        {6, "an OID that leaves the frame", UNCHANGED, {{3, 1, 0x7f}}, SEC_E_INVALID_TOKEN},
        {7, "another mechanism", UNCHANGED, {{12, 1, 0x09}}, SEC_E_INVALID_TOKEN},
        {8, "an unknown TOK_ID", UNCHANGED, {{13, 1, 0x06}}, SEC_E_INVALID_TOKEN},
        {9, "a per-message token's TOK_ID", UNCHANGED, {{13, 2, 0x0405}}, SEC_E_INVALID_TOKEN},
        {10, "nothing behind the OID", 13, {{1, 1, 0x0b}}, SEC_E_INVALID_TOKEN},
        {11, "half a TOK_ID", 14, {{1, 1, 0x0c}}, SEC_E_INVALID_TOKEN},
        {12, "a byte behind the frame", 19, {{0, 0, 0}}, SEC_E_INVALID_TOKEN},
        {13, "no body: who reads that says so", 15, {{1, 1, 0x0d}}, SEC_E_OK},
        {14, "Windows' other OID", UNCHANGED, {{7, 1, 0x82}}, SEC_E_OK},
        {15, "a KRB-ERROR's TOK_ID", UNCHANGED, {{13, 1, 0x03}}, SEC_E_OK},
    };
    static const size_t whole[] = {SIZE_MAX};
    catalogue_run(parse_token, hex(token_text), cases, sizeof cases / sizeof cases[0]);
    catalogue_truncate(parse_token, hex(token_text), whole);
}

static SECURITY_STATUS parse_checksum(struct bytes message)
{
    struct ap_checksum checksum;
    return ap_checksum_parse(message, &checksum);
}

/* offset 0 length 16, 4 bindings, 20 flags with DELEGATE, 24 option, 26 length 3, 28 KRB-CRED. */
static const char checksum_text[] = "10000000 00112233445566778899aabbccddeeff 03000000 0100 0300 760100";

static void checksum(void **state)
{
    static const struct spoilt cases[] = {
        {1, "bindings of 17 bytes", UNCHANGED, {{0, 1, 17}}, SEC_E_INVALID_TOKEN},
        {2, "bindings of 2^31 bytes", UNCHANGED, {{3, 1, 0x80}}, SEC_E_INVALID_TOKEN},
        {3, "an option that is not delegation", UNCHANGED, {{24, 1, 2}}, SEC_E_INVALID_TOKEN},
        {4, "credentials that are not all there", UNCHANGED, {{26, 1, 4}}, SEC_E_INVALID_TOKEN},
        {5, "no credentials, and DELEGATE", UNCHANGED, {{26, 1, 0}}, SEC_E_INVALID_TOKEN},
        {6, "an extension behind the credentials", UNCHANGED, {{26, 1, 2}}, SEC_E_OK},
        {7, "no DELEGATE: what follows is an extension", UNCHANGED, {{20, 1, 2}}, SEC_E_OK},
    };
    static const size_t whole[] = {SIZE_MAX};
    catalogue_run(parse_checksum, hex(checksum_text), cases, sizeof cases / sizeof cases[0]);
    catalogue_truncate(parse_checksum, hex(checksum_text), whole);
}

static SECURITY_STATUS parse_request(struct bytes message)
{
    struct tgt_request request;
    return tgt_request_parse(message, &request);
}

/* offset 2 pvno, 7 msg-type, 12 server-name [2], 14 SEQUENCE, 16 name-type, 21 [1], 23 SEQUENCE, 25 and 29 strings,
 * 32 realm [3]. */
static const char request_text[] =
    "3025 a003020105 a103020110 a212 3010 a003020102 a109 3007 1b0161 1b026263 a305 1b0352454c";

static void request(void **state)
{
    static const struct spoilt cases[] = {
        {1, "a SET", UNCHANGED, {{0, 1, 0x31}}, SEC_E_INVALID_TOKEN},
        {2, "longer than the message", UNCHANGED, {{1, 1, 0x26}}, SEC_E_INVALID_TOKEN},
        {3, "version 4", UNCHANGED, {{6, 1, 4}}, SEC_E_INVALID_TOKEN},
        {4, "the type of a reply", UNCHANGED, {{11, 1, 0x11}}, SEC_E_INVALID_TOKEN},
        {5, "no version", UNCHANGED, {{2, 1, 0xa4}}, SEC_E_INVALID_TOKEN},
        {6, "a name that is no SEQUENCE", UNCHANGED, {{14, 1, 0x04}}, SEC_E_INVALID_TOKEN},
        {7, "a name that leaves its tag", UNCHANGED, {{15, 1, 0x11}}, SEC_E_INVALID_TOKEN},
        {8, "a string that leaves the list", UNCHANGED, {{26, 1, 0x7f}}, SEC_E_INVALID_TOKEN},
        {9, "a number among the strings", UNCHANGED, {{25, 1, 0x02}}, SEC_E_INVALID_TOKEN},
        {10, "a byte behind it", 40, {{0, 0, 0}}, SEC_E_INVALID_TOKEN},
    };
    static const size_t whole[] = {SIZE_MAX};
    catalogue_run(parse_request, hex(request_text), cases, sizeof cases / sizeof cases[0]);
    catalogue_run(parse_token, hex(request_text), cases, sizeof cases / sizeof cases[0]); /* as it is, in DCE style */
    catalogue_truncate(parse_request, hex(request_text), whole);
}

static SECURITY_STATUS parse_reply(struct bytes message)
{
    struct bytes ticket;
    return tgt_reply_parse(message, &ticket);
}

/* offset 12 [2], 14 the ticket. */
static const char reply_text[] = "3011 a003020105 a103020111 a205 6103 020101";

static void reply(void **state)
{
    static const struct spoilt cases[] = {
        {1, "version 4", UNCHANGED, {{6, 1, 4}}, SEC_E_INVALID_TOKEN},
        {2, "the type of a request", UNCHANGED, {{11, 1, 0x10}}, SEC_E_INVALID_TOKEN},
        {3, "no ticket", 12, {{1, 1, 0x0a}}, SEC_E_INVALID_TOKEN},
        {4, "something else than a ticket", UNCHANGED, {{14, 1, 0x62}}, SEC_E_INVALID_TOKEN},
        {5, "a string for a ticket", UNCHANGED, {{14, 1, 0x04}}, SEC_E_INVALID_TOKEN},
        {6, "a ticket that leaves its tag", UNCHANGED, {{15, 1, 0x04}}, SEC_E_INVALID_TOKEN},
        {7, "a byte behind it", 20, {{0, 0, 0}}, SEC_E_INVALID_TOKEN},
    };
    static const size_t whole[] = {SIZE_MAX};
    catalogue_run(parse_reply, hex(reply_text), cases, sizeof cases / sizeof cases[0]);
    catalogue_run(parse_token, hex(reply_text), cases, sizeof cases / sizeof cases[0]); /* as it is, in DCE style */
    catalogue_truncate(parse_reply, hex(reply_text), whole);
}

static SECURITY_STATUS parse_ap_request(struct bytes message)
{
    struct bytes ticket = BYTES_NONE;
    SECURITY_STATUS status = ap_request_ticket(message, &ticket);
    catalogue_inside(message, ticket);
    return status;
}

/* offset 2 SEQUENCE, 4 pvno, 9 msg-type, 14 ap-options, 23 ticket [3], 25 the ticket, 30 authenticator [4]. */
static const char ap_request_text[] =
    "6e23 3021 a003020105 a10302010e a20703050020000000 a305 6103 020101 a405 3003 020100";

static void ap_request(void **state)
{
    static const struct spoilt cases[] = {
        {1, "another application tag", UNCHANGED, {{0, 1, 0x6f}}, SEC_E_INVALID_TOKEN},
        {2, "longer than the message", UNCHANGED, {{1, 1, 0x24}}, SEC_E_INVALID_TOKEN},
        {3, "a SET", UNCHANGED, {{2, 1, 0x31}}, SEC_E_INVALID_TOKEN},
        {4, "version 4", UNCHANGED, {{8, 1, 4}}, SEC_E_INVALID_TOKEN},
        {5, "the type of a reply", UNCHANGED, {{13, 1, 0x0f}}, SEC_E_INVALID_TOKEN},
        {6, "something else than a ticket", UNCHANGED, {{25, 1, 0x62}}, SEC_E_INVALID_TOKEN},
        {7, "a string for a ticket", UNCHANGED, {{25, 1, 0x04}}, SEC_E_INVALID_TOKEN},
        {8, "a ticket that leaves its tag", UNCHANGED, {{26, 1, 0x04}}, SEC_E_INVALID_TOKEN},
        {9, "no ticket", UNCHANGED, {{23, 1, 0xa5}}, SEC_E_INVALID_TOKEN},
        {10, "no authenticator", 30, {{1, 1, 0x1c}, {3, 1, 0x1a}}, SEC_E_INVALID_TOKEN},
        {11, "a byte behind it", 38, {{0, 0, 0}}, SEC_E_INVALID_TOKEN},
    };
    static const size_t whole[] = {SIZE_MAX};
    catalogue_run(parse_ap_request, hex(ap_request_text), cases, sizeof cases / sizeof cases[0]);
    catalogue_truncate(parse_ap_request, hex(ap_request_text), whole);
    catalogue_mutate(parse_ap_request, hex(ap_request_text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(token), cmocka_unit_test(checksum), cmocka_unit_test(request),
                                       cmocka_unit_test(reply), cmocka_unit_test(ap_request)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("kerberos_messages", tests, NULL, NULL);
}
