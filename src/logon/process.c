#include "logon/process.h"

#include <pthread.h>

atomic_uint process_generation;

static pthread_mutex_t lock;

static void make_lock(void)
{
    pthread_mutexattr_t recursive;
    (void)pthread_mutexattr_init(&recursive);
    (void)pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&lock, &recursive);
    (void)pthread_mutexattr_destroy(&recursive);
}

/* A recursive lock belongs to a thread id, and the child's is another one: it gets a lock of its own, which the wait in
 * process_lock() before the fork has made safe. */
static void in_child(void)
{
    make_lock();
    atomic_fetch_add_explicit(&process_generation, 1, memory_order_release);
}

__attribute__((constructor)) static void start(void)
{
    make_lock();
    (void)pthread_atfork(process_lock, process_unlock, in_child);
}

void process_lock(void)
{
    (void)pthread_mutex_lock(&lock);
}

void process_unlock(void)
{
    (void)pthread_mutex_unlock(&lock);
}
