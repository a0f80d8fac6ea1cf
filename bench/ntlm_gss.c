/* NTLM of gss-ntlmssp under MIT's GSSAPI, and MIT's SPNEGO over it.
 *
 * Its acceptor reads a user file at every logon.  A file of hashes ("handshake", BENCH_GSS_HASH_FILE) and one of
 * passwords ("handshake.pwfile", BENCH_GSS_PASSWORD_FILE) cost very differently. */
#include "bench.h"

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>

static gss_OID_desc ntlm_mechanism = {10, (void *)"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"};
static const OM_uint32 flags =
    GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG;
static gss_cred_id_t client_credential, server_credential, spnego_client, spnego_server;
static gss_OID_desc spnego_mechanism = {6, (void *)"\x2b\x06\x01\x05\x05\x02"};
static gss_name_t target;

static void good(OM_uint32 major, OM_uint32 minor, const char *call)
{
    OM_uint32 ignored, more = 0;
    gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
    if (!GSS_ERROR(major)) {
        return;
    }
    gss_display_status(&ignored, minor, GSS_C_MECH_CODE, &ntlm_mechanism, &more, &text);
    bench_die("%s: 0x%08x: %.*s", call, major, (int)text.length, (const char *)text.value);
}

/* `minor` is read after the call has set it. */
#define GOOD(call, name)                                                                                               \
    do {                                                                                                               \
        OM_uint32 major_ = (call);                                                                                     \
        good(major_, minor, name);                                                                                     \
    } while (0)

static gss_name_t import(const char *text, gss_OID type)
{
    OM_uint32 minor;
    gss_name_t name;
    gss_buffer_desc buffer = {strlen(text), (void *)(uintptr_t)text};
    GOOD(gss_import_name(&minor, &buffer, type, &name), "gss_import_name");
    return name;
}

static void acquire(void)
{
    OM_uint32 major, minor, ignored;
    gss_OID_set_desc mechanisms = {1, &ntlm_mechanism};
    gss_name_t name = import("DOMAIN\\User", GSS_C_NT_USER_NAME);
    const char *secret = getenv("BENCH_PASSWORD");
    gss_buffer_desc password = {secret != NULL ? strlen(secret) : 0, (void *)(uintptr_t)secret};
    if (secret != NULL) {
        major = gss_acquire_cred_with_password(&minor, name, &password, 0, &mechanisms, GSS_C_INITIATE,
                                               &client_credential, NULL, NULL);
    } else {
        major = gss_acquire_cred(&minor, name, 0, &mechanisms, GSS_C_INITIATE, &client_credential, NULL, NULL);
    }
    good(major, minor, "gss_acquire_cred, initiator");
    gss_release_name(&ignored, &name);
    major = gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &mechanisms, GSS_C_ACCEPT, &server_credential, NULL, NULL);
    good(major, minor, "gss_acquire_cred, acceptor");
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
    gss_buffer_desc token[3] = {GSS_C_EMPTY_BUFFER, GSS_C_EMPTY_BUFFER, GSS_C_EMPTY_BUFFER};
    gss_buffer_desc none = GSS_C_EMPTY_BUFFER;
    *client = *server = GSS_C_NO_CONTEXT;
    for (int leg = 0; leg < 2; leg++) {
        major = gss_init_sec_context(&minor, client_credential, client, target, &ntlm_mechanism, flags, 0,
                                     GSS_C_NO_CHANNEL_BINDINGS, leg == 0 ? GSS_C_NO_BUFFER : &token[1], NULL,
                                     &token[2 * leg], NULL, NULL);
        good(major, minor, "gss_init_sec_context");
        major = gss_accept_sec_context(&minor, server, server_credential, &token[2 * leg], GSS_C_NO_CHANNEL_BINDINGS,
                                       NULL, NULL, leg == 0 ? &token[1] : &none, NULL, NULL, NULL);
        good(major, minor, "gss_accept_sec_context");
    }
    CHECK(major == GSS_S_COMPLETE, "the acceptor wants more");
    for (int i = 0; i < 3; i++) {
        gss_release_buffer(&ignored, &token[i]);
    }
    gss_release_buffer(&ignored, &none);
}

