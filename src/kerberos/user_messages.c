/* The messages of user-to-user (draft-swift-win2k-krb-user2user 3) and of clock-skew recovery, which libkrb5 does not know. */
#include <limits.h>
#include <string.h>

#include <openssl/asn1t.h>

#include "crypto/openssl_errors.h"
#include "kerberos/ap_messages.h"

#define PVNO           5
#define TYPE_REQUEST   16
#define TYPE_REPLY     17
#define TYPE_AP_REQ    14
#define TAG_TICKET     0x61 /* [APPLICATION 1] (RFC 4120 5.3) */
#define SKEW_DATA_TYPE 2    /* KERB_AP_ERR_TYPE_SKEW_RECOVERY (MS-KILE 2.2.1) */

/* The formatter takes a template's macros for something else. */
/* clang-format off */

typedef struct {
    ASN1_INTEGER *type;
    STACK_OF(ASN1_GENERALSTRING) *names;
} KRB_NAME;

ASN1_SEQUENCE(KRB_NAME) = {
    ASN1_EXP(KRB_NAME, type, ASN1_INTEGER, 0),
    ASN1_EXP_SEQUENCE_OF(KRB_NAME, names, ASN1_GENERALSTRING, 1),
} static_ASN1_SEQUENCE_END(KRB_NAME)

typedef struct {
    ASN1_INTEGER *pvno;
    ASN1_INTEGER *type;
    KRB_NAME *server;
    ASN1_GENERALSTRING *realm;
} TGT_REQUEST;

ASN1_SEQUENCE(TGT_REQUEST) = {
    ASN1_EXP(TGT_REQUEST, pvno, ASN1_INTEGER, 0),
    ASN1_EXP(TGT_REQUEST, type, ASN1_INTEGER, 1),
    ASN1_EXP_OPT(TGT_REQUEST, server, KRB_NAME, 2),
    ASN1_EXP_OPT(TGT_REQUEST, realm, ASN1_GENERALSTRING, 3),
} static_ASN1_SEQUENCE_END(TGT_REQUEST)

typedef struct {
    ASN1_INTEGER *pvno;
    ASN1_INTEGER *type;
    ASN1_TYPE *ticket;
} TGT_REPLY;

ASN1_SEQUENCE(TGT_REPLY) = {
    ASN1_EXP(TGT_REPLY, pvno, ASN1_INTEGER, 0),
    ASN1_EXP(TGT_REPLY, type, ASN1_INTEGER, 1),
    ASN1_EXP(TGT_REPLY, ticket, ASN1_ANY, 2),
} static_ASN1_SEQUENCE_END(TGT_REPLY)

typedef struct {
    ASN1_INTEGER *pvno;
    ASN1_INTEGER *type;
    ASN1_BIT_STRING *options;
    ASN1_TYPE *ticket;
    ASN1_TYPE *authenticator;
} REQUEST_BODY;

ASN1_SEQUENCE(REQUEST_BODY) = {
    ASN1_EXP(REQUEST_BODY, pvno, ASN1_INTEGER, 0),
    ASN1_EXP(REQUEST_BODY, type, ASN1_INTEGER, 1),
    ASN1_EXP(REQUEST_BODY, options, ASN1_BIT_STRING, 2),
    ASN1_EXP(REQUEST_BODY, ticket, ASN1_ANY, 3),
    ASN1_EXP(REQUEST_BODY, authenticator, ASN1_ANY, 4),
} static_ASN1_SEQUENCE_END(REQUEST_BODY)

ASN1_ITEM_TEMPLATE(AP_REQ) =
    ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_EXPTAG | ASN1_TFLG_APPLICATION, 14, AP_REQ, REQUEST_BODY)
static_ASN1_ITEM_TEMPLATE_END(AP_REQ)

typedef struct {
    ASN1_INTEGER *type;
    ASN1_OCTET_STRING *value;
} ERROR_DATA;

ASN1_SEQUENCE(ERROR_DATA) = {
    ASN1_EXP(ERROR_DATA, type, ASN1_INTEGER, 1),
    ASN1_EXP_OPT(ERROR_DATA, value, ASN1_OCTET_STRING, 2),
} static_ASN1_SEQUENCE_END(ERROR_DATA)

    /* clang-format on */

    /* All of `der`, or NULL. */
    static void *
    decode(struct bytes der, const ASN1_ITEM *item)
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

