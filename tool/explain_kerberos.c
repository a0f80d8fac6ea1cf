/* Kerberos' tokens (RFC 4121 4.1, RFC 4120 5.5, 5.9.1) and per-message tokens (RFC 4121 4.2.6): what is readable without a key. */
#include "explain_kerberos.h"

#include <inttypes.h>
#include <krb5.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "der.h"
#include "explain.h"
#include "kerberos/ap_messages.h"
#include "terminal.h"
#include "wire/reader.h"

#define AP_USE_SESSION_KEY 0x40000000u
#define AP_MUTUAL_REQUIRED 0x20000000u
#define TOKEN_WRAP         0x0504
#define TOKEN_MIC          0x0404

void kerberos_enctype_text(int64_t enctype, char out[64])
{
    if (krb5_enctype_to_name((krb5_enctype)enctype, 0, out, 64) != 0) {
        snprintf(out, 64, "encryption type %" PRId64, enctype);
    }
}

void kerberos_add_name(struct json_object *facts, const char *name, struct bytes principal, struct bytes realm)
{
    struct bytes parts = der_open(der_field(der_open(principal, DER_SEQUENCE), 1), DER_SEQUENCE);
    struct bytes part = BYTES_NONE;
    uint8_t tag = 0;
    AUTO_WRITER text = write_growing(8192);
    for (bool first = true; der_next(&parts, &tag, &part); first = false) {
        write_bytes(&text, bytes_of("/", first ? 0 : 1));
        write_bytes(&text, part);
    }
    struct bytes of = der_text(realm);
    write_bytes(&text, bytes_of("@", of.size != 0 ? 1 : 0));
    write_bytes(&text, of);
    if (write_end(&text) == SEC_E_OK && text.size != 0) {
        facts_oem(facts, name, write_result(&text));
    }
}

void kerberos_add_time(struct json_object *facts, const char *name, struct bytes element)
{
    struct bytes digits = der_text(element);
    unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    char text[64] = "";
    memcpy(text, digits.size != 0 ? (const char *)digits.data : "", digits.size < sizeof text ? digits.size : 0);
    if (sscanf(text, "%4u%2u%2u%2u%2u%2uZ", &year, &month, &day, &hour, &minute, &second) == 6) {
        snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02uZ", year, month, day, hour, minute, second);
        facts_text(facts, name, text);
    }
}

void kerberos_add_flags(struct json_object *facts, const char *name, uint32_t flags)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } known[] = {{AP_FLAG_DELEGATE, "delegate"},
                 {AP_FLAG_MUTUAL, "mutual authentication"},
                 {AP_FLAG_REPLAY, "replay detection"},
                 {AP_FLAG_SEQUENCE, "sequence detection"},
                 {AP_FLAG_CONFIDENTIALITY, "confidentiality"},
                 {AP_FLAG_INTEGRITY, "integrity"},
                 {AP_FLAG_DCE_STYLE, "DCE style"},
                 {AP_FLAG_IDENTIFY, "identify only"},
                 {AP_FLAG_EXTENDED_ERROR, "extended error"}};
    struct json_object *names = facts_list();
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if ((flags & known[i].flag) != 0) {
            facts_say(names, "%s", known[i].name);
        }
    }
    facts_add(facts, name, names);
}

/* EncryptedData: with which key, and how much. */
static void add_encrypted(struct json_object *facts, const char *name, struct bytes element)
{
    struct bytes sequence = der_open(element, DER_SEQUENCE);
    struct bytes number = der_field(sequence, 1);
    char type[64], text[160], version[32] = "";
    kerberos_enctype_text(der_integer(der_field(sequence, 0)), type);
    if (number.size != 0) {
        snprintf(version, sizeof version, ", key number %" PRId64, der_integer(number));
    }
    snprintf(text, sizeof text, "%s%s, %zu bytes", type, version, der_open(der_field(sequence, 2), DER_OCTETS).size);
    facts_text(facts, name, text);
}

static void explain_request(struct bytes body, struct json_object *facts)
{
    struct bytes request = der_open(der_open(body, DER_APPLICATION(14)), DER_SEQUENCE);
    struct bytes ticket = der_open(der_open(der_field(request, 3), DER_APPLICATION(1)), DER_SEQUENCE);
    uint32_t options = der_flags(der_field(request, 2));
    char says[512];
    facts_text(facts, "message", "AP-REQ");
    facts_text(facts, "from", "client");
    kerberos_add_name(facts, "service", der_field(ticket, 2), der_field(ticket, 1));
    add_encrypted(facts, "ticket", der_field(ticket, 3));
    add_encrypted(facts, "authenticator", der_field(request, 4));
    facts_truth(facts, "mutual_required", (options & AP_MUTUAL_REQUIRED) != 0);
    facts_truth(facts, "use_session_key", (options & AP_USE_SESSION_KEY) != 0);
    snprintf(says, sizeof says, "a ticket for %s%s", facts_get(facts, "service"),
             (options & AP_MUTUAL_REQUIRED) != 0 ? "; prove that you can read it" : "");
    facts_text(facts, "says", says);
}

static void explain_reply(struct bytes body, struct json_object *facts)
{
    struct bytes reply = der_open(der_open(body, DER_APPLICATION(15)), DER_SEQUENCE);
    facts_text(facts, "message", "AP-REP");
    facts_text(facts, "from", "server");
    add_encrypted(facts, "answer", der_field(reply, 2));
    facts_text(facts, "says", "your time again, under the ticket's key");
}

