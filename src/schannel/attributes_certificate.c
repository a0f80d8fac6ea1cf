/* Attributes that are certificates, or about them. */
#include "base/auto.h"
#include "cert/certificate.h"
#include "cert/store.h"
#include "schannel/attributes.h"
#include "schannel/identity.h"
#include "schannel/judge.h"
#include "wire/writer.h"

#define SERIALIZED_CERTIFICATE 32         /* the element's kind */
#define LIST_MAXIMUM           (1u << 24) /* OpenSSL takes no chain that is nearly so long */

/* ---------------------------------------------------------------- whose */

/* A server that resumed a session showed none this time: its ticket says which it was. */
static X509 *resumed_server_certificate(struct schannel_context *context)
{
    const struct schannel_credential *credential = context->credential;
    const struct schannel_identity *identity = identity_of_session(credential, SSL_get_session(context->ssl));
    if (identity == NULL && credential->identity_count == 1) {
        identity = &credential->identities[0];
    }
    return identity != NULL ? identity->leaf : NULL;
}

X509 *attributes_server_certificate(struct schannel_context *context)
{
    if (context->base.initiator) {
        return SSL_get0_peer_certificate(context->ssl);
    }
    X509 *shown = SSL_get_certificate(context->ssl);
    return shown != NULL ? shown : resumed_server_certificate(context);
}

static void free_stack(STACK_OF(X509) * *stack)
{
    sk_X509_free(*stack);
}

