/* The client: a challenge in, a response out; by SASL also the server's proof (RFC 7616 3.3 and 3.4, RFC 2831 2.1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/policy.h"
#include "base/trace.h"
#include "digest/context.h"

#define INTEGRITY_REQUESTS (ISC_REQ_INTEGRITY | ISC_REQ_REPLAY_DETECT | ISC_REQ_SEQUENCE_DETECT)

/* One challenge, read. */
struct challenge {
    struct digest_directives sent;
    struct digest_algorithm algorithm;
    unsigned qops; /* offered; 0 = none, as RFC 2069 had it */
    unsigned ciphers;
    uint32_t limit; /* the server's maxbuf */
};

/* ---------------------------------------------------------------- reading the challenge */

static SECURITY_STATUS read_layers(const struct digest_directives *sent, struct challenge *out)
{
    out->qops = digest_has(sent, DIGEST_QOP) ? out->qops : DIGEST_QOP_AUTH; /* RFC 2831 2.1.1 */
    out->ciphers = digest_has(sent, DIGEST_CIPHER) ? digest_cipher_read(sent->value[DIGEST_CIPHER]) : 0;
    out->limit = DIGEST_BUFFER;
    REQUIRE(out->algorithm.hash == DIGEST_MD5 && out->algorithm.session && digest_has(sent, DIGEST_ALGORITHM),
            SEC_E_INVALID_TOKEN, "Digest: the challenge's algorithm is not md5-sess (RFC 2831 2.1.1)");
    REQUIRE(!digest_has(sent, DIGEST_CHARSET) || digest_same_word(sent->value[DIGEST_CHARSET], "utf-8"),
            SEC_E_INVALID_TOKEN, "Digest: the challenge's charset is not utf-8 (RFC 2831 2.1.1)");
    REQUIRE(!digest_has(sent, DIGEST_MAXBUF) ||
                (digest_number_read(sent->value[DIGEST_MAXBUF], DIGEST_MAX_BUFFER, &out->limit) &&
                 out->limit > DIGEST_TRAILER_SIZE),
            SEC_E_INVALID_TOKEN, "Digest: the challenge's maxbuf is out of range (RFC 2831 2.1.1)");
    return SEC_E_OK;
}

/* False for a challenge that is not for us: another scheme, an algorithm or qop that nobody here knows. */
static SECURITY_STATUS read_one(bool http, struct bytes *text, struct writer *room, struct challenge *out, bool *usable)
{
    struct digest_directives *sent = &out->sent;
    TRY(digest_parse(text, room, sent));
    out->algorithm = (struct digest_algorithm){DIGEST_MD5, false};
    *usable = !sent->foreign && (!digest_has(sent, DIGEST_ALGORITHM) ||
                                 digest_algorithm_read(sent->value[DIGEST_ALGORITHM], &out->algorithm));
    if (!*usable) {
        return SEC_E_OK;
    }
    out->qops = digest_has(sent, DIGEST_QOP) ? digest_qop_read(sent->value[DIGEST_QOP]) : 0;
    REQUIRE(digest_has(sent, DIGEST_NONCE) && sent->value[DIGEST_NONCE].size != 0, SEC_E_INVALID_TOKEN,
            "Digest: the challenge has no nonce (RFC 7616 3.3)");
    if (!http) {
        TRY(read_layers(sent, out));
    } else {
        out->qops &= DIGEST_QOP_AUTH | DIGEST_QOP_INT;
    }
    *usable = out->qops != 0 || !digest_has(sent, DIGEST_QOP);
    return SEC_E_OK;
}

/* The strongest of all challenges, in whichever TOKEN buffer and behind whichever other one it stands (RFC 7616 3.7); of
 * equals the first. */
