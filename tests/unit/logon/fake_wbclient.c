/* A libwbclient.so.0 that answers as the test says and remembers what it was asked.  Found through LD_LIBRARY_PATH. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <wbclient.h>

#include "fake_wbclient.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT struct fake_winbind fake_winbind = {.ping = WBC_ERR_SUCCESS};

struct wbcContext {
    int unused;
};

EXPORT struct wbcContext *wbcCtxCreate(void)
{
    fake_winbind.contexts++;
    return calloc(1, sizeof(struct wbcContext));
}

EXPORT void wbcCtxFree(struct wbcContext *context)
{
    fake_winbind.contexts--;
    free(context);
}

EXPORT wbcErr wbcCtxPing(struct wbcContext *context)
{
    return (wbcErr)fake_winbind.ping;
}

EXPORT void wbcFreeMemory(void *memory)
{
    fake_winbind.blocks -= memory != NULL;
    free(memory);
}

static void *give(size_t size)
{
    fake_winbind.blocks++;
    return calloc(1, size);
}

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
