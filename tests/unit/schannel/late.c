/* Certificates that are asked for behind the handshake (RFC 8446 4.6.2). */
#include "link.h"

#include "schannel/engine.h"

struct late_options {
    bool has_certificate;  /* the client's credential has one */
    bool unnamed;          /* ... of nobody whom the server names */
    bool not_offered;      /* ISC_REQ_NO_POST_HANDSHAKE_AUTH */
    bool judged;           /* the server verifies, and refuses */
    bool with_key_updates; /* both directions have other keys than OpenSSL */
    bool no_reconnects;    /* SCH_CRED_DISABLE_RECONNECTS at the server */
};

static struct link *make(const struct late_options *options)
{
    struct side_options client = {
        .protocols = SP_PROT_TLS1_3, .flags = SCH_CRED_MANUAL_CRED_VALIDATION, .target = "www.example.com"};
    struct side_options server = {.protocols = SP_PROT_TLS1_3,
                                  .flags = (options->judged ? 0 : SCH_CRED_MANUAL_CRED_VALIDATION) |
                                           (options->no_reconnects ? SCH_CRED_DISABLE_RECONNECTS : 0),
                                  .request = ASC_REQ_EXTENDED_ERROR,
                                  .certificates = {link_certificate("p256")},
                                  .certificate_count = 1};
    client.certificates[0] = link_certificate("rsa");
    client.certificate_count = options->has_certificate ? 1 : 0;
    struct store *roots = NULL;
    assert_status(store_new(STORE_MEMORY, &roots), SEC_E_OK);
    assert_status(store_add(roots, link_certificate("authority"), STORE_ADD_ALWAYS, NULL), SEC_E_OK);
    server.roots = options->unnamed ? store_handle(roots) : NULL;
    client.long_flags = options->not_offered ? ISC_REQ_NO_POST_HANDSHAKE_AUTH : 0;
    struct link *link = calloc(1, sizeof *link);
    link_open(link, &client, &server);
    store_drop(roots);
    link_establish(link);
    link_exchange(link, 100);
    return link;
}

static void update_keys(struct side *from, struct side *to)
{
    static const uint8_t update[] = {24, 0, 0, 1, 0};
    uint8_t data[64];
    size_t size = 0;
    link_put_handshake(from, to, update, sizeof update);
    assert_status(record_update(&side_inside(from)->send), SEC_E_OK);
    assert_status(link_receive(to, data, &size), SEC_E_OK);
}

/* The request goes out, and messages go on meanwhile. */
static void ask(struct link *link)
{
    struct side *c = &link->client, *s = &link->server;
    uint8_t data[64];
    size_t size = 0;
    s->options.request |= ASC_REQ_MUTUAL_AUTH;
    assert_status(side_poke(s, c->in, &c->in_size), SEC_I_CONTINUE_NEEDED);
    assert_true(c->in_size != 0);
    link_send(c, s, "meanwhile", 9);
    assert_status(link_receive(s, data, &size), SEC_E_OK);
    assert_int_equal(size, 9);
    link_send(s, c, "and back", 8);
    assert_status(link_receive(c, data, &size), SEC_I_RENEGOTIATE);
    assert_int_equal(size, 0);
    assert_status(link_receive(c, data, &size), SEC_E_CONTEXT_EXPIRED);
}

/* The client's step, and what it left for DecryptMessage. */
static void answer(struct link *link, const struct late_options *options)
{
    struct side *c = &link->client, *s = &link->server;
    uint8_t data[64];
    size_t size = 0;
    SECURITY_STATUS status = side_step(c, link, s->in, &s->in_size);
    if (!options->has_certificate || options->unnamed) {
        assert_int_equal(status, SEC_I_INCOMPLETE_CREDENTIALS);
        assert_int_equal(s->in_size, 0);
        status = side_step(c, link, s->in, &s->in_size);
    }
    assert_int_equal(status, SEC_E_OK);
    assert_true(s->in_size != 0);
    assert_status(link_receive(c, data, &size), SEC_E_OK);
    assert_int_equal(size, 8);
    assert_int_equal(c->in_size, 0);
}

static X509 *shown_to(struct side *server)
{
    return SSL_get0_peer_certificate(side_inside(server)->ssl);
}

