/* Host names against certificates: the rules of RFC 9525 (and RFC 6125, which it replaces), one row a case.  The names are
 * put into certificates that nobody signs, as nothing but names is looked at. */
#include "pki.h"

#include <openssl/x509v3.h>

#include "cert/host_name.h"

struct row {
    const char *names;  /* subjectAltName as openssl.cnf has it, or NULL */
    const char *common; /* common name, or NULL */
    const char *host;
    bool matches;
};

static const struct row rows[] = {
    /* RFC 9525 6.3: letters without regard to case, all labels */
    {"DNS:www.example.com", NULL, "www.example.com", true},
    {"DNS:WWW.Example.COM", NULL, "www.example.com", true},
    {"DNS:www.example.com", NULL, "WWW.EXAMPLE.COM", true},
    {"DNS:www.example.com", NULL, "www.example.com.", true},
    {"DNS:www.example.com", NULL, "example.com", false},
    {"DNS:example.com", NULL, "www.example.com", false},
    {"DNS:www.example.com", NULL, "www.example.com.evil.example", false},
    {"DNS:www.example.com", NULL, "evilwww.example.com", false},
    {"DNS:a.example,DNS:b.example", NULL, "b.example", true},
    {"DNS:server", NULL, "server", true},
    {"DNS:my_host.example.com", NULL, "my_host.example.com", true},
    /* 6.3: a wildcard is the whole left-most label, and stands for exactly one */
    {"DNS:*.example.com", NULL, "foo.example.com", true},
    {"DNS:*.example.com", NULL, "bar.foo.example.com", false},
    {"DNS:*.example.com", NULL, "example.com", false},
    {"DNS:*.example.com", NULL, ".example.com", false},
    {"DNS:baz*.example.net", NULL, "baz1.example.net", false},
    {"DNS:*baz.example.net", NULL, "foobaz.example.net", false},
    {"DNS:b*z.example.net", NULL, "buzz.example.net", false},
    {"DNS:www.*.example.com", NULL, "www.a.example.com", false},
    {"DNS:*.*.example.com", NULL, "a.b.example.com", false},
    {"DNS:*.com", NULL, "example.com", false},
    {"DNS:*", NULL, "example", false},
    {"DNS:*.example.com", NULL, "xn--bcher-kva.example.com", true},
    {"DNS:xn--*.example.com", NULL, "xn--bcher-kva.example.com", false},
    {"DNS:*.example.com", NULL, "*.example.com", false}, /* nobody is called so */
    /* 6.3: internationalised names are compared as A-labels */
    {"DNS:xn--bcher-kva.example", NULL, "xn--bcher-kva.example", true},
    {"DNS:xn--bcher-kva.example", NULL,
     "b\xfc"
     "cher.example",
     false},
    /* the common name counts where there is no dNSName (RFC 6125 6.4.4; Windows) */
    {NULL, "www.example.com", "www.example.com", true},
    {NULL, "*.example.com", "www.example.com", true},
    {NULL, "www.example.com", "other.example.com", false},
    {"DNS:other.example.com", "www.example.com", "www.example.com", false},
    {"IP:192.0.2.1", "www.example.com", "www.example.com", true},
    {"email:www.example.com@example.com", "www.example.com", "www.example.com", true},
    {NULL, "Some Server, Inc.", "server", false},
    /* 6.5: addresses, octet by octet, in an iPAddress alone */
    {"IP:192.0.2.1", NULL, "192.0.2.1", true},
    {"IP:192.0.2.1", NULL, "192.0.2.2", false},
    {"DNS:192.0.2.1", NULL, "192.0.2.1", false},
    {NULL, "192.0.2.1", "192.0.2.1", false},
    {"DNS:*.0.2.1", NULL, "192.0.2.1", false},
    {"IP:2001:db8::1", NULL, "2001:db8::1", true},
    {"IP:2001:db8::1", NULL, "2001:0DB8:0:0:0:0:0:1", true},
    {"IP:2001:db8::1", NULL, "[2001:db8::1]", true},
    {"IP:2001:db8::1", NULL, "2001:db8::2", false},
    {"IP:::ffff:192.0.2.1", NULL, "192.0.2.1", false}, /* sixteen octets are not four */
    /* what is no host: nothing matches it, whatever the certificate says */
    {"DNS:www.example.com", "www.example.com", "", false},
    {"DNS:www.example.com", NULL, ".", false},
    {"DNS:www.example.com", NULL, "www.example.com..", false},
    {"DNS:www.example.com", NULL, "www..example.com", false},
    {"DNS:www.example.com", NULL, "www.example.com:443", false},
    {"DNS:www.example.com", NULL, " www.example.com", false},
    {"DNS:www.example.com", NULL, "HTTP/www.example.com", false},
    {"DNS:www.example.com", NULL, "[www.example.com]", true}, /* brackets are taken off, as of an address */
    {"IP:fe80::1", NULL, "fe80::1%eth0", false},
    {NULL, NULL, "www.example.com", false},
};

