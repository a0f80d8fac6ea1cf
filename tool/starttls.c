#include "starttls.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "command.h"
#include "terminal.h"
#include "wire/reader.h"

#define ANSWER_MAX 16384

struct dialogue {
    int socket;
    const char *host;
    unsigned timeout;
    char text[ANSWER_MAX]; /* what has come and belongs to no answer yet */
    size_t size;
};

struct starttls {
    const char *name;
    int port;
    int (*talk)(struct dialogue *dialogue);
};

/* ---------------------------------------------------------------- the socket */

static bool wait_for(const struct dialogue *dialogue, short events)
{
    struct pollfd poller = {dialogue->socket, events, 0};
    int ready = 0;
    do {
        ready = poll(&poller, 1, (int)dialogue->timeout * 1000);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

static int send_bytes(const struct dialogue *dialogue, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t sent = wait_for(dialogue, POLLOUT) ? send(dialogue->socket, at, size, MSG_NOSIGNAL) : -1;
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            complain("the server hung up before TLS");
            return EXIT_NETWORK;
        }
        at += sent > 0 ? sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
    }
    return EXIT_DONE;
}

static int send_text(const struct dialogue *dialogue, const char *text)
{
    return send_bytes(dialogue, text, strlen(text));
}

/* More bytes behind those that are there. */
static int receive(struct dialogue *dialogue)
{
    if (dialogue->size == sizeof dialogue->text) {
        complain("the server talks and talks before TLS");
        return EXIT_NETWORK;
    }
    ssize_t got = -1;
    do {
        if (!wait_for(dialogue, POLLIN)) {
            complain("the server is silent before TLS");
            return EXIT_NETWORK;
        }
        got = recv(dialogue->socket, dialogue->text + dialogue->size, sizeof dialogue->text - dialogue->size, 0);
    } while (got < 0 && (errno == EAGAIN || errno == EINTR));
    if (got <= 0) {
        complain("the server hung up before TLS");
        return EXIT_NETWORK;
    }
    dialogue->size += (size_t)got;
    return EXIT_DONE;
}

static void forget(struct dialogue *dialogue, size_t size)
{
    memmove(dialogue->text, dialogue->text + size, dialogue->size - size);
    dialogue->size -= size;
}

/* One line, without its end. */
static int read_line(struct dialogue *dialogue, char line[512])
{
    char *end = memchr(dialogue->text, '\n', dialogue->size);
    while (end == NULL) {
        int code = receive(dialogue);
        if (code != EXIT_DONE) {
            return code;
        }
        end = memchr(dialogue->text, '\n', dialogue->size);
    }
    size_t size = (size_t)(end - dialogue->text);
    snprintf(line, 512, "%.*s", (int)(size < 511 ? size : 511), dialogue->text);
    line[strcspn(line, "\r")] = '\0';
    forget(dialogue, size + 1);
    return EXIT_DONE;
}

/* ---------------------------------------------------------------- lines */

static int refuse(const char *line)
{
    char clean[200];
    size_t used = 0;
    for (const char *at = line; *at != '\0' && used + 1 < sizeof clean; at++) {
        clean[used++] = isprint((unsigned char)*at) ? *at : '?';
    }
    clean[used] = '\0';
    complain("the server does not begin TLS: %s", clean[0] != '\0' ? clean : "it says nothing of it");
    return EXIT_REFUSED;
}

/* An answer of numbered lines, "250-A", "250 B" (RFC 5321 4.2.1).  `wanted`: its number.  *out_found: whether a line was `word`
 * behind the number. */
static int numbered(struct dialogue *dialogue, const char *wanted, const char *word, bool *out_found)
{
    char line[512];
    for (;;) {
        int code = read_line(dialogue, line);
        if (code != EXIT_DONE) {
            return code;
        }
        if (strncmp(line, wanted, strlen(wanted)) != 0) {
            return refuse(line);
        }
        if (word != NULL && strlen(line) > 4 && strcasecmp(line + 4, word) == 0) {
            *out_found = true;
        }
        if (line[3] != '-') {
            return EXIT_DONE;
        }
    }
}

