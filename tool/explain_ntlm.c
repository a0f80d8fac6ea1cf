/* NTLM's three messages, field by field (MS-NLMP 2.2). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "explain.h"
#include "explain_ntlm.h"
#include "ntlm/av_pairs.h"
#include "ntlm/flags.h"
#include "terminal.h"
#include "wire/reader.h"

static const uint8_t signature[8] = {'N', 'T', 'L', 'M', 'S', 'S', 'P', 0};

static bool recognise(struct bytes token)
{
    return token.size >= 12 && memcmp(token.data, signature, sizeof signature) == 0;
}

uint32_t explain_ntlm_type(struct bytes token)
{
    struct reader reader = read_start(token);
    read_expect(&reader, signature, sizeof signature);
    uint32_t type = read_u32le(&reader);
    return reader.bad ? 0 : type;
}

bool explain_ntlm_response(struct bytes nt_response, struct ntlm_v2_view *out)
{
    struct reader reader = read_start(nt_response);
    struct ntlm_v2_view view = {.proof = read_bytes(&reader, 16)};
    view.temp = read_at(&reader, 16, read_left(&reader));
    view.version = read_u8(&reader);
    view.high_version = read_u8(&reader);
    read_bytes(&reader, 6);
    view.time = read_u64le(&reader);
    view.client_challenge = read_bytes(&reader, 8);
    read_bytes(&reader, 4);
    if (reader.bad) {
        return false;
    }
    view.pairs = read_bytes(&reader, read_left(&reader));
    view.pairs_good = ntlm_av_pairs_parse(view.pairs, &view.av) == SEC_E_OK;
    *out = view;
    return true;
}

/* The flag's name in MS-NLMP 2.2.2.5 without the prefixes that most of them share. */
static const char *short_name(const char *name)
{
    static const char *const prefixes[] = {"NTLMSSP_", "NTLM_", "NEGOTIATE_"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
            name += strlen(prefixes[i]);
        }
    }
    return name;
}

static void add_flags(struct json_object *facts, uint32_t flags, struct json_object *odd)
{
    struct json_object *names = facts_list();
    uint32_t unnamed = 0;
    for (uint32_t bit = 1; bit != 0; bit <<= 1) {
        const char *name = (flags & bit) != 0 ? ntlm_flag_name(bit) : NULL;
        if (name != NULL) {
            facts_say(names, "%s", short_name(name));
        } else if ((flags & bit) != 0) {
            unnamed |= bit;
        }
    }
    facts_word(facts, "flags", flags);
    facts_add(facts, "flag_names", names);
    if (unnamed != 0) {
        facts_say(odd, "flags without a meaning are set: 0x%08" PRIx32 " (MS-NLMP 2.2.2.5)", unnamed);
    }
    if ((flags & (NTLM_UNICODE | NTLM_OEM)) == 0) {
        facts_say(odd, "neither UNICODE nor OEM: there is no way to read a name (MS-NLMP 2.2.2.5)");
    }
    if ((flags & NTLM_ESS) == 0) {
        facts_say(odd, "no extended session security: without it signing is CRC-32 and NTLMv1 is weakest");
    }
    if ((flags & NTLM_128) == 0 && (flags & (NTLM_SIGN | NTLM_SEAL)) != 0) {
        facts_say(odd, "signing or sealing without 128-bit keys; Windows 7 and later refuse that");
    }
    if ((flags & NTLM_DATAGRAM) != 0) {
        facts_say(odd, "connectionless NTLM; no Windows since 2008 speaks it");
    }
}

static void add_version(struct json_object *facts, bool present, struct ntlm_version version)
{
    char text[64];
    if (present) {
        snprintf(text, sizeof text, "%u.%u build %u, NTLM revision %u", version.major, version.minor, version.build,
                 version.revision);
        facts_text(facts, "version", text);
    }
}

static void add_name(struct json_object *facts, const char *name, uint32_t flags, struct bytes text)
{
    if ((flags & NTLM_UNICODE) != 0) {
        facts_utf16(facts, name, text);
    } else {
        facts_oem(facts, name, text);
    }
}

static void add_av_flags(struct json_object *facts, uint32_t flags)
{
    struct json_object *names = facts_list();
    static const struct {
        uint32_t bit;
        const char *name;
    } known[] = {
        {NTLM_AV_CONSTRAINED, "account authentication constrained"},
        {NTLM_AV_MIC, "this message has a MIC"},
        {NTLM_AV_UNTRUSTED_TARGET, "target name from an untrusted source"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if ((flags & known[i].bit) != 0) {
            facts_say(names, "%s", known[i].name);
        }
    }
    if ((flags & ~(uint32_t)7) != 0) {
        facts_say(names, "0x%08" PRIx32, flags & ~(uint32_t)7);
    }
    facts_add(facts, "flags", names);
}

static bool all_zero(struct bytes bytes)
{
    uint8_t any = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        any |= bytes.data[i];
    }
    return any == 0;
}

