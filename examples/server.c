/* A server that finds out who its client is, and greets it by name in a sealed message.
 *
 *     server [PACKAGE [PORT]]
 *
 * Listens on 127.0.0.1, prints the port, and serves one client after the other until it is told to end (SIGTERM, or
 * SIGINT from the keyboard).  The accounts are those of `sspi user`.
 */
#include "exchange.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int listen_on(unsigned short port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int yes = 1;
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        return -1;
    }
    printf("listening on 127.0.0.1 port %u\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

/* Trades tokens with the client until it has proved who it is, or has not. */
static SECURITY_STATUS authenticate(int connection, CredHandle *credential, CtxtHandle *context)
{
    static unsigned char in[EXCHANGE_MAX];
    static unsigned char out[EXCHANGE_MAX];
    bool first = true;
    for (;;) {
        SecBuffer in_buffer = {0, SECBUFFER_TOKEN, in};
        SecBufferDesc in_desc = {SECBUFFER_VERSION, 1, &in_buffer};
        SecBuffer out_buffer = {sizeof out, SECBUFFER_TOKEN, out};
        SecBufferDesc out_desc = {SECBUFFER_VERSION, 1, &out_buffer};
        if (!receive_message(connection, in, sizeof in, &in_buffer.cbBuffer)) {
            return SEC_E_INVALID_TOKEN;
        }
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
        if (out_buffer.cbBuffer > 0 && !send_message(connection, out, out_buffer.cbBuffer)) {
            return SEC_E_INTERNAL_ERROR;
        }
        if (status != SEC_I_CONTINUE_NEEDED && status != SEC_I_COMPLETE_AND_CONTINUE) {
            return SEC_E_OK;
        }
        first = false;
    }
}

/* Who the client is, as DOMAIN\user; empty when it cannot be told. */
static void client_name(CtxtHandle *context, char *out, size_t size)
{
    SecPkgContext_NamesA names;
    out[0] = '\0';
    if (!FAILED(QueryContextAttributesA(context, SECPKG_ATTR_NAMES, &names))) {
        snprintf(out, size, "%s", names.sUserName);
        FreeContextBuffer(names.sUserName);
    }
}

/* Seals a greeting and sends it: the security trailer, then the text. */
static bool greet(int connection, CtxtHandle *context, const char *name)
{
    SecPkgContext_Sizes sizes;
    SECURITY_STATUS status = QueryContextAttributesA(context, SECPKG_ATTR_SIZES, &sizes);
    if (FAILED(status)) {
        print_failure("QueryContextAttributes", status);
        return false;
    }
    static unsigned char message[4096];
    char *text = (char *)message + sizes.cbSecurityTrailer;
    int length = snprintf(text, sizeof message - sizes.cbSecurityTrailer, "Hello %s, only you can read this.", name);
    SecBuffer buffers[2] = {
        {(ULONG)length, SECBUFFER_DATA, text},
        {sizes.cbSecurityTrailer, SECBUFFER_TOKEN, message},
    };
    SecBufferDesc desc = {SECBUFFER_VERSION, 2, buffers};
    status = EncryptMessage(context, 0, &desc, 0);
    if (FAILED(status)) {
        print_failure("EncryptMessage", status);
        return false;
    }
    return send_message(connection, message, sizes.cbSecurityTrailer + buffers[0].cbBuffer);
}

static void wake(int signal)
{
    (void)signal;
}

/* The signal that ends the program arrives only while it waits for a client. */
static void end_politely(sigset_t *waiting)
{
    struct sigaction action = {.sa_handler = wake};
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, waiting);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static void serve(int connection, CredHandle *credential)
{
    CtxtHandle context;
    SecInvalidateHandle(&context);
    if (authenticate(connection, credential, &context) == SEC_E_OK) {
        char name[1024];
        client_name(&context, name, sizeof name);
        printf("%s is here\n", name);
        greet(connection, &context, name);
    } else {
        printf("somebody stayed outside\n");
    }
    fflush(stdout);
    if (SecIsValidHandle(&context)) {
        DeleteSecurityContext(&context);
    }
}

int main(int argc, char **argv)
{
    if (argc > 3) {
        fprintf(stderr, "usage: server [PACKAGE [PORT]]\n");
        return 2;
    }
    sigset_t waiting;
    end_politely(&waiting);
    CredHandle credential;
    TimeStamp expiry;
    SECURITY_STATUS status = AcquireCredentialsHandleA(NULL, argc > 1 ? argv[1] : "NTLM", SECPKG_CRED_INBOUND, NULL,
                                                       NULL, NULL, NULL, &credential, &expiry);
    if (FAILED(status)) {
        print_failure("AcquireCredentialsHandle", status);
        return 1;
    }
    int listener = listen_on((unsigned short)(argc > 2 ? strtoul(argv[2], NULL, 10) : 0));
    if (listener < 0) {
        perror("listen");
        return 1;
    }
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    while (ppoll(&wait, 1, NULL, &waiting) > 0) {
        int connection = accept(listener, NULL, NULL);
        if (connection >= 0) {
            struct timeval patience = {.tv_sec = 10};
            setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
            serve(connection, &credential);
            close(connection);
        }
    }
    FreeCredentialsHandle(&credential);
    close(listener);
    return 0;
}
