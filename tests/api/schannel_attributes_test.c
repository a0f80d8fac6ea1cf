/* Attributes of Schannel, each against what OpenSSL at the other end of the same connection says of it. */
#include "tls_peer.h"

#include <openssl/x509.h>

static void assert_wide(const WCHAR *wide, const char *expected)
{
    for (size_t i = 0; i <= strlen(expected); i++) {
        assert_int_equal(wide[i], (unsigned char)expected[i]);
    }
}

/* ---------------------------------------------------------------- the connection */

static void look_at_connection(struct peer *peer)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(peer->ssl);
    const bool aead = SSL_CIPHER_is_aead(cipher) == 1;
    SecPkgContext_ConnectionInfo info;
    peer_query(peer, SECPKG_ATTR_CONNECTION_INFO, &info);
    assert_int_equal(info.dwProtocol, peer_protocol(&peer->options));
    assert_int_equal(info.dwCipherStrength, SSL_CIPHER_get_bits(cipher, NULL));
    assert_int_equal(info.dwHashStrength != 0, !aead);
    EVP_PKEY *key = X509_get0_pubkey(peer_server_certificate(peer));
    bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    if (SSL_CIPHER_get_kx_nid(cipher) == NID_kx_rsa) {
        assert_int_equal(info.aiExch, CALG_RSA_KEYX);
        assert_int_equal(info.dwExchStrength, EVP_PKEY_get_bits(key));
    } else {
        assert_int_equal(info.aiExch, 0xAE06);
        assert_in_range(info.dwExchStrength, 253, 521);
    }
    SecPkgContext_KeyInfoW key_info;
    peer_query(peer, SECPKG_ATTR_KEY_INFO, &key_info);
    int kind = EVP_PKEY_get_base_id(key);
    assert_wide(key_info.sSignatureAlgorithmName, rsa ? "RSA" : kind == EVP_PKEY_EC ? "ECDSA" : "ED25519");
    assert_int_equal(key_info.SignatureAlgorithm, rsa ? CALG_RSA_SIGN : kind == EVP_PKEY_EC ? CALG_ECDSA : 0);
    assert_int_equal(key_info.KeySize, SSL_CIPHER_get_bits(cipher, NULL));
    assert_status(FreeContextBuffer(key_info.sSignatureAlgorithmName), SEC_E_OK);
    assert_status(FreeContextBuffer(key_info.sEncryptAlgorithmName), SEC_E_OK);
}

static void look_at_cipher(struct peer *peer)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(peer->ssl);
    const bool aead = SSL_CIPHER_is_aead(cipher) == 1;
    SecPkgContext_CipherInfo info;
    memset(&info, 0xA5, sizeof info); /* some programs leave dwVersion unset */
    peer_query(peer, SECPKG_ATTR_CIPHER_INFO, &info);
    assert_int_equal(info.dwVersion, SECPKGCONTEXT_CIPHERINFO_V1);
    assert_int_equal(info.dwProtocol, SSL_version(peer->ssl));
    assert_int_equal(info.dwCipherSuite, SSL_CIPHER_get_protocol_id(cipher));
    assert_int_equal(info.dwBaseCipherSuite, info.dwCipherSuite);
    assert_wide(info.szCipherSuite, SSL_CIPHER_standard_name(cipher));
    bool chacha = strstr(SSL_CIPHER_standard_name(cipher), "CHACHA20") != NULL;
    assert_wide(info.szCipher, chacha ? "CHACHA20_POLY1305" : "AES");
    assert_int_equal(info.dwCipherLen, SSL_CIPHER_get_bits(cipher, NULL));
    assert_int_equal(info.dwCipherBlockLen, chacha ? 1 : 16);
    assert_int_equal(info.szHash[0] == 0, aead);
    assert_int_equal(info.dwHashLen == 0, aead);
    bool by_rsa = SSL_CIPHER_get_kx_nid(cipher) == NID_kx_rsa;
    assert_wide(info.szExchange, peer_is_tls13(peer) ? "" : by_rsa ? "RSA" : "ECDH");
    assert_int_equal(info.dwMinExchangeLen, by_rsa ? 512 : 0);
    assert_int_equal(info.dwMaxExchangeLen, peer_is_tls13(peer) ? 0 : by_rsa ? 16384 : 65536);
    int auth = SSL_CIPHER_get_auth_nid(cipher);
    assert_wide(info.szCertificate, auth == NID_auth_rsa ? "RSA" : auth == NID_auth_ecdsa ? "ECDSA" : "");
    int group = (int)SSL_get_negotiated_group(peer->ssl);
    assert_int_equal(info.dwKeyType, by_rsa                          ? 0
                                     : group == NID_X25519           ? 0x1D
                                     : group == NID_X9_62_prime256v1 ? 0x17
                                                                     : 0xFFFF);
    SecPkgContext_ConnectionInfoEx more = {.dwVersion = SECPKGCONTEXT_CONNECTION_INFO_EX_V1};
    peer_query(peer, SECPKG_ATTR_CONNECTION_INFO_EX, &more);
    assert_wide(more.szCipher, chacha ? "CHACHA20_POLY1305" : "AES");
    assert_int_equal(more.dwCipherStrength, info.dwCipherLen);
    assert_wide(more.szExchange, by_rsa ? "RSA" : "ECDH");
    assert_int_equal(more.szHash[0] == 0, aead);
}

