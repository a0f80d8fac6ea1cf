/* CredSSP of this library, through its function table, beside the two packages that it is made of: what does it cost to put them
 * together?
 *
 *   full.KIND    an exchange of CredSSP: TLS, NTLM in it, the binding both ways, a password delegated
 *   parts.KIND   a TLS handshake by Schannel, and after it a logon by Negotiate, with NTLM
 *   mem.client, .server   heap that an established, idle context holds
 *
 * In both the client verifies the server's chain and name, no session is resumed, and the server knows User by a verifier. */
#include "schannel_kinds.h"

#define SECURITY_WIN32
#include <credssp.h>
#include <schannel.h>
#include <security.h>
#include <sspi_ext.h>
#include <wincrypt.h>

static SecurityFunctionTableA *table;

struct end {
    CredHandle credential;
    CtxtHandle context;
    unsigned char in[65536], out[65536];
    size_t in_size;
    bool has_context, done;
};

/* What is shaken with: a package's two credentials. */
struct pair {
    ULONG request;
    char target[128];
    struct end client, server;
};

static const unsigned char nt_hash[16] = {0xa4, 0xf4, 0x9c, 0x40, 0x65, 0x10, 0xbd, 0xca,
                                          0xb6, 0x82, 0x4e, 0xe7, 0xc3, 0x0f, 0xd8, 0x52};

static SECURITY_STATUS SEC_ENTRY verify(void *argument, const SSPI_EXT_LOGON *logon, SSPI_EXT_LOGON_RESULT *result)
{
    return SspiExtVerifyNtHash(logon, argument, result);
}

static SEC_WINNT_AUTH_IDENTITY_A identity(void)
{
    static char user[] = "User", domain[] = "Domain", right[] = "Password";
    char *given = getenv("BENCH_PASSWORD");
    char *password = given != NULL ? given : right;
    return (SEC_WINNT_AUTH_IDENTITY_A){.User = (unsigned char *)user,
                                       .UserLength = 4,
                                       .Domain = (unsigned char *)domain,
                                       .DomainLength = 6,
                                       .Password = (unsigned char *)password,
                                       .PasswordLength = (ULONG)strlen(password),
                                       .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI};
}

static void acquire(const char *package, bool server, void *data, CredHandle *out)
{
    SECURITY_STATUS status = table->AcquireCredentialsHandleA(NULL, (char *)(uintptr_t)package,
                                                              server ? SECPKG_CRED_INBOUND : SECPKG_CRED_OUTBOUND, NULL,
                                                              data, NULL, NULL, out, NULL);
    CHECK(status == SEC_E_OK, "AcquireCredentialsHandle(%s): %08x", package, (unsigned)status);
    if (server && strcmp(package, UNISP_NAME_A) != 0) {
        CHECK(SspiExtSetVerifier(out, verify, (void *)(uintptr_t)nt_hash) == SEC_E_OK, "SspiExtSetVerifier");
    }
}

/* Credentials of Schannel alone, or of CredSSP around it. */
static void open_channel(struct pair *pair, const struct kind *kind, bool credssp)
{
    PCCERT_CONTEXT certificate = NULL;
    CHECK(SspiExtCertFromFiles(bench_path(kind->certificate, "crt"), bench_path(kind->certificate, "key"), NULL,
                               &certificate) == SEC_E_OK,
          "certificate");
    HCERTSTORE roots = CertOpenStore(CERT_STORE_PROV_FILENAME_A, X509_ASN_ENCODING, 0, CERT_STORE_READONLY_FLAG,
                                     bench_path(kind->certificate, "ca"));
    SEC_WINNT_AUTH_IDENTITY_A user = identity();
    DWORD protocols = kind->tls13 ? SP_PROT_TLS1_3 : SP_PROT_TLS1_2;
    SCHANNEL_CRED client = {.dwVersion = SCHANNEL_CRED_VERSION,
                            .hRootStore = roots,
                            .grbitEnabledProtocols = protocols & SP_PROT_TLS1_X_CLIENT,
                            .dwFlags = SCH_CRED_AUTO_CRED_VALIDATION | SCH_CRED_NO_DEFAULT_CREDS |
                                       SCH_CRED_DISABLE_RECONNECTS};
    SCHANNEL_CRED server = {.dwVersion = SCHANNEL_CRED_VERSION,
                            .cCreds = 1,
                            .paCred = &certificate,
                            .grbitEnabledProtocols = protocols & SP_PROT_TLS1_X_SERVER,
                            .dwFlags = SCH_CRED_DISABLE_RECONNECTS};
    CREDSSP_CRED client_credssp = {CredsspPasswordCreds, &client, &user};
    CREDSSP_CRED server_credssp = {CredsspPasswordCreds, &server, NULL};
    const char *package = credssp ? CREDSSP_NAME_A : UNISP_NAME_A;
    memset(pair, 0, sizeof *pair);
    acquire(package, false, credssp ? (void *)&client_credssp : &client, &pair->client.credential);
    acquire(package, true, credssp ? (void *)&server_credssp : &server, &pair->server.credential);
    pair->request = ISC_REQ_STREAM | (credssp ? ISC_REQ_DELEGATE | ISC_REQ_MUTUAL_AUTH : 0);
    snprintf(pair->target, sizeof pair->target, "%s%s", credssp ? "TERMSRV/" : "", bench_host());
    CertFreeCertificateContext(certificate);
    CertCloseStore(roots, 0);
}

