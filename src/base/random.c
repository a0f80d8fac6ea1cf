#include "base/random.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

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

/* Counts forks: a child must not hand out what its parent also holds.  fork(3) says so itself; a page that the kernel
 * empties in a child (madvise(2), MADV_WIPEONFORK) tells of children made behind the C library's back. */
static atomic_uint fork_generation;
static atomic_uint *fork_mark;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void in_child(void)
{
    atomic_fetch_add_explicit(&fork_generation, 1, memory_order_relaxed);
}

static void watch_forks(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    (void)pthread_atfork(NULL, NULL, in_child);
    void *mark = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mark != MAP_FAILED && madvise(mark, page, MADV_WIPEONFORK) == 0) {
        fork_mark = mark;
        atomic_store_explicit(fork_mark, 1, memory_order_relaxed);
    }
}

static unsigned current_generation(void)
{
    if (fork_mark != NULL && atomic_load_explicit(fork_mark, memory_order_relaxed) == 0) {
        atomic_fetch_add_explicit(&fork_generation, 1, memory_order_relaxed);
        atomic_store_explicit(fork_mark, 1, memory_order_relaxed);
    }
    return atomic_load_explicit(&fork_generation, memory_order_relaxed);
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
    unsigned generation = current_generation();
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
