#include "cert/verdict.h"

#include "windows.h"

#include "wincrypt.h"

#define NAME_CONSTRAINTS                                                                                               \
    (CERT_TRUST_INVALID_NAME_CONSTRAINTS | CERT_TRUST_HAS_NOT_SUPPORTED_NAME_CONSTRAINT |                              \
     CERT_TRUST_HAS_NOT_DEFINED_NAME_CONSTRAINT | CERT_TRUST_HAS_NOT_PERMITTED_NAME_CONSTRAINT |                       \
     CERT_TRUST_HAS_EXCLUDED_NAME_CONSTRAINT)

struct rule {
    uint32_t bits;
    int32_t error;
};

/* In the order of cert/verify.h; the name comes between the two tables. */
static const struct rule faults[] = {
    {CERT_TRUST_IS_NOT_SIGNATURE_VALID | CERT_TRUST_HAS_WEAK_SIGNATURE, TRUST_E_CERT_SIGNATURE},
    {CERT_TRUST_IS_EXPLICIT_DISTRUST, TRUST_E_EXPLICIT_DISTRUST},
    {CERT_TRUST_IS_UNTRUSTED_ROOT, CERT_E_UNTRUSTEDROOT},
    {CERT_TRUST_IS_PARTIAL_CHAIN | CERT_TRUST_IS_CYCLIC, CERT_E_CHAINING},
    {CERT_TRUST_INVALID_BASIC_CONSTRAINTS, TRUST_E_BASIC_CONSTRAINTS},
    {NAME_CONSTRAINTS, CERT_E_INVALID_NAME},
    {CERT_TRUST_INVALID_POLICY_CONSTRAINTS | CERT_TRUST_NO_ISSUANCE_CHAIN_POLICY, CERT_E_INVALID_POLICY},
    {CERT_TRUST_HAS_NOT_SUPPORTED_CRITICAL_EXT | CERT_TRUST_INVALID_EXTENSION, CERT_E_CRITICAL},
    {CERT_TRUST_IS_REVOKED, CRYPT_E_REVOKED},
    {CERT_TRUST_IS_NOT_TIME_VALID | CERT_TRUST_IS_NOT_TIME_NESTED, CERT_E_EXPIRED},
    {CERT_TRUST_IS_NOT_VALID_FOR_USAGE, CERT_E_WRONG_USAGE},
};

static const struct rule unknowns[] = {
    {CERT_TRUST_IS_OFFLINE_REVOCATION, CRYPT_E_REVOCATION_OFFLINE},
    {CERT_TRUST_REVOCATION_STATUS_UNKNOWN, CRYPT_E_NO_REVOCATION_CHECK},
};

/* Bits that the two tables do not name: none of ours, but nothing that is wrong passes for right. */
#define KNOWN                                                                                                          \
    (CERT_TRUST_IS_NOT_SIGNATURE_VALID | CERT_TRUST_HAS_WEAK_SIGNATURE | CERT_TRUST_IS_EXPLICIT_DISTRUST |             \
     CERT_TRUST_IS_UNTRUSTED_ROOT | CERT_TRUST_IS_PARTIAL_CHAIN | CERT_TRUST_IS_CYCLIC |                               \
     CERT_TRUST_INVALID_BASIC_CONSTRAINTS | NAME_CONSTRAINTS | CERT_TRUST_INVALID_POLICY_CONSTRAINTS |                 \
     CERT_TRUST_NO_ISSUANCE_CHAIN_POLICY | CERT_TRUST_HAS_NOT_SUPPORTED_CRITICAL_EXT | CERT_TRUST_INVALID_EXTENSION |  \
     CERT_TRUST_IS_REVOKED | CERT_TRUST_IS_NOT_TIME_VALID | CERT_TRUST_IS_NOT_TIME_NESTED |                            \
     CERT_TRUST_IS_NOT_VALID_FOR_USAGE | CERT_TRUST_IS_OFFLINE_REVOCATION | CERT_TRUST_REVOCATION_STATUS_UNKNOWN)

/* What counts of an element's bits: one that names a place to ask at has both bits of revocation, and is "offline" alone. */
static uint32_t counted(const struct verdict_case *judged, uint32_t bits)
{
    if ((bits & CERT_TRUST_IS_OFFLINE_REVOCATION) != 0) {
        bits &= ~(uint32_t)CERT_TRUST_REVOCATION_STATUS_UNKNOWN;
    }
    return bits & ~judged->ignored;
}

static bool find(const struct verdict_case *judged, const struct rule *rule, struct verdict *out)
{
    for (size_t i = 0; i < judged->count; i++) {
        if ((counted(judged, judged->elements[i]) & rule->bits) != 0) {
            *out = (struct verdict){rule->error, (int)i};
            return true;
        }
    }
    /* Bits of revocation are the elements'; the chain only repeats them. */
    uint32_t repeated = CERT_TRUST_IS_OFFLINE_REVOCATION | CERT_TRUST_REVOCATION_STATUS_UNKNOWN;
    if ((judged->chain & ~judged->ignored & ~repeated & rule->bits) != 0) {
        *out = (struct verdict){rule->error, -1};
        return true;
    }
    return false;
}

struct verdict verdict_of(const struct verdict_case *judged)
{
    struct verdict verdict = {0, -1};
    const struct rule anything_else = {~(uint32_t)KNOWN, TRUST_E_FAIL};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        if (find(judged, &faults[i], &verdict)) {
            return verdict;
        }
    }
    if (find(judged, &anything_else, &verdict)) {
        return verdict;
    }
    if (judged->other_host) {
        return (struct verdict){CERT_E_CN_NO_MATCH, 0};
    }
    for (size_t i = 0; i < sizeof unknowns / sizeof unknowns[0]; i++) {
        if (find(judged, &unknowns[i], &verdict)) {
            return verdict;
        }
    }
    return verdict;
}