static void asked_late(const struct late_options *options)
{
    struct link *link = make(options);
    struct side *c = &link->client, *s = &link->server;
    uint8_t data[64];
    size_t size = 0;
    for (int round = 0; round < 3; round++) {
        if (options->with_key_updates) {
            update_keys(c, s);
            update_keys(s, c);
        }
        ask(link);
        answer(link, options);
        link_send(c, s, "afterwards", 10);
        assert_status(link_receive(s, data, &size), SEC_I_RENEGOTIATE);
        SECURITY_STATUS status = side_step(s, link, c->in, &c->in_size);
        for (int leg = 0; leg < 3 && status == SEC_I_CONTINUE_NEEDED; leg++) {
            status = side_step(s, link, c->in, &c->in_size);
        }
        assert_int_equal(status, SEC_E_OK);
        assert_int_equal(c->in_size, 0);
        assert_int_equal(shown_to(s) != NULL, options->has_certificate);
        assert_int_equal((s->attributes & ASC_RET_MUTUAL_AUTH) != 0, options->has_certificate);
        assert_status(link_receive(s, data, &size), SEC_E_OK);
        assert_int_equal(size, 10);
        link_exchange(link, 16384);
        link_exchange(link, 1);
    }
    link_close(link);
}

static void shown(void **state)
{
    asked_late(&(struct late_options){.has_certificate = true});
}

static void shown_to_who_names_others(void **state)
{
    asked_late(&(struct late_options){.has_certificate = true, .unnamed = true});
}

static void declined(void **state)
{
    asked_late(&(struct late_options){.has_certificate = false});
}

static void shown_under_other_keys(void **state)
{
    asked_late(&(struct late_options){.has_certificate = true, .with_key_updates = true});
}

/* Who has not offered it is not asked, and the connection goes on. */
static void not_offered(void **state)
{
    struct link *link = make(&(struct late_options){.has_certificate = true, .not_offered = true});
    uint8_t out[64];
    size_t size = 0;
    link->server.options.request |= ASC_REQ_MUTUAL_AUTH;
    assert_status(side_poke(&link->server, out, &size), SEC_E_UNSUPPORTED_FUNCTION);
    assert_int_equal(size, 0);
    link_exchange(link, 100);
    link_close(link);
}

/* The server verifies it as it would in the handshake. */
static void refused(void **state)
{
    struct late_options options = {.has_certificate = true, .judged = true};
    struct link *link = make(&options);
    struct side *c = &link->client, *s = &link->server;
    uint8_t data[64];
    size_t size = 0;
    ask(link);
    answer(link, &options);
    assert_status(link_receive(s, data, &size), SEC_I_RENEGOTIATE);
    SECURITY_STATUS status = side_step(s, link, c->in, &c->in_size);
    for (int leg = 0; leg < 3 && status == SEC_I_CONTINUE_NEEDED; leg++) {
        status = side_step(s, link, c->in, &c->in_size);
    }
    assert_int_equal(status, SEC_E_UNTRUSTED_ROOT);
    assert_int_equal(schannel_state(side_inside(s)), SCHANNEL_FAILED);
    assert_status(link_receive(c, data, &size), SEC_E_UNTRUSTED_ROOT); /* unknown_ca */
    link_close(link);
}

/* A session never brings the certificate that was shown late to connections that asked for none. */
static void not_in_tickets(void **state)
{
    struct late_options options = {.has_certificate = true};
    struct link *link = make(&options);
    struct side *c = &link->client, *s = &link->server;
    uint8_t data[64];
    size_t size = 0;
    ask(link);
    answer(link, &options);
    assert_status(link_receive(s, data, &size), SEC_I_RENEGOTIATE);
    SECURITY_STATUS status = side_step(s, link, c->in, &c->in_size);
    for (int leg = 0; leg < 3 && status == SEC_I_CONTINUE_NEEDED; leg++) {
        status = side_step(s, link, c->in, &c->in_size);
    }
    assert_int_equal(status, SEC_E_OK);
    assert_non_null(shown_to(s));
    link_exchange(link, 10);
    link_again(link);
    s->options.request = ASC_REQ_EXTENDED_ERROR;
    for (int i = 0; i < 3; i++) {
        link_establish(link);
        assert_null(shown_to(s));
        link_exchange(link, 10);
        link_again(link);
    }
    link_close(link);
}

