/* An established session, moved into another process (ExportSecurityContext, ImportSecurityContext).
 *
 * The blob is ours alone: same library, same machine.  It holds the session's keys, so it is as secret as the session.
 *
 * | size | field                                                                        |
 * |    8 | "SSPINTLM"                                                                   |
 * |    4 | version 1                                                                    |
 * |    4 | bits: 1 initiator, 2 NTLMv2, 4 anonymous, 8 has target                       |
 * | 4x4  | request, returned, negotiated flags, user flags                              |
 * | 2x8  | start, password expiry (FILETIME)                                            |
 * |   16 | ExportedSessionKey                                                           |
 * |  292 | per direction, send then receive: u32 bits (1 keyed, 2 streaming), u32 sequence, u32 seal key size,  |
 * |      | 16 seal key, 16+16 MAC states, 258 stream (as far as it is there), padding   |
 * | 6+n  | u16 sizes of domain, user, workstation, target, target info, unix name; then those |
 */
#include <string.h>

#include "base/auto.h"
#include "ntlm/context.h"
#include "ntlm/flags.h"
#include "wire/reader.h"

#define VERSION 1

enum { BIT_INITIATOR = 1, BIT_V2 = 2, BIT_ANONYMOUS = 4, BIT_TARGET = 8 };
#define BITS_KNOWN (BIT_INITIATOR | BIT_V2 | BIT_ANONYMOUS | BIT_TARGET)
enum { BIT_KEYED = 1, BIT_STREAMING = 2 };

static const uint8_t magic[8] = {'S', 'S', 'P', 'I', 'N', 'T', 'L', 'M'};

static void write_states(struct writer *out, const uint32_t states[4])
{
    for (size_t i = 0; i < 4; i++) {
        write_u32le(out, states[i]);
    }
}

static void read_states(struct reader *reader, uint32_t states[4])
{
    for (size_t i = 0; i < 4; i++) {
        states[i] = read_u32le(reader);
    }
}

/* RESET_NEW: the new context starts with fresh streams and counts from zero. */
static void write_direction(struct writer *out, const struct ntlm_direction *direction, bool reset)
{
    bool streaming = direction->streaming && !reset;
    write_u32le(out, (direction->keyed ? BIT_KEYED : 0) | (streaming ? BIT_STREAMING : 0));
    write_u32le(out, reset ? 0 : direction->sequence);
    write_u32le(out, direction->seal_key_size);
    write_bytes(out, BYTES(direction->seal_key.b));
    write_states(out, direction->sign_key.inner);
    write_states(out, direction->sign_key.outer);
    if (streaming) {
        write_bytes(out, BYTES(direction->stream.state.S));
        write_u8(out, direction->stream.state.i);
        write_u8(out, direction->stream.state.j);
    }
}

/* What a direction may say of itself: the lengths are those of SEALKEY (MS-NLMP 3.4.5.3). */
static bool is_direction(uint32_t bits, uint32_t seal_key_size)
{
    if ((bits & BIT_KEYED) == 0) {
        return bits == 0 && seal_key_size == 0;
    }
    return (bits & ~(uint32_t)(BIT_KEYED | BIT_STREAMING)) == 0 && (seal_key_size == 8 || seal_key_size == 16);
}

static void read_direction(struct reader *reader, struct ntlm_direction *out)
{
    uint32_t bits = read_u32le(reader);
    out->keyed = (bits & BIT_KEYED) != 0;
    out->streaming = (bits & BIT_STREAMING) != 0;
    out->sequence = read_u32le(reader);
    uint32_t seal_key_size = read_u32le(reader);
    reader->bad = reader->bad || !is_direction(bits, seal_key_size);
    out->seal_key_size = (uint8_t)seal_key_size;
    struct writer seal_key = write_into(out->seal_key.b, sizeof out->seal_key.b);
    write_bytes(&seal_key, read_bytes(reader, sizeof out->seal_key.b));
    read_states(reader, out->sign_key.inner);
    read_states(reader, out->sign_key.outer);
    if (out->streaming) {
        struct writer stream = write_into(out->stream.state.S, sizeof out->stream.state.S);
        write_bytes(&stream, read_bytes(reader, sizeof out->stream.state.S));
        out->stream.state.i = read_u8(reader);
        out->stream.state.j = read_u8(reader);
    }
}

