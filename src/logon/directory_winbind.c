/* What winbindd knows of accounts and domains. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/trace.h"
#include "logon/directory_inside.h"

bool directory_winbind_open(struct directory_winbind *out)
{
    struct wbcInterfaceDetails *details = NULL;
    const struct winbind *library = NULL;
    *out = (struct directory_winbind){.separator = '\\'};
    if (winbind_load(&library) < 0) {
        return false;
    }
    struct wbcContext *context = library->create();
    if (context == NULL) {
        return false;
    }
    bool good = library->interface_details(context, &details) == WBC_ERR_SUCCESS && details != NULL &&
                details->netbios_name != NULL && details->netbios_domain != NULL &&
                directory_text(out->computer, sizeof out->computer, details->netbios_name) &&
                directory_text(out->domain, sizeof out->domain, details->netbios_domain);
    if (good) {
        out->separator = details->winbind_separator != '\0' ? details->winbind_separator : '\\';
        out->library = library;
        out->context = context;
    } else {
        library->destroy(context);
    }
    library->release(details);
    return good;
}

void directory_winbind_close(struct directory_winbind *winbind)
{
    if (winbind->context != NULL) {
        winbind->library->destroy(winbind->context);
        winbind->context = NULL;
    }
}

/* A domain's own names and SID.  `flags` may be NULL. */
static bool fill_domain(const struct directory_winbind *winbind, const char *name, struct directory_entry *out,
                        uint32_t *flags)
{
    struct wbcDomainInfo *info = NULL;
    if (winbind->library->domain_info(winbind->context, name, &info) != WBC_ERR_SUCCESS || info == NULL) {
        return false;
    }
    bool good = info->short_name != NULL && directory_text(out->domain, sizeof out->domain, info->short_name);
    if (info->dns_name == NULL || !directory_text(out->dns_domain, sizeof out->dns_domain, info->dns_name)) {
        out->dns_domain[0] = '\0';
    }
    (void)winbind->library->sid_to_text(&info->sid, out->sid, (int)sizeof out->sid);
    if (flags != NULL) {
        *flags = info->domain_flags;
    }
    winbind->library->release(info);
    return good;
}

static enum directory_answer find_domain(const struct directory_winbind *winbind, const char *name,
                                         struct directory_entry *out)
{
    struct directory_entry found = {.kind = DIRECTORY_DOMAIN};
    if (!fill_domain(winbind, name, &found, NULL)) {
        return DIRECTORY_NO_DOMAIN;
    }
    *out = found;
    return DIRECTORY_FOUND;
}

/* Who knows no such account, or no such domain?  winbindd says the same of both. */
static enum directory_answer missing(const struct directory_winbind *winbind, const char *domain)
{
    struct directory_entry unused = {.kind = DIRECTORY_DOMAIN};
    return fill_domain(winbind, domain, &unused, NULL) ? DIRECTORY_NO_ACCOUNT : DIRECTORY_NO_DOMAIN;
}

static bool is_somebody(enum wbcSidType type)
{
    return type == WBC_SID_NAME_USER || type == WBC_SID_NAME_DOM_GRP || type == WBC_SID_NAME_ALIAS ||
           type == WBC_SID_NAME_WKN_GRP || type == WBC_SID_NAME_COMPUTER;
}

static void fill_display(const struct directory_winbind *winbind, const struct wbcDomainSid *sid,
                         struct directory_entry *out)
{
    char *domain = NULL, *name = NULL;
    enum wbcSidType type = WBC_SID_NAME_USE_NONE;
    if (out->kind != DIRECTORY_USER && out->kind != DIRECTORY_COMPUTER) {
        return;
    }
    if (winbind->library->display_name(winbind->context, sid, &domain, &name, &type) == WBC_ERR_SUCCESS) {
        (void)directory_text(out->display, sizeof out->display, name != NULL ? name : "");
    }
    winbind->library->release(domain);
    winbind->library->release(name);
}

/* Everything about a SID.  Names are spelt as winbindd has them, which may be as somebody has asked for them before. */
static enum directory_answer fill(const struct directory_winbind *winbind, const struct wbcDomainSid *sid,
                                  struct directory_entry *out)
{
    struct directory_entry found = {.kind = DIRECTORY_USER};
    char *domain = NULL, *name = NULL;
    enum wbcSidType type = WBC_SID_NAME_USE_NONE;
    wbcErr code = winbind->library->lookup_sid(winbind->context, sid, &domain, &name, &type);
    bool known = code == WBC_ERR_SUCCESS && domain != NULL && name != NULL;
    bool good = known && is_somebody(type) && directory_text(found.user, sizeof found.user, name) &&
                directory_text(found.domain, sizeof found.domain, domain);
    enum directory_answer answer = DIRECTORY_NO_ACCOUNT;
    if (known && type == WBC_SID_NAME_DOMAIN) {
        answer = find_domain(winbind, domain, out);
    } else if (good) {
        struct directory_entry of = {.kind = DIRECTORY_DOMAIN};
        found.kind = (enum directory_kind)type;
        if (fill_domain(winbind, domain, &of, NULL)) { /* a name it was asked by before may be the DNS domain's */
            memcpy(found.domain, of.domain, sizeof found.domain);
            memcpy(found.dns_domain, of.dns_domain, sizeof found.dns_domain);
        }
        (void)winbind->library->sid_to_text(sid, found.sid, (int)sizeof found.sid);
        fill_display(winbind, sid, &found);
        *out = found;
        answer = DIRECTORY_FOUND;
    }
    winbind->library->release(domain);
    winbind->library->release(name);
    return answer;
}

