#include "negotiate/neg_token.h"

#include <limits.h>

#include <openssl/asn1t.h>

#include "crypto/openssl_errors.h"
#include "wire/gss_frame.h"
#include "wire/reader.h"

#define TAG_FRAME 0x60

static const uint8_t spnego_oid[] = {0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02};

/* ---------------------------------------------------------------- the ASN.1 of RFC 4178 4.2 */

/* The formatter takes a template's macros for something else. */
/* clang-format off */

/* One for Init and Init2.  A list kept as the bytes it came in, since the MIC covers just those. */
typedef struct {
    ASN1_STRING *mech_types;
    ASN1_TYPE *req_flags;
    ASN1_OCTET_STRING *mech_token;
    ASN1_TYPE *third;
    ASN1_OCTET_STRING *fourth;
} NEG_INIT;

ASN1_SEQUENCE(NEG_INIT) = {
    ASN1_EXP(NEG_INIT, mech_types, ASN1_SEQUENCE, 0),
    ASN1_EXP_OPT(NEG_INIT, req_flags, ASN1_ANY, 1),
    ASN1_EXP_OPT(NEG_INIT, mech_token, ASN1_OCTET_STRING, 2),
    ASN1_EXP_OPT(NEG_INIT, third, ASN1_ANY, 3),
    ASN1_EXP_OPT(NEG_INIT, fourth, ASN1_OCTET_STRING, 4),
} static_ASN1_SEQUENCE_END(NEG_INIT)

typedef struct {
    ASN1_ENUMERATED *state;
    ASN1_OBJECT *mech;
    ASN1_OCTET_STRING *token;
    ASN1_OCTET_STRING *mic;
} NEG_RESP;

ASN1_SEQUENCE(NEG_RESP) = {
    ASN1_EXP_OPT(NEG_RESP, state, ASN1_ENUMERATED, 0),
    ASN1_EXP_OPT(NEG_RESP, mech, ASN1_OBJECT, 1),
    ASN1_EXP_OPT(NEG_RESP, token, ASN1_OCTET_STRING, 2),
    ASN1_EXP_OPT(NEG_RESP, mic, ASN1_OCTET_STRING, 3),
} static_ASN1_SEQUENCE_END(NEG_RESP)

typedef struct {
    int type;
    union {
        NEG_INIT *init;
        NEG_RESP *resp;
    } value;
} NEG_CHOICE;

ASN1_CHOICE(NEG_CHOICE) = {
    ASN1_EXP(NEG_CHOICE, value.init, NEG_INIT, 0),
    ASN1_EXP(NEG_CHOICE, value.resp, NEG_RESP, 1),
} static_ASN1_CHOICE_END(NEG_CHOICE)

/* What goes out: the mechanism with its own tag, copied as it stands, as a SEQUENCE that was kept whole would be. */
typedef struct {
    ASN1_ENUMERATED *state;
    ASN1_STRING *mech;
    ASN1_OCTET_STRING *token;
    ASN1_OCTET_STRING *mic;
} NEG_RESP_OUT;

ASN1_SEQUENCE(NEG_RESP_OUT) = {
    ASN1_EXP_OPT(NEG_RESP_OUT, state, ASN1_ENUMERATED, 0),
    ASN1_EXP_OPT(NEG_RESP_OUT, mech, ASN1_SEQUENCE, 1),
    ASN1_EXP_OPT(NEG_RESP_OUT, token, ASN1_OCTET_STRING, 2),
    ASN1_EXP_OPT(NEG_RESP_OUT, mic, ASN1_OCTET_STRING, 3),
} static_ASN1_SEQUENCE_END(NEG_RESP_OUT)

typedef struct {
    int type;
    union {
        const NEG_INIT *init;
        const NEG_RESP_OUT *resp;
    } value;
} NEG_CHOICE_OUT;

ASN1_CHOICE(NEG_CHOICE_OUT) = {
    ASN1_EXP(NEG_CHOICE_OUT, value.init, NEG_INIT, 0),
    ASN1_EXP(NEG_CHOICE_OUT, value.resp, NEG_RESP_OUT, 1),
} static_ASN1_CHOICE_END(NEG_CHOICE_OUT)

typedef struct {
    ASN1_GENERALSTRING *name;
    ASN1_OCTET_STRING *address;
} NEG_HINTS;

ASN1_SEQUENCE(NEG_HINTS) = {
    ASN1_EXP_OPT(NEG_HINTS, name, ASN1_GENERALSTRING, 0),
    ASN1_EXP_OPT(NEG_HINTS, address, ASN1_OCTET_STRING, 1),
} static_ASN1_SEQUENCE_END(NEG_HINTS)

ASN1_ITEM_TEMPLATE(NEG_MECHS) =
    ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF, 0, mechs, ASN1_OBJECT)
