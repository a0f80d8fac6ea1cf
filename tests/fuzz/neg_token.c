/* SPNEGO's tokens: no crash; a token that parses is built again into one that means the same. */
#include "fuzz/fuzz.h"

#include "negotiate/mech.h"
#include "negotiate/neg_token.h"

static bool same(struct bytes a, struct bytes b)
{
    return (a.data == NULL) == (b.data == NULL) && a.size == b.size &&
           (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_NEG_TOKEN first = {.owner = NULL};
    AUTO_NEG_TOKEN second = {.owner = NULL};
    (void)mech_of_raw_token(bytes_of(data, size));
    if (neg_token_parse(bytes_of(data, size), &first) != SEC_E_OK) {
        return 0;
    }
    if (first.has_mech && first.mech.size == 0) {
        first.has_mech = false; /* longer than what is kept */
    }
    if (first.kind != NEG_TOKEN_RESP) {
        first.mic = BYTES_NONE; /* read, and never written */
        if (first.kind == NEG_TOKEN_INIT2 && first.hint_name.data == NULL) {
            first.kind = NEG_TOKEN_INIT;
        }
    }
    AUTO_WRITER out = write_growing(1 << 20);
    PROMISE(neg_token_build(&first, &out) == SEC_E_OK);
    PROMISE(neg_token_parse(write_result(&out), &second) == SEC_E_OK);
    PROMISE(first.kind == second.kind && first.mech_count == second.mech_count);
    PROMISE(memcmp(first.mechs, second.mechs, sizeof first.mechs) == 0);
    PROMISE(first.has_state == second.has_state && (!first.has_state || first.state == second.state));
    PROMISE(first.has_mech == second.has_mech && (!first.has_mech || first.mech.size == second.mech.size));
    PROMISE(same(first.mech_types, second.mech_types) && same(first.token, second.token));
    PROMISE(same(first.mic, second.mic) && same(first.hint_name, second.hint_name));
    return 0;
}