/* ... nor does a ticket that is given out behind it. */
static void not_in_later_tickets(void **state)
{
    struct late_options options = {.has_certificate = true, .no_reconnects = true};
    SCHANNEL_SESSION_TOKEN token = {SCHANNEL_SESSION, SSL_SESSION_ENABLE_RECONNECTS};
    struct link *link = make(&options);
    struct side *c = &link->client, *s = &link->server;
    uint8_t data[64];
    size_t size = 0;
    ask(link);
    answer(link, &options);
    assert_status(link_receive(s, data, &size), SEC_I_RENEGOTIATE);
    SECURITY_STATUS status = side_step(s, link, c->in, &c->in_size);
    for (int leg = 0; leg < 3 && status == SEC_I_CONTINUE_NEEDED; leg++) {
        status = side_step(s, link, c->in, &c->in_size);
    }
    assert_int_equal(status, SEC_E_OK);
    assert_non_null(shown_to(s));
    link_control(s, c, &token, sizeof token);
    assert_true(c->in_size != 0);
    assert_status(link_receive(c, data, &size), SEC_E_OK);
    link_again(link);
    s->options.request = ASC_REQ_EXTENDED_ERROR;
    link_establish(link);
    assert_null(shown_to(s));
    link_exchange(link, 10);
    link_close(link);
}

/* What goes on behind a request for longer than a record is the end. */
static void more_than_belongs_to_it(void **state)
{
    static const uint8_t request[] = {13, 0, 0, 14, 1, 'x', 0, 10, 0, 13, 0, 6, 0, 4, 4, 3, 8, 4, 25, 1, 0, 0};
    static const uint8_t more[16384];
    struct link *link = make(&(struct late_options){.has_certificate = true});
    uint8_t data[64];
    size_t size = 0;
    link_put_handshake(&link->server, &link->client, request, sizeof request);
    assert_status(link_receive(&link->client, data, &size), SEC_E_OK);
    link_put_handshake(&link->server, &link->client, more, sizeof more);
    assert_status(link_receive(&link->client, data, &size), SEC_E_ILLEGAL_MESSAGE);
    assert_int_equal(schannel_state(side_inside(&link->client)), SCHANNEL_FAILED);
    link_close(link);
}

/* Nobody asked: a client's Certificate is the end. */
static void unasked(void **state)
{
    static const uint8_t certificate[] = {11, 0, 0, 4, 0, 0, 0, 0};
    static const uint8_t large[] = {13, 2, 0, 0, 0, 0, 0, 0}; /* 128 KB are announced */
    struct link *link = make(&(struct late_options){.has_certificate = true});
    uint8_t data[64];
    size_t size = 0;
    link_put_handshake(&link->client, &link->server, certificate, sizeof certificate);
    assert_status(link_receive(&link->server, data, &size), SEC_E_ILLEGAL_MESSAGE);
    link_close(link);
    link = make(&(struct late_options){.has_certificate = true});
    link_put_handshake(&link->server, &link->client, large, sizeof large);
    assert_status(link_receive(&link->client, data, &size), SEC_E_ILLEGAL_MESSAGE);
    link_close(link);
}

/* A request in pieces waits until it is whole; KeyUpdate has no place in it. */
static void in_pieces(void **state)
{
    /* certificate_request_context "x", signature_algorithms: ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256 */
    static const uint8_t request[] = {13, 0, 0, 14, 1, 'x', 0, 10, 0, 13, 0, 6, 0, 4, 4, 3, 8, 4};
    static const uint8_t update[] = {24, 0, 0, 1, 0};
    for (size_t cut = 4; cut < sizeof request; cut += 5) {
        struct link *link = make(&(struct late_options){.has_certificate = true});
        struct side *c = &link->client, *s = &link->server;
        uint8_t data[64];
        size_t size = 0;
        link_put_handshake(s, c, request, cut);
        assert_status(link_receive(c, data, &size), SEC_E_OK);
        link_put_handshake(s, c, request + cut, sizeof request - cut);
        assert_status(link_receive(c, data, &size), SEC_I_RENEGOTIATE);
        assert_status(side_poke(c, s->in, &s->in_size), SEC_E_OK);
        assert_true(s->in_size > 700); /* a certificate with an RSA key, its signature, Finished */
        link_close(link);
    }
    struct link *link = make(&(struct late_options){.has_certificate = true});
    uint8_t both[sizeof request + sizeof update], data[64];
    size_t size = 0;
    memcpy(both, request, sizeof request);
    memcpy(both + sizeof request, update, sizeof update);
    link_put_handshake(&link->server, &link->client, both, sizeof both);
    assert_status(link_receive(&link->client, data, &size), SEC_E_ILLEGAL_MESSAGE);
    link_close(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shown),
        cmocka_unit_test(declined),
        cmocka_unit_test(shown_to_who_names_others),
        cmocka_unit_test(shown_under_other_keys),
        cmocka_unit_test(not_offered),
        cmocka_unit_test(refused),
        cmocka_unit_test(not_in_tickets),
        cmocka_unit_test(not_in_later_tickets),
        cmocka_unit_test(more_than_belongs_to_it),
        cmocka_unit_test(unasked),
        cmocka_unit_test(in_pieces),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
