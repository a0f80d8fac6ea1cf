/* Exported TLS connections, spoilt on their way or made up (ImportSecurityContext).
 *
 * A blob is as secret as its connection and comes from a process that is trusted; still, what is no blob is refused, and
 * what is taken for one gives a context on which every call returns.  Promises: an untouched blob goes on where the
 * connection stood; what it says is either refused or told again by its own export.
 */
#include "fuzz/tls.h"

static SEC_CHAR package[] = "Schannel";
static const char text[] = "a record on its way";

/* One end of a connection, exported once, and a record that the other end had sent. */
struct sample {
    uint8_t blob[8192], record[256];
    size_t size, record_size;
};

static const struct sample *sample_of(bool tls13, int side)
{
    static struct sample samples[2][2];
    struct sample *sample = &samples[tls13][side];
    if (sample->size != 0) {
        return sample;
    }
    struct ends *ends = tls_ends(tls13 ? 1 : 0);
    PROMISE(ends_shake(ends));
    PROMISE(ends_message(ends, END_CLIENT, "there", 5) && ends_message(ends, END_SERVER, "and back", 8));
    PROMISE(ends_send(ends, 1 - side, text, sizeof text) == SEC_E_OK);
    PROMISE(ends->size[side] <= sizeof sample->record);
    sample->record_size = ends->size[side];
    memcpy(sample->record, ends->wire[side], sample->record_size);
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    PROMISE(ExportSecurityContext(&ends->contexts[side], 0, &packed, NULL) == SEC_E_OK);
    PROMISE(packed.cbBuffer <= sizeof sample->blob);
    sample->size = packed.cbBuffer;
    memcpy(sample->blob, packed.pvBuffer, packed.cbBuffer);
    (void)FreeContextBuffer(packed.pvBuffer);
    ends_reset(ends);
    return sample;
}

/* Every attribute that an imported connection may have. */
static void ask(CtxtHandle *context)
{
    SecPkgContext_StreamSizes sizes;
    SecPkgContext_ConnectionInfo connection;
    SecPkgContext_ConnectionInfoEx connection_ex = {.dwVersion = SECPKGCONTEXT_CONNECTION_INFO_EX_V1};
    SecPkgContext_CipherInfo cipher = {.dwVersion = SECPKGCONTEXT_CIPHERINFO_V1};
    SecPkgContext_Lifespan span;
    SecPkgContext_SessionInfo session;
    SecPkgContext_Flags flags;
    SecPkgContext_ApplicationProtocol protocol;
    SecPkgContext_KeyInfoW keys = {NULL};
    SecPkgContext_Certificates certificates = {0, 0, NULL};
    SecPkgContext_Bindings endpoint = {0, NULL}, unique = {0, NULL};
    PCCERT_CONTEXT remote = NULL, local = NULL;
    CtxtHandle *c = context;
    (void)QueryContextAttributesW(c, SECPKG_ATTR_STREAM_SIZES, &sizes);
    (void)QueryContextAttributesW(c, SECPKG_ATTR_CONNECTION_INFO, &connection);
    (void)QueryContextAttributesW(c, SECPKG_ATTR_CONNECTION_INFO_EX, &connection_ex);
    (void)QueryContextAttributesW(c, SECPKG_ATTR_CIPHER_INFO, &cipher);
    (void)QueryContextAttributesW(c, SECPKG_ATTR_LIFESPAN, &span);
    (void)QueryContextAttributesW(c, SECPKG_ATTR_SESSION_INFO, &session);
    (void)QueryContextAttributesW(c, SECPKG_ATTR_FLAGS, &flags);
    (void)QueryContextAttributesW(c, SECPKG_ATTR_APPLICATION_PROTOCOL, &protocol);
    (void)QueryContextAttributesW(c, SECPKG_ATTR_KEY_INFO, &keys);
    (void)QueryContextAttributesW(c, SECPKG_ATTR_REMOTE_CERTIFICATES, &certificates);
    (void)QueryContextAttributesW(c, SECPKG_ATTR_ENDPOINT_BINDINGS, &endpoint);
    (void)QueryContextAttributesW(c, SECPKG_ATTR_UNIQUE_BINDINGS, &unique);
    (void)QueryContextAttributesW(c, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &remote);
    (void)QueryContextAttributesW(c, SECPKG_ATTR_LOCAL_CERT_CONTEXT, &local);
    (void)CertFreeCertificateContext(remote);
    (void)CertFreeCertificateContext(local);
    void *const owned[] = {keys.sSignatureAlgorithmName, keys.sEncryptAlgorithmName, certificates.pbCertificateChain,
                           endpoint.Bindings, unique.Bindings};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) {
        PROMISE(FreeContextBuffer(owned[i]) == SEC_E_OK);
    }
}

