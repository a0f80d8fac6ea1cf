/* DTLS as a program that uses Schannel writes it: a call's token is a datagram, and who hears nothing says his part again. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "command.h"
#include "terminal.h"
#include "tls.h"

#define DATAGRAM_MAX 65536
#define MESSAGE_MAX  1000 /* of standard input in one datagram, which then fits everywhere */
#define FIRST_WAIT   1000 /* ms, doubled with every repetition (RFC 6347 4.2.4.1) */
#define LAST_WAIT    1000 /* ms for the other side's close_notify, which may be lost */
#define CLIENT_FLAGS                                                                                                   \
    (ISC_REQ_DATAGRAM | ISC_REQ_CONFIDENTIALITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT |                    \
     ISC_REQ_EXTENDED_ERROR | ISC_REQ_ALLOCATE_MEMORY)
#define FIRST_TYPE_OF_DATA 23 /* records of lower types than this, but alerts, belong to a handshake */
#define TYPE_OF_ALERTS     21

static uint8_t room[DATAGRAM_MAX];

static int fail(struct tls *tls, SECURITY_STATUS status, const char *reason)
{
    tls->state = TLS_FAILED;
    tls->status = status;
    tls->reason = reason;
    return EXIT_NETWORK;
}

/* One call; what it says goes out. */
static SECURITY_STATUS step_once(struct tls *tls, int socket, size_t size)
{
    SecBuffer in[2] = {{(ULONG)size, SECBUFFER_TOKEN, room}, {0, SECBUFFER_EMPTY, NULL}};
    SecBuffer out = {0, SECBUFFER_TOKEN, NULL};
    SecBufferDesc in_list = {SECBUFFER_VERSION, 2, in};
    SecBufferDesc out_list = {SECBUFFER_VERSION, 1, &out};
    TimeStamp expiry;
    ULONG ask = (tls->alone ? ISC_REQ_USE_SUPPLIED_CREDS : 0) |
                (tls->credential->options->insecure ? ISC_REQ_MANUAL_CRED_VALIDATION : 0);
    SECURITY_STATUS status = InitializeSecurityContextA(
        &tls->credential->handle, tls->has_context ? &tls->context : NULL, (char *)tls->target, CLIENT_FLAGS | ask, 0,
        SECURITY_NATIVE_DREP, size != 0 ? &in_list : NULL, 0, &tls->context, &out_list, &tls->flags, &expiry);
    const char *why = status < 0 ? last_reason() : NULL;
    tls->has_context = tls->has_context || status >= 0;
    if (out.cbBuffer != 0 && out.pvBuffer != NULL && status != SEC_E_INCOMPLETE_MESSAGE) {
        tls->spoke = true;
        (void)send(socket, out.pvBuffer, out.cbBuffer, MSG_NOSIGNAL); /* who is not there will not answer */
        FreeContextBuffer(out.pvBuffer);
    }
    tls->reason = why;
    return status;
}

static SECURITY_STATUS step(struct tls *tls, int socket, size_t size)
{
    SECURITY_STATUS status = SEC_I_MESSAGE_FRAGMENT;
    tls->spoke = false;
    while (status == SEC_I_MESSAGE_FRAGMENT || (status == SEC_I_INCOMPLETE_CREDENTIALS && !tls->alone)) {
        tls->alone = tls->alone || status == SEC_I_INCOMPLETE_CREDENTIALS;
        status = step_once(tls, socket, size);
    }
    return status;
}

/* A datagram into `room`; 0: none in this time.  -1: the socket says that nobody is there. */
static ssize_t hear(int socket, int milliseconds)
{
    struct pollfd poller = {socket, POLLIN, 0};
    int ready = poll(&poller, 1, milliseconds);
    if (ready <= 0) {
        return ready < 0 && errno != EINTR ? -1 : 0;
    }
    ssize_t got = recv(socket, room, sizeof room, 0);
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : got;
}

int tls_datagram_shake(struct tls *tls, int socket, unsigned timeout)
{
    SECURITY_STATUS status = step(tls, socket, 0);
    int wait = FIRST_WAIT;
    long left = (long)timeout * 1000;
    while (status == SEC_I_CONTINUE_NEEDED || status == SEC_E_INCOMPLETE_MESSAGE) {
        ssize_t got = hear(socket, wait < left ? wait : (int)left);
        if (got < 0) {
            return fail(tls, SEC_E_INCOMPLETE_MESSAGE, "nobody is there");
        }
        if (got == 0) {
            left -= wait;
            wait *= 2;
            if (left <= 0) {
                return fail(tls, SEC_E_INCOMPLETE_MESSAGE, "the peer is silent");
            }
        }
        status = step(tls, socket, (size_t)got);
    }
    if (status == SEC_E_OK) {
        status = QueryContextAttributesA(&tls->context, SECPKG_ATTR_STREAM_SIZES, &tls->sizes);
    }
    if (status != SEC_E_OK) {
        (void)fail(tls, status, tls->reason);
        return EXIT_REFUSED;
    }
    tls->state = TLS_OPEN;
    tls->was_open = true;
    return EXIT_DONE;
}

