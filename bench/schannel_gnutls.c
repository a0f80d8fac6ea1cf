/* TLS of GnuTLS, with push and pull functions that copy from and to the caller's memory. */
#include <errno.h>
#include <gnutls/gnutls.h>

#include "schannel_kinds.h"

#define GROUPS ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1"

struct end {
    gnutls_session_t session;
    struct end *peer;
    unsigned char *in; /* what the peer pushed */
    size_t at, size, room;
};

struct pair {
    const struct kind *kind;
    bool resume;
    gnutls_certificate_credentials_t client_credentials, server_credentials;
    gnutls_priority_t priority;
    gnutls_datum_t ticket_key, session;
    struct end client, server;
};

static void must(int result, const char *what)
{
    CHECK(result >= 0, "%s: %s", what, gnutls_strerror(result));
}

static ssize_t push(gnutls_transport_ptr_t pointer, const void *data, size_t size)
{
    struct end *end = ((struct end *)pointer)->peer;
    if (end->at == end->size) {
        end->at = end->size = 0;
    }
    if (end->size + size > end->room) {
        end->room = (end->size + size) * 2;
        end->in = realloc(end->in, end->room);
        CHECK(end->in != NULL, "no memory");
    }
    memcpy(end->in + end->size, data, size);
    end->size += size;
    return (ssize_t)size;
}

static ssize_t pull(gnutls_transport_ptr_t pointer, void *data, size_t size)
{
    struct end *end = pointer;
    if (end->at == end->size) {
        gnutls_transport_set_errno(end->session, EAGAIN);
        return -1;
    }
    size = size > end->size - end->at ? end->size - end->at : size;
    memcpy(data, end->in + end->at, size);
    end->at += size;
    return (ssize_t)size;
}

static void open_credentials(struct pair *pair, const struct kind *kind, bool resume)
{
    char priority[256];
    *pair = (struct pair){.kind = kind, .resume = resume};
    snprintf(priority, sizeof priority, "NORMAL:-VERS-ALL:+VERS-TLS1.%c:-CIPHER-ALL:+AES-256-GCM%s" GROUPS,
             kind->tls13 ? '3' : '2',
             kind->tls13                             ? ""
             : strcmp(kind->certificate, "rsa") == 0 ? ":-KX-ALL:+ECDHE-RSA"
                                                     : ":-KX-ALL:+ECDHE-ECDSA");
    must(gnutls_priority_init(&pair->priority, priority, NULL), "priority");
    must(gnutls_certificate_allocate_credentials(&pair->client_credentials), "credentials");
    must(gnutls_certificate_allocate_credentials(&pair->server_credentials), "credentials");
    must(gnutls_certificate_set_x509_trust_file(pair->client_credentials, bench_path(kind->certificate, "ca"),
                                                GNUTLS_X509_FMT_PEM),
         "authority");
    must(gnutls_certificate_set_x509_key_file(pair->server_credentials, bench_path(kind->certificate, "crt"),
                                              bench_path(kind->certificate, "key"), GNUTLS_X509_FMT_PEM),
         "certificate");
    must(gnutls_session_ticket_key_generate(&pair->ticket_key), "ticket key");
}

static void close_credentials(struct pair *pair)
{
    gnutls_certificate_free_credentials(pair->client_credentials);
    gnutls_certificate_free_credentials(pair->server_credentials);
    gnutls_priority_deinit(pair->priority);
    gnutls_free(pair->ticket_key.data);
    gnutls_free(pair->session.data);
}

static void open_end(struct pair *pair, struct end *end, struct end *peer, bool server)
{
    *end = (struct end){.peer = peer};
    must(gnutls_init(&end->session, (server ? GNUTLS_SERVER : GNUTLS_CLIENT) | GNUTLS_NONBLOCK |
                                        (pair->resume ? 0u : (unsigned)GNUTLS_NO_TICKETS)),
         "init");
    must(gnutls_priority_set(end->session, pair->priority), "priority");
    must(gnutls_credentials_set(end->session, GNUTLS_CRD_CERTIFICATE,
                                server ? pair->server_credentials : pair->client_credentials),
         "credentials");
    gnutls_transport_set_ptr(end->session, end);
    gnutls_transport_set_push_function(end->session, push);
    gnutls_transport_set_pull_function(end->session, pull);
    gnutls_handshake_set_timeout(end->session, 0);
}

static bool shake(struct end *end)
{
    int result = gnutls_handshake(end->session);
    CHECK(result == 0 || !gnutls_error_is_fatal(result), "handshake: %s", gnutls_strerror(result));
    return result == 0;
}

