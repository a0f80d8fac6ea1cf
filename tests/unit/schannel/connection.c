/* What a handshake agrees on: protocols and certificates. */
#include "connection.h"

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
        cmocka_unit_test(no_server_certificate),
        cmocka_unit_test(no_common_version),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("schannel connection", tests, NULL, NULL);
}