static_ASN1_ITEM_TEMPLATE_END(NEG_MECHS)

enum { CHOICE_INIT, CHOICE_RESP };

/* clang-format on */

/* ---------------------------------------------------------------- in */

/* Decodes all of `der`; NULL when it is not that, or has a tail. */
static void *decode(struct bytes der, const ASN1_ITEM *item)
{
    const unsigned char *at = der.data;
    if (der.data == NULL || der.size == 0 || der.size > INT_MAX) {
        return NULL;
    }
    ASN1_VALUE *value = ASN1_item_d2i(NULL, &at, (long)der.size, item);
    if (value != NULL && at != der.data + der.size) {
        ASN1_item_free(value, item);
        return NULL;
    }
    return value;
}

/* An absent member gives data NULL, an empty one does not. */
static struct bytes slice(const ASN1_STRING *string)
{
    if (string == NULL) {
        return BYTES_NONE;
    }
    const unsigned char *data = ASN1_STRING_get0_data(string);
    return bytes_of(data != NULL ? data : (const unsigned char *)"", (size_t)ASN1_STRING_length(string));
}

static struct neg_oid take_oid(const ASN1_OBJECT *object)
{
    struct neg_oid oid = {.size = 0};
    int size = i2d_ASN1_OBJECT(object, NULL);
    if (size > 0 && size <= NEG_OID_MAX) {
        unsigned char *at = oid.der;
        oid.size = (uint8_t)i2d_ASN1_OBJECT(object, &at);
    }
    return oid;
}

static SECURITY_STATUS take_mechs(struct neg_token *out)
{
    STACK_OF(ASN1_OBJECT) *mechs = decode(out->mech_types, ASN1_ITEM_rptr(NEG_MECHS));
    REQUIRE(mechs != NULL, SEC_E_INVALID_TOKEN, "NegTokenInit: mechTypes is not a list of OIDs (RFC 4178 4.1)");
    int count = sk_ASN1_OBJECT_num(mechs);
    for (int i = 0; i < count && out->mech_count < NEG_MECHS_MAX; i++) {
        out->mechs[out->mech_count] = take_oid(sk_ASN1_OBJECT_value(mechs, i));
        out->mech_count++;
    }
    ASN1_item_free((ASN1_VALUE *)mechs, ASN1_ITEM_rptr(NEG_MECHS));
    REQUIRE(count > 0, SEC_E_INVALID_TOKEN, "NegTokenInit: mechTypes is empty (RFC 4178 4.2.1)");
    return SEC_E_OK;
}

/* The hint is for nobody's eyes; that it is there makes the token an Init2 (MS-SPNG 2.2.1). */
static SECURITY_STATUS take_hints(const ASN1_TYPE *third, struct neg_token *out)
{
    NEG_HINTS *hints = decode(slice(third->value.sequence), ASN1_ITEM_rptr(NEG_HINTS));
    REQUIRE(hints != NULL, SEC_E_INVALID_TOKEN, "NegTokenInit2: negHints is malformed (MS-SPNG 2.2.1)");
    out->hints_owner = hints;
    out->kind = NEG_TOKEN_INIT2;
    out->hint_name = slice(hints->name);
    return SEC_E_OK;
}

static SECURITY_STATUS take_init(const NEG_INIT *init, struct neg_token *out)
{
    out->kind = NEG_TOKEN_INIT;
    out->mech_types = slice(init->mech_types);
    TRY(take_mechs(out));
    out->token = slice(init->mech_token);
    if (init->third == NULL) {
        out->mic = slice(init->fourth);
        return SEC_E_OK;
    }
    if (ASN1_TYPE_get(init->third) == V_ASN1_SEQUENCE) {
        TRY(take_hints(init->third, out));
        out->mic = slice(init->fourth);
        return SEC_E_OK;
    }
    REQUIRE(ASN1_TYPE_get(init->third) == V_ASN1_OCTET_STRING && init->fourth == NULL, SEC_E_INVALID_TOKEN,
            "NegTokenInit: [3] is neither a mechListMIC nor negHints (RFC 4178 4.2.1, MS-SPNG 2.2.1)");
    out->mic = slice(init->third->value.octet_string);
    return SEC_E_OK;
}

