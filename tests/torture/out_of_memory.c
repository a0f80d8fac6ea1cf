/* Every allocation of a whole life fails once: the call says SEC_E_INSUFFICIENT_MEMORY, nothing leaks, and the next life
 * is a good one.
 *
 * First cold, in a child for each allocation, so that what a process sets up once fails too; then warm, in this process,
 * where a leak shows.
 */
#include "vectors/hex.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/policy.h"
#include "torture/life.h"
#include "torture/memory.h"

/* What the library can do without: base/random.c's page that tells of children made behind fork(3)'s back. */
#define DISPENSABLE_COLD 1

#define MOST 5000 /* a life makes fewer allocations than this; a test that never ends finds nothing */

static char accounts_path[] = "/tmp/sspi-torture-XXXXXX";

/* Accounts from a file of our own, and nothing of this machine's configuration. */
static int setup(void **state)
{
    int file = mkstemp(accounts_path);
    const char line[] = "Domain:User:Password\n";
    if (file < 0 || write(file, line, sizeof line - 1) != (ssize_t)sizeof line - 1 || close(file) != 0) {
        return -1;
    }
    static struct policy policy;
    policy_defaults(&policy);
    policy.kerberos_enabled = false; /* NTLM within Negotiate, and no realm of the machine */
    policy.accounts = POLICY_ACCOUNTS_FILE;
    (void)snprintf(policy.accounts_path, sizeof policy.accounts_path, "%s", accounts_path);
    policy_override(&policy);
    return 0;
}

static int teardown(void **state)
{
    return unlink(accounts_path);
}

/* A life of NTLM with a verifier or with accounts, or of Negotiate with a verifier. */
enum kind { VERIFIER, ACCOUNTS, NEGOTIATE };

/* One life in which allocation `n` fails.  0: as it should be; 1: there are not that many; 2: wrong; 3: the
 * library did without. */
static int life_without(unsigned long n, enum kind kind, SECURITY_STATUS *out_status)
{
    struct life life = {.use_accounts = kind == ACCOUNTS, .negotiate = kind == NEGOTIATE};
    memory_fail_at(n);
    SECURITY_STATUS status = life_run(&life);
    bool failed = memory_has_failed();
    const char *reason = SspiExtLastReason(NULL);
    memory_fail_at(0);
    bool ended = life_end(&life);
    *out_status = status;
    if (!ended) {
        return 2;
    }
    if (!failed) {
        return status == SEC_E_OK ? 1 : 2;
    }
    if (status == SEC_E_OK) {
        return 3;
    }
    return status == SEC_E_INSUFFICIENT_MEMORY && reason != NULL ? 0 : 2;
}

static bool good_life(enum kind kind)
{
    SECURITY_STATUS status;
    return life_without(0, kind, &status) == 1;
}

static int cold_child(unsigned long n, enum kind kind)
{
    SECURITY_STATUS status = SEC_E_OK;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int verdict = life_without(n, kind, &status);
        if (verdict == 2) {
            (void)fprintf(stderr, "# cold, allocation %lu: %s\n", n, SspiExtStatusName(status));
        } else if (!good_life(kind)) {
            (void)fprintf(stderr, "# cold, allocation %lu: the life after it failed\n", n);
            verdict = 2;
        }
        _exit(verdict);
    }
    int result = 0;
    assert_int_equal(waitpid(child, &result, 0), child);
    return WIFEXITED(result) ? WEXITSTATUS(result) : 2;
}

static void cold(enum kind kind)
{
    unsigned wrong = 0, without = 0;
    unsigned long n = 1;
    for (; n < MOST; n++) {
        int verdict = cold_child(n, kind);
        if (verdict == 1) {
            break;
        }
        without += verdict == 3;
        wrong += verdict != 0 && verdict != 3;
    }
    print_message("# %lu allocations in a cold process, %u of them dispensable\n", n - 1, without);
    assert_in_range(without, 0, DISPENSABLE_COLD);
    assert_in_range(n, 20, MOST - 1);
    assert_int_equal(wrong, 0);
}

static void warm(enum kind kind)
{
    unsigned wrong = 0;
    unsigned long n = 1;
    assert_true(good_life(kind));
    assert_true(good_life(kind));
    size_t live = memory_live();
    for (; n < MOST; n++) {
        SECURITY_STATUS status;
        int verdict = life_without(n, kind, &status);
        if (verdict == 2 || verdict == 3) {
            print_message("# warm, allocation %lu: %s\n", n, SspiExtStatusName(status));
            wrong++;
        }
        if (memory_live() != live) {
            print_message("# warm, allocation %lu: %ld blocks leaked\n", n, (long)memory_live() - (long)live);
            live = memory_live();
            wrong++;
        }
        if (!good_life(kind) || memory_live() != live) {
            print_message("# warm, after allocation %lu: the next life is not good\n", n);
            wrong++;
        }
        if (verdict == 1) {
            break;
        }
    }
    print_message("# %lu allocations in a warm process\n", n - 1);
    assert_in_range(n, 20, MOST - 1);
    assert_int_equal(wrong, 0);
}

static void cold_with_a_verifier(void **state)
{
    cold(VERIFIER);
}

static void cold_with_accounts(void **state)
{
    cold(ACCOUNTS);
}

static void warm_with_a_verifier(void **state)
{
    warm(VERIFIER);
}

static void warm_with_accounts(void **state)
{
    warm(ACCOUNTS);
}

static void cold_negotiation(void **state)
{
    cold(NEGOTIATE);
}

static void warm_negotiation(void **state)
{
    warm(NEGOTIATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cold_with_a_verifier), cmocka_unit_test(cold_with_accounts),
        cmocka_unit_test(warm_with_a_verifier), cmocka_unit_test(warm_with_accounts),
        cmocka_unit_test(cold_negotiation),     cmocka_unit_test(warm_negotiation),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("out_of_memory", tests, setup, teardown);
}
