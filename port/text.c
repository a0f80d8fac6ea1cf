/* UTF-8 to UTF-16 and back, with Windows' rules for what is malformed (MultiByteToWideChar, WideCharToMultiByte). */
#include "port.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define REPLACEMENT 0xFFFD

/* One code point of UTF-8 (Unicode 15, table 3-7).  `out_used` is what it takes; false: so many bytes are malformed, the
 * longest start of a sequence that there could have been ("maximal subpart", 3.9). */
static bool decode_utf8(const unsigned char *at, size_t left, uint32_t *out_point, size_t *out_used)
{
    unsigned char first = at[0];
    size_t more = first < 0x80 ? 0 : first >= 0xC2 && first <= 0xDF ? 1 : first >= 0xE0 && first <= 0xEF ? 2 : 3;
    *out_used = 1;
    if (first < 0x80) {
        *out_point = first;
        return true;
    }
    if (first < 0xC2 || first > 0xF4) {
        return false;
    }
    unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    uint32_t point = first & (0x3F >> more);
    for (size_t i = 1; i <= more; i++) {
        if (i >= left || at[i] < low || at[i] > high) {
            return false;
        }
        point = point << 6 | (at[i] & 0x3F);
        *out_used = i + 1;
        low = 0x80;
        high = 0xBF;
    }
    *out_point = point;
    return true;
}

/* Counts and, where there is room, writes; a count above `room` means that it does not fit.  SIZE_MAX: malformed. */
static size_t to_wide(const unsigned char *from, size_t size, bool strict, WCHAR *out, size_t room)
{
    size_t count = 0;
    for (size_t at = 0; at < size;) {
        uint32_t point = 0;
        size_t used = 0;
        if (!decode_utf8(from + at, size - at, &point, &used)) {
            if (strict) {
                return SIZE_MAX;
            }
            point = REPLACEMENT;
        }
        at += used;
        WCHAR units[2] = {(WCHAR)point, 0};
        size_t length = 1;
        if (point >= 0x10000) {
            units[0] = (WCHAR)(0xD800 + ((point - 0x10000) >> 10));
            units[1] = (WCHAR)(0xDC00 + ((point - 0x10000) & 0x3FF));
            length = 2;
        }
        for (size_t i = 0; i < length; i++, count++) {
            if (count < room) {
                out[count] = units[i];
            }
        }
    }
    return count;
}

static size_t encode_utf8(uint32_t point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (point & 0x3F));
        point >>= 6;
    }
    out[0] = (char)(marks[size] | point);
    return size;
}

static size_t to_narrow(const WCHAR *from, size_t length, bool strict, char *out, size_t room)
{
    size_t count = 0;
    for (size_t at = 0; at < length; at++) {
        uint32_t point = from[at];
        if (point >= 0xD800 && point <= 0xDFFF) {
            bool pair = point <= 0xDBFF && at + 1 < length && from[at + 1] >= 0xDC00 && from[at + 1] <= 0xDFFF;
            if (!pair && strict) {
                return SIZE_MAX;
            }
            point = pair ? 0x10000 + ((point & 0x3FF) << 10) + (from[++at] & 0x3FF) : REPLACEMENT;
        }
        char bytes[4];
        size_t size = encode_utf8(point, bytes);
        for (size_t i = 0; i < size; i++, count++) {
            if (count < room) {
                out[count] = bytes[i];
            }
        }
    }
    return count;
}

static bool is_utf8(UINT page)
{
    return page == CP_UTF8 || page == CP_ACP || page == CP_OEMCP || page == CP_THREAD_ACP;
}

/* What the count that a conversion gave means to the caller. */
static int verdict(size_t count, size_t room)
{
    if (count == SIZE_MAX) {
        return fail(ERROR_NO_UNICODE_TRANSLATION);
    }
    if (count > INT_MAX) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    return room != 0 && count > room ? fail(ERROR_INSUFFICIENT_BUFFER) : (int)count;
}

int WINAPI MultiByteToWideChar(UINT CodePage, DWORD dwFlags, LPCCH lpMultiByteStr, int cbMultiByte,
                               LPWSTR lpWideCharStr, int cchWideChar)
{
    if (!is_utf8(CodePage) || lpMultiByteStr == NULL || cbMultiByte < -1 || cbMultiByte == 0 || cchWideChar < 0 ||
        (cchWideChar > 0 && (lpWideCharStr == NULL || (const void *)lpWideCharStr == lpMultiByteStr))) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    size_t size = cbMultiByte < 0 ? strlen(lpMultiByteStr) + 1 : (size_t)cbMultiByte;
    size_t count = to_wide((const unsigned char *)lpMultiByteStr, size, (dwFlags & MB_ERR_INVALID_CHARS) != 0,
                           lpWideCharStr, (size_t)cchWideChar);
    return verdict(count, (size_t)cchWideChar);
}

int WINAPI WideCharToMultiByte(UINT CodePage, DWORD dwFlags, LPCWCH lpWideCharStr, int cchWideChar,
                               LPSTR lpMultiByteStr, int cbMultiByte, LPCCH lpDefaultChar, LPBOOL lpUsedDefaultChar)
{
    if (!is_utf8(CodePage) || lpWideCharStr == NULL || cchWideChar < -1 || cchWideChar == 0 || cbMultiByte < 0 ||
        (cbMultiByte > 0 && (lpMultiByteStr == NULL || (const void *)lpWideCharStr == lpMultiByteStr)) ||
        (CodePage == CP_UTF8 && (lpDefaultChar != NULL || lpUsedDefaultChar != NULL))) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    size_t length = cchWideChar < 0 ? sspi_wcslen(lpWideCharStr) + 1 : (size_t)cchWideChar;
    size_t count =
        to_narrow(lpWideCharStr, length, (dwFlags & WC_ERR_INVALID_CHARS) != 0, lpMultiByteStr, (size_t)cbMultiByte);
    if (lpUsedDefaultChar != NULL) {
        *lpUsedDefaultChar = FALSE;
    }
    return verdict(count, (size_t)cbMultiByte);
}

WCHAR *port_wide(const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    WCHAR *wide = malloc(size * sizeof *wide); /* UTF-16 never has more units than UTF-8 has bytes */
    if (wide != NULL) {
        to_wide((const unsigned char *)text, size, false, wide, size);
    }
    return wide;
}

char *port_narrow(const WCHAR *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t length = sspi_wcslen(text) + 1;
    char *narrow = malloc(3 * length);
    if (narrow != NULL) {
        to_narrow(text, length, false, narrow, 3 * length);
    }
    return narrow;
}

bool port_give(const WCHAR *text, WCHAR *out, DWORD *size)
{
    size_t length = sspi_wcslen(text);
    bool fits = out != NULL && *size > length;
    if (fits) {
        memcpy(out, text, (length + 1) * sizeof *text);
    }
    *size = (DWORD)(fits ? length : length + 1);
    return fits;
}

bool port_give_narrow(const WCHAR *text, char *out, DWORD *size)
{
    size_t length = to_narrow(text, sspi_wcslen(text), false, NULL, 0);
    bool fits = out != NULL && *size > length;
    if (fits) {
        to_narrow(text, sspi_wcslen(text) + 1, false, out, length + 1);
    }
    *size = (DWORD)(fits ? length : length + 1);
    return fits;
}
