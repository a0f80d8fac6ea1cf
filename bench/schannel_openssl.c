/* TLS of OpenSSL itself, shaped as SSPI is: flights and records go through the caller's memory (memory BIOs), and
 * sealing and opening are timed apart. */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "schannel_kinds.h"

struct pair {
    const struct kind *kind;
    SSL_CTX *client_context, *server_context;
    SSL_SESSION *session; /* the newest; for resumption */
    bool resume;
    SSL *client, *server;
    unsigned char wire[40000];
};

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct pair *pair = SSL_get_app_data(ssl);
    SSL_SESSION_free(pair->session);
    pair->session = session;
    return 1;
}

static SSL_CTX *make_context(const struct pair *pair, bool server)
{
    SSL_CTX *context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    int version = pair->kind->tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    CHECK(SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1, "groups");
    SSL_CTX_set_num_tickets(context, pair->resume ? 1 : 0);
    if (!pair->resume) {
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    } else if (!server) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(context, keep_session);
    }
    if (server) {
        CHECK(
            SSL_CTX_use_certificate_file(context, bench_path(pair->kind->certificate, "crt"), SSL_FILETYPE_PEM) == 1 &&
                SSL_CTX_use_PrivateKey_file(context, bench_path(pair->kind->certificate, "key"), SSL_FILETYPE_PEM) == 1,
            "certificate");
    } else {
        CHECK(SSL_CTX_load_verify_locations(context, bench_path(pair->kind->certificate, "ca"), NULL) == 1,
              "authority");
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    }
    return context;
}

static void open_contexts(struct pair *pair, const struct kind *kind, bool resume)
{
    *pair = (struct pair){.kind = kind, .resume = resume};
    pair->client_context = make_context(pair, false);
    pair->server_context = make_context(pair, true);
}

static void close_contexts(struct pair *pair)
{
    SSL_SESSION_free(pair->session);
    SSL_CTX_free(pair->client_context);
    SSL_CTX_free(pair->server_context);
}

static SSL *make_ssl(struct pair *pair, SSL_CTX *context)
{
    SSL *ssl = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    CHECK(ssl != NULL && in != NULL && out != NULL, "no memory");
    BIO_set_mem_eof_return(in, -1);
    BIO_set_mem_eof_return(out, -1);
    SSL_set_bio(ssl, in, out);
    SSL_set_app_data(ssl, pair);
    return ssl;
}

static void carry(struct pair *pair, SSL *from, SSL *to)
{
    int size = BIO_read(SSL_get_wbio(from), pair->wire, sizeof pair->wire);
    if (size > 0) {
        CHECK(BIO_write(SSL_get_rbio(to), pair->wire, size) == size, "BIO_write");
    }
}

static bool shake(SSL *ssl)
{
    int result = SSL_do_handshake(ssl);
    CHECK(result == 1 || SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ, "handshake: %s",
          ERR_reason_error_string(ERR_peek_error()));
    return result == 1;
}

static void open_pair(struct pair *pair)
{
    pair->client = make_ssl(pair, pair->client_context);
    pair->server = make_ssl(pair, pair->server_context);
    SSL_set_connect_state(pair->client);
    SSL_set_accept_state(pair->server);
    SSL_set1_host(pair->client, bench_host());
    SSL_set_tlsext_host_name(pair->client, bench_host());
    bool resuming = pair->session != NULL;
    if (resuming) {
        SSL_set_session(pair->client, pair->session);
    }
    for (bool client = false, server = false; !client || !server;) {
        client = client || shake(pair->client);
        carry(pair, pair->client, pair->server);
        server = server || shake(pair->server);
        carry(pair, pair->server, pair->client);
    }
    if (pair->resume && pair->kind->tls13) { /* the ticket that came behind */
        unsigned char byte;
        CHECK(SSL_read(pair->client, &byte, 1) < 0, "data out of nowhere");
    }
    CHECK(!resuming || SSL_session_reused(pair->client), "not resumed");
}

