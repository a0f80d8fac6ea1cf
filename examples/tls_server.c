/* A TLS server that greets whoever asks.
 *
 *     tls_server PFX PASSWORD [PORT [CLIENTS [AUTHORITY]]]
 *
 * PFX is a PKCS#12 file with a certificate and its key.  Listens on 127.0.0.1, prints the port, and serves one client after the
 * other, CLIENTS of them.  With AUTHORITY (a PEM file) only those get in whose certificate it has issued.
 */
#include "tls.h"

#include <stdio.h>
#include <stdlib.h>

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
    if (tls_handshake(tls) && (tls->clients == NULL || tls_inspect(tls, tls->clients))) {
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
    if (argc < 3 || argc > 6) {
        fprintf(stderr, "usage: tls_server PFX PASSWORD [PORT [CLIENTS [AUTHORITY]]]\n");
        return 2;
    }
    tls_init(&tls, NULL);
    PCCERT_CONTEXT certificate = tls_open_certificate(argv[1], argv[2]);
    tls.clients = argc > 5 ? tls_open_authority(argv[5]) : NULL;
    if (certificate == NULL || (argc > 5 && tls.clients == NULL)) {
        return 1;
    }
    SCHANNEL_CRED how = {
        .dwVersion = SCHANNEL_CRED_VERSION, .cCreds = 1, .paCred = &certificate, .hRootStore = tls.clients};
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
