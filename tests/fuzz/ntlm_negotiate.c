/* NEGOTIATE: no crash; a message that parses is built again into one that means the same. */
#include "fuzz/fuzz.h"

#include "ntlm/negotiate.h"

static bool same(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ntlm_negotiate first, second;
    if (ntlm_negotiate_parse(bytes_of(data, size), &first) != SEC_E_OK) {
        return 0;
    }
    AUTO_WRITER out = write_growing(1 << 18);
    ntlm_negotiate_build(&first, &out);
    PROMISE(write_end(&out) == SEC_E_OK);
    PROMISE(ntlm_negotiate_parse(write_result(&out), &second) == SEC_E_OK);
    PROMISE(first.flags == second.flags);
    PROMISE(same(first.domain, second.domain) && same(first.workstation, second.workstation));
    return 0;
}
