/* Sessions of Digest and CredSSP that move into another process: exported here, imported by this program, which is started
 * anew as `... import` and has nothing of them but what comes through a pipe. */
#include "digest_steps.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>

#include "sspi_ext.h"
#include "support/another_process.h"
#include "support/credssp_ends.h"

#define BLOB_MAX 8192
#define ROOM     1024

enum kind { SEALS, SIGNS, STREAMS, REQUESTS };

struct letter {
    ULONG size;
    unsigned char bytes[ROOM];
};

struct parcel {
    enum kind kind;
    char package[16], name[64];
    ULONG blob_size;
    unsigned char blob[BLOB_MAX];
    struct letter pending;
};

static char self[PATH_MAX];

#define assert_status(call, expected) assert_int_equal((call), (expected))

/* ---------------------------------------------------------------- messages in one piece */

static SECURITY_STATUS letter_write(PCtxtHandle from, enum kind kind, const char *text, struct letter *out)
{
    SecPkgContext_StreamSizes sizes = {0};
    ULONG length = (ULONG)strlen(text) + 1;
    memset(out, 0, sizeof *out);
    if (kind == STREAMS) {
        SECURITY_STATUS status = QueryContextAttributesA(from, SECPKG_ATTR_STREAM_SIZES, &sizes);
        if (status != SEC_E_OK) {
            return status;
        }
    }
    unsigned char *data = out->bytes + sizes.cbHeader, *behind = data + length;
    memcpy(data, text, length);
    SecBuffer at[4] = {{sizes.cbHeader, SECBUFFER_STREAM_HEADER, out->bytes},
                       {length, SECBUFFER_DATA, data},
                       {kind == SIGNS ? 16 : 24, kind == SIGNS ? SECBUFFER_TOKEN : SECBUFFER_PADDING, behind},
                       {0, SECBUFFER_EMPTY, NULL}};
    if (kind == STREAMS) {
        at[2] = (SecBuffer){sizes.cbTrailer, SECBUFFER_STREAM_TRAILER, behind};
    }
    SecBufferDesc message = {SECBUFFER_VERSION, kind == STREAMS ? 4 : 2, kind == STREAMS ? at : at + 1};
    SECURITY_STATUS status = kind == SIGNS ? MakeSignature(from, 0, &message, 0) : EncryptMessage(from, 0, &message, 0);
    out->size = (kind == STREAMS ? at[0].cbBuffer : 0) + at[1].cbBuffer + at[2].cbBuffer;
    return status;
}

/* SEC_E_OK only when the text is the right one. */
static SECURITY_STATUS letter_open(PCtxtHandle to, enum kind kind, const struct letter *letter, const char *text)
{
    struct letter copy = *letter;
    ULONG length = (ULONG)strlen(text) + 1;
    SecBuffer at[4] = {{copy.size, kind == STREAMS ? SECBUFFER_DATA : SECBUFFER_STREAM, copy.bytes},
                       {0, kind == STREAMS ? SECBUFFER_EMPTY : SECBUFFER_DATA, NULL}};
    SecBufferDesc message = {SECBUFFER_VERSION, kind == STREAMS ? 4 : 2, at};
    if (kind == SIGNS) {
        at[0] = (SecBuffer){length, SECBUFFER_DATA, copy.bytes};
        at[1] = (SecBuffer){16, SECBUFFER_TOKEN, copy.bytes + length};
        SECURITY_STATUS status = VerifySignature(to, &message, 0, NULL);
        return status == SEC_E_OK && strcmp((const char *)copy.bytes, text) != 0 ? SEC_E_INTERNAL_ERROR : status;
    }
    ULONG qop = 0;
    SECURITY_STATUS status = DecryptMessage(to, &message, 0, &qop);
    for (size_t i = 0; status == SEC_E_OK && i < 4; i++) {
        if (at[i].BufferType == SECBUFFER_DATA && at[i].cbBuffer == length && strcmp(at[i].pvBuffer, text) == 0) {
            return SEC_E_OK;
        }
    }
    return status == SEC_E_OK ? SEC_E_INTERNAL_ERROR : status;
}

