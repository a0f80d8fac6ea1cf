/* Building a message.
 *
 * A writer either fronts a caller's buffer of fixed size, or owns memory that grows up to a mandatory maximum and is
 * wiped whenever it is outgrown or freed.  It is sticky: writing past the end latches, `needed` goes on counting so that
 * the size that would have fitted is known, and write_end() gives the verdict.  Length fields are patched by the writer;
 * nesting that is not closed is refused.
 */
#ifndef OPENSSPI_WIRE_WRITER_H
#define OPENSSPI_WIRE_WRITER_H

#include "base/bytes.h"
#include "base/status.h"

struct writer {
    uint8_t *data;
    size_t size;     /* bytes written */
    size_t capacity; /* bytes there is room for now */
    size_t maximum;  /* bytes it may grow to; equal to capacity for a fixed buffer */
    size_t needed;   /* bytes that were asked for, whether they fitted or not */
    bool owned;      /* data is ours: grows, and is wiped when freed */
    bool no_memory;  /* growing failed for lack of memory, not for lack of room */
    bool bad;
    unsigned open; /* fields waiting for their payload */
};

/* A place to be patched later. */
struct writer_slot {
    size_t at;
};

/* Fronts `size` bytes of the caller's. */
static inline struct writer write_into(void *data, size_t size)
{
    return (struct writer){.data = (uint8_t *)data, .capacity = size, .maximum = size};
}

/* Owns its memory, up to `maximum` bytes; starts empty. */
static inline struct writer write_growing(size_t maximum)
{
    return (struct writer){.maximum = maximum, .owned = true};
}

/* Makes room for `size` more bytes at once, so that a message of known size is allocated exactly once. */
void write_reserve(struct writer *writer, size_t size);

void write_bytes(struct writer *writer, struct bytes bytes);
void write_zeros(struct writer *writer, size_t count);
void write_u8(struct writer *writer, uint8_t value);
void write_u16le(struct writer *writer, uint16_t value);
void write_u32le(struct writer *writer, uint32_t value);
void write_u64le(struct writer *writer, uint64_t value);
void write_u16be(struct writer *writer, uint16_t value);
void write_u32be(struct writer *writer, uint32_t value);

/* `count` bytes to be filled in by the caller, or NULL when they did not fit. */
uint8_t *write_space(struct writer *writer, size_t count);

/* One NTLM field (MS-NLMP 2.2.1.1), still empty: eight zero bytes.  write_payload() appends the payload and patches
 * Len, MaxLen and Offset; an empty payload gets Len 0 and the offset where it would have stood, which is what Windows
 * sends.  A payload over 65535 bytes latches. */
struct writer_slot write_field(struct writer *writer);
void write_payload(struct writer *writer, struct writer_slot slot, struct bytes payload);

/* Closes a field whose payload the caller wrote itself, from `start` (the size() before it) to here. */
void write_field_close(struct writer *writer, struct writer_slot slot, size_t start);

/* Overwrites bytes already written: a MIC that covers the message it stands in.  Latches outside of them. */
void write_patch(struct writer *writer, size_t at, struct bytes bytes);

/* Begins again, with nothing written and nothing failed; what was written is overwritten by what comes. */
static inline void write_restart(struct writer *writer)
{
    writer->size = 0;
    writer->needed = 0;
    writer->no_memory = false;
    writer->bad = false;
    writer->open = 0;
}

/* What has been written so far. */
static inline struct bytes write_result(const struct writer *writer)
{
    return (struct bytes){writer->data, writer->size};
}

/* The verdict: SEC_E_BUFFER_TOO_SMALL when it did not fit (`needed` tells what would), SEC_E_INSUFFICIENT_MEMORY,
 * SEC_E_INTERNAL_ERROR when a field was left open. */
STATUS write_end(const struct writer *writer);

/* Takes the memory out of a growing writer; the caller frees it. */
uint8_t *write_take(struct writer *writer);

/* Wipes and frees what a growing writer owns; a fixed buffer is only forgotten. */
void write_free(struct writer *writer);

#define AUTO_WRITER __attribute__((cleanup(write_free))) struct writer

#endif
