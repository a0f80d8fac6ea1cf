/* DTLS, with a network that loses, doubles and reorders. */
#include "link.h"

#include "schannel/suite.h"

#define QUEUE 256

struct network {
    uint8_t packets[QUEUE][4096];
    size_t sizes[QUEUE];
    size_t count;
};

static struct link *make(DWORD protocols, ULONG server_request)
{
    struct side_options client = {.protocols = protocols,
                                  .flags = SCH_CRED_MANUAL_CRED_VALIDATION,
                                  .request = ISC_REQ_DATAGRAM,
                                  .target = "www.example.com",
                                  .mtu = 600};
    struct side_options server = {.protocols = protocols,
                                  .flags = SCH_CRED_MANUAL_CRED_VALIDATION,
                                  .request = ASC_REQ_DATAGRAM | server_request,
                                  .certificates = {link_certificate("rsa")},
                                  .certificate_count = 1,
                                  .mtu = 600};
    if (server_request & ASC_REQ_MUTUAL_AUTH) {
        client.certificates[0] = link_certificate("rsa");
        client.certificate_count = 1;
    }
    struct link *link = calloc(1, sizeof *link);
    link_open(link, &client, &server);
    return link;
}

static void put(struct network *to, const uint8_t *data, size_t size)
{
    assert_true(to->count < QUEUE && size <= 4096);
    memcpy(to->packets[to->count], data, size);
    to->sizes[to->count++] = size;
}

/* Everything a side says to one datagram, or to none. */
static SECURITY_STATUS feed(struct link *link, struct side *side, const uint8_t *data, size_t size, struct network *out)
{
    for (;;) {
        uint8_t token[LINK_BUFFER / 16];
        size_t token_size = 0;
        SECURITY_STATUS status;
        if (data == NULL && side->has_context) {
            status = side_poke(side, token, &token_size);
        } else {
            if (size != 0) {
                memcpy(side->in, data, size);
            }
            side->in_size = size;
            status = side_step(side, link, token, &token_size);
            side->in_size = 0;
        }
        assert_true(status >= 0 || status == SEC_E_INCOMPLETE_MESSAGE);
        if (token_size != 0) {
            assert_true(token_size <= side->options.mtu);
            put(out, token, token_size);
        }
        if (status != SEC_I_MESSAGE_FRAGMENT) {
            return status;
        }
    }
}

/* What becomes of the packets of a flight on their way. */
static void disturb(struct network *network, unsigned *seed, unsigned percent)
{
    struct network out = {.count = 0};
    for (size_t i = 0; i < network->count; i++) {
        unsigned dice = (unsigned)rand_r(seed) % 100;
        if (dice < percent) {
            continue; /* lost */
        }
        put(&out, network->packets[i], network->sizes[i]);
        if (dice < 2 * percent) {
            put(&out, network->packets[i], network->sizes[i]);
        }
    }
    for (size_t i = 0; percent != 0 && i + 1 < out.count; i++) {
        if ((unsigned)rand_r(seed) % 100 < percent) {
            struct network *copy = malloc(sizeof *copy);
            *copy = out;
            memcpy(out.packets[i], copy->packets[i + 1], 4096);
            memcpy(out.packets[i + 1], copy->packets[i], 4096);
            out.sizes[i] = copy->sizes[i + 1];
            out.sizes[i + 1] = copy->sizes[i];
            free(copy);
        }
    }
    *network = out;
}

