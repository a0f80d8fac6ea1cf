#include "wire/reader.h"

#include <string.h>

struct bytes read_bytes(struct reader *reader, size_t size)
{
    if (size > read_left(reader)) {
        reader->bad = true;
        return BYTES_NONE;
    }
    struct bytes out = {reader->base + reader->at, size};
    reader->at += size;
    return out;
}

struct reader read_sub(struct reader *reader, size_t size)
{
    struct bytes box = read_bytes(reader, size);
    struct reader child = read_start(box);
    child.bad = reader->bad;
    return child;
}

void read_align(struct reader *reader, size_t size)
{
    (void)read_bytes(reader, (size - reader->at % size) % size);
}

struct bytes read_at(struct reader *reader, uint64_t offset, uint64_t size)
{
    if (size == 0 || reader->bad) {
        return BYTES_NONE;
    }
    if (offset > reader->size || size > reader->size - offset) {
        reader->bad = true;
        return BYTES_NONE;
    }
    return (struct bytes){reader->base + offset, (size_t)size};
}

/* Little-endian value of `count` bytes, zero when they are not there. */
static uint64_t read_le(struct reader *reader, size_t count)
{
    struct bytes raw = read_bytes(reader, count);
    uint64_t value = 0;
    for (size_t i = raw.size; i-- > 0;) {
        value = value << 8 | raw.data[i];
    }
    return value;
}

static uint32_t read_be(struct reader *reader, size_t count)
{
    struct bytes raw = read_bytes(reader, count);
    uint32_t value = 0;
    for (size_t i = 0; i < raw.size; i++) {
        value = value << 8 | raw.data[i];
    }
    return value;
}

uint8_t read_u8(struct reader *reader)
{
    return (uint8_t)read_le(reader, 1);
}

uint16_t read_u16le(struct reader *reader)
{
    return (uint16_t)read_le(reader, 2);
}

uint32_t read_u32le(struct reader *reader)
{
    return (uint32_t)read_le(reader, 4);
}

uint64_t read_u64le(struct reader *reader)
{
    return read_le(reader, 8);
}

uint16_t read_u16be(struct reader *reader)
{
    return (uint16_t)read_be(reader, 2);
}

uint32_t read_u32be(struct reader *reader)
{
    return read_be(reader, 4);
}

void read_expect(struct reader *reader, const void *expected, size_t size)
{
    struct bytes raw = read_bytes(reader, size);
    if (raw.size != size || memcmp(raw.data, expected, size) != 0) {
        reader->bad = true;
    }
}

struct bytes read_field(struct reader *reader, size_t *offset)
{
    uint16_t size = read_u16le(reader);
    (void)read_u16le(reader); /* MaxLen: equal on send, ignored on receipt (MS-NLMP 2.2.1.1) */
    uint32_t where = read_u32le(reader);
    *offset = where;
    return read_at(reader, where, size);
}

SECURITY_STATUS read_end(const struct reader *reader, const char *why)
{
    REQUIRE(!reader->bad && reader->at == reader->size, SEC_E_INVALID_TOKEN, why);
    return SEC_E_OK;
}

SECURITY_STATUS read_end_lax(const struct reader *reader, const char *why)
{
    REQUIRE(!reader->bad, SEC_E_INVALID_TOKEN, why);
    return SEC_E_OK;
}
