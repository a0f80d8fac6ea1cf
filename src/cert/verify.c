#include "cert/verify.h"

#include <openssl/bio.h>
#include <openssl/x509_vfy.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "windows.h"

#include "wincrypt.h"

#include "base/trace.h"
#include "cert/host_name.h"
#include "cert/usage.h"
#include "cert/verdict.h"
#include "crypto/openssl_errors.h"

struct mapping {
    int32_t policy_error;
    SECURITY_STATUS status;
    const char *why; /* what the caller of the handshake reads; the result's reason says more */
};

static const struct mapping mappings[] = {
    {TRUST_E_CERT_SIGNATURE, SEC_E_CERT_UNKNOWN,
     "a signature in the peer's chain of certificates does not verify, or is too weak (RFC 5280 6.1.3)"},
    {TRUST_E_EXPLICIT_DISTRUST, SEC_E_UNTRUSTED_ROOT, "the peer's chain of certificates ends in a distrusted root"},
    {CERT_E_UNTRUSTEDROOT, SEC_E_UNTRUSTED_ROOT,
     "the peer's chain of certificates ends in a root that is not trusted (RFC 5280 6.1)"},
    {CERT_E_CHAINING, SEC_E_UNTRUSTED_ROOT,
     "the peer's chain of certificates does not reach a trusted root (RFC 5280 6.1)"},
    {TRUST_E_BASIC_CONSTRAINTS, SEC_E_CERT_UNKNOWN,
     "the peer's chain holds a certificate that was issued by one that is no CA (RFC 5280 6.1.4)"},
    {CERT_E_INVALID_NAME, SEC_E_CERT_UNKNOWN,
     "a CA of the peer's chain may not issue for that name (RFC 5280 4.2.1.10)"},
    {CERT_E_INVALID_POLICY, SEC_E_CERT_UNKNOWN, "the peer's chain lacks a required policy (RFC 5280 6.1.5)"},
    {CERT_E_CRITICAL, SEC_E_CERT_UNKNOWN,
     "the peer's chain holds a critical extension that is not known, or one that cannot be read (RFC 5280 4.2)"},
    {TRUST_E_FAIL, SEC_E_CERT_UNKNOWN, "the peer's chain of certificates is not good"},
    {CRYPT_E_REVOKED, CRYPT_E_REVOKED, "a certificate of the peer's chain was revoked (RFC 5280 6.3)"},
    {CERT_E_EXPIRED, SEC_E_CERT_EXPIRED,
     "a certificate of the peer's chain has expired, or is not yet valid (RFC 5280 4.1.2.5)"},
    {CERT_E_WRONG_USAGE, SEC_E_CERT_WRONG_USAGE, "the peer's certificate is for another usage (RFC 5280 4.2.1.12)"},
    {CERT_E_CN_NO_MATCH, SEC_E_WRONG_PRINCIPAL, "the peer's certificate is another host's (RFC 9525 6)"},
    {CRYPT_E_REVOCATION_OFFLINE, CRYPT_E_REVOCATION_OFFLINE,
     "whether the peer's chain was revoked was asked for, and cannot be found out"},
    {CRYPT_E_NO_REVOCATION_CHECK, CRYPT_E_NO_REVOCATION_CHECK,
     "whether the peer's chain was revoked was asked for, and it names no place to ask at"},
};

static const struct mapping *mapping_of(int32_t policy_error)
{
    for (size_t i = 0; i < sizeof mappings / sizeof mappings[0]; i++) {
        if (mappings[i].policy_error == policy_error) {
            return &mappings[i];
        }
    }
    return NULL;
}

SECURITY_STATUS verify_status_of_policy(int32_t policy_error)
{
    const struct mapping *mapping = mapping_of(policy_error);
    if (policy_error == 0) {
        return SEC_E_OK;
    }
    return mapping != NULL ? mapping->status : SEC_E_CERT_UNKNOWN;
}

/* ---------------------------------------------------------------- alerts */

