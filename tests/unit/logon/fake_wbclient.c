/* A libwbclient.so.0 that answers as the test says and remembers what it was asked.  Found through LD_LIBRARY_PATH. */
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <wbclient.h>

#include "fake_wbclient.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT struct fake_winbind fake_winbind = {.ping = WBC_ERR_SUCCESS};

struct wbcContext {
    int unused;
};

EXPORT struct wbcContext *wbcCtxCreate(void)
{
    __atomic_fetch_add(&fake_winbind.contexts, 1, __ATOMIC_RELAXED);
    return calloc(1, sizeof(struct wbcContext));
}

EXPORT void wbcCtxFree(struct wbcContext *context)
{
    __atomic_fetch_sub(&fake_winbind.contexts, 1, __ATOMIC_RELAXED);
    free(context);
}

EXPORT wbcErr wbcCtxPing(struct wbcContext *context)
{
    return (wbcErr)fake_winbind.ping;
}

EXPORT void wbcFreeMemory(void *memory)
{
    __atomic_fetch_sub(&fake_winbind.blocks, memory != NULL, __ATOMIC_RELAXED);
    free(memory);
}

static void *give(size_t size)
{
    __atomic_fetch_add(&fake_winbind.blocks, 1, __ATOMIC_RELAXED);
    return calloc(1, size);
}

/* ---------------------------------------------------------------- names */

static const struct fake_account *row(size_t index)
{
    return index < fake_winbind.directory_size ? &fake_winbind.directory[index] : NULL;
}

/* The daemon is there, and lets itself be waited for. */
static bool is_there(void)
{
    char byte;
    __atomic_fetch_add(&fake_winbind.names_asked, 1, __ATOMIC_RELAXED);
    if (fake_winbind.wait_on != 0 && read(fake_winbind.wait_on, &byte, 1) != 1) {
        abort();
    }
    return fake_winbind.directory != NULL;
}

static char *give_text(const char *text)
{
    char *copy = give(strlen(text) + 1);
    memcpy(copy, text, strlen(text));
    return copy;
}

/* Blocks that libwbclient frees in one: here each is one. */
EXPORT wbcErr wbcCtxInterfaceDetails(struct wbcContext *context, struct wbcInterfaceDetails **details)
{
    if (!is_there()) {
        return WBC_ERR_WINBIND_NOT_AVAILABLE;
    }
    *details = give(sizeof **details);
    (*details)->winbind_separator = '\\';
    (*details)->netbios_name = (char *)(uintptr_t)fake_winbind.computer;
    (*details)->netbios_domain = (char *)(uintptr_t)fake_winbind.own_domain;
    return WBC_ERR_SUCCESS;
}

static struct wbcDomainSid sid_of(const struct fake_account *account)
{
    struct wbcDomainSid sid = {
        .sid_rev_num = 1, .num_auths = 5, .id_auth = {0, 0, 0, 0, 0, 5}, .sub_auths = {21, 1, 2, 3}};
    sid.sub_auths[4] = account->rid;
    sid.num_auths = account->user[0] == '\0' ? 4 : 5;
    return sid;
}

static const struct fake_account *by_sid(const struct wbcDomainSid *sid)
{
    for (size_t i = 0; i < fake_winbind.directory_size; i++) {
        struct wbcDomainSid own = sid_of(row(i));
        if (own.num_auths == sid->num_auths && memcmp(own.sub_auths, sid->sub_auths, 4u * own.num_auths) == 0) {
            return row(i);
        }
    }
    return NULL;
}

static bool is_domain(const struct fake_account *account, const char *name)
{
    return strcasecmp(account->domain, name) == 0 || strcasecmp(account->dns_domain, name) == 0;
}

EXPORT wbcErr wbcCtxDomainInfo(struct wbcContext *context, const char *domain, struct wbcDomainInfo **info)
{
    for (size_t i = 0; is_there() && i < fake_winbind.directory_size; i++) {
        if (row(i)->user[0] == '\0' && is_domain(row(i), domain)) {
            *info = give(sizeof **info);
            (*info)->short_name = (char *)(uintptr_t)row(i)->domain;
            (*info)->dns_name = (char *)(uintptr_t)row(i)->dns_domain;
            (*info)->sid = sid_of(row(i));
            (*info)->domain_flags = fake_winbind.domain_flags;
            return WBC_ERR_SUCCESS;
        }
    }
    return WBC_ERR_DOMAIN_NOT_FOUND;
}

EXPORT wbcErr wbcCtxLookupName(struct wbcContext *context, const char *domain, const char *name,
                               struct wbcDomainSid *sid, enum wbcSidType *type)
{
    for (size_t i = 0; is_there() && i < fake_winbind.directory_size; i++) {
        bool upn = domain[0] == '\0' && row(i)->upn != NULL && strcasecmp(row(i)->upn, name) == 0;
        if (row(i)->user[0] != '\0' && (upn || (is_domain(row(i), domain) && strcasecmp(row(i)->user, name) == 0))) {
            *sid = sid_of(row(i));
            *type = (enum wbcSidType)row(i)->type;
            return WBC_ERR_SUCCESS;
        }
    }
    return WBC_ERR_DOMAIN_NOT_FOUND;
}

EXPORT wbcErr wbcCtxLookupSid(struct wbcContext *context, const struct wbcDomainSid *sid, char **domain, char **name,
                              enum wbcSidType *type)
{
    const struct fake_account *found = is_there() ? by_sid(sid) : NULL;
    if (found == NULL) {
        return WBC_ERR_DOMAIN_NOT_FOUND;
    }
    *domain = give_text(found->domain);
    *name = give_text(found->user);
    *type = (enum wbcSidType)found->type;
    return WBC_ERR_SUCCESS;
}

