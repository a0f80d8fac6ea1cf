/* Verification in which the n-th allocation of OpenSSL fails, for every n: no failure makes a bad certificate good, and
 * nothing leaks or crashes. */
#include "pki.h"

#include "windows.h"

#include "wincrypt.h"

#include "cert/verify.h"

static unsigned long left; /* allocations until one fails; 0: none does */
static bool has_failed;

static bool refuse(void)
{
    if (left == 0 || --left != 0) {
        return false;
    }
    has_failed = true;
    return true;
}

static void *give(size_t size, const char *file, int line)
{
    return refuse() ? NULL : malloc(size);
}

static void *give_again(void *memory, size_t size, const char *file, int line)
{
    return refuse() ? NULL : realloc(memory, size);
}

static void take_back(void *memory, const char *file, int line)
{
    free(memory);
}

static const struct {
    const char *leaf, *others, *crls, *staple, *host;
    SECURITY_STATUS verdict;
} cases[] = {
    {"server-p256", "intermediate", "intermediate", "good.ocsp", "www.example.com", SEC_E_OK},
    {"server-p256", "intermediate", "intermediate", "good.ocsp", "other.example.com", SEC_E_WRONG_PRINCIPAL},
    {"commonname", "intermediate", "intermediate", NULL, "192.0.2.1", SEC_E_WRONG_PRINCIPAL},
    {"revoked", "intermediate", "intermediate", NULL, "www.example.com", CRYPT_E_REVOKED},
    {"revoked", "intermediate", NULL, "revoked.ocsp", "www.example.com", CRYPT_E_REVOKED},
    {"server-p256", "intermediate", NULL, "unauthorised.ocsp", "www.example.com", CRYPT_E_REVOCATION_OFFLINE},
    {"wrongusage", "intermediate", "intermediate", NULL, "www.example.com", SEC_E_CERT_WRONG_USAGE},
    {"outside", "permitted", NULL, NULL, "www.example.com", SEC_E_CERT_UNKNOWN},
    {"nopolicy", "policyca", NULL, NULL, "www.example.com", SEC_E_CERT_UNKNOWN},
    {"unknown", "stranger", NULL, NULL, "www.example.com", SEC_E_UNTRUSTED_ROOT},
};

/* A fresh certificate each time, as a peer's is: what is cached of its extensions is read anew. */
static SECURITY_STATUS verify_without(size_t which, unsigned long n, struct roots *roots)
{
    uint16_t host[300];
    pki_wide(cases[which].host, host);
    X509 *leaf = pki_certificate(cases[which].leaf);
    STACK_OF(X509) *others = pki_certificates(cases[which].others);
    STACK_OF(X509_CRL) *crls = pki_crls(cases[which].crls);
    struct bytes staple = pki_file(cases[which].staple);
    struct verify_request request = {.leaf = leaf,
                                     .others = others,
                                     .crls = crls,
                                     .roots = roots,
                                     .peer_is_server = true,
                                     .check_name = true,
                                     .host = utf16_from_wide(host),
                                     .revocation = REVOCATION_END,
                                     .ocsp_staple = staple};
    AUTO_VERIFY_RESULT result;
    has_failed = false;
    left = n;
    SECURITY_STATUS status = verify_peer(&request, &result);
    left = 0;
    assert_int_equal(result.verdict, status);
    free((void *)staple.data);
    sk_X509_CRL_pop_free(crls, X509_CRL_free);
    sk_X509_pop_free(others, X509_free);
    X509_free(leaf);
    return status;
}

static void never_makes_bad_good(void **state)
{
    struct roots *roots = pki_roots("root");
    for (size_t which = 0; which < sizeof cases / sizeof cases[0]; which++) {
        assert_int_equal(verify_without(which, 0, roots), cases[which].verdict);
        unsigned long n = 1;
        for (;; n++) {
            SECURITY_STATUS status = verify_without(which, n, roots);
            if (!has_failed) {
                assert_int_equal(status, cases[which].verdict);
                break;
            }
            if (status == SEC_E_OK && cases[which].verdict != SEC_E_OK) {
                print_message("# %s for %s is good without allocation %lu\n", cases[which].leaf, cases[which].host, n);
                fail();
            }
        }
        assert_true(n > 20); /* there were allocations to refuse */
    }
    roots_free(roots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(never_makes_bad_good)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (pki_missing()) {
        return 0;
    }
    if (CRYPTO_set_mem_functions(give, give_again, take_back) != 1) {
        print_message("1..0 # SKIP OpenSSL has allocated already\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
