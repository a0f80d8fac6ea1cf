/* Pre-shared keys (SCH_USE_PRESHAREDKEY_ONLY, RFC 4279). */
#include "link.h"

#include "schannel/suite.h"

#define TLS12 SP_PROT_TLS1_2

static struct side_options options_of(DWORD protocols, const char *key, const char *identity)
{
    return (struct side_options){
        .protocols = protocols, .flags = SCH_USE_PRESHAREDKEY_ONLY, .psk = key, .psk_identity = identity};
}

static struct link *make(const struct side_options *client, const struct side_options *server)
{
    struct link *link = calloc(1, sizeof *link);
    link_open(link, client, server);
    return link;
}

static void agreed(void **state)
{
    static const DWORD versions[] = {TLS12, SP_PROT_TLS1_1, SP_PROT_TLS1_0, 0};
    for (size_t i = 0; i < 4; i++) {
        struct side_options client = options_of(versions[i], "a key that both have", "Client_identity");
        struct side_options server = client;
        struct link *link = make(&client, &server);
        for (int round = 0; round < 2; round++) {
            link_establish(link);
            const struct schannel_context *inside = side_inside(&link->client);
            assert_int_equal(inside->suite->exchange, SUITE_ECDHE_PSK); /* the best of them */
            assert_int_not_equal(inside->version, TLS1_3_VERSION);
            assert_null(SSL_get0_peer_certificate(inside->ssl));
            assert_false(SSL_session_reused(inside->ssl)); /* each connection proves that it has the key */
            PCCERT_CONTEXT certificate;
            assert_status(QueryContextAttributesA(&link->client.context, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &certificate),
                          SEC_E_NO_CREDENTIALS);
            SecPkgContext_ConnectionInfo info;
            assert_status(QueryContextAttributesA(&link->server.context, SECPKG_ATTR_CONNECTION_INFO, &info), SEC_E_OK);
            SecPkgContext_KeyInfoA key;
            assert_status(QueryContextAttributesA(&link->server.context, SECPKG_ATTR_KEY_INFO, &key), SEC_E_OK);
            FreeContextBuffer(key.sSignatureAlgorithmName);
            FreeContextBuffer(key.sEncryptAlgorithmName);
            link_exchange(link, 1000);
            link_exchange(link, 1);
            link_again(link);
        }
        link_close(link);
    }
}

static void differing(void **state)
{
    static const struct {
        const char *key, *identity;
    } cases[] = {{"another key", "Client_identity"},
                 {"a key that both have", "Somebody"},
                 {"a key that both have", "Client_identit"},
                 {"a key that both have", "Client_identity2"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct side_options client = options_of(TLS12, cases[i].key, cases[i].identity);
        struct side_options server = options_of(TLS12, "a key that both have", "Client_identity");
        struct link *link = make(&client, &server);
        assert_false(link_shake(link));
        assert_true(link->server.status < 0);
        link_close(link);
    }
}

/* A session of one key is not resumed with another, nor by somebody without it; a token that allows it changes nothing. */
static void never_resumed(void **state)
{
    SCHANNEL_SESSION_TOKEN token = {SCHANNEL_SESSION, SSL_SESSION_ENABLE_RECONNECTS};
    struct side_options client = options_of(TLS12, "one", "a");
    struct link *link = make(&client, &client);
    link_establish(link);
    struct side *sides[] = {&link->client, &link->server};
    for (size_t i = 0; i < 2; i++) {
        SecBuffer buffer = {sizeof token, SECBUFFER_TOKEN, &token};
        SecBufferDesc desc = {SECBUFFER_VERSION, 1, &buffer};
        assert_status(ApplyControlToken(&sides[i]->context, &desc), SEC_E_OK);
    }
    link_exchange(link, 10);
    link_again(link);
    link->client.options.psk = "two";
    assert_false(link_shake(link));
    link_close(link);
}

/* Nobody with a certificate passes for one with the key, and the other way round. */
static void mixed(void **state)
{
    struct side_options by_key = options_of(TLS12, "a key", "name");
    struct side_options by_certificate = {.protocols = TLS12,
                                          .flags = SCH_CRED_MANUAL_CRED_VALIDATION,
                                          .certificates = {link_certificate("p256")},
                                          .certificate_count = 1};
    struct link *link = make(&by_key, &by_certificate);
    assert_false(link_shake(link));
    link_close(link);
    link = make(&by_certificate, &by_key);
    assert_false(link_shake(link));
    link_close(link);
}

static void buffers(void **state)
{
    static char long_key[300], long_identity[300];
    memset(long_key, 'k', 257);
    memset(long_identity, 'i', 256);
    static const struct {
        DWORD flags;
        const char *key, *identity;
        SECURITY_STATUS status;
    } cases[] = {
        {SCH_USE_PRESHAREDKEY_ONLY, NULL, NULL, SEC_E_NO_CREDENTIALS},
        {SCH_USE_PRESHAREDKEY_ONLY, "k", NULL, SEC_E_NO_CREDENTIALS},
        {SCH_USE_PRESHAREDKEY_ONLY, NULL, "i", SEC_E_NO_CREDENTIALS},
        {SCH_USE_PRESHAREDKEY_ONLY, "", "i", SEC_E_INVALID_TOKEN},
        {SCH_USE_PRESHAREDKEY_ONLY, "k", "", SEC_E_INVALID_TOKEN},
        {SCH_USE_PRESHAREDKEY_ONLY, long_key, "i", SEC_E_INVALID_TOKEN},
        {SCH_USE_PRESHAREDKEY_ONLY, "k", long_identity, SEC_E_INVALID_TOKEN},
        {0, "k", "i", SEC_E_UNSUPPORTED_FUNCTION},
        {SCH_USE_PRESHAREDKEY_ONLY, long_key + 1, long_identity + 1, SEC_I_CONTINUE_NEEDED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct side_options client = options_of(TLS12, cases[i].key, cases[i].identity);
        struct side_options server = options_of(TLS12, "k", "i");
        client.flags = cases[i].flags;
        struct link *link = make(&client, &server);
        uint8_t out[4096];
        size_t size = 0;
        assert_status(side_step(&link->client, link, out, &size), cases[i].status);
        link_close(link);
    }
}

static void not_in_tls13(void **state)
{
    SCHANNEL_CRED cred = {.dwVersion = SCHANNEL_CRED_VERSION,
                          .grbitEnabledProtocols = SP_PROT_TLS1_3,
                          .dwFlags = SCH_USE_PRESHAREDKEY_ONLY};
    CredHandle handle;
    assert_status(AcquireCredentialsHandleA(NULL, UNISP, SECPKG_CRED_OUTBOUND, NULL, &cred, NULL, NULL, &handle, NULL),
                  SEC_E_ALGORITHM_MISMATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agreed), cmocka_unit_test(differing), cmocka_unit_test(never_resumed),
        cmocka_unit_test(mixed),  cmocka_unit_test(buffers),   cmocka_unit_test(not_in_tls13),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
