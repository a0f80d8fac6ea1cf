/* tls_peer client|server ADDRESS PORT [OPTION VALUE]... -- ACTION...
 *
 * A TLS or DTLS program on the public functions.  What it finds out it prints, one fact a line; the scripts beside it compare
 * that with what the other implementation says.
 *
 *   --versions 1.2,1.3   1.0 1.1 1.2 1.3, or d1.0 d1.2 for DTLS; without: what SCH_CREDENTIALS has
 *   --certificate FILE   PEM; with --key, and up to four of both
 *   --late FILE          client: the certificate of a second credential, for a server that asks; with --late-key
 *   --roots FILE         PEM: hRootStore
 *   --target NAME        client: pszTargetName
 *   --alpn h2,http/1.1
 *   --ask                server: ASC_REQ_MUTUAL_AUTH
 *   --manual             certificates are not judged
 *   --revocation         SCH_CRED_REVOCATION_CHECK_END_CERT
 *   --flag NAME          chain exclude-root ignore-no-check ignore-offline: more of SCH_CRED_* about revocation
 *   --times N            so many connections, one after the other, with the same credential; not for a server of DTLS
 *   --mtu N
 *   --psk KEY            text; with --psk-identity NAME: SCH_USE_PRESHAREDKEY_ONLY
 *
 * Actions, after each handshake:
 *   facts             what was agreed on
 *   text=TEXT         sends a line
 *   wait=TEXT         receives until TEXT was in it
 *   send=FILE         sends the file in records of odd sizes
 *   receive=N:FILE    receives N bytes into the file
 *   echo=FILE:FILE    sends lines of odd sizes out of the file, and receives each again, into the other
 *   messages=N        DTLS: sends N numbered lines, a datagram each
 *   lines=TEXT:FILE   receives into the file until TEXT was in it
 *   renegotiate       asks for it; a server goes on, and will hear of the client's hello
 *   ask               server, TLS 1.3: asks for a certificate, and goes on
 *   shutdown          sends close_notify
 *   alert=N           sends a fatal alert
 *   end               receives until the peer closes or the socket ends
 */
#include "tls_session.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UNISP    (SEC_CHAR *)(uintptr_t)UNISP_NAME_A
#define EXPORTER "EXPORTER-OpenSSPI-Test"

struct peer {
    struct session_options session;
    const char *address;
    unsigned short port;
    DWORD protocols, flags;
    const char *certificates[4], *keys[4];
    size_t certificate_count, key_count;
    const char *late, *late_key, *roots;
    unsigned char alpn[256];
    int times;
    char **actions;
    int action_count;
    int listener;
};

/* ---------------------------------------------------------------- options */

static DWORD protocols_of(const char *list)
{
    static const struct {
        const char *name;
        DWORD protocols;
    } known[] = {{"1.0", SP_PROT_TLS1_0}, {"1.1", SP_PROT_TLS1_1},   {"1.2", SP_PROT_TLS1_2},
                 {"1.3", SP_PROT_TLS1_3}, {"d1.0", SP_PROT_DTLS1_0}, {"d1.2", SP_PROT_DTLS1_2}};
    DWORD protocols = 0;
    char *copy = strdup(list);
    char *place = NULL;
    for (char *word = strtok_r(copy, ",", &place); word != NULL; word = strtok_r(NULL, ",", &place)) {
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            protocols |= strcmp(word, known[i].name) == 0 ? known[i].protocols : 0;
        }
    }
    free(copy);
    return protocols;
}

/* SEC_APPLICATION_PROTOCOLS: size of all, ALPN, size of the list, names each behind their length. */
static void set_alpn(struct peer *peer, const char *list)
{
    size_t size = 0;
    char *copy = strdup(list);
    char *place = NULL;
    for (char *word = strtok_r(copy, ",", &place); word != NULL; word = strtok_r(NULL, ",", &place)) {
        size_t length = strlen(word);
        if (10 + size + 1 + length > sizeof peer->alpn) {
            session_fatal("too many protocols");
        }
        peer->alpn[10 + size] = (unsigned char)length;
        memcpy(peer->alpn + 10 + size + 1, word, length);
        size += 1 + length;
    }
    free(copy);
    peer->alpn[0] = (unsigned char)(6 + size);
    peer->alpn[4] = SecApplicationProtocolNegotiationExt_ALPN;
    peer->alpn[8] = (unsigned char)size;
    peer->session.alpn = peer->alpn;
    peer->session.alpn_size = (ULONG)(10 + size);
}

