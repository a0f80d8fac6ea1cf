#include "tls_session.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define USUAL        (ISC_REQ_SEQUENCE_DETECT | ISC_REQ_REPLAY_DETECT | ISC_REQ_CONFIDENTIALITY | ISC_REQ_ALLOCATE_MEMORY)
#define HEADER_ROOM  64
#define TRAILER_ROOM 256

#define DTLS_CHANGE_CIPHER_SPEC 20
#define DTLS_HANDSHAKE          22

void session_fatal(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("fatal ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    exit(2);
}

const char *session_status(SECURITY_STATUS status)
{
    static char number[16];
    const char *name = SspiExtStatusName(status);
    snprintf(number, sizeof number, "%08x", (unsigned)status);
    return name != NULL ? name : number;
}

/* ---------------------------------------------------------------- the socket */

static void put(struct session *session, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size != 0) {
        ssize_t sent = send(session->socket, at, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return; /* whoever reads next will see it */
        }
        at += sent;
        size -= (size_t)sent;
    }
}

enum arrival { ARRIVED, ARRIVED_NOTHING, ARRIVED_END };

/* More bytes, or for DTLS another datagram; ARRIVED_NOTHING when it is time to repeat a flight. */
static enum arrival get(struct session *session)
{
    bool datagram = session->options->datagram;
    struct pollfd one = {.fd = session->socket, .events = POLLIN};
    int patience = datagram ? SESSION_REPEAT << (session->silent < 4 ? session->silent : 4) : SESSION_LIMIT * 1000;
    if (poll(&one, 1, patience) == 0) {
        session->silent++;
        return datagram && session->silent < SESSION_SILENCE ? ARRIVED_NOTHING : ARRIVED_END;
    }
    session->silent = 0;
    size_t at = datagram ? 0 : session->in_size;
    if (at == sizeof session->in) {
        session_fatal("a record larger than the buffer");
    }
    ssize_t got = recv(session->socket, session->in + at, sizeof session->in - at, 0);
    if (got < 0 && (errno == EINTR || (datagram && errno == ECONNREFUSED))) {
        return ARRIVED_NOTHING;
    }
    if (got <= 0) {
        session->end = true;
        return ARRIVED_END;
    }
    session->in_size = at + (size_t)got;
    return ARRIVED;
}

static void keep_last(struct session *session, size_t left)
{
    memmove(session->in, session->in + session->in_size - left, left);
    session->in_size = left;
}

/* ---------------------------------------------------------------- steps */

static SECURITY_STATUS call(struct session *session, SecBufferDesc *in, SecBufferDesc *out)
{
    const struct session_options *options = session->options;
    CtxtHandle *old = session->has_context ? &session->context : NULL;
    ULONG kind = options->datagram ? ISC_REQ_DATAGRAM : ISC_REQ_STREAM;
    ULONG server_kind = options->datagram ? ASC_REQ_DATAGRAM : ASC_REQ_STREAM;
    TimeStamp expiry;
    SECURITY_STATUS status;
    if (options->server) {
        status = AcceptSecurityContext(&session->credential, old, in,
                                       USUAL | ASC_REQ_EXTENDED_ERROR | server_kind | options->request, 0,
                                       &session->context, out, &session->attributes, &expiry);
    } else {
        status = InitializeSecurityContextA(&session->credential, old, (SEC_CHAR *)(uintptr_t)options->target,
                                            USUAL | ISC_REQ_EXTENDED_ERROR | kind | options->request, 0, 0, in, 0,
                                            &session->context, out, &session->attributes, &expiry);
    }
    session->has_context = session->has_context || status >= 0;
    return status;
}

/* SEC_PRESHAREDKEY, SEC_PRESHAREDKEY_IDENTITY. */
static ULONG put_counted(uint8_t out[256 + 2], const char *text)
{
    USHORT size = (USHORT)(strlen(text) < 256 ? strlen(text) : 256);
    memcpy(out, &size, sizeof size);
    memcpy(out + sizeof size, text, size);
    return (ULONG)(sizeof size + size);
}

