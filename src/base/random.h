/* Random bytes for challenges and keys, from the kernel, fetched in batches per thread.
 *
 * A batch is wiped as it is handed out and dropped in the child of a fork, so no two processes share one.
 * Tests replace the source to reproduce published vectors; the library never does.
 */
#ifndef OPENSSPI_BASE_RANDOM_H
#define OPENSSPI_BASE_RANDOM_H

#include "base/status.h"

extern SECURITY_STATUS (*random_source)(void *out, size_t size);

/* SEC_E_INTERNAL_ERROR when the kernel has none to give. */
static inline STATUS random_bytes(void *out, size_t size)
{
    return random_source(out, size);
}

#endif