static void look_at_sizes(struct peer *peer)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(peer->ssl);
    const char *name = SSL_CIPHER_get_name(cipher);
    SecPkgContext_StreamSizes stream;
    peer_query(peer, SECPKG_ATTR_STREAM_SIZES, &stream);
    bool gcm = strstr(name, "GCM") != NULL;
    bool chacha = strstr(name, "CHACHA20") != NULL;
    assert_int_equal(stream.cbHeader, peer_is_tls13(peer) || chacha || peer->options.version == TLS1_VERSION ? 5
                                      : gcm                                                                  ? 5 + 8
                                                                                                             : 5 + 16);
    if (peer_is_tls13(peer)) {
        assert_true(stream.cbTrailer >= 17);
    } else {
        assert_true(stream.cbTrailer >= 16);
    }
    assert_int_equal(stream.cbMaximumMessage, 16384);
    assert_int_equal(stream.cBuffers, 4);
    SecPkgContext_Sizes sizes;
    peer_query(peer, SECPKG_ATTR_SIZES, &sizes);
    assert_int_equal(sizes.cbMaxToken, 0x6000);
    SecPkgContext_PackageInfoA package;
    assert_status(QueryContextAttributesA(&peer->context, SECPKG_ATTR_PACKAGE_INFO, &package), SEC_E_OK);
    assert_string_equal(package.PackageInfo->Name, UNISP_NAME_A);
    assert_status(FreeContextBuffer(package.PackageInfo), SEC_E_OK);
    SecPkgContext_Flags flags;
    peer_query(peer, SECPKG_ATTR_FLAGS, &flags);
    ULONG allocated = ISC_RET_ALLOCATED_MEMORY;
    assert_int_equal(flags.Flags, peer->attributes & ~allocated);
    SecPkgContext_Lifespan life;
    peer_query(peer, SECPKG_ATTR_LIFESPAN, &life);
    assert_int_equal((life.tsExpiry.QuadPart - life.tsStart.QuadPart) / 10000000, 36000); /* ten hours */
}

static void test_connection(void **state)
{
    peer_each(look_at_connection);
}

static void test_cipher(void **state)
{
    peer_each(look_at_cipher);
}

static void test_sizes(void **state)
{
    peer_each(look_at_sizes);
}

