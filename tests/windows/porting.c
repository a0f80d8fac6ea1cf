/* Rules 5, 63 and 108 to 110: what the porting kit gives to code around SSPI calls. */
#include "rules.h"

#include <pthread.h>

#include <winsock2.h>

static void rule_05_modules_by_their_windows_names(void **state)
{
    static const char *const modules[] = {"secur32.dll", "SECUR32.DLL", "security.dll"};
    for (size_t i = 0; i < COUNT(modules); i++) {
        HMODULE module = LoadLibraryA(modules[i]);
        assert_non_null(module);
        INIT_SECURITY_INTERFACE_A init =
            (INIT_SECURITY_INTERFACE_A)(uintptr_t)GetProcAddress(module, "InitSecurityInterfaceA");
        assert_non_null(init);
        assert_ptr_equal(init(), InitSecurityInterfaceA());
        assert_non_null(GetProcAddress(module, "QuerySecurityContextToken"));
        assert_true(FreeLibrary(module));
    }
}

/* PostgreSQL: token, TokenUser, LookupAccountSid. */
static void rule_63_who_is_it(void **state)
{
    struct pair pair;
    HANDLE token = NULL;
    DWORD size = 0, name_size = 64, domain_size = 64;
    char name[64], domain[64];
    SID_NAME_USE use;
    pair_open(&pair, SEALED);
    assert_status(QuerySecurityContextToken(&pair.server, &token), SEC_E_OK);
    assert_false(GetTokenInformation(token, TokenUser, NULL, 0, &size));
    assert_int_equal(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    TOKEN_USER *user = malloc(size);
    assert_true(GetTokenInformation(token, TokenUser, user, size, &size));
    assert_true(LookupAccountSidA(NULL, user->User.Sid, name, &name_size, domain, &domain_size, &use));
    assert_string_equal(name, "User");
    assert_string_equal(domain, "Domain");
    free(user);
    assert_true(CloseHandle(token));
    pair_close(&pair);
}

static void *another_thread(void *unused)
{
    SetLastError(77);
    return NULL;
}

static void rule_108_errors_and_their_texts(void **state)
{
    static const LONG codes[] = {SEC_E_LOGON_DENIED, SEC_I_CONTINUE_NEEDED,  CRYPT_E_REVOKED,
                                 CERT_E_EXPIRED,     TRUST_E_CERT_SIGNATURE, NTE_BAD_ALGID};
    pthread_t thread;
    assert_null(CertOpenStore((LPCSTR)(uintptr_t)4711, 0, 0, 0, NULL));
    DWORD error = GetLastError();
    assert_int_not_equal(error, 0);
    assert_int_equal(pthread_create(&thread, NULL, another_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(GetLastError(), error);
    for (size_t i = 0; i < COUNT(codes); i++) {
        char *message = NULL;
        DWORD length =
            FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_IGNORE_INSERTS,
                           NULL, (DWORD)codes[i], 0, (LPSTR)(void *)&message, 0, NULL);
        assert_true(length > 4);
        assert_string_equal(message + length - 2, "\r\n");
        assert_null(LocalFree(message));
    }
}

static void rule_109_wide_characters(void **state)
{
    WCHAR units[16];
    char bytes[16];
    assert_int_equal(MultiByteToWideChar(CP_UTF8, 0, "\xc3\xa4\xf0\x9f\x98\x80", -1, NULL, 0), 4); /* with the NUL */
    assert_int_equal(MultiByteToWideChar(CP_UTF8, 0, "\xc3\xa4\xf0\x9f\x98\x80", -1, units, 16), 4);
    assert_memory_equal(units, u"\u00e4\U0001f600", 8);
    assert_int_equal(MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, "\xc3(", -1, units, 16), 0);
    assert_int_equal(GetLastError(), ERROR_NO_UNICODE_TRANSLATION);
    assert_int_equal(WideCharToMultiByte(CP_UTF8, 0, wide(u"\u00e4"), -1, NULL, 0, NULL, NULL), 3);
    assert_int_equal(WideCharToMultiByte(CP_UTF8, 0, wide(u"\u00e4"), -1, bytes, sizeof bytes, NULL, NULL), 3);
    assert_memory_equal(bytes, "\xc3\xa4", 3);
}

/* The SDK's example and MariaDB send a DWORD in front of each token. */
static void rule_110_a_length_on_the_wire(void **state)
{
    DWORD length = 0x01020304;
    unsigned char wire[sizeof length];
    memcpy(wire, &length, sizeof length);
    assert_int_equal(sizeof wire, 4);
    assert_int_equal(sizeof(ULONG), 4);
    assert_int_equal(sizeof(LONG), 4);
    assert_memory_equal(wire, "\4\3\2\1", 4); /* as Windows' machines have it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_05_modules_by_their_windows_names), cmocka_unit_test(rule_63_who_is_it),
        cmocka_unit_test(rule_108_errors_and_their_texts),        cmocka_unit_test(rule_109_wide_characters),
        cmocka_unit_test(rule_110_a_length_on_the_wire),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
