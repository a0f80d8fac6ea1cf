/* Memory that the caller releases with FreeContextBuffer: exactly as large as asked for, wiped when freed.
 *
 * The size stands in front of the block, so that freeing needs no table and takes no lock; a pointer that is not ours is
 * recognised by the mark beside it and refused.
 */
#ifndef OPENSSPI_CORE_CONTEXT_BUFFER_H
#define OPENSSPI_CORE_CONTEXT_BUFFER_H

#include "base/bytes.h"
#include "base/status.h"

/* NULL when out of memory.  A size of zero gives a valid pointer. */
void *context_buffer_alloc(size_t size) __attribute__((malloc, warn_unused_result));

/* A block that holds a copy of `bytes`; NULL when out of memory. */
void *context_buffer_copy(struct bytes bytes) __attribute__((warn_unused_result));

/* SEC_E_OK also for NULL; SEC_E_INVALID_HANDLE for a pointer that context_buffer_alloc did not give out. */
STATUS context_buffer_free(void *pointer);

/* The size that was asked for. */
size_t context_buffer_size(const void *pointer);

#endif