static const struct {
    SECURITY_STATUS verdict;
    int alert;
    int error; /* what libssl turns into the alert */
} alerts[] = {
    {SEC_E_UNTRUSTED_ROOT, 48, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN}, /* unknown_ca */
    {SEC_E_WRONG_PRINCIPAL, 42, X509_V_ERR_HOSTNAME_MISMATCH},        /* bad_certificate */
    {SEC_E_CERT_EXPIRED, 45, X509_V_ERR_CERT_HAS_EXPIRED},            /* certificate_expired */
    {SEC_E_CERT_WRONG_USAGE, 43, X509_V_ERR_INVALID_PURPOSE},         /* unsupported_certificate */
    {CRYPT_E_REVOKED, 44, X509_V_ERR_CERT_REVOKED},                   /* certificate_revoked */
    {SEC_E_CERT_UNKNOWN, 46, X509_V_ERR_PERMITTED_VIOLATION},         /* certificate_unknown, which libssl sends */
    {CRYPT_E_REVOCATION_OFFLINE, 46, X509_V_ERR_PERMITTED_VIOLATION}, /* for every error that it has no alert for */
    {CRYPT_E_NO_REVOCATION_CHECK, 46, X509_V_ERR_PERMITTED_VIOLATION},
};

int verify_alert(SECURITY_STATUS verdict)
{
    for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++) {
        if (alerts[i].verdict == verdict) {
            return alerts[i].alert;
        }
    }
    return 80;
}

int verify_x509_error(SECURITY_STATUS verdict)
{
    for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++) {
        if (alerts[i].verdict == verdict) {
            return alerts[i].error;
        }
    }
    return verdict == SEC_E_OK ? X509_V_OK : X509_V_ERR_UNSPECIFIED;
}

/* ---------------------------------------------------------------- the reason, for whoever debugs it */

struct text {
    char *out;
    size_t size, used;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(text->out + text->used, text->size - text->used, format, arguments);
    va_end(arguments);
    size_t left = text->size - text->used - 1;
    text->used += used < 0 ? 0 : (size_t)used > left ? left : (size_t)used;
}

static void free_bio(BIO **bio)
{
    (void)BIO_free(*bio);
}

/* RFC 4514 with everything escaped that is not printable ASCII. */
static void add_name(struct text *text, const X509_NAME *name)
{
    char *written = NULL;
    __attribute__((cleanup(free_bio))) BIO *bio = BIO_new(BIO_s_mem());
    unsigned long flags =
        (XN_FLAG_RFC2253 | ASN1_STRFLGS_ESC_MSB | ASN1_STRFLGS_ESC_CTRL) & ~(unsigned long)XN_FLAG_DN_REV;
    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, flags) >= 0) {
        long size = BIO_get_mem_data(bio, &written);
        add(text, "%.*s", (int)(size > 200 ? 200 : size), written == NULL ? "" : written);
    }
}

static void add_time(struct text *text, const ASN1_TIME *time)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm) == 1) {
        add(text, "%04d-%02d-%02d %02d:%02d:%02d UTC", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
            tm.tm_min, tm.tm_sec);
    } else {
        add(text, "an unreadable time");
    }
}

static void add_host(struct text *text, const struct verify_request *request, X509 *leaf)
{
    char names[256];
    host_names_of(leaf, names, sizeof names);
    add(text, "; asked for ");
    if (utf16_length(request->host) == 0) {
        add(text, "no host at all");
    }
    for (size_t i = 0; i < utf16_length(request->host) && i < 128; i++) {
        uint16_t unit = utf16_unit(request->host, i);
        add(text, "%c", unit > 0x20 && unit < 0x7f ? unit : '?');
    }
    add(text, ", the certificate is for %s", names);
}

static void add_details(struct text *text, const struct verify_request *request, const struct verify_result *result)
{
    X509 *certificate = result->chain.elements[result->element < 0 ? 0 : result->element].certificate;
    switch (result->policy_error) {
    case CERT_E_EXPIRED:
        add(text, "; valid from ");
        add_time(text, X509_get0_notBefore(certificate));
        add(text, " to ");
        add_time(text, X509_get0_notAfter(certificate));
        break;
    case CERT_E_CN_NO_MATCH:
        add_host(text, request, certificate);
        break;
    case CERT_E_WRONG_USAGE:
        add(text, "; needed for TLS %s authentication", request->peer_is_server ? "server" : "client");
        break;
    case CERT_E_CHAINING:
        certificate = result->chain.elements[result->chain.count - 1].certificate;
        add(text, "; nobody here knows the issuer ");
        add_name(text, X509_get_issuer_name(certificate));
        break;
    case CRYPT_E_REVOKED:
        add(text, "; reason code %d",
            result->chain.elements[result->element < 0 ? 0 : result->element].revocation_reason);
        break;
    default:
        break;
    }
}

