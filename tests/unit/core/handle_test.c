/* The handle table: what is a handle and what is not, pins against closing, threads, fork. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/handle.h"
#include "support/child.h"

/* An object that knows how often it was ended and whether somebody used it afterwards. */
struct object {
    atomic_int ended;
    atomic_int users;
};

static void destroy(void *pointer)
{
    struct object *object = pointer;
    assert_int_equal(atomic_load(&object->users), 0);
    atomic_fetch_add(&object->ended, 1);
}

/* The kind that a test works with: each of them runs with one that is pinned on its own word and one on stripes. */
static enum handle_kind kind;

static int plain(void **state)
{
    kind = HANDLE_CONTEXT;
    return 0;
}

static int striped(void **state)
{
    kind = HANDLE_CREDENTIAL;
    return 0;
}

static int set_up(void **state)
{
    handle_destructor(HANDLE_CREDENTIAL, destroy);
    handle_destructor(HANDLE_CONTEXT, destroy);
    handle_destructor(HANDLE_TOKEN, destroy);
    return 0;
}

static void test_opens_and_closes(void **state)
{
    struct object object = {0};
    SecHandle handle = {0, 0};
    assert_int_equal(handle_open(kind, &object, &handle), SEC_E_OK);
    assert_true(handle.dwLower != 0 && handle.dwLower != (ULONG_PTR)-1);
    assert_true(handle.dwUpper != 0 && handle.dwUpper != (ULONG_PTR)-1);
    assert_ptr_equal(handle_pin(kind, &handle), &object);
    handle_unpin(kind, &handle);
    assert_int_equal(object.ended, 0);
    assert_int_equal(handle_close(kind, &handle), SEC_E_OK);
    assert_int_equal(object.ended, 1);
}

static void test_stale_handle_is_refused(void **state)
{
    struct object first = {0};
    struct object second = {0};
    SecHandle old = {0, 0};
    SecHandle new = {0, 0};
    assert_int_equal(handle_open(kind, &first, &old), SEC_E_OK);
    assert_int_equal(handle_close(kind, &old), SEC_E_OK);
    assert_null(handle_pin(kind, &old));
    assert_int_equal(handle_close(kind, &old), SEC_E_INVALID_HANDLE);
    assert_int_equal(handle_open(kind, &second, &new), SEC_E_OK);
    assert_int_equal(new.dwLower, old.dwLower); /* the slot is used again at once: the generation tells them apart */
    assert_null(handle_pin(kind, &old));
    assert_int_equal(handle_close(kind, &old), SEC_E_INVALID_HANDLE);
    assert_int_equal(second.ended, 0);
    assert_int_equal(handle_close(kind, &new), SEC_E_OK);
    assert_int_equal(first.ended, 1);
    assert_int_equal(second.ended, 1);
}

static void test_kinds_are_kept_apart(void **state)
{
    struct object object = {0};
    SecHandle handle = {0, 0};
    assert_int_equal(handle_open(HANDLE_CREDENTIAL, &object, &handle), SEC_E_OK);
    assert_null(handle_pin(HANDLE_CONTEXT, &handle));
    assert_null(handle_pin(HANDLE_TOKEN, &handle));
    assert_int_equal(handle_close(HANDLE_CONTEXT, &handle), SEC_E_INVALID_HANDLE);
    SecHandle relabelled = {handle.dwLower, (handle.dwUpper & ~(ULONG_PTR)0xFF) | HANDLE_CONTEXT};
    assert_null(handle_pin(HANDLE_CONTEXT, &relabelled));
    assert_int_equal(handle_close(HANDLE_CONTEXT, &relabelled), SEC_E_INVALID_HANDLE);
    assert_int_equal(handle_close(HANDLE_CREDENTIAL, &handle), SEC_E_OK);
}

static void test_no_bit_may_be_wrong(void **state)
{
    struct object object = {0};
    SecHandle handle = {0, 0};
    assert_int_equal(handle_open(kind, &object, &handle), SEC_E_OK);
    for (int bit = 0; bit < 64; bit++) {
        SecHandle lower = {handle.dwLower ^ (ULONG_PTR)1 << bit, handle.dwUpper};
        SecHandle upper = {handle.dwLower, handle.dwUpper ^ (ULONG_PTR)1 << bit};
        assert_null(handle_pin(kind, &lower));
        assert_null(handle_pin(kind, &upper));
    }
    const SecHandle nonsense[] = {
        {0, 0},
        {(ULONG_PTR)-1, (ULONG_PTR)-1},
        {(ULONG_PTR)-2, (ULONG_PTR)-2},
        {1, 0},
        {0, handle.dwUpper},
        {handle.dwUpper, handle.dwLower},
        {(ULONG_PTR)&object, (ULONG_PTR)&object},
        {handle.dwLower, kind},
    };
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        assert_null(handle_pin(kind, &nonsense[i]));
        assert_int_equal(handle_close(kind, &nonsense[i]), SEC_E_INVALID_HANDLE);
    }
    assert_int_equal(handle_close(kind, &handle), SEC_E_OK);
}

