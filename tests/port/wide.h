/* The run-time on WCHAR as code for Windows calls it, in four modes: C and C++, u"" texts and 16-bit L"" ones.  Output: TAP. */
#include <stdio.h>
#include <stdlib.h>

#include <Windows.h>

#include <tchar.h>

#ifdef __cplusplus
#include <algorithm>
#include <string>
#endif

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

static int same(const WCHAR *a, const WCHAR *b, size_t length)
{
    return memcmp(a, b, (length + 1) * sizeof(WCHAR)) == 0;
}

static void texts(void)
{
    WCHAR text[32];
    const WCHAR *abcd = W("abcdb");
    check(wcslen(W("Kerberos")) == 8, "wcslen counts 16-bit characters");
    check(wcschr(abcd, 'b') == abcd + 1 && wcschr(abcd, 'z') == NULL, "wcschr finds the first");
    check(wcsrchr(abcd, 'b') == abcd + 4 && wcsrchr(abcd, 0) == abcd + 5, "wcsrchr finds the last");
    check(wcsstr(abcd, W("cd")) == abcd + 2 && wcsstr(abcd, W("cde")) == NULL, "wcsstr finds a part");
    check(wcscmp(W("ab"), W("ac")) < 0 && wcscmp(W("ab"), W("ab")) == 0 && wcscmp(W("b"), W("ab")) > 0,
          "wcscmp orders");
    check(wcsncmp(W("abX"), W("abY"), 2) == 0 && wcsncmp(W("abX"), W("abY"), 3) < 0, "wcsncmp counts");
    check(_wcsicmp(W("NTLM"), W("ntlm")) == 0 && _wcsnicmp(W("NtlmX"), W("nTLMy"), 4) == 0, "_wcsicmp ignores case");
    wcscpy(text, W("DOMAIN"));
    wcscat(text, W("\\user"));
    check(same(text, W("DOMAIN\\user"), 11), "wcscpy and wcscat");
    memset(text, 0x55, sizeof text);
    wcsncpy(text, W("ab"), 4);
    check(text[1] == 'b' && text[2] == 0 && text[3] == 0 && text[4] == 0x5555, "wcsncpy fills");
    WCHAR *copy = _wcsdup(W("copy"));
    check(same(copy, W("copy"), 4), "_wcsdup copies");
    free(copy);
    check(wcscpy_s(text, 4, W("four")) != 0 && text[0] == 0, "wcscpy_s refuses what does not fit");
    check(wcscpy_s(text, 5, W("four")) == 0 && same(text, W("four"), 4), "wcscpy_s copies what fits");
    check(wcscat_s(text, 8, W("ty")) == 0 && same(text, W("fourty"), 6), "wcscat_s appends");
}

static void formats(void)
{
    WCHAR text[64];
    check(swprintf_s(text, 64, W("%s/%S:%d"), W("HTTP"), "host", 80) == 12 && same(text, W("HTTP/host:80"), 12),
          "%s, %S, %d");
    check(swprintf(text, 64, W("0x%08lx|%5u|%-5d|"), 0x80090308U, 42U, -7) == 23 &&
              same(text, W("0x80090308|   42|-7   |"), 23),
          "%lx has 32 bits; widths");
    check(swprintf(text, 64, W("%I64d %lld %llu"), (long long)-1, 5000000000LL, 5000000000ULL) == 24 &&
              same(text, W("-1 5000000000 5000000000"), 24),
          "64 bits");
    check(swprintf(text, 64, W("%.3s|%5s|%-5s|%c%%"), W("abcdef"), W("xy"), W("xy"), 'z') == 18 &&
              same(text, W("abc|   xy|xy   |z%"), 18),
          "precision, padding, %c");
    check(swprintf(text, 64, W("%hs %ls %.*s"), "narrow", W("wide"), 2, W("four")) == 14 &&
              same(text, W("narrow wide fo"), 14),
          "prefixes and *");
    check(swprintf_s(text, 4, W("%s"), W("four")) == -1 && text[0] == 0, "what does not fit is nothing");
    text[4] = 0x5555;
    check(_snwprintf(text, 4, W("%s"), W("four")) == 4 && text[4] == 0x5555,
          "_snwprintf writes no NUL when it just fits");
    check(_snwprintf(text, 3, W("%s"), W("four")) == -1, "and says when it does not");
    check(swprintf(text, 64, W("%q")) == -1, "an unknown letter is an error");
    char narrow[64];
    check(wsprintfA(narrow, "%s %S %u", "a", W("\x00e9"), 3U) == 6 && strcmp(narrow, "a \xc3\xa9 3") == 0,
          "wsprintfA's %S is wide");
    check(wsprintfW(text, W("%s %S"), W("a"), "b") == 3 && same(text, W("a b"), 3), "wsprintfW's %S is narrow");
}

static void by_tchar(void)
{
    TCHAR text[16];
    _tcscpy(text, _T("abc"));
    _tcscat(text, TEXT("def"));
    check(_tcslen(text) == 6 && _tcschr(text, 'd') == text + 3 && _tcsicmp(text, _T("ABCDEF")) == 0, "tchar.h");
    TCHAR *copy = _tcsdup(text);
    check(_tcscmp(copy, text) == 0 && _sntprintf(text, 16, _T("%d"), 5) == 1, "tchar.h's copies and formats");
    free(copy);
}

int main(void)
{
    texts();
    formats();
    by_tchar();
#ifdef __cplusplus
    check(std::wcslen(W("four")) == 4, "std::wcslen");
#if __SIZEOF_WCHAR_T__ == 4
    check(wcslen(L"four") == 4 && std::wstring(L"Kerberos").length() == 8, "32-bit texts keep their functions");
#endif
#endif
    printf("1..%d\n", number);
    return failures != 0;
}
