/* Memory that is taken in pieces and freed at once: what CERT_INFO and CRL_INFO point at.
 *
 * A fixed arena lies in one block, a caller's perhaps, and knows afterwards how much of it was used: what
 * CryptDecodeObjectEx hands out is one block with pointers into itself.
 */
#ifndef OPENSSPI_CERT_ARENA_H
#define OPENSSPI_CERT_ARENA_H

#include "base/bytes.h"
#include "base/status.h"

struct arena_piece;

/* Zeroed is empty. */
struct arena {
    struct arena_piece *pieces;
    uint8_t *fixed; /* aligned as malloc's blocks are */
    size_t room;
    size_t used;
};

/* `size` bytes of zeros, aligned as malloc's are, or NULL when there is no memory. */
void *arena_take(struct arena *arena, size_t size) __attribute__((warn_unused_result));

/* A copy, NUL-terminated for those who want text. */
void *arena_copy(struct arena *arena, struct bytes bytes) __attribute__((warn_unused_result));

/* What somebody else holds: the same pointer, or in a fixed arena a copy, which is all that will be left. */
void *arena_keep(struct arena *arena, struct bytes bytes) __attribute__((warn_unused_result));

void arena_free(struct arena *arena);

#endif
