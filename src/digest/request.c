#include "digest/request.h"

#include "base/policy.h"

const struct digest_rank digest_ranking[DIGEST_RANKS] = {
    {POLICY_DIGEST_SHA512_256_SESS, {DIGEST_SHA512_256, true}},
    {POLICY_DIGEST_SHA512_256, {DIGEST_SHA512_256, false}},
    {POLICY_DIGEST_SHA256_SESS, {DIGEST_SHA256, true}},
    {POLICY_DIGEST_SHA256, {DIGEST_SHA256, false}},
    {POLICY_DIGEST_MD5_SESS, {DIGEST_MD5, true}},
    {POLICY_DIGEST_MD5, {DIGEST_MD5, false}},
};

static bool is_allowed(struct digest_algorithm algorithm)
{
    for (size_t i = 0; i < DIGEST_RANKS; i++) {
        if (digest_ranking[i].algorithm.hash == algorithm.hash &&
            digest_ranking[i].algorithm.session == algorithm.session) {
            return (policy_get()->digest_algorithms & digest_ranking[i].bit) != 0;
        }
    }
    return false;
}

static SECURITY_STATUS read_algorithm(bool http, struct digest_request *request)
{
    const struct digest_directives *sent = &request->sent;
    struct digest_algorithm *algorithm = &request->question.algorithm;
    *algorithm = (struct digest_algorithm){DIGEST_MD5, !http};
    REQUIRE(!digest_has(sent, DIGEST_ALGORITHM) || digest_algorithm_read(sent->value[DIGEST_ALGORITHM], algorithm),
            SEC_E_INVALID_TOKEN, "Digest: an unknown algorithm (RFC 7616 3.4)");
    if (http) {
        REQUIRE(is_allowed(*algorithm), SEC_E_LOGON_DENIED,
                "Digest: an algorithm that was not offered ([digest] algorithms)");
    } else {
        REQUIRE(algorithm->hash == DIGEST_MD5 && algorithm->session, SEC_E_INVALID_TOKEN,
                "Digest: SASL knows md5-sess alone (RFC 2831 2.1.1)");
    }
    return SEC_E_OK;
}

static SECURITY_STATUS read_qop(bool http, struct digest_request *request)
{
    const struct digest_directives *sent = &request->sent;
    unsigned qop = digest_has(sent, DIGEST_QOP) ? digest_qop_read(sent->value[DIGEST_QOP]) : 0;
    if (!http && !digest_has(sent, DIGEST_QOP)) {
        qop = DIGEST_QOP_AUTH; /* RFC 2831 2.1.2 */
    }
    REQUIRE(qop == DIGEST_QOP_AUTH || qop == DIGEST_QOP_INT || (!http && qop == DIGEST_QOP_CONF), SEC_E_INVALID_TOKEN,
            "Digest: the response has no quality of protection, or not one (RFC 7616 3.4)");
    REQUIRE(digest_has(sent, DIGEST_NC) && digest_has(sent, DIGEST_CNONCE), SEC_E_INVALID_TOKEN,
            "Digest: nc or cnonce is missing (RFC 7616 3.4)");
    REQUIRE(digest_count_read(sent->value[DIGEST_NC], &request->count) && request->count != 0, SEC_E_INVALID_TOKEN,
            "Digest: nc is not a number of eight hexadecimal digits, or zero (RFC 7616 3.4)");
    request->question.qop = qop;
    return SEC_E_OK;
}

/* auth-conf comes with a cipher, which has to be one of those that were offered (RFC 2831 2.1.2). */
static SECURITY_STATUS read_layer(const struct digest_context *context, struct digest_request *request)
{
    const struct digest_directives *sent = &request->sent;
    unsigned cipher = digest_has(sent, DIGEST_CIPHER) ? digest_cipher_read(sent->value[DIGEST_CIPHER]) : 0;
    if (request->question.qop == DIGEST_QOP_CONF) {
        REQUIRE((cipher & context->offered_ciphers) != 0 && (cipher & (cipher - 1)) == 0, SEC_E_INVALID_TOKEN,
                "Digest: auth-conf without a cipher that was offered (RFC 2831 2.1.2)");
        request->cipher = (uint8_t)cipher;
    }
    request->limit = DIGEST_BUFFER;
    REQUIRE(!digest_has(sent, DIGEST_MAXBUF) ||
                (digest_number_read(sent->value[DIGEST_MAXBUF], DIGEST_MAX_BUFFER, &request->limit) &&
                 request->limit > DIGEST_TRAILER_SIZE),
            SEC_E_INVALID_TOKEN, "Digest: maxbuf is out of range (RFC 2831 2.1.2)");
    REQUIRE(!digest_has(sent, DIGEST_CHARSET) || digest_same_word(sent->value[DIGEST_CHARSET], "utf-8"),
            SEC_E_INVALID_TOKEN, "Digest: charset is another than utf-8 (RFC 2831 2.1.2)");
    return SEC_E_OK;
}