/* ---------------------------------------------------------------- the receiving process */

/* A request of a client that has moved. */
static int request(PCtxtHandle context)
{
    struct digest_message response;
    if (digest_pair_sign(context, "GET", "/dir/elsewhere.html", NULL, &response) != SEC_E_OK) {
        return 20;
    }
    return fwrite(&response, sizeof response, 1, stdout) == 1 && fflush(stdout) == 0 ? 0 : 21;
}

static int talk(PCtxtHandle context, const struct parcel *parcel)
{
    struct letter letter;
    if (letter_open(context, parcel->kind, &parcel->pending, "on its way") != SEC_E_OK) {
        return 5;
    }
    if (letter_write(context, parcel->kind, "answered elsewhere", &letter) != SEC_E_OK ||
        fwrite(&letter, sizeof letter, 1, stdout) != 1 || fflush(stdout) != 0) {
        return 6;
    }
    if (fread(&letter, sizeof letter, 1, stdin) != 1 ||
        letter_open(context, parcel->kind, &letter, "and on it goes") != SEC_E_OK) {
        return 7;
    }
    return 0;
}

/* Each step has a number, which is the exit status when it goes wrong. */
static int receive(void)
{
    static struct parcel parcel;
    CtxtHandle context = {0, 0};
    SecPkgContext_NamesA names = {NULL};
    if (fread(&parcel, sizeof parcel, 1, stdin) != 1) {
        return 2;
    }
    SecBuffer packed = {parcel.blob_size, SECBUFFER_EMPTY, parcel.blob};
    if (ImportSecurityContextA(parcel.package, &packed, NULL, &context) != SEC_E_OK) {
        return 3;
    }
    memset(parcel.blob, 0, sizeof parcel.blob); /* the context keeps nothing of it */
    if (QueryContextAttributesA(&context, SECPKG_ATTR_NAMES, &names) != SEC_E_OK ||
        strcmp(names.sUserName, parcel.name) != 0 || FreeContextBuffer(names.sUserName) != SEC_E_OK) {
        return 4;
    }
    int failed = parcel.kind == REQUESTS ? request(&context) : talk(&context, &parcel);
    return failed != 0 ? failed : DeleteSecurityContext(&context) == SEC_E_OK ? 0 : 8;
}

/* ---------------------------------------------------------------- the sending process */

static void get(struct child *child, void *out, size_t size)
{
    if (fread(out, size, 1, child->from) != 1) {
        fail_msg("the receiving process ended with %d", child_end(child));
    }
}

static void name_of(PCtxtHandle context, char name[64])
{
    SecPkgContext_NamesA names = {NULL};
    assert_status(QueryContextAttributesA(context, SECPKG_ATTR_NAMES, &names), SEC_E_OK);
    snprintf(name, 64, "%s", names.sUserName);
    FreeContextBuffer(names.sUserName);
}

