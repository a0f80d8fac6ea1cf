/* Names of the user and of the computer (secext.h; GetUserNameEx, GetComputerObjectName, TranslateName).
 *
 * Sizes are characters, the NUL counted on the way in and when there is too little room, not on success (TranslateName:
 * there, too); a buffer that is too small is left alone (observed on Windows).  A forms count bytes of UTF-8.  For too
 * little room GetUserNameEx has ERROR_MORE_DATA and the other two ERROR_INSUFFICIENT_BUFFER, which is what programs look
 * for before they call again.
 */
#include "api/api.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/policy.h"
#include "core/token.h"
#include "logon/default_credentials.h"
#include "logon/machine.h"
#include "text/names.h"

#define NAME_MAX_BYTES 2048
#define PASSWD_BUFFER  4096

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

/* A user under two names; slices of `space`. */
struct user_names {
    struct utf16 user, domain;
};

static bool put(struct writer *space, struct utf16 text, struct utf16 *out)
{
    size_t start = space->size;
    write_bytes(space, utf16_bytes(text));
    *out = (struct utf16){space->data + start, space->size - start};
    return !space->bad;
}

/* The name by which the system knows the process: its login, on this machine. */
static bool login_names(struct writer *space, struct user_names *out)
{
    char buffer[PASSWD_BUFFER];
    struct passwd entry, *found = NULL;
    const struct machine_names *machine;
    if (getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) != 0 || found == NULL ||
        names_of_this_machine(&machine) < 0) {
        return false;
    }
    AUTO_UTF16 user = UTF16_NONE;
    return utf16_from_utf8(bytes_of(found->pw_name, strlen(found->pw_name)), &user) >= 0 &&
           put(space, user, &out->user) && put(space, machine->netbios_computer, &out->domain);
}

/* Who this thread acts for: whom it impersonates, else who logged on (`sspi logon`), else the login. */
static bool current_names(struct writer *space, struct user_names *out)
{
    const struct token *token = token_current();
    if (token != NULL) {
        static const uint16_t anonymous[] = u"ANONYMOUS LOGON", authority[] = u"NT AUTHORITY";
        bool nobody = token_is_anonymous(token);
        return put(space, nobody ? utf16_from_wide(anonymous) : token_user(token), &out->user) &&
               put(space, nobody ? utf16_from_wide(authority) : token_domain(token), &out->domain);
    }
    AUTO_IDENTITY session = {0};
    if (logon_session_load(&session) >= 0 && session.user.size != 0) {
        struct account_name name = names_split_upn(session.user, session.domain);
        return put(space, name.user, &out->user) && put(space, name.domain, &out->domain);
    }
    return login_names(space, out);
}

/* domain, separator, user; the user alone when there is no domain. */
static BOOLEAN give_joined(const struct answer *answer, struct utf16 first, uint16_t separator, struct utf16 second,
                           bool count_nul)
{
    uint8_t joined[NAME_MAX_BYTES];
    struct writer writer = write_into(joined, sizeof joined);
    if (first.size != 0) {
        write_bytes(&writer, utf16_bytes(first));
        write_u16le(&writer, separator);
    }
    write_bytes(&writer, utf16_bytes(second));
    return writer.bad ? fail(ERROR_NONE_MAPPED) : give(answer, (struct utf16){joined, writer.size}, count_nul);
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

/* Forms that only a directory knows are those that one has told of whom this thread impersonates (a PAC). */
static BOOLEAN told_name(EXTENDED_NAME_FORMAT format, const struct answer *answer)
{
    const struct token *token = token_current();
    const struct token_facts facts = token != NULL ? token_facts(token) : (struct token_facts){.upn = UTF16_NONE};
    if (format == NameUserPrincipal && facts.upn.size != 0) {
        return give(answer, facts.upn, false);
    }
    if (format == NameDnsDomain && facts.dns_domain.size != 0) {
        return give_joined(answer, facts.dns_domain, '\\', token_user(token), false);
    }
    return fail(ERROR_NONE_MAPPED);
}

static BOOLEAN user_name(EXTENDED_NAME_FORMAT format, const struct answer *answer)
{
    uint8_t names[NAME_MAX_BYTES];
    struct writer space = write_into(names, sizeof names);
    struct user_names user = {UTF16_NONE, UTF16_NONE};
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
    if (format != NameSamCompatible) {
        return told_name(format, answer);
    }
    return current_names(&space, &user) ? give_joined(answer, user.domain, '\\', user.user, false)
                                        : fail(ERROR_NONE_MAPPED);
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

/* A computer outside of a domain has no account there (GetComputerObjectName, ERROR_CANT_ACCESS_DOMAIN_INFO).  The names
 * that policy gives a member are in the SAM form DOMAIN\COMPUTER$. */
static BOOLEAN computer_name(EXTENDED_NAME_FORMAT format, const struct answer *answer)
{
    const struct machine_names *machine;
    status_begin();
    if (answer->size == NULL || !is_format(format)) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    if (!policy_get()->domain_member) {
        return fail(ERROR_CANT_ACCESS_DOMAIN_INFO);
    }
    if (format != NameSamCompatible || names_of_this_machine(&machine) < 0) {
        return fail(ERROR_NONE_MAPPED);
    }
    uint8_t account[NAME_MAX_BYTES / 2];
    struct writer writer = write_into(account, sizeof account);
    write_bytes(&writer, utf16_bytes(machine->netbios_computer));
    write_u16le(&writer, '$');
    return writer.bad ? fail(ERROR_NONE_MAPPED)
                      : give_joined(answer, machine->netbios_domain, '\\', (struct utf16){account, writer.size}, false);
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

/* Without a directory two forms can be told from the name itself: DOMAIN\user and user@domain. */
static BOOLEAN translate(struct utf16 account, EXTENDED_NAME_FORMAT from, EXTENDED_NAME_FORMAT to,
                         const struct answer *answer)
{
    status_begin();
    if (answer->size == NULL || account.size == 0 || !is_format(to) || (from != NameUnknown && !is_format(from))) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    struct account_name name = names_split_upn(account, UTF16_NONE);
    if (name.domain.size == 0) {
        return fail(ERROR_NONE_MAPPED);
    }
    if (to == NameSamCompatible) {
        return give_joined(answer, name.domain, '\\', name.user, true);
    }
    if (to == NameUserPrincipal) {
        return give_joined(answer, name.user, '@', name.domain, true);
    }
    return fail(ERROR_NO_SUCH_DOMAIN);
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
