/* SPNEGO's tokens (RFC 4178 4.2), and what is inside them. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "explain.h"
#include "negotiate/neg_token.h"
#include "terminal.h"
#include "wire/gss_frame.h"

static const struct {
    const char *name;
    struct neg_oid oid;
} known[] = {
    {"Kerberos (Microsoft's OID)", {11, {0x06, 0x09, 0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02}}},
    {"Kerberos", {11, {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02}}},
    {"Kerberos user-to-user", {12, {0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x03}}},
    {"NTLM", {12, {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a}}},
    {"NEGOEX", {12, {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x1e}}},
};

static const uint8_t spnego_oid[] = {0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02};

static const char *mech_name(const struct neg_oid *oid)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (oid->size == known[i].oid.size && memcmp(oid->der, known[i].oid.der, oid->size) == 0) {
            return known[i].name;
        }
    }
    return "a mechanism unknown here";
}

/* A frame with SPNEGO's OID, or a NegotiationToken whose outermost length is that of the bytes. */
static bool recognise(struct bytes token)
{
    struct bytes mechanism;
    struct bytes inner;
    if (token.size < 4) {
        return false;
    }
    if (token.data[0] == 0x60) {
        return gss_frame_parse(token, &mechanism, &inner) == SEC_E_OK && mechanism.size == sizeof spnego_oid &&
               memcmp(mechanism.data, spnego_oid, sizeof spnego_oid) == 0;
    }
    size_t head = 2;
    size_t length = token.data[1];
    if (length > 0x80 && length <= 0x83) {
        head += length - 0x80;
        length = 0;
        for (size_t i = 2; i < head && i < token.size; i++) {
            length = length << 8 | token.data[i];
        }
    }
    return (token.data[0] == 0xa0 || token.data[0] == 0xa1) && head + length == token.size && head < token.size &&
           token.data[head] == 0x30;
}

static const char *state_name(enum neg_state state)
{
    static const char *const names[] = {"accept-completed", "accept-incomplete", "reject", "request-mic"};
    return names[state];
}

/* Our message's name, and behind it that of the token inside. */
static void add_message(struct json_object *facts, const char *message, struct json_object *inner)
{
    char text[200];
    snprintf(text, sizeof text, "%s%s%s", message, inner != NULL ? ": " : "",
             inner != NULL ? facts_get(inner, "message") : "");
    facts_text(facts, "message", text);
}

static void add_mechs(struct json_object *facts, const struct neg_token *token)
{
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    FILE *out = need(open_memstream(&text, &size));
    for (size_t i = 0; i < token->mech_count; i++) {
        fprintf(out, "%s%s", i != 0 ? ", " : "", mech_name(&token->mechs[i]));
    }
    fclose(out);
    facts_text(facts, "mechanisms", text);
}

static void say_init(struct json_object *facts, const struct neg_token *token, const char *inside)
{
    char says[512];
    snprintf(says, sizeof says, "%s: %s%s%s", token->kind == NEG_TOKEN_INIT2 ? "we have" : "choose one",
             facts_get(facts, "mechanisms"), inside[0] != '\0' ? "; " : "", inside);
    facts_text(facts, "says", says);
}

static void say_resp(struct json_object *facts, const struct neg_token *token, const char *inside)
{
    char says[512];
    snprintf(says, sizeof says, "%s%s%s%s%s%s", token->has_state ? state_name(token->state) : "no state",
             token->has_mech ? ", let it be " : "", token->has_mech ? mech_name(&token->mech) : "",
             token->mic.size != 0 ? ", and the mechListMIC signs the list" : "", inside[0] != '\0' ? "; " : "", inside);
    facts_text(facts, "says", says);
}

/* Who speaks: an Init is the client's, an Init2 the server's; of a Resp, what is inside tells, or its state and choice. */
static const char *speaker(const struct neg_token *token, struct json_object *inner)
{
    if (token->kind != NEG_TOKEN_RESP) {
        return token->kind == NEG_TOKEN_INIT2 ? "server" : "client";
    }
    if (inner != NULL && facts_get(inner, "from")[0] != '\0') {
        return facts_get(inner, "from");
    }
    return token->has_mech || !token->has_state || token->state != NEG_ACCEPT_INCOMPLETE ? "server" : "client";
}