/* One call with what has come, or with nothing; what it writes is sent, what it leaves stays in session->in. */
static SECURITY_STATUS step(struct session *session, bool poke)
{
    const struct session_options *options = session->options;
    bool first = !session->has_context;
    SecBuffer in[6];
    ULONG count = 0;
    if (!poke) {
        in[count++] = (SecBuffer){(ULONG)session->in_size, SECBUFFER_TOKEN, session->in};
        in[count++] = (SecBuffer){0, SECBUFFER_EMPTY, NULL};
    }
    if (first && options->alpn != NULL) {
        in[count++] =
            (SecBuffer){options->alpn_size, SECBUFFER_APPLICATION_PROTOCOLS, (void *)(uintptr_t)options->alpn};
    }
    USHORT mtu = options->mtu;
    if (first && mtu != 0) {
        in[count++] = (SecBuffer){sizeof mtu, SECBUFFER_DTLS_MTU, &mtu};
    }
    uint8_t key[256 + 2], identity[256 + 2];
    if (first && options->psk != NULL && options->psk_identity != NULL) {
        in[count++] = (SecBuffer){put_counted(key, options->psk), SECBUFFER_PRESHARED_KEY, key};
        in[count++] =
            (SecBuffer){put_counted(identity, options->psk_identity), SECBUFFER_PRESHARED_KEY_IDENTITY, identity};
    }
    SecBuffer out = {0, SECBUFFER_TOKEN, NULL};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, count, in};
    SecBufferDesc out_desc = {SECBUFFER_VERSION, 1, &out};
    SECURITY_STATUS status = call(session, count != 0 ? &in_desc : NULL, &out_desc);
    if (status != SEC_E_INCOMPLETE_MESSAGE && out.pvBuffer != NULL) {
        put(session, out.pvBuffer, out.cbBuffer);
        FreeContextBuffer(out.pvBuffer);
    }
    bool again = status == SEC_I_INCOMPLETE_CREDENTIALS || status == SEC_I_MESSAGE_FRAGMENT;
    if (status >= 0 && !poke && !again) {
        keep_last(session, in[1].BufferType == SECBUFFER_EXTRA ? in[1].cbBuffer : 0);
    }
    return status;
}

/* What the call came to decides about the next one's input. */
static SECURITY_STATUS wait_for_input(struct session *session, bool *out_poke)
{
    enum arrival arrival = get(session);
    while (arrival == ARRIVED_NOTHING && !session->has_context) {
        arrival = get(session);
    }
    *out_poke = arrival == ARRIVED_NOTHING;
    return arrival == ARRIVED_END ? SEC_E_INCOMPLETE_MESSAGE : SEC_E_OK;
}

SECURITY_STATUS session_shake(struct session *session, bool poke)
{
    for (;;) {
        SECURITY_STATUS status = SEC_E_INCOMPLETE_MESSAGE;
        if (poke || session->in_size != 0 || session->has_context) {
            status = step(session, poke);
        }
        if (status == SEC_E_OK) {
            session->handshakes++;
            return status;
        }
        if (status == SEC_I_INCOMPLETE_CREDENTIALS) {
            session->credential =
                session->options->has_late && !session->asked ? session->options->late : session->credential;
            session->asked = true;
            continue;
        }
        if (status == SEC_I_MESSAGE_FRAGMENT) {
            continue;
        }
        if (status == SEC_I_CONTINUE_NEEDED && session->in_size != 0) {
            poke = false;
            continue;
        }
        if (status != SEC_I_CONTINUE_NEEDED && status != SEC_E_INCOMPLETE_MESSAGE) {
            return status;
        }
        poke = false;
        status = wait_for_input(session, &poke);
        if (status != SEC_E_OK) {
            return status;
        }
    }
}

/* ---------------------------------------------------------------- messages */

