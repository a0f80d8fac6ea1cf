#include "cert/arena.h"

#include <stdlib.h>
#include <string.h>

struct arena_piece {
    struct arena_piece *next;
} __attribute__((aligned(16)));

static void *take_fixed(struct arena *arena, size_t size)
{
    size_t start = (arena->used + 7) & ~(size_t)7; /* what was used last keeps its exact end */
    if (start > arena->room || size > arena->room - start) {
        return NULL;
    }
    memset(arena->fixed + start, 0, size);
    arena->used = start + size;
    return arena->fixed + start;
}

void *arena_take(struct arena *arena, size_t size)
{
    struct arena_piece *piece;
    if (arena->fixed != NULL) {
        return take_fixed(arena, size);
    }
    piece = size > SIZE_MAX - sizeof *piece ? NULL : calloc(1, sizeof *piece + size);
    if (piece == NULL) {
        return NULL;
    }
    piece->next = arena->pieces;
    arena->pieces = piece;
    return piece + 1;
}

void *arena_keep(struct arena *arena, struct bytes bytes)
{
    return arena->fixed != NULL ? arena_copy(arena, bytes) : (void *)(uintptr_t)bytes.data;
}

void *arena_copy(struct arena *arena, struct bytes bytes)
{
    char *copy = bytes.size == SIZE_MAX ? NULL : arena_take(arena, bytes.size + 1);
    if (copy != NULL && bytes.size != 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return copy;
}

void arena_free(struct arena *arena)
{
    while (arena->pieces != NULL) {
        struct arena_piece *piece = arena->pieces;
        arena->pieces = piece->next;
        free(piece);
    }
}
