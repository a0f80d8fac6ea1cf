#include "digest/directives.h"

#include <string.h>
#include <strings.h>

#define NAME(text)                                                                                                     \
    {                                                                                                                  \
        sizeof(text) - 1, (text)                                                                                       \
    }

static const struct {
    uint8_t size;
    const char *text;
} names[DIGEST_DIRECTIVES] = {
    [DIGEST_REALM] = NAME("realm"),
    [DIGEST_NONCE] = NAME("nonce"),
    [DIGEST_QOP] = NAME("qop"),
    [DIGEST_ALGORITHM] = NAME("algorithm"),
    [DIGEST_OPAQUE] = NAME("opaque"),
    [DIGEST_DOMAIN] = NAME("domain"),
    [DIGEST_STALE] = NAME("stale"),
    [DIGEST_CHARSET] = NAME("charset"),
    [DIGEST_USERHASH] = NAME("userhash"),
    [DIGEST_MAXBUF] = NAME("maxbuf"),
    [DIGEST_CIPHER] = NAME("cipher"),
    [DIGEST_USERNAME] = NAME("username"),
    [DIGEST_USERNAME_EXT] = NAME("username*"),
    [DIGEST_NC] = NAME("nc"),
    [DIGEST_CNONCE] = NAME("cnonce"),
    [DIGEST_URI] = NAME("uri"),
    [DIGEST_DIGEST_URI] = NAME("digest-uri"),
    [DIGEST_RESPONSE] = NAME("response"),
    [DIGEST_RSPAUTH] = NAME("rspauth"),
    [DIGEST_NEXTNONCE] = NAME("nextnonce"),
    [DIGEST_AUTHZID] = NAME("authzid"),
};

/* ---------------------------------------------------------------- reading */

/* What is left of the text; a byte at a time. */
struct cursor {
    const uint8_t *at, *end;
};

static bool is_blank(uint8_t c) /* linear white space; a folded line's CR and LF are part of it (RFC 2831 7.1) */
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_control(uint8_t c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

static bool ends_token(uint8_t c)
{
    return is_blank(c) || is_control(c) || c == ',' || c == '"';
}

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end && is_blank(*cursor->at)) {
        cursor->at++;
    }
}

static struct bytes take_until(struct cursor *cursor, bool equals_too)
{
    const uint8_t *start = cursor->at;
    while (cursor->at < cursor->end && !ends_token(*cursor->at) && !(equals_too && *cursor->at == '=')) {
        cursor->at++;
    }
    return bytes_of(start, (size_t)(cursor->at - start));
}

static SECURITY_STATUS unescape(struct bytes raw, struct writer *room, struct bytes *out)
{
    size_t start = room->size;
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.data[i] == '\\') {
            i++; /* there is one more: a quote behind a backslash does not end the string */
        }
        write_u8(room, raw.data[i]);
    }
    TRY(write_end(room));
    *out = bytes_of(room->data + start, room->size - start);
    return SEC_E_OK;
}

/* A quoted string (RFC 7230 3.2.6); the cursor is behind its first quote. */
static SECURITY_STATUS take_quoted(struct cursor *cursor, struct writer *room, struct bytes *raw, struct bytes *out)
{
    const uint8_t *start = cursor->at;
    bool escapes = false;
    while (cursor->at < cursor->end && *cursor->at != '"') {
        if (*cursor->at == '\\') {
            escapes = true;
            cursor->at++;
        }
        REQUIRE(cursor->at < cursor->end && !is_control(*cursor->at), SEC_E_INVALID_TOKEN,
                "Digest: a control character in a quoted string, or nothing behind a backslash (RFC 7230 3.2.6)");
        cursor->at++;
    }
    REQUIRE(cursor->at < cursor->end, SEC_E_INVALID_TOKEN, "Digest: a quoted string without an end (RFC 7230 3.2.6)");
    *raw = bytes_of(start, (size_t)(cursor->at - start));
    cursor->at++;
    *out = *raw;
    return escapes ? unescape(*raw, room, out) : SEC_E_OK;
}

