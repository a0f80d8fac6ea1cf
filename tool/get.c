#include <argp.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>

#include "base/auto.h"
#include "command.h"
#include "get.h"
#include "terminal.h"

#define HEADERS_MAX  (256 * 1024)
#define REQUESTS_MAX 12 /* two authentications of a few legs; a server that wants more is not worth it */

enum option_key { OPTION_JSON = 256, OPTION_PROXY, OPTION_TARGET, OPTION_TIMEOUT };

static const struct argp_option option_table[] = {
    {"package", 'k', "NAME", 0, "insist on this scheme (default: the best that the server offers)"},
    {"target", OPTION_TARGET, "SPN", 0, "the server's principal name (default: HTTP/HOST of the URL)"},
    {"proxy", OPTION_PROXY, "http[s]://HOST:PORT", 0,
     "go through a proxy, and sign in there as the same user when it asks"},
    {"timeout", OPTION_TIMEOUT, "SECONDS", 0, "give up on a silent peer (default 30)"},
    {"verbose", 'v', NULL, 0, "draw the exchange on standard error"},
    {"json", OPTION_JSON, NULL, 0, "print the facts as JSON instead of the page"},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct get_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->login;
        state->child_inputs[1] = &options->tls;
        return 0;
    case 'k':
        options->scheme = argument;
        return 0;
    case 'v':
        options->verbose = true;
        return 0;
    case OPTION_TARGET:
        options->target = argument;
        return 0;
    case OPTION_PROXY:
        options->proxy = argument;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case OPTION_TIMEOUT:
        options->timeout = (unsigned)strtoul(argument, NULL, 10);
        if (options->timeout == 0 || options->timeout > 86400) {
            argp_error(state, "--timeout wants seconds, from 1 to 86400");
        }
        return 0;
    case ARGP_KEY_ARG:
        if (options->url != NULL) {
            argp_error(state, "one URL at a time");
        }
        options->url = argument;
        return 0;
    case ARGP_KEY_END:
        if (options->url == NULL) {
            argp_error(state, "which URL?");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&login_argp, 0, "Identity:", 1}, {&tls_client_argp, 0, "TLS:", 2}, {0}};
static const struct argp argp = {
    option_table, parse_option, "URL",
    "Fetch a page as the logged-on user or as --user, on one connection. The page goes to standard output, everything "
    "else to standard error."
    "\vExit status: 0 fetched, 1 an error here, 2 usage, 3 refused (401 or 407), 4 no connection, 5 not in this build "
    "(https through an https proxy), 6 another HTTP error, 8 a certificate that is not to be trusted.",
    children};

static bool asks(int code)
{
    return code == 401 || code == 407;
}

/* The page, as it arrives; what a 401 says is not the page, nor is what a stranger says. */
static void write_body(struct fetch *fetch, struct evhttp_request *request)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    size_t size = evbuffer_get_length(body);
    bool page = !asks(evhttp_request_get_response_code(request)) && fetch->verdict == EXIT_DONE;
    if (page && !fetch->options->json && size > 0) {
        fwrite(evbuffer_pullup(body, -1), 1, size, stdout);
    }
    evbuffer_drain(body, size);
}

static void on_chunk(struct evhttp_request *request, void *argument)
{
    write_body(argument, request);
}

static void on_error(enum evhttp_request_error error, void *argument)
{
    struct fetch *fetch = argument;
    fetch->error = error;
    fetch->has_error = true;
}

static void on_close(struct evhttp_connection *connection, void *argument)
{
    struct fetch *fetch = argument;
    (void)connection;
    fetch->closed = true;
    fetch->connected = false;
}

/* Before the first byte of the page: who sends it?  A 407 is the proxy's, and says nothing about the server. */
static int on_headers(struct evhttp_request *request, void *argument)
{
    struct fetch *fetch = argument;
    fetch->code = evhttp_request_get_response_code(request);
    if (fetch->code < 200) { /* converse() knows what to say; 100 Continue passes unseen (RFC 9110 15.2) */
        return 0;
    }
    for (size_t i = 0; i < 2; i++) {
        gate_keep_offer(fetch, i, evhttp_request_get_input_headers(request));
        fetch->gates[i].info = evhttp_find_header(evhttp_request_get_input_headers(request),
                                                  i == 0 ? "Authentication-Info" : "Proxy-Authentication-Info");
    }
    if (fetch->code != 407) {
        fetch->verdict = gate_finish(fetch, &fetch->gates[1]);
    }
    if (!asks(fetch->code) && fetch->verdict == EXIT_DONE) {
        fetch->verdict = gate_finish(fetch, &fetch->gates[0]);
    }
    return 0;
}

