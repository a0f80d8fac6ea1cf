/* Whether a peer is who it says it is: one certificate after the other, right or wrong in one way each, and pairs of
 * wrongs of which the graver one is to be named. */
#include "pki.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "windows.h"

#include "wincrypt.h"

#include "base/clock.h"
#include "cert/verify.h"

#define HOST "www.example.com"

enum {
    CLIENT = 1,          /* the peer is a client */
    NO_NAME = 2,         /* the name is not checked */
    IGNORE_NO_CHECK = 4, /* SCH_CRED_IGNORE_NO_REVOCATION_CHECK */
    IGNORE_OFFLINE = 8,  /* SCH_CRED_IGNORE_REVOCATION_OFFLINE */
};

struct row {
    const char *leaf, *others, *roots, *host;
    unsigned flags;
    enum revocation_scope revocation;
    const char *crls, *staple;
    int year; /* 0: now */
    SECURITY_STATUS verdict;
    int element;
    uint32_t bits; /* that the chain has to have, and no others beside the unimportant ones */
};

#define ROOT "root"
#define INT  "intermediate"
#define BOTH "intermediate root"

static const struct row rows[] = {
    /* good ones */
    {"server-p256", INT, ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_OK, -1, 0},
    {"server-rsa", BOTH, ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_OK, -1, 0},
    {"server-rsapss", INT, ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_OK, -1, 0},
    {"server-ed25519", INT, ROOT, "WWW.example.COM.", 0, 0, NULL, NULL, 0, SEC_E_OK, -1, 0},
    {"server-p384", INT, ROOT, "a.wild.example.com", 0, 0, NULL, NULL, 0, SEC_E_OK, -1, 0},
    {"server-p256", INT, ROOT, "192.0.2.1", 0, 0, NULL, NULL, 0, SEC_E_OK, -1, 0},
    {"server-p256", INT, ROOT, "[2001:db8::1]", 0, 0, NULL, NULL, 0, SEC_E_OK, -1, 0},
    {"commonname", INT, ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_OK, -1, 0},
    {"anyusage", INT, ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_OK, -1, 0},
    {"nousage", INT, ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_OK, -1, 0},
    {"client", INT, ROOT, "", CLIENT | NO_NAME, 0, NULL, NULL, 0, SEC_E_OK, -1, 0},
    {"server-p256", "stranger unknown intermediate server-rsa", "stranger root", HOST, 0, 0, NULL, NULL, 0, SEC_E_OK,
     -1, 0},
    {"selfsigned", NULL, "selfsigned", HOST, 0, 0, NULL, NULL, 0, SEC_E_OK, -1, 0},
    {"wrongname", INT, ROOT, "", NO_NAME, 0, NULL, NULL, 0, SEC_E_OK, -1, 0},
    {"expired", INT, ROOT, HOST, 0, 0, NULL, NULL, 2020, SEC_E_OK, -1, 0},
    /* who says so */
    {"server-p256", INT, "stranger", HOST, 0, 0, NULL, NULL, 0, SEC_E_UNTRUSTED_ROOT, -1, CERT_TRUST_IS_PARTIAL_CHAIN},
    {"server-p256", NULL, ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_UNTRUSTED_ROOT, -1, CERT_TRUST_IS_PARTIAL_CHAIN},
    {"server-p256", BOTH, "stranger", HOST, 0, 0, NULL, NULL, 0, SEC_E_UNTRUSTED_ROOT, 2, CERT_TRUST_IS_UNTRUSTED_ROOT},
    {"unknown", "stranger", ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_UNTRUSTED_ROOT, 1, CERT_TRUST_IS_UNTRUSTED_ROOT},
    {"selfsigned", NULL, ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_UNTRUSTED_ROOT, 0, CERT_TRUST_IS_UNTRUSTED_ROOT},
    {"server-p256", INT, INT, HOST, 0, 0, NULL, NULL, 0, SEC_E_UNTRUSTED_ROOT, -1, CERT_TRUST_IS_PARTIAL_CHAIN},
    {"server-p256", INT, NULL, HOST, 0, 0, NULL, NULL, 0, SEC_E_UNTRUSTED_ROOT, -1, CERT_TRUST_IS_PARTIAL_CHAIN},
    /* signatures, constraints */
    {"weak", INT, ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_CERT_UNKNOWN, 0, CERT_TRUST_HAS_WEAK_SIGNATURE},
    {"smallkey", INT, ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_CERT_UNKNOWN, 0, CERT_TRUST_HAS_WEAK_SIGNATURE},
    {"toodeep", "subca intermediate", ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_CERT_UNKNOWN, 2,
     CERT_TRUST_INVALID_BASIC_CONSTRAINTS},
    {"bynotca", "server-p256 intermediate", ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_CERT_UNKNOWN, 1,
     CERT_TRUST_INVALID_BASIC_CONSTRAINTS},
    {"outside", "permitted", ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_CERT_UNKNOWN, 0,
     CERT_TRUST_INVALID_NAME_CONSTRAINTS | CERT_TRUST_HAS_NOT_PERMITTED_NAME_CONSTRAINT},
    {"barred", "excluded", ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_CERT_UNKNOWN, 0,
     CERT_TRUST_INVALID_NAME_CONSTRAINTS | CERT_TRUST_HAS_EXCLUDED_NAME_CONSTRAINT},
    {"nopolicy", "policyca", ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_CERT_UNKNOWN, 0,
     CERT_TRUST_INVALID_POLICY_CONSTRAINTS | CERT_TRUST_NO_ISSUANCE_CHAIN_POLICY},
    {"criticalext", INT, ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_CERT_UNKNOWN, 0,
     CERT_TRUST_HAS_NOT_SUPPORTED_CRITICAL_EXT},
    /* whether it still holds */
    {"expired", INT, ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_CERT_EXPIRED, 0, CERT_TRUST_IS_NOT_TIME_VALID},
    {"notyet", INT, ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_CERT_EXPIRED, 0, CERT_TRUST_IS_NOT_TIME_VALID},
    {"byoldca", "oldca", ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_CERT_EXPIRED, 1, CERT_TRUST_IS_NOT_TIME_VALID},
    {"server-p256", INT, ROOT, HOST, 0, 0, NULL, NULL, 2125, SEC_E_CERT_EXPIRED, 0, CERT_TRUST_IS_NOT_TIME_VALID},
    /* what it is for */
    {"wrongusage", INT, ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_CERT_WRONG_USAGE, 0, CERT_TRUST_IS_NOT_VALID_FOR_USAGE},
    {"client", INT, ROOT, HOST, NO_NAME, 0, NULL, NULL, 0, SEC_E_CERT_WRONG_USAGE, 0,
     CERT_TRUST_IS_NOT_VALID_FOR_USAGE},
    {"server-p256", INT, ROOT, "", CLIENT | NO_NAME, 0, NULL, NULL, 0, SEC_E_CERT_WRONG_USAGE, 0,
     CERT_TRUST_IS_NOT_VALID_FOR_USAGE},
    {"byclientca", "clientca", ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_CERT_WRONG_USAGE, 1,
     CERT_TRUST_IS_NOT_VALID_FOR_USAGE},
    {INT, NULL, ROOT, HOST, NO_NAME, 0, NULL, NULL, 0, SEC_E_OK, -1, 0},
    {"wrongname", INT, ROOT, HOST, 0, 0, NULL, NULL, 0, SEC_E_WRONG_PRINCIPAL, 0, 0},
    {"server-p256", INT, ROOT, "", 0, 0, NULL, NULL, 0, SEC_E_WRONG_PRINCIPAL, 0, 0},
    {"server-p256", INT, ROOT, "192.0.2.2", 0, 0, NULL, NULL, 0, SEC_E_WRONG_PRINCIPAL, 0, 0},
    {"server-p256", INT, ROOT, "b.a.wild.example.com", 0, 0, NULL, NULL, 0, SEC_E_WRONG_PRINCIPAL, 0, 0},
    /* two wrongs: the first of cert/verify.h */
    {"criticalext", INT, "stranger", HOST, 0, 0, NULL, NULL, 0, SEC_E_UNTRUSTED_ROOT, -1,
     CERT_TRUST_IS_PARTIAL_CHAIN | CERT_TRUST_HAS_NOT_SUPPORTED_CRITICAL_EXT},
    {"expired", INT, "stranger", HOST, 0, 0, NULL, NULL, 0, SEC_E_UNTRUSTED_ROOT, -1,
     CERT_TRUST_IS_PARTIAL_CHAIN | CERT_TRUST_IS_NOT_TIME_VALID},
    {"unknown", "stranger", ROOT, "other.example", 0, 0, NULL, NULL, 0, SEC_E_UNTRUSTED_ROOT, 1,
     CERT_TRUST_IS_UNTRUSTED_ROOT},
    {"expired", INT, ROOT, "other.example", 0, 0, NULL, NULL, 0, SEC_E_CERT_EXPIRED, 0, CERT_TRUST_IS_NOT_TIME_VALID},
    {"wrongusage", INT, ROOT, "other.example", 0, 0, NULL, NULL, 0, SEC_E_CERT_WRONG_USAGE, 0,
     CERT_TRUST_IS_NOT_VALID_FOR_USAGE},
    {"revoked", INT, ROOT, "other.example", 0, REVOCATION_END, "intermediate", NULL, 0, CRYPT_E_REVOKED, 0,
     CERT_TRUST_IS_REVOKED},
    {"revoked", INT, ROOT, HOST, 0, REVOCATION_END, "intermediate", NULL, 2125, CRYPT_E_REVOKED, 0,
     CERT_TRUST_IS_REVOKED | CERT_TRUST_IS_NOT_TIME_VALID},
    {"wrongname", INT, ROOT, HOST, 0, REVOCATION_END, NULL, NULL, 0, SEC_E_WRONG_PRINCIPAL, 0,
     CERT_TRUST_REVOCATION_STATUS_UNKNOWN},
    {"weak", INT, "stranger", HOST, 0, 0, NULL, NULL, 0, SEC_E_CERT_UNKNOWN, 0,
     CERT_TRUST_HAS_WEAK_SIGNATURE | CERT_TRUST_IS_PARTIAL_CHAIN},
};

