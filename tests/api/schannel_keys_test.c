/* What comes out of a connection's keys, for others: channel bindings, and keying material; each against what OpenSSL at the
 * other end says. */
#include "tls_peer.h"

#include <openssl/hmac.h>

#include "support/pair.h"

/* ---------------------------------------------------------------- channel bindings */

/* Takes one apart: no addresses, data behind the header; returns the data, to be freed with the block. */
static const uint8_t *bindings_of(CtxtHandle *context, ULONG attribute, SecPkgContext_Bindings *out, size_t *size)
{
    assert_status(QueryContextAttributesW(context, attribute, out), SEC_E_OK);
    const SEC_CHANNEL_BINDINGS *bindings = out->Bindings;
    assert_int_equal(bindings->dwInitiatorAddrType, 0);
    assert_int_equal(bindings->cbInitiatorLength, 0);
    assert_int_equal(bindings->dwInitiatorOffset, 0);
    assert_int_equal(bindings->dwAcceptorAddrType, 0);
    assert_int_equal(bindings->cbAcceptorLength, 0);
    assert_int_equal(bindings->dwAcceptorOffset, 0);
    assert_int_equal(bindings->dwApplicationDataOffset, sizeof *bindings);
    assert_int_equal(out->BindingsLength, sizeof *bindings + bindings->cbApplicationDataLength);
    *size = bindings->cbApplicationDataLength;
    return (const uint8_t *)bindings + bindings->dwApplicationDataOffset;
}

static void assert_bindings(CtxtHandle *context, ULONG attribute, const char *prefix, const void *value, size_t size)
{
    SecPkgContext_Bindings bindings;
    size_t data_size;
    const uint8_t *data = bindings_of(context, attribute, &bindings, &data_size);
    assert_int_equal(data_size, strlen(prefix) + size);
    assert_memory_equal(data, prefix, strlen(prefix));
    assert_memory_equal(data + strlen(prefix), value, size);
    assert_status(FreeContextBuffer(bindings.Bindings), SEC_E_OK);
}

/* windows-behaviour M2, M3. */
static void look_at_bindings(struct peer *peer)
{
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    const char *name = peer->options.certificate;
    const EVP_MD *digest = strcmp(name, "server-sha384") == 0   ? EVP_sha384()
                           : strcmp(name, "server-sha512") == 0 ? EVP_sha512()
                                                                : EVP_sha256();
    assert_int_equal(X509_digest(peer_server_certificate(peer), digest, value, &size), 1);
    assert_bindings(&peer->context, SECPKG_ATTR_ENDPOINT_BINDINGS, "tls-server-end-point:", value, size);
    if (peer_is_tls13(peer)) {
        SecPkgContext_Bindings bindings;
        assert_status(QueryContextAttributesW(&peer->context, SECPKG_ATTR_UNIQUE_BINDINGS, &bindings),
                      SEC_E_UNSUPPORTED_FUNCTION);
        return;
    }
    bool theirs = !peer->options.we_are_client == (SSL_session_reused(peer->ssl) == 0);
    size_t finished = theirs ? SSL_get_finished(peer->ssl, value, sizeof value)
                             : SSL_get_peer_finished(peer->ssl, value, sizeof value);
    assert_int_equal(finished, 12);
    assert_bindings(&peer->context, SECPKG_ATTR_UNIQUE_BINDINGS, "tls-unique:", value, finished);
}

static void test_bindings(void **state)
{
    peer_each(look_at_bindings);
}

