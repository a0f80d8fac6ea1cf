/* Explaining Digest: challenges, responses and proofs, of HTTP and SASL. */
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "digest/response.h"
#include "explain.h"
#include "terminal.h"

#define TOKEN_MAX 16384

/* A token taken apart; `memory` holds what was unescaped. */
struct digest_token {
    struct digest_directives said;
    size_t others; /* challenges behind the first */
    uint8_t memory[TOKEN_MAX];
};

static bool take_apart(struct bytes token, struct digest_token *out)
{
    struct writer room = write_into(out->memory, sizeof out->memory);
    struct digest_directives more;
    struct bytes rest = token;
    out->others = 0;
    if (token.size == 0 || token.size > TOKEN_MAX || digest_parse(&rest, &room, &out->said) < 0) {
        return false;
    }
    while (rest.size != 0) {
        if (digest_parse(&rest, &room, &more) < 0) {
            return false;
        }
        out->others += !more.foreign;
    }
    return !out->said.foreign && (digest_has(&out->said, DIGEST_NONCE) || digest_has(&out->said, DIGEST_RSPAUTH));
}

static bool recognise(struct bytes token)
{
    struct digest_token apart;
    return take_apart(token, &apart);
}

static const char *const titles[DIGEST_DIRECTIVES] = {
    [DIGEST_REALM] = "realm",
    [DIGEST_NONCE] = "nonce",
    [DIGEST_QOP] = "qop",
    [DIGEST_ALGORITHM] = "algorithm",
    [DIGEST_OPAQUE] = "opaque",
    [DIGEST_DOMAIN] = "domain",
    [DIGEST_STALE] = "stale",
    [DIGEST_CHARSET] = "charset",
    [DIGEST_USERHASH] = "userhash",
    [DIGEST_MAXBUF] = "maxbuf",
    [DIGEST_CIPHER] = "cipher",
    [DIGEST_USERNAME] = "username",
    [DIGEST_USERNAME_EXT] = "username_extended",
    [DIGEST_NC] = "nc",
    [DIGEST_CNONCE] = "cnonce",
    [DIGEST_URI] = "uri",
    [DIGEST_DIGEST_URI] = "digest_uri",
    [DIGEST_RESPONSE] = "response",
    [DIGEST_RSPAUTH] = "rspauth",
    [DIGEST_NEXTNONCE] = "nextnonce",
    [DIGEST_AUTHZID] = "authzid",
};

static const char *kind_of(const struct digest_directives *said)
{
    if (digest_has(said, DIGEST_RESPONSE)) {
        return digest_has(said, DIGEST_DIGEST_URI) ? "Digest response (SASL DIGEST-MD5)" : "Digest response (HTTP)";
    }
    return digest_has(said, DIGEST_RSPAUTH) ? "Digest proof of the server" : "Digest challenge";
}

/* Directives a reader should stop at. */
static void add_odd(const struct digest_token *token, struct json_object *facts)
{
    const struct digest_directives *said = &token->said;
    struct json_object *odd = facts_list();
    struct digest_algorithm algorithm;
    bool response = digest_has(said, DIGEST_RESPONSE);
    if (digest_has(said, DIGEST_ALGORITHM) && !digest_algorithm_read(said->value[DIGEST_ALGORITHM], &algorithm)) {
        facts_say(odd, "an algorithm that nobody knows (RFC 7616 3.3)");
    }
    if (!digest_has(said, DIGEST_QOP) && !digest_has(said, DIGEST_RSPAUTH)) {
        facts_say(odd, "no qop: as RFC 2069 had it, without protection against replays");
    }
    if (response && digest_has(said, DIGEST_QOP) &&
        (!digest_has(said, DIGEST_NC) || !digest_has(said, DIGEST_CNONCE))) {
        facts_say(odd, "qop without nc and cnonce (RFC 7616 3.4)");
    }
    if (digest_has(said, DIGEST_STALE) && digest_is_true(said->value[DIGEST_STALE])) {
        facts_say(odd, "the response was right, but its nonce too old: the client is to send another one (stale)");
    }
    if (token->others != 0) {
        facts_say(odd, "%zu more challenges follow; these are the directives of the first", token->others);
    }
    facts_add(facts, "odd", odd);
}

