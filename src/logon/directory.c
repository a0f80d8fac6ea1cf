#include "logon/directory.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/policy.h"
#include "logon/directory_inside.h"
#include "logon/machine.h"

#define PASSWD    "/etc/passwd"
#define LINE_ROOM 4096

bool directory_text(char *out, size_t size, const char *text)
{
    size_t length = strlen(text);
    bool fits = length < size;
    memcpy(out, text, fits ? length : 0);
    out[fits ? length : 0] = '\0';
    return fits;
}

/* ---------------------------------------------------------------- the two names of a domain */

static void lower(char *text)
{
    for (; *text != '\0'; text++) {
        *text = (char)tolower((unsigned char)*text);
    }
}

/* "DOMAIN:REALM, ...": a domain's realm is its DNS name in upper case (MS-KILE 1.1). */
static bool pair_of_realms(const char *name, struct directory_entry *entry)
{
    size_t size = strlen(name);
    for (const char *at = policy_get()->kerberos_realms; *at != '\0';) {
        at += strspn(at, ", \t");
        size_t whole = strcspn(at, ", \t");
        const char *colon = memchr(at, ':', whole);
        size_t first = colon != NULL ? (size_t)(colon - at) : 0;
        size_t second = first != 0 ? whole - first - 1 : 0;
        bool is_first = first == size && strncasecmp(at, name, size) == 0;
        bool is_second = second == size && strncasecmp(at + first + 1, name, size) == 0;
        if (second != 0 && (is_first || is_second) && first < DIRECTORY_TEXT && second < DIRECTORY_TEXT) {
            (void)snprintf(entry->domain, sizeof entry->domain, "%.*s", (int)first, at);
            (void)snprintf(entry->dns_domain, sizeof entry->dns_domain, "%.*s", (int)second, colon + 1);
            lower(entry->dns_domain);
            return true;
        }
        at += whole;
    }
    return false;
}

bool directory_pair(const char *name, struct directory_entry *entry)
{
    const struct policy *policy = policy_get();
    entry->domain[0] = entry->dns_domain[0] = '\0';
    bool own = name[0] != '\0' && policy->netbios_domain[0] != '\0' && policy->dns_domain[0] != '\0' &&
               (strcasecmp(name, policy->netbios_domain) == 0 || strcasecmp(name, policy->dns_domain) == 0);
    if (own) {
        return directory_text(entry->domain, sizeof entry->domain, policy->netbios_domain) &&
               directory_text(entry->dns_domain, sizeof entry->dns_domain, policy->dns_domain);
    }
    if (pair_of_realms(name, entry)) {
        return true;
    }
    (void)directory_text(entry->domain, sizeof entry->domain, name);
    if (strchr(name, '.') != NULL) {
        (void)directory_text(entry->dns_domain, sizeof entry->dns_domain, name);
        lower(entry->dns_domain);
    }
    return false;
}

/* ---------------------------------------------------------------- this machine's own accounts */

static void close_file(FILE **file)
{
    if (*file != NULL) {
        (void)fclose(*file);
    }
}

/* What is looked for in /etc/passwd. */
struct wanted {
    const char *user;    /* NULL: not by it */
    const char *display; /* likewise */
    uid_t uid;
};

static bool is_wanted(const struct passwd *entry, const struct wanted *wanted)
{
    char name[DIRECTORY_TEXT];
    if (entry->pw_name[0] == '+' || entry->pw_name[0] == '-') { /* what is taken in from NIS (nsswitch.conf(5)) */
        return false;
    }
    if (wanted->user != NULL) {
        return strcasecmp(entry->pw_name, wanted->user) == 0;
    }
    if (wanted->display != NULL) {
        directory_full_name(entry, name);
        return strcasecmp(name, wanted->display) == 0;
    }
    return entry->pw_uid == wanted->uid;
}

/* How many there are; `out` is the one that is spelt as asked for, else the first.  Read here and not by getpwnam(), which may go
 * on to a directory. */
static unsigned in_passwd(const struct wanted *wanted, struct directory_entry *out)
{
    AUTO(close_file) FILE *file = fopen(PASSWD, "re");
    char room[LINE_ROOM];
    struct passwd entry, *found = NULL;
    unsigned count = 0;
    while (file != NULL && fgetpwent_r(file, &entry, room, sizeof room, &found) == 0) {
        if (!is_wanted(found, wanted)) {
            continue;
        }
        bool exact = wanted->user != NULL && strcmp(found->pw_name, wanted->user) == 0;
        if ((count == 0 || exact) && !directory_local(found, out)) {
            return 0;
        }
        count++;
        if (exact || (wanted->user == NULL && wanted->display == NULL)) {
            return 1;
        }
    }
    return count;
}

static bool is_this_machine(const char *domain)
{
    const struct machine_names *machine = NULL;
    AUTO_FREE char *own = NULL;
    return strcmp(domain, ".") == 0 ||
           (names_of_this_machine(&machine) >= 0 && utf16_to_utf8(machine->netbios_computer, &own, NULL) >= 0 &&
            strcasecmp(domain, own) == 0);
}