/* A second connection with the same credential, and, for OpenSSL's client, with the session of the first. */
static void test_resumed(void **state)
{
    for (int i = 0; i < 4; i++) {
        struct peer peer;
        SecPkgContext_SessionInfo session;
        peer_open(&peer, &(struct peer_options){.we_are_client = (i & 1) != 0,
                                                .version = (i & 2) != 0 ? TLS1_3_VERSION : TLS1_2_VERSION});
        peer_establish(&peer);
        peer_query(&peer, SECPKG_ATTR_SESSION_INFO, &session);
        assert_int_equal(session.dwFlags, 0);
        assert_in_range(session.cbSessionId, 0, 32);
        SSL_SESSION *theirs = SSL_get1_session(peer.ssl);
        peer_end(&peer);
        peer_begin(&peer);
        if (!peer.options.we_are_client) {
            SSL_set_session(peer.ssl, theirs);
        }
        SSL_SESSION_free(theirs);
        peer_establish(&peer);
        assert_int_equal(SSL_session_reused(peer.ssl), 1);
        peer_query(&peer, SECPKG_ATTR_SESSION_INFO, &session);
        assert_int_equal(session.dwFlags, SSL_SESSION_RECONNECT);
        look_at_bindings(&peer);
        if (peer.options.we_are_client) {
            PCCERT_CONTEXT remote = NULL;
            peer_query(&peer, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &remote);
            peer_assert_same(remote, SSL_get_certificate(peer.ssl));
            CertFreeCertificateContext(remote);
        }
        peer_close(&peer);
    }
}

/* A server with two certificates remembers which of them a resumed session began with, through several resumptions. */
static void test_resumed_of_two(void **state)
{
    static const char *const signatures[] = {"ECDSA+SHA256", "RSA-PSS+SHA256"};
    static const char *const certificates[] = {"server-p256", "server-rsa"};
    for (int i = 0; i < 4; i++) {
        struct peer peer;
        peer_open(&peer, &(struct peer_options){.version = (i & 2) != 0 ? TLS1_3_VERSION : TLS1_2_VERSION,
                                                .certificate = certificates[i & 1],
                                                .second = certificates[1 - (i & 1)]});
        assert_int_equal(SSL_CTX_set1_sigalgs_list(peer.ssl_ctx, signatures[i & 1]), 1);
        SSL_SESSION *session = NULL;
        for (int round = 0; round < 3; round++) {
            peer_begin(&peer);
            if (session != NULL) {
                SSL_set_session(peer.ssl, session);
                SSL_SESSION_free(session);
            }
            peer_establish(&peer);
            assert_int_equal(SSL_session_reused(peer.ssl), round != 0);
            look_at_bindings(&peer);
            PCCERT_CONTEXT own = NULL;
            peer_query(&peer, SECPKG_ATTR_LOCAL_CERT_CONTEXT, &own);
            assert_ptr_equal(own, peer.own);
            CertFreeCertificateContext(own);
            session = SSL_get1_session(peer.ssl);
            peer_end(&peer);
        }
        SSL_SESSION_free(session);
        peer_close(&peer);
    }
}

/* NTLM inside the connection: bound to it on both sides, and to another one. */
static void test_bound_ntlm(void **state)
{
    struct peer one, other;
    peer_open(&one, &(struct peer_options){.we_are_client = true, .version = TLS1_3_VERSION});
    peer_open(&other, &(struct peer_options){.version = TLS1_2_VERSION}); /* the same certificate at the server */
    peer_establish(&one);
    peer_establish(&other);
    SecPkgContext_Bindings client, server;
    peer_query(&one, SECPKG_ATTR_ENDPOINT_BINDINGS, &client);
    peer_query(&other, SECPKG_ATTR_ENDPOINT_BINDINGS, &server);
    for (int right = 1; right >= 0; right--) {
        struct pair pair = {0};
        struct pair_token to_server, to_client;
        assert_status(pair_acquire(&pair, NULL, NULL), SEC_E_OK);
        pair.bindings = client.Bindings;
        pair.bindings_size = client.BindingsLength;
        assert_status(pair_client_leg(&pair, PAIR_SEAL, NULL, &to_server), SEC_I_CONTINUE_NEEDED);
        pair.bindings = server.Bindings;
        assert_status(pair_server_leg(&pair, 0, &to_server, &to_client), SEC_I_CONTINUE_NEEDED);
        pair.bindings = client.Bindings;
        assert_status(pair_client_leg(&pair, PAIR_SEAL, &to_client, &to_server), SEC_E_OK);
        ((uint8_t *)server.Bindings)[server.BindingsLength - 1] ^= right ? 0 : 1;
        pair.bindings = server.Bindings;
        assert_status(pair_server_leg(&pair, 0, &to_server, &to_client), right ? SEC_E_OK : SEC_E_BAD_BINDINGS);
        assert_true(pair_free(&pair));
    }
    FreeContextBuffer(client.Bindings);
    FreeContextBuffer(server.Bindings);
    peer_close(&one);
    peer_close(&other);
}

