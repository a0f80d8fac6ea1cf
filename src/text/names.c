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
    return (struct account_name){utf16_head(name.user, sign), utf16_tail(name.user, sign + 1)};
}

/* host:port, [IPv6]:port, or a bare IPv6 address, which has more than one colon. */
static struct utf16 without_port(struct utf16 host)
{
    if (host.size != 0 && utf16_unit(host, 0) == '[') {
        size_t bracket = utf16_find(host, ']');
        return bracket == SIZE_MAX ? host : utf16_head(utf16_tail(host, 1), bracket - 1);
    }
    size_t colon = utf16_find(host, ':');
    bool port = colon != SIZE_MAX && utf16_find_last(host, ':') == colon;
    return port ? utf16_head(host, colon) : host;
}

struct utf16 names_spn_host(struct utf16 spn)
{
    size_t slash = utf16_find(spn, '/');
    struct utf16 host = slash == SIZE_MAX ? spn : utf16_tail(spn, slash + 1);
    bool url = host.size != 0 && slash != SIZE_MAX && utf16_unit(host, 0) == '/';
    if (url) {
        host = utf16_tail(host, 1);
    }
    size_t end = utf16_find(host, '/');
    if (end != SIZE_MAX) {
        host = utf16_head(host, end);
    }
    size_t sign = slash == SIZE_MAX ? SIZE_MAX : utf16_find_last(host, '@');
    if (sign != SIZE_MAX) { /* scheme://user@host, but service/host@REALM */
        host = url ? utf16_tail(host, sign + 1) : utf16_head(host, sign);
    }
    return without_port(host);
}
