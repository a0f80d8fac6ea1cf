/* credssp_server CERTIFICATE KEY PASSWORD [RESULT] : an RDP server as far as the logon, on the public functions: X.224, then CredSSP.
 *
 * Says "port N", then of each connection one line: who, how, and whether the password that was delegated is PASSWORD; or the
 * status that it ended with.  With RESULT the server chooses PROTOCOL_HYBRID_EX and says this word behind CredSSP.  The session
 * that a client expects then does not come: the connection ends. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <windows.h>

#include <schannel.h>
#include <security.h>

#include <credssp.h>
#include <ntsecapi.h>
#include <sspi_ext.h>

#define ROOM 65536

struct wire {
    int socket;
    uint8_t in[ROOM];
    size_t size;
};

static bool hear(struct wire *wire)
{
    ssize_t got = recv(wire->socket, wire->in + wire->size, ROOM - wire->size, 0);
    wire->size += got > 0 ? (size_t)got : 0;
    return got > 0;
}

static bool say(struct wire *wire, const void *data, size_t size)
{
    return send(wire->socket, data, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static void drop(struct wire *wire, size_t used)
{
    memmove(wire->in, wire->in + used, wire->size - used);
    wire->size -= used;
}

/* One request of X.224 in, its confirmation out. */
static bool negotiate(struct wire *wire, uint8_t protocol)
{
    uint8_t confirm[19] = {3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0, 0, 2, 0, 8, 0, protocol, 0, 0, 0};
    while (wire->size < 4 || wire->size < (size_t)(wire->in[2] << 8 | wire->in[3])) {
        if (wire->size == ROOM || !hear(wire)) {
            return false;
        }
    }
    drop(wire, (size_t)(wire->in[2] << 8 | wire->in[3]));
    return say(wire, confirm, sizeof confirm);
}

static SECURITY_STATUS accept_logon(struct wire *wire, CredHandle *credential, CtxtHandle *context, bool *has_context)
{
    for (;;) {
        ULONG flags;
        SecBuffer in[2] = {{(ULONG)wire->size, SECBUFFER_TOKEN, wire->in}, {0, SECBUFFER_EMPTY, NULL}};
        SecBuffer out = {0, SECBUFFER_TOKEN, NULL};
        SecBufferDesc in_desc = {SECBUFFER_VERSION, 2, in}, out_desc = {SECBUFFER_VERSION, 1, &out};
        SECURITY_STATUS status = SEC_E_INCOMPLETE_MESSAGE;
        if (wire->size != 0) {
            status = AcceptSecurityContext(credential, *has_context ? context : NULL, &in_desc,
                                           ASC_REQ_ALLOCATE_MEMORY | ASC_REQ_EXTENDED_ERROR | ASC_REQ_STREAM, 0,
                                           context, &out_desc, &flags, NULL);
        }
        if (status != SEC_E_INCOMPLETE_MESSAGE) {
            *has_context = *has_context || status >= 0;
            drop(wire, wire->size - (status >= 0 && in[1].BufferType == SECBUFFER_EXTRA ? in[1].cbBuffer : 0));
            if (out.cbBuffer != 0 && !say(wire, out.pvBuffer, out.cbBuffer)) {
                return SEC_E_INTERNAL_ERROR;
            }
            FreeContextBuffer(out.pvBuffer);
        }
        if (status != SEC_I_CONTINUE_NEEDED && status != SEC_E_INCOMPLETE_MESSAGE) {
            return status;
        }
        if ((wire->size == 0 || status == SEC_E_INCOMPLETE_MESSAGE) && !hear(wire)) {
            return SEC_E_CONTEXT_EXPIRED;
        }
    }
}

/* Whether a packed KERB_INTERACTIVE_LOGON ends in this password. */
static const char *delegated(CtxtHandle *context, const char *password)
{
    SecPkgContext_ClientCreds creds;
    if (QueryContextAttributesA(context, SECPKG_ATTR_CREDS, &creds) != SEC_E_OK) {
        return "nothing";
    }
    const KERB_INTERACTIVE_LOGON *logon = (const void *)creds.AuthBuffer;
    size_t size = strlen(password);
    bool same = logon->MessageType == KerbInteractiveLogon && logon->Password.Length == 2 * size &&
                creds.AuthBufferLen >= 2 * size;
    for (size_t i = 0; same && i < size; i++) {
        const uint8_t *at = creds.AuthBuffer + creds.AuthBufferLen - 2 * (size - i);
        same = at[0] == (uint8_t)password[i] && at[1] == 0;
    }
    FreeContextBuffer(creds.AuthBuffer);
    return same ? "the password" : "another password";
}

