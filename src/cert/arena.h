/* Memory that is taken in pieces and freed at once: what CERT_INFO and CRL_INFO point at. */
#ifndef OPENSSPI_CERT_ARENA_H
#define OPENSSPI_CERT_ARENA_H

#include "base/bytes.h"
#include "base/status.h"

struct arena_piece;

/* Zeroed is empty. */
struct arena {
    struct arena_piece *pieces;
};

/* `size` bytes of zeros, aligned as malloc's are, or NULL when there is no memory. */
void *arena_take(struct arena *arena, size_t size) __attribute__((warn_unused_result));

/* A copy, NUL-terminated for those who want text. */
void *arena_copy(struct arena *arena, struct bytes bytes) __attribute__((warn_unused_result));

void arena_free(struct arena *arena);

#endif
