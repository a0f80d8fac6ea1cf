/* Bytes written as hexadecimal text, for vectors that are short enough to stand in a test. */
#ifndef OPENSSPI_TESTS_HEX_H
#define OPENSSPI_TESTS_HEX_H

#include <stdint.h>
#include <stdio.h>

#include "base/bytes.h"

#define HEX_MAX 1024

struct hex {
    uint8_t data[HEX_MAX];
    size_t size;
};

/* Blanks separate as they like. */
static inline struct hex hex(const char *text)
{
    struct hex out = {.size = 0};
    unsigned byte;
    int used;
    while (sscanf(text, " %2x%n", &byte, &used) == 1 && out.size < HEX_MAX) {
        out.data[out.size++] = (uint8_t)byte;
        text += used;
    }
    return out;
}

#define HEX_BYTES(hex_value) bytes_of((hex_value).data, (hex_value).size)

/* cmocka's headers, in the order they want. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#define assert_hex(actual, actual_size, text)                                                                          \
    do {                                                                                                               \
        struct hex expected_ = hex(text);                                                                              \
        assert_int_equal((actual_size), expected_.size);                                                               \
        assert_memory_equal((actual), expected_.data, expected_.size);                                                 \
    } while (0)

/* A generator for tests that try many inputs: the same ones in every run (xorshift, Marsaglia 2003). */
static inline uint32_t test_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 16);
}

#endif
