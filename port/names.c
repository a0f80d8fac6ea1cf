/* Names of accounts, of the user and of this computer. */
#include "port.h"

#include <netdb.h>
#include <unistd.h>

#include "sid.h"

#define NETBIOS_MAX 15

/* Both texts, each into its own room; false when one of them does not fit, both sizes being set. */
static BOOL give_account(const struct account *account, LPWSTR name, LPDWORD name_size, LPWSTR domain,
                         LPDWORD domain_size, PSID_NAME_USE use)
{
    bool name_fits = port_give(account->user, name, name_size);
    bool domain_fits = port_give(account->domain, domain, domain_size);
    *use = account->use;
    return name_fits && domain_fits ? TRUE : fail(ERROR_INSUFFICIENT_BUFFER);
}

static bool account_of(PSID sid, const void *name_size, const void *domain_size, const void *use, struct account *out)
{
    if (name_size == NULL || domain_size == NULL || use == NULL) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    if (!IsValidSid(sid)) {
        return fail(ERROR_INVALID_SID);
    }
    return sid_account(sid, out) || sid_by_value(sid, out) == SID_FOUND ? true : fail(ERROR_NONE_MAPPED);
}

BOOL WINAPI LookupAccountSidW(LPCWSTR lpSystemName, PSID Sid, LPWSTR Name, LPDWORD cchName, LPWSTR ReferencedDomainName,
                              LPDWORD cchReferencedDomainName, PSID_NAME_USE peUse)
{
    struct account account;
    return account_of(Sid, cchName, cchReferencedDomainName, peUse, &account) &&
           give_account(&account, Name, cchName, ReferencedDomainName, cchReferencedDomainName, peUse);
}

BOOL WINAPI LookupAccountSidA(LPCSTR lpSystemName, PSID Sid, LPSTR Name, LPDWORD cchName, LPSTR ReferencedDomainName,
                              LPDWORD cchReferencedDomainName, PSID_NAME_USE peUse)
{
    struct account account;
    if (!account_of(Sid, cchName, cchReferencedDomainName, peUse, &account)) {
        return FALSE;
    }
    bool name_fits = port_give_narrow(account.user, Name, cchName);
    bool domain_fits = port_give_narrow(account.domain, ReferencedDomainName, cchReferencedDomainName);
    *peUse = account.use;
    return name_fits && domain_fits ? TRUE : fail(ERROR_INSUFFICIENT_BUFFER);
}

/* Of DOMAIN\user: the SID that the domain gave, else one made of the name where nobody knows the domain. */
static bool find_in_domain(const WCHAR *user, const WCHAR *domain, struct sid *out_sid, struct account *out)
{
    enum sid_answer answer = SID_UNKNOWN;
    if (!sid_name_in_directory(user, domain, &answer, out_sid, out)) {
        return fail(ERROR_NOT_ENOUGH_MEMORY);
    }
    if (answer != SID_UNKNOWN) {
        return answer == SID_FOUND ? true : fail(ERROR_NONE_MAPPED);
    }
    *out = (struct account){user, domain, SidTypeUser};
    return sid_of_account(user, domain, out_sid) ? true : fail(ERROR_NOT_ENOUGH_MEMORY);
}

/* DOMAIN\user, or a well-known name with or without its domain.  `name` is cut in two. */
static bool find_account(WCHAR *name, struct sid *out_sid, struct account *out)
{
    WCHAR *separator = sspi_wcschr(name, '\\');
    const WCHAR *domain = NULL;
    const WCHAR *user = name;
    if (separator != NULL) {
        *separator = 0;
        domain = name;
        user = separator + 1;
    }
    if (sid_of_well_known(user, domain, out_sid, out)) {
        return true;
    }
    if (domain == NULL && sspi_wcschr(user, '@') != NULL) {
        AUTO_FREE char *principal = port_narrow(user);
        if (principal != NULL && sid_in_directory(principal, out_sid, out) == SID_FOUND) {
            return true;
        }
    }
    if (domain == NULL || *domain == 0 || *user == 0) {
        return fail(ERROR_NONE_MAPPED);
    }
    return find_in_domain(user, domain, out_sid, out);
}

/* What both widths do before they give the domain: the account, and room for its SID. */
static bool lookup_name(WCHAR *name, PSID sid, DWORD *size, const void *domain_size, const void *use,
                        struct account *out, bool *out_fits)
{
    if (name == NULL || size == NULL || domain_size == NULL || use == NULL) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    struct sid found;
    if (!find_account(name, &found, out)) {
        return false;
    }
    DWORD wanted = GetLengthSid(&found.sid);
    *out_fits = sid != NULL && *size >= wanted;
    if (*out_fits) {
        memcpy(sid, found.bytes, wanted);
    }
    *size = wanted;
    return true;
}

BOOL WINAPI LookupAccountNameW(LPCWSTR lpSystemName, LPCWSTR lpAccountName, PSID Sid, LPDWORD cbSid,
                               LPWSTR ReferencedDomainName, LPDWORD cchReferencedDomainName, PSID_NAME_USE peUse)
{
    AUTO_FREE WCHAR *name = _wcsdup(lpAccountName);
    struct account account;
    bool sid_fits = false;
    if (!lookup_name(name, Sid, cbSid, cchReferencedDomainName, peUse, &account, &sid_fits)) {
        return FALSE;
    }
    bool domain_fits = port_give(account.domain, ReferencedDomainName, cchReferencedDomainName);
    *peUse = account.use;
    return sid_fits && domain_fits ? TRUE : fail(ERROR_INSUFFICIENT_BUFFER);
}

