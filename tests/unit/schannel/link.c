#include "link.h"

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "core/handle.h"

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

static EVP_PKEY *make_key(const char *kind)
{
    if (strcmp(kind, "rsa") == 0) {
        return EVP_PKEY_Q_keygen(cert_libctx(), NULL, "RSA", (size_t)2048);
    }
    if (strcmp(kind, "weak") == 0) {
        return EVP_PKEY_Q_keygen(cert_libctx(), NULL, "RSA", (size_t)768);
    }
    if (strcmp(kind, "ed25519") == 0) {
        return EVP_PKEY_Q_keygen(cert_libctx(), NULL, "ED25519");
    }
    return EVP_PKEY_Q_keygen(cert_libctx(), NULL, "EC", "P-256");
}

struct certificate *link_make_certificate(const char *kind)
{
    EVP_PKEY *key = make_key(kind);
    X509 *x509 = X509_new_ex(cert_libctx(), NULL);
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1 + kind[0]);
    X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
    X509_NAME *name = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)kind, -1, -1, 0);
    bool issued = strcmp(kind, "issued") == 0;
    struct certificate *issuer = issued ? link_certificate("authority") : NULL;
    X509_set_issuer_name(x509, issued ? X509_get_subject_name(certificate_x509(issuer)) : name);
    X509_set_pubkey(x509, key);
    if (strcmp(kind, "authority") == 0) {
        X509_EXTENSION *constraints = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
        X509_add_ext(x509, constraints, -1);
        X509_EXTENSION_free(constraints);
    }
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:www.example.com");
    X509_add_ext(x509, names, -1);
    X509_EXTENSION_free(names);
    EVP_PKEY *signer = NULL;
    if (issued) {
        assert_status(certificate_key(issuer, &signer), SEC_E_OK);
    }
    assert_int_not_equal(X509_sign(x509, issued ? signer : key, strcmp(kind, "ed25519") == 0 ? NULL : EVP_sha256()), 0);
    EVP_PKEY_free(signer);
    struct certificate *certificate = NULL;
    assert_status(certificate_new(x509, &certificate), SEC_E_OK);
    assert_status(certificate_set_key(certificate, key), SEC_E_OK);
    X509_free(x509);
    EVP_PKEY_free(key);
    return certificate;
}

struct certificate *link_certificate(const char *kind)
{
    static struct {
        const char *kind;
        struct certificate *certificate;
    } made[] = {{"p256", NULL}, {"rsa", NULL},       {"ed25519", NULL},
                {"weak", NULL}, {"authority", NULL}, {"issued", NULL}};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        if (strcmp(made[i].kind, kind) == 0) {
            made[i].certificate = made[i].certificate != NULL ? made[i].certificate : link_make_certificate(kind);
            return made[i].certificate;
        }
    }
    fail();
    return NULL;
}

void link_staple(bool stapled, bool revoked)
{
    struct certificate *certificate = link_certificate("issued");
    struct certificate *issuer = link_certificate("authority");
    if (!stapled) {
        SECURITY_STATUS removed = certificate_set_property(certificate, CERT_OCSP_RESPONSE_PROP_ID, BYTES_NONE);
        (void)removed; /* there may be none */
        return;
    }
    X509 *x509 = certificate_x509(certificate);
    EVP_PKEY *key = NULL;
    assert_status(certificate_key(issuer, &key), SEC_E_OK);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), x509, certificate_x509(issuer));
    ASN1_TIME *from = X509_gmtime_adj(NULL, -60), *to = X509_gmtime_adj(NULL, 3600);
    int status = revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD;
    assert_non_null(
        OCSP_basic_add1_status(basic, id, status, OCSP_REVOKED_STATUS_KEYCOMPROMISE, revoked ? from : NULL, from, to));
    assert_int_equal(OCSP_basic_sign(basic, certificate_x509(issuer), key, EVP_sha256(), NULL, 0), 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    uint8_t *der = NULL;
    int size = i2d_OCSP_RESPONSE(response, &der);
    assert_true(size > 0);
    assert_status(certificate_set_property(certificate, CERT_OCSP_RESPONSE_PROP_ID, bytes_of(der, (size_t)size)),
                  SEC_E_OK);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    EVP_PKEY_free(key);
}

