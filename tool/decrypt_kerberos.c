/* What a server's keytab opens of an exchange (RFC 4120 5.3, 5.5.1, 5.5.2): neither clock nor replays are looked at, for a token may be
 * explained years later. */
#include <inttypes.h>
#include <krb5.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/secret.h"
#include "der.h"
#include "explain_kerberos.h"
#include "kerberos/ap_messages.h"
#include "kerberos/logon.h"
#include "terminal.h"
#include "text/sid.h"

#define USAGE_AUTHENTICATOR 11 /* RFC 4120 7.5.1 */
#define USAGE_AP_REP        12
#define GSS_CHECKSUM        0x8003

static krb5_data data_of(struct bytes bytes)
{
    return (krb5_data){0, (unsigned)bytes.size, (char *)(uintptr_t)bytes.data};
}

/* What is in an EncryptedData; owned by the caller, who wipes it.  Empty when the key does not fit. */
static struct secret open_encrypted(krb5_context krb, const krb5_keyblock *key, krb5_keyusage usage,
                                    struct bytes element)
{
    struct secret plain = {0};
    struct bytes sequence = der_open(element, DER_SEQUENCE);
    struct bytes cipher = der_open(der_field(sequence, 2), DER_OCTETS);
    krb5_enc_data encrypted = {0, (krb5_enctype)der_integer(der_field(sequence, 0)), 0, data_of(cipher)};
    if (cipher.size == 0 || secret_alloc(&plain, cipher.size) != SEC_E_OK) {
        return plain;
    }
    krb5_data out = {0, (unsigned)plain.size, (char *)plain.data};
    if (krb5_c_decrypt(krb, key, usage, NULL, &encrypted, &out) != 0) {
        secret_free(&plain);
        return (struct secret){0};
    }
    return plain;
}

static void add_moment(struct json_object *facts, const char *name, krb5_timestamp when)
{
    if (when != 0) {
        facts_time(facts, name, ((uint64_t)(uint32_t)when + UINT64_C(11644473600)) * 10000000u);
    }
}

static void add_ticket(krb5_context krb, const krb5_enc_tkt_part *part, struct json_object *facts)
{
    char *client = NULL;
    char type[64], flags[16];
    if (krb5_unparse_name(krb, part->client, &client) == 0) {
        facts_oem(facts, "client", bytes_of(client, strlen(client)));
        krb5_free_unparsed_name(krb, client);
    }
    kerberos_enctype_text(part->session->enctype, type);
    facts_text(facts, "session_key", type);
    snprintf(flags, sizeof flags, "0x%08x", (unsigned)part->flags);
    facts_text(facts, "ticket_flags", flags);
    add_moment(facts, "signed_in", part->times.authtime);
    add_moment(facts, "valid_from", part->times.starttime);
    add_moment(facts, "valid_until", part->times.endtime);
    add_moment(facts, "renewable_until", part->times.renew_till);
    struct json_object *types = facts_list();
    for (size_t i = 0; part->authorization_data != NULL && part->authorization_data[i] != NULL; i++) {
        facts_say(types, "type %d, %u bytes", part->authorization_data[i]->ad_type,
                  part->authorization_data[i]->length);
    }
    facts_add(facts, "authorization_data", types);
}

static void add_sids(struct bytes list, struct json_object *facts)
{
    char text[SID_TEXT_MAX];
    struct bytes sid;
    uint32_t attributes;
    if (sid_list_next(&list, &attributes, &sid)) {
        sid_text(sid, text);
        facts_text(facts, "sid", text);
    }
    struct json_object *groups = facts_list();
    while (sid_list_next(&list, &attributes, &sid)) {
        sid_text(sid, text);
        facts_say(groups, "%s", text);
    }
    facts_add(facts, "groups", groups);
}