static struct json_object *explain(struct bytes token, bool reveal)
{
    struct digest_token apart;
    struct json_object *facts = facts_new();
    if (!take_apart(token, &apart)) {
        facts_text(facts, "message", "Digest");
        facts_text(facts, "says", "cannot be read");
        return facts;
    }
    const struct digest_directives *said = &apart.said;
    bool response = digest_has(said, DIGEST_RESPONSE);
    facts_text(facts, "message", kind_of(said));
    facts_text(facts, "from", response ? "client" : "server");
    facts_text(facts, "says",
               response                           ? "who I am, and what only the password's owner can compute"
               : digest_has(said, DIGEST_RSPAUTH) ? "I know the password's hash, too"
                                                  : "prove that you know the password of this realm");
    for (int i = 0; i < DIGEST_DIRECTIVES; i++) {
        bool guessable = i == DIGEST_RESPONSE || i == DIGEST_RSPAUTH;
        if (!digest_has(said, (enum digest_directive)i)) {
            continue;
        }
        if (guessable && !reveal) {
            facts_text(facts, titles[i], "(not shown)");
        } else {
            facts_oem(facts, titles[i], said->value[i]);
        }
    }
    facts_number(facts, "bytes", token.size);
    add_odd(&apart, facts);
    return facts;
}

/* Whether the response is this password's.  What the request's method was is not in the message: the usual ones are tried. */
static bool fits(const struct digest_directives *said, struct bytes user, struct bytes password,
                 const char **out_method)
{
    static const char *const methods[] = {"GET",     "POST",    "HEAD",     "PUT",
                                          "CONNECT", "OPTIONS", "PROPFIND", "AUTHENTICATE"};
    struct digest_algorithm algorithm = {DIGEST_MD5, digest_has(said, DIGEST_DIGEST_URI)};
    (void)(digest_has(said, DIGEST_ALGORITHM) && digest_algorithm_read(said->value[DIGEST_ALGORITHM], &algorithm));
    struct digest_question question = {
        .algorithm = algorithm,
        .sasl = digest_has(said, DIGEST_DIGEST_URI),
        .qop = digest_qop_read(said->value[DIGEST_QOP]),
        .uri = said->value[digest_has(said, DIGEST_DIGEST_URI) ? DIGEST_DIGEST_URI : DIGEST_URI],
        .nonce = said->value[DIGEST_NONCE],
        .cnonce = said->value[DIGEST_CNONCE],
        .nc = said->value[DIGEST_NC],
        .authzid = said->value[DIGEST_AUTHZID],
        .has_authzid = digest_has(said, DIGEST_AUTHZID),
    };
    AUTO_DIGEST_VALUE secret, key;
    struct digest_value nothing;
    struct digest_text expected, empty;
    digest_hash(algorithm.hash, NULL, 0, &nothing);
    digest_hex(algorithm.hash, &nothing, &empty);
    question.entity = digest_text_bytes(&empty);
    digest_secret(algorithm.hash, user, said->value[DIGEST_REALM], password, &secret);
    digest_session_key(&question, &secret, &key);
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        question.method = bytes_of(methods[i], strlen(methods[i]));
        digest_response(&question, &key, &expected);
        if (digest_text_equal(&expected, said->value[DIGEST_RESPONSE])) {
            *out_method = methods[i];
            return true;
        }
    }
    return false;
}

static struct json_object *verify(const struct exchange *exchange, const struct login *login)
{
    struct digest_token apart;
    const char *method = NULL;
    for (size_t i = 0; i < exchange->count; i++) {
        if (!take_apart(exchange->legs[i].token, &apart) || !digest_has(&apart.said, DIGEST_RESPONSE) ||
            login->password == NULL) {
            continue;
        }
        struct bytes user = apart.said.value[DIGEST_USERNAME];
        if (login->user != NULL && digest_is_true(apart.said.value[DIGEST_USERHASH])) { /* which does not tell it */
            user = bytes_of(login->user, strlen(login->user));
        }
        bool right = fits(&apart.said, user, bytes_of(login->password, strlen(login->password)), &method);
        struct json_object *facts = facts_new();
        facts_text(facts, "response",
                   right ? "right: this password made it"
                         : "WRONG: another password, another method than the usual, or a body (auth-int)");
        facts_truth(facts, "proof_right", right);
        if (right) {
            facts_text(facts, "method", method);
        }
        return facts;
    }
    return NULL;
}

const struct explainer digest_explainer = {
    .name = "WDigest",
    .recognise = recognise,
    .explain = explain,
    .verify = verify,
};
