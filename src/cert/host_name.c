#include "cert/host_name.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* What a name may consist of: letters, digits, and what is seen in host names, "_" among it. */
static bool is_host_character(uint16_t unit)
{
    return (unit >= '0' && unit <= '9') || (unit >= 'a' && unit <= 'z') || (unit >= 'A' && unit <= 'Z') ||
           unit == '-' || unit == '_' || unit == '.' || unit == ':' || unit == '[' || unit == ']';
}

static STATUS copy_ascii(struct utf16 name, char out[HOST_NAME_MAX_SIZE])
{
    size_t length = utf16_length(name);
    REQUIRE(length != 0, SEC_E_WRONG_PRINCIPAL, "there is no host name to compare the certificate with (RFC 9525 6.1)");
    REQUIRE(length < HOST_NAME_MAX_SIZE, SEC_E_WRONG_PRINCIPAL,
            "the host name is longer than host names are (RFC 1035 2.3.4)");
    for (size_t i = 0; i < length; i++) {
        uint16_t unit = utf16_unit(name, i);
        REQUIRE(is_host_character(unit), SEC_E_WRONG_PRINCIPAL,
                "a character that host names do not have; other scripts are written as A-labels (RFC 5891 2.3.2.1)");
        out[i] = (char)unit;
    }
    out[length] = '\0';
    return SEC_E_OK;
}

static void strip(char *text)
{
    size_t length = strlen(text);
    if (text[0] == '[' && text[length - 1] == ']') { /* as in a URI (RFC 3986 3.2.2) */
        for (size_t i = 0; i + 2 < length; i++) {
            text[i] = text[i + 1];
        }
        text[length - 2] = '\0';
    }
}

static bool parse_address(struct host_name *name)
{
    if (inet_pton(AF_INET, name->text, name->address) == 1) {
        name->address_size = 4;
    } else if (inet_pton(AF_INET6, name->text, name->address) == 1) {
        name->address_size = 16;
    }
    return name->address_size != 0;
}

STATUS host_name_parse(struct utf16 name, struct host_name *out)
{
    struct host_name parsed = {.address_size = 0};
    TRY(copy_ascii(name, parsed.text));
    strip(parsed.text);
    if (!parse_address(&parsed)) {
        size_t length = strlen(parsed.text);
        if (length > 1 && parsed.text[length - 1] == '.') { /* an absolute name (RFC 9525 has none in certificates) */
            parsed.text[--length] = '\0';
        }
        REQUIRE(length != 0 && strpbrk(parsed.text, ":[]") == NULL, SEC_E_WRONG_PRINCIPAL,
                "the host is neither a name nor an address");
        REQUIRE(parsed.text[0] != '.' && parsed.text[length - 1] != '.' && strstr(parsed.text, "..") == NULL,
                SEC_E_WRONG_PRINCIPAL, "the host name has an empty label (RFC 1035 2.3.1)");
    }
    *out = parsed;
    return SEC_E_OK;
}

bool host_name_matches(const struct host_name *name, X509 *certificate)
{
    if (name->address_size != 0) {
        return X509_check_ip(certificate, name->address, name->address_size, 0) == 1;
    }
    return X509_check_host(certificate, name->text, strlen(name->text), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) ==
           1;
}

/* ---------------------------------------------------------------- for people */

struct text {
    char *at;
    size_t left;
    bool any;
};

static void add_name(struct text *text, const char *kind, const unsigned char *name, size_t size)
{
    int used = snprintf(text->at, text->left, "%s%s:", text->any ? ", " : "", kind);
    if (used < 0 || (size_t)used >= text->left) {
        text->left = 0;
        return;
    }
    text->any = true;
    text->at += used;
    text->left -= (size_t)used;
    for (size_t i = 0; i < size && text->left > 1; i++) {
        *text->at++ = name[i] > 0x20 && name[i] < 0x7f ? (char)name[i] : '?';
        text->left--;
    }
    *text->at = '\0';
}

static void add_address(struct text *text, const ASN1_OCTET_STRING *address)
{
    char written[INET6_ADDRSTRLEN];
    int size = ASN1_STRING_length(address);
    int family = size == 4 ? AF_INET : AF_INET6;
    if ((size == 4 || size == 16) &&
        inet_ntop(family, ASN1_STRING_get0_data(address), written, sizeof written) != NULL) {
        add_name(text, "IP", (const unsigned char *)written, strlen(written));
    }
}

static void add_common_names(struct text *text, X509 *certificate)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    for (int at = -1;;) {
        at = X509_NAME_get_index_by_NID((X509_NAME *)subject, NID_commonName, at);
        if (at < 0) {
            return;
        }
        const ASN1_STRING *name = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
        add_name(text, "CN", ASN1_STRING_get0_data(name), (size_t)ASN1_STRING_length(name));
    }
}

void host_names_of(X509 *certificate, char *out, size_t size)
{
    struct text text = {out, size, false};
    bool dns = false;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && text.left != 0; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS) {
            dns = true;
            add_name(&text, "DNS", ASN1_STRING_get0_data(name->d.dNSName), (size_t)ASN1_STRING_length(name->d.dNSName));
        } else if (name->type == GEN_IPADD) {
            add_address(&text, name->d.iPAddress);
        }
    }
    GENERAL_NAMES_free(names);
    if (!dns && text.left != 0) {
        add_common_names(&text, certificate);
    }
    if (!text.any) {
        (void)snprintf(out, size, "no name");
    }
}