static SECURITY_STATUS read_challenges(bool http, const struct buffers *input, struct writer *room,
                                       struct challenge *out)
{
    bool found = false;
    for (size_t i = 0; i < input->count; i++) {
        struct bytes text = buffer_bytes(&input->at[i]);
        while (buffer_type(&input->at[i]) == SECBUFFER_TOKEN && text.size != 0) {
            struct challenge one = {.qops = 0};
            bool usable = false;
            REQUIRE(text.size <= room->maximum - room->size, SEC_E_INVALID_TOKEN,
                    "Digest: challenges of more than 8 KiB (RFC 2831 2.1.1)");
            TRY(read_one(http, &text, room, &one, &usable));
            if (usable && (!found || one.algorithm.hash > out->algorithm.hash)) {
                *out = one;
                found = true;
            }
        }
    }
    REQUIRE(found, SEC_E_QOP_NOT_SUPPORTED,
            "Digest: no challenge has an algorithm and a quality of protection that we know (RFC 7616 3.3)");
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- choosing */

/* Integrity where it is asked for and offered; what else is offered where nothing weaker is.  Only confidentiality must
 * be: whoever asks for it would send in clear without. */
static SECURITY_STATUS choose_qop(struct digest_context *context, const struct challenge *challenge)
{
    bool sealing = (context->request & ISC_REQ_CONFIDENTIALITY) != 0;
    bool signing = (context->request & INTEGRITY_REQUESTS) != 0;
    unsigned usable = challenge->ciphers & policy_get()->digest_ciphers;
    unsigned qops = challenge->qops & (usable != 0 ? ~0u : ~(unsigned)DIGEST_QOP_CONF);
    REQUIRE(!sealing || (qops & DIGEST_QOP_CONF) != 0, SEC_E_SECURITY_QOS_FAILED,
            "the server offers no confidentiality, or no cipher that the policy allows ([digest] ciphers)");
    REQUIRE(qops != 0 || context->http, SEC_E_QOP_NOT_SUPPORTED, "no cipher that the policy allows ([digest] ciphers)");
    if (sealing) {
        context->qop = DIGEST_QOP_CONF;
    } else if (signing && (qops & DIGEST_QOP_INT) != 0) {
        context->qop = DIGEST_QOP_INT;
    } else {
        context->qop = (uint8_t)(qops & -qops); /* the weakest: its bit is the lowest */
    }
    context->cipher = context->qop == DIGEST_QOP_CONF ? (uint8_t)(usable & -usable) : 0; /* the strongest */
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- encodings */

static bool fits_latin1(struct utf16 text)
{
    for (size_t i = 0; i < utf16_length(text); i++) {
        if (utf16_unit(text, i) > 0xFF) {
            return false;
        }
    }
    return true;
}

/* ISO 8859-1 where that is wanted and possible, else UTF-8. */
static SECURITY_STATUS encode(struct utf16 text, bool latin1, struct secret *out)
{
    if (latin1 && fits_latin1(text)) {
        TRY(secret_alloc(out, utf16_length(text)));
        for (size_t i = 0; i < utf16_length(text); i++) {
            out->data[i] = (uint8_t)utf16_unit(text, i);
        }
        return SEC_E_OK;
    }
    TRY(secret_alloc(out, utf16_utf8_size(text)));
    if (out->size != 0) {
        utf16_utf8_write(text, (char *)out->data);
    }
    return SEC_E_OK;
}

/* The texts of a response: as they are sent, and as they are hashed where that differs. */
struct texts {
    struct secret user, realm, uri;
    struct secret user_hashed, realm_hashed, password;
};

static void texts_free(struct texts *texts)
{
    secret_free(&texts->user);
    secret_free(&texts->realm);
    secret_free(&texts->uri);
    secret_free(&texts->user_hashed);
    secret_free(&texts->realm_hashed);
    secret_free(&texts->password);
}

/* The realm of the credential's domain, if it has one; else the challenge's first (InitializeSecurityContext (Digest)). */
static SECURITY_STATUS choose_realm(const struct digest_credential *credential, const struct challenge *challenge,
                                    bool latin1, struct texts *out)
{
    struct bytes offered = challenge->sent.value[DIGEST_REALM];
    AUTO_UTF16 wide = UTF16_NONE;
    if (credential->domain.size != 0) {
        TRY(encode(credential->domain, false, &out->realm));
        return encode(credential->domain, latin1, &out->realm_hashed);
    }
    TRY(secret_copy(&out->realm, offered));
    SECURITY_STATUS status = latin1 ? utf16_from_utf8(offered, &wide) : SEC_E_INVALID_TOKEN;
    if (status == SEC_E_INVALID_TOKEN) { /* not UTF-8, or to be hashed as it came */
        status_begin();
        return secret_copy(&out->realm_hashed, offered);
    }
    TRY(status);
    return encode(wide, true, &out->realm_hashed);
}

/* With charset=utf-8 HTTP hashes UTF-8, while SASL goes back to ISO 8859-1 where it can (RFC 2831 2.1.2.1); without it
 * both use ISO 8859-1. */
static SECURITY_STATUS make_texts(const struct digest_context *context, const struct challenge *challenge,
                                  const struct step_in *in, struct texts *out)
{
    const struct digest_credential *credential = context->credential;
    bool utf8 = digest_has(&challenge->sent, DIGEST_CHARSET) &&
                digest_same_word(challenge->sent.value[DIGEST_CHARSET], "utf-8");
    bool hashed_latin1 = !utf8 || !context->http;
    TRY(encode(credential->user, !utf8, &out->user));
    TRY(encode(credential->user, hashed_latin1, &out->user_hashed));
    TRY(encode(utf16_of(secret_bytes(&credential->password)), hashed_latin1, &out->password));
    TRY(encode(in->target, false, &out->uri));
    return choose_realm(credential, challenge, utf8 && !context->http, out);
}

/* ---------------------------------------------------------------- writing the response */

static void put_http(const struct digest_context *context, const struct digest_question *question,
                     const struct digest_text *response, struct digest_list *list)
{
    const char *qop = digest_qop_name(question->qop);
    digest_put_quoted(list, "username", digest_string(context, DIGEST_TEXT_USERNAME));
    digest_put_quoted(list, "realm", digest_string(context, DIGEST_TEXT_REALM));
    digest_put_quoted(list, "nonce", question->nonce);
    digest_put_quoted(list, "uri", question->uri);
    if (question->qop != 0) {
        digest_put_token(list, "qop", bytes_of(qop, strlen(qop)));
        digest_put_token(list, "nc", question->nc);
    }
    if (question->qop != 0 || question->algorithm.session) {
        digest_put_quoted(list, "cnonce", question->cnonce);
    }
    digest_put_quoted(list, "response", digest_text_bytes(response));
    if (context->has_opaque) {
        digest_put_quoted(list, "opaque", digest_string(context, DIGEST_TEXT_OPAQUE));
    }
    if (context->has_algorithm) {
        digest_put_word(list, "algorithm", digest_algorithm_name(question->algorithm));
    }
    if (context->userhash) {
        digest_put_word(list, "userhash", "true");
    }
}

static void put_sasl(const struct digest_context *context, const struct digest_question *question,
                     const struct digest_text *response, struct digest_list *list)
{
    char digits[12];
    (void)snprintf(digits, sizeof digits, "%u", (unsigned)context->receive_limit);
    if (context->charset) {
        digest_put_word(list, "charset", "utf-8");
    }
    digest_put_quoted(list, "username", digest_string(context, DIGEST_TEXT_USERNAME));
    digest_put_quoted(list, "realm", digest_string(context, DIGEST_TEXT_REALM));
    digest_put_quoted(list, "nonce", question->nonce);
    digest_put_token(list, "nc", question->nc);
    digest_put_quoted(list, "cnonce", question->cnonce);
    digest_put_quoted(list, "digest-uri", question->uri);
    digest_put_token(list, "response", digest_text_bytes(response));
    digest_put_word(list, "qop", digest_qop_name(question->qop));
    if (context->qop != DIGEST_QOP_AUTH) {
        digest_put_word(list, "maxbuf", digits);
    }
    if (context->cipher != 0) {
        digest_put_word(list, "cipher", digest_cipher_name(context->cipher));
    }
    if (context->has_authzid) {
        digest_put_quoted(list, "authzid", question->authzid);
    }
}

/* A response with the next count; `question` lacks method, URI, entity and the count where they change. */
static SECURITY_STATUS respond(struct digest_context *context, struct digest_question *question, struct writer *out)
{
    struct digest_text response;
    char count[8];
    REQUIRE(context->count != UINT32_MAX, SEC_E_OUT_OF_SEQUENCE, "Digest: nc has run out (RFC 7616 3.4)");
    digest_count_text(context->count + 1, count);
    question->nc = bytes_of(count, sizeof count);
    digest_response(question, &context->session_key, &response);
    struct digest_list list = digest_list_start(out);
    if (context->http) {
        put_http(context, question, &response, &list);
    } else {
        put_sasl(context, question, &response, &list);
    }
    TRY(digest_list_end(&list));
    context->count++;
    return SEC_E_OK;
}

SECURITY_STATUS digest_next_response(struct digest_context *context, struct bytes method, struct bytes uri,
                                     struct bytes entity, struct writer *out)
{
    struct digest_question question;
    digest_question_of(context, &question);
    question.method = method;
    question.uri = uri;
    question.entity = entity;
    REQUIRE(method.size != 0 && uri.size != 0, SEC_E_INVALID_TOKEN,
            "Digest: no method or no URI for the response (MakeSignature (Digest))");
    return respond(context, &question, out);
}

/* ---------------------------------------------------------------- the legs */

/* What the responses of this context repeat, and H(A1). */
static SECURITY_STATUS take_challenge(struct digest_context *context, const struct challenge *challenge,
                                      const struct texts *texts)
{
    const struct digest_directives *sent = &challenge->sent;
    struct bytes strings[DIGEST_TEXTS] = {{NULL, 0}};
    char cnonce[DIGEST_CNONCE_SIZE];
    struct digest_text hashed;
    struct digest_question question;
    AUTO_DIGEST_VALUE secret;
    TRY(digest_random_hex(DIGEST_CNONCE_SIZE / 2, cnonce));
    context->algorithm = challenge->algorithm;
    context->has_opaque = digest_has(sent, DIGEST_OPAQUE);
    context->has_algorithm = digest_has(sent, DIGEST_ALGORITHM);
    context->charset = digest_has(sent, DIGEST_CHARSET);
    context->userhash =
        context->http && digest_has(sent, DIGEST_USERHASH) && digest_is_true(sent->value[DIGEST_USERHASH]);
    context->send_limit = challenge->limit;
    strings[DIGEST_TEXT_NONCE] = sent->value[DIGEST_NONCE];
    strings[DIGEST_TEXT_CNONCE] = bytes_of(cnonce, sizeof cnonce);
    strings[DIGEST_TEXT_REALM] = secret_bytes(&texts->realm);
    strings[DIGEST_TEXT_OPAQUE] = sent->value[DIGEST_OPAQUE];
    strings[DIGEST_TEXT_USERNAME] = secret_bytes(&texts->user);
    strings[DIGEST_TEXT_URI] = secret_bytes(&texts->uri);
    strings[DIGEST_TEXT_AUTHZID] = digest_string(context, DIGEST_TEXT_AUTHZID);
    if (context->userhash) {
        digest_userhash(challenge->algorithm.hash, secret_bytes(&texts->user_hashed),
                        secret_bytes(&texts->realm_hashed), &hashed);
        strings[DIGEST_TEXT_USERNAME] = digest_text_bytes(&hashed);
    }
    TRY(digest_strings_set(context, strings));
    digest_question_of(context, &question);
    digest_secret(challenge->algorithm.hash, secret_bytes(&texts->user_hashed), secret_bytes(&texts->realm_hashed),
                  secret_bytes(&texts->password), &secret);
    digest_session_key(&question, &secret, &context->session_key);
    context->count = 0;
    return SEC_E_OK;
}

static SECURITY_STATUS require_target(const struct step_in *in)
{
    REQUIRE(in->target.size != 0, SEC_E_TARGET_UNKNOWN,
            "Digest needs the request's URI, or the service's name by SASL (pszTargetName)");
    return SEC_E_OK;
}

static SECURITY_STATUS answer_http(struct digest_context *context, const struct step_in *in, struct step_out *out)
{
    struct digest_question question;
    struct digest_text entity;
    AUTO_FREE char *uri = NULL;
    size_t uri_size = 0;
    TRY(require_target(in));
    TRY(utf16_to_utf8(in->target, &uri, &uri_size));
    digest_question_of(context, &question);
    if (context->qop == DIGEST_QOP_INT) {
        TRY(digest_entity(context->algorithm.hash, digest_parameter(in->input, 1), in->input, &entity));
        question.entity = digest_text_bytes(&entity);
    }
    TRY(digest_next_response(context, digest_parameter(in->input, 0), bytes_of(uri, uri_size), question.entity,
                             out->token));
    context->returned = digest_flags(context);
    context->state = DIGEST_STATE_DONE;
    context->base.established = true;
    out->flags = context->returned;
    return SEC_E_OK;
}

static SECURITY_STATUS answer_sasl(struct digest_context *context, struct step_out *out)
{
    struct digest_question question;
    digest_question_of(context, &question);
    TRY(respond(context, &question, out->token));
    context->state = DIGEST_STATE_WAIT_RSPAUTH;
    return SEC_I_CONTINUE_NEEDED;
}

static SECURITY_STATUS answer(struct digest_context *context, const struct step_in *in, struct step_out *out)
{
    uint8_t memory[DIGEST_MAX_INPUT];
    struct writer room = write_into(memory, sizeof memory);
    struct challenge challenge = {.qops = 0};
    AUTO(texts_free) struct texts texts = {.user = {NULL, 0, 0}};
    TRY(read_challenges(context->http, in->input, &room, &challenge));
    REQUIRE(context->state != DIGEST_STATE_DONE || digest_is_true(challenge.sent.value[DIGEST_STALE]),
            SEC_E_LOGON_DENIED,
            "the server refused the response: its new challenge is not for a stale nonce (RFC 7616 3.3)");
    TRY(require_target(in));
    TRY(choose_qop(context, &challenge));
    TRY(make_texts(context, &challenge, in, &texts));
    TRY(take_challenge(context, &challenge, &texts));
    TRACE("Digest response: algorithm %s, qop %s", digest_algorithm_name(context->algorithm),
          digest_qop_name(context->qop));
    return context->http ? answer_http(context, in, out) : answer_sasl(context, out);
}

/* A first leg that is a response already is the exception, which Windows' servers do not know (RFC 2831 2.2).  A security
 * layer would have the first one's keys. */
static bool may_go_again(const struct digest_context *context)
{
    return policy_get()->digest_reauthentication && !context->http && !context->has_authzid &&
           (context->request & (INTEGRITY_REQUESTS | ISC_REQ_CONFIDENTIALITY)) == 0;
}

/* The server's proof (RFC 2831 2.1.3). */
static SECURITY_STATUS take_rspauth(struct digest_context *context, const struct step_in *in, struct step_out *out)
{
    uint8_t memory[DIGEST_MAX_INPUT];
    struct writer room = write_into(memory, sizeof memory);
    struct digest_directives sent;
    struct digest_question question;
    struct digest_text expected;
    char count[8];
    REQUIRE(in->token.size <= sizeof memory, SEC_E_INVALID_TOKEN, "Digest: a proof of more than 8 KiB");
    TRY(digest_parse_one(in->token, true, &room, &sent));
    if (context->reauthenticating && digest_has(&sent, DIGEST_NONCE)) { /* the server wants the whole exchange */
        context->reauthenticating = false;
        digest_forget(context->credential);
        return answer(context, in, out);
    }
    REQUIRE(digest_has(&sent, DIGEST_RSPAUTH), SEC_E_INVALID_TOKEN,
            "Digest: no rspauth from the server (RFC 2831 2.1.3)");
    digest_question_of(context, &question);
    digest_count_text(context->count, count);
    question.nc = bytes_of(count, sizeof count);
    digest_rspauth(&question, &context->session_key, &expected);
    REQUIRE(digest_text_equal(&expected, sent.value[DIGEST_RSPAUTH]), SEC_E_MUTUAL_AUTH_FAILED,
            "the server does not know the password: its rspauth is wrong (RFC 2831 2.1.3)");
    TRY(digest_layers_start(context));
    if (may_go_again(context) && context->qop == DIGEST_QOP_AUTH && !context->reauthenticating &&
        in->target.size != 0) {
        digest_remember(context, in->target);
    }
    context->returned = digest_flags(context);
    context->state = DIGEST_STATE_DONE;
    out->flags = context->returned;
    return SEC_E_OK;
}

static SECURITY_STATUS step(struct digest_context *context, const struct step_in *in, struct step_out *out)
{
    out->expiry = CLOCK_NEVER;
    switch (context->state) {
    case DIGEST_STATE_NEW:
        if (in->token.size == 0 && may_go_again(context) && digest_recall(context, in->target)) {
            context->reauthenticating = true;
            return answer_sasl(context, out);
        }
        if (in->token.size == 0) { /* nothing to answer yet: the server speaks first (RFC 2831 2.1) */
            context->state = DIGEST_STATE_WAIT_CHALLENGE;
            return SEC_I_CONTINUE_NEEDED;
        }
        return answer(context, in, out);
    case DIGEST_STATE_WAIT_CHALLENGE:
        return answer(context, in, out);
    case DIGEST_STATE_WAIT_RSPAUTH:
        return take_rspauth(context, in, out);
    case DIGEST_STATE_DONE: /* the next request, or a stale nonce */
        REQUIRE(context->http, SEC_E_OUT_OF_SEQUENCE, "this SASL exchange is complete: begin a new context");
        REQUIRE(in->token.size == 0 || context->credential != NULL, SEC_E_NO_CREDENTIALS,
                "the password of a session that came from elsewhere is not here: begin a new context");
        return in->token.size != 0 ? answer(context, in, out) : answer_http(context, in, out);
    default:
        FAIL(SEC_E_OUT_OF_SEQUENCE, "an earlier leg of this context failed: begin a new one");
    }
}

static void dispose_half_made(struct digest_context **context)
{
    if (*context != NULL) {
        digest_dispose(&(*context)->base);
    }
}

SECURITY_STATUS digest_initiate(struct credential *base, struct context **out_context, const struct step_in *in,
                                struct step_out *out)
{
    bool http = (in->flags & (DIGEST_REQ_HTTP | ISC_REQ_USE_HTTP_STYLE)) != 0;
    if (*out_context != NULL) {
        struct digest_context *context = (struct digest_context *)*out_context;
        bool done = context->state == DIGEST_STATE_DONE;
        SECURITY_STATUS status = step(context, in, out);
        if (status < 0 && !done) {
            context->state = DIGEST_STATE_FAILED;
        }
        return status;
    }
    AUTO(dispose_half_made) struct digest_context *context = NULL;
    TRY(step_asks_nobody(in));
    REQUIRE(!http || (in->flags & ISC_REQ_CONFIDENTIALITY) == 0, SEC_E_SECURITY_QOS_FAILED,
            "Digest seals nothing by HTTP (InitializeSecurityContext (Digest))");
    TRY(digest_context_new(true, http, in->flags, (struct digest_credential *)base, &context));
    context->receive_limit = http ? DIGEST_BUFFER : DIGEST_MAX_BUFFER;
    SECURITY_STATUS status = step(context, in, out);
    if (status >= 0) {
        *out_context = &STEAL(context)->base;
    }
    return status;
}
