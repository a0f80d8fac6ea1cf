#include "base/index_stack.h"

static _Atomic unsigned threads_seen;

unsigned thread_number(void)
{
    static _Thread_local unsigned number;
    if (number == 0) {
        number = atomic_fetch_add_explicit(&threads_seen, 1, memory_order_relaxed) % UINT16_MAX + 1;
    }
    return number;
}

void index_give(struct index_stack shards[INDEX_SHARDS], uint32_t first, _Atomic uint32_t *last_link)
{
    _Atomic uint64_t *head = &shards[thread_number() % INDEX_SHARDS].head;
    uint64_t seen = atomic_load_explicit(head, memory_order_relaxed);
    uint64_t wanted;
    do {
        atomic_store_explicit(last_link, (uint32_t)seen, memory_order_relaxed);
        wanted = ((seen >> 32) + 1) << 32 | first;
    } while (!atomic_compare_exchange_weak_explicit(head, &seen, wanted, memory_order_release, memory_order_relaxed));
}

static uint32_t pop(_Atomic uint64_t *head, index_link_fn link)
{
    uint64_t seen = atomic_load_explicit(head, memory_order_acquire);
    while ((uint32_t)seen != INDEX_NONE) {
        uint32_t below = atomic_load_explicit(link((uint32_t)seen - 1), memory_order_relaxed);
        uint64_t wanted = ((seen >> 32) + 1) << 32 | below;
        if (atomic_compare_exchange_weak_explicit(head, &seen, wanted, memory_order_acquire, memory_order_acquire)) {
            return (uint32_t)seen;
        }
    }
    return INDEX_NONE;
}

uint32_t index_take(struct index_stack shards[INDEX_SHARDS], index_link_fn link)
{
    unsigned own = thread_number();
    for (unsigned i = 0; i < INDEX_SHARDS; i++) {
        uint32_t slot = pop(&shards[(own + i) % INDEX_SHARDS].head, link);
        if (slot != INDEX_NONE) {
            return slot;
        }
    }
    return INDEX_NONE;
}