static void describe(CtxtHandle *context, const char *password)
{
    SecPkgContext_NamesA names;
    SecPkgContext_PackageInfoA package;
    if (QueryContextAttributesA(context, SECPKG_ATTR_NAMES, &names) != SEC_E_OK ||
        QueryContextAttributesA(context, SECPKG_ATTR_NEGOTIATION_PACKAGE, &package) != SEC_E_OK) {
        printf("failed: no names\n");
        return;
    }
    printf("in: %s by %s, delegated %s\n", names.sUserName, package.PackageInfo->Name, delegated(context, password));
    FreeContextBuffer(names.sUserName);
    FreeContextBuffer(package.PackageInfo);
}

/* PROTOCOL_HYBRID_EX: Early User Authorization Result (MS-RDPBCGR 2.2.10.2). */
static void last_word(struct wire *wire, CtxtHandle *context, uint32_t result)
{
    uint8_t header[64], trailer[256], word[4] = {(uint8_t)result, (uint8_t)(result >> 8)};
    SecPkgContext_StreamSizes sizes;
    if (QueryContextAttributesA(context, SECPKG_ATTR_STREAM_SIZES, &sizes) != SEC_E_OK ||
        sizes.cbHeader > sizeof header || sizes.cbTrailer > sizeof trailer) {
        return;
    }
    SecBuffer at[4] = {{sizes.cbHeader, SECBUFFER_STREAM_HEADER, header},
                       {sizeof word, SECBUFFER_DATA, word},
                       {sizes.cbTrailer, SECBUFFER_STREAM_TRAILER, trailer},
                       {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, at};
    if (EncryptMessage(context, 0, &message, 0) == SEC_E_OK) {
        for (int i = 0; i < 3; i++) {
            (void)say(wire, at[i].pvBuffer, at[i].cbBuffer);
        }
    }
}

static void serve(int socket, CredHandle *credential, char **argv)
{
    static struct wire wire;
    CtxtHandle context;
    bool has_context = false;
    wire = (struct wire){.socket = socket};
    if (!negotiate(&wire, argv[4] != NULL ? 8 : 2)) {
        printf("failed: no request\n");
        return;
    }
    SECURITY_STATUS status = accept_logon(&wire, credential, &context, &has_context);
    if (status == SEC_E_OK) {
        describe(&context, argv[3]);
        if (argv[4] != NULL) {
            last_word(&wire, &context, (uint32_t)atoi(argv[4]));
        }
    } else {
        const char *why = SspiExtLastReason(NULL);
        printf("failed: %s: %s\n", SspiExtStatusName(status), why != NULL ? why : "");
    }
    shutdown(socket, SHUT_WR);
    while (hear(&wire)) { /* what the client says of a session; it hangs up */
        wire.size = 0;
    }
    if (has_context) {
        DeleteSecurityContext(&context);
    }
}

static int listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        perror("listen");
        exit(1);
    }
    printf("port %d\n", ntohs(address.sin_port));
    return listener;
}

int main(int argc, char **argv)
{
    static SEC_CHAR package[] = CREDSSP_NAME_A;
    PCCERT_CONTEXT certificate;
    CredHandle credential;
    if (argc < 4) {
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    SECURITY_STATUS status = SspiExtCertFromFiles(argv[1], argv[2], NULL, &certificate);
    if (status == SEC_E_OK) {
        SCH_CREDENTIALS tls = {.dwVersion = SCH_CREDENTIALS_VERSION, .cCreds = 1, .paCred = &certificate};
        CREDSSP_CRED cred = {CredsspPasswordCreds, &tls, NULL};
        status =
            AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_INBOUND, NULL, &cred, NULL, NULL, &credential, NULL);
    }
    if (status != SEC_E_OK) {
        fprintf(stderr, "%s: %s\n", SspiExtStatusName(status), SspiExtLastReason(NULL));
        return 1;
    }
    int listener = listen_somewhere();
    for (;;) {
        int socket = accept(listener, NULL, NULL);
        if (socket >= 0) {
            serve(socket, &credential, argv);
            close(socket);
        }
    }
}
