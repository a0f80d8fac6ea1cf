/* What a Schannel context tells about itself, and what can be set of it (QueryContextAttributes (Schannel)). */
#include "schannel/attributes.h"

#include <string.h>

#include "crypto/openssl_errors.h"
#include "schannel/datagram.h"
#include "schannel/export.h"
#include "schannel/mapping.h"
#include "wire/reader.h"
#include "wire/writer.h"

/* ---------------------------------------------------------------- the connection */

/* Groups by their number at IANA ("TLS Supported Groups"). */
static const struct group {
    int nid;
    uint16_t id, bits;
} groups[] = {
    {NID_X25519, 0x1D, 255},      {NID_X9_62_prime256v1, 0x17, 256},
    {NID_secp384r1, 0x18, 384},   {NID_secp521r1, 0x19, 521},
    {NID_X448, 0x1E, 448},        {NID_ffdhe2048, 0x100, 2048},
    {NID_ffdhe3072, 0x101, 3072}, {NID_ffdhe4096, 0x102, 4096},
    {NID_ffdhe6144, 0x103, 6144}, {NID_ffdhe8192, 0x104, 8192},
};

static const struct group *group_of(struct schannel_context *context)
{
    int nid = context->moved == NULL ? (int)SSL_get_negotiated_group(context->ssl) : NID_undef;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (context->moved != NULL ? groups[i].id == context->moved->group : groups[i].nid == nid) {
            return &groups[i];
        }
    }
    return NULL;
}

/* Bits of the key that the other one was agreed on with; 0 where nobody knows any more. */
static uint32_t exchange_bits(struct schannel_context *context, const struct group *group)
{
    enum suite_exchange exchange = context->suite->exchange;
    if (exchange == SUITE_RSA || exchange == SUITE_RSA_PSK) {
        X509 *certificate = attributes_server_certificate(context);
        EVP_PKEY *key = certificate != NULL ? X509_get0_pubkey(certificate) : NULL;
        return key != NULL ? (uint32_t)EVP_PKEY_get_bits(key) : 0;
    }
    if (group != NULL) {
        return group->bits;
    }
    EVP_PKEY *key = NULL;
    long found =
        context->base.initiator ? SSL_get_peer_tmp_key(context->ssl, &key) : SSL_get_tmp_key(context->ssl, &key);
    uint32_t bits = found == 1 && key != NULL ? (uint32_t)EVP_PKEY_get_bits(key) : 0;
    EVP_PKEY_free(key);
    return bits;
}

/* SP_PROT_*, one bit of one side. */
static uint32_t protocol_bit(const struct schannel_context *context)
{
    uint32_t bits;
    switch (context->version) {
    case TLS1_VERSION:
        bits = SP_PROT_TLS1_0;
        break;
    case TLS1_1_VERSION:
        bits = SP_PROT_TLS1_1;
        break;
    case TLS1_2_VERSION:
        bits = SP_PROT_TLS1_2;
        break;
    case TLS1_3_VERSION:
        bits = SP_PROT_TLS1_3;
        break;
    case DTLS1_VERSION:
        bits = SP_PROT_DTLS1_0;
        break;
    default:
        bits = SP_PROT_DTLS1_2;
        break;
    }
    const uint32_t clients = SP_PROT_TLS1_X_CLIENT | SP_PROT_DTLS1_X_CLIENT;
    return bits & (context->base.initiator ? clients : ~clients);
}

/* What Windows lists for the suites (Get-TlsCipherSuite), but for DH (docs/divergences.md); for those of TLS 1.3 nothing. */
static void exchange_range(const struct suite *suite, uint32_t *minimum, uint32_t *maximum)
{
    switch (suite->exchange) {
    case SUITE_RSA:
    case SUITE_RSA_PSK:
        *minimum = 512;
        *maximum = 16384;
        break;
    case SUITE_DHE:
    case SUITE_DHE_PSK:
        *minimum = 1024;
        *maximum = 4096;
        break;
    case SUITE_ECDHE:
    case SUITE_ECDHE_PSK:
        *minimum = 0;
        *maximum = 65536;
        break;
    default:
        *minimum = *maximum = 0;
        break;
    }
}

