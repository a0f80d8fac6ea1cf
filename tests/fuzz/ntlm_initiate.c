/* The client's second leg, fed with a CHALLENGE that is spoilt, or anything at all.
 *
 * Promises: an untouched CHALLENGE is answered and the answer is accepted; whatever is answered is a well-formed
 * AUTHENTICATE that fits the buffer; a context that has failed stays failed.
 */
#include "fuzz/exchange.h"

#include "ntlm/authenticate.h"

enum { RAW = 1, BINDINGS = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tape tape = {data, size};
    struct pair *pair = exchange_pair();
    struct pair_token negotiate, challenge, answer, last;
    unsigned char bindings[64];
    uint8_t mode = tape_u8(&tape);
    ULONG flags = exchange_client_flags(tape_u8(&tape));
    exchange_believes_all = false;
    PROMISE(pair_client_leg(pair, flags, NULL, &negotiate) == SEC_I_CONTINUE_NEEDED);
    PROMISE(pair_server_leg(pair, 0, &negotiate, &challenge) == SEC_I_CONTINUE_NEEDED);
    bool touched = true;
    if ((mode & RAW) != 0) {
        challenge.size = (ULONG)tape_take(&tape, challenge.data, tape_u16(&tape) % (sizeof challenge.data + 1));
    } else {
        size_t left = challenge.size;
        touched = tape_spoil(&tape, challenge.data, &left);
        challenge.size = (ULONG)left;
    }
    if ((mode & BINDINGS) != 0) {
        exchange_bindings(&tape, pair, bindings);
    }
    SECURITY_STATUS status = pair_client_leg(pair, flags, &challenge, &answer);
    if (status == SEC_E_OK) {
        struct ntlm_authenticate parsed;
        PROMISE(ntlm_authenticate_parse(bytes_of(answer.data, answer.size), &parsed) == SEC_E_OK);
        PROMISE(parsed.user.size == 8 || (parsed.flags & NTLM_UNICODE) == 0);
        status = pair_server_leg(pair, 0, &answer, &last);
        PROMISE(touched || pair->bindings != NULL || (status == SEC_E_OK && last.size == 0));
    } else {
        PROMISE(status < 0 && (touched || pair->bindings != NULL));
        PROMISE(pair_client_leg(pair, flags, &challenge, &answer) == SEC_E_OUT_OF_SEQUENCE);
    }
    PROMISE(pair_reset(pair));
    return 0;
}
