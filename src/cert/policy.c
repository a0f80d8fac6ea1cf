#include "cert/policy.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "cert/certificate.h"
#include "cert/chain.h"
#include "cert/host_name.h"
#include "cert/usage.h"
#include "cert/verdict.h"

struct ignore {
    DWORD flag;
    uint32_t bits;
};

#define UNKNOWN_CA (CERT_TRUST_IS_UNTRUSTED_ROOT | CERT_TRUST_IS_PARTIAL_CHAIN)
#define BAD_NAME                                                                                                       \
    (CERT_TRUST_INVALID_NAME_CONSTRAINTS | CERT_TRUST_HAS_NOT_SUPPORTED_NAME_CONSTRAINT |                              \
     CERT_TRUST_HAS_NOT_DEFINED_NAME_CONSTRAINT | CERT_TRUST_HAS_NOT_PERMITTED_NAME_CONSTRAINT |                       \
     CERT_TRUST_HAS_EXCLUDED_NAME_CONSTRAINT)
#define REVOCATION_UNKNOWN (CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION)

/* CERT_CHAIN_POLICY_PARA.dwFlags; those of revocation depend on the element, and stand below. */
static const struct ignore policy_flags[] = {
    {CERT_CHAIN_POLICY_IGNORE_NOT_TIME_VALID_FLAG, CERT_TRUST_IS_NOT_TIME_VALID},
    {CERT_CHAIN_POLICY_IGNORE_NOT_TIME_NESTED_FLAG, CERT_TRUST_IS_NOT_TIME_NESTED},
    {CERT_CHAIN_POLICY_IGNORE_INVALID_BASIC_CONSTRAINTS_FLAG, CERT_TRUST_INVALID_BASIC_CONSTRAINTS},
    {CERT_CHAIN_POLICY_ALLOW_UNKNOWN_CA_FLAG, UNKNOWN_CA},
    {CERT_CHAIN_POLICY_IGNORE_WRONG_USAGE_FLAG, CERT_TRUST_IS_NOT_VALID_FOR_USAGE},
    {CERT_CHAIN_POLICY_IGNORE_INVALID_NAME_FLAG, BAD_NAME},
    {CERT_CHAIN_POLICY_IGNORE_INVALID_POLICY_FLAG,
     CERT_TRUST_INVALID_POLICY_CONSTRAINTS | CERT_TRUST_NO_ISSUANCE_CHAIN_POLICY},
    {CERT_CHAIN_POLICY_IGNORE_NOT_SUPPORTED_CRITICAL_EXT_FLAG, CERT_TRUST_HAS_NOT_SUPPORTED_CRITICAL_EXT},
    {CERT_CHAIN_POLICY_IGNORE_WEAK_SIGNATURE_FLAG, CERT_TRUST_HAS_WEAK_SIGNATURE},
};

/* SSL_EXTRA_CERT_CHAIN_POLICY_PARA.fdwChecks; other bits may be anything (programs leave them uninitialised). */
static const struct ignore ssl_checks[] = {
    {SECURITY_FLAG_IGNORE_REVOCATION, CERT_TRUST_IS_REVOKED | REVOCATION_UNKNOWN},
    {SECURITY_FLAG_IGNORE_UNKNOWN_CA, UNKNOWN_CA},
    {SECURITY_FLAG_IGNORE_WRONG_USAGE, CERT_TRUST_IS_NOT_VALID_FOR_USAGE},
    {SECURITY_FLAG_IGNORE_CERT_DATE_INVALID, CERT_TRUST_IS_NOT_TIME_VALID | CERT_TRUST_IS_NOT_TIME_NESTED},
};

/* What is being judged. */
struct judging {
    PCCERT_SIMPLE_CHAIN chain;
    DWORD context_errors; /* of CERT_CHAIN_CONTEXT.TrustStatus */
    DWORD flags;
    const SSL_EXTRA_CERT_CHAIN_POLICY_PARA *ssl; /* NULL: not the SSL policy, or without parameters */
    uint32_t elements[CHAIN_MAX];
    struct verdict_case given;
};