static void connection(struct schannel_context *context, struct attribute *out)
{
    const struct suite *suite = context->suite;
    const struct group *group = group_of(context);
    out->connection = (struct attribute_connection){
        .protocol = protocol_bit(context),
        .version = context->version,
        .suite = suite->id,
        .group = group != NULL ? group->id : 0,
        .suite_name = suite->name,
        .cipher = suite_cipher_name(suite),
        .hash = suite_hash_name(suite),
        .exchange = suite_exchange_name(suite),
        .signer = suite_signer_name(suite),
        .used_exchange = suite->tls13 ? "ECDH" : suite_exchange_name(suite),
        .cipher_bits = suite->key_bits,
        .block_bytes = suite_block_bytes(suite),
        .hash_bits = suite_hash_bits(suite),
        .exchange_bits = exchange_bits(context, group),
        .cipher_algorithm = suite_cipher_algorithm(suite),
        .hash_algorithm = suite_hash_algorithm(suite),
        .exchange_algorithm = suite_exchange_algorithm(suite),
    };
    exchange_range(suite, &out->connection.exchange_minimum, &out->connection.exchange_maximum);
}

/* The server's key says how it signs; where the certificate is not known, the suite may. */
static void key_info(struct schannel_context *context, struct attribute *out)
{
    X509 *certificate = attributes_server_certificate(context);
    EVP_PKEY *key = certificate != NULL ? X509_get0_pubkey(certificate) : NULL;
    int kind = key != NULL ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
    out->key_info.signature = suite_signer_name(context->suite);
    if (kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS) {
        out->key_info.signature = "RSA";
    } else if (kind == EVP_PKEY_EC) {
        out->key_info.signature = "ECDSA";
    } else if (kind == EVP_PKEY_ED25519) {
        out->key_info.signature = "ED25519"; /* which Windows has not, nor a number for it */
    } else if (kind == EVP_PKEY_ED448) {
        out->key_info.signature = "ED448";
    }
    out->key_info.signature_id = strcmp(out->key_info.signature, "RSA") == 0     ? CALG_RSA_SIGN
                                 : strcmp(out->key_info.signature, "ECDSA") == 0 ? CALG_ECDSA
                                                                                 : 0;
    out->key_info.encryption = suite_cipher_name(context->suite);
    out->key_info.encryption_id = suite_cipher_algorithm(context->suite);
    out->key_info.key_bits = context->suite->key_bits;
}

static void session_info(struct schannel_context *context, struct attribute *out)
{
    unsigned size = 0;
    const uint8_t *id = SSL_SESSION_get_id(SSL_get_session(context->ssl), &size);
    out->session.id = bytes_of(id, size);
    out->session.resumed = SSL_session_reused(context->ssl) == 1;
}

/* How long the session may be resumed. */
static void lifespan(struct schannel_context *context, struct attribute *out)
{
    const SSL_SESSION *session = SSL_get_session(context->ssl);
    const uint64_t epoch = UINT64_C(11644473600); /* seconds from 1601 to 1970 */
    uint64_t start = epoch + (uint64_t)SSL_SESSION_get_time(session);
    out->lifespan.start = start * CLOCK_SECOND;
    out->lifespan.expiry = context->credential->session_lifespan == UINT32_MAX
                               ? CLOCK_NEVER
                               : (start + (uint64_t)SSL_SESSION_get_timeout(session)) * CLOCK_SECOND;
}

static void application_protocol(struct schannel_context *context, struct attribute *out)
{
    const uint8_t *name = NULL;
    unsigned size = 0;
    if (context->moved != NULL) {
        out->protocol = secret_bytes(&context->moved->protocol);
        return;
    }
    SSL_get0_alpn_selected(context->ssl, &name, &size);
    out->protocol = bytes_of(name, size);
}

