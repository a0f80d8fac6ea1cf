/* The caller's SecBufferDesc, checked once: version, count, pointers.  Packages find buffers by type, with the attribute
 * bits masked off; order matters only where a package says so.
 *
 * The SDK's struct SecBuffer is used as it is, because sizes and types are written back into it.
 */
#ifndef OPENSSPI_CORE_BUFFERS_H
#define OPENSSPI_CORE_BUFFERS_H

#include "base/bytes.h"
#include "base/status.h"

#define BUFFERS_MAX 64 /* no caller known passes more than 32 */

struct buffers {
    SecBuffer *at;
    size_t count;
};

/* Wraps a descriptor.  NULL gives no buffers.  SEC_E_INVALID_TOKEN for another ulVersion than SECBUFFER_VERSION, for
 * buffers that are NULL with a count, for more than BUFFERS_MAX, and for a buffer with a size but no memory where
 * `needs_memory` is set (message protection, input of steps; in steps an output buffer without memory asks us to
 * allocate).  EMPTY, EXTRA and MISSING buffers may always have a size alone. */
STATUS buffers_open(const SecBufferDesc *descriptor, bool needs_memory, struct buffers *out);

static inline uint32_t buffer_type(const SecBuffer *buffer)
{
    return (uint32_t)buffer->BufferType & ~(uint32_t)SECBUFFER_ATTRMASK;
}

static inline bool buffer_is_readonly(const SecBuffer *buffer)
{
    return (buffer->BufferType & (SECBUFFER_READONLY | SECBUFFER_READONLY_WITH_CHECKSUM)) != 0;
}

/* The first buffer of a type, or NULL. */
SecBuffer *buffers_find(const struct buffers *buffers, uint32_t type);

static inline struct bytes buffer_bytes(const SecBuffer *buffer)
{
    return (struct bytes){(const uint8_t *)buffer->pvBuffer, buffer->cbBuffer};
}

#endif
