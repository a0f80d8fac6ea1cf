#include "tls.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/status.h"
#include "command.h"
#include "terminal.h"

#include "sspi_ext.h"

#define RECORD_ROOM (5 + 16384 + 2048) /* the largest record of any version (RFC 5246 6.2.3) */
#define ALPN_MAX    256
#define CLIENT_FLAGS                                                                                                   \
    (ISC_REQ_STREAM | ISC_REQ_CONFIDENTIALITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT |                      \
     ISC_REQ_EXTENDED_ERROR | ISC_REQ_ALLOCATE_MEMORY)
#define SERVER_FLAGS                                                                                                   \
    (ASC_REQ_STREAM | ASC_REQ_CONFIDENTIALITY | ASC_REQ_REPLAY_DETECT | ASC_REQ_SEQUENCE_DETECT |                      \
     ASC_REQ_EXTENDED_ERROR | ASC_REQ_ALLOCATE_MEMORY)
#define ALERT_CERTIFICATE_REQUIRED 116 /* RFC 8446 6.2; schannel.h has no name for it */

void tls_init(struct tls *tls, struct tls_credential *credential, const char *target, const char *protocols)
{
    *tls = (struct tls){.credential = credential, .target = target, .protocols = protocols};
}

void tls_clear(struct tls *tls)
{
    if (tls->has_context) {
        DeleteSecurityContext(&tls->context);
        tls->has_context = false;
    }
}

static void fail(struct tls *tls, SECURITY_STATUS status, const char *reason)
{
    tls->state = TLS_FAILED;
    tls->status = status;
    tls->reason = reason;
}

/* ---------------------------------------------------------------- the handshake */

/* SEC_APPLICATION_PROTOCOLS: "h2,http/1.1" as ALPN has it (RFC 7301 3.1). */
struct alpn {
    ULONG size; /* of what follows */
    ULONG kind;
    USHORT list_size;
    UCHAR list[ALPN_MAX];
};

