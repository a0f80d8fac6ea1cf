/* An NTLM exchange as a whole: what does not fit together, and whether a password made it (MS-NLMP 3.2.5.1.2, 3.3). */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "crypto/cipher.h"
#include "explain.h"
#include "explain_ntlm.h"
#include "ntlm/flags.h"
#include "ntlm/keys.h"
#include "ntlm/signature.h"
#include "terminal.h"
#include "text/utf16.h"

/* The last of each message: an exchange that began again counts from there. */
struct ntlm_exchange {
    struct bytes negotiate, challenge, authenticate; /* empty: not there, or not readable */
    struct ntlm_negotiate one;
    struct ntlm_challenge two;
    struct ntlm_authenticate three;
};

static struct ntlm_exchange collect(const struct exchange *exchange)
{
    struct ntlm_exchange found = {.negotiate = BYTES_NONE};
    for (size_t i = 0; i < exchange->count; i++) {
        struct bytes token = exchange->legs[i].token;
        uint32_t type = explain_ntlm_type(token);
        if (type == 1 && ntlm_negotiate_parse(token, &found.one) == SEC_E_OK) {
            found.negotiate = token;
        } else if (type == 2 && ntlm_challenge_parse(token, &found.two) == SEC_E_OK) {
            found.challenge = token;
        } else if (type == 3 && ntlm_authenticate_parse(token, &found.three) == SEC_E_OK) {
            found.authenticate = token;
        }
    }
    return found;
}

static void compare_flags(const struct ntlm_exchange *seen, struct json_object *odd)
{
    const uint32_t types = NTLM_TARGET_TYPE_DOMAIN | NTLM_TARGET_TYPE_SERVER | NTLM_TARGET_INFO;
    uint32_t requested = seen->one.flags | NTLM_REQUEST_TARGET | NTLM_NTLM | NTLM_ALWAYS_SIGN | types;
    if (seen->negotiate.size > 0 && seen->challenge.size > 0 && (seen->two.flags & ~requested) != 0) {
        facts_say(odd, "the server grants what the client did not ask for: 0x%08" PRIx32, seen->two.flags & ~requested);
    }
    uint32_t extra = seen->three.flags & ~(seen->two.flags | NTLM_ANONYMOUS | NTLM_REQUEST_TARGET);
    if (seen->challenge.size > 0 && seen->authenticate.size > 0 && extra != 0) {
        facts_say(odd, "the client goes by what the server did not offer: 0x%08" PRIx32, extra);
    }
}

/* A relay shows here: the client signed another server's names into its response. */
static void compare_names(const struct ntlm_exchange *seen, const struct ntlm_v2_view *view, struct json_object *odd)
{
    struct ntlm_av_pairs server;
    if (ntlm_av_pairs_parse(seen->two.target_info, &server) != SEC_E_OK || !view->pairs_good) {
        return;
    }
    const struct {
        const char *what;
        struct bytes ours, theirs;
    } names[] = {
        {"NetBIOS computer", server.nb_computer, view->av.nb_computer},
        {"NetBIOS domain", server.nb_domain, view->av.nb_domain},
        {"DNS computer", server.dns_computer, view->av.dns_computer},
        {"DNS domain", server.dns_domain, view->av.dns_domain},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!utf16_equal(utf16_of(names[i].ours), utf16_of(names[i].theirs))) {
            facts_say(odd,
                      "the response names another %s name than this server's: not its challenge, or changed on the way",
                      names[i].what);
        }
    }
    if (server.has_timestamp && view->time != server.timestamp) {
        facts_say(odd, "the response's time is not the server's timestamp (MS-NLMP 3.1.5.1.2)");
    }
    if (server.has_timestamp && view->av.has_flags && (view->av.flags & NTLM_AV_MIC) == 0) {
        facts_say(odd, "the server sent a timestamp, so a MIC is due, but none is announced");
    }
}

void explain_ntlm_compare(const struct exchange *exchange, struct json_object *odd)
{
    struct ntlm_exchange seen = collect(exchange);
    struct ntlm_v2_view view;
    compare_flags(&seen, odd);
    if (seen.challenge.size > 0 && seen.authenticate.size > 0 && explain_ntlm_response(seen.three.nt_response, &view)) {
        compare_names(&seen, &view, odd);
    }
}

