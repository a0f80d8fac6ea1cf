/* Each allocation fails once, of the library's and of OpenSSL's, while credentials are acquired, hands are shaken, a session
 * is resumed, messages flow and the connection is closed.  The library's own are reported as SEC_E_INSUFFICIENT_MEMORY, or
 * nothing is lost by them; OpenSSL's end in some failure, or in nothing.  Nothing leaks, and the next connection is a good
 * one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "core/handle.h"
#include "schannel/context.h"
#include "sspi_ext.h"
#include "support/dtls_ends.h"
#include "torture/memory.h"

#define MOST 20000

/* ---------------------------------------------------------------- OpenSSL's memory */

static struct {
    long countdown; /* allocations until one fails; 0: none will */
    bool failed;
} openssl;

void *__real_malloc(size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);

static bool refuse(void)
{
    bool now = openssl.countdown != 0 && --openssl.countdown == 0;
    openssl.failed = openssl.failed || now;
    return now;
}

static void *take(size_t size, const char *file, int line)
{
    return size == 0 || refuse() ? NULL : __real_malloc(size);
}

static void *resize(void *old, size_t size, const char *file, int line)
{
    return refuse() ? NULL : __real_realloc(old, size);
}

static void give(void *block, const char *file, int line)
{
    __real_free(block);
}

/* ---------------------------------------------------------------- a connection's life */

struct scene {
    const char *name;
    DWORD protocols;
    bool mutual, datagram;
    bool asked; /* the client has no certificate, and its caller is told */
    bool late;  /* the server asks for a certificate behind the handshake (RFC 8446 4.6.2) */
    bool moves; /* both ends go on in other contexts (ExportSecurityContext) */
};

static const struct scene scenes[] = {
    {"TLS 1.2", SP_PROT_TLS1_2, false},
    {"TLS 1.3", SP_PROT_TLS1_3, false},
    {"TLS 1.3, a certificate asked for", SP_PROT_TLS1_3, true},
    {"TLS 1.2, the client's caller asked", SP_PROT_TLS1_2, true, .asked = true},
    {"TLS 1.3, the client's caller asked", SP_PROT_TLS1_3, true, .asked = true},
    {"TLS 1.3, a certificate asked for late", SP_PROT_TLS1_3, .late = true},
    {"TLS 1.2, moved", SP_PROT_TLS1_2, .moves = true},
    {"TLS 1.3, moved", SP_PROT_TLS1_3, .moves = true},
    {"TLS 1.1", SP_PROT_TLS1_1, false},
    {"DTLS 1.2, a certificate asked for", SP_PROT_DTLS1_2, true, true},
};

static struct dtls_ends dtls; /* of TLS its ends alone */

static SECURITY_STATUS close_side(const struct scene *scene, int side)
{
    struct ends *ends = &dtls.ends;
    DWORD shutdown = SCHANNEL_SHUTDOWN;
    SecBuffer buffer = {sizeof shutdown, SECBUFFER_TOKEN, &shutdown};
    SecBufferDesc message = {SECBUFFER_VERSION, 1, &buffer};
    SECURITY_STATUS status = ApplyControlToken(&ends->contexts[side], &message);
    ends->size[side] = 0;
    if (status >= 0) {
        status = scene->datagram ? dtls_step(&dtls, side, NULL, 0) : ends_step(ends, side);
    }
    return status;
}

static bool failed_now(void)
{
    return memory_has_failed() || openssl.failed;
}

/* A client that would go on without a certificate, though nobody has asked its caller for one. */
static bool declines_unasked(const struct ends *ends)
{
    if (!ends->has_context[END_CLIENT] || ends->asked[END_CLIENT]) {
        return false;
    }
    SecHandle handle = ends->contexts[END_CLIENT];
    const struct schannel_context *context = handle_pin(HANDLE_CONTEXT, &handle);
    bool declines = context != NULL && context->repeat.due && context->repeat.status == SEC_I_INCOMPLETE_CREDENTIALS;
    if (context != NULL) {
        handle_unpin(HANDLE_CONTEXT, &handle);
    }
    return declines;
}