static void open_session(struct pair *pair)
{
    SEC_WINNT_AUTH_IDENTITY_A user = identity();
    memset(pair, 0, sizeof *pair);
    acquire("Negotiate", false, &user, &pair->client.credential);
    acquire("Negotiate", true, NULL, &pair->server.credential);
    pair->request = ISC_REQ_MUTUAL_AUTH | ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT |
                    ISC_REQ_SEQUENCE_DETECT;
    snprintf(pair->target, sizeof pair->target, "TERMSRV/%s", bench_host());
}

static void close_credentials(struct pair *pair)
{
    table->FreeCredentialsHandle(&pair->client.credential);
    table->FreeCredentialsHandle(&pair->server.credential);
}

/* One call; what it leaves goes to the peer. */
static void step(struct pair *pair, bool server)
{
    struct end *end = server ? &pair->server : &pair->client, *peer = server ? &pair->client : &pair->server;
    SecBuffer in[2] = {{(ULONG)end->in_size, SECBUFFER_TOKEN, end->in}, {0, SECBUFFER_EMPTY, NULL}};
    SecBuffer out = {sizeof end->out, SECBUFFER_TOKEN, end->out};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 2, in}, out_desc = {SECBUFFER_VERSION, 1, &out};
    CtxtHandle *old = end->has_context ? &end->context : NULL;
    ULONG attributes;
    TimeStamp expiry;
    SECURITY_STATUS status =
        server ? table->AcceptSecurityContext(&end->credential, old, &in_desc, ASC_REQ_CONFIDENTIALITY, 0,
                                              &end->context, &out_desc, &attributes, &expiry)
               : table->InitializeSecurityContextA(&end->credential, old, pair->target, pair->request, 0, 0,
                                                   old == NULL ? NULL : &in_desc, 0, &end->context, &out_desc,
                                                   &attributes, &expiry);
    CHECK(status == SEC_E_OK || status == SEC_I_CONTINUE_NEEDED, "%s: %08x", server ? "server" : "client",
          (unsigned)status);
    end->has_context = true;
    end->done = status == SEC_E_OK;
    size_t left = in[1].BufferType == SECBUFFER_EXTRA ? in[1].cbBuffer : 0;
    memmove(end->in, end->in + end->in_size - left, left);
    end->in_size = left;
    memcpy(peer->in + peer->in_size, out.pvBuffer, out.cbBuffer);
    peer->in_size += out.cbBuffer;
}

static void open_pair(struct pair *pair)
{
    pair->client.has_context = pair->client.done = pair->server.has_context = pair->server.done = false;
    pair->client.in_size = pair->server.in_size = 0;
    step(pair, false);
    while (!pair->client.done || !pair->server.done) {
        if (!pair->server.done) {
            step(pair, true);
        }
        if (!pair->client.done) {
            step(pair, false);
        }
    }
}

static void close_pair(struct pair *pair)
{
    table->DeleteSecurityContext(&pair->client.context);
    table->DeleteSecurityContext(&pair->server.context);
}

static void exchange(void *argument)
{
    open_pair(argument);
    close_pair(argument);
}

/* Both at once live, as they are in CredSSP. */
static void parts(void *argument)
{
    struct pair **pairs = argument;
    open_pair(pairs[0]);
    open_pair(pairs[1]);
    close_pair(pairs[1]);
    close_pair(pairs[0]);
}

static void measure_memory(struct pair *pair)
{
    static CtxtHandle clients[BENCH_LIVE], servers[BENCH_LIVE];
    for (int i = 0; i < 20; i++) {
        exchange(pair);
    }
    for (int i = 0; i < BENCH_LIVE; i++) {
        open_pair(pair);
        clients[i] = pair->client.context;
        servers[i] = pair->server.context;
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
}

int main(int argc, char **argv)
{
    static struct pair credssp, channel, session;
    struct pair *both[] = {&channel, &session};
    bench_init(argc, argv, "credssp", "sspi");
    table = InitSecurityInterfaceA();
    CHECK(table != NULL, "no table");
    if (strcmp(bench_mode, "control") == 0) {
        open_channel(&credssp, &kinds[0], true);
        exchange(&credssp);
        return 0;
    }
    for (size_t i = 0; i < KINDS; i++) {
        open_channel(&credssp, &kinds[i], true);
        open_channel(&channel, &kinds[i], false);
        open_session(&session);
        bench_rate(bench_metric("full", kinds[i].name), exchange, &credssp);
        bench_rate(bench_metric("parts", kinds[i].name), parts, both);
        if (i == 0 && bench_wanted("mem")) {
            measure_memory(&credssp);
        }
        close_credentials(&credssp);
        close_credentials(&channel);
        close_credentials(&session);
    }
    return 0;
}
