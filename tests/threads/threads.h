/* What the thread tests share: N threads that start together, a worker that reports by number, no sleeps. */
#ifndef OPENSSPI_TESTS_THREADS_H
#define OPENSSPI_TESTS_THREADS_H

#include "vectors/hex.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "support/pair.h"

#define THREADS_MAX 64

extern unsigned thread_count; /* of the command line */
extern unsigned round_count;

struct crew {
    pthread_barrier_t start;
    atomic_uint wrong;       /* how often a worker saw what it must not see */
    atomic_int wrong_status; /* the last status that came with it */
    atomic_ulong progress;   /* for waiting without sleeping */
    atomic_bool stop;
    void *work; /* the test's own */
};

struct worker {
    struct crew *crew;
    unsigned number;
    void (*run)(struct worker *worker);
};

static inline void crew_wrong(struct crew *crew, SECURITY_STATUS status)
{
    atomic_store(&crew->wrong_status, status);
    atomic_fetch_add(&crew->wrong, 1);
}

/* Notes a status that is not the expected one; true when it was. */
static inline bool crew_expect(struct crew *crew, SECURITY_STATUS expected, SECURITY_STATUS status)
{
    if (status != expected) {
        crew_wrong(crew, status);
    }
    return status == expected;
}

static inline void crew_wait(struct crew *crew, unsigned long progress)
{
    while (atomic_load(&crew->progress) < progress && atomic_load(&crew->wrong) == 0) {
        (void)sched_yield();
    }
}

static inline void *crew_member(void *argument)
{
    struct worker *worker = argument;
    (void)pthread_barrier_wait(&worker->crew->start);
    worker->run(worker);
    return NULL;
}

/* Starts `count` workers at once; `meanwhile`, if there is one, runs in this thread beside them; waits for all. */
static inline void crew_run(struct crew *crew, unsigned count, void (*run)(struct worker *worker),
                            void (*meanwhile)(struct crew *crew))
{
    pthread_t threads[THREADS_MAX];
    struct worker workers[THREADS_MAX];
    assert_in_range(count, 1, THREADS_MAX);
    assert_int_equal(pthread_barrier_init(&crew->start, NULL, count + 1), 0);
    for (unsigned i = 0; i < count; i++) {
        workers[i] = (struct worker){.crew = crew, .number = i, .run = run};
        assert_int_equal(pthread_create(&threads[i], NULL, crew_member, &workers[i]), 0);
    }
    (void)pthread_barrier_wait(&crew->start);
    if (meanwhile != NULL) {
        meanwhile(crew);
    }
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    (void)pthread_barrier_destroy(&crew->start);
    if (atomic_load(&crew->wrong) != 0) {
        const char *name = SspiExtStatusName(atomic_load(&crew->wrong_status));
        print_message("# wrong %u times, last %s\n", atomic_load(&crew->wrong), name != NULL ? name : "unnamed");
    }
    assert_int_equal(atomic_load(&crew->wrong), 0);
}

/* A pair that uses another one's credentials. */
static inline struct pair borrow(const struct pair *owner)
{
    struct pair pair = {.bindings = NULL};
    pair.client_credential = owner->client_credential;
    pair.server_credential = owner->server_credential;
    return pair;
}

static inline void take_arguments(int argc, char **argv)
{
    if (argc > 2) {
        thread_count = (unsigned)strtoul(argv[1], NULL, 10);
        round_count = (unsigned)strtoul(argv[2], NULL, 10);
    }
}

#endif
