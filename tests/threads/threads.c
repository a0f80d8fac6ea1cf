/* Many threads: logons at once, one context from two sides, deletion under use, fork.
 *
 * SSPI_TEST_LOGONS: how many logons each of the eight threads does (10000; fewer under tools that slow a program down).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/pair.h"

#define THREADS 8

static long logons = 10000;

/* Threads report here; assertions belong to the main thread. */
static atomic_long failures;
static atomic_long first_bad;

static void report(SECURITY_STATUS status, bool good)
{
    if (!good) {
        atomic_fetch_add(&failures, 1);
        atomic_store(&first_bad, (long)(uint32_t)status);
    }
}

static void run_threads(void *(*start)(void *), void *argument, size_t size)
{
    pthread_t threads[THREADS];
    atomic_store(&failures, 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, start, (char *)argument + i * size), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    if (atomic_load(&failures) != 0) {
        printf("# %ld failures, one of them 0x%08lx\n", atomic_load(&failures), atomic_load(&first_bad));
    }
    assert_int_equal(atomic_load(&failures), 0);
}

/* ---------------------------------------------------------------- logons at once */

static SECURITY_STATUS one_session(struct pair *pair, unsigned char mark)
{
    SECURITY_STATUS status = pair_handshake(pair, PAIR_SEAL);
    unsigned char data[64], expected[64], signature[16];
    memset(expected, mark, sizeof expected);
    memcpy(data, expected, sizeof data);
    if (status == SEC_E_OK) {
        status = pair_seal(&pair->client, data, sizeof data, signature);
    }
    if (status == SEC_E_OK) {
        status = pair_unseal(&pair->server, data, sizeof data, signature);
    }
    if (status == SEC_E_OK && memcmp(data, expected, sizeof data) != 0) {
        status = SEC_E_MESSAGE_ALTERED;
    }
    return status;
}

static void *log_on(void *argument)
{
    struct pair mine = *(struct pair *)argument; /* the two credentials are shared by all */
    for (long i = 0; i < logons; i++) {
        SECURITY_STATUS status = one_session(&mine, (unsigned char)i);
        bool deleted = pair_reset(&mine);
        report(status, status == SEC_E_OK && deleted);
    }
    return NULL;
}

static void logons_at_once(void **state)
{
    (void)state;
    struct pair shared = {0};
    assert_int_equal(pair_acquire(&shared, NULL, NULL), SEC_E_OK);
    struct timespec begun, ended;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    run_threads(log_on, &shared, 0);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("# %d threads, %ld logons each, %.1f s\n", THREADS, logons,
           (double)(ended.tv_sec - begun.tv_sec) + (double)(ended.tv_nsec - begun.tv_nsec) / 1e9);
    assert_true(pair_free(&shared));
}

/* ---------------------------------------------------------------- one context, sending and receiving at once */

struct one_way {
    CtxtHandle *sender, *receiver;
    long messages;
};

/* Each direction has one sender and one receiver thread's worth of work; both directions use both contexts. */
static void *talk(void *argument)
{
    struct one_way *way = argument;
    for (long i = 0; i < way->messages; i++) {
        unsigned char data[200], expected[200], signature[16];
        memset(expected, (int)i, sizeof expected);
        memcpy(data, expected, sizeof data);
        SECURITY_STATUS status = pair_seal(way->sender, data, sizeof data, signature);
        report(status, status == SEC_E_OK);
        status = pair_unseal(way->receiver, data, sizeof data, signature);
        report(status, status == SEC_E_OK && memcmp(data, expected, sizeof data) == 0);
    }
    return NULL;
}

static void both_directions_at_once(void **state)
{
    (void)state;
    struct pair pairs[THREADS / 2] = {0};
    struct one_way ways[THREADS];
    for (size_t i = 0; i < THREADS / 2; i++) {
        assert_int_equal(pair_acquire(&pairs[i], NULL, NULL), SEC_E_OK);
        assert_int_equal(pair_handshake(&pairs[i], PAIR_SEAL), SEC_E_OK);
        ways[2 * i] = (struct one_way){&pairs[i].client, &pairs[i].server, logons};
        ways[2 * i + 1] = (struct one_way){&pairs[i].server, &pairs[i].client, logons};
    }
    run_threads(talk, ways, sizeof ways[0]);
    for (size_t i = 0; i < THREADS / 2; i++) {
        assert_true(pair_free(&pairs[i]));
    }
}

/* ---------------------------------------------------------------- deletion under use */

#define VICTIMS 4

/* Contexts that all threads use while one of them replaces them.  A handle is two words, so it is published under a
 * lock of the test's; the library sees calls on contexts that are being deleted, and on handles that are gone. */
static struct {
    pthread_mutex_t lock;
    struct pair pairs[VICTIMS];
    atomic_bool done;
} field = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool fine_or_gone(SECURITY_STATUS status)
{
    return status == SEC_E_OK || status == SEC_E_INVALID_HANDLE;
}

