/* DIGEST-MD5 of Cyrus SASL, client and server in one process; the server's password comes from a plugin in memory.
 *
 * Its client keeps what it knows of a server and takes a short cut the second time: another server's name for each exchange
 * keeps that out. */
#include "bench.h"

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

static unsigned strength;

static int get_option(void *context, const char *plugin, const char *option, const char **result, unsigned *size)
{
    (void)context;
    (void)plugin;
    *result = strcmp(option, "auxprop_plugin") == 0   ? "bench"
              : strcmp(option, "mech_list") == 0      ? "DIGEST-MD5"
              : strcmp(option, "pwcheck_method") == 0 ? "auxprop"
                                                      : NULL;
    if (*result != NULL && size != NULL) {
        *size = (unsigned)strlen(*result);
    }
    return *result != NULL ? SASL_OK : SASL_FAIL;
}

static int log_nothing(void *context, int level, const char *message)
{
    (void)context;
    (void)level;
    (void)message;
    return SASL_OK;
}

static int get_name(void *context, int id, const char **result, unsigned *size)
{
    (void)context;
    *result = id == SASL_CB_USER ? "" : "User";
    if (size != NULL) {
        *size = (unsigned)strlen(*result);
    }
    return SASL_OK;
}

static int get_password(sasl_conn_t *connection, void *context, int id, sasl_secret_t **result)
{
    static union {
        sasl_secret_t secret;
        char room[sizeof(sasl_secret_t) + 64];
    } kept;
    const char *password = getenv("BENCH_PASSWORD") != NULL ? getenv("BENCH_PASSWORD") : "Password";
    (void)connection;
    (void)context;
    (void)id;
    kept.secret.len = strlen(password);
    memcpy(kept.secret.data, password, kept.secret.len + 1);
    *result = &kept.secret;
    return SASL_OK;
}

#define CALL_OF(id, function)                                                                                          \
    {                                                                                                                  \
        (id), (int (*)(void))(void *)(function), NULL                                                                  \
    }

static sasl_callback_t server_calls[] = {CALL_OF(SASL_CB_GETOPT, get_option), CALL_OF(SASL_CB_LOG, log_nothing),
                                         CALL_OF(SASL_CB_LIST_END, NULL)};
static sasl_callback_t client_calls[] = {CALL_OF(SASL_CB_USER, get_name), CALL_OF(SASL_CB_AUTHNAME, get_name),
                                         CALL_OF(SASL_CB_PASS, get_password), CALL_OF(SASL_CB_LOG, log_nothing),
                                         CALL_OF(SASL_CB_LIST_END, NULL)};

static int lookup(void *global, sasl_server_params_t *server, unsigned flags, const char *name, unsigned size)
{
    const struct propval *property = server->utils->prop_get(server->propctx);
    (void)global;
    (void)flags;
    (void)name;
    (void)size;
    for (; property != NULL && property->name != NULL; property++) {
        const char *plain = property->name[0] == '*' ? property->name + 1 : property->name;
        if (strcmp(plain, SASL_AUX_PASSWORD_PROP) == 0 && property->values == NULL) {
            server->utils->prop_set(server->propctx, property->name, "Password", 8);
        }
    }
    return SASL_OK;
}

static sasl_auxprop_plug_t plugin = {.auxprop_lookup = lookup, .name = (char *)(uintptr_t) "bench"};

static int plugin_init(const sasl_utils_t *utils, int most, int *version, sasl_auxprop_plug_t **out, const char *name)
{
    (void)utils;
    (void)most;
    (void)name;
    *version = SASL_AUXPROP_PLUG_VERSION;
    *out = &plugin;
    return SASL_OK;
}

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
    GOOD(sasl_client_new("host", host, NULL, NULL, client_calls, 0, client));
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
    GOOD(sasl_auxprop_add_plugin("bench", plugin_init));
    GOOD(sasl_server_init(server_calls, "bench"));
    GOOD(sasl_client_init(client_calls));
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