static SECURITY_STATUS read_names(bool http, struct writer *room, struct digest_request *request)
{
    const struct digest_directives *sent = &request->sent;
    enum digest_directive uri = http ? DIGEST_URI : DIGEST_DIGEST_URI;
    REQUIRE(digest_has(sent, DIGEST_NONCE) && digest_has(sent, DIGEST_RESPONSE) && digest_has(sent, uri),
            SEC_E_INVALID_TOKEN, "Digest: nonce, uri or response is missing (RFC 7616 3.4, RFC 2831 2.1.2)");
    REQUIRE(digest_has(sent, DIGEST_USERNAME) != digest_has(sent, DIGEST_USERNAME_EXT), SEC_E_INVALID_TOKEN,
            "Digest: no user name, or two (RFC 7616 3.4)");
    request->hashed = http && digest_has(sent, DIGEST_USERHASH) && digest_is_true(sent->value[DIGEST_USERHASH]);
    REQUIRE(!request->hashed || policy_get()->digest_userhash, SEC_E_LOGON_DENIED,
            "Digest: the user name is hashed, which was not offered ([digest] userhash; RFC 7616 3.4.4)");
    REQUIRE(!request->hashed || digest_has(sent, DIGEST_USERNAME), SEC_E_INVALID_TOKEN,
            "Digest: a name in the extended form is not hashed (RFC 7616 3.4)");
    request->username = sent->value[DIGEST_USERNAME];
    if (digest_has(sent, DIGEST_USERNAME_EXT)) {
        TRY(digest_extended_read(sent->value[DIGEST_USERNAME_EXT], room, &request->username));
    }
    request->question.uri = sent->value[uri];
    return SEC_E_OK;
}

/* Whatever the response says; nothing is judged yet but its form and what was offered. */
SECURITY_STATUS digest_request_read(const struct digest_context *context, struct bytes token,
                                    const struct digest_request_line *line, struct digest_request *request)
{
    bool http = context->http;
    struct digest_question *question = &request->question;
    struct writer room = write_into(request->memory, sizeof request->memory);
    REQUIRE(token.size <= DIGEST_MAX_INPUT, SEC_E_INVALID_TOKEN, "Digest: a response of more than 8 KiB");
    TRY(digest_parse_one(token, false, &room, &request->sent));
    *question = (struct digest_question){.sasl = !http};
    request->cipher = 0;
    TRY(read_algorithm(http, request));
    TRY(read_qop(http, request));
    TRY(read_names(http, &room, request));
    REQUIRE((question->qop & context->offered_qop) != 0, SEC_E_INVALID_TOKEN,
            "Digest: a quality of protection that was not offered (RFC 7616 3.4, RFC 2831 2.1.2)");
    if (!http) {
        TRY(read_layer(context, request));
    }
    question->method = http ? line->method : bytes_of("AUTHENTICATE", 12);
    question->nonce = request->sent.value[DIGEST_NONCE];
    question->cnonce = request->sent.value[DIGEST_CNONCE];
    question->nc = request->sent.value[DIGEST_NC];
    question->authzid = request->sent.value[DIGEST_AUTHZID];
    question->has_authzid = !http && digest_has(&request->sent, DIGEST_AUTHZID);
    if (http && question->qop == DIGEST_QOP_INT) {
        TRY(digest_entity(question->algorithm.hash, line->entity, line->buffers, &request->entity));
        question->entity = digest_text_bytes(&request->entity);
    }
    return SEC_E_OK;
}

/* What is behind "scheme://authority", and all of anything else. */
static struct bytes without_authority(struct bytes uri)
{
    size_t at = 0;
    while (at < uri.size && ((uri.data[at] | 0x20) >= 'a' && (uri.data[at] | 0x20) <= 'z')) {
        at++;
    }
    if (at == 0 || uri.size - at < 3 || memcmp(uri.data + at, "://", 3) != 0) {
        return uri;
    }
    for (at += 3; at < uri.size && uri.data[at] != '/' && uri.data[at] != '?'; at++) {
    }
    return at < uri.size ? bytes_of(uri.data + at, uri.size - at) : bytes_of("/", 1);
}

static bool is_path(struct bytes uri)
{
    return uri.size != 0 && uri.data[0] == '/';
}

/* Equal but for the case of a percent-encoding's digits (RFC 3986 6.2.2.1). */
static bool same_uri(struct bytes a, struct bytes b)
{
    size_t digits = 0;
    for (size_t i = 0; a.size == b.size && i < a.size; i++) {
        uint8_t x = a.data[i], y = b.data[i];
        bool equal = x == y || (digits != 0 && (x | 0x20) == (y | 0x20) && (x | 0x20) >= 'a' && (x | 0x20) <= 'f');
        if (!equal) {
            return false;
        }
        digits = x == '%' ? 2 : digits != 0 ? digits - 1 : 0;
    }
    return a.size == b.size;
}

bool digest_same_resource(struct bytes line, struct bytes sent)
{
    bool one_names_none = is_path(line) != is_path(sent);
    return one_names_none ? same_uri(without_authority(line), without_authority(sent)) : same_uri(line, sent);
}

SECURITY_STATUS digest_request_check(const struct digest_request *request, const struct digest_request_line *line,
                                     struct bytes realm)
{
    REQUIRE(line->method.size != 0, SEC_E_INVALID_TOKEN,
            "no SECBUFFER_PKG_PARAMS with the request's method (AcceptSecurityContext (Digest))");
    REQUIRE(line->uri.size == 0 || digest_same_resource(line->uri, request->question.uri), SEC_E_LOGON_DENIED,
            "Digest: the response is for another URI than the request (RFC 7616 3.4.6)");
    REQUIRE(digest_same(realm, request->sent.value[DIGEST_REALM]), SEC_E_LOGON_DENIED,
            "Digest: the response is for another realm (RFC 7616 3.4)");
    return SEC_E_OK;
}
