/* NTLM through an SSPI function table: the same calls for every implementation that has one.
 *
 * The including program has SSPI's types in scope (from this library's headers or WinPR's) and defines
 *
 *     static SecurityFunctionTableA *table;
 *     static void server_account(CtxtHandle *server);    tell the acceptor who User is, before the last leg, where it needs
 *                                                         to be told
 */
#ifndef OPENSSPI_BENCH_NTLM_TABLE_H
#define OPENSSPI_BENCH_NTLM_TABLE_H

#define TOKEN_SIZE   4096
#define CLIENT_FLAGS (ISC_REQ_MUTUAL_AUTH | ISC_REQ_CONFIDENTIALITY | ISC_REQ_USE_SESSION_KEY)
#define SERVER_FLAGS                                                                                                   \
    (ASC_REQ_MUTUAL_AUTH | ASC_REQ_CONFIDENTIALITY | ASC_REQ_CONNECTION | ASC_REQ_USE_SESSION_KEY |                    \
     ASC_REQ_REPLAY_DETECT | ASC_REQ_SEQUENCE_DETECT)
#define STATUS_OK(status, call) CHECK((status) == SEC_E_OK, call ": 0x%08x", (unsigned)(status))

static CredHandle client_credential, server_credential;

static void acquire_package(const char *package, CredHandle *client, CredHandle *server)
{
    TimeStamp expiry;
    const char *password = getenv("BENCH_PASSWORD") != NULL ? getenv("BENCH_PASSWORD") : "Password";
    SEC_WINNT_AUTH_IDENTITY_A identity = {
        .User = (unsigned char *)(uintptr_t) "User",
        .UserLength = 4,
        .Domain = (unsigned char *)(uintptr_t) "Domain",
        .DomainLength = 6,
        .Password = (unsigned char *)(uintptr_t)password,
        .PasswordLength = (uint32_t)strlen(password),
        .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
    };
    char name[16];
    snprintf(name, sizeof name, "%s", package);
    STATUS_OK(table->AcquireCredentialsHandleA(NULL, name, SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL, client,
                                               &expiry),
              "AcquireCredentialsHandle, outbound");
    STATUS_OK(
        table->AcquireCredentialsHandleA(NULL, name, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL, server, &expiry),
        "AcquireCredentialsHandle, inbound");
}

static void acquire(void)
{
    acquire_package("NTLM", &client_credential, &server_credential);
}

static void release(void)
{
    table->FreeCredentialsHandle(&client_credential);
    table->FreeCredentialsHandle(&server_credential);
}

static void log_on(CtxtHandle *client, CtxtHandle *server)
{
    BYTE token[3][TOKEN_SIZE];
    SecBuffer buffer[3];
    SecBufferDesc message[3];
    ULONG flags;
    TimeStamp expiry;
    char target[] = "host/server";
    for (int i = 0; i < 3; i++) {
        buffer[i] = (SecBuffer){TOKEN_SIZE, SECBUFFER_TOKEN, token[i]};
        message[i] = (SecBufferDesc){SECBUFFER_VERSION, 1, &buffer[i]};
    }
    SECURITY_STATUS status =
        table->InitializeSecurityContextA(&client_credential, NULL, target, CLIENT_FLAGS, 0, SECURITY_NATIVE_DREP, NULL,
                                          0, client, &message[0], &flags, &expiry);
    CHECK(status == SEC_I_CONTINUE_NEEDED, "InitializeSecurityContext, first: 0x%08x", (unsigned)status);
    status = table->AcceptSecurityContext(&server_credential, NULL, &message[0], SERVER_FLAGS, SECURITY_NATIVE_DREP,
                                          server, &message[1], &flags, &expiry);
    CHECK(status == SEC_I_CONTINUE_NEEDED, "AcceptSecurityContext, first: 0x%08x", (unsigned)status);
    status =
        table->InitializeSecurityContextA(&client_credential, client, target, CLIENT_FLAGS, 0, SECURITY_NATIVE_DREP,
                                          &message[1], 0, client, &message[2], &flags, &expiry);
    CHECK(status == SEC_E_OK || status == SEC_I_COMPLETE_NEEDED, "InitializeSecurityContext, second: 0x%08x",
          (unsigned)status);
    server_account(server);
    buffer[1].cbBuffer = TOKEN_SIZE;
    status = table->AcceptSecurityContext(&server_credential, server, &message[2], SERVER_FLAGS, SECURITY_NATIVE_DREP,
                                          server, &message[1], &flags, &expiry);
    if (status == SEC_I_COMPLETE_NEEDED) {
        status = table->CompleteAuthToken(server, &message[1]);
    }
    STATUS_OK(status, "AcceptSecurityContext, second");
}

