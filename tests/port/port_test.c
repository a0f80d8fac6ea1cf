/* The kit's messages, modules, texts and times, against what the SDK's documentation says of them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <winsock2.h>

#include <security.h>
#include <wincrypt.h>

/* ---------------------------------------------------------------- messages */

static void test_message(void **state)
{
    char text[256];
    WCHAR wide[256];
    DWORD length =
        FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, (DWORD)SEC_E_LOGON_DENIED,
                       MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT), text, sizeof text, NULL);
    assert_true(length > 10);
    assert_int_equal(strlen(text), length);
    assert_string_equal(text + length - 3, ".\r\n");
    assert_int_equal(FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM, NULL, (DWORD)SEC_E_LOGON_DENIED, 0, wide, 256, NULL),
                     length);
    for (DWORD i = 0; i <= length; i++) {
        assert_int_equal(wide[i], text[i]);
    }
    /* room for all but the NUL */
    assert_int_equal(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, (DWORD)SEC_E_LOGON_DENIED, 0, text, length, NULL),
                     0);
    assert_int_equal(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(
        FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, (DWORD)SEC_E_LOGON_DENIED, 0, text, length + 1, NULL), length);
    /* on one line */
    length = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_MAX_WIDTH_MASK, NULL, (DWORD)SEC_E_LOGON_DENIED,
                            0, text, sizeof text, NULL);
    assert_null(strpbrk(text, "\r\n"));
    assert_string_equal(text + length - 2, ". ");
}

static void test_message_allocated(void **state)
{
    char *text = NULL;
    DWORD length = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER, NULL,
                                  (DWORD)CERT_E_UNTRUSTEDROOT, 0, (LPSTR)(void *)&text, 0, NULL);
    assert_true(length > 0 && strlen(text) == length);
    assert_null(LocalFree(text));
    WCHAR *wide = NULL;
    assert_int_equal(FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER, NULL,
                                    (DWORD)CERT_E_UNTRUSTEDROOT, 0, (LPWSTR)(void *)&wide, 1000, NULL),
                     length);
    wide[999] = 0; /* as much as was asked for */
    assert_null(LocalFree(wide));
}

static void test_message_of_a_socket(void **state)
{
    char text[100];
    assert_int_equal(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, WSAECONNREFUSED, 0, text, sizeof text, NULL), 33);
    assert_string_equal(text, "Nobody listens at that address.\r\n");
}

static void test_message_unknown(void **state)
{
    char text[8] = "before";
    assert_int_equal(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, 0x8009FFFF, 0, text, sizeof text, NULL), 0);
    assert_int_equal(GetLastError(), ERROR_MR_MID_NOT_FOUND);
    assert_int_equal(FormatMessageA(FORMAT_MESSAGE_FROM_STRING, "x", 0, 0, text, sizeof text, NULL), 0);
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_int_equal(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, 5, 0, NULL, 0, NULL), 0);
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_string_equal(text, "before");
}

/* HRESULT_FROM_WIN32(ERROR_INVALID_PASSWORD) says the same as the Win32 code itself. */
static void test_message_of_wrapped_code(void **state)
{
    char plain[128], wrapped[128];
    assert_true(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, ERROR_INVALID_PASSWORD, 0, plain, sizeof plain, NULL) >
                0);
    assert_true(FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, (DWORD)HRESULT_FROM_WIN32(ERROR_INVALID_PASSWORD), 0,
                               wrapped, sizeof wrapped, NULL) > 0);
    assert_string_equal(plain, wrapped);
}

/* ---------------------------------------------------------------- modules */

