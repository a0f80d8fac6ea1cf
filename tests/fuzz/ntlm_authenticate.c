/* AUTHENTICATE: no crash; a message that parses is built again into one that means the same. */
#include "fuzz/fuzz.h"

#include "ntlm/authenticate.h"

static bool same(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ntlm_authenticate first, second;
    if (ntlm_authenticate_parse(bytes_of(data, size), &first) != SEC_E_OK) {
        return 0;
    }
    PROMISE(first.mic_offset == 0 || first.mic_offset + 16 <= size);
    AUTO_WRITER out = write_growing(1 << 20);
    ntlm_authenticate_build(&first, &out);
    PROMISE(write_end(&out) == SEC_E_OK);
    PROMISE(ntlm_authenticate_parse(write_result(&out), &second) == SEC_E_OK);
    PROMISE(first.flags == second.flags && first.mic_offset == second.mic_offset);
    PROMISE(same(first.lm_response, second.lm_response) && same(first.nt_response, second.nt_response));
    PROMISE(same(first.domain, second.domain) && same(first.user, second.user));
    PROMISE(same(first.workstation, second.workstation));
    PROMISE(same(first.encrypted_session_key, second.encrypted_session_key));
    return 0;
}