static void look_at_extensions(struct peer *peer)
{
    SecPkgContext_NegotiatedTlsExtensions extensions;
    peer_query(peer, SECPKG_ATTR_NEGOTIATED_TLS_EXTENSIONS, &extensions);
    bool alpn = false, ems = false, renegotiation = false;
    for (ULONG i = 0; i < extensions.ExtensionsCount; i++) {
        alpn = alpn || extensions.Extensions[i] == 16;
        ems = ems || extensions.Extensions[i] == 23;
        renegotiation = renegotiation || extensions.Extensions[i] == 0xFF01;
    }
    assert_status(FreeContextBuffer(extensions.Extensions), SEC_E_OK);
    assert_int_equal(alpn, peer->options.alpn != NULL);
    assert_int_equal(ems, !peer_is_tls13(peer) && SSL_get_extms_support(peer->ssl) == 1);
    assert_int_equal(renegotiation, !peer_is_tls13(peer));
    SecPkgContext_ApplicationProtocol protocol;
    peer_query(peer, SECPKG_ATTR_APPLICATION_PROTOCOL, &protocol);
    const unsigned char *chosen;
    unsigned size;
    SSL_get0_alpn_selected(peer->ssl, &chosen, &size);
    assert_int_equal(protocol.ProtoNegoStatus, size != 0 ? SecApplicationProtocolNegotiationStatus_Success
                                                         : SecApplicationProtocolNegotiationStatus_None);
    assert_int_equal(protocol.ProtoNegoExt,
                     size != 0 ? SecApplicationProtocolNegotiationExt_ALPN : SecApplicationProtocolNegotiationExt_None);
    assert_int_equal(protocol.ProtocolIdSize, size);
    assert_memory_equal(protocol.ProtocolId, chosen, size);
}

static void test_extensions(void **state)
{
    peer_each(look_at_extensions);
    for (int i = 0; i < 4; i++) {
        struct peer peer;
        peer_open(&peer, &(struct peer_options){.we_are_client = (i & 1) != 0,
                                                .version = (i & 2) != 0 ? TLS1_3_VERSION : TLS1_2_VERSION,
                                                .alpn = "\2h2"});
        peer_establish(&peer);
        look_at_extensions(&peer);
        peer_close(&peer);
    }
}

/* ---------------------------------------------------------------- certificates */

/* windows-behaviour M1: the store holds what the peer sent, and that very context. */
static void look_at_remote(struct peer *peer, X509 *leaf, const STACK_OF(X509) * chain)
{
    static const ULONG both[] = {SECPKG_ATTR_REMOTE_CERT_CONTEXT, SECPKG_ATTR_REMOTE_CERT_CHAIN};
    for (size_t a = 0; a < 2; a++) {
        PCCERT_CONTEXT remote = NULL;
        peer_query(peer, both[a], &remote);
        peer_assert_same(remote, leaf);
        assert_non_null(remote->hCertStore);
        PCCERT_CONTEXT next = CertEnumCertificatesInStore(remote->hCertStore, NULL);
        assert_ptr_equal(next, remote);
        for (int i = 0; i < sk_X509_num(chain); i++) {
            next = CertEnumCertificatesInStore(remote->hCertStore, next);
            assert_non_null(next);
            peer_assert_same(next, sk_X509_value(chain, i));
        }
        assert_null(CertEnumCertificatesInStore(remote->hCertStore, next));
        assert_true(CertFreeCertificateContext(remote));
    }
    SecPkgContext_Certificates all;
    peer_query(peer, SECPKG_ATTR_REMOTE_CERTIFICATES, &all);
    assert_int_equal(all.cCertificates, 1 + sk_X509_num(chain));
    uint32_t first;
    memcpy(&first, all.pbCertificateChain, 4);
    assert_int_equal(first, i2d_X509(leaf, NULL));
    assert_status(FreeContextBuffer(all.pbCertificateChain), SEC_E_OK);
    CERT_BLOB blob;
    peer_query(peer, SECPKG_ATTR_SERIALIZED_REMOTE_CERT_CONTEXT, &blob);
    PCCERT_CONTEXT again = NULL;
    assert_status(SslDeserializeCertificateStore(blob, &again), SEC_E_OK);
    peer_assert_same(again, leaf);
    assert_non_null(again->hCertStore);
    CertFreeCertificateContext(again);
    assert_status(FreeContextBuffer(blob.pbData), SEC_E_OK);
}

