/* CredSSP by many threads: connections of their own on one credential of each side, and one connection with a reader and a
 * writer at each end while somebody asks it questions and, at last, deletes it.   credssp [THREADS CONNECTIONS-OF-EACH] */
#include "threads/threads.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/credssp_ends.h"

unsigned thread_count = 4;
unsigned round_count = 6;

static const DWORD versions[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};

static struct ends owners[2]; /* of the credentials for each version */

/* ---------------------------------------------------------------- connections of their own */

/* What the server was delegated ends with the password (KERB_INTERACTIVE_LOGON, packed). */
static bool was_delegated(CtxtHandle *server)
{
    static const uint8_t password[] = "P\0a\0s\0s\0w\0o\0r\0d";
    SecPkgContext_ClientCreds creds;
    if (QueryContextAttributesA(server, SECPKG_ATTR_CREDS, &creds) != SEC_E_OK) {
        return false;
    }
    bool good = creds.AuthBufferLen > sizeof password &&
                memcmp(creds.AuthBuffer + creds.AuthBufferLen - sizeof password, password, sizeof password) == 0;
    return FreeContextBuffer(creds.AuthBuffer) == SEC_E_OK && good;
}

/* This thread stands for the client, and logs on elsewhere as he. */
static bool impersonates(CtxtHandle *server)
{
    SEC_CHAR ntlm[] = "NTLM";
    CredHandle credential;
    SecPkgCredentials_NamesA names = {NULL};
    bool good = ImpersonateSecurityContext(server) == SEC_E_OK;
    if (good && AcquireCredentialsHandleA(NULL, ntlm, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL, &credential,
                                          NULL) == SEC_E_OK) {
        good = QueryCredentialsAttributesA(&credential, SECPKG_CRED_ATTR_NAMES, &names) == SEC_E_OK &&
               strcmp(names.sUserName, "Domain\\User") == 0;
        (void)FreeContextBuffer(names.sUserName);
        (void)FreeCredentialsHandle(&credential);
    } else {
        good = false;
    }
    return RevertSecurityContext(server) == SEC_E_OK && good;
}

static struct ends *borrow_ends(const struct ends *owner)
{
    struct ends *ends = calloc(1, sizeof *ends);
    if (ends == NULL) {
        abort();
    }
    memcpy(ends->credentials, owner->credentials, sizeof ends->credentials);
    ends->request[END_CLIENT] = ISC_REQ_DELEGATE;
    ends->target = "TERMSRV/server";
    ends_reset(ends);
    return ends;
}

static bool connection(struct ends *ends, unsigned turn)
{
    char there[32], back[32];
    memset(there, 'a' + (int)(turn % 26), sizeof there);
    memset(back, 'A' + (int)(turn % 26), sizeof back);
    bool good = ends_shake(ends) && ends_message(ends, END_CLIENT, there, sizeof there) &&
                ends_message(ends, END_SERVER, back, sizeof back) && was_delegated(&ends->contexts[END_SERVER]) &&
                impersonates(&ends->contexts[END_SERVER]);
    ends_reset(ends);
    return good;
}

static void connections(struct worker *worker)
{
    for (unsigned round = 0; round < round_count; round++) {
        unsigned turn = worker->number + round;
        struct ends *ends = borrow_ends(&owners[turn % 2]);
        bool good = connection(ends, turn);
        if (!good) {
            crew_wrong(worker->crew,
                       ends->status[END_SERVER] < 0 ? ends->status[END_SERVER] : ends->status[END_CLIENT]);
        }
        free(ends);
        if (!good) {
            return;
        }
    }
}

static void credentials_are_shared(void **state)
{
    struct crew crew = {.work = NULL};
    crew_run(&crew, thread_count, connections, NULL);
    print_message("# %u threads, %u connections each\n", thread_count, round_count);
}

/* The first calls of this process come all at once, each with credentials of its own. */
static void first_call(struct worker *worker)
{
    struct ends *ends = calloc(1, sizeof *ends);
    if (ends == NULL || credssp_ends_acquire(ends, versions[worker->number % 2], NULL) != SEC_E_OK ||
        !connection(ends, worker->number)) {
        crew_wrong(worker->crew, SEC_E_INTERNAL_ERROR);
    }
    if (ends != NULL) {
        ends_free(ends);
    }
    free(ends);
}

static void everybody_comes_first(void **state)
{
    struct crew crew = {.work = NULL};
    (void)ends_certificate(); /* of the test's own */
    crew_run(&crew, thread_count, first_call, NULL);
}

/* ---------------------------------------------------------------- one connection, read and written at once */