/* ---------------------------------------------------------------- credentials */

void side_acquire(struct side *side)
{
    const struct side_options *options = &side->options;
    PCCERT_CONTEXT certificates[4];
    for (size_t i = 0; i < options->certificate_count; i++) {
        certificates[i] = certificate_context(options->certificates[i]);
    }
    SCHANNEL_CRED v4 = {.dwVersion = SCHANNEL_CRED_VERSION,
                        .cCreds = (DWORD)options->certificate_count,
                        .paCred = certificates,
                        .hRootStore = options->roots,
                        .grbitEnabledProtocols = options->protocols,
                        .palgSupportedAlgs = options->algorithms,
                        .cSupportedAlgs = options->algorithm_count,
                        .dwFlags = options->flags};
    SCH_CREDENTIALS v5 = {.dwVersion = SCH_CREDENTIALS_VERSION,
                          .cCreds = (DWORD)options->certificate_count,
                          .paCred = certificates,
                          .hRootStore = options->roots,
                          .dwFlags = options->flags};
    bool use_v4 = options->protocols != 0 || options->algorithm_count != 0;
    assert_status(AcquireCredentialsHandleA(NULL, UNISP, side->client ? SECPKG_CRED_OUTBOUND : SECPKG_CRED_INBOUND,
                                            NULL, use_v4 ? (void *)&v4 : (void *)&v5, NULL, NULL, &side->credential,
                                            NULL),
                  SEC_E_OK);
    side->has_credential = true;
}

void link_open(struct link *link, const struct side_options *client, const struct side_options *server)
{
    link->client.client = true;
    link->client.options = *client;
    link->server.options = *server;
    side_acquire(&link->client);
    side_acquire(&link->server);
}

/* ---------------------------------------------------------------- steps */

#define USUAL (ISC_REQ_SEQUENCE_DETECT | ISC_REQ_REPLAY_DETECT | ISC_REQ_CONFIDENTIALITY)

static SECURITY_STATUS call(struct side *side, SecBufferDesc *in, SecBufferDesc *out, ULONG more)
{
    CtxtHandle *old = side->has_context ? &side->context : NULL;
    side->steps++;
    if (side->client) {
        return InitializeSecurityContextA(&side->credential, old, (SEC_CHAR *)(uintptr_t)side->options.target,
                                          USUAL | ISC_REQ_STREAM | side->options.request | more, 0, 0, in, 0,
                                          &side->context, out, &side->attributes, &side->expiry);
    }
    return AcceptSecurityContext(&side->credential, old, in, USUAL | ASC_REQ_STREAM | side->options.request | more, 0,
                                 &side->context, out, &side->attributes, &side->expiry);
}

