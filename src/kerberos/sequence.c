#include "kerberos/sequence.h"

void sequence_start(struct sequence *sequence, uint64_t first, bool wide, bool in_order, bool only_once)
{
    *sequence = (struct sequence){
        .next = first, .mask = wide ? UINT64_MAX : UINT32_MAX, .in_order = in_order, .only_once = only_once};
}

/* How far behind `next` a number lies; numbers ahead of it come out as those far behind. */
static uint64_t behind(const struct sequence *sequence, uint64_t number)
{
    return (sequence->next - number) & sequence->mask;
}

static bool is_ahead(const struct sequence *sequence, uint64_t number)
{
    uint64_t distance = behind(sequence, number);
    return distance == 0 || distance > sequence->mask / 2;
}

SECURITY_STATUS sequence_check(const struct sequence *sequence, uint64_t number)
{
    if (!sequence->in_order && !sequence->only_once) {
        return SEC_E_OK;
    }
    uint64_t distance = behind(sequence, number);
    REQUIRE(!sequence->in_order || distance == 0, SEC_E_OUT_OF_SEQUENCE,
            "a message is missing, comes twice or comes late: this is not the next one (RFC 4121 4.2.2)");
    if (is_ahead(sequence, number)) {
        return SEC_E_OK;
    }
    REQUIRE(distance <= SEQUENCE_WINDOW, SEC_E_OUT_OF_SEQUENCE,
            "a message so old that a replay could not be told (RFC 2743 1.2.3)");
    REQUIRE((sequence->seen >> (distance - 1) & 1) == 0, SEC_E_OUT_OF_SEQUENCE,
            "a message that was received before (RFC 2743 1.2.3)");
    return SEC_E_OK;
}

void sequence_accept(struct sequence *sequence, uint64_t number)
{
    if (!is_ahead(sequence, number)) {
        uint64_t distance = behind(sequence, number);
        sequence->seen |= distance <= SEQUENCE_WINDOW ? UINT64_C(1) << (distance - 1) : 0;
        return;
    }
    uint64_t step = ((number - sequence->next) & sequence->mask) + 1;
    sequence->seen = step >= SEQUENCE_WINDOW ? 1 : sequence->seen << step | 1;
    sequence->next = (number + 1) & sequence->mask;
}
