/* Chains of certificates through the public functions: what CertGetCertificateChain finds, what policies say of it, and
 * what is refused.  Certificates come from the throw-away PKI (SSPI_TEST_PKI), whose root the policy file of this test
 * trusts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "windows.h"

#include "wincrypt.h"

static HCERTSTORE others;

/* The first certificate of NAME.pem. */
static PCCERT_CONTEXT load(const char *name)
{
    static char text[16384];
    static BYTE der[16384];
    char path[4096];
    DWORD size = sizeof der;
    (void)snprintf(path, sizeof path, "%s/%s.pem", getenv("SSPI_TEST_PKI"), name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    assert_true(CryptStringToBinaryA(text, 0, CRYPT_STRING_BASE64HEADER, der, &size, NULL, NULL));
    PCCERT_CONTEXT context = CertCreateCertificateContext(X509_ASN_ENCODING, der, size);
    assert_non_null(context);
    return context;
}

static void add(HCERTSTORE store, const char *name)
{
    PCCERT_CONTEXT context = load(name);
    assert_true(CertAddCertificateContextToStore(store, context, CERT_STORE_ADD_ALWAYS, NULL));
    assert_true(CertFreeCertificateContext(context));
}

static HCERTSTORE store_of(const char *name)
{
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    assert_non_null(store);
    add(store, name);
    return store;
}

static PCCERT_CHAIN_CONTEXT chain_by(HCERTCHAINENGINE engine, const char *name, DWORD flags)
{
    CERT_CHAIN_PARA para = {.cbSize = sizeof para};
    PCCERT_CHAIN_CONTEXT chain = NULL;
    PCCERT_CONTEXT leaf = load(name);
    assert_true(CertGetCertificateChain(engine, leaf, NULL, others, &para, flags, NULL, &chain));
    assert_non_null(chain);
    assert_ptr_equal(chain->rgpChain[0]->rgpElement[0]->pCertContext, leaf);
    assert_true(CertFreeCertificateContext(leaf)); /* the chain has a reference of its own */
    return chain;
}

/* ---------------------------------------------------------------- what a chain is */

static void has_the_sdks_shape(void **state)
{
    PCCERT_CHAIN_CONTEXT chain = chain_by(NULL, "server-p256", CERT_CHAIN_REVOCATION_CHECK_END_CERT);
    assert_int_equal(chain->cbSize, 72);
    assert_int_equal(chain->cChain, 1);
    assert_int_equal(chain->dwCreateFlags, CERT_CHAIN_REVOCATION_CHECK_END_CERT);
    assert_int_equal(chain->TrustStatus.dwErrorStatus, CERT_TRUST_REVOCATION_STATUS_UNKNOWN);
    PCCERT_SIMPLE_CHAIN simple = chain->rgpChain[0];
    assert_int_equal(simple->cbSize, 40);
    assert_int_equal(simple->cElement, 3);
    for (DWORD i = 0; i < 3; i++) {
        PCCERT_CHAIN_ELEMENT element = simple->rgpElement[i];
        assert_int_equal(element->cbSize, 56);
        assert_non_null(element->pCertContext->pCertInfo);
        assert_int_equal(element->TrustStatus.dwErrorStatus, i == 0 ? CERT_TRUST_REVOCATION_STATUS_UNKNOWN : 0);
        assert_int_equal((element->TrustStatus.dwInfoStatus & CERT_TRUST_IS_SELF_SIGNED) != 0, i == 2);
        assert_int_equal(element->pRevocationInfo != NULL, i == 0);
    }
    assert_int_equal((LONG)simple->rgpElement[0]->pRevocationInfo->dwRevocationResult, CRYPT_E_NO_REVOCATION_CHECK);
    PCERT_ENHKEY_USAGE usage = simple->rgpElement[0]->pApplicationUsage;
    assert_int_equal(usage->cUsageIdentifier, 1);
    assert_string_equal(usage->rgpszUsageIdentifier[0], "1.3.6.1.5.5.7.3.1");
    assert_null(simple->rgpElement[1]->pApplicationUsage);
    assert_ptr_equal(simple->rgpElement[1]->pCertContext->hCertStore, others); /* the one that lies there */
    PCCERT_CHAIN_CONTEXT second = CertDuplicateCertificateChain(chain);
    assert_ptr_equal(second, chain);
    CertFreeCertificateChain(chain);
    assert_int_equal(second->rgpChain[0]->cElement, 3);
    CertFreeCertificateChain(second);
}

/* A bad chain is an answer: TRUE, and the bits. */
static void succeeds_for_bad_chains(void **state)
{
    static const struct {
        const char *name;
        DWORD errors;
    } cases[] = {
        {"server-rsa", 0},
        {"expired", CERT_TRUST_IS_NOT_TIME_VALID},
        {"selfsigned", CERT_TRUST_IS_UNTRUSTED_ROOT},
        {"unknown", CERT_TRUST_IS_PARTIAL_CHAIN},
        {"criticalext", CERT_TRUST_HAS_NOT_SUPPORTED_CRITICAL_EXT},
        {"withcdp", 0}, /* revocation was not asked for, so it is not unknown */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PCCERT_CHAIN_CONTEXT chain = chain_by(NULL, cases[i].name, 0);
        assert_int_equal(chain->TrustStatus.dwErrorStatus, cases[i].errors);
        CertFreeCertificateChain(chain);
    }
}

/* libgit2, curl: CERT_CHAIN_PARA.RequestedUsage, pTime, a CERT_CONTEXT that the program made. */
static void takes_what_programs_give(void **state)
{
    char client[] = "1.3.6.1.5.5.7.3.2", server[] = "1.3.6.1.5.5.7.3.1";
    LPSTR usages[] = {client, server};
    struct {
        CERT_CHAIN_PARA para;
        BYTE more[64];
    } wide = {.para = {.cbSize = sizeof wide}};
    CERT_CHAIN_PARA para = {.cbSize = sizeof para, .RequestedUsage = {USAGE_MATCH_TYPE_AND, {2, usages}}};
    FILETIME then = {0, 0x01d60000}; /* in March 2020, when "expired" had not */
    PCCERT_CHAIN_CONTEXT chain = NULL;
    PCCERT_CONTEXT leaf = load("expired");
    CERT_CONTEXT made = {X509_ASN_ENCODING, leaf->pbCertEncoded, leaf->cbCertEncoded, NULL, NULL};
    assert_true(CertGetCertificateChain(NULL, &made, &then, others, &para, 0, NULL, &chain));
    assert_int_equal(chain->TrustStatus.dwErrorStatus, CERT_TRUST_IS_NOT_VALID_FOR_USAGE);
    CertFreeCertificateChain(chain);
    para.RequestedUsage.dwType = USAGE_MATCH_TYPE_OR;
    assert_true(CertGetCertificateChain(HCCE_LOCAL_MACHINE, &made, &then, others, &para, 0, NULL, &chain));
    assert_int_equal(chain->TrustStatus.dwErrorStatus, 0);
    CertFreeCertificateChain(chain);
    assert_true(CertGetCertificateChain(NULL, leaf, &then, others, &wide.para, 0, NULL, &chain));
    CertFreeCertificateChain(chain);
    wide.more[8] = 1; /* RequestedIssuancePolicy.Usage.cUsageIdentifier */
    assert_false(CertGetCertificateChain(NULL, leaf, &then, others, &wide.para, 0, NULL, &chain));
    assert_int_equal(GetLastError(), ERROR_NOT_SUPPORTED);
    assert_true(CertFreeCertificateContext(leaf));
}

static void refuses(void **state)
{
    CERT_CHAIN_PARA para = {.cbSize = sizeof para};
    PCCERT_CHAIN_CONTEXT chain = (PCCERT_CHAIN_CONTEXT)&para;
    PCCERT_CONTEXT leaf = load("server-p256");
    BYTE rubbish[] = {0x30, 0x03, 0x02, 0x01, 0x00};
    CERT_CONTEXT made = {X509_ASN_ENCODING, rubbish, sizeof rubbish, NULL, NULL};
    assert_false(CertGetCertificateChain(NULL, NULL, NULL, others, &para, 0, NULL, &chain));
    assert_int_equal((LONG)GetLastError(), E_INVALIDARG);
    assert_false(CertGetCertificateChain(NULL, &made, NULL, others, &para, 0, NULL, &chain));
    assert_false(CertGetCertificateChain(NULL, leaf, NULL, others, NULL, 0, NULL, &chain));
    assert_int_equal((LONG)GetLastError(), E_INVALIDARG);
    para.cbSize = 8;
    assert_false(CertGetCertificateChain(NULL, leaf, NULL, others, &para, 0, NULL, &chain));
    para.cbSize = sizeof para;
    assert_false(
        CertGetCertificateChain((HCERTCHAINENGINE)0x4141414141414140, leaf, NULL, others, &para, 0, NULL, &chain));
    assert_int_equal(GetLastError(), ERROR_INVALID_HANDLE);
    assert_false(CertGetCertificateChain(NULL, leaf, NULL, (HCERTSTORE)&para, &para, 0, NULL, &chain));
    assert_ptr_equal(chain, &para); /* outputs are written on success only */
    assert_true(CertGetCertificateChain(NULL, leaf, NULL, others, &para, 0, NULL, NULL));
    CertFreeCertificateChain(NULL);
    CertFreeCertificateChain((PCCERT_CHAIN_CONTEXT)&para);
    assert_null(CertDuplicateCertificateChain(NULL));
    chain = chain_by(NULL, "server-p256", 0);
    CertFreeCertificateChain(chain);
    CertFreeCertificateChain(chain); /* once too often */
    assert_null(CertDuplicateCertificateChain(chain));
    assert_true(CertFreeCertificateContext(leaf));
}

/* ---------------------------------------------------------------- engines */

static DWORD errors_by(CERT_CHAIN_ENGINE_CONFIG *config, const char *name)
{
    HCERTCHAINENGINE engine = NULL;
    assert_true(CertCreateCertificateChainEngine(config, &engine));
    PCCERT_CHAIN_CONTEXT chain = chain_by(engine, name, 0);
    DWORD errors = chain->TrustStatus.dwErrorStatus;
    CertFreeCertificateChain(chain);
    CertFreeCertificateChainEngine(engine);
    CertFreeCertificateChainEngine(engine); /* once too often */
    return errors;
}

static void has_engines(void **state)
{
    static const DWORD sizes[] = {88, 80};
    HCERTSTORE stranger = store_of("stranger");
    HCERTSTORE root = store_of("root");
    HCERTSTORE intermediate = store_of("intermediate");
    for (size_t i = 0; i < 2; i++) {
        CERT_CHAIN_ENGINE_CONFIG config = {.cbSize = sizes[i], .hExclusiveRoot = stranger};
        assert_int_equal(errors_by(&config, "unknown"), 0);
        assert_int_equal(errors_by(&config, "server-p256"), CERT_TRUST_IS_PARTIAL_CHAIN);
    }
    CERT_CHAIN_ENGINE_CONFIG ca = {.cbSize = 88, .hExclusiveRoot = intermediate};
    assert_int_equal(errors_by(&ca, "server-p256"), CERT_TRUST_IS_PARTIAL_CHAIN);
    ca.dwExclusiveFlags = CERT_CHAIN_EXCLUSIVE_ENABLE_CA_FLAG;
    assert_int_equal(errors_by(&ca, "server-p256"), 0);
    ca.cbSize = 80; /* headers that do not have the flag */
    assert_int_equal(errors_by(&ca, "server-p256"), CERT_TRUST_IS_PARTIAL_CHAIN);
    CERT_CHAIN_ENGINE_CONFIG restricted = {.cbSize = 64, .hRestrictedRoot = stranger, .hExclusiveRoot = root};
    assert_int_equal(errors_by(&restricted, "unknown"), CERT_TRUST_IS_PARTIAL_CHAIN); /* not the system's, too */
    assert_int_equal(errors_by(&restricted, "server-p256"), CERT_TRUST_IS_PARTIAL_CHAIN);
    restricted.hRestrictedRoot = root;
    assert_int_equal(errors_by(&restricted, "server-p256"), 0);
    CERT_CHAIN_ENGINE_CONFIG more = {.cbSize = 88, .cAdditionalStore = 1, .rghAdditionalStore = &stranger};
    assert_int_equal(errors_by(&more, "unknown"), CERT_TRUST_IS_UNTRUSTED_ROOT);
    HCERTCHAINENGINE engine = NULL;
    CERT_CHAIN_ENGINE_CONFIG bad = {.cbSize = 87};
    assert_false(CertCreateCertificateChainEngine(&bad, &engine));
    assert_int_equal((LONG)GetLastError(), E_INVALIDARG);
    assert_false(CertCreateCertificateChainEngine(NULL, &engine));
    bad = (CERT_CHAIN_ENGINE_CONFIG){.cbSize = 88, .hExclusiveTrustedPeople = root};
    assert_false(CertCreateCertificateChainEngine(&bad, &engine));
    assert_int_equal(GetLastError(), ERROR_NOT_SUPPORTED);
    assert_null(engine);
    CertFreeCertificateChainEngine(NULL);
    CertFreeCertificateChainEngine(HCCE_LOCAL_MACHINE);
    assert_true(CertCloseStore(stranger, 0) && CertCloseStore(root, 0) && CertCloseStore(intermediate, 0));
}

/* ---------------------------------------------------------------- policies */

struct policy_case {
    const char *leaf;
    LPCSTR policy;
    DWORD flags; /* CERT_CHAIN_POLICY_PARA */
    DWORD auth;  /* 0: no SSL parameters */
    DWORD checks;
    const WCHAR *host;
    DWORD build; /* CERT_CHAIN_REVOCATION_* */
    DWORD error;
    LONG chain, element;
};

static const WCHAR www[] = {'w', 'w', 'w', '.', 'e', 'x', 'a', 'm', 'p', 'l', 'e', '.', 'c', 'o', 'm', 0};
static const WCHAR other[] = {'o', 't', 'h', 'e', 'r', '.', 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};
static const WCHAR nowhere[] = {0};

#define SSL  CERT_CHAIN_POLICY_SSL
#define BASE CERT_CHAIN_POLICY_BASE
#define JUNK 0x00CC0011u /* libgit2 leaves fdwChecks uninitialised; none of the documented bits */

static const struct policy_case policies[] = {
    {"server-p256", BASE, 0, 0, 0, NULL, 0, 0, -1, -1},
    {"server-p256", SSL, 0, 0, 0, NULL, 0, 0, -1, -1},
    {"server-p256", SSL, 0, AUTHTYPE_SERVER, JUNK, www, 0, 0, -1, -1},
    {"server-p256", SSL, 0, AUTHTYPE_SERVER, 0, NULL, 0, 0, -1, -1},
    {"server-p256", SSL, 0, AUTHTYPE_SERVER, JUNK, other, 0, (DWORD)CERT_E_CN_NO_MATCH, 0, 0},
    {"server-p256", SSL, 0, AUTHTYPE_SERVER, 0, nowhere, 0, (DWORD)CERT_E_CN_NO_MATCH, 0, 0},
    {"server-p256", SSL, 0, AUTHTYPE_SERVER, SECURITY_FLAG_IGNORE_CERT_CN_INVALID, other, 0, 0, -1, -1},
    {"server-p256", SSL, 0, AUTHTYPE_CLIENT, 0, www, 0, (DWORD)CERT_E_WRONG_USAGE, 0, 0},
    {"client", SSL, 0, AUTHTYPE_CLIENT, 0, www, 0, 0, -1, -1},
    {"client", SSL, 0, AUTHTYPE_SERVER, SECURITY_FLAG_IGNORE_WRONG_USAGE, NULL, 0, 0, -1, -1},
    {"unknown", BASE, 0, 0, 0, NULL, 0, (DWORD)CERT_E_CHAINING, 0, -1},
    {"unknown", BASE, CERT_CHAIN_POLICY_ALLOW_UNKNOWN_CA_FLAG, 0, 0, NULL, 0, 0, -1, -1},
    {"selfsigned", SSL, 0, AUTHTYPE_SERVER, 0, www, 0, (DWORD)CERT_E_UNTRUSTEDROOT, 0, 0},
    {"selfsigned", SSL, 0, AUTHTYPE_SERVER, SECURITY_FLAG_IGNORE_UNKNOWN_CA, www, 0, 0, -1, -1},
    {"selfsigned", SSL, 0, AUTHTYPE_SERVER, SECURITY_FLAG_IGNORE_UNKNOWN_CA, other, 0, (DWORD)CERT_E_CN_NO_MATCH, 0, 0},
    {"expired", BASE, 0, 0, 0, NULL, 0, (DWORD)CERT_E_EXPIRED, 0, 0},
    {"expired", BASE, CERT_CHAIN_POLICY_IGNORE_NOT_TIME_VALID_FLAG, 0, 0, NULL, 0, 0, -1, -1},
    {"expired", SSL, 0, AUTHTYPE_SERVER, SECURITY_FLAG_IGNORE_CERT_DATE_INVALID, www, 0, 0, -1, -1},
    {"server-p256", BASE, 0, 0, 0, NULL, CERT_CHAIN_REVOCATION_CHECK_CHAIN, (DWORD)CRYPT_E_NO_REVOCATION_CHECK, 0, 0},
    {"server-p256", BASE, CERT_CHAIN_POLICY_IGNORE_END_REV_UNKNOWN_FLAG, 0, 0, NULL, CERT_CHAIN_REVOCATION_CHECK_CHAIN,
     (DWORD)CRYPT_E_NO_REVOCATION_CHECK, 0, 1},
    {"server-p256", BASE, CERT_CHAIN_POLICY_IGNORE_ALL_REV_UNKNOWN_FLAGS, 0, 0, NULL, CERT_CHAIN_REVOCATION_CHECK_CHAIN,
     0, -1, -1},
    {"withcdp", SSL, 0, AUTHTYPE_SERVER, 0, www, CERT_CHAIN_REVOCATION_CHECK_END_CERT,
     (DWORD)CRYPT_E_REVOCATION_OFFLINE, 0, 0},
    {"withcdp", SSL, 0, AUTHTYPE_SERVER, SECURITY_FLAG_IGNORE_REVOCATION, www, CERT_CHAIN_REVOCATION_CHECK_END_CERT, 0,
     -1, -1},
    {"server-p256", CERT_CHAIN_POLICY_BASIC_CONSTRAINTS, 0, 0, 0, NULL, 0, 0, -1, -1},
    {"server-p256", CERT_CHAIN_POLICY_BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_CERT_CHAIN_POLICY_CA_FLAG, 0, 0, NULL, 0,
     (DWORD)TRUST_E_BASIC_CONSTRAINTS, 0, 0},
    {"intermediate", CERT_CHAIN_POLICY_BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_CERT_CHAIN_POLICY_CA_FLAG, 0, 0, NULL, 0, 0,
     -1, -1},
};

static void gives_the_policys_verdict(void **state)
{
    bool good = true;
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        const struct policy_case *at = &policies[i];
        SSL_EXTRA_CERT_CHAIN_POLICY_PARA ssl = {
            .cbSize = sizeof ssl, .dwAuthType = at->auth, .fdwChecks = at->checks, .pwszServerName = (WCHAR *)at->host};
        CERT_CHAIN_POLICY_PARA para = {sizeof para, at->flags, at->auth == 0 ? NULL : &ssl};
        CERT_CHAIN_POLICY_STATUS status = {.cbSize = sizeof status, .dwError = 7};
        PCCERT_CHAIN_CONTEXT chain = chain_by(NULL, at->leaf, at->build);
        assert_true(CertVerifyCertificateChainPolicy(at->policy, chain, &para, &status));
        if (status.dwError != at->error || status.lChainIndex != at->chain || status.lElementIndex != at->element) {
            print_message("# row %zu, %s: %08x %d %d, expected %08x %d %d\n", i, at->leaf, status.dwError,
                          status.lChainIndex, status.lElementIndex, at->error, at->chain, at->element);
            good = false;
        }
        CertFreeCertificateChain(chain);
    }
    assert_true(good);
}

