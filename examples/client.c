/* A client that proves who its user is to a server and then exchanges sealed messages with it.
 *
 *     client HOST PORT [PACKAGE [TARGET]]
 *
 * The identity is the one that `sspi logon` left, or SSPI_EXAMPLE_USER, SSPI_EXAMPLE_DOMAIN and SSPI_EXAMPLE_PASSWORD.
 */
#include "exchange.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int connection = -1;
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        return -1;
    }
    for (struct addrinfo *at = found; at != NULL && connection < 0; at = at->ai_next) {
        connection = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        if (connection >= 0 && connect(connection, at->ai_addr, at->ai_addrlen) != 0) {
            close(connection);
            connection = -1;
        }
    }
    freeaddrinfo(found);
    return connection;
}

static unsigned char *text_of(const char *name, ULONG *length)
{
    char *value = getenv(name);
    *length = value != NULL ? (ULONG)strlen(value) : 0;
    return (unsigned char *)value;
}

static SECURITY_STATUS acquire(char *package, CredHandle *credential)
{
    SEC_WINNT_AUTH_IDENTITY_A identity = {.Flags = SEC_WINNT_AUTH_IDENTITY_ANSI};
    ULONG length;
    identity.User = text_of("SSPI_EXAMPLE_USER", &length);
    identity.UserLength = length;
    identity.Domain = text_of("SSPI_EXAMPLE_DOMAIN", &length);
    identity.DomainLength = length;
    identity.Password = text_of("SSPI_EXAMPLE_PASSWORD", &length);
    identity.PasswordLength = length;

    TimeStamp expiry;
    return AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_OUTBOUND, NULL,
                                     identity.User != NULL ? &identity : NULL, NULL, NULL, credential, &expiry);
}

/* Trades tokens with the server until both sides are content. */
static SECURITY_STATUS authenticate(int connection, CredHandle *credential, char *target, CtxtHandle *context)
{
    static unsigned char in[EXCHANGE_MAX];
    static unsigned char out[EXCHANGE_MAX];
    SecBuffer in_buffer = {0, SECBUFFER_TOKEN, in};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 1, &in_buffer};
    bool first = true;
    for (;;) {
        SecBuffer out_buffer = {sizeof out, SECBUFFER_TOKEN, out};
        SecBufferDesc out_desc = {SECBUFFER_VERSION, 1, &out_buffer};
        ULONG attributes;
        TimeStamp expiry;
        SECURITY_STATUS status = InitializeSecurityContextA(
            credential, first ? NULL : context, target, ISC_REQ_CONFIDENTIALITY | ISC_REQ_INTEGRITY, 0,
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
        if (out_buffer.cbBuffer > 0 && !send_message(connection, out, out_buffer.cbBuffer)) {
            return SEC_E_INTERNAL_ERROR;
        }
        if (status != SEC_I_CONTINUE_NEEDED && status != SEC_I_COMPLETE_AND_CONTINUE) {
            return SEC_E_OK;
        }
        if (!receive_message(connection, in, sizeof in, &in_buffer.cbBuffer)) {
            fprintf(stderr, "the server hung up: it did not accept this user\n");
            return SEC_E_LOGON_DENIED;
        }
        first = false;
    }
}

/* A sealed message from the server: the security trailer, then the text. */
static bool print_sealed(int connection, CtxtHandle *context)
{
    static unsigned char message[EXCHANGE_MAX];
    SecPkgContext_Sizes sizes;
    SECURITY_STATUS status = QueryContextAttributesA(context, SECPKG_ATTR_SIZES, &sizes);
    if (FAILED(status)) {
        print_failure("QueryContextAttributes", status);
        return false;
    }
    ULONG size;
    if (!receive_message(connection, message, sizeof message, &size) || size < sizes.cbSecurityTrailer) {
        fprintf(stderr, "no message from the server\n");
        return false;
    }
    SecBuffer buffers[2] = {
        {size - sizes.cbSecurityTrailer, SECBUFFER_DATA, message + sizes.cbSecurityTrailer},
        {sizes.cbSecurityTrailer, SECBUFFER_TOKEN, message},
    };
    SecBufferDesc desc = {SECBUFFER_VERSION, 2, buffers};
    status = DecryptMessage(context, &desc, 0, NULL);
    if (FAILED(status)) {
        print_failure("DecryptMessage", status);
        return false;
    }
    printf("%.*s\n", (int)buffers[0].cbBuffer, (const char *)buffers[0].pvBuffer);
    return true;
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 5) {
        fprintf(stderr, "usage: client HOST PORT [PACKAGE [TARGET]]\n");
        return 2;
    }
    int connection = connect_to(argv[1], argv[2]);
    if (connection < 0) {
        fprintf(stderr, "cannot connect to %s port %s\n", argv[1], argv[2]);
        return 1;
    }
    CredHandle credential;
    SECURITY_STATUS status = acquire(argc > 3 ? argv[3] : "NTLM", &credential);
    if (FAILED(status)) {
        print_failure("AcquireCredentialsHandle", status);
        close(connection);
        return 1;
    }
    CtxtHandle context;
    SecInvalidateHandle(&context);
    bool good = authenticate(connection, &credential, argc > 4 ? argv[4] : NULL, &context) == SEC_E_OK &&
                print_sealed(connection, &context);
    if (SecIsValidHandle(&context)) {
        DeleteSecurityContext(&context);
    }
    FreeCredentialsHandle(&credential);
    close(connection);
    return good ? 0 : 1;
}
