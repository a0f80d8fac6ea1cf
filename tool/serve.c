#include <argp.h>
#include <arpa/inet.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "command.h"
#include "serve.h"
#include "terminal.h"

enum option_key { OPTION_ONCE = 256, OPTION_TLS, OPTION_REALM, OPTION_PROXY };

struct options {
    const char *listen;
    const char *packages;
    const char *accounts;
    const char *realm;
    bool once, tls, quiet, proxy;
};

static const struct argp_option option_table[] = {
    {"listen", 'l', "ADDRESS:PORT", 0, "where to listen (default 127.0.0.1:8080; port 0: the kernel chooses)"},
    {"packages", 'k', "LIST", 0, "schemes to offer, separated by commas (default: all of this build)"},
    {"accounts", 'a', "DIRECTORY", 0, "the account database (default: as sspi.conf(5) says)"},
    {"realm", OPTION_REALM, "TEXT", 0, "what the page calls this server"},
    {"proxy", OPTION_PROXY, NULL, 0, "be an HTTP proxy as well, for those who sign in (407)"},
    {"once", OPTION_ONCE, NULL, 0, "end after the first request that was let in"},
    {"quiet", 'q', NULL, 0, "no line a request on standard error"},
    {"tls", OPTION_TLS, NULL, 0, "not in this build: TLS comes with the Schannel package"},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'l':
        options->listen = argument;
        return 0;
    case 'k':
        options->packages = argument;
        return 0;
    case 'a':
        options->accounts = argument;
        return 0;
    case OPTION_REALM:
        options->realm = argument;
        return 0;
    case OPTION_ONCE:
        options->once = true;
        return 0;
    case OPTION_PROXY:
        options->proxy = true;
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case OPTION_TLS:
        options->tls = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "serve takes no arguments");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    option_table, parse_option, NULL,
    "An HTTP server behind Windows-integrated authentication. Its page tells whoever is let in who he is, by which "
    "package, and draws the exchange; /json, or Accept: application/json, says the same to programs."
    "\vOnce it listens it prints \"listening on http://ADDRESS:PORT/\" on standard output. SIGTERM and SIGINT end it "
    "with "
    "status 0. The connection is what is authenticated: put no proxy that shares connections in front of it."};

/* Acquires a credential for every scheme asked for. */
static int acquire(struct server *server, const char *list)
{
    AUTO_FREE char *names = need(strdup(list != NULL ? list : ""));
    char *rest = NULL;
    size_t built_in = 0;
    char *name = list != NULL ? strtok_r(names, ",", &rest) : NULL;
    while (list != NULL ? name != NULL : built_in < scheme_count) {
        const struct scheme *scheme = list != NULL ? scheme_find(name) : &schemes[built_in++];
        if (list == NULL && scheme->on_request) {
            continue;
        }
        if (scheme == NULL) {
            complain("'%s' is not in this build", name);
            return EXIT_NOT_IN_BUILD;
        }
        if (server->offer_count == SERVE_SCHEMES) {
            complain("more than %d schemes", SERVE_SCHEMES);
            return EXIT_USAGE;
        }
        struct serve_offer *offer = &server->offers[server->offer_count];
        SECURITY_STATUS status = party_credential(scheme->package, true, NULL, &offer->credential);
        if (status != SEC_E_OK) {
            complain_status(scheme->package, status);
            return EXIT_ERROR;
        }
        offer->scheme = scheme;
        server->offer_count++;
        name = list != NULL ? strtok_r(NULL, ",", &rest) : NULL;
    }
    if (server->offer_count == 0) {
        complain("--packages names none");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static void on_signal(evutil_socket_t number, short events, void *argument)
{
    (void)number;
    (void)events;
    event_base_loopexit(argument, NULL);
}

/* The line that scripts wait for. */
static void announce(struct evconnlistener *listener)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char host[INET6_ADDRSTRLEN] = "";
    char port[8] = "";
    if (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&address, &size) == 0 &&
        getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        bool six = address.ss_family == AF_INET6;
        printf("listening on http://%s%s%s:%s/\n", six ? "[" : "", host, six ? "]" : "", port);
        fflush(stdout);
    }
}