static SECURITY_STATUS encode(const void *value, const ASN1_ITEM *item, struct writer *out)
{
    int size = ASN1_item_i2d((const ASN1_VALUE *)value, NULL, item);
    unsigned char *at = size > 0 ? write_space(out, (size_t)size) : NULL;
    REQUIRE(size > 0, SEC_E_INSUFFICIENT_MEMORY, "out of memory for a message of Kerberos");
    if (at != NULL) {
        (void)ASN1_item_i2d((const ASN1_VALUE *)value, &at, item);
    }
    return write_end(out);
}

static bool is_message(const ASN1_INTEGER *pvno, const ASN1_INTEGER *type, long expected)
{
    return ASN1_INTEGER_get(pvno) == PVNO && ASN1_INTEGER_get(type) == expected;
}

/* A slice of `body` with what `string` holds, which OpenSSL copied. */
static struct bytes find(struct bytes body, const ASN1_STRING *string)
{
    size_t size = (size_t)ASN1_STRING_length(string);
    const uint8_t *at =
        size == 0 || size > body.size ? NULL : memmem(body.data, body.size, ASN1_STRING_get0_data(string), size);
    return at != NULL ? bytes_of(at, size) : BYTES_NONE;
}

SECURITY_STATUS tgt_request_parse(struct bytes body, struct tgt_request *out)
{
    struct tgt_request found = {.name_count = 0};
    openssl_errors_mark();
    TGT_REQUEST *request = decode(body, ASN1_ITEM_rptr(TGT_REQUEST));
    bool good = request != NULL && is_message(request->pvno, request->type, TYPE_REQUEST);
    if (good && request->server != NULL) {
        int count = sk_ASN1_GENERALSTRING_num(request->server->names);
        good = count <= (int)(sizeof found.names / sizeof found.names[0]);
        found.name_type = (int)ASN1_INTEGER_get(request->server->type);
        for (int i = 0; good && i < count; i++) {
            found.names[i] = find(body, sk_ASN1_GENERALSTRING_value(request->server->names, i));
            found.name_count++;
        }
    }
    if (good && request->realm != NULL) {
        found.realm = find(body, request->realm);
    }
    ASN1_item_free((ASN1_VALUE *)request, ASN1_ITEM_rptr(TGT_REQUEST));
    openssl_errors_forget();
    REQUIRE(good, SEC_E_INVALID_TOKEN, "not a KERB-TGT-REQUEST (draft-swift-win2k-krb-user2user 3)");
    *out = found;
    return SEC_E_OK;
}

static bool set_string(ASN1_GENERALSTRING **to, struct bytes text)
{
    *to = *to != NULL ? *to : ASN1_GENERALSTRING_new();
    return *to != NULL && ASN1_STRING_set(*to, text.data, (int)text.size) == 1;
}

static bool fill_name(KRB_NAME **to, const struct tgt_request *from)
{
    KRB_NAME *name = (KRB_NAME *)ASN1_item_new(ASN1_ITEM_rptr(KRB_NAME));
    bool good = name != NULL && ASN1_INTEGER_set(name->type, from->name_type) == 1;
    for (size_t i = 0; good && i < from->name_count; i++) {
        ASN1_GENERALSTRING *part = NULL;
        good = set_string(&part, from->names[i]) && sk_ASN1_GENERALSTRING_push(name->names, part) > 0;
        if (!good) {
            ASN1_GENERALSTRING_free(part);
        }
    }
    *to = name;
    return good;
}

SECURITY_STATUS tgt_request_build(const struct tgt_request *from, struct writer *out)
{
    openssl_errors_mark();
    TGT_REQUEST *request = (TGT_REQUEST *)ASN1_item_new(ASN1_ITEM_rptr(TGT_REQUEST));
    bool good = request != NULL && ASN1_INTEGER_set(request->pvno, PVNO) == 1 &&
                ASN1_INTEGER_set(request->type, TYPE_REQUEST) == 1 &&
                (from->name_count == 0 || fill_name(&request->server, from)) &&
                (from->realm.size == 0 || set_string(&request->realm, from->realm));
    SECURITY_STATUS status = good ? encode(request, ASN1_ITEM_rptr(TGT_REQUEST), out) : SEC_E_INSUFFICIENT_MEMORY;
    ASN1_item_free((ASN1_VALUE *)request, ASN1_ITEM_rptr(TGT_REQUEST));
    openssl_errors_forget();
    REQUIRE(status >= 0, status, "out of memory for a KERB-TGT-REQUEST");
    return SEC_E_OK;
}