static void handshake(void *argument)
{
    OM_uint32 minor;
    gss_ctx_id_t client, server;
    (void)argument;
    log_on(&client, &server);
    gss_delete_sec_context(&minor, &client, GSS_C_NO_BUFFER);
    gss_delete_sec_context(&minor, &server, GSS_C_NO_BUFFER);
}

static void handshake_credential(void *argument)
{
    release();
    acquire();
    handshake(argument);
}

/* ---------------------------------------------------------------- SPNEGO */

static void acquire_spnego(void)
{
    OM_uint32 minor, ignored;
    gss_OID_set_desc spnego = {1, &spnego_mechanism}, ntlm = {1, &ntlm_mechanism};
    gss_name_t name = import("DOMAIN\\User", GSS_C_NT_USER_NAME);
    GOOD(gss_acquire_cred(&minor, name, 0, &spnego, GSS_C_INITIATE, &spnego_client, NULL, NULL), "SPNEGO, initiator");
    GOOD(gss_set_neg_mechs(&minor, spnego_client, &ntlm), "gss_set_neg_mechs, initiator");
    GOOD(gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &spnego, GSS_C_ACCEPT, &spnego_server, NULL, NULL),
         "SPNEGO, acceptor");
    GOOD(gss_set_neg_mechs(&minor, spnego_server, &ntlm), "gss_set_neg_mechs, acceptor");
    gss_release_name(&ignored, &name);
}

/* The initiator's tokens and the acceptor's, until both are through. */
static void negotiation(void *argument)
{
    OM_uint32 minor, ignored, to_do = GSS_S_CONTINUE_NEEDED, served = GSS_S_CONTINUE_NEEDED;
    gss_ctx_id_t client = GSS_C_NO_CONTEXT, server = GSS_C_NO_CONTEXT;
    gss_buffer_desc there = GSS_C_EMPTY_BUFFER, back = GSS_C_EMPTY_BUFFER;
    (void)argument;
    while (to_do == GSS_S_CONTINUE_NEEDED) {
        to_do = gss_init_sec_context(&minor, spnego_client, &client, target, &spnego_mechanism, flags, 0,
                                     GSS_C_NO_CHANNEL_BINDINGS, &back, NULL, &there, NULL, NULL);
        good(to_do, minor, "gss_init_sec_context, SPNEGO");
        gss_release_buffer(&ignored, &back);
        if (there.length != 0) {
            served = gss_accept_sec_context(&minor, &server, spnego_server, &there, GSS_C_NO_CHANNEL_BINDINGS, NULL,
                                            NULL, &back, NULL, NULL, NULL);
            good(served, minor, "gss_accept_sec_context, SPNEGO");
            gss_release_buffer(&ignored, &there);
        }
    }
    CHECK(served == GSS_S_COMPLETE, "SPNEGO: the acceptor wants more");
    gss_release_buffer(&ignored, &back);
    gss_delete_sec_context(&minor, &client, GSS_C_NO_BUFFER);
    gss_delete_sec_context(&minor, &server, GSS_C_NO_BUFFER);
}

static void spnego(void)
{
    OM_uint32 minor;
    acquire_spnego();
    bench_rate("handshake.spnego", negotiation, NULL);
    gss_release_cred(&minor, &spnego_client);
    gss_release_cred(&minor, &spnego_server);
}

/* ---------------------------------------------------------------- messages */

struct conversation {
    gss_ctx_id_t client, server;
    unsigned char *plain;
    gss_buffer_desc token[BENCH_BATCH];
};

static void seal(void *argument, size_t size, unsigned count)
{
    struct conversation *c = argument;
    OM_uint32 minor;
    for (unsigned i = 0; i < count; i++) {
        gss_buffer_desc in = {size, c->plain};
        int confidential;
        GOOD(gss_wrap(&minor, c->client, 1, GSS_C_QOP_DEFAULT, &in, &confidential, &c->token[i]), "gss_wrap");
    }
}

