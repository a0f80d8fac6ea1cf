/* An established context is the chosen package's: messages, attributes, export and identity go through to it. */
#include <string.h>

#include "negotiate/context.h"
#include "wire/reader.h"

/* ---------------------------------------------------------------- messages */

#define NOT_ESTABLISHED "this context is not established: no message can be signed or sealed yet"

/* NULL until the negotiation is over. */
static struct context *inner_of(struct context *base)
{
    return base->established ? ((struct negotiate_context *)base)->inner : NULL;
}

static SECURITY_STATUS unsupported(void)
{
    FAIL(SEC_E_UNSUPPORTED_FUNCTION, "the package that was chosen does not do this");
}

SECURITY_STATUS negotiate_sign(struct context *base, uint32_t qop, struct buffers *message, uint32_t sequence)
{
    struct context *inner = inner_of(base);
    REQUIRE(inner != NULL, SEC_E_OUT_OF_SEQUENCE, NOT_ESTABLISHED);
    return inner->package->sign != NULL ? inner->package->sign(inner, qop, message, sequence) : unsupported();
}

SECURITY_STATUS negotiate_verify(struct context *base, struct buffers *message, uint32_t sequence, uint32_t *qop)
{
    struct context *inner = inner_of(base);
    REQUIRE(inner != NULL, SEC_E_OUT_OF_SEQUENCE, NOT_ESTABLISHED);
    return inner->package->verify != NULL ? inner->package->verify(inner, message, sequence, qop) : unsupported();
}

SECURITY_STATUS negotiate_seal(struct context *base, uint32_t qop, struct buffers *message, uint32_t sequence)
{
    struct context *inner = inner_of(base);
    REQUIRE(inner != NULL, SEC_E_OUT_OF_SEQUENCE, NOT_ESTABLISHED);
    return inner->package->seal != NULL ? inner->package->seal(inner, qop, message, sequence) : unsupported();
}

SECURITY_STATUS negotiate_unseal(struct context *base, struct buffers *message, uint32_t sequence, uint32_t *qop)
{
    struct context *inner = inner_of(base);
    REQUIRE(inner != NULL, SEC_E_OUT_OF_SEQUENCE, NOT_ESTABLISHED);
    return inner->package->unseal != NULL ? inner->package->unseal(inner, message, sequence, qop) : unsupported();
}

/* ---------------------------------------------------------------- attributes */

static uint32_t negotiation_state(const struct negotiate_context *context)
{
    if (context->base.established) {
        return SECPKG_NEGOTIATION_COMPLETE;
    }
    if (context->direct) {
        return SECPKG_NEGOTIATION_DIRECT;
    }
    bool optimistic = context->base.initiator && !context->settled;
    return optimistic ? SECPKG_NEGOTIATION_OPTIMISTIC : SECPKG_NEGOTIATION_IN_PROGRESS;
}

/* Until both sides know, the package is Negotiate. */
static void negotiation(const struct negotiate_context *context, struct attribute *out)
{
    bool known = context->inner != NULL && (context->base.established || context->direct || context->settled);
    out->negotiation.package = known ? context->inner->package : &negotiate_package;
    out->negotiation.state = negotiation_state(context);
}

/* The package's own answer, once there is a package; what it would say of a session waits until there is one. */
static SECURITY_STATUS forward_query(struct negotiate_context *context, uint32_t attribute, struct attribute *out)
{
    struct context *inner = context->inner;
    REQUIRE(inner != NULL, SEC_E_INVALID_HANDLE, "this attribute is not known before a package is chosen");
    REQUIRE(inner->package->query != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "the package that was chosen has no context attributes");
    struct attribute value = {0};
    TRY(inner->package->query(inner, attribute, &value));
    REQUIRE(context->base.established || attribute == SECPKG_ATTR_SIZES, SEC_E_INVALID_HANDLE,
            "this attribute is not known before the context is established");
    *out = value;
    return SEC_E_OK;
}

SECURITY_STATUS negotiate_query(struct context *base, uint32_t attribute, struct attribute *out)
{
    struct negotiate_context *context = (struct negotiate_context *)base;
    switch (attribute) {
    case SECPKG_ATTR_PACKAGE_INFO:
    case SECPKG_ATTR_NEGOTIATION_INFO:
        negotiation(context, out);
        return SEC_E_OK;
    case SECPKG_ATTR_NEGO_STATUS:
        out->number = (uint32_t)context->last_status;
        return SEC_E_OK;
    case SECPKG_ATTR_LAST_CLIENT_TOKEN_STATUS:
        out->number = base->established ? SecPkgAttrLastClientTokenYes
                      : context->direct ? SecPkgAttrLastClientTokenNo
                                        : SecPkgAttrLastClientTokenMaybe;
        return SEC_E_OK;
    default:
        return forward_query(context, attribute, out);
    }
}

