/* Logons of domain accounts, decided by a domain controller, which winbindd asks for us.
 *
 * libwbclient gives every
 * thread a connection of its own only through contexts, so a few of those are kept; they notice a fork by themselves.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/trace.h"
#include "logon/accounts.h"
#include "logon/process.h"
#include "logon/winbind.h"
#include "wire/writer.h"

#define IDLE_MAX   16
#define UNIX_EPOCH UINT64_C(116444736000000000) /* 1970-01-01 as FILETIME */

struct accounts_winbind {
    struct accounts base;
    const struct winbind *winbind;
    struct wbcContext *idle[IDLE_MAX]; /* under the process lock */
    size_t idle_count;
};

/* ---------------------------------------------------------------- connections */

static struct wbcContext *take_context(struct accounts_winbind *self)
{
    {
        PROCESS_LOCKED;
        if (self->idle_count != 0) {
            self->idle_count--;
            return self->idle[self->idle_count];
        }
    }
    return self->winbind->create();
}

static void give_context(struct accounts_winbind *self, struct wbcContext *context)
{
    {
        PROCESS_LOCKED;
        if (self->idle_count < IDLE_MAX) {
            self->idle[self->idle_count++] = context;
            return;
        }
    }
    self->winbind->destroy(context);
}

/* ---------------------------------------------------------------- verdicts */

static SECURITY_STATUS not_let(void)
{
    FAIL(SEC_E_NO_AUTHENTICATING_AUTHORITY,
         "winbind does not let this process verify logons (its user must be in the group winbindd_priv)");
}

/* NTSTATUS values (MS-ERREF 2.3.1) that say that nobody decided, as against a decision not to let the user in. */
static SECURITY_STATUS refuse(uint32_t nt_status)
{
    switch (nt_status) {
    case 0xC0000022: /* STATUS_ACCESS_DENIED */
        return not_let();
    case 0xC000005E: /* STATUS_NO_LOGON_SERVERS */
    case 0xC00000B5: /* STATUS_IO_TIMEOUT */
    case 0xC00000DA: /* STATUS_CANT_ACCESS_DOMAIN_INFO */
    case 0xC0000192: /* STATUS_NETLOGON_NOT_STARTED */
    case 0xC000020D: /* STATUS_CONNECTION_RESET */
    case 0xC0000233: /* STATUS_DOMAIN_CONTROLLER_NOT_FOUND */
    case 0xC0000236: /* STATUS_CONNECTION_REFUSED */
        FAIL(SEC_E_NO_AUTHENTICATING_AUTHORITY, "winbind cannot reach a domain controller");
    case 0xC000018A: /* STATUS_NO_TRUST_LSA_SECRET */
    case 0xC000018B: /* STATUS_NO_TRUST_SAM_ACCOUNT */
    case 0xC000018C: /* STATUS_TRUSTED_DOMAIN_FAILURE */
    case 0xC000018D: /* STATUS_TRUSTED_RELATIONSHIP_FAILURE */
        FAIL(SEC_E_NO_AUTHENTICATING_AUTHORITY, "this machine's own account in the domain does not work");
    default: /* whatever the reason, peers see one answer (MS-NLMP 3.2.5.1.2) */
        FAIL(SEC_E_LOGON_DENIED, "the domain did not accept this logon");
    }
}

/* `alive`: winbindd answers others. */
static SECURITY_STATUS verdict(wbcErr code, const struct wbcAuthErrorInfo *error, bool alive)
{
    TRACE("accounts: winbind answered %d, NTSTATUS 0x%08X", (int)code, error != NULL ? error->nt_status : 0);
    switch (code) {
    case WBC_ERR_SUCCESS:
        return SEC_E_OK;
    case WBC_ERR_NO_MEMORY:
        FAIL(SEC_E_INSUFFICIENT_MEMORY, "out of memory in libwbclient");
    case WBC_ERR_AUTH_ERROR:
        return refuse(error != NULL ? error->nt_status : 0);
    case WBC_ERR_UNKNOWN_USER:
    case WBC_ERR_DOMAIN_NOT_FOUND: /* the client chose the name */
    case WBC_ERR_INVALID_PARAM:
        FAIL(SEC_E_LOGON_DENIED, "the domain did not accept this logon");
    case WBC_ERR_WINBIND_NOT_AVAILABLE:
        if (alive) { /* what libwbclient says when the privileged socket does not open */
            return not_let();
        }
        FAIL(SEC_E_NO_AUTHENTICATING_AUTHORITY, "winbindd is not running");
    default:
        FAIL(SEC_E_NO_AUTHENTICATING_AUTHORITY, "winbind failed");
    }
}

/* ASSUMES: winbindd hands out seconds since 1970 here, with zero or the end of time for "never". */
static uint64_t expiry_of(uint64_t seconds)
{
    if (seconds == 0 || seconds >= INT32_MAX) {
        return CLOCK_NEVER;
    }
    return UNIX_EPOCH + seconds * CLOCK_SECOND;
}

/* The domain's own spelling of who this is. */
static SECURITY_STATUS fill_name(const struct wbcAuthUserInfo *info, struct canonical_name *out)
{
    AUTO_UTF16 user = UTF16_NONE;
    AUTO_UTF16 domain = UTF16_NONE;
    if (info->account_name == NULL || info->domain_name == NULL) {
        return SEC_E_OK;
    }
    TRY(utf16_from_utf8(bytes_of(info->account_name, strlen(info->account_name)), &user));
    TRY(utf16_from_utf8(bytes_of(info->domain_name, strlen(info->domain_name)), &domain));
    return canonical_name_set(out, user, domain);
}

