/* Calls that wait for a KDC: how many may hang at once, and in whose name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/policy.h"
#include "base/status.h"
#include "kerberos/library.h"

#define CLIENTS 64 /* a quarter of all: library.h */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned hanging, disposed;
static bool let_go;

/* A KDC that answers when the test lets it. */
static SECURITY_STATUS hang(struct library_job *job, krb5_context krb)
{
    (void)job, (void)krb;
    pthread_mutex_lock(&lock);
    hanging++;
    pthread_cond_broadcast(&changed);
    while (!let_go) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    return SEC_E_OK;
}

static SECURITY_STATUS answer(struct library_job *job, krb5_context krb)
{
    (void)job, (void)krb;
    return SEC_E_OK;
}

static void dispose(struct library_job *job)
{
    free(job);
    pthread_mutex_lock(&lock);
    disposed++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static SECURITY_STATUS ask(SECURITY_STATUS (*run)(struct library_job *, krb5_context), bool for_client)
{
    struct library_job *job = calloc(1, sizeof *job);
    *job = (struct library_job){.run = run, .dispose = dispose, .for_client = for_client};
    SECURITY_STATUS status = library_run(job);
    library_job_drop(job);
    return status;
}

static void *client(void *status)
{
    status_begin();
    *(SECURITY_STATUS *)status = ask(hang, true);
    return NULL;
}

static void wait_for(const unsigned *count, unsigned wanted)
{
    pthread_mutex_lock(&lock);
    while (*count < wanted) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

/* Clients whose tickets name a KDC that keeps silent do not keep the others from theirs. */
static void clients_leave_room(void **state)
{
    (void)state;
    pthread_t threads[CLIENTS];
    SECURITY_STATUS statuses[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, client, &statuses[i]), 0);
    }
    wait_for(&hanging, CLIENTS);
    status_begin();
    assert_int_equal(ask(answer, true), SEC_E_NO_AUTHENTICATING_AUTHORITY);
    status_begin();
    assert_int_equal(ask(answer, false), SEC_E_OK);
    pthread_mutex_lock(&lock);
    let_go = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(statuses[i], SEC_E_OK);
    }
    status_begin();
    assert_int_equal(ask(answer, true), SEC_E_OK); /* what has ended makes room */
    wait_for(&disposed, CLIENTS + 3);
}

static int set_up(void **state)
{
    static struct policy policy;
    (void)state;
    policy_defaults(&policy);
    policy.kerberos_kdc_timeout = 600; /* nobody is left behind here */
    policy_override(&policy);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(clients_leave_room)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("kerberos_jobs", tests, set_up, NULL);
}