/* ---------------------------------------------------------------- keys for others */

static void assert_exported(struct peer *peer, const char *label, const char *context, size_t context_size, DWORD size)
{
    unsigned char expected[512];
    assert_int_equal(SSL_export_keying_material(peer->ssl, expected, size, label, strlen(label),
                                                (const unsigned char *)context, context_size, context != NULL),
                     1);
    SecPkgContext_KeyingMaterialInfo info = {.cbLabel = (WORD)(strlen(label) + 1),
                                             .pszLabel = (char *)(uintptr_t)label,
                                             .cbContextValue = (WORD)context_size,
                                             .pbContextValue = (PBYTE)(uintptr_t)context,
                                             .cbKeyingMaterial = size};
    assert_status(SetContextAttributesW(&peer->context, SECPKG_ATTR_KEYING_MATERIAL_INFO, &info, sizeof info),
                  SEC_E_OK);
    SecPkgContext_KeyingMaterial material;
    peer_query(peer, SECPKG_ATTR_KEYING_MATERIAL, &material);
    assert_int_equal(material.cbKeyingMaterial, size);
    assert_memory_equal(material.pbKeyingMaterial, expected, size);
    assert_status(FreeContextBuffer(material.pbKeyingMaterial), SEC_E_OK);
    SecPkgContext_KeyingMaterial_Inproc inproc = {.cbLabel = info.cbLabel,
                                                  .pszLabel = info.pszLabel,
                                                  .cbContextValue = info.cbContextValue,
                                                  .pbContextValue = info.pbContextValue,
                                                  .cbKeyingMaterial = size};
    peer_query(peer, SECPKG_ATTR_KEYING_MATERIAL_INPROC, &inproc);
    assert_memory_equal(inproc.pbKeyingMaterial, expected, size);
    assert_status(FreeContextBuffer(inproc.pbKeyingMaterial), SEC_E_OK);
}

static void look_at_keying_material(struct peer *peer)
{
    SecPkgContext_KeyingMaterial material;
    assert_status(QueryContextAttributesW(&peer->context, SECPKG_ATTR_KEYING_MATERIAL, &material),
                  SEC_E_OUT_OF_SEQUENCE);
    assert_exported(peer, "EXPORTER-Channel-Binding", "", 0, 32); /* RFC 9266 */
    assert_exported(peer, "EXPORTER-Channel-Binding", NULL, 0, 32);
    assert_exported(peer, "EXPERIMENTAL-test", "some context", 12, 500);
    SecPkgContext_KeyingMaterialInfo info = {.cbLabel = 14, .pszLabel = (char *)(uintptr_t) "master secret"};
    assert_status(SetContextAttributesW(&peer->context, SECPKG_ATTR_KEYING_MATERIAL_INFO, &info, sizeof info),
                  SEC_E_INVALID_PARAMETER); /* no size */
    info.cbKeyingMaterial = 48;
    assert_status(SetContextAttributesW(&peer->context, SECPKG_ATTR_KEYING_MATERIAL_INFO, &info, sizeof info - 1),
                  SEC_E_INVALID_PARAMETER);
    assert_status(SetContextAttributesW(&peer->context, SECPKG_ATTR_KEYING_MATERIAL_INFO, &info, sizeof info),
                  SEC_E_OK);
    if (peer_is_tls13(peer)) { /* as much as there is, and no more (RFC 5869 2.3) */
        info.cbKeyingMaterial =
            255 * (DWORD)EVP_MD_get_size(SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(peer->ssl)));
        for (int more = 0; more < 2; more++, info.cbKeyingMaterial++) {
            assert_status(SetContextAttributesW(&peer->context, SECPKG_ATTR_KEYING_MATERIAL_INFO, &info, sizeof info),
                          SEC_E_OK);
            assert_status(QueryContextAttributesW(&peer->context, SECPKG_ATTR_KEYING_MATERIAL, &material),
                          more ? SEC_E_INVALID_PARAMETER : SEC_E_OK);
        }
        assert_status(FreeContextBuffer(material.pbKeyingMaterial), SEC_E_OK);
    } else { /* TLS's own label (RFC 5705 4) */
        assert_status(QueryContextAttributesW(&peer->context, SECPKG_ATTR_KEYING_MATERIAL, &material),
                      SEC_E_INVALID_PARAMETER);
    }
}

