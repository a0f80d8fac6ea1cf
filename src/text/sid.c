#include "text/sid.h"

#include <inttypes.h>
#include <stdio.h>

#include "wire/reader.h"

#define REVISION 1

bool sid_is_good(struct bytes sid)
{
    struct reader reader = read_start(sid);
    uint8_t revision = read_u8(&reader);
    uint8_t parts = read_u8(&reader);
    return !reader.bad && revision == REVISION && parts <= SID_PARTS_MAX && sid.size == sid_size(parts);
}

void sid_text(struct bytes sid, char out[SID_TEXT_MAX])
{
    struct reader reader = read_start(sid);
    out[0] = '\0';
    if (!sid_is_good(sid)) {
        return;
    }
    (void)read_bytes(&reader, 2);
    uint64_t authority = (uint64_t)read_u16be(&reader) << 32;
    authority |= read_u32be(&reader);
    /* Beyond 32 bits it is written in hexadecimal (MS-DTYP 2.4.2.1). */
    int size = authority >> 32 != 0 ? snprintf(out, SID_TEXT_MAX, "S-1-0x%012" PRIX64, authority)
                                    : snprintf(out, SID_TEXT_MAX, "S-1-%" PRIu64, authority);
    while (read_left(&reader) != 0) {
        size += snprintf(out + size, SID_TEXT_MAX - (size_t)size, "-%" PRIu32, read_u32le(&reader));
    }
}

bool sid_list_next(struct bytes *list, uint32_t *out_attributes, struct bytes *out_sid)
{
    struct reader reader = read_start(*list);
    uint32_t attributes = read_u32le(&reader);
    struct reader ahead = reader;
    (void)read_u8(&ahead);
    struct bytes sid = read_bytes(&reader, sid_size(read_u8(&ahead)));
    if (reader.bad || !sid_is_good(sid)) {
        return false;
    }
    *out_attributes = attributes;
    *out_sid = sid;
    *list = read_bytes(&reader, read_left(&reader));
    return true;
}
