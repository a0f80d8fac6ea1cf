/* What happens around and after a handshake: protocols, certificates, resumption, renegotiation, key updates, the end. */
#include "link.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/policy.h"

#include "core/handle.h"
#include "schannel/control.h"
#include "schannel/engine.h"

#define TLS12 SP_PROT_TLS1_2
#define TLS13 SP_PROT_TLS1_3

static struct side_options client_options(DWORD protocols)
{
    return (struct side_options){
        .protocols = protocols, .flags = SCH_CRED_MANUAL_CRED_VALIDATION, .target = "www.example.com"};
}

static struct side_options server_options(DWORD protocols)
{
    return (struct side_options){
        .protocols = protocols, .certificates = {link_certificate("p256")}, .certificate_count = 1};
}

static struct link *make(const struct side_options *client, const struct side_options *server)
{
    struct link *link = calloc(1, sizeof *link);
    link_open(link, client, server);
    return link;
}

static struct link *make_version(DWORD protocols)
{
    struct side_options client = client_options(protocols);
    struct side_options server = server_options(protocols);
    return make(&client, &server);
}

/* ---------------------------------------------------------------- ALPN */

/* Bytes of schannel.md 2: h2 and http/1.1; the second list is http/1.1 alone, the third is foo. */
static const uint8_t alpn_both[] = "\x12\0\0\0\x02\0\0\0\x0c\0\x02h2\x08http/1.1";
static const uint8_t alpn_old[] = "\x0f\0\0\0\x02\0\0\0\x09\0\x08http/1.1";
static const uint8_t alpn_foo[] = "\x0a\0\0\0\x02\0\0\0\x04\0\x03"
                                  "foo";

static void application_protocols(void **state)
{
    static const DWORD versions[] = {TLS12, TLS13};
    for (size_t v = 0; v < 2; v++) {
        struct side_options client = client_options(versions[v]);
        struct side_options server = server_options(versions[v]);
        client.alpn = alpn_both;
        client.alpn_size = sizeof alpn_both - 1;
        server.alpn = alpn_old;
        server.alpn_size = sizeof alpn_old - 1;
        struct link *link = make(&client, &server);
        link_establish(link);
        const unsigned char *name;
        unsigned size;
        SSL_get0_alpn_selected(side_inside(&link->client)->ssl, &name, &size);
        assert_int_equal(size, 8);
        assert_memory_equal(name, "http/1.1", 8);
        link_close(link);

        server.alpn = alpn_foo;
        server.alpn_size = sizeof alpn_foo - 1;
        server.request = ASC_REQ_EXTENDED_ERROR;
        link = make(&client, &server);
        assert_false(link_shake(link));
        assert_int_equal(link->server.status, SEC_E_APPLICATION_PROTOCOL_MISMATCH);
        uint8_t out[64];
        size_t out_size = 0;
        assert_status(side_step(&link->client, link, out, &out_size), SEC_E_APPLICATION_PROTOCOL_MISMATCH);
        link_close(link);
    }
}

/* ---------------------------------------------------------------- certificates */

static void no_trust(void **state)
{
    static const DWORD versions[] = {TLS12, TLS13};
    for (size_t v = 0; v < 2; v++) {
        struct side_options client = client_options(versions[v]);
        struct side_options server = server_options(versions[v]);
        client.flags = 0;
        client.request = ISC_REQ_EXTENDED_ERROR;
        struct link *link = make(&client, &server);
        assert_false(link_shake(link));
        assert_int_equal(link->client.status, SEC_E_UNTRUSTED_ROOT);
        uint8_t out[64];
        size_t out_size = 0;
        assert_status(side_step(&link->server, link, out, &out_size), SEC_E_UNTRUSTED_ROOT); /* alert 48 */
        assert_status(side_poke(&link->client, out, &out_size), SEC_E_OUT_OF_SEQUENCE);
        link_close(link);
    }
}

static void trusted_root_and_name(void **state)
{
    struct store *store = NULL;
    assert_status(store_new(STORE_MEMORY, &store), SEC_E_OK);
    assert_status(store_add(store, link_certificate("p256"), STORE_ADD_ALWAYS, NULL), SEC_E_OK);
    static const struct {
        const char *target;
        SECURITY_STATUS status;
    } cases[] = {{"www.example.com", SEC_E_OK},
                 {"WWW.Example.COM", SEC_E_OK},
                 {"mail.example.com", SEC_E_WRONG_PRINCIPAL},
                 {NULL, SEC_E_WRONG_PRINCIPAL}};
    for (size_t i = 0; i < 8; i++) {
        DWORD version = i < 4 ? TLS12 : TLS13;
        struct side_options client = client_options(version);
        struct side_options server = server_options(version);
        client.flags = 0;
        client.roots = store_handle(store);
        client.target = cases[i % 4].target;
        struct link *link = make(&client, &server);
        assert_int_equal(link_shake(link), cases[i % 4].status == SEC_E_OK);
        assert_int_equal(link->client.status, cases[i % 4].status);
        link_close(link);
    }
    store_drop(store);
}

static bool client_certificate_seen(struct link *link)
{
    return SSL_get0_peer_certificate(side_inside(&link->server)->ssl) != NULL;
}

static void client_certificate(void **state)
{
    static const DWORD versions[] = {TLS12, TLS13, SP_PROT_TLS1_0};
    for (size_t v = 0; v < 3; v++) {
        struct side_options client = client_options(versions[v]);
        struct side_options server = server_options(versions[v]);
        server.request = ASC_REQ_MUTUAL_AUTH;
        server.flags = SCH_CRED_MANUAL_CRED_VALIDATION;
        client.certificates[0] = link_certificate("rsa");
        client.certificate_count = 1;
        struct link *link = make(&client, &server);
        link_establish(link);
        assert_true(client_certificate_seen(link));
        assert_true(link->server.attributes & ASC_RET_MUTUAL_AUTH);
        link_exchange(link, 100);
        link_close(link);
    }
}

