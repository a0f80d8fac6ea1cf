/* The handle table.
 *
 * Slots live in chunks that are allocated on demand and never freed, so that a lookup of whatever a caller passes reads
 * memory that is ours.  Everything a lookup decides on is in one word of the slot:
 *
 *     bit 63..24  generation   never 0, one more each time the slot is opened
 *     bit 23..21  kind         enum handle_kind
 *     bit 20      open         pins may be taken
 *     bit 19..0   pins         calls that hold the object now
 *
 * Pinning is a compare-and-swap of that word, unpinning a subtraction.  The one who makes the word "not open, no pins"
 * ends the object: the closer when nobody holds a pin, otherwise the last to unpin.  So there is exactly one.
 *
 * The pins of a credential are counted elsewhere: all threads of a server log on with the same one, and a word that they
 * all write costs each logon a tenth of its time on two processors already.  Such a slot has STRIPES counters on cache
 * lines of their own; a thread counts on its own stripe, up or down, and only the sum means anything.  The word then holds
 * one pin, the owner's, from opening until the end.  Who pins adds first and looks at the word afterwards; who closes
 * takes the open bit away first and adds up afterwards (all in the one order of memory_order_seq_cst), so a pin that the
 * sum does not see finds the slot closed.  While a slot is open nobody adds up.  Once it is closed, whoever gives a pin
 * back adds up too, and the one who finds nothing left and takes the owner's pin from the word ends the object.  The sum
 * is not read at one moment, and need not be: no stripe shows less than the pins that were taken on it before the close
 * and are still held, as long as one pin is handed on only by taking the next beside it, in the same thread
 * (handle_hold).
 *
 * Slots that are free hang on stacks (base/index_stack.h), those with stripes apart from the others.
 *
 * A slot is a cache line, because two contexts that are neighbours here belong to threads that know nothing of each other.
 *
 * fork needs no pthread_atfork: there is no lock that another thread could have held, and every step of every operation
 * leaves the words consistent.  What the child may inherit from the parent's other threads is a slot that was on its way
 * between two stacks, or a pin that nobody will return: that memory stays allocated, and nothing else is wrong with it.
 */
#include "core/handle.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/index_stack.h"

#define CHUNK_SLOTS 1024u
#define CHUNKS      4096u
#define STRIPES     8u

#define PIN_ONE          UINT64_C(1)
#define PIN_MASK         UINT64_C(0xFFFFF)
#define OPEN_BIT         (UINT64_C(1) << 20)
#define KIND_SHIFT       21
#define GENERATION_SHIFT 24
#define GENERATION_MAX   ((UINT64_C(1) << 40) - 1)

struct stripe {
    _Alignas(64) _Atomic int64_t pins; /* below 0 when more were given back here than taken */
};

struct slot {
    _Alignas(64) _Atomic uint64_t word;
    void *object;                   /* written before the word is opened, read only while pinned */
    struct stripe *_Atomic stripes; /* STRIPES of them, made once and kept; NULL for a kind that has none */
    _Atomic uint32_t next;          /* while free: the slot below on the stack, + 1 */
};

enum pool { POOL_PLAIN, POOL_STRIPED, POOLS };

static struct slot *_Atomic chunks[CHUNKS];
static _Atomic uint32_t chunk_count;
static struct index_stack free_slots[POOLS][INDEX_SHARDS];
static void (*_Atomic destructors[HANDLE_KINDS])(void *object);

static struct slot *slot_at(uint32_t index)
{
    struct slot *chunk = atomic_load_explicit(&chunks[index / CHUNK_SLOTS], memory_order_acquire);
    return chunk == NULL ? NULL : &chunk[index % CHUNK_SLOTS];
}

static uint64_t handle_generation(const SecHandle *handle)
{
    return (uint64_t)handle->dwUpper >> 8;
}

/* The slot a handle names, whatever is in it now; NULL when no such slot was ever made. */
static struct slot *handle_slot(const SecHandle *handle)
{
    uint64_t index = (uint64_t)handle->dwLower - 1;
    return index < (uint64_t)CHUNKS * CHUNK_SLOTS ? slot_at((uint32_t)index) : NULL;
}

static enum pool pool_of(enum handle_kind kind)
{
    return kind == HANDLE_CREDENTIAL || kind == HANDLE_CREDENTIAL_PART ? POOL_STRIPED : POOL_PLAIN;
}

static _Atomic uint32_t *slot_link(uint32_t index)
{
    return &slot_at(index)->next;
}

