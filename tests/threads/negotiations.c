/* Many negotiations at once: threads that share Negotiate's credentials and nothing else.   negotiations [THREADS EACH] */
#include "threads/threads.h"

unsigned thread_count = 4;
unsigned round_count = 200;

static const WCHAR negotiate_name[] = {'N', 'e', 'g', 'o', 't', 'i', 'a', 't', 'e', 0};

/* NTLM as it is, or in SPNEGO, by turns: a message each way, and whom the client chose. */
static bool logon(struct crew *crew, const struct pair *owner, unsigned turn)
{
    struct pair pair = borrow(owner);
    unsigned char data[40], signature[16];
    memset(data, (int)turn, sizeof data);
    SecPkgContext_NegotiationInfoA info = {NULL};
    SECURITY_STATUS status = turn % 2 != 0 ? pair_negotiate(&pair, PAIR_SEAL) : pair_handshake(&pair, PAIR_SEAL);
    bool good = crew_expect(crew, SEC_E_OK, status) &&
                crew_expect(crew, SEC_E_OK, pair_seal(&pair.client, data, sizeof data, signature)) &&
                crew_expect(crew, SEC_E_OK, pair_unseal(&pair.server, data, sizeof data, signature)) &&
                crew_expect(crew, SEC_E_OK, pair_seal(&pair.server, data, sizeof data, signature)) &&
                crew_expect(crew, SEC_E_OK, pair_unseal(&pair.client, data, sizeof data, signature)) &&
                crew_expect(crew, SEC_E_OK, QueryContextAttributesA(&pair.client, SECPKG_ATTR_NEGOTIATION_INFO, &info));
    good = good && strcmp(info.PackageInfo->Name, "NTLM") == 0 && info.NegotiationState == SECPKG_NEGOTIATION_COMPLETE;
    for (size_t i = 0; good && i < sizeof data; i++) {
        good = data[i] == (unsigned char)turn;
    }
    return FreeContextBuffer(info.PackageInfo) == SEC_E_OK && pair_reset(&pair) && good;
}

static void negotiate(struct worker *worker)
{
    for (unsigned round = 0; round < round_count; round++) {
        if (!logon(worker->crew, worker->crew->work, worker->number + round)) {
            crew_wrong(worker->crew, SEC_E_INTERNAL_ERROR);
            return;
        }
    }
}

/* The first calls of this process come all at once. */
static void first_call(struct worker *worker)
{
    struct pair pair = {.bindings = NULL};
    if (crew_expect(worker->crew, SEC_E_OK, pair_acquire_package(&pair, negotiate_name, NULL, NULL)) &&
        !logon(worker->crew, &pair, worker->number)) {
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

static void credentials_are_shared(void **state)
{
    struct pair owner = {.bindings = NULL};
    assert_int_equal(pair_acquire_package(&owner, negotiate_name, NULL, NULL), SEC_E_OK);
    struct crew crew = {.work = &owner};
    crew_run(&crew, thread_count, negotiate, NULL);
    print_message("# %u threads, %u negotiations each\n", thread_count, round_count);
    assert_true(pair_free(&owner));
}

/* The main thread takes the legs of two contexts while the others ask the client's what it is: answers come from before a
 * leg or from after it. */
struct amid {
    struct pair pair;
    CtxtHandle context;     /* the client's; a copy, since each leg writes the handle again */
    struct pair_token init; /* the client's first token */
};

static void ask(struct worker *worker)
{
    CtxtHandle context = ((struct amid *)worker->crew->work)->context;
    while (!atomic_load(&worker->crew->stop)) {
        SecPkgContext_NegotiationInfoA info = {NULL};
        SecPkgContext_NegoStatus last = {0};
        if (!crew_expect(worker->crew, SEC_E_OK,
                         QueryContextAttributesA(&context, SECPKG_ATTR_NEGOTIATION_INFO, &info)) ||
            !crew_expect(worker->crew, SEC_E_OK, QueryContextAttributesA(&context, SECPKG_ATTR_NEGO_STATUS, &last))) {
            return;
        }
        bool known = strcmp(info.PackageInfo->Name, "NTLM") == 0;
        bool complete = info.NegotiationState == SECPKG_NEGOTIATION_COMPLETE;
        bool optimistic = info.NegotiationState == SECPKG_NEGOTIATION_OPTIMISTIC;
        if (FreeContextBuffer(info.PackageInfo) != SEC_E_OK || (complete && !known) || known == optimistic) {
            crew_wrong(worker->crew, SEC_E_INTERNAL_ERROR);
        }
        atomic_fetch_add(&worker->crew->progress, 1);
    }
}

static void take_legs(struct crew *crew)
{
    struct amid *amid = crew->work;
    struct pair *pair = &amid->pair;
    struct pair_token token = {.size = 0}, answer;
    SECURITY_STATUS client = SEC_I_CONTINUE_NEEDED;
    (void)crew_expect(crew, SEC_I_CONTINUE_NEEDED, pair_server_leg(pair, 0, &amid->init, &token));
    while (client == SEC_I_CONTINUE_NEEDED && atomic_load(&crew->wrong) == 0) {
        crew_wait(crew, atomic_load(&crew->progress) + thread_count);
        client = pair_client_leg(pair, PAIR_SEAL, &token, &answer);
        if (client == SEC_I_CONTINUE_NEEDED && pair_server_leg(pair, 0, &answer, &token) < 0) {
            break;
        }
    }
    (void)crew_expect(crew, SEC_E_OK, client);
    crew_wait(crew, atomic_load(&crew->progress) + thread_count);
    atomic_store(&crew->stop, true);
}

static void questions_amid_the_legs(void **state)
{
    static struct amid amid;
    struct pair *pair = &amid.pair;
    struct pair_token none = {.size = 0}, hint;
    assert_int_equal(pair_acquire_package(pair, negotiate_name, NULL, NULL), SEC_E_OK);
    for (int round = 0; round < 50; round++) {
        assert_int_equal(pair_server_leg(pair, 0, &none, &hint), SEC_I_CONTINUE_NEEDED);
        assert_int_equal(pair_client_leg(pair, PAIR_SEAL, &hint, &amid.init), SEC_I_CONTINUE_NEEDED);
        amid.context = pair->client;
        struct crew crew = {.work = &amid};
        crew_run(&crew, thread_count, ask, take_legs);
        assert_true(pair_reset(pair));
    }
    assert_true(pair_free(pair));
}

int main(int argc, char **argv)
{
    take_arguments(argc, argv);
    setenv("SSPI_ACCOUNTS", "/nonexistent", 1); /* accounts that know nobody, whatever this machine has */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_comes_first),
        cmocka_unit_test(credentials_are_shared),
        cmocka_unit_test(questions_amid_the_legs),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("negotiations", tests, NULL, NULL);
}