static SECURITY_STATUS take_value(struct cursor *cursor, struct writer *room, struct bytes *raw, struct bytes *out)
{
    skip_blanks(cursor);
    if (cursor->at < cursor->end && *cursor->at == '"') {
        cursor->at++;
        TRY(take_quoted(cursor, room, raw, out));
    } else {
        *raw = take_until(cursor, false);
        *out = *raw;
    }
    skip_blanks(cursor);
    REQUIRE(cursor->at == cursor->end || *cursor->at == ',', SEC_E_INVALID_TOKEN,
            "Digest: something between a value and the next comma (RFC 7230 7)");
    return SEC_E_OK;
}

static SECURITY_STATUS keep(struct digest_directives *out, struct bytes name, struct bytes raw, struct bytes value)
{
    size_t which = 0;
    while (which < DIGEST_DIRECTIVES && (name.size != names[which].size ||
                                         strncasecmp((const char *)name.data, names[which].text, name.size) != 0)) {
        which++;
    }
    if (which == DIGEST_DIRECTIVES || out->foreign) {
        return SEC_E_OK; /* unknown directives are to be ignored (RFC 7616 3.3, RFC 2831 2.1.1) */
    }
    bool again = digest_has(out, (enum digest_directive)which);
    if (which == DIGEST_REALM) {
        REQUIRE(out->realm_count < DIGEST_REALMS_MAX, SEC_E_INVALID_TOKEN, "Digest: too many realms");
        out->realms[out->realm_count++] = value;
        again = false;
    }
    REQUIRE(!again, SEC_E_INVALID_TOKEN, "Digest: one directive twice (RFC 7616 3.3, RFC 2831 2.1.1)");
    if (which == DIGEST_USERNAME) {
        out->username_as_sent = raw;
    }
    if (which != DIGEST_REALM || out->realm_count == 1) {
        out->value[which] = value;
    }
    out->present |= UINT32_C(1) << which;
    return SEC_E_OK;
}

enum element { ELEMENT_DIRECTIVE, ELEMENT_SCHEME };

/* What a name in front of the cursor is: a directive has an equals sign behind it. */
static enum element element_of(struct cursor *cursor)
{
    skip_blanks(cursor);
    return cursor->at < cursor->end && *cursor->at == '=' ? ELEMENT_DIRECTIVE : ELEMENT_SCHEME;
}

static void skip_separators(struct cursor *cursor)
{
    while (cursor->at < cursor->end && (is_blank(*cursor->at) || *cursor->at == ',')) {
        cursor->at++;
    }
}

SECURITY_STATUS digest_parse(struct bytes *text, struct writer *room, struct digest_directives *out)
{
    static const uint8_t nothing[1] = {0};
    const uint8_t *start = text->data != NULL ? text->data : nothing;
    struct cursor cursor = {start, start + text->size};
    bool first = true;
    *out = (struct digest_directives){.present = 0};
    for (skip_separators(&cursor); cursor.at < cursor.end; skip_separators(&cursor)) {
        const uint8_t *element = cursor.at;
        struct bytes name = take_until(&cursor, true), raw = BYTES_NONE, value = BYTES_NONE;
        REQUIRE(name.size != 0, SEC_E_INVALID_TOKEN, "Digest: a directive without a name (RFC 7616 3.3)");
        if (element_of(&cursor) == ELEMENT_SCHEME) {
            if (!first) {
                cursor.at = element;
                break;
            }
            out->foreign = !digest_same_word(name, "Digest");
        } else {
            cursor.at++;
            TRY(take_value(&cursor, room, &raw, &value));
            TRY(keep(out, name, raw, value));
        }
        first = false;
    }
    *text = bytes_of(cursor.at, (size_t)(cursor.end - cursor.at));
    return SEC_E_OK;
}

SECURITY_STATUS digest_parse_one(struct bytes text, bool realms, struct writer *room, struct digest_directives *out)
{
    struct digest_directives found;
    struct bytes rest = text;
    TRY(digest_parse(&rest, room, &found));
    REQUIRE(!found.foreign && rest.size == 0, SEC_E_INVALID_TOKEN, "Digest: the message is of another scheme");
    REQUIRE(realms || found.realm_count <= 1, SEC_E_INVALID_TOKEN, "Digest: realm comes twice (RFC 7616 3.4)");
    *out = found;
    return SEC_E_OK;
}

