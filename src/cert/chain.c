#include "cert/chain.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "windows.h"

#include "wincrypt.h"

#include "base/clock.h"
#include "cert/library.h"
#include "cert/revocation.h"
#include "cert/usage.h"
#include "crypto/openssl_errors.h"

#define EPOCH_DIFFERENCE INT64_C(11644473600) /* seconds from 1601 to 1970 */

/* RSA of 1024 bits and 160-bit curves at least, and no SHA-1 or MD5 in a signature that counts.  Set by hand, as the
 * distribution's openssl.cnf has its own ideas for programs of its own. */
#define SECURITY_LEVEL 1

struct building {
    const struct chain_request *request;
    struct chain *chain;
    uint32_t errors[CHAIN_MAX];
    time_t time;
};

void chain_clear(struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        X509_free(chain->elements[i].certificate);
    }
    *chain = (struct chain){.count = 0};
}

static void free_context(X509_STORE_CTX **context)
{
    X509_STORE_CTX_free(*context);
}

/* ---------------------------------------------------------------- OpenSSL's findings, as bits */

static const struct {
    int error;
    uint32_t bits;
} findings[] = {
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, CERT_TRUST_IS_PARTIAL_CHAIN},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, CERT_TRUST_IS_PARTIAL_CHAIN},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, CERT_TRUST_IS_PARTIAL_CHAIN},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, CERT_TRUST_IS_PARTIAL_CHAIN},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, CERT_TRUST_IS_UNTRUSTED_ROOT},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, CERT_TRUST_IS_UNTRUSTED_ROOT},
    {X509_V_ERR_CERT_UNTRUSTED, CERT_TRUST_IS_UNTRUSTED_ROOT},
    {X509_V_ERR_CERT_REJECTED, CERT_TRUST_IS_UNTRUSTED_ROOT | CERT_TRUST_IS_EXPLICIT_DISTRUST},
    {X509_V_ERR_CERT_NOT_YET_VALID, CERT_TRUST_IS_NOT_TIME_VALID},
    {X509_V_ERR_CERT_HAS_EXPIRED, CERT_TRUST_IS_NOT_TIME_VALID},
    {X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, CERT_TRUST_IS_NOT_TIME_VALID},
    {X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, CERT_TRUST_IS_NOT_TIME_VALID},
    {X509_V_ERR_INVALID_CA, CERT_TRUST_INVALID_BASIC_CONSTRAINTS},
    {X509_V_ERR_INVALID_NON_CA, CERT_TRUST_INVALID_BASIC_CONSTRAINTS},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, CERT_TRUST_INVALID_BASIC_CONSTRAINTS},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, CERT_TRUST_INVALID_BASIC_CONSTRAINTS},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, CERT_TRUST_HAS_NOT_SUPPORTED_CRITICAL_EXT},
    {X509_V_ERR_PERMITTED_VIOLATION,
     CERT_TRUST_INVALID_NAME_CONSTRAINTS | CERT_TRUST_HAS_NOT_PERMITTED_NAME_CONSTRAINT},
    {X509_V_ERR_EXCLUDED_VIOLATION, CERT_TRUST_INVALID_NAME_CONSTRAINTS | CERT_TRUST_HAS_EXCLUDED_NAME_CONSTRAINT},
    {X509_V_ERR_SUBTREE_MINMAX, CERT_TRUST_INVALID_NAME_CONSTRAINTS | CERT_TRUST_HAS_NOT_SUPPORTED_NAME_CONSTRAINT},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE,
     CERT_TRUST_INVALID_NAME_CONSTRAINTS | CERT_TRUST_HAS_NOT_SUPPORTED_NAME_CONSTRAINT},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX,
     CERT_TRUST_INVALID_NAME_CONSTRAINTS | CERT_TRUST_HAS_NOT_SUPPORTED_NAME_CONSTRAINT},
    {X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, CERT_TRUST_INVALID_NAME_CONSTRAINTS},
    {X509_V_ERR_INVALID_POLICY_EXTENSION, CERT_TRUST_INVALID_POLICY_CONSTRAINTS},
    {X509_V_ERR_NO_EXPLICIT_POLICY, CERT_TRUST_INVALID_POLICY_CONSTRAINTS | CERT_TRUST_NO_ISSUANCE_CHAIN_POLICY},
    {X509_V_ERR_EE_KEY_TOO_SMALL, CERT_TRUST_HAS_WEAK_SIGNATURE},
    {X509_V_ERR_CA_KEY_TOO_SMALL, CERT_TRUST_HAS_WEAK_SIGNATURE},
    {X509_V_ERR_CA_MD_TOO_WEAK, CERT_TRUST_HAS_WEAK_SIGNATURE},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, CERT_TRUST_IS_NOT_SIGNATURE_VALID},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, CERT_TRUST_IS_NOT_SIGNATURE_VALID},
    {X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, CERT_TRUST_IS_NOT_SIGNATURE_VALID},
};

