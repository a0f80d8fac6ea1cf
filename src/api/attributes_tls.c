/* The structs of Schannel's attributes (schannel_attributes.h). */
#pragma GCC visibility push(default)
#include "windows.h"

#include "schannel.h"
#pragma GCC visibility pop

#include <string.h>

#include "api/layout.h"
#include "cert/certificate.h"
#include "cert/store.h"
#include "wire/reader.h"
#include "wire/writer.h"

/* ---------------------------------------------------------------- the connection */

static SECURITY_STATUS lay_stream_sizes(struct context *context, struct attribute *value, bool wide, void *out)
{
    *(SecPkgContext_StreamSizes *)out = (SecPkgContext_StreamSizes){
        .cbHeader = value->stream_sizes.header,
        .cbTrailer = value->stream_sizes.trailer,
        .cbMaximumMessage = value->stream_sizes.maximum,
        .cBuffers = value->stream_sizes.buffers,
        .cbBlockSize = value->stream_sizes.block,
    };
    return SEC_E_OK;
}

/* Into an array of SZ_ALG_MAX_SIZE characters that is zero; every name of the suite table is shorter. */
static void put_name(const char *name, WCHAR out[SZ_ALG_MAX_SIZE])
{
    for (size_t i = 0; name[i] != '\0' && i + 1 < SZ_ALG_MAX_SIZE; i++) {
        out[i] = (uint8_t)name[i];
    }
}

static SECURITY_STATUS lay_connection(struct context *context, struct attribute *value, bool wide, void *out)
{
    const struct attribute_connection *connection = &value->connection;
    *(SecPkgContext_ConnectionInfo *)out = (SecPkgContext_ConnectionInfo){
        .dwProtocol = connection->protocol,
        .aiCipher = connection->cipher_algorithm,
        .dwCipherStrength = connection->cipher_bits,
        .aiHash = connection->hash_algorithm,
        .dwHashStrength = connection->hash_bits,
        .aiExch = connection->exchange_algorithm,
        .dwExchStrength = connection->exchange_bits,
    };
    return SEC_E_OK;
}

static SECURITY_STATUS lay_connection_ex(struct context *context, struct attribute *value, bool wide, void *out)
{
    const struct attribute_connection *connection = &value->connection;
    SecPkgContext_ConnectionInfoEx *info = out;
    *info = (SecPkgContext_ConnectionInfoEx){
        .dwVersion = SECPKGCONTEXT_CONNECTION_INFO_EX_V1,
        .dwProtocol = connection->protocol,
        .dwCipherStrength = connection->cipher_bits,
        .dwHashStrength = connection->hash_bits,
        .dwExchStrength = connection->exchange_bits,
    };
    put_name(connection->cipher, info->szCipher);
    put_name(connection->hash, info->szHash);
    put_name(connection->used_exchange, info->szExchange);
    return SEC_E_OK;
}

/* What dwVersion says is not looked at: programs leave it unset, and there is one version (client-needs 96). */
static SECURITY_STATUS lay_cipher(struct context *context, struct attribute *value, bool wide, void *out)
{
    const struct attribute_connection *connection = &value->connection;
    SecPkgContext_CipherInfo *info = out;
    *info = (SecPkgContext_CipherInfo){
        .dwVersion = SECPKGCONTEXT_CIPHERINFO_V1,
        .dwProtocol = connection->version,
        .dwCipherSuite = connection->suite,
        .dwBaseCipherSuite = connection->suite,
        .dwCipherLen = connection->cipher_bits,
        .dwCipherBlockLen = connection->block_bytes,
        .dwHashLen = connection->hash_bits,
        .dwMinExchangeLen = connection->exchange_minimum,
        .dwMaxExchangeLen = connection->exchange_maximum,
        .dwKeyType = connection->group,
    };
    put_name(connection->suite_name, info->szCipherSuite);
    put_name(connection->cipher, info->szCipher);
    put_name(connection->hash, info->szHash);
    put_name(connection->exchange, info->szExchange);
    put_name(connection->signer, info->szCertificate);
    return SEC_E_OK;
}

static SECURITY_STATUS lay_session(struct context *context, struct attribute *value, bool wide, void *out)
{
    SecPkgContext_SessionInfo *info = out;
    *info = (SecPkgContext_SessionInfo){.dwFlags = value->session.resumed ? SSL_SESSION_RECONNECT : 0};
    struct writer writer = write_into(info->rgbSessionId, sizeof info->rgbSessionId);
    write_bytes(&writer, value->session.id);
    info->cbSessionId = (DWORD)writer.size;
    return SEC_E_OK;
}

