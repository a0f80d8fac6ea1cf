#include "torture/memory.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BLOCKS      65536u /* a power of two */
#define PATTERNS    16
#define PATTERN_MAX 64

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *block);
void *__real_mmap64(void *address, size_t size, int protection, int flags, int file, off_t offset);
int __real_munmap(void *address, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *block);
void *__wrap_mmap64(void *address, size_t size, int protection, int flags, int file, off_t offset);
int __wrap_munmap(void *address, size_t size);

static unsigned long countdown;
static bool failed;

/* Live blocks: an open hash table of addresses; a removed one leaves a grave. */
#define GRAVE ((void *)1)
static void *blocks[BLOCKS];
static size_t live;

static struct {
    const char *name;
    uint8_t bytes[PATTERN_MAX];
    size_t size;
} patterns[PATTERNS];
static size_t pattern_count;
static size_t found;
static const char *found_name;

static bool refuse(void)
{
    if (countdown != 0 && --countdown == 0) {
        failed = true;
        errno = ENOMEM;
        return true;
    }
    return false;
}

static size_t home(const void *block)
{
    return (size_t)(((uintptr_t)block >> 4) * 2654435761u) % BLOCKS;
}

static void *remember(void *block)
{
    if (block != NULL) {
        size_t at = home(block);
        while (blocks[at] != NULL && blocks[at] != GRAVE) {
            at = (at + 1) % BLOCKS;
        }
        blocks[at] = block;
        live++;
    }
    return block;
}

static void forget(const void *block)
{
    for (size_t at = home(block), steps = 0; blocks[at] != NULL && steps < BLOCKS; at = (at + 1) % BLOCKS, steps++) {
        if (blocks[at] == block) {
            blocks[at] = GRAVE;
            live--;
            return;
        }
    }
}

static void search(const void *block, size_t size)
{
    for (size_t i = 0; i < pattern_count; i++) {
        if (memmem(block, size, patterns[i].bytes, patterns[i].size) != NULL) {
            found_name = found == 0 ? patterns[i].name : found_name;
            found++;
        }
    }
}

void *__wrap_malloc(size_t size)
{
    return refuse() ? NULL : remember(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refuse() ? NULL : remember(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (refuse()) {
        return NULL;
    }
    if (block != NULL) {
        search(block, malloc_usable_size(block)); /* it may be left behind as it is */
    }
    void *moved = __real_realloc(block, size);
    if (moved != NULL && block != NULL) {
        forget(block);
    }
    return remember(moved);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return refuse() ? NULL : remember(__real_aligned_alloc(alignment, size));
}

char *__wrap_strdup(const char *text)
{
    return refuse() ? NULL : remember(__real_strdup(text));
}

void __wrap_free(void *block)
{
    if (block != NULL) {
        search(block, malloc_usable_size(block));
        forget(block);
    }
    __real_free(block);
}

void *__wrap_mmap64(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
    if (refuse()) {
        return MAP_FAILED;
    }
    void *pages = __real_mmap64(address, size, protection, flags, file, offset);
    return pages == MAP_FAILED ? pages : remember(pages);
}

int __wrap_munmap(void *address, size_t size)
{
    search(address, size);
    forget(address);
    return __real_munmap(address, size);
}

void memory_fail_at(unsigned long n)
{
    countdown = n;
    failed = false;
}

bool memory_has_failed(void)
{
    return failed;
}

size_t memory_live(void)
{
    return live;
}

void memory_watch(const char *name, const void *bytes, size_t size)
{
    if (pattern_count < PATTERNS && size <= PATTERN_MAX) {
        patterns[pattern_count].name = name;
        patterns[pattern_count].size = size;
        memcpy(patterns[pattern_count].bytes, bytes, size);
        pattern_count++;
    }
}

void memory_watch_nothing(void)
{
    pattern_count = 0;
    found = 0;
    found_name = NULL;
}

size_t memory_found(const char **name)
{
    *name = found_name;
    return found;
}
