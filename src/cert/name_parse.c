/* CertStrToName below the API: text to a Name in DER (Microsoft Learn, "CertStrToName"). */
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "cert/name_text.h"
#include "crypto/openssl_errors.h"
#include "text/utf16.h"

#define TEXT_MAX       65536
#define ATTRIBUTES_MAX 1000
#define OID_MAX        128
#define NO_PLACE       SIZE_MAX

struct parse {
    struct bytes text;
    size_t at;
    DWORD how;
    X509_NAME *name;
    size_t *wrong;
};

static void free_name(X509_NAME **name)
{
    X509_NAME_free(*name);
}

static void free_object(ASN1_OBJECT **object)
{
    ASN1_OBJECT_free(*object);
}

static STATUS wrong_at(const struct parse *parse, size_t at)
{
    *parse->wrong = at;
    FAIL(CRYPT_E_INVALID_X500_STRING, "name: text that is no name (CertStrToName)");
}

static bool at_end(const struct parse *parse)
{
    return parse->at >= parse->text.size;
}

/* The character in turn, 0 at the end (the text has no NUL). */
static uint8_t now(const struct parse *parse)
{
    return at_end(parse) ? 0 : parse->text.data[parse->at];
}

static bool is_one_of(uint8_t byte, const char *set)
{
    return byte != 0 && strchr(set, byte) != NULL;
}

static bool ends_attribute(const struct parse *parse, uint8_t byte)
{
    const char *separators = ",;";
    if ((parse->how & CERT_NAME_STR_COMMA_FLAG) != 0) {
        separators = ",";
    } else if ((parse->how & CERT_NAME_STR_SEMICOLON_FLAG) != 0) {
        separators = ";";
    } else if ((parse->how & CERT_NAME_STR_CRLF_FLAG) != 0) {
        separators = "\r\n";
    }
    return is_one_of(byte, separators) || (byte == '+' && (parse->how & CERT_NAME_STR_NO_PLUS_FLAG) == 0);
}

static bool is_space(uint8_t byte)
{
    return is_one_of(byte, " \t\r\n");
}

static void skip_space(struct parse *parse)
{
    while (is_space(now(parse)) && !ends_attribute(parse, now(parse))) {
        parse->at++;
    }
}

/* ---------------------------------------------------------------- "CN =" */

static STATUS object_of(struct bytes key, ASN1_OBJECT **out)
{
    char oid[OID_MAX] = "";
    const char *known = name_text_oid(key);
    if (known == NULL && key.size > 4 && strncasecmp((const char *)key.data, "OID.", 4) == 0) {
        key = bytes_of(key.data + 4, key.size - 4);
    }
    if (known == NULL && key.size < sizeof oid && key.data[0] >= '0' && key.data[0] <= '9') {
        memcpy(oid, key.data, key.size);
        known = oid;
    }
    *out = known == NULL ? NULL : OBJ_txt2obj(known, 1);
    return SEC_E_OK;
}

static STATUS parse_key(struct parse *parse, ASN1_OBJECT **out)
{
    size_t start = parse->at, end;
    while (!at_end(parse) && now(parse) != '=' && !ends_attribute(parse, now(parse))) {
        parse->at++;
    }
    end = parse->at;
    while (end > start && is_space(parse->text.data[end - 1])) {
        end--;
    }
    if (now(parse) != '=' || end == start) {
        return wrong_at(parse, start);
    }
    parse->at++;
    TRY(object_of(bytes_of(parse->text.data + start, end - start), out));
    return *out == NULL ? wrong_at(parse, start) : SEC_E_OK;
}

/* ---------------------------------------------------------------- "Alice", "\"Bob \"\"Gage\"\"\"" */

static STATUS parse_quoted(struct parse *parse, struct writer *value)
{
    size_t start = parse->at++;
    for (;;) {
        if (at_end(parse)) {
            return wrong_at(parse, start);
        }
        uint8_t byte = parse->text.data[parse->at++];
        if (byte == '"' && now(parse) != '"') {
            break;
        }
        parse->at += byte == '"'; /* a doubled one stands for itself */
        write_u8(value, byte);
    }
    skip_space(parse);
    return at_end(parse) || ends_attribute(parse, now(parse)) ? SEC_E_OK : wrong_at(parse, parse->at);
}

