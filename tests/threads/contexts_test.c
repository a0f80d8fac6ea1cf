/* Many threads on the public functions: contexts of their own on shared credentials, one context for all, handles that
 * somebody else is closing, and fork.  Worth most under ThreadSanitizer (make deep). */
#include "../api/pair.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEALED  (ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY)
#define THREADS 6
#define ROUNDS  150

static struct pair shared;

/* What went wrong in a thread; cmocka's assertions belong to the main one. */
#define COUNT(wrong, condition) ((wrong) += !(condition))

static SECURITY_STATUS seal(CtxtHandle *context, unsigned char token[16], unsigned char *data, ULONG size)
{
    SecBuffer buffers[] = {
        {.cbBuffer = 16, .BufferType = SECBUFFER_TOKEN, .pvBuffer = token},
        {.cbBuffer = size, .BufferType = SECBUFFER_DATA, .pvBuffer = data},
    };
    SecBufferDesc message = {.ulVersion = SECBUFFER_VERSION, .cBuffers = 2, .pBuffers = buffers};
    return EncryptMessage(context, 0, &message, 0);
}

static SECURITY_STATUS unseal(CtxtHandle *context, unsigned char token[16], unsigned char *data, ULONG size)
{
    SecBuffer buffers[] = {
        {.cbBuffer = 16, .BufferType = SECBUFFER_TOKEN, .pvBuffer = token},
        {.cbBuffer = size, .BufferType = SECBUFFER_DATA, .pvBuffer = data},
    };
    SecBufferDesc message = {.ulVersion = SECBUFFER_VERSION, .cBuffers = 2, .pBuffers = buffers};
    return DecryptMessage(context, &message, 0, NULL);
}

/* One whole session on the shared credentials. */
static int session(void)
{
    int wrong = 0;
    struct token client;
    struct token server;
    CtxtHandle initiator;
    CtxtHandle acceptor;
    token_init(&client, TOKEN_MAX);
    token_init(&server, TOKEN_MAX);
    COUNT(wrong, InitializeSecurityContextA(&shared.client_credential, NULL, NULL, SEALED, 0, 0, NULL, 0, &initiator,
                                            &client.descriptor, NULL, NULL) == SEC_I_CONTINUE_NEEDED);
    COUNT(wrong, AcceptSecurityContext(&shared.server_credential, NULL, &client.descriptor, 0, 0, &acceptor,
                                       &server.descriptor, NULL, NULL) == SEC_I_CONTINUE_NEEDED);
    token_init(&client, TOKEN_MAX);
    COUNT(wrong, InitializeSecurityContextA(NULL, &initiator, NULL, SEALED, 0, 0, &server.descriptor, 0, &initiator,
                                            &client.descriptor, NULL, NULL) == SEC_E_OK);
    COUNT(wrong,
          AcceptSecurityContext(NULL, &acceptor, &client.descriptor, 0, 0, &acceptor, NULL, NULL, NULL) == SEC_E_OK);
    unsigned char token[16];
    unsigned char data[] = "threads";
    COUNT(wrong, seal(&initiator, token, data, sizeof data) == SEC_E_OK);
    COUNT(wrong, unseal(&acceptor, token, data, sizeof data) == SEC_E_OK);
    COUNT(wrong, strcmp((char *)data, "threads") == 0);
    COUNT(wrong, DeleteSecurityContext(&initiator) == SEC_E_OK);
    COUNT(wrong, DeleteSecurityContext(&acceptor) == SEC_E_OK);
    return wrong;
}

static void *sessions(void *wrong)
{
    for (int i = 0; i < ROUNDS; i++) {
        *(int *)wrong += session();
    }
    return NULL;
}

/* Runs `work` in all threads at once and wants no complaint from any. */
static void run_threads(void *(*work)(void *wrong))
{
    pthread_t threads[THREADS];
    int wrong[THREADS] = {0};
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, &wrong[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(wrong[i], 0);
    }
}

static void test_shared_credentials(void **state)
{
    pair_credentials(&shared, "Password");
    run_threads(sessions);
    pair_close(&shared);
}

/* Every thread seals on one context: each message gets a number of its own, and in that order they unseal. */
static unsigned char sealed[THREADS * ROUNDS][16 + 8];

static void *seal_some(void *wrong)
{
    static atomic_int next;
    for (int i = 0; i < ROUNDS; i++) {
        unsigned char *message = sealed[atomic_fetch_add(&next, 1)];
        memcpy(message + 16, "message", 8);
        COUNT(*(int *)wrong, seal(&shared.client, message, message + 16, 8) == SEC_E_OK);
    }
    return NULL;
}

static ULONG sequence_of(const unsigned char *message)
{
    return (ULONG)message[12] | (ULONG)message[13] << 8 | (ULONG)message[14] << 16 | (ULONG)message[15] << 24;
}

