#include "digest/response.h"

#include <string.h>

#include "crypto/md.h"
#include "crypto/sha2.h"

#define COLON BYTES(colon)

static const uint8_t colon[1] = {':'};

void digest_value_wipe(struct digest_value *value)
{
    secret_wipe(value, sizeof *value);
}

size_t digest_hash_size(enum digest_hash hash)
{
    return hash == DIGEST_MD5 ? sizeof(struct key16) : SHA2_256_SIZE;
}

void digest_hash(enum digest_hash hash, const struct bytes *parts, size_t count, struct digest_value *out)
{
    if (hash == DIGEST_MD5) {
        AUTO_KEY16 value;
        md5(parts, count, &value);
        *out = (struct digest_value){{0}};
        memcpy(out->b, value.b, sizeof value.b);
    } else if (hash == DIGEST_SHA256) {
        sha256(parts, count, out->b);
    } else {
        sha512_256(parts, count, out->b);
    }
}

void digest_hex(enum digest_hash hash, const struct digest_value *value, struct digest_text *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t size = digest_hash_size(hash);
    for (size_t i = 0; i < size; i++) {
        out->digits[2 * i] = digits[value->b[i] >> 4];
        out->digits[2 * i + 1] = digits[value->b[i] & 15];
    }
    out->size = (uint8_t)(2 * size);
}

static void hash_to_text(enum digest_hash hash, const struct bytes *parts, size_t count, struct digest_text *out)
{
    AUTO_DIGEST_VALUE value;
    digest_hash(hash, parts, count, &value);
    digest_hex(hash, &value, out);
}

void digest_secret(enum digest_hash hash, struct bytes user, struct bytes realm, struct bytes password,
                   struct digest_value *out)
{
    const struct bytes parts[] = {user, COLON, realm, COLON, password};
    digest_hash(hash, parts, 5, out);
}

void digest_userhash(enum digest_hash hash, struct bytes user, struct bytes realm, struct digest_text *out)
{
    const struct bytes parts[] = {user, COLON, realm};
    hash_to_text(hash, parts, 3, out);
}

void digest_session_key(const struct digest_question *question, const struct digest_value *secret,
                        struct digest_value *out)
{
    if (!question->algorithm.session) {
        *out = *secret;
        return;
    }
    struct digest_text text;
    digest_hex(question->algorithm.hash, secret, &text);
    struct bytes first =
        question->sasl ? bytes_of(secret->b, digest_hash_size(question->algorithm.hash)) : digest_text_bytes(&text);
    const struct bytes parts[] = {first, COLON, question->nonce, COLON, question->cnonce, COLON, question->authzid};
    digest_hash(question->algorithm.hash, parts, question->has_authzid ? 7 : 5, out);
    secret_wipe(&text, sizeof text);
}

/* H(A2) in hexadecimal digits. */
static void hash_request(const struct digest_question *question, struct bytes method, struct digest_text *out)
{
    static const uint8_t zeros[] = "00000000000000000000000000000000"; /* RFC 2831 2.1.2.1 */
    struct bytes entity = question->sasl ? bytes_of(zeros, 32) : question->entity;
    bool integrity = (question->qop & (DIGEST_QOP_INT | DIGEST_QOP_CONF)) != 0;
    const struct bytes parts[] = {method, COLON, question->uri, COLON, entity};
    hash_to_text(question->algorithm.hash, parts, integrity ? 5 : 3, out);
}

static void respond(const struct digest_question *question, const struct digest_value *session_key, struct bytes method,
                    struct digest_text *out)
{
    struct digest_text key, request;
    const char *qop = digest_qop_name(question->qop);
    digest_hex(question->algorithm.hash, session_key, &key);
    hash_request(question, method, &request);
    if (question->qop == 0) {
        const struct bytes parts[] = {digest_text_bytes(&key), COLON, question->nonce, COLON,
                                      digest_text_bytes(&request)};
        hash_to_text(question->algorithm.hash, parts, 5, out);
    } else {
        const struct bytes parts[] = {digest_text_bytes(&key),
                                      COLON,
                                      question->nonce,
                                      COLON,
                                      question->nc,
                                      COLON,
                                      question->cnonce,
                                      COLON,
                                      bytes_of(qop, strlen(qop)),
                                      COLON,
                                      digest_text_bytes(&request)};
        hash_to_text(question->algorithm.hash, parts, 11, out);
    }
    secret_wipe(&key, sizeof key);
}

void digest_response(const struct digest_question *question, const struct digest_value *session_key,
                     struct digest_text *out)
{
    respond(question, session_key, question->method, out);
}

void digest_rspauth(const struct digest_question *question, const struct digest_value *session_key,
                    struct digest_text *out)
{
    respond(question, session_key, BYTES_NONE, out);
}

bool digest_text_equal(const struct digest_text *expected, struct bytes sent)
{
    char lower[DIGEST_HEX_MAX];
    if (sent.size != expected->size) {
        return false;
    }
    for (size_t i = 0; i < sent.size; i++) {
        uint8_t c = sent.data[i];
        lower[i] = (char)(c >= 'A' && c <= 'F' ? c | 0x20 : c);
    }
    return secret_equal(lower, expected->digits, expected->size);
}
