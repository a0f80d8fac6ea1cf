/* Objects whose addresses programs hold: certificates, CRLs, stores, blocks that a context lends.
 *
 * Memory is never given back to the allocator, so whatever pointer a program passes can be compared with the addresses of
 * living objects without being followed.  Taking, giving back and asking take no lock; a fork at any moment is harmless.
 */
#ifndef OPENSSPI_BASE_POOL_H
#define OPENSSPI_BASE_POOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_SLABS 26 /* of 32, 64, 128, ... objects */

struct pool {
    size_t size; /* of an object; a static initialiser sets this and nothing else */
    _Atomic(unsigned char *) slabs[POOL_SLABS];
    atomic_uint_fast32_t used; /* slots that were ever taken */
    atomic_uint_fast64_t free; /* tag against ABA in the upper half, number of the first free slot + 1 in the lower */
    atomic_uint_fast32_t live;
};

/* An object of zeros, aligned as malloc's are; NULL when there is no memory. */
void *pool_take(struct pool *pool) __attribute__((warn_unused_result));

/* Ends an object: its memory is zeroed and no longer recognised. */
void pool_give(struct pool *pool, void *object);

/* Whether `pointer`, which may be anything, is the address of a living object of this pool. */
bool pool_has(const struct pool *pool, const void *pointer);

/* Living objects, for tests. */
size_t pool_live(const struct pool *pool);

#endif