SECURITY_STATUS negotiate_set(struct context *base, uint32_t attribute, struct bytes value)
{
    struct context *inner = ((struct negotiate_context *)base)->inner;
    REQUIRE(inner != NULL && inner->package->set != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "the package's contexts have nothing to set");
    return inner->package->set(inner, attribute, value);
}

SECURITY_STATUS negotiate_impersonate(struct context *base, struct token **out_token)
{
    struct context *inner = ((struct negotiate_context *)base)->inner;
    REQUIRE(!base->initiator && base->established && inner != NULL, SEC_E_NO_IMPERSONATION,
            "only an established server context stands for somebody (ImpersonateSecurityContext)");
    return inner->package->impersonate != NULL ? inner->package->impersonate(inner, out_token) : unsupported();
}

/* ---------------------------------------------------------------- export and import
 *
 * | size | field                                   |
 * |    8 | "SSPINEGO"                              |
 * |    4 | version 1                               |
 * |    1 | direct                                  |
 * |    1 | size of the package's name, then that   |
 * | rest | what the package exported               |
 */
#define VERSION 1

static const uint8_t magic[8] = {'S', 'S', 'P', 'I', 'N', 'E', 'G', 'O'};

SECURITY_STATUS negotiate_export(struct context *base, uint32_t flags, struct writer *out)
{
    const struct negotiate_context *context = (struct negotiate_context *)base;
    struct context *inner = context->inner;
    REQUIRE(base->established && inner != NULL && context->state == NEGOTIATE_STATE_DONE, SEC_E_OUT_OF_SEQUENCE,
            "only an established context can be exported (ExportSecurityContext)");
    REQUIRE(inner->package->export_context != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "the contexts of the package that was chosen cannot be moved (ExportSecurityContext)");
    size_t size = strlen(inner->package->name);
    write_bytes(out, BYTES(magic));
    write_u32le(out, VERSION);
    write_u8(out, context->direct);
    write_u8(out, (uint8_t)size);
    write_bytes(out, bytes_of(inner->package->name, size));
    return inner->package->export_context(inner, flags, out);
}

/* The mechanism of a package that is here, by the package's own name; NULL for any other. */
static const struct mech *exported_mech(struct bytes name)
{
    for (size_t i = 0; i < MECH_COUNT; i++) {
        const struct package *package = package_find_utf8(mechs[i].package);
        if (package != NULL && strlen(package->name) == name.size && memcmp(package->name, name.data, name.size) == 0) {
            return &mechs[i];
        }
    }
    return NULL;
}

SECURITY_STATUS negotiate_import(struct bytes blob, struct context **out_context)
{
    struct reader reader = read_start(blob);
    read_expect(&reader, magic, sizeof magic);
    uint32_t version = read_u32le(&reader);
    bool direct = read_u8(&reader) != 0;
    struct bytes name = read_bytes(&reader, read_u8(&reader));
    struct bytes inner = read_bytes(&reader, read_left(&reader));
    TRY(read_end(&reader, "not an exported Negotiate context (ImportSecurityContext)"));
    const struct mech *mech = exported_mech(name);
    REQUIRE(version == VERSION, SEC_E_INVALID_TOKEN,
            "an exported Negotiate context of another version (ImportSecurityContext)");
    REQUIRE(mech != NULL, SEC_E_INVALID_TOKEN,
            "an exported context of a package that is not here (ImportSecurityContext)");
    const struct package *package = package_find_utf8(mech->package);
    REQUIRE(package->import_context != NULL, SEC_E_UNSUPPORTED_FUNCTION,
            "the package's contexts cannot be moved (ImportSecurityContext)");
    struct negotiate_context *context = NULL;
    TRY(negotiate_context_new(false, NULL, &context));
    SECURITY_STATUS status = package->import_context(inner, &context->inner);
    if (status < 0) {
        negotiate_dispose(&context->base);
        return status;
    }
    context->base.initiator = context->inner->initiator;
    context->base.established = true;
    bool one_stream = atomic_load_explicit(&context->inner->one_stream, memory_order_relaxed);
    atomic_store_explicit(&context->base.one_stream, one_stream, memory_order_relaxed);
    context->state = NEGOTIATE_STATE_DONE;
    context->settled = true;
    context->direct = direct;
    context->inner_done = true;
    context->mech = mech;
    *out_context = &context->base;
    return SEC_E_OK;
}