static SECURITY_STATUS lay_protocol(struct context *context, struct attribute *value, bool wide, void *out)
{
    SecPkgContext_ApplicationProtocol *protocol = out;
    bool chosen = value->protocol.size != 0;
    *protocol = (SecPkgContext_ApplicationProtocol){
        .ProtoNegoStatus =
            chosen ? SecApplicationProtocolNegotiationStatus_Success : SecApplicationProtocolNegotiationStatus_None,
        .ProtoNegoExt = chosen ? SecApplicationProtocolNegotiationExt_ALPN : SecApplicationProtocolNegotiationExt_None,
    };
    struct writer writer = write_into(protocol->ProtocolId, sizeof protocol->ProtocolId);
    write_bytes(&writer, value->protocol);
    protocol->ProtocolIdSize = (UCHAR)writer.size;
    return SEC_E_OK;
}

static SECURITY_STATUS lay_extensions(struct context *context, struct attribute *value, bool wide, void *out)
{
    void *block;
    TRY(layout_bytes(value->bytes, &block));
    *(SecPkgContext_NegotiatedTlsExtensions *)out = (SecPkgContext_NegotiatedTlsExtensions){
        .ExtensionsCount = (ULONG)(value->bytes.size / sizeof(USHORT)), .Extensions = block};
    return SEC_E_OK;
}