/* Up to the question, with the beginning of a record behind the server's flight, which is to be remembered. */
static SECURITY_STATUS ask_client(void)
{
    static const uint8_t more[2000] = {23, 3, 3, 16, 0}; /* 4096 bytes are announced */
    struct ends *ends = &dtls.ends;
    SECURITY_STATUS status = ends_step(ends, END_CLIENT);
    status = status < 0 ? status : ends_step(ends, END_SERVER);
    ends_put(ends, END_CLIENT, more, sizeof more);
    status = status < 0 ? status : ends_step(ends, END_CLIENT);
    if (status < 0) {
        return declines_unasked(ends) ? SEC_E_INTERNAL_ERROR : status;
    }
    return status == SEC_I_INCOMPLETE_CREDENTIALS ? SEC_E_OK : SEC_E_INTERNAL_ERROR;
}

/* Request, answer, and what each side hears of the other's. */
static SECURITY_STATUS ask_late(void)
{
    struct ends *ends = &dtls.ends;
    uint8_t data[ENDS_ROOM];
    size_t size = 0;
    ends->request[END_SERVER] = ASC_REQ_MUTUAL_AUTH;
    SECURITY_STATUS status = ends_step(ends, END_SERVER);
    for (int side = 0; side < 2 && status >= 0; side++) { /* the client's turn, then the server's */
        status = ends_receive(ends, side, data, &size);
        if (status == SEC_I_RENEGOTIATE) {
            status = ends_step(ends, side);
        } else if (status >= 0) {
            status = failed_now() ? SEC_E_INSUFFICIENT_MEMORY : SEC_E_INTERNAL_ERROR;
        }
    }
    ends->request[END_SERVER] = 0;
    return status;
}

/* An end goes on in another context, and there is a message from it. */
static SECURITY_STATUS move_on(int side)
{
    static SEC_CHAR package[] = "Schannel";
    static uint8_t room[8192];
    struct ends *ends = &dtls.ends;
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    CtxtHandle moved;
    SECURITY_STATUS status = ExportSecurityContext(&ends->contexts[side], 0, &packed, NULL);
    if (status != SEC_E_OK) { /* then it is here as before */
        bool good = openssl.failed || (status == SEC_E_INSUFFICIENT_MEMORY && SspiExtLastReason(NULL) != NULL);
        return good && ends_message(ends, side, "another message", 15) ? SEC_E_OK : SEC_E_INTERNAL_ERROR;
    }
    SecBuffer blob = {packed.cbBuffer, SECBUFFER_EMPTY, room};
    assert_in_range(packed.cbBuffer, 1, sizeof room);
    memcpy(room, packed.pvBuffer, packed.cbBuffer);
    (void)FreeContextBuffer(packed.pvBuffer); /* before the call whose reason counts */
    status = ImportSecurityContextA(package, &blob, NULL, &moved);
    if (status != SEC_E_OK) {
        return status;
    }
    status = DeleteSecurityContext(&ends->contexts[side]);
    ends->contexts[side] = moved;
    if (status == SEC_E_OK && !ends_message(ends, side, "another message", 15)) {
        return failed_now() ? SEC_E_INSUFFICIENT_MEMORY : SEC_E_INTERNAL_ERROR;
    }
    return status;
}

static SECURITY_STATUS connect_once(const struct scene *scene)
{
    struct ends *ends = &dtls.ends;
    dtls_reset(&dtls);
    if (scene->asked) {
        return ask_client();
    }
    while (scene->datagram ? !dtls_shake(&dtls, 12) : !ends_shake(ends)) {
        for (int side = 0; side < 2; side++) {
            if (ends->status[side] < 0) {
                return ends->status[side];
            }
        }
        return SEC_E_INTERNAL_ERROR;
    }
    for (int side = 0; side < 2; side++) {
        if (!ends_message(ends, side, "a message", 9)) {
            return failed_now() ? SEC_E_INSUFFICIENT_MEMORY : SEC_E_INTERNAL_ERROR;
        }
    }
    SECURITY_STATUS status = scene->late ? ask_late() : SEC_E_OK;
    for (int side = 0; side < 2 && scene->moves && status >= 0; side++) {
        status = move_on(side);
    }
    status = status < 0 ? status : close_side(scene, END_CLIENT);
    return status < 0 ? status : close_side(scene, END_SERVER);
}

