#include <argp.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "command.h"
#include "login.h"
#include "party.h"
#include "rdp.h"
#include "starttls.h"
#include "terminal.h"
#include "tls.h"

#define PIECE       16384
#define BACKLOG_MAX (1024u * 1024) /* that one side may owe the other */

enum option_key {
    OPTION_NAME = 256,
    OPTION_ALPN,
    OPTION_AGAIN,
    OPTION_REPORT,
    OPTION_JSON,
    OPTION_TIMEOUT,
    OPTION_CREDSSP,
    OPTION_DELEGATE,
    OPTION_STARTTLS,
    OPTION_DTLS,
};

struct options {
    const char *where, *name, *alpn;
    const struct starttls *starttls; /* NULL: TLS from the first byte on */
    unsigned timeout;
    bool again, report, json, quiet, credssp, delegate;
    struct tls_options tls;
    struct login login;
};

static const struct argp_option option_table[] = {
    {"name", OPTION_NAME, "NAME", 0, "the server's name in its certificate and in SNI (default: HOST)"},
    {"alpn", OPTION_ALPN, "LIST", 0, "protocols to offer, separated by commas, best first"},
    {"starttls", OPTION_STARTTLS, "PROTOCOL", 0,
     "begin in the clear: smtp, imap, pop3, ftp, nntp, sieve, xmpp, ldap, postgres"},
    {"dtls", OPTION_DTLS, NULL, 0, "DTLS: UDP instead of TCP, lines instead of a stream"},
    {"again", OPTION_AGAIN, NULL, 0, "connect twice, and report the second time: is the session resumed?"},
    {"report", OPTION_REPORT, NULL, 0, "only report, on standard output, and close"},
    {"json", OPTION_JSON, NULL, 0, "the same as JSON"},
    {"quiet", 'q', NULL, 0, "no report"},
    {"credssp", OPTION_CREDSSP, NULL, 0,
     "ask an RDP server for a logon (NLA), report, and close; the default port is 3389"},
    {"delegate", OPTION_DELEGATE, NULL, 0, "with --credssp: let the server have the password, as an RDP client does"},
    {"timeout", OPTION_TIMEOUT, "SECONDS", 0, "give up on a silent server (default 30; not once the pipe stands)"},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->tls;
        state->child_inputs[1] = &options->login;
        return 0;
    case OPTION_NAME:
        options->name = argument;
        return 0;
    case OPTION_ALPN:
        options->alpn = argument;
        return 0;
    case OPTION_AGAIN:
        options->again = true;
        return 0;
    case OPTION_REPORT:
        options->report = true;
        return 0;
    case OPTION_STARTTLS:
        options->starttls = starttls_find(argument);
        if (options->starttls == NULL) {
            argp_error(state, "--starttls knows %s", starttls_names());
        }
        return 0;
    case OPTION_DTLS:
        options->tls.datagram = true;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case OPTION_CREDSSP:
        options->credssp = options->report = true;
        return 0;
    case OPTION_DELEGATE:
        options->delegate = true;
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case OPTION_TIMEOUT:
        options->timeout = (unsigned)strtoul(argument, NULL, 10);
        if (options->timeout == 0 || options->timeout > 86400) {
            argp_error(state, "--timeout wants seconds, from 1 to 86400");
        }
        return 0;
    case ARGP_KEY_ARG:
        if (options->where != NULL) {
            argp_error(state, "one HOST:PORT at a time");
        }
        options->where = argument;
        return 0;
    case ARGP_KEY_END:
        if (options->where == NULL) {
            argp_error(state, "connect where? HOST:PORT");
        }
        if (options->tls.datagram && (options->starttls != NULL || options->alpn != NULL || options->credssp)) {
            argp_error(state, "--dtls goes with none of --starttls, --alpn and --credssp");
        }
        if (options->starttls != NULL && options->credssp) {
            argp_error(state, "--starttls does not go with --credssp");
        }
        if (options->tls.datagram && options->tls.protocols != 0 &&
            (options->tls.protocols & (SP_PROT_TLS1_0 | SP_PROT_TLS1_1 | SP_PROT_TLS1_2)) == 0) {
            argp_error(state, "--dtls has no version 1.3 here");
        }
        if (!options->credssp && (options->delegate || options->login.user != NULL)) {
            argp_error(state, "--user and --delegate go with --credssp");
        }
        if (options->credssp && (options->again || options->alpn != NULL)) {
            argp_error(state, "--again and --alpn are not for --credssp");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {
    {&tls_client_argp, 0, "TLS:", 1}, {&login_argp, 0, "Logon, with --credssp:", 2}, {0}};
static const struct argp argp = {
    option_table, parse_option, "HOST:PORT",
    "A TLS client by Schannel: shakes hands, reports what was agreed on and what the server's certificate is worth, "
    "and "
    "then joins the connection to standard input and output."
    "\vThe report goes to standard error. The end of standard input says goodbye (close_notify), and what the server "
    "still sends is printed. Exit status: 0 closed in due form, 2 usage, 3 refused by an alert, 4 no connection, or "
    "cut "
    "off without a close_notify, 8 a certificate that is not to be trusted. With --credssp: 0 let in, 3 kept out.",
    children};

struct link {
    const struct options *options;
    char *host; /* owned; without brackets */
    char port[12];
    int socket;        /* -1: none */
    char *target;      /* owned; whom TLS, or CredSSP, means */
    uint32_t protocol; /* of RDP's, that the server has chosen */
    struct tls tls;
    struct evbuffer *in, *out, *plain; /* from and to the wire; for standard output */
};

/* "www.example.com:443", "[::1]:8443": read as the authority of a URL. */
static bool parse_where(struct link *link)
{
    AUTO_FREE char *url = NULL;
    if (asprintf(&url, "https://%s", link->options->where) < 0) {
        url = need(NULL);
    }
    struct evhttp_uri *uri = evhttp_uri_parse(url);
    const char *host = uri != NULL ? evhttp_uri_get_host(uri) : NULL;
    bool good = host != NULL && host[0] != '\0' && evhttp_uri_get_port(uri) != 0 &&
                evhttp_uri_get_userinfo(uri) == NULL && evhttp_uri_get_path(uri)[0] == '\0' &&
                evhttp_uri_get_query(uri) == NULL && evhttp_uri_get_fragment(uri) == NULL;
    if (good) {
        int port = evhttp_uri_get_port(uri);
        link->host = need(strdup(host[0] == '[' ? host + 1 : host));
        link->host[strcspn(link->host, "]")] = '\0';
        int usual = link->options->credssp            ? 3389
                    : link->options->starttls != NULL ? starttls_port(link->options->starttls)
                                                      : 443;
        snprintf(link->port, sizeof link->port, "%d", port > 0 ? port : usual);
    }
    if (uri != NULL) {
        evhttp_uri_free(uri);
    }
    return good;
}

/* Waits for a socket; false when it takes too long. */
static bool wait_for(const struct link *link, short events)
{
    struct pollfd poller = {link->socket, events, 0};
    int ready = 0;
    do {
        ready = poll(&poller, 1, (int)link->options->timeout * 1000);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

static bool try_address(struct link *link, const struct addrinfo *address)
{
    int error = 0;
    socklen_t size = sizeof error;
    link->socket = socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->socket < 0) {
        return false;
    }
    if (connect(link->socket, address->ai_addr, address->ai_addrlen) != 0) {
        error = errno;
        if (error == EINPROGRESS) {
            error = wait_for(link, POLLOUT) ? 0 : ETIMEDOUT;
        }
        if (error == 0 && getsockopt(link->socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
            error = errno;
        }
    }
    if (error != 0) {
        close(link->socket);
        link->socket = -1;
        errno = error;
    }
    return error == 0;
}

static int dial(struct link *link)
{
    const struct addrinfo hints = {.ai_socktype = link->options->tls.datagram ? SOCK_DGRAM : SOCK_STREAM};
    struct addrinfo *list = NULL;
    int failed = getaddrinfo(link->host, link->port, &hints, &list);
    if (failed != 0) {
        complain("%s: %s", link->host, gai_strerror(failed));
        return EXIT_NETWORK;
    }
    for (const struct addrinfo *at = list; at != NULL && link->socket < 0; at = at->ai_next) {
        (void)try_address(link, at);
    }
    int why = errno;
    freeaddrinfo(list);
    if (link->socket < 0) {
        complain("%s port %s: %s", link->host, link->port, strerror(why));
        return EXIT_NETWORK;
    }
    return EXIT_DONE;
}

/* Writes what the socket takes.  A server that takes nothing any more may have said why: reading goes on. */
static void push(struct link *link)
{
    while (evbuffer_get_length(link->out) > 0) {
        if (evbuffer_write(link->out, link->socket) < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                evbuffer_drain(link->out, evbuffer_get_length(link->out));
            }
            return;
        }
    }
}

/* Reads once, and lets TLS have it.  False at the end of the wire. */
static bool pull(struct link *link)
{
    int got = evbuffer_read(link->in, link->socket, PIECE);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (got <= 0) {
        tls_wire_ended(&link->tls);
        return false;
    }
    tls_receive(&link->tls, link->in, link->plain, link->out);
    return true;
}

/* RDP in the clear, up to where TLS begins. */
static int ask_for_logon(struct link *link)
{
    enum rdp_answer answer = RDP_MORE;
    rdp_ask(link->out, RDP_SSL | RDP_HYBRID | RDP_HYBRID_EX);
    push(link);
    while (answer == RDP_MORE) {
        if (!wait_for(link, POLLIN)) {
            complain("%s: the server is silent", link->options->where);
            return EXIT_NETWORK;
        }
        int got = evbuffer_read(link->in, link->socket, PIECE);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            complain("%s: the server hung up on a connection request of RDP's", link->options->where);
            return EXIT_NETWORK;
        }
        answer = rdp_hear(link->in, &link->protocol);
    }
    if (answer == RDP_NONSENSE) {
        complain("%s: the server does not speak RDP", link->options->where);
        return EXIT_NETWORK;
    }
    if (answer == RDP_REFUSED) {
        complain("%s: the server refuses: %s", link->options->where, rdp_failure(link->protocol));
        return EXIT_REFUSED;
    }
    if ((link->protocol & (RDP_HYBRID | RDP_HYBRID_EX)) == 0) {
        complain("%s: the server asks for no logon before the session (NLA is off)", link->options->where);
        return EXIT_NOT_IN_BUILD;
    }
    return EXIT_DONE;
}

static int shake_hands(struct link *link)
{
    bool alive = true;
    if (link->options->tls.datagram) {
        int code = tls_datagram_shake(&link->tls, link->socket, link->options->timeout);
        return code != EXIT_DONE ? tls_complain(&link->tls, link->options->where) : EXIT_DONE;
    }
    tls_begin(&link->tls, link->out);
    push(link);
    while (alive && link->tls.state == TLS_SHAKING) {
        if (!wait_for(link, POLLIN)) {
            complain("%s: the server is silent", link->options->where);
            return EXIT_NETWORK;
        }
        alive = pull(link);
        push(link); /* an alert, too */
    }
    return link->tls.state == TLS_FAILED ? tls_complain(&link->tls, link->options->where) : EXIT_DONE;
}

/* With RDP_HYBRID_EX the server says behind CredSSP whether the account may come in. */
static int hear_last_word(struct link *link)
{
    uint32_t result = 0;
    bool alive = true;
    while (link->protocol == RDP_HYBRID_EX && !rdp_last_word(link->plain, &result)) {
        if (!alive || link->tls.state != TLS_OPEN || !wait_for(link, POLLIN)) {
            complain("%s: the server took the credentials and says nothing more", link->options->where);
            return EXIT_REFUSED;
        }
        alive = pull(link);
    }
    if (result != 0) {
        complain("%s: the account may not log on there (early user authorization result %u)", link->options->where,
                 result);
        return EXIT_REFUSED;
    }
    return EXIT_DONE;
}

/* Says goodbye and hears the other side out: tickets for the next session come late. */
static void hang_up(struct link *link)
{
    if (link->options->tls.datagram) {
        tls_datagram_goodbye(&link->tls, link->socket);
        return;
    }
    tls_goodbye(&link->tls, link->out);
    push(link);
    bool alive = true;
    (void)shutdown(link->socket, SHUT_WR);
    while (alive && (link->tls.state == TLS_OPEN || link->tls.state == TLS_SHAKING) && wait_for(link, POLLIN)) {
        alive = pull(link);
        evbuffer_drain(link->plain, evbuffer_get_length(link->plain));
    }
}

/* Standard output takes what has come. */
static int print(struct link *link)
{
    while (evbuffer_get_length(link->plain) > 0) {
        if (evbuffer_write(link->plain, STDOUT_FILENO) < 0 && errno != EINTR && errno != EAGAIN) {
            complain("standard output: %m");
            return EXIT_ERROR;
        }
    }
    return EXIT_DONE;
}

/* From standard input.  False at its end. */
static bool take_input(struct link *link)
{
    uint8_t piece[PIECE];
    ssize_t got = read(STDIN_FILENO, piece, sizeof piece);
    if (got > 0) {
        (void)tls_send(&link->tls, piece, (size_t)got, link->out);
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        tls_goodbye(&link->tls, link->out);
        return false;
    }
    return true;
}

/* The pipe.  It ends when the server ends it. */
static int join(struct link *link)
{
    bool input = true;
    if (link->options->tls.datagram) {
        int code = tls_datagram_join(&link->tls, link->socket);
        return code != EXIT_DONE ? tls_complain(&link->tls, link->options->where) : EXIT_DONE;
    }
    while (link->tls.state == TLS_OPEN || link->tls.state == TLS_SHAKING) {
        bool room = link->tls.state == TLS_OPEN && evbuffer_get_length(link->out) < BACKLOG_MAX;
        short out = evbuffer_get_length(link->out) > 0 ? POLLOUT : 0;
        struct pollfd pollers[2] = {{link->socket, (short)(POLLIN | out), 0},
                                    {input && room ? STDIN_FILENO : -1, POLLIN, 0}};
        if (poll(pollers, 2, -1) < 0 && errno != EINTR) {
            complain("poll: %m");
            return EXIT_ERROR;
        }
        if (pollers[1].revents != 0) {
            input = take_input(link);
        }
        push(link);
        if ((pollers[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            (void)pull(link);
        }
        int code = print(link);
        if (code != EXIT_DONE) {
            return code;
        }
    }
    if (link->tls.state == TLS_FAILED) {
        return tls_complain(&link->tls, link->options->where);
    }
    tls_goodbye(&link->tls, link->out);
    push(link);
    return EXIT_DONE;
}

static void report(struct link *link, uint64_t nanoseconds)
{
    const struct options *options = link->options;
    struct json_object *facts = tls_facts(&link->tls);
    facts_number(facts, "handshake_microseconds", nanoseconds / 1000);
    if (options->credssp) {
        rdp_logon_facts(&link->tls, facts);
    }
    if (options->json) {
        facts_print_json(stdout, facts);
        return;
    }
    if (!options->quiet) {
        FILE *out = options->report ? stdout : stderr;
        fprintf(out, "%s%s%s\n", paint(out, PAINT_BOLD), options->where, paint(out, PAINT_NONE));
        facts_print(out, facts, 2);
        fflush(out);
    }
    json_object_put(facts);
}

static void link_close(struct link *link)
{
    tls_clear(&link->tls);
    if (link->socket >= 0) {
        close(link->socket);
        link->socket = -1;
    }
    evbuffer_drain(link->in, evbuffer_get_length(link->in));
    evbuffer_drain(link->out, evbuffer_get_length(link->out));
    evbuffer_drain(link->plain, evbuffer_get_length(link->plain));
}

static int visit(struct link *link, struct tls_credential *credential, bool last)
{
    const struct options *options = link->options;
    tls_init(&link->tls, credential, link->target, options->alpn);
    link->tls.request = options->delegate ? ISC_REQ_DELEGATE : 0;
    int code = dial(link);
    if (code == EXIT_DONE && options->credssp) {
        code = ask_for_logon(link);
    }
    if (code == EXIT_DONE && options->starttls != NULL) {
        code = starttls_begin(options->starttls, link->socket, options->name != NULL ? options->name : link->host,
                              options->timeout);
    }
    uint64_t start = party_clock();
    if (code == EXIT_DONE) {
        code = shake_hands(link);
    }
    uint64_t took = party_clock() - start;
    if (code == EXIT_DONE && options->credssp) {
        code = hear_last_word(link);
    }
    if (link->socket >= 0 && last && (code == EXIT_DONE || tls_distrusts(&link->tls))) {
        report(link, took);
    }
    if (code == EXIT_DONE && last && !options->report && !options->json) {
        code = join(link);
    } else if (code == EXIT_DONE) {
        hang_up(link);
    }
    link_close(link);
    return code;
}

int command_connect(int argc, char **argv)
{
    struct options options = {.timeout = 30, .tls = TLS_OPTIONS_NONE, .login = LOGIN_NONE};
    struct tls_credential credential;
    struct link link = {.options = &options, .socket = -1};
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    signal(SIGPIPE, SIG_IGN);
    if (!parse_where(&link)) {
        complain("connect wants HOST:PORT, as in www.example.com:443 or [::1]:8443, not '%s'", options.where);
        return EXIT_USAGE;
    }
    const char *name = options.name != NULL ? options.name : link.host;
    if (asprintf(&link.target, "%s%s", options.credssp ? "TERMSRV/" : "", name) < 0) {
        link.target = need(NULL);
    }
    options.tls.credssp = options.credssp;
    options.tls.login = &options.login;
    int code = EXIT_DONE;
    if (options.login.user != NULL && !login_password(&options.login, "Password", false)) {
        code = EXIT_USAGE;
    }
    code = code == EXIT_DONE ? tls_credential_open(&credential, &options.tls, false) : code;
    if (code == EXIT_DONE) {
        link.in = need(evbuffer_new());
        link.out = need(evbuffer_new());
        link.plain = need(evbuffer_new());
        code = options.again ? visit(&link, &credential, false) : EXIT_DONE;
        if (code == EXIT_DONE) {
            code = visit(&link, &credential, true);
        }
        evbuffer_free(link.in);
        evbuffer_free(link.out);
        evbuffer_free(link.plain);
        tls_credential_close(&credential);
    }
    free(link.host);
    free(link.target);
    login_free(&options.login);
    return code;
}
