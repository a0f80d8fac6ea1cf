/* DIGEST-MD5 of this library through its functions, client and server in one process.  The server finds User in the account
 * database that SSPI_CONFIG names, at every logon. */
#include "bench.h"

#define SECURITY_WIN32
#include <security.h>

#define TOKEN_SIZE 4096
#define INTEGRITY  (ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT)

static CredHandle client_credential, server_credential;
static ULONG client_flags, server_flags;

static void good(SECURITY_STATUS status, SECURITY_STATUS expected, const char *what)
{
    if (status != expected) {
        bench_die("%s: 0x%08x", what, (unsigned)status);
    }
}

static void acquire(void)
{
    const char *password = getenv("BENCH_PASSWORD") != NULL ? getenv("BENCH_PASSWORD") : "Password";
    SEC_WINNT_AUTH_IDENTITY_A identity = {
        .User = (unsigned char *)(uintptr_t) "User",
        .UserLength = 4,
        .Password = (unsigned char *)(uintptr_t)password,
        .PasswordLength = (ULONG)strlen(password),
        .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
    };
    good(AcquireCredentialsHandleA(NULL, (char[]){"WDigest"}, SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL,
                                   &client_credential, NULL),
         SEC_E_OK, "client credential");
    good(AcquireCredentialsHandleA(NULL, (char[]){"WDigest"}, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL,
                                   &server_credential, NULL),
         SEC_E_OK, "server credential");
}

struct token {
    char data[TOKEN_SIZE];
    ULONG size;
};

static SECURITY_STATUS client_leg(CtxtHandle *context, bool first, const struct token *in, struct token *out)
{
    SecBuffer from = {in->size, SECBUFFER_TOKEN, (void *)(uintptr_t)in->data},
              to = {TOKEN_SIZE, SECBUFFER_TOKEN, out->data};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, &from}, output = {SECBUFFER_VERSION, 1, &to};
    ULONG flags;
    SECURITY_STATUS status =
        InitializeSecurityContextA(&client_credential, first ? NULL : context, (char[]){"host/server.bench.test"},
                                   client_flags, 0, 0, &input, 0, context, &output, &flags, NULL);
    out->size = to.cbBuffer;
    return status;
}

static SECURITY_STATUS server_leg(CtxtHandle *context, bool first, const struct token *in, struct token *out)
{
    SecBuffer from = {in->size, SECBUFFER_TOKEN, (void *)(uintptr_t)in->data},
              to = {TOKEN_SIZE, SECBUFFER_TOKEN, out->data};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, &from}, output = {SECBUFFER_VERSION, 1, &to};
    ULONG flags;
    SECURITY_STATUS status = AcceptSecurityContext(&server_credential, first ? NULL : context, &input, server_flags, 0,
                                                   context, &output, &flags, NULL);
    out->size = to.cbBuffer;
    return status;
}

static void connect_pair(CtxtHandle *client, CtxtHandle *server)
{
    struct token nothing = {.size = 0}, challenge, response, proof;
    good(server_leg(server, true, &nothing, &challenge), SEC_I_CONTINUE_NEEDED, "challenge");
    good(client_leg(client, true, &challenge, &response), SEC_I_CONTINUE_NEEDED, "response");
    good(server_leg(server, false, &response, &proof), SEC_E_OK, "verdict");
    good(client_leg(client, false, &proof, &response), SEC_E_OK, "proof");
}

static void handshake(void *argument)
{
    CtxtHandle client, server;
    (void)argument;
    connect_pair(&client, &server);
    DeleteSecurityContext(&client);
    DeleteSecurityContext(&server);
}

struct messages {
    CtxtHandle client, server;
    char *packets;
    ULONG sizes[BENCH_BATCH];
    ULONG qop;
};

#define ROOM (65536 + 64)

static void outward(void *argument, size_t size, unsigned count)
{
    struct messages *messages = argument;
    for (unsigned i = 0; i < count; i++) {
        char *at = messages->packets + (size_t)i * ROOM;
        SecBuffer buffers[] = {{(ULONG)size, SECBUFFER_DATA, at}, {24, SECBUFFER_PADDING, at + size}};
        SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
        good(EncryptMessage(&messages->client, messages->qop, &message, 0), SEC_E_OK, "EncryptMessage");
        messages->sizes[i] = (ULONG)size + buffers[1].cbBuffer;
    }
}

static void inward(void *argument, size_t size, unsigned count)
{
    struct messages *messages = argument;
    for (unsigned i = 0; i < count; i++) {
        char *at = messages->packets + (size_t)i * ROOM;
        SecBuffer buffers[] = {{messages->sizes[i], SECBUFFER_STREAM, at}, {0, SECBUFFER_DATA, NULL}};
        SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
        good(DecryptMessage(&messages->server, &message, 0, NULL), SEC_E_OK, "DecryptMessage");
        CHECK(buffers[1].cbBuffer == size, "a message of another size");
    }
}

static void layer(ULONG flags, ULONG qop, const char *out, const char *in)
{
    struct messages messages = {.qop = qop};
    client_flags = flags;
    server_flags = flags | ASC_REQ_INTEGRITY;
    connect_pair(&messages.client, &messages.server);
    messages.packets = calloc(BENCH_BATCH, ROOM);
    CHECK(messages.packets != NULL, "memory");
    bench_pair(out, in, outward, inward, &messages);
    free(messages.packets);
    DeleteSecurityContext(&messages.client);
    DeleteSecurityContext(&messages.server);
}

static void memory(void)
{
    static CtxtHandle clients[BENCH_LIVE], servers[BENCH_LIVE];
    if (!bench_wanted("mem")) {
        return;
    }
    for (int i = 0; i < BENCH_LIVE; i++) {
        connect_pair(&clients[i], &servers[i]);
    }
    double full = bench_heap();
    for (int i = 0; i < BENCH_LIVE; i++) {
        DeleteSecurityContext(&clients[i]);
    }
    double half = bench_heap();
    for (int i = 0; i < BENCH_LIVE; i++) {
        DeleteSecurityContext(&servers[i]);
    }
    double empty = bench_heap();
    bench_emit("mem.client", (full - half) / BENCH_LIVE, "B");
    bench_emit("mem.server", (half - empty) / BENCH_LIVE, "B");
}

int main(int argc, char **argv)
{
    bench_init(argc, argv, "digest", "sspi");
    acquire();
    if (strcmp(bench_mode, "control") == 0) {
        handshake(NULL);
        return 0;
    }
    bench_rate("handshake", handshake, NULL);
    memory();
    client_flags = INTEGRITY | ISC_REQ_CONFIDENTIALITY;
    server_flags = client_flags | ASC_REQ_INTEGRITY;
    bench_rate("handshake.sealing", handshake, NULL);
    layer(INTEGRITY | ISC_REQ_CONFIDENTIALITY, 0, "seal", "unseal");
    layer(INTEGRITY, SECQOP_WRAP_NO_ENCRYPT, "sign", "verify");
    return 0;
}
