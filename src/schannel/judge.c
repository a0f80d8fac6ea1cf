#include "schannel/judge.h"

#include <openssl/x509.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/trace.h"
#include "cert/roots.h"
#include "cert/verify.h"
#include "schannel/context.h"

/* What the handshake's flags and the credential's say of this judgment. */
static void fill_request(struct schannel_context *context, X509 *leaf, const STACK_OF(X509) * others,
                         struct verify_request *out)
{
    const struct schannel_credential *credential = context->credential;
    const unsigned char *staple = NULL;
    long staple_size = SSL_get_tlsext_status_ocsp_resp(context->ssl, &staple);
    *out = (struct verify_request){
        .leaf = leaf,
        .others = others,
        .roots = credential->roots,
        .peer_is_server = context->base.initiator,
        .check_name = context->base.initiator && (credential->flags & SCH_CRED_NO_SERVERNAME_CHECK) == 0,
        .host = context->target,
        .revocation = credential->revocation,
        .ignore_no_revocation_check = (credential->flags & SCH_CRED_IGNORE_NO_REVOCATION_CHECK) != 0,
        .ignore_revocation_offline = (credential->flags & SCH_CRED_IGNORE_REVOCATION_OFFLINE) != 0,
        .ocsp_staple = staple_size > 0 ? bytes_of(staple, (size_t)staple_size) : BYTES_NONE,
    };
}

static SECURITY_STATUS judge(struct schannel_context *context, X509 *leaf, const STACK_OF(X509) * others)
{
    struct verify_request request;
    AUTO_ROOTS *system = NULL;
    fill_request(context, leaf, others, &request);
    if (request.roots != NULL && request.revocation != REVOCATION_NOBODY) { /* roots of the caller's bring no lists */
        TRY(roots_system(&system));
        request.crls = roots_crls(system);
    }
    AUTO_VERIFY_RESULT result = {0};
    SECURITY_STATUS verdict = verify_peer(&request, &result);
    if (verdict < 0) {
        TRACE("schannel: the peer's certificate: %s", result.reason);
    }
    context->judged = true;
    context->verdict = verdict;
    context->policy_error = result.policy_error;
    context->chain_errors = result.chain.errors;
    context->chain_info = result.chain.info;
    return verdict;
}

static bool may_change(SECURITY_STATUS verdict)
{
    return verdict == CRYPT_E_NO_REVOCATION_CHECK || verdict == CRYPT_E_REVOCATION_OFFLINE;
}

int judge_peer(X509_STORE_CTX *store, void *argument)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct schannel_context *context = SSL_get_app_data(ssl);
    context->trusted = false;
    context->judged = false;
    context->peer_since = clock_now() / CLOCK_SECOND;
    if (context->manual) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    SECURITY_STATUS verdict = judge(context, X509_STORE_CTX_get0_cert(store), X509_STORE_CTX_get0_untrusted(store));
    bool behind = SSL_is_dtls(ssl) || SSL_version(ssl) < TLS1_3_VERSION; /* DTLS counts its versions downwards */
    bool staple_may_come = context->base.initiator && behind && context->handshake != NULL;
    if (may_change(verdict) && staple_may_come && context->credential->revocation != REVOCATION_NOBODY) {
        context->handshake->awaits_staple = true;
    } else if (verdict < 0 && !context->credential->deferred) {
        X509_STORE_CTX_set_error(store, verify_x509_error(verdict));
        return 0;
    }
    context->trusted = true; /* or will be refused by the staple */
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

int judge_staple(SSL *ssl, void *argument)
{
    struct schannel_context *context = SSL_get_app_data(ssl);
    if (context == NULL || context->handshake == NULL || !context->handshake->awaits_staple) {
        return 1;
    }
    context->handshake->awaits_staple = false;
    SECURITY_STATUS verdict = judge(context, SSL_get0_peer_certificate(ssl), SSL_get_peer_cert_chain(ssl));
    return verdict >= 0 || context->credential->deferred;
}

SECURITY_STATUS judge_report(struct schannel_context *context, uint32_t *out_chain_errors, int32_t *out_policy_error)
{
    X509 *leaf = SSL_get0_peer_certificate(context->ssl);
    REQUIRE(leaf != NULL, SEC_E_NO_CREDENTIALS, "the peer has shown no certificate");
    if (context->judged) {
        *out_chain_errors = context->chain_errors;
        *out_policy_error = context->policy_error;
        return SEC_E_OK;
    }
    struct verify_request request;
    fill_request(context, leaf, SSL_get_peer_cert_chain(context->ssl), &request);
    AUTO_VERIFY_RESULT result = {0};
    SECURITY_STATUS verdict = verify_peer(&request, &result);
    REQUIRE(verdict != SEC_E_INSUFFICIENT_MEMORY, verdict, "out of memory for a chain");
    status_begin(); /* a bad verdict is an answer here, no failure */
    *out_chain_errors = result.chain.errors;
    *out_policy_error = result.policy_error;
    return SEC_E_OK;
}
