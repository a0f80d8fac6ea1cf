#include "exchange.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include <sspi_ext.h>

static bool send_all(int socket, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t sent = send(socket, at, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

bool send_message(int socket, const void *data, ULONG size)
{
    uint32_t length = htonl(size);
    return send_all(socket, &length, sizeof length) && send_all(socket, data, size);
}

bool receive_message(int socket, void *data, ULONG room, ULONG *size)
{
    uint32_t length;
    if (recv(socket, &length, sizeof length, MSG_WAITALL) != (ssize_t)sizeof length) {
        return false;
    }
    length = ntohl(length);
    if (length > room || (length > 0 && recv(socket, data, length, MSG_WAITALL) != (ssize_t)length)) {
        return false;
    }
    *size = length;
    return true;
}

void print_failure(const char *call, SECURITY_STATUS status)
{
    const char *reason = SspiExtLastReason(NULL);
    const char *name = SspiExtStatusName(status);
    fprintf(stderr, "%s: 0x%08X %s%s%s\n", call, (unsigned)status, name != NULL ? name : "", reason != NULL ? ": " : "",
            reason != NULL ? reason : "");
}
