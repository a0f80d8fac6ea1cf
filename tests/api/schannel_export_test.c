/* A TLS connection that moves into another process: exported here, imported by a program that was just started and has nothing
 * of it but what came through a pipe.  This program is both: `... import` is the receiving one. */
#include "tls.h"

#include <limits.h>
#include <signal.h>

#include "support/another_process.h"

#define BLOB_MAX 8192
#define ROOM     1024

static char self[PATH_MAX];

struct letter {
    ULONG size;
    unsigned char bytes[ROOM];
};

struct parcel {
    ULONG blob_size, bindings_size;
    unsigned char blob[BLOB_MAX], bindings[128];
    struct letter pending;
};

static void letter_write(PCtxtHandle from, const char *text, struct letter *out)
{
    memset(out, 0, sizeof *out);
    out->size = tls_seal(from, text, (ULONG)strlen(text) + 1, out->bytes);
}

/* SEC_E_OK only when the text is the right one. */
static SECURITY_STATUS letter_open(PCtxtHandle to, const struct letter *letter, const char *text)
{
    struct letter copy = *letter;
    SecBuffer at[4] = {{copy.size, SECBUFFER_DATA, copy.bytes}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, at};
    SECURITY_STATUS status = DecryptMessage(to, &message, 0, NULL);
    for (size_t i = 0; status == SEC_E_OK && i < 4; i++) {
        if (at[i].BufferType == SECBUFFER_DATA && at[i].cbBuffer == strlen(text) + 1 &&
            strcmp(at[i].pvBuffer, text) == 0) {
            return SEC_E_OK;
        }
    }
    return status == SEC_E_OK ? SEC_E_INTERNAL_ERROR : status;
}

/* What the server has sent behind its handshake: tickets, under TLS 1.3. */
static void take_rest(struct tls *tls)
{
    SecBuffer at[4] = {{tls->to_client_size, SECBUFFER_DATA, tls->to_client}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, at};
    if (tls->to_client_size != 0) {
        assert_status(DecryptMessage(&tls->client, &message, 0, NULL), SEC_E_OK);
        tls->to_client_size = 0;
    }
}

static SECURITY_STATUS bindings_of(PCtxtHandle context, unsigned char *out, ULONG *size)
{
    SecPkgContext_Bindings bindings = {0};
    SECURITY_STATUS status = QueryContextAttributesA(context, SECPKG_ATTR_ENDPOINT_BINDINGS, &bindings);
    if (status == SEC_E_OK) {
        *size = bindings.BindingsLength < 128 ? bindings.BindingsLength : 128;
        memcpy(out, bindings.Bindings, *size);
        FreeContextBuffer(bindings.Bindings);
    }
    return status;
}

/* close_notify. */
static SECURITY_STATUS close_letter(PCtxtHandle context, struct letter *out)
{
    DWORD shutdown = SCHANNEL_SHUTDOWN;
    SecBuffer control = {sizeof shutdown, SECBUFFER_TOKEN, &shutdown}, token = {ROOM, SECBUFFER_TOKEN, out->bytes};
    SecBufferDesc apply = {SECBUFFER_VERSION, 1, &control}, output = {SECBUFFER_VERSION, 1, &token};
    ULONG flags = 0;
    SECURITY_STATUS status = ApplyControlToken(context, &apply);
    if (status == SEC_E_OK) {
        status = AcceptSecurityContext(NULL, context, NULL, ASC_REQ_STREAM, 0, NULL, &output, &flags, NULL);
    }
    out->size = token.cbBuffer;
    return status;
}

/* ---------------------------------------------------------------- the receiving process */

/* Each step has a number, which is the exit status when it goes wrong. */
static int receive(void)
{
    static struct parcel parcel;
    struct letter letter;
    unsigned char bindings[128];
    ULONG size = 0;
    CtxtHandle context = {0, 0};
    SecPkgContext_StreamSizes sizes = {0};
    SecPkgContext_SessionInfo session = {0};
    if (fread(&parcel, sizeof parcel, 1, stdin) != 1) {
        return 2;
    }
    SecBuffer packed = {parcel.blob_size, SECBUFFER_EMPTY, parcel.blob};
    if (ImportSecurityContextA(TLS_NAME, &packed, NULL, &context) != SEC_E_OK) {
        return 3;
    }
    memset(parcel.blob, 0, sizeof parcel.blob); /* the context keeps nothing of it */
    if (bindings_of(&context, bindings, &size) != SEC_E_OK || size != parcel.bindings_size ||
        memcmp(bindings, parcel.bindings, size) != 0) {
        return 4;
    }
    if (QueryContextAttributesA(&context, SECPKG_ATTR_STREAM_SIZES, &sizes) != SEC_E_OK ||
        sizes.cbMaximumMessage != 16384 ||
        QueryContextAttributesA(&context, SECPKG_ATTR_SESSION_INFO, &session) != SEC_E_UNSUPPORTED_FUNCTION) {
        return 5;
    }
    if (letter_open(&context, &parcel.pending, "on its way") != SEC_E_OK) {
        return 6;
    }
    letter_write(&context, "answered elsewhere", &letter);
    if (fwrite(&letter, sizeof letter, 1, stdout) != 1 || fflush(stdout) != 0 ||
        fread(&letter, sizeof letter, 1, stdin) != 1) {
        return 7;
    }
    if (letter_open(&context, &letter, "and on it goes") != SEC_E_OK || close_letter(&context, &letter) != SEC_E_OK) {
        return 8;
    }
    if (fwrite(&letter, sizeof letter, 1, stdout) != 1 || fflush(stdout) != 0) {
        return 9;
    }
    return DeleteSecurityContext(&context) == SEC_E_OK ? 0 : 10;
}

