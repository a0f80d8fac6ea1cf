#include "wire/writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

/* Grows an owned buffer to hold `need` bytes: copy, wipe, free, because realloc may leave a copy behind. */
static void grow(struct writer *writer, size_t need)
{
    size_t capacity = writer->capacity < 64 ? 64 : writer->capacity * 2;
    if (capacity < need) {
        capacity = need;
    }
    if (capacity > writer->maximum) {
        capacity = writer->maximum;
    }
    uint8_t *data = malloc(capacity);
    if (data == NULL) {
        writer->bad = true;
        writer->no_memory = true;
        return;
    }
    if (writer->size != 0) {
        memcpy(data, writer->data, writer->size);
        secret_wipe(writer->data, writer->size);
    }
    free(writer->data);
    writer->data = data;
    writer->capacity = capacity;
}

void write_reserve(struct writer *writer, size_t size)
{
    if (writer->bad || size > writer->maximum - writer->size) {
        return; /* the writes themselves will latch */
    }
    if (writer->owned && writer->size + size > writer->capacity) {
        writer->capacity = writer->size; /* exactly what was asked for */
        grow(writer, writer->size + size);
    }
}

uint8_t *write_space(struct writer *writer, size_t count)
{
    writer->needed = count > SIZE_MAX - writer->needed ? SIZE_MAX : writer->needed + count;
    if (writer->bad) {
        return NULL;
    }
    if (count > writer->maximum - writer->size) {
        writer->bad = true;
        return NULL;
    }
    if (writer->size + count > writer->capacity) {
        grow(writer, writer->size + count);
        if (writer->bad) {
            return NULL;
        }
    }
    uint8_t *at = writer->data != NULL ? writer->data + writer->size : NULL; /* nothing, written to nothing */
    writer->size += count;
    return at;
}

void write_bytes(struct writer *writer, struct bytes bytes)
{
    uint8_t *at = write_space(writer, bytes.size);
    if (at != NULL && bytes.size != 0) {
        memcpy(at, bytes.data, bytes.size);
    }
}

void write_zeros(struct writer *writer, size_t count)
{
    uint8_t *at = write_space(writer, count);
    if (at != NULL && count != 0) {
        memset(at, 0, count);
    }
}

static void store_le(uint8_t *at, uint64_t value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static void write_le(struct writer *writer, uint64_t value, size_t count)
{
    uint8_t *at = write_space(writer, count);
    if (at != NULL) {
        store_le(at, value, count);
    }
}

void write_u8(struct writer *writer, uint8_t value)
{
    write_le(writer, value, 1);
}

void write_u16le(struct writer *writer, uint16_t value)
{
    write_le(writer, value, 2);
}

void write_u32le(struct writer *writer, uint32_t value)
{
    write_le(writer, value, 4);
}

void write_u64le(struct writer *writer, uint64_t value)
{
    write_le(writer, value, 8);
}

void write_u16be(struct writer *writer, uint16_t value)
{
    write_u16le(writer, __builtin_bswap16(value));
}

void write_u32be(struct writer *writer, uint32_t value)
{
    write_u32le(writer, __builtin_bswap32(value));
}

struct writer_slot write_field(struct writer *writer)
{
    struct writer_slot slot = {writer->size};
    write_zeros(writer, 8);
    writer->open++;
    return slot;
}

void write_field_close(struct writer *writer, struct writer_slot slot, size_t start)
{
    writer->open--;
    if (writer->bad) {
        return;
    }
    size_t length = writer->size - start;
    if (length > UINT16_MAX || start > UINT32_MAX) {
        writer->bad = true;
        return;
    }
    store_le(writer->data + slot.at, length, 2);
    store_le(writer->data + slot.at + 2, length, 2);
    store_le(writer->data + slot.at + 4, start, 4);
}

void write_payload(struct writer *writer, struct writer_slot slot, struct bytes payload)
{
    size_t start = writer->size;
    write_bytes(writer, payload);
    write_field_close(writer, slot, start);
}

void write_patch(struct writer *writer, size_t at, struct bytes bytes)
{
    if (writer->bad || at > writer->size || bytes.size > writer->size - at) {
        writer->bad = true;
        return;
    }
    if (bytes.size != 0) {
        memcpy(writer->data + at, bytes.data, bytes.size);
    }
}

SECURITY_STATUS write_end(const struct writer *writer)
{
    REQUIRE(!writer->no_memory, SEC_E_INSUFFICIENT_MEMORY, "out of memory while building a message");
    REQUIRE(!writer->bad, SEC_E_BUFFER_TOO_SMALL, "the message does not fit into the output buffer");
    REQUIRE(writer->open == 0, SEC_E_INTERNAL_ERROR, "a message was built with a field left open");
    return SEC_E_OK;
}

uint8_t *write_take(struct writer *writer)
{
    uint8_t *data = writer->data;
    *writer = write_growing(writer->maximum);
    return data;
}

void write_free(struct writer *writer)
{
    if (writer->owned && writer->data != NULL) {
        secret_wipe(writer->data, writer->size);
        free(writer->data);
    }
    *writer = (struct writer){0};
}
