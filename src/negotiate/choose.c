#include "negotiate/choose.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/auto.h"
#include "logon/machine.h"
#include "text/names.h"

static bool is_name(struct utf16 entry, const char *package)
{
    return package_find(entry) != NULL && package_find(entry) == package_find_utf8(package);
}

static struct utf16 trimmed(struct utf16 entry)
{
    while (entry.size != 0 && utf16_unit(entry, 0) == ' ') {
        entry = utf16_tail(entry, 1);
    }
    while (entry.size != 0 && utf16_unit(entry, utf16_length(entry) - 1) == ' ') {
        entry = utf16_head(entry, utf16_length(entry) - 1);
    }
    return entry;
}

bool choose_allowed(struct utf16 list, const char *package)
{
    bool named = false;
    bool any_named = false;
    while (list.size != 0) {
        size_t comma = utf16_find(list, ',');
        struct utf16 entry = trimmed(comma == SIZE_MAX ? list : utf16_head(list, comma));
        list = comma == SIZE_MAX ? UTF16_NONE : utf16_tail(list, comma + 1);
        if (entry.size == 0) {
            continue;
        }
        if (utf16_unit(entry, 0) == '!') {
            if (is_name(trimmed(utf16_tail(entry, 1)), package)) {
                return false;
            }
            continue;
        }
        any_named = true;
        named = named || is_name(entry, package);
    }
    return named || !any_named;
}

static bool hinted(const struct neg_token *hint, const struct mech *mech)
{
    for (size_t i = 0; i < hint->mech_count; i++) {
        if (mech_find(&hint->mechs[i]) == mech) {
            return true;
        }
    }
    return false;
}

enum { PLAIN = 1, USER_TO_USER = 2 };

/* Adds those of the kinds `which`, in the table's order. */
static size_t add_offers(const struct negotiate_credential *credential, const struct neg_token *hint, unsigned which,
                         size_t count, const struct mech *out[MECH_COUNT])
{
    for (size_t i = 0; i < MECH_COUNT; i++) {
        const struct mech *mech = &mechs[i];
        bool wanted = (which & (mech->user_to_user ? USER_TO_USER : PLAIN)) != 0;
        if (wanted && negotiate_part(credential, mech->package) != NULL && (hint == NULL || hinted(hint, mech))) {
            out[count] = mech;
            count++;
        }
    }
    return count;
}

size_t choose_offer(const struct negotiate_credential *credential, const struct neg_token *hint, enum choose_user user,
                    const struct mech *out[MECH_COUNT])
{
    size_t count = user == CHOOSE_USER_FIRST ? add_offers(credential, hint, USER_TO_USER, 0, out) : 0;
    count = add_offers(credential, hint, user == CHOOSE_USER_TOO ? PLAIN | USER_TO_USER : PLAIN, count, out);
    return count == 0 && hint != NULL ? choose_offer(credential, NULL, user, out) : count;
}

/* ---------------------------------------------------------------- the target, the user */

static bool is_text(struct utf16 text, const char *ascii)
{
    size_t length = 0;
    for (; ascii[length] != '\0'; length++) {
        uint16_t unit = length < utf16_length(text) ? utf16_unit(text, length) : 0;
        if ((unit >= 'A' && unit <= 'Z' ? unit + ('a' - 'A') : unit) != (uint8_t)ascii[length]) {
            return false;
        }
    }
    return length == utf16_length(text);
}

static SECURITY_STATUS is_address(struct utf16 host, bool *out)
{
    AUTO_FREE char *text = NULL;
    struct in6_addr address;
    TRY(utf16_to_utf8(host, &text, NULL));
    char *zone = strchr(text, '%');
    if (zone != NULL) {
        *zone = '\0';
    }
    *out = inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
    return SEC_E_OK;
}

static SECURITY_STATUS is_this_machine(struct utf16 host, bool *out)
{
    const struct machine_names *names;
    TRY(names_of_this_machine(&names));
    *out = is_text(host, "localhost") || utf16_equal_nocase(host, names->netbios_computer) ||
           utf16_equal_nocase(host, names->dns_computer);
    return SEC_E_OK;
}

/* May a third party know it? */
static SECURITY_STATUS is_known_elsewhere(struct utf16 target, bool *out)
{
    struct utf16 host = names_spn_host(target);
    bool address = false, local = false;
    if (host.size != 0) {
        TRY(is_address(host, &address));
        TRY(is_this_machine(host, &local));
    }
    *out = host.size != 0 && !address && !local;
    return SEC_E_OK;
}

SECURITY_STATUS choose_order(struct utf16 target, const struct mech *offered[MECH_COUNT], size_t count,
                             size_t *out_suited)
{
    const struct mech *unsuited[MECH_COUNT];
    size_t kept = 0, behind = 0;
    bool known = false;
    TRY(is_known_elsewhere(target, &known));
    for (size_t i = 0; i < count; i++) {
        bool named = offered[i]->user_to_user && target.size != 0; /* a user, wherever he is */
        if (known || named || !offered[i]->third_party) {
            offered[kept++] = offered[i];
        } else {
            unsuited[behind++] = offered[i];
        }
    }
    for (size_t i = 0; i < behind; i++) {
        offered[kept + i] = unsuited[i];
    }
    *out_suited = kept != 0 ? kept : count;
    return SEC_E_OK;
}

SECURITY_STATUS choose_local_account(struct utf16 user, struct utf16 domain, bool *out)
{
    const struct machine_names *names;
    struct account_name name = names_split(user, domain);
    TRY(names_of_this_machine(&names));
    *out = is_text(name.domain, ".") ||
           (name.domain.size != 0 && utf16_equal_nocase(name.domain, names->netbios_computer));
    return SEC_E_OK;
}
