/* CHALLENGE: no crash; a message that parses is built again into one that means the same; its pairs are walked. */
#include "fuzz/fuzz.h"

#include "ntlm/av_pairs.h"
#include "ntlm/challenge.h"

static bool same(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ntlm_challenge first, second;
    struct ntlm_av_pairs pairs;
    if (ntlm_challenge_parse(bytes_of(data, size), &first) != SEC_E_OK) {
        return 0;
    }
    AUTO_WRITER out = write_growing(1 << 18);
    ntlm_challenge_build(&first, &out);
    PROMISE(write_end(&out) == SEC_E_OK);
    PROMISE(ntlm_challenge_parse(write_result(&out), &second) == SEC_E_OK);
    PROMISE(first.flags == second.flags);
    PROMISE(memcmp(first.server_challenge, second.server_challenge, 8) == 0);
    PROMISE(same(first.target_name, second.target_name) && same(first.target_info, second.target_info));
    if (ntlm_av_pairs_parse(first.target_info, &pairs) == SEC_E_OK) {
        PROMISE(pairs.size <= first.target_info.size);
    }
    return 0;
}