static void refuses_other_policies(void **state)
{
    CERT_CHAIN_POLICY_STATUS status = {.cbSize = sizeof status, .dwError = 7};
    SSL_EXTRA_CERT_CHAIN_POLICY_PARA ssl = {.cbSize = 8};
    CERT_CHAIN_POLICY_PARA para = {sizeof para, 0, &ssl};
    PCCERT_CHAIN_CONTEXT chain = chain_by(NULL, "server-p256", 0);
    assert_true(CertVerifyCertificateChainPolicy(SSL, chain, NULL, &status));
    assert_int_equal(status.dwError, 0);
    status.dwError = 7;
    assert_false(CertVerifyCertificateChainPolicy(CERT_CHAIN_POLICY_AUTHENTICODE, chain, NULL, &status));
    assert_int_equal(GetLastError(), ERROR_FILE_NOT_FOUND);
    assert_false(CertVerifyCertificateChainPolicy(SSL, chain, &para, &status));
    assert_int_equal((LONG)GetLastError(), E_INVALIDARG);
    assert_false(CertVerifyCertificateChainPolicy(SSL, NULL, NULL, &status));
    assert_false(CertVerifyCertificateChainPolicy(SSL, chain, NULL, NULL));
    assert_int_equal(status.dwError, 7);
    CertFreeCertificateChain(chain);
}

