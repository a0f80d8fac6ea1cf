#include "text/names.h"

struct account_name names_split(struct utf16 user, struct utf16 domain)
{
    size_t backslash = domain.size == 0 ? utf16_find(user, '\\') : SIZE_MAX;
    if (backslash == SIZE_MAX) {
        return (struct account_name){user, domain};
    }
    return (struct account_name){utf16_tail(user, backslash + 1), utf16_head(user, backslash)};
}

struct account_name names_split_upn(struct utf16 user, struct utf16 domain)
{
    struct account_name name = names_split(user, domain);
    size_t sign = name.domain.size == 0 ? utf16_find_last(name.user, '@') : SIZE_MAX;
    if (sign == SIZE_MAX) {
        return name;
    }
    return (struct account_name){utf16_head(user, sign), utf16_tail(user, sign + 1)};
}

struct utf16 names_spn_host(struct utf16 spn)
{
    size_t slash = utf16_find(spn, '/');
    struct utf16 host = slash == SIZE_MAX ? spn : utf16_tail(spn, slash + 1);
    if (host.size != 0 && utf16_unit(host, 0) == '/') { /* scheme://host */
        host = utf16_tail(host, 1);
    }
    size_t end = utf16_find(host, '/');
    if (end != SIZE_MAX) {
        host = utf16_head(host, end);
    }
    if (host.size != 0 && utf16_unit(host, 0) == '[') { /* [IPv6]:port */
        size_t bracket = utf16_find(host, ']');
        return bracket == SIZE_MAX ? host : utf16_head(utf16_tail(host, 1), bracket - 1);
    }
    size_t colon = utf16_find(host, ':');
    bool one_colon = colon != SIZE_MAX && utf16_find_last(host, ':') == colon; /* more than one: a bare IPv6 address */
    return one_colon ? utf16_head(host, colon) : host;
}
