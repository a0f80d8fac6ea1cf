#include "cert/name_text.h"

#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "crypto/openssl_errors.h"

#define UPN_OID "1.3.6.1.4.1.311.20.2.3"

static void free_name(X509_NAME **name)
{
    X509_NAME_free(*name);
}

static void free_names(GENERAL_NAMES **names)
{
    GENERAL_NAMES_free(*names);
}

static void free_text(unsigned char **text)
{
    OPENSSL_free(*text);
}

/* Windows' short names of attributes ("CertNameToStr"). */
static const struct {
    const char *oid;
    const char *name;
} attributes[] = {
    {szOID_COMMON_NAME, "CN"},
    {szOID_LOCALITY_NAME, "L"},
    {szOID_ORGANIZATION_NAME, "O"},
    {szOID_ORGANIZATIONAL_UNIT_NAME, "OU"},
    {szOID_RSA_emailAddr, "E"},
    {szOID_COUNTRY_NAME, "C"},
    {szOID_STATE_OR_PROVINCE_NAME, "S"},
    {szOID_STREET_ADDRESS, "STREET"},
    {szOID_TITLE, "T"},
    {szOID_GIVEN_NAME, "G"},
    {szOID_INITIALS, "I"},
    {szOID_SUR_NAME, "SN"},
    {szOID_DOMAIN_COMPONENT, "DC"},
    {szOID_DEVICE_SERIAL_NUMBER, "SERIALNUMBER"},
    {szOID_DESCRIPTION, "Description"},
    {szOID_POSTAL_CODE, "PostalCode"},
    {szOID_DN_QUALIFIER, "dnQualifier"},
};

/* Other keys that CertStrToName takes. */
static const struct {
    const char *oid;
    const char *name;
} aliases[] = {
    {szOID_RSA_emailAddr, "Email"},  {szOID_STATE_OR_PROVINCE_NAME, "ST"}, {szOID_TITLE, "Title"},
    {szOID_GIVEN_NAME, "GivenName"}, {szOID_INITIALS, "Initials"},
};

static bool is_key(struct bytes key, const char *name)
{
    return strlen(name) == key.size && strncasecmp(name, (const char *)key.data, key.size) == 0;
}

const char *name_text_oid(struct bytes key)
{
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        if (is_key(key, attributes[i].name)) {
            return attributes[i].oid;
        }
    }
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (is_key(key, aliases[i].name)) {
            return aliases[i].oid;
        }
    }
    return NULL;
}

static void write_text(struct writer *out, const char *text)
{
    write_bytes(out, bytes_of(text, strlen(text)));
}

static void write_prefix(struct writer *out, const ASN1_OBJECT *object, DWORD type)
{
    char oid[256];
    const char *name = NULL;
    if (type != CERT_OID_NAME_STR && type != CERT_X500_NAME_STR) {
        return;
    }
    OBJ_obj2txt(oid, sizeof oid, object, 1);
    for (size_t i = 0; type == CERT_X500_NAME_STR && i < sizeof attributes / sizeof attributes[0]; i++) {
        name = strcmp(attributes[i].oid, oid) == 0 ? attributes[i].name : name;
    }
    if (name == NULL && type == CERT_X500_NAME_STR) {
        write_text(out, "OID.");
    }
    write_text(out, name != NULL ? name : oid);
    write_text(out, "=");
}

/* A value that is no text: "#" and its encoding (RFC 4514 2.4). */
static void write_hex(struct writer *out, const ASN1_STRING *value)
{
    static const char digits[] = "0123456789ABCDEF";
    const unsigned char *data = ASN1_STRING_get0_data(value);
    write_text(out, "#");
    for (int i = 0; i < ASN1_STRING_length(value); i++) {
        char pair[2] = {digits[data[i] >> 4], digits[data[i] & 15]};
        write_bytes(out, bytes_of(pair, 2));
    }
}

static bool has_special(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (strchr(",+=\"\n<>#;", text.data[i]) != NULL) { /* finds NUL too */
            return true;
        }
    }
    return text.size != 0 &&
           (strchr(" \t\r\n", text.data[0]) != NULL || strchr(" \t\r\n", text.data[text.size - 1]) != NULL);
}

static void write_value(struct writer *out, const ASN1_STRING *value, bool quoting)
{
    AUTO(free_text) unsigned char *utf8 = NULL;
    int size = ASN1_STRING_to_UTF8(&utf8, value);
    struct bytes text = bytes_of(utf8, size < 0 ? 0 : (size_t)size);
    bool quoted = quoting && size >= 0 && has_special(text);
    if (size < 0) {
        write_hex(out, value);
        return;
    }
    if (quoted) {
        write_text(out, "\"");
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == 0) {
            write_text(out, "\xEF\xBF\xBD"); /* U+FFFD */
        } else {
            write_bytes(out, bytes_of(text.data + i, 1));
        }
        if (quoted && text.data[i] == '"') {
            write_text(out, "\"");
        }
    }
    if (quoted) {
        write_text(out, "\"");
    }
}

static STATUS parse(struct bytes der, X509_NAME **out)
{
    const unsigned char *at = der.data;
    AUTO(free_name) X509_NAME *name = NULL;
    openssl_errors_mark();
    name = der.size == 0 || der.size > INT32_MAX ? NULL : d2i_X509_NAME(NULL, &at, (long)der.size);
    openssl_errors_forget();
    REQUIRE(name != NULL && at == der.data + der.size, SEC_E_INVALID_TOKEN, "name: not a Name (RFC 5280 4.1.2.4)");
    *out = STEAL(name);
    return SEC_E_OK;
}