static void add_single_host(struct json_object *facts, struct bytes value, bool reveal)
{
    struct reader reader = read_start(value);
    read_bytes(&reader, 8);
    struct json_object *host = facts_new();
    facts_bytes(host, "custom_data", read_bytes(&reader, 8));
    if (reveal) {
        facts_bytes(host, "machine_id", read_bytes(&reader, 32));
    }
    facts_add(facts, "single_host", host);
}

/* Every pair in the order of the wire; the list has been parsed. */
static struct json_object *pair_facts(struct bytes list, const struct ntlm_av_pairs *pairs, bool reveal)
{
    static const char *const names[] = {
        [MsvAvNbComputerName] = "netbios_computer", [MsvAvNbDomainName] = "netbios_domain",
        [MsvAvDnsComputerName] = "dns_computer",    [MsvAvDnsDomainName] = "dns_domain",
        [MsvAvDnsTreeName] = "dns_forest",          [MsvAvTargetName] = "target_name",
    };
    struct json_object *facts = facts_new();
    size_t at = 0;
    uint16_t id = 0;
    struct bytes value = BYTES_NONE;
    while (ntlm_av_next(list, &at, &id, &value)) {
        if (id == MsvAvFlags) {
            add_av_flags(facts, pairs->flags);
        } else if (id == MsvAvTimestamp) {
            facts_time(facts, "time", pairs->timestamp);
        } else if (id == MsvAvSingleHost) {
            add_single_host(facts, value, reveal);
        } else if (id == MsvAvChannelBindings && all_zero(value)) {
            facts_text(facts, "channel_bindings", "none (zero)");
        } else if (id == MsvAvChannelBindings) {
            facts_bytes(facts, "channel_bindings", value);
        } else if (id < sizeof names / sizeof names[0] && names[id] != NULL) {
            facts_utf16(facts, names[id], value);
        } else {
            char name[32];
            snprintf(name, sizeof name, "unknown_%u", id);
            facts_bytes(facts, name, value);
        }
    }
    return facts;
}

static struct json_object *begin(const char *message, const char *from, struct bytes token)
{
    struct json_object *facts = facts_new();
    facts_text(facts, "package", "NTLM");
    facts_text(facts, "message", message);
    facts_text(facts, "from", from);
    facts_number(facts, "bytes", token.size);
    return facts;
}

static struct json_object *broken(struct json_object *facts)
{
    const char *reason = status_reason(NULL, NULL, NULL);
    facts_text(facts, "says", "cannot be read");
    facts_text(facts, "error", reason != NULL ? reason : "malformed");
    return facts;
}

/* The wishes a person looks for first. */
static void summarize_flags(char *out, size_t size, uint32_t flags)
{
    snprintf(out, size, "%s%s%s%s%s", (flags & NTLM_SIGN) != 0 ? "sign, " : "",
             (flags & NTLM_SEAL) != 0 ? "seal, " : "", (flags & NTLM_KEY_EXCH) != 0 ? "key exchange, " : "",
             (flags & NTLM_128) != 0 ? "128-bit keys, " : "",
             (flags & NTLM_ESS) != 0 ? "extended session security" : "no extended session security");
}

static struct json_object *explain_negotiate(struct bytes token, bool reveal)
{
    (void)reveal;
    struct ntlm_negotiate message;
    struct json_object *facts = begin("NEGOTIATE", "client", token);
    struct json_object *odd = NULL;
    char says[128];
    if (ntlm_negotiate_parse(token, &message) != SEC_E_OK) {
        return broken(facts);
    }
    odd = facts_list();
    summarize_flags(says, sizeof says, message.flags);
    add_flags(facts, message.flags, odd);
    if (message.domain.size > 0) {
        facts_oem(facts, "domain", message.domain);
    }
    if (message.workstation.size > 0) {
        facts_oem(facts, "workstation", message.workstation);
    }
    add_version(facts, message.has_version, message.version);
    if (message.has_version && (message.domain.size > 0 || message.workstation.size > 0)) {
        facts_say(odd, "names beside a version: when the version is sent both are to be empty (MS-NLMP 2.2.1.1)");
    }
    facts_add(facts, "odd", odd);
    facts_text(facts, "says", says);
    return facts;
}