/* ---------------------------------------------------------------- single questions */

static void compares_times(void **state)
{
    PCCERT_CONTEXT now = load("server-p256");
    PCCERT_CONTEXT past = load("expired");
    PCCERT_CONTEXT future = load("notyet");
    FILETIME early = {0, 1};
    assert_int_equal(CertVerifyTimeValidity(NULL, now->pCertInfo), 0);
    assert_int_equal(CertVerifyTimeValidity(NULL, past->pCertInfo), 1);
    assert_int_equal(CertVerifyTimeValidity(NULL, future->pCertInfo), -1);
    assert_int_equal(CertVerifyTimeValidity(&early, now->pCertInfo), -1);
    assert_int_equal(CertVerifyTimeValidity(&now->pCertInfo->NotBefore, now->pCertInfo), 0);
    assert_int_equal(CertVerifyTimeValidity(&now->pCertInfo->NotAfter, now->pCertInfo), 0);
    assert_true(CertVerifyValidityNesting(past->pCertInfo, now->pCertInfo));
    assert_false(CertVerifyValidityNesting(now->pCertInfo, past->pCertInfo));
    assert_true(CertFreeCertificateContext(now) && CertFreeCertificateContext(past) &&
                CertFreeCertificateContext(future));
}

static void finds_issuers(void **state)
{
    PCCERT_CONTEXT leaf = load("server-p256");
    PCCERT_CONTEXT root = load("root");
    PCCERT_CONTEXT wrong = load("stranger");
    DWORD flags = CERT_STORE_SIGNATURE_FLAG | CERT_STORE_TIME_VALIDITY_FLAG | CERT_STORE_REVOCATION_FLAG;
    PCCERT_CONTEXT issuer = CertGetIssuerCertificateFromStore(others, leaf, NULL, &flags);
    assert_non_null(issuer);
    assert_ptr_equal(issuer->hCertStore, others);
    assert_int_equal(flags, CERT_STORE_REVOCATION_FLAG | CERT_STORE_NO_CRL_FLAG);
    flags = CERT_STORE_SIGNATURE_FLAG | CERT_STORE_TIME_VALIDITY_FLAG;
    assert_true(CertVerifySubjectCertificateContext(leaf, issuer, &flags));
    assert_int_equal(flags, 0);
    flags = CERT_STORE_SIGNATURE_FLAG;
    assert_true(CertVerifySubjectCertificateContext(leaf, wrong, &flags));
    assert_int_equal(flags, CERT_STORE_SIGNATURE_FLAG);
    flags = CERT_STORE_SIGNATURE_FLAG;
    assert_true(CertVerifySubjectCertificateContext(leaf, NULL, &flags));
    assert_int_equal(flags, CERT_STORE_SIGNATURE_FLAG | CERT_STORE_NO_ISSUER_FLAG);
    flags = CERT_STORE_SIGNATURE_FLAG;
    assert_true(CertVerifySubjectCertificateContext(root, NULL, &flags));
    assert_int_equal(flags, 0);
    flags = 0x40000000;
    assert_false(CertVerifySubjectCertificateContext(leaf, issuer, &flags));
    assert_int_equal((LONG)GetLastError(), E_INVALIDARG);
    flags = 0;
    assert_null(CertGetIssuerCertificateFromStore(others, leaf, issuer, &flags)); /* consumes `issuer` */
    assert_int_equal((LONG)GetLastError(), CRYPT_E_NOT_FOUND);
    assert_null(CertGetIssuerCertificateFromStore(others, root, NULL, &flags));
    assert_int_equal((LONG)GetLastError(), CRYPT_E_SELF_SIGNED);
    assert_true(CertFreeCertificateContext(leaf) && CertFreeCertificateContext(root) &&
                CertFreeCertificateContext(wrong));
}