/* Windows 2000 repeats the response token in the place of the MIC; that is no MIC (observed by MIT). */
static SECURITY_STATUS take_resp(const NEG_RESP *resp, struct neg_token *out)
{
    out->kind = NEG_TOKEN_RESP;
    if (resp->state != NULL) {
        long state = ASN1_ENUMERATED_get(resp->state);
        REQUIRE(state >= NEG_ACCEPT_COMPLETED && state <= NEG_REQUEST_MIC, SEC_E_INVALID_TOKEN,
                "NegTokenResp: negState is none of the four (RFC 4178 4.2.2)");
        out->has_state = true;
        out->state = (enum neg_state)state;
    }
    if (resp->mech != NULL) {
        out->has_mech = true;
        out->mech = take_oid(resp->mech);
    }
    out->token = slice(resp->token);
    bool repeated = resp->token != NULL && resp->mic != NULL && ASN1_STRING_cmp(resp->token, resp->mic) == 0;
    out->mic = repeated ? BYTES_NONE : slice(resp->mic);
    return SEC_E_OK;
}

static SECURITY_STATUS unframe(struct bytes token, struct bytes *out)
{
    *out = token;
    if (token.size == 0 || token.data[0] != TAG_FRAME) {
        return SEC_E_OK;
    }
    struct bytes mechanism;
    TRY(gss_frame_parse(token, &mechanism, out));
    struct reader reader = read_start(mechanism);
    read_expect(&reader, spnego_oid, sizeof spnego_oid);
    return read_end(&reader, "a framed GSS token of another mechanism than SPNEGO (RFC 4178 4.2)");
}

static SECURITY_STATUS parse(struct bytes token, struct neg_token *out)
{
    struct bytes inner;
    TRY(unframe(token, &inner));
    NEG_CHOICE *choice = decode(inner, ASN1_ITEM_rptr(NEG_CHOICE));
    REQUIRE(choice != NULL, SEC_E_INVALID_TOKEN, "not a NegotiationToken (RFC 4178 4.2)");
    out->owner = choice;
    REQUIRE(inner.data == token.data || choice->type == CHOICE_INIT, SEC_E_INVALID_TOKEN,
            "a NegTokenResp in a frame, which belongs to initial tokens alone (RFC 4178 4.2)");
    return choice->type == CHOICE_INIT ? take_init(choice->value.init, out) : take_resp(choice->value.resp, out);
}

SECURITY_STATUS neg_token_parse(struct bytes token, struct neg_token *out)
{
    AUTO_NEG_TOKEN found = {.owner = NULL};
    openssl_errors_mark();
    SECURITY_STATUS status = parse(token, &found);
    openssl_errors_forget();
    TRY(status);
    *out = found;
    found.owner = NULL;
    found.hints_owner = NULL;
    return SEC_E_OK;
}

void neg_token_free(struct neg_token *token)
{
    ASN1_item_free(token->owner, ASN1_ITEM_rptr(NEG_CHOICE));
    ASN1_item_free(token->hints_owner, ASN1_ITEM_rptr(NEG_HINTS));
    token->owner = NULL;
    token->hints_owner = NULL;
}

/* ---------------------------------------------------------------- out
 *
 * OpenSSL's structures stand on the stack and point at the caller's bytes: building a token allocates nothing.
 */

#define SCRATCH  2048
#define OVERHEAD 160 /* tags and lengths of any token, with room to spare; not the bytes that are lent */