/* ---------------------------------------------------------------- values */

bool digest_same_word(struct bytes value, const char *word)
{
    return value.size == strlen(word) &&
           (value.size == 0 || strncasecmp((const char *)value.data, word, value.size) == 0);
}

bool digest_is_true(struct bytes value)
{
    return digest_same_word(value, "true");
}

static const struct {
    const char *name;
    struct digest_algorithm algorithm;
} algorithms[] = {
    {"MD5", {DIGEST_MD5, false}},
    {"MD5-sess", {DIGEST_MD5, true}},
    {"SHA-256", {DIGEST_SHA256, false}},
    {"SHA-256-sess", {DIGEST_SHA256, true}},
    {"SHA-512-256", {DIGEST_SHA512_256, false}},
    {"SHA-512-256-sess", {DIGEST_SHA512_256, true}},
};

bool digest_algorithm_read(struct bytes name, struct digest_algorithm *out)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
        if (digest_same_word(name, algorithms[i].name)) {
            *out = algorithms[i].algorithm;
            return true;
        }
    }
    return false;
}

const char *digest_algorithm_name(struct digest_algorithm algorithm)
{
    return algorithms[2 * ((size_t)algorithm.hash - 1) + (algorithm.session ? 1 : 0)].name;
}

static const char *const qops[] = {"auth", "auth-int", "auth-conf"};
static const char *const ciphers[DIGEST_CIPHERS] = {"rc4", "3des", "des", "rc4-56", "rc4-40"};

/* The words of a comma-separated list, as bits. */
static unsigned read_words(struct bytes list, const char *const *words, size_t count)
{
    struct cursor cursor = {list.data, list.data};
    unsigned found = 0;
    cursor.end = list.size != 0 ? list.data + list.size : list.data;
    for (skip_separators(&cursor); cursor.at < cursor.end; skip_separators(&cursor)) {
        struct bytes word = take_until(&cursor, false);
        if (word.size == 0) { /* a quote or a control character: no word */
            cursor.at++;
        }
        for (size_t i = 0; i < count; i++) {
            found |= digest_same_word(word, words[i]) ? 1u << i : 0u;
        }
    }
    return found;
}

unsigned digest_qop_read(struct bytes list)
{
    return read_words(list, qops, sizeof qops / sizeof qops[0]);
}

static const char *word_of(const char *const *words, size_t count, unsigned one)
{
    for (size_t i = 0; i < count; i++) {
        if (one == 1u << i) {
            return words[i];
        }
    }
    return "";
}

const char *digest_qop_name(unsigned one)
{
    return word_of(qops, sizeof qops / sizeof qops[0], one);
}

unsigned digest_cipher_read(struct bytes list)
{
    return read_words(list, ciphers, DIGEST_CIPHERS);
}

const char *digest_cipher_name(unsigned one)
{
    return word_of(ciphers, DIGEST_CIPHERS, one);
}

bool digest_number_read(struct bytes digits, uint32_t most, uint32_t *out)
{
    uint64_t number = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9' || number > most) {
            return false;
        }
        number = number * 10 + (digits.data[i] - '0');
    }
    *out = (uint32_t)number;
    return digits.size != 0 && number <= most;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    uint8_t low = c | 0x20;
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