static SECURITY_STATUS run(const struct scene *scene)
{
    struct ends *ends = &dtls.ends;
    memset(&dtls, 0, sizeof dtls);
    SECURITY_STATUS status = ends_acquire(ends, scene->protocols);
    ends->request[END_SERVER] = scene->mutual ? ASC_REQ_MUTUAL_AUTH : 0;
    ends->request[END_CLIENT] = scene->asked ? 0 : ISC_REQ_USE_SUPPLIED_CREDS;
    for (int connection = scene->moves ? 1 : 0; connection < 2 && status >= 0; connection++) {
        status = connect_once(scene); /* the second one resumes */
    }
    return status;
}

static void warm(const struct scene *scene)
{
    for (int i = 0; i < 2; i++) { /* fill what is kept */
        assert_int_equal(run(scene), SEC_E_OK);
        ends_free(&dtls.ends);
    }
}

static void library_allocations(void **state)
{
    for (size_t s = 0; s < sizeof scenes / sizeof scenes[0]; s++) {
        warm(&scenes[s]);
        size_t live = memory_live();
        unsigned long n = 1, wrong = 0;
        for (bool failed = true; failed && n < MOST; n++) {
            memory_fail_at(n);
            SECURITY_STATUS status = run(&scenes[s]);
            failed = memory_has_failed();
            bool reasoned = SspiExtLastReason(NULL) != NULL;
            memory_fail_at(0);
            ends_free(&dtls.ends);
            bool good = status == SEC_E_OK || (status == SEC_E_INSUFFICIENT_MEMORY && failed && reasoned);
            if (!good || memory_live() != live) {
                print_message("# %s: allocation %lu: %08x, %zd blocks more\n", scenes[s].name, n, (unsigned)status,
                              (ptrdiff_t)(memory_live() - live));
                live = memory_live();
                wrong++;
            }
        }
        print_message("# %s: %lu allocations\n", scenes[s].name, n - 2);
        assert_int_equal(wrong, 0);
        assert_true(n > 10 && n < MOST);
        assert_int_equal(run(&scenes[s]), SEC_E_OK);
        ends_free(&dtls.ends);
    }
}

/* A handshake makes some thousands: each one of the first hundred, and then every `STRIDE`-th. */
#define STRIDE 7

static void openssl_allocations(void **state)
{
    for (size_t s = 0; s < sizeof scenes / sizeof scenes[0]; s++) {
        warm(&scenes[s]);
        size_t live = memory_live();
        long n = 1;
        for (bool failed = true; failed && n < MOST; n += n < 100 ? 1 : STRIDE) {
            openssl.countdown = n;
            openssl.failed = false;
            SECURITY_STATUS status = run(&scenes[s]);
            failed = openssl.failed;
            openssl.countdown = 0;
            openssl.failed = false;
            ends_free(&dtls.ends);
            if (status != SEC_E_OK && !failed) {
                print_message("# %s: allocation %ld: %08x\n", scenes[s].name, n, (unsigned)status);
                fail();
            }
            assert_int_equal(memory_live(), live);
        }
        print_message("# %s: about %ld allocations\n", scenes[s].name, n);
        assert_true(n > 100);
        assert_int_equal(run(&scenes[s]), SEC_E_OK);
        ends_free(&dtls.ends);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(library_allocations), cmocka_unit_test(openssl_allocations)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (CRYPTO_set_mem_functions(take, resize, give) != 1) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