static bool has_pac(krb5_context krb, const krb5_ticket *ticket)
{
    krb5_authdata **found = NULL;
    if (krb5_find_authdata(krb, ticket->enc_part2->authorization_data, NULL, KRB5_AUTHDATA_WIN2K_PAC, &found) != 0) {
        return false;
    }
    bool has = found != NULL && found[0] != NULL;
    krb5_free_authdata(krb, found);
    return has;
}

/* What the client's KDC says of it (MS-PAC). */
static void add_pac(krb5_context krb, const krb5_ticket *ticket, struct json_object *facts)
{
    struct logon_keys keys = {.keytab = NULL};
    struct kerberos_logon *logon = NULL;
    AUTO_UTF16 account = UTF16_NONE;
    bool known = krb5_kt_default(krb, &keys.keytab) == 0 &&
                 logon_of_ticket(krb, ticket, &keys, &account, &logon) == SEC_E_OK && logon != NULL;
    if (known) {
        facts_text(facts, "pac", "right: signed with this server's key");
        facts_utf16(facts, "account", utf16_bytes(account));
        if (logon->upn_size != 0) {
            facts_utf16(facts, "user_principal_name", utf16_bytes(logon_upn(logon)));
        }
        if (logon->dns_size != 0) {
            facts_utf16(facts, "dns_domain", utf16_bytes(logon_dns_domain(logon)));
        }
        add_sids(logon_sids(logon), facts);
        facts_time(facts, "password_expires", logon->password_expiry);
        facts_time(facts, "logoff", logon->logoff);
        facts_word(facts, "user_flags", logon->user_flags);
    } else {
        facts_text(facts, "pac",
                   has_pac(krb, ticket) ? "no account in it that is signed with this server's key" : "none");
    }
    if (keys.keytab != NULL) {
        (void)krb5_kt_close(krb, keys.keytab);
    }
    free(logon);
}

static void add_checksum(struct bytes element, struct json_object *facts)
{
    static const uint8_t none[16];
    struct bytes sequence = der_open(element, DER_SEQUENCE);
    struct ap_checksum checksum;
    if (der_integer(der_field(sequence, 0)) != GSS_CHECKSUM ||
        ap_checksum_parse(der_open(der_field(sequence, 1), DER_OCTETS), &checksum) != SEC_E_OK) {
        facts_text(facts, "checksum", "none of GSS-API's (RFC 4121 4.1.1)");
        return;
    }
    kerberos_add_flags(facts, "flags", checksum.flags);
    if (memcmp(checksum.bindings.data, none, sizeof none) == 0) {
        facts_text(facts, "channel_bindings", "none");
    } else {
        facts_bytes(facts, "channel_bindings", checksum.bindings);
    }
    if (checksum.credentials.size != 0) {
        facts_number(facts, "forwarded_credentials", checksum.credentials.size);
    }
}

static void add_subkey(struct bytes element, const char *name, struct json_object *facts)
{
    struct bytes key = der_open(element, DER_SEQUENCE);
    char type[64];
    if (key.size != 0) {
        kerberos_enctype_text(der_integer(der_field(key, 0)), type);
        facts_text(facts, name, type);
    }
}

static void add_authenticator(krb5_context krb, const krb5_keyblock *key, struct bytes element,
                              struct json_object *facts)
{
    struct secret plain = open_encrypted(krb, key, USAGE_AUTHENTICATOR, element);
    struct bytes inside = der_open(der_open(secret_bytes(&plain), DER_APPLICATION(2)), DER_SEQUENCE);
    facts_text(facts, "authenticator",
               inside.size != 0 ? "right: made with the ticket's key" : "WRONG: not made with this ticket's key");
    facts_truth(facts, "authenticator_right", inside.size != 0);
    if (inside.size != 0) {
        kerberos_add_time(facts, "client_time", der_field(inside, 5));
        add_checksum(der_field(inside, 3), facts);
        add_subkey(der_field(inside, 6), "client_subkey", facts);
        if (der_field(inside, 7).size != 0) {
            facts_number(facts, "client_sequence_number", (uint32_t)der_integer(der_field(inside, 7)));
        }
    }
    secret_free(&plain);
}

