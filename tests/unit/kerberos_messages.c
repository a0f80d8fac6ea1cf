/* The messages before a session against what MIT's library and others sent: user-to-user, errors, tokens within SPNEGO, and messages
 * that are none of these. */
#include "vectors/hex.h"

#include <krb5.h>

#include "base/status.h"
#include "kerberos/ap_messages.h"
#include "kerberos/exchange.h"
#include "kerberos/library.h"
#include "negotiate/neg_token.h"
#include "vectors/kv.h"

#define GSS "krb5_gss.kv"

#define USAGE_TICKET 2 /* RFC 4120 7.5.1 */
#define AP_ERR_BASE  ERROR_TABLE_BASE_krb5
#define TGS_NAME_MAX 256

static void parse(const struct kv_record *r, struct bytes token, enum ap_kind kind, struct ap_token *out)
{
    kv_require(r, ap_token_parse(token, out) == SEC_E_OK);
    kv_require(r, out->kind == kind);
}

static void rebuild(const struct kv_record *r, const struct ap_token *token, const char *name)
{
    uint8_t room[2048];
    struct writer out = write_into(room, sizeof room);
    ap_token_build(token, &out);
    kv_require(r, write_end(&out) == SEC_E_OK);
    kv_expect(r, name, write_result(&out));
}

static void check_request(const struct kv_record *r)
{
    struct ap_token token;
    struct tgt_request request;
    char name[TGS_NAME_MAX];
    uint8_t room[512];
    parse(r, kv_hex(r, "token"), AP_TGT_REQUEST, &token);
    kv_require(r, token.framed && token.user_to_user);
    kv_expect(r, "body", token.body);
    rebuild(r, &token, "token");
    kv_require(r, tgt_request_parse(token.body, &request) == SEC_E_OK && request.name_count == 2);
    (void)snprintf(name, sizeof name, "%.*s/%.*s", (int)request.names[0].size, (const char *)request.names[0].data,
                   (int)request.names[1].size, (const char *)request.names[1].data);
    assert_string_equal(name, kv_text(r, "server_name"));
    kv_require(r, request.realm.size == strlen(kv_text(r, "realm")) &&
                      memcmp(request.realm.data, kv_text(r, "realm"), request.realm.size) == 0);
    struct writer out = write_into(room, sizeof room);
    kv_require(r, tgt_request_build(&request, &out) == SEC_E_OK);
    kv_expect(r, "body", write_result(&out));
    parse(r, kv_hex(r, "body"), AP_TGT_REQUEST, &token); /* as it is, in DCE style */
    kv_require(r, !token.framed && token.user_to_user);
}

static void check_reply(const struct kv_record *r)
{
    struct ap_token token;
    struct bytes ticket;
    uint8_t room[2048];
    parse(r, kv_hex(r, "token"), AP_TGT_REPLY, &token);
    kv_require(r, token.framed && token.user_to_user);
    rebuild(r, &token, "token");
    kv_require(r, tgt_reply_parse(token.body, &ticket) == SEC_E_OK);
    kv_expect(r, "ticket", ticket);
    struct writer out = write_into(room, sizeof room);
    kv_require(r, tgt_reply_build(ticket, &out) == SEC_E_OK);
    kv_expect(r, "body", write_result(&out));
    parse(r, kv_hex(r, "body"), AP_TGT_REPLY, &token);
    kv_require(r, !token.framed);
}