static void shake(struct link *link, unsigned seed, unsigned percent)
{
    static struct network to_server, to_client, packets;
    to_server.count = to_client.count = 0;
    bool client_done = false, server_done = false;
    assert_int_equal(feed(link, &link->client, NULL, 0, &to_server), SEC_I_CONTINUE_NEEDED);
    for (int round = 0; round < 200 && !(client_done && server_done); round++) {
        disturb(&to_server, &seed, percent);
        packets = to_server;
        to_server.count = 0;
        for (size_t i = 0; i < packets.count; i++) {
            server_done =
                feed(link, &link->server, packets.packets[i], packets.sizes[i], &to_client) == SEC_E_OK || server_done;
        }
        disturb(&to_client, &seed, percent);
        packets = to_client;
        to_client.count = 0;
        for (size_t i = 0; i < packets.count; i++) {
            client_done =
                feed(link, &link->client, packets.packets[i], packets.sizes[i], &to_server) == SEC_E_OK || client_done;
        }
        if (to_server.count != 0) {
            continue;
        }
        if (!client_done) { /* nothing came: the callers' timers, on both sides */
            feed(link, &link->client, NULL, 0, &to_server);
            assert_true(link->client.expiry.QuadPart != 0);
        }
        if (!server_done && link->server.has_context) {
            feed(link, &link->server, NULL, 0, &to_client);
        }
    }
    assert_true(client_done && server_done);
}

static void quiet_network(void **state)
{
    static const DWORD versions[] = {SP_PROT_DTLS1_2, SP_PROT_DTLS1_0};
    for (size_t v = 0; v < 2; v++) {
        for (int i = 0; i < 2; i++) {
            struct link *link = make(versions[v], i != 0 ? ASC_REQ_MUTUAL_AUTH : 0);
            shake(link, 1, 0);
            link_exchange(link, 500);
            link_exchange(link, 1);
            link_close(link);
        }
    }
}

static void bad_network(void **state)
{
    for (unsigned seed = 1; seed <= 40; seed++) {
        struct link *link = make(SP_PROT_DTLS1_2, seed % 2 != 0 ? ASC_REQ_MUTUAL_AUTH : 0);
        shake(link, seed, 15);
        link_exchange(link, 500);
        link_close(link);
    }
}

/* SEC_DTLS_MTU: from 200 on. */
static void smallest_datagrams(void **state)
{
    struct link *link = make(SP_PROT_DTLS1_2, ASC_REQ_MUTUAL_AUTH);
    link->client.options.mtu = link->server.options.mtu = 200;
    shake(link, 1, 0);
    link_exchange(link, 100);
    link_close(link);
    link = make(SP_PROT_DTLS1_2, 0);
    uint8_t token[4096];
    size_t size = 0;
    link->client.options.mtu = 199;
    assert_status(side_step(&link->client, link, token, &size), SEC_E_INVALID_TOKEN);
    link_close(link);
}

/* Hands a side everything in `network`; what it answers goes to `out`. */
static SECURITY_STATUS hand_over(struct link *link, struct side *side, struct network *network, struct network *out)
{
    SECURITY_STATUS status = SEC_E_OK;
    for (size_t i = 0; i < network->count; i++) {
        status = feed(link, side, network->packets[i], network->sizes[i], out);
    }
    network->count = 0;
    return status;
}

/* The server's last flight is lost, and the client's repetition reaches DecryptMessage: SEC_I_RENEGOTIATE, and the next step
 * hands the flight out again (RFC 6347 4.2.4). */