SECURITY_STATUS ntlm_export(struct context *base, uint32_t flags, struct writer *out)
{
    const struct ntlm_context *context = (struct ntlm_context *)base;
    bool reset = (flags & SECPKG_CONTEXT_EXPORT_RESET_NEW) != 0;
    REQUIRE(base->established && context->state == NTLM_STATE_DONE, SEC_E_OUT_OF_SEQUENCE,
            "only an established NTLM context can be exported (ExportSecurityContext)");
    write_bytes(out, BYTES(magic));
    write_u32le(out, VERSION);
    write_u32le(out, (base->initiator ? BIT_INITIATOR : 0) | (context->v2 ? BIT_V2 : 0) |
                         (context->anonymous ? BIT_ANONYMOUS : 0) | (context->has_target ? BIT_TARGET : 0));
    write_u32le(out, context->request);
    write_u32le(out, context->returned);
    write_u32le(out, context->flags);
    write_u32le(out, context->user_flags);
    write_u64le(out, context->start);
    write_u64le(out, context->password_expiry);
    write_bytes(out, BYTES(context->session_key.b));
    write_direction(out, &context->send, reset);
    write_direction(out, &context->receive, reset);

    const struct ntlm_names *names = context->names;
    write_u16le(out, names->domain_size);
    write_u16le(out, names->user_size);
    write_u16le(out, names->workstation_size);
    write_u16le(out, names->target_size);
    write_u16le(out, names->target_info_size);
    write_u16le(out, names->unix_size);
    size_t text = (size_t)names->domain_size + 2 + names->user_size + names->workstation_size + names->target_size +
                  names->target_info_size + names->unix_size;
    write_bytes(out, bytes_of(names->text, text));
    return write_end(out);
}

static SECURITY_STATUS import_names(struct reader *reader, struct ntlm_names **out)
{
    uint16_t domain_size = read_u16le(reader);
    uint16_t user_size = read_u16le(reader);
    uint16_t workstation_size = read_u16le(reader);
    uint16_t target_size = read_u16le(reader);
    uint16_t info_size = read_u16le(reader);
    uint16_t unix_size = read_u16le(reader);
    struct utf16 domain = utf16_of(read_bytes(reader, domain_size));
    (void)read_u16le(reader); /* the backslash between them */
    struct utf16 user = utf16_of(read_bytes(reader, user_size));
    struct utf16 workstation = utf16_of(read_bytes(reader, workstation_size));
    struct bytes target = read_bytes(reader, target_size);
    struct bytes info = read_bytes(reader, info_size);
    struct bytes unix_bytes = read_bytes(reader, unix_size);
    char unix_name[NTLM_UNIX_NAME_MAX] = {0};
    bool odd = ((domain_size | user_size | workstation_size | target_size) & 1) != 0;
    bool named = unix_bytes.size != 0 && unix_bytes.data[unix_bytes.size - 1] == '\0';
    reader->bad = reader->bad || odd || unix_size > sizeof unix_name || (unix_size != 0 && !named);
    TRY(read_end(reader, "an exported NTLM context is not whole (ImportSecurityContext)"));
    struct writer writer = write_into(unix_name, sizeof unix_name);
    write_bytes(&writer, unix_bytes);
    return ntlm_names_new(domain, user, workstation, target, info, unix_name, out);
}

SECURITY_STATUS ntlm_import(struct bytes blob, struct context **out_context)
{
    struct reader reader = read_start(blob);
    read_expect(&reader, magic, sizeof magic);
    uint32_t version = read_u32le(&reader);
    uint32_t bits = read_u32le(&reader);
    bool known = version == VERSION && (bits & ~(uint32_t)BITS_KNOWN) == 0;
    REQUIRE(read_left(&reader) != 0 && known, SEC_E_INVALID_TOKEN,
            "not an exported NTLM context of this version (ImportSecurityContext)");
    struct ntlm_context *context = NULL;
    TRY(ntlm_context_new((bits & BIT_INITIATOR) != 0, read_u32le(&reader), &context));
    context->v2 = (bits & BIT_V2) != 0;
    context->anonymous = (bits & BIT_ANONYMOUS) != 0;
    context->has_target = (bits & BIT_TARGET) != 0;
    context->returned = read_u32le(&reader);
    context->flags = read_u32le(&reader);
    context->user_flags = read_u32le(&reader);
    context->start = read_u64le(&reader);
    context->password_expiry = read_u64le(&reader);
    struct writer key = write_into(context->session_key.b, sizeof context->session_key.b);
    write_bytes(&key, read_bytes(&reader, sizeof context->session_key.b));
    read_direction(&reader, &context->send);
    read_direction(&reader, &context->receive);
    SECURITY_STATUS status = import_names(&reader, &context->names);
    if (status < 0) {
        ntlm_dispose(&context->base);
        return status;
    }
    context->state = NTLM_STATE_DONE;
    context->base.established = true;
    atomic_store_explicit(&context->base.one_stream, (context->flags & NTLM_ESS) == 0, memory_order_relaxed);
    *out_context = &context->base;
    return SEC_E_OK;
}