static uint32_t bits_of(int error)
{
    for (size_t i = 0; i < sizeof findings / sizeof findings[0]; i++) {
        if (findings[i].error == error) {
            return findings[i].bits;
        }
    }
    return CERT_TRUST_INVALID_EXTENSION; /* an error without a name of its own is an error all the same */
}

static int note(int good, X509_STORE_CTX *context)
{
    struct building *building = X509_STORE_CTX_get_app_data(context);
    int depth = X509_STORE_CTX_get_error_depth(context);
    if (good == 1) {
        return 1;
    }
    depth = depth < 0 ? 0 : depth >= CHAIN_MAX ? CHAIN_MAX - 1 : depth;
    building->errors[depth] |= bits_of(X509_STORE_CTX_get_error(context));
    return 1;
}

/* ---------------------------------------------------------------- the path */

static STATUS set_up(struct building *building, X509_STORE_CTX *context)
{
    const struct chain_request *request = building->request;
    REQUIRE(X509_STORE_CTX_init(context, NULL, request->leaf, (STACK_OF(X509) *)request->others) == 1 &&
                X509_STORE_CTX_set_app_data(context, building) == 1,
            SEC_E_INSUFFICIENT_MEMORY, "no memory for a chain of certificates");
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(param, building->time);
    X509_VERIFY_PARAM_set_depth(param, CHAIN_MAX - 2);
    X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
    /* Policies are looked at only where a CA requires one (RFC 5280 6.1.5 g). */
    unsigned long flags = X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_POLICY_CHECK;
    (void)X509_VERIFY_PARAM_set_flags(param, request->any_anchor ? flags | X509_V_FLAG_PARTIAL_CHAIN : flags);
    X509_STORE_CTX_set0_trusted_stack(context, roots_certificates(request->roots));
    X509_STORE_CTX_set_verify_cb(context, note);
    return SEC_E_OK;
}

static uint32_t info_of(X509 *certificate, bool has_issuer)
{
    if ((X509_get_extension_flags(certificate) & EXFLAG_SS) != 0) {
        return CERT_TRUST_IS_SELF_SIGNED | CERT_TRUST_HAS_NAME_MATCH_ISSUER;
    }
    if (!has_issuer) {
        return 0;
    }
    return X509_get0_authority_key_id(certificate) != NULL ? CERT_TRUST_HAS_KEY_MATCH_ISSUER
                                                           : CERT_TRUST_HAS_NAME_MATCH_ISSUER;
}

static STATUS take_path(struct building *building, const STACK_OF(X509) * path)
{
    struct chain *chain = building->chain;
    int count = sk_X509_num(path) > 0 ? sk_X509_num(path) : 1;
    for (int i = 0; i < count && i < CHAIN_MAX; i++) {
        X509 *certificate = sk_X509_num(path) > 0 ? sk_X509_value(path, i) : building->request->leaf;
        REQUIRE(X509_up_ref(certificate) == 1, SEC_E_INTERNAL_ERROR, "a certificate cannot be counted");
        chain->elements[i] = (struct chain_element){
            .certificate = certificate,
            .errors = building->errors[i] & ~(uint32_t)CERT_TRUST_IS_PARTIAL_CHAIN, /* says the chain, not its parts */
            .info = info_of(certificate, i + 1 < count),
            .revocation_reason = -1,
        };
        chain->errors |= building->errors[i];
        chain->count++;
    }
    if (count > CHAIN_MAX) {
        chain->errors |= CERT_TRUST_IS_PARTIAL_CHAIN;
    }
    return SEC_E_OK;
}