/* A text of the message as UTF-16; an OEM text is taken for ASCII.  Owned. */
static struct utf16 wide(uint32_t flags, struct bytes text)
{
    struct utf16 out = UTF16_NONE;
    SECURITY_STATUS status =
        (flags & NTLM_UNICODE) != 0 ? utf16_copy(utf16_of(text), &out) : utf16_from_utf8(text, &out);
    return status == SEC_E_OK ? out : UTF16_NONE;
}

/* Which of the names that clients hash makes the response come out right. */
static bool try_domain(const struct ntlm_exchange *seen, const struct ntlm_v2_view *view, const struct key16 *ntowf,
                       struct utf16 domain, struct key16 *session_base_key)
{
    AUTO_KEY16 v2;
    AUTO_KEY16 proof;
    AUTO_UTF16 user = wide(seen->three.flags, seen->three.user);
    struct hmac_md5_key key;
    ntlm_ntowf_v2(ntowf, user, domain, &v2);
    hmac_md5_key(&key, BYTES(v2.b));
    ntlm_v2_proof(&key, seen->two.server_challenge, view->temp, &proof);
    bool same = secret_equal(proof.b, view->proof.data, sizeof proof.b);
    if (same) {
        ntlm_v2_session_base_key(&key, &proof, session_base_key);
    }
    hmac_md5_key_wipe(&key);
    return same;
}

/* KXKEY of NTLMv2 is the session base key (MS-NLMP 3.4.5.1), and with KEY_EXCH wraps the real one (3.1.5.1.2). */
static void unwrap_session_key(const struct ntlm_exchange *seen, struct key16 *session_key)
{
    AUTO_KEY16 base = *session_key;
    struct bytes sealed = seen->three.encrypted_session_key;
    if ((seen->three.flags & NTLM_KEY_EXCH) != 0 && sealed.size == sizeof base.b) {
        rc4_once(BYTES(base.b), sealed.size, sealed.data, session_key->b);
    }
}

static void verify_mic(const struct ntlm_exchange *seen, const struct ntlm_v2_view *view,
                       const struct key16 *session_key, struct json_object *facts)
{
    AUTO_KEY16 mic;
    if (!view->pairs_good || !view->av.has_flags || (view->av.flags & NTLM_AV_MIC) == 0) {
        facts_text(facts, "mic", "none announced");
        return;
    }
    if (seen->negotiate.size == 0 || seen->three.mic_offset == 0) {
        facts_text(facts, "mic", seen->negotiate.size == 0 ? "not checked: the NEGOTIATE message is needed" : "absent");
        return;
    }
    ntlm_mic(session_key, seen->negotiate, seen->challenge, seen->authenticate, seen->three.mic_offset, &mic);
    bool same = secret_equal(mic.b, seen->authenticate.data + seen->three.mic_offset, sizeof mic.b);
    facts_text(facts, "mic",
               same ? "right: the three messages are as they were sent"
                    : "WRONG: one of the three messages was changed, or belongs to another exchange");
    facts_truth(facts, "mic_right", same);
}

static bool verify_v1(const struct ntlm_exchange *seen, const struct key16 *ntowf)
{
    uint8_t response[24];
    AUTO_KEY16 folded;
    uint8_t challenge[8];
    memcpy(challenge, seen->two.server_challenge, sizeof challenge);
    if ((seen->three.flags & NTLM_ESS) != 0 && seen->three.lm_response.size >= 8) { /* MS-NLMP 3.3.1 */
        const struct bytes parts[] = {BYTES(seen->two.server_challenge), {seen->three.lm_response.data, 8}};
        md5(parts, 2, &folded);
        memcpy(challenge, folded.b, sizeof challenge);
    }
    ntlm_v1_response(ntowf, challenge, response);
    return secret_equal(response, seen->three.nt_response.data, sizeof response);
}

/* How the response was made from this password, and its session key; NULL when it was not. */
static const char *try_password(const struct ntlm_exchange *seen, const struct ntlm_v2_view *view,
                                const struct key16 *ntowf, const struct login *login, struct key16 *session_key)
{
    AUTO_UTF16 sent = wide(seen->three.flags, seen->three.domain);
    AUTO_UTF16 given = UTF16_NONE;
    const char *domain = login->domain != NULL ? login->domain : "";
    const char *verdict = NULL;
    if (utf16_from_utf8(bytes_of(domain, strlen(domain)), &given) != SEC_E_OK) {
        given = UTF16_NONE;
    }
    if (try_domain(seen, view, ntowf, sent, session_key)) {
        verdict = "right";
    } else if (try_domain(seen, view, ntowf, UTF16_NONE, session_key)) {
        verdict = "right, but hashed with an empty domain instead of the one in the message";
    } else if (login->domain != NULL && try_domain(seen, view, ntowf, given, session_key)) {
        verdict = "right, but hashed with the given domain instead of the one in the message: servers will refuse it";
    }
    if (verdict != NULL) {
        unwrap_session_key(seen, session_key);
    }
    return verdict;
}

