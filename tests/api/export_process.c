/* A session that moves into another process: exported here, imported by a program that was just started and has nothing
 * of ours but what came through a pipe.
 *
 * This program is both: `export_process import` is the receiving one.  It reads the packed context and messages that are
 * still on their way, opens them, answers, and opens one more.
 */
#include "pair.h"

#include <limits.h>
#include <signal.h>

#include "support/another_process.h"

#define SEALED   (ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY)
#define BLOB_MAX 8192

static char ntlm[] = "NTLM";
static char self[PATH_MAX];

/* ---------------------------------------------------------------- messages, in one piece for the pipe */

struct letter {
    unsigned char token[16];
    char text[32];
    bool sealed;
    SECURITY_STATUS expected; /* what the receiver must find */
};

struct letter_buffers {
    SecBuffer at[2];
    SecBufferDesc descriptor;
};

static PSecBufferDesc lay_out(struct letter_buffers *buffers, struct letter *letter)
{
    buffers->at[0] = (SecBuffer){sizeof letter->token, SECBUFFER_TOKEN, letter->token};
    buffers->at[1] = (SecBuffer){sizeof letter->text, SECBUFFER_DATA, letter->text};
    buffers->descriptor = (SecBufferDesc){SECBUFFER_VERSION, 2, buffers->at};
    return &buffers->descriptor;
}

static SECURITY_STATUS letter_write(CtxtHandle *from, const char *text, bool sealed, struct letter *out)
{
    struct letter_buffers buffers;
    memset(out, 0, sizeof *out);
    snprintf(out->text, sizeof out->text, "%s", text);
    out->sealed = sealed;
    PSecBufferDesc message = lay_out(&buffers, out);
    return sealed ? EncryptMessage(from, 0, message, 0) : MakeSignature(from, 0, message, 0);
}

/* Opens a copy: SEC_E_OK only when the text is the right one. */
static SECURITY_STATUS letter_open(CtxtHandle *to, const struct letter *letter, const char *text)
{
    struct letter copy = *letter;
    struct letter_buffers buffers;
    PSecBufferDesc message = lay_out(&buffers, &copy);
    SECURITY_STATUS status =
        letter->sealed ? DecryptMessage(to, message, 0, NULL) : VerifySignature(to, message, 0, NULL);
    return status == SEC_E_OK && strcmp(copy.text, text) != 0 ? SEC_E_INTERNAL_ERROR : status;
}

/* ---------------------------------------------------------------- the receiving process */

/* What crosses the pipe first. */
struct parcel {
    ULONG blob_size;
    unsigned char blob[BLOB_MAX];
    struct letter pending[3];
    size_t pending_count;
};

static const char *const pending_texts[3] = {"first on its way", "second, signed only", "third on its way"};

/* Each step has a number, which is the exit status when it goes wrong. */
static int receive(void)
{
    static struct parcel parcel;
    struct letter answer;
    CtxtHandle context = {0, 0};
    SecPkgContext_NamesA names = {0};
    if (fread(&parcel, sizeof parcel, 1, stdin) != 1) {
        return 2;
    }
    SecBuffer packed = {parcel.blob_size, SECBUFFER_EMPTY, parcel.blob};
    if (ImportSecurityContextA(ntlm, &packed, NULL, &context) != SEC_E_OK) {
        return 3;
    }
    memset(parcel.blob, 0, sizeof parcel.blob); /* the context keeps nothing of it */
    if (QueryContextAttributesA(&context, SECPKG_ATTR_NAMES, &names) != SEC_E_OK ||
        strcmp(names.sUserName, "Domain\\User") != 0 || FreeContextBuffer(names.sUserName) != SEC_E_OK) {
        return 4;
    }
    for (size_t i = 0; i < parcel.pending_count; i++) {
        if (letter_open(&context, &parcel.pending[i], pending_texts[i]) != parcel.pending[i].expected) {
            return 10 + (int)i;
        }
    }
    for (int sealed = 0; sealed < 2; sealed++) {
        if (letter_write(&context, "answered elsewhere", sealed == 1, &answer) != SEC_E_OK ||
            fwrite(&answer, sizeof answer, 1, stdout) != 1 || fflush(stdout) != 0) {
            return 5;
        }
    }
    if (fread(&answer, sizeof answer, 1, stdin) != 1 || letter_open(&context, &answer, "and on it goes") != SEC_E_OK) {
        return 6;
    }
    return DeleteSecurityContext(&context) == SEC_E_OK ? 0 : 7;
}