/* A call with these input buffers and an output buffer of `room` bytes, or one of the library's. */
static SECURITY_STATUS call_with(struct side *side, SecBuffer *in, ULONG in_count, ULONG room, uint8_t *out,
                                 size_t *out_size)
{
    uint8_t *own = room != 0 ? malloc(room) : NULL;
    SecBuffer out_buffers[2] = {{room, SECBUFFER_TOKEN, own}, {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, in_count, in};
    SecBufferDesc out_desc = {SECBUFFER_VERSION, 2, out_buffers};
    side->status = call(side, in_count != 0 ? &in_desc : NULL, &out_desc, room == 0 ? ISC_REQ_ALLOCATE_MEMORY : 0);
    bool wrote =
        side->status >= 0 || (side->status != SEC_E_INCOMPLETE_MESSAGE && side->status != SEC_E_INSUFFICIENT_MEMORY);
    if (wrote && out_buffers[0].pvBuffer != NULL && out_buffers[0].cbBuffer != 0) {
        assert_true(*out_size + out_buffers[0].cbBuffer <= LINK_BUFFER);
        memcpy(out + *out_size, out_buffers[0].pvBuffer, out_buffers[0].cbBuffer);
        *out_size += out_buffers[0].cbBuffer;
    }
    if (own == NULL && wrote) {
        FreeContextBuffer(out_buffers[0].pvBuffer);
    }
    free(own);
    side->has_context = side->has_context || side->status >= 0;
    return side->status;
}

SECURITY_STATUS side_poke(struct side *side, uint8_t *out, size_t *out_size)
{
    return call_with(side, NULL, 0, 0, out, out_size);
}

/* SEC_PRESHAREDKEY, SEC_PRESHAREDKEY_IDENTITY. */
static ULONG put_counted(uint8_t out[512], const char *text)
{
    size_t size = strlen(text);
    out[0] = (uint8_t)size;
    out[1] = (uint8_t)(size >> 8);
    memcpy(out + 2, text, size);
    return (ULONG)(2 + size);
}

SECURITY_STATUS side_step(struct side *side, struct link *link, uint8_t *out, size_t *out_size)
{
    ULONG room = link->room;
    for (;;) {
        uint8_t *copy = malloc(side->in_size + 1);
        memcpy(copy, side->in, side->in_size);
        SecBuffer in[8] = {{(ULONG)side->in_size, SECBUFFER_TOKEN, copy}, {0, SECBUFFER_EMPTY, NULL}};
        ULONG count = 2;
        if (!side->has_context && side->options.alpn != NULL) {
            in[count++] = (SecBuffer){side->options.alpn_size, SECBUFFER_APPLICATION_PROTOCOLS,
                                      (void *)(uintptr_t)side->options.alpn};
        }
        WORD mtu = side->options.mtu;
        if (!side->has_context && mtu != 0) {
            in[count++] = (SecBuffer){sizeof mtu, SECBUFFER_DTLS_MTU, &mtu};
        }
        if (!side->has_context && side->options.srtp != NULL) {
            in[count++] = (SecBuffer){side->options.srtp_size, SECBUFFER_SRTP_PROTECTION_PROFILES,
                                      (void *)(uintptr_t)side->options.srtp};
        }
        SEC_FLAGS long_flags = {side->options.long_flags};
        if (!side->has_context && long_flags.Flags != 0) {
            in[count++] = (SecBuffer){sizeof long_flags, SECBUFFER_FLAGS, &long_flags};
        }
        uint8_t key[512], identity[512];
        if (!side->has_context && side->options.psk != NULL) {
            in[count++] = (SecBuffer){put_counted(key, side->options.psk), SECBUFFER_PRESHARED_KEY, key};
        }
        if (!side->has_context && side->options.psk_identity != NULL) {
            in[count++] = (SecBuffer){put_counted(identity, side->options.psk_identity),
                                      SECBUFFER_PRESHARED_KEY_IDENTITY, identity};
        }
        bool first_client = side->client && !side->has_context;
        SECURITY_STATUS status =
            call_with(side, first_client ? in + 2 : in, first_client ? count - 2 : count, room, out, out_size);
        side->missing = in[1].BufferType == SECBUFFER_MISSING ? in[1].cbBuffer : 0;
        if (status == SEC_E_INSUFFICIENT_MEMORY && room != 0) {
            room *= 2;
            free(copy);
            continue;
        }
        size_t left = in[1].BufferType == SECBUFFER_EXTRA ? in[1].cbBuffer : 0;
        if (left != 0) {
            assert_true(left <= side->in_size);
            assert_ptr_equal(in[1].pvBuffer, copy + side->in_size - left);
        }
        free(copy);
        if (status >= 0 && status != SEC_I_INCOMPLETE_CREDENTIALS && status != SEC_I_MESSAGE_FRAGMENT) {
            memmove(side->in, side->in + side->in_size - left, left);
            side->in_size = left;
        }
        return status;
    }
}

static bool done(const struct side *side)
{
    return side->has_context && side->status == SEC_E_OK;
}

/* Moves a chunk of what waits in `wire` to a side. */
static size_t carry(struct link *link, uint8_t *wire, size_t *wire_size, struct side *to)
{
    size_t size = link->chunk == 0 ? *wire_size : link->chunk;
    if (link->random != 0 && link->chunk != 0) {
        size = 1 + (size_t)rand_r(&link->random) % link->chunk;
    }
    size = size > *wire_size ? *wire_size : size;
    assert_true(to->in_size + size <= LINK_BUFFER);
    memcpy(to->in + to->in_size, wire, size);
    to->in_size += size;
    memmove(wire, wire + size, *wire_size - size);
    *wire_size -= size;
    return size;
}

bool link_shake(struct link *link)
{
    static uint8_t to_server[LINK_BUFFER], to_client[LINK_BUFFER];
    size_t to_server_size = 0;
    size_t to_client_size = 0;
    if (side_step(&link->client, link, to_server, &to_server_size) < 0) {
        return false;
    }
    for (;;) {
        bool moved = false;
        struct side *sides[] = {&link->server, &link->client};
        for (size_t i = 0; i < 2; i++) {
            struct side *side = sides[i];
            bool server = i == 0;
            uint8_t *in = server ? to_server : to_client;
            size_t *in_size = server ? &to_server_size : &to_client_size;
            bool more = carry(link, in, in_size, side) != 0;
            while (!done(side) && (more || side->in_size != 0)) {
                moved = true;
                SECURITY_STATUS status =
                    side_step(side, link, server ? to_client : to_server, server ? &to_client_size : &to_server_size);
                if (status == SEC_E_INCOMPLETE_MESSAGE) {
                    break;
                }
                if (status < 0) {
                    /* the alert, if there is one, reaches the other side */
                    struct side *other = sides[1 - i];
                    uint8_t *wire = server ? to_client : to_server;
                    size_t *wire_size = server ? &to_client_size : &to_server_size;
                    size_t chunk = link->chunk;
                    link->chunk = 0;
                    carry(link, wire, wire_size, other);
                    link->chunk = chunk;
                    return false;
                }
                more = false;
            }
            moved = moved || more;
        }
        if (done(&link->client) && done(&link->server) && to_server_size == 0 && to_client_size == 0) {
            return true;
        }
        if (!moved) {
            return false;
        }
    }
}

void link_establish(struct link *link)
{
    if (!link_shake(link)) {
        const char *reason = SspiExtLastReason(NULL);
        print_message("client %08x, server %08x: %s\n", (unsigned)link->client.status, (unsigned)link->server.status,
                      reason != NULL ? reason : "no reason");
        fail();
    }
}

/* ---------------------------------------------------------------- messages */

void link_send(struct side *from, struct side *to, const void *data, size_t size)
{
    SecPkgContext_StreamSizes sizes = {5 + 16 + 8, 128, 16384, 4, 16};
    QueryContextAttributesA(&from->context, SECPKG_ATTR_STREAM_SIZES, &sizes);
    uint8_t *block = malloc(sizes.cbHeader + size + sizes.cbTrailer);
    memcpy(block + sizes.cbHeader, data, size);
    SecBuffer buffers[4] = {{sizes.cbHeader, SECBUFFER_STREAM_HEADER, block},
                            {(ULONG)size, SECBUFFER_DATA, block + sizes.cbHeader},
                            {sizes.cbTrailer, SECBUFFER_STREAM_TRAILER, block + sizes.cbHeader + size},
                            {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
    assert_status(EncryptMessage(&from->context, 0, &message, 0), SEC_E_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_true(to->in_size + buffers[i].cbBuffer <= LINK_BUFFER);
        memcpy(to->in + to->in_size, buffers[i].pvBuffer, buffers[i].cbBuffer);
        to->in_size += buffers[i].cbBuffer;
    }
    free(block);
}

SECURITY_STATUS link_receive(struct side *side, void *out, size_t *out_size)
{
    SecBuffer buffers[4] = {{(ULONG)side->in_size, SECBUFFER_DATA, side->in},
                            {0, SECBUFFER_EMPTY, NULL},
                            {0, SECBUFFER_EMPTY, NULL},
                            {0, SECBUFFER_EMPTY, NULL}};
    SecBufferDesc message = {SECBUFFER_VERSION, 4, buffers};
    SECURITY_STATUS status = DecryptMessage(&side->context, &message, 0, NULL);
    *out_size = 0;
    if (status < 0) {
        side->missing = buffers[0].BufferType == SECBUFFER_MISSING ? buffers[0].cbBuffer : 0;
        return status;
    }
    assert_int_equal(buffers[0].BufferType, SECBUFFER_STREAM_HEADER);
    assert_int_equal(buffers[1].BufferType, SECBUFFER_DATA);
    assert_int_equal(buffers[2].BufferType, SECBUFFER_STREAM_TRAILER);
    memcpy(out, buffers[1].pvBuffer, buffers[1].cbBuffer);
    *out_size = buffers[1].cbBuffer;
    size_t left = buffers[3].BufferType == SECBUFFER_EXTRA ? buffers[3].cbBuffer : 0;
    memmove(side->in, side->in + side->in_size - left, left);
    side->in_size = left;
    return status;
}

void link_put_handshake(struct side *from, struct side *to, const uint8_t *message, size_t size)
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

static void one_way(struct side *from, struct side *to, size_t size)
{
    static uint8_t data[16384], got[16384];
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(i * 7 + size);
    }
    link_send(from, to, data, size);
    size_t got_size = 0;
    if (size == 0 && to->in_size == 0) {
        return; /* no record without data, where OpenSSL makes them */
    }
    do { /* tickets and the like come first */
        assert_status(link_receive(to, got, &got_size), SEC_E_OK);
    } while (got_size == 0 && size != 0);
    assert_int_equal(got_size, size);
    assert_memory_equal(got, data, size);
    if (size != 0) {
        assert_int_equal(to->in_size, 0);
    }
}

void link_exchange(struct link *link, size_t size)
{
    one_way(&link->client, &link->server, size);
    one_way(&link->server, &link->client, size);
}

void link_again(struct link *link)
{
    struct side *sides[] = {&link->client, &link->server};
    for (size_t i = 0; i < 2; i++) {
        if (sides[i]->has_context) {
            assert_status(DeleteSecurityContext(&sides[i]->context), SEC_E_OK);
        }
        sides[i]->has_context = false;
        sides[i]->in_size = 0;
        sides[i]->status = SEC_E_OK;
    }
}

struct schannel_context *side_inside(struct side *side)
{
    struct schannel_context *context = handle_pin(HANDLE_CONTEXT, &side->context);
    assert_non_null(context);
    handle_unpin(HANDLE_CONTEXT, &side->context);
    return context;
}

void link_control(struct side *from, struct side *to, const void *token, size_t size)
{
    SecBuffer buffer = {(ULONG)size, SECBUFFER_TOKEN, (void *)(uintptr_t)token};
    SecBufferDesc desc = {SECBUFFER_VERSION, 1, &buffer};
    assert_status(ApplyControlToken(&from->context, &desc), SEC_E_OK);
    assert_status(side_poke(from, to->in, &to->in_size), SEC_E_OK);
}

void link_close(struct link *link)
{
    struct side *sides[] = {&link->client, &link->server};
    for (size_t i = 0; i < 2; i++) {
        if (sides[i]->has_context) {
            assert_status(DeleteSecurityContext(&sides[i]->context), SEC_E_OK);
        }
        if (sides[i]->has_credential) {
            assert_status(FreeCredentialsHandle(&sides[i]->credential), SEC_E_OK);
        }
    }
    free(link);
}
