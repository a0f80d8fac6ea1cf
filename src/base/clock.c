#include "base/clock.h"

#include <time.h>

/* Ticks between 1601-01-01 and 1970-01-01. */
#define EPOCH_DIFFERENCE UINT64_C(116444736000000000)

static uint64_t system_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return EPOCH_DIFFERENCE + (uint64_t)now.tv_sec * CLOCK_SECOND + (uint64_t)now.tv_nsec / 100;
}

uint64_t (*clock_source)(void) = system_clock;

uint64_t clock_to_local(uint64_t utc)
{
    if (utc >= CLOCK_NEVER || utc < EPOCH_DIFFERENCE) {
        return utc;
    }
    time_t seconds = (time_t)((utc - EPOCH_DIFFERENCE) / CLOCK_SECOND);
    struct tm local;
    if (localtime_r(&seconds, &local) == NULL) {
        return utc;
    }
    return utc + (uint64_t)(int64_t)local.tm_gmtoff * CLOCK_SECOND;
}