/* Makes a chunk, keeps its first slot for the caller and gives the others to the caller's stack. */
static uint32_t grow(enum pool pool)
{
    struct slot *chunk = aligned_alloc(_Alignof(struct slot), CHUNK_SLOTS * sizeof *chunk);
    if (chunk == NULL) {
        return INDEX_NONE;
    }
    uint32_t number = atomic_load_explicit(&chunk_count, memory_order_relaxed);
    do {
        if (number >= CHUNKS) {
            free(chunk);
            return INDEX_NONE;
        }
    } while (!atomic_compare_exchange_weak_explicit(&chunk_count, &number, number + 1, memory_order_relaxed,
                                                    memory_order_relaxed));
    uint32_t base = number * CHUNK_SLOTS;
    for (uint32_t i = 0; i < CHUNK_SLOTS; i++) {
        atomic_init(&chunk[i].word, 0);
        atomic_init(&chunk[i].stripes, NULL);
        atomic_init(&chunk[i].next, base + i + 2);
        chunk[i].object = NULL;
    }
    atomic_store_explicit(&chunks[number], chunk, memory_order_release);
    index_give(free_slots[pool], base + 2, &chunk[CHUNK_SLOTS - 1].next);
    return base + 1;
}

static uint32_t take_slot(enum pool pool)
{
    uint32_t slot = index_take(free_slots[pool], slot_link);
    return slot != INDEX_NONE ? slot : grow(pool);
}

/* The stripes of a slot that nobody else has yet; they are all 0 whenever it is free. */
static bool make_stripes(struct slot *slot)
{
    if (atomic_load_explicit(&slot->stripes, memory_order_relaxed) != NULL) {
        return true;
    }
    struct stripe *stripes = aligned_alloc(_Alignof(struct stripe), STRIPES * sizeof *stripes);
    if (stripes == NULL) {
        return false;
    }
    for (unsigned i = 0; i < STRIPES; i++) {
        atomic_init(&stripes[i].pins, 0);
    }
    atomic_store_explicit(&slot->stripes, stripes, memory_order_release);
    return true;
}

SECURITY_STATUS handle_open(enum handle_kind kind, void *object, SecHandle *out)
{
    enum pool pool = pool_of(kind);
    uint32_t number = take_slot(pool);
    REQUIRE(number != INDEX_NONE, SEC_E_INSUFFICIENT_MEMORY, "the handle table is full");
    struct slot *slot = slot_at(number - 1);
    if (pool == POOL_STRIPED && !make_stripes(slot)) {
        index_give(free_slots[pool], number, &slot->next);
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "out of memory for a handle");
    }
    uint64_t generation = (atomic_load_explicit(&slot->word, memory_order_relaxed) >> GENERATION_SHIFT) + 1;
    if (generation > GENERATION_MAX) {
        generation = 1;
    }
    slot->object = object;
    uint64_t word = generation << GENERATION_SHIFT | (uint64_t)kind << KIND_SHIFT | OPEN_BIT;
    word |= pool == POOL_STRIPED ? PIN_ONE : 0;
    atomic_store_explicit(&slot->word, word, memory_order_release);
    out->dwLower = number;
    out->dwUpper = (ULONG_PTR)(generation << 8 | (uint64_t)kind);
    return SEC_E_OK;
}

/* What the word of an open slot looks like for this handle, without its pins; 0 when the handle cannot be of this kind. */
static uint64_t open_word(enum handle_kind kind, const SecHandle *handle)
{
    uint64_t generation = handle_generation(handle);
    bool right = (handle->dwUpper & 0xFF) == (ULONG_PTR)kind && generation != 0 && generation <= GENERATION_MAX;
    return right ? generation << GENERATION_SHIFT | (uint64_t)kind << KIND_SHIFT | OPEN_BIT : 0;
}

/* Ends the object of a slot that is closed and that nobody holds, and gives the slot back. */
static void end(enum handle_kind kind, const SecHandle *handle, struct slot *slot)
{
    void *object = slot->object;
    slot->object = NULL;
    index_give(free_slots[pool_of(kind)], (uint32_t)handle->dwLower, &slot->next);
    void (*destroy)(void *object) = atomic_load_explicit(&destructors[kind], memory_order_acquire);
    if (destroy != NULL) {
        destroy(object);
    }
}

/* ---------------------------------------------------------------- pins on stripes */

static void count(struct stripe *stripes, int64_t change)
{
    atomic_fetch_add_explicit(&stripes[thread_number() % STRIPES].pins, change, memory_order_seq_cst);
}

/* Ends the object of a closed slot if no stripe has a pin left and nobody else ends it. */
static void end_when_unused(enum handle_kind kind, const SecHandle *handle, struct slot *slot, struct stripe *stripes)
{
    uint64_t closed = handle_generation(handle) << GENERATION_SHIFT | (uint64_t)kind << KIND_SHIFT | PIN_ONE;
    if (atomic_load_explicit(&slot->word, memory_order_seq_cst) != closed) {
        return;
    }
    int64_t sum = 0;
    for (unsigned i = 0; i < STRIPES; i++) {
        sum += atomic_load_explicit(&stripes[i].pins, memory_order_seq_cst);
    }
    if (sum == 0 && atomic_compare_exchange_strong_explicit(&slot->word, &closed, closed - PIN_ONE,
                                                            memory_order_acq_rel, memory_order_relaxed)) {
        end(kind, handle, slot);
    }
}

