/* The KDC proxy's names, and SECPKG_CRED_ATTR_KDC_PROXY_SETTINGS as Microsoft Learn lays it out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECURITY_WIN32
#include <security.h>

#include "kerberos/configuration.h"
#include "kerberos/pkcs11.h"

static void names(void **state)
{
    (void)state;
    static const struct {
        const char *text, *url; /* NULL: refused */
    } cases[] = {
        {"proxy.example.com", "https://proxy.example.com/KdcProxy"},
        {"proxy:8443", "https://proxy:8443/KdcProxy"},
        {"proxy.example.com:443:kdcproxy", "https://proxy.example.com:443/kdcproxy"},
        {"proxy.example.com:kdcproxy", "https://proxy.example.com/kdcproxy"},
        {"proxy/a/b", "https://proxy/a/b"},
        {"https://proxy/KdcProxy", "https://proxy/KdcProxy"},
        {"https://proxy:1/", "https://proxy:1/KdcProxy"},
        {"192.0.2.1:1", "https://192.0.2.1:1/KdcProxy"},
        {"[2001:db8::1]:444:x", "https://[2001:db8::1]:444/x"},
        {"", NULL},
        {":443", NULL},
        {"http://proxy/", NULL},
        {"pro xy", NULL},
        {"proxy:443\nkdc", NULL},
        {"user@proxy", NULL},
        {"proxy:123456", NULL},
        {"proxy:44x", NULL},
        {"[2001:db8::1", NULL},
        {"[]", NULL},
        {"proxy/a?b", NULL},
        {"proxy/a:b", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kdc_proxy *proxy = NULL;
        SECURITY_STATUS status = kdc_proxy_parse(cases[i].text, true, &proxy);
        if (cases[i].url == NULL) {
            assert_int_equal(status, SEC_E_INVALID_TOKEN);
            assert_null(proxy);
        } else {
            assert_int_equal(status, SEC_E_OK);
            assert_string_equal(proxy->url, cases[i].url);
            assert_true(proxy->only);
        }
        free(proxy);
    }
}

/* Little endian, as the structure lies in memory on every machine that this runs on. */
struct given {
    uint32_t version, flags;
    uint16_t offset, size, certificate_offset, certificate_size;
    uint32_t discovery;
    uint16_t name[8];
};