BOOL WINAPI LookupAccountNameA(LPCSTR lpSystemName, LPCSTR lpAccountName, PSID Sid, LPDWORD cbSid,
                               LPSTR ReferencedDomainName, LPDWORD cchReferencedDomainName, PSID_NAME_USE peUse)
{
    AUTO_FREE WCHAR *name = port_wide(lpAccountName);
    struct account account;
    bool sid_fits = false;
    if (!lookup_name(name, Sid, cbSid, cchReferencedDomainName, peUse, &account, &sid_fits)) {
        return FALSE;
    }
    bool domain_fits = port_give_narrow(account.domain, ReferencedDomainName, cchReferencedDomainName);
    *peUse = account.use;
    return sid_fits && domain_fits ? TRUE : fail(ERROR_INSUFFICIENT_BUFFER);
}

/* ---------------------------------------------------------------- the user */

/* The part of the current user's name behind the domain. */
static const WCHAR *user_name(WCHAR *space, ULONG room)
{
    if (!GetUserNameExW(NameSamCompatible, space, &room)) {
        return NULL;
    }
    const WCHAR *separator = sspi_wcschr(space, '\\');
    return separator != NULL ? separator + 1 : space;
}

/* GetUserName counts the NUL in either case. */
static BOOL counted(bool fits, DWORD *size)
{
    *size += fits ? 1 : 0;
    return fits ? TRUE : fail(ERROR_INSUFFICIENT_BUFFER);
}

BOOL WINAPI GetUserNameW(LPWSTR lpBuffer, LPDWORD pcbBuffer)
{
    WCHAR space[1024];
    if (pcbBuffer == NULL) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    const WCHAR *name = user_name(space, _countof(space));
    return name != NULL && counted(port_give(name, lpBuffer, pcbBuffer), pcbBuffer);
}

BOOL WINAPI GetUserNameA(LPSTR lpBuffer, LPDWORD pcbBuffer)
{
    WCHAR space[1024];
    if (pcbBuffer == NULL) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    const WCHAR *name = user_name(space, _countof(space));
    return name != NULL && counted(port_give_narrow(name, lpBuffer, pcbBuffer), pcbBuffer);
}

/* ---------------------------------------------------------------- the computer */

/* host.domain where somebody knows the domain: the host's own name, or the resolver. */
static void full_name(char *out, size_t size)
{
    if (gethostname(out, size) != 0) {
        out[0] = '\0';
    }
    out[size - 1] = '\0';
    struct addrinfo hints = {.ai_flags = AI_CANONNAME};
    struct addrinfo *found = NULL;
    if (strchr(out, '.') == NULL && getaddrinfo(out, NULL, &hints, &found) == 0) {
        if (found->ai_canonname != NULL && strchr(found->ai_canonname, '.') != NULL &&
            strncasecmp(found->ai_canonname, out, strlen(out)) == 0) {
            snprintf(out, size, "%s", found->ai_canonname);
        }
        freeaddrinfo(found);
    }
}

static void cut(char *name, size_t length)
{
    if (strlen(name) > length) {
        name[length] = '\0';
    }
}

/* Into `name`, which has room for any. */
static bool computer_name(COMPUTER_NAME_FORMAT format, char *name, size_t size)
{
    unsigned kind = (unsigned)format % ComputerNamePhysicalNetBIOS;
    if ((unsigned)format >= ComputerNameMax) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    if (kind == ComputerNameDnsDomain || kind == ComputerNameDnsFullyQualified) {
        full_name(name, size);
        if (kind == ComputerNameDnsDomain) {
            char *dot = strchr(name, '.');
            const char *domain = dot != NULL ? dot + 1 : "";
            memmove(name, domain, strlen(domain) + 1);
        }
        return true;
    }
    if (gethostname(name, size) != 0) {
        name[0] = '\0';
    }
    name[size - 1] = '\0';
    cut(name, strcspn(name, "."));
    if (kind == ComputerNameNetBIOS) {
        cut(name, NETBIOS_MAX);
        for (char *at = name; *at != '\0'; at++) {
            *at = (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
        }
    }
    return true;
}

BOOL WINAPI GetComputerNameExW(COMPUTER_NAME_FORMAT NameType, LPWSTR lpBuffer, LPDWORD nSize)
{
    char name[NI_MAXHOST];
    if (nSize == NULL) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    if (!computer_name(NameType, name, sizeof name)) {
        return FALSE;
    }
    AUTO_FREE WCHAR *wide = port_wide(name);
    if (wide == NULL) {
        return fail(ERROR_NOT_ENOUGH_MEMORY);
    }
    return port_give(wide, lpBuffer, nSize) ? TRUE : fail(ERROR_MORE_DATA);
}

BOOL WINAPI GetComputerNameExA(COMPUTER_NAME_FORMAT NameType, LPSTR lpBuffer, LPDWORD nSize)
{
    char name[NI_MAXHOST];
    if (nSize == NULL) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    if (!computer_name(NameType, name, sizeof name)) {
        return FALSE;
    }
    AUTO_FREE WCHAR *wide = port_wide(name);
    if (wide == NULL) {
        return fail(ERROR_NOT_ENOUGH_MEMORY);
    }
    return port_give_narrow(wide, lpBuffer, nSize) ? TRUE : fail(ERROR_MORE_DATA);
}
