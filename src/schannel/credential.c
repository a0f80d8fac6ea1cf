#include "schannel/credential.h"

#include <stdlib.h>

#include "base/auto.h"
#include "base/policy.h"
#include "cert/store.h"
#include "crypto/openssl_errors.h"
#include "schannel/datagram.h"
#include "schannel/engine.h"
#include "schannel/identity.h"
#include "schannel/kdf.h"
#include "schannel/psk.h"
#include "schannel/restrict.h"

#define LIFESPAN_DEFAULT 36000 /* seconds: dwSessionLifespan 0 (SCHANNEL_CRED, Microsoft Learn) */

/* What version 4 and version 5 have in common, and NULL. */
struct description {
    struct restrictions restrictions;
    uint32_t version;
    uint32_t enabled; /* version 4 */
    PCCERT_CONTEXT *certificates;
    size_t certificate_count;
    HCERTSTORE roots;
    uint32_t lifespan; /* ms */
    uint32_t flags;
};

/* ---------------------------------------------------------------- reading pAuthData */

static SECURITY_STATUS describe_v4(const SCHANNEL_CRED *cred, struct description *out)
{
    REQUIRE(cred->dwCredFormat == SCH_CRED_FORMAT_CERT_CONTEXT, SEC_E_UNKNOWN_CREDENTIALS,
            "SCHANNEL_CRED: dwCredFormat is for kernel code");
    out->certificates = cred->paCred;
    out->certificate_count = cred->paCred != NULL ? cred->cCreds : 0;
    out->roots = cred->hRootStore;
    out->enabled = cred->grbitEnabledProtocols;
    out->lifespan = cred->dwSessionLifespan;
    out->flags = cred->dwFlags;
    out->restrictions.minimum_strength =
        cred->dwMinimumCipherStrength == UINT32_MAX ? 0 : cred->dwMinimumCipherStrength;
    out->restrictions.maximum_strength =
        cred->dwMaximumCipherStrength == UINT32_MAX ? 0 : cred->dwMaximumCipherStrength;
    out->restrictions.algorithms = cred->palgSupportedAlgs;
    out->restrictions.algorithm_count =
        cred->palgSupportedAlgs != NULL && cred->cSupportedAlgs <= SCH_CRED_MAX_SUPPORTED_ALGS ? cred->cSupportedAlgs
                                                                                               : 0;
    return SEC_E_OK;
}

static SECURITY_STATUS describe_v5(const SCH_CREDENTIALS *cred, struct description *out)
{
    REQUIRE(cred->dwCredFormat == SCH_CRED_FORMAT_CERT_CONTEXT, SEC_E_UNKNOWN_CREDENTIALS,
            "SCH_CREDENTIALS: dwCredFormat is for kernel code");
    REQUIRE(cred->cTlsParameters <= SCH_CRED_MAX_SUPPORTED_PARAMETERS, SEC_E_UNKNOWN_CREDENTIALS,
            "SCH_CREDENTIALS: more than 16 TLS_PARAMETERS");
    out->certificates = cred->paCred;
    out->certificate_count = cred->paCred != NULL ? cred->cCreds : 0;
    out->roots = cred->hRootStore;
    out->lifespan = cred->dwSessionLifespan;
    out->flags = cred->dwFlags;
    out->restrictions.parameters = cred->pTlsParameters;
    out->restrictions.parameter_count = cred->pTlsParameters != NULL ? cred->cTlsParameters : 0;
    for (size_t i = 0; i < out->restrictions.parameter_count; i++) {
        REQUIRE(cred->pTlsParameters[i].cDisabledCrypto <= SCH_CRED_MAX_SUPPORTED_CRYPTO_SETTINGS,
                SEC_E_UNKNOWN_CREDENTIALS, "TLS_PARAMETERS: more than 16 CRYPTO_SETTINGS");
    }
    return SEC_E_OK;
}

