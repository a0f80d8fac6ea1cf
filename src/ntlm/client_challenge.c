#include "ntlm/client_challenge.h"

#include "wire/reader.h"

#define HEADER_SIZE  28
#define TRAILER_SIZE 4

SECURITY_STATUS ntlm_client_challenge_parse(struct bytes temp, struct ntlm_client_challenge *out)
{
    struct reader reader = read_start(temp);
    struct ntlm_client_challenge found;
    uint8_t type = read_u8(&reader);
    uint8_t high_type = read_u8(&reader);
    (void)read_bytes(&reader, 6);
    found.timestamp = read_u64le(&reader);
    struct writer challenge = write_into(found.challenge, sizeof found.challenge);
    write_bytes(&challenge, read_bytes(&reader, sizeof found.challenge));
    (void)read_u32le(&reader);
    struct bytes list = read_bytes(&reader, read_left(&reader));
    TRY(read_end(&reader, "NTLMv2 response: shorter than its header (MS-NLMP 2.2.2.7)"));
    REQUIRE(type == 1 && high_type == 1, SEC_E_INVALID_TOKEN, "NTLMv2 response: RespType is not 1 (MS-NLMP 2.2.2.7)");
    TRY(ntlm_av_pairs_parse(list, &found.pairs));
    *out = found;
    return SEC_E_OK;
}

void ntlm_client_challenge_build(const struct ntlm_client_pairs *pairs, struct writer *out)
{
    write_u8(out, 1);
    write_u8(out, 1);
    write_zeros(out, 6);
    write_u64le(out, pairs->timestamp);
    write_bytes(out, BYTES(pairs->challenge));
    write_zeros(out, 4);

    /* A pair we write ourselves is not copied: gss-ntlmssp's CHALLENGE already holds an MsvAvFlags of 0. */
    size_t at = 0;
    uint16_t id;
    struct bytes value;
    while (ntlm_av_next(pairs->server_pairs, &at, &id, &value)) {
        if (id != MsvAvFlags && id != MsvAvChannelBindings && id != MsvAvTargetName) {
            ntlm_av_write(out, id, value);
        }
    }
    if (pairs->av_flags != 0) {
        ntlm_av_write_u32(out, MsvAvFlags, pairs->av_flags);
    }
    ntlm_av_write(out, MsvAvChannelBindings, pairs->channel_bindings);
    ntlm_av_write(out, MsvAvTargetName, pairs->target_name);
    ntlm_av_write_end(out);
    write_zeros(out, TRAILER_SIZE);
}