static void test_modules(void **state)
{
    HMODULE secur32 = LoadLibraryA("secur32.dll");
    assert_non_null(secur32);
    assert_ptr_equal(LoadLibraryA("C:\\Windows\\System32\\SECUR32.DLL"), secur32);
    assert_ptr_equal(LoadLibraryW(u"security"), secur32);
    assert_ptr_equal(LoadLibraryA("ncrypt.dll"), secur32);
    assert_ptr_equal(LoadLibraryExW(u"Secur32.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32), secur32);
    assert_ptr_equal(GetModuleHandleA("sspicli.dll"), secur32);
    PSecurityFunctionTableW(SEC_ENTRY * init)(void) =
        (PSecurityFunctionTableW(SEC_ENTRY *)(void))GetProcAddress(secur32, "InitSecurityInterfaceW");
    assert_ptr_equal(init, InitSecurityInterfaceW);
    assert_ptr_equal(init(), InitSecurityInterfaceW());
    assert_null(GetProcAddress(secur32, "NoSuchFunction"));
    assert_int_equal(GetLastError(), ERROR_PROC_NOT_FOUND);
    assert_null(GetProcAddress(secur32, "malloc")); /* the C library's is not the module's */
    assert_null(GetProcAddress(secur32, (LPCSTR)7));
    assert_null(GetProcAddress((HMODULE)(void *)state, "malloc"));
    assert_int_equal(GetLastError(), ERROR_INVALID_HANDLE);
    HMODULE kernel32 = GetModuleHandleA("kernel32");
    assert_non_null(GetProcAddress(kernel32, "FormatMessageA"));
    assert_non_null(GetProcAddress(kernel32, "LocalFree")); /* which libsspi has */
    assert_true(FreeLibrary(secur32));
    assert_false(FreeLibrary(NULL));
    assert_null(LoadLibraryA("user32.dll"));
    assert_int_equal(GetLastError(), ERROR_MOD_NOT_FOUND);
    assert_null(LoadLibraryA(NULL));
}

/* ---------------------------------------------------------------- texts */

static void test_to_wide(void **state)
{
    WCHAR wide[16];
    assert_int_equal(MultiByteToWideChar(CP_UTF8, 0, "a\xc3\xa9\xf0\x9f\x98\x80", -1, NULL, 0), 5);
    assert_int_equal(MultiByteToWideChar(CP_ACP, 0, "a\xc3\xa9\xf0\x9f\x98\x80", -1, wide, 5), 5);
    assert_memory_equal(wide, u"a\u00e9\U0001F600", 10);
    assert_int_equal(MultiByteToWideChar(CP_UTF8, 0, "abc", 2, wide, 2), 2); /* counted: no NUL */
    assert_int_equal(MultiByteToWideChar(CP_UTF8, 0, "abc", -1, wide, 3), 0);
    assert_int_equal(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, "a\x80", -1, wide, 16), 0);
    assert_int_equal(GetLastError(), ERROR_NO_UNICODE_TRANSLATION);
    assert_int_equal(MultiByteToWideChar(1252, 0, "a", -1, wide, 16), 0);
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_int_equal(MultiByteToWideChar(CP_UTF8, 0, "a", 0, wide, 16), 0);
    assert_int_equal(MultiByteToWideChar(CP_UTF8, 0, NULL, -1, wide, 16), 0);
}

/* Unicode 15, table 3-11: one U+FFFD for each maximal subpart. */
static void test_malformed_utf8(void **state)
{
    WCHAR wide[32];
    static const char bytes[] = "\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64";
    static const WCHAR expected[] = u"a\ufffd\ufffd\ufffdb\ufffdc\ufffd\ufffdd";
    assert_int_equal(MultiByteToWideChar(CP_UTF8, 0, bytes, sizeof bytes - 1, wide, 32), 10);
    assert_memory_equal(wide, expected, 20);
    /* overlong, a surrogate, beyond U+10FFFF (tables 3-8, 3-9) */
    assert_int_equal(MultiByteToWideChar(CP_UTF8, 0, "\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80", 9, wide, 32), 9);
    for (int i = 0; i < 9; i++) {
        assert_int_equal(wide[i], 0xFFFD);
    }
}

static void test_to_narrow(void **state)
{
    char text[16];
    BOOL used = TRUE;
    assert_int_equal(WideCharToMultiByte(CP_UTF8, 0, u"a\u00e9\U0001F600", -1, NULL, 0, NULL, NULL), 8);
    assert_int_equal(WideCharToMultiByte(CP_ACP, 0, u"a\u00e9\U0001F600", -1, text, sizeof text, "?", &used), 8);
    assert_string_equal(text, "a\xc3\xa9\xf0\x9f\x98\x80");
    assert_false(used);
    static const WCHAR lone[] = {0xD800, 'a', 0xDC00, 0};
    assert_int_equal(WideCharToMultiByte(CP_UTF8, 0, lone, -1, text, sizeof text, NULL, NULL), 8);
    assert_string_equal(text, "\xef\xbf\xbd"
                              "a\xef\xbf\xbd");
    assert_int_equal(WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, lone, -1, text, sizeof text, NULL, NULL), 0);
    assert_int_equal(GetLastError(), ERROR_NO_UNICODE_TRANSLATION);
    assert_int_equal(WideCharToMultiByte(CP_UTF8, 0, u"a", -1, text, sizeof text, "?", NULL), 0);
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_int_equal(WideCharToMultiByte(CP_UTF8, 0, u"\u00e9", 1, text, 1, NULL, NULL), 0);
    assert_int_equal(GetLastError(), ERROR_INSUFFICIENT_BUFFER);
}

