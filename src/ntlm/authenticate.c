#include "ntlm/authenticate.h"

#include "ntlm/header.h"

#define SIZE_FIXED           64 /* up to and with the flags */
#define SIZE_VERSION         72 /* with VERSION */
#define SIZE_MIC_ALONE       80 /* without VERSION, with the MIC */
#define SIZE_VERSION_AND_MIC 88 /* with both */

static const char malformed[] = "NTLM AUTHENTICATE: malformed message (MS-NLMP 2.2.1.3)";

/* VERSION and MIC are there if the payload leaves room for them; no flag tells (see the header). */
static void place_trailer(struct reader *reader, size_t payload_start, struct ntlm_authenticate *parsed)
{
    bool version_reserved = payload_start >= SIZE_VERSION;
    if (payload_start >= SIZE_VERSION_AND_MIC) {
        parsed->mic_offset = SIZE_VERSION;
    } else if (payload_start >= SIZE_MIC_ALONE) {
        parsed->mic_offset = SIZE_FIXED;
        version_reserved = false;
    }
    if (version_reserved && (parsed->flags & NTLM_VERSION) != 0) {
        parsed->version = ntlm_version_read(reader);
        parsed->has_version = true;
    }
}

SECURITY_STATUS ntlm_authenticate_parse(struct bytes message, struct ntlm_authenticate *out)
{
    struct reader reader = read_start(message);
    struct ntlm_authenticate parsed = {0};
    size_t payload_start = message.size;

    ntlm_header_read(&reader, NTLM_MESSAGE_AUTHENTICATE);
    parsed.lm_response = ntlm_field_read(&reader, SIZE_FIXED, &payload_start);
    parsed.nt_response = ntlm_field_read(&reader, SIZE_FIXED, &payload_start);
    parsed.domain = ntlm_field_read(&reader, SIZE_FIXED, &payload_start);
    parsed.user = ntlm_field_read(&reader, SIZE_FIXED, &payload_start);
    parsed.workstation = ntlm_field_read(&reader, SIZE_FIXED, &payload_start);
    parsed.encrypted_session_key = ntlm_field_read(&reader, SIZE_FIXED, &payload_start);
    parsed.flags = read_u32le(&reader);
    ntlm_name_check(&reader, parsed.flags, parsed.domain);
    ntlm_name_check(&reader, parsed.flags, parsed.user);
    ntlm_name_check(&reader, parsed.flags, parsed.workstation);
    if (!reader.bad) {
        place_trailer(&reader, payload_start, &parsed);
    }
    TRY(read_end_lax(&reader, malformed)); /* the payload is reached by offsets */
    *out = parsed;
    return SEC_E_OK;
}

void ntlm_authenticate_build(const struct ntlm_authenticate *message, struct writer *out)
{
    write_reserve(out, SIZE_VERSION_AND_MIC + message->domain.size + message->user.size + message->workstation.size +
                           message->lm_response.size + message->nt_response.size + message->encrypted_session_key.size);
    ntlm_header_write(out, NTLM_MESSAGE_AUTHENTICATE);
    struct writer_slot lm_response = write_field(out);
    struct writer_slot nt_response = write_field(out);
    struct writer_slot domain = write_field(out);
    struct writer_slot user = write_field(out);
    struct writer_slot workstation = write_field(out);
    struct writer_slot encrypted_session_key = write_field(out);
    write_u32le(out, message->flags);
    if (message->mic_offset == SIZE_VERSION || message->has_version) {
        ntlm_version_write(out, message->has_version, message->version);
    }
    if (message->mic_offset != 0) {
        write_zeros(out, 16);
    }
    /* Windows' order, which is not the order of the fields. */
    write_payload(out, domain, message->domain);
    write_payload(out, user, message->user);
    write_payload(out, workstation, message->workstation);
    write_payload(out, lm_response, message->lm_response);
    write_payload(out, nt_response, message->nt_response);
    write_payload(out, encrypted_session_key, message->encrypted_session_key);
}
