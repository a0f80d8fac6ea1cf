/* TLS of this library, through its function table, as a Windows program calls it: tokens in buffers of cbMaxToken,
 * records in place in one block that is header, data and trailer. */
#include "schannel_kinds.h"

#define SECURITY_WIN32
#include <schannel.h>
#include <security.h>

#include "schannel_identity.h"

static SecurityFunctionTableA *table;

struct end {
    CredHandle credential;
    CtxtHandle context;
    unsigned char in[40000], out[0x6000];
    size_t in_size;
    bool has_context, done;
};

struct pair {
    const struct kind *kind;
    bool resume;
    struct end client, server;
};

static void acquire(struct pair *pair, bool server)
{
    PCCERT_CONTEXT certificate = server ? identity_certificate(pair->kind->certificate) : NULL;
    DWORD versions = pair->kind->tls13 ? SP_PROT_TLS1_3_SERVER | SP_PROT_TLS1_3_CLIENT
                                       : SP_PROT_TLS1_2_SERVER | SP_PROT_TLS1_2_CLIENT;
    SCHANNEL_CRED cred = {
        .dwVersion = SCHANNEL_CRED_VERSION,
        .cCreds = server ? 1 : 0,
        .paCred = server ? &certificate : NULL,
        .hRootStore = server ? NULL : identity_roots(pair->kind->certificate),
        .dwFlags = (pair->resume ? 0u : (DWORD)SCH_CRED_DISABLE_RECONNECTS) |
                   (server ? 0u : (DWORD)(SCH_CRED_AUTO_CRED_VALIDATION | SCH_CRED_NO_DEFAULT_CREDS)),
    };
    cred.grbitEnabledProtocols = versions & (server ? SP_PROT_TLS1_X_SERVER : SP_PROT_TLS1_X_CLIENT);
    SECURITY_STATUS status = table->AcquireCredentialsHandleA(
        NULL, (LPSTR)(uintptr_t)UNISP_NAME_A, server ? SECPKG_CRED_INBOUND : SECPKG_CRED_OUTBOUND, NULL, &cred, NULL,
        NULL, server ? &pair->server.credential : &pair->client.credential, NULL);
    CHECK(status == SEC_E_OK, "AcquireCredentialsHandle: %08x", (unsigned)status);
}

static void open_credentials(struct pair *pair, const struct kind *kind, bool resume)
{
    memset(pair, 0, sizeof *pair);
    pair->kind = kind;
    pair->resume = resume;
    acquire(pair, false);
    acquire(pair, true);
}

static void close_credentials(struct pair *pair)
{
    table->FreeCredentialsHandle(&pair->client.credential);
    table->FreeCredentialsHandle(&pair->server.credential);
}

/* One call; what it leaves goes to the peer. */
static void step(struct end *end, struct end *peer, bool server)
{
    SecBuffer in[2] = {{(ULONG)end->in_size, SECBUFFER_TOKEN, end->in}, {0, SECBUFFER_EMPTY, NULL}};
    SecBuffer out = {sizeof end->out, SECBUFFER_TOKEN, end->out};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 2, in}, out_desc = {SECBUFFER_VERSION, 1, &out};
    CtxtHandle *old = end->has_context ? &end->context : NULL;
    ULONG attributes;
    TimeStamp expiry;
    const ULONG flags = ISC_REQ_SEQUENCE_DETECT | ISC_REQ_REPLAY_DETECT | ISC_REQ_CONFIDENTIALITY;
    SECURITY_STATUS status =
        server ? table->AcceptSecurityContext(&end->credential, old, &in_desc, flags | ASC_REQ_STREAM, 0, &end->context,
                                              &out_desc, &attributes, &expiry)
               : table->InitializeSecurityContextA(&end->credential, old, (LPSTR)(uintptr_t)bench_host(),
                                                   flags | ISC_REQ_STREAM, 0, 0, old == NULL ? NULL : &in_desc, 0,
                                                   &end->context, &out_desc, &attributes, &expiry);
    CHECK(status == SEC_E_OK || status == SEC_I_CONTINUE_NEEDED, "%s: %08x", server ? "server" : "client",
          (unsigned)status);
    end->has_context = true;
    end->done = status == SEC_E_OK;
    size_t left = in[1].BufferType == SECBUFFER_EXTRA ? in[1].cbBuffer : 0;
    memmove(end->in, end->in + end->in_size - left, left);
    end->in_size = left;
    CHECK(peer->in_size + out.cbBuffer <= sizeof peer->in, "a long flight");
    memcpy(peer->in + peer->in_size, out.pvBuffer, out.cbBuffer);
    peer->in_size += out.cbBuffer;
}