static void add_reply(krb5_context krb, const krb5_keyblock *key, struct bytes body, struct json_object *facts)
{
    struct bytes reply = der_open(der_open(body, DER_APPLICATION(15)), DER_SEQUENCE);
    struct secret plain = open_encrypted(krb, key, USAGE_AP_REP, der_field(reply, 2));
    struct bytes inside = der_open(der_open(secret_bytes(&plain), DER_APPLICATION(27)), DER_SEQUENCE);
    facts_text(facts, "reply",
               inside.size != 0 ? "right: made with the ticket's key" : "WRONG: not made with this ticket's key");
    facts_truth(facts, "reply_right", inside.size != 0);
    if (inside.size != 0) {
        add_subkey(der_field(inside, 2), "server_subkey", facts);
        if (der_field(inside, 3).size != 0) {
            facts_number(facts, "server_sequence_number", (uint32_t)der_integer(der_field(inside, 3)));
        }
    }
    secret_free(&plain);
}

/* The whole element, with its tag: what krb5_decode_ticket() wants. */
static krb5_error_code open_ticket(krb5_context krb, struct bytes element, krb5_ticket **out)
{
    krb5_data data = data_of(element);
    krb5_keytab keytab = NULL;
    krb5_ticket *ticket = NULL;
    krb5_error_code code = krb5_decode_ticket(&data, &ticket);
    code = code != 0 ? code : krb5_kt_default(krb, &keytab);
    code = code != 0 ? code : krb5_server_decrypt_ticket_keytab(krb, keytab, ticket);
    if (keytab != NULL) {
        (void)krb5_kt_close(krb, keytab);
    }
    if (code != 0) {
        krb5_free_ticket(krb, ticket);
        return code;
    }
    *out = ticket;
    return 0;
}

static struct json_object *decrypt(krb5_context krb, struct bytes request, struct bytes reply)
{
    struct json_object *facts = facts_new();
    krb5_ticket *ticket = NULL;
    krb5_error_code code = open_ticket(krb, der_field(request, 3), &ticket);
    facts_truth(facts, "ticket_right", code == 0);
    if (code != 0) {
        const char *why = krb5_get_error_message(krb, code);
        char text[512];
        snprintf(text, sizeof text, "NOT OPENED: %s", why);
        facts_text(facts, "ticket", text);
        krb5_free_error_message(krb, why);
        return facts;
    }
    facts_text(facts, "ticket", "right: a key of this keytab opens it");
    add_ticket(krb, ticket->enc_part2, facts);
    add_pac(krb, ticket, facts);
    add_authenticator(krb, ticket->enc_part2->session, der_field(request, 4), facts);
    if (reply.size != 0) {
        add_reply(krb, ticket->enc_part2->session, reply, facts);
    }
    krb5_free_ticket(krb, ticket);
    return facts;
}

struct json_object *explain_kerberos_decrypt(const struct exchange *exchange)
{
    struct bytes request = BYTES_NONE, reply = BYTES_NONE;
    krb5_context krb = NULL;
    struct json_object *facts = NULL;
    status_begin();
    for (size_t i = 0; i < exchange->count; i++) {
        struct ap_token token;
        if (ap_token_parse(exchange->legs[i].token, &token) != SEC_E_OK) {
            continue;
        }
        if (token.kind == AP_REQUEST && request.size == 0) {
            request = der_open(der_open(token.body, DER_APPLICATION(14)), DER_SEQUENCE);
        } else if (token.kind == AP_REPLY && reply.size == 0) {
            reply = token.body;
        }
    }
    if (request.size != 0 && krb5_init_context(&krb) == 0) {
        facts = decrypt(krb, request, reply);
        krb5_free_context(krb);
    }
    return facts;
}