/* DecryptMessage of one record, in memory of exactly its size; true when it is the one of the sample. */
static bool opens(CtxtHandle *context, const uint8_t *record, size_t size)
{
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    memcpy(exact, record, size);
    SecBuffer buffers[4] = {{(ULONG)size, SECBUFFER_DATA, exact},
                            {0, SECBUFFER_EMPTY, NULL},
                            {0, SECBUFFER_EMPTY, NULL},
                            {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
    bool good = DecryptMessage(context, &message, 0, NULL) == SEC_E_OK && buffers[1].cbBuffer == sizeof text &&
                memcmp(buffers[1].pvBuffer, text, sizeof text) == 0;
    free(exact);
    return good;
}

static void seal(CtxtHandle *context)
{
    uint8_t record[64 + 16 + 512] = {0};
    SecBuffer buffers[4] = {{64, SECBUFFER_STREAM_HEADER, record},
                            {16, SECBUFFER_DATA, record + 64},
                            {512, SECBUFFER_STREAM_TRAILER, record + 80},
                            {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
    (void)EncryptMessage(context, 0, &message, 0);
}

/* Exported again, it is either refused, or a blob that is taken. */
static void move_on(CtxtHandle *context)
{
    CtxtHandle again;
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    if (ExportSecurityContext(context, 0, &packed, NULL) == SEC_E_OK) {
        PROMISE(ImportSecurityContextA(package, &packed, NULL, &again) == SEC_E_OK);
        PROMISE(DeleteSecurityContext(&again) == SEC_E_OK);
        (void)FreeContextBuffer(packed.pvBuffer);
    }
}

static void close_it(CtxtHandle *context, struct ends *ends)
{
    uint8_t token[512];
    DWORD shutdown = SCHANNEL_SHUTDOWN;
    SecBuffer control = {sizeof shutdown, SECBUFFER_TOKEN, &shutdown}, out = {sizeof token, SECBUFFER_TOKEN, token};
    SecBufferDesc controls = {SECBUFFER_VERSION, 1, &control}, answer = {SECBUFFER_VERSION, 1, &out};
    ULONG flags;
    (void)ApplyControlToken(context, &controls);
    (void)InitializeSecurityContextA(&ends->credentials[END_CLIENT], context, NULL, 0, 0, 0, NULL, 0, NULL, &answer,
                                     &flags, NULL);
    out.cbBuffer = sizeof token;
    (void)AcceptSecurityContext(&ends->credentials[END_SERVER], context, NULL, 0, 0, NULL, &answer, &flags, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tape tape = {data, size};
    uint8_t how = tape_u8(&tape), blob[8192];
    const struct sample *sample = sample_of((how & 1) != 0, (how & 2) != 0 ? END_SERVER : END_CLIENT);
    size_t blob_size = sample->size;
    bool touched = true;
    if ((how & 4) != 0) {
        blob_size = tape_take(&tape, blob, sizeof blob);
    } else {
        memcpy(blob, sample->blob, blob_size);
        touched = tape_spoil(&tape, blob, &blob_size);
    }
    uint8_t *exact = malloc(blob_size == 0 ? 1 : blob_size);
    memcpy(exact, blob, blob_size);
    SecBuffer packed = {(ULONG)blob_size, SECBUFFER_EMPTY, exact};
    CtxtHandle context;
    SECURITY_STATUS status = ImportSecurityContextA(package, &packed, NULL, &context);
    free(exact); /* nothing of it is needed any more */
    PROMISE(status == SEC_E_OK || (touched && status == SEC_E_INVALID_TOKEN));
    if (status == SEC_E_OK) {
        ask(&context);
        bool opened = opens(&context, sample->record, sample->record_size);
        PROMISE(opened || touched);
        seal(&context);
        if ((how & 8) != 0) {
            move_on(&context);
        }
        (void)opens(&context, tape.data, tape.size);
        close_it(&context, tls_ends(how & 1));
        ask(&context);
        PROMISE(DeleteSecurityContext(&context) == SEC_E_OK);
    }
    return 0;
}