/* ---------------------------------------------------------------- the sending process */

static void get(struct child *child, struct letter *out)
{
    if (fread(out, sizeof *out, 1, child->from) != 1) {
        fail_msg("the receiving process ended with %d", child_end(child));
    }
}

/* Exports `context` into the parcel. */
static void pack(CtxtHandle *context, ULONG flags, struct parcel *out)
{
    SecBuffer packed = {.cbBuffer = 7, .BufferType = SECBUFFER_TOKEN};
    assert_status(ExportSecurityContext(context, flags, &packed, NULL), SEC_E_OK);
    assert_int_equal(packed.BufferType, SECBUFFER_EMPTY);
    assert_in_range(packed.cbBuffer, 1, BLOB_MAX);
    memcpy(out->blob, packed.pvBuffer, packed.cbBuffer);
    out->blob_size = packed.cbBuffer;
    assert_status(FreeContextBuffer(packed.pvBuffer), SEC_E_OK);
}

/* Sends the parcel to a process of its own; `peer`, who stays here, must understand the answers. */
static void deliver(const struct parcel *parcel, CtxtHandle *peer)
{
    struct child child;
    struct letter letter;
    child_start(&child, self);
    put(&child, parcel, sizeof *parcel);
    for (int sealed = 0; sealed < 2; sealed++) {
        get(&child, &letter);
        assert_int_equal(letter.sealed, sealed == 1);
        assert_status(letter_open(peer, &letter, "answered elsewhere"), SEC_E_OK);
    }
    assert_status(letter_write(peer, "and on it goes", true, &letter), SEC_E_OK);
    put(&child, &letter, sizeof letter);
    assert_int_equal(child_end(&child), 0);
}

/* Messages both ways, so that no stream stands at its beginning. */
static void talk(struct pair *pair)
{
    struct letter letter;
    for (int i = 0; i < 3; i++) {
        assert_status(letter_write(&pair->client, "to the server", i != 1, &letter), SEC_E_OK);
        assert_status(letter_open(&pair->server, &letter, "to the server"), SEC_E_OK);
        assert_status(letter_write(&pair->server, "to the client", i != 0, &letter), SEC_E_OK);
        assert_status(letter_open(&pair->client, &letter, "to the client"), SEC_E_OK);
    }
}

static void write_pending(CtxtHandle *from, SECURITY_STATUS expected, struct parcel *out)
{
    out->pending_count = 3;
    for (size_t i = 0; i < 3; i++) {
        assert_status(letter_write(from, pending_texts[i], i != 1, &out->pending[i]), SEC_E_OK);
        out->pending[i].expected = expected;
    }
}

static void check_moves(ULONG request, bool server_moves, ULONG flags)
{
    static struct parcel parcel;
    struct pair pair;
    SecPkgContext_Sizes sizes;
    memset(&parcel, 0, sizeof parcel);
    pair_open(&pair, request);
    CtxtHandle *leaving = server_moves ? &pair.server : &pair.client;
    CtxtHandle *staying = server_moves ? &pair.client : &pair.server;
    talk(&pair);
    write_pending(staying, SEC_E_OK, &parcel);
    pack(leaving, flags, &parcel);
    bool gone = (flags & SECPKG_CONTEXT_EXPORT_DELETE_OLD) != 0;
    assert_status(QueryContextAttributesA(leaving, SECPKG_ATTR_SIZES, &sizes), gone ? SEC_E_INVALID_HANDLE : SEC_E_OK);
    if (gone) {
        assert_status(DeleteSecurityContext(leaving), SEC_E_INVALID_HANDLE);
        SecInvalidateHandle(leaving);
    }
    deliver(&parcel, staying);
    pair_close(&pair);
}