/* `content` is what the value lends.  Asking for the size first costs as much as encoding, so a small one is not asked. */
static SECURITY_STATUS encode(const void *value, const ASN1_ITEM *item, size_t content, struct writer *out)
{
    if (content <= SCRATCH - OVERHEAD) {
        uint8_t scratch[SCRATCH];
        unsigned char *at = scratch;
        int written = ASN1_item_i2d((const ASN1_VALUE *)value, &at, item);
        REQUIRE(written > 0, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an SPNEGO token");
        write_bytes(out, bytes_of(scratch, (size_t)written));
        return write_end(out);
    }
    int size = ASN1_item_i2d((const ASN1_VALUE *)value, NULL, item);
    REQUIRE(size > 0, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an SPNEGO token");
    unsigned char *at = write_space(out, (size_t)size);
    if (at != NULL) {
        (void)ASN1_item_i2d((const ASN1_VALUE *)value, &at, item);
    }
    return write_end(out);
}

/* Fills in a string of this type that borrows `bytes`; NULL, for nothing at all, when those are absent. */
static ASN1_STRING *lend(struct bytes bytes, int type, ASN1_STRING *string)
{
    string->type = type;
    string->length = (int)bytes.size;
    string->data = (unsigned char *)(uintptr_t)bytes.data;
    return bytes.data != NULL ? string : NULL;
}

static SECURITY_STATUS build_framed(const NEG_INIT *init, size_t size, struct writer *out)
{
    NEG_CHOICE_OUT choice = {.type = CHOICE_INIT, .value.init = init};
    uint8_t scratch[SCRATCH];
    bool small = size <= SCRATCH - OVERHEAD;
    AUTO_WRITER inner = small ? write_into(scratch, sizeof scratch) : write_growing(size + OVERHEAD);
    TRY(encode(&choice, ASN1_ITEM_rptr(NEG_CHOICE_OUT), size, &inner));
    gss_frame_build(BYTES(spnego_oid), write_result(&inner), out);
    return write_end(out);
}

static SECURITY_STATUS build_init(const struct neg_token *token, struct writer *out)
{
    ASN1_STRING mech_types = {0}, mech_token = {0}, name = {0}, sequence = {0};
    uint8_t room[256];
    struct writer der = write_into(room, sizeof room);
    ASN1_TYPE third = {.type = V_ASN1_SEQUENCE, .value.sequence = &sequence};
    NEG_INIT init = {.mech_types = lend(token->mech_types, V_ASN1_SEQUENCE, &mech_types),
                     .mech_token = lend(token->token, V_ASN1_OCTET_STRING, &mech_token)};
    if (token->hint_name.data != NULL) {
        NEG_HINTS hints = {.name = lend(token->hint_name, V_ASN1_GENERALSTRING, &name)};
        TRY(encode(&hints, ASN1_ITEM_rptr(NEG_HINTS), token->hint_name.size, &der));
        (void)lend(write_result(&der), V_ASN1_SEQUENCE, &sequence);
        init.third = &third;
    }
    return build_framed(&init, token->token.size + token->mech_types.size + der.size, out);
}

static SECURITY_STATUS build_resp(const struct neg_token *token, struct writer *out)
{
    ASN1_STRING state = {0}, mech = {0}, mech_token = {0}, mic = {0};
    const uint8_t number[] = {(uint8_t)token->state};
    struct bytes oid = token->has_mech ? neg_oid_bytes(&token->mech) : BYTES_NONE;
    NEG_RESP_OUT resp = {.state = lend(token->has_state ? BYTES(number) : BYTES_NONE, V_ASN1_ENUMERATED, &state),
                         .mech = lend(oid, V_ASN1_SEQUENCE, &mech),
                         .token = lend(token->token, V_ASN1_OCTET_STRING, &mech_token),
                         .mic = lend(token->mic, V_ASN1_OCTET_STRING, &mic)};
    NEG_CHOICE_OUT choice = {.type = CHOICE_RESP, .value.resp = &resp};
    size_t content = oid.size + token->token.size + token->mic.size;
    return encode(&choice, ASN1_ITEM_rptr(NEG_CHOICE_OUT), content, out);
}

static SECURITY_STATUS build(const struct neg_token *token, struct writer *out)
{
    size_t size = token->token.size + token->mech_types.size + token->hint_name.size + token->mic.size;
    REQUIRE(size < INT_MAX / 2, SEC_E_BUFFER_TOO_SMALL, "an SPNEGO token longer than any");
    return token->kind == NEG_TOKEN_RESP ? build_resp(token, out) : build_init(token, out);
}

SECURITY_STATUS neg_token_build(const struct neg_token *token, struct writer *out)
{
    openssl_errors_mark();
    SECURITY_STATUS status = build(token, out);
    openssl_errors_forget();
    return status;
}

/* What is freed when a list under construction goes out of scope, finished or not. */
static void free_mechs(STACK_OF(ASN1_OBJECT) * *mechs)
{
    ASN1_item_free((ASN1_VALUE *)*mechs, ASN1_ITEM_rptr(NEG_MECHS));
}

static SECURITY_STATUS give_oid(const struct neg_oid *oid, ASN1_OBJECT **out)
{
    const unsigned char *at = oid->der;
    *out = d2i_ASN1_OBJECT(NULL, &at, oid->size);
    REQUIRE(*out != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an SPNEGO token");
    return SEC_E_OK;
}

static SECURITY_STATUS build_mechs(const struct neg_oid *const *mechs, size_t count, struct writer *out)
{
    __attribute__((cleanup(free_mechs))) STACK_OF(ASN1_OBJECT) *list = sk_ASN1_OBJECT_new_null();
    REQUIRE(list != NULL, SEC_E_INSUFFICIENT_MEMORY, "out of memory for an SPNEGO token");
    for (size_t i = 0; i < count; i++) {
        ASN1_OBJECT *object = NULL;
        TRY(give_oid(mechs[i], &object));
        if (sk_ASN1_OBJECT_push(list, object) == 0) {
            ASN1_OBJECT_free(object);
            FAIL(SEC_E_INSUFFICIENT_MEMORY, "out of memory for an SPNEGO token");
        }
    }
    return encode(list, ASN1_ITEM_rptr(NEG_MECHS), count * NEG_OID_MAX, out);
}

SECURITY_STATUS neg_mech_types_build(const struct neg_oid *const *mechs, size_t count, struct writer *out)
{
    openssl_errors_mark();
    SECURITY_STATUS status = build_mechs(mechs, count, out);
    openssl_errors_forget();
    return status;
}