static void on_answer(struct evhttp_request *request, void *argument)
{
    struct fetch *fetch = argument;
    if (request != NULL && evhttp_request_get_response_code(request) != 0) {
        const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
        fetch->answered = true;
        fetch->by_end = evhttp_find_header(headers, "Content-Length") == NULL &&
                        evhttp_find_header(headers, "Transfer-Encoding") == NULL;
        write_body(fetch, request);
    }
    event_base_loopbreak(fetch->base);
}

static void hang_up(struct fetch *fetch)
{
    struct party *party = &fetch->gates[0].party;
    tls_bridge_free(STEAL(fetch->bridge));
    tls_clear(&fetch->tls);
    FreeContextBuffer((void *)party->bindings.data);
    party->bindings = BYTES_NONE;
}

static char *ask_for_tunnel(void *argument)
{
    struct fetch *fetch = argument;
    struct gate *gate = &fetch->gates[1];
    char *request = NULL;
    if (asprintf(&request, "CONNECT %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: sspi-get (OpenSSPI)\r\n%s%s%s%s\r\n",
                 fetch->tunnel, fetch->tunnel, gate->header != NULL ? gate->answer : "",
                 gate->header != NULL ? ": " : "", gate->header != NULL ? gate->header : "",
                 gate->header != NULL ? "\r\n" : "") < 0) {
        need(NULL);
    }
    free(STEAL(gate->header));
    return request;
}

/* The proxy's answer to CONNECT. */
static bool hear_of_tunnel(void *argument, int code, struct evkeyvalq *headers, bool *accepted)
{
    struct fetch *fetch = argument;
    struct gate *gate = &fetch->gates[1];
    fetch->code = code;
    free(STEAL(fetch->offer[1]));
    gate_keep_offer(fetch, 1, headers);
    gate->info = evhttp_find_header(headers, "Proxy-Authentication-Info");
    if (code == 407 && ++fetch->tunnel_requests < REQUESTS_MAX && fetch->offer[1] != NULL) {
        fetch->tunnel_code = gate_answer(fetch, gate, fetch->offer[1]);
        *accepted = false;
        return fetch->tunnel_code == EXIT_DONE;
    }
    if (code == 407) {
        bool tried = gate->tried || gate->party.has_context;
        complain(tried ? GET_REFUSED : "the %s wants credentials (407), but offers no scheme that this build has",
                 gate->name);
        fetch->tunnel_code = tried ? EXIT_REFUSED : EXIT_NOT_IN_BUILD;
    } else if (code < 200 || code >= 300) {
        complain("the proxy makes no tunnel to %s: %d", fetch->tunnel, code);
        fetch->tunnel_code = code == 0 ? EXIT_NETWORK : EXIT_HTTP;
    } else {
        fetch->tunnel_code = gate_finish(fetch, gate);
    }
    *accepted = fetch->tunnel_code == EXIT_DONE;
    return false;
}

/* Puts TLS under a connection that evhttp has just begun. */
static void secure(struct fetch *fetch)
{
    const struct tls_prologue prologue = {ask_for_tunnel, hear_of_tunnel, fetch};
    struct bufferevent *client = evhttp_connection_get_bufferevent(fetch->connection);
    if ((!fetch->https && !fetch->tls_to_proxy) || fetch->connected) {
        return;
    }
    hang_up(fetch);
    tls_init(&fetch->tls, &fetch->credential, fetch->tunnel != NULL ? fetch->origin : fetch->host, "http/1.1");
    fetch->bridge = tls_bridge_new(fetch->base, client, &fetch->tls, fetch->options->timeout);
    if (fetch->tunnel != NULL) { /* each connection to the proxy signs in anew */
        party_reset(&fetch->gates[1].party);
        fetch->gates[1].tried = false;
        fetch->tunnel_requests = 0;
        tls_bridge_set_prologue(fetch->bridge, &prologue);
    }
    fetch->connected = true;
}

