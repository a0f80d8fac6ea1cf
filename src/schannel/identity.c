#include "schannel/identity.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "base/auto.h"
#include "base/random.h"
#include "cert/chain.h"
#include "cert/store.h"
#include "schannel/context.h"
#include "schannel/identity_own.h"
#include "schannel/session.h"
#include "wire/writer.h"

/* ---------------------------------------------------------------- taking */

static void free_stack(STACK_OF(X509) * *stack)
{
    sk_X509_pop_free(*stack, X509_free);
}

/* The certificates that are sent behind the leaf, in order (RFC 8446 4.4.2); the root is the peer's to have. */
static SECURITY_STATUS take_chain(struct certificate *certificate, bool send_root, struct schannel_identity *identity)
{
    AUTO(free_stack) STACK_OF(X509) *others = NULL;
    struct store *store = certificate_store(certificate);
    if (store != NULL) {
        TRY(store_x509s(store, &others));
    }
    AUTO_CHAIN chain = {0};
    TRY(chain_build(&(struct chain_request){.leaf = identity->leaf, .others = others}, &chain));
    for (size_t i = 1; i < chain.count; i++) {
        X509 *next = chain.elements[i].certificate;
        bool is_root = X509_NAME_cmp(X509_get_subject_name(next), X509_get_issuer_name(next)) == 0;
        if (is_root && !send_root) {
            break;
        }
        REQUIRE(sk_X509_push(identity->chain, next) > 0, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a chain");
        X509_up_ref(next);
    }
    return SEC_E_OK;
}

SECURITY_STATUS identity_take(PCCERT_CONTEXT context, bool send_root, struct schannel_identity *out)
{
    AUTO_CERTIFICATE *certificate = NULL;
    SECURITY_STATUS status = certificate_from_context(context, &certificate);
    REQUIRE(status >= 0 || status == SEC_E_INSUFFICIENT_MEMORY, SEC_E_UNKNOWN_CREDENTIALS,
            "paCred holds something that is no certificate");
    TRY(status);
    AUTO(identity_clear) struct schannel_identity identity = {.chain = sk_X509_new_null()};
    REQUIRE(identity.chain != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a chain");
    TRY(certificate_key(certificate, &identity.key));
    identity.leaf = certificate_x509(certificate);
    X509_up_ref(identity.leaf);
    TRY(take_chain(certificate, send_root, &identity));
    identity.certificate = STEAL(certificate);
    *out = identity;
    identity = (struct schannel_identity){0};
    return SEC_E_OK;
}

void identity_clear(struct schannel_identity *identity)
{
    certificate_drop(identity->certificate);
    X509_free(identity->leaf);
    EVP_PKEY_free(identity->key);
    sk_X509_pop_free(identity->chain, X509_free);
    *identity = (struct schannel_identity){0};
}

/* ---------------------------------------------------------------- choosing */

static bool use(SSL *ssl, const struct schannel_identity *identity)
{
    return SSL_use_cert_and_key(ssl, identity->leaf, identity->key, identity->chain, 1) == 1;
}

static bool carries_name(const struct schannel_identity *identity, const char *name)
{
    return X509_check_host(identity->leaf, name, 0, 0, NULL) == 1;
}

/* One of each kind of key can be offered to OpenSSL; the first in the caller's order wins its kind. */
static int choose_for_server(SSL *ssl, const struct schannel_credential *credential)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    bool by_name = false;
    for (size_t i = 0; name != NULL && i < credential->identity_count; i++) {
        by_name = by_name || carries_name(&credential->identities[i], name);
    }
    SSL_certs_clear(ssl);
    for (size_t i = credential->identity_count; i-- > 0;) {
        const struct schannel_identity *identity = &credential->identities[i];
        if ((!by_name || carries_name(identity, name)) && !use(ssl, identity)) {
            return 0;
        }
    }
    return 1;
}

bool identity_issuer_is_named(const struct schannel_identity *identity, const STACK_OF(X509_NAME) * names)
{
    for (int i = -1; i < sk_X509_num(identity->chain); i++) {
        X509 *certificate = i < 0 ? identity->leaf : sk_X509_value(identity->chain, i);
        for (int n = 0; n < sk_X509_NAME_num(names); n++) {
            if (X509_NAME_cmp(X509_get_issuer_name(certificate), sk_X509_NAME_value(names, n)) == 0) {
                return true;
            }
        }
    }
    return false;
}

static int choose_for_client(SSL *ssl, struct schannel_context *context)
{
    const struct schannel_credential *credential = context->credential;
    const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(ssl);
    SSL_certs_clear(ssl);
    for (size_t i = 0; i < credential->identity_count; i++) {
        if (identity_issuer_is_named(&credential->identities[i], names)) {
            return use(ssl, &credential->identities[i]);
        }
    }
    bool insists = (context->request & ISC_REQ_USE_SUPPLIED_CREDS) != 0 || context->handshake->insists;
    if (credential->identity_count != 0) { /* of nobody whom the server named: SEC_I_INCOMPLETE_CREDENTIALS */
        return insists || sk_X509_NAME_num(names) <= 0 ? use(ssl, &credential->identities[0]) : -1;
    }
    if (insists) {
        return 1;
    }
    AUTO(identity_clear) struct schannel_identity own = {.certificate = NULL};
    if ((credential->flags & SCH_CRED_NO_DEFAULT_CREDS) == 0 && identity_own(names, &own)) {
        return use(ssl, &own);
    }
    return -1;
}

int identity_choose(SSL *ssl, void *argument)
{
    struct schannel_context *context = SSL_get_app_data(ssl);
    if (context == NULL || context->handshake == NULL) {
        return 0;
    }
    return context->base.initiator ? choose_for_client(ssl, context) : choose_for_server(ssl, context->credential);
}

/* ---------------------------------------------------------------- remembering */

/* SHA-1, which OpenSSL has computed of every certificate: a name here, and no proof of anything. */
static bool mark_of(X509 *certificate, uint8_t mark[EVP_MAX_MD_SIZE])
{
    unsigned size = 0;
    return X509_digest(certificate, EVP_sha1(), mark, &size) == 1 && size == SESSION_MARK;
}

int identity_remember(SSL *ssl, void *argument)
{
    struct schannel_context *context = SSL_get_app_data(ssl);
    uint8_t mark[EVP_MAX_MD_SIZE] = {0};
    uint8_t number[SESSION_NUMBER] = {0}; /* zeros: it is not to be resumed */
    uint8_t all[SESSION_MARK + SESSION_NUMBER];
    struct session_note note;
    X509 *shown = SSL_get_certificate(ssl);
    SSL_SESSION *session = SSL_get_session(ssl);
    bool again = tickets_note(session, &note);
    if (again && (shown == NULL || SSL_session_reused(ssl) == 1)) {
        return 1; /* a resumed session's note stays, so that all of its tickets have one number */
    }
    if (shown != NULL && !mark_of(shown, mark)) {
        return 0;
    }
    if (context != NULL && context->session_wanted && !again && random_bytes(number, sizeof number) < 0) {
        return 0;
    }
    struct writer writer = write_into(all, sizeof all);
    write_bytes(&writer, bytes_of(mark, SESSION_MARK));
    write_bytes(&writer, bytes_of(again ? note.number : number, SESSION_NUMBER));
    return SSL_SESSION_set1_ticket_appdata(session, all, sizeof all);
}

const struct schannel_identity *identity_of_session(const struct schannel_credential *credential,
                                                    const SSL_SESSION *session)
{
    struct session_note note;
    uint8_t own[EVP_MAX_MD_SIZE];
    if (!tickets_note((SSL_SESSION *)(uintptr_t)session, &note)) {
        return NULL;
    }
    for (size_t i = 0; i < credential->identity_count; i++) {
        if (mark_of(credential->identities[i].leaf, own) && memcmp(own, note.mark, SESSION_MARK) == 0) {
            return &credential->identities[i];
        }
    }
    return NULL;
}