static void test_secure(void **state)
{
    char text[6] = "xxxxx";
    assert_int_equal(strcpy_s(text, sizeof text, "hello"), 0);
    assert_string_equal(text, "hello");
    assert_int_equal(strcpy_s(text, 5, "hello"), ERANGE);
    assert_string_equal(text, "");
    assert_int_equal(strncpy_s(text, sizeof text, "hello", 2), 0);
    assert_int_equal(strcat_s(text, sizeof text, "lp!"), 0);
    assert_string_equal(text, "help!");
    assert_int_equal(strcat_s(text, sizeof text, "!"), ERANGE);
    assert_string_equal(text, "");
    assert_int_equal(strncpy_s(text, sizeof text, "abcdefgh", _TRUNCATE), 80);
    assert_string_equal(text, "abcde");
    assert_int_equal(memcpy_s(text, 3, "1234", 4), ERANGE);
    assert_memory_equal(text, "\0\0\0de", 5);
    assert_int_equal(memcpy_s(text, sizeof text, "1234", 5), 0);
    assert_string_equal(text, "1234");
    assert_int_equal(sprintf_s(text, sizeof text, "%d", 12345), 5);
    assert_int_equal(sprintf_s(text, sizeof text, "%d", 123456), -1);
    assert_string_equal(text, "");
    memset(text, 'x', sizeof text);
    assert_int_equal(_snprintf(text, 3, "%s", "abc"), 3);
    assert_memory_equal(text, "abcx", 4);
    assert_int_equal(_snprintf(text, 3, "%s", "abcd"), -1);
    assert_int_equal(_stricmp("NTLM", "ntlm"), 0);
    char secret[4] = "key";
    assert_ptr_equal(SecureZeroMemory(secret, sizeof secret), secret);
    assert_memory_equal(secret, "\0\0\0", 4);
}

/* ---------------------------------------------------------------- times */

static void test_times(void **state)
{
    /* MS-ERREF aside: 1970-01-01 is 116444736000000000 (RFC 4120's epoch in 100 ns since 1601). */
    FILETIME epoch = {(DWORD)(116444736000000000ULL & 0xFFFFFFFF), (DWORD)(116444736000000000ULL >> 32)};
    SYSTEMTIME parts;
    assert_true(FileTimeToSystemTime(&epoch, &parts));
    assert_int_equal(parts.wYear, 1970);
    assert_int_equal(parts.wMonth, 1);
    assert_int_equal(parts.wDay, 1);
    assert_int_equal(parts.wDayOfWeek, 4);
    parts = (SYSTEMTIME){
        .wYear = 2024, .wMonth = 2, .wDay = 29, .wHour = 23, .wMinute = 59, .wSecond = 58, .wMilliseconds = 7};
    FILETIME leap;
    assert_true(SystemTimeToFileTime(&parts, &leap));
    SYSTEMTIME again;
    assert_true(FileTimeToSystemTime(&leap, &again));
    assert_int_equal(again.wDayOfWeek, 4);
    again.wDayOfWeek = 0;
    assert_memory_equal(&again, &parts, sizeof parts);
    assert_int_equal(CompareFileTime(&epoch, &leap), -1);
    assert_int_equal(CompareFileTime(&leap, &epoch), 1);
    assert_int_equal(CompareFileTime(&leap, &leap), 0);
    parts.wYear = 2023;
    assert_false(SystemTimeToFileTime(&parts, &leap)); /* no 29 February */
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    FILETIME negative = {0, 0x80000000};
    assert_false(FileTimeToSystemTime(&negative, &parts));
    GetSystemTime(&parts);
    assert_true(parts.wYear >= 2024);
}

