#include "postgres.h"

#include <stdio.h>
#include <string.h>

#define PACKET_MAX 16384 /* of encryption by GSSAPI, with the length in front */

/* ---------------------------------------------------------------- bytes, by whatever they travel */

/* How much data a packet has room for. */
static ULONG packet_room(const struct postgres *postgres)
{
    return PACKET_MAX - sizeof(ULONG) - postgres->sizes.cbSecurityTrailer - postgres->sizes.cbBlockSize;
}

/* A packet: its length, and then what GSS_Wrap would make of the data. */
static bool send_packet(struct postgres *postgres, const void *data, ULONG size)
{
    static BYTE packet[PACKET_MAX];
    ULONG trailer = postgres->sizes.cbSecurityTrailer;
    memcpy(packet + trailer, data, size);
    SecBuffer buffers[3] = {
        {trailer, SECBUFFER_TOKEN, packet},
        {size, SECBUFFER_DATA, packet + trailer},
        {postgres->sizes.cbBlockSize, SECBUFFER_PADDING, packet + trailer + size},
    };
    SecBufferDesc desc = {SECBUFFER_VERSION, 3, buffers};
    SECURITY_STATUS status = EncryptMessage(&postgres->context, 0, &desc, 0);
    if (FAILED(status)) {
        print_failure("EncryptMessage", status);
        return false;
    }
    if (buffers[0].cbBuffer < trailer) { /* RC4's header is shorter than its room on some systems */
        memmove(packet + buffers[0].cbBuffer, packet + trailer, buffers[1].cbBuffer + buffers[2].cbBuffer);
    }
    return send_message(postgres->socket, packet, buffers[0].cbBuffer + buffers[1].cbBuffer + buffers[2].cbBuffer);
}

/* The data of the next packet; 0 when there is none. */
static ULONG receive_packet(struct postgres *postgres, BYTE *out, ULONG room)
{
    static BYTE packet[PACKET_MAX];
    ULONG size, qop = 0;
    if (!receive_message(postgres->socket, packet, sizeof packet - sizeof(ULONG), &size)) {
        return 0;
    }
    SecBuffer buffers[2] = {
        {size, SECBUFFER_STREAM, packet},
        {0, SECBUFFER_DATA, NULL},
    };
    SecBufferDesc desc = {SECBUFFER_VERSION, 2, buffers};
    SECURITY_STATUS status = DecryptMessage(&postgres->context, &desc, 0, &qop);
    if (FAILED(status)) {
        print_failure("DecryptMessage", status);
        return 0;
    }
    if ((qop & SECQOP_WRAP_NO_ENCRYPT) != 0 || buffers[1].cbBuffer > room) {
        fprintf(stderr, "a packet that is not sealed, or too long\n");
        return 0;
    }
    memcpy(out, buffers[1].pvBuffer, buffers[1].cbBuffer);
    return buffers[1].cbBuffer;
}

static bool send_bytes(struct postgres *postgres, const BYTE *data, ULONG size)
{
    bool by_tls = SecIsValidHandle(&postgres->tls.context);
    if (!by_tls && !postgres->sealed) {
        return send_all(postgres->socket, data, size);
    }
    ULONG most = by_tls ? postgres->tls.sizes.cbMaximumMessage : packet_room(postgres);
    while (size > 0) {
        ULONG part = size < most ? size : most;
        if (!(by_tls ? tls_send(&postgres->tls, data, part) : send_packet(postgres, data, part))) {
            return false;
        }
        data += part;
        size -= part;
    }
    return true;
}

/* Some more bytes behind those that are held: there is room for a record or a packet. */
static bool receive_bytes(struct postgres *postgres)
{
    BYTE *at = postgres->data + postgres->held;
    ULONG room = (ULONG)sizeof postgres->data - postgres->held;
    ULONG received = SecIsValidHandle(&postgres->tls.context) ? tls_receive(&postgres->tls, at, room)
                     : postgres->sealed                       ? receive_packet(postgres, at, room)
                                                              : receive_some(postgres->socket, at, room);
    postgres->held += received;
    return received > 0;
}

static bool fill(struct postgres *postgres, ULONG size)
{
    while (postgres->held < size) {
        if (!receive_bytes(postgres)) {
            fprintf(stderr, "the server hung up\n");
            return false;
        }
    }
    return true;
}

/* ---------------------------------------------------------------- messages */

const void *postgres_bytes(struct message *message, ULONG size)
{
    const BYTE *at = message->at;
    if (size > message->left) {
        return NULL;
    }
    message->at += size;
    message->left -= size;
    return at;
}

