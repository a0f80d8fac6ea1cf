/* Digest's messages: lists of directives, as HTTP headers (RFC 7616 3.3 to 3.5) and SASL tokens (RFC 2831 2.1) have them.
 *
 * Reading is tolerant where peers are known to differ (RFC 2617's quoted algorithm, Windows' quoted qop, empty list
 * elements, blanks around anything); writing is strict: what must be quoted is, and what cannot be written is refused.
 */
#ifndef OPENSSPI_DIGEST_DIRECTIVES_H
#define OPENSSPI_DIGEST_DIRECTIVES_H

#include "base/bytes.h"
#include "base/status.h"
#include "wire/writer.h"

#define DIGEST_REALMS_MAX 16

enum digest_directive {
    DIGEST_REALM,
    DIGEST_NONCE,
    DIGEST_QOP,
    DIGEST_ALGORITHM,
    DIGEST_OPAQUE,
    DIGEST_DOMAIN,
    DIGEST_STALE,
    DIGEST_CHARSET,
    DIGEST_USERHASH,
    DIGEST_MAXBUF,
    DIGEST_CIPHER,
    DIGEST_USERNAME,
    DIGEST_USERNAME_EXT, /* username*, RFC 8187 */
    DIGEST_NC,
    DIGEST_CNONCE,
    DIGEST_URI,
    DIGEST_DIGEST_URI,
    DIGEST_RESPONSE,
    DIGEST_RSPAUTH,
    DIGEST_NEXTNONCE,
    DIGEST_AUTHZID,
    DIGEST_DIRECTIVES
};

struct digest_directives {
    bool foreign;                           /* of another scheme than Digest: nothing below counts */
    uint32_t present;                       /* a bit for each directive */
    struct bytes value[DIGEST_DIRECTIVES];  /* unescaped; of `realm` the first one */
    struct bytes username_as_sent;          /* between its quotes, escapes and all */
    struct bytes realms[DIGEST_REALMS_MAX]; /* every one (RFC 2831 2.1.1 lets a server offer several) */
    size_t realm_count;
};

static inline bool digest_has(const struct digest_directives *directives, enum digest_directive which)
{
    return (directives->present >> which & 1) != 0;
}

/* Takes the directives of one scheme off the front of *text, which may begin with the scheme's name and may hold several
 * challenges behind one another, as WWW-Authenticate may (RFC 7235 4.1).  *text is left at the next scheme, or empty.
 * Slices borrow from *text and, where a value had escapes, from `room`, a writer that fronts as many bytes as *text has.
 * SEC_E_INVALID_TOKEN: a directive without a value, an open quote, a control character, one directive twice (realm may
 * come again), more than DIGEST_REALMS_MAX realms. */
STATUS digest_parse(struct bytes *text, struct writer *room, struct digest_directives *out);

/* The same for a message that is one list: a response, a SASL token, Authentication-Info.
 * SEC_E_INVALID_TOKEN also when another scheme follows, or realm comes twice unless `realms` allows it. */
STATUS digest_parse_one(struct bytes text, bool realms, struct writer *room, struct digest_directives *out);

/* The hash functions, and the algorithm directive's names for them. */
enum digest_hash { DIGEST_MD5 = 1, DIGEST_SHA256 = 2, DIGEST_SHA512_256 = 3 }; /* numbered as the accounts have them */

struct digest_algorithm {
    enum digest_hash hash;
    bool session; /* -sess */
};

/* False for a name that is none; no case. */
bool digest_algorithm_read(struct bytes name, struct digest_algorithm *out);
const char *digest_algorithm_name(struct digest_algorithm algorithm);

enum { DIGEST_QOP_AUTH = 1, DIGEST_QOP_INT = 2, DIGEST_QOP_CONF = 4 };

/* The bits of a list; unknown elements count for nothing (RFC 7616 3.3). */
unsigned digest_qop_read(struct bytes list);
const char *digest_qop_name(unsigned one);

/* The strongest first: RC4 with 128 bits, then triple DES, as RFC 2831 2.4 orders them by effort to break. */
enum {
    DIGEST_CIPHER_RC4 = 1,
    DIGEST_CIPHER_3DES = 2,
    DIGEST_CIPHER_DES = 4,
    DIGEST_CIPHER_RC4_56 = 8,
    DIGEST_CIPHER_RC4_40 = 16,
};
#define DIGEST_CIPHERS 5

unsigned digest_cipher_read(struct bytes list);
const char *digest_cipher_name(unsigned one);

/* A flag as stale and userhash are: "true", no case. */
bool digest_is_true(struct bytes value);
bool digest_same_word(struct bytes value, const char *word); /* no case */

/* Decimal digits up to `most` (maxbuf).  False for anything else. */
bool digest_number_read(struct bytes digits, uint32_t most, uint32_t *out);

/* Bytes as hexadecimal digits in either case (userhash).  False for anything else, and for more than `room` bytes. */
bool digest_unhex(struct bytes digits, uint8_t *out, size_t room, size_t *out_size);

/* One to eight hexadecimal digits (nc). */
bool digest_count_read(struct bytes digits, uint32_t *out);

/* A list under construction. */
struct digest_list {
    struct writer *writer;
    size_t start;
    bool bad; /* a value that no list can carry */
};

static inline struct digest_list digest_list_start(struct writer *writer)
{
    return (struct digest_list){writer, writer->size, false};
}

void digest_put_quoted(struct digest_list *list, const char *name, struct bytes value);
void digest_put_token(struct digest_list *list, const char *name, struct bytes value);
void digest_put_word(struct digest_list *list, const char *name, const char *word);

/* UTF-8 in the form of RFC 8187 (username*). */
void digest_put_extended(struct digest_list *list, const char *name, struct bytes utf8);

/* Its value back; to `room`.  SEC_E_INVALID_TOKEN: another charset than UTF-8, or not such a form. */
STATUS digest_extended_read(struct bytes value, struct writer *room, struct bytes *out);

/* SEC_E_INVALID_TOKEN: a control character in a value, or no token where one has to be.  SEC_E_BUFFER_TOO_SMALL. */
STATUS digest_list_end(const struct digest_list *list);

#endif
