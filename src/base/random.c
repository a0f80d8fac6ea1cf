#include "base/random.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#include "base/secret.h"

/* One system call costs as much as half a handshake's hashing, so each thread fetches a batch.  256 bytes is what
 * getrandom(2) gives without interruption. */
#define BATCH 256

struct pool {
    uint8_t bytes[BATCH];
    size_t left;
    unsigned generation;
};

static _Thread_local struct pool pool;

/* Counts forks: a child must not hand out what its parent also holds. */
static atomic_uint fork_generation;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void in_child(void)
{
    atomic_fetch_add_explicit(&fork_generation, 1, memory_order_relaxed);
}

static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, in_child);
}

static SECURITY_STATUS from_kernel(void *out, size_t size)
{
    uint8_t *at = out;
    while (size != 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0) {
            REQUIRE(errno == EINTR, SEC_E_INTERNAL_ERROR, "the kernel gave no random bytes (getrandom)");
            continue;
        }
        at += got;
        size -= (size_t)got;
    }
    return SEC_E_OK;
}

static SECURITY_STATUS pooled(void *out, size_t size)
{
    if (size > BATCH / 4) {
        return from_kernel(out, size);
    }
    (void)pthread_once(&fork_once, watch_forks);
    unsigned generation = atomic_load_explicit(&fork_generation, memory_order_relaxed);
    if (pool.left < size || pool.generation != generation) {
        TRY(from_kernel(pool.bytes, BATCH));
        pool.left = BATCH;
        pool.generation = generation;
    }
    uint8_t *at = pool.bytes + BATCH - pool.left;
    memcpy(out, at, size);
    secret_wipe(at, size);
    pool.left -= size;
    return SEC_E_OK;
}

SECURITY_STATUS (*random_source)(void *out, size_t size) = pooled;