static int by_sequence(const void *a, const void *b)
{
    ULONG left = sequence_of(a);
    ULONG right = sequence_of(b);
    return (left > right) - (left < right);
}

static void test_one_context_for_all(void **state)
{
    pair_open(&shared, SEALED);
    run_threads(seal_some);
    qsort(sealed, THREADS * ROUNDS, sizeof sealed[0], by_sequence);
    for (ULONG i = 0; i < THREADS * ROUNDS; i++) {
        assert_int_equal(sequence_of(sealed[i]), i);
        assert_status(unseal(&shared.server, sealed[i], sealed[i] + 16, 8), SEC_E_OK);
        assert_string_equal((char *)sealed[i] + 16, "message");
    }
    pair_close(&shared);
}

/* Handles that are being closed by somebody else are good or invalid, never anything between. */
static struct pair victims[THREADS];
static atomic_int turn;

static void *close_and_use(void *wrong)
{
    int own = atomic_fetch_add(&turn, 1) % THREADS;
    for (int i = 0; i < THREADS; i++) {
        struct pair *victim = &victims[(own + i) % THREADS];
        CtxtHandle client = victim->client;
        CtxtHandle server = victim->server;
        unsigned char token[16] = {0};
        unsigned char data[8] = {0};
        SecPkgContext_NamesA names = {0};
        SECURITY_STATUS status = seal(&client, token, data, sizeof data);
        COUNT(*(int *)wrong, status == SEC_E_OK || status == SEC_E_INVALID_HANDLE);
        status = unseal(&server, token, data, sizeof data);
        COUNT(*(int *)wrong, status == SEC_E_OK || status == SEC_E_INVALID_HANDLE || status == SEC_E_OUT_OF_SEQUENCE ||
                                 status == SEC_E_MESSAGE_ALTERED);
        status = QueryContextAttributesA(&server, SECPKG_ATTR_NAMES, &names);
        COUNT(*(int *)wrong, status == SEC_E_OK || status == SEC_E_INVALID_HANDLE);
        COUNT(*(int *)wrong, status != SEC_E_OK || strcmp(names.sUserName, "Domain\\User") == 0);
        COUNT(*(int *)wrong, FreeContextBuffer(names.sUserName) == SEC_E_OK);
        status = DeleteSecurityContext(&client);
        COUNT(*(int *)wrong, status == SEC_E_OK || status == SEC_E_INVALID_HANDLE);
        status = DeleteSecurityContext(&server);
        COUNT(*(int *)wrong, status == SEC_E_OK || status == SEC_E_INVALID_HANDLE);
        status = FreeCredentialsHandle(&victim->server_credential);
        COUNT(*(int *)wrong, status == SEC_E_OK || status == SEC_E_INVALID_HANDLE);
    }
    return NULL;
}

static void test_everybody_closes_everything(void **state)
{
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < THREADS; i++) {
            pair_open(&victims[i], SEALED);
        }
        run_threads(close_and_use);
        for (size_t i = 0; i < THREADS; i++) {
            assert_status(DeleteSecurityContext(&victims[i].client), SEC_E_INVALID_HANDLE);
            assert_status(FreeCredentialsHandle(&victims[i].server_credential), SEC_E_INVALID_HANDLE);
            assert_status(FreeCredentialsHandle(&victims[i].client_credential), SEC_E_OK);
        }
    }
}

/* The child of a fork goes on with the parent's contexts and credentials, while the parent's other threads work. */
static atomic_bool stop;

static void *sessions_until_stopped(void *wrong)
{
    while (!atomic_load(&stop)) {
        *(int *)wrong += session();
    }
    return NULL;
}

static int in_the_child(struct pair *pair)
{
    unsigned char token[16];
    unsigned char data[] = "child";
    int wrong = 0;
    COUNT(wrong, seal(&pair->client, token, data, sizeof data) == SEC_E_OK);
    COUNT(wrong, unseal(&pair->server, token, data, sizeof data) == SEC_E_OK);
    COUNT(wrong, strcmp((char *)data, "child") == 0);
    wrong += session();
    COUNT(wrong, DeleteSecurityContext(&pair->client) == SEC_E_OK);
    return wrong;
}

static void test_fork(void **state)
{
    struct pair pair;
    pthread_t threads[2];
    int wrong[2] = {0, 0};
    pair_credentials(&shared, "Password");
    pair_open(&pair, SEALED);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, sessions_until_stopped, &wrong[i]), 0);
    }
    for (int round = 0; round < 10; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            _exit(in_the_child(&pair) == 0 ? 0 : 1);
        }
        int result = -1;
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_int_equal(result, 0);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(wrong[i], 0);
    }
    pair_close(&pair);
    pair_close(&shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared_credentials),
        cmocka_unit_test(test_one_context_for_all),
        cmocka_unit_test(test_everybody_closes_everything),
        cmocka_unit_test(test_fork),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("contexts", tests, NULL, NULL);
}
