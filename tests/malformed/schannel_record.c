/* Records of TLS, spoilt: by strangers who have no key, in the header; and by a peer who has one, inside. */
#include "malformed/catalogue.h"

#include <openssl/evp.h>

#include "schannel.h"
#include "schannel/record.h"
#include "schannel/record_keys.h"

/* ---------------------------------------------------------------- headers: what record_peek says */

struct header {
    unsigned number;
    const char *sentence;
    const char *bytes;
    uint16_t version; /* RECORD_TLS13 ..., 0: before any */
    SECURITY_STATUS status;
    uint8_t alert;
    size_t size, missing;
};

static void headers(void **state)
{
    (void)state;
    enum { UNEXPECTED = TLS1_ALERT_UNEXPECTED_MESSAGE, OVERFLOW = TLS1_ALERT_RECORD_OVERFLOW };
    static const struct header cases[] = {
        {1, "nothing yet", "", RECORD_TLS13, SEC_E_OK, 0, 0, 5},
        {2, "one byte", "17", RECORD_TLS13, SEC_E_OK, 0, 0, 4},
        {3, "four bytes", "17030300", RECORD_TLS13, SEC_E_OK, 0, 0, 1},
        {4, "a header", "1703030020", RECORD_TLS13, SEC_E_OK, 0, 37, 32},
        {5, "the longest of TLS 1.3", "1703034100", RECORD_TLS13, SEC_E_OK, 0, 16645, 16640},
        {6, "one byte longer", "1703034101", RECORD_TLS13, SEC_E_ILLEGAL_MESSAGE, OVERFLOW, 0, 0},
        {7, "the longest of TLS 1.2", "1703034800", RECORD_TLS12, SEC_E_OK, 0, 18437, 18432},
        {8, "one byte longer", "1703034801", RECORD_TLS12, SEC_E_ILLEGAL_MESSAGE, OVERFLOW, 0, 0},
        {9, "the longest there is", "170303ffff", RECORD_TLS12, SEC_E_ILLEGAL_MESSAGE, OVERFLOW, 0, 0},
        {10, "no content type, at once", "fa", RECORD_TLS13, SEC_E_INVALID_TOKEN, UNEXPECTED, 0, 0},
        {11, "content type 0", "0003030020", RECORD_TLS12, SEC_E_INVALID_TOKEN, UNEXPECTED, 0, 0},
        {12, "content type 19", "1303030020", RECORD_TLS12, SEC_E_INVALID_TOKEN, UNEXPECTED, 0, 0},
        {13, "heartbeat", "1803030020", RECORD_TLS12, SEC_E_INVALID_TOKEN, UNEXPECTED, 0, 0},
        {14, "version 2, at once", "1702", RECORD_TLS12, SEC_E_INVALID_TOKEN, UNEXPECTED, 0, 0},
        {15, "version 4.3", "1704030020", RECORD_TLS12, SEC_E_INVALID_TOKEN, UNEXPECTED, 0, 0},
        {16, "a minor version is not judged", "17031a0020", RECORD_TLS13, SEC_E_OK, 0, 37, 32},
        {17, "a handshake record in the clear", "1603030020", RECORD_TLS13, SEC_E_ILLEGAL_MESSAGE, UNEXPECTED, 0, 0},
        {18, "an alert in the clear", "1503030002", RECORD_TLS13, SEC_E_ILLEGAL_MESSAGE, UNEXPECTED, 0, 0},
        {19, "a change of cipher", "1403030001", RECORD_TLS13, SEC_E_ILLEGAL_MESSAGE, UNEXPECTED, 0, 0},
        {20, "the same under TLS 1.2", "1403030001", RECORD_TLS12, SEC_E_OK, 0, 6, 1},
        {21, "a hello, before any version", "1603010200", 0, SEC_E_OK, 0, 517, 512},
        {22, "a length of 0", "1703030000", RECORD_TLS12, SEC_E_OK, 0, 5, 0},
        {23, "text", "474554202f", 0, SEC_E_INVALID_TOKEN, UNEXPECTED, 0, 0},
        {24, "a hello of SSL 2", "802e010301", 0, SEC_E_INVALID_TOKEN, UNEXPECTED, 0, 0},
        {25, "DTLS under TLS", "16feff0000", 0, SEC_E_INVALID_TOKEN, UNEXPECTED, 0, 0},
        {26, "DTLS", "17fefd0001000000000001 0020", 0xFEFD, SEC_E_OK, 0, 45, 32},
        {27, "half a header of DTLS", "17fefd0001", 0xFEFD, SEC_E_OK, 0, 0, 8},
        {28, "TLS under DTLS", "1703030020", 0xFEFD, SEC_E_INVALID_TOKEN, UNEXPECTED, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hex header = hex(cases[i].bytes);
        uint8_t *copy = malloc(header.size + 1);
        struct record_frame frame = {0};
        uint8_t alert = 0;
        memcpy(copy, header.data, header.size);
        uint8_t *exact = realloc(copy, header.size == 0 ? 1 : header.size); /* nothing behind it to be read */
        SECURITY_STATUS status = record_peek(bytes_of(exact, header.size), cases[i].version, &frame, &alert);
        if (status != cases[i].status || alert != cases[i].alert || frame.size != cases[i].size ||
            frame.missing != cases[i].missing) {
            print_message("# %u: %s: %s, alert %u, size %zu, missing %zu\n", cases[i].number, cases[i].sentence,
                          status_name(status), alert, frame.size, frame.missing);
            fail();
        }
        free(exact);
    }
}

/* ---------------------------------------------------------------- bodies: what record_open says */

static const uint8_t secret[32] = {5, 4, 3, 2, 1};

static struct record_direction direction(bool tls13)
{
    struct record_direction out = {0};
    uint8_t random[32] = {1}, master[48] = {2};
    SECURITY_STATUS status =
        tls13 ? record_init_tls13(&out, suite_find(0x1301), false, BYTES(secret))
              : record_init_tls12(&out, suite_find(0xC02F), false, true, BYTES(master), BYTES(random), BYTES(random));
    assert_int_equal(status, SEC_E_OK);
    return out;
}

/* Bytes without a key: every length from 0 on, in memory of exactly that size. */
static void bodies(void **state)
{
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        for (size_t size = 0; size < 80; size++) {
            struct record_direction receive = direction(tls13);
            struct record_content content;
            uint8_t *record = calloc(1, 5 + size);
            record[0] = 23;
            record[1] = record[2] = 3;
            record[4] = (uint8_t)size;
            SECURITY_STATUS status = record_open(&receive, (struct record_room){record, 5 + size}, &content);
            assert_int_equal(status, size < (tls13 ? 16 : 24) ? SEC_E_INVALID_TOKEN : SEC_E_MESSAGE_ALTERED);
            assert_int_equal(receive.alert, TLS1_ALERT_BAD_RECORD_MAC);
            assert_true(receive.dead);
            record_wipe(&receive);
            free(record);
        }
    }
}

