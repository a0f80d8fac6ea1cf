#include "core/context_buffer.h"

#include <stdlib.h>

#include "base/secret.h"
#include "wire/writer.h"

/* Sixteen bytes in front of the block, so that the block is aligned as malloc's are. */
struct header {
    uint64_t size;
    uint64_t mark;
};

_Static_assert(sizeof(struct header) == 16, "the block must stay aligned");

/* Depends on where the header lies and on the size: neither a copy of a block nor one whose size was overwritten passes. */
static uint64_t mark_of(const struct header *header)
{
    return ((uint64_t)(uintptr_t)header ^ UINT64_C(0x53535049B10CC0DE)) + header->size * UINT64_C(0x9E3779B97F4A7C15);
}

void *context_buffer_alloc(size_t size)
{
    struct header *header = size > SIZE_MAX - sizeof *header ? NULL : malloc(sizeof *header + size);
    if (header == NULL) {
        return NULL;
    }
    header->size = size;
    header->mark = mark_of(header);
    return header + 1;
}

void *context_buffer_copy(struct bytes bytes)
{
    void *block = context_buffer_alloc(bytes.size);
    if (block != NULL) {
        struct writer writer = write_into(block, bytes.size);
        write_bytes(&writer, bytes);
    }
    return block;
}

SECURITY_STATUS context_buffer_free(void *pointer)
{
    if (pointer == NULL) {
        return SEC_E_OK;
    }
    REQUIRE(((uintptr_t)pointer & 15) == 0, SEC_E_INVALID_HANDLE, "FreeContextBuffer: not a pointer of this library");
    struct header *header = (struct header *)pointer - 1;
    REQUIRE(header->mark == mark_of(header), SEC_E_INVALID_HANDLE, "FreeContextBuffer: not a pointer of this library");
    secret_wipe(header, sizeof *header + header->size);
    free(header);
    return SEC_E_OK;
}

size_t context_buffer_size(const void *pointer)
{
    return ((const struct header *)pointer - 1)->size;
}
