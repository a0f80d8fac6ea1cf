/* What happens on an established connection: renegotiation, key updates, records that are not as they should be. */
#include "connection.h"

#include "schannel/control.h"
#include "schannel/engine.h"

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

/* A KeyUpdate of one side that asks for the other's. */
static void send_key_update(struct side *from, struct side *to, uint8_t request)
{
    const uint8_t message[] = {24, 0, 0, 1, request};
    link_put_handshake(from, to, message, sizeof message);
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
        link_put_handshake(&link->server, &link->client, cases[i].message, cases[i].size);
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

/* The last record of a direction is our own where the others are OpenSSL's, which opens it at the other end (alert_cbc.h); a
 * warning would not be the last one. */
static void alerts_under_cbc(void **state)
{
    static const struct {
        DWORD level, number;
        SECURITY_STATUS arrives;
    } cases[] = {{TLS1_ALERT_FATAL, TLS1_ALERT_INTERNAL_ERROR, SEC_E_INTERNAL_ERROR},
                 {TLS1_ALERT_FATAL, TLS1_ALERT_ACCESS_DENIED, SEC_E_LOGON_DENIED},
                 {TLS1_ALERT_WARNING, TLS1_ALERT_CLOSE_NOTIFY, SEC_I_CONTEXT_EXPIRED}};
    static const DWORD versions[] = {SP_PROT_TLS1_0, SP_PROT_TLS1_1};
    for (size_t i = 0; i < 4 * sizeof cases / sizeof cases[0]; i++) {
        struct link *link = make_version(versions[i % 2]);
        struct side *from = i / 2 % 2 != 0 ? &link->client : &link->server;
        struct side *to = from == &link->client ? &link->server : &link->client;
        SCHANNEL_ALERT_TOKEN token = {SCHANNEL_ALERT, cases[i / 4].level, cases[i / 4].number};
        SCHANNEL_ALERT_TOKEN warning = {SCHANNEL_ALERT, TLS1_ALERT_WARNING, TLS1_ALERT_NO_RENEGOTIATION};
        SecBuffer buffer = {sizeof warning, SECBUFFER_TOKEN, &warning};
        SecBufferDesc desc = {SECBUFFER_VERSION, 1, &buffer};
        uint8_t data[64];
        size_t size = 0;
        link_establish(link);
        link_exchange(link, 1000);
        assert_status(ApplyControlToken(&from->context, &desc), SEC_E_UNSUPPORTED_FUNCTION);
        link_exchange(link, 10);
        link_control(from, to, &token, sizeof token);
        assert_status(link_receive(to, data, &size), cases[i / 4].arrives);
        link_close(link);
    }
}

/* What is no record at all is refused by an alert of the same kind. */
static void garbage_under_cbc(void **state)
{
    struct link *link = make_version(SP_PROT_TLS1_1);
    uint8_t data[64];
    size_t size = 0;
    link_establish(link);
    link_exchange(link, 10);
    memset(link->server.in, 0xfa, 100);
    link->server.in_size = 100;
    assert_true(link_receive(&link->server, data, &size) < 0);
    assert_status(side_poke(&link->server, link->client.in, &link->client.in_size), SEC_E_OK);
    assert_status(link_receive(&link->client, data, &size), SEC_E_ILLEGAL_MESSAGE);
    link_close(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(alerts_under_cbc),
        cmocka_unit_test(garbage_under_cbc),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("schannel established", tests, NULL, NULL);
}
