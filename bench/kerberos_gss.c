/* Kerberos of MIT, through its GSSAPI.  kerberos.py makes the realm and the tickets; no KDC is asked. */
#include "bench.h"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

#define FLAGS                      (GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG)
#define GSS_OK(major, minor, call) CHECK(!GSS_ERROR(major), call ": %08x %u", (unsigned)(major), (unsigned)(minor))

static gss_OID_desc krb5 = {9, (void *)"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_OID_set_desc krb5_set = {1, &krb5};
static gss_cred_id_t client_credential, server_credential;
static gss_name_t target;

static void acquire(void)
{
    OM_uint32 major, minor;
    major = gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &krb5_set, GSS_C_INITIATE, &client_credential, NULL, NULL);
    GSS_OK(major, minor, "gss_acquire_cred, initiator");
    major = gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &krb5_set, GSS_C_ACCEPT, &server_credential, NULL, NULL);
    GSS_OK(major, minor, "gss_acquire_cred, acceptor");
}

static void release(void)
{
    OM_uint32 minor;
    gss_release_cred(&minor, &client_credential);
    gss_release_cred(&minor, &server_credential);
}

static void log_on(gss_ctx_id_t *client, gss_ctx_id_t *server)
{
    OM_uint32 major, minor, ignored;
    gss_buffer_desc up = GSS_C_EMPTY_BUFFER, down = GSS_C_EMPTY_BUFFER, none = GSS_C_EMPTY_BUFFER;
    *client = GSS_C_NO_CONTEXT;
    *server = GSS_C_NO_CONTEXT;
    major = gss_init_sec_context(&minor, client_credential, client, target, &krb5, FLAGS, 0, GSS_C_NO_CHANNEL_BINDINGS,
                                 GSS_C_NO_BUFFER, NULL, &up, NULL, NULL);
    GSS_OK(major, minor, "gss_init_sec_context, first");
    major = gss_accept_sec_context(&minor, server, server_credential, &up, GSS_C_NO_CHANNEL_BINDINGS, NULL, NULL, &down,
                                   NULL, NULL, NULL);
    GSS_OK(major, minor, "gss_accept_sec_context");
    major = gss_init_sec_context(&minor, client_credential, client, target, &krb5, FLAGS, 0, GSS_C_NO_CHANNEL_BINDINGS,
                                 &down, NULL, &none, NULL, NULL);
    GSS_OK(major, minor, "gss_init_sec_context, second");
    CHECK(major == GSS_S_COMPLETE, "the client is not done");
    gss_release_buffer(&ignored, &up);
    gss_release_buffer(&ignored, &down);
    gss_release_buffer(&ignored, &none);
}

static void handshake(void *argument)
{
    gss_ctx_id_t client, server;
    OM_uint32 minor;
    (void)argument;
    log_on(&client, &server);
    gss_delete_sec_context(&minor, &client, GSS_C_NO_BUFFER);
    gss_delete_sec_context(&minor, &server, GSS_C_NO_BUFFER);
}

struct messages {
    gss_ctx_id_t client, server;
    unsigned char *data;
    unsigned char header[BENCH_BATCH][96], padding[BENCH_BATCH][32], trailer[BENCH_BATCH][96];
    gss_buffer_desc mic[BENCH_BATCH];
    size_t lengths[3];
};

/* Header, data in place, padding and trailer: MIT's fastest form. */
static void fill(struct messages *m, gss_iov_buffer_desc iov[4], size_t size, unsigned i)
{
    iov[0] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_HEADER, {m->lengths[0], m->header[i]}};
    iov[1] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_DATA, {size, m->data + i * size}};
    iov[2] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_PADDING, {m->lengths[1], m->padding[i]}};
    iov[3] = (gss_iov_buffer_desc){GSS_IOV_BUFFER_TYPE_TRAILER, {m->lengths[2], m->trailer[i]}};
}

static void seal(void *argument, size_t size, unsigned count)
{
    struct messages *m = argument;
    gss_iov_buffer_desc iov[4];
    OM_uint32 major, minor;
    fill(m, iov, size, 0);
    major = gss_wrap_iov_length(&minor, m->client, 1, GSS_C_QOP_DEFAULT, NULL, iov, 4);
    GSS_OK(major, minor, "gss_wrap_iov_length");
    m->lengths[0] = iov[0].buffer.length;
    m->lengths[1] = iov[2].buffer.length;
    m->lengths[2] = iov[3].buffer.length;
    for (unsigned i = 0; i < count; i++) {
        fill(m, iov, size, i);
        major = gss_wrap_iov(&minor, m->client, 1, GSS_C_QOP_DEFAULT, NULL, iov, 4);
        GSS_OK(major, minor, "gss_wrap_iov");
    }
}