static void look_at_server_certificate(struct peer *peer)
{
    PCCERT_CONTEXT certificate = NULL;
    if (peer->options.we_are_client) {
        STACK_OF(X509) *chain = NULL;
        SSL_CTX_get0_chain_certs(peer->ssl_ctx, &chain);
        look_at_remote(peer, SSL_get_certificate(peer->ssl), chain);
        assert_status(QueryContextAttributesW(&peer->context, SECPKG_ATTR_LOCAL_CERT_CONTEXT, &certificate),
                      SEC_E_NO_CREDENTIALS);
        return;
    }
    peer_query(peer, SECPKG_ATTR_LOCAL_CERT_CONTEXT, &certificate);
    peer_assert_same(certificate, SSL_get0_peer_certificate(peer->ssl));
    assert_ptr_equal(certificate, peer->own);
    assert_true(CertFreeCertificateContext(certificate));
    static const ULONG of_client[] = {SECPKG_ATTR_REMOTE_CERT_CONTEXT, SECPKG_ATTR_REMOTE_CERT_CHAIN,
                                      SECPKG_ATTR_REMOTE_CERTIFICATES, SECPKG_ATTR_CERT_CHECK_RESULT,
                                      SECPKG_ATTR_CC_POLICY_RESULT,    SECPKG_ATTR_SERIALIZED_REMOTE_CERT_CONTEXT};
    uint8_t room[64];
    for (size_t i = 0; i < sizeof of_client / sizeof of_client[0]; i++) {
        assert_status(QueryContextAttributesW(&peer->context, of_client[i], room), SEC_E_NO_CREDENTIALS);
    }
}

static void test_server_certificate(void **state)
{
    peer_each(look_at_server_certificate);
}

static void test_client_certificate(void **state)
{
    for (int i = 0; i < 4; i++) {
        struct peer peer;
        HCERTSTORE roots = (i & 1) == 0 ? peer_roots("root") : NULL;
        peer_open(&peer, &(struct peer_options){.we_are_client = (i & 1) != 0,
                                                .version = (i & 2) != 0 ? TLS1_3_VERSION : TLS1_2_VERSION,
                                                .roots = roots,
                                                .client = "client"});
        peer_establish(&peer);
        if (peer.options.we_are_client) {
            PCCERT_CONTEXT own = NULL;
            peer_query(&peer, SECPKG_ATTR_LOCAL_CERT_CONTEXT, &own);
            peer_assert_same(own, SSL_get0_peer_certificate(peer.ssl));
            CertFreeCertificateContext(own);
        } else {
            STACK_OF(X509) *chain = NULL;
            SSL_CTX_get0_chain_certs(peer.ssl_ctx, &chain);
            look_at_remote(&peer, SSL_get_certificate(peer.ssl), chain);
            SecPkgContext_ClientCertPolicyResult policy = {.dwPolicyResult = 1};
            peer_query(&peer, SECPKG_ATTR_CC_POLICY_RESULT, &policy);
            assert_int_equal(policy.dwPolicyResult, 0);
        }
        peer_close(&peer);
        CertCloseStore(roots, 0);
    }
}

