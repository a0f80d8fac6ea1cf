/* TLS as a program has it: the shared library, certificates from files, automatic validation against a store of roots. */
#include "tls.h"

/* Right, and wrong in one way each (tests/support/pki.py). */
static void test_validation(void **state)
{
    static const struct {
        const char *name, *target;
        SECURITY_STATUS status;
    } cases[] = {
        {"server-p256", "www.example.com", SEC_E_OK},
        {"server-rsa", "www.example.com", SEC_E_OK},
        {"server-ed25519", "www.example.com", SEC_E_OK},
        {"server-rsa", "192.0.2.1", SEC_E_OK},
        {"server-rsa", "www.example.org", SEC_E_WRONG_PRINCIPAL},
        {"wrongname", "www.example.com", SEC_E_WRONG_PRINCIPAL},
        {"expired", "www.example.com", SEC_E_CERT_EXPIRED},
        {"notyet", "www.example.com", SEC_E_CERT_EXPIRED},
        {"wrongusage", "www.example.com", SEC_E_CERT_WRONG_USAGE},
        {"unknown", "www.example.com", SEC_E_UNTRUSTED_ROOT},
        {"selfsigned", "www.example.com", SEC_E_UNTRUSTED_ROOT},
    };
    PCCERT_CONTEXT intermediate = tls_load("intermediate");
    HCERTSTORE roots = tls_roots();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct tls tls;
        PCCERT_CONTEXT certificate = tls_load(cases[i].name);
        CertAddCertificateContextToStore(certificate->hCertStore, intermediate, CERT_STORE_ADD_ALWAYS, NULL);
        tls_acquire_plain(&tls, certificate, roots);
        tls_shake(&tls, cases[i].target);
        if (tls.client_status != cases[i].status) {
            print_message("%s for %s: %08x\n", cases[i].name, cases[i].target, (unsigned)tls.client_status);
        }
        assert_int_equal(tls.client_status, cases[i].status);
        if (cases[i].status != SEC_E_OK) {
            assert_int_not_equal(tls.server_status, SEC_E_OK); /* the alert has told it */
        }
        tls_close(&tls);
        CertFreeCertificateContext(certificate);
    }
    assert_true(CertCloseStore(roots, 0));
    CertFreeCertificateContext(intermediate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_validation)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (!tls_has_pki()) {
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
