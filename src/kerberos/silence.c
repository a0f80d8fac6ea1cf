#include "kerberos/silence.h"

#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include "kerberos/library.h"

#define SECONDS 30 /* Windows' locator of domain controllers keeps a negative answer for 45 */
#define SLOTS   64

/* Under the lock of `slots`. */
static struct {
    uint64_t key; /* 0: free */
    unsigned long generation;
    time_t since;
} slots[SLOTS];

static uint64_t mix(uint64_t hash, const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3); /* FNV-1a */
    }
    return (hash ^ 0xff) * UINT64_C(0x100000001b3);
}

uint64_t silence_key(const struct question *question)
{
    uint64_t hash = mix(mix(mix(UINT64_C(0xcbf29ce484222325), question->who), question->proxy), question->target);
    return hash != 0 ? hash : 1;
}

static time_t now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return time.tv_sec;
}

/* One place for each number; a newer one takes it over. */
static size_t slot_of(uint64_t key)
{
    return (size_t)(key % SLOTS);
}

bool silence_holds(uint64_t key)
{
    size_t slot = slot_of(key);
    unsigned long generation = library_generation();
    pthread_mutex_lock(library_lock(slots));
    bool holds = slots[slot].key == key && slots[slot].generation == generation && now() - slots[slot].since < SECONDS;
    pthread_mutex_unlock(library_lock(slots));
    return holds;
}

void silence_remember(uint64_t key)
{
    size_t slot = slot_of(key);
    unsigned long generation = library_generation();
    pthread_mutex_lock(library_lock(slots));
    slots[slot].key = key;
    slots[slot].generation = generation;
    slots[slot].since = now();
    pthread_mutex_unlock(library_lock(slots));
}

void silence_forget(uint64_t key)
{
    size_t slot = slot_of(key);
    pthread_mutex_lock(library_lock(slots));
    if (slots[slot].key == key) {
        slots[slot].key = 0;
    }
    pthread_mutex_unlock(library_lock(slots));
}