/* The server's wish for a certificate: whose, and signed how, while the handshake waits for one. */
static void test_issuers(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct peer peer;
        peer_open(&peer, &(struct peer_options){.we_are_client = true,
                                                .version = i != 0 ? TLS1_3_VERSION : TLS1_2_VERSION,
                                                .client = "client",
                                                .extra_ca = "stranger",
                                                .forget_certificate = true});
        assert_false(peer_shake(&peer));
        assert_status(peer.status, SEC_I_INCOMPLETE_CREDENTIALS);
        SecPkgContext_IssuerListInfoEx issuers;
        peer_query(&peer, SECPKG_ATTR_ISSUER_LIST_EX, &issuers);
        const STACK_OF(X509_NAME) *names = SSL_CTX_get_client_CA_list(peer.ssl_ctx);
        assert_int_equal(issuers.cIssuers, 2);
        for (DWORD n = 0; n < issuers.cIssuers; n++) {
            unsigned char *der = NULL;
            int size = i2d_X509_NAME(sk_X509_NAME_value(names, (int)n), &der);
            assert_int_equal(issuers.aIssuers[n].cbData, size);
            assert_memory_equal(issuers.aIssuers[n].pbData, der, (size_t)size);
            OPENSSL_free(der);
        }
        assert_status(FreeContextBuffer(issuers.aIssuers), SEC_E_OK);
        SecPkgContext_SupportedSignatures signatures;
        peer_query(&peer, SECPKG_ATTR_SUPPORTED_SIGNATURES, &signatures);
        bool found = false;
        for (WORD s = 0; s < signatures.cSignatureAndHashAlgorithms; s++) {
            found = found || signatures.pSignatureAndHashAlgorithms[s] ==
                                 (TlsHashAlgorithm_Sha256 | TlsSignatureAlgorithm_Ecdsa << 8);
        }
        assert_true(found);
        assert_status(FreeContextBuffer(signatures.pSignatureAndHashAlgorithms), SEC_E_OK);
        assert_status(QueryContextAttributesW(&peer.context, SECPKG_ATTR_STREAM_SIZES, &issuers), SEC_E_INVALID_HANDLE);
        peer_close(&peer);
    }
}

/* What the validation found, where it was not to refuse, and where there was none. */
static void test_verdict(void **state)
{
    static const struct {
        const char *certificate, *roots;
        DWORD flags, errors;
        HRESULT policy;
    } cases[] = {
        {"server-p256", "root", 0, 0, 0},
        {"unknown", "root", SCH_CRED_DEFERRED_CRED_VALIDATION,
         CERT_TRUST_IS_UNTRUSTED_ROOT | CERT_TRUST_IS_PARTIAL_CHAIN, 0},
        {"expired", "root", SCH_CRED_DEFERRED_CRED_VALIDATION, CERT_TRUST_IS_NOT_TIME_VALID, CERT_E_EXPIRED},
        {"wrongname", "root", SCH_CRED_DEFERRED_CRED_VALIDATION, 0, CERT_E_CN_NO_MATCH},
        {"expired", "root", SCH_CRED_MANUAL_CRED_VALIDATION, CERT_TRUST_IS_NOT_TIME_VALID, CERT_E_EXPIRED},
        {"server-p256", "root", SCH_CRED_MANUAL_CRED_VALIDATION, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer peer;
        HCERTSTORE roots = peer_roots(cases[i].roots);
        peer_open(&peer, &(struct peer_options){.we_are_client = true,
                                                .version = TLS1_3_VERSION,
                                                .certificate = cases[i].certificate,
                                                .flags = cases[i].flags,
                                                .roots = roots});
        peer_establish(&peer);
        static const ULONG both[] = {SECPKG_ATTR_CERT_CHECK_RESULT, SECPKG_ATTR_CERT_CHECK_RESULT_INPROC};
        for (size_t a = 0; a < 2; a++) {
            SecPkgContext_CertificateValidationResult result = {0xA5A5, 1};
            peer_query(&peer, both[a], &result);
            if (strcmp(cases[i].certificate, "unknown") == 0) {
                assert_true((result.dwChainErrorStatus & cases[i].errors) != 0);
                assert_true(result.hrVerifyChainStatus < 0);
                continue;
            }
            assert_int_equal(result.dwChainErrorStatus, cases[i].errors);
            assert_int_equal(result.hrVerifyChainStatus, cases[i].policy);
        }
        assert_null(SspiExtLastReason(NULL));
        HCERTSTORE store = NULL;
        peer_query(&peer, SECPKG_ATTR_ROOT_STORE, &store);
        PCCERT_CONTEXT root = CertEnumCertificatesInStore(store, NULL);
        PCCERT_CONTEXT expected = peer_certificate(cases[i].roots);
        assert_true(CertCompareCertificate(X509_ASN_ENCODING, root->pCertInfo, expected->pCertInfo));
        assert_null(CertEnumCertificatesInStore(store, root));
        CertFreeCertificateContext(expected);
        assert_true(CertCloseStore(store, 0));
        peer_close(&peer);
        CertCloseStore(roots, 0);
    }
}

/* ---------------------------------------------------------------- what there is not */

static void test_refusals(void **state)
{
    struct peer peer;
    uint8_t room[1024];
    peer_open(&peer, &(struct peer_options){.we_are_client = true, .version = TLS1_3_VERSION});
    peer_establish(&peer);
    static const ULONG none[] = {SECPKG_ATTR_NAMES,        SECPKG_ATTR_NEGOTIATION_INFO, SECPKG_ATTR_SESSION_KEY,
                                 SECPKG_ATTR_AUTHORITY,    SECPKG_ATTR_DTLS_MTU,         SECPKG_ATTR_CC_POLICY_RESULT,
                                 SECPKG_ATTR_NATIVE_NAMES, SECPKG_ATTR_SRTP_PARAMETERS,  SECPKG_ATTR_APP_DATA,
                                 SECPKG_ATTR_DCE_INFO};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_status(QueryContextAttributesW(&peer.context, none[i], room), SEC_E_UNSUPPORTED_FUNCTION);
    }
    assert_status(QueryContextAttributesW(&peer.context, SECPKG_ATTR_STREAM_SIZES, NULL), SEC_E_INTERNAL_ERROR);
    assert_status(QueryContextAttributesExW(&peer.context, SECPKG_ATTR_STREAM_SIZES, room, 19), SEC_E_BUFFER_TOO_SMALL);
    assert_status(QueryContextAttributesExW(&peer.context, SECPKG_ATTR_CIPHER_INFO, room, 680), SEC_E_OK);
    ULONG mtu = 1400;
    assert_status(SetContextAttributesW(&peer.context, SECPKG_ATTR_DTLS_MTU, &mtu, sizeof mtu),
                  SEC_E_UNSUPPORTED_FUNCTION);
    assert_status(SetContextAttributesW(&peer.context, SECPKG_ATTR_EARLY_START, &mtu, sizeof mtu),
                  SEC_E_UNSUPPORTED_FUNCTION);
    SecPkgContext_EapPrfInfo info = {.dwVersion = 1, .cbPrfData = 1, .pbPrfData = room};
    assert_status(SetContextAttributesW(&peer.context, SECPKG_ATTR_EAP_PRF_INFO, &info, sizeof info),
                  SEC_E_INVALID_PARAMETER);
    CtxtHandle gone = peer.context;
    peer_end(&peer);
    assert_status(QueryContextAttributesW(&gone, SECPKG_ATTR_STREAM_SIZES, room), SEC_E_INVALID_HANDLE);
    peer_close(&peer);
}