/* Not exactly one record. */
static void boundaries(void **state)
{
    (void)state;
    struct hex record = hex("1703030018 000000000000000000000000000000000000000000000000 00");
    for (size_t size = 0; size <= record.size; size++) {
        struct record_direction receive = direction(false);
        struct record_content content;
        struct hex copy = record;
        SECURITY_STATUS status = record_open(&receive, (struct record_room){copy.data, size}, &content);
        assert_int_equal(status, size == 29 ? SEC_E_MESSAGE_ALTERED : SEC_E_INVALID_TOKEN);
        record_wipe(&receive);
    }
}

/* What a peer with the key could send, made with OpenSSL's cipher straight: `size` bytes of content in one record
 * of TLS 1.3, with `type` behind it. */
static SECURITY_STATUS open_inner(size_t size, uint8_t type, uint8_t *alert)
{
    static uint8_t record[5 + 16640];
    uint8_t key[16], iv[12];
    size_t body = size + 1 + 16;
    int done;
    memset(record, 'x', sizeof record);
    record[0] = 23;
    record[1] = record[2] = 3;
    record[3] = (uint8_t)(body >> 8);
    record[4] = (uint8_t)body;
    record[5 + size] = type;
    record_expand_label(SUITE_SHA256, BYTES(secret), "key", key, sizeof key);
    record_expand_label(SUITE_SHA256, BYTES(secret), "iv", iv, sizeof iv);
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), NULL, key, iv), 1);
    assert_int_equal(EVP_EncryptUpdate(cipher, NULL, &done, record, 5), 1);
    assert_int_equal(EVP_EncryptUpdate(cipher, record + 5, &done, record + 5, (int)size + 1), 1);
    assert_int_equal(EVP_EncryptFinal_ex(cipher, record, &done), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16, record + 5 + size + 1), 1);
    EVP_CIPHER_CTX_free(cipher);
    struct record_direction receive = direction(true);
    struct record_content content;
    SECURITY_STATUS status = record_open(&receive, (struct record_room){record, 5 + body}, &content);
    *alert = receive.alert;
    for (size_t i = 0; status < 0 && i < size; i++) {
        assert_int_equal(record[5 + i], 0);
    }
    record_wipe(&receive);
    return status;
}

static void too_long_inside(void **state)
{
    (void)state;
    uint8_t alert;
    assert_int_equal(open_inner(16384, 23, &alert), SEC_E_OK);
    assert_int_equal(open_inner(16385, 23, &alert), SEC_E_ILLEGAL_MESSAGE); /* RFC 8446 5.4 */
    assert_int_equal(alert, TLS1_ALERT_RECORD_OVERFLOW);
    assert_int_equal(open_inner(16385, 0, &alert), SEC_E_ILLEGAL_MESSAGE);
    assert_int_equal(open_inner(16623, 23, &alert), SEC_E_ILLEGAL_MESSAGE);
    assert_int_equal(alert, TLS1_ALERT_RECORD_OVERFLOW);
}

/* A record that opened once does not open again, nor after one that was left out. */
static void replayed(void **state)
{
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        for (int skip = 0; skip < 2; skip++) {
            struct record_direction send = direction(tls13), receive = direction(tls13);
            struct record_content content;
            uint8_t records[2][64] = {{0}};
            size_t before = record_header_size(&send), after = record_trailer_size(&send), size = before + 8 + after;
            for (int i = 0; i < 2; i++) {
                assert_int_equal(record_seal(&send, 23, (struct record_room){records[i], before},
                                             (struct record_room){records[i] + before, 8},
                                             (struct record_room){records[i] + before + 8, after}),
                                 SEC_E_OK);
            }
            if (!skip) {
                memcpy(records[1], records[0], size);
                assert_int_equal(record_open(&receive, (struct record_room){records[0], size}, &content), SEC_E_OK);
            }
            assert_int_equal(record_open(&receive, (struct record_room){records[1], size}, &content),
                             SEC_E_MESSAGE_ALTERED);
            record_wipe(&send);
            record_wipe(&receive);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),         cmocka_unit_test(bodies),   cmocka_unit_test(boundaries),
        cmocka_unit_test(too_long_inside), cmocka_unit_test(replayed),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
