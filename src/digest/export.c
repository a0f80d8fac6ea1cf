/* An established session, moved into another process (ExportSecurityContext, ImportSecurityContext).  The first one ends: the
 * streams of two would be one, and so would be the counts of their requests.  The password stays behind, so a client's
 * session answers no further challenge.
 *
 * | size | field                                                                                       |
 * |    8 | "SSPIDGST"                                                                                  |
 * |    4 | version 1                                                                                   |
 * |    4 | bits: 1 initiator, 2 HTTP, 4 authzid, 8 opaque, 16 algorithm, 32 charset, 64 -sess, 128 userhash, 256 authzid processed |
 * |  4x1 | hash, qop, cipher, 0                                                                        |
 * |    2 | size of the domain in the account's name                                                    |
 * |  5x4 | request, returned flags, count, maxbuf of this side and of the peer                         |
 * |   32 | H(A1)                                                                                       |
 * |    n | with a security layer, send then receive: u32 number, 258 bytes RC4 or 8 of DES             |
 * | 10x2 | sizes of the texts, in the order of enum digest_string; then those                          |
 */
#include "base/auto.h"
#include "digest/context.h"
#include "wire/reader.h"

#define VERSION 1

enum {
    BIT_INITIATOR = 1,
    BIT_HTTP = 2,
    BIT_AUTHZID = 4,
    BIT_OPAQUE = 8,
    BIT_ALGORITHM = 16,
    BIT_CHARSET = 32,
    BIT_SESSION = 64,
    BIT_USERHASH = 128,
    BIT_PROCESSED = 256,
    BITS_KNOWN = 511,
};

#define NOT_WHOLE "an exported Digest context is not whole (ImportSecurityContext)"

static const uint8_t magic[8] = {'S', 'S', 'P', 'I', 'D', 'G', 'S', 'T'};

static uint32_t bits_of(const struct digest_context *context)
{
    return (context->base.initiator ? BIT_INITIATOR : 0u) | (context->http ? BIT_HTTP : 0u) |
           (context->has_authzid ? BIT_AUTHZID : 0u) | (context->has_opaque ? BIT_OPAQUE : 0u) |
           (context->has_algorithm ? BIT_ALGORITHM : 0u) | (context->charset ? BIT_CHARSET : 0u) |
           (context->algorithm.session ? BIT_SESSION : 0u) | (context->userhash ? BIT_USERHASH : 0u) |
           (context->authz_processed ? BIT_PROCESSED : 0u);
}

SECURITY_STATUS digest_export(struct context *base, uint32_t flags, struct writer *out)
{
    const struct digest_context *context = (const struct digest_context *)base;
    struct bytes strings[DIGEST_TEXTS];
    REQUIRE(base->established && context->state == DIGEST_STATE_DONE, SEC_E_OUT_OF_SEQUENCE,
            "only an established Digest context can be exported (ExportSecurityContext)");
    REQUIRE(base->initiator || !context->http, SEC_E_UNSUPPORTED_FUNCTION,
            "a server's HTTP session is found by its credential, and its nonces are good in their process alone");
    REQUIRE((flags & SECPKG_CONTEXT_EXPORT_RESET_NEW) == 0, SEC_E_UNSUPPORTED_FUNCTION,
            "a Digest session cannot begin again with its keys: streams and counts would come twice");
    write_bytes(out, BYTES(magic));
    write_u32le(out, VERSION);
    write_u32le(out, bits_of(context));
    write_u8(out, (uint8_t)context->algorithm.hash);
    write_u8(out, context->qop);
    write_u8(out, context->cipher);
    write_u8(out, context->send != NULL);
    write_u16le(out, context->domain_size);
    write_u32le(out, context->request);
    write_u32le(out, context->returned);
    write_u32le(out, context->count);
    write_u32le(out, context->receive_limit);
    write_u32le(out, context->send_limit);
    write_bytes(out, BYTES(context->session_key.b));
    if (context->send != NULL) {
        digest_layer_write(context->send, out);
        digest_layer_write(context->receive, out);
    }
    digest_strings_get(context, strings);
    if (base->initiator) { /* where it is, the name is the context's own */
        strings[DIGEST_TEXT_QUALIFIED] = utf16_bytes(digest_account_name(context));
    }
    for (int i = 0; i < DIGEST_TEXTS; i++) {
        write_u16le(out, (uint16_t)strings[i].size);
    }
    for (int i = 0; i < DIGEST_TEXTS; i++) {
        write_bytes(out, strings[i]);
    }
    return write_end(out);
}

void digest_exported(struct context *base)
{
    struct digest_context *context = (struct digest_context *)base;
    digest_layers_end(context);
    secret_wipe(&context->session_key, sizeof context->session_key);
    context->state = DIGEST_STATE_FAILED;
}