static int smtp(struct dialogue *dialogue)
{
    bool found = false;
    int code = numbered(dialogue, "220", NULL, NULL);
    if (code == EXIT_DONE) {
        code = send_text(dialogue, "EHLO localhost\r\n");
    }
    if (code == EXIT_DONE) {
        code = numbered(dialogue, "250", "STARTTLS", &found);
    }
    if (code == EXIT_DONE && !found) {
        return refuse("STARTTLS is not among its extensions (RFC 3207 2)");
    }
    if (code == EXIT_DONE) {
        code = send_text(dialogue, "STARTTLS\r\n");
    }
    return code == EXIT_DONE ? numbered(dialogue, "220", NULL, NULL) : code;
}

/* A greeting, a command, and an answer, both by their numbers. */
static int ask(struct dialogue *dialogue, const char *greeting, const char *command, const char *answer)
{
    int code = numbered(dialogue, greeting, NULL, NULL);
    if (code == EXIT_DONE) {
        code = send_text(dialogue, command);
    }
    return code == EXIT_DONE ? numbered(dialogue, answer, NULL, NULL) : code;
}

static int ftp(struct dialogue *dialogue)
{
    return ask(dialogue, "220", "AUTH TLS\r\n", "234"); /* RFC 4217 4 */
}

static int nntp(struct dialogue *dialogue)
{
    return ask(dialogue, "20", "STARTTLS\r\n", "382"); /* RFC 4642 2.2; 200 or 201 */
}

/* Lines until one that begins with `good`; one that begins with `bad` is a refusal. */
static int until(struct dialogue *dialogue, const char *good, const char *bad)
{
    char line[512];
    for (;;) {
        int code = read_line(dialogue, line);
        if (code != EXIT_DONE) {
            return code;
        }
        if (strncasecmp(line, good, strlen(good)) == 0) {
            return EXIT_DONE;
        }
        if (strncasecmp(line, bad, strlen(bad)) == 0) {
            return refuse(line);
        }
    }
}

static int imap(struct dialogue *dialogue)
{
    int code = until(dialogue, "* OK", "* "); /* RFC 3501 6.2.1 */
    if (code == EXIT_DONE) {
        code = send_text(dialogue, "a STARTTLS\r\n");
    }
    return code == EXIT_DONE ? until(dialogue, "a OK", "a ") : code;
}

static int pop3(struct dialogue *dialogue)
{
    int code = until(dialogue, "+OK", "-"); /* RFC 2595 4 */
    if (code == EXIT_DONE) {
        code = send_text(dialogue, "STLS\r\n");
    }
    return code == EXIT_DONE ? until(dialogue, "+OK", "-") : code;
}

static int sieve(struct dialogue *dialogue)
{
    int code = until(dialogue, "OK", "NO"); /* RFC 5804 2.2 */
    if (code == EXIT_DONE) {
        code = send_text(dialogue, "STARTTLS\r\n");
    }
    return code == EXIT_DONE ? until(dialogue, "OK", "NO") : code;
}

/* ---------------------------------------------------------------- other forms */

/* Until the text is there; then everything up to it is forgotten. */
static int until_text(struct dialogue *dialogue, const char *text, const char *bad)
{
    for (;;) {
        char *found = memmem(dialogue->text, dialogue->size, text, strlen(text));
        char *end = found != NULL ? memchr(found, '>', dialogue->size - (size_t)(found - dialogue->text)) : NULL;
        if (end != NULL) {
            forget(dialogue, (size_t)(end + 1 - dialogue->text));
            return EXIT_DONE;
        }
        if (memmem(dialogue->text, dialogue->size, bad, strlen(bad)) != NULL) {
            return refuse(bad);
        }
        int code = receive(dialogue);
        if (code != EXIT_DONE) {
            return code;
        }
    }
}

static int xmpp(struct dialogue *dialogue)
{
    char hello[512]; /* RFC 6120 5.4.2 */
    for (const char *at = dialogue->host; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr(".-:", *at) == NULL) {
            complain("'%s' is no name that XMPP could ask for", dialogue->host);
            return EXIT_USAGE;
        }
    }
    snprintf(hello, sizeof hello,
             "<?xml version='1.0'?><stream:stream to='%.200s' version='1.0' xmlns='jabber:client' "
             "xmlns:stream='http://etherx.jabber.org/streams'>",
             dialogue->host);
    int code = send_text(dialogue, hello);
    if (code == EXIT_DONE) {
        code = until_text(dialogue, "</stream:features", "</stream:stream");
    }
    if (code == EXIT_DONE) {
        code = send_text(dialogue, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    }
    return code == EXIT_DONE ? until_text(dialogue, "<proceed", "<failure") : code;
}