static void fill_result(const struct wbcAuthUserInfo *info, struct logon_result *out)
{
    *out = (struct logon_result){.user_flags = info->user_flags};
    struct writer key = write_into(out->session_base_key.b, sizeof out->session_base_key.b);
    write_bytes(&key, BYTES(info->user_session_key));
    struct writer lm_key = write_into(out->lm_session_key, sizeof out->lm_session_key);
    write_bytes(&lm_key, BYTES(info->lm_session_key));
    out->password_expiry = expiry_of(info->pass_must_change_time);
    if (info->account_name != NULL && info->domain_name != NULL) {
        int size = snprintf(out->unix_name, sizeof out->unix_name, "%s\\%s", info->domain_name, info->account_name);
        if (size < 0 || (size_t)size >= sizeof out->unix_name) {
            out->unix_name[0] = '\0'; /* half a name is somebody else's */
        }
    }
}

/* ---------------------------------------------------------------- a logon */

/* UTF-8 for libwbclient, which takes C strings: a name with a NUL inside is nobody's. */
static SECURITY_STATUS name_for_winbind(struct utf16 name, char **out)
{
    AUTO_FREE char *utf8 = NULL;
    size_t size = 0;
    REQUIRE(utf16_length(name) <= ACCOUNT_NAME_MAX, SEC_E_LOGON_DENIED, "a name is longer than any account's");
    TRY(utf16_to_utf8(name, &utf8, &size));
    REQUIRE(strlen(utf8) == size, SEC_E_LOGON_DENIED, "a name has a NUL in it");
    *out = STEAL(utf8);
    return SEC_E_OK;
}

static uint8_t *unconst(struct bytes bytes)
{
    return bytes.size == 0 ? NULL : (uint8_t *)(uintptr_t)bytes.data; /* libwbclient reads only */
}

static SECURITY_STATUS ask(struct accounts_winbind *self, const struct wbcAuthUserParams *params,
                           struct logon_result *out)
{
    struct wbcAuthUserInfo *info = NULL;
    struct wbcAuthErrorInfo *error = NULL;
    struct wbcContext *context = take_context(self);
    REQUIRE(context != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory in libwbclient");
    wbcErr code = self->winbind->authenticate(context, params, &info, &error);
    bool alive = code != WBC_ERR_WINBIND_NOT_AVAILABLE || self->winbind->ping(context) == WBC_ERR_SUCCESS;
    SECURITY_STATUS status = verdict(code, error, alive);
    if (status >= 0 && info != NULL) {
        fill_result(info, out);
        status = fill_name(info, &out->name);
        secret_wipe(info->user_session_key, sizeof info->user_session_key);
        secret_wipe(info->lm_session_key, sizeof info->lm_session_key);
    }
    bool answered = status < 0 || info != NULL;
    self->winbind->release(info);
    self->winbind->release(error);
    give_context(self, context);
    REQUIRE(answered, SEC_E_NO_AUTHENTICATING_AUTHORITY, "winbind let a logon pass without saying whose");
    return status;
}

static SECURITY_STATUS winbind_verify(struct accounts *base, const struct logon_attempt *attempt,
                                      struct logon_result *out)
{
    AUTO_FREE char *user = NULL;
    AUTO_FREE char *domain = NULL;
    AUTO_FREE char *workstation = NULL;
    TRY(name_for_winbind(attempt->user, &user));
    TRY(name_for_winbind(attempt->domain, &domain));
    TRY(name_for_winbind(attempt->workstation, &workstation));
    REQUIRE(attempt->nt_response.size <= UINT16_MAX && attempt->lm_response.size <= UINT16_MAX, SEC_E_LOGON_DENIED,
            "a response is longer than an NTLM field");

    struct wbcAuthUserParams params = {
        .account_name = user,
        .domain_name = domain,
        .workstation_name = workstation,
        .parameter_control = WBC_MSV1_0_ALLOW_SERVER_TRUST_ACCOUNT | WBC_MSV1_0_ALLOW_WORKSTATION_TRUST_ACCOUNT,
        .level = WBC_AUTH_USER_LEVEL_RESPONSE,
    };
    struct writer challenge = write_into(params.password.response.challenge, sizeof params.password.response.challenge);
    write_bytes(&challenge, BYTES(attempt->challenge));
    params.password.response.nt_length = (uint32_t)attempt->nt_response.size;
    params.password.response.nt_data = unconst(attempt->nt_response);
    params.password.response.lm_length = (uint32_t)attempt->lm_response.size;
    params.password.response.lm_data = unconst(attempt->lm_response);
    return ask((struct accounts_winbind *)base, &params, out);
}

/* ---------------------------------------------------------------- the source */

static void winbind_close(struct accounts *base)
{
    struct accounts_winbind *self = (struct accounts_winbind *)base;
    for (size_t i = 0; i < self->idle_count; i++) {
        self->winbind->destroy(self->idle[i]);
    }
    free(self);
}

static void winbind_close_auto(struct accounts_winbind **self)
{
    if (*self != NULL) {
        winbind_close(&(*self)->base);
    }
}

SECURITY_STATUS accounts_winbind_open(struct accounts **out)
{
    __attribute__((cleanup(winbind_close_auto))) struct accounts_winbind *self = calloc(1, sizeof *self);
    REQUIRE(self != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for winbind");
    self->base = (struct accounts){.name = "winbind", .verify = winbind_verify, .close = winbind_close};
    TRY(winbind_load(&self->winbind));
    struct wbcContext *context = take_context(self);
    REQUIRE(context != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory in libwbclient");
    wbcErr code = self->winbind->ping(context);
    give_context(self, context);
    REQUIRE(code == WBC_ERR_SUCCESS, SEC_E_NO_AUTHENTICATING_AUTHORITY, "winbindd is not running");
    *out = &STEAL(self)->base;
    return SEC_E_OK;
}
