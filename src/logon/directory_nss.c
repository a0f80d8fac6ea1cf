/* What the name service switch knows of accounts, and the names that sssd and winbind have there for those of domains. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "logon/directory_inside.h"
#include "logon/machine.h"

#define ROOM_FIRST 4096
#define ROOM_MAX   (256 * 1024)

bool directory_split(const char *name, char separator, struct directory_entry *out)
{
    const char *backslash = strchr(name, separator);
    const char *sign = strrchr(name, '@');
    const char *user = backslash != NULL ? backslash + 1 : name;
    const char *domain = backslash != NULL ? name : (sign != NULL ? sign + 1 : "");
    size_t user_size = backslash != NULL || sign == NULL ? strlen(user) : (size_t)(sign - name);
    size_t domain_size = backslash != NULL ? (size_t)(backslash - name) : strlen(domain);
    struct directory_entry found = {.kind = DIRECTORY_USER};
    char whole[DIRECTORY_TEXT];
    if (user_size == 0 || domain_size == 0 || user_size >= sizeof found.user || domain_size >= sizeof whole) {
        return false;
    }
    memcpy(found.user, user, user_size);
    memcpy(whole, domain, domain_size);
    whole[domain_size] = '\0';
    (void)directory_pair(whole, &found);
    *out = found;
    return true;
}

/* passwd(5): the user's name, then, after commas, where he sits and his telephones. */
void directory_full_name(const struct passwd *entry, char out[DIRECTORY_TEXT])
{
    const char *gecos = entry->pw_gecos != NULL ? entry->pw_gecos : "";
    size_t size = strcspn(gecos, ",");
    size = size < DIRECTORY_TEXT ? size : 0;
    memcpy(out, gecos, size);
    out[size] = '\0';
}

bool directory_local(const struct passwd *found, struct directory_entry *out)
{
    struct directory_entry entry = {.kind = DIRECTORY_USER, .local = true};
    const struct machine_names *machine = NULL;
    if (names_of_this_machine(&machine) < 0 || utf16_utf8_size(machine->netbios_computer) >= sizeof entry.domain ||
        !directory_text(entry.user, sizeof entry.user, found->pw_name)) {
        return false;
    }
    utf16_utf8_write(machine->netbios_computer, entry.domain);
    directory_full_name(found, entry.display);
    *out = entry;
    return true;
}

/* getpwnam_r, or getpwuid_r for NULL, with the room that it wants; `room` is for free(). */
static bool look_up(const char *name, uid_t uid, struct passwd *entry, char **room)
{
    struct passwd *found = NULL;
    for (size_t size = ROOM_FIRST; size <= ROOM_MAX; size *= 4) {
        AUTO_FREE char *buffer = malloc(size);
        if (buffer == NULL) {
            return false;
        }
        int code =
            name != NULL ? getpwnam_r(name, entry, buffer, size, &found) : getpwuid_r(uid, entry, buffer, size, &found);
        if (code == 0 && found != NULL) {
            *room = STEAL(buffer);
            return true;
        }
        if (code != ERANGE) {
            return false;
        }
    }
    return false;
}

/* An account of `domain`, which its own name may tell otherwise. */
static bool domain_account(const char *name, const char *domain, struct directory_entry *out)
{
    struct passwd entry;
    AUTO_FREE char *room = NULL;
    struct directory_entry found = {.kind = DIRECTORY_USER};
    if (!look_up(name, 0, &entry, &room)) {
        return false;
    }
    if (!directory_split(entry.pw_name, '\\', &found)) {
        if (!directory_text(found.user, sizeof found.user, entry.pw_name)) {
            return false;
        }
        (void)directory_pair(domain, &found);
    }
    directory_full_name(&entry, found.display);
    *out = found;
    return true;
}

enum directory_answer directory_nss_upn(const char *upn, struct directory_entry *out)
{
    const char *sign = strrchr(upn, '@');
    return sign != NULL && sign[1] != '\0' && domain_account(upn, sign + 1, out) ? DIRECTORY_FOUND
                                                                                 : DIRECTORY_NO_DOMAIN;
}

/* Asked by both of the domain's names, as far as they are known.  What NSS does not know may be nobody, or of a domain that is
 * nobody's: it does not say. */
enum directory_answer directory_nss_name(const char *domain, const char *user, struct directory_entry *out)
{
    struct directory_entry names = {.kind = DIRECTORY_DOMAIN};
    char name[DIRECTORY_UPN];
    bool known = directory_pair(domain, &names);
    if (user[0] == '\0') {
        if (known) {
            *out = names;
        }
        return known ? DIRECTORY_FOUND : DIRECTORY_NO_DOMAIN;
    }
    (void)snprintf(name, sizeof name, "%s\\%s", names.domain, user);
    bool found = domain_account(name, domain, out);
    if (!found && names.dns_domain[0] != '\0') {
        (void)snprintf(name, sizeof name, "%s@%s", user, names.dns_domain);
        found = domain_account(name, domain, out);
    }
    if (found && out->dns_domain[0] == '\0') { /* it was asked for by that name */
        memcpy(out->dns_domain, names.dns_domain, sizeof out->dns_domain);
    }
    return found ? DIRECTORY_FOUND : DIRECTORY_NO_DOMAIN;
}

/* Some other source's account without a domain is one of this machine (nslcd, systemd-homed), as directory_nss_uid() has it. */
enum directory_answer directory_nss_login(const struct directory_winbind *winbind, const char *login,
                                          struct directory_entry *out)
{
    struct passwd entry;
    struct directory_entry unused = {.kind = DIRECTORY_USER};
    AUTO_FREE char *room = NULL;
    if (!look_up(login, 0, &entry, &room) || directory_split(entry.pw_name, winbind->separator, &unused)) {
        return DIRECTORY_NO_ACCOUNT;
    }
    bool elsewhere =
        winbind->context != NULL && directory_winbind_uid(winbind, entry.pw_uid, &unused) == DIRECTORY_FOUND;
    return !elsewhere && directory_local(&entry, out) ? DIRECTORY_FOUND : DIRECTORY_NO_ACCOUNT;
}

/* A name without a domain is this machine's, unless winbindd has the uid for an account of a domain. */
enum directory_answer directory_nss_uid(const struct directory_winbind *winbind, uid_t uid, struct directory_entry *out)
{
    struct passwd entry;
    struct directory_entry found = {.kind = DIRECTORY_USER};
    AUTO_FREE char *room = NULL;
    if (winbind->context != NULL && directory_winbind_uid(winbind, uid, out) == DIRECTORY_FOUND) {
        return DIRECTORY_FOUND;
    }
    if (!look_up(NULL, uid, &entry, &room)) {
        return DIRECTORY_NO_ACCOUNT;
    }
    if (!directory_split(entry.pw_name, winbind->separator, &found)) {
        return directory_local(&entry, out) ? DIRECTORY_FOUND : DIRECTORY_NO_ACCOUNT;
    }
    directory_full_name(&entry, found.display);
    *out = found;
    return DIRECTORY_FOUND;
}