static void odd_challenge(const struct ntlm_challenge *message, const struct ntlm_av_pairs *pairs, bool good,
                          struct json_object *odd)
{
    static const uint8_t well_known[8] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
    struct bytes challenge = BYTES(message->server_challenge);
    if (all_zero(challenge) || memcmp(challenge.data, well_known, sizeof well_known) == 0) {
        facts_say(odd, "the server challenge is a constant that credential-capture tools use, not a random number");
    }
    if (message->target_info.size == 0) {
        facts_say(odd, "no target information: the client cannot send a MIC, channel bindings or a target name");
        return;
    }
    if (!good) {
        facts_say(odd, "the target information is malformed: clients refuse this message");
        return;
    }
    if (!pairs->has_timestamp) {
        facts_say(odd, "no timestamp: the client will send no MIC and its own clock's time (MS-NLMP 3.1.5.1.2)");
    }
    if (pairs->nb_computer.data == NULL || pairs->nb_domain.data == NULL) {
        facts_say(odd, "NetBIOS computer or domain name missing; both must be there (MS-NLMP 2.2.2.1)");
    }
}

static struct json_object *explain_challenge(struct bytes token, bool reveal)
{
    struct ntlm_challenge message;
    struct ntlm_av_pairs pairs = {0};
    struct json_object *facts = begin("CHALLENGE", "server", token);
    struct json_object *odd = NULL;
    if (ntlm_challenge_parse(token, &message) != SEC_E_OK) {
        return broken(facts);
    }
    odd = facts_list();
    bool good = ntlm_av_pairs_parse(message.target_info, &pairs) == SEC_E_OK;
    add_flags(facts, message.flags, odd);
    facts_bytes(facts, "server_challenge", BYTES(message.server_challenge));
    add_name(facts, "target_name", message.flags, message.target_name);
    if (good && message.target_info.size > 0) {
        facts_add(facts, "target_information", pair_facts(message.target_info, &pairs, reveal));
    }
    add_version(facts, message.has_version, message.version);
    odd_challenge(&message, &pairs, good, odd);
    facts_add(facts, "odd", odd);

    char says[512];
    AUTO_FREE char *computer = facts_utf8(pairs.dns_computer.size > 0 ? pairs.dns_computer : pairs.nb_computer);
    snprintf(says, sizeof says, "%s%s of %s; here is a random number to answer",
             computer[0] != '\0' ? "I am " : "a server", computer, facts_get(facts, "target_name"));
    facts_text(facts, "says", says);
    return facts;
}

static void odd_v2(const struct ntlm_v2_view *view, const struct ntlm_authenticate *message, struct json_object *odd)
{
    if (view->version != 1 || view->high_version != 1) {
        facts_say(odd, "response version %u.%u instead of 1.1 (MS-NLMP 2.2.2.7)", view->version, view->high_version);
    }
    if (!view->pairs_good) {
        facts_say(odd, "the response's AV pairs are malformed");
        return;
    }
    bool announced = view->av.has_flags && (view->av.flags & NTLM_AV_MIC) != 0;
    if (announced && message->mic_offset == 0) {
        facts_say(odd, "a MIC is announced but there is no room for one: servers refuse that as altered");
    }
    if (!announced) {
        facts_say(odd, "no MIC: nothing protects the three messages from being changed on the way");
    }
    if ((view->av.flags & NTLM_AV_UNTRUSTED_TARGET) != 0) {
        facts_say(odd, "the client marks its target name as untrusted; servers must ignore it");
    }
}

static void add_v2_response(struct json_object *facts, const struct ntlm_v2_view *view, bool reveal)
{
    size_t used = view->pairs_good ? view->av.size : view->pairs.size;
    struct json_object *blob = facts_new();
    if (reveal) {
        facts_bytes(blob, "proof", view->proof);
        facts_bytes(blob, "client_challenge", view->client_challenge);
    }
    facts_time(blob, "time", view->time);
    if (view->pairs_good) {
        facts_add(blob, "pairs", pair_facts(view->pairs, &view->av, reveal));
    }
    facts_number(blob, "bytes_after_the_pairs", view->pairs.size - used);
    facts_add(facts, "ntlmv2", blob);
}

