#include "credssp/ts_request.h"

#include <limits.h>

#include <openssl/asn1t.h>
#include <openssl/safestack.h>

#include "crypto/openssl_errors.h"
#include "wire/gss_frame.h"

#define TAG_SEQUENCE 0x30
#define HEADER_MAX   6 /* tag and a length of four bytes behind its count */

/* ---------------------------------------------------------------- the ASN.1 of MS-CSSP 2.2.1 */

/* The formatter takes a template's macros for something else. */
/* clang-format off */

typedef struct {
    ASN1_OCTET_STRING *token;
} NEGO_DATA;

ASN1_SEQUENCE(NEGO_DATA) = {
    ASN1_EXP(NEGO_DATA, token, ASN1_OCTET_STRING, 0),
} static_ASN1_SEQUENCE_END(NEGO_DATA)

DEFINE_STACK_OF(NEGO_DATA)

typedef struct {
    ASN1_INTEGER *version;
    STACK_OF(NEGO_DATA) *nego_tokens;
    ASN1_OCTET_STRING *auth_info;
    ASN1_OCTET_STRING *pub_key_auth;
    ASN1_INTEGER *error_code;
    ASN1_OCTET_STRING *nonce;
} TS_REQUEST;

ASN1_SEQUENCE(TS_REQUEST) = {
    ASN1_EXP(TS_REQUEST, version, ASN1_INTEGER, 0),
    ASN1_EXP_SEQUENCE_OF_OPT(TS_REQUEST, nego_tokens, NEGO_DATA, 1),
    ASN1_EXP_OPT(TS_REQUEST, auth_info, ASN1_OCTET_STRING, 2),
    ASN1_EXP_OPT(TS_REQUEST, pub_key_auth, ASN1_OCTET_STRING, 3),
    ASN1_EXP_OPT(TS_REQUEST, error_code, ASN1_INTEGER, 4),
    ASN1_EXP_OPT(TS_REQUEST, nonce, ASN1_OCTET_STRING, 5),
} static_ASN1_SEQUENCE_END(TS_REQUEST)

/* What goes out: a list of one is a sequence of one member, and needs no list. */
typedef struct {
    const NEGO_DATA *only;
} NEGO_LIST_OUT;

ASN1_SEQUENCE(NEGO_LIST_OUT) = {
    ASN1_SIMPLE(NEGO_LIST_OUT, only, NEGO_DATA),
} static_ASN1_SEQUENCE_END(NEGO_LIST_OUT)

typedef struct {
    ASN1_INTEGER *version;
    const NEGO_LIST_OUT *nego_tokens;
    ASN1_OCTET_STRING *auth_info;
    ASN1_OCTET_STRING *pub_key_auth;
    ASN1_INTEGER *error_code;
    ASN1_OCTET_STRING *nonce;
} TS_REQUEST_OUT;

