/* Attributes that come out of the keys: channel bindings, and keys for other protocols. */
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <string.h>

#include "base/auto.h"
#include "cert/library.h"
#include "schannel/attributes.h"
#include "schannel/record_keys.h"
#include "wire/writer.h"

/* ---------------------------------------------------------------- channel bindings (RFC 5929) */

static SECURITY_STATUS give_bindings(const char *prefix, struct bytes value, struct attribute *out)
{
    TRY(secret_alloc(&out->owned, strlen(prefix) + value.size));
    struct writer writer = write_into(out->owned.data, out->owned.size);
    write_bytes(&writer, bytes_of(prefix, strlen(prefix)));
    write_bytes(&writer, value);
    out->bytes = secret_bytes(&out->owned);
    return write_end(&writer);
}

/* The first Finished is the client's, of an abbreviated handshake the server's. */
SECURITY_STATUS attributes_unique_bindings(struct schannel_context *context, struct attribute *out)
{
    REQUIRE(context->version != TLS1_3_VERSION, SEC_E_UNSUPPORTED_FUNCTION,
            "UNIQUE_BINDINGS: tls-unique is not defined for TLS 1.3 (RFC 8446 C.5)");
    uint8_t finished[EVP_MAX_MD_SIZE];
    bool clients_is_first = SSL_session_reused(context->ssl) == 0;
    bool own = context->base.initiator == clients_is_first;
    size_t size = own ? SSL_get_finished(context->ssl, finished, sizeof finished)
                      : SSL_get_peer_finished(context->ssl, finished, sizeof finished);
    REQUIRE(size != 0 && size <= sizeof finished, SEC_E_INTERNAL_ERROR, "OpenSSL kept no Finished message");
    return give_bindings("tls-unique:", bytes_of(finished, size), out);
}

/* The hash of the signature on the certificate, but none as weak as MD5 and SHA-1 (RFC 5929 4.1). */
static SECURITY_STATUS endpoint_digest(X509 *certificate, EVP_MD **out)
{
    int digest = NID_undef;
    REQUIRE(X509_get_signature_info(certificate, &digest, NULL, NULL, NULL) == 1 && digest != NID_undef,
            SEC_E_UNSUPPORTED_FUNCTION,
            "ENDPOINT_BINDINGS: the certificate's signature has no hash of its own (RFC 5929 4.1)");
    bool weak = digest == NID_md5 || digest == NID_sha1 || digest == NID_md5_sha1;
    *out = EVP_MD_fetch(cert_libctx(), weak ? "SHA2-256" : OBJ_nid2sn(digest), NULL);
    REQUIRE(*out != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "ENDPOINT_BINDINGS: OpenSSL has not the hash of the certificate's signature");
    return SEC_E_OK;
}

SECURITY_STATUS attributes_endpoint_of(X509 *certificate, struct attribute *out)
{
    EVP_MD *digest = NULL;
    TRY(endpoint_digest(certificate, &digest));
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    int done = X509_digest(certificate, digest, hash, &size);
    EVP_MD_free(digest);
    REQUIRE(done == 1, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a hash");
    return give_bindings("tls-server-end-point:", bytes_of(hash, size), out);
}

SECURITY_STATUS attributes_endpoint_bindings(struct schannel_context *context, struct attribute *out)
{
    X509 *certificate = attributes_server_certificate(context);
    REQUIRE(certificate != NULL, SEC_E_NO_CREDENTIALS, "ENDPOINT_BINDINGS: the server's certificate is not known");
    return attributes_endpoint_of(certificate, out);
}

/* ---------------------------------------------------------------- keying material (RFC 5705) */

#define MATERIAL_MAXIMUM 65535

/* A label as the SDK has it: its size counts the NUL, which is not part of it. */
static struct bytes without_nul(struct bytes label)
{
    bool has_nul = label.size != 0 && label.data[label.size - 1] == '\0';
    return bytes_of(label.data, label.size - has_nul);
}

/* What cannot be had: labels of TLS 1.2's own, and what begins like one; more than HKDF gives, and longer labels. */
static bool exportable(const struct schannel_context *context, struct bytes label, size_t size)
{
    static const char *const reserved[] = {"client finished", "server finished", "master secret",
                                           "extended master secret", "key expansion"};
    if (context->version == TLS1_3_VERSION) {
        return label.size <= 249 && size <= 255 * record_hash_size(context->suite->hash);
    }
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (label.size >= strlen(reserved[i]) && memcmp(label.data, reserved[i], strlen(reserved[i])) == 0) {
            return false;
        }
    }
    return true;
}

