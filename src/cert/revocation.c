#include "cert/revocation.h"

#include <openssl/x509v3.h>

/* Whether the certificate says where its status is to be had (RFC 5280 4.2.1.13, 4.2.2.1). */
static bool names_a_place(X509 *certificate)
{
    if (X509_get_ext_by_NID(certificate, NID_crl_distribution_points, -1) >= 0) {
        return true;
    }
    bool found = false;
    AUTHORITY_INFO_ACCESS *access = X509_get_ext_d2i(certificate, NID_info_access, NULL, NULL);
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access); i++) {
        found = found || OBJ_obj2nid(sk_ACCESS_DESCRIPTION_value(access, i)->method) == NID_ad_OCSP;
    }
    AUTHORITY_INFO_ACCESS_free(access);
    return found;
}

/* The better known of two answers: enum revocation_state says no order, this one does. */
static int weight(const struct revocation_answer *answer)
{
    switch (answer->state) {
    case REVOCATION_REVOKED:
        return 3;
    case REVOCATION_GOOD:
        return 2;
    case REVOCATION_OFFLINE:
        return 1;
    default:
        return 0;
    }
}

STATUS revocation_ask(const struct revocation_question *question, struct revocation_answer *out)
{
    struct revocation_answer best;
    TRY(crl_read(question, &best));
    if (question->staple.size != 0) {
        struct revocation_answer stapled;
        TRY(ocsp_read(question, &stapled));
        if (weight(&stapled) > weight(&best)) {
            best = stapled;
        }
    }
    if (best.state == REVOCATION_NO_CHECK && names_a_place(question->subject)) {
        best.state = REVOCATION_OFFLINE;
        best.why = "nothing is at hand, and nothing is fetched";
    } else if (best.state == REVOCATION_NO_CHECK) {
        best.why = "it names no place to ask at, and no list at hand is its issuer's";
    }
    *out = best;
    return SEC_E_OK;
}