/* Those that Windows reports: it leaves out the others (SecPkgContext_NegotiatedTlsExtensions). */
static SECURITY_STATUS extensions(struct schannel_context *context, struct attribute *out)
{
    uint16_t list[8];
    size_t count = 0;
    bool old = context->version != TLS1_3_VERSION;
    const uint8_t *unused = NULL;
    unsigned size = 0;
    if (SSL_get_tlsext_status_ocsp_resp(context->ssl, &unused) > 0) {
        list[count++] = TLSEXT_TYPE_status_request;
    }
    SSL_get0_alpn_selected(context->ssl, &unused, &size);
    if (size != 0) {
        list[count++] = TLSEXT_TYPE_application_layer_protocol_negotiation;
    }
    if (old && SSL_get_extms_support(context->ssl) == 1) {
        list[count++] = TLSEXT_TYPE_extended_master_secret;
    }
    if (old && SSL_get_secure_renegotiation_support(context->ssl) == 1) {
        list[count++] = TLSEXT_TYPE_renegotiate;
    }
    TRY(secret_copy(&out->owned, bytes_of(list, count * sizeof list[0])));
    out->bytes = secret_bytes(&out->owned);
    return SEC_E_OK;
}

/* What the peer can verify: a server's CertificateRequest, a client's hello (RFC 5246 7.4.1.4.1, RFC 8446 4.2.3). */
static SECURITY_STATUS signatures(struct schannel_context *context, struct attribute *out)
{
    int count = SSL_get_sigalgs(context->ssl, -1, NULL, NULL, NULL, NULL, NULL);
    if (count <= 0) {
        return SEC_E_OK;
    }
    TRY(secret_alloc(&out->owned, 2 * (size_t)count));
    struct writer writer = write_into(out->owned.data, out->owned.size);
    for (int i = 0; i < count; i++) {
        uint8_t second = 0;
        uint8_t first = 0;
        SSL_get_sigalgs(context->ssl, i, NULL, NULL, NULL, &second, &first);
        write_u8(&writer, first);
        write_u8(&writer, second);
    }
    out->bytes = secret_bytes(&out->owned);
    return write_end(&writer);
}

static SECURITY_STATUS srtp_profile(struct schannel_context *context, struct attribute *out)
{
    const SRTP_PROTECTION_PROFILE *profile = context->datagram ? SSL_get_selected_srtp_profile(context->ssl) : NULL;
    REQUIRE(profile != NULL, SEC_E_UNSUPPORTED_FUNCTION, "SRTP_PARAMETERS: no profile was agreed on (RFC 5764)");
    out->number = (uint32_t)profile->id;
    return SEC_E_OK;
}

static void sizes(const struct schannel_context *context, struct attribute *out)
{
    out->stream_sizes.header = context->sizes.header;
    out->stream_sizes.trailer = context->sizes.trailer;
    out->stream_sizes.maximum = context->sizes.maximum;
    out->stream_sizes.buffers = context->sizes.buffers;
    out->stream_sizes.block = context->sizes.block;
}

/* ---------------------------------------------------------------- asking */

/* Known from the first leg on. */
static SECURITY_STATUS query_early(struct schannel_context *context, uint32_t attribute, struct attribute *out)
{
    switch (attribute) {
    case SECPKG_ATTR_SIZES: /* as Windows has them; programs use STREAM_SIZES */
        out->sizes.max_token = SCHANNEL_MAX_TOKEN;
        out->sizes.max_signature = 16;
        out->sizes.block_size = 0;
        out->sizes.security_trailer = 16;
        return SEC_E_OK;
    case SECPKG_ATTR_PACKAGE_INFO:
        out->negotiation.package = context->base.package;
        return SEC_E_OK;
    case SECPKG_ATTR_DTLS_MTU:
        REQUIRE(context->dtls != NULL, SEC_E_UNSUPPORTED_FUNCTION, "DTLS_MTU: the connection is not DTLS's");
        out->number = context->dtls->mtu;
        return SEC_E_OK;
    case SECPKG_ATTR_ISSUER_LIST_EX:
        return attributes_issuers(context, out);
    case SECPKG_ATTR_SUPPORTED_SIGNATURES:
        return signatures(context, out);
    case SECPKG_ATTR_ROOT_STORE:
        return attributes_root_store(context, out);
    default:
        FAIL(SEC_E_UNSUPPORTED_FUNCTION,
             "Schannel contexts have no such attribute (QueryContextAttributes (Schannel))");
    }
}