/* ---------------------------------------------------------------- the sending process */

static void get(struct child *child, struct letter *letter)
{
    assert_int_equal(fread(letter, sizeof *letter, 1, child->from), 1);
}

static void moves(DWORD protocols)
{
    static struct tls tls;
    static struct parcel parcel;
    struct child child;
    struct letter letter;
    memset(&parcel, 0, sizeof parcel);
    tls_open(&tls, "server-p256", protocols);
    take_rest(&tls);
    letter_write(&tls.client, "before", &letter); /* keys are in use, and numbers are not at their start */
    assert_status(letter_open(&tls.server, &letter, "before"), SEC_E_OK);
    letter_write(&tls.server, "before, too", &letter);
    assert_status(letter_open(&tls.client, &letter, "before, too"), SEC_E_OK);
    letter_write(&tls.client, "on its way", &parcel.pending);
    assert_status(bindings_of(&tls.server, parcel.bindings, &parcel.bindings_size), SEC_E_OK);

    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    assert_status(ExportSecurityContext(&tls.server, SECPKG_CONTEXT_EXPORT_RESET_NEW, &packed, NULL),
                  SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(ExportSecurityContext(&tls.server, 0, &packed, NULL), SEC_E_OK);
    assert_true(packed.cbBuffer <= BLOB_MAX);
    parcel.blob_size = packed.cbBuffer;
    memcpy(parcel.blob, packed.pvBuffer, packed.cbBuffer);
    FreeContextBuffer(packed.pvBuffer);

    /* The first one is at its end. */
    assert_status(letter_open(&tls.server, &parcel.pending, "on its way"), SEC_E_CONTEXT_EXPIRED);
    assert_status(ExportSecurityContext(&tls.server, 0, &packed, NULL), SEC_E_CONTEXT_EXPIRED);

    child_start(&child, self);
    put(&child, &parcel, sizeof parcel);
    get(&child, &letter);
    assert_status(letter_open(&tls.client, &letter, "answered elsewhere"), SEC_E_OK);
    letter_write(&tls.client, "and on it goes", &letter);
    put(&child, &letter, sizeof letter);
    get(&child, &letter);
    assert_status(letter_open(&tls.client, &letter, ""), SEC_I_CONTEXT_EXPIRED); /* close_notify */
    assert_int_equal(child_end(&child), 0);
    tls_close(&tls);
}

static void test_tls12(void **state)
{
    moves(SP_PROT_TLS1_2);
}

static void test_tls13(void **state)
{
    moves(SP_PROT_TLS1_3);
}

/* A program's usual way to close finds that the connection went elsewhere, at either end. */
static void closed_as_usual(struct tls *tls, bool client)
{
    static SEC_CHAR target[] = "www.example.com";
    CtxtHandle *context = client ? &tls->client : &tls->server;
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    unsigned char token[512];
    DWORD shutdown = SCHANNEL_SHUTDOWN;
    SecBuffer control = {sizeof shutdown, SECBUFFER_TOKEN, &shutdown}, out = {sizeof token, SECBUFFER_TOKEN, token};
    SecBufferDesc controls = {SECBUFFER_VERSION, 1, &control}, answer = {SECBUFFER_VERSION, 1, &out};
    ULONG attributes;
    assert_status(ExportSecurityContext(context, 0, &packed, NULL), SEC_E_OK);
    FreeContextBuffer(packed.pvBuffer);
    assert_status(ApplyControlToken(context, &controls), SEC_E_OK);
    assert_status(
        client ? InitializeSecurityContextA(&tls->client_credential, context, target, 0, 0, 0, NULL, 0, NULL, &answer,
                                            &attributes, NULL)
               : AcceptSecurityContext(&tls->server_credential, context, NULL, 0, 0, NULL, &answer, &attributes, NULL),
        SEC_E_CONTEXT_EXPIRED);
    assert_int_equal(out.cbBuffer, 0);
}

static void test_closed_as_usual(void **state)
{
    static const DWORD protocols[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};
    for (size_t i = 0; i < 4; i++) {
        static struct tls tls;
        tls_open(&tls, "server-p256", protocols[i / 2]);
        closed_as_usual(&tls, i % 2 == 0);
        tls_close(&tls);
    }
}

/* A client's end, in the same process; its first one is deleted along with the export. */
static void test_client(void **state)
{
    static const DWORD protocols[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};
    for (size_t i = 0; i < 2; i++) {
        static struct tls tls;
        SecPkgContext_ConnectionInfo before = {0}, after = {0};
        struct letter letter;
        SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
        PCCERT_CONTEXT certificate = NULL;
        tls_open(&tls, "server-p256", protocols[i]);
        assert_status(QueryContextAttributesA(&tls.client, SECPKG_ATTR_CONNECTION_INFO, &before), SEC_E_OK);
        assert_status(ExportSecurityContext(&tls.client, SECPKG_CONTEXT_EXPORT_DELETE_OLD, &packed, NULL), SEC_E_OK);
        assert_status(DeleteSecurityContext(&tls.client), SEC_E_INVALID_HANDLE);
        assert_status(ImportSecurityContextA(TLS_NAME, &packed, NULL, &tls.client), SEC_E_OK);
        assert_status(QueryContextAttributesA(&tls.client, SECPKG_ATTR_CONNECTION_INFO, &after), SEC_E_OK);
        assert_memory_equal(&before, &after, sizeof before);
        assert_status(QueryContextAttributesA(&tls.client, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &certificate), SEC_E_OK);
        PCCERT_CONTEXT expected = tls_load("server-p256");
        assert_int_equal(certificate->cbCertEncoded, expected->cbCertEncoded);
        assert_memory_equal(certificate->pbCertEncoded, expected->pbCertEncoded, expected->cbCertEncoded);
        CertFreeCertificateContext(expected);
        CertFreeCertificateContext(certificate);
        take_rest(&tls);
        for (int round = 0; round < 3; round++) {
            letter_write(&tls.client, "to and", &letter);
            assert_status(letter_open(&tls.server, &letter, "to and"), SEC_E_OK);
            letter_write(&tls.server, "fro", &letter);
            assert_status(letter_open(&tls.client, &letter, "fro"), SEC_E_OK);
        }
        FreeContextBuffer(packed.pvBuffer);
        tls_close(&tls);
    }
}

/* A server whose client has no certificate stands for nobody: there is no token to give, and the connection moves. */
static void test_no_token(void **state)
{
    static struct tls tls;
    struct letter letter;
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    HANDLE token = &tls;
    tls_open(&tls, "server-p256", SP_PROT_TLS1_3);
    take_rest(&tls);
    assert_status(ExportSecurityContext(&tls.server, SECPKG_CONTEXT_EXPORT_DELETE_OLD, &packed, &token), SEC_E_OK);
    assert_null(token);
    assert_status(ImportSecurityContextA(TLS_NAME, &packed, NULL, &tls.server), SEC_E_OK);
    letter_write(&tls.client, "to and", &letter);
    assert_status(letter_open(&tls.server, &letter, "to and"), SEC_E_OK);
    FreeContextBuffer(packed.pvBuffer);
    tls_close(&tls);
}

/* What is no whole parcel is refused wherever it is cut. */
static void test_cut(void **state)
{
    static struct tls tls;
    CtxtHandle context;
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    tls_open(&tls, "server-p256", SP_PROT_TLS1_3);
    assert_status(ExportSecurityContext(&tls.client, 0, &packed, NULL), SEC_E_OK);
    for (ULONG size = 0; size < packed.cbBuffer; size++) {
        SecBuffer cut = {size, SECBUFFER_EMPTY, packed.pvBuffer};
        assert_status(ImportSecurityContextA(TLS_NAME, &cut, NULL, &context), SEC_E_INVALID_TOKEN);
    }
    ((unsigned char *)packed.pvBuffer)[18] ^= 0xFF; /* another suite */
    assert_status(ImportSecurityContextA(TLS_NAME, &packed, NULL, &context), SEC_E_INVALID_TOKEN);
    FreeContextBuffer(packed.pvBuffer);
    tls_close(&tls);
}

/* Where OpenSSL protects the records. */
static void test_old_suites(void **state)
{
    static struct tls tls;
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    struct letter letter;
    tls_open(&tls, "server-p256", SP_PROT_TLS1_1);
    assert_status(ExportSecurityContext(&tls.client, 0, &packed, NULL), SEC_E_UNSUPPORTED_FUNCTION);
    letter_write(&tls.client, "goes on", &letter);
    assert_status(letter_open(&tls.server, &letter, "goes on"), SEC_E_OK);
    tls_close(&tls);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_as_usual), cmocka_unit_test(test_tls12), cmocka_unit_test(test_tls13),
        cmocka_unit_test(test_client),          cmocka_unit_test(test_cut),   cmocka_unit_test(test_old_suites),
        cmocka_unit_test(test_no_token),
    };
    signal(SIGPIPE, SIG_IGN);
    if (count == 2 && strcmp(arguments[1], "import") == 0) {
        return receive();
    }
    if (!tls_has_pki()) {
        return 0;
    }
    if (readlink("/proc/self/exe", self, sizeof self - 1) <= 0) {
        return 99;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("schannel_export", tests, NULL, NULL);
}
