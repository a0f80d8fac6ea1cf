/* swprintf and its relatives on 16-bit text, as Windows' run-time formats.  Numbers are the C library's snprintf's work. */
#include "port.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define WSPRINTF_MAX 1024

/* Where the text goes: what does not fit is counted and left out. */
struct sink {
    WCHAR *out;
    size_t room;
    size_t count;
};

/* One conversion: %flags width.precision size letter. */
struct conversion {
    char flags[6];
    int width;
    int precision; /* negative: none */
    int bits;      /* of an integer */
    bool narrow;   /* an h was there: text of bytes */
    bool wide;     /* an l or a w was there: text of WCHARs */
    WCHAR letter;
};

struct arguments {
    va_list list;
};

static void put(struct sink *sink, WCHAR unit)
{
    if (sink->count < sink->room) {
        sink->out[sink->count] = unit;
    }
    sink->count++;
}

static void put_text(struct sink *sink, const struct conversion *how, const WCHAR *text)
{
    size_t length = 0;
    while ((how->precision < 0 || length < (size_t)how->precision) && text[length] != 0) {
        length++;
    }
    size_t blanks = (size_t)how->width > length ? (size_t)how->width - length : 0;
    bool left = strchr(how->flags, '-') != NULL;
    for (size_t i = 0; !left && i < blanks; i++) {
        put(sink, ' ');
    }
    for (size_t i = 0; i < length; i++) {
        put(sink, text[i]);
    }
    for (size_t i = 0; left && i < blanks; i++) {
        put(sink, ' ');
    }
}

/* A number or an asterisk, which stands for an argument. */
static const WCHAR *read_number(const WCHAR *at, struct arguments *arguments, int *out)
{
    if (*at == '*') {
        *out = va_arg(arguments->list, int);
        return at + 1;
    }
    for (*out = 0; *at >= '0' && *at <= '9'; at++) {
        *out = *out < INT_MAX / 10 - 9 ? *out * 10 + (*at - '0') : *out;
    }
    return at;
}

static const WCHAR *read_size(const WCHAR *at, struct conversion *out)
{
    out->bits = 32;
    if (*at == 'I') {
        at++;
        if ((at[0] == '6' && at[1] == '4') || (at[0] == '3' && at[1] == '2')) {
            out->bits = at[0] == '6' ? 64 : 32;
            return at + 2;
        }
        out->bits = 64;
        return at;
    }
    for (;; at++) {
        switch (*at) {
        case 'h':
            out->narrow = true;
            out->bits = out->bits == 16 ? 8 : 16;
            break;
        case 'l':
            out->bits = out->wide ? 64 : 32; /* Windows' long has 32 bits */
            out->wide = true;
            break;
        case 'w':
            out->wide = true;
            break;
        case 'z':
        case 'j':
        case 't':
            out->bits = 64;
            break;
        default:
            return at;
        }
    }
}

/* Behind the '%' to behind the letter. */
static const WCHAR *read_conversion(const WCHAR *at, struct arguments *arguments, struct conversion *out)
{
    *out = (struct conversion){.precision = -1};
    size_t count = 0;
    for (; *at != 0 && *at < 0x80 && strchr("-+ #0", *at) != NULL; at++) {
        if (strchr(out->flags, *at) == NULL && count < sizeof out->flags - 1) {
            out->flags[count++] = (char)*at;
        }
    }
    at = read_number(at, arguments, &out->width);
    if (out->width < 0) {
        out->width = out->width == INT_MIN ? INT_MAX : -out->width;
        out->flags[count == sizeof out->flags - 1 ? 0 : count] = '-';
    }
    if (*at == '.') {
        at = read_number(at + 1, arguments, &out->precision);
    }
    at = read_size(at, out);
    out->letter = *at;
    return *at == 0 ? at : at + 1;
}

static bool put_integer(struct sink *sink, const struct conversion *how, struct arguments *arguments)
{
    bool is_signed = how->letter == 'd' || how->letter == 'i';
    uint64_t value = how->bits == 64 ? va_arg(arguments->list, uint64_t) : va_arg(arguments->list, unsigned);
    unsigned unused = (unsigned)(64 - how->bits);
    value = is_signed ? (uint64_t)((int64_t)(value << unused) >> unused) : value << unused >> unused;
    char format[32];
    snprintf(format, sizeof format, "%%%s*.*ll%c", how->flags, (char)how->letter);
    AUTO_FREE char *text = NULL;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (asprintf(&text, format, how->width, how->precision, (unsigned long long)value) < 0) {
#pragma GCC diagnostic pop
        text = NULL;
        return false;
    }
    for (const char *at = text; *at != '\0'; at++) {
        put(sink, (WCHAR)(unsigned char)*at);
    }
    return true;
}

