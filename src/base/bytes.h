/* A borrowed run of bytes: the currency in which every layer hands data to the next.
 *
 * A slice never owns what it points at.  It borrows from the caller's SecBuffer until the API call returns, or from
 * the object that holds the memory; whatever must live longer is copied by a step function and by nobody else.
 */
#ifndef OPENSSPI_BASE_BYTES_H
#define OPENSSPI_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
    const uint8_t *data;
    size_t size;
};

#define BYTES(array) ((struct bytes){(array), sizeof(array)})
#define BYTES_NONE   ((struct bytes){NULL, 0})

static inline struct bytes bytes_of(const void *data, size_t size)
{
    return (struct bytes){(const uint8_t *)data, size};
}

#endif