static void verify_v2(const struct ntlm_exchange *seen, const struct ntlm_v2_view *view, const struct key16 *ntowf,
                      const struct login *login, struct json_object *facts)
{
    AUTO_KEY16 session_key;
    const char *verdict = try_password(seen, view, ntowf, login, &session_key);
    facts_text(facts, "proof",
               verdict != NULL ? verdict : "WRONG: another password, another challenge, or changed names");
    facts_truth(facts, "proof_right", verdict != NULL);
    if (verdict != NULL) {
        verify_mic(seen, view, &session_key, facts);
    }
}

/* The first signature of a session, by one side (MS-NLMP 3.4.4). */
static bool signature_fits(uint32_t flags, const struct key16 *session_key, bool from_client, struct bytes data,
                           struct bytes signature)
{
    AUTO_KEY16 sign_key;
    AUTO_KEY16 seal_key;
    struct hmac_md5_key key;
    struct ntlm_signature_state state;
    struct rc4 stream;
    size_t size = ntlm_seal_key(flags, session_key, from_client, &seal_key);
    rc4_start(&stream, bytes_of(seal_key.b, size));
    bool has_key = ntlm_sign_key(flags, session_key, from_client, &sign_key);
    if (has_key) {
        hmac_md5_key(&key, BYTES(sign_key.b));
    }
    ntlm_signature_start(&state, flags, has_key ? &key : NULL, 0);
    ntlm_signature_add(&state, data);
    bool fits = ntlm_signature_check(&state, &stream, signature.data) == SEC_E_OK;
    rc4_wipe(&stream);
    if (has_key) {
        hmac_md5_key_wipe(&key);
    }
    return fits;
}

int explain_ntlm_signature(const struct exchange *exchange, const struct login *login, bool from_client,
                           struct bytes data, struct bytes signature)
{
    struct ntlm_exchange seen = collect(exchange);
    struct ntlm_v2_view view;
    AUTO_KEY16 ntowf;
    AUTO_KEY16 session_key;
    AUTO_UTF16 password = UTF16_NONE;
    if (seen.challenge.size == 0 || seen.authenticate.size == 0 || signature.size != 16 ||
        !explain_ntlm_response(seen.three.nt_response, &view) ||
        utf16_from_utf8(bytes_of(login->password, strlen(login->password)), &password) != SEC_E_OK) {
        return -1;
    }
    ntlm_ntowf_v1(utf16_bytes(password), &ntowf);
    if (try_password(&seen, &view, &ntowf, login, &session_key) == NULL) {
        return -1;
    }
    return signature_fits(seen.three.flags, &session_key, from_client, data, signature) ? 1 : 0;
}

struct json_object *explain_ntlm_verify(const struct exchange *exchange, const struct login *login)
{
    struct ntlm_exchange seen = collect(exchange);
    struct ntlm_v2_view view;
    AUTO_KEY16 ntowf;
    AUTO_UTF16 password = UTF16_NONE;
    if (seen.challenge.size == 0 || seen.authenticate.size == 0) {
        return NULL; /* a response without its challenge proves nothing */
    }
    struct json_object *facts = facts_new();
    if (utf16_from_utf8(bytes_of(login->password, strlen(login->password)), &password) != SEC_E_OK) {
        facts_text(facts, "proof", "not checked: the password is not UTF-8");
        facts_truth(facts, "proof_right", false);
        return facts;
    }
    ntlm_ntowf_v1(utf16_bytes(password), &ntowf);
    if (seen.three.nt_response.size > 24 && explain_ntlm_response(seen.three.nt_response, &view)) {
        verify_v2(&seen, &view, &ntowf, login, facts);
    } else if (seen.three.nt_response.size == 24) {
        bool same = verify_v1(&seen, &ntowf);
        facts_text(facts, "proof", same ? "right (NTLMv1)" : "WRONG: another password or another challenge");
        facts_truth(facts, "proof_right", same);
    } else {
        facts_text(facts, "proof", "there is no NT response in the message");
        facts_truth(facts, "proof_right", false);
    }
    return facts;
}