static SECURITY_STATUS export(struct schannel_context *context, const struct attribute_exporter *wanted,
                              struct attribute *out)
{
    REQUIRE(wanted->size != 0 && wanted->size <= MATERIAL_MAXIMUM, SEC_E_INVALID_PARAMETER,
            "KEYING_MATERIAL: cbKeyingMaterial is 0 or more than 65535");
    struct bytes label = without_nul(wanted->label);
    REQUIRE(exportable(context, label, wanted->size), SEC_E_INVALID_PARAMETER,
            "KEYING_MATERIAL: a label that is TLS's own, or more than the hash gives (RFC 5705 4, RFC 8446 7.5)");
    TRY(secret_alloc(&out->owned, wanted->size));
    int done = SSL_export_keying_material(context->ssl, out->owned.data, out->owned.size, (const char *)label.data,
                                          label.size, wanted->context.data, wanted->context.size, wanted->has_context);
    REQUIRE(done == 1, SEC_E_INSUFFICIENT_MEMORY, "out of memory for keying material");
    out->bytes = secret_bytes(&out->owned);
    return SEC_E_OK;
}

SECURITY_STATUS attributes_keying_material(struct schannel_context *context, struct attribute *out)
{
    const struct schannel_exporter *set = &context->exporter;
    REQUIRE(set->label != NULL, SEC_E_OUT_OF_SEQUENCE,
            "KEYING_MATERIAL: KEYING_MATERIAL_INFO was not set (SetContextAttributes (Schannel))");
    const struct attribute_exporter wanted = {.label = bytes_of(set->label, strlen(set->label)),
                                              .context = bytes_of(set->context, set->context_size),
                                              .has_context = set->has_context,
                                              .size = set->size};
    return export(context, &wanted, out);
}

SECURITY_STATUS attributes_keying_material_inproc(struct schannel_context *context, struct attribute *out)
{
    const struct attribute_exporter wanted = out->exporter;
    return export(context, &wanted, out);
}

/* An owned, NUL-terminated copy. */
static SECURITY_STATUS copy_label(struct bytes label, char **out)
{
    REQUIRE(label.size != 0 && memchr(label.data, '\0', label.size) == NULL, SEC_E_INVALID_PARAMETER,
            "a label is empty, or has a NUL inside");
    AUTO_WRITER writer = write_growing(UINT16_MAX + 1);
    write_bytes(&writer, label);
    write_u8(&writer, 0);
    TRY(write_end(&writer));
    *out = (char *)write_take(&writer);
    return SEC_E_OK;
}