SECURITY_STATUS session_send(struct session *session, const void *data, size_t size)
{
    SecPkgContext_StreamSizes sizes;
    SECURITY_STATUS status = QueryContextAttributesA(&session->context, SECPKG_ATTR_STREAM_SIZES, &sizes);
    if (status != SEC_E_OK) {
        return status;
    }
    uint8_t *block = malloc(sizes.cbHeader + size + sizes.cbTrailer);
    memcpy(block + sizes.cbHeader, data, size);
    SecBuffer buffers[4] = {{sizes.cbHeader, SECBUFFER_STREAM_HEADER, block},
                            {(ULONG)size, SECBUFFER_DATA, block + sizes.cbHeader},
                            {sizes.cbTrailer, SECBUFFER_STREAM_TRAILER, block + sizes.cbHeader + size},
                            {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
    status = EncryptMessage(&session->context, 0, &message, 0);
    if (status == SEC_E_OK) {
        size_t all = buffers[0].cbBuffer + buffers[1].cbBuffer + buffers[2].cbBuffer;
        uint8_t *wire = malloc(all + 1);
        size_t at = 0;
        for (size_t i = 0; i < 3; i++) {
            memcpy(wire + at, buffers[i].pvBuffer, buffers[i].cbBuffer);
            at += buffers[i].cbBuffer;
        }
        put(session, wire, all);
        free(wire);
    }
    free(block);
    return status;
}

/* One call of DecryptMessage. */
static SECURITY_STATUS open_record(struct session *session, size_t *out_size)
{
    SecBuffer buffers[4] = {{(ULONG)session->in_size, SECBUFFER_DATA, session->in},
                            {0, SECBUFFER_EMPTY, NULL},
                            {0, SECBUFFER_EMPTY, NULL},
                            {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
    SECURITY_STATUS status = DecryptMessage(&session->context, &message, 0, NULL);
    size_t left = 0;
    if (status < 0) {
        return status;
    }
    for (size_t i = 0; i < 4; i++) {
        if (buffers[i].BufferType == SECBUFFER_DATA) {
            *out_size = buffers[i].cbBuffer;
            memcpy(session->plain, buffers[i].pvBuffer, buffers[i].cbBuffer);
        } else if (buffers[i].BufferType == SECBUFFER_EXTRA) {
            left = buffers[i].cbBuffer;
        }
    }
    keep_last(session, left);
    return status;
}

/* The peer repeats its last flight, as ours was lost. */
static bool is_repeated_flight(const struct session *session)
{
    return session->options->datagram && session->in_size != 0 &&
           (session->in[0] == DTLS_CHANGE_CIPHER_SPEC || session->in[0] == DTLS_HANDSHAKE);
}

SECURITY_STATUS session_receive(struct session *session, size_t *out_size)
{
    *out_size = 0;
    for (;;) {
        SECURITY_STATUS status = SEC_E_INCOMPLETE_MESSAGE;
        if (is_repeated_flight(session)) {
            while (step(session, false) == SEC_I_MESSAGE_FRAGMENT) {
            }
            session->in_size = 0;
        } else if (session->in_size != 0) {
            status = open_record(session, out_size);
        }
        if (status == SEC_I_RENEGOTIATE) {
            status = session_shake(session, session->in_size == 0);
            printf("renegotiation %s\n", session_status(status));
            if (status != SEC_E_OK) {
                return status;
            }
            continue;
        }
        if (status != SEC_E_INCOMPLETE_MESSAGE) {
            if (status < 0) {
                step(session, true); /* the alert */
            }
            return status;
        }
        if (get(session) == ARRIVED_END) {
            return SEC_E_INCOMPLETE_MESSAGE;
        }
    }
}

SECURITY_STATUS session_renegotiate(struct session *session)
{
    if (!session->options->server) {
        return session_shake(session, true);
    }
    SECURITY_STATUS status = step(session, true);
    return status == SEC_I_CONTINUE_NEEDED ? SEC_E_OK : status;
}

SECURITY_STATUS session_control(struct session *session, const void *token, size_t size)
{
    SecBuffer buffer = {(ULONG)size, SECBUFFER_TOKEN, (void *)(uintptr_t)token};
    SecBufferDesc message = {SECBUFFER_VERSION, 1, &buffer};
    SECURITY_STATUS status = ApplyControlToken(&session->context, &message);
    if (status != SEC_E_OK) {
        return status;
    }
    do {
        status = step(session, true);
    } while (status == SEC_I_MESSAGE_FRAGMENT);
    return status;
}

void session_end(struct session *session)
{
    if (session->has_context) {
        DeleteSecurityContext(&session->context);
    }
}
