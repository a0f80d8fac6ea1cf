#include "ntlm/text.h"

#include "wire/reader.h"

SECURITY_STATUS ntlm_text_out(uint32_t flags, struct utf16 text, struct writer *space, struct bytes *out)
{
    if ((flags & NTLM_UNICODE) != 0 || text.size == 0) {
        *out = utf16_bytes(text);
        return SEC_E_OK;
    }
    size_t start = space->size;
    for (size_t i = 0; i < utf16_length(text); i++) {
        uint16_t unit = utf16_unit(text, i);
        REQUIRE(unit < 0x80, SEC_E_UNSUPPORTED_FUNCTION,
                "the peer speaks OEM text only, which cannot say this name (MS-NLMP 2.2)");
        write_u8(space, (uint8_t)unit);
    }
    TRY(write_end(space));
    *out = bytes_of(space->data + start, space->size - start);
    return SEC_E_OK;
}

SECURITY_STATUS ntlm_text_in(uint32_t flags, struct bytes raw, struct writer *space, struct utf16 *out)
{
    if ((flags & NTLM_UNICODE) != 0 || raw.size == 0) {
        REQUIRE(raw.size % 2 == 0, SEC_E_INVALID_TOKEN, "a UNICODE name of an odd number of bytes (MS-NLMP 2.2)");
        *out = utf16_of(raw);
        return SEC_E_OK;
    }
    size_t start = space->size;
    struct reader reader = read_start(raw);
    while (read_left(&reader) != 0) {
        uint8_t unit = read_u8(&reader);
        REQUIRE(unit < 0x80, SEC_E_INVALID_TOKEN, "an OEM name outside ASCII: its code page is unknown (MS-NLMP 2.2)");
        write_u16le(space, unit);
    }
    REQUIRE(!space->bad, SEC_E_INVALID_TOKEN, "an OEM name longer than any account's");
    *out = (struct utf16){space->data + start, space->size - start};
    return SEC_E_OK;
}