/* One request and its answer.  An exit code; EXIT_DONE means that fetch->code is the answer's. */
static int send_request(struct fetch *fetch)
{
    static const char *const errors[] = {
        [EVREQ_HTTP_TIMEOUT] = "the peer is silent",
        [EVREQ_HTTP_EOF] = "the peer hung up",
        [EVREQ_HTTP_INVALID_HEADER] = "the peer does not speak HTTP",
        [EVREQ_HTTP_BUFFER_ERROR] = "the connection failed",
        [EVREQ_HTTP_REQUEST_CANCEL] = "cancelled",
        [EVREQ_HTTP_DATA_TOO_LONG] = "the answer is too long",
    };
    struct evhttp_request *request = need(evhttp_request_new(on_answer, fetch));
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    evhttp_add_header(headers, "Host", fetch->host_header);
    evhttp_add_header(headers, "User-Agent", "sspi-get (OpenSSPI)");
    evhttp_add_header(headers, "Accept", "*/*");
    evhttp_add_header(headers, "Connection", "keep-alive");
    for (size_t i = 0; i < 2; i++) {
        if (fetch->gates[i].header != NULL) {
            evhttp_add_header(headers, fetch->gates[i].answer, fetch->gates[i].header);
        }
        free(fetch->gates[i].header);
        free(fetch->offer[i]);
        fetch->gates[i].header = NULL;
        fetch->offer[i] = NULL;
    }
    evhttp_request_set_header_cb(request, on_headers);
    evhttp_request_set_chunked_cb(request, on_chunk);
    evhttp_request_set_error_cb(request, on_error);
    fetch->answered = false;
    fetch->has_error = false;
    fetch->closed = false;
    fetch->code = 0;
    fetch->verdict = EXIT_DONE;
    if (evhttp_make_request(fetch->connection, request, EVHTTP_REQ_GET, fetch->resource) != 0) {
        complain("the request cannot be sent");
        return EXIT_NETWORK;
    }
    secure(fetch);
    event_base_dispatch(fetch->base);
    if (fetch->tunnel_code != EXIT_DONE) {
        return fetch->tunnel_code;
    }
    if ((fetch->https || fetch->tls_to_proxy) && fetch->tls.state == TLS_FAILED &&
        (!fetch->answered || fetch->by_end)) {
        return tls_complain(&fetch->tls, fetch->host_header);
    }
    if (!fetch->answered) {
        complain("%s: %s", fetch->host_header, fetch->has_error ? errors[fetch->error] : "no connection");
        return EXIT_NETWORK;
    }
    return EXIT_DONE;
}

static int converse(struct fetch *fetch)
{
    for (int requests = 0; requests < REQUESTS_MAX; requests++) {
        int code = send_request(fetch);
        if (code != EXIT_DONE) {
            return code;
        }
        if (fetch->code < 200) {
            complain("the peer answers %d, which is not an answer", fetch->code);
            return EXIT_NETWORK;
        }
        struct gate *gate = fetch->code == 401 ? &fetch->gates[0] : fetch->code == 407 ? &fetch->gates[1] : NULL;
        if (fetch->verdict != EXIT_DONE || gate == NULL) {
            return fetch->verdict != EXIT_DONE ? fetch->verdict : fetch->code >= 400 ? EXIT_HTTP : EXIT_DONE;
        }
        const char *offer = fetch->offer[gate == &fetch->gates[0] ? 0 : 1];
        if (offer == NULL) {
            bool tried = gate->tried || gate->party.has_context;
            complain(tried ? GET_REFUSED : "the %s wants credentials (%d), but offers no scheme that this build has",
                     gate->name, fetch->code);
            return tried ? EXIT_REFUSED : EXIT_NOT_IN_BUILD;
        }
        code = gate_answer(fetch, gate, offer);
        if (code != EXIT_DONE) {
            return code;
        }
        if (fetch->closed && gate->party.has_context && fetch->exchange.count > 1 && !gate->scheme->text) {
            complain("the server closes the connection between the legs, which this scheme cannot survive");
            return EXIT_NETWORK;
        }
    }
    complain("the server keeps asking");
    return EXIT_REFUSED;
}

static char *principal_of(const char *host)
{
    char *out = NULL;
    if (asprintf(&out, "HTTP/%s", host) < 0) {
        need(NULL);
    }
    return out;
}