static SecBuffer alpn_buffer(const char *protocols, struct alpn *alpn)
{
    AUTO_FREE char *copy = need(strdup(protocols));
    char *rest = NULL;
    *alpn = (struct alpn){.kind = SecApplicationProtocolNegotiationExt_ALPN};
    for (char *name = strtok_r(copy, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
        size_t length = strlen(name);
        if (length > 255 || alpn->list_size + 1 + length > sizeof alpn->list) {
            break;
        }
        alpn->list[alpn->list_size] = (UCHAR)length;
        memcpy(alpn->list + alpn->list_size + 1, name, length);
        alpn->list_size = (USHORT)(alpn->list_size + 1 + length);
    }
    alpn->size = (ULONG)(sizeof alpn->kind + sizeof alpn->list_size + alpn->list_size);
    return (SecBuffer){(ULONG)sizeof alpn->size + alpn->size, SECBUFFER_APPLICATION_PROTOCOLS, alpn};
}

/* The call itself. */
static SECURITY_STATUS call(struct tls *tls, SecBufferDesc *in, SecBufferDesc *out)
{
    const struct tls_options *options = tls->credential->options;
    CtxtHandle *context = tls->has_context ? &tls->context : NULL;
    TimeStamp expiry;
    if (tls->credential->server) {
        ULONG ask = options->wants_certificate ? ASC_REQ_MUTUAL_AUTH : 0;
        return AcceptSecurityContext(&tls->credential->handle, context, in, SERVER_FLAGS | ask, SECURITY_NATIVE_DREP,
                                     &tls->context, out, &tls->flags, &expiry);
    }
    ULONG ask = tls->request | (tls->alone ? ISC_REQ_USE_SUPPLIED_CREDS : 0) |
                (options->insecure ? ISC_REQ_MANUAL_CRED_VALIDATION : 0);
    return InitializeSecurityContextA(&tls->credential->handle, context, (char *)tls->target, CLIENT_FLAGS | ask, 0,
                                      SECURITY_NATIVE_DREP, in, 0, &tls->context, out, &tls->flags, &expiry);
}

/* One call with what has come; `size` receives how much of it was taken. */
static SECURITY_STATUS step(struct tls *tls, uint8_t *data, size_t *size, struct evbuffer *wire_out)
{
    struct alpn alpn;
    SecBuffer in[3];
    SecBuffer out = {0, SECBUFFER_TOKEN, NULL};
    SecBufferDesc in_list = {SECBUFFER_VERSION, 0, in};
    SecBufferDesc out_list = {SECBUFFER_VERSION, 1, &out};
    if (*size > 0) {
        in[in_list.cBuffers++] = (SecBuffer){(ULONG)*size, SECBUFFER_TOKEN, data};
        in[in_list.cBuffers++] = (SecBuffer){0, SECBUFFER_EMPTY, NULL};
    }
    if (!tls->has_context && tls->protocols != NULL) {
        in[in_list.cBuffers++] = alpn_buffer(tls->protocols, &alpn);
    }
    tls->spoke = false;
    SECURITY_STATUS status = call(tls, in_list.cBuffers > 0 ? &in_list : NULL, &out_list);
    const char *why = status < 0 ? last_reason() : NULL;
    tls->has_context = tls->has_context || status >= 0;
    if (out.cbBuffer > 0 && out.pvBuffer != NULL && status != SEC_E_INCOMPLETE_MESSAGE) { /* an alert, too */
        evbuffer_add(wire_out, out.pvBuffer, out.cbBuffer);
        tls->spoke = true;
    }
    FreeContextBuffer(out.pvBuffer);
    if (status == SEC_E_INCOMPLETE_MESSAGE || status == SEC_I_INCOMPLETE_CREDENTIALS) {
        *size = 0;
    } else if (*size > 0 && in[1].BufferType == SECBUFFER_EXTRA) {
        *size -= in[1].cbBuffer;
    }
    tls->reason = why;
    return status;
}

/* Established: now the server knows whether the client has shown a certificate. */
static void open_up(struct tls *tls, struct evbuffer *wire_out)
{
    SecPkgContext_ConnectionInfo info = {0};
    SECURITY_STATUS status = QueryContextAttributesA(&tls->context, SECPKG_ATTR_STREAM_SIZES, &tls->sizes);
    if (status != SEC_E_OK) {
        fail(tls, status, last_reason());
        return;
    }
    tls->state = TLS_OPEN;
    tls->was_open = true;
    if (tls->credential->server && tls->credential->options->needs_certificate &&
        (tls->flags & ASC_RET_MUTUAL_AUTH) == 0) {
        QueryContextAttributesA(&tls->context, SECPKG_ATTR_CONNECTION_INFO, &info);
        bool newest = info.dwProtocol == SP_PROT_TLS1_3_SERVER;
        tls_refuse(tls, newest ? ALERT_CERTIFICATE_REQUIRED : TLS1_ALERT_HANDSHAKE_FAILURE, SEC_E_NO_CREDENTIALS,
                   "the client has shown no certificate (RFC 8446 4.4.2.4)", wire_out);
    }
}

/* Goes on with the handshake, or with one that came up later.  False: there is nothing more to do with these bytes. */
static bool shake(struct tls *tls, struct evbuffer *wire_in, struct evbuffer *wire_out)
{
    size_t size = evbuffer_get_length(wire_in);
    size_t taken = size;
    SECURITY_STATUS status = step(tls, evbuffer_pullup(wire_in, -1), &taken, wire_out);
    if (status == SEC_I_INCOMPLETE_CREDENTIALS && !tls->alone) {
        tls->alone = true; /* the same bytes once more, with what there is */
        return true;
    }
    if (status == SEC_E_INCOMPLETE_MESSAGE) {
        return false;
    }
    evbuffer_drain(wire_in, taken);
    if (status == SEC_E_OK) {
        open_up(tls, wire_out);
    } else if (status < 0 || status == SEC_I_INCOMPLETE_CREDENTIALS) {
        fail(tls, status, tls->reason);
    } else if (status == SEC_I_CONTEXT_EXPIRED) {
        tls->state = TLS_CLOSED;
    }
    return taken > 0 && tls->state != TLS_FAILED;
}

void tls_begin(struct tls *tls, struct evbuffer *wire_out)
{
    size_t none = 0;
    SECURITY_STATUS status = step(tls, NULL, &none, wire_out);
    if (status < 0) {
        fail(tls, status, tls->reason);
    }
}

/* ---------------------------------------------------------------- records */

static SecBuffer *find(SecBuffer buffers[4], ULONG type)
{
    for (size_t i = 0; i < 4; i++) {
        if (buffers[i].BufferType == type) {
            return &buffers[i];
        }
    }
    return NULL;
}

/* One record.  False: there is no whole one. */
static bool open_record(struct tls *tls, struct evbuffer *wire_in, struct evbuffer *plain_out)
{
    size_t have = evbuffer_get_length(wire_in);
    size_t size = have < RECORD_ROOM ? have : RECORD_ROOM;
    SecBuffer buffers[4] = {{(ULONG)size, SECBUFFER_DATA, evbuffer_pullup(wire_in, (ev_ssize_t)size)},
                            {0, SECBUFFER_EMPTY, NULL},
                            {0, SECBUFFER_EMPTY, NULL},
                            {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc list = {SECBUFFER_VERSION, 4, buffers};
    SECURITY_STATUS status = DecryptMessage(&tls->context, &list, 0, NULL);
    if (status == SEC_E_INCOMPLETE_MESSAGE) {
        return false;
    }
    if (status < 0) {
        fail(tls, status, last_reason());
        return false;
    }
    const SecBuffer *data = find(buffers, SECBUFFER_DATA);
    const SecBuffer *extra = find(buffers, SECBUFFER_EXTRA);
    if (data != NULL && data->cbBuffer > 0) {
        evbuffer_add(plain_out, data->pvBuffer, data->cbBuffer);
    }
    evbuffer_drain(wire_in, size - (extra != NULL ? extra->cbBuffer : 0));
    if (status == SEC_I_CONTEXT_EXPIRED) {
        tls->state = TLS_CLOSED;
    } else if (status == SEC_I_RENEGOTIATE) {
        tls->state = TLS_SHAKING;
    }
    return true;
}

/* After SEC_I_RENEGOTIATE without bytes the answer is due all the same. */
static void answer(struct tls *tls, struct evbuffer *wire_out)
{
    size_t none = 0;
    SECURITY_STATUS status = step(tls, NULL, &none, wire_out);
    if (status == SEC_E_OK) {
        open_up(tls, wire_out);
    } else if (status < 0 && status != SEC_E_INCOMPLETE_MESSAGE) {
        fail(tls, status, tls->reason);
    }
}

void tls_receive(struct tls *tls, struct evbuffer *wire_in, struct evbuffer *plain_out, struct evbuffer *wire_out)
{
    bool more = true;
    while (more && evbuffer_get_length(wire_in) > 0) {
        if (tls->state == TLS_SHAKING) {
            more = shake(tls, wire_in, wire_out);
        } else if (tls->state == TLS_OPEN) {
            more = open_record(tls, wire_in, plain_out);
            if (tls->state == TLS_SHAKING && evbuffer_get_length(wire_in) == 0) {
                answer(tls, wire_out);
            }
        } else {
            evbuffer_drain(wire_in, evbuffer_get_length(wire_in)); /* nothing counts behind the end (RFC 8446 6.1) */
        }
    }
}

static SECURITY_STATUS seal(struct tls *tls, const uint8_t *data, size_t size, struct evbuffer *wire_out)
{
    size_t room = tls->sizes.cbHeader + size + tls->sizes.cbTrailer;
    struct evbuffer_iovec place;
    if (evbuffer_reserve_space(wire_out, (ev_ssize_t)room, &place, 1) != 1) {
        need(NULL);
    }
    uint8_t *base = place.iov_base;
    memcpy(base + tls->sizes.cbHeader, data, size);
    SecBuffer buffers[4] = {{tls->sizes.cbHeader, SECBUFFER_STREAM_HEADER, base},
                            {(ULONG)size, SECBUFFER_DATA, base + tls->sizes.cbHeader},
                            {tls->sizes.cbTrailer, SECBUFFER_STREAM_TRAILER, base + tls->sizes.cbHeader + size},
                            {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc list = {SECBUFFER_VERSION, 4, buffers};
    TRY(EncryptMessage(&tls->context, 0, &list, 0));
    place.iov_len = buffers[0].cbBuffer + buffers[1].cbBuffer + buffers[2].cbBuffer;
    evbuffer_commit_space(wire_out, &place, 1);
    return SEC_E_OK;
}

bool tls_send(struct tls *tls, const uint8_t *data, size_t size, struct evbuffer *wire_out)
{
    while (size > 0 && tls->state != TLS_FAILED) {
        size_t part = size < tls->sizes.cbMaximumMessage ? size : tls->sizes.cbMaximumMessage;
        SECURITY_STATUS status = seal(tls, data, part, wire_out);
        if (status != SEC_E_OK) {
            fail(tls, status, last_reason());
        }
        data += part;
        size -= part;
    }
    return tls->state != TLS_FAILED;
}

/* ---------------------------------------------------------------- the end */

/* What ApplyControlToken has prepared. */
static void write_control(struct tls *tls, void *token, size_t size, struct evbuffer *wire_out)
{
    SecBuffer buffer = {(ULONG)size, SECBUFFER_TOKEN, token};
    SecBufferDesc list = {SECBUFFER_VERSION, 1, &buffer};
    size_t none = 0;
    if (tls->has_context && ApplyControlToken(&tls->context, &list) == SEC_E_OK) {
        (void)step(tls, NULL, &none, wire_out);
    }
}

void tls_goodbye(struct tls *tls, struct evbuffer *wire_out)
{
    DWORD token = SCHANNEL_SHUTDOWN;
    if (!tls->said_goodbye && tls->was_open && tls->state != TLS_FAILED) {
        write_control(tls, &token, sizeof token, wire_out);
    }
    tls->said_goodbye = true;
}

void tls_refuse(struct tls *tls, DWORD alert, SECURITY_STATUS status, const char *reason, struct evbuffer *wire_out)
{
    SCHANNEL_ALERT_TOKEN token = {SCHANNEL_ALERT, TLS1_ALERT_FATAL, alert};
    write_control(tls, &token, sizeof token, wire_out);
    fail(tls, status, reason);
}

void tls_wire_ended(struct tls *tls)
{
    if (tls->state == TLS_SHAKING) {
        fail(tls, SEC_E_INCOMPLETE_MESSAGE, "the connection ended within the handshake");
    } else if (tls->state == TLS_OPEN) {
        fail(tls, SEC_E_INCOMPLETE_MESSAGE, "the connection was cut off: no close_notify (RFC 8446 6.1)");
    }
}

bool tls_distrusts(const struct tls *tls)
{
    static const SECURITY_STATUS verdicts[] = {
        SEC_E_UNTRUSTED_ROOT,   SEC_E_WRONG_PRINCIPAL, SEC_E_CERT_EXPIRED,          SEC_E_CERT_UNKNOWN,
        SEC_E_CERT_WRONG_USAGE, CRYPT_E_REVOKED,       CRYPT_E_NO_REVOCATION_CHECK, CRYPT_E_REVOCATION_OFFLINE,
    };
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        if (tls->state == TLS_FAILED && tls->spoke && !tls->was_open && tls->status == verdicts[i]) {
            return true;
        }
    }
    return false;
}

int tls_complain(const struct tls *tls, const char *peer)
{
    complain_reason(peer, tls->status, tls->reason);
    if (tls_distrusts(tls)) {
        return EXIT_UNTRUSTED;
    }
    return tls->status == SEC_E_INCOMPLETE_MESSAGE ? EXIT_NETWORK : EXIT_REFUSED;
}