static SECURITY_STATUS lay_number(struct context *context, struct attribute *value, bool wide, void *out)
{
    *(ULONG *)out = value->number;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- keys */

/* SEC_CHANNEL_BINDINGS, for as long as the context is (nobody frees them): no addresses, and behind the header what the channel is (RFC 5929; windows-behaviour M2, M3). */
static SECURITY_STATUS lay_bindings(struct context *context, struct attribute *value, bool wide, void *out)
{
    uint8_t bindings[LENT_MAX];
    struct writer writer = write_into(bindings, sizeof bindings);
    write_zeros(&writer, 24);
    write_u32le(&writer, (uint32_t)value->bytes.size);
    write_u32le(&writer, sizeof(SEC_CHANNEL_BINDINGS));
    write_bytes(&writer, value->bytes);
    TRY(write_end(&writer));
    struct bytes whole = write_result(&writer);
    void *block = value->lender != NULL ? context_buffer_lend(value->lender, whole) : context_buffer_copy(whole);
    REQUIRE(block != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for channel bindings");
    *(SecPkgContext_Bindings *)out = (SecPkgContext_Bindings){(ULONG)writer.size, block};
    return SEC_E_OK;
}

static SECURITY_STATUS lay_eap(struct context *context, struct attribute *value, bool wide, void *out)
{
    struct writer writer = write_into(out, sizeof(SecPkgContext_EapKeyBlock));
    write_bytes(&writer, value->bytes);
    return SEC_E_OK;
}

/* Without a master key identifier (step_find_srtp). */
static SECURITY_STATUS lay_srtp(struct context *context, struct attribute *value, bool wide, void *out)
{
    *(SecPkgContext_SrtpParameters *)out = (SecPkgContext_SrtpParameters){.ProtectionProfile = (USHORT)value->number};
    return SEC_E_OK;
}

static SECURITY_STATUS lay_keying_material(struct context *context, struct attribute *value, bool wide, void *out)
{
    void *block;
    TRY(layout_bytes(value->bytes, &block));
    *(SecPkgContext_KeyingMaterial *)out =
        (SecPkgContext_KeyingMaterial){.cbKeyingMaterial = (DWORD)value->bytes.size, .pbKeyingMaterial = block};
    return SEC_E_OK;
}

static SECURITY_STATUS read_inproc(const void *in, struct attribute *value)
{
    const SecPkgContext_KeyingMaterial_Inproc *inproc = in;
    REQUIRE(inproc->pszLabel != NULL && inproc->cbLabel != 0, SEC_E_INVALID_PARAMETER,
            "KEYING_MATERIAL_INPROC: no label (SecPkgContext_KeyingMaterial_Inproc)");
    value->exporter = (struct attribute_exporter){
        .label = bytes_of(inproc->pszLabel, inproc->cbLabel),
        .context = bytes_of(inproc->pbContextValue, inproc->pbContextValue != NULL ? inproc->cbContextValue : 0),
        .has_context = inproc->pbContextValue != NULL,
        .size = inproc->cbKeyingMaterial,
    };
    return SEC_E_OK;
}

static SECURITY_STATUS lay_inproc(struct context *context, struct attribute *value, bool wide, void *out)
{
    void *block;
    TRY(layout_bytes(value->bytes, &block));
    ((SecPkgContext_KeyingMaterial_Inproc *)out)->pbKeyingMaterial = block;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- certificates */

/* The reference goes to the caller: CertFreeCertificateContext. */
static SECURITY_STATUS lay_certificate(struct context *context, struct attribute *value, bool wide, void *out)
{
    *(PCCERT_CONTEXT *)out = certificate_context(STEAL(value->certificate));
    return SEC_E_OK;
}

/* The handle is the caller's: CertCloseStore. */
static SECURITY_STATUS lay_store(struct context *context, struct attribute *value, bool wide, void *out)
{
    *(HCERTSTORE *)out = store_open(value->store);
    return SEC_E_OK;
}

static uint32_t count_list(struct bytes list)
{
    struct reader reader = read_start(list);
    uint32_t count = 0;
    while (read_left(&reader) != 0) {
        (void)read_bytes(&reader, read_u32le(&reader));
        count++;
    }
    return count;
}

static SECURITY_STATUS lay_issuers(struct context *context, struct attribute *value, bool wide, void *out)
{
    uint32_t count = count_list(value->list);
    CERT_NAME_BLOB *blobs = NULL;
    if (count != 0) {
        size_t names = value->list.size - 4 * (size_t)count;
        blobs = context_buffer_alloc(count * sizeof *blobs + names);
        REQUIRE(blobs != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the names of issuers");
        struct reader reader = read_start(value->list);
        struct writer writer = write_into(blobs + count, names);
        for (uint32_t i = 0; i < count; i++) {
            struct bytes name = read_bytes(&reader, read_u32le(&reader));
            blobs[i] = (CERT_NAME_BLOB){.cbData = (DWORD)name.size, .pbData = writer.data + writer.size};
            write_bytes(&writer, name);
        }
    }
    *(SecPkgContext_IssuerListInfoEx *)out = (SecPkgContext_IssuerListInfoEx){.aIssuers = blobs, .cIssuers = count};
    return SEC_E_OK;
}

static SECURITY_STATUS lay_certificates(struct context *context, struct attribute *value, bool wide, void *out)
{
    void *block;
    TRY(layout_bytes(value->list, &block));
    *(SecPkgContext_Certificates *)out = (SecPkgContext_Certificates){
        .cCertificates = count_list(value->list),
        .cbCertificateChain = (DWORD)value->list.size,
        .pbCertificateChain = block,
    };
    return SEC_E_OK;
}

static SECURITY_STATUS lay_validation(struct context *context, struct attribute *value, bool wide, void *out)
{
    *(SecPkgContext_CertificateValidationResult *)out = (SecPkgContext_CertificateValidationResult){
        .dwChainErrorStatus = value->validation.chain_errors,
        .hrVerifyChainStatus = value->validation.policy_error,
    };
    return SEC_E_OK;
}

static SECURITY_STATUS lay_policy_result(struct context *context, struct attribute *value, bool wide, void *out)
{
    *(SecPkgContext_ClientCertPolicyResult *)out =
        (SecPkgContext_ClientCertPolicyResult){.dwPolicyResult = value->validation.policy_error};
    return SEC_E_OK;
}

static SECURITY_STATUS lay_signatures(struct context *context, struct attribute *value, bool wide, void *out)
{
    void *block;
    TRY(layout_bytes(value->bytes, &block));
    *(SecPkgContext_SupportedSignatures *)out = (SecPkgContext_SupportedSignatures){
        .cSignatureAndHashAlgorithms = (WORD)(value->bytes.size / sizeof(WORD)), .pSignatureAndHashAlgorithms = block};
    return SEC_E_OK;
}

static SECURITY_STATUS lay_blob(struct context *context, struct attribute *value, bool wide, void *out)
{
    void *block;
    TRY(layout_bytes(value->bytes, &block));
    *(CERT_BLOB *)out = (CERT_BLOB){.cbData = (DWORD)value->bytes.size, .pbData = block};
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- credentials */

static SECURITY_STATUS lay_algorithms(struct context *context, struct attribute *value, bool wide, void *out)
{
    void *block;
    TRY(layout_bytes(value->bytes, &block));
    *(SecPkgCred_SupportedAlgs *)out = (SecPkgCred_SupportedAlgs){
        .cSupportedAlgs = (DWORD)(value->bytes.size / sizeof(ALG_ID)), .palgSupportedAlgs = block};
    return SEC_E_OK;
}

static SECURITY_STATUS lay_strengths(struct context *context, struct attribute *value, bool wide, void *out)
{
    *(SecPkgCred_CipherStrengths *)out = (SecPkgCred_CipherStrengths){
        .dwMinimumCipherStrength = value->strengths.minimum, .dwMaximumCipherStrength = value->strengths.maximum};
    return SEC_E_OK;
}

static SECURITY_STATUS lay_own_certificate(struct context *context, struct attribute *value, bool wide, void *out)
{
    void *block;
    TRY(layout_bytes(value->bytes, &block));
    *(SecPkgCredentials_Cert *)out =
        (SecPkgCredentials_Cert){.EncodedCertSize = (ULONG)value->bytes.size, .EncodedCert = block};
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- which attribute is which */

const struct layout layout_tls_context[] = {
    {SECPKG_ATTR_STREAM_SIZES, sizeof(SecPkgContext_StreamSizes), lay_stream_sizes, NULL},
    {SECPKG_ATTR_UNIQUE_BINDINGS, sizeof(SecPkgContext_Bindings), lay_bindings, NULL},
    {SECPKG_ATTR_ENDPOINT_BINDINGS, sizeof(SecPkgContext_Bindings), lay_bindings, NULL},
    {SECPKG_ATTR_DTLS_MTU, sizeof(ULONG), lay_number, NULL},
    {SECPKG_ATTR_APPLICATION_PROTOCOL, sizeof(SecPkgContext_ApplicationProtocol), lay_protocol, NULL},
    {SECPKG_ATTR_NEGOTIATED_TLS_EXTENSIONS, sizeof(SecPkgContext_NegotiatedTlsExtensions), lay_extensions, NULL},
    {SECPKG_ATTR_SRTP_PARAMETERS, sizeof(SecPkgContext_SrtpParameters), lay_srtp, NULL},
    {SECPKG_ATTR_REMOTE_CERT_CONTEXT, sizeof(PCCERT_CONTEXT), lay_certificate, NULL},
    {SECPKG_ATTR_LOCAL_CERT_CONTEXT, sizeof(PCCERT_CONTEXT), lay_certificate, NULL},
    {SECPKG_ATTR_REMOTE_CERT_CHAIN, sizeof(PCCERT_CONTEXT), lay_certificate, NULL},
    {SECPKG_ATTR_ROOT_STORE, sizeof(HCERTSTORE), lay_store, NULL},
    {SECPKG_ATTR_ISSUER_LIST_EX, sizeof(SecPkgContext_IssuerListInfoEx), lay_issuers, NULL},
    {SECPKG_ATTR_CONNECTION_INFO, sizeof(SecPkgContext_ConnectionInfo), lay_connection, NULL},
    {SECPKG_ATTR_CONNECTION_INFO_EX, sizeof(SecPkgContext_ConnectionInfoEx), lay_connection_ex, NULL},
    {SECPKG_ATTR_CIPHER_INFO, sizeof(SecPkgContext_CipherInfo), lay_cipher, NULL},
    {SECPKG_ATTR_EAP_KEY_BLOCK, sizeof(SecPkgContext_EapKeyBlock), lay_eap, NULL},
    {SECPKG_ATTR_SESSION_INFO, sizeof(SecPkgContext_SessionInfo), lay_session, NULL},
    {SECPKG_ATTR_REMOTE_CERTIFICATES, sizeof(SecPkgContext_Certificates), lay_certificates, NULL},
    {SECPKG_ATTR_CC_POLICY_RESULT, sizeof(SecPkgContext_ClientCertPolicyResult), lay_policy_result, NULL},
    {SECPKG_ATTR_SUPPORTED_SIGNATURES, sizeof(SecPkgContext_SupportedSignatures), lay_signatures, NULL},
    {SECPKG_ATTR_KEYING_MATERIAL, sizeof(SecPkgContext_KeyingMaterial), lay_keying_material, NULL},
    {SECPKG_ATTR_KEYING_MATERIAL_INPROC, sizeof(SecPkgContext_KeyingMaterial_Inproc), lay_inproc, read_inproc},
    {SECPKG_ATTR_CERT_CHECK_RESULT, sizeof(SecPkgContext_CertificateValidationResult), lay_validation, NULL},
    {SECPKG_ATTR_CERT_CHECK_RESULT_INPROC, sizeof(SecPkgContext_CertificateValidationResult), lay_validation, NULL},
    {SECPKG_ATTR_SERIALIZED_REMOTE_CERT_CONTEXT, sizeof(CERT_BLOB), lay_blob, NULL},
    {SECPKG_ATTR_SERIALIZED_REMOTE_CERT_CONTEXT_INPROC, sizeof(CERT_BLOB), lay_blob, NULL},
};
const size_t layout_tls_context_count = sizeof layout_tls_context / sizeof layout_tls_context[0];

const struct layout layout_tls_credential[] = {
    {SECPKG_CRED_ATTR_CERT, sizeof(SecPkgCredentials_Cert), lay_own_certificate, NULL},
    {SECPKG_ATTR_SUPPORTED_ALGS, sizeof(SecPkgCred_SupportedAlgs), lay_algorithms, NULL},
    {SECPKG_ATTR_CIPHER_STRENGTHS, sizeof(SecPkgCred_CipherStrengths), lay_strengths, NULL},
    {SECPKG_ATTR_SUPPORTED_PROTOCOLS, sizeof(SecPkgCred_SupportedProtocols), lay_number, NULL},
};
const size_t layout_tls_credential_count = sizeof layout_tls_credential / sizeof layout_tls_credential[0];