static void read_numbers(struct reader *reader, struct digest_context *context)
{
    context->domain_size = read_u16le(reader);
    context->request = read_u32le(reader);
    context->returned = read_u32le(reader);
    context->count = read_u32le(reader);
    context->receive_limit = read_u32le(reader);
    context->send_limit = read_u32le(reader);
    struct writer key = write_into(context->session_key.b, sizeof context->session_key.b);
    write_bytes(&key, read_bytes(reader, sizeof context->session_key.b));
}

static bool is_one_of(unsigned bits, unsigned known)
{
    return bits == 0 || ((bits & ~known) == 0 && (bits & (bits - 1)) == 0);
}

/* What a handshake can have come to: a layer has a cipher or none, HTTP has no layer, and a text knows its parts. */
static SECURITY_STATUS check(const struct digest_context *context, bool layer)
{
    bool integrity = context->qop == DIGEST_QOP_INT || context->qop == DIGEST_QOP_CONF;
    unsigned hash = context->algorithm.hash;
    bool good = hash >= DIGEST_MD5 && hash <= DIGEST_SHA512_256 &&
                is_one_of(context->qop, DIGEST_QOP_AUTH | DIGEST_QOP_INT | DIGEST_QOP_CONF) &&
                is_one_of(context->cipher, DIGEST_CIPHER_RC4 | DIGEST_CIPHER_3DES | DIGEST_CIPHER_DES |
                                               DIGEST_CIPHER_RC4_56 | DIGEST_CIPHER_RC4_40) &&
                (context->cipher != 0) == (context->qop == DIGEST_QOP_CONF) && layer == (!context->http && integrity) &&
                (context->base.initiator || !context->http);
    REQUIRE(good, SEC_E_INVALID_TOKEN, NOT_WHOLE);
    return SEC_E_OK;
}

static SECURITY_STATUS read_strings(struct reader *reader, struct digest_context *context)
{
    struct bytes strings[DIGEST_TEXTS];
    uint16_t sizes[DIGEST_TEXTS];
    for (int i = 0; i < DIGEST_TEXTS; i++) {
        sizes[i] = read_u16le(reader);
    }
    for (int i = 0; i < DIGEST_TEXTS; i++) {
        strings[i] = read_bytes(reader, sizes[i]);
    }
    TRY(read_end(reader, NOT_WHOLE));
    struct bytes unix_name = strings[DIGEST_TEXT_UNIX];
    size_t qualified = strings[DIGEST_TEXT_QUALIFIED].size;
    bool good = qualified % 2 == 0 && strings[DIGEST_TEXT_TARGET].size % 2 == 0 && context->domain_size % 2 == 0 &&
                (context->domain_size == 0 || context->domain_size + 2u <= qualified) &&
                (unix_name.size == 0 || unix_name.data[unix_name.size - 1] == '\0');
    REQUIRE(good, SEC_E_INVALID_TOKEN, NOT_WHOLE);
    return digest_strings_set(context, strings);
}

static void dispose_half_made(struct digest_context **context)
{
    if (*context != NULL) {
        digest_dispose(&(*context)->base);
    }
}

SECURITY_STATUS digest_import(struct bytes blob, struct context **out_context)
{
    struct reader reader = read_start(blob);
    AUTO(dispose_half_made) struct digest_context *context = NULL;
    read_expect(&reader, magic, sizeof magic);
    uint32_t version = read_u32le(&reader);
    uint32_t bits = read_u32le(&reader);
    REQUIRE(!reader.bad && version == VERSION && (bits & ~(uint32_t)BITS_KNOWN) == 0, SEC_E_INVALID_TOKEN,
            "not an exported Digest context of this version (ImportSecurityContext)");
    TRY(digest_context_new((bits & BIT_INITIATOR) != 0, (bits & BIT_HTTP) != 0, 0, NULL, &context));
    context->has_authzid = (bits & BIT_AUTHZID) != 0;
    context->has_opaque = (bits & BIT_OPAQUE) != 0;
    context->has_algorithm = (bits & BIT_ALGORITHM) != 0;
    context->charset = (bits & BIT_CHARSET) != 0;
    context->userhash = (bits & BIT_USERHASH) != 0;
    context->authz_processed = (bits & BIT_PROCESSED) != 0;
    context->algorithm = (struct digest_algorithm){(enum digest_hash)read_u8(&reader), (bits & BIT_SESSION) != 0};
    context->qop = read_u8(&reader);
    context->cipher = read_u8(&reader);
    uint8_t layer = read_u8(&reader);
    read_numbers(&reader, context);
    REQUIRE(!reader.bad && layer <= 1, SEC_E_INVALID_TOKEN, NOT_WHOLE);
    TRY(check(context, layer == 1));
    TRY(digest_layers_start(context));
    if (layer == 1) {
        digest_layer_read(context->send, &reader);
        digest_layer_read(context->receive, &reader);
    }
    TRY(read_strings(&reader, context));
    context->state = DIGEST_STATE_DONE;
    context->base.established = true;
    *out_context = &STEAL(context)->base;
    return SEC_E_OK;
}