static void asks_for_revocation(void **state)
{
    PCCERT_CONTEXT leaf = load("withcdp");
    PCCERT_CONTEXT issuer = load("intermediate");
    PVOID contexts[] = {(PVOID)leaf};
    CERT_REVOCATION_PARA para = {.cbSize = sizeof para, .pIssuerCert = issuer};
    CERT_REVOCATION_STATUS status = {.cbSize = sizeof status, .dwIndex = 7};
    assert_false(CertVerifyRevocation(X509_ASN_ENCODING, CERT_CONTEXT_REVOCATION_TYPE, 1, contexts, 0, &para, &status));
    assert_int_equal((LONG)GetLastError(), CRYPT_E_REVOCATION_OFFLINE);
    assert_int_equal((LONG)status.dwError, CRYPT_E_REVOCATION_OFFLINE);
    assert_int_equal(status.dwIndex, 0);
    assert_false(CertVerifyRevocation(X509_ASN_ENCODING, CERT_CONTEXT_REVOCATION_TYPE, 1, contexts, 0, NULL, &status));
    assert_int_equal((LONG)GetLastError(), CRYPT_E_NO_REVOCATION_CHECK);
    assert_false(CertVerifyRevocation(X509_ASN_ENCODING, 2, 1, contexts, 0, NULL, &status));
    assert_int_equal((LONG)GetLastError(), E_INVALIDARG);
    assert_true(CertFreeCertificateContext(leaf) && CertFreeCertificateContext(issuer));
}