/* The address of "127.0.0.1:8080" or "[::1]:0": read as the authority of a URL, which is what it will be announced as. */
static struct addrinfo *parse_address(const char *where)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *address = NULL;
    AUTO_FREE char *url = NULL;
    char port[16];
    if (asprintf(&url, "http://%s/", where) < 0) {
        url = need(NULL);
    }
    struct evhttp_uri *uri = evhttp_uri_parse(url);
    if (uri == NULL || evhttp_uri_get_port(uri) < 0 || strcmp(evhttp_uri_get_path(uri), "/") != 0) {
        if (uri != NULL) {
            evhttp_uri_free(uri);
        }
        return NULL;
    }
    AUTO_FREE char *host = need(strdup(evhttp_uri_get_host(uri)));
    char *bare = host[0] == '[' ? host + 1 : host;
    bare[strcspn(bare, "]")] = '\0';
    snprintf(port, sizeof port, "%d", evhttp_uri_get_port(uri));
    evhttp_uri_free(uri);
    return bare[0] != '\0' && getaddrinfo(bare, port, &hints, &address) == 0 ? address : NULL;
}

static int listen_at(struct server *server, const char *where)
{
    const unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
    struct addrinfo *address = parse_address(where);
    if (address == NULL) {
        complain("--listen wants ADDRESS:PORT, as in 127.0.0.1:8080 or [::1]:0, not '%s'", where);
        return EXIT_USAGE;
    }
    server->listener =
        evconnlistener_new_bind(server->base, NULL, NULL, flags, 128, address->ai_addr, (int)address->ai_addrlen);
    freeaddrinfo(address);
    if (server->listener == NULL) {
        complain("cannot listen on %s: %m", where);
        return EXIT_NETWORK;
    }
    need(evhttp_bind_listener(server->http, server->listener));
    return EXIT_DONE;
}

static int run(struct server *server, const char *where)
{
    server->base = need(event_base_new());
    server->http = need(evhttp_new(server->base));
    if (server->proxy) {
        server->dns =
            evdns_base_new(server->base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    }
    int code = listen_at(server, where);
    struct event *term = evsignal_new(server->base, SIGTERM, on_signal, server->base);
    struct event *interrupt = evsignal_new(server->base, SIGINT, on_signal, server->base);
    if (code == EXIT_DONE && (event_add(need(term), NULL) != 0 || event_add(need(interrupt), NULL) != 0)) {
        complain("signals cannot be watched");
        code = EXIT_ERROR;
    }
    if (code == EXIT_DONE) {
        serve_attach(server);
        announce(server->listener);
        event_base_dispatch(server->base);
    }
    event_free(term);
    event_free(interrupt);
    server->listener = NULL; /* belongs to evhttp now, or was never there */
    evhttp_free(server->http);
    serve_forget_all(server);
    if (server->dns != NULL) {
        evdns_base_free(server->dns, 0);
    }
    event_base_free(server->base);
    return code;
}

int command_serve(int argc, char **argv)
{
    struct options options = {.listen = "127.0.0.1:8080", .realm = "OpenSSPI"};
    struct server server = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    if (options.tls) {
        complain("--tls: this build has no Schannel package, so there is no TLS; serve speaks plain HTTP");
        return EXIT_NOT_IN_BUILD;
    }
    if (options.accounts != NULL) { /* before the library's first look at it */
        setenv("SSPI_ACCOUNTS", options.accounts, 1);
    }
    server.realm = options.realm;
    server.once = options.once;
    server.proxy = options.proxy;
    server.quiet = options.quiet;
    signal(SIGPIPE, SIG_IGN);
    int code = acquire(&server, options.packages);
    if (code == EXIT_DONE) {
        code = run(&server, options.listen);
    }
    for (size_t i = 0; i < server.offer_count; i++) {
        FreeCredentialsHandle(&server.offers[i].credential);
    }
    return code;
}
