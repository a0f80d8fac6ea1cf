/* What a KDC says of a client in a PAC: no crash; every name lies within the buffer, and every SID is one. */
#include "fuzz/fuzz.h"

#include "kerberos/pac.h"
#include "text/sid.h"

static void inside(struct bytes input, struct bytes slice)
{
    PROMISE(slice.size == 0 || (slice.data >= input.data && slice.size <= input.size &&
                                (size_t)(slice.data - input.data) <= input.size - slice.size));
}

static void logon(struct bytes input)
{
    struct pac_logon logon;
    char text[SID_TEXT_MAX];
    struct bytes list, sid;
    uint32_t attributes;
    if (pac_logon_parse(input, &logon) != SEC_E_OK) {
        return;
    }
    inside(input, utf16_bytes(logon.user));
    inside(input, utf16_bytes(logon.domain));
    inside(input, logon.groups);
    inside(input, logon.extra);
    inside(input, logon.extra_sids);
    inside(input, logon.resource_groups);
    AUTO_WRITER sids = write_growing(1 << 20);
    if (pac_logon_sids(&logon, &sids) == SEC_E_OK) {
        list = write_result(&sids);
        while (sid_list_next(&list, &attributes, &sid)) {
            sid_text(sid, text);
            PROMISE(text[0] == 'S');
        }
        PROMISE(list.size == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of(data, size);
    struct pac_upn names;
    logon(input);
    if (pac_upn_parse(input, &names) == SEC_E_OK) {
        inside(input, utf16_bytes(names.upn));
        inside(input, utf16_bytes(names.dns_domain));
    }
    return 0;
}
