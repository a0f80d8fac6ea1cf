/* Certificates and stores that are not: each row spoils one that is good (tests/support/pki.py) in one way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "cert/certificate_object.h"
#include "cert/key.h"
#include "cert/read.h"

static const char *directory;

static int setup(void **state)
{
    directory = getenv("SSPI_TEST_PKI");
    directory = directory != NULL && directory[0] != 0 ? directory : NULL;
    if (directory == NULL) {
        print_message("# skipped: the openssl command is missing, so there are no certificates\n");
    }
    return 0;
}

static void load(const char *name, struct secret *out)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_int_equal(file_read(path, out), SEC_E_OK);
}

/* What is done to the bytes: `size` bytes at `at` (from the end when negative) become `with`; `cut` bytes go from the end;
 * `more` bytes are added. */
struct row {
    int number;
    const char *file;
    const char *what;
    long at;
    const char *with;
    size_t size, cut, more;
    SECURITY_STATUS expected;
};

static const struct row rows[] = {
    /* PKCS#7: SEQUENCE, OID signedData */
    {1, "bundle.p7b.der", "the last byte is missing", 0, "", 0, 1, 0, SEC_E_INVALID_TOKEN},
    {2, "bundle.p7b.der", "one byte more", 0, "", 0, 0, 1, SEC_E_INVALID_TOKEN},
    {3, "bundle.p7b.der", "encrypted data instead of signed data (RFC 2315 14)", 14, "\x06", 1, 0, 0,
     SEC_E_INVALID_TOKEN},
    {4, "bundle.p7b.der", "an indefinite length without an end (X.690 8.1.3.6)", 1, "\x80", 1, 0, 0,
     SEC_E_INVALID_TOKEN},
    {5, "bundle.p7b.der", "a length of four gigabytes", 1, "\x84\xFF\xFF\xFF", 4, 0, 0, SEC_E_INVALID_TOKEN},
    /* PKCS#12 */
    {10, "nomac.pfx", "the last byte is missing", 0, "", 0, 1, 0, SEC_E_INVALID_TOKEN},
    {11, "nomac.pfx", "one byte more", 0, "", 0, 0, 1, SEC_E_INVALID_TOKEN},
    {12, "empty.pfx", "another MAC", -30, "\x00\x00\x00", 3, 0, 0, SEC_E_LOGON_DENIED},
    {13, "nomac.pfx", "a set in the place of the sequence", 0, "\x31", 1, 0, 0, SEC_E_INVALID_TOKEN},
    /* PEM */
    {20, "root.pem", "the END line is cut", 0, "", 0, 10, 0, SEC_E_INVALID_TOKEN},
    {21, "root.pem", "a character that is not base64", 60, "*", 1, 0, 0, SEC_E_INVALID_TOKEN},
    {22, "root.pem", "another label", 11, "KERTIFICATE", 11, 0, 0, SEC_E_INVALID_TOKEN},
    {23, "root.key", "a key alone", 0, "", 0, 0, 0, SEC_E_INVALID_TOKEN},
    /* neither */
    {30, "root.cnf", "a configuration file", 0, "", 0, 0, 0, SEC_E_INVALID_TOKEN},
    {31, "good.ocsp", "an OCSP response", 0, "", 0, 0, 0, SEC_E_INVALID_TOKEN},
};

static void test_stores(void **state)
{
    if (directory == NULL) {
        skip();
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        AUTO_SECRET file = {NULL, 0, 0};
        AUTO_STORE *store = NULL;
        struct read_what what;
        load(row->file, &file);
        uint8_t *copy = calloc(1, file.size + row->more);
        memcpy(copy, file.data, file.size);
        size_t at = row->at < 0 ? file.size - (size_t)-row->at : (size_t)row->at;
        memcpy(copy + at, row->with, row->size);
        assert_int_equal(store_new(STORE_MEMORY, &store), SEC_E_OK);
        SECURITY_STATUS status = read_content(bytes_of(copy, file.size + row->more - row->cut), NULL, store, &what);
        if (status != row->expected) {
            fail_msg("%d, %s, %s: %08X instead of %08X", row->number, row->file, row->what, (unsigned)status,
                     (unsigned)row->expected);
        }
        free(copy);
    }
    assert_int_equal(certificate_live(), 0);
}

/* No prefix of a certificate is one, no byte of its frame can be another, and no certificate has something behind it. */
static void test_certificates(void **state)
{
    static const char *const files[] = {"many.pem", "client.pem", "server-ed25519.pem", "root.pem"};
    if (directory == NULL) {
        skip();
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        AUTO_SECRET file = {NULL, 0, 0};
        AUTO_STORE *store = NULL;
        AUTO_CERTIFICATE *good = NULL;
        struct certificate *none = NULL;
        struct read_what what;
        load(files[i], &file);
        assert_int_equal(store_new(STORE_MEMORY, &store), SEC_E_OK);
        assert_int_equal(read_content(secret_bytes(&file), NULL, store, &what), SEC_E_OK);
        good = store_next(store, NULL);
        struct bytes der = certificate_encoding(good);
        uint8_t *copy = calloc(1, der.size + 1);
        memcpy(copy, der.data, der.size);
        for (size_t size = 0; size < der.size; size++) {
            assert_int_equal(certificate_parse(bytes_of(copy, size), &none), SEC_E_INVALID_TOKEN);
        }
        assert_int_equal(certificate_parse(bytes_of(copy, der.size + 1), &none), SEC_E_INVALID_TOKEN);
        for (size_t at = 0; at < 8; at++) { /* SEQUENCE and length of certificate and TBSCertificate (RFC 5280 4.1) */
            copy[at] ^= 0x01;
            assert_int_equal(certificate_parse(bytes_of(copy, der.size), &none), SEC_E_INVALID_TOKEN);
            copy[at] ^= 0x01;
        }
        for (size_t at = 0; at < der.size; at++) { /* whatever one bit makes of it, it is read or refused */
            struct certificate *perhaps = NULL;
            copy[at] ^= 0x10;
            if (certificate_parse(bytes_of(copy, der.size), &perhaps) >= 0) {
                assert_memory_equal(certificate_encoding(perhaps).data, copy, der.size);
                certificate_drop(perhaps);
            }
            copy[at] ^= 0x10;
        }
        free(copy);
    }
    assert_int_equal(certificate_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_stores), cmocka_unit_test(test_certificates)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, NULL);
}
