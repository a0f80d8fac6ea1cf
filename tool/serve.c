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

enum option_key { OPTION_ONCE = 256, OPTION_HTTPS, OPTION_BINDINGS, OPTION_REALM, OPTION_PROXY, OPTION_KEYTAB };

struct options {
    const char *listen;
    const char *packages;
    const char *accounts;
    const char *keytab;
    const char *realm;
    bool once, https, quiet, proxy;
    enum serve_bindings bindings;
    struct tls_options tls;
};

static const struct argp_option option_table[] = {
    {"listen", 'l', "ADDRESS:PORT", 0, "where to listen (default 127.0.0.1:8080; port 0: the kernel chooses)"},
    {"packages", 'k', "LIST", 0, "schemes to offer, separated by commas (default: all; Digest with --realm alone)"},
    {"accounts", 'a', "DIRECTORY", 0, "the account database (default: as sspi.conf(5) says)"},
    {"keytab", OPTION_KEYTAB, "FILE", 0, "this server's Kerberos keys (default: as sspi.conf(5) says)"},
    {"realm", OPTION_REALM, "TEXT", 0, "what the page calls this server, and Digest's realm, which is offered then"},
    {"proxy", OPTION_PROXY, NULL, 0, "be an HTTP proxy as well, for those who sign in (407)"},
    {"once", OPTION_ONCE, NULL, 0, "end after the first request that was let in"},
    {"quiet", 'q', NULL, 0, "no line a request on standard error"},
    {"https", OPTION_HTTPS, NULL, 0, "speak TLS, with the certificate of --cert"},
    {"bindings", OPTION_BINDINGS, "WHAT", 0,
     "over TLS, clients that send no channel bindings: require (the default: they stay outside), allow, or ignore, "
     "which lets relayed logons in"},
    {0},
};

static error_t parse_bindings(struct options *options, const char *argument, const struct argp_state *state)
{
    static const char *const names[] = {
        [SERVE_BINDINGS_REQUIRE] = "require",
        [SERVE_BINDINGS_ALLOW] = "allow",
        [SERVE_BINDINGS_IGNORE] = "ignore",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], argument) == 0) {
            options->bindings = (enum serve_bindings)i;
            return 0;
        }
    }
    argp_error(state, "--bindings is require, allow or ignore, not '%s'", argument);
    return EINVAL;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->tls;
        return 0;
    case 'l':
        options->listen = argument;
        return 0;
    case 'k':
        options->packages = argument;
        return 0;
    case 'a':
        options->accounts = argument;
        return 0;
    case OPTION_KEYTAB:
        options->keytab = argument;
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
    case OPTION_HTTPS:
        options->https = true;
        return 0;
    case OPTION_BINDINGS:
        return parse_bindings(options, argument, state);
    case ARGP_KEY_END:
        if (options->https && options->tls.certificate == NULL) {
            argp_error(state, "--https wants --cert");
        } else if (!options->https && (options->tls.certificate != NULL || options->tls.wants_certificate)) {
            argp_error(state, "--cert and --client-cert want --https");
        }
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "serve takes no arguments");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&tls_server_argp, 0, "TLS:", 1}, {0}};
static const struct argp argp = {
    option_table, parse_option, NULL,
    "An HTTP server behind Windows-integrated authentication. Its page tells whoever is let in who he is, by which "
    "package, and draws the exchange; /json, or Accept: application/json, says the same to programs."
    "\vOnce it listens it prints \"listening on http://ADDRESS:PORT/\", or https, on standard output. SIGTERM and "
    "SIGINT "
    "end it with status 0. The connection is what is authenticated: put no proxy that shares connections in front of "
    "it.",
    children};

/* Digest without being asked for: in a realm that accounts can be in, and where nobody insists on channel bindings. */
static bool wants_realm(const struct server *server)
{
    return server->has_realm && !(server->https && server->bindings == SERVE_BINDINGS_REQUIRE);
}

/* Acquires a credential for every scheme asked for. */
static int acquire(struct server *server, const char *list)
{
    AUTO_FREE char *names = need(strdup(list != NULL ? list : ""));
    char *rest = NULL;
    size_t built_in = 0;
    char *name = list != NULL ? strtok_r(names, ",", &rest) : NULL;
    while (list != NULL ? name != NULL : built_in < scheme_count) {
        const struct scheme *scheme = list != NULL ? scheme_for(name) : &schemes[built_in++];
        if (list == NULL && scheme->on_request && !wants_realm(server)) {
            continue;
        }
        if (scheme == NULL) {
            complain("'%s' is not in this build", name);
            return EXIT_NOT_IN_BUILD;
        }
        if (server->https && server->bindings == SERVE_BINDINGS_REQUIRE && scheme->unbound) {
            complain("%s knows no channel bindings: over TLS it needs --bindings allow or ignore", scheme->name);
            return EXIT_USAGE;
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
static void announce(const struct server *server)
{
    struct evconnlistener *listener = server->listener;
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    char host[INET6_ADDRSTRLEN] = "";
    char port[8] = "";
    if (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&address, &size) == 0 &&
        getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        bool six = address.ss_family == AF_INET6;
        printf("listening on %s://%s%s%s:%s/\n", server->https ? "https" : "http", six ? "[" : "", host, six ? "]" : "",
               port);
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
        announce(server);
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
    struct options options = {.listen = "127.0.0.1:8080", .tls = TLS_OPTIONS_NONE};
    struct server server = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    if (options.accounts != NULL) { /* before the library's first look at it */
        setenv("SSPI_ACCOUNTS", options.accounts, 1);
    }
    if (options.keytab != NULL) {
        setenv("SSPI_KEYTAB", options.keytab, 1);
    }
    server.realm = options.realm != NULL ? options.realm : "OpenSSPI";
    server.has_realm = options.realm != NULL;
    server.once = options.once;
    server.proxy = options.proxy;
    server.quiet = options.quiet;
    server.https = options.https;
    server.bindings = options.bindings;
    signal(SIGPIPE, SIG_IGN);
    int code = options.https ? tls_credential_open(&server.tls, &options.tls, true) : EXIT_DONE;
    if (code == EXIT_DONE) {
        code = acquire(&server, options.packages);
    }
    if (code == EXIT_DONE) {
        code = run(&server, options.listen);
    }
    for (size_t i = 0; i < server.offer_count; i++) {
        FreeCredentialsHandle(&server.offers[i].credential);
    }
    tls_credential_close(&server.tls);
    return code;
}