bool digest_unhex(struct bytes digits, uint8_t *out, size_t room, size_t *out_size)
{
    struct writer writer = write_into(out, room);
    for (size_t i = 0; i + 1 < digits.size; i += 2) {
        int high = hex_digit(digits.data[i]), low = hex_digit(digits.data[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        write_u8(&writer, (uint8_t)(high << 4 | low));
    }
    *out_size = writer.size;
    return digits.size % 2 == 0 && digits.size / 2 == writer.size;
}

bool digest_count_read(struct bytes digits, uint32_t *out)
{
    uint32_t number = 0;
    for (size_t i = 0; i < digits.size; i++) {
        int digit = hex_digit(digits.data[i]);
        if (digit < 0 || digits.size > 8) {
            return false;
        }
        number = number << 4 | (uint32_t)digit;
    }
    *out = number;
    return digits.size != 0;
}

/* ---------------------------------------------------------------- writing */

static void put_name(struct digest_list *list, const char *name)
{
    if (list->writer->size != list->start) {
        write_bytes(list->writer, bytes_of(", ", 2));
    }
    write_bytes(list->writer, bytes_of(name, strlen(name)));
    write_u8(list->writer, '=');
}

void digest_put_quoted(struct digest_list *list, const char *name, struct bytes value)
{
    put_name(list, name);
    write_u8(list->writer, '"');
    size_t plain = 0; /* start of what needs no escape */
    for (size_t i = 0; i < value.size; i++) {
        uint8_t c = value.data[i];
        list->bad = list->bad || is_control(c);
        if (c == '"' || c == '\\') {
            write_bytes(list->writer, bytes_of(value.data + plain, i - plain));
            write_u8(list->writer, '\\');
            plain = i;
        }
    }
    if (value.size != 0) {
        write_bytes(list->writer, bytes_of(value.data + plain, value.size - plain));
    }
    write_u8(list->writer, '"');
}

/* RFC 7230 3.2.6: tchar. */
static bool is_token_character(uint8_t c)
{
    bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    return letter || (c >= '0' && c <= '9') || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

void digest_put_token(struct digest_list *list, const char *name, struct bytes value)
{
    put_name(list, name);
    for (size_t i = 0; i < value.size; i++) {
        list->bad = list->bad || !is_token_character(value.data[i]);
    }
    list->bad = list->bad || value.size == 0;
    write_bytes(list->writer, value);
}

void digest_put_word(struct digest_list *list, const char *name, const char *word)
{
    digest_put_token(list, name, bytes_of(word, strlen(word)));
}

/* RFC 8187 3.2.1: attr-char is tchar without the three that the form itself uses. */
void digest_put_extended(struct digest_list *list, const char *name, struct bytes utf8)
{
    static const char digits[] = "0123456789ABCDEF";
    put_name(list, name);
    write_bytes(list->writer, bytes_of("UTF-8''", 7));
    for (size_t i = 0; i < utf8.size; i++) {
        uint8_t c = utf8.data[i];
        if (is_token_character(c) && c != '*' && c != '\'' && c != '%') {
            write_u8(list->writer, c);
        } else {
            const uint8_t escaped[3] = {'%', (uint8_t)digits[c >> 4], (uint8_t)digits[c & 15]};
            write_bytes(list->writer, BYTES(escaped));
        }
        list->bad = list->bad || is_control(c);
    }
}

SECURITY_STATUS digest_extended_read(struct bytes value, struct writer *room, struct bytes *out)
{
    static const char why[] = "Digest: username* is not UTF-8 in the form of RFC 8187 (RFC 7616 3.4)";
    const uint8_t *quote = value.size > 5 ? memchr(value.data + 6, '\'', value.size - 6) : NULL;
    REQUIRE(quote != NULL && strncasecmp((const char *)value.data, "UTF-8'", 6) == 0, SEC_E_INVALID_TOKEN, why);
    size_t start = room->size;
    for (size_t i = (size_t)(quote - value.data) + 1; i < value.size; i++) {
        uint8_t c = value.data[i];
        if (c == '%') {
            int high = i + 2 < value.size ? hex_digit(value.data[i + 1]) : -1;
            int low = i + 2 < value.size ? hex_digit(value.data[i + 2]) : -1;
            REQUIRE(high >= 0 && low >= 0, SEC_E_INVALID_TOKEN, why);
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        REQUIRE(!is_control(c), SEC_E_INVALID_TOKEN, why);
        write_u8(room, c);
    }
    TRY(write_end(room));
    *out = bytes_of(room->data + start, room->size - start);
    return SEC_E_OK;
}

SECURITY_STATUS digest_list_end(const struct digest_list *list)
{
    REQUIRE(!list->bad, SEC_E_INVALID_TOKEN,
            "Digest: a name, URI or realm with a character that no header can carry (RFC 7230 3.2.6)");
    return write_end(list->writer);
}
