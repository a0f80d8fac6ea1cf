/* What Windows asks a token. */
#include "port.h"

#include <stdlib.h>

#include "sid.h"
#include "sspi_ext.h"

#define CURRENT_THREAD ((HANDLE)(LONG_PTR)-2)

static void free_token(SSPI_EXT_TOKEN **token)
{
    FreeContextBuffer(*token);
}

HANDLE WINAPI GetCurrentThread(void)
{
    return CURRENT_THREAD;
}

BOOL WINAPI OpenThreadToken(HANDLE ThreadHandle, DWORD DesiredAccess, BOOL OpenAsSelf, PHANDLE TokenHandle)
{
    if (ThreadHandle != CURRENT_THREAD) {
        return fail(ERROR_INVALID_HANDLE);
    }
    switch (SspiExtOpenThreadToken(TokenHandle)) {
    case SEC_E_OK:
        return TRUE;
    case SEC_E_NO_CONTEXT:
        return fail(ERROR_NO_TOKEN);
    case SEC_E_INVALID_PARAMETER:
        return fail(ERROR_INVALID_PARAMETER);
    default:
        return fail(ERROR_NOT_ENOUGH_MEMORY);
    }
}

BOOL WINAPI ImpersonateLoggedOnUser(HANDLE hToken)
{
    switch (hToken != NULL ? SspiExtSetThreadToken(hToken) : SEC_E_INVALID_HANDLE) {
    case SEC_E_OK:
        return TRUE;
    case SEC_E_INVALID_HANDLE:
        return fail(ERROR_INVALID_HANDLE);
    default:
        return fail(ERROR_CANNOT_IMPERSONATE);
    }
}

BOOL WINAPI RevertToSelf(void)
{
    return SspiExtSetThreadToken(NULL) >= 0 || fail(ERROR_CANNOT_IMPERSONATE);
}

/* The SIDs of a token: the user's first, then those of the groups, of which the last few are well-known. */
struct sids {
    struct sid *all;
    DWORD *attributes;
    DWORD count;
};

static void free_sids(struct sids *sids)
{
    free(sids->all);
    free(sids->attributes);
}

static void add(struct sids *sids, const struct sid *sid, DWORD attributes)
{
    sids->all[sids->count] = *sid;
    sids->attributes[sids->count++] = attributes;
}

static bool is_anonymous(const WCHAR *user, const WCHAR *domain)
{
    return sspi_wcscmp(user, u"ANONYMOUS LOGON") == 0 && sspi_wcscmp(domain, u"NT AUTHORITY") == 0;
}

/* The user's own: what its domain says (`given`), or the directory, else made of the name. */
static bool add_user(struct sids *sids, const WCHAR *user, const WCHAR *domain, const struct sid *given)
{
    struct sid own = sid_anonymous();
    struct account account;
    enum sid_answer answer = SID_UNKNOWN;
    bool good = is_anonymous(user, domain);
    if (!good && given != NULL) {
        own = *given;
        good = sid_remember(given, user, domain, SidTypeUser);
    } else if (!good) {
        good = sid_name_in_directory(user, domain, &answer, &own, &account) &&
               (answer == SID_FOUND || sid_of_account(user, domain, &own));
    }
    add(sids, &own, 0);
    return good;
}

/* Room for the user, `groups` and the well-known ones; the user and the groups that the domain told. */
static bool sids_of_names(const WCHAR *user, const WCHAR *domain, const SSPI_EXT_TOKEN *told, struct sids *out)
{
    const DWORD always = SE_GROUP_MANDATORY | SE_GROUP_ENABLED_BY_DEFAULT | SE_GROUP_ENABLED;
    DWORD groups = told != NULL ? told->GroupCount : 0;
    struct sid sid;
    *out = (struct sids){calloc(1 + groups + SID_GROUPS, sizeof *out->all),
                         calloc(1 + groups + SID_GROUPS, sizeof(DWORD)), 0};
    bool given = told != NULL && sid_from_text(told->Sid, &sid);
    if (user == NULL || domain == NULL || out->all == NULL || out->attributes == NULL ||
        !add_user(out, user, domain, given ? &sid : NULL)) {
        free_sids(out);
        *out = (struct sids){0};
        return fail(ERROR_NOT_ENOUGH_MEMORY);
    }
    for (DWORD i = 0; i < groups; i++) {
        if (sid_from_text(told->Groups[i].Sid, &sid)) {
            add(out, &sid, told->Groups[i].Attributes);
        }
    }
    sid = sid_everyone();
    add(out, &sid, always);
    sid = sid_network();
    add(out, &sid, always);
    if (!is_anonymous(user, domain)) {
        sid = sid_authenticated();
        add(out, &sid, always);
    }
    return true;
}

