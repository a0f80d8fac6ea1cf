/* SIDs.  That of an account without one is S-1-5-21, three parts of a hash of its domain and four of one of its whole name: long enough
 * that two accounts never share one, whoever chooses their names.  Names are hashed in upper case, as Windows compares them. */
#include "sid.h"

#include <pthread.h>
#include <search.h>
#include <stdlib.h>

#include <nettle/sha2.h>

#include "text/upcase.h"

#define DOMAIN_PARTS  3
#define USER_PARTS    4
#define NT_NON_UNIQUE 21

struct well_known {
    BYTE authority;
    BYTE count;
    DWORD parts[2];
    const WCHAR *user;
    const WCHAR *domain;
    SID_NAME_USE use;
};

static const struct well_known well_known[] = {
    {1, 1, {SECURITY_WORLD_RID}, u"Everyone", u"", SidTypeWellKnownGroup},
    {5, 1, {SECURITY_NETWORK_RID}, u"NETWORK", u"NT AUTHORITY", SidTypeWellKnownGroup},
    {5, 1, {SECURITY_AUTHENTICATED_USER_RID}, u"Authenticated Users", u"NT AUTHORITY", SidTypeWellKnownGroup},
    {5, 1, {SECURITY_ANONYMOUS_LOGON_RID}, u"ANONYMOUS LOGON", u"NT AUTHORITY", SidTypeWellKnownGroup},
    {5, 2, {SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS}, u"Administrators", u"BUILTIN", SidTypeAlias},
    {5, 2, {SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_USERS}, u"Users", u"BUILTIN", SidTypeAlias},
    {5, 2, {SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_GUESTS}, u"Guests", u"BUILTIN", SidTypeAlias},
};

static struct sid sid_make(BYTE authority, BYTE count, const DWORD *parts)
{
    struct sid made;
    memset(&made, 0, sizeof made); /* sids are compared whole */
    made.sid.Revision = SID_REVISION;
    made.sid.SubAuthorityCount = count;
    made.sid.IdentifierAuthority.Value[5] = authority;
    memcpy(made.bytes + offsetof(SID, SubAuthority), parts, count * sizeof *parts);
    return made;
}

static struct sid sid_of_row(size_t row)
{
    return sid_make(well_known[row].authority, well_known[row].count, well_known[row].parts);
}

struct sid sid_everyone(void)
{
    return sid_of_row(0);
}

struct sid sid_network(void)
{
    return sid_of_row(1);
}

struct sid sid_authenticated(void)
{
    return sid_of_row(2);
}

struct sid sid_anonymous(void)
{
    return sid_of_row(3);
}

bool sid_of_well_known(const WCHAR *user, const WCHAR *domain, struct sid *out, struct account *out_account)
{
    for (size_t i = 0; i < _countof(well_known); i++) {
        if (_wcsicmp(user, well_known[i].user) == 0 &&
            (domain == NULL || _wcsicmp(domain, well_known[i].domain) == 0)) {
            *out = sid_of_row(i);
            *out_account = (struct account){well_known[i].user, well_known[i].domain, well_known[i].use};
            return true;
        }
    }
    return false;
}

/* ---------------------------------------------------------------- accounts that were met */

struct known {
    struct sid sid;
    WCHAR *user; /* one block with the domain behind it, like the struct itself */
    WCHAR *domain;
    SID_NAME_USE use;
};

static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;
static void *known; /* tsearch's tree; an account stays as long as the program */

static int by_sid(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct sid)); /* the SID comes first, and what it does not use is zero */
}

static void hash_upper(struct sha256_ctx *hash, const WCHAR *text)
{
    for (; *text != 0; text++) {
        uint16_t unit = upcase_unit(*text);
        uint8_t bytes[2] = {(uint8_t)unit, (uint8_t)(unit >> 8)};
        sha256_update(hash, sizeof bytes, bytes);
    }
    sha256_update(hash, 2, (const uint8_t[2]){0}); /* so that no two pairs of names read alike */
}

static struct known *known_new(const struct sid *sid, const WCHAR *user, const WCHAR *domain, SID_NAME_USE use)
{
    size_t user_size = (sspi_wcslen(user) + 1) * sizeof *user;
    size_t domain_size = (sspi_wcslen(domain) + 1) * sizeof *domain;
    struct known *made = malloc(sizeof *made + user_size + domain_size);
    if (made != NULL) {
        *made = (struct known){.sid = *sid, .user = (WCHAR *)(made + 1), .use = use};
        made->domain = made->user + user_size / sizeof *user;
        memcpy(made->user, user, user_size);
        memcpy(made->domain, domain, domain_size);
    }
    return made;
}

bool sid_remember(const struct sid *sid, const WCHAR *user, const WCHAR *domain, SID_NAME_USE use)
{
    pthread_mutex_lock(&known_lock);
    bool good = tfind(sid, &known, by_sid) != NULL;
    if (!good) {
        struct known *made = known_new(sid, user, domain, use);
        good = made != NULL && tsearch(made, &known, by_sid) != NULL;
        if (!good) {
            free(made);
        }
    }
    pthread_mutex_unlock(&known_lock);
    return good;
}

