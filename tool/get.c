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
#include "exchange.h"
#include "explain.h"
#include "http_digest.h"
#include "login.h"
#include "party.h"
#include "schemes.h"
#include "terminal.h"

#define HEADERS_MAX  (256 * 1024)
#define REFUSED      "refused by the %s: wrong name or password, or no right to be here"
#define REQUESTS_MAX 12 /* two authentications of a few legs; a server that wants more is not worth it */

enum option_key { OPTION_JSON = 256, OPTION_PROXY, OPTION_TARGET, OPTION_TIMEOUT };

struct options {
    const char *url, *proxy, *target, *scheme;
    unsigned timeout;
    bool verbose, json;
    struct login login;
};

static const struct argp_option option_table[] = {
    {"package", 'k', "NAME", 0, "insist on this scheme (default: the best that the server offers)"},
    {"target", OPTION_TARGET, "SPN", 0, "the server's principal name (default: HTTP/HOST of the URL)"},
    {"proxy", OPTION_PROXY, "http://HOST:PORT", 0,
     "go through a proxy, and sign in there as the same user when it asks"},
    {"timeout", OPTION_TIMEOUT, "SECONDS", 0, "give up on a silent peer (default 30)"},
    {"verbose", 'v', NULL, 0, "draw the exchange on standard error"},
    {"json", OPTION_JSON, NULL, 0, "print the facts as JSON instead of the page"},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->login;
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

static const struct argp_child children[] = {{&login_argp, 0, "Identity:", 1}, {0}};
static const struct argp argp = {
    option_table, parse_option, "URL",
    "Fetch a page as the logged-on user or as --user, on one connection. The page goes to standard output, everything "
    "else to standard error."
    "\vExit status: 0 fetched, 1 an error here, 2 usage, 3 refused (401 or 407), 4 no connection, 5 not in this build "
    "(https), 6 another HTTP error.",
    children};

/* Somebody who may ask for credentials on the way: the server or the proxy. */
struct gate {
    const char *name;   /* who it is, for people */
    const char *ask;    /* header with the offers */
    const char *answer; /* header for the token */
    char *target;       /* owned; the principal name */
    const struct scheme *scheme;
    struct party party;
    CredHandle credential;
    bool has_credential;
    bool tried;       /* the last token of an exchange was sent */
    char *header;     /* owned; what the next request says */
    const char *info; /* Authentication-Info of the answer at hand, while its headers are */
};

struct fetch {
    const struct options *options;
    struct event_base *base;
    struct evhttp_connection *connection;
    struct evhttp_uri *uri;
    const char *resource; /* what the request line names; owned below */
    char *owned_resource;
    char *host_header;
    struct gate gates[2];
    struct exchange exchange;
    /* the answer to the last request */
    int code;
    bool answered;
    bool closed; /* the connection ended since the last request was sent */
    enum evhttp_request_error error;
    bool has_error;
    int verdict;    /* an exit code: EXIT_DONE unless the answer came from somebody who did not prove himself */
    char *offer[2]; /* owned; the chosen value of each gate's `ask` header */
};

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
}

/* "Digest " and all values of a header, one behind the other. */
static char *join_offers(const struct scheme *scheme, const struct evkeyvalq *headers, const char *ask)
{
    char *text = need(strdup(scheme->name));
    const char *between = " ";
    for (const struct evkeyval *header = headers->tqh_first; header != NULL; header = header->next.tqe_next) {
        char *longer = NULL;
        if (strcasecmp(header->key, ask) == 0) {
            if (asprintf(&longer, "%s%s%s", text, between, header->value) < 0) {
                need(NULL);
            }
            free(text);
            text = longer;
            between = ", ";
        }
    }
    return text;
}

