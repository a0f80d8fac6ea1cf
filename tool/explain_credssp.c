/* CredSSP's message (MS-CSSP 2.2.1), as it is inside of TLS, and what is inside of it; and the credentials that it carries sealed,
 * for whoever has them in the clear: their names, and nothing that is secret. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "credssp/ts_credentials.h"
#include "credssp/ts_request.h"
#include "explain.h"
#include "terminal.h"

/* A SEQUENCE of just this size that begins with a small number, and is one of the two. */
static bool recognise(struct bytes token)
{
    size_t size = 0;
    static const uint8_t number[] = {0xa0, 0x03, 0x02, 0x01};
    bool framed = token.size > 9 && ts_request_size(token, &size) == SEC_E_OK && size == token.size;
    status_begin();
    size_t head = !framed || token.data[1] < 0x80 ? 2 : 2 + (size_t)(token.data[1] & 0x7F);
    return framed && head + sizeof number < token.size && memcmp(token.data + head, number, sizeof number) == 0;
}

static const char *error_name(uint32_t error)
{
    static const struct {
        uint32_t error;
        const char *name;
    } names[] = {
        {0xC000006D, "STATUS_LOGON_FAILURE"},        {0xC0000071, "STATUS_PASSWORD_EXPIRED"},
        {0xC0000224, "STATUS_PASSWORD_MUST_CHANGE"}, {0xC0000234, "STATUS_ACCOUNT_LOCKED_OUT"},
        {0xC0000072, "STATUS_ACCOUNT_DISABLED"},     {0xC000006E, "STATUS_ACCOUNT_RESTRICTION"},
        {0xC00000BB, "STATUS_NOT_SUPPORTED"},        {0xC000005E, "STATUS_NO_LOGON_SERVERS"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].error == error) {
            return names[i].name;
        }
    }
    return NULL;
}

static void add_error(struct json_object *facts, uint32_t error)
{
    char text[64];
    const char *name = error_name(error);
    snprintf(text, sizeof text, "0x%08x%s%s", error, name != NULL ? " " : "", name != NULL ? name : "");
    facts_text(facts, "error_code", text);
}

/* Who speaks: credentials, a nonce and the last token together with a binding are the client's, an errorCode the server's. */
static const char *speaker(const struct ts_request *request, struct json_object *inner)
{
    if (inner != NULL && facts_get(inner, "from")[0] != '\0') {
        return facts_get(inner, "from");
    }
    bool client = request->auth_info.data != NULL || request->nonce.data != NULL;
    return client && !request->has_error ? "client" : "server";
}

static void say(struct json_object *facts, const struct ts_request *request, const char *inside)
{
    char says[512];
    snprintf(says, sizeof says, "version %u%s%s%s%s%s", request->version, inside[0] != '\0' ? "; " : "", inside,
             request->pub_key_auth.data != NULL ? "; the server's key, sealed" : "",
             request->auth_info.data != NULL ? "; the credentials, sealed" : "",
             request->has_error ? "; it failed" : "");
    facts_text(facts, "says", says);
}

static struct json_object *explain_request(struct json_object *facts, const struct ts_request *request, bool reveal)
{
    struct json_object *inner = request->nego_token.size != 0 ? explain_token(request->nego_token, reveal) : NULL;
    char message[200];
    snprintf(message, sizeof message, "TSRequest%s%s%s%s", inner != NULL ? ": " : "",
             inner != NULL ? facts_get(inner, "message") : "", request->pub_key_auth.data != NULL ? ", pubKeyAuth" : "",
             request->auth_info.data != NULL ? ", authInfo" : "");
    facts_text(facts, "message", message);
    facts_text(facts, "from", speaker(request, inner));
    facts_number(facts, "version", request->version);
    if (request->has_error) {
        add_error(facts, request->error);
    }
    if (request->pub_key_auth.data != NULL) {
        facts_number(facts, "pub_key_auth_bytes", request->pub_key_auth.size);
    }
    if (request->auth_info.data != NULL) {
        facts_number(facts, "auth_info_bytes", request->auth_info.size);
    }
    if (request->nonce.data != NULL) {
        facts_bytes(facts, "client_nonce", request->nonce);
    }
    say(facts, request, inner != NULL ? facts_get(inner, "says") : "");
    if (request->version < TS_VERSION_HASH) {
        struct json_object *odd = facts_list();
        facts_say(odd, "version %u: the key that binds the channel can be relayed (CVE-2018-0886)", request->version);
        facts_add(facts, "odd", odd);
    }
    if (inner != NULL) {
        facts_add(facts, "token", inner);
    }
    return facts;
}

