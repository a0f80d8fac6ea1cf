/* Kerberos through an SSPI function table: the same calls for every implementation that has one.  kerberos.py makes the realm
 * and the tickets; no KDC is asked.
 *
 * The including program has SSPI's types in scope (from this library's headers or WinPR's) and defines
 *
 *     static SecurityFunctionTableA *table;
 */
#ifndef OPENSSPI_BENCH_KERBEROS_TABLE_H
#define OPENSSPI_BENCH_KERBEROS_TABLE_H

#define TOKEN_SIZE 8192
#define FLAGS                                                                                                          \
    (ISC_REQ_MUTUAL_AUTH | ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT |                       \
     ISC_REQ_SEQUENCE_DETECT)
#define STATUS_OK(status, call) CHECK((status) == SEC_E_OK, call ": 0x%08x", (unsigned)(status))

static CredHandle client_credential, server_credential;
static const char *service;

static void acquire(const char *package)
{
    TimeStamp expiry;
    char name[16];
    snprintf(name, sizeof name, "%s", package);
    STATUS_OK(table->AcquireCredentialsHandleA(NULL, name, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL,
                                               &client_credential, &expiry),
              "AcquireCredentialsHandle, outbound");
    STATUS_OK(table->AcquireCredentialsHandleA(NULL, name, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL,
                                               &server_credential, &expiry),
              "AcquireCredentialsHandle, inbound");
}

static void release(void)
{
    table->FreeCredentialsHandle(&client_credential);
    table->FreeCredentialsHandle(&server_credential);
}

static void log_on(CtxtHandle *client, CtxtHandle *server)
{
    BYTE up[TOKEN_SIZE], down[TOKEN_SIZE], none[TOKEN_SIZE];
    SecBuffer buffer[] = {
        {TOKEN_SIZE, SECBUFFER_TOKEN, up}, {TOKEN_SIZE, SECBUFFER_TOKEN, down}, {TOKEN_SIZE, SECBUFFER_TOKEN, none}};
    SecBufferDesc message[] = {
        {SECBUFFER_VERSION, 1, &buffer[0]}, {SECBUFFER_VERSION, 1, &buffer[1]}, {SECBUFFER_VERSION, 1, &buffer[2]}};
    ULONG flags;
    TimeStamp expiry;
    char target[128];
    snprintf(target, sizeof target, "%s", service);
    SECURITY_STATUS status = table->InitializeSecurityContextA(&client_credential, NULL, target, FLAGS, 0, 0, NULL, 0,
                                                               client, &message[0], &flags, &expiry);
    CHECK(status == SEC_I_CONTINUE_NEEDED, "InitializeSecurityContext, first: 0x%08x", (unsigned)status);
    STATUS_OK(
        table->AcceptSecurityContext(&server_credential, NULL, &message[0], 0, 0, server, &message[1], &flags, &expiry),
        "AcceptSecurityContext");
    STATUS_OK(table->InitializeSecurityContextA(&client_credential, client, target, FLAGS, 0, 0, &message[1], 0, client,
                                                &message[2], &flags, &expiry),
              "InitializeSecurityContext, second");
}

static void handshake(void *argument)
{
    CtxtHandle client, server;
    (void)argument;
    log_on(&client, &server);
    table->DeleteSecurityContext(&client);
    table->DeleteSecurityContext(&server);
}

struct messages {
    CtxtHandle client, server;
    BYTE *data;
    BYTE token[BENCH_BATCH][128], padding[BENCH_BATCH][16];
    ULONG token_size[BENCH_BATCH];
    SecPkgContext_Sizes sizes;
    ULONG sent, received; /* WinPR's callers number the messages */
};

static void seal(void *argument, size_t size, unsigned count)
{
    struct messages *m = argument;
    for (unsigned i = 0; i < count; i++) {
        SecBuffer buffer[] = {{m->sizes.cbSecurityTrailer, SECBUFFER_TOKEN, m->token[i]},
                              {(ULONG)size, SECBUFFER_DATA, m->data + i * size},
                              {m->sizes.cbBlockSize, SECBUFFER_PADDING, m->padding[i]}};
        SecBufferDesc message = {SECBUFFER_VERSION, 3, buffer};
        STATUS_OK(table->EncryptMessage(&m->client, 0, &message, m->sent++), "EncryptMessage");
        m->token_size[i] = buffer[0].cbBuffer;
    }
}