/* The best offer among a gate's headers; a header may list several (RFC 9110 11.6.1). */
static void keep_offer(struct fetch *fetch, size_t gate, const struct evkeyvalq *headers)
{
    const struct evkeyval *header = NULL;
    const struct scheme *best = NULL;
    for (header = headers->tqh_first; header != NULL; header = header->next.tqe_next) {
        char *rest = NULL;
        AUTO_FREE char *copy = need(strdup(header->value));
        if (strcasecmp(header->key, fetch->gates[gate].ask) != 0) {
            continue;
        }
        for (char *part = strtok_r(copy, ",", &rest); part != NULL; part = strtok_r(NULL, ",", &rest)) {
            struct bytes token = BYTES_NONE;
            bool good = true;
            part += strspn(part, " \t");
            const struct scheme *scheme = scheme_parse(part, &token, &good);
            free((void *)token.data);
            bool wanted = scheme != NULL &&
                          (fetch->gates[gate].scheme == NULL || scheme == fetch->gates[gate].scheme) &&
                          (fetch->options->scheme == NULL || strcasecmp(scheme->name, fetch->options->scheme) == 0);
            if (wanted && (best == NULL || scheme < best)) {
                best = scheme;
                free(fetch->offer[gate]);
                fetch->offer[gate] = need(strdup(part));
            }
        }
    }
    if (best != NULL && best->text) { /* its challenges have commas of their own: the package is given everything */
        free(fetch->offer[gate]);
        fetch->offer[gate] = join_offers(best, headers, fetch->gates[gate].ask);
    }
}

/* Digest's proof of the server is optional, but a wrong one is none (RFC 7616 3.5). */
static int check_info(const struct fetch *fetch, struct gate *gate)
{
    const struct digest_request line = {"GET", fetch->resource, NULL};
    if (gate->info == NULL || !gate->party.established) {
        return EXIT_DONE;
    }
    SECURITY_STATUS status = http_digest_check(&gate->party, gate->info, &line);
    if (status == SEC_E_OK) {
        return EXIT_DONE;
    }
    char what[40];
    snprintf(what, sizeof what, "Authentication-Info of the %s", gate->name);
    complain_reason(what, status, gate->party.reason);
    return EXIT_ERROR;
}

/* The answer that lets us in brings the peer's last token, when the scheme has one more than ours: only that token shows
 * that it is the peer we meant who answers (RFC 4559 5). */
static int finish_gate(struct fetch *fetch, struct gate *gate)
{
    struct bytes token = BYTES_NONE;
    struct bytes answer = BYTES_NONE;
    bool good = true;
    const char *offer = fetch->offer[gate - fetch->gates];
    if (gate->scheme != NULL && gate->scheme->text) {
        return check_info(fetch, gate);
    }
    if (gate->scheme == NULL || gate->party.established) {
        return EXIT_DONE;
    }
    if (offer != NULL) {
        (void)scheme_parse(offer, &token, &good);
    }
    if (token.size == 0) {
        complain("the %s answers %d with %s token: nothing shows that it is the right one", gate->name, fetch->code,
                 good ? "no last" : "a broken last");
        return fetch->code >= 400 ? EXIT_HTTP : EXIT_ERROR;
    }
    leg_note(exchange_add(&fetch->exchange, false, token), "HTTP/1.1 %d, %s: %s", fetch->code, gate->ask,
             gate->scheme->name);
    SECURITY_STATUS status =
        party_step(&gate->party, &gate->credential, token, gate->target, ISC_REQ_CONNECTION, &answer);
    free((void *)token.data);
    FreeContextBuffer((void *)answer.data);
    gate->tried = true;
    if (status == SEC_E_OK) {
        return EXIT_DONE;
    }
    if (status > 0) {
        complain("the %s answers %d in the middle of the exchange", gate->name, fetch->code);
    } else {
        char what[32];
        snprintf(what, sizeof what, "the last token of the %s", gate->name);
        complain_reason(what, status, gate->party.reason);
    }
    return EXIT_ERROR;
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
        keep_offer(fetch, i, evhttp_request_get_input_headers(request));
        fetch->gates[i].info = evhttp_find_header(evhttp_request_get_input_headers(request),
                                                  i == 0 ? "Authentication-Info" : "Proxy-Authentication-Info");
    }
    if (fetch->code != 407) {
        fetch->verdict = finish_gate(fetch, &fetch->gates[1]);
    }
    if (!asks(fetch->code) && fetch->verdict == EXIT_DONE) {
        fetch->verdict = finish_gate(fetch, &fetch->gates[0]);
    }
    return 0;
}

