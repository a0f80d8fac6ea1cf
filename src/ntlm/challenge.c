#include "ntlm/challenge.h"

#include <string.h>

#include "ntlm/header.h"

#define SIZE_OLD         32 /* ends with the challenge */
#define SIZE_TARGET_INFO 48 /* with TargetInfoFields */
#define SIZE_VERSION     56 /* with VERSION */

static const char malformed[] = "NTLM CHALLENGE: malformed message (MS-NLMP 2.2.1.2)";

SECURITY_STATUS ntlm_challenge_parse(struct bytes message, struct ntlm_challenge *out)
{
    struct reader reader = read_start(message);
    struct ntlm_challenge parsed = {0};
    size_t payload_start = message.size;

    ntlm_header_read(&reader, NTLM_MESSAGE_CHALLENGE);
    /* The flags, which say what every field is worth, come behind the first field. */
    struct reader ahead = reader;
    (void)read_bytes(&ahead, 8);
    parsed.flags = read_u32le(&ahead);
    size_t fixed_size = (parsed.flags & NTLM_TARGET_INFO) != 0 ? SIZE_TARGET_INFO : SIZE_OLD;
    /* Read without REQUEST_TARGET too: the specification's own examples (4.2.2.3) carry a name without it. */
    parsed.target_name = ntlm_field_read(&reader, fixed_size, &payload_start);
    ntlm_name_check(&reader, parsed.flags, parsed.target_name);
    (void)read_u32le(&reader);
    struct bytes challenge = read_bytes(&reader, sizeof parsed.server_challenge);
    if ((parsed.flags & NTLM_TARGET_INFO) != 0) {
        (void)read_bytes(&reader, 8); /* Reserved */
        parsed.target_info = ntlm_field_read(&reader, fixed_size, &payload_start);
    }
    TRY(read_end_lax(&reader, malformed)); /* the payload is reached by offsets */
    REQUIRE((parsed.flags & (NTLM_UNICODE | NTLM_OEM)) != 0, SEC_E_INVALID_TOKEN,
            "NTLM CHALLENGE: neither UNICODE nor OEM was chosen (MS-NLMP 2.2.2.5)");
    memcpy(parsed.server_challenge, challenge.data, sizeof parsed.server_challenge);
    if ((parsed.flags & NTLM_VERSION) != 0 && payload_start >= SIZE_VERSION) {
        struct reader version = read_start(read_at(&reader, SIZE_TARGET_INFO, SIZE_VERSION - SIZE_TARGET_INFO));
        parsed.version = ntlm_version_read(&version);
        parsed.has_version = !version.bad;
    }
    *out = parsed;
    return SEC_E_OK;
}

void ntlm_challenge_build(const struct ntlm_challenge *message, struct writer *out)
{
    write_reserve(out, SIZE_VERSION + message->target_name.size + message->target_info.size);
    ntlm_header_write(out, NTLM_MESSAGE_CHALLENGE);
    struct writer_slot target_name = write_field(out);
    write_u32le(out, message->flags);
    write_bytes(out, BYTES(message->server_challenge));
    write_zeros(out, 8);
    struct writer_slot target_info = write_field(out);
    ntlm_version_write(out, message->has_version, message->version);
    write_payload(out, target_name, message->target_name);
    write_payload(out, target_info, message->target_info);
}