static bool is_early(uint32_t attribute)
{
    switch (attribute) {
    case SECPKG_ATTR_SIZES:
    case SECPKG_ATTR_PACKAGE_INFO:
    case SECPKG_ATTR_DTLS_MTU:
    case SECPKG_ATTR_ISSUER_LIST_EX:
    case SECPKG_ATTR_SUPPORTED_SIGNATURES:
    case SECPKG_ATTR_ROOT_STORE:
        return true;
    default:
        return false;
    }
}

static SECURITY_STATUS query_connection(struct schannel_context *context, uint32_t attribute, struct attribute *out)
{
    switch (attribute) {
    case SECPKG_ATTR_STREAM_SIZES:
        sizes(context, out);
        return SEC_E_OK;
    case SECPKG_ATTR_CONNECTION_INFO:
    case SECPKG_ATTR_CONNECTION_INFO_EX:
    case SECPKG_ATTR_CIPHER_INFO:
        connection(context, out);
        return SEC_E_OK;
    case SECPKG_ATTR_KEY_INFO:
        key_info(context, out);
        return SEC_E_OK;
    case SECPKG_ATTR_SESSION_INFO:
        session_info(context, out);
        return SEC_E_OK;
    case SECPKG_ATTR_LIFESPAN:
        lifespan(context, out);
        return SEC_E_OK;
    case SECPKG_ATTR_FLAGS:
        out->number = schannel_returned_flags(context, context->request);
        return SEC_E_OK;
    case SECPKG_ATTR_APPLICATION_PROTOCOL:
        application_protocol(context, out);
        return SEC_E_OK;
    case SECPKG_ATTR_NEGOTIATED_TLS_EXTENSIONS:
        return extensions(context, out);
    case SECPKG_ATTR_SRTP_PARAMETERS:
        return srtp_profile(context, out);
    case SECPKG_ATTR_NAMES:
        return mapping_name(context, out);
    default:
        return query_early(context, attribute, out);
    }
}

static SECURITY_STATUS query_keys(struct schannel_context *context, uint32_t attribute, struct attribute *out)
{
    switch (attribute) {
    case SECPKG_ATTR_UNIQUE_BINDINGS:
        return attributes_unique_bindings(context, out);
    case SECPKG_ATTR_ENDPOINT_BINDINGS:
        return attributes_endpoint_bindings(context, out);
    case SECPKG_ATTR_KEYING_MATERIAL:
        return attributes_keying_material(context, out);
    case SECPKG_ATTR_KEYING_MATERIAL_INPROC:
        return attributes_keying_material_inproc(context, out);
    case SECPKG_ATTR_EAP_KEY_BLOCK:
        return attributes_eap_block(context, out);
    case SSPI_EXT_ATTR_SERVER_KEY:
        return attributes_server_key(context, out);
    default:
        return query_connection(context, attribute, out);
    }
}

static bool is_of_peer(uint32_t attribute)
{
    switch (attribute) {
    case SECPKG_ATTR_REMOTE_CERT_CONTEXT:
    case SECPKG_ATTR_REMOTE_CERT_CHAIN:
    case SECPKG_ATTR_REMOTE_CERTIFICATES:
    case SECPKG_ATTR_SERIALIZED_REMOTE_CERT_CONTEXT:
    case SECPKG_ATTR_SERIALIZED_REMOTE_CERT_CONTEXT_INPROC:
    case SECPKG_ATTR_CERT_CHECK_RESULT:
    case SECPKG_ATTR_CERT_CHECK_RESULT_INPROC:
    case SECPKG_ATTR_CC_POLICY_RESULT:
    case SECPKG_ATTR_NAMES:
        return true;
    default:
        return false;
    }
}

