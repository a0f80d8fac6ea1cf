#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/index_stack.h"

void secret_wipe(void *data, size_t size)
{
    if (size != 0) {
        explicit_bzero(data, size);
    }
}

bool secret_equal(const void *a, const void *b, size_t size)
{
    const volatile uint8_t *left = a;
    const volatile uint8_t *right = b;
    unsigned difference = 0;
    for (size_t i = 0; i < size; i++) {
        difference |= left[i] ^ right[i];
    }
    return difference == 0;
}

/* ---------------------------------------------------------------- where secrets live
 *
 * Secrets have pages of their own: the kernel leaves whole pages out of a core dump, never parts of one (madvise(2),
 * MADV_DONTDUMP).  Keys and most passwords fit into a slot; slots come in regions that are mapped when needed and kept.
 * A larger secret has its own mapping. */
#ifdef __SANITIZE_ADDRESS__
#define SLOT_SIZE 0u /* each has its own mapping, so that a use after the end is seen */
#else
#define SLOT_SIZE 128u
#endif
#define REGION_SLOTS 512u
#define REGIONS      4096u

struct region {
    uint8_t *slots;
    _Atomic uint32_t link[REGION_SLOTS];
};

static struct region *_Atomic regions[REGIONS];
static _Atomic uint32_t region_count;
static struct index_stack free_slots[INDEX_SHARDS];

static struct region *region_at(uint32_t number)
{
    return atomic_load_explicit(&regions[number], memory_order_acquire);
}

static _Atomic uint32_t *slot_link(uint32_t slot)
{
    return &region_at(slot / REGION_SLOTS)->link[slot % REGION_SLOTS];
}

static void *map_pages(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        return NULL;
    }
    (void)madvise(pages, size, MADV_DONTDUMP); /* an old kernel refuses; the secret is still wiped */
    return pages;
}

/* Makes a region, keeps its first slot for the caller and sets the others free; INDEX_NONE: out of memory, or too many. */
static uint32_t grow(void)
{
    struct region *region = malloc(sizeof *region);
    uint8_t *slots = region == NULL ? NULL : map_pages(REGION_SLOTS * SLOT_SIZE);
    uint32_t number = atomic_load_explicit(&region_count, memory_order_relaxed);
    bool room = slots != NULL && number < REGIONS;
    while (room && !atomic_compare_exchange_weak_explicit(&region_count, &number, number + 1, memory_order_relaxed,
                                                          memory_order_relaxed)) {
        room = number < REGIONS;
    }
    if (!room) {
        if (slots != NULL) {
            (void)munmap(slots, REGION_SLOTS * SLOT_SIZE);
        }
        free(region);
        return INDEX_NONE;
    }
    uint32_t base = number * REGION_SLOTS;
    region->slots = slots;
    for (uint32_t i = 0; i < REGION_SLOTS; i++) {
        atomic_init(&region->link[i], base + i + 2);
    }
    atomic_store_explicit(&regions[number], region, memory_order_release);
    index_give(free_slots, base + 2, &region->link[REGION_SLOTS - 1]);
    return base + 1;
}

static uint8_t *take_slot(uint32_t *out_slot)
{
    uint32_t slot = index_take(free_slots, slot_link);
    slot = slot != INDEX_NONE ? slot : grow();
    if (slot == INDEX_NONE) {
        return NULL;
    }
    *out_slot = slot;
    return region_at((slot - 1) / REGION_SLOTS)->slots + (size_t)((slot - 1) % REGION_SLOTS) * SLOT_SIZE;
}

static size_t mapped_size(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

SECURITY_STATUS secret_alloc(struct secret *out, size_t size)
{
    struct secret made = {NULL, size, 0};
    if (size != 0) {
        REQUIRE(size <= SIZE_MAX / 2, SEC_E_INSUFFICIENT_MEMORY, "a secret of impossible size");
        made.data = size <= SLOT_SIZE ? take_slot(&made.slot) : map_pages(mapped_size(size));
        REQUIRE(made.data != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a secret");
    }
    *out = made;
    return SEC_E_OK;
}

SECURITY_STATUS secret_copy(struct secret *out, struct bytes data)
{
    TRY(secret_alloc(out, data.size));
    if (data.size != 0) {
        memcpy(out->data, data.data, data.size);
    }
    return SEC_E_OK;
}

void secret_free(struct secret *secret)
{
    if (secret->data != NULL) {
        secret_wipe(secret->data, secret->size);
        if (secret->slot != INDEX_NONE) {
            index_give(free_slots, secret->slot, slot_link(secret->slot - 1));
        } else {
            (void)munmap(secret->data, mapped_size(secret->size));
        }
    }
    *secret = (struct secret){NULL, 0, 0};
}

void key16_wipe(struct key16 *key)
{
    secret_wipe(key->b, sizeof key->b);
}