static bool put_string(struct sink *sink, const struct conversion *how, struct arguments *arguments, bool wide)
{
    const void *text = va_arg(arguments->list, const void *);
    static const WCHAR null[] = u"(null)";
    if (text == NULL || wide) {
        put_text(sink, how, text == NULL ? null : text);
        return true;
    }
    AUTO_FREE WCHAR *converted = port_wide(text);
    if (converted == NULL) {
        return false;
    }
    put_text(sink, how, converted);
    return true;
}

/* `wide`: what %s is without a prefix; %S is the other one. */
static bool put_one(struct sink *sink, const struct conversion *how, struct arguments *arguments, bool wide)
{
    switch (how->letter) {
    case '%':
        put(sink, '%');
        return true;
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        return put_integer(sink, how, arguments);
    case 'p': {
        struct conversion hex = {.flags = "0", .width = 16, .precision = -1, .bits = 64, .letter = 'X'};
        return put_integer(sink, &hex, arguments);
    }
    case 'c':
    case 'C': {
        WCHAR unit[2] = {(WCHAR)va_arg(arguments->list, int), 0};
        struct conversion plain = *how;
        plain.precision = -1;
        put_text(sink, &plain, unit);
        return true;
    }
    case 's':
        return put_string(sink, how, arguments, how->narrow ? false : how->wide || wide);
    case 'S':
        return put_string(sink, how, arguments, how->narrow ? false : how->wide || !wide);
    default:
        return false;
    }
}

/* The characters of the whole text, however many fitted; negative when the format has what is not known. */
static int format_into(WCHAR *out, size_t room, const WCHAR *format, va_list arguments, bool wide)
{
    struct sink sink = {out, room, 0};
    struct arguments rest;
    va_copy(rest.list, arguments);
    bool good = true;
    for (const WCHAR *at = format; *at != 0 && good;) {
        if (*at != '%') {
            put(&sink, *at++);
            continue;
        }
        struct conversion how;
        at = read_conversion(at + 1, &rest, &how);
        good = put_one(&sink, &how, &rest, wide) && sink.count <= INT_MAX;
    }
    va_end(rest.list);
    return good ? (int)sink.count : -1;
}

int sspi_vswprintf(WCHAR *destination, size_t room, const WCHAR *format, va_list arguments)
{
    if (destination == NULL || room == 0 || format == NULL) {
        return -1;
    }
    int count = format_into(destination, room - 1, format, arguments, true);
    if (count < 0 || (size_t)count >= room) {
        destination[0] = 0;
        return -1;
    }
    destination[count] = 0;
    return count;
}

int sspi_swprintf(WCHAR *destination, size_t room, const WCHAR *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int count = sspi_vswprintf(destination, room, format, arguments);
    va_end(arguments);
    return count;
}

int swprintf_s(WCHAR *destination, size_t room, const WCHAR *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int count = sspi_vswprintf(destination, room, format, arguments);
    va_end(arguments);
    return count;
}

int _snwprintf(WCHAR *destination, size_t count, const WCHAR *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = format_into(destination, destination != NULL ? count : 0, format, arguments, true);
    va_end(arguments);
    if (destination != NULL && length >= 0 && (size_t)length < count) {
        destination[length] = 0;
    }
    return length < 0 || (size_t)length > count ? -1 : length;
}

int WINAPI wsprintfW(LPWSTR destination, LPCWSTR format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = format_into(destination, WSPRINTF_MAX - 1, format, arguments, true);
    va_end(arguments);
    length = length < 0 ? 0 : length > WSPRINTF_MAX - 1 ? WSPRINTF_MAX - 1 : length;
    destination[length] = 0;
    return length;
}

int WINAPI wsprintfA(LPSTR destination, LPCSTR format, ...)
{
    WCHAR text[WSPRINTF_MAX];
    AUTO_FREE WCHAR *wide = port_wide(format);
    va_list arguments;
    va_start(arguments, format);
    int length = wide != NULL ? format_into(text, WSPRINTF_MAX - 1, wide, arguments, false) : -1;
    va_end(arguments);
    length = length < 0 ? 0 : length > WSPRINTF_MAX - 1 ? WSPRINTF_MAX - 1 : length;
    text[length] = 0;
    AUTO_FREE char *narrow = port_narrow(text);
    size_t size = narrow != NULL ? strlen(narrow) : 0;
    size = size < WSPRINTF_MAX ? size : WSPRINTF_MAX - 1;
    memcpy(destination, narrow != NULL ? narrow : "", size);
    destination[size] = '\0';
    return (int)size;
}