static void close_pair(struct pair *pair)
{
    SSL_set_shutdown(pair->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_set_shutdown(pair->server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(pair->client);
    SSL_free(pair->server);
}

static void handshake(void *argument)
{
    open_pair(argument);
    close_pair(argument);
}

/* ---------------------------------------------------------------- records */

struct records {
    struct pair pair;
    unsigned char plain[16384], out[16384];
    unsigned char *wire;
    int size[BENCH_BATCH];
};

static void seal(void *argument, size_t size, unsigned count)
{
    struct records *records = argument;
    BIO *out = SSL_get_wbio(records->pair.client);
    for (unsigned i = 0; i < count; i++) {
        CHECK(SSL_write(records->pair.client, records->plain, (int)size) == (int)size, "SSL_write");
        records->size[i] = BIO_read(out, records->wire + i * (size + RECORD_ROOM), (int)size + RECORD_ROOM);
        CHECK(records->size[i] > (int)size, "BIO_read");
    }
}

static void unseal(void *argument, size_t size, unsigned count)
{
    struct records *records = argument;
    BIO *in = SSL_get_rbio(records->pair.server);
    for (unsigned i = 0; i < count; i++) {
        CHECK(BIO_write(in, records->wire + i * (size + RECORD_ROOM), records->size[i]) == records->size[i],
              "BIO_write");
        CHECK(SSL_read(records->pair.server, records->out, sizeof records->out) == (int)size, "SSL_read");
    }
}

static void measure_records(const struct kind *kind)
{
    struct records *records = calloc(1, sizeof *records);
    records->wire = malloc(BENCH_BATCH * (16384 + RECORD_ROOM));
    memset(records->plain, 'x', sizeof records->plain);
    open_contexts(&records->pair, kind, false);
    open_pair(&records->pair);
    CHECK(SSL_CIPHER_get_cipher_nid(SSL_get_current_cipher(records->pair.client)) == NID_aes_256_gcm, "another cipher");
    bench_pair(bench_metric("seal", kind->name), bench_metric("unseal", kind->name), seal, unseal, records);
    CHECK(records->size[0] == 0 || memcmp(records->plain, records->out, 64) == 0, "not what was sent");
    close_pair(&records->pair);
    close_contexts(&records->pair);
    free(records->wire);
    free(records);
}

static void measure_memory(const struct kind *kind)
{
    static struct pair pairs[BENCH_LIVE];
    struct pair *first = &pairs[0];
    open_contexts(first, kind, false);
    for (int i = 0; i < 20; i++) {
        handshake(first);
    }
    for (int i = 0; i < BENCH_LIVE; i++) {
        if (i != 0) {
            pairs[i].kind = kind;
            pairs[i].client_context = first->client_context;
            pairs[i].server_context = first->server_context;
        }
        open_pair(&pairs[i]);
    }
    double before = bench_heap();
    for (int i = 0; i < BENCH_LIVE; i++) {
        SSL_free(pairs[i].client);
    }
    double between = bench_heap();
    for (int i = 0; i < BENCH_LIVE; i++) {
        SSL_free(pairs[i].server);
    }
    bench_emit("mem.client", (before - between) / BENCH_LIVE, "B");
    bench_emit("mem.server", (between - bench_heap()) / BENCH_LIVE, "B");
    close_contexts(first);
}

int main(int argc, char **argv)
{
    bench_init(argc, argv, "schannel", "openssl");
    bench_largest = 16384;
    bench_note("%s", OpenSSL_version(OPENSSL_VERSION));
    static struct pair pair;
    if (strcmp(bench_mode, "control") == 0) {
        open_contexts(&pair, &kinds[0], false);
        handshake(&pair);
        return 0;
    }
    for (size_t i = 0; i < KINDS; i++) {
        open_contexts(&pair, &kinds[i], false);
        bench_rate(bench_metric("full", kinds[i].name), handshake, &pair);
        close_contexts(&pair);
        open_contexts(&pair, &kinds[i], true);
        handshake(&pair);
        bench_rate(bench_metric("resumed", kinds[i].name), handshake, &pair);
        close_contexts(&pair);
    }
    for (size_t i = 0; i < RECORD_KINDS; i++) {
        measure_records(&record_kinds[i]);
    }
    if (bench_wanted("mem")) {
        measure_memory(&kinds[0]);
    }
    return 0;
}
