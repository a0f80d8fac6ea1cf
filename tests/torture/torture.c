/* Every allocation fails once.
 *
 * A scenario is a piece of a program's life; it cleans up after itself and returns the first failure.  For n = 1, 2, 3...
 * it runs with the n-th allocation of the library failing, in a process that has not used the library before and in one
 * that has.  It must end with SEC_E_OK or SEC_E_INSUFFICIENT_MEMORY, leave nothing allocated, and work when it runs again.
 * The allocations are those of the library's own objects: the linker's --wrap leads them here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/pair.h"

#define ALLOCATIONS_MAX 5000

/* ---------------------------------------------------------------- allocations */

static long until_failure; /* 0: nothing fails */
static bool has_failed;
static long live; /* blocks that the library holds */

static bool fails_now(void)
{
    if (until_failure > 0 && --until_failure == 0) {
        has_failed = true;
        return true;
    }
    return false;
}

static void *counted(void *block)
{
    live += block != NULL;
    return block;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_mmap64(void *address, size_t size, int protection, int flags, int file, off_t offset);
int __real_munmap(void *address, size_t size);
void __real_free(void *block);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_asprintf(char **text, const char *format, ...);
int __wrap___asprintf_chk(char **text, int flag, const char *format, ...);
void *__wrap_mmap64(void *address, size_t size, int protection, int flags, int file, off_t offset);
int __wrap_munmap(void *address, size_t size);
void __wrap_free(void *block);

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (fails_now()) {
        return NULL;
    }
    void *larger = __real_realloc(block, size);
    live += block == NULL && larger != NULL;
    return larger;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails_now() ? NULL : counted(__real_aligned_alloc(alignment, size));
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t size)
{
    void *made = __wrap_aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (made == NULL) {
        return 12; /* ENOMEM */
    }
    *block = made;
    return 0;
}

char *__wrap_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = __wrap_malloc(size);
    return copy != NULL ? memcpy(copy, text, size) : NULL;
}

static int print_counted(char **text, const char *format, va_list arguments)
{
    if (fails_now()) {
        return -1;
    }
    int length = vasprintf(text, format, arguments);
    live += length >= 0;
    return length;
}

int __wrap_asprintf(char **text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = print_counted(text, format, arguments);
    va_end(arguments);
    return length;
}

int __wrap___asprintf_chk(char **text, int flag, const char *format, ...)
{
    (void)flag;
    va_list arguments;
    va_start(arguments, format);
    int length = print_counted(text, format, arguments);
    va_end(arguments);
    return length;
}

/* What mmap is called with 64-bit offsets, which Meson's default options ask for. */
void *__wrap_mmap64(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
    if (fails_now()) {
        return MAP_FAILED;
    }
    void *pages = __real_mmap64(address, size, protection, flags, file, offset);
    live += pages != MAP_FAILED;
    return pages;
}

int __wrap_munmap(void *address, size_t size)
{
    live--;
    return __real_munmap(address, size);
}

void __wrap_free(void *block)
{
    live -= block != NULL;
    __real_free(block);
}

/* ---------------------------------------------------------------- scenarios */

#define CHECK(call)                                                                                                    \
    do {                                                                                                               \
        SECURITY_STATUS check_status_ = (call);                                                                        \
        if (check_status_ != SEC_E_OK) {                                                                               \
            return check_status_;                                                                                      \
        }                                                                                                              \
    } while (0)

static void pair_end(struct pair *pair)
{
    if (!pair_free(pair)) {
        abort();
    }
}

#define AUTO_PAIR __attribute__((cleanup(pair_end))) struct pair

static SECURITY_STATUS session(struct pair *pair)
{
    CHECK(pair_acquire(pair, NULL, NULL));
    return pair_handshake(pair, PAIR_SEAL);
}

static SECURITY_STATUS scenario_handshake(void)
{
    AUTO_PAIR pair = {0};
    return session(&pair);
}

static SECURITY_STATUS scenario_messages(void)
{
    AUTO_PAIR pair = {0};
    CHECK(session(&pair));
    static unsigned char data[20000];
    unsigned char signature[16];
    for (ULONG size = 1; size < sizeof data; size *= 5) {
        CHECK(pair_seal(&pair.client, data, size, signature));
        CHECK(pair_unseal(&pair.server, data, size, signature));
        CHECK(pair_sign(&pair.server, data, size, signature));
        CHECK(pair_check(&pair.client, data, size, signature));
    }
    return SEC_E_OK;
}

