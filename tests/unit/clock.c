/* FILETIME: the epoch, the zones, and the value that means never. */
#include "vectors/hex.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

#define EPOCH UINT64_C(116444736000000000) /* 1970-01-01 in ticks since 1601 (Microsoft Learn, FILETIME) */

/* Not time(2): its clock lags behind by up to a tick of the kernel, and so is in another second now and then. */
static uint64_t kernel_time(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
    return EPOCH + (uint64_t)now.tv_sec * CLOCK_SECOND + (uint64_t)now.tv_nsec / 100;
}

static void now_is_now(void **state)
{
    uint64_t before = kernel_time();
    uint64_t now = clock_now();
    uint64_t after = kernel_time();
    assert_true(before <= now && now <= after);
}

static uint64_t fixed(void)
{
    return 12345;
}

static void source_can_be_replaced(void **state)
{
    uint64_t (*before)(void) = clock_source;
    clock_source = fixed;
    assert_true(clock_now() == 12345);
    clock_source = before;
}

static void local_time(void **state)
{
    uint64_t winter = EPOCH + UINT64_C(1705320000) * CLOCK_SECOND; /* 2024-01-15 12:00 UTC */
    uint64_t summer = EPOCH + UINT64_C(1721044800) * CLOCK_SECOND; /* 2024-07-15 12:00 UTC */
    setenv("TZ", "UTC0", 1);
    tzset();
    assert_true(clock_to_local(winter) == winter);
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1); /* POSIX: no zone files needed */
    tzset();
    assert_true(clock_to_local(winter) == winter + 3600 * CLOCK_SECOND);
    assert_true(clock_to_local(summer) == summer + 7200 * CLOCK_SECOND);
    setenv("TZ", "EST5", 1);
    tzset();
    assert_true(clock_to_local(winter + 7) == winter + 7 - 5 * 3600 * CLOCK_SECOND); /* ticks are kept */
}

static void never_stays_never(void **state)
{
    setenv("TZ", "CET-1", 1);
    tzset();
    assert_true(clock_to_local(CLOCK_NEVER) == CLOCK_NEVER);
    assert_true(clock_to_local(UINT64_MAX) == UINT64_MAX);
    assert_true(clock_to_local(0) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(now_is_now),
        cmocka_unit_test(source_can_be_replaced),
        cmocka_unit_test(local_time),
        cmocka_unit_test(never_stays_never),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