bool sid_of_account(const WCHAR *user, const WCHAR *domain, struct sid *out)
{
    struct sha256_ctx hash;
    DWORD parts[1 + DOMAIN_PARTS + USER_PARTS] = {NT_NON_UNIQUE};
    sha256_init(&hash);
    hash_upper(&hash, domain);
    sha256_digest(&hash, DOMAIN_PARTS * sizeof *parts, (uint8_t *)(parts + 1)); /* and begins anew */
    hash_upper(&hash, domain);
    hash_upper(&hash, user);
    sha256_digest(&hash, USER_PARTS * sizeof *parts, (uint8_t *)(parts + 1 + DOMAIN_PARTS));
    struct sid made = sid_make(5, _countof(parts), parts);
    if (!sid_remember(&made, user, domain, SidTypeUser)) {
        return false;
    }
    *out = made;
    return true;
}

/* A decimal number up to `most`, or false. */
static bool read_part(const char **at, unsigned long long most, unsigned long long *out)
{
    if (**at < '0' || **at > '9') {
        return false;
    }
    for (*out = 0; **at >= '0' && **at <= '9'; (*at)++) {
        *out = *out * 10 + (unsigned long long)(**at - '0');
        if (*out > most) {
            return false;
        }
    }
    return true;
}

bool sid_from_text(const char *text, struct sid *out)
{
    DWORD parts[SID_MAX_SUB_AUTHORITIES];
    BYTE count = 0;
    unsigned long long number = 0;
    if (text == NULL || strncmp(text, "S-1-", 4) != 0) {
        return false;
    }
    const char *at = text + 4;
    if (!read_part(&at, 0xFF, &number)) { /* greater authorities are nobody's */
        return false;
    }
    BYTE authority = (BYTE)number;
    for (; *at == '-' && count < SID_MAX_SUB_AUTHORITIES; count++) {
        at++;
        if (!read_part(&at, 0xFFFFFFFF, &number)) {
            return false;
        }
        parts[count] = (DWORD)number;
    }
    if (*at != '\0') {
        return false;
    }
    *out = sid_make(authority, count, parts);
    return true;
}

bool sid_account(PSID sid, struct account *out)
{
    struct sid key;
    memset(&key, 0, sizeof key);
    memcpy(key.bytes, sid, GetLengthSid(sid));
    for (size_t i = 0; i < _countof(well_known); i++) {
        struct sid row = sid_of_row(i);
        if (by_sid(&key, &row) == 0) {
            *out = (struct account){well_known[i].user, well_known[i].domain, well_known[i].use};
            return true;
        }
    }
    pthread_mutex_lock(&known_lock);
    struct known *const *found = tfind(&key, &known, by_sid);
    if (found != NULL) {
        *out = (struct account){(*found)->user, (*found)->domain, (*found)->use};
    }
    pthread_mutex_unlock(&known_lock);
    return found != NULL;
}

/* ---------------------------------------------------------------- Windows' functions on SIDs */

BOOL WINAPI IsValidSid(PSID pSid)
{
    const SID *sid = pSid;
    return sid != NULL && sid->Revision == SID_REVISION && sid->SubAuthorityCount <= SID_MAX_SUB_AUTHORITIES;
}

DWORD WINAPI GetLengthSid(PSID pSid)
{
    const SID *sid = pSid;
    return (DWORD)(offsetof(SID, SubAuthority) + sid->SubAuthorityCount * sizeof(DWORD));
}

BOOL WINAPI EqualSid(PSID pSid1, PSID pSid2)
{
    if (!IsValidSid(pSid1) || !IsValidSid(pSid2)) {
        return fail(ERROR_INVALID_SID);
    }
    return GetLengthSid(pSid1) == GetLengthSid(pSid2) && memcmp(pSid1, pSid2, GetLengthSid(pSid1)) == 0;
}

BOOL WINAPI CopySid(DWORD nDestinationSidLength, PSID pDestinationSid, PSID pSourceSid)
{
    if (!IsValidSid(pSourceSid)) {
        return fail(ERROR_INVALID_SID);
    }
    if (nDestinationSidLength < GetLengthSid(pSourceSid)) {
        return fail(ERROR_INSUFFICIENT_BUFFER);
    }
    memmove(pDestinationSid, pSourceSid, GetLengthSid(pSourceSid));
    return TRUE;
}

BOOL WINAPI AllocateAndInitializeSid(PSID_IDENTIFIER_AUTHORITY pIdentifierAuthority, BYTE nSubAuthorityCount,
                                     DWORD nSubAuthority0, DWORD nSubAuthority1, DWORD nSubAuthority2,
                                     DWORD nSubAuthority3, DWORD nSubAuthority4, DWORD nSubAuthority5,
                                     DWORD nSubAuthority6, DWORD nSubAuthority7, PSID *pSid)
{
    const DWORD parts[] = {nSubAuthority0, nSubAuthority1, nSubAuthority2, nSubAuthority3,
                           nSubAuthority4, nSubAuthority5, nSubAuthority6, nSubAuthority7};
    if (nSubAuthorityCount > _countof(parts) || pIdentifierAuthority == NULL || pSid == NULL) {
        return fail(ERROR_INVALID_SID);
    }
    struct sid made = sid_make(0, nSubAuthorityCount, parts);
    made.sid.IdentifierAuthority = *pIdentifierAuthority;
    DWORD size = GetLengthSid(&made.sid);
    PSID block = LocalAlloc(LMEM_FIXED, size);
    if (block == NULL) {
        return FALSE;
    }
    memcpy(block, made.bytes, size);
    *pSid = block;
    return TRUE;
}

PVOID WINAPI FreeSid(PSID pSid)
{
    return LocalFree(pSid);
}
