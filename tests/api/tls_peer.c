#include "tls_peer.h"

#include <stdio.h>

#define TARGET "www.example.com"

void assert_status_(SECURITY_STATUS status, SECURITY_STATUS expected, const char *call, const char *file, int line)
{
    if (status != expected) {
        const char *reason = SspiExtLastReason(NULL);
        print_message("%s:%d: %s: %08x instead of %08x (%s)\n", file, line, call, (unsigned)status, (unsigned)expected,
                      reason != NULL ? reason : "no reason");
        _fail(file, line);
    }
}

/* ---------------------------------------------------------------- certificates */

bool peer_has_pki(void)
{
    const char *pki = getenv("SSPI_TEST_PKI");
    return pki != NULL && pki[0] != '\0';
}

const char *peer_path(const char *name, const char *suffix)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s%s", getenv("SSPI_TEST_PKI"), name, suffix);
    return path;
}

/* PEM with the issuers where there are any. */
static const char *chain_path(const char *name)
{
    const char *path = peer_path(name, ".chain.pem");
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return peer_path(name, ".pem");
    }
    fclose(file);
    return path;
}

PCCERT_CONTEXT peer_certificate(const char *name)
{
    PCCERT_CONTEXT certificate = NULL;
    assert_status(SspiExtCertFromFiles(chain_path(name), peer_path(name, ".key"), NULL, &certificate), SEC_E_OK);
    return certificate;
}

HCERTSTORE peer_roots(const char *name)
{
    PCCERT_CONTEXT certificate = peer_certificate(name);
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    assert_non_null(store);
    assert_true(CertAddCertificateContextToStore(store, certificate, CERT_STORE_ADD_NEW, NULL));
    CertFreeCertificateContext(certificate);
    return store;
}

/* ---------------------------------------------------------------- opening */

DWORD peer_protocol(const struct peer_options *options)
{
    static const struct {
        int version;
        DWORD bits;
    } versions[] = {{TLS1_VERSION, SP_PROT_TLS1_0},
                    {TLS1_1_VERSION, SP_PROT_TLS1_1},
                    {TLS1_2_VERSION, SP_PROT_TLS1_2},
                    {TLS1_3_VERSION, SP_PROT_TLS1_3},
                    {DTLS1_2_VERSION, SP_PROT_DTLS1_2}};
    DWORD bits = 0;
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        bits |= versions[i].version == options->version ? versions[i].bits : 0;
    }
    return bits & (options->we_are_client ? SP_PROT_TLS1_X_CLIENT | SP_PROT_DTLS1_X_CLIENT
                                          : SP_PROT_TLS1_X_SERVER | SP_PROT_DTLS1_X_SERVER);
}

static void acquire(struct peer *peer)
{
    const struct peer_options *options = &peer->options;
    const char *own = options->we_are_client ? options->client : options->certificate;
    if (own != NULL && !options->forget_certificate) {
        peer->own = peer_certificate(own);
    }
    if (options->second != NULL) {
        peer->second = peer_certificate(options->second);
    }
    PCCERT_CONTEXT both[2] = {peer->second, peer->own};
    SCHANNEL_CRED cred = {.dwVersion = SCHANNEL_CRED_VERSION,
                          .cCreds = (peer->own != NULL) + (peer->second != NULL),
                          .paCred = peer->second != NULL ? both : &peer->own,
                          .hRootStore = options->roots,
                          .grbitEnabledProtocols = peer_protocol(options),
                          .dwFlags = options->flags | (options->roots == NULL ? SCH_CRED_MANUAL_CRED_VALIDATION : 0)};
    assert_status(AcquireCredentialsHandleA(NULL, (SEC_CHAR *)(uintptr_t)UNISP_NAME_A,
                                            options->we_are_client ? SECPKG_CRED_OUTBOUND : SECPKG_CRED_INBOUND, NULL,
                                            &cred, NULL, NULL, &peer->credential, NULL),
                  SEC_E_OK);
    peer->has_credential = true;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *in,
                       unsigned int in_size, void *argument)
{
    const char *list = argument;
    *out = (const unsigned char *)list + 1;
    *out_size = (unsigned char)list[0];
    return SSL_TLSEXT_ERR_OK;
}