static uint32_t ignored_by(const struct ignore *table, size_t count, DWORD flags)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        bits |= (flags & table[i].flag) != 0 ? table[i].bits : 0;
    }
    return bits;
}

/* Which unknown revocations are let pass: the end certificate's, a CA's, the root's. */
static uint32_t ignored_revocation(DWORD flags, size_t index, uint32_t info)
{
    DWORD flag = index == 0                                ? CERT_CHAIN_POLICY_IGNORE_END_REV_UNKNOWN_FLAG
                 : (info & CERT_TRUST_IS_SELF_SIGNED) != 0 ? CERT_CHAIN_POLICY_IGNORE_ROOT_REV_UNKNOWN_FLAG
                                                           : CERT_CHAIN_POLICY_IGNORE_CA_REV_UNKNOWN_FLAG;
    return (flags & flag) != 0 ? REVOCATION_UNKNOWN : 0;
}

static bool has_usage(const CERT_CHAIN_ELEMENT *element, const char *oid)
{
    const CERT_ENHKEY_USAGE *usages = element->pApplicationUsage;
    for (DWORD i = 0; usages != NULL && i < usages->cUsageIdentifier; i++) {
        if (strcmp(usages->rgpszUsageIdentifier[i], oid) == 0) {
            return true;
        }
    }
    return usages == NULL;
}

/* A chain that was built without a requested usage is asked here for the one that dwAuthType stands for. */
static bool is_wrong_usage(const struct judging *judging)
{
    const CERT_CHAIN_ELEMENT *leaf = judging->chain->rgpElement[0];
    switch (judging->ssl == NULL ? 0 : judging->ssl->dwAuthType) {
    case AUTHTYPE_SERVER:
        return !has_usage(leaf, USAGE_SERVER) && !has_usage(leaf, szOID_SERVER_GATED_CRYPTO) &&
               !has_usage(leaf, szOID_SGC_NETSCAPE);
    case AUTHTYPE_CLIENT:
        return !has_usage(leaf, USAGE_CLIENT);
    default:
        return false;
    }
}

static STATUS is_other_host(const struct judging *judging, bool *out)
{
    struct host_name name;
    *out = false;
    if (judging->ssl == NULL || judging->ssl->pwszServerName == NULL || judging->ssl->dwAuthType == AUTHTYPE_CLIENT ||
        (judging->ssl->fdwChecks & SECURITY_FLAG_IGNORE_CERT_CN_INVALID) != 0) {
        return SEC_E_OK;
    }
    AUTO_CERTIFICATE *leaf = NULL;
    TRY(certificate_from_context(judging->chain->rgpElement[0]->pCertContext, &leaf));
    struct utf16 asked = utf16_from_wide((const uint16_t *)judging->ssl->pwszServerName);
    *out = host_name_parse(asked, &name) < 0 || !host_name_matches(&name, certificate_x509(leaf));
    return SEC_E_OK;
}

static STATUS collect(struct judging *judging)
{
    uint32_t ignored = ignored_by(policy_flags, sizeof policy_flags / sizeof policy_flags[0], judging->flags);
    if (judging->ssl != NULL) {
        ignored |= ignored_by(ssl_checks, sizeof ssl_checks / sizeof ssl_checks[0], judging->ssl->fdwChecks);
    }
    size_t count = judging->chain->cElement;
    for (size_t i = 0; i < count; i++) {
        const CERT_TRUST_STATUS *status = &judging->chain->rgpElement[i]->TrustStatus;
        judging->elements[i] = status->dwErrorStatus & ~ignored_revocation(judging->flags, i, status->dwInfoStatus);
    }
    judging->elements[0] |= is_wrong_usage(judging) ? CERT_TRUST_IS_NOT_VALID_FOR_USAGE : 0;
    judging->given = (struct verdict_case){
        .elements = judging->elements,
        .count = count,
        .chain = judging->chain->TrustStatus.dwErrorStatus | judging->context_errors,
        .ignored = ignored,
    };
    TRY(is_other_host(judging, &judging->given.other_host));
    return SEC_E_OK;
}