static void test_server_moves(void **state)
{
    check_moves(SEALED, true, SECPKG_CONTEXT_EXPORT_DELETE_OLD);
    check_moves(SEALED, true, 0);
    check_moves(ISC_REQ_INTEGRITY, true, SECPKG_CONTEXT_EXPORT_DELETE_OLD);
}

static void test_client_moves(void **state)
{
    check_moves(SEALED, false, SECPKG_CONTEXT_EXPORT_DELETE_OLD);
    check_moves(SEALED, false, 0);
    check_moves(ISC_REQ_INTEGRITY, false, SECPKG_CONTEXT_EXPORT_DELETE_OLD);
}

/* RESET_NEW: the new context counts from zero with fresh streams, as one that has exchanged nothing.  So it understands a
 * peer that was reset too, and takes a message of the old streams for one that is out of its turn. */
static void check_reset(bool server_moves)
{
    static struct parcel parcel;
    static struct parcel here;
    struct pair pair;
    struct letter stale;
    CtxtHandle peer;
    memset(&parcel, 0, sizeof parcel);
    pair_open(&pair, SEALED);
    CtxtHandle *leaving = server_moves ? &pair.server : &pair.client;
    CtxtHandle *staying = server_moves ? &pair.client : &pair.server;
    talk(&pair);
    assert_status(letter_write(staying, "of the old stream", true, &stale), SEC_E_OK);
    pack(leaving, SECPKG_CONTEXT_EXPORT_RESET_NEW | SECPKG_CONTEXT_EXPORT_DELETE_OLD, &parcel);
    SecInvalidateHandle(leaving);
    pack(staying, SECPKG_CONTEXT_EXPORT_RESET_NEW, &here);
    SecBuffer packed = {here.blob_size, SECBUFFER_EMPTY, here.blob};
    assert_status(ImportSecurityContextA(ntlm, &packed, NULL, &peer), SEC_E_OK);

    write_pending(&peer, SEC_E_OK, &parcel);
    static const unsigned char first[4] = {0};
    assert_memory_equal(parcel.pending[0].token + 12, first, 4); /* SeqNum (MS-NLMP 2.2.2.9.2) */
    deliver(&parcel, &peer);

    parcel.pending[0] = stale;
    parcel.pending[0].expected = SEC_E_OUT_OF_SEQUENCE;
    parcel.pending_count = 1;
    assert_status(DeleteSecurityContext(&peer), SEC_E_OK);
    assert_status(ImportSecurityContextA(ntlm, &packed, NULL, &peer), SEC_E_OK);
    deliver(&parcel, &peer);
    assert_status(DeleteSecurityContext(&peer), SEC_E_OK);
    pair_close(&pair);
}

static void test_reset(void **state)
{
    check_reset(true);
    check_reset(false);
}

/* ---------------------------------------------------------------- what is not a packed context */

static SECURITY_STATUS import(const unsigned char *bytes, ULONG size, CtxtHandle *out)
{
    SecBuffer packed = {size, SECBUFFER_EMPTY, (void *)(uintptr_t)bytes};
    return ImportSecurityContextA(ntlm, &packed, NULL, out);
}

static void refuse(const unsigned char *bytes, ULONG size)
{
    CtxtHandle context = {7, 7};
    assert_status(import(bytes, size, &context), SEC_E_INVALID_TOKEN);
    assert_int_equal(context.dwLower, 7);
    assert_int_equal(context.dwUpper, 7);
}

/* The blob in a block of its exact size, so that a checker of memory sees who reads behind it. */
static void check_truncated(CtxtHandle *context, ULONG flags)
{
    static struct parcel parcel;
    pack(context, flags, &parcel);
    for (ULONG size = 0; size < parcel.blob_size; size++) {
        unsigned char *exact = malloc(size == 0 ? 1 : size);
        memcpy(exact, parcel.blob, size);
        refuse(exact, size);
        free(exact);
    }
    parcel.blob[parcel.blob_size] = 0;
    refuse(parcel.blob, parcel.blob_size + 1);
    refuse(NULL, 0);
}

static void test_truncated(void **state)
{
    struct pair pair;
    pair_open(&pair, SEALED);
    check_truncated(&pair.client, 0); /* no message yet */
    talk(&pair);
    check_truncated(&pair.client, 0);
    check_truncated(&pair.server, 0);
    check_truncated(&pair.server, SECPKG_CONTEXT_EXPORT_RESET_NEW);
    pair_close(&pair);
}