#define MESSAGES 400

/* Threads 0 and 1 write as client and server, 2 and 3 read what comes to them, the others ask. */
struct talk {
    struct ends *ends;
    int wire[2]; /* the ends of a stream of bytes: what is written to one side's is read at the other's */
    atomic_uint arrived;
};

static bool put_all(int wire, const uint8_t *data, size_t size)
{
    while (size != 0) {
        ssize_t done = write(wire, data, size);
        if (done < 0 && errno != EINTR) {
            return false;
        }
        data += done > 0 ? done : 0;
        size -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

static size_t message_size(unsigned number)
{
    return sizeof number + number * 37 % 3000;
}

static void write_messages(struct crew *crew, CtxtHandle *context, int wire)
{
    uint8_t record[64 + 4096 + 512];
    SecPkgContext_StreamSizes sizes;
    if (!crew_expect(crew, SEC_E_OK, QueryContextAttributesA(context, SECPKG_ATTR_STREAM_SIZES, &sizes)) ||
        sizes.cbHeader > 64 || sizes.cbTrailer > 512) {
        return;
    }
    for (unsigned number = 0; number < MESSAGES && atomic_load(&crew->wrong) == 0; number++) {
        uint8_t *data = record + sizes.cbHeader;
        size_t size = message_size(number);
        memset(data, (int)(number % 251), size);
        memcpy(data, &number, sizeof number);
        SecBuffer buffers[4] = {{sizes.cbHeader, SECBUFFER_STREAM_HEADER, record},
                                {(ULONG)size, SECBUFFER_DATA, data},
                                {sizes.cbTrailer, SECBUFFER_STREAM_TRAILER, data + size},
                                {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
        if (!crew_expect(crew, SEC_E_OK, EncryptMessage(context, 0, &message, 0)) ||
            !put_all(wire, record, buffers[0].cbBuffer + size + buffers[2].cbBuffer)) {
            crew_wrong(crew, SEC_E_INTERNAL_ERROR);
        }
    }
    (void)shutdown(wire, SHUT_WR);
}

static bool is_message(const uint8_t *data, size_t size, unsigned number)
{
    unsigned found;
    bool good = size == message_size(number) && memcmp(data, &number, sizeof found) == 0;
    for (size_t i = sizeof found; good && i < size; i++) {
        good = data[i] == (uint8_t)(number % 251);
    }
    return good;
}

/* The records at the front of `data`; how many bytes they took, or a failure counted in the crew. */
static size_t read_records(struct crew *crew, CtxtHandle *context, uint8_t *data, size_t size, unsigned *number)
{
    size_t taken = 0;
    while (taken < size) {
        SecBuffer buffers[4] = {{(ULONG)(size - taken), SECBUFFER_DATA, data + taken},
                                {0, SECBUFFER_EMPTY, NULL},
                                {0, SECBUFFER_EMPTY, NULL},
                                {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
        SECURITY_STATUS status = DecryptMessage(context, &message, 0, NULL);
        if (status == SEC_E_INCOMPLETE_MESSAGE || !crew_expect(crew, SEC_E_OK, status)) {
            break;
        }
        if (buffers[1].cbBuffer != 0 && !is_message(buffers[1].pvBuffer, buffers[1].cbBuffer, (*number)++)) {
            crew_wrong(crew, SEC_E_MESSAGE_ALTERED);
        }
        taken = buffers[3].BufferType == SECBUFFER_EXTRA ? size - buffers[3].cbBuffer : size;
    }
    return taken;
}

static void read_messages(struct crew *crew, CtxtHandle *context, int wire, unsigned *number)
{
    uint8_t *room = malloc(ENDS_ROOM);
    size_t size = 0;
    ssize_t got = 1;
    while (room != NULL && got > 0) { /* to the end, even after a failure: the writer must not hang */
        got = read(wire, room + size, ENDS_ROOM - size);
        size += got > 0 ? (size_t)got : 0;
        size_t taken = atomic_load(&crew->wrong) == 0 ? read_records(crew, context, room, size, number) : size;
        memmove(room, room + taken, size - taken);
        size -= taken;
    }
    free(room);
}

static void ask_questions(struct worker *worker, struct talk *talk)
{
    CtxtHandle *server = &talk->ends->contexts[END_SERVER], *client = &talk->ends->contexts[END_CLIENT];
    while (atomic_load(&talk->arrived) < 2) {
        SecPkgContext_NamesA names = {NULL};
        SecPkgContext_ConnectionInfo info;
        bool good = crew_expect(worker->crew, SEC_E_OK, QueryContextAttributesA(server, SECPKG_ATTR_NAMES, &names)) &&
                    strcmp(names.sUserName, "Domain\\User") == 0 && was_delegated(server) && impersonates(server) &&
                    QueryContextAttributesA(client, SECPKG_ATTR_CONNECTION_INFO, &info) == SEC_E_OK &&
                    QueryContextAttributesA(client, SECPKG_ATTR_CREDS, &info) == SEC_E_UNSUPPORTED_FUNCTION;
        (void)FreeContextBuffer(names.sUserName);
        if (!good) {
            crew_wrong(worker->crew, SEC_E_INTERNAL_ERROR);
            return;
        }
        sched_yield();
    }
}

static void speak(struct worker *worker)
{
    struct talk *talk = worker->crew->work;
    int side = (int)(worker->number % 2);
    CtxtHandle context = worker->number < 4 ? talk->ends->contexts[side] : (CtxtHandle){0, 0};
    if (worker->number < 2) {
        write_messages(worker->crew, &context, talk->wire[side]);
    } else if (worker->number < 4) {
        unsigned number = 0;
        read_messages(worker->crew, &context, talk->wire[side], &number);
        if (number != MESSAGES) {
            crew_wrong(worker->crew, SEC_E_OUT_OF_SEQUENCE);
        }
        atomic_fetch_add(&talk->arrived, 1);
    } else {
        ask_questions(worker, talk);
    }
}

static void readers_and_writers(void **state)
{
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        struct talk talk = {.ends = borrow_ends(&owners[i])};
        struct crew crew = {.work = &talk};
        assert_true(ends_shake(talk.ends));
        assert_true(ends_message(talk.ends, END_SERVER, "tickets come before this", 24));
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, talk.wire), 0);
        crew_run(&crew, 5, speak, NULL);
        close(talk.wire[0]);
        close(talk.wire[1]);
        ends_reset(talk.ends);
        free(talk.ends);
    }
}

/* ---------------------------------------------------------------- deleted under use */

/* Until the context is gone its calls are good; afterwards the handle is none. */
static void use_until_it_is_gone(struct worker *worker)
{
    CtxtHandle context = ((struct ends *)worker->crew->work)->contexts[END_SERVER];
    SECURITY_STATUS status = SEC_E_OK;
    while (status == SEC_E_OK && atomic_load(&worker->crew->wrong) == 0) {
        uint8_t record[64 + 8 + 512] = {0};
        SecBuffer buffers[4] = {{64, SECBUFFER_STREAM_HEADER, record},
                                {8, SECBUFFER_DATA, record + 64},
                                {512, SECBUFFER_STREAM_TRAILER, record + 72},
                                {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
        SecPkgContext_NamesA names;
        if (worker->number % 2 == 0) {
            status = EncryptMessage(&context, 0, &message, 0);
        } else {
            status = QueryContextAttributesA(&context, SECPKG_ATTR_NAMES, &names);
            if (status == SEC_E_OK) {
                (void)FreeContextBuffer(names.sUserName);
            }
        }
        atomic_fetch_add(&worker->crew->progress, 1);
    }
    (void)crew_expect(worker->crew, SEC_E_INVALID_HANDLE, status);
}

static void delete_it(struct crew *crew)
{
    struct ends *ends = crew->work;
    crew_wait(crew, 200);
    (void)crew_expect(crew, SEC_E_OK, DeleteSecurityContext(&ends->contexts[END_SERVER]));
    ends->has_context[END_SERVER] = false;
}

static void deleted_under_use(void **state)
{
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        struct ends *ends = borrow_ends(&owners[i]);
        struct crew crew = {.work = ends};
        assert_true(ends_shake(ends));
        crew_run(&crew, thread_count, use_until_it_is_gone, delete_it);
        ends_reset(ends);
        free(ends);
    }
}

static int acquire(void **state)
{
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (credssp_ends_acquire(&owners[i], versions[i], NULL) != SEC_E_OK) {
            return -1;
        }
    }
    return 0;
}

static int release(void **state)
{
    ends_free(&owners[0]);
    ends_free(&owners[1]);
    return 0;
}

int main(int argc, char **argv)
{
    take_arguments(argc, argv);
    const struct CMUnitTest first[] = {cmocka_unit_test(everybody_comes_first)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_are_shared),
        cmocka_unit_test(readers_and_writers),
        cmocka_unit_test(deleted_under_use),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = cmocka_run_group_tests_name("credssp first", first, NULL, NULL);
    return failed + cmocka_run_group_tests_name("credssp", tests, acquire, release);
}