static bool sids_of_token(HANDLE token, struct sids *out)
{
    AUTO(free_token) SSPI_EXT_TOKEN *found = NULL;
    SECURITY_STATUS status = SspiExtQueryToken(token, &found);
    if (status != SEC_E_OK) {
        return fail(status == SEC_E_INVALID_HANDLE ? ERROR_INVALID_HANDLE : ERROR_NOT_ENOUGH_MEMORY);
    }
    AUTO_FREE WCHAR *user = port_wide(found->User != NULL ? found->User : "");
    AUTO_FREE WCHAR *domain = port_wide(found->Domain != NULL ? found->Domain : "");
    return sids_of_names(user, domain, found, out);
}

/* The list, then the SIDs themselves. */
static BOOL give_sids(const struct sids *sids, DWORD first, DWORD count, SID_AND_ATTRIBUTES *list, BYTE *space)
{
    for (DWORD i = 0; i < count; i++) {
        PSID sid = &sids->all[first + i].sid;
        DWORD size = GetLengthSid(sid);
        memcpy(space, sid, size);
        list[i] = (SID_AND_ATTRIBUTES){.Sid = space, .Attributes = sids->attributes[first + i]};
        space += size;
    }
    return TRUE;
}

static DWORD size_of_sids(const struct sids *sids, DWORD first, DWORD count)
{
    DWORD size = 0;
    for (DWORD i = first; i < first + count; i++) {
        size += GetLengthSid(&sids->all[i].sid);
    }
    return size;
}

BOOL WINAPI GetTokenInformation(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
                                LPVOID TokenInformation, DWORD TokenInformationLength, PDWORD ReturnLength)
{
    AUTO(free_sids) struct sids sids = {0};
    if (ReturnLength == NULL || (TokenInformationClass != TokenUser && TokenInformationClass != TokenGroups)) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    if (!sids_of_token(TokenHandle, &sids)) {
        return FALSE;
    }
    bool user = TokenInformationClass == TokenUser;
    DWORD first = user ? 0 : 1;
    DWORD count = user ? 1 : sids.count - 1;
    DWORD head =
        user ? (DWORD)sizeof(TOKEN_USER) : (DWORD)(offsetof(TOKEN_GROUPS, Groups) + count * sizeof(SID_AND_ATTRIBUTES));
    *ReturnLength = head + size_of_sids(&sids, first, count);
    if (TokenInformation == NULL || TokenInformationLength < *ReturnLength) {
        return fail(ERROR_INSUFFICIENT_BUFFER);
    }
    BYTE *space = (BYTE *)TokenInformation + head;
    if (user) {
        return give_sids(&sids, first, count, &((PTOKEN_USER)TokenInformation)->User, space);
    }
    PTOKEN_GROUPS groups = TokenInformation;
    groups->GroupCount = count;
    return give_sids(&sids, first, count, groups->Groups, space);
}

/* The SIDs of whoever this thread is. */
static bool sids_of_thread(struct sids *out)
{
    HANDLE token = NULL;
    if (OpenThreadToken(CURRENT_THREAD, TOKEN_QUERY, TRUE, &token)) {
        bool good = sids_of_token(token, out);
        CloseHandle(token);
        return good;
    }
    WCHAR name[512];
    ULONG size = _countof(name);
    if (GetLastError() != ERROR_NO_TOKEN || !GetUserNameExW(NameSamCompatible, name, &size)) {
        return false;
    }
    WCHAR *separator = sspi_wcschr(name, '\\');
    static const WCHAR none[] = {0};
    if (separator == NULL) {
        return sids_of_names(name, none, NULL, out);
    }
    *separator = 0;
    return sids_of_names(separator + 1, name, NULL, out);
}

BOOL WINAPI CheckTokenMembership(HANDLE TokenHandle, PSID SidToCheck, PBOOL IsMember)
{
    AUTO(free_sids) struct sids sids = {0};
    if (IsMember == NULL) {
        return fail(ERROR_INVALID_PARAMETER);
    }
    if (!IsValidSid(SidToCheck)) {
        return fail(ERROR_INVALID_SID);
    }
    if (!(TokenHandle != NULL ? sids_of_token(TokenHandle, &sids) : sids_of_thread(&sids))) {
        return FALSE;
    }
    BOOL found = FALSE;
    for (DWORD i = 0; i < sids.count; i++) {
        bool counts = i == 0 || (sids.attributes[i] & SE_GROUP_ENABLED) != 0;
        found = found || (counts && EqualSid(&sids.all[i].sid, SidToCheck));
    }
    *IsMember = found;
    return TRUE;
}