static void handshake(void *argument)
{
    CtxtHandle client, server;
    (void)argument;
    SecInvalidateHandle(&client);
    SecInvalidateHandle(&server);
    log_on(&client, &server);
    table->DeleteSecurityContext(&client);
    table->DeleteSecurityContext(&server);
}

__attribute__((unused)) static void handshake_credential(void *argument)
{
    release();
    acquire();
    handshake(argument);
}

/* ---------------------------------------------------------------- messages */

struct conversation {
    CtxtHandle client, server;
    ULONG sent, received;
    BYTE *data; /* BENCH_BATCH messages, changed in place */
    BYTE token[BENCH_BATCH][16];
};

#define MESSAGE(c, i, size)                                                                                            \
    SecBuffer buffers[2] = {{(uint32_t)(size), SECBUFFER_DATA, (c)->data + (size_t)(i) * (size)},                      \
                            {16, SECBUFFER_TOKEN, (c)->token[i]}};                                                     \
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers}

static void seal(void *argument, size_t size, unsigned count)
{
    struct conversation *c = argument;
    for (unsigned i = 0; i < count; i++) {
        MESSAGE(c, i, size);
        STATUS_OK(table->EncryptMessage(&c->client, 0, &message, c->sent++), "EncryptMessage");
    }
}

static void unseal(void *argument, size_t size, unsigned count)
{
    struct conversation *c = argument;
    ULONG qop;
    for (unsigned i = 0; i < count; i++) {
        MESSAGE(c, i, size);
        STATUS_OK(table->DecryptMessage(&c->server, &message, c->received++, &qop), "DecryptMessage");
    }
}

static void sign(void *argument, size_t size, unsigned count)
{
    struct conversation *c = argument;
    for (unsigned i = 0; i < count; i++) {
        MESSAGE(c, i, size);
        STATUS_OK(table->MakeSignature(&c->client, 0, &message, c->sent++), "MakeSignature");
    }
}

static void verify(void *argument, size_t size, unsigned count)
{
    struct conversation *c = argument;
    ULONG qop;
    for (unsigned i = 0; i < count; i++) {
        MESSAGE(c, i, size);
        STATUS_OK(table->VerifySignature(&c->server, &message, c->received++, &qop), "VerifySignature");
    }
}

static void conversation_begin(struct conversation *c)
{
    memset(c, 0, sizeof *c);
    SecInvalidateHandle(&c->client);
    SecInvalidateHandle(&c->server);
    log_on(&c->client, &c->server);
    c->data = malloc(BENCH_BATCH * 65536);
    CHECK(c->data != NULL, "malloc");
    memset(c->data, 'x', BENCH_BATCH * 65536);
}

static void conversation_end(struct conversation *c)
{
    table->DeleteSecurityContext(&c->client);
    table->DeleteSecurityContext(&c->server);
    free(c->data);
}

