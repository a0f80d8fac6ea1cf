#include "schannel/identity_own.h"

#include <openssl/x509v3.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/trace.h"
#include "cert/store.h"
#include "cert/system_store.h"
#include "schannel/identity.h"

static bool is_valid_now(X509 *certificate)
{
    const uint64_t epoch = UINT64_C(11644473600); /* seconds from 1601 to 1970 */
    time_t now = (time_t)(clock_now() / CLOCK_SECOND - epoch);
    return X509_cmp_time(X509_get0_notBefore(certificate), &now) < 0 &&
           X509_cmp_time(X509_get0_notAfter(certificate), &now) > 0;
}

static bool is_suitable(struct certificate *certificate, const void *argument)
{
    X509 *x509 = certificate_x509(certificate);
    return is_valid_now(x509) && X509_check_purpose(x509, X509_PURPOSE_SSL_CLIENT, 0) == 1;
}

/* A certificate without a key of its own, or from elsewhere, is passed over. */
static bool take(struct certificate *certificate, const STACK_OF(X509_NAME) * names, struct schannel_identity *out)
{
    AUTO(identity_clear) struct schannel_identity identity = {.certificate = NULL};
    if (identity_take(certificate_context(certificate), false, &identity) < 0) {
        return false;
    }
    if (!identity_issuer_is_named(&identity, names)) {
        return false;
    }
    *out = identity;
    identity = (struct schannel_identity){.certificate = NULL};
    return true;
}

bool identity_own(const STACK_OF(X509_NAME) * names, struct schannel_identity *out)
{
    static const uint8_t name[] = {'M', 0, 'Y', 0};
    AUTO_STORE *store = NULL;
    if (sk_X509_NAME_num(names) <= 0) {
        return false;
    }
    if (system_store_open((struct utf16){name, sizeof name}, SYSTEM_USER, &store) < 0) {
        return false;
    }
    bool found = false;
    struct certificate *certificate = store_find(store, NULL, is_suitable, NULL);
    while (certificate != NULL) {
        found = take(certificate, names, out);
        struct certificate *next = found ? NULL : store_find(store, certificate, is_suitable, NULL);
        certificate_drop(certificate);
        certificate = next;
    }
    TRACE("schannel: the user's own certificates: %s", found ? "one is shown" : "none that the server asks for");
    return found;
}
