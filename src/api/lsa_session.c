/* Logon sessions: there is one that this process knows of, its own (ntsecapi.h, ntsecpkg.h). */
#include "api/lsa.h"

#include <stdio.h>
#include <unistd.h>

#include "core/context_buffer.h"
#include "logon/machine.h"

#define NO_AUDIT_SESSION 0xFFFFFFFFu /* what the kernel says of daemons (proc(5), /proc/pid/sessionid) */
#define SYSTEM_SESSION   0x3E7u      /* SYSTEM_LUID */
#define NAME_MAX_UNITS   1024

/* The kernel's number of this login, or NO_AUDIT_SESSION. */
static uint32_t audit_session(void)
{
    unsigned number = NO_AUDIT_SESSION;
    FILE *file = fopen("/proc/self/sessionid", "re");
    if (file == NULL) {
        return NO_AUDIT_SESSION;
    }
    if (fscanf(file, "%u", &number) != 1) {
        number = NO_AUDIT_SESSION;
    }
    (void)fclose(file);
    return number;
}

LUID lsa_own_session(void)
{
    uint32_t session = audit_session();
    if (session != NO_AUDIT_SESSION) {
        return (LUID){session, 1};
    }
    return geteuid() == 0 ? (LUID){SYSTEM_SESSION, 0} : (LUID){(DWORD)geteuid(), 2};
}

SECURITY_STATUS lsa_current_user(struct lsa_user *out)
{
    WCHAR name[NAME_MAX_UNITS];
    ULONG size = NAME_MAX_UNITS;
    REQUIRE(GetUserNameExW(NameSamCompatible, name, &size), STATUS_NO_SUCH_LOGON_SESSION, "nobody is logged on");
    struct utf16 whole = {(const uint8_t *)name, 2 * (size_t)size};
    size_t backslash = utf16_find(whole, '\\');
    AUTO_LSA_USER user = {UTF16_NONE, UTF16_NONE};
    bool joined = backslash != SIZE_MAX;
    REQUIRE(utf16_copy(joined ? utf16_head(whole, backslash) : UTF16_NONE, &user.domain) >= 0 &&
                utf16_copy(joined ? utf16_tail(whole, backslash + 1) : whole, &user.user) >= 0,
            STATUS_INSUFFICIENT_RESOURCES, "out of memory for a name");
    *out = user;
    user = (struct lsa_user){UTF16_NONE, UTF16_NONE};
    return STATUS_SUCCESS;
}

void lsa_user_free(struct lsa_user *user)
{
    utf16_free(&user->user);
    utf16_free(&user->domain);
}