static int accept_all(int good, X509_STORE_CTX *store)
{
    return 1;
}

static void name_issuers(struct peer *peer)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(peer_path("root", ".pem"));
    assert_non_null(names);
    if (peer->options.extra_ca != NULL) {
        assert_int_equal(SSL_add_file_cert_subjects_to_stack(names, peer_path(peer->options.extra_ca, ".pem")), 1);
    }
    SSL_CTX_set_client_CA_list(peer->ssl_ctx, names);
    SSL_CTX_set_verify(peer->ssl_ctx, SSL_VERIFY_PEER, accept_all);
}

static void configure(struct peer *peer)
{
    const struct peer_options *options = &peer->options;
    bool server = options->we_are_client;
    peer->ssl_ctx = SSL_CTX_new(TLS_method());
    SSL_CTX_set_min_proto_version(peer->ssl_ctx, options->version);
    SSL_CTX_set_max_proto_version(peer->ssl_ctx, options->version);
    if (options->suites != NULL) {
        assert_int_equal(SSL_CTX_set_cipher_list(peer->ssl_ctx, options->suites), 1);
    }
    const char *own = server ? options->certificate : options->client;
    if (own != NULL) {
        assert_int_equal(SSL_CTX_use_certificate_chain_file(peer->ssl_ctx, chain_path(own)), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(peer->ssl_ctx, peer_path(own, ".key"), SSL_FILETYPE_PEM), 1);
    }
    if (server && options->client != NULL) {
        name_issuers(peer);
    }
    if (server && options->alpn != NULL) {
        SSL_CTX_set_alpn_select_cb(peer->ssl_ctx, choose_alpn, (void *)(uintptr_t)options->alpn);
    } else if (options->alpn != NULL) {
        SSL_CTX_set_alpn_protos(peer->ssl_ctx, (const unsigned char *)options->alpn, (unsigned)strlen(options->alpn));
    }
    SSL_CTX_set_session_id_context(peer->ssl_ctx, (const unsigned char *)"t", 1);
}

void peer_open(struct peer *peer, const struct peer_options *options)
{
    memset(peer, 0, sizeof *peer);
    peer->options = *options;
    if (options->certificate == NULL) {
        peer->options.certificate = "server-p256";
    }
    acquire(peer);
    configure(peer);
}

