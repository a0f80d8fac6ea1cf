/* Catalogues of malformed messages: a good message, and numbered ways of spoiling it, a sentence each.
 *
 * Every spoilt message lies in memory of exactly its size, so that a byte read behind it is seen by the sanitizers.
 */
#ifndef OPENSSPI_TESTS_CATALOGUE_H
#define OPENSSPI_TESTS_CATALOGUE_H

#include "vectors/hex.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/status.h"
#include "wire/reader.h"

/* Parses, and fails the test when a slice of the result lies outside the message. */
typedef SECURITY_STATUS catalogue_parse(struct bytes message);

struct change {
    size_t at, width; /* width 0 ends the list */
    uint64_t value;   /* little-endian */
};

#define UNCHANGED SIZE_MAX

struct spoilt {
    unsigned number;
    const char *sentence;
    size_t size; /* the message is cut or filled with zeros to this size; UNCHANGED */
    struct change changes[4];
    SECURITY_STATUS status;
};

static inline void catalogue_inside(struct bytes message, struct bytes slice)
{
    if (slice.size != 0) {
        assert_true(slice.data >= message.data);
        assert_true(slice.size <= message.size);
        assert_true((size_t)(slice.data - message.data) <= message.size - slice.size);
    }
}

/* Parses a copy that ends where its memory ends. */
static inline SECURITY_STATUS catalogue_try(catalogue_parse *parse, const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    assert_non_null(copy);
    memcpy(copy, data, size);
    status_begin();
    SECURITY_STATUS status = parse(bytes_of(copy, size));
    /* A refusal says why; the parsers know no other verdicts. */
    assert_true(status == SEC_E_OK || status == SEC_E_INVALID_TOKEN);
    assert_true((status == SEC_E_OK) == (status_reason(NULL, NULL, NULL) == NULL));
    free(copy);
    return status;
}

static inline void catalogue_put(uint8_t *data, const struct change *change)
{
    for (size_t i = 0; i < change->width; i++) {
        data[change->at + i] = (uint8_t)(change->value >> 8 * i);
    }
}

static inline void catalogue_run(catalogue_parse *parse, struct hex good, const struct spoilt *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct hex message = good;
        memset(message.data + message.size, 0, sizeof message.data - message.size);
        for (const struct change *change = cases[i].changes; change->width != 0; change++) {
            assert_true(change->at + change->width <= sizeof message.data);
            catalogue_put(message.data, change);
        }
        message.size = cases[i].size == UNCHANGED ? good.size : cases[i].size;
        SECURITY_STATUS status = catalogue_try(parse, message.data, message.size);
        if (status != cases[i].status) {
            print_message("# %u: %s\n#    expected %s, got %s\n", cases[i].number, cases[i].sentence,
                          status_name(cases[i].status), status_name(status));
            fail();
        }
    }
}

/* Every prefix: `good_sizes` (ended by SIZE_MAX) are whole messages, any other one is not. */
static inline void catalogue_truncate(catalogue_parse *parse, struct hex good, const size_t *good_sizes)
{
    for (size_t size = 0; size < good.size; size++) {
        bool expected = false;
        for (const size_t *at = good_sizes; *at != SIZE_MAX; at++) {
            expected = expected || *at == size;
        }
        SECURITY_STATUS status = catalogue_try(parse, good.data, size);
        if ((status == SEC_E_OK) != expected) {
            print_message("# cut after %zu bytes: %s\n", size, status_name(status));
            fail();
        }
    }
    assert_int_equal(catalogue_try(parse, good.data, good.size), SEC_E_OK);
}

/* Every length and offset that could slip through a bounds check, in one field.  A payload is good when it is empty or
 * lies between `fixed_size` and the end; an odd one is not when `even` is set. */
static inline void catalogue_field(catalogue_parse *parse, struct hex good, size_t field_at, size_t fixed_size,
                                   bool even)
{
    const uint64_t size = good.size;
    const uint64_t lengths[] = {0, 1, 2, 3, 16, 24, size - fixed_size, size, size + 1, 0x7fff, 0x8000, 0xfffe, 0xffff};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint64_t n = lengths[i] & 0xffff;
        const uint64_t offsets[] = {0,
                                    1,
                                    8,
                                    12,
                                    field_at,
                                    fixed_size - 1,
                                    fixed_size,
                                    fixed_size + 1,
                                    size - 1,
                                    size,
                                    size + 1,
                                    size - n,
                                    size - n + 1,
                                    0x7fffffff,
                                    0x80000000,
                                    0xffffffff,
                                    0x100000000 - n,        /* the end wraps to 0 */
                                    0x100000000 - n + size, /* and to the end of the message */
                                    0x100000000 - n + fixed_size};
        for (size_t j = 0; j < sizeof offsets / sizeof offsets[0]; j++) {
            uint64_t offset = offsets[j] & 0xffffffff;
            struct hex message = good;
            catalogue_put(message.data, &(struct change){field_at, 2, n});
            catalogue_put(message.data, &(struct change){field_at + 2, 2, 0}); /* MaxLen, ignored on receipt */
            catalogue_put(message.data, &(struct change){field_at + 4, 4, offset});
            bool expected = n == 0 || (offset >= fixed_size && offset + n <= size && !(even && n % 2 != 0));
            SECURITY_STATUS status = catalogue_try(parse, message.data, message.size);
            if ((status == SEC_E_OK) != expected) {
                print_message("# field at %zu with %llu bytes at %llu: %s\n", field_at, (unsigned long long)n,
                              (unsigned long long)offset, status_name(status));
                fail();
            }
        }
    }
}

/* Every single byte with every value, then many bytes at random: whatever the verdict, no crash and no slice outside. */
static inline void catalogue_mutate(catalogue_parse *parse, struct hex good)
{
    uint64_t seed = 20;
    for (size_t at = 0; at < good.size; at++) {
        struct hex message = good;
        for (unsigned value = 0; value < 256; value++) {
            message.data[at] = (uint8_t)value;
            (void)catalogue_try(parse, message.data, message.size);
        }
    }
    for (unsigned i = 0; i < 20000; i++) {
        struct hex message = good;
        for (unsigned change = 1 + test_random(&seed) % 8; change != 0; change--) {
            message.data[test_random(&seed) % good.size] = (uint8_t)test_random(&seed);
        }
        (void)catalogue_try(parse, message.data, test_random(&seed) % (good.size + 1));
    }
}

#endif