static void on_answer(struct evhttp_request *request, void *argument)
{
    struct fetch *fetch = argument;
    if (request != NULL && evhttp_request_get_response_code(request) != 0) {
        fetch->answered = true;
        write_body(fetch, request);
    }
    event_base_loopbreak(fetch->base);
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
    event_base_dispatch(fetch->base);
    if (!fetch->answered) {
        complain("%s: %s", fetch->host_header, fetch->has_error ? errors[fetch->error] : "no connection");
        return EXIT_NETWORK;
    }
    return EXIT_DONE;
}

static SECURITY_STATUS begin_gate(struct fetch *fetch, struct gate *gate, const struct scheme *scheme)
{
    gate->scheme = scheme;
    SECURITY_STATUS status = party_credential(scheme->package, false, &fetch->options->login, &gate->credential);
    gate->has_credential = status == SEC_E_OK;
    return status;
}

/* The gate's next token becomes the header of the next request.  EXIT_DONE when there is one. */
static int answer_gate(struct fetch *fetch, struct gate *gate, const char *offer)
{
    struct bytes token = BYTES_NONE;
    struct bytes answer = BYTES_NONE;
    bool good = true;
    SECURITY_STATUS status = SEC_E_OK;
    const struct scheme *scheme = scheme_parse(offer, &token, &good);
    if (token.size > 0) {
        leg_note(exchange_add(&fetch->exchange, false, token), "HTTP/1.1 %d, %s: %s", fetch->code, gate->ask,
                 scheme->name);
    }
    if (gate->scheme == NULL) {
        status = begin_gate(fetch, gate, scheme);
    }
    const char *why = status < 0 ? last_reason() : NULL;
    bool text = gate->scheme->text;
    bool refused = !text && (gate->tried || (gate->party.has_context && token.size == 0));
    if (status == SEC_E_OK && good && !refused && text) { /* a stale nonce may be answered again */
        const struct digest_request line = {"GET", fetch->resource, NULL};
        status = http_digest_answer(&gate->party, &gate->credential, token, &line, &answer);
        why = gate->party.reason;
    } else if (status == SEC_E_OK && good && !refused) {
        status = party_step(&gate->party, &gate->credential, token, gate->target, ISC_REQ_CONNECTION, &answer);
        why = gate->party.reason;
    }
    free((void *)token.data);
    if (status == SEC_E_LOGON_DENIED) { /* SPNEGO's reject says in so many words what an empty offer says */
        refused = true;
        status = SEC_E_OK;
    }
    if (status < 0 || !good || refused) {
        if (status < 0) {
            complain_reason(gate->scheme->package, status, why);
        } else {
            complain(good ? REFUSED : "the token of the %s is not base64", gate->name);
        }
        return !good || status < 0 ? EXIT_ERROR : EXIT_REFUSED;
    }
    struct leg *leg = exchange_add(&fetch->exchange, true, answer);
    leg_status(leg, status, gate->party.nanoseconds);
    leg_note(leg, "GET %s, %s: %s", fetch->resource, gate->answer, gate->scheme->name);
    gate->tried = status == SEC_E_OK;
    gate->header = scheme_format(gate->scheme, answer);
    FreeContextBuffer((void *)answer.data);
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
            complain(tried ? REFUSED : "the %s wants credentials (%d), but offers no scheme that this build has",
                     gate->name, fetch->code);
            return tried ? EXIT_REFUSED : EXIT_NOT_IN_BUILD;
        }
        code = answer_gate(fetch, gate, offer);
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