static void lists_usages(void **state)
{
    BYTE room[256], bits[3] = {9, 9, 9};
    PCERT_ENHKEY_USAGE usage = (PCERT_ENHKEY_USAGE)(void *)room;
    DWORD size = 0;
    PCCERT_CONTEXT server = load("server-p256");
    PCCERT_CONTEXT any = load("nousage");
    assert_true(CertGetEnhancedKeyUsage(server, 0, NULL, &size));
    DWORD needed = size;
    assert_int_equal(needed, 16 + 8 + sizeof "1.3.6.1.5.5.7.3.1");
    size = needed - 1;
    assert_false(CertGetEnhancedKeyUsage(server, 0, usage, &size));
    assert_int_equal(GetLastError(), ERROR_MORE_DATA);
    assert_int_equal(size, needed);
    size = sizeof room;
    assert_true(CertGetEnhancedKeyUsage(server, CERT_FIND_EXT_ONLY_ENHKEY_USAGE_FLAG, usage, &size));
    assert_int_equal(usage->cUsageIdentifier, 1);
    assert_string_equal(usage->rgpszUsageIdentifier[0], "1.3.6.1.5.5.7.3.1");
    size = sizeof room;
    assert_true(CertGetEnhancedKeyUsage(any, 0, usage, &size));
    assert_int_equal(usage->cUsageIdentifier, 0);
    assert_int_equal((LONG)GetLastError(), CRYPT_E_NOT_FOUND); /* good for everything */
    assert_true(CertGetIntendedKeyUsage(X509_ASN_ENCODING, server->pCertInfo, bits, sizeof bits));
    assert_int_equal(bits[0], CERT_DIGITAL_SIGNATURE_KEY_USAGE);
    assert_int_equal(bits[1] | bits[2], 0);
    CERT_INFO bare = *server->pCertInfo;
    bare.cExtension = 0;
    assert_false(CertGetIntendedKeyUsage(X509_ASN_ENCODING, &bare, bits, sizeof bits));
    assert_int_equal(GetLastError(), 0);
    assert_true(CertFreeCertificateContext(server) && CertFreeCertificateContext(any));
}