static const struct row revocation_rows[] = {
    /* CRLs */
    {"server-p256", INT, ROOT, HOST, 0, REVOCATION_END, "intermediate", NULL, 0, SEC_E_OK, -1, 0},
    {"server-p256", INT, ROOT, HOST, 0, REVOCATION_CHAIN, "intermediate root", NULL, 0, SEC_E_OK, -1, 0},
    {"server-p256", INT, ROOT, HOST, 0, REVOCATION_CHAIN_EXCLUDE_ROOT, "intermediate root", NULL, 0, SEC_E_OK, -1, 0},
    {"revoked", INT, ROOT, HOST, 0, REVOCATION_NOBODY, "intermediate", NULL, 0, SEC_E_OK, -1, 0},
    {"revoked", INT, ROOT, HOST, 0, REVOCATION_END, "intermediate", NULL, 0, CRYPT_E_REVOKED, 0, CERT_TRUST_IS_REVOKED},
    {"revoked", INT, ROOT, HOST, IGNORE_NO_CHECK | IGNORE_OFFLINE, REVOCATION_CHAIN, "intermediate root", NULL, 0,
     CRYPT_E_REVOKED, 0, CERT_TRUST_IS_REVOKED},
    {"byrevokedca", "revokedca", ROOT, HOST, IGNORE_NO_CHECK, REVOCATION_CHAIN, "root", NULL, 0, CRYPT_E_REVOKED, 1,
     CERT_TRUST_IS_REVOKED | CERT_TRUST_REVOCATION_STATUS_UNKNOWN},
    {"byrevokedca", "revokedca", ROOT, HOST, IGNORE_NO_CHECK, REVOCATION_END, "root", NULL, 0, SEC_E_OK, -1,
     CERT_TRUST_REVOCATION_STATUS_UNKNOWN},
    {"server-p256", INT, ROOT, HOST, 0, REVOCATION_CHAIN, "intermediate", NULL, 0, CRYPT_E_NO_REVOCATION_CHECK, 1,
     CERT_TRUST_REVOCATION_STATUS_UNKNOWN},
    {"server-p256", INT, ROOT, HOST, 0, REVOCATION_END, NULL, NULL, 0, CRYPT_E_NO_REVOCATION_CHECK, 0,
     CERT_TRUST_REVOCATION_STATUS_UNKNOWN},
    {"server-p256", INT, ROOT, HOST, IGNORE_NO_CHECK, REVOCATION_CHAIN, NULL, NULL, 0, SEC_E_OK, -1,
     CERT_TRUST_REVOCATION_STATUS_UNKNOWN},
    {"server-p256", INT, ROOT, HOST, IGNORE_OFFLINE, REVOCATION_CHAIN, NULL, NULL, 0, CRYPT_E_NO_REVOCATION_CHECK, 0,
     CERT_TRUST_REVOCATION_STATUS_UNKNOWN},
    {"withcdp", INT, ROOT, HOST, 0, REVOCATION_END, NULL, NULL, 0, CRYPT_E_REVOCATION_OFFLINE, 0,
     CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION},
    {"withocsp", INT, ROOT, HOST, IGNORE_NO_CHECK, REVOCATION_END, NULL, NULL, 0, CRYPT_E_REVOCATION_OFFLINE, 0,
     CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION},
    {"withocsp", INT, ROOT, HOST, IGNORE_OFFLINE, REVOCATION_END, NULL, NULL, 0, SEC_E_OK, -1,
     CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION},
    {"withcdp", INT, ROOT, HOST, 0, REVOCATION_END, "intermediate", NULL, 0, SEC_E_OK, -1, 0},
    {"server-p256", INT, ROOT, HOST, 0, REVOCATION_END, "stale", NULL, 0, CRYPT_E_REVOCATION_OFFLINE, 0,
     CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION},
    {"revoked", INT, ROOT, HOST, IGNORE_OFFLINE, REVOCATION_END, "stale", NULL, 0, CRYPT_E_REVOKED, 0,
     CERT_TRUST_IS_REVOKED},
    {"server-p256", INT, ROOT, HOST, 0, REVOCATION_END, "stale intermediate", NULL, 0, SEC_E_OK, -1, 0},
    {"server-p256", INT, ROOT, HOST, 0, REVOCATION_END, "impostor", NULL, 0, CRYPT_E_REVOCATION_OFFLINE, 0,
     CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION},
    {"revoked", INT, ROOT, HOST, 0, REVOCATION_END, "impostor intermediate", NULL, 0, CRYPT_E_REVOKED, 0,
     CERT_TRUST_IS_REVOKED},
    {"server-p256", INT, ROOT, HOST, 0, REVOCATION_END, "root", NULL, 0, CRYPT_E_NO_REVOCATION_CHECK, 0,
     CERT_TRUST_REVOCATION_STATUS_UNKNOWN},
    {"selfsigned", NULL, "selfsigned", HOST, 0, REVOCATION_CHAIN, NULL, NULL, 0, SEC_E_OK, -1, 0},
    /* staples */
    {"server-p256", INT, ROOT, HOST, 0, REVOCATION_END, NULL, "good.ocsp", 0, SEC_E_OK, -1, 0},
    {"server-p256", INT, ROOT, HOST, 0, REVOCATION_END, NULL, "good256.ocsp", 0, SEC_E_OK, -1, 0},
    {"server-p256", INT, ROOT, HOST, 0, REVOCATION_END, NULL, "delegated.ocsp", 0, SEC_E_OK, -1, 0},
    {"server-p256", INT, ROOT, HOST, 0, REVOCATION_CHAIN, "root", "good.ocsp", 0, SEC_E_OK, -1, 0},
    {"revoked", INT, ROOT, HOST, IGNORE_OFFLINE, REVOCATION_END, NULL, "revoked.ocsp", 0, CRYPT_E_REVOKED, 0,
     CERT_TRUST_IS_REVOKED},
    {"revoked", INT, ROOT, HOST, 0, REVOCATION_END, "intermediate", "good.ocsp", 0, CRYPT_E_REVOKED, 0,
     CERT_TRUST_IS_REVOKED},
    {"server-p256", INT, ROOT, HOST, 0, REVOCATION_END, "stale", "good.ocsp", 0, SEC_E_OK, -1, 0},
    {"server-p256", INT, ROOT, HOST, IGNORE_NO_CHECK, REVOCATION_END, NULL, "unauthorised.ocsp", 0,
     CRYPT_E_REVOCATION_OFFLINE, 0, CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION},
    {"server-p256", INT, ROOT, HOST, IGNORE_NO_CHECK, REVOCATION_END, NULL, "foreign.ocsp", 0,
     CRYPT_E_REVOCATION_OFFLINE, 0, CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION},
    {"server-p256", INT, ROOT, HOST, IGNORE_NO_CHECK, REVOCATION_END, NULL, "endless.ocsp", 0,
     CRYPT_E_REVOCATION_OFFLINE, 0, CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION},
    {"server-p256", INT, ROOT, HOST, IGNORE_NO_CHECK, REVOCATION_END, NULL, "unknown.ocsp", 0,
     CRYPT_E_REVOCATION_OFFLINE, 0, CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION},
    {"server-p384", INT, ROOT, HOST, IGNORE_NO_CHECK, REVOCATION_END, NULL, "good.ocsp", 0, CRYPT_E_REVOCATION_OFFLINE,
     0, CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION},
    {"server-p256", INT, ROOT, HOST, 0, REVOCATION_END, NULL, "good.ocsp", 2024, CRYPT_E_REVOCATION_OFFLINE, 0,
     CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION},
    {"server-p256", INT, ROOT, HOST, 0, REVOCATION_END, NULL, "good.ocsp", 2115, CRYPT_E_REVOCATION_OFFLINE, 0,
     CERT_TRUST_REVOCATION_STATUS_UNKNOWN | CERT_TRUST_IS_OFFLINE_REVOCATION},
};

