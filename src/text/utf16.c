#include "text/utf16.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "text/upcase.h"

struct utf16 utf16_from_wide(const uint16_t *wide)
{
    size_t length = 0;
    if (wide == NULL) {
        return UTF16_NONE;
    }
    while (wide[length] != 0) {
        length++;
    }
    return (struct utf16){(const uint8_t *)wide, 2 * length};
}

struct utf16 utf16_head(struct utf16 text, size_t index)
{
    return (struct utf16){text.data, 2 * index < text.size ? 2 * index : text.size};
}

struct utf16 utf16_tail(struct utf16 text, size_t index)
{
    if (2 * index >= text.size) {
        return UTF16_NONE;
    }
    return (struct utf16){text.data + 2 * index, text.size - 2 * index};
}

size_t utf16_find(struct utf16 text, uint16_t unit)
{
    for (size_t i = 0; i < utf16_length(text); i++) {
        if (utf16_unit(text, i) == unit) {
            return i;
        }
    }
    return SIZE_MAX;
}

size_t utf16_find_last(struct utf16 text, uint16_t unit)
{
    for (size_t i = utf16_length(text); i-- > 0;) {
        if (utf16_unit(text, i) == unit) {
            return i;
        }
    }
    return SIZE_MAX;
}

SECURITY_STATUS utf16_copy(struct utf16 text, struct utf16 *out)
{
    if (text.size == 0) {
        *out = UTF16_NONE;
        return SEC_E_OK;
    }
    uint8_t *data = malloc(text.size);
    REQUIRE(data != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a text");
    memcpy(data, text.data, text.size);
    *out = (struct utf16){data, text.size};
    return SEC_E_OK;
}

/* One code point of UTF-8, moving `at` past it; UINT32_MAX when it is not one (Unicode 15, table 3-7). */
static uint32_t utf8_next(struct bytes utf8, size_t *at)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t lead = utf8.data[*at];
    size_t size = lead < 0x80             ? 1
                  : (lead & 0xE0) == 0xC0 ? 2
                  : (lead & 0xF0) == 0xE0 ? 3
                  : (lead & 0xF8) == 0xF0 ? 4
                                          : 0;
    if (size == 0 || size > utf8.size - *at) {
        return UINT32_MAX;
    }
    uint32_t point = size == 1 ? lead : lead & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        uint8_t next = utf8.data[*at + i];
        if ((next & 0xC0) != 0x80) {
            return UINT32_MAX;
        }
        point = point << 6 | (next & 0x3Fu);
    }
    *at += size;
    return point < smallest[size] || point > 0x10FFFF ? UINT32_MAX : point;
}

static uint8_t *put_unit(uint8_t *at, uint32_t unit)
{
    at[0] = (uint8_t)unit;
    at[1] = (uint8_t)(unit >> 8);
    return at + 2;
}

SECURITY_STATUS utf16_from_utf8(struct bytes utf8, struct utf16 *out)
{
    if (utf8.size == 0) {
        *out = UTF16_NONE;
        return SEC_E_OK;
    }
    REQUIRE(utf8.size <= SIZE_MAX / 2, SEC_E_INSUFFICIENT_MEMORY, "a text of impossible size");
    uint8_t *data = malloc(2 * utf8.size); /* every UTF-8 byte makes at most one unit */
    REQUIRE(data != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a text");
    uint8_t *end = data;
    for (size_t at = 0; at < utf8.size;) {
        uint32_t point = utf8_next(utf8, &at);
        if (point == UINT32_MAX) {
            secret_wipe(data, 2 * utf8.size);
            free(data);
            FAIL(SEC_E_INVALID_TOKEN, "a text is not UTF-8 (Unicode 15, table 3-7)");
        }
        if (point >= 0x10000) {
            end = put_unit(end, 0xD800 + ((point - 0x10000) >> 10));
            point = 0xDC00 + ((point - 0x10000) & 0x3FF);
        }
        end = put_unit(end, point);
    }
    *out = (struct utf16){data, (size_t)(end - data)};
    return SEC_E_OK;
}

/* The code point at `index`, moving past it; an unpaired surrogate is itself. */
static uint32_t utf16_next(struct utf16 text, size_t *index)
{
    uint32_t high = utf16_unit(text, (*index)++);
    if ((high & 0xFC00) != 0xD800 || *index >= utf16_length(text)) {
        return high;
    }
    uint32_t low = utf16_unit(text, *index);
    if ((low & 0xFC00) != 0xDC00) {
        return high;
    }
    (*index)++;
    return 0x10000 + ((high & 0x3FF) << 10 | (low & 0x3FF));
}

static size_t utf8_size(uint32_t point)
{
    return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

size_t utf16_utf8_size(struct utf16 text)
{
    size_t size = 0;
    for (size_t i = 0; i < utf16_length(text);) {
        size += utf8_size(utf16_next(text, &i));
    }
    return size;
}

void utf16_utf8_write(struct utf16 text, char *out)
{
    static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = 0; i < utf16_length(text);) {
        uint32_t point = utf16_next(text, &i);
        size_t size = utf8_size(point);
        for (size_t byte = size; byte-- > 1;) {
            out[byte] = (char)(0x80 | (point & 0x3F));
            point >>= 6;
        }
        out[0] = (char)(lead[size] | point);
        out += size;
    }
}

SECURITY_STATUS utf16_to_utf8(struct utf16 text, char **out, size_t *out_size)
{
    size_t size = utf16_utf8_size(text);
    char *utf8 = malloc(size + 1);
    REQUIRE(utf8 != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a text");
    utf16_utf8_write(text, utf8);
    utf8[size] = '\0';
    *out = utf8;
    if (out_size != NULL) {
        *out_size = size;
    }
    return SEC_E_OK;
}

void utf16_free(struct utf16 *text)
{
    if (text->data != NULL) {
        secret_wipe((void *)(uintptr_t)text->data, text->size);
        free((void *)(uintptr_t)text->data);
    }
    *text = UTF16_NONE;
}

bool utf16_equal(struct utf16 a, struct utf16 b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool utf16_equal_nocase(struct utf16 a, struct utf16 b)
{
    if (a.size != b.size) {
        return false;
    }
    for (size_t i = 0; i < utf16_length(a); i++) {
        uint16_t left = utf16_unit(a, i);
        uint16_t right = utf16_unit(b, i);
        if (left != right && upcase_unit(left) != upcase_unit(right)) {
            return false;
        }
    }
    return true;
}
