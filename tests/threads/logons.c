/* Many logons at once: threads that share credentials and nothing else.   logons [THREADS LOGONS-EACH] */
#include "threads/threads.h"

unsigned thread_count = 4;
unsigned round_count = 200;

/* One message each way, told apart by who sent it when. */
static bool talk(struct crew *crew, struct pair *pair, unsigned number, unsigned round)
{
    unsigned char request[48], reply[24], signature[16];
    memset(request, (int)(number + round), sizeof request);
    memset(reply, (int)(number ^ round), sizeof reply);
    bool good = crew_expect(crew, SEC_E_OK, pair_seal(&pair->client, request, sizeof request, signature)) &&
                crew_expect(crew, SEC_E_OK, pair_unseal(&pair->server, request, sizeof request, signature)) &&
                crew_expect(crew, SEC_E_OK, pair_seal(&pair->server, reply, sizeof reply, signature)) &&
                crew_expect(crew, SEC_E_OK, pair_unseal(&pair->client, reply, sizeof reply, signature));
    for (size_t i = 0; good && i < sizeof request; i++) {
        good = request[i] == (unsigned char)(number + round);
    }
    for (size_t i = 0; good && i < sizeof reply; i++) {
        good = reply[i] == (unsigned char)(number ^ round);
    }
    return good;
}

static bool logon(struct crew *crew, const struct pair *owner, unsigned number, unsigned round)
{
    struct pair pair = borrow(owner);
    bool good = crew_expect(crew, SEC_E_OK, pair_handshake(&pair, PAIR_SEAL)) && talk(crew, &pair, number, round);
    return pair_reset(&pair) && good;
}

/* The first calls that this process makes into the library, all at the same moment: whatever is set up once is set up
 * once. */
static void first_call(struct worker *worker)
{
    struct pair pair = {.bindings = NULL};
    if (crew_expect(worker->crew, SEC_E_OK, pair_acquire(&pair, NULL, NULL)) &&
        !logon(worker->crew, &pair, worker->number, 0)) {
        crew_wrong(worker->crew, SEC_E_INTERNAL_ERROR);
    }
    if (!pair_free(&pair)) {
        crew_wrong(worker->crew, SEC_E_INVALID_HANDLE);
    }
}

static void everybody_comes_first(void **state)
{
    struct crew crew = {.work = NULL};
    crew_run(&crew, thread_count, first_call, NULL);
}

static void log_on_and_on(struct worker *worker)
{
    for (unsigned round = 0; round < round_count; round++) {
        if (!logon(worker->crew, worker->crew->work, worker->number, round)) {
            crew_wrong(worker->crew, SEC_E_INTERNAL_ERROR);
            return;
        }
    }
}

static void credentials_are_shared(void **state)
{
    struct pair owner = {.bindings = NULL};
    assert_int_equal(pair_acquire(&owner, NULL, NULL), SEC_E_OK);
    struct crew crew = {.work = &owner};
    crew_run(&crew, thread_count, log_on_and_on, NULL);
    print_message("# %u threads, %u logons each\n", thread_count, round_count);
    assert_true(pair_free(&owner));
}

/* Wrong passwords and right ones side by side: a refusal in one thread is no other thread's business. */
static void right_or_wrong(struct worker *worker)
{
    const struct pair *owners = worker->crew->work;
    for (unsigned round = 0; round < round_count / 4 + 1; round++) {
        bool wrong = (worker->number + round) % 2 != 0;
        struct pair pair = borrow(&owners[wrong ? 1 : 0]);
        SECURITY_STATUS status = pair_handshake(&pair, PAIR_SEAL);
        (void)crew_expect(worker->crew, wrong ? SEC_E_LOGON_DENIED : SEC_E_OK, status);
        bool reasoned = SspiExtLastReason(NULL) != NULL; /* of this thread's last call */
        if (reasoned != wrong || !pair_reset(&pair)) {
            crew_wrong(worker->crew, status);
        }
    }
}

static void refusals_stay_apart(void **state)
{
    static const unsigned char wrong_hash[16] = {1};
    struct pair owners[2] = {{.bindings = NULL}, {.bindings = NULL}};
    assert_int_equal(pair_acquire(&owners[0], NULL, NULL), SEC_E_OK);
    assert_int_equal(pair_acquire(&owners[1], pair_verify, (void *)wrong_hash), SEC_E_OK);
    struct crew crew = {.work = owners};
    crew_run(&crew, thread_count, right_or_wrong, NULL);
    assert_true(pair_free(&owners[0]));
    assert_true(pair_free(&owners[1]));
}

/* The verifier is exchanged while others log on: every logon is asked of a function with the argument that was set with
 * it, or of the accounts, which know nobody here. */
static const char first_argument[] = "first", second_argument[] = "second";

static SECURITY_STATUS SEC_ENTRY first_verifier(void *argument, const SSPI_EXT_LOGON *logon,
                                                SSPI_EXT_LOGON_RESULT *result)
{
    return argument == first_argument ? SspiExtVerifyNtHash(logon, pair_nt_hash, result)
                                      : SEC_E_NO_AUTHENTICATING_AUTHORITY;
}

static SECURITY_STATUS SEC_ENTRY second_verifier(void *argument, const SSPI_EXT_LOGON *logon,
                                                 SSPI_EXT_LOGON_RESULT *result)
{
    return argument == second_argument ? SspiExtVerifyNtHash(logon, pair_nt_hash, result)
                                       : SEC_E_NO_AUTHENTICATING_AUTHORITY;
}

static void log_on_somehow(struct worker *worker)
{
    for (unsigned round = 0; round < round_count / 4 + 1; round++) {
        struct pair pair = borrow(worker->crew->work);
        SECURITY_STATUS status = pair_handshake(&pair, 0);
        if (status != SEC_E_LOGON_DENIED) {
            (void)crew_expect(worker->crew, SEC_E_OK, status);
        }
        if (!pair_reset(&pair)) {
            crew_wrong(worker->crew, SEC_E_INVALID_HANDLE);
        }
    }
    atomic_fetch_add(&worker->crew->progress, 1);
}

static void change_verifiers(struct crew *crew)
{
    struct pair *owner = crew->work;
    while (atomic_load(&crew->progress) < thread_count) {
        (void)crew_expect(crew, SEC_E_OK,
                          SspiExtSetVerifier(&owner->server_credential, first_verifier, (void *)first_argument));
        (void)crew_expect(crew, SEC_E_OK,
                          SspiExtSetVerifier(&owner->server_credential, second_verifier, (void *)second_argument));
        (void)crew_expect(crew, SEC_E_OK, SspiExtSetVerifier(&owner->server_credential, NULL, NULL));
    }
}

static void verifiers_are_exchanged(void **state)
{
    struct pair owner = {.bindings = NULL};
    assert_int_equal(pair_acquire(&owner, NULL, NULL), SEC_E_OK);
    struct crew crew = {.work = &owner};
    crew_run(&crew, thread_count, log_on_somehow, change_verifiers);
    assert_true(pair_free(&owner));
}

int main(int argc, char **argv)
{
    take_arguments(argc, argv);
    setenv("SSPI_ACCOUNTS", "/nonexistent", 1); /* accounts that know nobody, whatever this machine has */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_comes_first),
        cmocka_unit_test(credentials_are_shared),
        cmocka_unit_test(refusals_stay_apart),
        cmocka_unit_test(verifiers_are_exchanged),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("logons", tests, NULL, NULL);
}