/* A URL of ours: http, a host, and no password in it. */
static int parse_url(const char *text, const char *what, struct evhttp_uri **out)
{
    struct evhttp_uri *uri = evhttp_uri_parse(text);
    const char *scheme = uri != NULL ? evhttp_uri_get_scheme(uri) : NULL;
    int code = EXIT_USAGE;
    if (scheme != NULL && strcasecmp(scheme, "https") == 0) {
        complain("%s: this build has no Schannel package, so there is no https", text);
        code = EXIT_NOT_IN_BUILD;
    } else if (scheme == NULL || strcasecmp(scheme, "http") != 0 || evhttp_uri_get_host(uri) == NULL ||
               evhttp_uri_get_host(uri)[0] == '\0') {
        complain("%s wants http://HOST[:PORT]/..., not '%s'", what, text);
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

static int prepare(struct fetch *fetch, struct evhttp_uri *proxy)
{
    struct evhttp_uri *to = proxy != NULL ? proxy : fetch->uri;
    const char *host = evhttp_uri_get_host(to);
    const char *origin = evhttp_uri_get_host(fetch->uri);
    const char *path = evhttp_uri_get_path(fetch->uri);
    const char *query = evhttp_uri_get_query(fetch->uri);
    int port = evhttp_uri_get_port(to);
    int origin_port = evhttp_uri_get_port(fetch->uri);
    if (asprintf(&fetch->host_header, origin_port > 0 ? "%s:%d" : "%s", origin, origin_port) < 0 ||
        asprintf(&fetch->owned_resource, "%s%s%s%s%s%s", proxy != NULL ? "http://" : "",
                 proxy != NULL ? fetch->host_header : "", path != NULL && path[0] == '/' ? "" : "/",
                 path != NULL ? path : "", query != NULL ? "?" : "", query != NULL ? query : "") < 0) {
        need(NULL);
    }
    fetch->resource = fetch->owned_resource;
    fetch->gates[0] = (struct gate){.name = "server", .ask = "WWW-Authenticate", .answer = "Authorization"};
    fetch->gates[1] = (struct gate){.name = "proxy", .ask = "Proxy-Authenticate", .answer = "Proxy-Authorization"};
    fetch->gates[0].target =
        fetch->options->target != NULL ? need(strdup(fetch->options->target)) : principal_of(origin);
    fetch->gates[1].target = principal_of(host);
    fetch->base = need(event_base_new());
    /* evhttp wants an IPv6 address without its brackets */
    AUTO_FREE char *name = need(strdup(host[0] == '[' ? host + 1 : host));
    name[strcspn(name, "]")] = '\0';
    fetch->connection = need(evhttp_connection_base_new(fetch->base, NULL, name, (uint16_t)(port > 0 ? port : 80)));
    evhttp_connection_set_timeout(fetch->connection, (int)fetch->options->timeout);
    evhttp_connection_set_max_headers_size(fetch->connection, HEADERS_MAX);
    evhttp_connection_set_closecb(fetch->connection, on_close, fetch);
    return EXIT_DONE;
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
        facts_add(facts, "exchange", exchange_facts(&fetch->exchange, false));
        facts_print_json(stdout, facts);
    } else if (fetch->options->verbose) {
        exchange_print(stderr, &fetch->exchange);
        fprintf(stderr, "HTTP status %d\n", fetch->code);
        if (gate->party.established && fetch->code != 401) {
            AUTO_FACTS facts = party_facts(&gate->party);
            facts_print(stderr, facts, 2);
        }
    }
}

static void fetch_free(struct fetch *fetch)
{
    evhttp_connection_set_closecb(fetch->connection, NULL, NULL);
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
    free(fetch->host_header);
    free(fetch->owned_resource);
}

static int get(struct options *options)
{
    struct fetch fetch = {.options = options};
    struct evhttp_uri *proxy = NULL;
    int code = EXIT_DONE;
    if (options->scheme != NULL && scheme_find(options->scheme) == NULL) {
        complain("'%s' is not in this build", options->scheme);
        return EXIT_NOT_IN_BUILD;
    }
    code = parse_url(options->url, "URL", &fetch.uri);
    if (code == EXIT_DONE && options->proxy != NULL) {
        code = parse_url(options->proxy, "proxy", &proxy);
    }
    if (code == EXIT_DONE && options->login.user != NULL && !login_password(&options->login, "Password", false)) {
        code = EXIT_USAGE;
    }
    if (code != EXIT_DONE) {
        if (fetch.uri != NULL) {
            evhttp_uri_free(fetch.uri);
        }
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
    struct options options = {.timeout = 30, .login = LOGIN_NONE};
    argp_parse(&argp, argc, argv, 0, NULL, &options);
    signal(SIGPIPE, SIG_IGN);
    int code = get(&options);
    login_free(&options.login);
    return code;
}
