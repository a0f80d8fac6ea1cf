#include "ntlm/av_pairs.h"

#include "wire/reader.h"

static const char malformed[] = "NTLM AV_PAIR list: malformed (MS-NLMP 2.2.2.1)";

#define SIZE_SINGLE_HOST      48 /* Single_Host_Data (2.2.2.2) */
#define SIZE_CHANNEL_BINDINGS 16 /* an MD5 hash */

/* Keeps the first value of an id. */
static void keep(struct bytes *slot, struct bytes value)
{
    if (slot->data == NULL) {
        *slot = value;
    }
}

/* A name, whole UTF-16 units. */
static void keep_name(struct reader *reader, struct bytes *slot, struct bytes value)
{
    keep(slot, value);
    if (value.size % 2 != 0) {
        reader->bad = true;
    }
}

static void keep_sized(struct reader *reader, struct bytes *slot, struct bytes value, size_t size)
{
    keep(slot, value);
    if (value.size != size) {
        reader->bad = true;
    }
}

/* One number that fills its value. */
static uint64_t number(struct reader *reader, struct bytes value, size_t size)
{
    struct reader inside = read_start(value);
    uint64_t result = size == 4 ? read_u32le(&inside) : read_u64le(&inside);
    if (inside.bad || value.size != size) {
        reader->bad = true;
    }
    return result;
}

static void take_pair(struct reader *reader, uint16_t id, struct bytes value, struct ntlm_av_pairs *pairs)
{
    uint64_t n;
    switch (id) {
    case MsvAvNbComputerName:
        keep_name(reader, &pairs->nb_computer, value);
        break;
    case MsvAvNbDomainName:
        keep_name(reader, &pairs->nb_domain, value);
        break;
    case MsvAvDnsComputerName:
        keep_name(reader, &pairs->dns_computer, value);
        break;
    case MsvAvDnsDomainName:
        keep_name(reader, &pairs->dns_domain, value);
        break;
    case MsvAvDnsTreeName:
        keep_name(reader, &pairs->dns_tree, value);
        break;
    case MsvAvFlags:
        n = number(reader, value, 4);
        pairs->flags = pairs->has_flags ? pairs->flags : (uint32_t)n;
        pairs->has_flags = true;
        break;
    case MsvAvTimestamp:
        n = number(reader, value, 8);
        pairs->timestamp = pairs->has_timestamp ? pairs->timestamp : n;
        pairs->has_timestamp = true;
        break;
    case MsvAvSingleHost:
        keep_sized(reader, &pairs->single_host, value, SIZE_SINGLE_HOST);
        break;
    case MsvAvTargetName:
        keep_name(reader, &pairs->target_name, value);
        pairs->has_target_name = true;
        break;
    case MsvAvChannelBindings:
        keep_sized(reader, &pairs->channel_bindings, value, SIZE_CHANNEL_BINDINGS);
        break;
    default:
        break; /* unknown ids are carried, not judged */
    }
}

SECURITY_STATUS ntlm_av_pairs_parse(struct bytes list, struct ntlm_av_pairs *out)
{
    struct reader reader = read_start(list);
    struct ntlm_av_pairs parsed = {0};

    while (list.size != 0 && !reader.bad) {
        uint16_t id = read_u16le(&reader);
        uint16_t size = read_u16le(&reader);
        if (id == MsvAvEOL) {
            REQUIRE(reader.bad || size == 0, SEC_E_INVALID_TOKEN,
                    "NTLM AV_PAIR list: MsvAvEOL has a value (MS-NLMP 2.2.2.1)");
            break;
        }
        take_pair(&reader, id, read_bytes(&reader, size), &parsed);
    }
    TRY(read_end_lax(&reader, malformed)); /* what follows MsvAvEOL is not part of the list */
    parsed.size = reader.at;
    *out = parsed;
    return SEC_E_OK;
}

bool ntlm_av_next(struct bytes list, size_t *at, uint16_t *id, struct bytes *value)
{
    struct reader reader = read_start(list);
    (void)read_bytes(&reader, *at);
    uint16_t next_id = read_u16le(&reader);
    struct bytes next_value = read_bytes(&reader, read_u16le(&reader));
    if (reader.bad || next_id == MsvAvEOL) {
        return false;
    }
    *at = reader.at;
    *id = next_id;
    *value = next_value;
    return true;
}

void ntlm_av_write(struct writer *out, uint16_t id, struct bytes value)
{
    if (value.size > UINT16_MAX) {
        out->bad = true;
        return;
    }
    write_u16le(out, id);
    write_u16le(out, (uint16_t)value.size);
    write_bytes(out, value);
}

void ntlm_av_write_u32(struct writer *out, uint16_t id, uint32_t value)
{
    write_u16le(out, id);
    write_u16le(out, 4);
    write_u32le(out, value);
}

void ntlm_av_write_u64(struct writer *out, uint16_t id, uint64_t value)
{
    write_u16le(out, id);
    write_u16le(out, 8);
    write_u64le(out, value);
}

void ntlm_av_write_end(struct writer *out)
{
    write_u16le(out, MsvAvEOL);
    write_u16le(out, 0);
}