static void test_pinned_object_outlives_its_handle(void **state)
{
    struct object object = {0};
    SecHandle handle = {0, 0};
    assert_int_equal(handle_open(kind, &object, &handle), SEC_E_OK);
    assert_ptr_equal(handle_pin(kind, &handle), &object);
    assert_ptr_equal(handle_pin(kind, &handle), &object);
    assert_int_equal(handle_close(kind, &handle), SEC_E_OK);
    assert_int_equal(object.ended, 0);
    assert_null(handle_pin(kind, &handle));
    assert_int_equal(handle_close(kind, &handle), SEC_E_INVALID_HANDLE);
    handle_unpin(kind, &handle);
    assert_int_equal(object.ended, 0);
    handle_unpin(kind, &handle);
    assert_int_equal(object.ended, 1);
}

#define MANY 5000 /* more than four chunks */

static void test_many_are_all_different(void **state)
{
    struct object *objects = calloc(MANY, sizeof *objects);
    SecHandle *handles = calloc(MANY, sizeof *handles);
    assert_non_null(objects);
    assert_non_null(handles);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(handle_open(kind, &objects[i], &handles[i]), SEC_E_OK);
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_ptr_equal(handle_pin(kind, &handles[i]), &objects[i]);
        handle_unpin(kind, &handles[i]);
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(handle_close(kind, &handles[i]), SEC_E_OK);
        assert_int_equal(objects[i].ended, 1);
    }
    free(handles);
    free(objects);
}

static void test_packed_handle(void **state)
{
    struct object object = {0};
    SecHandle handle = {0, 0};
    assert_int_equal(handle_open(HANDLE_TOKEN, &object, &handle), SEC_E_OK);
    void *packed = handle_pack(&handle);
    assert_non_null(packed);
    assert_int_equal((uintptr_t)packed % 4, 0); /* the two low bits of a Windows HANDLE are the application's */
    SecHandle again = handle_unpack(HANDLE_TOKEN, packed);
    assert_memory_equal(&again, &handle, sizeof handle);
    void *const nonsense[] = {NULL, (void *)(intptr_t)-1, (void *)1, (char *)packed + 1, &object};
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        SecHandle wrong = handle_unpack(HANDLE_TOKEN, nonsense[i]);
        assert_null(handle_pin(HANDLE_TOKEN, &wrong));
    }
    assert_int_equal(handle_close(HANDLE_TOKEN, &handle), SEC_E_OK);
}

/* ---------------------------------------------------------------- threads */

#define THREADS 8
#define ROUNDS  20000

struct churn {
    pthread_t thread;
    int wrong;
};

/* Opens, uses and closes its own; nobody else's object may ever appear. */
static void *churn(void *argument)
{
    struct churn *self = argument;
    for (int round = 0; round < ROUNDS; round++) {
        struct object object = {0};
        SecHandle handle = {0, 0};
        self->wrong += handle_open(kind, &object, &handle) != SEC_E_OK;
        self->wrong += handle_pin(kind, &handle) != &object;
        handle_unpin(kind, &handle);
        self->wrong += handle_close(kind, &handle) != SEC_E_OK;
        self->wrong += atomic_load(&object.ended) != 1;
    }
    return NULL;
}

static void test_threads_do_not_meet(void **state)
{
    struct churn churns[THREADS] = {0};
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&churns[i].thread, NULL, churn, &churns[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(churns[i].thread, NULL);
        assert_int_equal(churns[i].wrong, 0);
    }
}

struct contest {
    pthread_barrier_t start;
    SecHandle handle;
    struct object object;
    atomic_int closed;
    int wrong;
};

static struct contest contest;

/* Uses one object until it is closed; whoever has a pin must find it alive. */
static void *use(void *argument)
{
    for (int round = 0; round < 300; round++) {
        pthread_barrier_wait(&contest.start);
        for (int i = 0; i < 50; i++) {
            struct object *object = handle_pin(kind, &contest.handle);
            if (object == NULL) {
                break;
            }
            atomic_fetch_add(&object->users, 1);
            __atomic_fetch_add(&contest.wrong, atomic_load(&object->ended), __ATOMIC_RELAXED);
            atomic_fetch_sub(&object->users, 1);
            handle_unpin(kind, &contest.handle);
        }
        if (handle_close(kind, &contest.handle) == SEC_E_OK) {
            atomic_fetch_add(&contest.closed, 1);
        }
        pthread_barrier_wait(&contest.start);
    }
    return NULL;
}