/* The library allocates the tokens. */
static SECURITY_STATUS scenario_allocated_token(void)
{
    AUTO_PAIR pair = {0};
    CHECK(pair_acquire(&pair, NULL, NULL));
    SecBuffer token = {0, SECBUFFER_TOKEN, NULL};
    SecBufferDesc output = {SECBUFFER_VERSION, 1, &token};
    ULONG attributes;
    CtxtHandle before, context;
    memset(&before, 0x5A, sizeof before);
    context = before;
    SECURITY_STATUS status =
        InitializeSecurityContextA(&pair.client_credential, NULL, "HTTP/Server", ISC_REQ_ALLOCATE_MEMORY, 0,
                                   SECURITY_NATIVE_DREP, NULL, 0, &context, &output, &attributes, NULL);
    if (status < 0) {
        if (memcmp(&context, &before, sizeof context) != 0 || token.pvBuffer != NULL) {
            abort(); /* outputs are written on success alone */
        }
        return status;
    }
    CHECK(FreeContextBuffer(token.pvBuffer));
    return DeleteSecurityContext(&context);
}

static SECURITY_STATUS query(CtxtHandle *context, ULONG attribute, bool wide, void *out)
{
    return wide ? QueryContextAttributesW(context, attribute, out) : QueryContextAttributesA(context, attribute, out);
}

static SECURITY_STATUS query_text(CtxtHandle *context, ULONG attribute, bool wide)
{
    void *text[4] = {NULL}; /* every such attribute is one pointer or two, the first or the only of which is freed here */
    CHECK(query(context, attribute, wide, text));
    return FreeContextBuffer(text[0]);
}

static SECURITY_STATUS scenario_attributes(void)
{
    AUTO_PAIR pair = {0};
    CHECK(session(&pair));
    for (int wide = 0; wide < 2; wide++) {
        SecPkgContext_KeyInfoW key;
        SecPkgContext_SessionKey session_key;
        SecPkgContext_NegotiationInfoW negotiation;
        CHECK(query_text(&pair.server, SECPKG_ATTR_NAMES, wide));
        CHECK(query_text(&pair.server, SECPKG_ATTR_PACKAGE_INFO, wide));
        CHECK(query(&pair.client, SECPKG_ATTR_SESSION_KEY, wide, &session_key));
        CHECK(FreeContextBuffer(session_key.SessionKey));
        CHECK(query(&pair.client, SECPKG_ATTR_NEGOTIATION_INFO, wide, &negotiation));
        CHECK(FreeContextBuffer(negotiation.PackageInfo));
        CHECK(query(&pair.client, SECPKG_ATTR_KEY_INFO, wide, &key));
        CHECK(FreeContextBuffer(key.sSignatureAlgorithmName));
        CHECK(FreeContextBuffer(key.sEncryptAlgorithmName));
    }
    return SEC_E_OK;
}

static SECURITY_STATUS scenario_packages(void)
{
    ULONG count;
    SecPkgInfoA *narrow;
    SecPkgInfoW *wide;
    CHECK(EnumerateSecurityPackagesA(&count, &narrow));
    CHECK(FreeContextBuffer(narrow));
    CHECK(EnumerateSecurityPackagesW(&count, &wide));
    CHECK(FreeContextBuffer(wide));
    CHECK(QuerySecurityPackageInfoA("NTLM", &narrow));
    return FreeContextBuffer(narrow);
}

static SECURITY_STATUS scenario_export(void)
{
    AUTO_PAIR pair = {0};
    CHECK(session(&pair));
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    CtxtHandle again;
    CHECK(ExportSecurityContext(&pair.server, 0, &packed, NULL));
    SECURITY_STATUS status = ImportSecurityContextA("NTLM", &packed, NULL, &again);
    (void)FreeContextBuffer(packed.pvBuffer);
    return status != SEC_E_OK ? status : DeleteSecurityContext(&again);
}

static SECURITY_STATUS scenario_impersonation(void)
{
    AUTO_PAIR pair = {0};
    CHECK(session(&pair));
    CHECK(ImpersonateSecurityContext(&pair.server));
    return RevertSecurityContext(&pair.server);
}

/* The accounts that the policy names, as a server without a verifier uses them. */
static SECURITY_STATUS scenario_accounts(void)
{
    AUTO_PAIR pair = {0};
    CHECK(pair_acquire(&pair, NULL, NULL));
    CHECK(SspiExtSetVerifier(&pair.server_credential, NULL, NULL));
    return pair_handshake(&pair, PAIR_SEAL);
}

/* ---------------------------------------------------------------- running them */

struct torture {
    const char *name;
    SECURITY_STATUS (*run)(void);
    const char *policy; /* of the child; NULL: the defaults */
};

