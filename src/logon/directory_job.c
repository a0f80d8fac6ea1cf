/* Questions that may wait for a domain controller: one thread each, which is given up when it takes too long. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/policy.h"
#include "base/thread.h"
#include "base/trace.h"
#include "logon/directory_inside.h"
#include "logon/process.h"

struct job {
    struct directory_question question;
    struct directory_entry found;
    enum directory_answer answer;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool done;
    bool given_up;
    atomic_uint references;
};

/* Threads that were given up and still wait, of this process: a fork leaves them behind. */
static atomic_uint hanging;
static atomic_uint hanging_in;

static bool is_somebody_hanging(void)
{
    if (atomic_exchange(&hanging_in, atomic_load(&process_generation)) != atomic_load(&process_generation)) {
        atomic_store(&hanging, 0);
    }
    return atomic_load(&hanging) != 0;
}

static void drop(struct job *job)
{
    if (atomic_fetch_sub_explicit(&job->references, 1, memory_order_acq_rel) == 1) {
        (void)pthread_cond_destroy(&job->ended);
        (void)pthread_mutex_destroy(&job->lock);
        free(job);
    }
}

static void *run(void *argument)
{
    struct job *job = argument;
    enum directory_answer answer = directory_answer(&job->question, &job->found);
    (void)pthread_mutex_lock(&job->lock);
    job->answer = answer;
    job->done = true;
    if (job->given_up) {
        TRACE("names: an answer came too late");
        atomic_fetch_sub(&hanging, 1);
    }
    (void)pthread_cond_signal(&job->ended);
    (void)pthread_mutex_unlock(&job->lock);
    drop(job);
    return NULL;
}

static struct job *job_new(const struct directory_question *question)
{
    struct job *job = calloc(1, sizeof *job);
    pthread_condattr_t attributes;
    if (job == NULL || pthread_condattr_init(&attributes) != 0) {
        free(job);
        return NULL;
    }
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&job->lock, NULL);
    (void)pthread_cond_init(&job->ended, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    job->question = *question;
    atomic_init(&job->references, 2);
    return job;
}

static enum directory_answer wait_for(struct job *job, uint32_t seconds, struct directory_entry *out)
{
    struct timespec deadline;
    int waited = 0;
    (void)clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += seconds;
    (void)pthread_mutex_lock(&job->lock);
    while (!job->done && waited == 0) {
        waited = pthread_cond_timedwait(&job->ended, &job->lock, &deadline);
    }
    bool done = job->done;
    if (!done) {
        job->given_up = true;
        atomic_fetch_add(&hanging, 1);
    }
    (void)pthread_mutex_unlock(&job->lock);
    if (!done) {
        TRACE("names: nobody answered within %u seconds ([names] lookup-timeout)", (unsigned)seconds);
        return DIRECTORY_NO_DOMAIN;
    }
    if (job->answer == DIRECTORY_FOUND) {
        *out = job->found;
    }
    return job->answer;
}

enum directory_answer directory_ask(const struct directory_question *question, struct directory_entry *out)
{
    uint32_t seconds = policy_get()->lookup_seconds;
    if (seconds == 0 || is_somebody_hanging()) {
        return DIRECTORY_NO_DOMAIN;
    }
    struct job *job = job_new(question);
    if (job == NULL) {
        return DIRECTORY_NO_DOMAIN;
    }
    if (!thread_start(run, job)) {
        atomic_store(&job->references, 1);
        drop(job);
        return DIRECTORY_NO_DOMAIN;
    }
    enum directory_answer answer = wait_for(job, seconds, out);
    drop(job);
    return answer;
}