static void pack(PCtxtHandle context, const char *package, ULONG flags, struct parcel *out)
{
    SecBuffer packed = {0, SECBUFFER_TOKEN, NULL};
    name_of(context, out->name);
    assert_status(ExportSecurityContext(context, SECPKG_CONTEXT_EXPORT_RESET_NEW, &packed, NULL),
                  SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(ExportSecurityContext(context, flags, &packed, NULL), SEC_E_OK);
    assert_true(packed.cbBuffer <= BLOB_MAX);
    snprintf(out->package, sizeof out->package, "%s", package);
    memcpy(out->blob, packed.pvBuffer, packed.cbBuffer);
    out->blob_size = packed.cbBuffer;
    FreeContextBuffer(packed.pvBuffer);
}

/* Messages both ways, so that nothing stands at its start; then one end leaves, with a message for it on its way. */
static void moves(PCtxtHandle leaving, PCtxtHandle staying, enum kind kind, const char *package)
{
    static struct parcel parcel;
    struct letter letter;
    struct child child;
    memset(&parcel, 0, sizeof parcel);
    parcel.kind = kind;
    for (int i = 0; i < 3; i++) {
        assert_status(letter_write(leaving, kind, "there", &letter), SEC_E_OK);
        assert_status(letter_open(staying, kind, &letter, "there"), SEC_E_OK);
        assert_status(letter_write(staying, kind, "and back again", &letter), SEC_E_OK);
        assert_status(letter_open(leaving, kind, &letter, "and back again"), SEC_E_OK);
    }
    assert_status(letter_write(staying, kind, "on its way", &parcel.pending), SEC_E_OK);
    pack(leaving, package, 0, &parcel);
    assert_true(letter_write(leaving, kind, "of a session that has ended", &letter) < 0);
    assert_true(letter_open(leaving, kind, &parcel.pending, "on its way") < 0);
    child_start(&child, self);
    put(&child, &parcel, sizeof parcel);
    get(&child, &letter, sizeof letter);
    assert_status(letter_open(staying, kind, &letter, "answered elsewhere"), SEC_E_OK);
    assert_status(letter_write(staying, kind, "and on it goes", &letter), SEC_E_OK);
    put(&child, &letter, sizeof letter);
    assert_int_equal(child_end(&child), 0);
}

/* ---------------------------------------------------------------- Digest */

static void sasl_moves(bool server)
{
    for (unsigned i = 0; i <= 5; i++) { /* each cipher, and integrity alone */
        struct digest_pair pair = {.user = NULL};
        bool seal = i < 5;
        policy.digest_ciphers = seal ? 1u << i : POLICY_DIGEST_RC4;
        digest_pair_open(&pair);
        pair.client_flags = SIGNED | (seal ? ISC_REQ_CONFIDENTIALITY : 0u);
        pair.server_flags = SIGNED | ASC_REQ_CONFIDENTIALITY | ASC_REQ_INTEGRITY;
        pair.target = "ldap/server.example.org";
        assert_status(digest_pair_handshake(&pair), SEC_E_OK);
        moves(server ? &pair.server : &pair.client, server ? &pair.client : &pair.server, seal ? SEALS : SIGNS,
              "WDigest");
        digest_pair_close(&pair);
    }
    policy.digest_ciphers = POLICY_DIGEST_RC4 | POLICY_DIGEST_3DES;
}

static void digest_server_moves(void **state)
{
    sasl_moves(true);
}

static void digest_client_moves(void **state)
{
    sasl_moves(false);
}

/* A client by HTTP goes on to make requests; a server's nonces are its process's. */
static void digest_requests_move(void **state)
{
    static struct parcel parcel;
    struct digest_pair pair = {.user = NULL};
    struct digest_message challenge, response, moved;
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    struct child child;
    memset(&parcel, 0, sizeof parcel);
    digest_pair_open(&pair);
    assert_status(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
    assert_status(ExportSecurityContext(&pair.server, 0, &packed, NULL), SEC_E_OUT_OF_SEQUENCE);
    assert_status(digest_pair_client(&pair, &challenge, &response), SEC_E_OK);
    assert_int_equal(digest_pair_server(&pair, &response, &moved), SEC_E_OK);
    assert_status(ExportSecurityContext(&pair.server, 0, &packed, NULL), SEC_E_UNSUPPORTED_FUNCTION);
    parcel.kind = REQUESTS;
    pack(&pair.client, "Digest", 0, &parcel);
    assert_status(digest_pair_sign(&pair.client, "GET", "/dir/here.html", NULL, &moved), SEC_E_OUT_OF_SEQUENCE);
    child_start(&child, self);
    put(&child, &parcel, sizeof parcel);
    get(&child, &moved, sizeof moved);
    assert_int_equal(child_end(&child), 0);
    assert_status(digest_pair_verify(&pair.server, "GET", "/dir/elsewhere.html", NULL, &moved), SEC_E_OK);
    digest_pair_close(&pair);
}

/* Without the password there is no answer to another challenge. */
static void digest_without_a_password(void **state)
{
    static struct parcel parcel;
    struct digest_pair pair = {.user = NULL};
    struct digest_message challenge, response;
    digest_pair_open(&pair);
    assert_status(digest_pair_server(&pair, NULL, &challenge), SEC_I_CONTINUE_NEEDED);
    assert_status(digest_pair_client(&pair, &challenge, &response), SEC_E_OK);
    pack(&pair.client, "WDigest", SECPKG_CONTEXT_EXPORT_DELETE_OLD, &parcel);
    assert_status(DeleteSecurityContext(&pair.client), SEC_E_INVALID_HANDLE);
    SecBuffer packed = {parcel.blob_size, SECBUFFER_EMPTY, parcel.blob};
    assert_status(ImportSecurityContextA(parcel.package, &packed, NULL, &pair.client), SEC_E_OK);
    assert_status(digest_pair_client(&pair, &challenge, &response), SEC_E_NO_CREDENTIALS);
    digest_pair_close(&pair);
}

/* ---------------------------------------------------------------- CredSSP */

static struct ends ends;

static void credssp_open(DWORD protocols)
{
    policy.kerberos_enabled = false;
    memset(&ends, 0, sizeof ends);
    assert_status(credssp_ends_acquire(&ends, protocols, NULL), SEC_E_OK);
    assert_true(ends_shake(&ends));
    assert_true(ends_message(&ends, END_SERVER, "first", 6)); /* and the tickets before it */
    assert_true(ends_message(&ends, END_CLIENT, "second", 7));
}

static void credssp_moves(void **state)
{
    static const DWORD protocols[] = {SP_PROT_TLS1_2, SP_PROT_TLS1_3};
    for (int i = 0; i < 4; i++) {
        int leaving = i & 1;
        credssp_open(protocols[i >> 1]);
        moves(&ends.contexts[leaving], &ends.contexts[1 - leaving], STREAMS, "CREDSSP");
        ends_free(&ends);
    }
}

/* What is known of the other side moves along, what the client has delegated does not. */
static void credssp_attributes(void **state)
{
    static struct parcel parcel;
    CtxtHandle moved;
    ULONG before = 0, after = 0, flags[2] = {0, 0}, moved_flags = 0;
    HANDLE token = NULL;
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    SecPkgContext_ClientCreds credentials = {0};
    SecPkgContext_PackageInfoA info = {NULL};
    credssp_open(SP_PROT_TLS1_3);
    assert_status(QueryContextAttributesA(&ends.contexts[END_CLIENT], SECPKG_ATTR_SERVER_AUTH_FLAGS, &before),
                  SEC_E_OK);
    for (int side = 0; side < 2; side++) {
        assert_status(QueryContextAttributesA(&ends.contexts[side], SECPKG_ATTR_FLAGS, &flags[side]), SEC_E_OK);
    }
    pack(&ends.contexts[END_CLIENT], "CREDSSP", SECPKG_CONTEXT_EXPORT_DELETE_OLD, &parcel);
    ends.has_context[END_CLIENT] = false;
    packed = (SecBuffer){parcel.blob_size, SECBUFFER_EMPTY, parcel.blob};
    assert_status(ImportSecurityContextA(parcel.package, &packed, NULL, &moved), SEC_E_OK);
    assert_status(QueryContextAttributesA(&moved, SECPKG_ATTR_SERVER_AUTH_FLAGS, &after), SEC_E_OK);
    assert_int_equal(after, before);
    assert_status(QueryContextAttributesA(&moved, SECPKG_ATTR_FLAGS, &moved_flags), SEC_E_OK);
    assert_int_equal(moved_flags, flags[END_CLIENT]);
    assert_status(DeleteSecurityContext(&moved), SEC_E_OK);

    packed = (SecBuffer){0, SECBUFFER_EMPTY, NULL};
    assert_status(ExportSecurityContext(&ends.contexts[END_SERVER], 0, &packed, &token), SEC_E_OK);
    assert_int_not_equal(CloseHandle(token), 0);
    assert_status(ImportSecurityContextA(parcel.package, &packed, NULL, &moved), SEC_E_OK);
    assert_status(QueryContextAttributesA(&moved, SECPKG_ATTR_CREDS_2, &credentials), SEC_E_NO_CREDENTIALS);
    assert_status(QueryContextAttributesA(&moved, SECPKG_ATTR_FLAGS, &moved_flags), SEC_E_OK);
    assert_int_equal(moved_flags, flags[END_SERVER]);
    assert_status(QueryContextAttributesA(&moved, SECPKG_ATTR_PACKAGE_INFO, &info), SEC_E_OK);
    assert_string_equal(info.PackageInfo->Name, "CREDSSP");
    FreeContextBuffer(info.PackageInfo);
    assert_status(ImpersonateSecurityContext(&moved), SEC_E_OK);
    assert_status(RevertSecurityContext(&moved), SEC_E_OK);
    assert_status(DeleteSecurityContext(&moved), SEC_E_OK);
    FreeContextBuffer(packed.pvBuffer);
    ends_free(&ends);
}

/* Programs close what they have, also when it has moved. */
static void credssp_closed_as_usual(void **state)
{
    static struct parcel parcel;
    credssp_open(SP_PROT_TLS1_3);
    for (int side = 0; side < 2; side++) {
        DWORD shutdown = SCHANNEL_SHUTDOWN;
        SecBuffer control = {sizeof shutdown, SECBUFFER_TOKEN, &shutdown};
        SecBufferDesc message = {SECBUFFER_VERSION, 1, &control};
        pack(&ends.contexts[side], "CREDSSP", 0, &parcel);
        assert_true(ApplyControlToken(&ends.contexts[side], &message) < 0);
        assert_true(ends_step(&ends, side) < 0);
        assert_int_equal(ends.size[1 - side], 0);
    }
    ends_free(&ends);
}

static void credssp_not_yet(void **state)
{
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    memset(&ends, 0, sizeof ends);
    policy.kerberos_enabled = false;
    assert_status(credssp_ends_acquire(&ends, SP_PROT_TLS1_2, NULL), SEC_E_OK);
    assert_status(ends_step(&ends, END_CLIENT), SEC_I_CONTINUE_NEEDED);
    assert_status(ExportSecurityContext(&ends.contexts[END_CLIENT], 0, &packed, NULL), SEC_E_OUT_OF_SEQUENCE);
    ends_free(&ends);
    assert_status(credssp_ends_acquire(&ends, SP_PROT_TLS1_1, NULL), SEC_E_OK); /* records that are OpenSSL's */
    assert_true(ends_shake(&ends));
    assert_status(ExportSecurityContext(&ends.contexts[END_CLIENT], 0, &packed, NULL), SEC_E_UNSUPPORTED_FUNCTION);
    assert_true(ends_message(&ends, END_CLIENT, "goes on", 8));
    assert_true(ends_message(&ends, END_SERVER, "here, too", 10));
    ends_free(&ends);
}

/* ---------------------------------------------------------------- what is no whole parcel */

/* Cut anywhere, and with a byte too many; in a block of its exact size, so that a checker of memory sees who reads behind
 * it.  Altered anywhere it is refused, or some context or other. */
static void spoil(const struct parcel *parcel)
{
    CtxtHandle context = {7, 7};
    char package[16];
    snprintf(package, sizeof package, "%s", parcel->package);
    for (ULONG size = 0; size <= parcel->blob_size + 1; size++) {
        unsigned char *exact = calloc(1, size + 1);
        memcpy(exact, parcel->blob, size < parcel->blob_size ? size : parcel->blob_size);
        SecBuffer packed = {size, SECBUFFER_EMPTY, exact};
        if (size != parcel->blob_size) {
            assert_status(ImportSecurityContextA(package, &packed, NULL, &context), SEC_E_INVALID_TOKEN);
        }
        free(exact);
    }
    assert_int_equal(context.dwLower, 7);
    for (ULONG i = 0; i < parcel->blob_size; i++) {
        static struct parcel altered;
        struct letter letter;
        altered = *parcel;
        altered.blob[i] ^= 0x41;
        SecBuffer packed = {parcel->blob_size, SECBUFFER_EMPTY, altered.blob};
        SECURITY_STATUS status = ImportSecurityContextA(package, &packed, NULL, &context);
        if (status == SEC_E_OK && i >= 12) {
            (void)letter_write(&context, parcel->kind, "from anybody", &letter);
            (void)letter_open(&context, parcel->kind, &parcel->pending, "on its way");
            assert_status(DeleteSecurityContext(&context), SEC_E_OK);
            continue;
        }
        assert_true(status == SEC_E_INVALID_TOKEN || status == SEC_E_UNSUPPORTED_FUNCTION);
    }
}

static void spoilt(void **state)
{
    static const unsigned ciphers[] = {POLICY_DIGEST_RC4, POLICY_DIGEST_3DES, 0};
    static struct parcel parcel;
    memset(&parcel, 0, sizeof parcel);
    for (size_t i = 0; i < 3; i++) {
        struct digest_pair pair = {.user = NULL};
        bool seal = ciphers[i] != 0;
        policy.digest_ciphers = seal ? ciphers[i] : POLICY_DIGEST_RC4;
        digest_pair_open(&pair);
        pair.client_flags = SIGNED | (seal ? ISC_REQ_CONFIDENTIALITY : 0u);
        pair.server_flags = SIGNED | ASC_REQ_CONFIDENTIALITY | ASC_REQ_INTEGRITY;
        pair.target = "ldap/server.example.org";
        assert_status(digest_pair_handshake(&pair), SEC_E_OK);
        parcel.kind = seal ? SEALS : SIGNS;
        assert_status(letter_write(&pair.client, parcel.kind, "on its way", &parcel.pending), SEC_E_OK);
        pack(&pair.server, "WDigest", 0, &parcel);
        spoil(&parcel);
        digest_pair_close(&pair);
    }
    policy.digest_ciphers = POLICY_DIGEST_RC4 | POLICY_DIGEST_3DES;
    credssp_open(SP_PROT_TLS1_3);
    parcel.kind = STREAMS;
    assert_status(letter_write(&ends.contexts[END_CLIENT], STREAMS, "on its way", &parcel.pending), SEC_E_OK);
    pack(&ends.contexts[END_SERVER], "CREDSSP", 0, &parcel);
    spoil(&parcel);
    ends_free(&ends);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digest_server_moves),
        cmocka_unit_test(digest_client_moves),
        cmocka_unit_test(digest_requests_move),
        cmocka_unit_test(digest_without_a_password),
        cmocka_unit_test(credssp_moves),
        cmocka_unit_test(credssp_attributes),
        cmocka_unit_test(credssp_not_yet),
        cmocka_unit_test(credssp_closed_as_usual),
        cmocka_unit_test(spoilt),
    };
    signal(SIGPIPE, SIG_IGN);
    if (count == 2 && strcmp(arguments[1], "import") == 0) {
        return receive();
    }
    if (realpath("/proc/self/exe", self) == NULL) {
        return 99;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("moved_contexts", tests, open_accounts, close_accounts);
}