/* A URL of ours: http or https, a host, and no password in it. */
static int parse_url(const char *text, const char *what, struct evhttp_uri **out)
{
    struct evhttp_uri *uri = evhttp_uri_parse(text);
    const char *scheme = uri != NULL ? evhttp_uri_get_scheme(uri) : NULL;
    bool proxy = strcmp(what, "proxy") == 0;
    int code = EXIT_USAGE;
    if (scheme == NULL || (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0) ||
        evhttp_uri_get_host(uri) == NULL || evhttp_uri_get_host(uri)[0] == '\0') {
        complain("%s wants http[s]://HOST[:PORT]%s, not '%s'", what, proxy ? "" : "/...", text);
    } else if (evhttp_uri_get_userinfo(uri) != NULL) {
        complain("a %s with a name or password in it is visible to everybody on this machine; use --user", what);
    } else {
        *out = uri;
        return EXIT_DONE;
    }
    if (uri != NULL) {
        evhttp_uri_free(uri);
    }
    return code;
}

/* Without the brackets of an IPv6 address, which evhttp and TLS do not want. */
static char *bare_host(const char *host)
{
    char *out = need(strdup(host[0] == '[' ? host + 1 : host));
    out[strcspn(out, "]")] = '\0';
    return out;
}

static void prepare_gates(struct fetch *fetch, const char *host, const char *origin)
{
    bool tunnel = fetch->tunnel != NULL;
    fetch->gates[0] = (struct gate){.name = "server",
                                    .ask = "WWW-Authenticate",
                                    .answer = "Authorization",
                                    .method = "GET",
                                    .resource = fetch->resource};
    fetch->gates[1] = (struct gate){.name = "proxy",
                                    .ask = "Proxy-Authenticate",
                                    .answer = "Proxy-Authorization",
                                    .method = tunnel ? "CONNECT" : "GET",
                                    .resource = tunnel ? fetch->tunnel : fetch->resource};
    fetch->gates[0].target =
        fetch->options->target != NULL ? need(strdup(fetch->options->target)) : principal_of(origin);
    fetch->gates[1].target = principal_of(host);
}

static void prepare(struct fetch *fetch, struct evhttp_uri *proxy)
{
    bool whole = proxy != NULL && !fetch->https; /* a proxy that is asked for the page itself */
    struct evhttp_uri *to = proxy != NULL ? proxy : fetch->uri;
    const char *host = evhttp_uri_get_host(to);
    const char *origin = evhttp_uri_get_host(fetch->uri);
    const char *path = evhttp_uri_get_path(fetch->uri);
    const char *query = evhttp_uri_get_query(fetch->uri);
    int port = evhttp_uri_get_port(to);
    int origin_port = evhttp_uri_get_port(fetch->uri);
    if (asprintf(&fetch->host_header, origin_port > 0 ? "%s:%d" : "%s", origin, origin_port) < 0 ||
        asprintf(&fetch->owned_resource, "%s%s%s%s%s%s", whole ? "http://" : "", whole ? fetch->host_header : "",
                 path != NULL && path[0] == '/' ? "" : "/", path != NULL ? path : "", query != NULL ? "?" : "",
                 query != NULL ? query : "") < 0) {
        need(NULL);
    }
    fetch->resource = fetch->owned_resource;
    if (proxy != NULL && fetch->https &&
        asprintf(&fetch->tunnel, "%s:%d", origin, origin_port > 0 ? origin_port : 443) < 0) {
        need(NULL);
    }
    prepare_gates(fetch, host, origin);
    fetch->base = need(event_base_new());
    fetch->host = bare_host(host);
    fetch->origin = bare_host(origin);
    bool to_tls = proxy != NULL ? fetch->tls_to_proxy : fetch->https;
    port = port > 0 ? port : to_tls ? 443 : 80;
    fetch->connection = need(evhttp_connection_base_new(fetch->base, NULL, fetch->host, (uint16_t)port));
    evhttp_connection_set_timeout(fetch->connection, (int)fetch->options->timeout);
    evhttp_connection_set_max_headers_size(fetch->connection, HEADERS_MAX);
    evhttp_connection_set_closecb(fetch->connection, on_close, fetch);
}