static void repeated_last_flight(void **state)
{
    static struct network to_server, to_client;
    struct link *link = make(SP_PROT_DTLS1_2, 0);
    struct side *c = &link->client, *s = &link->server;
    uint8_t data[4096];
    size_t size = 0;
    to_server.count = to_client.count = 0;
    SECURITY_STATUS server = SEC_I_CONTINUE_NEEDED;
    assert_int_equal(feed(link, c, NULL, 0, &to_server), SEC_I_CONTINUE_NEEDED);
    while (server != SEC_E_OK) {
        server = hand_over(link, s, &to_server, &to_client);
        if (server != SEC_E_OK) {
            assert_int_equal(hand_over(link, c, &to_client, &to_server), SEC_I_CONTINUE_NEEDED);
        }
    }
    assert_true(to_client.count != 0);
    to_client.count = 0; /* lost */
    assert_int_equal(feed(link, c, NULL, 0, &to_server), SEC_I_CONTINUE_NEEDED);
    SECURITY_STATUS status = SEC_E_OK;
    for (size_t i = 0; i < to_server.count && status == SEC_E_OK; i++) {
        memcpy(s->in, to_server.packets[i], to_server.sizes[i]);
        s->in_size = to_server.sizes[i];
        while (s->in_size != 0 && status == SEC_E_OK) {
            status = link_receive(s, data, &size);
            assert_int_equal(size, 0);
        }
    }
    assert_int_equal(status, SEC_I_RENEGOTIATE);
    s->in_size = 0;
    assert_int_equal(feed(link, s, NULL, 0, &to_client), SEC_E_OK);
    assert_true(to_client.count != 0);
    assert_int_equal(hand_over(link, c, &to_client, &to_server), SEC_E_OK);
    link_exchange(link, 500);
    assert_int_equal(side_inside(s)->outgoing.size, 0);
    link_close(link);
}

