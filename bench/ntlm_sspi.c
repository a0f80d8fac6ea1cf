/* NTLM of this library, and Negotiate over it, through its function table.  The acceptor finds User in the account database
 * that SSPI_CONFIG names, at every logon. */
#include "bench.h"

#define SECURITY_WIN32
#include <security.h>

static SecurityFunctionTableA *table;

static void server_account(CtxtHandle *server)
{
    (void)server;
}

#include "ntlm_table.h"

/* ---------------------------------------------------------------- SPNEGO */

/* Without this flag a client that has only NTLM sends it raw, as on Windows (docs/divergences.md). */
#define SPNEGO_FLAGS (CLIENT_FLAGS | ISC_REQ_FRAGMENT_TO_FIT)

static CredHandle negotiate_client, negotiate_server;
static ULONG client_flags;

struct token {
    BYTE data[TOKEN_SIZE];
    ULONG size;
};

static const struct token nothing;

static SECURITY_STATUS leg(bool is_client, CtxtHandle *context, bool first, const struct token *in, struct token *out)
{
    SecBuffer from = {in->size, SECBUFFER_TOKEN, (void *)(uintptr_t)in->data};
    SecBuffer to = {TOKEN_SIZE, SECBUFFER_TOKEN, out->data};
    SecBufferDesc input = {SECBUFFER_VERSION, 1, &from}, output = {SECBUFFER_VERSION, 1, &to};
    ULONG flags;
    TimeStamp expiry;
    char target[] = "host/server.example";
    SECURITY_STATUS status =
        is_client ? table->InitializeSecurityContextA(&negotiate_client, first ? NULL : context, target, client_flags,
                                                      0, SECURITY_NATIVE_DREP, first ? NULL : &input, 0, context,
                                                      &output, &flags, &expiry)
                  : table->AcceptSecurityContext(&negotiate_server, first ? NULL : context, &input, SERVER_FLAGS,
                                                 SECURITY_NATIVE_DREP, context, &output, &flags, &expiry);
    out->size = to.cbBuffer;
    return status;
}

#define LEG(expected, ...)                                                                                             \
    do {                                                                                                               \
        SECURITY_STATUS status_ = leg(__VA_ARGS__);                                                                    \
        CHECK(status_ == (expected), "SPNEGO: 0x%08x", (unsigned)status_);                                             \
    } while (0)

/* NegTokenInit with NEGOTIATE, CHALLENGE, AUTHENTICATE with the client's mechListMIC, the server's mechListMIC. */
static void negotiation(void *argument)
{
    CtxtHandle client, server;
    struct token init, challenge, authenticate, last, none;
    (void)argument;
    client_flags = SPNEGO_FLAGS;
    LEG(SEC_I_CONTINUE_NEEDED, true, &client, true, &nothing, &init);
    LEG(SEC_I_CONTINUE_NEEDED, false, &server, true, &init, &challenge);
    LEG(SEC_I_CONTINUE_NEEDED, true, &client, false, &challenge, &authenticate);
    LEG(SEC_E_OK, false, &server, false, &authenticate, &last);
    LEG(SEC_E_OK, true, &client, false, &last, &none);
    CHECK(init.data[0] == 0x60 && last.data[0] == 0xa1 && none.size == 0, "no SPNEGO was spoken");
    table->DeleteSecurityContext(&client);
    table->DeleteSecurityContext(&server);
}

/* Negotiate as it is by default with such a client: the messages of NTLM, raw. */
static void direct(void *argument)
{
    CtxtHandle client, server;
    struct token negotiate, challenge, authenticate, none;
    (void)argument;
    client_flags = CLIENT_FLAGS;
    LEG(SEC_I_CONTINUE_NEEDED, true, &client, true, &nothing, &negotiate);
    LEG(SEC_I_CONTINUE_NEEDED, false, &server, true, &negotiate, &challenge);
    LEG(SEC_E_OK, true, &client, false, &challenge, &authenticate);
    LEG(SEC_E_OK, false, &server, false, &authenticate, &none);
    CHECK(negotiate.data[0] == 'N', "NTLM was not sent raw");
    table->DeleteSecurityContext(&client);
    table->DeleteSecurityContext(&server);
}

/* A raw logon, and one signature each way: the arithmetic that SPNEGO's mechListMICs cost too. */
static void handshake_and_signatures(void *argument)
{
    CtxtHandle client, server;
    BYTE list[14] = {0}, signature[16];
    SecBuffer buffers[] = {{sizeof list, SECBUFFER_DATA, list}, {sizeof signature, SECBUFFER_TOKEN, signature}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    ULONG qop;
    (void)argument;
    SecInvalidateHandle(&client);
    SecInvalidateHandle(&server);
    log_on(&client, &server);
    STATUS_OK(table->MakeSignature(&client, 0, &message, 0), "MakeSignature, client");
    STATUS_OK(table->VerifySignature(&server, &message, 0, &qop), "VerifySignature, server");
    STATUS_OK(table->MakeSignature(&server, 0, &message, 0), "MakeSignature, server");
    STATUS_OK(table->VerifySignature(&client, &message, 0, &qop), "VerifySignature, client");
    table->DeleteSecurityContext(&client);
    table->DeleteSecurityContext(&server);
}

static void more(void)
{
    acquire_package("Negotiate", &negotiate_client, &negotiate_server);
    bench_rate("handshake.negotiate", direct, NULL);
    bench_rate("handshake.spnego", negotiation, NULL);
    bench_rate("handshake.signed", handshake_and_signatures, NULL);
    table->FreeCredentialsHandle(&negotiate_client);
    table->FreeCredentialsHandle(&negotiate_server);
}

int main(int argc, char **argv)
{
    bench_init(argc, argv, "ntlm", "sspi");
    table = InitSecurityInterfaceA();
    CHECK(table != NULL, "no table");
    ntlm_table_run(more);
    return 0;
}
