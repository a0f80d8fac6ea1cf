#include <openssl/x509v3.h>

#include "base/trace.h"
#include "cert/library.h"
#include "cert/revocation.h"

/* What the callback has seen. */
struct findings {
    bool revoked;
    bool forged;      /* a list with a signature that is not the issuer's */
    const char *flaw; /* why the newest list is not believed when it says nothing */
    int reason;
};

static void free_context(X509_STORE_CTX **context)
{
    X509_STORE_CTX_free(*context);
}

static void free_crls(STACK_OF(X509_CRL) * *crls)
{
    sk_X509_CRL_free(*crls);
}

static void free_stack(STACK_OF(X509) * *stack)
{
    sk_X509_free(*stack);
}

static int reason_of(X509_STORE_CTX *context)
{
    X509_REVOKED *entry = NULL;
    int reason = -1;
    X509_CRL *crl = X509_STORE_CTX_get0_current_crl(context);
    if (crl != NULL && X509_CRL_get0_by_cert(crl, &entry, X509_STORE_CTX_get_current_cert(context)) == 1) {
        ASN1_ENUMERATED *code = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
        if (code != NULL) {
            reason = (int)ASN1_ENUMERATED_get(code);
            ASN1_ENUMERATED_free(code);
        }
    }
    return reason;
}

/* Notes what concerns the list and goes on; the certificate itself is the chain's affair. */
static int note(int good, X509_STORE_CTX *context)
{
    struct findings *findings = X509_STORE_CTX_get_app_data(context);
    if (good == 1) {
        return 1;
    }
    switch (X509_STORE_CTX_get_error(context)) {
    case X509_V_ERR_CERT_REVOKED:
        findings->revoked = true;
        findings->reason = reason_of(context);
        break;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        findings->flaw = "the issuer's list does not cover it (RFC 5280 6.3.3)";
        break;
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
        findings->flaw = "the issuer's list is out of date (RFC 5280 5.1.2.5)";
        break;
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
        findings->forged = true;
        findings->flaw = "the issuer has not signed the list that bears its name (RFC 5280 6.3.3)";
        break;
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
        findings->flaw = "the issuer's list does not cover it (RFC 5280 6.3.3)";
        break;
    default:
        break;
    }
    return 1;
}

/* The lists that bear the issuer's name; NULL without memory. */
static STACK_OF(X509_CRL) * lists_of(const struct revocation_question *question)
{
    STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();
    const X509_NAME *issuer = X509_get_issuer_name(question->subject);
    for (size_t i = 0; lists != NULL && i < sizeof question->crls / sizeof question->crls[0]; i++) {
        for (int j = 0; j < sk_X509_CRL_num(question->crls[i]); j++) {
            X509_CRL *crl = sk_X509_CRL_value(question->crls[i], j);
            if (X509_NAME_cmp(X509_CRL_get_issuer(crl), issuer) == 0 && sk_X509_CRL_push(lists, crl) <= 0) {
                sk_X509_CRL_free(lists);
                return NULL;
            }
        }
    }
    return lists;
}

/* Takes out what somebody else has signed.  OpenSSL picks one list by name and date, and a forged one that it picked would
 * hide the true one.  The only list is verified by OpenSSL itself. */
static bool drop_forged(const struct revocation_question *question, STACK_OF(X509_CRL) * lists)
{
    EVP_PKEY *key = X509_get0_pubkey(question->issuer);
    bool any = sk_X509_CRL_num(lists) > 0;
    for (int i = sk_X509_CRL_num(lists) - 1; i >= 0 && sk_X509_CRL_num(lists) > 1; i--) {
        if (key == NULL || X509_CRL_verify(sk_X509_CRL_value(lists, i), key) != 1) {
            (void)sk_X509_CRL_delete(lists, i);
        }
    }
    return any;
}

/* Has OpenSSL look at the subject alone, under its issuer as the anchor, for the sake of its checks of CRLs. */
static STATUS look(const struct revocation_question *question, STACK_OF(X509_CRL) * lists, struct findings *findings)
{
    __attribute__((cleanup(free_stack))) STACK_OF(X509) *anchors = sk_X509_new_null();
    __attribute__((cleanup(free_context))) X509_STORE_CTX *context = X509_STORE_CTX_new_ex(cert_libctx(), NULL);
    REQUIRE(anchors != NULL && context != NULL && sk_X509_push(anchors, question->issuer) > 0 &&
                X509_STORE_CTX_init(context, NULL, question->subject, NULL) == 1 &&
                X509_STORE_CTX_set_app_data(context, findings) == 1,
            SEC_E_INSUFFICIENT_MEMORY, "no memory for a look at a CRL");
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(param, question->time);
    (void)X509_VERIFY_PARAM_set_flags(param,
                                      X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_CRL_CHECK | X509_V_FLAG_USE_DELTAS);
    X509_STORE_CTX_set0_trusted_stack(context, anchors);
    X509_STORE_CTX_set0_crls(context, lists);
    X509_STORE_CTX_set_verify_cb(context, note);
    REQUIRE(X509_verify_cert(context) == 1, SEC_E_INSUFFICIENT_MEMORY, "a CRL could not be looked at");
    return SEC_E_OK;
}

STATUS crl_read(const struct revocation_question *question, struct revocation_answer *out)
{
    struct findings findings = {.reason = -1};
    __attribute__((cleanup(free_crls))) STACK_OF(X509_CRL) *lists = lists_of(question);
    REQUIRE(lists != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory for CRLs");
    if (!drop_forged(question, lists)) {
        *out = (struct revocation_answer){.state = REVOCATION_NO_CHECK, .reason = -1};
        return SEC_E_OK;
    }
    TRY(look(question, lists, &findings));
    if (findings.revoked && !findings.forged) {
        *out = (struct revocation_answer){.state = REVOCATION_REVOKED, .reason = findings.reason};
    } else if (findings.flaw != NULL) {
        TRACE("certificates: CRL passed over: %s", findings.flaw);
        *out = (struct revocation_answer){.state = REVOCATION_OFFLINE, .reason = -1, .why = findings.flaw};
    } else {
        *out = (struct revocation_answer){.state = REVOCATION_GOOD, .reason = -1};
    }
    return SEC_E_OK;
}
