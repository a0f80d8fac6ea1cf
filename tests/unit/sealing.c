/* The combined pass gives what RC4 and HMAC-MD5 give when they run one after the other. */
#include "vectors/hex.h"

#include <stdlib.h>

#include "crypto/sealing.h"

#define LARGEST 70000

static uint8_t plain[LARGEST + 64];

/* One direction of a session, twice: once through the combined pass, once through the separate functions. */
struct twin {
    struct rc4 rc4;
    struct hmac_md5 mac;
};

static struct hmac_md5_key mac_key;

static void start(struct twin *twin)
{
    rc4_start(&twin->rc4, bytes_of("0123456789abcdef", 16));
    hmac_md5_start(&twin->mac, &mac_key);
    hmac_md5_update(&twin->mac, bytes_of("\1\0\0\0", 4)); /* the sequence number goes first */
}

static int setup(void **state)
{
    uint64_t seed = 42;
    for (size_t i = 0; i < sizeof plain; i++) {
        plain[i] = (uint8_t)test_random(&seed);
    }
    hmac_md5_key(&mac_key, bytes_of("signing key", 11));
    return 0;
}

static void separately(struct twin *twin, bool encrypt, uint8_t *data, size_t size)
{
    if (encrypt) {
        hmac_md5_update(&twin->mac, bytes_of(data, size));
    }
    rc4_crypt(&twin->rc4, size, data, data);
    if (!encrypt) {
        hmac_md5_update(&twin->mac, bytes_of(data, size));
    }
}

static void same(struct twin *combined, struct twin *separate, const uint8_t *a, const uint8_t *b, size_t size)
{
    struct key16 mac_a, mac_b;
    uint8_t next_a[16] = {0}, next_b[16] = {0};
    assert_memory_equal(a, b, size);
    hmac_md5_finish(&combined->mac, &mac_key, &mac_a);
    hmac_md5_finish(&separate->mac, &mac_key, &mac_b);
    assert_memory_equal(mac_a.b, mac_b.b, 16);
    rc4_crypt(&combined->rc4, sizeof next_a, next_a, next_a); /* the streams stand at the same place */
    rc4_crypt(&separate->rc4, sizeof next_b, next_b, next_b);
    assert_memory_equal(next_a, next_b, sizeof next_a);
}

/* One message of `size` bytes, cut into pieces of at most `piece`, at an address `shift` bytes off. */
static void one(bool encrypt, size_t size, size_t piece, size_t shift, uint64_t *seed)
{
    struct twin combined, separate;
    uint8_t *room = malloc(size + shift + 1);
    uint8_t *a = room + shift, *b = malloc(size + 1);
    assert_non_null(room);
    assert_non_null(b);
    memcpy(a, plain + shift, size);
    memcpy(b, plain + shift, size);
    start(&combined);
    start(&separate);
    a[size] = 0x5a;
    for (size_t at = 0; at < size;) {
        size_t now = piece >= size ? size : test_random(seed) % (piece + 1);
        now = now > size - at ? size - at : now;
        (encrypt ? sealing_encrypt : sealing_decrypt)(&combined.rc4, &combined.mac, a + at, now);
        at += now;
    }
    separately(&separate, encrypt, b, size);
    assert_int_equal(a[size], 0x5a); /* nothing behind the message was touched */
    same(&combined, &separate, a, b, size);
    free(room);
    free(b);
}

static void every_small_size(void **state)
{
    uint64_t seed = 7;
    for (size_t size = 0; size <= 300; size++) {
        for (size_t shift = 0; shift < 16; shift += 5) {
            one(true, size, size, shift, &seed);
            one(false, size, size, shift, &seed);
            one(true, size, 70, shift, &seed);
            one(false, size, 70, shift, &seed);
        }
    }
}

static void random_sizes_and_pieces(void **state)
{
    uint64_t seed = 8;
    for (unsigned i = 0; i < 150; i++) {
        size_t size = test_random(&seed) % (LARGEST + 1), piece = 1 + test_random(&seed) % 5000;
        one(i % 2 == 0, size, i % 3 == 0 ? size : piece, test_random(&seed) % 64, &seed);
    }
}

/* What one side sealed the other one opens, with the same checksum. */
static void there_and_back(void **state)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 1000, 4096, 16384, LARGEST};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct twin out, in;
        struct key16 mac_out, mac_in;
        uint8_t *data = malloc(sizes[i] + 1);
        assert_non_null(data);
        memcpy(data, plain, sizes[i]);
        start(&out);
        start(&in);
        sealing_encrypt(&out.rc4, &out.mac, data, sizes[i]);
        assert_true(sizes[i] < 16 || memcmp(data, plain, sizes[i]) != 0);
        sealing_decrypt(&in.rc4, &in.mac, data, sizes[i]);
        assert_memory_equal(data, plain, sizes[i]);
        hmac_md5_finish(&out.mac, &mac_key, &mac_out);
        hmac_md5_finish(&in.mac, &mac_key, &mac_in);
        assert_memory_equal(mac_out.b, mac_in.b, 16);
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_small_size),
        cmocka_unit_test(random_sizes_and_pieces),
        cmocka_unit_test(there_and_back),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("sealing", tests, setup, NULL);
}
