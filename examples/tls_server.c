/* A TLS server that greets whoever asks.
 *
 *     tls_server PFX PASSWORD [PORT [CLIENTS]]
 *
 * PFX is a PKCS#12 file with a certificate and its key.  Listens on 127.0.0.1, prints the port, and serves one client after the
 * other, CLIENTS of them.
 */
#include "tls.h"

#include <stdio.h>
#include <stdlib.h>

#include <wincrypt.h>

/* The certificate of a PKCS#12 file that has a key; NULL, with a message. */
static PCCERT_CONTEXT open_certificate(const char *path, const char *password)
{
    static BYTE bytes[65536];
    WCHAR wide[256];
    FILE *file = fopen(path, "rb");
    size_t size = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
    CRYPT_DATA_BLOB blob = {(DWORD)size, bytes};
    if (file != NULL) {
        fclose(file);
    }
    if (MultiByteToWideChar(CP_UTF8, 0, password, -1, wide, 256) == 0) {
        return NULL;
    }
    HCERTSTORE store = PFXImportCertStore(&blob, wide, 0);
    PCCERT_CONTEXT found = NULL;
    PCCERT_CONTEXT at = NULL;
    DWORD unused = 0;
    do {
        at = store != NULL ? CertEnumCertificatesInStore(store, at) : NULL;
        if (at != NULL && (CertGetCertificateContextProperty(at, CERT_KEY_PROV_INFO_PROP_ID, NULL, &unused) ||
                           CertGetCertificateContextProperty(at, CERT_KEY_CONTEXT_PROP_ID, NULL, &unused))) {
            found = at; /* ours now */
        }
    } while (at != NULL && found == NULL);
    if (found == NULL) {
        fprintf(stderr, "%s has no certificate with a key: 0x%08X\n", path, (unsigned)GetLastError());
    }
    if (store != NULL) {
        CertCloseStore(store, 0);
    }
    return found;
}

/* Reads a request and answers it. */
static void greet(struct tls *tls)
{
    char request[4096], answer[256];
    ULONG size = tls_receive(tls, request, sizeof request);
    ULONG line = 0;
    while (line < size && request[line] >= ' ') {
        line++;
    }
    printf("%s: %.*s\n", tls_version(tls), (int)line, request);
    int length = snprintf(answer, sizeof answer, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nHello over %s.\n",
                          tls_version(tls));
    tls_send(tls, answer, (ULONG)length);
}

static void serve(struct tls *tls)
{
    tls->held = 0;
    SecInvalidateHandle(&tls->context);
    if (tls_handshake(tls)) {
        greet(tls);
    } else {
        printf("somebody stayed outside\n");
    }
    fflush(stdout);
    tls_close(tls);
}

int main(int argc, char **argv)
{
    static struct tls tls;
    TimeStamp expiry;
    if (argc < 3 || argc > 5) {
        fprintf(stderr, "usage: tls_server PFX PASSWORD [PORT [CLIENTS]]\n");
        return 2;
    }
    tls_init(&tls, NULL);
    PCCERT_CONTEXT certificate = open_certificate(argv[1], argv[2]);
    if (certificate == NULL) {
        return 1;
    }
    SCHANNEL_CRED how = {.dwVersion = SCHANNEL_CRED_VERSION, .cCreds = 1, .paCred = &certificate};
    SECURITY_STATUS status = AcquireCredentialsHandleA(NULL, (char *)UNISP_NAME_A, SECPKG_CRED_INBOUND, NULL, &how,
                                                       NULL, NULL, &tls.credential, &expiry);
    CertFreeCertificateContext(certificate);
    if (FAILED(status)) {
        print_failure("AcquireCredentialsHandle", status);
        return 1;
    }
    SOCKET listener =
        start_sockets() ? listen_on((unsigned short)(argc > 3 ? strtoul(argv[3], NULL, 10) : 0)) : INVALID_SOCKET;
    if (listener == INVALID_SOCKET) {
        return 1;
    }
    for (unsigned long left = argc > 4 ? strtoul(argv[4], NULL, 10) : ~0UL; left > 0; left--) {
        tls.socket = accept(listener, NULL, NULL);
        if (tls.socket != INVALID_SOCKET) {
            serve(&tls);
            closesocket(tls.socket);
        }
    }
    FreeCredentialsHandle(&tls.credential);
    closesocket(listener);
    WSACleanup();
    return 0;
}
