/* Reading bytes that a stranger sent.
 *
 * The reader is sticky: the first failure latches, later reads give zero or an empty slice, and the verdict falls once,
 * in read_end().  It is sliced: a nested length gives a child reader that cannot leave its box.  The offset arithmetic
 * of the whole tree is in read_at(): no other place adds a peer's offset to a peer's length.
 *
 * A parser takes only bytes and an output struct and ends with `return read_end(&reader, why)`.
 */
#ifndef OPENSSPI_WIRE_READER_H
#define OPENSSPI_WIRE_READER_H

#include "base/bytes.h"
#include "base/status.h"

struct reader {
    const uint8_t *base;
    size_t size;
    size_t at;
    bool bad;
};

/* Empty input without memory reads as an empty string: no pointer is ever computed from NULL. */
static inline struct reader read_start(struct bytes input)
{
    const uint8_t *base = input.data == NULL ? (const uint8_t *)"" : input.data;
    return (struct reader){base, input.size, 0, input.data == NULL && input.size != 0};
}

static inline size_t read_left(const struct reader *reader)
{
    return reader->bad ? 0 : reader->size - reader->at;
}

/* The next `size` bytes; empty and latched when they are not there. */
struct bytes read_bytes(struct reader *reader, size_t size);

/* A child reader over the next `size` bytes; the parent moves past them.  A failure latches in both. */
struct reader read_sub(struct reader *reader, size_t size);

/* `size` bytes at `offset` from the start of the message, without moving.  A size of zero is empty wherever it points,
 * as peers write any offset beside an empty field (MS-NLMP 2.2.1). */
struct bytes read_at(struct reader *reader, uint64_t offset, uint64_t size);

uint8_t read_u8(struct reader *reader);
uint16_t read_u16le(struct reader *reader);
uint32_t read_u32le(struct reader *reader);
uint64_t read_u64le(struct reader *reader);
uint16_t read_u16be(struct reader *reader);
uint32_t read_u32be(struct reader *reader);

/* Passes over what fills up to the next multiple of `size` from the start of the message (NDR, C706 14.2.2). */
void read_align(struct reader *reader, size_t size);

/* Latches unless the next bytes are exactly these. */
void read_expect(struct reader *reader, const void *expected, size_t size);

/* One NTLM field (MS-NLMP 2.2.1.1): u16 Len, u16 MaxLen (ignored), u32 Offset from the start of the message. */
struct bytes read_field(struct reader *reader, size_t *offset);

/* The verdict: SEC_E_INVALID_TOKEN with `why` when any read failed or bytes are left over. */
STATUS read_end(const struct reader *reader, const char *why);

/* The verdict for messages that end in a payload reached by offsets, or that may carry a tail. */
STATUS read_end_lax(const struct reader *reader, const char *why);

#endif