static uint64_t middle_of(int year)
{
    struct tm tm = {.tm_year = year - 1900, .tm_mon = 6, .tm_mday = 1};
    return year == 0 ? 0 : ((uint64_t)timegm(&tm) + UINT64_C(11644473600)) * CLOCK_SECOND;
}

static bool run_row(const struct row *row)
{
    uint16_t host[300];
    pki_wide(row->host, host);
    X509 *leaf = pki_certificate(row->leaf);
    STACK_OF(X509) *others = pki_certificates(row->others);
    STACK_OF(X509_CRL) *crls = pki_crls(row->crls);
    struct roots *roots = pki_roots(row->roots);
    struct bytes staple = pki_file(row->staple);
    struct verify_request request = {
        .leaf = leaf,
        .others = others,
        .crls = crls,
        .roots = roots,
        .peer_is_server = (row->flags & CLIENT) == 0,
        .check_name = (row->flags & NO_NAME) == 0,
        .host = utf16_from_wide(host),
        .revocation = row->revocation,
        .ignore_no_revocation_check = (row->flags & IGNORE_NO_CHECK) != 0,
        .ignore_revocation_offline = (row->flags & IGNORE_OFFLINE) != 0,
        .ocsp_staple = staple,
        .time = middle_of(row->year),
    };
    AUTO_VERIFY_RESULT result;
    status_begin();
    SECURITY_STATUS status = verify_peer(&request, &result);
    bool good = status == row->verdict && result.verdict == row->verdict && result.element == row->element &&
                (result.chain.errors & ~(uint32_t)CERT_TRUST_IS_NOT_TIME_VALID) ==
                    (row->bits & ~(uint32_t)CERT_TRUST_IS_NOT_TIME_VALID) &&
                (result.chain.errors & row->bits) == row->bits && result.chain.count != 0 &&
                (status == SEC_E_OK) == (result.reason[0] == '\0') &&
                (status == SEC_E_OK) == (status_reason(NULL, NULL, NULL) == NULL);
    if (!good) {
        print_message(
            "# %s through %s under %s for '%s': %08x, element %d, bits %08x, reason: %s\n#   expected %08x, %d, %08x\n",
            row->leaf, row->others, row->roots, row->host, (unsigned)status, result.element, result.chain.errors,
            result.reason, (unsigned)row->verdict, row->element, row->bits);
    }
    free((void *)staple.data);
    roots_free(roots);
    sk_X509_CRL_pop_free(crls, X509_CRL_free);
    sk_X509_pop_free(others, X509_free);
    X509_free(leaf);
    return good;
}

