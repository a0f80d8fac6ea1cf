/* FormatMessage. */
#include "port.h"

#include <stdlib.h>

#include "message_table.h"

static const struct {
    DWORD code;
    const char *text;
} messages[] = {
#define ROW(code, text) {(DWORD)(code), text},
    MESSAGES(ROW)
#undef ROW
};

/* A Win32 code may also come as HRESULT_FROM_WIN32 makes it. */
static const char *message_of(DWORD code)
{
    if ((code & 0xFFFF0000) == 0x80070000) {
        code &= 0xFFFF;
    }
    for (size_t i = 0; i < _countof(messages); i++) {
        if (messages[i].code == code) {
            return messages[i].text;
        }
    }
    return NULL;
}

/* The message with its end; the caller frees it. */
static char *compose(DWORD flags, DWORD code)
{
    const char *text = message_of(code);
    if ((flags & FORMAT_MESSAGE_FROM_STRING) != 0 || (flags & FORMAT_MESSAGE_FROM_SYSTEM) == 0) {
        return fail_null(ERROR_INVALID_PARAMETER);
    }
    if (text == NULL) {
        return fail_null(ERROR_MR_MID_NOT_FOUND);
    }
    bool one_line = (flags & FORMAT_MESSAGE_MAX_WIDTH_MASK) == FORMAT_MESSAGE_MAX_WIDTH_MASK;
    char *whole = NULL;
    if (asprintf(&whole, "%s%s", text, one_line ? " " : "\r\n") < 0) {
        return fail_null(ERROR_NOT_ENOUGH_MEMORY);
    }
    return whole;
}

/* Gives `size` bytes of text, a NUL of `unit` bytes included, to the caller, or a block that holds it. */
static bool hand_out(DWORD flags, const void *text, size_t size, size_t unit, void *buffer, DWORD room)
{
    if (buffer == NULL) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    if ((flags & FORMAT_MESSAGE_ALLOCATE_BUFFER) == 0) {
        if (room * unit < size) {
            return fail(ERROR_INSUFFICIENT_BUFFER);
        }
        memcpy(buffer, text, size);
        return true;
    }
    void *block = LocalAlloc(LPTR, room * unit > size ? room * unit : size);
    if (block == NULL) {
        return false;
    }
    memcpy(block, text, size);
    *(void **)buffer = block;
    return true;
}

DWORD WINAPI FormatMessageA(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId, DWORD dwLanguageId, LPSTR lpBuffer,
                            DWORD nSize, va_list *Arguments)
{
    AUTO_FREE char *text = compose(dwFlags, dwMessageId);
    if (text == NULL) {
        return 0;
    }
    size_t length = strlen(text);
    return hand_out(dwFlags, text, length + 1, 1, lpBuffer, nSize) ? (DWORD)length : 0;
}

DWORD WINAPI FormatMessageW(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId, DWORD dwLanguageId, LPWSTR lpBuffer,
                            DWORD nSize, va_list *Arguments)
{
    AUTO_FREE char *text = compose(dwFlags, dwMessageId);
    if (text == NULL) {
        return 0;
    }
    AUTO_FREE WCHAR *wide = port_wide(text);
    if (wide == NULL) {
        return (DWORD)fail(ERROR_NOT_ENOUGH_MEMORY);
    }
    size_t length = sspi_wcslen(wide);
    return hand_out(dwFlags, wide, (length + 1) * sizeof(WCHAR), sizeof(WCHAR), lpBuffer, nSize) ? (DWORD)length : 0;
}