static void add_mic(struct json_object *facts, struct bytes token, const struct ntlm_authenticate *message,
                    bool announced)
{
    struct reader reader = read_start(token);
    if (!announced || message->mic_offset == 0) {
        facts_text(facts, "mic", announced ? "announced, but absent" : "none");
        return;
    }
    facts_bytes(facts, "mic", read_at(&reader, message->mic_offset, 16));
    facts_number(facts, "mic_offset", message->mic_offset);
}

/* What kind of answer this is, and the fields that go with it. */
static const char *add_response(struct json_object *facts, const struct ntlm_authenticate *message, struct bytes token,
                                bool reveal, struct json_object *odd)
{
    struct ntlm_v2_view view = {0};
    bool v2 = message->nt_response.size > 24 && explain_ntlm_response(message->nt_response, &view);
    bool announced = v2 && view.pairs_good && view.av.has_flags && (view.av.flags & NTLM_AV_MIC) != 0;
    const char *kind = v2 ? "NTLMv2" : "NTLMv1";
    if (message->nt_response.size == 0) {
        kind = message->user.size == 0 ? "anonymous" : "LM only";
    } else if (!v2 && (message->flags & NTLM_ESS) != 0) {
        kind = "NTLMv1 with extended session security";
    }
    facts_text(facts, "response", kind);
    if (v2) {
        add_v2_response(facts, &view, reveal);
        odd_v2(&view, message, odd);
    } else if (message->nt_response.size > 24) {
        facts_say(odd, "an NTLMv2 response of %zu bytes is too short", message->nt_response.size);
    } else if (message->nt_response.size > 0) {
        facts_say(odd, "NTLMv1: the password's hash can be computed from this; OpenSSPI's default policy refuses it");
    }
    if (reveal && !v2 && message->nt_response.size > 0) {
        facts_bytes(facts, "nt_response", message->nt_response);
    }
    if (reveal && !all_zero(message->lm_response)) {
        facts_bytes(facts, "lm_response", message->lm_response);
    } else {
        facts_number(facts, "lm_response_bytes", message->lm_response.size);
    }
    add_mic(facts, token, message, announced);
    return kind;
}

static struct json_object *explain_authenticate(struct bytes token, bool reveal)
{
    struct ntlm_authenticate message;
    struct json_object *facts = begin("AUTHENTICATE", "client", token);
    if (ntlm_authenticate_parse(token, &message) != SEC_E_OK) {
        return broken(facts);
    }
    struct json_object *odd = facts_list();
    add_flags(facts, message.flags, odd);
    add_name(facts, "domain", message.flags, message.domain);
    add_name(facts, "user", message.flags, message.user);
    add_name(facts, "workstation", message.flags, message.workstation);
    const char *kind = add_response(facts, &message, token, reveal, odd);
    facts_number(facts, "session_key_bytes", message.encrypted_session_key.size);
    if (reveal && message.encrypted_session_key.size > 0) {
        facts_bytes(facts, "encrypted_session_key", message.encrypted_session_key);
    }
    add_version(facts, message.has_version, message.version);
    bool exchanged = (message.flags & NTLM_KEY_EXCH) != 0 && (message.flags & (NTLM_SIGN | NTLM_SEAL)) != 0;
    if (exchanged && message.encrypted_session_key.size != 16) {
        facts_say(odd, "key exchange agreed, but the session key has %zu bytes instead of 16 (MS-NLMP 3.2.5.1.2)",
                  message.encrypted_session_key.size);
    }
    facts_add(facts, "odd", odd);

    char says[512];
    snprintf(says, sizeof says, "I am %s%s%s from %s; answer by %s", facts_get(facts, "domain"),
             message.domain.size > 0 ? "\\" : "", message.user.size > 0 ? facts_get(facts, "user") : "nobody",
             message.workstation.size > 0 ? facts_get(facts, "workstation") : "an unnamed machine", kind);
    facts_text(facts, "says", says);
    return facts;
}

static struct json_object *explain(struct bytes token, bool reveal)
{
    status_begin();
    switch (explain_ntlm_type(token)) {
    case 1:
        return explain_negotiate(token, reveal);
    case 2:
        return explain_challenge(token, reveal);
    case 3:
        return explain_authenticate(token, reveal);
    default:
        break;
    }
    struct json_object *facts = begin("unknown", "client", token);
    facts_text(facts, "says", "an NTLM signature with a message type that does not exist");
    facts_number(facts, "message_type", explain_ntlm_type(token));
    return facts;
}

const struct explainer ntlm_explainer = {
    .name = "NTLM",
    .recognise = recognise,
    .explain = explain,
    .compare = explain_ntlm_compare,
    .verify = explain_ntlm_verify,
    .signature = explain_ntlm_signature,
};