static struct json_object *explain(struct bytes bytes, bool reveal)
{
    static const char *const names[] = {"NegTokenInit", "NegTokenInit2", "NegTokenResp"};
    AUTO_NEG_TOKEN token = {.owner = NULL};
    struct json_object *facts = facts_new();
    status_begin();
    if (neg_token_parse(bytes, &token) != SEC_E_OK) {
        facts_text(facts, "message", "broken NegotiationToken");
        facts_text(facts, "from", "client");
        facts_number(facts, "bytes", bytes.size);
        const char *reason = last_reason();
        facts_text(facts, "says", "cannot be read");
        facts_text(facts, "error", reason != NULL ? reason : "malformed");
        return facts;
    }
    struct json_object *inner = token.token.size != 0 ? explain_token(token.token, reveal) : NULL;
    const char *within = inner != NULL ? facts_get(inner, "says") : "";
    add_message(facts, names[token.kind], inner);
    facts_text(facts, "from", speaker(&token, inner));
    facts_number(facts, "bytes", bytes.size);
    if (token.kind == NEG_TOKEN_RESP) {
        facts_text(facts, "state", token.has_state ? state_name(token.state) : "(absent)");
        if (token.has_mech) {
            facts_text(facts, "mechanism", mech_name(&token.mech));
        }
    } else {
        add_mechs(facts, &token);
    }
    if (token.hint_name.size != 0) {
        facts_oem(facts, "hint_name", token.hint_name);
    }
    if (token.mic.data != NULL) {
        facts_bytes(facts, "mech_list_mic", token.mic);
    }
    token.kind == NEG_TOKEN_RESP ? say_resp(facts, &token, within) : say_init(facts, &token, within);
    if (inner != NULL) {
        facts_add(facts, "token", inner);
    }
    return facts;
}

/* The exchange of the mechanism inside; tokens without one are left out. */
static void unwrap(const struct exchange *wrapped, struct exchange *out)
{
    for (size_t i = 0; i < wrapped->count; i++) {
        AUTO_NEG_TOKEN token = {.owner = NULL};
        const struct leg *leg = &wrapped->legs[i];
        if (!recognise(leg->token)) {
            exchange_add(out, leg->from_client, leg->token);
        } else if (neg_token_parse(leg->token, &token) == SEC_E_OK && token.token.size != 0) {
            exchange_add(out, leg->from_client, token.token);
        }
    }
}

/* The explainer of the mechanism inside, which is not SPNEGO again. */
static const struct explainer *inside(const struct exchange *exchange)
{
    for (size_t i = 0; i < exchange->count; i++) {
        const struct explainer *found = explain_find(exchange->legs[i].token);
        if (found != NULL && found != &spnego_explainer) {
            return found;
        }
    }
    return NULL;
}

static void compare(const struct exchange *exchange, struct json_object *odd)
{
    AUTO_EXCHANGE bare = {.count = 0};
    unwrap(exchange, &bare);
    const struct explainer *explainer = inside(&bare);
    if (explainer != NULL && explainer->compare != NULL) {
        explainer->compare(&bare, odd);
    }
}

/* The mechListMICs of both sides: signatures of the client's list, by the mechanism inside (RFC 4178 5). */
static void verify_mics(const struct exchange *exchange, const struct exchange *bare, const struct login *login,
                        const struct explainer *explainer, struct json_object *facts)
{
    AUTO_NEG_TOKEN init = {.owner = NULL};
    bool has_list = false;
    for (size_t i = 0; i < exchange->count; i++) {
        AUTO_NEG_TOKEN token = {.owner = NULL};
        const struct leg *leg = &exchange->legs[i];
        if (!recognise(leg->token) || neg_token_parse(leg->token, &token) != SEC_E_OK) {
            continue;
        }
        if (token.kind == NEG_TOKEN_INIT && !has_list) {
            has_list = neg_token_parse(leg->token, &init) == SEC_E_OK;
        } else if (token.mic.data != NULL && has_list) {
            int fits = explainer->signature(bare, login, leg->from_client, init.mech_types, token.mic);
            facts_text(facts, leg->from_client ? "client_mech_list_mic" : "server_mech_list_mic",
                       fits > 0    ? "right: the list of mechanisms is as it was sent"
                       : fits == 0 ? "WRONG: this or the list of mechanisms was changed, or belongs to another exchange"
                                   : "not checked");
            if (fits >= 0) {
                facts_truth(facts, leg->from_client ? "client_mech_list_mic_right" : "server_mech_list_mic_right",
                            fits > 0);
            }
        }
    }
}

static struct json_object *verify(const struct exchange *exchange, const struct login *login)
{
    AUTO_EXCHANGE bare = {.count = 0};
    unwrap(exchange, &bare);
    const struct explainer *explainer = inside(&bare);
    struct json_object *facts = explainer != NULL && explainer->verify != NULL ? explainer->verify(&bare, login) : NULL;
    if (facts != NULL && explainer->signature != NULL) {
        verify_mics(exchange, &bare, login, explainer, facts);
    }
    return facts;
}

static struct json_object *decrypt(const struct exchange *exchange)
{
    AUTO_EXCHANGE bare = {.count = 0};
    unwrap(exchange, &bare);
    const struct explainer *explainer = inside(&bare);
    return explainer != NULL && explainer->decrypt != NULL ? explainer->decrypt(&bare) : NULL;
}

const struct explainer spnego_explainer = {
    .name = "SPNEGO",
    .recognise = recognise,
    .explain = explain,
    .compare = compare,
    .verify = verify,
    .decrypt = decrypt,
};
