/* CryptStringToBinary and CryptBinaryToString (wincrypt_names.h). */
#include "api/crypt32.h"

#include <string.h>

#include "base/secret.h"
#include "cert/base64.h"

#define TEXT_MAX (64u << 20)
#define LINE     64 /* characters of base64 in a line */

/* ---------------------------------------------------------------- text to bytes */

/* Where the text between "-----BEGIN ...-----" and "-----END" is; SEC_E_INVALID_TOKEN when there are no such lines. */
static STATUS between(struct bytes text, struct bytes *out, size_t *out_skip)
{
    static const char begin[] = "-----BEGIN ", dashes[] = "-----", end[] = "-----END ";
    const uint8_t *first = memmem(text.data, text.size, begin, sizeof begin - 1), *body, *last;
    const uint8_t *limit = text.data + text.size;
    REQUIRE(first != NULL, SEC_E_INVALID_TOKEN, "CryptStringToBinary: no BEGIN line (RFC 7468 2)");
    body = first + sizeof begin - 1;
    body = memmem(body, (size_t)(limit - body), dashes, sizeof dashes - 1);
    REQUIRE(body != NULL, SEC_E_INVALID_TOKEN, "CryptStringToBinary: a BEGIN line without an end (RFC 7468 2)");
    body += sizeof dashes - 1;
    last = memmem(body, (size_t)(limit - body), end, sizeof end - 1);
    REQUIRE(last != NULL, SEC_E_INVALID_TOKEN, "CryptStringToBinary: no END line (RFC 7468 2)");
    *out = bytes_of(body, (size_t)(last - body));
    *out_skip = (size_t)(first - text.data);
    return SEC_E_OK;
}

struct read_text {
    struct bytes text;
    struct writer *out;
    size_t skip;
    DWORD form;
};

static STATUS read_one(struct read_text *read, DWORD form)
{
    struct bytes body = read->text;
    size_t skip = 0;
    switch (form) {
    case CRYPT_STRING_BASE64HEADER:
    case CRYPT_STRING_BASE64REQUESTHEADER:
    case CRYPT_STRING_BASE64X509CRLHEADER:
        TRY(between(read->text, &body, &skip));
        TRY(base64_read(body, false, read->out));
        break;
    case CRYPT_STRING_BASE64:
    case CRYPT_STRING_BASE64URI:
        TRY(base64_read(body, form == CRYPT_STRING_BASE64URI, read->out));
        break;
    case CRYPT_STRING_HEX:
    case CRYPT_STRING_HEXRAW:
        TRY(hex_read(body, read->out));
        break;
    case CRYPT_STRING_BINARY:
        write_bytes(read->out, body);
        break;
    default:
        FAIL(CRYPT32_WIN32(ERROR_INVALID_PARAMETER), "CryptStringToBinary: a form that is not known");
    }
    read->skip = skip;
    read->form = form;
    return SEC_E_OK;
}

static STATUS read_any(struct read_text *read, DWORD form)
{
    static const DWORD any[] = {CRYPT_STRING_BASE64HEADER, CRYPT_STRING_BASE64, CRYPT_STRING_HEX, CRYPT_STRING_BINARY};
    size_t count = form == CRYPT_STRING_ANY ? 4 : 2;
    const DWORD *forms = form == CRYPT_STRING_HEX_ANY ? any + 2 : any;
    SECURITY_STATUS status = SEC_E_INVALID_TOKEN;
    if (form == CRYPT_STRING_HEX_ANY) {
        count = 1;
    }
    if (form != CRYPT_STRING_ANY && form != CRYPT_STRING_BASE64_ANY && form != CRYPT_STRING_HEX_ANY) {
        return read_one(read, form);
    }
    for (size_t i = 0; i < count && status < 0; i++) {
        status_begin(); /* what one form is not, another may be */
        status = read_one(read, forms[i]);
    }
    return status;
}

