/* UTF-16 texts for tests. */
#ifndef OPENSSPI_TESTS_TEXT_H
#define OPENSSPI_TESTS_TEXT_H

#include "text/utf16.h"
#include "vectors/hex.h"

/* A literal as text: T("abc"). */
#define T(literal) ((struct utf16){(const uint8_t *)u##literal, sizeof u##literal - 2})

#define assert_text(actual, literal) assert_text_is((actual), T(literal), __FILE__, __LINE__)

static inline void assert_text_is(struct utf16 actual, struct utf16 expected, const char *file, int line)
{
    _assert_int_equal(actual.size, expected.size, file, line);
    if (expected.size != 0) {
        _assert_memory_equal(actual.data, expected.data, expected.size, file, line);
    }
}

#endif