/* The peer's certificates, its own first: a new stack of borrowed ones. */
static SECURITY_STATUS peer_certificates(struct schannel_context *context, STACK_OF(X509) * *out)
{
    X509 *leaf = SSL_get0_peer_certificate(context->ssl);
    const STACK_OF(X509) *received = SSL_get_peer_cert_chain(context->ssl);
    REQUIRE(leaf != NULL, SEC_E_NO_CREDENTIALS, "the peer has shown no certificate");
    AUTO(free_stack) STACK_OF(X509) *all = sk_X509_new_null();
    bool good = all != NULL && sk_X509_push(all, leaf) > 0;
    for (int i = 0; good && i < sk_X509_num(received); i++) {
        X509 *next = sk_X509_value(received, i);
        good =
            next == leaf || sk_X509_push(all, next) > 0; /* a client's list begins with the leaf, a server's does not */
    }
    REQUIRE(good, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the peer's certificates");
    *out = STEAL(all);
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- contexts and stores */

SECURITY_STATUS attributes_remote_certificate(struct schannel_context *context, struct attribute *out)
{
    AUTO(free_stack) STACK_OF(X509) *all = NULL;
    AUTO_STORE *store = NULL;
    TRY(peer_certificates(context, &all));
    TRY(store_of_x509s(all, NULL, &store));
    out->certificate = store_next(store, NULL); /* which holds the store */
    REQUIRE(out->certificate != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for the peer's certificates");
    return SEC_E_OK;
}

SECURITY_STATUS attributes_local_certificate(struct schannel_context *context, struct attribute *out)
{
    X509 *own = context->base.initiator ? SSL_get_certificate(context->ssl) : attributes_server_certificate(context);
    REQUIRE(own != NULL, SEC_E_NO_CREDENTIALS, "this side has shown no certificate");
    const struct schannel_credential *credential = context->credential;
    for (size_t i = 0; i < credential->identity_count; i++) {
        if (credential->identities[i].leaf == own) {
            out->certificate = certificate_hold(credential->identities[i].certificate);
            return SEC_E_OK;
        }
    }
    return certificate_new(own, &out->certificate); /* an earlier credential's, before a renegotiation */
}

/* hRootStore's certificates, or the system's. */
SECURITY_STATUS attributes_root_store(struct schannel_context *context, struct attribute *out)
{
    AUTO_ROOTS *roots = NULL;
    if (context->credential->roots != NULL) {
        roots = roots_ref(context->credential->roots);
    } else {
        TRY(roots_system(&roots));
    }
    return store_of_x509s(roots_certificates(roots), roots_crls(roots), &out->store);
}

/* ---------------------------------------------------------------- lists */

static void append(struct writer *writer, struct bytes der)
{
    write_u32le(writer, (uint32_t)der.size);
    write_bytes(writer, der);
}

/* The writer's bytes become the attribute's. */
static SECURITY_STATUS keep(const struct writer *writer, struct attribute *out, struct bytes *place)
{
    TRY(write_end(writer));
    TRY(secret_copy(&out->owned, write_result(writer)));
    *place = secret_bytes(&out->owned);
    return SEC_E_OK;
}

static SECURITY_STATUS append_certificate(struct writer *writer, X509 *x509)
{
    uint8_t *der = NULL;
    int size = i2d_X509(x509, &der);
    REQUIRE(size > 0, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a certificate");
    append(writer, bytes_of(der, (size_t)size));
    OPENSSL_free(der);
    return SEC_E_OK;
}

SECURITY_STATUS attributes_remote_list(struct schannel_context *context, struct attribute *out)
{
    AUTO(free_stack) STACK_OF(X509) *all = NULL;
    AUTO_WRITER writer = write_growing(LIST_MAXIMUM);
    TRY(peer_certificates(context, &all));
    for (int i = 0; i < sk_X509_num(all); i++) {
        TRY(append_certificate(&writer, sk_X509_value(all, i)));
    }
    return keep(&writer, out, &out->list);
}

/* A serialized store as CertSaveStore writes it: a head, for each certificate an element that is its encoding, an end. */
SECURITY_STATUS attributes_serialized(struct schannel_context *context, struct attribute *out)
{
    AUTO(free_stack) STACK_OF(X509) *all = NULL;
    AUTO_WRITER writer = write_growing(LIST_MAXIMUM);
    TRY(peer_certificates(context, &all));
    write_u32le(&writer, 0);
    write_bytes(&writer, bytes_of("CERT", 4));
    for (int i = 0; i < sk_X509_num(all); i++) {
        write_u32le(&writer, SERIALIZED_CERTIFICATE);
        write_u32le(&writer, X509_ASN_ENCODING);
        TRY(append_certificate(&writer, sk_X509_value(all, i)));
    }
    write_zeros(&writer, 12);
    return keep(&writer, out, &out->bytes);
}

/* A client learns them from the CertificateRequest, before SEC_I_INCOMPLETE_CREDENTIALS; a server knows what it says. */
SECURITY_STATUS attributes_issuers(struct schannel_context *context, struct attribute *out)
{
    const STACK_OF(X509_NAME) *names =
        context->base.initiator ? SSL_get0_peer_CA_list(context->ssl) : context->credential->ca_names;
    AUTO_WRITER writer = write_growing(LIST_MAXIMUM);
    for (int i = 0; i < sk_X509_NAME_num(names); i++) {
        const unsigned char *der = NULL;
        size_t size = 0;
        REQUIRE(X509_NAME_get0_der(sk_X509_NAME_value(names, i), &der, &size) == 1, SEC_E_INSUFFICIENT_MEMORY,
                "out of memory for the name of an issuer");
        append(&writer, bytes_of(der, size));
    }
    return keep(&writer, out, &out->list);
}

/* ---------------------------------------------------------------- the verdict */

SECURITY_STATUS attributes_server_key(struct schannel_context *context, struct attribute *out)
{
    X509 *certificate = attributes_server_certificate(context);
    const ASN1_BIT_STRING *key = certificate != NULL ? X509_get0_pubkey_bitstr(certificate) : NULL;
    REQUIRE(key != NULL, SEC_E_NO_CREDENTIALS, "the server's certificate is not known");
    out->bytes = bytes_of(ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key));
    return SEC_E_OK;
}

SECURITY_STATUS attributes_validation(struct schannel_context *context, struct attribute *out)
{
    return judge_report(context, &out->validation.chain_errors, &out->validation.policy_error);
}