static DWORD flag_of(const char *value)
{
    static const struct {
        const char *name;
        DWORD flag;
    } known[] = {{"chain", SCH_CRED_REVOCATION_CHECK_CHAIN},
                 {"exclude-root", SCH_CRED_REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT},
                 {"ignore-no-check", SCH_CRED_IGNORE_NO_REVOCATION_CHECK},
                 {"ignore-offline", SCH_CRED_IGNORE_REVOCATION_OFFLINE}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, value) == 0) {
            return known[i].flag;
        }
    }
    session_fatal("no such flag: %s", value);
}

static void take_option(struct peer *peer, const char *name, const char *value)
{
    if (strcmp(name, "versions") == 0) {
        peer->protocols = protocols_of(value);
    } else if (strcmp(name, "certificate") == 0 && peer->certificate_count < 4) {
        peer->certificates[peer->certificate_count++] = value;
    } else if (strcmp(name, "key") == 0 && peer->key_count < 4) {
        peer->keys[peer->key_count++] = value;
    } else if (strcmp(name, "late") == 0) {
        peer->late = value;
    } else if (strcmp(name, "late-key") == 0) {
        peer->late_key = value;
    } else if (strcmp(name, "roots") == 0) {
        peer->roots = value;
    } else if (strcmp(name, "target") == 0) {
        peer->session.target = value;
    } else if (strcmp(name, "alpn") == 0) {
        set_alpn(peer, value);
    } else if (strcmp(name, "ask") == 0) {
        peer->session.request |= ASC_REQ_MUTUAL_AUTH;
    } else if (strcmp(name, "manual") == 0) {
        peer->flags |= SCH_CRED_MANUAL_CRED_VALIDATION;
    } else if (strcmp(name, "revocation") == 0) {
        peer->flags |= SCH_CRED_REVOCATION_CHECK_END_CERT;
    } else if (strcmp(name, "flag") == 0) {
        peer->flags |= flag_of(value);
    } else if (strcmp(name, "times") == 0) {
        peer->times = atoi(value);
    } else if (strcmp(name, "psk") == 0) {
        peer->session.psk = value;
        peer->flags |= SCH_USE_PRESHAREDKEY_ONLY;
    } else if (strcmp(name, "psk-identity") == 0) {
        peer->session.psk_identity = value;
    } else if (strcmp(name, "mtu") == 0) {
        peer->session.mtu = (USHORT)atoi(value);
    }
}

static void read_options(struct peer *peer, int count, char **arguments)
{
    static const struct option options[] = {
        {"versions", required_argument, NULL, 0},
        {"certificate", required_argument, NULL, 0},
        {"key", required_argument, NULL, 0},
        {"late", required_argument, NULL, 0},
        {"late-key", required_argument, NULL, 0},
        {"roots", required_argument, NULL, 0},
        {"target", required_argument, NULL, 0},
        {"alpn", required_argument, NULL, 0},
        {"ask", no_argument, NULL, 0},
        {"manual", no_argument, NULL, 0},
        {"revocation", no_argument, NULL, 0},
        {"flag", required_argument, NULL, 0},
        {"times", required_argument, NULL, 0},
        {"mtu", required_argument, NULL, 0},
        {"psk", required_argument, NULL, 0},
        {"psk-identity", required_argument, NULL, 0},
        {NULL, 0, NULL, 0},
    };
    if (count < 4) {
        session_fatal("usage: tls_peer client|server ADDRESS PORT [OPTION VALUE]... -- ACTION...");
    }
    peer->session.server = strcmp(arguments[1], "server") == 0;
    peer->address = arguments[2];
    peer->port = (unsigned short)atoi(arguments[3]);
    int index = 0;
    optind = 4;
    for (int found = getopt_long(count, arguments, "+", options, &index); found != -1;
         found = getopt_long(count, arguments, "+", options, &index)) {
        if (found != 0) {
            session_fatal("no such option");
        }
        take_option(peer, options[index].name, optarg);
    }
    peer->session.datagram = (peer->protocols & SP_PROT_DTLS1_X) != 0;
    peer->actions = arguments + optind;
    peer->action_count = count - optind;
}