static STATUS parse_plain(struct parse *parse, struct writer *value)
{
    size_t start = parse->at, end;
    bool quoting = (parse->how & CERT_NAME_STR_NO_QUOTING_FLAG) == 0;
    while (!at_end(parse) && !ends_attribute(parse, now(parse))) {
        if (quoting && now(parse) == '"') {
            return wrong_at(parse, parse->at);
        }
        parse->at++;
    }
    end = parse->at;
    while (end > start && is_space(parse->text.data[end - 1])) {
        end--;
    }
    write_bytes(value, bytes_of(parse->text.data + start, end - start));
    return SEC_E_OK;
}

static STATUS parse_value(struct parse *parse, struct writer *value)
{
    skip_space(parse);
    REQUIRE(now(parse) != '#', SEC_E_UNSUPPORTED_FUNCTION,
            "name: a value in hexadecimal, which would be an OCTET STRING; OpenSSL has no such names");
    if (now(parse) == '"' && (parse->how & CERT_NAME_STR_NO_QUOTING_FLAG) == 0) {
        return parse_quoted(parse, value);
    }
    return parse_plain(parse, value);
}

/* ---------------------------------------------------------------- which of ASN.1's strings */

#define PRINTABLE "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?"

struct text_kind {
    bool printable, ascii, latin, bmp; /* all characters are in PrintableString, IA5String, Latin-1, BMPString */
};

static STATUS look_at(const struct parse *parse, struct utf16 text, size_t at, struct text_kind *out)
{
    *out = (struct text_kind){true, true, true, true};
    for (size_t i = 0; i < utf16_length(text); i++) {
        uint16_t unit = utf16_unit(text, i);
        out->printable = out->printable && unit < 0x80 && is_one_of((uint8_t)unit, PRINTABLE);
        out->ascii = out->ascii && unit < 0x80;
        out->latin = out->latin && unit < 0x100;
        if (unit >= 0xD800 && unit <= 0xDFFF) {
            uint16_t next = i + 1 < utf16_length(text) ? utf16_unit(text, i + 1) : 0;
            if (unit >= 0xDC00 || next < 0xDC00 || next > 0xDFFF) {
                return wrong_at(parse, at);
            }
            out->bmp = false;
            i++;
        }
    }
    return SEC_E_OK;
}

static STATUS choose_type(const struct parse *parse, int attribute, const struct text_kind *kind, size_t at, int *out)
{
    bool force = (parse->how & CERT_NAME_STR_FORCE_UTF8_DIR_STR_FLAG) != 0 &&
                 (parse->how & CERT_NAME_STR_DISABLE_UTF8_DIR_STR_FLAG) == 0;
    switch (attribute) {
    case NID_countryName:
    case NID_serialNumber:
    case NID_dnQualifier:
        *parse->wrong = at;
        REQUIRE(kind->printable, CRYPT_E_INVALID_PRINTABLE_STRING, "name: not a PrintableString (RFC 5280 A.1)");
        *out = V_ASN1_PRINTABLESTRING;
        break;
    case NID_pkcs9_emailAddress:
        *parse->wrong = at;
        REQUIRE(kind->ascii, CRYPT_E_INVALID_IA5_STRING, "name: not an IA5String (RFC 5280 A.1)");
        *out = V_ASN1_IA5STRING;
        break;
    case NID_domainComponent:
        *out = kind->ascii ? V_ASN1_IA5STRING : V_ASN1_UTF8STRING;
        break;
    default:
        if (kind->printable && !force) {
            *out = V_ASN1_PRINTABLESTRING;
        } else if (!force && kind->latin && (parse->how & CERT_NAME_STR_ENABLE_T61_UNICODE_FLAG) != 0) {
            *out = V_ASN1_T61STRING;
        } else if (force || !kind->bmp || (parse->how & CERT_NAME_STR_ENABLE_UTF8_UNICODE_FLAG) != 0) {
            *out = V_ASN1_UTF8STRING;
        } else {
            *out = V_ASN1_BMPSTRING;
        }
    }
    *parse->wrong = NO_PLACE;
    return SEC_E_OK;
}

/* Adds the attribute to the set of the one before, or as a set of its own. */
static STATUS add(const struct parse *parse, const ASN1_OBJECT *object, int type, struct bytes value, bool same_set)
{
    const unsigned char *data = value.data == NULL ? (const unsigned char *)"" : value.data;
    REQUIRE(X509_NAME_add_entry_by_OBJ(parse->name, object, type, data, (int)value.size, -1, same_set ? -1 : 0) == 1,
            SEC_E_INSUFFICIENT_MEMORY, "no memory");
    return SEC_E_OK;
}

