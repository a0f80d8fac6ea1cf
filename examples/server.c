/* The documentation's socket server: finds out who its client is, and greets it by name in a sealed message.
 *
 *     server [PACKAGE [PORT [CLIENTS]]]
 *
 * Listens on 127.0.0.1, prints the port, and serves one client after the other, CLIENTS of them.  The accounts are those of
 * `sspi user` (on Windows: the system's).
 */
#include "exchange.h"

#include <stdio.h>
#include <stdlib.h>

/* One leg: the client's token into an answer.  *done: this was the last. */
static SECURITY_STATUS GenServerContext(BYTE *in, DWORD in_size, BYTE *out, DWORD *out_size, BOOL *done, bool first,
                                        CredHandle *credential, CtxtHandle *context)
{
    SecBuffer in_buffer = {in_size, SECBUFFER_TOKEN, in};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 1, &in_buffer};
    SecBuffer out_buffer = {*out_size, SECBUFFER_TOKEN, out};
    SecBufferDesc out_desc = {SECBUFFER_VERSION, 1, &out_buffer};
    ULONG attributes;
    TimeStamp expiry;
    SECURITY_STATUS status =
        AcceptSecurityContext(credential, first ? NULL : context, &in_desc, ASC_REQ_CONFIDENTIALITY,
                              SECURITY_NATIVE_DREP, context, &out_desc, &attributes, &expiry);
    if (FAILED(status)) {
        print_failure("AcceptSecurityContext", status);
        return status;
    }
    if (status == SEC_I_COMPLETE_NEEDED || status == SEC_I_COMPLETE_AND_CONTINUE) {
        SECURITY_STATUS completed = CompleteAuthToken(context, &out_desc);
        if (FAILED(completed)) {
            print_failure("CompleteAuthToken", completed);
            return completed;
        }
    }
    *out_size = out_buffer.cbBuffer;
    *done = status != SEC_I_CONTINUE_NEEDED && status != SEC_I_COMPLETE_AND_CONTINUE;
    return SEC_E_OK;
}

/* Trades tokens with the client until it has proved who it is, or has not. */
static bool authenticate(SOCKET connection, CredHandle *credential, CtxtHandle *context)
{
    static BYTE in[EXCHANGE_MAX], out[EXCHANGE_MAX];
    BOOL done = FALSE;
    for (bool first = true; !done; first = false) {
        DWORD in_size, out_size = sizeof out;
        if (!receive_message(connection, in, sizeof in, &in_size) ||
            GenServerContext(in, in_size, out, &out_size, &done, first, credential, context) != SEC_E_OK) {
            return false;
        }
        if (out_size > 0 && !send_message(connection, out, out_size)) {
            return false;
        }
    }
    return true;
}

/* Who the client is: what the thread's user is called while it acts for the client. */
static void client_name(CtxtHandle *context, char *out, DWORD size)
{
    ULONG length = size;
    SECURITY_STATUS status = ImpersonateSecurityContext(context);
    out[0] = '\0';
    if (FAILED(status)) {
        print_failure("ImpersonateSecurityContext", status);
        return;
    }
    if (!GetUserNameExA(NameSamCompatible, out, &length)) {
        fprintf(stderr, "GetUserNameEx: %u\n", (unsigned)GetLastError());
        out[0] = '\0';
    }
    RevertSecurityContext(context);
}

/* Seals a greeting and sends it: the security trailer, then the text. */
static bool greet(SOCKET connection, CtxtHandle *context, ULONG trailer, const char *name)
{
    static BYTE message[4096];
    char *text = (char *)message + trailer;
    int length = snprintf(text, sizeof message - trailer, "Hello %s, only you can read this.", name);
    SecBuffer buffers[2] = {
        {(ULONG)length, SECBUFFER_DATA, text},
        {trailer, SECBUFFER_TOKEN, message},
    };
    SecBufferDesc desc = {SECBUFFER_VERSION, 2, buffers};
    SECURITY_STATUS status = EncryptMessage(context, 0, &desc, 0);
    if (FAILED(status)) {
        print_failure("EncryptMessage", status);
        return false;
    }
    return send_message(connection, message, trailer + buffers[0].cbBuffer);
}

/* What the client says to that. */
static bool print_answer(SOCKET connection, CtxtHandle *context, ULONG trailer)
{
    static BYTE message[4096];
    ULONG size, qop = 0;
    if (!receive_message(connection, message, sizeof message, &size) || size < trailer) {
        return false;
    }
    SecBuffer buffers[2] = {
        {size - trailer, SECBUFFER_DATA, message + trailer},
        {trailer, SECBUFFER_TOKEN, message},
    };
    SecBufferDesc desc = {SECBUFFER_VERSION, 2, buffers};
    SECURITY_STATUS status = DecryptMessage(context, &desc, 0, &qop);
    if (FAILED(status)) {
        print_failure("DecryptMessage", status);
        return false;
    }
    printf("it says: %.*s\n", (int)buffers[0].cbBuffer, (const char *)buffers[0].pvBuffer);
    return true;
}

static void serve(SOCKET connection, CredHandle *credential)
{
    CtxtHandle context;
    SecPkgContext_Sizes sizes;
    char name[1024];
    SecInvalidateHandle(&context);
    if (!authenticate(connection, credential, &context)) {
        printf("somebody stayed outside\n");
    } else if (!FAILED(QueryContextAttributesA(&context, SECPKG_ATTR_SIZES, &sizes)) &&
               sizes.cbSecurityTrailer < 1024) {
        client_name(&context, name, sizeof name);
        printf("%s is here\n", name);
        if (greet(connection, &context, sizes.cbSecurityTrailer, name)) {
            print_answer(connection, &context, sizes.cbSecurityTrailer);
        }
    }
    fflush(stdout);
    if (SecIsValidHandle(&context)) {
        DeleteSecurityContext(&context);
    }
}

int main(int argc, char **argv)
{
    CredHandle credential;
    TimeStamp expiry;
    char ntlm[] = "NTLM";
    if (argc > 4) {
        fprintf(stderr, "usage: server [PACKAGE [PORT [CLIENTS]]]\n");
        return 2;
    }
    SECURITY_STATUS status = AcquireCredentialsHandleA(NULL, argc > 1 ? argv[1] : ntlm, SECPKG_CRED_INBOUND, NULL, NULL,
                                                       NULL, NULL, &credential, &expiry);
    if (FAILED(status)) {
        print_failure("AcquireCredentialsHandle", status);
        return 1;
    }
    SOCKET listener =
        start_sockets() ? listen_on((unsigned short)(argc > 2 ? strtoul(argv[2], NULL, 10) : 0)) : INVALID_SOCKET;
    if (listener == INVALID_SOCKET) {
        return 1;
    }
    for (unsigned long left = argc > 3 ? strtoul(argv[3], NULL, 10) : ~0UL; left > 0; left--) {
        SOCKET connection = accept(listener, NULL, NULL);
        if (connection != INVALID_SOCKET) {
            serve(connection, &credential);
            closesocket(connection);
        }
    }
    FreeCredentialsHandle(&credential);
    closesocket(listener);
    WSACleanup();
    return 0;
}
