/* Fetches a page as the logged-on or the given user, with Negotiate or NTLM, and prints it.
 *
 *     http_client HOST PORT PATH [PACKAGE [TARGET]]
 *
 * TARGET is the service to sign in at, "HTTP/" and HOST unless it is given.
 */
#include "http.h"

#include <stdio.h>
#include <string.h>

#include <wincrypt.h>

#define TOKEN_MAX 65536

struct login {
    CredHandle credential;
    CtxtHandle context;
    char target[300];
    const char *package;
    bool done; /* nothing is left to send */
};

/* The server's challenge (base64; "" at first) into the next Authorization header. */
static bool answer(struct login *login, const char *challenge, char *header, size_t room)
{
    static BYTE in[TOKEN_MAX];
    bool first = !SecIsValidHandle(&login->context);
    DWORD in_size = sizeof in;
    if (challenge[0] == '\0') {
        in_size = 0;
    } else if (!CryptStringToBinaryA(challenge, 0, CRYPT_STRING_BASE64, in, &in_size, NULL, NULL)) {
        fprintf(stderr, "the challenge is not base64\n");
        return false;
    }
    SecBuffer in_buffer = {in_size, SECBUFFER_TOKEN, in};
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 1, &in_buffer};
    SecBuffer out_buffer = {0, SECBUFFER_TOKEN, NULL};
    SecBufferDesc out_desc = {SECBUFFER_VERSION, 1, &out_buffer};
    ULONG attributes;
    TimeStamp expiry;
    SECURITY_STATUS status = InitializeSecurityContextA(
        &login->credential, first ? NULL : &login->context, login->target, ISC_REQ_ALLOCATE_MEMORY | ISC_REQ_CONNECTION,
        0, SECURITY_NETWORK_DREP, in_size != 0 ? &in_desc : NULL, 0, &login->context, &out_desc, &attributes, &expiry);
    if (FAILED(status)) {
        print_failure("InitializeSecurityContext", status);
        return false;
    }
    login->done = status == SEC_E_OK;
    int length = snprintf(header, room, "%s ", login->package);
    DWORD size = (DWORD)(room - (size_t)length);
    bool good = out_buffer.cbBuffer == 0 ||
                CryptBinaryToStringA(out_buffer.pvBuffer, out_buffer.cbBuffer,
                                     CRYPT_STRING_BASE64 | CRYPT_STRING_NOCRLF, header + length, &size);
    FreeContextBuffer(out_buffer.pvBuffer);
    return good;
}

/* Asks, and answers challenges until there are no more. */
static bool fetch(SOCKET connection, const char *host, const char *path, struct login *login)
{
    static struct response response;
    static char header[2 * TOKEN_MAX];
    if (!http_get(connection, host, path, NULL, &response)) {
        return false;
    }
    while (response.status == 401) {
        char *challenge = http_challenge(&response, login->package);
        if (challenge == NULL || login->done) {
            fprintf(stderr, "%s\n",
                    login->done ? "the server does not let this user in" : "the server does not offer this package");
            return false;
        }
        if (!answer(login, challenge, header, sizeof header) || !http_get(connection, host, path, header, &response)) {
            return false;
        }
    }
    char *last = http_challenge(&response, login->package); /* the server's proof, where the package has one */
    if (last != NULL && last[0] != '\0' && !login->done && !answer(login, last, header, sizeof header)) {
        return false;
    }
    printf("%d\n%.*s", response.status, (int)(response.size - response.head), response.text + response.head);
    return response.status == 200;
}

int main(int argc, char **argv)
{
    static struct login login;
    if (argc < 4 || argc > 6) {
        fprintf(stderr, "usage: http_client HOST PORT PATH [PACKAGE [TARGET]]\n");
        return 2;
    }
    login.package = argc > 4 ? argv[4] : "Negotiate";
    snprintf(login.target, sizeof login.target, "%s%s", argc > 5 ? "" : "HTTP/", argc > 5 ? argv[5] : argv[1]);
    SecInvalidateHandle(&login.context);
    SOCKET connection = start_sockets() ? connect_to(argv[1], argv[2]) : INVALID_SOCKET;
    if (connection == INVALID_SOCKET) {
        return 1;
    }
    if (FAILED(acquire_outbound(login.package, &login.credential))) {
        closesocket(connection);
        return 1;
    }
    bool good = fetch(connection, argv[1], argv[3], &login);
    if (SecIsValidHandle(&login.context)) {
        DeleteSecurityContext(&login.context);
    }
    FreeCredentialsHandle(&login.credential);
    closesocket(connection);
    WSACleanup();
    return good ? 0 : 1;
}