static void unseal(void *argument, size_t size, unsigned count)
{
    struct messages *m = argument;
    ULONG qop = 0;
    for (unsigned i = 0; i < count; i++) {
        SecBuffer buffer[] = {{m->token_size[i], SECBUFFER_TOKEN, m->token[i]},
                              {(ULONG)size, SECBUFFER_DATA, m->data + i * size}};
        SecBufferDesc message = {SECBUFFER_VERSION, 2, buffer};
        STATUS_OK(table->DecryptMessage(&m->server, &message, m->received++, &qop), "DecryptMessage");
    }
}

static void sign(void *argument, size_t size, unsigned count)
{
    struct messages *m = argument;
    for (unsigned i = 0; i < count; i++) {
        SecBuffer buffer[] = {{sizeof m->token[i], SECBUFFER_TOKEN, m->token[i]},
                              {(ULONG)size, SECBUFFER_DATA, m->data + i * size}};
        SecBufferDesc message = {SECBUFFER_VERSION, 2, buffer};
        STATUS_OK(table->MakeSignature(&m->client, 0, &message, m->sent++), "MakeSignature");
        m->token_size[i] = buffer[0].cbBuffer;
    }
}

static void verify(void *argument, size_t size, unsigned count)
{
    struct messages *m = argument;
    ULONG qop = 0;
    for (unsigned i = 0; i < count; i++) {
        SecBuffer buffer[] = {{m->token_size[i], SECBUFFER_TOKEN, m->token[i]},
                              {(ULONG)size, SECBUFFER_DATA, m->data + i * size}};
        SecBufferDesc message = {SECBUFFER_VERSION, 2, buffer};
        STATUS_OK(table->VerifySignature(&m->server, &message, m->received++, &qop), "VerifySignature");
    }
}

static void protection(void)
{
    struct messages *m = calloc(1, sizeof *m);
    m->data = calloc(BENCH_BATCH, 4096);
    m->data = realloc(m->data, 4 * 65536 > BENCH_BATCH * 4096 ? 4 * 65536 : BENCH_BATCH * 4096);
    memset(m->data, 'x', 65536);
    log_on(&m->client, &m->server);
    STATUS_OK(table->QueryContextAttributesA(&m->client, SECPKG_ATTR_SIZES, &m->sizes), "SIZES");
    seal(m, 1024, 2);
    CHECK(memcmp(m->data, "xxxxxxxx", 8) != 0, "nothing was sealed");
    unseal(m, 1024, 2);
    CHECK(memcmp(m->data, "xxxxxxxx", 8) == 0, "not what was sealed");
    bench_pair("seal", "unseal", seal, unseal, m);
    bench_pair("sign", "verify", sign, verify, m);
    table->DeleteSecurityContext(&m->client);
    table->DeleteSecurityContext(&m->server);
    free(m->data);
    free(m);
}

static void memory(void)
{
    static CtxtHandle client[BENCH_LIVE], server[BENCH_LIVE];
    if (!bench_wanted("mem")) {
        return;
    }
    for (int i = 0; i < BENCH_LIVE; i++) { /* the tables of handles are as large as they will be */
        log_on(&client[i], &server[i]);
    }
    for (int i = 0; i < BENCH_LIVE; i++) {
        table->DeleteSecurityContext(&client[i]);
        table->DeleteSecurityContext(&server[i]);
    }
    double before = bench_heap();
    for (int i = 0; i < BENCH_LIVE; i++) {
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
    bench_emit("mem.client", (both - one) / BENCH_LIVE, "B");
    bench_emit("mem.server", (one - after) / BENCH_LIVE, "B");
    bench_emit("mem.leaked-per-pair", (after - before) / BENCH_LIVE, "B");
}

static void kerberos_table_run(void)
{
    service = getenv("BENCH_SERVICE");
    CHECK(table != NULL && service != NULL, "no table, or no BENCH_SERVICE");
    acquire("Kerberos");
    if (strcmp(bench_mode, "threads") == 0) {
        bench_threads(handshake);
    } else {
        bench_rate("context", handshake, NULL);
        protection();
        memory();
    }
    release();
    if (strcmp(bench_mode, "threads") != 0) {
        setenv("KRB5RCACHENAME", "none:", 1);
        acquire("Kerberos");
        bench_rate("no-replay-cache", handshake, NULL);
        release();
    }
}

#endif