/* Of a connection that came from another process: what moved with it. */
static bool is_moved(const struct schannel_context *context, uint32_t attribute)
{
    switch (attribute) {
    case SECPKG_ATTR_SIZES:
    case SECPKG_ATTR_PACKAGE_INFO:
    case SECPKG_ATTR_STREAM_SIZES:
    case SECPKG_ATTR_CONNECTION_INFO:
    case SECPKG_ATTR_CONNECTION_INFO_EX:
    case SECPKG_ATTR_CIPHER_INFO:
    case SECPKG_ATTR_KEY_INFO:
    case SECPKG_ATTR_FLAGS:
    case SECPKG_ATTR_APPLICATION_PROTOCOL:
    case SECPKG_ATTR_REMOTE_CERT_CONTEXT:
    case SECPKG_ATTR_REMOTE_CERTIFICATES:
        return true;
    case SECPKG_ATTR_CERT_CHECK_RESULT:
    case SECPKG_ATTR_CERT_CHECK_RESULT_INPROC:
        return context->judged;
    default:
        return false;
    }
}

static SECURITY_STATUS query_moved(const struct schannel_context *context, uint32_t attribute, struct attribute *out)
{
    bool unique = attribute == SECPKG_ATTR_UNIQUE_BINDINGS;
    const struct secret *bindings = unique ? &context->moved->unique : &context->moved->endpoint;
    REQUIRE((unique || attribute == SECPKG_ATTR_ENDPOINT_BINDINGS) && bindings->size != 0, SEC_E_UNSUPPORTED_FUNCTION,
            "a connection that was imported has left this attribute behind (ImportSecurityContext)");
    out->bytes = secret_bytes(bindings);
    return SEC_E_OK;
}

static SECURITY_STATUS query(struct schannel_context *context, uint32_t attribute, struct attribute *out)
{
    if (context->moved != NULL && !is_moved(context, attribute)) {
        return query_moved(context, attribute, out);
    }
    REQUIRE(!is_of_peer(attribute) || !schannel_unproved(context), SEC_E_NO_CREDENTIALS,
            "the peer's key is not proved while another handshake is under way (RFC 5246 7.4.8)");
    switch (attribute) {
    case SECPKG_ATTR_REMOTE_CERT_CONTEXT:
    case SECPKG_ATTR_REMOTE_CERT_CHAIN:
        return attributes_remote_certificate(context, out);
    case SECPKG_ATTR_LOCAL_CERT_CONTEXT:
        return attributes_local_certificate(context, out);
    case SECPKG_ATTR_REMOTE_CERTIFICATES:
        return attributes_remote_list(context, out);
    case SECPKG_ATTR_SERIALIZED_REMOTE_CERT_CONTEXT:
    case SECPKG_ATTR_SERIALIZED_REMOTE_CERT_CONTEXT_INPROC:
        return attributes_serialized(context, out);
    case SECPKG_ATTR_CERT_CHECK_RESULT:
    case SECPKG_ATTR_CERT_CHECK_RESULT_INPROC:
        return attributes_validation(context, out);
    case SECPKG_ATTR_CC_POLICY_RESULT:
        REQUIRE(!context->base.initiator, SEC_E_UNSUPPORTED_FUNCTION,
                "CC_POLICY_RESULT is about a client's certificate: a question for a server");
        return attributes_validation(context, out);
    default:
        return query_keys(context, attribute, out);
    }
}