/* ---------------------------------------------------------------- surroundings */

static char policy_file[] = "/tmp/sspi-chain-XXXXXX";

static int set_up(void **state)
{
    char text[4352];
    int file = mkstemp(policy_file);
    int size = snprintf(text, sizeof text, "[certificates]\nroots = %s/root.pem\n", getenv("SSPI_TEST_PKI"));
    if (file < 0 || size <= 0 || write(file, text, (size_t)size) != size || close(file) != 0) {
        return -1;
    }
    (void)setenv("SSPI_CONFIG", policy_file, 1);
    others = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    add(others, "intermediate");
    add(others, "server-rsa");
    return 0;
}

static int tear_down(void **state)
{
    return CertCloseStore(others, CERT_CLOSE_STORE_CHECK_FLAG) && unlink(policy_file) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_sdks_shape),
        cmocka_unit_test(succeeds_for_bad_chains),
        cmocka_unit_test(takes_what_programs_give),
        cmocka_unit_test(refuses),
        cmocka_unit_test(has_engines),
        cmocka_unit_test(gives_the_policys_verdict),
        cmocka_unit_test(refuses_other_policies),
        cmocka_unit_test(compares_times),
        cmocka_unit_test(finds_issuers),
        cmocka_unit_test(asks_for_revocation),
        cmocka_unit_test(lists_usages),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (getenv("SSPI_TEST_PKI") == NULL || getenv("SSPI_TEST_PKI")[0] == '\0') {
        print_message("1..0 # SKIP the openssl command is missing, so there are no certificates to test with\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
