#include "exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if __has_include(<sspi_ext.h>)
#include <sspi_ext.h>
#endif

#define PATIENCE 10 /* seconds */

bool start_sockets(void)
{
    WSADATA data;
    int error = WSAStartup(MAKEWORD(2, 2), &data);
    if (error != 0) {
        fprintf(stderr, "WSAStartup: %d\n", error);
    }
    return error == 0;
}

SOCKET connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    SOCKET connection = INVALID_SOCKET;
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        found = NULL;
    }
    for (struct addrinfo *at = found; at != NULL && connection == INVALID_SOCKET; at = at->ai_next) {
        connection = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        if (connection != INVALID_SOCKET && connect(connection, at->ai_addr, (int)at->ai_addrlen) == SOCKET_ERROR) {
            closesocket(connection);
            connection = INVALID_SOCKET;
        }
    }
    if (found != NULL) {
        freeaddrinfo(found);
    }
    if (connection == INVALID_SOCKET) {
        fprintf(stderr, "cannot connect to %s port %s\n", host, port);
    }
    return connection;
}

SOCKET listen_on(unsigned short port)
{
    SOCKADDR_IN address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof address;
    SOCKET listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener == INVALID_SOCKET || bind(listener, (SOCKADDR *)&address, sizeof address) == SOCKET_ERROR ||
        listen(listener, 16) == SOCKET_ERROR || getsockname(listener, (SOCKADDR *)&address, &size) == SOCKET_ERROR) {
        fprintf(stderr, "cannot listen: %d\n", WSAGetLastError());
        return INVALID_SOCKET;
    }
    printf("listening on 127.0.0.1 port %u\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

ULONG receive_some(SOCKET socket, void *data, ULONG room)
{
    fd_set readable;
    struct timeval patience = {PATIENCE, 0};
    FD_ZERO(&readable);
    FD_SET(socket, &readable);
    if (select((int)socket + 1, &readable, NULL, NULL, &patience) != 1) {
        return 0;
    }
    int received = (int)recv(socket, data, (int)room, 0);
    return received > 0 ? (ULONG)received : 0;
}

static bool receive_all(SOCKET socket, void *data, ULONG size)
{
    char *at = data;
    while (size > 0) {
        ULONG received = receive_some(socket, at, size);
        if (received == 0) {
            return false;
        }
        at += received;
        size -= received;
    }
    return true;
}

bool send_all(SOCKET socket, const void *data, ULONG size)
{
    const char *at = data;
    while (size > 0) {
        int sent = (int)send(socket, at, (int)size, 0);
        if (sent <= 0) {
            return false;
        }
        at += sent;
        size -= (ULONG)sent;
    }
    return true;
}

bool send_message(SOCKET socket, const void *data, ULONG size)
{
    ULONG length = htonl(size);
    return send_all(socket, &length, sizeof length) && send_all(socket, data, size);
}

bool receive_message(SOCKET socket, void *data, ULONG room, ULONG *size)
{
    ULONG length;
    if (!receive_all(socket, &length, sizeof length)) {
        return false;
    }
    length = ntohl(length);
    if (length > room || !receive_all(socket, data, length)) {
        return false;
    }
    *size = length;
    return true;
}

static unsigned char *variable(const char *name, ULONG *length)
{
    char *value = getenv(name);
    *length = value != NULL ? (ULONG)strlen(value) : 0;
    return (unsigned char *)value;
}

SECURITY_STATUS acquire_outbound(const char *package, CredHandle *credential)
{
    SEC_WINNT_AUTH_IDENTITY_A identity = {.Flags = SEC_WINNT_AUTH_IDENTITY_ANSI};
    ULONG length;
    TimeStamp expiry;
    identity.User = variable("SSPI_EXAMPLE_USER", &length);
    identity.UserLength = length;
    identity.Domain = variable("SSPI_EXAMPLE_DOMAIN", &length);
    identity.DomainLength = length;
    identity.Password = variable("SSPI_EXAMPLE_PASSWORD", &length);
    identity.PasswordLength = length;
    SECURITY_STATUS status =
        AcquireCredentialsHandleA(NULL, (char *)package, SECPKG_CRED_OUTBOUND, NULL,
                                  identity.User != NULL ? &identity : NULL, NULL, NULL, credential, &expiry);
    if (FAILED(status)) {
        print_failure("AcquireCredentialsHandle", status);
    }
    return status;
}

void print_failure(const char *call, SECURITY_STATUS status)
{
    char text[512];
#if __has_include(<sspi_ext.h>) /* which knows more than the system's text */
    const char *name = SspiExtStatusName(status);
    const char *reason = SspiExtLastReason(NULL);
    snprintf(text, sizeof text, "%s%s%s", name != NULL ? name : "", reason != NULL ? ": " : "",
             reason != NULL ? reason : "");
#else
    if (FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK, NULL,
                       (DWORD)status, 0, text, sizeof text, NULL) == 0) {
        text[0] = '\0';
    }
#endif
    fprintf(stderr, "%s: 0x%08X %s\n", call, (unsigned)status, text);
}