long long postgres_number(struct message *message, ULONG size)
{
    const BYTE *at = postgres_bytes(message, size);
    long long number = 0;
    if (at == NULL) {
        return -1;
    }
    for (ULONG i = 0; i < size; i++) {
        number = number << 8 | at[i];
    }
    return number;
}

const char *postgres_text(struct message *message)
{
    const BYTE *end = message->left > 0 ? memchr(message->at, 0, message->left) : NULL;
    return end != NULL ? postgres_bytes(message, (ULONG)(end - message->at) + 1) : NULL;
}

/* The fields of an ErrorResponse that matter: severity, code, text. */
static void print_refusal(struct message message)
{
    const char *fields[3] = {"", "", ""};
    for (long long kind = postgres_number(&message, 1); kind > 0; kind = postgres_number(&message, 1)) {
        const char *text = postgres_text(&message);
        const char *known = strchr("SCM", (int)kind);
        if (text == NULL) {
            break;
        }
        if (known != NULL) {
            fields[known - "SCM"] = text;
        }
    }
    fprintf(stderr, "%s %s: %s\n", fields[0], fields[1], fields[2]);
}

bool postgres_receive(struct postgres *postgres, struct message *out)
{
    memmove(postgres->data, postgres->data + postgres->used, postgres->held - postgres->used);
    postgres->held -= postgres->used;
    postgres->used = 0;
    if (!fill(postgres, 5)) {
        return false;
    }
    struct message head = {.at = postgres->data, .left = 5};
    out->type = (char)postgres_number(&head, 1);
    long long size = postgres_number(&head, 4); /* with its own four bytes */
    if (size < 4 || size > POSTGRES_MAX) {
        fprintf(stderr, "no message, or one that is too long\n");
        return false;
    }
    if (!fill(postgres, (ULONG)size + 1)) {
        return false;
    }
    postgres->used = (ULONG)size + 1;
    out->at = postgres->data + 5;
    out->left = (ULONG)size - 4;
    if (out->type == 'E') {
        print_refusal(*out);
    }
    return out->type != 'E';
}

/* The first messages have no type: 0. */
bool postgres_send(struct postgres *postgres, char type, const void *body, ULONG size)
{
    static BYTE message[POSTGRES_MAX];
    ULONG head = type != 0 ? 1 : 0;
    ULONG length = htonl(size + 4);
    if (size > sizeof message - 5) {
        fprintf(stderr, "a message that is too long\n");
        return false;
    }
    message[0] = (BYTE)type;
    memcpy(message + head, &length, 4);
    memcpy(message + head + 4, body, size);
    return send_bytes(postgres, message, head + 4 + size);
}

/* ---------------------------------------------------------------- the beginning */

/* Asks for one of the two ways to protect the connection.  The answer is one byte, and no more is read: what follows in the clear
 * must not be taken for what came protected. */
static bool ask_for(struct postgres *postgres, ULONG code, char yes)
{
    ULONG request = htonl(code);
    char answer = 0;
    if (!postgres_send(postgres, 0, &request, sizeof request) || receive_some(postgres->socket, &answer, 1) != 1) {
        fprintf(stderr, "the server hung up\n");
        return false;
    }
    if (answer != yes) {
        fprintf(stderr, "the server does not offer this encryption\n");
    }
    return answer == yes;
}

bool postgres_start_tls(struct postgres *postgres, const char *authority)
{
    postgres->tls.socket = postgres->socket;
    return ask_for(postgres, 80877103, 'S') && tls_connect(&postgres->tls, authority);
}

/* One leg of the logon: the server's token (none at first) into the next one. */
static SECURITY_STATUS leg(struct postgres *postgres, ULONG wanted, const void *in, ULONG in_size, SecBuffer *out)
{
    bool first = !SecIsValidHandle(&postgres->context);
    SecBuffer in_buffer = {in_size, SECBUFFER_TOKEN, (void *)in};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 1, &in_buffer};
    SecBufferDesc out_desc = {SECBUFFER_VERSION, 1, out};
    ULONG attributes = 0;
    SECURITY_STATUS status = InitializeSecurityContextA(
        &postgres->user, first ? NULL : &postgres->context, postgres->target, wanted, 0, SECURITY_NETWORK_DREP,
        first ? NULL : &in_desc, 0, &postgres->context, &out_desc, &attributes, NULL);
    if (FAILED(status)) {
        print_failure("InitializeSecurityContext", status);
        return status;
    }
    postgres->done = status == SEC_E_OK;
    if (postgres->done && (wanted & ~attributes) != 0) {
        fprintf(stderr, "the logon lacks something: 0x%08X\n", (unsigned)(wanted & ~attributes));
        return SEC_E_UNSUPPORTED_FUNCTION;
    }
    return status;
}