void tls_datagram_goodbye(struct tls *tls, int socket)
{
    DWORD token = SCHANNEL_SHUTDOWN;
    SecBuffer buffer = {sizeof token, SECBUFFER_TOKEN, &token};
    SecBufferDesc list = {SECBUFFER_VERSION, 1, &buffer};
    if (!tls->said_goodbye && tls->was_open && tls->state != TLS_FAILED &&
        ApplyControlToken(&tls->context, &list) == SEC_E_OK) {
        (void)step(tls, socket, 0);
    }
    tls->said_goodbye = true;
}

/* Standard input's next bytes as a message.  False at its end. */
static bool say(struct tls *tls, int socket)
{
    uint8_t block[MESSAGE_MAX + 512];
    uint8_t *data = block + tls->sizes.cbHeader;
    ssize_t got = read(STDIN_FILENO, data, MESSAGE_MAX);
    if (got <= 0) {
        return got < 0 && (errno == EINTR || errno == EAGAIN);
    }
    SecBuffer buffers[4] = {{tls->sizes.cbHeader, SECBUFFER_STREAM_HEADER, block},
                            {(ULONG)got, SECBUFFER_DATA, data},
                            {tls->sizes.cbTrailer, SECBUFFER_STREAM_TRAILER, data + got},
                            {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc list = {SECBUFFER_VERSION, 4, buffers};
    SECURITY_STATUS status = EncryptMessage(&tls->context, 0, &list, 0);
    if (status != SEC_E_OK) {
        (void)fail(tls, status, last_reason());
        return false;
    }
    (void)send(socket, block, buffers[0].cbBuffer + buffers[1].cbBuffer + buffers[2].cbBuffer, MSG_NOSIGNAL);
    return true;
}

/* A datagram's messages go to standard output. */
static void take(struct tls *tls, int socket, size_t size)
{
    uint8_t *at = room;
    if (size != 0 && room[0] < FIRST_TYPE_OF_DATA && room[0] != TYPE_OF_ALERTS) {
        SECURITY_STATUS status = step(tls, socket, size); /* the server repeats its flight */
        if (status < 0 && status != SEC_E_INCOMPLETE_MESSAGE) {
            (void)fail(tls, status, tls->reason);
        }
        return;
    }
    while (size != 0 && tls->state == TLS_OPEN) {
        SecBuffer buffers[4] = {{(ULONG)size, SECBUFFER_DATA, at},
                                {0, SECBUFFER_EMPTY, NULL},
                                {0, SECBUFFER_EMPTY, NULL},
                                {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc list = {SECBUFFER_VERSION, 4, buffers};
        SECURITY_STATUS status = DecryptMessage(&tls->context, &list, 0, NULL);
        if (status < 0) {
            (void)fail(tls, status, last_reason());
            return;
        }
        if (buffers[1].BufferType == SECBUFFER_DATA && buffers[1].cbBuffer != 0 &&
            write(STDOUT_FILENO, buffers[1].pvBuffer, buffers[1].cbBuffer) < 0) {
            (void)fail(tls, SEC_E_INTERNAL_ERROR, "standard output takes nothing");
            return;
        }
        if (status == SEC_I_CONTEXT_EXPIRED) {
            tls->state = TLS_CLOSED;
        }
        size_t left = buffers[3].BufferType == SECBUFFER_EXTRA ? buffers[3].cbBuffer : 0;
        at += size - left;
        size = left;
    }
}

int tls_datagram_join(struct tls *tls, int socket)
{
    bool input = true;
    while (tls->state == TLS_OPEN) {
        struct pollfd pollers[2] = {{socket, POLLIN, 0}, {input ? STDIN_FILENO : -1, POLLIN, 0}};
        int ready = poll(pollers, 2, input ? -1 : LAST_WAIT);
        if (ready == 0) {
            break; /* we have said goodbye; the other's may be lost */
        }
        if (pollers[1].revents != 0) {
            input = say(tls, socket);
        }
        if (!input) {
            tls_datagram_goodbye(tls, socket);
        }
        if (tls->state == TLS_OPEN && pollers[0].revents != 0) {
            ssize_t got = hear(socket, 0);
            if (got < 0) {
                return input ? fail(tls, SEC_E_INCOMPLETE_MESSAGE, "nobody is there any more") : EXIT_DONE;
            }
            take(tls, socket, (size_t)got);
        }
    }
    tls_datagram_goodbye(tls, socket);
    return tls->state == TLS_FAILED ? EXIT_REFUSED : EXIT_DONE;
}