static void unseal(void *argument, size_t size, unsigned count)
{
    struct messages *m = argument;
    gss_iov_buffer_desc iov[4];
    for (unsigned i = 0; i < count; i++) {
        OM_uint32 minor;
        fill(m, iov, size, i);
        OM_uint32 major = gss_unwrap_iov(&minor, m->server, NULL, NULL, iov, 4);
        GSS_OK(major, minor, "gss_unwrap_iov");
    }
}

static void sign(void *argument, size_t size, unsigned count)
{
    struct messages *m = argument;
    for (unsigned i = 0; i < count; i++) {
        OM_uint32 minor;
        gss_buffer_desc data = {size, m->data + i * size};
        OM_uint32 major = gss_get_mic(&minor, m->client, GSS_C_QOP_DEFAULT, &data, &m->mic[i]);
        GSS_OK(major, minor, "gss_get_mic");
    }
}

static void verify(void *argument, size_t size, unsigned count)
{
    struct messages *m = argument;
    for (unsigned i = 0; i < count; i++) {
        OM_uint32 minor;
        gss_buffer_desc data = {size, m->data + i * size};
        OM_uint32 major = gss_verify_mic(&minor, m->server, &data, &m->mic[i], NULL);
        GSS_OK(major, minor, "gss_verify_mic");
        gss_release_buffer(&minor, &m->mic[i]);
    }
}

static void protection(void)
{
    struct messages *m = calloc(1, sizeof *m);
    OM_uint32 minor;
    m->data = calloc(1, BENCH_BATCH * 4096);
    memset(m->data, 'x', 65536);
    log_on(&m->client, &m->server);
    seal(m, 1024, 2);
    CHECK(memcmp(m->data, "xxxxxxxx", 8) != 0, "nothing was sealed");
    unseal(m, 1024, 2);
    CHECK(memcmp(m->data, "xxxxxxxx", 8) == 0, "not what was sealed");
    bench_pair("seal", "unseal", seal, unseal, m);
    bench_pair("sign", "verify", sign, verify, m);
    gss_delete_sec_context(&minor, &m->client, GSS_C_NO_BUFFER);
    gss_delete_sec_context(&minor, &m->server, GSS_C_NO_BUFFER);
    free(m->data);
    free(m);
}

static void memory(void)
{
    static gss_ctx_id_t client[BENCH_LIVE], server[BENCH_LIVE];
    OM_uint32 minor;
    if (!bench_wanted("mem")) {
        return;
    }
    for (int i = 0; i < 20; i++) {
        handshake(NULL);
    }
    double before = bench_heap();
    for (int i = 0; i < BENCH_LIVE; i++) {
        log_on(&client[i], &server[i]);
    }
    double both = bench_heap();
    for (int i = 0; i < BENCH_LIVE; i++) {
        gss_delete_sec_context(&minor, &client[i], GSS_C_NO_BUFFER);
    }
    double one = bench_heap();
    for (int i = 0; i < BENCH_LIVE; i++) {
        gss_delete_sec_context(&minor, &server[i], GSS_C_NO_BUFFER);
    }
    double after = bench_heap();
    bench_emit("mem.client", (both - one) / BENCH_LIVE, "B");
    bench_emit("mem.server", (one - after) / BENCH_LIVE, "B");
    bench_emit("mem.leaked-per-pair", (after - before) / BENCH_LIVE, "B");
}

int main(int argc, char **argv)
{
    OM_uint32 major, minor;
    bench_init(argc, argv, getenv("BENCH_SET"), "mit");
    const char *service = getenv("BENCH_SERVICE");
    CHECK(service != NULL, "no BENCH_SERVICE");
    gss_buffer_desc name = {strlen(service), (void *)(uintptr_t)service};
    major = gss_import_name(&minor, &name, (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME, &target);
    GSS_OK(major, minor, "gss_import_name");
    acquire();
    if (strcmp(bench_mode, "threads") == 0) {
        bench_threads(handshake);
    } else {
        bench_rate("context", handshake, NULL);
        protection();
        memory();
    }
    release();
    if (strcmp(bench_mode, "threads") != 0) {
        setenv("KRB5RCACHENAME", "none:", 1);
        acquire();
        bench_rate("no-replay-cache", handshake, NULL);
        release();
    }
    gss_release_name(&minor, &target);
    return 0;
}