bool postgres_start_sealing(struct postgres *postgres)
{
    static BYTE in[PACKET_MAX], out[PACKET_MAX];
    ULONG in_size = 0;
    if (!ask_for(postgres, 80877104, 'G') || FAILED(acquire_outbound("Kerberos", &postgres->user))) {
        return false;
    }
    while (!postgres->done) {
        SecBuffer token = {sizeof out - sizeof(ULONG), SECBUFFER_TOKEN, out};
        if (SecIsValidHandle(&postgres->context) &&
            !receive_message(postgres->socket, in, sizeof in - sizeof(ULONG), &in_size)) {
            fprintf(stderr, "the server hung up: it did not accept this user\n");
            return false;
        }
        if (FAILED(leg(postgres,
                       ISC_REQ_MUTUAL_AUTH | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT | ISC_REQ_CONFIDENTIALITY |
                           ISC_REQ_INTEGRITY,
                       in, in_size, &token)) ||
            (token.cbBuffer > 0 && !send_message(postgres->socket, out, token.cbBuffer))) {
            return false;
        }
    }
    SECURITY_STATUS status = QueryContextAttributesA(&postgres->context, SECPKG_ATTR_SIZES, &postgres->sizes);
    if (FAILED(status)) {
        print_failure("QueryContextAttributes", status);
    }
    postgres->sealed = !FAILED(status);
    return postgres->sealed;
}

/* A token of the server's into ours. */
static bool answer(struct postgres *postgres, const void *token, ULONG size)
{
    static BYTE room[POSTGRES_MAX];
    SecBuffer out = {sizeof room, SECBUFFER_TOKEN, room};
    if (postgres->done) {
        fprintf(stderr, "a token too many\n");
        return false;
    }
    if (postgres->like_libpq) {
        out.cbBuffer = 0;
        out.pvBuffer = NULL;
    }
    if (FAILED(
            leg(postgres, postgres->like_libpq ? ISC_REQ_ALLOCATE_MEMORY : ISC_REQ_MUTUAL_AUTH, token, size, &out))) {
        return false;
    }
    bool sent = out.cbBuffer == 0 || postgres_send(postgres, 'p', out.pvBuffer, out.cbBuffer);
    if (postgres->like_libpq) {
        FreeContextBuffer(out.pvBuffer);
    }
    return sent;
}

/* An authentication request that is not the last. */
static bool authenticate(struct postgres *postgres, long long kind, struct message *message, char *package)
{
    switch (kind) {
    case 7:   /* AuthenticationGSS: Kerberos, says libpq on Windows */
    case 9: { /* AuthenticationSSPI */
        const char *name = package != NULL ? package : kind == 7 ? "Kerberos" : "Negotiate";
        if (SecIsValidHandle(&postgres->user)) {
            fprintf(stderr, "the server asks twice\n");
            return false;
        }
        return !FAILED(acquire_outbound(name, &postgres->user)) && answer(postgres, NULL, 0);
    }
    case 8: /* AuthenticationGSSContinue */
        if (!SecIsValidHandle(&postgres->context)) {
            fprintf(stderr, "a token before the first\n");
            return false;
        }
        return answer(postgres, message->at, message->left);
    default:
        fprintf(stderr, "the server asks for something else: %lld\n", kind);
        return false;
    }
}

bool postgres_sign_in(struct postgres *postgres, const char *user, const char *database, char *package)
{
    char start[600];
    ULONG version = htonl(3 << 16);
    memcpy(start, &version, sizeof version);
    int size = snprintf(start + 4, sizeof start - 4, "user%c%s%cdatabase%c%s%c", 0, user, 0, 0, database, 0);
    if (size < 0 || (size_t)size + 5 > sizeof start || !postgres_send(postgres, 0, start, (ULONG)size + 5)) {
        return false;
    }
    for (;;) {
        struct message message;
        if (!postgres_receive(postgres, &message)) {
            return false;
        }
        if (message.type != 'R') {
            continue;
        }
        long long kind = postgres_number(&message, 4);
        if (kind == 0 && !postgres->done) { /* or it never asked */
            fprintf(stderr, "the server did not prove who it is\n");
        }
        if (kind == 0) {
            return postgres->done;
        }
        if (!authenticate(postgres, kind, &message, package)) {
            return false;
        }
    }
}

void postgres_close(struct postgres *postgres)
{
    tls_close(&postgres->tls);
    if (SecIsValidHandle(&postgres->context)) {
        DeleteSecurityContext(&postgres->context);
    }
    if (SecIsValidHandle(&postgres->user)) {
        FreeCredentialsHandle(&postgres->user);
    }
}
