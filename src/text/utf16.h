/* Text inside the library: UTF-16LE code units with a length in bytes, as the W functions, the NT hash and the NTLM wire
 * have it.  Unpaired surrogates survive.  UTF-8 exists only at the edges: api/ansi.c, account files, the tool.
 *
 * A struct utf16 borrows its bytes unless a function says that it owns them; owned text is freed with utf16_free, which
 * wipes.  The bytes need no alignment: a slice may point into a message.
 */
#ifndef OPENSSPI_TEXT_UTF16_H
#define OPENSSPI_TEXT_UTF16_H

#include "base/bytes.h"
#include "base/status.h"

struct utf16 {
    const uint8_t *data;
    size_t size; /* in bytes, even */
};

#define UTF16_NONE ((struct utf16){NULL, 0})

static inline struct bytes utf16_bytes(struct utf16 text)
{
    return (struct bytes){text.data, text.size};
}

static inline struct utf16 utf16_of(struct bytes bytes)
{
    return (struct utf16){bytes.data, bytes.size & ~(size_t)1};
}

static inline uint16_t utf16_unit(struct utf16 text, size_t index)
{
    return (uint16_t)(text.data[2 * index] | text.data[2 * index + 1] << 8);
}

static inline size_t utf16_length(struct utf16 text)
{
    return text.size / 2;
}

/* Borrows a NUL-terminated wide string; NULL is empty. */
struct utf16 utf16_from_wide(const uint16_t *wide);

/* Text from its first unit to before `index`, and from `index` on. */
struct utf16 utf16_head(struct utf16 text, size_t index);
struct utf16 utf16_tail(struct utf16 text, size_t index);

/* Index of the first or last `unit`, or SIZE_MAX. */
size_t utf16_find(struct utf16 text, uint16_t unit);
size_t utf16_find_last(struct utf16 text, uint16_t unit);

/* Owned copy; empty text gives UTF16_NONE. */
STATUS utf16_copy(struct utf16 text, struct utf16 *out);

/* Owned text from UTF-8.  SEC_E_INVALID_TOKEN when it is not UTF-8 (Unicode 15, table 3-7; an encoded surrogate is let
 * through so that utf16_to_utf8 can be undone). */
STATUS utf16_from_utf8(struct bytes utf8, struct utf16 *out);

/* Owned, NUL-terminated UTF-8 to be released with free(); an unpaired surrogate becomes its three-byte form.
 * `out_size` (without the NUL) may be NULL. */
STATUS utf16_to_utf8(struct utf16 text, char **out, size_t *out_size);

/* Bytes of UTF-8 that `text` takes, without a NUL, and the conversion into a buffer of at least that many bytes. */
size_t utf16_utf8_size(struct utf16 text);
void utf16_utf8_write(struct utf16 text, char *out);

/* Wipes and frees owned text. */
void utf16_free(struct utf16 *text);

#define AUTO_UTF16 __attribute__((cleanup(utf16_free))) struct utf16

/* Compares unit by unit; the second one as Windows compares names: each unit upper-cased by the table in upcase.h. */
bool utf16_equal(struct utf16 a, struct utf16 b);
bool utf16_equal_nocase(struct utf16 a, struct utf16 b);

#endif
