/* What goes into a step and what comes out of it: tokens, verdicts, times, and nothing at all after a failure. */
#include "fake.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/context_buffer.h"

/* A failing first leg: no handle, no context left, even when the package forgot to take its context back. */
static void test_failed_first_leg_leaves_nothing(void **state)
{
    struct io out;
    CtxtHandle context = {7, 7};
    ULONG attributes = 7;
    TimeStamp expiry = {.QuadPart = 7};
    CredHandle credential = acquire(fake_name);
    script.status = SEC_E_LOGON_DENIED;
    for (int forgets = 0; forgets < 2; forgets++) {
        script.leave_context = forgets != 0;
        assert_int_equal(
            AcceptSecurityContext(&credential, NULL, NULL, 0, 0, &context, io_init(&out, 100), &attributes, &expiry),
            SEC_E_LOGON_DENIED);
        assert_int_equal(script.contexts, 0);
        assert_int_equal(context.dwLower, 7);
        assert_int_equal(context.dwUpper, 7);
        assert_int_equal(attributes, 7);
        assert_int_equal(expiry.QuadPart, 7);
        assert_int_equal(out.buffers[0].cbBuffer, 100);
    }
    close_all(&credential, NULL);
}

/* A package that does not ask the writer whether its token fitted is found out. */
static void test_truncated_token_is_never_handed_out(void **state)
{
    struct io out;
    CtxtHandle context = {7, 7};
    CredHandle credential = acquire(fake_name);
    script.ignore_writer = true;
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &context, io_init(&out, 19)), SEC_E_BUFFER_TOO_SMALL);
    assert_int_equal(script.contexts, 0);
    assert_int_equal(context.dwLower, 7);
    assert_int_equal(out.buffers[0].cbBuffer, 19);
    assert_int_equal(initiate(&credential, NULL, 0, NULL, &context, NULL), SEC_E_BUFFER_TOO_SMALL);
    close_all(&credential, NULL);
}

static void test_allocated_token_is_exact(void **state)
{
    static const size_t sizes[] = {1, 20, 4095, 4096, 4097, MAX_TOKEN};
    CredHandle credential = acquire(fake_name);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct io out;
        CtxtHandle context;
        script.token_size = sizes[i];
        io_init(&out, 0);
        out.buffers[0].pvBuffer = NULL;
        assert_int_equal(initiate(&credential, NULL, ISC_REQ_ALLOCATE_MEMORY, NULL, &context, &out.descriptor),
                         SEC_I_CONTINUE_NEEDED);
        assert_int_equal(out.buffers[0].cbBuffer, sizes[i]);
        assert_int_equal(context_buffer_size(out.buffers[0].pvBuffer), sizes[i]);
        assert_int_equal(((uint8_t *)out.buffers[0].pvBuffer)[sizes[i] - 1], 0xC3);
        assert_int_equal(FreeContextBuffer(out.buffers[0].pvBuffer), SEC_E_OK);
        assert_int_equal(DeleteSecurityContext(&context), SEC_E_OK);
    }
    script.token_size = MAX_TOKEN + 1;
    struct io out;
    CtxtHandle context;
    assert_int_equal(initiate(&credential, NULL, ISC_REQ_ALLOCATE_MEMORY, NULL, &context, io_init(&out, 0)),
                     SEC_E_BUFFER_TOO_SMALL);
    close_all(&credential, NULL);
}

