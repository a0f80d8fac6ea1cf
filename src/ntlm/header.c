#include "ntlm/header.h"

static const uint8_t signature[8] = "NTLMSSP"; /* with its NUL */

void ntlm_header_read(struct reader *reader, enum ntlm_message_type type)
{
    read_expect(reader, signature, sizeof signature);
    if (read_u32le(reader) != (uint32_t)type) {
        reader->bad = true;
    }
}

void ntlm_header_write(struct writer *out, enum ntlm_message_type type)
{
    write_bytes(out, BYTES(signature));
    write_u32le(out, (uint32_t)type);
}

struct bytes ntlm_field_read(struct reader *reader, size_t fixed_size, size_t *payload_start)
{
    size_t offset;
    struct bytes payload = read_field(reader, &offset);
    if (payload.size == 0) {
        return payload; /* the offset of an empty field means nothing */
    }
    if (offset < fixed_size) {
        reader->bad = true;
        return BYTES_NONE;
    }
    if (offset < *payload_start) {
        *payload_start = offset;
    }
    return payload;
}

void ntlm_name_check(struct reader *reader, uint32_t flags, struct bytes name)
{
    if ((flags & NTLM_UNICODE) != 0 && name.size % 2 != 0) {
        reader->bad = true;
    }
}

struct ntlm_version ntlm_version_read(struct reader *reader)
{
    struct ntlm_version version = {.major = read_u8(reader)};
    version.minor = read_u8(reader);
    version.build = read_u16le(reader);
    (void)read_bytes(reader, 3);
    version.revision = read_u8(reader);
    return version;
}

void ntlm_version_write(struct writer *out, bool has_version, struct ntlm_version version)
{
    if (!has_version) {
        write_zeros(out, 8);
        return;
    }
    write_u8(out, version.major);
    write_u8(out, version.minor);
    write_u16le(out, version.build);
    write_zeros(out, 3);
    write_u8(out, version.revision);
}
