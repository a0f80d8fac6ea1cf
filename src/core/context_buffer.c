#include "core/context_buffer.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
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

/* ---------------------------------------------------------------- what a context lends */

struct lent {
    struct lent *next;
    uint64_t size;
    uint8_t bytes[LENT_MAX];
};

_Static_assert(offsetof(struct lent, bytes) % 16 == 0, "the block must be aligned as malloc's are");

static struct pool lent_pool = {.size = sizeof(struct lent)};

static bool is_lent(const void *pointer)
{
    return pool_has(&lent_pool, (const uint8_t *)pointer - offsetof(struct lent, bytes));
}

static struct lent *find_lent(struct lent *list, struct bytes bytes)
{
    while (list != NULL && (list->size != bytes.size || memcmp(list->bytes, bytes.data, bytes.size) != 0)) {
        list = list->next;
    }
    return list;
}

void *context_buffer_lend(struct lender *lender, struct bytes bytes)
{
    struct lent *first = atomic_load(&lender->blocks), *found = find_lent(first, bytes);
    if (found != NULL) {
        return found->bytes;
    }
    struct lent *fresh = bytes.size <= LENT_MAX ? pool_take(&lent_pool) : NULL;
    if (fresh == NULL) {
        return NULL;
    }
    struct writer writer = write_into(fresh->bytes, LENT_MAX);
    write_bytes(&writer, bytes);
    fresh->size = bytes.size;
    do {
        fresh->next = first;
    } while (!atomic_compare_exchange_weak(&lender->blocks, &first, fresh));
    return fresh->bytes;
}

void context_buffer_take_back(struct lender *lender)
{
    struct lent *next = atomic_exchange(&lender->blocks, NULL);
    while (next != NULL) {
        struct lent *block = next;
        next = block->next;
        pool_give(&lent_pool, block);
    }
}

/* ---------------------------------------------------------------- giving back */

SECURITY_STATUS context_buffer_free(void *pointer)
{
    if (pointer == NULL) {
        return SEC_E_OK;
    }
    REQUIRE(((uintptr_t)pointer & 15) == 0, SEC_E_INVALID_HANDLE, "FreeContextBuffer: not a pointer of this library");
    if (is_lent(pointer)) {
        return SEC_E_OK;
    }
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