static STATUS judge(struct judging *judging, CERT_CHAIN_POLICY_STATUS *out)
{
    TRY(collect(judging));
    struct verdict verdict = verdict_of(&judging->given);
    out->dwError = (DWORD)verdict.error;
    out->lChainIndex = verdict.error == 0 ? -1 : 0;
    out->lElementIndex = verdict.element;
    return SEC_E_OK;
}

/* CERT_CHAIN_POLICY_BASIC_CONSTRAINTS: dwFlags may say which of the two the end certificate has to be. */
static STATUS judge_constraints(struct judging *judging, CERT_CHAIN_POLICY_STATUS *out)
{
    AUTO_CERTIFICATE *leaf = NULL;
    TRY(certificate_from_context(judging->chain->rgpElement[0]->pCertContext, &leaf));
    bool is_ca = X509_check_ca(certificate_x509(leaf)) > 0;
    DWORD error = 0;
    LONG at = -1;
    for (DWORD i = judging->chain->cElement; i-- > 0;) {
        if ((judging->chain->rgpElement[i]->TrustStatus.dwErrorStatus & CERT_TRUST_INVALID_BASIC_CONSTRAINTS) != 0) {
            error = (DWORD)TRUST_E_BASIC_CONSTRAINTS;
            at = (LONG)i;
        }
    }
    DWORD wanted =
        is_ca ? BASIC_CONSTRAINTS_CERT_CHAIN_POLICY_CA_FLAG : BASIC_CONSTRAINTS_CERT_CHAIN_POLICY_END_ENTITY_FLAG;
    DWORD both = BASIC_CONSTRAINTS_CERT_CHAIN_POLICY_CA_FLAG | BASIC_CONSTRAINTS_CERT_CHAIN_POLICY_END_ENTITY_FLAG;
    if (error == 0 && (judging->flags & both) != 0 && (judging->flags & wanted) == 0) {
        error = (DWORD)TRUST_E_BASIC_CONSTRAINTS;
        at = 0;
    }
    out->dwError = error;
    out->lChainIndex = error == 0 ? -1 : 0;
    out->lElementIndex = at;
    return SEC_E_OK;
}

STATUS policy_check(LPCSTR policy, PCCERT_CHAIN_CONTEXT chain, const CERT_CHAIN_POLICY_PARA *para,
                    CERT_CHAIN_POLICY_STATUS *out)
{
    REQUIRE(chain != NULL && chain->cChain != 0 && chain->rgpChain != NULL && chain->rgpChain[0]->cElement != 0 &&
                chain->rgpChain[0]->cElement <= CHAIN_MAX,
            SEC_E_INVALID_PARAMETER, "a policy is asked about a chain without certificates");
    struct judging judging = {
        .chain = chain->rgpChain[0],
        .context_errors = chain->TrustStatus.dwErrorStatus,
        .flags = para == NULL ? 0 : para->dwFlags,
    };
    if (policy == CERT_CHAIN_POLICY_BASIC_CONSTRAINTS) {
        return judge_constraints(&judging, out);
    }
    REQUIRE(policy == CERT_CHAIN_POLICY_BASE || policy == CERT_CHAIN_POLICY_SSL, SEC_E_UNSUPPORTED_FUNCTION,
            "this chain policy is not here");
    if (policy == CERT_CHAIN_POLICY_SSL && para != NULL && para->pvExtraPolicyPara != NULL) {
        judging.ssl = para->pvExtraPolicyPara;
        REQUIRE(judging.ssl->cbSize >= sizeof *judging.ssl, SEC_E_INVALID_PARAMETER,
                "SSL_EXTRA_CERT_CHAIN_POLICY_PARA is too small");
    }
    return judge(&judging, out);
}
