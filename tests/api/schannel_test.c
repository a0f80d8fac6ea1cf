/* TLS as a program has it: the shared library, certificates from files, automatic validation against a store of roots. */
#include "pair.h"

#include <stdio.h>

#include <wincrypt.h>

#include <schannel.h>

#define ROOM 32768

static PCCERT_CONTEXT load(const char *name)
{
    char certificate[512], key[512];
    snprintf(certificate, sizeof certificate, "%s/%s.pem", getenv("SSPI_TEST_PKI"), name);
    snprintf(key, sizeof key, "%s/%s.key", getenv("SSPI_TEST_PKI"), name);
    PCCERT_CONTEXT context = NULL;
    assert_status(SspiExtCertFromFiles(certificate, key, NULL, &context), SEC_E_OK);
    return context;
}

struct connection {
    CredHandle client_credential, server_credential;
    CtxtHandle client, server;
    SECURITY_STATUS client_status, server_status;
};

static SecBufferDesc describe(SecBuffer *buffers, ULONG count)
{
    return (SecBufferDesc){SECBUFFER_VERSION, count, buffers};
}

/* Whole flights to and fro until both are done or one fails. */
static void shake(struct connection *connection, const char *target)
{
    static unsigned char to_server[ROOM], to_client[ROOM];
    ULONG to_server_size = 0, to_client_size = 0, attributes;
    bool has_client = false, has_server = false;
    connection->client_status = connection->server_status = SEC_I_CONTINUE_NEEDED;
    for (int leg = 0; leg < 10; leg++) {
        if (connection->client_status == SEC_I_CONTINUE_NEEDED) {
            SecBuffer in[2] = {{to_client_size, SECBUFFER_TOKEN, to_client}, {0, SECBUFFER_EMPTY, NULL}};
            SecBuffer out[2] = {{ROOM, SECBUFFER_TOKEN, to_server}, {0, SECBUFFER_EMPTY, NULL}};
            SecBufferDesc in_desc = describe(in, 2), out_desc = describe(out, 2);
            connection->client_status = InitializeSecurityContextA(
                &connection->client_credential, has_client ? &connection->client : NULL, (SEC_CHAR *)(uintptr_t)target,
                ISC_REQ_STREAM | ISC_REQ_EXTENDED_ERROR, 0, 0, has_client ? &in_desc : NULL, 0, &connection->client,
                &out_desc, &attributes, NULL);
            has_client = true;
            to_server_size = out[0].cbBuffer;
        }
        if (connection->server_status != SEC_I_CONTINUE_NEEDED || to_server_size == 0) {
            break;
        }
        SecBuffer in[2] = {{to_server_size, SECBUFFER_TOKEN, to_server}, {0, SECBUFFER_EMPTY, NULL}};
        SecBuffer out[2] = {{ROOM, SECBUFFER_TOKEN, to_client}, {0, SECBUFFER_EMPTY, NULL}};
        SecBufferDesc in_desc = describe(in, 2), out_desc = describe(out, 2);
        connection->server_status =
            AcceptSecurityContext(&connection->server_credential, has_server ? &connection->server : NULL, &in_desc,
                                  ASC_REQ_STREAM, 0, &connection->server, &out_desc, &attributes, NULL);
        has_server = true;
        to_client_size = out[0].cbBuffer;
    }
}

static void acquire(struct connection *connection, PCCERT_CONTEXT certificate, HCERTSTORE roots)
{
    SCH_CREDENTIALS client = {.dwVersion = SCH_CREDENTIALS_VERSION, .hRootStore = roots};
    SCH_CREDENTIALS server = {.dwVersion = SCH_CREDENTIALS_VERSION, .cCreds = 1, .paCred = &certificate};
    *connection = (struct connection){0};
    assert_status(AcquireCredentialsHandleA(NULL, (SEC_CHAR *)(uintptr_t)UNISP_NAME_A, SECPKG_CRED_OUTBOUND, NULL,
                                            &client, NULL, NULL, &connection->client_credential, NULL),
                  SEC_E_OK);
    assert_status(AcquireCredentialsHandleA(NULL, (SEC_CHAR *)(uintptr_t)UNISP_NAME_A, SECPKG_CRED_INBOUND, NULL,
                                            &server, NULL, NULL, &connection->server_credential, NULL),
                  SEC_E_OK);
}

static void release(struct connection *connection)
{
    DeleteSecurityContext(&connection->client);
    DeleteSecurityContext(&connection->server);
    assert_status(FreeCredentialsHandle(&connection->client_credential), SEC_E_OK);
    assert_status(FreeCredentialsHandle(&connection->server_credential), SEC_E_OK);
}

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
    PCCERT_CONTEXT root = load("root"), intermediate = load("intermediate");
    HCERTSTORE roots = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    assert_true(CertAddCertificateContextToStore(roots, root, CERT_STORE_ADD_ALWAYS, NULL));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct connection connection;
        PCCERT_CONTEXT certificate = load(cases[i].name);
        CertAddCertificateContextToStore(certificate->hCertStore, intermediate, CERT_STORE_ADD_ALWAYS, NULL);
        acquire(&connection, certificate, roots);
        shake(&connection, cases[i].target);
        if (connection.client_status != cases[i].status) {
            print_message("%s for %s: %08x\n", cases[i].name, cases[i].target, (unsigned)connection.client_status);
        }
        assert_int_equal(connection.client_status, cases[i].status);
        if (cases[i].status != SEC_E_OK) {
            assert_int_not_equal(connection.server_status, SEC_E_OK); /* the alert has told it */
        }
        release(&connection);
        CertFreeCertificateContext(certificate);
    }
    assert_true(CertCloseStore(roots, 0));
    CertFreeCertificateContext(root);
    CertFreeCertificateContext(intermediate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_validation)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const char *pki = getenv("SSPI_TEST_PKI");
    if (pki == NULL || *pki == '\0') {
        printf("1..0 # SKIP no openssl command to make certificates with\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