/* ---------------------------------------------------------------- credentials */

static PCCERT_CONTEXT load(const char *file, const char *key)
{
    PCCERT_CONTEXT certificate = NULL;
    SECURITY_STATUS status = SspiExtCertFromFiles(file, key, NULL, &certificate);
    if (status != SEC_E_OK) {
        session_fatal("%s: %s", file, session_status(status));
    }
    return certificate;
}

static HCERTSTORE load_roots(const char *file)
{
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_FILENAME_A, X509_ASN_ENCODING, 0, CERT_STORE_READONLY_FLAG, file);
    if (store == NULL) {
        session_fatal("%s is no store", file);
    }
    return store;
}

static void acquire(struct peer *peer, const char *const *files, const char *const *keys, size_t count, CredHandle *out)
{
    PCCERT_CONTEXT certificates[4];
    HCERTSTORE roots = peer->roots != NULL ? load_roots(peer->roots) : NULL;
    for (size_t i = 0; i < count; i++) {
        certificates[i] = load(files[i], keys[i]);
    }
    SCHANNEL_CRED v4 = {.dwVersion = SCHANNEL_CRED_VERSION,
                        .cCreds = (DWORD)count,
                        .paCred = certificates,
                        .hRootStore = roots,
                        .grbitEnabledProtocols = peer->protocols,
                        .dwFlags = peer->flags};
    SCH_CREDENTIALS v5 = {.dwVersion = SCH_CREDENTIALS_VERSION,
                          .cCreds = (DWORD)count,
                          .paCred = certificates,
                          .hRootStore = roots,
                          .dwFlags = peer->flags};
    void *auth = peer->protocols != 0 ? (void *)&v4 : (void *)&v5;
    SECURITY_STATUS status =
        AcquireCredentialsHandleA(NULL, UNISP, peer->session.server ? SECPKG_CRED_INBOUND : SECPKG_CRED_OUTBOUND, NULL,
                                  auth, NULL, NULL, out, NULL);
    if (status != SEC_E_OK) {
        session_fatal("credential %s: %s", session_status(status), SspiExtLastReason(NULL));
    }
    for (size_t i = 0; i < count; i++) {
        CertFreeCertificateContext(certificates[i]);
    }
    if (roots != NULL) {
        CertCloseStore(roots, 0);
    }
}

/* ---------------------------------------------------------------- sockets */

static struct sockaddr_in address_of(const struct peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(peer->port)};
    if (inet_pton(AF_INET, peer->address, &address.sin_addr) != 1) {
        session_fatal("%s is no address", peer->address);
    }
    return address;
}

