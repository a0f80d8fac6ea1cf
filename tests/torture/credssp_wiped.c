/* No password is left in memory that is freed, the library's or OpenSSL's, when it was delegated by CredSSP: every block is
 * searched as it goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "sspi_ext.h"
#include "support/credssp_ends.h"
#include "torture/memory.h"

static struct ends ends;
static const uint8_t password[16] = {'P', 0, 'a', 0, 's', 0, 's', 0, 'w', 0, 'o', 0, 'r', 0, 'd', 0};

static void *take(size_t size, const char *file, int line)
{
    return malloc(size);
}

static void *resize(void *old, size_t size, const char *file, int line)
{
    return realloc(old, size);
}

static void give(void *block, const char *file, int line)
{
    free(block);
}

static SECURITY_STATUS life(void)
{
    memset(&ends, 0, sizeof ends);
    SECURITY_STATUS status = credssp_ends_acquire(&ends, SP_PROT_TLS1_3, NULL);
    if (status == SEC_E_OK && !ends_shake(&ends)) {
        status = ends.status[0] < 0 ? ends.status[0] : ends.status[1];
    }
    SecPkgContext_ClientCreds creds = {0, NULL};
    if (status == SEC_E_OK) {
        status = QueryContextAttributesA(&ends.contexts[END_SERVER], SECPKG_ATTR_CREDS, &creds);
    }
    if (status == SEC_E_OK) {
        FreeContextBuffer(creds.AuthBuffer);
        status = ImpersonateSecurityContext(&ends.contexts[END_SERVER]);
    }
    if (status == SEC_E_OK) {
        SEC_CHAR ntlm[] = "NTLM";
        CredHandle second;
        status = AcquireCredentialsHandleA(NULL, ntlm, SECPKG_CRED_OUTBOUND, NULL, NULL, NULL, NULL, &second, NULL);
        if (status == SEC_E_OK) {
            FreeCredentialsHandle(&second);
        }
        (void)RevertSecurityContext(&ends.contexts[END_SERVER]);
    }
    return status;
}

static void nothing_left(const char *when)
{
    const char *name;
    size_t count = memory_found(&name);
    if (count != 0) {
        print_message("# %s: %s was found in %zu freed blocks\n", when, name, count);
    }
    assert_int_equal(count, 0);
}

static void watch(void)
{
    memory_watch_nothing();
    memory_watch("the password", password, sizeof password);
}

/* The search itself works, in OpenSSL's memory too. */
static void finds_what_is_there(void **state)
{
    const char *name;
    watch();
    uint8_t *block = OPENSSL_malloc(100);
    assert_non_null(block);
    memset(block, 0, 100);
    memcpy(block + 31, password, sizeof password);
    __asm__ volatile("" : : "r"(block) : "memory");
    OPENSSL_free(block);
    assert_int_equal(memory_found(&name), 1);
}

static void a_whole_life(void **state)
{
    watch();
    assert_int_equal(life(), SEC_E_OK);
    ends_free(&ends);
    nothing_left("after all");
}

/* ... or one that breaks off at any allocation. */
static void a_life_that_breaks_off(void **state)
{
    watch();
    bool failed = true;
    for (unsigned long n = 1; failed && n < 20000; n += n < 50 ? 1 : 3) {
        memory_fail_at(n);
        SECURITY_STATUS status = life();
        failed = memory_has_failed();
        memory_fail_at(0);
        ends_free(&ends);
        assert_true(failed || status == SEC_E_OK);
        nothing_left("after a failed allocation");
    }
    assert_false(failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_there),
        cmocka_unit_test(a_whole_life),
        cmocka_unit_test(a_life_that_breaks_off),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (CRYPTO_set_mem_functions(take, resize, give) != 1) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