static const char *separator(DWORD how)
{
    return how & CERT_NAME_STR_SEMICOLON_FLAG ? "; " : how & CERT_NAME_STR_CRLF_FLAG ? "\r\n" : ", ";
}

/* The attributes of the RDN that begins with entry `first`; returns the entry behind them. */
static int write_rdn(const X509_NAME *name, int first, DWORD how, struct writer *out)
{
    int i = first, set;
    do {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        set = X509_NAME_ENTRY_set(entry);
        if (i != first) {
            write_text(out, how & CERT_NAME_STR_NO_PLUS_FLAG ? " " : " + ");
        }
        write_prefix(out, X509_NAME_ENTRY_get_object(entry), how & 0xFF);
        write_value(out, X509_NAME_ENTRY_get_data(entry), (how & CERT_NAME_STR_NO_QUOTING_FLAG) == 0);
        i++;
    } while (i < X509_NAME_entry_count(name) && X509_NAME_ENTRY_set(X509_NAME_get_entry(name, i)) == set);
    return i;
}

/* The first entry of the RDN that ends before entry `end`. */
static int rdn_before(const X509_NAME *name, int end)
{
    int first = end - 1;
    while (first > 0 && X509_NAME_ENTRY_set(X509_NAME_get_entry(name, first - 1)) ==
                            X509_NAME_ENTRY_set(X509_NAME_get_entry(name, first))) {
        first--;
    }
    return first;
}

STATUS name_text_write(struct bytes der, DWORD how, struct writer *out)
{
    AUTO(free_name) X509_NAME *name = NULL;
    int count;
    TRY(parse(der, &name));
    count = X509_NAME_entry_count(name);
    openssl_errors_mark();
    if (how & CERT_NAME_STR_REVERSE_FLAG) {
        for (int end = count; end > 0;) {
            int first = rdn_before(name, end);
            write_rdn(name, first, how, out);
            write_text(out, first > 0 ? separator(how) : "");
            end = first;
        }
    } else {
        for (int i = 0; i < count;) {
            i = write_rdn(name, i, how, out);
            write_text(out, i < count ? separator(how) : "");
        }
    }
    openssl_errors_forget();
    return SEC_E_OK;
}

/* A value without a NUL inside; otherwise nothing. */
static void write_plain(struct writer *out, const ASN1_STRING *value)
{
    AUTO(free_text) unsigned char *utf8 = NULL;
    int size;
    openssl_errors_mark();
    size = ASN1_STRING_to_UTF8(&utf8, value);
    openssl_errors_forget();
    if (size > 0 && memchr(utf8, 0, (size_t)size) == NULL) {
        write_bytes(out, bytes_of(utf8, (size_t)size));
    }
}

STATUS name_text_attribute(struct bytes der, const char *oid, struct writer *out)
{
    AUTO(free_name) X509_NAME *name = NULL;
    TRY(parse(der, &name));
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        char text[256];
        if (OBJ_obj2txt(text, sizeof text, X509_NAME_ENTRY_get_object(entry), 1) > 0 && strcmp(text, oid) == 0) {
            write_plain(out, X509_NAME_ENTRY_get_data(entry));
            break;
        }
    }
    return SEC_E_OK;
}

STATUS name_text_first(struct bytes der, struct writer *out)
{
    AUTO(free_name) X509_NAME *name = NULL;
    TRY(parse(der, &name));
    if (X509_NAME_entry_count(name) > 0) {
        write_plain(out, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, 0)));
    }
    return SEC_E_OK;
}

/* The text of a general name of this kind, borrowed; NULL when it is of another. */
static const ASN1_STRING *of_kind(const GENERAL_NAME *name, enum name_kind kind)
{
    static const int types[] = {
        [NAME_EMAIL] = GEN_EMAIL, [NAME_DNS] = GEN_DNS, [NAME_URL] = GEN_URI, [NAME_UPN] = GEN_OTHERNAME};
    char oid[64];
    if (name->type != types[kind]) {
        return NULL;
    }
    if (kind != NAME_UPN) {
        return name->d.ia5;
    }
    return OBJ_obj2txt(oid, sizeof oid, name->d.otherName->type_id, 1) > 0 && strcmp(oid, UPN_OID) == 0 &&
                   name->d.otherName->value->type == V_ASN1_UTF8STRING
               ? name->d.otherName->value->value.utf8string
               : NULL;
}

STATUS name_text_alternatives(struct certificate *certificate, bool issuer, enum name_kind kind, struct writer *out)
{
    AUTO(free_names) GENERAL_NAMES *names = NULL;
    openssl_errors_mark();
    names = X509_get_ext_d2i(certificate_x509(certificate), issuer ? NID_issuer_alt_name : NID_subject_alt_name, NULL,
                             NULL);
    openssl_errors_forget();
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const ASN1_STRING *text = of_kind(sk_GENERAL_NAME_value(names, i), kind);
        size_t before = write_result(out).size;
        if (text != NULL) {
            write_plain(out, text);
        }
        if (write_result(out).size != before) {
            write_bytes(out, bytes_of("", 1));
        }
    }
    return SEC_E_OK;
}