static STATUS to_binary(struct bytes text, DWORD flags, BYTE *binary, DWORD *size, DWORD *skip, DWORD *form)
{
    AUTO_WRITER writer = write_growing(TEXT_MAX);
    struct read_text read = {.text = text, .out = &writer};
    SECURITY_STATUS status = read_any(&read, flags & CRYPT_STRING_ENCODEMASK);
    REQUIRE(status != SEC_E_INVALID_TOKEN, CRYPT32_WIN32(ERROR_INVALID_DATA), "CryptStringToBinary: not of this form");
    TRY(status);
    TRY(write_end(&writer));
    TRY(crypt32_give(write_result(&writer), binary, size));
    if (skip != NULL) {
        *skip = (DWORD)read.skip;
    }
    if (form != NULL) {
        *form = read.form;
    }
    return SEC_E_OK;
}

BOOL WINAPI CryptStringToBinaryA(LPCSTR pszString, DWORD cchString, DWORD dwFlags, BYTE *pbBinary, DWORD *pcbBinary,
                                 DWORD *pdwSkip, DWORD *pdwFlags)
{
    SECURITY_STATUS status = CRYPT32_WIN32(ERROR_INVALID_PARAMETER);
    status_begin();
    if (pszString != NULL) {
        status = to_binary(bytes_of(pszString, cchString == 0 ? strlen(pszString) : cchString), dwFlags, pbBinary,
                           pcbBinary, pdwSkip, pdwFlags);
    }
    return crypt32_done("CryptStringToBinary", status);
}

static STATUS wide_to_binary(LPCWSTR text, DWORD length, DWORD flags, BYTE *binary, DWORD *size, DWORD *skip,
                             DWORD *form)
{
    AUTO_SECRET narrow = {NULL, 0};
    REQUIRE(text != NULL, CRYPT32_WIN32(ERROR_INVALID_PARAMETER), "CryptStringToBinary: no text");
    if (length == 0) {
        length = (DWORD)utf16_length(utf16_from_wide((const uint16_t *)text));
    }
    TRY(secret_alloc(&narrow, (size_t)length + 1));
    for (DWORD i = 0; i < length; i++) { /* every form but BINARY is ASCII */
        REQUIRE(text[i] < 0x80, CRYPT32_WIN32(ERROR_INVALID_DATA), "CryptStringToBinary: not ASCII");
        narrow.data[i] = (uint8_t)text[i];
    }
    return to_binary(bytes_of(narrow.data, length), flags, binary, size, skip, form);
}

BOOL WINAPI CryptStringToBinaryW(LPCWSTR pszString, DWORD cchString, DWORD dwFlags, BYTE *pbBinary, DWORD *pcbBinary,
                                 DWORD *pdwSkip, DWORD *pdwFlags)
{
    status_begin();
    return crypt32_done("CryptStringToBinary",
                        wide_to_binary(pszString, cchString, dwFlags, pbBinary, pcbBinary, pdwSkip, pdwFlags));
}

/* ---------------------------------------------------------------- bytes to text */

static void write_text(struct writer *out, const char *text)
{
    write_bytes(out, bytes_of(text, strlen(text)));
}

static const char *line_end(DWORD flags)
{
    return flags & CRYPT_STRING_NOCRLF ? "" : flags & CRYPT_STRING_NOCR ? "\n" : "\r\n";
}

static void write_label(struct writer *out, const char *which, DWORD form, DWORD flags)
{
    write_text(out, which);
    write_text(out, form == CRYPT_STRING_BASE64REQUESTHEADER   ? "NEW CERTIFICATE REQUEST"
                    : form == CRYPT_STRING_BASE64X509CRLHEADER ? "X509 CRL"
                                                               : "CERTIFICATE");
    write_text(out, "-----");
    write_text(out, line_end(flags));
}

