#include "kerberos/pac.h"

#include "text/sid.h"
#include "wire/reader.h"

/* Type Serialization Version 1 (MS-RPCE 2.2.6): a common header, a private header, and the data from a multiple of 8 on. */
#define NDR_VERSION       1
#define NDR_LITTLE_ENDIAN 0x10
#define NDR_COMMON_SIZE   8

#define MEMBERSHIP_SIZE 8 /* GROUP_MEMBERSHIP (MS-PAC 2.2.2), KERB_SID_AND_ATTRIBUTES without its SID (2.2.1) */

/* RPC_UNICODE_STRING, before what it points at. */
struct ndr_string {
    uint16_t size;
    uint32_t pointer;
};

static struct ndr_string read_string(struct reader *reader)
{
    struct ndr_string string = {.size = read_u16le(reader)};
    (void)read_u16le(reader); /* MaximumLength */
    string.pointer = read_u32le(reader);
    return string;
}

/* What it points at: a conformant and varying array (C706 14.3.4). */
static struct utf16 read_text(struct reader *reader, struct ndr_string string)
{
    if (string.pointer == 0) {
        reader->bad = reader->bad || string.size != 0;
        return UTF16_NONE;
    }
    read_align(reader, 4);
    uint32_t most = read_u32le(reader);
    uint32_t offset = read_u32le(reader);
    uint32_t count = read_u32le(reader);
    reader->bad = reader->bad || offset != 0 || count > most || string.size % 2 != 0 || string.size / 2u > count ||
                  count > UINT16_MAX;
    struct bytes units = read_bytes(reader, 2 * (size_t)count);
    return units.size == 0 ? UTF16_NONE : utf16_head(utf16_of(units), string.size / 2u);
}

/* A SID with its parts' count in front (MS-DTYP 2.4.2.3, RPC_SID). */
static struct bytes read_sid(struct reader *reader)
{
    read_align(reader, 4);
    uint32_t parts = read_u32le(reader);
    struct bytes sid = read_bytes(reader, parts <= SID_PARTS_MAX ? sid_size(parts) : SIZE_MAX);
    reader->bad = reader->bad || !sid_is_good(sid);
    return sid;
}

/* `count` elements of 8 bytes, of which NDR says the number again. */
static struct bytes read_memberships(struct reader *reader, uint32_t pointer, uint32_t count)
{
    if (pointer == 0) {
        reader->bad = reader->bad || count != 0;
        return BYTES_NONE;
    }
    read_align(reader, 4);
    uint32_t again = read_u32le(reader);
    reader->bad = reader->bad || again != count || count > read_left(reader) / MEMBERSHIP_SIZE;
    return read_bytes(reader, reader->bad ? 0 : MEMBERSHIP_SIZE * (size_t)count);
}

/* The SIDs that `extra` points at, one behind the other. */
static struct bytes read_extra_sids(struct reader *reader, struct bytes extra)
{
    struct reader pointers = read_start(extra);
    struct reader start = *reader;
    while (read_left(&pointers) != 0 && !reader->bad) {
        if (read_u32le(&pointers) != 0) {
            (void)read_sid(reader);
        }
        (void)read_u32le(&pointers);
    }
    return read_bytes(&start, read_left(&start) - read_left(reader));
}

/* What the fixed part says of what comes behind it. */
struct deferred {
    struct ndr_string
        names[6]; /* EffectiveName, FullName, LogonScript, ProfilePath, HomeDirectory, HomeDirectoryDrive */
    struct ndr_string server, domain;
    uint32_t groups, group_count, domain_sid, extra, extra_count, resource_sid, resource_groups, resource_count;
};

static void read_fixed(struct reader *reader, struct pac_logon *logon, struct deferred *deferred)
{
    (void)read_u64le(reader); /* LogonTime */
    logon->logoff = read_u64le(reader);
    logon->kickoff = read_u64le(reader);
    (void)read_bytes(reader, 8 + 8); /* PasswordLastSet, PasswordCanChange */
    logon->password_must_change = read_u64le(reader);
    for (size_t i = 0; i < sizeof deferred->names / sizeof deferred->names[0]; i++) {
        deferred->names[i] = read_string(reader);
    }
    (void)read_bytes(reader, 2 + 2); /* LogonCount, BadPasswordCount */
    logon->user_id = read_u32le(reader);
    logon->primary_group = read_u32le(reader);
    deferred->group_count = read_u32le(reader);
    deferred->groups = read_u32le(reader);
    logon->user_flags = read_u32le(reader);
    (void)read_bytes(reader, 16); /* UserSessionKey, which is of NTLM */
    deferred->server = read_string(reader);
    deferred->domain = read_string(reader);
    deferred->domain_sid = read_u32le(reader);
    (void)read_bytes(reader, 8 + 4 + 28); /* Reserved1, UserAccountControl, SubAuthStatus to Reserved3 */
    deferred->extra_count = read_u32le(reader);
    deferred->extra = read_u32le(reader);
    deferred->resource_sid = read_u32le(reader);
    deferred->resource_count = read_u32le(reader);
    deferred->resource_groups = read_u32le(reader);
}

/* In the order of the pointers. */
static void read_deferred(struct reader *reader, const struct deferred *deferred, struct pac_logon *logon)
{
    logon->user = read_text(reader, deferred->names[0]);
    for (size_t i = 1; i < sizeof deferred->names / sizeof deferred->names[0]; i++) {
        (void)read_text(reader, deferred->names[i]);
    }
    logon->groups = read_memberships(reader, deferred->groups, deferred->group_count);
    (void)read_text(reader, deferred->server);
    logon->domain = read_text(reader, deferred->domain);
    logon->domain_sid = deferred->domain_sid != 0 ? read_sid(reader) : BYTES_NONE;
    logon->extra = read_memberships(reader, deferred->extra, deferred->extra_count);
    logon->extra_sids = read_extra_sids(reader, logon->extra);
    logon->resource_domain_sid = deferred->resource_sid != 0 ? read_sid(reader) : BYTES_NONE;
    logon->resource_groups = read_memberships(reader, deferred->resource_groups, deferred->resource_count);
}

