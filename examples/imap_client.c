/* Signs in at an IMAP server as mail programs do, and looks into the mailbox.
 *
 *     imap_client HOST PORT MECHANISM [AUTHORITY [NAME]]
 *
 * MECHANISM is GSSAPI (Kerberos), GSS-SPNEGO, NTLM or DIGEST-MD5.  With AUTHORITY (a PEM file with the one certificate to
 * trust, or "system") the connection gets TLS first; "-" is none.  NAME is what the server is called by its certificate and by
 * who issues tickets, HOST unless it is given.
 */
#include "sasl.h"
#include "tls.h"

#include <stdio.h>
#include <string.h>

#define LINE_SIZE 100000
#define CHUNK     8192 /* fits into a record of TLS */

struct imap {
    struct tls tls; /* just its socket, until TLS is started */
    ULONG at, held; /* of what was received */
    char bytes[65536];
    char line[LINE_SIZE]; /* the last, without its end */
};

static bool secured(struct imap *imap)
{
    return SecIsValidHandle(&imap->tls.context);
}

static bool read_line(struct imap *imap)
{
    for (size_t length = 0; length < LINE_SIZE; length++) {
        if (imap->at == imap->held) {
            imap->at = 0;
            imap->held = secured(imap) ? tls_receive(&imap->tls, imap->bytes, sizeof imap->bytes)
                                       : receive_some(imap->tls.socket, imap->bytes, sizeof imap->bytes);
        }
        if (imap->held == 0) {
            fprintf(stderr, "the server went away\n");
            return false;
        }
        imap->line[length] = imap->bytes[imap->at++];
        if (imap->line[length] == '\n') {
            imap->line[length] = '\0';
            imap->line[strcspn(imap->line, "\r")] = '\0';
            return true;
        }
    }
    fprintf(stderr, "the server's line is too long\n");
    return false;
}

static bool send_line(struct imap *imap, const char *text)
{
    static char line[LINE_SIZE];
    int length = snprintf(line, sizeof line, "%s\r\n", text);
    bool good = length > 0 && (size_t)length < sizeof line;
    for (ULONG at = 0; good && at < (ULONG)length; at += CHUNK) {
        ULONG size = (ULONG)length - at < CHUNK ? (ULONG)length - at : CHUNK;
        good = secured(imap) ? tls_send(&imap->tls, line + at, size) : send_all(imap->tls.socket, line + at, size);
    }
    return good;
}

/* Whether the line is the end of the command, which went well. */
static bool accepted(const struct imap *imap)
{
    return strncmp(imap->line, "A OK", 4) == 0;
}

/* Reads on to the command's end, and prints the lines in front of it when `print` is set. */
static bool finish(struct imap *imap, bool print)
{
    while (imap->line[0] != 'A') {
        if (print) {
            printf("%s\n", imap->line);
        }
        if (!read_line(imap)) {
            return false;
        }
    }
    if (!accepted(imap)) {
        fprintf(stderr, "the server answers %s\n", imap->line + 2);
    }
    return accepted(imap);
}

static bool command(struct imap *imap, const char *text, bool print)
{
    return send_line(imap, text) && read_line(imap) && finish(imap, print);
}

/* Asks for TLS.  What came before it is nobody's word, so there must be nothing left of it. */
static bool start_tls(struct imap *imap, const char *authority)
{
    if (!command(imap, "A STARTTLS", false)) {
        return false;
    }
    if (imap->at != imap->held) {
        fprintf(stderr, "the server says too much before TLS\n");
        return false;
    }
    return tls_connect(&imap->tls, strcmp(authority, "system") == 0 ? NULL : authority);
}

/* The server's challenges stand behind a "+". */
static bool authenticate(struct imap *imap, struct sasl *sasl, const char *mechanism)
{
    static char response[SASL_RESPONSE_MAX];
    snprintf(response, sizeof response, "A AUTHENTICATE %s", mechanism);
    if (!send_line(imap, response) || !read_line(imap)) {
        return false;
    }
    while (imap->line[0] != 'A') {
        if (imap->line[0] == '+') {
            if (!sasl_respond(sasl, imap->line + 1 + strspn(imap->line + 1, " "), response)) {
                send_line(imap, "*");
                return false;
            }
            if (!send_line(imap, response)) {
                return false;
            }
        }
        if (!read_line(imap)) {
            return false;
        }
    }
    if (accepted(imap) && !sasl_complete(sasl)) {
        fprintf(stderr, "the server did not prove who it is\n");
        return false;
    }
    return finish(imap, false);
}

static bool converse(struct imap *imap, struct sasl *sasl, char **argv)
{
    bool plain = argv[4] == NULL || strcmp(argv[4], "-") == 0;
    if (!read_line(imap) || (!plain && !start_tls(imap, argv[4])) || !authenticate(imap, sasl, argv[3])) {
        return false;
    }
    printf("signed in with %s\n", argv[3]);
    return command(imap, "A NAMESPACE", true) && command(imap, "A SELECT INBOX", true) &&
           command(imap, "A LOGOUT", false);
}

int main(int argc, char **argv)
{
    static struct imap imap;
    struct sasl sasl;
    if (argc < 4 || argc > 6) {
        fprintf(stderr, "usage: imap_client HOST PORT MECHANISM [AUTHORITY [NAME]]\n");
        return 2;
    }
    tls_init(&imap.tls, argc > 5 ? argv[5] : argv[1]);
    imap.tls.socket = start_sockets() ? connect_to(argv[1], argv[2]) : INVALID_SOCKET;
    if (imap.tls.socket == INVALID_SOCKET) {
        return 1;
    }
    bool good = sasl_start(&sasl, argv[3], "imap", imap.tls.target) && converse(&imap, &sasl, argv);
    sasl_end(&sasl);
    tls_close(&imap.tls);
    closesocket(imap.tls.socket);
    WSACleanup();
    return good ? 0 : 1;
}
