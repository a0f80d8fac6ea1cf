/* The documentation's socket client: proves who its user is, and then exchanges sealed messages with the server.
 *
 *     client HOST PORT [PACKAGE [TARGET]]
 *
 * The identity is the one that `sspi logon` left (on Windows: the user's own), or SSPI_EXAMPLE_USER, SSPI_EXAMPLE_DOMAIN and
 * SSPI_EXAMPLE_PASSWORD.
 */
#include "exchange.h"

#include <stdio.h>
#include <string.h>

/* One leg: the server's token (none at first) into the next one for it.  *done: this was the last. */
static SECURITY_STATUS GenClientContext(const BYTE *in, DWORD in_size, BYTE *out, DWORD *out_size, BOOL *done,
                                        const char *target, CredHandle *credential, CtxtHandle *context)
{
    bool first = in == NULL;
    SecBuffer in_buffer = {in_size, SECBUFFER_TOKEN, (void *)in};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 1, &in_buffer};
    SecBuffer out_buffer = {*out_size, SECBUFFER_TOKEN, out};
    SecBufferDesc out_desc = {SECBUFFER_VERSION, 1, &out_buffer};
    ULONG attributes;
    TimeStamp expiry;
    SECURITY_STATUS status = InitializeSecurityContextA(
        credential, first ? NULL : context, (char *)target, ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY, 0,
        SECURITY_NATIVE_DREP, first ? NULL : &in_desc, 0, context, &out_desc, &attributes, &expiry);
    if (FAILED(status)) {
        print_failure("InitializeSecurityContext", status);
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

/* Trades tokens with the server until both sides are content. */
static bool authenticate(SOCKET connection, const char *target, CredHandle *credential, CtxtHandle *context)
{
    static BYTE in[EXCHANGE_MAX], out[EXCHANGE_MAX];
    DWORD in_size = 0;
    BOOL done = FALSE;
    for (bool first = true; !done; first = false) {
        DWORD out_size = sizeof out;
        if (!first && !receive_message(connection, in, sizeof in, &in_size)) {
            fprintf(stderr, "the server hung up: it did not accept this user\n");
            return false;
        }
        if (GenClientContext(first ? NULL : in, in_size, out, &out_size, &done, target, credential, context) !=
            SEC_E_OK) {
            return false;
        }
        if (out_size > 0 && !send_message(connection, out, out_size)) {
            return false;
        }
    }
    return true;
}

/* A sealed message from the server: the security trailer, then the text. */
static bool print_sealed(SOCKET connection, CtxtHandle *context, const SecPkgContext_Sizes *sizes)
{
    static BYTE message[EXCHANGE_MAX];
    ULONG size;
    if (!receive_message(connection, message, sizeof message, &size) || size < sizes->cbSecurityTrailer) {
        fprintf(stderr, "no message from the server\n");
        return false;
    }
    SecBuffer buffers[2] = {
        {size - sizes->cbSecurityTrailer, SECBUFFER_DATA, message + sizes->cbSecurityTrailer},
        {sizes->cbSecurityTrailer, SECBUFFER_TOKEN, message},
    };
    SecBufferDesc desc = {SECBUFFER_VERSION, 2, buffers};
    ULONG qop = 0;
    SECURITY_STATUS status = DecryptMessage(context, &desc, 0, &qop);
    if (FAILED(status)) {
        print_failure("DecryptMessage", status);
        return false;
    }
    printf("%.*s\n", (int)buffers[0].cbBuffer, (const char *)buffers[0].pvBuffer);
    return true;
}

/* The answer, sealed likewise. */
static bool thank(SOCKET connection, CtxtHandle *context, const SecPkgContext_Sizes *sizes)
{
    static const char text[] = "Thank you.";
    BYTE message[512];
    ULONG trailer = sizes->cbSecurityTrailer;
    memcpy(message + trailer, text, sizeof text - 1);
    SecBuffer buffers[2] = {
        {sizeof text - 1, SECBUFFER_DATA, message + trailer},
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

static bool converse(SOCKET connection, CtxtHandle *context)
{
    SecPkgContext_Sizes sizes;
    SECURITY_STATUS status = QueryContextAttributesA(context, SECPKG_ATTR_SIZES, &sizes);
    if (FAILED(status) || sizes.cbSecurityTrailer > 256) {
        print_failure("QueryContextAttributes", status);
        return false;
    }
    return print_sealed(connection, context, &sizes) && thank(connection, context, &sizes);
}

int main(int argc, char **argv)
{
    CredHandle credential;
    CtxtHandle context;
    if (argc < 3 || argc > 5) {
        fprintf(stderr, "usage: client HOST PORT [PACKAGE [TARGET]]\n");
        return 2;
    }
    SOCKET connection = start_sockets() ? connect_to(argv[1], argv[2]) : INVALID_SOCKET;
    if (connection == INVALID_SOCKET) {
        return 1;
    }
    if (FAILED(acquire_outbound(argc > 3 ? argv[3] : "NTLM", &credential))) {
        closesocket(connection);
        return 1;
    }
    SecInvalidateHandle(&context);
    bool good =
        authenticate(connection, argc > 4 ? argv[4] : NULL, &credential, &context) && converse(connection, &context);
    if (SecIsValidHandle(&context)) {
        DeleteSecurityContext(&context);
    }
    FreeCredentialsHandle(&credential);
    closesocket(connection);
    WSACleanup();
    return good ? 0 : 1;
}
