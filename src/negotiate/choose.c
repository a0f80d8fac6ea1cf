#include "negotiate/choose.h"

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

size_t choose_offer(const struct negotiate_credential *credential, const struct neg_token *hint,
                    const struct mech *out[MECH_COUNT])
{
    size_t count = 0;
    for (size_t i = 0; i < MECH_COUNT; i++) {
        if (negotiate_part(credential, mechs[i].package) != NULL && (hint == NULL || hinted(hint, &mechs[i]))) {
            out[count] = &mechs[i];
            count++;
        }
    }
    return count == 0 && hint != NULL ? choose_offer(credential, NULL, out) : count;
}