static void run_rows(const struct row *table, size_t count)
{
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        good = run_row(&table[i]) && good;
    }
    assert_true(good);
}

static void gives_the_verdict(void **state)
{
    run_rows(rows, sizeof rows / sizeof rows[0]);
}

static void knows_the_revoked(void **state)
{
    run_rows(revocation_rows, sizeof revocation_rows / sizeof revocation_rows[0]);
}

/* The last byte of the signature, and the serial number, which it covers (behind two headers of four bytes, the version,
 * and a header of its own). */
static void sees_a_changed_certificate(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        X509 *good = pki_certificate("server-p256");
        unsigned char *der = NULL;
        int size = i2d_X509(good, &der);
        assert_true(size > 400);
        der[i == 0 ? size - 1 : 15] ^= 1;
        const unsigned char *at = der;
        X509 *changed = cert_x509_new();
        assert_non_null(d2i_X509(&changed, &at, size));
        STACK_OF(X509) *others = pki_certificates(INT);
        struct roots *roots = pki_roots(ROOT);
        struct verify_request request = {.leaf = changed, .others = others, .roots = roots, .peer_is_server = true};
        AUTO_VERIFY_RESULT result;
        assert_int_equal(verify_peer(&request, &result), SEC_E_CERT_UNKNOWN);
        assert_int_equal(result.policy_error, TRUST_E_CERT_SIGNATURE);
        assert_true((result.chain.elements[0].errors & CERT_TRUST_IS_NOT_SIGNATURE_VALID) != 0);
        roots_free(roots);
        sk_X509_pop_free(others, X509_free);
        X509_free(changed);
        X509_free(good);
        OPENSSL_free(der);
    }
}