/* The first word tells which structure it is (windows-behaviour S1, S2, S4, S11, S14). */
static SECURITY_STATUS describe(const struct credential_in *in, struct description *out)
{
    *out = (struct description){.restrictions = {.server = (in->use & SECPKG_CRED_INBOUND) != 0}};
    REQUIRE(in->use != SECPKG_CRED_BOTH, SEC_E_NO_CREDENTIALS,
            "Schannel: a credential is for one direction (AcquireCredentialsHandle)");
    REQUIRE(in->auth_data != NULL || in->use == SECPKG_CRED_OUTBOUND, SEC_E_NO_CREDENTIALS,
            "Schannel: a server's credential needs a SCHANNEL_CRED or SCH_CREDENTIALS");
    if (in->auth_data == NULL) {
        return restrict_disabled(&out->restrictions);
    }
    out->version = *(const DWORD *)in->auth_data;
    REQUIRE(out->version != SCH_CRED_V3, SEC_E_INSUFFICIENT_MEMORY,
            "pAuthData: dwVersion 3, which Windows answers like this since version 10");
    REQUIRE(out->version == SCHANNEL_CRED_VERSION || out->version == SCH_CREDENTIALS_VERSION, SEC_E_UNKNOWN_CREDENTIALS,
            "pAuthData: dwVersion is neither SCHANNEL_CRED_VERSION nor SCH_CREDENTIALS_VERSION");
    bool v4 = out->version == SCHANNEL_CRED_VERSION;
    TRY(v4 ? describe_v4(in->auth_data, out) : describe_v5(in->auth_data, out));
    REQUIRE(out->certificate_count <= SCH_CRED_MAX_SUPPORTED_CERTS, SEC_E_UNKNOWN_CREDENTIALS,
            "pAuthData: more than 100 certificates");
    out->restrictions.flags = out->flags;
    return v4 ? restrict_enabled(out->enabled, &out->restrictions) : restrict_disabled(&out->restrictions);
}

/* ---------------------------------------------------------------- making the credential */

