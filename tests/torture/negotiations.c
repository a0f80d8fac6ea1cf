/* Every allocation of a negotiation fails once, of those that NTLM alone does not lead to: a first choice that cannot begin,
 * one that the server cannot take, tokens in pieces, and SASL's layer.  The call says SEC_E_INSUFFICIENT_MEMORY, nothing
 * leaks, and the next negotiation is a good one.
 */
#include "vectors/hex.h"

#include <stdlib.h>

#include "base/policy.h"
#include "negotiate/negotiate.h"
#include "ntlm/ntlm.h"
#include "support/pair.h"
#include "torture/memory.h"
#include "unit/toy.h"

const struct package *const packages[] = {&negotiate_package, &toy_package, &ntlm_package};
const size_t package_count = sizeof packages / sizeof packages[0];

#define MOST 2000

#define RUN(call)                                                                                                      \
    do {                                                                                                               \
        SECURITY_STATUS run_status_ = (call);                                                                          \
        if (run_status_ < 0) {                                                                                         \
            return run_status_;                                                                                        \
        }                                                                                                              \
    } while (0)

struct scene {
    const char *name;
    SECURITY_STATUS begin, accept; /* what the toy says */
    enum mech_list_mic rule;
    ULONG room; /* 0: enough */
    bool server_first, sasl;
};

static const struct scene scenes[] = {
    {.name = "first choice, with MICs", .rule = MECH_LIST_MIC_DUE},
    {.name = "cannot begin", .begin = SEC_E_TARGET_UNKNOWN},
    {.name = "cannot be accepted", .accept = SEC_E_WRONG_PRINCIPAL},
    {.name = "nobody has tickets", .begin = SEC_E_NO_CREDENTIALS},
    {.name = "in pieces", .accept = SEC_E_WRONG_PRINCIPAL, .room = 50, .server_first = true},
    {.name = "SASL", .begin = SEC_E_TARGET_UNKNOWN, .server_first = true, .sasl = true},
};

static SECURITY_STATUS leg(struct pair *pair, const struct scene *scene, bool client, struct pair_token *token)
{
    struct pair_token in = *token;
    SecBuffer in_buffer = {in.size, SECBUFFER_TOKEN, in.data};
    SecBuffer out_buffer = {scene->room != 0 ? scene->room : sizeof token->data, SECBUFFER_TOKEN, token->data};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, &in_buffer}, output = {SECBUFFER_VERSION, 1, &out_buffer};
    bool *has = client ? &pair->has_client : &pair->has_server;
    CtxtHandle *context = client ? &pair->client : &pair->server;
    ULONG flags = PAIR_SEAL | (scene->room != 0 ? ISC_REQ_FRAGMENT_TO_FIT : 0), got;
    SECURITY_STATUS status;
    if (client) {
        status = (scene->sasl ? SaslInitializeSecurityContextA : InitializeSecurityContextA)(
            &pair->client_credential, *has ? context : NULL, (char[]){"HTTP/elsewhere.example"}, flags, 0, 0, &input, 0,
            context, &output, &got, NULL);
    } else {
        flags = scene->room != 0 ? ASC_REQ_FRAGMENT_TO_FIT : 0;
        status = (scene->sasl ? SaslAcceptSecurityContext : AcceptSecurityContext)(
            &pair->server_credential, *has ? context : NULL, &input, flags, 0, context, &output, &got, NULL);
    }
    *has = *has || status >= 0;
    token->size = status >= 0 ? out_buffer.cbBuffer : 0;
    return status;
}

static SECURITY_STATUS play(struct pair *pair, const struct scene *scene)
{
    static const WCHAR negotiate[] = u"Negotiate";
    SECURITY_STATUS client = SEC_I_CONTINUE_NEEDED, server = SEC_I_CONTINUE_NEEDED;
    struct pair_token token = {.size = 0};
    RUN(pair_acquire_package(pair, negotiate, NULL, NULL));
    bool clients_turn = !scene->server_first;
    for (int i = 0; i < 200 && (client != SEC_E_OK || server != SEC_E_OK); i++, clients_turn = !clients_turn) {
        SECURITY_STATUS *status = clients_turn ? &client : &server;
        *status = leg(pair, scene, clients_turn, &token);
        RUN(*status);
    }
    ULONG value;
    if (scene->sasl) {
        RUN(SaslSetContextOption(&pair->client, SASL_OPTION_AUTHZ_STRING, &value, 0) == SEC_E_OUT_OF_SEQUENCE
                ? SEC_E_OK
                : SEC_E_INTERNAL_ERROR);
    }
    return client == SEC_E_OK && server == SEC_E_OK ? SEC_E_OK : SEC_E_INTERNAL_ERROR;
}

/* 0: allocation `n` failed, and was reported; 1: there are not that many; 2: wrong. */
static int without(unsigned long n, const struct scene *scene, SECURITY_STATUS *out_status)
{
    struct pair pair = {.bindings = NULL};
    toy = (struct toy){.legs = 2, .begin = scene->begin, .accept = scene->accept, .rule = scene->rule};
    memory_fail_at(n);
    *out_status = play(&pair, scene);
    bool failed = memory_has_failed();
    bool reasoned = SspiExtLastReason(NULL) != NULL;
    memory_fail_at(0);
    if (!pair_free(&pair) || toy.contexts != 0 || toy.credentials != 0) {
        return 2;
    }
    if (!failed) {
        return *out_status == SEC_E_OK ? 1 : 2;
    }
    return *out_status == SEC_E_INSUFFICIENT_MEMORY && reasoned ? 0 : 2;
}

static void warm(const struct scene *scene)
{
    SECURITY_STATUS status;
    unsigned wrong = 0;
    unsigned long n = 1;
    for (int i = 0; i < 2; i++) { /* fill what is kept */
        assert_int_equal(without(0, scene, &status), 1);
    }
    size_t live = memory_live();
    for (int verdict = 0; verdict != 1 && n < MOST; n++) {
        verdict = without(n, scene, &status);
        bool leaked = memory_live() != live;
        SECURITY_STATUS next;
        bool good = without(0, scene, &next) == 1 && memory_live() == live;
        if (verdict == 2 || leaked || !good) {
            print_message("# %s, allocation %lu: %s%s%s\n", scene->name, n, SspiExtStatusName(status),
                          leaked ? ", leaked" : "", good ? "" : ", and the next one is not good");
            wrong++;
            live = memory_live();
        }
    }
    print_message("# %s: %lu allocations\n", scene->name, n - 2);
    assert_in_range(n, 10, MOST - 1);
    assert_int_equal(wrong, 0);
}

static void every_scene(void **state)
{
    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
        warm(&scenes[i]);
    }
}

int main(void)
{
    static struct policy policy;
    policy_defaults(&policy);
    policy_override(&policy);
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_scene)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("negotiations", tests, NULL, NULL);
}