void peer_begin(struct peer *peer)
{
    peer->ssl = SSL_new(peer->ssl_ctx);
    SSL_set_bio(peer->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (peer->options.we_are_client) {
        SSL_set_accept_state(peer->ssl);
    } else {
        SSL_set_connect_state(peer->ssl);
        SSL_set_tlsext_host_name(peer->ssl, TARGET);
    }
}

/* ---------------------------------------------------------------- shaking hands */

/* An ALPN list for one protocol as SECBUFFER_APPLICATION_PROTOCOLS has it. */
static ULONG alpn_buffer(const char *list, uint8_t out[64])
{
    uint32_t size = (uint32_t)strlen(list);
    uint32_t head[2] = {6 + size, SecApplicationProtocolNegotiationExt_ALPN};
    uint16_t list_size = (uint16_t)size;
    memcpy(out, head, 8);
    memcpy(out + 8, &list_size, 2);
    memcpy(out + 10, list, size);
    return 10 + size;
}

static void step(struct peer *peer)
{
    uint8_t alpn[64];
    SecBuffer in[3] = {{(ULONG)peer->in_size, SECBUFFER_TOKEN, peer->in}, {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 2, in};
    SecBuffer out[1] = {{0, SECBUFFER_TOKEN, NULL}};
    SecBufferDesc out_desc = {SECBUFFER_VERSION, 1, out};
    bool first = !peer->has_context;
    if (first && peer->options.alpn != NULL) {
        in[2] = (SecBuffer){alpn_buffer(peer->options.alpn, alpn), SECBUFFER_APPLICATION_PROTOCOLS, alpn};
        in_desc.cBuffers = 3;
    }
    CtxtHandle *old = first ? NULL : &peer->context;
    const char *target = peer->options.target != NULL ? peer->options.target : TARGET;
    if (peer->options.we_are_client) {
        peer->status = InitializeSecurityContextA(&peer->credential, old, (SEC_CHAR *)(uintptr_t)target,
                                                  ISC_REQ_ALLOCATE_MEMORY | ISC_REQ_STREAM | ISC_REQ_CONFIDENTIALITY, 0,
                                                  0, &in_desc, 0, &peer->context, &out_desc, &peer->attributes, NULL);
    } else {
        ULONG ask = peer->options.client != NULL ? ASC_REQ_MUTUAL_AUTH : 0;
        peer->status =
            AcceptSecurityContext(&peer->credential, old, &in_desc, ASC_REQ_ALLOCATE_MEMORY | ASC_REQ_STREAM | ask, 0,
                                  &peer->context, &out_desc, &peer->attributes, NULL);
    }
    if (peer->status == SEC_E_OK || peer->status == SEC_I_CONTINUE_NEEDED) {
        peer->has_context = true;
        size_t left = in[1].BufferType == SECBUFFER_EXTRA ? in[1].cbBuffer : 0;
        memmove(peer->in, peer->in + peer->in_size - left, left);
        peer->in_size = left;
        if (out[0].cbBuffer != 0) {
            assert_int_equal(BIO_write(SSL_get_rbio(peer->ssl), out[0].pvBuffer, (int)out[0].cbBuffer),
                             out[0].cbBuffer);
        }
    }
    FreeContextBuffer(out[0].pvBuffer);
}

static bool openssl_goes_on(struct peer *peer)
{
    int done = SSL_do_handshake(peer->ssl);
    int got = BIO_read(SSL_get_wbio(peer->ssl), peer->in + peer->in_size, (int)(sizeof peer->in - peer->in_size));
    peer->in_size += got > 0 ? (size_t)got : 0;
    return done == 1;
}

bool peer_shake(struct peer *peer)
{
    if (peer->ssl == NULL) {
        peer_begin(peer);
    }
    bool theirs = false;
    bool ours = false;
    if (!peer->options.we_are_client) {
        openssl_goes_on(peer);
    }
    for (int i = 0; i < 12 && !(ours && theirs); i++) {
        if (!ours) {
            step(peer);
            ours = peer->status == SEC_E_OK;
        }
        if (peer->status != SEC_E_OK && peer->status != SEC_I_CONTINUE_NEEDED &&
            peer->status != SEC_E_INCOMPLETE_MESSAGE) {
            return false;
        }
        theirs = openssl_goes_on(peer);
    }
    return ours && theirs;
}

/* Tickets come behind a handshake of TLS 1.3: whoever is the client reads them. */
static void take_tickets(struct peer *peer)
{
    char byte;
    if (!peer->options.we_are_client) {
        SSL_read(peer->ssl, &byte, 1);
        return;
    }
    while (peer->in_size != 0) {
        SecBuffer buffers[4] = {{(ULONG)peer->in_size, SECBUFFER_DATA, peer->in}};
        SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
        assert_status(DecryptMessage(&peer->context, &message, 0, NULL), SEC_E_OK);
        size_t left = buffers[3].BufferType == SECBUFFER_EXTRA ? buffers[3].cbBuffer : 0;
        memmove(peer->in, peer->in + peer->in_size - left, left);
        peer->in_size = left;
    }
}

void peer_establish(struct peer *peer)
{
    if (!peer_shake(peer)) {
        const char *reason = SspiExtLastReason(NULL);
        print_message("%s of %04x with %s: %08x %s\n", peer->options.we_are_client ? "client" : "server",
                      (unsigned)peer->options.version, peer->options.certificate, (unsigned)peer->status,
                      reason != NULL ? reason : "no reason");
        fail();
    }
    take_tickets(peer);
}

void peer_end(struct peer *peer)
{
    if (peer->has_context) {
        assert_status(DeleteSecurityContext(&peer->context), SEC_E_OK);
        peer->has_context = false;
    }
    if (peer->ssl != NULL) {
        SSL_set_shutdown(peer->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(peer->ssl);
        peer->ssl = NULL;
    }
    peer->in_size = 0;
}

void peer_close(struct peer *peer)
{
    peer_end(peer);
    if (peer->has_credential) {
        assert_status(FreeCredentialsHandle(&peer->credential), SEC_E_OK);
        peer->has_credential = false;
    }
    CertFreeCertificateContext(peer->own);
    CertFreeCertificateContext(peer->second);
    SSL_CTX_free(peer->ssl_ctx);
}

/* ---------------------------------------------------------------- looking */

static const struct peer_options kinds[] = {
    {.we_are_client = true, .version = TLS1_2_VERSION, .certificate = "server-p256"},
    {.we_are_client = true, .version = TLS1_2_VERSION, .certificate = "server-rsa"},
    {.we_are_client = true, .version = TLS1_2_VERSION, .certificate = "server-ed25519"},
    {.we_are_client = true, .version = TLS1_2_VERSION, .certificate = "server-rsa", .suites = "AES256-SHA256"},
    {.we_are_client = true, .version = TLS1_2_VERSION, .certificate = "server-rsa", .suites = "ECDHE-RSA-AES128-SHA"},
    {.we_are_client = true, .version = TLS1_2_VERSION, .suites = "ECDHE-ECDSA-CHACHA20-POLY1305"},
    {.we_are_client = true, .version = TLS1_3_VERSION, .certificate = "server-p256"},
    {.we_are_client = true, .version = TLS1_3_VERSION, .certificate = "server-rsa"},
    {.we_are_client = true, .version = TLS1_3_VERSION, .certificate = "server-ed25519"},
    {.we_are_client = true, .version = TLS1_3_VERSION, .certificate = "server-sha384"},
    {.we_are_client = true, .version = TLS1_VERSION, .certificate = "server-rsa", .suites = "AES256-SHA@SECLEVEL=0"},
    {.version = TLS1_VERSION, .certificate = "server-p256", .suites = "ECDHE-ECDSA-AES128-SHA@SECLEVEL=0"},
    {.version = TLS1_1_VERSION, .certificate = "server-rsa", .suites = "ECDHE-RSA-AES256-SHA@SECLEVEL=0"},
    {.version = TLS1_2_VERSION, .certificate = "server-p256"},
    {.version = TLS1_2_VERSION, .certificate = "server-rsa"},
    {.version = TLS1_2_VERSION, .certificate = "server-rsa", .suites = "AES128-GCM-SHA256"},
    {.version = TLS1_2_VERSION, .certificate = "server-sha512"},
    {.version = TLS1_3_VERSION, .certificate = "server-p384"},
    {.version = TLS1_3_VERSION, .certificate = "server-rsa"},
    {.version = TLS1_3_VERSION, .certificate = "server-ed25519"},
};

void peer_each(void (*look)(struct peer *peer))
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct peer peer;
        peer_open(&peer, &kinds[i]);
        peer_establish(&peer);
        look(&peer);
        peer_close(&peer);
    }
}

void peer_query(struct peer *peer, ULONG attribute, void *out)
{
    assert_status(QueryContextAttributesW(&peer->context, attribute, out), SEC_E_OK);
}

X509 *peer_server_certificate(const struct peer *peer)
{
    return peer->options.we_are_client ? SSL_get_certificate(peer->ssl) : SSL_get0_peer_certificate(peer->ssl);
}

bool peer_is_tls13(const struct peer *peer)
{
    return peer->options.version == TLS1_3_VERSION;
}

void peer_assert_same(PCCERT_CONTEXT ours, X509 *theirs)
{
    unsigned char *der = NULL;
    int size = i2d_X509(theirs, &der);
    assert_int_equal(ours->cbCertEncoded, size);
    assert_memory_equal(ours->pbCertEncoded, der, (size_t)size);
    OPENSSL_free(der);
}