static uint64_t ticks(FILETIME time)
{
    return (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
}

static void test_local_times(void **state)
{
    setenv("TZ", "UTC-2", 1); /* two hours ahead, all year */
    tzset();
    FILETIME now, local, back;
    GetSystemTimeAsFileTime(&now);
    assert_true(FileTimeToLocalFileTime(&now, &local));
    assert_int_equal(ticks(local) - ticks(now), 2 * 3600 * 10000000ULL);
    assert_true(LocalFileTimeToFileTime(&local, &back));
    assert_int_equal(ticks(back), ticks(now));
    FILETIME never = {0xFFFFFFFF, 0x7FFFFFFF};
    assert_true(LocalFileTimeToFileTime(&never, &back));
    assert_int_equal(ticks(back), ticks(never));
}

/* ---------------------------------------------------------------- sockets, names */

static void test_sockets(void **state)
{
    WSADATA data;
    int ends[2];
    assert_int_equal(WSAStartup(MAKEWORD(2, 2), &data), 0);
    assert_int_equal(data.wVersion, 0x0202);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    SOCKET near_end = ends[0];
    ULONG on = 1;
    char byte;
    unsigned long both = ~0UL; /* u_long */
    assert_int_equal(ioctlsocket(near_end, FIONBIO, &on), 0);
    assert_int_equal(recv(near_end, &byte, 1, 0), SOCKET_ERROR);
    assert_int_equal(WSAGetLastError(), WSAEWOULDBLOCK);
    assert_int_equal(send(ends[1], "three", 5, 0), 5);
    assert_int_equal(ioctlsocket(near_end, FIONREAD, &on), 0);
    assert_int_equal(ioctlsocket(near_end, FIONREAD, &both), 0);
    assert_int_equal(on, 5);
    assert_true(both == 5);
    both = 0;
    assert_int_equal(ioctlsocket(near_end, FIONBIO, &both), 0);
    assert_int_equal(fcntl(near_end, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(closesocket(ends[1]), 0);
    assert_int_equal(send(near_end, "x", 1, 0), SOCKET_ERROR); /* and the program lives on */
    assert_int_equal(WSAGetLastError(), WSAECONNRESET);
    assert_int_equal(closesocket(near_end), 0);
    assert_int_equal(closesocket(near_end), SOCKET_ERROR);
    assert_int_equal(WSAGetLastError(), WSAENOTSOCK);
    WSASetLastError(WSAETIMEDOUT);
    assert_int_equal(WSAGetLastError(), WSAETIMEDOUT);
    assert_int_equal(WSACleanup(), 0);
}

static void test_computer_name(void **state)
{
    char host[256], name[256];
    DWORD size = sizeof name;
    assert_int_equal(gethostname(host, sizeof host), 0);
    host[strcspn(host, ".")] = '\0';
    assert_true(GetComputerNameExA(ComputerNameDnsHostname, name, &size));
    assert_string_equal(name, host);
    assert_int_equal(size, strlen(host));
    size = (DWORD)strlen(host);
    assert_false(GetComputerNameExA(ComputerNameDnsHostname, name, &size));
    assert_int_equal(GetLastError(), ERROR_MORE_DATA);
    assert_int_equal(size, strlen(host) + 1);
    WCHAR wide[256];
    size = 256;
    assert_true(GetComputerNameExW(ComputerNameNetBIOS, wide, &size));
    assert_true(size <= 15);
    assert_false(GetComputerNameExA(ComputerNameMax, name, &size));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_message_allocated),
        cmocka_unit_test(test_message_of_a_socket),
        cmocka_unit_test(test_message_unknown),
        cmocka_unit_test(test_message_of_wrapped_code),
        cmocka_unit_test(test_modules),
        cmocka_unit_test(test_to_wide),
        cmocka_unit_test(test_malformed_utf8),
        cmocka_unit_test(test_to_narrow),
        cmocka_unit_test(test_secure),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_local_times),
        cmocka_unit_test(test_sockets),
        cmocka_unit_test(test_computer_name),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("port port", tests, NULL, NULL);
}