ASN1_SEQUENCE(TS_REQUEST_OUT) = {
    ASN1_EXP(TS_REQUEST_OUT, version, ASN1_INTEGER, 0),
    ASN1_EXP_OPT(TS_REQUEST_OUT, nego_tokens, NEGO_LIST_OUT, 1),
    ASN1_EXP_OPT(TS_REQUEST_OUT, auth_info, ASN1_OCTET_STRING, 2),
    ASN1_EXP_OPT(TS_REQUEST_OUT, pub_key_auth, ASN1_OCTET_STRING, 3),
    ASN1_EXP_OPT(TS_REQUEST_OUT, error_code, ASN1_INTEGER, 4),
    ASN1_EXP_OPT(TS_REQUEST_OUT, nonce, ASN1_OCTET_STRING, 5),
} static_ASN1_SEQUENCE_END(TS_REQUEST_OUT)

    /* clang-format on */

    /* ---------------------------------------------------------------- in */

    SECURITY_STATUS ts_request_size(struct bytes start, size_t *out_size)
{
    size_t size = 0;
    REQUIRE(start.size == 0 || start.data[0] == TAG_SEQUENCE, SEC_E_INVALID_TOKEN,
            "what the channel carries is no TSRequest (MS-CSSP 2.2.1)");
    if (!gss_frame_size(start, &size)) {
        REQUIRE(start.size < HEADER_MAX, SEC_E_INVALID_TOKEN, "TSRequest: a length that DER has not (MS-CSSP 2.2.1)");
        size = 0;
    }
    REQUIRE(size <= TS_REQUEST_MAX, SEC_E_INVALID_TOKEN, "TSRequest: longer than 128 KiB");
    *out_size = size;
    return SEC_E_OK;
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

static SECURITY_STATUS take_version(const TS_REQUEST *request, struct ts_request *out)
{
    int64_t version = 0;
    REQUIRE(ASN1_INTEGER_get_int64(&version, request->version) == 1 && version >= TS_VERSION_FIRST &&
                version <= INT32_MAX,
            SEC_E_INVALID_TOKEN, "TSRequest: a version there never was (MS-CSSP 2.2.1)");
    out->version = (uint32_t)version;
    return SEC_E_OK;
}

/* A status with its highest bit set is negative in 32 bits; some write it as a positive number of 33. */
static SECURITY_STATUS take_error(const TS_REQUEST *request, struct ts_request *out)
{
    int64_t error = 0;
    if (request->error_code == NULL) {
        return SEC_E_OK;
    }
    REQUIRE(ASN1_INTEGER_get_int64(&error, request->error_code) == 1 && error >= INT32_MIN && error <= UINT32_MAX,
            SEC_E_INVALID_TOKEN, "TSRequest: errorCode is not 32 bits (MS-CSSP 2.2.1)");
    out->has_error = true;
    out->error = (uint32_t)error;
    return SEC_E_OK;
}

static SECURITY_STATUS parse(struct bytes message, struct ts_request *out)
{
    const unsigned char *at = message.data;
    REQUIRE(message.size != 0 && message.size <= TS_REQUEST_MAX, SEC_E_INVALID_TOKEN, "TSRequest: empty, or too long");
    TS_REQUEST *request = (TS_REQUEST *)ASN1_item_d2i(NULL, &at, (long)message.size, ASN1_ITEM_rptr(TS_REQUEST));
    REQUIRE(request != NULL, SEC_E_INVALID_TOKEN, "not a TSRequest (MS-CSSP 2.2.1)");
    out->owner = request;
    REQUIRE(at == message.data + message.size, SEC_E_INVALID_TOKEN, "TSRequest: bytes behind it (MS-CSSP 2.2.1)");
    TRY(take_version(request, out));
    TRY(take_error(request, out));
    if (request->nego_tokens != NULL) {
        REQUIRE(sk_NEGO_DATA_num(request->nego_tokens) > 0, SEC_E_INVALID_TOKEN,
                "TSRequest: negoTokens without a token (MS-CSSP 2.2.1.1)");
        out->nego_token = slice(sk_NEGO_DATA_value(request->nego_tokens, 0)->token);
    }
    out->auth_info = slice(request->auth_info);
    out->pub_key_auth = slice(request->pub_key_auth);
    out->nonce = slice(request->nonce);
    return SEC_E_OK;
}

SECURITY_STATUS ts_request_parse(struct bytes message, struct ts_request *out)
{
    AUTO_TS_REQUEST found = {.owner = NULL};
    openssl_errors_mark();
    SECURITY_STATUS status = parse(message, &found);
    openssl_errors_forget();
    TRY(status);
    *out = found;
    found.owner = NULL;
    return SEC_E_OK;
}

void ts_request_free(struct ts_request *request)
{
    ASN1_item_free(request->owner, ASN1_ITEM_rptr(TS_REQUEST));
    request->owner = NULL;
}

/* ---------------------------------------------------------------- out */

/* Fills in a string of this type that borrows `bytes`; NULL, for nothing at all, when those are absent. */
static ASN1_STRING *lend(struct bytes bytes, int type, ASN1_STRING *string)
{
    string->type = type;
    string->length = (int)bytes.size;
    string->data = (unsigned char *)(uintptr_t)bytes.data;
    return bytes.data != NULL ? string : NULL;
}

/* An integer of 32 bits, as ASN1_INTEGER has it: sign and magnitude. */
static ASN1_INTEGER *lend_number(int32_t number, uint8_t room[4], ASN1_STRING *string)
{
    struct writer writer = write_into(room, 4);
    write_u32be(&writer, number < 0 ? 0 - (uint32_t)number : (uint32_t)number);
    size_t zeros = 0;
    while (zeros < 3 && room[zeros] == 0) {
        zeros++;
    }
    return lend(bytes_of(room + zeros, 4 - zeros), number < 0 ? V_ASN1_NEG_INTEGER : V_ASN1_INTEGER, string);
}

static SECURITY_STATUS build(const struct ts_request *request, struct writer *out)
{
    ASN1_STRING version = {0}, token = {0}, auth_info = {0}, pub_key_auth = {0}, error = {0}, nonce = {0};
    uint8_t version_room[4], error_room[4];
    const NEGO_DATA data = {.token = lend(request->nego_token, V_ASN1_OCTET_STRING, &token)};
    const NEGO_LIST_OUT list = {.only = &data};
    TS_REQUEST_OUT message = {
        .version = lend_number((int32_t)request->version, version_room, &version),
        .nego_tokens = data.token != NULL ? &list : NULL,
        .auth_info = lend(request->auth_info, V_ASN1_OCTET_STRING, &auth_info),
        .pub_key_auth = lend(request->pub_key_auth, V_ASN1_OCTET_STRING, &pub_key_auth),
        .error_code = request->has_error ? lend_number((int32_t)request->error, error_room, &error) : NULL,
        .nonce = lend(request->nonce, V_ASN1_OCTET_STRING, &nonce),
    };
    int size = ASN1_item_i2d((const ASN1_VALUE *)&message, NULL, ASN1_ITEM_rptr(TS_REQUEST_OUT));
    REQUIRE(size > 0, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a TSRequest");
    unsigned char *at = write_space(out, (size_t)size);
    if (at != NULL) {
        (void)ASN1_item_i2d((const ASN1_VALUE *)&message, &at, ASN1_ITEM_rptr(TS_REQUEST_OUT));
    }
    return write_end(out);
}

SECURITY_STATUS ts_request_build(const struct ts_request *request, struct writer *out)
{
    size_t size = request->nego_token.size + request->auth_info.size + request->pub_key_auth.size + request->nonce.size;
    REQUIRE(size < TS_REQUEST_MAX, SEC_E_BUFFER_TOO_SMALL, "a TSRequest longer than any");
    openssl_errors_mark();
    SECURITY_STATUS status = build(request, out);
    openssl_errors_forget();
    return status;
}
