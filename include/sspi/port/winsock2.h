/* winsock2.h of the porting kit: Winsock's names on the system's sockets.
 *
 * The functions that both have (socket, connect, send, recv, select, getaddrinfo) are the system's own.  A SOCKET is a file
 * descriptor, closed with closesocket. */
#ifndef _WINSOCK2API_
#define _WINSOCK2API_
#define _WINSOCKAPI_

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>

#include "windows.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Under -std=c11 and its like the system's headers keep to what the C standard has, and Windows' do not. */
#ifndef AI_PASSIVE
struct addrinfo {
    int ai_flags;
    int ai_family;
    int ai_socktype;
    int ai_protocol;
    socklen_t ai_addrlen;
    struct sockaddr *ai_addr;
    char *ai_canonname;
    struct addrinfo *ai_next;
};

#define AI_PASSIVE     0x0001
#define AI_CANONNAME   0x0002
#define AI_NUMERICHOST 0x0004
#define AI_V4MAPPED    0x0008
#define AI_ALL         0x0010
#define AI_ADDRCONFIG  0x0020
#define AI_NUMERICSERV 0x0400
#define EAI_BADFLAGS   (-1)
#define EAI_NONAME     (-2)
#define EAI_AGAIN      (-3)
#define EAI_FAIL       (-4)
#define EAI_FAMILY     (-6)
#define EAI_SOCKTYPE   (-7)
#define EAI_SERVICE    (-8)
#define EAI_MEMORY     (-10)
#define NI_NUMERICHOST 1
#define NI_NUMERICSERV 2
#define NI_NOFQDN      4
#define NI_NAMEREQD    8
#define NI_DGRAM       16

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result);
void freeaddrinfo(struct addrinfo *result);
const char *gai_strerror(int error);
int getnameinfo(const struct sockaddr *address, socklen_t size, char *node, socklen_t nodeSize, char *service,
                socklen_t serviceSize, int flags);
#endif

#ifndef NI_MAXHOST
#define NI_MAXHOST 1025
#define NI_MAXSERV 32
#endif

typedef int SOCKET;
#define INVALID_SOCKET ((SOCKET)-1)
#define SOCKET_ERROR   (-1)

#define SD_RECEIVE SHUT_RD
#define SD_SEND    SHUT_WR
#define SD_BOTH    SHUT_RDWR

typedef struct sockaddr SOCKADDR, *PSOCKADDR, *LPSOCKADDR;
typedef struct sockaddr_in SOCKADDR_IN, *PSOCKADDR_IN, *LPSOCKADDR_IN;
typedef struct sockaddr_in6 SOCKADDR_IN6, *PSOCKADDR_IN6, *LPSOCKADDR_IN6;
typedef struct sockaddr_storage SOCKADDR_STORAGE, *PSOCKADDR_STORAGE;
typedef struct in_addr IN_ADDR, *PIN_ADDR, *LPIN_ADDR;
typedef struct hostent HOSTENT, *PHOSTENT, *LPHOSTENT;
typedef struct addrinfo ADDRINFOA, *PADDRINFOA;
#ifndef UNICODE
typedef ADDRINFOA ADDRINFO, *LPADDRINFO;
#endif
typedef fd_set FD_SET, *PFD_SET, *LPFD_SET;
typedef struct timeval TIMEVAL, *PTIMEVAL, *LPTIMEVAL;

typedef struct WSAData {
    WORD wVersion;
    WORD wHighVersion;
    unsigned short iMaxSockets;
    unsigned short iMaxUdpDg;
    char *lpVendorInfo;
    char szDescription[257];
    char szSystemStatus[129];
} WSADATA, *LPWSADATA;

#define WSABASEERR         10000
#define WSAEINTR           10004
#define WSAEBADF           10009
#define WSAEACCES          10013
#define WSAEFAULT          10014
#define WSAEINVAL          10022
#define WSAEMFILE          10024
#define WSAEWOULDBLOCK     10035
#define WSAEINPROGRESS     10036
#define WSAEALREADY        10037
#define WSAENOTSOCK        10038
#define WSAEDESTADDRREQ    10039
#define WSAEMSGSIZE        10040
#define WSAEPROTOTYPE      10041
#define WSAENOPROTOOPT     10042
#define WSAEPROTONOSUPPORT 10043
#define WSAEOPNOTSUPP      10045
#define WSAEAFNOSUPPORT    10047
#define WSAEADDRINUSE      10048
#define WSAEADDRNOTAVAIL   10049
#define WSAENETDOWN        10050
#define WSAENETUNREACH     10051
#define WSAENETRESET       10052
#define WSAECONNABORTED    10053
#define WSAECONNRESET      10054
#define WSAENOBUFS         10055
#define WSAEISCONN         10056
#define WSAENOTCONN        10057
#define WSAESHUTDOWN       10058
#define WSAETIMEDOUT       10060
#define WSAECONNREFUSED    10061
#define WSAEHOSTDOWN       10064
#define WSAEHOSTUNREACH    10065
#define WSASYSNOTREADY     10091
#define WSAVERNOTSUPPORTED 10092
#define WSANOTINITIALISED  10093
#define WSAEDISCON         10101
#define WSAHOST_NOT_FOUND  11001
#define WSATRY_AGAIN       11002
#define WSANO_RECOVERY     11003
#define WSANO_DATA         11004

/* Also stops SIGPIPE from ending the program, unless it handles that signal itself: on Windows, sending to a peer that has
 * gone is an error and no more.  0, always. */
int WINAPI WSAStartup(WORD wVersionRequested, LPWSADATA lpWSAData);
int WINAPI WSACleanup(void);

/* The last socket call's error: errno in Winsock's numbers. */
int WINAPI WSAGetLastError(void);
void WINAPI WSASetLastError(int iError);

int WINAPI closesocket(SOCKET s);
/* FIONBIO and FIONREAD.  Windows' u_long is a ULONG, the system's is twice as wide: both are taken. */
int WINAPI ioctlsocket(SOCKET s, long cmd, ULONG *argp);

#ifdef __cplusplus
}
#endif

#ifdef __LP64__
#ifdef __cplusplus
static inline int ioctlsocket(SOCKET s, long cmd, unsigned long *argp)
{
    ULONG value = cmd == (long)FIONBIO ? (ULONG)*argp : 0;
    int result = ioctlsocket(s, cmd, &value);
    *argp = value;
    return result;
}
#else
static __inline__ int ioctlsocket_long(SOCKET s, long cmd, unsigned long *argp)
{
    ULONG value = cmd == (long)FIONBIO ? (ULONG)*argp : 0;
    int result = ioctlsocket(s, cmd, &value);
    *argp = value;
    return result;
}
#define ioctlsocket(s, cmd, argp)                                                                                      \
    (sizeof(*(argp)) == sizeof(ULONG) ? (ioctlsocket)((s), (cmd), (ULONG *)(void *)(argp))                             \
                                      : ioctlsocket_long((s), (cmd), (unsigned long *)(void *)(argp)))
#endif
#endif

#endif