static struct json_object *explain_credentials(struct json_object *facts, const struct ts_credentials *credentials)
{
    facts_text(facts, "message", "TSCredentials");
    facts_text(facts, "from", "client");
    switch (credentials->type) {
    case TS_PASSWORD:
        facts_text(facts, "says", "a password");
        facts_utf16(facts, "domain", utf16_bytes(credentials->password.domain));
        facts_utf16(facts, "user", utf16_bytes(credentials->password.user));
        break;
    case TS_SMART_CARD:
        facts_text(facts, "says", "a smart card and its PIN");
        facts_utf16(facts, "domain", utf16_bytes(credentials->smart_card.domain));
        facts_utf16(facts, "user", utf16_bytes(credentials->smart_card.user));
        facts_utf16(facts, "reader", utf16_bytes(credentials->smart_card.reader));
        facts_utf16(facts, "container", utf16_bytes(credentials->smart_card.container));
        break;
    default:
        facts_text(facts, "says", "what a remote guard logs on with");
        facts_utf16(facts, "package", utf16_bytes(credentials->remote_guard.logon.package));
        break;
    }
    return facts;
}

static struct json_object *explain(struct bytes bytes, bool reveal)
{
    AUTO_TS_REQUEST request = {.owner = NULL};
    AUTO_TS_CREDENTIALS credentials = {.owner = NULL};
    struct json_object *facts = facts_new();
    status_begin();
    facts_number(facts, "bytes", bytes.size);
    if (ts_request_parse(bytes, &request) == SEC_E_OK) {
        return explain_request(facts, &request, reveal);
    }
    const char *reason = last_reason();
    if (ts_credentials_parse(bytes, &credentials) == SEC_E_OK) {
        return explain_credentials(facts, &credentials);
    }
    facts_text(facts, "message", "broken TSRequest");
    facts_text(facts, "from", "client");
    facts_text(facts, "says", "cannot be read");
    facts_text(facts, "error", reason != NULL ? reason : "malformed");
    return facts;
}

/* The exchange of the session inside; messages without a token of its are left out. */
static void unwrap(const struct exchange *wrapped, struct exchange *out)
{
    for (size_t i = 0; i < wrapped->count; i++) {
        AUTO_TS_REQUEST request = {.owner = NULL};
        const struct leg *leg = &wrapped->legs[i];
        if (recognise(leg->token) && ts_request_parse(leg->token, &request) == SEC_E_OK &&
            request.nego_token.size != 0) {
            exchange_add(out, leg->from_client, request.nego_token);
        }
    }
}

static void compare(const struct exchange *exchange, struct json_object *odd)
{
    AUTO_EXCHANGE bare = {.count = 0};
    unwrap(exchange, &bare);
    const struct explainer *explainer = bare.count != 0 ? explain_find(bare.legs[0].token) : NULL;
    if (explainer != NULL && explainer->compare != NULL) {
        explainer->compare(&bare, odd);
    }
}

static struct json_object *verify(const struct exchange *exchange, const struct login *login)
{
    AUTO_EXCHANGE bare = {.count = 0};
    unwrap(exchange, &bare);
    return explain_verify(&bare, login);
}

static struct json_object *decrypt(const struct exchange *exchange)
{
    AUTO_EXCHANGE bare = {.count = 0};
    unwrap(exchange, &bare);
    return explain_decrypt(&bare);
}

const struct explainer credssp_explainer = {
    .name = "CREDSSP",
    .recognise = recognise,
    .explain = explain,
    .compare = compare,
    .verify = verify,
    .decrypt = decrypt,
};