static void unseal(void *argument, size_t size, unsigned count)
{
    struct conversation *c = argument;
    OM_uint32 minor;
    for (unsigned i = 0; i < count; i++) {
        gss_buffer_desc out;
        int confidential;
        GOOD(gss_unwrap(&minor, c->server, &c->token[i], &out, &confidential, NULL), "gss_unwrap");
        CHECK(out.length == size, "gss_unwrap: length");
        gss_release_buffer(&minor, &out);
        gss_release_buffer(&minor, &c->token[i]);
    }
}

static void sign(void *argument, size_t size, unsigned count)
{
    struct conversation *c = argument;
    OM_uint32 minor;
    for (unsigned i = 0; i < count; i++) {
        gss_buffer_desc in = {size, c->plain};
        GOOD(gss_get_mic(&minor, c->client, GSS_C_QOP_DEFAULT, &in, &c->token[i]), "gss_get_mic");
    }
}

static void verify(void *argument, size_t size, unsigned count)
{
    struct conversation *c = argument;
    OM_uint32 minor;
    for (unsigned i = 0; i < count; i++) {
        gss_buffer_desc in = {size, c->plain};
        GOOD(gss_verify_mic(&minor, c->server, &in, &c->token[i], NULL), "gss_verify_mic");
        gss_release_buffer(&minor, &c->token[i]);
    }
}

static void check_messages(struct conversation *c)
{
    OM_uint32 minor;
    gss_buffer_desc out;
    int confidential;
    seal(c, 1024, 1);
    CHECK(memmem(c->token[0].value, c->token[0].length, c->plain, 32) == NULL, "nothing was encrypted");
    GOOD(gss_unwrap(&minor, c->server, &c->token[0], &out, &confidential, NULL), "gss_unwrap");
    CHECK(out.length == 1024 && memcmp(out.value, c->plain, 1024) == 0, "what came back is not what was sealed");
    gss_release_buffer(&minor, &out);
    gss_release_buffer(&minor, &c->token[0]);
}

static void messages(void)
{
    static struct conversation c;
    OM_uint32 minor;
    c.plain = malloc(65536);
    CHECK(c.plain != NULL, "malloc");
    memset(c.plain, 'x', 65536);
    log_on(&c.client, &c.server);
    check_messages(&c);
    bench_pair("seal", "unseal", seal, unseal, &c);
    bench_pair("sign", "verify", sign, verify, &c);
    gss_delete_sec_context(&minor, &c.client, GSS_C_NO_BUFFER);
    gss_delete_sec_context(&minor, &c.server, GSS_C_NO_BUFFER);
    free(c.plain);
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
    bench_init(argc, argv, "ntlm", "gss-ntlmssp");
    const char *hash_file = getenv("BENCH_GSS_HASH_FILE"), *password_file = getenv("BENCH_GSS_PASSWORD_FILE");
    CHECK(hash_file != NULL && password_file != NULL, "BENCH_GSS_HASH_FILE and BENCH_GSS_PASSWORD_FILE are not set");
    setenv("NETBIOS_COMPUTER_NAME", "SERVER", 0); /* else it asks winbind */
    setenv("NETBIOS_DOMAIN_NAME", "DOMAIN", 0);
    setenv("NTLM_USER_FILE", hash_file, 1);
    target = import("host@server", GSS_C_NT_HOSTBASED_SERVICE);
    acquire();
    if (strcmp(bench_mode, "control") == 0) {
        handshake(NULL);
    } else if (strcmp(bench_mode, "threads") == 0) {
        bench_threads(handshake);
    } else if (strcmp(bench_mode, "million") == 0) {
        bench_million(handshake, NULL);
    } else {
        bench_rate("handshake", handshake, NULL);
        setenv("NTLM_USER_FILE", password_file, 1);
        bench_rate("handshake.pwfile", handshake, NULL);
        setenv("NTLM_USER_FILE", hash_file, 1);
        bench_rate("handshake.cred", handshake_credential, NULL);
        spnego();
        messages();
        memory();
    }
    release();
    return 0;
}