SECURITY_STATUS attributes_set_keying_material(struct schannel_context *context, struct bytes value)
{
    const SecPkgContext_KeyingMaterialInfo *info = (const void *)value.data;
    REQUIRE(value.size >= sizeof *info, SEC_E_INVALID_PARAMETER, "KEYING_MATERIAL_INFO: cbBuffer is too small");
    REQUIRE(info->pszLabel != NULL, SEC_E_INVALID_PARAMETER, "KEYING_MATERIAL_INFO: pszLabel is NULL");
    REQUIRE(info->pbContextValue != NULL || info->cbContextValue == 0, SEC_E_INVALID_PARAMETER,
            "KEYING_MATERIAL_INFO: pbContextValue is NULL with a size");
    REQUIRE(info->cbKeyingMaterial != 0 && info->cbKeyingMaterial <= MATERIAL_MAXIMUM, SEC_E_INVALID_PARAMETER,
            "KEYING_MATERIAL_INFO: cbKeyingMaterial is 0 or more than 65535");
    AUTO_FREE char *label = NULL;
    AUTO_WRITER copy = write_growing(UINT16_MAX);
    TRY(copy_label(without_nul(bytes_of(info->pszLabel, info->cbLabel)), &label));
    write_bytes(&copy, bytes_of(info->pbContextValue, info->cbContextValue));
    TRY(write_end(&copy));
    struct schannel_exporter *exporter = &context->exporter;
    free(exporter->label);
    free(exporter->context);
    exporter->label = STEAL(label);
    exporter->context_size = copy.size;
    exporter->context = write_take(&copy);
    exporter->has_context = info->pbContextValue != NULL;
    exporter->size = info->cbKeyingMaterial;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- EAP (RFC 2716 3.5, RFC 5216 2.3) */

#define EAP_KEYS 128
#define EAP_IVS  64

SECURITY_STATUS attributes_set_eap(struct schannel_context *context, struct bytes value)
{
    const SecPkgContext_EapPrfInfo *info = (const void *)value.data;
    REQUIRE(value.size >= sizeof *info, SEC_E_INVALID_PARAMETER, "EAP_PRF_INFO: cbBuffer is too small");
    REQUIRE(info->dwVersion == 0 && info->pbPrfData != NULL && info->cbPrfData <= UINT16_MAX, SEC_E_INVALID_PARAMETER,
            "EAP_PRF_INFO: dwVersion is not 0, or there is no label in pbPrfData");
    char *label = NULL;
    TRY(copy_label(without_nul(bytes_of(info->pbPrfData, info->cbPrfData)), &label));
    free(context->exporter.eap_label);
    context->exporter.eap_label = label;
    return SEC_E_OK;
}

/* PRF("", label, client random + server random): it is the same for everybody who sees the hellos. */
static SECURITY_STATUS eap_vectors(struct schannel_context *context, const char *label, uint8_t *out)
{
    uint8_t client[SSL3_RANDOM_SIZE];
    uint8_t server[SSL3_RANDOM_SIZE];
    static char nothing[1];
    SSL_get_client_random(context->ssl, client, sizeof client);
    SSL_get_server_random(context->ssl, server, sizeof server);
    bool old = context->version != TLS1_2_VERSION && context->version != DTLS1_2_VERSION;
    const char *digest = old ? "MD5-SHA1" : context->suite->hash == SUITE_SHA384 ? "SHA2-384" : "SHA2-256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, nothing, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (char *)(uintptr_t)label, strlen(label)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, client, sizeof client),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, server, sizeof server),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(cert_libctx(), "TLS1-PRF", NULL);
    EVP_KDF_CTX *derivation = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    bool done = derivation != NULL && EVP_KDF_derive(derivation, out, EAP_IVS, parameters) == 1;
    EVP_KDF_CTX_free(derivation);
    EVP_KDF_free(kdf);
    REQUIRE(done, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the PRF of TLS");
    return SEC_E_OK;
}

SECURITY_STATUS attributes_eap_block(struct schannel_context *context, struct attribute *out)
{
    REQUIRE(context->version != TLS1_3_VERSION, SEC_E_UNSUPPORTED_FUNCTION,
            "EAP_KEY_BLOCK: under TLS 1.3 each method has an exporter of its own (RFC 9190 2.3): KEYING_MATERIAL");
    const char *label = context->exporter.eap_label != NULL ? context->exporter.eap_label : "client EAP encryption";
    REQUIRE(exportable(context, bytes_of(label, strlen(label)), EAP_KEYS), SEC_E_INVALID_PARAMETER,
            "EAP_KEY_BLOCK: the label that was set is TLS's own (RFC 5705 4)");
    TRY(secret_alloc(&out->owned, EAP_KEYS + EAP_IVS));
    int done = SSL_export_keying_material(context->ssl, out->owned.data, EAP_KEYS, label, strlen(label), NULL, 0, 0);
    REQUIRE(done == 1, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an EAP key block");
    TRY(eap_vectors(context, label, out->owned.data + EAP_KEYS));
    out->bytes = secret_bytes(&out->owned);
    return SEC_E_OK;
}
