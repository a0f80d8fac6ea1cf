/* Digest's computations (RFC 7616 3.4, RFC 2831 2.1.2.1 and 2.1.3): values to values. */
#ifndef OPENSSPI_DIGEST_RESPONSE_H
#define OPENSSPI_DIGEST_RESPONSE_H

#include "base/secret.h"
#include "digest/directives.h"

#define DIGEST_HASH_MAX 32 /* bytes of the longest hash */
#define DIGEST_HEX_MAX  64

/* A hash as it came out of its function: of MD5 the first 16 bytes count. */
struct digest_value {
    uint8_t b[DIGEST_HASH_MAX];
};

/* A hash as Digest writes it, in lower-case hexadecimal digits. */
struct digest_text {
    uint8_t size;
    char digits[DIGEST_HEX_MAX];
};

static inline struct bytes digest_text_bytes(const struct digest_text *text)
{
    return bytes_of(text->digits, text->size);
}

void digest_value_wipe(struct digest_value *value);

#define AUTO_DIGEST_VALUE __attribute__((cleanup(digest_value_wipe))) struct digest_value

size_t digest_hash_size(enum digest_hash hash);

/* H of the concatenation of `count` parts. */
void digest_hash(enum digest_hash hash, const struct bytes *parts, size_t count, struct digest_value *out);
void digest_hex(enum digest_hash hash, const struct digest_value *value, struct digest_text *out);

/* H(user ":" realm ":" password), the secret that a server keeps; all three in the encoding that was agreed. */
void digest_secret(enum digest_hash hash, struct bytes user, struct bytes realm, struct bytes password,
                   struct digest_value *out);

/* H(user ":" realm), what stands in for the name with userhash (RFC 7616 3.4.4). */
void digest_userhash(enum digest_hash hash, struct bytes user, struct bytes realm, struct digest_text *out);

/* What enters the response beside the secret, as it stands in the message. */
struct digest_question {
    struct digest_algorithm algorithm;
    bool sasl;
    unsigned qop; /* one of DIGEST_QOP_*; 0 = as RFC 2069 had it */
    struct bytes method, uri;
    struct bytes entity; /* auth-int by HTTP: H(entity body) in hexadecimal digits; SASL has none */
    struct bytes nonce, cnonce, nc;
    struct bytes authzid; /* SASL; `has_authzid` tells an empty one from none */
    bool has_authzid;
};

/* H(A1): the secret itself, or with -sess and SASL a value for these two nonces alone.  HTTP hashes the secret's
 * hexadecimal digits there, SASL its bytes. */
void digest_session_key(const struct digest_question *question, const struct digest_value *secret,
                        struct digest_value *out);

/* The client's response, and the server's proof in return (rspauth, without method). */
void digest_response(const struct digest_question *question, const struct digest_value *session_key,
                     struct digest_text *out);
void digest_rspauth(const struct digest_question *question, const struct digest_value *session_key,
                    struct digest_text *out);

/* In time that depends on the sizes alone; `sent` may have upper-case digits. */
bool digest_text_equal(const struct digest_text *expected, struct bytes sent);

#endif
