/* InitializeSecurityContext as a filter, for scripts that speak the protocol around it themselves.
 *
 *   initiator PACKAGE TARGET FLAGS USER DOMAIN       FLAGS in hexadecimal; the password is SSPI_PASSWORD
 *
 * A line of standard input is a token in hexadecimal, or empty where there is none; the answer is a line STATUS TOKEN.  When
 * the status is SEC_E_OK the line has a third word, the session key.  Either is "-" where there is none.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sspi_ext.h>

#define SECURITY_WIN32
#include <security.h>

#define TOKEN_MAX 12000

struct token {
    unsigned char data[TOKEN_MAX];
    ULONG size;
};

static void print_hex(const unsigned char *data, size_t size)
{
    putchar(' ');
    for (size_t i = 0; i < size; i++) {
        printf("%02x", data[i]);
    }
    if (size == 0) {
        putchar('-');
    }
}

static bool read_token(struct token *token)
{
    static char line[2 * TOKEN_MAX + 2];
    unsigned octet;
    token->size = 0;
    if (fgets(line, sizeof line, stdin) == NULL) {
        return false;
    }
    for (const char *at = line; token->size < TOKEN_MAX && sscanf(at, "%2x", &octet) == 1; at += 2) {
        token->data[token->size++] = (unsigned char)octet;
    }
    return true;
}

static void print_key(CtxtHandle *context)
{
    SecPkgContext_SessionKey key = {0};
    if (QueryContextAttributesA(context, SECPKG_ATTR_SESSION_KEY, &key) != SEC_E_OK) {
        print_hex(NULL, 0);
        return;
    }
    print_hex(key.SessionKey, key.SessionKeyLength);
    FreeContextBuffer(key.SessionKey);
}

static void answer_all(CredHandle *credential, char **arguments)
{
    static struct token token;
    static struct token answer;
    CtxtHandle context;
    bool has_context = false;
    ULONG flags = (ULONG)strtoul(arguments[3], NULL, 16);
    while (read_token(&token)) {
        SecBuffer in = {token.size, SECBUFFER_TOKEN, token.data};
        SecBuffer out = {TOKEN_MAX, SECBUFFER_TOKEN, answer.data};
        SecBufferDesc input = {SECBUFFER_VERSION, 1, &in};
        SecBufferDesc output = {SECBUFFER_VERSION, 1, &out};
        ULONG attributes = 0;
        SECURITY_STATUS status = InitializeSecurityContextA(
            credential, has_context ? &context : NULL, arguments[2], flags, 0, SECURITY_NATIVE_DREP,
            token.size != 0 ? &input : NULL, 0, &context, &output, &attributes, NULL);
        has_context = has_context || status >= 0;
        const char *name = SspiExtStatusName(status);
        printf("%s", name != NULL ? name : "?");
        print_hex(answer.data, status >= 0 ? out.cbBuffer : 0);
        if (status == SEC_E_OK) {
            print_key(&context);
        }
        printf("\n");
        fflush(stdout);
    }
    if (has_context) {
        DeleteSecurityContext(&context);
    }
}

int main(int argc, char **argv)
{
    const char *password = getenv("SSPI_PASSWORD");
    CredHandle credential;
    if (argc != 6 || password == NULL) {
        fprintf(stderr, "usage: SSPI_PASSWORD=... initiator PACKAGE TARGET FLAGS USER DOMAIN\n");
        return 2;
    }
    SEC_WINNT_AUTH_IDENTITY_A identity = {
        .User = (unsigned char *)argv[4],
        .UserLength = (ULONG)strlen(argv[4]),
        .Domain = (unsigned char *)argv[5],
        .DomainLength = (ULONG)strlen(argv[5]),
        .Password = (unsigned char *)(uintptr_t)password,
        .PasswordLength = (ULONG)strlen(password),
        .Flags = SEC_WINNT_AUTH_IDENTITY_ANSI,
    };
    SECURITY_STATUS status =
        AcquireCredentialsHandleA(NULL, argv[1], SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL, &credential, NULL);
    if (status != SEC_E_OK) {
        fprintf(stderr, "initiator: AcquireCredentialsHandle: %08x\n", (unsigned)status);
        return 1;
    }
    answer_all(&credential, argv);
    FreeCredentialsHandle(&credential);
    return 0;
}