static void open_pair(struct pair *pair)
{
    open_end(pair, &pair->client, &pair->server, false);
    open_end(pair, &pair->server, &pair->client, true);
    gnutls_session_set_verify_cert(pair->client.session, bench_host(), 0);
    must(gnutls_server_name_set(pair->client.session, GNUTLS_NAME_DNS, bench_host(), strlen(bench_host())), "name");
    bool resuming = pair->session.data != NULL;
    if (pair->resume) {
        must(gnutls_session_ticket_enable_server(pair->server.session, &pair->ticket_key), "tickets");
    }
    if (resuming) {
        must(gnutls_session_set_data(pair->client.session, pair->session.data, pair->session.size), "session");
    }
    for (bool client = false, server = false; !client || !server;) {
        client = client || shake(&pair->client);
        server = server || shake(&pair->server);
    }
    CHECK(!resuming || gnutls_session_is_resumed(pair->client.session), "not resumed");
    if (pair->resume) {
        char byte;
        if (pair->kind->tls13) { /* the ticket that came behind */
            CHECK(gnutls_record_recv(pair->client.session, &byte, 1) < 0, "data out of nowhere");
        }
        gnutls_free(pair->session.data);
        must(gnutls_session_get_data2(pair->client.session, &pair->session), "session");
    }
}

static void close_end(struct end *end)
{
    gnutls_deinit(end->session);
    free(end->in);
}

static void handshake(void *argument)
{
    struct pair *pair = argument;
    open_pair(pair);
    close_end(&pair->client);
    close_end(&pair->server);
}

/* ---------------------------------------------------------------- records */

struct records {
    struct pair pair;
    unsigned char plain[16384], out[16384];
    unsigned char *wire;
    size_t size[BENCH_BATCH];
};

static void seal(void *argument, size_t size, unsigned count)
{
    struct records *records = argument;
    struct end *server = &records->pair.server;
    for (unsigned i = 0; i < count; i++) {
        CHECK(gnutls_record_send(records->pair.client.session, records->plain, size) == (ssize_t)size, "record_send");
        records->size[i] = server->size - server->at;
        memcpy(records->wire + i * (size + RECORD_ROOM), server->in + server->at, records->size[i]);
        server->at = server->size = 0;
    }
}

static void unseal(void *argument, size_t size, unsigned count)
{
    struct records *records = argument;
    struct end *server = &records->pair.server;
    struct end kept = *server;
    for (unsigned i = 0; i < count; i++) { /* pull copies straight from where the record is */
        server->in = records->wire + i * (size + RECORD_ROOM);
        server->at = 0;
        server->size = records->size[i];
        CHECK(gnutls_record_recv(server->session, records->out, sizeof records->out) == (ssize_t)size, "record_recv");
    }
    *server = kept;
}

static void measure_records(const struct kind *kind)
{
    struct records *records = calloc(1, sizeof *records);
    records->wire = malloc(BENCH_BATCH * (16384 + RECORD_ROOM));
    memset(records->plain, 'x', sizeof records->plain);
    open_credentials(&records->pair, kind, false);
    open_pair(&records->pair);
    bench_pair(bench_metric("seal", kind->name), bench_metric("unseal", kind->name), seal, unseal, records);
    CHECK(records->size[0] == 0 || memcmp(records->plain, records->out, 64) == 0, "not what was sent");
    close_end(&records->pair.client);
    close_end(&records->pair.server);
    close_credentials(&records->pair);
    free(records->wire);
    free(records);
}

static void measure_memory(const struct kind *kind)
{
    static struct pair pair;
    static struct end ends[2][BENCH_LIVE];
    open_credentials(&pair, kind, false);
    for (int i = 0; i < 20; i++) {
        handshake(&pair);
    }
    for (int i = 0; i < BENCH_LIVE; i++) {
        open_pair(&pair);
        free(pair.client.in); /* the transport's buffers are not the implementation's */
        free(pair.server.in);
        ends[0][i] = pair.client;
        ends[1][i] = pair.server;
    }
    double before = bench_heap();
    for (int i = 0; i < BENCH_LIVE; i++) {
        gnutls_deinit(ends[0][i].session);
    }
    double between = bench_heap();
    for (int i = 0; i < BENCH_LIVE; i++) {
        gnutls_deinit(ends[1][i].session);
    }
    bench_emit("mem.client", (before - between) / BENCH_LIVE, "B");
    bench_emit("mem.server", (between - bench_heap()) / BENCH_LIVE, "B");
    close_credentials(&pair);
}

int main(int argc, char **argv)
{
    bench_init(argc, argv, "schannel", "gnutls");
    bench_largest = 16384;
    bench_note("GnuTLS %s", gnutls_check_version(NULL));
    static struct pair pair;
    if (strcmp(bench_mode, "control") == 0) {
        open_credentials(&pair, &kinds[0], false);
        handshake(&pair);
        return 0;
    }
    for (size_t i = 0; i < KINDS; i++) {
        open_credentials(&pair, &kinds[i], false);
        bench_rate(bench_metric("full", kinds[i].name), handshake, &pair);
        close_credentials(&pair);
        open_credentials(&pair, &kinds[i], true);
        handshake(&pair);
        bench_rate(bench_metric("resumed", kinds[i].name), handshake, &pair);
        close_credentials(&pair);
    }
    for (size_t i = 0; i < RECORD_KINDS; i++) {
        measure_records(&record_kinds[i]);
    }
    if (bench_wanted("mem")) {
        measure_memory(&kinds[0]);
    }
    return 0;
}