/* A context from spoilt bytes may be any context, but it is one: every call on it answers with a status that it may have. */
static void use(CtxtHandle *context, const struct letter *letter)
{
    static const ULONG attributes[] = {SECPKG_ATTR_NAMES, SECPKG_ATTR_NATIVE_NAMES, SECPKG_ATTR_SESSION_KEY,
                                       SECPKG_ATTR_KEY_INFO, SECPKG_ATTR_TARGET_INFORMATION};
    struct letter answer;
    void *values[4];
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        memset(values, 0, sizeof values);
        SECURITY_STATUS status = QueryContextAttributesA(context, attributes[i], values);
        assert_true(status == SEC_E_OK || status == SEC_E_UNSUPPORTED_FUNCTION);
        /* Names, native names and key info begin with their pointers; the two others with a length. */
        bool texts = i != 2 && i != 4;
        for (size_t p = texts ? 0 : 1; status == SEC_E_OK && p < (i == 0 ? 1u : 2u); p++) {
            assert_status(FreeContextBuffer(values[p]), SEC_E_OK);
        }
    }
    for (int sealed = 0; sealed < 2; sealed++) {
        SECURITY_STATUS status = letter_write(context, "from anybody", sealed == 1, &answer);
        assert_true(status == SEC_E_OK || status == SEC_E_UNSUPPORTED_FUNCTION);
    }
    SECURITY_STATUS status = letter_open(context, letter, pending_texts[0]);
    assert_true(status == SEC_E_OK || status == SEC_E_MESSAGE_ALTERED || status == SEC_E_OUT_OF_SEQUENCE ||
                status == SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(DeleteSecurityContext(context), SEC_E_OK);
}

#define HEADER 12 /* what marks the blob as ours, and its version: nothing may be wrong with these */

static void check_altered(CtxtHandle *context, CtxtHandle *peer)
{
    static struct parcel parcel;
    static const unsigned char spoilers[] = {0x01, 0x80, 0xff};
    write_pending(peer, SEC_E_OK, &parcel);
    pack(context, 0, &parcel);
    size_t refused = 0;
    for (ULONG i = 0; i < parcel.blob_size; i++) {
        for (size_t s = 0; s < sizeof spoilers; s++) {
            CtxtHandle moved = {7, 7};
            parcel.blob[i] ^= spoilers[s];
            SECURITY_STATUS status = import(parcel.blob, parcel.blob_size, &moved);
            parcel.blob[i] ^= spoilers[s];
            if (status == SEC_E_OK && i >= HEADER) {
                use(&moved, &parcel.pending[0]);
                continue;
            }
            assert_status(status, SEC_E_INVALID_TOKEN);
            assert_int_equal(moved.dwLower, 7);
            refused++;
        }
    }
    assert_true(refused > HEADER * sizeof spoilers);
    CtxtHandle untouched;
    assert_status(import(parcel.blob, parcel.blob_size, &untouched), SEC_E_OK);
    assert_status(letter_open(&untouched, &parcel.pending[0], pending_texts[0]), SEC_E_OK);
    assert_status(DeleteSecurityContext(&untouched), SEC_E_OK);
}

static void test_altered(void **state)
{
    struct pair pair;
    pair_open(&pair, SEALED);
    talk(&pair);
    check_altered(&pair.server, &pair.client);
    check_altered(&pair.client, &pair.server);
    pair_close(&pair);
    pair_open(&pair, SEALED); /* no stream yet: the keys are whatever the bits say */
    check_altered(&pair.server, &pair.client);
    pair_close(&pair);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_moves), cmocka_unit_test(test_client_moves), cmocka_unit_test(test_reset),
        cmocka_unit_test(test_truncated),    cmocka_unit_test(test_altered),
    };
    if (argc == 2 && strcmp(argv[1], "import") == 0) {
        return receive();
    }
    if (realpath("/proc/self/exe", self) == NULL) {
        return 1;
    }
    signal(SIGPIPE, SIG_IGN); /* a child that ends early is found by its exit status */
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("export_process", tests, NULL, NULL);
}