enum outcome { OUTCOME_GOOD, OUTCOME_NOT_REACHED, OUTCOME_BAD };

/* One run with the n-th allocation failing, then two without: the answer must be one of the two, and afterwards the
 * library works and neither holds nor loses anything more. */
static enum outcome fail_nth(const struct torture *torture, long n, bool cold)
{
    if (!cold && torture->run() != SEC_E_OK) {
        printf("# %s: fails without any failing allocation\n", torture->name);
        return OUTCOME_BAD;
    }
    long before = live;
    until_failure = n;
    has_failed = false;
    SECURITY_STATUS status = torture->run();
    bool reached = has_failed;
    until_failure = 0;
    if (status != SEC_E_OK && (!reached || status != SEC_E_INSUFFICIENT_MEMORY)) {
        printf("# %s: allocation %ld: 0x%08x %s\n", torture->name, n, (unsigned)status, SspiExtLastReason(NULL));
        return OUTCOME_BAD;
    }
    if (!cold && live != before) {
        printf("# %s: allocation %ld: %ld blocks before, %ld after\n", torture->name, n, before, live);
        return OUTCOME_BAD;
    }
    status = torture->run();
    long steady = live;
    if (status != SEC_E_OK || torture->run() != SEC_E_OK) {
        printf("# %s: after allocation %ld had failed: 0x%08x\n", torture->name, n, (unsigned)status);
        return OUTCOME_BAD;
    }
    if (live != steady) {
        printf("# %s: allocation %ld: %ld blocks, then %ld\n", torture->name, n, steady, live);
        return OUTCOME_BAD;
    }
    return reached ? OUTCOME_GOOD : OUTCOME_NOT_REACHED;
}

/* In a process of its own: what the library keeps for the life of a process is not there yet. */
static enum outcome fail_nth_apart(const struct torture *torture, long n)
{
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(60);
        setenv("SSPI_CONFIG", torture->policy != NULL ? torture->policy : "/dev/null", 1);
        enum outcome cold = fail_nth(torture, n, true);
        enum outcome warm = fail_nth(torture, n, false);
        fflush(stdout);
        exit(cold == OUTCOME_BAD || warm == OUTCOME_BAD ? OUTCOME_BAD : (int)cold);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    if (!WIFEXITED(how)) {
        printf("# %s: allocation %ld: ended by signal %d\n", torture->name, n, WTERMSIG(how));
        return OUTCOME_BAD;
    }
    return WEXITSTATUS(how) <= OUTCOME_BAD ? (enum outcome)WEXITSTATUS(how) : OUTCOME_BAD;
}

static void torture_test(void **state)
{
    const struct torture *torture = *state;
    long n = 1;
    int bad = 0;
    enum outcome outcome;
    do {
        outcome = fail_nth_apart(torture, n);
        bad += outcome == OUTCOME_BAD;
        n++;
    } while (outcome != OUTCOME_NOT_REACHED && n < ALLOCATIONS_MAX && bad < 20);
    printf("# %s: %ld allocations\n", torture->name, n - 2);
    assert_int_equal(bad, 0);
    assert_int_equal(outcome, OUTCOME_NOT_REACHED);
    assert_true(n > 2); /* or the scenario would test nothing */
}

/* ---------------------------------------------------------------- accounts to log on with */

static char folder[] = "/tmp/sspi-torture-XXXXXX";
static char accounts_path[64];
static char policy_path[64];

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static int make_accounts(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(accounts_path, sizeof accounts_path, "%s/users", folder);
    snprintf(policy_path, sizeof policy_path, "%s/sspi.conf", folder);
    write_file(accounts_path, "Domain:User:Password\n");
    char policy[256];
    snprintf(policy, sizeof policy, "[accounts]\nbackend = file\npath = %s\n", accounts_path);
    write_file(policy_path, policy);
    return 0;
}

static int drop_accounts(void **state)
{
    (void)state;
    (void)unlink(accounts_path);
    (void)unlink(policy_path);
    (void)rmdir(folder);
    return 0;
}

#define TORTURE(what, policy)                                                                                          \
    {                                                                                                                  \
        .name = #what, .test_func = torture_test, .initial_state = (struct torture[]){{#what, scenario_##what, policy}} \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TORTURE(handshake, NULL),
        TORTURE(messages, NULL),
        TORTURE(allocated_token, NULL),
        TORTURE(attributes, NULL),
        TORTURE(packages, NULL),
        TORTURE(export, NULL),
        TORTURE(impersonation, NULL),
        TORTURE(accounts, policy_path),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_accounts, drop_accounts);
}