/* Who enables the old protocols has not asked for keys that anybody breaks. */
static void weak_key(void **state)
{
    static const DWORD versions[] = {TLS12, SP_PROT_TLS1_0, SP_PROT_TLS1_1 | TLS12};
    for (size_t v = 0; v < 3; v++) {
        struct side_options client = client_options(versions[v]);
        struct side_options server = server_options(versions[v]);
        server.certificates[0] = link_certificate("weak");
        struct link *link = make(&client, &server);
        assert_false(link_shake(link));
        link_close(link);
        server.certificates[0] = link_certificate("rsa");
        link = make(&client, &server);
        link_establish(link);
        link_close(link);
    }
}

/* The server asks, the credential has none: the call is repeated with the same bytes, as programs do it. */
enum answer { ANSWER_SAME, ANSWER_FLAG, ANSWER_EMPTY, ANSWER_CREDENTIAL };

static void incomplete_credentials(DWORD version, enum answer answer)
{
    struct side_options client = client_options(version);
    struct side_options server = server_options(version);
    server.request = ASC_REQ_MUTUAL_AUTH;
    server.flags = SCH_CRED_MANUAL_CRED_VALIDATION;
    struct link *link = make(&client, &server);
    uint8_t *to_server = link->server.in, *to_client = link->client.in;
    assert_status(side_step(&link->client, link, to_server, &link->server.in_size), SEC_I_CONTINUE_NEEDED);
    assert_status(side_step(&link->server, link, to_client, &link->client.in_size), SEC_I_CONTINUE_NEEDED);
    size_t before = link->server.in_size;
    assert_status(side_step(&link->client, link, to_server, &link->server.in_size), SEC_I_INCOMPLETE_CREDENTIALS);
    assert_int_equal(link->server.in_size, before);
    assert_true(link->client.in_size != 0);
    struct side other = {.client = true, .options = client};
    if (answer == ANSWER_FLAG) {
        link->client.options.request |= ISC_REQ_USE_SUPPLIED_CREDS;
    } else if (answer == ANSWER_EMPTY) {
        link->client.in_size = 0;
    } else if (answer == ANSWER_CREDENTIAL) {
        other.options.certificates[0] = link_certificate("p256");
        other.options.certificate_count = 1;
        side_acquire(&other);
        assert_status(FreeCredentialsHandle(&link->client.credential), SEC_E_OK);
        link->client.credential = other.credential;
    }
    SECURITY_STATUS status = side_step(&link->client, link, to_server, &link->server.in_size);
    assert_int_equal(status, version == TLS13 ? SEC_E_OK : SEC_I_CONTINUE_NEEDED);
    assert_status(side_step(&link->server, link, to_client, &link->client.in_size), SEC_E_OK);
    if (version != TLS13) {
        assert_status(side_step(&link->client, link, to_server, &link->server.in_size), SEC_E_OK);
    }
    assert_int_equal(client_certificate_seen(link), answer == ANSWER_CREDENTIAL);
    assert_int_equal((link->server.attributes & ASC_RET_MUTUAL_AUTH) != 0, answer == ANSWER_CREDENTIAL);
    link_exchange(link, 100);
    link_close(link);
}

static void certificate_asked_for(void **state)
{
    for (enum answer answer = ANSWER_SAME; answer <= ANSWER_CREDENTIAL; answer++) {
        incomplete_credentials(TLS12, answer);
        incomplete_credentials(TLS13, answer);
    }
}

/* The server has two keys; the client can use one of them. */
static void certificate_by_key(void **state)
{
    ALG_ID rsa[] = {CALG_RSA_SIGN};
    struct side_options client = client_options(TLS12);
    struct side_options server = server_options(TLS12);
    server.certificates[1] = link_certificate("rsa");
    server.certificate_count = 2;
    for (int i = 0; i < 2; i++) {
        client.algorithms = i == 0 ? NULL : rsa;
        client.algorithm_count = (DWORD)i;
        struct link *link = make(&client, &server);
        link_establish(link);
        X509 *seen = SSL_get0_peer_certificate(side_inside(&link->client)->ssl);
        assert_int_equal(EVP_PKEY_get_base_id(X509_get0_pubkey(seen)), i == 0 ? EVP_PKEY_EC : EVP_PKEY_RSA);
        link_close(link);
    }
}

/* ---------------------------------------------------------------- resumption */

static bool resumed(struct link *link)
{
    bool client = SSL_session_reused(side_inside(&link->client)->ssl);
    assert_int_equal(SSL_session_reused(side_inside(&link->server)->ssl), client);
    return client;
}

static void resumption(void **state)
{
    static const DWORD versions[] = {TLS12, TLS13};
    for (size_t v = 0; v < 2; v++) {
        struct link *link = make_version(versions[v]);
        for (int i = 0; i < 5; i++) {
            link_establish(link);
            assert_int_equal(resumed(link), i != 0 && i != 3);
            link_exchange(link, 1000); /* which brings the tickets of TLS 1.3 */
            link_exchange(link, 1000);
            link_again(link);
            link->client.options.target =
                i == 2 ? "other.example.com" : "www.example.com"; /* another target, and back */
        }
        struct side_options options = link->client.options; /* another credential */
        assert_status(FreeCredentialsHandle(&link->client.credential), SEC_E_OK);
        link->client.options = options;
        side_acquire(&link->client);
        link_establish(link);
        assert_false(resumed(link));
        link_close(link);
    }
}

static unsigned seconds_later;
static uint64_t (*true_clock)(void);

