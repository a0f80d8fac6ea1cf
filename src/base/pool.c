#include "base/pool.h"

#include <stdlib.h>

#include "base/secret.h"

#define FIRST 32u /* objects in the first slab */

/* In front of each object. */
struct slot {
    atomic_uint_fast32_t live;
    atomic_uint_fast32_t next; /* number of the next free slot + 1 */
} __attribute__((aligned(16)));

static size_t stride(const struct pool *pool)
{
    return sizeof(struct slot) + ((pool->size + 15) & ~(size_t)15);
}

static size_t slab_slots(unsigned slab)
{
    return (size_t)FIRST << slab;
}

/* Slab k begins with slot FIRST * (2^k - 1). */
static unsigned slab_of(uint32_t number)
{
    return 31u - (unsigned)__builtin_clz(number / FIRST + 1);
}

static struct slot *slot_of(struct pool *pool, uint32_t number)
{
    unsigned slab = slab_of(number);
    unsigned char *base = atomic_load_explicit(&pool->slabs[slab], memory_order_acquire);
    return (struct slot *)(void *)(base + (number - FIRST * ((1u << slab) - 1)) * stride(pool));
}

static bool grow(struct pool *pool, unsigned slab)
{
    unsigned char *none = NULL, *fresh;
    if (slab >= POOL_SLABS) {
        return false;
    }
    if (atomic_load(&pool->slabs[slab]) != NULL) {
        return true;
    }
    fresh = calloc(slab_slots(slab), stride(pool));
    if (fresh == NULL) {
        return false;
    }
    if (!atomic_compare_exchange_strong(&pool->slabs[slab], &none, fresh)) {
        free(fresh); /* another thread was faster */
    }
    return true;
}

/* A slot that was given back, or NULL. */
static struct slot *take_free(struct pool *pool)
{
    uint64_t head = atomic_load(&pool->free);
    while ((uint32_t)head != 0) {
        struct slot *slot = slot_of(pool, (uint32_t)head - 1);
        uint64_t next = ((head >> 32) + 1) << 32 | (uint32_t)atomic_load(&slot->next);
        if (atomic_compare_exchange_weak(&pool->free, &head, next)) {
            return slot;
        }
    }
    return NULL;
}

static struct slot *take_unused(struct pool *pool)
{
    uint_fast32_t number = atomic_load(&pool->used);
    do {
        if (!grow(pool, slab_of((uint32_t)number))) {
            return NULL;
        }
    } while (!atomic_compare_exchange_weak(&pool->used, &number, number + 1));
    return slot_of(pool, (uint32_t)number);
}

void *pool_take(struct pool *pool)
{
    struct slot *slot = take_free(pool);
    if (slot == NULL) {
        slot = take_unused(pool);
    }
    if (slot == NULL) {
        return NULL;
    }
    atomic_fetch_add(&pool->live, 1);
    atomic_store(&slot->live, 1);
    return slot + 1;
}

/* The number of the slot that starts at `slot`, which is one. */
static uint32_t number_of(struct pool *pool, const struct slot *slot)
{
    const unsigned char *at = (const unsigned char *)slot;
    for (unsigned i = 0; i < POOL_SLABS; i++) {
        const unsigned char *base = atomic_load(&pool->slabs[i]);
        if (base != NULL && at >= base && (size_t)(at - base) < slab_slots(i) * stride(pool)) {
            return FIRST * ((1u << i) - 1) + (uint32_t)((size_t)(at - base) / stride(pool));
        }
    }
    abort(); /* not of this pool: the caller has looked */
}

void pool_give(struct pool *pool, void *object)
{
    struct slot *slot = (struct slot *)object - 1;
    uint32_t number = number_of(pool, slot);
    uint64_t head;
    secret_wipe(object, pool->size);
    atomic_store(&slot->live, 0);
    atomic_fetch_sub(&pool->live, 1);
    head = atomic_load(&pool->free);
    do {
        atomic_store(&slot->next, (uint32_t)head);
    } while (!atomic_compare_exchange_weak(&pool->free, &head, ((head >> 32) + 1) << 32 | (number + 1)));
}

bool pool_has(const struct pool *pool, const void *pointer)
{
    uintptr_t at = (uintptr_t)pointer;
    for (unsigned i = 0; i < POOL_SLABS; i++) {
        const unsigned char *slab = atomic_load_explicit(&pool->slabs[i], memory_order_acquire);
        uintptr_t base = (uintptr_t)slab;
        if (slab == NULL) {
            return false; /* they are made in their order */
        }
        if (at > base && at - base < slab_slots(i) * stride(pool)) {
            const struct slot *slot =
                (const struct slot *)(const void *)(slab + (at - base) / stride(pool) * stride(pool));
            return (at - base) % stride(pool) == sizeof *slot && atomic_load(&slot->live) != 0;
        }
    }
    return false;
}

size_t pool_live(const struct pool *pool)
{
    return atomic_load(&pool->live);
}