static void messages(void)
{
    static struct conversation c;
    conversation_begin(&c);
    seal(&c, 1024, 4);
    CHECK(memcmp(c.data, c.data + 1, 4095) != 0, "nothing was encrypted");
    unseal(&c, 1024, 4);
    CHECK(c.data[0] == 'x' && memcmp(c.data, c.data + 1, 4095) == 0, "what came back is not what was sealed");
    bench_pair("seal", "unseal", seal, unseal, &c);
    conversation_end(&c);

    conversation_begin(&c);
    MESSAGE(&c, 0, 64);
    SECURITY_STATUS status = table->MakeSignature(&c.client, 0, &message, 0);
    conversation_end(&c);
    if (status != SEC_E_OK) {
        bench_note("MakeSignature: 0x%08x", (unsigned)status);
        return;
    }
    conversation_begin(&c);
    bench_pair("sign", "verify", sign, verify, &c);
    conversation_end(&c);
}

static void memory(void)
{
    static CtxtHandle client[BENCH_LIVE], server[BENCH_LIVE];
    if (!bench_wanted("mem")) {
        return;
    }
    for (int round = 0; round < 2; round++) { /* the first one lets tables and caches grow */
        double before = bench_heap();
        for (int i = 0; i < BENCH_LIVE; i++) {
            SecInvalidateHandle(&client[i]);
            SecInvalidateHandle(&server[i]);
            log_on(&client[i], &server[i]);
        }
        double both = bench_heap();
        for (int i = 0; i < BENCH_LIVE; i++) {
            table->DeleteSecurityContext(&client[i]);
        }
        double one = bench_heap();
        for (int i = 0; i < BENCH_LIVE; i++) {
            table->DeleteSecurityContext(&server[i]);
        }
        double after = bench_heap();
        if (round == 1) {
            bench_emit("mem.client", (both - one) / BENCH_LIVE, "B");
            bench_emit("mem.server", (one - after) / BENCH_LIVE, "B");
            bench_emit("mem.leaked-per-pair", (after - before) / BENCH_LIVE, "B");
        }
    }
}

/* Contexts that have sealed and unsealed: whatever is made on first use of a direction is there. */
static void memory_in_use(void)
{
    static struct conversation c[BENCH_LIVE];
    static BYTE data[2][64];
    if (!bench_wanted("mem")) {
        return;
    }
    double before = bench_heap();
    for (int i = 0; i < BENCH_LIVE; i++) {
        SecInvalidateHandle(&c[i].client);
        SecInvalidateHandle(&c[i].server);
        c[i].sent = c[i].received = 0;
        log_on(&c[i].client, &c[i].server);
        c[i].data = data[0];
        seal(&c[i], 64, 1);
        unseal(&c[i], 64, 1);
        MESSAGE(&c[i], 0, 64);
        ULONG qop;
        STATUS_OK(table->EncryptMessage(&c[i].server, 0, &message, 0), "EncryptMessage, server");
        STATUS_OK(table->DecryptMessage(&c[i].client, &message, 0, &qop), "DecryptMessage, client");
    }
    double both = bench_heap();
    for (int i = 0; i < BENCH_LIVE; i++) {
        table->DeleteSecurityContext(&c[i].client);
        table->DeleteSecurityContext(&c[i].server);
    }
    bench_emit("mem.side-in-use", (both - before) / 2 / BENCH_LIVE, "B");
}

/* The modes of a table's program: everything; threads; a million logons; or one logon, which exits 1 when refused. */
static void ntlm_table_run(void (*more)(void))
{
    acquire();
    if (strcmp(bench_mode, "control") == 0) {
        handshake(NULL);
    } else if (strcmp(bench_mode, "threads") == 0) {
        bench_threads(handshake);
    } else if (strcmp(bench_mode, "million") == 0) {
        bench_million(handshake, NULL);
    } else {
        bench_rate("handshake", handshake, NULL);
        more();
        bench_rate("handshake.cred", handshake_credential, NULL);
        messages();
        memory();
        memory_in_use();
    }
    release();
}

#endif