static SECURITY_STATUS enumerate(PULONG count, PLUID *list)
{
    REQUIRE(count != NULL && list != NULL, STATUS_INVALID_PARAMETER, "LsaEnumerateLogonSessions: NULL for a result");
    LUID *own = context_buffer_alloc(sizeof *own);
    REQUIRE(own != NULL, STATUS_INSUFFICIENT_RESOURCES, "out of memory for a list of sessions");
    *own = lsa_own_session();
    *list = own;
    *count = 1;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LsaEnumerateLogonSessions(PULONG LogonSessionCount, PLUID *LogonSessionList)
{
    status_begin();
    return api_end("LsaEnumerateLogonSessions", enumerate(LogonSessionCount, LogonSessionList));
}

/* Appends a text and its NUL; a counted string that points to it. */
static UNICODE_STRING put_string(struct writer *writer, struct utf16 text)
{
    PWSTR at = (PWSTR)(void *)(writer->data + writer->size);
    write_bytes(writer, utf16_bytes(text));
    write_u16le(writer, 0);
    return (UNICODE_STRING){(USHORT)text.size, (USHORT)(text.size + sizeof(WCHAR)), at};
}

static SECURITY_STATUS machine(const struct machine_names **out)
{
    REQUIRE(names_of_this_machine(out) >= 0, STATUS_INSUFFICIENT_RESOURCES, "the machine has no names");
    return STATUS_SUCCESS;
}

/* The package that would log this user on: the first one there is. */
static struct utf16 first_package(uint8_t wide[2 * PACKAGE_NAME_MAX])
{
    struct writer writer = write_into(wide, 2 * PACKAGE_NAME_MAX);
    for (const char *c = packages[0]->name; *c != '\0'; c++) {
        write_u16le(&writer, (uint8_t)*c);
    }
    return utf16_of(write_result(&writer));
}

/* As GetUserNameEx says it; empty where there is none. */
static struct utf16 current_upn(WCHAR name[NAME_MAX_UNITS])
{
    ULONG size = NAME_MAX_UNITS;
    bool known = GetUserNameExW(NameUserPrincipal, name, &size);
    status_begin(); /* that there is none is no failure */
    return known ? (struct utf16){(const uint8_t *)name, 2 * (size_t)size} : UTF16_NONE;
}

static SECURITY_STATUS session_data(const LUID *session, PSECURITY_LOGON_SESSION_DATA *out)
{
    WCHAR upn_space[NAME_MAX_UNITS];
    AUTO_LSA_USER user = {UTF16_NONE, UTF16_NONE};
    const struct machine_names *names = NULL;
    uint8_t wide[2 * PACKAGE_NAME_MAX];
    struct utf16 package = first_package(wide);
    uint32_t audit = audit_session();
    REQUIRE(out != NULL, STATUS_INVALID_PARAMETER, "LsaGetLogonSessionData: NULL for the result");
    REQUIRE(lsa_is_own_session(session), STATUS_NO_SUCH_LOGON_SESSION, "not the session of this process");
    struct utf16 upn = current_upn(upn_space);
    TRY(lsa_current_user(&user));
    TRY(machine(&names));
    size_t size = sizeof(SECURITY_LOGON_SESSION_DATA) + user.user.size + user.domain.size + package.size +
                  names->netbios_computer.size + names->dns_domain.size + upn.size + 6 * sizeof(WCHAR);
    SECURITY_LOGON_SESSION_DATA *data = context_buffer_alloc(size);
    REQUIRE(data != NULL, STATUS_INSUFFICIENT_RESOURCES, "out of memory for a session's data");
    struct writer writer = write_into(data, size);
    write_zeros(&writer, sizeof *data);
    data->Size = sizeof *data;
    data->LogonId = lsa_own_session();
    data->UserName = put_string(&writer, user.user);
    data->LogonDomain = put_string(&writer, user.domain);
    data->AuthenticationPackage = put_string(&writer, package);
    data->LogonServer = put_string(&writer, names->netbios_computer);
    data->DnsDomainName = put_string(&writer, names->dns_domain);
    data->Upn = put_string(&writer, upn);
    data->LogonType = audit == NO_AUDIT_SESSION ? Service : Interactive;
    data->Session = audit == NO_AUDIT_SESSION ? 0 : audit;
    data->LogoffTime.QuadPart = data->KickOffTime.QuadPart = (LONGLONG)CLOCK_NEVER;
    data->PasswordMustChange.QuadPart = (LONGLONG)CLOCK_NEVER;
    *out = data;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI LsaGetLogonSessionData(PLUID LogonId, PSECURITY_LOGON_SESSION_DATA *ppLogonSessionData)
{
    status_begin();
    return api_end("LsaGetLogonSessionData", session_data(LogonId, ppLogonSessionData));
}

static SECURITY_STATUS user_info(const LUID *session, PSecurityUserData *out)
{
    AUTO_LSA_USER user = {UTF16_NONE, UTF16_NONE};
    const struct machine_names *names = NULL;
    REQUIRE(out != NULL, STATUS_INVALID_PARAMETER, "GetSecurityUserInfo: NULL for the result");
    REQUIRE(lsa_is_own_session(session), STATUS_NO_SUCH_LOGON_SESSION, "not the session of this process");
    TRY(lsa_current_user(&user));
    TRY(machine(&names));
    size_t size = sizeof(SECURITY_USER_DATA) + user.user.size + user.domain.size + names->netbios_computer.size +
                  3 * sizeof(WCHAR);
    SECURITY_USER_DATA *data = context_buffer_alloc(size);
    REQUIRE(data != NULL, STATUS_INSUFFICIENT_RESOURCES, "out of memory for a user's data");
    struct writer writer = write_into(data, size);
    write_zeros(&writer, sizeof *data);
    data->UserName = put_string(&writer, user.user);
    data->LogonDomainName = put_string(&writer, user.domain);
    data->LogonServer = put_string(&writer, names->netbios_computer);
    *out = data;
    return STATUS_SUCCESS;
}

NTSTATUS SEC_ENTRY GetSecurityUserInfo(PLUID LogonId, ULONG Flags, PSecurityUserData *UserInformation)
{
    status_begin();
    return api_end("GetSecurityUserInfo", user_info(LogonId, UserInformation));
}