static void begin_listening(struct peer *peer)
{
    struct sockaddr_in address = address_of(peer);
    socklen_t size = sizeof address;
    peer->listener = socket(AF_INET, peer->session.datagram ? SOCK_DGRAM : SOCK_STREAM, 0);
    int one = 1;
    setsockopt(peer->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(peer->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        (!peer->session.datagram && listen(peer->listener, 8) != 0) ||
        getsockname(peer->listener, (struct sockaddr *)&address, &size) != 0) {
        session_fatal("cannot listen");
    }
    printf("listening %u\n", ntohs(address.sin_port));
}

static int next_socket(struct peer *peer)
{
    if (peer->session.server && !peer->session.datagram) {
        return accept(peer->listener, NULL, NULL);
    }
    struct sockaddr_in address = address_of(peer);
    if (peer->session.server) { /* the datagrams of whoever comes first, and of nobody else afterwards */
        socklen_t size = sizeof address;
        char byte;
        if (recvfrom(peer->listener, &byte, 1, MSG_PEEK, (struct sockaddr *)&address, &size) < 0 ||
            connect(peer->listener, (struct sockaddr *)&address, size) != 0) {
            session_fatal("no datagram");
        }
        return dup(peer->listener);
    }
    int result = socket(AF_INET, peer->session.datagram ? SOCK_DGRAM : SOCK_STREAM, 0);
    if (connect(result, (struct sockaddr *)&address, sizeof address) != 0) {
        session_fatal("cannot connect");
    }
    return result;
}

/* ---------------------------------------------------------------- facts */

static void print_hex(const char *name, const unsigned char *data, size_t size)
{
    printf("%s ", name);
    for (size_t i = 0; i < size; i++) {
        printf("%02x", data[i]);
    }
    printf("\n");
}

static void print_wide(const char *name, const WCHAR *text)
{
    printf("%s ", name);
    for (size_t i = 0; text[i] != 0; i++) {
        printf("%c", text[i] < 0x7f ? (char)text[i] : '?');
    }
    printf("\n");
}

static bool has(struct session *session, ULONG attribute, void *out, const char *name)
{
    SECURITY_STATUS status = QueryContextAttributesA(&session->context, attribute, out);
    if (status != SEC_E_OK) {
        printf("%s !%s\n", name, session_status(status));
    }
    return status == SEC_E_OK;
}

static void print_binding(struct session *session, ULONG attribute, const char *name)
{
    SecPkgContext_Bindings bindings;
    if (has(session, attribute, &bindings, name)) {
        const unsigned char *data =
            (const unsigned char *)bindings.Bindings + bindings.Bindings->dwApplicationDataOffset;
        size_t prefix = strlen(name) + 1;
        if (bindings.Bindings->cbApplicationDataLength < prefix || memcmp(data, name, prefix - 1) != 0) {
            session_fatal("%s: another kind of bindings", name);
        }
        print_hex(name, data + prefix, bindings.Bindings->cbApplicationDataLength - prefix);
        FreeContextBuffer(bindings.Bindings);
    }
}

static void print_exporter(struct session *session)
{
    char label[] = EXPORTER;
    SecPkgContext_KeyingMaterialInfo info = {.cbLabel = sizeof label, .pszLabel = label, .cbKeyingMaterial = 32};
    SecPkgContext_KeyingMaterial material;
    SECURITY_STATUS status =
        SetContextAttributesA(&session->context, SECPKG_ATTR_KEYING_MATERIAL_INFO, &info, sizeof info);
    if (status != SEC_E_OK) {
        printf("exporter !%s\n", session_status(status));
    } else if (has(session, SECPKG_ATTR_KEYING_MATERIAL, &material, "exporter")) {
        print_hex("exporter", material.pbKeyingMaterial, material.cbKeyingMaterial);
        FreeContextBuffer(material.pbKeyingMaterial);
    }
}

static void print_certificate(struct session *session)
{
    PCCERT_CONTEXT certificate = NULL;
    char name[256];
    if (has(session, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &certificate, "certificate")) {
        CertGetNameStringA(certificate, CERT_NAME_SIMPLE_DISPLAY_TYPE, 0, NULL, name, sizeof name);
        printf("certificate %s\n", name);
        CertFreeCertificateContext(certificate);
    }
}

static void print_facts(struct session *session)
{
    SecPkgContext_CipherInfo cipher = {.dwVersion = SECPKGCONTEXT_CIPHERINFO_V1};
    SecPkgContext_ApplicationProtocol alpn;
    SecPkgContext_SessionInfo info;
    if (has(session, SECPKG_ATTR_CIPHER_INFO, &cipher, "version")) {
        printf("version %04x\n", (unsigned)cipher.dwProtocol);
        printf("suite-number %04x\n", (unsigned)cipher.dwCipherSuite);
        print_wide("suite", cipher.szCipherSuite);
    }
    if (has(session, SECPKG_ATTR_APPLICATION_PROTOCOL, &alpn, "alpn")) {
        bool chosen = alpn.ProtoNegoStatus == SecApplicationProtocolNegotiationStatus_Success;
        printf("alpn %.*s\n", chosen ? alpn.ProtocolIdSize : 1, chosen ? (const char *)alpn.ProtocolId : "-");
    }
    if (has(session, SECPKG_ATTR_SESSION_INFO, &info, "resumed")) {
        printf("resumed %u\n", (unsigned)(info.dwFlags & SSL_SESSION_RECONNECT));
    }
    print_binding(session, SECPKG_ATTR_UNIQUE_BINDINGS, "tls-unique");
    print_binding(session, SECPKG_ATTR_ENDPOINT_BINDINGS, "tls-server-end-point");
    print_exporter(session);
    print_certificate(session);
    printf("mutual %d\n", session->options->server && (session->attributes & ASC_RET_MUTUAL_AUTH) != 0);
    printf("asked %d\n", session->asked);
}

/* ---------------------------------------------------------------- actions */

static SECURITY_STATUS send_file(struct session *session, const char *name)
{
    static const size_t sizes[] = {1, 16384, 17, 4093, 1000, 16383, 2, 9001};
    FILE *file = fopen(name, "rb");
    if (file == NULL) {
        session_fatal("%s cannot be read", name);
    }
    static char data[16384];
    SECURITY_STATUS status = SEC_E_OK;
    for (size_t i = 0; status == SEC_E_OK; i++) {
        size_t size = fread(data, 1, sizes[i % (sizeof sizes / sizeof sizes[0])], file);
        if (size == 0) {
            break;
        }
        status = session_send(session, data, size);
    }
    fclose(file);
    return status;
}

static SECURITY_STATUS receive_file(struct session *session, const char *argument)
{
    size_t left = strtoul(argument, NULL, 10);
    const char *name = strchr(argument, ':');
    FILE *file = fopen(name != NULL ? name + 1 : "/dev/null", "wb");
    SECURITY_STATUS status = SEC_E_OK;
    while (left != 0 && status == SEC_E_OK) {
        size_t size;
        status = session_receive(session, &size);
        fwrite(session->plain, 1, size, file);
        left -= size < left ? size : left;
    }
    fclose(file);
    return status;
}

static SECURITY_STATUS echo_file(struct session *session, const char *argument)
{
    static const size_t sizes[] = {1, 4000, 17, 1093, 1000, 3999, 2, 2001};
    char name[256] = "";
    static char line[4096];
    const char *into = strchr(argument, ':');
    memcpy(name, argument, (size_t)(into - argument));
    FILE *from = fopen(name, "rb");
    FILE *to = fopen(into + 1, "wb");
    SECURITY_STATUS status = from != NULL && to != NULL ? SEC_E_OK : SEC_E_INTERNAL_ERROR;
    for (size_t i = 0; status == SEC_E_OK; i++) {
        size_t size = fread(line, 1, sizes[i % (sizeof sizes / sizeof sizes[0])], from);
        if (size == 0) {
            break;
        }
        line[size++] = '\n';
        status = session_send(session, line, size);
        while (size != 0 && status == SEC_E_OK) {
            size_t got;
            status = session_receive(session, &got);
            fwrite(session->plain, 1, got, to);
            size -= got < size ? got : size;
        }
    }
    fclose(from);
    fclose(to);
    return status;
}

/* What comes, into `file` if there is one, until `text` was in it. */
static SECURITY_STATUS receive_until(struct session *session, const char *text, FILE *file)
{
    static char seen[2 * SESSION_ROOM];
    size_t seen_size = 0;
    for (;;) {
        size_t size;
        SECURITY_STATUS status = session_receive(session, &size);
        if (status != SEC_E_OK) {
            return status;
        }
        if (file != NULL) {
            fwrite(session->plain, 1, size, file);
        }
        if (seen_size + size > sizeof seen) { /* the text may have begun in what is there */
            size_t kept = seen_size < 64 ? seen_size : 64;
            memmove(seen, seen + seen_size - kept, kept);
            seen_size = kept;
        }
        memcpy(seen + seen_size, session->plain, size);
        seen_size += size;
        if (memmem(seen, seen_size, text, strlen(text)) != NULL) {
            return SEC_E_OK;
        }
    }
}

static SECURITY_STATUS receive_lines(struct session *session, const char *argument)
{
    char text[64] = "";
    const char *name = strchr(argument, ':');
    memcpy(text, argument, (size_t)(name - argument));
    FILE *file = fopen(name + 1, "wb");
    SECURITY_STATUS status = receive_until(session, text, file);
    fclose(file);
    return status;
}

static SECURITY_STATUS send_messages(struct session *session, const char *value)
{
    int count = atoi(value);
    SECURITY_STATUS status = SEC_E_OK;
    for (int i = 0; i < count && status == SEC_E_OK; i++) {
        char line[64];
        int size = snprintf(line, sizeof line, "message %d of ours\n", i);
        status = session_send(session, line, (size_t)size);
    }
    return status;
}

static SECURITY_STATUS receive_end(struct session *session, const char *value)
{
    for (;;) {
        size_t size;
        SECURITY_STATUS status = session_receive(session, &size);
        if (status != SEC_E_OK) {
            return status;
        }
    }
}

static SECURITY_STATUS show_facts(struct session *session, const char *value)
{
    print_facts(session);
    return SEC_E_OK;
}

static SECURITY_STATUS send_text(struct session *session, const char *value)
{
    char line[256];
    int size = snprintf(line, sizeof line, "%s\n", value);
    return session_send(session, line, (size_t)size);
}

static SECURITY_STATUS wait_for(struct session *session, const char *value)
{
    return receive_until(session, value, NULL);
}

static SECURITY_STATUS ask(struct session *session, const char *value)
{
    ((struct session_options *)(uintptr_t)session->options)->request |= ASC_REQ_MUTUAL_AUTH;
    return session_renegotiate(session);
}

static SECURITY_STATUS renegotiate(struct session *session, const char *value)
{
    return session_renegotiate(session);
}

static SECURITY_STATUS send_close(struct session *session, const char *value)
{
    DWORD token = SCHANNEL_SHUTDOWN;
    return session_control(session, &token, sizeof token);
}

static SECURITY_STATUS send_alert(struct session *session, const char *value)
{
    SCHANNEL_ALERT_TOKEN token = {SCHANNEL_ALERT, TLS1_ALERT_FATAL, (DWORD)atoi(value)};
    return session_control(session, &token, sizeof token);
}

static SECURITY_STATUS act(struct session *session, const char *action)
{
    static const struct {
        const char *name;
        SECURITY_STATUS (*act)(struct session *session, const char *value);
    } known[] = {
        {"facts", show_facts},        {"text", send_text}, {"wait", wait_for},          {"send", send_file},
        {"receive", receive_file},    {"echo", echo_file}, {"messages", send_messages}, {"lines", receive_lines},
        {"renegotiate", renegotiate}, {"ask", ask},        {"shutdown", send_close},    {"alert", send_alert},
        {"end", receive_end}};
    const char *value = strchr(action, '=');
    size_t length = value != NULL ? (size_t)(value - action) : strlen(action);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i].name) == length && memcmp(known[i].name, action, length) == 0) {
            return known[i].act(session, value != NULL ? value + 1 : "");
        }
    }
    session_fatal("no such action: %s", action);
}