/* A client's first flight of DTLS is enough to ask for its MTU. */
static void test_mtu(void **state)
{
    struct peer peer;
    peer_open(&peer, &(struct peer_options){.we_are_client = true, .version = DTLS1_2_VERSION});
    SecBuffer out[1] = {{0, SECBUFFER_TOKEN, NULL}};
    SecBufferDesc out_desc = {SECBUFFER_VERSION, 1, out};
    assert_status(InitializeSecurityContextA(&peer.credential, NULL, NULL, ISC_REQ_ALLOCATE_MEMORY | ISC_REQ_DATAGRAM,
                                             0, 0, NULL, 0, &peer.context, &out_desc, &peer.attributes, NULL),
                  SEC_I_CONTINUE_NEEDED);
    peer.has_context = true;
    FreeContextBuffer(out[0].pvBuffer);
    ULONG mtu = 0;
    peer_query(&peer, SECPKG_ATTR_DTLS_MTU, &mtu);
    assert_int_equal(mtu, 1096);
    mtu = 1400;
    assert_status(SetContextAttributesW(&peer.context, SECPKG_ATTR_DTLS_MTU, &mtu, sizeof mtu), SEC_E_OK);
    mtu = 0;
    peer_query(&peer, SECPKG_ATTR_DTLS_MTU, &mtu);
    assert_int_equal(mtu, 1400);
    USHORT narrow = 199;
    assert_status(SetContextAttributesW(&peer.context, SECPKG_ATTR_DTLS_MTU, &narrow, sizeof narrow),
                  SEC_E_INVALID_PARAMETER);
    peer_close(&peer);
}

