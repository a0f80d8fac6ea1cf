/* Logging on (ntsecapi.h).
 *
 * A logon ends in a token with the account's rights, which on Linux is a service's business (PAM).  Whether a password is right is known to
 * an NTLM handshake with oneself.  What is here is the logon without a password, of a user whom a service knows by other means: the
 * token is what one of a session with him would be.
 */
#include "api/lsa.h"

#include <stdatomic.h>

#include "core/token.h"
#include "wire/reader.h"

#define OWN_SESSIONS 3 /* LUID.HighPart of these logons */

static atomic_uint logons;

/* Kerberos, which Negotiate takes for such a logon. */
static const struct package *logon_package(ULONG number)
{
    return number == LSA_NEGOTIATE_NUMBER ? package_find_utf8("Kerberos") : lsa_package(number);
}

/* A counted string of the message, which lies in one block with it, as the documentation of LsaLogonUser wants. */
static SECURITY_STATUS take_string(const UNICODE_STRING *string, struct bytes block, struct utf16 *out)
{
    uintptr_t from = (uintptr_t)block.data, at = (uintptr_t)string->Buffer;
    bool inside = at >= from && at - from <= block.size && string->Length <= block.size - (at - from);
    REQUIRE(string->Length == 0 || (string->Buffer != NULL && inside && string->Length % 2 == 0),
            STATUS_INVALID_PARAMETER, "KERB_S4U_LOGON: a string that does not lie in AuthenticationInformation");
    *out = string->Length == 0 ? UTF16_NONE : (struct utf16){(const uint8_t *)string->Buffer, string->Length};
    return STATUS_SUCCESS;
}

/* Statuses of the API's other half, as this half has them. */
static NTSTATUS logon_status(SECURITY_STATUS status)
{
    switch (status) {
    case SEC_E_LOGON_DENIED:
        return STATUS_LOGON_FAILURE;
    case SEC_E_UNKNOWN_CREDENTIALS:
        return STATUS_NO_SUCH_USER;
    case SEC_E_NO_AUTHENTICATING_AUTHORITY:
        return STATUS_NO_LOGON_SERVERS;
    case SEC_E_NO_CREDENTIALS:
        return STATUS_NO_SUCH_LOGON_SESSION;
    case SEC_E_UNSUPPORTED_FUNCTION:
        return STATUS_NOT_SUPPORTED;
    case SEC_E_INSUFFICIENT_MEMORY:
        return STATUS_INSUFFICIENT_RESOURCES;
    default:
        return status;
    }
}

static SECURITY_STATUS log_on_by_name(const struct package *package, struct bytes block, HANDLE *out)
{
    const KERB_S4U_LOGON *logon = (const void *)block.data;
    struct utf16 user, realm;
    struct token *token = NULL;
    SecHandle handle;
    REQUIRE(block.size >= sizeof *logon, STATUS_INVALID_PARAMETER, "KERB_S4U_LOGON is cut short");
    TRY(take_string(&logon->ClientUpn, block, &user));
    TRY(take_string(&logon->ClientRealm, block, &realm));
    REQUIRE(user.size != 0, STATUS_NO_SUCH_USER, "KERB_S4U_LOGON: ClientUpn is empty");
    REQUIRE(package != NULL && package->log_on != NULL, STATUS_NOT_SUPPORTED,
            "LsaLogonUser: this package logs nobody on by name alone");
    SECURITY_STATUS status = package->log_on(user, realm, &token);
    if (status < 0) {
        return logon_status(status);
    }
    if (handle_open(HANDLE_TOKEN, token, &handle) < 0) {
        token_drop(token);
        FAIL(STATUS_INSUFFICIENT_RESOURCES, "no more handles to access tokens");
    }
    *out = handle_pack(&handle);
    return STATUS_SUCCESS;
}

static SECURITY_STATUS log_on(HANDLE handle, ULONG package, struct bytes block, HANDLE *token)
{
    AUTO_PINNED pinned = {.object = NULL};
    TRY(lsa_pin_connection(handle, &pinned));
    REQUIRE(block.data != NULL && token != NULL, STATUS_INVALID_PARAMETER, "LsaLogonUser: an argument is NULL");
    REQUIRE(lsa_is_package_number(package), STATUS_NO_SUCH_PACKAGE, "no package has this number");
    struct reader reader = read_start(block);
    uint32_t type = read_u32le(&reader);
    REQUIRE(!reader.bad && type == KerbS4ULogon, STATUS_NOT_SUPPORTED,
            "LsaLogonUser: sessions are opened by PAM, but for KERB_S4U_LOGON");
    return log_on_by_name(logon_package(package), block, token);
}

/* What there is no such thing of is nothing; the session is one that LsaGetLogonSessionData does not know. */
NTSTATUS NTAPI LsaLogonUser(HANDLE LsaHandle, PLSA_STRING OriginName, SECURITY_LOGON_TYPE LogonType,
                            ULONG AuthenticationPackage, PVOID AuthenticationInformation,
                            ULONG AuthenticationInformationLength, PTOKEN_GROUPS LocalGroups,
                            PTOKEN_SOURCE SourceContext, PVOID *ProfileBuffer, PULONG ProfileBufferLength,
                            PLUID LogonId, PHANDLE Token, PQUOTA_LIMITS Quotas, PNTSTATUS SubStatus)
{
    status_begin();
    SECURITY_STATUS status = log_on(LsaHandle, AuthenticationPackage,
                                    bytes_of(AuthenticationInformation, AuthenticationInformationLength), Token);
    if (status >= 0) {
        if (ProfileBuffer != NULL) {
            *ProfileBuffer = NULL;
        }
        if (ProfileBufferLength != NULL) {
            *ProfileBufferLength = 0;
        }
        if (LogonId != NULL) {
            *LogonId = (LUID){atomic_fetch_add(&logons, 1) + 1, OWN_SESSIONS};
        }
        if (Quotas != NULL) {
            *Quotas = (QUOTA_LIMITS){0};
        }
    }
    if (SubStatus != NULL) {
        *SubStatus = STATUS_SUCCESS;
    }
    return api_end("LsaLogonUser", status);
}

BOOL WINAPI LogonUserExExW(LPWSTR lpszUsername, LPWSTR lpszDomain, LPWSTR lpszPassword, DWORD dwLogonType,
                           DWORD dwLogonProvider, PTOKEN_GROUPS pTokenGroups, PHANDLE phToken, PSID *ppLogonSid,
                           PVOID *ppProfileBuffer, LPDWORD pdwProfileLength, PQUOTA_LIMITS pQuotaLimits)
{
    status_begin();
    SetLastError(lpszUsername == NULL ? ERROR_INVALID_PARAMETER : ERROR_NOT_SUPPORTED);
    return FALSE;
}