/* Whether an attribute exists at all comes before whether it is known yet. */
static bool exists(uint32_t attribute)
{
    switch (attribute) {
    case SECPKG_ATTR_STREAM_SIZES:
    case SECPKG_ATTR_CONNECTION_INFO:
    case SECPKG_ATTR_CONNECTION_INFO_EX:
    case SECPKG_ATTR_CIPHER_INFO:
    case SECPKG_ATTR_KEY_INFO:
    case SECPKG_ATTR_SESSION_INFO:
    case SECPKG_ATTR_LIFESPAN:
    case SECPKG_ATTR_FLAGS:
    case SECPKG_ATTR_APPLICATION_PROTOCOL:
    case SECPKG_ATTR_NEGOTIATED_TLS_EXTENSIONS:
    case SECPKG_ATTR_SRTP_PARAMETERS:
    case SECPKG_ATTR_NAMES:
    case SECPKG_ATTR_UNIQUE_BINDINGS:
    case SECPKG_ATTR_ENDPOINT_BINDINGS:
    case SECPKG_ATTR_KEYING_MATERIAL:
    case SECPKG_ATTR_KEYING_MATERIAL_INPROC:
    case SECPKG_ATTR_EAP_KEY_BLOCK:
    case SECPKG_ATTR_REMOTE_CERT_CONTEXT:
    case SECPKG_ATTR_REMOTE_CERT_CHAIN:
    case SECPKG_ATTR_LOCAL_CERT_CONTEXT:
    case SECPKG_ATTR_REMOTE_CERTIFICATES:
    case SECPKG_ATTR_SERIALIZED_REMOTE_CERT_CONTEXT:
    case SECPKG_ATTR_SERIALIZED_REMOTE_CERT_CONTEXT_INPROC:
    case SECPKG_ATTR_CERT_CHECK_RESULT:
    case SECPKG_ATTR_CERT_CHECK_RESULT_INPROC:
    case SECPKG_ATTR_CC_POLICY_RESULT:
    case SSPI_EXT_ATTR_SERVER_KEY:
        return true;
    default:
        return is_early(attribute);
    }
}

SECURITY_STATUS schannel_query(struct context *base, uint32_t attribute, struct attribute *out)
{
    struct schannel_context *context = (struct schannel_context *)base;
    REQUIRE(exists(attribute), SEC_E_UNSUPPORTED_FUNCTION,
            "Schannel contexts have no such attribute (QueryContextAttributes (Schannel))");
    REQUIRE(context->completed || is_early(attribute), SEC_E_INVALID_HANDLE,
            "this attribute is not known before the handshake is done");
    out->lender = &context->lender;
    openssl_errors_mark();
    SECURITY_STATUS status = query(context, attribute, out);
    openssl_errors_forget();
    return status;
}

/* ---------------------------------------------------------------- setting */

/* A ULONG, or the two bytes of SEC_DTLS_MTU. */
static SECURITY_STATUS set_mtu(struct schannel_context *context, struct bytes value)
{
    struct reader reader = read_start(value);
    uint32_t mtu = value.size == 2 ? read_u16le(&reader) : read_u32le(&reader);
    TRY(read_end_lax(&reader, "DTLS_MTU: less than two bytes"));
    REQUIRE(context->dtls != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "DTLS_MTU: the connection is not DTLS's (SetContextAttributes)");
    REQUIRE(mtu >= 200 && mtu <= UINT16_MAX, SEC_E_INVALID_PARAMETER,
            "DTLS_MTU: not between 200 and 65535 (SetContextAttributes)");
    datagram_set_mtu(context, (uint16_t)mtu);
    return SEC_E_OK;
}

SECURITY_STATUS schannel_set(struct context *base, uint32_t attribute, struct bytes value)
{
    struct schannel_context *context = (struct schannel_context *)base;
    switch (attribute) {
    case SECPKG_ATTR_KEYING_MATERIAL_INFO:
        return attributes_set_keying_material(context, value);
    case SECPKG_ATTR_EAP_PRF_INFO:
        return attributes_set_eap(context, value);
    case SECPKG_ATTR_DTLS_MTU:
        return set_mtu(context, value);
    default:
        FAIL(SEC_E_UNSUPPORTED_FUNCTION, "nothing to be set of that number (SetContextAttributes (Schannel))");
    }
}
