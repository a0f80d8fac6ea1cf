/* Digest when memory runs out: every allocation of an exchange fails once, by HTTP and by SASL.  And what it frees is
 * searched for the password and for H(A1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "digest/response.h"
#include "support/digest_pair.h"
#include "torture/memory.h"

#define MOST 2000

static struct policy policy;

static SECURITY_STATUS seal_one(struct digest_pair *pair)
{
    char text[16] = "fifteen letters", trailer[24];
    SecBuffer buffers[] = {{sizeof text, SECBUFFER_DATA, text}, {sizeof trailer, SECBUFFER_PADDING, trailer}};
    SecBufferDesc message = {SECBUFFER_VERSION, 2, buffers};
    SECURITY_STATUS status = EncryptMessage(&pair->client, 0, &message, 0);
    return status == SEC_E_OK ? DecryptMessage(&pair->server, &message, 0, NULL) : status;
}

/* The session goes on in another context (ExportSecurityContext). */
static SECURITY_STATUS move_on(CtxtHandle *context)
{
    static SEC_CHAR package[] = "WDigest";
    SecBuffer packed = {0, SECBUFFER_EMPTY, NULL};
    CtxtHandle moved;
    SECURITY_STATUS status = ExportSecurityContext(context, 0, &packed, NULL);
    if (status == SEC_E_OK) {
        status = ImportSecurityContextA(package, &packed, NULL, &moved);
        (void)FreeContextBuffer(packed.pvBuffer);
    }
    if (status == SEC_E_OK) {
        status = DeleteSecurityContext(context);
        *context = moved;
    }
    return status;
}

static SECURITY_STATUS move_and_seal(struct digest_pair *pair)
{
    SECURITY_STATUS status = move_on(&pair->client);
    status = status == SEC_E_OK ? move_on(&pair->server) : status;
    return status == SEC_E_OK ? seal_one(pair) : status;
}

static SECURITY_STATUS live(struct digest_pair *pair)
{
    struct digest_message message;
    SecPkgContext_NamesA names = {NULL};
    SECURITY_STATUS status = digest_pair_handshake(pair);
    if (status == SEC_E_OK) {
        status = QueryContextAttributesA(&pair->server, SECPKG_ATTR_NAMES, &names);
    }
    if (status == SEC_E_OK) {
        status = FreeContextBuffer(names.sUserName);
    }
    if (status == SEC_E_OK && (pair->client_flags & DIGEST_HTTP) == 0) {
        status = seal_one(pair);
        return status == SEC_E_OK ? move_and_seal(pair) : status;
    }
    if (status == SEC_E_OK) {
        status = move_on(&pair->client);
    }
    if (status == SEC_E_OK) {
        status = digest_pair_sign(&pair->client, "GET", "/2", NULL, &message);
    }
    return status == SEC_E_OK ? digest_pair_verify(&pair->server, "GET", "/2", NULL, &message) : status;
}

static void modes(struct digest_pair *pair, bool http)
{
    *pair = (struct digest_pair){.user = NULL};
    digest_pair_open(pair);
    if (!http) {
        pair->client_flags = ISC_REQ_CONFIDENTIALITY;
        pair->server_flags = ASC_REQ_CONFIDENTIALITY;
        pair->target = "ldap/server";
    }
}

static void without(bool http)
{
    struct digest_pair pair;
    unsigned long n = 1;
    modes(&pair, http);
    for (int i = 0; i < 3; i++) { /* what is made once is made */
        assert_int_equal(live(&pair), SEC_E_OK);
        digest_pair_forget(&pair);
    }
    size_t blocks = memory_live();
    for (; n < MOST; n++) {
        memory_fail_at(n);
        SECURITY_STATUS status = live(&pair);
        bool failed = memory_has_failed();
        memory_fail_at(0);
        digest_pair_forget(&pair);
        assert_int_equal(memory_live(), blocks);
        if (!failed) {
            assert_int_equal(status, SEC_E_OK);
            break;
        }
        if (status != SEC_E_INSUFFICIENT_MEMORY) {
            print_message("# allocation %lu: 0x%08x\n", n, (unsigned)status);
            fail();
        }
        assert_int_equal(live(&pair), SEC_E_OK);
        digest_pair_forget(&pair);
    }
    print_message("# %lu allocations\n", n - 1);
    assert_in_range(n, 5, MOST - 1);
    digest_pair_close(&pair);
}

static void http(void **state)
{
    (void)state;
    without(true);
}

/* The same with the user's name hidden, which is looked up first. */
static void hidden(void **state)
{
    (void)state;
    policy.digest_userhash = true;
    without(true);
    policy.digest_userhash = false;
}

static void sasl(void **state)
{
    (void)state;
    without(false);
}

static void wiped(void **state)
{
    static const uint8_t wide[] = "C\0i\0r\0c\0l\0e\0 \0o\0f\0 \0L\0i\0f";
    struct digest_value secret;
    const char *found = NULL;
    (void)state;
    for (int http_too = 0; http_too < 2; http_too++) {
        struct digest_pair pair;
        modes(&pair, http_too != 0);
        digest_secret(DIGEST_MD5, bytes_of("Mufasa", 6), bytes_of(DIGEST_REALM_NAME, strlen(DIGEST_REALM_NAME)),
                      bytes_of("Circle of Life", 14), &secret);
        memory_watch_nothing();
        memory_watch("the password", wide, sizeof wide);
        memory_watch("the password in bytes", "Circle of Life", 14);
        memory_watch("H(user:realm:password)", secret.b, 16);
        assert_int_equal(live(&pair), SEC_E_OK);
        digest_pair_close(&pair);
        if (memory_found(&found) != 0) {
            fail_msg("freed with %s in it", found);
        }
        memory_watch_nothing();
    }
}

static int open_accounts(void **state)
{
    (void)state;
    digest_pair_accounts(&policy);
    return 0;
}

static int close_accounts(void **state)
{
    (void)state;
    digest_pair_accounts_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(http), cmocka_unit_test(hidden), cmocka_unit_test(sasl),
                                       cmocka_unit_test(wiped)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("digest", tests, open_accounts, close_accounts);
}