static void test_incomplete_message_touches_nothing(void **state)
{
    static const SECURITY_STATUS statuses[] = {SEC_E_INCOMPLETE_MESSAGE, SEC_E_INSUFFICIENT_MEMORY};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct io out;
        CtxtHandle context;
        CtxtHandle again = {7, 7};
        CredHandle credential = acquire(fake_name);
        script.status = SEC_I_CONTINUE_NEEDED;
        script.token_size = 20;
        assert_int_equal(initiate(&credential, NULL, 0, NULL, &context, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
        script.status = statuses[i];
        script.token_size = i == 0 ? 20 : 0; /* without memory a package has no error token to send */
        io_init(&out, 100);
        out.buffers[0].pvBuffer = NULL;
        assert_int_equal(
            initiate(NULL, &context, ISC_REQ_EXTENDED_ERROR | ISC_REQ_ALLOCATE_MEMORY, NULL, &again, &out.descriptor),
            statuses[i]);
        assert_int_equal(out.buffers[0].cbBuffer, 100);
        assert_null(out.buffers[0].pvBuffer);
        assert_int_equal(again.dwLower, 7);
        assert_int_equal(again.dwUpper, 7);
        close_all(&credential, &context);
    }
}

/* An error token goes out when the caller asked for one and the package has such tokens. */
static void test_error_tokens(void **state)
{
    struct io out;
    CtxtHandle context;
    CredHandle with = acquire(fake_name);
    CredHandle without = acquire(bare_name);
    script.status = SEC_E_LOGON_DENIED;
    assert_int_equal(
        AcceptSecurityContext(&with, NULL, NULL, ASC_REQ_EXTENDED_ERROR, 0, &context, io_init(&out, 100), NULL, NULL),
        SEC_E_LOGON_DENIED);
    assert_int_equal(out.buffers[0].cbBuffer, 20);
    assert_int_equal(out.bytes[19], 0xC3);
    /* The bit that means this for a client means something else for a server. */
    assert_int_equal(
        AcceptSecurityContext(&with, NULL, NULL, ISC_REQ_EXTENDED_ERROR, 0, &context, io_init(&out, 100), NULL, NULL),
        SEC_E_LOGON_DENIED);
    assert_int_equal(out.buffers[0].cbBuffer, 100);
    assert_int_equal(
        initiate(&with, NULL, ISC_REQ_EXTENDED_ERROR | ISC_REQ_ALLOCATE_MEMORY, NULL, &context, io_init(&out, 0)),
        SEC_E_LOGON_DENIED);
    assert_int_equal(out.buffers[0].cbBuffer, 20);
    assert_int_equal(FreeContextBuffer(out.buffers[0].pvBuffer), SEC_E_OK);
    script.token_size = 5;
    assert_int_equal(AcceptSecurityContext(&without, NULL, NULL, ASC_REQ_EXTENDED_ERROR, 0, &context,
                                           io_init(&out, 100), NULL, NULL),
                     SEC_E_LOGON_DENIED);
    assert_int_equal(out.buffers[0].cbBuffer, 100);
    close_all(&with, NULL);
    close_all(&without, NULL);
}

static void test_verdict_on_the_bindings(void **state)
{
    static const uint8_t untouched[4] = {0};
    struct io out;
    CtxtHandle context;
    CredHandle credential = acquire(fake_name);
    script.bindings_result = SEC_CHANNEL_BINDINGS_RESULT_NOTVALID_MISMATCH;
    script.status = SEC_E_BAD_BINDINGS;
    io_init(&out, 100);
    assert_int_equal(AcceptSecurityContext(&credential, NULL, NULL, 0, 0, &context, &out.descriptor, NULL, NULL),
                     SEC_E_BAD_BINDINGS);
    assert_memory_equal(out.result, "\4\0\0\0", 4);
    script.status = SEC_E_LOGON_DENIED;
    io_init(&out, 100);
    assert_int_equal(AcceptSecurityContext(&credential, NULL, NULL, 0, 0, &context, &out.descriptor, NULL, NULL),
                     SEC_E_LOGON_DENIED);
    assert_memory_equal(out.result, untouched, 4);
    script.status = SEC_E_BAD_BINDINGS;
    io_init(&out, 100);
    out.buffers[1].cbBuffer = 3; /* too small for it */
    assert_int_equal(AcceptSecurityContext(&credential, NULL, NULL, 0, 0, &context, &out.descriptor, NULL, NULL),
                     SEC_E_BAD_BINDINGS);
    assert_memory_equal(out.result, untouched, 4);
    script.status = SEC_E_OK;
    script.bindings_result = SEC_CHANNEL_BINDINGS_RESULT_VALID_MATCHED;
    io_init(&out, 100);
    assert_int_equal(AcceptSecurityContext(&credential, NULL, NULL, 0, 0, &context, &out.descriptor, NULL, NULL),
                     SEC_E_OK);
    assert_memory_equal(out.result, "\x10\0\0\0", 4);
    close_all(&credential, &context);
}

/* What the package is told: token, bindings and target by type, whatever their order and attributes. */
static void test_what_a_step_is_given(void **state)
{
    uint8_t token[] = {1, 2, 3};
    uint8_t bindings[] = {4, 5};
    char host[] = "h\xc3\xb6st";
    char target[] = "z\xc3\xbcrich";
    static const uint8_t host_wide[] = {'h', 0, 0xf6, 0, 's', 0, 't', 0};
    static const uint8_t target_wide[] = {'z', 0, 0xfc, 0, 'r', 0, 'i', 0, 'c', 0, 'h', 0};
    SecBuffer list[] = {
        {.cbBuffer = 4711, .BufferType = SECBUFFER_EMPTY},
        {.cbBuffer = 5, .BufferType = SECBUFFER_TARGET_HOST | SECBUFFER_READONLY, .pvBuffer = host},
        {.cbBuffer = 2, .BufferType = SECBUFFER_CHANNEL_BINDINGS | SECBUFFER_READONLY, .pvBuffer = bindings},
        {.cbBuffer = 3, .BufferType = SECBUFFER_TOKEN | SECBUFFER_READONLY, .pvBuffer = token},
    };
    SecBufferDesc input = {.ulVersion = SECBUFFER_VERSION, .cBuffers = 4, .pBuffers = list};
    struct io out;
    CtxtHandle context;
    CredHandle credential = acquire(fake_name);
    assert_int_equal(initiate(&credential, NULL, 0x12345600, &input, &context, io_init(&out, 100)),
                     SEC_I_CONTINUE_NEEDED);
    assert_true(script.seen.has_token);
    assert_ptr_equal(script.seen.token.data, token);
    assert_int_equal(script.seen.token.size, 3);
    assert_ptr_equal(script.seen.bindings.data, bindings);
    assert_int_equal(script.seen.flags, 0x12345600);
    assert_int_equal(script.seen.target.size, sizeof host_wide);
    assert_memory_equal(script.seen_target, host_wide, sizeof host_wide);
    assert_int_equal(
        InitializeSecurityContextA(NULL, &context, target, 0, 0, 0, &input, 0, NULL, io_init(&out, 100), NULL, NULL),
        SEC_I_CONTINUE_NEEDED);
    assert_int_equal(script.seen.target.size, sizeof target_wide);
    assert_memory_equal(script.seen_target, target_wide, sizeof target_wide);
    assert_int_equal(initiate(NULL, &context, 0, NULL, NULL, io_init(&out, 100)), SEC_I_CONTINUE_NEEDED);
    assert_false(script.seen.has_token);
    assert_int_equal(script.seen.target.size, 0);
    close_all(&credential, &context);
}

/* Names that the short way through the stack does not take: long ones, and what is not UTF-8. */
static void test_long_and_broken_targets(void **state)
{
    char longest[400];
    char broken[] = "h\xffst";
    struct io out;
    CtxtHandle context = {7, 7};
    CredHandle credential = acquire(fake_name);
    assert_int_equal(InitializeSecurityContextA(&credential, NULL, broken, 0, 0, 0, NULL, 0, &context,
                                                io_init(&out, 100), NULL, NULL),
                     SEC_E_INVALID_TOKEN);
    assert_int_equal(context.dwLower, 7);
    memset(longest, 'x', sizeof longest);
    static const size_t lengths[] = {0, 1, 255, 256, 257, 399};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        longest[lengths[i]] = '\0';
        assert_int_equal(InitializeSecurityContextA(&credential, NULL, longest, 0, 0, 0, NULL, 0, &context,
                                                    io_init(&out, 100), NULL, NULL),
                         SEC_I_CONTINUE_NEEDED);
        assert_int_equal(script.seen.target.size, 2 * lengths[i]);
        assert_int_equal(DeleteSecurityContext(&context), SEC_E_OK);
        longest[lengths[i]] = 'x';
    }
    close_all(&credential, NULL);
}