/* ExtendedRequest with StartTLS' OID, and its ExtendedResponse (RFC 4511 4.12, 4.14). */
static int ldap(struct dialogue *dialogue)
{
    static const char request[] = "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
                                  "1.3.6.1.4.1.1466.20037";
    int code = send_bytes(dialogue, request, sizeof request - 1);
    size_t whole = 2;
    while (code == EXIT_DONE && dialogue->size < whole) {
        code = receive(dialogue);
        if (code == EXIT_DONE && dialogue->size >= 2) {
            uint8_t length = (uint8_t)dialogue->text[1];
            whole = length < 0x80                          ? 2u + length
                    : length == 0x81 && dialogue->size > 2 ? 3u + (uint8_t)dialogue->text[2]
                                                           : 3;
        }
    }
    if (code != EXIT_DONE) {
        return code;
    }
    struct reader reader = read_start(bytes_of(dialogue->text, whole));
    bool message = read_u8(&reader) == 0x30;
    read_bytes(&reader, read_u8(&reader) == 0x81 ? 1 : 0);
    bool ours = read_u8(&reader) == 2 && read_u8(&reader) == 1 && read_u8(&reader) == 1;
    bool response = read_u8(&reader) == 0x78;
    read_bytes(&reader, read_u8(&reader) == 0x81 ? 1 : 0);
    bool result = read_u8(&reader) == 10 && read_u8(&reader) == 1;
    uint8_t number = read_u8(&reader);
    if (reader.bad || !message || !ours || !response || !result) {
        complain("the server does not speak LDAP");
        return EXIT_NETWORK;
    }
    forget(dialogue, whole);
    char text[40];
    snprintf(text, sizeof text, "LDAP result %u", number);
    return number == 0 ? EXIT_DONE : refuse(text);
}

/* SSLRequest, and one letter (PostgreSQL's documentation, "Message Flow"). */
static int postgres(struct dialogue *dialogue)
{
    static const char request[] = {0, 0, 0, 8, 0x04, (char)0xd2, 0x16, 0x2f};
    int code = send_bytes(dialogue, request, sizeof request);
    if (code == EXIT_DONE) {
        code = receive(dialogue);
    }
    if (code != EXIT_DONE) {
        return code;
    }
    char answer = dialogue->text[0];
    forget(dialogue, 1);
    return answer == 'S' ? EXIT_DONE : refuse(answer == 'N' ? "it has none (N)" : "that is not PostgreSQL");
}

/* ---------------------------------------------------------------- the table */

static const struct starttls protocols[] = {
    {"smtp", 25, smtp},   {"imap", 143, imap}, {"pop3", 110, pop3},
    {"ftp", 21, ftp},     {"nntp", 119, nntp}, {"sieve", 4190, sieve},
    {"xmpp", 5222, xmpp}, {"ldap", 389, ldap}, {"postgres", 5432, postgres},
};

const struct starttls *starttls_find(const char *name)
{
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
        if (strcasecmp(protocols[i].name, name) == 0) {
            return &protocols[i];
        }
    }
    return NULL;
}

const char *starttls_names(void)
{
    return "smtp, imap, pop3, ftp, nntp, sieve, xmpp, ldap, postgres";
}

int starttls_port(const struct starttls *protocol)
{
    return protocol->port;
}

int starttls_begin(const struct starttls *protocol, int socket, const char *host, unsigned timeout)
{
    struct dialogue dialogue = {.socket = socket, .host = host, .timeout = timeout};
    int code = protocol->talk(&dialogue);
    if (code == EXIT_DONE && dialogue.size != 0) {
        complain("the server says %zu bytes more in the clear before TLS, which somebody on the way may have put there",
                 dialogue.size);
        return EXIT_REFUSED;
    }
    return code;
}
