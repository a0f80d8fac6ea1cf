/* Encryption in place that keeps sizes.  There is no published vector for it: what is tested are its promises. */
#include "vectors/hex.h"

#include "crypto/memory_protect.h"

static const uint8_t key[MEMORY_KEY_SIZE] = {1, 2, 3};
static const uint8_t other_key[MEMORY_KEY_SIZE] = {1, 2, 4};

static void there_and_back(void **state)
{
    uint64_t seed = 42;
    const struct bytes tweak[] = {bytes_of("alice", 5)};
    for (size_t size = 0; size <= 300; size++) {
        uint8_t data[300], original[300];
        for (size_t i = 0; i < size; i++) {
            original[i] = data[i] = (uint8_t)test_random(&seed);
        }
        memory_protect(key, tweak, 1, data, size);
        if (size >= 8) {
            assert_memory_not_equal(data, original, size);
        }
        memory_unprotect(key, tweak, 1, data, size);
        if (size != 0) {
            assert_memory_equal(data, original, size);
        }
    }
}

static void nothing_beside_it_changes(void **state)
{
    uint8_t data[] = "<secret!>";
    memory_protect(key, NULL, 0, data + 1, 7);
    assert_int_equal(data[0], '<');
    assert_int_equal(data[8], '>');
}

/* Another key, another tweak, another cut of the same tweak: noise. */
static void only_with_the_same_key_and_tweak(void **state)
{
    static const uint8_t original[16] = "a long password";
    const struct bytes tweak[] = {bytes_of("ab", 2), bytes_of("c", 1)};
    const struct bytes cut_otherwise[] = {bytes_of("a", 1), bytes_of("bc", 2)};
    uint8_t once[16], data[16];
    memcpy(once, original, 16);
    memory_protect(key, tweak, 2, once, 16);
    memcpy(data, once, 16);
    memory_unprotect(other_key, tweak, 2, data, 16);
    assert_memory_not_equal(data, original, 16);
    memcpy(data, once, 16);
    memory_unprotect(key, cut_otherwise, 2, data, 16);
    assert_memory_not_equal(data, original, 16);
    memcpy(data, once, 16);
    memory_unprotect(key, tweak, 2, data, 16);
    assert_memory_equal(data, original, 16);
}

/* One bit, wherever it lies, changes about half of all bits: no keystream shows through. */
static void every_bit_depends_on_every_bit(void **state)
{
    static const uint8_t original[16] = "a long password";
    uint8_t base[16];
    memcpy(base, original, 16);
    memory_protect(key, NULL, 0, base, 16);
    unsigned changed_in_all = 0;
    for (unsigned bit = 0; bit < 128; bit++) {
        uint8_t data[16];
        memcpy(data, original, 16);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memory_protect(key, NULL, 0, data, 16);
        unsigned changed = 0;
        for (size_t i = 0; i < 16; i++) {
            changed += (unsigned)__builtin_popcount(base[i] ^ data[i]);
        }
        assert_in_range(changed, 30, 98); /* 64 and six times the deviation of 128 fair coins */
        changed_in_all += changed;
    }
    assert_in_range(changed_in_all, 128 * 60, 128 * 68);
}

/* Two bytes: a permutation, so no two of the 65536 values meet. */
static void a_permutation_of_short_data(void **state)
{
    static uint8_t seen[0x10000];
    for (unsigned value = 0; value < 0x10000; value++) {
        uint8_t data[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
        memory_protect(key, NULL, 0, data, 2);
        unsigned image = data[0] | data[1] << 8;
        assert_int_equal(seen[image], 0);
        seen[image] = 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(nothing_beside_it_changes),
        cmocka_unit_test(only_with_the_same_key_and_tweak),
        cmocka_unit_test(every_bit_depends_on_every_bit),
        cmocka_unit_test(a_permutation_of_short_data),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("memory_protect", tests, NULL, NULL);
}
