#include "der.h"

#include "wire/reader.h"

#define TAG_BITS 0x03

static size_t read_length(struct reader *reader)
{
    size_t length = read_u8(reader);
    if (length < 0x80) {
        return length;
    }
    size_t octets = length & 0x7f;
    reader->bad = reader->bad || octets == 0 || octets > 4;
    length = 0;
    for (size_t i = 0; i < octets && !reader->bad; i++) {
        length = length << 8 | read_u8(reader);
    }
    return length;
}

bool der_next(struct bytes *bytes, uint8_t *tag, struct bytes *contents)
{
    struct reader reader = read_start(*bytes);
    uint8_t first = read_u8(&reader);
    size_t length = read_length(&reader);
    struct bytes inside = read_bytes(&reader, length);
    struct bytes rest = read_bytes(&reader, read_left(&reader));
    if (reader.bad) {
        return false;
    }
    *tag = first;
    *contents = inside;
    *bytes = rest;
    return true;
}

struct bytes der_open(struct bytes bytes, uint8_t tag)
{
    uint8_t found = 0;
    struct bytes contents = BYTES_NONE;
    return der_next(&bytes, &found, &contents) && found == tag ? contents : BYTES_NONE;
}

struct bytes der_field(struct bytes sequence, uint8_t n)
{
    uint8_t tag = 0;
    struct bytes contents = BYTES_NONE;
    while (der_next(&sequence, &tag, &contents)) {
        if (tag == DER_CONTEXT(n)) {
            return contents;
        }
    }
    return BYTES_NONE;
}

int64_t der_integer(struct bytes element)
{
    struct bytes octets = der_open(element, DER_INTEGER);
    int64_t value = octets.size != 0 && (octets.data[0] & 0x80) != 0 ? -1 : 0;
    for (size_t i = 0; i < octets.size && octets.size <= 8; i++) {
        value = (int64_t)((uint64_t)value << 8 | octets.data[i]);
    }
    return value;
}

uint32_t der_flags(struct bytes element)
{
    struct bytes bits = der_open(element, TAG_BITS);
    struct reader reader = read_start(bits);
    (void)read_u8(&reader); /* how many bits are unused */
    uint32_t flags = read_u32be(&reader);
    return reader.bad ? 0 : flags;
}

struct bytes der_text(struct bytes element)
{
    uint8_t tag = 0;
    struct bytes contents = BYTES_NONE;
    return der_next(&element, &tag, &contents) ? contents : BYTES_NONE;
}