static void settings(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct given given;
        ULONG size;
        SECURITY_STATUS status;
    } cases[] = {
        {"version 1", {1, 0, 20, 10, 0, 0, 0, {'p', 'r', 'o', 'x', 'y'}}, 30, SEC_E_OK},
        {"with its NUL", {1, 1, 20, 12, 0, 0, 0, {'p', 'r', 'o', 'x', 'y'}}, 32, SEC_E_OK},
        {"taken back", {1, 0, 0, 0, 0, 0, 0, {0}}, 16, SEC_E_OK},
        {"version 2", {2, 0x80000000, 20, 10, 0, 0, 0, {'p', 'r', 'o', 'x', 'y'}}, 30, SEC_E_OK},
        {"version 2 for the discovery", {2, 0x40000000, 0, 0, 0, 0, 0x80000000, {0}}, 20, SEC_E_UNSUPPORTED_FUNCTION},
        {"version 2 for both", {2, 0xC0000000, 0, 0, 0, 0, 0x80000000, {0}}, 20, SEC_E_UNSUPPORTED_FUNCTION},
        {"version 2 cut short", {2, 0x80000000, 0, 0, 0, 0, 0, {0}}, 16, SEC_E_INVALID_TOKEN},
        {"version 0", {0, 0, 20, 10, 0, 0, 0, {'p', 'r', 'o', 'x', 'y'}}, 30, SEC_E_INVALID_TOKEN},
        {"version 3", {3, 0, 20, 10, 0, 0, 0, {'p', 'r', 'o', 'x', 'y'}}, 30, SEC_E_INVALID_TOKEN},
        {"a short header", {1, 0, 0, 0, 0, 0, 0, {0}}, 15, SEC_E_INVALID_TOKEN},
        {"nothing", {0, 0, 0, 0, 0, 0, 0, {0}}, 0, SEC_E_INVALID_TOKEN},
        {"a name behind the end", {1, 0, 20, 10, 0, 0, 0, {'p', 'r', 'o', 'x', 'y'}}, 29, SEC_E_INVALID_TOKEN},
        {"a name in the header", {1, 0, 8, 8, 0, 0, 0, {0}}, 20, SEC_E_INVALID_TOKEN},
        {"half a character", {1, 0, 20, 9, 0, 0, 0, {'p', 'r', 'o', 'x', 'y'}}, 30, SEC_E_INVALID_TOKEN},
        {"a NUL within", {1, 0, 20, 10, 0, 0, 0, {'p', 0, 'o', 'x', 'y'}}, 30, SEC_E_INVALID_TOKEN},
        {"no name", {1, 0, 20, 10, 0, 0, 0, {'p', ' ', 'o', 'x', 'y'}}, 30, SEC_E_INVALID_TOKEN},
        {"a certificate", {1, 0, 20, 10, 30, 4, 0, {'p', 'r', 'o', 'x', 'y', 1, 2}}, 34, SEC_E_UNSUPPORTED_FUNCTION},
    };
    char package[] = "Kerberos";
    CredHandle credential;
    assert_int_equal(
        AcquireCredentialsHandleA(NULL, package, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL, &credential, NULL),
        SEC_E_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct given *copy = malloc(cases[i].size != 0 ? cases[i].size : 1);
        memcpy(copy, &cases[i].given, cases[i].size);
        SECURITY_STATUS status =
            SetCredentialsAttributesW(&credential, SECPKG_CRED_ATTR_KDC_PROXY_SETTINGS, copy, cases[i].size);
        free(copy);
        if (status != cases[i].status) {
            print_message("# %s: %08x\n", cases[i].what, (unsigned)status);
        }
        assert_int_equal(status, cases[i].status);
    }
    SecPkgCredentials_KdcProxySettingsW asked;
    assert_int_equal(QueryCredentialsAttributesW(&credential, SECPKG_CRED_ATTR_KDC_PROXY_SETTINGS, &asked),
                     SEC_E_UNSUPPORTED_FUNCTION); /* to be set only */
    assert_int_equal(SetCredentialsAttributesW(&credential, SECPKG_CRED_ATTR_NAMES, &asked, sizeof asked),
                     SEC_E_UNSUPPORTED_FUNCTION);
    FreeCredentialsHandle(&credential);
}

/* pkcs11: URIs (RFC 7512 2.3) in libkrb5's words (kinit(1), X509_user_identity). */
static void tokens(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *identity; /* NULL: refused */
    } cases[] = {
        {"pkcs11:token=card;id=%0A%ff", "PKCS11:module_name=p11-kit-proxy.so:token=card:certid=0aff"},
        {"pkcs11:id=%01?module-path=/usr/lib/p.so&pin-value=1", "PKCS11:module_name=/usr/lib/p.so:certid=01"},
        {"pkcs11:token=My%20card;object=a%20key;type=private",
         "PKCS11:module_name=p11-kit-proxy.so:token=My card:certlabel=a key"},
        {"pkcs11:object=a;id=A", "PKCS11:module_name=p11-kit-proxy.so:certid=41"},
        {"pkcs11:", NULL},
        {"pkcs11:token=card", NULL},
        {"pkcs11:id=%0", NULL},
        {"pkcs11:id=%zz", NULL},
        {"pkcs11:id=%", NULL},
        {"pkcs11:token=a:b;id=1", NULL},
        {"pkcs11:token=a%3ab;id=1", NULL},
        {"pkcs11:token=a%00b;id=1", NULL},
        {"pkcs11:object=a?module-path=/a:b", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *identity = NULL;
        SECURITY_STATUS status = pkcs11_identity(cases[i].uri, &identity);
        if (cases[i].identity != NULL) {
            assert_int_equal(status, SEC_E_OK);
            assert_string_equal(identity, cases[i].identity);
        } else {
            assert_int_equal(status, SEC_E_UNKNOWN_CREDENTIALS);
            assert_null(identity);
        }
        free(identity);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(settings), cmocka_unit_test(tokens)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