static const char *reason_for(const char *leaf, const char *others, const char *root, const char *host)
{
    static char reason[VERIFY_REASON_MAX];
    uint16_t wide[300];
    pki_wide(host, wide);
    struct roots *roots = pki_roots(root);
    X509 *certificate = pki_certificate(leaf);
    STACK_OF(X509) *stack = pki_certificates(others);
    struct verify_request request = {.leaf = certificate,
                                     .others = stack,
                                     .roots = roots,
                                     .peer_is_server = true,
                                     .check_name = true,
                                     .host = utf16_from_wide(wide)};
    AUTO_VERIFY_RESULT result;
    assert_true(verify_peer(&request, &result) < 0);
    (void)snprintf(reason, sizeof reason, "%s", result.reason);
    sk_X509_pop_free(stack, X509_free);
    X509_free(certificate);
    roots_free(roots);
    return reason;
}

static void has(const char *reason, const char *part)
{
    if (strstr(reason, part) == NULL) {
        print_message("# \"%s\" does not say \"%s\"\n", reason, part);
        fail();
    }
}

/* For whoever is called at midnight: which certificate, what was expected, what was there. */
static void says_why(void **state)
{
    const char *reason = reason_for("wrongname", INT, ROOT, HOST);
    has(reason, "certificate 1 of 3 (C=DE,O=OpenSSPI tests,CN=wrongname)");
    has(reason, "asked for www.example.com, the certificate is for DNS:other.example.net");
    reason = reason_for("expired", INT, ROOT, HOST);
    has(reason, "valid from 2020-01-01 00:00:00 UTC to 2021-01-01 00:00:00 UTC");
    reason = reason_for("server-p256", NULL, ROOT, HOST);
    has(reason, "certificate 1 of 1");
    has(reason, "nobody here knows the issuer C=DE,O=OpenSSPI tests,CN=Test CA intermediate");
    reason = reason_for("wrongusage", INT, ROOT, HOST);
    has(reason, "needed for TLS server authentication");
    reason = reason_for("many", INT, ROOT, HOST); /* names of a peer are escaped */
    for (const char *at = reason; *at != '\0'; at++) {
        assert_true(*at >= 0x20 && *at < 0x7f);
    }
}

