/* What Kerberos' peers send before a session stands: no crash; what parses is built again into what means the same. */
#include "fuzz/fuzz.h"

#include "kerberos/ap_messages.h"

static bool same(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static void token(struct bytes input)
{
    struct ap_token first, second;
    if (ap_token_parse(input, &first) == SEC_E_OK) {
        AUTO_WRITER out = write_growing(1 << 20);
        ap_token_build(&first, &out);
        PROMISE(write_end(&out) == SEC_E_OK);
        PROMISE(ap_token_parse(write_result(&out), &second) == SEC_E_OK);
        PROMISE(first.kind == second.kind && first.framed == second.framed && same(first.body, second.body));
        PROMISE(first.user_to_user == second.user_to_user);
    }
}

static void checksum(struct bytes input)
{
    struct ap_checksum first, second;
    if (ap_checksum_parse(input, &first) == SEC_E_OK) {
        AUTO_WRITER out = write_growing(1 << 20);
        ap_checksum_build(&first, &out);
        PROMISE(write_end(&out) == SEC_E_OK);
        PROMISE(ap_checksum_parse(write_result(&out), &second) == SEC_E_OK);
        PROMISE(first.flags == second.flags && same(first.bindings, second.bindings));
        PROMISE(same(first.credentials, second.credentials));
    }
}

static void user_to_user(struct bytes input)
{
    struct tgt_request first, second;
    struct bytes ticket, again;
    if (ap_request_ticket(input, &ticket) == SEC_E_OK) {
        PROMISE(ticket.data >= input.data && ticket.data + ticket.size <= input.data + input.size);
    }
    if (tgt_request_parse(input, &first) == SEC_E_OK) {
        AUTO_WRITER out = write_growing(1 << 20);
        PROMISE(tgt_request_build(&first, &out) == SEC_E_OK);
        PROMISE(tgt_request_parse(write_result(&out), &second) == SEC_E_OK);
        PROMISE(first.name_count == second.name_count && same(first.realm, second.realm));
        for (size_t i = 0; i < first.name_count; i++) {
            PROMISE(same(first.names[i], second.names[i]));
        }
    }
    if (tgt_reply_parse(input, &ticket) == SEC_E_OK) {
        AUTO_WRITER out = write_growing(1 << 20);
        PROMISE(tgt_reply_build(ticket, &out) == SEC_E_OK);
        PROMISE(tgt_reply_parse(write_result(&out), &again) == SEC_E_OK && same(ticket, again));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    token(bytes_of(data, size));
    checksum(bytes_of(data, size));
    user_to_user(bytes_of(data, size));
    return 0;
}