static STATUS write_base64(struct bytes data, DWORD form, DWORD flags, struct writer *out)
{
    AUTO_WRITER text = write_growing(TEXT_MAX);
    bool header = form != CRYPT_STRING_BASE64 && form != CRYPT_STRING_BASE64URI;
    struct bytes all;
    TRY(base64_write(data, form == CRYPT_STRING_BASE64URI, &text));
    TRY(write_end(&text));
    all = write_result(&text);
    if (header) {
        write_label(out, "-----BEGIN ", form, flags);
    }
    for (size_t at = 0; at < all.size; at += LINE) {
        write_bytes(out, bytes_of(all.data + at, all.size - at < LINE ? all.size - at : LINE));
        write_text(out, line_end(flags));
    }
    if (header) {
        write_label(out, "-----END ", form, flags);
    }
    return SEC_E_OK;
}

/* HEX: sixteen bytes a line, a space between them and one more in the middle; HEXRAW: digits alone. */
static void write_hex(struct bytes data, bool raw, DWORD flags, struct writer *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < data.size; i++) {
        write_u8(out, (uint8_t)digits[data.data[i] >> 4]);
        write_u8(out, (uint8_t)digits[data.data[i] & 15]);
        if (raw || i + 1 == data.size) {
            continue;
        }
        if ((i + 1) % 16 == 0) {
            write_text(out, flags & CRYPT_STRING_NOCRLF ? " " : line_end(flags));
        } else {
            write_text(out, (i + 1) % 8 == 0 ? "  " : " ");
        }
    }
    write_text(out, line_end(flags));
}

static STATUS write_form(struct bytes data, DWORD flags, struct writer *out)
{
    DWORD form = flags & CRYPT_STRING_ENCODEMASK;
    switch (form) {
    case CRYPT_STRING_BASE64HEADER:
    case CRYPT_STRING_BASE64:
    case CRYPT_STRING_BASE64REQUESTHEADER:
    case CRYPT_STRING_BASE64X509CRLHEADER:
    case CRYPT_STRING_BASE64URI:
        return write_base64(data, form, flags, out);
    case CRYPT_STRING_HEX:
    case CRYPT_STRING_HEXRAW:
        write_hex(data, form == CRYPT_STRING_HEXRAW, flags, out);
        return SEC_E_OK;
    default:
        FAIL(CRYPT32_WIN32(ERROR_INVALID_PARAMETER), "CryptBinaryToString: a form that is not known");
    }
}

/* `string` NULL: the size with the NUL.  Otherwise *size becomes the length without it, although it has to hold the NUL. */
static STATUS to_string(struct bytes data, DWORD flags, bool wide, void *string, DWORD *size)
{
    AUTO_WRITER writer = write_growing(TEXT_MAX);
    DWORD length;
    REQUIRE(size != NULL && (data.data != NULL || data.size == 0) && data.size <= TEXT_MAX / 4,
            CRYPT32_WIN32(ERROR_INVALID_PARAMETER),
            "CryptBinaryToString: no bytes, too many, or no place for the size");
    TRY(write_form(data, flags, &writer));
    write_bytes(&writer, bytes_of("", 1));
    TRY(write_end(&writer));
    length = (DWORD)write_result(&writer).size;
    if (string == NULL) {
        *size = length;
        return SEC_E_OK;
    }
    if (*size < length) {
        *size = length;
        FAIL(CRYPT32_WIN32(ERROR_MORE_DATA), "CryptBinaryToString: the caller's buffer is too small");
    }
    *size = crypt32_give_text(write_result(&writer), wide, string, length) - 1;
    return SEC_E_OK;
}

BOOL WINAPI CryptBinaryToStringA(const BYTE *pbBinary, DWORD cbBinary, DWORD dwFlags, LPSTR pszString,
                                 DWORD *pcchString)
{
    status_begin();
    return crypt32_done("CryptBinaryToString",
                        to_string(bytes_of(pbBinary, cbBinary), dwFlags, false, pszString, pcchString));
}

BOOL WINAPI CryptBinaryToStringW(const BYTE *pbBinary, DWORD cbBinary, DWORD dwFlags, LPWSTR pszString,
                                 DWORD *pcchString)
{
    status_begin();
    return crypt32_done("CryptBinaryToString",
                        to_string(bytes_of(pbBinary, cbBinary), dwFlags, true, pszString, pcchString));
}
