/* An established context, moved into another process (ExportSecurityContext, ImportSecurityContext): its channel and its
 * session, as their own packages export them.  The first context ends, since Schannel's does.  What the client has
 * delegated stays behind, as forwarded tickets do.
 *
 * | size | field                                                                          |
 * |    8 | "SSPICSSP"                                                                     |
 * |    4 | version 1                                                                      |
 * |    4 | bits: 1 initiator, 2 delegated                                                 |
 * |  6x4 | request, session flags, the peer's version, ours, certificate's status and trust errors (client) |
 * |    8 | expiry (FILETIME)                                                              |
 * |  3x4 | header, trailer and maximum of the channel's records                           |
 * |  3x4 | sizes of target (UTF-16), channel, session; then those                         |
 */
#include "base/auto.h"
#include "credssp/context.h"
#include "wire/reader.h"

#define VERSION  1
#define PART_MAX (1u << 19)

enum { BIT_INITIATOR = 1, BIT_DELEGATED = 2 };
#define BITS_KNOWN (BIT_INITIATOR | BIT_DELEGATED)

#define NOT_WHOLE "an exported CredSSP context is not whole (ImportSecurityContext)"

static const uint8_t magic[8] = {'S', 'S', 'P', 'I', 'C', 'S', 'S', 'P'};

static SECURITY_STATUS export_part(struct context *part, uint32_t flags, struct writer *out)
{
    REQUIRE(part->package->export_context != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "the channel's or the session's package moves no contexts (ExportSecurityContext)");
    TRY(part->package->export_context(part, flags, out));
    return write_end(out);
}

SECURITY_STATUS credssp_export(struct context *base, uint32_t flags, struct writer *out)
{
    struct credssp_context *context = (struct credssp_context *)base;
    REQUIRE(context->state == CREDSSP_DONE && !context->repeat.due, SEC_E_OUT_OF_SEQUENCE,
            "only an established context can be exported (ExportSecurityContext)");
    AUTO_WRITER session = write_growing(PART_MAX);
    AUTO_WRITER channel = write_growing(PART_MAX);
    if (base->initiator) {
        bool good = credssp_certificate_is_good(context);
        (void)good; /* the reasons move along */
    }
    TRY(export_part(context->nego, flags, &session));
    TRY(export_part(context->tls, flags, &channel));
    write_bytes(out, BYTES(magic));
    write_u32le(out, VERSION);
    write_u32le(out, (base->initiator ? BIT_INITIATOR : 0) | (context->delegated ? BIT_DELEGATED : 0));
    write_u32le(out, context->request);
    write_u32le(out, context->session_flags);
    write_u32le(out, context->peer_version);
    write_u32le(out, context->version);
    write_u32le(out, (uint32_t)context->certificate);
    write_u32le(out, context->trust_errors);
    write_u64le(out, context->expiry);
    write_u32le(out, (uint32_t)context->header);
    write_u32le(out, (uint32_t)context->trailer);
    write_u32le(out, (uint32_t)context->maximum);
    const struct bytes parts[] = {utf16_bytes(context->target), write_result(&channel), write_result(&session)};
    for (size_t i = 0; i < 3; i++) {
        write_u32le(out, (uint32_t)parts[i].size);
    }
    for (size_t i = 0; i < 3; i++) {
        write_bytes(out, parts[i]);
    }
    return write_end(out);
}

/* The blob is the caller's: this end forgets its keys. */
void credssp_exported(struct context *base)
{
    struct credssp_context *context = (struct credssp_context *)base;
    struct context *parts[] = {context->tls, context->nego};
    for (size_t i = 0; i < 2; i++) {
        if (parts[i]->package->exported != NULL) {
            parts[i]->package->exported(parts[i]);
        }
    }
    secret_free(&context->credentials);
    context->state = CREDSSP_FAILED;
}

static SECURITY_STATUS import_part(const char *name, struct bytes blob, struct context **out)
{
    const struct package *package = package_find_utf8(name);
    REQUIRE(package != NULL && package->import_context != NULL, SEC_E_SECPKG_NOT_FOUND,
            "a package that CredSSP is made of is not here (ImportSecurityContext)");
    return package->import_context(blob, out);
}

static void dispose_half_made(struct credssp_context **context)
{
    if (*context != NULL) {
        credssp_dispose(&(*context)->base);
    }
}

static void read_state(struct reader *reader, struct credssp_context *context)
{
    context->request = read_u32le(reader);
    context->session_flags = read_u32le(reader);
    context->peer_version = read_u32le(reader);
    context->version = read_u32le(reader);
    context->certificate = (SECURITY_STATUS)read_u32le(reader);
    context->trust_errors = read_u32le(reader);
    context->expiry = read_u64le(reader);
    context->header = read_u32le(reader);
    context->trailer = read_u32le(reader);
    context->maximum = read_u32le(reader);
}

SECURITY_STATUS credssp_import(struct bytes blob, struct context **out_context)
{
    struct reader reader = read_start(blob);
    read_expect(&reader, magic, sizeof magic);
    uint32_t version = read_u32le(&reader);
    uint32_t bits = read_u32le(&reader);
    REQUIRE(!reader.bad && version == VERSION && (bits & ~(uint32_t)BITS_KNOWN) == 0, SEC_E_INVALID_TOKEN,
            "not an exported CredSSP context of this version (ImportSecurityContext)");
    AUTO(dispose_half_made) struct credssp_context *context = calloc(1, sizeof *context);
    REQUIRE(context != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a context");
    context_init(&context->base, &credssp_package, (bits & BIT_INITIATOR) != 0);
    context->delegated = (bits & BIT_DELEGATED) != 0;
    context->delegates = context->delegated;
    read_state(&reader, context);
    uint32_t sizes[3];
    for (size_t i = 0; i < 3; i++) {
        sizes[i] = read_u32le(&reader);
    }
    struct bytes target = read_bytes(&reader, sizes[0]);
    struct bytes channel = read_bytes(&reader, sizes[1]);
    struct bytes session = read_bytes(&reader, sizes[2]);
    TRY(read_end(&reader, NOT_WHOLE));
    REQUIRE(target.size % 2 == 0 && target.size <= PART_MAX, SEC_E_INVALID_TOKEN, NOT_WHOLE);
    TRY(utf16_copy(utf16_of(target), &context->target));
    TRY(import_part(SCHANNEL_PACKAGE, channel, &context->tls));
    TRY(import_part(NEGOTIATE_PACKAGE, session, &context->nego));
    REQUIRE(context->tls->initiator == context->base.initiator && context->nego->initiator == context->base.initiator,
            SEC_E_INVALID_TOKEN,
            "the parts of an exported CredSSP context are not of one side (ImportSecurityContext)");
    bool one_stream = atomic_load_explicit(&context->tls->one_stream, memory_order_relaxed);
    atomic_store_explicit(&context->base.one_stream, one_stream, memory_order_relaxed);
    context->state = CREDSSP_DONE;
    context->base.established = true;
    *out_context = &STEAL(context)->base;
    return SEC_E_OK;
}