static void test_keying_material(void **state)
{
    peer_each(look_at_keying_material);
}

/* P_hash with an empty secret (RFC 5246 5), by hand. */
static void p_hash(struct peer *peer, const EVP_MD *digest, const char *label, uint8_t out[64])
{
    uint8_t seed[128 + 64], a[EVP_MAX_MD_SIZE + sizeof seed], block[EVP_MAX_MD_SIZE];
    size_t size = strlen(label);
    unsigned a_size = 0, block_size = 0;
    memcpy(seed, label, size);
    size += SSL_get_client_random(peer->ssl, seed + size, 32);
    size += SSL_get_server_random(peer->ssl, seed + size, 32);
    HMAC(digest, "", 0, seed, size, a, &a_size);
    for (size_t done = 0; done < 64; done += block_size) {
        memcpy(a + a_size, seed, size);
        HMAC(digest, "", 0, a, a_size + size, block, &block_size);
        memcpy(out + done, block, 64 - done < block_size ? 64 - done : block_size);
        HMAC(digest, "", 0, a, a_size, block, &a_size);
        memcpy(a, block, a_size);
    }
}

/* The PRF of TLS 1.2 is one P_hash, that of its predecessors two (RFC 2246 5). */
static void initialisation_vectors(struct peer *peer, const char *label, uint8_t out[64])
{
    const EVP_MD *digest = SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(peer->ssl));
    bool old = SSL_version(peer->ssl) < TLS1_2_VERSION;
    if (EVP_MD_get_type(digest) == NID_md5_sha1) {
        digest = EVP_sha256(); /* of the suites that are older than TLS 1.2 (RFC 5246 5) */
    }
    p_hash(peer, old ? EVP_md5() : digest, label, out);
    if (old) {
        uint8_t other[64];
        p_hash(peer, EVP_sha1(), label, other);
        for (size_t i = 0; i < sizeof other; i++) {
            out[i] ^= other[i];
        }
    }
}

/* RFC 2716 3.5; EAP-TTLS has a label of its own (RFC 5281 8). */
static void look_at_eap(struct peer *peer)
{
    static const char *const labels[] = {"client EAP encryption", "ttls keying material"};
    SecPkgContext_EapKeyBlock block;
    if (peer_is_tls13(peer)) {
        assert_status(QueryContextAttributesW(&peer->context, SECPKG_ATTR_EAP_KEY_BLOCK, &block),
                      SEC_E_UNSUPPORTED_FUNCTION);
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        SecPkgContext_EapPrfInfo info = {.cbPrfData = (DWORD)strlen(labels[i]),
                                         .pbPrfData = (PBYTE)(uintptr_t)labels[i]};
        if (i != 0) {
            assert_status(SetContextAttributesW(&peer->context, SECPKG_ATTR_EAP_PRF_INFO, &info, sizeof info),
                          SEC_E_OK);
        }
        unsigned char keys[128], vectors[64];
        assert_int_equal(
            SSL_export_keying_material(peer->ssl, keys, sizeof keys, labels[i], strlen(labels[i]), NULL, 0, 0), 1);
        initialisation_vectors(peer, labels[i], vectors);
        peer_query(peer, SECPKG_ATTR_EAP_KEY_BLOCK, &block);
        assert_memory_equal(block.rgbKeys, keys, sizeof keys);
        assert_memory_equal(block.rgbIVs, vectors, sizeof vectors);
    }
}

static void test_eap(void **state)
{
    peer_each(look_at_eap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bindings),        cmocka_unit_test(test_resumed),
        cmocka_unit_test(test_resumed_of_two),  cmocka_unit_test(test_bound_ntlm),
        cmocka_unit_test(test_keying_material), cmocka_unit_test(test_eap),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (!peer_has_pki()) {
        print_message("1..0 # SKIP the openssl command is missing: no certificates\n");
        return 0;
    }
    return cmocka_run_group_tests_name("schannel keys", tests, NULL, NULL);
}
