/* Prints what programs for Windows take for granted: sizes, values, and what the functions around SSPI make of texts and
 * times.  On Windows and here the lines are the same. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <winsock2.h>

#include <windows.h>

#define SECURITY_WIN32
#include <security.h>

#include <schannel.h>
#include <tchar.h>
#include <wincrypt.h>

#define SIZE(type)           printf("%-32s %u\n", #type, (unsigned)sizeof(type))
#define OFFSET(type, member) printf("%-32s %u\n", #type "." #member, (unsigned)offsetof(type, member))
#define VALUE(name)          printf("%-32s 0x%08X\n", #name, (unsigned)(name))

static void layouts(void)
{
    SIZE(ULONG);
    SIZE(WCHAR);
    SIZE(SecHandle);
    SIZE(SecBuffer);
    SIZE(SecPkgInfoW);
    SIZE(SEC_WINNT_AUTH_IDENTITY_W);
    SIZE(SEC_WINNT_AUTH_IDENTITY_EXW);
    SIZE(SEC_CHANNEL_BINDINGS);
    SIZE(SecPkgContext_CipherInfo);
    SIZE(SecPkgContext_ApplicationProtocol);
    SIZE(SCHANNEL_CRED);
    SIZE(CERT_CONTEXT);
    SIZE(CERT_INFO);
    SIZE(CERT_CHAIN_CONTEXT);
    SIZE(SYSTEMTIME);
    SIZE(TOKEN_USER);
    OFFSET(SecurityFunctionTableW, InitializeSecurityContextW);
    OFFSET(SecurityFunctionTableW, EncryptMessage);
    OFFSET(SCHANNEL_CRED, dwFlags);
    OFFSET(TOKEN_GROUPS, Groups);
    OFFSET(SID, SubAuthority);
}

static void values(void)
{
    VALUE(SEC_E_LOGON_DENIED);
    VALUE(SEC_I_CONTINUE_NEEDED);
    VALUE(SEC_E_INCOMPLETE_MESSAGE);
    VALUE(CERT_E_UNTRUSTEDROOT);
    VALUE(NTE_BAD_KEYSET);
    VALUE(ISC_REQ_MUTUAL_AUTH);
    VALUE(ASC_REQ_EXTENDED_ERROR);
    VALUE(SECPKG_ATTR_REMOTE_CERT_CONTEXT);
    VALUE(SCH_CRED_MANUAL_CRED_VALIDATION);
    VALUE(SP_PROT_TLS1_2_CLIENT);
    VALUE(ERROR_NO_UNICODE_TRANSLATION);
    VALUE(FORMAT_MESSAGE_ALLOCATE_BUFFER);
    VALUE(TOKEN_QUERY);
    VALUE(WSAEWOULDBLOCK);
    printf("FAILED(SEC_E_LOGON_DENIED)       %d\n", FAILED(SEC_E_LOGON_DENIED));
}

static void texts(void)
{
    WCHAR wide[64];
    char narrow[64];
    int length = MultiByteToWideChar(CP_UTF8, 0, "a\xc3\xa9\xf0\x9f\x98\x80\xff", -1, wide, 64);
    printf("MultiByteToWideChar %d:", length);
    for (int i = 0; i < length; i++) {
        printf(" %04x", wide[i]);
    }
    length = WideCharToMultiByte(CP_UTF8, 0, wide, -1, narrow, 64, NULL, NULL);
    printf("\nWideCharToMultiByte %d:", length);
    for (int i = 0; i < length; i++) {
        printf(" %02x", (unsigned char)narrow[i]);
    }
    SetLastError(0);
    length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, "\xff", -1, wide, 64);
    printf("\nmalformed: %d, error %u\n", length, (unsigned)GetLastError());
    length = MultiByteToWideChar(CP_UTF8, 0, "abc", -1, wide, 2);
    printf("too small: %d, error %u\n", length, (unsigned)GetLastError());
    length = MultiByteToWideChar(CP_UTF8, 0, "Negotiate/", -1, wide, 64);
    printf("wcslen %u, wcschr %d, wcscmp %d\n", (unsigned)wcslen(wide), (int)(wcschr(wide, '/') - wide),
           wcscmp(wide, wide));
    length = wsprintfA(narrow, "%s 0x%08lX %u|%-6s|%c", "status", SEC_E_LOGON_DENIED, 42U, "ab", 'z');
    printf("wsprintfA %d: %s\n", length, narrow);
}

static void times(void)
{
    SYSTEMTIME parts = {.wYear = 2024, .wMonth = 2, .wDay = 29, .wHour = 12, .wMilliseconds = 5};
    FILETIME time = {0, 0};
    BOOL good = SystemTimeToFileTime(&parts, &time);
    printf("SystemTimeToFileTime %d: %08x%08x\n", good, (unsigned)time.dwHighDateTime, (unsigned)time.dwLowDateTime);
    good = FileTimeToSystemTime(&time, &parts);
    printf("FileTimeToSystemTime %d: %u-%u-%u, day %u, %u ms\n", good, parts.wYear, parts.wMonth, parts.wDay,
           parts.wDayOfWeek, parts.wMilliseconds);
    parts.wDay = 30;
    printf("no such day: %d\n", SystemTimeToFileTime(&parts, &time));
}

static void codings(void)
{
    char text[64];
    BYTE bytes[64];
    DWORD size = sizeof text;
    BOOL good =
        CryptBinaryToStringA((const BYTE *)"NTLMSSP", 8, CRYPT_STRING_BASE64 | CRYPT_STRING_NOCRLF, text, &size);
    printf("CryptBinaryToStringA %d: %u %s\n", good, (unsigned)size, text);
    size = sizeof bytes;
    good = CryptStringToBinaryA("TlRMTVNTUAA=", 0, CRYPT_STRING_BASE64, bytes, &size, NULL, NULL);
    printf("CryptStringToBinaryA %d: %u %s\n", good, (unsigned)size, bytes);
}

static void identifiers(void)
{
    SID_IDENTIFIER_AUTHORITY nt = SECURITY_NT_AUTHORITY;
    PSID sid = NULL;
    HANDLE token = NULL;
    BOOL good =
        AllocateAndInitializeSid(&nt, 2, SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS, 0, 0, 0, 0, 0, 0, &sid);
    printf("AllocateAndInitializeSid %d: %u bytes, valid %d, equal %d\n", good, (unsigned)GetLengthSid(sid),
           IsValidSid(sid), EqualSid(sid, sid));
    FreeSid(sid);
    good = OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token);
    printf("OpenThreadToken %d, error %u\n", good, (unsigned)GetLastError());
}

int main(void)
{
    layouts();
    values();
    texts();
    times();
    codings();
    identifiers();
    return 0;
}