static void print_facts(struct fetch *fetch)
{
    struct gate *gate = &fetch->gates[0];
    if (fetch->options->json) {
        struct json_object *facts = facts_new();
        facts_text(facts, "url", fetch->options->url);
        facts_number(facts, "http_status", (uint64_t)fetch->code);
        facts_truth(facts, "signed_in", gate->party.established && fetch->code != 401);
        if (fetch->options->proxy != NULL) {
            facts_truth(facts, "signed_in_at_proxy", fetch->gates[1].party.established && fetch->code != 407);
        }
        if (gate->party.established && fetch->code != 401) {
            facts_add(facts, "context", party_facts(&gate->party));
        }
        if (fetch->https) {
            facts_add(facts, "tls", tls_facts(&fetch->tls));
        }
        facts_add(facts, "exchange", exchange_facts(&fetch->exchange, false));
        facts_print_json(stdout, facts);
    } else if (fetch->options->verbose) {
        exchange_print(stderr, &fetch->exchange);
        fprintf(stderr, "HTTP status %d\n", fetch->code);
        if (fetch->https) {
            AUTO_FACTS tls = tls_facts(&fetch->tls);
            facts_print(stderr, tls, 2);
        }
        if (gate->party.established && fetch->code != 401) {
            AUTO_FACTS facts = party_facts(&gate->party);
            facts_print(stderr, facts, 2);
        }
    }
}

static void fetch_free(struct fetch *fetch)
{
    evhttp_connection_set_closecb(fetch->connection, NULL, NULL);
    hang_up(fetch);
    evhttp_connection_free(fetch->connection);
    event_base_free(fetch->base);
    evhttp_uri_free(fetch->uri);
    for (size_t i = 0; i < 2; i++) {
        party_reset(&fetch->gates[i].party);
        if (fetch->gates[i].has_credential) {
            FreeCredentialsHandle(&fetch->gates[i].credential);
        }
        free(fetch->gates[i].target);
        free(fetch->gates[i].header);
        free(fetch->offer[i]);
    }
    exchange_clear(&fetch->exchange);
    tls_credential_close(&fetch->credential);
    free(fetch->host_header);
    free(fetch->host);
    free(fetch->origin);
    free(fetch->tunnel);
    free(fetch->owned_resource);
}

static int get(struct get_options *options)
{
    struct fetch fetch = {.options = options};
    struct evhttp_uri *proxy = NULL;
    int code = EXIT_DONE;
    options->insist = options->scheme != NULL ? scheme_for(options->scheme) : NULL;
    if (options->scheme != NULL && options->insist == NULL) {
        complain("'%s' is not in this build", options->scheme);
        return EXIT_NOT_IN_BUILD;
    }
    code = parse_url(options->url, "URL", &fetch.uri);
    if (code == EXIT_DONE && options->proxy != NULL) {
        code = parse_url(options->proxy, "proxy", &proxy);
    }
    fetch.https = fetch.uri != NULL && strcasecmp(evhttp_uri_get_scheme(fetch.uri), "https") == 0;
    fetch.tls_to_proxy = proxy != NULL && strcasecmp(evhttp_uri_get_scheme(proxy), "https") == 0;
    if (code == EXIT_DONE && fetch.https && fetch.tls_to_proxy) {
        complain("https through TLS to a proxy is not in this build");
        code = EXIT_NOT_IN_BUILD;
    }
    if (code == EXIT_DONE && (fetch.https || fetch.tls_to_proxy)) {
        code = tls_credential_open(&fetch.credential, &options->tls, false);
    }
    if (code == EXIT_DONE && options->login.user != NULL && !login_password(&options->login, "Password", false)) {
        code = EXIT_USAGE;
    }
    if (code != EXIT_DONE) {
        if (fetch.uri != NULL) {
            evhttp_uri_free(fetch.uri);
        }
        if (proxy != NULL) {
            evhttp_uri_free(proxy);
        }
        tls_credential_close(&fetch.credential);
        return code;
    }
    prepare(&fetch, proxy);
    if (proxy != NULL) {
        evhttp_uri_free(proxy);
    }
    code = converse(&fetch);
    fflush(stdout);
    print_facts(&fetch);
    fetch_free(&fetch);
    return code;
}

int command_get(int argc, char **argv)
{
    struct get_options options = {.timeout = 30, .login = LOGIN_NONE, .tls = TLS_OPTIONS_NONE};
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    signal(SIGPIPE, SIG_IGN);
    int code = get(&options);
    login_free(&options.login);
    return code;
}
