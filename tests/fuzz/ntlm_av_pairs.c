/* AV_PAIR lists: no crash; a list that parses, copied pair by pair, parses to the same. */
#include "fuzz/fuzz.h"

#include "ntlm/av_pairs.h"

static bool same(struct bytes a, struct bytes b)
{
    return (a.data == NULL) == (b.data == NULL) && a.size == b.size &&
           (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ntlm_av_pairs first, second;
    AUTO_WRITER out = write_growing(1 << 20);
    size_t at = 0;
    uint16_t id;
    struct bytes value;
    bool good = ntlm_av_pairs_parse(bytes_of(data, size), &first) == SEC_E_OK;
    while (ntlm_av_next(bytes_of(data, size), &at, &id, &value)) { /* damaged lists are walked too */
        ntlm_av_write(&out, id, value);
    }
    ntlm_av_write_end(&out);
    if (!good || size == 0) {
        return 0;
    }
    PROMISE(write_end(&out) == SEC_E_OK && out.size == first.size);
    PROMISE(ntlm_av_pairs_parse(write_result(&out), &second) == SEC_E_OK);
    PROMISE(same(first.nb_computer, second.nb_computer) && same(first.nb_domain, second.nb_domain));
    PROMISE(same(first.dns_computer, second.dns_computer) && same(first.dns_domain, second.dns_domain));
    PROMISE(same(first.dns_tree, second.dns_tree) && same(first.single_host, second.single_host));
    PROMISE(same(first.target_name, second.target_name) && same(first.channel_bindings, second.channel_bindings));
    PROMISE(first.flags == second.flags && first.timestamp == second.timestamp);
    return 0;
}
