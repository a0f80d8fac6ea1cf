#include "cert/issuer.h"

#include <openssl/x509v3.h>

#include "base/clock.h"
#include "cert/roots.h"
#include "crypto/openssl_errors.h"

static void free_crls(STACK_OF(X509_CRL) * *crls)
{
    sk_X509_CRL_pop_free(*crls, X509_CRL_free);
}

#define AUTO_CRLS __attribute__((cleanup(free_crls))) STACK_OF(X509_CRL)

bool issuer_is_self(const struct certificate *subject)
{
    return (X509_get_extension_flags(certificate_x509(subject)) & EXFLAG_SI) != 0;
}

bool issuer_fits(const struct certificate *issuer, const struct certificate *subject)
{
    return X509_check_issued(certificate_x509(issuer), certificate_x509(subject)) == X509_V_OK;
}

bool issuer_signed(const struct certificate *issuer, const struct certificate *subject)
{
    openssl_errors_mark();
    EVP_PKEY *key = X509_get0_pubkey(certificate_x509(issuer));
    bool signed_by = key != NULL && X509_verify(certificate_x509(subject), key) == 1;
    openssl_errors_forget();
    return signed_by;
}

static bool fits(struct certificate *candidate, const void *subject)
{
    return issuer_fits(candidate, subject);
}

struct certificate *issuer_find(struct store *store, const struct certificate *subject,
                                const struct certificate *previous)
{
    return store_find(store, previous, fits, subject);
}

STATUS issuer_revocation(const struct certificate *issuer, const struct certificate *subject,
                         struct store *const stores[2], uint64_t time, struct revocation_answer *out)
{
    AUTO_ROOTS *system = NULL;
    AUTO_CRLS *all = NULL;
    TRY(roots_system(&system));
    for (size_t i = 0; i < 2; i++) {
        AUTO_CRLS *some = NULL;
        if (stores[i] == NULL) {
            continue;
        }
        TRY(store_x509_crls(stores[i], &some));
        if (all == NULL) {
            all = some;
            some = NULL;
            continue;
        }
        while (sk_X509_CRL_num(some) > 0) {
            REQUIRE(sk_X509_CRL_push(all, sk_X509_CRL_value(some, sk_X509_CRL_num(some) - 1)) > 0,
                    SEC_E_INSUFFICIENT_MEMORY, "no memory for CRLs");
            (void)sk_X509_CRL_pop(some);
        }
    }
    struct revocation_question question = {
        .subject = certificate_x509(subject),
        .issuer = certificate_x509(issuer),
        .crls = {roots_crls(system), all},
        .time = chain_time(time),
    };
    openssl_errors_mark();
    SECURITY_STATUS status = revocation_ask(&question, out);
    openssl_errors_forget();
    return status;
}

STATUS issuer_has_crl(struct store *store, const struct certificate *issuer, bool *out)
{
    AUTO_CRLS *crls = NULL;
    bool found = false;
    if (store != NULL) {
        TRY(store_x509_crls(store, &crls));
    }
    const X509_NAME *name = X509_get_subject_name(certificate_x509(issuer));
    for (int i = 0; i < sk_X509_CRL_num(crls); i++) {
        found = found || X509_NAME_cmp(X509_CRL_get_issuer(sk_X509_CRL_value(crls, i)), name) == 0;
    }
    *out = found;
    return SEC_E_OK;
}