enum directory_answer directory_winbind_name(const struct directory_winbind *winbind, const char *domain,
                                             const char *user, struct directory_entry *out)
{
    struct wbcDomainSid sid = {0};
    enum wbcSidType type = WBC_SID_NAME_USE_NONE;
    if (user[0] == '\0') {
        return find_domain(winbind, domain, out);
    }
    wbcErr code = winbind->library->lookup_name(winbind->context, domain, user, &sid, &type);
    TRACE("names: winbind answered %d", (int)code);
    return code == WBC_ERR_SUCCESS && is_somebody(type) ? fill(winbind, &sid, out) : missing(winbind, domain);
}

enum directory_answer directory_winbind_upn(const struct directory_winbind *winbind, const char *upn,
                                            struct directory_entry *out)
{
    char user[DIRECTORY_TEXT];
    struct wbcDomainSid sid = {0};
    enum wbcSidType type = WBC_SID_NAME_USE_NONE;
    const char *sign = strrchr(upn, '@');
    size_t size = sign != NULL ? (size_t)(sign - upn) : 0;
    if (winbind->library->lookup_name(winbind->context, "", upn, &sid, &type) == WBC_ERR_SUCCESS && is_somebody(type)) {
        return fill(winbind, &sid, out);
    }
    if (size == 0 || size >= sizeof user) {
        return DIRECTORY_NO_ACCOUNT;
    }
    memcpy(user, upn, size);
    user[size] = '\0';
    return directory_winbind_name(winbind, sign + 1, user, out);
}

enum directory_answer directory_winbind_sid(const struct directory_winbind *winbind, const char *text,
                                            struct directory_entry *out)
{
    struct wbcDomainSid sid = {0};
    return winbind->library->sid_from_text(text, &sid) == WBC_ERR_SUCCESS ? fill(winbind, &sid, out)
                                                                          : DIRECTORY_NO_ACCOUNT;
}

enum directory_answer directory_winbind_uid(const struct directory_winbind *winbind, uid_t uid,
                                            struct directory_entry *out)
{
    struct wbcDomainSid sid = {0};
    struct directory_entry found = {.kind = DIRECTORY_USER};
    if (winbind->library->sid_of_uid(winbind->context, uid, &sid) != WBC_ERR_SUCCESS ||
        fill(winbind, &sid, &found) != DIRECTORY_FOUND || found.kind != DIRECTORY_USER ||
        strcasecmp(found.domain, winbind->computer) == 0 || found.dns_domain[0] == '\0') {
        return DIRECTORY_NO_ACCOUNT; /* "Unix User\name" is what it says of others */
    }
    *out = found;
    return DIRECTORY_FOUND;
}

/* NSS names as winbindd lists them; those that it keeps to itself are none. */
enum directory_answer directory_winbind_display(const struct directory_winbind *winbind, const char *display,
                                                struct directory_entry *out)
{
    struct directory_entry found = {.kind = DIRECTORY_USER};
    struct passwd *entry = NULL;
    unsigned count = 0;
    if (winbind->library->users_begin(winbind->context) != WBC_ERR_SUCCESS) {
        return DIRECTORY_NO_ACCOUNT;
    }
    while (winbind->library->users_next(winbind->context, &entry) == WBC_ERR_SUCCESS && entry != NULL) {
        char name[DIRECTORY_TEXT];
        directory_full_name(entry, name);
        if (strcasecmp(name, display) == 0) {
            struct directory_entry one = {.kind = DIRECTORY_USER};
            if (!directory_split(entry->pw_name, winbind->separator, &one)) { /* "winbind use default domain" */
                (void)directory_text(one.user, sizeof one.user, entry->pw_name);
                (void)directory_text(one.domain, sizeof one.domain, winbind->domain);
            }
            found = one;
            count++;
        }
        winbind->library->release(entry);
        entry = NULL;
    }
    (void)winbind->library->users_end(winbind->context);
    return count == 1 ? directory_winbind_name(winbind, found.domain, found.user, out) : DIRECTORY_NO_ACCOUNT;
}

/* ASSUMES: winbindd of a machine that has joined nothing has no primary domain but the machine itself. */
enum directory_answer directory_winbind_computer(const struct directory_winbind *winbind, struct directory_entry *out)
{
    struct directory_entry found = {.kind = DIRECTORY_USER};
    char account[DIRECTORY_TEXT];
    uint32_t flags = 0;
    size_t size = strlen(winbind->computer);
    if (strcasecmp(winbind->computer, winbind->domain) == 0 || size + 2 > sizeof account ||
        !fill_domain(winbind, winbind->domain, &found, &flags) || (flags & WBC_DOMINFO_DOMAIN_PRIMARY) == 0) {
        return DIRECTORY_NO_DOMAIN;
    }
    memcpy(account, winbind->computer, size);
    memcpy(account + size, "$", 2);
    if (directory_winbind_name(winbind, found.domain, account, out) != DIRECTORY_FOUND) {
        found.sid[0] = '\0'; /* of the domain; its own name needs no controller */
        *out = found;
    }
    memcpy(out->user, account, size + 2);
    return DIRECTORY_FOUND;
}