static STATUS build_path(struct building *building)
{
    __attribute__((cleanup(free_context))) X509_STORE_CTX *context = X509_STORE_CTX_new_ex(cert_libctx(), NULL);
    REQUIRE(context != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory for a chain of certificates");
    TRY(set_up(building, context));
    /* With `note` going on after every error, anything but 1 is a failure to look. */
    if (X509_verify_cert(context) != 1) {
        REQUIRE(X509_STORE_CTX_get_error(context) != X509_V_ERR_OUT_OF_MEM, SEC_E_INSUFFICIENT_MEMORY,
                "no memory for a chain of certificates");
        building->errors[0] |= CERT_TRUST_IS_NOT_SIGNATURE_VALID;
    }
    return take_path(building, X509_STORE_CTX_get0_chain(context));
}

/* ---------------------------------------------------------------- revocation */

static bool is_asked(const struct building *building, size_t index)
{
    const struct chain *chain = building->chain;
    bool is_root = index + 1 == chain->count && (chain->elements[index].info & CERT_TRUST_IS_SELF_SIGNED) != 0;
    switch (building->request->revocation) {
    case REVOCATION_END:
        return index == 0;
    case REVOCATION_CHAIN:
        return true;
    case REVOCATION_CHAIN_EXCLUDE_ROOT:
        return !is_root;
    default:
        return false;
    }
}

/* The anchor is believed without proof (RFC 5280 6.1): nobody above it can withdraw it, and it has no place to ask at.
 * A list at hand in which it withdraws itself counts. */
static bool is_anchor(const struct chain *chain, size_t index)
{
    return index + 1 == chain->count && (chain->errors & CERT_TRUST_IS_PARTIAL_CHAIN) == 0;
}

static uint32_t revocation_bits(enum revocation_state state)
{
    switch (state) {
    case REVOCATION_REVOKED:
        return CERT_TRUST_IS_REVOKED;
    case REVOCATION_NO_CHECK:
        return CERT_TRUST_REVOCATION_STATUS_UNKNOWN;
    case REVOCATION_OFFLINE:
        return CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION;
    default:
        return 0;
    }
}

static STATUS ask_about(const struct building *building, size_t index)
{
    struct chain *chain = building->chain;
    struct chain_element *element = &chain->elements[index];
    struct revocation_answer answer = {.state = REVOCATION_OFFLINE, .reason = -1};
    bool self = (element->info & CERT_TRUST_IS_SELF_SIGNED) != 0;
    if (index + 1 < chain->count || self) {
        struct revocation_question question = {
            .subject = element->certificate,
            .issuer = chain->elements[self ? index : index + 1].certificate,
            .crls = {roots_crls(building->request->roots), building->request->crls},
            .staple = index == 0 ? building->request->staple : BYTES_NONE,
            .time = building->time,
        };
        TRY(revocation_ask(&question, &answer));
    }
    if (is_anchor(chain, index) && answer.state != REVOCATION_REVOKED) {
        answer.state = REVOCATION_GOOD;
    }
    element->revocation = answer.state;
    element->revocation_reason = answer.reason;
    element->errors |= revocation_bits(answer.state);
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- together */

time_t chain_time(uint64_t ticks)
{
    return (time_t)((int64_t)((ticks == 0 ? clock_now() : ticks) / CLOCK_SECOND) - EPOCH_DIFFERENCE);
}

static STATUS build(struct building *building)
{
    struct chain *chain = building->chain;
    TRY(build_path(building));
    TRY(usage_check_chain(building->request, chain));
    for (size_t i = 0; i < chain->count; i++) {
        if (is_asked(building, i)) {
            TRY(ask_about(building, i));
        }
    }
    for (size_t i = 0; i < chain->count; i++) {
        chain->errors |= chain->elements[i].errors;
    }
    return SEC_E_OK;
}

STATUS chain_build(const struct chain_request *request, struct chain *out)
{
    REQUIRE(request->leaf != NULL, SEC_E_INVALID_PARAMETER, "no certificate to build a chain for");
    AUTO_ROOTS *system = NULL;
    AUTO_CHAIN chain = {.count = 0};
    struct chain_request complete = *request;
    if (complete.roots == NULL) {
        TRY(roots_system(&system));
        complete.roots = system;
    }
    struct building building = {.request = &complete, .chain = &chain, .time = chain_time(request->time)};
    openssl_errors_mark();
    SECURITY_STATUS status = build(&building);
    openssl_errors_forget();
    TRY(status);
    *out = chain;
    chain.count = 0;
    return SEC_E_OK;
}