/* Times go out as local ones, "never" stays what it is, and every pointer for results may be NULL. */
static void test_expiry_is_local(void **state)
{
    struct io out;
    CtxtHandle context;
    TimeStamp expiry = {.QuadPart = 0};
    ULONG attributes = 0;
    CredHandle credential = acquire(fake_name);
    setenv("TZ", "XST-05:30", 1); /* five and a half hours east */
    tzset();
    script.expiry = UINT64_C(133000000000000000);
    script.flags = ISC_RET_REPLAY_DETECT;
    assert_int_equal(InitializeSecurityContextA(&credential, NULL, NULL, ISC_REQ_ALLOCATE_MEMORY, 0, 0, NULL, 0,
                                                &context, io_init(&out, 100), &attributes, &expiry),
                     SEC_I_CONTINUE_NEEDED);
    assert_int_equal(expiry.QuadPart, INT64_C(133000000000000000) + INT64_C(19800) * 10000000);
    assert_int_equal(attributes, ISC_RET_REPLAY_DETECT | ISC_RET_ALLOCATED_MEMORY);
    assert_int_equal(FreeContextBuffer(out.buffers[0].pvBuffer), SEC_E_OK);
    script.expiry = CLOCK_NEVER;
    assert_int_equal(
        InitializeSecurityContextA(NULL, &context, NULL, 0, 0, 0, NULL, 0, NULL, io_init(&out, 100), NULL, &expiry),
        SEC_I_CONTINUE_NEEDED);
    assert_int_equal(expiry.QuadPart, INT64_MAX);
    close_all(&credential, &context);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fake_set_up, fake_nothing_left)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_failed_first_leg_leaves_nothing),
        TEST(test_truncated_token_is_never_handed_out),
        TEST(test_allocated_token_is_exact),
        TEST(test_incomplete_message_touches_nothing),
        TEST(test_error_tokens),
        TEST(test_verdict_on_the_bindings),
        TEST(test_what_a_step_is_given),
        TEST(test_long_and_broken_targets),
        TEST(test_expiry_is_local),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