SECURITY_STATUS tgt_reply_parse(struct bytes body, struct bytes *out_ticket)
{
    struct bytes ticket = BYTES_NONE;
    openssl_errors_mark();
    TGT_REPLY *reply = decode(body, ASN1_ITEM_rptr(TGT_REPLY));
    if (reply != NULL && is_message(reply->pvno, reply->type, TYPE_REPLY) && reply->ticket->type == V_ASN1_OTHER) {
        ticket = find(body, reply->ticket->value.asn1_string);
    }
    ASN1_item_free((ASN1_VALUE *)reply, ASN1_ITEM_rptr(TGT_REPLY));
    openssl_errors_forget();
    REQUIRE(ticket.size != 0 && ticket.data[0] == TAG_TICKET, SEC_E_INVALID_TOKEN,
            "not a KERB-TGT-REPLY with a ticket (draft-swift-win2k-krb-user2user 3)");
    *out_ticket = ticket;
    return SEC_E_OK;
}

SECURITY_STATUS tgt_reply_build(struct bytes ticket, struct writer *out)
{
    openssl_errors_mark();
    TGT_REPLY *reply = (TGT_REPLY *)ASN1_item_new(ASN1_ITEM_rptr(TGT_REPLY));
    ASN1_STRING *whole = ASN1_STRING_type_new(V_ASN1_OTHER);
    bool good = reply != NULL && whole != NULL && ASN1_INTEGER_set(reply->pvno, PVNO) == 1 &&
                ASN1_INTEGER_set(reply->type, TYPE_REPLY) == 1 &&
                ASN1_STRING_set(whole, ticket.data, (int)ticket.size) == 1;
    if (good) {
        ASN1_TYPE_set(reply->ticket, V_ASN1_OTHER, whole);
    } else {
        ASN1_STRING_free(whole);
    }
    SECURITY_STATUS status = good ? encode(reply, ASN1_ITEM_rptr(TGT_REPLY), out) : SEC_E_INSUFFICIENT_MEMORY;
    ASN1_item_free((ASN1_VALUE *)reply, ASN1_ITEM_rptr(TGT_REPLY));
    openssl_errors_forget();
    REQUIRE(status >= 0, status, "out of memory for a KERB-TGT-REPLY");
    return SEC_E_OK;
}

SECURITY_STATUS ap_request_ticket(struct bytes body, struct bytes *out_ticket)
{
    struct bytes ticket = BYTES_NONE;
    openssl_errors_mark();
    REQUEST_BODY *request = decode(body, ASN1_ITEM_rptr(AP_REQ));
    if (request != NULL && is_message(request->pvno, request->type, TYPE_AP_REQ) &&
        request->ticket->type == V_ASN1_OTHER) {
        ticket = find(body, request->ticket->value.asn1_string);
    }
    ASN1_item_free((ASN1_VALUE *)request, ASN1_ITEM_rptr(AP_REQ));
    openssl_errors_forget();
    REQUIRE(ticket.size != 0 && ticket.data[0] == TAG_TICKET, SEC_E_INVALID_TOKEN,
            "not an AP-REQ with a ticket (RFC 4120 5.5.1)");
    *out_ticket = ticket;
    return SEC_E_OK;
}

SECURITY_STATUS skew_data_build(struct writer *out)
{
    openssl_errors_mark();
    ERROR_DATA *data = (ERROR_DATA *)ASN1_item_new(ASN1_ITEM_rptr(ERROR_DATA));
    bool good = data != NULL && ASN1_INTEGER_set(data->type, SKEW_DATA_TYPE) == 1;
    SECURITY_STATUS status = good ? encode(data, ASN1_ITEM_rptr(ERROR_DATA), out) : SEC_E_INSUFFICIENT_MEMORY;
    ASN1_item_free((ASN1_VALUE *)data, ASN1_ITEM_rptr(ERROR_DATA));
    openssl_errors_forget();
    REQUIRE(status >= 0, status, "out of memory for KERB-ERROR-DATA");
    return SEC_E_OK;
}
