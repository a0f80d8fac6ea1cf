/* The n-th allocation of OpenSSL fails, for every n, while directions are keyed, used, updated and wiped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "schannel/record.h"

static long countdown = -1; /* allocations until one fails; negative: none will */
static long live;

static bool fails(void)
{
    return countdown >= 0 && countdown-- == 0;
}

static void *take(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    void *memory = fails() ? NULL : malloc(size);
    live += memory != NULL ? 1 : 0;
    return memory;
}

static void *resize(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    void *memory = fails() ? NULL : realloc(old, size);
    live += memory != NULL && old == NULL ? 1 : 0;
    return memory;
}

static void give(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    live -= memory != NULL ? 1 : 0;
    free(memory);
}

/* A record there and back, with an update between under TLS 1.3; the first status that is none of success. */
static SECURITY_STATUS life(const struct suite *suite, struct record_direction *send, struct record_direction *receive)
{
    uint8_t secret[48] = {1}, random[32] = {2}, record[96], type[17];
    struct record_content content;
    if (suite->tls13) {
        struct bytes traffic = bytes_of(secret, suite->hash == SUITE_SHA384 ? 48 : 32);
        TRY(record_init_tls13(send, suite, true, traffic));
        TRY(record_init_tls13(receive, suite, false, traffic));
        TRY(record_update(send));
        TRY(record_update(receive));
    } else {
        struct record_direction other = {0};
        uint8_t block[RECORD_KEY_BLOCK];
        TRY(record_key_block(suite, BYTES(secret), BYTES(random), BYTES(random), block));
        TRY(record_init_tls12_pair(send, &other, suite, true, BYTES(block)));
        record_wipe(&other);
        TRY(record_init_tls12(receive, suite, false, true, BYTES(secret), BYTES(random), BYTES(random)));
    }
    size_t header = record_header_size(send), trailer = record_trailer_size(send);
    memset(record, 'x', sizeof record);
    TRY(record_seal(send, RECORD_APPLICATION_DATA, (struct record_room){record, header},
                    (struct record_room){record + header, 32}, (struct record_room){type, sizeof type}));
    memcpy(record + header + 32, type, trailer);
    TRY(record_open(receive, (struct record_room){record, header + 32 + trailer}, &content));
    assert_int_equal(content.size, 32);
    assert_int_equal(content.data[31], 'x');
    return SEC_E_OK;
}

static void every_allocation(void **state)
{
    (void)state;
    static const uint16_t ids[] = {0x1301, 0x1302, 0x1303, 0x1304, 0x1305, 0xC02F, 0xC030, 0xCCA8, 0xC09D};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const struct suite *suite = suite_find(ids[i]);
        struct record_direction send = {0}, receive = {0};
        assert_int_equal(life(suite, &send, &receive), SEC_E_OK); /* what is made once in a process */
        record_wipe(&send);
        record_wipe(&receive);
        long before = live;
        long n = 0;
        bool failed = true;
        for (; failed; n++) {
            assert_true(n < 1000);
            countdown = n;
            SECURITY_STATUS status = life(suite, &send, &receive);
            failed = countdown < 0;
            countdown = -1;
            assert_true(failed ? status < 0 : status == SEC_E_OK);
            record_wipe(&send);
            record_wipe(&receive);
            assert_int_equal(live, before);
        }
        assert_true(n > 3); /* ciphers were made */
    }
}

/* The first of all: the library context and the algorithms. */
static void first_use(void **state)
{
    (void)state;
    uint8_t secret[32] = {1};
    SECURITY_STATUS status = SEC_E_INSUFFICIENT_MEMORY;
    for (long n = 0; n < 400 && status < 0; n += 7) {
        struct record_direction direction = {0};
        countdown = n;
        status = record_init_tls13(&direction, suite_find(0x1301), true, BYTES(secret));
        countdown = -1;
        assert_true(status == SEC_E_OK || status == SEC_E_INSUFFICIENT_MEMORY || status == SEC_E_ALGORITHM_MISMATCH ||
                    status == SEC_E_INTERNAL_ERROR);
        record_wipe(&direction);
    }
    struct record_direction direction = {0};
    assert_int_equal(record_init_tls13(&direction, suite_find(0x1301), true, BYTES(secret)), SEC_E_OK);
    record_wipe(&direction);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(first_use), cmocka_unit_test(every_allocation)};
    if (CRYPTO_set_mem_functions(take, resize, give) != 1) {
        return 1;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("torture schannel_record", tests, NULL, NULL);
}