/* The ticket in MIT's AP-REQ is sealed with the session key of the server's ticket granting ticket, and nothing else. */
static void check_user_to_user(const struct kv_record *r)
{
    struct ap_token token;
    struct bytes der;
    krb5_context krb = NULL;
    krb5_ticket *ticket = NULL;
    uint8_t plain[1024];
    parse(r, kv_hex(r, "ap_req"), AP_REQUEST, &token);
    kv_require(r, ap_request_ticket(token.body, &der) == SEC_E_OK);
    kv_expect(r, "service_ticket", der);
    kv_require(r, krb5_init_context(&krb) == 0);
    krb5_data data = {0, (unsigned)der.size, (char *)(uintptr_t)der.data};
    kv_require(r, krb5_decode_ticket(&data, &ticket) == 0);
    struct bytes key_bytes = kv_hex(r, "peer_tgt_session_key"), session = kv_hex(r, "session_key");
    krb5_keyblock key = {0, ENCTYPE_AES256_CTS_HMAC_SHA1_96, (unsigned)key_bytes.size,
                         (uint8_t *)(uintptr_t)key_bytes.data};
    krb5_data opened = {0, sizeof plain, (char *)plain};
    kv_require(r, krb5_c_decrypt(krb, &key, USAGE_TICKET, NULL, &ticket->enc_part, &opened) == 0);
    kv_require(r, memmem(plain, opened.length, session.data, session.size) != NULL);
    key.contents = (uint8_t *)(uintptr_t)session.data;
    opened.length = sizeof plain;
    kv_require(r, krb5_c_decrypt(krb, &key, USAGE_TICKET, NULL, &ticket->enc_part, &opened) != 0);
    krb5_free_ticket(krb, ticket);
    krb5_free_context(krb);
    parse(r, kv_hex(r, "ap_rep"), AP_REPLY, &token);
}

static void check_error(const struct kv_record *r)
{
    struct ap_token token;
    struct exchange_error error;
    krb5_context krb = NULL;
    parse(r, kv_hex(r, "token"), AP_ERROR, &token);
    rebuild(r, &token, "token");
    kv_require(r, krb5_init_context(&krb) == 0);
    kv_require(r, exchange_error_parse(krb, token.body, &error) == SEC_E_OK);
    kv_require(r, error.code - AP_ERR_BASE == kv_number(r, "error_code") && error.seconds > 1700000000);
    krb5_free_context(krb);
}

static void check_in_spnego(const struct kv_record *r)
{
    static const enum ap_kind kinds[] = {AP_REQUEST, AP_REPLY};
    for (size_t i = 0; i < 2; i++) {
        struct neg_token outer;
        struct ap_token token;
        kv_require(r, neg_token_parse(kv_hex(r, "token%zu", i), &outer) == SEC_E_OK);
        parse(r, outer.token, kinds[i], &token);
        kv_require(r, token.framed && !token.user_to_user);
        neg_token_free(&outer);
    }
}

static void of_mit(void **state)
{
    (void)state;
    assert_int_equal(kv_each(KV_TREE, GSS, "krb5_tgt_req", check_request), 1);
    assert_int_equal(kv_each(KV_TREE, GSS, "krb5_tgt_rep", check_reply), 1);
    assert_int_equal(kv_each(KV_TREE, GSS, "krb5_u2u", check_user_to_user), 1);
    assert_int_equal(kv_each(KV_TREE, GSS, "krb5_error_token", check_error), 2);
    assert_int_equal(kv_each(KV_TREE, GSS, "krb5_in_spnego", check_in_spnego), 1);
}

/* Captures: what is a token here, and messages of a KDC, which are not, although they are SEQUENCEs as those of user-to-user. */
static void check_message(const struct kv_record *r)
{
    struct ap_token token;
    struct bytes ticket, message = kv_hex(r, "message");
    bool none = strcmp(kv_text(r, "first_tag"), "30") == 0;
    bool request = strcmp(kv_text(r, "first_tag"), "6e") == 0;
    status_begin();
    SECURITY_STATUS status = ap_token_parse(message, &token);
    kv_require(r, status == (none ? SEC_E_INVALID_TOKEN : SEC_E_OK));
    if (!none) {
        kv_require(r, token.kind == (request ? AP_REQUEST : AP_REPLY) && token.framed);
        kv_require(r, (ap_request_ticket(token.body, &ticket) == SEC_E_OK) == request);
    }
}

static void captured(void **state)
{
    (void)state;
    assert_int_equal(kv_each(KV_PUBLISHED, GSS, "krb5_message", check_message), 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_mit), cmocka_unit_test(captured)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("kerberos_messages", tests, NULL, NULL);
}