/* Tickets that came behind the handshake: records without data. */
static void absorb(struct end *end)
{
    while (end->in_size != 0) {
        SecBuffer buffers[4] = {{(ULONG)end->in_size, SECBUFFER_DATA, end->in},
                                {0, SECBUFFER_EMPTY, NULL},
                                {0, SECBUFFER_EMPTY, NULL},
                                {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc desc = {SECBUFFER_VERSION, 4, buffers};
        SECURITY_STATUS status = table->DecryptMessage(&end->context, &desc, 0, NULL);
        CHECK(status == SEC_E_OK && buffers[1].cbBuffer == 0, "a ticket: %08x", (unsigned)status);
        size_t left = buffers[3].BufferType == SECBUFFER_EXTRA ? buffers[3].cbBuffer : 0;
        memmove(end->in, end->in + end->in_size - left, left);
        end->in_size = left;
    }
}

static void open_pair(struct pair *pair)
{
    pair->client.has_context = pair->client.done = pair->server.has_context = pair->server.done = false;
    pair->client.in_size = pair->server.in_size = 0;
    step(&pair->client, &pair->server, false);
    while (!pair->client.done || !pair->server.done) {
        if (!pair->server.done) {
            step(&pair->server, &pair->client, true);
        }
        if (!pair->client.done) {
            step(&pair->client, &pair->server, false);
        }
    }
    absorb(&pair->client);
    CHECK(pair->server.in_size == 0, "bytes are left");
}

static void close_pair(struct pair *pair)
{
    table->DeleteSecurityContext(&pair->client.context);
    table->DeleteSecurityContext(&pair->server.context);
}

static void handshake(void *argument)
{
    open_pair(argument);
    close_pair(argument);
}

static void check_resumed(struct pair *pair, bool resumed)
{
    open_pair(pair);
    SecPkgContext_SessionInfo info = {0};
    SECURITY_STATUS status = table->QueryContextAttributesA(&pair->client.context, SECPKG_ATTR_SESSION_INFO, &info);
    if (status != SEC_E_UNSUPPORTED_FUNCTION) {
        CHECK(status == SEC_E_OK && ((info.dwFlags & SSL_SESSION_RECONNECT) != 0) == resumed, "%sresumed: %08x",
              resumed ? "not " : "", (unsigned)status);
    }
    close_pair(pair);
}

/* ---------------------------------------------------------------- records */

struct records {
    struct pair pair;
    SecPkgContext_StreamSizes sizes;
    unsigned char plain[16384];
    unsigned char *wire; /* places of size + RECORD_ROOM: a block as the documentation's programs have it */
    ULONG size[BENCH_BATCH];
    const unsigned char *last;
};

static void seal(void *argument, size_t size, unsigned count)
{
    struct records *records = argument;
    const SecPkgContext_StreamSizes *sizes = &records->sizes;
    for (unsigned i = 0; i < count; i++) {
        unsigned char *block = records->wire + i * (size + RECORD_ROOM);
        memcpy(block + sizes->cbHeader, records->plain, size);
        SecBuffer buffers[4] = {{sizes->cbHeader, SECBUFFER_STREAM_HEADER, block},
                                {(ULONG)size, SECBUFFER_DATA, block + sizes->cbHeader},
                                {sizes->cbTrailer, SECBUFFER_STREAM_TRAILER, block + sizes->cbHeader + size},
                                {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc desc = {SECBUFFER_VERSION, 4, buffers};
        CHECK(table->EncryptMessage(&records->pair.client.context, 0, &desc, 0) == SEC_E_OK, "EncryptMessage");
        records->size[i] = buffers[0].cbBuffer + buffers[1].cbBuffer + buffers[2].cbBuffer;
    }
}

static void unseal(void *argument, size_t size, unsigned count)
{
    struct records *records = argument;
    for (unsigned i = 0; i < count; i++) {
        SecBuffer buffers[4] = {{records->size[i], SECBUFFER_DATA, records->wire + i * (size + RECORD_ROOM)},
                                {0, SECBUFFER_EMPTY, NULL},
                                {0, SECBUFFER_EMPTY, NULL},
                                {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc desc = {SECBUFFER_VERSION, 4, buffers};
        CHECK(table->DecryptMessage(&records->pair.server.context, &desc, 0, NULL) == SEC_E_OK, "DecryptMessage");
        CHECK(buffers[1].BufferType == SECBUFFER_DATA && buffers[1].cbBuffer == size, "another size");
        records->last = buffers[1].pvBuffer;
    }
}

static void measure_records(const struct kind *kind)
{
    struct records *records = calloc(1, sizeof *records);
    records->wire = malloc(BENCH_BATCH * (16384 + RECORD_ROOM));
    memset(records->plain, 'x', sizeof records->plain);
    open_credentials(&records->pair, kind, false);
    open_pair(&records->pair);
    SECURITY_STATUS status =
        table->QueryContextAttributesA(&records->pair.client.context, SECPKG_ATTR_STREAM_SIZES, &records->sizes);
    if (status == SEC_E_UNSUPPORTED_FUNCTION) {
        records->sizes = (SecPkgContext_StreamSizes){kind->tls13 ? 5 : 13, kind->tls13 ? 44 : 16, 16384, 4, 16};
        status = SEC_E_OK;
    }
    CHECK(status == SEC_E_OK, "STREAM_SIZES: %08x", (unsigned)status);
    bench_pair(bench_metric("seal", kind->name), bench_metric("unseal", kind->name), seal, unseal, records);
    CHECK(records->last == NULL || memcmp(records->plain, records->last, 64) == 0, "not what was sent");
    close_pair(&records->pair);
    close_credentials(&records->pair);
    free(records->wire);
    free(records);
}

static void measure_memory(const struct kind *kind)
{
    static struct pair pair;
    static CtxtHandle clients[BENCH_LIVE], servers[BENCH_LIVE];
    open_credentials(&pair, kind, false);
    for (int i = 0; i < 20; i++) {
        handshake(&pair);
    }
    for (int i = 0; i < BENCH_LIVE; i++) {
        open_pair(&pair);
        clients[i] = pair.client.context;
        servers[i] = pair.server.context;
    }
    double before = bench_heap();
    for (int i = 0; i < BENCH_LIVE; i++) {
        table->DeleteSecurityContext(&clients[i]);
    }
    double between = bench_heap();
    for (int i = 0; i < BENCH_LIVE; i++) {
        table->DeleteSecurityContext(&servers[i]);
    }
    bench_emit("mem.client", (before - between) / BENCH_LIVE, "B");
    bench_emit("mem.server", (between - bench_heap()) / BENCH_LIVE, "B");
    close_credentials(&pair);
}

int main(int argc, char **argv)
{
    bench_init(argc, argv, "schannel", "sspi");
    bench_largest = 16384;
    table = InitSecurityInterfaceA();
    CHECK(table != NULL, "no table");
    static struct pair pair;
    if (strcmp(bench_mode, "control") == 0) {
        open_credentials(&pair, &kinds[0], false);
        handshake(&pair);
        return 0;
    }
    for (size_t i = 0; i < KINDS; i++) {
        open_credentials(&pair, &kinds[i], false);
        check_resumed(&pair, false);
        check_resumed(&pair, false);
        bench_rate(bench_metric("full", kinds[i].name), handshake, &pair);
        close_credentials(&pair);
        open_credentials(&pair, &kinds[i], true);
        handshake(&pair);
        check_resumed(&pair, true);
        bench_rate(bench_metric("resumed", kinds[i].name), handshake, &pair);
        close_credentials(&pair);
    }
    for (size_t i = 0; i < RECORD_KINDS; i++) {
        measure_records(&record_kinds[i]);
    }
    if (bench_wanted("mem")) {
        measure_memory(&kinds[0]);
    }
    return 0;
}
