/* Memory that the caller releases with FreeContextBuffer: exactly as large as asked for, wiped when freed.
 *
 * The size stands in front of the block, so that freeing needs no table and takes no lock; a pointer that is not ours is
 * recognised by the mark beside it and refused.
 */
#ifndef OPENSSPI_CORE_CONTEXT_BUFFER_H
#define OPENSSPI_CORE_CONTEXT_BUFFER_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "base/status.h"

/* NULL when out of memory.  A size of zero gives a valid pointer. */
void *context_buffer_alloc(size_t size) __attribute__((malloc, warn_unused_result));

/* A block that holds a copy of `bytes`; NULL when out of memory. */
void *context_buffer_copy(struct bytes bytes) __attribute__((warn_unused_result));

/* SEC_E_OK also for NULL, and for a block that is lent, to which nothing happens; SEC_E_INVALID_HANDLE for a pointer that is
 * none of ours. */
STATUS context_buffer_free(void *pointer);

/* The size that was asked for. */
size_t context_buffer_size(const void *pointer);

/* Blocks that belong to a context and go with it: programs that never free them lose nothing, and those that do, once or more
 * often, before the context or after it, do no harm.  For what fits LENT_MAX bytes. */
#define LENT_MAX 128

struct lent;

struct lender {
    _Atomic(struct lent *) blocks;
};

/* A block with these bytes, the same one for the same bytes; NULL when out of memory or when they are too many. */
void *context_buffer_lend(struct lender *lender, struct bytes bytes) __attribute__((warn_unused_result));

/* Ends them all; nobody lends any more. */
void context_buffer_take_back(struct lender *lender);

#endif