static uint64_t later(void)
{
    return true_clock() + CLOCK_SECOND * seconds_later;
}

/* Two servers with one file of keys; then the keys are rotated, and the old one still opens; then it is gone. */
static void write_keys(const char *path, const char *keys, mode_t mode)
{
    unlink(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (const char *key = keys; *key != '\0'; key++) {
        for (int i = 0; i < 160; i++) {
            fputc(*key, file);
        }
        fputc('\n', file);
    }
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
    static long moment = 1000000000;
    moment++; /* the file's time says that it has changed */
    struct timespec times[2] = {{moment, 0}, {moment, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    seconds_later++; /* it is looked at once a second */
}

static void shared_ticket_keys(void **state)
{
    static const DWORD versions[] = {TLS12, TLS13};
    static struct policy policy;
    policy_defaults(&policy);
    snprintf(policy.schannel_ticket_keys, sizeof policy.schannel_ticket_keys, "%s/sspi-ticket-keys-%d",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", (int)getpid());
    policy_override(&policy);
    true_clock = clock_source;
    clock_source = later;
    static const struct {
        const char *keys;
        bool resumes;
        mode_t mode;
    } rounds[] = {{"a", false, 0600}, {"a", true, 0400}, {"ba", true, 0600}, {"b", true, 0600},
                  {"c", false, 0600}, {"d", true, 0640}, /* not used, as others may read it: c's key goes on */
                  {"d", true, 0602},  {"d", false, 0600}};
    for (size_t v = 0; v < 2; v++) {
        struct link *link = make_version(versions[v]);
        for (size_t i = 0; i < sizeof rounds / sizeof rounds[0]; i++) {
            write_keys(policy.schannel_ticket_keys, rounds[i].keys, rounds[i].mode);
            struct side_options options = link->server.options; /* another machine, as far as the credential goes */
            assert_status(FreeCredentialsHandle(&link->server.credential), SEC_E_OK);
            link->server.options = options;
            side_acquire(&link->server);
            link_establish(link);
            assert_int_equal(resumed(link), rounds[i].resumes);
            link_exchange(link, 100);
            link_again(link);
        }
        link_close(link);
    }
    clock_source = true_clock;
    unlink(policy.schannel_ticket_keys);
    policy_defaults(&policy);
    policy_override(&policy);
}

/* However often a session is resumed, its age counts from the handshake that showed the certificate. */
static void resumption_ends(void **state)
{
    static const DWORD versions[] = {TLS12, TLS13};
    static const struct {
        unsigned seconds; /* of the 36000 that a credential's sessions last (SCHANNEL_CRED, dwSessionLifespan) */
        bool resumes;
    } rounds[] = {{0, false},    {15000, true},  {30000, true}, {37000, false},
                  {50000, true}, {74000, false}, {86000, true}, {86401, false}}; /* certificates of a day */
    true_clock = clock_source;
    clock_source = later;
    for (size_t v = 0; v < 2; v++) {
        struct link *link = make_version(versions[v]);
        for (size_t i = 0; i < sizeof rounds / sizeof rounds[0]; i++) {
            seconds_later = rounds[i].seconds;
            link_establish(link);
            assert_int_equal(resumed(link), rounds[i].resumes);
            link_exchange(link, 100);
            link_again(link);
        }
        link_close(link);
    }
    clock_source = true_clock;
}

/* What was resumed without being judged is not kept as judged, whatever flags a later call has. */
static void unverified_stays_unverified(void **state)
{
    static const DWORD versions[] = {TLS12, TLS13};
    for (size_t v = 0; v < 2; v++) {
        struct side_options client = client_options(versions[v]);
        struct side_options server = server_options(versions[v]);
        client.flags = 0;
        client.request = ISC_REQ_MANUAL_CRED_VALIDATION;
        struct link *link = make(&client, &server);
        for (int i = 0; i < 2; i++) {
            link_establish(link);
            link->client.options.request = 0; /* a later call says nothing of validation */
            uint8_t unsent[256];
            size_t unsent_size = 0;
            if (link->client.in_size != 0) { /* tickets, which are not this call's business */
                assert_status(side_step(&link->client, link, unsent, &unsent_size), SEC_E_OK);
                assert_int_equal(unsent_size, 0);
            }
            uint8_t data[64];
            size_t size;
            link_send(&link->server, &link->client, "x", 1);
            while (link->client.in_size != 0 && link_receive(&link->client, data, &size) == SEC_E_OK) {
            }
            link_again(link);
            link->client.options.request = ISC_REQ_MANUAL_CRED_VALIDATION;
        }
        link->client.options.request = 0;
        assert_false(link_shake(link));
        assert_int_equal(link->client.status, SEC_E_UNTRUSTED_ROOT);
        link_close(link);
    }
}

/* A ticket of a connection that asked for no certificate does not do where one is asked for. */
static void resumption_and_client_certificates(void **state)
{
    static const DWORD versions[] = {TLS12, TLS13};
    for (size_t v = 0; v < 2; v++) {
        struct side_options client = client_options(versions[v]);
        struct side_options server = server_options(versions[v]);
        client.certificates[0] = link_certificate("rsa");
        client.certificate_count = 1;
        server.flags = SCH_CRED_MANUAL_CRED_VALIDATION;
        struct link *link = make(&client, &server);
        for (int i = 0; i < 4; i++) {
            link->server.options.request = i < 2 ? 0 : ASC_REQ_MUTUAL_AUTH;
            link_establish(link);
            assert_int_equal(resumed(link), i == 1 || i == 3);
            assert_int_equal(client_certificate_seen(link), i >= 2);
            link_exchange(link, 10);
            link_exchange(link, 10);
            link_again(link);
            if (i == 1 && versions[v] == TLS13) {
                assert_true(SslEmptyCacheA(NULL, 0));
            }
        }
        link_close(link);
    }
}

static void emptied_cache(void **state)
{
    struct link *link = make_version(TLS12);
    for (int i = 0; i < 3; i++) {
        link_establish(link);
        assert_int_equal(resumed(link), i == 1);
        link_again(link);
        assert_true(SslEmptyCacheA(i == 0 ? (LPSTR)(uintptr_t) "mail.example.com" : NULL, 0));
    }
    link_close(link);
}

static void no_reconnects(void **state)
{
    SCHANNEL_SESSION_TOKEN token = {SCHANNEL_SESSION, SSL_SESSION_DISABLE_RECONNECTS};
    struct link *link = make_version(TLS13);
    link_establish(link);
    SecBuffer buffer = {sizeof token, SECBUFFER_TOKEN, &token};
    SecBufferDesc desc = {SECBUFFER_VERSION, 1, &buffer};
    assert_status(ApplyControlToken(&link->client.context, &desc), SEC_E_OK);
    link_exchange(link, 100);
    link_again(link);
    link_establish(link);
    assert_false(resumed(link));
    link_close(link);
}

/* ---------------------------------------------------------------- after the handshake */

static void renegotiation(DWORD protocols, bool by_client, ALG_ID *algorithms, DWORD algorithm_count)
{
    struct side_options client = client_options(protocols);
    struct side_options server = server_options(protocols);
    client.algorithms = server.algorithms = algorithms;
    client.algorithm_count = server.algorithm_count = algorithm_count;
    struct link *link = make(&client, &server);
    struct side *c = &link->client, *s = &link->server;
    uint8_t data[64];
    size_t size = 0;
    link_establish(link);
    for (int round = 0; round < 3; round++) {
        link_exchange(link, 1000);
        link_exchange(link, 10);
        if (!by_client) {
            assert_status(side_poke(s, c->in, &c->in_size), SEC_I_CONTINUE_NEEDED);
            link_send(c, s, "meanwhile", 9); /* messages go on until the request is seen */
            assert_status(link_receive(s, data, &size), SEC_E_OK);
            assert_int_equal(size, 9);
            assert_status(link_receive(c, data, &size), SEC_I_RENEGOTIATE);
            assert_int_equal(size, 0);
            assert_status(link_receive(c, data, &size), SEC_E_CONTEXT_EXPIRED);
        }
        assert_status(side_poke(c, s->in, &s->in_size), SEC_I_CONTINUE_NEEDED);
        assert_status(link_receive(s, data, &size), SEC_I_RENEGOTIATE);
        SECURITY_STATUS client_status = SEC_I_CONTINUE_NEEDED;
        SECURITY_STATUS server_status = SEC_I_CONTINUE_NEEDED;
        for (int leg = 0; leg < 8 && (client_status != SEC_E_OK || server_status != SEC_E_OK); leg++) {
            if (server_status != SEC_E_OK) {
                server_status = leg == 0 ? side_poke(s, c->in, &c->in_size) : side_step(s, link, c->in, &c->in_size);
                assert_true(server_status >= 0);
            }
            if (client_status != SEC_E_OK) {
                client_status = side_step(c, link, s->in, &s->in_size);
                assert_true(client_status >= 0);
            }
        }
        assert_int_equal(client_status, SEC_E_OK);
        assert_int_equal(server_status, SEC_E_OK);
        assert_int_equal(c->in_size, 0);
        assert_int_equal(s->in_size, 0);
    }
    link_exchange(link, 16384);
    link_exchange(link, 1);
    link_close(link);
}

static void renegotiation_by_client(void **state)
{
    renegotiation(TLS12, true, NULL, 0);
}

static void renegotiation_by_server(void **state)
{
    renegotiation(TLS12, false, NULL, 0);
}

static void renegotiation_under_cbc(void **state)
{
    renegotiation(SP_PROT_TLS1_1, true, NULL, 0);
    renegotiation(SP_PROT_TLS1_1, false, NULL, 0);
}

/* A client shows a certificate in a renegotiation and, instead of proving that it has the key, declines to renegotiate: the
 * server is not to go on with whoever the certificate names (RFC 5246 7.4.8). */
static void certificate_without_proof(void **state)
{
    struct side_options client = client_options(TLS12);
    struct side_options server = server_options(TLS12);
    client.certificates[0] = link_certificate("rsa");
    client.certificate_count = 1;
    server.flags = SCH_CRED_MANUAL_CRED_VALIDATION;
    struct link *link = make(&client, &server);
    struct side *c = &link->client, *s = &link->server;
    uint8_t data[64];
    size_t size = 0;
    link_establish(link);
    link_exchange(link, 10);
    assert_false(client_certificate_seen(link));
    assert_status(side_poke(c, s->in, &s->in_size), SEC_I_CONTINUE_NEEDED);
    assert_status(link_receive(s, data, &size), SEC_I_RENEGOTIATE);
    s->options.request = ASC_REQ_MUTUAL_AUTH;
    assert_status(side_poke(s, c->in, &c->in_size), SEC_I_CONTINUE_NEEDED);
    struct record_direction *send = &side_inside(c)->send;
    uint64_t before = send->sequence;
    assert_status(side_step(c, link, s->in, &s->in_size), SEC_I_CONTINUE_NEEDED);
    struct record_frame frame;
    assert_status(record_peek(bytes_of(s->in, s->in_size), 0, &frame, NULL), SEC_E_OK);
    assert_int_equal(frame.missing, 0);
    assert_true(frame.size > 400 && frame.size < s->in_size); /* Certificate is a record of its own */
    send->sequence = before + 1;
    uint8_t *record = s->in + frame.size;
    size_t header = record_header_size(send), trailer = record_trailer_size(send);
    record[header] = TLS1_ALERT_WARNING;
    record[header + 1] = TLS1_ALERT_NO_RENEGOTIATION;
    assert_status(record_seal(send, RECORD_ALERT, (struct record_room){record, header},
                              (struct record_room){record + header, 2},
                              (struct record_room){record + header + 2, trailer}),
                  SEC_E_OK);
    s->in_size = frame.size + header + 2 + trailer;
    assert_true(side_step(s, link, c->in, &c->in_size) < 0);
    assert_int_equal(schannel_state(side_inside(s)), SCHANNEL_FAILED);
    assert_non_null(SSL_get0_peer_certificate(side_inside(s)->ssl)); /* the point where it was refused */
    size = 0;
    assert_status(side_poke(s, data, &size), SEC_E_OUT_OF_SEQUENCE);
    link_close(link);
}

static void no_renegotiation_in_tls13(void **state)
{
    struct link *link = make_version(TLS13);
    uint8_t out[64];
    size_t out_size = 0;
    link_establish(link);
    assert_status(side_poke(&link->client, out, &out_size), SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(side_poke(&link->server, out, &out_size), SEC_E_UNSUPPORTED_FUNCTION);
    link_exchange(link, 100);
    link_close(link);
}

/* A handshake record put on the wire by the record layer itself. */
static void send_handshake(struct side *from, struct side *to, const uint8_t *message, size_t size)
{
    struct record_direction *send = &side_inside(from)->send;
    uint8_t *record = to->in + to->in_size;
    size_t header = record_header_size(send), trailer = record_trailer_size(send);
    memcpy(record + header, message, size);
    assert_status(record_seal(send, RECORD_HANDSHAKE, (struct record_room){record, header},
                              (struct record_room){record + header, size},
                              (struct record_room){record + header + size, trailer}),
                  SEC_E_OK);
    to->in_size += header + size + trailer;
}

/* A KeyUpdate of one side that asks for the other's. */
static void send_key_update(struct side *from, struct side *to, uint8_t request)
{
    const uint8_t message[] = {24, 0, 0, 1, request};
    send_handshake(from, to, message, sizeof message);
    if (request <= 1) {
        assert_status(record_update(&side_inside(from)->send), SEC_E_OK);
    }
}

/* To a client a HelloRequest is a wish; whatever else a server says of handshakes then is the end. */
static void no_hello_request(void **state)
{
    static const struct {
        uint8_t message[8];
        size_t size;
    } cases[] = {
        {{4, 0, 0, 4, 0, 0, 0, 0}, 8}, {{0, 0, 0, 1, 0}, 5}, {{1, 0, 0, 0}, 4}, {{0, 0, 0}, 3}, {{0, 0, 0, 0, 20}, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct link *link = make_version(TLS12);
        uint8_t data[64];
        size_t size = 0;
        link_establish(link);
        send_handshake(&link->server, &link->client, cases[i].message, cases[i].size);
        assert_status(link_receive(&link->client, data, &size), SEC_E_ILLEGAL_MESSAGE);
        assert_status(side_poke(&link->client, link->server.in, &link->server.in_size), SEC_E_OK); /* the alert */
        assert_status(link_receive(&link->server, data, &size), SEC_E_ILLEGAL_MESSAGE); /* unexpected_message */
        link_close(link);
    }
}

/* A buffer that is too small costs nothing: no record is counted that the peer would miss. */
static void small_buffers_under_cbc(void **state)
{
    static const ULONG sizes[][2] = {{1, 64}, {64, 1}};
    struct link *link = make_version(SP_PROT_TLS1_1);
    uint8_t wire[3][64];
    link_establish(link);
    for (size_t i = 0; i < 2; i++) {
        SecBuffer buffers[4] = {{sizes[i][0], SECBUFFER_STREAM_HEADER, wire[0]},
                                {10, SECBUFFER_DATA, wire[1]},
                                {sizes[i][1], SECBUFFER_STREAM_TRAILER, wire[2]},
                                {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
        assert_status(EncryptMessage(&link->client.context, 0, &message, 0), SEC_E_BUFFER_TOO_SMALL);
        link_exchange(link, 10);
    }
    link_close(link);
}

static void key_updates(void **state)
{
    struct link *link = make_version(TLS13);
    uint8_t data[16384];
    size_t size = 0;
    link_establish(link);
    link_exchange(link, 100);
    struct side *sides[] = {&link->client, &link->server};
    for (int i = 0; i < 8; i++) {
        struct side *from = sides[i % 2], *to = sides[1 - i % 2];
        send_key_update(from, to, i < 4);
        link_send(from, to, "next key", 8);
        assert_status(link_receive(to, data, &size), SEC_E_OK);
        assert_int_equal(size, 0);
        assert_status(link_receive(to, data, &size), SEC_E_OK);
        assert_int_equal(size, 8);
        assert_int_equal(atomic_load(&side_inside(to)->update_due), i < 4);
        if (i == 2) { /* the answer as a step's token ... */
            assert_status(side_poke(to, from->in, &from->in_size), SEC_E_OK);
            assert_status(link_receive(from, data, &size), SEC_E_OK);
            assert_int_equal(size, 0);
        }
        link_exchange(link, 1000); /* ... or in front of a message */
        assert_false(atomic_load(&side_inside(to)->update_due));
    }
    /* A ticket for OpenSSL, which still has the first keys, and from one that has. */
    struct schannel_context *server = side_inside(&link->server);
    size_t used;
    assert_int_not_equal(SSL_new_session_ticket(server->ssl), 0);
    assert_status(engine_handshake_begin(server), SEC_E_OK);
    assert_int_equal(engine_handshake(server, BYTES_NONE, &used), ENGINE_DONE);
    assert_true(server->outgoing.size != 0);
    memcpy(link->client.in, server->outgoing.data, server->outgoing.size);
    link->client.in_size = server->outgoing.size;
    server->outgoing.size = 0;
    engine_handshake_end(server);
    assert_status(link_receive(&link->client, data, &size), SEC_E_OK);
    assert_int_equal(size, 0);
    link_exchange(link, 1000);
    link_close(link);
}

static void bad_key_update(void **state)
{
    struct link *link = make_version(TLS13);
    uint8_t data[64];
    size_t size = 0;
    link_establish(link);
    send_key_update(&link->client, &link->server, 2);
    assert_status(link_receive(&link->server, data, &size), SEC_E_ILLEGAL_MESSAGE);
    assert_status(side_poke(&link->server, link->client.in, &link->client.in_size), SEC_E_OK); /* the alert */
    SECURITY_STATUS status = SEC_E_OK;
    while (link->client.in_size != 0 && status == SEC_E_OK) {
        status = link_receive(&link->client, data, &size);
    }
    assert_int_equal(status, SEC_E_ILLEGAL_MESSAGE); /* illegal_parameter */
    link_close(link);
}

static void altered_record(void **state)
{
    static const DWORD versions[] = {TLS12, TLS13, SP_PROT_TLS1_1};
    for (size_t v = 0; v < 3; v++) {
        struct link *link = make_version(versions[v]);
        uint8_t data[64];
        size_t size = 0;
        link_establish(link);
        link_exchange(link, 10);
        link_send(&link->client, &link->server, "secret", 6);
        link->server.in[link->server.in_size - 1] ^= 1;
        assert_status(link_receive(&link->server, data, &size), SEC_E_MESSAGE_ALTERED);
        link_close(link);
    }
}

/* ---------------------------------------------------------------- the end */

static void closing(void **state)
{
    static const DWORD versions[] = {TLS12, TLS13, SP_PROT_TLS1_1};
    static const DWORD shutdown = SCHANNEL_SHUTDOWN;
    for (size_t v = 0; v < 3; v++) {
        struct link *link = make_version(versions[v]);
        struct side *c = &link->client, *s = &link->server;
        uint8_t data[64];
        size_t size = 0;
        link_establish(link);
        link_exchange(link, 10);
        link_send(c, s, "last words", 10);
        link_control(c, s, &shutdown, sizeof shutdown);
        assert_status(link_receive(s, data, &size), SEC_E_OK);
        assert_status(link_receive(s, data, &size), SEC_I_CONTEXT_EXPIRED);
        assert_status(link_receive(s, data, &size), SEC_E_CONTEXT_EXPIRED);
        link_send(s, c, "farewell", 8); /* the other direction is still open */
        assert_status(link_receive(c, data, &size), SEC_E_OK);
        assert_int_equal(size, 8);
        link_control(s, c, &shutdown, sizeof shutdown);
        assert_status(link_receive(c, data, &size), SEC_I_CONTEXT_EXPIRED);
        SecBuffer buffers[4] = {{16, SECBUFFER_STREAM_HEADER, data},
                                {1, SECBUFFER_DATA, data + 16},
                                {40, SECBUFFER_STREAM_TRAILER, data + 17},
                                {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
        assert_status(EncryptMessage(&c->context, 0, &message, 0), SEC_E_CONTEXT_EXPIRED);
        link_close(link);
    }
}

/* windows-behaviour A3 to A5: before the handshake is done, in the clear. */
static void control_before_the_end(void **state)
{
    static const uint8_t close_notify[] = {0x15, 3, 1, 0, 2, 1, 0};
    static const uint8_t bad_certificate[] = {0x15, 3, 1, 0, 2, 2, 0x2a};
    static const DWORD shutdown = SCHANNEL_SHUTDOWN;
    SCHANNEL_ALERT_TOKEN alert = {SCHANNEL_ALERT, TLS1_ALERT_FATAL, TLS1_ALERT_BAD_CERTIFICATE};
    struct link *link = make_version(TLS12);
    struct side *c = &link->client;
    uint8_t out[64];
    size_t out_size = 0;
    uint8_t hello[1024];
    size_t hello_size = 0;
    assert_status(side_step(c, link, hello, &hello_size), SEC_I_CONTINUE_NEEDED);
    for (int i = 0; i < 2; i++) {
        link->server.in_size = 0;
        link_control(c, &link->server, &shutdown, sizeof shutdown);
        assert_int_equal(link->server.in_size, 7);
        assert_memory_equal(link->server.in, close_notify, 7);
        assert_status(side_poke(c, out, &out_size), SEC_E_INCOMPLETE_MESSAGE);
    }
    link->server.in_size = 0;
    link_control(c, &link->server, &alert, sizeof alert);
    assert_memory_equal(link->server.in, bad_certificate, 7);
    link_close(link);
}

/* windows-behaviour SH8 to SH11. */
static void wrong_input(void **state)
{
    struct link *link = make_version(TLS12);
    struct side *c = &link->client;
    uint8_t hello[1024], out[4096], in[8] = {22, 3, 3, 1, 0};
    size_t hello_size = 0;
    assert_status(side_step(c, link, hello, &hello_size), SEC_I_CONTINUE_NEEDED);
    static const struct {
        ULONG size;
        ULONG missing;
    } cases[] = {{0, 5}, {4, 1}, {5, 256}};
    for (size_t i = 0; i < 3; i++) {
        SecBuffer buffers[2] = {{cases[i].size, SECBUFFER_TOKEN, in}, {0, SECBUFFER_EMPTY, NULL}};
        SecBuffer output = {sizeof out, SECBUFFER_TOKEN, out};
        SecBufferDesc in_desc = {SECBUFFER_VERSION, 2, buffers}, out_desc = {SECBUFFER_VERSION, 1, &output};
        ULONG attributes;
        assert_status(InitializeSecurityContextA(&c->credential, &c->context, NULL, 0, 0, 0, &in_desc, 0, NULL,
                                                 &out_desc, &attributes, NULL),
                      SEC_E_INCOMPLETE_MESSAGE);
        assert_int_equal(buffers[1].BufferType, SECBUFFER_MISSING);
        assert_int_equal(buffers[1].cbBuffer, cases[i].missing);
        assert_int_equal(output.cbBuffer, sizeof out);
        buffers[1] = (SecBuffer){0xdeadbeef, SECBUFFER_EMPTY, NULL};
        assert_status(InitializeSecurityContextA(&c->credential, &c->context, NULL, 0, 0, 0, &in_desc, 0, NULL,
                                                 &out_desc, &attributes, NULL),
                      SEC_E_INVALID_TOKEN);
    }
    uint8_t *garbage = memset(malloc(8192), 0xfa, 8192);
    SecBuffer buffers[2] = {{8192, SECBUFFER_TOKEN, garbage}, {0, SECBUFFER_EMPTY, NULL}};
    SecBuffer output = {sizeof out, SECBUFFER_TOKEN, out};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 2, buffers}, out_desc = {SECBUFFER_VERSION, 1, &output};
    ULONG attributes;
    assert_status(InitializeSecurityContextA(&c->credential, &c->context, NULL, 0, 0, 0, &in_desc, 0, NULL, &out_desc,
                                             &attributes, NULL),
                  SEC_E_INVALID_TOKEN);
    assert_int_equal(output.cbBuffer, 0);
    free(garbage);
    link_close(link);
}

/* windows-behaviour SH2 to SH7. */
static SECURITY_STATUS first_call(CredHandle *credential, ULONG flags, SecBuffer *buffers, ULONG count,
                                  ULONG *attributes)
{
    SecBufferDesc out = {SECBUFFER_VERSION, count, buffers};
    CtxtHandle context = {0, 0};
    SECURITY_STATUS status =
        InitializeSecurityContextA(credential, NULL, (SEC_CHAR *)(uintptr_t) "www.example.com", flags, 0, 0, NULL, 0,
                                   &context, count != 0 ? &out : NULL, attributes, NULL);
    if (status >= 0) {
        assert_status(DeleteSecurityContext(&context), SEC_E_OK);
    }
    return status;
}

static void output_buffers(void **state)
{
    static const DWORD versions[] = {TLS12, SP_PROT_DTLS1_2};
    for (size_t v = 0; v < 2; v++) {
        struct side side = {.client = true, .options = client_options(versions[v])};
        CredHandle *credential;
        uint8_t token[4096], alert[64];
        ULONG attributes;
        side_acquire(&side);
        credential = &side.credential;
        assert_status(first_call(credential, 0, NULL, 0, &attributes), SEC_E_INVALID_TOKEN);
        SecBuffer no_room[2] = {{0, SECBUFFER_TOKEN, token}, {0, SECBUFFER_EMPTY, NULL}};
        assert_status(first_call(credential, 0, no_room, 2, &attributes), SEC_E_INSUFFICIENT_MEMORY);
        SecBuffer no_alert[2] = {{sizeof token, SECBUFFER_TOKEN, token}, {0, SECBUFFER_ALERT, alert}};
        assert_status(first_call(credential, 0, no_alert, 2, &attributes), SEC_E_INSUFFICIENT_MEMORY);
        SecBuffer stale = {0, SECBUFFER_TOKEN, (void *)(uintptr_t)0xdeadbeef};
        assert_status(first_call(credential, ISC_REQ_ALLOCATE_MEMORY, &stale, 1, &attributes), SEC_I_CONTINUE_NEEDED);
        assert_ptr_not_equal(stale.pvBuffer, (void *)(uintptr_t)0xdeadbeef);
        assert_status(FreeContextBuffer(stale.pvBuffer), SEC_E_OK);
        SecBuffer unnamed = {sizeof token, SECBUFFER_TOKEN, NULL};
        assert_status(first_call(credential, 0, &unnamed, 1, &attributes), SEC_I_CONTINUE_NEEDED);
        assert_non_null(unnamed.pvBuffer);
        assert_status(FreeContextBuffer(unnamed.pvBuffer), SEC_E_OK);
        SecBuffer four[4] = {{sizeof token, SECBUFFER_TOKEN, token},
                             {sizeof alert, SECBUFFER_ALERT, alert},
                             {0, SECBUFFER_EMPTY, NULL},
                             {0, SECBUFFER_EMPTY, NULL}};
        assert_status(first_call(credential, 0, four, 4, &attributes), SEC_I_CONTINUE_NEEDED);
        assert_true(four[0].cbBuffer != 0 && four[0].cbBuffer < sizeof token);
        assert_int_equal(four[1].cbBuffer, 0);
        assert_int_equal(four[1].BufferType, SECBUFFER_ALERT);
        assert_status(FreeCredentialsHandle(credential), SEC_E_OK);
    }
}

/* windows-behaviour D2 and D4. */
static void datagram_attributes(void **state)
{
    struct side_options client = client_options(SP_PROT_DTLS1_2);
    struct side_options server = server_options(SP_PROT_DTLS1_2);
    client.request =
        ISC_REQ_MANUAL_CRED_VALIDATION | ISC_REQ_EXTENDED_ERROR | ISC_REQ_DATAGRAM | ISC_REQ_USE_SUPPLIED_CREDS;
    struct link *link = make(&client, &server);
    uint8_t out[4096];
    size_t out_size = 0;
    assert_status(side_step(&link->client, link, out, &out_size), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(link->client.attributes & ~(ULONG)ISC_RET_ALLOCATED_MEMORY, 0x8c49c);
    SecBuffer buffers[2] = {{sizeof out, SECBUFFER_TOKEN, out}, {0, SECBUFFER_ALERT, NULL}};
    SecBufferDesc desc = {SECBUFFER_VERSION, 2, buffers};
    CtxtHandle untouched = {1, 2};
    TimeStamp expiry = {.QuadPart = 77};
    ULONG attributes = 0;
    assert_status(InitializeSecurityContextA(&link->client.credential, &link->client.context, NULL, 0, 0, 0, NULL, 0,
                                             &untouched, &desc, &attributes, &expiry),
                  SEC_E_INSUFFICIENT_MEMORY);
    assert_int_equal(attributes & 0x1c, 0x1c);
    assert_int_equal(expiry.QuadPart, 0);
    assert_true(untouched.dwLower == 1 && untouched.dwUpper == 2);
    link_close(link);
}

/* windows-behaviour A1 and A2. */
static void control_tokens(void **state)
{
    struct link *link = make_version(TLS12);
    CtxtHandle *context = &link->client.context;
    DWORD token[2] = {SCHANNEL_SHUTDOWN, 0};
    link_establish(link);
    const struct {
        ULONG count, size, type;
        DWORD token;
        SECURITY_STATUS status;
    } cases[] = {
        {1, 4, SECBUFFER_TOKEN, SCHANNEL_RENEGOTIATE, SEC_E_UNSUPPORTED_FUNCTION},
        {1, 3, SECBUFFER_TOKEN, SCHANNEL_SHUTDOWN, SEC_E_UNSUPPORTED_FUNCTION},
        {1, 4, SECBUFFER_ALERT, SCHANNEL_SHUTDOWN, SEC_E_INVALID_TOKEN},
        {1, 4, SECBUFFER_DATA, SCHANNEL_SHUTDOWN, SEC_E_INVALID_TOKEN},
        {2, 4, SECBUFFER_TOKEN, SCHANNEL_SHUTDOWN, SEC_E_INVALID_TOKEN},
        {0, 4, SECBUFFER_TOKEN, SCHANNEL_SHUTDOWN, SEC_E_INVALID_TOKEN},
        {1, 4, SECBUFFER_TOKEN, SCHANNEL_SHUTDOWN, SEC_E_OK},
        {1, 5, SECBUFFER_TOKEN, SCHANNEL_SHUTDOWN, SEC_E_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SecBuffer buffers[2] = {{cases[i].size, cases[i].type, token}, {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc desc = {SECBUFFER_VERSION, cases[i].count, buffers};
        token[0] = cases[i].token;
        assert_status(ApplyControlToken(context, &desc), cases[i].status);
    }
    assert_status(ApplyControlToken(context, NULL), SEC_E_INTERNAL_ERROR);
    link_close(link);
}

static void returned_attributes(void **state)
{
    struct side_options client = client_options(TLS12);
    struct side_options server = server_options(TLS12);
    struct link *link = make(&client, &server);
    link_establish(link);
    assert_int_equal(link->client.attributes, ISC_RET_REPLAY_DETECT | ISC_RET_SEQUENCE_DETECT |
                                                  ISC_RET_CONFIDENTIALITY | ISC_RET_STREAM | ISC_RET_ALLOCATED_MEMORY);
    link_close(link);
}

static void no_server_certificate(void **state)
{
    struct side_options client = client_options(TLS12);
    struct side_options server = {.protocols = TLS12};
    struct link *link = make(&client, &server);
    assert_false(link_shake(link));
    assert_int_equal(link->server.status, SEC_E_NO_CREDENTIALS);
    link_close(link);
}

static void no_common_version(void **state)
{
    struct side_options client = client_options(TLS13);
    struct side_options server = server_options(TLS12);
    server.request = ASC_REQ_EXTENDED_ERROR;
    struct link *link = make(&client, &server);
    assert_false(link_shake(link));
    assert_int_equal(link->server.status, SEC_E_UNSUPPORTED_FUNCTION);
    link_close(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(application_protocols),
        cmocka_unit_test(no_trust),
        cmocka_unit_test(trusted_root_and_name),
        cmocka_unit_test(client_certificate),
        cmocka_unit_test(weak_key),
        cmocka_unit_test(certificate_asked_for),
        cmocka_unit_test(certificate_by_key),
        cmocka_unit_test(resumption),
        cmocka_unit_test(shared_ticket_keys),
        cmocka_unit_test(resumption_ends),
        cmocka_unit_test(emptied_cache),
        cmocka_unit_test(unverified_stays_unverified),
        cmocka_unit_test(resumption_and_client_certificates),
        cmocka_unit_test(no_reconnects),
        cmocka_unit_test(renegotiation_by_client),
        cmocka_unit_test(renegotiation_by_server),
        cmocka_unit_test(renegotiation_under_cbc),
        cmocka_unit_test(certificate_without_proof),
        cmocka_unit_test(no_renegotiation_in_tls13),
        cmocka_unit_test(key_updates),
        cmocka_unit_test(bad_key_update),
        cmocka_unit_test(no_hello_request),
        cmocka_unit_test(small_buffers_under_cbc),
        cmocka_unit_test(altered_record),
        cmocka_unit_test(closing),
        cmocka_unit_test(control_before_the_end),
        cmocka_unit_test(wrong_input),
        cmocka_unit_test(returned_attributes),
        cmocka_unit_test(output_buffers),
        cmocka_unit_test(datagram_attributes),
        cmocka_unit_test(control_tokens),
        cmocka_unit_test(no_server_certificate),
        cmocka_unit_test(no_common_version),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("schannel connection", tests, NULL, NULL);
}