static void explain_error(struct bytes body, struct json_object *facts)
{
    struct bytes error = der_open(der_open(body, DER_APPLICATION(30)), DER_SEQUENCE);
    int64_t code = der_integer(der_field(error, 6));
    krb5_context krb = NULL;
    facts_text(facts, "message", "KRB-ERROR");
    facts_text(facts, "from", "server");
    facts_number(facts, "code", (uint64_t)code);
    kerberos_add_time(facts, "server_time", der_field(error, 4));
    kerberos_add_name(facts, "service", der_field(error, 10), der_field(error, 9));
    if (der_field(error, 11).size != 0) {
        facts_oem(facts, "text", der_text(der_field(error, 11)));
    }
    if (code >= 0 && code < 128 && krb5_init_context(&krb) == 0) { /* the table of RFC 4120 7.5.9 has no more */
        const char *words = krb5_get_error_message(krb, (krb5_error_code)code + ERROR_TABLE_BASE_krb5);
        facts_text(facts, "says", words);
        krb5_free_error_message(krb, words);
        krb5_free_context(krb);
    } else {
        facts_text(facts, "says", "an error");
    }
}

static void explain_tgt_request(struct bytes body, struct json_object *facts)
{
    struct bytes request = der_open(body, DER_SEQUENCE);
    facts_text(facts, "message", "KERB-TGT-REQUEST");
    facts_text(facts, "from", "client");
    kerberos_add_name(facts, "service", der_field(request, 2), der_field(request, 3));
    facts_text(facts, "says", "show your ticket granting ticket, for user-to-user");
}

static void explain_tgt_reply(struct bytes body, struct json_object *facts)
{
    struct bytes ticket =
        der_open(der_open(der_field(der_open(body, DER_SEQUENCE), 2), DER_APPLICATION(1)), DER_SEQUENCE);
    facts_text(facts, "message", "KERB-TGT-REPLY");
    facts_text(facts, "from", "server");
    kerberos_add_name(facts, "service", der_field(ticket, 2), der_field(ticket, 1));
    add_encrypted(facts, "ticket", der_field(ticket, 3));
    facts_text(facts, "says", "this is the ticket granting ticket; the session's key is in it");
}

static bool is_message(struct bytes token)
{
    struct reader reader = read_start(token);
    uint16_t id = read_u16be(&reader);
    (void)read_u8(&reader);
    uint8_t filler = read_u8(&reader);
    return !reader.bad && token.size >= 16 && (id == TOKEN_WRAP || id == TOKEN_MIC) && filler == 0xff;
}

static void explain_message(struct bytes token, struct json_object *facts)
{
    struct reader reader = read_start(token);
    bool wrap = read_u16be(&reader) == TOKEN_WRAP;
    uint8_t flags = read_u8(&reader);
    (void)read_u8(&reader);
    uint16_t extra = read_u16be(&reader);
    uint16_t rotation = read_u16be(&reader);
    facts_text(facts, "message", wrap ? "Wrap" : "MIC");
    facts_text(facts, "from", (flags & 1) != 0 ? "server" : "client");
    facts_truth(facts, "sealed", (flags & 2) != 0);
    facts_truth(facts, "acceptor_subkey", (flags & 4) != 0);
    if (wrap) {
        facts_number(facts, "extra_count", extra);
        facts_number(facts, "rotation", rotation);
    }
    uint64_t high = read_u32be(&reader);
    facts_number(facts, "sequence_number", high << 32 | read_u32be(&reader));
    facts_text(facts, "says", !wrap ? "a signature" : (flags & 2) != 0 ? "a sealed message" : "a signed message");
}

static bool recognise(struct bytes token)
{
    struct ap_token parsed;
    status_begin();
    return is_message(token) || ap_token_parse(token, &parsed) == SEC_E_OK;
}

static struct json_object *explain(struct bytes token, bool reveal)
{
    struct json_object *facts = facts_new();
    struct ap_token parsed;
    (void)reveal; /* what tickets hold is encrypted */
    if (is_message(token)) {
        explain_message(token, facts);
    } else if (ap_token_parse(token, &parsed) == SEC_E_OK) {
        parsed.kind == AP_REQUEST       ? explain_request(parsed.body, facts)
        : parsed.kind == AP_REPLY       ? explain_reply(parsed.body, facts)
        : parsed.kind == AP_ERROR       ? explain_error(parsed.body, facts)
        : parsed.kind == AP_TGT_REQUEST ? explain_tgt_request(parsed.body, facts)
                                        : explain_tgt_reply(parsed.body, facts);
        facts_text(facts, "framing",
                   !parsed.framed        ? "none (as inside SPNEGO from some, and in DCE style)"
                   : parsed.user_to_user ? "user-to-user (RFC 2743 3.1)"
                                         : "GSS-API (RFC 2743 3.1)");
    } else {
        facts_text(facts, "message", "unknown");
    }
    facts_number(facts, "bytes", token.size);
    return facts;
}

const struct explainer kerberos_explainer = {
    .name = "Kerberos",
    .recognise = recognise,
    .explain = explain,
    .decrypt = explain_kerberos_decrypt,
};
