/* Every allocation on the way from bytes to stores, keys, names and structures fails once: the call fails for lack of memory
 * and nothing leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/auto.h"
#include "cert/certificate_object.h"
#include "cert/decode.h"
#include "cert/name_text.h"
#include "cert/read.h"
#include "sspi_ext.h"
#include "torture/memory.h"

#define MOST 3000

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

static SECURITY_STATUS look_at(struct certificate *certificate)
{
    AUTO_WRITER text = write_growing(1 << 16);
    AUTO_FREE uint8_t *hash = NULL;
    struct arena arena = {.pieces = NULL};
    size_t size = 0;
    const CERT_INFO *info = certificate_info(certificate);
    TRY(certificate_property(certificate, CERT_SHA1_HASH_PROP_ID, &hash, &size));
    TRY(certificate_set_property(certificate, CERT_DESCRIPTION_PROP_ID, bytes_of(hash, size)));
    TRY(name_text_write(bytes_of(info->Subject.pbData, info->Subject.cbData), CERT_X500_NAME_STR, &text));
    TRY(write_end(&text));
    SECURITY_STATUS status = decode(7, bytes_of(info->Subject.pbData, info->Subject.cbData), &arena);
    arena_free(&arena);
    return status;
}

static SECURITY_STATUS life(const char *name)
{
    char path[4096];
    AUTO_STORE *store = NULL, *other = NULL, *all = NULL;
    AUTO_CERTIFICATE *first = NULL, *added = NULL;
    struct read_what what;
    STACK_OF(X509) *stack = NULL;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    TRY(store_new(STORE_MEMORY, &store));
    TRY(store_new(STORE_MEMORY, &other));
    TRY(store_new(STORE_COLLECTION, &all));
    TRY(store_join(all, store, 0, 0));
    TRY(store_join(all, other, CERT_PHYSICAL_STORE_ADD_ENABLE_FLAG, 0));
    TRY(read_file(path, NULL, store, &what));
    first = store_next(all, NULL);
    if (first != NULL) {
        TRY(look_at(first));
        TRY(store_add(all, first, STORE_ADD_ALWAYS, &added));
    }
    SECURITY_STATUS status = store_x509s(all, &stack);
    sk_X509_pop_free(stack, X509_free);
    return status;
}

static void test_life(const char *name)
{
    unsigned long n;
    if (directory == NULL) {
        skip();
    }
    assert_int_equal(life(name), SEC_E_OK); /* what a process sets up once is there afterwards */
    size_t before = memory_live();
    for (n = 1; n < MOST; n++) {
        status_begin();
        memory_fail_at(n);
        SECURITY_STATUS status = life(name);
        bool failed = memory_has_failed();
        memory_fail_at(0);
        if (!failed) {
            assert_int_equal(status, SEC_E_OK);
            break;
        }
        if (status != SEC_E_INSUFFICIENT_MEMORY) {
            const char *why = NULL, *file = NULL;
            int line = 0;
            why = status_reason(NULL, &file, &line);
            fail_msg("allocation %lu: %08X, %s (%s:%d)", n, (unsigned)status, why, file, line);
        }
        assert_int_equal(memory_live(), before);
        assert_int_equal(certificate_live(), 0);
    }
    assert_in_range(n, 10, MOST - 1);
}

static void test_pem(void **state)
{
    test_life("server-p256.chain.pem");
}

static void test_crl(void **state)
{
    test_life("intermediate.crl.pem");
}

static void test_pkcs7(void **state)
{
    test_life("bundle.p7b.der");
}

static void test_pkcs12(void **state)
{
    test_life("empty.pfx");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pem),
        cmocka_unit_test(test_crl),
        cmocka_unit_test(test_pkcs7),
        cmocka_unit_test(test_pkcs12),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, setup, NULL);
}
