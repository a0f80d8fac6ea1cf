/* One program for four modes: C and C++, with u"" texts and with 16-bit L"" texts (-fshort-wchar).  Output: TAP. */
#define SSPI_RELAXED_OUT_PARAMS
#include <stdio.h>
#include <string.h>

#include <Windows.h>

#include <Schannel.h>
#include <Security.h>

#if __SIZEOF_WCHAR_T__ == 2
#define W(text) L##text
#else
#define W(text) u##text
#endif

static int number, failures;

static void check(int good, const char *what)
{
    number++;
    failures += !good;
    printf("%s %d - %s\n", good ? "ok" : "not ok", number, what);
}

/* A package's own name, asked for in UTF-16. */
static void package(const WCHAR *name, const WCHAR *expected, size_t size, const char *what)
{
    PSecPkgInfoW info = NULL;
    SECURITY_STATUS status = QuerySecurityPackageInfoW((WCHAR *)name, &info);
    check(status == SEC_E_OK && memcmp(info->Name, expected, size) == 0, what);
    FreeContextBuffer(info);
}

int main(void)
{
    ULONG exact = 0;
    unsigned long wide = 0;
    PSecPkgInfoA infos = NULL;
    CredHandle credential;
    CtxtHandle context;
    unsigned long attributes = 0;
    SecBuffer token = {0, SECBUFFER_TOKEN, NULL};
    SecBufferDesc out = {SECBUFFER_VERSION, 1, &token};
    WCHAR user[] = W("anna");
    SEC_WINNT_AUTH_IDENTITY_W identity = {(unsigned short *)user,         4, NULL, 0, (unsigned short *)user, 4,
                                          SEC_WINNT_AUTH_IDENTITY_UNICODE};
    printf("1..6\n");
    check(sizeof(WCHAR) == 2, "a WCHAR has 16 bits");
    package(NTLMSP_NAME, W("NTLM"), sizeof W("NTLM"), "a package by the SDK's macro");
    package(W("negotiate"), W("Negotiate"), sizeof W("Negotiate"), "a package by a literal");

    EnumerateSecurityPackagesA(&exact, &infos);
    FreeContextBuffer(infos);
#ifdef __cplusplus
    wide = ~0UL; /* C++ clears it; C programs do so themselves */
    attributes = ~0UL;
#endif
    EnumerateSecurityPackagesA(&wide, &infos);
    FreeContextBuffer(infos);
    check(exact > 0 && wide == exact, "an unsigned long receives the count");

    AcquireCredentialsHandleW(NULL, (WCHAR *)NTLMSP_NAME, SECPKG_CRED_OUTBOUND, NULL, &identity, NULL, NULL,
                              &credential, NULL);
    check(InitializeSecurityContextW(&credential, NULL, NULL, ISC_REQ_ALLOCATE_MEMORY, 0, SECURITY_NATIVE_DREP, NULL, 0,
                                     &context, &out, &attributes, NULL) == SEC_I_CONTINUE_NEEDED,
          "a context from wide texts");
    check((attributes & ISC_RET_ALLOCATED_MEMORY) != 0 && attributes <= 0xFFFFFFFFUL,
          "an unsigned long receives the flags");
    FreeContextBuffer(token.pvBuffer);
    DeleteSecurityContext(&context);
    FreeCredentialsHandle(&credential);
    return failures != 0;
}
