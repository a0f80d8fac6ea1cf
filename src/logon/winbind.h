/* libwbclient, which speaks to winbindd: loaded when somebody first asks, since most machines have no winbind, and kept.
 *
 * Its calls wait for winbindd without a limit worth the name (minutes).  Whoever must not wait calls from a thread of its
 * own (logon/directory.h).
 */
#ifndef OPENSSPI_LOGON_WINBIND_H
#define OPENSSPI_LOGON_WINBIND_H

#include <stdbool.h>
#include <stdint.h>

#include <wbclient.h>

#include "base/status.h"

/* The functions that are used, as wbclient.h has them.  A context is one thread's at a time; contexts notice a fork. */
struct winbind {
    struct wbcContext *(*create)(void);
    void (*destroy)(struct wbcContext *context);
    void (*release)(void *memory);
    wbcErr (*ping)(struct wbcContext *context);
    wbcErr (*authenticate)(struct wbcContext *context, const struct wbcAuthUserParams *params,
                           struct wbcAuthUserInfo **info, struct wbcAuthErrorInfo **error);
    wbcErr (*interface_details)(struct wbcContext *context, struct wbcInterfaceDetails **details);
    wbcErr (*domain_info)(struct wbcContext *context, const char *domain, struct wbcDomainInfo **info);
    wbcErr (*lookup_name)(struct wbcContext *context, const char *domain, const char *name, struct wbcDomainSid *sid,
                          enum wbcSidType *type);
    wbcErr (*lookup_sid)(struct wbcContext *context, const struct wbcDomainSid *sid, char **domain, char **name,
                         enum wbcSidType *type);
    wbcErr (*display_name)(struct wbcContext *context, const struct wbcDomainSid *sid, char **domain, char **name,
                           enum wbcSidType *type);
    wbcErr (*sid_from_text)(const char *text, struct wbcDomainSid *sid);
    int (*sid_to_text)(const struct wbcDomainSid *sid, char *text, int size);
    wbcErr (*sid_of_uid)(struct wbcContext *context, uid_t uid, struct wbcDomainSid *sid);
    wbcErr (*users_begin)(struct wbcContext *context);
    wbcErr (*users_next)(struct wbcContext *context, struct passwd **entry);
    wbcErr (*users_end)(struct wbcContext *context);
};

/* The process's own; what `*out` points at lives for ever.  SEC_E_NO_AUTHENTICATING_AUTHORITY: no libwbclient.so.0, or one
 * that lacks a function; the next call tries again. */
STATUS winbind_load(const struct winbind **out);

#endif