static void test_concurrent_close_ends_once(void **state)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&contest.start, NULL, THREADS + 1);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, use, NULL), 0);
    }
    for (int round = 0; round < 300; round++) {
        atomic_store(&contest.object.ended, 0);
        atomic_store(&contest.closed, 0);
        assert_int_equal(handle_open(kind, &contest.object, &contest.handle), SEC_E_OK);
        pthread_barrier_wait(&contest.start);
        pthread_barrier_wait(&contest.start);
        assert_int_equal(atomic_load(&contest.closed), 1);
        assert_int_equal(atomic_load(&contest.object.ended), 1);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&contest.start);
    assert_int_equal(contest.wrong, 0);
}

/* Pins that are handed from thread to thread: each is taken beside a pin of its own, as a context keeps its credential,
 * and ended by another thread while the handle is being closed. */
#define GIFTS 64

struct relay {
    pthread_barrier_t start;
    SecHandle handle;
    struct object object;
    atomic_int left; /* gifts that nobody has ended yet */
    atomic_int wrong;
};

static struct relay relay;

static void *give(void *argument)
{
    for (int round = 0; round < 300; round++) {
        pthread_barrier_wait(&relay.start);
        for (int i = 0; i < GIFTS && handle_pin(kind, &relay.handle) != NULL; i++) {
            handle_hold(kind, &relay.handle);
            atomic_fetch_add(&relay.left, 1);
            handle_unpin(kind, &relay.handle);
        }
        pthread_barrier_wait(&relay.start);
    }
    return NULL;
}

static bool take_gift(void)
{
    int left = atomic_load(&relay.left);
    while (left > 0) {
        if (atomic_compare_exchange_weak(&relay.left, &left, left - 1)) {
            return true;
        }
    }
    return false;
}

static void *take(void *argument)
{
    for (int round = 0; round < 300; round++) {
        pthread_barrier_wait(&relay.start);
        for (int i = 0; i < 8 * GIFTS; i++) {
            if (take_gift()) {
                atomic_fetch_add(&relay.wrong, atomic_load(&relay.object.ended));
                handle_unpin(kind, &relay.handle);
            }
        }
        pthread_barrier_wait(&relay.start);
    }
    return NULL;
}

static void test_held_pins_change_threads(void **state)
{
    pthread_t threads[THREADS];
    atomic_store(&relay.wrong, 0);
    pthread_barrier_init(&relay.start, NULL, THREADS + 1);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, i % 2 == 0 ? give : take, NULL), 0);
    }
    for (int round = 0; round < 300; round++) {
        atomic_store(&relay.object.ended, 0);
        assert_int_equal(handle_open(kind, &relay.object, &relay.handle), SEC_E_OK);
        pthread_barrier_wait(&relay.start);
        assert_int_equal(handle_close(kind, &relay.handle), SEC_E_OK);
        pthread_barrier_wait(&relay.start);
        assert_int_equal(atomic_load(&relay.object.ended), atomic_load(&relay.left) == 0);
        while (take_gift()) {
            handle_unpin(kind, &relay.handle);
        }
        assert_int_equal(atomic_load(&relay.object.ended), 1);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&relay.start);
    assert_int_equal(atomic_load(&relay.wrong), 0);
}

static atomic_bool busy_stop;

static void *busy(void *argument)
{
    while (!atomic_load(&busy_stop)) {
        churn(argument);
    }
    return NULL;
}

/* A child made while other threads work on the table can use the parent's handles and make its own. */
static void test_fork_amid_traffic(void **state)
{
    atomic_store(&busy_stop, false);
    struct churn churns[2] = {0};
    struct object object = {0};
    SecHandle handle = {0, 0};
    assert_int_equal(handle_open(kind, &object, &handle), SEC_E_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&churns[i].thread, NULL, busy, &churns[i]), 0);
    }
    for (int round = 0; round < 20; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct churn own = {0};
            churn(&own);
            int alive = handle_pin(kind, &handle) == &object;
            child_end(own.wrong == 0 && alive);
        }
        assert_true(child_ended_well(child));
    }
    atomic_store(&busy_stop, true);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(churns[i].thread, NULL);
        assert_int_equal(churns[i].wrong, 0);
    }
    assert_int_equal(handle_close(kind, &handle), SEC_E_OK);
}

#define BOTH(test)                                                                                                     \
    {#test ", pins on the word", test, plain, NULL, NULL},                                                             \
    {                                                                                                                  \
#test ", pins on stripes", test, striped, NULL, NULL                                                           \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_are_kept_apart),
        cmocka_unit_test(test_packed_handle),
        BOTH(test_opens_and_closes),
        BOTH(test_stale_handle_is_refused),
        BOTH(test_no_bit_may_be_wrong),
        BOTH(test_pinned_object_outlives_its_handle),
        BOTH(test_many_are_all_different),
        BOTH(test_threads_do_not_meet),
        BOTH(test_concurrent_close_ends_once),
        BOTH(test_held_pins_change_threads),
        BOTH(test_fork_amid_traffic),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("handle", tests, set_up, NULL);
}