/* ---------------------------------------------------------------- credentials (windows-behaviour S3, S16-S18) */

static void test_credential(void **state)
{
    struct peer peer;
    peer_open(&peer, &(struct peer_options){.we_are_client = true, .version = TLS1_2_VERSION, .client = "client"});
    SecPkgCred_SupportedProtocols protocols;
    assert_status(QueryCredentialsAttributesW(&peer.credential, SECPKG_ATTR_SUPPORTED_PROTOCOLS, NULL),
                  SEC_E_INTERNAL_ERROR);
    assert_status(QueryCredentialsAttributesW(&peer.credential, SECPKG_ATTR_SUPPORTED_PROTOCOLS, &protocols), SEC_E_OK);
    assert_int_equal(protocols.grbitProtocol, SP_PROT_TLS1_2_CLIENT);
    SecPkgCred_SupportedAlgs algorithms;
    assert_status(QueryCredentialsAttributesA(&peer.credential, SECPKG_ATTR_SUPPORTED_ALGS, NULL),
                  SEC_E_INTERNAL_ERROR);
    assert_status(QueryCredentialsAttributesA(&peer.credential, SECPKG_ATTR_SUPPORTED_ALGS, &algorithms), SEC_E_OK);
    bool aes = false, ecdhe = false;
    for (DWORD i = 0; i < algorithms.cSupportedAlgs; i++) {
        aes = aes || algorithms.palgSupportedAlgs[i] == CALG_AES_256;
        ecdhe = ecdhe || algorithms.palgSupportedAlgs[i] == 0xAE06;
    }
    assert_true(aes && ecdhe);
    assert_status(FreeContextBuffer(algorithms.palgSupportedAlgs), SEC_E_OK);
    SecPkgCred_CipherStrengths strengths;
    assert_status(QueryCredentialsAttributesW(&peer.credential, SECPKG_ATTR_CIPHER_STRENGTHS, &strengths), SEC_E_OK);
    assert_int_equal(strengths.dwMinimumCipherStrength, 128);
    assert_int_equal(strengths.dwMaximumCipherStrength, 256);
    SecPkgCredentials_Cert certificate;
    assert_status(QueryCredentialsAttributesW(&peer.credential, SECPKG_CRED_ATTR_CERT, &certificate), SEC_E_OK);
    assert_int_equal(certificate.EncodedCertSize, peer.own->cbCertEncoded);
    assert_memory_equal(certificate.EncodedCert, peer.own->pbCertEncoded, peer.own->cbCertEncoded);
    assert_status(FreeContextBuffer(certificate.EncodedCert), SEC_E_OK);
    peer_close(&peer);

    peer_open(&peer, &(struct peer_options){.we_are_client = true, .version = TLS1_2_VERSION});
    SecPkgCredentials_NamesW names;
    assert_status(QueryCredentialsAttributesW(&peer.credential, SECPKG_CRED_ATTR_NAMES, &names), SEC_E_NO_CREDENTIALS);
    assert_status(QueryCredentialsAttributesW(&peer.credential, SECPKG_CRED_ATTR_CERT, &certificate),
                  SEC_E_NO_CREDENTIALS);
    peer_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connection),
        cmocka_unit_test(test_cipher),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_extensions),
        cmocka_unit_test(test_server_certificate),
        cmocka_unit_test(test_client_certificate),
        cmocka_unit_test(test_issuers),
        cmocka_unit_test(test_verdict),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_mtu),
        cmocka_unit_test(test_credential),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (!peer_has_pki()) {
        print_message("1..0 # SKIP the openssl command is missing: no certificates\n");
        return 0;
    }
    return cmocka_run_group_tests_name("schannel attributes", tests, NULL, NULL);
}