/* windows-behaviour D1 to D5. */
static void repeated_hello(void **state)
{
    struct link *link = make(SP_PROT_DTLS1_2, 0);
    uint8_t first[4096], second[4096];
    size_t first_size = 0, second_size = 0;
    assert_status(side_step(&link->client, link, first, &first_size), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(link->client.expiry.QuadPart, 0);
    assert_int_equal(first[10], 0);
    assert_status(side_poke(&link->client, second, &second_size), SEC_I_CONTINUE_NEEDED);
    assert_int_equal(first_size, second_size);
    assert_int_equal(second[10], 1);
    second[10] = 0;
    assert_memory_equal(first, second, first_size);
    assert_true(link->client.expiry.QuadPart != 0);
    link_close(link);
}

/* Like TLS 1.2, where the response comes behind the certificate (RFC 6066 8): the client's verdict waits for it. */
static void staples(void **state)
{
    static const struct {
        bool stapled, revoked;
        SECURITY_STATUS status;
    } cases[] = {{false, false, CRYPT_E_NO_REVOCATION_CHECK}, {true, false, SEC_E_OK}, {true, true, CRYPT_E_REVOKED}};
    struct store *store = NULL;
    assert_status(store_new(STORE_MEMORY, &store), SEC_E_OK);
    assert_status(store_add(store, link_certificate("authority"), STORE_ADD_ALWAYS, NULL), SEC_E_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct network to_server, to_client;
        struct link *link = calloc(1, sizeof *link);
        struct side_options client = {.protocols = SP_PROT_DTLS1_2,
                                      .flags = SCH_CRED_REVOCATION_CHECK_END_CERT,
                                      .request = ISC_REQ_DATAGRAM,
                                      .roots = store_handle(store),
                                      .target = "www.example.com",
                                      .mtu = 600};
        struct side_options server = {.protocols = SP_PROT_DTLS1_2,
                                      .request = ASC_REQ_DATAGRAM,
                                      .certificates = {link_certificate("issued")},
                                      .certificate_count = 1,
                                      .mtu = 600};
        link_staple(cases[i].stapled, cases[i].revoked);
        link_open(link, &client, &server);
        to_server.count = to_client.count = 0;
        SECURITY_STATUS status = feed(link, &link->client, NULL, 0, &to_server);
        while (status == SEC_I_CONTINUE_NEEDED) {
            SECURITY_STATUS answered = hand_over(link, &link->server, &to_server, &to_client);
            assert_true(answered >= 0);
            for (size_t p = 0; p < to_client.count && status >= 0; p++) {
                uint8_t token[4096];
                size_t size = 0;
                memcpy(link->client.in, to_client.packets[p], to_client.sizes[p]);
                link->client.in_size = to_client.sizes[p];
                do {
                    size = 0;
                    status = side_step(&link->client, link, token, &size);
                    if (status >= 0 && size != 0) {
                        put(&to_server, token, size);
                    }
                } while (status == SEC_I_MESSAGE_FRAGMENT);
                link->client.in_size = 0;
            }
            to_client.count = 0;
        }
        assert_int_equal(status, cases[i].status);
        link_close(link);
    }
    link_staple(false, false);
    store_drop(store);
}

/* RFC 5764: the client's list, of which the server takes its own first choice that is there; both know which. */
static void srtp(void **state)
{
    static const uint8_t clients[] = {6, 0, 0, 1, 0x7f, 0x7f, 0, 7}, servers[] = {4, 0, 0, 8, 0, 7};
    static const uint8_t halves[] = {3, 0, 0, 1, 0}, strangers[] = {2, 0, 0x7f, 0x7f}, large[] = {9, 0, 0, 1};
    static const struct {
        const uint8_t *data;
        ULONG size;
        SECURITY_STATUS status;
    } bad[] = {
        {halves, 5, SEC_E_INVALID_TOKEN}, {strangers, 4, SEC_E_UNSUPPORTED_FUNCTION}, {large, 4, SEC_E_INVALID_TOKEN}};
    for (int with = 0; with < 2; with++) {
        struct link *link = make(SP_PROT_DTLS1_2, 0);
        SecPkgContext_SrtpParameters parameters = {.ProtectionProfile = 0xA5A5};
        link->client.options.srtp = clients;
        link->client.options.srtp_size = sizeof clients;
        link->server.options.srtp = with != 0 ? servers : NULL;
        link->server.options.srtp_size = sizeof servers;
        shake(link, 1, 0);
        SECURITY_STATUS expected = with != 0 ? SEC_E_OK : SEC_E_UNSUPPORTED_FUNCTION;
        struct side *sides[] = {&link->client, &link->server};
        for (int i = 0; i < 2; i++) {
            assert_status(QueryContextAttributesA(&sides[i]->context, SECPKG_ATTR_SRTP_PARAMETERS, &parameters),
                          expected);
            assert_int_equal(parameters.ProtectionProfile, with != 0 ? 7 : 0xA5A5);
        }
        link_close(link);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct link *link = make(SP_PROT_DTLS1_2, 0);
        link->client.options.srtp = bad[i].data;
        link->client.options.srtp_size = bad[i].size;
        link->server.in_size = 0;
        assert_status(side_step(&link->client, link, link->server.in, &link->server.in_size), bad[i].status);
        link_close(link);
    }
}

/* Pre-shared keys instead of certificates (RFC 4279, RFC 6347), over a quiet network and one that loses. */
static void pre_shared_keys(void **state)
{
    static const DWORD versions[] = {SP_PROT_DTLS1_2, SP_PROT_DTLS1_0};
    for (size_t i = 0; i < 4; i++) {
        struct side_options client = {.protocols = versions[i % 2],
                                      .flags = SCH_USE_PRESHAREDKEY_ONLY,
                                      .request = ISC_REQ_DATAGRAM,
                                      .mtu = 600,
                                      .psk = "a key that both have",
                                      .psk_identity = "Client_identity"};
        struct side_options server = client;
        server.request = ASC_REQ_DATAGRAM;
        struct link *link = calloc(1, sizeof *link);
        link_open(link, &client, &server);
        shake(link, 7, i < 2 ? 0 : 20);
        assert_int_equal(side_inside(&link->client)->suite->exchange, SUITE_ECDHE_PSK);
        assert_null(SSL_get0_peer_certificate(side_inside(&link->client)->ssl));
        link_exchange(link, 500);
        link_close(link);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pre_shared_keys),      cmocka_unit_test(quiet_network),
        cmocka_unit_test(bad_network),          cmocka_unit_test(smallest_datagrams),
        cmocka_unit_test(repeated_last_flight), cmocka_unit_test(staples),
        cmocka_unit_test(repeated_hello),       cmocka_unit_test(srtp),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("schannel datagram", tests, NULL, NULL);
}
