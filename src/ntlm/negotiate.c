#include "ntlm/negotiate.h"

#include "ntlm/header.h"

#define SIZE_OLD     16 /* signature, type, flags: what the oldest clients send */
#define SIZE_FIXED   32 /* with both fields */
#define SIZE_VERSION 40 /* with VERSION */

static const char malformed[] = "NTLM NEGOTIATE: malformed message (MS-NLMP 2.2.1.1)";

SECURITY_STATUS ntlm_negotiate_parse(struct bytes message, struct ntlm_negotiate *out)
{
    struct reader reader = read_start(message);
    struct ntlm_negotiate parsed = {0};
    size_t payload_start = message.size;

    ntlm_header_read(&reader, NTLM_MESSAGE_NEGOTIATE);
    parsed.flags = read_u32le(&reader);
    if (message.size > SIZE_OLD) {
        /* A field whose flag is clear must be ignored, whatever it holds: it is stepped over unread.  A name may begin
         * inside the fields: Heimdal's clients point eight bytes too low (observed), and the names decide nothing. */
        if ((parsed.flags & NTLM_OEM_DOMAIN_SUPPLIED) != 0) {
            parsed.domain = ntlm_field_read(&reader, SIZE_OLD, &payload_start);
        } else {
            (void)read_bytes(&reader, 8);
        }
        if ((parsed.flags & NTLM_OEM_WORKSTATION_SUPPLIED) != 0) {
            parsed.workstation = ntlm_field_read(&reader, SIZE_OLD, &payload_start);
        } else {
            (void)read_bytes(&reader, 8);
        }
    }
    if ((parsed.flags & NTLM_VERSION) != 0 && message.size > SIZE_FIXED) {
        REQUIRE(message.size >= SIZE_VERSION, SEC_E_INVALID_TOKEN,
                "NTLM NEGOTIATE: VERSION was announced and is cut short (MS-NLMP 2.2.1.1)");
        parsed.has_version = payload_start >= SIZE_VERSION;
    }
    if (parsed.has_version) {
        parsed.version = ntlm_version_read(&reader);
    }
    TRY(read_end_lax(&reader, malformed)); /* the payload is reached by offsets */
    *out = parsed;
    return SEC_E_OK;
}

/* An empty field is all zero, the offset too: observed in every message of Windows. */
static struct writer_slot write_optional_field(struct writer *out, struct bytes payload)
{
    if (payload.size == 0) {
        write_zeros(out, 8);
        return (struct writer_slot){0};
    }
    return write_field(out);
}

void ntlm_negotiate_build(const struct ntlm_negotiate *message, struct writer *out)
{
    write_reserve(out, SIZE_VERSION + message->domain.size + message->workstation.size);
    ntlm_header_write(out, NTLM_MESSAGE_NEGOTIATE);
    write_u32le(out, message->flags);
    struct writer_slot domain = write_optional_field(out, message->domain);
    struct writer_slot workstation = write_optional_field(out, message->workstation);
    ntlm_version_write(out, message->has_version, message->version);
    if (message->domain.size != 0) {
        write_payload(out, domain, message->domain);
    }
    if (message->workstation.size != 0) {
        write_payload(out, workstation, message->workstation);
    }
}
