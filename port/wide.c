/* wcslen and its relatives, on 16-bit text. */
#include "port.h"

#include <stdlib.h>

size_t sspi_wcslen(const WCHAR *text)
{
    size_t length = 0;
    while (text[length] != 0) {
        length++;
    }
    return length;
}

WCHAR *sspi_wcschr(const WCHAR *text, WCHAR unit)
{
    for (; *text != unit; text++) {
        if (*text == 0) {
            return NULL;
        }
    }
    return (WCHAR *)text;
}

WCHAR *sspi_wcsrchr(const WCHAR *text, WCHAR unit)
{
    for (size_t at = sspi_wcslen(text) + 1; at > 0; at--) {
        if (text[at - 1] == unit) {
            return (WCHAR *)text + at - 1;
        }
    }
    return NULL;
}

WCHAR *sspi_wcsstr(const WCHAR *text, const WCHAR *part)
{
    size_t length = sspi_wcslen(part);
    for (; sspi_wcsncmp(text, part, length) != 0; text++) {
        if (*text == 0) {
            return NULL;
        }
    }
    return (WCHAR *)text;
}

static WCHAR same(WCHAR unit)
{
    return unit;
}

static WCHAR lower(WCHAR unit)
{
    return unit >= 'A' && unit <= 'Z' ? (WCHAR)(unit + 'a' - 'A') : unit;
}

static int compare(const WCHAR *a, const WCHAR *b, size_t count, WCHAR (*fold)(WCHAR))
{
    for (; count > 0; a++, b++, count--) {
        if (fold(*a) != fold(*b)) {
            return fold(*a) < fold(*b) ? -1 : 1;
        }
        if (*a == 0) {
            break;
        }
    }
    return 0;
}

int sspi_wcscmp(const WCHAR *a, const WCHAR *b)
{
    return compare(a, b, SIZE_MAX, same);
}

int sspi_wcsncmp(const WCHAR *a, const WCHAR *b, size_t count)
{
    return compare(a, b, count, same);
}

int _wcsicmp(const WCHAR *a, const WCHAR *b)
{
    return compare(a, b, SIZE_MAX, lower);
}

int _wcsnicmp(const WCHAR *a, const WCHAR *b, size_t count)
{
    return compare(a, b, count, lower);
}

WCHAR *sspi_wcscpy(WCHAR *destination, const WCHAR *source)
{
    memcpy(destination, source, (sspi_wcslen(source) + 1) * sizeof *source);
    return destination;
}

WCHAR *sspi_wcsncpy(WCHAR *destination, const WCHAR *source, size_t count)
{
    size_t at = 0;
    for (; at < count && source[at] != 0; at++) {
        destination[at] = source[at];
    }
    for (; at < count; at++) {
        destination[at] = 0;
    }
    return destination;
}

WCHAR *sspi_wcscat(WCHAR *destination, const WCHAR *source)
{
    sspi_wcscpy(destination + sspi_wcslen(destination), source);
    return destination;
}

WCHAR *_wcsdup(const WCHAR *text)
{
    if (text == NULL) {
        return NULL;
    }
    size_t size = (sspi_wcslen(text) + 1) * sizeof *text;
    WCHAR *copy = malloc(size);
    return copy != NULL ? memcpy(copy, text, size) : NULL;
}