SECURITY_STATUS pac_logon_parse(struct bytes buffer, struct pac_logon *out)
{
    struct reader reader = read_start(buffer);
    struct pac_logon logon = {.logoff = 0};
    struct deferred deferred = {.groups = 0};
    uint8_t version = read_u8(&reader);
    uint8_t order = read_u8(&reader);
    uint16_t header = read_u16le(&reader);
    (void)read_u32le(&reader); /* filler */
    uint32_t size = read_u32le(&reader);
    (void)read_u32le(&reader);
    REQUIRE(!reader.bad && version == NDR_VERSION && order == NDR_LITTLE_ENDIAN && header == NDR_COMMON_SIZE &&
                size <= read_left(&reader),
            SEC_E_INVALID_TOKEN, "a PAC's logon information is not serialized as type 1 (MS-RPCE 2.2.6)");
    uint32_t pointer = read_u32le(&reader);
    REQUIRE(pointer != 0, SEC_E_INVALID_TOKEN, "a PAC's logon information is a null pointer (MS-PAC 2.5)");
    read_fixed(&reader, &logon, &deferred);
    read_deferred(&reader, &deferred, &logon);
    TRY(read_end_lax(&reader, "a PAC's logon information is not a KERB_VALIDATION_INFO (MS-PAC 2.5)"));
    *out = logon;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- SIDs */

static void write_sid(struct writer *out, uint32_t attributes, struct bytes sid)
{
    write_u32le(out, attributes);
    write_bytes(out, sid);
}

/* A domain's SID with one part more. */
static void write_member(struct writer *out, uint32_t attributes, struct bytes domain, uint32_t id)
{
    struct reader reader = read_start(domain);
    uint8_t revision = read_u8(&reader);
    uint8_t parts = read_u8(&reader);
    out->bad = out->bad || reader.bad || parts >= SID_PARTS_MAX;
    write_u32le(out, attributes);
    write_u8(out, revision);
    write_u8(out, (uint8_t)(parts + 1));
    write_bytes(out, read_bytes(&reader, read_left(&reader)));
    write_u32le(out, id);
}

static void write_members(struct writer *out, struct bytes domain, struct bytes groups)
{
    struct reader reader = read_start(groups);
    while (read_left(&reader) != 0) {
        uint32_t id = read_u32le(&reader);
        write_member(out, read_u32le(&reader), domain, id);
    }
}

/* `skip` of them have been written before. */
static void write_extra(const struct pac_logon *logon, size_t skip, struct writer *out)
{
    struct reader pointers = read_start(logon->extra);
    struct reader sids = read_start(logon->extra_sids);
    while (read_left(&pointers) != 0) {
        uint32_t pointer = read_u32le(&pointers);
        uint32_t attributes = read_u32le(&pointers);
        struct bytes sid = pointer != 0 ? read_sid(&sids) : BYTES_NONE;
        if (pointer != 0 && skip == 0) {
            write_sid(out, attributes, sid);
        }
        skip -= pointer != 0 && skip != 0 ? 1 : 0;
    }
}

SECURITY_STATUS pac_logon_sids(const struct pac_logon *logon, struct writer *out)
{
    bool by_number = logon->user_id != 0 && logon->domain_sid.size != 0;
    struct reader sids = read_start(logon->extra_sids);
    /* An account of elsewhere is the first of the further SIDs (MS-PAC 2.5, UserId). */
    struct bytes elsewhere = by_number ? BYTES_NONE : read_sid(&sids);
    REQUIRE(by_number || elsewhere.size != 0, SEC_E_INVALID_TOKEN, "a PAC that names no account (MS-PAC 2.5, UserId)");
    if (by_number) {
        write_member(out, 0, logon->domain_sid, logon->user_id);
    } else {
        write_sid(out, 0, elsewhere);
    }
    if (logon->domain_sid.size != 0) {
        write_members(out, logon->domain_sid, logon->groups);
    }
    write_extra(logon, by_number ? 0 : 1, out);
    if (logon->resource_domain_sid.size != 0) {
        write_members(out, logon->resource_domain_sid, logon->resource_groups);
    }
    REQUIRE(!out->bad || out->no_memory, SEC_E_INVALID_TOKEN,
            "a PAC with more or longer SIDs than there can be (MS-DTYP 2.4.2)");
    return write_end(out);
}

/* ---------------------------------------------------------------- names */

SECURITY_STATUS pac_upn_parse(struct bytes buffer, struct pac_upn *out)
{
    struct reader reader = read_start(buffer);
    uint16_t upn_size = read_u16le(&reader);
    uint16_t upn_offset = read_u16le(&reader);
    uint16_t dns_size = read_u16le(&reader);
    uint16_t dns_offset = read_u16le(&reader);
    (void)read_u32le(&reader); /* flags, and what they announce */
    struct bytes upn = read_at(&reader, upn_offset, upn_size);
    struct bytes dns = read_at(&reader, dns_offset, dns_size);
    reader.bad = reader.bad || upn_size % 2 != 0 || dns_size % 2 != 0;
    TRY(read_end_lax(&reader, "a PAC's UPN_DNS_INFO leaves its buffer (MS-PAC 2.10)"));
    *out = (struct pac_upn){.upn = utf16_of(upn), .dns_domain = utf16_of(dns)};
    return SEC_E_OK;
}