EXPORT wbcErr wbcCtxGetDisplayName(struct wbcContext *context, const struct wbcDomainSid *sid, char **domain,
                                   char **name, enum wbcSidType *type)
{
    const struct fake_account *found = is_there() ? by_sid(sid) : NULL;
    if (found == NULL || found->display == NULL) {
        return WBC_ERR_DOMAIN_NOT_FOUND;
    }
    *domain = give_text(found->domain);
    *name = give_text(found->display);
    *type = (enum wbcSidType)found->type;
    return WBC_ERR_SUCCESS;
}

EXPORT wbcErr wbcStringToSid(const char *text, struct wbcDomainSid *sid)
{
    struct wbcDomainSid read = {.sid_rev_num = 1, .num_auths = 5, .id_auth = {0, 0, 0, 0, 0, 5}};
    int count = sscanf(text, "S-1-5-%u-%u-%u-%u-%u", &read.sub_auths[0], &read.sub_auths[1], &read.sub_auths[2],
                       &read.sub_auths[3], &read.sub_auths[4]);
    read.num_auths = (uint8_t)count;
    *sid = read;
    return count >= 4 ? WBC_ERR_SUCCESS : WBC_ERR_INVALID_SID;
}

EXPORT int wbcSidToStringBuf(const struct wbcDomainSid *sid, char *text, int size)
{
    int used = snprintf(text, (size_t)size, "S-1-%u", sid->id_auth[5]);
    for (int i = 0; i < sid->num_auths; i++) {
        used += snprintf(text + used, (size_t)(size - used), "-%u", sid->sub_auths[i]);
    }
    return used;
}

EXPORT wbcErr wbcCtxUidToSid(struct wbcContext *context, uid_t uid, struct wbcDomainSid *sid)
{
    for (size_t i = 0; is_there() && i < fake_winbind.directory_size; i++) {
        if (row(i)->uid != 0 && row(i)->uid == uid) {
            *sid = sid_of(row(i));
            return WBC_ERR_SUCCESS;
        }
    }
    return WBC_ERR_DOMAIN_NOT_FOUND;
}

static size_t next_user;
static char user_name[256];
static struct passwd user_entry;

EXPORT wbcErr wbcCtxSetpwent(struct wbcContext *context)
{
    next_user = 0;
    return is_there() && fake_winbind.lists_users ? WBC_ERR_SUCCESS : WBC_ERR_DOMAIN_NOT_FOUND;
}

EXPORT wbcErr wbcCtxGetpwent(struct wbcContext *context, struct passwd **entry)
{
    while (is_there() && next_user < fake_winbind.directory_size) {
        const struct fake_account *account = row(next_user++);
        if (account->uid != 0) {
            snprintf(user_name, sizeof user_name, "%s\\%s", account->domain, account->user);
            user_entry = (struct passwd){.pw_name = user_name, .pw_gecos = (char *)(uintptr_t)account->display};
            *entry = give(sizeof **entry);
            **entry = user_entry;
            return WBC_ERR_SUCCESS;
        }
    }
    return WBC_ERR_DOMAIN_NOT_FOUND;
}

EXPORT wbcErr wbcCtxEndpwent(struct wbcContext *context)
{
    return WBC_ERR_SUCCESS;
}

/* ---------------------------------------------------------------- logons */

static void remember(const struct wbcAuthUserParams *params)
{
    struct fake_winbind *seen = &fake_winbind;
    strncpy(seen->account, params->account_name, sizeof seen->account - 1);
    strncpy(seen->domain, params->domain_name, sizeof seen->domain - 1);
    strncpy(seen->workstation, params->workstation_name, sizeof seen->workstation - 1);
    seen->flags = params->flags;
    seen->parameter_control = params->parameter_control;
    seen->level = params->level;
    memcpy(seen->challenge, params->password.response.challenge, 8);
    seen->nt_length = params->password.response.nt_length;
    seen->lm_length = params->password.response.lm_length;
    if (seen->nt_length != 0) { /* no response, no pointer */
        memcpy(seen->nt, params->password.response.nt_data, seen->nt_length);
    }
    if (seen->lm_length != 0) {
        memcpy(seen->lm, params->password.response.lm_data, seen->lm_length);
    }
}

EXPORT wbcErr wbcCtxAuthenticateUserEx(struct wbcContext *context, const struct wbcAuthUserParams *params,
                                       struct wbcAuthUserInfo **info, struct wbcAuthErrorInfo **error)
{
    remember(params);
    if (fake_winbind.answer == WBC_ERR_SUCCESS && !fake_winbind.no_info) {
        *info = give(sizeof **info);
        (*info)->user_flags = 0x20;
        (*info)->account_name = fake_winbind.answer_account;
        (*info)->domain_name = fake_winbind.answer_domain;
        (*info)->pass_must_change_time = fake_winbind.must_change;
        memset((*info)->user_session_key, 0x5A, 16);
        memset((*info)->lm_session_key, 0xA5, 8);
    } else if (fake_winbind.answer != WBC_ERR_SUCCESS && fake_winbind.nt_status != 0) {
        *error = give(sizeof **error);
        (*error)->nt_status = fake_winbind.nt_status;
    }
    return (wbcErr)fake_winbind.answer;
}