/* RFC 8446 6.2, and what libssl makes of the error that its callback leaves. */
static void names_the_alert(void **state)
{
    assert_int_equal(verify_alert(SEC_E_UNTRUSTED_ROOT), 48);
    assert_int_equal(verify_alert(SEC_E_CERT_EXPIRED), 45);
    assert_int_equal(verify_alert(CRYPT_E_REVOKED), 44);
    assert_int_equal(verify_alert(SEC_E_CERT_WRONG_USAGE), 43);
    assert_int_equal(verify_alert(SEC_E_WRONG_PRINCIPAL), 42);
    assert_int_equal(verify_alert(SEC_E_CERT_UNKNOWN), 46);
    assert_int_equal(verify_alert(CRYPT_E_NO_REVOCATION_CHECK), 46);
    assert_int_equal(verify_alert(SEC_E_INSUFFICIENT_MEMORY), 80);
    assert_int_equal(verify_x509_error(SEC_E_OK), X509_V_OK);
    assert_int_equal(verify_x509_error(SEC_E_CERT_EXPIRED), X509_V_ERR_CERT_HAS_EXPIRED);
    assert_int_equal(verify_status_of_policy(0), SEC_E_OK);
    assert_int_equal(verify_status_of_policy(CERT_E_UNTRUSTEDROOT), SEC_E_UNTRUSTED_ROOT);
    assert_int_equal(verify_status_of_policy(CERT_E_CN_NO_MATCH), SEC_E_WRONG_PRINCIPAL);
    assert_int_equal(verify_status_of_policy(CERT_E_PURPOSE), SEC_E_CERT_UNKNOWN);
}

