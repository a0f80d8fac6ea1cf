/* DIGEST-MD5 of Cyrus SASL, client and server in one process; the server's password comes from a plugin in memory.
 *
 * Its client keeps what it knows of a server and takes a short cut the second time: another server's name for each exchange
 * keeps that out. */
#include "bench.h"

#include "support/cyrus.h"

static unsigned strength;

#define GOOD(call)                                                                                                     \
    do {                                                                                                               \
        int result_ = (call);                                                                                          \
        if (result_ < 0) {                                                                                             \
            bench_die("%s: %s", #call, sasl_errstring(result_, NULL, NULL));                                           \
        }                                                                                                              \
    } while (0)

static void connect_pair(sasl_conn_t **client, sasl_conn_t **server)
{
    static unsigned serial;
    char host[40];
    const char *text = NULL, *mechanism = NULL;
    unsigned size = 0;
    sasl_security_properties_t wanted = {.min_ssf = strength, .max_ssf = strength, .maxbufsize = 0xfffff0};
    snprintf(host, sizeof host, "s%08u.bench.test", ++serial);
    GOOD(sasl_server_new("host", host, "bench.test", NULL, NULL, NULL, 0, server));
    GOOD(sasl_client_new("host", host, NULL, NULL, cyrus_client_calls, 0, client));
    GOOD(sasl_setprop(*server, SASL_SEC_PROPS, &wanted));
    GOOD(sasl_setprop(*client, SASL_SEC_PROPS, &wanted));
    int from_client = sasl_client_start(*client, "DIGEST-MD5", NULL, &text, &size, &mechanism);
    GOOD(from_client);
    int from_server = sasl_server_start(*server, "DIGEST-MD5", text, size, &text, &size);
    while (from_server == SASL_CONTINUE || from_client == SASL_CONTINUE) {
        GOOD(from_server);
        if (from_client == SASL_CONTINUE) {
            from_client = sasl_client_step(*client, text, size, NULL, &text, &size);
            GOOD(from_client);
        }
        if (from_server == SASL_CONTINUE) {
            from_server = sasl_server_step(*server, text != NULL ? text : "", text != NULL ? size : 0, &text, &size);
        }
    }
    GOOD(from_server);
}

static void handshake(void *argument)
{
    sasl_conn_t *client, *server;
    (void)argument;
    connect_pair(&client, &server);
    sasl_dispose(&client);
    sasl_dispose(&server);
}

#define ROOM (65536 + 64)

struct messages {
    sasl_conn_t *client, *server;
    char plain[65536];
    char *packets;
    unsigned sizes[BENCH_BATCH];
};

static void outward(void *argument, size_t size, unsigned count)
{
    struct messages *messages = argument;
    for (unsigned i = 0; i < count; i++) { /* the result is in the connection's memory: copied, as a program would */
        const char *out;
        GOOD(sasl_encode(messages->client, messages->plain, (unsigned)size, &out, &messages->sizes[i]));
        memcpy(messages->packets + (size_t)i * ROOM, out, messages->sizes[i]);
    }
}

static void inward(void *argument, size_t size, unsigned count)
{
    struct messages *messages = argument;
    for (unsigned i = 0; i < count; i++) {
        const char *out;
        unsigned out_size;
        GOOD(sasl_decode(messages->server, messages->packets + (size_t)i * ROOM, messages->sizes[i], &out, &out_size));
        CHECK(out_size == size, "a message of another size");
    }
}

static void layer(unsigned wanted, const char *out, const char *in)
{
    struct messages *messages = calloc(1, sizeof *messages);
    CHECK(messages != NULL, "memory");
    strength = wanted;
    connect_pair(&messages->client, &messages->server);
    messages->packets = calloc(BENCH_BATCH, ROOM);
    CHECK(messages->packets != NULL, "memory");
    bench_pair(out, in, outward, inward, messages);
    free(messages->packets);
    sasl_dispose(&messages->client);
    sasl_dispose(&messages->server);
    free(messages);
}

static void memory(void)
{
    static sasl_conn_t *clients[BENCH_LIVE], *servers[BENCH_LIVE];
    if (!bench_wanted("mem")) {
        return;
    }
    for (int i = 0; i < BENCH_LIVE; i++) {
        connect_pair(&clients[i], &servers[i]);
    }
    double full = bench_heap();
    for (int i = 0; i < BENCH_LIVE; i++) {
        sasl_dispose(&clients[i]);
    }
    double half = bench_heap();
    for (int i = 0; i < BENCH_LIVE; i++) {
        sasl_dispose(&servers[i]);
    }
    bench_emit("mem.client", (full - half) / BENCH_LIVE, "B");
    bench_emit("mem.server", (half - bench_heap()) / BENCH_LIVE, "B");
}

int main(int argc, char **argv)
{
    bench_init(argc, argv, "digest", "cyrus-sasl");
    cyrus_password = getenv("BENCH_PASSWORD") != NULL ? getenv("BENCH_PASSWORD") : "Password";
    GOOD(cyrus_start(false));
    if (strcmp(bench_mode, "control") == 0) {
        handshake(NULL);
        return 0;
    }
    bench_rate("handshake", handshake, NULL);
    memory();
    strength = 128;
    bench_rate("handshake.sealing", handshake, NULL);
    layer(128, "seal", "unseal");
    layer(1, "sign", "verify");
    return 0;
}
