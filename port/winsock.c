/* Winsock's own functions. */
#include "port.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const struct {
    int system;
    int winsock;
} errors[] = {
    {EINTR, WSAEINTR},
    {EBADF, WSAENOTSOCK}, /* what Windows says of a descriptor that is closed */
    {EACCES, WSAEACCES},
    {EFAULT, WSAEFAULT},
    {EINVAL, WSAEINVAL},
    {EMFILE, WSAEMFILE},
    {ENFILE, WSAEMFILE},
    {EWOULDBLOCK, WSAEWOULDBLOCK},
    {EINPROGRESS, WSAEWOULDBLOCK}, /* what connect says of a socket that does not wait */
    {EALREADY, WSAEALREADY},
    {ENOTSOCK, WSAENOTSOCK},
    {EDESTADDRREQ, WSAEDESTADDRREQ},
    {EMSGSIZE, WSAEMSGSIZE},
    {EPROTOTYPE, WSAEPROTOTYPE},
    {ENOPROTOOPT, WSAENOPROTOOPT},
    {EPROTONOSUPPORT, WSAEPROTONOSUPPORT},
    {EOPNOTSUPP, WSAEOPNOTSUPP},
    {EAFNOSUPPORT, WSAEAFNOSUPPORT},
    {EADDRINUSE, WSAEADDRINUSE},
    {EADDRNOTAVAIL, WSAEADDRNOTAVAIL},
    {ENETDOWN, WSAENETDOWN},
    {ENETUNREACH, WSAENETUNREACH},
    {ENETRESET, WSAENETRESET},
    {ECONNABORTED, WSAECONNABORTED},
    {ECONNRESET, WSAECONNRESET},
    {EPIPE, WSAECONNRESET},
    {ENOBUFS, WSAENOBUFS},
    {EISCONN, WSAEISCONN},
    {ENOTCONN, WSAENOTCONN},
    {ESHUTDOWN, WSAESHUTDOWN},
    {ETIMEDOUT, WSAETIMEDOUT},
    {ECONNREFUSED, WSAECONNREFUSED},
    {EHOSTDOWN, WSAEHOSTDOWN},
    {EHOSTUNREACH, WSAEHOSTUNREACH},
};

int WINAPI WSAGetLastError(void)
{
    int error = errno;
    for (size_t i = 0; i < _countof(errors); i++) {
        if (errors[i].system == error) {
            return errors[i].winsock;
        }
    }
    return error == 0 || error > WSABASEERR ? error : WSABASEERR + error;
}

void WINAPI WSASetLastError(int iError)
{
    for (size_t i = 0; i < _countof(errors); i++) {
        if (errors[i].winsock == iError) {
            errno = errors[i].system;
            return;
        }
    }
    errno = iError;
}

int WINAPI WSAStartup(WORD wVersionRequested, LPWSADATA lpWSAData)
{
    struct sigaction pipe;
    if (sigaction(SIGPIPE, NULL, &pipe) == 0 && pipe.sa_handler == SIG_DFL) {
        pipe.sa_handler = SIG_IGN;
        (void)sigaction(SIGPIPE, &pipe, NULL);
    }
    if (lpWSAData != NULL) {
        *lpWSAData = (WSADATA){.wVersion = wVersionRequested, .wHighVersion = MAKEWORD(2, 2)};
        snprintf(lpWSAData->szDescription, sizeof lpWSAData->szDescription, "the system's sockets");
        snprintf(lpWSAData->szSystemStatus, sizeof lpWSAData->szSystemStatus, "running");
    }
    return 0;
}

int WINAPI WSACleanup(void)
{
    return 0;
}

int WINAPI closesocket(SOCKET s)
{
    return close(s);
}

int WINAPI(ioctlsocket)(SOCKET s, long cmd, ULONG *argp)
{
    int value = (int)*argp;
    int result = ioctl(s, (unsigned long)cmd, &value);
    if (result == 0 && cmd == FIONREAD) {
        *argp = (ULONG)value;
    }
    return result;
}