static int leave_error(X509_STORE_CTX *context, void *argument)
{
    X509_STORE_CTX_set_error(context, verify_x509_error(*(SECURITY_STATUS *)argument));
    return 0;
}

/* The alert that a server reads from a client of libssl whose callback leaves verify_x509_error(verdict). */
static int alert_read(SECURITY_STATUS verdict)
{
    BIO *one, *other;
    char path[4096];
    SSL_CTX *server = SSL_CTX_new(TLS_server_method());
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    (void)snprintf(path, sizeof path, "%s", pki_path("server-p256.pem"));
    assert_int_equal(SSL_CTX_use_certificate_file(server, path, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(server, pki_path("server-p256.key"), SSL_FILETYPE_PEM), 1);
    SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(client, leave_error, &verdict);
    SSL *accepts = SSL_new(server);
    SSL *connects = SSL_new(client);
    assert_int_equal(BIO_new_bio_pair(&one, 0, &other, 0), 1);
    SSL_set_bio(accepts, one, one);
    SSL_set_bio(connects, other, other);
    SSL_set_accept_state(accepts);
    SSL_set_connect_state(connects);
    ERR_clear_error();
    for (int i = 0; i < 4; i++) {
        (void)SSL_do_handshake(connects);
        ERR_clear_error();
        if (SSL_do_handshake(accepts) <= 0 && SSL_get_error(accepts, -1) == SSL_ERROR_SSL) {
            break;
        }
    }
    int reason = ERR_GET_REASON(ERR_peek_error());
    ERR_clear_error();
    SSL_free(accepts);
    SSL_free(connects);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    return reason - SSL_AD_REASON_OFFSET;
}

static void has_libssl_send_the_alert(void **state)
{
    static const SECURITY_STATUS verdicts[] = {
        SEC_E_UNTRUSTED_ROOT,      SEC_E_WRONG_PRINCIPAL, SEC_E_CERT_EXPIRED,         SEC_E_CERT_WRONG_USAGE,
        CRYPT_E_REVOKED,           SEC_E_CERT_UNKNOWN,    CRYPT_E_REVOCATION_OFFLINE, CRYPT_E_NO_REVOCATION_CHECK,
        SEC_E_INSUFFICIENT_MEMORY,
    };
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        assert_int_equal(alert_read(verdicts[i]), verify_alert(verdicts[i]));
    }
}