static void unpin_striped(enum handle_kind kind, const SecHandle *handle, struct slot *slot, struct stripe *stripes)
{
    count(stripes, -1);
    end_when_unused(kind, handle, slot, stripes);
}

static void *pin_striped(enum handle_kind kind, const SecHandle *handle, uint64_t expected, struct slot *slot)
{
    struct stripe *stripes = atomic_load_explicit(&slot->stripes, memory_order_acquire);
    if (stripes == NULL) {
        return NULL;
    }
    count(stripes, 1);
    if (atomic_load_explicit(&slot->word, memory_order_seq_cst) == (expected | PIN_ONE)) {
        return slot->object;
    }
    unpin_striped(kind, handle, slot, stripes);
    return NULL;
}

/* ---------------------------------------------------------------- pins */

void *handle_pin(enum handle_kind kind, const SecHandle *handle)
{
    uint64_t expected = open_word(kind, handle);
    struct slot *slot = expected == 0 ? NULL : handle_slot(handle);
    if (slot == NULL) {
        return NULL;
    }
    if (pool_of(kind) == POOL_STRIPED) {
        return pin_striped(kind, handle, expected, slot);
    }
    uint64_t seen = atomic_load_explicit(&slot->word, memory_order_relaxed);
    while ((seen & ~PIN_MASK) == expected && (seen & PIN_MASK) != PIN_MASK) {
        if (atomic_compare_exchange_weak_explicit(&slot->word, &seen, seen + PIN_ONE, memory_order_acquire,
                                                  memory_order_relaxed)) {
            return slot->object;
        }
    }
    return NULL;
}

void handle_hold(enum handle_kind kind, const SecHandle *handle)
{
    struct slot *slot = handle_slot(handle);
    if (pool_of(kind) == POOL_STRIPED) {
        count(atomic_load_explicit(&slot->stripes, memory_order_relaxed), 1);
    } else {
        atomic_fetch_add_explicit(&slot->word, PIN_ONE, memory_order_relaxed);
    }
}

void handle_unpin(enum handle_kind kind, const SecHandle *handle)
{
    struct slot *slot = handle_slot(handle);
    if (pool_of(kind) == POOL_STRIPED) {
        unpin_striped(kind, handle, slot, atomic_load_explicit(&slot->stripes, memory_order_relaxed));
        return;
    }
    uint64_t before = atomic_fetch_sub_explicit(&slot->word, PIN_ONE, memory_order_acq_rel);
    if ((before & (OPEN_BIT | PIN_MASK)) == PIN_ONE) {
        end(kind, handle, slot);
    }
}

SECURITY_STATUS handle_close(enum handle_kind kind, const SecHandle *handle)
{
    uint64_t expected = open_word(kind, handle);
    struct slot *slot = expected == 0 ? NULL : handle_slot(handle);
    REQUIRE(slot != NULL, SEC_E_INVALID_HANDLE, "not a handle of this kind");
    uint64_t seen = atomic_load_explicit(&slot->word, memory_order_relaxed);
    do {
        REQUIRE((seen & ~PIN_MASK) == expected, SEC_E_INVALID_HANDLE, "the handle is closed already");
    } while (!atomic_compare_exchange_weak_explicit(&slot->word, &seen, seen & ~OPEN_BIT, memory_order_seq_cst,
                                                    memory_order_relaxed));
    if (pool_of(kind) == POOL_STRIPED) {
        end_when_unused(kind, handle, slot, atomic_load_explicit(&slot->stripes, memory_order_relaxed));
    } else if ((seen & PIN_MASK) == 0) {
        end(kind, handle, slot);
    }
    return SEC_E_OK;
}

void handle_destructor(enum handle_kind kind, void (*destroy)(void *object))
{
    atomic_store_explicit(&destructors[kind], destroy, memory_order_release);
}

/* slot in bits 2..23, generation in bits 24..63: never 0, never -1, a multiple of four as kernel handles are. */
void *handle_pack(const SecHandle *handle)
{
    return (void *)(uintptr_t)(handle_generation(handle) << 24 | (uint64_t)(handle->dwLower - 1) << 2);
}

SecHandle handle_unpack(enum handle_kind kind, const void *packed)
{
    uint64_t value = (uint64_t)(uintptr_t)packed;
    if ((value & 3) != 0 || value >> 24 == 0) {
        return (SecHandle){0, 0};
    }
    return (SecHandle){(ULONG_PTR)((value >> 2 & 0x3FFFFF) + 1), (ULONG_PTR)((value >> 24) << 8 | (uint64_t)kind)};
}
