/* Names of the user and of the computer (secext.h; GetUserNameEx, GetComputerObjectName, TranslateName).
 *
 * Sizes are characters, the NUL counted on the way in and when there is too little room, not on success (TranslateName:
 * there, too); a buffer that is too small is left alone (observed on Windows).  A forms count bytes of UTF-8.  For too
 * little room GetUserNameEx has ERROR_MORE_DATA and the other two ERROR_INSUFFICIENT_BUFFER, which is what programs look
 * for before they call again.
 */
#include "api/api.h"

#include <string.h>

#include "api/account_names.h"

/* Where an answer goes: one of the two forms. */
struct answer {
    LPSTR narrow;
    LPWSTR wide;
    bool ansi;
    ULONG *size;
    DWORD too_small; /* the error for it */
};

static BOOLEAN fail(DWORD error)
{
    SetLastError(error);
    return FALSE;
}

static BOOLEAN give(const struct answer *answer, struct utf16 name, bool count_nul)
{
    ULONG length = (ULONG)(answer->ansi ? utf16_utf8_size(name) : utf16_length(name));
    bool fits = length < *answer->size && (answer->narrow != NULL || answer->wide != NULL);
    *answer->size = fits && !count_nul ? length : length + 1;
    if (!fits) {
        return fail(answer->too_small);
    }
    if (answer->ansi) {
        utf16_utf8_write(name, answer->narrow);
        answer->narrow[length] = '\0';
    } else {
        if (length != 0) {
            memcpy(answer->wide, name.data, name.size);
        }
        answer->wide[length] = 0;
    }
    return TRUE;
}

static bool is_format(EXTENDED_NAME_FORMAT format)
{
    switch (format) {
    case NameFullyQualifiedDN:
    case NameSamCompatible:
    case NameDisplay:
    case NameUniqueId:
    case NameCanonical:
    case NameUserPrincipal:
    case NameCanonicalEx:
    case NameServicePrincipal:
    case NameDnsDomain:
    case NameGivenName:
    case NameSurname:
        return true;
    default:
        return false;
    }
}

/* A name that was made, or the error in its place. */
static BOOLEAN give_form(const struct answer *answer, DWORD error, const char *form, bool count_nul)
{
    AUTO_UTF16 name = UTF16_NONE;
    if (error == ERROR_SUCCESS && utf16_from_utf8(bytes_of(form, strlen(form)), &name) < 0) {
        error = ERROR_NONE_MAPPED;
    }
    return error == ERROR_SUCCESS ? give(answer, name, count_nul) : fail(error);
}

static BOOLEAN user_name(EXTENDED_NAME_FORMAT format, const struct answer *answer)
{
    char form[ACCOUNT_FORM_BYTES];
    status_begin();
    if (answer->size == NULL) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    if (format == NameUnknown) {
        return fail(ERROR_NO_SUCH_USER);
    }
    if (!is_format(format)) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    DWORD error = account_current(format, form);
    return give_form(answer, error, form, false);
}

BOOLEAN SEC_ENTRY GetUserNameExA(EXTENDED_NAME_FORMAT NameFormat, LPSTR lpNameBuffer, PULONG nSize)
{
    return user_name(
        NameFormat,
        &(struct answer){.narrow = lpNameBuffer, .ansi = true, .size = nSize, .too_small = ERROR_MORE_DATA});
}

BOOLEAN SEC_ENTRY GetUserNameExW(EXTENDED_NAME_FORMAT NameFormat, LPWSTR lpNameBuffer, PULONG nSize)
{
    return user_name(NameFormat, &(struct answer){.wide = lpNameBuffer, .size = nSize, .too_small = ERROR_MORE_DATA});
}

static BOOLEAN computer_name(EXTENDED_NAME_FORMAT format, const struct answer *answer)
{
    char form[ACCOUNT_FORM_BYTES];
    status_begin();
    if (answer->size == NULL || !is_format(format)) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    DWORD error = account_computer(format, form);
    return give_form(answer, error, form, false);
}

BOOLEAN SEC_ENTRY GetComputerObjectNameA(EXTENDED_NAME_FORMAT NameFormat, LPSTR lpNameBuffer, PULONG nSize)
{
    return computer_name(
        NameFormat,
        &(struct answer){.narrow = lpNameBuffer, .ansi = true, .size = nSize, .too_small = ERROR_INSUFFICIENT_BUFFER});
}

BOOLEAN SEC_ENTRY GetComputerObjectNameW(EXTENDED_NAME_FORMAT NameFormat, LPWSTR lpNameBuffer, PULONG nSize)
{
    return computer_name(NameFormat,
                         &(struct answer){.wide = lpNameBuffer, .size = nSize, .too_small = ERROR_INSUFFICIENT_BUFFER});
}

static BOOLEAN translate(struct utf16 account, EXTENDED_NAME_FORMAT from, EXTENDED_NAME_FORMAT to,
                         const struct answer *answer)
{
    char form[ACCOUNT_FORM_BYTES];
    status_begin();
    if (answer->size == NULL || account.size == 0 || !is_format(to) || (from != NameUnknown && !is_format(from))) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    DWORD error = account_translate(account, from, to, form);
    return give_form(answer, error, form, true);
}

BOOLEAN SEC_ENTRY TranslateNameA(LPCSTR lpAccountName, EXTENDED_NAME_FORMAT AccountNameFormat,
                                 EXTENDED_NAME_FORMAT DesiredNameFormat, LPSTR lpTranslatedName, PULONG nSize)
{
    AUTO_UTF16 account = UTF16_NONE;
    if (lpAccountName == NULL || utf16_from_utf8(bytes_of(lpAccountName, strlen(lpAccountName)), &account) < 0) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    return translate(
        account, AccountNameFormat, DesiredNameFormat,
        &(struct answer){
            .narrow = lpTranslatedName, .ansi = true, .size = nSize, .too_small = ERROR_INSUFFICIENT_BUFFER});
}

BOOLEAN SEC_ENTRY TranslateNameW(LPCWSTR lpAccountName, EXTENDED_NAME_FORMAT AccountNameFormat,
                                 EXTENDED_NAME_FORMAT DesiredNameFormat, LPWSTR lpTranslatedName, PULONG nSize)
{
    return translate(utf16_from_wide((const uint16_t *)lpAccountName), AccountNameFormat, DesiredNameFormat,
                     &(struct answer){.wide = lpTranslatedName, .size = nSize, .too_small = ERROR_INSUFFICIENT_BUFFER});
}
