/* Reasons: the first one of a call stays, each thread has its own, and every macro leaves the way it says. */
#include "vectors/hex.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/status.h"

static SECURITY_STATUS refuse(SECURITY_STATUS status, const char *why)
{
    FAIL(status, why);
}

static SECURITY_STATUS require(bool condition)
{
    REQUIRE(condition, SEC_E_LOGON_DENIED, "the condition does not hold");
    return SEC_I_CONTINUE_NEEDED;
}

static SECURITY_STATUS try_then_ok(SECURITY_STATUS status)
{
    TRY(status);
    return SEC_E_OK;
}

static void first_reason_wins(void **state)
{
    SECURITY_STATUS status = SEC_E_OK;
    const char *file = NULL;
    int line = 0;
    status_begin();
    assert_null(status_reason(&status, &file, &line));
    assert_int_equal(refuse(SEC_E_INVALID_TOKEN, "first"), SEC_E_INVALID_TOKEN);
    assert_int_equal(refuse(SEC_E_INTERNAL_ERROR, "second"), SEC_E_INTERNAL_ERROR);
    assert_string_equal(status_reason(&status, &file, &line), "first");
    assert_int_equal(status, SEC_E_INVALID_TOKEN);
    assert_non_null(strstr(file, "status.c"));
    assert_true(line > 0);
    status_begin();
    assert_null(status_reason(NULL, NULL, NULL));
}

static void macros(void **state)
{
    status_begin();
    assert_int_equal(require(true), SEC_I_CONTINUE_NEEDED);
    assert_null(status_reason(NULL, NULL, NULL));
    assert_int_equal(require(false), SEC_E_LOGON_DENIED);
    assert_string_equal(status_reason(NULL, NULL, NULL), "the condition does not hold");
    assert_int_equal(try_then_ok(SEC_E_INVALID_TOKEN), SEC_E_INVALID_TOKEN);
    assert_int_equal(try_then_ok(SEC_I_CONTINUE_NEEDED), SEC_E_OK); /* positive: not a failure */
    assert_int_equal(try_then_ok(SEC_E_OK), SEC_E_OK);
}

static void *other_thread(void *argument)
{
    bool *clean = argument;
    *clean = status_reason(NULL, NULL, NULL) == NULL;
    (void)refuse(SEC_E_INVALID_HANDLE, "of the other thread");
    return NULL;
}

static void threads_have_their_own(void **state)
{
    bool clean = false;
    pthread_t thread;
    status_begin();
    (void)refuse(SEC_E_INVALID_TOKEN, "of this thread");
    assert_int_equal(pthread_create(&thread, NULL, other_thread, &clean), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(clean);
    assert_string_equal(status_reason(NULL, NULL, NULL), "of this thread");
}

static void names(void **state)
{
    assert_string_equal(status_name(SEC_E_OK), "SEC_E_OK");
    assert_string_equal(status_name((SECURITY_STATUS)0x80090308), "SEC_E_INVALID_TOKEN");
    assert_string_equal(status_name((SECURITY_STATUS)0x8009030c), "SEC_E_LOGON_DENIED");
    assert_string_equal(status_name((SECURITY_STATUS)0x80090346), "SEC_E_BAD_BINDINGS");
    assert_string_equal(status_name(0x00090312), "SEC_I_CONTINUE_NEEDED");
    assert_null(status_name(0x12345678));
}

static void stolen_is_not_freed(void **state)
{
    char *kept;
    {
        AUTO_FREE char *memory = malloc(4);
        assert_non_null(memory);
        memcpy(memory, "abc", 4);
        kept = STEAL(memory);
        assert_null(memory);
    }
    assert_string_equal(kept, "abc");
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_reason_wins),      cmocka_unit_test(macros),
        cmocka_unit_test(threads_have_their_own), cmocka_unit_test(names),
        cmocka_unit_test(stolen_is_not_freed),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