static X509 *make(const char *names, const char *common)
{
    X509 *certificate = X509_new();
    assert_non_null(certificate);
    assert_int_equal(X509_set_version(certificate, 2), 1);
    if (names != NULL) {
        char text[256];
        (void)snprintf(text, sizeof text, "%s", names);
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
        assert_non_null(extension);
        assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
    if (common != NULL) {
        assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                                                    (const unsigned char *)common, -1, -1, 0),
                         1);
    }
    return certificate;
}

static bool match(X509 *certificate, struct utf16 host)
{
    struct host_name name;
    status_begin();
    SECURITY_STATUS status = host_name_parse(host, &name);
    assert_true(status == SEC_E_OK || status == SEC_E_WRONG_PRINCIPAL);
    assert_true((status == SEC_E_OK) == (status_reason(NULL, NULL, NULL) == NULL));
    return status == SEC_E_OK && host_name_matches(&name, certificate);
}

static void follows_the_rules(void **state)
{
    bool good = true;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint16_t host[300];
        pki_wide(rows[i].host, host);
        X509 *certificate = make(rows[i].names, rows[i].common);
        if (match(certificate, utf16_from_wide(host)) != rows[i].matches) {
            print_message("# '%s' with names %s, CN %s: expected %d\n", rows[i].host, rows[i].names, rows[i].common,
                          rows[i].matches);
            good = false;
        }
        X509_free(certificate);
    }
    assert_true(good);
}

/* A NUL in the middle: neither side may be cut there. */
static void is_not_cut_at_a_nul(void **state)
{
    static const unsigned char evil[] = "www.example.com\0.evil.example";
    X509 *certificate = make(NULL, NULL);
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    assert_true(names != NULL && name != NULL && text != NULL);
    assert_int_equal(ASN1_STRING_set(text, evil, sizeof evil - 1), 1);
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    assert_true(sk_GENERAL_NAME_push(names, name) > 0);
    assert_int_equal(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0), 1);
    uint16_t host[300];
    pki_wide("www.example.com", host);
    assert_false(match(certificate, utf16_from_wide(host)));
    char said[128];
    host_names_of(certificate, said, sizeof said);
    assert_string_equal(said, "DNS:www.example.com?.evil.example");
    X509 *good = make("DNS:www.example.com", NULL);
    pki_wide("www.example.com", host);
    host[3] = 0;
    assert_false(match(good, (struct utf16){(const uint8_t *)host, 30}));
    X509_free(good);
    GENERAL_NAMES_free(names);
    X509_free(certificate);
}

static void is_not_overrun_by_long_names(void **state)
{
    uint16_t host[300];
    char text[300];
    memset(text, 'a', sizeof text);
    text[255] = '\0';
    pki_wide(text, host);
    X509 *certificate = make("DNS:a.example", NULL);
    assert_false(match(certificate, utf16_from_wide(host)));
    text[255] = 'a';
    text[256] = '\0';
    pki_wide(text, host);
    assert_false(match(certificate, utf16_from_wide(host)));
    X509_free(certificate);
}

static void cuts_what_it_says(void **state)
{
    char said[24];
    X509 *certificate = make("DNS:a.example,DNS:b.example,IP:192.0.2.1", NULL);
    host_names_of(certificate, said, sizeof said);
    assert_true(strncmp(said, "DNS:a.example, DNS:b.ex", 23) == 0);
    assert_true(strlen(said) < sizeof said);
    for (size_t size = 1; size < sizeof said; size++) {
        memset(said, 'x', sizeof said);
        host_names_of(certificate, said, size);
        assert_non_null(memchr(said, '\0', size));
    }
    X509_free(certificate);
    certificate = make(NULL, NULL);
    host_names_of(certificate, said, sizeof said);
    assert_string_equal(said, "no name");
    X509_free(certificate);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_rules),
        cmocka_unit_test(is_not_cut_at_a_nul),
        cmocka_unit_test(is_not_overrun_by_long_names),
        cmocka_unit_test(cuts_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
