/* Fetches a page twice with HTTP Digest and prints it: the second time the context answers by itself (MakeSignature).
 *
 *     digest_client HOST PORT PATH
 */
#include "http.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MAX 8192

/* The challenge into the header's value, without its scheme. */
static SECURITY_STATUS first_answer(CredHandle *credential, CtxtHandle *context, char *challenge, char *path,
                                    SecBuffer *out)
{
    char method[] = "GET";
    SecBuffer in[3] = {
        {(ULONG)strlen(challenge), SECBUFFER_TOKEN, challenge},
        {(ULONG)strlen(method), SECBUFFER_PKG_PARAMS, method},
        {0, SECBUFFER_PKG_PARAMS, NULL}, /* the hash of a body: there is none */
    };
    SecBufferDesc in_desc = {SECBUFFER_VERSION, 3, in};
    SecBufferDesc out_desc = {SECBUFFER_VERSION, 1, out};
    ULONG attributes;
    TimeStamp expiry;
    SECURITY_STATUS status = InitializeSecurityContextA(credential, NULL, path, ISC_REQ_USE_HTTP_STYLE, 0, 0, &in_desc,
                                                        0, context, &out_desc, &attributes, &expiry);
    if (status == SEC_I_COMPLETE_NEEDED || status == SEC_I_COMPLETE_AND_CONTINUE) {
        status = CompleteAuthToken(context, &out_desc);
    }
    if (FAILED(status)) {
        print_failure("InitializeSecurityContext", status);
    }
    return status;
}

/* The same nonce for another request. */
static SECURITY_STATUS next_answer(CtxtHandle *context, char *path, SecBuffer *out)
{
    char method[] = "GET";
    SecBuffer buffers[5] = {
        {0, SECBUFFER_TOKEN, NULL},
        {(ULONG)strlen(method), SECBUFFER_PKG_PARAMS, method},
        {(ULONG)strlen(path), SECBUFFER_PKG_PARAMS, path},
        {0, SECBUFFER_PKG_PARAMS, NULL},
        {out->cbBuffer, SECBUFFER_PADDING, out->pvBuffer},
    };
    SecBufferDesc desc = {SECBUFFER_VERSION, 5, buffers};
    SECURITY_STATUS status = MakeSignature(context, 0, &desc, 0);
    if (FAILED(status)) {
        print_failure("MakeSignature", status);
    }
    out->cbBuffer = buffers[4].cbBuffer;
    return status;
}

/* Sends what `out` holds; prints status and page. */
static bool ask(SOCKET connection, const char *host, const char *path, const SecBuffer *out, struct response *response)
{
    static char header[ANSWER_MAX + 8];
    snprintf(header, sizeof header, "Digest %.*s", (int)out->cbBuffer, (const char *)out->pvBuffer);
    if (!http_get(connection, host, path, header, response)) {
        return false;
    }
    if (response->status != 200) {
        fprintf(stderr, "the server answers %d\n", response->status);
        return false;
    }
    printf("%d\n%.*s", response->status, (int)(response->size - response->head), response->text + response->head);
    return true;
}

static bool fetch(SOCKET connection, char **argv, CredHandle *credential, CtxtHandle *context)
{
    static struct response response;
    static char answer[ANSWER_MAX];
    SecBuffer out = {sizeof answer, SECBUFFER_TOKEN, answer};
    if (!http_get(connection, argv[1], argv[3], NULL, &response)) {
        return false;
    }
    char *challenge = response.status == 401 ? http_challenge(&response, "Digest") : NULL;
    if (challenge == NULL) {
        fprintf(stderr, "the server does not ask for Digest\n");
        return false;
    }
    if (FAILED(first_answer(credential, context, challenge, argv[3], &out)) ||
        !ask(connection, argv[1], argv[3], &out, &response)) {
        return false;
    }
    out.cbBuffer = sizeof answer;
    return !FAILED(next_answer(context, argv[3], &out)) && ask(connection, argv[1], argv[3], &out, &response);
}

int main(int argc, char **argv)
{
    CredHandle credential;
    CtxtHandle context;
    if (argc != 4) {
        fprintf(stderr, "usage: digest_client HOST PORT PATH\n");
        return 2;
    }
    SecInvalidateHandle(&context);
    SOCKET connection = start_sockets() ? connect_to(argv[1], argv[2]) : INVALID_SOCKET;
    if (connection == INVALID_SOCKET) {
        return 1;
    }
    if (FAILED(acquire_outbound("WDigest", &credential))) {
        closesocket(connection);
        return 1;
    }
    bool good = fetch(connection, argv, &credential, &context);
    if (SecIsValidHandle(&context)) {
        DeleteSecurityContext(&context);
    }
    FreeCredentialsHandle(&credential);
    closesocket(connection);
    WSACleanup();
    return good ? 0 : 1;
}