static void explain(const struct verify_request *request, struct verify_result *result, const char *why)
{
    struct text text = {result->reason, sizeof result->reason, 0};
    /* The one it is about; for the chain as a whole, the last one, from where it should have gone on. */
    size_t at = result->element < 0 ? result->chain.count - 1 : (size_t)result->element;
    add(&text, "%s: certificate %zu of %zu (", why, at + 1, result->chain.count);
    add_name(&text, X509_get_subject_name(result->chain.elements[at].certificate));
    add(&text, ")");
    add_details(&text, request, result);
    TRACE("certificates: %s", result->reason);
}

/* ---------------------------------------------------------------- judging */

static STATUS build(const struct verify_request *request, struct chain *out)
{
    const char *const usages[] = {request->peer_is_server ? USAGE_SERVER : USAGE_CLIENT};
    struct chain_request asked = {
        .leaf = request->leaf,
        .others = request->others,
        .crls = request->crls,
        .roots = request->roots,
        .usages = usages,
        .usage_count = 1,
        .revocation = request->revocation,
        .staple = request->ocsp_staple,
        .time = request->time,
    };
    return chain_build(&asked, out);
}

static bool is_other_host(const struct verify_request *request)
{
    struct host_name name;
    if (!request->check_name) {
        return false;
    }
    return host_name_parse(request->host, &name) < 0 || !host_name_matches(&name, request->leaf);
}

/* The name is compared only when it decides: a reason that is recorded on the way would stand before the one that does. */
static struct verdict judge(const struct verify_request *request, const struct chain *chain)
{
    uint32_t elements[CHAIN_MAX];
    for (size_t i = 0; i < chain->count; i++) {
        elements[i] = chain->elements[i].errors;
    }
    const uint32_t unknown = CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION;
    struct verdict_case judged = {
        .elements = elements, .count = chain->count, .chain = chain->errors, .ignored = unknown};
    struct verdict verdict = verdict_of(&judged);
    if (verdict.error != 0) {
        return verdict;
    }
    judged.other_host = is_other_host(request);
    judged.ignored = (request->ignore_no_revocation_check ? CERT_TRUST_REVOCATION_STATUS_UNKNOWN : 0) |
                     (request->ignore_revocation_offline ? CERT_TRUST_IS_OFFLINE_REVOCATION : 0);
    return verdict_of(&judged);
}

static STATUS verify(const struct verify_request *request, struct verify_result *out)
{
    struct verify_result result = {.element = -1};
    TRY(build(request, &result.chain));
    struct verdict verdict = judge(request, &result.chain);
    const struct mapping *mapping = mapping_of(verdict.error);
    result.policy_error = verdict.error;
    result.element = verdict.element;
    result.verdict = verify_status_of_policy(verdict.error);
    if (result.verdict != SEC_E_OK) {
        explain(request, &result, mapping == NULL ? "the peer's certificate is not good" : mapping->why);
    }
    *out = result;
    REQUIRE(verdict.error == 0, result.verdict, mapping == NULL ? "the peer's certificate is not good" : mapping->why);
    return SEC_E_OK;
}

STATUS verify_peer(const struct verify_request *request, struct verify_result *out)
{
    *out = (struct verify_result){.verdict = SEC_E_INTERNAL_ERROR, .element = -1};
    openssl_errors_mark();
    SECURITY_STATUS status = verify(request, out);
    openssl_errors_forget();
    if (out->chain.count == 0) { /* not judged at all */
        out->verdict = status;
    }
    return status;
}

void verify_result_clear(struct verify_result *result)
{
    chain_clear(&result->chain);
    *result = (struct verify_result){.verdict = SEC_E_INTERNAL_ERROR, .element = -1};
}
