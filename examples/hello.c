#define SECURITY_WIN32
#include <stdio.h>

#include <windows.h>

#include <security.h>

int main(void)
{
    SEC_WINNT_AUTH_IDENTITY_A anna = {(unsigned char *)"anna",       4,  (unsigned char *)"OFFICE",   6,
                                      (unsigned char *)"opensesame", 10, SEC_WINNT_AUTH_IDENTITY_ANSI};
    CredHandle credential;
    CtxtHandle context;
    SecBuffer token = {0, SECBUFFER_TOKEN, NULL};
    SecBufferDesc output = {SECBUFFER_VERSION, 1, &token};
    ULONG attributes;
    SECURITY_STATUS status =
        AcquireCredentialsHandle(NULL, "NTLM", SECPKG_CRED_OUTBOUND, NULL, &anna, NULL, NULL, &credential, NULL);
    if (status == SEC_E_OK) {
        status = InitializeSecurityContext(&credential, NULL, "HTTP/server.example.com", ISC_REQ_ALLOCATE_MEMORY, 0,
                                           SECURITY_NATIVE_DREP, NULL, 0, &context, &output, &attributes, NULL);
        printf("0x%08X: %u bytes for the server\n", (unsigned)status, (unsigned)token.cbBuffer);
        FreeContextBuffer(token.pvBuffer);
        DeleteSecurityContext(&context);
        FreeCredentialsHandle(&credential);
    }
    return status == SEC_I_CONTINUE_NEEDED ? 0 : 1;
}