/* ---------------------------------------------------------------- the program */

static void converse(struct peer *peer, int number)
{
    struct session *session = calloc(1, sizeof *session);
    session->options = &peer->session;
    session->credential = peer->session.credential;
    session->socket = next_socket(peer);
    printf("connection %d\n", number);
    SECURITY_STATUS status = session_shake(session, !peer->session.server);
    printf("handshake %s\n", session_status(status));
    if (status != SEC_E_OK) {
        const char *reason = SspiExtLastReason(NULL);
        printf("reason %s\n", reason != NULL ? reason : "-");
    }
    for (int i = 0; i < peer->action_count && status >= 0 && status != SEC_I_CONTEXT_EXPIRED; i++) {
        status = act(session, peer->actions[i]);
        printf("%s %s\n", strchr(peer->actions[i], '=') != NULL ? "done" : peer->actions[i], session_status(status));
    }
    session_end(session);
    shutdown(session->socket, SHUT_WR);
    close(session->socket);
    free(session);
    printf("over %d\n", number);
}

int main(int argc, char **argv)
{
    struct peer peer = {.times = 1, .listener = -1};
    setvbuf(stdout, NULL, _IOLBF, 0);
    read_options(&peer, argc, argv);
    if (peer.certificate_count != peer.key_count) {
        session_fatal("a certificate without --key");
    }
    acquire(&peer, peer.certificates, peer.keys, peer.certificate_count, &peer.session.credential);
    if (peer.late != NULL) {
        peer.session.has_late = true;
        acquire(&peer, &peer.late, &peer.late_key, 1, &peer.session.late);
    }
    if (peer.session.server) {
        begin_listening(&peer);
    }
    for (int i = 0; i < peer.times; i++) {
        converse(&peer, i);
    }
    FreeCredentialsHandle(&peer.session.credential);
    if (peer.session.has_late) {
        FreeCredentialsHandle(&peer.session.late);
    }
    printf("finished\n");
    return 0;
}
