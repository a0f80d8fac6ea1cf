#include "core/met.h"

#include <string.h>

#include "logon/process.h"
#include "wire/writer.h"

#define KEPT 16

static struct met_names kept[KEPT]; /* under the process lock, like `next` */
static size_t next;

static bool put(uint8_t *room, size_t size, struct utf16 text, uint16_t *out_size)
{
    struct writer writer = write_into(room, size);
    write_bytes(&writer, utf16_bytes(text));
    *out_size = (uint16_t)text.size;
    return !writer.bad;
}

static struct utf16 user_of(const struct met_names *names)
{
    return (struct utf16){names->user, names->user_size};
}

static bool is_in(const struct met_names *names, struct utf16 domain)
{
    return utf16_equal_nocase((struct utf16){names->domain, names->domain_size}, domain) ||
           (names->dns_domain_size != 0 &&
            utf16_equal_nocase((struct utf16){names->dns_domain, names->dns_domain_size}, domain));
}

void met_remember(struct utf16 user, struct utf16 domain, struct utf16 upn, struct utf16 dns_domain)
{
    struct met_names names = {.user_size = 0};
    if (user.size == 0 || !put(names.user, sizeof names.user, user, &names.user_size) ||
        !put(names.domain, sizeof names.domain, domain, &names.domain_size) ||
        !put(names.upn, sizeof names.upn, upn, &names.upn_size) ||
        !put(names.dns_domain, sizeof names.dns_domain, dns_domain, &names.dns_domain_size)) {
        return;
    }
    PROCESS_LOCKED;
    for (size_t i = 0; i < KEPT; i++) { /* what is said last holds */
        if (kept[i].user_size != 0 && utf16_equal_nocase(user_of(&kept[i]), user) && is_in(&kept[i], domain)) {
            kept[i] = names;
            return;
        }
    }
    kept[next] = names;
    next = (next + 1) % KEPT;
}

bool met_find(struct utf16 user, struct utf16 domain, struct met_names *out)
{
    PROCESS_LOCKED;
    for (size_t i = 0; i < KEPT; i++) {
        if (kept[i].user_size != 0 && utf16_equal_nocase(user_of(&kept[i]), user) && is_in(&kept[i], domain)) {
            *out = kept[i];
            return true;
        }
    }
    return false;
}

bool met_find_upn(struct utf16 upn, struct met_names *out)
{
    PROCESS_LOCKED;
    for (size_t i = 0; i < KEPT; i++) {
        if (kept[i].upn_size != 0 && utf16_equal_nocase((struct utf16){kept[i].upn, kept[i].upn_size}, upn)) {
            *out = kept[i];
            return true;
        }
    }
    return false;
}