static enum directory_answer find_local(const char *user, struct directory_entry *out)
{
    struct directory_entry found = {.kind = DIRECTORY_DOMAIN, .local = true};
    const struct wanted wanted = {.user = user};
    if (user[0] == '\0') {
        char none[] = "";
        const struct passwd nobody = {.pw_name = none};
        if (!directory_local(&nobody, &found)) {
            return DIRECTORY_NO_ACCOUNT;
        }
        found.kind = DIRECTORY_DOMAIN;
    } else if (in_passwd(&wanted, &found) != 1) {
        struct directory_question question = {.subject = BY_LOGIN};
        bool asked = strlen(user) < DIRECTORY_TEXT && directory_text(question.name, sizeof question.name, user);
        if (!asked || directory_ask(&question, &found) != DIRECTORY_FOUND) {
            return DIRECTORY_NO_ACCOUNT;
        }
    }
    *out = found;
    return DIRECTORY_FOUND;
}

/* ---------------------------------------------------------------- questions */

/* Where winbindd does not know the domain, another source may. */
static enum directory_answer answer_name(const struct directory_winbind *winbind,
                                         const struct directory_question *question, struct directory_entry *out)
{
    enum directory_answer answer = DIRECTORY_NO_DOMAIN;
    bool upn = question->subject == BY_UPN;
    if (winbind->context != NULL) {
        answer = upn ? directory_winbind_upn(winbind, question->name, out)
                     : directory_winbind_name(winbind, question->domain, question->name, out);
    }
    if (answer != DIRECTORY_NO_DOMAIN) {
        return answer;
    }
    return upn ? directory_nss_upn(question->name, out) : directory_nss_name(question->domain, question->name, out);
}

enum directory_answer directory_answer(const struct directory_question *question, struct directory_entry *out)
{
    AUTO(directory_winbind_close) struct directory_winbind winbind = {.context = NULL};
    bool there = directory_winbind_open(&winbind);
    switch (question->subject) {
    case BY_UID:
        return directory_nss_uid(&winbind, question->uid, out);
    case BY_LOGIN:
        return directory_nss_login(&winbind, question->name, out);
    case BY_NAME:
    case BY_UPN:
        return answer_name(&winbind, question, out);
    case BY_DISPLAY:
        return there ? directory_winbind_display(&winbind, question->name, out) : DIRECTORY_NO_DOMAIN;
    case BY_SID:
        return there ? directory_winbind_sid(&winbind, question->name, out) : DIRECTORY_NO_DOMAIN;
    case OF_COMPUTER:
        return there ? directory_winbind_computer(&winbind, out) : DIRECTORY_NO_DOMAIN;
    }
    return DIRECTORY_NO_DOMAIN;
}

enum directory_answer directory_login(uid_t uid, struct directory_entry *out)
{
    struct directory_question question = {.subject = BY_UID, .uid = uid};
    return in_passwd(&(struct wanted){.uid = uid}, out) != 0 ? DIRECTORY_FOUND : directory_ask(&question, out);
}

enum directory_answer directory_find(const char *domain, const char *user, struct directory_entry *out)
{
    struct directory_question question = {.subject = BY_NAME};
    if (is_this_machine(domain)) {
        return find_local(user, out);
    }
    if (domain[0] == '\0' || !directory_text(question.domain, sizeof question.domain, domain) ||
        strlen(user) >= DIRECTORY_TEXT || !directory_text(question.name, sizeof question.name, user)) {
        return DIRECTORY_NO_ACCOUNT;
    }
    return directory_ask(&question, out);
}

enum directory_answer directory_find_upn(const char *upn, struct directory_entry *out)
{
    struct directory_question question = {.subject = BY_UPN};
    if (strchr(upn, '@') == NULL || !directory_text(question.name, sizeof question.name, upn)) {
        return DIRECTORY_NO_ACCOUNT;
    }
    return directory_ask(&question, out);
}

enum directory_answer directory_find_display(const char *display, struct directory_entry *out)
{
    struct directory_question question = {.subject = BY_DISPLAY};
    struct directory_entry local = {.kind = DIRECTORY_USER}, elsewhere = {.kind = DIRECTORY_USER};
    if (display[0] == '\0' || !directory_text(question.name, sizeof question.name, display)) {
        return DIRECTORY_NO_ACCOUNT;
    }
    unsigned count = in_passwd(&(struct wanted){.display = display}, &local);
    if (directory_ask(&question, &elsewhere) == DIRECTORY_FOUND) {
        local = elsewhere;
        count++;
    }
    if (count != 1) {
        return DIRECTORY_NO_ACCOUNT;
    }
    *out = local;
    return DIRECTORY_FOUND;
}

enum directory_answer directory_find_sid(const char *sid, struct directory_entry *out)
{
    struct directory_question question = {.subject = BY_SID};
    return directory_text(question.name, sizeof question.name, sid) ? directory_ask(&question, out)
                                                                    : DIRECTORY_NO_ACCOUNT;
}

enum directory_answer directory_computer(struct directory_entry *out)
{
    return directory_ask(&(struct directory_question){.subject = OF_COMPUTER}, out);
}