static STATUS add_text(const struct parse *parse, const ASN1_OBJECT *object, struct bytes utf8, size_t at, bool same)
{
    AUTO_UTF16 text = UTF16_NONE;
    AUTO_WRITER wide = write_growing(2 * TEXT_MAX);
    struct text_kind kind;
    int type = V_ASN1_UTF8STRING;
    TRY(utf16_from_utf8(utf8, &text)); /* the whole was read once already */
    TRY(look_at(parse, text, at, &kind));
    TRY(choose_type(parse, OBJ_obj2nid(object), &kind, at, &type));
    if (type != V_ASN1_BMPSTRING && type != V_ASN1_T61STRING) {
        return add(parse, object, type, utf8, same);
    }
    for (size_t i = 0; i < utf16_length(text); i++) {
        if (type == V_ASN1_BMPSTRING) {
            write_u16be(&wide, utf16_unit(text, i));
        } else {
            write_u8(&wide, (uint8_t)utf16_unit(text, i));
        }
    }
    TRY(write_end(&wide));
    return add(parse, object, type, write_result(&wide), same);
}

/* ---------------------------------------------------------------- the whole */

static STATUS parse_attribute(struct parse *parse, bool same_set)
{
    AUTO(free_object) ASN1_OBJECT *object = NULL;
    AUTO_WRITER value = write_growing(TEXT_MAX);
    size_t start;
    TRY(parse_key(parse, &object));
    skip_space(parse);
    start = parse->at;
    TRY(parse_value(parse, &value));
    TRY(write_end(&value));
    return add_text(parse, object, write_result(&value), start, same_set);
}

static STATUS parse_all(struct parse *parse)
{
    bool same_set = false;
    for (int count = 0;; count++) {
        while (is_space(now(parse))) { /* empty lines, too, where lines are what separates */
            parse->at++;
        }
        if (at_end(parse)) { /* also behind a last separator */
            return same_set ? wrong_at(parse, parse->at) : SEC_E_OK;
        }
        if (count == ATTRIBUTES_MAX) {
            return wrong_at(parse, parse->at);
        }
        TRY(parse_attribute(parse, same_set));
        same_set = now(parse) == '+';
        parse->at++; /* the separator */
    }
}

/* The sets of attributes in the opposite order. */
static STATUS reverse(const X509_NAME *name, X509_NAME **out)
{
    AUTO(free_name) X509_NAME *turned = X509_NAME_new();
    int count = X509_NAME_entry_count(name);
    REQUIRE(turned != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    for (int end = count; end > 0;) {
        int begin = end - 1;
        while (begin > 0 && X509_NAME_ENTRY_set(X509_NAME_get_entry(name, begin - 1)) ==
                                X509_NAME_ENTRY_set(X509_NAME_get_entry(name, end - 1))) {
            begin--;
        }
        for (int i = begin; i < end; i++) {
            REQUIRE(X509_NAME_add_entry(turned, X509_NAME_get_entry(name, i), -1, i == begin ? 0 : -1) == 1,
                    SEC_E_INSUFFICIENT_MEMORY, "no memory");
        }
        end = begin;
    }
    *out = STEAL(turned);
    return SEC_E_OK;
}

static STATUS encode(const X509_NAME *name, struct writer *out)
{
    unsigned char *der = NULL;
    int size = i2d_X509_NAME(name, &der);
    REQUIRE(size > 0, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    write_bytes(out, bytes_of(der, (size_t)size));
    OPENSSL_free(der);
    return write_end(out);
}

static STATUS read(struct parse *parse, struct writer *out)
{
    AUTO(free_name) X509_NAME *name = X509_NAME_new(), *turned = NULL;
    REQUIRE(name != NULL, SEC_E_INSUFFICIENT_MEMORY, "no memory");
    parse->name = name;
    TRY(parse_all(parse));
    if ((parse->how & CERT_NAME_STR_REVERSE_FLAG) == 0) {
        return encode(name, out);
    }
    TRY(reverse(name, &turned));
    return encode(turned, out);
}

STATUS name_text_read(struct bytes utf8, DWORD how, struct writer *out, size_t *wrong)
{
    struct parse parse = {.text = utf8, .how = how, .wrong = wrong};
    AUTO_UTF16 whole = UTF16_NONE;
    SECURITY_STATUS status;
    *wrong = NO_PLACE;
    if (utf8.size > TEXT_MAX || utf16_from_utf8(utf8, &whole) == SEC_E_INVALID_TOKEN) {
        status_begin(); /* the reason is this one */
        return wrong_at(&parse, 0);
    }
    openssl_errors_mark();
    status = read(&parse, out);
    openssl_errors_forget();
    return status;
}