static void needs_a_leaf(void **state)
{
    AUTO_VERIFY_RESULT result;
    assert_int_equal(verify_peer(&(struct verify_request){.leaf = NULL}, &result), SEC_E_INVALID_PARAMETER);
    assert_int_equal(result.verdict, SEC_E_INVALID_PARAMETER);
    assert_int_equal(result.chain.count, 0);
}

/* CERT_CHAIN_EXCLUSIVE_ENABLE_CA_FLAG: an intermediate, and even a leaf, may be the anchor. */
static void lets_any_certificate_be_the_anchor(void **state)
{
    const char *const anchors[] = {"intermediate", "server-p256"};
    for (size_t i = 0; i < 2; i++) {
        struct roots *roots = pki_roots(anchors[i]);
        X509 *leaf = pki_certificate("server-p256");
        AUTO_CHAIN chain = {.count = 0};
        struct chain_request request = {
            .leaf = leaf, .roots = roots, .any_anchor = true, .revocation = REVOCATION_CHAIN};
        assert_int_equal(chain_build(&request, &chain), SEC_E_OK);
        assert_int_equal(chain.count, i == 0 ? 2 : 1);
        assert_int_equal(chain.errors, i == 0 ? CERT_TRUST_REVOCATION_STATUS_UNKNOWN : 0);
        X509_free(leaf);
        roots_free(roots);
    }
}

/* CERT_CHAIN_PARA.RequestedUsage: all of them, or one of them. */
static void asks_for_usages(void **state)
{
    static const char *const both[] = {"1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"};
    static const char *const neither[] = {"1.3.6.1.5.5.7.3.2", "1.2.3.4"};
    static const char *const nonsense[] = {"server"};
    struct roots *roots = pki_roots(ROOT);
    X509 *leaf = pki_certificate("server-p256");
    STACK_OF(X509) *others = pki_certificates(INT);
    struct chain_request request = {.leaf = leaf, .others = others, .roots = roots, .usages = both, .usage_count = 2};
    const struct {
        const char *const *usages;
        bool any;
        uint32_t errors;
    } cases[] = {
        {both, false, CERT_TRUST_IS_NOT_VALID_FOR_USAGE},
        {both, true, 0},
        {neither, true, CERT_TRUST_IS_NOT_VALID_FOR_USAGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO_CHAIN chain = {.count = 0};
        request.usages = cases[i].usages;
        request.any_usage = cases[i].any;
        assert_int_equal(chain_build(&request, &chain), SEC_E_OK);
        assert_int_equal(chain.errors, cases[i].errors);
        assert_int_equal(chain.elements[0].errors, cases[i].errors);
    }
    AUTO_CHAIN none = {.count = 0};
    request.usages = nonsense;
    request.usage_count = 1;
    assert_int_equal(chain_build(&request, &none), SEC_E_INVALID_PARAMETER);
    assert_int_equal(none.count, 0);
    sk_X509_pop_free(others, X509_free);
    X509_free(leaf);
    roots_free(roots);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_verdict),
        cmocka_unit_test(knows_the_revoked),
        cmocka_unit_test(sees_a_changed_certificate),
        cmocka_unit_test(says_why),
        cmocka_unit_test(names_the_alert),
        cmocka_unit_test(has_libssl_send_the_alert),
        cmocka_unit_test(needs_a_leaf),
        cmocka_unit_test(lets_any_certificate_be_the_anchor),
        cmocka_unit_test(asks_for_usages),
    };
    if (pki_missing()) {
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
