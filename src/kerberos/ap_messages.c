#include "kerberos/ap_messages.h"

#include <string.h>

#include "wire/gss_frame.h"
#include "wire/reader.h"

#define TAG_FRAME     0x60
#define TAG_AP_REQ    0x6e /* [APPLICATION 14], [APPLICATION 15], [APPLICATION 30] (RFC 4120 5.10) */
#define TAG_AP_REP    0x6f
#define TAG_KRB_ERROR 0x7e
#define TAG_SEQUENCE  0x30 /* KERB-TGT-REQUEST, KERB-TGT-REPLY */
#define BINDINGS_SIZE 16
#define DELEGATION    1

static const uint8_t kerberos_oid[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02};
static const uint8_t truncated_oid[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02};
static const uint8_t user_oid[] = {0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x03};

#define IS(oid, known) ((oid).size == sizeof(known) && memcmp((oid).data, (known), sizeof(known)) == 0)

/* The two messages of user-to-user have no tag of their own: their types are inside. */
static SECURITY_STATUS parse_sequence(struct bytes token, struct ap_token *out)
{
    struct tgt_request request;
    struct bytes ticket;
    struct ap_token found = {.kind = AP_TGT_REPLY, .user_to_user = true, .body = token};
    if (tgt_reply_parse(token, &ticket) < 0) {
        status_begin(); /* that was a question */
        TRY(tgt_request_parse(token, &request));
        found.kind = AP_TGT_REQUEST;
    }
    *out = found;
    return SEC_E_OK;
}

static SECURITY_STATUS parse_bare(struct bytes token, struct ap_token *out)
{
    struct ap_token found = {.body = token};
    switch (token.size == 0 ? 0 : token.data[0]) {
    case TAG_AP_REQ:
        found.kind = AP_REQUEST;
        break;
    case TAG_AP_REP:
        found.kind = AP_REPLY;
        break;
    case TAG_KRB_ERROR:
        found.kind = AP_ERROR;
        break;
    case TAG_SEQUENCE:
        return parse_sequence(token, out);
    default:
        FAIL(SEC_E_INVALID_TOKEN, "not a token of Kerberos (RFC 4121 4.1)");
    }
    *out = found;
    return SEC_E_OK;
}

SECURITY_STATUS ap_token_parse(struct bytes token, struct ap_token *out)
{
    if (token.size == 0 || token.data[0] != TAG_FRAME) {
        return parse_bare(token, out);
    }
    struct bytes mechanism, inner;
    TRY(gss_frame_parse(token, &mechanism, &inner));
    struct ap_token found = {.framed = true, .user_to_user = IS(mechanism, user_oid)};
    REQUIRE(found.user_to_user || IS(mechanism, kerberos_oid) || IS(mechanism, truncated_oid), SEC_E_INVALID_TOKEN,
            "a token of another mechanism than Kerberos (RFC 4121 4.1)");
    struct reader reader = read_start(inner);
    uint16_t id = read_u16be(&reader);
    found.body = read_bytes(&reader, read_left(&reader));
    TRY(read_end(&reader, "a token of Kerberos without its TOK_ID (RFC 4121 4.1)"));
    switch (id) {
    case AP_REQUEST:
    case AP_REPLY:
    case AP_ERROR:
    case AP_TGT_REQUEST:
    case AP_TGT_REPLY:
        found.kind = (enum ap_kind)id;
        break;
    default:
        FAIL(SEC_E_INVALID_TOKEN, "a token of Kerberos of an unknown kind (RFC 4121 4.1)");
    }
    *out = found;
    return SEC_E_OK;
}

void ap_token_build(const struct ap_token *token, struct writer *out)
{
    if (token->framed) {
        struct bytes oid = token->user_to_user ? BYTES(user_oid) : BYTES(kerberos_oid);
        gss_frame_head(oid, 2 + token->body.size, out);
        write_u16be(out, (uint16_t)token->kind);
    }
    write_bytes(out, token->body);
}

SECURITY_STATUS ap_checksum_parse(struct bytes value, struct ap_checksum *out)
{
    struct reader reader = read_start(value);
    uint32_t size = read_u32le(&reader);
    struct ap_checksum found = {.bindings = read_bytes(&reader, BINDINGS_SIZE)};
    found.flags = read_u32le(&reader);
    reader.bad = reader.bad || size != BINDINGS_SIZE;
    if ((found.flags & AP_FLAG_DELEGATE) != 0) {
        uint16_t option = read_u16le(&reader);
        uint16_t length = read_u16le(&reader);
        found.credentials = read_bytes(&reader, length);
        reader.bad = reader.bad || option != DELEGATION || length == 0;
    }
    TRY(read_end_lax(&reader, "the authenticator's checksum is not as RFC 4121 4.1.1 says"));
    *out = found;
    return SEC_E_OK;
}

void ap_checksum_build(const struct ap_checksum *checksum, struct writer *out)
{
    write_u32le(out, BINDINGS_SIZE);
    if (checksum->bindings.size == BINDINGS_SIZE) {
        write_bytes(out, checksum->bindings);
    } else {
        write_zeros(out, BINDINGS_SIZE);
    }
    write_u32le(out, checksum->flags);
    if ((checksum->flags & AP_FLAG_DELEGATE) != 0) {
        write_u16le(out, DELEGATION);
        write_u16le(out, (uint16_t)checksum->credentials.size);
        write_bytes(out, checksum->credentials);
    }
}
