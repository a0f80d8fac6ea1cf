/* Fetches a page from a TLS server and says what it found out about the connection.
 *
 *     tls_client HOST PORT [AUTHORITY [NAME]]
 *
 * AUTHORITY is a PEM file with the one certificate to trust; without it the system's are.  NAME is what the certificate must
 * be for, HOST unless it is given.
 */
#include "tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wincrypt.h>

/* A store with the certificate of a PEM file; NULL, with a message. */
static HCERTSTORE open_authority(const char *path)
{
    static char text[65536];
    static BYTE der[65536];
    DWORD size = sizeof der;
    FILE *file = fopen(path, "rb");
    size_t length = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    text[length] = '\0';
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_MEMORY, 0, 0, 0, NULL);
    if (store == NULL || !CryptStringToBinaryA(text, 0, CRYPT_STRING_BASE64HEADER, der, &size, NULL, NULL) ||
        !CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, der, size, CERT_STORE_ADD_ALWAYS, NULL)) {
        fprintf(stderr, "%s is no certificate: 0x%08X\n", path, (unsigned)GetLastError());
        return NULL;
    }
    return store;
}

/* The verdict on the peer's certificate, with no other root than those of `roots`. */
static HRESULT judge(PCCERT_CONTEXT certificate, HCERTSTORE roots, const WCHAR *name)
{
    CERT_CHAIN_ENGINE_CONFIG config = {.cbSize = sizeof config, .hExclusiveRoot = roots};
    CERT_CHAIN_PARA para = {.cbSize = sizeof para};
    HCERTCHAINENGINE engine = NULL;
    PCCERT_CHAIN_CONTEXT chain = NULL;
    HRESULT verdict = E_FAIL;
    if (CertCreateCertificateChainEngine(&config, &engine) &&
        CertGetCertificateChain(engine, certificate, NULL, certificate->hCertStore, &para, 0, NULL, &chain)) {
        SSL_EXTRA_CERT_CHAIN_POLICY_PARA ssl = {.dwAuthType = AUTHTYPE_SERVER, .pwszServerName = (WCHAR *)name};
        ssl.cbSize = sizeof ssl;
        CERT_CHAIN_POLICY_PARA policy = {.cbSize = sizeof policy, .pvExtraPolicyPara = &ssl};
        CERT_CHAIN_POLICY_STATUS status = {.cbSize = sizeof status};
        if (CertVerifyCertificateChainPolicy(CERT_CHAIN_POLICY_SSL, chain, &policy, &status)) {
            verdict = (HRESULT)status.dwError;
        }
        CertFreeCertificateChain(chain);
    }
    if (engine != NULL) {
        CertFreeCertificateChainEngine(engine);
    }
    return verdict;
}

/* Prints protocol and subject; with an authority, whether the certificate is one of its own. */
static bool inspect(struct tls *tls, HCERTSTORE roots)
{
    PCCERT_CONTEXT certificate = NULL;
    char subject[256];
    WCHAR name[256];
    SECURITY_STATUS status = QueryContextAttributesA(&tls->context, SECPKG_ATTR_REMOTE_CERT_CONTEXT, &certificate);
    if (FAILED(status)) {
        print_failure("QueryContextAttributes", status);
        return false;
    }
    CertGetNameStringA(certificate, CERT_NAME_SIMPLE_DISPLAY_TYPE, 0, NULL, subject, sizeof subject);
    printf("%s with %s\n", tls_version(tls), subject);
    MultiByteToWideChar(CP_UTF8, 0, tls->target, -1, name, 256);
    HRESULT verdict = roots != NULL ? judge(certificate, roots, name) : S_OK;
    CertFreeCertificateContext(certificate);
    if (FAILED(verdict)) {
        printf("its certificate is not accepted: 0x%08X\n", (unsigned)verdict);
    }
    return !FAILED(verdict);
}

/* A page, up to the end of the connection. */
static bool fetch(struct tls *tls)
{
    char request[600];
    static char page[65536];
    int size = snprintf(request, sizeof request, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", tls->target);
    ULONG received = 0, all = 0;
    if (!tls_send(tls, request, (ULONG)size)) {
        return false;
    }
    do {
        received = tls_receive(tls, page, sizeof page);
        fwrite(page, 1, received, stdout);
        all += received;
    } while (received > 0);
    return all > 0;
}

static SECURITY_STATUS acquire(bool manual, CredHandle *credential)
{
    SCHANNEL_CRED how = {.dwVersion = SCHANNEL_CRED_VERSION,
                         .dwFlags = SCH_CRED_NO_DEFAULT_CREDS |
                                    (manual ? SCH_CRED_MANUAL_CRED_VALIDATION : SCH_CRED_AUTO_CRED_VALIDATION)};
    TimeStamp expiry;
    SECURITY_STATUS status = AcquireCredentialsHandleA(NULL, (char *)UNISP_NAME_A, SECPKG_CRED_OUTBOUND, NULL, &how,
                                                       NULL, NULL, credential, &expiry);
    if (FAILED(status)) {
        print_failure("AcquireCredentialsHandle", status);
    }
    return status;
}

int main(int argc, char **argv)
{
    static struct tls tls;
    CredHandle credential;
    HCERTSTORE roots = NULL;
    if (argc < 3 || argc > 5) {
        fprintf(stderr, "usage: tls_client HOST PORT [AUTHORITY [NAME]]\n");
        return 2;
    }
    if (argc > 3) {
        roots = open_authority(argv[3]);
        if (roots == NULL) {
            return 1;
        }
    }
    if (FAILED(acquire(roots != NULL, &credential))) {
        return 1;
    }
    tls.credential = &credential;
    tls.target = argc > 4 ? argv[4] : argv[1];
    SecInvalidateHandle(&tls.context);
    tls.socket = start_sockets() ? connect_to(argv[1], argv[2]) : INVALID_SOCKET;
    if (tls.socket == INVALID_SOCKET) {
        return 1;
    }
    bool good = tls_handshake(&tls) && inspect(&tls, roots) && fetch(&tls);
    tls_close(&tls);
    closesocket(tls.socket);
    FreeCredentialsHandle(&credential);
    if (roots != NULL) {
        CertCloseStore(roots, 0);
    }
    WSACleanup();
    return good ? 0 : 1;
}