static SECURITY_STATUS take_certificates(struct schannel_credential *credential, const struct description *description)
{
    if (description->certificate_count == 0) {
        return SEC_E_OK;
    }
    credential->identities = calloc(description->certificate_count, sizeof *credential->identities);
    REQUIRE(credential->identities != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for certificates");
    for (size_t i = 0; i < description->certificate_count; i++) {
        TRY(identity_take(description->certificates[i], (description->flags & SCH_SEND_ROOT_CERT) != 0,
                          &credential->identities[i]));
        credential->identity_count++;
    }
    return SEC_E_OK;
}

static void free_x509s(STACK_OF(X509) * *stack)
{
    sk_X509_pop_free(*stack, X509_free);
}

/* hRootStore: whom to believe, and whom a server names in its CertificateRequest. */
static SECURITY_STATUS take_roots(struct schannel_credential *credential, HCERTSTORE handle)
{
    if (handle == NULL) {
        return SEC_E_OK;
    }
    struct store *store = store_of(handle);
    REQUIRE(store != NULL, SEC_E_UNKNOWN_CREDENTIALS, "hRootStore is no open certificate store");
    AUTO(free_x509s) STACK_OF(X509) *certificates = NULL;
    TRY(store_x509s(store, &certificates));
    TRY(roots_of(certificates, NULL, &credential->roots));
    credential->ca_names = sk_X509_NAME_new_null();
    for (int i = 0; i < sk_X509_num(certificates) && credential->ca_names != NULL; i++) {
        X509_NAME *name = X509_NAME_dup(X509_get_subject_name(sk_X509_value(certificates, i)));
        if (name == NULL || sk_X509_NAME_push(credential->ca_names, name) == 0) {
            X509_NAME_free(name);
            FAIL(SEC_E_INSUFFICIENT_MEMORY, "out of memory for names of authorities");
        }
    }
    REQUIRE(credential->ca_names != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for names of authorities");
    return SEC_E_OK;
}

static void take_flags(struct schannel_credential *credential, uint32_t flags)
{
    credential->flags = flags;
    credential->manual = (flags & SCH_CRED_MANUAL_CRED_VALIDATION) != 0;
    credential->deferred = (flags & SCH_CRED_DEFERRED_CRED_VALIDATION) != 0;
    credential->revocation = (flags & SCH_CRED_REVOCATION_CHECK_CHAIN) != 0 ? REVOCATION_CHAIN
                             : (flags & SCH_CRED_REVOCATION_CHECK_CHAIN_EXCLUDE_ROOT) != 0
                                 ? REVOCATION_CHAIN_EXCLUDE_ROOT
                             : (flags & SCH_CRED_REVOCATION_CHECK_END_CERT) != 0 ? REVOCATION_END
                                                                                 : REVOCATION_NOBODY;
}

static void configure(struct schannel_credential *credential, SSL_CTX *ssl_ctx, bool server)
{
    SSL_CTX_set_mode(ssl_ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_clear_options(ssl_ctx, SSL_OP_LEGACY_SERVER_CONNECT);
    /* The caller hears of a peer's wish and decides by the next step (SEC_I_RENEGOTIATE). */
    SSL_CTX_set_options(ssl_ctx, SSL_OP_ALLOW_CLIENT_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS);
    SSL_CTX_set_verify(ssl_ctx, server ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    uint32_t life = credential->session_lifespan;
    SSL_CTX_set_timeout(ssl_ctx, life > INT32_MAX ? INT32_MAX : (long)life);
    engine_prepare(ssl_ctx, server);
    if (psk_only(credential)) {
        psk_prepare(ssl_ctx, server);
    }
    if (credential->datagram) {
        datagram_prepare_ctx(ssl_ctx, server);
    }
    if (!server) {
        SSL_CTX_set_session_cache_mode(ssl_ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    }
}

static SECURITY_STATUS make_ssl_ctx(struct schannel_credential *credential, const struct restrictions *restrictions)
{
    const SSL_METHOD *method = restrictions->datagram
                                   ? restrictions->server ? DTLS_server_method() : DTLS_client_method()
                               : restrictions->server ? TLS_server_method()
                                                      : TLS_client_method();
    TRY(kdf_provide());
    credential->ssl_ctx = SSL_CTX_new_ex(cert_libctx(), KDF_PROPERTIES, method);
    REQUIRE(credential->ssl_ctx != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a TLS configuration");
    configure(credential, credential->ssl_ctx, restrictions->server);
    TRY(restrict_apply(restrictions, credential->ssl_ctx));
    if (restrictions->server) {
        return tickets_enable(credential);
    }
    return schannel_sessions_new(credential->session_lifespan, &credential->sessions);
}

static SECURITY_STATUS make(struct schannel_credential *credential, const struct description *description)
{
    take_flags(credential, description->flags);
    credential->version = description->version;
    credential->protocols = description->restrictions.protocols;
    credential->datagram = description->restrictions.datagram;
    uint32_t life = description->lifespan;
    credential->session_lifespan = life == 0 ? LIFESPAN_DEFAULT : life == UINT32_MAX ? UINT32_MAX : (life + 999) / 1000;
    TRY(take_certificates(credential, description));
    TRY(take_roots(credential, description->roots));
    return make_ssl_ctx(credential, &description->restrictions);
}

static void release_half_made(struct schannel_credential **credential)
{
    if (*credential != NULL) {
        schannel_release(&(*credential)->base);
    }
}

SECURITY_STATUS schannel_acquire(const struct credential_in *in, struct credential **out_credential,
                                 uint64_t *out_expiry)
{
    REQUIRE(!policy_get()->broken, SEC_E_INTERNAL_ERROR,
            "the policy file cannot be read or has an error, see SSPI_TRACE for the line (sspi.conf(5))");
    struct description description;
    TRY(describe(in, &description));
    AUTO(release_half_made) struct schannel_credential *credential = calloc(1, sizeof *credential);
    REQUIRE(credential != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a credential");
    credential->base.use = in->use;
    openssl_errors_mark();
    SECURITY_STATUS status = make(credential, &description);
    openssl_errors_forget();
    TRY(status);
    *out_expiry = 0; /* as Windows: nothing of it expires */
    *out_credential = &credential->base;
    credential = NULL;
    return SEC_E_OK;
}

void schannel_release(struct credential *base)
{
    struct schannel_credential *credential = (struct schannel_credential *)base;
    SSL_CTX_free(credential->ssl_ctx);
    schannel_sessions_free(credential->sessions);
    schannel_barred_free(credential->barred);
    for (size_t i = 0; i < credential->identity_count; i++) {
        identity_clear(&credential->identities[i]);
    }
    free(credential->identities);
    roots_free(credential->roots);
    sk_X509_NAME_pop_free(credential->ca_names, X509_NAME_free);
    free(credential);
}
