#include "api/crypt32.h"

#include <errno.h>
#include <string.h>

#include "base/secret.h"

static DWORD of_errno(void)
{
    switch (errno) {
    case ENOENT:
        return ERROR_FILE_NOT_FOUND;
    case ENOTDIR:
        return ERROR_PATH_NOT_FOUND;
    case EACCES:
    case EPERM:
        return ERROR_ACCESS_DENIED;
    default:
        return (DWORD)CRYPT_E_FILE_ERROR;
    }
}

/* What GetLastError() says of a status from below. */
static DWORD last_error_of(SECURITY_STATUS status)
{
    switch (status) {
    case SEC_E_INSUFFICIENT_MEMORY:
        return ERROR_NOT_ENOUGH_MEMORY;
    case SEC_E_INVALID_HANDLE:
        return ERROR_INVALID_HANDLE;
    case SEC_E_INVALID_PARAMETER:
        return (DWORD)E_INVALIDARG;
    case SEC_E_INVALID_TOKEN:
        return (DWORD)CRYPT_E_ASN1_BADTAG;
    case SEC_E_LOGON_DENIED:
        return ERROR_INVALID_PASSWORD;
    case SEC_E_DECRYPT_FAILURE:
        return (DWORD)NTE_BAD_DATA;
    case SEC_E_UNSUPPORTED_FUNCTION:
        return ERROR_NOT_SUPPORTED;
    case CRYPT_E_FILE_ERROR:
        return of_errno();
    default:
        /* HRESULT_FROM_WIN32 is taken off again: crypt32 mixes both kinds of codes. */
        return ((DWORD)status & 0xFFFF0000) == 0x80070000 ? (DWORD)status & 0xFFFF : (DWORD)status;
    }
}

BOOL crypt32_done(const char *function, SECURITY_STATUS status)
{
    DWORD code = status < 0 ? last_error_of(status) : 0; /* before tracing changes errno */
    (void)api_end(function, status);
    if (status < 0) {
        SetLastError(code);
        return FALSE;
    }
    return TRUE;
}

STATUS crypt32_give(struct bytes value, void *buffer, DWORD *size)
{
    DWORD room;
    REQUIRE(size != NULL, SEC_E_INVALID_PARAMETER, "crypt32: no place for the size");
    room = *size;
    *size = (DWORD)value.size;
    if (buffer == NULL) {
        return SEC_E_OK;
    }
    REQUIRE(room >= value.size, CRYPT32_WIN32(ERROR_MORE_DATA), "crypt32: the caller's buffer is too small");
    struct writer writer = write_into(buffer, value.size);
    write_bytes(&writer, value);
    return SEC_E_OK;
}

static DWORD give_narrow(struct bytes text, char *buffer, DWORD characters)
{
    size_t size = text.size;
    if (buffer == NULL || characters == 0) {
        return (DWORD)size;
    }
    if (size > characters) { /* cut off in front of a character, never within one */
        size = characters;
        while (size > 1 && (text.data[size - 1] & 0xC0) == 0x80) {
            size--;
        }
    }
    memcpy(buffer, text.data, size);
    buffer[size - 1] = 0;
    return (DWORD)size;
}

static DWORD give_wide(struct bytes text, WCHAR *buffer, DWORD characters)
{
    AUTO_UTF16 wide = UTF16_NONE;
    size_t length;
    if (utf16_from_utf8(text, &wide) < 0) {
        if (buffer != NULL && characters != 0) {
            buffer[0] = 0;
        }
        return 1;
    }
    length = utf16_length(wide);
    if (buffer == NULL || characters == 0) {
        return (DWORD)length;
    }
    length = length > characters ? characters : length;
    memcpy(buffer, wide.data, 2 * length);
    buffer[length - 1] = 0;
    return (DWORD)length;
}

DWORD crypt32_give_text(struct bytes utf8, bool wide, void *buffer, DWORD characters)
{
    return wide ? give_wide(utf8, buffer, characters) : give_narrow(utf8, buffer, characters);
}

STATUS crypt32_store(HCERTSTORE handle, struct store **out)
{
    struct store *store = store_of(handle);
    REQUIRE(store != NULL, SEC_E_INVALID_HANDLE, "crypt32: not a store");
    *out = store_hold(store);
    return SEC_E_OK;
}

STATUS crypt32_how(DWORD disposition, enum store_add *out)
{
    static const enum store_add how[] = {
        [CERT_STORE_ADD_NEW] = STORE_ADD_NEW,
        [CERT_STORE_ADD_USE_EXISTING] = STORE_ADD_USE_EXISTING,
        [CERT_STORE_ADD_REPLACE_EXISTING] = STORE_ADD_REPLACE,
        [CERT_STORE_ADD_ALWAYS] = STORE_ADD_ALWAYS,
        [CERT_STORE_ADD_REPLACE_EXISTING_INHERIT_PROPERTIES] = STORE_ADD_REPLACE_INHERIT,
        [CERT_STORE_ADD_NEWER] = STORE_ADD_NEWER,
        [CERT_STORE_ADD_NEWER_INHERIT_PROPERTIES] = STORE_ADD_NEWER_INHERIT,
    };
    REQUIRE(disposition >= 1 && disposition < sizeof how / sizeof how[0], SEC_E_INVALID_PARAMETER,
            "crypt32: no such disposition (CERT_STORE_ADD_*)");
    *out = how[disposition];
    return SEC_E_OK;
}

STATUS crypt32_utf8(const WCHAR *text, char **out)
{
    REQUIRE(text != NULL, SEC_E_INVALID_PARAMETER, "crypt32: no text");
    return utf16_to_utf8(utf16_from_wide((const uint16_t *)text), out, NULL);
}