static void use_victim(size_t index)
{
    pthread_mutex_lock(&field.lock);
    CtxtHandle context = field.pairs[index].client;
    CredHandle credential = field.pairs[index].client_credential;
    pthread_mutex_unlock(&field.lock);

    unsigned char data[32] = {0}, signature[16];
    SecPkgContext_Sizes sizes;
    SecPkgContext_NamesW names;
    SECURITY_STATUS status = pair_seal(&context, data, sizeof data, signature);
    report(status, fine_or_gone(status));
    status = QueryContextAttributesW(&context, SECPKG_ATTR_SIZES, &sizes);
    report(status, fine_or_gone(status) && (status != SEC_E_OK || sizes.cbMaxSignature == 16));
    status = QueryContextAttributesW(&context, SECPKG_ATTR_NAMES, &names);
    report(status, fine_or_gone(status));
    if (status == SEC_E_OK) {
        status = FreeContextBuffer(names.sUserName);
        report(status, status == SEC_E_OK);
    }
    struct pair started = {.client_credential = credential};
    struct pair_token token;
    status = pair_client_leg(&started, PAIR_SEAL, NULL, &token);
    report(status, status == SEC_I_CONTINUE_NEEDED || status == SEC_E_INVALID_HANDLE);
    bool deleted = pair_reset(&started);
    report(status, deleted);
}

static void replace_victim(size_t index)
{
    struct pair fresh = {0};
    SECURITY_STATUS status = pair_acquire(&fresh, NULL, NULL);
    status = status == SEC_E_OK ? pair_handshake(&fresh, PAIR_SEAL) : status;
    report(status, status == SEC_E_OK);
    pthread_mutex_lock(&field.lock);
    struct pair old = field.pairs[index];
    field.pairs[index] = fresh;
    pthread_mutex_unlock(&field.lock);
    bool freed = pair_free(&old);
    report(SEC_E_INTERNAL_ERROR, freed);
    CtxtHandle gone = old.client;
    status = DeleteSecurityContext(&gone); /* a second time */
    report(status, status == SEC_E_INVALID_HANDLE);
}

static void *delete_or_use(void *argument)
{
    size_t self = *(size_t *)argument;
    if (self == 0) {
        for (long i = 0; i < logons; i++) {
            replace_victim((size_t)i % VICTIMS);
        }
        atomic_store(&field.done, true);
    } else {
        for (size_t i = self; !atomic_load(&field.done); i++) {
            use_victim(i % VICTIMS);
        }
    }
    return NULL;
}

static void deletion_under_use(void **state)
{
    (void)state;
    size_t numbers[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        numbers[i] = i;
    }
    for (size_t i = 0; i < VICTIMS; i++) {
        assert_int_equal(pair_acquire(&field.pairs[i], NULL, NULL), SEC_E_OK);
        assert_int_equal(pair_handshake(&field.pairs[i], PAIR_SEAL), SEC_E_OK);
    }
    atomic_store(&field.done, false);
    run_threads(delete_or_use, numbers, sizeof numbers[0]);
    for (size_t i = 0; i < VICTIMS; i++) {
        assert_true(pair_free(&field.pairs[i]));
    }
}

/* ---------------------------------------------------------------- fork */

static atomic_bool forking_done;

static void *log_on_until_done(void *argument)
{
    struct pair mine = *(struct pair *)argument;
    while (!atomic_load(&forking_done)) {
        SECURITY_STATUS status = one_session(&mine, 7);
        bool deleted = pair_reset(&mine);
        report(status, status == SEC_E_OK && deleted);
    }
    return NULL;
}

/* A child that is born while other threads are in the middle of calls: it can use the credentials and contexts that it
 * inherits, and make new ones; its random numbers are not its parent's. */
static int child_works(struct pair *inherited)
{
    unsigned char data[16] = "from the child", signature[16];
    if (pair_seal(&inherited->client, data, sizeof data, signature) != SEC_E_OK ||
        pair_unseal(&inherited->server, data, sizeof data, signature) != SEC_E_OK) {
        return 1;
    }
    struct pair own = {.client_credential = inherited->client_credential,
                       .server_credential = inherited->server_credential};
    if (one_session(&own, 9) != SEC_E_OK || !pair_reset(&own)) {
        return 2;
    }
    struct pair fresh = {0};
    if (pair_acquire(&fresh, NULL, NULL) != SEC_E_OK || one_session(&fresh, 9) != SEC_E_OK || !pair_free(&fresh)) {
        return 3;
    }
    return pair_reset(inherited) ? 0 : 4;
}

static void fork_under_load(void **state)
{
    (void)state;
    struct pair shared = {0};
    assert_int_equal(pair_acquire(&shared, NULL, NULL), SEC_E_OK);
    atomic_store(&forking_done, false);
    atomic_store(&failures, 0);
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_on_until_done, &shared), 0);
    }
    struct pair inherited = {.client_credential = shared.client_credential,
                             .server_credential = shared.server_credential};
    int bad = 0;
    for (int i = 0; i < 50 && bad == 0; i++) {
        if (pair_handshake(&inherited, PAIR_SEAL) != SEC_E_OK) {
            bad = 100;
            break;
        }
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            alarm(30); /* a lock that the fork left held */
            _exit(child_works(&inherited));
        }
        int how = -1;
        bad = child < 0 || waitpid(child, &how, 0) != child ? 101 : how;
        bad = pair_reset(&inherited) ? bad : 102;
    }
    atomic_store(&forking_done, true);
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    (void)pair_free(&shared);
    assert_int_equal(bad, 0);
    assert_int_equal(atomic_load(&failures), 0);
}

int main(void)
{
    const char *wanted = getenv("SSPI_TEST_LOGONS");
    if (wanted != NULL && strtol(wanted, NULL, 10) > 0) {
        logons = strtol(wanted, NULL, 10);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logons_at_once),
        cmocka_unit_test(both_directions_at_once),
        cmocka_unit_test(deletion_under_use),
        cmocka_unit_test(fork_under_load),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
