/* Fetches a page from a TLS server and says what it found out about the connection.
 *
 *     tls_client HOST PORT [AUTHORITY [NAME [PFX PASSWORD]]]
 *
 * AUTHORITY is a PEM file with the one certificate to trust; without it the system's are.  NAME is what the certificate must
 * be for, HOST unless it is given.  PFX is a PKCS#12 file with a certificate to show, and its key.
 */
#include "tls.h"

#include <stdio.h>

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

int main(int argc, char **argv)
{
    static struct tls tls;
    if (argc < 3 || argc == 6 || argc > 7) {
        fprintf(stderr, "usage: tls_client HOST PORT [AUTHORITY [NAME [PFX PASSWORD]]]\n");
        return 2;
    }
    tls_init(&tls, argc > 4 ? argv[4] : argv[1]);
    tls.certificate = argc > 6 ? tls_open_certificate(argv[5], argv[6]) : NULL;
    if (argc > 6 && tls.certificate == NULL) {
        return 1;
    }
    tls.socket = start_sockets() ? connect_to(argv[1], argv[2]) : INVALID_SOCKET;
    if (tls.socket == INVALID_SOCKET) {
        return 1;
    }
    bool good = tls_connect(&tls, argc > 3 ? argv[3] : NULL) && fetch(&tls);
    tls_close(&tls);
    closesocket(tls.socket);
    if (tls.certificate != NULL) {
        CertFreeCertificateContext(tls.certificate);
    }
    WSACleanup();
    return good ? 0 : 1;
}
