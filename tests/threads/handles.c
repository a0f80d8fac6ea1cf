/* One object, many threads: sealing from several, sealing while unsealing, deleting under use, and handles of what is no
 * longer there.   handles [THREADS ROUNDS] */
#include "threads/threads.h"

unsigned thread_count = 4;
unsigned round_count = 200;

#define MESSAGE 40

struct sealed {
    unsigned char data[MESSAGE], signature[16];
};

/* ------------------------------------------------------------------------------------ many senders on one context */

struct senders {
    struct pair pair;
    struct sealed *messages; /* thread_count * round_count */
};

static void fill(struct sealed *message, unsigned number, unsigned round)
{
    memset(message->data, (int)(number * 31 + round), MESSAGE);
    memcpy(message->data, &number, sizeof number);
    memcpy(message->data + sizeof number, &round, sizeof round);
}

static void send_many(struct worker *worker)
{
    struct senders *work = worker->crew->work;
    for (unsigned round = 0; round < round_count; round++) {
        struct sealed *message = &work->messages[worker->number * round_count + round];
        fill(message, worker->number, round);
        (void)crew_expect(worker->crew, SEC_E_OK,
                          pair_seal(&work->pair.client, message->data, MESSAGE, message->signature));
    }
}

static uint32_t sequence_of(const struct sealed *message)
{
    const unsigned char *at = message->signature + 12; /* MS-NLMP 2.2.2.9.2 */
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static int by_sequence(const void *a, const void *b)
{
    uint32_t left = sequence_of(a), right = sequence_of(b);
    return left < right ? -1 : left > right;
}

/* Every sequence number was given out once, and in their order the receiver opens every message. */
static void many_senders(void **state)
{
    size_t count = (size_t)thread_count * round_count;
    struct senders work = {.messages = calloc(count, sizeof *work.messages)};
    assert_non_null(work.messages);
    assert_int_equal(pair_acquire(&work.pair, NULL, NULL), SEC_E_OK);
    assert_int_equal(pair_handshake(&work.pair, PAIR_SEAL), SEC_E_OK);
    struct crew crew = {.work = &work};
    crew_run(&crew, thread_count, send_many, NULL);
    qsort(work.messages, count, sizeof *work.messages, by_sequence);
    for (size_t i = 0; i < count; i++) {
        struct sealed *message = &work.messages[i], expected;
        unsigned number, round;
        assert_int_equal(sequence_of(message), i);
        assert_int_equal(pair_unseal(&work.pair.server, message->data, MESSAGE, message->signature), SEC_E_OK);
        memcpy(&number, message->data, sizeof number);
        memcpy(&round, message->data + sizeof number, sizeof round);
        fill(&expected, number, round);
        assert_memory_equal(message->data, expected.data, MESSAGE);
    }
    free(work.messages);
    assert_true(pair_free(&work.pair));
}

/* ------------------------------------------------------------------------------------------ both directions at once */

struct duplex {
    struct pair pair;
    struct sealed *out, *in;
};

/* Even workers seal on the client's context, odd ones open on it what the server has sealed before. */
static void one_direction(struct worker *worker)
{
    struct duplex *work = worker->crew->work;
    for (unsigned round = 0; round < round_count; round++) {
        SECURITY_STATUS status;
        if (worker->number == 0) {
            struct sealed *message = &work->out[round];
            fill(message, 0, round);
            status = pair_seal(&work->pair.client, message->data, MESSAGE, message->signature);
        } else {
            struct sealed *message = &work->in[round];
            status = pair_unseal(&work->pair.client, message->data, MESSAGE, message->signature);
        }
        (void)crew_expect(worker->crew, SEC_E_OK, status);
    }
}

static void both_directions(void **state)
{
    struct duplex work = {.out = calloc(round_count, sizeof *work.out), .in = calloc(round_count, sizeof *work.in)};
    assert_non_null(work.out);
    assert_non_null(work.in);
    assert_int_equal(pair_acquire(&work.pair, NULL, NULL), SEC_E_OK);
    assert_int_equal(pair_handshake(&work.pair, PAIR_SEAL), SEC_E_OK);
    for (unsigned round = 0; round < round_count; round++) {
        fill(&work.in[round], 1, round);
        assert_int_equal(pair_seal(&work.pair.server, work.in[round].data, MESSAGE, work.in[round].signature),
                         SEC_E_OK);
    }
    struct crew crew = {.work = &work};
    crew_run(&crew, 2, one_direction, NULL);
    for (unsigned round = 0; round < round_count; round++) {
        struct sealed expected;
        fill(&expected, 1, round);
        assert_memory_equal(work.in[round].data, expected.data, MESSAGE);
        assert_int_equal(pair_unseal(&work.pair.server, work.out[round].data, MESSAGE, work.out[round].signature),
                         SEC_E_OK);
        fill(&expected, 0, round);
        assert_memory_equal(work.out[round].data, expected.data, MESSAGE);
    }
    free(work.out);
    free(work.in);
    assert_true(pair_free(&work.pair));
}

/* ------------------------------------------------------------------------------------------------ deleting under use */

struct deleting {
    struct pair pair;
    CtxtHandle copy; /* what the workers hold: the handle's value, as a program's other threads would */
};

/* Works on the context until it is gone; the only status beside SEC_E_OK is SEC_E_INVALID_HANDLE, for ever after. */
static void use_until_gone(struct worker *worker)
{
    struct deleting *work = worker->crew->work;
    CtxtHandle handle = work->copy;
    SECURITY_STATUS status = SEC_E_OK;
    while (status == SEC_E_OK) {
        unsigned char data[MESSAGE] = {0}, signature[16];
        SecPkgContext_NamesW names = {NULL};
        if (worker->number % 2 == 0) {
            status = pair_seal(&handle, data, sizeof data, signature);
        } else {
            status = QueryContextAttributesW(&handle, SECPKG_ATTR_NAMES, &names);
        }
        if (names.sUserName != NULL) {
            (void)crew_expect(worker->crew, SEC_E_OK, FreeContextBuffer(names.sUserName));
        }
        atomic_fetch_add(&worker->crew->progress, 1);
    }
    (void)crew_expect(worker->crew, SEC_E_INVALID_HANDLE, status);
    (void)crew_expect(worker->crew, SEC_E_INVALID_HANDLE, DeleteSecurityContext(&handle));
}

static void delete_now(struct crew *crew)
{
    struct deleting *work = crew->work;
    crew_wait(crew, 20);
    (void)crew_expect(crew, SEC_E_OK, DeleteSecurityContext(&work->pair.client));
    work->pair.has_client = false;
}

static void deleted_under_use(void **state)
{
    struct deleting work = {.pair = {.bindings = NULL}};
    assert_int_equal(pair_acquire(&work.pair, NULL, NULL), SEC_E_OK);
    for (unsigned round = 0; round < round_count / 10 + 1; round++) {
        assert_int_equal(pair_handshake(&work.pair, PAIR_SEAL), SEC_E_OK);
        work.copy = work.pair.client;
        struct crew crew = {.work = &work};
        crew_run(&crew, thread_count, use_until_gone, delete_now);
        assert_true(pair_reset(&work.pair));
    }
    assert_true(pair_free(&work.pair));
}

/* Everybody deletes the same context: one succeeds. */
static void delete_too(struct worker *worker)
{
    struct deleting *work = worker->crew->work;
    CtxtHandle handle = work->copy;
    SECURITY_STATUS status = DeleteSecurityContext(&handle);
    if (status == SEC_E_OK) {
        atomic_fetch_add(&worker->crew->progress, 1);
    } else {
        (void)crew_expect(worker->crew, SEC_E_INVALID_HANDLE, status);
    }
}

static void deleted_once(void **state)
{
    struct deleting work = {.pair = {.bindings = NULL}};
    assert_int_equal(pair_acquire(&work.pair, NULL, NULL), SEC_E_OK);
    for (unsigned round = 0; round < round_count / 10 + 1; round++) {
        assert_int_equal(pair_handshake(&work.pair, PAIR_SEAL), SEC_E_OK);
        work.copy = work.pair.client;
        work.pair.has_client = false;
        struct crew crew = {.work = &work};
        crew_run(&crew, thread_count, delete_too, NULL);
        assert_int_equal(atomic_load(&crew.progress), 1);
        assert_true(pair_reset(&work.pair));
    }
    assert_true(pair_free(&work.pair));
}

/* --------------------------------------------------------------------------------------------------- stale handles */

struct stale {
    struct pair owner;
    CtxtHandle dead[16];
};

/* Half the workers open and close contexts, so that slots are used again; the others try handles of contexts that are
 * gone, by every function. */
static void try_stale(struct worker *worker)
{
    struct stale *work = worker->crew->work;
    for (unsigned round = 0; round < round_count; round++) {
        if (worker->number % 2 == 0) {
            struct pair pair = borrow(&work->owner);
            struct pair_token token;
            (void)crew_expect(worker->crew, SEC_I_CONTINUE_NEEDED, pair_client_leg(&pair, PAIR_SEAL, NULL, &token));
            if (!pair_reset(&pair)) {
                crew_wrong(worker->crew, SEC_E_INVALID_HANDLE);
            }
            continue;
        }
        unsigned char data[MESSAGE] = {0}, signature[16] = {1};
        SecPkgContext_Sizes sizes;
        CtxtHandle handle = work->dead[round % 16];
        (void)crew_expect(worker->crew, SEC_E_INVALID_HANDLE, pair_seal(&handle, data, sizeof data, signature));
        (void)crew_expect(worker->crew, SEC_E_INVALID_HANDLE, pair_unseal(&handle, data, sizeof data, signature));
        (void)crew_expect(worker->crew, SEC_E_INVALID_HANDLE, pair_check(&handle, data, sizeof data, signature));
        (void)crew_expect(worker->crew, SEC_E_INVALID_HANDLE,
                          QueryContextAttributesW(&handle, SECPKG_ATTR_SIZES, &sizes));
        (void)crew_expect(worker->crew, SEC_E_INVALID_HANDLE, DeleteSecurityContext(&handle));
        (void)crew_expect(worker->crew, SEC_E_INVALID_HANDLE, FreeCredentialsHandle(&handle));
    }
}

static void stale_handles(void **state)
{
    struct stale work = {.owner = {.bindings = NULL}};
    assert_int_equal(pair_acquire(&work.owner, NULL, NULL), SEC_E_OK);
    for (size_t i = 0; i < 16; i++) {
        struct pair pair = borrow(&work.owner);
        assert_int_equal(pair_handshake(&pair, PAIR_SEAL), SEC_E_OK);
        work.dead[i] = pair.client;
        assert_true(pair_reset(&pair));
    }
    struct crew crew = {.work = &work};
    crew_run(&crew, thread_count, try_stale, NULL);
    assert_true(pair_free(&work.owner));
}

/* ----------------------------------------------------------------------------------- a credential freed meanwhile */

/* Contexts that have begun go on without the handle; new ones are refused. */
static void log_on_until_refused(struct worker *worker)
{
    SECURITY_STATUS status = SEC_E_OK;
    while (status == SEC_E_OK) {
        struct pair pair = borrow(worker->crew->work);
        struct pair_token to_server, to_client;
        status = pair_client_leg(&pair, PAIR_SEAL, NULL, &to_server);
        if (status == SEC_I_CONTINUE_NEEDED) {
            status = pair_server_leg(&pair, 0, &to_server, &to_client);
        }
        if (status == SEC_I_CONTINUE_NEEDED) {
            (void)crew_expect(worker->crew, SEC_E_OK, pair_client_leg(&pair, PAIR_SEAL, &to_client, &to_server));
            status = pair_server_leg(&pair, 0, &to_server, &to_client);
            (void)crew_expect(worker->crew, SEC_E_OK, status);
        }
        atomic_fetch_add(&worker->crew->progress, 1);
        if (!pair_reset(&pair)) {
            crew_wrong(worker->crew, SEC_E_INVALID_HANDLE);
        }
    }
    (void)crew_expect(worker->crew, SEC_E_INVALID_HANDLE, status);
}

static void free_now(struct crew *crew)
{
    crew_wait(crew, 20);
    if (!pair_free(crew->work)) {
        crew_wrong(crew, SEC_E_INVALID_HANDLE);
    }
}

static void credential_freed_meanwhile(void **state)
{
    for (unsigned round = 0; round < round_count / 10 + 1; round++) {
        struct pair owner = {.bindings = NULL};
        assert_int_equal(pair_acquire(&owner, NULL, NULL), SEC_E_OK);
        struct crew crew = {.work = &owner};
        crew_run(&crew, thread_count, log_on_until_refused, free_now);
    }
}

int main(int argc, char **argv)
{
    take_arguments(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_senders), cmocka_unit_test(both_directions), cmocka_unit_test(deleted_under_use),
        cmocka_unit_test(deleted_once), cmocka_unit_test(stale_handles),   cmocka_unit_test(credential_freed_meanwhile),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("handles", tests, NULL, NULL);
}
